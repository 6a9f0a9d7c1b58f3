//! Keys of STOMP that this broker obeys.

use crate::{
    keys::{Key, sets},
    values,
};

/// What a file says of STOMP. Absent: the broker's own default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StompSettings {
    /// What a NACK that does not say it does with its message: back to the queue, or discarded.
    pub is_nack_requeued: Option<bool>,
    /// Clients without a login are the user whom their certificate names.
    pub is_certificate_login: Option<bool>,
}

pub(crate) static STOMP: &[Key] = &[
    sets(
        "stomp.default_nack_requeue",
        "`true` or `false`",
        "true",
        "Whether a NACK without a `requeue` header puts its message back; else it is discarded or dead-lettered.",
        |s, _, value| {
            s.stomp.is_nack_requeued = Some(values::truth(value)?);
            Ok(())
        },
    ),
    sets(
        "stomp.ssl_cert_login",
        "`true` or `false`",
        "as `auth_mechanisms` has EXTERNAL",
        "STOMP clients without `login` and `passcode` are the user whom their verified certificate names.",
        |s, _, value| {
            s.stomp.is_certificate_login = Some(values::truth(value)?);
            Ok(())
        },
    ),
];
