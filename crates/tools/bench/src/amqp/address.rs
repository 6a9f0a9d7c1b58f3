//! Where a broker is and who logs in: `amqp://user:password@host:port/vhost`.

use anyhow::{Context, Result, bail};

use crate::stream::Trust;

/// What protects a connection.
#[derive(Clone, Debug)]
pub enum Security {
    /// Nothing.
    Plain,
    /// TLS, with a broker whose certificate is from one of these CAs.
    Tls(Trust),
}

/// An address to log in to.
#[derive(Clone, Debug)]
pub struct Address {
    /// `host:port`.
    pub endpoint: String,
    /// User name.
    pub user: String,
    /// Password.
    pub password: String,
    /// Virtual host.
    pub vhost: String,
    /// Plain or TLS.
    pub security: Security,
}

/// Schemes and their usual ports, first those without TLS.
const SCHEMES: [&[(&str, u16)]; 2] = [
    &[("amqp://", 5_672), ("mqtt://", 1_883), ("stomp://", 61_613), ("openwire://", 61_616)],
    &[("amqps://", 5_671), ("mqtts://", 8_883), ("stomps://", 61_614), ("openwires://", 61_617)],
];

impl Address {
    /// Reads an AMQP URI, or one of MQTT, STOMP or OpenWire in the same form. Everything but the host has a default: guest, guest, 5672, `/`. As in the
    /// AMQP URI scheme, the path is the virtual host percent-encoded, so `/` is written `%2F` or left out. Those of TLS (`amqps`, `mqtts`,
    /// `stomps`, `openwires`) need `trust`.
    pub fn parse(text: &str, trust: Option<&Trust>) -> Result<Address> {
        let of_scheme = |(scheme, port): &(&str, u16)| Some((text.strip_prefix(*scheme)?, *port));
        let [plain, tls] = SCHEMES.map(|schemes| schemes.iter().find_map(of_scheme));
        let (rest, default_port, security) = match (plain, tls) {
            (Some((rest, port)), _) => (rest, port, Security::Plain),
            (None, Some((rest, port))) => {
                let trust = trust.with_context(|| {
                    format!(
                        "{text:?} is for TLS: name a file with the CA of the broker's certificate with --ca"
                    )
                })?;
                (rest, port, Security::Tls(trust.clone()))
            }
            (None, None) => bail!(
                "{text:?} is not an address; write amqp://user:password@host:port/vhost, mqtt://…, stomp://… or \
                 openwire://…, for TLS amqps://…, mqtts://…, stomps://… or openwires://…"
            ),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (login, endpoint) = authority.rsplit_once('@').unwrap_or(("guest:guest", authority));
        let (user, password) = login.split_once(':').unwrap_or((login, "guest"));
        if endpoint.is_empty() {
            bail!("{text:?} has no host; write amqp://user:password@host:port/vhost");
        }
        let has_port = endpoint.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let endpoint = if has_port { endpoint.to_owned() } else { format!("{endpoint}:{default_port}") };
        let vhost = if path.is_empty() { "/".to_owned() } else { decode(path)? };
        Ok(Address { endpoint, user: decode(user)?, password: decode(password)?, vhost, security })
    }
}

fn decode(text: &str) -> Result<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = (bytes.next().and_then(hex), bytes.next().and_then(hex));
        let (Some(high), Some(low)) = digits else {
            bail!("{text:?} has a % that is not followed by two hexadecimal digits");
        };
        out.push(high << 4 | low);
    }
    Ok(String::from_utf8(out)?)
}

fn hex(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, endpoint: &str, user: &str, password: &str, vhost: &str) {
        let address = Address::parse(text, None).unwrap();
        let fields = (address.endpoint.as_str(), address.user.as_str(), address.password.as_str());
        assert_eq!(fields, (endpoint, user, password), "{text}");
        assert_eq!(address.vhost, vhost, "{text}");
    }

    #[test]
    fn every_part_but_the_host_has_a_default() {
        check("amqp://127.0.0.1", "127.0.0.1:5672", "guest", "guest", "/");
        check("amqp://u:p%40@[::1]:5673/%2Fa", "[::1]:5673", "u", "p@", "/a");
        check("amqp://u@h:1/v", "h:1", "u", "guest", "v");
    }

    #[test]
    fn nonsense_is_refused_with_the_form_to_write() {
        for text in ["127.0.0.1", "amqp://", "amqp://u:%zz@h"] {
            assert!(Address::parse(text, None).is_err(), "{text}");
        }
    }

    #[test]
    fn an_address_for_tls_needs_a_ca() {
        let error = Address::parse("amqps://u:p@h", None).unwrap_err().to_string();
        assert!(error.contains("--ca"), "{error}");
    }
}
