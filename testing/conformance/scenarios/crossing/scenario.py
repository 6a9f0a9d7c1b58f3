"""One message, every reader: clients of AMQP 0-9-1 (pika), MQTT 3.1.1 and 5 (paho-mqtt) and STOMP (stomp.py) send to each other.

A protocol's class says how it sends facts, and in which words it reads them; what `docs/concepts/message.md` tells is `wanted`.
"""

import os
import queue
import sys
import threading
from urllib.parse import urlparse

import paho.mqtt.client as mqtt
import pika
import stomp
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, check_death, equal, is_served, report  # noqa: E402

MQTT_ADDRESS = ("127.0.0.1", 1883)
STOMP_ADDRESS = urlparse(os.environ["STOMP_URL"])
WAIT_S = 10

# What a message says, whatever the protocol. A writer sends what it has a place for.
FACTS = {
    "content_type": "text/plain", "content_encoding": "identity", "correlation_id": "c-1", "queue": "answers",
    "topic": "re.ply", "message_id": "m-1", "timestamp": 1700000000, "type": "order", "user_id": "guest", "app_id": "shop",
    "is_text": True, "durable": True, "priority": 3, "ttl_ms": 60000, "headers": {"color": "blue", "number": 7, "list": [1]},
}


def text(value):
    """A header's value where there is only text; None for what text can't say."""
    return None if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)


def texts(headers):
    return {name: text(value) for name, value in headers.items() if text(value) is not None}


def only(facts, *names):
    return {name: facts[name] for name in names if name in facts}


def deaths(facts):
    """The headers of text by which a death is told."""
    if "death" not in facts:
        return {}
    reason, name = facts["death"]
    words = {"exchange": "amq.topic", "queue": name, "reason": reason}
    return {f"x-{which}-death-{word}": value for which in ("first", "last") for word, value in words.items()}


class Amqp:
    """A queue bound to the key, and a way to send."""

    name = "AMQP"

    def __init__(self, key):
        self.channel = pika.BlockingConnection(pika.URLParameters(AMQP_URL)).channel()
        self.channel.confirm_delivery()
        self.queue = self.channel.queue_declare("", exclusive=True).method.queue
        self.channel.queue_bind(self.queue, "amq.topic", key)

    def said(self, facts):
        return {name: value for name, value in facts.items() if name not in ("topic", "is_text")}

    def send(self, key, body, facts, exchange="amq.topic"):
        headers = dict(facts.get("headers", {}))
        if "topic" in facts:
            headers["x-reply-to-topic"] = facts["topic"]
        expiration = str(facts["ttl_ms"]) if "ttl_ms" in facts else None
        names = ("content_type", "content_encoding", "correlation_id", "message_id", "timestamp", "type", "user_id", "app_id", "priority")
        properties = pika.BasicProperties(
            headers=headers or None, delivery_mode=2 if facts.get("durable") else None, reply_to=facts.get("queue"),
            expiration=expiration, **only(facts, *names),
        )
        self.channel.basic_publish(exchange, key, body.encode(), properties)

    def receive(self):
        for method, properties, body in self.channel.consume(self.queue, auto_ack=True, inactivity_timeout=WAIT_S):
            self.channel.cancel()
            if method is None:
                raise AssertionError(f"nothing within {WAIT_S} s")
            return body.decode(), properties

    def words(self, properties):
        names = ("content_type", "content_encoding", "correlation_id", "reply_to", "message_id", "timestamp", "type", "user_id", "app_id", "priority", "expiration")
        got = {name: getattr(properties, name) for name in names if getattr(properties, name) is not None}
        got["durable"] = properties.delivery_mode == 2
        headers = dict(properties.headers or {})
        for name in [name for name in headers if name == "x-death" or "-death-" in name]:
            del headers[name]
        return got | {"headers": headers}

    def wanted(self, facts):
        headers = dict(facts.get("headers", {}))
        if "topic" in facts:
            headers["x-reply-to-topic"] = facts["topic"]
        if "is_text" in facts:
            headers["x-body-is-text"] = facts["is_text"]
        names = ("content_type", "content_encoding", "correlation_id", "message_id", "timestamp", "type", "user_id", "app_id", "priority")
        wanted = only(facts, *names) | {"durable": facts.get("durable", False), "headers": headers}
        if "queue" in facts:
            wanted["reply_to"] = facts["queue"]
        if "ttl_ms" in facts:
            wanted["expiration"] = str(facts["ttl_ms"])
        return wanted

    def check_death(self, properties, facts):
        reason, name = facts["death"]
        check_death(properties.headers, name, reason, exchange="amq.topic")

    def close(self):
        self.channel.connection.close()


class Mqtt:
    """A client with a subscription to the key's topic."""

    version, name = mqtt.MQTTv311, "MQTT 3.1.1"

    def __init__(self, key):
        self.messages, connected, subscribed = queue.Queue(), threading.Event(), threading.Event()
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=f"{self.name}-{key}-{id(self)}", protocol=self.version
        )
        self.client.username_pw_set("guest", "guest")
        self.client.on_connect = lambda *_: connected.set()
        self.client.on_subscribe = lambda *_: subscribed.set()
        self.client.on_message = lambda c, u, message: self.messages.put(message)
        self.client.connect(*MQTT_ADDRESS)
        self.client.loop_start()
        self.wait(connected, "CONNACK")
        self.client.subscribe(key.replace(".", "/"), qos=1)
        self.wait(subscribed, "SUBACK")

    def wait(self, event, what):
        if not event.wait(WAIT_S):
            raise AssertionError(f"no {what} within {WAIT_S} s")

    def said(self, facts):
        return only(facts, "durable")

    def properties(self, facts):
        return None

    def send(self, key, body, facts, retain=False):
        qos = 1 if facts.get("durable") else 0
        info = self.client.publish(key.replace(".", "/"), body, qos=qos, retain=retain, properties=self.properties(facts))
        info.wait_for_publish(WAIT_S)

    def receive(self):
        message = self.messages.get(timeout=WAIT_S)
        return message.payload.decode(), message

    def words(self, message):
        return {"qos": message.qos}

    def wanted(self, facts):
        return {"qos": 1 if facts.get("durable") else 0}

    def check_death(self, message, facts):
        """There is no place for it."""

    def close(self):
        self.client.disconnect()
        self.client.loop_stop()


class Mqtt5(Mqtt):
    version, name = mqtt.MQTTv5, "MQTT 5"

    def said(self, facts):
        said = only(facts, "content_type", "correlation_id", "topic", "is_text", "durable", "ttl_ms")
        return said | {"headers": texts(facts["headers"])} if "headers" in facts else said

    def properties(self, facts):
        given = Properties(PacketTypes.PUBLISH)
        if "content_type" in facts:
            given.ContentType = facts["content_type"]
        if "correlation_id" in facts:
            given.CorrelationData = facts["correlation_id"].encode()
        if "topic" in facts:
            given.ResponseTopic = facts["topic"].replace(".", "/")
        if "is_text" in facts:
            given.PayloadFormatIndicator = int(facts["is_text"])
        if "ttl_ms" in facts:
            given.MessageExpiryInterval = facts["ttl_ms"] // 1000
        if facts.get("headers"):
            given.UserProperty = list(texts(facts["headers"]).items())
        return given

    def words(self, message):
        names = ("ContentType", "CorrelationData", "ResponseTopic", "PayloadFormatIndicator")
        got = {name: getattr(message.properties, name) for name in names if hasattr(message.properties, name)}
        left_s = getattr(message.properties, "MessageExpiryInterval", None)
        if left_s is not None:
            got["is_in_time"] = 30 <= left_s <= 60
        return got | {"qos": message.qos, "user": dict(getattr(message.properties, "UserProperty", []))}

    def wanted(self, facts):
        wanted = super().wanted(facts) | {"user": texts(facts.get("headers", {})) | deaths(facts)}
        if "content_type" in facts:
            wanted["ContentType"] = facts["content_type"]
        if "correlation_id" in facts:
            wanted["CorrelationData"] = facts["correlation_id"].encode()
        if "topic" in facts:
            wanted["ResponseTopic"] = facts["topic"].replace(".", "/")
        if "is_text" in facts:
            wanted["PayloadFormatIndicator"] = int(facts["is_text"])
        if "ttl_ms" in facts:
            wanted["is_in_time"] = True
        for fact, name in (
            ("content_encoding", "content-encoding"), ("queue", "reply-to"), ("message_id", "message-id"),
            ("timestamp", "timestamp"), ("type", "type"), ("user_id", "user-id"), ("app_id", "app-id"), ("priority", "priority"),
        ):
            if fact in facts:
                wanted["user"][f"x-{name}"] = text(facts[fact])
        return wanted


class Stomp(stomp.ConnectionListener):
    """A connection with a subscription to the key."""

    name = "STOMP"
    headers = (
        ("content_type", "content-type"), ("content_encoding", "content-encoding"), ("correlation_id", "correlation-id"),
        ("message_id", "amqp-message-id"), ("timestamp", "timestamp"), ("type", "type"), ("user_id", "user-id"),
        ("app_id", "app-id"), ("priority", "priority"), ("ttl_ms", "expiration"),
    )
    own = ("subscription", "destination", "message-id", "redelivered", "content-length")

    def __init__(self, key):
        self.messages, self.receipts = queue.Queue(), queue.Queue()
        self.connection = stomp.Connection12(
            [(STOMP_ADDRESS.hostname, STOMP_ADDRESS.port)], vhost="/", auto_content_length=True
        )
        self.connection.set_listener("", self)
        self.connection.connect(STOMP_ADDRESS.username, STOMP_ADDRESS.password, wait=True)
        self.connection.subscribe(f"/topic/{key}", id="0", ack="auto", receipt="subscribed")
        self.receipts.get(timeout=WAIT_S)

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def said(self, facts):
        said = {name: value for name, value in facts.items() if name not in ("topic", "is_text")}
        return said | {"headers": texts(facts["headers"])} if "headers" in facts else said

    def send(self, key, body, facts, destination=None, reply_to=None):
        headers = {name: text(facts[fact]) for fact, name in self.headers if fact in facts} | texts(facts.get("headers", {}))
        if facts.get("durable"):
            headers["persistent"] = "true"
        if reply_to is None and "queue" in facts:
            reply_to = f"/reply-queue/{facts['queue']}"
        if reply_to is not None:
            headers["reply-to"] = reply_to
        self.connection.send(destination or f"/topic/{key}", body, headers=headers, receipt="sent")
        self.receipts.get(timeout=WAIT_S)

    def receive(self):
        frame = self.messages.get(timeout=WAIT_S)
        return frame.body, frame

    def words(self, frame):
        return {name: value for name, value in frame.headers.items() if name not in self.own}

    def wanted(self, facts):
        wanted = {name: text(facts[fact]) for fact, name in self.headers if fact in facts}
        wanted |= texts(facts.get("headers", {})) | deaths(facts)
        if facts.get("durable"):
            wanted["persistent"] = "true"
        if "is_text" in facts:
            wanted["x-body-is-text"] = text(facts["is_text"])
        if "queue" in facts:
            wanted["reply-to"] = f"/reply-queue/{facts['queue']}"
            if "topic" in facts:
                wanted["x-reply-to-topic"] = facts["topic"]
        elif "topic" in facts:
            wanted["reply-to"] = f"/topic/{facts['topic']}"
        return wanted

    def check_death(self, frame, facts):
        """It is among the words."""

    def close(self):
        self.connection.disconnect()


PROTOCOLS = (Amqp, Mqtt, Mqtt5, Stomp)


class Party:
    """One client of each protocol, all at one key."""

    def __init__(self, key):
        self.key = key
        self.clients = [protocol(key) for protocol in PROTOCOLS]

    def close(self):
        for client in self.clients:
            client.close()


def check(case, writer, reader, facts, body):
    """One reader of one writer's message: a case of its own."""
    name = f"{case} {writer.name} to {reader.name}"
    try:
        got_body, got = reader.receive()
        equal(got_body, body, "body")
        equal(reader.words(got), reader.wanted(facts), "words")
        if "death" in facts:
            reader.check_death(got, facts)
        report(name)
    except Exception as error:  # noqa: BLE001 - each case is reported, whatever broke it
        report(name, error)


def properties():
    """Everything that a writer can say, in the words of each reader."""
    party = Party("x.all")
    for number, writer in enumerate(party.clients):
        body = f"all {number}"
        writer.send(party.key, body, writer.said(FACTS))
        for reader in party.clients:
            check("properties", writer, reader, writer.said(FACTS), body)
    party.close()


def died(case, reason, work, arguments, refuse):
    """Messages that leave a queue down its dead-letter route."""
    party = Party("x.dead." + reason)
    amqp = Amqp(work + ".unused")
    route = {"x-dead-letter-exchange": "amq.topic", "x-dead-letter-routing-key": party.key}
    amqp.channel.queue_declare(work, exclusive=True, arguments=route | arguments)
    amqp.channel.queue_bind(work, "amq.topic", work)
    for number, writer in enumerate(party.clients):
        body = f"dead {number}"
        facts = only(FACTS, "content_type", "correlation_id", "headers", "durable")
        writer.send(work, body, writer.said(facts))
        if refuse:
            method, _, _ = next(amqp.channel.consume(work, inactivity_timeout=WAIT_S))
            amqp.channel.basic_reject(method.delivery_tag, requeue=False)
            amqp.channel.cancel()
        for reader in party.clients:
            check(case, writer, reader, writer.said(facts) | {"death": (reason, work)}, body)
    amqp.close()
    party.close()


def rejected():
    died("rejected", "rejected", "x.work", {}, True)


def expired():
    died("expired", "expired", "x.short", {"x-message-ttl": 100}, False)


def expired_by_itself():
    """A message over its own time: the time is not told again."""
    party = Party("x.own")
    amqp = Amqp("x.own.unused")
    route = {"x-dead-letter-exchange": "amq.topic", "x-dead-letter-routing-key": party.key}
    amqp.channel.queue_declare("x.slow", exclusive=True, arguments=route)
    amqp.channel.queue_bind("x.slow", "amq.topic", "x.slow")
    for number, writer in enumerate(party.clients):
        if writer.said({"ttl_ms": 1000}) == {}:
            continue
        body = f"own {number}"
        writer.send("x.slow", body, {"ttl_ms": 1000})
        for reader in party.clients:
            check("expired by itself", writer, reader, {"death": ("expired", "x.slow")}, body)
    amqp.close()
    party.close()


def answer(server, question):
    """Answer a question as its words ask; MQTT has topics only."""
    if isinstance(server, Amqp):
        facts = {"correlation_id": question.correlation_id}
        if question.reply_to is not None:
            server.send(question.reply_to, "answer", facts, exchange="")
        else:
            server.send(question.headers["x-reply-to-topic"], "answer", facts)
    elif isinstance(server, Stomp):
        facts = {"correlation_id": question.headers["correlation-id"]}
        server.send(None, "answer", facts, destination=question.headers["reply-to"])
    else:
        facts = {"correlation_id": question.properties.CorrelationData.decode()}
        server.send(question.properties.ResponseTopic.replace("/", "."), "answer", facts)


def requests():
    """A question of each protocol that has a place for where the answer goes, answered by each."""
    for asker in (Amqp, Mqtt5, Stomp):
        for replier in (Amqp, Mqtt5, Stomp):
            name = f"request {asker.name} to {replier.name}"
            client, server = asker("x.answers"), replier("x.questions")
            try:
                facts = {"correlation_id": "7"}
                if asker is Stomp:
                    client.send("x.questions", "question", facts, reply_to="/topic/x.answers" if replier is Mqtt5 else "/temp-queue/a")
                elif asker is Mqtt5 or replier is Mqtt5:
                    client.send("x.questions", "question", facts | {"topic": "x.answers"})
                else:
                    client.send("x.questions", "question", facts | {"queue": client.queue})
                body, question = server.receive()
                equal(body, "question", "question")
                answer(server, question)
                body, got = client.receive()
                equal(body, "answer", "answer")
                equal(client.words(got), client.wanted(facts), "words of the answer")
                report(name)
            except Exception as error:  # noqa: BLE001 - as above
                report(name, error)
            client.close()
            server.close()


def retained():
    """Only MQTT retains, for later readers of MQTT."""
    for number, protocol in enumerate(PROTOCOLS):
        name = f"retained {protocol.name}"
        key = f"x.kept.{number}"
        writer = protocol("x.unused")
        try:
            first, last = {"durable": True}, {}
            if isinstance(writer, Mqtt):
                writer.send(key, "kept", first, retain=True)
            else:
                writer.send(key, "not kept", first)
            party = Party(key)
            writer.send(key, "last", last)
            for reader in party.clients:
                if isinstance(writer, Mqtt) and isinstance(reader, Mqtt):
                    body, message = reader.receive()
                    equal((body, message.retain), ("kept", True), f"retained for {reader.name}")
                body, got = reader.receive()
                equal(body, "last", f"first of {reader.name}")
            party.close()
            report(name)
        except Exception as error:  # noqa: BLE001 - as above
            report(name, error)
        writer.close()


def main():
    if not is_served(*MQTT_ADDRESS, "MQTT"):
        return
    for cases in (properties, rejected, expired, expired_by_itself, requests, retained):
        try:
            cases()
        except Exception as error:  # noqa: BLE001 - as above
            report(cases.__name__, error)


main()
# Threads of connections that a failed case left behind must not keep the program.
sys.stdout.flush()
os._exit(0)
