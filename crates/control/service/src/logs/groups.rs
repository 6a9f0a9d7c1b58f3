//! DescribeLogGroups and DescribeLogStreams.

use serde_json::{Map, Value, json};

use super::entries::{End, Wanted, read};
use super::{Log, invalid};
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::ids::partition;
use crate::records::Broker;

/// More brokers than an account can have in a region.
const ALL_BROKERS: usize = 10_000;
const PAGE: u64 = 50;

pub(super) fn describe_groups(call: &Call<'_>) -> Result<Output, Failure> {
    let text = |name: &str| call.input.get(name).and_then(Value::as_str).unwrap_or_default();
    let (prefix, part, after) = (text("logGroupNamePrefix"), text("logGroupNamePattern"), text("nextToken"));
    if !prefix.is_empty() && !part.is_empty() {
        return Err(invalid(
            "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.",
        )
        .into());
    }
    let limit = call.input.get("limit").and_then(Value::as_u64).unwrap_or(PAGE);
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let brokers: Vec<Broker> = call.view()?.scan(&Broker::prefix(call.region), "", ALL_BROKERS)?;
    let mut groups: Vec<(String, u64)> = brokers
        .iter()
        .flat_map(|broker| Log::all_of(broker).into_iter().map(|log| (log.group, broker.created_ms)))
        .filter(|(name, _)| name.starts_with(prefix) && name.contains(part) && name.as_str() > after)
        .collect();
    groups.sort();
    let has_more = groups.len() > limit;
    groups.truncate(limit);
    let mut output = Map::new();
    if let (true, Some((last, _))) = (has_more, groups.last()) {
        output.insert("nextToken".into(), last.as_str().into());
    }
    let described = groups.iter().map(|(name, created_ms)| {
        let arn = arn(call, name);
        json!({
            "logGroupName": name,
            "creationTime": created_ms,
            "metricFilterCount": 0,
            "arn": format!("{arn}:*"),
            "logGroupArn": arn,
            "logGroupClass": "STANDARD",
        })
    });
    output.insert("logGroups".into(), described.collect());
    Ok(output)
}

fn arn(call: &Call<'_>, group: &str) -> String {
    let account = &call.service.settings.account;
    format!("arn:{}:logs:{}:{account}:log-group:{group}", partition(call.region), call.region)
}

/// A group has one stream: that of the only node.
pub(super) fn describe_streams(call: &Call<'_>) -> Result<Output, Failure> {
    let log = Log::named(call)?;
    let prefix = call.input.get("logStreamNamePrefix").and_then(Value::as_str).unwrap_or_default();
    let any = |_: &str| true;
    let wanted = Wanted { after: None, before: None, from_ms: None, to_ms: None, matches: &any, limit: 1 };
    let fleet = &*call.service.fleet;
    let (first, last) = (read(fleet, &log, &wanted, End::Head)?, read(fleet, &log, &wanted, End::Tail)?);
    let mut output = Map::new();
    let streams: Vec<Value> = match (first.first(), last.first()) {
        (Some(first), Some(last)) if log.stream.starts_with(prefix) => vec![json!({
            "logStreamName": log.stream,
            "creationTime": first.at_ms,
            "firstEventTimestamp": first.at_ms,
            "lastEventTimestamp": last.at_ms,
            "lastIngestionTime": last.at_ms,
            "arn": format!("{}:log-stream:{}", arn(call, &log.group), log.stream),
            "storedBytes": 0,
        })],
        _ => Vec::new(),
    };
    output.insert("logStreams".into(), Value::Array(streams));
    Ok(output)
}
