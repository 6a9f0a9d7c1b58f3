//! Rules of topic names and topic filters (MQTT 5 4.7, 4.8.2).

use super::{error::DecodeError, reason::Reason};

/// Longest topic name or filter in bytes.
pub const TOPIC_MAX_BYTES: usize = 4_096;
/// Most levels of a topic name or filter.
pub const LEVELS_MAX: usize = 128;
/// Start of a filter that is shared.
const SHARE: &str = "$share/";

/// A topic filter, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Filter<'a> {
    /// Name of the group that shares it.
    pub group: Option<&'a str>,
    /// The filter itself.
    pub filter: &'a str,
}

/// Checks a topic name: not empty, no wildcards, within the limits (MQTT-4.7.3-1, MQTT-3.3.2-2).
///
/// # Errors
/// 0x82 for what is no topic name, 0x90 for one that is not taken.
pub fn check_name(name: &str) -> Result<(), DecodeError> {
    if name.is_empty() {
        return Err(DecodeError::protocol("a topic name is empty"));
    }
    if name.contains(['+', '#']) {
        return Err(DecodeError::protocol("a topic name holds a wildcard"));
    }
    if is_too_long(name) {
        let problem = "a topic name is longer than 4,096 bytes or has more than 128 levels";
        return Err(DecodeError { reason: Reason::TOPIC_NAME_INVALID, problem });
    }
    Ok(())
}

/// Checks a topic filter and takes it apart (MQTT-4.7.1-1, MQTT-4.7.1-2, MQTT-4.8.2-1, MQTT-4.8.2-2).
///
/// # Errors
/// 0x8F with what is wrong.
pub fn parse_filter(text: &str) -> Result<Filter<'_>, DecodeError> {
    let refuse = |problem| Err(DecodeError { reason: Reason::TOPIC_FILTER_INVALID, problem });
    let (group, filter) = match text.strip_prefix(SHARE) {
        None => (None, text),
        Some(shared) => match shared.split_once('/') {
            Some((group, filter)) if !group.is_empty() && !group.contains(['+', '#']) => {
                (Some(group), filter)
            }
            _ => return refuse("a shared subscription has no proper share name"),
        },
    };
    if filter.is_empty() {
        return refuse("a topic filter is empty");
    }
    if is_too_long(filter) {
        return refuse("a topic filter is longer than 4,096 bytes or has more than 128 levels");
    }
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        match level {
            "+" => {}
            "#" if levels.peek().is_none() => {}
            level if level.contains(['+', '#']) => {
                return refuse(
                    "a wildcard of a topic filter is not a level of its own, or '#' is not the last",
                );
            }
            _ => {}
        }
    }
    Ok(Filter { group, filter })
}

/// Whether clients may not publish to a topic name, written with this separator: what is below `$SYS` is told by servers
/// (MQTT 5 4.7.2), and nobody can subscribe to what is below `$share` (4.8.2). Bridges tell there how they are.
#[must_use]
pub fn is_reserved(name: &str, separator: char) -> bool {
    if !name.starts_with('$') {
        return false;
    }
    let mut levels = name.split(separator);
    match levels.next() {
        Some("$share") => levels.next().is_some(),
        Some("$SYS") => {
            let is_bridge = levels.next() == Some("broker")
                && levels.next() == Some("connection")
                && levels.next().is_some()
                && levels.next() == Some("state")
                && levels.next().is_none();
            !is_bridge
        }
        _ => false,
    }
}

fn is_too_long(topic: &str) -> bool {
    topic.len() > TOPIC_MAX_BYTES || topic.bytes().filter(|byte| *byte == b'/').count() >= LEVELS_MAX
}
