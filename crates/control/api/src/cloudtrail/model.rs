//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, TimeFormat, body};

/// The tables of CloudTrail.
pub static MODEL: Model = Model {
    name: "cloudtrail", id: "CloudTrail", api_version: "2013-11-01", signing_name: "cloudtrail",
    protocol: Protocol::AwsJson, target_prefix: "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101", xml_namespace: "",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 1] = [
    Operation { name: "LookupEvents", method: "POST", path: "/", status: 200, input: Some(&LOOKUP_EVENTS_REQUEST), output: Some(&LOOKUP_EVENTS_RESPONSE), wrapper: "" },
];

static FAULTS: [Fault; 7] = [
    Fault { name: "InvalidEventCategoryException", code: "InvalidEventCategoryException", status: 400 },
    Fault { name: "InvalidLookupAttributesException", code: "InvalidLookupAttributesException", status: 400 },
    Fault { name: "InvalidMaxResultsException", code: "InvalidMaxResultsException", status: 400 },
    Fault { name: "InvalidNextTokenException", code: "InvalidNextTokenException", status: 400 },
    Fault { name: "InvalidTimeRangeException", code: "InvalidTimeRangeException", status: 400 },
    Fault { name: "OperationNotPermittedException", code: "OperationNotPermittedException", status: 400 },
    Fault { name: "UnsupportedOperationException", code: "UnsupportedOperationException", status: 400 },
];

static DATE_SHAPE: Shape = Shape::Time(TimeFormat::Unset);
static EVENT_SHAPE: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &STRING_SHAPE),
    body("CloudTrailEvent", "CloudTrailEvent", &STRING_SHAPE),
    body("EventId", "EventId", &STRING_SHAPE),
    body("EventName", "EventName", &STRING_SHAPE),
    body("EventSource", "EventSource", &STRING_SHAPE),
    body("EventTime", "EventTime", &DATE_SHAPE),
    body("ReadOnly", "ReadOnly", &STRING_SHAPE),
    body("Resources", "Resources", &RESOURCE_LIST),
    body("Username", "Username", &STRING_SHAPE),
]);
static EVENT_CATEGORY: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["insight"] };
static EVENTS_LIST: Shape = Shape::List { member: &EVENT_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LOOKUP_ATTRIBUTE: Shape = Shape::Structure(&[
    body("AttributeKey", "AttributeKey", &LOOKUP_ATTRIBUTE_KEY).required(),
    body("AttributeValue", "AttributeValue", &LOOKUP_ATTRIBUTE_VALUE).required(),
]);
static LOOKUP_ATTRIBUTE_KEY: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["EventId", "EventName", "ReadOnly", "Username", "ResourceType", "ResourceName", "EventSource", "AccessKeyId"] };
static LOOKUP_ATTRIBUTE_VALUE: Shape = Shape::Text { least: 1, most: 2000, pattern: "", values: &[] };
static LOOKUP_ATTRIBUTES_LIST: Shape = Shape::List { member: &LOOKUP_ATTRIBUTE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LOOKUP_EVENTS_REQUEST: Shape = Shape::Structure(&[
    body("EndTime", "EndTime", &DATE_SHAPE),
    body("EventCategory", "EventCategory", &EVENT_CATEGORY),
    body("LookupAttributes", "LookupAttributes", &LOOKUP_ATTRIBUTES_LIST),
    body("MaxResults", "MaxResults", &MAX_RESULTS),
    body("NextToken", "NextToken", &NEXT_TOKEN),
    body("StartTime", "StartTime", &DATE_SHAPE),
]);
static LOOKUP_EVENTS_RESPONSE: Shape = Shape::Structure(&[
    body("Events", "Events", &EVENTS_LIST),
    body("NextToken", "NextToken", &NEXT_TOKEN),
]);
static MAX_RESULTS: Shape = Shape::Integer { least: 1, most: 50 };
static NEXT_TOKEN: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static RESOURCE_SHAPE: Shape = Shape::Structure(&[
    body("ResourceName", "ResourceName", &STRING_SHAPE),
    body("ResourceType", "ResourceType", &STRING_SHAPE),
]);
static RESOURCE_LIST: Shape = Shape::List { member: &RESOURCE_SHAPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static STRING_SHAPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
