//! What a request says of its sender, taken apart but not yet believed.

use std::fmt;

use super::fault::{AuthFault, Incomplete};
use super::moment::Moment;
use super::presigned::Parameters;
use super::request::Request;
use super::{authorization, presigned};
use ternmq_stdx::Secret;

/// Most headers that a signature may cover.
const MAX_SIGNED_HEADERS: usize = 100;
/// Longest name of a key.
const MAX_KEY_ID_BYTES: usize = 128;
/// Bytes of a signature.
const SIGNATURE_BYTES: usize = 32;

/// Where the signature stood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// In the `Authorization` header.
    Header,
    /// In the query.
    Query {
        /// Seconds, from 1 to 604,800, that it is good for after it was signed.
        expires_s: i64,
    },
}

/// What a signature is good for: `date/region/service/terminator`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Day as `YYYYMMDD`.
    pub date: String,
    /// Region.
    pub region: String,
    /// Service, by the name under which it signs.
    pub service: String,
    /// Always `aws4_request` once verified.
    pub terminator: String,
}

/// A signature as presented. Nothing in it is proven before [`Presented::verify`] says so.
#[derive(Clone)]
pub struct Presented {
    pub(super) form: Form,
    pub(super) access_key_id: String,
    pub(super) scope: Scope,
    pub(super) signed_at: Moment,
    /// Lower-case names, strictly ascending.
    pub(super) signed_headers: Vec<String>,
    pub(super) signature: [u8; SIGNATURE_BYTES],
    pub(super) session_token: Option<Secret>,
}

/// The texts that both forms have.
pub(super) struct Proof<'a> {
    pub credential: &'a str,
    pub signed_headers: &'a str,
    pub signature: &'a str,
    pub session_token: Option<&'a str>,
}

impl Presented {
    /// Finds the signature of a request, in the header or in the query.
    ///
    /// # Errors
    /// [`AuthFault::MissingAuthenticationToken`] when there is none, [`AuthFault::IncompleteSignature`] when it is not
    /// whole or when anything of it is there twice: in both places, or two times in one (S14).
    pub fn read(request: &Request<'_>) -> Result<Self, AuthFault> {
        let header = request.single("authorization").map_err(|_| Incomplete::Repeated("Authorization"))?;
        let parameters = Parameters::of(request.query)?;
        match header {
            Some(_) if !parameters.is_empty() => Err(Incomplete::Repeated("Authorization").into()),
            Some(value) => authorization::read(request, value),
            None if parameters.is_empty() => Err(AuthFault::MissingAuthenticationToken),
            None => presigned::read(request, &parameters),
        }
    }

    /// Checks the texts of either form.
    pub(super) fn new(form: Form, signed_at: Moment, proof: &Proof<'_>) -> Result<Self, Incomplete> {
        let (access_key_id, scope) = credential(proof.credential)?;
        Ok(Self {
            form,
            access_key_id,
            scope,
            signed_at,
            signed_headers: signed_headers(proof.signed_headers)?,
            signature: signature(proof.signature)?,
            session_token: proof.session_token.map(Secret::from),
        })
    }

    /// Where the signature stood.
    #[must_use]
    pub fn form(&self) -> Form {
        self.form
    }

    /// The key that it claims: 1 to 128 letters, digits and `_`.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// What it claims to be good for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When it claims to be made.
    #[must_use]
    pub fn signed_at(&self) -> Moment {
        self.signed_at
    }

    /// Lower-case names of the headers that it covers, ascending.
    #[must_use]
    pub fn signed_headers(&self) -> &[String] {
        &self.signed_headers
    }

    /// The session token that came along.
    #[must_use]
    pub fn session_token(&self) -> Option<&Secret> {
        self.session_token.as_ref()
    }
}

impl fmt::Debug for Presented {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = f.debug_struct("Presented");
        text.field("form", &self.form).field("access_key_id", &self.access_key_id);
        text.field("scope", &self.scope).field("signed_at", &self.signed_at);
        text.field("signed_headers", &self.signed_headers).finish_non_exhaustive()
    }
}

fn credential(text: &str) -> Result<(String, Scope), Incomplete> {
    let parts: Vec<&str> = text.splitn(6, '/').collect();
    let [access_key_id, date, region, service, terminator] = parts[..] else {
        return Err(Incomplete::Credential);
    };
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let is_key_id = !access_key_id.is_empty()
        && access_key_id.len() <= MAX_KEY_ID_BYTES
        && access_key_id.bytes().all(is_letter);
    if !is_key_id {
        return Err(Incomplete::Credential);
    }
    let scope = Scope {
        date: date.to_owned(),
        region: region.to_owned(),
        service: service.to_owned(),
        terminator: terminator.to_owned(),
    };
    Ok((access_key_id.to_owned(), scope))
}

fn signed_headers(text: &str) -> Result<Vec<String>, Incomplete> {
    let names: Vec<String> = text.split(';').take(MAX_SIGNED_HEADERS + 1).map(str::to_owned).collect();
    let is_sorted = names.is_sorted_by(|one, other| one < other);
    if names.len() > MAX_SIGNED_HEADERS || !is_sorted || !names.iter().all(|name| is_header_name(name)) {
        return Err(Incomplete::SignedHeaders);
    }
    Ok(names)
}

/// Whether it is a header's name in lower case (RFC 9110 5.6.2).
pub(super) fn is_header_name(name: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_letter)
}

fn signature(text: &str) -> Result<[u8; SIGNATURE_BYTES], Incomplete> {
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if text.len() != SIGNATURE_BYTES * 2 || !text.bytes().all(is_hex) {
        return Err(Incomplete::Signature);
    }
    let mut bytes = [0; SIGNATURE_BYTES];
    for (index, byte) in bytes.iter_mut().enumerate() {
        let digits = text.get(index * 2..index * 2 + 2).ok_or(Incomplete::Signature)?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| Incomplete::Signature)?;
    }
    Ok(bytes)
}
