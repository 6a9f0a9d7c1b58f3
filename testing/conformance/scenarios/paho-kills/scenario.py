"""QoS 2 and QoS 1 through paho-mqtt while the broker is killed with SIGKILL, again and again on the same data.

The writer and the reader keep their sessions and come back by themselves. Of the QoS 2 messages each one must arrive once and in
order; of the QoS 1 messages each one at least once.
"""

import os
import socket
import sys
import threading
import time

import paho.mqtt.client as mqtt

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import await_restart, equal, report, request_kill  # noqa: E402

HOST, PORT = "127.0.0.1", 1883
CYCLES = int(os.environ.get("KILL_CYCLES", "30"))
UNDER_WAY = 20
SETTLE_S = 40
TOPICS = {"kills/once": 2, "kills/least": 1}


class Peer:
    """A client that keeps its session and reconnects as fast as it can."""

    def __init__(self, name, on_message=None, on_connect=None):
        self.client = mqtt.Client(
            mqtt.CallbackAPIVersion.VERSION2, client_id=name, protocol=mqtt.MQTTv311, clean_session=False
        )
        self.client.username_pw_set("guest", "guest")
        self.client.reconnect_delay_set(1, 1)
        self.client.max_inflight_messages_set(UNDER_WAY)
        self.client.on_message = on_message
        self.client.on_connect = on_connect
        self.client.connect(HOST, PORT)
        self.client.loop_start()


class Book:
    """What has arrived, by topic."""

    def __init__(self):
        self.lock = threading.Lock()
        self.numbers = {topic: [] for topic in TOPICS}

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


class Writer:
    """Publishes numbers without a gap on both topics; what is not acknowledged is kept by the client and sent again."""

    def __init__(self):
        self.sent = {topic: 0 for topic in TOPICS}
        self.acknowledged = 0
        self.peer = Peer("kills-writer")
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


def main():
    try:
        socket.create_connection((HOST, PORT), 5).close()
    except OSError:
        print("skipped all: no MQTT here", flush=True)
        return
    book, subscribed, present = Book(), threading.Event(), []
    reader = Peer("kills-reader", book.note, lambda c, u, flags, code, p: present.append(flags.session_present))
    reader.client.on_subscribe = lambda *_: subscribed.set()
    reader.client.subscribe(list(TOPICS.items()))
    subscribed.wait(10)
    writer = Writer()
    sent = writer.sent
    for cycle in range(CYCLES):
        before = book.count("kills/once")
        if not wait_until(lambda: book.count("kills/once") > before, SETTLE_S):
            report("goes on after each kill", AssertionError(f"nothing arrived after kill {cycle}"))
            break
        time.sleep(0.02 + 0.013 * (cycle % 10))
        request_kill()
        await_restart()
    else:
        report("goes on after each kill")
    if not writer.finish():
        report("everything is acknowledged", AssertionError(f"{writer.waiting()} messages are not"))
    wait_until(lambda: all(book.count(topic) == sent[topic] for topic in sent), SETTLE_S)
    time.sleep(1)

    def exactly_once():
        got = book.numbers["kills/once"]
        twice = sorted({number for number in got if got.count(number) > 1}) if len(set(got)) != len(got) else []
        equal(twice[:10], [], "arrived twice")
        equal(sorted(set(range(sent["kills/once"])) - set(got))[:10], [], "lost")
        equal(got == sorted(got), True, "in order")

    def at_least_once():
        missing = set(range(sent["kills/least"])) - set(book.numbers["kills/least"])
        equal(sorted(missing)[:10], [], "lost")

    def session_is_there():
        equal(present[:1] + sorted(set(present[1:])), [False, True], "session present, first and later")

    for case in (exactly_once, at_least_once, session_is_there):
        try:
            case()
            report(case.__name__)
        except Exception as error:  # noqa: BLE001 - each case is reported, whatever broke it
            report(case.__name__, error)
    for peer in (reader, writer.peer):
        peer.client.disconnect()
        peer.client.loop_stop()


main()
