"""An application over stomp.py, in all versions of the protocol, with pika as the other end of some conversations."""

import os
import queue
import sys
import uuid
from urllib.parse import urlparse

import pika
import stomp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, await_restart, equal, report, request_kill  # noqa: E402

STOMP_ADDRESS = urlparse(os.environ["STOMP_URL"])
KEPT_MESSAGES = 300
CLASSES = {"1.0": stomp.Connection10, "1.1": stomp.Connection11, "1.2": stomp.Connection12}


class Client(stomp.ConnectionListener):
    """One connection whose frames can be waited for."""

    def __init__(self, version="1.2", heartbeats=(0, 0)):
        options = {} if version == "1.0" else {"vhost": "/", "heartbeats": heartbeats}
        self.connection = CLASSES[version](
            [(STOMP_ADDRESS.hostname, STOMP_ADDRESS.port)], auto_content_length=True, **options
        )
        self.messages, self.receipts, self.errors = queue.Queue(), queue.Queue(), queue.Queue()
        self.gone = queue.Queue()
        self.connection.set_listener("", self)
        self.connection.connect(STOMP_ADDRESS.username, STOMP_ADDRESS.password, wait=True)

    def on_message(self, frame):
        self.messages.put(frame)

    def on_receipt(self, frame):
        self.receipts.put(frame.headers["receipt-id"])

    def on_error(self, frame):
        self.errors.put(frame)

    def on_disconnected(self):
        self.gone.put(True)

    def take(self, count, seconds=10):
        """The next messages."""
        return [self.messages.get(timeout=seconds) for _ in range(count)]

    def nothing(self, seconds=0.3):
        """Fail if a message comes."""
        try:
            frame = self.messages.get(timeout=seconds)
        except queue.Empty:
            return
        raise AssertionError(f"an unexpected message {frame.body!r}")

    def receipt(self, id, seconds=10):
        """Wait for a receipt."""
        equal(self.receipts.get(timeout=seconds), id, "receipt")

    def send(self, destination, body, **headers):
        self.connection.send(destination, body, **headers)

    def close(self):
        if self.connection.is_connected():
            self.connection.disconnect(receipt=str(uuid.uuid4()))
            self.gone.get(timeout=10)


def channel():
    return pika.BlockingConnection(pika.URLParameters(AMQP_URL)).channel()


def fetch(amqp, name, count=1):
    """Take messages by AMQP."""
    got = []
    for method, properties, body in amqp.consume(name, auto_ack=True, inactivity_timeout=10):
        if method is None:
            raise AssertionError(f"{len(got)} messages of {count} in {name}")
        got.append((method, properties, body))
        if len(got) == count:
            break
    amqp.cancel()
    return got


def each_version():
    for version in CLASSES:
        client = Client(version)
        client.connection.subscribe(f"/queue/s.v{version}", id="0", ack="auto")
        client.send(f"/queue/s.v{version}", "hello", headers={"k": "v"})
        (frame,) = client.take(1)
        equal(frame.body, "hello", f"body in {version}")
        equal(frame.headers["k"], "v", f"header in {version}")
        equal(frame.headers["destination"], f"/queue/s.v{version}", "destination")
        client.close()


def wrong_password():
    connection = stomp.Connection12([(STOMP_ADDRESS.hostname, STOMP_ADDRESS.port)], vhost="/")
    listener = type("L", (stomp.ConnectionListener,), {})()
    errors = queue.Queue()
    listener.on_error = errors.put
    connection.set_listener("", listener)
    try:
        connection.connect("guest", "wrong", wait=True)
    except stomp.exception.ConnectFailedException:
        equal(errors.get(timeout=5).headers["message"], "Bad CONNECT", "message")
        return
    raise AssertionError("a wrong password was let in")


def receipts():
    client = Client()
    for number in range(100):
        client.send("/queue/s.receipts", str(number), headers={"persistent": "true"}, receipt=f"r{number}")
    got = {client.receipts.get(timeout=10) for _ in range(100)}
    equal(got, {f"r{number}" for number in range(100)}, "receipts")
    client.connection.subscribe("/queue/s.receipts", id="1", ack="auto")
    equal([frame.body for frame in client.take(100)], [str(number) for number in range(100)], "order")
    client.close()


def client_acks_are_cumulative():
    client = Client()
    for number in range(4):
        client.send("/queue/s.client", str(number))
    client.connection.subscribe("/queue/s.client", id="1", ack="client")
    frames = client.take(4)
    client.connection.ack(frames[2].headers["ack"])
    client.close()
    client = Client()
    client.connection.subscribe("/queue/s.client", id="1", ack="auto")
    (frame,) = client.take(1)
    equal((frame.body, frame.headers["redelivered"]), ("3", "true"), "what was not acknowledged")
    client.nothing()
    client.close()


def individual_acks():
    client = Client("1.1")
    for number in range(3):
        client.send("/queue/s.individual", str(number))
    client.connection.subscribe("/queue/s.individual", id="1", ack="client-individual")
    frames = client.take(3)
    client.connection.ack(frames[1].headers["message-id"], "1")
    client.close()
    client = Client()
    client.connection.subscribe("/queue/s.individual", id="1", ack="auto")
    equal([frame.body for frame in client.take(2)], ["0", "2"], "what was not acknowledged")
    client.close()


def nack_requeues():
    client = Client()
    client.connection.subscribe("/queue/s.nack", id="1", ack="client-individual")
    client.send("/queue/s.nack", "again")
    (frame,) = client.take(1)
    client.connection.nack(frame.headers["ack"])
    (frame,) = client.take(1)
    equal((frame.body, frame.headers["redelivered"]), ("again", "true"), "after a nack")
    client.connection.ack(frame.headers["ack"], receipt="a")
    client.receipt("a")
    client.close()


def nack_dead_letters():
    amqp = channel()
    amqp.queue_declare("s.dead", durable=True)
    client = Client()
    headers = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.dead"}
    client.connection.subscribe("/queue/s.alive", id="1", ack="client-individual", headers=headers)
    client.send("/queue/s.alive", "bad", headers=headers)
    (frame,) = client.take(1)
    client.connection.nack(frame.headers["ack"], requeue="false")
    (_, properties, body), = fetch(amqp, "s.dead")
    equal(body, b"bad", "dead body")
    death = properties.headers["x-death"][0]
    equal((death["queue"], death["reason"]), ("s.alive", "rejected"), "x-death")
    client.close()


def prefetch():
    client = Client()
    for number in range(4):
        client.send("/queue/s.prefetch", str(number))
    client.connection.subscribe("/queue/s.prefetch", id="1", ack="client", headers={"prefetch-count": "2"})
    frames = client.take(2)
    client.nothing()
    client.connection.ack(frames[1].headers["ack"])
    equal([frame.body for frame in client.take(2)], ["2", "3"], "after the window opened")
    client.close()


def transactions():
    client, reader = Client(), Client()
    reader.connection.subscribe("/queue/s.tx", id="1", ack="auto")
    gone = client.connection.begin()
    client.send("/queue/s.tx", "gone", headers={"transaction": gone})
    client.connection.abort(gone)
    kept = client.connection.begin()
    client.send("/queue/s.tx", "one", headers={"transaction": kept})
    client.send("/queue/s.tx", "two", headers={"transaction": kept})
    reader.nothing()
    client.connection.commit(kept)
    equal([frame.body for frame in reader.take(2)], ["one", "two"], "committed")
    client.close()
    reader.close()


def transactional_acks():
    client = Client()
    client.connection.subscribe("/queue/s.txack", id="1", ack="client-individual")
    client.send("/queue/s.txack", "x")
    (frame,) = client.take(1)
    transaction = client.connection.begin()
    client.connection.ack(frame.headers["ack"], transaction)
    client.connection.abort(transaction)
    client.close()
    client = Client()
    client.connection.subscribe("/queue/s.txack", id="1", ack="client-individual")
    (frame,) = client.take(1)
    transaction = client.connection.begin()
    client.connection.ack(frame.headers["ack"], transaction)
    client.connection.commit(transaction)
    client.close()
    equal(channel().queue_declare("s.txack", passive=True).method.message_count, 0, "messages left")


def topics():
    one, two = Client(), Client("1.1")
    one.connection.subscribe("/topic/s.news.*", id="1", ack="auto")
    two.connection.subscribe("/topic/s.#", id="1", ack="auto", receipt="r")
    two.receipt("r")
    sender = Client("1.0")
    sender.send("/topic/s.news.today", "both")
    sender.send("/topic/s.other", "second only")
    equal([frame.body for frame in two.take(2)], ["both", "second only"], "two")
    equal([frame.body for frame in one.take(1)], ["both"], "one")
    one.nothing()
    for client in (one, two, sender):
        client.close()


def durable_topic_subscription():
    options = {"durable": "true", "auto-delete": "false"}
    client = Client()
    client.connection.subscribe("/topic/s.durable", id="sub", ack="auto", headers=options, receipt="s")
    client.receipt("s")
    client.close()
    sender = Client()
    sender.send("/topic/s.durable", "while away", headers={"persistent": "true"}, receipt="r")
    sender.receipt("r")
    client = Client()
    client.connection.subscribe("/topic/s.durable", id="sub", ack="auto", headers=options)
    equal([frame.body for frame in client.take(1)], ["while away"], "collected")
    client.connection.unsubscribe(id="sub", headers={"durable": "true"}, receipt="u")
    client.receipt("u")
    client.close()
    sender.close()


def request_and_reply():
    client, server = Client(), Client()
    server.connection.subscribe("/queue/s.rpc", id="1", ack="auto")
    client.send("/queue/s.rpc", "question", headers={"reply-to": "/temp-queue/answers"})
    (frame,) = server.take(1)
    server.send(frame.headers["reply-to"], "answer")
    (frame,) = client.take(1)
    equal((frame.body, frame.headers["subscription"]), ("answer", "/temp-queue/answers"), "answer")
    client.close()
    server.close()


def large_and_binary():
    client = Client()
    connection = stomp.Connection12([(STOMP_ADDRESS.hostname, STOMP_ADDRESS.port)], vhost="/", auto_decode=False)
    got = queue.Queue()
    listener = type("L", (stomp.ConnectionListener,), {})()
    listener.on_message = got.put
    connection.set_listener("", listener)
    connection.connect(STOMP_ADDRESS.username, STOMP_ADDRESS.password, wait=True)
    connection.subscribe("/queue/s.large", id="1", ack="auto")
    body = bytes(range(256)) * 8192
    client.send("/queue/s.large", body)
    client.send("/queue/s.large", b"\0\n\0")
    equal(got.get(timeout=20).body == body, True, "2 MiB came as they went")
    equal(got.get(timeout=5).body, b"\0\n\0", "a body with NUL")
    client.close()
    connection.disconnect()


def headers_with_special_letters():
    client = Client()
    client.connection.subscribe("/queue/s.headers", id="1", ack="auto")
    special = "a:b\\c\nd\re"
    client.send("/queue/s.headers", "x", headers={"special": special})
    (frame,) = client.take(1)
    equal(frame.headers["special"], special, "escaped header")
    client.close()


def heart_beats():
    client = Client("1.1", heartbeats=(1000, 1000))
    try:
        client.gone.get(timeout=4)
    except queue.Empty:
        equal(client.connection.is_connected(), True, "connected after four idle seconds")
        client.close()
        return
    raise AssertionError("an idle connection with heart-beats ended")


def error_ends_the_connection():
    client = Client()
    client.connection.send_frame("NONSENSE", {}, "")
    equal(client.errors.get(timeout=5).headers["message"], "Bad command", "message")
    client.connection.disconnect()


def to_amqp():
    amqp = channel()
    amqp.queue_declare("s.out", durable=True)
    client = Client()
    client.send(
        "/queue/s.out",
        "body",
        content_type="text/plain",
        headers={
            "persistent": "true",
            "priority": "3",
            "correlation-id": "c",
            "reply-to": "r",
            "amqp-message-id": "m",
            "timestamp": "1700000000",
            "type": "t",
            "user-id": "guest",
            "app-id": "a",
            "mine": "x",
        },
    )
    (method, got, body), = fetch(amqp, "s.out")
    equal((method.routing_key, body), ("s.out", b"body"), "message")
    expected = {
        "content_type": "text/plain", "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r",
        "message_id": "m", "timestamp": 1700000000, "type": "t", "user_id": "guest", "app_id": "a",
    }
    equal({name: getattr(got, name) for name in expected}, expected, "properties")
    equal(got.headers["mine"], "x", "header")
    client.close()


def from_amqp():
    amqp = channel()
    client = Client()
    client.connection.subscribe("/queue/s.in", id="1", ack="auto", receipt="r")
    client.receipt("r")
    properties = pika.BasicProperties(
        content_type="text/plain", headers={"text": "x", "number": 7, "list": [1]}, delivery_mode=2, priority=3,
        correlation_id="c", reply_to="r", message_id="m", timestamp=1700000000, type="t", user_id="guest", app_id="a",
    )
    amqp.basic_publish("", "s.in", b"body", properties)
    (frame,) = client.take(1)
    expected = {
        "content-type": "text/plain", "persistent": "true", "priority": "3", "correlation-id": "c",
        "reply-to": "/reply-queue/r", "amqp-message-id": "m", "timestamp": "1700000000", "type": "t", "user-id": "guest",
        "app-id": "a", "text": "x", "number": "7", "destination": "/queue/s.in",
    }
    equal({name: frame.headers.get(name) for name in expected}, expected, "headers")
    equal("list" in frame.headers, False, "a list has no form in a header")
    amqp.basic_publish("amq.direct", "nowhere", b"")
    client.close()


def reply_across():
    """A request by STOMP is answered by AMQP."""
    amqp = channel()
    amqp.queue_declare("s.across", durable=True)
    client = Client()
    client.send("/queue/s.across", "question", headers={"reply-to": "/temp-queue/x", "correlation-id": "7"})
    (_, properties, _), = fetch(amqp, "s.across")
    amqp.basic_publish("", properties.reply_to, b"answer", pika.BasicProperties(correlation_id="7"))
    (frame,) = client.take(1)
    equal((frame.body, frame.headers["correlation-id"]), ("answer", "7"), "answer")
    client.close()


def kept_over_a_kill():
    """What a receipt was sent for is there after the broker was killed."""
    client = Client()
    client.connection.subscribe("/queue/s.kept", id="1", ack="client-individual", headers={"prefetch-count": "1"}, receipt="s")
    client.receipt("s")
    client.connection.unsubscribe(id="1")
    confirmed, requested, number = set(), False, 0
    while len(confirmed) < KEPT_MESSAGES and client.gone.empty():
        try:
            client.send("/queue/s.kept", str(number), headers={"persistent": "true"}, receipt=str(number))
            number += 1
        except (OSError, stomp.exception.StompException):
            break
        while not client.receipts.empty():
            confirmed.add(client.receipts.get())
        if len(confirmed) >= KEPT_MESSAGES // 2 and not requested:
            request_kill()
            requested = True
    if not requested:
        request_kill()
    await_restart()
    while not client.receipts.empty():
        confirmed.add(client.receipts.get())
    client = Client()
    client.connection.subscribe("/queue/s.kept", id="1", ack="auto")
    got = set()
    try:
        while True:
            got.add(client.messages.get(timeout=1).body)
    except queue.Empty:
        pass
    equal(sorted(confirmed - got), [], f"confirmed messages lost of {len(confirmed)}")
    client.close()


CASES = [
    each_version,
    wrong_password,
    receipts,
    client_acks_are_cumulative,
    individual_acks,
    nack_requeues,
    nack_dead_letters,
    prefetch,
    transactions,
    transactional_acks,
    topics,
    durable_topic_subscription,
    request_and_reply,
    large_and_binary,
    headers_with_special_letters,
    heart_beats,
    error_ends_the_connection,
    to_amqp,
    from_amqp,
    reply_across,
    kept_over_a_kill,
]


def main():
    for case in CASES:
        try:
            case()
            report(case.__name__)
        except Exception as error:  # each case reports for itself, whatever happened
            report(case.__name__, error)


main()
# Threads of connections that a failed case left behind must not keep the program.
sys.stdout.flush()
os._exit(0)
