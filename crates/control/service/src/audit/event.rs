//! One record, in the shape of CloudTrail's (facts, section 5.3).

use serde_json::{Map, Value, json};
use ternmq_api::Refusal;

use crate::caller::Caller;
use crate::time::iso_seconds;

/// Version of the shape.
const EVENT_VERSION: &str = "1.08";
/// Longest `userAgent` that is kept, in characters.
const USER_AGENT_MAX: usize = 1_024;
/// Members whose values are never kept (S11), in lower case.
const MASKED: [&str; 7] = [
    "password",
    "data",
    "serviceaccountpassword",
    "secretaccesskey",
    "sessiontoken",
    "newpassword",
    "tokencode",
];
/// Services whose members begin with a capital letter; in a record they do not.
const CAPITALS: [&str; 3] = ["iam.amazonaws.com", "sts.amazonaws.com", "ec2.amazonaws.com"];

/// What is known of a call before it is done.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub id: String,
    pub request_id: String,
    /// Milliseconds since 1970.
    pub at_ms: u64,
    pub source: &'static str,
    pub name: String,
    pub region: String,
    pub address: String,
    pub user_agent: String,
    pub account: String,
    pub is_read: bool,
    pub caller: Option<Caller>,
    pub parameters: Option<Map<String, Value>>,
}

impl Event {
    /// The record of a call that succeeded; `output` of one that only reads is left out.
    pub(crate) fn succeeded(&self, output: &Map<String, Value>) -> Vec<u8> {
        let mut record = self.common();
        let elements = if self.is_read || output.is_empty() { Value::Null } else { self.shown(output) };
        record.insert("responseElements".into(), elements);
        Value::Object(record).to_string().into_bytes()
    }

    /// The record of a change that was asked for again with the same signature, and got its answer again.
    pub(crate) fn repeated(&self) -> Vec<u8> {
        let mut record = self.common();
        record.insert("responseElements".into(), Value::Null);
        record.insert("additionalEventData".into(), json!({"isRepetition": true}));
        Value::Object(record).to_string().into_bytes()
    }

    /// The record of a call that was refused.
    pub(crate) fn refused(&self, refusal: &Refusal) -> Vec<u8> {
        let mut record = self.common();
        record.insert("errorCode".into(), refusal.code.into());
        record.insert("errorMessage".into(), refusal.message.as_str().into());
        record.insert("responseElements".into(), Value::Null);
        Value::Object(record).to_string().into_bytes()
    }

    /// The record of many calls that were refused and have none of their own.
    pub(crate) fn refused_times(&self, count: u64) -> Vec<u8> {
        let mut record = self.common();
        record.insert("errorCode".into(), "AccessDenied".into());
        record.insert("errorMessage".into(), "Callers that are not known were refused.".into());
        record.insert("responseElements".into(), Value::Null);
        record.insert("additionalEventData".into(), json!({"refusedCalls": count}));
        Value::Object(record).to_string().into_bytes()
    }

    fn common(&self) -> Map<String, Value> {
        let identity = self.caller.as_ref().map_or_else(|| json!({"type": "Unknown"}), Caller::identity);
        let agent: String = self.user_agent.chars().take(USER_AGENT_MAX).collect();
        let parameters = self.parameters.as_ref().filter(|parameters| !parameters.is_empty());
        let parameters = parameters.map_or(Value::Null, |parameters| self.shown(parameters));
        let record = json!({
            "eventVersion": EVENT_VERSION,
            "userIdentity": identity,
            "eventTime": iso_seconds(self.at_ms),
            "eventSource": self.source,
            "eventName": self.name,
            "awsRegion": self.region,
            "sourceIPAddress": self.address,
            "userAgent": agent,
            "requestParameters": parameters,
            "requestID": self.request_id,
            "eventID": self.id,
            "readOnly": self.is_read,
            "eventType": "AwsApiCall",
            "managementEvent": true,
            "recipientAccountId": self.account,
            "eventCategory": "Management",
        });
        if let Value::Object(record) = record { record } else { Map::new() }
    }

    /// Members as the record has them: without secrets, and in CloudTrail's case.
    fn shown(&self, members: &Map<String, Value>) -> Value {
        let masked = masked(&Value::Object(members.clone()));
        if CAPITALS.contains(&self.source) { lower_camel(masked) } else { masked }
    }
}

/// The value with every secret in it replaced.
pub(crate) fn masked(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| {
                let is_secret = MASKED.contains(&name.to_lowercase().as_str()) && value.is_string();
                (name.clone(), if is_secret { "***".into() } else { masked(value) })
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(masked).collect()),
        other => other.clone(),
    }
}

/// The value with all its members' first letters small. Tags of these services are lists of keys and values, so no member is a name
/// that a caller gave.
fn lower_camel(value: Value) -> Value {
    let small = |name: String| {
        let mut letters = name.chars();
        letters.next().map(|first| first.to_ascii_lowercase()).into_iter().chain(letters).collect()
    };
    match value {
        Value::Object(members) => Value::Object(
            members.into_iter().map(|(name, value)| (small(name), lower_camel(value))).collect(),
        ),
        Value::Array(items) => Value::Array(items.into_iter().map(lower_camel).collect()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_begin_small() {
        let value = json!({"UserName": "Ann", "Tags": [{"Key": "Team", "Value": "Red"}]});
        assert_eq!(lower_camel(value), json!({"userName": "Ann", "tags": [{"key": "Team", "value": "Red"}]}));
    }

    #[test]
    fn secrets_are_masked_wherever_they_stand() {
        let value = json!({"users": [{"username": "u", "password": "p"}], "data": "x", "more": {"SecretAccessKey": "k"}});
        let expect = json!({"users": [{"username": "u", "password": "***"}], "data": "***", "more": {"SecretAccessKey": "***"}});
        assert_eq!(masked(&value), expect);
    }
}
