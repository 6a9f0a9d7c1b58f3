//! What is known of a request.

use std::collections::BTreeMap;

use crate::civil::iso;

/// Condition keys of a request and their values. Names are compared without regard to case, tags within them too, as IAM
/// does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    values: BTreeMap<String, Vec<String>>,
}

impl Context {
    /// Nothing known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a key that has one value, such as `aws:SourceIp`.
    #[must_use]
    pub fn with(mut self, key: &str, value: impl Into<String>) -> Self {
        self.set(key, vec![value.into()]);
        self
    }

    /// Sets a key's values, such as those of `aws:TagKeys`. Without any, the key counts as missing.
    pub fn set(&mut self, key: &str, values: Vec<String>) {
        self.values.insert(key.to_lowercase(), values);
    }

    /// Sets `aws:CurrentTime` and `aws:EpochTime`, from seconds since 1970.
    pub fn set_time(&mut self, now_s: i64) {
        self.set("aws:CurrentTime", vec![iso(now_s)]);
        self.set("aws:EpochTime", vec![now_s.to_string()]);
    }

    /// Values of a key, by its name in lower case.
    pub(super) fn get(&self, key: &str) -> &[String] {
        self.values.get(key).map(Vec::as_slice).unwrap_or_default()
    }

    /// The value of a key that has exactly one, by its name in lower case: only such a one can stand for a variable.
    pub(super) fn single(&self, key: &str) -> Option<&str> {
        match self.get(key) {
            [value] => Some(value),
            _ => None,
        }
    }
}
