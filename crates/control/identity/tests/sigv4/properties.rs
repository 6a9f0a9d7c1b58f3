//! What holds for any request.

use proptest::prelude::*;
use ternmq_identity::sigv4::{
    AuthFault, Claimed, KnownKey, Moment, Presented, Request, Rules, Unproven, query_pairs, sign,
};
use ternmq_identity::{Credentials, Secret};

use crate::requests::Owned;

const NOW_S: i64 = 1_796_030_142;

fn requests() -> impl Strategy<Value = Owned> {
    let path = prop_oneof!["(/[a-z0-9%:. +~_-]{0,8}){0,6}/?", "/\\PC{0,20}"];
    let query = prop_oneof!["([a-zA-Z0-9%+._~ä-]{0,6}(=[a-zA-Z0-9%+/=]{0,6})?&?){0,8}", "[^#\\r\\n]{0,30}"];
    let header = ("[a-zA-Z][a-zA-Z0-9-]{0,12}", "[ -~äß\\t]{0,20}");
    let headers = prop::collection::vec(header, 0..8);
    let body = prop::collection::vec(any::<u8>(), 0..64);
    let method = prop_oneof!["GET", "POST", "DELETE", "[A-Z]{1,8}"];
    let token = prop::option::of("[!-~]{1,40}");
    (method, path, query, headers, body, token).prop_map(|(method, path, query, mut headers, body, token)| {
        headers.retain(|(name, _)| {
            let name = name.to_ascii_lowercase();
            name != "host" && name != "authorization" && !name.starts_with("x-amz")
        });
        headers.push(("Host".into(), "127.0.0.1:4580".into()));
        Owned {
            name: String::new(),
            region: "eu-central-1".into(),
            service: "mq".into(),
            method,
            path,
            query,
            headers,
            token,
            body,
        }
    })
}

fn signed(request: &Owned) -> Owned {
    let at = Moment::from_unix_s(NOW_S);
    let added = request
        .with(|parts| sign(parts, &request.credentials(), &request.region, &request.service, at))
        .unwrap();
    let mut signed = request.clone();
    signed.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    signed
}

proptest! {
    #[test]
    fn what_is_signed_is_verified(request in requests()) {
        let query = query_pairs(&request.query);
        prop_assume!(!query.iter().any(|(name, _)| name.to_ascii_lowercase().starts_with(b"x-amz-")));
        let signed = signed(&request);
        prop_assert!(signed.verify(NOW_S).is_ok(), "{:?}", signed.verify(NOW_S));
        let mut other = signed.clone();
        other.body.push(b'x');
        prop_assert_eq!(other.verify(NOW_S), Err(Unproven::Mismatch.into()));
        let mut other = signed.clone();
        other.path.push_str("/x");
        prop_assert_eq!(other.verify(NOW_S), Err(Unproven::Mismatch.into()));
        let mut other = signed;
        other.query.push_str("&x");
        prop_assert_eq!(other.verify(NOW_S), Err(Unproven::Mismatch.into()));
    }

    #[test]
    fn another_key_verifies_nothing(request in requests(), secret in "[ -~]{0,60}") {
        prop_assume!(secret != crate::requests::SECRET);
        let signed = signed(&request);
        let secret = Secret::from(secret.as_str());
        let claimed = Claimed::Known(KnownKey { secret: &secret, session: None });
        prop_assert!(signed.verify_for(claimed, NOW_S).is_err());
    }

    #[test]
    fn nothing_that_comes_in_panics(
        method in ".*", path in ".*", query in ".*",
        authorization in prop_oneof![".*", "AWS4-HMAC-SHA256 .*", "AWS4-HMAC-SHA256 Credential=[^,]{0,40}, SignedHeaders=[^,]{0,40}, Signature=[0-9a-f]{64}"],
        date in prop_oneof![".*", "[0-9]{8}T[0-9]{6}Z"],
        body in prop::collection::vec(any::<u8>(), 0..64),
        now_s in any::<i64>(),
    ) {
        let headers = [("host", "a"), ("Authorization", authorization.as_str()), ("X-Amz-Date", date.as_str())];
        let request = Request { method: &method, path: &path, query: &query, headers: &headers, body: &body };
        let rules = Rules { service: "mq", regions: &["us-east-1"], now_s };
        let answer = Presented::read(&request)
            .and_then(|presented| presented.verify(&request, Claimed::Unknown, &rules));
        prop_assert!(answer.is_err());
    }

    #[test]
    fn any_query_is_read_as_something(
        pairs in prop::collection::vec(("X-Amz-(Algorithm|Credential|Date|Expires|SignedHeaders|Signature|Security-Token)", "[ -~]{0,20}"), 0..9),
    ) {
        let parts: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let query = parts.join("&");
        let request = Request { method: "GET", path: "/", query: &query, headers: &[("host", "a")], body: b"" };
        let fault = Presented::read(&request).err();
        prop_assert!(!matches!(fault, Some(AuthFault::InvalidSignature(_) | AuthFault::UnrecognizedClient)));
    }

    #[test]
    fn a_secret_of_any_length_signs(secret in prop::collection::vec(any::<u8>(), 0..300)) {
        let credentials =
            Credentials { access_key_id: "A".into(), secret: Secret::new(secret.clone()), session_token: None };
        let mut headers = vec![("host", "a")];
        let request = Request { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
        let added = sign(&request, &credentials, "r", "s", Moment::from_unix_s(NOW_S)).unwrap();
        headers.extend(added.iter().map(|(name, value)| (*name, value.as_str())));
        let request = Request { method: "GET", path: "/", query: "", headers: &headers, body: b"" };
        let secret = Secret::new(secret);
        let claimed = Claimed::Known(KnownKey { secret: &secret, session: None });
        let rules = Rules { service: "s", regions: &["r"], now_s: NOW_S };
        prop_assert!(Presented::read(&request).and_then(|it| it.verify(&request, claimed, &rules)).is_ok());
    }
}
