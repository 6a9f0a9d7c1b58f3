//! Argon2id and its text form.

use argon2::{Algorithm, Argon2, Params, Version};
use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
use subtle::ConstantTimeEq;
use thiserror::Error;

use ternmq_stdx::Secret;

/// Length of the salt that a new hash takes, in bytes.
pub const SALT_BYTES: usize = 16;

/// Cost of a new hash (S2): 19 MiB, two passes, one lane.
pub(crate) const COST: Cost = Cost { memory_kib: 19 * 1_024, passes: 2, lanes: 1 };
/// Highest cost of a hash from elsewhere: it is paid at every login.
const COST_MAX: Cost = Cost { memory_kib: 256 * 1_024, passes: 16, lanes: 16 };
const DIGEST_BYTES: usize = 32;
const DIGEST_RANGE: std::ops::RangeInclusive<usize> = 16..=64;
const SALT_RANGE: std::ops::RangeInclusive<usize> = 8..=64;

/// There was not enough memory for the computation, or the password is longer than 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the password could not be hashed for want of memory; free some and try again")]
pub struct Argon2Failed;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) memory_kib: u32,
    pub(crate) passes: u32,
    pub(crate) lanes: u32,
}

/// An Argon2id hash with all it takes to check a password against it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Argon2id {
    pub(crate) cost: Cost,
    salt: Vec<u8>,
    digest: Vec<u8>,
}

impl Argon2id {
    pub(crate) fn make(password: &Secret, salt: &[u8; SALT_BYTES]) -> Result<Self, Argon2Failed> {
        let mut digest = vec![0; DIGEST_BYTES];
        compute(COST, password, salt, &mut digest)?;
        Ok(Self { cost: COST, salt: salt.to_vec(), digest })
    }

    pub(crate) fn is_match(&self, password: &Secret) -> Result<bool, Argon2Failed> {
        let mut digest = vec![0; self.digest.len()];
        compute(self.cost, password, &self.salt, &mut digest)?;
        Ok(digest.ct_eq(&self.digest).into())
    }

    /// Reads `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<digest>`. `None` for anything else or out of bounds.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
        let (cost, salt, digest) = (parts.next()?, parts.next()?, parts.next()?);
        if parts.next().is_some() {
            return None;
        }
        let cost = parse_cost(cost)?;
        let salt = STANDARD_NO_PAD.decode(salt).ok().filter(|salt| SALT_RANGE.contains(&salt.len()))?;
        let digest =
            STANDARD_NO_PAD.decode(digest).ok().filter(|digest| DIGEST_RANGE.contains(&digest.len()))?;
        Some(Self { cost, salt, digest })
    }

    pub(crate) fn to_text(&self) -> String {
        let Cost { memory_kib, passes, lanes } = self.cost;
        let (salt, digest) = (STANDARD_NO_PAD.encode(&self.salt), STANDARD_NO_PAD.encode(&self.digest));
        format!("$argon2id$v=19$m={memory_kib},t={passes},p={lanes}${salt}${digest}")
    }
}

/// Spends what checking a password against a new hash costs.
pub(crate) fn spend(password: &Secret) -> Result<(), Argon2Failed> {
    compute(COST, password, &[0; SALT_BYTES], &mut [0; DIGEST_BYTES])
}

fn compute(cost: Cost, password: &Secret, salt: &[u8], digest: &mut [u8]) -> Result<(), Argon2Failed> {
    let Cost { memory_kib, passes, lanes } = cost;
    let params = Params::new(memory_kib, passes, lanes, Some(digest.len())).map_err(|_| Argon2Failed)?;
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into(password.expose(), salt, digest).map_err(|_| Argon2Failed)
}

fn parse_cost(text: &str) -> Option<Cost> {
    let mut parts = text.split(',');
    let mut part = |prefix: &str, max: u32| {
        let number: u32 = parts.next()?.strip_prefix(prefix)?.parse().ok()?;
        (1..=max).contains(&number).then_some(number)
    };
    let memory_kib = part("m=", COST_MAX.memory_kib)?;
    let passes = part("t=", COST_MAX.passes)?;
    let lanes = part("p=", COST_MAX.lanes)?;
    let is_whole = parts.next().is_none() && memory_kib >= 8 * lanes;
    is_whole.then_some(Cost { memory_kib, passes, lanes })
}
