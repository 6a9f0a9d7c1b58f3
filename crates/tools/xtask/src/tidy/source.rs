//! Source files as the checks see them: code apart from comments and strings, tests apart from the rest.
//!
//! This is no parser. It is right for code that rustfmt wrote, which all of ours is.

use std::path::Path;

use anyhow::{Context, Result};

use crate::project::{files, shown};

/// One Rust file.
#[derive(Debug)]
pub(crate) struct Source {
    /// Path from the root.
    pub path: String,
    /// Its lines with every comment and the inside of every string blanked.
    pub code: Vec<String>,
    /// For each line, whether it belongs to tests.
    pub is_test: Vec<bool>,
}

impl Source {
    /// Reads a file's text.
    pub(crate) fn new(path: &str, text: &str) -> Self {
        let code: Vec<String> = blank(text).lines().map(str::to_owned).collect();
        let is_test = if is_test_path(path) { vec![true; code.len()] } else { test_lines(&code) };
        Self { path: path.to_owned(), code, is_test }
    }

    /// Lines of code outside tests, numbered from 1.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self.code.iter().zip(&self.is_test).enumerate();
        lines.filter(|(_, (_, is_test))| !**is_test).map(|(index, (line, _))| (index + 1, line.as_str()))
    }
}

/// Every Rust file of the repository.
pub(crate) fn read_all(root: &Path) -> Result<Vec<Source>> {
    let mut sources = Vec::new();
    for folder in ["crates", "testing"] {
        for path in files(&root.join(folder), &[".rs"]) {
            let text =
                std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
            sources.push(Source::new(&shown(root, &path), &text));
        }
    }
    Ok(sources)
}

fn is_test_path(path: &str) -> bool {
    let is_in_tests = path.split('/').any(|part| ["tests", "benches", "examples"].contains(&part));
    is_in_tests || path.ends_with("/tests.rs") || path.ends_with("_tests.rs") || path.starts_with("testing/")
}

/// Marks what a `#[cfg(test)]` or `#[test]` covers: the item after it, up to its closing brace or semicolon.
fn test_lines(code: &[String]) -> Vec<bool> {
    let mut marks = vec![false; code.len()];
    let mut index = 0;
    while let Some(line) = code.get(index) {
        let attribute = line.trim();
        if !(attribute.starts_with("#[cfg(test)]") || attribute.starts_with("#[cfg(all(test")) {
            index += 1;
            continue;
        }
        let end = item_end(code, index + 1);
        marks.iter_mut().take(end + 1).skip(index).for_each(|mark| *mark = true);
        index = end + 1;
    }
    marks
}

/// Last line of the item that begins at `start`, or after attributes there.
pub(crate) fn item_end(code: &[String], start: usize) -> usize {
    let (mut braces, mut brackets) = (0_i32, 0_i32);
    for (index, line) in code.iter().enumerate().skip(start) {
        for letter in line.chars() {
            match letter {
                '{' => braces += 1,
                '(' | '[' => brackets += 1,
                ')' | ']' => brackets -= 1,
                '}' => {
                    braces -= 1;
                    if braces == 0 && brackets == 0 {
                        return index;
                    }
                }
                ';' if braces == 0 && brackets == 0 => return index,
                _ => {}
            }
        }
    }
    code.len().saturating_sub(1)
}

/// Replaces comments and the inside of string and character literals by spaces; lines stay lines.
fn blank(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while let Some(&letter) = letters.get(at) {
        let next = letters.get(at + 1).copied();
        let end = match letter {
            '/' if next == Some('/') => find(&letters, at, |rest| rest.first() == Some(&'\n'), 0),
            '/' if next == Some('*') => comment_end(&letters, at),
            'r' | 'b' if starts_raw(&letters, at) => raw_end(&letters, at),
            '"' => string_end(&letters, at),
            '\'' => match char_end(&letters, at) {
                Some(end) => end,
                None => at + 1,
            },
            _ => at + 1,
        };
        if end == at + 1 {
            out.push(letter);
        } else {
            out.extend(
                letters.get(at..end).unwrap_or_default().iter().map(|l| if *l == '\n' { '\n' } else { ' ' }),
            );
        }
        at = end.max(at + 1);
    }
    out
}

fn find(letters: &[char], from: usize, is_end: impl Fn(&[char]) -> bool, keep: usize) -> usize {
    let rest = (from..letters.len()).find(|at| is_end(letters.get(*at..).unwrap_or_default()));
    rest.map_or(letters.len(), |at| at + keep)
}

fn comment_end(letters: &[char], from: usize) -> usize {
    let (mut depth, mut at) = (0, from);
    while at < letters.len() {
        match (letters.get(at), letters.get(at + 1)) {
            (Some('/'), Some('*')) => (depth, at) = (depth + 1, at + 2),
            (Some('*'), Some('/')) => {
                (depth, at) = (depth - 1, at + 2);
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    letters.len()
}

/// `r"`, `r#"`, `br"`: and not the end of a longer name.
fn starts_raw(letters: &[char], at: usize) -> bool {
    let before = at.checked_sub(1).and_then(|before| letters.get(before));
    if before.is_some_and(|letter| letter.is_alphanumeric() || *letter == '_') {
        return false;
    }
    let mut rest = letters.iter().skip(at).peekable();
    rest.next_if(|letter| **letter == 'b');
    if rest.next_if(|letter| **letter == 'r').is_none() {
        return false;
    }
    while rest.next_if(|letter| **letter == '#').is_some() {}
    rest.next() == Some(&'"')
}

fn raw_end(letters: &[char], at: usize) -> usize {
    let start = find(letters, at, |rest| rest.first() == Some(&'"'), 1);
    let hashes = letters.get(at..start).unwrap_or_default().iter().filter(|letter| **letter == '#').count();
    let is_end = |rest: &[char]| {
        rest.first() == Some(&'"')
            && rest.iter().skip(1).take(hashes).filter(|l| **l == '#').count() == hashes
    };
    find(letters, start, is_end, 1 + hashes)
}

fn string_end(letters: &[char], at: usize) -> usize {
    let mut index = at + 1;
    while let Some(letter) = letters.get(index) {
        match letter {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    letters.len()
}

/// End of a character literal; `None` when the quote begins a lifetime.
fn char_end(letters: &[char], at: usize) -> Option<usize> {
    if letters.get(at + 1) == Some(&'\\') {
        return Some(find(letters, at + 3, |rest| rest.first() == Some(&'\''), 1));
    }
    (letters.get(at + 2) == Some(&'\'')).then_some(at + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(blank(text), expect);
    }

    #[test]
    fn comments_and_literals_are_blanked() {
        check("a // b\nc", "a     \nc");
        check("a /* b /* c */ */ d", "a                 d");
        check("f(\"x{\", 'y', '{', '\\n')", "f(    ,    ,    ,     )");
        check("fn f<'a>(x: &'a str)", "fn f<'a>(x: &'a str)");
        check("r#\"a\"b\"# + 1", "         + 1");
        check("\"a\\\"b\" + 1", "       + 1");
    }

    #[test]
    fn tests_end_with_their_brace() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {\n    }\n}\nfn c() {}\n#[cfg(test)]\nmod more;\nfn d() {}\n";
        let source = Source::new("crates/core/x/src/lib.rs", text);
        let kept: Vec<usize> = source.product_lines().map(|(line, _)| line).collect();
        assert_eq!(kept, [1, 7, 10]);
    }

    #[test]
    fn test_files_are_tests_throughout() {
        for path in ["crates/core/x/tests/a.rs", "crates/core/x/src/tests/a.rs", "crates/core/x/src/tests.rs"]
        {
            assert_eq!(Source::new(path, "fn a() {}\n").product_lines().count(), 0, "{path}");
        }
    }
}
