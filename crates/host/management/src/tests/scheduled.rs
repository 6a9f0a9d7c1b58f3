//! Messages that are sent later.

use serde_json::{Value as Json, json};
use ternmq_broker::{Broker, ConnectionInfo, Publish, Schedule};
use ternmq_message::{Message, MessageMeta};

use super::rig::Rig;

fn schedule(broker: &mut Broker, body: &str) {
    let connection = broker.connect(&"admin".into(), "/", ConnectionInfo::default()).unwrap();
    let session = broker.open_session(connection, 0).unwrap();
    let message = Message::new("", "q", b"", body.as_bytes(), MessageMeta::default(), None).unwrap();
    let publish = Publish { message, extra_keys: &[], claimed_user: None };
    let _done = broker.publish_later(session, publish, Schedule::after(3_600_000), None).unwrap();
    broker.disconnect(connection);
}

#[tokio::test]
async fn scheduled_messages_are_listed_and_taken_away() {
    let rig = Rig::new().await;
    assert_eq!(rig.get("/api/scheduled").await, json!([]));
    for body in ["a", "bc"] {
        rig.with(move |broker| schedule(broker, body)).await;
    }
    let all = rig.get("/api/scheduled").await;
    for (field, expect) in [
        ("vhost", json!("/")),
        ("exchange", json!("")),
        ("routing_key", json!("q")),
        ("user", json!("admin")),
        ("delay", json!(3_600_000)),
        ("repeats", json!(0)),
        ("cron", Json::Null),
        ("bytes", json!(1)),
    ] {
        assert_eq!(all[0][field], expect, "{field}");
    }
    let [first, second] = [0, 1].map(|at| all[at]["id"].as_str().unwrap().to_owned());
    let rest = rig.get(&format!("/api/scheduled?after={first}")).await;
    assert_eq!(rest, json!([all[1]]));
    rig.expect(400, "GET", "/api/scheduled?after=x", Json::Null).await;
    rig.expect(400, "DELETE", "/api/scheduled/x", Json::Null).await;
    rig.expect(404, "DELETE", "/api/scheduled/1", Json::Null).await;
    let path = format!("/api/scheduled/{first}");
    assert_eq!(rig.ask("monitor", "DELETE", &path, &Json::Null).await.status, 401);
    rig.expect(204, "DELETE", &path, Json::Null).await;
    rig.expect(404, "DELETE", &path, Json::Null).await;
    assert_eq!(rig.get("/api/scheduled").await[0]["id"], json!(second));
}
