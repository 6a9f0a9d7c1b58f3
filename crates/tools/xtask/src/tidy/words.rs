//! The core speaks no protocol: no word of one, and no vendor's, in its identifiers.

use super::Finding;
use super::source::Source;

/// Words of protocols and vendors, in lower case, and what the core says instead.
const FOREIGN: &[(&str, &str)] = &[
    ("amqp", "the core knows no protocol"),
    ("mqtt", "the core knows no protocol"),
    ("stomp", "the core knows no protocol"),
    ("openwire", "the core knows no protocol"),
    ("rabbit", "the core knows no vendor"),
    ("activemq", "the core knows no vendor"),
    ("artemis", "the core knows no vendor"),
    ("vhost", "say namespace"),
    ("virtualhost", "say namespace"),
    ("virtual_host", "say namespace"),
    ("exchange", "say node"),
    ("basic_ack", "say settle"),
    ("prefetch_count", "say credit"),
    ("nack", "say settle"),
];

/// Checks identifiers below `crates/core`, tests included: words of tests wander into the product.
pub(crate) fn check(sources: &[Source]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("crates/core/")) {
        for (index, line) in source.code.iter().enumerate() {
            let lower = line.to_lowercase();
            for (word, mend) in FOREIGN.iter().filter(|(word, _)| lower.contains(word)) {
                let text = format!("`{word}` is not a word of the core: {mend}");
                findings.push(Finding::new(&source.path, index + 1, "words", text));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_count_in_identifiers_only() {
        let text = "struct VhostName;\n// vhost of RabbitMQ\nlet s = \"amqp\";\nfn namespace() {}\n";
        let findings = check(&[Source::new("crates/core/x/src/lib.rs", text)]);
        assert_eq!(findings.iter().map(|finding| finding.line).collect::<Vec<_>>(), [1]);
        assert!(check(&[Source::new("crates/dialects/x/src/lib.rs", text)]).is_empty());
    }
}
