//! Looking at messages.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::http::StatusCode;
use serde_json::{Value as Json, json};
use tokio::task::JoinSet;

use super::rig::{Rig, nothing};

const PUBLISH: &str = "/api/exchanges/%2F/amq.default/publish";
const LOOK: &str = "/api/queues/%2F/q/messages";

async fn rig(payloads: &[&str]) -> Rig {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    for payload in payloads {
        let body =
            json!({ "properties": {}, "routing_key": "q", "payload": payload, "payload_encoding": "string" });
        rig.expect(200, "POST", PUBLISH, body).await;
    }
    rig
}

fn payloads(page: &Json) -> Vec<&str> {
    page["messages"].as_array().unwrap().iter().map(|it| it["payload"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn a_look_takes_nothing_and_goes_on_where_it_ended() {
    let rig = rig(&["a", "bcd", "e"]).await;
    let first = rig.get(LOOK).await;
    assert_eq!(
        first["messages"],
        json!([{
            "payload": "a", "payload_bytes": 1, "payload_encoding": "string", "exchange": "", "routing_key": "q",
            "redelivered": false, "properties": { "delivery_mode": 1 }, "place": first["next"],
        }])
    );
    let next = first["next"].as_str().unwrap();
    let rest = rig.get(&format!("{LOOK}?count=10&after={next}&truncate=2")).await;
    assert_eq!(
        (payloads(&rest), &rest["next"], &rest["unreadable"]),
        (vec!["bc", "e"], &Json::Null, &json!(0))
    );
    assert_eq!(payloads(&rig.get(&format!("{LOOK}?encoding=base64")).await), ["YQ=="]);
    let queue = rig.get("/api/queues/%2F/q").await;
    assert_eq!((&queue["messages_ready"], &queue["messages_unacknowledged"]), (&json!(3), &json!(0)));
    let body = json!({ "count": 3, "ackmode": "ack_requeue_false" });
    let got = rig.expect(200, "POST", "/api/queues/%2F/q/get", body).await.body;
    assert!(got.as_array().unwrap().iter().all(|message| message["redelivered"] == false), "{got}");
}

#[tokio::test]
async fn wrong_looks_are_refused() {
    let rig = rig(&[]).await;
    for query in ["count=0", "count=1001", "count=x", "after=3", "after=256-1", "encoding=x", "truncate=-1"] {
        let got = rig.admin("GET", &format!("{LOOK}?{query}"), &nothing()).await;
        assert_eq!(
            (got.status, &got.body["error"]),
            (StatusCode::BAD_REQUEST, &json!("bad_request")),
            "{query}"
        );
    }
    assert_eq!(rig.admin("GET", "/api/queues/%2F/none/messages", &nothing()).await.status, 404);
    let permission = json!({ "configure": ".*", "write": ".*", "read": "" });
    rig.expect(204, "PUT", "/api/permissions/%2F/member", permission).await;
    assert_eq!(rig.ask("member", "GET", LOOK, &nothing()).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn f15_too_many_looks_at_once_are_refused_and_what_is_not_there_is_counted() {
    let rig = Arc::new(rig(&[]).await);
    // So many that some are in the log only, which is not durable yet.
    rig.shared.is_stalled.store(true, Ordering::SeqCst);
    let big = "x".repeat(900 << 10);
    for _ in 0..12 {
        let body =
            json!({ "properties": {}, "routing_key": "q", "payload": big, "payload_encoding": "string" });
        rig.expect(200, "POST", PUBLISH, body).await;
    }
    let path = format!("{LOOK}?count=20&truncate=1");
    let mut looks = JoinSet::new();
    for _ in 0..5 {
        let (rig, path) = (rig.clone(), path.clone());
        looks.spawn(async move { rig.admin("GET", &path, &Json::Null).await });
    }
    let refused = looks.join_next().await.unwrap().unwrap();
    assert_eq!(refused.status, StatusCode::SERVICE_UNAVAILABLE, "the others wait for the log");
    rig.shared.is_stalled.store(false, Ordering::SeqCst);
    rig.with(|_| ()).await;
    for got in looks.join_all().await {
        let shown = payloads(&got.body).len() as u64;
        assert!(shown >= 4 && shown + got.body["unreadable"].as_u64().unwrap() == 12, "{shown}");
    }
}
