//! Logins by challenge and proof: what is kept for them, how long, and that failures tell nothing and are counted (S2).

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{net::IpAddr, sync::Arc};

use support::Rig;
use ternmq_access::{HashKind, PasswordHash, Secret};
use ternmq_broker::{LoginRefused, LoginStep, OutsideAnswer, OutsideUser, OutsideUsers, UserDefinition};
use ternmq_transcripts::ScramClient;

/// `salt | SHA-256(salt | "secret")`, as another broker has it.
const IMPORTED: &str = "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz";

fn peer() -> Option<IpAddr> {
    Some("192.0.2.1".parse().unwrap())
}

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.broker.keep_scram();
    put(&mut rig, "ann", "secret");
    rig
}

/// Gives a user a password, as the management API does.
fn put(rig: &mut Rig, user: &str, password: &str) {
    let made = rig.broker.password_recipe(user).make(&password.into()).unwrap();
    let name = user.into();
    let definition =
        UserDefinition { name, password: Some(made.hash), scram: made.scram, ..UserDefinition::default() };
    let _ = rig.broker.put_user(definition);
}

/// Puts a user with the hash of another broker.
fn import(rig: &mut Rig, user: &str) {
    let hash = PasswordHash::import(HashKind::SaltedSha256, IMPORTED).ok();
    let definition = UserDefinition { name: user.into(), password: hash, ..UserDefinition::default() };
    let _ = rig.broker.put_user(definition);
}

fn prove(rig: &mut Rig, user: &str, password: &str) -> Result<Arc<str>, LoginRefused> {
    let (mut client, first) = ScramClient::begin(user);
    let (login, challenge) = rig.broker.begin_challenge(first.as_bytes(), peer())?;
    let last = client.prove(&challenge, password);
    let (user, signature) = rig.broker.finish_challenge(login, last.as_bytes(), peer())?;
    assert!(client.is_server(&signature));
    Ok(user)
}

/// Logs in by password.
fn log_in(rig: &mut Rig, user: &str, password: &str) -> Result<Arc<str>, LoginRefused> {
    match rig.broker.begin_login(user, password.into(), peer()) {
        LoginStep::Done(user) => Ok(user),
        LoginStep::Refused => Err(LoginRefused::Wrong),
        LoginStep::Verify(check) => {
            let result = check.run();
            rig.broker.finish_login(result)
        }
    }
}

fn salt(rig: &mut Rig, user: &str) -> String {
    let (_, first) = ScramClient::begin(user);
    let (_, challenge) = rig.broker.begin_challenge(first.as_bytes(), peer()).unwrap();
    challenge.split_once(",s=").unwrap().1.to_owned()
}

fn has_verifier(rig: &Rig, user: &str) -> bool {
    rig.broker.user_definition(user).unwrap().scram.is_some()
}

/// The same broker after a crash, with such logins possible or not.
fn restarted(rig: &Rig, keeps_scram: bool) -> Rig {
    let mut rig = Rig::over(rig.crashed_log(), false);
    if keeps_scram {
        rig.broker.keep_scram();
    }
    rig
}

#[test]
fn a_proof_lets_in_and_nothing_else_does() {
    let mut rig = rig();
    assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
    assert_eq!(prove(&mut rig, "ann", "wrong"), Err(LoginRefused::Wrong));
    assert_eq!(prove(&mut rig, "stranger", "secret"), Err(LoginRefused::Wrong));
    put(&mut rig, "ann", "another");
    assert_eq!(prove(&mut rig, "ann", "secret"), Err(LoginRefused::Wrong));
    assert_eq!(prove(&mut rig, "ann", "another"), Ok("ann".into()));
    // A proof of what was right when the challenge was made.
    let (mut client, first) = ScramClient::begin("ann");
    let (login, challenge) = rig.broker.begin_challenge(first.as_bytes(), peer()).unwrap();
    put(&mut rig, "ann", "secret");
    let last = client.prove(&challenge, "another");
    let answer = rig.broker.finish_challenge(login, last.as_bytes(), peer());
    assert_eq!(answer.unwrap_err(), LoginRefused::Wrong);
}

#[test]
fn without_the_operators_word_there_is_no_such_login_and_nothing_is_kept() {
    let mut rig = Rig::new();
    put(&mut rig, "ann", "secret");
    assert!(!has_verifier(&rig, "ann"));
    assert_eq!(prove(&mut rig, "ann", "secret"), Err(LoginRefused::Wrong));
}

#[test]
fn verifiers_and_salts_live_through_a_crash_and_a_checkpoint() {
    let mut rig = rig();
    let salts = [salt(&mut rig, "ann"), salt(&mut rig, "stranger")];
    rig.turn();
    for is_checkpointed in [false, true] {
        if is_checkpointed {
            rig.checkpoint_unread();
        }
        rig = restarted(&rig, true);
        rig.turn();
        assert_eq!([salt(&mut rig, "ann"), salt(&mut rig, "stranger")], salts, "a restart tells nothing");
        assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
    }
    // Without such logins the next checkpoint forgets the verifiers, and no salt changes.
    rig = restarted(&rig, false);
    assert!(!has_verifier(&rig, "ann"));
    rig.checkpoint_unread();
    rig = restarted(&rig, true);
    assert!(!has_verifier(&rig, "ann"));
    assert_eq!([salt(&mut rig, "ann"), salt(&mut rig, "stranger")], salts);
}

#[test]
fn the_same_hash_keeps_the_verifier_and_another_one_drops_it() {
    let mut rig = rig();
    let known = rig.broker.user_definition("ann").unwrap();
    let tags = vec!["admin".into()];
    let _ = rig.broker.put_user(UserDefinition { scram: None, tags, ..known.clone() });
    assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
    import(&mut rig, "ann");
    assert!(!has_verifier(&rig, "ann"));
    // What one broker gives another one takes.
    let _ = rig.broker.put_user(known.clone());
    assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
    let _ = rig.broker.put_user(UserDefinition { password: None, ..known });
    assert!(!has_verifier(&rig, "ann"));
}

#[test]
fn a_login_by_password_makes_the_verifier_that_is_missing() {
    let mut rig = rig();
    import(&mut rig, "bob");
    let before = salt(&mut rig, "bob");
    assert_eq!(prove(&mut rig, "bob", "secret"), Err(LoginRefused::Wrong));
    assert_eq!(log_in(&mut rig, "bob", "wrong"), Err(LoginRefused::Wrong));
    assert!(!has_verifier(&rig, "bob"));
    assert_eq!(log_in(&mut rig, "bob", "secret"), Ok("bob".into()));
    let made = rig.broker.user_definition("bob").unwrap();
    assert_eq!(made.password.as_ref().map(PasswordHash::kind), Some(HashKind::Argon2id));
    assert_eq!(prove(&mut rig, "bob", "secret"), Ok("bob".into()));
    assert_eq!(salt(&mut rig, "bob"), before, "nobody sees that it was made");
    assert_eq!(log_in(&mut rig, "bob", "secret"), Ok("bob".into()));
    assert_eq!(rig.broker.user_definition("bob").unwrap(), made);
}

#[test]
fn s2_failed_proofs_count_with_failed_passwords_and_hold_back_the_right_one() {
    let mut rig = rig();
    let (mut client, first) = ScramClient::begin("ann");
    let (early, challenge) = rig.broker.begin_challenge(first.as_bytes(), peer()).unwrap();
    for user in ["ann", "stranger"] {
        for _ in 0..5 {
            assert_eq!(prove(&mut rig, user, "wrong"), Err(LoginRefused::Wrong));
            assert_eq!(log_in(&mut rig, user, "wrong"), Err(LoginRefused::Wrong));
        }
        assert!(rig.broker.begin_challenge(format!("n,,n={user},r=1").as_bytes(), peer()).is_err());
        assert!(matches!(rig.broker.begin_login(user, "secret".into(), peer()), LoginStep::Refused));
    }
    // A challenge from before that is of no use either.
    let last = client.prove(&challenge, "secret");
    assert!(rig.broker.finish_challenge(early, last.as_bytes(), peer()).is_err());
    let elsewhere = Some("192.0.2.2".parse().unwrap());
    assert!(rig.broker.begin_challenge(first.as_bytes(), elsewhere).is_ok());
    rig.advance(60_000);
    assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
    assert_eq!(rig.broker.take_incidents().len(), 25, "each refusal is told (S15)");
}

/// Knows everybody.
struct Outside;

impl OutsideUsers for Outside {
    fn log_in(&self, _: &str, _: &Secret) -> OutsideAnswer {
        OutsideAnswer::Known(OutsideUser { groups: Vec::new(), tags: Vec::new() })
    }
}

#[test]
fn users_from_outside_have_nothing_to_prove() {
    let mut rig = rig();
    rig.broker.set_outside_users(Arc::new(Outside));
    assert_eq!(log_in(&mut rig, "carl", "secret"), Ok("carl".into()));
    assert_eq!(prove(&mut rig, "carl", "secret"), Err(LoginRefused::Wrong));
    assert_eq!(prove(&mut rig, "ann", "secret"), Ok("ann".into()));
}
