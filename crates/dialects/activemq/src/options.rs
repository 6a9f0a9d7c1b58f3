//! Settings of queues: what ActiveMQ's default policy sets, and what a subscription may set.

use ternmq_broker::{ArgumentError, QueueOptions};
use ternmq_message::{Map, Value};
use ternmq_queue::GroupTable;
use ternmq_selector::Selector;
use ternmq_stdx::quoted;

use crate::wording::value_text;

/// Argument of a subscription's queue: the most messages that wait for its consumer, the oldest go first.
pub(crate) const PENDING_LIMIT: &str = "maximumPendingMessageLimit";

/// Argument of a subscription's queue: the selector that it lets messages in by.
pub(crate) const SELECTOR: &str = "selector";

/// What a queue remembers of message groups: as ActiveMQ's `cached` map without further words.
pub(crate) const GROUPS: GroupTable = GroupTable::Recent(1_024);

pub(crate) fn queue_options(arguments: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    for (name, value) in arguments {
        match &**name {
            PENDING_LIMIT => {
                let limit = value.as_i64().and_then(|limit| u64::try_from(limit).ok());
                options.max_length = Some(limit.ok_or_else(|| not_a_limit(value))?);
            }
            SELECTOR => {
                selector(value)?;
            }
            _ => return Err(not_there(name)),
        }
    }
    Ok(options)
}

fn selector(value: &Value) -> Result<Selector, ArgumentError> {
    let problem = match value.as_str().map(Selector::parse) {
        Some(Ok(selector)) => return Ok(selector),
        Some(Err(error)) => error.to_string(),
        None => format!("{} is no text", quoted(&value_text(value))),
    };
    Err(ArgumentError { argument: SELECTOR.into(), problem, is_unsupported: false })
}

/// What a queue lets in. One that can't be read was never taken, so there is none without a reason.
pub(crate) fn admission(arguments: &Map) -> Option<Selector> {
    let (_, value) = arguments.iter().find(|(name, _)| &**name == SELECTOR)?;
    selector(value).ok()
}

/// Policies are part of ActiveMQ's configuration file, and of nothing else.
pub(crate) fn policy_options(definition: &Map) -> Result<QueueOptions, ArgumentError> {
    match definition.first() {
        Some((name, _)) => Err(not_there(name)),
        None => Ok(QueueOptions::default()),
    }
}

fn not_there(name: &str) -> ArgumentError {
    let problem = format!("{} is not available with this engine", quoted(name));
    ArgumentError { argument: name.into(), problem, is_unsupported: true }
}

fn not_a_limit(value: &Value) -> ArgumentError {
    let problem = format!("{} is not a number of messages", quoted(&value_text(value)));
    ArgumentError { argument: PENDING_LIMIT.into(), problem, is_unsupported: false }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_no_effect_here_is_refused() {
        let of = |name: &str, value| queue_options(&vec![(name.into(), value)]);
        assert_eq!(of(PENDING_LIMIT, Value::I64(3)).unwrap().max_length, Some(3));
        assert!(!of(PENDING_LIMIT, Value::I64(-3)).unwrap_err().is_unsupported);
        assert_eq!(of(SELECTOR, Value::str("a = 1")).unwrap(), QueueOptions::default());
        assert_eq!(
            of(SELECTOR, Value::str("a =")).unwrap_err().problem,
            "column 4: expected a value, found the end"
        );
        assert!(of(SELECTOR, Value::I64(3)).is_err());
        assert!(of("x-message-ttl", Value::I64(3)).unwrap_err().is_unsupported);
        assert!(policy_options(&vec![("expires".into(), Value::I64(3))]).unwrap_err().is_unsupported);
    }
}
