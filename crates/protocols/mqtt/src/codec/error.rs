//! Why bytes are not a packet.

use super::reason::Reason;

/// A packet that can't be taken: what is wrong, and the reason code that an MQTT 5 peer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct DecodeError {
    /// Reason code for the answer.
    pub reason: Reason,
    /// What is wrong, for people.
    pub problem: &'static str,
}

impl DecodeError {
    /// The bytes break the grammar.
    #[must_use]
    pub const fn malformed(problem: &'static str) -> Self {
        Self { reason: Reason::MALFORMED_PACKET, problem }
    }

    /// The grammar holds, a rule does not.
    #[must_use]
    pub const fn protocol(problem: &'static str) -> Self {
        Self { reason: Reason::PROTOCOL_ERROR, problem }
    }
}
