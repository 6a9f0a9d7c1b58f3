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
/// Rounds of the workload in the life that is cut off, and in the one that ends in order.
const ROUNDS: [u64; 2] = [32, 16];

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

/// A run in which everything was as it should be.
#[derive(Clone, Debug)]
pub struct Passed {
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
pub fn run(order: &Order) -> Result<Passed> {
    let place = Place::make(&order.folder, &order.broker)?;
    place.prepare().context("cannot make a journal")?;
    let before = read_image(&place.data())?;
    let started = Instant::now();
    let lives = live(&place)?;
    let traced = started.elapsed();
    let started = Instant::now();
    let root = place.data();
    let root = root.to_str().context("a folder whose name is not UTF-8")?;
    let case = Case { before: &before, lives: &lives, root };
    let report = case.check(order.states)?;
    ensure!(report.operations >= LEAST_OPERATIONS, "only {} operations: {report:?}", report.operations);
    let mut planted = Vec::new();
    for plant in [Plant::OneSync, Plant::DirectorySyncs] {
        let found = case.check_planted(plant)?;
        planted
            .push((plant, found.with_context(|| format!("{plant:?} was left out and nothing was found"))?));
    }
    Ok(Passed { report, planted, traced, judged: started.elapsed() })
}

fn live(place: &Place) -> Result<Vec<Life>> {
    let mut lives = Vec::new();
    let mut numbers = Numbers::default();
    for (start, rounds) in ROUNDS.into_iter().enumerate() {
        let broker = place.start(start)?;
        let mut workload = Workload::begin(broker.address(), USER, PASSWORD, numbers)?;
        workload.run(rounds)?;
        let end = if start + 1 == ROUNDS.len() { End::Clean } else { End::CutOff };
        if end == End::Clean {
            numbers = workload.end()?;
            broker.stop()?;
        } else {
            workload.settle()?;
            numbers = workload.numbers();
            broker.kill()?;
        }
        lives.push(Life { trace: read_trace(&place.log(start))?, end, left: read_image(&place.data())? });
    }
    Ok(lives)
}

fn read_trace(path: &Path) -> Result<Trace> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    Trace::read(&text).with_context(|| path.display().to_string())
}
