//! Security groups made, deleted, described.

use std::collections::BTreeMap;

use ternmq_api::Refusal;

use super::faults::{fault, invalid, missing, no_group, no_group_of_name};
use super::filters::{Facts, Filters, fact, of_tags};
use super::{pages, shapes, tags};
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::network::{DEFAULT_NAME, GROUPS_MAX, Network};
use crate::records::{Broker, GroupRule, SecurityGroup, Traffic};
use crate::store::{Change, Reader, Record, StoreError};

/// Longest name and description in characters.
const TEXT_MAX: usize = 255;
/// More brokers than a region has.
const ALL_BROKERS: usize = 100_000;
const FILTERS: [&str; 6] = ["description", "group-id", "group-name", "owner-id", "tag-key", "vpc-id"];

/// The network of a call's region.
pub(super) fn network(call: &Call<'_>) -> Network {
    Network::of(&call.service.settings.account, call.region)
}

/// The group that a call names, by id or by name.
pub(super) fn found(call: &Call<'_>, store: &impl Reader) -> Result<SecurityGroup, Failure> {
    let network = network(call);
    match (call.text("GroupId"), call.text("GroupName")) {
        (Some(id), _) => network.group(store, id)?.ok_or_else(|| no_group(id).into()),
        (None, Some(name)) => {
            let mut groups = network.groups(store)?.into_iter();
            groups.find(|group| group.name == name).ok_or_else(|| no_group_of_name(name, &network.vpc).into())
        }
        (None, None) => Err(missing("groupName or groupId").into()),
    }
}

/// Brokers that have a group.
pub(super) fn brokers_of(change: &Change, group: &SecurityGroup) -> Result<Vec<Broker>, StoreError> {
    let brokers: Vec<Broker> = change.scan(&Broker::prefix(&group.region), "", ALL_BROKERS)?;
    Ok(brokers.into_iter().filter(|broker| broker.security_groups.contains(&group.id)).collect())
}

/// What EC2 lets names and descriptions consist of.
pub(super) fn text(what: &str, text: &str) -> Result<(), Refusal> {
    let is_good = |letter: char| letter.is_ascii_alphanumeric() || " ._-:/()#,@[]+=&;{}!$*".contains(letter);
    if text.chars().count() > TEXT_MAX {
        return Err(invalid(format!("The {what} has more than {TEXT_MAX} characters.")));
    }
    if !text.chars().all(is_good) {
        return Err(invalid(format!(
            "The {what} is invalid. It has letters, digits, spaces and ._-:/()#,@[]+=&;{{}}!$*."
        )));
    }
    Ok(())
}

fn name(given: &str) -> Result<(), Refusal> {
    text("group name", given)?;
    if given.trim().is_empty() {
        return Err(invalid("The group name is empty."));
    }
    if given.starts_with("sg-") {
        return Err(invalid(format!(
            "Invalid security group name: '{given}'. Group names may not be in the format sg-*"
        )));
    }
    if given == DEFAULT_NAME {
        return Err(invalid("Cannot use reserved security group name: default"));
    }
    Ok(())
}

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let (given, description) = (call.need("GroupName")?, call.need("Description")?);
    name(given)?;
    text("group description", description)?;
    if description.is_empty() {
        return Err(missing("GroupDescription").into());
    }
    let network = network(call);
    if let Some(vpc) = call.text("VpcId").filter(|vpc| *vpc != network.vpc) {
        let shown = ternmq_stdx::shown(vpc);
        return Err(fault("InvalidVpcID.NotFound", format!("The vpc ID '{shown}' does not exist")).into());
    }
    let tags = tags::specified(call)?;
    call.change(|change| {
        let others = network.groups(change)?;
        if others.iter().any(|group| group.name == given) {
            let text = format!("The security group '{given}' already exists for VPC '{}'", network.vpc);
            return Err(fault("InvalidGroup.Duplicate", text).into());
        }
        if others.iter().filter(|group| group.id != network.default_group).count() >= GROUPS_MAX {
            let text = format!("A region has at most {GROUPS_MAX} security groups. Delete one first.");
            return Err(fault("SecurityGroupLimitExceeded", text).into());
        }
        let group = new(call, given, description, tags);
        change.put(&group)?;
        let mut output = Output::from_iter([
            ("GroupId".to_owned(), group.id.as_str().into()),
            ("SecurityGroupArn".to_owned(), shapes::group_arn(call, &group.id).into()),
        ]);
        if !group.tags.is_empty() {
            output.insert("Tags".into(), shapes::tags(&group.tags));
        }
        Ok(output)
    })
}

/// Nobody gets in until a rule says so.
fn new(call: &Call<'_>, name: &str, description: &str, tags: BTreeMap<String, String>) -> SecurityGroup {
    let random = &call.service.random;
    let everywhere = Traffic { ports: None, peer: ternmq_fleet::Cidr::ALL_V4 };
    SecurityGroup {
        region: call.region.to_owned(),
        id: random.id("sg"),
        name: name.to_owned(),
        description: description.to_owned(),
        tags,
        ingress: Vec::new(),
        egress: vec![GroupRule { id: random.id("sgr"), traffic: everywhere, description: None }],
    }
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    call.change(|change| {
        let group = found(call, change)?;
        if group.name == DEFAULT_NAME {
            let text = format!(
                "the specified group: \"{}\" name: \"{DEFAULT_NAME}\" cannot be deleted by a user",
                group.id
            );
            return Err(fault("CannotDelete", text).into());
        }
        if let Some(broker) = brokers_of(change, &group)?.first() {
            let text = format!("resource {} has a dependent object: broker {} uses it", group.id, broker.id);
            return Err(fault("DependencyViolation", text).into());
        }
        change.delete(&group.key())?;
        Ok(Output::from_iter([
            ("Return".to_owned(), true.into()),
            ("GroupId".to_owned(), group.id.as_str().into()),
        ]))
    })
}

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(call, &FILTERS)?;
    let (network, view) = (network(call), call.view()?);
    let mut groups = network.groups(&view)?;
    let (ids, names) = (call.texts("GroupIds"), call.texts("GroupNames"));
    if let Some(unknown) = ids.iter().find(|id| !groups.iter().any(|group| group.id == **id)) {
        return Err(no_group(unknown).into());
    }
    if let Some(unknown) = names.iter().find(|name| !groups.iter().any(|group| group.name == **name)) {
        return Err(no_group_of_name(unknown, &network.vpc).into());
    }
    let is_named = |group: &SecurityGroup| {
        (ids.is_empty() && names.is_empty())
            || ids.contains(&group.id.as_str())
            || names.contains(&group.name.as_str())
    };
    groups.retain(|group| is_named(group) && filters.pass(&facts(call, &network, group)));
    let (groups, next) = pages::page(call, "GroupIds", groups, |group| group.id.clone())?;
    let items = groups.iter().map(|group| shapes::group(call, &network, group)).collect();
    Ok(pages::listed("SecurityGroups", items, next))
}

fn facts(call: &Call<'_>, network: &Network, group: &SecurityGroup) -> Facts {
    let own = [
        fact("description", &group.description),
        fact("group-id", &group.id),
        fact("group-name", &group.name),
        fact("owner-id", &call.service.settings.account),
        fact("vpc-id", &network.vpc),
    ];
    own.into_iter().chain(of_tags(&group.tags)).collect()
}
