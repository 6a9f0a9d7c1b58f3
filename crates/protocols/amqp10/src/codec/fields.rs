//! The fields of a described list, one after the other. A field that is null and one that is left out are the same
//! (AMQP 1.0 1.4).

use super::{
    error::DecodeError,
    value::{Map, Value, read},
};

/// Fields that are still to be read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a> {
    left: u32,
    rest: &'a [u8],
}

/// Constructor of null.
const NULL: u8 = 0x40;

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
            Some(Value::List(list)) => Ok(Self { left: list.count(), rest: list.items() }),
            _ => Err(DecodeError::WrongType { what }),
        }
    }

    /// The next field of whatever type.
    pub(super) fn any(&mut self) -> Result<Option<Value<'a>>, DecodeError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let (value, rest) = read(self.rest)?;
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
        bool: Bool -> bool,
        ubyte: Ubyte -> u8,
        ushort: Ushort -> u16,
        uint: Uint -> u32,
        ulong: Ulong -> u64,
        timestamp: Timestamp -> i64,
        binary: Binary -> &'a [u8],
        string: String -> &'a str,
        symbol: Symbol -> &'a str,
        map: Map -> Map<'a>,
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
