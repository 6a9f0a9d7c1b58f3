//! The core's log on top of the journal, and the reader behind its paging.

use std::cell::RefCell;
use std::rc::Rc;

use bytes::Bytes;
use ternmq_broker::{Appended, Grouping, Log, RecordSource};
use ternmq_journal::{Appender, Batch, Durable, Group, JournalPos, Reader};
use ternmq_queue::Location;

use crate::sabotage::Sabotage;

struct State {
    appender: Option<Appender>,
    durable_pos: u64,
    segment_bytes: u64,
    sabotage: Sabotage,
}

/// Shared by the core, which appends, and the node, which takes batches.
#[derive(Clone)]
pub(crate) struct JournalLog(Rc<RefCell<State>>);

impl JournalLog {
    pub(crate) fn recovering(segment_bytes: u64, sabotage: Sabotage) -> Self {
        Self(Rc::new(RefCell::new(State { appender: None, durable_pos: 0, segment_bytes, sabotage })))
    }

    pub(crate) fn open(&self, appender: Appender, durable: Durable) {
        let mut state = self.0.borrow_mut();
        state.durable_pos = durable.end().get();
        state.appender = Some(appender);
    }

    pub(crate) fn take_batch(&self) -> Option<Batch> {
        self.0.borrow_mut().appender.as_mut()?.take_batch()
    }

    pub(crate) fn note_durable(&self, durable: Durable) {
        let mut state = self.0.borrow_mut();
        state.durable_pos = durable.end().get();
        if let Some(appender) = &mut state.appender {
            appender.note_durable(durable);
        }
    }

    pub(crate) fn recycle(&self, buffer: Vec<u8>) {
        if let Some(appender) = &mut self.0.borrow_mut().appender {
            appender.recycle(buffer);
        }
    }

    /// The truth, whatever the planted fault says.
    pub(crate) fn durable_end(&self) -> u64 {
        self.0.borrow().durable_pos
    }
}

impl Log for JournalLog {
    fn next_pos(&self) -> u64 {
        self.0.borrow().appender.as_ref().map(Appender::end).map_or(0, JournalPos::get)
    }

    fn append(&mut self, kind: u8, grouping: Grouping, parts: &[&[u8]]) -> Appended {
        let mut state = self.0.borrow_mut();
        let group = match (grouping, state.sabotage) {
            (Grouping::Continues, Sabotage::SplitGroups) | (Grouping::Ends, _) => Group::Ends,
            (Grouping::Continues, _) => Group::Continues,
        };
        let Some(appender) = &mut state.appender else { panic!("a record was made during recovery") };
        let pos = appender.append(kind, group, parts).get();
        Appended { pos, len: u32::try_from(appender.end().get() - pos).unwrap_or(u32::MAX) }
    }

    fn durable_pos(&self) -> u64 {
        if self.0.borrow().sabotage == Sabotage::LieAboutDurability {
            return self.next_pos();
        }
        self.0.borrow().durable_pos
    }

    fn segment_bytes(&self) -> u64 {
        self.0.borrow().segment_bytes
    }
}

/// Reads records back for the core.
pub(crate) struct JournalSource(pub(crate) Reader);

impl RecordSource for JournalSource {
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>> {
        let read =
            |place: &Location| self.0.read(JournalPos::new(place.pos)).ok().map(|record| record.payload);
        places.iter().map(read).collect()
    }
}
