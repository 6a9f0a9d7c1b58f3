"""The quota of calls."""

import json

from service import ClientError, Service, equal


def calls_beyond_the_quota_are_refused():
    """With 429; a client that tries again gets through, and each refusal leaves a record."""
    service = Service("throttling", burst=5, rate=1).start()
    mq = service.client()
    refusals = 0
    for _ in range(50):
        try:
            mq.list_brokers()
        except ClientError as error:
            answer = error.response
            equal(
                (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]),
                ("TooManyRequestsException", 429),
                "error",
            )
            refusals += 1
    equal(refusals > 0, True, "refusals")
    patient = service.client(retries=9)
    equal(patient.list_brokers()["BrokerSummaries"], [], "brokers")
    found = patient_count(service)
    equal(found >= refusals, True, f"{found} records of {refusals} refusals")
    service.stop()


def patient_count(service):
    """Records of throttled calls."""
    trail = service.client("cloudtrail", retries=9)
    pages = trail.get_paginator("lookup_events").paginate()
    records = [json.loads(event["CloudTrailEvent"]) for page in pages for event in page["Events"]]
    return sum(record.get("errorCode") == "TooManyRequestsException" for record in records)


CASES = [calls_beyond_the_quota_are_refused]
