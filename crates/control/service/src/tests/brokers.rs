//! Brokers from their creation to their end.

use serde_json::{Value, json};
use ternmq_fleet::Provisioner;

use super::rig::{NOW_MS, Rig, activemq, rabbitmq};

#[test]
fn a_broker_is_created_and_described() {
    let rig = Rig::new();
    let created = rig.call("POST", "/v1/brokers", &rabbitmq("orders"));
    let id = created.body["brokerId"].as_str().unwrap().to_owned();
    assert_eq!(created.body["brokerArn"], format!("arn:aws:mq:eu-west-1:123456789012:broker:orders:{id}"));
    let path = format!("/v1/brokers/{id}");
    let before = rig.get(&path).body;
    assert_eq!(before["brokerState"], "CREATION_IN_PROGRESS");
    assert_eq!(before["brokerInstances"], json!([]));
    assert!(before["configurations"].get("current").is_none());
    assert_eq!(before["configurations"]["pending"]["revision"], 1);

    rig.reconcile(&id);
    let after = rig.get(&path).body;
    assert_eq!(after["brokerState"], "RUNNING");
    assert_eq!(after["engineType"], "RabbitMQ");
    assert_eq!(after["engineVersion"], "4.3.0");
    assert_eq!(after["storageType"], "ebs");
    assert_eq!(after["authenticationStrategy"], "simple");
    assert_eq!(after["configurations"]["current"]["revision"], 1);
    assert!(after["configurations"].get("pending").is_none());
    assert_eq!(after["users"], json!([]));
    assert_eq!(after["encryptionOptions"], json!({"useAwsOwnedKey": true}));
    let instance = &after["brokerInstances"][0];
    assert!(instance["endpoints"][0].as_str().unwrap().starts_with("amqps://localhost:"), "{instance}");
    assert!(instance["consoleURL"].as_str().unwrap().starts_with("https://localhost:"), "{instance}");
    assert!(instance.get("ipAddress").is_none());
    let listed = rig.get("/v1/brokers").body;
    assert_eq!(listed["brokerSummaries"][0]["brokerName"], "orders");
}

#[test]
fn what_is_wrong_with_a_creation_is_told_by_attribute() {
    let rig = Rig::new();
    for (edit, attribute, part) in wrong_creations() {
        let mut input = rabbitmq("orders");
        input.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        let answer = rig.call("POST", "/v1/brokers", &input);
        let text = answer.body["message"].as_str().unwrap_or_default();
        assert_eq!((answer.status, answer.error.as_str()), (400, "BadRequestException"), "{edit}");
        assert_eq!(answer.body["errorAttribute"], attribute, "{edit}: {text}");
        assert!(text.contains(part), "{edit}: {text}");
    }
    assert_eq!(rig.get("/v1/brokers").body["brokerSummaries"], json!([]));
    assert_eq!(rig.get("/v1/configurations").body["configurations"], json!([]));
}

/// What is wrong, the attribute that is named, a part of the text.
#[rustfmt::skip]
fn wrong_creations() -> Vec<(Value, &'static str, &'static str)> {
    vec![
        (json!({"brokerName": "a b"}), "brokerName", "Broker name [a b] is invalid"),
        (json!({"engineType": "Kafka"}), "engineType", "Valid values: [ACTIVEMQ, RABBITMQ]"),
        (json!({"engineVersion": "3.12"}), "engineVersion", "Broker engine version [3.12] is invalid for broker engine type [RABBITMQ]. Valid values: [4.3, 4.2, 3.13]."),
        (json!({"engineVersion": "3.13.7"}), "engineVersion", "is invalid"),
        (json!({"hostInstanceType": "mq.t3.micro"}), "hostInstanceType", "Broker engine type [RabbitMQ] does not support host instance type [mq.t3.micro]."),
        (json!({"hostInstanceType": "mq.m5.large"}), "hostInstanceType", "does not support host instance type [mq.m5.large]"),
        (json!({"autoMinorVersionUpgrade": false}), "autoMinorVersionUpgrade", "Brokers on [RabbitMQ] version [4.3] must have [autoMinorVersionUpgrade] set to [true]."),
        (json!({"users": []}), "users", "Specify exactly one user for engine type [RABBITMQ]."),
        (json!({"users": [{"username": "guest", "password": "correct horse battery"}]}), "username", "is not guest"),
        (json!({"users": [{"username": "ann", "password": "short"}]}), "password", "12 to 250"),
        (json!({"users": [{"username": "ann"}]}), "password", "is required"),
        (json!({"deploymentMode": "CLUSTER_MULTI_AZ"}), "deploymentMode", "is not there yet"),
        (json!({"deploymentMode": "ACTIVE_STANDBY_MULTI_AZ"}), "deploymentMode", "does not support deployment mode"),
        (json!({"dataReplicationMode": "CRDR"}), "dataReplicationMode", "is not there yet"),
        (json!({"storageType": "efs"}), "storageType", "does not support storage type [EFS]"),
        (json!({"storageSize": 50}), "storageSize", "CLUSTER_MULTI_AZ"),
        (json!({"logs": {"audit": true}}), "logs", "[audit]"),
        (json!({"authenticationStrategy": "LDAP"}), "authenticationStrategy", "does not support"),
        (json!({"authenticationStrategy": "CONFIG_MANAGED"}), "authenticationStrategy", "not there yet"),
        (json!({"encryptionOptions": {"useAwsOwnedKey": false}}), "encryptionOptions", "KMS keys are not there yet"),
        (json!({"encryptionOptions": {}}), "useAwsOwnedKey", "is required"),
        (json!({"maintenanceWindowStartTime": {"dayOfWeek": "NODAY", "timeOfDay": "10:00"}}), "dayOfWeek", "NODAY"),
        (json!({"maintenanceWindowStartTime": {"dayOfWeek": "MONDAY", "timeOfDay": "25:00"}}), "maintenanceWindowStartTime", "HH:MM"),
        (json!({"securityGroups": ["sg-1"]}), "securityGroups", "does not exist"),
        (json!({"subnetIds": ["subnet-1"]}), "subnetIds", "does not exist"),
        (json!({"tags": {"aws:x": "y"}}), "tags", "aws:"),
        (json!({"creatorRequestId": ""}), "creatorRequestId", "1 to 128"),
        (json!({"publiclyAccessible": null}), "publiclyAccessible", "is required"),
    ]
}

#[test]
fn a_name_is_used_once() {
    let rig = Rig::new();
    rig.broker(&rabbitmq("orders"));
    let again = rig.call("POST", "/v1/brokers", &rabbitmq("orders"));
    assert_eq!((again.status, again.error.as_str()), (409, "ConflictException"));
    assert_eq!(again.body["errorAttribute"], "brokerName");
}

#[test]
fn a_token_creates_once() {
    let rig = Rig::new();
    let mut input = rabbitmq("orders");
    input["creatorRequestId"] = "token-1".into();
    let first = rig.call("POST", "/v1/brokers", &input);
    let again = rig.call("POST", "/v1/brokers", &input);
    assert_eq!(first.body, again.body);
    assert_eq!(rig.get("/v1/brokers").body["brokerSummaries"].as_array().unwrap().len(), 1);
    input["hostInstanceType"] = "mq.m7g.large".into();
    let other = rig.call("POST", "/v1/brokers", &input);
    assert_eq!((other.status, &other.body["errorAttribute"]), (409, &json!("creatorRequestId")));
}

#[test]
fn changes_wait_for_a_reboot() {
    let rig = Rig::new();
    let mut input = rabbitmq("orders");
    input["engineVersion"] = "4.2".into();
    let id = rig.broker(&input);
    let path = format!("/v1/brokers/{id}");
    let changed = rig.call(
        "PUT",
        &path,
        &json!({"engineVersion": "4.3", "hostInstanceType": "mq.m7g.large", "logs": {"general": true}}),
    );
    assert_eq!(changed.status, 200, "{changed:?}");
    assert_eq!(changed.body["hostInstanceType"], "mq.m7g.large");
    let waiting = rig.get(&path).body;
    assert_eq!(
        (&waiting["engineVersion"], &waiting["pendingEngineVersion"]),
        (&json!("4.2.1"), &json!("4.3.0"))
    );
    assert_eq!(waiting["pendingHostInstanceType"], "mq.m7g.large");
    assert_eq!(waiting["logs"]["pending"], json!({"general": true}));
    assert_eq!(rig.call("POST", &format!("{path}/reboot"), &Value::Null).body, json!({}));
    assert_eq!(rig.state(&id), "REBOOT_IN_PROGRESS");
    let refused = rig.call("PUT", &path, &json!({"hostInstanceType": "mq.m7g.large"}));
    assert!(refused.body["message"].as_str().unwrap().contains("REBOOT_IN_PROGRESS"));
    rig.reconcile(&id);
    let after = rig.get(&path).body;
    assert_eq!(
        (&after["engineVersion"], &after["hostInstanceType"]),
        (&json!("4.3.0"), &json!("mq.m7g.large"))
    );
    assert!(after.get("pendingEngineVersion").is_none() && after["logs"].get("pending").is_none());
    assert_eq!(rig.record(&id).unwrap().incarnation, 2);
}

#[test]
fn versions_go_up_one_after_the_other() {
    let rig = Rig::new();
    let mut input = rabbitmq("orders");
    input["engineVersion"] = "3.13".into();
    let id = rig.broker(&input);
    let path = format!("/v1/brokers/{id}");
    let change = |version: &str| rig.call("PUT", &path, &json!({"engineVersion": version})).status;
    assert_eq!([change("3.13"), change("3.13.7"), change("4.3"), change("4.2")], [200, 200, 400, 200]);
    assert_eq!(change("3.13"), 200);
    assert!(rig.get(&path).body.get("pendingEngineVersion").is_none());
}

#[test]
fn the_window_applies_what_waits() {
    let rig = Rig::new();
    let mut input = activemq("orders");
    input["maintenanceWindowStartTime"] = json!({"dayOfWeek": "TUESDAY", "timeOfDay": "03:00"});
    let id = rig.broker(&input);
    let path = format!("/v1/brokers/{id}");
    rig.call("PUT", &path, &json!({"logs": {"general": true, "audit": true}}));
    rig.reconcile(&id);
    assert_eq!(rig.state(&id), "RUNNING");
    rig.clock.set_wall_ms(NOW_MS + 15 * 3_600_000 + 60_000);
    rig.reconcile(&id);
    assert_eq!(rig.state(&id), "REBOOT_IN_PROGRESS");
    rig.reconcile(&id);
    let after = rig.get(&path).body;
    assert_eq!((&after["brokerState"], &after["logs"]["audit"]), (&json!("RUNNING"), &json!(true)));
    // The next one has nothing to do.
    rig.clock.set_wall_ms(NOW_MS + 8 * 24 * 3_600_000);
    rig.reconcile(&id);
    assert_eq!(rig.state(&id), "RUNNING");
}

#[test]
fn the_window_replaces_a_node_of_an_older_build() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let node = crate::node_spec::node_name(&id).unwrap();
    let starts = || (rig.state(&id), rig.fleet.starts(&node));
    rig.fleet.renew_program();
    rig.reconcile(&id);
    assert_eq!(starts(), ("RUNNING".into(), 1), "a newer build alone restarts nothing");
    rig.clock.set_wall_ms(NOW_MS + 8 * 24 * 3_600_000);
    rig.reconcile(&id);
    assert_eq!(rig.state(&id), "REBOOT_IN_PROGRESS");
    rig.reconcile(&id);
    assert_eq!(starts(), ("RUNNING".into(), 2));
    assert!(!rig.fleet.has_newer_program(&node).unwrap());
    // The next one has nothing to do.
    rig.clock.set_wall_ms(NOW_MS + 15 * 24 * 3_600_000);
    rig.reconcile(&id);
    assert_eq!(starts(), ("RUNNING".into(), 2));
}

#[test]
fn a_window_is_moved_at_most_four_times() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let path = format!("/v1/brokers/{id}");
    for hour in 1..=4 {
        let window = json!({"maintenanceWindowStartTime": {"dayOfWeek": "FRIDAY", "timeOfDay": format!("0{hour}:00")}});
        assert_eq!(rig.call("PUT", &path, &window).status, 200);
    }
    let window = json!({"maintenanceWindowStartTime": {"dayOfWeek": "FRIDAY", "timeOfDay": "05:00"}});
    assert_eq!(rig.call("PUT", &path, &window).status, 400);
    assert_eq!(rig.get(&path).body["maintenanceWindowStartTime"]["timeOfDay"], "04:00");
}

#[test]
fn a_deleted_broker_is_gone_with_its_node() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    let path = format!("/v1/brokers/{id}");
    assert_eq!(rig.call("DELETE", &path, &Value::Null).body, json!({"brokerId": id}));
    assert_eq!(rig.state(&id), "DELETION_IN_PROGRESS");
    rig.reconcile(&id);
    let gone = rig.get(&path);
    assert_eq!((gone.status, gone.error.as_str()), (404, "NotFoundException"));
    assert_eq!(
        gone.body["message"],
        format!("Can't find requested broker [{id}]. Make sure your broker exists.")
    );
    assert_eq!(gone.body["errorAttribute"], "broker-id");
    assert_eq!(rig.fleet.taken_ports(), 0);
}

#[test]
fn pages_follow_each_other() {
    let rig = Rig::new();
    for number in 0..7 {
        rig.broker(&rabbitmq(&format!("b{number}")));
    }
    let (mut seen, mut query) = (Vec::new(), "/v1/brokers?maxResults=3".to_owned());
    loop {
        let page = rig.get(&query).body;
        seen.extend(
            page["brokerSummaries"]
                .as_array()
                .unwrap()
                .iter()
                .map(|it| it["brokerName"].as_str().unwrap().to_owned()),
        );
        match page["nextToken"].as_str() {
            Some(token) => query = format!("/v1/brokers?maxResults=3&nextToken={token}"),
            None => break,
        }
    }
    seen.sort();
    assert_eq!(seen, (0..7).map(|number| format!("b{number}")).collect::<Vec<_>>());
    assert_eq!(rig.get("/v1/brokers?nextToken=nonsense").body["errorAttribute"], "nextToken");
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    let promoted = rig.call("POST", &format!("/v1/brokers/{id}/promote"), &json!({"mode": "FAILOVER"}));
    assert_eq!(promoted.status, 400);
    let shared = rig.get(&format!("/v1/brokers/{id}/shared-resources"));
    assert_eq!(shared.body, json!({"sharedResources": []}));
    let shares = rig.call("PUT", &format!("/v1/brokers/{id}"), &json!({"resourceShareArns": ["arn:x"]}));
    assert_eq!(shares.body["errorAttribute"], "resourceShareArns");
}

#[test]
fn an_unknown_configuration_is_a_bad_request() {
    let rig = Rig::new();
    let mut input = rabbitmq("orders");
    input["configuration"] = json!({"id": "c-0", "revision": 1});
    let refused = rig.call("POST", "/v1/brokers", &input);
    assert_eq!((refused.status, refused.error.as_str()), (400, "BadRequestException"));
    assert_eq!(refused.body["errorAttribute"], "configuration");
}

#[test]
fn tags_are_kept_on_both_kinds_of_resources() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    let arn = format!("arn%3Aaws%3Amq%3Aeu-west-1%3A123456789012%3Abroker%3Aorders%3A{id}");
    let path = format!("/v1/tags/{arn}");
    let created = rig.call("POST", &path, &json!({"tags": {"team": "a", "cost": "b"}}));
    assert_eq!((created.status, created.body), (204, Value::Null));
    assert_eq!(rig.call("DELETE", &format!("{path}?tagKeys=team"), &Value::Null).status, 204);
    assert_eq!(rig.get(&path).body, json!({"tags": {"cost": "b"}}));
    assert_eq!(rig.get(&format!("/v1/brokers/{id}")).body["tags"], json!({"cost": "b"}));
    assert_eq!(rig.get("/v1/tags/arn%3Aaws%3Amq%3Aeu-west-1%3A123456789012%3Abroker%3Ax%3Ab-0").status, 404);
    assert_eq!(rig.get("/v1/tags/nonsense").status, 400);
}

#[test]
fn engine_types_and_instance_options() {
    let rig = Rig::new();
    let types = rig.get("/v1/broker-engine-types?engineType=rabbitmq").body;
    assert_eq!(
        types["brokerEngineTypes"],
        json!([{"engineType": "RABBITMQ", "engineVersions": [{"name": "4.3"}, {"name": "4.2"}, {"name": "3.13"}]}])
    );
    let options = rig.get("/v1/broker-instance-options?hostInstanceType=mq.m7g.medium").body;
    assert_eq!(options["brokerInstanceOptions"][0]["supportedEngineVersions"], json!(["4.3", "4.2", "3.13"]));
    assert_eq!(options["brokerInstanceOptions"][0]["availabilityZones"][0]["name"], "eu-west-1a");
    assert_eq!(rig.get("/v1/broker-instance-options?engineType=x").status, 400);
}
