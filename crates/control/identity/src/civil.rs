//! Dates of the Gregorian calendar and seconds since 1970, both ways.

/// Seconds of a day.
const DAY_S: i64 = 86_400;

/// A moment as its parts, always one that exists: no 31 April, no leap second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Civil {
    /// 0 to 9999.
    pub year: i64,
    /// 1 to 12.
    pub month: i64,
    /// 1 to 31.
    pub day: i64,
    /// 0 to 23.
    pub hour: i64,
    /// 0 to 59.
    pub minute: i64,
    /// 0 to 59.
    pub second: i64,
}

impl Civil {
    /// Whether the calendar has it.
    pub(crate) fn is_real(&self) -> bool {
        (0..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_of_month(self.year, self.month)).contains(&self.day)
            && (0..24).contains(&self.hour)
            && (0..60).contains(&self.minute)
            && (0..60).contains(&self.second)
    }

    /// Seconds since 1970-01-01T00:00:00Z. Years are counted from March, so that the leap day is the last of its year.
    pub(crate) fn to_unix_s(self) -> i64 {
        let year = if self.month > 2 { self.year } else { self.year - 1 };
        let era = year.div_euclid(400);
        let year_of_era = year.rem_euclid(400);
        let month_from_march = (self.month + 9) % 12;
        let day_of_year = (153 * month_from_march + 2) / 5 + self.day - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        // 719,468 days lie between 0000-03-01 and 1970-01-01.
        let days = era * 146_097 + day_of_era - 719_468;
        days * DAY_S + self.hour * 3_600 + self.minute * 60 + self.second
    }

    /// The moment so many seconds after 1970; outside the years 0 to 9999 the nearest one inside.
    pub(crate) fn from_unix_s(unix_s: i64) -> Self {
        let unix_s = unix_s.clamp(-62_167_219_200, 253_402_300_799);
        let (days, second_of_day) = (unix_s.div_euclid(DAY_S) + 719_468, unix_s.rem_euclid(DAY_S));
        let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year_of_era =
            (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        Self {
            year: era * 400 + year_of_era + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: second_of_day / 3_600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }
}

/// A moment as ISO 8601 has it: `2026-11-30T09:15:42Z`.
pub(crate) fn iso(unix_s: i64) -> String {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix_s(unix_s);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

fn days_of_month(year: i64, month: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// A number of ASCII digits only.
pub(crate) fn digits(text: &str) -> Option<i64> {
    let is_plain = !text.is_empty() && text.len() <= 18 && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unix_s: i64, parts: [i64; 6]) {
        let [year, month, day, hour, minute, second] = parts;
        let civil = Civil { year, month, day, hour, minute, second };
        assert!(civil.is_real());
        assert_eq!(civil.to_unix_s(), unix_s);
        assert_eq!(Civil::from_unix_s(unix_s), civil);
    }

    #[test]
    fn known_moments() {
        check(0, [1970, 1, 1, 0, 0, 0]);
        check(-1, [1969, 12, 31, 23, 59, 59]);
        check(951_782_400, [2000, 2, 29, 0, 0, 0]);
        check(1_440_938_160, [2015, 8, 30, 12, 36, 0]);
        check(1_796_030_142, [2026, 11, 30, 9, 15, 42]);
        check(253_402_300_799, [9999, 12, 31, 23, 59, 59]);
        check(-62_167_219_200, [0, 1, 1, 0, 0, 0]);
    }

    #[test]
    fn every_day_of_a_cycle_comes_back() {
        for day in 0..146_097 {
            let civil = Civil::from_unix_s(day * DAY_S + 1);
            assert!(civil.is_real(), "{civil:?}");
            assert_eq!(civil.to_unix_s(), day * DAY_S + 1);
        }
    }

    #[test]
    fn days_that_are_not() {
        let of = |year, month, day| Civil { year, month, day, hour: 0, minute: 0, second: 0 };
        for (year, month, day) in [(2023, 2, 29), (1900, 2, 29), (2024, 4, 31), (2024, 13, 1), (2024, 1, 0)] {
            assert!(!of(year, month, day).is_real(), "{year}-{month}-{day}");
        }
        assert!(!Civil { second: 60, ..of(2024, 1, 1) }.is_real());
    }
}
