//! Who is let in (S14). The signature itself is tested where it is verified.

use serde_json::json;

use super::rig::{Rig, rabbitmq};

#[test]
fn a_call_without_a_whole_signature_changes_nothing() {
    let rig = Rig::new();
    let body = rabbitmq("orders").to_string();
    let good = rig.sign("POST", "/v1/brokers", "", &body);
    let mut unsigned = good.clone();
    unsigned.headers.retain(|(name, _)| name != "authorization");
    let mut tampered = good.clone();
    tampered.body = rabbitmq("other").to_string().into_bytes();
    for (request, code) in
        [(unsigned, "MissingAuthenticationTokenException"), (tampered, "InvalidSignatureException")]
    {
        let answer = rig.send(&request);
        assert_eq!((answer.status, answer.error.as_str()), (403, code));
    }
    rig.clock.advance_ms(301_000);
    assert_eq!(rig.send(&good).error, "InvalidSignatureException");
    assert_eq!(rig.get("/v1/brokers").body["brokerSummaries"], json!([]));
}

#[test]
fn the_same_signature_gets_the_recorded_answer() {
    let rig = Rig::new();
    let request = rig.sign("POST", "/v1/brokers", "", &rabbitmq("orders").to_string());
    let (first, again) = (rig.send(&request), rig.send(&request));
    assert_eq!(crate::audit::verify(&rig.service.store).unwrap().entries, 2);
    assert_eq!((first.status, first.body.clone()), (200, again.body.clone()));
    assert_eq!(rig.get("/v1/brokers").body["brokerSummaries"].as_array().unwrap().len(), 1);
    // A refusal is repeated too, even when it would succeed now.
    let refused = rig.sign("POST", "/v1/brokers", "", &rabbitmq("orders").to_string());
    let conflict = rig.send(&refused);
    assert_eq!(conflict.status, 409);
    let id = first.body["brokerId"].as_str().unwrap();
    rig.call("DELETE", &format!("/v1/brokers/{id}"), &serde_json::Value::Null);
    rig.reconcile(id);
    assert_eq!(rig.send(&refused).status, 409);
}

#[test]
fn a_preflight_needs_no_signature() {
    let rig = Rig::new();
    let request =
        ternmq_api::Request { method: "OPTIONS".into(), path: "/v1/brokers".into(), ..Default::default() };
    assert_eq!(rig.send(&request).status, 200);
}

#[test]
fn answers_and_tokens_are_forgotten_when_nobody_can_ask_for_them() {
    let rig = Rig::new();
    let mut input = rabbitmq("orders");
    input["creatorRequestId"] = "token-1".into();
    let id = rig.broker(&input);
    let kept = |rig: &Rig| {
        let view = rig.service.store.view().unwrap();
        let answers = view.scan::<crate::records::Answered>("answered/", "", 100).unwrap().len();
        (answers, view.scan::<crate::records::CreatorToken>("token/", "", 100).unwrap().len())
    };
    rig.service.forget().unwrap();
    assert_eq!(kept(&rig), (1, 1));
    rig.clock.advance_ms(302_000);
    rig.service.forget().unwrap();
    assert_eq!(kept(&rig), (0, 1));
    rig.call("DELETE", &format!("/v1/brokers/{id}"), &serde_json::Value::Null);
    rig.reconcile(&id);
    rig.service.forget().unwrap();
    assert_eq!(kept(&rig).1, 1);
    rig.clock.advance_ms(7 * 24 * 3_600_000);
    rig.service.forget().unwrap();
    assert_eq!(kept(&rig), (0, 0));
}

#[test]
fn a_path_that_signing_would_shorten_is_refused() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    for path in
        [format!("/v1/brokers/{id}/users/.."), format!("/v1/brokers/./{id}"), format!("/v1//brokers/{id}")]
    {
        let answer = rig.call("DELETE", &path, &serde_json::Value::Null);
        assert_eq!((answer.status, answer.error.as_str()), (404, "UnknownOperationException"), "{path}");
    }
    assert_eq!(rig.state(&id), "RUNNING");
}
