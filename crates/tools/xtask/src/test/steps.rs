//! The steps of a test run, in order, in one table.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use super::scenarios::SCENARIOS;
use super::suites::{SUITES, build};
use super::tally::{Case, Outcome, Tally};
use super::workshop::Workshop;
use super::{fuzz, outcome, packages, scenarios, service, suites};
use crate::process::{Ending, run_logged, tail};
use crate::{kill_loop, project, tidy};

const CARGO_LIMIT: Duration = Duration::from_secs(1800);
/// Binary that the suites are run against.
const BROKER_BINARY: &str = "ternmq";
const SIMULATOR: &str = "ternmq-simulator";
const TRACER: &str = "ternmq-trace";

/// One step.
pub(crate) struct Step {
    /// Name for `--only`.
    pub name: &'static str,
    /// Name of a set of steps for `--only`; the same as `name` when it stands alone.
    pub group: &'static str,
    /// What it does.
    pub what: &'static str,
    run: Run,
}

enum Run {
    Plain(fn(&Workshop) -> Result<Tally>),
    Suite(usize),
    Scenario(usize),
    Service(usize),
}

impl Step {
    /// Runs it. An error means that it could not be run, and counts as one failure.
    pub(crate) fn run(&self, shop: &Workshop) -> Tally {
        let result = match self.run {
            Run::Plain(run) => run(shop),
            Run::Suite(index) => suite(shop, index),
            Run::Scenario(index) => scenario(shop, index),
            Run::Service(index) => service_program(shop, index),
        };
        result.unwrap_or_else(|error| Tally::of(&[Case::failed("the step itself", format!("{error:#}"))]))
    }
}

/// All steps, in the order in which they run.
pub(crate) fn all() -> Vec<Step> {
    let plain = |name, what, run| Step { name, group: name, what, run: Run::Plain(run) };
    let mut steps = vec![
        plain("fmt", "formatting of all sources", fmt as fn(&Workshop) -> Result<Tally>),
        plain("tidy", "layout, sizes, banned calls, words, docs, coverage ids", tidy_step),
        plain("clippy", "lints of the workspace, warnings denied", clippy),
        plain("unit", "cargo test of the workspace: unit, transcript and simulation tests", unit),
        plain("release", "release build of the broker", release),
    ];
    for (index, suite) in SUITES.iter().enumerate() {
        let run = Run::Suite(index);
        steps.push(Step { name: suite.name, group: "suites", what: suite.what, run });
    }
    for (index, scenario) in SCENARIOS.iter().enumerate() {
        let run = Run::Scenario(index);
        steps.push(Step { name: scenario.name, group: "scenarios", what: scenario.what, run });
    }
    for (index, program) in service::PROGRAMS.iter().enumerate() {
        let run = Run::Service(index);
        steps.push(Step { name: program.name, group: "service", what: program.what, run });
    }
    steps.push(plain("kill-loop", "kill -9 under load over AMQP, history judged", kill_loop_step));
    steps.push(plain(
        "kill-loop-stomp",
        "kill -9 under load over STOMP, history judged",
        kill_loop_stomp_step,
    ));
    steps.push(plain(
        "kill-loop-xa",
        "kill -9 under distributed transactions over OpenWire, branches in doubt, history judged",
        kill_loop_xa_step,
    ));
    steps.push(plain("simulation", "seeded simulation of whole nodes", simulation));
    steps.push(plain("trace", "crash states of the real binary, from a trace of its system calls", trace));
    steps.push(plain("fuzz", "fuzz targets, beginning with their seeds", fuzz_step));
    steps
}

fn fmt(shop: &Workshop) -> Result<Tally> {
    cargo_check(shop, "fmt", &["fmt", "--all", "--check"])
}

fn clippy(shop: &Workshop) -> Result<Tally> {
    cargo_check(
        shop,
        "clippy",
        &["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"],
    )
}

fn tidy_step(shop: &Workshop) -> Result<Tally> {
    let report = tidy::check(&shop.root)?;
    let mut tally = Tally { passed: report.passed.len(), ..Tally::default() };
    tally.failures =
        report.findings.iter().map(|finding| (finding.rule.to_owned(), finding.to_string())).collect();
    Ok(tally)
}

fn unit(shop: &Workshop) -> Result<Tally> {
    let log = shop.log("unit");
    let mut command = cargo(shop, &["test", "--workspace", "--locked", "--no-fail-fast"]);
    let ending = run_logged(&mut command, &log, CARGO_LIMIT)?;
    let text = std::fs::read(&log).context("cannot read the log of cargo test")?;
    let mut cases = outcome::read_libtest(&String::from_utf8_lossy(&text));
    let has_failure = cases.iter().any(|case| matches!(case.outcome, Outcome::Failed(_)));
    if ending != Ending::Succeeded && !has_failure {
        cases.push(Case::failed("cargo test", format!("{}, see {}", tail(&log, 15), log.display())));
    }
    Ok(Tally::of(&cases))
}

fn release(shop: &Workshop) -> Result<Tally> {
    if let Some(path) = &shop.broker {
        return Ok(Tally::of(&[Case::skipped("release build", format!("{} was given", path.display()))]));
    }
    let packages = project::packages(&shop.root)?;
    let package = packages
        .iter()
        .find(|package| package.binaries.iter().any(|binary| binary == BROKER_BINARY))
        .with_context(|| format!("no package of the workspace has a binary `{BROKER_BINARY}`"))?;
    let mut command =
        cargo(shop, &["build", "--release", "--locked", "-p", &package.name, "--bin", BROKER_BINARY]);
    build(shop, "release", &mut command)?;
    Ok(Tally::of(&[Case::passed("release build")]))
}

fn suite(shop: &Workshop, index: usize) -> Result<Tally> {
    let suite = SUITES.get(index).context("no such suite")?;
    Ok(Tally::of(&suites::run(shop, suite, false)?))
}

fn scenario(shop: &Workshop, index: usize) -> Result<Tally> {
    let scenario = SCENARIOS.get(index).context("no such scenario")?;
    Ok(Tally::of(&scenarios::run(shop, scenario)?))
}

fn service_program(shop: &Workshop, index: usize) -> Result<Tally> {
    let program = service::PROGRAMS.get(index).context("no such program")?;
    Ok(Tally::of(&service::run(shop, program)?))
}

fn kill_loop_step(shop: &Workshop) -> Result<Tally> {
    kill_loop_over(shop, kill_loop::Protocol::Amqp, shop.kill_cycles)
}

fn kill_loop_stomp_step(shop: &Workshop) -> Result<Tally> {
    kill_loop_over(shop, kill_loop::Protocol::Stomp, shop.kill_cycles.min(STOMP_KILL_CYCLES))
}

fn kill_loop_xa_step(shop: &Workshop) -> Result<Tally> {
    kill_loop_over(shop, kill_loop::Protocol::OpenWire, shop.kill_cycles.min(XA_KILL_CYCLES))
}

/// As over STOMP; each cycle leaves some thirty branches in doubt.
const XA_KILL_CYCLES: u32 = 30;

/// The journal below is the same for every protocol, and the step before has killed it often.
const STOMP_KILL_CYCLES: u32 = 30;

fn kill_loop_over(shop: &Workshop, protocol: kill_loop::Protocol, cycles: u32) -> Result<Tally> {
    let plan = kill_loop::Plan::new(protocol, cycles, kill_loop::clock_seed());
    Ok(Tally::of(&kill_loop::run(shop, &plan)?))
}

fn simulation(shop: &Workshop) -> Result<Tally> {
    let is_there = project::packages(&shop.root)?.iter().any(|package| package.name == SIMULATOR);
    if !is_there {
        let why = format!("the workspace has no package {SIMULATOR}");
        return Ok(Tally::of(&[Case::skipped("simulation", why)]));
    }
    let seeds = shop.simulation_seeds.to_string();
    Ok(Tally::of(&[
        simulate(shop, &format!("{seeds} seeds"), &["--seeds", &seeds])?,
        simulate(shop, CRASH_STATES, &["--seeds", "3", "--operations", "200", "--crash-states", "3"])?,
    ]))
}

/// T2 of the guarantees.
const CRASH_STATES: &str = "every prefix and every failing call of 3 workloads of 200 operations";

fn simulate(shop: &Workshop, name: &str, options: &[&str]) -> Result<Case> {
    let log = shop.log(if name == CRASH_STATES { "crash-states" } else { "simulation" });
    let mut command = cargo(shop, &["run", "--release", "--locked", "-p", SIMULATOR, "--"]);
    command.args(options);
    Ok(match run_logged(&mut command, &log, CARGO_LIMIT)? {
        Ending::Succeeded => Case::passed(name),
        Ending::Failed => Case::failed(name, format!("\n{}\n  all of it: {}", tail(&log, 20), log.display())),
        Ending::TimedOut => Case::failed(name, format!("took more than {} s", CARGO_LIMIT.as_secs())),
    })
}

/// T2 of the guarantees, by the binary itself.
fn trace(shop: &Workshop) -> Result<Tally> {
    packages::tracer(shop)?;
    let log = shop.log("trace");
    let mut command = cargo(shop, &["run", "--release", "--locked", "-p", TRACER, "--"]);
    command.arg("--broker").arg(shop.binary()?).arg("--folder").arg(shop.run_folder("trace"));
    let ending = run_logged(&mut command, &log, CARGO_LIMIT)?;
    let text = std::fs::read_to_string(&log).context("cannot read the log of the trace")?;
    text.lines().filter_map(|line| line.strip_prefix("note ")).for_each(|note| shop.say(note));
    let mut cases: Vec<Case> = text.lines().filter_map(outcome::read_scenario_line).collect();
    if ending != Ending::Succeeded || cases.is_empty() {
        cases.push(Case::failed("trace", format!("\n{}\n  all of it: {}", tail(&log, 20), log.display())));
    }
    Ok(Tally::of(&cases))
}

fn fuzz_step(shop: &Workshop) -> Result<Tally> {
    Ok(Tally::of(&fuzz::run(shop)?))
}

/// A cargo command whose exit code is the whole answer.
fn cargo_check(shop: &Workshop, name: &str, args: &[&str]) -> Result<Tally> {
    let log = shop.log(name);
    Ok(match run_logged(&mut cargo(shop, args), &log, CARGO_LIMIT)? {
        Ending::Succeeded => Tally::of(&[Case::passed(name)]),
        Ending::Failed => {
            Tally::of(&[Case::failed(name, format!("\n{}\n  all of it: {}", tail(&log, 40), log.display()))])
        }
        Ending::TimedOut => {
            Tally::of(&[Case::failed(name, format!("took more than {} s", CARGO_LIMIT.as_secs()))])
        }
    })
}

fn cargo(shop: &Workshop, args: &[&str]) -> Command {
    let mut command = Command::new("cargo");
    command.args(args).current_dir(&shop.root).env("CARGO_TERM_COLOR", "never");
    command
}
