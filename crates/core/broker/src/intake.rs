//! What happens to every message as it comes in, because the broker's owner wants it so.

use ternmq_message::MessageMeta;

/// Changes to messages that come in. By default there are none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Intake {
    /// Whether all of them are kept over a restart; absent: as their producers say.
    pub is_durable: Option<bool>,
    /// They get the broker's time for that of their producers, and what follows here holds.
    pub stamps: bool,
    /// Longest time to live in ms.
    pub most_ttl_ms: Option<u64>,
    /// Time to live in ms of those that have none.
    pub ttl_of_none_ms: Option<u64>,
    /// Only where that makes a message expire later.
    pub is_later_only: bool,
    /// Each tells the user who sent it, whatever it says itself, for protocols that have a place for that.
    pub tells_user: bool,
}

impl Intake {
    /// The fixed facts of a message after the change.
    #[must_use]
    pub fn meta(&self, meta: &MessageMeta) -> MessageMeta {
        let ttl_ms = match meta.ttl_ms {
            _ if !self.stamps => meta.ttl_ms,
            Some(ttl_ms) if self.is_later_only => Some(ttl_ms),
            given => self.limited(given.or(self.ttl_of_none_ms)),
        };
        MessageMeta { is_durable: self.is_durable.unwrap_or(meta.is_durable), ttl_ms, ..*meta }
    }

    /// When a message was made and when it expires, in ms since 1970, for a protocol that tells both, after the change;
    /// `None`: both stay. 0 stands for none. A message without a time is left alone.
    #[must_use]
    pub fn stamp(&self, now_ms: u64, made_at_ms: u64, expires_at_ms: u64) -> Option<(u64, u64)> {
        if !self.stamps || made_at_ms == 0 {
            return None;
        }
        let ttl_ms = match expires_at_ms {
            0 => self.ttl_of_none_ms,
            at_ms => Some(at_ms.saturating_sub(made_at_ms)).filter(|ttl_ms| *ttl_ms > 0),
        };
        let ttl_ms = self.limited(ttl_ms).unwrap_or(0);
        let at_ms = now_ms.saturating_add(ttl_ms);
        if self.is_later_only && at_ms <= expires_at_ms {
            return None;
        }
        Some((now_ms, if ttl_ms > 0 { at_ms } else { expires_at_ms }))
    }

    fn limited(&self, ttl_ms: Option<u64>) -> Option<u64> {
        ttl_ms.map(|ttl_ms| self.most_ttl_ms.map_or(ttl_ms, |most| ttl_ms.min(most)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ON: Intake = Intake {
        is_durable: None,
        stamps: true,
        most_ttl_ms: None,
        ttl_of_none_ms: None,
        is_later_only: false,
        tells_user: false,
    };

    #[test]
    fn times_are_the_brokers() {
        for (intake, made, expires, expect) in [
            (Intake::default(), 100, 200, None),
            (ON, 0, 0, None),
            (ON, 100, 0, Some((1_000, 0))),
            (ON, 100, 200, Some((1_000, 1_100))),
            (ON, 100, 50, Some((1_000, 50))),
            (Intake { most_ttl_ms: Some(10), ..ON }, 100, 200, Some((1_000, 1_010))),
            (Intake { ttl_of_none_ms: Some(30), ..ON }, 100, 0, Some((1_000, 1_030))),
            (Intake { ttl_of_none_ms: Some(30), most_ttl_ms: Some(10), ..ON }, 100, 0, Some((1_000, 1_010))),
            (Intake { is_later_only: true, ..ON }, 2_000, 2_100, None),
            (Intake { is_later_only: true, ..ON }, 900, 1_050, Some((1_000, 1_150))),
        ] {
            assert_eq!(intake.stamp(1_000, made, expires), expect, "{intake:?} {made} {expires}");
        }
    }

    #[test]
    fn facts_are_changed_as_the_owner_wants_it() {
        let of = |intake: Intake, ttl_ms| {
            let meta = intake.meta(&MessageMeta { ttl_ms, is_durable: true, ..MessageMeta::default() });
            (meta.is_durable, meta.ttl_ms)
        };
        assert_eq!(of(Intake::default(), Some(9)), (true, Some(9)));
        assert_eq!(of(Intake { is_durable: Some(false), ..Intake::default() }, None), (false, None));
        let both = Intake { most_ttl_ms: Some(5), ttl_of_none_ms: Some(7), ..ON };
        assert_eq!(of(both, Some(9)), (true, Some(5)));
        assert_eq!(of(both, None), (true, Some(5)));
        assert_eq!(of(Intake { is_later_only: true, ..both }, Some(9)), (true, Some(9)));
    }
}
