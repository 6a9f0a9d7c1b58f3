//! The wire protocols: a request to a checked input, an output to an answer.
//!
//! An input is an object whose members have their names on the wire; so is an output. In awsJson and query these are
//! the names of SDKs. In ec2, where forms, answers and SDKs each have names of their own, they are those of SDKs.

mod aws_json;
mod ec2;
mod form;
mod form_members;
mod query;
mod rest_json;
pub(crate) mod xml;

use serde_json::{Map, Value};

pub use form::{MAX_PAIRS, decode as decode_form};

use crate::{Protocol, Refusal, Request, Response, Routed};

/// The input of a request.
///
/// # Errors
/// A body that is none of its protocol, or members that are not those of the model.
pub fn read(
    routed: &Routed,
    request: &Request,
    form: &[(String, String)],
) -> Result<Map<String, Value>, Refusal> {
    match routed.model.protocol {
        Protocol::RestJson => rest_json::read(routed, request),
        Protocol::AwsJson => aws_json::read(routed, request),
        Protocol::Query => query::read(routed, form),
        Protocol::Ec2 => ec2::read(routed, form),
    }
}

/// The answer for an output. `id` is the id of the request.
#[must_use]
pub fn write(routed: &Routed, output: Map<String, Value>, id: &str) -> Response {
    let (kind, body) = match routed.model.protocol {
        Protocol::RestJson if routed.operation.output.is_none() => ("", Vec::new()),
        Protocol::RestJson => ("application/json", Value::Object(output).to_string().into_bytes()),
        Protocol::AwsJson => ("application/x-amz-json-1.1", Value::Object(output).to_string().into_bytes()),
        Protocol::Query => ("text/xml", xml::answer(routed, &output, id)),
        Protocol::Ec2 => ("text/xml", xml::ec2_answer(routed, &output, id)),
    };
    let mut headers = vec![("x-amzn-requestid", id.to_owned())];
    if !kind.is_empty() {
        headers.push(("content-type", kind.into()));
    }
    Response { status: routed.operation.status, headers, body }
}

/// A JSON object; nothing at all is an empty one.
fn object(body: &[u8], code: &'static str) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::new(code, 400, "The body must be a JSON object.")),
        Err(error) => Err(Refusal::new(
            code,
            400,
            format!("The body is not valid JSON: line {}, column {}.", error.line(), error.column()),
        )),
    }
}
