//! Queues, exchanges and bindings from birth to death.

use std::sync::atomic::Ordering;

use serde_json::{Value as Json, json};
use ternmq_broker::{BranchId, Broker, ConnectionInfo, Publish};
use ternmq_message::{Message, MessageMeta};

use super::rig::{Rig, grant, nothing, request};

#[tokio::test]
async fn a_queue_lives() {
    let rig = Rig::new().await;
    let path = "/api/queues/%2F/orders%2Fnew";
    let body = json!({ "durable": true, "arguments": { "x-max-length": 10 } });
    rig.expect(201, "PUT", path, body.clone()).await;
    rig.expect(204, "PUT", path, body).await;
    let refused = rig.expect(400, "PUT", path, json!({ "durable": false })).await;
    assert!(
        refused.body["reason"].as_str().unwrap().starts_with("406 PRECONDITION_FAILED - inequivalent arg")
    );
    let queue = rig.get(path).await;
    for (field, expect) in [
        ("name", json!("orders/new")),
        ("vhost", json!("/")),
        ("type", json!("classic")),
        ("durable", json!(true)),
        ("exclusive", json!(false)),
        ("arguments", json!({ "x-max-length": 10 })),
        ("messages", json!(0)),
        ("node", json!("rabbit@test")),
        ("consumer_details", json!([])),
    ] {
        assert_eq!(queue[field], expect, "{field}");
    }
    assert_eq!(rig.get("/api/queues?columns=name").await, json!([{ "name": "orders/new" }]));
    rig.expect(204, "DELETE", &format!("{path}?if-unused=true&if-empty=true"), Json::Null).await;
    rig.expect(404, "GET", path, Json::Null).await;
    rig.expect(404, "DELETE", path, Json::Null).await;
    rig.expect(404, "DELETE", &format!("{path}/contents"), Json::Null).await;
}

#[tokio::test]
async fn queues_obey_the_permissions_of_who_asks() {
    let rig = Rig::new().await;
    rig.with(|broker| {
        let _ = broker
            .put_namespace(ternmq_broker::NamespaceRecord { name: "other".into(), ..Default::default() })
            .unwrap();
    })
    .await;
    // An administrator sees the virtual host but has no permissions there.
    let refused = rig.expect(401, "PUT", "/api/queues/other/q", nothing()).await;
    assert_eq!(refused.body["error"], "not_authorized");
    rig.with(|broker| grant(broker, "admin", "other")).await;
    rig.expect(201, "PUT", "/api/queues/other/q", nothing()).await;
    let refused = rig.ask("member", "GET", "/api/queues/other/q", &Json::Null).await;
    assert_eq!(refused.status, 401);
    assert_eq!(rig.ask("member", "GET", "/api/queues", &Json::Null).await.body, json!([]));
    assert_eq!(rig.ask("monitor", "GET", "/api/queues", &Json::Null).await.body[0]["vhost"], "other");
}

#[tokio::test]
async fn exchanges_live() {
    let rig = Rig::new().await;
    let path = "/api/exchanges/%2F/logs";
    rig.expect(400, "PUT", path, nothing()).await;
    rig.expect(400, "PUT", path, json!({ "type": "x-odd" })).await;
    rig.expect(201, "PUT", path, json!({ "type": "topic", "durable": true })).await;
    rig.expect(204, "PUT", path, json!({ "type": "topic" })).await;
    rig.expect(400, "PUT", path, json!({ "type": "fanout" })).await;
    assert_eq!(rig.get(path).await["type"], "topic");
    assert_eq!(rig.get("/api/exchanges/%2F/amq.default").await["name"], "");
    let names: Vec<String> = rig
        .get("/api/exchanges/%2F")
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|exchange| exchange["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(names.contains(&"amq.topic".to_owned()) && names.contains(&String::new()));
    rig.expect(400, "PUT", "/api/exchanges/%2F/amq.mine", json!({ "type": "topic" })).await;
    rig.expect(400, "DELETE", "/api/exchanges/%2F/amq.topic", Json::Null).await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    rig.expect(201, "POST", "/api/bindings/%2F/e/logs/q/q", json!({ "routing_key": "#" })).await;
    rig.expect(400, "DELETE", &format!("{path}?if-unused=true"), Json::Null).await;
    rig.expect(204, "DELETE", path, Json::Null).await;
    rig.expect(404, "DELETE", path, Json::Null).await;
}

#[tokio::test]
async fn bindings_are_found_by_their_key() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    rig.expect(201, "PUT", "/api/exchanges/%2F/x", json!({ "type": "headers" })).await;
    let base = "/api/bindings/%2F/e/x/q/q";
    for (body, key) in [
        (json!({}), Some("~")),
        (json!({ "routing_key": "plain" }), Some("plain")),
        (json!({ "routing_key": "a/b~c d" }), Some("a%2Fb%7Ec%20d")),
        (json!({ "routing_key": "k", "arguments": { "x-match": "all", "a": 1 } }), None),
        (json!({ "routing_key": "", "arguments": { "x-match": "any", "a": 1 } }), None),
    ] {
        let made = rig.expect(201, "POST", base, body.clone()).await;
        let location = made.headers["location"].to_str().unwrap().to_owned();
        let binding = rig.get(&location).await;
        assert_eq!(binding["destination"], "q", "{location}");
        assert_eq!(binding["routing_key"], body["routing_key"].as_str().unwrap_or_default());
        assert_eq!(binding["arguments"], body.get("arguments").cloned().unwrap_or(json!({})));
        if let Some(key) = key {
            assert_eq!(binding["properties_key"], key);
        }
        // A client may send the key as the list has it.
        let listed = format!("{base}/{}", binding["properties_key"].as_str().unwrap());
        assert_eq!(rig.get(&listed).await, binding);
        rig.expect(204, "DELETE", &location, Json::Null).await;
        rig.expect(404, "GET", &location, Json::Null).await;
    }
    assert_eq!(rig.get(base).await, json!([]));
}

#[tokio::test]
async fn bindings_are_listed_from_both_ends() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    for name in ["a", "b"] {
        rig.expect(201, "PUT", &format!("/api/exchanges/%2F/{name}"), json!({ "type": "fanout" })).await;
    }
    rig.expect(201, "POST", "/api/bindings/%2F/e/a/e/b", nothing()).await;
    rig.expect(201, "POST", "/api/bindings/%2F/e/b/q/q", nothing()).await;
    for (path, count) in [
        ("/api/bindings", 3),
        ("/api/bindings/%2F", 3),
        ("/api/queues/%2F/q/bindings", 2),
        ("/api/exchanges/%2F/a/bindings/source", 1),
        ("/api/exchanges/%2F/b/bindings/destination", 1),
        ("/api/exchanges/%2F/a/bindings/destination", 0),
        ("/api/exchanges/%2F/amq.default/bindings/source", 1),
        ("/api/bindings/%2F/e/a/e/b", 1),
    ] {
        assert_eq!(rig.get(path).await.as_array().unwrap().len(), count, "{path}");
    }
    rig.expect(404, "POST", "/api/bindings/%2F/e/none/q/q", nothing()).await;
    rig.expect(404, "POST", "/api/bindings/%2F/e/a/q/none", nothing()).await;
    rig.expect(204, "DELETE", "/api/bindings/%2F/e/a/e/b/~", Json::Null).await;
}

#[tokio::test]
async fn i10_a_change_is_answered_when_it_is_durable() {
    let rig = Rig::new().await;
    rig.expect(200, "GET", "/api/whoami", Json::Null).await;
    rig.shared.is_stalled.store(true, Ordering::SeqCst);
    let put = rig.router.clone();
    let task = tokio::spawn(async move {
        use tower::ServiceExt;
        put.oneshot(request("admin", "PUT", "/api/queues/%2F/q", &nothing())).await.unwrap().status()
    });
    while rig.with(|broker| broker.queue_view("/", "q").is_none()).await {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.get("/api/queues/%2F/q").await["name"], "q", "reads do not wait");
    assert!(!task.is_finished());
    rig.shared.is_stalled.store(false, Ordering::SeqCst);
    rig.with(|_| ()).await;
    assert_eq!(task.await.unwrap(), 201);
}

#[tokio::test]
async fn a_busy_node_says_so_at_once() {
    let rig = Rig::new().await;
    rig.shared.is_busy.store(true, Ordering::SeqCst);
    let got = rig.admin("GET", "/api/whoami", &Json::Null).await;
    assert_eq!((got.status.as_u16(), &got.body["error"]), (503, &json!("service_unavailable")));
}

#[tokio::test]
async fn a_transaction_in_doubt_is_listed_and_decided() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    for name in ["a", "b"] {
        rig.with(move |broker| prepare(broker, name)).await;
    }
    let all = rig.get("/api/transactions/%2F").await;
    assert_eq!(all, rig.get("/api/transactions").await);
    let ids: Vec<&str> = all.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["7:61:01", "7:62:01"]);
    for (field, expect) in
        [("vhost", json!("/")), ("user", json!("admin")), ("publishes", json!(1)), ("acknowledges", json!(0))]
    {
        assert_eq!(all[0][field], expect, "{field}");
    }
    let (first, second) = ("/api/transactions/%2F/7:61:01", "/api/transactions/%2F/7:62:01");
    rig.expect(400, "POST", first, json!({ "decision": "perhaps" })).await;
    rig.expect(400, "POST", "/api/transactions/%2F/first", json!({ "decision": "commit" })).await;
    rig.expect(404, "POST", "/api/transactions/%2F/7:63:01", json!({ "decision": "commit" })).await;
    rig.expect(404, "GET", "/api/transactions/none", Json::Null).await;
    let refused = rig.ask("monitor", "POST", first, &json!({ "decision": "commit" })).await;
    assert_eq!(refused.status, 401);
    rig.expect(204, "POST", first, json!({ "decision": "commit" })).await;
    rig.expect(204, "POST", second, json!({ "decision": "rollback" })).await;
    assert_eq!(rig.get("/api/transactions").await, json!([]));
    assert_eq!(rig.get("/api/queues/%2F/q").await["messages"], 1);
}

fn prepare(broker: &mut Broker, name: &str) {
    let connection = broker.connect(&"admin".into(), "/", ConnectionInfo::default()).unwrap();
    let session = broker.open_session(connection, 0).unwrap();
    let id = BranchId::new(7, name.as_bytes(), &[1]).unwrap();
    broker.begin_branch(session, &id).unwrap();
    let message = Message::new("", "q", b"", b"x", MessageMeta::default(), None).unwrap();
    let publish = Publish { message, extra_keys: &[], claimed_user: None };
    let _staged = broker.publish_in_branch(session, &id, publish, None).unwrap();
    let _done = broker.prepare_branch(session, &id).unwrap();
    broker.disconnect(connection);
}
