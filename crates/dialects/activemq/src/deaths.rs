//! What the reader of a dead-lettered message is told: where it was sent to first, and why it is here.

use ternmq_message::{DeathReason, History, Map, Value};

use crate::destination::address_of;

/// Headers of a message that died; nothing of one that never did.
pub(crate) fn headers(history: &History) -> Map {
    let (Some(newest), Some(oldest)) = (history.deaths.first(), history.deaths.last()) else {
        return Map::new();
    };
    let key = oldest.keys.first().map_or(&*oldest.queue, |key| key);
    let cause = match newest.reason {
        DeathReason::Expired => "the message expired",
        DeathReason::Rejected => "its consumer refused the message",
        DeathReason::MaxLength => "the queue was full",
        DeathReason::DeliveryLimit => "the message was given back too often",
    };
    vec![
        ("original-destination".into(), Value::str(&address_of(&oldest.node, key, ""))),
        ("dlqDeliveryFailureCause".into(), Value::str(cause)),
    ]
}

#[cfg(test)]
mod tests {
    use ternmq_message::Death;

    use super::*;

    #[test]
    fn the_first_destination_and_the_last_cause_are_told() {
        let mut history = History::default();
        assert_eq!(headers(&history), Map::new());
        for (node, key, reason) in
            [("topic", "a.b", DeathReason::Expired), ("", "ActiveMQ.DLQ", DeathReason::Rejected)]
        {
            history.record(Death {
                queue: "q".into(),
                reason,
                count: 1,
                first_time_s: 7,
                node: node.into(),
                keys: vec![key.into()],
                original_ttl_ms: None,
            });
        }
        let told: Vec<_> = headers(&history)
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap()))
            .collect();
        assert_eq!(
            told,
            ["original-destination=/topic/a.b", "dlqDeliveryFailureCause=its consumer refused the message"]
        );
    }
}
