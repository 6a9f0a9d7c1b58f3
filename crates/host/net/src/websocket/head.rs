//! The head of the request that asks for a WebSocket (RFC 6455 4.2).

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::arrival::SessionFactory;

/// Longest head (guarantees section 6).
pub(crate) const MAX_HEAD_BYTES: usize = 16 * 1024;
/// Most header fields.
const MAX_HEADERS: usize = 100;
/// Paths at which a WebSocket is served: RabbitMQ's clients ask for the first, ActiveMQ's for the second.
const PATHS: [&str; 2] = ["/ws", "/"];
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// A protocol that can be spoken through a WebSocket.
#[derive(Clone)]
pub struct Spoken {
    /// Names by which clients ask for it, as `Sec-WebSocket-Protocol` has them.
    pub subprotocols: &'static [&'static str],
    /// Its clients may ask for no name at all.
    pub is_default: bool,
    /// Messages are text wherever they can be, for clients that read nothing else. Where they are not, text from a client
    /// ends its connection with code 1003 (MQTT-6.0.0-1).
    pub speaks_text: bool,
    /// Makes its sessions.
    pub factory: SessionFactory,
}

/// Pages that may open a WebSocket. Clients that are no browsers send no origin and are not concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origins {
    allowed: Vec<String>,
}

impl Origins {
    /// Exactly these (`https://shop.example`), or `*` for all of them. None: pages of the host that they connect to.
    #[must_use]
    pub fn new(allowed: Vec<String>) -> Self {
        Self { allowed }
    }

    fn allow(&self, origin: &str, host: Option<&str>) -> bool {
        if !self.allowed.is_empty() {
            return self.allowed.iter().any(|known| known == "*" || known.eq_ignore_ascii_case(origin));
        }
        let of_origin = origin.split_once("://").map(|(_, host)| bare_host(host));
        let of_request = host.map(bare_host);
        of_origin.is_some_and(|name| {
            !name.is_empty() && of_request.is_some_and(|host| host.eq_ignore_ascii_case(name))
        })
    }
}

/// A host without its port.
fn bare_host(host: &str) -> &str {
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or(host);
    }
    host.split(':').next().unwrap_or(host)
}

/// A request that is granted.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Granted {
    /// Length of the head.
    pub(crate) len_bytes: usize,
    /// Which of the protocols.
    pub(crate) protocol: usize,
    /// The name by which it was asked for.
    subprotocol: Option<&'static str>,
    accept: String,
}

/// A request that is not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Malformed(&'static str),
    Forbidden,
    NotFound,
    TooSlow,
    WrongVersion,
    TooLarge,
}

impl Refusal {
    /// The whole answer.
    pub(crate) fn write(self, out: &mut Vec<u8>) {
        let (status, more, text) = match self {
            Self::Malformed(text) => ("400 Bad Request", "", text),
            Self::Forbidden => {
                ("403 Forbidden", "", "pages of this origin may not connect; allow it with --ws-origin")
            }
            Self::NotFound => ("404 Not Found", "", "a WebSocket is served at /ws and at /"),
            Self::TooSlow => ("408 Request Timeout", "", "the request was not whole in time"),
            Self::WrongVersion => (
                "426 Upgrade Required",
                "sec-websocket-version: 13\r\nupgrade: websocket\r\n",
                "version 13 of WebSocket is spoken",
            ),
            Self::TooLarge => (
                "431 Request Header Fields Too Large",
                "",
                "the head of the request may have 16384 bytes and 100 fields",
            ),
        };
        let len = text.len() + 1;
        out.extend_from_slice(
            format!("HTTP/1.1 {status}\r\n{more}connection: close\r\ncontent-type: text/plain\r\ncontent-length: {len}\r\n\r\n{text}\n").as_bytes(),
        );
    }
}

impl Granted {
    /// The answer after which frames follow.
    pub(crate) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n",
        );
        out.extend_from_slice(format!("sec-websocket-accept: {}\r\n", self.accept).as_bytes());
        if let Some(name) = self.subprotocol {
            out.extend_from_slice(format!("sec-websocket-protocol: {name}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Reads a head at the front. `None`: it is not whole yet.
pub(crate) fn read(input: &[u8], spoken: &[Spoken], origins: &Origins) -> Result<Option<Granted>, Refusal> {
    let seen = input.get(..MAX_HEAD_BYTES).unwrap_or(input);
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut fields);
    let len_bytes = match request.parse(seen) {
        Ok(httparse::Status::Complete(len)) => len,
        Ok(httparse::Status::Partial) if seen.len() >= MAX_HEAD_BYTES => return Err(Refusal::TooLarge),
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(httparse::Error::TooManyHeaders) => return Err(Refusal::TooLarge),
        Err(_) => return Err(Refusal::Malformed("this is no HTTP request")),
    };
    if request.method != Some("GET") || request.version != Some(1) {
        return Err(Refusal::Malformed("a WebSocket begins with GET and HTTP/1.1"));
    }
    let path = request.path.unwrap_or_default();
    let path = path.split('?').next().unwrap_or(path);
    if !PATHS.contains(&path) {
        return Err(Refusal::NotFound);
    }
    grant(&Fields(request.headers), len_bytes, spoken, origins).map(Some)
}

fn grant(
    fields: &Fields<'_, '_>,
    len_bytes: usize,
    spoken: &[Spoken],
    origins: &Origins,
) -> Result<Granted, Refusal> {
    if !fields.has_word("upgrade", "websocket") || !fields.has_word("connection", "upgrade") {
        return Err(Refusal::Malformed(
            "this port speaks WebSocket: ask for Connection: Upgrade and Upgrade: websocket",
        ));
    }
    if fields.one("sec-websocket-version")? != Some("13") {
        return Err(Refusal::WrongVersion);
    }
    let host = fields.one("host")?;
    if host.is_none() {
        return Err(Refusal::Malformed("the field Host is missing"));
    }
    if let Some(origin) = fields.one("origin")?
        && !origins.allow(origin, host)
    {
        return Err(Refusal::Forbidden);
    }
    let key = fields.one("sec-websocket-key")?.unwrap_or_default();
    if STANDARD.decode(key).map(|key| key.len()) != Ok(16) {
        return Err(Refusal::Malformed("Sec-WebSocket-Key is not 16 bytes in base64"));
    }
    let mut offered = fields.words("sec-websocket-protocol").peekable();
    let (protocol, subprotocol) = if offered.peek().is_none() {
        let default = spoken.iter().position(|it| it.is_default);
        (default.ok_or(Refusal::Malformed("say in Sec-WebSocket-Protocol what to speak"))?, None)
    } else {
        // In the client's order.
        let known = offered.find_map(|name| {
            spoken.iter().enumerate().find_map(|(at, it)| {
                it.subprotocols.iter().find(|known| **known == name).map(|known| (at, Some(*known)))
            })
        });
        known.ok_or(Refusal::Malformed("none of the protocols in Sec-WebSocket-Protocol is spoken here"))?
    };
    let accept = STANDARD.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key.as_bytes(), GUID].concat()));
    Ok(Granted { len_bytes, protocol, subprotocol, accept })
}

/// The fields of a head.
struct Fields<'a, 'b>(&'a [httparse::Header<'b>]);

impl<'b> Fields<'_, 'b> {
    fn all(&self, name: &str) -> impl Iterator<Item = &'b str> {
        let found = self.0.iter().filter(move |field| field.name.eq_ignore_ascii_case(name));
        found.filter_map(|field| std::str::from_utf8(field.value).ok())
    }

    /// A field that may be there once.
    fn one(&self, name: &str) -> Result<Option<&'b str>, Refusal> {
        let mut all = self.all(name);
        match (all.next(), all.next()) {
            (found, None) => Ok(found.map(str::trim)),
            _ => Err(Refusal::Malformed("a field that may be there once is there twice")),
        }
    }

    fn words(&self, name: &str) -> impl Iterator<Item = &'b str> {
        self.all(name).flat_map(|value| value.split(',')).map(str::trim).filter(|word| !word.is_empty())
    }

    fn has_word(&self, name: &str, expect: &str) -> bool {
        self.words(name).any(|word| word.eq_ignore_ascii_case(expect))
    }
}
