//! The bytes of a file, by page.

use std::collections::BTreeMap;
use std::sync::Arc;

const PAGE_BYTES: usize = 4096;

/// Pages are shared between copies until one of them is written to, and pages of zeroes take no room: thousands of
/// crashes of one moment, and files of which most was never written, cost what is different in them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image {
    len: usize,
    /// By number. A page that is absent is all zeroes; behind the end of the file every byte is zero.
    pages: BTreeMap<usize, Arc<[u8; PAGE_BYTES]>>,
}

impl Image {
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Fills `bytes` with what the file has from `offset`; answers how many there were.
    pub(crate) fn read(&self, bytes: &mut [u8], offset: usize) -> usize {
        let from = offset.min(self.len);
        let count = bytes.len().min(self.len - from);
        for (page, inside, part) in parts(from, count) {
            let target = &mut bytes[part];
            match self.pages.get(&page) {
                Some(page) => target.copy_from_slice(&page[inside..inside + target.len()]),
                None => target.fill(0),
            }
        }
        count
    }

    /// Writes from `offset`; what lies between the end of the file and there becomes zero.
    pub(crate) fn write(&mut self, offset: usize, bytes: &[u8]) {
        self.len = self.len.max(offset + bytes.len());
        for (page, inside, part) in parts(offset, bytes.len()) {
            let source = &bytes[part];
            let is_zero = source.iter().all(|byte| *byte == 0);
            if is_zero && source.len() == PAGE_BYTES {
                self.pages.remove(&page);
            } else if !is_zero || self.pages.contains_key(&page) {
                self.page_mut(page)[inside..inside + source.len()].copy_from_slice(source);
            }
        }
    }

    /// Cuts or grows the file; new bytes are zero.
    pub(crate) fn set_len(&mut self, len: usize) {
        if len < self.len {
            self.pages.split_off(&len.div_ceil(PAGE_BYTES));
            let (page, inside) = (len / PAGE_BYTES, len % PAGE_BYTES);
            if self.pages.contains_key(&page) {
                self.page_mut(page)[inside..].fill(0);
            }
        }
        self.len = len;
    }

    /// Flips bits of one byte; nothing behind the end.
    pub(crate) fn flip(&mut self, at: usize, bits: u8) {
        if at < self.len {
            self.page_mut(at / PAGE_BYTES)[at % PAGE_BYTES] ^= bits;
        }
    }

    /// Pages that are not all zero by being absent.
    #[cfg(test)]
    pub(crate) fn kept_pages(&self) -> usize {
        self.pages.len()
    }

    fn page_mut(&mut self, page: usize) -> &mut [u8; PAGE_BYTES] {
        Arc::make_mut(self.pages.entry(page).or_insert_with(|| Arc::new([0; PAGE_BYTES])))
    }
}

/// The pages that a range touches: number, where in the page, and which part of the range.
fn parts(offset: usize, count: usize) -> impl Iterator<Item = (usize, usize, std::ops::Range<usize>)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let at = offset + done;
        let inside = at % PAGE_BYTES;
        let size = (PAGE_BYTES - inside).min(count - done);
        let part = done..done + size;
        done += size;
        (size > 0).then_some((at / PAGE_BYTES, inside, part))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::SeededRng;

    fn bytes_of(image: &Image) -> Vec<u8> {
        let mut bytes = vec![9; image.len()];
        assert_eq!(image.read(&mut bytes, 0), image.len());
        bytes
    }

    #[test]
    fn any_sequence_of_changes_gives_what_plain_bytes_give() {
        for seed in 0..50 {
            let mut rng = SeededRng::new(seed);
            let (mut image, mut plain) = (Image::default(), Vec::<u8>::new());
            for _ in 0..40 {
                let at = rng.below(20_000) as usize;
                if rng.chance(1, 4) {
                    image.set_len(at);
                    plain.resize(at, 0);
                } else {
                    let bytes = vec![rng.below(3) as u8; rng.below(10_000) as usize];
                    image.write(at, &bytes);
                    plain.resize(plain.len().max(at + bytes.len()), 0);
                    plain[at..at + bytes.len()].copy_from_slice(&bytes);
                }
                assert_eq!(bytes_of(&image), plain, "seed {seed}");
            }
        }
    }

    #[test]
    fn zeroes_take_no_room_and_copies_share_their_pages() {
        let mut image = Image::default();
        image.set_len(64 << 20);
        image.write(4096, &[0; 1 << 20]);
        assert_eq!((image.len(), image.kept_pages()), (64 << 20, 0));
        image.write(9_000, b"x");
        let copy = image.clone();
        image.write(9_000, b"y");
        assert_eq!((image.kept_pages(), copy.kept_pages()), (1, 1));
        let mut byte = [0];
        assert_eq!((copy.read(&mut byte, 9_000), byte[0]), (1, b'x'));
        image.write(8192, &[0; 4096]);
        assert_eq!(image.kept_pages(), 0);
    }
}
