//! Users who are bound to grants.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use ternmq_access::{Act, Glob, GrantEffect, GrantKind, GrantNames, GrantRule, Grants};

use super::rig::Rig;

/// Binds a user to what these rules allow.
async fn bind(rig: &Rig, user: &'static str, rules: &[(Act, GrantKind, &str)]) {
    let rule = |(act, kind, pattern): &(Act, GrantKind, &str)| GrantRule {
        effect: GrantEffect::Allow,
        acts: [*act].into_iter().collect(),
        kinds: [*kind].into_iter().collect(),
        names: GrantNames::Only(vec![Glob::new(pattern).unwrap()]),
    };
    let grants = Grants::new(vec![rules.iter().map(rule).collect()]).unwrap();
    let wanted: BTreeMap<_, _> = [(user.into(), grants)].into_iter().collect();
    let _changed = rig.with(move |broker| broker.set_grants(&wanted).value).await;
}

async fn publish(rig: &Rig, exchange: &str, key: &str) -> u16 {
    let body = json!({ "properties": {}, "routing_key": key, "payload": "x", "payload_encoding": "string" });
    let path = format!("/api/exchanges/%2F/{exchange}/publish");
    rig.admin("POST", &path, &body).await.status.as_u16()
}

async fn get(rig: &Rig, queue: &str) -> u16 {
    let body = json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "auto" });
    rig.admin("POST", &format!("/api/queues/%2F/{queue}/get"), &body).await.status.as_u16()
}

#[tokio::test]
async fn s5_a_bound_user_has_messages_by_its_grants() {
    let rig = Rig::new().await;
    for queue in ["a", "b"] {
        rig.expect(201, "PUT", &format!("/api/queues/%2F/{queue}"), json!({})).await;
    }
    let manage = (Act::Manage, GrantKind::Broker, "*");
    let enter = (Act::Enter, GrantKind::Namespace, "%2F");
    let (send, receive) = ((Act::Send, GrantKind::Queue, "%2F/a"), (Act::Receive, GrantKind::Queue, "%2F/b"));
    bind(&rig, "admin", &[manage, enter, send, receive]).await;
    assert_eq!(publish(&rig, "amq.default", "a").await, 200);
    assert_eq!(publish(&rig, "amq.default", "b").await, 401);
    assert_eq!(publish(&rig, "amq.fanout", "a").await, 401);
    assert_eq!([get(&rig, "a").await, get(&rig, "b").await], [401, 200]);
    rig.expect(401, "DELETE", "/api/queues/%2F/a", Json::Null).await;
    rig.expect(401, "DELETE", "/api/queues/%2F/a/contents", Json::Null).await;
    bind(&rig, "admin", &[manage, send]).await;
    assert_eq!(publish(&rig, "amq.default", "a").await, 401);
    bind(&rig, "admin", &[enter, send]).await;
    let refused = rig.admin("GET", "/api/overview", &Json::Null).await;
    assert_eq!(refused.status.as_u16(), 401, "its role is not granted");
}

#[tokio::test]
async fn neither_a_new_user_of_the_name_nor_a_file_frees_anybody() {
    let rig = Rig::new().await;
    let file = rig.get("/api/definitions").await;
    bind(&rig, "member", &[]).await;
    assert_eq!(rig.get("/api/definitions").await, file, "a file has no grants");
    let member = "/api/users/member";
    let is_refused =
        async || rig.ask("member", "GET", "/api/overview", &Json::Null).await.status.as_u16() == 401;
    assert!(is_refused().await);
    rig.expect(204, "POST", "/api/definitions", file.clone()).await;
    assert!(is_refused().await);
    rig.expect(204, "DELETE", member, Json::Null).await;
    rig.expect(204, "POST", "/api/definitions", file).await;
    assert!(is_refused().await);
    rig.expect(
        204,
        "PUT",
        "/api/permissions/%2F/member",
        json!({ "configure": ".*", "write": ".*", "read": ".*" }),
    )
    .await;
    assert!(is_refused().await);
    let _changed = rig.with(|broker| broker.set_grants(&BTreeMap::new()).value).await;
    assert!(!is_refused().await);
}
