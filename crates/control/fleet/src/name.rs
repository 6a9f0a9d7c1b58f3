//! Names of nodes: safe as file names and as parts of host names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Length of a broker's id: `b-` and a UUID with its four dashes.
const BROKER_ID_BYTES: usize = 38;
/// Where the dashes of a UUID are, counted from the start of the id.
const DASHES: [usize; 4] = [10, 15, 20, 25];

/// One node of a broker: `b-<uuid>-<index>`. Compares by broker, then index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName {
    broker_id: String,
    index: u8,
}

/// Why a text is no name of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NodeNameError {
    /// Not `b-` and a UUID in lower case.
    #[error("the id of a broker is 'b-' and a UUID in lower case")]
    BrokerId,
    /// Not a number from 1 to 255.
    #[error("the index of a node is a number from 1 to 255")]
    Index,
}

impl NodeName {
    /// The node with this index, counted from 1, of the broker `b-<uuid>`.
    ///
    /// # Errors
    /// [`NodeNameError`].
    pub fn new(broker_id: &str, index: u8) -> Result<Self, NodeNameError> {
        let is_uuid = |(at, byte): (usize, u8)| {
            if DASHES.contains(&at) { byte == b'-' } else { matches!(byte, b'0'..=b'9' | b'a'..=b'f') }
        };
        let is_id = broker_id.len() == BROKER_ID_BYTES
            && broker_id.starts_with("b-")
            && broker_id.bytes().enumerate().skip(2).all(is_uuid);
        if !is_id {
            return Err(NodeNameError::BrokerId);
        }
        if index == 0 {
            return Err(NodeNameError::Index);
        }
        Ok(Self { broker_id: broker_id.to_owned(), index })
    }

    /// The broker's id, `b-<uuid>`.
    #[must_use]
    pub fn broker_id(&self) -> &str {
        &self.broker_id
    }

    /// Which of the broker's nodes, from 1.
    #[must_use]
    pub fn index(&self) -> u8 {
        self.index
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.broker_id, self.index)
    }
}

impl FromStr for NodeName {
    type Err = NodeNameError;

    fn from_str(text: &str) -> Result<Self, NodeNameError> {
        let (broker_id, index) = text.rsplit_once('-').ok_or(NodeNameError::BrokerId)?;
        let is_plain = !index.starts_with('0') && index.bytes().all(|byte| byte.is_ascii_digit());
        let index = index.parse().ok().filter(|_| is_plain).ok_or(NodeNameError::Index)?;
        Self::new(broker_id, index)
    }
}

impl TryFrom<String> for NodeName {
    type Error = NodeNameError;

    fn try_from(text: String) -> Result<Self, NodeNameError> {
        text.parse()
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "b-0f2d3c4b-5a69-4788-96a5-b4c3d2e1f001";

    #[test]
    fn names_are_read_as_they_are_shown() {
        let name = NodeName::new(ID, 2).unwrap();
        assert_eq!(name.to_string(), format!("{ID}-2"));
        assert_eq!(name.to_string().parse(), Ok(name.clone()));
        let json = serde_json::to_string(&name).unwrap();
        assert_eq!(serde_json::from_str::<NodeName>(&json).unwrap(), name);
    }

    #[test]
    fn what_is_no_name_is_refused() {
        use NodeNameError::{BrokerId, Index};
        assert_eq!(NodeName::new(ID, 0), Err(Index));
        for (text, expect) in [
            ("", BrokerId),
            ("b-1", BrokerId),
            ("../../etc-1", BrokerId),
            (&format!("{ID}-0"), Index),
            (&format!("{ID}-01"), Index),
            (&format!("{ID}-256"), Index),
            (&format!("{ID}-+1"), Index),
            (&format!("{ID}-1 "), Index),
            (&format!("{}-1", ID.to_uppercase()), BrokerId),
            (&format!("{}-1", ID.replace("4b-", "4b/")), BrokerId),
            (&format!("{}é-1", &ID[..36]), BrokerId),
        ] {
            assert_eq!(text.parse::<NodeName>(), Err(expect), "{text}");
        }
    }
}
