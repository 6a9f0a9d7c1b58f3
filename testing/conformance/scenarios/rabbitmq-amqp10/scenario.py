"""An application over RabbitMQ's own client for AMQP 1.0 (Python): definitions by /management, publishing, consuming."""

import os
import sys
import uuid

from rabbitmq_amqp_python_client import (
    AddressHelper,
    AMQPMessagingHandler,
    ClassicQueueSpecification,
    Environment,
    ExchangeSpecification,
    ExchangeToExchangeBindingSpecification,
    ExchangeToQueueBindingSpecification,
    ExchangeType,
    Message,
    OutcomeState,
    QuorumQueueSpecification,
    ValidationCodeException,
)

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, attempt, equal  # noqa: E402

MESSAGES = 50


class Enough(Exception):
    """All messages have come."""


class Reader(AMQPMessagingHandler):
    """Takes so many messages, each with an outcome."""

    def __init__(self, count, settle):
        super().__init__()
        self.count, self.settle, self.bodies = count, settle, []

    def on_amqp_message(self, event):
        self.bodies.append(bytes(event.message.body))
        self.settle(self.delivery_context, event)
        if len(self.bodies) == self.count:
            raise Enough


class Client:
    """A connection with its management."""

    def __enter__(self):
        self.connection = Environment(uri=AMQP_URL.removesuffix("%2f")).connection()
        self.connection.dial()
        self.management = self.connection.management()
        return self

    def __exit__(self, *_):
        self.management.close()
        self.connection.close()

    def read(self, queue, count, settle):
        reader = Reader(count, settle)
        consumer = self.connection.consumer(AddressHelper.queue_address(queue), message_handler=reader)
        try:
            consumer.run()
        except Enough:
            pass
        consumer.close()
        return reader.bodies

    def publish(self, address, bodies):
        publisher = self.connection.publisher(address)
        states = [publisher.publish(Message(body=body)).remote_state for body in bodies]
        publisher.close()
        return states


def name(start):
    # What it has to be percent-encoded for.
    return f"{start}/ä {uuid.uuid4()}"


def queues_of_both_kinds():
    with Client() as client:
        for specification in [
            ClassicQueueSpecification(name=name("classic"), max_len=100),
            QuorumQueueSpecification(name=name("quorum")),
        ]:
            client.management.declare_queue(specification)
            client.management.declare_queue(specification)
            known = client.management.queue_info(specification.name)
            equal((known.name, known.is_durable, int(known.message_count)), (specification.name, True, 0), "queue")
            client.management.delete_queue(specification.name)
            try:
                client.management.queue_info(specification.name)
            except ValidationCodeException:
                continue
            raise AssertionError("the queue is still there")


def refused_declarations():
    with Client() as client:
        queue = name("q")
        client.management.declare_queue(ClassicQueueSpecification(name=queue, max_len=1))
        try:
            client.management.declare_queue(ClassicQueueSpecification(name=queue, max_len=2))
        except ValidationCodeException:
            pass
        else:
            raise AssertionError("a queue was declared in two ways")
        client.management.delete_queue(queue)


def publish_and_consume():
    with Client() as client:
        exchange, queue = name("e"), name("q")
        client.management.declare_exchange(ExchangeSpecification(name=exchange, exchange_type=ExchangeType.topic))
        client.management.declare_queue(ClassicQueueSpecification(name=queue))
        binding = client.management.bind(
            ExchangeToQueueBindingSpecification(source_exchange=exchange, destination_queue=queue, binding_key="a.*")
        )
        bodies = [str(number).encode() for number in range(MESSAGES)]
        states = client.publish(AddressHelper.exchange_address(exchange, "a.b"), bodies)
        equal(set(states), {OutcomeState.ACCEPTED}, "outcomes")
        got = client.read(queue, MESSAGES, lambda context, event: context.accept(event))
        equal(got, bodies, "bodies")
        client.management.unbind(binding)
        try:
            client.publish(AddressHelper.exchange_address(exchange, "a.b"), [b"x"])
        except Exception as error:  # noqa: BLE001 - a class of the library that the client has inside
            equal(error.state, OutcomeState.RELEASED, "outcome without a binding")
        else:
            raise AssertionError("an unroutable message was accepted")
        client.management.delete_queue(queue)
        client.management.delete_exchange(exchange)


def exchange_to_exchange():
    with Client() as client:
        first, second, queue = name("e"), name("e"), name("q")
        for exchange in [first, second]:
            client.management.declare_exchange(
                ExchangeSpecification(name=exchange, exchange_type=ExchangeType.fanout)
            )
        client.management.declare_queue(ClassicQueueSpecification(name=queue))
        client.management.bind(
            ExchangeToExchangeBindingSpecification(source_exchange=first, destination_exchange=second)
        )
        client.management.bind(
            ExchangeToQueueBindingSpecification(source_exchange=second, destination_queue=queue)
        )
        equal(client.publish(AddressHelper.exchange_address(first), [b"x"]), [OutcomeState.ACCEPTED], "outcome")
        equal(client.management.purge_queue(queue), 1, "purged")
        client.management.delete_queue(queue)
        for exchange in [first, second]:
            client.management.delete_exchange(exchange)


def requeue_and_discard():
    with Client() as client:
        dead, queue = name("dead"), name("q")
        client.management.declare_queue(ClassicQueueSpecification(name=dead))
        client.management.declare_queue(
            ClassicQueueSpecification(name=queue, dead_letter_exchange="", dead_letter_routing_key=dead)
        )
        client.publish(AddressHelper.queue_address(queue), [b"x"])
        outcomes = iter(["requeue", "discard"])
        client.read(queue, 2, lambda context, event: getattr(context, next(outcomes))(event))
        equal(client.read(dead, 1, lambda context, event: context.accept(event)), [b"x"], "dead letter")
        client.management.delete_queue(queue)
        client.management.delete_queue(dead)


def speaks_amqp10():
    """Whether the broker knows AMQP 1.0: the older reference does not without a plugin."""
    import socket
    from urllib.parse import urlparse

    address = urlparse(AMQP_URL)
    with socket.create_connection((address.hostname, address.port), 5) as probe:
        probe.sendall(b"AMQP\x03\x01\x00\x00")
        return probe.recv(8)[4:5] == b"\x03"


if speaks_amqp10():
    for case in [queues_of_both_kinds, refused_declarations, publish_and_consume, exchange_to_exchange, requeue_and_discard]:
        attempt(case.__name__, case)
else:
    print("skipped all: no AMQP 1.0 here", flush=True)
sys.stdout.flush()
os._exit(0)
