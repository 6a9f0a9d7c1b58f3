//! Checks on the sources that the compiler does not make. They only read; `cargo test -p xtask` runs them too.

mod arrows;
mod calls;
mod coverage;
mod documents;
mod exceptions;
mod sizes;
mod source;
mod words;

use std::fmt;
use std::path::Path;

use anyhow::Result;

use crate::project;
use exceptions::Exceptions;

/// One place that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Path from the root.
    pub file: String,
    /// Line, from 1; 0 when it is the file as a whole.
    pub line: usize,
    /// Short name of the rule.
    pub rule: &'static str,
    /// What is wrong and what to do.
    pub text: String,
}

impl Finding {
    /// A finding; `text` says what is wrong and what mends it.
    fn new(file: &str, line: usize, rule: &'static str, text: impl Into<String>) -> Self {
        Self { file: file.to_owned(), line, rule, text: text.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}: {}", self.file, self.rule, self.text),
            line => write!(f, "{}:{line}: {}: {}", self.file, self.rule, self.text),
        }
    }
}

/// What a run of all checks gave.
#[derive(Debug)]
pub(crate) struct Report {
    /// Names of the checks that found nothing.
    pub passed: Vec<&'static str>,
    /// What the others found.
    pub findings: Vec<Finding>,
}

/// Runs every check on the tree below `root`.
pub(crate) fn check(root: &Path) -> Result<Report> {
    let packages = project::packages(root)?;
    let sources = source::read_all(root)?;
    let mut exceptions = Exceptions::read(root)?;
    let mut checks = vec![
        ("arrows", arrows::check(root, &packages, &sources)),
        ("sizes", sizes::check(&sources, &mut exceptions)),
        ("calls", calls::check(&sources, &mut exceptions)),
        ("words", words::check(&sources)),
        ("unsafe code", calls::check_unsafe(&packages, &sources, &mut exceptions)),
        ("documents", documents::check(root, &packages)?),
        ("coverage", coverage::check(root, &sources)?),
    ];
    checks.push(("exceptions", exceptions.unused()));
    let passed = checks.iter().filter(|(_, findings)| findings.is_empty()).map(|(name, _)| *name).collect();
    let findings = checks.into_iter().flat_map(|(_, findings)| findings).collect();
    Ok(Report { passed, findings })
}

/// `cargo xtask tidy`. False when anything was found.
pub(crate) fn command(args: &[String]) -> Result<bool> {
    anyhow::ensure!(args.is_empty(), "`cargo xtask tidy` has no option `{}`", args.join(" "));
    let report = check(&project::root()?)?;
    for finding in &report.findings {
        println!("{finding}");
    }
    println!("tidy: {} checks without a finding, {} findings", report.passed.len(), report.findings.len());
    Ok(report.findings.is_empty())
}

/// The innermost ring's name of a path, `core` for `crates/core/queue/src/lib.rs`.
fn ring_of(path: &str) -> Option<&str> {
    path.strip_prefix("crates/")?.split('/').next()
}

/// Rings that have no I/O, no clock and no way to end the process.
const INNER_RINGS: [&str; 5] = ["base", "core", "store", "protocols", "dialects"];

fn is_inner(path: &str) -> bool {
    ring_of(path).is_some_and(|ring| INNER_RINGS.contains(&ring))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        let report = check(&project::root().unwrap()).unwrap();
        let shown: Vec<String> = report.findings.iter().map(Finding::to_string).collect();
        assert!(shown.is_empty(), "\n{}", shown.join("\n"));
    }
}
