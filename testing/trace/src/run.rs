//! The whole run: brokers with clients under strace that are killed, stopped, and whose disk fails; then the check.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::broker::{Injection, PASSWORD, Place, USER};
use crate::calls::Trace;
use crate::check::{Case, Life, Plant, Report, read_image};
use crate::judge::{Encryption, End};
use crate::workload::{Numbers, Workload};

/// Methods that a run has to have at least, so that it proves something (T2).
const LEAST_OPERATIONS: u64 = 200;

/// A data directory and what is done to it.
struct Scenario {
    name: &'static str,
    journal: Journal,
    lives: &'static [Plan],
    encryption: Encryption,
    /// Of ten states to judge, so many are of this one.
    share: u64,
}

/// What is in the data directory before.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Journal {
    /// Nothing, not even a directory.
    None,
    /// An empty journal whose segments are so small that several are filled.
    Small,
}

/// One life of the broker.
struct Plan {
    /// Rounds of the workload.
    rounds: u64,
    fate: Fate,
    injection: Option<Injection>,
}

/// What becomes of a broker.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Stopped,
    Killed,
    /// It gives up because the disk fails.
    Failed,
}

const fn plan(rounds: u64, fate: Fate) -> Plan {
    Plan { rounds, fate, injection: None }
}

const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "killed, stopped and killed again",
        journal: Journal::Small,
        lives: &[plan(36, Fate::Killed), plan(20, Fate::Stopped), plan(12, Fate::Killed)],
        encryption: Encryption::Off,
        share: 4,
    },
    Scenario {
        name: "killed in the first start",
        journal: Journal::None,
        lives: &[plan(3, Fate::Killed)],
        encryption: Encryption::Off,
        share: 2,
    },
    Scenario {
        name: "a sync fails, then a write finds no room",
        journal: Journal::Small,
        lives: &[
            Plan { injection: Some(failing("fdatasync", "EIO", 40)), ..plan(60, Fate::Failed) },
            Plan { injection: Some(failing("pwrite64", "ENOSPC", 20)), ..plan(16, Fate::Stopped) },
        ],
        encryption: Encryption::Off,
        share: 2,
    },
    Scenario {
        name: "encrypted, killed and stopped",
        journal: Journal::Small,
        lives: &[plan(20, Fate::Killed), plan(8, Fate::Stopped)],
        encryption: Encryption::FirstKey,
        share: 2,
    },
];

const fn failing(call: &'static str, error: &'static str, number: u32) -> Injection {
    Injection { call, error, number }
}

/// What to run.
#[derive(Clone, Debug)]
pub struct Order {
    /// The binary.
    pub broker: PathBuf,
    /// A folder that is emptied first; the trace and the data directory are left in it.
    pub folder: PathBuf,
    /// Crash states to judge.
    pub states: u64,
}

/// A scenario in which everything was as it should be.
#[derive(Clone, Debug)]
pub struct Passed {
    /// Its name.
    pub name: &'static str,
    /// What was looked at.
    pub report: Report,
    /// What the check said about each planted fault.
    pub planted: Vec<(Plant, String)>,
    /// How long the broker ran with its clients.
    pub traced: Duration,
    /// How long reading the traces and judging took.
    pub judged: Duration,
}

/// Runs the broker, judges its crash states, and plants faults that must be found.
///
/// # Errors
/// Nothing could be traced, the trace cannot be followed, a promise was broken, or a planted fault was not found.
pub fn run(order: &Order) -> Result<Vec<Passed>> {
    let passed: Vec<Passed> = SCENARIOS
        .iter()
        .enumerate()
        .map(|(number, scenario)| {
            let folder = order.folder.join(number.to_string());
            run_scenario(order, scenario, &folder).context(scenario.name)
        })
        .collect::<Result<_>>()?;
    let operations: u64 = passed.iter().map(|passed| passed.report.operations).sum();
    ensure!(operations >= LEAST_OPERATIONS, "only {operations} operations");
    Ok(passed)
}

fn run_scenario(order: &Order, scenario: &Scenario, folder: &Path) -> Result<Passed> {
    let place = Place::make(folder, &order.broker)?;
    if scenario.journal == Journal::Small {
        place.make_small_journal().context("cannot make a journal")?;
    }
    let before = read_image(&place.data())?;
    let started = Instant::now();
    let lives = live(&place, scenario)?;
    let traced = started.elapsed();
    let started = Instant::now();
    let root = place.data();
    let root = root.to_str().context("a folder whose name is not UTF-8")?;
    let case = Case { before: &before, lives: &lives, root, encryption: scenario.encryption };
    let report = case.check(order.states * scenario.share / 10)?;
    let mut planted = Vec::new();
    for plant in [Plant::OneSync, Plant::DirectorySyncs] {
        let found = case.check_planted(plant)?;
        planted.push((plant, found.with_context(|| format!("{plant:?} was planted and nothing was found"))?));
    }
    Ok(Passed { name: scenario.name, report, planted, traced, judged: started.elapsed() })
}

fn live(place: &Place, scenario: &Scenario) -> Result<Vec<Life>> {
    let mut lives = Vec::new();
    let mut numbers = Numbers::default();
    for (start, plan) in scenario.lives.iter().enumerate() {
        let broker = place.start(start, scenario.encryption, plan.injection.as_ref())?;
        let mut workload = Workload::begin(broker.address(), USER, PASSWORD, numbers)?;
        let worked = workload
            .run(plan.rounds)
            .with_context(|| format!("start {start}; the broker said: {}", broker.said()));
        numbers = workload.numbers();
        match plan.fate {
            Fate::Stopped => {
                worked?;
                workload.end()?;
                broker.stop()?;
            }
            Fate::Killed => {
                worked?;
                workload.settle()?;
                broker.kill()?;
            }
            Fate::Failed => {
                ensure!(worked.is_err(), "the clients did not notice that the disk had failed");
                broker.await_failure()?;
            }
        }
        let end = if plan.fate == Fate::Stopped { End::Clean } else { End::CutOff };
        let trace = read_trace(&place.log(start))?;
        if let Some(Injection { call, .. }) = plan.injection {
            let has_failed = trace.calls.iter().any(|made| made.name == call && made.result == Some(-1));
            ensure!(has_failed, "no {call} failed");
        }
        let left = read_image(&place.data())?;
        let has_keys = left.iter().any(|(path, _)| path.starts_with("journal/key-"));
        ensure!(has_keys == (scenario.encryption == Encryption::FirstKey), "keys in the journal: {has_keys}");
        lives.push(Life { trace, end, left });
    }
    Ok(lives)
}

fn read_trace(path: &Path) -> Result<Trace> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Trace::read(&text).with_context(|| path.display().to_string())
}
