//! What is refused, and how.

use ternmq_identity::Secret;
use ternmq_identity::sigv4::{
    AuthFault, Claimed, Incomplete, KnownKey, Moment, Presented, Rules, Session, SignFault, Unproven, sign,
};

use crate::requests::{Owned, SECRET, read};

const BOTOCORE: &str = include_str!("../data/sigv4_botocore.txt");

fn case(name: &str) -> Owned {
    read(BOTOCORE).into_iter().find(|case| case.name == name).unwrap()
}

fn now_s() -> i64 {
    Moment::parse("20261130T091542Z").unwrap().unix_s()
}

fn known(secret: &Secret) -> Claimed<'_> {
    Claimed::Known(KnownKey { secret, session: None })
}

/// Changes a good request; it has to be refused so.
fn check(name: &str, change: impl FnOnce(&mut Owned), expect: impl Into<AuthFault>) {
    let mut case = case(name);
    assert!(case.verify(now_s()).is_ok(), "{name}");
    change(&mut case);
    assert_eq!(case.verify(now_s()), Err(expect.into()), "{case:?}");
}

fn replace(case: &mut Owned, header: &str, from: &str, to: &str) {
    let value = case.header(header).unwrap().to_owned();
    assert!(value.contains(from), "{value}");
    case.set(header, &value.replace(from, to));
}

fn authorization(case: &mut Owned, from: &str, to: &str) {
    replace(case, "authorization", from, to);
}

#[test]
fn s14_every_part_that_is_covered_counts() {
    let mismatch = || Unproven::Mismatch;
    check("mq-create-broker", |case| case.method = "PUT".into(), mismatch());
    check("mq-create-broker", |case| case.path = "/v1/configurations".into(), mismatch());
    check("mq-create-broker", |case| case.query = "a=1".into(), mismatch());
    check("mq-create-broker", |case| case.body.push(b' '), mismatch());
    check("mq-create-broker", |case| case.body.clear(), mismatch());
    check("mq-create-broker", |case| case.set("host", "127.0.0.1:4581"), mismatch());
    check("mq-create-broker", |case| case.set("content-type", "application/cbor"), mismatch());
    check("mq-create-broker", |case| case.remove("content-type"), mismatch());
    check("mq-create-broker", |case| case.headers.push(("Content-Type".into(), "a".into())), mismatch());
    check("mq-create-broker", |case| case.set("x-amz-date", "20261130T091543Z"), mismatch());
    check(
        "mq-list-brokers",
        |case| case.query = case.query.replace("maxResults=5", "maxResults=6"),
        mismatch(),
    );
    check("mq-delete-tags", |case| case.query.push_str("&tagKeys=b"), mismatch());
    check(
        "presigned-mq-list",
        |case| case.query = case.query.replace("maxResults=5", "maxResults=6"),
        mismatch(),
    );
    check("presigned-mq-list", |case| case.query = case.query.replace("604800", "604799"), mismatch());
    check("presigned-mq-list", |case| case.body.push(b'x'), mismatch());
    check("monitoring-get-metric-data", |case| replace(case, "x-amz-target", "Get", "Put"), mismatch());
}

/// Flips each bit of each digit of the signature.
#[test]
fn s14_no_other_signature_is_taken() {
    let case = case("mq-create-broker");
    let value = case.header("authorization").unwrap().to_owned();
    let start = value.len() - 64;
    for index in start..value.len() {
        for digit in "0123456789abcdef".chars().filter(|digit| !value[index..].starts_with(*digit)) {
            let mut other = case.clone();
            other.set("authorization", &format!("{}{digit}{}", &value[..index], &value[index + 1..]));
            assert_eq!(other.verify(now_s()), Err(Unproven::Mismatch.into()));
        }
    }
}

#[test]
fn s14_what_must_be_covered() {
    let unsigned = |name: &str| Unproven::Unsigned(name.to_owned());
    check("mq-create-broker", |case| authorization(case, ";host", ""), unsigned("Host"));
    check("mq-create-broker", |case| authorization(case, ";x-amz-date", ""), unsigned("X-Amz-Date"));
    check(
        "mq-session",
        |case| authorization(case, ";x-amz-security-token", ""),
        unsigned("x-amz-security-token"),
    );
    check("logs-describe", |case| authorization(case, ";x-amz-target", ""), unsigned("x-amz-target"));
    check("mq-create-broker", |case| case.set("X-Amz-Meta", "1"), unsigned("x-amz-meta"));
    check("presigned-sts", |case| case.set("X-Amz-Meta", "1"), unsigned("x-amz-meta"));
    check(
        "presigned-sts",
        |case| case.query = case.query.replace("SignedHeaders=host", "SignedHeaders=accept"),
        unsigned("Host"),
    );
    // What proxies add is free.
    let mut passed = case("mq-create-broker");
    passed.set("X-Amzn-Trace-Id", "Root=1");
    passed.set("X-Forwarded-For", "192.0.2.1");
    passed.set("User-Agent", "else");
    passed.verify(now_s()).unwrap();
}

#[test]
fn s14_the_window_is_five_minutes_each_way() {
    let case = case("mq-create-broker");
    for skew_s in [-300, -1, 0, 1, 300] {
        let verified = case.verify(now_s() + skew_s).unwrap_or_else(|fault| panic!("{skew_s}: {fault}"));
        assert_eq!(verified.last_taken_at().unix_s(), now_s() + 300);
    }
    assert_eq!(
        case.verify(now_s() + 301).unwrap_err().to_string(),
        "Signature expired: 20261130T091542Z is now earlier than 20261130T091543Z (20261130T092043Z - 5 min.)"
    );
    assert_eq!(
        case.verify(now_s() - 301).unwrap_err().to_string(),
        "Signature not yet current: 20261130T091542Z is still later than 20261130T091541Z (20261130T091041Z + 5 min.)"
    );
    for far in [i64::MIN, -1, 0, i64::MAX] {
        let Err(AuthFault::InvalidSignature(_)) = case.verify_for(Claimed::Unknown, far) else {
            panic!("{far}");
        };
    }
}

#[test]
fn s14_a_presigned_request_lives_as_long_as_it_says() {
    let case = case("presigned-mq-list");
    for after_s in [-300, 0, 604_800] {
        let verified = case.verify(now_s() + after_s).unwrap_or_else(|fault| panic!("{after_s}: {fault}"));
        assert_eq!(verified.last_taken_at().unix_s(), now_s() + 604_800);
    }
    assert_eq!(
        case.verify(now_s() + 604_801).unwrap_err().to_string(),
        "Signature expired: 20261207T091542Z is now earlier than 20261207T091543Z"
    );
    assert!(matches!(case.verify(now_s() - 301), Err(AuthFault::InvalidSignature(Unproven::Early { .. }))));
    for expires in ["0", "604801", "-1", "", "+1", "1e3", "99999999999999999999", "١"] {
        let change = |case: &mut Owned| {
            case.query = case
                .query
                .replace("X-Amz-Expires=604800", &format!("X-Amz-Expires={}", expires.replace('+', "%2B")));
        };
        check("presigned-mq-list", change, Incomplete::Expires);
    }
}

#[test]
fn s14_the_scope_is_exact() {
    let check_scope = |from: &str, to: &str, expect: &str| {
        let mut case = case("mq-create-broker");
        authorization(&mut case, from, to);
        let fault = case.verify(now_s()).unwrap_err();
        assert_eq!((fault.to_string().trim_end(), fault.code()), (expect, "InvalidSignatureException"));
    };
    check_scope("us-east-1", "us-east-2", "Credential should be scoped to a valid region, not 'us-east-2'.");
    check_scope("us-east-1", "US-EAST-1", "Credential should be scoped to a valid region, not 'US-EAST-1'.");
    check_scope("/mq/", "/iam/", "Credential should be scoped to correct service: 'mq'.");
    check_scope("/mq/", "//", "Credential should be scoped to correct service: 'mq'.");
    check_scope(
        "aws4_request",
        "aws3_request",
        "Credential should be scoped with a valid terminator: 'aws4_request', not 'aws3_request'.",
    );
    check_scope(
        "/20261130/",
        "/20261129/",
        "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: \
         '20261129' != '20261130', from '20261130T091542Z'.",
    );
}

#[test]
fn s14_authentication_data_given_twice_is_refused() {
    let repeated = Incomplete::Repeated;
    let again = |name: &'static str| {
        move |case: &mut Owned| {
            let value = case.header(name).unwrap().to_owned();
            case.headers.push((name.to_uppercase(), value));
        }
    };
    check("mq-create-broker", again("authorization"), repeated("Authorization"));
    check("mq-create-broker", again("x-amz-date"), repeated("X-Amz-Date"));
    check("mq-create-broker", again("host"), repeated("Host"));
    check("mq-session", again("x-amz-security-token"), repeated("X-Amz-Security-Token"));
    // The other form's data beside one's own.
    for parameter in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
        "x-amz-signature",
        "X-Amz-%53ignature",
    ] {
        let fault = {
            let mut case = case("mq-create-broker");
            case.query = format!("{parameter}=1");
            case.verify(now_s()).unwrap_err()
        };
        assert!(matches!(fault, AuthFault::IncompleteSignature(_)), "{parameter}: {fault}");
    }
    check(
        "presigned-sts",
        |case| case.set("Authorization", "AWS4-HMAC-SHA256 a=b"),
        repeated("Authorization"),
    );
    check("presigned-sts", |case| case.set("Authorization", "Basic YTpi"), repeated("Authorization"));
    check("presigned-sts", |case| case.set("X-Amz-Date", "20261130T091542Z"), repeated("X-Amz-Date"));
    check(
        "presigned-sts-session",
        |case| case.set("X-Amz-Security-Token", "a"),
        repeated("X-Amz-Security-Token"),
    );
    for name in [
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
        "X-Amz-Security-Token",
    ] {
        let twice = |case: &mut Owned| {
            let part = case.query.split('&').find(|part| part.starts_with(name)).unwrap().to_owned();
            case.query = format!("{}&{part}", case.query);
        };
        check("presigned-sts-session", twice, repeated(name));
        let other_case = |case: &mut Owned| case.query = format!("{}&{}=1", case.query, name.to_lowercase());
        check("presigned-sts-session", other_case, repeated(name));
        let missing = |case: &mut Owned| {
            let parts: Vec<&str> = case.query.split('&').filter(|part| !part.starts_with(name)).collect();
            case.query = parts.join("&");
        };
        if name == "X-Amz-Security-Token" {
            check("presigned-sts-session", missing, Unproven::Mismatch);
        } else {
            check("presigned-sts-session", missing, Incomplete::NoParameter(name));
        }
    }
}

#[test]
fn a_header_that_is_not_whole() {
    let set = |value: &'static str| move |case: &mut Owned| case.set("Authorization", value);
    let name = "mq-create-broker";
    check(name, |case| case.remove("authorization"), AuthFault::MissingAuthenticationToken);
    for value in ["", "Basic YTpi", "Bearer abc", "AWS AKID:sig", "aws4-hmac-sha256 Credential=a"] {
        check(name, set(value), AuthFault::MissingAuthenticationToken);
    }
    check(name, set("AWS4-HMAC-SHA512 a"), Incomplete::Algorithm("AWS4-HMAC-SHA512".into()));
    check(name, set("AWS4-HMAC-SHA256"), Incomplete::NoPart("Credential"));
    check(name, set("AWS4-HMAC-SHA256 Credential=a"), Incomplete::NoPart("SignedHeaders"));
    check(name, set("AWS4-HMAC-SHA256 Credential"), Incomplete::UnknownPart);
    check(name, set("AWS4-HMAC-SHA256 credential=a"), Incomplete::UnknownPart);
    check(name, |case| authorization(case, ", Signature", ", Signatures"), Incomplete::UnknownPart);
    check(
        name,
        |case| authorization(case, "Signature=", "Signature=0, Signature="),
        Incomplete::Repeated("Signature"),
    );
    check(
        name,
        |case| authorization(case, "Credential=", "Credential=a, Credential="),
        Incomplete::Repeated("Credential"),
    );
    check(name, |case| authorization(case, "/mq/", "/"), Incomplete::Credential);
    check(name, |case| authorization(case, "/mq/", "/mq/mq/"), Incomplete::Credential);
    check(name, |case| authorization(case, "AKIAIOSFODNN7EXAMPLE", ""), Incomplete::Credential);
    check(name, |case| authorization(case, "AKIA", "AK-A"), Incomplete::Credential);
    check(name, |case| authorization(case, "AKIAIOSFODNN7EXAMPLE", &"A".repeat(129)), Incomplete::Credential);
    for list in ["", ";", "host;", "host;content-type", "host;host", "Host;x-amz-date", "host;x y"] {
        check(
            name,
            |case| authorization(case, "content-type;host;x-amz-date", list),
            Incomplete::SignedHeaders,
        );
    }
    let many: Vec<String> = (100..=200).map(|number| format!("h{number}")).collect();
    check(name, |case| authorization(case, "content-type;host", &many.join(";")), Incomplete::SignedHeaders);
    check(name, |case| case.remove("x-amz-date"), Incomplete::NoDate);
    check(name, |case| case.set("x-amz-date", "2026-11-30"), Incomplete::Date("2026-11-30".into()));
    let upper = |case: &mut Owned| {
        let value = case.header("authorization").unwrap().to_owned();
        let (head, signature) = value.rsplit_once('=').unwrap();
        case.set("authorization", &format!("{head}={}", signature.to_uppercase()));
    };
    check(name, upper, Incomplete::Signature);
}

#[test]
fn separators_and_order_in_the_header_are_free() {
    for (from, to) in [(", ", ","), (", ", " , "), (", ", ",,")] {
        let mut case = case("mq-create-broker");
        authorization(&mut case, from, to);
        case.verify(now_s()).unwrap();
    }
    let mut case = case("mq-create-broker");
    let value = case.header("authorization").unwrap().strip_prefix("AWS4-HMAC-SHA256 ").unwrap().to_owned();
    let parts: Vec<&str> = value.rsplit(", ").collect();
    case.set("authorization", &format!("AWS4-HMAC-SHA256 {}", parts.join(", ")));
    case.verify(now_s()).unwrap();
}

#[test]
fn a_header_cut_anywhere_is_refused() {
    let case = case("mq-session");
    for name in ["authorization", "x-amz-date", "x-amz-security-token", "host"] {
        let value = case.header(name).unwrap().to_owned();
        for len in 0..value.len() {
            let mut cut = case.clone();
            cut.set(name, &value[..len]);
            assert!(cut.verify(now_s()).is_err(), "{name} {len}");
        }
    }
    let case = self::case("presigned-sts-session");
    for len in 0..case.query.len() {
        let mut cut = case.clone();
        cut.query.truncate(len);
        assert!(cut.verify(now_s()).is_err(), "query {len}");
    }
}

#[test]
fn s14_the_payload_hash_is_verified() {
    let signed = |declared: Option<&str>, body: &[u8]| {
        let mut case = Owned {
            region: "us-east-1".into(),
            service: "mq".into(),
            method: "POST".into(),
            path: "/v1/brokers".into(),
            headers: vec![("Host".into(), "mq".into())],
            body: body.to_vec(),
            ..Owned::default()
        };
        if let Some(declared) = declared {
            case.set("X-Amz-Content-Sha256", declared);
        }
        let at = Moment::from_unix_s(now_s());
        let added = case.with(|request| sign(request, &case.credentials(), "us-east-1", "mq", at));
        added.map(|added| {
            case.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
            case
        })
    };
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let good = signed(Some(empty), b"").unwrap();
    good.verify(now_s()).unwrap();
    for declared in [
        "",
        "UNSIGNED-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
        &empty.to_uppercase(),
    ] {
        assert_eq!(signed(Some(declared), b"").unwrap_err(), SignFault::PayloadHash);
        let mut other = good.clone();
        other.set("x-amz-content-sha256", declared);
        assert_eq!(other.verify(now_s()), Err(Unproven::Mismatch.into()), "{declared}");
    }
    let mut twice = good.clone();
    twice.headers.push(("x-amz-content-sha256".into(), empty.into()));
    assert_eq!(twice.verify(now_s()), Err(Incomplete::Repeated("X-Amz-Content-Sha256").into()));
    let mut other = good;
    other.body = b"x".to_vec();
    assert_eq!(other.verify(now_s()), Err(Unproven::Mismatch.into()));
}

#[test]
fn s14_an_unknown_key_gets_through_the_same_checks() {
    let check = |change: &dyn Fn(&mut Owned), expect: AuthFault| {
        let mut case = case("mq-create-broker");
        change(&mut case);
        assert_eq!(case.verify_for(Claimed::Unknown, now_s()), Err(expect));
    };
    check(&|_| {}, AuthFault::UnrecognizedClient);
    check(&|case| case.body.push(b'x'), AuthFault::UnrecognizedClient);
    check(&|case| authorization(case, "/mq/", "/iam/"), Unproven::Service("mq".into()).into());
    check(&|case| authorization(case, ";host", ""), Unproven::Unsigned("Host".into()).into());
    // Not even with the stand-in's own key.
    let mut case = case("mq-create-broker");
    for name in ["authorization", "x-amz-date"] {
        case.remove(name);
    }
    let mut credentials = case.credentials();
    credentials.secret = Secret::from("0000000000000000000000000000000000000000");
    let at = Moment::from_unix_s(now_s());
    let added = case.with(|request| sign(request, &credentials, "us-east-1", "mq", at)).unwrap();
    case.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value)));
    assert_eq!(case.verify_for(Claimed::Unknown, now_s()), Err(AuthFault::UnrecognizedClient));
}

#[test]
fn sessions_need_their_token_and_end() {
    let secret = Secret::from(SECRET);
    let case = case("mq-session");
    let token = Secret::from(case.token.as_deref().unwrap());
    let other = Secret::from("FwoGZXIvYXdzEXAMPLETOKEN//abc+def=!");
    let with = |token: &Secret, expires_at_s| {
        let session = Some(Session { token, expires_at_s });
        case.verify_for(Claimed::Known(KnownKey { secret: &secret, session }), now_s())
    };
    assert!(with(&token, now_s() + 1).is_ok());
    assert_eq!(with(&token, now_s()), Err(AuthFault::ExpiredToken));
    assert_eq!(with(&other, now_s() + 1), Err(AuthFault::UnrecognizedClient));
    // A token with a key that has none, and a temporary key without its token.
    assert_eq!(case.verify_for(known(&secret), now_s()), Err(AuthFault::UnrecognizedClient));
    let plain = self::case("mq-create-broker");
    let session = Some(Session { token: &token, expires_at_s: now_s() + 1 });
    let claimed = Claimed::Known(KnownKey { secret: &secret, session });
    assert_eq!(plain.verify_for(claimed, now_s()), Err(AuthFault::UnrecognizedClient));
    // Whoever has no key learns nothing of the session.
    let mut wrong = case.clone();
    wrong.body.push(b' ');
    let session = Some(Session { token: &token, expires_at_s: 0 });
    let claimed = Claimed::Known(KnownKey { secret: &secret, session });
    assert_eq!(wrong.verify_for(claimed, now_s()), Err(Unproven::Mismatch.into()));
}

#[test]
fn answers_have_their_codes() {
    let of = |fault: AuthFault| (fault.status(), fault.code(), fault.query_code(), fault.to_string());
    let text = |status, code: &'static str, query_code: &'static str, text: &str| {
        (status, code, query_code, text.to_owned())
    };
    assert_eq!(
        of(AuthFault::MissingAuthenticationToken),
        text(
            403,
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            "Missing Authentication Token"
        )
    );
    assert_eq!(
        of(Incomplete::NoPart("Credential").into()),
        text(
            400,
            "IncompleteSignatureException",
            "IncompleteSignature",
            "Authorization header requires 'Credential' parameter."
        )
    );
    assert_eq!(
        of(Unproven::Mismatch.into()),
        text(
            403,
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
             Access Key and signing method. Consult the service documentation for details."
        )
    );
    assert_eq!(
        of(AuthFault::UnrecognizedClient),
        text(
            403,
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "The security token included in the request is invalid."
        )
    );
    assert_eq!(
        of(AuthFault::ExpiredToken),
        text(
            403,
            "ExpiredTokenException",
            "ExpiredToken",
            "The security token included in the request is expired"
        )
    );
}

/// S11: what a stranger sent is cut and escaped, what is secret is not shown.
#[test]
fn s11_no_text_shows_a_secret() {
    let long = format!("20261130T091542Z\r\nSet-Cookie: a{}", "b".repeat(10_000));
    let mut case = case("mq-session");
    case.set("x-amz-date", &long);
    let text = case.verify(now_s()).unwrap_err().to_string();
    assert!(text.len() < 200 && !text.contains('\n'), "{text}");
    let case = self::case("mq-session");
    let shown =
        format!("{:?} {:?}", case.with(|request| Presented::read(request).unwrap()), case.credentials());
    assert!(!shown.contains(SECRET) && !shown.contains(case.token.as_deref().unwrap()), "{shown}");
    let signature = case.header("authorization").unwrap().rsplit_once('=').unwrap().1;
    let rules = Rules { service: "mq", regions: &["us-east-1"], now_s: now_s() };
    let fault = case.with(|request| {
        let presented = Presented::read(request).unwrap();
        presented.verify(request, known(&Secret::from("another")), &rules).unwrap_err()
    });
    assert!(!fault.to_string().contains(signature));
}

#[test]
fn what_cannot_be_signed() {
    let at = Moment::from_unix_s(now_s());
    let try_sign = |headers: &[(&str, &str)], token: Option<&str>| {
        let mut case = Owned { method: "GET".into(), path: "/".into(), ..Owned::default() };
        case.headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        case.token = token.map(str::to_owned);
        case.with(|request| sign(request, &case.credentials(), "us-east-1", "mq", at))
            .map(|added| added.len())
    };
    assert_eq!(try_sign(&[("host", "a")], None), Ok(2));
    assert_eq!(try_sign(&[("host", "a")], Some("t")), Ok(3));
    assert_eq!(try_sign(&[], None), Err(SignFault::Host));
    assert_eq!(try_sign(&[("host", "a"), ("Host", "a")], None), Err(SignFault::Host));
    assert_eq!(
        try_sign(&[("host", "a"), ("Authorization", "a")], None),
        Err(SignFault::AlreadySigned("authorization"))
    );
    assert_eq!(
        try_sign(&[("host", "a"), ("X-Amz-Date", "a")], None),
        Err(SignFault::AlreadySigned("x-amz-date"))
    );
    assert_eq!(try_sign(&[("host", "a"), ("a b", "a")], None), Err(SignFault::HeaderName));
    assert_eq!(try_sign(&[("host", "a")], Some("a b")), Err(SignFault::SessionToken));
    assert_eq!(try_sign(&[("host", "a")], Some("")), Err(SignFault::SessionToken));
}
