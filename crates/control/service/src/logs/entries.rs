//! Lines of a log as entries with their moments.

use std::collections::VecDeque;
use std::ops::ControlFlow;

use jiff::Timestamp;
use ternmq_fleet::{FleetError, Provisioner};

use super::Log;

/// One line, and how many of the same millisecond came before it: together its place in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub at_ms: i64,
    pub index: u32,
    pub message: String,
}

impl Entry {
    pub(super) fn place(&self) -> Place {
        Place { at_ms: self.at_ms, index: self.index }
    }
}

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub at_ms: i64,
    pub index: u32,
}

/// Which entries are wanted.
pub(super) struct Wanted<'a> {
    /// Only those behind it.
    pub after: Option<Place>,
    /// Only those before it.
    pub before: Option<Place>,
    /// Milliseconds since 1970, inclusive.
    pub from_ms: Option<i64>,
    /// Milliseconds since 1970, exclusive.
    pub to_ms: Option<i64>,
    pub matches: &'a dyn Fn(&str) -> bool,
    pub limit: usize,
}

impl Wanted<'_> {
    fn has(&self, entry: &Entry) -> bool {
        let place = entry.place();
        self.after.is_none_or(|after| place > after)
            && self.before.is_none_or(|before| place < before)
            && self.from_ms.is_none_or(|from| entry.at_ms >= from)
            && self.to_ms.is_none_or(|to| entry.at_ms < to)
            && (self.matches)(&entry.message)
    }
}

/// Which end of the log comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// The first entries that are wanted.
    Head,
    /// The last.
    Tail,
}

/// Reads the entries that are wanted, oldest first.
pub(super) fn read(
    fleet: &dyn Provisioner,
    log: &Log,
    wanted: &Wanted<'_>,
    end: End,
) -> Result<Vec<Entry>, FleetError> {
    let mut found = VecDeque::new();
    let mut clock = Clock::default();
    fleet.read_log(&log.node, log.kind, &mut |line| {
        let entry = clock.entry(line);
        if wanted.has(&entry) {
            found.push_back(entry);
        }
        if found.len() <= wanted.limit {
            return ControlFlow::Continue(());
        }
        match end {
            End::Head => {
                found.pop_back();
                ControlFlow::Break(())
            }
            End::Tail => {
                found.pop_front();
                ControlFlow::Continue(())
            }
        }
    })?;
    Ok(found.into())
}

/// Gives lines their moments: that with which a line begins, or that of the line before. It never goes back, so that
/// places are in the order of lines.
#[derive(Default)]
struct Clock {
    at_ms: i64,
    index: u32,
}

impl Clock {
    fn entry(&mut self, line: &str) -> Entry {
        let begin = line.split_once(' ').map_or(line, |(begin, _)| begin);
        let at_ms = begin.parse::<Timestamp>().map_or(self.at_ms, Timestamp::as_millisecond);
        if at_ms > self.at_ms {
            (self.at_ms, self.index) = (at_ms, 0);
        } else {
            self.index += 1;
        }
        Entry { at_ms: self.at_ms, index: self.index, message: line.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_places_in_their_order() {
        let mut clock = Clock::default();
        let lines = [
            "2026-11-30T12:00:00.5Z  INFO a",
            "  more",
            "2026-11-30T12:00:00.5Z b",
            "2026-11-30T11:00:00Z c",
            "2026-11-30T12:00:01Z d",
        ];
        let entries: Vec<Entry> = lines.iter().map(|line| clock.entry(line)).collect();
        assert!(entries.windows(2).all(|pair| pair[0].place() < pair[1].place()), "{entries:?}");
        assert_eq!((entries[1].at_ms, entries[3].at_ms), (entries[0].at_ms, entries[0].at_ms));
        assert_eq!(entries[4].at_ms - entries[0].at_ms, 500);
    }
}
