"""kill -9 of the service between and inside operations, while clients of its brokers go on.

No broker is lost or doubled, nodes are adopted and not started anew, what was answered holds, and nothing is left behind.
"""

import json
import os
import random
import subprocess
import threading
import time

from botocore.exceptions import BotoCoreError
from messages import LOGIN, Stomp, amqp, is_let_in, publish_kept, take
from service import (
    PASSWORD,
    Service,
    WAIT_S,
    activemq,
    anew,
    await_gone,
    await_state,
    await_that,
    equal,
    next_second,
    rabbitmq,
    token,
)

ROUNDS = 5
LATEST_KILL_S = 0.15
PAUSE_S = 0.01
SIZES = ["large", "xlarge", "2xlarge", "4xlarge", "8xlarge"]


class Sender(threading.Thread):
    """Sends numbers, one after the other, over one connection; counts those that the broker took.

    Some a second are enough: that the connection is used all the time is what matters.
    """

    def __init__(self, send):
        super().__init__()
        self.send, self.taken, self.error = send, 0, None
        self.is_over = threading.Event()
        self.start()

    def run(self):
        try:
            while not self.is_over.wait(PAUSE_S):
                self.send(str(self.taken))
                self.taken += 1
        except Exception as error:  # noqa: BLE001 - reported by `end`
            self.error = error

    def end(self):
        """How many were taken. Nothing may have gone wrong on the way."""
        self.is_over.set()
        self.join(WAIT_S)
        if self.error:
            raise AssertionError(f"a client was disturbed: {self.error!r}")
        return self.taken


class World:
    """A service that is killed, two brokers that it must not lose, and clients that keep them busy."""

    def __init__(self):
        self.random = random.Random(int(os.environ.get("SEED", "4")))
        self.service = Service("crashes").start()
        self.mq = self.service.client()
        self.answered = []
        self.rabbit = self.call(self.mq.create_broker, **rabbitmq("steady-rabbit"))["BrokerId"]
        self.active = self.call(self.mq.create_broker, **activemq("steady-active"))["BrokerId"]
        self.found = await_state(self.mq, self.rabbit)
        self.channel = amqp(self.service, self.found).channel()
        self.channel.queue_declare("numbers", durable=True)
        self.stomp = Stomp(self.service, await_state(self.mq, self.active))
        self.senders = [
            Sender(lambda body: publish_kept(self.channel, "numbers", body.encode())),
            Sender(lambda body: self.stomp.send("/queue/numbers", body, persistent="true")),
        ]

    def call(self, operation, /, **members):
        """Call and remember the id of the request: what is answered has a record."""
        answer = operation(**members)
        self.answered.append(answer["ResponseMetadata"]["RequestId"])
        return answer

    def killed_during(self, operation, /, **members):
        """Call, kill the service at a random moment meanwhile, start it again; gives the answer if there was one."""
        answers = []

        def work():
            try:
                answers.append(self.call(operation, **members))
            except Exception as error:  # noqa: BLE001 - raised below, unless it is what a kill does
                answers.append(error)

        thread = threading.Thread(target=work)
        thread.start()
        # The moment is the test: there is no event to wait for.
        time.sleep(self.random.uniform(0, LATEST_KILL_S))
        self.service.kill()
        thread.join(WAIT_S)
        self.service.start()
        (answer,) = answers
        if isinstance(answer, BotoCoreError):
            return None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def nodes(self):
        """Process ids of the nodes, by the folder of each."""
        folder = os.path.join(self.service.data, "fleet", "nodes")
        found = {}
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/cmdline") as file:
                    words = file.read().split("\0")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if words[1:2] == ["broker"] and folder in "".join(words):
                name = words[words.index("--node-name") + 1]
                equal(name in found, False, f"{name} runs twice")
                found[name] = int(pid)
        return found

    def folders(self):
        return sorted(os.listdir(os.path.join(self.service.data, "fleet", "nodes")))


def killed_between_operations(world):
    """Its nodes are the same processes afterwards."""
    before = world.nodes()
    equal(sorted(before), sorted(f"{broker}-1" for broker in (world.rabbit, world.active)), "nodes")
    for _ in range(3):
        world.service.kill()
        world.service.start()
        for broker in (world.rabbit, world.active):
            equal(world.mq.describe_broker(BrokerId=broker)["BrokerState"], "RUNNING", "state")
    equal(world.nodes(), before, "nodes")


def killed_during_create_broker(world):
    """The same token again makes the same broker, whether the first call was answered or not."""
    world.made = []
    for number in range(ROUNDS):
        make = rabbitmq if number % 2 else activemq
        members = make(f"crash-{number}", CreatorRequestId=token())
        answer = world.killed_during(world.mq.create_broker, **members)
        again = world.call(world.mq.create_broker, **members)["BrokerId"]
        if answer:
            equal(again, answer["BrokerId"], "id of the repetition")
        found = await_state(world.mq, again)
        world.made.append(again)
        client = amqp if make is rabbitmq else Stomp
        equal(is_let_in(lambda client=client, found=found: client(world.service, found, LOGIN)), True, "login")
    names = sorted(broker["BrokerName"] for broker in world.mq.list_brokers()["BrokerSummaries"])
    equal(names, sorted(["steady-rabbit", "steady-active", *(f"crash-{n}" for n in range(ROUNDS))]), "brokers")
    names = [it["Name"] for it in world.mq.list_configurations()["Configurations"]]
    equal(len(names), len(set(names)), f"default configurations {names}")


def killed_during_update_broker(world):
    """What was answered is there; what was not, is there or not, and can be said again."""
    broker = next(it for it in world.made if world.mq.describe_broker(BrokerId=it)["EngineType"] == "RabbitMQ")
    for number in range(ROUNDS):
        # Each once: the same call in the same second would be the same call.
        wanted = f"mq.m7g.{SIZES[number]}"
        answer = world.killed_during(world.mq.update_broker, BrokerId=broker, HostInstanceType=wanted)
        found = world.mq.describe_broker(BrokerId=broker)
        if answer:
            equal(found["PendingHostInstanceType"], wanted, "instance type after an answer")
        world.call(world.mq.update_broker, BrokerId=broker, HostInstanceType=wanted, AutoMinorVersionUpgrade=True)
        equal(world.mq.describe_broker(BrokerId=broker)["PendingHostInstanceType"], wanted, "instance type")


def killed_during_reboot_broker(world):
    """A reboot that was answered ends, and what waited for it is there."""
    broker = next(it for it in world.made if world.mq.describe_broker(BrokerId=it)["EngineType"] == "ActiveMQ")
    for number in range(ROUNDS):
        name = f"user-{number}"
        world.call(world.mq.create_user, BrokerId=broker, Username=name, Password=PASSWORD)
        next_second()
        answer = world.killed_during(world.mq.reboot_broker, BrokerId=broker)
        found = await_state(world.mq, broker)
        if not answer and world.mq.describe_user(BrokerId=broker, Username=name).get("Pending"):
            anew(lambda **members: world.call(world.mq.reboot_broker, **members), BrokerId=broker)
            found = await_state(world.mq, broker)
        equal(world.mq.describe_user(BrokerId=broker, Username=name).get("Pending"), None, "pending")
        equal(is_let_in(lambda found=found, name=name: Stomp(world.service, found, (name, PASSWORD))), True, "login")


def killed_during_delete_broker(world):
    """It is gone in the end, with its process and its folder."""
    for broker in world.made:
        answer = world.killed_during(world.mq.delete_broker, BrokerId=broker)
        if not answer:
            try:
                anew(lambda **members: world.call(world.mq.delete_broker, **members), BrokerId=broker)
            except world.mq.exceptions.NotFoundException:
                pass
        await_gone(world.mq, broker)
    steady = sorted(f"{broker}-1" for broker in (world.rabbit, world.active))
    await_that(lambda: world.folders() == steady, f"only {steady} are left of {world.folders()}")
    equal(sorted(world.nodes()), steady, "nodes")


def clients_of_other_brokers_noticed_nothing(world):
    """All that was taken from them is there, once and in order."""
    counts = [sender.end() for sender in world.senders]
    equal(all(count >= 10 for count in counts), True, f"messages {counts}")
    for number in range(counts[0]):
        equal(take(world.channel, "numbers"), str(number).encode(), "message of RabbitMQ")
    world.stomp.subscribe("/queue/numbers")
    for number in range(counts[1]):
        equal(world.stomp.take(), str(number), "message of ActiveMQ")
    world.channel.connection.close()
    world.stomp.close()


def each_answer_has_one_record(world):
    """Of all calls that were answered, across all kills."""
    trail = world.service.client("cloudtrail")
    ids = []
    for page in trail.get_paginator("lookup_events").paginate():
        ids += [json.loads(event["CloudTrailEvent"])["requestID"] for event in page["Events"]]
    counts = {request: ids.count(request) for request in world.answered}
    equal([request for request, count in counts.items() if count != 1], [], "answers without one record")


def nothing_is_left(world):
    """A service that is asked to end leaves its brokers; the last one deleted leaves nothing. The audit log holds."""
    before = world.nodes()
    world.service.stop()
    equal(world.nodes(), before, "nodes after the end")
    world.service.start()
    equal(world.nodes(), before, "nodes after the next start")
    for broker in (world.rabbit, world.active):
        world.mq.delete_broker(BrokerId=broker)
        await_gone(world.mq, broker)
    await_that(lambda: not world.folders() and not world.nodes(), "nothing is left")
    world.service.stop()
    doctor = [os.environ["TERNMQ"], "doctor", "--data-dir", world.service.data]
    answer = subprocess.run(doctor, capture_output=True, text=True)
    equal(answer.returncode, 0, f"exit code of doctor ({answer.stdout}{answer.stderr})")


CASES = [
    killed_between_operations,
    killed_during_create_broker,
    killed_during_update_broker,
    killed_during_reboot_broker,
    killed_during_delete_broker,
    clients_of_other_brokers_noticed_nothing,
    each_answer_has_one_record,
    nothing_is_left,
]
