//! What a configuration sets: the tree of its permitted elements, with values of their types.

use super::values::Value;

/// An element that stands for an object. Names are those of the tables ([`super::broker()`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Object {
    name: &'static str,
    values: Vec<(&'static str, Value)>,
    properties: Vec<(&'static str, Vec<Object>)>,
}

/// A kind of destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DestinationKind {
    /// A queue.
    Queue,
    /// A topic.
    Topic,
    /// A temporary queue.
    TempQueue,
    /// A temporary topic.
    TempTopic,
}

/// Matches every name.
const ALL_NAMES: &str = ">";

/// The cursor that keeps a queue's messages in memory.
pub(super) const VM_QUEUE_CURSOR: &str = "vmQueueCursor";

impl Object {
    pub(super) fn new(name: &'static str) -> Self {
        Self { name, values: Vec::new(), properties: Vec::new() }
    }

    pub(super) fn set(&mut self, name: &'static str, value: Value) {
        self.values.push((name, value));
    }

    pub(super) fn add(&mut self, property: &'static str, objects: Vec<Object>) {
        self.properties.push((property, objects));
    }

    /// Name of the element.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Attributes that are set, in the order of the text.
    #[must_use]
    pub fn values(&self) -> &[(&'static str, Value)] {
        &self.values
    }

    /// Value of an attribute, if it is set.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(set, _)| *set == name).map(|(_, value)| value)
    }

    /// Value of an attribute that is true or false.
    #[must_use]
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Truth(truth) => Some(*truth),
            _ => None,
        }
    }

    /// Value of an attribute that is a whole number.
    #[must_use]
    pub fn whole(&self, name: &str) -> Option<i64> {
        match self.value(name)? {
            Value::Whole(number) => Some(*number),
            _ => None,
        }
    }

    /// Of an entry whose queues refuse what they have no room for: how many bytes of messages may wait in each. That is one
    /// with flow control that keeps its messages in memory, by name; those of other cursors go to disk and are never full.
    #[must_use]
    pub fn refusal_bytes(&self) -> Option<u64> {
        let is_of_queues = self.destination().is_none_or(|(kind, _)| kind == DestinationKind::Queue);
        let is_in_memory = self.property("pendingQueuePolicy").next_back()?.name() == VM_QUEUE_CURSOR;
        let refuses =
            self.truth("sendFailIfNoSpace") == Some(true) && self.truth("producerFlowControl") != Some(false);
        match self.value("memoryLimit") {
            Some(Value::Bytes(bytes)) if is_of_queues && is_in_memory && refuses && *bytes > 0 => {
                Some(*bytes)
            }
            _ => None,
        }
    }

    /// Value of an attribute that is text.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.value(name)? {
            Value::Text(text) => Some(text),
            Value::Word(word) => Some(word),
            _ => None,
        }
    }

    /// Value of an attribute that names groups.
    #[must_use]
    pub fn groups(&self, name: &str) -> Option<&[String]> {
        match self.value(name)? {
            Value::Groups(groups) => Some(groups),
            _ => None,
        }
    }

    /// Values of a property, in the order of the text.
    pub fn property(&self, name: &str) -> impl DoubleEndedIterator<Item = &Object> {
        self.properties.iter().filter(move |(set, _)| *set == name).flat_map(|(_, objects)| objects)
    }

    /// Values of all properties.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.properties.iter().flat_map(|(_, objects)| objects)
    }

    /// What it is about: an entry of policies, authorization or redelivery, or a destination itself. Where several are
    /// named the last one counts, as each takes the place of the one before.
    #[must_use]
    pub fn destination(&self) -> Option<(DestinationKind, &str)> {
        let of_element = |object: &Object| match object.name {
            "queue" => Some(DestinationKind::Queue),
            "topic" => Some(DestinationKind::Topic),
            "tempQueue" => Some(DestinationKind::TempQueue),
            "tempTopic" => Some(DestinationKind::TempTopic),
            _ => None,
        };
        if let Some(kind) = of_element(self) {
            return Some((kind, self.text("physicalName")?));
        }
        if let Some(named) = self.property("destination").next_back() {
            return Some((of_element(named)?, named.text("physicalName")?));
        }
        self.values.iter().rev().find_map(|(name, value)| match (*name, value) {
            ("queue", Value::Text(pattern)) => Some((DestinationKind::Queue, pattern.as_str())),
            ("topic", Value::Text(pattern)) => Some((DestinationKind::Topic, pattern.as_str())),
            ("tempQueue", Value::Truth(true)) => Some((DestinationKind::TempQueue, ALL_NAMES)),
            ("tempTopic", Value::Truth(true)) => Some((DestinationKind::TempTopic, ALL_NAMES)),
            _ => None,
        })
    }

    /// Objects on a path of property, element, property, element and so on.
    fn path<'a>(&'a self, path: &[&str]) -> Vec<&'a Object> {
        let mut objects = vec![self];
        for step in path.chunks(2) {
            let [property, element] = step else { return Vec::new() };
            let of_property = |object: &'a Object| {
                object.property(property).filter(|value| value.name == *element).collect::<Vec<_>>()
            };
            objects = objects.into_iter().flat_map(of_property).collect();
        }
        objects
    }
}

/// All that a configuration sets. Where a property has one value and several are given, the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    broker: Object,
}

impl Settings {
    pub(super) fn new(broker: Object) -> Self {
        Self { broker }
    }

    /// The root, from which everything can be reached.
    #[must_use]
    pub fn broker(&self) -> &Object {
        &self.broker
    }

    /// Entries of policies (`policyEntry`), each for the destinations that [`Object::destination`] gives.
    #[must_use]
    pub fn policy_entries(&self) -> Vec<&Object> {
        self.broker.path(&["destinationPolicy", "policyMap", "policyEntries", "policyEntry"])
    }

    /// The policy of destinations that no entry matches.
    #[must_use]
    pub fn default_policy(&self) -> Option<&Object> {
        self.broker.path(&["destinationPolicy", "policyMap", "defaultEntry", "policyEntry"]).pop()
    }

    /// Destinations that are made at the start.
    #[must_use]
    pub fn destinations(&self) -> Vec<&Object> {
        self.broker.property("destinations").collect()
    }

    /// Virtual topics and composite destinations.
    #[must_use]
    pub fn virtual_destinations(&self) -> Vec<&Object> {
        let interceptors = self.broker.path(&["destinationInterceptors", "virtualDestinationInterceptor"]);
        interceptors.into_iter().flat_map(|of| of.property("virtualDestinations")).collect()
    }

    /// How queues are mirrored, if they are.
    #[must_use]
    pub fn mirrored_queue(&self) -> Option<&Object> {
        self.broker.path(&["destinationInterceptors", "mirroredQueue"]).pop()
    }

    /// Plugins, in the order of the text.
    #[must_use]
    pub fn plugins(&self) -> Vec<&Object> {
        self.broker.property("plugins").collect()
    }

    /// Who may do what; absent: every user may do everything.
    #[must_use]
    pub fn authorization(&self) -> Option<Authorization<'_>> {
        self.broker.path(&["plugins", "authorizationPlugin"]).pop().map(|plugin| Authorization { plugin })
    }

    /// How the broker delivers again, if it does (`redeliveryPlugin`).
    #[must_use]
    pub fn redelivery(&self) -> Option<&Object> {
        self.broker.path(&["plugins", "redeliveryPlugin"]).pop()
    }

    /// Entries of redelivery, each for the destinations that [`Object::destination`] gives.
    #[must_use]
    pub fn redelivery_policies(&self) -> Vec<&Object> {
        let map =
            ["redeliveryPolicyMap", "redeliveryPolicyMap", "redeliveryPolicyEntries", "redeliveryPolicy"];
        self.redelivery().map(|plugin| plugin.path(&map)).unwrap_or_default()
    }

    /// Redelivery of destinations that no entry matches.
    #[must_use]
    pub fn default_redelivery_policy(&self) -> Option<&Object> {
        let map = ["redeliveryPolicyMap", "redeliveryPolicyMap", "defaultEntry", "redeliveryPolicy"];
        self.redelivery()?.path(&map).pop()
    }

    /// What happens when there is no room.
    #[must_use]
    pub fn system_usage(&self) -> Option<&Object> {
        self.broker.path(&["systemUsage", "systemUsage"]).pop()
    }

    /// Share of memory for messages in per cent, 0 to 70.
    #[must_use]
    pub fn memory_percent(&self) -> Option<i64> {
        self.system_usage()?.path(&["memoryUsage", "memoryUsage"]).pop()?.whole("percentOfJvmHeap")
    }

    /// Connectors to other brokers.
    #[must_use]
    pub fn network_connectors(&self) -> Vec<&Object> {
        self.broker.property("networkConnectors").collect()
    }

    /// What is said of the broker's own connectors, which the service makes.
    #[must_use]
    pub fn transport_connectors(&self) -> Vec<&Object> {
        self.broker.property("transportConnectors").collect()
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Option<&Object> {
        self.broker.path(&["persistenceAdapter", "kahaDB"]).pop()
    }
}

/// Who may do what. A plugin whose map was taken out is still here and permits nobody anything.
#[derive(Clone, Copy, Debug)]
pub struct Authorization<'a> {
    plugin: &'a Object,
}

impl<'a> Authorization<'a> {
    /// Where several maps are given the last one counts.
    fn last(self, element: &str) -> Option<&'a Object> {
        self.plugin.property("map").next_back().filter(|map| map.name == element)
    }

    fn map(self, rest: &[&str]) -> Vec<&'a Object> {
        self.last("authorizationMap").map(|map| map.path(rest)).unwrap_or_default()
    }

    /// Entries for destinations. One that names no destination, as its name was taken out, permits nothing.
    #[must_use]
    pub fn entries(self) -> Vec<&'a Object> {
        self.map(&["authorizationEntries", "authorizationEntry"])
    }

    /// The entry that is added to what all others permit.
    #[must_use]
    pub fn default_entry(self) -> Option<&'a Object> {
        self.map(&["defaultEntry", "authorizationEntry"]).pop()
    }

    /// The entry of temporary destinations.
    #[must_use]
    pub fn temp_entry(self) -> Option<&'a Object> {
        self.map(&["tempDestinationAuthorizationEntry", "tempDestinationAuthorizationEntry"]).pop()
    }

    /// The map that is read from a directory.
    #[must_use]
    pub fn directory(self) -> Option<&'a Object> {
        self.last("cachedLDAPAuthorizationMap")
    }
}
