//! Random verbs: the store alone always makes the same directory, and nothing hangs on what is gone.

use proptest::prelude::*;
use ternmq_identity::directory::{
    AssumeRole, Directory, EntityKind, Fault, KeyStatus, ManagedFilter, NewPolicy, NewRole, NewUser,
    NewVersion, Page, Tag, UserUpdate,
};
use ternmq_identity::policy::Context;

use crate::world::{READER, TRUST, World, document};

const NAMES: [&str; 4] = ["a", "b", "A", "c"];
const KINDS: [EntityKind; 3] = [EntityKind::User, EntityKind::Group, EntityKind::Role];

/// A verb and what it is about.
#[derive(Clone, Copy, Debug)]
struct Step {
    verb: u8,
    name: &'static str,
    other: &'static str,
    kind: EntityKind,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step =
        (0..26_u8, prop::sample::select(&NAMES), prop::sample::select(&NAMES), prop::sample::select(&KINDS))
            .prop_map(|(verb, name, other, kind)| Step { verb, name, other, kind });
    prop::collection::vec(step, 0..120)
}

/// Does one step; refusals are as good as anything.
fn run(world: &mut World, step: Step) -> Result<(), Fault> {
    let Step { verb, name, other, kind } = step;
    let (now_s, entropy) = (world.now_s, world.entropy());
    let text = document(r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#);
    let arn = format!("arn:aws:iam::123456789012:policy/{other}");
    let tags = [Tag { key: other.into(), value: name.into() }];
    let directory = &world.directory;
    let key = directory
        .list_access_keys(name, &Page::default())
        .ok()
        .and_then(|list| list.items.first().map(|key| key.id.clone()));
    let key = key.unwrap_or_else(|| "AKIAIOSFODNN7EXAMPLE".to_owned());
    let boundary = (other == "b").then_some(READER);
    let outcome = match verb {
        0 | 1 => directory
            .create_user(&NewUser { name, boundary, ..NewUser::default() }, now_s, &entropy)
            .map(unit),
        2 => directory.delete_user(name),
        3 => directory.update_user(name, &UserUpdate { name: Some(other), path: None }),
        4 => directory.create_group(name, None, now_s, &entropy).map(unit),
        5 => directory.delete_group(name),
        6 | 7 => directory.add_user_to_group(name, other),
        8 => directory.remove_user_from_group(name, other),
        9 | 10 => directory.create_access_key(name, now_s, &entropy).map(unit),
        11 => directory.delete_access_key(name, &key),
        12 => directory.update_access_key(name, &key, KeyStatus::Inactive),
        13 => directory
            .create_policy(&NewPolicy { name, document: &text, ..NewPolicy::default() }, now_s, &entropy)
            .map(unit),
        14 => directory.delete_policy(&arn),
        15 => directory
            .create_policy_version(&NewVersion { arn: &arn, document: &text, is_default: name == "a" }, now_s)
            .map(unit),
        16 => directory.delete_policy_version(&arn, "v1"),
        17 | 18 => directory.attach_policy(kind, name, &arn),
        19 => directory.detach_policy(kind, name, &arn),
        20 => directory.put_inline_policy(kind, name, other, &text),
        21 => directory.delete_inline_policy(kind, name, other),
        22 => directory
            .create_role(&NewRole { name, trust: TRUST, boundary, ..NewRole::default() }, now_s, &entropy)
            .map(unit),
        23 => directory.delete_role(name),
        24 => directory.tag_user(name, &tags),
        _ => {
            let found = directory.find_key(&key);
            let Some(found) = found else { return Ok(()) };
            let role_arn = format!("arn:aws:iam::123456789012:role/{other}");
            let request = AssumeRole { role_arn: &role_arn, session_name: "s1", ..AssumeRole::default() };
            directory.assume_role(&found.principal, &request, &Context::new(), now_s, &entropy).map(unit)
        }
    };
    world.keep(outcome)
}

fn unit<T>(changed: ternmq_identity::directory::Changed<T>) -> ternmq_identity::directory::Changed<()> {
    ternmq_identity::directory::Changed { answer: (), changes: changed.changes }
}

/// Everything that lists and gets show.
fn seen(directory: &Directory) -> String {
    let page = Page { max_items: Some(1_000), ..Page::default() };
    let mut text = String::new();
    for user in directory.list_users(None, &page).unwrap().items {
        let keys = directory.list_access_keys(&user.name, &page).unwrap();
        let groups = directory.list_groups_for_user(&user.name, &page).unwrap();
        text.push_str(&format!("{user:?} {keys:?} {groups:?}\n"));
    }
    text.push_str(&format!("{:?}\n", directory.list_groups(None, &page).unwrap()));
    text.push_str(&format!("{:?}\n", directory.list_roles(None, &page).unwrap()));
    text.push_str(&format!("{:?}\n", directory.list_policies(&ManagedFilter::default(), &page).unwrap()));
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_store_makes_the_directory(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            // What is refused changes nothing.
            let before = world.store.clone();
            if run(&mut world, step).is_err() {
                prop_assert_eq!(&before, &world.store);
            }
        }
        let loaded = world.loaded();
        prop_assert_eq!(seen(&world.directory), seen(&loaded));
        // Nothing hangs on what is gone.
        let page = Page::default();
        for user in loaded.list_users(None, &page).unwrap().items {
            let groups = loaded.list_groups_for_user(&user.name, &page).unwrap().items.len();
            prop_assert_eq!(groups, user.groups.len());
            for arn in &user.grants.attached {
                prop_assert!(loaded.get_policy(arn).is_ok());
            }
        }
        for key in world.store.keys().filter_map(|key| key.strip_prefix("session/")) {
            prop_assert!(loaded.find_key(key).is_some());
        }
        // Names are unique without case.
        let users = loaded.list_users(None, &page).unwrap().items;
        let mut names: Vec<String> = users.iter().map(|user| user.name.to_lowercase()).collect();
        names.dedup();
        prop_assert_eq!(names.len(), users.len());
    }
}
