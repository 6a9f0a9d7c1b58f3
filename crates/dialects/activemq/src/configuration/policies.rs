//! Policies of destinations: which entry counts for a name, and what it says.

use std::sync::LazyLock;

use ternmq_broker::Recall;
use ternmq_configuration::activemq_service::{DestinationKind, Object, Settings, Value};

use super::{dead_letters::DeadLetters, pattern, slow::SlowStrategy};

/// Idle time in ms after which a destination goes, where an entry only says that it does.
const DEFAULT_GC_AFTER_MS: i64 = 60_000;
/// Part of its prefetch that may wait for a subscription, where the file names none.
const DEFAULT_MULTIPLIER: f64 = 0.5;

/// How much of a topic is kept where the file does not say how much.
const DEFAULT_RECALL_COUNT: u64 = 100;
const DEFAULT_RECALL_BYTES: u64 = 64 << 10;
const DEFAULT_RECALL_MS: u64 = 60_000;

/// What an entry says. Absent: as it is without a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policy {
    pub(super) dead_letters: DeadLetters,
    /// Ms without use after which an empty queue goes.
    pub(super) gc_after_ms: Option<u64>,
    /// Unsettled deliveries of a consumer that does not say how many: of a queue, a topic, a durable subscription.
    pub(crate) queue_prefetch: Option<u32>,
    pub(crate) topic_prefetch: Option<u32>,
    pub(crate) durable_prefetch: Option<u32>,
    pending_limit: Option<PendingLimit>,
    /// Every consumer of a queue is exclusive.
    pub(crate) is_exclusive: bool,
    /// How much of a topic is kept for new subscriptions that want older messages.
    pub(crate) recall: Option<Recall>,
    /// Older messages come to every new subscription.
    pub(crate) is_retroactive: bool,
    /// Bytes of messages that may wait in a queue; it refuses what is more.
    pub(super) max_bytes: Option<u64>,
    /// What becomes of slow consumers.
    pub(super) slow: Option<SlowStrategy>,
    /// They are told of.
    pub(crate) tells_slow: bool,
    /// Messages that a limit pushes out are told of.
    pub(crate) tells_discarded: bool,
}

/// What a consumer receives from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ConsumerKind {
    Queue,
    Topic,
    Durable,
}

/// How many messages may wait for a subscription to topics.
#[derive(Clone, Copy, Debug, PartialEq)]
enum PendingLimit {
    Count(u32),
    OfPrefetch(f64),
}

impl Policy {
    fn of(entry: &Object, collects: bool) -> Self {
        let count = |name: &str| entry.whole(name).and_then(|count| u32::try_from(count).ok());
        // both spellings are taken; where both are given the last one counts
        let after = entry.values().iter().rev().find_map(|(name, value)| match (*name, value) {
            ("inactiveTimeoutBeforeGC" | "inactiveTimoutBeforeGC", Value::Whole(ms)) => Some(*ms),
            _ => None,
        });
        let is_collected = collects && entry.truth("gcInactiveDestinations").unwrap_or(false);
        let gc_after_ms = u64::try_from(after.unwrap_or(DEFAULT_GC_AFTER_MS)).ok().map(|ms| ms.max(1));
        Self {
            dead_letters: DeadLetters::of(entry.property("deadLetterStrategy").next_back()),
            gc_after_ms: gc_after_ms.filter(|_| is_collected),
            queue_prefetch: count("queuePrefetch"),
            topic_prefetch: count("topicPrefetch"),
            durable_prefetch: count("durableTopicPrefetch"),
            pending_limit: entry.property("pendingMessageLimitStrategy").next_back().and_then(pending_limit),
            recall: entry.property("subscriptionRecoveryPolicy").next_back().and_then(recall),
            is_exclusive: entry.truth("allConsumersExclusiveByDefault").unwrap_or(false),
            is_retroactive: entry.truth("alwaysRetroactive").unwrap_or(false),
            max_bytes: entry.refusal_bytes(),
            slow: entry.property("slowConsumerStrategy").next_back().and_then(SlowStrategy::of),
            tells_slow: entry.truth("advisoryForSlowConsumers").unwrap_or(false),
            tells_discarded: entry.truth("advisoryForDiscardingMessages").unwrap_or(false),
        }
    }

    /// What a client's consumer that asks for so many unsettled deliveries gets: a policy takes the place of what its client
    /// asks for where nobody told it anything else.
    pub(crate) fn prefetch(&self, kind: ConsumerKind, asked: u32) -> u32 {
        let (defaults, set): (&[u32], _) = match kind {
            ConsumerKind::Queue => (&[1_000], self.queue_prefetch),
            ConsumerKind::Topic => (&[32_766, 32_767], self.topic_prefetch),
            ConsumerKind::Durable => (&[100, 1_000], self.durable_prefetch),
        };
        set.filter(|_| defaults.contains(&asked)).unwrap_or(asked)
    }

    /// Most messages that wait for a subscription with this prefetch that asks for no more than `wished`.
    pub(crate) fn pending_limit(&self, prefetch: u32, wished: Option<u32>) -> Option<u32> {
        let set = self.pending_limit.map(|limit| match limit {
            PendingLimit::Count(count) => count,
            // As far as it is past the range it is cut off.
            PendingLimit::OfPrefetch(part) => (f64::from(prefetch) * part) as u32,
        });
        match (set, wished) {
            (Some(set), Some(wished)) => Some(set.min(wished)),
            (set, wished) => set.or(wished),
        }
    }
}

/// What is retained comes in any case, so that policy adds nothing to the one it wraps.
fn recall(policy: &Object) -> Option<Recall> {
    let whole = |name: &str, default: u64| {
        policy.whole(name).and_then(|number| u64::try_from(number).ok()).unwrap_or(default)
    };
    let none = Recall::default();
    match policy.name() {
        "fixedCountSubscriptionRecoveryPolicy" => {
            let count = usize::try_from(whole("maximumSize", DEFAULT_RECALL_COUNT)).unwrap_or(usize::MAX);
            Some(Recall { count: Some(count), ..none })
        }
        "fixedSizedSubscriptionRecoveryPolicy" => {
            let bytes = match policy.value("maximumSize") {
                Some(Value::Bytes(bytes)) => *bytes,
                _ => DEFAULT_RECALL_BYTES,
            };
            Some(Recall { bytes: Some(bytes), ..none })
        }
        "lastImageSubscriptionRecoveryPolicy" => Some(Recall { count: Some(1), ..none }),
        "timedSubscriptionRecoveryPolicy" => {
            Some(Recall { age_ms: Some(whole("recoverDuration", DEFAULT_RECALL_MS)), ..none })
        }
        "retainedMessageSubscriptionRecoveryPolicy" => {
            policy.property("wrapped").next_back().and_then(recall)
        }
        _ => None,
    }
}

fn pending_limit(strategy: &Object) -> Option<PendingLimit> {
    if strategy.name() == "constantPendingMessageLimitStrategy" {
        // A limit of -1 is none.
        return u32::try_from(strategy.whole("limit")?).ok().map(PendingLimit::Count);
    }
    let multiplier = match strategy.value("multiplier") {
        Some(Value::Real(multiplier)) => *multiplier,
        _ => DEFAULT_MULTIPLIER,
    };
    Some(PendingLimit::OfPrefetch(multiplier))
}

/// All entries of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Policies {
    entries: Vec<(DestinationKind, String, Policy)>,
    default: Option<Policy>,
}

/// What holds where no entry does.
static NONE: LazyLock<Policy> = LazyLock::new(Policy::default);

impl Policies {
    pub(super) fn of(settings: &Settings) -> Self {
        // Destinations go only where the broker looks for idle ones.
        let collects =
            settings.broker().whole("schedulePeriodForDestinationPurge").is_some_and(|period| period > 0);
        let entries = settings.policy_entries().into_iter().filter_map(|entry| {
            let (kind, pattern) = entry.destination()?;
            Some((kind, pattern.to_owned(), Policy::of(entry, collects)))
        });
        let default = settings.default_policy().map(|entry| Policy::of(entry, collects));
        Self { entries: entries.collect(), default }
    }

    /// The policy of a destination: the closest entry's, else the default one's. Of two entries for the same names the last
    /// one counts.
    pub(crate) fn find(&self, kind: DestinationKind, name: &str) -> &Policy {
        let covering = self.entries.iter().rev();
        let covering = covering.filter(|(of, pattern, _)| *of == kind && pattern::covers(pattern, name));
        let closest = covering.min_by(|one, other| pattern::closer(&one.1, &other.1));
        closest.map(|(_, _, policy)| policy).or(self.default.as_ref()).unwrap_or(&NONE)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Policy> {
        self.entries.iter().map(|(_, _, policy)| policy).chain(&self.default)
    }

    /// Whether a queue of this name is one that dead messages go to: what dies there is gone.
    pub(super) fn is_dead_letter_queue(&self, name: &str) -> bool {
        NONE.dead_letters.is_grave(name) || self.iter().any(|policy| policy.dead_letters.is_grave(name))
    }
}
