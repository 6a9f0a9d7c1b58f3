//! Random bits as text for names.

/// Base64 alphabet that is safe in names and addresses.
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/// So many letters hold 128 bits.
const LETTERS: usize = 22;

/// 128 bits as 22 letters, digits, `-` and `_`; different bits give different texts.
#[must_use]
pub fn letters_of(bits: [u8; 16]) -> String {
    let mut number = u128::from_be_bytes(bits);
    let mut text = String::with_capacity(LETTERS);
    for _ in 0..LETTERS {
        let letter = usize::try_from(number % 64).unwrap_or_default();
        text.push(ALPHABET.get(letter).map_or('A', |byte| char::from(*byte)));
        number /= 64;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bit_counts() {
        assert_eq!(letters_of([0; 16]), "A".repeat(LETTERS));
        assert_eq!(letters_of([0xFF; 16]), format!("{}D", "_".repeat(21)));
        let of_bit = |bit: usize| {
            let mut bits = [0; 16];
            bits[bit / 8] = 1 << (bit % 8);
            letters_of(bits)
        };
        let mut texts: Vec<_> = (0..128).map(of_bit).collect();
        texts.sort();
        texts.dedup();
        assert_eq!(texts.len(), 128);
    }
}
