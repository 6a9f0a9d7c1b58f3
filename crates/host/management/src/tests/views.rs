//! What people look at: connections, channels, consumers, the node, health.

use serde_json::{Value as Json, json};
use ternmq_broker::{Alarm, ConsumeSpec};

use super::rig::{Rig, nothing, request};

#[tokio::test]
async fn connections_are_listed_and_closed() {
    let rig = Rig::new().await;
    let name = "127.0.0.1:40001 -> 127.0.0.1:5672";
    let path = "/api/connections/127.0.0.1%3A40001%20-%3E%20127.0.0.1%3A5672";
    let connection = rig.client("member", name).await;
    rig.client("admin", "of admin").await;
    let listed = rig.get("/api/connections?sort=name").await;
    assert_eq!(listed.as_array().unwrap().len(), 2);
    let shown = rig.get(path).await;
    for (field, expect) in [
        ("name", json!(name)),
        ("user", json!("member")),
        ("vhost", json!("/")),
        ("protocol", json!("AMQP 0-9-1")),
        ("peer_host", json!("127.0.0.1")),
        ("peer_port", json!(40001)),
        ("state", json!("running")),
        ("channels", json!(0)),
    ] {
        assert_eq!(shown[field], expect, "{field}");
    }
    let own = rig.ask("member", "GET", "/api/connections", &Json::Null).await.body;
    assert_eq!(own.as_array().unwrap().len(), 1, "others are not seen without monitoring");
    assert_eq!(rig.ask("member", "GET", "/api/connections/of%20admin", &Json::Null).await.status, 404);
    assert_eq!(rig.ask("member", "DELETE", "/api/connections/of%20admin", &Json::Null).await.status, 404);
    assert_eq!(rig.ask("monitor", "DELETE", "/api/connections/of%20admin", &Json::Null).await.status, 401);
    let mut close = request("admin", "DELETE", path, &Json::Null);
    close.headers_mut().insert("x-reason", "maintenance".parse().unwrap());
    assert_eq!(rig.send(close).await.status, 204);
    assert_eq!(*rig.shared.closed.lock().unwrap(), [(connection, "maintenance".into())]);
    rig.expect(404, "DELETE", path, Json::Null).await;
    rig.expect(204, "DELETE", "/api/connections/username/admin", Json::Null).await;
    assert_eq!(&*rig.shared.closed.lock().unwrap()[1].1, "Closed via management plugin");
    assert_eq!(rig.get("/api/vhosts/%2F/connections").await, json!([]));
}

#[tokio::test]
async fn channels_and_consumers_are_listed() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    let connection = rig.client("member", "c").await;
    rig.with(move |broker| {
        let session = broker.open_session(connection, 3).unwrap();
        let spec = ConsumeSpec {
            queue: "q",
            label: 9,
            window: Some(7),
            needs_settle: true,
            is_exclusive: false,
            priority: 0,
            is_preferred: false,
        };
        let consumer = broker.consume(session, &spec).unwrap();
        broker.start_consumer(consumer);
    })
    .await;
    let channel = &rig.get("/api/channels").await[0];
    assert_eq!(
        (&channel["name"], &channel["number"], &channel["consumer_count"]),
        (&json!("c (3)"), &json!(3), &json!(1))
    );
    assert_eq!(rig.get("/api/channels/c%20(3)").await["user"], "member");
    assert_eq!(rig.get("/api/connections/c/channels").await.as_array().unwrap().len(), 1);
    for path in ["/api/consumers", "/api/consumers/%2F"] {
        let consumer = &rig.get(path).await[0];
        assert_eq!(consumer["queue"], json!({ "name": "q", "vhost": "/" }));
        assert_eq!(consumer["prefetch_count"], 7);
        assert_eq!(consumer["channel_details"]["connection_name"], "c");
    }
    assert_eq!(rig.ask("stranger", "GET", "/api/consumers", &Json::Null).await.body, json!([]));
    assert_eq!(rig.ask("stranger", "GET", "/api/channels", &Json::Null).await.body, json!([]));
    assert_eq!(rig.get("/api/queues/%2F/q").await["consumer_details"].as_array().unwrap().len(), 1);
    rig.expect(400, "DELETE", "/api/queues/%2F/q?if-unused=true", Json::Null).await;
}

#[tokio::test]
async fn the_node_is_described() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    let overview = rig.get("/api/overview").await;
    assert_eq!((&overview["rabbitmq_version"], &overview["node"]), (&json!("3.13.7"), &json!("rabbit@test")));
    assert_eq!(overview["object_totals"]["queues"], 1);
    assert_eq!(overview["listeners"][0]["port"], 5672);
    let seen = rig.ask("stranger", "GET", "/api/overview", &Json::Null).await.body;
    assert_eq!(seen["object_totals"]["queues"], 0, "only own virtual hosts are counted");
    assert!(seen.get("listeners").is_none() && seen.get("message_stats").is_none());
    let nodes = rig.get("/api/nodes").await;
    assert_eq!(
        (&nodes[0]["name"], &nodes[0]["running"], &nodes[0]["mem_alarm"]),
        (&json!("rabbit@test"), &json!(true), &json!(false))
    );
    assert_eq!(rig.get("/api/nodes/rabbit%40test").await, nodes[0]);
    rig.expect(404, "GET", "/api/nodes/other", Json::Null).await;
    assert_eq!(rig.get("/api/cluster-name").await, json!({ "name": "test" }));
    assert_eq!(rig.get("/api/whoami").await, json!({ "name": "admin", "tags": ["administrator"] }));
}

#[tokio::test]
async fn health_is_told() {
    let rig = Rig::new().await;
    for path in [
        "alarms",
        "local-alarms",
        "virtual-hosts",
        "node-is-quorum-critical",
        "port-listener/5672",
        "protocol-listener/amqp",
        "protocol-listener/amqp0-9-1",
    ] {
        assert_eq!(rig.get(&format!("/api/health/checks/{path}")).await["status"], "ok", "{path}");
    }
    rig.with(|broker| broker.set_alarm(Alarm::Disk, true)).await;
    let got = rig.expect(503, "GET", "/api/health/checks/alarms", Json::Null).await;
    assert_eq!(got.body["alarms"], json!([{ "node": "rabbit@test", "resource": "disk" }]));
    let got = rig.expect(503, "GET", "/api/health/checks/port-listener/1", Json::Null).await;
    assert_eq!((&got.body["missing"], &got.body["ports"]), (&json!(1), &json!([5672])));
    let got = rig.expect(503, "GET", "/api/health/checks/protocol-listener/mqtt", Json::Null).await;
    assert_eq!(got.body["protocols"], json!(["amqp"]));
    rig.expect(400, "GET", "/api/health/checks/port-listener/70000", Json::Null).await;
    rig.expect(410, "GET", "/api/aliveness-test/%2F", Json::Null).await;
}

#[tokio::test]
async fn long_lists_come_in_pages() {
    let rig = Rig::new().await;
    for number in 0..7 {
        rig.expect(201, "PUT", &format!("/api/queues/%2F/q{number}"), nothing()).await;
    }
    let page = rig.get("/api/queues?page=2&page_size=3&name=%5Eq&use_regex=true&columns=name").await;
    assert_eq!(page["items"], json!([{ "name": "q3" }, { "name": "q4" }, { "name": "q5" }]));
    assert_eq!((&page["page_count"], &page["total_count"]), (&json!(3), &json!(7)));
    let got = rig.expect(400, "GET", "/api/queues?page=4&page_size=3", Json::Null).await;
    assert_eq!(got.body["error"], "page_out_of_range");
}
