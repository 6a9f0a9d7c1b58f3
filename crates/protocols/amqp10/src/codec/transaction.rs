//! What is said to a coordinator (AMQP 1.0 4.5.5, 4.5.6).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::{Fields, required},
    value::Value,
    write::{ListWriter, put_binary, put_bool, put_value},
};

/// The value of a message to a coordinator.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Control<'a> {
    /// A transaction is to begin.
    Declare {
        /// Transaction that several resources share.
        global_id: Option<Value<'a>>,
    },
    /// One is to end.
    Discharge {
        /// Its id.
        txn_id: &'a [u8],
        /// By a rollback.
        fail: bool,
    },
}

impl<'a> Control<'a> {
    /// Reads it from the body of a message.
    ///
    /// # Errors
    /// It is neither, or one of its fields is wrong.
    pub fn decode(value: Option<Value<'a>>) -> Result<Self, DecodeError> {
        let Some(Value::Described(described)) = value else { return Err(DecodeError::UnknownDescriptor) };
        match described.code() {
            Some(code::DECLARE) => {
                let global_id = Fields::of(described.value(), "declare")?.any()?;
                Ok(Self::Declare { global_id })
            }
            Some(code::DISCHARGE) => {
                let mut fields = Fields::of(described.value(), "discharge")?;
                Ok(Self::Discharge {
                    txn_id: required(fields.binary("txn-id")?, "txn-id")?,
                    fail: fields.bool("fail")?.unwrap_or_default(),
                })
            }
            _ => Err(DecodeError::UnknownDescriptor),
        }
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Declare { global_id } => {
                ListWriter::described(out, code::DECLARE).field(global_id.as_ref(), put_value).end();
            }
            Self::Discharge { txn_id, fail } => ListWriter::described(out, code::DISCHARGE)
                .field(Some(*txn_id), put_binary)
                .field(Some(*fail), put_bool)
                .end(),
        }
    }
}
