//! What makes repetitions safe is kept for as long as somebody may repeat, the audit log for as long as it is set.

use crate::audit;
use crate::records::{Answered, Broker, CreatorToken};
use crate::service::Service;
use crate::store::{Record, StoreError};

/// How long a caller's token is kept when what it created is gone.
const TOKEN_MS: u64 = 7 * 24 * 3_600 * 1_000;
/// Records that one look goes through.
const LOOK_MAX: usize = 50_000;

impl Service {
    /// Deletes answers whose signatures hold no more, tokens of brokers that are gone for a week, and the oldest audit
    /// entries.
    pub(crate) fn forget(&self) -> Result<(), StoreError> {
        let now_ms = self.now_ms();
        audit::forget(&self.store, self.settings.retention, now_ms)?;
        let view = self.store.view()?;
        let mut old = Vec::new();
        for answered in view.scan::<Answered>(Answered::PREFIX, "", LOOK_MAX)? {
            if now_ms > answered.until_ms {
                old.push(answered.key());
            }
        }
        for token in view.scan::<CreatorToken>(CreatorToken::PREFIX, "", LOOK_MAX)? {
            let is_old = now_ms.saturating_sub(token.created_ms) > TOKEN_MS;
            if is_old && view.get::<Broker>(&Broker::key_of(&token.region, &token.id))?.is_none() {
                old.push(token.key());
            }
        }
        if old.is_empty() {
            return Ok(());
        }
        let change = self.store.change()?;
        old.iter().try_for_each(|key| change.delete(key))?;
        change.commit()
    }
}
