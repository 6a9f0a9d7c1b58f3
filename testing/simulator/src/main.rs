//! Runs seeds: `ternmq-simulator --seeds 1000`, or the crash states of one seed: `--seed 1 --crash-states 5`.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use ternmq_simulator::{Failure, Plan, check_crash_states, check_failing_calls, run_seed};

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
    for seed in first..first.saturating_add(count) {
        let mut plan = Plan::of_seed(seed);
        plan.operations = order.operations.unwrap_or(plan.operations);
        let lines = order.lines.and_then(|lines| usize::try_from(lines).ok());
        plan.tail_lines = lines.unwrap_or(plan.tail_lines);
        match run(&plan, order.crash_states) {
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
        }
    }
    let _ = writeln!(std::io::stdout(), "{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
