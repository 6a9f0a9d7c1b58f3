//! JSON as policies need it: in order, each key once, not too deep.

use std::fmt;

use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use ternmq_stdx::quoted;

use super::fault::{PolicyFault, Reason};

/// Deepest nesting; a policy has six levels.
const MAX_DEPTH: usize = 32;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    Null,
    Bool(bool),
    /// Its digits.
    Number(String),
    Text(String),
    List(Vec<Json>),
    /// In order; no key is there twice.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole document.
    pub(super) fn parse(text: &str) -> Result<Self, PolicyFault> {
        let mut reader = serde_json::Deserializer::from_str(text);
        let json = Depth(0).deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
        json.map_err(|error| PolicyFault::Json(error.to_string()))
    }

    /// The members of an object.
    pub(super) fn object(&self) -> Result<&[(String, Json)], Reason> {
        if let Self::Object(members) = self { Ok(members) } else { Err(Reason::Type("an object")) }
    }

    /// A text.
    pub(super) fn text(&self) -> Result<&str, Reason> {
        if let Self::Text(text) = self { Ok(text) } else { Err(Reason::Type("a string")) }
    }

    /// One value, or each of a list.
    pub(super) fn one_or_list(&self) -> &[Json] {
        if let Self::List(values) = self { values } else { std::slice::from_ref(self) }
    }

    /// One text, or each of a list.
    pub(super) fn texts(&self) -> Result<Vec<&str>, Reason> {
        self.one_or_list().iter().map(Self::text).collect()
    }
}

/// Reads a value that is so deep already.
struct Depth(usize);

impl<'de> DeserializeSeed<'de> for Depth {
    type Value = Json;

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Depth {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value.to_string()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut values = Vec::new();
        while let Some(value) = access.next_element_seed(Depth(inner))? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Json, A::Error> {
        let inner = self.inner()?;
        let mut members = Vec::new();
        let mut names = std::collections::HashSet::new();
        while let Some(name) = access.next_key::<String>()? {
            if !names.insert(name.clone()) {
                return Err(A::Error::custom(format_args!("the key {} is there twice", quoted(&name))));
            }
            let value = access.next_value_seed(Depth(inner))?;
            members.push((name, value));
        }
        Ok(Json::Object(members))
    }
}

impl Depth {
    fn inner<E: serde::de::Error>(&self) -> Result<usize, E> {
        if self.0 < MAX_DEPTH { Ok(self.0 + 1) } else { Err(E::custom("it is nested too deeply")) }
    }
}
