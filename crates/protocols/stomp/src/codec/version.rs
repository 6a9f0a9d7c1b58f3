//! Versions of the protocol and how one is agreed on.

use super::escape::Escapes;

/// A version that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 1.0.
    V10,
    /// 1.1.
    V11,
    /// 1.2.
    V12,
}

/// The versions in the words of the `version` header.
pub const SUPPORTED: &str = "1.0,1.1,1.2";

impl Version {
    /// As in headers.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V10 => "1.0",
            Self::V11 => "1.1",
            Self::V12 => "1.2",
        }
    }

    /// How headers of this version are escaped (STOMP 1.1 and 1.2 "Value Encoding").
    #[must_use]
    pub fn escapes(self) -> Escapes {
        match self {
            Self::V10 => Escapes::Padded,
            Self::V11 => Escapes::WithoutReturn,
            Self::V12 => Escapes::Full,
        }
    }
}

/// The highest version that both speak; a client that names none speaks 1.0 (STOMP 1.2 "Protocol Negotiation").
#[must_use]
pub fn negotiate(accepted: Option<&str>) -> Option<Version> {
    let Some(accepted) = accepted else { return Some(Version::V10) };
    let known = [Version::V12, Version::V11, Version::V10];
    known.into_iter().find(|version| accepted.split(',').any(|word| word.trim() == version.as_str()))
}
