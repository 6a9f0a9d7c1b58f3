//! What policies together say.

use super::context::Context;
use super::document::{Answer, Policy};

/// A question: may this be done to that?
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// `service:Operation`.
    pub action: &'a str,
    /// ARN of what it is done to; `*` for operations that have no resource.
    pub resource: &'a str,
    /// What is known of the request.
    pub context: &'a Context,
}

/// All policies that count for a caller.
#[derive(Clone, Copy, Debug, Default)]
pub struct Policies<'a> {
    /// Its own, inline and attached, and those of its groups.
    pub identity: &'a [&'a Policy],
    /// Its permissions boundary, if it has one: allows nothing by itself, and what it does not allow is denied.
    pub boundary: Option<&'a Policy>,
    /// Policies that came with AssumeRole, if any did: as a boundary.
    pub session: Option<&'a [&'a Policy]>,
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allowed,
    /// A statement denies it.
    DeniedExplicitly,
    /// Nothing denies it, but not all that would have to allow it do.
    DeniedImplicitly,
}

/// Decides. One denial anywhere denies; else each kind of policy that is there has to allow it, and without any policy it
/// is denied (S1).
#[must_use]
pub fn evaluate(policies: &Policies<'_>, ask: &Ask<'_>) -> Decision {
    let of_all = |policies: &[&Policy]| {
        policies.iter().fold(Answer::default(), |together, policy| {
            let Answer { is_allowed, is_denied } = policy.answer(ask);
            Answer {
                is_allowed: together.is_allowed || is_allowed,
                is_denied: together.is_denied || is_denied,
            }
        })
    };
    let identity = of_all(policies.identity);
    let boundary = policies.boundary.map(|policy| policy.answer(ask));
    let session = policies.session.map(of_all);
    let mut all = [Some(identity), boundary, session].into_iter().flatten();
    if all.clone().any(|answer| answer.is_denied) {
        Decision::DeniedExplicitly
    } else if all.all(|answer| answer.is_allowed) {
        Decision::Allowed
    } else {
        Decision::DeniedImplicitly
    }
}
