//! The header form: `Authorization: AWS4-HMAC-SHA256 Credential=..., SignedHeaders=..., Signature=...`.

use super::ALGORITHM;
use super::fault::{AuthFault, Incomplete};
use super::moment::Moment;
use super::presented::{Form, Presented, Proof};
use super::request::Request;

/// Takes apart the header and those that go with it.
pub(super) fn read(request: &Request<'_>, value: &str) -> Result<Presented, AuthFault> {
    let value = value.trim();
    let (algorithm, rest) = value.split_once([' ', '\t']).unwrap_or((value, ""));
    if algorithm != ALGORITHM {
        // Of another scheme this front door knows nothing; of the same family it can at least say so.
        let is_family = algorithm.starts_with("AWS4-");
        return Err(if is_family {
            Incomplete::Algorithm(algorithm.to_owned()).into()
        } else {
            AuthFault::MissingAuthenticationToken
        });
    }
    let [credential, signed_headers, signature] = parts(rest)?;
    let date = request.single("x-amz-date").map_err(|_| Incomplete::Repeated("X-Amz-Date"))?;
    let date = date.ok_or(Incomplete::NoDate)?.trim();
    let signed_at = Moment::parse(date).ok_or_else(|| Incomplete::Date(date.to_owned()))?;
    let token = request.single("x-amz-security-token");
    let token = token.map_err(|_| Incomplete::Repeated("X-Amz-Security-Token"))?;
    let proof = Proof { credential, signed_headers, signature, session_token: token.map(str::trim) };
    Ok(Presented::new(Form::Header, signed_at, &proof)?)
}

/// The three parts, in any order, each once.
fn parts(text: &str) -> Result<[&str; 3], Incomplete> {
    const NAMES: [&str; 3] = ["Credential", "SignedHeaders", "Signature"];
    let mut found: [Option<&str>; 3] = [None; 3];
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').ok_or(Incomplete::UnknownPart)?;
        let (place, known) =
            found.iter_mut().zip(NAMES).find(|(_, known)| *known == name).ok_or(Incomplete::UnknownPart)?;
        if place.replace(value).is_some() {
            return Err(Incomplete::Repeated(known));
        }
    }
    let [credential, signed_headers, signature] = found;
    Ok([
        credential.ok_or(Incomplete::NoPart("Credential"))?,
        signed_headers.ok_or(Incomplete::NoPart("SignedHeaders"))?,
        signature.ok_or(Incomplete::NoPart("Signature"))?,
    ])
}
