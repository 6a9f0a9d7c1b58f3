//! The list of what a suite must do, checked in per suite, against what it did.
//!
//! A line of `testing/conformance/expected/<suite>.txt` is `pass NAME`, or `open NAME -- reason` for a test that the
//! reference does not pass either or that asks for something we deliberately do not have. Everything else is a comment (`#`).
//! An `open` test may pass; when it does not, it counts as skipped with its reason. A test on no list is an error:
//! versions are pinned, so the list is complete.

use std::collections::BTreeMap;

use anyhow::{Result, bail};

use super::tally::{Case, Outcome};

/// What is asked of one test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It must pass.
    Pass,
    /// It need not pass, for this reason.
    Open(String),
}

/// The demands on a suite, by test name.
pub(crate) type Expected = BTreeMap<String, Demand>;

/// Reads a list.
pub(crate) fn parse(text: &str) -> Result<Expected> {
    let mut expected = Expected::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, demand) = match (line.strip_prefix("pass "), line.strip_prefix("open ")) {
            (Some(name), _) => (name, Demand::Pass),
            (None, Some(rest)) => match rest.rsplit_once(" -- ") {
                Some((name, reason)) if !reason.trim().is_empty() => {
                    (name, Demand::Open(reason.trim().into()))
                }
                _ => bail!("line {}: an open test needs its reason: `open NAME -- reason`", index + 1),
            },
            (None, None) => bail!("line {}: begin with `pass`, `open` or `#`, not `{line}`", index + 1),
        };
        if expected.insert(name.trim().to_owned(), demand).is_some() {
            bail!("line {}: `{}` is on the list twice", index + 1, name.trim());
        }
    }
    Ok(expected)
}

/// Judges a run: one case per demanded test, plus one for each test that no demand names.
pub(crate) fn judge(cases: &[Case], expected: &Expected) -> Vec<Case> {
    let mut judged = Vec::new();
    for (name, demand) in expected {
        let ran = cases.iter().find(|case| &case.name == name);
        judged.push(match (ran.map(|case| &case.outcome), demand) {
            (Some(Outcome::Passed), _) => Case::passed(name),
            (_, Demand::Open(reason)) => Case::skipped(name, reason),
            (Some(Outcome::Failed(why)), Demand::Pass) => Case::failed(name, why),
            (Some(Outcome::Skipped(why)), Demand::Pass) => {
                Case::failed(name, format!("was skipped ({why}), the list says it passes"))
            }
            (None, Demand::Pass) => Case::failed(name, "did not run"),
        });
    }
    for case in cases.iter().filter(|case| !expected.contains_key(&case.name)) {
        judged.push(Case::failed(&case.name, "is on no list: add it to the expected file of its suite"));
    }
    judged
}

/// A fresh list from a run of the reference. Reasons already written are kept.
pub(crate) fn render(suite: &str, cases: &[Case], known: &Expected) -> String {
    let mut lines = vec![
        format!(
            "# {suite}: what the reference broker does with it. Kept by `cargo xtask conform --against rabbitmq --write-expected`."
        ),
        "# pass NAME: must pass.   open NAME -- reason: need not pass.".to_owned(),
    ];
    let mut sorted: Vec<&Case> = cases.iter().collect();
    sorted.sort_by(|a, b| a.name.cmp(&b.name));
    for case in sorted {
        let line = match (&case.outcome, known.get(&case.name)) {
            (Outcome::Passed, _) => format!("pass {}", case.name),
            (_, Some(Demand::Open(reason))) => format!("open {} -- {reason}", case.name),
            (Outcome::Failed(_), _) => format!("open {} -- the reference fails it too", case.name),
            (Outcome::Skipped(why), _) => format!("open {} -- {why}", case.name),
        };
        lines.push(line);
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "# list\npass a\npass b\nopen c -- needs TLS\nopen d -- slow\npass gone\n";

    #[test]
    fn each_kind_of_difference() {
        let cases = [
            Case::passed("a"),
            Case::failed("b", "boom"),
            Case::failed("c", "refused"),
            Case::passed("d"),
            Case::passed("new"),
        ];
        let judged = judge(&cases, &parse(LIST).unwrap());
        let expect = [
            Case::passed("a"),
            Case::failed("b", "boom"),
            Case::skipped("c", "needs TLS"),
            Case::passed("d"),
            Case::failed("gone", "did not run"),
            Case::failed("new", "is on no list: add it to the expected file of its suite"),
        ];
        assert_eq!(judged, expect);
    }

    #[test]
    fn an_open_test_needs_a_reason_and_a_name_appears_once() {
        assert!(parse("open c").is_err());
        assert!(parse("open c -- ").is_err());
        assert!(parse("pass a\npass a").is_err());
        assert!(parse("maybe a").is_err());
    }

    #[test]
    fn a_rendered_list_reads_back_and_keeps_reasons() {
        let known = parse(LIST).unwrap();
        let text = render("x", &[Case::passed("a"), Case::failed("c", "refused")], &known);
        let again = parse(&text).unwrap();
        assert_eq!(again.get("a"), Some(&Demand::Pass));
        assert_eq!(again.get("c"), Some(&Demand::Open("needs TLS".into())));
    }
}
