//! Inline and managed policies.

use ternmq_identity::directory::{
    EntityKind, ManagedFilter, NewPolicy, NewUser, NewVersion, Page, PolicyScope,
};

use crate::world::{ADMIN, READER, TRUST, World, document, refused};

const KINDS: [EntityKind; 3] = [EntityKind::User, EntityKind::Group, EntityKind::Role];
const ALLOW: &str = r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#;

fn populated() -> World {
    let mut world = World::new();
    world.user("x");
    world.group("x");
    world.role("x", TRUST);
    world
}

#[test]
fn inline_policies_of_each_kind() {
    for kind in KINDS {
        let mut world = populated();
        let text = document(ALLOW);
        for name in ["b", "a"] {
            let outcome = world.directory.put_inline_policy(kind, "x", name, &text);
            world.keep(outcome).unwrap();
        }
        let directory = world.loaded();
        assert_eq!(directory.get_inline_policy(kind, "x", "a").unwrap().text(), text);
        assert_eq!(directory.list_inline_policies(kind, "x", &Page::default()).unwrap().items, ["a", "b"]);
        let deny = document(&ALLOW.replace("Allow", "Deny"));
        let outcome = world.directory.put_inline_policy(kind, "x", "a", &deny);
        world.keep(outcome).unwrap();
        assert_eq!(world.loaded().get_inline_policy(kind, "x", "a").unwrap().text(), deny);
        let outcome = world.directory.delete_inline_policy(kind, "x", "a");
        world.keep(outcome).unwrap();
        let word = kind.to_string().to_lowercase();
        let gone = format!("The {word} policy with name a cannot be found.");
        refused(world.directory.get_inline_policy(kind, "x", "a"), "NoSuchEntity", 404, &gone);
        refused(world.directory.delete_inline_policy(kind, "x", "a"), "NoSuchEntity", 404, &gone);
        let nobody = format!("The {word} with name none cannot be found.");
        let put = world.directory.put_inline_policy(kind, "none", "a", &text);
        refused(put, "NoSuchEntity", 404, &nobody);
        let list = world.directory.list_inline_policies(kind, "none", &Page::default());
        refused(list, "NoSuchEntity", 404, &nobody);
        let put = world.directory.put_inline_policy(kind, "x", "a b", &text);
        refused(put, "ValidationError", 400, "1 validation error");
        let put = world.directory.put_inline_policy(kind, "x", "a", "{}");
        refused(put, "MalformedPolicyDocument", 400, "Missing required field Statement");
        let put = world.directory.put_inline_policy(kind, "x", "a", "\u{1F600}");
        refused(put, "ValidationError", 400, "1 validation error");
    }
}

#[test]
fn inline_policies_together_have_a_size() {
    for (kind, max_chars) in
        [(EntityKind::User, 2_048), (EntityKind::Group, 5_120), (EntityKind::Role, 10_240)]
    {
        let mut world = populated();
        let of = |len: usize| {
            let text = r#"{"Statement":{"Effect":"Allow","Action":"mq:","Resource":"*"}}"#;
            text.replace("mq:", &format!("mq:{}", "a".repeat(len - text.len())))
        };
        for (name, len) in [("a", max_chars / 2), ("b", max_chars / 2), ("a", max_chars / 2)] {
            let outcome = world.directory.put_inline_policy(kind, "x", name, &of(len));
            world.keep(outcome).unwrap();
        }
        let text = format!("Maximum policy size of {max_chars} bytes exceeded for");
        let outcome = world.directory.put_inline_policy(kind, "x", "a", &of(max_chars / 2 + 1));
        refused(outcome, "LimitExceeded", 409, &text);
        world.loaded();
    }
}

#[test]
fn a_managed_policy_and_its_versions() {
    let mut world = World::new();
    let entropy = world.entropy();
    let text = document(ALLOW);
    let new = NewPolicy {
        name: "p",
        path: Some("/a/b/"),
        document: &text,
        description: Some("what for"),
        tags: &[],
    };
    let outcome = world.directory.create_policy(&new, 100, &entropy);
    let made = world.keep(outcome).unwrap();
    let arn = made.arn.clone();
    assert_eq!(arn, "arn:aws:iam::123456789012:policy/a/b/p");
    assert!(made.policy.id.starts_with("ANPA") && made.policy.id.len() == 21);
    let deny = document(&ALLOW.replace("Allow", "Deny"));
    for (is_default, expect) in [(false, "v2"), (true, "v3"), (false, "v4"), (false, "v5")] {
        let new = NewVersion { arn: &arn, document: &deny, is_default };
        let outcome = world.directory.create_policy_version(&new, 200);
        let view = world.keep(outcome).unwrap();
        assert_eq!((view.id.as_str(), view.is_default), (expect, is_default));
    }
    let new = NewVersion { arn: &arn, document: &deny, is_default: false };
    let outcome = world.directory.create_policy_version(&new, 200);
    refused(outcome, "LimitExceeded", 409, "A managed policy can have up to 5 versions.");
    let directory = world.loaded();
    let view = directory.get_policy(&arn).unwrap();
    assert_eq!(view.default_version_id(), "v3");
    assert_eq!((view.policy.created_s, view.policy.updated_s), (100, 200));
    assert_eq!(view.policy.description.as_deref(), Some("what for"));
    let page = Page { max_items: Some(3), ..Page::default() };
    let listed = directory.list_policy_versions(&arn, &page).unwrap();
    let ids: Vec<&str> = listed.items.iter().map(|view| view.id.as_str()).collect();
    assert_eq!(ids, ["v5", "v4", "v3"]);
    let page = Page { marker: listed.marker.as_deref(), ..page };
    let listed = directory.list_policy_versions(&arn, &page).unwrap();
    assert_eq!((listed.items.len(), listed.marker), (2, None));
    let first = directory.get_policy_version(&arn, "v1").unwrap();
    assert_eq!((first.version.document.text(), first.is_default), (text.as_str(), false));
    for id in ["v0", "v6", "1", "v01", "v+1", "", "v99999999999"] {
        let missing = format!("Policy {arn} version {id}");
        refused(directory.get_policy_version(&arn, id), "NoSuchEntity", 404, &missing);
    }
    check_versions_go(&mut world, &arn);
}

fn check_versions_go(world: &mut World, arn: &str) {
    let default = world.directory.delete_policy_version(arn, "v3");
    refused(default, "DeleteConflict", 409, "Cannot delete the default version of a policy.");
    let many = "This policy has more than one version.";
    refused(world.directory.delete_policy(arn), "DeleteConflict", 409, many);
    let outcome = world.directory.set_default_policy_version(arn, "v5", 300);
    world.keep(outcome).unwrap();
    for id in ["v1", "v2", "v3", "v4"] {
        let outcome = world.directory.delete_policy_version(arn, id);
        world.keep(outcome).unwrap();
    }
    // A number never comes again.
    let text = document(ALLOW);
    let new = NewVersion { arn, document: &text, is_default: false };
    let outcome = world.directory.create_policy_version(&new, 400);
    assert_eq!(world.keep(outcome).unwrap().id, "v6");
    let outcome = world.directory.delete_policy_version(arn, "v6");
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_policy(arn);
    world.keep(outcome).unwrap();
    refused(
        world.directory.get_policy(arn),
        "NoSuchEntity",
        404,
        "Policy arn:aws:iam::123456789012:policy/a/b/p",
    );
    assert!(world.store.is_empty());
}

#[test]
fn managed_policies_have_their_rules() {
    let mut world = World::new();
    world.policy("p", ALLOW);
    let entropy = world.entropy();
    let text = document(ALLOW);
    let new = |name| NewPolicy { name, document: &text, ..NewPolicy::default() };
    let create = |new: &NewPolicy<'_>| world.directory.create_policy(new, 0, &entropy);
    refused(create(&new("P")), "EntityAlreadyExists", 409, "A policy called P already exists.");
    refused(create(&new("a b")), "ValidationError", 400, "1 validation");
    for path in ["/a*/", "//", "/a//b/", "a"] {
        refused(create(&NewPolicy { path: Some(path), ..new("q") }), "ValidationError", 400, "1 validation");
    }
    let long = "a".repeat(1_001);
    refused(
        create(&NewPolicy { description: Some(&long), ..new("q") }),
        "ValidationError",
        400,
        "1 validation",
    );
    refused(create(&NewPolicy { document: "{}", ..new("q") }), "MalformedPolicyDocument", 400, "Missing");
    let large = text.replace("mq:*", &format!("mq:{}", "a".repeat(6_144)));
    refused(
        create(&NewPolicy { document: &large, ..new("q") }),
        "LimitExceeded",
        409,
        "Cannot exceed quota for PolicySize: 6144",
    );
    // AWS's are not to be changed.
    let cannot = "A policy that AWS manages cannot be changed.";
    refused(world.directory.delete_policy(ADMIN), "InvalidInput", 400, cannot);
    let new = NewVersion { arn: ADMIN, document: &text, is_default: true };
    refused(world.directory.create_policy_version(&new, 0), "InvalidInput", 400, cannot);
    for arn in [
        "",
        "p",
        "arn:aws:iam::123456789012:policy/P",
        "arn:aws:iam::1:policy/p",
        "arn:aws:iam::aws:policy/p",
    ] {
        refused(world.directory.get_policy(arn), "NoSuchEntity", 404, "Policy");
    }
}

#[test]
fn policies_are_attached_and_counted() {
    let mut world = populated();
    let arn = world.policy("p", ALLOW);
    for kind in KINDS {
        world.attach(kind, "x", &arn);
        world.attach(kind, "x", READER);
        let again = world.directory.attach_policy(kind, "x", &arn).unwrap();
        assert!(again.changes.is_empty());
        let none = world.directory.attach_policy(kind, "x", "arn:aws:iam::123456789012:policy/none");
        refused(none, "NoSuchEntity", 404, "Policy arn:aws:iam::123456789012:policy/none does not exist");
        let none = world.directory.attach_policy(kind, "none", &arn);
        refused(none, "NoSuchEntity", 404, "The ");
        let listed = world.directory.list_attached_policies(kind, "x", None, &Page::default()).unwrap();
        let names: Vec<&str> = listed.items.iter().map(|attached| attached.name).collect();
        assert_eq!(names, ["p", "AmazonMQReadOnlyAccess"]);
    }
    let entropy = world.entropy();
    let new = NewUser { name: "bounded", boundary: Some(&arn), ..NewUser::default() };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    world.keep(outcome).unwrap();
    for directory in [&world.directory, &world.loaded()] {
        let view = directory.get_policy(&arn).unwrap();
        assert_eq!((view.attachment_count, view.boundary_count), (3, 1));
        assert_eq!(directory.get_policy(READER).unwrap().attachment_count, 3);
    }
    let attached = "Cannot delete a policy attached to entities.";
    for kind in KINDS {
        refused(world.directory.delete_policy(&arn), "DeleteConflict", 409, attached);
        let outcome = world.directory.detach_policy(kind, "x", &arn);
        world.keep(outcome).unwrap();
        let again = world.directory.detach_policy(kind, "x", &arn);
        refused(again, "NoSuchEntity", 404, "Policy arn:aws:iam::123456789012:policy/p was not found.");
    }
    // It still is a boundary.
    refused(world.directory.delete_policy(&arn), "DeleteConflict", 409, attached);
    let outcome = world.directory.delete_user("bounded");
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_policy(&arn);
    world.keep(outcome).unwrap();
}

#[test]
fn ten_policies_can_be_attached() {
    let mut world = populated();
    for number in 0..11 {
        world.policy(&format!("p{number:02}"), ALLOW);
    }
    for (kind, quota) in [
        (EntityKind::User, "PoliciesPerUser"),
        (EntityKind::Group, "PoliciesPerGroup"),
        (EntityKind::Role, "PoliciesPerRole"),
    ] {
        for number in 0..10 {
            world.attach(kind, "x", &format!("arn:aws:iam::123456789012:policy/p{number:02}"));
        }
        let outcome = world.directory.attach_policy(kind, "x", "arn:aws:iam::123456789012:policy/p10");
        refused(outcome, "LimitExceeded", 409, &format!("Cannot exceed quota for {quota}: 10"));
    }
}

#[test]
fn lists_of_managed_policies() {
    let mut world = populated();
    let arn = world.policy("p", ALLOW);
    world.attach(EntityKind::User, "x", READER);
    let count = |scope, is_attached, path_prefix| {
        let filter = ManagedFilter { scope, is_attached, usage: None, path_prefix };
        world.directory.list_policies(&filter, &Page::default()).unwrap().items.len()
    };
    assert_eq!(count(PolicyScope::Local, false, None), 1);
    assert_eq!(count(PolicyScope::Aws, false, None), 9);
    assert_eq!(count(PolicyScope::All, false, None), 10);
    assert_eq!(count(PolicyScope::All, true, None), 1);
    assert_eq!(count(PolicyScope::All, false, Some("/x/")), 0);
    let mut seen = Vec::new();
    let mut marker = None;
    loop {
        let page = Page { marker: marker.as_deref(), max_items: Some(3) };
        let listed = world.directory.list_policies(&ManagedFilter::default(), &page).unwrap();
        seen.extend(listed.items.into_iter().map(|view| view.arn));
        marker = listed.marker;
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 10);
    assert!(seen.is_sorted() && seen.contains(&arn) && seen.contains(&ADMIN.to_owned()));
}
