"""An application over paho-mqtt in all three versions, with pika at the other end of some conversations.

Over TCP; with names of other transports (tls, ws, wss) as arguments, over these, in the cases where it makes a difference.
"""

import os
import socket
import sys
import threading

import paho.mqtt.client as mqtt
import pika
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, attempt, await_restart, equal, is_served, request_kill  # noqa: E402

HOST = "localhost"
PORTS = {"tcp": 1883, "tls": 8883, "ws": 61618, "wss": 61619}
VERSIONS = (mqtt.MQTTv31, mqtt.MQTTv311, mqtt.MQTTv5)
WAIT_S = 10
KEPT_MESSAGES = 300


def new_client(name, version, password="guest", **more):
    """One that is not connected yet, over the transport of this run."""
    is_web = Client.transport in ("ws", "wss")
    more["transport"] = "websockets" if is_web else "tcp"
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=version, **more)
    client.username_pw_set("guest", password)
    if is_web:
        client.ws_set_options(path="/ws")
    if Client.transport in ("tls", "wss"):
        client.tls_set(ca_certs=os.environ["TLS_CA"])
    return client


class Client:
    """A client whose callbacks only collect."""

    transport = "tcp"

    def __init__(self, name, version=mqtt.MQTTv5, is_clean=True, keep_s=0, will=None):
        self.changed = threading.Condition()
        self.messages, self.answers, self.connack, self.ended = [], [], None, None
        more = {} if version == mqtt.MQTTv5 else {"clean_session": is_clean}
        self.client = new_client(name, version, **more)
        self.client.on_connect = lambda c, u, flags, code, p: self.note("connack", (flags, code, p))
        self.client.on_disconnect = lambda c, u, flags, code, p: self.note("ended", code)
        self.client.on_message = lambda c, u, message: self.add(self.messages, message)
        self.client.on_subscribe = lambda c, u, mid, codes, p: self.add(self.answers, codes)
        if will is not None:
            self.client.will_set(**will)
        if version == mqtt.MQTTv5:
            properties = Properties(PacketTypes.CONNECT)
            properties.SessionExpiryInterval = keep_s
            self.client.connect(HOST, PORTS[self.transport], clean_start=is_clean, properties=properties)
        else:
            self.client.connect(HOST, PORTS[self.transport])
        self.client.loop_start()
        self.wait(lambda: self.connack is not None, "CONNACK")

    def note(self, name, value):
        with self.changed:
            setattr(self, name, value)
            self.changed.notify_all()

    def add(self, entries, value):
        with self.changed:
            entries.append(value)
            self.changed.notify_all()

    def wait(self, condition, what):
        with self.changed:
            if not self.changed.wait_for(condition, WAIT_S):
                raise AssertionError(f"no {what} within {WAIT_S} s")

    def subscribe(self, *args, **more):
        before = len(self.answers)
        self.client.subscribe(*args, **more)
        self.wait(lambda: len(self.answers) > before, "SUBACK")
        return [code.value for code in self.answers[-1]]

    def publish(self, topic, body, **more):
        info = self.client.publish(topic, body, **more)
        info.wait_for_publish(WAIT_S)
        if not info.is_published():
            raise AssertionError(f"{topic} was not acknowledged")

    def take(self, count):
        """The next messages, as tuples in the order of their topics."""
        self.wait(lambda: len(self.messages) >= count, f"{count} messages ({len(self.messages)} came)")
        with self.changed:
            taken, self.messages = self.messages, []
        return taken

    def facts(self, count):
        return sorted((m.topic, m.payload.decode(), m.qos, m.retain) for m in self.take(count))

    def leave(self):
        self.client.disconnect()
        self.client.loop_stop()

    def vanish(self):
        """Go without a word."""
        self.client.loop_stop()
        # Below TLS and WebSocket, which would say that they end.
        with socket.socket(fileno=os.dup(self.client.socket().fileno())) as below:
            below.shutdown(socket.SHUT_RDWR)
        self.client.socket().close()


def every_qos(version):
    reader, writer = Client("q-reader", version), Client("q-writer", version)
    equal(reader.subscribe([("q/+/x", 2), ("q/low/#", 0)]), [2, 0], "granted")
    for qos in (0, 1, 2):
        writer.publish(f"q/{qos}/x", f"body {qos}", qos=qos)
    writer.publish("q/low/y", "low", qos=2)
    wanted = [(f"q/{qos}/x", f"body {qos}", qos, False) for qos in (0, 1, 2)] + [("q/low/y", "low", 0, False)]
    equal(reader.facts(4), wanted, "messages")
    reader.leave()
    writer.leave()


def large(version):
    """More than one frame, record or read can hold."""
    reader, writer = Client("l-reader", version), Client("l-writer", version)
    reader.subscribe("l/#", qos=1)
    body = bytes(range(256)) * 8192
    for qos in (0, 1, 2):
        writer.publish(f"l/{qos}", body, qos=qos)
    equal([len(message.payload) for message in reader.take(3)], [len(body)] * 3, "lengths")
    reader.leave()
    writer.leave()


def retained(version):
    writer = Client("r-writer", version)
    writer.publish("r/a", "old", qos=1, retain=True)
    writer.publish("r/a", "kept", qos=1, retain=True)
    writer.publish("r/b", "gone", qos=2, retain=True)
    writer.publish("r/b", "", qos=0, retain=True)
    reader = Client("r-reader", version)
    reader.subscribe("r/#", qos=1)
    equal(reader.facts(1), [("r/a", "kept", 1, True)], "retained")
    writer.publish("r/a", "", qos=1, retain=True)
    equal(reader.facts(1), [("r/a", "", 1, False)], "live")
    reader.leave()
    writer.leave()


def last_will(version):
    reader = Client("w-reader", version)
    reader.subscribe("w/#", qos=1)
    Client("w-quiet", version, will={"topic": "w/quiet", "payload": "never", "qos": 1}).leave()
    Client("w-lost", version, will={"topic": "w/lost", "payload": "gone", "qos": 1}).vanish()
    equal(reader.facts(1), [("w/lost", "gone", 1, False)], "the will")
    reader.leave()


def kept_session(version):
    first = Client("kept", version, is_clean=False, keep_s=1000)
    first.subscribe("k/#", qos=2)
    first.leave()
    writer = Client("k-writer", version)
    for qos in (0, 1, 2):
        writer.publish(f"k/{qos}", "x", qos=qos)
    second = Client("kept", version, is_clean=False, keep_s=1000)
    if version != mqtt.MQTTv31:
        equal(second.connack[0].session_present, True, "session present")
    equal(second.facts(2), [("k/1", "x", 1, False), ("k/2", "x", 2, False)], "kept messages")
    third = Client("kept", version, is_clean=False, keep_s=1000)
    second.wait(lambda: second.ended is not None, "end of the connection that was taken over")
    second.client.loop_stop()
    third.leave()
    fresh = Client("kept", version, is_clean=True)
    equal(fresh.connack[0].session_present, False, "session present after a clean start")
    fresh.leave()
    writer.leave()


def shared():
    members = [Client(f"s-{number}") for number in range(3)]
    for member in members:
        equal(member.subscribe("$share/group/s/#", qos=1), [1], "granted")
    writer = Client("s-writer")
    for number in range(30):
        writer.publish(f"s/{number}", str(number), qos=1)
    taken = [body for member in members for _, body, _, _ in member.facts(10)]
    equal(sorted(taken, key=int), [str(number) for number in range(30)], "each message once")
    for client in members + [writer]:
        client.leave()


def properties_travel():
    reader, writer = Client("p-reader"), Client("p-writer")
    asked = Properties(PacketTypes.SUBSCRIBE)
    asked.SubscriptionIdentifier = 9
    reader.subscribe("p/#", options=SubscribeOptions(qos=1), properties=asked)
    given = Properties(PacketTypes.PUBLISH)
    given.UserProperty = [("k", "1"), ("k", "2")]
    given.ContentType = "text/plain"
    given.ResponseTopic = "answers/here"
    given.CorrelationData = b"\x00\xff"
    given.MessageExpiryInterval = 60
    writer.publish("p/x", "x", qos=1, properties=given)
    got = reader.take(1)[0].properties
    equal(got.UserProperty, [("k", "1"), ("k", "2")], "user properties")
    equal((got.ContentType, got.ResponseTopic, got.CorrelationData), ("text/plain", "answers/here", b"\x00\xff"), "properties")
    equal(got.SubscriptionIdentifier, [9], "subscription identifier")
    if not 58 <= got.MessageExpiryInterval <= 60:
        raise AssertionError(f"message expiry {got.MessageExpiryInterval}")
    reader.leave()
    writer.leave()


def amqp_reads_mqtt():
    channel = pika.BlockingConnection(pika.URLParameters(AMQP_URL)).channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "amq.topic", "plant.*.temperature")
    writer = Client("m-writer")
    given = Properties(PacketTypes.PUBLISH)
    given.UserProperty = ("unit", "C")
    given.ContentType = "text/plain"
    given.ResponseTopic = "answers/here"
    given.CorrelationData = b"42"
    writer.publish("plant/7/temperature", "21", qos=1, properties=given)
    method, properties, body = next(channel.consume(queue, inactivity_timeout=WAIT_S))
    equal((method.routing_key, body), ("plant.7.temperature", b"21"), "message")
    equal((properties.delivery_mode, properties.content_type), (2, "text/plain"), "properties")
    equal(properties.correlation_id, "42", "for the answer")
    equal(properties.headers, {"unit": "C", "x-reply-to-topic": "answers.here"}, "headers")
    reader = Client("m-reader")
    reader.subscribe("answers/#", qos=1)
    answer = pika.BasicProperties(correlation_id=properties.correlation_id, headers={"ok": True}, delivery_mode=2)
    channel.basic_publish("amq.topic", properties.headers["x-reply-to-topic"], b"thanks", answer)
    message = reader.take(1)[0]
    equal((message.topic, message.payload, message.qos), ("answers/here", b"thanks", 1), "answer")
    equal(message.properties.CorrelationData, b"42", "correlation data")
    equal(message.properties.UserProperty, [("ok", "true")], "user properties")
    channel.connection.close()
    reader.leave()
    writer.leave()


def refused():
    client = new_client("bad", mqtt.MQTTv5, password="wrong")
    codes, done = [], threading.Event()
    client.on_connect = lambda c, u, flags, code, p: (codes.append(code.value), done.set())
    client.connect(HOST, PORTS[Client.transport])
    client.loop_start()
    if not done.wait(WAIT_S):
        raise AssertionError("no CONNACK")
    client.loop_stop()
    equal(codes[0], 0x86, "reason")


def outlive_a_kill():
    """QoS 2 messages of a kept session, the retained store and wills come through SIGKILL, each once."""
    reader = Client("o-reader", is_clean=False, keep_s=1000)
    reader.subscribe([("o/#", 2), ("$share/g/og", 1)])
    reader.leave()
    witness = Client("o-witness", is_clean=False, keep_s=1000)
    witness.subscribe("ow/#", qos=1)
    witness.leave()
    writer = Client("o-writer")
    for number in range(KEPT_MESSAGES):
        writer.publish(f"o/{number}", str(number), qos=2)
    writer.publish("og", "shared", qos=1)
    writer.publish("or/kept", "kept", qos=1, retain=True)
    doomed = Client("o-doomed", keep_s=1000, will={"topic": "ow/x", "payload": "gone", "qos": 1})
    for client in (writer, doomed):
        client.client.loop_stop()
    request_kill()
    await_restart()
    reader = Client("o-reader", is_clean=False, keep_s=1000)
    equal(reader.connack[0].session_present, True, "session present")
    bodies = [message.payload.decode() for message in reader.take(KEPT_MESSAGES + 1)]
    wanted = [str(number) for number in range(KEPT_MESSAGES)] + ["shared"]
    equal(sorted(bodies), sorted(wanted), "messages, each once")
    witness = Client("o-witness", is_clean=False, keep_s=1000)
    equal(witness.facts(1), [("ow/x", "gone", 1, False)], "the will")
    witness.subscribe("or/#", qos=1)
    equal(witness.facts(1), [("or/kept", "kept", 1, True)], "retained")
    for client in (reader, witness):
        client.leave()


def main():
    if not is_served(HOST, PORTS["tcp"], "MQTT"):
        return
    transports = sys.argv[1:]
    by_version = (every_qos, large, retained, last_will, kept_session)
    once = (shared, properties_travel, amqp_reads_mqtt, refused) + (() if transports else (outlive_a_kill,))
    for transport in transports or ["tcp"]:
        Client.transport = transport
        suffix = f" {transport}" if transports else ""
        cases = [
            (f"{case.__name__}{suffix} {name}", lambda case=case, version=version: case(version))
            for case in by_version
            for version, name in zip(VERSIONS, ("3.1", "3.1.1", "5"))
        ]
        cases += [(f"{case.__name__}{suffix}", case) for case in once]
        for name, case in cases:
            attempt(name, case)


main()
