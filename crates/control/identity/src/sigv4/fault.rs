//! Why a request was not taken for that of whom it names.

use ternmq_stdx::quoted;
use thiserror::Error;

use super::moment::Moment;

/// Why a request is refused before anybody looks at what it asks for. The text is for the caller; it shows nothing of
/// the canonical request, the signature or a token (S11).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AuthFault {
    /// It carries no signature of this kind at all.
    #[error("Missing Authentication Token")]
    MissingAuthenticationToken,
    /// What it carries is not a whole signature.
    #[error("{0}")]
    IncompleteSignature(#[from] Incomplete),
    /// The signature does not hold for this request, this place or this time.
    #[error("{0}")]
    InvalidSignature(#[from] Unproven),
    /// The key, or the session token that goes with it, is not known.
    #[error("The security token included in the request is invalid.")]
    UnrecognizedClient,
    /// The key was temporary and its time is over.
    #[error("The security token included in the request is expired")]
    ExpiredToken,
}

/// What a signature lacks.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Incomplete {
    /// A part of the header is not there.
    #[error("Authorization header requires '{0}' parameter.")]
    NoPart(&'static str),
    /// The header form needs its date.
    #[error("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")]
    NoDate,
    /// A part of the query is not there.
    #[error("AWS query-string parameters must include '{0}'. Re-examine the query-string parameters.")]
    NoParameter(&'static str),
    /// The header holds something that is not `name=value` of a known name.
    #[error(
        "Authorization header holds a part that is not one of 'Credential', 'SignedHeaders', 'Signature'."
    )]
    UnknownPart,
    /// Something that decides who the caller is comes more than once.
    #[error("Authentication data must be given once only: '{0}' is given again.")]
    Repeated(&'static str),
    /// Another algorithm of the family.
    #[error("Unsupported AWS 'algorithm': {}", quoted(.0))]
    Algorithm(String),
    /// The credential has not five parts, or a key id that no key has.
    #[error("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term")]
    Credential,
    /// The date is of another form.
    #[error(
        "Date must be in ISO-8601 'basic format'. Got {}. See http://en.wikipedia.org/wiki/ISO_8601",
        quoted(.0)
    )]
    Date(String),
    /// The list of headers is not one of names in lower case, in order, each once.
    #[error(
        "'SignedHeaders' must be a list of lower-case header names in alphabetical order, separated by ';'."
    )]
    SignedHeaders,
    /// The signature is not 64 hexadecimal digits in lower case.
    #[error("'Signature' must be 64 hexadecimal digits in lower case.")]
    Signature,
    /// A time to live outside 1 s to 7 d.
    #[error("X-Amz-Expires must be a number of seconds between 1 and 604800")]
    Expires,
}

/// Why a whole signature proves nothing.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unproven {
    /// It is not the signature of this request by this key.
    #[error(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
    )]
    Mismatch,
    /// A header that decides something is not covered.
    #[error("{} must be a 'SignedHeader' in the AWS Authorization.", quoted(.0))]
    Unsigned(String),
    /// Scope of another region.
    #[error("Credential should be scoped to a valid region, not {}. ", quoted(.0))]
    Region(String),
    /// Scope of another service.
    #[error("Credential should be scoped to correct service: '{0}'. ")]
    Service(String),
    /// Scope with another end.
    #[error("Credential should be scoped with a valid terminator: 'aws4_request', not {}. ", quoted(.0))]
    Terminator(String),
    /// Scope of another day than the signature's.
    #[error(
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         {} != '{}', from '{signed_at}'. ", quoted(.scope), signed_at.date()
    )]
    ScopeDate {
        /// What the scope has.
        scope: String,
        /// When it was signed.
        signed_at: Moment,
    },
    /// Signed too long ago.
    #[error("Signature expired: {signed_at} is now earlier than {earliest} ({now} - 5 min.)")]
    Old {
        /// When it was signed.
        signed_at: Moment,
        /// The earliest that is taken.
        earliest: Moment,
        /// The service's time.
        now: Moment,
    },
    /// A presigned request after its time to live.
    #[error("Signature expired: {expired_at} is now earlier than {now}")]
    Expired {
        /// End of its time to live.
        expired_at: Moment,
        /// The service's time.
        now: Moment,
    },
    /// Signed in the future.
    #[error("Signature not yet current: {signed_at} is still later than {latest} ({now} + 5 min.)")]
    Early {
        /// When it was signed.
        signed_at: Moment,
        /// The latest that is taken.
        latest: Moment,
        /// The service's time.
        now: Moment,
    },
}

impl AuthFault {
    /// Name of the error in the JSON protocols (`x-amzn-errortype`, `__type`).
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationTokenException",
            Self::IncompleteSignature(_) => "IncompleteSignatureException",
            Self::InvalidSignature(_) => "InvalidSignatureException",
            Self::UnrecognizedClient => "UnrecognizedClientException",
            Self::ExpiredToken => "ExpiredTokenException",
        }
    }

    /// Name of the error in the query protocol (`<Code>`), where IAM and STS have names of their own.
    #[must_use]
    pub fn query_code(&self) -> &'static str {
        match self {
            Self::MissingAuthenticationToken => "MissingAuthenticationToken",
            Self::IncompleteSignature(_) => "IncompleteSignature",
            Self::InvalidSignature(_) => "SignatureDoesNotMatch",
            Self::UnrecognizedClient => "InvalidClientTokenId",
            Self::ExpiredToken => "ExpiredToken",
        }
    }

    /// Status of the answer: 400 for what is not a whole signature, else 403.
    #[must_use]
    pub fn status(&self) -> u16 {
        match self {
            Self::IncompleteSignature(_) => 400,
            Self::MissingAuthenticationToken
            | Self::InvalidSignature(_)
            | Self::UnrecognizedClient
            | Self::ExpiredToken => 403,
        }
    }
}
