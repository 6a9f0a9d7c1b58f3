//! Export and import.

use serde_json::{Value as Json, json};

use super::rig::{Rig, nothing};
use crate::Definitions;

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

/// A name of `len` bytes, and what a refusal may show of it.
fn long_name(len: usize) -> (String, String) {
    let (head, mark) = if len <= 64 { (len, "") } else { (64, "...") };
    ("n".repeat(len), format!("{}{mark}", "n".repeat(head)))
}

#[tokio::test]
async fn b7_a_refusal_shows_at_most_64_escaped_bytes_of_a_name() {
    let rig = Rig::new().await;
    for len in [64, 65, 255] {
        let (name, shown) = long_name(len);
        for (file, expect) in [
            (
                json!({ "queues": [{ "name": "q", "vhost": name }] }),
                format!("there is no virtual host '{shown}'"),
            ),
            (
                json!({ "exchanges": [{ "name": "x", "vhost": "/", "type": name }] }),
                format!("there is no exchange type '{shown}'"),
            ),
            (
                json!({ "queues": [{ "name": name, "vhost": "/", "arguments": { "x-max-length": -1 } }] }),
                format!("invalid arg 'x-max-length' for queue '{shown}' in vhost '/'"),
            ),
            (
                json!({ "bindings": [{ "source": name, "vhost": "/", "destination": "q", "destination_type": "queue" }] }),
                format!("no exchange '{shown}' in vhost '/'"),
            ),
            (
                json!({ "policies": [{
                    "name": name, "vhost": "/", "pattern": format!("({name}"), "definition": { "max-length": 1 },
                }] }),
                format!("for policy '{shown}' in vhost '/': it is not a regular expression: unclosed group"),
            ),
            (
                json!({ "permissions": [{ "user": name, "vhost": "/", "configure": "", "write": "", "read": "" }] }),
                format!("'{shown}'"),
            ),
        ] {
            let got = rig.ask("admin", "POST", "/api/definitions", &file).await;
            let reason = got.body["reason"].as_str().unwrap_or_default();
            assert!(
                !got.status.is_success() && reason.contains(&expect),
                "{len}: {reason}\nexpected\n{expect}"
            );
            assert_eq!(
                apply(&rig, file).await.map_err(|problem| problem.contains(&expect)),
                Err(true),
                "{expect}"
            );
        }
    }
}

#[tokio::test]
async fn b7_control_characters_of_a_file_are_escaped() {
    let rig = Rig::new().await;
    let name = format!("a\r\n\u{1b}{}", "\0".repeat(40));
    for file in [
        json!({ "queues": [{ "name": "q", "vhost": name }] }),
        json!({ "vhosts": [{ "name": name }] }),
        json!({ "users": [{ "name": name, "password": "p" }] }),
        json!({ "exchanges": [{ "name": name, "vhost": "/", "type": "direct" }] }),
        json!({ "exchanges": [{ "name": "x", "vhost": "/", "type": name }] }),
        json!({ "queues": [{ "name": name, "vhost": "/" }] }),
        json!({ "parameters": [{ "component": name, "vhost": "/", "name": "p", "value": {} }] }),
    ] {
        let problem = apply(&rig, file).await.unwrap_err();
        assert!(problem.chars().all(|letter| !letter.is_control()), "{problem:?}");
        assert!(problem.matches("\\0").count() <= 30, "{problem}");
    }
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

#[tokio::test]
async fn what_exists_stays_as_it_is() {
    let rig = filled().await;
    let file = json!({
        "queues": [{ "name": "q", "vhost": "v", "arguments": { "x-max-length": 6 } }],
        "exchanges": [
            { "name": "x", "vhost": "v", "type": "fanout" },
            { "name": "amq.topic", "vhost": "v", "type": "topic", "durable": true },
        ],
    });
    rig.expect(204, "POST", "/api/definitions", file).await;
    assert_eq!(rig.get("/api/queues/v/q").await["arguments"], json!({ "x-max-length": 5 }));
    assert_eq!(rig.get("/api/exchanges/v/x").await["type"], "topic");
}

/// Applies a file as a node's own configuration does; answers the refusal.
async fn apply(rig: &Rig, file: Json) -> Result<(), String> {
    let definitions = Definitions::read(file.to_string().as_bytes())?;
    rig.with(move |broker| definitions.apply(broker)).await
}

#[tokio::test]
async fn the_node_imports_without_permissions_and_any_number_of_times() {
    let file = filled().await.get("/api/definitions").await;
    let rig = Rig::new().await;
    for _ in 0..2 {
        assert_eq!(apply(&rig, file.clone()).await, Ok(()));
        assert_eq!(rig.get("/api/definitions").await, file);
    }
    assert_eq!(rig.get("/api/connections").await, json!([]), "nothing of it stays connected");
    let nobody = json!({
        "vhosts": [{ "name": "w" }],
        "users": [{ "name": "plain", "password": super::rig::PASSWORD, "tags": "management" }],
        "queues": [{ "name": "q", "vhost": "w" }],
        "exchanges": [{ "name": "x", "vhost": "w", "type": "direct" }],
        "bindings": [{
            "source": "x", "vhost": "w", "destination": "q", "destination_type": "queue", "routing_key": "k",
        }],
        "parameters": [{ "vhost": "w", "component": "vhost-limits", "name": "limits", "value": { "max-connections": 0 } }],
    });
    for _ in 0..2 {
        assert_eq!(apply(&rig, nobody.clone()).await, Ok(()));
    }
    assert_eq!(rig.ask("plain", "GET", "/api/whoami", &Json::Null).await.status, 200);
    assert_eq!(rig.with(|broker| broker.binding_views("w").len()).await, 1);
    for (file, place) in [
        (json!({ "queues": [{ "name": "q", "vhost": "none" }] }), "there is no virtual host 'none'"),
        (json!({ "queues": 1 }), "\"queues\" must be a list"),
        (json!([]), "it must be a JSON object"),
    ] {
        let problem = apply(&rig, file).await.unwrap_err();
        assert!(problem.contains(place), "{problem}");
    }
}

#[tokio::test]
async fn a_guest_whom_everybody_can_be_is_warned_of() {
    // base64 of the salt 1, 2, 3, 4 and SHA-256 of salt and password, as RabbitMQ has it.
    let (of_guest, of_other) = (
        "AQIDBEMMOXwY6PKx/JKP9PAqfsb4ozuD0Ta3pxxa9gEYBMmD",
        "AQIDBPDDMmqGUjB9+1oUQzp0YtQ414UxrXs/ZrctR5MvFBR4",
    );
    let user = |name: &str, kind: &str, text: &str| json!({ "vhosts": [{ "name": "v" }], "users": [{ "name": name, kind: text, "tags": "" }] });
    for (file, is_warned) in [
        (user("guest", "password", "guest"), true),
        (user("guest", "password_hash", of_guest), true),
        (user("guest", "password", "another"), false),
        (user("guest", "password_hash", of_other), false),
        (user("guest", "password_hash", ""), false),
        (user("ghost", "password", "guest"), false),
        (user("ghost", "password_hash", of_guest), false),
    ] {
        let rig = Rig::new().await;
        let got = rig.expect(204, "POST", "/api/definitions", file.clone()).await;
        let warning = got.headers.get("ternmq-warning").map(|text| text.to_str().unwrap());
        assert_eq!(warning.is_some(), is_warned, "{file}");
        assert!(
            warning.is_none_or(|text| text.starts_with("user 'guest' of the definitions")),
            "{warning:?}"
        );
        let got = rig.expect(204, "POST", "/api/definitions/v", file.clone()).await;
        assert!(!got.headers.contains_key("ternmq-warning"), "one virtual host has no users: {file}");
    }
}
