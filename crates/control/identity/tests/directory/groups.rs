//! Groups.

use ternmq_identity::directory::{EntityKind, Page};

use crate::world::{READER, World, refused};

#[test]
fn a_group_is_made_found_and_deleted() {
    let mut world = World::new();
    let entropy = world.entropy();
    let outcome = world.directory.create_group("team", Some("/x/"), world.now_s, &entropy);
    let group = world.keep(outcome).unwrap();
    assert!(group.id.starts_with("AGPA") && group.id.len() == 21);
    assert_eq!(world.directory.group_arn(&group), "arn:aws:iam::123456789012:group/x/team");
    let entropy = world.entropy();
    let again = world.directory.create_group("TEAM", None, 0, &entropy);
    refused(again, "EntityAlreadyExists", 409, "Group with name TEAM already exists.");
    let bad = world.directory.create_group("a b", None, 0, &entropy);
    refused(bad, "ValidationError", 400, "1 validation error");
    let listed = world.directory.list_groups(Some("/x/"), &Page::default()).unwrap().items.len();
    assert_eq!(listed, 1);
    assert_eq!(world.loaded().get_group("team", &Page::default()).unwrap().group.id, group.id);
    let outcome = world.directory.delete_group("team");
    world.keep(outcome).unwrap();
    let gone = "The group with name team cannot be found.";
    refused(world.directory.get_group("team", &Page::default()), "NoSuchEntity", 404, gone);
    refused(world.directory.delete_group("team"), "NoSuchEntity", 404, gone);
}

#[test]
fn users_join_and_leave() {
    let mut world = World::new();
    world.user("bob");
    world.user("eve");
    world.group("team");
    for user in ["bob", "eve"] {
        let outcome = world.directory.add_user_to_group("team", user);
        world.keep(outcome).unwrap();
    }
    // Whoever is in it stays in it.
    assert!(world.directory.add_user_to_group("team", "bob").unwrap().changes.is_empty());
    let directory = world.loaded();
    let page = Page { max_items: Some(1), ..Page::default() };
    let users = directory.get_group("team", &page).unwrap().users;
    assert_eq!((users.items[0].name.as_str(), users.marker.is_some()), ("bob", true));
    let groups = directory.list_groups_for_user("bob", &Page::default()).unwrap();
    assert_eq!(groups.items[0].name, "team");
    refused(
        world.directory.delete_group("team"),
        "DeleteConflict",
        409,
        "Cannot delete entity, must remove users from group first.",
    );
    let outcome = world.directory.remove_user_from_group("team", "bob");
    world.keep(outcome).unwrap();
    refused(
        world.directory.remove_user_from_group("team", "bob"),
        "NoSuchEntity",
        404,
        "The user with name bob is not in the group with name team.",
    );
    refused(world.directory.add_user_to_group("none", "bob"), "NoSuchEntity", 404, "The group");
    refused(world.directory.add_user_to_group("team", "none"), "NoSuchEntity", 404, "The user");
    refused(world.directory.remove_user_from_group("none", "bob"), "NoSuchEntity", 404, "The group");
    refused(world.directory.remove_user_from_group("team", "none"), "NoSuchEntity", 404, "The user");
    refused(world.directory.list_groups_for_user("none", &Page::default()), "NoSuchEntity", 404, "The user");
}

#[test]
fn a_group_with_policies_is_not_deleted() {
    let mut world = World::new();
    world.group("team");
    world.attach(EntityKind::Group, "team", READER);
    refused(world.directory.delete_group("team"), "DeleteConflict", 409, "Cannot delete entity, must detach");
}

#[test]
fn a_user_is_in_ten_groups_at_most() {
    let mut world = World::new();
    world.user("bob");
    for number in 0..10 {
        let name = format!("g{number}");
        world.group(&name);
        let outcome = world.directory.add_user_to_group(&name, "bob");
        world.keep(outcome).unwrap();
    }
    world.group("g10");
    let outcome = world.directory.add_user_to_group("g10", "bob");
    refused(outcome, "LimitExceeded", 409, "Cannot exceed quota for GroupsPerUser: 10");
}

#[test]
fn an_account_has_300_groups_at_most() {
    let mut world = World::new();
    for number in 0..300 {
        world.group(&format!("g{number}"));
    }
    let entropy = world.entropy();
    let outcome = world.directory.create_group("more", None, 0, &entropy);
    refused(outcome, "LimitExceeded", 409, "Cannot exceed quota for GroupsPerAccount: 300");
}
