//! AWS Signature Version 4: what a request says of its sender, whether that is so, and how to sign one.
//!
//! [`Presented::read`] takes apart what came, [`Presented::verify`] decides (S14), [`sign`] is the other side. The rules are
//! those of every AWS service but S3: the canonical path is the normalised path encoded once more, and the payload is
//! always hashed, so `UNSIGNED-PAYLOAD` and `STREAMING-...`, which only S3 knows, are refused.
//!
//! What must be signed: `host`, in the header form `x-amz-date`, and every `x-amz-*` header that is there, the session
//! token too. AWS asks for all of these and says that some services take a token that was added after signing; none of
//! the services that this front door serves is among them, and its clients sign it. Headers that a proxy adds
//! (`x-amzn-trace-id`, `x-forwarded-for`) do not begin so and stay free.
//!
//! The two ways to write a path that normalise to the same one have the same signature. A front door that routes by the
//! path as sent must refuse what [`is_normal_path`] refuses, or a signature for one operation could serve another.

mod authorization;
mod canonical;
mod fault;
mod key;
mod moment;
mod presented;
mod presigned;
mod request;
mod sign;
mod verify;

pub use canonical::{is_normal_path, query_pairs};
pub use fault::{AuthFault, Incomplete, Unproven};
pub use moment::Moment;
pub use presented::{Form, Presented, Scope};
pub use request::Request;
pub use sign::{SignFault, sign};
pub use verify::{Claimed, KnownKey, MAX_SKEW_S, Rules, Session, Verified};

/// The one algorithm.
const ALGORITHM: &str = "AWS4-HMAC-SHA256";
/// Last part of every scope.
const TERMINATOR: &str = "aws4_request";
