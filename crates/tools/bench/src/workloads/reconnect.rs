//! A network goes and comes back: thousands of MQTT devices with kept sessions lose their connections, are sent a message each, and
//! come back at once.

use std::time::Duration;

use anyhow::Result;
use hdrhistogram::Histogram;

use super::storm::{
    IN_FLIGHT, Plan, Stall, Storm, TURN, device_count, fleet, forget, new_histogram, times, topic,
    usage_anew, usage_figures,
};
use crate::{
    args::Effort,
    body,
    clock::now_ns,
    ledger::Faults,
    mqtt::{Event, Fleet, Session, put_connect, put_puback, put_publish},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const BODY_BYTES: usize = 64;
/// QoS 1 messages that are not answered.
const WINDOW: usize = 1_000;
/// Doubled messages would come within this time.
const AFTER: Duration = Duration::from_secs(1);
/// Without a message for so long the rest counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sends each device its message. Answers how long that took, in s.
fn send_each(target: &Target, fleet: &mut Fleet, devices: usize) -> Result<f64> {
    let helper = devices;
    let mut hello = Vec::new();
    put_connect(&mut hello, Session::Clean, "bench-sender", &target.address.user, &target.address.password);
    fleet.connect(helper, &hello)?;
    let (mut is_open, mut why) = (false, None);
    let (mut sent, mut acked) = (0, 0);
    let mut body = [0; BODY_BYTES];
    body::prepare(&mut body);
    let mut out = Vec::new();
    let (start_ns, mut stall) = (now_ns(), Stall::new());
    while acked < devices {
        out.clear();
        while is_open && sent < devices && sent - acked < WINDOW {
            body::restamp(&mut body, body::sequence(lane(sent), 0), now_ns());
            put_publish(&mut out, &topic(sent), Some((sent % 65_535) as u16 + 1), &body);
            sent += 1;
        }
        fleet.send(helper, &out);
        let is_any = fleet.turn(TURN, |index, _, event, _| match event {
            Event::Answered { code: 0, .. } if index == helper => is_open = true,
            Event::Answered { code, .. } if index == helper => why = Some(format!("CONNACK says {code}")),
            Event::Acked if index == helper => acked += 1,
            Event::Ended { why: reason } if index == helper => why = Some(reason),
            _ => {}
        })?;
        if let Some(why) = &why {
            anyhow::bail!("the sender was cut off with {acked} of {devices} messages answered: {why}");
        }
        if is_any {
            stall = Stall::new();
        } else {
            stall.check(|| format!("{acked} of {devices} messages were answered"))?;
        }
    }
    fleet.cut(helper);
    Ok((now_ns() - start_ns) as f64 / 1e9)
}

fn lane(device: usize) -> u16 {
    u16::try_from(device).unwrap_or(u16::MAX)
}

/// What came to each device.
struct Inboxes {
    counts: Vec<u8>,
    corrupted: u64,
    /// From the call of `connect()`, in ns.
    times: Histogram<u64>,
    start_ns: u64,
    /// When the last device that had nothing got something.
    last_ns: u64,
    full: usize,
}

impl Inboxes {
    fn new(devices: usize) -> Result<Self> {
        let start_ns = now_ns();
        Ok(Self {
            counts: vec![0; devices],
            corrupted: 0,
            times: new_histogram()?,
            start_ns,
            last_ns: start_ns,
            full: 0,
        })
    }

    fn on(&mut self, index: usize, begun_ns: u64, event: &Event<'_>, out: &mut Vec<u8>) {
        let Event::Message { id, body } = event else { return };
        if let Some(id) = id {
            put_puback(out, *id);
        }
        let now = now_ns();
        let is_its_own = body::read(body, BODY_BYTES, now)
            .is_some_and(|stamp| stamp.lane == lane(index) && stamp.number == 0);
        let Some(count) = self.counts.get_mut(index).filter(|_| is_its_own) else {
            self.corrupted += 1;
            return;
        };
        *count = count.saturating_add(1);
        if *count == 1 {
            self.full += 1;
            self.last_ns = now;
            self.times.saturating_record(now - begun_ns);
        }
    }

    fn faults(&self) -> Faults {
        Faults {
            lost: (self.counts.len() - self.full) as u64,
            duplicated: self.counts.iter().map(|count| u64::from(count.saturating_sub(1))).sum(),
            corrupted: self.corrupted,
            ..Faults::default()
        }
    }
}

/// All come back; ends when each has its message or nothing more comes.
fn come_back(
    target: &Target,
    fleet: &mut Fleet,
    devices: usize,
    in_flight: usize,
) -> Result<(Storm, Inboxes)> {
    let plan = Plan { session: Session::Kept, subscribes: false, in_flight };
    let (mut storm, mut inboxes) = (Storm::new(plan, devices)?, Inboxes::new(devices)?);
    let mut stall = Stall::new();
    let mut until_ns = None;
    while until_ns.is_none_or(|until_ns| now_ns() < until_ns) {
        let turn = storm.begin(fleet, target)?;
        let is_any = fleet.turn(turn, |index, begun_ns, event, out| {
            storm.on(index, begun_ns, &event, out);
            inboxes.on(index, begun_ns, &event, out);
        })?;
        if is_any {
            stall = Stall::new();
        } else if !storm.is_over() {
            stall.check(|| format!("{} of {devices} devices were connected again", storm.ready))?;
        }
        let wait = if inboxes.full == devices { AFTER } else { PATIENCE };
        until_ns = match until_ns {
            _ if !storm.is_over() => None,
            Some(until_ns) if !is_any => Some(until_ns),
            _ => Some(now_ns() + u64::try_from(wait.as_nanos())?),
        };
    }
    storm.tell(target);
    Ok((storm, inboxes))
}

pub(super) fn mass(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let devices = device_count(effort)?;
    let mut fleet = fleet(target, devices, 1)?;
    forget(target, &mut fleet, devices)?;
    let first = Plan { session: Session::Kept, subscribes: true, in_flight: IN_FLIGHT };
    let subscribed = Storm::run(target, &mut fleet, first, devices)?;
    let before = usage_anew(target);
    fleet.cut_all();
    let sent_s = send_each(target, &mut fleet, devices)?;
    let (storm, inboxes) = come_back(target, &mut fleet, devices, effort.in_flight.unwrap_or(devices))?;
    let after = target.process.and_then(|process| process.usage());
    fleet.cut_all();
    forget(target, &mut fleet, devices)?;
    let mut figures = vec![
        Figure::rate("sent while away", devices as f64 / sent_s),
        Figure::cost("all connected again", "s", storm.seconds()),
        Figure::cost("all have their message", "s", (inboxes.last_ns - inboxes.start_ns) as f64 / 1e9),
        Figure::cost("sessions forgotten", "", devices.saturating_sub(storm.known) as f64),
    ];
    figures.extend(times(&inboxes.times, ["message p50", "message p99", "message max"]));
    figures.extend(usage_figures(before, after, devices as u64, "us/device"));
    let mut faults = inboxes.faults();
    faults.refused += subscribed.refused + storm.refused;
    Ok(Outcome { figures, faults })
}
