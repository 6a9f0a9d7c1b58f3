//! Single members of an input, for the operations that have no types of their own. The model has checked them.

use serde_json::Value;
use ternmq_identity::directory::{Page, Tag};

use crate::call::Call;
use crate::failure::{Failure, internal};
use crate::front_door::Input;

/// A text.
pub(crate) fn text<'a>(input: &'a Input, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Value::as_str)
}

impl<'a> Call<'a> {
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        text(self.input, name)
    }

    /// A text without which the model lets no call through.
    pub(crate) fn need(&self, name: &str) -> Result<&'a str, Failure> {
        self.text(name).ok_or_else(|| {
            tracing::error!(operation = self.routed.operation.name, "an input has no {name}");
            internal().into()
        })
    }

    pub(crate) fn number(&self, name: &str) -> Option<u32> {
        self.input.get(name).and_then(Value::as_u64).and_then(|number| u32::try_from(number).ok())
    }

    /// Whether a member is there and true.
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.input.get(name).and_then(Value::as_bool).unwrap_or_default()
    }

    /// Items of a list of texts.
    pub(crate) fn texts(&self, name: &str) -> Vec<&'a str> {
        let items = self.input.get(name).and_then(Value::as_array).into_iter().flatten();
        items.filter_map(Value::as_str).collect()
    }

    /// `Tags` of IAM and STS.
    pub(crate) fn tags(&self) -> Vec<Tag> {
        let items = self.input.get("Tags").and_then(Value::as_array).into_iter().flatten();
        let part = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
        let tags = items.filter_map(|tag| Some(Tag { key: part(tag, "Key")?, value: part(tag, "Value")? }));
        tags.collect()
    }

    /// `Marker` and `MaxItems` of IAM.
    pub(crate) fn page(&self) -> Page<'a> {
        Page { marker: self.text("Marker"), max_items: self.number("MaxItems") }
    }
}
