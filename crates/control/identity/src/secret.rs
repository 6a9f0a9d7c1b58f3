//! What a caller signs with.

use std::fmt;

use ternmq_stdx::Secret;

/// What a caller signs with.
#[derive(Clone)]
pub struct Credentials {
    /// Names the key; no secret.
    pub access_key_id: String,
    /// The key.
    pub secret: Secret,
    /// Goes along with a temporary key; text of base64.
    pub session_token: Option<Secret>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}
