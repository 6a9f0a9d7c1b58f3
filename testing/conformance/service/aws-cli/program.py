"""The Amazon MQ API, and EC2's of security groups, over the AWS CLI: what it prints and how it exits, call by call, against golden files.

Each group of calls has a region of its own, so that they can run at once, and a file below `golden`. Ids, times, ports
and tokens are replaced by placeholders. `UPDATE_GOLDEN=1` writes the files anew.
"""

import base64
import json
import os
import re
import subprocess
import sys
import threading

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "common"))

from service import PASSWORD, Service, await_gone, await_state, equal, report  # noqa: E402

GOLDEN = os.path.join(HERE, "golden")
IS_UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
XML = """<broker xmlns="http://activemq.apache.org/schema/core" brokerName="mine">
  <managementContext><managementContext connectorPort="1099"/></managementContext>
</broker>
"""
print_lock = threading.Lock()


class Group:
    """Calls of one region, and what they printed."""

    def __init__(self, service, name, region):
        self.name, self.region, self.service = name, region, service
        self.mq = service.client(region=region)
        self.path = os.path.join(GOLDEN, f"{name}.json")
        self.entries, self.names, self.titles = [], {}, set()
        self.wanted = []
        if not IS_UPDATE:
            with open(self.path) as file:
                self.wanted = json.load(file)

    def aws(self, *words, service="mq", key=None):
        """Run the CLI; gives its output, parsed where it is JSON. The call is held against the golden file."""
        environment = dict(os.environ, AWS_ENDPOINT_URL=self.service.url, AWS_DEFAULT_REGION=self.region)
        environment["AWS_MAX_ATTEMPTS"] = "1"
        key_id, secret = key or self.service.key
        environment.update(AWS_ACCESS_KEY_ID=key_id, AWS_SECRET_ACCESS_KEY=secret, COLUMNS="120")
        program = os.path.join(os.path.dirname(sys.executable), "aws")
        done = subprocess.run([program, service, *words], env=environment, capture_output=True, text=True)
        output = parsed(done.stdout)
        entry = {"call": self.placed(" ".join(["aws", service, *words])), "exit": done.returncode}
        if done.stdout:
            entry["output"] = self.placed(output)
        if done.stderr.strip():
            entry["error"] = self.placed(" ".join(done.stderr.split()))
        self.entries.append(entry)
        index = len(self.entries) - 1
        wanted = self.wanted[index] if index < len(self.wanted) else None
        name = self.title(words[0])
        with print_lock:
            try:
                if not IS_UPDATE:
                    equal(entry, wanted, f"call {index + 1} of {self.name}")
                report(name)
            except AssertionError as error:
                report(name, error)
        return output

    def title(self, operation):
        """A name for the call that no other call has."""
        count = 1
        while (name := f"{self.name}: {operation}" + (f" ({count})" if count > 1 else "")) in self.titles:
            count += 1
        self.titles.add(name)
        return name

    def placed(self, value):
        """The value with placeholders."""
        if isinstance(value, dict):
            return {key: self.placed(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.placed(item) for item in value]
        if not isinstance(value, str):
            return value
        value = re.sub(rf"\b([bc])-{UUID}", self.named, value)
        # Long texts are cut in messages.
        value = re.sub(r"\b[bc]-[0-9a-f-]+\.\.\.", "<cut>", value)
        value = re.sub(r"\b(sgr?)-[0-9a-f]{17}", self.named, value)
        value = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d]*(Z|\+00:00)", "<time>", value)
        value = re.sub(r"\d{8}T\d{6}Z", "<time>", value)
        value = re.sub(r"(localhost|127\.0\.0\.1):\d+", r"\1:<port>", value)
        return re.sub(r"AKIA[A-Z0-9]{16}", "<key>", value)

    def named(self, match):
        kind = {"b": "broker", "c": "configuration", "sg": "group", "sgr": "rule"}[match[1]]
        known = self.names.setdefault(kind, {})
        number = known.setdefault(match[0], len(known) + 1)
        return f"<{kind}-{number}>"

    def end(self):
        """Write the file, or see that no call is missing."""
        if IS_UPDATE:
            os.makedirs(GOLDEN, exist_ok=True)
            with open(self.path, "w") as file:
                json.dump(self.entries, file, indent=2)
                file.write("\n")
        equal(len(self.entries), len(self.wanted) if not IS_UPDATE else len(self.entries), f"calls of {self.name}")


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return text.splitlines()


def broker(name, engine, *more):
    """Words of a `create-broker` that succeeds, without users."""
    size = "mq.m7g.medium" if engine == "RABBITMQ" else "mq.t3.micro"
    words = ["create-broker", "--broker-name", name, "--engine-type", engine, "--host-instance-type", size]
    return [*words, "--deployment-mode", "SINGLE_INSTANCE", "--no-publicly-accessible", *more]


OPS = ["--users", f"Username=ops,Password={PASSWORD}"]
WINDOW = "DayOfWeek=SUNDAY,TimeOfDay=03:00,TimeZone=Europe/Berlin"


def rabbitmq(group):
    """The life of a RabbitMQ broker."""
    aws = group.aws
    made = aws(*broker("orders", "RABBITMQ", *OPS, "--tags", "team=shop", "--maintenance-window-start-time", WINDOW))
    one = ["--broker-id", made["BrokerId"]]
    await_state(group.mq, made["BrokerId"])
    found = aws("describe-broker", *one)
    aws("list-brokers")
    aws("list-users", *one)
    aws("create-user", *one, "--username", "more", "--password", PASSWORD)
    aws("update-broker", *one, "--host-instance-type", "mq.m7g.large", "--logs", "General=true")
    aws("describe-broker", *one, "--query", "[HostInstanceType,PendingHostInstanceType,Logs]")
    aws("reboot-broker", *one)
    await_state(group.mq, made["BrokerId"])
    aws("describe-broker", *one, "--query", "[BrokerState,HostInstanceType,PendingHostInstanceType,Logs.General]")
    aws("update-broker", *one, "--logs", "Audit=true")
    aws("promote", *one, "--mode", "FAILOVER")
    aws("describe-shared-resources", *one)
    aws(*broker("orders", "RABBITMQ", *OPS))
    aws(*broker("two-users", "RABBITMQ", *OPS, f"Username=more,Password={PASSWORD}"))
    aws(*broker("version", "RABBITMQ", *OPS, "--engine-version", "3.13.7"))
    aws(*broker("weak", "RABBITMQ", "--users", "Username=ops,Password=short"))
    aws("delete-configuration", "--configuration-id", found["Configurations"]["Current"]["Id"])
    aws("delete-broker", *one)
    await_gone(group.mq, made["BrokerId"])
    aws("describe-broker", *one)


def activemq(group):
    """The users and tags of an ActiveMQ broker."""
    aws = group.aws
    made = aws(*broker("shop", "ActiveMQ", *OPS, "--maintenance-window-start-time", WINDOW, "--engine-version", "5.18"))
    one = ["--broker-id", made["BrokerId"]]
    clerk = [*one, "--username", "clerk"]
    await_state(group.mq, made["BrokerId"])
    aws("describe-broker", *one)
    aws("create-user", *clerk, "--password", PASSWORD, "--groups", "staff", "night", "--console-access")
    aws("create-user", *clerk, "--password", PASSWORD)
    aws("create-user", *one, "--username", "other", "--password", "has,a comma in it")
    aws("describe-user", *clerk)
    aws("update-user", *clerk, "--groups", "staff", "--no-console-access")
    aws("list-users", *one)
    aws("delete-user", *clerk)
    aws("describe-user", *clerk)
    resource = ["--resource-arn", made["BrokerArn"]]
    aws("create-tags", *resource, "--tags", "team=shop,cost=7")
    aws("delete-tags", *resource, "--tag-keys", "cost")
    aws("list-tags", *resource)
    aws("create-tags", *resource, "--tags", "aws:mine=x")
    aws("update-broker", *one, "--engine-version", "5.19", "--logs", "Audit=true,General=true")
    aws("delete-broker", *one)
    await_gone(group.mq, made["BrokerId"])
    aws("list-tags", *resource)


def configurations(group):
    """Configurations of both engines."""
    aws = group.aws
    made = aws("create-configuration", "--name", "lines", "--engine-type", "ACTIVEMQ", "--tags", "a=b")
    one = ["--configuration-id", made["Id"]]
    aws("create-configuration", "--name", "new", "--engine-type", "ACTIVEMQ", "--engine-version", "5.18.4")
    data = base64.b64encode(XML.encode()).decode()
    aws("update-configuration", *one, "--data", data, "--description", "mine")
    aws("update-configuration", *one, "--data", "%%%")
    aws("describe-configuration", *one)
    aws("list-configurations")
    aws("list-configuration-revisions", *one)
    aws("describe-configuration-revision", *one, "--configuration-revision", "2")
    aws("describe-configuration-revision", *one, "--configuration-revision", "7")
    aws("list-configurations", "--output", "text")
    aws("delete-configuration", *one)
    aws("describe-configuration", *one)
    aws("list-tags", "--resource-arn", "arn:aws:mq:eu-central-1:000000000000:queue:x")


def catalogue(group):
    """What can be had, the audit log, and callers who are not known."""
    aws = group.aws
    aws("describe-broker-engine-types")
    medium = ["--engine-type", "RabbitMQ", "--host-instance-type", "mq.m7g.medium"]
    aws("describe-broker-instance-options", *medium)
    aws("describe-broker-instance-options", "--storage-type", "tape")
    aws("describe-broker-engine-types", "--engine-type", "RABBITMQ", "--output", "table")
    aws("list-brokers", "--max-items", "5")
    aws("list-brokers", key=("AKIA0000000000000000", "none"))
    aws("list-brokers", key=(group.service.key[0], "none"))
    made = group.mq.create_configuration(Name="audited", EngineType="RABBITMQ")["Id"]
    group.mq.delete_configuration(ConfigurationId=made)
    events = ["lookup-events", "--query", "Events[].[EventName,ReadOnly,Username,EventSource,Resources]"]
    aws(*events, "--lookup-attributes", f"AttributeKey=ResourceName,AttributeValue={made}", service="cloudtrail")
    two = ["AttributeKey=ReadOnly,AttributeValue=true", "AttributeKey=EventName,AttributeValue=x"]
    aws("lookup-events", "--lookup-attributes", *two, service="cloudtrail")


def security_groups(group):
    """Groups of one's own and their rules, over `aws ec2`."""

    def ec2(*words):
        return group.aws(*words, service="ec2")

    made = ec2("create-security-group", "--group-name", "office", "--description", "from the office")
    one = ["--group-id", made["GroupId"]]
    rule = ["--protocol", "tcp", "--port", "5671", "--cidr", "10.20.0.0/16"]
    ec2("authorize-security-group-ingress", *one, *rule)
    ec2("authorize-security-group-ingress", *one, "--protocol", "udp", "--port", "53", "--cidr", "10.20.0.0/16")
    console = "IpProtocol=tcp,FromPort=443,ToPort=443,IpRanges=[{CidrIp=192.0.2.7/32,Description=console}]"
    ec2("authorize-security-group-ingress", *one, "--ip-permissions", console)
    ec2("create-tags", "--resources", made["GroupId"], "--tags", "Key=team,Value=shop")
    ec2("describe-security-groups", "--filters", "Name=tag:team,Values=shop")
    ec2("revoke-security-group-ingress", *one, *rule)
    ec2("revoke-security-group-ingress", *one, "--protocol", "tcp", "--port", "1", "--cidr", "10.20.0.0/16")
    ec2("describe-subnets", "--query", "Subnets[].[AvailabilityZone,State,DefaultForAz]")
    ec2("delete-security-group", *one)
    ec2("describe-security-groups", "--group-ids", made["GroupId"])


GROUPS = [
    (rabbitmq, "us-east-1"),
    (activemq, "eu-west-1"),
    (configurations, "eu-central-1"),
    (catalogue, "eu-north-1"),
    (security_groups, "eu-west-2"),
]


def work(service, calls, region):
    try:
        group = Group(service, calls.__name__, region)
        calls(group)
        group.end()
    except Exception as error:  # noqa: BLE001 - reported, whatever broke it
        with print_lock:
            report(f"{calls.__name__}: all calls", error)


def main():
    """All groups at once: the CLI takes half a second to start."""
    service = Service("usual").start()
    threads = [threading.Thread(target=work, args=(service, *group)) for group in GROUPS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    service.stop()


main()
