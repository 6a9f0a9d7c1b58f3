//! Versions of a vendor's engine, as the managed service names them.

use std::{fmt, str::FromStr};

/// A version such as `5.18` or `5.18.4`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    /// First number.
    pub major: u16,
    /// Second number.
    pub minor: u16,
    /// Third number; absent: the newest of its minor version.
    pub patch: Option<u16>,
}

/// A text that is no version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a version is two or three numbers from 0 to 65535 joined by dots")]
pub struct NotAVersion;

impl Version {
    /// The newest patch of a minor version.
    #[must_use]
    pub const fn minor(major: u16, minor: u16) -> Self {
        Self { major, minor, patch: None }
    }

    /// Whether it is this version or a later one.
    #[must_use]
    pub fn is_at_least(self, major: u16, minor: u16, patch: u16) -> bool {
        (self.major, self.minor, self.patch.unwrap_or(u16::MAX)) >= (major, minor, patch)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)?;
        self.patch.map_or(Ok(()), |patch| write!(f, ".{patch}"))
    }
}

impl FromStr for Version {
    type Err = NotAVersion;

    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut parts = text.split('.').map(|part| {
            // `u16::from_str` would take a sign
            if part.starts_with('+') { Err(NotAVersion) } else { part.parse().map_err(|_| NotAVersion) }
        });
        let major = parts.next().ok_or(NotAVersion)??;
        let minor = parts.next().ok_or(NotAVersion)??;
        let patch = parts.next().transpose()?;
        if parts.next().is_some() { Err(NotAVersion) } else { Ok(Self { major, minor, patch }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        for text in ["5.18", "5.16.4", "0.0.0"] {
            assert_eq!(text.parse::<Version>().unwrap().to_string(), text);
        }
        for text in ["", "5", "5.", "5.18.4.1", "+5.1", "5.-1", "5.65536", " 5.1", "5.18.x"] {
            assert_eq!(text.parse::<Version>(), Err(NotAVersion), "{text:?}");
        }
        assert!(Version::minor(5, 16).is_at_least(5, 16, 4));
        assert!(!"5.16.3".parse::<Version>().unwrap().is_at_least(5, 16, 4));
        assert!(Version::minor(4, 2).is_at_least(3, 13, 0));
    }
}
