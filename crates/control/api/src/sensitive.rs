//! A text that nobody is shown (S11).

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A password or the like, on its way in. It has no `Display`, its `Debug` shows nothing, its memory is cleared.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "String")]
pub struct Sensitive(Zeroizing<String>);

impl Sensitive {
    /// The text itself, for whoever checks or hashes it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl From<String> for Sensitive {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for Sensitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sensitive(***)")
    }
}

impl Serialize for Sensitive {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_never_shown() {
        let secret: Sensitive = serde_json::from_str("\"correct horse\"").unwrap();
        assert_eq!(secret.reveal(), "correct horse");
        assert_eq!(format!("{secret:?}"), "Sensitive(***)");
        assert_eq!(serde_json::to_string(&secret).unwrap(), "\"***\"");
    }
}
