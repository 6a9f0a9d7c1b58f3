//! Messages for consumers: as they are kept where that is possible, put together where it is not.

use std::sync::Arc;

use ternmq_broker::{Broker, Deliver};

use super::id::{hash_of_id, hash_of_kept};
use crate::{
    codec::{Encoding, Ends, Extent, Field, Object, Relay, Value, Walks, wire::Cursor},
    format::{ENCODING, relay},
    translate::{Known, expiration, message_of},
};

/// A message for a consumer.
pub(super) enum Outgoing<'a> {
    /// Its bytes go over as they are kept, but for what is changed.
    Kept(Relay<'a>),
    /// It is put together.
    Made(Object<'a>),
}

/// A message for a consumer, as it is kept where that is possible. `queue` is the one that it comes from; `room` is
/// for where its fields end, `walks` has messages before it.
#[inline]
pub(super) fn outgoing<'a>(
    broker: &Broker,
    deliver: &'a Deliver,
    queue: &str,
    encoding: Encoding,
    room: &'a mut Ends,
    walks: &mut Walks,
) -> Outgoing<'a> {
    match relay_of(deliver, encoding, room, walks) {
        Some(relay) => Outgoing::Kept(relay),
        None => Outgoing::Made(message_of(&Known::of(broker), deliver, queue)),
    }
}

/// `None` for a message of another encoding, without an id, or with a history to tell.
#[inline]
fn relay_of<'a>(
    deliver: &'a Deliver,
    encoding: Encoding,
    room: &'a mut Ends,
    walks: &mut Walks,
) -> Option<Relay<'a>> {
    let message = &deliver.message;
    if message.meta().encoding != ENCODING || message.history().is_some() {
        return None;
    }
    // Both are told behind the content.
    let is_told_behind = deliver.is_group_first || deliver.is_redelivered || deliver.failed_count > Some(0);
    let is_front_enough = encoding.is_kept_alike() && !is_told_behind;
    let extent = if is_front_enough { Extent::Front } else { Extent::Whole };
    let mut kept = relay(message.head(), message.body(), extent, room, walks)?;
    if !Cursor::new(kept.stored().raw(Field::MessageId)).flag().ok()? {
        return None;
    }
    let number = i64::try_from(deliver.delivery.0).unwrap_or(i64::MAX);
    kept.set_sequence(number);
    let expires_at_ms = kept.stored().number(Field::Expiration);
    if expires_at_ms > 0 && expires_at_ms < expiration(deliver) {
        kept.set(Field::Expiration, Value::Long(expiration(deliver)));
    }
    Some(kept)
}

impl<'a> Outgoing<'a> {
    /// A number that stands for its id.
    pub(super) fn id_hash(&self) -> u64 {
        match self {
            Self::Kept(kept) => hash_of_kept(kept.stored().raw(Field::MessageId)).unwrap_or_default(),
            Self::Made(made) => made.object(Field::MessageId).map_or(0, |id| hash_of_id(id)),
        }
    }

    /// Says where it comes from, and where it was sent to if that is another place. `raw`: the destination as it is kept.
    pub(super) fn set_destination(&mut self, destination: &Arc<Object<'static>>, raw: &[u8]) {
        let sent_to = match self {
            Self::Kept(kept) if kept.stored().raw(Field::Destination) == raw => return,
            Self::Kept(kept) => kept.stored().object(Field::Destination).map(Arc::new),
            Self::Made(made) => made.object(Field::Destination).cloned(),
        };
        if let Some(sent_to) = sent_to.filter(|sent_to| **sent_to != **destination) {
            self.set(Field::OriginalDestination, Value::Object(sent_to));
        }
        self.set(Field::Destination, Value::Object(destination.clone()));
    }

    /// Sets a field.
    pub(super) fn set(&mut self, field: Field, value: Value<'a>) {
        match self {
            Self::Kept(kept) => kept.set(field, value),
            Self::Made(made) => made.set(field, value),
        }
    }
}
