//! `cargo xtask test` and `cargo xtask conform`: every check and suite, in order, to the end, then the counts.

pub(crate) mod broker;
mod certificates;
mod expected;
mod fuzz;
mod java;
pub(crate) mod namespace;
mod oracle;
mod outcome;
mod packages;
pub(crate) mod scenarios;
mod service;
mod steps;
mod suites;
pub(crate) mod tally;
pub(crate) mod workshop;

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail};

use tally::{Case, Row, Tally, closing};
use workshop::{Against, Workshop};

/// `cargo xtask test`. False when anything failed.
pub(crate) fn command(args: &[String]) -> Result<bool> {
    let mut shop = Workshop::open()?;
    let steps = steps::all();
    let mut only: Option<Vec<String>> = None;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--list" => {
                for step in &steps {
                    println!("{:<14} {:<10} {}", step.name, step.group, step.what);
                }
                return Ok(true);
            }
            "--only" => only = Some(split(value(word, words.next())?)),
            "--fuzz-seconds" => shop.fuzz_seconds = number(word, words.next())?,
            "--seeds" => shop.simulation_seeds = number(word, words.next())?,
            "--kill-cycles" => shop.kill_cycles = number(word, words.next())?,
            "--broker" => shop.broker = Some(path(word, words.next())?),
            _ => bail!("`cargo xtask test` has no option `{word}`; see `cargo xtask help`"),
        }
    }
    if let Some(only) = &only {
        for name in only {
            if !steps.iter().any(|step| step.name == name || step.group == name) {
                bail!("there is no step `{name}`; `cargo xtask test --list` prints them");
            }
        }
    }
    if only.is_none() {
        shop.note_disk_space();
    }
    let mut rows = Vec::new();
    for step in &steps {
        let is_wanted =
            only.as_ref().is_none_or(|only| only.iter().any(|name| name == step.name || name == step.group));
        if is_wanted {
            rows.push(timed(&shop, step.name, step.what, || step.run(&shop)));
        }
    }
    finish(&rows)
}

/// `cargo xtask conform`. False when anything failed.
pub(crate) fn conform_command(args: &[String]) -> Result<bool> {
    let mut shop = Workshop::open()?;
    let (mut only, mut write_expected) = (None, false);
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--against" => shop.against = Against::parse(value(word, words.next())?)?,
            "--suite" => only = Some(split(value(word, words.next())?)),
            "--broker" => shop.broker = Some(path(word, words.next())?),
            "--write-expected" => write_expected = true,
            _ => bail!("`cargo xtask conform` has no option `{word}`; see `cargo xtask help`"),
        }
    }
    if write_expected && shop.against != Against::Rabbitmq {
        bail!("expected lists say what the reference does: --write-expected needs --against rabbitmq");
    }
    let is_wanted =
        |name: &str| only.as_ref().is_none_or(|only: &Vec<String>| only.iter().any(|word| word == name));
    let mut rows = Vec::new();
    let has_other_side = |suite: &suites::Suite| suite.has_reference || shop.against != Against::Rabbitmq;
    for suite in suites::SUITES.iter().filter(|suite| is_wanted(suite.name) && has_other_side(suite)) {
        rows.push(timed(&shop, suite.name, suite.what, || {
            counted(suites::run(&shop, suite, write_expected))
        }));
    }
    let is_run = |scenario: &&scenarios::Scenario| {
        is_wanted(scenario.name) && (scenario.has_reference() || shop.against != Against::Rabbitmq)
    };
    for scenario in scenarios::SCENARIOS.iter().filter(is_run) {
        rows.push(timed(&shop, scenario.name, scenario.what, || counted(scenarios::run(&shop, scenario))));
    }
    if rows.is_empty() {
        bail!("no suite has such a name; `cargo xtask test --list` prints them");
    }
    finish(&rows)
}

fn counted(result: Result<Vec<Case>>) -> Tally {
    match result {
        Ok(cases) => Tally::of(&cases),
        Err(error) => Tally::of(&[Case::failed("the suite itself", format!("{error:#}"))]),
    }
}

fn timed(shop: &Workshop, name: &str, what: &str, run: impl FnOnce() -> Tally) -> Row {
    shop.say(&format!("{name}: {what}"));
    let start = Instant::now();
    let tally = run();
    let took = start.elapsed();
    let (passed, failed) = (tally.passed, tally.failures.len());
    if tally.failures.is_empty() {
        // There may be none.
        let _ = std::fs::remove_dir_all(shop.run_folder(name));
    }
    shop.say(&format!("{name}: {passed} passed, {failed} failed in {:.1} s", took.as_secs_f64()));
    for (case, why) in &tally.failures {
        println!("  FAILED {case}: {why}");
    }
    Row { step: name.to_owned(), tally, took }
}

fn finish(rows: &[Row]) -> Result<bool> {
    let (text, is_good) = closing(rows);
    print!("\n{text}");
    Ok(is_good)
}

fn value<'a>(option: &str, value: Option<&'a String>) -> Result<&'a str> {
    value.map(String::as_str).with_context(|| format!("{option} needs a value"))
}

fn path(option: &str, given: Option<&String>) -> Result<PathBuf> {
    let path = PathBuf::from(value(option, given)?);
    // The brokers are started in folders of their own.
    std::fs::canonicalize(&path).with_context(|| format!("{option}: {} is not there", path.display()))
}

fn number<T: std::str::FromStr>(option: &str, given: Option<&String>) -> Result<T> {
    let text = value(option, given)?;
    text.parse().ok().with_context(|| format!("{option} needs a whole number, not `{text}`"))
}

fn split(names: &str) -> Vec<String> {
    names.split(',').map(|name| name.trim().to_owned()).collect()
}
