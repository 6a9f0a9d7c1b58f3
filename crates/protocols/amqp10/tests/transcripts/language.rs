//! Performatives as lines: what conversations of this protocol bring along.

use std::{marker::PhantomData, sync::Arc};

use ternmq_access::Secret;
use ternmq_amqp10::{Amqp10Session, ENCODING, Settings, format::Amqp10Format};
use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_transcripts::{Language, Setup, Vendor};

use super::wire;

/// How random names start.
const RANDOM: [&str; 3] = ["amq.gen-", "temp-queue://", "temp-topic://"];
/// What stands for them.
const MARK: &str = "$gen";

/// Whose ways the broker follows.
pub trait Ways: Default {
    /// Their vendor.
    const VENDOR: Vendor;
}

/// RabbitMQ's.
#[derive(Default)]
pub struct RabbitMq;

impl Ways for RabbitMq {
    const VENDOR: Vendor = Vendor::RabbitMq;
}

/// Performatives as lines.
#[derive(Default)]
pub struct Performatives<W = RabbitMq> {
    name: String,
    ways: PhantomData<W>,
}

impl<W: Ways> Language for Performatives<W> {
    const CONNECT: &'static str = "connect session";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(Amqp10Format::of(W::VENDOR.link_addresses())));
        let limits = Limits {
            max_message_bytes: 1_000,
            max_consumers_per_session: 3,
            max_staged: 4,
            ..Limits::default()
        };
        let session = |name: &str, now_ms| {
            // Where the clients with a certificate or without a login come to.
            let (certificate, anonymous) = (name.starts_with("cert"), name.starts_with("anon"));
            let settings = Settings {
                is_certificate_login: certificate,
                anonymous: anonymous.then(|| ("guest".into(), Secret::new(b"secret".to_vec()))),
                version: "test".into(),
                frame_max: 1_024,
                channel_max: 2,
                assembly_max_bytes: 1_500,
                max_transactions: 2,
                transaction_timeout_ms: 50_000,
                ..Settings::default()
            };
            let session = Amqp10Session::new(Arc::new(settings), None, None, now_ms);
            Box::new(session.with_certificate_user(certificate.then(|| "guest".into()))) as _
        };
        Setup { vendor: W::VENDOR, session, formats, limits, guest_pattern: "^mine" }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() != Some(&"connect") {
            return None;
        }
        let user = words.iter().find_map(|word| word.strip_prefix("user=")).unwrap_or("root");
        let mut lines = vec!["sasl".to_owned(), format!("init user={user}"), "amqp".to_owned()];
        let open: Vec<&str> = words.iter().copied().filter(|word| word.contains('=')).collect();
        lines.push(format!("0 open container=c {}", open.join(" ")));
        if words.contains(&"session") {
            lines.push("0 begin".to_owned());
            return Some((lines, "0 begin".to_owned()));
        }
        Some((lines, "0 open".to_owned()))
    }

    fn encode(&mut self, _: &str, line: &str) -> Vec<u8> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        wire::encode(&words)
    }

    fn decode(&mut self, _: &str, bytes: &[u8]) -> Vec<String> {
        wire::decode(bytes)
    }

    fn named(&self, _: &str, line: &str) -> String {
        if self.name.is_empty() { line.to_owned() } else { line.replace(MARK, &self.name) }
    }

    fn masked(&mut self, _: &str, line: &str) -> String {
        let mut line = line.to_owned();
        for start in RANDOM {
            while let Some(at) = line.find(start) {
                let rest = at + start.len();
                let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
                let len = line[rest..].find(|letter| !is_letter(letter)).unwrap_or(line.len() - rest);
                self.name = line[at..rest + len].to_owned();
                line.replace_range(at..rest + len, MARK);
            }
        }
        line
    }
}
