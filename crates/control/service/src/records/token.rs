//! What makes calls safe to repeat: the caller's token of a creation, and the signatures of changes.

use serde::{Deserialize, Serialize};

use crate::store::Record;

/// A token with which something was created.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CreatorToken {
    pub region: String,
    pub token: String,
    /// Hash of the input, in hex: the same token with another one is a conflict.
    pub fingerprint: String,
    /// What was created.
    pub id: String,
    /// Milliseconds since 1970.
    pub created_ms: u64,
}

/// The answer that a signed change got (S14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Answered {
    /// Hash of the signature, in hex.
    pub signature: String,
    /// Until when the signature holds, and this is kept; milliseconds since 1970.
    pub until_ms: u64,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl CreatorToken {
    pub(crate) const PREFIX: &str = "token/";

    pub(crate) fn key_of(region: &str, token: &str) -> String {
        format!("token/{region}/{token}")
    }
}

impl Answered {
    pub(crate) const PREFIX: &str = "answered/";

    pub(crate) fn key_of(signature: &str) -> String {
        format!("answered/{signature}")
    }
}

impl Record for CreatorToken {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.token)
    }
}

impl Record for Answered {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.signature)
    }
}
