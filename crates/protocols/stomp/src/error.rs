//! What each refusal of the core is in an ERROR frame: the short `message` header, and the text.

use ternmq_broker::{AddressError, Dialect, Error, Kind, LimitKind};

use crate::codec::FrameError;

/// Why the connection ends: what an ERROR frame says (STOMP 1.2 "ERROR").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The `message` header.
    pub(crate) summary: &'static str,
    /// The body.
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(summary: &'static str, text: String) -> Self {
        Self { summary, text }
    }

    /// A refusal of the core in the dialect's words, after its name in capitals (as RabbitMQ).
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        let summary = name_of(error);
        Self::new(summary, format!("{} - {}", summary.to_uppercase(), dialect.error_text(error)))
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::new("Invalid frame", format!("{error}\n"))
    }
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        Self::new(error.summary, error.text)
    }
}

fn name_of(error: &Error) -> &'static str {
    match error {
        Error::NotFound { kind: Kind::Namespace, .. } | Error::Refused { kind: Kind::Namespace, .. } => {
            "not_allowed"
        }
        Error::NotFound { .. } => "not_found",
        Error::Refused { .. }
        | Error::KeyRefused { .. }
        | Error::ReservedName { .. }
        | Error::DefaultNode
        | Error::Internal { .. }
        | Error::Undeletable { .. }
        | Error::ExclusiveUse { .. } => "access_refused",
        Error::Inequivalent { .. }
        | Error::InvalidName { .. }
        | Error::InvalidArgument { .. }
        | Error::InUse { .. }
        | Error::NotEmpty { .. }
        | Error::Unfit { .. }
        | Error::UnknownDelivery { .. }
        | Error::UserIdMismatch { .. } => "precondition_failed",
        Error::Locked { .. } => "resource_locked",
        Error::Limit { limit, .. } => match limit {
            LimitKind::Connections
            | LimitKind::NamespaceConnections
            | LimitKind::UserConnections
            | LimitKind::UserSessions => "not_allowed",
            LimitKind::NamespaceQueues
            | LimitKind::Queues
            | LimitKind::SessionConsumers
            | LimitKind::Clients
            | LimitKind::Subscriptions
            | LimitKind::Retained
            | LimitKind::Staged => "precondition_failed",
        },
        Error::Unavailable { .. } => "resource_error",
        Error::NotSupported { .. } => "not_implemented",
        Error::Gone => "internal_error",
    }
}
