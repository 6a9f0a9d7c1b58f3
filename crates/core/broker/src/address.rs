//! Addresses: one text by which an application names where it sends to, or what it wants to receive. Protocols that have
//! no declarations of their own use them; their grammar, and what is made when one is used, is the dialect's.

use std::{borrow::Cow, sync::Arc};

use ternmq_selector::Selector;

use crate::{queues::QueueSpec, scheduled::ScheduleWords, subscription::SubscriptionSpec};

/// What a client says beside an address, by name.
pub trait AddressOptions {
    /// Value of the option of this name.
    fn option(&self, name: &str) -> Option<Cow<'_, str>>;

    /// The first name that `is_meant` says yes to.
    fn find_name(&self, is_meant: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>>;
}

/// An address as a client uses it.
#[derive(Clone, Copy)]
pub struct AddressRequest<'a> {
    /// The address.
    pub text: &'a str,
    /// What the client says beside it.
    pub options: &'a dyn AddressOptions,
    /// Name that the client gave the subscription.
    pub subscription: Option<&'a str>,
    /// Name that the client gave itself.
    pub client: Option<&'a str>,
    /// Text that stands for the connection and that nobody else can guess (S6).
    pub owner: &'a str,
    /// For names that nobody may guess (S6).
    pub random: [u8; 16],
}

/// A queue behind an address.
#[derive(Clone, Debug, PartialEq)]
pub enum AddressQueue {
    /// It has to be there.
    Existing(Arc<str>),
    /// It is declared: one that is there has to be the same.
    Declared(QueueSpec),
    /// It is made when there is none of its name.
    OnUse(QueueSpec),
    /// The connection's own, made at its first use; its name holds the connection's text.
    Own(Arc<str>),
}

/// Where an address sends to.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Node.
    pub node: Arc<str>,
    /// Routing key.
    pub key: Arc<str>,
    /// Queue that has to be there before the first message.
    pub queue: Option<AddressQueue>,
}

/// Queue that an address receives from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceQueue {
    /// One that others may know.
    Shared(AddressQueue),
    /// That of a subscription.
    Subscription(SubscriptionSpec),
    /// All queues that match a pattern of the dialect's, see [`crate::Dialect::is_matching_queue`].
    Matching(Arc<str>),
    /// Those of several sources.
    Several(Vec<Source>),
}

/// What an address receives from.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The queue.
    pub queue: SourceQueue,
    /// Node and key that the queue is bound to.
    pub binding: Option<(Arc<str>, Arc<str>)>,
    /// The queue stands for the subscription: it goes when a durable subscription is given up.
    pub is_subscription: bool,
}

impl Source {
    /// Its queue is a declared one that others know too.
    #[must_use]
    pub fn is_declared(&self) -> bool {
        !self.is_subscription && matches!(self.queue, SourceQueue::Shared(AddressQueue::Declared(_)))
    }

    /// It is consumed from by [`crate::Broker::consume_several`].
    #[must_use]
    pub fn is_wide(&self) -> bool {
        matches!(self.queue, SourceQueue::Matching(_) | SourceQueue::Several(_))
    }
}

/// Everything that a subscription receives from, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct Sources {
    /// One consumer each.
    pub all: Vec<Source>,
    /// Most unsettled deliveries; absent: no limit.
    pub window: Option<u32>,
    /// Priority of the consumers.
    pub priority: i32,
    /// See [`crate::ConsumeSpec::is_preferred`].
    pub is_preferred: bool,
    /// What the consumers of shared queues take; the rest stays for others. The queue of a subscription has its own by its
    /// arguments.
    pub selector: Option<Selector>,
}

impl Sources {
    /// One source, consumed from without any wishes.
    #[must_use]
    pub fn one(source: Source) -> Self {
        Self { all: vec![source], window: None, priority: 0, is_preferred: false, selector: None }
    }
}

/// Where answers to a message shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyTo<'a> {
    /// What the client says stays as it is.
    Stated,
    /// A temporary queue of the connection, made at its first use and read by it at once, by the client's name for it.
    Temporary(&'a str),
    /// A place of the connection's own.
    Own {
        /// The address by which others know it.
        address: String,
        /// Its queue, made at its first use.
        queue: Option<Arc<str>>,
    },
}

/// What a reply address means to a receiver that knows no addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyPlace<'a> {
    /// A queue of this name.
    Queue(Cow<'a, str>),
    /// The node where topics of every protocol meet, with this key.
    Topic(Cow<'a, str>),
    /// Nothing but the address says it.
    Address,
}

/// An address that can't be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressError {
    /// What is wrong, in a few words.
    pub summary: Cow<'static, str>,
    /// The sentence for the client.
    pub text: String,
}

/// What the headers of a protocol of text are called, and what the broker says in them without being asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeaderWords {
    /// Time to live in ms.
    pub ttl: Option<&'static str>,
    /// Time in ms since 1970 at which the message expires; 0: never.
    pub expires_at: Option<&'static str>,
    /// User that the message claims to come from.
    pub claimed_user: Option<&'static str>,
    /// How often a message was given back.
    pub failed_count: Option<&'static str>,
    /// Whether a refused message goes back to its queue.
    pub requeue: Option<&'static str>,
    /// The message is to be retained for its key.
    pub retain: Option<&'static str>,
    /// Name of the message's group, and its number in it.
    pub group: Option<(&'static str, &'static str)>,
    /// That the consumer gets the message's group with it.
    pub group_first: Option<&'static str>,
    /// What headers that schedule a message are called, where messages can be scheduled.
    pub schedule: Option<&'static ScheduleWords>,
    /// Headers that a sender has no say in, dropped from what it sends.
    pub dropped: &'static [&'static str],
    /// Headers that ask for what there is not: what has one of them is refused.
    pub refused: &'static [&'static str],
    /// Priority of a message that has none, and the highest.
    pub priorities: (u8, u8),
    /// Every message is told its priority, its expiry and, in ms, its time; else only what was said, the time in s.
    pub tells_all: bool,
    /// That a message was not delivered before is told too.
    pub tells_first_delivery: bool,
    /// Errors begin with a code of their kind.
    pub has_codes: bool,
    /// Start of what an acknowledgement names a delivery by, where that is not the id of its message.
    pub ack_start: &'static str,
}

impl HeaderWords {
    /// Where nothing has a name yet.
    pub const NONE: Self = Self {
        ttl: None,
        expires_at: None,
        claimed_user: None,
        failed_count: None,
        requeue: None,
        retain: None,
        group: None,
        group_first: None,
        schedule: None,
        dropped: &[],
        refused: &[],
        priorities: (0, u8::MAX),
        tells_all: false,
        tells_first_delivery: false,
        has_codes: true,
        ack_start: "",
    };
}

/// A vendor's addresses.
pub trait Addresses: Send + Sync {
    /// Where a message with this address goes. `verb` is what the client said, for the sentence.
    ///
    /// # Errors
    /// It is none, or none that can be sent to.
    fn targets(&self, request: AddressRequest<'_>, verb: &str) -> Result<Vec<Target>, AddressError>;

    /// What a subscription of this address receives from.
    ///
    /// # Errors
    /// It is none, or none that can be subscribed to.
    fn sources(&self, request: AddressRequest<'_>, verb: &str) -> Result<Sources, AddressError>;

    /// The meaning of a message's reply address, for the connection that `owner` stands for.
    ///
    /// # Errors
    /// It is none.
    fn reply_to<'a>(&self, text: &'a str, owner: &str) -> Result<ReplyTo<'a>, AddressError>;

    /// The address that a message published to a node with a key was sent to, as the connection knows it that `owner`
    /// stands for.
    fn address_of(&self, node: &str, key: &str, owner: &str) -> String;

    /// A reply address for a client that knows addresses only: the stated one, or the one of the queue that it names.
    fn reply_address<'a>(&self, reply_to: &'a str, owner: &str) -> Cow<'a, str>;

    /// What such a reply address stands for.
    fn reply_place<'a>(&self, reply_to: &'a str) -> ReplyPlace<'a>;

    /// Whether the options of a subscription ask for one that outlives its connection.
    fn is_durable_subscription(&self, options: &dyn AddressOptions) -> bool;

    /// The queue of the durable subscription that the options of an UNSUBSCRIBE give up for good, in a dialect where that
    /// is said apart from the end of its consumer. `client` is the name that the client gave itself.
    ///
    /// # Errors
    /// Options that name none.
    fn given_up(
        &self,
        options: &dyn AddressOptions,
        client: Option<&str>,
    ) -> Result<Option<Arc<str>>, AddressError> {
        let _ = (options, client);
        Ok(None)
    }

    /// Whether clients of protocol versions that have names for subscriptions must give one.
    fn needs_subscription_name(&self) -> bool {
        false
    }

    /// What headers are called.
    fn words(&self) -> &'static HeaderWords;

    /// The refusal of an acknowledgement that names nothing which was delivered: what the client said, and the header and
    /// value by which it named it.
    fn unknown_delivery(&self, verb: &str, header: &str, value: &str) -> AddressError;

    /// The sentence for a login that is refused.
    fn login_refused(&self, user: &str) -> String;

    /// The sentence for a namespace that a client may not enter, or that is not there.
    fn namespace_refused(&self, namespace: &str) -> String;

    /// Namespace of a client that names this host.
    fn namespace_of<'a>(&self, host: Option<&'a str>) -> Cow<'a, str>;
}
