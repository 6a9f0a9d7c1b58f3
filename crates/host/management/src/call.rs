//! One request as a handler sees it.

use bytes::Bytes;
use serde_json::Value;

use crate::answer::Refusal;
use crate::core_session::Actor;
use crate::json::parse_object;

/// A request that was matched and logged in. Has no text form: its body may hold a password (S11).
pub(crate) struct Call {
    /// Who asks.
    pub(crate) actor: Actor,
    /// Parts of the path that the route names, decoded.
    pub(crate) names: Vec<(&'static str, String)>,
    /// Query, decoded, in order.
    pub(crate) query: Vec<(String, String)>,
    /// Why somebody closes a connection, from the header made for that.
    pub(crate) reason: Option<String>,
    /// Body.
    pub(crate) body: Bytes,
}

impl Call {
    /// Name of who asks, for people; the service that runs the node has none that a user could have.
    pub(crate) fn user_name(&self) -> &str {
        match &self.actor {
            Actor::User(user) => user,
            Actor::Node => "",
        }
    }

    /// Which way the request came, for the audit log.
    pub(crate) fn way(&self) -> &'static str {
        match self.actor {
            Actor::User(_) => "http",
            Actor::Node => "control",
        }
    }

    /// Part of the path. A name that the route does not have is empty.
    pub(crate) fn name(&self, name: &str) -> &str {
        self.find_name(name).unwrap_or_default()
    }

    /// Part of the path, if the route has it.
    pub(crate) fn find_name(&self, name: &str) -> Option<&str> {
        self.names.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// Value in the query, the first of its name.
    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Whether the query switches something on.
    pub(crate) fn is_on(&self, name: &str) -> bool {
        self.query(name).is_some_and(|value| value == "true")
    }

    /// The body as a JSON object; no body is an empty one.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, Value>, Refusal> {
        parse_object(&self.body)
    }
}

/// Decodes the percent signs of a part of a path. `None`: not UTF-8, or a percent sign without two digits.
pub(crate) fn decode_part(part: &str) -> Option<String> {
    decode(part, |byte| byte)
}

/// Splits and decodes a query. What can't be decoded is left out.
pub(crate) fn decode_query(query: &str) -> Vec<(String, String)> {
    let decode_value = |text: &str| decode(text, |byte| if byte == b'+' { b' ' } else { byte });
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode_value(name)?, decode_value(value)?))
        })
        .collect()
}

fn decode(text: &str, plain: fn(u8) -> u8) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let digits = [bytes.next()?, bytes.next()?];
            let digits =
                std::str::from_utf8(&digits).ok().filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))?;
            decoded.push(u8::from_str_radix(digits, 16).ok()?);
        } else {
            decoded.push(plain(byte));
        }
    }
    String::from_utf8(decoded).ok()
}

/// Encodes a part of a path: letters, digits and `-._` stay as they are, so `/` and `~` never show.
pub(crate) fn encode_part(part: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_survive_encoding_and_decoding() {
        for part in ["/", "a b", "ä~%", "", "plain-1.x_y"] {
            assert_eq!(decode_part(&encode_part(part)).as_deref(), Some(part), "{part:?}");
        }
        assert_eq!(encode_part("/"), "%2F");
    }

    #[test]
    fn broken_percent_signs_are_refused() {
        for part in ["%", "%2", "%zz", "%+1", "%ff"] {
            assert_eq!(decode_part(part), None, "{part:?}");
        }
    }

    #[test]
    fn queries_are_split_and_decoded() {
        let query = decode_query("a=1&b=x+y%2F&&c&d=%zz");
        let expect = [("a", "1"), ("b", "x y/"), ("c", "")];
        assert_eq!(query, expect.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }
}
