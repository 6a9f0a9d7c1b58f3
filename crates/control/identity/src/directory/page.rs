//! Lists in pieces.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::fault::Fault;

/// So many items come when nobody says how many.
const DEFAULT_ITEMS: usize = 100;
/// Most that can be asked for.
const MAX_ITEMS: u32 = 1_000;

/// Which piece of a list is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct Page<'a> {
    /// What the piece before said.
    pub marker: Option<&'a str>,
    /// 1 to 1,000; 100 if not said.
    pub max_items: Option<u32>,
}

/// A piece of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed<T> {
    /// The items, in order.
    pub items: Vec<T>,
    /// How to ask for the next piece, if there is one.
    pub marker: Option<String>,
}

impl Page<'_> {
    /// Takes a piece of `items`, which come in the order of their keys. A marker names the last key of its piece, so an
    /// item that goes between two calls moves no other.
    pub(super) fn of<K: AsRef<str>, T>(
        &self,
        items: impl IntoIterator<Item = (K, T)>,
    ) -> Result<Listed<T>, Fault> {
        let max_items = match self.max_items {
            None => DEFAULT_ITEMS,
            Some(count) if (1..=MAX_ITEMS).contains(&count) => {
                usize::try_from(count).unwrap_or(DEFAULT_ITEMS)
            }
            Some(count) => {
                let rule = format!("Member must have value between 1 and {MAX_ITEMS}");
                return Err(Fault::Validation { field: "maxItems", value: count.to_string(), rule });
            }
        };
        let after = match self.marker {
            None => None,
            Some(marker) => {
                let key = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|key| String::from_utf8(key).ok());
                Some(key.ok_or(Fault::Senseless("Invalid Marker."))?)
            }
        };
        let is_later = |key: &str| after.as_deref().is_none_or(|after| key > after);
        let mut items = items.into_iter().filter(|(key, _)| is_later(key.as_ref()));
        let mut listed = Listed { items: Vec::new(), marker: None };
        let mut last = None;
        for (key, item) in items.by_ref().take(max_items) {
            listed.items.push(item);
            last = Some(key);
        }
        if items.next().is_some() {
            listed.marker = last.map(|key| URL_SAFE_NO_PAD.encode(key.as_ref()));
        }
        Ok(listed)
    }
}

impl<T> Listed<T> {
    /// The same with each item turned into another.
    pub fn map<U>(self, turn: impl FnMut(T) -> U) -> Listed<U> {
        Listed { items: self.items.into_iter().map(turn).collect(), marker: self.marker }
    }
}
