//! Proof that a part of the log is durable.

use crate::record::JournalPos;

/// Everything below a position is durable. Only this crate can make one, and does so only after a successful sync,
/// so a confirm that needs it cannot be built too early (I8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Durable {
    end: JournalPos,
}

impl Durable {
    pub(crate) fn up_to(end: u64) -> Self {
        Self { end: JournalPos::new(end) }
    }

    /// The first position that is not covered.
    #[must_use]
    pub fn end(self) -> JournalPos {
        self.end
    }

    /// True when the record that starts at `position`, and its group, are durable.
    #[must_use]
    pub fn covers(self, position: JournalPos) -> bool {
        position < self.end
    }
}
