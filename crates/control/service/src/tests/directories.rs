//! Brokers whose users are in a directory: what is taken, what is told, and what reaches the node.

use serde_json::{Value, json};

use super::rig::{Rig, activemq, rabbitmq};

const SECRET: &str = "directory-secret-word";

fn metadata() -> Value {
    json!({
        "hosts": ["ldap1.example.com", "ldap2.example.com"],
        "userBase": "ou=people,dc=x",
        "userSearchMatching": "(uid={0})",
        "userSearchSubtree": true,
        "roleBase": "ou=groups,dc=x",
        "roleSearchMatching": "(member={0})",
        "roleName": "cn",
        "serviceAccountUsername": "cn=mq,dc=x",
        "serviceAccountPassword": SECRET,
    })
}

fn with_directory(name: &str) -> Value {
    let mut input = activemq(name);
    input["authenticationStrategy"] = json!("LDAP");
    input["ldapServerMetadata"] = metadata();
    input["users"] = json!([]);
    input
}

/// What the API tells of the directory: all but the password.
fn told() -> Value {
    let mut told = metadata();
    let members = told.as_object_mut().unwrap();
    members.remove("serviceAccountPassword");
    members.insert("roleSearchSubtree".into(), json!(false));
    told
}

/// What the node of a broker reads of its directory.
fn at_node(rig: &Rig, id: &str) -> Option<Value> {
    let name = crate::node_spec::node_name(id).unwrap();
    let spec = rig.fleet.running_spec(&name).unwrap();
    spec.directory.map(|text| serde_json::from_str(text.expose()).unwrap())
}

#[test]
fn a_directory_reaches_the_node_and_its_password_nobody_else() {
    let rig = Rig::new();
    let id = rig.broker(&with_directory("orders"));
    let described = rig.get(&format!("/v1/brokers/{id}")).body;
    assert_eq!(described["authenticationStrategy"], "ldap");
    assert_eq!(described["ldapServerMetadata"], told());
    assert_eq!(described.get("pendingAuthenticationStrategy"), None);
    let read = at_node(&rig, &id).unwrap();
    assert_eq!((&read["serviceAccountPassword"], &read["caFile"]), (&json!(SECRET), &json!("/ca.pem")));
    assert_eq!((&read["hosts"], &read["userSearchSubtree"]), (&metadata()["hosts"], &json!(true)));
    let configuration = described["configurations"]["current"]["id"].as_str().unwrap();
    let configuration = rig.get(&format!("/v1/configurations/{configuration}")).body;
    assert_eq!(configuration["authenticationStrategy"], "ldap");
    assert!(!described.to_string().contains(SECRET));
    assert!(rig.audit().iter().all(|record| !record.to_string().contains(SECRET)));
    assert!(!format!("{:?}", rig.record(&id)).contains(SECRET));
    let name = crate::node_spec::node_name(&id).unwrap();
    assert!(!format!("{:?}", rig.fleet.running_spec(&name)).contains(SECRET));
}

#[test]
fn a_change_of_the_strategy_waits_for_a_reboot() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let path = format!("/v1/brokers/{id}");
    let reboot = |rig: &Rig| {
        assert_eq!(rig.call("POST", &format!("{path}/reboot"), &Value::Null).status, 200);
        rig.reconcile(&id);
    };
    let asked = json!({"authenticationStrategy": "LDAP", "ldapServerMetadata": metadata()});
    let answer = rig.call("PUT", &path, &asked).body;
    assert_eq!((&answer["authenticationStrategy"], &answer["ldapServerMetadata"]), (&json!("ldap"), &told()));
    let described = rig.get(&path).body;
    assert_eq!(described["authenticationStrategy"], "simple");
    assert_eq!(described["pendingAuthenticationStrategy"], "ldap");
    assert_eq!(described["pendingLdapServerMetadata"], told());
    assert_eq!(at_node(&rig, &id), None);
    reboot(&rig);
    let described = rig.get(&path).body;
    assert_eq!(
        (&described["authenticationStrategy"], &described["ldapServerMetadata"]),
        (&json!("ldap"), &told())
    );
    assert_eq!(described.get("pendingLdapServerMetadata"), None);
    assert!(at_node(&rig, &id).is_some());
    // Something else of it, and the strategy stays.
    let mut other = metadata();
    other["roleName"] = json!("ou");
    assert_eq!(rig.call("PUT", &path, &json!({"ldapServerMetadata": other})).status, 200);
    assert_eq!(rig.get(&path).body["pendingLdapServerMetadata"]["roleName"], "ou");
    reboot(&rig);
    assert_eq!(at_node(&rig, &id).unwrap()["roleName"], "ou");
    // And back.
    assert_eq!(rig.call("PUT", &path, &json!({"authenticationStrategy": "SIMPLE"})).status, 200);
    assert_eq!(rig.get(&path).body["pendingAuthenticationStrategy"], "simple");
    reboot(&rig);
    let described = rig.get(&path).body;
    assert_eq!(
        (&described["authenticationStrategy"], described.get("ldapServerMetadata")),
        (&json!("simple"), None)
    );
    assert_eq!(at_node(&rig, &id), None);
}

#[test]
fn what_can_not_be_a_directory_is_refused() {
    let rig = Rig::new();
    let check = |change: &dyn Fn(&mut Value), attribute: &str, text: &str| {
        let mut input = with_directory("orders");
        change(&mut input);
        let answer = rig.call("POST", "/v1/brokers", &input);
        let message = answer.body["message"].as_str().unwrap_or_default();
        assert_eq!((answer.status, &answer.body["errorAttribute"]), (400, &json!(attribute)), "{message}");
        assert!(message.contains(text) && !message.contains(SECRET), "{message}");
    };
    let set = |member: &'static str, value: Value| {
        move |input: &mut Value| input["ldapServerMetadata"][member] = value.clone()
    };
    let of = "ldapServerMetadata";
    check(&|input| input["ldapServerMetadata"] = Value::Null, of, "needs LDAP server metadata");
    check(&|input| input["authenticationStrategy"] = json!("SIMPLE"), of, "is for ActiveMQ brokers");
    check(
        &|input| input["authenticationStrategy"] = json!("CONFIG_MANAGED"),
        "authenticationStrategy",
        "does not support",
    );
    check(&set("hosts", json!([])), of, "1 to 2 hosts");
    check(&set("hosts", json!(["a", "b", "c"])), of, "1 to 2 hosts");
    check(&set("hosts", json!(["ldaps://a"])), of, "is no host");
    check(&set("userBase", json!("people")), of, "[userBase] is no distinguished name");
    check(&set("userSearchMatching", json!("(uid=ann)")), of, "[userSearchMatching] is no filter");
    check(&set("userSearchMatching", json!("(uid={0}")), of, "[userSearchMatching] is no filter");
    check(&set("roleSearchMatching", json!("")), of, "[roleSearchMatching] has to have");
    check(&set("serviceAccountPassword", json!("")), of, "[serviceAccountPassword] has to have");
    let mut input = rabbitmq("orders");
    input["authenticationStrategy"] = json!("LDAP");
    let answer = rig.call("POST", "/v1/brokers", &input);
    assert_eq!((answer.status, &answer.body["errorAttribute"]), (400, &json!("authenticationStrategy")));
}

#[test]
fn a_map_in_a_directory_is_for_brokers_that_have_one() {
    let rig = Rig::new();
    let made = rig.call(
        "POST",
        "/v1/configurations",
        &json!({"name": "mapped", "engineType": "ACTIVEMQ", "engineVersion": "5.18", "authenticationStrategy": "LDAP"}),
    );
    assert_eq!((made.status, &made.body["authenticationStrategy"]), (200, &json!("ldap")));
    let id = made.body["id"].as_str().unwrap();
    let text = r#"<broker xmlns="http://activemq.apache.org/schema/core"><plugins><authorizationPlugin><map>
        <cachedLDAPAuthorizationMap queueSearchBase="ou=q" topicSearchBase="ou=t" tempSearchBase="ou=e"/>
        </map></authorizationPlugin></plugins></broker>"#;
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let updated = rig.call("PUT", &format!("/v1/configurations/{id}"), &json!({"data": data}));
    assert_eq!((updated.status, &updated.body["warnings"]), (200, &json!([])));
    let mut plain = activemq("orders");
    plain["configuration"] = json!({"id": id, "revision": 2});
    plain["engineVersion"] = json!("5.18");
    let refused = rig.call("POST", "/v1/brokers", &plain);
    assert_eq!((refused.status, &refused.body["errorAttribute"]), (400, &json!("configuration")));
    let mut mapped = with_directory("orders");
    mapped["configuration"] = plain["configuration"].clone();
    mapped["engineVersion"] = json!("5.18");
    let broker = rig.broker(&mapped);
    // It can't lose the directory as long as it has that configuration.
    let refused =
        rig.call("PUT", &format!("/v1/brokers/{broker}"), &json!({"authenticationStrategy": "SIMPLE"}));
    assert_eq!((refused.status, &refused.body["errorAttribute"]), (400, &json!("configuration")));
}
