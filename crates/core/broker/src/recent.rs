//! The last messages of topics, kept in memory for subscribers to come who want them. A restart forgets them; what is
//! retained is another matter (`retained.rs`).

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use ternmq_message::Message;

use crate::broker::Broker;

/// Most bytes of all these messages together, and most of them; the oldest go (I11).
const MAX_BYTES: usize = 64 << 20;
const MAX_MESSAGES: usize = 1_000_000;
/// So many that have gone may stand in the order at any rate.
const SPARE: usize = 1_024;
/// What each counts for beside its bytes.
const OVERHEAD_BYTES: usize = 128;

/// How much of a topic is kept. Each that is there limits it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recall {
    /// Most messages.
    pub count: Option<usize>,
    /// Most bytes of bodies.
    pub bytes: Option<u64>,
    /// Longest time in ms.
    pub age_ms: Option<u64>,
}

struct Kept {
    number: u64,
    at_ms: u64,
    message: Message,
}

/// All of them, by topic.
#[derive(Default)]
pub(crate) struct Recent {
    topics: BTreeMap<Arc<str>, Topic>,
    /// Number and topic of each in the order in which they came; some may have gone meanwhile.
    order: VecDeque<(u64, Arc<str>)>,
    next: u64,
    bytes: usize,
    count: usize,
}

#[derive(Default)]
struct Topic {
    messages: VecDeque<Kept>,
    body_bytes: u64,
}

fn weight(message: &Message) -> usize {
    message.raw().len() + OVERHEAD_BYTES
}

impl Recent {
    fn keep(&mut self, message: Message, recall: Recall, now_ms: u64) {
        let key: Arc<str> = message.key().into();
        let number = self.next;
        self.next += 1;
        self.bytes += weight(&message);
        self.count += 1;
        let topic = self.topics.entry(key.clone()).or_default();
        topic.body_bytes += message.body_len() as u64;
        topic.messages.push_back(Kept { number, at_ms: now_ms, message });
        self.order.push_back((number, key.clone()));
        while self.is_over(&key, recall, now_ms) {
            self.drop_first(&key);
        }
        self.forget_gone();
        while self.bytes > MAX_BYTES || self.count > MAX_MESSAGES {
            let Some((number, key)) = self.order.pop_front() else { break };
            let first = self.topics.get(&key).and_then(|topic| topic.messages.front());
            if first.is_some_and(|kept| kept.number == number) {
                self.drop_first(&key);
            }
        }
    }

    /// Takes those out of the order that have gone, once they are more than those that are there.
    fn forget_gone(&mut self) {
        if self.order.len() <= 2 * self.count + SPARE {
            return;
        }
        let topics = &self.topics;
        self.order.retain(|(number, key)| {
            let first = topics.get(key).and_then(|topic| topic.messages.front());
            first.is_some_and(|kept| kept.number <= *number)
        });
    }

    /// Whether a topic has more than it may, or what is too old.
    fn is_over(&self, key: &Arc<str>, recall: Recall, now_ms: u64) -> bool {
        let Some(topic) = self.topics.get(key) else { return false };
        let is_old = |first: &Kept| recall.age_ms.is_some_and(|ms| first.at_ms.saturating_add(ms) <= now_ms);
        !topic.messages.is_empty()
            && (recall.count.is_some_and(|most| topic.messages.len() > most)
                || recall.bytes.is_some_and(|most| topic.body_bytes > most)
                || topic.messages.front().is_some_and(is_old))
    }

    fn drop_first(&mut self, key: &Arc<str>) {
        let Some(topic) = self.topics.get_mut(key) else { return };
        if let Some(gone) = topic.messages.pop_front() {
            self.bytes -= weight(&gone.message);
            self.count -= 1;
            topic.body_bytes -= gone.message.body_len() as u64;
        }
        if topic.messages.is_empty() {
            self.topics.remove(key);
        }
    }
}

impl Broker {
    /// Takes note of a message to a topic, if its topic's last ones are kept.
    pub(crate) fn keep_recent(&mut self, message: &Message) {
        if message.node() != self.dialect.topic_node() {
            return;
        }
        if let Some(recall) = self.dialect.recall(message.key()) {
            self.recent.keep(message.compact(), recall, self.time.ms());
        }
    }

    /// The messages that are kept of the topics that some patterns cover, in the order in which they came.
    pub(crate) fn recent_of(&mut self, patterns: &[Arc<str>]) -> Vec<Message> {
        let wildcards = self.dialect.wildcards();
        let is_of = |key: &str| patterns.iter().any(|pattern| wildcards.is_match(pattern, key));
        let keys: Vec<Arc<str>> = self.recent.topics.keys().filter(|key| is_of(key)).cloned().collect();
        let now_ms = self.time.ms();
        let mut found = Vec::new();
        for key in keys {
            let Some(recall) = self.dialect.recall(&key) else { continue };
            while self.recent.is_over(&key, recall, now_ms) {
                self.recent.drop_first(&key);
            }
            let kept = self.recent.topics.get(&key).into_iter().flat_map(|topic| &topic.messages);
            found.extend(kept.map(|kept| (kept.number, kept.at_ms, kept.message.clone())));
        }
        found.sort_by_key(|(number, ..)| *number);
        let is_alive = |(_, at_ms, message): &(u64, u64, Message)| {
            message.meta().ttl_ms.is_none_or(|ttl_ms| at_ms.saturating_add(ttl_ms) > now_ms)
        };
        let alive = found.into_iter().filter(is_alive).map(|(_, at_ms, message)| {
            // What is left of its time.
            let meta = *message.meta();
            let ttl_ms = meta.ttl_ms.map(|ttl_ms| ttl_ms.saturating_sub(now_ms.saturating_sub(at_ms)));
            message.with_meta(ternmq_message::MessageMeta { ttl_ms, ..meta })
        });
        alive.collect()
    }
}

#[cfg(test)]
mod tests {
    use ternmq_message::MessageMeta;

    use super::*;

    fn message(key: &str, body: &[u8]) -> Message {
        Message::new("topic", key, b"", body, MessageMeta::default(), None).unwrap()
    }

    fn bodies(recent: &Recent, key: &str) -> Vec<String> {
        let kept = recent.topics.get(key).into_iter().flat_map(|topic| &topic.messages);
        kept.map(|kept| String::from_utf8_lossy(kept.message.body()).into_owned()).collect()
    }

    #[test]
    fn each_limit_pushes_the_oldest_out() {
        let none = Recall::default();
        for (recall, expect) in [
            (Recall { count: Some(2), ..none }, vec!["22", "333"]),
            (Recall { bytes: Some(5), ..none }, vec!["22", "333"]),
            (Recall { bytes: Some(2), ..none }, vec![]),
            (Recall { age_ms: Some(10), ..none }, vec!["333"]),
            (Recall { count: Some(0), ..none }, vec![]),
        ] {
            let mut recent = Recent::default();
            for (at_ms, body) in [(0, "1"), (10, "22"), (20, "333")] {
                recent.keep(message("t", body.as_bytes()), recall, at_ms);
            }
            assert_eq!(bodies(&recent, "t"), expect, "{recall:?}");
        }
    }

    #[test]
    fn all_topics_together_have_so_much_room() {
        let mut recent = Recent::default();
        let recall = Recall { count: Some(2), ..Recall::default() };
        for number in 0..100_u32 {
            recent.keep(message(&format!("t{number}"), &vec![0; 1 << 20]), recall, 0);
        }
        assert!(recent.bytes <= MAX_BYTES);
        assert_eq!(recent.count, 63);
        assert!(bodies(&recent, "t0").is_empty());
        assert_eq!(bodies(&recent, "t99").len(), 1);
        for _ in 0..10_000 {
            recent.keep(message("t99", b""), recall, 0);
        }
        assert!(recent.order.len() <= 2 * recent.count + SPARE + 1);
        assert_eq!(bodies(&recent, "t99").len(), 2);
    }
}
