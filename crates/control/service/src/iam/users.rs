//! Users and their tags.

use serde_json::json;
use ternmq_identity::directory::{NewUser, UserUpdate};

use super::{done, need_user_name, shapes};
use crate::call::{Call, Output};
use crate::caller::CallerKind;
use crate::failure::Failure;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, tags) = (call.need("UserName")?, call.tags());
    let (path, boundary) = (call.text("Path"), call.text("PermissionsBoundary"));
    call.change_directory(|directory, now_s, entropy| {
        let changed =
            directory.create_user(&NewUser { name, path, tags: &tags, boundary }, now_s, entropy)?;
        Ok(changed.map(|user| shapes::one("User", shapes::whole_user(directory, &user))))
    })
}

/// Of the account itself there are only its id and its ARN.
pub(super) fn get(call: &Call<'_>) -> Result<Output, Failure> {
    if call.text("UserName").is_none() && call.caller.kind == CallerKind::Root {
        let root = json!({"UserId": call.caller.principal_id, "Arn": call.caller.arn});
        return Ok(shapes::one("User", root));
    }
    let name = need_user_name(call)?;
    call.read_directory(|directory| {
        Ok(shapes::one("User", shapes::whole_user(directory, directory.get_user(name)?)))
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    call.read_directory(|directory| {
        let users = directory.list_users(call.text("PathPrefix"), &call.page())?;
        Ok(shapes::listed("Users", users, |user| shapes::user(directory, user)))
    })
}

pub(super) fn update(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("UserName")?;
    let update = UserUpdate { path: call.text("NewPath"), name: call.text("NewUserName") };
    call.change_directory(|directory, _, _| directory.update_user(name, &update).map(done))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("UserName")?;
    call.change_directory(|directory, _, _| directory.delete_user(name).map(done))
}

pub(super) fn tag(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, tags) = (call.need("UserName")?, call.tags());
    call.change_directory(|directory, _, _| directory.tag_user(name, &tags).map(done))
}

pub(super) fn untag(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, keys) = (call.need("UserName")?, call.texts("TagKeys"));
    call.change_directory(|directory, _, _| directory.untag_user(name, &keys).map(done))
}

pub(super) fn list_tags(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("UserName")?;
    call.read_directory(|directory| {
        Ok(shapes::listed("Tags", directory.list_user_tags(name, &call.page())?, shapes::tag))
    })
}
