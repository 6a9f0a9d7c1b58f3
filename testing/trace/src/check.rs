//! The check itself: replays the lives of a broker, stops at every change of the disk, and judges crash states there.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, anyhow, bail, ensure};
use ternmq_env::{Files, read_full};
use ternmq_fakes::FakeDisk;
use ternmq_simulator::{Checker, Event, Violation};

use crate::calls::{Edge, Trace};
use crate::conversation::Conversation;
use crate::judge::{Encryption, End, Judge};
use crate::replay::{Change, Heard, Process};

/// Directories of a data directory that hold files.
const DIRECTORIES: [&str; 2] = [".", "journal"];
/// Crash states of each moment that a planted fault concerns, so that one that brings it to light is among them.
const PLANTED_STATES: u64 = 32;
/// Syncs that are left out, one in each walk.
const PLANTED_SYNCS: usize = 8;

/// One start of the broker, up to its end.
pub struct Life {
    /// What it did.
    pub trace: Trace,
    /// How it ended.
    pub end: End,
    /// Its data directory as it was left, to compare with.
    pub left: Image,
}

/// Files of a data directory, by path relative to it.
pub type Image = Vec<(String, FileImage)>;

/// One file. Zeroes at its end are not kept: a reserve is nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileImage {
    /// Its length in bytes.
    pub len: u64,
    /// What it holds up to the last byte that is not zero.
    pub bytes: Vec<u8>,
}

/// A fault that is planted to see whether the check finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Plant {
    /// The broker leaves out one sync of a file before an answer that promises something. One of several such runs has to
    /// be found: what a client was promised it may have settled by the time of the crash.
    OneSync,
    /// The broker never syncs a directory.
    DirectorySyncs,
}

/// What is to be checked.
pub struct Case<'a> {
    /// The data directory as it was before the first start.
    pub before: &'a Image,
    /// What was done to it.
    pub lives: &'a [Life],
    /// Its path, as the broker was given it.
    pub root: &'a str,
    /// Whether the broker had a key.
    pub encryption: Encryption,
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Methods of clients.
    pub operations: u64,
    /// Publishes that were confirmed.
    pub confirms: u64,
    /// Changes of the disk, syncs included.
    pub changes: u64,
    /// Moments between changes.
    pub moments: u64,
    /// Disks that were recovered and judged.
    pub states: u64,
}

impl Case<'_> {
    /// Rebuilds and judges `states` crash states, spread evenly over all moments.
    ///
    /// # Errors
    /// The trace cannot be followed, or a promise was broken.
    pub fn check(&self, states: u64) -> Result<Report> {
        let first = self.walk(Goal::Count, BTreeSet::new())?;
        let goal = Goal::Spread { moments: first.report.moments, states };
        let second = self.walk(goal, first.said.returned().clone())?;
        ensure!(second.report.moments == first.report.moments, "two walks through one trace differ");
        Ok(second.report)
    }

    /// Plants a fault. Answers what the check found wrong; `None` when it saw nothing.
    ///
    /// # Errors
    /// The trace cannot be followed.
    pub fn check_planted(&self, plant: Plant) -> Result<Option<String>> {
        let first = self.walk(Goal::Count, BTreeSet::new())?;
        let goals: Vec<Goal> = match plant {
            Plant::OneSync => {
                let syncs = &first.confirming_syncs;
                ensure!(!syncs.is_empty(), "no sync is followed by an answer");
                // From the middle on: before that most answers are to declarations.
                let later = syncs.get(syncs.len() / 2..).unwrap_or_default();
                let stride = later.len().div_ceil(PLANTED_SYNCS);
                later.iter().step_by(stride).map(|sync| Goal::OmitSync(*sync)).collect()
            }
            Plant::DirectorySyncs => vec![Goal::OmitDirectorySyncs],
        };
        for goal in goals {
            if let Err(error) = self.walk(goal, first.said.returned().clone()) {
                return error.downcast::<Broken>().map(|broken| Some(broken.to_string()));
            }
        }
        Ok(None)
    }

    fn walk(&self, goal: Goal, returned: BTreeSet<u64>) -> Result<Walk> {
        let mut walk = Walk::new(goal, returned, self.encryption);
        put_image(&walk.disk, self.before)?;
        let mut connections = 0;
        for (number, life) in self.lives.iter().enumerate() {
            connections =
                walk.live(life, self.root, connections).with_context(|| format!("start {number}"))?;
        }
        Ok(walk)
    }
}

/// What a walk through the trace is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Goal {
    /// To know what there is.
    Count,
    /// To judge so many states, spread over so many moments.
    Spread { moments: u64, states: u64 },
    /// To judge the moments after a sync of a file that is left out, up to the next one of that file.
    OmitSync(u64),
    /// To judge every moment although no directory is synced.
    OmitDirectorySyncs,
}

/// A promise that a crash state breaks.
#[derive(Debug)]
struct Broken {
    moment: u64,
    seed: u64,
    after: String,
    violation: Violation,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { moment, seed, after, violation } = self;
        write!(f, "{violation} (crash {seed} at moment {moment}, after {after})")
    }
}

impl std::error::Error for Broken {}

struct Walk {
    goal: Goal,
    judge: Judge,
    disk: FakeDisk,
    checker: Checker,
    said: Conversation,
    report: Report,
    /// The last change, for people.
    after: String,
    syncs: u64,
    /// Syncs of files that were followed by a confirm before the next change.
    confirming_syncs: Vec<u64>,
    /// The file whose sync was left out, until it is synced again.
    omitted: Option<String>,
    /// What becomes known when the next process serves: its first turn, and what the checker is told.
    restart: Option<(u64, [Event; 3])>,
}

impl Walk {
    fn new(goal: Goal, returned: BTreeSet<u64>, encryption: Encryption) -> Self {
        Self {
            goal,
            judge: Judge::new(encryption),
            disk: FakeDisk::new(),
            checker: Checker::new(),
            said: Conversation::new(returned),
            report: Report::default(),
            after: "the start".into(),
            syncs: 0,
            confirming_syncs: Vec::new(),
            omitted: None,
            restart: None,
        }
    }

    /// Follows one life to its end. Answers how many connections there were by then.
    fn live(&mut self, life: &Life, root: &str, connections: u32) -> Result<u32> {
        let mut process = Process::new(&life.trace, root, connections);
        for edge in &life.trace.edges {
            self.step(&mut process, *edge)?;
        }
        if life.end == End::CutOff {
            for change in process.cut_off()? {
                self.finish_cut_off(&mut process, &change, &life.left)?;
            }
        }
        self.moment(End::CutOff)?;
        let difference = compare(&self.disk, &life.left)?;
        ensure!(difference.is_none(), "the replay lost track: {}", difference.unwrap_or_default());
        if life.end == End::Clean {
            self.moment(End::Clean)?;
        }
        self.end_life(life.end)?;
        (self.report.operations, self.report.confirms) = (self.said.operations(), self.said.confirms());
        Ok(process.connections())
    }

    fn step(&mut self, process: &mut Process<'_>, edge: Edge) -> Result<()> {
        if let Some(change) = process.change_at(edge)? {
            self.moment(End::CutOff)?;
            self.report.changes += 1;
            self.after = described(process, &change);
            if self.is_done(process, &change) {
                process.apply(&self.disk, &change)?;
            }
        }
        let heard = process.hear(&self.disk, edge)?;
        if matches!(heard, Heard::FromClient(..)) {
            self.note_serving()?;
        }
        match heard {
            Heard::Nothing | Heard::Connected(_) => return Ok(()),
            Heard::FromClient(connection, bytes) => self.said.note_from_client(connection, &bytes)?,
            Heard::ToClient(connection, bytes) => {
                let before = self.said.durable_turn();
                self.said.note_to_client(connection, &bytes)?;
                if self.said.durable_turn() > before && self.confirming_syncs.last() != Some(&self.syncs) {
                    self.confirming_syncs.push(self.syncs);
                }
            }
            Heard::Closed(connection) => self.said.note_closed(connection),
        }
        self.said.take_events().iter().try_for_each(|event| self.note(event))
    }

    fn note(&mut self, event: &Event) -> Result<()> {
        // Before all of it was read once it is not known which messages will have come back.
        if self.goal != Goal::Count {
            let judged = self.checker.note(event);
            judged.map_err(|violation| self.broken(violation, 0)).with_context(|| format!("{event:?}"))?;
        }
        Ok(())
    }

    /// Whether the planted fault lets a change happen.
    fn is_done(&mut self, process: &Process<'_>, change: &Change) -> bool {
        match change {
            Change::Sync { descriptor } => {
                self.syncs += 1;
                let path = process.path_of(*descriptor);
                if self.goal == Goal::OmitSync(self.syncs) {
                    self.omitted = Some(path.to_owned());
                    return false;
                }
                if self.omitted.as_deref() == Some(path) {
                    self.omitted = None;
                }
                true
            }
            Change::SyncDir { .. } => self.goal != Goal::OmitDirectorySyncs,
            _ => true,
        }
    }

    fn broken(&self, violation: Violation, seed: u64) -> Broken {
        Broken { moment: self.report.moments, seed, after: self.after.clone(), violation }
    }

    /// Between two changes: what was said up to the later one counts.
    fn moment(&mut self, end: End) -> Result<()> {
        let number = self.report.moments;
        self.report.moments += 1;
        let count = match self.goal {
            Goal::Count => 0,
            Goal::Spread { moments, states } => (number + 1) * states / moments - number * states / moments,
            Goal::OmitSync(_) => u64::from(self.omitted.is_some()) * PLANTED_STATES,
            Goal::OmitDirectorySyncs => 1,
        };
        for seed in number * PLANTED_STATES..number * PLANTED_STATES + count {
            self.report.states += 1;
            let crashed = self.disk.crash(seed);
            self.judge
                .judge(&crashed, self.checker.clone(), &self.said, end)
                .map_err(|violation| self.broken(violation, seed))?;
        }
        Ok(())
    }

    /// The machine goes on, and another process takes over what is there, synced or not. Nobody can rely on what that one
    /// finds before it serves: until then only the promises of the former one count.
    fn end_life(&mut self, end: End) -> Result<()> {
        self.disk = self.disk.killed();
        let found = self.judge.find(&self.disk).map_err(|violation| self.broken(violation, 0))?;
        let is_clean = end == End::Clean;
        if is_clean {
            self.said.note_all_durable();
        }
        let gone = Event::Gone { durable_turn: self.said.durable_turn(), is_clean };
        let turn = self.said.turn() + 1;
        self.restart = Some((turn, [gone, Event::Turn { turn }, Event::Back { found }]));
        Ok(())
    }

    fn note_serving(&mut self) -> Result<()> {
        let Some((turn, events)) = self.restart.take() else { return Ok(()) };
        self.said.note_restart(turn);
        events.iter().try_for_each(|event| self.note(event))
    }

    /// A change that was under way when the process was killed happened if the directory shows it.
    fn finish_cut_off(&mut self, process: &mut Process<'_>, change: &Change, left: &Image) -> Result<()> {
        if compare(&self.disk, left)?.is_some() {
            self.moment(End::CutOff)?;
            self.report.changes += 1;
            self.after = described(process, change);
            process.apply(&self.disk, change)?;
        }
        Ok(())
    }
}

fn described(process: &Process<'_>, change: &Change) -> String {
    match change {
        Change::Write { descriptor, offset, bytes } => {
            format!("{} bytes written to {} at {offset}", bytes.len(), process.path_of(*descriptor))
        }
        Change::SetLen { descriptor, len } => format!("{} cut to {len}", process.path_of(*descriptor)),
        Change::Allocate { descriptor, len } => {
            format!("{len} allocated to {}", process.path_of(*descriptor))
        }
        Change::Sync { descriptor } => format!("{} synced", process.path_of(*descriptor)),
        Change::FailSync { descriptor } => {
            format!("{} not synced: the disk failed", process.path_of(*descriptor))
        }
        other => format!("{other:?}"),
    }
}

/// Puts files onto an empty disk, safe.
fn put_image(disk: &FakeDisk, image: &Image) -> Result<()> {
    for (path, content) in image {
        let file = disk.create(path)?;
        file.set_len(content.len)?;
        ensure!(file.write_at(&content.bytes, 0)? == content.bytes.len(), "the fake disk wrote in part");
        file.sync_data()?;
    }
    DIRECTORIES.iter().try_for_each(|dir| disk.sync_dir(dir))?;
    Ok(())
}

fn files_of(disk: &FakeDisk) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for dir in DIRECTORIES {
        let path = |name: String| if dir == "." { name } else { format!("{dir}/{name}") };
        names.extend(disk.list(dir)?.into_iter().map(path));
    }
    names.sort_unstable();
    Ok(names)
}

/// Where the fake disk is not what the directory was; `None` when they are the same.
fn compare(disk: &FakeDisk, image: &Image) -> Result<Option<String>> {
    let names: Vec<&str> = image.iter().map(|(path, _)| &**path).collect();
    let found = files_of(disk)?;
    if found != names {
        return Ok(Some(format!("files {found:?}, there should be {names:?}")));
    }
    for (path, content) in image {
        let file = disk.open(path)?;
        let mut bytes = vec![0; content.bytes.len()];
        read_full(&*file, &mut bytes, 0)?;
        let mut rest = [0; 1 << 16];
        let after = read_full(&*file, &mut rest, content.bytes.len() as u64)?;
        let is_zero = rest.iter().take(after).all(|byte| *byte == 0);
        if file.len_bytes()? != content.len || bytes != content.bytes || !is_zero {
            return Ok(Some(format!("{path} differs")));
        }
    }
    Ok(None)
}

/// Reads a data directory.
///
/// # Errors
/// It cannot be read, or holds a directory that no broker makes.
pub fn read_image(root: &Path) -> Result<Image> {
    let mut image = Vec::new();
    for dir in DIRECTORIES {
        let folder = root.join(dir);
        if !folder.is_dir() {
            continue;
        }
        for entry in
            std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?
        {
            let entry = entry?;
            let name = entry.file_name().into_string().map_err(|name| anyhow!("a file named {name:?}"))?;
            if entry.file_type()?.is_dir() {
                ensure!(DIRECTORIES.contains(&&*name), "an unknown directory {name}");
                continue;
            }
            let path = if dir == "." { name } else { format!("{dir}/{name}") };
            image.push((path, read_file(&entry.path())?));
        }
    }
    image.sort_by(|one, other| one.0.cmp(&other.0));
    Ok(image)
}

fn read_file(path: &Path) -> Result<FileImage> {
    let mut file = std::fs::File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let (mut bytes, mut used) = (Vec::new(), 0);
    let mut part = vec![0; 1 << 20];
    let mut len = 0;
    loop {
        let count = file.read(&mut part)?;
        if count == 0 {
            break;
        }
        let read = part.get(..count).unwrap_or_default();
        if let Some(last) = read.iter().rposition(|byte| *byte != 0) {
            bytes.resize(usize::try_from(len)?, 0);
            bytes.extend_from_slice(read.get(..=last).unwrap_or_default());
            used = bytes.len();
        }
        len += count as u64;
    }
    bytes.truncate(used);
    if bytes.len() as u64 > len {
        bail!("{} shrinks while it is read", path.display());
    }
    Ok(FileImage { len, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(files: &[(&str, u64, &[u8])]) -> Image {
        let of = |(path, len, bytes): &(&str, u64, &[u8])| {
            ((*path).to_owned(), FileImage { len: *len, bytes: bytes.to_vec() })
        };
        files.iter().map(of).collect()
    }

    #[track_caller]
    fn check(before: &Image, left: &Image, expect: Option<&str>) {
        let disk = FakeDisk::new();
        put_image(&disk, before).unwrap();
        assert_eq!(compare(&disk, left).unwrap().as_deref(), expect);
    }

    #[test]
    fn any_difference_from_the_real_directory_is_named() {
        let one = image(&[("journal/a", 9_000, b"xyz"), ("lock", 0, b"")]);
        check(&one, &one, None);
        check(&one, &image(&[("journal/a", 9_000, b"xyZ"), ("lock", 0, b"")]), Some("journal/a differs"));
        check(&one, &image(&[("journal/a", 9_001, b"xyz"), ("lock", 0, b"")]), Some("journal/a differs"));
        check(&one, &image(&[("journal/a", 9_000, b"xy"), ("lock", 0, b"")]), Some("journal/a differs"));
        let names = r#"files ["journal/a", "lock"], there should be ["lock"]"#;
        check(&one, &image(&[("lock", 0, b"")]), Some(names));
    }

    #[test]
    fn a_trace_that_does_not_lead_to_the_real_directory_is_refused() {
        let text = "7 openat(AT_FDCWD, \"/d/lock\", O_RDWR|O_CREAT|O_CLOEXEC, 0600) = 3\n\
                    7 pwrite64(3, \"a\", 1, 0) = 1\n";
        for (content, is_right) in [(&b"a"[..], true), (b"b", false)] {
            let left = image(&[("lock", 1, content)]);
            let lives = [Life { trace: Trace::read(text).unwrap(), end: End::CutOff, left }];
            let checked =
                Case { before: &Vec::new(), lives: &lives, root: "/d", encryption: Encryption::Off }
                    .check(10);
            if is_right {
                assert_eq!(
                    checked.unwrap(),
                    Report { changes: 2, moments: 3, states: 10, ..Report::default() }
                );
            } else {
                let cause = checked.unwrap_err().root_cause().to_string();
                assert_eq!(cause, "the replay lost track: lock differs");
            }
        }
    }
}
