//! Messages of the client (RFC 5802 section 7), read in place.

use base64::{Engine, engine::general_purpose::STANDARD};

use super::verifier::KEY_BYTES;

/// Longest message of a client in bytes (B2): a name and an authorisation identity of 255 bytes with every byte escaped,
/// a nonce, and what is around them.
pub const MAX_SCRAM_BYTES: usize = 2_048;
/// Longest name in bytes: no user has a longer one.
const MAX_NAME_BYTES: usize = 255;
/// Longest nonce of a client in bytes.
const MAX_NONCE_BYTES: usize = 256;

/// client-first-message: `n,a=authzid,n=name,r=nonce`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct First<'a> {
    /// Up to and with the second comma.
    pub(super) header: &'a str,
    /// What follows it, which is signed.
    pub(super) bare: &'a str,
    pub(super) user: String,
    pub(super) nonce: &'a str,
}

/// client-final-message: `c=binding,r=nonce,p=proof`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Final<'a> {
    /// base64 of the header of the first message.
    pub(super) binding: &'a str,
    pub(super) nonce: &'a str,
    /// All before the proof, which is signed.
    pub(super) signed: &'a str,
    pub(super) proof: [u8; KEY_BYTES],
}

fn text(message: &[u8]) -> Option<&str> {
    if message.len() > MAX_SCRAM_BYTES { None } else { std::str::from_utf8(message).ok() }
}

/// Reads the first message. `None`: it is not one, asks for channel binding or for an extension that has to be understood,
/// or wants to act in the name of somebody else.
pub(super) fn read_first(message: &[u8]) -> Option<First<'_>> {
    let message = text(message)?;
    let mut parts = message.splitn(3, ',');
    let (binding, identity, bare) = (parts.next()?, parts.next()?, parts.next()?);
    if !matches!(binding, "n" | "y") {
        return None;
    }
    let header = message.strip_suffix(bare)?;
    let mut attributes = bare.split(',');
    // An extension that has to be understood would stand before the name.
    let user = name(attributes.next()?.strip_prefix("n=")?)?;
    let nonce = attributes.next()?.strip_prefix("r=").filter(|nonce| is_nonce(nonce))?;
    if !attributes.all(is_attribute) {
        return None;
    }
    let is_own = identity.is_empty() || name(identity.strip_prefix("a=")?)? == user;
    is_own.then_some(First { header, bare, user, nonce })
}

/// Reads the last message. `None`: it is not one.
pub(super) fn read_final(message: &[u8]) -> Option<Final<'_>> {
    let message = text(message)?;
    let (signed, proof) = message.rsplit_once(",p=")?;
    let mut attributes = signed.split(',');
    let binding = attributes.next()?.strip_prefix("c=")?;
    let nonce = attributes.next()?.strip_prefix("r=")?;
    if !attributes.all(is_attribute) {
        return None;
    }
    let proof = STANDARD.decode(proof).ok()?.try_into().ok()?;
    Some(Final { binding, nonce, signed, proof })
}

/// A name with `,` and `=` as `=2C` and `=3D`; any other `=` is an error.
fn name(escaped: &str) -> Option<String> {
    let mut pieces = escaped.split('=');
    let mut name = pieces.next()?.to_owned();
    for piece in pieces {
        let (letter, rest) = match (piece.strip_prefix("2C"), piece.strip_prefix("3D")) {
            (Some(rest), _) => (',', rest),
            (_, Some(rest)) => ('=', rest),
            (None, None) => return None,
        };
        name.push(letter);
        name.push_str(rest);
    }
    let is_good = !name.is_empty() && name.len() <= MAX_NAME_BYTES && !name.contains('\0');
    is_good.then_some(name)
}

fn is_nonce(nonce: &str) -> bool {
    (1..=MAX_NONCE_BYTES).contains(&nonce.len())
        && nonce.bytes().all(|byte| matches!(byte, b'!'..=b'+' | b'-'..=b'~'))
}

/// An extension that may be passed over: a letter, `=`, and something.
fn is_attribute(attribute: &str) -> bool {
    let mut bytes = attribute.bytes();
    let starts = bytes.next().is_some_and(|byte| byte.is_ascii_alphabetic()) && bytes.next() == Some(b'=');
    starts && bytes.len() > 0 && bytes.all(|byte| byte != 0)
}
