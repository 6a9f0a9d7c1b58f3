//! FilterLogEvents and GetLogEvents.

use serde_json::{Map, Value, json};
use ternmq_api::Refusal;
use ternmq_stdx::shown;

use super::entries::{End, Entry, Place, Wanted, read};
use super::pattern::Pattern;
use super::{Log, invalid};
use crate::call::{Call, Output};
use crate::failure::Failure;

const LIMIT: u64 = 10_000;
/// Bytes of the messages of one answer.
const ANSWER_BYTES: usize = 1 << 20;

pub(super) fn filter(call: &Call<'_>) -> Result<Output, Failure> {
    let log = Log::named(call)?;
    let text = |name: &str| call.input.get(name).and_then(Value::as_str);
    let pattern = Pattern::parse(text("filterPattern").unwrap_or_default())?;
    let after = match text("nextToken") {
        None => None,
        Some(token) => Some(place(token, "f").ok_or_else(|| invalid("The specified nextToken is invalid."))?),
    };
    let matches = |line: &str| pattern.matches(line);
    let limit = limit(call);
    let (from_ms, to_ms) = range(call)?;
    // The end of filter's range is inclusive.
    let to_ms = to_ms.map(|to| to.saturating_add(1));
    let wanted =
        Wanted { after, before: None, from_ms, to_ms, matches: &matches, limit: limit.saturating_add(1) };
    let is_searched = is_searched(call, &log);
    let mut entries =
        if is_searched { read(&*call.service.fleet, &log, &wanted, End::Head)? } else { Vec::new() };
    let has_more = cut(&mut entries, limit);
    let mut output = Map::new();
    if let (true, Some(last)) = (has_more, entries.last()) {
        output.insert("nextToken".into(), token("f", last.place()).into());
    }
    let events = entries.iter().map(|entry| {
        json!({
            "logStreamName": log.stream,
            "timestamp": entry.at_ms,
            "ingestionTime": entry.at_ms,
            "message": entry.message,
            "eventId": format!("{:020}{:010}", entry.at_ms, entry.index),
        })
    });
    output.insert("events".into(), events.collect());
    output.insert("searchedLogStreams".into(), Value::Array(Vec::new()));
    Ok(output)
}

fn is_searched(call: &Call<'_>, log: &Log) -> bool {
    let names = call.input.get("logStreamNames").and_then(Value::as_array);
    let prefix = call.input.get("logStreamNamePrefix").and_then(Value::as_str).unwrap_or_default();
    let is_named = names.is_none_or(|names| names.iter().any(|name| name.as_str() == Some(&log.stream)));
    is_named && log.stream.starts_with(prefix)
}

/// Pages go both ways; a page at an end gives the token again with which it was asked for.
pub(super) fn get(call: &Call<'_>) -> Result<Output, Failure> {
    let log = Log::named(call)?;
    let text = |name: &str| call.input.get(name).and_then(Value::as_str);
    let stream = text("logStreamName").unwrap_or_default();
    if stream != log.stream {
        let text = format!("The specified log stream does not exist: {}.", shown(stream));
        return Err(Refusal::new("ResourceNotFoundException", 400, text).into());
    }
    let given = text("nextToken");
    let (after, before) = match given {
        None => (None, None),
        Some(token) => match (place(token, "f"), place(token, "b")) {
            (None, None) => return Err(invalid("The specified nextToken is invalid.").into()),
            places => places,
        },
    };
    let is_from_head = call.input.get("startFromHead").and_then(Value::as_bool).unwrap_or(false);
    let end = if after.is_some() || (is_from_head && before.is_none()) { End::Head } else { End::Tail };
    let (from_ms, to_ms) = range(call)?;
    let limit = limit(call);
    let wanted = Wanted { after, before, from_ms, to_ms, matches: &|_| true, limit };
    let mut entries = read(&*call.service.fleet, &log, &wanted, end)?;
    match end {
        End::Head => drop(cut(&mut entries, limit)),
        End::Tail => {
            entries.reverse();
            cut(&mut entries, limit);
            entries.reverse();
        }
    }
    let nowhere = Place { at_ms: from_ms.unwrap_or(0), index: 0 };
    let place_of = |entry: Option<&Entry>| entry.map(Entry::place).or(after).or(before).unwrap_or(nowhere);
    let mut output = Map::new();
    let events = entries.iter().map(
        |entry| json!({"timestamp": entry.at_ms, "ingestionTime": entry.at_ms, "message": entry.message}),
    );
    output.insert("events".into(), events.collect());
    output.insert("nextForwardToken".into(), token("f", place_of(entries.last())).into());
    output.insert("nextBackwardToken".into(), token("b", place_of(entries.first())).into());
    Ok(output)
}

fn limit(call: &Call<'_>) -> usize {
    let limit = call.input.get("limit").and_then(Value::as_u64).unwrap_or(LIMIT);
    usize::try_from(limit).unwrap_or(usize::MAX)
}

/// Cuts to the limit and to the size of an answer, of which the first entry always is; whether there is more.
fn cut(entries: &mut Vec<Entry>, limit: usize) -> bool {
    let mut bytes = 0;
    let fits = entries.iter().take(limit).take_while(|entry| {
        let is_first = bytes == 0;
        bytes += entry.message.len() + 26;
        is_first || bytes <= ANSWER_BYTES
    });
    let count = fits.count();
    let has_more = entries.len() > count;
    entries.truncate(count);
    has_more
}

/// Beginning and end in milliseconds since 1970, each if it is given.
type Range = (Option<i64>, Option<i64>);

fn range(call: &Call<'_>) -> Result<Range, Refusal> {
    let time = |name: &str| call.input.get(name).and_then(Value::as_i64);
    let (from, to) = (time("startTime"), time("endTime"));
    if from.zip(to).is_some_and(|(from, to)| from > to) {
        return Err(invalid("The start time is behind the end time."));
    }
    Ok((from, to))
}

fn token(kind: &str, place: Place) -> String {
    format!("{kind}/{}/{}", place.at_ms, place.index)
}

fn place(token: &str, kind: &str) -> Option<Place> {
    let (at_ms, index) = token.strip_prefix(kind)?.strip_prefix('/')?.split_once('/')?;
    Some(Place { at_ms: at_ms.parse().ok()?, index: index.parse().ok()? })
}
