//! Time per message through the core alone: `cargo run --release -p ternmq-broker --example measure_core`.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a measuring program"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::time::Instant;

use support::Rig;
use ternmq_broker::{ConsumeSpec, DeliveryId, Effect, Outcome, Publish, SettleRange};
use ternmq_message::{Message, MessageMeta};

const COUNT: u64 = 2_000_000;

fn run(name: &str, needs_settle: bool, body_len: usize) {
    let mut rig = Rig::new();
    rig.queue("q", &[]);
    let window = needs_settle.then_some(1_000);
    let spec = ConsumeSpec {
        queue: "q",
        label: 0,
        window,
        needs_settle,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    };
    let consumer = rig.broker.consume(rig.session, &spec).unwrap();
    rig.broker.start_consumer(consumer);
    let body = vec![0; body_len];
    let message = Message::new("", "q", b"", &body, MessageMeta::default(), None).unwrap();
    let mut effects = Vec::new();
    let mut last = 0;
    let start = Instant::now();
    for number in 0..COUNT {
        let publish = Publish { message: message.clone(), extra_keys: &[], claimed_user: None };
        let _ = rig.broker.publish(rig.session, publish).unwrap();
        if number % 256 == 255 {
            rig.broker.end_turn();
            rig.broker.swap_effects(&mut effects);
            for (_, effect) in effects.drain(..) {
                if let Effect::Deliver(deliver) = effect {
                    last = deliver.delivery.0;
                }
            }
            if needs_settle {
                rig.broker.settle(rig.session, DeliveryId(last), SettleRange::UpTo, Outcome::Accept).unwrap();
            }
        }
    }
    let ns = start.elapsed().as_nanos() / u128::from(COUNT);
    println!("{name}: {ns} ns a message");
}

fn main() {
    run("16 B, no settlement", false, 16);
    run("16 B, settled", true, 16);
    run("1 KiB, no settlement", false, 1_024);
}
