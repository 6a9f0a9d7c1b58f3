//! Conversations in text against a real broker: `a> ...` is what client `a` sends, `a< ...` what it gets.
//!
//! `a>+ ...` is sent in one read with the next line of the same client; `! ...` steers time, durability and alarms;
//! `$session` stands for the client's session, `$gen` and `$sub` for the last random name of their kind. Run with
//! `UPDATE_TRANSCRIPTS=1` to write down what is answered, then read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod mutants;
mod rig;
mod wire;

use std::{collections::BTreeMap, fs, path::PathBuf};

use rig::{Feed, Rig};
use ternmq_broker::Phase;

/// A script that starts with this line depends on what comes in one read.
const ONE_READ: &str = "# one read";
/// Random names: how they start, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("session-", "$session"), ("amq.gen-", "$gen"), ("stomp-subscription-", "$sub")];

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/data")
}

struct Player {
    rig: Rig,
    /// By client, as each has a session of its own.
    names: BTreeMap<(String, &'static str), String>,
    unsent: BTreeMap<String, Vec<u8>>,
    phases: BTreeMap<String, Phase>,
}

impl Player {
    fn new(feed: Feed) -> Self {
        Self { rig: Rig::new(feed), names: BTreeMap::new(), unsent: BTreeMap::new(), phases: BTreeMap::new() }
    }

    /// Plays one line; answers the lines that it brings.
    fn play(&mut self, line: &str) -> Vec<String> {
        if let Some(control) = line.strip_prefix('!') {
            self.rig.control(&control.split_whitespace().collect::<Vec<_>>());
            return self.output();
        }
        let (client, rest) = line.split_once('>').unwrap_or_else(|| panic!("not an input line: {line}"));
        let (is_joined, rest) = match rest.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let line = self.named(client, rest);
        if let Some(version) = line.trim().strip_prefix("connect ") {
            return self.connect(client, version);
        }
        self.unsent.entry(client.to_owned()).or_default().extend(wire::encode(&line));
        if is_joined {
            return Vec::new();
        }
        let bytes = self.unsent.remove(client).unwrap_or_default();
        self.rig.send(client, &bytes);
        self.output()
    }

    /// A whole login, whose answer is of no interest.
    fn connect(&mut self, client: &str, words: &str) -> Vec<String> {
        let (version, user) = words.split_once(' ').unwrap_or((words, "root"));
        let line = format!("CONNECT accept-version:{version} host:/ login:{user} passcode:secret");
        self.rig.send(client, &wire::encode(&line));
        let lines = self.output();
        assert!(lines.iter().any(|line| line.contains("< CONNECTED ")), "{lines:?}");
        Vec::new()
    }

    fn named(&self, client: &str, line: &str) -> String {
        let fits = |known: &str, mark: &str| mark != "$session" || known == client;
        self.names
            .iter()
            .filter(|((known, mark), _)| fits(known, mark))
            .fold(line.to_owned(), |line, ((_, mark), name)| line.replace(mark, &name.replace('_', "\\u")))
    }

    fn output(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (client, bytes, phase) in self.rig.take_output() {
            for line in wire::decode(&bytes) {
                lines.push(format!("{client}< {}", self.masked(&client, &line)));
            }
            let before = self.phases.insert(client.clone(), phase);
            if before != Some(phase) && matches!(phase, Phase::Closing | Phase::Closed) {
                lines.push(format!("{client}< ({phase:?})"));
            }
        }
        lines
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

/// Plays a script; answers it with the answers that came.
fn replay(script: &str, feed: Feed) -> String {
    let mut player = Player::new(feed);
    let mut text = String::new();
    for line in script.lines() {
        let is_answer = line.split_once(' ').is_some_and(|(client, _)| client.ends_with('<'));
        if is_answer {
            continue;
        }
        text.push_str(line);
        text.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        for answer in player.play(line) {
            text.push_str(&answer);
            text.push('\n');
        }
    }
    text
}

fn scripts() -> Vec<(String, String)> {
    let mut scripts: Vec<_> = fs::read_dir(data())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "txt"))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read_to_string(&path).unwrap())
        })
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    scripts
}

fn check_all(feed: Feed) {
    let mut failures = Vec::new();
    for (name, script) in scripts() {
        if feed == Feed::Bytewise && script.starts_with(ONE_READ) {
            continue;
        }
        let played = replay(&script, feed);
        if played == script {
            continue;
        }
        if feed == Feed::Whole && std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            fs::write(data().join(&name), &played).unwrap();
            continue;
        }
        let different = script.lines().zip(played.lines()).find(|(expected, got)| expected != got);
        failures.push(format!("{name}: {different:#?}"));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn conversations_go_as_written() {
    check_all(Feed::Whole);
}

#[test]
fn t5_split_input_is_whole_input() {
    check_all(Feed::Bytewise);
}
