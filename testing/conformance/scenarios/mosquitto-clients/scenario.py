"""Scripts around mosquitto_pub, mosquitto_sub and mosquitto_rr in all versions, with pika at the other end of some."""

import os
import signal
import subprocess
import sys
import threading

import pika

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import AMQP_URL, attempt, await_restart, equal, is_served, request_kill  # noqa: E402

HOST, PORT, SECURE_PORT = "localhost", 1883, 8883
VERSIONS = {"3.1": "mqttv31", "3.1.1": "mqttv311", "5": "mqttv5"}
WAIT_S = 20
# Topic, QoS and payload of a message; whether it was a retained one.
FORMAT = "%t|%q|%p|%r"


def login(version, is_secure=False, password="guest"):
    """The options that all three programs share."""
    way = ["-p", str(SECURE_PORT), "--cafile", os.environ["TLS_CA"]] if is_secure else ["-p", str(PORT)]
    return ["-h", HOST, *way, "-V", VERSIONS[version], "-u", "guest", "-P", password]


def run(program, *options, text=None):
    """Run one to its end; give what it printed."""
    done = subprocess.run([program, *options], input=text, capture_output=True, text=True, timeout=WAIT_S)
    if done.returncode != 0:
        raise AssertionError(f"{program} ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def publish(access, topic, body, *more):
    run("mosquitto_pub", *access, "-t", topic, "-m", body, *more)


class Subscriber:
    """A mosquitto_sub that has subscribed and goes after so many messages."""

    running = set()

    def __init__(self, access, topic, count, *more, form=FORMAT):
        options = ["-t", topic, "-C", str(count), "-F", f"got {form}", "-d", *more]
        # Into a pipe it would write only by the block.
        command = ["stdbuf", "-oL", "mosquitto_sub", *access, *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.timer = threading.Timer(WAIT_S, self.process.kill)
        self.timer.start()
        Subscriber.running.add(self)
        self.seen = []
        for line in self.process.stdout:
            self.note(line)
            if line.startswith("Subscribed"):
                return
        raise AssertionError(f"no SUBACK for {topic}")

    def note(self, line):
        if line.startswith("got "):
            self.seen.append(line.removeprefix("got ").rstrip("\n"))

    def messages(self):
        """All of them, once the program has gone."""
        for line in self.process.stdout:
            self.note(line)
        equal(self.process.wait(), 0, "what mosquitto_sub ended with")
        self.end()
        return self.seen

    def end(self):
        self.timer.cancel()
        self.process.kill()
        self.process.wait()
        Subscriber.running.discard(self)


def every_qos(version, is_secure=False):
    access = login(version, is_secure)
    reader = Subscriber(access, "q/#", 3, "-q", "2")
    for qos in (0, 1, 2):
        publish(access, f"q/{qos}", f"body {qos}", "-q", str(qos))
    equal(reader.messages(), [f"q/{qos}|{qos}|body {qos}|0" for qos in (0, 1, 2)], "messages")


def a_line_a_message(version):
    """A shell's pipe: all lines over one connection, in order."""
    access = login(version)
    reader = Subscriber(access, "lines", 200, "-q", "2", form="%p")
    lines = [f"line {number}" for number in range(200)]
    run("mosquitto_pub", *access, "-t", "lines", "-q", "2", "-l", text="\n".join(lines) + "\n")
    equal(reader.messages(), lines, "lines")


def a_file(version, is_secure=False):
    """A body of 2 MB."""
    access = login(version, is_secure)
    reader = Subscriber(access, "file", 1, "-q", "1", form="%l")
    run("mosquitto_pub", *access, "-t", "file", "-q", "1", "-s", text="x" * 2_000_000)
    equal(reader.messages(), ["2000000"], "length")


def retained(version):
    access = login(version)
    publish(access, "r/a", "old", "-r")
    publish(access, "r/a", "kept", "-r", "-q", "1")
    publish(access, "r/b", "gone", "-r", "-q", "1")
    run("mosquitto_pub", *access, "-t", "r/b", "-r", "-n", "-q", "1")
    equal(Subscriber(access, "r/#", 1, "-q", "1").messages(), ["r/a|1|kept|1"], "retained")
    run("mosquitto_pub", *access, "-t", "r/a", "-r", "-n", "-q", "1")
    nothing = Subscriber(access, "r/#", 1, "-q", "1")
    publish(access, "r/c", "live", "-q", "1")
    equal(nothing.messages(), ["r/c|1|live|0"], "after both were cleared")


def kept_session(version):
    access = login(version)
    kept = [*access, "-i", f"kept-{version}", "-c", *(["-x", "1000"] if version == "5" else [])]
    run("mosquitto_sub", *kept, "-t", "k/#", "-q", "2", "-E")
    for qos in (0, 1, 2):
        publish(access, f"k/{qos}", "x", "-q", str(qos))
    equal(Subscriber(kept, "k/#", 2, "-q", "2").messages(), ["k/1|1|x|0", "k/2|2|x|0"], "kept messages")


def last_will(version):
    access = login(version)
    reader = Subscriber(access, "w/#", 1, "-q", "1")
    will = ["--will-topic", "w/lost", "--will-payload", "gone", "--will-qos", "1"]
    doomed = Subscriber(access, "nothing", 1, *will)
    doomed.process.send_signal(signal.SIGKILL)
    doomed.end()
    equal(reader.messages(), ["w/lost|1|gone|0"], "the will")


def shared():
    access = login("5")
    members = [Subscriber(access, "$share/g/s", 5, "-q", "1", form="%p") for _ in range(2)]
    run("mosquitto_pub", *access, "-t", "s", "-q", "1", "-l", text="".join(f"{number}\n" for number in range(10)))
    taken = [body for member in members for body in member.messages()]
    equal(sorted(taken), [str(number) for number in range(10)], "each message once")


def properties_travel():
    access = login("5")
    asked = ["-D", "subscribe", "subscription-identifier", "7"]
    reader = Subscriber(access, "p", 1, "-q", "1", *asked, form="%p|%C|%R|%D|%P|%S")
    given = ["content-type", "text/plain"], ["response-topic", "to/me"], ["correlation-data", "42"], ["user-property", "k", "v"]
    publish(access, "p", "x", "-q", "1", *[word for one in given for word in ("-D", "publish", *one)])
    equal(reader.messages(), ["x|text/plain|to/me|42|k:v|7"], "properties")


def request_and_response():
    """mosquitto_rr asks, a consumer of AMQP answers."""
    channel = pika.BlockingConnection(pika.URLParameters(AMQP_URL)).channel()
    queue = channel.queue_declare("", exclusive=True).method.queue
    channel.queue_bind(queue, "amq.topic", "ask.me")

    def serve():
        method, properties, body = next(channel.consume(queue, auto_ack=True, inactivity_timeout=WAIT_S))
        if method is None:
            return
        answer = pika.BasicProperties(correlation_id=properties.correlation_id)
        channel.basic_publish("amq.topic", properties.headers["x-reply-to-topic"], body.upper(), answer)
        channel.connection.close()

    server = threading.Thread(target=serve)
    server.start()
    try:
        options = ["-t", "ask/me", "-e", "the/answer", "-m", "loud", "-q", "1"]
        equal(run("mosquitto_rr", *login("5"), *options), "LOUD\n", "answer")
    finally:
        server.join()


def refused(version):
    for program, more in (("mosquitto_pub", ["-m", "x"]), ("mosquitto_sub", ["-C", "1"])):
        options = [*login(version, password="wrong"), "-t", "x", *more]
        done = subprocess.run([program, *options], capture_output=True, text=True, timeout=WAIT_S)
        if done.returncode == 0 or "Connection error" not in done.stderr:
            raise AssertionError(f"{program} ended with {done.returncode}: {done.stderr.strip()}")


def outlive_a_kill():
    """What a kept session was promised is there after SIGKILL."""
    access = login("5")
    kept = [*access, "-i", "outlives", "-c", "-x", "1000"]
    run("mosquitto_sub", *kept, "-t", "o", "-q", "2", "-E")
    lines = [str(number) for number in range(100)]
    run("mosquitto_pub", *access, "-t", "o", "-q", "2", "-l", text="\n".join(lines) + "\n")
    request_kill()
    await_restart()
    equal(Subscriber(kept, "o", 100, "-q", "2", form="%p").messages(), lines, "messages, each once and in order")


def main():
    if not is_served(HOST, PORT, "MQTT"):
        return
    cases = [
        (f"{case.__name__} {version}", lambda case=case, version=version: case(version))
        for case in (every_qos, a_line_a_message, a_file, retained, kept_session, last_will, refused)
        for version in VERSIONS
    ]
    cases += [
        (f"{case.__name__} tls {version}", lambda case=case, version=version: case(version, is_secure=True))
        for case in (every_qos, a_file)
        for version in VERSIONS
    ]
    cases += [(case.__name__, case) for case in (shared, properties_travel, request_and_response, outlive_a_kill)]
    for name, case in cases:
        attempt(name, case)
        for left in list(Subscriber.running):
            left.end()


main()
