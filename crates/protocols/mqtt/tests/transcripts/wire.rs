//! Packets to and from one line of text each.

use std::fmt::Write;

use ternmq_mqtt::codec::{
    Ack, Auth, Connect, Disconnect, FilterEntry, Kind, LastWill, Options, Packet, PacketId, Properties,
    Property, PropertyBuf, PropertyId, Publish, Qos, Reason, Subscribe, Unsubscribe, Version,
    property::PropertyValue, split_packet,
};

/// Words of an input line.
struct Words<'a>(&'a [&'a str]);

impl<'a> Words<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&name)
    }

    fn number(&self, name: &str) -> Option<u32> {
        self.text(name).and_then(|text| text.parse().ok())
    }

    fn filters(&self) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(|word| word.strip_prefix("filter="))
    }

    fn qos(&self, name: &str) -> Qos {
        Qos::of(self.number(name).unwrap_or(0) as u8).unwrap()
    }

    /// `name=value` for each property in the words, behind `prefix`.
    fn properties(&self, prefix: &str) -> PropertyBuf {
        let mut out = PropertyBuf::new();
        for word in self.0 {
            let Some((name, value)) = word.strip_prefix(prefix).and_then(|word| word.split_once('=')) else {
                continue;
            };
            if name == "user-property" {
                let (name, value) = value.split_once(':').unwrap();
                out.push(Property::pair(&text(name), &text(value)));
            } else if let Some(id) = PropertyId::ALL.iter().copied().find(|id| kebab(*id) == name) {
                match id {
                    PropertyId::ContentType
                    | PropertyId::ResponseTopic
                    | PropertyId::AuthenticationMethod
                    | PropertyId::ServerReference
                    | PropertyId::ReasonString => out.text(id, &text(value)),
                    PropertyId::CorrelationData | PropertyId::AuthenticationData => {
                        out.push(Property::binary(id, &bytes(value)))
                    }
                    _ => out.number(id, value.parse().unwrap()),
                };
            }
        }
        out
    }
}

/// `hex-ff00` are these bytes, `fill-300` so many letters, anything else is itself.
fn bytes(text: &str) -> Vec<u8> {
    match text.split_once('-') {
        Some(("hex", digits)) => (0..digits.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
            .collect(),
        Some(("fill", count)) => vec![b'x'; count.parse().unwrap()],
        _ => text.as_bytes().to_vec(),
    }
}

fn text(text: &str) -> String {
    String::from_utf8(bytes(text)).unwrap()
}

/// `MessageExpiry` as `message-expiry`.
fn kebab(id: PropertyId) -> String {
    let mut name = String::new();
    for letter in format!("{id:?}").chars() {
        if letter.is_ascii_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.push(letter.to_ascii_lowercase());
    }
    name
}

/// Version that a connect line asks for.
pub fn version(words: &[&str]) -> Version {
    match Words(words).text("v") {
        Some("3") => Version::V31,
        Some("4") => Version::V311,
        _ => Version::V5,
    }
}

fn connect(client: &str, words: &Words<'_>, version: Version, out: &mut Vec<u8>) {
    let properties = words.properties("");
    let will_properties = words.properties("will.");
    Connect {
        version,
        is_clean: !words.has("resume"),
        keep_alive_s: words.number("keep-alive").unwrap_or(0) as u16,
        client_id: words.text("id").unwrap_or(client),
        properties: properties.properties(),
        will: words.text("will").map(|topic| LastWill {
            qos: words.qos("will-qos"),
            is_retain: words.has("will-retain"),
            topic,
            properties: will_properties.properties(),
            payload: words.text("will-body").unwrap_or("").as_bytes(),
        }),
        user: if words.has("nobody") { None } else { Some(words.text("user").unwrap_or("root")) },
        password: if words.has("nobody") {
            None
        } else {
            Some(words.text("password").unwrap_or("secret").as_bytes())
        },
    }
    .write(out);
}

/// A filter with its options behind commas.
fn entry(word: &str) -> FilterEntry<'_> {
    let mut parts = word.split(',');
    let filter = parts.next().unwrap();
    let mut byte = 0;
    for part in parts {
        match part {
            "no-local" => byte |= 4,
            "as-published" => byte |= 8,
            "if-new" => byte |= 16,
            "no-retained" => byte |= 32,
            qos => byte |= qos.parse::<u8>().unwrap(),
        }
    }
    FilterEntry { filter, options: Options::of(byte, Version::V5).unwrap() }
}

/// Bytes of one line.
pub fn encode(client: &str, line: &[&str], version: Version) -> Vec<u8> {
    let mut out = Vec::new();
    let (first, rest) = line.split_first().unwrap();
    let words = Words(rest);
    let id = words.number("id").and_then(|id| PacketId::of(id as u16));
    let ack = |kind: Kind, out: &mut Vec<u8>| {
        let reason = Reason(u8::from_str_radix(words.text("reason").unwrap_or("0"), 16).unwrap());
        Ack::new(id.unwrap(), reason).write(kind, version, out);
    };
    let properties = words.properties("");
    match *first {
        "connect" => connect(client, &words, version, &mut out),
        "publish" => {
            let qos = words.qos("qos");
            let filler = words.number("fill").map(|len| "x".repeat(len as usize));
            let body = filler.as_deref().or(words.text("body")).unwrap_or("");
            Publish {
                is_dup: words.has("dup"),
                qos,
                is_retain: words.has("retain"),
                topic: words.text("topic").unwrap_or(""),
                id,
                properties: properties.properties(),
                payload: body.as_bytes(),
            }
            .write(version, &mut out);
        }
        "puback" => ack(Kind::PubAck, &mut out),
        "pubrec" => ack(Kind::PubRec, &mut out),
        "pubrel" => ack(Kind::PubRel, &mut out),
        "pubcomp" => ack(Kind::PubComp, &mut out),
        "subscribe" => {
            let entries: Vec<_> = words.filters().map(entry).collect();
            Subscribe::write_new(id.unwrap(), properties.properties(), &entries, version, &mut out);
        }
        "unsubscribe" => {
            let filters: Vec<_> = words.filters().collect();
            Unsubscribe::write_new(id.unwrap(), properties.properties(), &filters, version, &mut out);
        }
        "pingreq" => Packet::PingReq.write(version, &mut out),
        "disconnect" => {
            let reason = Reason(u8::from_str_radix(words.text("reason").unwrap_or("0"), 16).unwrap());
            Disconnect { reason, properties: properties.properties() }.write(version, &mut out);
        }
        "auth" => {
            let reason = Reason::RE_AUTHENTICATE;
            Auth { reason, properties: properties.properties() }.write(&mut out);
        }
        "raw" => out.extend(
            rest.iter()
                .filter(|word| !word.starts_with("v="))
                .map(|byte| u8::from_str_radix(byte, 16).unwrap()),
        ),
        other => panic!("no such packet: {other}"),
    }
    out
}

/// One line for each packet.
pub fn decode(bytes: &[u8], version: Version) -> Vec<String> {
    let mut lines = Vec::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (frame, size) = split_packet(rest, u32::MAX, version).unwrap().expect("whole packets");
        // In a changed conversation the client may speak another version than its script says.
        lines.push(match Packet::decode(&frame, version) {
            Ok(packet) => show(&packet, version),
            Err(error) => format!("unreadable: {error}"),
        });
        rest = &rest[size..];
    }
    lines
}

fn show(packet: &Packet<'_>, version: Version) -> String {
    let mut line = String::new();
    let ack = |name: &str, ack: &Ack<'_>| {
        let reason = if ack.reason == Reason::SUCCESS { String::new() } else { format!(" {:?}", ack.reason) };
        format!("{name} id={}{reason}{}", ack.id.get(), properties(ack.properties))
    };
    match packet {
        Packet::ConnAck(connack) if !version.is_v5() => {
            let present = if connack.is_session_present { " present" } else { "" };
            write!(line, "connack{present} code={}", connack.reason.0).unwrap();
        }
        Packet::ConnAck(connack) => {
            let present = if connack.is_session_present { " present" } else { "" };
            write!(line, "connack{present} {:?}{}", connack.reason, properties(connack.properties)).unwrap();
        }
        Packet::Publish(publish) => {
            write!(line, "publish topic={} qos={}", publish.topic, publish.qos as u8).unwrap();
            if let Some(id) = publish.id {
                write!(line, " id={}", id.get()).unwrap();
            }
            line.push_str(if publish.is_dup { " dup" } else { "" });
            line.push_str(if publish.is_retain { " retain" } else { "" });
            let body = in_line(&String::from_utf8_lossy(publish.payload));
            write!(line, " body={body}{}", properties(publish.properties)).unwrap();
        }
        Packet::PubAck(it) => line = ack("puback", it),
        Packet::PubRec(it) => line = ack("pubrec", it),
        Packet::PubRel(it) => line = ack("pubrel", it),
        Packet::PubComp(it) => line = ack("pubcomp", it),
        Packet::SubAck(it) => write!(line, "suback id={} {:02x?}", it.id.get(), it.codes).unwrap(),
        Packet::UnsubAck(it) => write!(line, "unsuback id={} {:02x?}", it.id.get(), it.codes).unwrap(),
        Packet::PingResp => line.push_str("pingresp"),
        Packet::Disconnect(it) => {
            write!(line, "disconnect {:?}{}", it.reason, properties(it.properties)).unwrap();
        }
        other => panic!("a server sends no {other:?}"),
    }
    line
}

/// Text with its control characters escaped, so that it stays in one line.
fn in_line(text: &str) -> String {
    let escape = |letter: char| match letter.is_control() {
        true => letter.escape_default().to_string(),
        false => letter.to_string(),
    };
    text.chars().map(escape).collect()
}

fn properties(properties: Properties<'_>) -> String {
    let mut text = String::new();
    for property in properties.iter() {
        let name = kebab(property.id);
        match property.value {
            PropertyValue::Number(number) => write!(text, " {name}={number}"),
            PropertyValue::Text(value) => write!(text, " {name}={value:?}"),
            PropertyValue::Binary(bytes) => write!(text, " {name}={:?}", String::from_utf8_lossy(bytes)),
            PropertyValue::Pair(key, value) => write!(text, " {name}={}", in_line(&format!("{key}:{value}"))),
        }
        .unwrap();
    }
    text
}
