"""An application over Qpid Proton (AMQP 1.0), with pika at the other end of some conversations."""

import os
import sys
import time
import uuid
from urllib.parse import urlparse

import pika
from proton import Delivery, Described, Link, Message, Terminus, int32, symbol, ulong
from proton.reactor import AtMostOnce, LinkOption, Selector
from proton.utils import BlockingConnection, LinkDetached, SendException

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, attempt, await_restart, check_death, equal, request_kill  # noqa: E402

ADDRESS = urlparse(AMQP_URL)
URL = f"amqp://{ADDRESS.username}:{ADDRESS.password}@{ADDRESS.hostname}:{ADDRESS.port}"
# RabbitMQ before version 4 has addresses of version 1 only.
IS_VERSION_1 = os.environ.get("AMQP10_ADDRESSES") == "1"
KEPT_MESSAGES = 300
LARGE_BYTES = 5 << 20


def connect(**options):
    return BlockingConnection(URL, timeout=10, allowed_mechs="PLAIN", **options)


class Rabbit:
    """Queues and messages by pika."""

    def __enter__(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(AMQP_URL))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        return self

    def __exit__(self, *_):
        self.connection.close()

    def queue(self, **arguments):
        name = f"p-{uuid.uuid4()}"
        self.channel.queue_declare(name, durable=True, arguments={key.replace("_", "-"): value for key, value in arguments.items()})
        return name

    def get(self, queue, seconds=5):
        end = time.monotonic() + seconds
        while True:
            method, properties, body = self.channel.basic_get(queue, auto_ack=True)
            if method:
                return method, properties, body
            if time.monotonic() > end:
                raise AssertionError(f"nothing in {queue}")
            self.connection.process_data_events(0.02)

    def count(self, queue):
        return self.channel.queue_declare(queue, passive=True).method.message_count


def quoted(name):
    return f"/amq/queue/{name}" if IS_VERSION_1 else f"/queues/{name}"


def nothing(receiver, seconds=0.3):
    """Fail if a message comes."""
    try:
        message = receiver.receive(seconds)
    except Exception as error:  # noqa: BLE001 - proton has a class of its own for each kind of waiting
        if "Timeout" not in type(error).__name__:
            raise
        return
    raise AssertionError(f"an unexpected message {message.body!r}")


def detached(attempted, condition):
    """Fail unless the link is refused with this condition."""
    try:
        attempted()
    except LinkDetached as error:
        equal(error.condition, condition, "condition")
        return
    raise AssertionError(f"not refused with {condition}")


def wrong_password():
    url = f"amqp://{ADDRESS.username}:wrong@{ADDRESS.hostname}:{ADDRESS.port}"
    try:
        BlockingConnection(url, timeout=10, allowed_mechs="PLAIN")
    except Exception as error:  # noqa: BLE001 - the class depends on when the transport ends
        if "auth" not in str(error).lower():
            raise
        return
    raise AssertionError("let in")


def no_anonymous_login():
    try:
        BlockingConnection(f"amqp://{ADDRESS.hostname}:{ADDRESS.port}", timeout=10, allowed_mechs="ANONYMOUS")
    except Exception:  # noqa: BLE001 - likewise
        return
    raise AssertionError("let in")


def send_and_receive():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        receiver = connection.create_receiver(quoted(queue), credit=10)
        sent = Message(id="m1", subject="s", body="text", properties={"n": int32(1), "t": "x"}, durable=True)
        sent.annotations = {symbol("x-mine"): "kept"}
        equal(sender.send(sent).remote_state, Delivery.ACCEPTED, "outcome")
        got = receiver.receive(5)
        equal((got.id, got.subject, got.body, got.durable), ("m1", "s", "text", True), "message")
        equal((got.properties["n"], got.properties["t"]), (1, "x"), "properties")
        equal((got.first_acquirer, got.delivery_count), (True, 0), "header")
        equal(got.annotations[symbol("x-mine")], "kept", "annotation")
        if not IS_VERSION_1:
            equal(got.annotations[symbol("x-routing-key")], queue, "x-routing-key")
        receiver.accept()
        nothing(receiver)
        connection.close()
        equal(rabbit.count(queue), 0, "messages afterwards")


def bodies_of_every_kind():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        receiver = connection.create_receiver(quoted(queue), credit=10)
        for body in ["text", 7, [1, "two", None], {"k": ulong(3)}, None, uuid.uuid4()]:
            sender.send(Message(body=body))
            equal(receiver.receive(5).body, body, "body")
            receiver.accept()
        for inferred in [False, True]:
            sender.send(Message(body=b"bytes", inferred=inferred))
            got = receiver.receive(5)
            equal((bytes(got.body), got.inferred), (b"bytes", inferred), "bytes")
            receiver.accept()
        connection.close()


def large_message():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        body = bytes(range(256)) * (LARGE_BYTES // 256)
        sender = connection.create_sender(quoted(queue))
        for _ in range(3):
            sender.send(Message(body=body, inferred=True, durable=True))
        receiver = connection.create_receiver(quoted(queue), credit=2)
        for _ in range(3):
            equal(receiver.receive(20).body == body, True, "the same bytes")
            receiver.accept()
        connection.close()


def outcomes():
    with Rabbit() as rabbit:
        dead = rabbit.queue()
        queue = rabbit.queue(x_dead_letter_exchange="", x_dead_letter_routing_key=dead)
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        receiver = connection.create_receiver(quoted(queue), credit=1)
        sender.send(Message(body="one"))
        # Released: it comes again, and nobody failed.
        receiver.receive(5)
        receiver.release(delivered=False)
        got = receiver.receive(5)
        equal((got.body, got.first_acquirer), ("one", False), "released")
        # Modified: it comes again.
        receiver.release(delivered=True)
        equal(receiver.receive(5).body, "one", "modified")
        # Rejected: it goes down the dead-letter route.
        receiver.reject()
        nothing(receiver)
        connection.close()
        reader = connect()
        letters = reader.create_receiver(quoted(dead), credit=1)
        letter = letters.receive(5)
        equal(letter.body, "one", "dead letter")
        equal(letter.annotations[symbol("x-first-death-queue")], queue, "x-first-death-queue")
        equal(letter.annotations[symbol("x-first-death-reason")], "rejected", "x-first-death-reason")
        letters.accept()
        reader.close()


class Settled(LinkOption):
    """The sender settles, the receiver only says what became of it."""

    def apply(self, link):
        link.snd_settle_mode = Link.SND_UNSETTLED
        link.rcv_settle_mode = Link.RCV_SECOND


def second_settles_after_the_broker():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        sender.send(Message(body="x", durable=True))
        receiver = connection.create_receiver(quoted(queue), credit=1, options=Settled())
        receiver.receive(5)
        delivery = receiver.fetcher.unsettled[0]
        delivery.update(Delivery.ACCEPTED)
        connection.wait(lambda: delivery.settled, msg="the broker to settle")
        delivery.settle()
        connection.close()
        equal(rabbit.count(queue), 0, "messages afterwards")


def pre_settled():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        sender = connection.create_sender(quoted(queue), options=AtMostOnce())
        for number in range(20):
            sender.send(Message(body=number))
        receiver = connection.create_receiver(quoted(queue), credit=5, options=AtMostOnce())
        equal([receiver.receive(5).body for _ in range(20)], list(range(20)), "bodies")
        connection.close()
        equal(rabbit.count(queue), 0, "messages afterwards")


def drain():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        for number in range(3):
            rabbit.channel.basic_publish("", queue, str(number).encode())
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=0)
        for given, got in [(2, 2), (10, 1), (10, 0)]:
            receiver.link.drain(given)
            connection.wait(lambda: receiver.link.credit == 0, msg="drain")
            bodies = []
            while receiver.fetcher.has_message:
                bodies.append(receiver.fetcher.pop().body)
                receiver.accept()
            equal(len(bodies), got, f"messages of {given}")
        connection.close()


def credit_is_kept_to():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        for number in range(50):
            rabbit.channel.basic_publish("", queue, str(number).encode())
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=0)
        receiver.link.flow(7)
        connection.wait(lambda: len(receiver.fetcher.incoming) == 7, msg="seven messages")
        try:
            connection.wait(lambda: len(receiver.fetcher.incoming) > 7, timeout=0.3)
        except Exception:  # noqa: BLE001 - it has to time out
            pass
        equal(len(receiver.fetcher.incoming), 7, "messages")
        connection.close()
        # What was not settled is there again.
        end = time.monotonic() + 5
        while rabbit.count(queue) != 50 and time.monotonic() < end:
            rabbit.connection.process_data_events(0.02)
        equal(rabbit.count(queue), 50, "messages afterwards")


def dynamic_reply_to():
    connection = connect()
    answers = connection.create_receiver(None, dynamic=True)
    address = answers.link.remote_source.address
    anonymous = connection.create_sender(None)
    anonymous.send(Message(address=address, body="answer", correlation_id="c"))
    got = answers.receive(5)
    equal((got.body, got.correlation_id), ("answer", "c"), "answer")
    connection.close()
    again = connect()
    detached(lambda: again.create_receiver(address), "amqp:not-found")
    again.close()


def anonymous_terminus():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        sender = connection.create_sender(None)
        sender.send(Message(address=quoted(queue), body="x"))
        for address in [None, "no address"]:
            try:
                sender.send(Message(address=address, body="x"))
            except SendException as error:
                equal(error.state, Delivery.REJECTED, "outcome")
            else:
                raise AssertionError(f"{address!r} was taken")
        # The link lives on.
        sender.send(Message(address=quoted(queue), body="y"))
        receiver = connection.create_receiver(quoted(queue), credit=2)
        equal([receiver.receive(5).body for _ in range(2)], ["x", "y"], "bodies")
        connection.close()


def exchanges_and_unroutable():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        exchange = f"e-{uuid.uuid4()}"
        rabbit.channel.exchange_declare(exchange, "topic")
        rabbit.channel.queue_bind(queue, exchange, "a.*")
        connection = connect()
        sender = connection.create_sender(f"/exchanges/{exchange}/a.b")
        sender.send(Message(body=b"x", inferred=True))
        equal(rabbit.get(queue)[2], b"x", "body")
        nowhere = connection.create_sender(f"/exchanges/{exchange}/nowhere")
        try:
            nowhere.send(Message(body="x"))
        except SendException as error:
            equal(error.state, Delivery.RELEASED, "outcome")
        else:
            raise AssertionError("an unroutable message was accepted")
        # Version 1: the subject is the key.
        subject = connection.create_sender(f"/exchange/{exchange}")
        subject.send(Message(subject="a.c", body=b"y", inferred=True))
        method, _, body = rabbit.get(queue)
        equal((method.routing_key, body), ("a.c", b"y"), "key and body")
        connection.close()
        rabbit.channel.exchange_delete(exchange)


def full_queue_rejects():
    with Rabbit() as rabbit:
        queue = rabbit.queue(x_max_length=1, x_overflow="reject-publish")
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        sender.send(Message(body="1"))
        try:
            sender.send(Message(body="2"))
        except SendException as error:
            equal(error.state, Delivery.REJECTED, "outcome")
        else:
            raise AssertionError("a full queue took a message")
        connection.close()


def link_errors():
    connection = connect()
    none = f"none-{uuid.uuid4()}"
    detached(lambda: connection.create_sender(quoted(none)), "amqp:not-found")
    detached(lambda: connection.create_receiver(quoted(none)), "amqp:not-found")
    detached(lambda: connection.create_sender(f"/exchanges/{none}/k"), "amqp:not-found")
    detached(lambda: connection.create_receiver("/exchanges/amq.topic/k"), "amqp:invalid-field")
    detached(lambda: connection.create_sender("/queues/"), "amqp:invalid-field")
    # The session lives on.
    name = f"v1-{uuid.uuid4()}"
    sender = connection.create_sender(f"/queue/{name}")
    sender.send(Message(body="x"))
    receiver = connection.create_receiver(f"/amq/queue/{name}", credit=1)
    equal(receiver.receive(5).body, "x", "body")
    receiver.accept()
    connection.close()
    with Rabbit() as rabbit:
        rabbit.channel.queue_delete(name)


def deleted_queue_detaches():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=1)
        rabbit.channel.queue_delete(queue)
        try:
            receiver.receive(5)
        except LinkDetached as error:
            equal(error.condition, "amqp:resource-deleted", "condition")
        else:
            raise AssertionError("the link lives on")
        connection.close()


def exclusive_queue_is_locked():
    with Rabbit() as rabbit:
        name = f"x-{uuid.uuid4()}"
        rabbit.channel.queue_declare(name, exclusive=True)
        connection = connect()
        detached(lambda: connection.create_receiver(quoted(name)), "amqp:resource-locked")
        connection.close()


def from_pika():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        id = uuid.uuid4()
        properties = pika.BasicProperties(
            content_type="text/plain",
            content_encoding="gzip",
            correlation_id="c",
            reply_to="back",
            message_id=f"urn:uuid:{id}",
            timestamp=1700000000,
            type="kind",
            app_id="app",
            user_id=ADDRESS.username,
            delivery_mode=2,
            priority=5,
            expiration="60000",
            headers={"n": 1, "t": "x", "x-own": "y", "list": [1]},
        )
        rabbit.channel.basic_publish("", queue, b"body", properties)
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=1)
        got = receiver.receive(5)
        receiver.accept()
        equal(bytes(got.body), b"body", "body")
        equal((got.content_type, got.content_encoding), ("text/plain", "gzip"), "content")
        equal((got.correlation_id, got.id), ("c", id), "ids")
        equal(got.reply_to, "/queues/back", "reply-to")
        equal((got.creation_time, got.group_id), (1700000000, "app"), "creation time and group id")
        equal((got.user_id, got.durable, got.priority), (ADDRESS.username.encode(), True, 5), "facts")
        equal(got.ttl, 60, "ttl in s")
        equal(got.properties, {"n": 1, "t": "x"}, "application properties")
        equal(got.annotations[symbol("x-own")], "y", "x- header")
        equal(got.annotations[symbol("x-basic-type")], "kind", "x-basic-type")
        connection.close()


def to_pika():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        id = uuid.uuid4()
        connection = connect()
        sender = connection.create_sender(quoted(queue))
        message = Message(
            body=b"body",
            inferred=True,
            id=id,
            correlation_id="c",
            content_type="text/plain",
            content_encoding="gzip",
            reply_to="/queues/b%2Fk",
            creation_time=1700000000,
            group_id="app",
            user_id=ADDRESS.username.encode(),
            durable=True,
            priority=5,
            ttl=60,
            properties={"n": int32(1), "t": "x"},
        )
        message.annotations = {symbol("x-own"): "y", symbol("x-basic-type"): "kind"}
        sender.send(message)
        _, got, body = rabbit.get(queue)
        equal(body, b"body", "body")
        equal((got.message_id, got.correlation_id), (f"urn:uuid:{id}", "c"), "ids")
        equal((got.content_type, got.content_encoding), ("text/plain", "gzip"), "content")
        equal((got.reply_to, got.timestamp, got.app_id), ("b/k", 1700000000, "app"), "reply-to, time, app-id")
        equal((got.user_id, got.delivery_mode, got.priority), (ADDRESS.username, 2, 5), "facts")
        equal((got.expiration, got.type), ("60000", "kind"), "expiration and type")
        equal({name: got.headers[name] for name in ["n", "t", "x-own"]}, {"n": 1, "t": "x", "x-own": "y"}, "headers")
        # A value is no bytes: it comes in its encoding.
        sender.send(Message(body="text"))
        _, got, body = rabbit.get(queue)
        equal((got.type, body), ("amqp-1.0", b"\x00Sw\xa1\x04text"), "value")
        # And goes back as what it was.
        rabbit.channel.basic_publish("", queue, body, pika.BasicProperties(type="amqp-1.0"))
        receiver = connection.create_receiver(quoted(queue), credit=1)
        equal(receiver.receive(5).body, "text", "value again")
        receiver.accept()
        connection.close()


def dead_letter_to_pika():
    with Rabbit() as rabbit:
        dead = rabbit.queue()
        queue = rabbit.queue(x_dead_letter_exchange="", x_dead_letter_routing_key=dead)
        connection = connect()
        connection.create_sender(quoted(queue)).send(Message(body=b"x", inferred=True))
        receiver = connection.create_receiver(quoted(queue), credit=1)
        receiver.receive(5)
        receiver.reject()
        connection.close()
        _, properties, body = rabbit.get(dead)
        equal(body, b"x", "body")
        check_death(properties.headers, queue, "rejected")


def kept_over_a_kill():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
    connection = connect()
    sender = connection.create_sender(quoted(queue))
    accepted = set()
    for number in range(KEPT_MESSAGES):
        sender.send(Message(body=number, durable=True))
        accepted.add(number)
    request_kill()
    await_restart()
    connection = connect()
    receiver = connection.create_receiver(quoted(queue), credit=50)
    got = set()
    while got < accepted:
        got.add(receiver.receive(5).body)
        receiver.accept()
    equal(sorted(got), sorted(accepted), "accepted messages")
    connection.close()


class Coordinator(LinkOption):
    """The target of a link that begins and ends transactions."""

    def apply(self, link):
        link.target.type = Terminus.COORDINATOR
        link.target.capabilities.put_object(symbol("amqp:local-transactions"))


TRANSACTIONAL = 0x34


class Transactions:
    """Transactions of a connection, one after the other."""

    def __init__(self, connection):
        self.connection = connection
        self.link = connection.create_sender(None, name=f"c-{uuid.uuid4()}", options=Coordinator()).link

    def _tell(self, name, value):
        delivery = self.link.send(Message(body=Described(symbol(name), value)))
        self.connection.wait(lambda: delivery.settled, msg=name)
        return delivery

    def begin(self):
        self.id = self._tell("amqp:declare:list", [None]).remote.data[0]

    def end(self, fail=False):
        equal(self._tell("amqp:discharge:list", [self.id, fail]).remote_state, Delivery.ACCEPTED, "discharge")

    def send(self, sender, message):
        delivery = sender.link.send(message)
        delivery.local.data = [self.id]
        delivery.update(TRANSACTIONAL)
        self.connection.wait(lambda: delivery.settled, msg="publish")
        equal(delivery.remote_state, TRANSACTIONAL, "state of what is published")

    def accept(self, receiver):
        delivery = receiver.fetcher.unsettled.popleft()
        delivery.local.data = [self.id, Described(ulong(Delivery.ACCEPTED), [])]
        delivery.update(TRANSACTIONAL)
        delivery.settle()


def transactions():
    with Rabbit() as rabbit:
        queue, other = rabbit.queue(), rabbit.queue()
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=1)
        connection.create_sender(quoted(queue)).send(Message(body="request", durable=True))
        sender = connection.create_sender(quoted(other))
        transactions = Transactions(connection)
        # Rolled back: nothing is sent, and what was taken comes again.
        transactions.begin()
        equal(receiver.receive(5).body, "request", "body")
        transactions.accept(receiver)
        transactions.send(sender, Message(body="answer", durable=True))
        equal(rabbit.count(other), 0, "before the end")
        transactions.end(fail=True)
        equal(rabbit.count(other), 0, "rolled back")
        # Committed.
        transactions.begin()
        got = receiver.receive(5)
        equal((got.body, got.delivery_count), ("request", 1), "again")
        transactions.accept(receiver)
        transactions.send(sender, Message(body="answer", durable=True))
        transactions.end()
        nothing(receiver)
        connection.close()
        equal((rabbit.count(queue), rabbit.count(other)), (0, 1), "committed")


def transactions_over_a_kill():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
    connection = connect()
    sender = connection.create_sender(quoted(queue))
    transactions = Transactions(connection)
    for fail in [False, True]:
        transactions.begin()
        for number in range(50):
            transactions.send(sender, Message(body=f"{fail} {number}", durable=True))
        if not fail:
            transactions.end()
    request_kill()
    await_restart()
    connection = connect()
    receiver = connection.create_receiver(quoted(queue), credit=50)
    got = []
    for _ in range(50):
        got.append(receiver.receive(5).body)
        receiver.accept()
    equal(got, [f"False {number}" for number in range(50)], "what was committed")
    nothing(receiver)
    connection.close()


def selectors():
    with Rabbit() as rabbit:
        queue = rabbit.queue()
        for color in ["red", "blue", "red"]:
            rabbit.channel.basic_publish("", queue, color.encode(), pika.BasicProperties(headers={"color": color}))
        connection = connect()
        receiver = connection.create_receiver(quoted(queue), credit=0, options=Selector("color = 'red'"))
        effective = receiver.link.remote_source.filter
        effective.rewind()
        effective.next()
        equal(list(effective.get_object()), [symbol("selector")], "filters in effect")
        # It drains to the end, though there is something left that is not for it.
        receiver.link.drain(10)
        connection.wait(lambda: receiver.link.credit == 0, msg="drain")
        got = 0
        while receiver.fetcher.has_message:
            # The body is a view into the message, which has to stay.
            message = receiver.fetcher.pop()
            equal(bytes(message.body), b"red", "body")
            receiver.accept()
            got += 1
        equal(got, 2, "messages")
        detached(
            lambda: connection.create_receiver(quoted(queue), name="bad", options=Selector("color =")),
            "amqp:invalid-field",
        )
        connection.close()
        equal(rabbit.count(queue), 1, "left")


CASES = [
    wrong_password,
    no_anonymous_login,
    send_and_receive,
    bodies_of_every_kind,
    large_message,
    outcomes,
    second_settles_after_the_broker,
    pre_settled,
    drain,
    credit_is_kept_to,
    dynamic_reply_to,
    anonymous_terminus,
    exchanges_and_unroutable,
    full_queue_rejects,
    link_errors,
    deleted_queue_detaches,
    exclusive_queue_is_locked,
    from_pika,
    to_pika,
    dead_letter_to_pika,
    transactions,
    selectors,
    kept_over_a_kill,
    transactions_over_a_kill,
]


def speaks_amqp10():
    """Whether the broker knows AMQP 1.0: the older reference does not without a plugin."""
    import socket

    with socket.create_connection((ADDRESS.hostname, ADDRESS.port), 5) as probe:
        probe.sendall(b"AMQP\x03\x01\x00\x00")
        return probe.recv(8)[4:5] == b"\x03"


if speaks_amqp10():
    for case in CASES:
        if case.__name__ not in sys.argv[1:]:
            attempt(case.__name__, case)
else:
    print("skipped all: no AMQP 1.0 here", flush=True)
sys.stdout.flush()
os._exit(0)
