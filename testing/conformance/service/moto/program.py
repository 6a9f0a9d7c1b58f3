"""Moto's server as a second opinion: the same calls to it and to the service, and every difference in a list with a reason.

Moto has no brokers behind its answers and leaves out most rules; what it says about members and their values counts.
`UPDATE_DIFFERENCES=1` writes the list anew and keeps the reasons.
"""

import base64
import json
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from moto.server import ThreadedMotoServer  # noqa: E402
from service import PASSWORD, REGION, Service, activemq, await_gone, await_state, rabbitmq, report  # noqa: E402

LIST = os.path.join(HERE, "differences.txt")
NO_REASON = "no reason given"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


class Side:
    """One of the two, and what it answered to each call."""

    def __init__(self, mq, is_ours):
        self.mq, self.is_ours, self.answers = mq, is_ours, {}

    def call(self, name, operation, **members):
        """Call, and keep what of the answer can be compared; gives the answer, or nothing when it was refused."""
        try:
            answer = getattr(self.mq, operation)(**members)
        except ClientError as error:
            response = error.response
            self.answers[name] = {
                "error": response["Error"]["Code"],
                "status": response["ResponseMetadata"]["HTTPStatusCode"],
            }
            return None
        status = answer.pop("ResponseMetadata")["HTTPStatusCode"]
        self.answers[name] = {"status": status, **flat(answer)}
        return answer

    def await_running(self, broker):
        """Moto's brokers run at once."""
        if self.is_ours:
            await_state(self.mq, broker)

    def await_gone(self, broker):
        if self.is_ours:
            await_gone(self.mq, broker)


def flat(value, path=""):
    """Each leaf by its path; what differs by its nature is a placeholder."""
    if isinstance(value, dict):
        if not value:
            return {path: "{}"}
        leaves = {}
        for key, item in value.items():
            leaves.update(flat(item, f"{path}.{key}" if path else key))
        return leaves
    if isinstance(value, list):
        if not value:
            return {path: "[]"}
        leaves = {}
        # In the order of their names: the last one stands for all that have a member.
        for item in sorted(value, key=lambda item: item.get("Name", "") if isinstance(item, dict) else ""):
            leaves.update(flat(item, f"{path}[]"))
        return leaves
    if not isinstance(value, (str, bool, int)):
        return {path: "<time>"}
    if not isinstance(value, str):
        return {path: value}
    # Moto's ids are six digits, of configurations behind their letter.
    value = re.sub(rf"\b([bc]-{UUID}|(c-)?[0-9a-f]{{6}})$", "<id>", value)
    value = re.sub(r"(subnet|sg)-[0-9a-f]+", r"<\1>", value)
    value = re.sub(r"://[^:/]+(:\d+)?", "://<host>", value)
    value = re.sub(r":\d{12}:", ":<account>:", value)
    return {path: value if len(value) < 120 else "<text>"}


def calls(side):
    """What both are asked."""
    users = [{"Username": "ops", "Password": PASSWORD, "Groups": ["staff"], "ConsoleAccess": True}]
    window = {"DayOfWeek": "SUNDAY", "TimeOfDay": "03:00", "TimeZone": "UTC"}
    more = {"Tags": {"team": "shop"}, "MaintenanceWindowStartTime": window, "AutoMinorVersionUpgrade": True}
    side.call("list brokers, none", "list_brokers")
    made = side.call(
        "create an ActiveMQ broker", "create_broker", **activemq("shop", Users=users, EngineVersion="5.18", **more)
    )
    broker, arn = made["BrokerId"], made["BrokerArn"]
    side.await_running(broker)
    side.call("describe an ActiveMQ broker", "describe_broker", BrokerId=broker)
    side.call("list brokers", "list_brokers")
    configuration = side.call(
        "create a configuration",
        "create_configuration",
        Name="lines",
        EngineType="ACTIVEMQ",
        EngineVersion="5.18",
        Tags={"a": "b"},
    )
    one = {"ConfigurationId": configuration["Id"]}
    xml = base64.b64encode(b'<broker xmlns="http://activemq.apache.org/schema/core" start="false"/>').decode()
    side.call("update a configuration", "update_configuration", **one, Data=xml, Description="mine")
    side.call("describe a configuration", "describe_configuration", **one)
    side.call("describe a revision", "describe_configuration_revision", **one, ConfigurationRevision="2")
    side.call("list configurations", "list_configurations")
    side.call("describe an unknown configuration", "describe_configuration", ConfigurationId="c-0")
    side.call(
        "update a broker",
        "update_broker",
        BrokerId=broker,
        Logs={"General": True, "Audit": True},
        HostInstanceType="mq.m5.large",
    )
    side.call("create a user", "create_user", BrokerId=broker, Username="clerk", Password=PASSWORD, Groups=["staff"])
    side.call("describe a user", "describe_user", BrokerId=broker, Username="clerk")
    side.call("list users", "list_users", BrokerId=broker)
    side.call("update a user", "update_user", BrokerId=broker, Username="clerk", Groups=["night"])
    side.call("describe an unknown user", "describe_user", BrokerId=broker, Username="nobody")
    side.call("delete a user", "delete_user", BrokerId=broker, Username="clerk")
    side.call("reboot a broker", "reboot_broker", BrokerId=broker)
    side.await_running(broker)
    side.call("create tags", "create_tags", ResourceArn=arn, Tags={"more": "1"})
    side.call("list tags", "list_tags", ResourceArn=arn)
    side.call("delete tags", "delete_tags", ResourceArn=arn, TagKeys=["more"])
    side.call("two users for RabbitMQ", "create_broker", **rabbitmq("two", Users=users * 2))
    side.call("a bad engine type", "create_broker", **rabbitmq("bad", EngineType="KAFKA"))
    side.call("a bad deployment mode", "create_broker", **rabbitmq("bad", DeploymentMode="ACTIVE_STANDBY_MULTI_AZ"))
    made = side.call("create a RabbitMQ broker", "create_broker", **rabbitmq("orders", **more))
    side.await_running(made["BrokerId"])
    side.call("describe a RabbitMQ broker", "describe_broker", BrokerId=made["BrokerId"])
    side.call("create a user of RabbitMQ", "create_user", BrokerId=made["BrokerId"], Username="more", Password=PASSWORD)
    side.call("delete a broker", "delete_broker", BrokerId=broker)
    side.await_gone(broker)
    side.call("describe a deleted broker", "describe_broker", BrokerId=broker)
    side.call("reboot an unknown broker", "reboot_broker", BrokerId="b-0")
    side.call("engine types", "describe_broker_engine_types")


def differences(ours, theirs):
    """One line for each, by call."""
    for name in ours:
        mine, other = ours[name], theirs.get(name, {})
        for path in sorted(set(mine) | set(other)):
            if path not in other:
                yield name, f"{name}: {path}: only ours"
            elif path not in mine:
                yield name, f"{name}: {path}: only moto's"
            elif mine[path] != other[path]:
                yield name, f"{name}: {path}: ours {json.dumps(mine[path])}, moto's {json.dumps(other[path])}"


def known():
    """The checked-in list: a line with a reason behind a bar."""
    if not os.path.exists(LIST):
        return {}
    with open(LIST) as file:
        lines = [line.rstrip("\n") for line in file if line.strip() and not line.startswith("#")]
    return dict(line.rsplit(" | ", 1) for line in lines)


def write(found, reasons):
    with open(LIST, "w") as file:
        file.write("# Where the service and moto answer differently, and why: difference | reason.\n")
        for _, line in found:
            file.write(f"{line} | {reasons.get(line, NO_REASON)}\n")


def main():
    service = Service("usual").start()
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    moto = Side(
        boto3.client("mq", region_name=REGION, endpoint_url=f"http://{host}:{port}", config=config, **keys), False
    )
    ours = Side(service.client(), True)
    for side in (ours, moto):
        calls(side)
    found = list(differences(ours.answers, moto.answers))
    reasons = known()
    if os.environ.get("UPDATE_DIFFERENCES") == "1":
        write(found, reasons)
        reasons = known()
    for name in ours.answers:
        new = [line for call, line in found if call == name and reasons.get(line, NO_REASON) == NO_REASON]
        gone = [line for line in reasons if line.startswith(f"{name}: ") and (name, line) not in found]
        wrong = [f"not listed: {line}" for line in new] + [f"listed and not so: {line}" for line in gone]
        report(name, AssertionError("; ".join(wrong)) if wrong else None)
    server.stop()
    service.stop()


main()
