"""The same selectors put to this broker and to ActiveMQ, over stomp.py.

Each row is a selector, the headers of a message, and what becomes of it: `gets` it, `leaves` it to others, or the selector is
`refused`. ActiveMQ answers the same, or as its own column says; these rows are the deviations that
docs/concepts/selectors.md states.

Nothing is waited for that must not come: the message is on a queue, a consumer with the selector stands before one
without, and one of them gets it.
"""

import os
import queue
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from urllib.parse import urlparse

import stomp

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from cases import attempt, equal  # noqa: E402

OURS = urlparse(os.environ["STOMP_URL"])
ORACLE_PORT = 61699
WAIT_S = 30

GETS, LEAVES, REFUSED = "gets", "leaves", "refused"
JMS = {"type": "order", "priority": "7", "correlation-id": "c1", "persistent": "true", "timestamp": "1700000000001"}

# Selector, headers, answer, and ActiveMQ's where it is another one.
ROWS = [
    # Comparisons: text stands for the number that it says.
    ("color = 'red'", {"color": "red"}, GETS),
    ("color = 'red'", {"color": "blue"}, LEAVES),
    ("color = 'red'", {}, LEAVES),
    ("color <> 'red'", {"color": "blue"}, GETS),
    ("color <> 'red'", {}, LEAVES),
    ("Color = 'red'", {"color": "red"}, LEAVES),
    ("weight = 5", {"weight": "5"}, GETS),
    ("weight > 5", {"weight": "10"}, GETS),
    ("weight > 5", {"weight": "5"}, LEAVES),
    ("weight >= 5 AND weight <= 5", {"weight": "5"}, GETS),
    ("5 < weight", {"weight": "6"}, GETS),
    ("weight > 5.0", {"weight": "5.5"}, GETS),
    ("weight > 5", {"weight": "heavy"}, LEAVES),
    ("NOT (weight > 5)", {"weight": "heavy"}, GETS),
    ("a < b", {"a": "10", "b": "9"}, GETS),
    ("urgent = TRUE", {"urgent": "true"}, GETS),
    ("urgent", {"urgent": "true"}, LEAVES),
    # Logic of three values.
    ("color = 'red' OR missing = 1", {"color": "red"}, GETS),
    ("color = 'red' AND missing = 1", {"color": "red"}, LEAVES),
    ("NOT (missing = 1)", {}, LEAVES),
    ("missing IS NULL", {}, GETS),
    ("missing IS NOT NULL", {}, LEAVES),
    ("color IS NOT NULL", {"color": ""}, GETS),
    ("a = 1 OR b = 1 AND c = 1", {"a": "1"}, GETS),
    ("(a = 1 OR b = 1) AND c = 1", {"a": "1"}, LEAVES),
    # BETWEEN, IN, LIKE.
    ("weight BETWEEN 5 AND 10", {"weight": "7"}, GETS),
    ("weight NOT BETWEEN 5 AND 10", {"weight": "7"}, LEAVES),
    ("color IN ('red', 'blue')", {"color": "blue"}, GETS),
    ("color NOT IN ('red', 'blue')", {"color": "green"}, GETS),
    ("color NOT IN ('red', 'blue')", {}, LEAVES),
    ("color IN ('it''s')", {"color": "it's"}, GETS),
    ("color LIKE 'r%d'", {"color": "red"}, GETS),
    ("color LIKE 'r_d'", {"color": "rd"}, LEAVES),
    ("color NOT LIKE 'r%'", {"color": "blue"}, GETS),
    ("color LIKE '50!%' ESCAPE '!'", {"color": "50%"}, GETS),
    ("color LIKE '50!%' ESCAPE '!'", {"color": "50 x"}, LEAVES),
    ("color LIKE 'r.d'", {"color": "red"}, LEAVES),
    # Numbers and arithmetic.
    ("1 + 2 * 3 = 7", {}, GETS),
    ("(1 + 2) * 3 = 9", {}, GETS),
    ("7 / 2 = 3.5", {}, GETS),
    ("-7 % 2 = -1", {}, GETS),
    ("0x1F = 31 AND 010 = 8 AND 1E3 = 1000 AND .5 = 0.5 AND 10L = 10", {}, GETS),
    ("2147483647 + 1 < 0", {}, GETS),
    ("'a' + 'b' = 'ab'", {}, GETS),
    ("weight + 1 = '51'", {"weight": "5"}, GETS),
    # Headers of JMS.
    ("JMSType = 'order'", JMS, GETS),
    ("JMSPriority = 7", JMS, GETS),
    ("JMSPriority = 4", {}, GETS),
    ("JMSCorrelationID LIKE 'c%'", JMS, GETS),
    ("JMSDeliveryMode = 'PERSISTENT'", JMS, GETS),
    ("JMSDeliveryMode = 'NON_PERSISTENT'", {}, GETS),
    ("JMSExpiration = 0", {}, GETS),
    ("JMSReplyTo = 'topic://answers'", {"reply-to": "/topic/answers"}, GETS),
    ("JMSDestination LIKE 'queue://s.%'", {}, GETS),
    ("JMSRedelivered = FALSE AND JMSXDeliveryCount = 1", {}, GETS),
    ("JMSTimestamp > 0", {}, GETS),
    # What is no selector.
    ("color == 'red'", {}, REFUSED),
    ("color = 'red", {}, REFUSED),
    ("color = \"red\"", {}, REFUSED),
    ("(color = 'red'", {}, REFUSED),
    ("color", {}, LEAVES),
    ("5", {}, REFUSED),
    ("color > 'red'", {}, REFUSED),
    ("color IN ()", {}, REFUSED),
    ("color LIKE 'x' ESCAPE 'ab'", {}, REFUSED),
    ("color = NULL", {}, REFUSED),
    ("weight = 09", {}, REFUSED),
    ("a-b = 1", {"a-b": "1"}, LEAVES),
    # Where ActiveMQ answers otherwise.
    ("NOT color LIKE 'b%'", {"color": "red"}, GETS, LEAVES),
    ("NOT weight BETWEEN 1 AND 2", {"weight": "5"}, GETS, REFUSED),
    ("nothing = neither", {}, LEAVES, GETS),
    ("2147483647 + 1L > 0", {}, GETS, LEAVES),
    ("1.5F = 1.5", {}, GETS, REFUSED),
    ("weight > 5", {"weight": "5.5"}, GETS, LEAVES),
    ("weight > 5", {"weight": "3000000000"}, GETS, LEAVES),
    ("weight < 99999999999999999999", {"weight": "5"}, REFUSED, LEAVES),
    ("hyphenated_props:a-b = 1", {"a-b": "1"}, GETS, REFUSED),
    ("XPATH '//a'", {}, REFUSED, LEAVES),
    ("Größe = 5", {"Größe": "5"}, GETS, REFUSED),
]


class Client(stomp.ConnectionListener):
    """One connection whose frames can be waited for, errors among them."""

    def __init__(self, host, port, login):
        self.connection = stomp.Connection12([(host, port)], vhost="localhost", auto_content_length=True)
        self.frames = queue.Queue()
        self.connection.set_listener("", self)
        self.connection.connect(*login, wait=True)

    def on_message(self, frame):
        self.frames.put(("message", frame.headers["subscription"]))

    def on_receipt(self, frame):
        self.frames.put(("receipt", frame.headers["receipt-id"]))

    def on_error(self, frame):
        self.frames.put(("error", frame.headers.get("message")))

    def next(self):
        return self.frames.get(timeout=WAIT_S)

    def await_receipt(self, receipt):
        """Whether it came, and not an error. A message may come before it."""
        while True:
            kind, text = self.next()
            if kind == "message":
                self.got = text
            elif kind == "error":
                return False
            elif text == receipt:
                return True

    def answer(self, selector, headers):
        self.got, place = None, f"/queue/s.{uuid.uuid4().hex}"
        self.connection.send(place, "x", headers=headers, receipt="sent")
        equal(self.await_receipt("sent"), True, "SEND is taken")
        first = {"selector": selector, "activemq.priority": "10"}
        self.connection.subscribe(place, "with", "client", headers=first, receipt="with")
        if not self.await_receipt("with"):
            return REFUSED
        self.connection.subscribe(place, "without", "client", receipt="without")
        equal(self.await_receipt("without"), True, "SUBSCRIBE without a selector")
        if self.got is None:
            kind, self.got = self.next()
            equal(kind, "message", "what comes")
        return GETS if self.got == "with" else LEAVES

    def close(self):
        try:
            self.connection.disconnect()
        except stomp.exception.NotConnectedException:
            # A broker ends the connection behind an error.
            pass


def start_oracle(folder):
    """ActiveMQ with a STOMP port and nothing on disk."""
    home = "/usr/share/activemq"
    place = f"broker:(stomp://127.0.0.1:{ORACLE_PORT})?persistent=false&useJmx=false&brokerName=oracle"
    java = ["java", f"-Dactivemq.home={home}", f"-Dactivemq.base={folder}", "-Xmx256m"]
    classes = ["-cp", f"{home}/lib/*:{home}/lib/optional/*", "org.apache.activemq.console.Main"]
    process = subprocess.Popen(
        [*java, *classes, "start", place], stdin=subprocess.DEVNULL, stdout=sys.stderr, stderr=sys.stderr
    )
    deadline = time.monotonic() + WAIT_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", ORACLE_PORT), 5).close()
            return process
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise RuntimeError("ActiveMQ did not start") from None
            time.sleep(0.1)


def ask(host, port, login, wanted_of):
    """Puts every row to one broker; one error tells all rows that differ."""
    wrong = []
    for row in ROWS:
        client = Client(host, port, login)
        try:
            got = client.answer(row[0], row[1])
        finally:
            client.close()
        if got != wanted_of(row):
            wrong.append(f"{row[0]} of {row[1]}: {got}, wanted {wanted_of(row)}")
    equal(wrong, [], f"{len(ROWS)} rows")


def this_broker():
    ask(OURS.hostname, OURS.port, (OURS.username, OURS.password), lambda row: row[2])


def activemq():
    folder = tempfile.mkdtemp()
    oracle = start_oracle(folder)
    try:
        ask("127.0.0.1", ORACLE_PORT, ("any", "any"), lambda row: row[-1])
    finally:
        oracle.kill()
        oracle.wait()
        shutil.rmtree(folder)


for case in (this_broker, activemq):
    attempt(case.__name__, case)
sys.stdout.flush()
os._exit(0)
