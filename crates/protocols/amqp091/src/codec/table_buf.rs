//! Tables and arrays that are being built.

use super::{
    table::{Array, FieldValue, Table},
    wire::Writer,
};

/// A table under construction, in its wire form.
///
/// It is only as nested and as long as its maker lets it be: who copies values of a peer in keeps to
/// [`super::table::DEPTH_MAX`] and [`super::table::ENTRIES_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableBuf {
    raw: Vec<u8>,
}

impl TableBuf {
    /// A table of no entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends an entry. A name longer than 255 bytes is cut.
    pub fn push(&mut self, name: &str, value: FieldValue<'_>) -> &mut Self {
        let mut writer = Writer::new(&mut self.raw);
        writer.short_string(name);
        value.encode(&mut writer);
        self
    }

    /// Appends a text entry.
    pub fn push_text(&mut self, name: &str, text: &str) -> &mut Self {
        self.push(name, FieldValue::text(text))
    }

    /// Appends an entry that [`Table::entries`] gave.
    pub fn push_entry(&mut self, entry: &[u8]) -> &mut Self {
        self.raw.extend_from_slice(entry);
        self
    }

    /// The table as built so far.
    #[must_use]
    pub fn as_table(&self) -> Table<'_> {
        Table::from_built(&self.raw)
    }
}

/// An array under construction, in its wire form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ArrayBuf {
    raw: Vec<u8>,
}

impl ArrayBuf {
    /// An array of no values.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends a value.
    pub fn push(&mut self, value: FieldValue<'_>) -> &mut Self {
        value.encode(&mut Writer::new(&mut self.raw));
        self
    }

    /// The array as built so far.
    #[must_use]
    pub fn as_array(&self) -> Array<'_> {
        Array::from_built(&self.raw)
    }
}
