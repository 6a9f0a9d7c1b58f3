//! Reading what test runners print into one list of cases. Pure: text in, cases out.

use serde_json::Value;

use super::tally::Case;

/// Output of `cargo test`: each name is prefixed by the program it came from, since two programs may share a name.
pub(crate) fn read_libtest(text: &str) -> Vec<Case> {
    let mut program = String::new();
    let mut cases = Vec::new();
    for line in text.lines() {
        if let Some(name) = program_name(line) {
            program = name;
            continue;
        }
        let Some(rest) = line.strip_prefix("test ") else { continue };
        let Some((name, verdict)) = rest.rsplit_once(" ... ") else { continue };
        let name = format!("{program}::{}", name.trim_end_matches(" - should panic"));
        if verdict == "ok" {
            cases.push(Case::passed(name));
        } else if verdict.starts_with("ignored") {
            cases.push(Case::skipped(name, "ignored by its author"));
        } else if verdict.starts_with("FAILED") {
            cases.push(Case::failed(name, "failed, see the log"));
        }
    }
    cases
}

/// `Running tests/basic.rs (path)`, `Running unittests src/lib.rs (path)`, `Doc-tests name`.
fn program_name(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(format!("doc {name}"));
    }
    let rest = line.strip_prefix("Running ")?;
    let (source, program) = rest.split_once(" (")?;
    let source = source.trim_start_matches("unittests ");
    if source.starts_with("src/") {
        let program = program.trim_end_matches(')').rsplit('/').next()?;
        let (stem, _hash) = program.rsplit_once('-')?;
        return Some(stem.to_owned());
    }
    Some(source.trim_start_matches("tests/").trim_end_matches(".rs").to_owned())
}

/// Output of `pytest -v --color=no`: lines like `path::test[param] PASSED [ 3%]`.
pub(crate) fn read_pytest(text: &str) -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if !line.contains("::") || line.starts_with(' ') {
            continue;
        }
        let line = match line.rsplit_once(" [") {
            Some((head, percent)) if percent.ends_with("%]") => head.trim_end(),
            _ => continue,
        };
        let Some((name, verdict)) = split_verdict(line) else { continue };
        let case = match verdict {
            "PASSED" | "XPASS" => Case::passed(name),
            "SKIPPED" | "XFAIL" => Case::skipped(name, "skipped by its author"),
            _ => Case::failed(name, "failed, see the log"),
        };
        // A test that passed and then broke in its teardown has two lines: the last one counts.
        match cases.iter_mut().find(|known| known.name == case.name) {
            Some(known) => *known = case,
            None => cases.push(case),
        }
    }
    cases
}

fn split_verdict(line: &str) -> Option<(&str, &str)> {
    // The verdict may carry a reason in brackets: `SKIPPED (no server)`.
    let line = match line.rsplit_once(" (") {
        Some((head, reason)) if reason.ends_with(')') => head,
        _ => line,
    };
    let (name, verdict) = line.rsplit_once(' ')?;
    let is_verdict = ["PASSED", "FAILED", "ERROR", "SKIPPED", "XFAIL", "XPASS"].contains(&verdict);
    is_verdict.then_some((name.trim(), verdict))
}

/// Output of `go test -json`: one event a line; sub-tests count as tests of their own.
pub(crate) fn read_go(text: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('{')) {
        let Ok(event) = serde_json::from_str::<Value>(line) else { continue };
        let Some(name) = event.get("Test").and_then(Value::as_str) else { continue };
        match event.get("Action").and_then(Value::as_str) {
            Some("pass") => cases.push(Case::passed(name)),
            Some("fail") => cases.push(Case::failed(name, "failed, see the log")),
            Some("skip") => cases.push(Case::skipped(name, "skipped by its author")),
            _ => {}
        }
    }
    cases
}

/// One line of a scenario program: `ok name`, `FAILED name: why`, `skipped name: why`.
pub(crate) fn read_scenario_line(line: &str) -> Option<Case> {
    if let Some(name) = line.strip_prefix("ok ") {
        return Some(Case::passed(name.trim()));
    }
    if let Some(rest) = line.strip_prefix("FAILED ") {
        let (name, why) = rest.split_once(':').unwrap_or((rest, "no reason given"));
        return Some(Case::failed(name.trim(), why.trim()));
    }
    let rest = line.strip_prefix("skipped ")?;
    let (name, why) = rest.split_once(':').unwrap_or((rest, "no reason given"));
    Some(Case::skipped(name.trim(), why.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test::tally::Outcome;

    fn check(cases: &[Case], expect: &str) {
        let shown: Vec<String> = cases
            .iter()
            .map(|case| {
                let mark = match case.outcome {
                    Outcome::Passed => "+",
                    Outcome::Failed(_) => "-",
                    Outcome::Skipped(_) => "o",
                };
                format!("{mark}{}", case.name)
            })
            .collect();
        assert_eq!(shown.join(" "), expect);
    }

    #[test]
    fn cargo_test_names_carry_their_program() {
        let text = "     Running unittests src/lib.rs (target/debug/deps/lapin-0f3a)\n\
                    test uri::parse ... ok\n\
                    test result: ok. 1 passed; 0 failed\n\
                    \x20    Running tests/basic.rs (target/debug/deps/basic-77aa)\n\
                    test publish ... FAILED\n\
                    test slow ... ignored, needs a cluster\n\
                    test stops - should panic ... ok\n\
                    \x20  Doc-tests lapin\n\
                    test src/lib.rs - (line 10) ... ok\n";
        check(
            &read_libtest(text),
            "+lapin::uri::parse -basic::publish obasic::slow +basic::stops +doc lapin::src/lib.rs - (line 10)",
        );
    }

    #[test]
    fn pytest_lines_count_once_and_the_last_verdict_holds() {
        let text = "t/a.py::one PASSED   [ 10%]\n\
                    t/a.py::two[a-b c] FAILED [ 20%]\n\
                    t/a.py::three SKIPPED (no tls) [ 30%]\n\
                    t/a.py::one ERROR [ 30%]\n\
                    FAILED t/a.py::two[a-b c] - assert 1 == 2\n";
        check(&read_pytest(text), "-t/a.py::one -t/a.py::two[a-b c] ot/a.py::three");
    }

    #[test]
    fn go_events_and_noise() {
        let text = "{\"Action\":\"run\",\"Test\":\"TestA\"}\n\
                    {\"Action\":\"pass\",\"Test\":\"TestA\"}\n\
                    {\"Action\":\"fail\",\"Test\":\"TestB/x\"}\n\
                    {\"Action\":\"pass\"}\nnot json\n";
        check(&read_go(text), "+TestA -TestB/x");
    }

    #[test]
    fn scenario_lines() {
        let text = ["ok declare", "FAILED dlx: no x-death", "skipped kill: no harness", "note: hello"];
        let cases: Vec<Case> = text.iter().filter_map(|line| read_scenario_line(line)).collect();
        check(&cases, "+declare -dlx okill");
    }
}
