"""An application over aio-pika: asyncio, and its robust connection that reconnects by itself."""

import asyncio
import os
import sys

import aio_pika
from aio_pika.exceptions import AMQPException, DeliveryError
from aiormq.exceptions import ChannelPreconditionFailed

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, await_restart, check_death, equal, report, request_kill  # noqa: E402

KEPT_MESSAGES = 300
PERSISTENT = aio_pika.DeliveryMode.PERSISTENT


def message(body, **properties):
    return aio_pika.Message(body, **properties)


async def take(queue, count, seconds=10):
    """Consume `count` messages and acknowledge each."""
    got = []

    async def run():
        async with queue.iterator() as messages:
            async for one in messages:
                await one.ack()
                got.append(one)
                if len(got) == count:
                    return

    await asyncio.wait_for(run(), seconds)
    return got


async def declare(channel):
    exchange = await channel.declare_exchange("s.headers", "headers", durable=True)
    queue = await channel.declare_queue("s.declare", durable=True)
    await queue.bind(exchange, arguments={"x-match": "all", "kind": "a", "size": 1})
    await exchange.publish(message(b"miss", headers={"kind": "a"}), "")
    await exchange.publish(message(b"hit", headers={"kind": "a", "size": 1}), "")
    equal([one.body for one in await take(queue, 1)], [b"hit"], "routed by headers")
    await queue.unbind(exchange, arguments={"x-match": "all", "kind": "a", "size": 1})
    await queue.delete()
    await exchange.delete()


async def declare_conflict(channel):
    await channel.declare_queue("s.conflict", durable=True)
    try:
        await channel.declare_queue("s.conflict", durable=True, arguments={"x-max-length": 5})
    except ChannelPreconditionFailed:
        return
    raise AssertionError("a different redeclaration was accepted")


async def publish_with_confirms(channel):
    queue = await channel.declare_queue("s.confirms", durable=True)
    sends = (
        channel.default_exchange.publish(message(b"%d" % number, delivery_mode=PERSISTENT), "s.confirms")
        for number in range(200)
    )
    await asyncio.gather(*sends)
    got = sorted(int(one.body) for one in await take(queue, 200))
    equal(got, list(range(200)), "200 messages in flight at once")


async def consume_with_acks(channel):
    await channel.set_qos(prefetch_count=3)
    queue = await channel.declare_queue("s.acks")
    for number in range(9):
        await channel.default_exchange.publish(message(b"%d" % number), "s.acks")
    got = [one.body for one in await take(queue, 9)]
    equal(got, [b"%d" % number for number in range(9)], "order")
    again = await channel.declare_queue("s.acks", passive=True)
    equal(again.declaration_result.message_count, 0, "messages left")


async def reject(channel):
    queue = await channel.declare_queue("s.reject")
    await channel.default_exchange.publish(message(b"x"), "s.reject")
    first = await queue.get(timeout=5)
    await first.reject(requeue=True)
    second = await queue.get(timeout=5)
    equal(second.redelivered, True, "redelivered")
    await second.reject(requeue=False)
    equal(await queue.get(fail=False), None, "message after a final reject")


async def dead_letter(channel):
    fanout = await channel.declare_exchange("s.dlx", "fanout")
    dead = await channel.declare_queue("s.dead")
    await dead.bind(fanout)
    queue = await channel.declare_queue("s.alive", arguments={"x-dead-letter-exchange": "s.dlx"})
    await channel.default_exchange.publish(message(b"bad"), "s.alive")
    await (await queue.get(timeout=5)).reject(requeue=False)
    (one,) = await take(dead, 1)
    check_death(one.headers, "s.alive", "rejected")
    equal(one.routing_key, "s.alive", "routing key kept")


async def dead_letter_twice(channel):
    """The same message dies twice of the same cause in the same queue: one entry that counts."""
    retry = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.work", "x-message-ttl": 50}
    await channel.declare_queue("s.retry", arguments=retry)
    work = await channel.declare_queue(
        "s.work", arguments={"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.retry"}
    )
    await channel.default_exchange.publish(message(b"again"), "s.work")
    for _ in range(2):
        one = await work_item(work)
        await one.reject(requeue=False)
    one = await work_item(work)
    await one.ack()
    deaths = {(death["queue"], death["reason"]): death["count"] for death in one.headers["x-death"]}
    equal(deaths, {("s.work", "rejected"): 2, ("s.retry", "expired"): 2}, "deaths")


async def work_item(queue):
    async with asyncio.timeout(5):
        while (one := await queue.get(fail=False)) is None:
            await asyncio.sleep(0.02)
    return one


async def ttl(channel):
    dead = await channel.declare_queue("s.expired")
    arguments = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "s.expired"}
    await channel.declare_queue("s.ttl", arguments=arguments)
    await channel.default_exchange.publish(message(b"late", expiration=0.05), "s.ttl")
    (one,) = await take(dead, 1)
    check_death(one.headers, "s.ttl", "expired")


async def priorities(channel):
    queue = await channel.declare_queue("s.priority", arguments={"x-max-priority": 9})
    for priority in (2, 9, 4):
        await channel.default_exchange.publish(message(b"%d" % priority, priority=priority), "s.priority")
    equal([one.body for one in await take(queue, 3)], [b"9", b"4", b"2"], "order by priority")


async def transactions(channel):
    connection = await aio_pika.connect(AMQP_URL)
    plain = await connection.channel(publisher_confirms=False)
    queue = await plain.declare_queue("s.tx")
    async with plain.transaction():
        await plain.default_exchange.publish(message(b"kept"), "s.tx")
    try:
        async with plain.transaction():
            await plain.default_exchange.publish(message(b"gone"), "s.tx")
            raise KeyError
    except KeyError:
        pass
    equal((await work_item(queue)).body, b"kept", "committed body")
    equal(await queue.get(fail=False), None, "message of the rolled back transaction")
    await connection.close()


async def mandatory_return(channel):
    async with await aio_pika.connect(AMQP_URL) as connection:
        strict = await connection.channel(on_return_raises=True)
        try:
            await strict.default_exchange.publish(message(b"back"), "s.nowhere", mandatory=True)
        except DeliveryError as error:
            equal(error.message.delivery.reply_code, 312, "reply code")
            return
    raise AssertionError("an unroutable mandatory message did not come back")


async def exchange_to_exchange(channel):
    source = await channel.declare_exchange("s.source", "topic")
    target = await channel.declare_exchange("s.target", "fanout")
    queue = await channel.declare_queue("s.chained")
    await target.bind(source, "#.x")
    await queue.bind(target)
    await source.publish(message(b"through"), "a.b.x")
    equal((await take(queue, 1))[0].body, b"through", "body over two exchanges")


async def alternate_exchange(channel):
    await channel.declare_exchange("s.unrouted", "fanout")
    main = await channel.declare_exchange("s.main", "direct", arguments={"alternate-exchange": "s.unrouted"})
    queue = await channel.declare_queue("s.alternate")
    await queue.bind("s.unrouted")
    await main.publish(message(b"lost?"), "nobody")
    equal((await take(queue, 1))[0].body, b"lost?", "body that took the other way")


async def reconnect_after_kill(channel):
    """Publish and consume over a robust connection while the broker is killed."""
    connection = await aio_pika.connect_robust(AMQP_URL, reconnect_interval=0.1)
    robust = await connection.channel()
    await robust.declare_queue("s.kept", durable=True)
    confirmed = []
    waiting = None
    number = 0
    while len(confirmed) < KEPT_MESSAGES:
        number += 1
        try:
            body = message(b"%d" % number, delivery_mode=PERSISTENT)
            await asyncio.wait_for(robust.default_exchange.publish(body, "s.kept"), 30)
            confirmed.append(number)
        except (AMQPException, ConnectionError, RuntimeError, asyncio.CancelledError, asyncio.TimeoutError):
            await asyncio.sleep(0.05)
        if len(confirmed) == KEPT_MESSAGES // 2 and waiting is None:
            request_kill()
            waiting = asyncio.get_running_loop().run_in_executor(None, await_restart)
    await waiting
    await connection.close()
    fresh = await aio_pika.connect(AMQP_URL)
    queue = await (await fresh.channel()).declare_queue("s.kept", passive=True)
    got = {int(one.body) for one in await take(queue, queue.declaration_result.message_count)}
    await fresh.close()
    equal(sorted(set(confirmed) - got), [], f"confirmed messages lost of {len(confirmed)}")


CASES = [
    declare,
    declare_conflict,
    publish_with_confirms,
    consume_with_acks,
    reject,
    dead_letter,
    dead_letter_twice,
    ttl,
    priorities,
    transactions,
    mandatory_return,
    exchange_to_exchange,
    alternate_exchange,
    reconnect_after_kill,
]


async def main():
    for case in CASES:
        try:
            connection = await aio_pika.connect(AMQP_URL)
            async with connection:
                await asyncio.wait_for(case(await connection.channel()), 60)
            report(case.__name__)
        except Exception as error:  # each case reports for itself, whatever happened
            report(case.__name__, error)


asyncio.run(main())
