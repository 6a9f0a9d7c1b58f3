//! Who calls, once it is known.

use serde_json::{Value, json};
use ternmq_identity::directory::{Principal, PrincipalKind};

use crate::principals::shown_name;

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
    /// Absent: it is in no directory.
    pub principal: Option<Principal>,
}

/// What a caller is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CallerKind {
    /// The account itself: its administrator.
    Root,
    User,
    /// A session of a role.
    Session,
    /// The service itself: the first broker.
    Service,
}

impl Caller {
    /// The account's administrator.
    pub(crate) fn root(account: &str, access_key_id: &str) -> Self {
        Self {
            kind: CallerKind::Root,
            principal_id: account.to_owned(),
            arn: format!("arn:aws:iam::{account}:root"),
            account: account.to_owned(),
            access_key_id: access_key_id.to_owned(),
            name: "root".into(),
            principal: None,
        }
    }

    /// Somebody of the directory.
    pub(crate) fn of(principal: Principal, access_key_id: &str) -> Self {
        Self {
            kind: match principal.kind {
                PrincipalKind::User { .. } | PrincipalKind::UserSession { .. } => CallerKind::User,
                PrincipalKind::RoleSession { .. } => CallerKind::Session,
            },
            principal_id: principal.user_id.clone(),
            arn: principal.arn.clone(),
            account: principal.account.clone(),
            access_key_id: access_key_id.to_owned(),
            name: shown_name(&principal),
            principal: Some(principal),
        }
    }

    /// `userIdentity` of an audit record.
    pub(crate) fn identity(&self) -> Value {
        let kind = match self.kind {
            CallerKind::Root => "Root",
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
