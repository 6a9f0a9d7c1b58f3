//! The calls of a process, done again: those on its data directory on the fake disk, those on its sockets as what was
//! said there.
//!
//! A change counts from the moment at which its call begins, as the disk may have it from then on. A sync counts from
//! the moment at which its call returns. What the broker is told counts when the call has returned, what it tells when
//! the call begins.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result, bail, ensure};
use ternmq_env::{File, Files};
use ternmq_fakes::{FakeDisk, Fault};

use crate::calls::{Call, Edge, Trace};

/// The calls to be traced: all that open, close, change or sync files or directories, in any way, and all that move
/// bytes through sockets. Whatever changes the data directory in another way shows when the replayed disk is compared
/// with the real one.
pub const TRACED_CALLS: &str = "openat,openat2,open,creat,close,dup,dup2,dup3,pwrite64,pwritev,pwritev2,write,writev,\
    fallocate,ftruncate,truncate,fsync,fdatasync,sync,syncfs,sync_file_range,msync,rename,renameat,renameat2,unlink,\
    unlinkat,rmdir,link,linkat,symlink,symlinkat,copy_file_range,sendfile,splice,io_uring_enter,accept,accept4,\
    recvfrom,recvmsg,read,readv,sendto,sendmsg";

/// What a step of the replay came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that clients or the disk know of.
    Nothing,
    /// A client connected; its number.
    Connected(u32),
    /// A client told the broker something.
    FromClient(u32, Vec<u8>),
    /// The broker told a client something.
    ToClient(u32, Vec<u8>),
    /// A connection ended.
    Closed(u32),
}

/// What is to be done to the disk. Looked at before it is done.
#[allow(missing_docs, reason = "the fields are the words of the line above each variant")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Bytes go to an offset of the file behind a descriptor.
    Write { descriptor: u64, offset: u64, bytes: Vec<u8> },
    /// The file behind a descriptor gets a length.
    SetLen { descriptor: u64, len: u64 },
    /// Room for a length is taken for the file behind a descriptor.
    Allocate { descriptor: u64, len: u64 },
    /// All that was written to the file behind a descriptor is safe.
    Sync { descriptor: u64 },
    /// The disk failed to make the file behind a descriptor safe: what of it is safe nobody knows, nor will later (F3).
    FailSync { descriptor: u64 },
    /// All names in a directory are safe.
    SyncDir { dir: String },
    /// A new file.
    Create { path: String },
    /// A new name.
    Rename { from: String, to: String },
    /// A name that goes.
    Remove { path: String },
}

/// What a descriptor stands for.
enum Open {
    File { file: Arc<dyn File>, path: String, position: u64, changes: u64 },
    Directory { dir: String },
    Socket { connection: u32 },
}

/// A process as far as its calls have been replayed.
pub struct Process<'a> {
    trace: &'a Trace,
    root: &'a str,
    open: BTreeMap<u64, Open>,
    /// What a sync that is under way covers: the number of changes to its file or directory when it began.
    syncing: BTreeMap<usize, u64>,
    /// Changes of names so far, by directory.
    name_changes: BTreeMap<String, u64>,
    connections: u32,
}

impl<'a> Process<'a> {
    /// At its start; `root` is its data directory, as it names it. Connections are counted from `connections` on.
    #[must_use]
    pub fn new(trace: &'a Trace, root: &'a str, connections: u32) -> Self {
        let (open, syncing, name_changes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { trace, root, open, syncing, name_changes, connections }
    }

    /// Connections so far, those of earlier processes included.
    #[must_use]
    pub fn connections(&self) -> u32 {
        self.connections
    }

    /// What the disk has to be asked for at this edge, if anything.
    ///
    /// # Errors
    /// The process did something with its data directory that the replay does not know.
    pub fn change_at(&mut self, edge: Edge) -> Result<Option<Change>> {
        let (index, is_begin) = match edge {
            Edge::Begin(index) => (index, true),
            Edge::End(index) => (index, false),
        };
        let call = self.trace.calls.get(index).context("no such call")?;
        let is_sync = matches!(&*call.name, "fsync" | "fdatasync");
        // What had not ended when the process did is looked at when its end is known; of what failed only a sync counts.
        if !call.has_succeeded() && (call.result.is_none() || !is_sync) {
            return Ok(None);
        }
        let change = match &*call.name {
            _ if is_sync => self.sync(call, index, is_begin),
            "openat" | "open" if !is_begin => self.create(call),
            _ if is_begin => self.change_of(call),
            _ => Ok(None),
        };
        change.with_context(|| format!("{} {:?}", call.name, call.arguments.first()))
    }

    /// What a call changes that began.
    ///
    /// # Errors
    /// As [`Self::change_at`].
    fn change_of(&self, call: &Call) -> Result<Option<Change>> {
        let names = |from: usize, to: usize| -> Result<Option<Change>> {
            let (from, to) = (self.inside(&call.path(from)?), self.inside(&call.path(to)?));
            match (from, to) {
                (Some(from), Some(to)) => Ok(Some(Change::Rename { from, to })),
                (None, None) => Ok(None),
                _ => bail!("a file moves into or out of the data directory"),
            }
        };
        match &*call.name {
            "rename" => names(0, 1),
            "renameat" | "renameat2" => names(1, 3),
            "unlink" => Ok(self.inside(&call.path(0)?).map(|path| Change::Remove { path })),
            "unlinkat" => Ok(self.inside(&call.path(1)?).map(|path| Change::Remove { path })),
            "rmdir" | "truncate" | "creat" | "symlink" | "link" => self.unknown_path(call, 0),
            "linkat" | "symlinkat" | "openat2" => self.unknown_path(call, 1),
            "pwrite64" | "pwritev" | "write" | "writev" | "ftruncate" | "fallocate" => {
                self.change_of_file(call)
            }
            "pwritev2" | "sync_file_range" | "copy_file_range" | "sendfile" | "splice" | "dup" | "dup2"
            | "dup3" => {
                let is_known = |at: usize| {
                    let descriptor = call.size(at).unwrap_or(u64::MAX);
                    matches!(self.open.get(&descriptor), Some(Open::File { .. } | Open::Directory { .. }))
                };
                ensure!(!is_known(0) && !is_known(1) && !is_known(2), "a call that the replay does not know");
                Ok(None)
            }
            "io_uring_enter" | "sync" | "syncfs" | "msync" => bail!("a call that the replay does not know"),
            _ => Ok(None),
        }
    }

    fn unknown_path(&self, call: &Call, at: usize) -> Result<Option<Change>> {
        let path = self.inside(&call.path(at)?);
        ensure!(path.is_none(), "a call that the replay does not know");
        Ok(None)
    }

    fn change_of_file(&self, call: &Call) -> Result<Option<Change>> {
        let descriptor = call.size(0)?;
        let Some(Open::File { file, position, .. }) = self.open.get(&descriptor) else { return Ok(None) };
        let written = || -> Result<Vec<u8>> {
            let mut bytes = call.bytes(1)?;
            bytes.truncate(usize::try_from(call.result.unwrap_or(0)).unwrap_or(0));
            Ok(bytes)
        };
        Ok(match &*call.name {
            "pwrite64" | "pwritev" => {
                Some(Change::Write { descriptor, offset: call.size(3)?, bytes: written()? })
            }
            "write" | "writev" => Some(Change::Write { descriptor, offset: *position, bytes: written()? }),
            "ftruncate" => {
                let len = call.size(1)?;
                // What a file of this length is cut to changes nothing that a crash could undo.
                (file.len_bytes()? != len).then_some(Change::SetLen { descriptor, len })
            }
            _ => {
                ensure!(call.number(1)? == 0 && call.number(2)? == 0, "fallocate of another form");
                Some(Change::Allocate { descriptor, len: call.size(3)? })
            }
        })
    }

    /// A sync counts when it returns, and must cover all that was done to its file then.
    fn sync(&mut self, call: &Call, index: usize, is_begin: bool) -> Result<Option<Change>> {
        let descriptor = call.size(0)?;
        let (changes, change) = match self.open.get(&descriptor) {
            Some(Open::File { changes, .. }) => (*changes, Change::Sync { descriptor }),
            Some(Open::Directory { dir }) => {
                let changes = self.name_changes.get(dir).copied().unwrap_or(0);
                (changes, Change::SyncDir { dir: dir.clone() })
            }
            _ => return Ok(None),
        };
        if is_begin {
            self.syncing.insert(index, changes);
            return Ok(None);
        }
        ensure!(
            self.syncing.remove(&index) == Some(changes),
            "changed while it was being synced: what of it is safe cannot be told"
        );
        if call.has_succeeded() {
            return Ok(Some(change));
        }
        match change {
            Change::Sync { descriptor } => Ok(Some(Change::FailSync { descriptor })),
            // Names that are not safe may get lost, and that is all.
            _ => Ok(None),
        }
    }

    fn create(&self, call: &Call) -> Result<Option<Change>> {
        let Some((path, flags)) = self.opened(call)? else { return Ok(None) };
        const UNKNOWN: [&str; 5] = ["O_APPEND", "O_SYNC", "O_DSYNC", "O_TMPFILE", "O_DIRECT"];
        let is_unknown = flags.split('|').any(|flag| UNKNOWN.contains(&flag));
        ensure!(!is_unknown, "opened in a way that the replay does not know: {flags}");
        Ok(flags.contains("O_CREAT").then_some(Change::Create { path }))
    }

    /// The path in the data directory that a call opens, and how.
    fn opened<'c>(&self, call: &'c Call) -> Result<Option<(String, &'c str)>> {
        let at = usize::from(call.name == "openat");
        Ok(self.inside(&call.path(at)?).map(|path| (path, call.word(at + 1))))
    }

    /// A path below the data directory, relative to it.
    fn inside(&self, path: &str) -> Option<String> {
        let rest = path.strip_prefix(self.root)?;
        match rest.strip_prefix('/') {
            None if rest.is_empty() => Some(".".to_owned()),
            None => None,
            Some(rest) => Some(if rest.is_empty() || rest == "." { "." } else { rest }.to_owned()),
        }
    }

    /// Does a change.
    ///
    /// # Errors
    /// The disk does not have what it is asked to change: the replay has lost track.
    pub fn apply(&mut self, disk: &FakeDisk, change: &Change) -> Result<()> {
        match change {
            Change::Write { descriptor, offset, bytes } => {
                let file = self.changed_file(*descriptor)?;
                ensure!(file.write_at(bytes, *offset)? == bytes.len(), "the fake disk wrote in part");
            }
            Change::SetLen { descriptor, len } => self.changed_file(*descriptor)?.set_len(*len)?,
            Change::Allocate { descriptor, len } => self.changed_file(*descriptor)?.allocate(*len)?,
            Change::Sync { descriptor } => match self.open.get(descriptor) {
                Some(Open::File { file, .. }) => file.sync_data()?,
                _ => bail!("a sync of what is no file"),
            },
            Change::FailSync { descriptor } => {
                disk.fail_call(disk.calls(), Fault::Device);
                let file = self.changed_file(*descriptor)?;
                ensure!(file.sync_data().is_err(), "the fake disk did not fail");
            }
            Change::SyncDir { dir } => disk.sync_dir(dir)?,
            Change::Create { path } => {
                if disk.open(path).is_err() {
                    self.note_name(path);
                    disk.create(path)?;
                }
            }
            Change::Rename { from, to } => {
                self.note_name(to);
                disk.rename(from, to)?;
            }
            Change::Remove { path } => {
                self.note_name(path);
                disk.remove(path)?;
            }
        }
        Ok(())
    }

    fn changed_file(&mut self, descriptor: u64) -> Result<Arc<dyn File>> {
        match self.open.get_mut(&descriptor) {
            Some(Open::File { file, changes, .. }) => {
                *changes += 1;
                Ok(file.clone())
            }
            _ => bail!("a change of what is no file"),
        }
    }

    fn note_name(&mut self, path: &str) {
        let dir = path.rsplit_once('/').map_or(".", |(dir, _)| dir);
        *self.name_changes.entry(dir.to_owned()).or_default() += 1;
    }

    /// Follows descriptors, and answers what was said. Comes after the change of the same edge.
    ///
    /// # Errors
    /// As [`Self::change_at`].
    pub fn hear(&mut self, disk: &FakeDisk, edge: Edge) -> Result<Heard> {
        let (index, is_begin) = match edge {
            Edge::Begin(index) => (index, true),
            Edge::End(index) => (index, false),
        };
        let trace = self.trace;
        let call = trace.calls.get(index).context("no such call")?;
        if !call.has_succeeded() {
            return Ok(Heard::Nothing);
        }
        let heard = match (&*call.name, is_begin) {
            ("openat" | "open", false) => self.open(disk, call),
            ("accept" | "accept4", false) => Ok(self.accept(call)),
            ("recvfrom" | "recvmsg" | "read" | "readv", false) => self.received(call),
            ("sendto" | "sendmsg" | "write" | "writev", true) => self.sent(call),
            // The number may be another thread's before the call is seen to return.
            ("close", true) => self.close(call),
            _ => Ok(Heard::Nothing),
        };
        heard.with_context(|| format!("{} {:?}", call.name, call.arguments.first()))
    }

    fn open(&mut self, disk: &FakeDisk, call: &Call) -> Result<Heard> {
        let descriptor = returned(call)?;
        // One that was closed unseen would be taken for another file.
        ensure!(!self.open.contains_key(&descriptor), "descriptor {descriptor} is opened twice");
        if let Some((path, flags)) = self.opened(call)? {
            let opened = match disk.open(&path) {
                Ok(file) => Open::File { file, path, position: 0, changes: 0 },
                Err(_) => Open::Directory { dir: path },
            };
            if let Open::File { file, path, .. } = &opened {
                let has_bytes = flags.contains("O_TRUNC") && file.len_bytes()? > 0;
                ensure!(!has_bytes, "{path} is cut when it is opened");
            }
            self.open.insert(descriptor, opened);
        }
        Ok(Heard::Nothing)
    }

    fn accept(&mut self, call: &Call) -> Heard {
        let Ok(descriptor) = returned(call) else { return Heard::Nothing };
        self.connections += 1;
        self.open.insert(descriptor, Open::Socket { connection: self.connections });
        Heard::Connected(self.connections)
    }

    fn socket(&self, call: &Call) -> Option<u32> {
        match self.open.get(&call.size(0).ok()?) {
            Some(Open::Socket { connection }) => Some(*connection),
            _ => None,
        }
    }

    fn received(&self, call: &Call) -> Result<Heard> {
        let Some(connection) = self.socket(call) else { return Ok(Heard::Nothing) };
        let count = usize::try_from(call.result.unwrap_or(0))?;
        if count == 0 {
            return Ok(Heard::Closed(connection));
        }
        let mut bytes = call.bytes(1)?;
        ensure!(bytes.len() >= count, "fewer bytes than were received");
        bytes.truncate(count);
        Ok(Heard::FromClient(connection, bytes))
    }

    fn sent(&mut self, call: &Call) -> Result<Heard> {
        let count = call.result.unwrap_or(0);
        if let Some(Open::File { position, .. }) = self.open.get_mut(&call.size(0)?) {
            *position += u64::try_from(count)?;
            return Ok(Heard::Nothing);
        }
        let Some(connection) = self.socket(call) else { return Ok(Heard::Nothing) };
        let mut bytes = call.bytes(1)?;
        bytes.truncate(usize::try_from(count)?);
        Ok(Heard::ToClient(connection, bytes))
    }

    fn close(&mut self, call: &Call) -> Result<Heard> {
        match self.open.remove(&call.size(0)?) {
            Some(Open::Socket { connection }) => Ok(Heard::Closed(connection)),
            _ => Ok(Heard::Nothing),
        }
    }

    /// Changes whose calls had not returned when the process was killed, in the order in which they began.
    ///
    /// # Errors
    /// As [`Self::change_at`].
    pub fn cut_off(&self) -> Result<Vec<Change>> {
        let mut changes = Vec::new();
        for call in self.trace.calls.iter().filter(|call| call.result.is_none()) {
            // All of it, as if it had succeeded; the caller finds out whether it did.
            let mut whole = call.clone();
            whole.result = Some(i64::MAX);
            let is_open = whole.name.starts_with("open");
            changes.extend(if is_open { self.create(&whole)? } else { self.change_of(&whole)? });
        }
        Ok(changes)
    }

    /// The file behind a descriptor, for people.
    #[must_use]
    pub fn path_of(&self, descriptor: u64) -> &str {
        match self.open.get(&descriptor) {
            Some(Open::File { path, .. }) => path,
            Some(Open::Directory { dir }) => dir,
            _ => "?",
        }
    }
}

fn returned(call: &Call) -> Result<u64> {
    let descriptor = call.result.context("a call that did not return")?;
    u64::try_from(descriptor).with_context(|| format!("{} returned {descriptor}", call.name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "/data";

    /// What the calls do to the disk and what is heard, a line each.
    fn replayed(text: &str) -> Result<(FakeDisk, Vec<String>)> {
        let trace = Trace::read(text)?;
        let disk = FakeDisk::new();
        let mut process = Process::new(&trace, ROOT, 0);
        let mut lines = Vec::new();
        for edge in &trace.edges {
            if let Some(change) = process.change_at(*edge)? {
                lines.push(format!("{change:?}"));
                process.apply(&disk, &change)?;
            }
            match process.hear(&disk, *edge)? {
                Heard::Nothing => {}
                heard => lines.push(format!("{heard:?}")),
            }
        }
        Ok((disk, lines))
    }

    #[track_caller]
    fn check(text: &str, expect: &[&str]) -> FakeDisk {
        let (disk, lines) = replayed(text).unwrap();
        assert_eq!(lines, expect);
        disk
    }

    const CREATE: &str = "7 openat(AT_FDCWD, \"/data/a\", O_RDWR|O_CREAT|O_EXCL|O_CLOEXEC, 0600) = 3\n";

    #[track_caller]
    fn check_refused(text: &str, expect: &str) {
        let error = replayed(&format!("{CREATE}{text}")).map(|(_, lines)| lines).unwrap_err();
        assert_eq!(error.root_cause().to_string(), expect);
    }

    #[test]
    fn changes_count_from_their_beginning_and_syncs_from_their_end() {
        let text = "7 pwrite64(3, \"ab\", 2, 1 <unfinished ...>\n\
                    8 accept4(5, NULL, NULL, 0) = 9\n\
                    7 <... pwrite64 resumed>) = 2\n\
                    7 fdatasync(3 <unfinished ...>\n\
                    8 recvfrom(9, \"hi\", 100, 0, NULL, NULL) = 2\n\
                    7 <... fdatasync resumed>) = 0\n\
                    8 sendto(9, \"ok\", 2, MSG_NOSIGNAL, NULL, 0) = 2\n\
                    8 recvfrom(9, \"\", 100, 0, NULL, NULL) = 0\n";
        let disk = check(
            &format!("{CREATE}{text}"),
            &[
                r#"Create { path: "a" }"#,
                "Write { descriptor: 3, offset: 1, bytes: [97, 98] }",
                "Connected(1)",
                "FromClient(1, [104, 105])",
                "Sync { descriptor: 3 }",
                "ToClient(1, [111, 107])",
                "Closed(1)",
            ],
        );
        assert_eq!(disk.contents()["a"], b"\0ab");
    }

    #[test]
    fn names_lengths_and_directories() {
        let text = "7 fallocate(3, 0, 0, 8) = 0\n\
                    7 ftruncate(3, 8) = 0\n\
                    7 ftruncate(3, 4) = 0\n\
                    7 write(3, \"x\", 1) = 1\n\
                    7 write(3, \"y\", 1) = 1\n\
                    7 close(3) = 0\n\
                    7 rename(\"/data/a\", \"/data/b\") = 0\n\
                    7 openat(AT_FDCWD, \"/data/.\", O_RDONLY|O_CLOEXEC) = 3\n\
                    7 fsync(3) = 0\n\
                    7 close(3) = 0\n\
                    7 unlink(\"/data/gone\") = -1 ENOENT (No such file or directory)\n\
                    7 unlink(\"/elsewhere\") = 0\n\
                    7 openat(AT_FDCWD, \"/data/b\", O_RDWR|O_CLOEXEC) = 3\n\
                    7 pwritev(3, [{iov_base=\"p\", iov_len=1}, {iov_base=\"q\", iov_len=1}], 2, 2) = 2\n";
        let disk = check(
            &format!("{CREATE}{text}"),
            &[
                r#"Create { path: "a" }"#,
                "Allocate { descriptor: 3, len: 8 }",
                "SetLen { descriptor: 3, len: 4 }",
                "Write { descriptor: 3, offset: 0, bytes: [120] }",
                "Write { descriptor: 3, offset: 1, bytes: [121] }",
                r#"Rename { from: "a", to: "b" }"#,
                r#"SyncDir { dir: "." }"#,
                "Write { descriptor: 3, offset: 2, bytes: [112, 113] }",
            ],
        );
        assert_eq!(disk.contents().into_iter().collect::<Vec<_>>(), [("b".to_owned(), b"xypq".to_vec())]);
    }

    #[test]
    fn a_sync_that_fails_may_lose_what_no_later_sync_brings_back() {
        let text = "7 openat(AT_FDCWD, \"/data\", O_RDONLY|O_CLOEXEC) = 4\n\
                    7 fsync(4) = 0\n\
                    7 pwrite64(3, \"ab\", 2, 0) = 2\n\
                    7 fdatasync(3) = -1 EIO (Input/output error) (INJECTED)\n\
                    7 fdatasync(3) = 0\n";
        let mut left = std::collections::BTreeSet::new();
        for calls in 0..20 {
            // What is lost follows from the number of calls before.
            let disk = replayed(&format!(
                "{CREATE}{}{text}",
                "7 ftruncate(3, 1) = 0\n7 ftruncate(3, 0) = 0\n".repeat(calls)
            ));
            left.insert(disk.unwrap().0.crash(0).contents()["a"].clone());
        }
        assert!(left.contains(&b"ab"[..]) && left.len() > 1, "{left:?}");
    }

    #[test]
    fn a_write_in_part_is_replayed_in_part() {
        let disk = replayed(&format!("{CREATE}7 pwrite64(3, \"abc\", 3, 0) = 1\n")).unwrap().0;
        assert_eq!(disk.contents()["a"], b"a");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        let unknown = "a call that the replay does not know";
        check_refused("7 copy_file_range(3, NULL, 4, NULL, 9, 0) = 9\n", unknown);
        check_refused("7 truncate(\"/data/a\", 9) = 0\n", unknown);
        check_refused(
            "7 rename(\"/data/a\", \"/tmp/a\") = 0\n",
            "a file moves into or out of the data directory",
        );
        check_refused(
            "7 fallocate(3, FALLOC_FL_PUNCH_HOLE, 0, 8) = 0\n",
            "fallocate: argument 1 is no number",
        );
        check_refused(
            "7 openat(AT_FDCWD, \"/data/b\", O_WRONLY|O_CREAT|O_DSYNC, 0600) = 4\n",
            "opened in a way that the replay does not know: O_WRONLY|O_CREAT|O_DSYNC",
        );
        check_refused(
            "7 fdatasync(3 <unfinished ...>\n8 pwrite64(3, \"a\", 1, 0) = 1\n7 <... fdatasync resumed>) = 0\n",
            "changed while it was being synced: what of it is safe cannot be told",
        );
        check_refused(
            "7 openat(AT_FDCWD, \"/data/a\", O_RDWR|O_CLOEXEC) = 3\n",
            "descriptor 3 is opened twice",
        );
    }

    #[test]
    fn changes_that_a_kill_cut_off_are_told() {
        let text = format!(
            "{CREATE}7 pwrite64(3, \"ab\", 2, 0 <unfinished ...>\n8 unlink(\"/data/a\") = ?\n\
             9 openat(AT_FDCWD, \"/data/b\", O_RDWR|O_CREAT|O_EXCL, 0600 <unfinished ...>\n"
        );
        let trace = Trace::read(&text).unwrap();
        let disk = FakeDisk::new();
        let mut process = Process::new(&trace, ROOT, 0);
        for edge in &trace.edges {
            if let Some(change) = process.change_at(*edge).unwrap() {
                process.apply(&disk, &change).unwrap();
            }
            process.hear(&disk, *edge).unwrap();
        }
        let told: Vec<String> =
            process.cut_off().unwrap().iter().map(|change| format!("{change:?}")).collect();
        assert_eq!(
            told,
            [
                "Write { descriptor: 3, offset: 0, bytes: [97, 98] }",
                r#"Remove { path: "a" }"#,
                r#"Create { path: "b" }"#
            ]
        );
    }
}
