//! Section 6, row HTTP, and logins that are none.

use axum::body::Body;
use axum::http::Request;
use serde_json::{Value as Json, json};

use super::rig::{PASSWORD, Rig, basic, request};

fn raw(method: &str, path: &str, body: Vec<u8>) -> Request<Body> {
    let builder =
        Request::builder().method(method).uri(path).header("authorization", basic("admin", PASSWORD));
    builder.body(Body::from(body)).unwrap()
}

#[tokio::test]
async fn bodies_have_limits() {
    let rig = Rig::new().await;
    for (path, method, limit) in
        [("/api/queues/%2F/q", "PUT", 1 << 20), ("/api/definitions", "POST", 20 << 20)]
    {
        let mut body = b"{}".to_vec();
        body.resize(limit, b' ');
        let got = rig.send(raw(method, path, body.clone())).await;
        assert!(got.status.is_success(), "{path}: {} {}", got.status, got.body);
        body.push(b' ');
        let got = rig.send(raw(method, path, body.clone())).await;
        assert_eq!((got.status.as_u16(), &got.body["error"]), (413, &json!("payload_too_large")));
        let mut lying = raw(method, path, b"{}".to_vec());
        lying.headers_mut().insert("content-length", (limit + 1).to_string().parse().unwrap());
        assert_eq!(rig.send(lying).await.status, 413, "refused before it is read");
    }
}

#[tokio::test]
async fn bodies_are_json_objects_of_bounded_depth() {
    let rig = Rig::new().await;
    let nested =
        |depth: usize| format!("{{\"arguments\":{{\"a\":{}{}}}}}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(rig.send(raw("PUT", "/api/queues/%2F/q", nested(30).into())).await.status, 201);
    for body in [nested(31), nested(500_000), "[]".to_owned(), "{".to_owned(), "\"x\"".to_owned()] {
        let got = rig.send(raw("PUT", "/api/queues/%2F/p", body.into_bytes())).await;
        assert_eq!((got.status.as_u16(), &got.body["error"]), (400, &json!("not_json")));
    }
    for body in [json!({ "durable": 1 }), json!({ "arguments": [1] }), json!({ "exclusive": true })] {
        rig.expect(400, "PUT", "/api/queues/%2F/p", body).await;
    }
}

#[tokio::test]
async fn paths_and_methods_are_known_or_refused() {
    let rig = Rig::new().await;
    for path in [
        "/api",
        "/api/",
        "/api/none",
        "/api/queues/%2F/q/none",
        "/api/queues//q",
        "/api/queues/%ff/q",
        "/api/queues/%2",
    ] {
        let got = rig.admin("GET", path, &Json::Null).await;
        assert_eq!(got.status, 404, "{path}");
    }
    let got = rig.admin("PATCH", "/api/queues/%2F/q", &Json::Null).await;
    assert_eq!((got.status.as_u16(), &got.body["error"]), (405, &json!("method_not_allowed")));
    assert_eq!(got.headers["allow"], "GET, PUT, DELETE");
    assert_eq!(rig.admin("HEAD", "/api/whoami", &Json::Null).await.status, 200);
    assert_eq!(
        rig.admin("GET", "/api/queues/", &Json::Null).await.status,
        200,
        "a slash at the end is forgiven"
    );
    rig.expect(404, "GET", "/api/queues/none", Json::Null).await;
    let long = format!("/api/queues/%2F/{}", "q".repeat(256));
    rig.expect(400, "PUT", &long, json!({})).await;
}

#[tokio::test]
async fn s2_a_failed_login_tells_nothing() {
    let rig = Rig::new().await;
    let mut answers = Vec::new();
    for (user, password) in [("admin", "wrong"), ("nobody at all", "wrong"), ("admin", "")] {
        let mut get = request("x", "GET", "/api/whoami", &Json::Null);
        get.headers_mut().insert("authorization", basic(user, password).parse().unwrap());
        let got = rig.send(get).await;
        answers.push((got.status, got.body));
    }
    assert_eq!(answers[0].0, 401);
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
}

#[tokio::test]
async fn s2_guessing_is_braked() {
    let rig = Rig::new().await;
    for _ in 0..12 {
        let mut get = request("x", "GET", "/api/whoami", &Json::Null);
        get.headers_mut().insert("authorization", basic("member", "wrong").parse().unwrap());
        assert_eq!(rig.send(get).await.status, 401);
    }
    assert_eq!(
        rig.ask("member", "GET", "/api/whoami", &Json::Null).await.status,
        401,
        "the right one has to wait too"
    );
    assert_eq!(rig.ask("monitor", "GET", "/api/whoami", &Json::Null).await.status, 200);
}

#[tokio::test]
async fn other_authorization_headers_are_refused() {
    let rig = Rig::new().await;
    for value in ["", "Basic", "Basic ?", "Bearer abc", "Basic YWRtaW4=", "Basic /zp4"] {
        let mut get = request("admin", "GET", "/api/whoami", &Json::Null);
        get.headers_mut().insert("authorization", value.parse().unwrap());
        assert_eq!(rig.send(get).await.status, 401, "{value:?}");
    }
    let mut twice = request("admin", "GET", "/api/whoami", &Json::Null);
    twice.headers_mut().append("authorization", basic("monitor", PASSWORD).parse().unwrap());
    assert_eq!(rig.send(twice).await.status, 401, "two of them are none");
}
