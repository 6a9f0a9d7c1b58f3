//! Moments as the APIs write them.

use jiff::Timestamp;

/// `2025-07-17T16:03:01.759Z`.
pub(crate) fn iso_millis(unix_ms: u64) -> String {
    format!("{:.3}", moment(unix_ms))
}

/// `2025-07-17T16:03:01Z`.
pub(crate) fn iso_seconds(unix_ms: u64) -> String {
    format!("{:.0}", moment(unix_ms))
}

/// A moment; one that is out of the calendar is its end.
pub(crate) fn moment(unix_ms: u64) -> Timestamp {
    i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(iso_millis(1_752_768_181_759), "2025-07-17T16:03:01.759Z");
        assert_eq!(iso_millis(1_752_768_181_000), "2025-07-17T16:03:01.000Z");
        assert_eq!(iso_seconds(1_752_768_181_759), "2025-07-17T16:03:01Z");
    }
}
