//! Each row of a COVERAGE.md that says `done` names a test, and the test is there.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use super::source::Source;
use crate::project::{files, shown};

/// Checks every COVERAGE.md below `crates`.
pub(crate) fn check(root: &Path, sources: &[Source]) -> Result<Vec<Finding>> {
    let known = test_names(sources);
    let mut findings = Vec::new();
    for page in files(&root.join("crates"), &["COVERAGE.md"]) {
        let text =
            std::fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        let folder = page.parent().unwrap_or(root);
        findings.extend(check_page(&shown(root, &page), &text, |name| {
            known.contains(last_part(name)) || folder.join(name).is_file() || root.join(name).is_file()
        }));
    }
    Ok(findings)
}

/// Names of functions in test code, and of fuzz targets.
fn test_names(sources: &[Source]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for source in sources {
        for (line, is_test) in source.code.iter().zip(&source.is_test) {
            let name = line.trim_start().strip_prefix("fn ").and_then(|rest| rest.split(['(', '<']).next());
            if let Some(name) = name.filter(|_| *is_test) {
                names.insert(name.to_owned());
            }
        }
        if let Some(target) = source.path.strip_prefix("testing/fuzz/targets/") {
            names.insert(target.trim_end_matches(".rs").to_owned());
        }
    }
    names
}

fn last_part(name: &str) -> &str {
    name.rsplit("::").next().unwrap_or(name)
}

fn check_page(page: &str, text: &str, is_known: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (mut tested_by, mut section) = (None, Vec::new());
    for (index, line) in text.lines().enumerate() {
        let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
        if !line.trim_start().starts_with('|') || cells.len() < 3 {
            tested_by = None;
            if line.starts_with('#') {
                section.clear();
            }
            section.extend(quoted(line));
            continue;
        }
        if let Some(column) = cells.iter().position(|cell| cell.eq_ignore_ascii_case("tested by")) {
            tested_by = Some(column);
            continue;
        }
        let is_done =
            cells.iter().skip(1).any(|cell| cell.split([' ', ':', ';', ',']).next() == Some("done"));
        if is_done && let Some(text) = fault(&cells, tested_by, &section, &is_known) {
            findings.push(Finding::new(page, index + 1, "coverage", text));
        }
    }
    findings
}

/// What is wrong with a row that says done. A table without a column for tests has them in the text above it.
fn fault(
    cells: &[&str],
    tested_by: Option<usize>,
    section: &[&str],
    is_known: impl Fn(&str) -> bool,
) -> Option<String> {
    let Some(column) = tested_by else {
        let is_shown = section.iter().any(|name| is_known(name));
        return (!is_shown).then(|| "says done, and the section names no test that is there".to_owned());
    };
    let names = quoted(cells.get(column).copied().unwrap_or_default());
    let missing: Vec<&str> = names.iter().copied().filter(|name| !is_known(name)).collect();
    if names.is_empty() {
        return Some("says done and names no test: name it in backticks".to_owned());
    }
    (!missing.is_empty()).then(|| format!("names a test that is not there: {}", missing.join(", ")))
}

fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn done_needs_a_test_that_is_there() {
        let text = "| id | rule | codec | tested by |\n| --- | --- | --- | --- |\n\
                    | 1 | a | done | `frames::good` |\n\
                    | 2 | b | done: both | `frames::gone` |\n\
                    | 3 | c | done | by eye |\n\
                    | 4 | d | todo | - |\n\
                    | 5 | what is done here | todo | - |\n\
                    # Methods\nshown by `all::good`\n\
                    | m | n | codec |\n| --- | --- | --- |\n| `x` | 1 | done |\n\
                    # Others\n\
                    | m | n | codec |\n| --- | --- | --- |\n| `good` | 1 | done |\n";
        let findings = check_page("C.md", text, |name| last_part(name) == "good");
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [4, 5, 16]);
    }

    #[test]
    fn test_names_come_from_test_code_and_fuzz_targets() {
        let sources = [
            Source::new(
                "crates/a/src/lib.rs",
                "fn product() {}\n#[cfg(test)]\nmod tests {\n    fn seen() {}\n}\n",
            ),
            Source::new("testing/fuzz/targets/frame.rs", ""),
        ];
        let names = test_names(&sources);
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["frame", "seen"]);
    }
}
