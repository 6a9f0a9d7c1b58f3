//! Prints what the codec's hot paths cost, in ns per message: `cargo run --release --example measure_codec`.

#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measurement reads the clock and prints"
)]

use std::{hint::black_box, time::Instant};

use ternmq_amqp091::codec::{
    ContentHeader, FrameKind, Method,
    frame::split_frame,
    method::basic,
    write::{Content, write_ack, write_deliver, write_publish},
};

const FRAME_MAX_BYTES: u32 = 131_072;
const MESSAGES: usize = 200;
const ROUNDS: usize = 20_000;

fn main() {
    for body_bytes in [16, 1024] {
        for properties in
            [&[0x10, 0, 2][..], b"\x90\0\x0atext/plain\x02", b"\xb0\0\x0atext/plain\0\0\0\0\x02"]
        {
            let read = best(|| stream(body_bytes, properties), |input, _| read_all(input));
            println!(
                "read publish+header+body, {body_bytes} B, {} B properties: {read:.1} ns",
                properties.len()
            );
        }
        let body = vec![7; body_bytes];
        let content = Content { properties: &[0x10, 0, 2], body: &body };
        let write = best(Vec::new, |_, out| {
            for delivery_tag in 0..MESSAGES as u64 {
                let deliver = basic::Deliver {
                    consumer_tag: "ctag-1",
                    delivery_tag,
                    redelivered: false,
                    exchange: "",
                    routing_key: "orders",
                };
                write_deliver(out, 1, black_box(&deliver), content, FRAME_MAX_BYTES);
            }
        });
        println!("write deliver, {body_bytes} B: {write:.1} ns");
    }
    let ack = best(Vec::new, |_, out| {
        for delivery_tag in 0..MESSAGES as u64 {
            write_ack(out, 1, black_box(&basic::Ack { delivery_tag, multiple: false }));
        }
    });
    println!("write ack: {ack:.1} ns");
}

/// Best of many rounds, so that a busy neighbour does not count.
fn best(make: impl Fn() -> Vec<u8>, run: impl Fn(&[u8], &mut Vec<u8>)) -> f64 {
    let input = make();
    let mut out = Vec::new();
    let mut best_ns = f64::MAX;
    for _ in 0..ROUNDS {
        out.clear();
        let start = Instant::now();
        run(black_box(&input), &mut out);
        best_ns = best_ns.min(start.elapsed().as_nanos() as f64 / MESSAGES as f64);
        black_box(&out);
    }
    best_ns
}

fn stream(body_bytes: usize, properties: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let body = vec![7; body_bytes];
    for _ in 0..MESSAGES {
        let publish = basic::Publish { exchange: "", routing_key: "orders", ..Default::default() };
        write_publish(&mut out, 1, &publish, Content { properties, body: &body }, FRAME_MAX_BYTES);
    }
    out
}

fn read_all(mut input: &[u8]) {
    while let Ok(Some((frame, used))) = split_frame(input, FRAME_MAX_BYTES) {
        input = input.get(used..).unwrap_or_default();
        match frame.kind {
            FrameKind::Method => {
                if let Ok(Method::BasicPublish(publish)) = Method::decode(frame.payload) {
                    black_box((publish.exchange, publish.routing_key));
                }
            }
            FrameKind::Header => {
                if let Ok(header) = ContentHeader::decode(frame.payload) {
                    black_box((header.scan.delivery_mode, header.body_size_bytes));
                }
            }
            FrameKind::Body | FrameKind::Heartbeat => {
                black_box(frame.payload);
            }
        }
    }
}
