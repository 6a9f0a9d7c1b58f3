//! Frames as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_stomp::{ENCODING, Settings, StompSession, format::StompFormat};
use ternmq_transcripts::{Language, Setup, addresses};

use super::wire;

/// Random names: how they start, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("session-", "$session"), ("amq.gen-", "$gen"), ("stomp-subscription-", "$sub")];

/// Frames as lines.
#[derive(Default)]
pub struct Frames {
    /// By client, as each has a session of its own.
    names: BTreeMap<(String, &'static str), String>,
}

impl Language for Frames {
    const CONNECT: &'static str = "connect 1.2";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(StompFormat::of(addresses())));
        let limits = Limits {
            max_message_bytes: 1_000,
            max_consumers_per_session: 3,
            max_staged: 8,
            ..Limits::default()
        };
        let session = |client: &str, now_ms| {
            let settings =
                Settings { version: "test".into(), is_certificate_login: true, ..Settings::default() };
            let certificate_user = client.strip_prefix("certificate-").map(Arc::from);
            let session = StompSession::new(Arc::new(settings), None, None, now_ms);
            Box::new(session.with_certificate_user(certificate_user)) as _
        };
        Setup { session, formats, limits, guest_pattern: "^mine" }
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
            while let Some(at) = line.find(start) {
                let (mut name, mut len) = (String::new(), 0);
                while name.len() < start.len() + 22 {
                    let rest = &line[at + len..];
                    let (letter, size) = match rest.strip_prefix("\\u") {
                        Some(_) => ('_', 2),
                        None => (rest.chars().next().expect("22 letters"), 1),
                    };
                    name.push(letter);
                    len += size;
                }
                line.replace_range(at..at + len, mark);
                self.names.retain(|(_, known), _| known != mark || *mark == "$session");
                self.names.insert((client.to_owned(), mark), name);
            }
        }
        line
    }
}
