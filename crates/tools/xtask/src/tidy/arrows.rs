//! Arrows between crates point inward: who may depend on whom, and no async runtime in the inner rings.

use std::path::Path;

use super::source::Source;
use super::{Finding, is_inner, ring_of};
use crate::project::Package;

/// For each ring, the rings, or single folders, that it may depend on.
const ALLOWED: &[(&str, &[&str])] = &[
    ("base", &["crates/base/"]),
    ("core", &["crates/base/", "crates/core/"]),
    ("store", &["crates/base/", "crates/store/"]),
    ("protocols", &["crates/base/", "crates/core/"]),
    ("dialects", &["crates/base/", "crates/core/", "crates/dialects/configuration"]),
    (
        "host",
        &[
            "crates/base/",
            "crates/core/",
            "crates/store/",
            "crates/protocols/",
            "crates/dialects/",
            "crates/host/",
        ],
    ),
    ("control", &["crates/base/", "crates/control/", "crates/dialects/configuration"]),
    ("tools", &["crates/"]),
];

/// The one crate of the store that drives queue machines.
const REPLICA: &str = "crates/store/replica";

/// Crates that bring an event loop or a socket.
const RUNTIMES: [&str; 9] =
    ["tokio", "tokio-util", "async-std", "smol", "mio", "hyper", "axum", "futures-executor", "monoio"];

/// Checks every dependency table, and the imports of codecs.
pub(crate) fn check(root: &Path, packages: &[Package], sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in packages.iter().filter(|package| package.folder.starts_with("crates/")) {
        let manifest = format!("{}/Cargo.toml", package.folder);
        let text = std::fs::read_to_string(root.join(&manifest)).unwrap_or_default();
        for dependency in package.dependencies.iter().filter(|dependency| !dependency.is_dev) {
            let target = packages.iter().find(|target| target.name == dependency.name);
            let wrong = match target {
                Some(target) => wrong_arrow(&package.folder, &target.folder),
                None => wrong_runtime(&package.folder, &dependency.name),
            };
            if let Some(text_of_rule) = wrong {
                findings.push(Finding::new(
                    &manifest,
                    line_of(&text, &dependency.name),
                    "arrows",
                    text_of_rule,
                ));
            }
        }
    }
    findings.extend(sources.iter().flat_map(codec_imports));
    findings
}

fn wrong_arrow(from: &str, to: &str) -> Option<String> {
    let ring = ring_of(from)?;
    let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == ring)?;
    let is_replica = from == REPLICA && to.starts_with("crates/core/");
    if is_replica || allowed.iter().any(|prefix| to.starts_with(prefix)) {
        return None;
    }
    Some(format!(
        "{from} may not depend on {to}: {ring} may use only {}; move the code or turn the arrow",
        allowed.join(", ")
    ))
}

fn wrong_runtime(from: &str, dependency: &str) -> Option<String> {
    (is_inner(&format!("{from}/")) && RUNTIMES.contains(&dependency)).then(|| {
        format!("{from} may not depend on {dependency}: no async runtime or socket in the inner rings; do that in crates/host")
    })
}

/// A codec turns bytes into values of its own and back; it knows no other crate of ours.
fn codec_imports(source: &Source) -> Vec<Finding> {
    if !source.path.starts_with("crates/protocols/") || !source.path.contains("/codec") {
        return Vec::new();
    }
    let lines = source.product_lines().filter(|(_, line)| line.contains("ternmq_"));
    lines
        .map(|(line, _)| {
            Finding::new(
                &source.path,
                line,
                "arrows",
                "a codec may not use another crate of ours: translate in translate.rs",
            )
        })
        .collect()
}

fn line_of(manifest: &str, name: &str) -> usize {
    let is_it = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '.', '=']));
    manifest.lines().position(is_it).map_or(0, |index| index + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_inward() {
        let cases = [
            ("crates/core/queue", "crates/base/stdx", true),
            ("crates/base/stdx", "crates/core/queue", false),
            ("crates/store/journal", "crates/core/queue", false),
            ("crates/store/replica", "crates/core/queue", true),
            ("crates/protocols/mqtt", "crates/core/broker", true),
            ("crates/protocols/mqtt", "crates/protocols/stomp", false),
            ("crates/protocols/mqtt", "crates/dialects/rabbitmq", false),
            ("crates/dialects/rabbitmq", "crates/dialects/configuration", true),
            ("crates/dialects/rabbitmq", "crates/dialects/activemq", false),
            ("crates/host/net", "crates/protocols/mqtt", true),
            ("crates/host/net", "testing/fakes", false),
            ("crates/control/api", "crates/core/broker", false),
            ("crates/control/api", "crates/dialects/configuration", true),
        ];
        for (from, to, is_allowed) in cases {
            assert_eq!(wrong_arrow(from, to).is_none(), is_allowed, "{from} -> {to}");
        }
    }

    #[test]
    fn runtimes_stay_outside() {
        assert!(wrong_runtime("crates/core/queue", "tokio").is_some());
        assert!(wrong_runtime("crates/host/net", "tokio").is_none());
        assert!(wrong_runtime("crates/core/queue", "bytes").is_none());
    }

    #[test]
    fn a_codec_knows_no_crate_of_ours() {
        let text = "use ternmq_message::Message;\n";
        assert_eq!(codec_imports(&Source::new("crates/protocols/x/src/codec/frame.rs", text)).len(), 1);
        assert_eq!(codec_imports(&Source::new("crates/protocols/x/src/translate.rs", text)).len(), 0);
    }
}
