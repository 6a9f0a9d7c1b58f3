//! A request, `METHOD TARGET`, headers, an empty line and a body: whose it says it is is read and verified at the time and
//! for the place that it names. A refusal is short and printable; who has no key learns no more than who has a wrong one.

#![no_main]

use libfuzzer_sys::fuzz_target;
use ternmq_fuzz as _;
use ternmq_identity::Secret;
use ternmq_identity::sigv4::{
    AuthFault, Claimed, KnownKey, Presented, Request, Rules, is_normal_path, query_pairs,
};

/// AWS's public example key, with which the seeds are signed.
const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
/// Longest sentence of ours around at most two texts of the request.
const MAX_MESSAGE_BYTES: usize = 512;

fuzz_target!(|input: &[u8]| {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().and_then(|line| line.split_once(' ')).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Vec<(&str, &str)> = lines.filter_map(|line| line.split_once(": ")).collect();
    let request = Request { method, path, query, headers: &headers, body: body.as_bytes() };
    let _ = (is_normal_path(path), query_pairs(query));
    let presented = match Presented::read(&request) {
        Ok(presented) => presented,
        Err(fault) => return check_message(&fault),
    };
    let scope = presented.scope();
    let rules =
        Rules { service: &scope.service, regions: &[&scope.region], now_s: presented.signed_at().unix_s() };
    let verify = |secret: &str| {
        let secret = Secret::from(secret);
        presented.verify(&request, Claimed::Known(KnownKey { secret: &secret, session: None }), &rules)
    };
    let unknown = presented.verify(&request, Claimed::Unknown, &rules).expect_err("nobody has no key");
    let wrong = verify("another").expect_err("it is not its key");
    // Up to the signature itself, an unknown key and a wrong one are told the same.
    assert!(
        unknown == wrong
            || (unknown == AuthFault::UnrecognizedClient && wrong.code() == "InvalidSignatureException")
    );
    check_message(&unknown);
    match verify(SECRET) {
        Ok(verified) => assert_eq!(verified.access_key_id(), presented.access_key_id()),
        Err(fault) => check_message(&fault),
    }
});

fn check_message(fault: &AuthFault) {
    let text = fault.to_string();
    assert!(text.len() <= MAX_MESSAGE_BYTES && !text.chars().any(char::is_control), "{text:?}");
}
