//! What a consumer has and has not acknowledged, in the order of the deliveries' numbers.

use std::{
    collections::{VecDeque, vec_deque},
    ops::Range,
};

/// A delivery that is not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unsettled {
    pub(super) number: u64,
    /// Stands for the id of its message.
    pub(super) id_hash: u64,
    /// The application has it, so that another may come in its place.
    pub(super) is_delivered: bool,
}

/// All of a consumer. How many of them the application has is counted along: each acknowledgement asks for it.
#[derive(Debug, Default)]
pub(super) struct UnsettledList {
    entries: VecDeque<Unsettled>,
    delivered: usize,
}

impl UnsettledList {
    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How many of them the application has.
    pub(super) fn delivered_count(&self) -> usize {
        self.delivered
    }

    pub(super) fn get(&self, at: usize) -> Option<Unsettled> {
        self.entries.get(at).copied()
    }

    /// Place of the one whose message's id this number stands for.
    pub(super) fn place_of(&self, id_hash: u64) -> Option<usize> {
        self.entries.iter().position(|entry| entry.id_hash == id_hash)
    }

    /// Appends a new one, whose number is the highest.
    pub(super) fn push(&mut self, entry: Unsettled) {
        self.delivered += usize::from(entry.is_delivered);
        self.entries.push_back(entry);
    }

    /// Puts one that was taken out in its place again.
    pub(super) fn put_back(&mut self, entry: Unsettled) {
        let at = self.entries.partition_point(|known| known.number < entry.number);
        self.delivered += usize::from(entry.is_delivered);
        self.entries.insert(at, entry);
    }

    /// The application has these.
    pub(super) fn mark_delivered(&mut self, range: Range<usize>) {
        for entry in self.entries.range_mut(range) {
            self.delivered += usize::from(!entry.is_delivered);
            entry.is_delivered = true;
        }
    }

    /// Takes one out.
    pub(super) fn remove(&mut self, at: usize) {
        if let Some(entry) = self.entries.remove(at) {
            self.delivered -= usize::from(entry.is_delivered);
        }
    }

    /// Takes these out.
    pub(super) fn take<L: FromIterator<Unsettled>>(&mut self, range: Range<usize>) -> L {
        let delivered = &mut self.delivered;
        self.entries.drain(range).inspect(|entry| *delivered -= usize::from(entry.is_delivered)).collect()
    }
}

impl IntoIterator for UnsettledList {
    type Item = Unsettled;
    type IntoIter = vec_deque::IntoIter<Unsettled>;

    fn into_iter(self) -> Self::IntoIter {
        self.entries.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_count_of_what_the_application_has_is_kept_through_every_change() {
        let mut list = UnsettledList::default();
        let entry = |number| Unsettled { number, id_hash: number * 10, is_delivered: false };
        (1..=6).for_each(|number| list.push(entry(number)));
        list.mark_delivered(1..4);
        list.mark_delivered(0..2);
        assert_eq!((list.len(), list.delivered_count()), (6, 4));
        let taken: Vec<Unsettled> = list.take(2..5);
        assert_eq!((list.len(), list.delivered_count()), (3, 2));
        taken.into_iter().rev().for_each(|entry| list.put_back(entry));
        assert_eq!((list.len(), list.delivered_count()), (6, 4));
        assert_eq!(list.place_of(50), Some(4));
        let numbers: Vec<u64> = list.into_iter().map(|entry| entry.number).collect();
        assert_eq!(numbers, [1, 2, 3, 4, 5, 6]);
    }
}
