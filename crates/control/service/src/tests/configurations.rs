//! Configurations and their revisions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::rig::{Rig, activemq, rabbitmq};

fn data(text: &str) -> Value {
    json!({"data": STANDARD.encode(text), "description": "mine"})
}

fn create(rig: &Rig) -> String {
    let input = json!({"engineType": "RABBITMQ", "engineVersion": "4.2", "name": "limits"});
    let created = rig.call("POST", "/v1/configurations", &input);
    assert_eq!(created.status, 200, "{created:?}");
    created.body["id"].as_str().unwrap().to_owned()
}

#[test]
fn a_configuration_has_revisions() {
    let rig = Rig::new();
    let id = create(&rig);
    let path = format!("/v1/configurations/{id}");
    let changed = rig.call("PUT", &path, &data("heartbeat = 120\nlog.file = x\nheartbeat = 7\n"));
    assert_eq!(changed.body["latestRevision"]["revision"], 2);
    assert_eq!(changed.body["warnings"].as_array().unwrap().len(), 2);
    let described = rig.get(&path).body;
    assert_eq!(
        (&described["engineType"], &described["latestRevision"]["description"]),
        (&json!("RabbitMQ"), &json!("mine"))
    );
    let second = rig.get(&format!("{path}/revisions/2")).body;
    let text = String::from_utf8(STANDARD.decode(second["data"].as_str().unwrap()).unwrap()).unwrap();
    assert_eq!(text, "heartbeat = 120\n");
    let listed = rig.get(&format!("{path}/revisions")).body;
    assert_eq!(listed["revisions"].as_array().unwrap().len(), 2);
    assert_eq!(rig.get(&format!("{path}/revisions/3")).status, 404);
    assert_eq!(rig.get(&format!("{path}/revisions/x")).status, 400);
    assert_eq!(rig.call("PUT", &path, &json!({"data": "!"})).body["errorAttribute"], "data");
    assert_eq!(rig.call("DELETE", &path, &Value::Null).body, json!({"configurationId": id}));
    assert_eq!(rig.get(&path).status, 404);
    assert_eq!(rig.get(&format!("{path}/revisions/2")).status, 404);
}

#[test]
fn a_configuration_in_use_stays() {
    let rig = Rig::new();
    let id = create(&rig);
    let mut input = rabbitmq("orders");
    input["configuration"] = json!({"id": id});
    let broker = rig.broker(&input);
    let deleted = rig.call("DELETE", &format!("/v1/configurations/{id}"), &Value::Null);
    assert_eq!(deleted.status, 409);
    assert_eq!(
        deleted.body["message"],
        format!("Configuration [{id}] is in use by broker [{broker}] and can't be deleted.")
    );
}

#[test]
fn a_new_revision_goes_to_the_node_with_a_reboot() {
    let rig = Rig::new();
    let id = create(&rig);
    let mut input = rabbitmq("orders");
    input["configuration"] = json!({"id": id, "revision": 1});
    let broker = rig.broker(&input);
    rig.call("PUT", &format!("/v1/configurations/{id}"), &data("heartbeat = 120\n"));
    let path = format!("/v1/brokers/{broker}");
    assert_eq!(rig.call("PUT", &path, &json!({"configuration": {"id": id}})).status, 200);
    assert_eq!(rig.get(&path).body["configurations"]["pending"]["revision"], 2);
    let node = crate::node_spec::node_name(&broker).unwrap();
    assert!(rig.fleet.running_spec(&node).unwrap().configuration.contains("heartbeat = 60"));
    rig.call("POST", &format!("{path}/reboot"), &Value::Null);
    rig.reconcile(&broker);
    assert!(rig.fleet.running_spec(&node).unwrap().configuration.contains("heartbeat = 120"));
    let configurations = rig.get(&path).body["configurations"].clone();
    assert_eq!(configurations["current"]["revision"], 2);
    assert_eq!(configurations["history"], json!([{"id": id, "revision": 1}]));
}

#[test]
fn the_xml_of_a_revision_goes_to_the_node_as_it_was_stored() {
    let rig = Rig::new();
    let input = json!({"engineType": "ACTIVEMQ", "name": "shop", "engineVersion": "5.18"});
    let id = rig.call("POST", "/v1/configurations", &input).body["id"].as_str().unwrap().to_owned();
    let mut input = activemq("orders");
    input["configuration"] = json!({"id": id, "revision": 1});
    let broker = rig.broker(&input);
    let node = crate::node_spec::node_name(&broker).unwrap();
    let text_of = || rig.fleet.running_spec(&node).unwrap().configuration;
    assert!(text_of().contains("schedulePeriodForDestinationPurge"));
    let text = r#"<broker xmlns="http://activemq.apache.org/schema/core" brokerName="mine" rejectDurableConsumers="true"/>"#;
    let updated = rig.call("PUT", &format!("/v1/configurations/{id}"), &data(text));
    assert_eq!(updated.body["warnings"][0]["attributeName"], "brokerName");
    let path = format!("/v1/brokers/{broker}");
    assert_eq!(rig.call("PUT", &path, &json!({"configuration": {"id": id}})).status, 200);
    assert!(text_of().contains("schedulePeriodForDestinationPurge"));
    rig.call("POST", &format!("{path}/reboot"), &Value::Null);
    rig.reconcile(&broker);
    assert_eq!(
        text_of(),
        r#"<broker xmlns="http://activemq.apache.org/schema/core" rejectDurableConsumers="true"/>"#
    );
}

#[test]
fn b4_xml_past_its_limits_is_refused_and_changes_nothing() {
    let rig = Rig::new();
    let input = json!({"engineType": "ACTIVEMQ", "name": "shop", "engineVersion": "5.18"});
    let id = rig.call("POST", "/v1/configurations", &input).body["id"].as_str().unwrap().to_owned();
    let path = format!("/v1/configurations/{id}");
    let broker =
        |inner: &str| format!(r#"<broker xmlns="http://activemq.apache.org/schema/core">{inner}</broker>"#);
    let long = |bytes: usize| broker(&format!("<!--{}-->", "c".repeat(bytes - broker("<!---->").len())));
    let deep = |depth: usize| broker(&("<a>".repeat(depth - 1) + &"</a>".repeat(depth - 1)));
    for text in [long(1 << 20), deep(32)] {
        assert_eq!(rig.call("PUT", &path, &data(&text)).status, 200);
    }
    for (text, problem) in [
        (long((1 << 20) + 1), "The configuration has 1048577 bytes; at most 1048576 are taken."),
        (deep(33), "there are too many nested elements"),
        (
            "<!DOCTYPE broker><broker/>".to_owned(),
            "Line 1, column 1: document type declarations are not taken.",
        ),
        (broker("&xxe;"), "the XML is broken"),
        // It claims an end that is not there.
        (broker("").replace("</broker>", ""), "the XML is broken"),
    ] {
        let refused = rig.call("PUT", &path, &data(&text));
        assert_eq!((refused.status, &refused.body["errorAttribute"]), (400, &json!("data")), "{problem}");
        let message = refused.body["message"].as_str().unwrap();
        assert!(message.contains(problem) && message.len() < 300, "{message}");
    }
    assert_eq!(rig.get(&path).body["latestRevision"]["revision"], 3);
}

#[test]
fn limits_of_the_instance_type_hold() {
    let rig = Rig::new();
    let id = create(&rig);
    rig.call("PUT", &format!("/v1/configurations/{id}"), &data("cluster_queue_limit = 100000000\n"));
    let mut input = rabbitmq("orders");
    input["configuration"] = json!({"id": id});
    let answer = rig.call("POST", "/v1/brokers", &input);
    let text = answer.body["message"].as_str().unwrap();
    assert!(
        text.starts_with(
            "Configuration Revision 2 for configuration:cluster_queue_limit has limit: of value: 100000000"
        ),
        "{text}"
    );
    input["configuration"] = json!({"id": "c-0"});
    assert_eq!(rig.call("POST", "/v1/brokers", &input).status, 400);
    input["configuration"] = json!({"id": id, "revision": 9});
    assert_eq!(rig.call("POST", "/v1/brokers", &input).body["errorAttribute"], "configuration");
}
