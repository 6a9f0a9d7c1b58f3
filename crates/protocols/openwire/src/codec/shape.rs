//! What bytes look like that come again and again with other numbers in them: who knows what they mean need not read them anew.
//!
//! A message of a producer is as a rule like the one before it, but for its number, its times and its content.

use std::ops::Range;

use smallvec::SmallVec;

/// Shapes that are remembered at once: so many producers may take turns.
const MAX_SHAPES: u8 = 4;
/// Bytes in a row that looked like nothing known, after which few of them are remembered any more.
const PATIENCE: u32 = 32;
/// One in so many is then.
const RARELY: u32 = 64;
/// Longest bytes that are remembered.
pub(super) const MAX_SHAPE_BYTES: usize = 1 << 10;

/// Numbers of one shape.
pub(super) type Holes = SmallVec<[Range<usize>; 4]>;

/// Bytes with numbers in them that may be any.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    bytes: Box<[u8]>,
    /// In order, apart from each other.
    holes: Holes,
}

impl Shape {
    /// The shape of these bytes. `None`: the holes are not in order or not within them, or there are too many bytes.
    pub(super) fn of(bytes: &[u8], holes: Holes) -> Option<Self> {
        let mut from = 0;
        for hole in &holes {
            if hole.start < from || hole.end < hole.start {
                return None;
            }
            from = hole.end;
        }
        (from <= bytes.len() && bytes.len() <= MAX_SHAPE_BYTES).then(|| Self { bytes: bytes.into(), holes })
    }

    /// What follows the bytes of this shape; `None` for bytes that begin otherwise.
    #[inline]
    pub(super) fn rest_of<'b>(&self, bytes: &'b [u8]) -> Option<&'b [u8]> {
        let (front, rest) = bytes.split_at_checked(self.bytes.len())?;
        let mut from = 0;
        for hole in &self.holes {
            if front.get(from..hole.start) != self.bytes.get(from..hole.start) {
                return None;
            }
            from = hole.end;
        }
        (front.get(from..) == self.bytes.get(from..)).then_some(rest)
    }

    /// Where its numbers are.
    pub(super) fn holes(&self) -> &[Range<usize>] {
        &self.holes
    }
}

/// The last few things that were remembered.
#[derive(Clone, Debug)]
pub(super) struct Shelf<T> {
    things: Vec<T>,
    /// Which one goes next.
    next: u8,
    /// Bytes in a row that were like none of them.
    misses: u32,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { things: Vec::new(), next: 0, misses: 0 }
    }
}

impl<T> Shelf<T> {
    /// The first thing for which `fit` has an answer, with that.
    #[inline]
    pub(super) fn find<R>(&mut self, fit: impl Fn(&T) -> Option<R>) -> Option<(&T, R)> {
        let found = self.things.iter().find_map(|thing| fit(thing).map(|answer| (thing, answer)));
        self.misses = if found.is_some() { 0 } else { self.misses.saturating_add(1) };
        found
    }

    /// Whether what was looked for in vain is worth remembering: not where nothing comes again.
    pub(super) fn is_worth_it(&self) -> bool {
        self.misses <= PATIENCE || self.misses.is_multiple_of(RARELY)
    }

    /// Remembers a thing instead of the oldest one.
    pub(super) fn put(&mut self, thing: T) {
        if self.things.len() < usize::from(MAX_SHAPES) {
            self.things.push(thing);
        } else if let Some(place) = self.things.get_mut(usize::from(self.next)) {
            *place = thing;
            self.next = (self.next + 1) % MAX_SHAPES;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(bytes: &[u8], holes: &[Range<usize>]) -> Option<Shape> {
        Shape::of(bytes, holes.iter().cloned().collect())
    }

    #[test]
    fn bytes_are_of_a_shape_when_they_differ_in_its_numbers_alone() {
        let shape = shape(b"ab12cd34", &[2..4, 6..8]).unwrap();
        assert_eq!(shape.rest_of(b"ab99cd00rest"), Some(&b"rest"[..]));
        assert_eq!(shape.rest_of(b"ab99cd00"), Some(&b""[..]));
        for other in [&b"xb99cd00"[..], b"ab99xd00", b"ab99cx00", b"ab99cd0", b""] {
            assert_eq!(shape.rest_of(other), None, "{other:?}");
        }
    }

    #[test]
    fn numbers_lie_in_order_within_the_bytes() {
        for holes in [vec![2..4, 1..2], vec![0..2, 1..3], vec![0..4, 4..9], vec![0..1, 9..9]] {
            assert!(shape(b"12345678", &holes).is_none(), "{holes:?}");
        }
        assert!(shape(b"12345678", &[0..0, 0..8, 8..8]).is_some());
        assert!(shape(&[0; MAX_SHAPE_BYTES], &[]).is_some());
        assert!(shape(&[0; MAX_SHAPE_BYTES + 1], &[]).is_none());
    }

    #[test]
    fn the_last_few_things_are_remembered_and_the_oldest_one_goes() {
        let mut shelf = Shelf::default();
        (0..=MAX_SHAPES).for_each(|number| shelf.put(number));
        let mut has = |number: u8| shelf.find(|known| (*known == number).then_some(())).is_some();
        assert!(!has(0));
        assert!((1..=MAX_SHAPES).all(has));
    }

    #[test]
    fn where_nothing_comes_again_hardly_anything_is_remembered() {
        let mut shelf = Shelf::<u8>::default();
        let mut worth = 0;
        for _ in 0..10 * RARELY {
            assert!(shelf.find(|_| None::<()>).is_none());
            worth += u32::from(shelf.is_worth_it());
        }
        assert_eq!(worth, PATIENCE + 10);
        shelf.put(1);
        assert!(shelf.find(|_| Some(())).is_some());
        assert!(shelf.is_worth_it());
    }
}
