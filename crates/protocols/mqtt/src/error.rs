//! Reason codes: what each refusal of the core is in MQTT.

use ternmq_broker::{Dialect, Error, Kind, LimitKind};

use crate::codec::{DecodeError, Reason};

/// What a client gets told: a reason code and a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: Reason,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(reason: Reason, text: impl Into<String>) -> Self {
        Self { reason, text: text.into() }
    }

    /// A refusal of the core in the dialect's words.
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        Self::new(reason_of(error), dialect.error_text(error))
    }
}

impl From<DecodeError> for Fault {
    fn from(error: DecodeError) -> Self {
        Self::new(error.reason, error.problem)
    }
}

pub(crate) fn reason_of(error: &Error) -> Reason {
    match error {
        Error::Refused { kind: Kind::Client, .. } | Error::InvalidName { kind: Kind::Client, .. } => {
            Reason::CLIENT_IDENTIFIER_NOT_VALID
        }
        Error::NotFound { .. }
        | Error::Refused { .. }
        | Error::KeyRefused { .. }
        | Error::ReservedName { .. }
        | Error::DefaultNode
        | Error::Internal { .. }
        | Error::Undeletable { .. }
        | Error::ExclusiveUse { .. }
        | Error::UserIdMismatch { .. }
        | Error::Locked { .. } => Reason::NOT_AUTHORIZED,
        Error::InvalidArgument { .. } => Reason::TOPIC_FILTER_INVALID,
        Error::Inequivalent { .. }
        | Error::InvalidName { .. }
        | Error::InUse { .. }
        | Error::NameTaken { .. }
        | Error::NotEmpty { .. }
        | Error::Unfit { .. }
        | Error::NotSupported { .. } => Reason::IMPLEMENTATION_SPECIFIC_ERROR,
        Error::UnknownDelivery { .. } => Reason::PACKET_IDENTIFIER_NOT_FOUND,
        Error::Limit { limit, .. } => match limit {
            LimitKind::Connections
            | LimitKind::NamespaceConnections
            | LimitKind::UserConnections
            | LimitKind::UserSessions
            | LimitKind::NamespaceQueues
            | LimitKind::Queues
            | LimitKind::SessionConsumers
            | LimitKind::ConsumerQueues
            | LimitKind::Staged
            | LimitKind::Clients
            | LimitKind::Subscriptions
            | LimitKind::Retained
            | LimitKind::Remark
            | LimitKind::Remarks
            | LimitKind::Scheduled
            | LimitKind::ScheduleRepeats => Reason::QUOTA_EXCEEDED,
        },
        Error::Unavailable { .. } => Reason::SERVER_UNAVAILABLE,
        Error::Gone => Reason::UNSPECIFIED_ERROR,
    }
}
