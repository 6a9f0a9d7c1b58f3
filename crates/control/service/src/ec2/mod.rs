//! EC2, as much of it as brokers need: security groups with their rules and tags, and what a region's network has.

mod faults;
mod filters;
mod groups;
mod pages;
mod permissions;
mod places;
mod rules;
mod shapes;
mod tags;
mod target;

use ternmq_api::Refusal;

use crate::call::{Call, Output};
use crate::failure::Failure;
use rules::Direction::{Egress, Ingress};

pub(crate) use target::targets;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    if call.flag("DryRun") {
        // Whether the caller may was the question.
        let text = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refusal::new("DryRunOperation", 412, text).into());
    }
    match call.routed.operation.name {
        "CreateSecurityGroup" => groups::create(call),
        "DeleteSecurityGroup" => groups::delete(call),
        "DescribeSecurityGroups" => groups::describe(call),
        "AuthorizeSecurityGroupIngress" => rules::authorize(call, Ingress),
        "AuthorizeSecurityGroupEgress" => rules::authorize(call, Egress),
        "RevokeSecurityGroupIngress" => rules::revoke(call, Ingress),
        "RevokeSecurityGroupEgress" => rules::revoke(call, Egress),
        "DescribeSecurityGroupRules" => rules::describe(call),
        "CreateTags" => tags::create(call),
        "DeleteTags" => tags::delete(call),
        "DescribeTags" => tags::describe(call),
        "DescribeVpcs" => places::vpcs(call),
        "DescribeSubnets" => places::subnets(call),
        "DescribeAvailabilityZones" => places::zones(call),
        other => Err(Refusal::new("InvalidAction", 400, format!("{other} is not there yet.")).into()),
    }
}

/// Whether an operation changes nothing.
pub(crate) fn is_read(operation: &str) -> bool {
    operation.starts_with("Describe")
}
