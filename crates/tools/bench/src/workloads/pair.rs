//! One publisher and one consumer of a queue, as fast as it goes, over any protocol that does not come with an engine of
//! its own.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Result, anyhow};

use crate::{
    args::Effort,
    body,
    clock::{now_ns, wait_until},
    ledger::{Faults, LaneLedger},
    link::Link,
    report::{Figure, Outcome},
    target::Target,
};

/// Length of each body in bytes.
pub(super) const BODY_BYTES: usize = 1_024;
/// Messages that may be on their way.
const OUTSTANDING: u64 = 2_000;
/// Messages that are not confirmed.
const WINDOW: u64 = 1_000;
/// An acknowledgement covers so many.
const ACK_EVERY: u64 = 250;
/// Messages sent in one go.
const BURST: u64 = 250;
/// Messages that the broker may have sent before it has an acknowledgement.
pub(super) const PREFETCH: u16 = 1_000;
/// Without progress for so long the rest counts as lost.
const STALL_NS: u64 = 10_000_000_000;
const WARM_UP: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(100);
/// An answer while nothing else flows.
const ANSWER: Duration = Duration::from_secs(20);

/// The publisher's connection, logged in and ready.
pub(super) trait Sender: Send {
    /// Its bytes.
    fn link(&mut self) -> &mut Link;
    /// Appends message `number` with that body.
    fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]);
    /// Looks at what was read; gives how many messages it confirms.
    fn take(&mut self) -> Result<u64>;
    /// Messages that the broker allows in all; it says so with what is read.
    fn allowed(&self) -> u64 {
        u64::MAX
    }
}

/// The consumer's connection, to which messages come.
pub(super) trait Receiver: Send {
    /// Its bytes.
    fn link(&mut self) -> &mut Link;
    /// Hands over the body of each message that was read; gives their count.
    fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64>;
    /// Messages that came since the last acknowledgement and wait for one; 0 when none is asked for.
    fn open_count(&self) -> u64;
    /// Appends the acknowledgement of those, and what lets more come.
    fn acknowledge(&mut self, out: &mut Vec<u8>);
    /// Ends it, and waits until the broker has done so.
    fn close(&mut self) -> Result<()>;
}

/// A name that no run before has used, and what it may have left.
pub(super) fn fresh_queue(protocol: &str) -> String {
    format!("bench-{protocol}-{}-{}", std::process::id(), now_ns())
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    is_complete: AtomicBool,
    published: AtomicU64,
    delivered: AtomicU64,
}

fn publish(sender: &mut dyn Sender, is_confirmed: bool, shared: &Shared) -> Result<()> {
    sender.link().stream.tcp().set_read_timeout(Some(PATIENCE))?;
    let mut body = [0; BODY_BYTES];
    body::prepare(&mut body);
    let (mut sent, mut confirmed) = (0_u64, 0_u64);
    let mut out = Vec::new();
    while !shared.is_over.load(Relaxed) {
        let allowed = sender.allowed().saturating_sub(sent);
        let mut room = (shared.delivered.load(Relaxed) + OUTSTANDING).saturating_sub(sent);
        if is_confirmed {
            room = room.min((confirmed + WINDOW).saturating_sub(sent));
        }
        if room < BURST || allowed == 0 {
            if allowed == 0 || (is_confirmed && confirmed < sent) {
                confirmed += read(sender)?;
            } else {
                thread::yield_now();
            }
            continue;
        }
        out.clear();
        let now = now_ns();
        let burst = BURST.min(allowed);
        for number in sent..sent + burst {
            body::restamp(&mut body, body::sequence(0, number), now);
            sender.put(&mut out, number, &body);
        }
        sender.link().send(&out)?;
        sent += burst;
    }
    let until_ns = now_ns() + STALL_NS;
    while is_confirmed && confirmed < sent && now_ns() < until_ns {
        confirmed += read(sender)?;
    }
    shared.published.store(sent, Relaxed);
    shared.is_complete.store(true, Relaxed);
    // The connection stays until all has come: what it sent must not be cut off.
    while shared.delivered.load(Relaxed) < sent && now_ns() < until_ns {
        thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

fn read(sender: &mut dyn Sender) -> Result<u64> {
    sender.link().read()?;
    sender.take()
}

fn consume(receiver: &mut dyn Receiver, shared: &Shared) -> Result<Faults> {
    receiver.link().stream.tcp().set_read_timeout(Some(PATIENCE))?;
    let mut ledger = LaneLedger::default();
    let (mut corrupted, mut seen) = (0, 0_u64);
    let mut acks = Vec::new();
    let mut progress_ns = now_ns();
    loop {
        let is_idle = !receiver.link().read()?;
        let now = now_ns();
        let count = receiver.take(&mut |body| match body::read(body, BODY_BYTES, now) {
            Some(stamp) => ledger.book(stamp.number),
            None => corrupted += 1,
        })?;
        if receiver.open_count() >= if is_idle { 1 } else { ACK_EVERY } {
            acknowledge(receiver, &mut acks)?;
        }
        if count > 0 {
            seen += count;
            shared.delivered.fetch_add(count, Relaxed);
            progress_ns = now;
        }
        let is_all = shared.is_complete.load(Relaxed) && seen >= shared.published.load(Relaxed);
        if is_all || (shared.is_over.load(Relaxed) && now - progress_ns > STALL_NS) {
            break;
        }
    }
    if receiver.open_count() > 0 {
        acknowledge(receiver, &mut acks)?;
    }
    receiver.link().stream.tcp().set_read_timeout(Some(ANSWER))?;
    receiver.close()?;
    let mut faults = ledger.close(shared.published.load(Relaxed));
    faults.corrupted += corrupted;
    Ok(faults)
}

fn acknowledge(receiver: &mut dyn Receiver, out: &mut Vec<u8>) -> Result<()> {
    out.clear();
    receiver.acknowledge(out);
    receiver.link().send(out)
}

/// Runs both for the measured time after a warm-up and books every message. `is_confirmed`: the publisher has at most a
/// window of messages that are not confirmed.
pub(super) fn run(
    target: &Target,
    effort: Effort,
    is_confirmed: bool,
    mut sender: impl Sender + 'static,
    mut receiver: impl Receiver + 'static,
) -> Result<Outcome> {
    let shared = Arc::new(Shared::default());
    let book = Arc::clone(&shared);
    let consumer = thread::spawn(move || consume(&mut receiver, &book));
    let book = Arc::clone(&shared);
    let publisher = thread::spawn(move || publish(&mut sender, is_confirmed, &book));
    wait_until(now_ns() + u64::try_from(WARM_UP.as_nanos()).unwrap_or(0));
    let usage = || target.process.and_then(|process| process.usage());
    if let Some(process) = target.process {
        process.reset_peak();
    }
    let (before, start_ns, first) = (usage(), now_ns(), shared.delivered.load(Relaxed));
    wait_until(start_ns + (effort.seconds * 1e9) as u64);
    let (after, end_ns, last) = (usage(), now_ns(), shared.delivered.load(Relaxed));
    shared.is_over.store(true, Relaxed);
    publisher.join().map_err(|_| anyhow!("the publisher failed"))??;
    let faults = consumer.join().map_err(|_| anyhow!("the consumer failed"))??;
    let messages = (last - first) as f64;
    let mut figures = vec![Figure::rate("delivered", messages / ((end_ns - start_ns) as f64 / 1e9))];
    if let Some((before, after)) = before.zip(after) {
        let cpu_seconds = after.cpu_seconds - before.cpu_seconds;
        figures.push(Figure::cost("broker CPU", "us/msg", cpu_seconds * 1e6 / messages.max(1.0)));
        figures.push(Figure::cost("broker peak RSS", "MB", after.peak_rss_bytes as f64 / 1e6));
    }
    Ok(Outcome { figures, faults })
}
