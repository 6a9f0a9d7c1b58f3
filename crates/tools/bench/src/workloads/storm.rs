//! Thousands of MQTT devices connect, as fast as the broker takes them.

use std::{io::Write, time::Duration};

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

use crate::{
    args::Effort,
    clock::now_ns,
    ledger::Faults,
    mqtt::{Event, Fleet, Session, allow_files, put_connect, put_subscribe},
    process::Usage,
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

/// Devices unless `--count` says otherwise.
const DEVICES: usize = 10_000;
/// More would not be told apart by the lane in a body.
const MAX_DEVICES: usize = 1 << 16;
/// Connections that are being made at once: no broker's queue of those that it has not accepted yet is shorter.
pub(super) const IN_FLIGHT: usize = 100;
/// Without an answer for so long the broker has stopped to take devices.
const STALL: Duration = Duration::from_secs(20);
pub(super) const TURN: Duration = Duration::from_millis(100);
/// Connections begun in one turn.
const DIALS: usize = 64;

pub(super) fn device_count(effort: Effort) -> Result<usize> {
    let count = effort.count.map_or(DEVICES, |count| usize::try_from(count).unwrap_or(usize::MAX));
    if count == 0 || count > MAX_DEVICES {
        bail!("--count is the number of devices, from 1 to {MAX_DEVICES}");
    }
    Ok(count)
}

/// The topic that is one device's own.
pub(super) fn topic(index: usize) -> String {
    format!("bench/devices/{index:05}")
}

/// A fleet of the workload's devices, with so many more that help.
pub(super) fn fleet(target: &Target, devices: usize, helpers: usize) -> Result<Fleet> {
    allow_files(devices + helpers)?;
    if let Some(limit) = target.process.and_then(|process| process.open_file_limit())
        && limit < devices as u64
    {
        bail!(
            "the broker {} may have {limit} files open, {devices} connections need more: raise its limit (`ulimit -n` where it is \
             started, LimitNOFILE= of its unit), or take fewer with --count",
            target.name
        );
    }
    Fleet::new(&target.address, devices + helpers)
}

/// What devices say first.
#[derive(Clone, Copy)]
pub(super) struct Plan {
    pub(super) session: Session,
    /// Each subscribes to its topic with QoS 1.
    pub(super) subscribes: bool,
    pub(super) in_flight: usize,
}

impl Plan {
    pub(super) fn of(session: Session, effort: Effort) -> Self {
        Self { session, subscribes: true, in_flight: effort.in_flight.unwrap_or(IN_FLIGHT) }
    }
}

/// The book of one storm.
pub(super) struct Storm {
    plan: Plan,
    begun: usize,
    /// Devices that are done, one way or the other.
    ended: Vec<bool>,
    pub(super) done: usize,
    /// Connected, and subscribed where they are to.
    pub(super) ready: usize,
    /// Devices whose session the broker knew.
    pub(super) known: usize,
    pub(super) refused: u64,
    why: Option<String>,
    /// From the call of `connect()`, in ns.
    answered: Histogram<u64>,
    subscribed: Histogram<u64>,
    start_ns: u64,
    /// When the last device was done.
    end_ns: u64,
}

pub(super) fn new_histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 600_000_000_000, 3)?)
}

impl Storm {
    pub(super) fn new(plan: Plan, devices: usize) -> Result<Self> {
        let start_ns = now_ns();
        Ok(Self {
            plan,
            begun: 0,
            ended: vec![false; devices],
            done: 0,
            ready: 0,
            known: 0,
            refused: 0,
            why: None,
            answered: new_histogram()?,
            subscribed: new_histogram()?,
            start_ns,
            end_ns: start_ns,
        })
    }

    pub(super) fn seconds(&self) -> f64 {
        (self.end_ns - self.start_ns) as f64 / 1e9
    }

    pub(super) fn is_over(&self) -> bool {
        self.done == self.ended.len()
    }

    /// Begins connections as far as they may be on their way, a few at a time: devices that are connected already do not
    /// wait for others to dial. Answers how long the fleet may rest in its next turn.
    pub(super) fn begin(&mut self, fleet: &mut Fleet, target: &Target) -> Result<Duration> {
        let address = &target.address;
        for dialed in 0.. {
            if self.begun == self.ended.len() || self.begun - self.done >= self.plan.in_flight.max(1) {
                break;
            }
            if dialed == DIALS {
                return Ok(Duration::ZERO);
            }
            let mut hello = Vec::new();
            let name = format!("bench-device-{:05}", self.begun);
            put_connect(&mut hello, self.plan.session, &name, &address.user, &address.password);
            fleet.connect(self.begun, &hello)?;
            self.begun += 1;
        }
        Ok(TURN)
    }

    /// Books what a device hears. `begun_ns`: when it began to connect.
    pub(super) fn on(&mut self, index: usize, begun_ns: u64, event: &Event<'_>, out: &mut Vec<u8>) {
        if index >= self.ended.len() {
            return;
        }
        let passed_ns = now_ns() - begun_ns;
        match event {
            Event::Answered { code: 0, is_known } => {
                self.answered.saturating_record(passed_ns);
                self.known += usize::from(*is_known);
                if self.plan.subscribes {
                    put_subscribe(out, &topic(index), 1);
                } else {
                    self.end(index, None);
                }
            }
            Event::Answered { code, .. } => self.end(index, Some(format!("CONNACK says {code}"))),
            Event::Subscribed { code: 0..=2 } => {
                self.subscribed.saturating_record(passed_ns);
                self.end(index, None);
            }
            Event::Subscribed { code } => self.end(index, Some(format!("SUBACK says {code}"))),
            Event::Ended { why } => self.end(index, Some(why.clone())),
            Event::Message { .. } | Event::Acked => {}
        }
    }

    fn end(&mut self, index: usize, failure: Option<String>) {
        let Some(is_ended) = self.ended.get_mut(index) else { return };
        // One that is lost later is as bad as one that never came, and counts once.
        match failure {
            Some(why) => {
                self.refused += 1;
                self.why.get_or_insert(why);
            }
            None => self.ready += 1,
        }
        if !std::mem::replace(is_ended, true) {
            self.done += 1;
            self.end_ns = now_ns();
        }
    }

    /// All devices of a fleet, one storm.
    pub(super) fn run(target: &Target, fleet: &mut Fleet, plan: Plan, devices: usize) -> Result<Self> {
        let mut storm = Self::new(plan, devices)?;
        let mut stall = Stall::new();
        while !storm.is_over() {
            let wait = storm.begin(fleet, target)?;
            if storm.turn(fleet, wait)? {
                stall = Stall::new();
            } else {
                stall.check(|| format!("{} of {devices} devices were connected", storm.ready))?;
            }
        }
        storm.tell(target);
        Ok(storm)
    }

    fn turn(&mut self, fleet: &mut Fleet, wait: Duration) -> Result<bool> {
        fleet.turn(wait, |index, begun_ns, event, out| self.on(index, begun_ns, &event, out))
    }

    /// Says why devices were refused: the faults say how many.
    pub(super) fn tell(&self, target: &Target) {
        if let Some(why) = &self.why {
            // Without a terminal nothing is lost but the reason.
            let _ = writeln!(
                std::io::stderr(),
                "{}: {} devices refused, the first: {why}",
                target.name,
                self.refused
            );
        }
    }
}

/// Watches that something goes on.
pub(super) struct Stall(u64);

impl Stall {
    pub(super) fn new() -> Self {
        Self(now_ns())
    }

    /// Fails when nothing has come for too long.
    pub(super) fn check(&self, so_far: impl Fn() -> String) -> Result<()> {
        if u128::from(now_ns() - self.0) > STALL.as_nanos() {
            bail!("nothing came from the broker for {} s; {}", STALL.as_secs(), so_far());
        }
        Ok(())
    }
}

/// Ends sessions that outlive their connections. Not measured.
pub(super) fn forget(target: &Target, fleet: &mut Fleet, devices: usize) -> Result<()> {
    let plan = Plan { session: Session::Clean, subscribes: false, in_flight: IN_FLIGHT };
    Storm::run(target, fleet, plan, devices)?;
    fleet.cut_all();
    Ok(())
}

/// Milliseconds of a histogram at some quantiles; `names`: of the median, the 99th percentile, the slowest.
pub(super) fn times(histogram: &Histogram<u64>, names: [&'static str; 3]) -> Vec<Figure> {
    let values = [histogram.value_at_quantile(0.5), histogram.value_at_quantile(0.99), histogram.max()];
    names.into_iter().zip(values).map(|(name, ns)| Figure::cost(name, "ms", ns as f64 / 1e6)).collect()
}

/// What the broker used between two looks at it: CPU per piece of work, and the peak of its memory.
pub(super) fn usage_figures(
    before: Option<Usage>,
    after: Option<Usage>,
    pieces: u64,
    unit: &'static str,
) -> Vec<Figure> {
    let Some((before, after)) = before.zip(after) else { return Vec::new() };
    let each = (after.cpu_seconds - before.cpu_seconds) * 1e6 / pieces.max(1) as f64;
    vec![
        Figure::cost("broker CPU", unit, each),
        Figure::cost("broker RSS peak", "MB", after.peak_rss_bytes as f64 / 1e6),
    ]
}

/// What the broker has used, with the peak of its memory counted anew.
pub(super) fn usage_anew(target: &Target) -> Option<Usage> {
    let process = target.process?;
    process.reset_peak();
    process.usage()
}

fn storm(target: &Target, effort: Effort, session: Session) -> Result<Outcome> {
    let devices = device_count(effort)?;
    let mut fleet = fleet(target, devices, 0)?;
    if session == Session::Kept {
        forget(target, &mut fleet, devices)?;
    }
    let before = usage_anew(target);
    let storm = Storm::run(target, &mut fleet, Plan::of(session, effort), devices)?;
    let after = target.process.and_then(|process| process.usage());
    fleet.cut_all();
    if session == Session::Kept {
        forget(target, &mut fleet, devices)?;
    }
    let rate = storm.ready as f64 / storm.seconds();
    let mut figures = vec![
        Figure { name: "connected", unit: "devices/s", value: rate, is_rate: true },
        Figure::cost("all connected", "s", storm.seconds()),
    ];
    figures.extend(times(&storm.answered, ["CONNACK p50", "CONNACK p99", "CONNACK max"]));
    figures.extend(times(&storm.subscribed, ["SUBACK p50", "SUBACK p99", "SUBACK max"]));
    figures.extend(usage_figures(before, after, devices as u64, "us/device"));
    Ok(Outcome { figures, faults: Faults { refused: storm.refused, ..Faults::default() } })
}

pub(super) fn clean(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    storm(target, effort, Session::Clean)
}

pub(super) fn kept(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    storm(target, effort, Session::Kept)
}
