//! Names that are one connection's alone.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{net::SocketAddr, sync::Arc};

use support::Rig;
use ternmq_access::PasswordHash;
use ternmq_broker::{
    ClientSpec, ConnectionId, ConnectionInfo, ConsumeSpec, Effect, Error, PermissionDefinition, QueueSpec,
    UserDefinition,
};

fn connect(rig: &mut Rig, user: &str) -> ConnectionId {
    let peer: SocketAddr = "192.0.2.1:99".parse().unwrap();
    let info = ConnectionInfo { peer: Some(peer), ..ConnectionInfo::default() };
    rig.broker.connect(&user.into(), "main", info).unwrap()
}

fn add_user(rig: &mut Rig, name: &str) {
    let password = None::<PasswordHash>;
    let _ = rig.broker.put_user(UserDefinition { name: name.into(), password, ..UserDefinition::default() });
    let all: Arc<str> = ".*".into();
    let permission = PermissionDefinition {
        user: name.into(),
        namespace: "main".into(),
        configure: all.clone(),
        write: all.clone(),
        read: all,
    };
    let _ = rig.broker.put_permission(permission).unwrap();
}

#[test]
fn a_name_that_is_claimed_is_nobody_elses_until_its_connection_is_gone() {
    let mut rig = Rig::new();
    let (first, second) = (connect(&mut rig, "root"), connect(&mut rig, "root"));
    let (a, b) = ("a".into(), "b".into());
    assert_eq!(rig.broker.claim_name(first, &a), Ok(()));
    assert_eq!(rig.broker.claim_name(first, &a), Ok(()));
    assert!(matches!(rig.broker.claim_name(second, &a), Err(Error::NameTaken { .. })));
    assert_eq!(rig.broker.claim_name(second, &b), Ok(()));
    rig.broker.disconnect(first);
    assert_eq!(rig.broker.claim_name(second, &a), Ok(()));
    let third = connect(&mut rig, "root");
    assert_eq!(rig.broker.claim_name(third, &b), Ok(()), "another one was given up for it");
}

#[test]
fn a_clients_name_is_refused_with_where_the_other_one_came_from() {
    let mut rig = Rig::new();
    let (first, second) = (connect(&mut rig, "root"), connect(&mut rig, "root"));
    let name = "me".into();
    assert_eq!(rig.broker.name_client(first, &name, Some("1")), Ok(()));
    let peer = Some("192.0.2.1:99".parse().unwrap());
    let taken = Error::NameTaken { name: name.clone(), namespace: "main".into(), peer };
    assert_eq!(rig.broker.name_client(second, &name, Some("2")), Err(taken.clone()));
    assert_eq!(rig.broker.name_client(second, &name, None), Err(taken));
    rig.broker.disconnect(first);
    assert_eq!(rig.broker.name_client(second, &name, None), Ok(()));
}

#[test]
fn a_client_that_comes_again_finds_free_what_its_half_dead_connection_had() {
    let mut rig = Rig::new();
    add_user(&mut rig, "other");
    let (first, second, other) =
        (connect(&mut rig, "root"), connect(&mut rig, "root"), connect(&mut rig, "other"));
    let name = "me".into();
    rig.broker.name_client(first, &name, Some("1")).unwrap();
    let session = rig.broker.open_session(first, 1).unwrap();
    let own = QueueSpec { name: "own".into(), is_exclusive: true, ..QueueSpec::default() };
    let _ = rig.broker.declare_queue(session, own.clone()).unwrap();
    rig.queue("q", &[]);
    let consume = ConsumeSpec {
        queue: "q",
        label: 1,
        window: None,
        needs_settle: true,
        is_exclusive: true,
        priority: 0,
        is_preferred: false,
    };
    rig.broker.consume(session, &consume).unwrap();
    assert!(rig.broker.name_client(other, &name, Some("1")).is_err(), "of another user it is not the same");
    assert_eq!(rig.broker.name_client(second, &name, Some("1")), Ok(()));
    let is_told =
        |(id, effect): &(ConnectionId, Effect)| *id == first && matches!(effect, Effect::Close { .. });
    rig.turn();
    assert_eq!(rig.effects.iter().filter(|effect| is_told(effect)).count(), 1);
    let session = rig.broker.open_session(second, 1).unwrap();
    assert!(rig.broker.declare_queue(session, own).is_ok());
    assert!(rig.broker.consume(session, &consume).is_ok());
    // The adapter of the first one goes through with its end, and takes nothing from the second.
    rig.broker.disconnect(first);
    assert!(rig.broker.name_client(other, &name, None).is_err());
}

#[test]
fn a_client_that_is_kept_by_name_takes_it_from_another_protocol_of_its_user() {
    let mut rig = Rig::new();
    add_user(&mut rig, "other");
    let (first, second, other) =
        (connect(&mut rig, "root"), connect(&mut rig, "root"), connect(&mut rig, "other"));
    rig.broker.name_client(first, &"me".into(), Some("1")).unwrap();
    let spec = ClientSpec { name: "me", keep_ms: 0, is_fresh: true };
    let session = rig.broker.open_session(other, 1).unwrap();
    assert!(matches!(rig.broker.attach_client(session, &spec), Err(Error::Refused { .. })));
    let session = rig.broker.open_session(second, 1).unwrap();
    assert!(rig.broker.attach_client(session, &spec).is_ok());
    assert!(rig.broker.name_client(other, &"me".into(), None).is_err());
    rig.broker.disconnect(second);
    assert!(rig.broker.name_client(other, &"me".into(), None).is_ok());
}
