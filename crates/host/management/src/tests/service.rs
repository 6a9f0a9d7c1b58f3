//! The service that runs the node: it has no login, and may do everything.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value as Json, json};

use super::rig::{Got, Rig};
use crate::Service;

async fn ask(rig: &Rig, method: &str, path: &str, body: &Json) -> Got {
    let builder = Request::builder().method(method).uri(path).extension(Service);
    rig.send(builder.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn the_service_needs_no_login_and_no_permission() {
    let rig = Rig::new().await;
    let user = json!({ "password_hash": "", "tags": "" });
    assert_eq!(ask(&rig, "PUT", "/api/users/made", &user).await.status, 201);
    let all = json!({ "configure": ".*", "write": ".*", "read": ".*" });
    assert_eq!(ask(&rig, "PUT", "/api/permissions/%2F/made", &all).await.status, 201);
    assert_eq!(ask(&rig, "PUT", "/api/queues/%2F/q", &json!({ "durable": true })).await.status, 201);
    assert_eq!(ask(&rig, "GET", "/api/queues", &json!({})).await.body[0]["name"], "q");
    assert_eq!(ask(&rig, "GET", "/api/whoami", &json!({})).await.body, json!({ "name": "", "tags": [] }));
    assert_eq!(ask(&rig, "DELETE", "/api/users/made", &json!({})).await.status, 204);
    assert_eq!(ask(&rig, "DELETE", "/api/users/made", &json!({})).await.status, 404);
}

#[tokio::test]
async fn nobody_else_is_taken_for_it() {
    let rig = Rig::new().await;
    let anonymous = Request::builder().method("GET").uri("/api/users").body(Body::empty()).unwrap();
    assert_eq!(rig.send(anonymous).await.status, 401);
    let user = json!({ "password": "secret", "tags": "administrator" });
    // A name that nobody has: the path of users alone knows no PUT.
    rig.expect(405, "PUT", "/api/users/", user).await;
}
