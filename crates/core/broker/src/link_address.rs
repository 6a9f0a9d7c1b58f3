//! Addresses of links: where a protocol with one-way links sends to or receives from, said once for the whole link. Their
//! grammar is the dialect's.

use std::{borrow::Cow, sync::Arc};

use ternmq_message::Value;

use crate::{
    address::{AddressError, AddressQueue, ReplyPlace, Source, Target},
    broker::Broker,
    effect::SessionId,
    log::Receipt,
    scheduled::ScheduleWords,
};

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
    /// Selector of the messages that it wants, which can be read.
    pub selector: Option<&'a str>,
    /// What its own connection publishes is not for it.
    pub skips_own: bool,
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

    /// Where one message goes that says it itself. `capabilities` is what it says that the place is.
    ///
    /// # Errors
    /// It is no address, or none that can be sent to.
    fn message_target(&self, address: &str, capabilities: &[&str]) -> Result<Target, AddressError>;

    /// Whether a message to this node that nobody wants is taken and dropped; else its sender is told.
    fn drops_unwanted(&self, node: &str) -> bool {
        let _ = node;
        false
    }

    /// Names of the headers that have a message's group and its number in it, where messages are put into groups.
    fn group_words(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// What headers that schedule a message are called, where messages of links can be scheduled.
    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        None
    }

    /// The address of a queue.
    fn queue_address(&self, queue: &str) -> String;

    /// The address of a key of the node where topics of every protocol meet.
    fn topic_address(&self, key: &str) -> String;

    /// What an address for answers stands for. `capabilities` is what the message says that it is.
    fn reply_place_of<'a>(&self, address: &'a str, capabilities: &[&str]) -> ReplyPlace<'a>;

    /// The queue by which a connection has the node that one of its links wants made. `capabilities` is what the client
    /// says that it is to be; its address is that of the queue.
    ///
    /// # Errors
    /// There is nothing of the kind that can be made.
    fn temporary_queue(&self, capabilities: &[&str], random: [u8; 16]) -> Result<AddressQueue, AddressError>;

    /// The queue of the durable subscription that a client's links of this name receive from, if there can be such.
    fn kept_subscription(&self, client: &str, link: &str) -> Option<Arc<str>> {
        let _ = (client, link);
        None
    }

    /// What of the vendor's extensions connections are offered, beside those that the protocol brings.
    fn offered(&self) -> &'static [&'static str] {
        &[]
    }

    /// What addresses of queues and of topics begin with, where clients that know names alone are told so.
    fn prefixes(&self) -> Option<[&'static str; 2]> {
        None
    }

    /// A receiver that asks for copies of a queue's messages is shown them and takes none. Elsewhere it is told that it moves
    /// them, as any other.
    fn copies_queues(&self) -> bool {
        false
    }

    /// The subject of a message is what other protocols call its type, as with JMS (AMQP JMS Mapping 1.0 3.2.1).
    fn subject_is_type(&self) -> bool {
        false
    }

    /// The node that answers requests about definitions, when there is one.
    fn definitions(&self) -> Option<&dyn DefinitionNode> {
        None
    }

    /// Product and version that the vendor's clients look for before they use what it has; `None`: they look for none.
    fn told_product(&self) -> Option<(&'static str, &'static str)> {
        None
    }

    /// Namespace of a client that names this host.
    fn link_namespace<'a>(&self, host: Option<&'a str>) -> Cow<'a, str>;
}

/// A request about definitions that came as a message.
#[derive(Clone, Copy, Debug)]
pub struct DefinitionRequest<'a> {
    /// What to do.
    pub method: &'a str,
    /// With what.
    pub target: &'a str,
    /// How it is to be.
    pub body: &'a Value,
    /// Namespace of the session.
    pub namespace: &'a str,
}

/// The answer to one.
#[derive(Clone, Debug, PartialEq)]
pub struct DefinitionAnswer {
    /// Three digits, as those of HTTP.
    pub status: u16,
    /// What there is to say.
    pub body: Value,
    /// What has to be durable before it is said (I10).
    pub receipt: Receipt,
}

/// A node to which messages are requests: to make, show and remove queues, nodes and bindings.
pub trait DefinitionNode: Send + Sync {
    /// Its address.
    fn address(&self) -> &'static str;

    /// Answers a request with the broker's verbs, as the session may.
    fn answer(
        &self,
        broker: &mut Broker,
        session: SessionId,
        request: &DefinitionRequest<'_>,
    ) -> DefinitionAnswer;
}
