//! `ternmq-trace --broker PATH --folder DIR [--states COUNT]`: one line per case, `ok NAME` or `FAILED NAME: WHY`.

#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use ternmq_trace::{Order, Passed, run};

const USAGE: &str = "usage: ternmq-trace --broker PATH --folder DIR [--states COUNT]";
const STATES: u64 = 3_000;

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
    let Passed { report, planted, traced, judged } = passed;
    let mut text = format!(
        "ok {} crash states of {} changes of the disk, {} operations, {} confirms; {:.1} s under strace, {:.1} s judged\n",
        report.states,
        report.changes,
        report.operations,
        report.confirms,
        traced.as_secs_f64(),
        judged.as_secs_f64()
    );
    for (plant, found) in planted {
        text += &format!("ok found what was planted, {plant:?}\n");
        text += &format!("  as {found}\n");
    }
    text
}

fn main() -> ExitCode {
    let answer = read_order(std::env::args().skip(1)).and_then(|order| run(&order));
    let (text, code) = match answer {
        Ok(passed) => (told(&passed), ExitCode::SUCCESS),
        Err(error) => (format!("FAILED crash states of the real binary: {error:#}\n"), ExitCode::FAILURE),
    };
    // Whoever does not read the answer has the exit code.
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}
