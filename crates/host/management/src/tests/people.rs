//! Virtual hosts, users, permissions, policies and limits.

use serde_json::{Value as Json, json};
use ternmq_broker::Broker;

use super::rig::{Rig, basic, nothing, request};

#[tokio::test]
async fn virtual_hosts_live() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/vhosts/v", json!({ "description": "d", "tags": "a,b" })).await;
    rig.expect(204, "PUT", "/api/vhost-limits/v/max-queues", json!({ "value": 5 })).await;
    rig.expect(204, "PUT", "/api/vhosts/v", Json::Null).await;
    let vhost = rig.get("/api/vhosts/v").await;
    assert_eq!(vhost["metadata"], json!({ "description": "d", "tags": ["a", "b"] }));
    assert_eq!(vhost["cluster_state"], json!({ "rabbit@test": "running" }));
    let limits = json!([{ "vhost": "v", "value": { "max-queues": 5 } }]);
    assert_eq!(rig.get("/api/vhost-limits/v").await, limits, "a change keeps the limits");
    assert_eq!(rig.get("/api/vhost-limits").await, limits);
    let parameter = json!([{ "vhost": "v", "component": "vhost-limits", "name": "limits", "value": { "max-queues": 5 } }]);
    assert_eq!(rig.get("/api/parameters").await, parameter);
    rig.expect(400, "PUT", "/api/vhosts/v", json!({ "default_queue_type": "stream" })).await;
    rig.expect(400, "PUT", "/api/vhosts/v", json!({ "tracing": true })).await;
    rig.expect(400, "PUT", "/api/vhost-limits/v/max-cats", json!({ "value": 5 })).await;
    rig.expect(204, "PUT", "/api/vhost-limits/v/max-queues", json!({ "value": -1 })).await;
    assert_eq!(rig.get("/api/vhost-limits").await, json!([]));
    rig.expect(204, "DELETE", "/api/vhosts/v", Json::Null).await;
    rig.expect(404, "GET", "/api/vhosts/v", Json::Null).await;
    rig.expect(404, "DELETE", "/api/vhosts/v", Json::Null).await;
    assert_eq!(rig.ask("stranger", "GET", "/api/vhosts", &Json::Null).await.body, json!([]));
}

#[tokio::test]
async fn users_live() {
    let rig = Rig::new().await;
    let path = "/api/users/new%20user";
    rig.expect(400, "PUT", path, json!({ "password": "secret" })).await;
    rig.expect(201, "PUT", path, json!({ "password": "secret", "tags": "management" })).await;
    rig.expect(204, "PUT", "/api/user-limits/new%20user/max-channels", json!({ "value": 3 })).await;
    let mut whoami = request("x", "GET", "/api/whoami", &Json::Null);
    whoami.headers_mut().insert("authorization", basic("new user", "secret").parse().unwrap());
    assert_eq!(rig.send(whoami).await.body, json!({ "name": "new user", "tags": ["management"] }));
    rig.expect(204, "PUT", path, json!({ "password": "secret", "tags": ["policymaker"] })).await;
    let user = rig.get(path).await;
    assert_eq!((&user["tags"], &user["limits"]), (&json!(["policymaker"]), &json!({ "max-channels": 3 })));
    assert_eq!(
        rig.get("/api/users/without-permissions?columns=name").await,
        json!([{ "name": "new user" }, { "name": "stranger" }])
    );
    assert_eq!(
        rig.get("/api/user-limits").await,
        json!([{ "user": "new user", "value": { "max-channels": 3 } }])
    );
    rig.expect(204, "DELETE", "/api/user-limits/new%20user/max-channels", Json::Null).await;
    rig.expect(204, "DELETE", path, Json::Null).await;
    rig.expect(404, "GET", path, Json::Null).await;
    rig.expect(204, "POST", "/api/users/bulk-delete", json!({ "users": ["member", "missing", "maker"] }))
        .await;
    assert_eq!(rig.get("/api/users").await.as_array().unwrap().len(), 4);
    rig.expect(400, "POST", "/api/users/bulk-delete", nothing()).await;
}

#[tokio::test]
async fn password_hashes_of_rabbitmq_are_taken() {
    let rig = Rig::new().await;
    // RabbitMQ's documentation gives this hash of "test12".
    let hash = "kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR";
    let body = json!({ "password_hash": hash, "hashing_algorithm": "rabbit_password_hashing_sha256", "tags": "management" });
    rig.expect(201, "PUT", "/api/users/hashed", body).await;
    assert_eq!(rig.get("/api/users/hashed").await["password_hash"], hash);
    let mut whoami = request("x", "GET", "/api/whoami", &Json::Null);
    whoami.headers_mut().insert("authorization", basic("hashed", "test12").parse().unwrap());
    assert_eq!(rig.send(whoami).await.status, 200);
    let algorithm = rig.get("/api/users/hashed").await["hashing_algorithm"].clone();
    assert_eq!(algorithm, "ternmq_password_hashing_argon2id", "S2: a weak hash is replaced at login");
    for body in [
        json!({ "password_hash": hash, "hashing_algorithm": "rabbit_password_hashing_md5", "tags": "" }),
        json!({ "password_hash": "short", "tags": "" }),
        json!({ "password_hash": hash, "hashing_algorithm": "plain", "tags": "" }),
        json!({ "password": "", "tags": "" }),
        json!({ "password": "x".repeat(1025), "tags": "" }),
    ] {
        rig.expect(400, "PUT", "/api/users/refused", body).await;
    }
    rig.expect(400, "PUT", "/api/users/a%0Ab", json!({ "password": "x", "tags": "" })).await;
    rig.expect(404, "GET", "/api/users/refused", Json::Null).await;
}

#[tokio::test]
async fn verifiers_are_kept_exported_and_taken_where_they_are_wanted() {
    const MEMBER: &str = "scram_sha_256";
    let rig = Rig::new().await;
    let path = "/api/users/prover";
    rig.expect(201, "PUT", path, json!({ "password": "secret", "tags": "" })).await;
    assert_eq!(rig.get(path).await.get(MEMBER), None, "nobody asked for it");
    rig.with(Broker::keep_scram).await;
    rig.expect(204, "PUT", path, json!({ "password": "secret", "tags": "" })).await;
    let user = rig.get(path).await;
    let verifier = user[MEMBER].as_str().unwrap();
    assert!(verifier.starts_with("SCRAM-SHA-256$60000:"), "{verifier}");
    // Who brings the hash alone changes the rest; another hash is another password.
    let (hash, kind) = (&user["password_hash"], &user["hashing_algorithm"]);
    rig.expect(
        204,
        "PUT",
        path,
        json!({ "password_hash": hash, "hashing_algorithm": kind, "tags": "monitoring" }),
    )
    .await;
    assert_eq!(rig.get(path).await[MEMBER], verifier);
    let file = rig.get("/api/definitions").await;
    rig.expect(204, "PUT", path, json!({ "password": "caf\u{e9}", "tags": "" })).await;
    assert_eq!(rig.get(path).await.get(MEMBER), None);
    rig.expect(204, "POST", "/api/definitions", file).await;
    assert_eq!(rig.get(path).await[MEMBER], verifier);
    let bad =
        json!({ "password_hash": hash, "hashing_algorithm": kind, "tags": "", MEMBER: "SCRAM-SHA-256$1:" });
    rig.expect(400, "PUT", path, bad).await;
    assert_eq!(rig.get(path).await[MEMBER], verifier);
}

#[tokio::test]
async fn permissions_live() {
    let rig = Rig::new().await;
    let path = "/api/permissions/%2F/stranger";
    let all = json!({ "configure": "^a", "write": ".*", "read": ".*" });
    rig.expect(404, "GET", path, Json::Null).await;
    rig.expect(201, "PUT", path, all.clone()).await;
    rig.expect(204, "PUT", path, all).await;
    let expect = json!({ "user": "stranger", "vhost": "/", "configure": "^a", "write": ".*", "read": ".*" });
    assert_eq!(rig.get(path).await, expect);
    assert_eq!(rig.get("/api/users/stranger/permissions").await, json!([expect]));
    assert_eq!(rig.get("/api/vhosts/%2F/permissions").await.as_array().unwrap().len(), 6);
    assert_eq!(rig.get("/api/permissions").await.as_array().unwrap().len(), 6);
    rig.expect(400, "PUT", path, json!({ "configure": "(", "write": "", "read": "" })).await;
    rig.expect(400, "PUT", path, json!({ "configure": "" })).await;
    let refused = rig.ask("stranger", "PUT", "/api/queues/%2F/b", &nothing()).await;
    assert_eq!(refused.status, 401);
    assert!(refused.body["reason"].as_str().unwrap().contains("queue 'b'"));
    assert_eq!(rig.ask("stranger", "PUT", "/api/queues/%2F/a", &nothing()).await.status, 201);
    rig.expect(204, "DELETE", path, Json::Null).await;
    rig.expect(404, "DELETE", path, Json::Null).await;
    rig.expect(404, "PUT", "/api/permissions/%2F/none", json!({ "configure": "", "write": "", "read": "" }))
        .await;
    rig.expect(
        404,
        "PUT",
        "/api/permissions/none/member",
        json!({ "configure": "", "write": "", "read": "" }),
    )
    .await;
}

#[tokio::test]
async fn topic_permissions_live() {
    let rig = Rig::new().await;
    let path = "/api/topic-permissions/%2F/member";
    rig.expect(201, "PUT", path, json!({ "exchange": "amq.topic", "write": "^{username}", "read": ".*" }))
        .await;
    let expect = json!([{ "user": "member", "vhost": "/", "exchange": "amq.topic", "write": "^{username}", "read": ".*" }]);
    for path in [
        path,
        "/api/topic-permissions",
        "/api/users/member/topic-permissions",
        "/api/vhosts/%2F/topic-permissions",
    ] {
        assert_eq!(rig.get(path).await, expect, "{path}");
    }
    rig.expect(400, "PUT", path, json!({ "exchange": "amq.topic", "write": "(", "read": ".*" })).await;
    let body = |key: &str| json!({ "routing_key": key, "payload": "x", "properties": {} });
    let publish = "/api/exchanges/%2F/amq.topic/publish";
    assert_eq!(rig.ask("member", "POST", publish, &body("member.a")).await.status, 200);
    assert_eq!(rig.ask("member", "POST", publish, &body("other.a")).await.status, 401);
    rig.expect(204, "DELETE", path, Json::Null).await;
    rig.expect(404, "GET", path, Json::Null).await;
}

#[tokio::test]
async fn policies_live() {
    let rig = Rig::new().await;
    rig.expect(201, "PUT", "/api/queues/%2F/q", nothing()).await;
    let body =
        json!({ "pattern": "^q", "definition": { "max-length": 9 }, "priority": 1, "apply-to": "queues" });
    assert_eq!(rig.ask("maker", "PUT", "/api/policies/%2F/p", &body).await.status, 201);
    rig.expect(204, "PUT", "/api/policies/%2F/p", body).await;
    let operator = json!({ "pattern": "^q", "definition": { "max-length": 5 } });
    rig.expect(201, "PUT", "/api/operator-policies/%2F/o", operator).await;
    let policy = json!({ "vhost": "/", "name": "p", "pattern": "^q", "apply-to": "queues", "priority": 1, "definition": { "max-length": 9 } });
    assert_eq!(rig.get("/api/policies/%2F/p").await, policy);
    assert_eq!(rig.get("/api/policies").await, json!([policy]));
    assert_eq!(rig.get("/api/operator-policies/%2F").await[0]["name"], "o");
    let queue = rig.get("/api/queues/%2F/q").await;
    assert_eq!((&queue["policy"], &queue["operator_policy"]), (&json!("p"), &json!("o")));
    assert_eq!(queue["effective_policy_definition"], json!({ "max-length": 5 }));
    for body in [
        json!({ "definition": { "max-length": 9 } }),
        json!({ "pattern": "(", "definition": { "max-length": 9 } }),
        json!({ "pattern": "", "definition": {} }),
        json!({ "pattern": "", "definition": { "max-length": "many" } }),
        json!({ "pattern": "", "definition": { "max-length": 9 }, "apply-to": "cats" }),
        json!({ "pattern": "", "definition": { "max-length": 9 }, "priority": 1_u64 << 40 }),
    ] {
        rig.expect(400, "PUT", "/api/policies/%2F/bad", body).await;
    }
    rig.expect(204, "DELETE", "/api/policies/%2F/p", Json::Null).await;
    rig.expect(404, "DELETE", "/api/policies/%2F/p", Json::Null).await;
    rig.expect(204, "DELETE", "/api/operator-policies/%2F/o", Json::Null).await;
}

#[tokio::test]
async fn unknown_parameters_are_refused_by_name() {
    let rig = Rig::new().await;
    let got = rig.expect(400, "PUT", "/api/parameters/shovel/%2F/s", json!({ "value": {} })).await;
    assert!(got.body["reason"].as_str().unwrap().contains("component shovel not found"));
    rig.expect(404, "GET", "/api/parameters/shovel", Json::Null).await;
    rig.expect(404, "GET", "/api/parameters/vhost-limits/%2F/limits", Json::Null).await;
}
