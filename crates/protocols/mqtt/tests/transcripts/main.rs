//! Conversations in text against a real broker: `a> ...` is what client `a` sends, `a< ...` what it gets.
//!
//! `a>+ ...` is sent in one read with the next line of the same client; `! ...` steers time, durability and alarms. Run
//! with `UPDATE_TRANSCRIPTS=1` to write down what is answered, then read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod mutants;
mod rig;
mod wire;

use std::{collections::BTreeMap, fs, path::PathBuf};

use rig::{Feed, Rig};
use ternmq_broker::Phase;
use ternmq_mqtt::codec::Version;

/// A script that starts with this line depends on what comes in one read.
const ONE_READ: &str = "# one read";

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/data")
}

struct Player {
    rig: Rig,
    unsent: BTreeMap<String, Vec<u8>>,
    phases: BTreeMap<String, Phase>,
    versions: BTreeMap<String, Version>,
}

impl Player {
    fn new(feed: Feed) -> Self {
        Self {
            rig: Rig::new(feed),
            unsent: BTreeMap::new(),
            phases: BTreeMap::new(),
            versions: BTreeMap::new(),
        }
    }

    /// Plays one line; answers the lines that it brings.
    fn play(&mut self, line: &str) -> Vec<String> {
        if let Some(control) = line.strip_prefix('!') {
            let words: Vec<&str> = control.split_whitespace().collect();
            if let ["hang-up", client] = words[..] {
                self.phases.remove(client);
            }
            self.rig.control(&words);
            return self.output();
        }
        let (client, rest) = line.split_once('>').unwrap_or_else(|| panic!("not an input line: {line}"));
        let (is_joined, rest) = match rest.strip_prefix('+') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if words.iter().any(|word| word.starts_with("v=")) {
            self.versions.insert(client.to_owned(), wire::version(&words));
        }
        if words.first() == Some(&"connect") {
            if matches!(self.phases.get(client), Some(Phase::Closed | Phase::Closing)) {
                // The same client on a connection of its own.
                self.rig.control(&["hang-up", client]);
                self.phases.remove(client);
            }
            self.versions.insert(client.to_owned(), wire::version(&words));
        }
        let version = self.versions.get(client).copied().unwrap_or(Version::V5);
        self.unsent.entry(client.to_owned()).or_default().extend(wire::encode(client, &words, version));
        if is_joined {
            return Vec::new();
        }
        let bytes = self.unsent.remove(client).unwrap_or_default();
        self.rig.send(client, &bytes);
        self.output()
    }

    fn output(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (client, bytes, phase) in self.rig.take_output() {
            let version = self.versions.get(&client).copied().unwrap_or(Version::V5);
            lines.extend(wire::decode(&bytes, version).iter().map(|line| format!("{client}< {line}")));
            let before = self.phases.insert(client.clone(), phase);
            if before != Some(phase) && matches!(phase, Phase::Closing | Phase::Closed) {
                lines.push(format!("{client}< ({phase:?})"));
            }
        }
        lines
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
