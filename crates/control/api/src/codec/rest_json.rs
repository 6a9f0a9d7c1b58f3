//! restJson1: labels and query by place, the rest in a JSON body.

use serde_json::{Map, Value};

use super::{form, object};
use crate::{Member, Place, Refusal, Request, Routed, Shape, check};

pub(super) fn read(routed: &Routed, request: &Request) -> Result<Map<String, Value>, Refusal> {
    let members = routed.operation.input.map_or(&[][..], Shape::members);
    let has_body = members.iter().any(|member| member.place == Place::Body);
    let body = if has_body { object(&request.body, "BadRequestException")? } else { Map::new() };
    let query = form::decode(&request.query)?;
    let mut given = Map::new();
    for member in members {
        let value = match member.place {
            Place::Body => body.get(member.wire).cloned(),
            Place::Label => {
                let label = routed.labels.iter().find(|(name, _)| *name == member.wire);
                label.map(|(_, text)| Value::from(text.as_str()))
            }
            Place::Query => of_query(member, &query)?,
        };
        given.extend(value.map(|value| (member.wire.to_owned(), value)));
    }
    check::input(members, &given)
}

fn of_query(member: &Member, query: &[(String, String)]) -> Result<Option<Value>, Refusal> {
    let mut texts = query.iter().filter(|(name, _)| name == member.wire).map(|(_, text)| text.as_str());
    if let Shape::List { .. } = member.shape {
        let items: Vec<Value> = texts.map(Value::from).collect();
        return Ok(Some(Value::Array(items)).filter(|items| items != &Value::Array(Vec::new())));
    }
    let Some(text) = texts.next() else { return Ok(None) };
    if texts.next().is_some() {
        return Err(Refusal::bad_request(
            member.wire,
            format!("Attribute [{}] was given twice.", member.wire),
        ));
    }
    check::of_text(member.shape, text, member.wire).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{codec, mq};

    fn check(method: &str, path: &str, query: &str, body: &[u8], expect: &str) {
        let request = Request {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            body: body.into(),
            ..Request::default()
        };
        let answer =
            Routed::find(&mq::MODEL, &request, &[]).and_then(|routed| codec::read(&routed, &request, &[]));
        let answer = match answer {
            Ok(input) => Value::Object(input).to_string(),
            Err(refusal) => format!("{} {} {}", refusal.status, refusal.attribute, refusal.message),
        };
        assert_eq!(answer, expect, "{path} {query}");
    }

    #[test]
    fn members_come_from_their_places() {
        check(
            "GET",
            "/v1/brokers",
            "maxResults=5&nextToken=t%2F%3D",
            b"",
            r#"{"maxResults":5,"nextToken":"t/="}"#,
        );
        check(
            "GET",
            "/v1/brokers",
            "maxResults=x",
            b"",
            "400 maxResults Attribute [maxResults] must be a whole number from 1 to 100.",
        );
        check(
            "GET",
            "/v1/brokers",
            "maxResults=5&maxResults=6",
            b"",
            "400 maxResults Attribute [maxResults] was given twice.",
        );
        check(
            "DELETE",
            "/v1/tags/arn%3Ax",
            "tagKeys=a&tagKeys=b%20c",
            b"",
            r#"{"resource-arn":"arn:x","tagKeys":["a","b c"]}"#,
        );
        check("DELETE", "/v1/tags/arn%3Ax", "", b"", "400 tagKeys Attribute [tagKeys] is required.");
        check(
            "POST",
            "/v1/brokers/b-1/promote",
            "",
            br#"{"mode":"switchover"}"#,
            r#"{"broker-id":"b-1","mode":"SWITCHOVER"}"#,
        );
        check(
            "POST",
            "/v1/brokers/b-1/promote",
            "",
            br#"{"mode":"#,
            "400  The body is not valid JSON: line 1, column 8.",
        );
        check("POST", "/v1/brokers/b-1/promote", "", b"[]", "400  The body must be a JSON object.");
        check("POST", "/v1/brokers/b-1/reboot", "", b"not read", r#"{"broker-id":"b-1"}"#);
    }

    #[test]
    fn a_label_in_the_body_changes_nothing() {
        check(
            "POST",
            "/v1/brokers/b-1/promote",
            "",
            br#"{"mode":"FAILOVER","broker-id":"b-2"}"#,
            r#"{"broker-id":"b-1","mode":"FAILOVER"}"#,
        );
    }
}
