//! The core's log on top of the journal: the core appends, the shard takes batches to the journal's thread.

use std::cell::RefCell;
use std::rc::Rc;

use ternmq_broker::{Appended, Grouping, Log};
use ternmq_journal::{Appender, Batch, Durable, Group, JournalPos};

/// What core and shard share of the journal; both live on one thread.
pub struct JournalState {
    /// Absent while the log is being replayed: nothing is appended then.
    appender: Option<Appender>,
    durable_pos: u64,
    segment_bytes: u64,
}

/// The log of a broker, kept by the node's journal.
#[derive(Clone)]
pub struct JournalLog {
    state: Rc<RefCell<JournalState>>,
}

impl JournalLog {
    /// A log whose journal is still being recovered.
    #[must_use]
    pub fn recovering(segment_bytes: u64) -> Self {
        let state = JournalState { appender: None, durable_pos: 0, segment_bytes };
        Self { state: Rc::new(RefCell::new(state)) }
    }

    /// Recovery is over: records may be appended.
    pub fn open(&self, appender: Appender, durable: Durable) {
        let mut state = self.state.borrow_mut();
        state.durable_pos = durable.end().get();
        state.appender = Some(appender);
    }

    /// Records that wait for the journal's thread; `None` without any, or within a group.
    pub(crate) fn take_batch(&self) -> Option<Batch> {
        self.state.borrow_mut().appender.as_mut()?.take_batch()
    }

    pub(crate) fn waiting_bytes(&self) -> usize {
        self.state.borrow().appender.as_ref().map_or(0, Appender::batch_len_bytes)
    }

    pub(crate) fn note_durable(&self, durable: Durable) {
        let mut state = self.state.borrow_mut();
        state.durable_pos = state.durable_pos.max(durable.end().get());
        if let Some(appender) = &mut state.appender {
            appender.note_durable(durable);
        }
    }

    pub(crate) fn recycle(&self, buffer: Vec<u8>) {
        if let Some(appender) = &mut self.state.borrow_mut().appender {
            appender.recycle(buffer);
        }
    }

    /// Whether everything appended is durable.
    pub(crate) fn is_all_durable(&self) -> bool {
        let state = self.state.borrow();
        state.appender.as_ref().is_none_or(|appender| appender.end().get() <= state.durable_pos)
    }
}

impl Log for JournalLog {
    fn next_pos(&self) -> u64 {
        let state = self.state.borrow();
        state.appender.as_ref().map(Appender::end).map_or(0, JournalPos::get)
    }

    /// # Panics
    /// While the log is being replayed: a record made then would get the position of another one.
    fn append(&mut self, kind: u8, grouping: Grouping, parts: &[&[u8]]) -> Appended {
        let group = match grouping {
            Grouping::Ends => Group::Ends,
            Grouping::Continues => Group::Continues,
        };
        let mut state = self.state.borrow_mut();
        let Some(appender) = &mut state.appender else { panic!("a record was made during recovery") };
        let pos = appender.append(kind, group, parts).get();
        // A record is far below 4 GiB: the journal asserts its own, smaller limit.
        Appended { pos, len: (appender.end().get() - pos) as u32 }
    }

    fn durable_pos(&self) -> u64 {
        self.state.borrow().durable_pos
    }

    fn segment_bytes(&self) -> u64 {
        self.state.borrow().segment_bytes
    }
}
