//! Values that are compared by what they mean: numbers, dates, addresses.

use std::cmp::Ordering;
use std::net::IpAddr;

use crate::civil::{Civil, digits};

/// A decimal number of any length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal {
    is_negative: bool,
    /// Without zeros in front.
    whole: String,
    /// Without zeros at the end.
    part: String,
}

impl Decimal {
    /// `[+-]digits[.digits]`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (is_negative, rest) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = rest.split_once('.').unwrap_or((rest, "0"));
        let is_plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_plain(whole) || !is_plain(part) {
            return None;
        }
        let whole = whole.trim_start_matches('0').to_owned();
        let part = part.trim_end_matches('0').to_owned();
        let is_zero = whole.is_empty() && part.is_empty();
        Some(Self { is_negative: is_negative && !is_zero, whole, part })
    }

    fn size(&self) -> (usize, &str, &str) {
        (self.whole.len(), &self.whole, &self.part)
    }
}

impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self.is_negative, other.is_negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.size().cmp(&other.size()),
            (true, true) => other.size().cmp(&self.size()),
        }
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Milliseconds since 1970 of a date: ISO 8601 as W3C profiles it (`2026`, `2026-11`, `2026-11-30`,
/// `2026-11-30T09:15Z`, with seconds, with a fraction, with an offset), or a number of seconds since 1970. Four digits
/// alone are a year.
pub(super) fn date_ms(text: &str) -> Option<i64> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    if text.len() != 4 && !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let seconds = digits(unsigned).and_then(|seconds| seconds.checked_mul(1_000))?;
        return Some(if text.len() == unsigned.len() { seconds } else { -seconds });
    }
    let (date, time) = match text.split_once('T') {
        Some((date, time)) => (date, Some(time)),
        None => (text, None),
    };
    let mut parts = date.split('-');
    let fixed = |text: &str, len: usize| if text.len() == len { digits(text) } else { None };
    let year = fixed(parts.next()?, 4)?;
    let month = parts.next().map_or(Some(1), |part| fixed(part, 2))?;
    let day = parts.next();
    let is_whole = day.is_some();
    let day = day.map_or(Some(1), |part| fixed(part, 2))?;
    if parts.next().is_some() || (time.is_some() && !is_whole) {
        return None;
    }
    let mut civil = Civil { year, month, day, hour: 0, minute: 0, second: 0 };
    let (mut fraction_ms, mut offset_s) = (0, 0);
    if let Some(time) = time {
        let (clock, zone_s) = split_zone(time)?;
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
        let mut parts = clock.split(':');
        civil.hour = fixed(parts.next()?, 2)?;
        civil.minute = fixed(parts.next()?, 2)?;
        let second = parts.next();
        civil.second = second.map_or(Some(0), |part| fixed(part, 2))?;
        if parts.next().is_some() || (second.is_none() && time.contains('.')) {
            return None;
        }
        digits(fraction)?;
        let milliseconds: String = fraction.chars().chain("00".chars()).take(3).collect();
        (fraction_ms, offset_s) = (digits(&milliseconds)?, zone_s);
    }
    civil.is_real().then(|| (civil.to_unix_s() - offset_s) * 1_000 + fraction_ms)
}

/// The clock, and how many seconds its zone is ahead of UTC.
fn split_zone(time: &str) -> Option<(&str, i64)> {
    if let Some(clock) = time.strip_suffix('Z') {
        return Some((clock, 0));
    }
    let at = time.find(['+', '-'])?;
    let (clock, zone) = time.split_at_checked(at)?;
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let is_sized = hours.len() == 2 && minutes.len() == 2;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    if !is_sized || hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = hours * 3_600 + minutes * 60;
    Some((clock, if zone.starts_with('-') { -seconds } else { seconds }))
}

/// A range of addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    address: IpAddr,
    prefix_bits: u32,
}

impl Range {
    /// `address` or `address/bits`, of either version. Bits behind the prefix do not count.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let max_bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match bits {
            Some(bits) if bits.len() <= 3 => u32::try_from(digits(bits)?).ok()?,
            Some(_) => return None,
            None => max_bits,
        };
        if prefix_bits > max_bits {
            return None;
        }
        // An IPv4 address may come written as one of IPv6; both mean the same host.
        let short = address.to_canonical();
        let is_mapped = short.is_ipv4() && address.is_ipv6() && prefix_bits >= 96;
        Some(if is_mapped {
            Self { address: short, prefix_bits: prefix_bits - 96 }
        } else {
            Self { address, prefix_bits }
        })
    }

    /// Whether the address is in it.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix_bits
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let differing = range.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= self.prefix_bits
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ordered() {
        let texts =
            ["-10.5", "-10", "-9.99", "-0.1", "0", "0.05", "0.1", "1", "1.10", "2", "10", "9007199254740993"];
        let numbers: Vec<Decimal> = texts.iter().map(|text| Decimal::parse(text).unwrap()).collect();
        assert!(numbers.is_sorted_by(|one, other| one < other));
        for (one, other) in [("1", "1.0"), ("-0", "0"), ("+5", "005.00"), ("10.10", "10.1")] {
            assert_eq!(Decimal::parse(one), Decimal::parse(other));
        }
        for text in ["", "-", ".", "1.", ".5", "1e3", "0x1", " 1", "1,5", "--1", "١"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_of_each_form() {
        for (text, ms) in [
            ("1970", 0),
            ("1970-02", 2_678_400_000),
            ("1970-01-02", 86_400_000),
            ("1970-01-01T00:01Z", 60_000),
            ("1970-01-01T00:00:01Z", 1_000),
            ("1970-01-01T00:00:01.5Z", 1_500),
            ("1970-01-01T00:00:01.12345Z", 1_123),
            ("1970-01-01T01:00:00+01:00", 0),
            ("1969-12-31T19:00:00-05:00", 0),
            ("1796030142", 1_796_030_142_000),
            ("-5", -5_000),
            ("0", 0),
        ] {
            assert_eq!(date_ms(text), Some(ms), "{text}");
        }
        for text in [
            "",
            "-",
            "T",
            "1970-1",
            "1970-01-01T",
            "1970-01-01T00Z",
            "1970-01-01T00:00",
            "1970-02-30",
            "1970-01-01T24:00Z",
            "1970-01-01T00:00.5Z",
            "1970-01-01T00:00:00.Z",
            "1970-01T00:00Z",
            "1970-01-01-01",
            "1970-01-01T00:00:00+24:00",
            "1970-01-01T00:00:00+0100",
            "99999999999999999999",
            "today",
        ] {
            assert_eq!(date_ms(text), None, "{text}");
        }
    }

    #[test]
    fn ranges_of_addresses() {
        let check = |range: &str, address: &str, expect: bool| {
            let range = Range::parse(range).unwrap();
            assert_eq!(range.contains(address.parse().unwrap()), expect, "{range:?} {address}");
        };
        check("192.0.2.0/24", "192.0.2.255", true);
        check("192.0.2.77/24", "192.0.2.1", true);
        check("192.0.2.0/24", "192.0.3.0", false);
        check("192.0.2.1", "192.0.2.1", true);
        check("192.0.2.1", "192.0.2.2", false);
        check("0.0.0.0/0", "255.255.255.255", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "192.0.2.1", false);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("2001:db8::/32", "2001:db9::", false);
        check("::ffff:192.0.2.0/120", "192.0.2.9", true);
        check("192.0.2.0/24", "::ffff:192.0.2.9", true);
        for text in [
            "",
            "192.0.2",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+1",
            "::/129",
            "::/0000",
            "a/8",
            "192.0.2.0/-1",
        ] {
            assert_eq!(Range::parse(text), None, "{text}");
        }
    }
}
