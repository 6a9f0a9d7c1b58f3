//! Commands as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ternmq_broker::{Dialect, Limits};
use ternmq_message::Formats;
use ternmq_openwire::{
    ENCODING, OpenWireHerald, OpenWireSession, Settings,
    codec::{Encoding, InCache, Kind, OutCache, decode, encode, split_frame},
    format::OpenWireFormat,
};
use ternmq_transcripts::{Language, Setup, Vendor};

use super::wire;

/// Whose ways the broker follows.
pub trait Ways: Default {
    /// The vendor.
    const VENDOR: Vendor;
    /// What `guest` may.
    const GUEST_PATTERN: &'static str;

    /// The vendor's dialect.
    fn dialect() -> Arc<dyn Dialect>;
}

/// RabbitMQ's.
#[derive(Default)]
pub struct RabbitMq;

impl Ways for RabbitMq {
    const VENDOR: Vendor = Vendor::RabbitMq;
    const GUEST_PATTERN: &'static str = "^mine";

    fn dialect() -> Arc<dyn Dialect> {
        Arc::new(ternmq_rabbitmq::RabbitMq)
    }
}

/// What a client knows of its connection.
struct Side {
    encoding: Encoding,
    /// The broker has said what it can.
    is_agreed: bool,
    sent: OutCache,
    kept: InCache,
}

impl Default for Side {
    fn default() -> Self {
        Self {
            encoding: Encoding::FIRST,
            is_agreed: false,
            sent: OutCache::new(64),
            kept: InCache::new(1_024, 1 << 20),
        }
    }
}

/// Commands as lines.
#[derive(Default)]
pub struct Commands<W> {
    sides: BTreeMap<String, Side>,
    ways: PhantomData<W>,
}

/// Letters of 128 random bits.
const RANDOM_LETTERS: usize = 22;
const FRAMES: ternmq_openwire::codec::Limits =
    ternmq_openwire::codec::Limits { frame_bytes: 1 << 20, cache_bytes: 0 };

impl<W: Ways> Language for Commands<W> {
    const CONNECT: &'static str = "connect";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(OpenWireFormat::of(W::dialect())));
        let limits = Limits {
            max_message_bytes: 1_000,
            max_consumers_per_session: 4,
            max_staged: 8,
            max_branches: 3,
            max_prepared_bytes: 1_500,
            ..Limits::default()
        };
        let session = |client: &str, now_ms| {
            let settings = Settings {
                version: "test".into(),
                is_certificate_login: true,
                max_transactions: 2,
                ..Settings::default()
            };
            let certificate_user = client.strip_prefix("certificate-").map(Arc::from);
            let session = OpenWireSession::new(Arc::new(settings), None, None, now_ms);
            Box::new(session.with_certificate_user(certificate_user)) as _
        };
        let herald = Some(Arc::new(OpenWireHerald) as _).filter(|_| W::VENDOR != Vendor::RabbitMq);
        Setup { vendor: W::VENDOR, session, formats, herald, limits, guest_pattern: W::GUEST_PATTERN }
    }

    /// `connect`, `connect USER`, `connect USER CLIENT`, and `tight` anywhere.
    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        let words: Vec<_> = line.strip_prefix("connect")?.split_whitespace().collect();
        let offer = if words.contains(&"tight") { "WireFormatInfo tight cache" } else { "WireFormatInfo" };
        let mut words = words.into_iter().filter(|word| *word != "tight");
        let user = words.next().unwrap_or("root");
        let client = words.next().map_or(String::new(), |client| format!(" ClientId:{client}"));
        let login = format!("ConnectionInfo ask:1 ConnectionId:c UserName:{user} Password:secret{client}");
        Some((vec![offer.to_owned(), login], "BrokerInfo ".to_owned()))
    }

    fn encode(&mut self, client: &str, line: &str) -> Vec<u8> {
        let line = line.trim();
        if let Some(digits) = line.strip_prefix("raw ") {
            return wire::bytes_of_hex(digits);
        }
        let mut out = Vec::new();
        if line.starts_with("WireFormatInfo") {
            let (object, encoding) = wire::offer(line);
            encode(&object, Encoding::FIRST, &mut OutCache::default(), &mut out);
            self.sides.insert(client.to_owned(), Side { encoding, ..Side::default() });
            return out;
        }
        let side = self.sides.entry(client.to_owned()).or_default();
        encode(&wire::object(line), side.encoding, &mut side.sent, &mut out);
        out
    }

    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String> {
        let side = self.sides.entry(client.to_owned()).or_default();
        let (mut rest, mut lines) = (bytes, Vec::new());
        while !rest.is_empty() {
            let (frame, used) = split_frame(rest, &FRAMES).unwrap().expect("whole frames");
            let encoding = if side.is_agreed { side.encoding } else { Encoding::FIRST };
            // One whose offer was spoilt reads what it can.
            match decode(frame, encoding, &mut side.kept) {
                Ok(object) => {
                    side.is_agreed |= object.kind() == Kind::WireFormatInfo;
                    lines.push(wire::line(&object));
                }
                Err(error) => lines.push(format!("({error})")),
            }
            rest = &rest[used..];
        }
        lines
    }

    fn named(&self, _: &str, line: &str) -> String {
        line.to_owned()
    }

    fn masked(&mut self, _: &str, line: &str) -> String {
        let mut line = line.to_owned();
        for start in ["consumer://", "amq.subscription."] {
            let mut from = 0;
            while let Some(at) = line[from..].find(start).map(|at| from + at + start.len()) {
                if line.len() >= at + RANDOM_LETTERS
                    && line.is_char_boundary(at + RANDOM_LETTERS)
                    && !line[at..at + RANDOM_LETTERS].contains('/')
                {
                    line.replace_range(at..at + RANDOM_LETTERS, "$random");
                }
                from = at;
            }
        }
        line
    }
}
