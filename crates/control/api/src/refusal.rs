//! Why a call is refused, and how that is written in each protocol.

use serde_json::{Map, Value};

use crate::codec::xml;
use crate::{Model, Protocol, Response};

/// An error of an API call. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Refusal {
    /// Name of the error: `BadRequestException`.
    pub code: &'static str,
    /// HTTP status.
    pub status: u16,
    /// What is wrong, with which thing, and what to do.
    pub message: String,
    /// The member or label that is wrong; empty where none is.
    pub attribute: &'static str,
}

impl Refusal {
    /// An error with a code and a status.
    #[must_use]
    pub fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self { code, status, message: message.into(), attribute: "" }
    }

    /// The same, about one member.
    #[must_use]
    pub fn about(self, attribute: &'static str) -> Self {
        Self { attribute, ..self }
    }

    /// Amazon MQ: the input is wrong.
    #[must_use]
    pub fn bad_request(attribute: &'static str, message: impl Into<String>) -> Self {
        Self::new("BadRequestException", 400, message).about(attribute)
    }

    /// Amazon MQ: there is no such thing.
    #[must_use]
    pub fn not_found(attribute: &'static str, message: impl Into<String>) -> Self {
        Self::new("NotFoundException", 404, message).about(attribute)
    }

    /// Amazon MQ: it is in the way of something.
    #[must_use]
    pub fn conflict(attribute: &'static str, message: impl Into<String>) -> Self {
        Self::new("ConflictException", 409, message).about(attribute)
    }

    /// The error as the answer of a call.
    ///
    /// restJson1 and awsJson have it as JSON with the code in `x-amzn-errortype`, awsJson in `__type` too, where its
    /// SDKs look; query and ec2 have it as XML. `id` is the id of the request.
    #[must_use]
    pub fn answer(&self, model: Option<&Model>, protocol: Protocol, id: &str) -> Response {
        let (kind, body) = match protocol {
            Protocol::RestJson => ("application/json", self.json(self.of_attribute())),
            Protocol::AwsJson => (
                "application/x-amz-json-1.1",
                self.json(Map::from_iter([("__type".into(), self.code.into())])),
            ),
            Protocol::Query => {
                ("text/xml", xml::error(self, model.map_or("", |model| model.xml_namespace), id))
            }
            Protocol::Ec2 => ("text/xml", xml::ec2_error(self, id)),
        };
        Response {
            status: self.status,
            headers: vec![
                ("content-type", kind.into()),
                ("x-amzn-requestid", id.into()),
                ("x-amzn-errortype", self.code.into()),
            ],
            body,
        }
    }

    /// Only Amazon MQ tells which member is wrong in a member of its own.
    fn of_attribute(&self) -> Map<String, Value> {
        let attribute = Some(self.attribute).filter(|attribute| !attribute.is_empty());
        attribute.map(|attribute| ("errorAttribute".into(), attribute.into())).into_iter().collect()
    }

    fn json(&self, mut body: Map<String, Value>) -> Vec<u8> {
        body.insert("message".into(), self.message.as_str().into());
        Value::Object(body).to_string().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(protocol: Protocol, expect: &str) {
        let answer = Refusal::bad_request("name", "It is too long.").answer(None, protocol, "id");
        assert_eq!(String::from_utf8(answer.body).unwrap(), expect);
    }

    #[test]
    fn each_protocol_has_the_code_where_its_sdks_look() {
        check(Protocol::RestJson, r#"{"errorAttribute":"name","message":"It is too long."}"#);
        check(Protocol::AwsJson, r#"{"__type":"BadRequestException","message":"It is too long."}"#);
    }
}
