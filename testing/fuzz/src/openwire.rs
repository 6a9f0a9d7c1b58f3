//! What the two targets of OpenWire check, for the one encoding or the other.

use ternmq_openwire::codec::{
    DecodeError, Encoding, InCache, Kind, Limits, Molds, NO_ENDS, Offer, OutCache, Primitives, Stored,
    decode, encode, keep, split_frame,
};

const LIMITS: Limits = Limits { frame_bytes: 65_536, cache_bytes: 65_536 };

/// Reads a stream of frames whose first byte picks the version and whether there is a cache.
///
/// # Panics
/// Something that was read is written otherwise, or a frame is one before all of it is there.
pub fn check_stream(input: &[u8], is_tight: bool) {
    let Some((first, mut rest)) = input.split_first() else { return };
    let encoding = Encoding { version: first % 12 + 1, is_tight, has_cache: first & 0x80 != 0 };
    let mut kept = InCache::new(1_024, LIMITS.cache_bytes);
    let (mut sent, mut kept_again) = (OutCache::new(1_024), InCache::new(1_024, usize::MAX));
    let mut molds = Molds::default();
    check_map(rest);
    while let Ok(Some((frame, used))) = split_frame(rest, &LIMITS) {
        for len in [0, 3, used / 2, used - 1] {
            assert_eq!(split_frame(&rest[..len], &LIMITS), Ok(None));
        }
        let before = kept.clone();
        let read = decode(frame, encoding, &mut kept);
        check_kept(frame, encoding, before, &mut molds, read.as_ref().err());
        let Ok(object) = read else { return };
        let _ = Offer::read(&object);
        let mut out = Vec::new();
        encode(&object, encoding, &mut sent, &mut out);
        let again = decode(&out[4..], encoding, &mut kept_again);
        // What is larger than an object to remember is none, so a cache may refuse nothing that it took.
        assert_eq!(again.expect("it was written"), object);
        rest = &rest[used..];
    }
}

/// A message is kept as strictly as it is read, whatever came before it, and what is kept is whole.
fn check_kept(
    frame: &[u8],
    encoding: Encoding,
    mut cache: InCache,
    molds: &mut Molds,
    error: Option<&DecodeError>,
) {
    let kind = frame.first().and_then(|code| Kind::of_code(*code));
    if !kind.is_some_and(Kind::is_message) {
        return;
    }
    let [mut room, mut first_room, mut room_again] = [NO_ENDS; 3];
    let mut first_cache = cache.clone();
    let first = keep(frame, encoding, &mut first_cache, Vec::new(), &mut first_room, &mut Molds::default());
    let kept = keep(frame, encoding, &mut cache, Vec::new(), &mut room, molds);
    assert_eq!(format!("{kept:?}"), format!("{first:?}"));
    match kept {
        Ok(kept) => {
            assert_eq!(error, None);
            Stored::of(kept.buffer(), &mut room_again).expect("it was kept");
        }
        // What names much of what came before is refused by the one and not by the other.
        Err(DecodeError::CacheFull { .. }) => {}
        Err(other) => assert_eq!(error, Some(&other)),
    }
}

fn check_map(bytes: &[u8]) {
    let Ok(map) = Primitives::read(bytes) else { return };
    let written = map.to_bytes();
    let again = Primitives::read(&written).expect("it was written");
    // Numbers that are none are not equal to themselves.
    assert_eq!(format!("{again:?}"), format!("{map:?}"));
}
