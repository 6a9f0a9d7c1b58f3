//! Answers of the query protocol and of ec2.

use serde_json::{Map, Value};

use crate::{Member, Refusal, Routed, Shape};

/// `<XResponse><XResult>…</XResult><ResponseMetadata>…`.
pub(crate) fn answer(routed: &Routed, output: &Map<String, Value>, id: &str) -> Vec<u8> {
    let name = routed.operation.name;
    let mut out = format!("<{name}Response xmlns=\"{}\">", routed.model.xml_namespace);
    if let Some(shape) = routed.operation.output {
        let wrapper = routed.operation.wrapper;
        out.push_str(&format!("<{wrapper}>"));
        members(&mut out, shape.members(), output);
        out.push_str(&format!("</{wrapper}>"));
    }
    out.push_str("<ResponseMetadata>");
    element(&mut out, "RequestId", id);
    out.push_str(&format!("</ResponseMetadata></{name}Response>"));
    out.into_bytes()
}

/// `<ErrorResponse><Error>…`: whose fault it is, is told by the status.
pub(crate) fn error(refusal: &Refusal, namespace: &str, id: &str) -> Vec<u8> {
    let mut out = format!("<ErrorResponse xmlns=\"{namespace}\"><Error>");
    element(&mut out, "Type", if refusal.status < 500 { "Sender" } else { "Receiver" });
    element(&mut out, "Code", refusal.code);
    element(&mut out, "Message", &refusal.message);
    out.push_str("</Error>");
    element(&mut out, "RequestId", id);
    out.push_str("</ErrorResponse>");
    out.into_bytes()
}

/// ec2: `<XResponse><requestId>…</requestId>` and the members, without an element around them. An operation that
/// answers nothing says `<return>true</return>`.
pub(crate) fn ec2_answer(routed: &Routed, output: &Map<String, Value>, id: &str) -> Vec<u8> {
    let name = routed.operation.name;
    let mut out = format!("<{name}Response xmlns=\"{}\">", routed.model.xml_namespace);
    element(&mut out, "requestId", id);
    match routed.operation.output {
        Some(shape) => members(&mut out, shape.members(), output),
        None => element(&mut out, "return", "true"),
    }
    out.push_str(&format!("</{name}Response>"));
    out.into_bytes()
}

/// ec2: `<Response><Errors><Error>…`, without a namespace.
pub(crate) fn ec2_error(refusal: &Refusal, id: &str) -> Vec<u8> {
    let mut out = String::from("<Response><Errors><Error>");
    element(&mut out, "Code", refusal.code);
    element(&mut out, "Message", &refusal.message);
    out.push_str("</Error></Errors>");
    element(&mut out, "RequestID", id);
    out.push_str("</Response>");
    out.into_bytes()
}

fn members(out: &mut String, members: &[Member], given: &Map<String, Value>) {
    for member in members {
        if let Some(value) = given.get(member.name) {
            written(out, member.wire, member.shape, value);
        }
    }
}

fn written(out: &mut String, name: &str, shape: &Shape, value: &Value) {
    match (shape, value) {
        (Shape::Structure(inner), Value::Object(given)) => {
            out.push_str(&format!("<{name}>"));
            members(out, inner, given);
            out.push_str(&format!("</{name}>"));
        }
        (Shape::List { member, is_flat: true, .. }, Value::Array(items)) => {
            items.iter().for_each(|item| written(out, name, member, item));
        }
        (Shape::List { member, item_name, .. }, Value::Array(items)) => {
            out.push_str(&format!("<{name}>"));
            items.iter().for_each(|item| written(out, item_name, member, item));
            out.push_str(&format!("</{name}>"));
        }
        (_, Value::String(text)) => element(out, name, text),
        (_, Value::Bool(_) | Value::Number(_)) => element(out, name, &value.to_string()),
        _ => {}
    }
}

fn element(out: &mut String, name: &str, text: &str) {
    out.push_str(&format!("<{name}>"));
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\r' => out.push_str("&#13;"),
            // XML 1.0 2.2 has no way to write these.
            '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}' => {
                out.push('\u{fffd}')
            }
            letter => out.push(letter),
        }
    }
    out.push_str(&format!("</{name}>"));
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{ec2, iam};

    #[test]
    fn an_answer() {
        let operation = iam::MODEL.operation("ListUsers").unwrap();
        let routed = Routed { model: &iam::MODEL, operation, labels: Vec::new() };
        let output = json!({"Users": [{"UserName": "a<b", "Path": "/"}], "IsTruncated": false});
        let text = String::from_utf8(answer(&routed, output.as_object().unwrap(), "id")).unwrap();
        assert_eq!(
            text,
            "<ListUsersResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><ListUsersResult><IsTruncated>false</IsTruncated><Users><member><Path>/</Path><UserName>a&lt;b</UserName></member></Users></ListUsersResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></ListUsersResponse>"
        );
    }

    #[test]
    fn an_error() {
        let text = error(&Refusal::new("NoSuchEntity", 404, "none & gone"), "ns", "id");
        let expect = "<ErrorResponse xmlns=\"ns\"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>none &amp; gone</Message></Error><RequestId>id</RequestId></ErrorResponse>";
        assert_eq!(String::from_utf8(text).unwrap(), expect);
    }

    fn ec2(operation: &str, output: &Value) -> String {
        let operation = ec2::MODEL.operation(operation).unwrap();
        let routed = Routed { model: &ec2::MODEL, operation, labels: Vec::new() };
        String::from_utf8(ec2_answer(&routed, output.as_object().unwrap(), "id")).unwrap()
    }

    #[test]
    fn answers_of_ec2() {
        let group = json!({"GroupId": "sg-1", "GroupName": "n", "Description": "a&b", "Tags": [{"Key": "k", "Value": ""}],
            "IpPermissions": [{"IpProtocol": "tcp", "FromPort": 5671, "IpRanges": [{"CidrIp": "::/0"}], "UserIdGroupPairs": []}]});
        assert_eq!(
            ec2("DescribeSecurityGroups", &json!({"SecurityGroups": [group], "NextToken": "t"})),
            "<DescribeSecurityGroupsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><requestId>id</requestId><nextToken>t</nextToken><securityGroupInfo><item><groupDescription>a&amp;b</groupDescription><groupId>sg-1</groupId><groupName>n</groupName><ipPermissions><item><fromPort>5671</fromPort><ipProtocol>tcp</ipProtocol><ipRanges><item><cidrIp>::/0</cidrIp></item></ipRanges><groups></groups></item></ipPermissions><tagSet><item><key>k</key><value></value></item></tagSet></item></securityGroupInfo></DescribeSecurityGroupsResponse>"
        );
        assert_eq!(
            ec2("CreateTags", &json!({})),
            "<CreateTagsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15\"><requestId>id</requestId><return>true</return></CreateTagsResponse>"
        );
    }

    #[test]
    fn an_error_of_ec2() {
        let text = ec2_error(&Refusal::new("InvalidGroup.NotFound", 400, "none & gone"), "id");
        let expect = "<Response><Errors><Error><Code>InvalidGroup.NotFound</Code><Message>none &amp; gone</Message></Error></Errors><RequestID>id</RequestID></Response>";
        assert_eq!(String::from_utf8(text).unwrap(), expect);
    }
}
