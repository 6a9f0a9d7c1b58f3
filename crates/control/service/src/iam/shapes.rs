//! Users, groups, roles and policies as IAM answers them. Lists have less of each than a question for one.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use ternmq_identity::directory::{Directory, Group, Listed, PolicyView, Role, Tag, Tags, User, VersionView};

use crate::call::Output;
use crate::time::iso_seconds;

/// An output of one member.
pub(crate) fn one(name: &str, value: Value) -> Output {
    Map::from_iter([(name.to_owned(), value)])
}

/// A piece of a list.
pub(super) fn listed<T>(name: &str, listed: Listed<T>, shape: impl FnMut(T) -> Value) -> Output {
    let mut output = one("IsTruncated", listed.marker.is_some().into());
    if let Some(marker) = listed.marker {
        output.insert("Marker".into(), marker.into());
    }
    output.insert(name.into(), listed.items.into_iter().map(shape).collect());
    output
}

/// A moment in seconds since 1970.
pub(crate) fn date(at_s: i64) -> String {
    iso_seconds(u64::try_from(at_s).unwrap_or_default().saturating_mul(1_000))
}

/// A document as IAM answers it: with all but the unreserved letters of RFC 3986 encoded.
pub(super) fn document(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

pub(super) fn tag(tag: &Tag) -> Value {
    json!({"Key": tag.key, "Value": tag.value})
}

/// A user as lists have it.
pub(super) fn user(directory: &Directory, user: &User) -> Value {
    json!({
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.id,
        "Arn": directory.user_arn(user),
        "CreateDate": date(user.created_s),
    })
}

/// All of a user.
pub(super) fn whole_user(directory: &Directory, it: &User) -> Value {
    with_tags(with_boundary(user(directory, it), it.boundary.as_deref()), &it.tags)
}

pub(super) fn group(directory: &Directory, group: &Group) -> Value {
    json!({
        "Path": group.path,
        "GroupName": group.name,
        "GroupId": group.id,
        "Arn": directory.group_arn(group),
        "CreateDate": date(group.created_s),
    })
}

/// A role as lists have it.
pub(super) fn role(directory: &Directory, role: &Role) -> Value {
    let mut shape = json!({
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.id,
        "Arn": directory.role_arn(role),
        "CreateDate": date(role.created_s),
        "AssumeRolePolicyDocument": document(role.trust.text()),
        "MaxSessionDuration": role.max_session_s,
    });
    if let Some((members, description)) = shape.as_object_mut().zip(role.description.as_deref()) {
        members.insert("Description".into(), description.into());
    }
    shape
}

/// All of a role.
pub(super) fn whole_role(directory: &Directory, it: &Role) -> Value {
    with_tags(with_boundary(role(directory, it), it.boundary.as_deref()), &it.tags)
}

/// A managed policy as lists have it.
pub(super) fn policy(view: &PolicyView<'_>) -> Value {
    json!({
        "PolicyName": view.policy.name,
        "PolicyId": view.policy.id,
        "Arn": view.arn,
        "Path": view.policy.path,
        "DefaultVersionId": view.default_version_id(),
        "AttachmentCount": view.attachment_count,
        "PermissionsBoundaryUsageCount": view.boundary_count,
        "IsAttachable": true,
        "CreateDate": date(view.policy.created_s),
        "UpdateDate": date(view.policy.updated_s),
    })
}

/// All of a managed policy.
pub(super) fn whole_policy(view: &PolicyView<'_>) -> Value {
    let mut shape = policy(view);
    if let Some(members) = shape.as_object_mut() {
        members.insert("Tags".into(), view.policy.tags.values().map(tag).collect());
        if let Some(description) = view.policy.description.as_deref() {
            members.insert("Description".into(), description.into());
        }
    }
    shape
}

/// A version of a managed policy, without its document.
pub(super) fn version(view: &VersionView) -> Value {
    json!({
        "VersionId": view.id,
        "IsDefaultVersion": view.is_default,
        "CreateDate": date(view.version.created_s),
    })
}

/// A version of a managed policy.
pub(super) fn whole_version(view: &VersionView) -> Value {
    let mut shape = version(view);
    if let Some(members) = shape.as_object_mut() {
        members.insert("Document".into(), document(view.version.document.text()).into());
    }
    shape
}

fn with_boundary(mut shape: Value, arn: Option<&str>) -> Value {
    if let Some((members, arn)) = shape.as_object_mut().zip(arn) {
        let boundary =
            json!({"PermissionsBoundaryType": "PermissionsBoundaryPolicy", "PermissionsBoundaryArn": arn});
        members.insert("PermissionsBoundary".into(), boundary);
    }
    shape
}

fn with_tags(mut shape: Value, tags: &Tags) -> Value {
    if let Some(members) = shape.as_object_mut().filter(|_| !tags.is_empty()) {
        members.insert("Tags".into(), tags.values().map(tag).collect());
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_encoded() {
        assert_eq!(document("{\"a\": \"b-._~*/é\"}\n"), "%7B%22a%22%3A%20%22b-._~%2A%2F%C3%A9%22%7D%0A");
    }
}
