//! Groups, rules and tags as EC2 answers them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use ternmq_fleet::PortRange;

use crate::arn;
use crate::call::Call;
use crate::network::Network;
use crate::records::{GroupRule, SecurityGroup, Traffic};

pub(super) fn group_arn(call: &Call<'_>, id: &str) -> String {
    arn::of_ec2(&call.service.settings.account, call.region, "security-group", id)
}

pub(super) fn tags(tags: &BTreeMap<String, String>) -> Value {
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

pub(super) fn group(call: &Call<'_>, network: &Network, group: &SecurityGroup) -> Value {
    json!({
        "GroupId": group.id,
        "GroupName": group.name,
        "Description": group.description,
        "OwnerId": call.service.settings.account,
        "VpcId": network.vpc,
        "SecurityGroupArn": group_arn(call, &group.id),
        "Tags": tags(&group.tags),
        "IpPermissions": permissions(&group.ingress),
        "IpPermissionsEgress": permissions(&group.egress),
    })
}

/// Rules by protocol and ports, each with its blocks, in the order in which they were made.
fn permissions(rules: &[GroupRule]) -> Value {
    let mut kinds: Vec<Option<PortRange>> = Vec::new();
    for rule in rules {
        if !kinds.contains(&rule.traffic.ports) {
            kinds.push(rule.traffic.ports);
        }
    }
    let blocks = |ports: Option<PortRange>, is_v4: bool| {
        let of_kind =
            move |rule: &&GroupRule| rule.traffic.ports == ports && rule.traffic.peer.is_ipv4() == is_v4;
        let block = |rule: &GroupRule| {
            let name = if is_v4 { "CidrIp" } else { "CidrIpv6" };
            described(Map::from_iter([(name.to_owned(), rule.traffic.peer.to_string().into())]), rule)
        };
        rules.iter().filter(of_kind).map(block).collect::<Value>()
    };
    let permission = |ports: &Option<PortRange>| {
        let mut shape = json!({
            "IpProtocol": protocol(*ports),
            "IpRanges": blocks(*ports, true),
            "Ipv6Ranges": blocks(*ports, false),
            "UserIdGroupPairs": [],
            "PrefixListIds": [],
        });
        if let Some((members, range)) = shape.as_object_mut().zip(*ports) {
            members.insert("FromPort".into(), range.from.into());
            members.insert("ToPort".into(), range.to.into());
        }
        shape
    };
    kinds.iter().map(permission).collect()
}

fn protocol(ports: Option<PortRange>) -> &'static str {
    if ports.is_some() { "tcp" } else { "-1" }
}

fn described(mut shape: Map<String, Value>, rule: &GroupRule) -> Value {
    if let Some(text) = &rule.description {
        shape.insert("Description".into(), text.as_str().into());
    }
    Value::Object(shape)
}

/// A rule on its own.
pub(super) fn rule(call: &Call<'_>, group: &str, rule: &GroupRule, is_egress: bool) -> Value {
    let account = &call.service.settings.account;
    let mut shape = revoked_rule(group, rule, is_egress);
    if let Some(members) = shape.as_object_mut() {
        let arn = arn::of_ec2(account, call.region, "security-group-rule", &rule.id);
        members.insert("SecurityGroupRuleArn".into(), arn.into());
        members.insert("GroupOwnerId".into(), account.as_str().into());
        members.insert("Tags".into(), json!([]));
    }
    shape
}

/// A rule that is gone.
pub(super) fn revoked_rule(group: &str, rule: &GroupRule, is_egress: bool) -> Value {
    let Traffic { ports, peer } = rule.traffic;
    let port = |port: fn(PortRange) -> u16| ports.map_or(-1, |range| i32::from(port(range)));
    let mut shape = Map::new();
    let name = if peer.is_ipv4() { "CidrIpv4" } else { "CidrIpv6" };
    shape.insert(name.into(), peer.to_string().into());
    shape.insert("SecurityGroupRuleId".into(), rule.id.as_str().into());
    shape.insert("GroupId".into(), group.into());
    shape.insert("IsEgress".into(), is_egress.into());
    shape.insert("IpProtocol".into(), protocol(ports).into());
    shape.insert("FromPort".into(), port(|range| range.from).into());
    shape.insert("ToPort".into(), port(|range| range.to).into());
    described(shape, rule)
}

/// A rule in the words of an error.
pub(super) fn peer(traffic: &Traffic) -> String {
    match traffic.ports {
        None => format!("peer: {}, ALL, ALLOW", traffic.peer),
        Some(PortRange { from, to }) => {
            format!("peer: {}, TCP, from port: {from}, to port: {to}, ALLOW", traffic.peer)
        }
    }
}
