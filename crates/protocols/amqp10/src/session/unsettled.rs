//! Deliveries to the peer that are not settled, by their ids (serial numbers, AMQP 1.0 2.8.10).

use std::collections::VecDeque;

use smallvec::SmallVec;

/// Gaps that are left alone: closing them would cost more than they do.
const SMALL: usize = 32;

/// A delivery to the peer that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unsettled {
    /// Its number in the core.
    pub(super) number: u64,
    pub(super) handle: u32,
}

/// Them all, in the order of their ids, which lie within half of all numbers. One that is settled leaves a gap, and gaps are
/// closed before they outnumber the rest: one delivery that is never settled keeps nothing of those behind it (I11).
#[derive(Debug, Default)]
pub(super) struct UnsettledList {
    places: VecDeque<(u32, Option<Unsettled>)>,
    gaps: usize,
}

impl UnsettledList {
    /// Adds the next one.
    pub(super) fn push(&mut self, id: u32, unsettled: Unsettled) {
        self.places.push_back((id, Some(unsettled)));
    }

    /// How far an id is behind the first one; `None` when it comes before.
    fn offset(&self, id: u32) -> Option<u32> {
        let (first, _) = self.places.front()?;
        Some(id.wrapping_sub(*first)).filter(|offset| *offset <= u32::MAX / 2)
    }

    /// The place of the first id that is not before this one.
    fn place(&self, id: u32) -> usize {
        let Some(offset) = self.offset(id) else { return 0 };
        self.places.partition_point(|(known, _)| self.offset(*known).is_some_and(|known| known < offset))
    }

    /// The ids of those in a range, both ends included. No more is looked at than there is, whatever the range says.
    pub(super) fn between(&self, first: u32, last: u32) -> SmallVec<[u32; 8]> {
        // A range whose end comes before all there is, or before its start, is empty.
        let Some(end) = self.offset(last) else { return SmallVec::new() };
        let start = self.place(first);
        self.places
            .range(start.min(self.places.len())..)
            .take_while(|(id, _)| self.offset(*id).is_some_and(|offset| offset <= end))
            .filter(|(_, unsettled)| unsettled.is_some())
            .map(|(id, _)| *id)
            .collect()
    }

    /// Takes one out.
    pub(super) fn take(&mut self, id: u32) -> Option<Unsettled> {
        let at = self.place(id);
        let (_, place) = self.places.get_mut(at).filter(|(known, _)| *known == id)?;
        let taken = place.take()?;
        self.gaps += 1;
        self.close_gaps();
        Some(taken)
    }

    /// Puts a taken one back.
    pub(super) fn put_back(&mut self, id: u32, unsettled: Unsettled) {
        let at = self.place(id);
        match self.places.get_mut(at).filter(|(known, _)| *known == id) {
            Some((_, place)) => {
                *place = Some(unsettled);
                self.gaps -= 1;
            }
            None => self.places.insert(at, (id, Some(unsettled))),
        }
    }

    /// Takes out those of a link. Answers their numbers in the core.
    pub(super) fn take_of(&mut self, handle: u32) -> Vec<u64> {
        let mut numbers = Vec::new();
        for (_, place) in &mut self.places {
            if let Some(taken) = place.take_if(|known| known.handle == handle) {
                numbers.push(taken.number);
            }
        }
        self.gaps += numbers.len();
        self.close_gaps();
        numbers
    }

    fn close_gaps(&mut self) {
        while self.places.front().is_some_and(|(_, place)| place.is_none()) {
            self.places.pop_front();
            self.gaps -= 1;
        }
        if self.gaps > SMALL && self.gaps * 2 > self.places.len() {
            self.places.retain(|(_, place)| place.is_some());
            self.gaps = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(ids: impl IntoIterator<Item = u32>) -> UnsettledList {
        let mut list = UnsettledList::default();
        for id in ids {
            list.push(id, Unsettled { number: id.into(), handle: id % 2 });
        }
        list
    }

    #[test]
    fn ids_are_found_over_the_end_of_all_numbers() {
        let mut list = list([u32::MAX - 1, u32::MAX, 0, 5]);
        assert_eq!(list.between(u32::MAX, 4).as_slice(), [u32::MAX, 0]);
        assert_eq!(list.between(0, u32::MAX).as_slice(), [0; 0]);
        assert_eq!(list.between(u32::MAX - 9, 9).len(), 4);
        assert_eq!(list.between(u32::MAX - 9, u32::MAX - 2).len(), 0);
        assert_eq!(list.between(6, 9).len(), 0);
        assert_eq!(list.take(0).map(|taken| taken.number), Some(0));
        assert_eq!(list.take(0), None);
        assert_eq!(list.take(3), None);
        assert_eq!(list.between(u32::MAX, 5).as_slice(), [u32::MAX, 5]);
        assert_eq!(list.take_of(1), [u32::MAX.into(), 5]);
        assert_eq!(list.take(u32::MAX - 1).map(|taken| taken.handle), Some(0));
        assert_eq!((list.places.len(), list.gaps), (0, 0));
        assert_eq!(list.between(0, u32::MAX).len(), 0);
    }

    #[test]
    fn what_was_taken_comes_back_to_its_place() {
        let mut list = list([u32::MAX, 0, 1, 2]);
        for id in [u32::MAX, 1, 2, 0] {
            let taken = list.take(id).unwrap();
            list.put_back(id, taken);
            assert_eq!(list.between(u32::MAX, 2).as_slice(), [u32::MAX, 0, 1, 2], "{id}");
        }
        let all = [u32::MAX, 0, 1, 2].map(|id| (id, list.take(id).unwrap()));
        for (id, taken) in all.into_iter().rev() {
            list.put_back(id, taken);
        }
        assert_eq!(list.between(u32::MAX, 2).as_slice(), [u32::MAX, 0, 1, 2]);
        assert_eq!((list.places.len(), list.gaps), (4, 0));
    }

    #[test]
    fn one_that_stays_keeps_no_room_for_the_others() {
        let mut list = list([0]);
        for id in 1..10_000 {
            list.push(id, Unsettled { number: id.into(), handle: 0 });
            assert!(list.take(id).is_some());
            assert!(list.places.len() <= 2 * SMALL + 2, "{}", list.places.len());
        }
        assert_eq!(list.between(0, 20_000).as_slice(), [0]);
    }
}
