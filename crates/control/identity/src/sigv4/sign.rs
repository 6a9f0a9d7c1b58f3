//! Signing a request, in the header form.

use thiserror::Error;

use super::canonical::{hex, payload_hash, request_hash};
use super::moment::Moment;
use super::presented::{Scope, is_header_name};
use super::request::Request;
use super::{ALGORITHM, TERMINATOR, key};
use crate::secret::Credentials;

/// Headers that a proxy or the connection itself may add, change or drop, so no signature can cover them.
const CHANGING: [&str; 11] = [
    "connection",
    "expect",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// Why a request cannot be signed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SignFault {
    /// The `host` header has to be given, once.
    #[error("a request needs one `host` header before it is signed")]
    Host,
    /// It has a header that signing would add.
    #[error("the request has the header `{0}` already")]
    AlreadySigned(&'static str),
    /// A header has a name that no header has.
    #[error("a header's name has letters that no name has")]
    HeaderName,
    /// `x-amz-content-sha256` is given and is not the hash of the body.
    #[error("the header `x-amz-content-sha256` is not the hash of the body")]
    PayloadHash,
    /// The session token is not visible ASCII.
    #[error("the session token has letters that no header can carry")]
    SessionToken,
}

/// Makes the headers to add: `x-amz-date`, `x-amz-security-token` for a temporary key, `authorization`.
///
/// All headers of the request are signed, but those that change on the way (`user-agent`, `connection` and their kin).
///
/// # Errors
/// [`SignFault`] when the request cannot be signed as it is.
pub fn sign(
    request: &Request<'_>,
    credentials: &Credentials,
    region: &str,
    service: &str,
    at: Moment,
) -> Result<Vec<(&'static str, String)>, SignFault> {
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        if request.values(name).next().is_some() {
            return Err(SignFault::AlreadySigned(name));
        }
    }
    if !matches!(request.single("host"), Ok(Some(_))) {
        return Err(SignFault::Host);
    }
    let payload = payload_hash(request.body);
    match request.single("x-amz-content-sha256") {
        Ok(Some(declared)) if declared.trim() != payload => return Err(SignFault::PayloadHash),
        Err(_) => return Err(SignFault::PayloadHash),
        Ok(_) => {}
    }
    let mut added = vec![("x-amz-date", at.to_string())];
    if let Some(token) = &credentials.session_token {
        let text = std::str::from_utf8(token.expose()).map_err(|_| SignFault::SessionToken)?;
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(SignFault::SessionToken);
        }
        added.push(("x-amz-security-token", text.to_owned()));
    }
    let mut headers = request.headers.to_vec();
    headers.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
    let whole = Request { headers: &headers, ..*request };
    let signed_headers = names_to_sign(&headers)?;
    let scope = Scope {
        date: at.date(),
        region: region.to_owned(),
        service: service.to_owned(),
        terminator: TERMINATOR.to_owned(),
    };
    let hash = request_hash(&whole, None, &signed_headers, &payload);
    let signature = hex(key::signature(&credentials.secret, &scope, at, hash.as_ref()).as_ref());
    let credential = format!("{}/{}/{region}/{service}/{TERMINATOR}", credentials.access_key_id, scope.date);
    let signed_headers = signed_headers.join(";");
    added.push((
        "authorization",
        format!("{ALGORITHM} Credential={credential}, SignedHeaders={signed_headers}, Signature={signature}"),
    ));
    Ok(added)
}

fn names_to_sign(headers: &[(&str, &str)]) -> Result<Vec<String>, SignFault> {
    let mut names: Vec<String> = headers.iter().map(|(name, _)| name.to_ascii_lowercase()).collect();
    names.sort();
    names.dedup();
    names.retain(|name| !CHANGING.contains(&name.as_str()));
    if names.iter().all(|name| is_header_name(name)) { Ok(names) } else { Err(SignFault::HeaderName) }
}
