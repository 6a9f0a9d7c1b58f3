"""What botocore's service model says about answers: status, members, types, enumerations, times, errors."""

import json
import re

from botocore.loaders import Loader
from botocore.model import ServiceModel

MODEL = ServiceModel(Loader().load_service_model("mq", "service-2"), "mq")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|\+00:00)")
# What the front end of every service may answer besides what the model names.
COMMON = {
    "BadRequestException": 400,
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 400,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnknownOperationException": 404,
    "MethodNotAllowedException": 405,
    "RequestEntityTooLargeException": 413,
    "TooManyRequestsException": 429,
}
ERROR_MEMBERS = {"message", "errorAttribute", "resourceShareErrors"}
seen = set()


def check_answer(operation, status, headers, body):
    """Fail unless the answer is one that the model, or every service, gives to the operation."""
    model = MODEL.operation_model(operation)
    if status >= 300:
        check_error(operation, status, headers, body)
        return
    equal_or_fail(status, model.http.get("responseCode", 200), f"status of {operation}")
    seen.add(operation)
    if model.output_shape is None:
        equal_or_fail(body, b"", f"body of {operation}")
        return
    check_value(model.output_shape, json.loads(body), operation)


def check_error(operation, status, headers, body):
    """A documented error with its status, in a body that says what is wrong."""
    code = headers.get("x-amzn-errortype")
    documented = {
        shape.name: shape.metadata["error"]["httpStatusCode"] for shape in MODEL.operation_model(operation).error_shapes
    }
    known = {**COMMON, **documented}
    if known.get(code) != status or code == "InternalServerErrorException":
        raise AssertionError(f"{operation} answers {status} {code}: {body[:300]!r}")
    answer = json.loads(body)
    if not isinstance(answer.get("message"), str) or not answer["message"]:
        raise AssertionError(f"{operation} answers {code} without a message: {body[:300]!r}")
    if not set(answer) <= ERROR_MEMBERS or not isinstance(answer.get("errorAttribute", ""), str):
        raise AssertionError(f"members of an error: {body[:300]!r}")
    if not headers.get("x-amzn-requestid"):
        raise AssertionError(f"{operation} answers {code} without the id of the request")


def check_value(shape, value, where):
    """Fail unless the value is of that shape; unknown members count too."""
    kind = shape.type_name
    if kind == "structure":
        is_of(value, dict, where)
        members = {member.serialization.get("name", name): member for name, member in shape.members.items()}
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members}
        if not required <= set(value):
            raise AssertionError(f"{where}: {sorted(required - set(value))} are required")
        if not set(value) <= set(members):
            raise AssertionError(f"{where}: {sorted(set(value) - set(members))} are in no model")
        for name, member in value.items():
            check_value(members[name], member, f"{where}.{name}")
    elif kind == "list":
        is_of(value, list, where)
        for item in value:
            check_value(shape.member, item, f"{where}[]")
    elif kind == "map":
        is_of(value, dict, where)
        for item in value.values():
            check_value(shape.value, item, f"{where}{{}}")
    elif kind == "timestamp":
        is_of(value, str, where)
        if not TIME.fullmatch(value):
            raise AssertionError(f"{where}: {value!r} is no time with milliseconds")
    elif kind == "boolean":
        is_of(value, bool, where)
    elif kind in ("integer", "long"):
        is_of(value, int, where)
    elif kind == "string":
        is_of(value, str, where)
        if shape.enum and value.upper() not in shape.enum:
            raise AssertionError(f"{where}: {value!r} is none of {shape.enum}")
    else:
        raise AssertionError(f"{where}: no check for {kind}")


def is_of(value, kind, where):
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise AssertionError(f"{where}: {value!r} is no {kind.__name__}")


def equal_or_fail(got, wanted, what):
    if got != wanted:
        raise AssertionError(f"{what}: got {got!r}, wanted {wanted!r}")


def watch(client):
    """Have every answer that the client gets checked."""

    def check(response_dict, **_):
        if response_dict is None:
            return  # There was no answer.
        operation = response_dict["context"]["operation_name"]
        headers = {name.lower(): value for name, value in response_dict["headers"].items()}
        check_answer(operation, response_dict["status_code"], headers, response_dict["body"])

    client.meta.events.register("response-received.mq", check)
    return client
