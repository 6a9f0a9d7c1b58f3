//! Conversations in text against a real broker: `a> ...` is what client `a` sends, `a< ...` what it gets.
//!
//! `a>+ ...` is sent in one read with the next line of the same client; `! ...` steers time, durability and alarms; `$gen`,
//! `$ctag` and `$reply` stand for the last random name of their kind. Run with `UPDATE_TRANSCRIPTS=1` to write down what
//! is answered, then read the difference.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)]

mod mutants;
mod rig;
mod wire;

use std::{collections::BTreeMap, fs, path::PathBuf};

use rig::{Feed, Rig};
use ternmq_broker::Phase;

/// A script that starts with this line depends on what comes in one read.
const ONE_READ: &str = "# one read";
/// Random names: how they start, which letters they have, what stands for them.
const RANDOM: &[(&str, &str)] =
    &[("amq.gen-", "$gen"), ("amq.ctag-", "$ctag"), ("amq.rabbitmq.reply-to.", "$reply")];

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/transcripts/data")
}

struct Player {
    rig: Rig,
    names: BTreeMap<&'static str, String>,
    unsent: BTreeMap<String, Vec<u8>>,
    phases: BTreeMap<String, Phase>,
    is_start_shown: bool,
}

impl Player {
    fn new(feed: Feed) -> Self {
        Self {
            rig: Rig::new(feed),
            names: BTreeMap::new(),
            unsent: BTreeMap::new(),
            phases: BTreeMap::new(),
            is_start_shown: false,
        }
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
        let words: Vec<String> = rest.split_whitespace().map(|word| self.named(word)).collect();
        if words.first().is_some_and(|word| word == "connect") {
            return self.connect(client, &words);
        }
        // The server's first method is long and always the same: it is shown in full only when asked for.
        self.is_start_shown = words.len() > 1;
        self.unsent.entry(client.to_owned()).or_default().extend(wire::encode(&words));
        if is_joined {
            return Vec::new();
        }
        let bytes = self.unsent.remove(client).unwrap_or_default();
        self.rig.send(client, &bytes);
        self.output()
    }

    /// A whole login, whose answers are of no interest.
    fn connect(&mut self, client: &str, words: &[String]) -> Vec<String> {
        let user = words.iter().find_map(|word| word.strip_prefix("user=")).unwrap_or("root");
        let plain = if words.iter().any(|word| word == "plain-client") { " plain-client" } else { "" };
        let channels = if words.iter().any(|word| word == "channel") { &["1 channel.open"][..] } else { &[] };
        let start_ok = format!("0 connection.start-ok mechanism=PLAIN user={user} password=secret{plain}");
        let lines = ["greeting", &start_ok, "0 connection.tune-ok", "0 connection.open vhost=/"];
        for line in lines.iter().chain(channels) {
            let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
            self.rig.send(client, &wire::encode(&words));
        }
        let lines = self.output();
        let last = if channels.is_empty() { "0 connection.open-ok" } else { "1 channel.open-ok" };
        assert!(lines.last().is_some_and(|line| line.ends_with(last)), "{lines:?}");
        Vec::new()
    }

    fn named(&self, word: &str) -> String {
        self.names.iter().fold(word.to_owned(), |word, (mark, name)| word.replace(mark, name))
    }

    fn output(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (client, bytes, phase) in self.rig.take_output() {
            lines.extend(wire::decode(&bytes).iter().map(|line| format!("{client}< {}", self.masked(line))));
            let before = self.phases.insert(client.clone(), phase);
            if before != Some(phase) && matches!(phase, Phase::Closing | Phase::Closed) {
                lines.push(format!("{client}< ({phase:?})"));
            }
        }
        lines
    }

    fn masked(&mut self, line: &str) -> String {
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
