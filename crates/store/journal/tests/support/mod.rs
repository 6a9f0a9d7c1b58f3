//! A journal on a fake disk, and a plain model of what it has to hold.
#![allow(dead_code, clippy::unwrap_used, reason = "each test file uses its part of this")]

use std::sync::Arc;

use ternmq_fakes::{FakeDisk, SeededRng};
use ternmq_journal::{
    Appender, Batch, Durable, Encryption, Group, JournalError, JournalPos, MasterKey, MasterKeys, OpenError,
    Opened, Options, Recovered, RecoveryReport, Writer, open,
};
use zeroize::Zeroizing;

/// A record as the model keeps it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) position: JournalPos,
    pub(crate) kind: u8,
    pub(crate) ends_group: bool,
    pub(crate) payload: Vec<u8>,
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { position, kind, ends_group, payload } = self;
        write!(f, "{position} kind {kind} ends {ends_group} {} bytes", payload.len())
    }
}

pub(crate) fn options(segment_bytes: u64) -> Options {
    Options { segment_bytes, reserve_bytes: 0, alarm_free_bytes: 0, spare_files: 3, ..Options::default() }
}

/// Opens the journal and collects all it holds; gaps are in the report.
pub(crate) fn recover(disk: &FakeDisk, options: Options) -> Result<(Vec<Kept>, Opened), OpenError> {
    // No two starts draw the same.
    let rng = Box::new(SeededRng::new(disk.calls()));
    let mut recovery = open(Arc::new(disk.clone()), rng, options)?;
    let mut kept = Vec::new();
    while let Some(item) = recovery.read_next()? {
        if let Recovered::Record { position, kind, ends_group, payload, .. } = item {
            kept.push(Kept { position, kind, ends_group, payload: payload.to_vec() });
        }
    }
    Ok((kept, recovery.finish()?))
}

/// Opens the journal as a node does: with a gap in what has to be read it is left as it is.
pub(crate) fn start_if_sound(disk: &FakeDisk, options: Options) -> Result<(), OpenError> {
    let rng = Box::new(SeededRng::new(disk.calls()));
    let mut recovery = open(Arc::new(disk.clone()), rng, options)?;
    while recovery.read_next()?.is_some() {}
    if recovery.report().damage.is_empty() { recovery.finish().map(drop) } else { Ok(()) }
}

pub(crate) fn reopen(disk: &FakeDisk, segment_bytes: u64) -> (Vec<Kept>, Opened) {
    recover(disk, options(segment_bytes)).unwrap()
}

/// Encrypted under a key of these bytes.
pub(crate) fn encrypted(byte: u8) -> Encryption {
    Encryption::On(keys(byte, None))
}

pub(crate) fn keys(current: u8, former: Option<u8>) -> MasterKeys {
    let key = |byte| MasterKey::new(Zeroizing::new([byte; 32]));
    MasterKeys { current: key(current), former: former.map(key) }
}

/// As [`reopen`], with a plain or an encrypted journal.
pub(crate) fn reopen_as(disk: &FakeDisk, segment_bytes: u64, encryption: &Encryption) -> (Vec<Kept>, Opened) {
    recover(disk, Options { encryption: encryption.clone(), ..options(segment_bytes) }).unwrap()
}

/// Appends and remembers.
pub(crate) struct Log {
    pub(crate) appender: Appender,
    pub(crate) writer: Writer,
    pub(crate) kept: Vec<Kept>,
    pub(crate) durable: Durable,
    pub(crate) waiting: Vec<Batch>,
}

impl Log {
    pub(crate) fn new(opened: Opened, kept: Vec<Kept>) -> Self {
        let Opened { appender, writer, durable, .. } = opened;
        Self { appender, writer, kept, durable, waiting: Vec::new() }
    }

    pub(crate) fn append(&mut self, kind: u8, group: Group, payload: &[u8]) -> JournalPos {
        let (first, second) = payload.split_at(payload.len() / 3);
        let position = self.appender.append(kind, group, &[first, second]);
        let ends_group = group == Group::Ends;
        self.kept.push(Kept { position, kind, ends_group, payload: payload.to_vec() });
        position
    }

    /// Writes what waits; a batch that found no room stays waiting.
    pub(crate) fn write(&mut self) -> Result<(), JournalError> {
        self.waiting.extend(self.appender.take_batch());
        while let Some(batch) = self.waiting.first_mut() {
            self.writer.write(batch)?;
            let batch = self.waiting.remove(0);
            self.appender.recycle(batch.into_buffer());
        }
        Ok(())
    }

    pub(crate) fn sync(&mut self) -> Result<Durable, JournalError> {
        let durable = self.writer.sync()?;
        self.durable = durable;
        self.appender.note_durable(durable);
        self.writer.maintain()?;
        Ok(durable)
    }

    pub(crate) fn commit(&mut self) {
        self.write().unwrap();
        self.sync().unwrap();
    }
}

pub(crate) fn clean(report: &RecoveryReport) -> bool {
    report.damage.is_empty() && report.torn_at.is_none()
}

/// Payload of a length that says which record it is.
pub(crate) fn payload(rng: &mut SeededRng, max: u64) -> Vec<u8> {
    let len = rng.below(max + 1) as usize;
    let mut bytes = vec![0; len];
    ternmq_env::Rng::fill(rng, &mut bytes);
    bytes
}
