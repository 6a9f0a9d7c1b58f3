//! LookupEvents: records of the audit log from the newest backwards, by one attribute and time.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use ternmq_api::Refusal;

use crate::audit;
use crate::call::{Call, Output};
use crate::failure::Failure;

const PAGE: usize = 50;
/// Records that one call looks through; a page may be short for it, and says where to go on.
const LOOK_MAX: usize = 20_000;

pub(super) fn lookup(call: &Call<'_>) -> Result<Output, Failure> {
    let wanted = Wanted::of(call)?;
    let before = match call.input.get("NextToken").and_then(Value::as_str) {
        None => u64::MAX,
        Some(token) => number(token)
            .ok_or_else(|| Refusal::new("InvalidNextTokenException", 400, "The next token is invalid."))?,
    };
    let (mut events, mut next) = (Vec::new(), None);
    for (looked, entry) in call.view()?.audit_backwards(before)?.enumerate() {
        let (number, bytes) = entry?;
        if events.len() == wanted.page || looked == LOOK_MAX {
            next = Some(number + 1);
            break;
        }
        let record = audit::json(&bytes).and_then(|json| serde_json::from_slice::<Value>(json).ok());
        match record.map(|record| (wanted.judge(&record, call.region), record)) {
            Some((Judged::Wanted(at_s), record)) => events.push(event(&record, at_s)),
            // Records are in the order of their times, but for those of calls that went side by side.
            Some((Judged::LongBefore, _)) => break,
            Some((Judged::Other, _)) | None => {}
        }
    }
    let mut output = Map::new();
    output.insert("Events".into(), Value::Array(events));
    if let Some(next) = next {
        output.insert("NextToken".into(), URL_SAFE_NO_PAD.encode(next.to_string()).into());
    }
    Ok(output)
}

fn number(token: &str) -> Option<u64> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(token).ok()?).ok()?.parse().ok()
}

/// What is looked for.
struct Wanted {
    page: usize,
    attribute: Option<(String, String)>,
    from_s: Option<i64>,
    to_s: Option<i64>,
}

enum Judged {
    Wanted(i64),
    Other,
    LongBefore,
}

/// How much older than the beginning a record may be for a younger one to be behind it, in seconds.
const SIDE_BY_SIDE_S: i64 = 60;

impl Wanted {
    fn of(call: &Call<'_>) -> Result<Self, Refusal> {
        let input = call.input;
        if input.get("EventCategory").is_some() {
            let text = "There are management events only.";
            return Err(Refusal::new("InvalidEventCategoryException", 400, text));
        }
        let time = |name: &str| input.get(name).map(seconds).transpose();
        let invalid = || Refusal::new("InvalidTimeRangeException", 400, "The time range is invalid.");
        let (from_s, to_s) =
            (time("StartTime").map_err(|()| invalid())?, time("EndTime").map_err(|()| invalid())?);
        if from_s.zip(to_s).is_some_and(|(from, to)| from > to) {
            return Err(invalid());
        }
        let attributes = input.get("LookupAttributes").and_then(Value::as_array);
        let attribute = match attributes.map_or(&[][..], Vec::as_slice) {
            [] => None,
            [one] => {
                let text = |name: &str| one.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                Some((text("AttributeKey"), text("AttributeValue")))
            }
            _ => {
                let text = "At most one lookup attribute can be given.";
                return Err(Refusal::new("InvalidLookupAttributesException", 400, text));
            }
        };
        let page =
            input.get("MaxResults").and_then(Value::as_u64).and_then(|page| usize::try_from(page).ok());
        Ok(Self { page: page.unwrap_or(PAGE).min(PAGE), attribute, from_s, to_s })
    }

    fn judge(&self, record: &Value, region: &str) -> Judged {
        let at = text(record, "eventTime").parse::<Timestamp>().ok();
        let at_s = at.map_or(0, Timestamp::as_second);
        if self.from_s.is_some_and(|from| at_s < from - SIDE_BY_SIDE_S) {
            return Judged::LongBefore;
        }
        let is_in_time = self.from_s.is_none_or(|from| at_s >= from) && self.to_s.is_none_or(|to| at_s <= to);
        let is_wanted = self.attribute.as_ref().is_none_or(|(key, value)| has(record, key, value));
        if is_in_time && is_wanted && text(record, "awsRegion") == region {
            Judged::Wanted(at_s)
        } else {
            Judged::Other
        }
    }
}

/// Seconds since 1970, from a number or an ISO text.
fn seconds(value: &Value) -> Result<i64, ()> {
    match value {
        #[allow(clippy::cast_possible_truncation)] // a float becomes the nearest number there is
        Value::Number(number) => number.as_f64().map(|seconds| seconds as i64).ok_or(()),
        Value::String(text) => text.parse::<Timestamp>().map(Timestamp::as_second).map_err(|_| ()),
        _ => Err(()),
    }
}

fn text<'a>(record: &'a Value, name: &str) -> &'a str {
    record.get(name).and_then(Value::as_str).unwrap_or_default()
}

fn user(record: &Value) -> &str {
    record.get("userIdentity").map_or("", |identity| text(identity, "userName"))
}

fn access_key(record: &Value) -> &str {
    record.get("userIdentity").map_or("", |identity| text(identity, "accessKeyId"))
}

fn has(record: &Value, key: &str, value: &str) -> bool {
    match key {
        "EventId" => text(record, "eventID") == value,
        "EventName" => text(record, "eventName") == value,
        "EventSource" => text(record, "eventSource") == value,
        "ReadOnly" => {
            record.get("readOnly").and_then(Value::as_bool).is_some_and(|it| it.to_string() == value)
        }
        "Username" => user(record) == value,
        "AccessKeyId" => access_key(record) == value,
        "ResourceName" => resources(record).iter().any(|(_, name)| name == value),
        "ResourceType" => resources(record).iter().any(|(kind, _)| *kind == value),
        _ => false,
    }
}

/// Members of records that name something, and the type of what they name.
const RESOURCES: [(&str, &str); 11] = [
    ("broker-id", "AWS::AmazonMQ::Broker"),
    ("brokerId", "AWS::AmazonMQ::Broker"),
    ("brokerName", "AWS::AmazonMQ::Broker"),
    ("brokerArn", "AWS::AmazonMQ::Broker"),
    ("configuration-id", "AWS::AmazonMQ::Configuration"),
    ("configurationId", "AWS::AmazonMQ::Configuration"),
    ("userName", "AWS::IAM::User"),
    ("groupName", "AWS::IAM::Group"),
    ("roleName", "AWS::IAM::Role"),
    ("roleArn", "AWS::IAM::Role"),
    ("policyArn", "AWS::IAM::Policy"),
];

/// Brokers, configurations, principals, policies and security groups that a record names, by type and name.
fn resources(record: &Value) -> Vec<(&'static str, String)> {
    let mut found: Vec<(&'static str, String)> = Vec::new();
    let is_ec2 = text(record, "eventSource") == "ec2.amazonaws.com";
    let known: &[(&str, &'static str)] =
        if is_ec2 { &[("groupId", "AWS::EC2::SecurityGroup")] } else { &RESOURCES };
    for part in ["requestParameters", "responseElements"].iter().filter_map(|part| record.get(part)) {
        for (member, kind) in known {
            let name = text(part, member).to_owned();
            if !name.is_empty() && !found.contains(&(*kind, name.clone())) {
                found.push((*kind, name));
            }
        }
    }
    found
}

fn event(record: &Value, at_s: i64) -> Value {
    let resources = resources(record);
    let resources = resources.iter().map(|(kind, name)| json!({"ResourceType": kind, "ResourceName": name}));
    json!({
        "EventId": text(record, "eventID"),
        "EventName": text(record, "eventName"),
        "EventSource": text(record, "eventSource"),
        "EventTime": at_s,
        "ReadOnly": record.get("readOnly").and_then(Value::as_bool).unwrap_or(false).to_string(),
        "AccessKeyId": access_key(record),
        "Username": user(record),
        "Resources": resources.collect::<Vec<Value>>(),
        "CloudTrailEvent": record.to_string(),
    })
}
