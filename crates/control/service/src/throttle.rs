//! The quota of calls (facts, section 1.1): a token bucket for the account.

use std::sync::{Mutex, PoisonError};

/// A bucket's size and how fast it fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls at once.
    pub burst: u32,
    /// Calls a second after that.
    pub per_second: u32,
}

impl Default for Quota {
    fn default() -> Self {
        Self { burst: 100, per_second: 15 }
    }
}

/// A bucket.
pub(crate) struct Throttle {
    quota: Quota,
    state: Mutex<State>,
}

/// In thousandths of a call.
struct State {
    tokens: u64,
    at_ms: u64,
}

impl Throttle {
    pub(crate) fn new(quota: Quota, now_ms: u64) -> Self {
        Self { quota, state: Mutex::new(State { tokens: u64::from(quota.burst) * 1_000, at_ms: now_ms }) }
    }

    /// Takes a token; false: there is none.
    pub(crate) fn try_take(&self, now_ms: u64) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let gained = now_ms.saturating_sub(state.at_ms).saturating_mul(u64::from(self.quota.per_second));
        state.tokens = state.tokens.saturating_add(gained).min(u64::from(self.quota.burst) * 1_000);
        state.at_ms = now_ms.max(state.at_ms);
        let Some(left) = state.tokens.checked_sub(1_000) else { return false };
        state.tokens = left;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_then_the_rate() {
        let throttle = Throttle::new(Quota { burst: 3, per_second: 2 }, 0);
        let taken = |now_ms, count| (0..count).filter(|_| throttle.try_take(now_ms)).count();
        assert_eq!(taken(0, 5), 3);
        assert_eq!(taken(499, 5), 0);
        assert_eq!(taken(500, 5), 1);
        assert_eq!(taken(1_500, 5), 2);
        assert_eq!(taken(1_000_000, 5), 3);
    }
}
