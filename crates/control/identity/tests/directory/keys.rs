//! Access keys.

use ternmq_identity::directory::{KeyStatus, Page};

use crate::world::{World, refused};

#[test]
fn a_user_has_two_keys_at_most() {
    let mut world = World::new();
    world.user("bob");
    let first = world.key("bob");
    let second = world.key("bob");
    assert_eq!(first.user_name, "bob");
    for new in [&first, &second] {
        assert!(new.key.id.starts_with("AKIA") && new.key.id.len() == 20, "{}", new.key.id);
        assert_eq!(new.key.secret.expose().len(), 40);
        assert_eq!(new.key.status, KeyStatus::Active);
    }
    assert!(!first.key.secret.is_same(second.key.secret.expose()));
    let entropy = world.entropy();
    let third = world.directory.create_access_key("bob", 0, &entropy);
    refused(third, "LimitExceeded", 409, "Cannot exceed quota for AccessKeysPerUser: 2");
    let none = world.directory.create_access_key("eve", 0, &entropy);
    refused(none, "NoSuchEntity", 404, "The user with name eve cannot be found.");
    let listed = world.loaded().list_access_keys("bob", &Page::default()).unwrap().items.len();
    assert_eq!(listed, 2);
    refused(world.directory.list_access_keys("eve", &Page::default()), "NoSuchEntity", 404, "The user");
}

#[test]
fn a_key_opens_while_it_is_active() {
    let mut world = World::new();
    world.user("bob");
    let new = world.key("bob");
    let id = &new.key.id;
    let secret_of = |world: &World| world.loaded().find_key(id).map(|found| found.key.secret.clone());
    assert!(secret_of(&world).unwrap().is_same(new.key.secret.expose()));
    let outcome = world.directory.update_access_key("bob", id, KeyStatus::Inactive);
    world.keep(outcome).unwrap();
    assert!(secret_of(&world).is_none());
    let outcome = world.directory.update_access_key("bob", id, KeyStatus::Active);
    world.keep(outcome).unwrap();
    assert!(secret_of(&world).is_some());
    let outcome = world.directory.delete_access_key("bob", id);
    world.keep(outcome).unwrap();
    assert!(secret_of(&world).is_none());
    assert!(world.directory.find_key("AKIAIOSFODNN7EXAMPLE").is_none());
}

#[test]
fn a_key_is_its_users_only() {
    let mut world = World::new();
    world.user("bob");
    world.user("eve");
    let id = world.key("bob").key.id;
    let missing = format!("The Access Key with id {id} cannot be found.");
    refused(world.directory.delete_access_key("eve", &id), "NoSuchEntity", 404, &missing);
    let update = world.directory.update_access_key("eve", &id, KeyStatus::Inactive);
    refused(update, "NoSuchEntity", 404, &missing);
    for bad in ["", "AKIA", "AKIAIOSFODNN7EXAMPL-", &"A".repeat(129)] {
        refused(world.directory.delete_access_key("bob", bad), "ValidationError", 400, "1 validation");
        refused(world.directory.get_access_key_last_used(bad), "ValidationError", 400, "1 validation");
    }
    refused(
        world.directory.get_access_key_last_used("AKIAIOSFODNN7EXAMPLE"),
        "NoSuchEntity",
        404,
        "The Access Key with id",
    );
}

#[test]
fn the_last_use_is_kept_now_and_then() {
    let mut world = World::new();
    world.user("bob");
    let id = world.key("bob").key.id;
    assert_eq!(world.directory.get_access_key_last_used(&id).unwrap().last_use, None);
    let mut note = |service: &str, region: &str, now_s: i64| {
        let change = world.directory.note_use(&id, service, region, now_s);
        if let Some(change) = &change {
            world.take(std::slice::from_ref(change));
        }
        let directory = world.loaded();
        let last = directory.get_access_key_last_used(&id).unwrap();
        assert_eq!(last.user_name, "bob");
        (change.is_some(), last.last_use.unwrap().at_s)
    };
    assert_eq!(note("mq", "eu-west-1", 1_000), (true, 1_000));
    assert_eq!(note("mq", "eu-west-1", 1_899), (false, 1_000));
    assert_eq!(note("mq", "eu-west-1", 1_900), (true, 1_900));
    assert_eq!(note("iam", "eu-west-1", 1_901), (true, 1_901));
    assert_eq!(note("iam", "us-east-1", 1_902), (true, 1_902));
    assert!(world.directory.note_use("AKIAIOSFODNN7EXAMPLE", "mq", "eu-west-1", 0).is_none());
}
