//! `cargo xtask models --botocore DIR`: the tables and types of the services' APIs, made from the service models that
//! botocore ships (Apache-2.0). The output is checked in: a build needs neither Python nor botocore, and a newer
//! model is a diff that somebody reads.
//!
//! Of a model only facts are taken: names, places, types, ranges, patterns, enumerations, which members are required.

mod render;
mod source;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::project;
use source::Service;

/// A service that is served, and how much of it.
struct Wanted {
    /// Its folder in botocore's data and in `crates/control/api/src`.
    name: &'static str,
    version: &'static str,
    /// The operations that are served; empty: all.
    operations: &'static [&'static str],
    /// Whether its shapes become Rust types, or stay tables alone.
    has_types: bool,
}

const WANTED: &[Wanted] = &[
    Wanted { name: "mq", version: "2017-11-27", operations: &[], has_types: true },
    Wanted { name: "cloudtrail", version: "2013-11-01", operations: &["LookupEvents"], has_types: false },
    Wanted {
        name: "logs",
        version: "2014-03-28",
        operations: &["DescribeLogGroups", "DescribeLogStreams", "FilterLogEvents", "GetLogEvents"],
        has_types: false,
    },
    Wanted {
        name: "sts",
        version: "2011-06-15",
        operations: &["AssumeRole", "GetCallerIdentity", "GetSessionToken"],
        has_types: false,
    },
    Wanted { name: "iam", version: "2010-05-08", operations: IAM, has_types: false },
    Wanted { name: "ec2", version: "2016-11-15", operations: EC2, has_types: false },
];

/// Security groups, and what of a network a broker is made with.
const EC2: &[&str] = &[
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateSecurityGroup",
    "CreateTags",
    "DeleteSecurityGroup",
    "DeleteTags",
    "DescribeAvailabilityZones",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVpcs",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
];

/// Users, keys, groups, policies and roles: what decides who may do what.
const IAM: &[&str] = &[
    "AddUserToGroup",
    "AttachGroupPolicy",
    "AttachRolePolicy",
    "AttachUserPolicy",
    "CreateAccessKey",
    "CreateGroup",
    "CreatePolicy",
    "CreatePolicyVersion",
    "CreateRole",
    "CreateUser",
    "DeleteAccessKey",
    "DeleteGroup",
    "DeleteGroupPolicy",
    "DeletePolicy",
    "DeletePolicyVersion",
    "DeleteRole",
    "DeleteRolePolicy",
    "DeleteUser",
    "DeleteUserPolicy",
    "DetachGroupPolicy",
    "DetachRolePolicy",
    "DetachUserPolicy",
    "GetAccessKeyLastUsed",
    "GetGroup",
    "GetGroupPolicy",
    "GetPolicy",
    "GetPolicyVersion",
    "GetRole",
    "GetRolePolicy",
    "GetUser",
    "GetUserPolicy",
    "ListAccessKeys",
    "ListAttachedGroupPolicies",
    "ListAttachedRolePolicies",
    "ListAttachedUserPolicies",
    "ListGroupPolicies",
    "ListGroups",
    "ListGroupsForUser",
    "ListPolicies",
    "ListPolicyVersions",
    "ListRolePolicies",
    "ListRoles",
    "ListUserPolicies",
    "ListUserTags",
    "ListUsers",
    "PutGroupPolicy",
    "PutRolePolicy",
    "PutUserPolicy",
    "RemoveUserFromGroup",
    "SetDefaultPolicyVersion",
    "TagUser",
    "UntagUser",
    "UpdateAccessKey",
    "UpdateAssumeRolePolicy",
    "UpdateUser",
];

/// Runs the command.
///
/// # Errors
/// A model that is missing or has something in it that the tables cannot say; files written before that stay.
pub(crate) fn command(args: &[String]) -> Result<bool> {
    let [flag, data] = args else { bail!("usage: cargo xtask models --botocore DIR/botocore/data") };
    if flag != "--botocore" {
        bail!("there is no option `{flag}`; say --botocore DIR/botocore/data");
    }
    let root = project::root()?;
    for wanted in WANTED {
        let service = read(Path::new(data), wanted)?;
        let folder = root.join("crates/control/api/src").join(wanted.name);
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        write(&folder.join("model.rs"), &render::tables(&service))?;
        if wanted.has_types {
            write(&folder.join("shapes.rs"), &render::types(&service))?;
        }
        println!("{}: {} operations, {} shapes", wanted.name, service.operations.len(), service.shapes.len());
    }
    Ok(true)
}

fn write(path: &PathBuf, text: &str) -> Result<()> {
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn read(data: &Path, wanted: &Wanted) -> Result<Service> {
    let path = data.join(wanted.name).join(wanted.version).join("service-2.json.gz");
    let unpacked = Command::new("gzip").arg("-dc").arg(&path).output().context("cannot run gzip")?;
    if !unpacked.status.success() {
        bail!("cannot read {}: {}", path.display(), String::from_utf8_lossy(&unpacked.stderr).trim());
    }
    let model =
        serde_json::from_slice(&unpacked.stdout).with_context(|| format!("{} is no JSON", path.display()))?;
    Service::read(wanted.name, &model, wanted.operations)
        .with_context(|| format!("cannot use {}", path.display()))
}
