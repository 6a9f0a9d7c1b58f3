//! What the documents say about the tree must be so: the crates that ARCHITECTURE.md lists, and every path that is named.

use std::path::Path;

use anyhow::{Context, Result};

use super::Finding;
use crate::project::{Package, files, shown};

const OVERVIEW: &str = "ARCHITECTURE.md";
/// A word in backticks that begins so is a path from the root.
const PATH_STARTS: [&str; 7] = ["crates/", "docs/", "testing/", "changes/", "web/", ".ci/", ".cargo/"];

/// Checks the documents in the root and below `docs`.
pub(crate) fn check(root: &Path, packages: &[Package]) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    match std::fs::read_to_string(root.join(OVERVIEW)) {
        Ok(text) => findings.extend(missing_crates(&text, packages)),
        Err(_) => findings.push(Finding::new(
            OVERVIEW,
            0,
            "documents",
            "is not there: it lists every crate with a paragraph",
        )),
    }
    let mut pages = files(&root.join("docs"), &[".md"]);
    let in_root =
        std::fs::read_dir(root).context("cannot read the root")?.flatten().map(|entry| entry.path());
    pages.extend(in_root.filter(|path| path.extension().is_some_and(|ending| ending == "md")));
    pages.extend(files(&root.join("crates"), &[".md"]));
    pages.extend(files(&root.join("testing"), &[".md"]));
    for page in pages {
        let text =
            std::fs::read_to_string(&page).with_context(|| format!("cannot read {}", page.display()))?;
        findings.extend(wrong_paths(&shown(root, &page), &text, |path| root.join(path).exists()));
    }
    Ok(findings)
}

/// Each crate of the workspace is named by its folder.
fn missing_crates(text: &str, packages: &[Package]) -> Vec<Finding> {
    let crates = packages.iter().filter_map(|package| package.folder.strip_prefix("crates/"));
    crates
        .filter(|folder| !text.contains(*folder))
        .map(|folder| {
            Finding::new(
                OVERVIEW,
                0,
                "documents",
                format!("says nothing about crates/{folder}: add its paragraph"),
            )
        })
        .collect()
}

/// Paths in backticks that lead nowhere. Patterns (`*`, `<name>`, `{a,b}`) and what is made at run time are left out.
fn wrong_paths(page: &str, text: &str, exists: impl Fn(&str) -> bool) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for word in line.split('`').skip(1).step_by(2).flat_map(str::split_whitespace) {
            let path = word.trim_end_matches(['.', ',', ':', ';', ')']);
            let is_path = PATH_STARTS.iter().any(|start| path.starts_with(start));
            if !is_path || path.contains(['*', '<', '{', '$', 'X']) {
                continue;
            }
            // `path:line` and `path::item` name a place in a file.
            let path = path.split(':').next().unwrap_or(path);
            if !exists(path) {
                findings.push(Finding::new(
                    page,
                    index + 1,
                    "documents",
                    format!("`{path}` is not there: mend the path"),
                ));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_in_backticks_must_lead_somewhere() {
        let text = "see `crates/core/queue/src/lib.rs`,\n`crates/gone/x.rs:10` and `docs/*.md`, not crates/gone\n`cargo run testing/none`\n";
        let findings = wrong_paths("A.md", text, |path| path == "crates/core/queue/src/lib.rs");
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [2, 3]);
    }

    #[test]
    fn every_crate_is_in_the_overview() {
        let package = |folder: &str| Package {
            name: "x".into(),
            folder: folder.into(),
            dependencies: Vec::new(),
            binaries: Vec::new(),
        };
        let packages = [package("crates/core/queue"), package("crates/core/gone"), package("testing/fakes")];
        let findings = missing_crates("`core/queue`: one queue", &packages);
        assert_eq!(findings.len(), 1);
        assert!(findings[0].text.contains("crates/core/gone"));
    }
}
