//! Calls that the inner rings may not make, and unsafe code.

use super::exceptions::Exceptions;
use super::source::Source;
use super::{Finding, is_inner};
use crate::project::Package;

/// What may not stand in code of the inner rings outside tests, why, and what to write instead.
const BANNED: &[(&str, &str)] = &[
    (".unwrap()", "may end the process: match, or return an error"),
    (".expect(", "may end the process: match, or return an error"),
    ("panic!(", "ends the process: return an error"),
    ("todo!(", "is not finished: refuse with an error"),
    ("unimplemented!(", "is not finished: refuse with an error"),
    ("println!(", "writes to a stream that the host owns: return a value"),
    ("eprintln!(", "writes to a stream that the host owns: return a value"),
    ("dbg!(", "is a leftover: remove it"),
    ("thread::sleep", "waits by sleeping: wait for the event"),
];

/// As above, but allowed where the seams themselves are.
const SEAMS: &[(&str, &str)] = &[
    ("Instant::now", "reads a clock: take the time as an argument, from env::Clock"),
    ("SystemTime::now", "reads a clock: take the time as an argument, from env::Clock"),
    ("std::fs", "touches files: use env::Files"),
    ("File::open", "touches files: use env::Files"),
    ("File::create", "touches files: use env::Files"),
    ("TcpStream::connect", "opens a socket: that is for crates/host"),
    ("TcpListener::bind", "opens a socket: that is for crates/host"),
    ("UdpSocket::bind", "opens a socket: that is for crates/host"),
];

/// The crate that holds the real clock and files.
const SEAM_CRATE: &str = "crates/base/env/";

/// Checks the inner rings for banned calls.
pub(crate) fn check(sources: &[Source], exceptions: &mut Exceptions) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| is_inner(&source.path)) {
        let is_seam = source.path.starts_with(SEAM_CRATE);
        let seams: &[(&str, &str)] = if is_seam { &[] } else { SEAMS };
        for (line, code) in source.product_lines() {
            for (call, mend) in BANNED.iter().chain(seams) {
                if holds(code, call) && !exceptions.excuse("calls", &source.path) {
                    findings.push(Finding::new(&source.path, line, "calls", format!("`{call}` {mend}")));
                }
            }
        }
    }
    findings
}

/// Whether the call stands there as itself and not as the end of a longer name: `println!(` is not in `eprintln!(`.
fn holds(code: &str, call: &str) -> bool {
    code.match_indices(call).any(|(at, _)| {
        let before = code.get(..at).and_then(|head| head.chars().next_back());
        call.starts_with('.') || !before.is_some_and(|letter| letter.is_alphanumeric() || letter == '_')
    })
}

/// Each crate's first file forbids unsafe code, unless it is excused.
pub(crate) fn check_unsafe(
    packages: &[Package],
    sources: &[Source],
    exceptions: &mut Exceptions,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages {
        let roots = ["lib.rs", "main.rs"].map(|name| format!("{}/src/{name}", package.folder));
        for source in sources.iter().filter(|source| roots.contains(&source.path)) {
            let is_forbidden = source.code.iter().any(|line| line.starts_with("#![forbid(unsafe_code)]"));
            if !is_forbidden && !exceptions.excuse("unsafe", &source.path) {
                let text = "add `#![forbid(unsafe_code)]`, or name the file and its reason in the exceptions";
                findings.push(Finding::new(&source.path, 1, "unsafe", text));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_text(path: &str, text: &str, expect: &[usize]) {
        let sources = [Source::new(path, text)];
        let lines: Vec<usize> =
            check(&sources, &mut Exceptions::empty()).iter().map(|finding| finding.line).collect();
        assert_eq!(lines, expect, "{text}");
    }

    #[test]
    fn banned_calls_are_found_outside_tests_only() {
        let path = "crates/core/x/src/lib.rs";
        check_text(path, "a.unwrap();\na.unwrap_or(1);\n// a.unwrap()\nlet s = \".unwrap()\";\n", &[1]);
        check_text(path, "#[cfg(test)]\nmod tests {\n    fn f() { a.unwrap(); }\n}\n", &[]);
        check_text(path, "eprintln!(\"x\");\n", &[1]);
        check_text(path, "let now = Instant::now();\nuse std::fs;\n", &[1, 2]);
    }

    #[test]
    fn other_rings_and_the_seams_have_their_freedom() {
        check_text("crates/base/env/src/lib.rs", "use std::fs;\n", &[]);
        check_text("crates/base/env/src/lib.rs", "a.unwrap();\n", &[1]);
        check_text("crates/host/node/src/lib.rs", "use std::fs;\n", &[]);
    }
}
