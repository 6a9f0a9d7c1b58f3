//! Passwords of broker users: what they may be, and the hash that is kept (S2).

use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use ternmq_api::{Refusal, Sensitive};

use crate::failure::internal;
use crate::ids::Randomness;

/// Cost of a hash (S2). A node hashes anew at a login if its own cost is another one, so both sides may change alone.
const MEMORY_KIB: u32 = 19 * 1_024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const SALT_BYTES: usize = 16;
const DIGEST_BYTES: usize = 32;
/// Facts, section 1.5.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=250;
const LEAST_DISTINCT: usize = 4;
const FORBIDDEN: [char; 3] = [',', ':', '='];

/// Checks a new password.
///
/// # Errors
/// `BadRequestException` about `password`; the text never has the password.
pub(crate) fn check(password: &Sensitive) -> Result<(), Refusal> {
    let letters: Vec<char> = password.reveal().chars().collect();
    let distinct: std::collections::BTreeSet<&char> = letters.iter().collect();
    let is_good = LENGTHS.contains(&letters.len())
        && distinct.len() >= LEAST_DISTINCT
        && letters.iter().all(|letter| (' '..='~').contains(letter) && !FORBIDDEN.contains(letter));
    if is_good {
        return Ok(());
    }
    let text = "A password has 12 to 250 printable ASCII characters, at least 4 of them different, and no comma, \
                colon or equal sign.";
    Err(Refusal::bad_request("password", text))
}

/// Hashes a password: some 20 ms, and 19 MiB for as long.
///
/// # Errors
/// There is not enough memory.
pub(crate) fn hash(password: &Sensitive, random: &Randomness) -> Result<String, Refusal> {
    let mut salt = [0; SALT_BYTES];
    random.fill(&mut salt);
    let mut digest = [0; DIGEST_BYTES];
    let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(DIGEST_BYTES)).map_err(|_| internal())?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.reveal().as_bytes(), &salt, &mut digest).map_err(|_| internal())?;
    let (salt, digest) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(digest));
    Ok(format!("$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p={LANES}${salt}${digest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_password_may_be() {
        let is_good = |text: &str| check(&Sensitive::from(text.to_owned())).is_ok();
        assert!(is_good("abcd efgh ij") && is_good("~!@#$%^&*()_") && is_good(&"abcd".repeat(62)));
        for bad in [
            "",
            "abcdefghijk",
            "aaaaaaaaabbc",
            "abcdefghijk,",
            "abcdefghijk:",
            "abcdefghijk=",
            "abcdefghijkä",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
        assert!(!is_good(&"abcde".repeat(51)));
    }
}
