//! A look at the text before it is read as XML: how deep, how many. The reader compares each attribute with each other one
//! of its element, and carries namespaces down; with these limits that stays little.
//!
//! Up to the first byte that is not XML this finds the same tags as the reader, and the reader goes no further.

use super::{
    MAX_ATTRIBUTES, MAX_DEPTH, MAX_ELEMENTS, MAX_NAMESPACES, Position,
    Unusable::{self, Doctype, TooMuch},
};

/// Refuses what is past a limit, and every document type declaration.
pub(super) fn check(text: &str) -> Result<(), Unusable> {
    let bytes = text.as_bytes();
    let mut at = 0;
    let (mut depth, mut elements, mut namespaces) = (0_usize, 0_usize, 0_usize);
    while let Some(start) = find(bytes, at, b"<") {
        let rest = bytes.get(start..).unwrap_or_default();
        let too_much = |what| TooMuch { what, position: Position::of(text, start) };
        let end = if rest.starts_with(b"<!--") {
            find(bytes, start + 4, b"-->").map(|end| end + 3)
        } else if rest.starts_with(b"<![CDATA[") {
            find(bytes, start, b"]]>").map(|end| end + 3)
        } else if rest.starts_with(b"<!") {
            return Err(Doctype { position: Position::of(text, start) });
        } else if rest.starts_with(b"<?") {
            find(bytes, start, b"?>").map(|end| end + 2)
        } else if rest.starts_with(b"</") {
            depth = depth.saturating_sub(1);
            find(bytes, start, b">").map(|end| end + 1)
        } else {
            let Some(tag) = Tag::read(bytes, start) else { return Ok(()) };
            elements += 1;
            namespaces += tag.namespaces;
            depth += 1;
            if depth > MAX_DEPTH {
                return Err(too_much("nested elements"));
            }
            if elements > MAX_ELEMENTS {
                return Err(too_much("elements"));
            }
            if tag.attributes > MAX_ATTRIBUTES {
                return Err(too_much("attributes of an element"));
            }
            if namespaces > MAX_NAMESPACES {
                return Err(too_much("namespaces"));
            }
            depth -= usize::from(tag.is_empty);
            Some(tag.end)
        };
        // what is not closed is told by the reader
        let Some(end) = end else { return Ok(()) };
        at = end;
    }
    Ok(())
}

/// A start tag.
pub(super) struct Tag {
    /// Behind its `>`.
    pub(super) end: usize,
    /// It is its own end tag too.
    pub(super) is_empty: bool,
    attributes: usize,
    namespaces: usize,
}

impl Tag {
    /// Reads the tag that begins at a `<`; a `>` in a quoted value does not end it.
    pub(super) fn read(bytes: &[u8], start: usize) -> Option<Self> {
        let (mut attributes, mut namespaces) = (0, 0);
        let mut quote = None;
        let mut previous = 0;
        for (index, byte) in bytes.iter().copied().enumerate().skip(start) {
            match (quote, byte) {
                (Some(open), _) if open == byte => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') => quote = Some(byte),
                (None, b'=') => attributes += 1,
                (None, b'>') => {
                    let is_empty = previous == b'/';
                    return Some(Self { end: index + 1, is_empty, attributes, namespaces });
                }
                (None, b'x') => {
                    let rest = bytes.get(index..).unwrap_or_default();
                    namespaces += usize::from(rest.starts_with(b"xmlns"));
                }
                _ => {}
            }
            previous = byte;
        }
        None
    }
}

fn find(bytes: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    let rest = bytes.get(from..)?;
    rest.windows(what.len()).position(|window| window == what).map(|index| from + index)
}
