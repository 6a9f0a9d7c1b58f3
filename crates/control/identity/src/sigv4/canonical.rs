//! The one form of a request that both sides hash.

use std::fmt::Write;

use aws_lc_rs::digest;

use super::request::Request;

/// Path of the canonical request: normalised as RFC 3986 5.2.4 says and without empty segments, then every byte but
/// unreserved ones and slashes encoded. As the path came encoded already, its `%3A` becomes `%253A`.
pub(super) fn path(raw: &str) -> String {
    let mut segments = Vec::new();
    for segment in raw.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            _ => segments.push(segment),
        }
    }
    let mut text = String::with_capacity(raw.len() + 16);
    for segment in &segments {
        text.push('/');
        encode(segment.as_bytes(), &mut text);
    }
    if segments.is_empty() || raw.ends_with('/') {
        text.push('/');
    }
    text
}

/// Whether the path, as sent, is already what normalising makes of it: it begins with a slash and has no `.`, `..` or
/// empty segment but the last. Only then does a signature belong to one route.
#[must_use]
pub fn is_normal_path(raw: &str) -> bool {
    let Some(rest) = raw.strip_prefix('/') else { return false };
    let inner = rest.strip_suffix('/').unwrap_or(rest);
    rest.is_empty() || inner.split('/').all(|segment| !matches!(segment, "" | "." | ".."))
}

/// Names and values of a query, decoded, in the order in which they came. `+` is a blank, what is no percent-encoding
/// stands for itself, a name without `=` has the empty value. The signature covers exactly this reading.
#[must_use]
pub fn query_pairs(query: &str) -> Vec<(Vec<u8>, Vec<u8>)> {
    let parts = query.split('&').filter(|part| !part.is_empty());
    parts
        .map(|part| {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            (decode(name), decode(value))
        })
        .collect()
}

/// Query of the canonical request: each name and value encoded, sorted by both. Pairs whose name is `left_out` are not in it.
pub(super) fn query(raw: &str, left_out: Option<&str>) -> String {
    let mut pairs: Vec<(String, String)> = query_pairs(raw)
        .iter()
        .filter(|(name, _)| left_out.is_none_or(|left_out| name != left_out.as_bytes()))
        .map(|(name, value)| (encoded(name), encoded(value)))
        .collect();
    pairs.sort();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
    pairs.join("&")
}

/// Hash of the canonical request.
///
/// `signed_headers` are lower-case names in order; a header that is not there counts as empty. `left_out` names the
/// parameter of the query that holds the signature itself.
pub(super) fn request_hash(
    request: &Request<'_>,
    left_out: Option<&str>,
    signed_headers: &[String],
    payload_hash: &str,
) -> digest::Digest {
    let mut context = digest::Context::new(&digest::SHA256);
    let mut line = |text: &str| {
        context.update(text.as_bytes());
        context.update(b"\n");
    };
    line(request.method);
    line(&path(request.path));
    line(&query(request.query, left_out));
    for name in signed_headers {
        let values: Vec<String> = request.values(name).map(trimmed).collect();
        line(&format!("{name}:{}", values.join(",")));
    }
    line("");
    line(&signed_headers.join(";"));
    context.update(payload_hash.as_bytes());
    context.finish()
}

/// Lower-case hexadecimal digits of the SHA-256 of a body.
pub(super) fn payload_hash(body: &[u8]) -> String {
    hex(digest::digest(&digest::SHA256, body).as_ref())
}

/// Two lower-case digits per byte.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing into a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A header's value without blanks around it, and with one blank for each run of them inside.
fn trimmed(value: &str) -> String {
    let words: Vec<&str> = value.split(|letter: char| letter.is_ascii_whitespace()).collect();
    words.iter().filter(|word| !word.is_empty()).copied().collect::<Vec<_>>().join(" ")
}

fn encoded(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    encode(bytes, &mut text);
    text
}

fn encode(bytes: &[u8], text: &mut String) {
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let escaped = match (first, tail) {
            (b'%', [high, low, ..]) => digit(*high).zip(digit(*low)),
            _ => None,
        };
        rest = tail;
        match escaped {
            Some((high, low)) => {
                bytes.push(high * 16 + low);
                rest = tail.get(2..).unwrap_or_default();
            }
            None if *first == b'+' => bytes.push(b' '),
            None => bytes.push(*first),
        }
    }
    bytes
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_and_encoded_once_more() {
        for (raw, expect) in [
            ("", "/"),
            ("/", "/"),
            ("//", "/"),
            ("/./", "/"),
            ("/a/..", "/"),
            ("/a/b/../..", "/"),
            ("/../a", "/a"),
            ("//a//", "/a/"),
            ("/a/./b", "/a/b"),
            ("/v1/tags/arn%3Aaws%3Amq%3Aus-east-1", "/v1/tags/arn%253Aaws%253Amq%253Aus-east-1"),
            ("/a b/\u{1234}", "/a%20b/%E1%88%B4"),
            ("/-._~Az09", "/-._~Az09"),
            ("/a:b", "/a%3Ab"),
            ("/a/%2E%2E/b", "/a/%252E%252E/b"),
        ] {
            assert_eq!(path(raw), expect, "{raw}");
        }
    }

    #[test]
    fn only_a_normal_path_is_its_own_normal_form() {
        for raw in ["/", "/a", "/a/", "/a/b", "/a/...", "/a/.b", "/%2E%2E"] {
            assert!(is_normal_path(raw), "{raw}");
        }
        for raw in ["", "a", "//", "//a", "/a//b", "/a//", "/.", "/..", "/a/..", "/a/../b", "/a/./", "*"] {
            assert!(!is_normal_path(raw), "{raw}");
        }
    }

    #[test]
    fn queries_are_decoded_encoded_and_sorted() {
        for (raw, expect) in [
            ("", ""),
            ("a", "a="),
            ("b=2&a=1", "a=1&b=2"),
            ("a=2&a=10&a=1", "a=1&a=10&a=2"),
            ("tagKeys=b%20c&tagKeys=a&tagKeys=%c3%A4", "tagKeys=%C3%A4&tagKeys=a&tagKeys=b%20c"),
            ("a=+&a=%2B", "a=%20&a=%2B"),
            ("a=%zz&b=%4", "a=%25zz&b=%254"),
            ("a==&&=b", "=b&a=%3D"),
            ("-_.~=-_.~", "-_.~=-_.~"),
            ("X-Amz-Signature=1&a=2", "a=2"),
        ] {
            assert_eq!(query(raw, Some("X-Amz-Signature")), expect, "{raw}");
        }
    }

    #[test]
    fn header_values_lose_blanks() {
        for (raw, expect) in [("", ""), ("  a  ", "a"), ("\"a   b\t c\"", "\"a b c\""), ("a\n  b", "a b")] {
            assert_eq!(trimmed(raw), expect);
        }
    }
}
