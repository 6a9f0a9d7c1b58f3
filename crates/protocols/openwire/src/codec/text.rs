//! Text as Java's data streams have it: UTF-8, but with two bytes for U+0000 and two groups of three bytes for a character
//! beyond U+FFFF.

use std::borrow::Cow;

use super::error::DecodeError;

/// Longest text in bytes that a length field of two bytes can say to every client: Java takes no more in tight encoding.
pub const TEXT_MAX_BYTES: usize = 32_766;

/// Whether a text has the same bytes here as in plain UTF-8.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    // A leading byte of 0xf0 or more begins a character beyond U+FFFF.
    text.bytes().all(|byte| byte != 0 && byte < 0xf0)
}

/// Reads text. Plain UTF-8 is taken too, as clients in other languages write it.
///
/// # Errors
/// The bytes are neither, or half of a pair stands alone: that is no character.
pub fn read(bytes: &[u8]) -> Result<Cow<'_, str>, DecodeError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Cow::Borrowed(text)),
        Err(_) => unpack(bytes).map(Cow::Owned),
    }
}

/// As [`read`]; `is_latin`: a letter is a byte.
///
/// # Errors
/// As [`read`].
pub fn read_as(bytes: &[u8], is_latin: bool) -> Result<Cow<'_, str>, DecodeError> {
    if is_latin && !bytes.is_ascii() {
        return Ok(Cow::Owned(bytes.iter().copied().map(char::from).collect()));
    }
    read(bytes)
}

fn follower(byte: Option<&u8>) -> Result<u32, DecodeError> {
    match byte {
        Some(byte) if byte & 0xc0 == 0x80 => Ok(u32::from(byte & 0x3f)),
        _ => Err(DecodeError::NotText),
    }
}

fn unpack(bytes: &[u8]) -> Result<String, DecodeError> {
    let mut units = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter();
    while let Some(first) = rest.next() {
        let unit = match first {
            0x00..=0x7f => u32::from(*first),
            0xc0..=0xdf => u32::from(first & 0x1f) << 6 | follower(rest.next())?,
            0xe0..=0xef => {
                let high = u32::from(first & 0x0f) << 12 | follower(rest.next())? << 6;
                high | follower(rest.next())?
            }
            _ => return Err(DecodeError::NotText),
        };
        units.push(u16::try_from(unit).map_err(|_| DecodeError::NotText)?);
    }
    String::from_utf16(&units).map_err(|_| DecodeError::NotText)
}

/// A text as it is written.
#[must_use]
pub fn packed(text: &str) -> Cow<'_, [u8]> {
    if is_plain(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut out = Vec::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match u32::from(letter) {
            0 => out.extend_from_slice(&[0xc0, 0x80]),
            0x1_0000.. => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    let [high, low] = unit.to_be_bytes();
                    out.push(0xe0 | high >> 4);
                    out.push(0x80 | (high & 0x0f) << 2 | low >> 6);
                    out.push(0x80 | low & 0x3f);
                }
            }
            _ => out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    Cow::Owned(out)
}

/// The part of a text that [`TEXT_MAX_BYTES`] leaves, as it is written.
#[must_use]
pub fn fitting(text: &str) -> Cow<'_, [u8]> {
    let packed = packed(text);
    if packed.len() <= TEXT_MAX_BYTES {
        return packed;
    }
    // Three bytes a character and NUL's two are within twice the plain length, so this is short enough.
    let mut len = text.len().min(TEXT_MAX_BYTES / 2);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    Cow::Owned(self::packed(text.get(..len).unwrap_or_default()).into_owned())
}
