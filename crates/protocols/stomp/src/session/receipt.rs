//! Receipts: sent once everything that their frame asked for is durable (guarantees 3), in the order of the frames.

use ternmq_broker::{Broker, Durable, Receipt};

use super::{State, StompSession};
use crate::codec::FrameWriter;

/// A frame that leaves once its receipt is covered.
#[derive(Debug)]
pub(super) struct Deferred {
    receipt: Receipt,
    /// It waits for settlements that are not in the log yet.
    is_unsealed: bool,
    frame: Vec<u8>,
}

impl StompSession {
    fn receipt_frame(&self, id: &str) -> Vec<u8> {
        let mut frame = Vec::new();
        FrameWriter::start(&mut frame, "RECEIPT", self.version.escapes()).header("receipt-id", id).end(b"");
        frame
    }

    /// Promises the receipt of a frame, if it asked for one.
    pub(super) fn promise(&mut self, broker: &Broker, id: Option<&str>, receipt: Receipt, out: &mut Vec<u8>) {
        let Some(id) = id else { return };
        let frame = self.receipt_frame(id);
        if self.deferred.is_empty() && broker.durable().covers(receipt) {
            out.extend_from_slice(&frame);
            return;
        }
        self.defer(Deferred { receipt, is_unsealed: false, frame });
    }

    /// Promises the receipt of a frame that covers everything done so far, if it asked for one.
    pub(super) fn promise_all(&mut self, id: Option<&str>) {
        let Some(id) = id else { return };
        let frame = self.receipt_frame(id);
        self.owes_receipts = true;
        self.defer(Deferred { receipt: Receipt::NONE, is_unsealed: true, frame });
    }

    /// Puts a last frame behind what waits.
    pub(super) fn defer_last(&mut self, frame: Vec<u8>) {
        self.defer(Deferred { receipt: Receipt::NONE, is_unsealed: false, frame });
    }

    fn defer(&mut self, deferred: Deferred) {
        self.deferred_bytes += deferred.frame.len();
        self.deferred.push_back(deferred);
    }

    /// At the end of a call: the settlements that receipts wait for go into the log, all at once.
    pub(super) fn seal_receipts(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        if !self.owes_receipts {
            return;
        }
        self.owes_receipts = false;
        let receipt = broker.receipt_of_all();
        for deferred in self.deferred.iter_mut().rev().filter(|deferred| deferred.is_unsealed) {
            deferred.receipt = receipt;
            deferred.is_unsealed = false;
        }
        self.release_receipts(broker.durable(), out);
    }

    /// The log is durable up to here: what waited for that leaves.
    pub(super) fn release_receipts(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let is_free = |deferred: &Deferred| !deferred.is_unsealed && durable.covers(deferred.receipt);
        while self.deferred.front().is_some_and(is_free) {
            if let Some(deferred) = self.deferred.pop_front() {
                self.deferred_bytes = self.deferred_bytes.saturating_sub(deferred.frame.len());
                out.extend_from_slice(&deferred.frame);
            }
        }
        if self.deferred.is_empty() && matches!(self.state, State::Ending) {
            self.state = State::Closing;
        }
    }

    /// Time is up: of what waits only the last frame goes out.
    pub(super) fn give_up_waiting(&mut self, out: &mut Vec<u8>) {
        if let Some(last) = self.deferred.pop_back().filter(|last| last.frame.starts_with(b"ERROR")) {
            out.extend_from_slice(&last.frame);
        }
        self.deferred.clear();
        self.deferred_bytes = 0;
        self.state = State::Closing;
    }
}
