//! A broker's description for people.

use super::api::Object;
use super::output::{inner, items, pairs, shown, tags, text};

/// Where clients of a broker that runs connect.
pub(crate) fn endpoints(broker: &Object) -> String {
    let mut lines = vec![format!(
        "{} runs ({}, {} {} on {})",
        text(broker, "brokerName"),
        text(broker, "brokerId"),
        text(broker, "engineType"),
        text(broker, "engineVersion"),
        text(broker, "hostInstanceType")
    )];
    lines.extend(clients(broker).into_iter().map(|endpoint| format!("  {endpoint}")));
    lines.extend(consoles(broker).into_iter().map(|console| format!("  console {console}")));
    let waiting = pending(broker);
    if !waiting.is_empty() {
        lines.push(format!("waiting for a reboot: {}", waiting.join(", ")));
    }
    lines.join("\n")
}

fn clients(broker: &Object) -> Vec<String> {
    let of_one = |instance: &Object| instance.get("endpoints").and_then(|it| it.as_array()).cloned();
    items(broker, "brokerInstances").filter_map(of_one).flatten().map(|endpoint| shown(&endpoint)).collect()
}

fn consoles(broker: &Object) -> Vec<String> {
    let consoles = items(broker, "brokerInstances").map(|instance| text(instance, "consoleURL"));
    consoles.filter(|console| !console.is_empty()).collect()
}

/// Everything about a broker.
pub(crate) fn whole(broker: &Object) -> String {
    let of = |name: &str| text(broker, name);
    let window = inner(broker, "maintenanceWindowStartTime").map(window).unwrap_or_default();
    let configuration = inner(broker, "configurations").and_then(|it| inner(it, "current"));
    let users: Vec<String> = items(broker, "users").map(|user| text(user, "username")).collect();
    let actions = items(broker, "actionsRequired")
        .map(|it| format!("{} {}", text(it, "actionRequiredCode"), text(it, "actionRequiredInfo")));
    let replication = match of("dataReplicationMode").as_str() {
        "NONE" => String::new(),
        mode => mode.to_owned(),
    };
    pairs(vec![
        ("Name", of("brokerName")),
        ("Id", of("brokerId")),
        ("ARN", of("brokerArn")),
        ("State", of("brokerState")),
        ("Actions required", actions.collect::<Vec<_>>().join("\n")),
        ("Engine", format!("{} {}", of("engineType"), of("engineVersion"))),
        ("Instance type", of("hostInstanceType")),
        ("Deployment mode", of("deploymentMode")),
        ("Created", of("created")),
        ("Endpoints", clients(broker).join("\n")),
        ("Console", consoles(broker).join("\n")),
        ("Public", of("publiclyAccessible")),
        ("Configuration", configuration.map(revision).unwrap_or_default()),
        ("Waiting for a reboot", pending(broker).join("\n")),
        ("Logs", inner(broker, "logs").map(logs).unwrap_or_default()),
        ("Maintenance window", window),
        ("Automatic upgrades", of("autoMinorVersionUpgrade")),
        ("Authentication", of("authenticationStrategy")),
        ("Directory", inner(broker, "ldapServerMetadata").map(|it| text(it, "hosts")).unwrap_or_default()),
        ("Users", users.join(", ")),
        ("Storage", format!("{} {}", of("storageType"), of("storageSize")).trim().to_owned()),
        ("Security groups", of("securityGroups")),
        ("Subnets", of("subnetIds")),
        ("Replication", replication),
        ("Tags", tags(broker)),
    ])
}

/// What of a broker waits for a reboot or its maintenance window.
pub(crate) fn pending(broker: &Object) -> Vec<String> {
    let mut waiting = Vec::new();
    for (member, what) in [
        ("pendingEngineVersion", "engine version"),
        ("pendingHostInstanceType", "instance type"),
        ("pendingStorageSize", "storage size"),
        ("pendingSecurityGroups", "security groups"),
        ("pendingAuthenticationStrategy", "authentication strategy"),
        ("pendingDataReplicationMode", "replication"),
    ] {
        let value = text(broker, member);
        if !value.is_empty() {
            waiting.push(format!("{what} {value}"));
        }
    }
    if let Some(hosts) = inner(broker, "pendingLdapServerMetadata").map(|directory| text(directory, "hosts"))
    {
        waiting.push(format!("directory {hosts}"));
    }
    // A broker that is being created has no current one yet, and waits for no reboot.
    let configurations = inner(broker, "configurations").filter(|it| it.contains_key("current"));
    if let Some(configuration) = configurations.and_then(|it| inner(it, "pending")) {
        waiting.push(format!("configuration {}", revision(configuration)));
    }
    if let Some(pending) = inner(broker, "logs").and_then(|it| inner(it, "pending")) {
        waiting.push(format!("logs {}", logs(pending)));
    }
    for user in items(broker, "users") {
        let change = text(user, "pendingChange");
        if !change.is_empty() {
            waiting.push(format!("user {} ({})", text(user, "username"), change.to_lowercase()));
        }
    }
    waiting
}

fn revision(configuration: &Object) -> String {
    format!("{}:{}", text(configuration, "id"), text(configuration, "revision"))
}

fn logs(logs: &Object) -> String {
    let is_on = |name: &str| logs.get(name).and_then(serde_json::Value::as_bool).unwrap_or(false);
    let on: Vec<&str> = ["general", "audit"].into_iter().filter(|name| is_on(name)).collect();
    if on.is_empty() { "none".into() } else { on.join(", ") }
}

fn window(window: &Object) -> String {
    let of = |name: &str| text(window, name);
    format!("{} {} {}", of("dayOfWeek"), of("timeOfDay"), of("timeZone")).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_broker_is_described() {
        let broker = json!({
            "brokerName": "orders", "brokerId": "b-1", "brokerState": "RUNNING", "engineType": "RabbitMQ",
            "engineVersion": "4.2.1", "hostInstanceType": "mq.m7g.large", "publiclyAccessible": false,
            "brokerInstances": [{"consoleURL": "https://c", "endpoints": ["amqps://a:1", "amqps://a:2"]}],
            "configurations": {"current": {"id": "c-1", "revision": 1}, "pending": {"id": "c-1", "revision": 2}},
            "logs": {"general": true, "generalLogGroup": "g", "pending": {"general": false}},
            "pendingEngineVersion": "4.3.0", "dataReplicationMode": "NONE", "storageType": "ebs",
            "users": [{"username": "ann"}, {"username": "bob", "pendingChange": "DELETE"}],
            "maintenanceWindowStartTime": {"dayOfWeek": "SUNDAY", "timeOfDay": "03:00", "timeZone": "UTC"},
            "tags": {"team": "x"}
        });
        let broker = broker.as_object().unwrap();
        let expect = "\
Name                  orders
Id                    b-1
State                 RUNNING
Engine                RabbitMQ 4.2.1
Instance type         mq.m7g.large
Endpoints             amqps://a:1
                      amqps://a:2
Console               https://c
Public                no
Configuration         c-1:1
Waiting for a reboot  engine version 4.3.0
                      configuration c-1:2
                      logs none
                      user bob (delete)
Logs                  general
Maintenance window    SUNDAY 03:00 UTC
Users                 ann, bob
Storage               ebs
Tags                  team=x";
        assert_eq!(whole(broker), expect);
        let expect = "\
orders runs (b-1, RabbitMQ 4.2.1 on mq.m7g.large)
  amqps://a:1
  amqps://a:2
  console https://c
waiting for a reboot: engine version 4.3.0, configuration c-1:2, logs none, user bob (delete)";
        assert_eq!(endpoints(broker), expect);
    }
}
