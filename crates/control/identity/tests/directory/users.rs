//! Users and their tags.

use ternmq_identity::directory::{Claim, EntityKind, NewUser, Page, Tag, UserUpdate};

use crate::world::{ADMIN, World, refused};

fn tag(key: &str, value: &str) -> Tag {
    Tag { key: key.into(), value: value.into() }
}

#[test]
fn a_user_is_made_found_and_deleted() {
    let mut world = World::new();
    let entropy = world.entropy();
    let tags = [tag("team", "red")];
    let new = NewUser { name: "bob", path: Some("/division/"), tags: &tags, boundary: Some(ADMIN) };
    let outcome = world.directory.create_user(&new, world.now_s, &entropy);
    let made = world.keep(outcome).unwrap();
    assert!(made.id.starts_with("AIDA") && made.id.len() == 21, "{}", made.id);
    assert_eq!(world.directory.user_arn(&made), "arn:aws:iam::123456789012:user/division/bob");
    let directory = world.loaded();
    let user = directory.get_user("bob").unwrap();
    assert_eq!(*user, made);
    assert_eq!(user.created_s, world.now_s);
    refused(directory.get_user("Bob"), "NoSuchEntity", 404, "The user with name Bob cannot be found.");
    let outcome = world.directory.delete_user("bob");
    world.keep(outcome).unwrap();
    assert!(world.store.is_empty());
    refused(
        world.directory.delete_user("bob"),
        "NoSuchEntity",
        404,
        "The user with name bob cannot be found.",
    );
}

#[test]
fn names_paths_and_tags_have_their_forms() {
    let mut world = World::new();
    let mut check = |new: NewUser<'_>, code: &str, text: &str| {
        let entropy = world.entropy();
        refused(world.directory.create_user(&new, 0, &entropy), code, 400, text);
    };
    let named = |name| NewUser { name, ..NewUser::default() };
    let long = "a".repeat(65);
    for name in ["", "a b", "a/b", "a*", "ä", "a\n", "${aws:username}", &long] {
        check(named(name), "ValidationError", "1 validation error detected: Value '");
    }
    for path in ["", "a", "/a", "a/", "/a b/", "/ä/", &format!("/{}/", "a".repeat(511))] {
        let new = NewUser { path: Some(path), ..named("bob") };
        check(new, "ValidationError", "1 validation error detected: Value '");
    }
    let tags = [tag("", "a")];
    check(NewUser { tags: &tags, ..named("bob") }, "ValidationError", "1 validation error");
    for tags in
        [[tag("a?", "b")], [tag("a", "b\"")], [tag(&"a".repeat(129), "")], [tag("a", &"b".repeat(257))]]
    {
        check(NewUser { tags: &tags, ..named("bob") }, "ValidationError", "1 validation error");
    }
    let tags = [tag("AWS:x", "a")];
    check(NewUser { tags: &tags, ..named("bob") }, "InvalidInput", "Tag keys that begin");
    let tags = [tag("a", "1"), tag("A", "2")];
    check(NewUser { tags: &tags, ..named("bob") }, "InvalidInput", "Duplicate tag keys found.");
    let tags: Vec<Tag> = (0..51).map(|number| tag(&format!("k{number}"), "")).collect();
    check(NewUser { tags: &tags, ..named("bob") }, "ValidationError", "1 validation error");
    let entropy = world.entropy();
    let new = NewUser { boundary: Some("arn:aws:iam::aws:policy/None"), ..named("bob") };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    refused(outcome, "NoSuchEntity", 404, "Policy arn:aws:iam::aws:policy/None does not exist");
    // All letters that there are.
    world.user("Az09_+=,.@-");
}

#[test]
fn names_are_unique_without_case() {
    let mut world = World::new();
    world.user("bob");
    let entropy = world.entropy();
    let new = NewUser { name: "BOB", ..NewUser::default() };
    let outcome = world.directory.create_user(&new, 0, &entropy);
    refused(outcome, "EntityAlreadyExists", 409, "User with name BOB already exists.");
    // Groups and roles have names of their own.
    world.group("bob");
}

#[test]
fn an_id_is_never_anothers() {
    let mut world = World::new();
    let entropy = world.entropy();
    let new = |name| NewUser { name, ..NewUser::default() };
    let outcome = world.directory.create_user(&new("bob"), 0, &entropy);
    world.keep(outcome).unwrap();
    refused(world.directory.create_user(&new("eve"), 0, &entropy), "ServiceFailure", 500, "The request");
}

#[test]
fn a_renamed_user_keeps_what_it_has() {
    let mut world = World::new();
    world.user("bob");
    world.user("eve");
    world.group("team");
    let key = world.key("bob");
    let outcome = world.directory.add_user_to_group("team", "bob");
    world.keep(outcome).unwrap();
    let id = world.directory.get_user("bob").unwrap().id.clone();
    let update = |name| UserUpdate { name: Some(name), path: Some("/x/") };
    let taken = world.directory.update_user("bob", &update("Eve"));
    refused(taken, "EntityAlreadyExists", 409, "User with name Eve already exists.");
    for name in ["Bob", "robert"] {
        let before = world.directory.find_key(&key.key.id).unwrap().principal;
        let old = before.arn.rsplit('/').next().unwrap().to_owned();
        let outcome = world.directory.update_user(&old, &update(name));
        world.keep(outcome).unwrap();
        let user = world.directory.get_user(name).unwrap();
        assert_eq!((user.id.as_str(), user.path.as_str(), user.groups.len()), (id.as_str(), "/x/", 1));
        let found = world.directory.find_key(&key.key.id).unwrap().principal;
        assert_eq!(found.arn, format!("arn:aws:iam::123456789012:user/x/{name}"));
    }
    refused(world.directory.get_user("bob"), "NoSuchEntity", 404, "The user");
    // The name is free again.
    world.user("bob");
    refused(
        world.directory.update_user("none", &UserUpdate::default()),
        "NoSuchEntity",
        404,
        "The user with name none",
    );
}

#[test]
fn a_user_with_something_is_not_deleted() {
    let mut world = World::new();
    world.user("bob");
    world.group("team");
    let key = world.key("bob").key.id;
    let outcome = world.directory.add_user_to_group("team", "bob");
    world.keep(outcome).unwrap();
    world.attach(EntityKind::User, "bob", ADMIN);
    world.inline(EntityKind::User, "bob", r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#);
    let check =
        |world: &World, text: &str| refused(world.directory.delete_user("bob"), "DeleteConflict", 409, text);
    check(&world, "Cannot delete entity, must delete access keys first.");
    let outcome = world.directory.delete_access_key("bob", &key);
    world.keep(outcome).unwrap();
    check(&world, "Cannot delete entity, must remove users from group first.");
    let outcome = world.directory.remove_user_from_group("team", "bob");
    world.keep(outcome).unwrap();
    check(&world, "Cannot delete entity, must detach all policies first.");
    let outcome = world.directory.detach_policy(EntityKind::User, "bob", ADMIN);
    world.keep(outcome).unwrap();
    check(&world, "Cannot delete entity, must delete policies first.");
    let outcome = world.directory.delete_inline_policy(EntityKind::User, "bob", "inline");
    world.keep(outcome).unwrap();
    let outcome = world.directory.delete_user("bob");
    world.keep(outcome).unwrap();
}

#[test]
fn tags_come_and_go() {
    let mut world = World::new();
    world.user("bob");
    let outcome = world.directory.tag_user("bob", &[tag("Team", "red"), tag("cost center", "ä 1")]);
    world.keep(outcome).unwrap();
    let outcome = world.directory.tag_user("bob", &[tag("team", "blue")]);
    world.keep(outcome).unwrap();
    let list = |world: &World| -> Vec<(String, String)> {
        let listed = world
            .loaded()
            .list_user_tags("bob", &Page::default())
            .unwrap()
            .items
            .into_iter()
            .cloned()
            .collect::<Vec<_>>();
        listed.into_iter().map(|tag| (tag.key, tag.value)).collect()
    };
    let expect = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(list(&world), expect(&[("cost center", "ä 1"), ("team", "blue")]));
    let many: Vec<Tag> = (0..49).map(|number| tag(&format!("k{number}"), "")).collect();
    refused(
        world.directory.tag_user("bob", &many),
        "LimitExceeded",
        409,
        "Cannot exceed quota for TagsPerEntity: 50",
    );
    let outcome = world.directory.untag_user("bob", &["TEAM", "none"]);
    world.keep(outcome).unwrap();
    assert_eq!(list(&world), expect(&[("cost center", "ä 1")]));
    refused(world.directory.untag_user("bob", &[""]), "ValidationError", 400, "1 validation");
    refused(world.directory.tag_user("eve", &[]), "NoSuchEntity", 404, "The user");
    refused(world.directory.untag_user("eve", &[]), "NoSuchEntity", 404, "The user");
    refused(world.directory.list_user_tags("eve", &Page::default()), "NoSuchEntity", 404, "The user");
}

#[test]
fn lists_come_in_pieces() {
    let mut world = World::new();
    for name in ["c", "A", "b", "E", "d"] {
        world.user(name);
    }
    let names = |marker: Option<&str>, max_items| {
        let listed = world.directory.list_users(None, &Page { marker, max_items }).unwrap();
        (listed.items.iter().map(|user| user.name.clone()).collect::<Vec<_>>().join(" "), listed.marker)
    };
    let (first, marker) = names(None, Some(2));
    assert_eq!(first, "A b");
    let (second, marker) = names(marker.as_deref(), Some(2));
    assert_eq!(second, "c d");
    assert_eq!(names(marker.as_deref(), Some(2)), ("E".to_owned(), None));
    assert_eq!(names(None, Some(5)), ("A b c d E".to_owned(), None));
    let page = |marker, max_items| world.directory.list_users(None, &Page { marker, max_items });
    for max_items in [0, 1_001] {
        refused(page(None, Some(max_items)), "ValidationError", 400, "1 validation error detected");
    }
    refused(page(Some("?"), None), "ValidationError", 400, "Invalid Marker.");
    for prefix in ["", "a", "/ "] {
        refused(
            world.directory.list_users(Some(prefix), &Page::default()),
            "ValidationError",
            400,
            "1 validation",
        );
    }
}

#[test]
fn a_list_is_of_a_path_and_a_hundred_long() {
    let mut world = World::new();
    for number in 0..101 {
        let entropy = world.entropy();
        let path = if number % 2 == 0 { "/even/x/" } else { "/odd/" };
        let name = format!("u{number:03}");
        let new = NewUser { name: &name, path: Some(path), ..NewUser::default() };
        let outcome = world.directory.create_user(&new, 0, &entropy);
        world.keep(outcome).unwrap();
    }
    let listed = world.directory.list_users(None, &Page::default()).unwrap();
    assert_eq!((listed.items.len(), listed.marker.is_some()), (100, true));
    let listed = world.directory.list_users(Some("/even"), &Page::default()).unwrap();
    assert_eq!((listed.items.len(), listed.marker.is_some()), (51, false));
}

#[test]
fn a_tag_binds_a_user_to_one_of_a_broker() {
    const ID: &str = "b-1234abcd-56ef-7890-abcd-1234567890ab";
    let mut world = World::new();
    ["ann", "bob", "eve"].iter().for_each(|name| world.user(name));
    let key = format!("mq:broker-user/{ID}");
    let bind = |world: &mut World, name: &str, tag: Tag| {
        let outcome = world.directory.tag_user(name, &[tag]);
        world.keep(outcome)
    };
    bind(&mut world, "ann", tag(&key, "app")).unwrap();
    bind(&mut world, "bob", tag(&format!("MQ:Broker-User/{ID}"), "other")).unwrap();
    for (key, value) in [
        ("mq:broker-user/", "app"),
        ("mq:broker-user/orders", "app"),
        ("mq:broker-user/b-1234ABCD-56ef-7890-abcd-1234567890ab", "app"),
        (key.as_str(), ""),
    ] {
        let text = "1 validation error detected: ";
        refused(bind(&mut world, "eve", tag(key, value)), "ValidationError", 400, text);
    }
    let directory = world.loaded();
    assert_eq!(directory.brokers_with_bound_users().into_iter().collect::<Vec<_>>(), [ID]);
    let claims = directory.claims(ID);
    assert_eq!(claims.keys().copied().collect::<Vec<_>>(), ["app", "other"]);
    assert!(matches!(claims["app"], Claim::By(user) if user.name == "ann"));
    assert!(directory.claims("b-0").is_empty());
    for (name, expect) in [("eve", vec!["ann", "eve"]), ("bob", vec!["ann", "bob", "eve"])] {
        bind(&mut world, name, tag(&key, "app")).unwrap();
        assert_eq!(world.directory.claims(ID)["app"], Claim::BySeveral(expect));
    }
    for name in ["ann", "eve"] {
        let outcome = world.directory.untag_user(name, &[&key]);
        world.keep(outcome).unwrap();
    }
    assert!(matches!(world.directory.claims(ID)["app"], Claim::By(user) if user.name == "bob"));
    let outcome = world.directory.delete_user("bob");
    world.keep(outcome).unwrap();
    assert!(world.directory.brokers_with_bound_users().is_empty());
}
