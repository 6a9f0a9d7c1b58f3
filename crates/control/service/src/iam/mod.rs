//! IAM: users, keys, groups, policies, roles. What may be is decided in the directory; here inputs become its verbs.

use ternmq_api::Refusal;

use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::front_door::Input;
use crate::principals::Target;
use crate::service::Service;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    let other = call.routed.operation.name;
    Err(Refusal::new("InvalidAction", 400, format!("{other} is not there yet.")).into())
}

/// The resource of a call.
pub(crate) fn target(_service: &Service, _input: &Input) -> Target {
    Target::any()
}
