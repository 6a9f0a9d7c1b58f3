//! STS: who am I, and temporary credentials.

mod credentials;

use serde_json::json;
use ternmq_api::{Refusal, Routed};

use crate::call::{Call, Output, output};
use crate::failure::Failure;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "GetCallerIdentity" => who_am_i(call),
        "AssumeRole" => credentials::assume_role(call),
        "GetSessionToken" => credentials::get_session_token(call),
        other => Err(Refusal::new("InvalidAction", 400, format!("{other} is not there yet.")).into()),
    }
}

/// Whether an operation changes nothing. What gives credentials does.
pub(crate) fn is_read(operation: &str) -> bool {
    operation == "GetCallerIdentity"
}

/// Whether the directory's verb decides by itself whether the caller may: to assume a role, its trust counts beside the
/// caller's policies; a session token is there for every user, and for no session; and nobody is denied to know who it
/// is.
pub(crate) fn is_decided_by_its_verb(routed: &Routed) -> bool {
    routed.model.name == "sts"
}

fn who_am_i(call: &Call<'_>) -> Result<Output, Failure> {
    let caller = call.caller;
    output(&json!({"UserId": caller.principal_id, "Account": caller.account, "Arn": caller.arn}))
}
