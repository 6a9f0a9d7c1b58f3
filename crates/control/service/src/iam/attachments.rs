//! Managed policies of a user, group or role.

use serde_json::json;
use ternmq_identity::directory::EntityKind;

use super::{done, name_of, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

pub(super) fn attach(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let (name, arn) = (call.need(name_of(kind))?, call.need("PolicyArn")?);
    call.change_directory(|directory, _, _| directory.attach_policy(kind, name, arn).map(done))
}

pub(super) fn detach(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let (name, arn) = (call.need(name_of(kind))?, call.need("PolicyArn")?);
    call.change_directory(|directory, _, _| directory.detach_policy(kind, name, arn).map(done))
}

pub(super) fn list(call: &Call<'_>, kind: EntityKind) -> Result<Output, Failure> {
    let name = call.need(name_of(kind))?;
    call.read_directory(|directory| {
        let attached = directory.list_attached_policies(kind, name, call.text("PathPrefix"), &call.page())?;
        Ok(shapes::listed(
            "AttachedPolicies",
            attached,
            |policy| json!({"PolicyName": policy.name, "PolicyArn": policy.arn}),
        ))
    })
}
