//! AWS's own vectors, and requests that botocore made.

use ternmq_identity::sigv4::{AuthFault, Form, Moment, Presented, Unproven, is_normal_path, sign};

use crate::requests::{Owned, read};

const SUITE: &str = include_str!("../data/sigv4_suite.txt");
const BOTOCORE: &str = include_str!("../data/sigv4_botocore.txt");

/// Cases whose session token was added after signing, which this front door does not take.
const UNSIGNED_TOKEN: [&str; 2] = ["post-sts-header-after-header", "post-sts-header-after-query"];

/// Signs the request again, from what of it was there before, and compares.
fn check_sign(case: &Owned, at: Moment) {
    let Some(authorization) = case.header("authorization") else { return };
    let presented = case.with(|request| Presented::read(request).unwrap());
    let mut unsigned = case.clone();
    for name in ["authorization", "x-amz-date", "x-amz-security-token"] {
        unsigned.remove(name);
    }
    // Whoever signed left out what was added later.
    unsigned.headers.retain(|(name, _)| presented.signed_headers().contains(&name.to_ascii_lowercase()));
    let mut credentials = case.credentials();
    credentials.access_key_id = presented.access_key_id().to_owned();
    let added =
        unsigned.with(|request| sign(request, &credentials, &case.region, &case.service, at)).unwrap();
    let (_, ours) = added.iter().find(|(name, _)| *name == "authorization").unwrap();
    assert_eq!(ours, authorization, "{}", case.name);
}

#[test]
fn t8_vectors_of_aws() {
    let at = Moment::parse("20150830T123600Z").unwrap();
    let cases = read(SUITE);
    assert_eq!(cases.len(), 62);
    for case in &cases {
        let answer = case.verify(at.unix_s());
        if UNSIGNED_TOKEN.contains(&case.name.as_str()) {
            assert!(matches!(answer, Err(AuthFault::InvalidSignature(_))), "{}: {answer:?}", case.name);
        } else {
            let verified = answer.unwrap_or_else(|fault| panic!("{}: {fault}", case.name));
            assert_eq!(verified.access_key_id(), "AKIDEXAMPLE");
            assert_eq!(verified.signed_at(), at);
            check_sign(case, at);
        }
    }
}

#[test]
fn t8_requests_of_botocore() {
    let at = Moment::parse("20261130T091542Z").unwrap();
    let cases = read(BOTOCORE);
    assert_eq!(cases.len(), 20);
    for case in &cases {
        let verified = case.verify(at.unix_s()).unwrap_or_else(|fault| panic!("{}: {fault}", case.name));
        assert_eq!(verified.scope().service, case.service);
        assert_eq!(verified.scope().region, case.region);
        check_sign(case, at);
    }
    let presigned = cases.iter().filter(|case| case.header("authorization").is_none());
    let forms: Vec<Form> =
        presigned.map(|case| case.with(|request| Presented::read(request).unwrap().form())).collect();
    assert_eq!(forms, [900, 900, 604_800].map(|expires_s| Form::Query { expires_s }));
}

/// botocore does not encode the user name `..`, so what it signs is another resource's path: such a path is not routed.
#[test]
fn a_path_with_dots_has_the_signature_of_another() {
    let cases = read(BOTOCORE);
    let dots = cases.iter().find(|case| case.name == "mq-dots").unwrap();
    assert!(!is_normal_path(&dots.path));
    let mut other = dots.clone();
    other.path = "/v1/brokers/b-1".to_owned();
    other.verify(Moment::parse("20261130T091542Z").unwrap().unix_s()).unwrap();
    assert!(cases.iter().filter(|case| case.name != "mq-dots").all(|case| is_normal_path(&case.path)));
}

/// The canonical path has the label of an ARN encoded twice: encoded once is another request.
#[test]
fn labels_are_encoded_twice() {
    let now_s = Moment::parse("20261130T091542Z").unwrap().unix_s();
    let mut case = read(BOTOCORE).into_iter().find(|case| case.name == "mq-create-tags").unwrap();
    assert!(case.path.contains("arn%3Aaws%3Amq%3A"));
    case.path = case.path.replace("%3A", ":");
    assert_eq!(case.verify(now_s), Err(Unproven::Mismatch.into()));
}
