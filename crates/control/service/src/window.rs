//! The weekly maintenance window (facts, section 2.2).

use jiff::civil::{Time, Weekday};
use jiff::tz::{Offset, TimeZone};
use jiff::{Span, Timestamp};
use ternmq_api::Refusal;
use ternmq_api::mq::WeeklyStartTime;
use ternmq_stdx::shown;

use crate::ids::Randomness;
use crate::records::Window;
use crate::time::moment;

/// Changes between two beginnings of the window.
pub(crate) const MAX_CHANGES: usize = 4;
const ATTRIBUTE: &str = "maintenanceWindowStartTime";

const DAYS: [(&str, Weekday); 7] = [
    ("MONDAY", Weekday::Monday),
    ("TUESDAY", Weekday::Tuesday),
    ("WEDNESDAY", Weekday::Wednesday),
    ("THURSDAY", Weekday::Thursday),
    ("FRIDAY", Weekday::Friday),
    ("SATURDAY", Weekday::Saturday),
    ("SUNDAY", Weekday::Sunday),
];

/// The window that was asked for.
///
/// # Errors
/// A time that is not `HH:MM`, or a zone that is neither a name nor an offset.
pub(crate) fn of_input(input: &WeeklyStartTime) -> Result<Window, Refusal> {
    let zone = input.time_zone.clone().unwrap_or_else(|| "UTC".into());
    let window = Window { day: input.day_of_week.clone(), time: input.time_of_day.clone(), zone };
    if time(&window.time).is_none() {
        let text = format!("Time of day [{}] is invalid. Use the 24-hour form HH:MM.", shown(&window.time));
        return Err(Refusal::bad_request(ATTRIBUTE, text));
    }
    if time_zone(&window.zone).is_none() {
        let text = format!(
            "Time zone [{}] is invalid. Use Country/City, or an offset from UTC such as +02:00.",
            shown(&window.zone)
        );
        return Err(Refusal::bad_request(ATTRIBUTE, text));
    }
    Ok(window)
}

/// A window for a broker that was created without one.
pub(crate) fn random(random: &Randomness) -> Window {
    let mut bytes = [0; 2];
    random.fill(&mut bytes);
    let [day, hour] = bytes;
    let (day, _) = DAYS.iter().cycle().nth(usize::from(day)).copied().unwrap_or(("SUNDAY", Weekday::Sunday));
    Window { day: day.into(), time: format!("{:02}:00", hour % 24), zone: "UTC".into() }
}

/// When the window begins next after `now_ms`; milliseconds since 1970.
///
/// A zone that this machine has no more, or a day out of the calendar, leaves it a week away.
pub(crate) fn next_ms(window: &Window, now_ms: u64) -> u64 {
    const WEEK_MS: u64 = 7 * 24 * 3_600 * 1_000;
    let begin = begin_after(window, moment(now_ms));
    begin
        .and_then(|begin| u64::try_from(begin.as_millisecond()).ok())
        .unwrap_or(now_ms.saturating_add(WEEK_MS))
}

fn begin_after(window: &Window, now: Timestamp) -> Option<Timestamp> {
    let (_, weekday) = DAYS.iter().find(|(name, _)| *name == window.day)?;
    let (zone, time) = (time_zone(&window.zone)?, time(&window.time)?);
    let today = now.to_zoned_datetime(zone.clone()).date();
    let days = today.weekday().until(*weekday);
    // The window of today may have begun already.
    [i32::from(days), i32::from(days) + 7].into_iter().find_map(|days| {
        let day = today.checked_add(Span::new().days(days)).ok()?;
        let begin = day.to_datetime(time).to_zoned_datetime(zone.clone()).ok()?.timestamp();
        (begin > now).then_some(begin)
    })
}

fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|byte| byte.is_ascii_digit());
        is_two.then(|| digits.parse::<i8>().ok()).flatten()
    };
    Time::new(two(hour)?, two(minute)?, 0, 0).ok()
}

fn time_zone(text: &str) -> Option<TimeZone> {
    if text.is_empty() || text.len() > 64 {
        return None;
    }
    let rest = text.strip_prefix("UTC").or_else(|| text.strip_prefix("GMT")).unwrap_or(text);
    match rest.split_at_checked(1) {
        None => Some(TimeZone::UTC),
        Some((sign @ ("+" | "-"), offset)) => {
            // `+2` and `+02` are `+02:00`.
            let is_hour = (1..=2).contains(&offset.len());
            let offset = if is_hour { time(&format!("{offset:0>2}:00"))? } else { time(offset)? };
            let seconds = i32::from(offset.hour()) * 3_600 + i32::from(offset.minute()) * 60;
            let offset = Offset::from_seconds(if sign == "-" { -seconds } else { seconds }).ok()?;
            Some(TimeZone::fixed(offset))
        }
        Some(_) => TimeZone::get(text).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::iso_seconds;

    fn check(day: &str, time: &str, zone: &str, now: &str, expect: &str) {
        let window = Window { day: day.into(), time: time.into(), zone: zone.into() };
        let now: Timestamp = now.parse().unwrap();
        let next = next_ms(&window, now.as_millisecond().try_into().unwrap());
        assert_eq!(iso_seconds(next), expect, "{day} {time} {zone}");
    }

    #[test]
    fn the_next_window() {
        // The 30th of November 2026 is a Monday.
        check("MONDAY", "12:00", "UTC", "2026-11-30T11:59:59Z", "2026-11-30T12:00:00Z");
        check("MONDAY", "12:00", "UTC", "2026-11-30T12:00:00Z", "2026-12-07T12:00:00Z");
        check("SUNDAY", "00:30", "UTC", "2026-11-30T12:00:00Z", "2026-12-06T00:30:00Z");
        check("TUESDAY", "00:30", "Europe/Berlin", "2026-11-30T12:00:00Z", "2026-11-30T23:30:00Z");
        check("TUESDAY", "00:30", "UTC+05:30", "2026-11-30T12:00:00Z", "2026-11-30T19:00:00Z");
        check("MONDAY", "23:00", "-02:00", "2026-11-30T12:00:00Z", "2026-12-01T01:00:00Z");
        // In this night the hour from 2 to 3 does not exist.
        check("SUNDAY", "02:30", "Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T01:30:00Z");
    }

    #[test]
    fn inputs() {
        let of = |time: &str, zone: Option<&str>| {
            let input = WeeklyStartTime {
                day_of_week: "MONDAY".into(),
                time_of_day: time.into(),
                time_zone: zone.map(str::to_owned),
            };
            of_input(&input).map(|window| window.zone).map_err(|refusal| refusal.message)
        };
        assert_eq!(of("23:59", None), Ok("UTC".into()));
        assert_eq!(of("00:00", Some("America/New_York")), Ok("America/New_York".into()));
        for bad in ["24:00", "1:00", "12:60", "12", "", "12:0x", "ab:cd"] {
            assert!(of(bad, None).unwrap_err().contains("24-hour"), "{bad}");
        }
        for bad in ["", "Mars/Olympus", "+25:00", "+", &"x".repeat(100)] {
            assert!(of("12:00", Some(bad)).unwrap_err().contains("Time zone"), "{bad}");
        }
    }
}
