//! Addresses of links: where a protocol with one-way links sends to or receives from, said once for the whole link. Their
//! grammar is the dialect's.

use std::{borrow::Cow, sync::Arc};

use crate::address::{AddressError, ReplyPlace, Source, Target};

/// One end of a link as a client names it.
#[derive(Clone, Copy, Debug)]
pub struct LinkRequest<'a> {
    /// The address.
    pub address: &'a str,
    /// The client wants what stands for the address to outlive it.
    pub is_durable: bool,
    /// What the client says that the node is, by names of the dialect.
    pub capabilities: &'a [&'a str],
    /// Name of the link.
    pub link: &'a str,
    /// Name that the client gave itself.
    pub client: &'a str,
    /// For names that nobody may guess (S6).
    pub random: [u8; 16],
}

/// The key of the messages of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkKey {
    /// The same for all.
    Fixed(Arc<str>),
    /// Each message's subject.
    Subject,
}

/// Where the messages of a link go.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkTarget {
    /// Where to, with the key that [`LinkKey::Subject`] takes the place of.
    pub target: Target,
    /// Their keys.
    pub key: LinkKey,
}

/// A vendor's addresses of links.
pub trait LinkAddresses: Send + Sync {
    /// Where a link sends to.
    ///
    /// # Errors
    /// It is no address, or none that can be sent to.
    fn link_target(&self, request: LinkRequest<'_>) -> Result<LinkTarget, AddressError>;

    /// What a link receives from.
    ///
    /// # Errors
    /// It is no address, or none that can be received from.
    fn link_source(&self, request: LinkRequest<'_>) -> Result<Source, AddressError>;

    /// Where one message goes that says it itself.
    ///
    /// # Errors
    /// It is no address, or none that can be sent to.
    fn message_target(&self, address: &str) -> Result<Target, AddressError>;

    /// The address of a queue.
    fn queue_address(&self, queue: &str) -> String;

    /// The address of a key of the node where topics of every protocol meet.
    fn topic_address(&self, key: &str) -> String;

    /// What an address for answers stands for.
    fn reply_place_of<'a>(&self, address: &'a str) -> ReplyPlace<'a>;

    /// Capabilities that ask for a queue of the connection's own where a link wants its node made.
    fn temporary_capabilities(&self) -> &'static [&'static str];

    /// Address of the node that answers requests for definitions, when there is one.
    fn definitions_address(&self) -> Option<&'static str> {
        None
    }

    /// Namespace of a client that names this host.
    fn link_namespace<'a>(&self, host: Option<&'a str>) -> Cow<'a, str>;
}
