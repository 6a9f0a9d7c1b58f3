//! Users of brokers who are bound to IAM users: what becomes of policies, and when nodes are told.

use ternmq_fleet::{NodeGrants, NodeName, SimulatedFault, Step};

use serde_json::{Value, json};

use super::rig::{REGION, Rig, activemq, rabbitmq};
use crate::node_spec::node_name;

/// A broker `orders` with the tag `env=prod`, and an IAM user `ann` who is bound to its user `app`.
struct Bound {
    rig: Rig,
    id: String,
    node: NodeName,
}

impl Bound {
    fn new(mut input: Value) -> Self {
        let rig = Rig::new();
        input["tags"] = json!({"env": "prod"});
        let id = rig.broker(&input);
        let node = node_name(&id).unwrap();
        let bound = Self { rig, id, node };
        bound.create("ann", "app");
        bound
    }

    fn key(&self) -> String {
        format!("mq:broker-user/{}", self.id)
    }

    fn create(&self, user: &str, broker_user: &str) {
        let key = self.key();
        let tag = [("Tags.member.1.Key", key.as_str()), ("Tags.member.1.Value", broker_user)];
        self.rig.done("CreateUser", &[&[("UserName", user)], &tag[..]].concat());
    }

    fn policy(&self, statements: &str) -> String {
        let arn = format!("arn:aws:mq:{REGION}:123456789012:broker:orders:{}", self.id);
        format!(r#"{{"Version":"2012-10-17","Statement":[{}]}}"#, statements.replace('@', &arn))
    }

    fn put_policy(&self, statements: &str) {
        let policy = self.policy(statements);
        let members = [("UserName", "ann"), ("PolicyName", "p"), ("PolicyDocument", policy.as_str())];
        self.rig.done("PutUserPolicy", &members);
    }

    /// What the node has, and how often it was told something new.
    fn told(&self) -> (NodeGrants, u32) {
        self.rig.fleet.grants(&self.node)
    }

    /// The call has the broker looked at; layers of `app` then.
    fn after(&self, action: &str, members: &[(&str, &str)]) -> Value {
        self.rig.drain_work();
        self.rig.done(action, members);
        assert_eq!(self.rig.drain_work(), [self.id.as_str()], "{action}");
        self.rig.reconcile(&self.id);
        self.layers()
    }

    fn layers(&self) -> Value {
        json!(self.told().0.users.get("app").map(|user| &user.layers))
    }
}

fn rule(effect: &str, acts: &[&str], kinds: &[&str], names: &Value) -> Value {
    json!({"effect": effect, "acts": acts, "kinds": kinds, "names": names})
}

const ALL_ACTS: [&str; 6] = ["enter", "create", "delete", "send", "receive", "manage"];
const ALL_KINDS: [&str; 5] = ["broker", "namespace", "queue", "node", "key"];

fn everything() -> Value {
    rule("allow", &ALL_ACTS, &ALL_KINDS, &json!({"only": ["*"]}))
}

#[test]
fn policies_become_rules_of_a_rabbitmq_node() {
    let bound = Bound::new(rabbitmq("orders"));
    let allow = |acts: &[&str], kinds: &[&str], names: Value| rule("allow", acts, kinds, &names);
    let two = ["send", "receive"];
    #[rustfmt::skip]
    let table = [
        (r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#, json!([everything()])),
        (r#"{"Effect":"Allow","Action":"mq:SendMessage","Resource":"@/queue/%2F/orders"}"#, json!([allow(&["send"], &["queue"], json!({"only": ["%2F/orders"]}))])),
        (r#"{"Effect":"Allow","Action":["mq:SendMessage","mq:ReceiveMessage"],"Resource":["@/queue/%2F/*","@/exchange/%2F/amq.topic","@/topic/%2F/amq.topic/eu.?"]}"#,
            json!([allow(&two, &["queue"], json!({"only": ["%2F/*"]})), allow(&two, &["node"], json!({"only": ["%2F/amq.topic"]})), allow(&two, &["key"], json!({"only": ["%2F/amq.topic/eu.?"]}))])),
        (r#"{"Effect":"Allow","Action":"mq:Connect","Resource":"@/vhost/%2F"}"#, json!([allow(&["enter"], &["namespace"], json!({"only": ["%2F"]}))])),
        (r#"{"Effect":"Allow","Action":"mq:Connect","Resource":"@"}"#, json!([])),
        (r#"{"Effect":"Allow","Action":"mq:AdministerBroker","Resource":"@"}"#, json!([allow(&["manage"], &["broker"], json!({"only": [""]}))])),
        (r#"{"Effect":"Deny","NotAction":"mq:*Message","NotResource":"@/queue/tmp/*"}"#,
            json!([rule("deny", &["enter", "create", "delete", "manage"], &["broker", "namespace", "node"], &json!({"all_but": []})), rule("deny", &["create", "delete"], &["queue"], &json!({"all_but": ["tmp/*"]}))])),
        (r#"{"Effect":"Allow","Action":"mq:CreateDestination","Resource":"@/*/%2F/${aws:username}${*}*"}"#,
            json!([allow(&["create"], &["queue", "node"], json!({"only": ["%2F/ann\\**", "*/%2F/ann\\**"]}))])),
        (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"prod"}}}"#, json!([everything()])),
        (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"test"}}}"#, json!([])),
        (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"0.0.0.0/0"}}}"#, json!([])),
        (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"},"Bool":{"aws:ViaAWSService":"false"}}}"#, json!([everything()])),
        (r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}}"#, json!([everything()])),
        (r#"{"Effect":"Allow","Action":["mq:Describe*","iam:*"],"Resource":"*"}"#, json!([])),
    ];
    for (statements, expect) in table {
        bound.put_policy(statements);
        bound.rig.reconcile(&bound.id);
        let mut layers = bound.layers();
        // Which of two rests comes first says nothing.
        if statements.contains("${*}") {
            let mut only: Vec<String> =
                serde_json::from_value(layers[0][0]["names"]["only"].clone()).unwrap();
            only.sort_by_key(String::len);
            layers[0][0]["names"]["only"] = json!(only);
        }
        assert_eq!(layers, json!([expect]), "{statements}");
    }
}

#[test]
fn policies_become_rules_of_an_activemq_node() {
    let bound = Bound::new(activemq("orders"));
    let allow =
        |acts: &[&str], kinds: &[&str], only: Value| rule("allow", acts, kinds, &json!({"only": only}));
    bound.put_policy(
        r#"{"Effect":"Allow","Action":"mq:*","Resource":["@","@/queue/orders.*","@/topic/prices"]},
        {"Effect":"Deny","Action":"mq:SendMessage","Resource":"@/mqtt-shared/*"}"#,
    );
    bound.rig.reconcile(&bound.id);
    let expect = json!([[
        allow(&["manage"], &["broker"], json!([""])),
        allow(&["enter"], &["namespace"], json!(["localhost"])),
        allow(&["create", "delete", "send", "receive"], &["queue"], json!(["localhost/queue://orders.*"])),
        allow(&["create", "delete", "send", "receive"], &["node"], json!(["localhost/topic://prices"])),
        rule("deny", &["send"], &["queue"], &json!({"only": ["localhost/mqtt-shared://*"]})),
    ]]);
    assert_eq!(bound.layers(), expect);
}

#[test]
fn each_change_of_a_principal_is_told() {
    let bound = Bound::new(rabbitmq("orders"));
    let ann = ("UserName", "ann");
    assert_eq!(bound.rig.drain_work(), [bound.id.as_str()]);
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([[]]), "nothing said is denied");
    let all = bound.policy(r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#);
    let only = rule("allow", &["send"], &["queue"], &json!({"only": ["%2F/q"]}));
    let send = bound.policy(r#"{"Effect":"Allow","Action":"mq:SendMessage","Resource":"@/queue/%2F/q"}"#);

    let inline = [ann, ("PolicyName", "p"), ("PolicyDocument", send.as_str())];
    assert_eq!(bound.after("PutUserPolicy", &inline), json!([[only]]));
    assert_eq!(bound.after("DeleteUserPolicy", &inline[..2]), json!([[]]));
    let managed = [("PolicyName", "m"), ("PolicyDocument", all.as_str())];
    bound.rig.done("CreatePolicy", &managed);
    let arn = ("PolicyArn", "arn:aws:iam::123456789012:policy/m");
    assert_eq!(bound.after("AttachUserPolicy", &[ann, arn]), json!([[everything()]]));
    let version = [arn, ("PolicyDocument", send.as_str()), ("SetAsDefault", "true")];
    assert_eq!(bound.after("CreatePolicyVersion", &version), json!([[only]]));
    let first = [arn, ("VersionId", "v1")];
    assert_eq!(bound.after("SetDefaultPolicyVersion", &first), json!([[everything()]]));
    assert_eq!(bound.after("DetachUserPolicy", &[ann, arn]), json!([[]]));

    let group = ("GroupName", "g");
    bound.rig.done("CreateGroup", &[group]);
    let of_group = [group, ("PolicyName", "p"), ("PolicyDocument", send.as_str())];
    bound.rig.done("PutGroupPolicy", &of_group);
    assert_eq!(bound.after("AddUserToGroup", &[group, ann]), json!([[only]]));
    assert_eq!(bound.after("DeleteGroupPolicy", &of_group[..2]), json!([[]]));
    bound.rig.done("PutGroupPolicy", &of_group);
    assert_eq!(bound.after("RemoveUserFromGroup", &[group, ann]), json!([[]]));

    let tagged = bound.policy(
        r#"{"Effect":"Allow","Action":"mq:SendMessage","Resource":"@/queue/%2F/${aws:PrincipalTag/queue}"}"#,
    );
    let inline = [ann, ("PolicyName", "p"), ("PolicyDocument", tagged.as_str())];
    assert_eq!(bound.after("PutUserPolicy", &inline), json!([[]]));
    let tag = [ann, ("Tags.member.1.Key", "queue"), ("Tags.member.1.Value", "q")];
    assert_eq!(bound.after("TagUser", &tag), json!([[only]]));
    let key = bound.key();
    assert_eq!(bound.after("UntagUser", &[ann, ("TagKeys.member.1", key.as_str())]), json!(null));
    let tag = [ann, ("Tags.member.1.Key", key.as_str()), ("Tags.member.1.Value", "app")];
    assert_eq!(bound.after("TagUser", &tag), json!([[only]]));
    bound.rig.done("DeleteUserPolicy", &inline[..2]);
    assert_eq!(bound.after("DeleteUser", &[ann]), json!(null), "who is gone binds nobody");
}

#[test]
fn what_concerns_no_policy_has_no_broker_looked_at() {
    let bound = Bound::new(rabbitmq("orders"));
    bound.rig.drain_work();
    let (_, before) = bound.told();
    bound.rig.done("CreateAccessKey", &[("UserName", "ann")]);
    assert!(bound.rig.drain_work().is_empty());
    for _ in 0..3 {
        bound.rig.reconcile(&bound.id);
    }
    assert_eq!(bound.told().1, before + 1, "it is told once");
}

#[test]
fn a_boundary_is_a_layer_of_its_own() {
    let bound = Bound::new(rabbitmq("orders"));
    let send = bound.policy(r#"{"Effect":"Allow","Action":"mq:SendMessage","Resource":"@/queue/%2F/q"}"#);
    bound.rig.done("CreatePolicy", &[("PolicyName", "b"), ("PolicyDocument", send.as_str())]);
    let (key, boundary) = (bound.key(), "arn:aws:iam::123456789012:policy/b");
    let bob = [
        ("UserName", "bob"),
        ("PermissionsBoundary", boundary),
        ("Tags.member.1.Key", key.as_str()),
        ("Tags.member.1.Value", "other"),
    ];
    bound.rig.done("CreateUser", &bob);
    let admin = "arn:aws:iam::aws:policy/AdministratorAccess";
    bound.rig.done("AttachUserPolicy", &[("UserName", "bob"), ("PolicyArn", admin)]);
    bound.rig.reconcile(&bound.id);
    let only = rule("allow", &["send"], &["queue"], &json!({"only": ["%2F/q"]}));
    let (told, _) = bound.told();
    assert_eq!(json!(told.users["other"].layers), json!([[everything()], [only]]));
    assert_eq!(json!(told.users["app"].layers), json!([[]]));
}

#[test]
fn tags_of_the_broker_are_told() {
    let bound = Bound::new(rabbitmq("orders"));
    bound.put_policy(
        r#"{"Effect":"Allow","Action":"mq:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/env":"${aws:PrincipalTag/env, 'test'}"}}}"#,
    );
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([[]]));
    bound.rig.drain_work();
    let path =
        format!("/v1/tags/arn:aws:mq:{REGION}:123456789012:broker:orders:{}", bound.id).replace(':', "%3A");
    let answer = bound.rig.call("POST", &path, &json!({"tags": {"env": "test"}}));
    assert_eq!(answer.status, 204, "{answer:?}");
    assert_eq!(bound.rig.drain_work(), [bound.id.as_str()]);
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([[everything()]]));
}

#[test]
fn who_is_claimed_twice_is_granted_nothing() {
    let bound = Bound::new(rabbitmq("orders"));
    bound.put_policy(r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#);
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([[everything()]]));
    bound.create("bob", "app");
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([]));
    bound.create("eve", "app");
    bound.rig.done("DeleteUser", &[("UserName", "bob")]);
    bound.rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([]));
    assert_eq!(bound.after("DeleteUser", &[("UserName", "eve")]), json!([[everything()]]));
}

#[test]
fn i11_who_has_more_rules_than_a_node_takes_is_granted_nothing() {
    let bound = Bound::new(rabbitmq("orders"));
    let statement = r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#;
    let policy = bound.policy(&vec![statement; 115].join(","));
    for number in 0..9 {
        let name = format!("m{number}");
        let arn = format!("arn:aws:iam::123456789012:policy/{name}");
        bound.rig.done("CreatePolicy", &[("PolicyName", &name), ("PolicyDocument", &policy)]);
        let layers = bound.after("AttachUserPolicy", &[("UserName", "ann"), ("PolicyArn", &arn)]);
        let count = layers[0].as_array().map(Vec::len);
        let expect = if number < 8 { Some((number + 1) * 115) } else { None };
        assert_eq!(count, expect, "{} policies", number + 1);
    }
    assert_eq!(bound.layers(), json!([]));
}

#[test]
fn a_tag_that_names_no_broker_is_refused() {
    let bound = Bound::new(rabbitmq("orders"));
    let bad = [
        "",
        "orders",
        "b-1",
        "B-1234ABCD-0000-4000-8000-000000000000",
        "b-1234abcd-0000-4000-8000-00000000000g",
    ];
    for (key, value) in
        bad.map(|id| (format!("mq:broker-user/{id}"), "app")).into_iter().chain([(bound.key(), "")])
    {
        let tag = [("Tags.member.1.Key", key.as_str()), ("Tags.member.1.Value", value)];
        for (action, user) in [("TagUser", "ann"), ("CreateUser", "bob")] {
            let answer = bound.rig.iam(action, &[&[("UserName", user)], &tag[..]].concat());
            assert_eq!(
                (answer.status, answer.code()),
                (400, "ValidationError"),
                "{action} {key}: {}",
                answer.text
            );
            assert!(answer.first("Message").contains("broker"), "{}", answer.text);
        }
    }
    let upper = bound.key().to_uppercase();
    let tag = [("UserName", "ann"), ("Tags.member.1.Key", upper.as_str()), ("Tags.member.1.Value", "app")];
    assert_eq!(bound.rig.iam("TagUser", &tag).code(), "ValidationError");
}

/// The service dies between keeping a change and telling the node.
#[test]
fn what_was_not_told_is_told_after_the_next_start() {
    let bound = Bound::new(rabbitmq("orders"));
    bound.rig.reconcile(&bound.id);
    bound.put_policy(r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#);
    bound.rig.fleet.fail_at(Step::SetGrants, SimulatedFault::Crash);
    bound.rig.service.reconcile(REGION, &bound.id).unwrap_err();
    assert_eq!(bound.layers(), json!([[]]));
    bound.rig.fleet.revive();
    let rig = Rig::on(bound.rig.disk.killed(), bound.rig.fleet.clone(), bound.rig.clock.clone());
    rig.service.take_stock().unwrap();
    assert_eq!(rig.drain_work(), [bound.id.as_str()]);
    rig.reconcile(&bound.id);
    assert_eq!(bound.layers(), json!([[everything()]]));
}

/// A node has its grants before the users that its broker was given while they were made.
#[test]
fn a_node_has_its_grants_before_its_users() {
    let rig = Rig::new();
    let created = rig.call("POST", "/v1/brokers", &activemq("orders"));
    let id = created.body["brokerId"].as_str().unwrap().to_owned();
    let key = format!("mq:broker-user/{id}");
    let tag = [("UserName", "ann"), ("Tags.member.1.Key", key.as_str()), ("Tags.member.1.Value", "ann")];
    rig.done("CreateUser", &tag);
    rig.fleet.fail_at(Step::PutUser, SimulatedFault::Error);
    rig.service.reconcile(REGION, &id).unwrap_err();
    let node = node_name(&id).unwrap();
    assert!(rig.fleet.users(&node).is_empty());
    assert!(rig.fleet.grants(&node).0.users.contains_key("ann"));
}
