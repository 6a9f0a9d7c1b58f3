//! Kept messages like one that was walked through before: where their fields end is known.

use super::{
    error::DecodeError,
    relay::Extent,
    shape::{Holes, Shape, Shelf},
    stored::{Ends, Stored},
    table::{Field, place},
};

/// Bytes of the producer's and the broker's number at the end of an id.
const NUMBERS_BYTES: usize = 16;

/// What was walked through before.
#[derive(Clone, Debug, Default)]
pub struct Walks(Shelf<Walk>);

/// One message that was walked through.
#[derive(Clone, Debug)]
struct Walk {
    code: u8,
    extent: Extent,
    /// Its fields as far as they are known.
    shape: Shape,
    ends: Ends,
    known: usize,
}

impl Walks {
    /// Walks through a message as far as `extent` says, unless one like it was walked through before. `room`: for what is
    /// found out.
    ///
    /// # Errors
    /// It is none, or is cut, nested too deeply, or longer than it should be, in so far as that shows.
    pub fn walk<'a>(
        &mut self,
        stored: &'a [u8],
        extent: Extent,
        room: &'a mut Ends,
    ) -> Result<Stored<'a>, DecodeError> {
        let (code, fields) = stored.split_first().ok_or(DecodeError::Truncated)?;
        let is_like = |walk: &Walk| {
            let rest =
                (walk.code == *code && walk.extent == extent).then(|| walk.shape.rest_of(fields))??;
            (extent == Extent::Front || rest.is_empty()).then_some(())
        };
        if let Some((walk, ())) = self.0.find(is_like) {
            *room = walk.ends;
            return Stored::like(*code, fields, room, walk.known);
        }
        let walked = match extent {
            Extent::Front => Stored::of_front(stored, room)?,
            Extent::Whole => Stored::of(stored, room)?,
        };
        if self.0.is_worth_it()
            && let Some(walk) = Walk::of(*code, extent, &walked)
        {
            self.0.put(walk);
        }
        Ok(walked)
    }
}

impl Walk {
    /// `None`: it has no id, or is too long.
    fn of(code: u8, extent: Extent, walked: &Stored<'_>) -> Option<Self> {
        let end_of = |field| place(walked.kind(), field).map(|at| walked.start_of(at + 1));
        let id =
            walked.raw(Field::MessageId).len().checked_sub(NUMBERS_BYTES + 2).map(|_| Field::MessageId)?;
        let numbers = [(id, NUMBERS_BYTES), (Field::Expiration, 8), (Field::Timestamp, 8)];
        let mut holes = Holes::new();
        for (field, bytes) in numbers {
            let end = end_of(field)?;
            holes.push(end.checked_sub(bytes)?..end);
        }
        let shape = Shape::of(walked.known_fields(), holes)?;
        Some(Self { code, extent, shape, ends: *walked.ends(), known: walked.known() })
    }
}
