//! Who is let in at which listener: read from a file at the start, changed through the local channel while the node runs.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Map, Value, json};
use ternmq_net::{Gate, Network, Sources};

use crate::error::StartError;

/// Longest text that is read.
pub(crate) const MAX_TEXT_BYTES: usize = 1 << 20;
/// Most networks of one listener.
const MAX_NETWORKS: usize = 1_000;

/// For each listener the networks from which it lets connections in; a listener that is not named lets nobody in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AcceptRules(BTreeMap<String, Arc<[Network]>>);

impl AcceptRules {
    /// Reads a JSON object of listener name to a list of networks.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(format!("has more than {MAX_TEXT_BYTES} bytes"));
        }
        let object: Map<String, Value> =
            serde_json::from_slice(text).map_err(|error| format!("is no JSON object: {error}"))?;
        let mut rules = BTreeMap::new();
        for (listener, networks) in object {
            let named: String = listener.chars().take(64).flat_map(char::escape_debug).collect();
            let networks =
                networks.as_array().ok_or_else(|| format!("has no list of networks for {named}"))?;
            if networks.len() > MAX_NETWORKS {
                return Err(format!("has more than {MAX_NETWORKS} networks for {named}"));
            }
            let read = |network: &Value| {
                let text = network.as_str().unwrap_or_default();
                text.parse::<Network>().map_err(|error| format!("has for {named}: {error}"))
            };
            rules.insert(listener, networks.iter().map(read).collect::<Result<_, _>>()?);
        }
        Ok(Self(rules))
    }

    /// Reads the file that the command line names.
    pub(crate) fn read(path: &Path) -> Result<Self, StartError> {
        let refuse = |problem: String| StartError::AcceptFile { path: path.into(), problem };
        let text = fs::read(path).map_err(|error| refuse(format!("cannot be read: {error}")))?;
        Self::parse(&text).map_err(refuse)
    }

    fn sources(&self, listener: &str) -> Sources {
        Sources::Only(self.0.get(listener).cloned().unwrap_or_default())
    }
}

/// The gates of a node's listeners.
#[derive(Default)]
pub(crate) struct Gates {
    /// What new gates begin with; absent: everybody is let in.
    first: Option<AcceptRules>,
    gates: Mutex<BTreeMap<String, Arc<Gate>>>,
}

impl Gates {
    pub(crate) fn new(first: Option<AcceptRules>) -> Self {
        Self { first, gates: Mutex::default() }
    }

    /// The gate of a listener, the same one whenever it is asked for.
    pub(crate) fn of(&self, listener: &str) -> Arc<Gate> {
        let mut gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let made = || {
            let sources = match &self.first {
                Some(rules) => rules.sources(listener),
                None => Sources::Everywhere,
            };
            Arc::new(Gate::new(listener, sources))
        };
        gates.entry(listener.to_owned()).or_insert_with(made).clone()
    }

    /// Whether the rules name no listener that is not there.
    pub(crate) fn check(&self, rules: &AcceptRules) -> Result<(), String> {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        match rules.0.keys().find(|name| !gates.contains_key(*name)) {
            None => Ok(()),
            Some(name) => {
                let names: Vec<&str> = gates.keys().map(String::as_str).collect();
                let name: String = name.chars().take(64).flat_map(char::escape_debug).collect();
                Err(format!("names the listener '{name}'; there are only {}", names.join(", ")))
            }
        }
    }

    /// The rules with which the node started, if they fit its listeners.
    pub(crate) fn check_first(&self, path: &Path) -> Result<(), StartError> {
        let checked = self.first.as_ref().map_or(Ok(()), |first| self.check(first));
        checked.map_err(|problem| StartError::AcceptFile { path: path.into(), problem })
    }

    /// All gates at once go by these rules from now on.
    pub(crate) fn apply(&self, rules: &AcceptRules) -> Result<(), String> {
        self.check(rules)?;
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        for (name, gate) in gates.iter() {
            gate.set(rules.sources(name));
        }
        Ok(())
    }

    /// For each listener its networks, or null where everybody is let in, and how many were turned away.
    pub(crate) fn to_json(&self) -> (Value, Value) {
        let gates = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let networks = |gate: &Gate| match gate.sources() {
            Sources::Everywhere => Value::Null,
            Sources::Only(networks) => json!(networks.iter().map(Network::to_string).collect::<Vec<_>>()),
        };
        let rules: Map<String, Value> =
            gates.iter().map(|(name, gate)| (name.clone(), networks(gate))).collect();
        let refused: Map<String, Value> =
            gates.iter().map(|(name, gate)| (name.clone(), gate.refused().into())).collect();
        (Value::Object(rules), Value::Object(refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        assert_eq!(AcceptRules::parse(text.as_bytes()).unwrap_err(), expect, "{text}");
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        check("[]", "is no JSON object: invalid type: sequence, expected a map at line 1 column 0");
        check(r#"{"amqps": "10.0.0.0/8"}"#, "has no list of networks for amqps");
        check(
            r#"{"amqps": ["10.0.0.0/33"]}"#,
            "has for amqps: '10.0.0.0/33' is no address and no network such as 10.0.0.0/8 or fd00::/8",
        );
        check(
            r#"{"amqps": [7]}"#,
            "has for amqps: '' is no address and no network such as 10.0.0.0/8 or fd00::/8",
        );
        check(
            &format!(r#"{{"amqps": [{}"::/0"]}}"#, r#""::/0","#.repeat(MAX_NETWORKS)),
            "has more than 1000 networks for amqps",
        );
        check(&" ".repeat(MAX_TEXT_BYTES + 1), "has more than 1048576 bytes");
    }

    #[test]
    fn a_listener_that_is_not_named_lets_nobody_in() {
        let rules = AcceptRules::parse(br#"{"amqps": ["127.0.0.0/8"]}"#).unwrap();
        let gates = Gates::new(Some(rules.clone()));
        let home = [127, 0, 0, 1].into();
        assert!(gates.of("amqps").admits(home, 0));
        assert!(!gates.of("https").admits(home, 0));
        gates.check_first(Path::new("f")).unwrap();
        let unknown = AcceptRules::parse(br#"{"mqtts": []}"#).unwrap();
        let problem = "names the listener 'mqtts'; there are only amqps, https";
        assert_eq!(gates.apply(&unknown).unwrap_err(), problem);
        assert!(gates.of("amqps").admits(home, 0), "nothing was changed");
        let rules = AcceptRules::parse(br#"{"https": ["::/0", "127.0.0.1"]}"#).unwrap();
        gates.apply(&rules).unwrap();
        assert!(!gates.of("amqps").admits(home, 0));
        assert!(gates.of("https").admits(home, 0));
        let (shown, refused) = gates.to_json();
        assert_eq!(shown, json!({ "amqps": [], "https": ["::/0", "127.0.0.1/32"] }));
        assert_eq!(refused, json!({ "amqps": 1, "https": 1 }));
    }

    #[test]
    fn without_a_file_everybody_is_let_in() {
        let gates = Gates::new(None);
        assert!(gates.of("amqp").admits([10, 0, 0, 1].into(), 0));
        assert_eq!(gates.to_json().0, json!({ "amqp": null }));
    }
}
