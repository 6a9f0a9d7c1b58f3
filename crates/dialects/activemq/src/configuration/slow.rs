//! Consumers that are too slow: what strategies for them say.

use ternmq_broker::{SlowEnd, SlowRule, SlowSign};
use ternmq_configuration::activemq_service::Object;

use crate::names;

/// Times in ms where the file does not say them.
const DEFAULT_MS: i64 = 30_000;
/// Shortest time in ms between two looks.
pub(super) const MIN_CHECK_MS: u64 = 100;

/// The same, where nobody ends and slow ones are only told of.
pub(super) const TOLD_MS: u64 = 5_000;

/// A strategy of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct SlowStrategy {
    check_ms: u64,
    /// Found slow so often in a row a consumer ends.
    max_looks: u64,
    /// Ms without an acknowledgement, and whether one that has nothing is spared; absent: what counts is what waits for it.
    silent: Option<(u64, bool)>,
    end: SlowEnd,
}

impl SlowStrategy {
    /// What an element says; `None` for one without any limit, which ends nobody.
    pub(super) fn of(strategy: &Object) -> Option<Self> {
        let whole = |name: &str| strategy.whole(name).unwrap_or(DEFAULT_MS);
        let above_zero = |number: i64| u64::try_from(number).ok().filter(|number| *number > 0);
        let check_ms = above_zero(whole("checkPeriod")).unwrap_or_default().max(MIN_CHECK_MS);
        // Of the duration each look stands for the time up to the next one.
        let of_duration = above_zero(whole("maxSlowDuration")).map(|ms| ms.div_ceil(check_ms));
        let of_count = strategy.whole("maxSlowCount").and_then(above_zero);
        let silent = (strategy.name() == "abortSlowAckConsumerStrategy").then(|| {
            let max_ms = u64::try_from(whole("maxTimeSinceLastAck")).unwrap_or_default();
            (max_ms, strategy.truth("ignoreIdleConsumers").unwrap_or(true))
        });
        let is_connection = strategy.truth("abortConnection").unwrap_or(false);
        Some(Self {
            check_ms,
            max_looks: of_duration.into_iter().chain(of_count).min()?,
            silent,
            end: if is_connection { SlowEnd::Connection } else { SlowEnd::Consumer },
        })
    }

    pub(super) fn check_ms(&self) -> u64 {
        self.check_ms
    }

    /// The rule for consumers of a queue of this name.
    pub(super) fn rule(&self, queue: &str) -> SlowRule {
        let sign = match self.silent {
            Some((max_ms, spares_idle)) => SlowSign::Silent { max_ms, spares_idle },
            None => sign_of(queue),
        };
        SlowRule { check_ms: self.check_ms, sign, max_looks: Some(self.max_looks), end: self.end }
    }
}

/// The sign of slow consumers of a queue, where what waits for them counts.
fn sign_of(queue: &str) -> SlowSign {
    if names::is_of_topics(queue) { SlowSign::Behind } else { SlowSign::Stuck }
}

/// The rule for a queue whose slow consumers are told of and go on.
pub(super) fn told(queue: &str) -> SlowRule {
    SlowRule { check_ms: TOLD_MS, sign: sign_of(queue), max_looks: None, end: SlowEnd::Consumer }
}

/// The longest time between two looks in which both go up.
pub(super) fn common(one: u64, other: u64) -> u64 {
    let (mut greater, mut less) = (one.max(other), one.min(other));
    while less > 0 {
        (greater, less) = (less, greater % less);
    }
    greater
}
