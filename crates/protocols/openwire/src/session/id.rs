//! Ids of messages, as they are kept.

use std::hash::{BuildHasher, Hasher};

use foldhash::fast::FixedState;

use crate::codec::{Field, Object, text, wire::Cursor};

/// The id of a message, read where it is kept.
pub(super) struct KeptId<'a> {
    /// The producer's id as it is kept; empty when there is none.
    pub(super) producer: &'a [u8],
    /// The text of its connection as it is kept.
    pub(super) connection: Option<&'a [u8]>,
    pub(super) session: i64,
    pub(super) value: i64,
    pub(super) sequence: i64,
}

impl<'a> KeptId<'a> {
    /// `None` when there is no id.
    pub(super) fn of(raw: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor::new(raw);
        if !cursor.flag().ok()? {
            return None;
        }
        let _kind = cursor.u8().ok()?;
        let _view = cursor.raw_text().ok()?;
        let rest = cursor.rest();
        if !cursor.flag().ok()? {
            let sequence = cursor.i64().ok()?;
            return Some(Self { producer: &[], connection: None, session: 0, value: 0, sequence });
        }
        let _kind = cursor.u8().ok()?;
        let connection = cursor.raw_text().ok()?;
        let [value, session] = [cursor.i64().ok()?, cursor.i64().ok()?];
        let producer = rest.get(..rest.len() - cursor.rest().len())?;
        Some(Self { producer, connection, session, value, sequence: cursor.i64().ok()? })
    }
}

/// A number that stands for an id that is kept; `None` when it names no producer.
pub(super) fn hash_of_kept(raw: &[u8]) -> Option<u64> {
    let mut cursor = Cursor::new(raw);
    if !cursor.flag().ok()? {
        return None;
    }
    let _kind = cursor.u8().ok()?;
    let _view = cursor.raw_text().ok()?;
    if !cursor.flag().ok()? {
        return None;
    }
    let _kind = cursor.u8().ok()?;
    let connection = cursor.raw_text().ok()?;
    // The producer's two numbers, and the message's.
    let numbers = cursor.take(24).ok()?;
    Some(hash_of(connection.unwrap_or_default(), numbers))
}

/// The same of an id that was read; 0 when it names no producer.
pub(super) fn hash_of_id(id: &Object<'_>) -> u64 {
    let Some(producer) = id.object(Field::ProducerId) else { return 0 };
    let connection = producer.text(Field::ConnectionId).map(text::fitting);
    let [value, session] = [Field::Value, Field::SessionId].map(|field| producer.number(field));
    let numbers = [value, session, id.number(Field::ProducerSequenceId)].map(i64::to_be_bytes);
    hash_of(&connection.unwrap_or_default(), numbers.as_flattened())
}

/// The connection as it is kept, and three numbers as they are.
fn hash_of(connection: &[u8], numbers: &[u8]) -> u64 {
    // A client that finds two ids with one number confuses nobody but itself.
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(connection);
    hasher.write(numbers);
    hasher.finish()
}
