//! Addresses: one text by which an application names where it sends to, or what it wants to receive. Protocols that have
//! no declarations of their own use them; their grammar, and what is made when one is used, is the dialect's.

use std::{borrow::Cow, sync::Arc};

use crate::queues::QueueSpec;

/// What a client says beside an address, by name.
pub trait AddressOptions {
    /// Value of the option of this name.
    fn option(&self, name: &str) -> Option<Cow<'_, str>>;
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
    /// For names that nobody may guess (S6).
    pub random: [u8; 16],
}

/// Where an address sends to.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// Node.
    pub node: Arc<str>,
    /// Routing key.
    pub key: Arc<str>,
    /// Queue that is declared before the first message.
    pub queue: Option<QueueSpec>,
}

/// Queue that an address receives from.
#[derive(Clone, Debug, PartialEq)]
pub enum SourceQueue {
    /// It has to be there.
    Existing(Arc<str>),
    /// It is declared.
    Declared(QueueSpec),
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

/// Where answers to a message shall go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplyTo<'a> {
    /// What the client says stays as it is.
    Stated,
    /// A temporary queue of the connection, made at its first use, by the client's name for it.
    Temporary(&'a str),
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
    pub summary: &'static str,
    /// The sentence for the client.
    pub text: String,
}

/// A vendor's addresses.
pub trait Addresses: Send + Sync {
    /// Where a message with this address goes. `verb` is what the client said, for the sentence.
    ///
    /// # Errors
    /// It is none, or none that can be sent to.
    fn target(&self, request: AddressRequest<'_>, verb: &str) -> Result<Target, AddressError>;

    /// What a subscription of this address receives from.
    ///
    /// # Errors
    /// It is none, or none that can be subscribed to.
    fn source(&self, request: AddressRequest<'_>, verb: &str) -> Result<Source, AddressError>;

    /// The meaning of a message's reply address.
    ///
    /// # Errors
    /// It is none.
    fn reply_to<'a>(&self, text: &'a str) -> Result<ReplyTo<'a>, AddressError>;

    /// The address that a message published to a node with a key was sent to.
    fn address_of(&self, node: &str, key: &str) -> String;

    /// A reply address for a client that knows addresses only: the stated one, or the one of the queue that it names.
    fn reply_address<'a>(&self, reply_to: &'a str) -> Cow<'a, str>;

    /// What such a reply address stands for.
    fn reply_place<'a>(&self, reply_to: &'a str) -> ReplyPlace<'a>;

    /// Whether the options of a subscription ask for one that outlives its connection.
    fn is_durable_subscription(&self, options: &dyn AddressOptions) -> bool;

    /// Namespace of a client that names this host.
    fn namespace_of<'a>(&self, host: Option<&'a str>) -> Cow<'a, str>;

    /// Text that nobody can guess and that may stand in an address, from 128 random bits (S6).
    fn random_text(&self, random: [u8; 16]) -> String;
}
