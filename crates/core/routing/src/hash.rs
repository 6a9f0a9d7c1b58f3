//! Hash lookup: one target of many, always the same for the same value, in proportion to weights.
//!
//! Each target draws a number from the value and its own name; the best draw wins. Hence when a target comes or goes,
//! only the values that it wins or had won move, and the choice survives a restart: it hangs on names only.

use ternmq_message::{Properties, Value};

use crate::{
    binding::{BindError, Target},
    node::HashBy,
};

/// Most targets of one hash node: each costs a look per message.
pub const MAX_HASH_TARGETS: usize = 1_024;
/// Highest weight of a binding of a hash node.
pub const MAX_WEIGHT: u32 = 1_000_000;

#[derive(Debug, Default)]
pub(crate) struct HashTargets {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    target: Target,
    /// Hash of the target's name.
    seed: u64,
    /// Sum over its bindings.
    weight: u64,
}

impl HashTargets {
    pub(crate) fn check(&self, key: &str, target: Target) -> Result<(), BindError> {
        parse_weight(key).ok_or(BindError::BadWeight)?;
        let is_known = self.entries.iter().any(|entry| entry.target == target);
        if !is_known && self.entries.len() >= MAX_HASH_TARGETS {
            return Err(BindError::TooManyHashTargets);
        }
        Ok(())
    }

    pub(crate) fn add(&mut self, key: &str, target: Target, seed: u64) {
        let weight = u64::from(parse_weight(key).unwrap_or_default());
        match self.entries.iter_mut().find(|entry| entry.target == target) {
            Some(entry) => entry.weight = entry.weight.saturating_add(weight),
            None => self.entries.push(Entry { target, seed, weight }),
        }
    }

    pub(crate) fn remove(&mut self, key: &str, target: Target) {
        let weight = u64::from(parse_weight(key).unwrap_or_default());
        let Some(at) = self.entries.iter().position(|entry| entry.target == target) else { return };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.weight = entry.weight.saturating_sub(weight);
            if entry.weight == 0 {
                self.entries.swap_remove(at);
            }
        }
    }

    pub(crate) fn find(&self, value: u64) -> Option<Target> {
        let first = self.entries.first()?;
        let draw = |entry: &Entry| mix(value ^ entry.seed);
        let best = if self.entries.iter().all(|entry| entry.weight == first.weight) {
            self.entries.iter().max_by_key(|entry| (draw(entry), entry.seed))
        } else {
            // -ln(u) / weight is the waiting time of the target; the shortest wins.
            let waits = self.entries.iter().map(|entry| (minus_ln(draw(entry)) / entry.weight as f64, entry));
            waits
                .min_by(|(wait, a), (other, b)| wait.total_cmp(other).then(b.seed.cmp(&a.seed)))
                .map(|(_, entry)| entry)
        };
        best.map(|entry| entry.target)
    }
}

/// Hash of what `by` names in a message.
pub(crate) fn value_of(by: &HashBy, key: &str, properties: &Properties) -> u64 {
    match by {
        HashBy::Key => stable_hash(key.as_bytes()),
        HashBy::Header(name) => properties.header(name).map_or(EMPTY, hash_of_header),
        HashBy::MessageId => properties.message_id.as_ref().map_or(EMPTY, |id| stable_hash(id)),
        HashBy::CorrelationId => properties.correlation_id.as_ref().map_or(EMPTY, |id| stable_hash(id)),
        HashBy::Timestamp => {
            properties.timestamp.map_or(EMPTY, |seconds| stable_hash(&seconds.to_le_bytes()))
        }
    }
}

/// Hash of the empty text.
const EMPTY: u64 = stable_hash(b"");

/// A number and its width do not matter, nor whether a text came as bytes.
fn hash_of_header(value: &Value) -> u64 {
    match (value, value.as_i64()) {
        (_, Some(number)) => stable_hash(&number.to_le_bytes()),
        (Value::Str(text), _) => stable_hash(text.as_bytes()),
        (Value::Bytes(bytes), _) => stable_hash(bytes),
        (Value::U64(number) | Value::Timestamp(number), _) => stable_hash(&number.to_le_bytes()),
        (Value::Bool(truth), _) => stable_hash(&[u8::from(*truth)]),
        (Value::F32(number), _) => stable_hash(&f64::from(*number).to_le_bytes()),
        (Value::F64(number), _) => stable_hash(&number.to_le_bytes()),
        (Value::Decimal(number), _) => {
            mix(stable_hash(&number.unscaled.to_le_bytes()) ^ u64::from(number.scale))
        }
        _ => EMPTY,
    }
}

/// Hash that is the same on every machine and in every release: it decides where messages go.
pub(crate) const fn stable_hash(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut rest = bytes;
    while let Some((byte, tail)) = rest.split_first() {
        hash = (hash ^ *byte as u64).wrapping_mul(0x0000_0100_0000_01b3);
        rest = tail;
    }
    mix(hash)
}

/// Spreads every bit over all others.
const fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// -ln of `draw` seen as a number in (0, 1], by operations whose result IEEE 754 fixes to the bit, unlike `f64::ln`.
fn minus_ln(draw: u64) -> f64 {
    let draw = draw.max(1);
    let exponent = draw.leading_zeros();
    // In [1, 2).
    let mantissa = (draw << exponent) as f64 / (1_u64 << 63) as f64;
    let s = (mantissa - 1.0) / (mantissa + 1.0);
    let square = s * s;
    let coefficients = [1.0 / 13.0, 1.0 / 11.0, 1.0 / 9.0, 1.0 / 7.0, 1.0 / 5.0, 1.0 / 3.0, 1.0];
    let series = coefficients.iter().fold(0.0, |sum, coefficient| sum * square + coefficient);
    f64::from(exponent + 1) * std::f64::consts::LN_2 - 2.0 * s * series
}

fn parse_weight(key: &str) -> Option<u32> {
    key.parse().ok().filter(|weight| (1..=MAX_WEIGHT).contains(weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_logarithm_is_close_enough() {
        for draw in [1, 2, 3, 1 << 20, u64::MAX / 3, u64::MAX / 2, u64::MAX - 1, u64::MAX] {
            let expect = -(draw as f64 / 2_f64.powi(64)).ln();
            assert!((minus_ln(draw) - expect).abs() < 1e-7, "{draw}: {} against {expect}", minus_ln(draw));
        }
    }

    #[test]
    fn the_hash_stays_the_same_from_release_to_release() {
        let check = |text: &str, expect: u64| assert_eq!(stable_hash(text.as_bytes()), expect, "{text:?}");
        check("", 0xf52a_15e9_a9b5_e89b);
        check("a", 0x02c0_bdbf_4814_20f8);
        check("orders.eu", 0xf1e3_629c_f802_cb0a);
    }
}
