//! What a region's network has: itself, its subnets, its places. None of them has addresses of its own: brokers listen
//! at addresses of the machine.

use serde_json::{Value, json};
use ternmq_stdx::shown;

use super::faults::{fault, invalid};
use super::filters::{Facts, Filters, fact};
use super::groups::network;
use super::pages;
use crate::arn;
use crate::call::{Call, Output};
use crate::catalogue::availability_zones;
use crate::failure::Failure;

pub(super) fn vpcs(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(call, &["is-default", "isDefault", "owner-id", "state", "tag-key", "vpc-id"])?;
    let (id, account) = (network(call).vpc, &call.service.settings.account);
    if let Some(unknown) = call.texts("VpcIds").into_iter().find(|asked| *asked != id) {
        let text = format!("The vpc ID '{}' does not exist", shown(unknown));
        return Err(fault("InvalidVpcID.NotFound", text).into());
    }
    let facts = vec![
        fact("is-default", "true"),
        fact("isDefault", "true"),
        fact("owner-id", account),
        fact("state", "available"),
        fact("vpc-id", &id),
    ];
    let vpc = json!({
        "VpcId": id,
        "OwnerId": account,
        "State": "available",
        "IsDefault": true,
        "InstanceTenancy": "default",
        "Tags": [],
    });
    let found = if filters.pass(&facts) { vec![vpc] } else { Vec::new() };
    let (found, next) = pages::page(call, "VpcIds", found, |_| id.clone())?;
    Ok(pages::listed("Vpcs", found, next))
}

const SUBNET_FILTERS: [&str; 8] = [
    "availability-zone",
    "availabilityZone",
    "default-for-az",
    "owner-id",
    "state",
    "subnet-id",
    "tag-key",
    "vpc-id",
];

pub(super) fn subnets(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(call, &SUBNET_FILTERS)?;
    let (network, asked) = (network(call), call.texts("SubnetIds"));
    if let Some(unknown) = asked.iter().find(|id| !network.subnets.iter().any(|known| known == *id)) {
        let text = format!("The subnet ID '{}' does not exist", shown(unknown));
        return Err(fault("InvalidSubnetID.NotFound", text).into());
    }
    let mut found: Vec<(String, Value)> = Vec::new();
    for (id, zone) in network.subnets.iter().zip(availability_zones(call.region)) {
        if (asked.is_empty() || asked.contains(&id.as_str()))
            && filters.pass(&subnet_facts(call, &network.vpc, id, &zone))
        {
            found.push((id.clone(), subnet(call, &network.vpc, id, &zone)));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let (found, next) = pages::page(call, "SubnetIds", found, |(id, _)| id.clone())?;
    Ok(pages::listed("Subnets", found.into_iter().map(|(_, subnet)| subnet).collect(), next))
}

fn subnet_facts(call: &Call<'_>, vpc: &str, id: &str, zone: &str) -> Facts {
    vec![
        fact("availability-zone", zone),
        fact("availabilityZone", zone),
        fact("default-for-az", "true"),
        fact("owner-id", &call.service.settings.account),
        fact("state", "available"),
        fact("subnet-id", id),
        fact("vpc-id", vpc),
    ]
}

fn subnet(call: &Call<'_>, vpc: &str, id: &str, zone: &str) -> Value {
    let account = &call.service.settings.account;
    json!({
        "SubnetId": id,
        "SubnetArn": arn::of_ec2(account, call.region, "subnet", id),
        "VpcId": vpc,
        "OwnerId": account,
        "AvailabilityZone": zone,
        "DefaultForAz": true,
        "State": "available",
        "Tags": [],
    })
}

pub(super) fn zones(call: &Call<'_>) -> Result<Output, Failure> {
    let filters = Filters::of(
        call,
        &["group-name", "opt-in-status", "region-name", "state", "zone-name", "zone-type"],
    )?;
    if !call.texts("ZoneIds").is_empty() {
        return Err(invalid("Availability zones have names alone here. Use ZoneName.").into());
    }
    let (zones, asked) = (availability_zones(call.region), call.texts("ZoneNames"));
    if let Some(unknown) = asked.iter().find(|name| !zones.iter().any(|zone| zone == *name)) {
        return Err(invalid(format!("Invalid availability zone: [{}]", shown(unknown))).into());
    }
    let is_wanted = |zone: &String| {
        let facts = vec![
            fact("group-name", call.region),
            fact("opt-in-status", "opt-in-not-required"),
            fact("region-name", call.region),
            fact("state", "available"),
            fact("zone-name", zone),
            fact("zone-type", "availability-zone"),
        ];
        (asked.is_empty() || asked.contains(&zone.as_str())) && filters.pass(&facts)
    };
    let shape = |zone: &String| {
        json!({
            "ZoneName": zone,
            "RegionName": call.region,
            "GroupName": call.region,
            "NetworkBorderGroup": call.region,
            "ZoneType": "availability-zone",
            "OptInStatus": "opt-in-not-required",
            "State": "available",
            "Messages": [],
        })
    };
    let found = zones.iter().filter(|zone| is_wanted(zone)).map(shape).collect();
    Ok(pages::listed("AvailabilityZones", found, None))
}
