//! Named exceptions to the rules, in `crates/tools/xtask/tidy-exceptions.txt`. The list may only shrink: an entry that excuses
//! nothing is a finding of its own.

use std::path::Path;

use anyhow::{Context, Result, bail};

use super::Finding;

const FILE: &str = "crates/tools/xtask/tidy-exceptions.txt";

/// The list, and which entries were needed.
#[derive(Debug)]
pub(crate) struct Exceptions {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    line: usize,
    rule: String,
    place: String,
    is_used: bool,
}

impl Exceptions {
    /// Reads the list: `rule place -- reason` on each line.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let path = root.join(FILE);
        let text =
            std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Self::parse(&text)
    }

    /// An empty list.
    #[cfg(test)]
    pub(crate) fn empty() -> Self {
        Self { entries: Vec::new() }
    }

    fn parse(text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for (index, line) in text.lines().enumerate() {
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let parts =
                line.split_once(" -- ").and_then(|(head, reason)| Some((head.split_once(' ')?, reason)));
            let Some(((rule, place), reason)) = parts else {
                bail!("{FILE}:{}: write `rule place -- reason`", index + 1);
            };
            if reason.trim().is_empty() {
                bail!("{FILE}:{}: an exception needs its reason", index + 1);
            }
            entries.push(Entry {
                line: index + 1,
                rule: rule.into(),
                place: place.trim().into(),
                is_used: false,
            });
        }
        Ok(Self { entries })
    }

    /// Whether `place` is excused from `rule`. The place is a path, or `path::name` for one function.
    pub(crate) fn excuse(&mut self, rule: &str, place: &str) -> bool {
        let mut is_excused = false;
        for entry in self.entries.iter_mut().filter(|entry| entry.rule == rule && entry.place == place) {
            entry.is_used = true;
            is_excused = true;
        }
        is_excused
    }

    /// Entries that no check needed.
    pub(crate) fn unused(&self) -> Vec<Finding> {
        let unused = self.entries.iter().filter(|entry| !entry.is_used);
        unused
            .map(|entry| {
                let text =
                    format!("`{} {}` excuses nothing any more: remove the line", entry.rule, entry.place);
                Finding::new(FILE, entry.line, "exceptions", text)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_that_is_not_needed_is_found() {
        let mut list = Exceptions::parse("# why\nsize a.rs -- a table\nsize b.rs::f -- one match\n").unwrap();
        assert!(list.excuse("size", "a.rs"));
        assert!(!list.excuse("size", "c.rs"));
        assert!(!list.excuse("calls", "b.rs::f"));
        let unused = list.unused();
        assert_eq!(unused.len(), 1);
        assert_eq!(unused[0].line, 3);
    }

    #[test]
    fn an_exception_without_a_reason_is_refused() {
        assert!(Exceptions::parse("size a.rs").is_err());
        assert!(Exceptions::parse("size a.rs -- ").is_err());
    }
}
