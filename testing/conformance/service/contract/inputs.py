"""Inputs that are wrong in one way, made from the model: for every member of every operation."""

import copy
import random

from contract import MODEL
from service import PASSWORD

UUID = "00000000-0000-0000-0000-000000000000"
ELSEWHERE = "arn:aws:mq:eu-west-9:000000000000:broker:x:b-1"
ARNS = [
    "x",
    "arn:",
    "arn:aws:mq",
    ELSEWHERE,
    "arn:aws:s3:::bucket",
    "a/b",
    "\u0000",
    "x" * 3000,
    f"arn:aws:mq:us-east-1:000000000000:broker:x:b-{UUID}",
]
NAMES = ["x", "a/b", "%00", "\u0000", "caf\u00e9", "x" * 3000, " "]
IDS = [*NAMES, f"b-{UUID}", f"c-{UUID}", ".."]
# Members whose text is free: nothing that is text, and short enough, is wrong.
FREE = {
    ("CreateBroker", "creatorRequestId"),
    ("CreateBroker", "tags{}"),
    ("CreateConfiguration", "tags{}"),
    ("CreateTags", "tags{}"),
    ("UpdateConfiguration", "description"),
}
# No name, password or token is one of these.
TEXTS = ["", "\u0000", "a\nb", "\U0001f430" * 40, "a,b:c=d", "%s%n", "{{7*7}}", "<!--"]
LONG = "x" * 70_000
# The head of a request has less room than its body.
LONG_IN_HEAD = "x" * 4_000
NUMBERS = [-1, -(2**31) - 1, 2**31, 2**63, 1.5, 1e300]


def wrong_types(shape, names):
    """Values of another JSON type."""
    values = {"string": "x", "number": 7, "boolean": True, "list": ["x"], "object": {"x": "y"}, "nested": [[[{}]]]}
    own = {"integer": "number", "long": "number", "structure": "object", "map": "object", "timestamp": "string"}
    kind = own.get(shape.type_name, shape.type_name)
    # What has no place in a body is text anyhow.
    is_text = names.get("location") is not None
    for name, value in values.items():
        if name == kind or (kind == "list" and name == "nested") or (is_text and kind == "string"):
            continue
        if kind == "list" and is_text:
            continue
        yield value


def wrong_values(operation, path, shape, location):
    """Values of the right type that are wrong."""
    kind = shape.type_name
    long = LONG if location is None else LONG_IN_HEAD
    if location == "uri":
        yield from {"resource-arn": ARNS, "username": NAMES}.get(path[-1], IDS)
    elif kind == "string" and shape.enum:
        yield from ["", "NONE_OF_THEM", long]
    elif kind == "string" and (operation, path_name(path)) in FREE:
        yield long
    elif kind == "string":
        yield from [*TEXTS, long]
    elif kind in ("integer", "long"):
        yield from NUMBERS
    elif kind == "list" and location is None:
        yield from [[None] * 20_000, [{}], [["x"]]]


def path_name(path):
    return ".".join(str(part) for part in path).replace(".{}", "{}").replace(".0", "[]")


class Case:
    """One wrong input of an operation."""

    def __init__(self, operation, what, members):
        self.operation, self.what, self.members = operation, what, members

    def __repr__(self):
        return f"{self.operation} with {self.what}"


class Inputs:
    """Makes them from inputs that are good, of things that are there."""

    def __init__(self, broker, configuration, arn, groups, subnets):
        self.random = random.Random(20261130)
        window = {"dayOfWeek": "MONDAY", "timeOfDay": "12:00", "timeZone": "UTC"}
        user = {
            "username": "user",
            "password": PASSWORD,
            "consoleAccess": True,
            "groups": ["staff"],
            "replicationUser": False,
        }
        revision = {"id": configuration, "revision": 1}
        identity = {"broker-id": broker}
        page = {"maxResults": 5, "nextToken": "x"}
        self.good = {
            "CreateBroker": {
                "brokerName": "wrong",
                "deploymentMode": "SINGLE_INSTANCE",
                "engineType": "ACTIVEMQ",
                "engineVersion": "5.19",
                "hostInstanceType": "mq.t3.micro",
                "publiclyAccessible": False,
                "autoMinorVersionUpgrade": True,
                "authenticationStrategy": "SIMPLE",
                "configuration": revision,
                "creatorRequestId": "wrong",
                "dataReplicationMode": "NONE",
                "encryptionOptions": {"useAwsOwnedKey": True},
                "logs": {"audit": True, "general": True},
                "maintenanceWindowStartTime": window,
                "securityGroups": groups,
                "storageType": "EFS",
                "subnetIds": subnets,
                "tags": {"a": "b"},
                "users": [user],
            },
            "ListBrokers": page,
            "DescribeBroker": identity,
            "UpdateBroker": identity,
            "DeleteBroker": identity,
            "RebootBroker": identity,
            "Promote": {**identity, "mode": "FAILOVER"},
            "DescribeSharedResources": {**identity, **page},
            "CreateUser": {**identity, **user},
            "UpdateUser": {**identity, **user, "username": "ops"},
            "DeleteUser": {**identity, "username": "ops"},
            "DescribeUser": {**identity, "username": "ops"},
            "ListUsers": {**identity, **page},
            "CreateConfiguration": {
                "name": "wrong",
                "engineType": "ACTIVEMQ",
                "engineVersion": "5.19",
                "authenticationStrategy": "SIMPLE",
                "tags": {"a": "b"},
            },
            "ListConfigurations": page,
            "DescribeConfiguration": {"configuration-id": configuration},
            "UpdateConfiguration": {"configuration-id": configuration, "data": "eA==", "description": "x"},
            "DeleteConfiguration": {"configuration-id": configuration},
            "ListConfigurationRevisions": {"configuration-id": configuration, **page},
            "DescribeConfigurationRevision": {"configuration-id": configuration, "configuration-revision": "9"},
            "CreateTags": {"resource-arn": arn, "tags": {"a": "b"}},
            "DeleteTags": {"resource-arn": arn, "tagKeys": ["a"]},
            "ListTags": {"resource-arn": arn},
            "DescribeBrokerEngineTypes": {"engineType": "ACTIVEMQ", **page},
            "DescribeBrokerInstanceOptions": {"engineType": "ACTIVEMQ", "storageType": "EFS", **page},
        }

    def each_member(self):
        """For every member of every operation, all that is wrong with it."""
        for operation in sorted(MODEL.operation_names):
            shape = MODEL.operation_model(operation).input_shape
            if shape is not None:
                yield from self.of_structure(operation, shape, ())

    def of_structure(self, operation, shape, path):
        for name, member in shape.members.items():
            wire = member.serialization.get("name", name)
            yield from self.of_member(operation, member, (*path, wire), name in shape.required_members)

    def of_member(self, operation, shape, path, is_required):
        location = shape.serialization.get("location")
        if is_required and location != "uri":
            yield Case(operation, f"{path_name(path)} missing", self.changed(operation, path, None, is_removed=True))
            if location is None:
                yield Case(operation, f"{path_name(path)} null", self.changed(operation, path, None))
        for value in wrong_types(shape, shape.serialization):
            yield self.case(operation, path, value)
        for value in wrong_values(operation, path, shape, location):
            yield self.case(operation, path, value)
        if shape.type_name == "structure":
            yield from self.of_structure(operation, shape, path)
        elif shape.type_name == "list" and location is None:
            yield from self.of_member(operation, shape.member, (*path, 0), False)
        elif shape.type_name == "map":
            yield from self.of_member(operation, shape.value, (*path, "{}"), False)

    def case(self, operation, path, value):
        shown = repr(value)
        return Case(operation, f"{path_name(path)} = {shown[:60]}", self.changed(operation, path, value))

    def changed(self, operation, path, value, is_removed=False):
        """The good input with one member changed; what is on the way to it is made."""
        members = copy.deepcopy(self.good[operation])
        at = members
        for part, following in zip(path, path[1:]):
            empty = [] if following == 0 else {}
            at = step(at, part, empty)
        last = path[-1]
        if is_removed:
            at.pop(last, None) if isinstance(at, dict) else None
        elif isinstance(at, list):
            at[:] = [value]
        else:
            at["k" if last == "{}" else last] = value
        return members

    def several(self, count):
        """Inputs that are wrong in two ways or three, at random from a fixed seed."""
        known = {}
        for case in self.each_member():
            known.setdefault(case.operation, []).append(case)
        operations = sorted(known)
        for _ in range(count):
            operation = self.random.choice(operations)
            cases = self.random.sample(known[operation], k=min(len(known[operation]), self.random.choice((2, 3))))
            good, members = self.good[operation], copy.deepcopy(self.good[operation])
            for case in cases:
                for name in sorted(set(good) | set(case.members)):
                    if case.members.get(name) != good.get(name):
                        members[name] = case.members.get(name)
            yield Case(operation, " and ".join(case.what for case in cases), members)


def step(at, part, empty):
    """The value below, made when there is none."""
    if isinstance(at, list):
        if not at or not isinstance(at[0], (dict, list)):
            at[:] = [empty]
        return at[0]
    return at.setdefault("k" if part == "{}" else part, empty)
