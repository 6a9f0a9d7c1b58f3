//! What each operation is done to, as the service authorization reference of IAM has it.

use ternmq_identity::directory::{Directory, EntityKind, Page, Tags};

use super::user_name;
use crate::caller::Caller;
use crate::front_door::Input;
use crate::members::text;
use crate::principals::Target;
use crate::service::Service;

/// The resource of a call. What is not there has the ARN that it would have, and no tags.
pub(crate) fn target(service: &Service, caller: &Caller, operation: &str, input: &Input) -> Target {
    let directory = service.principals.read();
    let mut target = resource(&directory, caller, operation, input);
    // Of an attachment the entity is the resource; which policy it is about is a condition.
    if let Some(arn) = text(input, "PolicyArn").filter(|arn| *arn != target.arn) {
        target.keys.push(("iam:PolicyARN".into(), arn.to_owned()));
    }
    if let Some(arn) = text(input, "PermissionsBoundary") {
        target.keys.push(("iam:PermissionsBoundary".into(), arn.to_owned()));
    }
    let tags = target.tags.iter().map(|(key, value)| (format!("iam:ResourceTag/{key}"), value.clone()));
    target.keys.extend(tags);
    let is_tagged = input.get("Tags").and_then(serde_json::Value::as_array).is_some_and(|it| !it.is_empty());
    let tagging = match operation {
        "CreateUser" => Some("iam:TagUser"),
        "CreateRole" => Some("iam:TagRole"),
        "CreatePolicy" => Some("iam:TagPolicy"),
        _ => None,
    };
    target.also.extend(tagging.filter(|_| is_tagged).map(|action| (action, target.arn.clone())));
    if operation == "UpdateUser" {
        // Else one who may change some users could turn one of them into another.
        target.also.push(("iam:UpdateUser", renamed(&directory, input)));
    }
    target
}

fn resource(directory: &Directory, caller: &Caller, operation: &str, input: &Input) -> Target {
    let path = text(input, "Path").unwrap_or("/");
    // What is to be made is asked for by its path, whatever else has its name.
    let would_be = |kind: &str, member: &str| {
        let name = text(input, member).unwrap_or_default();
        Target::of(arn(directory, kind, path, name), Vec::new())
    };
    match operation {
        "ListUsers" | "ListGroups" | "ListRoles" | "ListPolicies" => return Target::any(),
        "CreateUser" => return would_be("user", "UserName"),
        "CreateGroup" => return would_be("group", "GroupName"),
        "CreateRole" => return would_be("role", "RoleName"),
        "CreatePolicy" => return would_be("policy", "PolicyName"),
        "GetAccessKeyLastUsed" => {
            let key = text(input, "AccessKeyId").unwrap_or_default();
            let owner = directory.get_access_key_last_used(key).map(|found| found.user_name);
            return owner.map_or_else(|_| Target::any(), |name| entity(directory, EntityKind::User, name));
        }
        _ => {}
    }
    if let Some(name) = text(input, "GroupName") {
        return entity(directory, EntityKind::Group, name);
    }
    if let Some(name) = text(input, "RoleName") {
        return entity(directory, EntityKind::Role, name);
    }
    if let Some(policy) = text(input, "PolicyArn").filter(|_| !input.contains_key("UserName")) {
        let tags = directory.get_policy(policy).map(|view| pairs(&view.policy.tags));
        return Target::of(policy, tags.unwrap_or_default());
    }
    user_name(input, caller).map_or_else(Target::any, |name| entity(directory, EntityKind::User, name))
}

/// A user, group or role; if it is not there, as it would be without a path.
fn entity(directory: &Directory, kind: EntityKind, name: &str) -> Target {
    let none = Page { marker: None, max_items: Some(1) };
    let (word, found) = match kind {
        EntityKind::User => {
            let user = directory.get_user(name).ok();
            ("user", user.map(|user| (directory.user_arn(user), pairs(&user.tags))))
        }
        EntityKind::Group => {
            let group = directory.get_group(name, &none).ok();
            ("group", group.map(|found| (directory.group_arn(found.group), Vec::new())))
        }
        EntityKind::Role => {
            let role = directory.get_role(name).ok();
            ("role", role.map(|role| (directory.role_arn(role), pairs(&role.tags))))
        }
    };
    let (arn, tags) = found.unwrap_or_else(|| (arn(directory, word, "/", name), Vec::new()));
    Target::of(arn, tags)
}

/// ARN of a user as UpdateUser would leave it.
fn renamed(directory: &Directory, input: &Input) -> String {
    let name = text(input, "UserName").unwrap_or_default();
    let path = directory.get_user(name).map_or("/", |user| user.path.as_str());
    let new_name = text(input, "NewUserName").unwrap_or(name);
    arn(directory, "user", text(input, "NewPath").unwrap_or(path), new_name)
}

fn arn(directory: &Directory, kind: &str, path: &str, name: &str) -> String {
    format!("arn:aws:iam::{}:{kind}{path}{name}", directory.account())
}

fn pairs(tags: &Tags) -> Vec<(String, String)> {
    tags.values().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}
