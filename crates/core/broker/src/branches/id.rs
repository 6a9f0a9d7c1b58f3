//! Ids of branches of distributed transactions.

use std::{fmt, str::FromStr, sync::Arc};

use thiserror::Error;

/// Id of a branch: what a transaction manager named it (the XID of X/Open XA). Opaque here.
///
/// As text: the format in decimal, then both parts in hexadecimal, with colons between: `4660:676c6f62616c:01`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BranchId {
    format: i32,
    global: Arc<[u8]>,
    qualifier: Arc<[u8]>,
}

/// A text that names no branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a branch is named by FORMAT:GLOBAL:QUALIFIER, the last two in hexadecimal and of at most 64 bytes each"
)]
pub struct NoBranchId;

impl BranchId {
    /// Longest part in bytes.
    pub const MAX_PART_BYTES: usize = 64;

    /// An id; `None` when a part is longer than [`Self::MAX_PART_BYTES`].
    #[must_use]
    pub fn new(format: i32, global: &[u8], qualifier: &[u8]) -> Option<Self> {
        let fits = global.len().max(qualifier.len()) <= Self::MAX_PART_BYTES;
        fits.then(|| Self { format, global: global.into(), qualifier: qualifier.into() })
    }

    /// Format of both parts, as their maker numbers it.
    #[must_use]
    pub fn format(&self) -> i32 {
        self.format
    }

    /// Id of the whole transaction.
    #[must_use]
    pub fn global(&self) -> &[u8] {
        &self.global
    }

    /// Id of the branch in it.
    #[must_use]
    pub fn qualifier(&self) -> &[u8] {
        &self.qualifier
    }
}

impl fmt::Display for BranchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.format)?;
        self.global.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
        f.write_str(":")?;
        self.qualifier.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for BranchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BranchId({self})")
    }
}

impl FromStr for BranchId {
    type Err = NoBranchId;

    fn from_str(text: &str) -> Result<Self, NoBranchId> {
        let mut parts = text.splitn(3, ':');
        let mut next = || parts.next().ok_or(NoBranchId);
        let format = next()?.parse().map_err(|_| NoBranchId)?;
        let (global, qualifier) = (bytes_of(next()?)?, bytes_of(next()?)?);
        Self::new(format, &global, &qualifier).ok_or(NoBranchId)
    }
}

fn bytes_of(text: &str) -> Result<Vec<u8>, NoBranchId> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return Err(NoBranchId);
    }
    let byte = |[high, low]: &[u8; 2]| Some((digit(*high)? << 4) | digit(*low)?);
    pairs.iter().map(|pair| byte(pair).ok_or(NoBranchId)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_the_same_after_its_text() {
        for id in [BranchId::new(-1, b"", b""), BranchId::new(4660, b"global", &[0, 255])] {
            let id = id.unwrap();
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        assert_eq!(BranchId::new(7, &[1; 64], &[1; 65]), None);
        for text in ["", "1", "1:", "x:00:00", "1:0:00", "1:0g:00", "1:00:00:00", "1:é:00"] {
            assert_eq!(text.parse::<BranchId>(), Err(NoBranchId), "{text}");
        }
    }
}
