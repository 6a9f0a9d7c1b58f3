//! The part of BER that LDAP uses (RFC 4511 5.1): definite lengths, tags of one byte. Reading borrows, never allocates and
//! never recurses: whoever reads says what it expects.

/// Most bytes of a tag and a length.
pub(crate) const MAX_HEADER_BYTES: usize = 6;

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;
pub(crate) const SET: u8 = 0x31;

/// Bytes that are not what they have to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

/// Tag, bytes of the header, and bytes of the content of what begins here; `None` as long as the header is not whole.
pub(crate) fn header(bytes: &[u8]) -> Result<Option<(u8, usize, usize)>, Malformed> {
    let (&[tag, first], rest) = match bytes.split_first_chunk::<2>() {
        Some((start, rest)) => (start, rest),
        None => return Ok(None),
    };
    // Tags of several bytes are none of LDAP's.
    if tag & 0x1f == 0x1f {
        return Err(Malformed);
    }
    if first < 0x80 {
        return Ok(Some((tag, 2, usize::from(first))));
    }
    let count = usize::from(first & 0x7f);
    if !(1..=MAX_HEADER_BYTES - 2).contains(&count) {
        return Err(Malformed);
    }
    let Some(length) = rest.get(..count) else { return Ok(None) };
    let length = length.iter().fold(0_usize, |length, byte| length << 8 | usize::from(*byte));
    Ok(Some((tag, 2 + count, length)))
}

/// Reads one element after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(crate) fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// What was not read.
    pub(crate) fn rest(self) -> &'a [u8] {
        self.0
    }

    /// Tag and content of the next element.
    pub(crate) fn any(&mut self) -> Result<(u8, &'a [u8]), Malformed> {
        let (tag, header, content) = header(self.0)?.ok_or(Malformed)?;
        let end = header.checked_add(content).ok_or(Malformed)?;
        let found = self.0.get(header..end).ok_or(Malformed)?;
        self.0 = self.0.get(end..).unwrap_or_default();
        Ok((tag, found))
    }

    /// Content of the next element, which has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Result<&'a [u8], Malformed> {
        let (found, content) = self.any()?;
        if found == tag { Ok(content) } else { Err(Malformed) }
    }

    /// The elements in the next one, which has this tag.
    pub(crate) fn inner(&mut self, tag: u8) -> Result<Self, Malformed> {
        self.expect(tag).map(Self)
    }

    /// A number that is not negative.
    pub(crate) fn number(&mut self, tag: u8) -> Result<u32, Malformed> {
        let content = self.expect(tag)?;
        let is_fit = matches!(content.len(), 1..=5) && content.first().is_some_and(|first| *first < 0x80);
        if !is_fit {
            return Err(Malformed);
        }
        let number = content.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        u32::try_from(number).map_err(|_| Malformed)
    }
}

/// Adds an element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    match content.len() {
        len @ 0..0x80 => out.push(u8::try_from(len).unwrap_or_default()),
        len => {
            let bytes = len.to_be_bytes();
            let skipped = bytes.iter().take_while(|byte| **byte == 0).count();
            let bytes = bytes.get(skipped..).unwrap_or_default();
            out.push(0x80 | u8::try_from(bytes.len()).unwrap_or_default());
            out.extend_from_slice(bytes);
        }
    }
    out.extend_from_slice(content);
}

/// Adds a number.
pub(crate) fn put_number(out: &mut Vec<u8>, tag: u8, number: u32) {
    let bytes = u64::from(number).to_be_bytes();
    // As short as it can be, and positive: the first bit is the sign.
    let skipped =
        bytes.windows(2).take_while(|pair| pair.first() == Some(&0) && pair.get(1) < Some(&0x80)).count();
    put(out, tag, bytes.get(skipped..).unwrap_or_default());
}

/// Adds an element of elements.
pub(crate) fn put_inner(out: &mut Vec<u8>, tag: u8, fill: impl FnOnce(&mut Vec<u8>)) {
    let mut content = Vec::new();
    fill(&mut content);
    put(out, tag, &content);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_lengths_come_back() {
        for number in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0x00ff_ffff, u32::MAX] {
            let mut out = Vec::new();
            put_number(&mut out, INTEGER, number);
            assert_eq!(Reader::new(&out).number(INTEGER), Ok(number));
        }
        for len in [0, 1, 0x7f, 0x80, 0xff, 0x100, 0x1_0000] {
            let mut out = Vec::new();
            put(&mut out, OCTET_STRING, &vec![7; len]);
            let mut reader = Reader::new(&out);
            assert_eq!(reader.expect(OCTET_STRING).map(<[u8]>::len), Ok(len));
            assert!(reader.is_empty());
            for end in 0..out.len().min(10) {
                assert!(Reader::new(&out[..end]).any().is_err(), "{len} {end}");
            }
        }
    }

    #[test]
    fn b1_what_lies_or_is_none_of_ldaps_is_malformed() {
        for bytes in [
            &[0x30, 0x80, 0, 0][..],
            &[0x30, 0x85, 1, 0, 0, 0, 0],
            &[0x1f, 0x01, 0],
            &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
            &[0x04, 0x05, 1, 2],
        ] {
            assert_eq!(Reader::new(bytes).any(), Err(Malformed), "{bytes:?}");
        }
        for number in [
            &[0x02, 0x00][..],
            &[0x02, 0x01, 0x80],
            &[0x02, 0x06, 0, 0, 0, 0, 0, 1],
            &[0x02, 0x05, 1, 0, 0, 0, 0],
        ] {
            assert_eq!(Reader::new(number).number(INTEGER), Err(Malformed), "{number:?}");
        }
    }
}
