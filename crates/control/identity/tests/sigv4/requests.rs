//! Requests in text, for the files in `tests/data`.
//!
//! ```text
//! case NAME
//! scope REGION SERVICE
//! line METHOD TARGET
//! head NAME: VALUE          each header
//! token SESSION-TOKEN       if the key is a temporary one
//! body BODY
//! ```
//! `\\` is a backslash and `\xHH` a byte; the rest is ASCII.

use ternmq_identity::sigv4::{AuthFault, Claimed, KnownKey, Presented, Request, Rules, Session, Verified};
use ternmq_identity::{Credentials, Secret};

/// AWS's public example key.
pub(crate) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A request that owns its parts, so that a test can change them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Owned {
    pub name: String,
    pub region: String,
    pub service: String,
    pub method: String,
    pub path: String,
    pub query: String,
    pub headers: Vec<(String, String)>,
    pub token: Option<String>,
    pub body: Vec<u8>,
}

impl Owned {
    /// Runs something on the request as the crate sees it.
    pub(crate) fn with<T>(&self, run: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &str)> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        run(&Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    /// Reads and verifies it for the key of [`SECRET`], whose session, if it has one, ends an hour later.
    pub(crate) fn verify(&self, now_s: i64) -> Result<Verified, AuthFault> {
        let secret = Secret::from(SECRET);
        let token = self.token.as_deref().map(Secret::from);
        let session = token.as_ref().map(|token| Session { token, expires_at_s: now_s + 3_600 });
        self.verify_for(Claimed::Known(KnownKey { secret: &secret, session }), now_s)
    }

    /// Reads and verifies it for some key.
    pub(crate) fn verify_for(&self, claimed: Claimed<'_>, now_s: i64) -> Result<Verified, AuthFault> {
        let rules = Rules { service: &self.service, regions: &[&self.region], now_s };
        self.with(|request| Presented::read(request)?.verify(request, claimed, &rules))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.remove(name);
        self.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(crate) fn remove(&mut self, name: &str) {
        self.headers.retain(|(other, _)| !other.eq_ignore_ascii_case(name));
    }

    pub(crate) fn credentials(&self) -> Credentials {
        Credentials {
            access_key_id: "AKIDEXAMPLE".to_owned(),
            secret: Secret::from(SECRET),
            session_token: self.token.as_deref().map(Secret::from),
        }
    }
}

/// All requests of a file.
pub(crate) fn read(text: &str) -> Vec<Owned> {
    let mut all: Vec<Owned> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (word, rest) = line.split_once(' ').unwrap();
        let rest = unescaped(rest);
        let text = || String::from_utf8(rest.clone()).unwrap();
        if word == "case" {
            all.push(Owned { name: text(), ..Owned::default() });
            continue;
        }
        let last = all.last_mut().unwrap();
        let pair = |separator: &str| {
            let text = text();
            let (one, other) = text.split_once(separator).unwrap();
            (one.to_owned(), other.to_owned())
        };
        match word {
            "scope" => (last.region, last.service) = pair(" "),
            "line" => {
                let (method, target) = pair(" ");
                let (path, query) = target.split_once('?').unwrap_or((&target, ""));
                (last.method, last.path, last.query) = (method, path.to_owned(), query.to_owned());
            }
            "head" => {
                let (name, value) = pair(":");
                last.headers.push((name, value.strip_prefix(' ').unwrap_or(&value).to_owned()));
            }
            "token" => last.token = Some(text()),
            "body" => last.body = rest,
            _ => panic!("{line}"),
        }
    }
    all
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        match (first, tail) {
            (b'\\', [b'x', high, low, after @ ..]) => {
                let digits = [*high, *low];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
                rest = after;
            }
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    bytes
}
