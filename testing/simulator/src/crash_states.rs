//! Crash states (T2): a run without trouble is recorded; then every moment of it is tried as the last one, and every
//! call to the disk as the one that fails.

use ternmq_fakes::{FakeDisk, Fault};

use crate::checker::{Checker, Violation};
use crate::history::Event;
use crate::world::{Failure, Moment, Passed, Plan, World, run_on};

/// What was tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CrashStates {
    /// Changes of the disk in the run.
    pub changes: usize,
    /// Verbs and other events of its history.
    pub events: usize,
    /// Disks that were recovered and judged.
    pub states: usize,
}

/// Rebuilds the disk after every change of a run, `per_change` times with other unsynced writes dropped, reordered and
/// torn; recovers it, fetches all that is left, and judges by what clients had seen at that moment.
///
/// # Errors
/// The first promise that was broken.
pub fn check_crash_states(plan: &Plan, per_change: u64) -> Result<CrashStates, Box<Failure>> {
    let plan = Plan { trouble_in: 0, has_rot: false, tail_lines: usize::MAX, ..plan.clone() };
    let disk = FakeDisk::new();
    let mut world = World::new(plan.clone(), disk.clone())?;
    world.moments = Some(Vec::new());
    world.live().map_err(|violation| fail(&plan, violation))?;
    let history: Vec<Event> = world.tail.iter().map(|line| line.event.clone()).collect();
    let moments = world.moments.take().unwrap_or_default();
    let recording = disk.recording();
    let mut replay = recording.replay();
    let mut known = Knowledge { checker: Checker::new(), events: 0 };
    let mut report = CrashStates { changes: recording.len(), events: history.len(), states: 0 };
    let mut at = 0;
    let Some(first) = moments.first() else { return Ok(report) };
    while replay.done() < first.changes && replay.step() {}
    loop {
        // The latest moment that had been reached with these changes: its answers were given already.
        while moments.get(at + 1).is_some_and(|next| next.changes <= replay.done()) {
            at += 1;
        }
        let Some(moment) = moments.get(at) else { break };
        known.follow(&history, moment.events).map_err(|violation| fail(&plan, violation))?;
        for seed in 0..per_change {
            report.states += 1;
            let crashed = replay.crash(seed.wrapping_add(replay.done() as u64 * 31));
            judge(&plan, &known.checker, moment, crashed).map_err(|failure| {
                let text =
                    format!("{} (crash {seed} after change {})", failure.violation.text, replay.done());
                Box::new(Failure { violation: Violation { text, ..failure.violation }, ..*failure })
            })?;
        }
        if !replay.step() {
            break;
        }
    }
    Ok(report)
}

/// The model after the first so many events.
struct Knowledge {
    checker: Checker,
    events: usize,
}

impl Knowledge {
    fn follow(&mut self, history: &[Event], until: u64) -> Result<(), Violation> {
        let until = usize::try_from(until).unwrap_or(usize::MAX);
        for event in history.iter().take(until).skip(self.events) {
            self.checker.note(event)?;
        }
        self.events = self.events.max(until);
        Ok(())
    }
}

fn judge(plan: &Plan, checker: &Checker, moment: &Moment, disk: FakeDisk) -> Result<(), Box<Failure>> {
    let short = Plan { tail_lines: 60, ..plan.clone() };
    let mut world = World::new(short, FakeDisk::new())?;
    world.checker = checker.clone();
    (world.now, world.lower, world.upper) = (moment.now, moment.lower, moment.upper);
    // Numbers that no client of the recorded run had.
    world.next_label = 1 << 30;
    world.next_op = 1 << 40;
    let outcome =
        world.restart_at(disk, false, moment.turn, moment.durable_turn).and_then(|()| world.fetch_all());
    outcome.map_err(|violation| Box::new(Failure { seed: plan.seed, violation, tail: world.tail.into() }))
}

fn fail(plan: &Plan, violation: Violation) -> Box<Failure> {
    Box::new(Failure { seed: plan.seed, violation, tail: Vec::new() })
}

/// Runs the plan again and again without any other trouble; each time another call to the disk fails: with an error
/// of the device, without room, or done in part. Every `stride`-th call is tried. Answers how many runs there were.
///
/// # Errors
/// The first promise that was broken.
pub fn check_failing_calls(plan: &Plan, stride: u64) -> Result<u64, Box<Failure>> {
    let plan = Plan { trouble_in: 0, has_rot: false, has_failing_calls: true, ..plan.clone() };
    let whole = FakeDisk::new();
    run_on(&plan, whole.clone())?;
    // At the first start there is no client yet to whom anything was promised.
    let empty = FakeDisk::new();
    World::new(plan.clone(), empty.clone())?;
    let mut number = empty.calls();
    let mut runs = 0;
    while number < whole.calls() {
        for fault in [Fault::Device, Fault::DiskFull, Fault::Short] {
            let disk = FakeDisk::new();
            disk.fail_call(number, fault);
            runs += 1;
            let _passed: Passed = run_on(&plan, disk).map_err(|failure| {
                let text = format!("{} (call {number} with {fault:?})", failure.violation.text);
                Box::new(Failure { violation: Violation { text, ..failure.violation }, ..*failure })
            })?;
        }
        number += stride;
    }
    Ok(runs)
}
