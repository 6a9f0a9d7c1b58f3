//! Export and import.

use serde_json::{Value as Json, json};

use super::rig::{Rig, nothing};

async fn filled() -> Rig {
    let rig = Rig::new().await;
    for (method, path, body) in [
        ("PUT", "/api/vhosts/v", json!({ "description": "d" })),
        ("PUT", "/api/permissions/v/admin", json!({ "configure": ".*", "write": ".*", "read": ".*" })),
        (
            "PUT",
            "/api/topic-permissions/v/member",
            json!({ "exchange": "amq.topic", "write": "a", "read": "b" }),
        ),
        ("PUT", "/api/queues/v/q", json!({ "arguments": { "x-max-length": 5 } })),
        ("PUT", "/api/queues/v/passing", json!({ "durable": false })),
        ("PUT", "/api/exchanges/v/x", json!({ "type": "topic" })),
        ("POST", "/api/bindings/v/e/x/q/q", json!({ "routing_key": "a.#" })),
        ("POST", "/api/bindings/v/e/x/q/passing", json!({ "routing_key": "b" })),
        ("PUT", "/api/policies/v/p", json!({ "pattern": "", "definition": { "max-length": 9 } })),
        ("PUT", "/api/operator-policies/v/o", json!({ "pattern": "", "definition": { "max-length": 8 } })),
    ] {
        rig.expect(201, method, path, body).await;
    }
    rig.expect(204, "PUT", "/api/vhost-limits/v/max-queues", json!({ "value": 50 })).await;
    rig.expect(204, "PUT", "/api/user-limits/member/max-connections", json!({ "value": 4 })).await;
    rig
}

#[tokio::test]
async fn what_is_exported_can_be_imported() {
    let rig = filled().await;
    let file = rig.get("/api/definitions").await;
    assert_eq!(file["queues"].as_array().unwrap().len(), 1, "only what outlives a restart");
    assert_eq!(file["bindings"].as_array().unwrap().len(), 1);
    assert_eq!(file["exchanges"].as_array().unwrap().len(), 1, "what every virtual host has is left out");
    assert_eq!(file["users"].as_array().unwrap().len(), 6);
    let other = Rig::new().await;
    other.expect(204, "POST", "/api/definitions", file.clone()).await;
    assert_eq!(other.get("/api/definitions").await, file);
    other.expect(204, "POST", "/api/definitions", file.clone()).await;
    assert_eq!(other.get("/api/definitions").await, file, "once more changes nothing");
}

#[tokio::test]
async fn one_virtual_host_moves_to_another() {
    let rig = filled().await;
    let file = rig.get("/api/definitions/v").await;
    assert!(file.get("users").is_none() && file["queues"][0].get("vhost").is_none());
    rig.expect(204, "POST", "/api/definitions/%2F", file).await;
    assert_eq!(rig.get("/api/queues/%2F/q").await["arguments"], json!({ "x-max-length": 5 }));
    assert_eq!(rig.get("/api/policies/%2F/p").await["name"], "p");
    rig.expect(404, "GET", "/api/definitions/none", Json::Null).await;
}

#[tokio::test]
async fn a_wrong_file_changes_nothing() {
    let rig = Rig::new().await;
    for (file, place) in [
        (json!({ "queues": {} }), "\"queues\" must be a list"),
        (json!({ "vhosts": [{ "name": "v" }], "queues": [{ "name": "q" }] }), "queues, item 1"),
        (
            json!({ "vhosts": [{ "name": "v" }], "users": [{ "name": "u", "password_hash": "?" }] }),
            "users, item 1",
        ),
        (json!({ "vhosts": [{ "name": "v" }], "bindings": ["x"] }), "bindings, item 1"),
        (
            json!({ "vhosts": [{ "name": "v" }], "parameters": [{ "vhost": "v", "component": "shovel", "name": "s", "value": {} }] }),
            "component shovel not found",
        ),
    ] {
        let got = rig.expect(400, "POST", "/api/definitions", file).await;
        assert!(got.body["reason"].as_str().unwrap().contains(place), "{}", got.body);
        rig.expect(404, "GET", "/api/vhosts/v", Json::Null).await;
    }
    rig.expect(204, "POST", "/api/definitions", nothing()).await;
}

#[tokio::test]
async fn s5_importing_needs_permissions_where_it_declares() {
    let rig = Rig::new().await;
    let file = json!({ "vhosts": [{ "name": "v" }], "queues": [{ "name": "q", "vhost": "v" }] });
    let got = rig.expect(401, "POST", "/api/definitions", file.clone()).await;
    assert!(got.body["reason"].as_str().unwrap().contains("grant them"));
    rig.expect(201, "PUT", "/api/permissions/v/admin", json!({ "configure": ".*", "write": "", "read": "" }))
        .await;
    rig.expect(204, "POST", "/api/definitions", file).await;
}
