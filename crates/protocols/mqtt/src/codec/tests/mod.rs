//! Golden bytes, round trips, truncation at each byte, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod any;
mod frames;
mod packets;
mod properties;
mod topics;

use super::{DecodeError, Packet, Version, split_packet};

/// Reads the one packet that the bytes are.
fn read(bytes: &[u8], version: Version) -> Result<Packet<'_>, DecodeError> {
    let (frame, size) = split_packet(bytes, u32::MAX, version)?.expect("the packet is whole");
    assert_eq!(size, bytes.len());
    Packet::decode(&frame, version)
}

/// Bytes of "01 02" texts; a word in quotes is its letters.
fn bytes(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for word in text.split_whitespace() {
        match word.strip_prefix('\'') {
            Some(letters) => bytes.extend_from_slice(letters.as_bytes()),
            None => bytes.push(u8::from_str_radix(word, 16).unwrap()),
        }
    }
    bytes
}
