//! The dead-letter history in headers of text, as RabbitMQ 4 adds them: `x-first-death-*` and `x-last-death-*`. The whole
//! history, `x-death`, is a list of tables, which only a protocol with such values can carry.

use ternmq_message::{DeathReason, History, Map, Value};

/// Exchange, queue and reason of the first death and of the last one; nothing of a message that never died.
pub(crate) fn headers(history: &History) -> Map {
    let mut headers = Map::new();
    let mut push = |names: [&str; 3], exchange: &str, queue: &str, reason: DeathReason| {
        for (name, value) in names.into_iter().zip([exchange, queue, reason.word()]) {
            headers.push((name.into(), Value::str(value)));
        }
    };
    if let Some((queue, reason, exchange)) = &history.first {
        let names = ["x-first-death-exchange", "x-first-death-queue", "x-first-death-reason"];
        push(names, exchange, queue, *reason);
    }
    if let Some(last) = history.deaths.first() {
        let names = ["x-last-death-exchange", "x-last-death-queue", "x-last-death-reason"];
        push(names, &last.node, &last.queue, last.reason);
    }
    headers
}

#[cfg(test)]
mod tests {
    use ternmq_message::Death;

    use super::*;

    fn death(queue: &str, reason: DeathReason) -> Death {
        Death {
            queue: queue.into(),
            reason,
            count: 1,
            first_time_s: 7,
            node: "n".into(),
            keys: Vec::new(),
            original_ttl_ms: None,
        }
    }

    #[test]
    fn the_first_and_the_last_death_are_told() {
        let mut history = History::default();
        assert_eq!(headers(&history), Map::new());
        for (queue, reason) in DeathReason::ALL.iter().enumerate() {
            history.record(death(&queue.to_string(), *reason));
        }
        let told = headers(&history);
        let told: Vec<_> = told
            .iter()
            .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
            .collect();
        assert_eq!(
            told,
            [
                "x-first-death-exchange=n",
                "x-first-death-queue=0",
                "x-first-death-reason=rejected",
                "x-last-death-exchange=n",
                "x-last-death-queue=3",
                "x-last-death-reason=delivery_limit",
            ]
        );
    }
}
