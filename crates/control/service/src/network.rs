//! Places and rules of a region: its network, subnets and security groups.
//!
//! Every region has one network with a subnet in each availability zone and a security group, `default`, whose rules
//! let everybody in until somebody changes them. Their ids follow from account and region, so nothing is kept of them
//! but a change of that group. Groups of one's own are records.

use std::collections::BTreeMap;

use aws_lc_rs::digest::{SHA256, digest};
use ternmq_fleet::{AcceptRule, Cidr, PortRange};

use crate::records::{GroupRule, SecurityGroup, Traffic};
use crate::store::{Reader, StoreError};

/// Most groups of one's own in a region.
pub(crate) const GROUPS_MAX: usize = 500;
/// Name of the built-in group.
pub(crate) const DEFAULT_NAME: &str = "default";

/// What a region's network has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    account: String,
    region: String,
    pub vpc: String,
    /// One for each availability zone.
    pub subnets: [String; 3],
    pub default_group: String,
}

impl Network {
    pub(crate) fn of(account: &str, region: &str) -> Self {
        let id = |kind: &str, index: u8| id(account, region, kind, index);
        Self {
            account: account.to_owned(),
            region: region.to_owned(),
            vpc: id("vpc", 0),
            subnets: [0, 1, 2].map(|index| id("subnet", index)),
            default_group: id("sg", 0),
        }
    }

    /// The group of that id.
    pub(crate) fn group(&self, store: &impl Reader, id: &str) -> Result<Option<SecurityGroup>, StoreError> {
        let kept = store.get(&SecurityGroup::key_of(&self.region, id))?;
        Ok(kept.or_else(|| (id == self.default_group).then(|| self.built_in())))
    }

    /// All groups, in the order of their ids.
    pub(crate) fn groups(&self, store: &impl Reader) -> Result<Vec<SecurityGroup>, StoreError> {
        let mut groups: Vec<SecurityGroup> =
            store.scan(&SecurityGroup::prefix(&self.region), "", GROUPS_MAX + 1)?;
        if let Err(place) = groups.binary_search_by(|group| group.id.cmp(&self.default_group)) {
            groups.insert(place, self.built_in());
        }
        Ok(groups)
    }

    /// Whom groups let in. One that is not there lets nobody in.
    pub(crate) fn accept_rules(
        &self,
        store: &impl Reader,
        groups: &[String],
    ) -> Result<Vec<AcceptRule>, StoreError> {
        let mut rules = Vec::new();
        for group in groups {
            rules.extend(self.group(store, group)?.iter().flat_map(SecurityGroup::accept_rules));
        }
        Ok(rules)
    }

    /// The group that a region has from its beginning.
    fn built_in(&self) -> SecurityGroup {
        let everybody = |index, peer| {
            let id = id(&self.account, &self.region, "sgr", index);
            GroupRule { id, traffic: Traffic { ports: None, peer }, description: None }
        };
        SecurityGroup {
            region: self.region.clone(),
            id: self.default_group.clone(),
            name: DEFAULT_NAME.to_owned(),
            description: "default VPC security group".to_owned(),
            tags: BTreeMap::new(),
            ingress: vec![everybody(0, Cidr::ALL_V4), everybody(1, Cidr::ALL_V6)],
            egress: vec![everybody(2, Cidr::ALL_V4)],
        }
    }
}

/// Lets everybody in everywhere.
pub(crate) fn open() -> Vec<AcceptRule> {
    [Cidr::ALL_V4, Cidr::ALL_V6].map(|source| AcceptRule { source, ports: PortRange::ALL }).to_vec()
}

fn id(account: &str, region: &str, kind: &str, index: u8) -> String {
    let hash = digest(&SHA256, format!("{kind}/{account}/{region}/{index}").as_bytes());
    let hex: String = hash.as_ref().iter().take(9).map(|byte| format!("{byte:02x}")).collect();
    format!("{kind}-{}", hex.get(..17).unwrap_or(&hex))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::memory_store;

    #[test]
    fn ids_are_stable_and_differ_by_region() {
        let (one, other) =
            (Network::of("000000000000", "eu-west-1"), Network::of("000000000000", "eu-west-2"));
        assert_eq!(one, Network::of("000000000000", "eu-west-1"));
        assert_ne!(one.default_group, other.default_group);
        assert_eq!(one.default_group.len(), "sg-".len() + 17);
    }

    #[test]
    fn the_built_in_group_lets_everybody_in_and_an_unknown_one_nobody() {
        let (network, store) = (Network::of("000000000000", "eu-west-1"), memory_store());
        let view = store.view().unwrap();
        let rules = |group: &str| network.accept_rules(&view, &[group.to_owned()]).unwrap();
        assert_eq!((rules(&network.default_group), rules("sg-1")), (open(), Vec::new()));
        assert_eq!(network.groups(&view).unwrap(), [network.built_in()]);
    }
}
