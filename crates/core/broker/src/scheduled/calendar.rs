//! Times by calendar: minutes, hours, days, months and days of the week, as cron has them, in UTC.

use std::{ops::RangeInclusive, sync::Arc};

use thiserror::Error;

/// Longest text of a calendar in bytes.
const MAX_TEXT_BYTES: usize = 256;
const MINUTE_MS: u64 = 60_000;
const DAY_MINUTES: u64 = 1_440;
/// 29 February comes at least once in eight years, also where a century has none.
const MAX_DAYS: u64 = 8 * 366;

/// Minutes of the year that are chosen by five fields: minute, hour, day of the month, month, day of the week (0 and 7 are
/// Sunday). A field is `*`, or numbers, ranges `A-B` and steps `*/N`, `A-B/N`, with commas between them. Where both kinds of
/// days are chosen, either is enough.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    text: Arc<str>,
    /// A bit for each number that a field has.
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
    /// All days of the month, of the week.
    has_all_days: (bool, bool),
}

/// What is wrong with a calendar.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum CalendarError {
    /// Not five fields, or too long.
    #[error("it needs five fields: minute, hour, day of the month, month, day of the week")]
    Fields,
    /// A field that is no list of numbers, ranges and steps.
    #[error("its {name} has to be made of *, numbers from {first} to {last}, ranges and steps")]
    Field {
        /// What it is for.
        name: &'static str,
        /// Lowest number.
        first: u8,
        /// Highest number.
        last: u8,
    },
    /// There is no such day.
    #[error("it never comes")]
    Never,
}

impl Calendar {
    /// Reads one.
    ///
    /// # Errors
    /// See [`CalendarError`].
    pub fn parse(text: &str) -> Result<Self, CalendarError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(CalendarError::Fields);
        }
        let mut fields = text.split_ascii_whitespace();
        let mut next = |name: &'static str, range: RangeInclusive<u8>| {
            let field = fields.next().ok_or(CalendarError::Fields)?;
            let (first, last) = (*range.start(), *range.end());
            Ok((field, bits(field, range).ok_or(CalendarError::Field { name, first, last })?))
        };
        let (_, minutes) = next("minute", 0..=59)?;
        let (_, hours) = next("hour", 0..=23)?;
        let (days_text, days) = next("day of the month", 1..=31)?;
        let (_, months) = next("month", 1..=12)?;
        let (weekdays_text, weekdays) = next("day of the week", 0..=7)?;
        if fields.next().is_some() {
            return Err(CalendarError::Fields);
        }
        let weekdays = (weekdays | weekdays >> 7) & 0x7f;
        let has_all_days = (days_text == "*", weekdays_text == "*");
        let calendar = Self { text: text.into(), minutes, hours, days, months, weekdays, has_all_days };
        calendar.next_ms(0).ok_or(CalendarError::Never)?;
        Ok(calendar)
    }

    /// As it was read.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first of its times after one, in ms since 1970-01-01T00:00:00Z; `None` past the end of what can be counted.
    #[must_use]
    pub fn next_ms(&self, after_ms: u64) -> Option<u64> {
        let start = (after_ms / MINUTE_MS).checked_add(1)?;
        let mut minute_of_day = start % DAY_MINUTES;
        let first_day = start / DAY_MINUTES;
        for day in first_day..first_day.checked_add(MAX_DAYS)? {
            if self.has_day(day)
                && let Some(found) = self.next_minute(minute_of_day)
            {
                return day.checked_mul(DAY_MINUTES)?.checked_add(found)?.checked_mul(MINUTE_MS);
            }
            minute_of_day = 0;
        }
        None
    }

    fn next_minute(&self, from: u64) -> Option<u64> {
        (from..DAY_MINUTES).find(|at| has(self.hours, at / 60) && has(self.minutes, at % 60))
    }

    /// Whether a day, counted from 1970, is chosen.
    fn has_day(&self, day: u64) -> bool {
        let (month, of_month) = month_and_day(day);
        if !has(self.months, month) {
            return false;
        }
        // The first day of all was a Thursday.
        let (is_day, is_weekday) = (has(self.days, of_month), has(self.weekdays, (day + 4) % 7));
        match self.has_all_days {
            (false, false) => is_day || is_weekday,
            _ => is_day && is_weekday,
        }
    }
}

fn has(bits: u64, number: u64) -> bool {
    bits >> number & 1 == 1
}

/// Month, 1..=12, and day of the month of a day that is counted from 1970, in the Gregorian calendar. Years begin in March
/// for it, so that the day which is not always there comes last.
fn month_and_day(day: u64) -> (u64, u64) {
    // From 1 March of the year 0 on; 400 years have 146,097 days.
    let of_era = day.saturating_add(719_468) % 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    (if month < 10 { month + 3 } else { month - 9 }, day)
}

/// The numbers that a field has, a bit for each; `None` when it can't be read.
fn bits(field: &str, range: RangeInclusive<u8>) -> Option<u64> {
    let number = |text: &str| {
        let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse::<u8>().ok().filter(|number| is_number && range.contains(number))
    };
    let mut all = 0;
    for part in field.split(',') {
        let (numbers, step) = match part.split_once('/') {
            Some((numbers, step)) => (numbers, step.parse().ok().filter(|step: &u8| *step > 0)?),
            None => (part, 1),
        };
        let (first, last) = match numbers.split_once('-') {
            _ if numbers == "*" => (*range.start(), *range.end()),
            Some((first, last)) => (number(first)?, number(last)?),
            // With a step, a number is where it begins.
            None if part.contains('/') => (number(numbers)?, *range.end()),
            None => (number(numbers)?, number(numbers)?),
        };
        if first > last {
            return None;
        }
        (first..=last).step_by(step.into()).for_each(|number| all |= 1 << number);
    }
    Some(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: u64 = DAY_MINUTES * MINUTE_MS;
    /// 2023-11-14T22:13:20Z, a Tuesday.
    const NOW_MS: u64 = 1_700_000_000_000;
    /// 2023-11-14T00:00:00Z.
    const TODAY_MS: u64 = NOW_MS / DAY_MS * DAY_MS;

    /// Days and minutes after the start of that day.
    fn check(text: &str, expect: &[(u64, u64)]) {
        let calendar = Calendar::parse(text).unwrap();
        let mut now_ms = NOW_MS;
        for (days, minutes) in expect {
            now_ms = calendar.next_ms(now_ms).unwrap();
            let found = (now_ms - TODAY_MS) / MINUTE_MS;
            assert_eq!((found / DAY_MINUTES, found % DAY_MINUTES), (*days, *minutes), "{text}");
            assert_eq!(now_ms % MINUTE_MS, 0);
        }
    }

    #[test]
    fn the_next_time_is_found() {
        check("* * * * *", &[(0, 22 * 60 + 14), (0, 22 * 60 + 15)]);
        check("0 * * * *", &[(0, 23 * 60), (1, 0)]);
        check("*/20 22 * * *", &[(0, 22 * 60 + 20), (0, 22 * 60 + 40), (1, 22 * 60)]);
        check("5,50-51 3 * * *", &[(1, 185), (1, 230), (1, 231), (2, 185)]);
        check("10/25 0 * * *", &[(1, 10), (1, 35), (2, 10)]);
        check("0 0 1 * *", &[(17, 0), (48, 0)]);
        check("0 12 * * 0", &[(5, 720), (12, 720)]);
        check("0 12 * * 7", &[(5, 720)]);
        check("0 0 16 * 5", &[(2, 0), (3, 0), (10, 0)]);
        check("0 0 29 2 *", &[(107, 0), (107 + 1_461, 0)]);
        check("59 23 31 12 *", &[(47, 1_439)]);
    }

    #[test]
    fn what_is_no_calendar_is_refused() {
        for text in ["", "* * * *", "* * * * * *", &"*".repeat(300)] {
            assert_eq!(Calendar::parse(text), Err(CalendarError::Fields), "{text}");
        }
        for text in [
            "60 * * * *",
            "a * * * *",
            "-1 * * * *",
            "5-1 * * * *",
            "*/0 * * * *",
            "1, * * * *",
            "+1 * * * *",
        ] {
            assert!(
                matches!(Calendar::parse(text), Err(CalendarError::Field { name: "minute", .. })),
                "{text}"
            );
        }
        assert!(matches!(Calendar::parse("* * 0 * *"), Err(CalendarError::Field { first: 1, last: 31, .. })));
        assert!(matches!(Calendar::parse("* * * JAN *"), Err(CalendarError::Field { name: "month", .. })));
        assert_eq!(Calendar::parse("0 0 31 2 *"), Err(CalendarError::Never));
        assert_eq!(Calendar::parse("* * * * *").unwrap().next_ms(u64::MAX), None);
    }

    #[test]
    fn every_day_of_four_hundred_years_has_its_month() {
        let mut day = 0;
        for year in 1970..2370_u64 {
            let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
            for (month, len) in
                (1..).zip([31, 28 + u64::from(is_leap), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
            {
                for of_month in 1..=len {
                    assert_eq!(month_and_day(day), (month, of_month), "{year}");
                    day += 1;
                }
            }
        }
    }
}
