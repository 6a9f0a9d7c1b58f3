//! The whole run: a broker with clients under strace, killed once, started again, stopped; then the check.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::broker::{PASSWORD, Place, USER};
use crate::calls::Trace;
use crate::check::{Case, Life, Plant, Report, read_image};
use crate::judge::End;
use crate::workload::{Numbers, Workload};

/// Methods that a run has to have at least, so that it proves something (T2).
const LEAST_OPERATIONS: u64 = 200;

/// A data directory and what is done to it.
struct Scenario {
    name: &'static str,
    journal: Journal,
    /// Rounds of the workload in each life of the broker, and how it ends.
    lives: &'static [(u64, End)],
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

const SCENARIOS: [Scenario; 2] = [
    Scenario {
        name: "killed, stopped and killed again",
        journal: Journal::Small,
        lives: &[(36, End::CutOff), (20, End::Clean), (12, End::CutOff)],
        share: 8,
    },
    Scenario { name: "first start", journal: Journal::None, lives: &[(3, End::CutOff)], share: 2 },
];

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
    let case = Case { before: &before, lives: &lives, root };
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
    for (start, (rounds, end)) in scenario.lives.iter().enumerate() {
        let broker = place.start(start)?;
        let mut workload = Workload::begin(broker.address(), USER, PASSWORD, numbers)?;
        workload.run(*rounds)?;
        if *end == End::Clean {
            numbers = workload.end()?;
            broker.stop()?;
        } else {
            workload.settle()?;
            numbers = workload.numbers();
            broker.kill()?;
        }
        lives.push(Life {
            trace: read_trace(&place.log(start))?,
            end: *end,
            left: read_image(&place.data())?,
        });
    }
    Ok(lives)
}

fn read_trace(path: &Path) -> Result<Trace> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Trace::read(&text).with_context(|| path.display().to_string())
}
