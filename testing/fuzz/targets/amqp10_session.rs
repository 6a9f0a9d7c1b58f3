//! Two clients of AMQP 1.0 and the core behind them: frames in any order, lost connections, time, and a log that lags. What
//! the clients get is frames that can be read, nothing follows a close, and what the log has is read back.
//!
//! The input is steps: `what, 1 byte | its bytes`. The first byte of all says whose addresses there are. What a step does:
//! ```text
//! bit 7: client | 0-6: 0 bytes come as they are: length, 2 bytes, and they | 1 the connection is lost, another one begins
//!               | 2 time passes: ms, 2 bytes | 3 the log lags | 4 it does not | else a frame: channel, 1 byte (its lowest two
//!               | bits), length, 2 bytes, and its body
//! ```

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use ternmq_activemq::ActiveMq;
use ternmq_amqp10::{
    Amqp10Session, ENCODING, Settings,
    codec::{
        SaslFrame,
        frame::{AMQP_HEADER, FrameKind, SASL_HEADER, put_frame, split_frame},
        performative::{Begin, Open, Performative},
    },
    format::Amqp10Format,
};
use ternmq_broker::{Dialect, LinkAddresses};
use ternmq_fuzz::stage::Stage;
use ternmq_message::Formats;
use ternmq_rabbitmq::RabbitMq;

/// Most steps: more say nothing new.
const STEPS_MAX: usize = 200;

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    let (dialect, addresses): (Arc<dyn Dialect>, Arc<dyn LinkAddresses>) = if first & 1 == 0 {
        (Arc::new(RabbitMq), Arc::new(RabbitMq))
    } else {
        (Arc::new(ActiveMq), Arc::new(ActiveMq))
    };
    let mut formats = Formats::default();
    formats.register(ENCODING, Arc::new(Amqp10Format::of(addresses)));
    let mut stage = Stage::new(dialect, formats);
    (0..2).for_each(|number| connect(&mut stage, number));
    let mut rest = input;
    for _ in 0..STEPS_MAX {
        let Some(left) = step(&mut stage, rest) else { break };
        rest = left;
        (0..2).for_each(|number| check_output(&mut stage, number));
    }
    stage.end();
});

/// Begins a connection with a session.
fn connect(stage: &mut Stage, number: usize) {
    let settings = Settings { frame_max: 4_096, channel_max: 3, max_transactions: 2, ..Settings::default() };
    stage.connect(number, |now_ms| Box::new(Amqp10Session::new(Arc::new(settings), None, None, now_ms)));
    let mut bytes = SASL_HEADER.to_vec();
    let init =
        SaslFrame::Init { mechanism: "PLAIN", initial_response: Some(b"\0root\0secret"), hostname: None };
    put_frame(&mut bytes, FrameKind::Sasl, 0, |out| init.put(out));
    bytes.extend_from_slice(&AMQP_HEADER);
    let container = ["one", "two"][number];
    let open = Open {
        container_id: container,
        hostname: None,
        max_frame_size: 4_096,
        channel_max: 3,
        idle_time_out: None,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    put_frame(&mut bytes, FrameKind::Amqp, 0, |out| Performative::Open(open).put(out));
    let begin = Begin {
        remote_channel: None,
        next_outgoing_id: 0,
        incoming_window: 16,
        outgoing_window: 16,
        handle_max: 7,
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    put_frame(&mut bytes, FrameKind::Amqp, 0, |out| Performative::Begin(begin).put(out));
    stage.send(number, &bytes);
    let client = stage.client(number).expect("it is there");
    let greeting = client.out.windows(AMQP_HEADER.len()).rposition(|window| window == AMQP_HEADER);
    client.out.drain(..greeting.expect("it is logged in") + AMQP_HEADER.len());
    check_output(stage, number);
}

fn take<'a>(input: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(count)?;
    *input = rest;
    Some(taken)
}

fn number(input: &mut &[u8]) -> Option<u16> {
    take(input, 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]))
}

/// Does one step; `None` when the input is at its end.
fn step<'a>(stage: &mut Stage, mut input: &'a [u8]) -> Option<&'a [u8]> {
    let what = take(&mut input, 1)?[0];
    let client = usize::from(what >> 7);
    match what & 0x7f {
        0 => {
            let length = number(&mut input)?;
            let length = usize::from(length).min(input.len());
            let bytes = take(&mut input, length)?;
            stage.send(client, bytes);
        }
        1 => connect(stage, client),
        2 => stage.pass(number(&mut input)?.into()),
        3 => stage.is_holding = true,
        4 => {
            stage.is_holding = false;
            stage.pass(0);
        }
        _ => {
            let channel = take(&mut input, 1)?[0] & 3;
            let length = number(&mut input)?;
            let length = usize::from(length).min(input.len());
            let body = take(&mut input, length)?;
            let mut frame = Vec::new();
            put_frame(&mut frame, FrameKind::Amqp, channel.into(), |out| out.extend_from_slice(body));
            stage.send(client, &frame);
        }
    }
    Some(input)
}

/// What a client got is whole frames that it can read, and a close is the last.
fn check_output(stage: &mut Stage, number: usize) {
    let client = stage.client(number).expect("it is there");
    let output = std::mem::take(&mut client.out);
    let mut rest = &output[..];
    let mut is_closed = false;
    while !rest.is_empty() {
        assert!(!is_closed, "something follows a close");
        let (frame, size) = split_frame(rest, u32::MAX).expect("a frame").expect("all of it");
        if !frame.body.is_empty() {
            let (performative, _) = Performative::decode(frame.body).expect("a performative");
            is_closed = matches!(performative, Performative::Close(_));
        }
        rest = &rest[size..];
    }
}
