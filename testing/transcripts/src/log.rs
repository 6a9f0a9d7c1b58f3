//! A log in memory, and numbers that are not random at all.

use std::{cell::RefCell, rc::Rc};

use bytes::Bytes;
use ternmq_broker::{Appended, Grouping, Log, RecordSource};
use ternmq_env::Rng;
use ternmq_queue::Location;

#[derive(Default)]
struct Records {
    all: Vec<(u64, Vec<u8>)>,
    next: u64,
    durable: u64,
}

#[derive(Clone, Default)]
pub(crate) struct MemoryLog(Rc<RefCell<Records>>);

impl MemoryLog {
    /// Everything becomes durable. Whether anything was not.
    pub(crate) fn settle(&self) -> bool {
        let mut records = self.0.borrow_mut();
        let has_more = records.durable != records.next;
        records.durable = records.next;
        has_more
    }
}

impl Log for MemoryLog {
    fn next_pos(&self) -> u64 {
        self.0.borrow().next
    }

    fn append(&mut self, _: u8, _: Grouping, parts: &[&[u8]]) -> Appended {
        let mut records = self.0.borrow_mut();
        let payload = parts.concat();
        let (pos, len) = (records.next, 40 + payload.len() as u64);
        records.next += len;
        records.all.push((pos, payload));
        Appended { pos, len: u32::try_from(len).unwrap() }
    }

    fn durable_pos(&self) -> u64 {
        self.0.borrow().durable
    }

    fn segment_bytes(&self) -> u64 {
        1 << 20
    }
}

impl RecordSource for MemoryLog {
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>> {
        let records = self.0.borrow();
        let find = |place: &Location| records.all.iter().find(|record| record.0 == place.pos);
        places.iter().map(|place| find(place).map(|record| Bytes::from(record.1.clone()))).collect()
    }
}

/// Numbers that are not random at all.
pub(crate) struct CountingRng(pub(crate) u64);

impl Rng for CountingRng {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}
