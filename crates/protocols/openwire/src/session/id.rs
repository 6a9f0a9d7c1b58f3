//! Ids of messages, as they are kept.

use std::{
    borrow::Cow,
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
};

use crate::codec::{Field, Object, wire::Cursor};

/// The id of a message, read where it is kept.
pub(super) struct KeptId<'a> {
    /// The producer's id as it is kept; empty when there is none.
    pub(super) producer: &'a [u8],
    pub(super) connection: Option<Cow<'a, str>>,
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
        let _view = cursor.text().ok()?;
        let rest = cursor.rest();
        if !cursor.flag().ok()? {
            let sequence = cursor.i64().ok()?;
            return Some(Self { producer: &[], connection: None, session: 0, value: 0, sequence });
        }
        let _kind = cursor.u8().ok()?;
        let connection = cursor.text().ok()?;
        let [value, session] = [cursor.i64().ok()?, cursor.i64().ok()?];
        let producer = rest.get(..rest.len() - cursor.rest().len())?;
        Some(Self { producer, connection, session, value, sequence: cursor.i64().ok()? })
    }

    /// A number that stands for it; 0 when it names no producer.
    pub(super) fn hash(&self) -> u64 {
        if self.producer.is_empty() {
            return 0;
        }
        hash_of(self.connection.as_deref(), self.session, self.value, self.sequence)
    }
}

/// As [`KeptId::hash`].
pub(super) fn hash_of_id(id: &Object<'_>) -> u64 {
    let Some(producer) = id.object(Field::ProducerId) else { return 0 };
    let connection = producer.text(Field::ConnectionId);
    let [session, value] = [Field::SessionId, Field::Value].map(|field| producer.number(field));
    hash_of(connection, session, value, id.number(Field::ProducerSequenceId))
}

fn hash_of(connection: Option<&str>, session: i64, value: i64, sequence: i64) -> u64 {
    BuildHasherDefault::<DefaultHasher>::default().hash_one((connection, session, value, sequence))
}
