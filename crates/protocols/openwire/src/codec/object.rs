//! A structure that was read, or that is to be written: the values of its fields in the order of its table.

use std::{borrow::Cow, sync::Arc};

use super::{
    kind::Kind,
    table::{Field, Row, place, rows},
};

/// What is told of an exception. The class is a name and nothing else (B10).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Throwable<'a> {
    /// Name of its class, in Java.
    pub class: Option<Cow<'a, str>>,
    /// Its sentence.
    pub message: Option<Cow<'a, str>>,
}

/// Value of a field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value<'a> {
    /// Nothing is there.
    None,
    /// Truth value.
    Bool(bool),
    /// Number of one byte.
    Byte(u8),
    /// Number of four bytes.
    Int(i32),
    /// Number of eight bytes.
    Long(i64),
    /// Text.
    Text(Cow<'a, str>),
    /// Bytes.
    Bytes(Cow<'a, [u8]>),
    /// Another structure.
    Object(Arc<Object<'a>>),
    /// Structures.
    Array(Vec<Option<Arc<Object<'a>>>>),
    /// Exception.
    Throwable(Box<Throwable<'a>>),
}

impl Value<'_> {
    /// The same without borrowing.
    #[must_use]
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Self::None => Value::None,
            Self::Bool(truth) => Value::Bool(truth),
            Self::Byte(number) => Value::Byte(number),
            Self::Int(number) => Value::Int(number),
            Self::Long(number) => Value::Long(number),
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Self::Object(object) => Value::Object(Arc::new(owned(object))),
            Self::Array(objects) => {
                let objects = objects.into_iter().map(|object| object.map(|object| Arc::new(owned(object))));
                Value::Array(objects.collect())
            }
            Self::Throwable(throwable) => Value::Throwable(Box::new(Throwable {
                class: throwable.class.map(|text| Cow::Owned(text.into_owned())),
                message: throwable.message.map(|text| Cow::Owned(text.into_owned())),
            })),
        }
    }

    /// Bytes of text and bytes in it.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Bytes(bytes) => bytes.len(),
            Self::Object(object) => object.size_bytes(),
            Self::Array(objects) => objects.iter().flatten().map(|object| object.size_bytes()).sum(),
            Self::Throwable(throwable) => {
                [&throwable.class, &throwable.message].into_iter().flatten().map(|text| text.len()).sum()
            }
            Self::None | Self::Bool(_) | Self::Byte(_) | Self::Int(_) | Self::Long(_) => 0,
        }
    }
}

fn owned(object: Arc<Object<'_>>) -> Object<'static> {
    Arc::unwrap_or_clone(object).into_owned()
}

/// A structure.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Object<'a> {
    kind: Kind,
    values: Vec<Value<'a>>,
}

impl<'a> Object<'a> {
    /// A structure with nothing in it.
    #[must_use]
    pub fn new(kind: Kind) -> Self {
        Self { kind, values: rows(kind).iter().map(Row::default_value).collect() }
    }

    /// One whose values have been read, in the order of its table.
    pub(super) fn of_values(kind: Kind, values: Vec<Value<'a>>) -> Self {
        Self { kind, values }
    }

    /// Its kind.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The fields with their values, in order.
    pub fn fields(&self) -> impl Iterator<Item = (&'static Row, &Value<'a>)> {
        rows(self.kind).iter().zip(&self.values)
    }

    /// The same structure as another kind that has the same fields.
    #[must_use]
    pub fn into_kind(self, kind: Kind) -> Self {
        if rows(kind).iter().map(|row| row.field).eq(rows(self.kind).iter().map(|row| row.field)) {
            return Self { kind, ..self };
        }
        self
    }

    /// The same without borrowing.
    #[must_use]
    pub fn into_owned(self) -> Object<'static> {
        Object { kind: self.kind, values: self.values.into_iter().map(Value::into_owned).collect() }
    }

    /// Bytes of text and bytes in it.
    #[must_use]
    pub fn size_bytes(&self) -> usize {
        self.values.iter().map(Value::size_bytes).sum()
    }

    fn value(&self, field: Field) -> &Value<'a> {
        let place = place(self.kind, field);
        place.and_then(|place| self.values.get(place)).unwrap_or(&Value::None)
    }

    /// Sets a field; one that the kind has not is passed over.
    #[must_use]
    pub fn with(mut self, field: Field, value: Value<'a>) -> Self {
        self.set(field, value);
        self
    }

    /// As [`Self::with`], in place.
    pub fn set(&mut self, field: Field, value: Value<'a>) {
        let place = place(self.kind, field);
        if let Some(known) = place.and_then(|place| self.values.get_mut(place)) {
            *known = value;
        }
    }

    /// Sets a field of text.
    #[must_use]
    pub fn with_text(self, field: Field, text: impl Into<Cow<'a, str>>) -> Self {
        self.with(field, Value::Text(text.into()))
    }

    /// Sets a field with a structure.
    #[must_use]
    pub fn with_object(self, field: Field, object: Arc<Object<'a>>) -> Self {
        self.with(field, Value::Object(object))
    }

    /// Takes the value of a field out.
    pub fn take(&mut self, field: Field) -> Value<'a> {
        let place = place(self.kind, field);
        match place.and_then(|place| self.values.get_mut(place)) {
            Some(known) => std::mem::replace(known, Value::None),
            None => Value::None,
        }
    }

    /// Whether a truth value is true.
    #[must_use]
    pub fn is(&self, field: Field) -> bool {
        matches!(self.value(field), Value::Bool(true))
    }

    /// A number of any size; 0 when there is none.
    #[must_use]
    pub fn number(&self, field: Field) -> i64 {
        match self.value(field) {
            Value::Byte(number) => i64::from(*number),
            Value::Int(number) => i64::from(*number),
            Value::Long(number) => *number,
            _ => 0,
        }
    }

    /// Text, if there is one.
    #[must_use]
    pub fn text(&self, field: Field) -> Option<&str> {
        match self.value(field) {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Bytes, if there are any.
    #[must_use]
    pub fn bytes(&self, field: Field) -> Option<&[u8]> {
        match self.value(field) {
            Value::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// A structure, if there is one.
    #[must_use]
    pub fn object(&self, field: Field) -> Option<&Arc<Object<'a>>> {
        match self.value(field) {
            Value::Object(object) => Some(object),
            _ => None,
        }
    }

    /// Structures; none when there is no list.
    #[must_use]
    pub fn array(&self, field: Field) -> &[Option<Arc<Object<'a>>>] {
        match self.value(field) {
            Value::Array(objects) => objects,
            _ => &[],
        }
    }

    /// An exception, if there is one.
    #[must_use]
    pub fn throwable(&self, field: Field) -> Option<&Throwable<'a>> {
        match self.value(field) {
            Value::Throwable(throwable) => Some(throwable),
            _ => None,
        }
    }
}
