//! Tests of the codec.

mod caches;
mod frames;
mod golden;
mod hostile;
mod maps;

use super::{Encoding, InCache, OutCache, encode};
use crate::codec::Object;

/// Every version in both encodings, with and without a cache.
fn encodings() -> Vec<Encoding> {
    let mut all = Vec::new();
    for version in 1..=12 {
        for (is_tight, has_cache) in [(false, false), (false, true), (true, false), (true, true)] {
            all.push(Encoding { version, is_tight, has_cache });
        }
    }
    all
}

/// A structure as a frame without its size, written to a peer that knows nothing yet.
fn written(object: &Object<'_>, encoding: Encoding) -> Vec<u8> {
    let mut out = Vec::new();
    encode(object, encoding, &mut OutCache::new(64), &mut out);
    assert_eq!(u32::from_be_bytes(*out.first_chunk().unwrap()) as usize, out.len() - 4);
    out.split_off(4)
}

fn empty_cache() -> InCache {
    InCache::new(1_024, 1 << 20)
}
