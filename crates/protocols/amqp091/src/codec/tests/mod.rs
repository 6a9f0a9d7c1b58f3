//! Tests of the codec: golden bytes, round trips, truncation at each byte, and each limit at and past its edge.

mod contents;
mod frames;
mod methods;
mod properties;
mod tables;
mod writes;

/// Bytes of a hexadecimal text; blanks are ignored.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        text.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(|byte| digit(byte).unwrap()).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}
