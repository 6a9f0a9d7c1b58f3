//! No file over 1,000 lines, no function over 70.

use super::Finding;
use super::exceptions::Exceptions;
use super::source::{Source, item_end};

const FILE_LINES: usize = 1_000;
const FUNCTION_LINES: usize = 70;

/// Checks every Rust file.
pub(crate) fn check(sources: &[Source], exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources {
        let lines = source.code.len();
        if lines > FILE_LINES && !exceptions.excuse("size", &source.path) {
            let text = format!("{lines} lines, at most {FILE_LINES}: split it by concept");
            findings.push(Finding::new(&source.path, 0, "size", text));
        }
        for function in functions(source).into_iter().filter(|function| function.lines > FUNCTION_LINES) {
            let place = format!("{}::{}", source.path, function.name);
            if !exceptions.excuse("size", &place) {
                let text = format!(
                    "fn {} has {} lines, at most {FUNCTION_LINES}: branch in the caller, compute in the callee",
                    function.name, function.lines
                );
                findings.push(Finding::new(&source.path, function.start, "size", text));
            }
        }
    }
    findings
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    start: usize,
    lines: usize,
}

/// Functions with a body; one inside another counts for both.
fn functions(source: &Source) -> Vec<Function> {
    let mut found = Vec::new();
    for (index, line) in source.code.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let end = item_end(&source.code, index);
        found.push(Function { name: name.to_owned(), start: index + 1, lines: end - index + 1 });
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let mut rest = line.trim_start();
    for word in ["pub", "const", "async", "unsafe", "extern"] {
        if let Some(after) = rest.strip_prefix(word) {
            // `pub(crate)`, or a blanked ABI name.
            let after = after
                .strip_prefix('(')
                .map_or(after, |inner| inner.split_once(')').map_or(inner, |(_, tail)| tail));
            rest = if after.starts_with(' ') { after.trim_start() } else { rest };
        }
    }
    let rest = rest.strip_prefix("fn ")?;
    let end = rest.find(|letter: char| !(letter.is_alphanumeric() || letter == '_')).unwrap_or(rest.len());
    rest.get(..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_are_measured_with_their_head() {
        let body = "    let x = [1; 3];\n".repeat(69);
        let text = format!(
            "fn short() {{}}\n\npub(crate) async fn long(\n    a: u8,\n) -> u8 {{\n{body}}}\ntrait T {{\n    fn none(&self);\n}}\n"
        );
        let source = Source::new("crates/core/x/src/lib.rs", &text);
        let shown: Vec<(String, usize)> = functions(&source).into_iter().map(|f| (f.name, f.lines)).collect();
        assert_eq!(shown, [("short".into(), 1), ("long".into(), 73), ("none".into(), 1)]);
    }

    #[test]
    fn too_long_is_found_and_can_be_excused() {
        let text = format!("fn long() {{\n{}}}\n", "    f();\n".repeat(70));
        let sources = [Source::new("a.rs", &text)];
        let mut none = Exceptions::empty();
        assert_eq!(check(&sources, &mut none).len(), 1);
        let files = [Source::new("b.rs", &"\n".repeat(1_001))];
        assert_eq!(check(&files, &mut none).len(), 1);
    }
}
