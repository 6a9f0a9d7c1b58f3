//! Many unacknowledged deliveries that return to their queue at once, because their channel or connection ends.

use anyhow::{Result, bail};

use super::backlog::{fill, take_filled};
use crate::{
    amqp::{Connection, QueueKind, Settle},
    args::Effort,
    clock::{now_ns, wait_until},
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const QUEUE: &str = "bench-returned";
/// Longest wait for messages to return.
const PATIENCE_NS: u64 = 60_000_000_000;

/// What ends while it holds the messages.
#[derive(Clone, Copy)]
enum End {
    Channel,
    Connection,
}

/// Times from the request to close, in ms.
struct Times {
    closed: f64,
    ready: f64,
    taken: f64,
}

pub(super) fn returned(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = effort.count.unwrap_or(30_000);
    let (channel, mut faults) = hold_and_end(target, count, End::Channel)?;
    let (connection, more) = hold_and_end(target, count, End::Connection)?;
    faults.add(&more);
    let figures = [
        ("channel: closed", channel.closed),
        ("channel: all ready", channel.ready),
        ("channel: all taken", channel.taken),
        ("connection: closed", connection.closed),
        ("connection: all ready", connection.ready),
        ("connection: all taken", connection.taken),
    ];
    let figures = figures.into_iter().map(|(name, ms)| Figure::cost(name, "ms", ms)).collect();
    Ok(Outcome { figures, faults })
}

/// One consumer takes all messages and settles none; when it ends, another takes them all.
fn hold_and_end(target: &Target, count: u64, end: End) -> Result<(Times, Faults)> {
    let mut control = Connection::open(&target.address)?;
    control.open_channel(1)?;
    control.delete_queue(QUEUE)?;
    control.declare_queue(QUEUE, QueueKind::Transient, &[])?;
    fill(target, QUEUE, QueueKind::Transient, 0, count)?;
    let mut holder = Connection::open(&target.address)?;
    holder.open_channel(1)?;
    // Without basic.qos there is no limit.
    holder.start_consuming(1, QUEUE, Settle::Cumulative(0))?;
    let mut faults = take_filled(&mut holder, count, |_| {})?;
    let mut other = Connection::open(&target.address)?;
    other.open_channel(1)?;
    let from_ns = now_ns();
    let since_ms = || (now_ns() - from_ns) as f64 / 1e6;
    let holder = match end {
        End::Channel => {
            holder.close_channel(1)?;
            Some(holder)
        }
        End::Connection => {
            holder.close();
            None
        }
    };
    let closed = since_ms();
    await_ready(&mut control, count)?;
    let ready = since_ms();
    other.start_consuming(1, QUEUE, Settle::OnDelivery)?;
    let mut unmarked = 0_u64;
    let again = take_filled(&mut other, count, |delivery| unmarked += u64::from(!delivery.is_redelivered))?;
    let taken = since_ms();
    faults.add(&again);
    if unmarked > 0 {
        bail!("{unmarked} of {count} messages came back without being marked as redelivered");
    }
    other.close();
    holder.into_iter().for_each(Connection::close);
    control.delete_queue(QUEUE)?;
    control.close();
    Ok((Times { closed, ready, taken }, faults))
}

fn await_ready(control: &mut Connection, count: u64) -> Result<()> {
    let until_ns = now_ns() + PATIENCE_NS;
    loop {
        let ready = u64::from(control.declare_queue(QUEUE, QueueKind::Transient, &[])?);
        if ready >= count {
            return Ok(());
        }
        if now_ns() > until_ns {
            bail!("{ready} of {count} messages were ready again after {} s", PATIENCE_NS / 1_000_000_000);
        }
        // Asking takes the broker's time too.
        wait_until(now_ns() + 200_000);
    }
}
