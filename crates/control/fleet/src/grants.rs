//! What users of a node may, beside the node's own permissions, in the words that nodes know.
//!
//! A user that is named in [`NodeGrants`] may do what its rules allow and the node's permissions too; one that is not named
//! has the permissions alone. What the words mean is the node's: kinds, acts and the texts that patterns are for.
//! Serialised it is what a node reads.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Most bytes of the patterns of one user's rules together, as nodes take them.
pub const GRANT_BYTES_MAX: usize = 256 * 1_024;
/// Most rules of one user, as nodes take them.
pub const GRANT_RULES_MAX: usize = 1_024;
/// Most bytes of one pattern, as nodes take it.
pub const GRANT_PATTERN_BYTES_MAX: usize = 4_096;
/// Most bytes of the grants of all users of a node, serialised: less than a node reads.
pub const NODE_GRANT_BYTES_MAX: usize = 12 << 20;

/// Grants of all users that have some, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeGrants {
    /// A user may be named before it is made.
    pub users: BTreeMap<String, UserGrants>,
}

/// Grants of one user: each layer has to allow what it does, and a denial in any denies. Without a layer it may nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserGrants {
    /// Rules.
    pub layers: Vec<Vec<GrantRule>>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GrantRule {
    /// Whether it allows or denies.
    pub effect: GrantEffect,
    /// What is done, in the order of the type.
    pub acts: Vec<GrantAct>,
    /// What it is done to, in the order of the type.
    pub kinds: Vec<GrantKind>,
    /// Which ones.
    pub names: GrantNames,
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantEffect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantAct {
    /// Enter a namespace.
    Enter,
    /// Make a queue or node.
    Create,
    /// Delete one.
    Delete,
    /// Put messages into one.
    Send,
    /// Take messages from one.
    Receive,
    /// Use the roles that the user has.
    Manage,
}

/// What it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// The broker itself; its text is empty.
    Broker,
    /// `NAMESPACE`.
    Namespace,
    /// `NAMESPACE/NAME`.
    Queue,
    /// `NAMESPACE/NAME`.
    Node,
    /// `NAMESPACE/NODE/KEY`.
    Key,
}

/// Patterns of texts: `*` for any letters, `?` for one, `\` before a letter that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrantNames {
    /// What one of them matches.
    Only(Vec<String>),
    /// What none of them matches.
    AllBut(Vec<String>),
}

impl GrantNames {
    /// The patterns.
    #[must_use]
    pub fn patterns(&self) -> &[String] {
        match self {
            Self::Only(patterns) | Self::AllBut(patterns) => patterns,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grants_are_written_as_nodes_read_them() {
        let rule = GrantRule {
            effect: GrantEffect::Allow,
            acts: vec![GrantAct::Send, GrantAct::Receive],
            kinds: vec![GrantKind::Queue],
            names: GrantNames::AllBut(vec!["%2F/q*".into()]),
        };
        let user = UserGrants { layers: vec![vec![rule]] };
        let all = NodeGrants { users: [("ann".to_owned(), user)].into_iter().collect() };
        assert_eq!(
            serde_json::to_value(&all).unwrap(),
            serde_json::json!({"users": {"ann": {"layers": [[{
                "effect": "allow", "acts": ["send", "receive"], "kinds": ["queue"],
                "names": {"all_but": ["%2F/q*"]},
            }]]}}})
        );
    }
}
