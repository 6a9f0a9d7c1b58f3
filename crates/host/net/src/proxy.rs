//! The header by which a proxy says for whom it connects (PROXY protocol, versions 1 and 2). Read only from sources
//! that were configured (S1): from anybody else it would be a claim.

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use thiserror::Error;

/// Longest header that is read, of both versions.
pub(crate) const MAX_HEADER_BYTES: usize = 1_024;
/// Longest line of version 1, with its end.
const MAX_LINE_BYTES: usize = 107;
const LINE_START: &[u8] = b"PROXY ";
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Bytes of version 2 before the addresses.
const FIXED_BYTES: usize = 16;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Proxied {
    pub(crate) peer: SocketAddr,
    pub(crate) local: Option<SocketAddr>,
}

/// A range of addresses: `10.0.0.0/8`, `::1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// A text that is no range of addresses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("'{0}' is no address and no network such as 10.0.0.0/8 or fd00::/8")]
pub struct NetworkError(String);

impl FromStr for Network {
    type Err = NetworkError;

    fn from_str(text: &str) -> Result<Self, NetworkError> {
        let bad = || NetworkError(text.chars().take(64).collect());
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_| bad())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            None => most,
            Some(prefix) => prefix.parse().ok().filter(|bits| *bits <= most).ok_or_else(bad)?,
        };
        Ok(Self { address, prefix_bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl Network {
    /// Whether an address lies in it.
    #[must_use]
    pub fn has(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, true),
            IpAddr::V6(address) => (address.to_bits(), false),
        };
        let (own, other) = (bits(self.address), bits(address.to_canonical()));
        // A shift by all bits is no shift at all.
        let mask = u128::MAX.checked_shl(128 - u32::from(self.prefix_bits)).unwrap_or(0);
        own.1 == other.1 && own.0 & mask == other.0 & mask
    }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

/// Reads a header at the front. `None`: it is not whole yet. Else its length and what it says; a proxy that connects
/// for itself (a health check) says nothing.
pub(crate) fn read_header(input: &[u8]) -> io::Result<Option<(usize, Option<Proxied>)>> {
    if starts_like(input, SIGNATURE) {
        return read_binary(input);
    }
    if starts_like(input, LINE_START) {
        return read_line(input);
    }
    Err(wrong("a proxy's header was expected (PROXY protocol) and something else came"))
}

/// Whether the input begins with this, as far as it goes.
fn starts_like(input: &[u8], start: &[u8]) -> bool {
    let common = input.len().min(start.len());
    input.get(..common) == start.get(..common)
}

fn read_line(input: &[u8]) -> io::Result<Option<(usize, Option<Proxied>)>> {
    let bad = || wrong("a proxy's header line is malformed");
    let seen = input.get(..MAX_LINE_BYTES).unwrap_or(input);
    let Some(end) = seen.windows(2).position(|pair| pair == b"\r\n") else {
        return if seen.len() == MAX_LINE_BYTES { Err(bad()) } else { Ok(None) };
    };
    let line =
        seen.get(LINE_START.len()..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or_else(bad)?;
    let mut words = line.split(' ');
    let family = words.next().ok_or_else(bad)?;
    if family == "UNKNOWN" {
        return Ok(Some((end + 2, None)));
    }
    let mut word = || words.next().ok_or_else(bad);
    let (from, to) = (word()?, word()?);
    let (from_port, to_port) = (word()?, word()?);
    let address = |text: &str| -> io::Result<IpAddr> {
        match family {
            "TCP4" => text.parse::<Ipv4Addr>().map(IpAddr::V4).map_err(|_| bad()),
            "TCP6" => text.parse::<Ipv6Addr>().map(IpAddr::V6).map_err(|_| bad()),
            _ => Err(bad()),
        }
    };
    let port = |text: &str| text.parse::<u16>().map_err(|_| bad());
    let peer = SocketAddr::new(address(from)?, port(from_port)?);
    let local = SocketAddr::new(address(to)?, port(to_port)?);
    if words.next().is_some() {
        return Err(bad());
    }
    Ok(Some((end + 2, Some(Proxied { peer, local: Some(local) }))))
}

fn read_binary(input: &[u8]) -> io::Result<Option<(usize, Option<Proxied>)>> {
    let bad = || wrong("a proxy's header is malformed");
    let Some(&[version_command, family, high, low]) = input.get(SIGNATURE.len()..FIXED_BYTES) else {
        return Ok(None);
    };
    let len = FIXED_BYTES + usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_HEADER_BYTES || version_command >> 4 != 2 {
        return Err(bad());
    }
    let Some(body) = input.get(FIXED_BYTES..len) else { return Ok(None) };
    let is_local = match version_command & 0x0f {
        0 => true,
        1 => false,
        _ => return Err(bad()),
    };
    let proxied = match family >> 4 {
        _ if is_local => None,
        1 => Some(addresses::<4>(body).ok_or_else(bad)?),
        2 => Some(addresses::<16>(body).ok_or_else(bad)?),
        // Unspecified or a socket of one machine: there is no address to learn.
        0 | 3 => None,
        _ => return Err(bad()),
    };
    Ok(Some((len, proxied)))
}

/// Source and target address, source and target port.
fn addresses<const N: usize>(body: &[u8]) -> Option<Proxied>
where
    IpAddr: From<[u8; N]>,
{
    let (from, rest) = body.split_first_chunk::<N>()?;
    let (to, rest) = rest.split_first_chunk::<N>()?;
    let (from_port, rest) = rest.split_first_chunk::<2>()?;
    let (to_port, _) = rest.split_first_chunk::<2>()?;
    let socket = |address: &[u8; N], port: &[u8; 2]| {
        SocketAddr::new(IpAddr::from(*address), u16::from_be_bytes(*port))
    };
    Some(Proxied { peer: socket(from, from_port), local: Some(socket(to, to_port)) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(input: &[u8]) -> String {
        match read_header(input) {
            Ok(None) => "more".into(),
            Ok(Some((len, None))) => format!("{len} nobody"),
            Ok(Some((len, Some(it)))) => format!("{len} {} {}", it.peer, it.local.unwrap()),
            Err(error) => error.to_string(),
        }
    }

    /// The whole input gives `expect`, and each cut of it wants more.
    fn check(header: &[u8], expect: &str) {
        for cut in 0..header.len() {
            assert_eq!(show(&header[..cut]), "more", "cut at {cut}");
        }
        let expect = format!("{} {expect}", header.len());
        assert_eq!(show(header), expect);
        assert_eq!(show(&[header, b"AMQP"].concat()), expect, "what follows is not the header's");
    }

    fn binary(version_command: u8, family: u8, body: &[u8]) -> Vec<u8> {
        let len = u16::try_from(body.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[version_command, family], &len, body].concat()
    }

    #[test]
    fn lines() {
        check(b"PROXY TCP4 10.1.2.3 10.0.0.1 5000 5672\r\n", "10.1.2.3:5000 10.0.0.1:5672");
        check(b"PROXY TCP6 fd00::1 ::1 1 65535\r\n", "[fd00::1]:1 [::1]:65535");
        check(b"PROXY UNKNOWN\r\n", "nobody");
        check(b"PROXY UNKNOWN ffff::1 x\r\n", "nobody");
    }

    #[test]
    fn headers_of_version_2() {
        let v4 = [10, 1, 2, 3, 10, 0, 0, 1, 0x13, 0x88, 0x16, 0x28];
        check(&binary(0x21, 0x11, &v4), "10.1.2.3:5000 10.0.0.1:5672");
        check(&binary(0x21, 0x11, &[&v4[..], &[3, 0, 0]].concat()), "10.1.2.3:5000 10.0.0.1:5672");
        let v6 = [&Ipv6Addr::LOCALHOST.octets()[..], &Ipv6Addr::LOCALHOST.octets(), &[0, 1, 0, 2]].concat();
        check(&binary(0x21, 0x21, &v6), "[::1]:1 [::1]:2");
        check(&binary(0x20, 0x00, &[]), "nobody");
        check(&binary(0x21, 0x31, &[0; 216]), "nobody");
        check(&binary(0x20, 0x11, &[0; MAX_HEADER_BYTES - FIXED_BYTES]), "nobody");
    }

    #[test]
    fn wrong_headers() {
        let line = "a proxy's header line is malformed";
        let header = "a proxy's header is malformed";
        for (input, expect) in [
            (
                &b"AMQP\0\0\x09\x01"[..],
                "a proxy's header was expected (PROXY protocol) and something else came",
            ),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", line),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", line),
            (b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2 3\r\n", line),
            (b"PROXY TCP6 1.2.3.4 1.2.3.4 1 2\r\n", line),
            (b"PROXY UDP4 1.2.3.4 1.2.3.4 1 2\r\n", line),
            (&binary(0x11, 0x11, &[0; 12]), header),
            (&binary(0x22, 0x11, &[0; 12]), header),
            (&binary(0x21, 0x11, &[0; 11]), header),
            (&binary(0x21, 0x41, &[0; 12]), header),
            (&binary(0x21, 0x11, &[0; MAX_HEADER_BYTES - FIXED_BYTES + 1]), header),
        ] {
            assert_eq!(show(input), expect);
        }
        let long = |len| [b"PROXY UNKNOWN ", &vec![b'x'; len - 14][..]].concat();
        assert_eq!(show(&long(MAX_LINE_BYTES - 1)), "more");
        assert_eq!(show(&long(MAX_LINE_BYTES)), line);
    }

    #[test]
    fn networks() {
        for (network, address, expect) in [
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.2", false),
            ("0.0.0.0/0", "9.9.9.9", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/8", "::ffff:10.0.0.1", true),
            ("fd00::/8", "fdff::1", true),
            ("::/0", "10.0.0.1", false),
        ] {
            let network: Network = network.parse().unwrap();
            assert_eq!(network.has(address.parse().unwrap()), expect, "{network:?} {address}");
        }
        for text in ["", "10", "10.0.0.0/33", "::/129", "10.0.0.0/", "a/8"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }
}
