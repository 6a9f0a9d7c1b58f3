"""Starts and ends `ternmq serve`, makes clients for it, and what every program does with them.

The programs run in a network namespace of their own that holds only `lo`, in an empty folder; `TERNMQ` is the binary.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "scenarios"))

import boto3  # noqa: E402
from botocore.config import Config  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from cases import attempt, equal, report  # noqa: E402, F401
import contract  # noqa: E402
import xml_contract  # noqa: E402

REGION = "us-east-1"
ACCOUNT = "000000000000"
# For what has to come: longer than it ever takes on a busy machine.
WAIT_S = 60
PASSWORD = "correct-horse-battery"
# Own files and environment of whoever runs this have no say.
for variable in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[variable]
os.environ["AWS_CONFIG_FILE"] = os.environ["AWS_SHARED_CREDENTIALS_FILE"] = os.devnull
os.environ["AWS_EC2_METADATA_DISABLED"] = "true"


class Service:
    """One service with a data directory of its own below the working folder."""

    def __init__(self, name, burst=100_000, rate=100_000, log=None):
        self.log = log
        self.folder = os.path.abspath(name)
        self.data = os.path.join(self.folder, "data")
        self.options = ["--no-first-broker", f"--api-burst={burst}", f"--api-rate={rate}"]
        self.process = None
        self.starts = 0
        os.makedirs(self.folder)

    def start(self):
        """Start it, again on the same port and the same data, and wait until it serves."""
        self.starts += 1
        ports = os.path.join(self.folder, f"ports-{self.starts}.json")
        keys = os.path.join(self.folder, "keys.json")
        listen = f"api={self.address}" if self.starts > 1 else "api=127.0.0.1:0"
        command = [os.environ["TERNMQ"], "serve", "--data-dir", self.data, "--listen", listen]
        command += ["--ports-file", ports, "--credentials-file", keys, *self.options]
        with open(self.log or os.path.join(self.folder, f"log-{self.starts}.txt"), "w") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        await_that(lambda: os.path.exists(ports) or self._is_gone(), "the service serves")
        with open(ports) as file:
            self.address = json.load(file)["api"]
        self.url = f"http://{self.address}"
        with open(keys) as file:
            keys = json.load(file)
        self.key = (keys["access_key_id"], keys["secret_access_key"])
        return self

    def _is_gone(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"the service ended with {self.process.returncode}: see {self.folder}")

    def stop(self):
        """End it as an operator does; its exit code must be 0."""
        self.process.send_signal(signal.SIGTERM)
        equal(self.process.wait(WAIT_S), 0, "exit code of the service")

    def kill(self):
        """End it as a power cut does. Brokers live on."""
        self.process.kill()
        self.process.wait(WAIT_S)

    @property
    def ca(self):
        return os.path.join(self.data, "fleet", "ca.pem")

    def client(self, service="mq", region=REGION, retries=0, key=None, token=None, is_watched=True, **config):
        """A client of boto3 that calls once and leaves the input as it is, unless told otherwise.

        Answers of Amazon MQ's and EC2's operations are held against the models.
        """
        config = {"parameter_validation": False, "read_timeout": WAIT_S, **config}
        config = Config(retries={"total_max_attempts": retries + 1, "mode": "standard"}, **config)
        client = boto3.client(
            service, region_name=region, endpoint_url=self.url, config=config, **self.credentials(key, token)
        )
        watch = {"mq": contract.watch, "ec2": xml_contract.watch}.get(service)
        return watch(client) if watch and is_watched else client

    def credentials(self, key=None, token=None):
        """The administrator's, or those of a key and a session."""
        key_id, secret = key or self.key
        return {"aws_access_key_id": key_id, "aws_secret_access_key": secret, "aws_session_token": token}


def await_that(holds, what):
    """Poll until it holds, and give what it gave."""
    deadline = time.monotonic() + WAIT_S
    while True:
        found = holds()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {WAIT_S} s until {what}")
        time.sleep(0.02)


def await_state(mq, broker, state="RUNNING"):
    """Poll DescribeBroker until the broker is in that state, and give the description."""

    def look():
        found = mq.describe_broker(BrokerId=broker)
        return found if found["BrokerState"] == state else None

    return await_that(look, f"{broker} is {state}")


def await_gone(mq, broker):
    """Poll DescribeBroker until it says that there is no such broker."""

    def look():
        try:
            equal(mq.describe_broker(BrokerId=broker)["BrokerState"], "DELETION_IN_PROGRESS", "state")
        except mq.exceptions.NotFoundException:
            return True
        return False

    await_that(look, f"{broker} is gone")


def refused(call, code, attribute=None, text=None, /, **members):
    """Call, and fail unless the answer is that error; gives its message."""
    try:
        answer = call(**members)
    except ClientError as error:
        answer = error.response
        equal(answer["Error"]["Code"], code, f"error ({answer['Error'].get('Message')})")
        status = STATUSES[code]
        equal(answer["ResponseMetadata"]["HTTPStatusCode"], status, "status")
        if attribute is not None:
            equal(answer.get("ErrorAttribute"), attribute, f"attribute ({answer['Error']['Message']})")
        message = answer["Error"]["Message"]
        if text is not None and text not in message:
            raise AssertionError(f"the message {message!r} does not say {text!r}") from None
        return message
    raise AssertionError(f"not refused: {answer!r}")


STATUSES = {
    "BadRequestException": 400,
    "UnauthorizedException": 401,
    "ForbiddenException": 403,
    "AccessDeniedException": 403,
    "NotFoundException": 404,
    "ConflictException": 409,
    "TooManyRequestsException": 429,
    "InvalidLookupAttributesException": 400,
    "InvalidMaxResultsException": 400,
    "InvalidNextTokenException": 400,
    "InvalidTimeRangeException": 400,
    "InvalidEventCategoryException": 400,
    "UnauthorizedOperation": 403,
    "DryRunOperation": 412,
    "CannotDelete": 400,
    "DependencyViolation": 400,
    "InvalidAction": 400,
    "InvalidGroup.Duplicate": 400,
    "InvalidGroup.NotFound": 400,
    "InvalidParameterValue": 400,
    "InvalidPermission.Duplicate": 400,
    "InvalidPermission.NotFound": 400,
    "InvalidSecurityGroupRuleId.NotFound": 400,
    "InvalidSubnetID.NotFound": 400,
    "InvalidVpcID.NotFound": 400,
    "MissingParameter": 400,
    "RulesPerSecurityGroupLimitExceeded": 400,
    "UnsupportedOperation": 400,
}


def rabbitmq(name, **more):
    """Input of a RabbitMQ broker that can be made."""
    return {
        "BrokerName": name,
        "EngineType": "RABBITMQ",
        "DeploymentMode": "SINGLE_INSTANCE",
        "HostInstanceType": "mq.m7g.medium",
        "PubliclyAccessible": False,
        "Users": [{"Username": "ops", "Password": PASSWORD}],
        **more,
    }


def activemq(name, **more):
    """Input of an ActiveMQ broker that can be made."""
    return {
        "BrokerName": name,
        "EngineType": "ACTIVEMQ",
        "DeploymentMode": "SINGLE_INSTANCE",
        "HostInstanceType": "mq.t3.micro",
        "PubliclyAccessible": False,
        "Users": [{"Username": "ops", "Password": PASSWORD, "ConsoleAccess": True, "Groups": ["staff"]}],
        **more,
    }


def endpoint(description, scheme):
    """Host and port of the first endpoint with that scheme."""
    for url in description["BrokerInstances"][0]["Endpoints"]:
        found, rest = url.split("://")
        if found == scheme:
            host, port = rest.rsplit(":", 1)
            return host, int(port)
    raise AssertionError(f"no {scheme} endpoint: {description['BrokerInstances']}")


def pages(call, items, size, **members):
    """All items of an operation without a paginator, by its next token; no page has more than `size`."""
    found, token, count = [], {}, 0
    while True:
        answer = call(MaxResults=size, **token, **members)
        if len(answer[items]) > size:
            raise AssertionError(f"a page of {len(answer[items])}, {size} were asked for")
        found += answer[items]
        count += 1
        if not answer.get("NextToken"):
            return found, count
        token = {"NextToken": answer["NextToken"]}


def run(cases, *arguments):
    """Run the cases one after the other; each name is that of its function. How long each took goes to the log."""
    for case in cases:
        begin = time.monotonic()
        attempt(case.__name__.replace("_", " "), lambda case=case: case(*arguments))
        print(f"{case.__name__}: {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)


def together(works):
    """Run them at once and raise the first error."""
    errors = []

    def work(it):
        try:
            it()
        except Exception as error:  # noqa: BLE001 - raised below, in the caller's thread
            errors.append(error)

    threads = [threading.Thread(target=work, args=(it,)) for it in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]


def next_second():
    """Wait until another second: a signature holds that of its call, and the same signature is the same call (S14)."""
    second = int(time.time())
    await_that(lambda: int(time.time()) > second, "the next second")


def anew(call, /, **members):
    """Call what was called before with the same members, and mean it."""
    next_second()
    return call(**members)


def token():
    return uuid.uuid4().hex
