//! Fuzz targets on the stable toolchain: coverage counters from the compiler, no sanitizer.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::suites::build;
use super::tally::Case;
use super::workshop::Workshop;
use crate::process::{Ending, output_of, run_logged, tail};

/// For the fuzzer as a whole, whose own tables grow with its corpus. What a decoder may allocate is limited within the
/// targets, much lower (T5 of the guarantees).
const PROCESS_LIMIT_MIB: u32 = 2048;

/// Builds every target of `testing/fuzz` and runs each for the set time, beginning with its seeds.
pub(crate) fn run(shop: &Workshop) -> Result<Vec<Case>> {
    let folder = shop.root.join("testing/fuzz");
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Ok(vec![Case::skipped("all targets", "testing/fuzz/Cargo.toml is not there")]);
    }
    let targets = targets(&folder)?;
    shop.say(&format!("building {} fuzz targets", targets.len()));
    let output = shop.work().join("fuzz");
    let mut cargo = Command::new("cargo");
    // The flags for the counters stand in a configuration file that cargo reads only in this folder.
    cargo
        .args(["build", "--release", "--locked", "--bins"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", &output);
    build(shop, "fuzz", &mut cargo)?;
    let host = output_of(Command::new("rustc").args(["--print", "host-tuple"]))?.trim().to_owned();
    let mut cases = Vec::new();
    // One core each: a fuzzer is one thread that never waits.
    let at_once = std::thread::available_parallelism().map_or(1, usize::from);
    for together in targets.chunks(at_once) {
        let outcomes = std::thread::scope(|scope| {
            let run = |name: &String| {
                run_target(shop, &folder, name, &output.join(&host).join("release").join(name))
            };
            let running: Vec<_> = together.iter().map(|name| scope.spawn(move || run(name))).collect();
            running
                .into_iter()
                .map(|one| one.join().unwrap_or_else(|_| bail!("a fuzz run broke down")))
                .collect()
        });
        let outcomes: Vec<Result<Case>> = outcomes;
        for outcome in outcomes {
            cases.push(outcome?);
        }
    }
    Ok(cases)
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]).current_dir(folder);
    let metadata: Value =
        serde_json::from_str(&output_of(&mut cargo)?).context("cargo metadata printed no JSON")?;
    let packages = metadata.get("packages").and_then(Value::as_array).cloned().unwrap_or_default();
    let mut names: Vec<String> = packages
        .iter()
        .flat_map(|package| package.get("targets").and_then(Value::as_array).cloned().unwrap_or_default())
        .filter(|target| {
            target
                .get("kind")
                .and_then(Value::as_array)
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
        })
        .filter_map(|target| target.get("name").and_then(Value::as_str).map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

fn run_target(shop: &Workshop, folder: &Path, name: &str, program: &Path) -> Result<Case> {
    shop.say(&format!("fuzzing {name} for {} s", shop.fuzz_seconds));
    let found = shop.work().join("fuzz-found").join(name);
    let grown = shop.work().join("fuzz-corpus").join(name);
    std::fs::create_dir_all(&found).context("cannot make the folder for findings")?;
    std::fs::create_dir_all(&grown).context("cannot make the corpus folder")?;
    let mut command = Command::new(program);
    command
        .arg(format!("-max_total_time={}", shop.fuzz_seconds))
        .arg(format!("-rss_limit_mb={PROCESS_LIMIT_MIB}"))
        .args(["-timeout=2", "-print_final_stats=1"])
        .arg(format!("-artifact_prefix={}/", found.display()))
        .arg(&grown);
    let seeds = folder.join("seeds").join(name);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    let log = shop.log(&format!("fuzz-{name}"));
    let limit = Duration::from_secs(shop.fuzz_seconds + 60);
    Ok(match run_logged(&mut command, &log, limit)? {
        Ending::Succeeded => Case::passed(name),
        Ending::Failed => {
            Case::failed(name, format!("found something, input in {}:\n{}", found.display(), tail(&log, 20)))
        }
        Ending::TimedOut => Case::failed(name, "did not end when its time was over"),
    })
}
