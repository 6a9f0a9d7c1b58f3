//! ec2: a form in, in which names begin with a capital letter and items of every list are `List.1`. XML out, in which
//! the same members begin with a small one. Inputs and outputs have the names of SDKs, the only ones that are the same
//! both ways.

use serde_json::{Map, Value};

use super::form_members::{Form, Spelling, capital, members_of};
use crate::{Member, Refusal, Routed, Shape, check};

pub(super) fn read(routed: &Routed, form: &Form) -> Result<Map<String, Value>, Refusal> {
    let members = routed.operation.input.map_or(&[][..], Shape::members);
    let recoded = |refusal| Refusal { code: "InvalidParameterValue", attribute: "", ..refusal };
    let given = members_of(Spelling::Ec2, members, form).map_err(recoded)?;
    if let Some(missing) = members.iter().find(|it| it.is_required && !given.contains_key(it.wire)) {
        let text = format!("The request must contain the parameter {}", capital(missing.wire));
        return Err(Refusal::new("MissingParameter", 400, text));
    }
    let checked = check::input(members, &given).map_err(recoded)?;
    Ok(named(members, checked))
}

/// The members by their names in SDKs.
fn named(members: &[Member], mut given: Map<String, Value>) -> Map<String, Value> {
    let member = |member: &Member| {
        let value = given.remove(member.wire)?;
        Some((member.name.to_owned(), named_value(member.shape, value)))
    };
    members.iter().filter_map(member).collect()
}

fn named_value(shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Structure(members), Value::Object(given)) => Value::Object(named(members, given)),
        (Shape::List { member, .. }, Value::Array(items)) => {
            items.into_iter().map(|item| named_value(member, item)).collect()
        }
        (_, other) => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Request, codec, ec2, services};

    fn check(body: &str, expect: &str) {
        let form = codec::decode_form(body).unwrap();
        let request = Request::default();
        let routed = Routed::find(&ec2::MODEL, &request, &form);
        let answer = match routed.and_then(|routed| codec::read(&routed, &request, &form)) {
            Ok(input) => Value::Object(input).to_string(),
            Err(refusal) => format!("{} {}: {}", refusal.status, refusal.code, refusal.message),
        };
        assert_eq!(answer, expect, "{body}");
    }

    #[test]
    fn forms() {
        check(
            "Action=CreateSecurityGroup&Version=2016-11-15&GroupName=n&GroupDescription=d&TagSpecification.1.ResourceType=security-group&TagSpecification.1.Tag.1.Key=a&TagSpecification.1.Tag.1.Value=b",
            r#"{"Description":"d","GroupName":"n","TagSpecifications":[{"ResourceType":"security-group","Tags":[{"Key":"a","Value":"b"}]}]}"#,
        );
        check(
            "Action=AuthorizeSecurityGroupIngress&GroupId=sg-1&IpPermissions.1.IpProtocol=tcp&IpPermissions.1.FromPort=5671&IpPermissions.1.ToPort=5671&IpPermissions.1.IpRanges.1.CidrIp=10.0.0.0%2F8&IpPermissions.1.IpRanges.2.CidrIp=11.0.0.0%2F8&IpPermissions.2.IpProtocol=-1&IpPermissions.2.Ipv6Ranges.1.CidrIpv6=%3A%3A%2F0&IpPermissions.2.Groups.1.GroupId=sg-2",
            r#"{"GroupId":"sg-1","IpPermissions":[{"FromPort":5671,"IpProtocol":"tcp","IpRanges":[{"CidrIp":"10.0.0.0/8"},{"CidrIp":"11.0.0.0/8"}],"ToPort":5671},{"IpProtocol":"-1","Ipv6Ranges":[{"CidrIpv6":"::/0"}],"UserIdGroupPairs":[{"GroupId":"sg-2"}]}]}"#,
        );
        check(
            "Action=DescribeSecurityGroups&Filter.1.Name=vpc-id&Filter.1.Value.1=v&Filter.1.Value.2=w&GroupId.1=sg-1&DryRun=true",
            r#"{"DryRun":true,"Filters":[{"Name":"vpc-id","Values":["v","w"]}],"GroupIds":["sg-1"]}"#,
        );
    }

    #[test]
    fn what_is_wrong_has_the_codes_of_ec2() {
        check(
            "Action=CreateSecurityGroup&GroupName=n",
            "400 MissingParameter: The request must contain the parameter GroupDescription",
        );
        check(
            "Action=DescribeSecurityGroups&MaxResults=4",
            "400 InvalidParameterValue: Attribute [MaxResults] must be a whole number from 5 to 1000.",
        );
        check(
            "Action=DescribeSecurityGroups&DryRun=maybe",
            "400 InvalidParameterValue: Attribute [dryRun] must be true or false.",
        );
        check("Action=RunInstances", "400 InvalidAction: There is no such action in EC2.");
    }

    /// Answers of query are written by the names of SDKs too.
    #[test]
    fn names_differ_in_ec2_alone() {
        fn differs(shape: &Shape, depth: u8) -> bool {
            match shape {
                _ if depth == 0 => false,
                Shape::Structure(members) => {
                    members.iter().any(|it| it.name != it.wire || differs(it.shape, depth - 1))
                }
                Shape::List { member, .. } => differs(member, depth - 1),
                _ => false,
            }
        }
        for model in services().into_iter().filter(|model| model.protocol.has_form()) {
            let mut shapes = model.operations.iter().flat_map(|it| [it.input, it.output]).flatten();
            let has_others = shapes.any(|shape| differs(shape, 6));
            assert_eq!(has_others, model.name == "ec2", "{}", model.name);
        }
    }
}
