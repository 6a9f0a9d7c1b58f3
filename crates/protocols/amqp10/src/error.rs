//! Error conditions: what each refusal is in AMQP 1.0, and what ends with it.

use ternmq_broker::{AddressError, Dialect, Error};

use crate::codec::{DecodeError, ErrorInfo, frame::FrameError};

/// Symbols of conditions (AMQP 1.0 2.8.15 to 2.8.18, 4.5.9).
pub(crate) mod condition {
    pub(crate) const CONNECTION_FORCED: &str = "amqp:connection:forced";
    pub(crate) const DECODE_ERROR: &str = "amqp:decode-error";
    pub(crate) const DETACH_FORCED: &str = "amqp:link:detach-forced";
    pub(crate) const FRAMING_ERROR: &str = "amqp:connection:framing-error";
    pub(crate) const HANDLE_IN_USE: &str = "amqp:session:handle-in-use";
    pub(crate) const ILLEGAL_STATE: &str = "amqp:illegal-state";
    pub(crate) const INTERNAL_ERROR: &str = "amqp:internal-error";
    pub(crate) const INVALID_FIELD: &str = "amqp:invalid-field";
    pub(crate) const MESSAGE_SIZE_EXCEEDED: &str = "amqp:link:message-size-exceeded";
    pub(crate) const NOT_ALLOWED: &str = "amqp:not-allowed";
    pub(crate) const NOT_FOUND: &str = "amqp:not-found";
    pub(crate) const NOT_IMPLEMENTED: &str = "amqp:not-implemented";
    pub(crate) const PRECONDITION_FAILED: &str = "amqp:precondition-failed";
    pub(crate) const RESOURCE_DELETED: &str = "amqp:resource-deleted";
    pub(crate) const RESOURCE_LIMIT_EXCEEDED: &str = "amqp:resource-limit-exceeded";
    pub(crate) const RESOURCE_LOCKED: &str = "amqp:resource-locked";
    pub(crate) const STOLEN: &str = "amqp:link:stolen";
    pub(crate) const TRANSACTION_ROLLBACK: &str = "amqp:transaction:rollback";
    pub(crate) const TRANSACTION_TIMEOUT: &str = "amqp:transaction:timeout";
    pub(crate) const TRANSACTION_UNKNOWN_ID: &str = "amqp:transaction:unknown-id";
    pub(crate) const TRANSFER_LIMIT_EXCEEDED: &str = "amqp:link:transfer-limit-exceeded";
    pub(crate) const UNATTACHED_HANDLE: &str = "amqp:session:unattached-handle";
    pub(crate) const UNAUTHORIZED_ACCESS: &str = "amqp:unauthorized-access";
    pub(crate) const WINDOW_VIOLATION: &str = "amqp:session:window-violation";
}

/// What ends with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Link,
    Session,
    Connection,
}

/// Why something ends, as the peer is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) condition: &'static str,
    pub(crate) text: String,
    pub(crate) scope: Scope,
    /// The field that it is about, where clients look for it.
    pub(crate) field: Option<&'static str>,
}

impl Fault {
    pub(crate) fn link(condition: &'static str, text: impl Into<String>) -> Self {
        Self { condition, text: text.into(), scope: Scope::Link, field: None }
    }

    pub(crate) fn session(condition: &'static str, text: impl Into<String>) -> Self {
        Self { condition, text: text.into(), scope: Scope::Session, field: None }
    }

    pub(crate) fn connection(condition: &'static str, text: impl Into<String>) -> Self {
        Self { condition, text: text.into(), scope: Scope::Connection, field: None }
    }

    /// A refusal of the core in the dialect's words. It ends the link that it was for.
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        Self::link(condition_of(error), dialect.error_text(error))
    }

    /// The core no longer knows the connection.
    pub(crate) fn gone() -> Self {
        Self::connection(condition::INTERNAL_ERROR, "the connection is closing")
    }

    pub(crate) fn info(&self) -> ErrorInfo<'_> {
        ErrorInfo { condition: self.condition, description: Some(&self.text), invalid_field: self.field }
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::connection(condition::FRAMING_ERROR, error.to_string())
    }
}

/// A frame whose performative can't be read: what follows can't be believed.
impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::connection(condition::DECODE_ERROR, error.to_string())
    }
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        Self::link(condition::INVALID_FIELD, error.text)
    }
}

/// The condition of a refusal of the core.
pub(crate) fn condition_of(error: &Error) -> &'static str {
    match error {
        Error::NotFound { .. } => condition::NOT_FOUND,
        Error::Refused { .. }
        | Error::KeyRefused { .. }
        | Error::ReservedName { .. }
        | Error::DefaultNode
        | Error::Internal { .. }
        | Error::Undeletable { .. }
        | Error::UserIdMismatch { .. } => condition::UNAUTHORIZED_ACCESS,
        Error::Inequivalent { .. }
        | Error::InUse { .. }
        | Error::NotEmpty { .. }
        | Error::Unfit { .. }
        | Error::UnknownDelivery { .. } => condition::PRECONDITION_FAILED,
        Error::InvalidName { .. } | Error::InvalidArgument { .. } | Error::NameTaken { .. } => {
            condition::INVALID_FIELD
        }
        Error::Locked { .. } | Error::ExclusiveUse { .. } => condition::RESOURCE_LOCKED,
        Error::Limit { .. } => condition::RESOURCE_LIMIT_EXCEEDED,
        Error::NotSupported { .. } => condition::NOT_IMPLEMENTED,
        Error::Unavailable { .. } | Error::Gone => condition::INTERNAL_ERROR,
    }
}
