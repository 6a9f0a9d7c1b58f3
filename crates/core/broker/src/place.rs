//! Places: destinations of protocols that say their kind apart from their name. What stands behind one is the dialect's.

use std::{borrow::Cow, sync::Arc};

use ternmq_message::Map;

use crate::{
    address::{AddressError, Source, Target},
    figures::{Figures, Question},
};

/// A destination taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Place<'a> {
    /// A queue.
    Queue(Cow<'a, str>),
    /// A topic; in a subscription it may hold wildcards.
    Topic(Cow<'a, str>),
    /// A queue of one connection.
    TemporaryQueue(Cow<'a, str>),
    /// A topic of one connection.
    TemporaryTopic(Cow<'a, str>),
}

impl Place<'_> {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Queue(name)
            | Self::Topic(name)
            | Self::TemporaryQueue(name)
            | Self::TemporaryTopic(name) => name,
        }
    }

    /// Whether it belongs to one connection.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::TemporaryQueue(_) | Self::TemporaryTopic(_))
    }
}

/// What a consumer wants of its source.
#[derive(Clone, Copy, Debug, Default)]
pub struct PlaceWishes<'a> {
    /// Client and name of the durable subscription that it is.
    pub durable: Option<(&'a str, &'a str)>,
    /// What its own connection publishes is not for it.
    pub skips_own: bool,
    /// Retained messages come too.
    pub wants_retained: bool,
    /// Unsettled deliveries that it asks for at once.
    pub window: u32,
    /// Most messages that wait for it, the oldest go.
    pub pending_limit: Option<u32>,
    /// Selector of the messages that are for it, which can be read.
    pub selector: Option<&'a str>,
    /// For names that nobody may guess (S6).
    pub random: [u8; 16],
}

/// A vendor's places.
pub trait Places: Send + Sync {
    /// Where a message to a place goes.
    ///
    /// # Errors
    /// Nothing can be sent there.
    fn target_of(&self, place: &Place<'_>) -> Result<Target, AddressError>;

    /// What a consumer of one of the places, or of several topics, receives from. Those of a connection are there already.
    ///
    /// # Errors
    /// Nothing can be received from there, or not as wished.
    fn sources_of(&self, places: &[Place<'_>], wishes: &PlaceWishes<'_>)
    -> Result<Vec<Source>, AddressError>;

    /// Most unsettled deliveries of a consumer of a place that asks for so many, of a durable subscription or not.
    fn window_of(&self, place: &Place<'_>, is_durable: bool, asked: u32) -> u32 {
        let _ = (place, is_durable);
        asked
    }

    /// Whether one consumer of a place gets everything as long as it is there, though it did not ask for that.
    fn is_for_one(&self, place: &Place<'_>) -> bool {
        let _ = place;
        false
    }

    /// What a message to a place asks, if it is answered instead of being sent.
    fn question_of(&self, place: &Place<'_>) -> Option<Question> {
        let _ = place;
        None
    }

    /// Figures under the dialect's names.
    fn answer_of(&self, figures: &Figures) -> Map {
        let _ = figures;
        Map::new()
    }

    /// The place that a message published to a node with a key was sent to.
    fn place_of<'a>(&self, node: &str, key: &'a str) -> Place<'a>;

    /// The queue by which a connection holds a temporary place; that of a temporary topic is always empty.
    ///
    /// # Errors
    /// The place is none.
    fn temporary_queue(&self, place: &Place<'_>) -> Result<Arc<str>, AddressError>;

    /// The temporary place that a connection holds by a queue of this name, if it is one.
    fn temporary_place<'a>(&self, queue: &'a str) -> Option<Place<'a>>;

    /// Name of the durable subscription whose queue has this name, if it is one's.
    fn durable_name(&self, queue: &str) -> Option<String> {
        let _ = queue;
        None
    }

    /// The queue of a durable subscription.
    fn durable_queue(&self, client: &str, name: &str) -> Arc<str>;
}
