//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, body};

/// The tables of CloudWatch Logs.
pub static MODEL: Model = Model {
    name: "logs", id: "CloudWatch Logs", api_version: "2014-03-28", signing_name: "logs",
    protocol: Protocol::AwsJson, target_prefix: "Logs_20140328", xml_namespace: "",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 4] = [
    Operation { name: "DescribeLogGroups", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_LOG_GROUPS_REQUEST), output: Some(&DESCRIBE_LOG_GROUPS_RESPONSE), wrapper: "" },
    Operation { name: "DescribeLogStreams", method: "POST", path: "/", status: 200, input: Some(&DESCRIBE_LOG_STREAMS_REQUEST), output: Some(&DESCRIBE_LOG_STREAMS_RESPONSE), wrapper: "" },
    Operation { name: "FilterLogEvents", method: "POST", path: "/", status: 200, input: Some(&FILTER_LOG_EVENTS_REQUEST), output: Some(&FILTER_LOG_EVENTS_RESPONSE), wrapper: "" },
    Operation { name: "GetLogEvents", method: "POST", path: "/", status: 200, input: Some(&GET_LOG_EVENTS_REQUEST), output: Some(&GET_LOG_EVENTS_RESPONSE), wrapper: "" },
];

static FAULTS: [Fault; 3] = [
    Fault { name: "InvalidParameterException", code: "InvalidParameterException", status: 400 },
    Fault { name: "ResourceNotFoundException", code: "ResourceNotFoundException", status: 400 },
    Fault { name: "ServiceUnavailableException", code: "ServiceUnavailableException", status: 400 },
];

static ACCOUNT_ID: Shape = Shape::Text { least: 12, most: 12, pattern: "^\\d{12}$", values: &[] };
static ACCOUNT_IDS: Shape = Shape::List { member: &ACCOUNT_ID, item_name: "member", is_flat: false, least: 0, most: 20 };
static ARN_SHAPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static BEARER_TOKEN_AUTHENTICATION_ENABLED: Shape = Shape::Boolean;
static DATA_PROTECTION_STATUS: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["ACTIVATED", "DELETED", "ARCHIVED", "DISABLED"] };
static DAYS_SHAPE: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static DELETION_PROTECTION_ENABLED: Shape = Shape::Boolean;
static DESCENDING_SHAPE: Shape = Shape::Boolean;
static DESCRIBE_LIMIT: Shape = Shape::Integer { least: 1, most: 50 };
static DESCRIBE_LOG_GROUPS_LOG_GROUP_IDENTIFIERS: Shape = Shape::List { member: &LOG_GROUP_IDENTIFIER, item_name: "member", is_flat: false, least: 1, most: 50 };
static DESCRIBE_LOG_GROUPS_REQUEST: Shape = Shape::Structure(&[
    body("accountIdentifiers", "accountIdentifiers", &ACCOUNT_IDS),
    body("includeLinkedAccounts", "includeLinkedAccounts", &INCLUDE_LINKED_ACCOUNTS),
    body("limit", "limit", &DESCRIBE_LIMIT),
    body("logGroupClass", "logGroupClass", &LOG_GROUP_CLASS),
    body("logGroupIdentifiers", "logGroupIdentifiers", &DESCRIBE_LOG_GROUPS_LOG_GROUP_IDENTIFIERS),
    body("logGroupNamePattern", "logGroupNamePattern", &LOG_GROUP_NAME_PATTERN),
    body("logGroupNamePrefix", "logGroupNamePrefix", &LOG_GROUP_NAME),
    body("nextToken", "nextToken", &NEXT_TOKEN),
]);
static DESCRIBE_LOG_GROUPS_RESPONSE: Shape = Shape::Structure(&[
    body("logGroups", "logGroups", &LOG_GROUPS),
    body("nextToken", "nextToken", &NEXT_TOKEN),
]);
static DESCRIBE_LOG_STREAMS_REQUEST: Shape = Shape::Structure(&[
    body("descending", "descending", &DESCENDING_SHAPE),
    body("limit", "limit", &DESCRIBE_LIMIT),
    body("logGroupIdentifier", "logGroupIdentifier", &LOG_GROUP_IDENTIFIER),
    body("logGroupName", "logGroupName", &LOG_GROUP_NAME),
    body("logStreamNamePrefix", "logStreamNamePrefix", &LOG_STREAM_NAME),
    body("nextToken", "nextToken", &NEXT_TOKEN),
    body("orderBy", "orderBy", &ORDER_BY),
]);
static DESCRIBE_LOG_STREAMS_RESPONSE: Shape = Shape::Structure(&[
    body("logStreams", "logStreams", &LOG_STREAMS),
    body("nextToken", "nextToken", &NEXT_TOKEN),
]);
static EVENT_ID: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static EVENT_MESSAGE: Shape = Shape::Text { least: 1, most: 4294967295, pattern: "", values: &[] };
static EVENTS_LIMIT: Shape = Shape::Integer { least: 1, most: 10000 };
static FILTER_COUNT: Shape = Shape::Integer { least: -2147483648, most: 2147483647 };
static FILTER_LOG_EVENTS_REQUEST: Shape = Shape::Structure(&[
    body("endTime", "endTime", &TIMESTAMP_SHAPE),
    body("filterPattern", "filterPattern", &FILTER_PATTERN),
    body("interleaved", "interleaved", &INTERLEAVED_SHAPE),
    body("limit", "limit", &EVENTS_LIMIT),
    body("logGroupIdentifier", "logGroupIdentifier", &LOG_GROUP_IDENTIFIER),
    body("logGroupName", "logGroupName", &LOG_GROUP_NAME),
    body("logStreamNamePrefix", "logStreamNamePrefix", &LOG_STREAM_NAME),
    body("logStreamNames", "logStreamNames", &INPUT_LOG_STREAM_NAMES),
    body("nextToken", "nextToken", &NEXT_TOKEN),
    body("startFromHead", "startFromHead", &START_FROM_HEAD),
    body("startTime", "startTime", &TIMESTAMP_SHAPE),
    body("unmask", "unmask", &UNMASK_SHAPE),
]);
static FILTER_LOG_EVENTS_RESPONSE: Shape = Shape::Structure(&[
    body("events", "events", &FILTERED_LOG_EVENTS),
    body("nextToken", "nextToken", &NEXT_TOKEN),
    body("searchedLogStreams", "searchedLogStreams", &SEARCHED_LOG_STREAMS),
]);
static FILTER_PATTERN: Shape = Shape::Text { least: 0, most: 1024, pattern: "", values: &[] };
static FILTERED_LOG_EVENT: Shape = Shape::Structure(&[
    body("eventId", "eventId", &EVENT_ID),
    body("ingestionTime", "ingestionTime", &TIMESTAMP_SHAPE),
    body("logStreamName", "logStreamName", &LOG_STREAM_NAME),
    body("message", "message", &EVENT_MESSAGE),
    body("timestamp", "timestamp", &TIMESTAMP_SHAPE),
]);
static FILTERED_LOG_EVENTS: Shape = Shape::List { member: &FILTERED_LOG_EVENT, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static GET_LOG_EVENTS_REQUEST: Shape = Shape::Structure(&[
    body("endTime", "endTime", &TIMESTAMP_SHAPE),
    body("limit", "limit", &EVENTS_LIMIT),
    body("logGroupIdentifier", "logGroupIdentifier", &LOG_GROUP_IDENTIFIER),
    body("logGroupName", "logGroupName", &LOG_GROUP_NAME),
    body("logStreamName", "logStreamName", &LOG_STREAM_NAME).required(),
    body("nextToken", "nextToken", &NEXT_TOKEN),
    body("startFromHead", "startFromHead", &START_FROM_HEAD),
    body("startTime", "startTime", &TIMESTAMP_SHAPE),
    body("unmask", "unmask", &UNMASK_SHAPE),
]);
static GET_LOG_EVENTS_RESPONSE: Shape = Shape::Structure(&[
    body("events", "events", &OUTPUT_LOG_EVENTS),
    body("nextBackwardToken", "nextBackwardToken", &NEXT_TOKEN),
    body("nextForwardToken", "nextForwardToken", &NEXT_TOKEN),
]);
static INCLUDE_LINKED_ACCOUNTS: Shape = Shape::Boolean;
static INHERITED_PROPERTIES: Shape = Shape::List { member: &INHERITED_PROPERTY, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static INHERITED_PROPERTY: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["ACCOUNT_DATA_PROTECTION"] };
static INPUT_LOG_STREAM_NAMES: Shape = Shape::List { member: &LOG_STREAM_NAME, item_name: "member", is_flat: false, least: 1, most: 100 };
static INTERLEAVED_SHAPE: Shape = Shape::Boolean;
static KMS_KEY_ID: Shape = Shape::Text { least: 0, most: 256, pattern: "", values: &[] };
static LOG_GROUP: Shape = Shape::Structure(&[
    body("arn", "arn", &ARN_SHAPE),
    body("bearerTokenAuthenticationEnabled", "bearerTokenAuthenticationEnabled", &BEARER_TOKEN_AUTHENTICATION_ENABLED),
    body("creationTime", "creationTime", &TIMESTAMP_SHAPE),
    body("dataProtectionStatus", "dataProtectionStatus", &DATA_PROTECTION_STATUS),
    body("deletionProtectionEnabled", "deletionProtectionEnabled", &DELETION_PROTECTION_ENABLED),
    body("inheritedProperties", "inheritedProperties", &INHERITED_PROPERTIES),
    body("kmsKeyId", "kmsKeyId", &KMS_KEY_ID),
    body("logGroupArn", "logGroupArn", &ARN_SHAPE),
    body("logGroupClass", "logGroupClass", &LOG_GROUP_CLASS),
    body("logGroupName", "logGroupName", &LOG_GROUP_NAME),
    body("metricFilterCount", "metricFilterCount", &FILTER_COUNT),
    body("retentionInDays", "retentionInDays", &DAYS_SHAPE),
    body("retentionPolicyName", "retentionPolicyName", &POLICY_NAME),
    body("storedBytes", "storedBytes", &STORED_BYTES),
]);
static LOG_GROUP_CLASS: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["STANDARD", "INFREQUENT_ACCESS", "DELIVERY", "ESSENTIALS"] };
static LOG_GROUP_IDENTIFIER: Shape = Shape::Text { least: 1, most: 2048, pattern: "[\\w#+=/:,.@-]*", values: &[] };
static LOG_GROUP_NAME: Shape = Shape::Text { least: 1, most: 512, pattern: "[\\.\\-_/#A-Za-z0-9]+", values: &[] };
static LOG_GROUP_NAME_PATTERN: Shape = Shape::Text { least: 0, most: 512, pattern: "[\\.\\-_/#A-Za-z0-9]*", values: &[] };
static LOG_GROUPS: Shape = Shape::List { member: &LOG_GROUP, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static LOG_STREAM: Shape = Shape::Structure(&[
    body("arn", "arn", &ARN_SHAPE),
    body("creationTime", "creationTime", &TIMESTAMP_SHAPE),
    body("firstEventTimestamp", "firstEventTimestamp", &TIMESTAMP_SHAPE),
    body("lastEventTimestamp", "lastEventTimestamp", &TIMESTAMP_SHAPE),
    body("lastIngestionTime", "lastIngestionTime", &TIMESTAMP_SHAPE),
    body("logStreamName", "logStreamName", &LOG_STREAM_NAME),
    body("storedBytes", "storedBytes", &STORED_BYTES),
    body("uploadSequenceToken", "uploadSequenceToken", &SEQUENCE_TOKEN),
]);
static LOG_STREAM_NAME: Shape = Shape::Text { least: 1, most: 512, pattern: "[^:*]*", values: &[] };
static LOG_STREAM_SEARCHED_COMPLETELY: Shape = Shape::Boolean;
static LOG_STREAMS: Shape = Shape::List { member: &LOG_STREAM, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static NEXT_TOKEN: Shape = Shape::Text { least: 1, most: 4294967295, pattern: "", values: &[] };
static ORDER_BY: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &["LogStreamName", "LastEventTime"] };
static OUTPUT_LOG_EVENT: Shape = Shape::Structure(&[
    body("ingestionTime", "ingestionTime", &TIMESTAMP_SHAPE),
    body("message", "message", &EVENT_MESSAGE),
    body("timestamp", "timestamp", &TIMESTAMP_SHAPE),
]);
static OUTPUT_LOG_EVENTS: Shape = Shape::List { member: &OUTPUT_LOG_EVENT, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static POLICY_NAME: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static SEARCHED_LOG_STREAM: Shape = Shape::Structure(&[
    body("logStreamName", "logStreamName", &LOG_STREAM_NAME),
    body("searchedCompletely", "searchedCompletely", &LOG_STREAM_SEARCHED_COMPLETELY),
]);
static SEARCHED_LOG_STREAMS: Shape = Shape::List { member: &SEARCHED_LOG_STREAM, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static SEQUENCE_TOKEN: Shape = Shape::Text { least: 1, most: 4294967295, pattern: "", values: &[] };
static START_FROM_HEAD: Shape = Shape::Boolean;
static STORED_BYTES: Shape = Shape::Long { least: 0, most: 9223372036854775807 };
static TIMESTAMP_SHAPE: Shape = Shape::Long { least: 0, most: 9223372036854775807 };
static UNMASK_SHAPE: Shape = Shape::Boolean;
