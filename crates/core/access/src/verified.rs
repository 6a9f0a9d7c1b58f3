//! Memory of credentials that were found right, so that a storm of reconnects costs no hashing (F15).

use std::{collections::BTreeMap, sync::Arc};

use aws_lc_rs::hmac;

use ternmq_stdx::Secret;

/// Remembers for ten minutes that a password was right, as a keyed hash.
///
/// An entry counts only for the revision of the user that it was made for. One entry per user, a fixed number of users.
pub struct VerifiedCredentials {
    key: hmac::Key,
    capacity: usize,
    entries: BTreeMap<Arc<str>, Entry>,
}

struct Entry {
    tag: hmac::Tag,
    revision: u64,
    expires_ms: u64,
}

impl VerifiedCredentials {
    /// How long an entry counts, from the check on, in ms.
    pub const LIFETIME_MS: u64 = 600_000;
    /// Number of users that suits a node.
    pub const DEFAULT_CAPACITY: usize = 10_000;

    /// An empty memory for at most `capacity` users (at least one). `key` is random and never leaves the process.
    #[must_use]
    pub fn new(key: &[u8; 32], capacity: usize) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        Self { key, capacity: capacity.max(1), entries: BTreeMap::new() }
    }

    /// Whether this password was found right for this revision of the user within the last ten minutes.
    #[must_use]
    pub fn is_verified(&self, user: &str, revision: u64, password: &Secret, now_ms: u64) -> bool {
        let Some(entry) = self.entries.get(user) else { return false };
        let is_current = entry.revision == revision && now_ms < entry.expires_ms;
        // Constant-time comparison (S2).
        is_current && hmac::verify(&self.key, &material(user, password), entry.tag.as_ref()).is_ok()
    }

    /// Remembers that a password was found right. `revision` is that of the [`crate::Verifier`] that found it.
    pub fn remember(&mut self, user: &str, revision: u64, password: &Secret, now_ms: u64) {
        self.remember_for(user, revision, password, now_ms, Self::LIFETIME_MS);
    }

    /// As [`VerifiedCredentials::remember`], for another time, in ms.
    pub fn remember_for(
        &mut self,
        user: &str,
        revision: u64,
        password: &Secret,
        now_ms: u64,
        lifetime_ms: u64,
    ) {
        if self.entries.len() >= self.capacity && !self.entries.contains_key(user) {
            self.make_room(now_ms);
        }
        let tag = hmac::sign(&self.key, &material(user, password));
        let expires_ms = now_ms.saturating_add(lifetime_ms);
        self.entries.insert(Arc::from(user), Entry { tag, revision, expires_ms });
    }

    /// Forgets a user at once. Without it an entry of an old revision never counts, it only takes room.
    pub fn forget(&mut self, user: &str) {
        self.entries.remove(user);
    }

    /// Number of users remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether nobody is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Drops what has expired, or else what expires first.
    fn make_room(&mut self, now_ms: u64) {
        self.entries.retain(|_, entry| now_ms < entry.expires_ms);
        if self.entries.len() >= self.capacity {
            let first = self.entries.iter().min_by_key(|(_, entry)| entry.expires_ms);
            if let Some(user) = first.map(|(user, _)| Arc::clone(user)) {
                self.entries.remove(&user);
            }
        }
    }
}

/// `length of the user name (8 B) | user name | password`: no two pairs give the same bytes.
fn material(user: &str, password: &Secret) -> zeroize::Zeroizing<Vec<u8>> {
    let mut bytes = Vec::with_capacity(8 + user.len() + password.expose().len());
    bytes.extend_from_slice(&(user.len() as u64).to_le_bytes());
    bytes.extend_from_slice(user.as_bytes());
    bytes.extend_from_slice(password.expose());
    zeroize::Zeroizing::new(bytes)
}
