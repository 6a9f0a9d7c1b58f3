//! Groups and who is in them.

use super::{done, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("GroupName")?;
    call.change_directory(|directory, now_s, entropy| {
        let changed = directory.create_group(name, call.text("Path"), now_s, entropy)?;
        Ok(changed.map(|group| shapes::one("Group", shapes::group(directory, &group))))
    })
}

pub(super) fn get(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("GroupName")?;
    call.read_directory(|directory| {
        let found = directory.get_group(name, &call.page())?;
        let mut output = shapes::listed("Users", found.users, |user| shapes::user(directory, user));
        output.insert("Group".into(), shapes::group(directory, found.group));
        Ok(output)
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    call.read_directory(|directory| {
        let groups = directory.list_groups(call.text("PathPrefix"), &call.page())?;
        Ok(shapes::listed("Groups", groups, |group| shapes::group(directory, group)))
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let name = call.need("GroupName")?;
    call.change_directory(|directory, _, _| directory.delete_group(name).map(done))
}

pub(super) fn add_user(call: &Call<'_>) -> Result<Output, Failure> {
    let (group, user) = (call.need("GroupName")?, call.need("UserName")?);
    call.change_directory(|directory, _, _| directory.add_user_to_group(group, user).map(done))
}

pub(super) fn remove_user(call: &Call<'_>) -> Result<Output, Failure> {
    let (group, user) = (call.need("GroupName")?, call.need("UserName")?);
    call.change_directory(|directory, _, _| directory.remove_user_from_group(group, user).map(done))
}

pub(super) fn list_for_user(call: &Call<'_>) -> Result<Output, Failure> {
    let user = call.need("UserName")?;
    call.read_directory(|directory| {
        let groups = directory.list_groups_for_user(user, &call.page())?;
        Ok(shapes::listed("Groups", groups, |group| shapes::group(directory, group)))
    })
}
