//! Peers that connect and never log in, beside an honest publisher (guarantees, section 8).

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering::Relaxed},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use anyhow::{Context, Result, anyhow, bail};
use hdrhistogram::Histogram;

use super::footprint::{rss_bytes, settle};
use crate::{
    amqp::{Burst, BurstSpec, Connection, QueueKind, Read, Wait, wire::id},
    args::Effort,
    clock::{now_ns, wait_until},
    ledger::Faults,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const QUEUE: &str = "bench-hostile";
const BODY_BYTES: usize = 256;
/// Time between two publishes of the honest client, in ns: 500 a second.
const INTERVAL_NS: u64 = 2_000_000;
/// Time between two bytes of a slow peer, in ns,
const TRICKLE_NS: u64 = 200_000_000;
/// in which the peers take their turns in so many groups: their own work must not come in bursts.
const GROUPS: usize = 100;

/// What the peers say, a byte at a time, and then no more. Those that are hung up on come again at once.
const SCRIPTS: [&[u8]; 6] = [
    // Nothing at all.
    b"",
    // Half a greeting.
    b"AMQP\0\0",
    // A frame that claims 4 GiB.
    b"AMQP\0\0\x09\x01\x01\0\0\xff\xff\xff\xff\0\x0a\0\x0b",
    // A login whose table claims more than its frame holds.
    b"AMQP\0\0\x09\x01\x01\0\0\0\0\0\x10\0\x0a\0\x0b\x7f\xff\xff\xff\x07product\xce",
    // A TLS hello that stops in its first record.
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03hostile",
    // Headers of HTTP that never end.
    b"GET /ws HTTP/1.1\r\nHost: a\r\nX-A: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Confirm times of an honest publisher alone, and beside `--count` such peers.
pub(super) fn peers(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let count = usize::try_from(effort.count.unwrap_or(1_000)).unwrap_or(usize::MAX);
    let (alone, mut faults) = confirm_times(target, effort.seconds)?;
    settle();
    let before = rss_bytes(target)?;
    let crowd = Crowd::start(&target.address.endpoint, count)?;
    let (beside, more) = confirm_times(target, effort.seconds)?;
    faults.add(&more);
    let grown = (rss_bytes(target)? - before).max(0.0);
    let came = crowd.stop()?;
    let p99 = |times: &Histogram<u64>| times.value_at_quantile(0.99) as f64 / 1e3;
    let (alone, beside) = (p99(&alone), p99(&beside));
    let figures = vec![
        Figure::cost("confirm p99, alone", "us", alone),
        Figure::cost("confirm p99, beside", "us", beside),
        Figure::cost("beside / alone", "x", beside / alone.max(1e-3)),
        Figure::cost("memory grown", "MB", grown / 1e6),
        Figure { name: "hostile connections", unit: "in all", value: came as f64, is_rate: true },
    ];
    Ok(Outcome { figures, faults })
}

/// Publishes one durable message after the other at an even rate; times from when each was to be sent to its confirm.
fn confirm_times(target: &Target, seconds: f64) -> Result<(Histogram<u64>, Faults)> {
    let mut connection = Connection::open(&target.address)?;
    connection.open_channel(1)?;
    connection.delete_queue(QUEUE)?;
    connection.declare_queue(QUEUE, QueueKind::Durable, &[])?;
    connection.select_confirms(1)?;
    connection.set_read_timeout(Duration::from_secs(10))?;
    let mut burst = Burst::new(&BurstSpec {
        channel: 1,
        keys: vec![QUEUE.to_owned()],
        body_bytes: BODY_BYTES,
        persistent: true,
        ..BurstSpec::default()
    });
    let mut times = Histogram::new_with_bounds(1, 600_000_000_000, 3)?;
    let mut faults = Faults::default();
    let count = (seconds * 1e9) as u64 / INTERVAL_NS;
    let start_ns = now_ns();
    for number in 0..count {
        let intended_ns = start_ns + number * INTERVAL_NS;
        wait_until(intended_ns);
        let (bytes, _) = burst.stamp(1, 0, number, |_| intended_ns);
        connection.send(bytes)?;
        let is_ack = read_confirm(&mut connection)?;
        faults.refused += u64::from(!is_ack);
        times.saturating_record(now_ns().saturating_sub(intended_ns).max(1));
    }
    let kept = u64::from(connection.declare_queue(QUEUE, QueueKind::Durable, &[])?);
    faults.lost += count.saturating_sub(kept + faults.refused);
    connection.delete_queue(QUEUE)?;
    connection.close();
    Ok((times, faults))
}

fn read_confirm(connection: &mut Connection) -> Result<bool> {
    loop {
        while let Some(frame) = connection.next_frame()? {
            match frame.method() {
                Some(id::BASIC_ACK) => return Ok(true),
                Some(id::BASIC_NACK) => return Ok(false),
                _ => {}
            }
        }
        if connection.read(Wait::ForBytes)? == Read::Nothing {
            bail!("a publish was not confirmed within 10 s");
        }
    }
}

/// Connections that never log in.
struct Crowd {
    is_over: Arc<AtomicBool>,
    came: Arc<AtomicU64>,
    thread: JoinHandle<Result<()>>,
}

struct Peer {
    stream: TcpStream,
    script: &'static [u8],
}

impl Peer {
    fn connect(endpoint: &str, script: &'static [u8]) -> Result<Self> {
        let stream = TcpStream::connect(endpoint).with_context(|| format!("connect to {endpoint}"))?;
        stream.set_nonblocking(true)?;
        Ok(Self { stream, script })
    }

    /// Says the next byte and hears what comes. False when the broker has hung up.
    fn step(&mut self) -> bool {
        if let Some((next, rest)) = self.script.split_first() {
            match self.stream.write(&[*next]) {
                Ok(_) => self.script = rest,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => return false,
            }
        }
        match self.stream.read(&mut [0; 1_024]) {
            Ok(0) => false,
            Ok(_) => true,
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}

impl Crowd {
    fn start(endpoint: &str, count: usize) -> Result<Self> {
        let scripts = SCRIPTS.iter().cycle().take(count);
        let mut peers: Vec<Peer> =
            scripts.map(|script| Peer::connect(endpoint, script)).collect::<Result<_>>()?;
        let (is_over, came) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(count as u64)));
        let (stop, coming, endpoint) = (Arc::clone(&is_over), Arc::clone(&came), endpoint.to_owned());
        let thread = thread::spawn(move || {
            let mut group = 0;
            while !stop.load(Relaxed) {
                let scripted = peers.iter_mut().zip(SCRIPTS.iter().cycle());
                for (peer, script) in scripted.skip(group).step_by(GROUPS) {
                    if !peer.step() {
                        *peer = Peer::connect(&endpoint, script)?;
                        coming.fetch_add(1, Relaxed);
                    }
                }
                group = (group + 1) % GROUPS;
                wait_until(now_ns() + TRICKLE_NS / GROUPS as u64);
            }
            Ok(())
        });
        Ok(Self { is_over, came, thread })
    }

    /// How many connections there were.
    fn stop(self) -> Result<u64> {
        self.is_over.store(true, Relaxed);
        self.thread.join().map_err(|_| anyhow!("the hostile peers failed"))??;
        Ok(self.came.load(Relaxed))
    }
}
