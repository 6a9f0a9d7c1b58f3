//! One file of the fake disk: what is safe, what is written, and what lies between.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::image::Image;
use crate::rng::SeededRng;

/// The disk writes this many bytes in one step or not at all (F2).
pub const SECTOR_BYTES: usize = 512;

/// A change that no sync has covered yet.
#[derive(Clone, Debug)]
enum Unsynced {
    Write { offset: usize, bytes: Arc<[u8]> },
    Length(usize),
}

/// A file's bytes. Names are kept elsewhere, as on a real file system.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inode {
    /// What survives any crash.
    safe: Image,
    /// What a reader sees now.
    now: Image,
    /// Changes since the last sync, oldest first.
    unsynced: Vec<Unsynced>,
}

impl Inode {
    pub(crate) fn len(&self) -> usize {
        self.now.len()
    }

    pub(crate) fn read(&self, bytes: &mut [u8], offset: u64) -> usize {
        self.now.read(bytes, usize::try_from(offset).unwrap_or(usize::MAX))
    }

    pub(crate) fn write(&mut self, bytes: Arc<[u8]>, offset: u64) {
        let offset = offset as usize;
        self.now.write(offset, &bytes);
        self.unsynced.push(Unsynced::Write { offset, bytes });
    }

    pub(crate) fn set_len(&mut self, len: u64) {
        self.now.set_len(len as usize);
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
            image.flip(at, flip);
        }
    }

    /// The file as it is after a crash, everything in it safe.
    pub(crate) fn crashed(&self, rng: &mut SeededRng) -> Self {
        let safe = self.survive(rng);
        Self { now: safe.clone(), safe, unsynced: Vec::new() }
    }

    /// The bytes that a loss of power now would leave. A seed favours one temper of the disk: keep all, lose all,
    /// whole writes at random, or each sector in any of the states it went through.
    fn survive(&self, rng: &mut SeededRng) -> Image {
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

    fn survive_by_write(&self, rng: &mut SeededRng) -> Image {
        let mut image = self.safe.clone();
        for change in &self.unsynced {
            if rng.chance(1, 2) {
                apply(&mut image, change);
            }
        }
        image
    }

    fn survive_by_sector(&self, rng: &mut SeededRng) -> Image {
        let mut states = vec![self.safe.clone()];
        for change in &self.unsynced {
            let mut next = states[states.len() - 1].clone();
            apply(&mut next, change);
            states.push(next);
        }
        let len = states[rng.below(states.len() as u64) as usize].len();
        // The length may be ahead of the data: the rest then holds whatever the disk held before.
        let garbage = if rng.chance(1, 2) { 0 } else { 0xa5 };
        // A sector that nothing touched keeps its one state; another is in any state, the last one favoured.
        let mut image = states[states.len() - 1].clone();
        image.set_len(len);
        for sector in self.touched_sectors(len) {
            let is_last = rng.chance(1, 2);
            let number = if is_last { states.len() - 1 } else { rng.below(states.len() as u64) as usize };
            let from = sector * SECTOR_BYTES;
            let mut bytes = [garbage; SECTOR_BYTES];
            states[number].read(&mut bytes, from);
            image.write(from, &bytes[..SECTOR_BYTES.min(len - from)]);
        }
        image
    }

    /// Sectors below `len` that a change since the last sync may have touched, in order.
    fn touched_sectors(&self, len: usize) -> BTreeSet<usize> {
        let mut sectors = BTreeSet::new();
        for change in &self.unsynced {
            let (from, to) = match change {
                Unsynced::Write { offset, bytes } => (*offset, offset + bytes.len()),
                Unsynced::Length(cut) => (*cut, len),
            };
            sectors.extend(from / SECTOR_BYTES..to.min(len).div_ceil(SECTOR_BYTES));
        }
        sectors
    }
}

fn apply(image: &mut Image, change: &Unsynced) {
    match change {
        Unsynced::Write { offset, bytes } => image.write(*offset, bytes),
        Unsynced::Length(len) => image.set_len(*len),
    }
}
