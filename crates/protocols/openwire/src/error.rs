//! What each refusal is in OpenWire: the name of an exception that the clients know, and its sentence.

use ternmq_broker::{AddressError, Dialect, Error, Kind, LimitKind};

/// Names of exceptions. The Java client makes them anew; others show them.
pub(crate) mod class {
    pub(crate) const JMS: &str = "javax.jms.JMSException";
    pub(crate) const ILLEGAL_STATE: &str = "javax.jms.IllegalStateException";
    pub(crate) const INVALID_CLIENT: &str = "javax.jms.InvalidClientIDException";
    pub(crate) const INVALID_DESTINATION: &str = "javax.jms.InvalidDestinationException";
    pub(crate) const INVALID_SELECTOR: &str = "javax.jms.InvalidSelectorException";
    pub(crate) const MESSAGE_FORMAT: &str = "javax.jms.MessageFormatException";
    pub(crate) const RESOURCE: &str = "javax.jms.ResourceAllocationException";
    pub(crate) const ROLLED_BACK: &str = "javax.jms.TransactionRolledBackException";
    pub(crate) const XA: &str = "javax.transaction.xa.XAException";
    pub(crate) const SECURITY: &str = "java.lang.SecurityException";
}

/// Why a command is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Name of the exception.
    pub(crate) class: &'static str,
    /// The sentence.
    pub(crate) text: String,
    /// The connection ends with it.
    pub(crate) is_last: bool,
}

impl Fault {
    pub(crate) fn new(class: &'static str, text: impl Into<String>) -> Self {
        Self { class, text: text.into(), is_last: false }
    }

    /// The same, as the last of its connection.
    pub(crate) fn last(self) -> Self {
        Self { is_last: true, ..self }
    }

    /// What is asked for is not there.
    pub(crate) fn absent(what: &str) -> Self {
        Self::new(class::JMS, format!("{what}: not available"))
    }

    /// A refusal of the core in the dialect's words.
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        Self::new(class_of(error), dialect.error_text(error))
    }

    /// The core no longer knows the connection.
    pub(crate) fn gone() -> Self {
        Self::new(class::ILLEGAL_STATE, "The connection is closing").last()
    }
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        Self::new(class::INVALID_DESTINATION, error.text)
    }
}

fn class_of(error: &Error) -> &'static str {
    match error {
        Error::Refused { .. } | Error::KeyRefused { .. } | Error::UserIdMismatch { .. } => class::SECURITY,
        Error::NotFound { kind: Kind::Queue | Kind::Node, .. }
        | Error::InvalidName { .. }
        | Error::ReservedName { .. }
        | Error::DefaultNode
        | Error::Internal { .. } => class::INVALID_DESTINATION,
        Error::Limit { limit, .. } => match limit {
            LimitKind::Clients => class::INVALID_CLIENT,
            LimitKind::ScheduleRepeats => class::MESSAGE_FORMAT,
            LimitKind::Connections
            | LimitKind::NamespaceConnections
            | LimitKind::UserConnections
            | LimitKind::UserSessions
            | LimitKind::NamespaceQueues
            | LimitKind::Queues
            | LimitKind::SessionConsumers
            | LimitKind::ConsumerQueues
            | LimitKind::Subscriptions
            | LimitKind::Retained
            | LimitKind::Remark
            | LimitKind::Remarks
            | LimitKind::Scheduled
            | LimitKind::Staged => class::RESOURCE,
        },
        Error::NameTaken { .. } => class::INVALID_CLIENT,
        Error::Unavailable { .. } => class::RESOURCE,
        Error::Gone => class::ILLEGAL_STATE,
        Error::NotFound { .. }
        | Error::Inequivalent { .. }
        | Error::Undeletable { .. }
        | Error::InvalidArgument { .. }
        | Error::Unfit { .. }
        | Error::InUse { .. }
        | Error::NotEmpty { .. }
        | Error::Locked { .. }
        | Error::ExclusiveUse { .. }
        | Error::UnknownDelivery { .. }
        | Error::NotSupported { .. } => class::JMS,
    }
}
