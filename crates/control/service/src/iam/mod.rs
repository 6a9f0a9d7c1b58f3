//! IAM: users, keys, groups, policies, roles. What may be is decided in the directory; here inputs become its verbs, and
//! what these answer becomes an output.

mod access_keys;
mod attachments;
mod groups;
mod inline_policies;
mod managed_policies;
mod roles;
mod shapes;
mod target;
mod users;

use ternmq_api::Refusal;
use ternmq_identity::directory::EntityKind::{Group, Role, User};
use ternmq_identity::directory::{Changed, EntityKind};

use crate::call::{Call, Output};
use crate::caller::{Caller, CallerKind};
use crate::failure::Failure;
use crate::front_door::Input;
use crate::members;

pub(crate) use shapes::{date, one};
pub(crate) use target::target;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "CreateUser" => users::create(call),
        "GetUser" => users::get(call),
        "ListUsers" => users::list(call),
        "UpdateUser" => users::update(call),
        "DeleteUser" => users::delete(call),
        "TagUser" => users::tag(call),
        "UntagUser" => users::untag(call),
        "ListUserTags" => users::list_tags(call),
        "CreateAccessKey" => access_keys::create(call),
        "ListAccessKeys" => access_keys::list(call),
        "UpdateAccessKey" => access_keys::update(call),
        "DeleteAccessKey" => access_keys::delete(call),
        "GetAccessKeyLastUsed" => access_keys::last_used(call),
        "CreateGroup" => groups::create(call),
        "GetGroup" => groups::get(call),
        "ListGroups" => groups::list(call),
        "DeleteGroup" => groups::delete(call),
        "AddUserToGroup" => groups::add_user(call),
        "RemoveUserFromGroup" => groups::remove_user(call),
        "ListGroupsForUser" => groups::list_for_user(call),
        "CreateRole" => roles::create(call),
        "GetRole" => roles::get(call),
        "ListRoles" => roles::list(call),
        "DeleteRole" => roles::delete(call),
        "UpdateAssumeRolePolicy" => roles::update_trust(call),
        "CreatePolicy" => managed_policies::create(call),
        "GetPolicy" => managed_policies::get(call),
        "ListPolicies" => managed_policies::list(call),
        "DeletePolicy" => managed_policies::delete(call),
        "CreatePolicyVersion" => managed_policies::create_version(call),
        "GetPolicyVersion" => managed_policies::get_version(call),
        "ListPolicyVersions" => managed_policies::list_versions(call),
        "SetDefaultPolicyVersion" => managed_policies::set_default_version(call),
        "DeletePolicyVersion" => managed_policies::delete_version(call),
        _ => policies_of_entities(call),
    }
}

/// Operations that there are for users, groups and roles alike.
fn policies_of_entities(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "PutUserPolicy" => inline_policies::put(call, User),
        "PutGroupPolicy" => inline_policies::put(call, Group),
        "PutRolePolicy" => inline_policies::put(call, Role),
        "GetUserPolicy" => inline_policies::get(call, User),
        "GetGroupPolicy" => inline_policies::get(call, Group),
        "GetRolePolicy" => inline_policies::get(call, Role),
        "ListUserPolicies" => inline_policies::list(call, User),
        "ListGroupPolicies" => inline_policies::list(call, Group),
        "ListRolePolicies" => inline_policies::list(call, Role),
        "DeleteUserPolicy" => inline_policies::delete(call, User),
        "DeleteGroupPolicy" => inline_policies::delete(call, Group),
        "DeleteRolePolicy" => inline_policies::delete(call, Role),
        "AttachUserPolicy" => attachments::attach(call, User),
        "AttachGroupPolicy" => attachments::attach(call, Group),
        "AttachRolePolicy" => attachments::attach(call, Role),
        "DetachUserPolicy" => attachments::detach(call, User),
        "DetachGroupPolicy" => attachments::detach(call, Group),
        "DetachRolePolicy" => attachments::detach(call, Role),
        "ListAttachedUserPolicies" => attachments::list(call, User),
        "ListAttachedGroupPolicies" => attachments::list(call, Group),
        "ListAttachedRolePolicies" => attachments::list(call, Role),
        other => Err(Refusal::new("InvalidAction", 400, format!("{other} is not there yet.")).into()),
    }
}

/// Whether an operation changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    operation.starts_with("List") || operation.starts_with("Get")
}

/// The member that names an entity of a kind.
fn name_of(kind: EntityKind) -> &'static str {
    match kind {
        User => "UserName",
        Group => "GroupName",
        Role => "RoleName",
    }
}

/// The user that a call names, or else the one that makes it; `None`: it names none, and none makes it.
fn user_name<'a>(input: &'a Input, caller: &'a Caller) -> Option<&'a str> {
    let own = || (caller.kind == CallerKind::User).then_some(caller.name.as_str());
    members::text(input, "UserName").or_else(own)
}

/// The same, for an operation that needs one.
fn need_user_name<'a>(call: &Call<'a>) -> Result<&'a str, Failure> {
    user_name(call.input, call.caller).ok_or_else(|| {
        let text = "Must specify userName when calling with non-User credentials";
        Refusal::new("ValidationError", 400, text).into()
    })
}

/// Of an operation that answers nothing.
fn done(changed: Changed<()>) -> Changed<Output> {
    changed.map(|()| Output::new())
}
