//! ActiveMQ's configuration file: what a node takes from it, and what its writer is told.

use std::path::Path;

use ternmq_configuration::{
    Reason, Removal, Version,
    activemq_service::{self, Settings, Strategy, Unusable},
};

/// Version of the engine whose elements are read when none is named.
const NEWEST: Version = Version::minor(5, 19);

/// Whether a configuration text is XML: no line of `rabbitmq.conf` begins so.
pub(crate) fn is_xml(text: &str) -> bool {
    text.trim_start_matches('\u{feff}').trim_start().starts_with('<')
}

/// Reads a configuration for an engine of this version. What is not permitted in it is left out; that, and what has no
/// effect, is told.
///
/// # Errors
/// [`Unusable`] for the text as a whole.
pub(crate) fn read(
    path: &Path,
    text: &str,
    version: Option<&str>,
) -> Result<(Settings, Vec<String>), Unusable> {
    let version = version.and_then(|version| version.parse().ok()).unwrap_or(NEWEST);
    // What is for brokers with a directory may be there: whether this node has one is not the file's question.
    let read = activemq_service::sanitise(text.as_bytes(), version, Strategy::Ldap)?;
    let path = path.display();
    let mut warnings: Vec<String> =
        read.removals.told.iter().map(|removal| format!("{path}: {}", told(removal))).collect();
    if read.removals.untold > 0 {
        warnings.push(format!("{path}: and {} more that was left out", read.removals.untold));
    }
    let notices = activemq_service::without_effect(&read.settings);
    warnings.extend(notices.iter().map(|notice| format!("{path}: {notice}")));
    Ok((read.settings, warnings))
}

/// Names are escaped and cut already; values are never told (S11).
fn told(removal: &Removal) -> String {
    let element = removal.element_name.as_deref().unwrap_or_default();
    match (&removal.attribute_name, removal.reason) {
        (Some(attribute), Reason::InvalidAttributeValue) => {
            format!("{attribute} of {element} has a value that can't be used, and was left out")
        }
        (Some(attribute), _) => format!("{attribute} of {element} is not permitted, and was left out"),
        (None, _) => format!("{element} is not permitted there, and was left out"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warnings(text: &str) -> Vec<String> {
        let text = format!("<broker xmlns=\"{}\" {text}", activemq_service::NAMESPACE);
        read(Path::new("FILE"), &text, None).unwrap().1
    }

    #[test]
    fn xml_is_told_from_settings() {
        for (text, expect) in [
            ("<broker/>", true),
            ("\u{feff}\n <a", true),
            ("", false),
            ("a = <b\n", false),
            ("# <a\n", false),
        ] {
            assert_eq!(is_xml(text), expect, "{text:?}");
        }
    }

    #[test]
    fn what_is_left_out_or_has_no_effect_is_told() {
        assert_eq!(
            warnings("brokerName=\"b\" persistent=\"maybe\" taskRunnerPriority=\"3\"><sslContext/></broker>"),
            [
                "FILE: brokerName of broker is not permitted, and was left out",
                "FILE: persistent of broker has a value that can't be used, and was left out",
                "FILE: sslContext is not permitted there, and was left out",
                "FILE: taskRunnerPriority of broker has no effect: this broker has threads of its own",
            ]
        );
        let many = "<a/>".repeat(25);
        assert_eq!(warnings(&format!(">{many}</broker>"))[20], "FILE: and 5 more that was left out");
    }
}
