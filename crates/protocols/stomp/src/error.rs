//! What each refusal of the core is in an ERROR frame: the short `message` header, and the text.

use std::borrow::Cow;

use ternmq_broker::{AddressError, Dialect, Error, Kind, LimitKind};

use crate::codec::FrameError;

/// Why the connection ends: what an ERROR frame says (STOMP 1.2 "ERROR").
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// The `message` header, or the code of the kind of error.
    pub(crate) summary: Cow<'static, str>,
    /// The body.
    pub(crate) text: String,
    /// The summary is a code, which dialects put before the text or leave out.
    has_code: bool,
}

impl Fault {
    pub(crate) fn new(summary: &'static str, text: String) -> Self {
        Self { summary: Cow::Borrowed(summary), text, has_code: false }
    }

    /// A sentence with the code of its kind.
    pub(crate) fn coded(code: &'static str, text: String) -> Self {
        Self { summary: Cow::Borrowed(code), text, has_code: true }
    }

    /// A refusal of the core in the dialect's words.
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        Self::coded(name_of(error), dialect.error_text(error))
    }

    /// As the dialect tells it: with the code in capitals before the text (as RabbitMQ), or the text alone.
    pub(crate) fn worded(mut self, dialect: &dyn Dialect) -> Self {
        if self.has_code {
            if dialect.addresses().is_none_or(|known| known.words().has_codes) {
                self.text = format!("{} - {}", self.summary.to_uppercase(), self.text);
            } else {
                self.summary = Cow::Owned(self.text.clone());
            }
        }
        self
    }
}

impl From<FrameError> for Fault {
    fn from(error: FrameError) -> Self {
        Self::new("Invalid frame", format!("{error}\n"))
    }
}

impl From<AddressError> for Fault {
    fn from(error: AddressError) -> Self {
        Self { summary: error.summary, text: error.text, has_code: false }
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
        | Error::NameTaken { .. }
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
            | LimitKind::ConsumerQueues
            | LimitKind::Clients
            | LimitKind::Subscriptions
            | LimitKind::Retained
            | LimitKind::Remark
            | LimitKind::Remarks
            | LimitKind::Scheduled
            | LimitKind::ScheduleRepeats
            | LimitKind::Staged => "precondition_failed",
        },
        Error::Unavailable { .. } => "resource_error",
        Error::NotSupported { .. } => "not_implemented",
        Error::Gone => "internal_error",
    }
}
