//! STS: who am I, and temporary credentials.

use serde_json::json;
use ternmq_api::Refusal;

use crate::call::{Call, Output, output};
use crate::failure::Failure;
use crate::front_door::Input;
use crate::principals::Target;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "GetCallerIdentity" => who_am_i(call),
        other => Err(Refusal::new("InvalidAction", 400, format!("{other} is not there yet.")).into()),
    }
}

/// The resource of a call: the role that is to be assumed.
pub(crate) fn target(input: &Input) -> Target {
    let role = input.get("RoleArn").and_then(serde_json::Value::as_str).unwrap_or("*");
    Target { arn: role.to_owned(), tags: Vec::new() }
}

fn who_am_i(call: &Call<'_>) -> Result<Output, Failure> {
    let caller = call.caller;
    output(&json!({"UserId": caller.principal_id, "Account": caller.account, "Arn": caller.arn}))
}
