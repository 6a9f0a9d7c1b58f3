"""The audit log, as `aws cloudtrail lookup-events` reads it."""

import datetime
import json

from service import ACCOUNT, PASSWORD, REGION, activemq, await_gone, await_state, equal, refused, token

SOURCE = "amazonmq.amazonaws.com"


def lookup(trail, **more):
    """All events, by boto3's paginator."""
    pages = trail.get_paginator("lookup_events").paginate(**more)
    return [event for page in pages for event in page["Events"]]


def by(key, value):
    return {"LookupAttributes": [{"AttributeKey": key, "AttributeValue": value}]}


def a_call_leaves_one_record(service):
    """Of a change, of a refusal and of a reading; in CloudTrail's shape, without secrets."""
    mq, trail = service.client(), service.client("cloudtrail")
    name = f"audit-{token()[:8]}"
    made = mq.create_broker(**activemq(name))
    request = made["ResponseMetadata"]["RequestId"]
    (event,) = lookup(trail, **by("ResourceName", name))
    record = json.loads(event["CloudTrailEvent"])
    shown = {
        "eventName": "CreateBroker",
        "eventSource": SOURCE,
        "awsRegion": REGION,
        "recipientAccountId": ACCOUNT,
        "requestID": request,
        "readOnly": False,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
        "sourceIPAddress": "127.0.0.1",
    }
    equal({key: record.get(key) for key in shown}, shown, "record")
    equal(record["responseElements"]["brokerId"], made["BrokerId"], "broker of the record")
    equal(record["requestParameters"]["users"][0]["password"], "***", "password")
    equal(record["userIdentity"]["accessKeyId"], service.key[0], "caller")
    equal(
        (event["EventName"], event["Username"], event["ReadOnly"]),
        ("CreateBroker", record["userIdentity"]["userName"], "false"),
        "event",
    )
    equal(PASSWORD in json.dumps(lookup(trail), default=str), False, "a password is in the log")
    await_state(mq, made["BrokerId"])
    refused(
        mq.create_user, "BadRequestException", "username", BrokerId=made["BrokerId"], Username="!!", Password=PASSWORD
    )
    events = lookup(trail, **by("EventName", "CreateUser"))
    record = json.loads(events[0]["CloudTrailEvent"])
    equal((record["errorCode"], record["requestParameters"]["username"]), ("BadRequestException", "!!"), "refusal")
    equal(record["responseElements"], None, "answer of a refusal")
    mq.delete_broker(BrokerId=made["BrokerId"])
    await_gone(mq, made["BrokerId"])


def events_by_each_attribute(service):
    """What they find is what was asked for, and all of it."""
    mq, trail = service.client(), service.client("cloudtrail")
    made = mq.create_configuration(Name=f"looked-for-{token()[:8]}", EngineType="RABBITMQ")
    mq.describe_configuration(ConfigurationId=made["Id"])
    mq.delete_configuration(ConfigurationId=made["Id"])
    for _ in range(55):
        mq.list_brokers()
    names = [event["EventName"] for event in lookup(trail, **by("ResourceName", made["Id"]))]
    equal(set(names) >= {"DeleteConfiguration", "DescribeConfiguration"}, True, f"events of the configuration: {names}")
    every = lookup(trail)
    newest = every[0]
    for key, value, holds in [
        ("EventId", newest["EventId"], lambda event: event["EventId"] == newest["EventId"]),
        ("EventName", "CreateUser", lambda event: event["EventName"] == "CreateUser"),
        ("EventSource", SOURCE, lambda event: event["EventSource"] == SOURCE),
        ("ReadOnly", "false", lambda event: event["ReadOnly"] == "false"),
        ("Username", newest["Username"], lambda event: event["Username"] == newest["Username"]),
        ("AccessKeyId", service.key[0], lambda event: event["AccessKeyId"] == service.key[0]),
        ("ResourceType", "AWS::AmazonMQ::Broker", lambda event: "AWS::AmazonMQ::Broker" in str(event["Resources"])),
    ]:
        found = {event["EventId"] for event in lookup(trail, **by(key, value))}
        wanted = {event["EventId"] for event in every if holds(event)}
        # Looking up is recorded too, after the answer.
        new = {event["EventId"] for event in lookup(trail) if event["EventName"] == "LookupEvents"}
        equal(found - new, wanted - new, f"events by {key}")
        equal(bool(found), True, f"events by {key}")
    equal(lookup(trail, **by("EventName", "None")), [], "events by an unknown name")


def events_by_time(service):
    """From the newest backwards, within bounds."""
    trail = service.client("cloudtrail")
    events = lookup(trail)
    times = [event["EventTime"] for event in events]
    equal(times, sorted(times, reverse=True), "order")
    middle = times[len(times) // 2]
    second = datetime.timedelta(seconds=1)
    later = lookup(trail, StartTime=middle + second)
    equal(all(event["EventTime"] > middle for event in later), True, "events after")
    earlier = lookup(trail, EndTime=middle)
    equal((bool(earlier), all(event["EventTime"] <= middle for event in earlier)), (True, True), "events before")
    page = trail.lookup_events(MaxResults=3)
    equal((len(page["Events"]), bool(page["NextToken"])), (3, True), "a page")


def refusals_of_lookup_events(service):
    """Two attributes, a range that ends before it begins, a bad token."""
    trail = service.client("cloudtrail")
    now = datetime.datetime.now(datetime.timezone.utc)
    two = by("EventName", "x")["LookupAttributes"] * 2
    refused(trail.lookup_events, "InvalidLookupAttributesException", LookupAttributes=two)
    refused(trail.lookup_events, "InvalidTimeRangeException", StartTime=now, EndTime=now - datetime.timedelta(hours=1))
    refused(trail.lookup_events, "InvalidNextTokenException", NextToken="!")
    refused(trail.lookup_events, "InvalidMaxResultsException", MaxResults=51)


CASES = [a_call_leaves_one_record, events_by_each_attribute, events_by_time, refusals_of_lookup_events]
