//! `cargo xtask <command>`: everything that is done to this repository besides building it.
//!
//! Reading order: `project` (where things are), `process` (running other programs with a deadline), `tidy` (checks on
//! the sources), `test` (the whole test run, step by step), `kill_loop` (crash test of one broker).
#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr)] // a command-line tool speaks on its standard streams
#![allow(clippy::disallowed_methods)] // a tool runs outside the rings: it reads files and clocks, and polls children

mod kill_loop;
mod models;
mod process;
mod project;
mod test;
mod tidy;

use std::process::ExitCode;

const USAGE: &str = "\
usage: cargo xtask <command>

  tidy                       check layout, sizes, banned calls, words, docs and coverage ids; writes nothing
  test [options]             run every check and suite, end with `N passed, M failed`
      --only STEP[,STEP]     only these steps, in their usual order (a group name means all of its steps)
      --list                 print the steps and what each needs
      --fuzz-seconds N       time for each fuzz target (default 15)
      --seeds N              seeds of the simulation (default 1000)
      --kill-cycles N        cycles of the kill -9 loop (default 200; over STOMP and OpenWire 30 at most)
      --broker PATH          use this binary instead of building a release one
  conform [options]          run foreign suites and scenarios only
      --against WHICH        ternmq (default) or rabbitmq, the reference broker
      --suite NAME[,NAME]    only these
      --broker PATH          as above
      --write-expected       write the result as the new expected list (reference only)
  kill-loop [options]        kill -9 a broker under load again and again, then judge the history
      --cycles N             default 200
      --protocol NAME        amqp (default), mqtt, openwire or stomp
      --broker PATH          default: the release build of ternmq
      --against WHICH        ternmq (default) or rabbitmq
      --seed N               seed of the kill moments (default: taken from the clock and printed)
  models --botocore DIR      make the API tables of crates/control/api anew from botocore/data in DIR
";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let rest = args.get(1..).unwrap_or_default();
    let outcome = match args.first().map(String::as_str) {
        Some("tidy") => tidy::command(rest),
        Some("test") => test::command(rest),
        Some("conform") => test::conform_command(rest),
        Some("kill-loop") => kill_loop::command(rest),
        Some("models") => models::command(rest),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprintln!("cargo xtask: there is no command `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
        None => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("cargo xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}
