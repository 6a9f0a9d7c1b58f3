//! Messages like one that came before: what is kept of them is known but for a few numbers.

use std::ops::Range;

use super::{
    Encoding,
    cache::InCache,
    keep::{Incoming, MAX_REMEMBERED_BYTES},
    kind::Kind,
    shape::{Holes, Shape, Shelf},
    stored::Ends,
    table::{Field, place},
};

/// Where the fields of a frame are that differ from message to message.
#[derive(Clone, Debug, Default)]
pub(super) struct Spots {
    command: Range<usize>,
    id: Range<usize>,
    expiration: Range<usize>,
    timestamp: Range<usize>,
    content: Range<usize>,
}

impl Spots {
    /// A field was read from here.
    #[inline]
    pub(super) fn note(&mut self, field: Field, at: Range<usize>) {
        match field {
            Field::CommandId => self.command = at,
            Field::MessageId => self.id = at,
            Field::Expiration => self.expiration = at,
            Field::Timestamp => self.timestamp = at,
            Field::Content => self.content = at,
            _ => {}
        }
    }
}

/// What came before.
#[derive(Clone, Debug, Default)]
pub struct Molds(Shelf<Mold>);

/// One message that came before.
#[derive(Clone, Debug)]
struct Mold {
    /// Changes of the cache up to it: what it names means another thing after one.
    changes: u64,
    /// Its frame up to the length of its content, or all of it without a content. The first number is that of the
    /// command.
    front: Shape,
    /// What was behind its content; `None` without one.
    back: Option<Box<[u8]>>,
    kind: Kind,
    is_response_required: bool,
    /// Its fields as they are kept, and where they end.
    kept: Box<[u8]>,
    ends: Ends,
    /// Where the other numbers are kept, in their order; each has eight bytes there.
    places: [usize; 3],
}

impl Molds {
    /// What is kept of a frame that is like one before it, with its content; `None` when it has to be read.
    #[inline]
    pub(crate) fn find<'f>(&mut self, frame: &'f [u8], cache: &InCache) -> Option<Found<'_, 'f>> {
        let (mold, content) = self.0.find(|mold| mold.content_of(frame, cache.changes()))?;
        Some(Found { mold, frame, content })
    }

    /// Remembers a message that was read, unless it is not worth it or changed what its peers remember. `changes`: those of
    /// the cache before it.
    pub(super) fn note(
        &mut self,
        frame: &[u8],
        incoming: &Incoming<'_>,
        spots: &Spots,
        encoding: Encoding,
        (changes, cache): (u64, &InCache),
    ) {
        // Transactions are new each time.
        if cache.changes() != changes || incoming.transaction.is_some() || !self.0.is_worth_it() {
            return;
        }
        if let Some(mold) = Mold::of(frame, incoming, spots, encoding, changes) {
            self.0.put(mold);
        }
    }
}

impl Mold {
    /// `None`: it has a form that is not worth the trouble.
    fn of(
        frame: &[u8],
        incoming: &Incoming<'_>,
        spots: &Spots,
        encoding: Encoding,
        changes: u64,
    ) -> Option<Self> {
        let (kind, kept, ends) = (incoming.kind(), incoming.fields(), *incoming.ends());
        let end_of = |field| Some(*ends.get(place(kind, field)?)? as usize);
        let id = end_of(Field::MessageId)?;
        // An id ends with the producer's number and the broker's.
        let places = [
            id.checked_sub(16)?,
            end_of(Field::Expiration)?.checked_sub(8)?,
            end_of(Field::Timestamp)?.checked_sub(8)?,
        ];
        let [sequence, expiration, timestamp] = places.map(|at| number_at(kept, at));
        let own = width(number_at(kept, id.checked_sub(8)?)?, encoding);
        let mut holes = Holes::from_iter([spots.command.clone()]);
        for (end, value) in [
            (spots.id.end.checked_sub(own)?, sequence?),
            (spots.expiration.end, expiration?),
            (spots.timestamp.end, timestamp?),
        ] {
            let hole = end.checked_sub(width(value, encoding))?..end;
            // It was written by other rules if it is not there.
            if number(frame.get(hole.clone())?) != value {
                return None;
            }
            holes.push(hole);
        }
        let (front, back) = match incoming.content {
            Some(content) => {
                let from = spots.content.end.checked_sub(content.len() + 4)?;
                (frame.get(..from)?, Some(frame.get(spots.content.end..)?.into()))
            }
            None => (frame, None),
        };
        let front = Shape::of(front, holes)?;
        let is_response_required = incoming.is_response_required;
        Some(Self { changes, front, back, kind, is_response_required, kept: kept.into(), ends, places })
    }

    /// The content of a frame that is like this one's.
    #[inline]
    fn content_of<'f>(&self, frame: &'f [u8], changes: u64) -> Option<Option<&'f [u8]>> {
        // A message that names much of what came before is too long beside a short content.
        if self.changes != changes || self.kept.len() > frame.len() + MAX_REMEMBERED_BYTES {
            return None;
        }
        let rest = self.front.rest_of(frame)?;
        let Some(back) = &self.back else { return rest.is_empty().then_some(None) };
        let (len, rest) = rest.split_first_chunk()?;
        let len = usize::try_from(i32::from_be_bytes(*len)).ok()?;
        let (content, rest) = rest.split_at_checked(len)?;
        (*rest == **back).then_some(Some(content))
    }
}

/// A frame that is like one before it.
pub(crate) struct Found<'m, 'f> {
    mold: &'m Mold,
    frame: &'f [u8],
    content: Option<&'f [u8]>,
}

impl<'f> Found<'_, 'f> {
    /// Appends what is kept of it.
    pub(super) fn keep(self, mut buffer: Vec<u8>, room: &'f mut Ends) -> Incoming<'f> {
        let mold = self.mold;
        buffer.push(mold.kind.code());
        let start = buffer.len();
        buffer.extend_from_slice(&mold.kept);
        let mut holes =
            mold.front.holes().iter().map(|hole| self.frame.get(hole.clone()).unwrap_or_default());
        let command_id = holes.next().map_or(0, number) as i32;
        for (at, bytes) in mold.places.iter().zip(holes) {
            let place = buffer.get_mut(start + at..).and_then(|rest| rest.first_chunk_mut());
            if let Some(place) = place {
                *place = number(bytes).to_be_bytes();
            }
        }
        *room = mold.ends;
        let is_response_required = mold.is_response_required;
        Incoming::of_mold(mold.kind, (buffer, start), room, (command_id, is_response_required), self.content)
    }
}

/// Bytes of a number in a frame.
fn width(number: u64, encoding: Encoding) -> usize {
    match number {
        _ if !encoding.is_tight => 8,
        0 => 0,
        1..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// A number of up to eight bytes.
fn number(bytes: &[u8]) -> u64 {
    match bytes.len() {
        8 => bytes.first_chunk().map_or(0, |bytes| u64::from_be_bytes(*bytes)),
        _ => bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)),
    }
}

fn number_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}
