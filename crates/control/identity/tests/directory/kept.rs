//! What is kept, byte by byte.

use ternmq_identity::directory::{
    AssumeRole, Change, Directory, EntityKind, KeyStatus, LoadFault, NewUser, Tag,
};

use crate::world::{ACCOUNT, ADMIN, READER, TRUST, World};

/// One of each kind of record, with all that it can hold.
fn full() -> World {
    let mut world = World::new();
    let entropy = world.entropy();
    let tags = [Tag { key: "Team".into(), value: "red".into() }];
    let new = NewUser { name: "bob", path: Some("/x/"), tags: &tags, boundary: Some(ADMIN) };
    let outcome = world.directory.create_user(&new, world.now_s, &entropy);
    world.keep(outcome).unwrap();
    world.group("team");
    let outcome = world.directory.add_user_to_group("team", "bob");
    world.keep(outcome).unwrap();
    let allow = r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#;
    world.inline(EntityKind::User, "bob", allow);
    world.attach(EntityKind::Group, "team", READER);
    world.policy("p", allow);
    let trust = TRUST.replace("\"123456789012\"", "\"arn:aws:iam::123456789012:user/x/bob\"");
    let arn = world.role("ops", &trust);
    let key = world.key("bob").key.id;
    let change = world.directory.note_use(&key, "mq", "eu-west-1", world.now_s).unwrap();
    world.take(&[change]);
    let bob = world.directory.find_key(&key).unwrap().principal;
    let request =
        AssumeRole { role_arn: &arn, session_name: "s1", policy_arns: &[READER], ..AssumeRole::default() };
    world.assume(&bob, &request).unwrap();
    let entropy = world.entropy();
    let outcome = world.directory.get_session_token(&bob, None, world.now_s, &entropy);
    world.keep(outcome).unwrap();
    let second = world.key("bob").key.id;
    let outcome = world.directory.update_access_key("bob", &second, KeyStatus::Inactive);
    world.keep(outcome).unwrap();
    world
}

#[test]
fn each_record_is_read_whole_or_not_at_all() {
    let world = full();
    let kinds: std::collections::BTreeSet<&str> =
        world.store.keys().map(|key| key.split('/').next().unwrap()).collect();
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["group", "key", "policy", "role", "session", "user"]);
    for (key, value) in &world.store {
        let load = |value: &[u8]| Directory::load(ACCOUNT, [(key.as_str(), value)]);
        load(value).unwrap();
        for len in 0..value.len() {
            assert!(load(&value[..len]).is_err(), "{key} {len}");
        }
        let mut longer = value.clone();
        longer.push(0);
        assert_eq!(load(&longer).unwrap_err(), LoadFault::Layout(key.clone()));
        let mut newer = value.clone();
        newer[0] = 2;
        assert_eq!(load(&newer).unwrap_err(), LoadFault::Layout(key.clone()));
        // Any other byte gives a record or a fault, never a panic.
        for at in 0..value.len() {
            for bit in 0..8 {
                let mut changed = value.clone();
                changed[at] ^= 1 << bit;
                let _ = load(&changed);
            }
        }
    }
}

/// The layout is a promise: these bytes were written by its first version.
#[test]
fn a_group_in_bytes() {
    let mut world = World::new();
    world.now_s = 0x0102_0304;
    world.group("g");
    let (key, value) = world.store.iter().next().unwrap();
    let id = key.strip_prefix("group/").unwrap();
    let mut expect = vec![1, 21, 0, 0, 0];
    expect.extend_from_slice(id.as_bytes());
    expect.extend_from_slice(&[1, 0, 0, 0, b'g', 1, 0, 0, 0, b'/']);
    expect.extend_from_slice(&[4, 3, 2, 1, 0, 0, 0, 0]);
    expect.extend_from_slice(&[0; 8]);
    assert_eq!(*value, expect);
}

#[test]
fn a_record_is_that_of_its_key_and_its_name_its_own() {
    let mut world = World::new();
    world.user("bob");
    let (key, value) = world.store.iter().next().map(|(key, value)| (key.clone(), value.clone())).unwrap();
    for other in ["user/AIDA", "group/x", "none/x", "user", ""] {
        let fault = Directory::load(ACCOUNT, [(other, value.as_slice())]).unwrap_err();
        assert_eq!(fault, LoadFault::Layout(other.to_owned()));
    }
    let unknown = Change::Delete { key: "none/x".into() };
    assert_eq!(world.directory.apply(&[unknown]), Err(LoadFault::Layout("none/x".into())));
    let mut second = World::new();
    second.entropy();
    second.user("BOB");
    let (other_key, other) = second.store.iter().next().unwrap();
    let records = [(key.as_str(), value.as_slice()), (other_key.as_str(), other.as_slice())];
    assert_eq!(Directory::load(ACCOUNT, records).unwrap_err(), LoadFault::Doubled(other_key.clone()));
}

#[test]
fn s11_no_change_shows_a_secret() {
    let mut world = World::new();
    world.user("bob");
    let entropy = world.entropy();
    let outcome = world.directory.create_access_key("bob", 0, &entropy).unwrap();
    let secret = String::from_utf8(outcome.answer.key.secret.expose().to_vec()).unwrap();
    let text = format!("{outcome:?} {:?}", world.directory);
    assert!(!text.contains(&secret), "{text}");
    world.take(&outcome.changes);
    assert!(!format!("{:?}", world.directory).contains(&secret));
}
