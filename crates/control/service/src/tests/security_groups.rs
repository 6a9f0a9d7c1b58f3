//! Security groups of one's own: made, changed, deleted, and whom the nodes of their brokers let in.

use std::sync::Arc;

use serde_json::{Value, json};
use ternmq_fakes::Fault;
use ternmq_fleet::{AcceptRule, NodeName, SimulatedFault, SimulatedFleet, Step};

use super::crashes::{next_life, work_off};
use super::rig::{REGION, Rig, activemq, rabbitmq, root};
use crate::network::{self, GROUPS_MAX, Network};
use crate::records::SecurityGroup;

/// Action, members, code. `ID` is a group that has one rule, `DEFAULT` the built-in one.
const WRONG: &str = "
CreateSecurityGroup GroupName=new MissingParameter
CreateSecurityGroup GroupName=new&GroupDescription= MissingParameter
CreateSecurityGroup GroupName=web&GroupDescription=d InvalidGroup.Duplicate
CreateSecurityGroup GroupName=default&GroupDescription=d InvalidParameterValue
CreateSecurityGroup GroupName=sg-mine&GroupDescription=d InvalidParameterValue
CreateSecurityGroup GroupName=aä&GroupDescription=d InvalidParameterValue
CreateSecurityGroup GroupName=_&GroupDescription=d InvalidParameterValue
CreateSecurityGroup GroupName=LONG&GroupDescription=d InvalidParameterValue
CreateSecurityGroup GroupName=new&GroupDescription=LONG InvalidParameterValue
CreateSecurityGroup GroupName=new&GroupDescription=d< InvalidParameterValue
CreateSecurityGroup GroupName=new&GroupDescription=d&VpcId=vpc-0 InvalidVpcID.NotFound
CreateSecurityGroup GroupName=new&GroupDescription=d&TagSpecification.1.ResourceType=vpc InvalidParameterValue
DeleteSecurityGroup GroupId=sg-0 InvalidGroup.NotFound
DeleteSecurityGroup GroupId=web InvalidGroupId.Malformed
DeleteSecurityGroup GroupName=none InvalidGroup.NotFound
DeleteSecurityGroup - MissingParameter
DeleteSecurityGroup GroupId=DEFAULT CannotDelete
DescribeSecurityGroups GroupName.1=none InvalidGroup.NotFound
DescribeSecurityGroups Filter.1.Name=ip-permission.cidr&Filter.1.Value.1=x InvalidParameterValue
DescribeSecurityGroups Filter.1.Name=group-id MissingParameter
DescribeSecurityGroups NextToken=x InvalidPaginationToken
DescribeSecurityGroups MaxResults=5&GroupId.1=ID InvalidParameterCombination
AuthorizeSecurityGroupIngress GroupId=ID MissingParameter
AuthorizeSecurityGroupIngress GroupId=sg-0&IpProtocol=-1&CidrIp=10.0.0.0/8 InvalidGroup.NotFound
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=tcp&FromPort=1&ToPort=2&CidrIp=10.1.0.0/8 InvalidPermission.Duplicate
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=udp&FromPort=1&ToPort=2&CidrIp=10.0.0.0/8 UnsupportedOperation
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=tcp&FromPort=1&CidrIp=10.0.0.0/8 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=tcp&FromPort=2&ToPort=1&CidrIp=10.0.0.0/8 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=tcp&FromPort=0&ToPort=65536&CidrIp=10.0.0.0/8 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=-1&CidrIp=10.0.0.0 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=-1&CidrIp=::/0 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=-1 MissingParameter
AuthorizeSecurityGroupIngress GroupId=ID&SourceSecurityGroupName=web UnsupportedOperation
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpProtocol=-1 MissingParameter
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8 MissingParameter
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.Groups.1.GroupId=ID UnsupportedOperation
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.PrefixListIds.1.PrefixListId=pl-1 UnsupportedOperation
AuthorizeSecurityGroupIngress GroupId=ID&CidrIp=10.0.0.0/8&IpPermissions.1.IpProtocol=-1 InvalidParameterCombination
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=11.0.0.0/8&IpPermissions.1.IpRanges.2.CidrIp=11.1.0.0/8 InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=11.0.0.0/8&IpPermissions.1.IpRanges.1.Description=a<b InvalidParameterValue
AuthorizeSecurityGroupIngress GroupId=ID&IpProtocol=-1&CidrIp=11.0.0.0/8&TagSpecification.1.ResourceType=security-group-rule UnsupportedOperation
AuthorizeSecurityGroupEgress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=0.0.0.0/0 InvalidPermission.Duplicate
RevokeSecurityGroupIngress GroupId=ID&IpProtocol=-1&CidrIp=10.0.0.0/8 InvalidPermission.NotFound
RevokeSecurityGroupIngress GroupId=ID&SecurityGroupRuleId.1=sgr-0 InvalidSecurityGroupRuleId.NotFound
RevokeSecurityGroupIngress GroupId=ID&SecurityGroupRuleId.1=sgr-0&IpPermissions.1.IpProtocol=-1 InvalidParameterCombination
RevokeSecurityGroupIngress GroupId=ID&SecurityGroupRuleId.1=sgr-0&CidrIp=10.0.0.0/8 InvalidParameterCombination
RevokeSecurityGroupEgress GroupId=ID&IpPermissions.1.IpProtocol=-1&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0/8 InvalidPermission.NotFound
DescribeSecurityGroupRules SecurityGroupRuleId.1=sgr-0 InvalidSecurityGroupRuleId.NotFound
DescribeVpcs VpcId.1=vpc-0 InvalidVpcID.NotFound
DescribeSubnets SubnetId.1=subnet-0 InvalidSubnetID.NotFound
DescribeAvailabilityZones ZoneName.1=eu-west-1z InvalidParameterValue
DescribeAvailabilityZones ZoneId.1=euw1-az1 InvalidParameterValue
CreateTags ResourceId.1=sg-0&Tag.1.Key=a InvalidGroup.NotFound
CreateTags ResourceId.1=vpc-0&Tag.1.Key=a UnsupportedOperation
CreateTags ResourceId.1=ID&Tag.1.Key=aws:a InvalidParameterValue
CreateTags ResourceId.1=ID&Tag.1.Key=a&Tag.2.Key=a InvalidParameterValue
CreateTags ResourceId.1=ID MissingParameter
DescribeTags MaxResults=4 InvalidMaxResults
DescribeInstances - InvalidAction
";

/// A group of that name; gives its id.
fn group(rig: &Rig, name: &str) -> String {
    let created =
        rig.ec2_done("CreateSecurityGroup", &[("GroupName", name), ("GroupDescription", "of a test")]);
    created.first("groupId").to_owned()
}

fn network() -> Network {
    Network::of("123456789012", REGION)
}

/// Rules that the node of a broker has now, as text.
fn rules(rig: &Rig, broker: &str) -> Vec<String> {
    let node = NodeName::new(broker, 1).unwrap();
    let rules = rig.fleet.running_spec(&node).unwrap().rules;
    rules.iter().map(|it: &AcceptRule| format!("{} {}-{}", it.source, it.ports.from, it.ports.to)).collect()
}

fn broker_in(rig: &Rig, name: &str, groups: &[&str]) -> String {
    let mut input = rabbitmq(name);
    input["securityGroups"] = json!(groups);
    rig.broker(&input)
}

/// What of a group DescribeSecurityGroups answers.
fn described(rig: &Rig, id: &str) -> String {
    rig.ec2_done("DescribeSecurityGroups", &[("GroupId.1", id)]).first("securityGroupInfo").to_owned()
}

#[test]
fn a_group_is_made_described_and_deleted() {
    let rig = Rig::new();
    let members = [
        ("GroupName", "web servers"),
        ("GroupDescription", "who may"),
        ("VpcId", &network().vpc),
        ("TagSpecification.1.ResourceType", "security-group"),
        ("TagSpecification.1.Tag.1.Key", "team"),
        ("TagSpecification.1.Tag.1.Value", "a"),
    ];
    let created = rig.ec2_done("CreateSecurityGroup", &members);
    let id = created.first("groupId").to_owned();
    assert!(id.len() == 20 && id.starts_with("sg-"), "{id}");
    let arn = format!("arn:aws:ec2:{REGION}:123456789012:security-group/{id}");
    assert_eq!(created.first("securityGroupArn"), arn);
    assert_eq!(created.first("tagSet"), "<item><key>team</key><value>a</value></item>");
    let rule = "<item><ipProtocol>-1</ipProtocol><ipRanges><item><cidrIp>0.0.0.0/0</cidrIp></item></ipRanges><ipv6Ranges></ipv6Ranges><prefixListIds></prefixListIds><groups></groups></item>";
    let shown = described(&rig, &id);
    for part in [
        "<groupName>web servers</groupName>",
        "<groupDescription>who may</groupDescription>",
        "<ownerId>123456789012</ownerId>",
        "<ipPermissions></ipPermissions>",
        &format!("<ipPermissionsEgress>{rule}</ipPermissionsEgress>"),
        &format!("<vpcId>{}</vpcId>", network().vpc),
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let deleted = rig.ec2_done("DeleteSecurityGroup", &[("GroupName", "web servers")]);
    assert_eq!((deleted.first("return"), deleted.first("groupId")), ("true", id.as_str()));
    let gone = rig.ec2("DescribeSecurityGroups", &[("GroupId.1", &id)]);
    assert_eq!((gone.status, gone.code()), (400, "InvalidGroup.NotFound"));
    assert_eq!(rig.ec2_done("DescribeSecurityGroups", &[]).all("groupName"), ["default"]);
}

#[test]
fn what_is_wrong_has_its_code_and_changes_nothing() {
    let rig = Rig::new();
    let id = group(&rig, "web");
    let has = [
        ("GroupId", id.as_str()),
        ("IpProtocol", "tcp"),
        ("FromPort", "1"),
        ("ToPort", "2"),
        ("CidrIp", "10.0.0.0/8"),
    ];
    rig.ec2_done("AuthorizeSecurityGroupIngress", &has);
    let before = described(&rig, &id);
    let (long, default) = ("x".repeat(256), network().default_group);
    for row in WRONG.lines().filter(|row| !row.is_empty()) {
        let [action, members, code] = row.split(' ').collect::<Vec<_>>()[..] else { panic!("{row}") };
        let members = members.split('&').filter_map(|member| member.split_once('='));
        let value = |text| match text {
            "ID" => id.as_str(),
            "DEFAULT" => &default,
            "LONG" => &long,
            "_" => " ",
            other => other,
        };
        let members: Vec<_> = members.map(|(name, text)| (name, value(text))).collect();
        let answer = rig.ec2(action, &members);
        assert_eq!((answer.status, answer.code()), (400, code), "{row}: {}", answer.text);
    }
    assert_eq!(described(&rig, &id), before);
    assert_eq!(rig.ec2_done("DescribeSecurityGroups", &[]).all("groupName").len(), 2);
}

/// A rule in both forms in which a call can name it.
#[test]
fn both_forms_of_a_rule_are_the_same() {
    let rig = Rig::new();
    let id = group(&rig, "web");
    let flat = [("IpProtocol", "6"), ("FromPort", "5671"), ("ToPort", "5671"), ("CidrIp", "10.1.2.3/8")];
    let listed = [
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "5671"),
        ("IpPermissions.1.ToPort", "5671"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
    ];
    let of = |members: &[(&'static str, &'static str)]| {
        let own = [("GroupId", id.as_str())];
        own.into_iter()
            .chain(members.iter().copied())
            .map(|(name, value)| (name, value.to_owned()))
            .collect::<Vec<_>>()
    };
    let call = |action: &str, members: &[(&'static str, &'static str)]| {
        let members = of(members);
        let members: Vec<(&str, &str)> =
            members.iter().map(|(name, value)| (*name, value.as_str())).collect();
        rig.ec2(action, &members)
    };
    let made = call("AuthorizeSecurityGroupIngress", &flat);
    let rule = made.first("securityGroupRuleId").to_owned();
    assert_eq!(
        (made.first("cidrIpv4"), made.first("isEgress"), made.first("fromPort")),
        ("10.0.0.0/8", "false", "5671")
    );
    assert_eq!(call("AuthorizeSecurityGroupIngress", &listed).code(), "InvalidPermission.Duplicate");
    let revoked = call("RevokeSecurityGroupIngress", &listed);
    assert_eq!((revoked.status, revoked.first("securityGroupRuleId")), (200, rule.as_str()));
    assert_eq!(call("RevokeSecurityGroupIngress", &flat).code(), "InvalidPermission.NotFound");
    let again = call("AuthorizeSecurityGroupIngress", &listed);
    let id_of_rule = ("SecurityGroupRuleId.1", again.first("securityGroupRuleId"));
    let by_id = rig.ec2_done("RevokeSecurityGroupIngress", &[("GroupId", &id), id_of_rule]);
    assert_eq!(by_id.all("revokedSecurityGroupRuleSet").len(), 1);
    assert!(described(&rig, &id).contains("<ipPermissions></ipPermissions>"));
}

#[test]
fn rules_are_shown_by_ports_and_one_by_one() {
    let rig = Rig::new();
    let id = group(&rig, "web");
    let members = [
        ("GroupId", id.as_str()),
        ("IpPermissions.1.IpProtocol", "tcp"),
        ("IpPermissions.1.FromPort", "5671"),
        ("IpPermissions.1.ToPort", "5672"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "10.0.0.0/8"),
        ("IpPermissions.1.IpRanges.1.Description", "office"),
        ("IpPermissions.1.Ipv6Ranges.1.CidrIpv6", "2001:db8::/32"),
        ("IpPermissions.2.IpProtocol", "-1"),
        ("IpPermissions.2.FromPort", "0"),
        ("IpPermissions.2.ToPort", "0"),
        ("IpPermissions.2.IpRanges.1.CidrIp", "192.0.2.1/32"),
    ];
    rig.ec2_done("AuthorizeSecurityGroupIngress", &members);
    let shown = described(&rig, &id);
    let (before, _) = shown.split_once("<ipPermissionsEgress>").unwrap();
    assert_eq!(before.matches("<ipProtocol>tcp</ipProtocol>").count(), 1, "{shown}");
    assert_eq!(before.matches("<ipProtocol>-1</ipProtocol>").count(), 1, "{shown}");
    let office = "<cidrIp>10.0.0.0/8</cidrIp><description>office</description>";
    assert!(before.contains(office) && before.contains("<cidrIpv6>2001:db8::/32</cidrIpv6>"), "{shown}");
    let filter = [("Filter.1.Name", "group-id"), ("Filter.1.Value.1", id.as_str())];
    let rules = rig.ec2_done("DescribeSecurityGroupRules", &filter);
    let mut from = rules.all("fromPort");
    from.sort_unstable();
    assert_eq!(from, ["-1", "-1", "5671", "5671"]);
    let one = rules.all("securityGroupRuleId");
    let found = rig.ec2_done("DescribeSecurityGroupRules", &[("SecurityGroupRuleId.1", one[0])]);
    assert_eq!(found.all("securityGroupRuleId"), [one[0]]);
    assert_eq!(
        found.first("securityGroupRuleArn"),
        format!("arn:aws:ec2:{REGION}:123456789012:security-group-rule/{}", one[0])
    );
}

#[test]
fn rules_reach_the_nodes_of_a_groups_brokers_and_no_others() {
    let rig = Rig::new();
    let (web, db) = (group(&rig, "web"), group(&rig, "db"));
    let (one, both) = (broker_in(&rig, "one", &[&web]), broker_in(&rig, "both", &[&web, &db]));
    let other = rig.broker(&rabbitmq("other"));
    assert_eq!((rules(&rig, &one), rules(&rig, &other).len()), (Vec::new(), 2));
    let rule = [("IpProtocol", "tcp"), ("FromPort", "5671"), ("ToPort", "5671"), ("CidrIp", "127.0.0.1/32")];
    rig.ec2_done("AuthorizeSecurityGroupIngress", &[&[("GroupId", web.as_str())], &rule[..]].concat());
    let all = [("GroupId", db.as_str()), ("IpProtocol", "-1"), ("CidrIp", "10.0.0.0/8")];
    rig.ec2_done("AuthorizeSecurityGroupIngress", &all);
    [&one, &both, &other].iter().for_each(|id| rig.reconcile(id));
    assert_eq!(rules(&rig, &one), ["127.0.0.1/32 5671-5671"]);
    assert_eq!(rules(&rig, &both), ["127.0.0.1/32 5671-5671", "10.0.0.0/8 0-65535"]);
    rig.ec2_done("RevokeSecurityGroupIngress", &[&[("GroupId", web.as_str())], &rule[..]].concat());
    let moved = rig.call("PUT", &format!("/v1/brokers/{other}"), &json!({"securityGroups": [db]}));
    assert_eq!(moved.status, 200, "{moved:?}");
    [&one, &both, &other].iter().for_each(|id| rig.reconcile(id));
    assert_eq!((rules(&rig, &one), rules(&rig, &other)), (Vec::new(), vec!["10.0.0.0/8 0-65535".to_owned()]));
    let starts = |id: &str| rig.fleet.starts(&NodeName::new(id, 1).unwrap());
    assert_eq!([starts(&one), starts(&both), starts(&other)], [1, 1, 1], "rules need no new process");
}

/// The built-in group can be changed like any other.
#[test]
fn the_default_group_lets_everybody_in_until_it_is_changed() {
    let rig = Rig::new();
    let id = rig.broker(&rabbitmq("orders"));
    let default = network().default_group;
    let everybody = [("GroupName", "default"), ("IpProtocol", "-1"), ("CidrIp", "0.0.0.0/0")];
    rig.ec2_done("RevokeSecurityGroupIngress", &everybody);
    rig.reconcile(&id);
    assert_eq!(rules(&rig, &id), ["::/0 0-65535"]);
    assert_eq!(rig.ec2_done("DescribeSecurityGroups", &[]).all("groupId"), [default.as_str()]);
    rig.ec2_done("AuthorizeSecurityGroupIngress", &everybody);
    // A public RabbitMQ broker is in no network.
    let mut public = rabbitmq("public");
    public["publiclyAccessible"] = true.into();
    let public = rig.broker(&public);
    let node = NodeName::new(&public, 1).unwrap();
    assert_eq!(rig.fleet.running_spec(&node).unwrap().rules, network::open());
    let own = group(&rig, "own");
    let path = format!("/v1/brokers/{public}");
    assert_eq!(rig.call("PUT", &path, &json!({"securityGroups": [own]})).status, 200);
    rig.reconcile(&public);
    assert_eq!(rules(&rig, &public), Vec::<String>::new());
}

/// A service that dies after the change is durable and before the node knows of it: the next one tells it.
#[test]
fn a_kill_between_the_change_and_the_node_is_made_good() {
    let rig = Rig::new();
    let web = group(&rig, "web");
    let id = broker_in(&rig, "orders", &[&web]);
    let rule = [("GroupId", web.as_str()), ("IpProtocol", "-1"), ("CidrIp", "127.0.0.1/32")];
    rig.ec2_done("AuthorizeSecurityGroupIngress", &rule);
    rig.fleet.fail_at(Step::Rules, SimulatedFault::Crash);
    assert!(rig.service.reconcile(REGION, &id).is_err());
    let next = next_life(&rig);
    assert_eq!(rules(&next, &id), Vec::<String>::new());
    work_off(&next);
    assert_eq!(rules(&next, &id), ["127.0.0.1/32 0-65535"]);
    // The same without any look before the death.
    next.ec2_done("RevokeSecurityGroupIngress", &rule);
    let last = next_life(&next);
    work_off(&last);
    assert_eq!(rules(&last, &id), Vec::<String>::new());
    assert_eq!(last.fleet.starts(&NodeName::new(&id, 1).unwrap()), 1);
}

/// A disk that fails at any call of a change: it is whole with its record, or it never was, and the node has what the
/// store has.
#[test]
fn a_change_of_rules_is_whole_or_absent() {
    let first = Rig::new();
    let web = group(&first, "web");
    let id = broker_in(&first, "orders", &[&web]);
    let rule = [("GroupId", web.as_str()), ("IpProtocol", "-1"), ("CidrIp", "127.0.0.1/32")];
    let mut failed = 0;
    for number in 0.. {
        let rig = Rig::on(first.disk.killed(), Arc::new(SimulatedFleet::new()), first.clock.clone());
        let last = rig.disk.calls() + number;
        rig.disk.fail_call(last, Fault::Device);
        let answer = rig.ec2("AuthorizeSecurityGroupIngress", &rule);
        if rig.disk.calls() <= last {
            break;
        }
        failed += u32::from(answer.status != 200);
        let next = next_life(&rig);
        let again = next.ec2("AuthorizeSecurityGroupIngress", &rule);
        let is_kept = again.code() == "InvalidPermission.Duplicate";
        assert!(is_kept || (answer.status != 200 && again.status == 200), "{number}: {answer:?} {again:?}");
        work_off(&next);
        assert_eq!(rules(&next, &id), ["127.0.0.1/32 0-65535"], "{number}");
        assert_eq!(crate::audit::verify(&next.service.store).unwrap().broken_at, None);
    }
    assert!(failed > 3, "{failed}");
}

#[test]
fn a_group_in_use_is_kept() {
    let rig = Rig::new();
    let (web, db) = (group(&rig, "web"), group(&rig, "db"));
    let id = broker_in(&rig, "orders", &[&web]);
    let delete = |group: &str| rig.ec2("DeleteSecurityGroup", &[("GroupId", group)]);
    let refused = delete(&web);
    assert_eq!((refused.status, refused.code()), (400, "DependencyViolation"));
    assert!(refused.first("Message").contains(&id), "{}", refused.text);
    let path = format!("/v1/brokers/{id}");
    let unknown = rig.call("PUT", &path, &json!({"securityGroups": [web, "sg-0"]}));
    assert_eq!(unknown.body["errorAttribute"], "securityGroups");
    assert_eq!(rig.call("PUT", &path, &json!({"securityGroups": [db]})).status, 200);
    assert_eq!(delete(&web).status, 200);
    assert_eq!(delete(&db).code(), "DependencyViolation");
    rig.call("DELETE", &path, &Value::Null);
    assert_eq!(delete(&db).code(), "DependencyViolation", "its node is still there");
    rig.reconcile(&id);
    assert_eq!(delete(&db).status, 200);
    let mut input = activemq("late");
    input["securityGroups"] = json!([db]);
    let late = rig.call("POST", "/v1/brokers", &input);
    assert!(late.body["message"].as_str().unwrap().contains("does not exist"), "{late:?}");
}

/// Terraform takes the rule away that a new group has, and allows what it was told to.
#[test]
fn rules_outward_are_kept_and_shown() {
    let rig = Rig::new();
    let web = group(&rig, "web");
    let members = [
        ("GroupId", web.as_str()),
        ("IpPermissions.1.IpProtocol", "-1"),
        ("IpPermissions.1.IpRanges.1.CidrIp", "0.0.0.0/0"),
    ];
    let id = broker_in(&rig, "orders", &[&web]);
    rig.ec2_done("RevokeSecurityGroupEgress", &members);
    assert!(described(&rig, &web).contains("<ipPermissionsEgress></ipPermissionsEgress>"));
    let made = rig.ec2_done("AuthorizeSecurityGroupEgress", &members);
    assert_eq!(made.first("isEgress"), "true");
    assert!(!described(&rig, &web).contains("<ipPermissionsEgress></ipPermissionsEgress>"));
    rig.reconcile(&id);
    assert_eq!(rules(&rig, &id), Vec::<String>::new());
}

#[test]
fn limits_of_rules_and_groups() {
    let rig = Rig::new();
    let web = group(&rig, "web");
    let permission = |number: usize| {
        [
            (format!("IpPermissions.{number}.IpProtocol"), "-1".to_owned()),
            (format!("IpPermissions.{number}.IpRanges.1.CidrIp"), format!("10.0.{number}.0/24")),
        ]
    };
    let authorize = |from: usize, to: usize| {
        let mut members = vec![("GroupId".to_owned(), web.clone())];
        members.extend((from..=to).flat_map(permission));
        // Numbers of a list begin with 1.
        let renumbered = members.iter().map(|(name, value)| {
            let mut parts: Vec<String> = name.split('.').map(str::to_owned).collect();
            if let Some(number) = parts.get_mut(1) {
                *number = (number.parse::<usize>().unwrap() - from + 1).to_string();
            }
            (parts.join("."), value.clone())
        });
        let members: Vec<(String, String)> = renumbered.collect();
        let members: Vec<(&str, &str)> =
            members.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        rig.ec2("AuthorizeSecurityGroupIngress", &members).code().to_owned()
    };
    assert_eq!(authorize(1, 61), "RulesPerSecurityGroupLimitExceeded");
    assert_eq!([authorize(1, 60), authorize(61, 61)], ["", "RulesPerSecurityGroupLimitExceeded"]);
    let change = rig.service.store.change().unwrap();
    let like: SecurityGroup = change.get(&SecurityGroup::key_of(REGION, &web)).unwrap().unwrap();
    for number in 1..GROUPS_MAX {
        let (id, name) = (format!("sg-{number:017x}"), format!("g{number}"));
        change.put(&SecurityGroup { id, name, ingress: Vec::new(), ..like.clone() }).unwrap();
    }
    change.commit().unwrap();
    let more = [("GroupName", "more"), ("GroupDescription", "d")];
    assert_eq!(rig.ec2("CreateSecurityGroup", &more).code(), "SecurityGroupLimitExceeded");
    assert_eq!(rig.ec2_done("DescribeSecurityGroups", &[]).all("groupId").len(), GROUPS_MAX + 1);
    rig.ec2_done("DeleteSecurityGroup", &[("GroupName", "g7")]);
    rig.ec2_done("CreateSecurityGroup", &more);
}

#[test]
fn groups_are_listed_by_filters_and_in_pages() {
    let rig = Rig::new();
    for number in 0..11 {
        group(&rig, &format!("g{number:02}"));
    }
    let filter = |name: &str, value: &str| {
        let members = [("Filter.1.Name", name), ("Filter.1.Value.1", value), ("Filter.1.Value.2", "none")];
        let mut found: Vec<String> = rig
            .ec2_done("DescribeSecurityGroups", &members)
            .all("groupName")
            .into_iter()
            .map(str::to_owned)
            .collect();
        found.sort();
        found.join(" ")
    };
    assert_eq!(filter("group-name", "g0?"), "g00 g01 g02 g03 g04 g05 g06 g07 g08 g09");
    assert_eq!(filter("group-name", "G00"), "");
    assert_eq!(filter("group-id", &network().default_group), "default");
    assert_eq!(filter("description", "default*"), "default");
    assert_eq!(filter("vpc-id", &network().vpc).len(), "default".len() + 11 * 4);
    let tagged =
        rig.ec2_done("DescribeSecurityGroups", &[("GroupName.1", "g03")]).first("groupId").to_owned();
    let tag = [("ResourceId.1", tagged.as_str()), ("Tag.1.Key", "team"), ("Tag.1.Value", "red")];
    rig.ec2_done("CreateTags", &tag);
    assert_eq!(
        [filter("tag:team", "r*"), filter("tag-key", "team"), filter("tag:team", "x")],
        ["g03", "g03", ""]
    );
    let (mut seen, mut pages, mut next) = (Vec::new(), 0, String::new());
    loop {
        let mut members = vec![("MaxResults", "5")];
        if !next.is_empty() {
            members.push(("NextToken", next.as_str()));
        }
        let page = rig.ec2_done("DescribeSecurityGroups", &members);
        seen.extend(page.all("groupId").into_iter().map(str::to_owned));
        pages += 1;
        next = page.first("nextToken").to_owned();
        if next.is_empty() {
            break;
        }
    }
    let is_in_order = seen.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(pages == 3 && seen.len() == 12 && is_in_order, "{pages} {seen:?}");
}

#[test]
fn tags_of_groups() {
    let rig = Rig::new();
    let (web, db) = (group(&rig, "web"), group(&rig, "db"));
    let of = |more: &[(&'static str, &'static str)]| {
        [&[("ResourceId.1", web.as_str()), ("ResourceId.2", db.as_str())], more].concat().to_vec()
    };
    let tags = [("Tag.1.Key", "team"), ("Tag.1.Value", "red"), ("Tag.2.Key", "empty")];
    assert_eq!(rig.ec2_done("CreateTags", &of(&tags)).first("return"), "true");
    let all = || rig.ec2_done("DescribeTags", &[]).all("key").join(" ");
    assert_eq!(all(), "empty team empty team");
    let filter = [
        ("Filter.1.Name", "resource-id"),
        ("Filter.1.Value.1", web.as_str()),
        ("Filter.2.Name", "value"),
        ("Filter.2.Value.1", "red"),
    ];
    let found = rig.ec2_done("DescribeTags", &filter);
    assert_eq!(
        (found.all("resourceId"), found.first("resourceType")),
        (vec![web.as_str()], "security-group")
    );
    rig.ec2_done("DeleteTags", &of(&[("Tag.1.Key", "team"), ("Tag.1.Value", "blue")]));
    assert_eq!(all(), "empty team empty team");
    rig.ec2_done("DeleteTags", &of(&[("Tag.1.Key", "team")]));
    assert_eq!(all(), "empty empty");
    rig.ec2_done("DeleteTags", &[("ResourceId.1", &db)]);
    assert_eq!(all(), "empty");
    // One that is not there, and none of them is tagged.
    let one_unknown = [("ResourceId.1", db.as_str()), ("ResourceId.2", "sg-0"), ("Tag.1.Key", "x")];
    assert_eq!(rig.ec2("CreateTags", &one_unknown).code(), "InvalidGroup.NotFound");
    assert_eq!(all(), "empty");
}

#[test]
fn places_of_a_region() {
    let rig = Rig::new();
    let vpcs = rig.ec2_done("DescribeVpcs", &[("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "true")]);
    assert_eq!((vpcs.all("vpcId"), vpcs.first("isDefault")), (vec![network().vpc.as_str()], "true"));
    let subnets = rig
        .ec2_done("DescribeSubnets", &[("Filter.1.Name", "availability-zone"), ("Filter.1.Value.1", "*b")]);
    assert_eq!(subnets.all("subnetId"), [network().subnets[1].as_str()]);
    assert_eq!(rig.ec2_done("DescribeSubnets", &[]).all("subnetId").len(), 3);
    let zones = rig.ec2_done("DescribeAvailabilityZones", &[]);
    assert_eq!(zones.all("zoneName"), ["eu-west-1a", "eu-west-1b", "eu-west-1c"]);
    let mut input = rabbitmq("orders");
    input["subnetIds"] = json!([network().subnets[2]]);
    let id = rig.broker(&input);
    assert_eq!(rig.get(&format!("/v1/brokers/{id}")).body["subnetIds"], input["subnetIds"]);
}

#[test]
fn a_dry_run_answers_whether_one_may_and_changes_nothing() {
    let rig = Rig::new();
    let new = [("GroupName", "web"), ("GroupDescription", "d"), ("DryRun", "true")];
    let dry = rig.ec2("CreateSecurityGroup", &new);
    assert_eq!((dry.status, dry.code()), (412, "DryRunOperation"));
    rig.done("CreateUser", &[("UserName", "ann")]);
    let ann = rig.key_of("ann");
    let refused = rig.query(&ann, "ec2", "CreateSecurityGroup", &new);
    assert_eq!((refused.status, refused.code()), (403, "UnauthorizedOperation"));
    assert_eq!(rig.ec2_done("DescribeSecurityGroups", &[]).all("groupName"), ["default"]);
}

#[test]
fn every_call_has_its_record_and_a_repetition_the_same_answer() {
    let rig = Rig::new();
    let new = [("GroupName", "web"), ("GroupDescription", "d")];
    let request = rig.sign_query(&root(), "ec2", "CreateSecurityGroup", &new);
    let (first, again) = (rig.send_query(&request, &root()), rig.send_query(&request, &root()));
    assert_eq!(first.text, again.text);
    let id = first.first("groupId").to_owned();
    rig.ec2("DeleteSecurityGroup", &[("GroupId", "sg-0")]);
    let records = rig.audit();
    let [made, repeated, refused] = &records[..] else { panic!("{records:?}") };
    assert_eq!(
        (&made["eventSource"], &made["eventName"]),
        (&json!("ec2.amazonaws.com"), &json!("CreateSecurityGroup"))
    );
    assert_eq!(made["requestParameters"], json!({"groupName": "web", "description": "d"}));
    assert_eq!((&made["responseElements"]["groupId"], &made["readOnly"]), (&json!(id), &json!(false)));
    assert_eq!(repeated["additionalEventData"]["isRepetition"], true);
    assert_eq!(refused["errorCode"], "InvalidGroup.NotFound");
    let body =
        json!({"LookupAttributes": [{"AttributeKey": "ResourceName", "AttributeValue": id}]}).to_string();
    let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
    let headers = [("content-type", "application/x-amz-json-1.1"), ("x-amz-target", target)];
    let found = rig.send(&rig.sign_for(&root(), "cloudtrail", &headers, ("POST", "/", "", &body)));
    let resources = json!([{"ResourceType": "AWS::EC2::SecurityGroup", "ResourceName": id}]);
    assert_eq!(found.body["Events"][0]["Resources"], resources, "{found:?}");
}
