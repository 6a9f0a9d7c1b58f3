//! Places and rules of a region: its network, subnets and security groups.
//!
//! Every region has one network with a subnet in each availability zone and one security group, `default`, whose rule
//! lets everybody in: who can reach a broker at all is decided by the address that it binds. Their ids follow from
//! account and region, so nothing is kept of them.

use aws_lc_rs::digest::{SHA256, digest};
use ternmq_fleet::{AcceptRule, Cidr, PortRange};

/// The ids of a region's network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Network {
    /// One for each availability zone.
    pub subnets: [String; 3],
    pub default_group: String,
}

impl Network {
    pub(crate) fn of(account: &str, region: &str) -> Self {
        let id = |kind: &str, index: u8| {
            let hash = digest(&SHA256, format!("{kind}/{account}/{region}/{index}").as_bytes());
            let hex: String = hash.as_ref().iter().take(9).map(|byte| format!("{byte:02x}")).collect();
            format!("{kind}-{}", hex.get(..17).unwrap_or(&hex))
        };
        Self { subnets: [0, 1, 2].map(|index| id("subnet", index)), default_group: id("sg", 0) }
    }

    /// The rules of a security group; none: there is no such group.
    pub(crate) fn rules(&self, group: &str) -> Option<Vec<AcceptRule>> {
        let everybody = |source| AcceptRule { source, ports: PortRange::ALL };
        (group == self.default_group).then(|| vec![everybody(Cidr::ALL_V4), everybody(Cidr::ALL_V6)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_differ_by_region() {
        let (one, other) =
            (Network::of("000000000000", "eu-west-1"), Network::of("000000000000", "eu-west-2"));
        assert_eq!(one, Network::of("000000000000", "eu-west-1"));
        assert_ne!(one, other);
        assert_eq!(one.default_group.len(), "sg-".len() + 17);
        assert!(one.rules(&one.default_group).is_some() && one.rules("sg-1").is_none());
    }
}
