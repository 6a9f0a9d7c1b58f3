//! Methods as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_amqp091::{Amqp091Session, ENCODING, Settings, format::Amqp091Format};
use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_transcripts::{Language, Setup, Vendor};

use super::wire;

/// Random names: how they start, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("amq.gen-", "$gen"), ("amq.ctag-", "$ctag"), ("amq.rabbitmq.reply-to.", "$reply")];

/// Methods as lines.
#[derive(Default)]
pub struct Methods {
    names: BTreeMap<&'static str, String>,
    is_start_shown: bool,
}

impl Language for Methods {
    const CONNECT: &'static str = "connect channel";

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ENCODING, Arc::new(Amqp091Format));
        let limits = Limits { max_message_bytes: 1_000, max_consumers_per_session: 3, ..Limits::default() };
        let session = |_: &str, now_ms| {
            let settings = Settings { version: "test".into(), ..Settings::default() };
            Box::new(Amqp091Session::new(Arc::new(settings), None, None, now_ms)) as _
        };
        Setup { vendor: Vendor::RabbitMq, session, formats, herald: None, limits, guest_pattern: "^mine" }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() != Some(&"connect") {
            return None;
        }
        let user = words.iter().find_map(|word| word.strip_prefix("user=")).unwrap_or("root");
        let plain = if words.contains(&"plain-client") { " plain-client" } else { "" };
        let start_ok = format!("0 connection.start-ok mechanism=PLAIN user={user} password=secret{plain}");
        let mut lines = vec!["greeting".to_owned(), start_ok];
        lines.extend(["0 connection.tune-ok", "0 connection.open vhost=/"].map(str::to_owned));
        if words.contains(&"channel") {
            lines.push("1 channel.open".to_owned());
            return Some((lines, "1 channel.open-ok".to_owned()));
        }
        Some((lines, "0 connection.open-ok".to_owned()))
    }

    fn encode(&mut self, _: &str, line: &str) -> Vec<u8> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        // The server's first method is long and always the same: it is shown in full only when asked for.
        self.is_start_shown = words.len() > 1;
        wire::encode(&words)
    }

    fn decode(&mut self, _: &str, bytes: &[u8]) -> Vec<String> {
        wire::decode(bytes)
    }

    fn named(&self, _: &str, line: &str) -> String {
        self.names.iter().fold(line.to_owned(), |line, (mark, name)| line.replace(mark, name))
    }

    fn masked(&mut self, _: &str, line: &str) -> String {
        let mut line = line.to_owned();
        if let Some(at) = line.find("connection.start ")
            && !self.is_start_shown
        {
            line.truncate(at + "connection.start".len());
        }
        for (start, mark) in RANDOM {
            while let Some(at) = line.find(start) {
                let is_letter = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
                let len = line[at..].find(|letter| !is_letter(letter)).unwrap_or(line.len() - at);
                let name = line[at..at + len].to_owned();
                line.replace_range(at..at + len, mark);
                self.names.insert(mark, name);
            }
        }
        line
    }
}
