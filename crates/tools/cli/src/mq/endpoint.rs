//! Where the service is: an endpoint URL taken apart.

use std::fmt;

use crate::failure::Failure;
use crate::url::split_port;

/// `http://HOST:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl Endpoint {
    /// Takes a URL apart; `origin` tells where it was said.
    pub(crate) fn parse(text: &str, origin: &str) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::usage(format!("the endpoint URL {origin} is wrong: {what}; expected http://HOST:PORT"))
        };
        if text.starts_with("https://") {
            return Err(wrong("the service speaks http, and leaves TLS to a proxy before it"));
        }
        let rest = text.strip_prefix("http://").ok_or_else(|| wrong("it does not start with http://"))?;
        let place = rest.strip_suffix('/').unwrap_or(rest);
        if place.contains(['/', '?', '#']) {
            return Err(wrong("it has something after the port"));
        }
        if place.contains('@') {
            return Err(wrong("it has a login, and calls are signed with keys"));
        }
        let (host, port) = split_port(place, 80).ok_or_else(|| wrong("the port is no number"))?;
        let is_name = |letter: char| letter.is_ascii_alphanumeric() || "-._:%".contains(letter);
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong("it has no host"));
        }
        Ok(Self { host, port })
    }

    /// Value of the header `host`.
    pub(crate) fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 80 { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let answer = match Endpoint::parse(text, "of --endpoint-url") {
            Ok(it) => format!("{} {} {it}", it.host, it.port),
            Err(failure) => failure.text().to_owned(),
        };
        assert_eq!(answer, expect, "{text}");
    }

    #[test]
    fn endpoints() {
        check("http://127.0.0.1:4580", "127.0.0.1 4580 http://127.0.0.1:4580");
        check("http://h/", "h 80 http://h");
        check("http://[::1]:1", "::1 1 http://[::1]:1");
        for (text, what) in [
            ("https://h", "the service speaks http, and leaves TLS to a proxy before it"),
            ("h:1", "it does not start with http://"),
            ("http://h:x", "the port is no number"),
            ("http://:1", "it has no host"),
            ("http://a\nb", "it has no host"),
            ("http://h/x", "it has something after the port"),
            ("http://u:p@h", "it has a login, and calls are signed with keys"),
        ] {
            check(
                text,
                &format!("the endpoint URL of --endpoint-url is wrong: {what}; expected http://HOST:PORT"),
            );
        }
    }
}
