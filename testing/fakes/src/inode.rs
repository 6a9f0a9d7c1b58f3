//! One file of the fake disk: what is safe, what is written, and what lies between.

use crate::rng::SeededRng;

/// The disk writes this many bytes in one step or not at all (F2).
pub const SECTOR_BYTES: usize = 512;

/// A change that no sync has covered yet.
#[derive(Clone, Debug)]
enum Unsynced {
    Write { offset: usize, bytes: Vec<u8> },
    Length(usize),
}

/// A file's bytes. Names are kept elsewhere, as on a real file system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    /// What survives any crash.
    safe: Vec<u8>,
    /// What a reader sees now.
    now: Vec<u8>,
    /// Changes since the last sync, oldest first.
    unsynced: Vec<Unsynced>,
}

impl Inode {
    pub(crate) fn len(&self) -> usize {
        self.now.len()
    }

    pub(crate) fn read(&self, bytes: &mut [u8], offset: u64) -> usize {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.now.len());
        let count = bytes.len().min(self.now.len() - from);
        bytes[..count].copy_from_slice(&self.now[from..from + count]);
        count
    }

    pub(crate) fn write(&mut self, bytes: &[u8], offset: u64) {
        let offset = offset as usize;
        overwrite(&mut self.now, offset, bytes);
        self.unsynced.push(Unsynced::Write { offset, bytes: bytes.to_vec() });
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        self.now.resize(len as usize, 0);
        self.unsynced.push(Unsynced::Length(len as usize));
    }

    pub(crate) fn sync(&mut self) {
        // What an earlier sync failed to write counts as written: only later changes go to the disk (F3).
        for change in std::mem::take(&mut self.unsynced) {
            apply(&mut self.safe, &change);
        }
    }

    /// A sync that failed: some of the changes reached the disk, all count as written out, a reader sees no
    /// difference. A later sync does not bring the lost ones back.
    pub(crate) fn fail_sync(&mut self, rng: &mut SeededRng) {
        self.safe = self.survive(rng);
        self.unsynced.clear();
    }

    /// A sync that claims success and wrote nothing.
    pub(crate) fn lose_sync(&mut self) {
        self.unsynced.clear();
    }

    /// Damages one sector, both as a reader sees it and as it survives.
    pub(crate) fn rot(&mut self, offset: usize, rng: &mut SeededRng) {
        let from = offset / SECTOR_BYTES * SECTOR_BYTES;
        let at = from + rng.below(SECTOR_BYTES as u64) as usize;
        let flip = 1_u8 << rng.below(8);
        for image in [&mut self.safe, &mut self.now] {
            if let Some(byte) = image.get_mut(at) {
                *byte ^= flip;
            }
        }
    }

    /// The file as it is after a crash, everything in it safe.
    pub(crate) fn crashed(&self, rng: &mut SeededRng) -> Self {
        let safe = self.survive(rng);
        Self { now: safe.clone(), safe, unsynced: Vec::new() }
    }

    /// The bytes that a loss of power now would leave. A seed favours one temper of the disk: keep all, lose all,
    /// whole writes at random, or each sector in any of the states it went through.
    fn survive(&self, rng: &mut SeededRng) -> Vec<u8> {
        match rng.below(4) {
            0 => {
                let mut image = self.safe.clone();
                self.unsynced.iter().for_each(|change| apply(&mut image, change));
                image
            }
            1 => self.safe.clone(),
            2 => self.survive_by_write(rng),
            _ => self.survive_by_sector(rng),
        }
    }

    fn survive_by_write(&self, rng: &mut SeededRng) -> Vec<u8> {
        let mut image = self.safe.clone();
        for change in &self.unsynced {
            if rng.chance(1, 2) {
                apply(&mut image, change);
            }
        }
        image
    }

    fn survive_by_sector(&self, rng: &mut SeededRng) -> Vec<u8> {
        let mut states = vec![self.safe.clone()];
        for change in &self.unsynced {
            let mut next = states[states.len() - 1].clone();
            apply(&mut next, change);
            states.push(next);
        }
        // The length may be ahead of the data: the rest then holds whatever the disk held before.
        let len = states[rng.below(states.len() as u64) as usize].len();
        let garbage = if rng.chance(1, 2) { 0 } else { 0xa5 };
        let mut image = vec![garbage; len];
        for (index, sector) in image.chunks_mut(SECTOR_BYTES).enumerate() {
            let from = index * SECTOR_BYTES;
            let state = &states[self.pick_state(index, states.len(), rng)];
            if let Some(bytes) = state.get(from..) {
                let count = bytes.len().min(sector.len());
                sector[..count].copy_from_slice(&bytes[..count]);
            }
        }
        image
    }

    /// A sector that nothing touched keeps its one state; another is in any state, the last one favoured.
    fn pick_state(&self, sector: usize, states: usize, rng: &mut SeededRng) -> usize {
        let (from, to) = (sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
        let touched = self.unsynced.iter().any(|change| match change {
            Unsynced::Write { offset, bytes } => *offset < to && offset + bytes.len() > from,
            Unsynced::Length(len) => *len < to,
        });
        if !touched || rng.chance(1, 2) { states - 1 } else { rng.below(states as u64) as usize }
    }
}

fn apply(image: &mut Vec<u8>, change: &Unsynced) {
    match change {
        Unsynced::Write { offset, bytes } => overwrite(image, *offset, bytes),
        Unsynced::Length(len) => image.resize(*len, 0),
    }
}

fn overwrite(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}
