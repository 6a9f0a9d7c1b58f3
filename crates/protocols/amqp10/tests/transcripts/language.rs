//! Performatives as lines: what conversations of this protocol bring along.

use std::{collections::BTreeMap, marker::PhantomData, sync::Arc};

use ternmq_access::Secret;
use ternmq_amqp10::{Amqp10Session, ENCODING, Settings, format::Amqp10Format};
use ternmq_broker::Limits;
use ternmq_message::Formats;
use ternmq_transcripts::{Language, ScramClient, Setup, Vendor};

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

/// Performatives as lines. `scram user=NAME` begins a login by SCRAM, `prove password=PASSWORD` goes on with it, and
/// `prove last=TEXT` does so with something else, in which `$nonce` stands for the nonce.
#[derive(Default)]
pub struct Performatives<W = RabbitMq> {
    name: String,
    /// By client, with the challenge.
    logins: BTreeMap<String, (ScramClient, String)>,
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
            // A map of one annotation of that name with a text of 80 bytes.
            max_remark_bytes: 93,
            ..Limits::default()
        };
        let session = |name: &str, now_ms| {
            // Where the clients with a certificate or without a login come to.
            let (certificate, anonymous) = (name.starts_with("cert"), name.starts_with("anon"));
            let settings = Settings {
                is_certificate_login: certificate,
                is_scram_login: name.starts_with("scram"),
                anonymous: anonymous.then(|| ("guest".into(), Secret::new(b"secret".to_vec()))),
                version: "test".into(),
                frame_max: if name.starts_with("wide") { 8_192 } else { 1_024 },
                channel_max: 2,
                assembly_max_bytes: 1_500,
                max_transactions: 2,
                transaction_timeout_ms: 50_000,
                ..Settings::default()
            };
            let session = Amqp10Session::new(Arc::new(settings), None, None, now_ms);
            Box::new(session.with_certificate_user(certificate.then(|| "guest".into()))) as _
        };
        Setup { vendor: W::VENDOR, session, formats, herald: None, limits, guest_pattern: "^mine" }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        let words: Vec<&str> = line.split_whitespace().collect();
        if words.first() != Some(&"connect") {
            return None;
        }
        let user = words.iter().find_map(|word| word.strip_prefix("user=")).unwrap_or("root");
        let mut lines = vec!["sasl".to_owned(), format!("init user={user}"), "amqp".to_owned()];
        let open: Vec<&str> = words.iter().copied().filter(|word| word.contains('=')).collect();
        let container = if line.contains("container=") { "" } else { "container=c " };
        lines.push(format!("0 open {container}{}", open.join(" ")));
        if words.contains(&"session") {
            lines.push("0 begin".to_owned());
            return Some((lines, "0 begin".to_owned()));
        }
        Some((lines, "0 open".to_owned()))
    }

    fn encode(&mut self, client: &str, line: &str) -> Vec<u8> {
        let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
        let given = |name: &str| words.iter().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
        match &*words[0] {
            "scram" => {
                let (login, first) = ScramClient::begin(given("user").unwrap_or("root"));
                self.logins.insert(client.to_owned(), (login, String::new()));
                if words.contains(&"late".to_owned()) { wire::response(&first) } else { wire::scram(&first) }
            }
            "prove" => {
                let (login, challenge) = self.logins.get_mut(client).unwrap();
                let proof = login.prove(challenge, given("password").unwrap_or("secret"));
                let nonce = challenge[2..].split(',').next().unwrap();
                let fill = "x".repeat(given("fill").map_or(0, |bytes| bytes.parse().unwrap()));
                let last = given("last").map(|last| last.replace("$nonce", nonce)).unwrap_or(proof);
                wire::response(&last.replace("$fill", &fill))
            }
            _ => wire::encode(&words),
        }
    }

    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String> {
        let mut lines = wire::decode(bytes);
        let Some((login, challenge)) = self.logins.get_mut(client) else { return lines };
        for line in &mut lines {
            if let Some(text) = line.strip_prefix("challenge ") {
                text.clone_into(challenge);
                *line = "challenge $challenge".to_owned();
            } else if let Some(signature) = line.strip_prefix("outcome 0 ") {
                assert!(login.is_server(signature), "{signature}");
                *line = "outcome 0 $signature".to_owned();
            }
        }
        lines
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
