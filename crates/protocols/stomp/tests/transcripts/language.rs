//! Frames as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_stomp::{ENCODING, Settings, StompSession, format::StompFormat};
use ternmq_transcripts::{Language, Setup, Vendor};

use super::wire;

/// Random names: how they start, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("session-", "$session"), ("amq.gen-", "$gen"), ("stomp-subscription-", "$sub")];

/// Whose ways the broker follows.
pub trait Ways: Default {
    /// The vendor.
    const VENDOR: Vendor;
    /// What `guest` may.
    const GUEST_PATTERN: &'static str;
    /// See [`Settings::is_nack_requeued`].
    const IS_NACK_REQUEUED: bool;
}

/// RabbitMQ's.
#[derive(Default)]
pub struct RabbitMq;

impl Ways for RabbitMq {
    const VENDOR: Vendor = Vendor::RabbitMq;
    const GUEST_PATTERN: &'static str = "^mine";
    const IS_NACK_REQUEUED: bool = true;
}

/// Frames as lines.
#[derive(Default)]
pub struct Frames<W> {
    /// By client, as each has a session of its own.
    names: BTreeMap<(String, &'static str), String>,
    ways: PhantomData<W>,
}

impl<W: Ways> Language for Frames<W> {
    const CONNECT: &'static str = "connect 1.2";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(StompFormat::of(W::VENDOR.addresses())));
        let limits = Limits {
            max_message_bytes: 1_000,
            max_consumers_per_session: 3,
            max_staged: 8,
            ..Limits::default()
        };
        let session = |client: &str, now_ms| {
            let settings = Settings {
                version: "test".into(),
                is_certificate_login: true,
                is_nack_requeued: W::IS_NACK_REQUEUED,
                ..Settings::default()
            };
            let certificate_user = client.strip_prefix("certificate-").map(Arc::from);
            let session = StompSession::new(Arc::new(settings), None, None, now_ms);
            Box::new(session.with_certificate_user(certificate_user)) as _
        };
        Setup { vendor: W::VENDOR, session, formats, herald: None, limits, guest_pattern: W::GUEST_PATTERN }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        let words = line.strip_prefix("connect ")?;
        let (version, user) = words.split_once(' ').unwrap_or((words, "root"));
        let line = format!("CONNECT accept-version:{version} host:/ login:{user} passcode:secret");
        Some((vec![line], "CONNECTED ".to_owned()))
    }

    fn encode(&mut self, _: &str, line: &str) -> Vec<u8> {
        wire::encode(line)
    }

    fn decode(&mut self, _: &str, bytes: &[u8]) -> Vec<String> {
        wire::decode(bytes)
    }

    fn named(&self, client: &str, line: &str) -> String {
        let fits = |known: &str, mark: &str| mark != "$session" || known == client;
        self.names
            .iter()
            .filter(|((known, mark), _)| fits(known, mark))
            .fold(line.to_owned(), |line, ((_, mark), name)| line.replace(mark, &name.replace('_', "\\u")))
    }

    fn masked(&mut self, client: &str, line: &str) -> String {
        let mut line = line.to_owned();
        for (start, mark) in RANDOM {
            let mut from = 0;
            while let Some(at) = line[from..].find(start).map(|at| from + at) {
                // What only begins like one was made up by a client.
                let Some((name, len)) = random_name(&line[at..], start) else {
                    from = at + start.len();
                    continue;
                };
                line.replace_range(at..at + len, mark);
                self.names.retain(|(_, known), _| known != mark || *mark == "$session");
                self.names.insert((client.to_owned(), mark), name);
            }
        }
        line
    }
}

/// The random name that a text begins with, whatever its escapes, and how many bytes it has there.
fn random_name(text: &str, start: &str) -> Option<(String, usize)> {
    let (mut name, mut len) = (String::new(), 0);
    while name.len() < start.len() + 22 {
        let rest = &text[len..];
        let (letter, size) = match rest.strip_prefix("\\u") {
            Some(_) => ('_', 2),
            None => (rest.chars().next().filter(char::is_ascii)?, 1),
        };
        name.push(letter);
        len += size;
    }
    Some((name, len))
}
