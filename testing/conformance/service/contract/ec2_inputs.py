"""Every member of every input of EC2 that is served, wrong in each way of its type: an error in EC2's form, nothing
changed, one record."""

from urllib.parse import urlencode

import xml_contract
from service import equal
from wire import now

TEXTS = ["", "\0", "<&>\u20ac", "x" * 70_000, "sg-0", "10.0.0.0/8"]
WRONG = {
    "string": TEXTS,
    "integer": ["x", "1.5", "", "99999999999", "-99999999999"],
    "boolean": ["maybe", "1", ""],
}


def members(shape, prefix=""):
    """Each place in a form where the input has a value, with the type of the value, lists with one item."""
    for name, member in shape.members.items():
        wire = member.serialization.get("name", name)
        place = prefix + wire[0].upper() + wire[1:]
        yield from inside(member, place)


def inside(shape, place):
    if shape.type_name == "structure":
        yield place, "structure"
        yield from members(shape, f"{place}.")
    elif shape.type_name == "list":
        yield place, "list"
        yield from inside(shape.member, f"{place}.1")
    else:
        yield place, shape.type_name


def forms(operation):
    """Forms with one wrong member each, and without any."""
    shape = xml_contract.MODEL.operation_model(operation).input_shape
    yield []
    for place, kind in members(shape):
        if kind == "list":
            yield [(place, "x")]
            yield [(f"{place}.0", "x")]
            yield [(f"{place}.{number}", "x") for number in range(1, 1_002)]
        elif kind == "structure":
            yield [(place, "x")]
            yield [(f"{place}.Unknown", "x")]
        else:
            yield from ([(place, text)] for text in WRONG[kind])


def every_member_of_ec2_wrong(world):
    """By itself, so that no call can do anything."""
    begin, before, answers, findings = now(), state(world), [], []
    for operation in xml_contract.SERVED:
        for form in forms(operation):
            body = urlencode([("Action", operation), ("Version", "2016-11-15"), *form]).encode()
            answer = world.wire.call("POST", "/", body, name="ec2")
            answers.append(answer)
            what = f"{operation} {str(form)[:100]}: {answer}"
            try:
                xml_contract.check_answer(operation, answer.status, answer.body)
            except (AssertionError, ValueError, SyntaxError) as error:
                findings.append(f"{what}: {error}")
            if answer.status >= 500 or (answer.status < 300 and not operation.startswith("Describe")):
                findings.append(what)
    if findings:
        raise AssertionError(f"{len(findings)} of {len(answers)} answers are wrong: {findings[:3]}")
    equal(state(world), before, "state")
    world.check_records([answer.request for answer in answers], begin)


def state(world):
    ec2 = world.service.client("ec2")
    found = [ec2.describe_security_groups(), ec2.describe_security_group_rules(), ec2.describe_tags()]
    for answer in found:
        del answer["ResponseMetadata"]
    return found


CASES = [every_member_of_ec2_wrong]
