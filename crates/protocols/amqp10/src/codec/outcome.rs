//! Errors (AMQP 1.0 2.8.14), delivery states (3.4) and transactional state (4.5.8).

use super::{
    descriptor::code,
    error::DecodeError,
    fields::{Fields, required},
    value::{Described, Map, Value},
    write::{
        ListWriter, MapWriter, put_binary, put_bool, put_map, put_string, put_symbol, put_uint, put_ulong,
    },
};

/// Name of the field in what is told beside an error.
const INVALID_FIELD: &str = "invalid-field";

/// An error as it is told or heard.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorInfo<'a> {
    /// Symbol of the condition.
    pub condition: &'a str,
    /// For people.
    pub description: Option<&'a str>,
    /// The field that it is about, told beside it.
    pub invalid_field: Option<&'a str>,
}

impl<'a> ErrorInfo<'a> {
    pub(super) fn decode(value: Option<Value<'a>>) -> Result<Option<Self>, DecodeError> {
        const WHAT: &str = "error";
        let described = match value {
            None => return Ok(None),
            Some(Value::Described(described)) if described.code() == Some(code::ERROR) => described,
            Some(_) => return Err(DecodeError::WrongType { what: WHAT }),
        };
        let mut fields = Fields::of(described.value(), WHAT)?;
        let condition = required(fields.symbol("condition")?, "condition")?;
        let description = fields.string("description")?;
        let info = fields.map("info")?;
        let invalid_field = info.and_then(|info| info.get(INVALID_FIELD)).and_then(|field| field.as_text());
        Ok(Some(Self { condition, description, invalid_field }))
    }

    /// Appends it.
    pub fn put(&self, out: &mut Vec<u8>) {
        ListWriter::described(out, code::ERROR)
            .field(Some(self.condition), put_symbol)
            .field(self.description, put_string)
            .field(self.invalid_field, |out, field| {
                let mut map = MapWriter::start(out);
                map.symbol(INVALID_FIELD, |out| put_symbol(out, field));
                map.end();
            })
            .end();
    }
}

/// State of a delivery.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum DeliveryState<'a> {
    /// So much of it has arrived.
    Received {
        /// Section.
        section_number: u32,
        /// Byte in it.
        section_offset: u64,
    },
    /// Done with.
    Accepted,
    /// Not wanted.
    Rejected {
        /// Why.
        error: Option<ErrorInfo<'a>>,
    },
    /// Given back unseen.
    Released,
    /// Given back with a remark.
    Modified {
        /// The attempt counts as a failure.
        delivery_failed: bool,
        /// Not to be delivered here again.
        undeliverable_here: bool,
        /// To be merged with the annotations of the message.
        message_annotations: Option<Map<'a>>,
    },
    /// A transaction was begun.
    Declared {
        /// Its id.
        txn_id: &'a [u8],
    },
    /// As part of a transaction.
    Transactional {
        /// Its id.
        txn_id: &'a [u8],
        /// Outcome once it commits.
        outcome: Option<Described<'a>>,
    },
    /// A state that the specification does not define.
    Other,
}

impl<'a> DeliveryState<'a> {
    /// Reads a state.
    ///
    /// # Errors
    /// It is none, or has fields of wrong types.
    pub fn decode(value: Option<Value<'a>>) -> Result<Option<Self>, DecodeError> {
        const WHAT: &str = "delivery state";
        let described = match value {
            None => return Ok(None),
            Some(Value::Described(described)) => described,
            Some(_) => return Err(DecodeError::WrongType { what: WHAT }),
        };
        let Some(code) = described.code() else { return Ok(Some(Self::Other)) };
        let mut fields = Fields::of(described.value(), WHAT)?;
        Ok(Some(match code {
            code::RECEIVED => Self::Received {
                section_number: required(fields.uint("section-number")?, "section-number")?,
                section_offset: required(fields.ulong("section-offset")?, "section-offset")?,
            },
            code::ACCEPTED => Self::Accepted,
            code::REJECTED => Self::Rejected { error: ErrorInfo::decode(fields.any()?)? },
            code::RELEASED => Self::Released,
            code::MODIFIED => Self::Modified {
                delivery_failed: fields.bool("delivery-failed")?.unwrap_or_default(),
                undeliverable_here: fields.bool("undeliverable-here")?.unwrap_or_default(),
                message_annotations: fields.map("message-annotations")?,
            },
            code::DECLARED => Self::Declared { txn_id: required(fields.binary("txn-id")?, "txn-id")? },
            code::TRANSACTIONAL_STATE => Self::Transactional {
                txn_id: required(fields.binary("txn-id")?, "txn-id")?,
                outcome: match fields.any()? {
                    None => None,
                    Some(Value::Described(outcome)) => Some(outcome),
                    Some(_) => return Err(DecodeError::WrongType { what: "outcome" }),
                },
            },
            _ => Self::Other,
        }))
    }

    /// Appends it. A state of nobody's is written as null.
    pub fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Received { section_number, section_offset } => {
                ListWriter::described(out, code::RECEIVED)
                    .field(Some(*section_number), put_uint)
                    .field(Some(*section_offset), put_ulong)
                    .end();
            }
            Self::Accepted => ListWriter::described(out, code::ACCEPTED).end(),
            Self::Rejected { error } => ListWriter::described(out, code::REJECTED)
                .field(error.as_ref(), |out, error| error.put(out))
                .end(),
            Self::Released => ListWriter::described(out, code::RELEASED).end(),
            Self::Modified { delivery_failed, undeliverable_here, message_annotations } => {
                ListWriter::described(out, code::MODIFIED)
                    .field(Some(*delivery_failed).filter(|truth| *truth), put_bool)
                    .field(Some(*undeliverable_here).filter(|truth| *truth), put_bool)
                    .field(message_annotations.as_ref(), put_map)
                    .end();
            }
            Self::Declared { txn_id } => {
                ListWriter::described(out, code::DECLARED).field(Some(*txn_id), put_binary).end();
            }
            Self::Transactional { txn_id, outcome } => {
                ListWriter::described(out, code::TRANSACTIONAL_STATE)
                    .field(Some(*txn_id), put_binary)
                    .field(outcome.map(Value::Described), |out, value| super::write::put_value(out, &value))
                    .end();
            }
            Self::Other => super::write::put_null(out),
        }
    }
}
