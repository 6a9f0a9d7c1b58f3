//! Playing conversations: lines in, lines out.

use std::{collections::BTreeMap, fs, path::Path};

use ternmq_broker::Phase;

use crate::rig::{Feed, Rig, Setup};

/// A script that starts with this line depends on what comes in one read.
const ONE_READ: &str = "# one read";

/// How a protocol's frames read as lines.
pub trait Language: Default {
    /// The line by which a client logs in, as scripts have it.
    const CONNECT: &'static str;

    /// What it brings along.
    fn setup() -> Setup;

    /// For a line that stands for a whole login: the lines to send one after the other, and what the last answer to them
    /// begins with.
    fn login(&self, line: &str) -> Option<(Vec<String>, String)>;

    /// The bytes that a client's line stands for.
    fn encode(&mut self, client: &str, line: &str) -> Vec<u8>;

    /// What a client got, as lines.
    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String>;

    /// A line of a script with the names that its marks stand for now.
    fn named(&self, client: &str, line: &str) -> String;

    /// A line that a client got, with marks for random names, which are remembered.
    fn masked(&mut self, client: &str, line: &str) -> String;
}

/// Plays the lines of one script.
pub(crate) struct Player<L> {
    pub(crate) rig: Rig,
    language: L,
    unsent: BTreeMap<String, Vec<u8>>,
    phases: BTreeMap<String, Phase>,
}

impl<L: Language> Player<L> {
    pub(crate) fn new(feed: Feed) -> Self {
        Self {
            rig: Rig::new(L::setup(), feed),
            language: L::default(),
            unsent: BTreeMap::new(),
            phases: BTreeMap::new(),
        }
    }

    /// Plays one line; answers the lines that it brings.
    pub(crate) fn play(&mut self, line: &str) -> Vec<String> {
        if let Some(control) = line.strip_prefix('!') {
            let words: Vec<&str> = control.split_whitespace().collect();
            if let ["hang-up", client] = words[..] {
                // The next of this name is another connection.
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
        let line = self.language.named(client, &repeated(rest));
        if let Some((lines, answer)) = self.language.login(line.trim()) {
            return self.log_in(client, &lines, &answer);
        }
        let bytes = self.language.encode(client, &line);
        self.unsent.entry(client.to_owned()).or_default().extend(bytes);
        if is_joined {
            return Vec::new();
        }
        let bytes = self.unsent.remove(client).unwrap_or_default();
        self.rig.send(client, &bytes);
        self.output()
    }

    /// A whole login, whose answers are of no interest.
    fn log_in(&mut self, client: &str, lines: &[String], answer: &str) -> Vec<String> {
        for line in lines {
            let bytes = self.language.encode(client, line);
            self.rig.send(client, &bytes);
        }
        let lines = self.output();
        let own = lines.iter().rev().find_map(|line| line.strip_prefix(&format!("{client}< ")));
        assert!(own.is_some_and(|line| line.starts_with(answer)), "{lines:?}");
        Vec::new()
    }

    pub(crate) fn output(&mut self) -> Vec<String> {
        let mut lines = Vec::new();
        for (client, bytes, phase) in self.rig.take_output() {
            for line in self.language.decode(&client, &bytes) {
                lines.push(format!("{client}< {}", self.language.masked(&client, &line)));
            }
            let before = self.phases.insert(client.clone(), phase);
            if before != Some(phase) && matches!(phase, Phase::Closing | Phase::Closed) {
                lines.push(format!("{client}< ({phase:?})"));
            }
        }
        lines
    }
}

/// `{TEXT*NUMBER}` is so many times the text.
fn repeated(line: &str) -> String {
    let (mut whole, mut rest) = (String::new(), line);
    while let Some((before, (text, count), after)) = first_repeated(rest) {
        whole.push_str(before);
        whole.push_str(&text.repeat(count));
        rest = after;
    }
    whole + rest
}

/// What stands before the first `{TEXT*NUMBER}` of a line, its parts, and what follows it.
fn first_repeated(line: &str) -> Option<(&str, (&str, usize), &str)> {
    line.match_indices('{').find_map(|(start, _)| {
        let (inner, after) = line[start + 1..].split_once('}')?;
        let (text, count) = inner.rsplit_once('*')?;
        Some((&line[..start], (text, count.parse().ok()?), after))
    })
}

/// Plays a script; answers it with the answers that came.
fn replay<L: Language>(script: &str, feed: Feed) -> String {
    let mut player = Player::<L>::new(feed);
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

/// The scripts of a folder, with their names.
pub(crate) fn scripts(folder: &Path) -> Vec<(String, String)> {
    let mut scripts: Vec<_> = fs::read_dir(folder)
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

/// Plays every script of a folder; what comes must be what is written there.
pub fn check_all<L: Language>(folder: &Path, feed: Feed) {
    let mut failures = Vec::new();
    for (name, script) in scripts(folder) {
        if feed == Feed::Bytewise && script.starts_with(ONE_READ) {
            continue;
        }
        let played = replay::<L>(&script, feed);
        if played == script {
            continue;
        }
        if feed == Feed::Whole && std::env::var_os("UPDATE_TRANSCRIPTS").is_some() {
            fs::write(folder.join(&name), &played).unwrap();
            continue;
        }
        let different = script.lines().zip(played.lines()).find(|(expected, got)| expected != got);
        failures.push(format!("{name}: {different:#?}"));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
