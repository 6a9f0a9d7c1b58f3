//! Golden bytes, round trips, truncation at every byte, lying lengths.

mod frames;
mod messages;
mod performatives;
mod strict;
mod values;

/// Bytes of hexadecimal digits, blanks left out.
fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}
