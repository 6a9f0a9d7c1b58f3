//! How long durable subscriptions stay behind: expiry policies and time-outs of sources (AMQP 1.0 3.5.3, 3.5.6).

use ternmq_broker::{Lapse, LapseStart};

use crate::{
    codec::Source,
    error::{Fault, condition},
};

/// The policy of what does not end of itself.
const NEVER: &str = "never";

/// When the subscription of a durable source ends that nobody takes up again. A client that says nothing of it gets one that
/// stays; one that tells a time without a policy means the policy that the standard has for it.
///
/// # Errors
/// There is no such policy.
pub(super) fn lapse_of(source: &Source<'_>) -> Result<Option<Lapse>, Fault> {
    let starts = match source.expiry_policy {
        Some(NEVER) => return Ok(None),
        None if source.timeout == 0 => return Ok(None),
        Some("link-detach") => LapseStart::NoConsumer,
        None | Some("session-end") => LapseStart::SessionEnd,
        Some("connection-close") => LapseStart::ConnectionEnd,
        Some(_) => return Err(Fault::link(condition::INVALID_FIELD, "there is no such expiry-policy")),
    };
    Ok(Some(Lapse { starts, after_ms: u64::from(source.timeout) * 1_000 }))
}

/// Policy and time in s of a subscription, as an answer tells them.
pub(super) fn told_expiry(lapse: Option<Lapse>) -> (&'static str, u32) {
    let Some(Lapse { starts, after_ms }) = lapse else { return (NEVER, 0) };
    let policy = match starts {
        LapseStart::NoConsumer => "link-detach",
        LapseStart::SessionEnd => "session-end",
        LapseStart::ConnectionEnd => "connection-close",
    };
    (policy, u32::try_from(after_ms / 1_000).unwrap_or(u32::MAX))
}
