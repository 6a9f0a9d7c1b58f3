//! Roles.

use ternmq_api::Refusal;
use ternmq_identity::directory::NewRole;

use super::{done, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    if call.number("MaxSigninSessionDuration").is_some() {
        let text = "MaxSigninSessionDuration is not there yet: nobody signs in with a role.";
        return Err(Refusal::new("InvalidInput", 400, text).into());
    }
    let tags = call.tags();
    let new = NewRole {
        name: call.need("RoleName")?,
        path: call.text("Path"),
        trust: call.need("AssumeRolePolicyDocument")?,
        description: call.text("Description"),
        max_session_s: call.number("MaxSessionDuration"),
        tags: &tags,
        boundary: call.text("PermissionsBoundary"),
    };
    call.change_directory(|directory, now_s, entropy| {
        let changed = directory.create_role(&new, now_s, entropy)?;
        Ok(changed.map(|role| shapes::one("Role", shapes::whole_role(directory, &role))))
    })
}

pub(super) fn get(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("RoleName")?;
    call.read_directory(|directory| {
        Ok(shapes::one("Role", shapes::whole_role(directory, directory.get_role(name)?)))
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    call.read_directory(|directory| {
        let roles = directory.list_roles(call.text("PathPrefix"), &call.page())?;
        Ok(shapes::listed("Roles", roles, |role| shapes::role(directory, role)))
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("RoleName")?;
    call.change_directory(|directory, _, _| directory.delete_role(name).map(done))
}

pub(super) fn update_trust(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, document) = (call.need("RoleName")?, call.need("PolicyDocument")?);
    call.change_directory(|directory, _, _| directory.update_assume_role_policy(name, document).map(done))
}
