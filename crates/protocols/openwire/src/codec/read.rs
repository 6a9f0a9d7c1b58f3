//! The reader: goes through a structure's table, in either encoding.

use std::{borrow::Cow, sync::Arc};

use super::{
    Encoding,
    cache::InCache,
    error::DecodeError,
    kind::Kind,
    object::{Object, Throwable, Value},
    table::{Class, Form, rows},
    text,
    wire::{Bits, Cursor},
};

/// Most structures within each other (guarantees 6).
pub const MAX_DEPTH: u8 = 16;
/// Most elements of all lists of a frame (guarantees 6).
pub const MAX_ELEMENTS: u32 = 4_096;

/// Reads the structure that a frame is.
///
/// # Errors
/// It is none of this version, or bytes are left over. What was remembered on the way stays in the cache: the connection
/// has to end (B6).
pub fn decode<'a>(
    frame: &'a [u8],
    encoding: Encoding,
    cache: &mut InCache,
) -> Result<Object<'a>, DecodeError> {
    let (mut reader, kind) = Reader::start(frame, encoding, cache)?;
    let object = reader.object(kind, 0)?;
    if reader.data.rest().is_empty() { Ok(object) } else { Err(DecodeError::Trailing) }
}

fn kind_of(code: u8, encoding: Encoding) -> Result<Kind, DecodeError> {
    let version = encoding.version;
    let known = Kind::of_code(code).filter(|kind| kind.since() <= version);
    known.ok_or(DecodeError::UnknownKind { code, version })
}

/// A structure that stands in a field of a kept message; `None` when there is none.
pub(super) fn decode_kept(raw: &[u8]) -> Option<Object<'_>> {
    let (&[1], fields) = raw.split_first_chunk()? else { return None };
    decode(fields, Encoding::KEPT, &mut InCache::default()).ok()
}

pub(super) struct Reader<'a, 'c> {
    pub(super) data: Cursor<'a>,
    /// Only in tight encoding.
    bits: Option<Bits<'a>>,
    pub(super) encoding: Encoding,
    pub(super) cache: &'c mut InCache,
    /// Elements of lists so far.
    elements: u32,
}

impl<'a, 'c> Reader<'a, 'c> {
    /// A reader of a frame, and the kind of the structure that it is.
    pub(super) fn start(
        frame: &'a [u8],
        encoding: Encoding,
        cache: &'c mut InCache,
    ) -> Result<(Self, Kind), DecodeError> {
        let mut data = Cursor::new(frame);
        let kind = kind_of(data.u8()?, encoding)?;
        let bits = if encoding.is_tight { Some(Bits::read(&mut data)?) } else { None };
        Ok((Self { data, bits, encoding, cache, elements: 0 }, kind))
    }

    fn object(&mut self, kind: Kind, depth: u8) -> Result<Object<'a>, DecodeError> {
        if depth > MAX_DEPTH {
            return Err(DecodeError::TooDeep { max: MAX_DEPTH });
        }
        let mut values = Vec::with_capacity(rows(kind).len());
        for row in rows(kind) {
            if row.is_in(self.encoding.version) {
                self.value(row.form, depth, &mut values)?;
            } else {
                values.push(row.default_value());
            }
        }
        Ok(Object::of_values(kind, values))
    }

    /// Reads a value to the end of `values`: made in its place, as a message has some thirty.
    pub(super) fn value(
        &mut self,
        form: Form,
        depth: u8,
        values: &mut Vec<Value<'a>>,
    ) -> Result<(), DecodeError> {
        match form {
            Form::Bool => values.push(Value::Bool(self.truth()?)),
            Form::Byte => values.push(Value::Byte(self.data.u8()?)),
            Form::Int => values.push(Value::Int(self.data.i32()?)),
            Form::Long => values.push(Value::Long(self.long()?)),
            Form::Text => match self.text()? {
                Some(text) => values.push(Value::Text(text)),
                None => values.push(Value::None),
            },
            Form::Bytes => match self.bytes()? {
                Some(bytes) => values.push(Value::Bytes(Cow::Borrowed(bytes))),
                None => values.push(Value::None),
            },
            Form::Magic => values.push(Value::Bytes(Cow::Borrowed(self.data.take(8)?))),
            Form::Cached(class) if self.encoding.has_cache => values.push(self.cached(class, depth)?),
            Form::Object(class) | Form::Cached(class) => match self.nested(class, depth)? {
                Some(object) => values.push(Value::Object(Arc::new(object))),
                None => values.push(Value::None),
            },
            Form::Array(class) => values.push(self.array(class, depth)?),
            Form::Throwable => values.push(self.throwable()?),
        }
        Ok(())
    }

    #[inline]
    pub(super) fn truth(&mut self) -> Result<bool, DecodeError> {
        match &mut self.bits {
            Some(bits) => bits.bit(),
            None => Ok(self.data.u8()? != 0),
        }
    }

    pub(super) fn long(&mut self) -> Result<i64, DecodeError> {
        if self.bits.is_none() {
            return self.data.i64();
        }
        Ok(match (self.truth()?, self.truth()?) {
            (true, true) => self.data.i64()?,
            (true, false) => i64::from(self.data.i32()?.cast_unsigned()),
            (false, true) => i64::from(self.data.u16()?),
            (false, false) => 0,
        })
    }

    fn text(&mut self) -> Result<Option<Cow<'a, str>>, DecodeError> {
        self.raw_text()?.map(|(is_latin, bytes)| text::read_as(bytes, is_latin)).transpose()
    }

    /// The bytes of a text, with whether a letter is a byte of it.
    #[inline]
    pub(super) fn raw_text(&mut self) -> Result<Option<(bool, &'a [u8])>, DecodeError> {
        if !self.truth()? {
            return Ok(None);
        }
        let is_latin = self.bits.is_some() && self.truth()?;
        let len = self.data.u16()?;
        Ok(Some((is_latin, self.data.take(usize::from(len))?)))
    }

    #[inline]
    pub(super) fn bytes(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        if !self.truth()? {
            return Ok(None);
        }
        let len = self.data.len32()?;
        self.data.take(len).map(Some)
    }

    fn nested(&mut self, class: Class, depth: u8) -> Result<Option<Object<'a>>, DecodeError> {
        self.nested_kind(class)?.map(|kind| self.object(kind, depth + 1)).transpose()
    }

    /// The kind of a structure within another, if there is one.
    #[inline]
    pub(super) fn nested_kind(&mut self, class: Class) -> Result<Option<Kind>, DecodeError> {
        if !self.truth()? {
            return Ok(None);
        }
        let kind = kind_of(self.data.u8()?, self.encoding)?;
        if !class.has(kind) {
            return Err(DecodeError::WrongKind { code: kind.code() });
        }
        // A message may say that it is a frame by itself, with bits of its own.
        if kind.is_message() && self.bits.is_some() && self.truth()? {
            return Err(DecodeError::Reframed);
        }
        Ok(Some(kind))
    }

    fn cached(&mut self, class: Class, depth: u8) -> Result<Value<'a>, DecodeError> {
        if self.truth()? {
            return Ok(of_object(self.put_cached(class, depth)?));
        }
        let index = self.data.i16()?;
        let object = self.cache.get(index)?;
        match object.as_deref().map(Object::kind).filter(|kind| !class.has(*kind)) {
            Some(kind) => Err(DecodeError::WrongKind { code: kind.code() }),
            None => Ok(of_object(object)),
        }
    }

    /// Reads what the peer wants to be remembered.
    pub(super) fn put_cached(
        &mut self,
        class: Class,
        depth: u8,
    ) -> Result<Option<Arc<Object<'static>>>, DecodeError> {
        let index = self.data.i16()?;
        let object = self.nested(class, depth)?.map(|object| Arc::new(object.into_owned()));
        self.cache.put(index, object.clone())?;
        Ok(object)
    }

    /// The number of elements of a list.
    pub(super) fn count(&mut self) -> Result<u16, DecodeError> {
        let count = u16::try_from(self.data.i16()?).map_err(|_| DecodeError::Negative)?;
        self.elements += u32::from(count);
        if self.elements > MAX_ELEMENTS {
            return Err(DecodeError::TooMany { max: MAX_ELEMENTS });
        }
        Ok(count)
    }

    fn array(&mut self, class: Class, depth: u8) -> Result<Value<'a>, DecodeError> {
        if !self.truth()? {
            return Ok(Value::None);
        }
        let mut objects = Vec::new();
        for _ in 0..self.count()? {
            objects.push(self.nested(class, depth)?.map(Arc::new));
        }
        Ok(Value::Array(objects))
    }

    /// Stack traces are never agreed on, so there are none.
    fn throwable(&mut self) -> Result<Value<'a>, DecodeError> {
        if !self.truth()? {
            return Ok(Value::None);
        }
        let (class, message) = (self.text()?, self.text()?);
        Ok(Value::Throwable(Box::new(Throwable { class, message })))
    }
}

fn of_object<'a>(object: Option<Arc<Object<'a>>>) -> Value<'a> {
    object.map_or(Value::None, Value::Object)
}
