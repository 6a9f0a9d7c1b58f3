//! Managed policies and their versions.

use ternmq_identity::directory::{ManagedFilter, NewPolicy, NewVersion, PolicyScope, PolicyUsage};

use super::{done, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let tags = call.tags();
    let new = NewPolicy {
        name: call.need("PolicyName")?,
        path: call.text("Path"),
        document: call.need("PolicyDocument")?,
        description: call.text("Description"),
        tags: &tags,
    };
    call.change_directory(|directory, now_s, entropy| {
        let changed = directory.create_policy(&new, now_s, entropy)?;
        Ok(changed.map(|policy| shapes::one("Policy", shapes::whole_policy(&policy))))
    })
}

pub(super) fn get(call: &Call<'_>) -> Result<Output, Failure> {
    let arn = call.need("PolicyArn")?;
    call.read_directory(|directory| {
        Ok(shapes::one("Policy", shapes::whole_policy(&directory.get_policy(arn)?)))
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let filter = ManagedFilter {
        scope: match call.text("Scope") {
            Some("AWS") => PolicyScope::Aws,
            Some("Local") => PolicyScope::Local,
            _ => PolicyScope::All,
        },
        is_attached: call.flag("OnlyAttached"),
        usage: call.text("PolicyUsageFilter").map(|usage| match usage {
            "PermissionsBoundary" => PolicyUsage::Boundary,
            _ => PolicyUsage::Permissions,
        }),
        path_prefix: call.text("PathPrefix"),
    };
    call.read_directory(|directory| {
        let policies = directory.list_policies(&filter, &call.page())?;
        Ok(shapes::listed("Policies", policies, |policy| shapes::policy(&policy)))
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let arn = call.need("PolicyArn")?;
    call.change_directory(|directory, _, _| directory.delete_policy(arn).map(done))
}

pub(super) fn create_version(call: &Call<'_>) -> Result<Output, Failure> {
    let new = NewVersion {
        arn: call.need("PolicyArn")?,
        document: call.need("PolicyDocument")?,
        is_default: call.flag("SetAsDefault"),
    };
    call.change_directory(|directory, now_s, _| {
        let changed = directory.create_policy_version(&new, now_s)?;
        Ok(changed.map(|version| shapes::one("PolicyVersion", shapes::version(&version))))
    })
}

pub(super) fn get_version(call: &Call<'_>) -> Result<Output, Failure> {
    let (arn, version) = (call.need("PolicyArn")?, call.need("VersionId")?);
    call.read_directory(|directory| {
        let found = directory.get_policy_version(arn, version)?;
        Ok(shapes::one("PolicyVersion", shapes::whole_version(&found)))
    })
}

pub(super) fn list_versions(call: &Call<'_>) -> Result<Output, Failure> {
    let arn = call.need("PolicyArn")?;
    call.read_directory(|directory| {
        let versions = directory.list_policy_versions(arn, &call.page())?;
        Ok(shapes::listed("Versions", versions, |version| shapes::version(&version)))
    })
}

pub(super) fn set_default_version(call: &Call<'_>) -> Result<Output, Failure> {
    let (arn, version) = (call.need("PolicyArn")?, call.need("VersionId")?);
    call.change_directory(|directory, now_s, _| {
        directory.set_default_policy_version(arn, version, now_s).map(done)
    })
}

pub(super) fn delete_version(call: &Call<'_>) -> Result<Output, Failure> {
    let (arn, version) = (call.need("PolicyArn")?, call.need("VersionId")?);
    call.change_directory(|directory, _, _| directory.delete_policy_version(arn, version).map(done))
}
