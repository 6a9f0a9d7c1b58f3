//! ActiveMQ's ways over the neutral core, as far as OpenWire, STOMP and MQTT need them.
//!
//! Owns: destinations and what is made when one is used, names of the queues behind subscriptions, names that permissions
//! know, authorization maps, the dead-letter queue, and the words of errors. Must not know: frames, sockets, state.
//!
//! A queue is a queue on the default node, made on use. A topic is a key of one topic node. There is one namespace.

#![forbid(unsafe_code)]

mod advisories;
mod authorization;
mod configuration;
mod deaths;
mod destination;
mod link;
mod names;
mod options;
mod places;
mod schedule;
mod statistics;
mod wording;

pub use authorization::{Acl, AuthorizationEntry, AuthorizationMap, EntryKind, members};

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use ternmq_access::Role;
use ternmq_broker::{
    Addresses, ArgumentError, DeadMessage, Dialect, Error, Event, Filters, Forwards, Grave, Guard, Intake,
    LinkAddresses, Places, Predefined, Provided, QueueClass, QueueOptions, QueueSpec, Recall, ScheduleWords,
    SlowRule,
};
use ternmq_configuration::activemq_service::{DestinationKind, Settings};
use ternmq_message::{History, Map, Value};
use ternmq_queue::Filter;
use ternmq_routing::{NodeKind, Wildcards};
use ternmq_stdx::letters_of;

use configuration::Configuration;

/// The dialect of an `ACTIVEMQ` broker, as its configuration file has it.
#[derive(Clone, Debug, Default)]
pub struct ActiveMq {
    /// Absent: there is no file.
    configuration: Option<Arc<Configuration>>,
}

/// The dialect of a broker without a configuration file.
#[expect(non_upper_case_globals, reason = "it is the value of that type where nothing is configured")]
pub const ActiveMq: ActiveMq = ActiveMq { configuration: None };

/// What holds where there is no file.
static UNCONFIGURED: LazyLock<Configuration> = LazyLock::new(Configuration::default);

impl ActiveMq {
    /// The dialect of a broker with this configuration file, and what the file's writer should know.
    #[must_use]
    pub fn configured(settings: &Settings) -> (Self, Vec<String>) {
        let (configuration, warnings) = Configuration::of(settings);
        (Self { configuration: Some(Arc::new(configuration)) }, warnings)
    }

    pub(crate) fn configuration(&self) -> &Configuration {
        self.configuration.as_deref().unwrap_or(&UNCONFIGURED)
    }
}

/// Nodes of the one namespace: all topics, and temporary ones, which wildcards must not find.
static PREDEFINED: &[Predefined] = &[
    Predefined { name: names::TOPIC_NODE, kind: NodeKind::Topic, is_internal: false },
    Predefined { name: names::TEMPORARY_TOPIC_NODE, kind: NodeKind::Direct, is_internal: false },
];

impl Dialect for ActiveMq {
    fn mark(&self) -> Option<&'static str> {
        Some("activemq")
    }

    fn error_text(&self, error: &Error) -> String {
        wording::error_text(error)
    }

    fn queue_options(&self, arguments: &Map) -> Result<QueueOptions, ArgumentError> {
        options::queue_options(arguments)
    }

    fn class_argument(&self) -> &'static str {
        "queueType"
    }

    fn class_name(&self, class: QueueClass) -> &'static str {
        match class {
            QueueClass::Classic => "local",
            QueueClass::Quorum => "replicated",
        }
    }

    fn compared_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    fn compared_node_arguments(&self) -> &'static [&'static str] {
        &[]
    }

    fn policy_options(&self, definition: &Map) -> Result<QueueOptions, ArgumentError> {
        options::policy_options(definition)
    }

    fn node_fallback(&self, _: &Map) -> Result<Option<Arc<str>>, ArgumentError> {
        Ok(None)
    }

    fn node_kind_name(&self, kind: &NodeKind) -> &'static str {
        match kind {
            NodeKind::Direct => "direct",
            NodeKind::Fanout => "fanout",
            NodeKind::Topic => "topic",
            NodeKind::Headers => "headers",
            NodeKind::Hash(_) => "hash",
        }
    }

    /// There is nothing of the kind that a client could make: topics are there when they are used.
    fn node_kind(&self, _: &str, _: &Map) -> Result<Option<NodeKind>, ArgumentError> {
        Ok(None)
    }

    fn is_reserved(&self, name: &str) -> bool {
        names::is_own(name)
    }

    fn generated_name(&self, random: [u8; 16]) -> String {
        format!("ID:{}", letters_of(random))
    }

    fn default_node_alias(&self) -> &'static str {
        "queues"
    }

    fn guard(&self, node: &str, key: &str) -> Guard {
        names::guard(node, key)
    }

    fn queue_permission_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        names::queue_permission(name)
    }

    fn admission(&self, arguments: &Map, filters: &Filters) -> Option<Arc<dyn Filter>> {
        options::admission(arguments).map(|selector| filters.of(selector))
    }

    fn takes_wanted_only(&self, name: &str) -> bool {
        self.configuration().takes_wanted_only(name)
    }

    fn has_same_admission(&self, arguments: &Map, others: &Map) -> bool {
        options::admission(arguments) == options::admission(others)
    }

    fn place_name<'a>(&self, node: &str, key: &'a str) -> Cow<'a, str> {
        names::place(node, key)
    }

    fn queue_defaults(&self, name: &str) -> QueueOptions {
        self.configuration().queue_defaults(name)
    }

    fn dead_letter_queue(&self, name: &str) -> Option<QueueSpec> {
        (!names::is_own(name)).then(|| names::queue(name))
    }

    fn grave(&self, dead: &DeadMessage<'_>) -> Grave {
        self.configuration().grave(dead)
    }

    fn forwards(&self, node: &str, key: &str) -> Option<Arc<Forwards>> {
        self.configuration().forwards(node, key)
    }

    fn recalls(&self) -> bool {
        self.configuration().recalls()
    }

    fn is_matching_queue(&self, pattern: &str, queue: &str) -> bool {
        destination::is_matching_queue(pattern, queue)
    }

    fn recall(&self, topic: &str) -> Option<Recall> {
        self.configuration().policy(DestinationKind::Topic, topic).recall
    }

    fn slow_check_ms(&self) -> Option<u64> {
        self.configuration().slow_check_ms()
    }

    fn slow_rule(&self, queue: &str, places: &[(Arc<str>, Arc<str>)]) -> Option<SlowRule> {
        self.configuration().slow_rule(queue, places)
    }

    fn intake(&self) -> Intake {
        self.configuration().intake()
    }

    fn provided(&self) -> Vec<Provided> {
        self.configuration().provided()
    }

    fn principal_variables(&self, user: &Arc<str>, _: &str) -> Vec<(Arc<str>, Arc<str>)> {
        vec![("username".into(), user.clone())]
    }

    /// The management API knows its users by the same words, whatever the dialect.
    fn role_of_tag(&self, tag: &str) -> Option<Role> {
        match tag {
            "administrator" => Some(Role::Administrator),
            "monitoring" => Some(Role::Monitor),
            "policymaker" => Some(Role::PolicyMaker),
            "management" => Some(Role::Console),
            "impersonator" => Some(Role::Impersonator),
            _ => None,
        }
    }

    fn group_of_tag<'a>(&self, tag: &'a str) -> Option<&'a str> {
        authorization::group_of_tag(tag)
    }

    fn predefined(&self) -> &'static [Predefined] {
        PREDEFINED
    }

    fn default_namespace(&self) -> &'static str {
        names::NAMESPACE
    }

    fn has_one_namespace(&self) -> bool {
        true
    }

    fn has_sole_clients(&self) -> bool {
        true
    }

    fn event_key(&self, event: &Event) -> Option<String> {
        advisories::topic_of(self.configuration(), event)
    }

    fn event_listening(&self) -> fn(&str) -> bool {
        advisories::hears_events
    }

    fn wildcards(&self) -> Wildcards {
        Wildcards::DOT_STAR_ANGLE
    }

    fn topic_node(&self) -> &'static str {
        names::TOPIC_NODE
    }

    fn client_queue_name(&self, client: &str) -> String {
        names::mqtt_client(client)
    }

    fn group_queue_name(&self, group: &str, key: &str) -> String {
        names::mqtt_group(group, key)
    }

    fn history_headers(&self, history: &History) -> Map {
        deaths::headers(history)
    }

    /// Priorities come with subscriptions here, not as arguments.
    fn consumer_priority(&self, _: &Map) -> Result<i32, ArgumentError> {
        Ok(0)
    }

    fn addresses(&self) -> Option<&dyn Addresses> {
        Some(self)
    }

    fn link_addresses(&self) -> Option<&dyn LinkAddresses> {
        Some(self)
    }

    fn places(&self) -> Option<&dyn Places> {
        Some(self)
    }

    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        Some(&schedule::SCHEDULE)
    }

    fn value_text(&self, value: &Value) -> String {
        wording::value_text(value)
    }
}
