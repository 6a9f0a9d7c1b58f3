"""The service against botocore's model: every answer, every member of every input, bodies and signatures that are wrong.

What is wrong gets a documented error, changes nothing and leaves one record.
"""

import json
import os
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))

import answers  # noqa: E402
import bodies  # noqa: E402
import ec2_inputs  # noqa: E402
import signatures  # noqa: E402
from contract import check_answer  # noqa: E402
from inputs import Inputs  # noqa: E402
from service import Service, activemq, await_state, equal, run  # noqa: E402
from wire import Wire, now  # noqa: E402

THREADS = 4
IN_SEVERAL_WAYS = 700


class World:
    """A service with one broker and one configuration that nothing may change."""

    def __init__(self):
        self.service = Service("usual").start()
        self.mq, self.trail = self.service.client(), self.service.client("cloudtrail")
        made = self.mq.create_broker(**activemq("target", Tags={"kept": "yes"}))
        self.broker, self.arn = made["BrokerId"], made["BrokerArn"]
        found = await_state(self.mq, self.broker)
        self.configuration = self.mq.create_configuration(Name="target", EngineType="ACTIVEMQ")["Id"]
        self.wire = Wire(self.service)
        self.inputs = Inputs(self.broker, self.configuration, self.arn, found["SecurityGroups"], found["SubnetIds"])

    def state(self):
        """All that calls could have changed."""
        mq = self.mq
        found = [
            mq.list_brokers(),
            mq.list_configurations(),
            *(mq.describe_broker(BrokerId=broker["BrokerId"]) for broker in mq.list_brokers()["BrokerSummaries"]),
            mq.list_users(BrokerId=self.broker),
            mq.describe_user(BrokerId=self.broker, Username="ops"),
            mq.list_configuration_revisions(ConfigurationId=self.configuration),
            mq.list_tags(ResourceArn=self.arn),
        ]
        for answer in found:
            del answer["ResponseMetadata"]
        return found

    def recorded(self, begin):
        """How often each request since then is in the audit log."""
        counts = {}
        for page in self.trail.get_paginator("lookup_events").paginate(StartTime=begin):
            for event in page["Events"]:
                request = json.loads(event["CloudTrailEvent"])["requestID"]
                counts[request] = counts.get(request, 0) + 1
        return counts

    def check_records(self, requests, begin):
        """Each of these requests, made since then, has one record."""
        counts = self.recorded(begin)
        wrong = {request: counts.get(request, 0) for request in requests if counts.get(request, 0) != 1}
        if wrong:
            raise AssertionError(
                f"{len(wrong)} of {len(requests)} requests have not one record: {list(wrong.items())[:3]}"
            )


def wrong_inputs(world, cases):
    """Send them all, several at once, and judge them."""
    begin, before = now(), world.state()
    findings, requests, lock = [], [], threading.Lock()
    waiting = iter(cases)

    def work():
        while True:
            with lock:
                case = next(waiting, None)
            if case is None:
                return
            answer = world.wire.operation(case.operation, case.members)
            finding = judged(case, answer)
            with lock:
                requests.append(answer.request)
                if finding:
                    findings.append(f"{case}: {finding}")

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for finding in findings:
        print(finding, file=sys.stderr)
    print(f"{len(requests)} requests", file=sys.stderr)
    if findings:
        raise AssertionError(f"{len(findings)} of {len(requests)} answers are wrong: {findings[:3]}")
    equal(world.state(), before, "state")
    world.check_records(requests, begin)


def judged(case, answer):
    """What is wrong with an answer; none, when nothing is."""
    try:
        check_answer(case.operation, answer.status, answer.headers, answer.body)
    except (AssertionError, ValueError) as error:
        return str(error)
    is_read = case.operation.startswith(("List", "Describe"))
    return f"was taken: {answer}" if answer.status < 300 and not is_read else None


def every_member_wrong(world):
    """In one way each."""
    wrong_inputs(world, world.inputs.each_member())


def several_members_wrong(world):
    """In two ways or three, at random."""
    wrong_inputs(world, world.inputs.several(IN_SEVERAL_WAYS))


def the_log_is_whole(world):
    """The chain of all these records."""
    world.service.stop()
    answers.doctor(world.service)


def main():
    world = World()
    run(answers.CASES, world)
    run([every_member_wrong, several_members_wrong], world)
    run(ec2_inputs.CASES, world)
    run(bodies.CASES, world)
    run(signatures.CASES, world)
    run([the_log_is_whole], world)


main()
