//! What becomes of messages that can't be delivered.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use ternmq_broker::{DeadMessage, Grave};
use ternmq_configuration::activemq_service::{DestinationKind, Object, Settings};
use ternmq_message::DeathReason;
use ternmq_stdx::quoted;

use crate::names::{self, DEAD_LETTER_QUEUE, TOPIC_NODE};

/// Starts of the names of dead-letter queues, one for each destination.
const QUEUE_PREFIX: &str = "ActiveMQ.DLQ.Queue.";
const TOPIC_PREFIX: &str = "ActiveMQ.DLQ.Topic.";
/// Most bytes of a compiled pattern of names (B8), and most patterns.
const MAX_PATTERN_BYTES: usize = 64 << 10;
const MAX_PATTERNS: usize = 64;

/// A strategy for dead letters.
#[derive(Clone, Debug)]
pub(super) struct DeadLetters {
    place: Place,
    takes_expired: bool,
    /// What need not be kept over a restart goes there too.
    takes_transient: bool,
    /// Time to live of a dead message in ms.
    ttl_ms: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// One for all: a node and a key.
    Shared(Arc<str>, Arc<str>),
    Individual(Box<Individual>),
}

/// How names of dead-letter destinations are made, of queues and of topics.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Individual {
    of_queue: Naming,
    of_topic: Naming,
    is_per_subscription: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Naming {
    prefix: String,
    suffix: String,
    is_queue: bool,
}

impl Default for DeadLetters {
    fn default() -> Self {
        let place = Place::Shared("".into(), DEAD_LETTER_QUEUE.into());
        Self { place, takes_expired: true, takes_transient: false, ttl_ms: None }
    }
}

impl DeadLetters {
    pub(super) fn of(strategy: Option<&Object>) -> Self {
        let Some(strategy) = strategy else { return Self::default() };
        let ttl_ms = strategy.whole("expiration").and_then(|ms| u64::try_from(ms).ok());
        Self {
            place: match strategy.name() {
                "discarding" => Place::Nowhere,
                "individualDeadLetterStrategy" => Place::Individual(Box::new(individual(strategy))),
                _ => shared(strategy),
            },
            takes_expired: strategy.truth("processExpired").unwrap_or(true),
            takes_transient: strategy.truth("processNonPersistent").unwrap_or(false),
            ttl_ms: ttl_ms.filter(|ms| *ms > 0),
        }
    }

    /// Where a message goes that died at a destination.
    pub(super) fn grave(&self, dead: &DeadMessage<'_>, kind: DestinationKind, name: &str) -> Grave {
        let is_taken = (dead.is_durable || self.takes_transient)
            && (dead.reason != DeathReason::Expired || self.takes_expired);
        if !is_taken {
            return Grave::None;
        }
        let ttl_ms = self.ttl_ms;
        match &self.place {
            Place::Nowhere => Grave::None,
            Place::Shared(node, key) => Grave::Place { node: node.clone(), key: key.clone(), ttl_ms },
            Place::Individual(individual) => {
                let naming = individual.naming(kind);
                let subscription =
                    names::parts_of_subscription(dead.queue).filter(|_| individual.is_per_subscription);
                let key = naming.name(name, subscription.as_ref());
                let node = if naming.is_queue { "" } else { TOPIC_NODE };
                // Where nothing is added to the name it would go round and round.
                let is_same = node.is_empty() && *key == *dead.queue;
                if is_same || names::is_own(&key) || key.len() > usize::from(u8::MAX) {
                    return Grave::None;
                }
                Grave::Place { node: node.into(), key: key.into(), ttl_ms }
            }
        }
    }

    /// Whether messages go to a queue of this name when they die.
    pub(super) fn is_grave(&self, queue: &str) -> bool {
        match &self.place {
            Place::Nowhere => false,
            Place::Shared(node, key) => node.is_empty() && **key == *queue,
            Place::Individual(individual) => {
                [&individual.of_queue, &individual.of_topic].iter().any(|naming| naming.is_of(queue))
            }
        }
    }
}

impl Individual {
    fn naming(&self, kind: DestinationKind) -> &Naming {
        match kind {
            DestinationKind::Queue | DestinationKind::TempQueue => &self.of_queue,
            DestinationKind::Topic | DestinationKind::TempTopic => &self.of_topic,
        }
    }
}

impl Naming {
    fn name(&self, of: &str, subscription: Option<&(String, &str)>) -> String {
        let part = subscription.map(|(client, name)| format!(".{client}:{name}")).unwrap_or_default();
        format!("{}{of}{part}{}", self.prefix, self.suffix)
    }

    fn is_of(&self, queue: &str) -> bool {
        let has_mark = !self.prefix.is_empty() || !self.suffix.is_empty();
        has_mark && self.is_queue && queue.starts_with(&self.prefix) && queue.ends_with(&self.suffix)
    }
}

fn shared(strategy: &Object) -> Place {
    let held = strategy.property("deadLetterQueue").next_back().and_then(Object::destination);
    let named = strategy.text("deadLetterQueue").map(|name| match name.strip_prefix("topic://") {
        Some(topic) => (DestinationKind::Topic, topic),
        None => (DestinationKind::Queue, name.strip_prefix("queue://").unwrap_or(name)),
    });
    match held.or(named) {
        Some((DestinationKind::Topic, name)) if !names::is_own(name) => {
            Place::Shared(TOPIC_NODE.into(), name.into())
        }
        Some((DestinationKind::Queue, name)) if !names::is_own(name) => Place::Shared("".into(), name.into()),
        _ => Place::Shared("".into(), DEAD_LETTER_QUEUE.into()),
    }
}

fn individual(strategy: &Object) -> Individual {
    let text = |name: &str, default: &str| strategy.text(name).unwrap_or(default).to_owned();
    Individual {
        of_queue: Naming {
            prefix: text("queuePrefix", QUEUE_PREFIX),
            suffix: text("queueSuffix", ""),
            is_queue: strategy.truth("useQueueForQueueMessages").unwrap_or(true),
        },
        of_topic: Naming {
            prefix: text("topicPrefix", TOPIC_PREFIX),
            suffix: text("topicSuffix", ""),
            is_queue: strategy.truth("useQueueForTopicMessages").unwrap_or(true),
        },
        is_per_subscription: strategy.truth("destinationPerDurableSubscriber").unwrap_or(false),
    }
}

/// Destinations whose dead messages are dropped, whatever their strategy (`discardingDLQBrokerPlugin`).
#[derive(Clone, Debug, Default)]
pub(super) struct Discards {
    all: bool,
    temporary_queues: bool,
    temporary_topics: bool,
    names: Vec<Regex>,
}

impl Discards {
    pub(super) fn of(settings: &Settings, warnings: &mut Vec<String>) -> Self {
        let plugins = settings.plugins();
        let Some(plugin) = plugins.iter().rev().find(|it| it.name() == "discardingDLQBrokerPlugin") else {
            return Self::default();
        };
        let truth = |name: &str, default| plugin.truth(name).unwrap_or(default);
        let mut names = Vec::new();
        for pattern in plugin.text("dropOnly").unwrap_or_default().split_ascii_whitespace() {
            let whole = format!("^(?:{pattern})$");
            let read = RegexBuilder::new(&whole).size_limit(MAX_PATTERN_BYTES).build();
            match read {
                Ok(pattern) if names.len() < MAX_PATTERNS => names.push(pattern),
                Ok(_) => warnings.push(format!(
                    "dropOnly of discardingDLQBrokerPlugin: {} is one pattern more than the {MAX_PATTERNS} that are taken",
                    quoted(pattern)
                )),
                Err(_) => warnings.push(format!(
                    "dropOnly of discardingDLQBrokerPlugin: {} can't be used as a regular expression, and drops nothing",
                    quoted(pattern)
                )),
            }
        }
        Self {
            all: truth("dropAll", true),
            temporary_queues: truth("dropTemporaryQueues", true),
            temporary_topics: truth("dropTemporaryTopics", true),
            names,
        }
    }

    pub(super) fn is_of(&self, kind: DestinationKind, name: &str) -> bool {
        let is_of_kind = match kind {
            DestinationKind::TempQueue => self.temporary_queues,
            DestinationKind::TempTopic => self.temporary_topics,
            DestinationKind::Queue | DestinationKind::Topic => false,
        };
        self.all || is_of_kind || self.names.iter().any(|pattern| pattern.is_match(name))
    }
}
