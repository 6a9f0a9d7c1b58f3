//! What a call says of rules: as four members of its own, or as a list of permissions.

use serde_json::{Map, Value};
use ternmq_api::Refusal;
use ternmq_fleet::{Cidr, CidrError, PortRange};
use ternmq_stdx::shown;

use super::faults::{fault, invalid, missing, unsupported};
use super::groups;
use crate::call::Call;
use crate::records::Traffic;

/// One rule that a call names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Permission {
    pub traffic: Traffic,
    pub description: Option<String>,
}

const GROUPS_TEXT: &str =
    "Rules that name other groups or prefix lists are not there yet: name blocks of addresses.";

/// Members that name a rule by themselves.
const FLAT: [&str; 4] = ["IpProtocol", "FromPort", "ToPort", "CidrIp"];

/// Whether a call names rules by what they are about.
pub(super) fn are_named(call: &Call<'_>) -> bool {
    FLAT.iter().chain(&["IpPermissions"]).any(|name| call.input.contains_key(*name))
}

/// The rules that a call names; never none.
pub(super) fn asked(call: &Call<'_>) -> Result<Vec<Permission>, Refusal> {
    if call.text("SourceSecurityGroupName").or(call.text("SourceSecurityGroupOwnerId")).is_some() {
        return Err(unsupported(GROUPS_TEXT));
    }
    let is_flat = FLAT.iter().any(|name| call.input.contains_key(*name));
    let listed = call.input.get("IpPermissions").and_then(Value::as_array);
    let found = match (listed, is_flat) {
        (Some(_), true) => {
            let text = "IpPermissions can't be used together with IpProtocol, FromPort, ToPort and CidrIp.";
            return Err(fault("InvalidParameterCombination", text));
        }
        (Some(listed), false) => {
            let parts = listed.iter().filter_map(Value::as_object).map(listed_permission);
            parts.collect::<Result<Vec<_>, _>>()?.concat()
        }
        (None, true) => vec![flat_permission(call.input)?],
        (None, false) => Vec::new(),
    };
    let twice = found
        .iter()
        .enumerate()
        .find(|(index, one)| found.iter().take(*index).any(|other| other.traffic == one.traffic));
    match (found.is_empty(), twice) {
        (true, _) => Err(missing("ipPermissions")),
        (false, Some(_)) => Err(invalid("The same permission must not appear multiple times")),
        (false, None) => Ok(found),
    }
}

fn flat_permission(input: &Map<String, Value>) -> Result<Permission, Refusal> {
    let ports = ports(input)?;
    let peer = text(input, "CidrIp").ok_or_else(|| missing("CidrIp"))?;
    Ok(Permission { traffic: Traffic { ports, peer: block(peer, true)? }, description: None })
}

fn listed_permission(given: &Map<String, Value>) -> Result<Vec<Permission>, Refusal> {
    let ports = ports(given)?;
    if ["UserIdGroupPairs", "PrefixListIds"].iter().any(|name| items(given, name).next().is_some()) {
        return Err(unsupported(GROUPS_TEXT));
    }
    let one = |range: &Map<String, Value>, member: &str| {
        let peer = block(text(range, member).ok_or_else(|| missing(member))?, member == "CidrIp")?;
        let description = text(range, "Description").filter(|text| !text.is_empty());
        description.map_or(Ok(()), |text| groups::text("description of a rule", text))?;
        Ok(Permission { traffic: Traffic { ports, peer }, description: description.map(str::to_owned) })
    };
    let v4 = items(given, "IpRanges").map(|range| one(range, "CidrIp"));
    let v6 = items(given, "Ipv6Ranges").map(|range| one(range, "CidrIpv6"));
    let found = v4.chain(v6).collect::<Result<Vec<_>, Refusal>>()?;
    if found.is_empty() {
        return Err(missing("CidrIp or CidrIpv6"));
    }
    Ok(found)
}

fn text<'a>(given: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    given.get(name).and_then(Value::as_str)
}

fn items<'a>(given: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Map<String, Value>> {
    given.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object)
}

/// Ports of TCP; none: everything, whatever ports are named with it.
fn ports(given: &Map<String, Value>) -> Result<Option<PortRange>, Refusal> {
    match text(given, "IpProtocol").ok_or_else(|| missing("ipProtocol"))? {
        "-1" => return Ok(None),
        "tcp" | "6" => {}
        other => {
            let text = format!(
                "Protocol [{}] is not supported: brokers are reached over TCP alone. Use tcp, or -1 for everything.",
                shown(other)
            );
            return Err(unsupported(text));
        }
    }
    let port = |name: &str| given.get(name).and_then(Value::as_i64);
    let (Some(from), Some(to)) = (port("FromPort"), port("ToPort")) else {
        let text = "Invalid value 'Must specify both from and to ports with TCP/UDP.' for portRange.";
        return Err(invalid(text));
    };
    let port =
        |port: i64| u16::try_from(port).map_err(|_| invalid(format!("TCP/UDP port ({port}) out of range")));
    let range = PortRange { from: port(from)?, to: port(to)? };
    if range.from > range.to {
        return Err(invalid("Invalid TCP/UDP port range: it ends before it begins"));
    }
    Ok(Some(range))
}

/// The block in which the address lies: bits beyond the prefix are left out, as EC2 does.
fn block(text: &str, is_v4: bool) -> Result<Cidr, Refusal> {
    let parsed = match text.parse() {
        Err(CidrError::HostBits(first)) => {
            let prefix = text.rsplit_once('/').map_or("", |(_, prefix)| prefix);
            format!("{first}/{prefix}").parse::<Cidr>()
        }
        parsed => parsed,
    };
    let block = parsed.ok().filter(|block| block.is_ipv4() == is_v4);
    block.ok_or_else(|| invalid(format!("CIDR block {} is malformed", shown(text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks() {
        let check = |text: &str, is_v4| block(text, is_v4).map(|block| block.to_string()).ok();
        assert_eq!(check("100.68.0.18/18", true).as_deref(), Some("100.68.0.0/18"));
        assert_eq!(check("2001:db8::1/32", false).as_deref(), Some("2001:db8::/32"));
        for (bad, is_v4) in [("10.0.0.0", true), ("::/0", true), ("10.0.0.0/8", false), ("10.0.0.0/33", true)]
        {
            assert_eq!(check(bad, is_v4), None, "{bad}");
        }
    }
}
