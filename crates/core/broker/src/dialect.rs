//! What a vendor's dialect decides: names, defaults, argument language, words. One object per broker.

use std::{borrow::Cow, sync::Arc};

use ternmq_access::Role;
use ternmq_message::{DeathReason, History, Map, Value};
use ternmq_queue::{Filter, GroupTable, Overflow};
use ternmq_routing::{NodeKind, Wildcards};

use crate::{
    address::Addresses,
    error::{Error, Kind},
    events::Event,
    forwarding::Forwards,
    intake::Intake,
    link_address::LinkAddresses,
    place::Places,
    queues::QueueSpec,
    recent::Recall,
    scheduled::ScheduleWords,
    selector::Filters,
    slow::SlowRule,
};

/// Typed meaning of a queue's arguments or of a policy: what each of them sets. Absent: not set here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueOptions {
    /// See [`ternmq_queue::QueueSettings::message_ttl_ms`].
    pub message_ttl_ms: Option<u64>,
    /// See [`ternmq_queue::QueueSettings::idle_expiry_ms`].
    pub idle_expiry_ms: Option<u64>,
    /// See [`ternmq_queue::QueueSettings::is_kept_while_filled`].
    pub is_kept_while_filled: Option<bool>,
    /// See [`ternmq_queue::QueueSettings::max_length`].
    pub max_length: Option<u64>,
    /// See [`ternmq_queue::QueueSettings::max_length_bytes`].
    pub max_length_bytes: Option<u64>,
    /// See [`Overflow`].
    pub overflow: Option<Overflow>,
    /// Node of the dead-letter route.
    pub dead_letter_node: Option<Arc<str>>,
    /// Key of the dead-letter route.
    pub dead_letter_key: Option<Arc<str>>,
    /// See [`ternmq_queue::DeadLetterRoute::is_for_kept_failures`].
    pub is_dead_letter_for_kept_failures: Option<bool>,
    /// See [`ternmq_queue::QueueSettings::max_priority`]; arguments only.
    pub max_priority: Option<u8>,
    /// See [`ternmq_queue::QueueSettings::is_single_active`]; arguments only.
    pub is_single_active: Option<bool>,
    /// See [`ternmq_queue::QueueSettings::delivery_limit`].
    pub delivery_limit: Option<u32>,
    /// See [`ternmq_queue::QueueSettings::groups`].
    pub groups: Option<GroupTable>,
    /// See [`ternmq_queue::QueueSettings::consumer_timeout_ms`].
    pub consumer_timeout_ms: Option<u64>,
    /// Which kind of queue was asked for.
    pub class: Option<QueueClass>,
    /// Fallback target of a node; policies only.
    pub fallback_node: Option<Arc<str>>,
}

/// What a queue promises: `guarantees.md` 1. One machine serves both; they differ in their log and defaults.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum QueueClass {
    /// C (or T when not durable).
    #[default]
    Classic,
    /// Q: always durable, every message persistent, delivery limit 20 by default (F17). A group of one on one node.
    Quorum,
}

/// An argument that the dialect does not accept.
#[derive(Clone, Debug, PartialEq)]
pub struct ArgumentError {
    /// Its name.
    pub argument: Arc<str>,
    /// What is wrong, in the dialect's words.
    pub problem: String,
    /// The feature exists in the vendor's broker but not here yet: answered as "not implemented".
    pub is_unsupported: bool,
}

/// What permissions know a place by that messages are sent to, or that a subscription takes from: a node with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Guard {
    /// The node; on a topic node the key too.
    Node,
    /// This name alone, of a queue or of whatever else the dialect has names for.
    Named(Kind, Arc<str>),
    /// The same, of a place where the broker alone tells something: nobody may send there.
    Told(Kind, Arc<str>),
    /// Nobody may guess its name (S6): whoever was told it may use it.
    Secret,
    /// The vendor has such a place and this broker does not: what is missing, for the client.
    Absent(&'static str),
}

/// A message that leaves a queue other than by acceptance.
#[derive(Clone, Copy, Debug)]
pub struct DeadMessage<'a> {
    /// Name of the queue.
    pub queue: &'a str,
    /// Node that it was sent to.
    pub node: &'a str,
    /// Key that it was sent with.
    pub key: &'a str,
    /// Its producer wants it kept over a restart.
    pub is_durable: bool,
    /// Why it leaves.
    pub reason: DeathReason,
    /// How often it left this queue for that reason before.
    pub times: u32,
}

/// Where a dead message goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grave {
    /// As the settings of its queue say.
    AsSet,
    /// Nowhere: it is dropped.
    None,
    /// Into its queue again, after so many ms.
    Again {
        /// Ms until then.
        after_ms: u64,
    },
    /// To this place. A queue that is not there is made, see [`Dialect::dead_letter_queue`].
    Place {
        /// Node.
        node: Arc<str>,
        /// Routing key.
        key: Arc<str>,
        /// Time to live there in ms; absent: no limit.
        ttl_ms: Option<u64>,
    },
}

/// A queue that a broker has from its start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Provided {
    /// The queue.
    pub queue: QueueSpec,
    /// Nodes and keys that it is bound to.
    pub bindings: Vec<(Arc<str>, Arc<str>)>,
}

/// A node that every namespace has from the start.
#[derive(Clone, Debug)]
pub struct Predefined {
    /// Name.
    pub name: &'static str,
    /// Kind.
    pub kind: NodeKind,
    /// Clients may not publish to it.
    pub is_internal: bool,
}

/// A vendor's ways.
pub trait Dialect: Send + Sync {
    /// What tells the data of this dialect from that of others; `None` for the one whose data bears no mark.
    fn mark(&self) -> Option<&'static str> {
        None
    }

    /// The sentence a client of this vendor expects for an error, without any reply code's name in front.
    fn error_text(&self, error: &Error) -> String;

    /// Meaning of a queue declaration's arguments. Unknown arguments are kept for comparison and have no effect.
    ///
    /// # Errors
    /// The first argument with a wrong type, value or combination.
    fn queue_options(&self, arguments: &Map) -> Result<QueueOptions, ArgumentError>;

    /// Name of the argument that tells a queue's class.
    fn class_argument(&self) -> &'static str;

    /// What that argument says for a class.
    fn class_name(&self, class: QueueClass) -> &'static str;

    /// Names of the arguments that a second declaration must repeat exactly, without the one of the class.
    fn compared_arguments(&self) -> &'static [&'static str];

    /// Names of the arguments of a node that a second declaration must repeat exactly.
    fn compared_node_arguments(&self) -> &'static [&'static str];

    /// Meaning of a policy's definition.
    ///
    /// # Errors
    /// The first key that is unknown or has a wrong value.
    fn policy_options(&self, definition: &Map) -> Result<QueueOptions, ArgumentError>;

    /// Fallback target that a node declaration's arguments name.
    ///
    /// # Errors
    /// An argument with a wrong type.
    fn node_fallback(&self, arguments: &Map) -> Result<Option<Arc<str>>, ArgumentError>;

    /// What a kind of node is called.
    fn node_kind_name(&self, kind: &NodeKind) -> &'static str;

    /// The kind of node that a declaration names; `None` for one that there is not.
    ///
    /// # Errors
    /// An argument with a wrong type.
    fn node_kind(&self, kind_name: &str, arguments: &Map) -> Result<Option<NodeKind>, ArgumentError>;

    /// Whether clients may not make things of this name.
    fn is_reserved(&self, name: &str) -> bool;

    /// Name for a queue that the broker names, from 128 random bits (S6).
    fn generated_name(&self, random: [u8; 16]) -> String;

    /// Name under which permissions know the default node.
    fn default_node_alias(&self) -> &'static str;

    /// What permissions know a place by.
    fn guard(&self, node: &str, key: &str) -> Guard {
        let _ = (node, key);
        Guard::Node
    }

    /// Name under which permissions know a queue.
    fn queue_permission_name<'a>(&self, name: &'a str) -> Cow<'a, str> {
        Cow::Borrowed(name)
    }

    /// Whether a consumer of all queues that match this pattern is to have this one.
    fn is_matching_queue(&self, pattern: &str, queue: &str) -> bool {
        let _ = (pattern, queue);
        false
    }

    /// Settings of a queue of this name that nothing else sets.
    fn queue_defaults(&self, name: &str) -> QueueOptions {
        let _ = name;
        QueueOptions::default()
    }

    /// The queue that is made when a dead-letter route leads to this name on the default node and there is none.
    fn dead_letter_queue(&self, name: &str) -> Option<QueueSpec> {
        let _ = name;
        None
    }

    /// Where a dead message goes. Asked about queues only that have a dead-letter route by their settings.
    fn grave(&self, dead: &DeadMessage<'_>) -> Grave {
        let _ = dead;
        Grave::AsSet
    }

    /// Where else messages go that are sent to a place; `None` for a place that forwards nothing. Always the same answer.
    fn forwards(&self, node: &str, key: &str) -> Option<Arc<Forwards>> {
        let _ = (node, key);
        None
    }

    /// Whether the last messages of any topic are kept for subscribers to come. Asked once.
    fn recalls(&self) -> bool {
        false
    }

    /// How much of a topic is kept for them.
    fn recall(&self, topic: &str) -> Option<Recall> {
        let _ = topic;
        None
    }

    /// Ms between two looks for slow consumers, in which the times of all rules go up; `None`: there are no rules. Asked once.
    fn slow_check_ms(&self) -> Option<u64> {
        None
    }

    /// When consumers of a queue of this name are slow. Of the queue behind a subscription to topics its places are given.
    fn slow_rule(&self, queue: &str, places: &[(Arc<str>, Arc<str>)]) -> Option<SlowRule> {
        let _ = (queue, places);
        None
    }

    /// What happens to every message as it comes in. Asked once.
    fn intake(&self) -> Intake {
        Intake::default()
    }

    /// Queues of the default namespace that are made at the start when they are not there.
    fn provided(&self) -> Vec<Provided> {
        Vec::new()
    }

    /// Variables that key permissions may hold, with their values for a user in a namespace.
    fn principal_variables(&self, user: &Arc<str>, namespace: &str) -> Vec<(Arc<str>, Arc<str>)>;

    /// Role that a user's tag gives, if it gives one.
    fn role_of_tag(&self, tag: &str) -> Option<Role>;

    /// Group that a user's tag puts it in, if it does.
    fn group_of_tag<'a>(&self, tag: &'a str) -> Option<&'a str> {
        let _ = tag;
        None
    }

    /// Nodes of a new namespace.
    fn predefined(&self) -> &'static [Predefined];

    /// Name of the namespace that exists from the start.
    fn default_namespace(&self) -> &'static str;

    /// There is the default namespace and no other.
    fn has_one_namespace(&self) -> bool {
        false
    }

    /// The name that a client gives itself is one connection's alone, whatever its protocol. Always the same answer.
    fn has_sole_clients(&self) -> bool {
        false
    }

    /// Key on the topic node with which an event is told; `None` for one of which nobody is to hear.
    fn event_key(&self, event: &Event) -> Option<String> {
        let _ = event;
        None
    }

    /// Tells of a key, which may be a pattern, whether its subscribers hear of events. Asked once.
    fn event_listening(&self) -> fn(&str) -> bool {
        |_| false
    }

    /// Topic wildcard language.
    fn wildcards(&self) -> Wildcards;

    /// Node on which topics of every protocol meet; empty: there is none.
    fn topic_node(&self) -> &'static str {
        ""
    }

    /// Name for the queue that keeps a client's messages.
    fn client_queue_name(&self, client: &str) -> String {
        client.to_owned()
    }

    /// Arguments of such a queue, and of one that a group shares.
    fn client_queue_arguments(&self) -> Map {
        Map::new()
    }

    /// Name for the queue of a subscription that a group shares.
    fn group_queue_name(&self, group: &str, key: &str) -> String {
        format!("{group}/{key}")
    }

    /// Filter on what a queue takes in, as its arguments say (a durable subscription's selector). Asked at the
    /// declaration and again at each recovery.
    fn admission(&self, arguments: &Map, filters: &Filters) -> Option<Arc<dyn Filter>> {
        let _ = (arguments, filters);
        None
    }

    /// Whether a queue of this name lets in only what one of its consumers would take, of all that was not sent to the queue
    /// itself. Asked when it is made and again at each recovery.
    fn takes_wanted_only(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// Whether queues with these arguments let in the same.
    fn has_same_admission(&self, arguments: &Map, others: &Map) -> bool {
        let _ = (arguments, others);
        true
    }

    /// Name of a place, as a message shows it where text is all that there is: kind and name of a queue or topic. A queue
    /// is its key on the default node.
    fn place_name<'a>(&self, node: &str, key: &'a str) -> Cow<'a, str> {
        let _ = node;
        Cow::Borrowed(key)
    }

    /// What a receiver that only reads text headers is told of a message's dead-letter history: the first and the last
    /// death, in this dialect's words.
    fn history_headers(&self, history: &History) -> Map {
        let _ = history;
        Map::new()
    }

    /// Priority of a consumer given in its arguments, 0 when absent.
    ///
    /// # Errors
    /// A value that is not a whole number.
    fn consumer_priority(&self, arguments: &Map) -> Result<i32, ArgumentError>;

    /// The dialect's addresses; `None` when it has none.
    fn addresses(&self) -> Option<&dyn Addresses> {
        None
    }

    /// The dialect's addresses of links; `None` when it has none.
    fn link_addresses(&self) -> Option<&dyn LinkAddresses> {
        None
    }

    /// The dialect's places; `None` when it has none.
    fn places(&self) -> Option<&dyn Places> {
        None
    }

    /// What properties that schedule messages are called; `None` where messages can't be scheduled.
    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        None
    }

    /// How a value reads in this dialect's error texts.
    fn value_text(&self, value: &Value) -> String;
}
