//! Who calls, once it is known.

use serde_json::{Value, json};

/// A principal that signed a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    pub kind: CallerKind,
    /// `AIDA…`.
    pub principal_id: String,
    pub arn: String,
    pub account: String,
    pub access_key_id: String,
    /// Of a user its name, of a role's session `role/session`.
    pub name: String,
}

/// What a principal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerKind {
    User,
    Session,
    /// The service itself: the first broker, a maintenance window.
    Service,
}

impl Caller {
    /// `userIdentity` of an audit record.
    pub(crate) fn identity(&self) -> Value {
        let kind = match self.kind {
            CallerKind::User => "IAMUser",
            CallerKind::Session => "AssumedRole",
            CallerKind::Service => return json!({"type": "AWSService", "invokedBy": "mq.amazonaws.com"}),
        };
        json!({
            "type": kind,
            "principalId": self.principal_id,
            "arn": self.arn,
            "accountId": self.account,
            "accessKeyId": self.access_key_id,
            "userName": self.name,
        })
    }
}
