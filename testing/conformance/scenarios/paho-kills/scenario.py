"""QoS 2 and QoS 1 through paho-mqtt while the broker is killed with SIGKILL, again and again on the same data.

The writer and the reader keep their sessions and come back by themselves; the reader subscribes once. Of the QoS 2 messages each
one must arrive once and in order; of the QoS 1 messages each one at least once, the first time in order. The retained number is
the last one that was acknowledged, or a later one. The mortal leaves a new will each time that it comes: each kill publishes one.
KILL_CYCLES says how many kills, KILL_SEED gives their moments.
"""

import os
import random
import sys
import threading
import time
from collections import Counter

import paho.mqtt.client as mqtt
from paho.mqtt.enums import MessageState

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import attempt, await_restart, equal, is_served, report, request_kill  # noqa: E402

HOST, PORT = "127.0.0.1", 1883
CYCLES = int(os.environ.get("KILL_CYCLES", "30"))
SEED = int(os.environ.get("KILL_SEED", "1"))
UNDER_WAY = 20
SETTLE_S = 40
TOPICS = {"kills/once": 2, "kills/least": 1}
RETAINED, WILL = "kills/retained", "kills/will"


class Client(mqtt.Client):
    """A client that never sends a PUBLISH again after its PUBREL (MQTT 4.3.3).

    paho-mqtt puts its messages in order before each attempt to connect, and forgets at the second one that a PUBREL was owed: while a
    broker takes more than a second to start, it would publish such messages twice.
    """

    def _messages_reconnect_reset_out(self):
        messages = self._out_messages.values()
        owed = [message for message in messages if message.state == MessageState.MQTT_MS_RESEND_PUBREL]
        super()._messages_reconnect_reset_out()
        for message in owed:
            message.state = MessageState.MQTT_MS_RESEND_PUBREL


class Peer:
    """A client that keeps its session and reconnects as fast as it can."""

    def __init__(self, name, on_message=None, on_connect=None, on_pre_connect=None, is_clean=False):
        self.client = Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, clean_session=is_clean
        )
        self.client.username_pw_set("guest", "guest")
        self.client.reconnect_delay_set(1, 1)
        self.client.max_inflight_messages_set(UNDER_WAY)
        self.client.on_message = on_message
        self.client.on_connect = on_connect
        self.client.on_pre_connect = on_pre_connect
        self.client.connect(HOST, PORT)
        self.client.loop_start()


class Book:
    """What has arrived, by topic."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = {topic: [] for topic in [*TOPICS, WILL]}

    def note(self, client, userdata, message):
        with self.lock:
            self.numbers[message.topic].append(int(message.payload))

    def count(self, topic):
        with self.lock:
            return len(set(self.numbers[topic]))


def wait_until(condition, seconds):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def twice(numbers):
    """The first few that are there more than once."""
    return [number for number, count in sorted(Counter(numbers).items()) if count > 1][:10]


class Writer:
    """Publishes numbers without a gap on both topics; what is not acknowledged is kept by the client and sent again."""

    def __init__(self):
        self.sent = {topic: 0 for topic in TOPICS}
        self.acknowledged = 0
        self.present = []
        self.peer = Peer("kills-writer", on_connect=lambda c, u, flags, code, p: self.present.append(flags.session_present))
        self.peer.client.on_publish = self.note
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def note(self, *_):
        self.acknowledged += 1

    def waiting(self):
        return sum(self.sent.values()) - self.acknowledged

    def run(self):
        while not self.stop.is_set():
            if self.waiting() >= 2 * UNDER_WAY:
                time.sleep(0.002)
                continue
            for topic, qos in TOPICS.items():
                self.peer.client.publish(topic, str(self.sent[topic]), qos=qos)
                self.sent[topic] += 1

    def finish(self):
        self.stop.set()
        self.thread.join()
        return wait_until(lambda: self.waiting() == 0, SETTLE_S)


class Keeper:
    """Replaces the retained message by the next number as soon as the one before is acknowledged."""

    def __init__(self):
        self.sent, self.acknowledged, self.is_over = 0, 0, False
        self.peer = Peer("kills-keeper")
        self.peer.client.on_publish = self.note
        self.put()

    def put(self):
        self.sent += 1
        self.peer.client.publish(RETAINED, str(self.sent), qos=1 + self.sent % 2, retain=True)

    def note(self, *_):
        self.acknowledged += 1
        if not self.is_over:
            self.put()

    def finish(self):
        self.is_over = True
        wait_until(lambda: self.acknowledged == self.sent, SETTLE_S)

    def look(self):
        """What a new subscriber is given; a number that was acknowledged before must not be older than that."""
        got = []
        acknowledged = self.acknowledged
        looker = Peer("kills-looker", lambda c, u, message: got.append(message), is_clean=True)
        looker.client.subscribe(RETAINED, qos=1)
        wait_until(lambda: got, SETTLE_S)
        looker.client.disconnect()
        looker.client.loop_stop()
        if not got:
            raise AssertionError(f"nothing is retained, {acknowledged} was acknowledged")
        number = int(got[0].payload)
        if not (got[0].retain and acknowledged <= number <= self.sent):
            raise AssertionError(f"{number} with retain {got[0].retain}, {acknowledged} to {self.sent} may be retained")


class Mortal:
    """Comes each time with a will that says how often it came before."""

    def __init__(self):
        self.comings, self.welcomed = 0, []
        self.peer = Peer("kills-mortal", on_connect=self.note, on_pre_connect=self.prepare)

    def prepare(self, client, _):
        client.will_set(WILL, str(self.comings), qos=2)
        self.comings += 1

    def note(self, *_):
        self.welcomed.append(self.comings - 1)

    def say_goodbye(self):
        """Takes the will back that it came with last."""
        wait_until(self.peer.client.is_connected, SETTLE_S)
        self.peer.client.disconnect()
        self.peer.client.loop_stop()


def main():
    if not is_served(HOST, PORT, "MQTT"):
        return
    book, subscribed, present = Book(), threading.Event(), []
    reader = Peer("kills-reader", book.note, lambda c, u, flags, code, p: present.append(flags.session_present))
    reader.client.on_subscribe = lambda *_: subscribed.set()
    reader.client.subscribe([*TOPICS.items(), (WILL, 2)])
    subscribed.wait(10)
    writer, keeper, mortal = Writer(), Keeper(), Mortal()
    sent, moments, stale = writer.sent, random.Random(SEED), []
    for cycle in range(CYCLES):
        before = book.count("kills/once")
        if not wait_until(lambda: book.count("kills/once") > before, SETTLE_S):
            report("goes on after each kill", AssertionError(f"nothing arrived after kill {cycle}"))
            break
        time.sleep(moments.uniform(0.02, 0.3))
        request_kill()
        await_restart()
        try:
            keeper.look()
        except AssertionError as error:
            stale.append(f"after kill {cycle}: {error}")
    else:
        report("goes on after each kill")
    if not writer.finish():
        report("everything is acknowledged", AssertionError(f"{writer.waiting()} messages are not"))
    wait_until(lambda: all(book.count(topic) == sent[topic] for topic in sent), SETTLE_S)
    keeper.finish()
    mortal.say_goodbye()
    time.sleep(1)

    def exactly_once():
        got = book.numbers["kills/once"]
        equal(twice(got), [], "arrived twice")
        equal(sorted(set(got) ^ set(range(sent["kills/once"])))[:10], [], "lost or invented")
        equal(got == sorted(got), True, "in order")

    def at_least_once():
        got = book.numbers["kills/least"]
        equal(sorted(set(got) ^ set(range(sent["kills/least"])))[:10], [], "lost or invented")
        first = list(dict.fromkeys(got))
        equal(first == sorted(first), True, "in order, the first time")

    def sessions_are_there():
        for peer, flags in (("reader", present), ("writer", writer.present)):
            equal(flags[:1] + sorted(set(flags[1:])), [False, True], f"session of the {peer} present, first and later")

    def retained_is_the_last():
        equal(stale[:3], [], "retained otherwise")

    def each_will_once():
        got, last = book.numbers[WILL], mortal.welcomed[-1]
        equal(twice(got), [], "published twice")
        equal(sorted(set(mortal.welcomed) - {last} - set(got))[:10], [], "lost")
        # One who had no CONNACK yet when the broker died may have had a will there.
        equal(sorted(set(got) - set(range(last)))[:10], [], "published though its client said goodbye, or never was")

    for case in (exactly_once, at_least_once, sessions_are_there, retained_is_the_last, each_will_once):
        attempt(case.__name__, case)
    print(
        f"note {len(book.numbers['kills/once'])} of QoS 2, {len(book.numbers['kills/least'])} of QoS 1, "
        f"{keeper.acknowledged} retained, {len(book.numbers[WILL])} wills",
        flush=True,
    )
    for peer in (reader, writer.peer, keeper.peer):
        peer.client.disconnect()
        peer.client.loop_stop()


main()
