//! Runs seeds: `ternmq-simulator --seeds 1000 [--seed FIRST] [--operations TURNS] [--lines COUNT] [--whole 1]`.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use ternmq_simulator::{Plan, Scope, run_seed};

const USAGE: &str =
    "usage: ternmq-simulator [--seeds COUNT] [--seed FIRST] [--operations TURNS] [--lines COUNT] [--whole 1]";

struct Order {
    first: u64,
    count: u64,
    operations: Option<u64>,
    lines: Option<u64>,
    whole: Option<u64>,
}

fn read_order(arguments: impl Iterator<Item = String>) -> Result<Order, String> {
    let (mut first, mut count, mut operations, mut lines, mut whole) = (None, None, None, None, None);
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        let place = match name.as_str() {
            "--seed" => &mut first,
            "--seeds" => &mut count,
            "--operations" => &mut operations,
            "--lines" => &mut lines,
            "--whole" => &mut whole,
            _ => return Err(format!("'{name}' is not an option; {USAGE}")),
        };
        let value = arguments.next().ok_or_else(|| format!("'{name}' needs a number; {USAGE}"))?;
        *place = Some(value.parse().map_err(|_| format!("'{value}' is not a number; {USAGE}"))?);
    }
    // One seed alone is the usual wish of somebody who names it.
    let count = count.unwrap_or(if first.is_some() { 1 } else { 100 });
    Ok(Order { first: first.unwrap_or(1), count, operations, lines, whole })
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
    let (mut passed, mut failed) = (0_u64, 0_u64);
    for seed in order.first..order.first.saturating_add(order.count) {
        let mut plan = Plan::of_seed(seed);
        if order.whole.is_some_and(|whole| whole > 0) {
            plan.scope = Scope::Whole;
        }
        plan.operations = order.operations.unwrap_or(plan.operations);
        let lines = order.lines.and_then(|lines| usize::try_from(lines).ok());
        plan.tail_lines = lines.unwrap_or(plan.tail_lines);
        match run_seed(&plan) {
            Ok(ran) => {
                passed += 1;
                if order.count == 1 || passed.is_multiple_of(100) {
                    let _ = writeln!(progress, "seed {seed}: {ran:?}");
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
