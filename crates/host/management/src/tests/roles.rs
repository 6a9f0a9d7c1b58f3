//! S10: every route against every role.

use axum::http::StatusCode;

use crate::access::Access;
use crate::answer::Refusal;
use crate::routes::{Audit, ROUTES};

use super::rig::{Rig, USERS, grant, nothing};

/// Who may use what: nobody, stranger (no permissions), member, maker, monitor, admin.
fn expected(access: Access, has_vhost: bool, user: &str) -> bool {
    let may = match (access, has_vhost) {
        (Access::Member, _) | (Access::Visible, false) => {
            ["stranger", "member", "maker", "monitor", "admin"].as_slice()
        }
        (Access::Visible, true) => &["member", "maker", "monitor", "admin"],
        (Access::PolicyMaker, _) => &["maker", "admin"],
        (Access::Monitor, _) => &["monitor", "admin"],
        (Access::Administrator, _) => &["admin"],
    };
    may.contains(&user)
}

fn path_of(pattern: &str) -> String {
    let parts = pattern.split('/').map(|part| match part {
        "{vhost}" => "%2F",
        "{name}" | "{source}" | "{queue}" | "{exchange}" | "{props}" | "{user}" | "{node}" => "missing",
        "{port}" => "5672",
        "{component}" => "vhost-limits",
        "{limit}" => "max-queues",
        "{protocol}" => "amqp",
        fixed => fixed,
    });
    format!("/api/{}", parts.collect::<Vec<_>>().join("/"))
}

#[tokio::test]
async fn s10_every_route_is_for_its_roles_only() {
    let rig = Rig::new().await;
    for route in ROUTES {
        let path = path_of(route.path);
        for (user, _) in USERS {
            let got = rig.ask(user, route.method, &path, &nothing()).await;
            let is_allowed = got.status != StatusCode::UNAUTHORIZED;
            let expect = expected(route.access, route.path.contains("{vhost}"), user);
            assert_eq!(
                is_allowed, expect,
                "{user}: {} {path} answered {} {}",
                route.method, got.status, got.body
            );
            assert!(got.status.as_u16() != 500, "{user}: {} {path}", route.method);
        }
        // One of the routes takes the virtual host away.
        rig.with(|broker| {
            let _ = broker
                .put_namespace(ternmq_broker::NamespaceRecord { name: "/".into(), ..Default::default() })
                .unwrap();
            USERS
                .iter()
                .filter(|(user, _)| *user != "stranger")
                .for_each(|(user, _)| grant(broker, user, "/"));
        })
        .await;
    }
}

#[tokio::test]
async fn s10_nothing_is_answered_without_login() {
    let rig = Rig::new().await;
    for route in ROUTES {
        let request = axum::http::Request::builder().method(route.method).uri(path_of(route.path));
        let got = rig.send(request.body(axum::body::Body::empty()).unwrap()).await;
        assert_eq!(got.status, 401, "{} {}", route.method, route.path);
        assert!(got.headers.contains_key("www-authenticate"));
        assert_eq!(got.body["error"], "not_authorized");
    }
}

#[test]
fn s10_routes_that_change_the_node_are_for_administrators() {
    let sections = [
        "users",
        "permissions",
        "topic-permissions",
        "vhosts",
        "definitions",
        "vhost-limits",
        "user-limits",
        "operator-policies",
    ];
    for route in ROUTES.iter().filter(|route| route.method != "GET") {
        let section = route.path.split('/').next().unwrap();
        if sections.contains(&section) {
            assert_eq!(route.access, Access::Administrator, "{} {}", route.method, route.path);
        }
    }
}

#[test]
fn s15_changes_are_audited_and_messages_are_not() {
    for route in ROUTES {
        let is_message = route.path.ends_with("/publish") || route.path.ends_with("/get");
        let expect = if route.method == "GET" || is_message { Audit::Read } else { Audit::Change };
        assert_eq!(route.audit, expect, "{} {}", route.method, route.path);
    }
}

#[test]
fn no_route_is_listed_twice() {
    let mut all: Vec<_> = ROUTES.iter().map(|route| (route.method, route.path)).collect();
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[tokio::test]
async fn s7_a_lost_role_counts_at_once() {
    let rig = Rig::new().await;
    assert_eq!(rig.ask("monitor", "GET", "/api/nodes", &nothing()).await.status, 200);
    rig.with(|broker| {
        let mut user = broker.user_definition("monitor").unwrap();
        user.tags.clear();
        let _ = broker.put_user(user);
    })
    .await;
    let got = rig.ask("monitor", "GET", "/api/nodes", &nothing()).await;
    assert_eq!(
        (got.status, &got.body["error"]),
        (StatusCode::UNAUTHORIZED, &Refusal::unauthorized("").error.into())
    );
}
