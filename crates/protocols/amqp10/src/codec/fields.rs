//! The fields of a described list, one after the other. A field that is null and one that is left out are the same
//! (AMQP 1.0 1.4).

use super::{
    error::DecodeError,
    value::{FALSE, Map, NULL, SMALL_BINARY, SMALL_UINT, TRUE, UINT, Value, check_field, check_fields, read},
};

/// Fields that are still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    left: u32,
    rest: &'a [u8],
    /// All of it was looked at before: nothing needs to be while it is read.
    is_checked: bool,
}

/// A method for each type that fields have.
macro_rules! typed {
    ($($name:ident: $variant:ident -> $type:ty),* $(,)?) => {$(
        pub(super) fn $name(&mut self, what: &'static str) -> Result<Option<$type>, DecodeError> {
            if self.is_null() {
                return Ok(None);
            }
            match self.any()? {
                None => Ok(None),
                Some(Value::$variant(value)) => Ok(Some(value)),
                Some(_) => Err(DecodeError::WrongType { what }),
            }
        }
    )*};
}

impl<'a> Fields<'a> {
    /// The fields of a value that has to be a list and was checked.
    pub(super) fn of(value: Option<Value<'a>>, what: &'static str) -> Result<Self, DecodeError> {
        match value {
            Some(Value::List(list)) => Ok(Self { left: list.count(), rest: list.items(), is_checked: true }),
            _ => Err(DecodeError::WrongType { what }),
        }
    }

    /// The same of a value that was not checked. All is when it has come to [`Self::end`].
    pub(super) fn unchecked(value: Option<Value<'a>>, what: &'static str) -> Result<Self, DecodeError> {
        Ok(Self { is_checked: false, ..Self::of(value, what)? })
    }

    /// Looks at those that were not read.
    pub(super) fn end(self) -> Result<(), DecodeError> {
        if self.is_checked { Ok(()) } else { check_fields(self.left, self.rest) }
    }

    /// The next field of whatever type.
    pub(super) fn any(&mut self) -> Result<Option<Value<'a>>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let (value, rest) = read(self.rest)?;
        if !self.is_checked {
            check_field(&value, self.rest)?;
        }
        (self.left, self.rest) = (left, rest);
        Ok(if matches!(value, Value::Null) { None } else { Some(value) })
    }

    /// Whether the next field is a null, as most that are not left out are: steps over it.
    #[inline]
    fn is_null(&mut self) -> bool {
        match (self.left, self.rest) {
            (1.., [NULL, rest @ ..]) => {
                (self.left, self.rest) = (self.left - 1, rest);
                true
            }
            (left, _) => left == 0,
        }
    }

    typed! {
        any_bool: Bool -> bool,
        any_uint: Uint -> u32,
        any_binary: Binary -> &'a [u8],
        ubyte: Ubyte -> u8,
        ushort: Ushort -> u16,
        ulong: Ulong -> u64,
        timestamp: Timestamp -> i64,
        string: String -> &'a str,
        symbol: Symbol -> &'a str,
        map: Map -> Map<'a>,
    }

    /// A truth value. What every transfer has is read without a detour, in its usual forms.
    #[inline]
    pub(super) fn bool(&mut self, what: &'static str) -> Result<Option<bool>, DecodeError> {
        match (self.left, self.rest) {
            (1.., [truth @ (TRUE | FALSE), rest @ ..]) => Ok(self.take(*truth == TRUE, rest)),
            _ => self.any_bool(what),
        }
    }

    /// A number of up to 32 bits.
    #[inline]
    pub(super) fn uint(&mut self, what: &'static str) -> Result<Option<u32>, DecodeError> {
        match (self.left, self.rest) {
            (1.., [SMALL_UINT, number, rest @ ..]) => Ok(self.take(u32::from(*number), rest)),
            (1.., [UINT, a, b, c, d, rest @ ..]) => Ok(self.take(u32::from_be_bytes([*a, *b, *c, *d]), rest)),
            _ => self.any_uint(what),
        }
    }

    /// Bytes.
    #[inline]
    pub(super) fn binary(&mut self, what: &'static str) -> Result<Option<&'a [u8]>, DecodeError> {
        if let (1.., [SMALL_BINARY, len, rest @ ..]) = (self.left, self.rest)
            && let Some((bytes, rest)) = rest.split_at_checked(usize::from(*len))
        {
            return Ok(self.take(bytes, rest));
        }
        self.any_binary(what)
    }

    /// A field has been read up to here.
    #[inline]
    fn take<T>(&mut self, value: T, rest: &'a [u8]) -> Option<T> {
        (self.left, self.rest) = (self.left.saturating_sub(1), rest);
        Some(value)
    }

    /// One symbol or several.
    pub(super) fn symbols(&mut self, what: &'static str) -> Result<Option<Value<'a>>, DecodeError> {
        match self.any()? {
            None => Ok(None),
            Some(value @ (Value::Symbol(_) | Value::Array(_) | Value::List(_))) => Ok(Some(value)),
            Some(_) => Err(DecodeError::WrongType { what }),
        }
    }
}

/// A field that has to be there.
pub(super) fn required<T>(field: Option<T>, what: &'static str) -> Result<T, DecodeError> {
    field.ok_or(DecodeError::Missing { what })
}
