"""Who calls: wrong, old, changed and repeated signatures, in the header and in the query."""

import json

from service import equal
from wire import now


def check(world, calls, code, status=403):
    """Each is refused so, changes nothing and leaves one record, which names no caller."""
    begin, before = now(), world.state()
    answers = []
    for what, call in calls:
        answer = world.wire.send(*call)
        equal((answer.status, answer.code), (status, code), f"answer to {what} ({answer.body[:200]!r})")
        equal(bool(json.loads(answer.body)["message"]), True, f"message for {what}")
        answers.append(answer)
    equal(world.state(), before, "state")
    world.check_records([answer.request for answer in answers], begin)


def changed(call, method=None, target=None, headers=None, body=None):
    """A signed request with a part changed afterwards."""
    old_method, old_target, old_headers, old_body = call
    return (
        method or old_method,
        target or old_target,
        {**old_headers, **(headers or {})},
        old_body if body is None else body,
    )


def without(call, header):
    method, target, headers, body = call
    return method, target, {name: value for name, value in headers.items() if name.lower() != header}, body


NEW = json.dumps({"name": "forged", "engineType": "RABBITMQ"}).encode()


def wrong_signatures(world):
    """Another secret, another scope, another time, another request than was signed."""
    wire = world.wire
    create = lambda **more: wire.signed("POST", "/v1/configurations", NEW, **more)  # noqa: E731 - the same call each time
    reboot = f"/v1/brokers/{world.broker}/reboot"
    check(
        world,
        [
            ("another secret", create(key=(world.service.key[0], "x" * 40))),
            ("another body", changed(create(), body=NEW.replace(b"forged", b"broken"))),
            ("another path", changed(wire.signed("POST", reboot), target=reboot.replace("/reboot", "/promote"))),
            ("another method", changed(wire.signed("GET", f"/v1/brokers/{world.broker}"), method="DELETE")),
            (
                "another query",
                changed(wire.signed("GET", "/v1/brokers?maxResults=5"), target="/v1/brokers?maxResults=6"),
            ),
            ("another header", changed(create(), headers={"amz-sdk-invocation-id": "other"})),
            ("six minutes ago", create(age_s=360)),
            ("in six minutes", create(age_s=-360)),
            ("another service", create(name="sqs")),
        ],
        "InvalidSignatureException",
    )


def unknown_and_missing_callers(world):
    """Nobody's key, no signature at all, half of one."""
    wire = world.wire
    create = wire.signed("POST", "/v1/configurations", NEW)
    check(
        world,
        [("an unknown key", wire.signed("POST", "/v1/configurations", NEW, key=("AKIA0000000000000000", "x" * 40)))],
        "InvalidSignatureException",
    )
    check(world, [("no signature", without(create, "authorization"))], "MissingAuthenticationTokenException")
    broken = changed(create, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=x"})
    check(world, [("half of a signature", broken)], "IncompleteSignatureException", 400)


def presigned_calls(world):
    """They live as long as they say."""
    wire = world.wire
    answer = wire.send(*wire.signed("GET", "/v1/brokers", query_form=True))
    equal(answer.status, 200, f"status ({answer})")
    names = [broker["brokerName"] for broker in json.loads(answer.body)["brokerSummaries"]]
    equal(names, ["target"], "brokers")
    old = wire.signed("GET", "/v1/brokers", query_form=True, age_s=120, lives_s=60)
    bent = wire.signed("GET", "/v1/brokers?maxResults=1", query_form=True)
    check(
        world,
        [
            ("one that is over", old),
            ("one that was changed", changed(bent, target=bent[1].replace("maxResults=1", "maxResults=2"))),
        ],
        "InvalidSignatureException",
    )


def a_repeated_signature_runs_once(world):
    """The same signed request again gets the same answer."""
    wire, begin = world.wire, now()
    body = json.dumps({"name": "repeated", "engineType": "RABBITMQ"}).encode()
    call = wire.signed("POST", "/v1/configurations", body)
    answers = [wire.send(*call) for _ in range(3)]
    equal(
        {(answer.status, answer.body, answer.request) for answer in answers},
        {(200, answers[0].body, answers[0].request)},
        "answers",
    )
    names = [it["Name"] for it in world.mq.list_configurations()["Configurations"]]
    equal(names.count("repeated"), 1, "configurations")
    world.check_records([answers[0].request], begin)
    world.mq.delete_configuration(ConfigurationId=json.loads(answers[0].body)["id"])


def records_of_refused_callers(world):
    """They say what was refused and why, without a caller that nobody proved to be."""
    wire = world.wire
    answer = wire.send(*wire.signed("POST", "/v1/configurations", NEW, key=(world.service.key[0], "x" * 40)))
    events = world.trail.lookup_events()["Events"]
    records = [json.loads(event["CloudTrailEvent"]) for event in events]
    (record,) = [record for record in records if record["requestID"] == answer.request]
    equal((record["errorCode"], record["eventName"]), ("InvalidSignatureException", "CreateConfiguration"), "record")
    equal((record.get("userIdentity") or {}).get("userName"), None, "caller")


CASES = [
    wrong_signatures,
    unknown_and_missing_callers,
    presigned_calls,
    a_repeated_signature_runs_once,
    records_of_refused_callers,
]
