//! The book of what a lane's messages became: in order, lost, twice, damaged.

use std::collections::BTreeMap;

/// Faults counted over a run; all zero for a correct broker.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub struct Faults {
    /// Published (and confirmed, where confirms are asked) and never delivered.
    pub lost: u64,
    /// Delivered again without having been returned.
    pub duplicated: u64,
    /// Delivered after a later message of the same publisher.
    pub reordered: u64,
    /// Not byte for byte what was sent, or from nobody.
    pub corrupted: u64,
    /// Refused by the broker with basic.nack.
    pub refused: u64,
    /// Delivered before it was due.
    pub early: u64,
}

impl Faults {
    /// All faults together.
    pub fn total(&self) -> u64 {
        self.lost + self.duplicated + self.reordered + self.corrupted + self.refused + self.early
    }

    /// Adds another count.
    pub fn add(&mut self, other: &Faults) {
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.corrupted += other.corrupted;
        self.refused += other.refused;
        self.early += other.early;
    }
}

impl std::fmt::Display for Faults {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.total() == 0 {
            return write!(f, "none");
        }
        let counts = [
            (self.lost, "lost"),
            (self.duplicated, "duplicated"),
            (self.reordered, "out of order"),
            (self.corrupted, "corrupted"),
            (self.refused, "refused"),
            (self.early, "early"),
        ];
        let texts: Vec<String> = counts
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        write!(f, "{}", texts.join(", "))
    }
}

/// What one queue should carry of one lane: every number from 0, in order, once.
///
/// The common case, the next number, costs one comparison. A gap is kept as a range until its messages turn up
/// late or the run ends.
#[derive(Clone, Default, Debug)]
pub struct LaneLedger {
    /// The number expected next.
    next: u64,
    /// Ranges skipped and not seen since: start to end (exclusive).
    gaps: BTreeMap<u64, u64>,
    duplicated: u64,
    reordered: u64,
}

impl LaneLedger {
    /// Books a delivery.
    #[inline]
    pub fn book(&mut self, number: u64) {
        if number == self.next {
            self.next += 1;
        } else {
            self.book_unexpected(number);
        }
    }

    #[cold]
    fn book_unexpected(&mut self, number: u64) {
        if number > self.next {
            self.gaps.insert(self.next, number);
            self.next = number + 1;
            return;
        }
        let gap = self.gaps.range(..=number).next_back().map(|(start, end)| (*start, *end));
        match gap {
            Some((start, end)) if number < end => {
                self.gaps.remove(&start);
                if start < number {
                    self.gaps.insert(start, number);
                }
                if number + 1 < end {
                    self.gaps.insert(number + 1, end);
                }
                self.reordered += 1;
            }
            _ => self.duplicated += 1,
        }
    }

    /// Closes the book: `published` messages should have come.
    pub fn close(&self, published: u64) -> Faults {
        let missing: u64 = self.gaps.iter().map(|(start, end)| end - start).sum();
        let lost = missing + published.saturating_sub(self.next);
        let invented = self.next.saturating_sub(published);
        Faults {
            lost,
            duplicated: self.duplicated,
            reordered: self.reordered,
            corrupted: invented,
            ..Faults::default()
        }
    }
}

/// A set of numbers as one consumer of a shared queue saw them; several are merged at the end.
#[derive(Clone, Default, Debug)]
pub struct NumberSet {
    words: Vec<u64>,
    last: Option<u64>,
    duplicated: u64,
    reordered: u64,
}

/// Highest number a set takes: beyond it the number itself must be damaged (32 MiB of memory).
pub const NUMBER_SET_LIMIT: u64 = 1 << 28;

impl NumberSet {
    /// Books a delivery; false when the number is beyond [`NUMBER_SET_LIMIT`].
    #[inline]
    pub fn book(&mut self, number: u64) -> bool {
        if number >= NUMBER_SET_LIMIT {
            return false;
        }
        let index = (number / 64) as usize;
        if index >= self.words.len() {
            self.words.resize((index + 1).next_power_of_two(), 0);
        }
        if let Some(word) = self.words.get_mut(index) {
            let bit = 1 << (number % 64);
            if *word & bit != 0 {
                self.duplicated += 1;
            } else if self.last.is_some_and(|last| number < last) {
                self.reordered += 1;
            }
            *word |= bit;
        }
        self.last = self.last.max(Some(number));
        true
    }

    /// Takes in what another consumer saw; numbers in both count as duplicated.
    pub fn merge(&mut self, other: &NumberSet) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (mine, theirs) in self.words.iter_mut().zip(&other.words) {
            self.duplicated += u64::from((*mine & theirs).count_ones());
            *mine |= theirs;
        }
        self.duplicated += other.duplicated;
        self.reordered += other.reordered;
        self.last = self.last.max(other.last);
    }

    /// Closes the book: `published` messages should have come.
    pub fn close(&self, published: u64) -> Faults {
        let seen: u64 = self.words.iter().map(|word| u64::from(word.count_ones())).sum();
        let invented = self.last.map_or(0, |last| (last + 1).saturating_sub(published));
        Faults {
            lost: published.saturating_sub(seen),
            duplicated: self.duplicated,
            reordered: self.reordered,
            corrupted: invented,
            ..Faults::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(numbers: &[u64], published: u64, expect: [u64; 4]) {
        let mut ledger = LaneLedger::default();
        let mut set = NumberSet::default();
        for number in numbers {
            ledger.book(*number);
            assert!(set.book(*number));
        }
        let counts = |faults: Faults| [faults.lost, faults.duplicated, faults.reordered, faults.corrupted];
        assert_eq!(counts(ledger.close(published)), expect, "ledger of {numbers:?}");
        assert_eq!(counts(set.close(published)), expect, "set of {numbers:?}");
    }

    #[test]
    fn each_fault_is_told_apart() {
        check(&[0, 1, 2], 3, [0, 0, 0, 0]);
        check(&[0, 1], 3, [1, 0, 0, 0]);
        check(&[0, 2], 3, [1, 0, 0, 0]);
        check(&[0, 2, 1], 3, [0, 0, 1, 0]);
        check(&[0, 1, 1, 2], 3, [0, 1, 0, 0]);
        check(&[0, 4, 2, 2, 3], 5, [1, 1, 2, 0]);
        check(&[0, 1, 2, 3], 3, [0, 0, 0, 1]);
        check(&[], 2, [2, 0, 0, 0]);
    }

    #[test]
    fn consumers_of_one_queue_are_merged() {
        let (mut left, mut right) = (NumberSet::default(), NumberSet::default());
        [0, 2, 3].iter().for_each(|number| assert!(left.book(*number)));
        [1, 3, 200].iter().for_each(|number| assert!(right.book(*number)));
        left.merge(&right);
        let faults = left.close(201);
        assert_eq!((faults.lost, faults.duplicated, faults.reordered), (196, 1, 0));
        assert!(!left.book(NUMBER_SET_LIMIT));
    }

    #[test]
    fn faults_read_well() {
        assert_eq!(Faults::default().to_string(), "none");
        let faults = Faults { lost: 2, reordered: 1, early: 3, ..Faults::default() };
        assert_eq!(faults.to_string(), "2 lost, 1 out of order, 3 early");
        assert_eq!(faults.total(), 6);
    }
}
