use super::hex;
use crate::codec::{
    ContentHeader, FrameKind, Method,
    frame::split_frame,
    method::basic,
    write::{Content, write_ack, write_deliver, write_get_ok, write_nack, write_publish, write_return},
};

const FRAME_MAX_BYTES: u32 = 4096;

/// Splits a written message: the method, the properties, the body, and the sizes of the body frames.
fn read(mut input: &[u8]) -> (Method<'_>, &[u8], Vec<u8>, Vec<usize>) {
    let mut frames = Vec::new();
    while let Some((frame, used)) = split_frame(input, FRAME_MAX_BYTES).unwrap() {
        assert_eq!(frame.channel, 5);
        frames.push(frame);
        input = &input[used..];
    }
    assert!(input.is_empty());
    assert_eq!((frames[0].kind, frames[1].kind), (FrameKind::Method, FrameKind::Header));
    let header = ContentHeader::decode(frames[1].payload).unwrap();
    assert!(frames[2..].iter().all(|frame| frame.kind == FrameKind::Body));
    let sizes = frames[2..].iter().map(|frame| frame.payload.len()).collect();
    let body: Vec<u8> = frames[2..].iter().flat_map(|frame| frame.payload).copied().collect();
    assert_eq!(header.body_size_bytes, body.len() as u64);
    (Method::decode(frames[0].payload).unwrap(), header.properties, body, sizes)
}

const DELIVER: basic::Deliver<'_> = basic::Deliver {
    consumer_tag: "tag",
    delivery_tag: 258,
    redelivered: true,
    exchange: "x",
    routing_key: "key",
};

#[test]
fn a_delivery_has_its_golden_bytes() {
    let mut out = vec![0xaa];
    write_deliver(&mut out, 5, &DELIVER, Content { properties: &[0x10, 0, 2], body: b"hi" }, FRAME_MAX_BYTES);
    let expect = hex("aa 01 0005 00000017 003c 003c 03746167 0000000000000102 01 0178 036b6579 ce \
         02 0005 0000000f 003c 0000 0000000000000002 1000 02 ce 03 0005 00000002 6869 ce");
    assert_eq!(out, expect);
}

#[test]
fn bodies_are_split_by_the_frame_size() {
    let check = |body_bytes: usize, sizes: &[usize]| {
        let body: Vec<u8> = (0..body_bytes).map(|index| index as u8).collect();
        let mut out = Vec::new();
        write_deliver(&mut out, 5, &DELIVER, Content { properties: &[], body: &body }, FRAME_MAX_BYTES);
        let (method, properties, read_body, read_sizes) = read(&out);
        assert_eq!(method, Method::BasicDeliver(DELIVER));
        assert_eq!((properties, &read_body), (&[0, 0][..], &body));
        assert_eq!(read_sizes, sizes);
    };
    check(0, &[]);
    check(1, &[1]);
    check(4088, &[4088]);
    check(4089, &[4088, 1]);
    check(8176, &[4088, 4088]);
    check(8177, &[4088, 4088, 1]);
}

#[test]
fn a_frame_size_below_the_minimum_counts_as_the_minimum() {
    for frame_max_bytes in [0, 8, 4095] {
        let mut out = Vec::new();
        write_deliver(&mut out, 5, &DELIVER, Content { properties: &[], body: &[0; 5000] }, frame_max_bytes);
        assert_eq!(read(&out).3, [4088, 912]);
    }
}

#[test]
fn names_past_their_length_field_are_cut_in_deliveries_too() {
    let long = "x".repeat(300);
    let deliver = basic::Deliver { consumer_tag: &long, exchange: &long, routing_key: &long, ..DELIVER };
    let mut out = Vec::new();
    write_deliver(&mut out, 5, &deliver, Content { properties: &[], body: &[] }, FRAME_MAX_BYTES);
    let Method::BasicDeliver(read) = read(&out).0 else { panic!() };
    assert_eq!(
        (read.consumer_tag, read.exchange, read.routing_key),
        (&long[..255], &long[..255], &long[..255])
    );
}

#[test]
fn other_messages_come_back() {
    let content = Content { properties: &[0x10, 0, 1], body: b"body" };
    let expect = |out: &[u8], method: Method<'_>| {
        let (read_method, properties, body, _) = read(out);
        assert_eq!((read_method, properties, &body[..]), (method, content.properties, content.body));
    };
    let get_ok = basic::GetOk {
        delivery_tag: 1,
        redelivered: false,
        exchange: "x",
        routing_key: "k",
        message_count: 3,
    };
    let mut out = Vec::new();
    write_get_ok(&mut out, 5, &get_ok, content, FRAME_MAX_BYTES);
    expect(&out, get_ok.into());
    let returned = basic::Return { reply_code: 312, reply_text: "NO_ROUTE", exchange: "x", routing_key: "k" };
    out.clear();
    write_return(&mut out, 5, &returned, content, FRAME_MAX_BYTES);
    expect(&out, returned.into());
    let publish = basic::Publish { exchange: "x", routing_key: "k", mandatory: true, immediate: false };
    out.clear();
    write_publish(&mut out, 5, &publish, content, FRAME_MAX_BYTES);
    expect(&out, publish.into());
}

#[test]
fn settlements_are_the_bytes_of_their_methods() {
    for (multiple, requeue) in [(false, false), (true, false), (false, true), (true, true)] {
        let ack = basic::Ack { delivery_tag: u64::MAX - 1, multiple };
        let nack = basic::Nack { delivery_tag: 7, multiple, requeue };
        let (mut fast, mut slow) = (Vec::new(), Vec::new());
        write_ack(&mut fast, 5, &ack);
        write_nack(&mut fast, 5, &nack);
        Method::from(ack).write_frame(&mut slow, 5);
        Method::from(nack).write_frame(&mut slow, 5);
        assert_eq!(fast, slow);
    }
}
