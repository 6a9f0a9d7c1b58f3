//! Rules of groups: allowed, revoked, described. Brokers that have the group get their new rules at once.

use super::faults::{fault, no_rule, unsupported};
use super::filters::{Facts, Filters, fact};
use super::permissions::{self, Permission};
use super::{groups, pages, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::records::{GroupRule, SecurityGroup};

/// Most rules of a group in one direction.
const RULES_MAX: usize = 60;
const FILTERS: [&str; 2] = ["group-id", "security-group-rule-id"];

/// Which of a group's rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    /// Who gets in.
    Ingress,
    /// Kept and shown only: a broker opens no connections of its own.
    Egress,
}

impl Direction {
    fn rules_mut(self, group: &mut SecurityGroup) -> &mut Vec<GroupRule> {
        match self {
            Self::Ingress => &mut group.ingress,
            Self::Egress => &mut group.egress,
        }
    }
}

pub(super) fn authorize(call: &Call<'_>, direction: Direction) -> Result<Output, Failure> {
    if call.input.contains_key("TagSpecifications") {
        return Err(unsupported("Tags of rules are not there yet: tag the group.").into());
    }
    let asked = permissions::asked(call)?;
    change(call, |group| {
        let rules = direction.rules_mut(group);
        let mut added = Vec::with_capacity(asked.len());
        for Permission { traffic, description } in asked {
            if rules.iter().any(|rule| rule.traffic == traffic) {
                let text = format!("the specified rule \"{}\" already exists", shapes::peer(&traffic));
                return Err(fault("InvalidPermission.Duplicate", text).into());
            }
            added.push(GroupRule { id: call.service.random.id("sgr"), traffic, description });
        }
        if rules.len() + added.len() > RULES_MAX {
            let text = format!("A security group has at most {RULES_MAX} rules in each direction.");
            return Err(fault("RulesPerSecurityGroupLimitExceeded", text).into());
        }
        rules.extend(added.iter().cloned());
        let shape = |rule: &GroupRule| shapes::rule(call, &group.id, rule, direction == Direction::Egress);
        Ok(("SecurityGroupRules", added.iter().map(shape).collect()))
    })
}

pub(super) fn revoke(call: &Call<'_>, direction: Direction) -> Result<Output, Failure> {
    let ids = call.texts("SecurityGroupRuleIds");
    let asked = if ids.is_empty() { permissions::asked(call)? } else { Vec::new() };
    if !ids.is_empty() && permissions::are_named(call) {
        let text = "SecurityGroupRuleIds can't be used together with what else names rules.";
        return Err(fault("InvalidParameterCombination", text).into());
    }
    change(call, |group| {
        let rules = direction.rules_mut(group);
        if let Some(unknown) = ids.iter().find(|id| !rules.iter().any(|rule| rule.id == **id)) {
            return Err(no_rule(unknown).into());
        }
        let is_there = |wanted: &Permission| rules.iter().any(|rule| rule.traffic == wanted.traffic);
        if !asked.iter().all(is_there) {
            let text = "The specified rule does not exist in this security group.";
            return Err(fault("InvalidPermission.NotFound", text).into());
        }
        let is_revoked = |rule: &GroupRule| {
            ids.contains(&rule.id.as_str()) || asked.iter().any(|it| it.traffic == rule.traffic)
        };
        let (revoked, left): (Vec<_>, _) = std::mem::take(rules).into_iter().partition(is_revoked);
        *rules = left;
        let shape = |rule: &GroupRule| shapes::revoked_rule(&group.id, rule, direction == Direction::Egress);
        Ok(("RevokedSecurityGroupRules", revoked.iter().map(shape).collect()))
    })
}

/// Changes the group that a call names, and has every broker of it looked at.
fn change(
    call: &Call<'_>,
    edit: impl FnOnce(&mut SecurityGroup) -> Result<(&'static str, serde_json::Value), Failure>,
) -> Result<Output, Failure> {
    call.change(|change| {
        let mut group = groups::found(call, change)?;
        let (name, rules) = edit(&mut group)?;
        change.put(&group)?;
        for broker in groups::brokers_of(change, &group)? {
            call.touch(&broker.id);
        }
        Ok(Output::from_iter([("Return".to_owned(), true.into()), (name.to_owned(), rules)]))
    })
}

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(call, &FILTERS)?;
    let groups = groups::network(call).groups(&call.view()?)?;
    let both = |group: &SecurityGroup| {
        let directed = |rules: &[GroupRule], is_egress| {
            let one = |rule: &GroupRule| (group.id.clone(), rule.clone(), is_egress);
            rules.iter().map(one).collect::<Vec<_>>()
        };
        [directed(&group.ingress, false), directed(&group.egress, true)].concat()
    };
    let mut rules: Vec<(String, GroupRule, bool)> = groups.iter().flat_map(both).collect();
    let ids = call.texts("SecurityGroupRuleIds");
    if let Some(unknown) = ids.iter().find(|id| !rules.iter().any(|(_, rule, _)| rule.id == **id)) {
        return Err(no_rule(unknown).into());
    }
    rules.retain(|(group, rule, _)| {
        (ids.is_empty() || ids.contains(&rule.id.as_str())) && filters.pass(&facts(group, rule))
    });
    rules.sort_by(|(_, one, _), (_, other, _)| one.id.cmp(&other.id));
    let (rules, next) = pages::page(call, "SecurityGroupRuleIds", rules, |(_, rule, _)| rule.id.clone())?;
    let shape =
        |(group, rule, is_egress): &(String, GroupRule, bool)| shapes::rule(call, group, rule, *is_egress);
    Ok(pages::listed("SecurityGroupRules", rules.iter().map(shape).collect(), next))
}

fn facts(group: &str, rule: &GroupRule) -> Facts {
    vec![fact("group-id", group), fact("security-group-rule-id", &rule.id)]
}
