//! The fixed header.

use super::{bytes, read};
use crate::codec::{
    Kind, Reason, Version, split_packet,
    wire::{put_varint, read_varint, varint_len},
};

#[test]
fn lengths_read_and_write_their_golden_bytes() {
    for (value, golden) in [
        (0, "00"),
        (127, "7f"),
        (128, "80 01"),
        (16_383, "ff 7f"),
        (16_384, "80 80 01"),
        (2_097_151, "ff ff 7f"),
        (2_097_152, "80 80 80 01"),
        (268_435_455, "ff ff ff 7f"),
    ] {
        let mut out = Vec::new();
        put_varint(&mut out, value);
        assert_eq!(out, bytes(golden), "{value}");
        assert_eq!(varint_len(value), out.len());
        assert_eq!(read_varint(&out), Ok(Some((value as u32, out.len()))));
    }
    assert!(read_varint(&bytes("80 80 80 80 01")).is_err());
    assert!(read_varint(&bytes("ff ff ff ff")).is_err());
    assert!(read_varint(&bytes("80 00")).is_err());
    assert_eq!(read_varint(&bytes("80 80 80")), Ok(None));
}

#[test]
fn a_packet_cut_anywhere_is_awaited() {
    let whole = bytes("30 06 00 01 'a 'b 'c 'd c0 00");
    for len in 0..8 {
        assert_eq!(split_packet(&whole[..len], 100, Version::V5), Ok(None), "{len}");
    }
    let (frame, size) = split_packet(&whole, 100, Version::V5).unwrap().unwrap();
    assert_eq!((frame.kind, frame.flags, frame.body, size), (Kind::Publish, 0, &whole[2..8], 8));
    let (frame, size) = split_packet(&whole[8..], 100, Version::V5).unwrap().unwrap();
    assert_eq!((frame.kind, frame.body, size), (Kind::PingReq, &[][..], 2));
}

#[test]
fn the_limit_counts_the_whole_packet_and_is_seen_before_it_comes() {
    let refused = |head: &str, limit| split_packet(&bytes(head), limit, Version::V5).unwrap_err().reason;
    assert_eq!(split_packet(&bytes("30 08"), 10, Version::V5), Ok(None));
    assert_eq!(refused("30 09", 10), Reason::PACKET_TOO_LARGE);
    assert_eq!(refused("30 ff ff ff 7f", 65_536), Reason::PACKET_TOO_LARGE);
    assert_eq!(refused("30 ff ff ff ff 7f", u32::MAX), Reason::MALFORMED_PACKET);
}

#[test]
fn reserved_kinds_and_flags_are_refused() {
    for first in 0..=255u8 {
        let flags = first & 15;
        let is_fine = match first >> 4 {
            0 => false,
            3 => true,
            6 | 8 | 10 => flags == 2,
            _ => flags == 0,
        };
        assert_eq!(split_packet(&[first, 0], 100, Version::V311).is_ok(), is_fine, "{first:#04x}");
        let is_again = matches!(first, 0x6a | 0x8a | 0xaa);
        assert_eq!(split_packet(&[first, 0], 100, Version::V31).is_ok(), is_fine || is_again, "{first:#04x}");
    }
}

#[test]
fn packets_without_content_have_none() {
    assert!(read(&bytes("c0 00"), Version::V311).is_ok());
    assert!(read(&bytes("c0 01 00"), Version::V311).is_err());
    assert!(read(&bytes("d0 01 00"), Version::V5).is_err());
    assert!(read(&bytes("e0 01 00"), Version::V311).is_err());
    assert!(read(&bytes("e0 01 00"), Version::V5).is_ok());
    assert!(read(&bytes("f0 00"), Version::V311).is_err());
    assert!(read(&bytes("f0 00"), Version::V5).is_ok());
}
