//! Values by number, where the number outlives the process: a log names them by it.

/// Values in numbered slots. A number that was given back is used again; one that comes from outside can be taken, too.
/// Lookup is O(1). Values are boxed: slots without one cost a pointer.
#[derive(Clone, Debug)]
pub struct Numbered<T> {
    slots: Vec<Option<Box<T>>>,
    /// Numbers given back, some of them taken again meanwhile.
    free: Vec<u32>,
    count: usize,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), count: 0 }
    }
}

impl<T> Numbered<T> {
    /// The number that the next value should get; `None` when 2^32 - 1 are taken.
    pub fn next_number(&mut self) -> Option<u32> {
        while let Some(number) = self.free.last().copied() {
            if self.get(number).is_none() {
                return Some(number);
            }
            self.free.pop();
        }
        u32::try_from(self.slots.len()).ok().filter(|number| *number != u32::MAX)
    }

    /// Puts a value at a number, in the place of what was there. Numbers below it that were never taken become free.
    pub fn insert(&mut self, number: u32, value: Box<T>) {
        self.reach(number);
        // So that the list does not grow when numbers are taken and given back in turn.
        if self.free.last() == Some(&number) {
            self.free.pop();
        }
        if let Some(place) = self.slots.get_mut(number as usize)
            && place.replace(value).is_none()
        {
            self.count += 1;
        }
    }

    /// Takes a value out and gives its number back.
    pub fn remove(&mut self, number: u32) -> Option<Box<T>> {
        let value = self.slots.get_mut(number as usize)?.take()?;
        self.count -= 1;
        self.free.push(number);
        Some(value)
    }

    /// A number without a value is not to be the next one, until [`Self::give_back`]. Costs a look at all free numbers.
    pub fn withhold(&mut self, number: u32) {
        self.reach(number);
        self.free.retain(|free| *free != number);
    }

    /// A number that was withheld may be the next one.
    pub fn give_back(&mut self, number: u32) {
        self.free.push(number);
    }

    /// The value of a number.
    #[must_use]
    pub fn get(&self, number: u32) -> Option<&T> {
        self.slots.get(number as usize).and_then(|slot| slot.as_deref())
    }

    /// The value of a number, to change.
    pub fn get_mut(&mut self, number: u32) -> Option<&mut T> {
        self.slots.get_mut(number as usize).and_then(|slot| slot.as_deref_mut())
    }

    /// All values, in order of number.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0u32..).zip(&self.slots).filter_map(|(number, slot)| Some((number, slot.as_deref()?)))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// One past the highest number ever used.
    #[must_use]
    pub fn end(&self) -> u32 {
        u32::try_from(self.slots.len()).unwrap_or(u32::MAX)
    }

    /// Makes slots up to a number; those below it are free, it is not.
    fn reach(&mut self, number: u32) {
        while self.end() <= number {
            if self.end() < number {
                self.free.push(self.end());
            }
            self.slots.push(None);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_used_again_and_skipped_ones_too() {
        let mut table = Numbered::default();
        table.insert(2, Box::new("c"));
        assert_eq!((table.next_number(), table.len(), table.end()), (Some(1), 1, 3));
        table.insert(1, Box::new("b"));
        table.insert(0, Box::new("a"));
        assert_eq!(table.next_number(), Some(3));
        assert_eq!(table.remove(1).as_deref(), Some(&"b"));
        assert_eq!((table.remove(1), table.next_number()), (None, Some(1)));
        assert_eq!(table.iter().collect::<Vec<_>>(), [(0, &"a"), (2, &"c")]);
        table.insert(2, Box::new("d"));
        assert_eq!((table.get(2), table.len()), (Some(&"d"), 2));
    }

    #[test]
    fn taking_turns_does_not_make_the_list_of_free_numbers_grow() {
        let mut table = Numbered::default();
        for round in 0..1_000_u32 {
            let numbers: Vec<u32> = (0..3)
                .map(|_| {
                    let number = table.next_number().unwrap();
                    table.insert(number, Box::new(round));
                    number
                })
                .collect();
            assert_eq!(numbers.len(), 3);
            numbers.into_iter().for_each(|number| drop(table.remove(number)));
            assert!(table.free.len() <= 3 && table.end() == 3, "{} after {round}", table.free.len());
        }
    }

    #[test]
    fn a_withheld_number_is_not_given() {
        let mut table = Numbered::default();
        table.insert(0, Box::new(()));
        assert!(table.remove(0).is_some());
        table.withhold(0);
        assert_eq!(table.next_number(), Some(1));
        table.give_back(0);
        assert_eq!(table.next_number(), Some(0));
        table.withhold(3);
        assert_eq!((table.next_number(), table.end()), (Some(2), 4));
    }
}
