//! What a configuration of the managed service may not hold is taken out of it, and told. The words are those of the
//! service's interface (`SanitizationWarning`).

use std::fmt;

/// Most removals that are told; the service's interface has room for no more.
pub const MAX_TOLD_REMOVALS: usize = 20;

/// Why something was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reason {
    /// The whole of it is not permitted.
    DisallowedElement,
    /// What it belongs to is permitted, this part of it is not.
    DisallowedAttribute,
    /// It is permitted, with other values.
    InvalidAttributeValue,
}

impl Reason {
    /// As the interface writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DisallowedElement => "DISALLOWED_ELEMENT_REMOVED",
            Self::DisallowedAttribute => "DISALLOWED_ATTRIBUTE_REMOVED",
            Self::InvalidAttributeValue => "INVALID_ATTRIBUTE_VALUE_REMOVED",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Longest name in bytes that is told whole, after escaping; the names of all permitted keys and elements are shorter.
pub const MAX_TOLD_NAME_BYTES: usize = 255;

/// Something that was taken out. Names are escaped, and cut at [`MAX_TOLD_NAME_BYTES`]; values are never told (S11).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Removal {
    /// Name of the attribute, if it was one.
    pub attribute_name: Option<String>,
    /// Name of the element.
    pub element_name: Option<String>,
    /// Why.
    pub reason: Reason,
}

/// All that was taken out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removals {
    /// The first of them in the order of the text, at most [`MAX_TOLD_REMOVALS`].
    pub told: Vec<Removal>,
    /// How many there are beyond those.
    pub untold: usize,
}

impl Removals {
    pub(crate) fn element(&mut self, element: &str) {
        self.add(None, element, Reason::DisallowedElement);
    }

    pub(crate) fn attribute(&mut self, element: &str, attribute: &str) {
        self.add(Some(attribute), element, Reason::DisallowedAttribute);
    }

    pub(crate) fn value(&mut self, element: &str, attribute: &str) {
        self.add(Some(attribute), element, Reason::InvalidAttributeValue);
    }

    fn add(&mut self, attribute: Option<&str>, element: &str, reason: Reason) {
        if self.told.len() >= MAX_TOLD_REMOVALS {
            self.untold += 1;
            return;
        }
        let (attribute_name, element_name) = (attribute.map(told_name), Some(told_name(element)));
        self.told.push(Removal { attribute_name, element_name, reason });
    }

    /// Whether nothing was taken out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.told.is_empty()
    }
}

/// A name is data for a program, so it is longer than what a sentence may quote, and ends in no dots.
fn told_name(name: &str) -> String {
    let mut told = String::new();
    for letter in name.chars() {
        let escaped = letter.escape_debug();
        if told.len() + escaped.clone().map(char::len_utf8).sum::<usize>() > MAX_TOLD_NAME_BYTES {
            break;
        }
        told.extend(escaped);
    }
    told
}
