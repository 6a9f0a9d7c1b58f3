//! Passwords, the memory of right ones, and the brake on wrong ones.
#![allow(clippy::unwrap_used)]

use std::{net::IpAddr, sync::Arc};

use ternmq_access::{
    Access, Admission, HashKind, ImportError, LoginThrottle, PasswordHash, Roles, SALT_BYTES, Secret,
    UserLimits, UserRecord, Verdict, VerifiedCredentials,
};

/// `test12` with salt 90 8d c6 0a, computed by another implementation.
const SHA256_OF_TEST12: &str = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
/// The same password and salt.
const SHA512_OF_TEST12: &str =
    "kI3GChuNuIYf8lRbCCxZjgjKwsY19ns6+uFO0zcXRBGA/XGJPYD8OWMy7EB8TaOmAzjP2azv84GbINYwX2cDWb4DHnc=";

/// `password` with salt `somesalt` at a quarter of a MiB: a test vector of the reference implementation.
const CHEAP_OF_PASSWORD: &str =
    "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";

fn user(password: Option<PasswordHash>) -> UserRecord {
    UserRecord {
        name: Arc::from("u"),
        password,
        scram: None,
        tags: vec![Arc::from("ops")],
        roles: Roles::NONE,
        groups: Vec::new(),
        limits: UserLimits::default(),
    }
}

fn verdict(access: &Access, name: &str, password: &str) -> Verdict {
    access.verifier_for(name).verify(&Secret::from(password)).unwrap()
}

fn make(password: &str) -> PasswordHash {
    PasswordHash::make(&Secret::from(password), &[7; SALT_BYTES]).unwrap()
}

#[test]
fn own_hashes_verify_and_come_back_from_text() {
    let hash = make("geheim");
    assert_eq!((hash.kind(), hash.needs_rehash()), (HashKind::Argon2id, false));
    let text = hash.to_text();
    assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$BwcHBwcHBwcHBwcHBwcHBw$"), "{text}");
    let mut access = Access::new();
    access.put_user(user(Some(PasswordHash::import(HashKind::Argon2id, &text).unwrap())));
    assert_eq!(verdict(&access, "u", "geheim"), Verdict::Accepted);
    assert_eq!(verdict(&access, "u", "Geheim"), Verdict::Refused);
}

#[test]
fn imported_hashes_verify_and_ask_to_be_replaced() {
    for (kind, text) in
        [(HashKind::SaltedSha256, SHA256_OF_TEST12), (HashKind::SaltedSha512, SHA512_OF_TEST12)]
    {
        let mut access = Access::new();
        let hash = PasswordHash::import(kind, text).unwrap();
        assert_eq!((hash.kind(), hash.to_text().as_str()), (kind, text));
        access.put_user(user(Some(hash)));
        let revision = access.user_revision("u").unwrap();
        assert_eq!(verdict(&access, "u", "test12"), Verdict::AcceptedNeedsRehash);
        assert!(verdict(&access, "u", "test12").needs_rehash());
        assert_eq!(verdict(&access, "u", "test13"), Verdict::Refused);
        assert!(!access.rehash("u", revision + 1, make("test12")), "the user has changed meanwhile");
        assert!(access.rehash("u", revision, make("test12")));
        assert_ne!(access.user_revision("u"), Some(revision));
        assert_eq!(verdict(&access, "u", "test12"), Verdict::Accepted);
    }
}

#[test]
fn an_argon2id_hash_of_another_cost_verifies_and_asks_to_be_replaced() {
    let cheap = PasswordHash::import(HashKind::Argon2id, CHEAP_OF_PASSWORD).unwrap();
    assert!(cheap.needs_rehash());
    let mut access = Access::new();
    access.put_user(user(Some(cheap)));
    assert_eq!(verdict(&access, "u", "password"), Verdict::AcceptedNeedsRehash);
    assert_eq!(verdict(&access, "u", "other"), Verdict::Refused);
}

#[test]
fn hashes_that_are_none_are_refused() {
    let check = |kind: HashKind, text: &str| {
        assert_eq!(PasswordHash::import(kind, text), Err(ImportError::Malformed(kind)), "{text:?}");
    };
    check(HashKind::SaltedSha256, "");
    check(HashKind::SaltedSha256, "not base64!");
    check(HashKind::SaltedSha256, SHA512_OF_TEST12);
    check(HashKind::SaltedSha512, SHA256_OF_TEST12);
    check(HashKind::SaltedSha256, &SHA256_OF_TEST12[..44]);
    let digest = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for text in [
        "",
        "$argon2i$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=16$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        // Costs past the limit would be paid at every login.
        "$argon2id$v=19$m=262145,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=17,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=0,p=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=2,p=17$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=8,t=2,p=2$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=2$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=2,p=1,x=1$AAAAAAAAAAAAAAAAAAAAAA$",
        "$argon2id$v=19$m=19456,t=2,p=1$AAAA$",
    ] {
        check(HashKind::Argon2id, &format!("{text}{digest}"));
    }
    let whole = format!("$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA${digest}");
    assert!(PasswordHash::import(HashKind::Argon2id, &whole).is_ok());
    check(HashKind::Argon2id, &format!("{whole}$"));
    check(HashKind::Argon2id, &format!("{whole}="));
    let refused = PasswordHash::import(HashKind::SaltedMd5, "anything").unwrap_err();
    assert_eq!(refused, ImportError::BrokenHash);
    assert!(refused.to_string().contains("MD5"));
}

#[test]
fn s2_nobody_gets_in_without_a_password_that_was_set() {
    let mut access = Access::new();
    assert_eq!(verdict(&access, "unknown", "any"), Verdict::Refused);
    access.put_user(user(None));
    assert_eq!(verdict(&access, "u", "any"), Verdict::Refused);
    assert_eq!(verdict(&access, "u", ""), Verdict::Refused);
    let long = "x".repeat(1_025);
    access.put_user(user(Some(make(&long))));
    assert_eq!(verdict(&access, "u", &long), Verdict::Refused);
    access.put_user(user(Some(make(&long[1..]))));
    assert_eq!(verdict(&access, "u", &long[1..]), Verdict::Accepted);
    access.put_user(user(Some(make(""))));
    assert_eq!(verdict(&access, "u", ""), Verdict::Refused);
}

#[test]
fn a_verifier_runs_on_another_thread() {
    let mut access = Access::new();
    access.put_user(user(Some(make("pw"))));
    let verifier = access.verifier_for("u");
    assert_eq!(Some(verifier.revision()), access.user_revision("u"));
    let verdict = std::thread::spawn(move || verifier.verify(&Secret::from("pw"))).join().unwrap();
    assert_eq!(verdict, Ok(Verdict::Accepted));
}

#[test]
fn s11_hashes_do_not_print_themselves() {
    let text = format!("{:?}", user(Some(make("pw"))));
    assert!(text.contains("PasswordHash(Argon2id)") && !text.contains("$"), "{text}");
    assert!(Secret::from("a").is_same(b"a") && !Secret::from("a").is_same(b"b"));
}

#[test]
fn f15_a_right_password_is_remembered_for_ten_minutes_and_for_one_revision() {
    let mut memory = VerifiedCredentials::new(&[1; 32], 2);
    let (right, wrong) = (Secret::from("right"), Secret::from("wrong"));
    let end = VerifiedCredentials::LIFETIME_MS;
    assert!(!memory.is_verified("u", 5, &right, 0));
    memory.remember("u", 5, &right, 0);
    assert!(memory.is_verified("u", 5, &right, end - 1));
    assert!(!memory.is_verified("u", 5, &right, end));
    assert!(!memory.is_verified("u", 6, &right, 1));
    assert!(!memory.is_verified("u", 5, &wrong, 1));
    assert!(!memory.is_verified("v", 5, &right, 1));
    memory.forget("u");
    assert!(!memory.is_verified("u", 5, &right, 1));
    assert!(memory.is_empty());
    // Bounded: what expires first goes, expired ones before others.
    memory.remember("a", 1, &right, 10);
    memory.remember("b", 1, &right, 5);
    memory.remember("c", 1, &right, 20);
    assert_eq!(memory.len(), 2);
    assert!(memory.is_verified("a", 1, &right, 30) && !memory.is_verified("b", 1, &right, 30));
    memory.remember("d", 1, &right, 20 + end);
    assert_eq!(memory.len(), 1);
}

#[test]
fn s2_after_ten_failures_in_a_minute_logins_wait() {
    let mut throttle = LoginThrottle::new(100);
    let here: IpAddr = "192.0.2.1".parse().unwrap();
    let there: IpAddr = "192.0.2.2".parse().unwrap();
    for failure in 0..LoginThrottle::FAILURES_MAX {
        assert_eq!(throttle.admit("u", here, 1_000), Admission::Admitted, "{failure}");
        throttle.on_failure("u", here, 1_000 + u64::from(failure));
    }
    let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
    for address in [here, mapped] {
        assert_eq!(throttle.admit("u", address, 2_000), Admission::Wait { wait_ms: 59_000 });
    }
    assert_eq!(throttle.admit("u", here, 60_999), Admission::Wait { wait_ms: 1 });
    assert_eq!(throttle.admit("u", here, 61_000), Admission::Admitted);
    assert_eq!(throttle.admit("u", there, 2_000), Admission::Admitted);
    assert_eq!(throttle.admit("v", here, 2_000), Admission::Admitted);
    throttle.on_failure("u", here, 61_000);
    assert_eq!(throttle.admit("u", here, 61_001), Admission::Admitted, "a new minute");
    throttle.on_success("u", here);
    assert!(throttle.is_empty());
}

#[test]
fn the_throttle_is_bounded_and_sees_through_long_names_and_many_addresses() {
    let mut throttle = LoginThrottle::new(3);
    let address = |text: &str| -> IpAddr { text.parse().unwrap() };
    for n in 0..10 {
        throttle.on_failure("u", address(&format!("2001:db8:0:1::{n}")), 0);
    }
    assert!(matches!(throttle.admit("u", address("2001:db8:0:1:ffff::1"), 0), Admission::Wait { .. }));
    assert_eq!(throttle.admit("u", address("2001:db8:0:2::1"), 0), Admission::Admitted);
    for n in 0..10 {
        throttle.on_failure(&format!("{}{n}", "x".repeat(255)), address("192.0.2.1"), 1);
    }
    assert_eq!(throttle.len(), 2);
    for n in 0..50 {
        throttle.on_failure(&format!("user {n}"), address("192.0.2.1"), 2);
    }
    assert_eq!(throttle.len(), 3);
    assert_eq!(throttle.admit("u", address("2001:db8:0:1::1"), 3), Admission::Admitted, "pushed out");
}
