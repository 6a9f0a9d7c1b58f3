"""What botocore's model of EC2 says about answers: elements and their types, and the form of errors."""

import xml.etree.ElementTree as ElementTree

from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL = ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")
NAMESPACE = "{http://ec2.amazonaws.com/doc/2016-11-15}"
# What of it the service has.
SERVED = [
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "CreateTags",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DescribeAvailabilityZones",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVpcs",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
]
seen = set()


def check_answer(operation, status, body):
    """Fail unless the answer is one that the model gives to the operation, or an error in EC2's form."""
    root = ElementTree.fromstring(body)
    if status >= 300:
        (error,) = root.findall("./Errors/Error")
        texts = [error.findtext("Code"), error.findtext("Message"), root.findtext("RequestID")]
        if root.tag != "Response" or not all(texts):
            raise AssertionError(f"{operation} answers {body!r}")
        return
    if root.tag != f"{NAMESPACE}{operation}Response" or not root.findtext(f"{NAMESPACE}requestId"):
        raise AssertionError(f"{operation} answers {body[:300]!r}")
    seen.add(operation)
    root.remove(root.find(f"{NAMESPACE}requestId"))
    shape = MODEL.operation_model(operation).output_shape
    if shape is None:
        if [(element.tag, element.text) for element in root] != [(f"{NAMESPACE}return", "true")]:
            raise AssertionError(f"{operation} answers {body!r}")
        return
    check_element(shape, root, operation)


def check_element(shape, element, where):
    """Fail unless the element is of that shape; unknown elements count too."""
    kind, text = shape.type_name, element.text or ""
    if kind == "structure":
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        names = [child.tag.removeprefix(NAMESPACE) for child in element]
        if len(set(names)) != len(names) or not set(names) <= set(members):
            raise AssertionError(f"{where}: {sorted(names)} are not the members of the model")
        for name, child in zip(names, element):
            check_element(members[name], child, f"{where}.{name}")
    elif kind == "list":
        item = shape.member.serialization.get("name", "member")
        for child in element:
            if child.tag != NAMESPACE + item:
                raise AssertionError(f"{where}: an item is called {child.tag}")
            check_element(shape.member, child, f"{where}[]")
    elif kind == "boolean":
        if text not in ("true", "false"):
            raise AssertionError(f"{where}: {text!r} is no boolean")
    elif kind == "integer":
        int(text)
    elif kind == "string":
        if len(element) or (shape.enum and text not in shape.enum):
            raise AssertionError(f"{where}: {text!r} is none of {shape.enum}")
    else:
        raise AssertionError(f"{where}: no check for {kind}")


def watch(client):
    """Have every answer that the client gets checked."""

    def check(response_dict, **_):
        if response_dict is not None:
            operation = response_dict["context"]["operation_name"]
            check_answer(operation, response_dict["status_code"], response_dict["body"])

    client.meta.events.register("response-received.ec2", check)
    return client
