//! What each operation is done to, as the service authorization reference of EC2 has it.

use serde_json::Value;

use crate::arn;
use crate::front_door::Input;
use crate::members::text;
use crate::network::Network;
use crate::principals::Target;
use crate::records::SecurityGroup;
use crate::service::Service;
use crate::store::StoreError;

/// The resources of a call, on each of which its action has to be allowed. A group that is not there has no tags.
pub(crate) fn targets(
    service: &Service,
    region: &str,
    operation: &str,
    input: &Input,
) -> Result<Vec<Target>, StoreError> {
    let network = Network::of(&service.settings.account, region);
    let of = |kind: &str, id: &str| arn::of_ec2(&service.settings.account, region, kind, id);
    match operation {
        "CreateSecurityGroup" => {
            let vpc = of("vpc", text(input, "VpcId").unwrap_or(&network.vpc));
            let mut new = Target::of(of("security-group", "*"), Vec::new());
            let specified = input.get("TagSpecifications").and_then(Value::as_array);
            if specified.is_some_and(|it| !it.is_empty()) {
                new.also.push(("ec2:CreateTags", new.arn.clone()));
                new.keys.push(("ec2:CreateAction".into(), operation.to_owned()));
            }
            new.keys.push(("ec2:Vpc".into(), vpc.clone()));
            Ok(vec![new, Target::of(vpc, Vec::new())])
        }
        "CreateTags" | "DeleteTags" => {
            let ids = input.get("Resources").and_then(Value::as_array).into_iter().flatten();
            let target = |id: &str| group(service, region, &network, id, None);
            let found: Vec<Target> = ids.filter_map(Value::as_str).map(target).collect::<Result<_, _>>()?;
            Ok(if found.is_empty() { vec![Target::any()] } else { found })
        }
        _ if operation.starts_with("Describe") => Ok(vec![Target::any()]),
        _ => Ok(vec![group(
            service,
            region,
            &network,
            text(input, "GroupId").unwrap_or_default(),
            text(input, "GroupName"),
        )?]),
    }
}

/// A group by its id, or else by its name.
fn group(
    service: &Service,
    region: &str,
    network: &Network,
    id: &str,
    name: Option<&str>,
) -> Result<Target, StoreError> {
    let view = service.store.view()?;
    let found: Option<SecurityGroup> = match name {
        Some(name) if id.is_empty() => network.groups(&view)?.into_iter().find(|group| group.name == name),
        _ => network.group(&view, id)?,
    };
    let of = |kind: &str, id: &str| arn::of_ec2(&service.settings.account, region, kind, id);
    let id = found.as_ref().map_or(id, |group| group.id.as_str());
    let arn = of("security-group", if id.is_empty() { "*" } else { id });
    let tags: Vec<(String, String)> = found.iter().flat_map(|group| group.tags.clone()).collect();
    let mut target = Target::of(arn, tags);
    let owned = target.tags.iter().map(|(key, value)| (format!("ec2:ResourceTag/{key}"), value.clone()));
    target.keys.extend(owned);
    target.keys.push(("ec2:Vpc".into(), of("vpc", &network.vpc)));
    if let Some(group) = found.as_ref() {
        target.keys.push(("ec2:SecurityGroupID".into(), group.id.clone()));
    }
    Ok(target)
}
