//! Workloads of MQTT: one to one, one to a thousand, idle connections.

use std::{
    io::ErrorKind,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use mio::{Events, Interest, Poll, Token, unix::SourceFd};

use super::footprint::settle;
use crate::{
    args::Effort,
    body,
    clock::{now_ns, wait_until},
    ledger::{Faults, LaneLedger},
    mqtt::{Client, Incoming, put_puback, put_publish},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const BODY_BYTES: usize = 16;
const TOPIC: &str = "bench/flow";
/// Messages that may be on their way to the slowest subscriber: nobody has to drop any.
const OUTSTANDING: u64 = 20_000;
/// QoS 1 messages that are not answered.
const WINDOW: u64 = 1_000;
const INBOX_BYTES: usize = 256 << 10;
/// Without progress for so long the rest counts as lost.
const STALL_NS: u64 = 5_000_000_000;

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    published: AtomicU64,
    /// No more are published.
    is_complete: AtomicBool,
    /// Deliveries to all subscribers.
    delivered: AtomicU64,
}

#[derive(Clone, Copy)]
struct Flow {
    qos: u8,
    subscribers: u64,
    outstanding: u64,
}

fn publish(target: &Target, flow: Flow, shared: &Shared) -> Result<()> {
    let mut client = Client::open(&target.address, "bench-publisher", INBOX_BYTES)?;
    client.link.stream.tcp().set_read_timeout(Some(Duration::from_millis(500)))?;
    let mut body = [0; BODY_BYTES];
    body::prepare(&mut body);
    let (mut sent, mut acked) = (0_u64, 0_u64);
    let mut out = Vec::with_capacity(64 << 10);
    let room = |sent: u64, acked: u64| {
        let taken = shared.delivered.load(Relaxed) / flow.subscribers;
        let free = (taken + flow.outstanding).saturating_sub(sent);
        if flow.qos == 0 { free } else { free.min((acked + WINDOW).saturating_sub(sent)) }
    };
    while !shared.is_over.load(Relaxed) {
        let count = room(sent, acked).min(1_000);
        if count == 0 || (flow.qos > 0 && count < WINDOW / 4) {
            if flow.qos > 0 && acked < sent {
                acked += read_acks(&mut client)?;
            } else {
                thread::yield_now();
            }
            continue;
        }
        out.clear();
        let now = now_ns();
        for number in sent..sent + count {
            body::restamp(&mut body, body::sequence(0, number), now);
            let id = (flow.qos > 0).then_some((number % 65_535) as u16 + 1);
            put_publish(&mut out, TOPIC, id, &body);
        }
        client.link.send(&out)?;
        sent += count;
    }
    let until_ns = now_ns() + 30_000_000_000;
    while flow.qos > 0 && acked < sent && now_ns() < until_ns {
        acked += read_acks(&mut client)?;
    }
    shared.published.store(sent, Relaxed);
    shared.is_complete.store(true, Relaxed);
    while shared.delivered.load(Relaxed) < sent * flow.subscribers && now_ns() < until_ns {
        thread::park_timeout(Duration::from_millis(20));
    }
    Ok(())
}

fn read_acks(client: &mut Client) -> Result<u64> {
    client.link.read()?;
    let mut count = 0;
    while let Some(packet) = client.next()? {
        count += u64::from(matches!(packet, Incoming::PubAck { .. }));
    }
    Ok(count)
}

struct Subscriber {
    client: Client,
    ledger: LaneLedger,
    corrupted: u64,
}

impl Subscriber {
    /// Books what has come; answers how much.
    fn take(&mut self, acks: &mut Vec<u8>) -> Result<u64> {
        let now = now_ns();
        let mut count = 0;
        while let Some(packet) = self.client.next()? {
            let Incoming::Publish { id, body } = packet else { continue };
            count += 1;
            match body::read(body, BODY_BYTES, now) {
                Some(stamp) => self.ledger.book(stamp.number),
                None => self.corrupted += 1,
            }
            if let Some(id) = id {
                put_puback(acks, id);
            }
        }
        Ok(count)
    }
}

/// All subscribers on one thread: the load tool should not be what is measured.
fn subscribe(mut subscribers: Vec<Subscriber>, shared: &Shared) -> Result<Faults> {
    use std::os::fd::AsRawFd;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(1_024);
    for (index, subscriber) in subscribers.iter().enumerate() {
        subscriber.client.link.stream.tcp().set_nonblocking(true)?;
        let fd = subscriber.client.link.stream.tcp().as_raw_fd();
        poll.registry().register(&mut SourceFd(&fd), Token(index), Interest::READABLE)?;
    }
    let count = subscribers.len() as u64;
    let (mut seen, mut progress_ns) = (0_u64, now_ns());
    let mut acks = Vec::new();
    loop {
        match poll.poll(&mut events, Some(Duration::from_millis(100))) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            other => other?,
        }
        for event in &events {
            let Some(subscriber) = subscribers.get_mut(event.token().0) else { continue };
            while subscriber.client.link.read()? {
                acks.clear();
                let taken = subscriber.take(&mut acks)?;
                seen += taken;
                shared.delivered.fetch_add(taken, Relaxed);
                progress_ns = now_ns();
                send_all(&mut subscriber.client, &acks)?;
            }
        }
        if shared.is_complete.load(Relaxed) {
            let is_all = seen >= shared.published.load(Relaxed) * count;
            if is_all || now_ns() - progress_ns > STALL_NS {
                break;
            }
        }
    }
    let mut faults = Faults::default();
    for subscriber in &subscribers {
        faults.add(&subscriber.ledger.close(shared.published.load(Relaxed)));
        faults.corrupted += subscriber.corrupted;
    }
    Ok(faults)
}

/// Sends on a socket that does not block.
fn send_all(client: &mut Client, mut bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    while !bytes.is_empty() {
        match client.link.stream.write(bytes) {
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::yield_now(),
            Err(error) => return Err(error).context("acknowledging"),
        }
    }
    while let Err(error) = client.link.stream.flush() {
        match error.kind() {
            ErrorKind::WouldBlock => thread::yield_now(),
            _ => return Err(error).context("acknowledging"),
        }
    }
    Ok(())
}

fn run(target: &Target, effort: Effort, flow: Flow) -> Result<Outcome> {
    let inbox_bytes = if flow.subscribers == 1 { INBOX_BYTES } else { 16 << 10 };
    let mut subscribers = Vec::new();
    for number in 0..flow.subscribers {
        let mut client = Client::open(&target.address, &format!("bench-subscriber-{number}"), inbox_bytes)?;
        client.subscribe(TOPIC, flow.qos)?;
        subscribers.push(Subscriber { client, ledger: LaneLedger::default(), corrupted: 0 });
    }
    let shared = Arc::new(Shared::default());
    let (for_publisher, for_subscribers) = (Arc::clone(&shared), Arc::clone(&shared));
    let taker = thread::spawn(move || subscribe(subscribers, &for_subscribers));
    let publisher = {
        let target = target.clone();
        thread::spawn(move || publish(&target, flow, &for_publisher))
    };
    wait_until(now_ns() + 1_000_000_000);
    let usage = || target.process.and_then(|process| process.usage());
    let (before, start_ns, first) = (usage(), now_ns(), shared.delivered.load(Relaxed));
    wait_until(start_ns + (effort.seconds * 1e9) as u64);
    let (end_ns, last, after) = (now_ns(), shared.delivered.load(Relaxed), usage());
    shared.is_over.store(true, Relaxed);
    publisher.join().map_err(|_| anyhow!("the publisher failed"))??;
    let faults = taker.join().map_err(|_| anyhow!("a subscriber failed"))??;
    let messages = last - first;
    let seconds = (end_ns - start_ns) as f64 / 1e9;
    let mut figures = vec![Figure::rate("delivered", messages as f64 / seconds)];
    if let Some((before, after)) = before.zip(after) {
        let per_message = (after.cpu_seconds - before.cpu_seconds) * 1e6 / messages.max(1) as f64;
        figures.push(Figure::cost("broker CPU", "us/msg", per_message));
        figures.push(Figure::cost("broker RSS", "MB", after.rss_bytes as f64 / 1e6));
    }
    Ok(Outcome { figures, faults })
}

pub(super) fn qos_0(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, Flow { qos: 0, subscribers: 1, outstanding: OUTSTANDING })
}

pub(super) fn qos_1(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, Flow { qos: 1, subscribers: 1, outstanding: OUTSTANDING })
}

pub(super) fn fanout(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let subscribers = effort.count.unwrap_or(1_000);
    run(target, effort, Flow { qos: 0, subscribers, outstanding: 500 })
}

/// Memory of idle connections, and what they cost in CPU.
pub(super) fn idle(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = effort.count.unwrap_or(1_000);
    let open = |number: u64| Client::open(&target.address, &format!("bench-idle-{number}"), 64);
    let usage = || {
        let usage = target.process.and_then(|process| process.usage());
        usage.context("the broker's process can't be seen: run as its user on its machine")
    };
    // The first ones fill what any number of connections shares.
    let warm: Vec<Client> = (0..100).map(open).collect::<Result<_>>()?;
    settle();
    let before = usage()?;
    let idle: Vec<Client> = (100..100 + count).map(open).collect::<Result<_>>()?;
    settle();
    let after = usage()?;
    let start_ns = now_ns();
    wait_until(start_ns + (effort.seconds * 1e9) as u64);
    let rested = usage()?;
    let grown = (after.rss_bytes as f64 - before.rss_bytes as f64).max(0.0);
    let busy = (rested.cpu_seconds - after.cpu_seconds) / effort.seconds;
    drop((warm, idle));
    let figures = vec![
        Figure::cost("per connection", "KB", grown / count as f64 / 1e3),
        Figure::cost("CPU while idle", "% of a core", busy * 100.0),
    ];
    Ok(Outcome { figures, faults: Faults::default() })
}
