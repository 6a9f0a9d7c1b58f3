//! Messages that come to their queue again after a while (`redeliveryPlugin`): which, how often and when.

use ternmq_broker::{DeadMessage, Grave};
use ternmq_configuration::activemq_service::{DestinationKind, Object, Settings, Value};
use ternmq_message::DeathReason;

use super::pattern;

/// What a policy says where the file does not.
const DEFAULT_TIMES: i64 = 6;
const DEFAULT_DELAY_MS: u64 = 1_000;
const DEFAULT_MULTIPLIER: f64 = 5.0;
/// Longest delay: ten years, in ms.
const MAX_DELAY_MS: u64 = 315_360_000_000;
/// Delays do not grow any more after so many times.
const MAX_GROWTH: u32 = 64;

/// The plugin.
#[derive(Clone, Debug)]
pub(super) struct Redelivery {
    policies: Vec<(DestinationKind, String, Policy)>,
    default: Option<Policy>,
    /// What no policy covers goes to its dead-letter destination; else it is dropped.
    falls_back: bool,
    /// So does what came too often.
    is_kept_in_the_end: bool,
}

/// When the messages of a destination come again.
#[derive(Clone, Debug, PartialEq)]
struct Policy {
    /// Absent: without an end.
    most: Option<u32>,
    first_ms: u64,
    next_ms: u64,
    /// Each delay is so many times the one before.
    multiplier: Option<f64>,
    most_ms: Option<u64>,
}

impl Redelivery {
    pub(super) fn of(settings: &Settings) -> Option<Self> {
        let plugin = settings.redelivery()?;
        let policies = settings.redelivery_policies().into_iter().filter_map(|entry| {
            let (kind, pattern) = entry.destination()?;
            Some((kind, pattern.to_owned(), Policy::of(entry)))
        });
        Some(Self {
            policies: policies.collect(),
            default: settings.default_redelivery_policy().map(Policy::of),
            falls_back: plugin.truth("fallbackToDeadLetter").unwrap_or(true),
            is_kept_in_the_end: plugin.truth("sendToDlqIfMaxRetriesExceeded").unwrap_or(true),
        })
    }

    /// What becomes of a message that was refused; `None`: what becomes of any dead message.
    pub(super) fn decide(&self, dead: &DeadMessage<'_>, kind: DestinationKind, name: &str) -> Option<Grave> {
        if matches!(dead.reason, DeathReason::Expired | DeathReason::MaxLength) {
            return None;
        }
        let covering = self.policies.iter().rev();
        let covering = covering.filter(|(of, pattern, _)| *of == kind && pattern::covers(pattern, name));
        let closest = covering.min_by(|one, other| pattern::closer(&one.1, &other.1));
        let Some(policy) = closest.map(|(_, _, policy)| policy).or(self.default.as_ref()) else {
            return (!self.falls_back).then_some(Grave::None);
        };
        if policy.most.is_none_or(|most| dead.times < most) {
            return Some(Grave::Again { after_ms: policy.delay_ms(dead.times) });
        }
        (!self.is_kept_in_the_end).then_some(Grave::None)
    }
}

impl Policy {
    fn of(entry: &Object) -> Self {
        let ms = |name: &str| entry.whole(name).and_then(|ms| u64::try_from(ms).ok());
        let multiplier = match entry.value("backOffMultiplier") {
            Some(Value::Real(multiplier)) => *multiplier,
            _ => DEFAULT_MULTIPLIER,
        };
        let grows = entry.truth("useExponentialBackOff").unwrap_or(false) && multiplier > 1.0;
        Self {
            most: u32::try_from(entry.whole("maximumRedeliveries").unwrap_or(DEFAULT_TIMES)).ok(),
            first_ms: ms("initialRedeliveryDelay").unwrap_or(DEFAULT_DELAY_MS),
            next_ms: ms("redeliveryDelay").unwrap_or(DEFAULT_DELAY_MS),
            multiplier: grows.then_some(multiplier),
            most_ms: ms("maximumRedeliveryDelay"),
        }
    }

    /// The delay of a message that came again so many times already.
    fn delay_ms(&self, times: u32) -> u64 {
        let mut delay_ms = self.first_ms;
        for _ in 0..times.min(MAX_GROWTH) {
            delay_ms = match self.multiplier {
                // As far as it is past the range it is cut off.
                Some(multiplier) if delay_ms > 0 => {
                    let grown = (delay_ms as f64 * multiplier) as u64;
                    self.most_ms
                        .map_or(grown, |most| if grown > most { most.max(self.next_ms) } else { grown })
                }
                _ => self.next_ms,
            };
        }
        delay_ms.min(MAX_DELAY_MS)
    }
}
