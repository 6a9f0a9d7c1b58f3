//! The date of a signature.

use std::fmt;

use crate::civil::{Civil, digits};

/// A second, written `20261130T091542Z` as `x-amz-date` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment {
    unix_s: i64,
}

impl Moment {
    /// So many seconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn from_unix_s(unix_s: i64) -> Self {
        Self { unix_s }
    }

    /// Seconds since 1970.
    #[must_use]
    pub fn unix_s(self) -> i64 {
        self.unix_s
    }

    /// Reads exactly the form `YYYYMMDDTHHMMSSZ`; `None` for any other text and for days that do not exist.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() != 16 || !text.is_ascii() || text.get(8..9) != Some("T") || text.get(15..) != Some("Z")
        {
            return None;
        }
        let part = |start, end| text.get(start..end).and_then(digits);
        let civil = Civil {
            year: part(0, 4)?,
            month: part(4, 6)?,
            day: part(6, 8)?,
            hour: part(9, 11)?,
            minute: part(11, 13)?,
            second: part(13, 15)?,
        };
        civil.is_real().then(|| Self { unix_s: civil.to_unix_s() })
    }

    /// `YYYYMMDD`, as the scope has it.
    #[must_use]
    pub fn date(self) -> String {
        let Civil { year, month, day, .. } = Civil::from_unix_s(self.unix_s);
        format!("{year:04}{month:02}{day:02}")
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { hour, minute, second, .. } = Civil::from_unix_s(self.unix_s);
        write!(f, "{}T{hour:02}{minute:02}{second:02}Z", self.date())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_basic_form_is_read() {
        let moment = Moment::parse("20150830T123600Z").unwrap();
        assert_eq!(moment.unix_s(), 1_440_938_160);
        assert_eq!(moment.to_string(), "20150830T123600Z");
        for text in [
            "",
            "20150830T123600",
            "20150830t123600Z",
            "20150830T123600z",
            "20150832T123600Z",
            "20150830T243600Z",
            "20150830T123660Z",
            "2015-08-30T12:36:00Z",
            "+0150830T123600Z",
            "20150830T12360 Z",
            "2015083012360000",
            "20150830T1236ä0Z",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }
}
