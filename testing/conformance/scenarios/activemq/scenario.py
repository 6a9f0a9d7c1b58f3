"""An application that counts on ActiveMQ's ways: stomp.py at one end, stomp.py or paho-mqtt at the other.

Nothing is waited for that must not come: a message that has to come is sent behind it, and is the next one.
"""

import base64
import json
import os
import queue
import socket
import sys
import time
import urllib.request
import uuid
from urllib.parse import urlparse

import paho.mqtt.client as mqtt
import stomp
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import attempt, await_restart, equal, request_kill  # noqa: E402

STOMP_ADDRESS = urlparse(os.environ["STOMP_URL"])
MANAGEMENT = urlparse(os.environ["MANAGEMENT_URL"])
MQTT_PORT, WEBSOCKET_PORT = 1883, 61618
CLASSES = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}
WAIT_S = 20
DEAD = "/queue/ActiveMQ.DLQ"
ADMINISTRATOR = (STOMP_ADDRESS.username, STOMP_ADDRESS.password)


class Client(stomp.ConnectionListener):
    """One connection whose frames can be waited for."""

    def __init__(self, version="1.2", client_id=None, login=ADMINISTRATOR, waits=True):
        options = {} if version == "1.0" else {"vhost": "localhost"}
        self.connection = CLASSES[version](
            [(STOMP_ADDRESS.hostname, STOMP_ADDRESS.port)], auto_content_length=True, **options
        )
        self.messages, self.receipts, self.errors, self.gone = (queue.Queue() for _ in range(4))
        self.connection.set_listener("", self)
        headers = {"client-id": client_id} if client_id else {}
        self.connection.connect(*login, wait=waits, headers=headers)
        self.subscriptions = 0

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)

    def on_disconnected(self):
        self.gone.put(True)

    def take(self, count=1):
        """The next messages."""
        return [self.messages.get(timeout=WAIT_S) for _ in range(count)]

    def bodies(self, count=1):
        return [frame.body for frame in self.take(count)]

    def error(self):
        """The short text of the ERROR that ends the connection."""
        text = self.errors.get(timeout=WAIT_S).headers["message"]
        self.gone.get(timeout=WAIT_S)
        return text

    def send(self, destination, body, transaction=None, **headers):
        """Send and wait until it is taken; in a transaction nothing is waited for."""
        receipt = None if transaction else uuid.uuid4().hex
        self.connection.send(destination, body, headers=headers, receipt=receipt, transaction=transaction)
        if receipt:
            equal(self.receipts.get(timeout=WAIT_S), receipt, "receipt")

    def subscribe(self, destination, ack="auto", **headers):
        """Subscribe and wait for the receipt; `activemq_x` stands for the header activemq.x. Gives the id."""
        self.subscriptions += 1
        id, receipt = f"s{self.subscriptions}", uuid.uuid4().hex
        headers = {name.replace("activemq_", "activemq."): value for name, value in headers.items()}
        self.connection.subscribe(destination, id, ack, headers=headers, receipt=receipt)
        equal(self.receipts.get(timeout=WAIT_S), receipt, "receipt")
        return id

    def unsubscribe(self, id, **headers):
        receipt = uuid.uuid4().hex
        self.connection.unsubscribe(id, headers=headers, receipt=receipt)
        equal(self.receipts.get(timeout=WAIT_S), receipt, "receipt")

    def close(self):
        self.connection.disconnect(receipt=uuid.uuid4().hex)
        self.gone.get(timeout=WAIT_S)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.connection.is_connected():
            self.close()


class Device:
    """One MQTT client."""

    def __init__(self, name, filters=(), transport="tcp", will=None, login=ADMINISTRATOR, session_s=0):
        port = WEBSOCKET_PORT if transport == "websockets" else MQTT_PORT
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv5, transport=transport
        )
        self.client.username_pw_set(*login)
        if transport == "websockets":
            self.client.ws_set_options(path="/ws")
        self.messages, self.done = queue.Queue(), queue.Queue()
        self.client.on_message = lambda _, __, message: self.messages.put(message)
        self.client.on_connect = lambda _, __, ___, code, ____: self.done.put(str(code))
        self.client.on_subscribe = lambda _, __, ___, codes, ____: self.done.put([str(code) for code in codes])
        self.client.on_publish = lambda _, __, ___, code, ____: self.done.put(str(code))
        if will:
            self.client.will_set(*will, qos=1)
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = session_s
        self.client.connect("127.0.0.1", port, clean_start=session_s == 0, properties=properties)
        self.client.loop_start()
        equal(self.done.get(timeout=WAIT_S), "Success", "CONNACK")
        if filters:
            self.client.subscribe([(text, 1) for text in filters])
            self.granted = self.done.get(timeout=WAIT_S)

    def publish(self, topic, body, retain=False):
        """Publish and give what the broker answers."""
        self.client.publish(topic, body, qos=1, retain=retain)
        return self.done.get(timeout=WAIT_S)

    def take(self, count=1):
        got = [self.messages.get(timeout=WAIT_S) for _ in range(count)]
        return [(message.topic, message.payload.decode(), bool(message.retain)) for message in got]

    def vanish(self):
        """End without a word, so that the will is sent."""
        self.client.socket().shutdown(socket.SHUT_RDWR)
        self.client.loop_stop()

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def manage(method, path, body):
    """One request to the management API."""
    request = urllib.request.Request(
        f"http://{MANAGEMENT.hostname}:{MANAGEMENT.port}/api/{path}", json.dumps(body).encode(), method=method
    )
    token = base64.b64encode(f"{MANAGEMENT.username}:{MANAGEMENT.password}".encode()).decode()
    request.add_header("Authorization", f"Basic {token}")
    request.add_header("Content-Type", "application/json")
    urllib.request.urlopen(request, timeout=WAIT_S).close()


def kill():
    request_kill()
    await_restart()


def queues_in_each_version_and_form():
    for version in CLASSES:
        with Client(version) as client:
            client.subscribe(f"/queue/a.v{version}")
            for form in (f"/queue/a.v{version}", f"queue://a.v{version}", f"a.v{version}"):
                client.send(form, "hello", mine="x")
                (frame,) = client.take()
                got = (frame.body, frame.headers["mine"], frame.headers["destination"])
                equal(got, ("hello", "x", f"/queue/a.v{version}"), f"message in {version} to {form}")


def facts_are_told():
    with Client() as client:
        client.subscribe("/queue/a.facts")
        before = int(time.time() * 1000)
        client.send("/queue/a.facts", "plain")
        expires = str(before + 600000)
        client.send("/queue/a.facts", "full", persistent="true", priority="7", expires=expires, timestamp="5000", type="t")
        plain, full = client.take(2)
        equal((plain.headers["priority"], plain.headers["expires"]), ("4", "0"), "what was not said")
        equal(before - 5000 <= int(plain.headers["timestamp"]) <= before + 60000, True, "the broker's time")
        equal("persistent" in plain.headers or "redelivered" in plain.headers, False, "what is not so is not told")
        wanted = {"persistent": "true", "priority": "7", "expires": expires, "timestamp": "5000", "type": "t"}
        equal({name: full.headers.get(name) for name in wanted}, wanted, "what was said")


def acks_of_three_kinds():
    with Client() as client:
        for number in range(5):
            client.send("/queue/a.acks", str(number), persistent="true")
        id = client.subscribe("/queue/a.acks", ack="client")
        frames = client.take(5)
        equal(any(frame.headers["ack"] == frame.headers["message-id"] for frame in frames), False, "ack apart from id")
        client.connection.ack(frames[1].headers["ack"])
        client.unsubscribe(id)
    with Client("1.1") as client:
        id = client.subscribe("/queue/a.acks", ack="client-individual")
        frames = client.take(3)
        equal([(frame.body, frame.headers["redelivered"]) for frame in frames], [("2", "true"), ("3", "true"), ("4", "true")], "left")
        client.connection.ack(frames[1].headers["message-id"], id)
    with Client("1.0") as client:
        client.subscribe("/queue/a.acks")
        equal(client.bodies(2), ["2", "4"], "left of these")
    with Client() as client:
        client.subscribe("/queue/a.acks", ack="client")
        client.send("/queue/a.acks", "x")
        (frame,) = client.take()
        client.connection.ack(frame.headers["message-id"])
        equal(client.error(), f"Unexpected ACK received for message-id [{frame.headers['message-id']}]", "wrong ack")


def composite_destinations():
    with Client() as reader, Client() as sender:
        reader.subscribe("/queue/a.one, /topic/a.two,queue://a.three")
        sender.send("/queue/a.one,/topic/a.two", "both")
        sender.send("/queue/a.three", "third")
        got = sorted((frame.body, frame.headers["destination"]) for frame in reader.take(3))
        wanted = [("both", "/queue/a.one"), ("both", "/topic/a.two"), ("third", "/queue/a.three")]
        equal(got, wanted, "what comes")


def composite_acks():
    """One acknowledgement covers what came before it from every queue of its subscription."""
    with Client() as client:
        for name, body in (("x", "1"), ("y", "2"), ("x", "3"), ("y", "4")):
            client.send(f"/queue/a.acked.{name}", body, persistent="true")
        id = client.subscribe("/queue/a.acked.x,/queue/a.acked.y", ack="client")
        frames = client.take(4)
        client.connection.ack(frames[2].headers["ack"], receipt="acked")
        equal(client.receipts.get(timeout=WAIT_S), "acked", "receipt")
        client.unsubscribe(id)
        last = frames[3].body
    with Client() as client:
        client.subscribe("/queue/a.acked.x,/queue/a.acked.y")
        equal(client.bodies(), [last], "the one that was not covered")
        for name in "xy":
            client.send(f"/queue/a.acked.{name}", name)
        equal(sorted(client.bodies(2)), ["x", "y"], "nothing else was there")


def topics_and_wildcards():
    with Client() as one, Client("1.1") as two, Client("1.0") as three, Client() as sender:
        one.subscribe("/topic/a.news.*")
        two.subscribe("topic://a.news.>")
        three.subscribe("/topic/a.news.sport")
        for topic in ("a.news", "a.news.sport", "a.news.sport.ball", "a.news.end"):
            sender.send(f"/topic/{topic}", topic)
        equal(one.bodies(2), ["a.news.sport", "a.news.end"], "one word")
        equal(two.bodies(4), ["a.news", "a.news.sport", "a.news.sport.ball", "a.news.end"], "any words")
        (frame,) = three.take()
        equal((frame.body, frame.headers["destination"]), ("a.news.sport", "/topic/a.news.sport"), "exact")


def durable_topic_subscriptions():
    options = {"activemq_subscriptionName": "mail"}
    with Client(client_id="anna") as client:
        client.subscribe("/topic/a.mail.*", ack="client-individual", **options)
        with Client(client_id="bob") as other:
            other.subscribe("/topic/a.mail.*", **options)
        with Client() as sender:
            sender.send("/topic/a.mail.x", "1", persistent="true")
            sender.send("/topic/a.mail.y", "2", persistent="true")
        frames = client.take(2)
        client.connection.ack(frames[0].headers["ack"], receipt="acked")
        equal(client.receipts.get(timeout=WAIT_S), "acked", "receipt")
        second = Client(client_id="anna", waits=False)
        wanted = "Broker: localhost - Client: anna already connected from tcp://127.0.0.1:"
        told = second.error()
        equal(told[: len(wanted)], wanted, "a second connection of the client")
    with Client() as sender:
        sender.send("/topic/a.mail.x", "3", persistent="true")
    kill()
    with Client() as sender:
        sender.send("/topic/a.mail.x", "4", persistent="true")
    with Client("1.1", client_id="anna") as client:
        id = client.subscribe("/topic/a.mail.*", **options)
        equal(client.bodies(3), ["2", "3", "4"], "what anna has not acknowledged")
        client.unsubscribe(id)
    with Client() as sender:
        sender.send("/topic/a.mail.x", "5", persistent="true")
    with Client(client_id="bob") as client:
        client.subscribe("/topic/a.mail.*", **options)
        equal(client.bodies(5), ["1", "2", "3", "4", "5"], "bob was never here")
    with Client(client_id="anna") as client:
        client.unsubscribe("any", **{"activemq.subscriptionName": "mail"})
        client.subscribe("/topic/a.mail.*", **options)
        with Client() as sender:
            sender.send("/topic/a.mail.x", "6", persistent="true")
        equal(client.bodies(), ["6"], "after the old one was given up")
    with Client(client_id="anna") as client:
        # Other topics: it begins anew.
        client.subscribe("/topic/a.other", **options)
        with Client() as sender:
            sender.send("/topic/a.mail.x", "7", persistent="true")
            sender.send("/topic/a.other", "8", persistent="true")
        equal(client.bodies(), ["8"], "the topics that are asked for now")
    with Client(client_id="anna") as client:
        client.unsubscribe("any", **{"activemq.subscriptionName": "mail"})
        client.connection.unsubscribe("any", headers={"activemq.subscriptionName": "mail"})
        wanted = "No durable subscription exists for clientID: anna and subscriptionName: mail"
        equal(client.error(), wanted, "given up twice")


def advisories():
    with Client(client_id="herald-reader") as reader:
        reader.subscribe("/topic/ActiveMQ.Advisory.Consumer.Queue.a.advised")
        with Client(client_id="advised") as client:
            client.subscribe("/queue/a.advised")
            (came,) = reader.take()
            info = json.loads(came.body)["ConsumerInfo"]
            equal((info["destination"], info["clientId"]), ("queue://a.advised", "advised"), "what came")
            equal((came.headers["type"], came.headers["consumerCount"]), ("Advisory", "1"), "headers")
        (gone,) = reader.take()
        equal(json.loads(gone.body)["RemoveInfo"]["objectId"], info["consumerId"], "what went")
        equal(gone.headers["consumerCount"], "0", "left")
    with Client(client_id="forger") as client:
        client.connection.send("/topic/ActiveMQ.Advisory.Connection", "forged")
        wanted = "is not authorized to write to: topic://ActiveMQ.Advisory.Connection"
        equal(client.error()[-len(wanted) :], wanted, "nobody else tells")


def prefetch():
    with Client() as client:
        for number in range(4):
            client.send("/queue/a.prefetch", str(number))
        client.subscribe("/queue/a.prefetch", ack="client", activemq_prefetchSize="2")
        frames = client.take(2)
        with Client() as other:
            other.subscribe("/queue/a.prefetch")
            equal(other.bodies(2), ["2", "3"], "what the first one has no room for")
        client.connection.ack(frames[1].headers["ack"])
        client.send("/queue/a.prefetch", "4")
        equal(client.bodies(), ["4"], "room again")


def exclusive_and_priority():
    with Client() as plain, Client() as first, Client() as second, Client() as sender:
        plain.subscribe("/queue/a.alone", activemq_priority="9")
        first.subscribe("/queue/a.alone", activemq_exclusive="true")
        second.subscribe("/queue/a.alone", activemq_exclusive="true")
        for number in range(3):
            sender.send("/queue/a.alone", str(number))
        equal(first.bodies(3), ["0", "1", "2"], "one has it all")
        first.close()
        sender.send("/queue/a.alone", "3")
        equal(second.bodies(), ["3"], "the next one")
        second.close()
        sender.send("/queue/a.alone", "4")
        equal(plain.bodies(), ["4"], "those that stood by")
    with Client() as low, Client() as high, Client() as sender:
        low.subscribe("/queue/a.high")
        high.subscribe("/queue/a.high", activemq_priority="5")
        for number in range(3):
            sender.send("/queue/a.high", str(number))
        equal(high.bodies(3), ["0", "1", "2"], "the higher one")


def no_local():
    with Client() as client, Client() as other:
        client.subscribe("/topic/a.local", activemq_noLocal="true")
        client.send("/topic/a.local", "mine")
        other.send("/topic/a.local", "other's")
        equal(client.bodies(), ["other's"], "what others publish")


def pending_limit():
    with Client() as client, Client() as sender:
        client.subscribe("/topic/a.pending", ack="client", activemq_prefetchSize="1", activemq_maximumPendingMessageLimit="2")
        for number in range(6):
            sender.send("/topic/a.pending", str(number))
        (frame,) = client.take()
        got = [frame.body]
        for _ in range(2):
            client.connection.ack(frame.headers["ack"])
            (frame,) = client.take()
            got.append(frame.body)
        equal(got, ["0", "4", "5"], "the newest wait, the oldest went")


def virtual_topics():
    with Client() as client:
        client.subscribe("/queue/Consumer.A.VirtualTopic.a.orders")
    with Client() as sender:
        sender.send("/topic/VirtualTopic.a.orders", "kept", persistent="true")
    with Client() as client:
        client.subscribe("/queue/Consumer.A.VirtualTopic.a.orders")
        equal(client.bodies(), ["kept"], "collected by the queue")


def request_and_reply():
    for kind in ("temp-queue", "temp-topic"):
        with Client() as client, Client() as server:
            server.subscribe(f"/queue/a.rpc.{kind}")
            client.subscribe(f"/{kind}/answers")
            client.send(f"/queue/a.rpc.{kind}", "question", **{"reply-to": f"/{kind}/answers", "correlation-id": "7"})
            (frame,) = server.take()
            equal(frame.headers["reply-to"].startswith(f"/remote-{kind}/"), True, frame.headers["reply-to"])
            server.send(frame.headers["reply-to"], "answer", **{"correlation-id": frame.headers["correlation-id"]})
            (frame,) = client.take()
            got = (frame.body, frame.headers["destination"], frame.headers["correlation-id"])
            equal(got, ("answer", f"/{kind}/answers", "7"), "answer")


def dead_letters():
    with Client() as dead, Client() as client:
        dead.subscribe(DEAD)
        id = client.subscribe("/queue/a.mortal", ack="client-individual")
        client.send("/queue/a.mortal", "light")
        client.send("/queue/a.mortal", "heavy", persistent="true")
        for frame in client.take(2):
            client.connection.nack(frame.headers["ack"])
        (frame,) = dead.take()
        got = (frame.body, frame.headers["original-destination"], frame.headers["destination"])
        equal(got, ("heavy", "/queue/a.mortal", DEAD), "refused; what is not persistent is dropped")
        equal(frame.headers["dlqDeliveryFailureCause"], "its consumer refused the message", "cause")
        client.unsubscribe(id)
        soon = str(int(time.time() * 1000) + 1)
        client.send("/queue/a.mortal", "light", expires=soon)
        client.send("/queue/a.mortal", "heavy", persistent="true", expires=soon)
        (frame,) = dead.take()
        got = (frame.body, frame.headers["original-destination"], frame.headers["dlqDeliveryFailureCause"])
        equal(got, ("heavy", "/queue/a.mortal", "the message expired"), "expired")
        equal(frame.headers["expires"], "0", "it does not die again")


def dead_letters_outlive_a_kill():
    with Client() as client:
        client.subscribe("/queue/a.mortal2", ack="client-individual")
        client.send("/queue/a.mortal2", "kept", persistent="true")
        (frame,) = client.take()
        client.connection.nack(frame.headers["ack"], receipt="refused")
        equal(client.receipts.get(timeout=WAIT_S), "refused", "receipt")
    kill()
    with Client() as dead:
        dead.subscribe(DEAD)
        equal(dead.bodies(), ["kept"], "in the queue of the dead")


def transactions():
    with Client() as client, Client() as reader:
        reader.subscribe("/queue/a.tx,/topic/a.tx")
        gone = client.connection.begin()
        client.send("/queue/a.tx", "gone", transaction=gone)
        client.connection.abort(gone)
        kept = client.connection.begin()
        client.send("/queue/a.tx,/topic/a.tx", "kept", transaction=kept)
        client.send("/queue/a.tx", "before")
        client.connection.commit(kept)
        equal(reader.bodies(3), ["before", "kept", "kept"], "what was committed, then")
    with Client() as client:
        id = client.subscribe("/queue/a.txack", ack="client")
        client.send("/queue/a.txack", "x", persistent="true")
        (frame,) = client.take()
        transaction = client.connection.begin()
        client.connection.ack(frame.headers["ack"], transaction)
        client.connection.abort(transaction)
        client.unsubscribe(id)
    with Client() as client:
        id = client.subscribe("/queue/a.txack", ack="client")
        (frame,) = client.take()
        equal((frame.body, frame.headers["redelivered"]), ("x", "true"), "after the abort")
        transaction = client.connection.begin()
        client.connection.ack(frame.headers["ack"], transaction)
        client.connection.commit(transaction, receipt="done")
        equal(client.receipts.get(timeout=WAIT_S), "done", "receipt")
        client.unsubscribe(id)
        client.subscribe("/queue/a.txack")
        client.send("/queue/a.txack", "y")
        equal(client.bodies(), ["y"], "after the commit")


def mqtt_and_stomp():
    with Client() as client, Device("a-both", ["a/+/c", "a/deep/#"]) as device:
        client.subscribe("/topic/a.*.c,/topic/b.>")
        equal(device.publish("a/x/c", "by mqtt"), "Success", "PUBACK")
        equal(device.take(), [("a/x/c", "by mqtt", False)], "its own")
        (frame,) = client.take()
        got = (frame.body, frame.headers["destination"], frame.headers["persistent"])
        equal(got, ("by mqtt", "/topic/a.x.c", "true"), "from MQTT")
        client.send("/topic/a.y.c", "by stomp")
        client.send("/topic/a.deep", "top")
        client.send("/topic/a.deep.down.here", "bottom")
        wanted = [("a/y/c", "by stomp", False), ("a/deep", "top", False), ("a/deep/down/here", "bottom", False)]
        equal(device.take(3), wanted, "from STOMP")
        equal(client.bodies(), ["by stomp"], "one's own comes too")
        # A dot of MQTT is a slash of its own.
        device.publish("b/one.two", "dot")
        (frame,) = client.take()
        with Device("a-dot", ["b/#"]) as reader:
            client.send(frame.headers["destination"], "back")
            equal(reader.take(), [("b/one.two", "back", False)], f"through {frame.headers['destination']}")


def retained_both_ways():
    with Client() as client, Device("a-keeper") as device:
        device.publish("a/kept/m", "by mqtt", retain=True)
        client.send("/topic/a.kept.s", "by stomp", **{"ActiveMQ.Retain": "true"})
        client.subscribe("/topic/a.kept.>", activemq_retroactive="true")
        equal(sorted(client.bodies(2)), ["by mqtt", "by stomp"], "what was retained")
        with Device("a-late", ["a/kept/#"]) as late:
            wanted = [("a/kept/m", "by mqtt", True), ("a/kept/s", "by stomp", True)]
            equal(sorted(late.take(2)), wanted, "retained for MQTT")
    kill()
    with Client() as client, Device("a-keeper") as device:
        client.subscribe("/topic/a.kept.>", activemq_retroactive="true")
        equal(sorted(client.bodies(2)), ["by mqtt", "by stomp"], "after a kill")
        device.publish("a/kept/m", "", retain=True)
        device.publish("a/kept/s", "", retain=True)
        client.take(2)
    with Client() as client:
        client.subscribe("/topic/a.kept.>", activemq_retroactive="true")
        client.send("/topic/a.kept.s", "now")
        equal(client.bodies(), ["now"], "taken back")


def wills():
    with Client() as client:
        client.subscribe("/topic/a.wills.*")
        device = Device("a-mortal", will=("a/wills/x", "gone"))
        device.vanish()
        (frame,) = client.take()
        equal((frame.body, frame.headers["destination"]), ("gone", "/topic/a.wills.x"), "will")


def shared_subscriptions():
    name = "$share/g/a/shared/+"
    with Device("a-share1", [name]) as one, Device("a-share2", [name]) as two, Client() as sender:
        for number in range(10):
            sender.send("/topic/a.shared.x", str(number))
        got = []
        while len(got) < 10:
            for device in (one, two):
                while not device.messages.empty():
                    got.extend(device.take())
        equal(sorted(int(body) for _, body, _ in got), list(range(10)), "each came once")


def sessions_of_mqtt_outlive_a_kill():
    device = Device("a-session", ["a/session/+"], session_s=3600)
    device.close()
    with Client() as sender:
        sender.send("/topic/a.session.x", "before", persistent="true")
    kill()
    with Client() as sender:
        sender.send("/topic/a.session.y", "after", persistent="true")
    with Device("a-session", session_s=3600) as device:
        equal([body for _, body, _ in device.take(2)], ["before", "after"], "kept for the session")


def web_sockets():
    with Device("a-web", ["a/web"], transport="websockets") as device, WebClient() as web:
        web.send("SUBSCRIBE\nid:1\ndestination:/topic/a.web\nreceipt:r\n\n\0")
        equal(web.frame()[0], "RECEIPT", "answer to SUBSCRIBE")
        web.send("SEND\ndestination:/topic/a.web\n\nby web\0")
        equal(device.take(), [("a/web", "by web", False)], "MQTT in a WebSocket")
        command, headers, body = web.frame()
        equal((command, headers["destination"], body), ("MESSAGE", "/topic/a.web", "by web"), "STOMP in a WebSocket")


class WebClient:
    """STOMP in a WebSocket, by hand: small frames of text only."""

    def __init__(self):
        self.socket = socket.create_connection(("127.0.0.1", WEBSOCKET_PORT), WAIT_S)
        self.stream = self.socket.makefile("rb")
        self.socket.sendall(
            b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            b"Sec-WebSocket-Key: " + base64.b64encode(os.urandom(16)) + b"\r\nSec-WebSocket-Protocol: v12.stomp\r\n\r\n"
        )
        equal(b"101" in self.stream.readline(), True, "upgrade")
        while self.stream.readline() != b"\r\n":
            pass
        user, password = ADMINISTRATOR
        self.send(f"CONNECT\naccept-version:1.2\nhost:localhost\nlogin:{user}\npasscode:{password}\n\n\0")
        equal(self.frame()[0], "CONNECTED", "answer to CONNECT")

    def send(self, text):
        body = text.encode()
        # The mask is zero: it has to be there, and hides nothing.
        length = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + len(body).to_bytes(2, "big")
        self.socket.sendall(b"\x81" + length + bytes(4) + body)

    def frame(self):
        """Command, headers and body of the next frame."""
        first, length = self.stream.read(2)
        equal(first, 0x81, "a whole frame of text")
        if length == 126:
            length = int.from_bytes(self.stream.read(2), "big")
        head, _, body = self.stream.read(length).decode().rstrip("\0\n").partition("\n\n")
        command, *lines = head.split("\n")
        return command, dict(line.split(":", 1) for line in lines), body

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def restricted_user():
    login = ("walter", "secret")
    manage("PUT", "users/walter", {"password": "secret", "tags": ""})
    permissions = {"configure": "^queue://mine\\.", "write": "^(queue|topic)://mine\\.", "read": "^(queue|topic)://mine\\."}
    manage("PUT", "permissions/localhost/walter", permissions)
    with Client(login=login, client_id="walter") as client:
        client.subscribe("/queue/mine.a,/topic/mine.>,/temp-queue/t")
        client.send("/queue/mine.a,/topic/mine.b,/temp-queue/t", "allowed")
        equal(client.bodies(3), ["allowed"] * 3, "what is his")
    for act, wanted in (
        (lambda client: client.connection.send("/queue/other", "x"), "write to: queue://other"),
        (lambda client: client.connection.send("/queue/a.facts", "x"), "write to: queue://a.facts"),
        (lambda client: client.connection.send("/topic/other", "x"), "write to: topic://other"),
        (lambda client: client.connection.send(DEAD, "x"), "write to: queue://ActiveMQ.DLQ"),
        (lambda client: client.connection.subscribe("/queue/a.facts", "1"), "read from: queue://a.facts"),
        (lambda client: client.connection.subscribe("/topic/>", "1"), "read from: topic://>"),
    ):
        with Client(login=login) as client:
            act(client)
            equal(client.error(), f"User walter is not authorized to {wanted}", "refusal")
    with Device("a-walter", ["mine/#", "#"], login=login) as device:
        equal(device.granted, ["Granted QoS 1", "Not authorized"], "SUBACK")
        equal(device.publish("other", "x"), "Not authorized", "PUBACK")
        equal(device.publish("mine/x", "x"), "Success", "PUBACK")
        equal(device.take(), [("mine/x", "x", False)], "what is his")
    try:
        Client(login=("walter", "wrong"))
    except stomp.exception.ConnectFailedException:
        return
    raise AssertionError("a wrong password was let in")


def selectors_see_messages_of_mqtt():
    """User properties, correlation data and QoS of MQTT 5 by the names that selectors know; a selector outlives a kill."""
    wanted = "color = 'red' AND weight > 5 AND JMSCorrelationID = 'c' AND JMSDeliveryMode = 'PERSISTENT' AND JMSPriority = 4"
    options = {"selector": wanted, "activemq_subscriptionName": "n"}
    with Device("a-selected-device") as device:
        with Client(client_id="a-selected") as client:
            id = client.subscribe("/topic/a.selected", **options)
            client.unsubscribe(id)
            for color, weight in (("blue", "10"), ("red", "5"), ("red", "10")):
                properties = Properties(PacketTypes.PUBLISH)
                properties.UserProperty = [("color", color), ("weight", weight)]
                properties.CorrelationData = b"c"
                device.client.publish("a/selected", f"{color} {weight}", qos=1, properties=properties)
                equal(device.done.get(timeout=WAIT_S), "Success", "PUBACK")
    kill()
    with Client(client_id="a-selected") as client:
        for color in ("blue", "red"):
            headers = {"color": color, "weight": "20", "correlation-id": "c", "persistent": "true"}
            client.send("/topic/a.selected", f"{color} 20", **headers)
        id = client.subscribe("/topic/a.selected", **options)
        equal(client.bodies(2), ["red 10", "red 20"], "what it is true for")
        client.unsubscribe(id)
        client.unsubscribe("any", **{"activemq.subscriptionName": "n"})


def wildcards_of_queues():
    """One subscription takes from the queues that match, those that are made later too, and each message tells its own."""
    with Client() as client:
        client.send("/queue/a.wild.here", "1")
        client.subscribe("/queue/a.wild.>")
        client.send("/queue/a.wild.later.on", "2")
        client.send("/queue/a.other", "3")
        told = [(frame.headers["destination"], frame.body) for frame in client.take(2)]
        equal(told, [("/queue/a.wild.here", "1"), ("/queue/a.wild.later.on", "2")], "what came")
    with Client() as client:
        client.subscribe("/queue/a.other")
        equal(client.bodies(1), ["3"], "what the name does not match stays")


def what_is_not_there_is_refused():
    for destination, headers, wanted in (
        ("/queue/a.refused", {"selector": "a == 1"}, "Invalid selector: column 4: expected a value, found '='"),
        ("/queue/a.refused", {"browser": "true"}, "queue browsers: not available"),
        ("/queue/a.refused", {"transformation": "jms-json"}, "transformations of messages: not available"),
        ("/queue/a.refused", {"activemq.prefetchSize": "0"}, "activemq.prefetchSize has to be at least 1"),
        ("/queue/a.refused", {"activemq.other": "1"}, "'activemq.other': not available"),
        ("/queue/a.refused?consumer.priority=1", {}, "options of a destination, as in '/queue/a.refused?consumer.priority=1': not available"),
        ("/topic/ActiveMQ.Advisory.NetworkBridge", {}, "this advisory topic: not available"),
        ("/topic/a.refused", {"activemq.subscriptionName": "n"}, "a durable subscription needs a client-id in CONNECT"),
    ):
        with Client() as client:
            client.connection.subscribe(destination, "1", headers=headers)
            equal(client.error(), wanted, f"SUBSCRIBE {destination} {headers}")
    with Device("a-advisory", ["ActiveMQ/Advisory/NetworkBridge"]) as device:
        equal(device.granted, ["Implementation specific error"], "SUBACK")
    with Client() as client:
        client.connection.send("/topic/a.*", "x")
        equal(client.error(), "'a.*' holds a wildcard: nothing can be sent to it", "SEND to a wildcard")


def kept_over_a_kill():
    """What a receipt was sent for is there after the broker was killed."""
    with Client() as client:
        for number in range(100):
            client.send("/queue/a.kept", str(number), persistent="true")
    kill()
    with Client() as client:
        client.subscribe("/queue/a.kept")
        equal(client.bodies(100), [str(number) for number in range(100)], "all of it, in order")


CASES = [
    queues_in_each_version_and_form,
    facts_are_told,
    acks_of_three_kinds,
    composite_destinations,
    composite_acks,
    topics_and_wildcards,
    durable_topic_subscriptions,
    advisories,
    prefetch,
    exclusive_and_priority,
    no_local,
    pending_limit,
    virtual_topics,
    request_and_reply,
    dead_letters,
    dead_letters_outlive_a_kill,
    transactions,
    mqtt_and_stomp,
    retained_both_ways,
    wills,
    shared_subscriptions,
    sessions_of_mqtt_outlive_a_kill,
    web_sockets,
    restricted_user,
    selectors_see_messages_of_mqtt,
    wildcards_of_queues,
    what_is_not_there_is_refused,
    kept_over_a_kill,
]

for case in CASES:
    attempt(case.__name__, case)
# Threads of connections that a failed case left behind must not keep the program.
sys.stdout.flush()
os._exit(0)
