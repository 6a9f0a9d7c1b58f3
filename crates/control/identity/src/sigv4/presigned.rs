//! The query form: a presigned address.

use super::ALGORITHM;
use super::canonical::query_pairs;
use super::fault::{AuthFault, Incomplete};
use super::moment::Moment;
use super::presented::{Form, Presented, Proof};
use super::request::Request;
use crate::civil::digits;

/// Parameter that holds the signature, and is the only one that it does not cover.
pub(super) const SIGNATURE: &str = "X-Amz-Signature";
/// Longest time to live: seven days.
const MAX_EXPIRES_S: i64 = 604_800;

/// Parameters of the form; names are case-sensitive.
const PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-SignedHeaders",
    SIGNATURE,
    "X-Amz-Security-Token",
];

/// What a query holds of a signature.
pub(super) struct Parameters {
    found: [Option<String>; PARAMETERS.len()],
}

impl Parameters {
    /// Picks them out.
    ///
    /// # Errors
    /// One is there twice, also when it differs in case only, or is no text.
    pub(super) fn of(query: &str) -> Result<Self, Incomplete> {
        let mut found: [Option<String>; PARAMETERS.len()] = Default::default();
        for (name, value) in query_pairs(query) {
            let place = found.iter_mut().zip(PARAMETERS);
            let place = place.into_iter().find(|(_, known)| name.eq_ignore_ascii_case(known.as_bytes()));
            let Some((place, known)) = place else { continue };
            let value = String::from_utf8(value).map_err(|_| Incomplete::NoParameter(known))?;
            if place.replace(value).is_some() {
                return Err(Incomplete::Repeated(known));
            }
            if name != known.as_bytes() {
                return Err(Incomplete::NoParameter(known));
            }
        }
        Ok(Self { found })
    }

    /// Whether there is nothing of a signature.
    pub(super) fn is_empty(&self) -> bool {
        self.found.iter().all(Option::is_none)
    }
}

/// Takes apart the parameters.
pub(super) fn read(request: &Request<'_>, parameters: &Parameters) -> Result<Presented, AuthFault> {
    let [algorithm, credential, date, expires, signed_headers, signature, token] = &parameters.found;
    let needed = |index: usize, value: &'_ Option<String>| match value {
        Some(value) => Ok(value.clone()),
        None => Err(Incomplete::NoParameter(PARAMETERS.get(index).copied().unwrap_or_default())),
    };
    let algorithm = needed(0, algorithm)?;
    let credential = needed(1, credential)?;
    let date = needed(2, date)?;
    let expires = needed(3, expires)?;
    let signed_headers = needed(4, signed_headers)?;
    let signature = needed(5, signature)?;
    if algorithm != ALGORITHM {
        return Err(Incomplete::Algorithm(algorithm).into());
    }
    // Both would say when it was signed, or for which session: only one of them can be meant.
    for (header, name) in [("x-amz-date", "X-Amz-Date"), ("x-amz-security-token", "X-Amz-Security-Token")] {
        if request.values(header).next().is_some() {
            return Err(Incomplete::Repeated(name).into());
        }
    }
    let signed_at = Moment::parse(&date).ok_or(Incomplete::Date(date))?;
    let expires_s = digits(&expires).filter(|expires_s| (1..=MAX_EXPIRES_S).contains(expires_s));
    let form = Form::Query { expires_s: expires_s.ok_or(Incomplete::Expires)? };
    let proof = Proof {
        credential: &credential,
        signed_headers: &signed_headers,
        signature: &signature,
        session_token: token.as_deref(),
    };
    Ok(Presented::new(form, signed_at, &proof)?)
}
