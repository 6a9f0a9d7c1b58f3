//! A call as an HTTP request, by the tables of the API: no path is written here.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};
use ternmq_api::{Model, Operation, Place, Protocol, Shape};

use crate::failure::Failure;

/// What is encoded in paths and queries: everything but the unreserved letters of RFC 3986, as signatures have it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The parts of a request, before it is signed. The body may hold passwords.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Built {
    pub(crate) method: &'static str,
    pub(crate) path: String,
    /// Without the question mark.
    pub(crate) query: String,
    /// Names in lower case.
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Vec<u8>,
}

/// Builds the request of an operation. `input` has the members by their names on the wire.
pub(crate) fn build(
    model: &Model,
    operation: &Operation,
    input: &Map<String, Value>,
) -> Result<Built, Failure> {
    match model.protocol {
        Protocol::RestJson => rest_json(operation, input),
        Protocol::AwsJson => Ok(aws_json(model, operation, input)),
        Protocol::Query | Protocol::Ec2 => {
            Err(Failure::new(format!("no command speaks the protocol of {}", model.id)))
        }
    }
}

fn rest_json(operation: &Operation, input: &Map<String, Value>) -> Result<Built, Failure> {
    let members = operation.input.map_or(&[][..], Shape::members);
    let (mut path, mut query, mut body) = (operation.path.to_owned(), Vec::new(), Map::new());
    for member in members {
        let given = input.get(member.wire).filter(|value| !value.is_null());
        match (member.place, given) {
            (Place::Label, given) => {
                let text = given.and_then(Value::as_str).filter(|text| !text.is_empty());
                let text =
                    text.ok_or_else(|| Failure::usage(format!("the {} must not be empty", member.wire)))?;
                path = path.replace(&format!("{{{}}}", member.wire), &encoded(text));
            }
            (_, None) => {}
            (Place::Query, Some(Value::Array(items))) => {
                query.extend(items.iter().map(|item| pair(member.wire, item)));
            }
            (Place::Query, Some(value)) => query.push(pair(member.wire, value)),
            (Place::Body, Some(value)) => {
                body.insert(member.wire.to_owned(), value.clone());
            }
        }
    }
    let has_body = members.iter().any(|member| member.place == Place::Body);
    let (headers, body) = if has_body {
        (vec![("content-type", "application/json".to_owned())], Value::Object(body).to_string().into_bytes())
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(Built { method: operation.method, path, query: query.join("&"), headers, body })
}

fn aws_json(model: &Model, operation: &Operation, input: &Map<String, Value>) -> Built {
    Built {
        method: operation.method,
        path: operation.path.to_owned(),
        query: String::new(),
        headers: vec![
            ("content-type", "application/x-amz-json-1.1".to_owned()),
            ("x-amz-target", format!("{}.{}", model.target_prefix, operation.name)),
        ],
        body: Value::Object(input.clone()).to_string().into_bytes(),
    }
}

fn pair(name: &str, value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    format!("{}={}", encoded(name), encoded(&text))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use ternmq_api::{Request, Routed, cloudtrail, codec, mq};

    use super::*;

    fn built(model: &Model, name: &str, input: &Value) -> Result<Built, Failure> {
        build(model, model.operation(name).unwrap(), input.as_object().unwrap())
    }

    /// The request in lines.
    fn check(model: &Model, name: &str, input: &Value, expect: &str) {
        let answer = match built(model, name, input) {
            Ok(it) => {
                let mark = if it.query.is_empty() { "" } else { "?" };
                let headers: Vec<String> =
                    it.headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
                let body = String::from_utf8(it.body).unwrap();
                let lines =
                    [format!("{} {}{mark}{}", it.method, it.path, it.query), headers.join("\n"), body];
                lines.into_iter().filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
            }
            Err(failure) => failure.text().to_owned(),
        };
        assert_eq!(answer, expect, "{name}");
    }

    #[test]
    fn requests() {
        check(&mq::MODEL, "ListBrokers", &json!({}), "GET /v1/brokers");
        check(
            &mq::MODEL,
            "ListBrokers",
            &json!({"maxResults": 100, "nextToken": "a/b=&"}),
            "GET /v1/brokers?maxResults=100&nextToken=a%2Fb%3D%26",
        );
        check(&mq::MODEL, "DescribeBroker", &json!({"broker-id": "b-1"}), "GET /v1/brokers/b-1");
        check(&mq::MODEL, "RebootBroker", &json!({"broker-id": "b-1"}), "POST /v1/brokers/b-1/reboot");
        check(
            &mq::MODEL,
            "DeleteTags",
            &json!({"resource-arn": "arn:aws:mq:r:1:broker:n:b-1", "tagKeys": ["a", "b c"]}),
            "DELETE /v1/tags/arn%3Aaws%3Amq%3Ar%3A1%3Abroker%3An%3Ab-1?tagKeys=a&tagKeys=b%20c",
        );
        check(
            &mq::MODEL,
            "UpdateUser",
            &json!({"broker-id": "b-1", "username": "a~./ü", "consoleAccess": true, "groups": null, "more": 1}),
            "PUT /v1/brokers/b-1/users/a~.%2F%C3%BC\ncontent-type: application/json\n{\"consoleAccess\":true}",
        );
        check(
            &mq::MODEL,
            "CreateTags",
            &json!({"resource-arn": "arn"}),
            "POST /v1/tags/arn\ncontent-type: application/json\n{}",
        );
        check(
            &cloudtrail::MODEL,
            "LookupEvents",
            &json!({"MaxResults": 5}),
            "POST /\ncontent-type: application/x-amz-json-1.1\nx-amz-target: \
             com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents\n{\"MaxResults\":5}",
        );
        check(&mq::MODEL, "DescribeBroker", &json!({"broker-id": ""}), "the broker-id must not be empty");
    }

    /// What is built for an operation, the service takes for that operation with that input.
    #[test]
    fn every_operation_of_the_api_is_understood_by_the_service() {
        for operation in mq::MODEL.operations {
            let mut input = Map::new();
            for member in operation.input.unwrap().members().iter().filter(|member| member.is_required) {
                input.insert(member.wire.to_owned(), sample(member.shape));
            }
            let built = build(&mq::MODEL, operation, &input).unwrap();
            let request = Request {
                method: built.method.into(),
                path: built.path,
                query: built.query,
                headers: Vec::new(),
                body: built.body,
            };
            let routed = Routed::find(&mq::MODEL, &request, &[]).unwrap();
            assert_eq!(routed.operation.name, operation.name);
            assert_eq!(codec::read(&routed, &request, &[]).unwrap(), input, "{}", operation.name);
        }
    }

    fn sample(shape: &Shape) -> Value {
        match shape {
            Shape::Text { values, .. } => (*values.first().unwrap_or(&"a/b c")).into(),
            Shape::List { member, .. } => json!([sample(member), sample(member)]),
            Shape::Boolean => true.into(),
            Shape::Integer { least, .. } => (*least).into(),
            _ => json!({}),
        }
    }
}
