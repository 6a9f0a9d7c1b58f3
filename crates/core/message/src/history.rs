//! What happened to a message on its way: the dead-letter history.

use std::sync::Arc;

/// Why a message left a queue for its dead-letter route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeathReason {
    /// A consumer discarded it.
    Rejected,
    /// Its time to live ended.
    Expired,
    /// The queue was over its length limit.
    MaxLength,
    /// It was delivered and given back too often.
    DeliveryLimit,
}

impl DeathReason {
    /// Every reason, in the order of their codes.
    pub const ALL: [Self; 4] = [Self::Rejected, Self::Expired, Self::MaxLength, Self::DeliveryLimit];

    /// Stable number of the reason on disk, 0..=3.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Rejected => 0,
            Self::Expired => 1,
            Self::MaxLength => 2,
            Self::DeliveryLimit => 3,
        }
    }

    /// Its word where it is told as text.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::MaxLength => "maxlen",
            Self::DeliveryLimit => "delivery_limit",
        }
    }

    /// The reason of a word; `None` when it is none of them.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.word() == word)
    }

    /// The reason of a code; `None` past the last one.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.get(usize::from(code)).copied()
    }
}

/// All deaths of one message in one queue for one reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Queue that it left.
    pub queue: Arc<str>,
    /// Why it left.
    pub reason: DeathReason,
    /// How often it left this queue for this reason, from 1.
    pub count: u64,
    /// When it first did, in seconds since 1970-01-01T00:00:00Z.
    pub first_time_s: u64,
    /// Node it had been published to.
    pub node: Arc<str>,
    /// Routing keys it had been published with.
    pub keys: Vec<Arc<str>>,
    /// Per-message time to live in ms that was taken off when it died, so that it does not die of it again.
    pub original_ttl_ms: Option<u64>,
}

/// The whole dead-letter history of a message, the most recent death first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// One entry for each queue and reason, most recent first.
    pub deaths: Vec<Death>,
    /// Queue, reason and node of the first death ever.
    pub first: Option<(Arc<str>, DeathReason, Arc<str>)>,
    /// A crash may have taken back such a death, or the commit that published the message, after the message was handed
    /// out where it had gone: it is flagged wherever it is handed out now (I4).
    pub may_be_repeated: bool,
}

impl History {
    /// Adds one death: counts up the entry of the same queue and reason and moves it to the front, or makes one.
    pub fn record(&mut self, death: Death) {
        if self.first.is_none() {
            self.first = Some((death.queue.clone(), death.reason, death.node.clone()));
        }
        let same = self.deaths.iter().position(|d| d.queue == death.queue && d.reason == death.reason);
        let entry = match same {
            Some(index) => {
                let mut known = self.deaths.remove(index);
                known.count = known.count.saturating_add(death.count);
                known
            }
            None => death,
        };
        self.deaths.insert(0, entry);
    }

    /// Whether sending the message to `queue` again would close a cycle that no consumer ever interrupted: it died
    /// there before, and no death since then was a consumer's rejection.
    #[must_use]
    pub fn is_cycle(&self, queue: &str) -> bool {
        match self.deaths.iter().position(|death| &*death.queue == queue) {
            None => false,
            Some(index) => self.deaths.iter().take(index + 1).all(|d| d.reason != DeathReason::Rejected),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn death(queue: &str, reason: DeathReason) -> Death {
        Death {
            queue: queue.into(),
            reason,
            count: 1,
            first_time_s: 7,
            node: "n".into(),
            keys: vec!["k".into()],
            original_ttl_ms: None,
        }
    }

    #[test]
    fn the_same_death_counts_up_and_comes_first() {
        let mut history = History::default();
        history.record(death("a", DeathReason::Expired));
        history.record(death("b", DeathReason::Rejected));
        history.record(death("a", DeathReason::Expired));
        assert_eq!(history.deaths.len(), 2);
        assert_eq!((&*history.deaths[0].queue, history.deaths[0].count), ("a", 2));
        assert_eq!(history.first.as_ref().map(|first| &*first.0), Some("a"));
    }

    #[test]
    fn a_rejection_breaks_the_cycle() {
        let mut history = History::default();
        history.record(death("a", DeathReason::Expired));
        assert!(history.is_cycle("a"));
        assert!(!history.is_cycle("b"));
        history.record(death("b", DeathReason::Rejected));
        assert!(!history.is_cycle("a"));
    }
}
