//! Long-term keys of users.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::changes::{Change, Changed};
use super::fault::Fault;
use super::names::{broken, check_length, id};
use super::page::{Listed, Page};
use super::quota::KEYS_PER_USER;
use super::record::{AccessKey, KeyStatus, LastUse};
use super::{Directory, Entropy, layout};
use ternmq_stdx::Secret;

/// A use is kept again only when the one that is kept is older: seconds.
const USE_KEPT_S: i64 = 900;
/// Bytes of randomness in a key's id, and in its secret.
const KEY_ID_RANDOM_BYTES: usize = 16;
const SECRET_RANDOM_BYTES: usize = 30;

/// A key that was just made: the only time that its secret is told.
#[derive(Clone, Debug)]
pub struct NewAccessKey {
    /// Name of its user.
    pub user_name: String,
    /// The key.
    pub key: AccessKey,
}

/// When a key was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse<'a> {
    /// Name of its user.
    pub user_name: &'a str,
    /// `None` if it never was.
    pub last_use: Option<&'a LastUse>,
}

impl Directory {
    /// CreateAccessKey.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, or it has two keys.
    pub fn create_access_key(
        &self,
        user_name: &str,
        now_s: i64,
        entropy: &Entropy,
    ) -> Result<Changed<NewAccessKey>, Fault> {
        let user = self.get_user(user_name)?;
        if self.keys_of(&user.id).count() >= KEYS_PER_USER {
            return Err(Fault::Quota { quota: "AccessKeysPerUser", max: KEYS_PER_USER });
        }
        let (id, secret, _) = self.fresh_key("AKIA", entropy)?;
        let key = AccessKey {
            id,
            user_id: user.id.clone(),
            secret,
            status: KeyStatus::Active,
            created_s: now_s,
            last_use: None,
        };
        let change = layout::put_access_key(&key);
        Ok(Changed::one(NewAccessKey { user_name: user.name.clone(), key }, change))
    }

    /// ListAccessKeys.
    ///
    /// # Errors
    /// There is no such user, or the page is malformed.
    pub fn list_access_keys(&self, user_name: &str, page: &Page<'_>) -> Result<Listed<&AccessKey>, Fault> {
        let user = self.get_user(user_name)?;
        page.of(self.keys_of(&user.id).map(|key| (key.id.as_str(), key)))
    }

    /// UpdateAccessKey.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, or it has no such key.
    pub fn update_access_key(
        &self,
        user_name: &str,
        key_id: &str,
        status: KeyStatus,
    ) -> Result<Changed<()>, Fault> {
        let key = AccessKey { status, ..self.key_of(user_name, key_id)?.clone() };
        Ok(Changed::one((), layout::put_access_key(&key)))
    }

    /// DeleteAccessKey.
    ///
    /// # Errors
    /// [`Fault`]: there is no such user, or it has no such key.
    pub fn delete_access_key(&self, user_name: &str, key_id: &str) -> Result<Changed<()>, Fault> {
        let key = self.key_of(user_name, key_id)?;
        Ok(Changed::one((), Change::Delete { key: layout::access_key_key(&key.id) }))
    }

    /// GetAccessKeyLastUsed.
    ///
    /// # Errors
    /// There is no such key.
    pub fn get_access_key_last_used(&self, key_id: &str) -> Result<KeyUse<'_>, Fault> {
        check_key_id(key_id)?;
        let missing = || Fault::NoAccessKey(key_id.to_owned());
        let key = self.keys.get(key_id).ok_or_else(missing)?;
        let user = self.users.get(&key.user_id).ok_or_else(missing)?;
        Ok(KeyUse { user_name: &user.name, last_use: key.last_use.as_ref() })
    }

    /// What to keep of a use of a key that was just verified: at most one change in a quarter of an hour for each service
    /// and region. Temporary keys leave nothing.
    #[must_use]
    pub fn note_use(&self, key_id: &str, service: &str, region: &str, now_s: i64) -> Option<Change> {
        let key = self.keys.get(key_id)?;
        let is_known = key.last_use.as_ref().is_some_and(|last| {
            last.service == service && last.region == region && now_s.saturating_sub(last.at_s) < USE_KEPT_S
        });
        if is_known {
            return None;
        }
        let last_use = Some(LastUse { at_s: now_s, service: service.to_owned(), region: region.to_owned() });
        Some(layout::put_access_key(&AccessKey { last_use, ..key.clone() }))
    }

    /// Keys of a user, by id.
    pub(super) fn keys_of(&self, user_id: &str) -> impl Iterator<Item = &AccessKey> {
        self.keys.values().filter(move |key| key.user_id == user_id)
    }

    fn key_of(&self, user_name: &str, key_id: &str) -> Result<&AccessKey, Fault> {
        let user = self.get_user(user_name)?;
        check_key_id(key_id)?;
        let key = self.keys.get(key_id).filter(|key| key.user_id == user.id);
        key.ok_or_else(|| Fault::NoAccessKey(key_id.to_owned()))
    }

    /// An id that nothing has, a secret of 40 letters (240 bits), and what of the random bytes is left.
    pub(super) fn fresh_key<'a>(
        &self,
        kind: &str,
        entropy: &'a Entropy,
    ) -> Result<(String, Secret, &'a [u8]), Fault> {
        let (id_random, rest) = entropy.split_at(KEY_ID_RANDOM_BYTES);
        let (secret_random, rest) = rest.split_at(SECRET_RANDOM_BYTES);
        let id = id(kind, id_random);
        if self.keys.contains_key(&id) || self.sessions.contains_key(&id) {
            return Err(Fault::IdTaken);
        }
        Ok((id, letters(secret_random), rest))
    }
}

/// Random bytes as letters of base64.
pub(super) fn letters(random: &[u8]) -> Secret {
    let text = Zeroizing::new(STANDARD.encode(random));
    Secret::from(text.as_str())
}

fn check_key_id(key_id: &str) -> Result<(), Fault> {
    check_length("accessKeyId", key_id, 16, 128)?;
    if key_id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Ok(());
    }
    Err(broken("accessKeyId", key_id, "Member must satisfy regular expression pattern: [\\w]+"))
}
