//! Names that the service gives: ids of brokers, configurations, requests, and ARNs.

use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use ternmq_env::Rng;

/// Where random bytes come from, for all threads of a service.
pub(crate) struct Randomness(Mutex<Box<dyn Rng>>);

impl Randomness {
    pub(crate) fn new(rng: Box<dyn Rng>) -> Self {
        Self(Mutex::new(rng))
    }

    pub(crate) fn fill(&self, bytes: &mut [u8]) {
        // A poisoned generator still gives random bytes.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill(bytes);
    }

    /// A random id of EC2's form: the kind, a dash, 17 hex digits.
    pub(crate) fn id(&self, kind: &str) -> String {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        // 68 bits, of which there are 128.
        let number = u128::from_ne_bytes(bytes) >> 60;
        format!("{kind}-{number:017x}")
    }

    /// A random UUID (RFC 9562, version 4).
    pub(crate) fn uuid(&self) -> String {
        let mut bytes = [0u8; 16];
        self.fill(&mut bytes);
        let [.., six, _, eight, _, _, _, _, _, _, _] = &mut bytes;
        *six = *six & 0x0f | 0x40;
        *eight = *eight & 0x3f | 0x80;
        let mut text = String::with_capacity(36);
        for (index, byte) in bytes.iter().enumerate() {
            if [4, 6, 8, 10].contains(&index) {
                text.push('-');
            }
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}

/// The partition of a region's ARNs.
pub(crate) fn partition(region: &str) -> &'static str {
    match region {
        _ if region.starts_with("cn-") => "aws-cn",
        _ if region.starts_with("us-gov-") => "aws-us-gov",
        _ if region.starts_with("us-iso-") => "aws-iso",
        _ if region.starts_with("eusc-") => "aws-eusc",
        _ => "aws",
    }
}

/// Whether a text is a region's name, such as `eu-central-1`.
#[must_use]
pub fn is_region(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let Some((number, words)) = parts.split_last() else { return false };
    text.len() <= 32
        && words.len() >= 2
        && words.iter().all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_lowercase()))
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uuids_have_their_version_and_variant() {
        let uuid = Randomness::new(Box::new(ternmq_env::SystemRng)).uuid();
        let letters: Vec<char> = uuid.chars().collect();
        assert_eq!((uuid.len(), letters[14]), (36, '4'));
        assert!("89ab".contains(letters[19]), "{uuid}");
    }

    #[test]
    fn regions() {
        for good in ["eu-central-1", "us-gov-east-1", "ap-southeast-2"] {
            assert!(is_region(good), "{good}");
        }
        for bad in ["", "eu", "eu-1", "EU-central-1", "eu-central-", "eu/central-1", "-central-1"] {
            assert!(!is_region(bad), "{bad}");
        }
        assert_eq!([partition("cn-north-1"), partition("eu-west-1")], ["aws-cn", "aws"]);
    }
}
