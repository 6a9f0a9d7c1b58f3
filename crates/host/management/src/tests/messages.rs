//! Publishing and fetching.

use serde_json::{Value as Json, json};

use super::rig::{Rig, nothing};

const PUBLISH: &str = "/api/exchanges/%2F/amq.default/publish";
const GET: &str = "/api/queues/%2F/q/get";

fn letter(payload: &str) -> Json {
    json!({ "properties": {}, "routing_key": "q", "payload": payload, "payload_encoding": "string" })
}

async fn rig(payloads: &[&str]) -> Rig {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    for payload in payloads {
        let got = rig.expect(200, "POST", PUBLISH, letter(payload)).await;
        assert_eq!(got.body, json!({ "routed": true }));
    }
    rig
}

async fn fetch(rig: &Rig, count: u32, mode: &str) -> Vec<(String, bool)> {
    let got =
        rig.expect(200, "POST", GET, json!({ "count": count, "ackmode": mode, "encoding": "auto" })).await;
    let items = got.body.as_array().unwrap();
    items
        .iter()
        .map(|item| (item["payload"].as_str().unwrap().to_owned(), item["redelivered"].as_bool().unwrap()))
        .collect()
}

#[tokio::test]
async fn fetched_messages_stay_or_go_as_asked() {
    let rig = rig(&["a", "b", "c"]).await;
    let plain = |payload: &str, is_again| (payload.to_owned(), is_again);
    assert_eq!(fetch(&rig, 2, "ack_requeue_true").await, [plain("a", false), plain("b", false)]);
    assert_eq!(fetch(&rig, 1, "reject_requeue_true").await, [plain("a", true)]);
    assert_eq!(fetch(&rig, 1, "ack_requeue_false").await, [plain("a", true)]);
    assert_eq!(fetch(&rig, 1, "reject_requeue_false").await, [plain("b", true)]);
    assert_eq!(fetch(&rig, 10, "ack_requeue_false").await, [plain("c", false)]);
    assert_eq!(fetch(&rig, 10, "ack_requeue_false").await, []);
    assert_eq!(rig.get("/api/queues/%2F/q").await["messages"], 0);
    assert_eq!(rig.get("/api/connections").await, json!([]));
    assert_eq!(rig.with(|broker| broker.totals().connections).await, 0, "sessions are given back");
}

#[tokio::test]
async fn properties_come_back() {
    let rig = rig(&[]).await;
    let properties = json!({
        "content_type": "text/plain", "delivery_mode": 2, "priority": 3, "correlation_id": "c", "reply_to": "r",
        "expiration": "60000", "message_id": "m", "timestamp": 7, "type": "t", "user_id": "admin", "app_id": "app",
        "headers": { "n": 1, "s": "x", "l": [true] },
    });
    let body = json!({ "properties": properties, "routing_key": "q", "payload": "/w==", "payload_encoding": "base64" });
    rig.expect(200, "POST", PUBLISH, body).await;
    assert_eq!(rig.get("/api/queues/%2F/q").await["messages_ready"], 1);
    let got = rig.expect(200, "POST", GET, json!({ "count": 1, "ackmode": "ack_requeue_false" })).await;
    let expect = json!([{
        "payload": "/w==", "payload_bytes": 1, "payload_encoding": "base64", "exchange": "", "routing_key": "q",
        "redelivered": false, "message_count": 0, "properties": properties,
    }]);
    assert_eq!(got.body, expect);
}

#[tokio::test]
async fn messages_go_where_their_keys_say() {
    let rig = rig(&[]).await;
    rig.expect(201, "PUT", "/api/queues/%2F/second", nothing()).await;
    let mut body = letter("x");
    body["routing_key"] = json!("nowhere");
    assert_eq!(rig.expect(200, "POST", PUBLISH, body.clone()).await.body, json!({ "routed": false }));
    body["properties"] = json!({ "headers": { "CC": ["q"], "BCC": ["second"] } });
    assert_eq!(rig.expect(200, "POST", PUBLISH, body).await.body, json!({ "routed": true }));
    let got = rig.expect(200, "POST", GET, json!({ "count": 1, "ackmode": "ack_requeue_false" })).await;
    assert_eq!(
        got.body[0]["properties"]["headers"],
        json!({ "CC": ["q"] }),
        "the blind copies are not shown"
    );
    assert_eq!(rig.get("/api/queues/%2F/second").await["messages_ready"], 1);
}

#[tokio::test]
async fn wrong_requests_are_refused() {
    let rig = rig(&[]).await;
    for body in [
        json!({ "payload": "x" }),
        json!({ "routing_key": "q" }),
        json!({ "routing_key": "q", "payload": "?", "payload_encoding": "base64" }),
        json!({ "routing_key": "q", "payload": "x", "payload_encoding": "utf-16" }),
        json!({ "routing_key": "q", "payload": "x", "properties": { "expiration": "soon" } }),
        json!({ "routing_key": "q", "payload": "x", "properties": { "priority": 256 } }),
        json!({ "routing_key": "q", "payload": "x", "properties": { "user_id": "somebody" } }),
        json!({ "routing_key": "q", "payload": "x", "properties": { "headers": { "CC": "q" } } }),
        json!({ "routing_key": "k".repeat(256), "payload": "x" }),
    ] {
        rig.expect(400, "POST", PUBLISH, body).await;
    }
    for body in [
        json!({ "count": 1 }),
        json!({ "ackmode": "ack_requeue_false" }),
        json!({ "count": 1001, "ackmode": "ack_requeue_false" }),
        json!({ "count": -1, "ackmode": "ack_requeue_false" }),
        json!({ "count": 1, "ackmode": "maybe" }),
        json!({ "count": 1, "ackmode": "ack_requeue_false", "encoding": "x" }),
        json!({ "count": 1, "ackmode": "ack_requeue_false", "truncate": -1 }),
    ] {
        rig.expect(400, "POST", GET, body).await;
    }
    rig.expect(404, "POST", "/api/exchanges/%2F/none/publish", letter("x")).await;
    let wish = json!({ "count": 1, "ackmode": "ack_requeue_false" });
    rig.expect(404, "POST", "/api/queues/%2F/none/get", wish).await;
}

#[tokio::test]
async fn bodies_are_cut_where_asked() {
    let rig = rig(&["0123456789"]).await;
    let got = rig
        .expect(200, "POST", GET, json!({ "count": 1, "ackmode": "ack_requeue_true", "truncate": 4 }))
        .await;
    assert_eq!((&got.body[0]["payload"], &got.body[0]["payload_bytes"]), (&json!("0123"), &json!(10)));
}

#[tokio::test]
async fn purging_empties_a_queue() {
    let rig = rig(&["a", "b"]).await;
    rig.expect(400, "DELETE", "/api/queues/%2F/q?if-empty=true", Json::Null).await;
    rig.expect(204, "DELETE", "/api/queues/%2F/q/contents", Json::Null).await;
    assert_eq!(rig.get("/api/queues/%2F/q").await["messages"], 0);
    rig.expect(204, "DELETE", "/api/queues/%2F/q?if-empty=true", Json::Null).await;
}

#[tokio::test]
async fn f4_publishers_here_are_held_back_too() {
    let rig = rig(&[]).await;
    rig.with(|broker| broker.set_alarm(ternmq_broker::Alarm::Memory, true)).await;
    let got = rig.expect(503, "POST", PUBLISH, letter("x")).await;
    assert_eq!(got.body["error"], "blocked");
}
