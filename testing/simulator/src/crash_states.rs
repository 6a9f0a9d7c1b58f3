//! Crash states (T2): a run without trouble is recorded; then every moment of it is tried as the last one, and every
//! call to the disk as the one that fails.

use std::num::NonZeroUsize;
use std::panic::resume_unwind;

use ternmq_fakes::{FakeDisk, Fault, Recording};

use crate::checker::{Checker, Violation};
use crate::history::Event;
use crate::world::{Failure, Moment, Plan, World, run_on};

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

/// A run without trouble, with all that is needed to go back to each of its moments.
struct Recorded {
    plan: Plan,
    history: Vec<Event>,
    moments: Vec<Moment>,
    recording: Recording,
}

impl Recorded {
    fn of(plan: &Plan) -> Result<Self, Box<Failure>> {
        let plan = Plan { trouble_in: 0, has_rot: false, tail_lines: usize::MAX, ..plan.clone() };
        let disk = FakeDisk::new();
        let mut world = World::new(plan.clone(), disk.clone())?;
        world.moments = Some(Vec::new());
        world.live().map_err(|violation| fail(&plan, violation))?;
        let history = world.tail.into_iter().map(|line| line.event).collect();
        let moments = world.moments.take().unwrap_or_default();
        Ok(Self { plan, history, moments, recording: disk.recording() })
    }

    /// Judges every `of`-th change, the one with the number `share` first. Answers how many disks were judged.
    fn judge_share(&self, per_change: u64, share: usize, of: usize) -> Result<usize, (usize, Box<Failure>)> {
        let mut replay = self.recording.replay();
        let mut known = Knowledge { checker: Checker::new(), events: 0 };
        let mut states = 0;
        let mut at = 0;
        let Some(first) = self.moments.first() else { return Ok(0) };
        while replay.done() < first.changes && replay.step() {}
        loop {
            // The latest moment that had been reached with these changes: its answers were given already.
            while self.moments.get(at + 1).is_some_and(|next| next.changes <= replay.done()) {
                at += 1;
            }
            let Some(moment) = self.moments.get(at) else { break };
            let done = replay.done();
            let is_ours = done % of == share;
            if is_ours {
                let known = known.follow(&self.history, moment.events);
                known.map_err(|violation| (done, fail(&self.plan, violation)))?;
            }
            for seed in (0..per_change).filter(|_| is_ours) {
                states += 1;
                let crashed = replay.crash(seed.wrapping_add(done as u64 * 31));
                judge(&self.plan, &known.checker, moment, crashed).map_err(|failure| {
                    let text = format!("{} (crash {seed} after change {done})", failure.violation.text);
                    (
                        done,
                        Box::new(Failure { violation: Violation { text, ..failure.violation }, ..*failure }),
                    )
                })?;
            }
            if !replay.step() {
                break;
            }
        }
        Ok(states)
    }
}

/// Rebuilds the disk after every change of a run, `per_change` times with other unsynced writes dropped, reordered and
/// torn; recovers it, fetches all that is left, and judges by what clients had seen at that moment. The moments are
/// shared out to as many threads as the machine has cores; which one breaks a promise first does not depend on them.
///
/// # Errors
/// The first promise that was broken.
pub fn check_crash_states(plan: &Plan, per_change: u64) -> Result<CrashStates, Box<Failure>> {
    let recorded = Recorded::of(plan)?;
    let of = thread_count();
    let states = in_threads(|share| recorded.judge_share(per_change, share, of))?;
    let (changes, events) = (recorded.recording.len(), recorded.history.len());
    Ok(CrashStates { changes, events, states: states.into_iter().sum() })
}

fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Does the shares of a work side by side. Each failure has the place in the whole where it happened.
fn in_threads<T: Send, P: Ord + Send>(
    work: impl Fn(usize) -> Result<T, (P, Box<Failure>)> + Sync,
) -> Result<Vec<T>, Box<Failure>> {
    let shares: Vec<_> = std::thread::scope(|scope| {
        let work = &work;
        let threads: Vec<_> = (0..thread_count()).map(|share| scope.spawn(move || work(share))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let (mut done, mut first) = (Vec::new(), None::<(P, Box<Failure>)>);
    for share in shares {
        match share {
            Ok(share) => done.push(share),
            Err(failure) if first.as_ref().is_none_or(|first| failure.0 < first.0) => first = Some(failure),
            Err(_) => {}
        }
    }
    first.map_or(Ok(done), |(_, failure)| Err(failure))
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
    world.peers.clone_from(&moment.peers);
    // Numbers that no client of the recorded run had.
    world.next_label = 1 << 30;
    world.next_op = 1 << 40;
    world.next_message = 1 << 40;
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
    let (first, end) = (empty.calls(), whole.calls());
    let of = thread_count() as u64;
    let runs = in_threads(|share| {
        let mut runs = 0;
        let ours = (first..end).step_by(usize::try_from(stride.max(1)).unwrap_or(usize::MAX));
        for number in
            ours.enumerate().filter(|(at, _)| *at as u64 % of == share as u64).map(|(_, number)| number)
        {
            for (at, fault) in [Fault::Device, Fault::DiskFull, Fault::Short].into_iter().enumerate() {
                let disk = FakeDisk::new();
                disk.fail_call(number, fault);
                runs += 1;
                run_on(&plan, disk).map_err(|failure| {
                    let text = format!("{} (call {number} with {fault:?})", failure.violation.text);
                    (
                        (number, at),
                        Box::new(Failure { violation: Violation { text, ..failure.violation }, ..*failure }),
                    )
                })?;
            }
        }
        Ok(runs)
    })?;
    Ok(runs.into_iter().sum())
}
