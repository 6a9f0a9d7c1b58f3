//! Users of ActiveMQ brokers, and that those of RabbitMQ brokers are not ours.

use serde_json::{Value, json};

use super::rig::{Rig, activemq, rabbitmq};

const PASSWORD: &str = "another good password";

fn node_users(rig: &Rig, id: &str) -> Vec<String> {
    let name = crate::node_spec::node_name(id).unwrap();
    let mut names: Vec<String> = rig.fleet.users(&name).into_iter().map(|user| user.name).collect();
    names.sort();
    names
}

#[test]
fn users_change_with_a_reboot() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let users = format!("/v1/brokers/{id}/users");
    assert_eq!(rig.call("POST", &format!("{users}/bob"), &json!({"password": PASSWORD})).body, json!({}));
    assert_eq!(
        rig.call("PUT", &format!("{users}/ann"), &json!({"groups": ["dev"], "consoleAccess": false})).status,
        200
    );
    let listed = rig.get(&users).body;
    assert_eq!(
        listed["users"],
        json!([{"pendingChange": "UPDATE", "username": "ann"}, {"pendingChange": "CREATE", "username": "bob"}])
    );
    let ann = rig.get(&format!("{users}/ann")).body;
    assert_eq!((&ann["groups"], &ann["pending"]["groups"]), (&json!(["ops"]), &json!(["dev"])));
    assert!(!ann.to_string().contains("argon2"));
    assert_eq!(node_users(&rig, &id), ["ann"]);

    rig.call("POST", &format!("/v1/brokers/{id}/reboot"), &Value::Null);
    rig.reconcile(&id);
    assert_eq!(node_users(&rig, &id), ["ann", "bob"]);
    let ann = rig.get(&format!("{users}/ann")).body;
    assert_eq!((&ann["groups"], ann.get("pending")), (&json!(["dev"]), None));

    assert_eq!(rig.call("DELETE", &format!("{users}/ann"), &Value::Null).status, 200);
    assert_eq!(rig.get(&format!("{users}/ann")).body["pending"]["pendingChange"], "DELETE");
    rig.call("POST", &format!("/v1/brokers/{id}/reboot"), &Value::Null);
    rig.reconcile(&id);
    assert_eq!(node_users(&rig, &id), ["bob"]);
    assert_eq!(rig.get(&format!("{users}/ann")).status, 404);
}

#[test]
fn a_user_that_never_was_is_deleted_at_once() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let bob = format!("/v1/brokers/{id}/users/bob");
    rig.call("POST", &bob, &json!({"password": PASSWORD}));
    assert_eq!(rig.call("POST", &bob, &json!({"password": PASSWORD})).status, 409);
    rig.call("DELETE", &bob, &Value::Null);
    assert_eq!(rig.get(&bob).status, 404);
}

#[test]
fn a_user_that_is_to_go_can_come_back() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let ann = format!("/v1/brokers/{id}/users/ann");
    rig.call("DELETE", &ann, &Value::Null);
    assert_eq!(rig.call("PUT", &ann, &json!({"consoleAccess": true})).status, 404);
    assert_eq!(rig.call("POST", &ann, &json!({"password": PASSWORD})).status, 200);
    assert_eq!(rig.get(&ann).body["pending"]["pendingChange"], "UPDATE");
}

#[test]
fn what_is_wrong_with_a_user_is_told() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let check = |name: &str, body: Value, attribute: &str| {
        let answer = rig.call("POST", &format!("/v1/brokers/{id}/users/{name}"), &body);
        assert_eq!(
            (answer.status, &answer.body["errorAttribute"]),
            (400, &json!(attribute)),
            "{name} {body}"
        );
    };
    check("a", json!({"password": PASSWORD}), "username");
    check("a%2Cb", json!({"password": PASSWORD}), "username");
    check("bob", json!({"password": "short"}), "password");
    check("bob", json!({}), "password");
    check("bob", json!({"password": PASSWORD, "groups": ["x"]}), "groups");
    check("bob", json!({"password": PASSWORD, "replicationUser": true}), "replicationUser");
}

#[test]
fn users_of_rabbitmq_brokers_are_their_own_affair() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    let users = format!("/v1/brokers/{id}/users");
    let text = "To manage broker users, please use the RabbitMQ web console, or the management API";
    for answer in [
        rig.get(&users),
        rig.get(&format!("{users}/ann")),
        rig.call("POST", &format!("{users}/bob"), &json!({"password": PASSWORD})),
        rig.call("PUT", &format!("{users}/ann"), &json!({"password": PASSWORD})),
        rig.call("DELETE", &format!("{users}/ann"), &Value::Null),
    ] {
        assert_eq!((answer.status, &answer.body["message"]), (400, &json!(text)));
    }
    let node = crate::node_spec::node_name(&id).unwrap();
    assert!(rig.fleet.users(&node)[0].is_administrator);
}
