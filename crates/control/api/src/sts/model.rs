//! Made by `cargo xtask models` from the service model; not edited by hand.

use crate::model::{Fault, Model, Operation, Protocol, Shape, TimeFormat, body};

/// The tables of STS.
pub static MODEL: Model = Model {
    name: "sts", id: "STS", api_version: "2011-06-15", signing_name: "sts",
    protocol: Protocol::Query, target_prefix: "", xml_namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    operations: &OPERATIONS, faults: &FAULTS,
};

static OPERATIONS: [Operation; 3] = [
    Operation { name: "AssumeRole", method: "POST", path: "/", status: 200, input: Some(&ASSUME_ROLE_REQUEST), output: Some(&ASSUME_ROLE_RESPONSE), wrapper: "AssumeRoleResult" },
    Operation { name: "GetCallerIdentity", method: "POST", path: "/", status: 200, input: Some(&GET_CALLER_IDENTITY_REQUEST), output: Some(&GET_CALLER_IDENTITY_RESPONSE), wrapper: "GetCallerIdentityResult" },
    Operation { name: "GetSessionToken", method: "POST", path: "/", status: 200, input: Some(&GET_SESSION_TOKEN_REQUEST), output: Some(&GET_SESSION_TOKEN_RESPONSE), wrapper: "GetSessionTokenResult" },
];

static FAULTS: [Fault; 5] = [
    Fault { name: "ExpiredTokenException", code: "ExpiredTokenException", status: 400 },
    Fault { name: "InvalidContextAssertionException", code: "InvalidContextAssertion", status: 400 },
    Fault { name: "MalformedPolicyDocumentException", code: "MalformedPolicyDocument", status: 400 },
    Fault { name: "PackedPolicyTooLargeException", code: "PackedPolicyTooLarge", status: 400 },
    Fault { name: "RegionDisabledException", code: "RegionDisabledException", status: 403 },
];

static ASSUME_ROLE_REQUEST: Shape = Shape::Structure(&[
    body("DurationSeconds", "DurationSeconds", &ROLE_DURATION_SECONDS_TYPE),
    body("ExternalId", "ExternalId", &EXTERNAL_ID_TYPE),
    body("MinimumSessionTokenSize", "MinimumSessionTokenSize", &MINIMUM_SESSION_TOKEN_SIZE_TYPE),
    body("Policy", "Policy", &UNRESTRICTED_SESSION_POLICY_DOCUMENT_TYPE),
    body("PolicyArns", "PolicyArns", &POLICY_DESCRIPTOR_LIST_TYPE),
    body("ProvidedContexts", "ProvidedContexts", &PROVIDED_CONTEXTS_LIST_TYPE),
    body("RoleArn", "RoleArn", &ARN_TYPE).required(),
    body("RoleSessionName", "RoleSessionName", &ROLE_SESSION_NAME_TYPE).required(),
    body("SerialNumber", "SerialNumber", &SERIAL_NUMBER_TYPE),
    body("SourceIdentity", "SourceIdentity", &SOURCE_IDENTITY_TYPE),
    body("Tags", "Tags", &TAG_LIST_TYPE),
    body("TokenCode", "TokenCode", &TOKEN_CODE_TYPE),
    body("TransitiveTagKeys", "TransitiveTagKeys", &TAG_KEY_LIST_TYPE),
]);
static ASSUME_ROLE_RESPONSE: Shape = Shape::Structure(&[
    body("AssumedRoleUser", "AssumedRoleUser", &ASSUMED_ROLE_USER),
    body("Credentials", "Credentials", &CREDENTIALS_SHAPE),
    body("PackedPolicySize", "PackedPolicySize", &NON_NEGATIVE_INTEGER_TYPE),
    body("SessionTokenSize", "SessionTokenSize", &SESSION_TOKEN_SIZE_TYPE),
    body("SessionTokenUtilization", "SessionTokenUtilization", &SESSION_TOKEN_UTILIZATION_TYPE),
    body("SourceIdentity", "SourceIdentity", &SOURCE_IDENTITY_TYPE),
]);
static ASSUMED_ROLE_USER: Shape = Shape::Structure(&[
    body("Arn", "Arn", &ARN_TYPE).required(),
    body("AssumedRoleId", "AssumedRoleId", &ASSUMED_ROLE_ID_TYPE).required(),
]);
static CREDENTIALS_SHAPE: Shape = Shape::Structure(&[
    body("AccessKeyId", "AccessKeyId", &ACCESS_KEY_ID_TYPE).required(),
    body("Expiration", "Expiration", &DATE_TYPE).required(),
    body("SecretAccessKey", "SecretAccessKey", &ACCESS_KEY_SECRET_TYPE).required(),
    body("SessionToken", "SessionToken", &TOKEN_TYPE).required(),
]);
static GET_CALLER_IDENTITY_REQUEST: Shape = Shape::Structure(&[]);
static GET_CALLER_IDENTITY_RESPONSE: Shape = Shape::Structure(&[
    body("Account", "Account", &ACCOUNT_TYPE),
    body("Arn", "Arn", &ARN_TYPE),
    body("UserId", "UserId", &USER_ID_TYPE),
]);
static GET_SESSION_TOKEN_REQUEST: Shape = Shape::Structure(&[
    body("DurationSeconds", "DurationSeconds", &DURATION_SECONDS_TYPE),
    body("MinimumSessionTokenSize", "MinimumSessionTokenSize", &MINIMUM_SESSION_TOKEN_SIZE_TYPE),
    body("SerialNumber", "SerialNumber", &SERIAL_NUMBER_TYPE),
    body("TokenCode", "TokenCode", &TOKEN_CODE_TYPE),
]);
static GET_SESSION_TOKEN_RESPONSE: Shape = Shape::Structure(&[
    body("Credentials", "Credentials", &CREDENTIALS_SHAPE),
    body("SessionTokenSize", "SessionTokenSize", &SESSION_TOKEN_SIZE_TYPE),
    body("SessionTokenUtilization", "SessionTokenUtilization", &SESSION_TOKEN_UTILIZATION_TYPE),
]);
static POLICY_DESCRIPTOR_TYPE: Shape = Shape::Structure(&[
    body("arn", "arn", &ARN_TYPE),
]);
static PROVIDED_CONTEXT: Shape = Shape::Structure(&[
    body("ContextAssertion", "ContextAssertion", &CONTEXT_ASSERTION_TYPE),
    body("ProviderArn", "ProviderArn", &ARN_TYPE),
]);
static PROVIDED_CONTEXTS_LIST_TYPE: Shape = Shape::List { member: &PROVIDED_CONTEXT, item_name: "member", is_flat: false, least: 1, most: 5 };
static TAG_SHAPE: Shape = Shape::Structure(&[
    body("Key", "Key", &TAG_KEY_TYPE).required(),
    body("Value", "Value", &TAG_VALUE_TYPE).required(),
]);
static ACCESS_KEY_ID_TYPE: Shape = Shape::Text { least: 16, most: 128, pattern: "[\\w]*", values: &[] };
static ACCESS_KEY_SECRET_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static ACCOUNT_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static ARN_TYPE: Shape = Shape::Text { least: 20, most: 2048, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+", values: &[] };
static ASSUMED_ROLE_ID_TYPE: Shape = Shape::Text { least: 2, most: 193, pattern: "[\\w+=,.@:-]*", values: &[] };
static CONTEXT_ASSERTION_TYPE: Shape = Shape::Text { least: 4, most: 3072, pattern: "", values: &[] };
static DATE_TYPE: Shape = Shape::Time(TimeFormat::Unset);
static DURATION_SECONDS_TYPE: Shape = Shape::Integer { least: 900, most: 129600 };
static EXTERNAL_ID_TYPE: Shape = Shape::Text { least: 2, most: 1224, pattern: "[\\w+=,.@:\\/-]*", values: &[] };
static MINIMUM_SESSION_TOKEN_SIZE_TYPE: Shape = Shape::Integer { least: 0, most: 4096 };
static NON_NEGATIVE_INTEGER_TYPE: Shape = Shape::Integer { least: 0, most: 2147483647 };
static POLICY_DESCRIPTOR_LIST_TYPE: Shape = Shape::List { member: &POLICY_DESCRIPTOR_TYPE, item_name: "member", is_flat: false, least: 0, most: 4294967295 };
static ROLE_DURATION_SECONDS_TYPE: Shape = Shape::Integer { least: 900, most: 43200 };
static ROLE_SESSION_NAME_TYPE: Shape = Shape::Text { least: 2, most: 64, pattern: "[\\w+=,.@-]*", values: &[] };
static SERIAL_NUMBER_TYPE: Shape = Shape::Text { least: 9, most: 256, pattern: "[\\w+=/:,.@-]*", values: &[] };
static SESSION_TOKEN_SIZE_TYPE: Shape = Shape::Integer { least: 0, most: 2147483647 };
static SESSION_TOKEN_UTILIZATION_TYPE: Shape = Shape::Integer { least: 0, most: 2147483647 };
static SOURCE_IDENTITY_TYPE: Shape = Shape::Text { least: 2, most: 256, pattern: "[\\w+=,.@-]*", values: &[] };
static TAG_KEY_LIST_TYPE: Shape = Shape::List { member: &TAG_KEY_TYPE, item_name: "member", is_flat: false, least: 0, most: 50 };
static TAG_KEY_TYPE: Shape = Shape::Text { least: 1, most: 128, pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+", values: &[] };
static TAG_LIST_TYPE: Shape = Shape::List { member: &TAG_SHAPE, item_name: "member", is_flat: false, least: 0, most: 50 };
static TAG_VALUE_TYPE: Shape = Shape::Text { least: 0, most: 256, pattern: "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*", values: &[] };
static TOKEN_CODE_TYPE: Shape = Shape::Text { least: 6, most: 6, pattern: "[\\d]*", values: &[] };
static TOKEN_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
static UNRESTRICTED_SESSION_POLICY_DOCUMENT_TYPE: Shape = Shape::Text { least: 1, most: 4294967295, pattern: "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+", values: &[] };
static USER_ID_TYPE: Shape = Shape::Text { least: 0, most: 4294967295, pattern: "", values: &[] };
