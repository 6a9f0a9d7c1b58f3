//! Runs seeds: `ternmq-simulator --seeds 1000`, or the crash states of one seed: `--seed 1 --crash-states 5`.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

use mimalloc::MiMalloc;
use ternmq_simulator::{Failure, Plan, check_crash_states, check_failing_calls, run_seed};

/// As in the broker's binary; a life is full of small pieces of memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const USAGE: &str = "usage: ternmq-simulator [--seeds COUNT] [--seed FIRST] [--operations TURNS] [--lines COUNT] \
                     [--crash-states PER_CHANGE]";

#[derive(Default)]
struct Order {
    first: Option<u64>,
    count: Option<u64>,
    operations: Option<u64>,
    lines: Option<u64>,
    crash_states: Option<u64>,
}

fn read_order(mut arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let mut order = Order::default();
    while let Some(name) = arguments.next() {
        let place = match name.as_str() {
            "--seed" => &mut order.first,
            "--seeds" => &mut order.count,
            "--operations" => &mut order.operations,
            "--lines" => &mut order.lines,
            "--crash-states" => &mut order.crash_states,
            _ => return Err(format!("'{name}' is not an option; {USAGE}")),
        };
        let value = arguments.next().ok_or_else(|| format!("'{name}' needs a number; {USAGE}"))?;
        *place = Some(value.parse().map_err(|_| format!("'{value}' is not a number; {USAGE}"))?);
    }
    Ok(order)
}

/// Does what was asked for one seed. Answers a line about it.
fn run(plan: &Plan, crash_states: Option<u64>) -> Result<String, Box<Failure>> {
    let Some(per_change) = crash_states else { return run_seed(plan).map(|passed| format!("{passed:?}")) };
    let states = check_crash_states(plan, per_change)?;
    let runs = check_failing_calls(plan, 1)?;
    Ok(format!("{states:?}, {runs} runs with a failing call"))
}

/// Runs seeds on all cores, each life on one of them, and reports in the order of the seeds.
fn run_side_by_side(
    seeds: std::ops::Range<u64>,
    plan_of: impl Fn(u64) -> Plan,
    mut report: impl FnMut(u64, Result<String, Box<Failure>>),
) {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let all: Vec<u64> = seeds.collect();
    // Enough of them that no core waits long for another.
    for some in all.chunks(cores * 32) {
        let next = AtomicUsize::new(0);
        let plans: Vec<(u64, Plan)> = some.iter().map(|seed| (*seed, plan_of(*seed))).collect();
        let work = || {
            let mut done = Vec::new();
            while let Some((seed, plan)) = plans.get(next.fetch_add(1, Ordering::Relaxed)) {
                done.push((*seed, run(plan, None)));
            }
            done
        };
        let mut outcomes: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
            threads.into_iter().flat_map(join).collect()
        });
        outcomes.sort_by_key(|(seed, _)| *seed);
        outcomes.into_iter().for_each(|(seed, outcome)| report(seed, outcome));
    }
}

fn join<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

fn main() -> ExitCode {
    let mut progress = std::io::stderr().lock();
    let order = match read_order(std::env::args().skip(1)) {
        Ok(order) => order,
        Err(problem) => {
            let _ = writeln!(progress, "{problem}");
            return ExitCode::from(2);
        }
    };
    let first = order.first.unwrap_or(1);
    // One seed alone is the usual wish of somebody who names it.
    let count = order.count.unwrap_or(if order.first.is_some() { 1 } else { 100 });
    let (mut passed, mut failed) = (0_u64, 0_u64);
    let plan_of = |seed| {
        let mut plan = Plan::of_seed(seed);
        plan.operations = order.operations.unwrap_or(plan.operations);
        // With clients known by name a life has several times as many moments, each of which takes longer to judge.
        plan.has_peers &= order.crash_states.is_none() || !seed.is_multiple_of(2);
        let lines = order.lines.and_then(|lines| usize::try_from(lines).ok());
        plan.tail_lines = lines.unwrap_or(plan.tail_lines);
        plan
    };
    let mut report = |seed: u64, outcome: Result<String, Box<Failure>>| match outcome {
        Ok(line) => {
            passed += 1;
            if count == 1 || passed.is_multiple_of(100) || order.crash_states.is_some() {
                let _ = writeln!(progress, "seed {seed}: {line}");
            }
        }
        Err(failure) => {
            failed += 1;
            let _ = writeln!(progress, "{failure}");
        }
    };
    let seeds = first..first.saturating_add(count);
    if order.crash_states.is_some() {
        // The states of one seed are shared out to all cores already.
        seeds.for_each(|seed| report(seed, run(&plan_of(seed), order.crash_states)));
    } else {
        run_side_by_side(seeds, plan_of, report);
    }
    let _ = writeln!(std::io::stdout(), "{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
