//! A slow consumer beside fast ones behind the same fan-out.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Result, anyhow, bail};

use crate::{
    amqp::{Connection, DeliveryScanner, QueueKind, Read, Settle, Wait},
    args::Effort,
    body,
    clock::{now_ns, wait_until},
    flow::{self, FlowSpec},
    ledger::{Faults, LaneLedger},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const QUEUE: &str = "bench-slow";
const SPEC: FlowSpec = FlowSpec {
    queues: 10,
    is_fanout: true,
    threads: 1,
    body_bytes: 100,
    kind: QueueKind::Transient,
    window: None,
    settle: Settle::OnDelivery,
    rate: None,
};
/// A slow reader takes at most so many bytes at a time,
const SIP_BYTES: usize = 4_096;
/// and waits so long in between, in ns.
const SIP_NS: u64 = 50_000_000;

/// The fast consumers alone; beside one that holds a single message for ever; beside one that hardly reads.
pub(super) fn consumer(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let alone = flow::run(target, &SPEC, effort.seconds)?;
    let (unacked, holder) = flow::run_beside(target, &SPEC, effort.seconds, |control| hold(target, control))?;
    let mut faults = alone.faults;
    faults.add(&unacked.faults);
    check_held(holder, unacked.published)?;
    let (unread, reader) = flow::run_beside(target, &SPEC, effort.seconds, |control| sip(target, control))?;
    faults.add(&unread.faults);
    faults.add(&reader.finish(unread.published)?);
    let rates = [&alone, &unacked, &unread].map(|result| result.messages as f64 / result.seconds);
    let [alone, unacked, unread] = rates;
    let share =
        |name, value: f64| Figure { name, unit: "%", value: 100.0 * value / alone.max(1.0), is_rate: true };
    Ok(Outcome {
        figures: vec![
            Figure::rate("alone", alone),
            Figure::rate("beside an unacked", unacked),
            Figure::rate("beside a slow reader", unread),
            share("unacked / alone", unacked),
            share("slow reader / alone", unread),
        ],
        faults,
    })
}

/// One more queue behind the exchange, with a connection for its consumer.
fn open(target: &Target, control: &mut Connection, inbox_bytes: usize) -> Result<Connection> {
    control.delete_queue(QUEUE)?;
    control.declare_queue(QUEUE, QueueKind::Transient, &[])?;
    control.bind_queue(QUEUE, flow::EXCHANGE, "")?;
    let mut connection = Connection::open_with_inbox(&target.address, inbox_bytes)?;
    connection.open_channel(1)?;
    Ok(connection)
}

fn hold(target: &Target, control: &mut Connection) -> Result<Connection> {
    let mut connection = open(target, control, SIP_BYTES)?;
    connection.set_prefetch(1, 1)?;
    connection.start_consuming(1, QUEUE, Settle::Cumulative(1))?;
    Ok(connection)
}

/// All that was published is in the queue but for the one message that its consumer holds.
fn check_held(mut holder: Connection, published: u64) -> Result<()> {
    holder.set_read_timeout(Duration::from_secs(10))?;
    let (mut scanner, mut held) = (DeliveryScanner::default(), 0);
    while held == 0 && holder.read(Wait::ForBytes)? != Read::Nothing {
        scanner.take_inbox(&mut holder, |_| held += 1)?;
    }
    let ready = u64::from(holder.declare_queue(QUEUE, QueueKind::Transient, &[])?);
    holder.delete_queue(QUEUE)?;
    holder.close();
    if held > 1 || ready + held != published {
        bail!(
            "the queue of the slow consumer has {ready} ready and {held} held messages of {published} published"
        );
    }
    Ok(())
}

/// Reads a little at a time until it is told to read the rest.
struct SlowReader {
    is_over: Arc<AtomicBool>,
    thread: JoinHandle<Result<Sipping>>,
}

struct Sipping {
    connection: Connection,
    scanner: DeliveryScanner,
    ledger: LaneLedger,
    seen: u64,
    corrupted: u64,
}

impl Sipping {
    fn take(&mut self) -> Result<Read> {
        let read = self.connection.read(Wait::ForBytes)?;
        let now = now_ns();
        let (ledger, seen, corrupted) = (&mut self.ledger, &mut self.seen, &mut self.corrupted);
        self.scanner.take_inbox(&mut self.connection, |delivery| {
            *seen += 1;
            match body::read(delivery.body, SPEC.body_bytes, now) {
                Some(stamp) => ledger.book(stamp.number),
                None => *corrupted += 1,
            }
        })?;
        Ok(read)
    }
}

fn sip(target: &Target, control: &mut Connection) -> Result<SlowReader> {
    let mut connection = open(target, control, SIP_BYTES)?;
    connection.set_read_timeout(Duration::from_millis(200))?;
    connection.start_consuming(1, QUEUE, Settle::OnDelivery)?;
    let is_over = Arc::new(AtomicBool::new(false));
    let mut sipping = Sipping {
        connection,
        scanner: DeliveryScanner::default(),
        ledger: LaneLedger::default(),
        seen: 0,
        corrupted: 0,
    };
    let stop = Arc::clone(&is_over);
    let thread = thread::spawn(move || {
        while !stop.load(Relaxed) {
            sipping.take()?;
            wait_until(now_ns() + SIP_NS);
        }
        Ok(sipping)
    });
    Ok(SlowReader { is_over, thread })
}

impl SlowReader {
    fn finish(self, published: u64) -> Result<Faults> {
        self.is_over.store(true, Relaxed);
        let mut sipping = self.thread.join().map_err(|_| anyhow!("the slow reader failed"))??;
        sipping.connection.set_read_timeout(Duration::from_secs(10))?;
        while sipping.seen < published && sipping.take()? != Read::Nothing {}
        sipping.connection.delete_queue(QUEUE)?;
        sipping.connection.close();
        let mut faults = sipping.ledger.close(published);
        faults.corrupted += sipping.corrupted;
        Ok(faults)
    }
}
