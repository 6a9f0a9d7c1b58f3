//! Addresses of brokers as people write them.

use std::fs;
use std::path::Path;

use crate::failure::Failure;

/// Name of the administrator that a broker makes for itself, and the file with its password.
const OWN_USER: &str = "admin";
const OWN_PASSWORD_FILE: &str = "admin.password";

/// `scheme://user:password@host:port/path`, taken apart.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: String,
    pub(crate) password: String,
    /// Decoded, without its slash; absent when there is none.
    pub(crate) path: Option<String>,
}

impl Address {
    /// Takes an address apart; a login that it lacks is looked up in the data directory of a broker here.
    pub(crate) fn parse(
        text: &str,
        scheme: &str,
        default_port: u16,
        data_dir: &Path,
    ) -> Result<Self, Failure> {
        let wrong = |what: &str| {
            Failure::usage(format!(
                "the address is wrong: {what}; expected {scheme}://USER:PASSWORD@HOST:PORT"
            ))
        };
        let rest = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let rest = rest.ok_or_else(|| wrong(&format!("it does not start with {scheme}://")))?;
        let (authority, path) = match rest.split_once('/') {
            Some((authority, path)) => (authority, Some(path)),
            None => (rest, None),
        };
        let (login, place) = match authority.rsplit_once('@') {
            Some((login, place)) => (Some(login), place),
            None => (None, authority),
        };
        let (host, port) = split_port(place, default_port).ok_or_else(|| wrong("the port is no number"))?;
        if host.is_empty() {
            return Err(wrong("it has no host"));
        }
        let decode =
            |text: &str| decode_percent(text).ok_or_else(|| wrong("a % is not followed by two hex digits"));
        let (user, password) = match login {
            Some(login) => {
                let (user, password) = login.split_once(':').unwrap_or((login, ""));
                (decode(user)?, decode(password)?)
            }
            None => (OWN_USER.into(), own_password(data_dir)?),
        };
        let path = path.filter(|path| !path.is_empty()).map(decode).transpose()?;
        Ok(Self { host, port, user, password, path })
    }
}

fn own_password(data_dir: &Path) -> Result<String, Failure> {
    let path = data_dir.join(OWN_PASSWORD_FILE);
    let text = fs::read_to_string(&path).map_err(|error| {
        Failure::new(format!(
            "no login is given and '{}' cannot be read: {error}; give one with --url, or name the broker's --data-dir",
            path.display()
        ))
    })?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// Host and port of `HOST`, `HOST:PORT`, `[ADDRESS]:PORT`.
pub(crate) fn split_port(place: &str, default_port: u16) -> Option<(String, u16)> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        let port = match rest.strip_prefix(':') {
            Some(port) => port.parse().ok()?,
            None if rest.is_empty() => default_port,
            None => return None,
        };
        return Some((host.to_owned(), port));
    }
    match place.split_once(':') {
        Some((host, port)) => Some((host.to_owned(), port.parse().ok()?)),
        None => Some((place.to_owned(), default_port)),
    }
}

fn decode_percent(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let value = digit(rest.next()?)? * 16 + digit(rest.next()?)?;
            bytes.push(u8::try_from(value).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &str) {
        let answer = match Address::parse(text, "amqp", 5672, Path::new("/nonexistent")) {
            Ok(it) => format!("{} {} {} {} {:?}", it.user, it.password, it.host, it.port, it.path),
            Err(failure) => failure.text().to_owned(),
        };
        assert_eq!(answer, expect, "{text:?}");
    }

    #[test]
    fn addresses() {
        check("amqp://a:b@h", "a b h 5672 None");
        check("amqp://a:b@h:1/", "a b h 1 None");
        check("amqp://a%40:%2f@[::1]:1/%2f", "a@ / ::1 1 Some(\"/\")");
        check("amqp://a:b@h/v", "a b h 5672 Some(\"v\")");
        let form = "expected amqp://USER:PASSWORD@HOST:PORT";
        check("http://h", &format!("the address is wrong: it does not start with amqp://; {form}"));
        check("amqp://a:b@h:x", &format!("the address is wrong: the port is no number; {form}"));
        check("amqp://a:b@", &format!("the address is wrong: it has no host; {form}"));
        check(
            "amqp://%4:b@h",
            &format!("the address is wrong: a % is not followed by two hex digits; {form}"),
        );
    }

    #[test]
    fn a_missing_login_comes_from_the_data_directory() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(OWN_PASSWORD_FILE), "secret\n").unwrap();
        let address = Address::parse("amqp://h", "amqp", 5672, dir.path()).ok().unwrap();
        assert_eq!((&*address.user, &*address.password), ("admin", "secret"));
        let failure = Address::parse("amqp://h", "amqp", 5672, Path::new("/nonexistent")).err().unwrap();
        assert!(failure.text().contains("give one with --url"), "{}", failure.text());
    }
}
