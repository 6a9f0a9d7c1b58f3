//! Reply codes: what each refusal of the core is in AMQP 0-9-1, and what ends with it.

use ternmq_broker::{Dialect, Error, Kind, LimitKind};

/// A reply code with its name (AMQP 0-9-1 constants).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ReplyCode {
    pub(crate) code: u16,
    pub(crate) name: &'static str,
    /// It ends the connection, not only the channel.
    pub(crate) is_hard: bool,
}

const fn soft(code: u16, name: &'static str) -> ReplyCode {
    ReplyCode { code, name, is_hard: false }
}

const fn hard(code: u16, name: &'static str) -> ReplyCode {
    ReplyCode { code, name, is_hard: true }
}

pub(crate) const CONNECTION_FORCED: ReplyCode = hard(320, "CONNECTION_FORCED");
pub(crate) const ACCESS_REFUSED: ReplyCode = soft(403, "ACCESS_REFUSED");
pub(crate) const NOT_FOUND: ReplyCode = soft(404, "NOT_FOUND");
pub(crate) const RESOURCE_LOCKED: ReplyCode = soft(405, "RESOURCE_LOCKED");
pub(crate) const PRECONDITION_FAILED: ReplyCode = soft(406, "PRECONDITION_FAILED");
pub(crate) const FRAME_ERROR: ReplyCode = hard(501, "FRAME_ERROR");
pub(crate) const SYNTAX_ERROR: ReplyCode = hard(502, "SYNTAX_ERROR");
pub(crate) const COMMAND_INVALID: ReplyCode = hard(503, "COMMAND_INVALID");
pub(crate) const CHANNEL_ERROR: ReplyCode = hard(504, "CHANNEL_ERROR");
pub(crate) const UNEXPECTED_FRAME: ReplyCode = hard(505, "UNEXPECTED_FRAME");
pub(crate) const RESOURCE_ERROR: ReplyCode = hard(506, "RESOURCE_ERROR");
pub(crate) const NOT_ALLOWED: ReplyCode = hard(530, "NOT_ALLOWED");
pub(crate) const NOT_IMPLEMENTED: ReplyCode = hard(540, "NOT_IMPLEMENTED");
pub(crate) const INTERNAL_ERROR: ReplyCode = hard(541, "INTERNAL_ERROR");

/// What a client gets told: a code and a text that starts with the code's name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reply: ReplyCode,
    pub(crate) text: String,
}

impl Fault {
    pub(crate) fn new(reply: ReplyCode, text: impl AsRef<str>) -> Self {
        Self { reply, text: format!("{} - {}", reply.name, text.as_ref()) }
    }

    /// A refusal of the core in the dialect's words.
    pub(crate) fn of(error: &Error, dialect: &dyn Dialect) -> Self {
        Self::new(reply_code(error), dialect.error_text(error))
    }
}

fn reply_code(error: &Error) -> ReplyCode {
    match error {
        Error::NotFound { kind: Kind::Namespace, .. } | Error::Refused { kind: Kind::Namespace, .. } => {
            NOT_ALLOWED
        }
        Error::NotFound { .. } => NOT_FOUND,
        Error::Refused { .. }
        | Error::KeyRefused { .. }
        | Error::ReservedName { .. }
        | Error::DefaultNode
        | Error::Internal { .. }
        | Error::Undeletable { .. }
        | Error::ExclusiveUse { .. } => ACCESS_REFUSED,
        Error::Inequivalent { .. }
        | Error::InvalidName { .. }
        | Error::InvalidArgument { .. }
        | Error::InUse { .. }
        | Error::NameTaken { .. }
        | Error::NotEmpty { .. }
        | Error::Unfit { .. }
        | Error::UnknownDelivery { .. }
        | Error::UserIdMismatch { .. } => PRECONDITION_FAILED,
        Error::Locked { .. } => RESOURCE_LOCKED,
        Error::Limit { limit, .. } => match limit {
            LimitKind::Connections
            | LimitKind::NamespaceConnections
            | LimitKind::UserConnections
            | LimitKind::UserSessions => NOT_ALLOWED,
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
            | LimitKind::Staged => PRECONDITION_FAILED,
        },
        Error::Unavailable { .. } => RESOURCE_ERROR,
        Error::NotSupported { .. } => NOT_IMPLEMENTED,
        Error::Gone => INTERNAL_ERROR,
    }
}
