//! The thread of the journal: writes all that waits, syncs once, reports, and does the upkeep meanwhile. Group commit
//! needs no timer: what arrives during a sync is the next group.

use std::thread::{self, JoinHandle};
use std::time::Duration;

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use ternmq_broker::{Alarm, LogRequest};
use ternmq_env::{Clock, SystemClock};
use ternmq_journal::{Batch, JournalError, JournalPos, Progress, SegmentIndex, SpaceLevel, Writer};

use crate::mail::{Mail, Mailbox};

/// How often the room on the disk is looked at, and a full disk tried again.
const SPACE_CHECK: Duration = Duration::from_secs(1);

/// What the journal died of; given to the node, which ends the process (F3).
pub type JournalFailure = Box<dyn FnOnce(&JournalError) + Send>;

enum Order {
    Write(Batch),
    Request(LogRequest),
    Close,
}

/// The way to the journal's thread.
pub struct JournalThread {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

impl JournalThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// The system has no thread to give.
    pub fn start(writer: Writer, mailbox: Mailbox, on_failure: JournalFailure) -> std::io::Result<Self> {
        // Unbounded in form only: the shard bounds the bytes under way, and requests follow checkpoints.
        let (orders, waiting) = crossbeam_channel::unbounded();
        let keeper = Keeper {
            writer,
            mailbox,
            is_low: false,
            wants_compaction: false,
            put_off: Vec::new(),
            clock: SystemClock::new(),
            check_at_ms: 0,
        };
        let work = move || {
            if let Err(error) = keeper.run(&waiting) {
                on_failure(&error);
            }
        };
        let thread = thread::Builder::new().name("journal".into()).spawn(work)?;
        Ok(Self { orders, thread })
    }

    pub(crate) fn write(&self, batch: Batch) {
        // The thread is gone only after a failure that ends the process.
        let _ = self.orders.send(Order::Write(batch));
    }

    pub(crate) fn request(&self, request: LogRequest) {
        let _ = self.orders.send(Order::Request(request));
    }

    /// Closes the journal cleanly, so that the next start has no tail to copy.
    pub(crate) fn close(self) {
        let _ = self.orders.send(Order::Close);
        if self.thread.join().is_err() {
            tracing::error!("the journal's thread ended badly");
        }
    }
}

/// Upkeep that can wait leaves processor and disk to the first logins and what they bring.
const UPKEEP_FROM_MS: u64 = 500;
/// Most requests that are put off; a restart finds what later ones would have freed.
const MAX_PUT_OFF: usize = 1_000;

struct Keeper {
    writer: Writer,
    mailbox: Mailbox,
    is_low: bool,
    wants_compaction: bool,
    /// Requests that could not be served yet, in order: tried again when the room on the disk is looked at.
    put_off: Vec<LogRequest>,
    clock: SystemClock,
    /// When the room on the disk is looked at next.
    check_at_ms: u64,
}

impl Keeper {
    fn run(mut self, orders: &Receiver<Order>) -> Result<(), JournalError> {
        self.check_space();
        let started_ms = self.clock.monotonic_ms();
        let mut has_upkeep = true;
        loop {
            let pause = if has_upkeep {
                let passed_ms = self.clock.monotonic_ms() - started_ms;
                Duration::from_millis(UPKEEP_FROM_MS.saturating_sub(passed_ms))
            } else {
                SPACE_CHECK
            };
            let first = match orders.recv_timeout(pause) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return self.writer.close(),
            };
            if let Some(first) = first
                && self.commit(first, orders)?
            {
                return self.writer.close();
            }
            let progress = self.writer.maintain()?;
            has_upkeep = progress == Progress::More;
            // Under load there is always a next order: the room is looked at by the clock, not when idle.
            if self.clock.monotonic_ms() >= self.check_at_ms {
                self.check_space();
                for request in std::mem::take(&mut self.put_off) {
                    self.serve(request)?;
                }
            }
        }
    }

    /// One group: everything that waits, one sync. True when the journal is to be closed.
    fn commit(&mut self, first: Order, orders: &Receiver<Order>) -> Result<bool, JournalError> {
        let mut buffers = Vec::new();
        let mut requests = Vec::new();
        let mut is_closing = false;
        for order in std::iter::once(first).chain(orders.try_iter()) {
            match order {
                Order::Write(mut batch) => {
                    self.write(&mut batch, &mut requests)?;
                    buffers.push(batch.into_buffer());
                }
                Order::Request(request) => requests.push(request),
                Order::Close => is_closing = true,
            }
        }
        if !buffers.is_empty() {
            let durable = self.writer.sync()?;
            self.mailbox.send(Mail::Durable { durable, buffers });
        }
        for request in requests {
            self.serve(request)?;
        }
        Ok(is_closing)
    }

    /// Writes a batch; while the disk is full it waits with it, because everything behind would have to wait anyway.
    /// Requests from before it are served meanwhile: they free room.
    fn write(&mut self, batch: &mut Batch, requests: &mut Vec<LogRequest>) -> Result<(), JournalError> {
        loop {
            match self.writer.write(batch) {
                Err(JournalError::DiskFull(_)) => {
                    for request in requests.drain(..) {
                        self.serve(request)?;
                    }
                    self.check_space();
                    thread::park_timeout(SPACE_CHECK);
                }
                answer => return answer,
            }
        }
    }

    fn serve(&mut self, request: LogRequest) -> Result<(), JournalError> {
        let outcome = match &request {
            LogRequest::PublishCheckpoint { start } => {
                self.writer.publish_checkpoint(JournalPos::new(*start))
            }
            LogRequest::Release { segments } => {
                let segments: Vec<SegmentIndex> = segments.iter().copied().map(SegmentIndex::new).collect();
                self.writer.release(&segments)
            }
        };
        match outcome {
            Err(error @ (JournalError::Failed(_) | JournalError::Poisoned(_))) => Err(error),
            Err(error) => {
                tracing::warn!("upkeep of the journal is put off: {error}");
                if self.put_off.len() < MAX_PUT_OFF {
                    self.put_off.push(request);
                }
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    fn check_space(&mut self) {
        self.check_at_ms = self.clock.monotonic_ms() + SPACE_CHECK.as_millis() as u64;
        let space = match self.writer.space() {
            Ok(space) => space,
            Err(error) => {
                tracing::warn!("the room on the disk is unknown: {error}");
                return;
            }
        };
        let is_low = space.level > SpaceLevel::Plenty;
        if is_low != self.is_low {
            self.is_low = is_low;
            let (free_bytes, alarm_bytes) = (space.free_bytes, space.alarm_bytes);
            if is_low {
                tracing::warn!(
                    free_bytes,
                    alarm_bytes,
                    "disk alarm: publishers are held back until there is room"
                );
            } else {
                tracing::info!(free_bytes, "disk alarm is over");
            }
            self.mailbox.set_alarm(Alarm::Disk, is_low);
        }
        if space.wants_compaction != self.wants_compaction {
            self.wants_compaction = space.wants_compaction;
            self.mailbox.send(Mail::DiskShort(space.wants_compaction.into()));
        }
    }
}
