//! Messages of which not all has come yet, of all links of a connection: together they are bounded (I11).

use std::collections::BTreeMap;

use bytes::BytesMut;

use super::transaction::TransactionId;
use crate::error::{Fault, condition};

/// A message of which not all has come yet.
pub(super) struct Assembly {
    pub(super) delivery_id: u32,
    pub(super) is_settled: bool,
    /// Its sender settles it, once it has heard what became of it.
    pub(super) is_second: bool,
    /// Transaction that it belongs to.
    pub(super) transaction: Option<TransactionId>,
    pub(super) payload: BytesMut,
}

/// Those of a connection, by channel and handle.
#[derive(Default)]
pub(super) struct Assemblies {
    all: BTreeMap<(u16, u32), Box<Assembly>>,
    bytes: usize,
}

impl Assemblies {
    /// Takes out the one of a link.
    pub(super) fn take(&mut self, link: (u16, u32)) -> Option<Box<Assembly>> {
        let taken = self.all.remove(&link)?;
        self.bytes -= taken.payload.len();
        Some(taken)
    }

    /// Keeps one until more of it comes.
    ///
    /// # Errors
    /// All of them are more than `max_bytes` then; this one is gone.
    pub(super) fn put(
        &mut self,
        link: (u16, u32),
        assembly: Box<Assembly>,
        max_bytes: u64,
    ) -> Result<(), Fault> {
        let bytes = self.bytes + assembly.payload.len();
        if bytes as u64 > max_bytes {
            let text = format!("the parts of messages that are not whole are more than {max_bytes} bytes");
            return Err(Fault::link(condition::RESOURCE_LIMIT_EXCEEDED, text));
        }
        self.bytes = bytes;
        self.all.insert(link, assembly);
        Ok(())
    }

    /// Drops those of a session.
    pub(super) fn forget_session(&mut self, channel: u16) {
        let links: Vec<_> =
            self.all.range((channel, 0)..=(channel, u32::MAX)).map(|(link, _)| *link).collect();
        for link in links {
            drop(self.take(link));
        }
    }
}
