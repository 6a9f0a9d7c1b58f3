//! Counts per step, and the closing table that a person and a machine read.

use std::time::Duration;

/// What became of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It ran and held.
    Passed,
    /// It ran and did not hold, or it should have run and did not; with the reason.
    Failed(String),
    /// It was left out on purpose; with the reason.
    Skipped(String),
}

/// One named test with its outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Case {
    /// Name, unique within its suite.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
}

impl Case {
    /// A passed test.
    pub(crate) fn passed(name: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Passed }
    }

    /// A failed test and why.
    pub(crate) fn failed(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Failed(why.into()) }
    }

    /// A test left out on purpose and why.
    pub(crate) fn skipped(name: impl Into<String>, why: impl Into<String>) -> Self {
        Self { name: name.into(), outcome: Outcome::Skipped(why.into()) }
    }
}

/// The result of one step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Tests that held.
    pub passed: usize,
    /// Names and reasons of those that did not.
    pub failures: Vec<(String, String)>,
    /// Tests left out on purpose.
    pub skipped: usize,
}

impl Tally {
    /// Adds up single tests.
    pub(crate) fn of(cases: &[Case]) -> Self {
        let mut tally = Self::default();
        for case in cases {
            match &case.outcome {
                Outcome::Passed => tally.passed += 1,
                Outcome::Failed(why) => tally.failures.push((case.name.clone(), why.clone())),
                Outcome::Skipped(_) => tally.skipped += 1,
            }
        }
        tally
    }
}

/// One row of the closing table.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Name of the step.
    pub step: String,
    /// Its counts.
    pub tally: Tally,
    /// How long it took.
    pub took: Duration,
}

/// The closing text: failures by name, a table, and the plain last line. The second value is false when anything failed.
pub(crate) fn closing(rows: &[Row]) -> (String, bool) {
    let mut text = String::new();
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for row in rows {
        for (name, why) in &row.tally.failures {
            text.push_str(&format!("FAILED {}: {name}: {why}\n", row.step));
        }
    }
    text.push_str(&format!(
        "\n{:<24} {:>7} {:>7} {:>8} {:>9}\n",
        "step", "passed", "failed", "skipped", "seconds"
    ));
    for row in rows {
        passed += row.tally.passed;
        failed += row.tally.failures.len();
        skipped += row.tally.skipped;
        text.push_str(&format!(
            "{:<24} {:>7} {:>7} {:>8} {:>9.1}\n",
            row.step,
            row.tally.passed,
            row.tally.failures.len(),
            row.tally.skipped,
            row.took.as_secs_f64()
        ));
    }
    text.push('\n');
    text.push_str(&format!("{passed} passed, {failed} failed"));
    if skipped > 0 {
        text.push_str(&format!(", {skipped} skipped"));
    }
    text.push('\n');
    (text, failed == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_plain_count() {
        let tally = Tally::of(&[Case::passed("a"), Case::failed("b", "no"), Case::skipped("c", "later")]);
        let row = Row { step: "unit".into(), tally, took: Duration::from_secs(1) };
        let (text, is_good) = closing(&[row]);
        assert_eq!(text.lines().last(), Some("1 passed, 1 failed, 1 skipped"));
        assert!(text.starts_with("FAILED unit: b: no\n"));
        assert!(!is_good);
    }

    #[test]
    fn nothing_skipped_is_not_mentioned() {
        let row = Row { step: "unit".into(), tally: Tally::of(&[Case::passed("a")]), took: Duration::ZERO };
        let (text, is_good) = closing(&[row]);
        assert_eq!(text.lines().last(), Some("1 passed, 0 failed"));
        assert!(is_good);
    }
}
