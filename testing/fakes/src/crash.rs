//! What a crash leaves, and the record of operations from which every moment can be rebuilt (T2).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::disk::FakeDisk;
use crate::inode::Inode;
use crate::rng::SeededRng;

/// A change of names in a directory.
#[derive(Clone, Debug)]
pub(crate) enum NameChange {
    Create { path: String },
    Rename { from: String, to: String },
    Remove { path: String },
}

/// One change asked of the disk.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Name(NameChange),
    Write { inode: usize, offset: u64, bytes: Arc<[u8]> },
    SetLen { inode: usize, len: u64 },
    Sync { inode: usize },
    FailedSync { inode: usize, seed: u64 },
    LostSync { inode: usize },
    SyncDir { dir: String },
}

/// Files and names, both with what is safe and what is only done.
#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    inodes: Vec<Inode>,
    names: BTreeMap<String, usize>,
    safe_names: BTreeMap<String, usize>,
    /// Changes of names since the last sync of their directory, oldest first, with the inode they concern.
    unsynced: Vec<(NameChange, usize)>,
}

impl World {
    pub(crate) fn inode_of(&self, path: &str) -> Option<usize> {
        self.names.get(path).copied()
    }

    pub(crate) fn inode(&self, index: usize) -> &Inode {
        &self.inodes[index]
    }

    pub(crate) fn inode_mut(&mut self, index: usize) -> &mut Inode {
        &mut self.inodes[index]
    }

    pub(crate) fn used_bytes(&self) -> u64 {
        self.names.values().map(|inode| self.inodes[*inode].len() as u64).sum()
    }

    pub(crate) fn list(&self, dir: &str) -> Vec<String> {
        let inside = |path: &String| (directory_of(path) == dir).then(|| name_of(path).to_string());
        self.names.keys().filter_map(inside).collect()
    }

    pub(crate) fn contents(&self) -> BTreeMap<String, Vec<u8>> {
        let bytes = |inode: usize| {
            let mut bytes = vec![0; self.inodes[inode].len()];
            self.inodes[inode].read(&mut bytes, 0);
            bytes
        };
        self.names.iter().map(|(path, inode)| (path.clone(), bytes(*inode))).collect()
    }

    pub(crate) fn apply(&mut self, operation: &Operation) {
        match operation {
            Operation::Name(change) => self.change_name(change),
            Operation::Write { inode, offset, bytes } => self.inodes[*inode].write(bytes.clone(), *offset),
            Operation::SetLen { inode, len } => self.inodes[*inode].set_len(*len),
            Operation::Sync { inode } => self.inodes[*inode].sync(),
            Operation::FailedSync { inode, seed } => {
                self.inodes[*inode].fail_sync(&mut SeededRng::new(*seed))
            }
            Operation::LostSync { inode } => self.inodes[*inode].lose_sync(),
            Operation::SyncDir { dir } => self.sync_dir(dir),
        }
    }

    fn change_name(&mut self, change: &NameChange) {
        let inode = match change {
            NameChange::Create { .. } => {
                self.inodes.push(Inode::default());
                self.inodes.len() - 1
            }
            NameChange::Rename { from: path, .. } | NameChange::Remove { path } => self.names[path],
        };
        rename(&mut self.names, change, inode);
        self.unsynced.push((change.clone(), inode));
    }

    fn sync_dir(&mut self, dir: &str) {
        let (synced, left) = std::mem::take(&mut self.unsynced).into_iter().partition(|(change, _)| {
            let (NameChange::Create { path }
            | NameChange::Rename { to: path, .. }
            | NameChange::Remove { path }) = change;
            directory_of(path) == dir
        });
        self.unsynced = left;
        let synced: Vec<_> = synced;
        for (change, inode) in synced {
            rename(&mut self.safe_names, &change, inode);
        }
    }

    /// The world after a loss of power. Of the names changed since the last sync any part may be lost, in any
    /// combination: more than real file systems do, so that no order is relied on that nobody promises.
    pub(crate) fn crashed(&self, seed: u64) -> Self {
        let mut rng = SeededRng::new(seed);
        let mut names = self.safe_names.clone();
        let temper = rng.below(3);
        for (change, inode) in &self.unsynced {
            let kept = match temper {
                0 => true,
                1 => false,
                _ => rng.chance(1, 2),
            };
            if kept {
                rename(&mut names, change, *inode);
            }
        }
        let inodes = self.inodes.iter().map(|inode| inode.crashed(&mut rng)).collect();
        Self { inodes, safe_names: names.clone(), names, unsynced: Vec::new() }
    }
}

/// Does a change of names; one whose file has no such name here (an earlier change was lost) does nothing.
fn rename(names: &mut BTreeMap<String, usize>, change: &NameChange, inode: usize) {
    match change {
        NameChange::Create { path } => {
            names.insert(path.clone(), inode);
        }
        NameChange::Rename { from, to } => {
            if names.get(from) == Some(&inode) {
                names.remove(from);
                names.insert(to.clone(), inode);
            }
        }
        NameChange::Remove { path } => {
            if names.get(path) == Some(&inode) {
                names.remove(path);
            }
        }
    }
}

fn directory_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(".", |(dir, _)| dir)
}

fn name_of(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// All changes asked of a disk, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    operations: Vec<Operation>,
}

impl Recording {
    pub(crate) fn push(&mut self, operation: Operation) {
        self.operations.push(operation);
    }

    /// How many changes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.operations.len()
    }

    /// True when nothing was changed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.operations.is_empty()
    }

    /// Starts at the empty disk before the first change.
    #[must_use]
    pub fn replay(&self) -> Replay<'_> {
        Replay { recording: self, done: 0, world: World::default() }
    }
}

/// A moment between two changes of a [`Recording`].
#[derive(Clone, Debug)]
pub struct Replay<'a> {
    recording: &'a Recording,
    done: usize,
    world: World,
}

impl Replay<'_> {
    /// Does the next change; false at the end.
    pub fn step(&mut self) -> bool {
        let Some(operation) = self.recording.operations.get(self.done) else { return false };
        self.world.apply(operation);
        self.done += 1;
        true
    }

    /// How many changes are done.
    #[must_use]
    pub fn done(&self) -> usize {
        self.done
    }

    /// The disk after a loss of power at this moment.
    #[must_use]
    pub fn crash(&self, seed: u64) -> FakeDisk {
        FakeDisk::from_world(self.world.crashed(seed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ternmq_env::{Files, read_full, write_full};

    fn read_all(disk: &FakeDisk, path: &str) -> Option<Vec<u8>> {
        let file = disk.open(path).ok()?;
        let mut bytes = vec![0; file.len_bytes().unwrap() as usize];
        read_full(&*file, &mut bytes, 0).unwrap();
        Some(bytes)
    }

    #[test]
    fn synced_bytes_survive_every_crash_and_unsynced_ones_only_some() {
        let disk = FakeDisk::new();
        let file = disk.create("d/a").unwrap();
        write_full(&*file, "d/a", &[1; 2048], 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir("d").unwrap();
        write_full(&*file, "d/a", &[2; 2048], 1024).unwrap();
        let mut images = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let bytes = read_all(&disk.crash(seed), "d/a").unwrap();
            assert_eq!(bytes[..1024], [1; 1024]);
            assert!(bytes.len() == 2048 || bytes.len() == 3072);
            for sector in bytes.chunks(512) {
                assert!(sector.iter().all(|byte| *byte == sector[0]), "torn inside a sector");
            }
            images.insert(bytes);
        }
        assert!(images.len() > 10, "only {} different crashes", images.len());
    }

    #[test]
    fn a_name_is_safe_only_after_a_sync_of_its_directory() {
        let disk = FakeDisk::new();
        disk.create("d/a").unwrap().sync_data().unwrap();
        let lost = (0..20).filter(|seed| read_all(&disk.crash(*seed), "d/a").is_none()).count();
        assert!(0 < lost && lost < 20);
        disk.sync_dir("d").unwrap();
        disk.rename("d/a", "d/b").unwrap();
        let names = |seed| disk.crash(seed).list("d").unwrap();
        assert!((0..20).all(|seed| names(seed) == ["a"] || names(seed) == ["b"]));
        assert!((0..20).any(|seed| names(seed) == ["a"]) && (0..20).any(|seed| names(seed) == ["b"]));
    }

    #[test]
    fn a_failed_sync_loses_bytes_that_a_later_sync_does_not_bring_back() {
        let mut lost = 0;
        for extra_calls in 0..20 {
            let disk = FakeDisk::new();
            let file = disk.create("a").unwrap();
            disk.sync_dir(".").unwrap();
            (0..extra_calls).for_each(|_| drop(disk.list(".")));
            write_full(&*file, "a", &[7; 512], 0).unwrap();
            disk.fail_call(disk.calls(), crate::Fault::Device);
            file.sync_data().unwrap_err();
            file.sync_data().unwrap();
            assert_eq!(read_all(&disk, "a").unwrap(), [7; 512]);
            lost += usize::from(read_all(&disk.crash(0), "a").unwrap().is_empty());
        }
        assert!(0 < lost && lost < 20, "{lost} of 20 lost");
    }

    #[test]
    fn a_replay_reaches_the_same_world() {
        let disk = FakeDisk::new();
        let file = disk.create("a").unwrap();
        write_full(&*file, "a", b"abc", 0).unwrap();
        file.sync_data().unwrap();
        disk.sync_dir(".").unwrap();
        let recording = disk.recording();
        let mut replay = recording.replay();
        while replay.step() {}
        assert_eq!(replay.done(), recording.len());
        assert_eq!(replay.crash(3).contents(), disk.contents());
    }

    #[test]
    fn a_full_disk_and_planned_faults_answer_as_a_real_one() {
        let disk = FakeDisk::new();
        disk.set_capacity_bytes(Some(1024));
        let file = disk.create("a").unwrap();
        assert!(file.allocate(2048).unwrap_err().is_disk_full());
        file.allocate(1024).unwrap();
        assert!(file.write_at(&[1; 8], 1020).unwrap_err().is_disk_full());
        assert_eq!(disk.free_bytes().unwrap(), 0);
        disk.fail_call(disk.calls(), crate::Fault::Short);
        assert_eq!(file.write_at(&[1; 8], 0).unwrap(), 4);
        let before = disk.contents();
        assert!(disk.rot("a", 0, 1));
        assert_ne!(disk.contents(), before);
        assert!(disk.make_unreadable("a", 600));
        let mut bytes = [0; 8];
        assert!(file.read_at(&mut bytes, 700).is_err());
        assert_eq!(file.read_at(&mut bytes, 0).unwrap(), 8);
    }
}
