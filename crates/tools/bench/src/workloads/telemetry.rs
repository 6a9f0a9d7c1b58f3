//! Thousands of MQTT devices report at an even pace to one subscriber.

use std::collections::VecDeque;

use anyhow::{Result, bail};
use hdrhistogram::Histogram;

use super::storm::{
    Plan, Stall, Storm, TURN, device_count, fleet, new_histogram, topic, usage_anew, usage_figures,
};
use crate::{
    args::Effort,
    body,
    clock::now_ns,
    ledger::{Faults, LaneLedger},
    mqtt::{Event, Fleet, Session, put_connect, put_puback, put_publish, put_subscribe},
    report::{Figure, Outcome},
    spawn::Spawned,
    target::Target,
};

const BODY_BYTES: usize = 64;
/// Every device's topic.
const FILTER: &str = "bench/devices/+";
const WARM_UP_NS: u64 = 1_000_000_000;
/// Without progress for so long the rest counts as lost.
const PATIENCE_NS: u64 = 5_000_000_000;

#[derive(Default)]
struct Device {
    sent: u64,
    /// When the messages that are not answered were meant to be sent, in ns.
    open: VecDeque<u64>,
    ledger: LaneLedger,
}

struct Telemetry {
    devices: Vec<Device>,
    /// ns between two messages of all.
    interval_ns: f64,
    start_ns: u64,
    sent: u64,
    acked: u64,
    delivered: u64,
    corrupted: u64,
    lost_connections: u64,
    /// Measured are messages that were meant to be sent from here on.
    measured_from_ns: u64,
    measured: u64,
    delivery: Histogram<u64>,
    answer: Histogram<u64>,
}

impl Telemetry {
    fn new(devices: usize, rate: f64) -> Result<Self> {
        if !(rate > 0.0 && rate.is_finite()) {
            bail!("--rate has to be above 0");
        }
        let start_ns = now_ns();
        Ok(Self {
            devices: (0..devices).map(|_| Device::default()).collect(),
            interval_ns: 1e9 / rate,
            start_ns,
            sent: 0,
            acked: 0,
            delivered: 0,
            corrupted: 0,
            lost_connections: 0,
            measured_from_ns: start_ns + WARM_UP_NS,
            measured: 0,
            delivery: new_histogram()?,
            answer: new_histogram()?,
        })
    }

    /// When a message is to be sent, in ns.
    fn due_ns(&self, number: u64) -> u64 {
        self.start_ns + (number as f64 * self.interval_ns) as u64
    }

    /// Sends what is due: device after device, one message each.
    fn send(&mut self, fleet: &mut Fleet, body: &mut [u8], out: &mut Vec<u8>) -> Result<()> {
        let now = now_ns();
        while self.due_ns(self.sent) <= now {
            let (due_ns, count) = (self.due_ns(self.sent), self.devices.len() as u64);
            let index = usize::try_from(self.sent % count)?;
            let Some(device) = self.devices.get_mut(index) else { break };
            let lane = u16::try_from(index)?;
            body::restamp(body, body::sequence(lane, device.sent), due_ns);
            out.clear();
            put_publish(out, &topic(index), Some((device.sent % 65_535) as u16 + 1), body);
            device.sent += 1;
            device.open.push_back(due_ns);
            self.sent += 1;
            fleet.send(index, out);
        }
        Ok(())
    }

    fn on(&mut self, index: usize, event: &Event<'_>, out: &mut Vec<u8>) {
        match event {
            Event::Acked => {
                let open = self.devices.get_mut(index).and_then(|device| device.open.pop_front());
                let Some(due_ns) = open else {
                    self.corrupted += 1;
                    return;
                };
                self.acked += 1;
                if due_ns >= self.measured_from_ns {
                    self.answer.saturating_record(now_ns() - due_ns);
                }
            }
            Event::Message { id, body } => {
                if let Some(id) = id {
                    put_puback(out, *id);
                }
                self.book(body);
            }
            Event::Ended { .. } => self.lost_connections += 1,
            Event::Answered { .. } | Event::Subscribed { .. } => {}
        }
    }

    fn book(&mut self, body: &[u8]) {
        let now = now_ns();
        self.delivered += 1;
        let stamp = body::read(body, BODY_BYTES, now);
        let device = stamp.and_then(|stamp| Some((stamp, self.devices.get_mut(usize::from(stamp.lane))?)));
        let Some((stamp, device)) = device else {
            self.corrupted += 1;
            return;
        };
        device.ledger.book(stamp.number);
        if stamp.sent_ns >= self.measured_from_ns {
            self.measured += 1;
            self.delivery.saturating_record(now - stamp.sent_ns);
        }
    }

    fn is_through(&self) -> bool {
        self.acked >= self.sent && self.delivered >= self.sent
    }

    fn faults(&self) -> Faults {
        let mut faults =
            Faults { corrupted: self.corrupted, refused: self.lost_connections, ..Faults::default() };
        self.devices.iter().for_each(|device| faults.add(&device.ledger.close(device.sent)));
        // A message that got no PUBACK was not taken.
        faults.refused += self.sent.saturating_sub(self.acked);
        faults
    }
}

/// Connects the subscriber, which is the device behind the last.
fn subscribe(target: &Target, fleet: &mut Fleet, helper: usize) -> Result<()> {
    let mut hello = Vec::new();
    put_connect(
        &mut hello,
        Session::Clean,
        "bench-subscriber",
        &target.address.user,
        &target.address.password,
    );
    fleet.connect(helper, &hello)?;
    let (mut answer, stall) = (None, Stall::new());
    while answer.is_none() {
        fleet.turn(TURN, |index, _, event, out| match event {
            Event::Answered { code: 0, .. } if index == helper => put_subscribe(out, FILTER, 1),
            Event::Answered { code, .. } if index == helper => answer = Some(format!("CONNACK says {code}")),
            Event::Subscribed { code: 0..=2 } if index == helper => answer = Some(String::new()),
            Event::Subscribed { code } if index == helper => answer = Some(format!("SUBACK says {code}")),
            Event::Ended { why } if index == helper => answer = Some(why),
            _ => {}
        })?;
        stall.check(|| "the subscriber waits for its answers".to_owned())?;
    }
    match answer {
        Some(why) if !why.is_empty() => bail!("the subscriber was refused: {why}"),
        _ => Ok(()),
    }
}

pub(super) fn steady(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    let devices = device_count(effort)?;
    let mut fleet = fleet(target, devices, 1)?;
    subscribe(target, &mut fleet, devices)?;
    let plan = Plan { subscribes: false, ..Plan::of(Session::Clean, effort) };
    let storm = Storm::run(target, &mut fleet, plan, devices)?;
    let mut telemetry = Telemetry::new(devices, effort.rate)?;
    let mut body = [0; BODY_BYTES];
    body::prepare(&mut body);
    let mut out = Vec::new();
    let end_ns = telemetry.measured_from_ns + (effort.seconds * 1e9) as u64;
    let mut before = None;
    while now_ns() < end_ns {
        if before.is_none() && now_ns() >= telemetry.measured_from_ns {
            before = Some(usage_anew(target));
        }
        telemetry.send(&mut fleet, &mut body, &mut out)?;
        fleet.wake_at(telemetry.due_ns(telemetry.sent))?;
        fleet.turn(TURN, |index, _, event, out| telemetry.on(index, &event, out))?;
    }
    let after = target.process.and_then(|process| process.usage());
    let in_time = telemetry.measured;
    let mut progress_ns = now_ns();
    while !telemetry.is_through() && now_ns() - progress_ns < PATIENCE_NS {
        if fleet.turn(TURN, |index, _, event, out| telemetry.on(index, &event, out))? {
            progress_ns = now_ns();
        }
    }
    let us = |histogram: &Histogram<u64>, quantile| histogram.value_at_quantile(quantile) as f64 / 1e3;
    let mut figures = vec![
        Figure::rate("delivered", in_time as f64 / effort.seconds),
        Figure::cost("delivery p50", "us", us(&telemetry.delivery, 0.5)),
        Figure::cost("delivery p99", "us", us(&telemetry.delivery, 0.99)),
        Figure::cost("delivery p99.9", "us", us(&telemetry.delivery, 0.999)),
        Figure::cost("PUBACK p50", "us", us(&telemetry.answer, 0.5)),
        Figure::cost("PUBACK p99", "us", us(&telemetry.answer, 0.99)),
        Figure::cost("PUBACK p99.9", "us", us(&telemetry.answer, 0.999)),
    ];
    figures.extend(usage_figures(before.flatten(), after, in_time, "us/msg"));
    let mut faults = telemetry.faults();
    faults.refused += storm.refused;
    Ok(Outcome { figures, faults })
}
