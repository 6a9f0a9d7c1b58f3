//! Values, and what two of them make together.

use std::{borrow::Cow, cmp::Ordering};

use ternmq_message::Value;

/// Longest text that `+` makes, in bytes; more is no value (I11).
const MAX_JOINED_BYTES: usize = 64 * 1024;

/// One value while a selector is evaluated. Conditions are truth values, unknown is [`Operand::Null`].
#[derive(Clone, Debug, PartialEq)]
pub enum Operand<'a> {
    /// No value, or unknown.
    Null,
    /// Truth value.
    Bool(bool),
    /// Whole number of up to 32 bits.
    Int(i32),
    /// Whole number of 64 bits.
    Long(i64),
    /// Floating point number.
    Double(f64),
    /// Text.
    Text(Cow<'a, str>),
}

/// Arithmetic operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Divide,
    Modulo,
}

/// Comparison operator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Comparison {
    fn holds(self, order: Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::NotEqual => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

/// Whether text stands for the number or truth value that it is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TextIs {
    Text,
    WhatItSays,
}

impl<'a> Operand<'a> {
    /// Text as it stands elsewhere.
    #[must_use]
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// Text, or no value.
    #[must_use]
    pub fn text_or_null(text: Option<&'a str>) -> Self {
        text.map_or(Self::Null, Self::text)
    }

    /// A value of a message. Lists, maps and bytes that are no text are no value to a selector.
    #[must_use]
    pub fn of(value: &'a Value) -> Self {
        match value {
            Value::Null | Value::Array(_) | Value::Map(_) => Self::Null,
            Value::Bool(truth) => Self::Bool(*truth),
            Value::I8(number) => Self::Int((*number).into()),
            Value::U8(number) => Self::Int((*number).into()),
            Value::I16(number) => Self::Int((*number).into()),
            Value::U16(number) => Self::Int((*number).into()),
            Value::I32(number) => Self::Int(*number),
            Value::U32(number) => Self::Long((*number).into()),
            Value::I64(number) => Self::Long(*number),
            Value::U64(number) | Value::Timestamp(number) => {
                i64::try_from(*number).map_or(Self::Double(*number as f64), Self::Long)
            }
            Value::F32(number) => Self::Double((*number).into()),
            Value::F64(number) => Self::Double(*number),
            Value::Decimal(decimal) => {
                Self::Double(f64::from(decimal.unscaled) / 10_f64.powi(decimal.scale.into()))
            }
            Value::Str(text) => Self::text(text),
            Value::Bytes(bytes) => Self::text_or_null(std::str::from_utf8(bytes).ok()),
        }
    }

    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value as a condition: no value is unknown, and what is no truth value is false.
    pub(crate) fn into_condition(self) -> Self {
        match self {
            Self::Null | Self::Bool(_) => self,
            Self::Int(_) | Self::Long(_) | Self::Double(_) | Self::Text(_) => Self::Bool(false),
        }
    }

    pub(crate) fn not(self) -> Self {
        match self.into_condition() {
            Self::Bool(truth) => Self::Bool(!truth),
            unknown => unknown,
        }
    }

    /// Both conditions, in three-valued logic.
    pub(crate) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bool(false), _) | (_, Self::Bool(false)) => Self::Bool(false),
            (Self::Bool(true), Self::Bool(true)) => Self::Bool(true),
            _ => Self::Null,
        }
    }

    /// One of the conditions, in three-valued logic.
    pub(crate) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Bool(true), _) | (_, Self::Bool(true)) => Self::Bool(true),
            (Self::Bool(false), Self::Bool(false)) => Self::Bool(false),
            _ => Self::Null,
        }
    }

    fn as_double(&self) -> Option<f64> {
        match *self {
            Self::Int(number) => Some(number.into()),
            Self::Long(number) => Some(number as f64),
            Self::Double(number) => Some(number),
            Self::Null | Self::Bool(_) | Self::Text(_) => None,
        }
    }

    fn as_whole(&self) -> Option<i64> {
        match *self {
            Self::Int(number) => Some(number.into()),
            Self::Long(number) => Some(number),
            Self::Null | Self::Bool(_) | Self::Double(_) | Self::Text(_) => None,
        }
    }

    /// The negative number; what is no number has none.
    pub(crate) fn negate(&self) -> Self {
        match *self {
            Self::Int(number) => Self::Int(number.wrapping_neg()),
            Self::Long(number) => Self::Long(number.wrapping_neg()),
            Self::Double(number) => Self::Double(-number),
            Self::Null | Self::Bool(_) | Self::Text(_) => Self::Null,
        }
    }

    /// The result of an operator, by Java's numeric promotion, but that a quotient and a rest are floating point numbers.
    /// Text takes what is added to it as text. Anything else that is no number gives no value.
    pub(crate) fn calculate(&self, operator: Arithmetic, other: &Operand<'_>) -> Operand<'static> {
        if let (Self::Text(text), Arithmetic::Plus) = (self, operator) {
            return join(text, other);
        }
        if let (Self::Int(a), Operand::Int(b)) = (self, other) {
            match operator {
                Arithmetic::Plus => return Operand::Int(a.wrapping_add(*b)),
                Arithmetic::Minus => return Operand::Int(a.wrapping_sub(*b)),
                Arithmetic::Times => return Operand::Int(a.wrapping_mul(*b)),
                Arithmetic::Divide | Arithmetic::Modulo => {}
            }
        } else if let (Some(a), Some(b)) = (self.as_whole(), other.as_whole()) {
            match operator {
                Arithmetic::Plus => return Operand::Long(a.wrapping_add(b)),
                Arithmetic::Minus => return Operand::Long(a.wrapping_sub(b)),
                Arithmetic::Times => return Operand::Long(a.wrapping_mul(b)),
                Arithmetic::Divide | Arithmetic::Modulo => {}
            }
        }
        let (Some(a), Some(b)) = (self.as_double(), other.as_double()) else { return Operand::Null };
        Operand::Double(match operator {
            Arithmetic::Plus => a + b,
            Arithmetic::Minus => a - b,
            Arithmetic::Times => a * b,
            Arithmetic::Divide => a / b,
            Arithmetic::Modulo => a % b,
        })
    }

    /// Whether a comparison holds: unknown when a value is missing, false between types that do not compare, so that
    /// `<>` is true between them.
    pub(crate) fn compare(&self, comparison: Comparison, other: &Operand<'_>, texts: TextIs) -> Self {
        if self.is_null() || other.is_null() {
            return Self::Null;
        }
        Self::Bool(match self.order(other, texts) {
            Some(order) => comparison.holds(order),
            None => comparison == Comparison::NotEqual,
        })
    }

    fn order(&self, other: &Operand<'_>, texts: TextIs) -> Option<Ordering> {
        match (self, other) {
            (Self::Bool(a), Operand::Bool(b)) => Some(a.cmp(b)),
            (Self::Text(a), Operand::Text(b)) => Some(order_of_texts(a, b)),
            (Self::Text(text), value) if texts == TextIs::WhatItSays => {
                said(text, value)?.order(value, TextIs::Text)
            }
            (value, Operand::Text(text)) if texts == TextIs::WhatItSays => {
                value.order(&said(text, value)?, TextIs::Text)
            }
            _ => match (self.as_whole(), other.as_whole()) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => self.as_double()?.partial_cmp(&other.as_double()?),
            },
        }
    }
}

/// Java's order of texts: by UTF-16 units.
fn order_of_texts(a: &str, b: &str) -> Ordering {
    // Bytes of UTF-8 have the same order but for characters past U+FFFF.
    if a.is_ascii() || b.is_ascii() { a.cmp(b) } else { a.encode_utf16().cmp(b.encode_utf16()) }
}

/// What a text says, as a value of the other side's kind.
fn said(text: &str, other: &Operand<'_>) -> Option<Operand<'static>> {
    let text = text.trim();
    if matches!(other, Operand::Bool(_)) {
        return Some(Operand::Bool(text.eq_ignore_ascii_case("true")));
    }
    match text.parse() {
        Ok(whole) => Some(Operand::Long(whole)),
        Err(_) if text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'+' | b'-' | b'e' | b'E')) => {
            text.parse().ok().map(Operand::Double)
        }
        Err(_) => None,
    }
}

/// A text with another value behind it.
fn join(text: &str, other: &Operand<'_>) -> Operand<'static> {
    let more: Cow<'_, str> = match other {
        Operand::Null => return Operand::Null,
        Operand::Bool(truth) => Cow::Borrowed(if *truth { "true" } else { "false" }),
        Operand::Int(number) => number.to_string().into(),
        Operand::Long(number) => number.to_string().into(),
        Operand::Double(number) => format!("{number:?}").into(),
        Operand::Text(more) => Cow::Borrowed(more),
    };
    if text.len() + more.len() > MAX_JOINED_BYTES {
        return Operand::Null;
    }
    Operand::Text([text, &more].concat().into())
}
