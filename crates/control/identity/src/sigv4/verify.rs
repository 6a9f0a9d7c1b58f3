//! Whether a signature holds (S14).

use subtle::{Choice, ConstantTimeEq};

use super::canonical::{payload_hash, request_hash};
use super::fault::{AuthFault, Incomplete, Unproven};
use super::moment::Moment;
use super::presented::{Form, Presented, Scope};
use super::presigned::SIGNATURE;
use super::request::Request;
use super::{TERMINATOR, key};
use ternmq_stdx::Secret;

/// How far, in seconds, the caller's clock may be from ours, either way (S14).
pub const MAX_SKEW_S: i64 = 300;

/// Stands in for the key of a caller that has none, so that looking costs the same.
const NOBODY: &str = "0000000000000000000000000000000000000000";

/// What the front door takes.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// Name under which the service that is called signs: `mq`, `iam`, `monitoring`.
    pub service: &'a str,
    /// Regions that this service holds.
    pub regions: &'a [&'a str],
    /// The time, in seconds since 1970.
    pub now_s: i64,
}

/// What is known of the key that a request names.
#[derive(Clone, Copy)]
pub enum Claimed<'a> {
    /// Its key is there and may be used.
    Known(KnownKey<'a>),
    /// There is no such key, or it is not active. Takes as long as a known one and ends in
    /// [`AuthFault::UnrecognizedClient`].
    Unknown,
}

/// A key that may be used.
#[derive(Clone, Copy)]
pub struct KnownKey<'a> {
    /// The secret.
    pub secret: &'a Secret,
    /// The session that a temporary key belongs to.
    pub session: Option<Session<'a>>,
}

/// What goes along with a temporary key.
#[derive(Clone, Copy)]
pub struct Session<'a> {
    /// The token that must come with each request.
    pub token: &'a Secret,
    /// From this second since 1970 on it is expired.
    pub expires_at_s: i64,
}

/// Proof that a request came, whole, from who has the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    access_key_id: String,
    scope: Scope,
    signed_at: Moment,
    last_taken_at: Moment,
    signature: [u8; 32],
}

impl Verified {
    /// The key it was signed with.
    #[must_use]
    pub fn access_key_id(&self) -> &str {
        &self.access_key_id
    }

    /// Day, region and service it was signed for.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// When it was signed.
    #[must_use]
    pub fn signed_at(&self) -> Moment {
        self.signed_at
    }

    /// The last second in which the same request is taken again: five minutes after it was signed, or the end of a
    /// presigned one's time to live, up to seven days. Until then answers to changes have to be remembered (S14).
    #[must_use]
    pub fn last_taken_at(&self) -> Moment {
        self.last_taken_at
    }

    /// The signature: the same bytes are the same request again (S14).
    #[must_use]
    pub fn signature(&self) -> &[u8; 32] {
        &self.signature
    }
}

impl Presented {
    /// Decides whether the request is that of the key it names.
    ///
    /// Scope, what is covered, and the time are looked at first: none of these depends on the key, so a caller without
    /// one learns nothing. Then signature and payload are compared in constant time.
    ///
    /// # Errors
    /// [`AuthFault`]; nothing else of the request should be looked at then.
    pub fn verify(
        &self,
        request: &Request<'_>,
        claimed: Claimed<'_>,
        rules: &Rules<'_>,
    ) -> Result<Verified, AuthFault> {
        self.check_scope(rules)?;
        self.check_coverage(request)?;
        self.check_time(Moment::from_unix_s(rules.now_s))?;
        let declared = request.single("x-amz-content-sha256");
        let declared = declared.map_err(|_| Incomplete::Repeated("X-Amz-Content-Sha256"))?;
        let is_signed = self.is_signed(request, declared, &claimed);
        let Claimed::Known(known) = claimed else { return Err(AuthFault::UnrecognizedClient) };
        if !bool::from(is_signed) {
            return Err(Unproven::Mismatch.into());
        }
        self.check_session(known.session, rules.now_s)?;
        Ok(Verified {
            access_key_id: self.access_key_id.clone(),
            scope: self.scope.clone(),
            signed_at: self.signed_at,
            last_taken_at: self.last_taken_at(),
            signature: self.signature,
        })
    }

    fn last_taken_at(&self) -> Moment {
        let lifetime_s = match self.form {
            Form::Header => MAX_SKEW_S,
            Form::Query { expires_s } => expires_s,
        };
        Moment::from_unix_s(self.signed_at.unix_s().saturating_add(lifetime_s))
    }

    fn check_scope(&self, rules: &Rules<'_>) -> Result<(), Unproven> {
        let Scope { date, region, service, terminator } = &self.scope;
        if !rules.regions.contains(&region.as_str()) {
            return Err(Unproven::Region(region.clone()));
        }
        if service != rules.service {
            return Err(Unproven::Service(rules.service.to_owned()));
        }
        if terminator != TERMINATOR {
            return Err(Unproven::Terminator(terminator.clone()));
        }
        if *date != self.signed_at.date() {
            return Err(Unproven::ScopeDate { scope: date.clone(), signed_at: self.signed_at });
        }
        Ok(())
    }

    /// What must be covered is, and what is covered is there.
    fn check_coverage(&self, request: &Request<'_>) -> Result<(), AuthFault> {
        let is_covered = |name: &str| self.signed_headers.iter().any(|signed| *signed == name);
        if !is_covered("host") {
            return Err(Unproven::Unsigned("Host".to_owned()).into());
        }
        if self.form == Form::Header && !is_covered("x-amz-date") {
            return Err(Unproven::Unsigned("X-Amz-Date".to_owned()).into());
        }
        for (name, _) in request.headers {
            let name = name.to_ascii_lowercase();
            if name.starts_with("x-amz-") && !is_covered(&name) {
                return Err(Unproven::Unsigned(name).into());
            }
        }
        request.single("host").map_err(|_| Incomplete::Repeated("Host"))?;
        if self.signed_headers.iter().any(|name| request.values(name).next().is_none()) {
            return Err(Unproven::Mismatch.into());
        }
        Ok(())
    }

    fn check_time(&self, now: Moment) -> Result<(), Unproven> {
        let signed_at = self.signed_at;
        let later =
            |moment: Moment, seconds: i64| Moment::from_unix_s(moment.unix_s().saturating_add(seconds));
        let latest = later(now, MAX_SKEW_S);
        if signed_at > latest {
            return Err(Unproven::Early { signed_at, latest, now });
        }
        let last_taken_at = self.last_taken_at();
        if last_taken_at >= now {
            return Ok(());
        }
        Err(match self.form {
            Form::Header => Unproven::Old { signed_at, earliest: later(now, -MAX_SKEW_S), now },
            Form::Query { .. } => Unproven::Expired { expired_at: last_taken_at, now },
        })
    }

    /// Whether the signature is that of the request as it came, by the claimed key or nobody's.
    fn is_signed(&self, request: &Request<'_>, declared: Option<&str>, claimed: &Claimed<'_>) -> Choice {
        let nobody = Secret::from(NOBODY);
        let secret = match claimed {
            Claimed::Known(known) => known.secret,
            Claimed::Unknown => &nobody,
        };
        let left_out = match self.form {
            Form::Header => None,
            Form::Query { .. } => Some(SIGNATURE),
        };
        let payload = payload_hash(request.body);
        let is_payload = declared.unwrap_or(&payload).trim().as_bytes().ct_eq(payload.as_bytes());
        let hash = request_hash(request, left_out, &self.signed_headers, &payload);
        let signature = key::signature(secret, &self.scope, self.signed_at, hash.as_ref());
        is_payload & signature.as_ref().ct_eq(&self.signature)
    }

    fn check_session(&self, session: Option<Session<'_>>, now_s: i64) -> Result<(), AuthFault> {
        match (session, &self.session_token) {
            (None, None) => Ok(()),
            (Some(session), Some(token)) if session.token.is_same(token.expose()) => {
                if session.expires_at_s <= now_s { Err(AuthFault::ExpiredToken) } else { Ok(()) }
            }
            _ => Err(AuthFault::UnrecognizedClient),
        }
    }
}
