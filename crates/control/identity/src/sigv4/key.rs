//! From a secret key to a signature.

use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::canonical::hex;
use super::moment::Moment;
use super::presented::Scope;
use super::{ALGORITHM, TERMINATOR};
use ternmq_stdx::Secret;

/// Signature of a canonical request's hash.
pub(super) fn signature(secret: &Secret, scope: &Scope, signed_at: Moment, request_hash: &[u8]) -> hmac::Tag {
    let Scope { date, region, service, .. } = scope;
    let text =
        format!("{ALGORITHM}\n{signed_at}\n{date}/{region}/{service}/{TERMINATOR}\n{}", hex(request_hash));
    hmac::sign(&signing_key(secret, scope), text.as_bytes())
}

/// The key of one day, region and service.
fn signing_key(secret: &Secret, scope: &Scope) -> hmac::Key {
    let mut first = Zeroizing::new(Vec::with_capacity(secret.expose().len() + 4));
    first.extend_from_slice(b"AWS4");
    first.extend_from_slice(secret.expose());
    let mut key = hmac::Key::new(hmac::HMAC_SHA256, &first);
    for part in [&scope.date, &scope.region, &scope.service, TERMINATOR] {
        key = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, part.as_bytes()).as_ref());
    }
    key
}
