//! The configuration that a broker gets when it is made without one.

/// The text. Little of it is active: every destination that was idle for ten minutes is removed, and a slow consumer of a topic
/// has at most 1,000 messages waiting. The rest are samples in comments; there is no authorization, so that every user
/// of the broker may do everything.
#[must_use]
pub fn default_text() -> &'static str {
    include_str!("default.xml")
}
