//! The engine of most workloads: lanes that publish, queues that are consumed, a book for each.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use hdrhistogram::Histogram;

use crate::{
    amqp::{
        BURST_BYTES, Burst, BurstSpec, Connection, Delivery, DeliveryScanner, QueueKind, Read, Settle, Wait,
        wire::{id, put_cumulative_ack},
    },
    body,
    clock::{now_ns, wait_until},
    ledger::{Faults, LaneLedger},
    process::Usage,
    target::Target,
};

/// How messages are published, kept and taken.
#[derive(Clone, Debug)]
pub(crate) struct FlowSpec {
    /// Queues, each with a lane of its own unless all are behind one fanout exchange.
    pub(crate) queues: u16,
    /// One lane publishes to an exchange that all queues are bound to.
    pub(crate) is_fanout: bool,
    /// Threads that publish, and as many that consume; lanes and queues are spread over them.
    pub(crate) threads: u16,
    /// Length of each body in bytes.
    pub(crate) body_bytes: usize,
    /// Durable queues and persistent messages.
    pub(crate) kind: QueueKind,
    /// Unconfirmed publishes of a lane at most; absent: no confirms.
    pub(crate) window: Option<u64>,
    /// Who settles.
    pub(crate) settle: Settle,
    /// Messages per second over all lanes, evenly paced; absent: as fast as it goes.
    pub(crate) rate: Option<f64>,
}

/// What a run of a flow gave.
#[derive(Clone, Debug, Default)]
pub(crate) struct FlowResult {
    /// Publishes of all lanes, warm-up included.
    pub(crate) published: u64,
    /// Messages delivered in the measured time.
    pub(crate) messages: u64,
    /// The measured time in s.
    pub(crate) seconds: f64,
    /// Faults of the whole run, warm-up included.
    pub(crate) faults: Faults,
    /// p50, p99 and p99.9 from the intended send time to the delivery, in µs.
    pub(crate) latency_us: [f64; 3],
    /// CPU seconds of the broker in the measured time.
    pub(crate) cpu_seconds: Option<f64>,
    /// Peak memory of the broker in bytes.
    pub(crate) peak_rss_bytes: Option<u64>,
}

/// The exchange of a fan-out.
pub(crate) const EXCHANGE: &str = "bench-fanout";
/// Warm-up that is not measured.
const WARM_UP: Duration = Duration::from_millis(1_000);
/// Without progress for so long the rest counts as lost.
const STALL: Duration = Duration::from_secs(10);

pub(crate) fn queue_name(number: u16) -> String {
    format!("bench-{number:05}")
}

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    is_measuring: AtomicBool,
    delivered: AtomicU64,
    refused: AtomicU64,
    /// Publishes of each lane, once it has stopped.
    published: Vec<AtomicU64>,
    stopped_lanes: AtomicU64,
    /// Deliveries of each publish.
    copies: u64,
}

/// Runs a flow for `seconds` after a warm-up and books every message.
pub(crate) fn run(target: &Target, spec: &FlowSpec, seconds: f64) -> Result<FlowResult> {
    Ok(run_beside(target, spec, seconds, |_| Ok(()))?.0)
}

/// As [`run`], beside something else that `start` starts once queues and exchange are there.
pub(crate) fn run_beside<T>(
    target: &Target,
    spec: &FlowSpec,
    seconds: f64,
    start: impl FnOnce(&mut Connection) -> Result<T>,
) -> Result<(FlowResult, T)> {
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    prepare(&mut control, spec)?;
    let beside = start(&mut control)?;
    let lanes = if spec.is_fanout { 1 } else { spec.queues };
    let shared = Arc::new(Shared {
        published: (0..lanes).map(|_| AtomicU64::new(0)).collect(),
        copies: u64::from(spec.queues / lanes.max(1)),
        ..Shared::default()
    });
    let mut consumers = Vec::new();
    for thread in 0..spec.threads.min(spec.queues) {
        let queues: Vec<u16> = (thread..spec.queues).step_by(spec.threads.into()).collect();
        let consumer = Consumer::open(target, spec, queues)?;
        let shared = Arc::clone(&shared);
        consumers.push(thread::spawn(move || consumer.run(&shared)));
    }
    let mut publishers = Vec::new();
    for thread in 0..spec.threads.min(lanes) {
        let numbers: Vec<u16> = (thread..lanes).step_by(spec.threads.into()).collect();
        let publisher = Publisher::open(target, spec, &numbers, lanes)?;
        let shared = Arc::clone(&shared);
        publishers.push(thread::spawn(move || publisher.run(&shared)));
    }
    let mut result = measure(target, &shared, seconds);
    shared.is_over.store(true, Relaxed);
    for publisher in publishers {
        publisher.join().map_err(|_| anyhow!("a publisher failed"))??;
    }
    let mut histogram = new_histogram()?;
    for consumer in consumers {
        let (books, latencies) = consumer.join().map_err(|_| anyhow!("a consumer failed"))??;
        result.faults.add(&books);
        histogram.add(latencies)?;
    }
    result.faults.refused += shared.refused.load(Relaxed);
    for (place, quantile) in result.latency_us.iter_mut().zip([0.5, 0.99, 0.999]) {
        *place = histogram.value_at_quantile(quantile) as f64 / 1e3;
    }
    result.published = shared.published.iter().map(|count| count.load(Relaxed)).sum();
    clean(&mut control, spec)?;
    Ok((result, beside))
}

fn new_histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000_000, 3)?)
}

fn prepare(control: &mut Connection, spec: &FlowSpec) -> Result<()> {
    clean(control, spec)?;
    if spec.is_fanout {
        control.declare_exchange(EXCHANGE, "fanout", &[])?;
    }
    for number in 0..spec.queues {
        control.declare_queue(&queue_name(number), spec.kind, &[])?;
        if spec.is_fanout {
            control.bind_queue(&queue_name(number), EXCHANGE, "")?;
        }
    }
    Ok(())
}

fn clean(control: &mut Connection, spec: &FlowSpec) -> Result<()> {
    (0..spec.queues).try_for_each(|number| control.delete_queue(&queue_name(number)))?;
    if spec.is_fanout { control.delete_exchange(EXCHANGE) } else { Ok(()) }
}

fn measure(target: &Target, shared: &Shared, seconds: f64) -> FlowResult {
    wait_until(now_ns() + u64::try_from(WARM_UP.as_nanos()).unwrap_or(0));
    let usage = |target: &Target| target.process.and_then(|process| process.usage());
    if let Some(process) = target.process {
        process.reset_peak();
    }
    let (before, start_ns, first) = (usage(target), now_ns(), shared.delivered.load(Relaxed));
    shared.is_measuring.store(true, Relaxed);
    wait_until(start_ns + (seconds * 1e9) as u64);
    let (end_ns, last) = (now_ns(), shared.delivered.load(Relaxed));
    shared.is_measuring.store(false, Relaxed);
    let after = usage(target);
    let both = before.zip(after);
    FlowResult {
        messages: last - first,
        seconds: (end_ns - start_ns) as f64 / 1e9,
        cpu_seconds: both.map(|(before, after): (Usage, Usage)| after.cpu_seconds - before.cpu_seconds),
        peak_rss_bytes: after.map(|usage| usage.peak_rss_bytes),
        ..FlowResult::default()
    }
}

struct Lane {
    number: u16,
    channel: u16,
    burst: Burst,
    sent: u64,
    confirmed: u64,
}

struct Publisher {
    connection: Connection,
    lanes: Vec<Lane>,
    window: Option<u64>,
    /// ns between two messages of a lane, for paced lanes.
    interval_ns: Option<f64>,
    /// The lane that a write begins with: where the last one stopped for its size.
    first_lane: usize,
}

impl Publisher {
    fn open(target: &Target, spec: &FlowSpec, numbers: &[u16], lane_count: u16) -> Result<Self> {
        let mut connection = Connection::open(&target.address)?;
        let mut lanes = Vec::new();
        for (channel, number) in (1..).zip(numbers.iter().copied()) {
            connection.open_channel(channel)?;
            if spec.window.is_some() {
                connection.select_confirms(channel)?;
            }
            let burst = Burst::new(&BurstSpec {
                channel,
                exchange: if spec.is_fanout { EXCHANGE.to_owned() } else { String::new() },
                keys: vec![if spec.is_fanout { String::new() } else { queue_name(number) }],
                body_bytes: spec.body_bytes,
                persistent: spec.kind == QueueKind::Durable,
                kept_bytes: Some(BURST_BYTES / numbers.len().max(1)),
                ..BurstSpec::default()
            });
            lanes.push(Lane { number, channel, burst, sent: 0, confirmed: 0 });
        }
        connection.set_read_timeout(Duration::from_millis(500))?;
        let interval_ns = spec.rate.map(|rate| 1e9 * f64::from(lane_count) / rate);
        Ok(Self { connection, lanes, window: spec.window, interval_ns, first_lane: 0 })
    }

    fn run(mut self, shared: &Shared) -> Result<()> {
        let start_ns = now_ns();
        let mut out = Vec::with_capacity(2 * BURST_BYTES);
        while !shared.is_over.load(Relaxed) {
            if self.window.is_some() {
                self.read_confirms(Wait::Never, shared)?;
            }
            out.clear();
            let count = self.fill(&mut out, start_ns);
            if count > 0 {
                self.connection.send(&out)?;
            } else if let Some(interval_ns) = self.interval_ns {
                let next = self.lanes.iter().map(|lane| lane.sent).min().unwrap_or(0);
                wait_until(start_ns + (next as f64 * interval_ns) as u64);
            } else {
                self.read_confirms(Wait::ForBytes, shared)?;
            }
        }
        self.finish(shared)
    }

    /// Stamps what may go now, of one lane after the other until a write is full.
    fn fill(&mut self, out: &mut Vec<u8>, start_ns: u64) -> u64 {
        let now = now_ns();
        let interval_ns = self.interval_ns;
        let intended = |number: u64| match interval_ns {
            Some(interval_ns) => start_ns + (number as f64 * interval_ns) as u64,
            None => now,
        };
        let mut total = 0;
        let first = self.first_lane;
        for at in (first..self.lanes.len()).chain(0..first) {
            if out.len() >= BURST_BYTES {
                self.first_lane = at;
                break;
            }
            let mut free = self.free_of(at, now.saturating_sub(start_ns));
            let Some(lane) = self.lanes.get_mut(at) else { break };
            while free > 0 && out.len() < BURST_BYTES {
                let wanted = usize::try_from(free).unwrap_or(usize::MAX);
                let (bytes, count) = lane.burst.stamp(wanted, lane.number, lane.sent, intended);
                out.extend_from_slice(bytes);
                lane.sent += count as u64;
                free -= count as u64;
                total += count as u64;
            }
        }
        total
    }

    /// How many messages a lane may publish, `past_ns` after its start.
    fn free_of(&self, lane: usize, past_ns: u64) -> u64 {
        let Some(lane) = self.lanes.get(lane) else { return 0 };
        let free = match self.window {
            None => u64::MAX,
            Some(window) => {
                let free = window.saturating_sub(lane.sent - lane.confirmed);
                // A part of the window at a time, so that a write is worth its call.
                if free >= window.div_ceil(4) { free } else { 0 }
            }
        };
        match self.interval_ns {
            None => free,
            Some(interval_ns) => {
                let due = (past_ns as f64 / interval_ns) as u64 + 1;
                free.min(due.saturating_sub(lane.sent))
            }
        }
    }

    fn read_confirms(&mut self, wait: Wait, shared: &Shared) -> Result<()> {
        if self.connection.read(wait)? == Read::Nothing {
            return Ok(());
        }
        while let Some(frame) = self.connection.next_frame()? {
            let is_ack = match frame.method() {
                Some(id::BASIC_ACK) => true,
                Some(id::BASIC_NACK) => false,
                _ => continue,
            };
            let (channel, mut fields) = (frame.channel, frame.arguments());
            let (tag, is_multiple) = (fields.u64("delivery-tag")?, fields.u8("multiple")? & 1 == 1);
            let Some(lane) = self.lanes.get_mut(usize::from(channel.saturating_sub(1))) else { continue };
            if !is_ack {
                shared.refused.fetch_add(1, Relaxed);
            }
            // RabbitMQ may confirm one by one and out of order; the window only needs how many.
            lane.confirmed = if is_multiple { lane.confirmed.max(tag) } else { lane.confirmed + 1 };
        }
        Ok(())
    }

    fn finish(mut self, shared: &Shared) -> Result<()> {
        let until_ns = now_ns() + 30_000_000_000;
        while self.window.is_some() && self.lanes.iter().any(|lane| lane.confirmed < lane.sent) {
            self.read_confirms(Wait::ForBytes, shared)?;
            if now_ns() > until_ns {
                return Err(anyhow!("publishes were not confirmed within 30 s"));
            }
        }
        for lane in &self.lanes {
            if let Some(published) = shared.published.get(usize::from(lane.number)) {
                published.store(lane.sent, Relaxed);
            }
            shared.stopped_lanes.fetch_add(1, Relaxed);
            debug_assert!(lane.channel > 0);
        }
        // The connection stays open until the last message is through: closing it may drop what is buffered. A slow
        // broker may have much to deliver still, so that only progress counts.
        let (mut delivered, mut progress_ns) = (0, now_ns());
        while !all_delivered(shared) && u128::from(now_ns() - progress_ns) < STALL.as_nanos() {
            thread::park_timeout(Duration::from_millis(20));
            let now_delivered = shared.delivered.load(Relaxed);
            if now_delivered != delivered {
                (delivered, progress_ns) = (now_delivered, now_ns());
            }
        }
        self.connection.close();
        Ok(())
    }
}

fn all_delivered(shared: &Shared) -> bool {
    let published: u64 = shared.published.iter().map(|count| count.load(Relaxed)).sum();
    shared.stopped_lanes.load(Relaxed) as usize == shared.published.len()
        && shared.delivered.load(Relaxed) >= published * shared.copies
}

struct Book {
    queue: u16,
    ledger: LaneLedger,
    last_tag: u64,
    acked_tag: u64,
}

struct Consumer {
    connection: Connection,
    books: Vec<Book>,
    settle: Settle,
    body_bytes: usize,
    is_fanout: bool,
    is_paced: bool,
}

impl Consumer {
    fn open(target: &Target, spec: &FlowSpec, queues: Vec<u16>) -> Result<Self> {
        let mut connection = Connection::open(&target.address)?;
        let mut books = Vec::new();
        for (channel, queue) in (1..).zip(queues) {
            connection.open_channel(channel)?;
            if let Settle::Cumulative(prefetch) = spec.settle {
                connection.set_prefetch(channel, prefetch)?;
            }
            books.push(Book { queue, ledger: LaneLedger::default(), last_tag: 0, acked_tag: 0 });
        }
        for (channel, book) in (1..).zip(&books) {
            connection.start_consuming(channel, &queue_name(book.queue), spec.settle)?;
        }
        connection.set_read_timeout(Duration::from_millis(200))?;
        Ok(Self {
            connection,
            books,
            settle: spec.settle,
            body_bytes: spec.body_bytes,
            is_fanout: spec.is_fanout,
            is_paced: spec.rate.is_some(),
        })
    }

    fn run(mut self, shared: &Shared) -> Result<(Faults, Histogram<u64>)> {
        let mut scanner = DeliveryScanner::default();
        let mut histogram = new_histogram()?;
        let (mut corrupted, mut seen, mut progress_ns) = (0, 0_u64, now_ns());
        let mut acks = Vec::new();
        loop {
            let is_read = self.connection.read(Wait::ForBytes)? != Read::Nothing;
            let now = now_ns();
            let is_measuring = shared.is_measuring.load(Relaxed);
            let mut count = 0;
            let (books, is_fanout, body_bytes) = (&mut self.books, self.is_fanout, self.body_bytes);
            scanner.take_inbox(&mut self.connection, |delivery: Delivery<'_>| {
                count += 1;
                let Some(book) = books.get_mut(usize::from(delivery.channel.saturating_sub(1))) else {
                    return;
                };
                book.last_tag = delivery.tag;
                match body::read(delivery.body, body_bytes, now) {
                    Some(stamp) if is_fanout || stamp.lane == book.queue => {
                        book.ledger.book(stamp.number);
                        // Without pacing a sample is enough, and the figure is queueing more than latency.
                        if is_measuring && (self.is_paced || stamp.number % 64 == 0) {
                            histogram.saturating_record((now - stamp.sent_ns).max(1));
                        }
                    }
                    _ => corrupted += 1,
                }
            })?;
            if let Settle::Cumulative(prefetch) = self.settle {
                self.acknowledge(u64::from(prefetch).div_ceil(4), &mut acks, !is_read)?;
            }
            if count > 0 {
                seen += count;
                progress_ns = now;
                shared.delivered.fetch_add(count, Relaxed);
            }
            if shared.is_over.load(Relaxed) && self.is_done(shared, seen, now - progress_ns) {
                break;
            }
        }
        self.acknowledge(1, &mut acks, true)?;
        let mut faults = Faults { corrupted, ..Faults::default() };
        for book in &self.books {
            faults.add(&book.ledger.close(self.expected(shared, book)));
        }
        self.connection.close();
        Ok((faults, histogram))
    }

    fn acknowledge(&mut self, least: u64, acks: &mut Vec<u8>, is_idle: bool) -> Result<()> {
        acks.clear();
        for (channel, book) in (1..).zip(&mut self.books) {
            let open = book.last_tag - book.acked_tag;
            if open >= least || (is_idle && open > 0) {
                put_cumulative_ack(acks, channel, book.last_tag);
                book.acked_tag = book.last_tag;
            }
        }
        if acks.is_empty() { Ok(()) } else { self.connection.send(acks).context("an acknowledgement") }
    }

    fn expected(&self, shared: &Shared, book: &Book) -> u64 {
        let lane = if self.is_fanout { 0 } else { book.queue };
        shared.published.get(usize::from(lane)).map_or(0, |count| count.load(Relaxed))
    }

    /// All lanes have stopped and all came, or nothing has come for long.
    fn is_done(&self, shared: &Shared, seen: u64, silent_ns: u64) -> bool {
        if shared.stopped_lanes.load(Relaxed) as usize != shared.published.len() {
            return false;
        }
        let expected: u64 = self.books.iter().map(|book| self.expected(shared, book)).sum();
        seen >= expected || u128::from(silent_ns) > STALL.as_nanos()
    }
}
