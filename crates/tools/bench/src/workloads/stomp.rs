//! Workloads of STOMP: one to one, as fast as it goes.

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
    report::{Figure, Outcome},
    spawn::Spawned,
    stomp::{Client, Incoming, SendTemplate, put_ack},
    target::Target,
};

const BODY_BYTES: usize = 1_024;
const DESTINATION: &str = "/queue/bench-stomp";
/// It goes with its consumer.
const QUEUE: &str = "durable:true\nauto-delete:true\nexclusive:false\n";
/// Messages that may be on their way.
const OUTSTANDING: u64 = 2_000;
/// Messages whose receipt has not come.
const WINDOW: u64 = 1_000;
/// An acknowledgement covers so many.
const ACK_EVERY: u64 = 250;
/// Frames sent in one go.
const BURST: u64 = 250;
/// Without progress for so long the rest counts as lost.
const STALL_NS: u64 = 10_000_000_000;
const WARM_UP: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_millis(100);

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    is_complete: AtomicBool,
    published: AtomicU64,
    delivered: AtomicU64,
}

fn publish(target: &Target, is_durable: bool, shared: &Shared) -> Result<()> {
    let mut client = Client::open(&target.address)?;
    client.link.stream.tcp().set_read_timeout(Some(PATIENCE))?;
    let persistent = if is_durable { "persistent:true\n" } else { "" };
    let template = SendTemplate::new(DESTINATION, &format!("{QUEUE}{persistent}"), BODY_BYTES, is_durable);
    let mut body = [0; BODY_BYTES];
    body::prepare(&mut body);
    let (mut sent, mut confirmed) = (0_u64, 0_u64);
    let mut out = Vec::new();
    while !shared.is_over.load(Relaxed) {
        let mut room = (shared.delivered.load(Relaxed) + OUTSTANDING).saturating_sub(sent);
        if is_durable {
            room = room.min((confirmed + WINDOW).saturating_sub(sent));
        }
        if room < BURST {
            if is_durable && confirmed < sent {
                confirmed += receipts(&mut client)?
            } else {
                thread::yield_now()
            }
            continue;
        }
        out.clear();
        let now = now_ns();
        for number in sent..sent + BURST {
            body::restamp(&mut body, body::sequence(0, number), now);
            template.put(&mut out, number, &body);
        }
        client.link.send(&out)?;
        sent += BURST;
    }
    let until_ns = now_ns() + STALL_NS;
    while is_durable && confirmed < sent && now_ns() < until_ns {
        confirmed += receipts(&mut client)?;
    }
    shared.published.store(sent, Relaxed);
    shared.is_complete.store(true, Relaxed);
    // The connection stays until all has come: what it sent must not be cut off.
    while shared.delivered.load(Relaxed) < sent && now_ns() < until_ns {
        thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

fn receipts(client: &mut Client) -> Result<u64> {
    client.link.read()?;
    let mut count = 0;
    while let Some(frame) = client.next()? {
        count += u64::from(frame == Incoming::Receipt);
    }
    Ok(count)
}

fn consume(mut client: Client, shared: &Shared) -> Result<Faults> {
    client.link.stream.tcp().set_read_timeout(Some(PATIENCE))?;
    let mut ledger = LaneLedger::default();
    let (mut corrupted, mut seen, mut open) = (0, 0_u64, 0_u64);
    let (mut acks, mut last_ack) = (Vec::new(), Vec::new());
    let mut progress_ns = now_ns();
    loop {
        let is_idle = !client.link.read()?;
        let now = now_ns();
        acks.clear();
        let mut count = 0;
        while let Some(frame) = client.next()? {
            let Incoming::Message { ack, body } = frame else { continue };
            count += 1;
            match body::read(body, BODY_BYTES, now) {
                Some(stamp) => ledger.book(stamp.number),
                None => corrupted += 1,
            }
            if let Some(ack) = ack {
                open += 1;
                last_ack.clear();
                last_ack.extend_from_slice(ack);
                if open >= ACK_EVERY {
                    put_ack(&mut acks, &last_ack);
                    open = 0;
                }
            }
        }
        if is_idle && open > 0 {
            put_ack(&mut acks, &last_ack);
            open = 0;
        }
        if !acks.is_empty() {
            client.link.send(&acks)?;
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
    if open > 0 {
        acks.clear();
        put_ack(&mut acks, &last_ack);
        client.link.send(&acks)?;
    }
    client.link.stream.tcp().set_read_timeout(Some(Duration::from_secs(20)))?;
    client.confirm("UNSUBSCRIBE\nid:0\nreceipt:u\n\n\0")?;
    let mut faults = ledger.close(shared.published.load(Relaxed));
    faults.corrupted += corrupted;
    Ok(faults)
}

fn run(target: &Target, effort: Effort, is_durable: bool) -> Result<Outcome> {
    let shared = Arc::new(Shared::default());
    let mut consumer = Client::open(&target.address)?;
    let mode = if is_durable { "client\nprefetch-count:1000" } else { "auto" };
    consumer.confirm(&format!(
        "SUBSCRIBE\nid:0\ndestination:{DESTINATION}\n{QUEUE}ack:{mode}\nreceipt:s\n\n\0"
    ))?;
    let book = Arc::clone(&shared);
    let consumer = thread::spawn(move || consume(consumer, &book));
    let (book, publisher_target) = (Arc::clone(&shared), target.clone());
    let publisher = thread::spawn(move || publish(&publisher_target, is_durable, &book));
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

pub(super) fn automatic(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, false)
}

pub(super) fn durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, true)
}
