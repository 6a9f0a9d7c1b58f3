//! What a broker's configuration file says of destinations and subscriptions, ready to be asked.
//!
//! Owns: which policy counts for a name, what the entries of a policy mean, where messages go that are sent to virtual
//! destinations, plugins. Must not know: the file's form (`ternmq_configuration` reads it).

mod dead_letters;
mod intake;
mod pattern;
mod policies;
mod redelivery;
mod slow;
mod virtual_destinations;

use std::sync::Arc;

use ternmq_broker::{DeadMessage, Forwards, Grave, Intake, Provided, QueueOptions, SlowRule};
use ternmq_configuration::activemq_service::{DestinationKind, Settings};
use ternmq_queue::Overflow;

use crate::{names, options::GROUPS};
use dead_letters::Discards;
use policies::Policies;
pub(crate) use policies::{ConsumerKind, Policy};
use redelivery::Redelivery;
use slow::SlowStrategy;
use virtual_destinations::VirtualDestinations;

/// The ways of one broker. Without a configuration file they are what the vendor does without one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// Nobody gets a durable subscription.
    rejects_durable: bool,
    /// A durable subscription goes when nobody has used it for so long, in ms.
    offline_timeout_ms: Option<u64>,
    policies: Policies,
    virtual_destinations: VirtualDestinations,
    discards: Discards,
    redelivery: Option<Redelivery>,
    intake: Intake,
    provided: Vec<Arc<str>>,
    /// Questions about the broker and its destinations are answered.
    pub(crate) tells_statistics: bool,
}

impl Configuration {
    /// What a file sets, with what its writer should know.
    pub(crate) fn of(settings: &Settings) -> (Self, Vec<String>) {
        let broker = settings.broker();
        let mut warnings = Vec::new();
        let timeout = broker.whole("offlineDurableSubscriberTimeout");
        let destinations = settings.destinations();
        let queues = destinations.iter().filter_map(|object| match object.destination() {
            Some((DestinationKind::Queue, name)) if pattern::is_plain(name) && !names::is_own(name) => {
                Some(name.into())
            }
            _ => None,
        });
        let configuration = Self {
            rejects_durable: broker.truth("rejectDurableConsumers").unwrap_or(false),
            offline_timeout_ms: timeout.and_then(|ms| u64::try_from(ms).ok()).filter(|ms| *ms > 0),
            policies: Policies::of(settings),
            virtual_destinations: VirtualDestinations::of(settings, &mut warnings),
            discards: Discards::of(settings, &mut warnings),
            redelivery: Redelivery::of(settings),
            intake: intake::of(settings),
            provided: queues.collect(),
            tells_statistics: settings.plugins().iter().any(|it| it.name() == "statisticsBrokerPlugin"),
        };
        (configuration, warnings)
    }

    /// Whether durable subscriptions may be had.
    ///
    /// # Errors
    /// The sentence for the client.
    pub(crate) fn check_durable(&self) -> Result<(), String> {
        if self.rejects_durable {
            return Err("Durable Consumers Are Not Allowed: the broker's configuration says so".to_owned());
        }
        Ok(())
    }

    /// Whether the last messages of any topic are kept.
    pub(crate) fn recalls(&self) -> bool {
        self.policies.iter().any(|policy| policy.recall.is_some())
    }

    /// The policy of a queue, or of a topic or a pattern of them.
    pub(crate) fn policy(&self, kind: DestinationKind, name: &str) -> &Policy {
        self.policies.find(kind, name)
    }

    /// The policy of a subscription to topics: that of the first of its patterns.
    pub(crate) fn policy_of_topics(&self, places: &[(Arc<str>, Arc<str>)]) -> &Policy {
        let topic = places.iter().find(|(node, _)| **node == *names::TOPIC_NODE);
        match (topic, places.first()) {
            (Some((_, name)), _) => self.policy(DestinationKind::Topic, name),
            (None, Some((_, name))) => self.policy(DestinationKind::TempTopic, name),
            (None, None) => self.policy(DestinationKind::Topic, ""),
        }
    }

    /// Ms between two looks for slow consumers, if anything is said of them.
    pub(crate) fn slow_check_ms(&self) -> Option<u64> {
        let told_ms = |policy: &Policy| policy.tells_slow.then_some(slow::TOLD_MS);
        let of =
            |policy: &Policy| policy.slow.as_ref().map(SlowStrategy::check_ms).or_else(|| told_ms(policy));
        let common = self.policies.iter().filter_map(of).reduce(slow::common);
        common.map(|ms| ms.max(slow::MIN_CHECK_MS))
    }

    /// When consumers of a queue are slow. What stands behind its name has these places when it is a subscription to topics.
    pub(crate) fn slow_rule(&self, queue: &str, places: &[(Arc<str>, Arc<str>)]) -> Option<SlowRule> {
        let policy = match queue.strip_prefix(names::TEMPORARY_QUEUE) {
            Some(name) => self.policy(DestinationKind::TempQueue, name),
            None if names::is_own(queue) => self.policy_of_topics(places),
            None => self.policy(DestinationKind::Queue, queue),
        };
        match &policy.slow {
            Some(strategy) => Some(strategy.rule(queue)),
            None => policy.tells_slow.then(|| slow::told(queue)),
        }
    }

    /// What a queue of this name obeys that nothing else sets.
    pub(crate) fn queue_defaults(&self, name: &str) -> QueueOptions {
        let mut options = QueueOptions { groups: Some(GROUPS), ..QueueOptions::default() };
        if !self.policies.is_dead_letter_queue(name) {
            // Where exactly a message goes is asked when it dies.
            options.dead_letter_node = Some("".into());
            options.dead_letter_key = Some(names::DEAD_LETTER_QUEUE.into());
        }
        if names::is_own(name) {
            if names::parts_of_subscription(name).is_some() {
                options.idle_expiry_ms = self.offline_timeout_ms;
            }
            return options;
        }
        let policy = self.policies.find(DestinationKind::Queue, name);
        if let Some(ms) = policy.gc_after_ms {
            options.idle_expiry_ms = Some(ms);
            options.is_kept_while_filled = Some(true);
        }
        // One for dead messages takes them all: nobody is there to hear of a refusal.
        if let Some(bytes) = policy.max_bytes
            && options.dead_letter_node.is_some()
        {
            options.max_length_bytes = Some(bytes);
            options.overflow = Some(Overflow::RejectPublish);
        }
        options
    }

    /// Where a dead message goes.
    pub(crate) fn grave(&self, dead: &DeadMessage<'_>) -> Grave {
        let (kind, name) = destination_of(dead.queue, dead.node, dead.key);
        let again = self.redelivery.as_ref().and_then(|redelivery| redelivery.decide(dead, kind, name));
        if let Some(grave) = again {
            return grave;
        }
        if self.discards.is_of(kind, name) || self.policies.is_dead_letter_queue(dead.queue) {
            return Grave::None;
        }
        self.policies.find(kind, name).dead_letters.grave(dead, kind, name)
    }

    /// See [`ternmq_broker::Dialect::forwards`].
    pub(crate) fn forwards(&self, node: &str, key: &str) -> Option<Arc<Forwards>> {
        self.virtual_destinations.forwards(node, key)
    }

    /// The topic from which a queue takes, as it is named so.
    pub(crate) fn virtual_topic<'a>(&self, queue: &'a str) -> Option<&'a str> {
        self.virtual_destinations.topic_of(queue)
    }

    /// Whether a queue takes from its virtual topic only what one of its consumers selects.
    pub(crate) fn takes_wanted_only(&self, queue: &str) -> bool {
        self.virtual_destinations.is_selector_aware(queue)
    }

    /// What happens to messages that come in.
    pub(crate) fn intake(&self) -> Intake {
        self.intake
    }

    /// Queues that are made at the start.
    pub(crate) fn provided(&self) -> Vec<Provided> {
        let provided = self.provided.iter().map(|name| Provided {
            queue: names::queue(name),
            bindings: self
                .virtual_topic(name)
                .map(|topic| (names::TOPIC_NODE.into(), topic.into()))
                .into_iter()
                .collect(),
        });
        provided.collect()
    }
}

/// The destination at which a message died: its queue itself, or of a subscription the topic, a key of a node, that it was
/// sent to.
pub(crate) fn destination_of<'a>(queue: &'a str, node: &str, key: &'a str) -> (DestinationKind, &'a str) {
    if let Some(name) = queue.strip_prefix(names::TEMPORARY_QUEUE) {
        return (DestinationKind::TempQueue, name);
    }
    if !names::is_own(queue) {
        return (DestinationKind::Queue, queue);
    }
    match node {
        names::TEMPORARY_TOPIC_NODE => (DestinationKind::TempTopic, key),
        _ => (DestinationKind::Topic, key),
    }
}

#[cfg(test)]
mod tests;
