"""An application over pika's blocking connection."""

import os
import sys
import time

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker, NackError, UnroutableError

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, await_restart, check_death, equal, report, request_kill  # noqa: E402

PERSISTENT = pika.BasicProperties(delivery_mode=2)
KEPT_MESSAGES = 300


def connect():
    return pika.BlockingConnection(pika.URLParameters(AMQP_URL))


def collect(channel, queue, count, seconds=10):
    """Take up to `count` messages with a consumer and acknowledge each."""
    got = []
    for method, properties, body in channel.consume(queue, inactivity_timeout=seconds):
        if method is None:
            break
        channel.basic_ack(method.delivery_tag)
        got.append((method, properties, body))
        if len(got) == count:
            break
    channel.cancel()
    return got


def declare(channel):
    channel.exchange_declare("s.topic", "topic", durable=True)
    answer = channel.queue_declare("s.declare", durable=True)
    equal(answer.method.message_count, 0, "messages in a new queue")
    channel.queue_bind("s.declare", "s.topic", "a.*.c")
    channel.basic_publish("s.topic", "a.b.c", b"hit")
    channel.basic_publish("s.topic", "a.b.d", b"miss")
    equal([body for _, _, body in collect(channel, "s.declare", 1)], [b"hit"], "routed by topic")
    channel.queue_declare("s.declare", passive=True)
    channel.queue_unbind("s.declare", "s.topic", "a.*.c")
    channel.queue_delete("s.declare")
    channel.exchange_delete("s.topic")


def declare_conflict(channel):
    channel.queue_declare("s.conflict", durable=True)
    try:
        channel.queue_declare("s.conflict", durable=False)
    except ChannelClosedByBroker as error:
        equal(error.reply_code, 406, "reply code")
        return
    raise AssertionError("a different redeclaration was accepted")


def passive_missing(channel):
    try:
        channel.queue_declare("s.missing", passive=True)
    except ChannelClosedByBroker as error:
        equal(error.reply_code, 404, "reply code")
        return
    raise AssertionError("a queue that is not there was found")


def publish_with_confirms(channel):
    channel.confirm_delivery()
    channel.queue_declare("s.confirms", durable=True)
    for number in range(100):
        channel.basic_publish("", "s.confirms", b"%d" % number, PERSISTENT)
    got = collect(channel, "s.confirms", 100)
    equal([body for _, _, body in got], [b"%d" % number for number in range(100)], "order of 100 messages")


def properties_survive(channel):
    channel.queue_declare("s.properties")
    sent = pika.BasicProperties(
        content_type="text/plain",
        content_encoding="utf-8",
        headers={"text": "x", "number": 7, "list": [1, "two"], "map": {"k": True}, "none": None},
        delivery_mode=2,
        priority=3,
        correlation_id="c",
        reply_to="r",
        message_id="m",
        timestamp=1700000000,
        type="t",
        user_id="guest",
        app_id="a",
    )
    channel.basic_publish("", "s.properties", b"body", sent)
    _, got, _ = collect(channel, "s.properties", 1)[0]
    equal(got.__dict__, sent.__dict__, "properties")


def consume_with_acks(channel):
    channel.queue_declare("s.acks")
    for number in range(10):
        channel.basic_publish("", "s.acks", b"%d" % number)
    channel.basic_qos(prefetch_count=4)
    got = []
    for method, _, body in channel.consume("s.acks", inactivity_timeout=5):
        if method is None:
            break
        got.append(body)
        if len(got) % 2 == 0:
            channel.basic_ack(method.delivery_tag, multiple=True)
        if len(got) == 10:
            break
    channel.cancel()
    equal(len(got), 10, "messages taken two by two")
    equal(channel.queue_declare("s.acks", passive=True).method.message_count, 0, "messages left")


def unacked_come_back(channel):
    channel.queue_declare("s.back", durable=True)
    channel.basic_publish("", "s.back", b"held", PERSISTENT)
    other = connect()
    deadline = time.monotonic() + 5
    holder = other.channel()
    method = None
    while method is None and time.monotonic() < deadline:
        method, _, _ = holder.basic_get("s.back")
    equal(method.redelivered, False, "redelivered at first")
    other.close()
    (method, _, body), = collect(channel, "s.back", 1)
    equal(body, b"held", "message after its holder went")
    equal(method.redelivered, True, "redelivered afterwards")


def reject(channel):
    channel.queue_declare("s.reject")
    channel.basic_publish("", "s.reject", b"again")
    for method, _, _ in channel.consume("s.reject", inactivity_timeout=5):
        if not method.redelivered:
            channel.basic_reject(method.delivery_tag, requeue=True)
        else:
            channel.basic_reject(method.delivery_tag, requeue=False)
            break
    channel.cancel()
    equal(channel.queue_declare("s.reject", passive=True).method.message_count, 0, "messages left")


def nack_multiple(channel):
    channel.queue_declare("s.nack")
    for number in range(3):
        channel.basic_publish("", "s.nack", b"%d" % number)
    got = []
    for method, _, body in channel.consume("s.nack", inactivity_timeout=5):
        got.append((body, method.redelivered))
        if len(got) == 3:
            channel.basic_nack(method.delivery_tag, multiple=True, requeue=True)
        if len(got) == 6:
            channel.basic_ack(method.delivery_tag, multiple=True)
            break
    channel.cancel()
    equal(got[3:], [(b"0", True), (b"1", True), (b"2", True)], "order after a nack of all")


def dead_letter_rejected(channel):
    channel.queue_declare("s.dead")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.dead"}
    channel.queue_declare("s.alive", arguments=arguments)
    channel.basic_publish("", "s.alive", b"bad", pika.BasicProperties(headers={"mine": 1}))
    for method, _, _ in channel.consume("s.alive", inactivity_timeout=5):
        channel.basic_reject(method.delivery_tag, requeue=False)
        break
    channel.cancel()
    (_, properties, body), = collect(channel, "s.dead", 1)
    equal(body, b"bad", "dead body")
    equal(properties.headers.get("mine"), 1, "own header")
    check_death(properties.headers, "s.alive", "rejected")


def dead_letter_maxlen(channel):
    channel.queue_declare("s.dead2")
    arguments = {"x-max-length": 1, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.dead2"}
    channel.queue_declare("s.short", arguments=arguments)
    channel.basic_publish("", "s.short", b"old")
    channel.basic_publish("", "s.short", b"new")
    (_, properties, body), = collect(channel, "s.dead2", 1)
    equal(body, b"old", "pushed out")
    check_death(properties.headers, "s.short", "maxlen")


def reject_publish(channel):
    channel.confirm_delivery()
    channel.queue_declare("s.full", arguments={"x-max-length": 1, "x-overflow": "reject-publish"})
    channel.basic_publish("", "s.full", b"fits")
    try:
        channel.basic_publish("", "s.full", b"does not")
    except NackError:
        return
    raise AssertionError("a publish to a full queue was confirmed")


def ttl_of_queue(channel):
    channel.queue_declare("s.expired")
    arguments = {"x-message-ttl": 100, "x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.expired"}
    channel.queue_declare("s.ttl", arguments=arguments)
    channel.basic_publish("", "s.ttl", b"late")
    (_, properties, body), = collect(channel, "s.expired", 1)
    equal(body, b"late", "expired body")
    check_death(properties.headers, "s.ttl", "expired")


def ttl_of_message(channel):
    channel.queue_declare("s.expired2")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.expired2"}
    channel.queue_declare("s.ttl2", arguments=arguments)
    channel.basic_publish("", "s.ttl2", b"late", pika.BasicProperties(expiration="50"))
    (_, properties, _), = collect(channel, "s.expired2", 1)
    check_death(properties.headers, "s.ttl2", "expired")
    equal(properties.headers["x-death"][0].get("original-expiration"), "50", "original-expiration")
    equal(properties.expiration, None, "expiration after death")


def priorities(channel):
    channel.confirm_delivery()
    channel.queue_declare("s.priority", arguments={"x-max-priority": 5})
    for priority in (1, 5, 3, 5, 0):
        channel.basic_publish("", "s.priority", b"%d" % priority, pika.BasicProperties(priority=priority))
    got = [body for _, _, body in collect(channel, "s.priority", 5)]
    equal(got, [b"5", b"5", b"3", b"1", b"0"], "order by priority")


def transactions(channel):
    channel.queue_declare("s.tx")
    channel.tx_select()
    channel.basic_publish("", "s.tx", b"gone")
    channel.tx_rollback()
    channel.basic_publish("", "s.tx", b"kept")
    equal(channel.queue_declare("s.tx", passive=True).method.message_count, 0, "visible before commit")
    channel.tx_commit()
    method, _, body = channel.basic_get("s.tx")
    equal(body, b"kept", "committed body")
    channel.basic_ack(method.delivery_tag)
    channel.tx_rollback()
    channel.basic_recover(requeue=True)
    method, _, _ = channel.basic_get("s.tx")
    equal(method.redelivered, True, "redelivered after the ack was rolled back")
    channel.basic_ack(method.delivery_tag)
    channel.tx_commit()
    equal(channel.queue_declare("s.tx", passive=True).method.message_count, 0, "left after commit")


def mandatory_return(channel):
    channel.confirm_delivery()
    try:
        channel.basic_publish("", "s.nowhere", b"back", mandatory=True)
    except UnroutableError as error:
        equal(error.messages[0].method.reply_code, 312, "reply code")
        equal(error.messages[0].body, b"back", "returned body")
        return
    raise AssertionError("an unroutable mandatory message did not come back")


def exclusive_queue(channel):
    channel.queue_declare("s.mine", exclusive=True)
    other = connect()
    try:
        other.channel().queue_declare("s.mine", passive=True)
    except ChannelClosedByBroker as error:
        equal(error.reply_code, 405, "reply code")
    else:
        raise AssertionError("another connection may use an exclusive queue")
    finally:
        other.close()


def request_and_reply(channel):
    channel.queue_declare("s.server")
    replies = []
    channel.basic_consume("amq.rabbitmq.reply-to", lambda *args: replies.append(args[3]), auto_ack=True)
    properties = pika.BasicProperties(reply_to="amq.rabbitmq.reply-to", correlation_id="1")
    channel.basic_publish("", "s.server", b"2+2", properties)
    server = connect()
    service = server.channel()
    method = None
    deadline = time.monotonic() + 5
    while method is None and time.monotonic() < deadline:
        method, asked, _ = service.basic_get("s.server", auto_ack=True)
    service.basic_publish("", asked.reply_to, b"4")
    channel.connection.process_data_events(time_limit=5)
    server.close()
    equal(replies, [b"4"], "reply")


def large_message(channel):
    body = os.urandom(1_000_000)
    channel.queue_declare("s.large")
    channel.basic_publish("", "s.large", body)
    (_, _, got), = collect(channel, "s.large", 1)
    equal(got == body, True, "a body of 1 MB unchanged")


def reconnect_after_kill(channel):
    """Publish with confirms while the broker is killed; nothing confirmed may be missing afterwards."""
    channel.queue_declare("s.kept", durable=True)
    channel.confirm_delivery()
    confirmed = []
    requested = False
    number = 0
    while len(confirmed) < KEPT_MESSAGES:
        try:
            channel.basic_publish("", "s.kept", b"%d" % number, PERSISTENT)
            confirmed.append(number)
            number += 1
            if len(confirmed) == KEPT_MESSAGES // 2:
                request_kill()
                requested = True
        except (AMQPError, OSError):
            if not requested:
                raise
            await_restart()
            requested = None
            number += 1
            channel = connect().channel()
            channel.confirm_delivery()
    if requested:
        await_restart()
        channel = connect().channel()
    waiting = channel.queue_declare("s.kept", passive=True).method.message_count
    got = {int(body) for _, _, body in collect(channel, "s.kept", waiting)}
    lost = sorted(set(confirmed) - got)
    equal(lost, [], f"confirmed messages lost of {len(confirmed)}")


CASES = [
    declare,
    declare_conflict,
    passive_missing,
    publish_with_confirms,
    properties_survive,
    consume_with_acks,
    unacked_come_back,
    reject,
    nack_multiple,
    dead_letter_rejected,
    dead_letter_maxlen,
    reject_publish,
    ttl_of_queue,
    ttl_of_message,
    priorities,
    transactions,
    mandatory_return,
    exclusive_queue,
    request_and_reply,
    large_message,
    reconnect_after_kill,
]


def main():
    for case in CASES:
        try:
            connection = connect()
            case(connection.channel())
            report(case.__name__)
            if connection.is_open:
                connection.close()
        except Exception as error:  # each case reports for itself, whatever happened
            report(case.__name__, error)


main()
