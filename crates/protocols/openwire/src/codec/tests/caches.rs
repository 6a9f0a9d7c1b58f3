//! What both sides remember.

use std::sync::Arc;

use super::empty_cache;
use crate::codec::{
    DecodeError, Encoding, Field, InCache, Kind, Object, OutCache, Value,
    cache::{Known, NOT_KEPT},
    decode, encode,
};

fn queue(name: &str) -> Object<'static> {
    Object::new(Kind::Queue).with_text(Field::PhysicalName, name.to_owned())
}

#[test]
fn what_comes_again_is_a_number() {
    for is_tight in [false, true] {
        let encoding = Encoding { version: 12, is_tight, has_cache: true };
        let (mut sent, mut kept) = (OutCache::new(1_024), empty_cache());
        let object = Object::new(Kind::ProducerInfo)
            .with_object(Field::Destination, Arc::new(queue("a.long.name.of.a.queue")));
        let mut lens = Vec::new();
        for _ in 0..3 {
            let mut out = Vec::new();
            encode(&object, encoding, &mut sent, &mut out);
            lens.push(out.len());
            assert_eq!(decode(&out[4..], encoding, &mut kept), Ok(object.clone()));
        }
        assert!(lens[0] > lens[1] + 20 && lens[1] == lens[2]);
    }
}

#[test]
fn the_oldest_makes_room() {
    let encoding = Encoding { version: 12, is_tight: true, has_cache: true };
    let (mut sent, mut kept) = (OutCache::new(1_024), empty_cache());
    for round in 0..300 {
        for name in [round, round / 2, round / 3] {
            let object = Object::new(Kind::ProducerInfo)
                .with_object(Field::Destination, Arc::new(queue(&name.to_string())));
            let mut out = Vec::new();
            encode(&object, encoding, &mut sent, &mut out);
            assert_eq!(decode(&out[4..], encoding, &mut kept), Ok(object));
        }
    }
}

#[test]
fn few_places_are_not_used() {
    for entries in [0, 1, 3] {
        assert_eq!(OutCache::new(entries).find_or_put(&queue("q")), Known::New(NOT_KEPT));
    }
    assert_eq!(OutCache::new(4).find_or_put(&queue("q")), Known::New(0));
}

#[test]
fn an_index_is_checked() {
    let mut cache = InCache::new(8, 4_096);
    assert_eq!(cache.get(0), Err(DecodeError::NotCached { index: 0 }));
    for index in [8, -2, i16::MAX, i16::MIN] {
        assert_eq!(cache.put(index, None), Err(DecodeError::NotCached { index }));
        assert_eq!(cache.get(index), Err(DecodeError::NotCached { index }));
    }
    // What the peer did not keep is not kept here.
    assert_eq!(cache.put(NOT_KEPT, None), Ok(()));
    assert!(cache.get(NOT_KEPT).is_err());
    assert_eq!(cache.put(7, None), Ok(()));
    assert_eq!(cache.get(7), Ok(None));
    assert_eq!(cache.get(6), Err(DecodeError::NotCached { index: 6 }));
}

#[test]
fn bytes_to_remember_are_limited() {
    let mut cache = InCache::new(1_024, 7_900);
    let long = |len: usize| Some(Arc::new(queue(&"x".repeat(len))));
    assert_eq!(cache.put(0, long(1_900)), Ok(()));
    assert_eq!(cache.put(1, long(1_900)), Ok(()));
    assert_eq!(cache.put(2, long(1)), Err(DecodeError::CacheFull { max: 7_900 }));
    // What takes a place gives back what was there.
    assert_eq!(cache.put(0, long(1_000)), Ok(()));
    assert_eq!(cache.put(2, long(1)), Ok(()));
    cache.set_max_bytes(1 << 20);
    assert_eq!(cache.put(3, long(8_193)), Err(DecodeError::CacheFull { max: 8_192 }));
    assert_eq!(cache.put(3, long(8_192)), Ok(()));
}

#[test]
fn a_number_stands_only_for_what_may_be_there() {
    let encoding = Encoding { version: 12, is_tight: false, has_cache: true };
    let mut cache = empty_cache();
    cache.put(5, Some(Arc::new(queue("q")))).unwrap();
    // A session's id is expected.
    assert_eq!(
        decode(&[4, 0, 0, 0, 0, 0, 0, 0, 5], encoding, &mut cache),
        Err(DecodeError::WrongKind { code: 100 })
    );
    let read = decode(&[6, 0, 0, 0, 0, 0, 1, 0, 9, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0], encoding, &mut cache);
    let read = read.unwrap();
    assert_eq!(read.object(Field::Destination).map(|queue| (**queue).clone()), Some(queue("q")));
    assert_eq!(read.object(Field::ProducerId), None);
    assert_eq!(cache.get(9), Ok(None));
}

#[test]
fn values_of_another_form_count_as_absent() {
    let object = Object::new(Kind::ProducerInfo)
        .with(Field::Destination, Value::Int(7))
        .with(Field::WindowSize, Value::Bool(true))
        .with(Field::Selector, Value::Int(1));
    let encoding = Encoding { version: 12, is_tight: true, has_cache: true };
    let mut out = Vec::new();
    encode(&object, encoding, &mut OutCache::new(64), &mut out);
    assert_eq!(decode(&out[4..], encoding, &mut empty_cache()), Ok(Object::new(Kind::ProducerInfo)));
}
