//! `application/x-www-form-urlencoded`: queries, and the bodies of the query protocol.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use crate::Refusal;

/// Most pairs of one form.
pub const MAX_PAIRS: usize = 4_000;

/// Pairs in their order, decoded: `+` and `%20` are a space.
///
/// # Errors
/// More than [`MAX_PAIRS`], or bytes that are not UTF-8.
pub fn decode(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let pairs: Vec<&str> = text.split('&').filter(|pair| !pair.is_empty()).take(MAX_PAIRS + 1).collect();
    if pairs.len() > MAX_PAIRS {
        return Err(Refusal::bad_request("", format!("More than {MAX_PAIRS} parameters.")));
    }
    pairs
        .into_iter()
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((plain(name)?, plain(value)?))
        })
        .collect()
}

fn plain(text: &str) -> Result<String, Refusal> {
    let spaced = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    let decoded = percent_decode_str(&spaced).decode_utf8();
    Ok(decoded.map_err(|_| Refusal::bad_request("", "A parameter is not UTF-8."))?.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            decode("a=1&b=+%2B&c&&=x").unwrap(),
            [pair("a", "1"), pair("b", " +"), pair("c", ""), pair("", "x")]
        );
        assert_eq!(decode("").unwrap(), []);
        assert!(decode("a=%ff").is_err());
        assert!(decode(&"a&".repeat(MAX_PAIRS)).is_ok());
        assert!(decode(&"a&".repeat(MAX_PAIRS + 1)).is_err());
    }
}
