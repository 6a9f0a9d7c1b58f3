"""Bodies, paths and methods that are no calls."""

import json

from service import equal
from wire import now

DOCUMENTED = {
    400: "BadRequestException",
    404: "UnknownOperationException",
    405: "MethodNotAllowedException",
    413: "RequestEntityTooLargeException",
}


def check(world, calls):
    """Each gets its status and error, changes nothing and leaves one record."""
    begin, before = now(), world.state()
    answers = []
    for call, status in calls:
        answer = world.wire.send(*call)
        what = f"{call[0]} {call[1][:60]} {call[3][:40]!r}"
        equal((answer.status, answer.code), (status, DOCUMENTED[status]), f"answer to {what}")
        equal(bool(json.loads(answer.body)["message"]), True, f"message for {what}")
        answers.append(answer)
    equal(world.state(), before, "state")
    world.check_records([answer.request for answer in answers], begin)


def malformed_bodies(world):
    """Of a call that needs one."""
    bodies = [
        b"{",
        b"[]",
        b"null",
        b"7",
        b'"x"',
        b'{"name": "x",}',
        b'{"name": "\xff", "engineType": "ACTIVEMQ"}',
        b'{"name": "\\ud800", "engineType": "ACTIVEMQ"}',
        b"{" * 100_000,
        b'{"tags":' * 50_000,
        b"\x00",
        b"name=x&engineType=ACTIVEMQ",
        b"<configuration/>",
        b'{"name": "x", "engineType": 1e999999}',
        b"",
    ]
    check(world, [(world.wire.signed("POST", "/v1/configurations", body), 400) for body in bodies])


def oversized_bodies(world):
    """More than the service reads."""
    body = json.dumps({"name": "x" * 3_000_000, "engineType": "ACTIVEMQ"}).encode()
    check(world, [(world.wire.signed("POST", "/v1/configurations", body), 413)])


def paths_and_methods_that_are_none(world):
    """Also those that look as if they meant something."""
    one = f"/v1/brokers/{world.broker}"
    calls = [
        ("GET", "/", 404),
        ("GET", "/v1", 404),
        ("GET", "/v1/brokers/", 404),
        ("GET", "/v2/brokers", 404),
        ("GET", f"{one}/", 404),
        ("GET", f"{one}/users/a/b", 404),
        ("DELETE", "/v1/brokers", 405),
        ("PATCH", one, 405),
        ("POST", one, 405),
        ("GET", f"{one}/reboot", 405),
        ("GET", "/v1/brokers/%ff", 400),
    ]
    check(world, [(world.wire.signed(method, path), status) for method, path, status in calls])


def preflight_of_pages(world):
    """OPTIONS needs no signature, on every path."""
    for path in ("/v1/brokers", f"/v1/brokers/{world.broker}", "/v1/tags/x"):
        answer = world.wire.send("OPTIONS", path, {"Origin": "http://shop.example"}, b"")
        equal((answer.status, answer.body), (200, b""), "answer")
        equal(answer.headers["access-control-allow-origin"], "*", "origins")


def heads_that_are_too_long(world):
    """The HTTP server refuses them before there is a call."""
    answer = world.wire.send(*world.wire.signed("GET", "/v1/brokers?nextToken=" + "x" * 20_000))
    equal(answer.status, 431, "status")


CASES = [
    malformed_bodies,
    oversized_bodies,
    heads_that_are_too_long,
    paths_and_methods_that_are_none,
    preflight_of_pages,
]
