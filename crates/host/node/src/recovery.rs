//! From a data directory to a broker that knows everything that was durable. Runs on the shard's thread, which owns
//! the broker from its first moment.

use std::path::Path;
use std::sync::Arc;

use ternmq_broker::{Broker, BrokerConfig, Limits, Now};
use ternmq_env::{Clock, Files, SystemRng};
use ternmq_journal::{Opened, Options, Recovered, Recovery, RecoveryReport, Writer};
use ternmq_net::JournalLog;

use crate::engine::{Engine, UNMARKED_ENGINE};
use crate::error::StartError;

/// Recovery shows its progress on the terminal when it takes longer than this.
const QUIET_MS: u64 = 1_000;
/// Records between two looks at the clock.
const STRIDE: u64 = 4_096;

/// A broker that is up to date, and the parts of its journal.
pub(crate) struct ReadyBroker {
    pub(crate) broker: Broker,
    pub(crate) log: JournalLog,
    pub(crate) writer: Writer,
    pub(crate) reader: ternmq_journal::Reader,
}

/// Takes the data directory and reads nothing but the manifest yet.
pub(crate) fn open(files: Arc<dyn Files>, path: &Path, options: Options) -> Result<Recovery, StartError> {
    ternmq_journal::open(files, Box::new(SystemRng), options)
        .map_err(|source| StartError::journal(path, source))
}

/// Replays the journal into a new broker.
///
/// What another engine wrote is refused before anything is changed: the same names mean something else there. A damaged
/// part of what has to be read may have held anything. A start without it, and the checkpoint that follows,
/// would make its loss final, so that needs somebody's word (F5: what is damaged is never taken to be absent).
pub(crate) fn recover(
    mut recovery: Recovery,
    engine: &Engine,
    limits: Limits,
    path: &Path,
    accepts_damage: bool,
    clock: &dyn Clock,
) -> Result<ReadyBroker, StartError> {
    let log = JournalLog::recovering(recovery.segment_bytes());
    let mut broker = Broker::new(BrokerConfig {
        dialect: engine.dialect.clone(),
        formats: engine.formats.clone(),
        log: Box::new(log.clone()),
        rng: Box::new(SystemRng),
        limits,
        node_name: engine.node_name.clone(),
    });
    let journal_error = |source| StartError::journal(path, source);
    let mut progress = Progress::new(clock);
    let mut damaged = Vec::new();
    while let Some(record) = recovery.read_next().map_err(journal_error)? {
        match record {
            Recovered::Record { position, kind, len_bytes, payload, .. } => {
                broker
                    .replay(position.get(), len_bytes, kind, payload)
                    .map_err(|error| StartError::Replay { path: path.into(), problem: error.to_string() })?;
                progress.note_record(clock);
            }
            Recovered::Damage(damage) => {
                broker.replay_gap(damage.from.get(), damage.to.get());
                damaged.push(damage);
            }
        }
    }
    if let Some(first) = damaged.first()
        && !accepts_damage
    {
        let (from, to) = (first.from.get(), first.to.get());
        let (path, ranges) = (path.into(), damaged.len());
        return Err(StartError::Damaged { path, ranges, from, bytes: to - from });
    }
    broker.check_mark().map_err(|other| StartError::OtherEngine {
        path: path.into(),
        wrote: other.mark.as_deref().unwrap_or(UNMARKED_ENGINE).to_owned(),
    })?;
    let Opened { appender, writer, reader, report, durable } = recovery.finish().map_err(journal_error)?;
    log.open(appender, durable);
    let segments: Vec<u64> = writer.segments().map(ternmq_journal::SegmentIndex::get).collect();
    let now = Now { monotonic_ms: clock.monotonic_ms(), wall_ms: clock.wall_ms() };
    broker.finish_recovery(now, report.was_clean, &segments);
    tell_encryption(&report);
    let took_ms = clock.monotonic_ms() - progress.started_ms;
    tracing::info!(
        records = report.records,
        was_clean = report.was_clean,
        took_ms,
        "data directory is ready"
    );
    Ok(ReadyBroker { broker, log, writer, reader })
}

/// Says how far encryption has got: a key may be thrown away only when nothing is encrypted with it any more.
fn tell_encryption(report: &RecoveryReport) {
    let (encrypted_segments, plain_segments) = (report.encrypted_segments, report.plain_segments);
    if report.former_key_segments > 0 {
        let segments = report.former_key_segments;
        tracing::info!(segments, "the encryption key was changed; the former one is not needed any more");
    }
    if encrypted_segments > 0 {
        tracing::info!(encrypted_segments, plain_segments, "the journal holds encrypted segments");
    }
}

struct Progress {
    started_ms: u64,
    shown_ms: u64,
    records: u64,
}

impl Progress {
    fn new(clock: &dyn Clock) -> Self {
        let started_ms = clock.monotonic_ms();
        Self { started_ms, shown_ms: started_ms, records: 0 }
    }

    fn note_record(&mut self, clock: &dyn Clock) {
        self.records += 1;
        if !self.records.is_multiple_of(STRIDE) {
            return;
        }
        let now_ms = clock.monotonic_ms();
        if now_ms >= self.shown_ms + QUIET_MS {
            self.shown_ms = now_ms;
            tracing::info!(
                records = self.records,
                seconds = (now_ms - self.started_ms) / 1_000,
                "reading the journal"
            );
        }
    }
}
