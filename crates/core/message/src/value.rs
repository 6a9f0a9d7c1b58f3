//! The hub of value types: what any protocol's header or argument value becomes.

use std::{fmt, sync::Arc};

/// A decimal number: `unscaled * 10^-scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    /// Number of digits after the decimal point, 0..=255.
    pub scale: u8,
    /// The digits as one signed number.
    pub unscaled: i32,
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.unscaled < 0 { "-" } else { "" };
        let scale = usize::from(self.scale);
        let digits = format!("{:0>width$}", self.unscaled.unsigned_abs(), width = scale + 1);
        let (whole, part) = digits.split_at_checked(digits.len() - scale).unwrap_or((&digits, ""));
        if part.is_empty() { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{part}") }
    }
}

/// Ordered list of named values. Names may repeat; the first one counts.
pub type Map = Vec<(Arc<str>, Value)>;

/// One typed value, wide enough to carry every value type of the protocols without loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// Truth value.
    Bool(bool),
    /// Signed 8-bit number.
    I8(i8),
    /// Unsigned 8-bit number.
    U8(u8),
    /// Signed 16-bit number.
    I16(i16),
    /// Unsigned 16-bit number.
    U16(u16),
    /// Signed 32-bit number.
    I32(i32),
    /// Unsigned 32-bit number.
    U32(u32),
    /// Signed 64-bit number.
    I64(i64),
    /// Unsigned 64-bit number.
    U64(u64),
    /// 32-bit floating point number.
    F32(f32),
    /// 64-bit floating point number.
    F64(f64),
    /// Decimal number.
    Decimal(Decimal),
    /// Seconds since 1970-01-01T00:00:00Z.
    Timestamp(u64),
    /// Text.
    Str(Arc<str>),
    /// Bytes that are not known to be text.
    Bytes(Arc<[u8]>),
    /// List of values.
    Array(Vec<Value>),
    /// Named values.
    Map(Map),
}

impl Value {
    /// Text value from a slice.
    #[must_use]
    pub fn str(text: &str) -> Self {
        Self::Str(Arc::from(text))
    }

    /// The value as text, when it is text (or bytes that are valid UTF-8).
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            Self::Bytes(bytes) => std::str::from_utf8(bytes).ok(),
            _ => None,
        }
    }

    /// The value as a whole number, when it is one of the integer types and fits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match *self {
            Self::I8(number) => Some(number.into()),
            Self::U8(number) => Some(number.into()),
            Self::I16(number) => Some(number.into()),
            Self::U16(number) => Some(number.into()),
            Self::I32(number) => Some(number.into()),
            Self::U32(number) => Some(number.into()),
            Self::I64(number) => Some(number),
            Self::U64(number) => i64::try_from(number).ok(),
            _ => None,
        }
    }

    /// The value as a truth value, when it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match *self {
            Self::Bool(truth) => Some(truth),
            _ => None,
        }
    }

    /// Whether two values mean the same: numbers compare by value whatever their width, the rest exactly.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        match (self.as_i64(), other.as_i64()) {
            (Some(a), Some(b)) => a == b,
            _ => match (self.as_str(), other.as_str()) {
                (Some(a), Some(b)) => a == b,
                _ => self == other,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_other_widths_mean_the_same() {
        assert!(Value::I8(5).is_same(&Value::U64(5)));
        assert!(!Value::I8(5).is_same(&Value::str("5")));
        assert!(!Value::Bool(true).is_same(&Value::I32(1)));
    }

    #[test]
    fn a_number_past_i64_is_not_truncated() {
        assert_eq!(Value::U64(u64::MAX).as_i64(), None);
    }
}
