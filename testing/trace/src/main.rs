//! `ternmq-trace --broker PATH --folder DIR [--states COUNT]`: one line per case, `ok NAME` or `FAILED NAME: WHY`, and
//! lines that begin with `note` for people.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ternmq_trace::{Order, Passed, run};

const USAGE: &str = "usage: ternmq-trace --broker PATH --folder DIR [--states COUNT]";
/// Characters shown of what was found for a planted fault.
const SHOWN: usize = 160;
const STATES: u64 = 10_000;

fn read_order(mut arguments: impl Iterator<Item = String>) -> Result<Order> {
    let (mut broker, mut folder, mut states) = (None, None, STATES);
    while let Some(name) = arguments.next() {
        let value = arguments.next().with_context(|| format!("{name} needs a value; {USAGE}"))?;
        match name.as_str() {
            "--broker" => broker = Some(value.into()),
            "--folder" => folder = Some(value.into()),
            "--states" => {
                states = value.parse().with_context(|| format!("--states {value}: not a number; {USAGE}"))?;
            }
            _ => bail!("{name} is no option; {USAGE}"),
        }
    }
    Ok(Order { broker: broker.context(USAGE)?, folder: folder.context(USAGE)?, states })
}

fn told(passed: &Passed) -> String {
    let Passed { name, report, planted, traced, judged } = passed;
    let mut text = format!(
        "ok every crash state: {name}\nnote {} states of {} changes of the disk by {} operations with {} confirms; \
         {:.1} s under strace, {:.1} s judging\n",
        report.states,
        report.changes,
        report.operations,
        report.confirms,
        traced.as_secs_f64(),
        judged.as_secs_f64()
    );
    for (plant, found) in planted {
        let found: String = found.chars().take(SHOWN).collect();
        text += &format!("ok {plant:?} left out is found: {name}\nnote {found}\n");
    }
    text
}

fn main() -> ExitCode {
    let answer = read_order(std::env::args().skip(1)).and_then(|order| run(&order));
    let (text, code) = match answer {
        Ok(passed) => (passed.iter().map(told).collect(), ExitCode::SUCCESS),
        Err(error) => (format!("FAILED crash states of the real binary: {error:#}\n"), ExitCode::FAILURE),
    };
    // Whoever does not read the answer has the exit code.
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}
