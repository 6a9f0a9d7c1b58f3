"""Answers to what succeeds: each operation once, held against the model; pages and headers."""

import base64
import os
import subprocess

import contract
from service import PASSWORD, activemq, await_gone, await_state, equal

# There are no replicas to promote yet.
NOT_YET = {"Promote"}


def every_operation_succeeds_as_the_model_says(world):
    """The client of the program holds each answer against its shape."""
    mq = world.mq
    made = mq.create_broker(**activemq("answers"))
    broker, arn = made["BrokerId"], made["BrokerArn"]
    mq.describe_broker(BrokerId=broker)
    await_state(mq, broker)
    mq.list_brokers()
    user = {"BrokerId": broker, "Username": "clerk"}
    mq.create_user(**user, Password=PASSWORD, Groups=["staff"])
    mq.update_user(**user, ConsoleAccess=True)
    mq.describe_user(**user)
    mq.list_users(BrokerId=broker)
    mq.delete_user(**user)
    configuration = mq.create_configuration(Name="answers", EngineType="ACTIVEMQ")["Id"]
    one = {"ConfigurationId": configuration}
    xml = '<broker xmlns="http://activemq.apache.org/schema/core" start="false"/>'
    mq.update_configuration(**one, Data=base64.b64encode(xml.encode()).decode(), Description="x")
    mq.describe_configuration(**one)
    mq.list_configurations()
    mq.list_configuration_revisions(**one)
    mq.describe_configuration_revision(**one, ConfigurationRevision="2")
    mq.update_broker(
        BrokerId=broker,
        Configuration={"Id": configuration, "Revision": 2},
        Logs={"Audit": True, "General": True},
        HostInstanceType="mq.m5.large",
    )
    mq.describe_broker(BrokerId=broker)
    mq.reboot_broker(BrokerId=broker)
    await_state(mq, broker)
    mq.describe_shared_resources(BrokerId=broker)
    mq.create_tags(ResourceArn=arn, Tags={"a": "b"})
    mq.list_tags(ResourceArn=arn)
    mq.delete_tags(ResourceArn=arn, TagKeys=["a"])
    mq.describe_broker_engine_types()
    mq.describe_broker_instance_options()
    mq.delete_broker(BrokerId=broker)
    await_gone(mq, broker)
    mq.delete_configuration(**one)
    missing = set(contract.MODEL.operation_names) - contract.seen
    equal(missing, NOT_YET, "operations that did not succeed")


def doctor(service):
    """The audit log of a service that has ended."""
    command = [os.environ["TERNMQ"], "doctor", "--data-dir", service.data]
    answer = subprocess.run(command, capture_output=True, text=True)
    equal(answer.returncode, 0, f"exit code of doctor ({answer.stdout}{answer.stderr})")


CASES = [every_operation_succeeds_as_the_model_says]
