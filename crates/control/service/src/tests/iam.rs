//! IAM by signed calls: what each operation answers, and how it is refused.

use serde_json::Value;

use super::rig::{Key, Rig, root};

const POLICY: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"mq:*","Resource":"*"}]}"#;
const OTHER: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"mq:D*","Resource":"*"}}"#;
/// [`POLICY`] as answers have it.
const ENCODED: &str = "%7B%22Version%22%3A%222012-10-17%22%2C%22Statement%22%3A%5B%7B%22Effect%22%3A%22Allow%22%2C%22Action%22%3A%22mq%3A%2A%22%2C%22Resource%22%3A%22%2A%22%7D%5D%7D";
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"123456789012"},"Action":"sts:AssumeRole"}}"#;

/// Members of a call and their texts.
type Members<'a> = &'a [(&'a str, &'a str)];

/// Checks that an answer has elements of these names with these texts.
fn check(rig: &Rig, action: &str, members: &[(&str, &str)], expect: &[(&str, &[&str])]) {
    let answer = rig.done(action, members);
    for (name, texts) in expect {
        assert_eq!(answer.all(name), *texts, "{name} of {action}: {}", answer.text);
    }
    let open = format!("<{action}Response xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\">");
    assert!(answer.text.starts_with(&open), "{}", answer.text);
}

/// Checks that a call is refused: nothing changes, and one record says why.
fn refused(rig: &Rig, action: &str, members: &[(&str, &str)], status: u16, code: &str, text: &str) {
    let before = (rig.service.store.view().unwrap().identity().unwrap(), rig.audit().len());
    let answer = rig.iam(action, members);
    assert_eq!((answer.status, answer.code()), (status, code), "{action} {members:?}: {}", answer.text);
    assert!(answer.first("Message").contains(text), "{action}: {}", answer.text);
    let records = rig.audit();
    let after = (rig.service.store.view().unwrap().identity().unwrap(), records.len() - 1);
    assert_eq!(after, before, "{action}");
    let last = records.last().unwrap();
    assert_eq!((&last["eventName"], &last["errorCode"]), (&action.into(), &code.into()));
}

#[test]
fn users() {
    let rig = Rig::new();
    let tags = [("Tags.member.1.Key", "team"), ("Tags.member.1.Value", "red")];
    let new = [[("UserName", "ann"), ("Path", "/ops/")], tags].concat();
    check(
        &rig,
        "CreateUser",
        &new,
        &[
            ("Arn", &["arn:aws:iam::123456789012:user/ops/ann"]),
            ("Path", &["/ops/"]),
            ("UserName", &["ann"]),
            ("CreateDate", &["2026-11-30T12:00:01Z"]),
            ("Tags", &["<member><Key>team</Key><Value>red</Value></member>"]),
        ],
    );
    rig.done("CreateUser", &[("UserName", "bob")]);
    let ann = [("UserName", "ann")];
    let shown = rig.done("GetUser", &ann);
    assert!(shown.first("UserId").starts_with("AIDA") && shown.first("UserId").len() == 21);
    check(
        &rig,
        "ListUsers",
        &[],
        &[("UserName", &["ann", "bob"]), ("IsTruncated", &["false"]), ("Tags", &[])],
    );
    check(&rig, "ListUsers", &[("PathPrefix", "/ops")], &[("UserName", &["ann"])]);
    let page = rig.done("ListUsers", &[("MaxItems", "1")]);
    assert_eq!((page.first("IsTruncated"), page.all("UserName")), ("true", vec!["ann"]));
    let more = [("MaxItems", "1"), ("Marker", page.first("Marker"))];
    check(&rig, "ListUsers", &more, &[("UserName", &["bob"]), ("IsTruncated", &["false"]), ("Marker", &[])]);
    let more = [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", "blue"), ("UserName", "ann")];
    check(&rig, "TagUser", &more, &[]);
    check(
        &rig,
        "ListUserTags",
        &ann,
        &[("Key", &["Team"]), ("Value", &["blue"]), ("IsTruncated", &["false"])],
    );
    check(&rig, "UntagUser", &[("UserName", "ann"), ("TagKeys.member.1", "team")], &[]);
    check(&rig, "ListUserTags", &ann, &[("Key", &[])]);
    check(&rig, "UpdateUser", &[("UserName", "ann"), ("NewUserName", "eve"), ("NewPath", "/")], &[]);
    check(&rig, "GetUser", &[("UserName", "eve")], &[("Arn", &["arn:aws:iam::123456789012:user/eve"])]);
    refused(&rig, "GetUser", &ann, 404, "NoSuchEntity", "The user with name ann cannot be found.");
    refused(&rig, "CreateUser", &[("UserName", "EVE")], 409, "EntityAlreadyExists", "EVE already exists");
    refused(&rig, "CreateUser", &[("UserName", "a b")], 400, "ValidationError", "userName");
    refused(&rig, "CreateUser", &[], 400, "ValidationError", "UserName");
    let nobody = [("UserName", "nobody"), ("NewUserName", "bob")];
    for action in ["UpdateUser", "DeleteUser", "ListUserTags", "ListGroupsForUser", "CreateAccessKey"] {
        refused(&rig, action, &nobody, 404, "NoSuchEntity", "nobody");
    }
    refused(&rig, "TagUser", &more_of("nobody"), 404, "NoSuchEntity", "nobody");
    refused(
        &rig,
        "UntagUser",
        &[("UserName", "nobody"), ("TagKeys.member.1", "a")],
        404,
        "NoSuchEntity",
        "nobody",
    );
    refused(&rig, "TagUser", &[("UserName", "bob")], 400, "ValidationError", "Tags");
    refused(&rig, "ListUsers", &[("Marker", "???")], 400, "ValidationError", "Marker");
    refused(&rig, "ListUsers", &[("MaxItems", "1001")], 400, "ValidationError", "MaxItems");
    check(&rig, "DeleteUser", &[("UserName", "eve")], &[]);
    check(&rig, "ListUsers", &[], &[("UserName", &["bob"])]);
}

fn more_of(name: &str) -> [(&str, &str); 3] {
    [("UserName", name), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]
}

#[test]
fn keys() {
    let rig = Rig::new();
    let ann = [("UserName", "ann")];
    rig.done("CreateUser", &ann);
    let made = rig.done("CreateAccessKey", &ann);
    let (id, secret) = (made.first("AccessKeyId").to_owned(), made.first("SecretAccessKey").to_owned());
    assert!(id.starts_with("AKIA") && id.len() == 20 && secret.len() == 40, "{}", made.text);
    assert_eq!((made.first("Status"), made.first("UserName")), ("Active", "ann"));
    check(
        &rig,
        "ListAccessKeys",
        &ann,
        &[("AccessKeyId", &[&id]), ("SecretAccessKey", &[]), ("Status", &["Active"])],
    );
    let used = [("AccessKeyId", id.as_str())];
    check(&rig, "GetAccessKeyLastUsed", &used, &[("ServiceName", &["N/A"]), ("LastUsedDate", &[])]);
    let key = made.key();
    let me = rig.query(&key, "sts", "GetCallerIdentity", &[]);
    assert_eq!(me.first("Arn"), "arn:aws:iam::123456789012:user/ann");
    assert_eq!((me.first("Account"), &me.first("UserId")[..4]), ("123456789012", "AIDA"));
    let used = rig.done("GetAccessKeyLastUsed", &used);
    assert_eq!((used.first("ServiceName"), used.first("Region")), ("sts", "eu-west-1"));
    assert_eq!(used.first("UserName"), "ann");
    assert!(used.first("LastUsedDate").starts_with("2026-11-30T12:00:"));
    // A second one of its own, and no third.
    let policy = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["iam:*AccessKey*","iam:GetUser"],"Resource":"arn:aws:iam::*:user/${aws:username}"}}"#;
    rig.done("PutUserPolicy", &[("UserName", "ann"), ("PolicyName", "own"), ("PolicyDocument", policy)]);
    let second = rig.query(&key, "iam", "CreateAccessKey", &[]);
    assert_eq!((second.status, second.first("UserName")), (200, "ann"), "{}", second.text);
    assert_eq!(rig.query(&key, "iam", "GetUser", &[]).first("UserName"), "ann");
    assert_eq!(rig.query(&key, "iam", "ListAccessKeys", &[]).all("AccessKeyId").len(), 2);
    refused(&rig, "CreateAccessKey", &ann, 409, "LimitExceeded", "AccessKeysPerUser: 2");
    // An inactive key opens nothing, an active one does again.
    let other = second.first("AccessKeyId");
    for (status, code) in [("Inactive", "SignatureDoesNotMatch"), ("Active", "")] {
        let update = [("AccessKeyId", id.as_str()), ("Status", status)];
        assert_eq!(rig.query(&second.key(), "iam", "UpdateAccessKey", &update).status, 200);
        assert_eq!(rig.query(&key, "sts", "GetCallerIdentity", &[]).code(), code);
    }
    refused(
        &rig,
        "UpdateAccessKey",
        &[("AccessKeyId", &id), ("Status", "Expired"), ann[0]],
        400,
        "ValidationError",
        "Active or Inactive",
    );
    refused(&rig, "DeleteUser", &ann, 409, "DeleteConflict", "access keys");
    // The administrator has no name that a user could have.
    for action in ["CreateAccessKey", "ListAccessKeys"] {
        refused(&rig, action, &[], 400, "ValidationError", "userName");
    }
    let unknown = [("AccessKeyId", "AKIA0000000000000000"), ann[0]];
    refused(&rig, "DeleteAccessKey", &unknown, 404, "NoSuchEntity", "AKIA0000000000000000");
    refused(&rig, "GetAccessKeyLastUsed", &unknown, 404, "NoSuchEntity", "AKIA0000000000000000");
    assert_eq!(rig.query(&key, "iam", "DeleteAccessKey", &[("AccessKeyId", other)]).status, 200);
    check(&rig, "DeleteAccessKey", &[("AccessKeyId", &id), ann[0]], &[]);
    assert_eq!(rig.query(&key, "sts", "GetCallerIdentity", &[]).code(), "SignatureDoesNotMatch");
    // The records have everything of this but the secrets.
    let records = rig.audit();
    assert!(records.iter().all(|record| !record.to_string().contains(&secret)));
    let created = records.iter().find(|record| record["eventName"] == "CreateAccessKey").unwrap();
    assert_eq!(created["eventSource"], "iam.amazonaws.com");
    assert_eq!(created["requestParameters"]["userName"], "ann");
    assert_eq!(created["responseElements"]["accessKey"]["accessKeyId"], id);
    assert_eq!(created["responseElements"]["accessKey"]["secretAccessKey"], "***");
}

#[test]
fn the_account_itself() {
    let rig = Rig::new();
    let root_arn = "arn:aws:iam::123456789012:root";
    check(&rig, "GetUser", &[], &[("Arn", &[root_arn]), ("UserId", &["123456789012"])]);
    let me = rig.query(&root(), "sts", "GetCallerIdentity", &[]);
    assert_eq!((me.first("Arn"), me.first("UserId")), (root_arn, "123456789012"));
    assert!(
        me.text
            .starts_with("<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">")
    );
}

#[test]
fn groups() {
    let rig = Rig::new();
    let ops = [("GroupName", "ops")];
    let group = [
        ("Arn", &["arn:aws:iam::123456789012:group/ops"] as &[&str]),
        ("GroupName", &["ops"]),
        ("Path", &["/"]),
    ];
    check(&rig, "CreateGroup", &ops, &group);
    rig.done("CreateGroup", &[("GroupName", "dev"), ("Path", "/x/")]);
    rig.done("CreateUser", &[("UserName", "ann")]);
    let both = [("GroupName", "ops"), ("UserName", "ann")];
    check(&rig, "AddUserToGroup", &both, &[]);
    check(&rig, "AddUserToGroup", &both, &[]);
    check(
        &rig,
        "GetGroup",
        &ops,
        &[("GroupName", &["ops"]), ("UserName", &["ann"]), ("IsTruncated", &["false"])],
    );
    check(&rig, "ListGroups", &[], &[("GroupName", &["dev", "ops"])]);
    check(&rig, "ListGroups", &[("PathPrefix", "/x/")], &[("GroupName", &["dev"])]);
    check(&rig, "ListGroupsForUser", &[("UserName", "ann")], &[("GroupName", &["ops"])]);
    refused(&rig, "DeleteGroup", &ops, 409, "DeleteConflict", "users");
    refused(&rig, "DeleteUser", &[("UserName", "ann")], 409, "DeleteConflict", "group");
    refused(&rig, "CreateGroup", &[("GroupName", "Ops")], 409, "EntityAlreadyExists", "Ops");
    refused(&rig, "CreateGroup", &[("GroupName", "a/b")], 400, "ValidationError", "groupName");
    check(&rig, "RemoveUserFromGroup", &both, &[]);
    refused(&rig, "RemoveUserFromGroup", &both, 404, "NoSuchEntity", "ann");
    for action in ["AddUserToGroup", "RemoveUserFromGroup", "GetGroup", "DeleteGroup"] {
        refused(&rig, action, &[("GroupName", "no"), ("UserName", "ann")], 404, "NoSuchEntity", "no");
    }
    refused(&rig, "AddUserToGroup", &[("GroupName", "ops"), ("UserName", "no")], 404, "NoSuchEntity", "no");
    check(&rig, "DeleteGroup", &ops, &[]);
    check(&rig, "ListGroups", &[], &[("GroupName", &["dev"])]);
}

/// The member that names each kind of entity, and how to make one.
const KINDS: [(&str, &str); 3] = [("User", "UserName"), ("Group", "GroupName"), ("Role", "RoleName")];

/// A user, a group and a role, each called `x`.
fn entities(rig: &Rig) {
    for (kind, name) in KINDS {
        let trust = [(name, "x"), ("AssumeRolePolicyDocument", TRUST)];
        rig.done(&format!("Create{kind}"), &trust[..if kind == "Role" { 2 } else { 1 }]);
    }
}

#[test]
fn inline_policies() {
    let rig = Rig::new();
    entities(&rig);
    for (kind, name) in KINDS {
        let action = |verb: &str| format!("{verb}{kind}Policy");
        let lists = format!("List{kind}Policies");
        let (x, p) = ((name, "x"), ("PolicyName", "p"));
        check(&rig, &action("Put"), &[x, p, ("PolicyDocument", POLICY)], &[]);
        let shown = [(name, &["x"] as &[&str]), ("PolicyName", &["p"]), ("PolicyDocument", &[ENCODED])];
        check(&rig, &action("Get"), &[x, p], &shown);
        check(&rig, &action("Put"), &[x, p, ("PolicyDocument", OTHER)], &[]);
        assert!(rig.done(&action("Get"), &[x, p]).first("PolicyDocument").contains("Deny"));
        check(&rig, &lists, &[x], &[("PolicyNames", &["<member>p</member>"]), ("IsTruncated", &["false"])]);
        refused(&rig, &format!("Delete{kind}"), &[x], 409, "DeleteConflict", "policies");
        let broken = r#"{"Statement":{"Effect":"Maybe","Action":"*","Resource":"*"}}"#;
        refused(
            &rig,
            &action("Put"),
            &[x, p, ("PolicyDocument", broken)],
            400,
            "MalformedPolicyDocument",
            "",
        );
        let long = POLICY.replace("mq:*", &format!("mq:{}", "x".repeat(10_300)));
        refused(
            &rig,
            &action("Put"),
            &[x, p, ("PolicyDocument", &long)],
            409,
            "LimitExceeded",
            "Maximum policy size",
        );
        refused(
            &rig,
            &action("Put"),
            &[x, ("PolicyName", "a b"), ("PolicyDocument", POLICY)],
            400,
            "ValidationError",
            "policyName",
        );
        refused(&rig, &action("Get"), &[x, ("PolicyName", "q")], 404, "NoSuchEntity", "policy with name q");
        check(&rig, &action("Delete"), &[x, p], &[]);
        refused(&rig, &action("Delete"), &[x, p], 404, "NoSuchEntity", "policy with name p");
        check(&rig, &lists, &[x], &[("member", &[])]);
        let no = (name, "no");
        for verb in ["Put", "Get", "Delete"] {
            refused(
                &rig,
                &action(verb),
                &[no, p, ("PolicyDocument", POLICY)],
                404,
                "NoSuchEntity",
                "name no",
            );
        }
        refused(&rig, &lists, &[no], 404, "NoSuchEntity", "name no");
    }
}

#[test]
fn attached_policies() {
    let rig = Rig::new();
    entities(&rig);
    rig.done("CreatePolicy", &[("PolicyName", "p"), ("Path", "/own/"), ("PolicyDocument", POLICY)]);
    let (own, aws) =
        ("arn:aws:iam::123456789012:policy/own/p", "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess");
    for (kind, name) in KINDS {
        let (attach, detach) = (format!("Attach{kind}Policy"), format!("Detach{kind}Policy"));
        let list = format!("ListAttached{kind}Policies");
        for arn in [own, aws, own] {
            check(&rig, &attach, &[(name, "x"), ("PolicyArn", arn)], &[]);
        }
        let both = [("PolicyArn", &[own, aws] as &[&str]), ("PolicyName", &["p", "AmazonMQReadOnlyAccess"])];
        check(&rig, &list, &[(name, "x")], &both);
        check(&rig, &list, &[(name, "x"), ("PathPrefix", "/own/")], &[("PolicyArn", &[own])]);
        refused(&rig, &format!("Delete{kind}"), &[(name, "x")], 409, "DeleteConflict", "detach");
        let gone = [(name, "x"), ("PolicyArn", "arn:aws:iam::aws:policy/Nothing")];
        refused(&rig, &attach, &gone, 404, "NoSuchEntity", "Nothing");
        refused(&rig, &detach, &gone, 404, "NoSuchEntity", "Nothing");
        check(&rig, &detach, &[(name, "x"), ("PolicyArn", aws)], &[]);
        check(&rig, &list, &[(name, "x")], &[("PolicyArn", &[own])]);
        for action in [&attach, &detach, &list] {
            refused(&rig, action, &[(name, "no"), ("PolicyArn", own)], 404, "NoSuchEntity", "name no");
        }
    }
    check(&rig, "GetPolicy", &[("PolicyArn", own)], &[("AttachmentCount", &["3"])]);
    refused(&rig, "DeletePolicy", &[("PolicyArn", own)], 409, "DeleteConflict", "attached");
    for (kind, name) in KINDS {
        check(&rig, &format!("Detach{kind}Policy"), &[(name, "x"), ("PolicyArn", own)], &[]);
        check(&rig, &format!("Delete{kind}"), &[(name, "x")], &[]);
    }
    check(&rig, "DeletePolicy", &[("PolicyArn", own)], &[]);
}

#[test]
fn managed_policies() {
    let rig = Rig::new();
    let arn = "arn:aws:iam::123456789012:policy/own/p";
    let new = [
        ("PolicyName", "p"),
        ("Path", "/own/"),
        ("PolicyDocument", POLICY),
        ("Description", "For <tests> & more"),
        ("Tags.member.1.Key", "a"),
        ("Tags.member.1.Value", "b"),
    ];
    let shown = [
        ("Arn", &[arn] as &[&str]),
        ("AttachmentCount", &["0"]),
        ("DefaultVersionId", &["v1"]),
        ("Description", &["For &lt;tests&gt; &amp; more"]),
        ("IsAttachable", &["true"]),
        ("Path", &["/own/"]),
        ("PermissionsBoundaryUsageCount", &["0"]),
        ("PolicyName", &["p"]),
        ("Tags", &["<member><Key>a</Key><Value>b</Value></member>"]),
    ];
    check(&rig, "CreatePolicy", &new, &shown);
    check(&rig, "GetPolicy", &[("PolicyArn", arn)], &shown);
    let p = ("PolicyArn", arn);
    let second = [p, ("PolicyDocument", OTHER), ("SetAsDefault", "true")];
    check(&rig, "CreatePolicyVersion", &second, &[("VersionId", &["v2"]), ("IsDefaultVersion", &["true"])]);
    check(
        &rig,
        "GetPolicyVersion",
        &[p, ("VersionId", "v1")],
        &[("Document", &[ENCODED]), ("IsDefaultVersion", &["false"])],
    );
    check(&rig, "ListPolicyVersions", &[p], &[("VersionId", &["v2", "v1"]), ("Document", &[])]);
    check(&rig, "SetDefaultPolicyVersion", &[p, ("VersionId", "v1")], &[]);
    refused(&rig, "DeletePolicyVersion", &[p, ("VersionId", "v1")], 409, "DeleteConflict", "default");
    refused(&rig, "DeletePolicy", &[p], 409, "DeleteConflict", "more than one version");
    check(&rig, "DeletePolicyVersion", &[p, ("VersionId", "v2")], &[]);
    for action in ["GetPolicyVersion", "SetDefaultPolicyVersion", "DeletePolicyVersion"] {
        refused(&rig, action, &[p, ("VersionId", "v2")], 404, "NoSuchEntity", "v2");
    }
    refused(&rig, "CreatePolicy", &new, 409, "EntityAlreadyExists", "called p");
    let no = [("PolicyArn", "arn:aws:iam::123456789012:policy/no"), ("PolicyDocument", POLICY)];
    for action in ["GetPolicy", "DeletePolicy", "CreatePolicyVersion", "ListPolicyVersions"] {
        refused(&rig, action, &no, 404, "NoSuchEntity", "policy/no");
    }
    refused(
        &rig,
        "CreatePolicy",
        &[("PolicyName", "q"), ("PolicyDocument", "{}")],
        400,
        "MalformedPolicyDocument",
        "",
    );
    refused(&rig, "CreatePolicyVersion", &[p, ("PolicyDocument", "[")], 400, "MalformedPolicyDocument", "");
    let builtin = [("PolicyArn", "arn:aws:iam::aws:policy/AmazonMQFullAccess")];
    refused(&rig, "DeletePolicy", &builtin, 400, "InvalidInput", "AWS manages");
    for _ in 0..4 {
        rig.done("CreatePolicyVersion", &[p, ("PolicyDocument", POLICY)]);
    }
    refused(
        &rig,
        "CreatePolicyVersion",
        &[p, ("PolicyDocument", POLICY)],
        409,
        "LimitExceeded",
        "5 versions",
    );
}

#[test]
fn lists_of_managed_policies() {
    let rig = Rig::new();
    for name in ["p", "q"] {
        rig.done("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", POLICY)]);
    }
    let q = "arn:aws:iam::123456789012:policy/q";
    rig.done("CreateUser", &[("UserName", "ann"), ("PermissionsBoundary", q)]);
    let attached = [("UserName", "ann"), ("PolicyArn", "arn:aws:iam::aws:policy/AmazonMQFullAccess")];
    rig.done("AttachUserPolicy", &attached);
    let names: [(Members, &[&str]); 5] = [
        (&[("Scope", "Local")], &["p", "q"]),
        (&[("OnlyAttached", "true")], &["AmazonMQFullAccess"]),
        (&[("PolicyUsageFilter", "PermissionsBoundary")], &["q"]),
        (&[("PolicyUsageFilter", "PermissionsPolicy")], &["AmazonMQFullAccess"]),
        (&[("Scope", "Local"), ("OnlyAttached", "true")], &[]),
    ];
    for (members, expect) in names {
        check(&rig, "ListPolicies", members, &[("PolicyName", expect), ("IsTruncated", &["false"])]);
    }
    assert_eq!(rig.done("ListPolicies", &[]).all("PolicyName").len(), 11);
    assert_eq!(rig.done("ListPolicies", &[("Scope", "AWS")]).all("PolicyName").len(), 9);
    let boundary = [
        ("PermissionsBoundaryArn", &[q] as &[&str]),
        ("PermissionsBoundaryType", &["PermissionsBoundaryPolicy"]),
    ];
    check(&rig, "GetUser", &[("UserName", "ann")], &boundary);
    check(&rig, "GetPolicy", &[("PolicyArn", q)], &[("PermissionsBoundaryUsageCount", &["1"])]);
    refused(&rig, "DeletePolicy", &[("PolicyArn", q)], 409, "DeleteConflict", "attached");
    let no = [("UserName", "bob"), ("PermissionsBoundary", "arn:aws:iam::123456789012:policy/no")];
    refused(&rig, "CreateUser", &no, 404, "NoSuchEntity", "policy/no");
}

#[test]
fn roles() {
    let rig = Rig::new();
    let new = [
        ("RoleName", "deploy"),
        ("Path", "/ci/"),
        ("AssumeRolePolicyDocument", TRUST),
        ("Description", "For CI"),
        ("MaxSessionDuration", "7200"),
        ("Tags.member.1.Key", "a"),
        ("Tags.member.1.Value", "b"),
    ];
    let arn = "arn:aws:iam::123456789012:role/ci/deploy";
    let shown = [
        ("Arn", &[arn] as &[&str]),
        ("Path", &["/ci/"]),
        ("Description", &["For CI"]),
        ("MaxSessionDuration", &["7200"]),
        ("Tags", &["<member><Key>a</Key><Value>b</Value></member>"]),
    ];
    check(&rig, "CreateRole", &new, &shown);
    check(&rig, "GetRole", &[("RoleName", "deploy")], &shown);
    let role = rig.done("GetRole", &[("RoleName", "deploy")]);
    assert!(role.first("AssumeRolePolicyDocument").starts_with("%7B%22Version%22"), "{}", role.text);
    assert!(role.first("RoleId").starts_with("AROA"));
    check(&rig, "ListRoles", &[], &[("RoleName", &["deploy"]), ("Tags", &[]), ("IsTruncated", &["false"])]);
    check(&rig, "ListRoles", &[("PathPrefix", "/no/")], &[("RoleName", &[])]);
    let trust = TRUST.replace("Allow", "Deny");
    check(&rig, "UpdateAssumeRolePolicy", &[("RoleName", "deploy"), ("PolicyDocument", &trust)], &[]);
    assert!(
        rig.done("GetRole", &[("RoleName", "deploy")]).first("AssumeRolePolicyDocument").contains("Deny")
    );
    refused(&rig, "CreateRole", &new, 409, "EntityAlreadyExists", "deploy");
    let trusting = |role, trust| [("RoleName", role), ("AssumeRolePolicyDocument", trust)];
    refused(&rig, "CreateRole", &trusting("r", POLICY), 400, "MalformedPolicyDocument", "");
    let nobody = TRUST.replace("\"123456789012\"", "\"arn:aws:iam::123456789012:user/nobody\"");
    refused(&rig, "CreateRole", &trusting("r", &nobody), 400, "MalformedPolicyDocument", "nobody");
    let long = [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("MaxSessionDuration", "43201")];
    refused(&rig, "CreateRole", &long, 400, "ValidationError", "MaxSessionDuration");
    let signin =
        [("RoleName", "r"), ("AssumeRolePolicyDocument", TRUST), ("MaxSigninSessionDuration", "3600")];
    refused(&rig, "CreateRole", &signin, 400, "InvalidInput", "not there yet");
    let no = [("RoleName", "no"), ("PolicyDocument", TRUST)];
    for action in ["GetRole", "DeleteRole", "UpdateAssumeRolePolicy"] {
        refused(&rig, action, &no, 404, "NoSuchEntity", "name no");
    }
    let broken = [("RoleName", "deploy"), ("PolicyDocument", POLICY)];
    refused(&rig, "UpdateAssumeRolePolicy", &broken, 400, "MalformedPolicyDocument", "");
    check(&rig, "DeleteRole", &[("RoleName", "deploy")], &[]);
    check(&rig, "ListRoles", &[], &[("RoleName", &[])]);
}

/// Every operation of the table is there.
#[test]
fn no_operation_is_missing() {
    let rig = Rig::new();
    for (service, model) in [("iam", &ternmq_api::iam::MODEL), ("sts", &ternmq_api::sts::MODEL)] {
        for operation in model.operations {
            let given = operation.input.map_or(&[][..], ternmq_api::Shape::members);
            let given = given.iter().filter(|member| member.is_required).map(|member| match member.wire {
                "Tags" => ("Tags.member.1.Key", "k"),
                "TagKeys" => ("TagKeys.member.1", "k"),
                "Status" => ("Status", "Active"),
                "VersionId" => ("VersionId", "v1"),
                other => (other, "arn:aws:iam::123456789012:x/y"),
            });
            let mut given: Vec<_> = given.collect();
            given.push(("Tags.member.1.Value", "v"));
            let answer = rig.query(&root(), service, operation.name, &given);
            assert!(answer.status < 500, "{}: {}", operation.name, answer.text);
            assert_ne!(answer.code(), "InvalidAction", "{}", operation.name);
        }
    }
    let unknown = rig.iam("CreateLoginProfile", &[("UserName", "ann")]);
    assert_eq!((unknown.status, unknown.code()), (400, "InvalidAction"));
}

/// A repetition of the same signed call gets the same answer, the secret included, and makes no second key (S14).
#[test]
fn the_same_signature_makes_one_key() {
    let rig = Rig::new();
    rig.done("CreateUser", &[("UserName", "ann")]);
    let request = rig.sign_query(&root(), "iam", "CreateAccessKey", &[("UserName", "ann")]);
    let (first, again) = (rig.send_query(&request, &root()), rig.send_query(&request, &root()));
    assert_eq!((first.status, &first.text), (200, &again.text));
    assert_eq!(rig.done("ListAccessKeys", &[("UserName", "ann")]).all("AccessKeyId").len(), 1);
    assert_eq!(rig.query(&first.key(), "sts", "GetCallerIdentity", &[]).status, 200);
}

/// A start on the same disk knows the same principals, and their keys open the same.
#[test]
fn principals_survive_a_restart() {
    let rig = Rig::new();
    rig.done("CreateUser", &[("UserName", "ann")]);
    let aws = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
    rig.done("AttachUserPolicy", &[("UserName", "ann"), ("PolicyArn", aws)]);
    let key = rig.key_of("ann");
    let session = rig.query(&key, "sts", "GetSessionToken", &[]).key();
    let look = |rig: &Rig, key: &Key| rig.call_as(key, "GET", "/v1/brokers", &Value::Null).status;
    assert_eq!((look(&rig, &key), look(&rig, &session)), (200, 200));
    let again = Rig::on(rig.disk.killed(), rig.fleet.clone(), rig.clock.clone());
    assert_eq!((look(&again, &key), look(&again, &session)), (200, 200));
    assert_eq!(again.done("ListUsers", &[]).all("UserName"), ["ann"]);
    assert_eq!(again.query(&key, "sts", "GetCallerIdentity", &[]).first("UserId").len(), 21);
}
