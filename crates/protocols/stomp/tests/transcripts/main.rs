//! Conversations of STOMP in text; `ternmq-transcripts` tells how they read. `$session` stands for the client's session,
//! `$gen` and `$sub` for the last random name of their kind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod wire;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_stomp::{ENCODING, Settings, StompSession, format::StompFormat};
use ternmq_transcripts::{Feed, Language, Setup, check_all, check_changed, check_ends};

/// Random names: how they start, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("session-", "$session"), ("amq.gen-", "$gen"), ("stomp-subscription-", "$sub")];

/// Frames as lines.
#[derive(Default)]
struct Frames {
    /// By client, as each has a session of its own.
    names: BTreeMap<(String, &'static str), String>,
}

impl Language for Frames {
    const CONNECT: &'static str = "connect 1.2";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(StompFormat));
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

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/data")
}

#[test]
fn conversations_go_as_written() {
    check_all::<Frames>(&folder(), Feed::Whole);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all::<Frames>(&folder(), Feed::Bytewise);
}

#[test]
fn t5_changed_conversations_leave_the_broker_whole() {
    check_changed::<Frames>(&folder());
}

#[test]
fn t5_a_conversation_may_end_anywhere() {
    check_ends::<Frames>(&folder());
}
