use super::bytes;
use crate::codec::{
    AnyTarget, DecodeError, DeliveryState, Durability, ErrorInfo, Map, SaslCode, SaslFrame, Source, Target,
    Value, performative::*, read,
};

/// A map of one symbol, as bytes.
const MAP: &str = "c10702 a30161 a10162";

fn map_of(bytes: &[u8]) -> Map<'_> {
    match read(bytes) {
        Ok((Value::Map(map), _)) => map,
        other => panic!("{other:?}"),
    }
}

/// It is written, read back as it was with the payload behind it, and cut anywhere it is none.
#[track_caller]
fn check(performative: &Performative<'_>) -> Vec<u8> {
    let mut written = Vec::new();
    performative.put(&mut written);
    for length in 0..written.len() {
        assert!(Performative::decode(&written[..length]).is_err(), "{length} of {}", written.len());
    }
    let size = written.len();
    written.extend_from_slice(b"payload");
    let (again, payload) = Performative::decode(&written).unwrap();
    assert_eq!((again, payload), (performative.clone(), &b"payload"[..]));
    written.truncate(size);
    written
}

#[test]
fn an_open_has_golden_bytes() {
    let open = Open {
        container_id: "c",
        hostname: Some("h"),
        max_frame_size: 512,
        channel_max: 9,
        idle_time_out: Some(1_000),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    };
    let written = check(&Performative::Open(open));
    assert_eq!(written, bytes("00 53 10 c0 14 05 a10163 a10168 7000000200 600009 70000003e8"));
    // What is left out, null, and of the longest form means the same.
    let least = bytes("00 80 0000000000000010 d0 00000007 00000001 a10163");
    let (Performative::Open(read), _) = Performative::decode(&least).unwrap() else { panic!("an open") };
    assert_eq!((read.max_frame_size, read.channel_max, read.idle_time_out), (u32::MAX, u16::MAX, None));
    let named = bytes("00 a30e 616d71703a6f70656e3a6c697374 c0 05 02 a10163 40");
    let (Performative::Open(read), _) = Performative::decode(&named).unwrap() else { panic!("an open") };
    assert_eq!(read.container_id, "c");
}

#[test]
fn sessions_and_flows_round_trip() {
    let map = bytes(MAP);
    check(&Performative::Begin(Begin {
        remote_channel: Some(3),
        next_outgoing_id: u32::MAX,
        incoming_window: 2_048,
        outgoing_window: 1,
        handle_max: 255,
        offered_capabilities: None,
        desired_capabilities: Some(Value::Symbol("x")),
        properties: Some(map_of(&map)),
    }));
    let flow = Flow {
        next_incoming_id: Some(1),
        incoming_window: 2,
        next_outgoing_id: 3,
        outgoing_window: 4,
        handle: Some(0),
        delivery_count: Some(5),
        link_credit: Some(6),
        available: Some(7),
        drain: true,
        echo: true,
        properties: Some(map_of(&map)),
    };
    check(&Performative::Flow(flow));
    let session = Flow { handle: None, delivery_count: None, link_credit: None, ..Flow::default() };
    assert_eq!(check(&Performative::Flow(session)), bytes("00 53 13 c0 05 04 40 43 43 43"));
}

#[test]
fn a_link_round_trips() {
    let map = bytes(MAP);
    let described = bytes("00 53 26 45");
    let (outcome, _) = read(&described).unwrap();
    let symbols = bytes("e00702 a3 0161 026263");
    let (symbols, _) = read(&symbols).unwrap();
    let source = Source {
        address: Some("/queues/q"),
        durable: Durability::UnsettledState,
        expiry_policy: Some("never"),
        timeout: 60,
        dynamic: true,
        dynamic_node_properties: Some(map_of(&map)),
        distribution_mode: Some("copy"),
        filter: Some(map_of(&map)),
        default_outcome: Some(outcome),
        outcomes: None,
        capabilities: Some(Value::Symbol("queue")),
    };
    let target = Target {
        address: Some("t"),
        durable: Durability::Configuration,
        expiry_policy: Some("link-detach"),
        timeout: 1,
        dynamic: true,
        dynamic_node_properties: Some(map_of(&map)),
        capabilities: None,
    };
    let attach = Attach {
        name: "link",
        handle: 0,
        role: Role::Receiver,
        snd_settle_mode: SenderSettleMode::Unsettled,
        rcv_settle_mode: Some(ReceiverSettleMode::Second),
        source: Some(source),
        target: Some(AnyTarget::Target(target)),
        unsettled: Some(map_of(&map)),
        incomplete_unsettled: true,
        initial_delivery_count: Some(4),
        max_message_size: 1 << 24,
        offered_capabilities: None,
        desired_capabilities: Some(Value::Symbol("d")),
        properties: Some(map_of(&map)),
    };
    check(&Performative::Attach(Box::new(attach)));
    let least = Attach {
        role: Role::Sender,
        snd_settle_mode: SenderSettleMode::Settled,
        rcv_settle_mode: None,
        source: None,
        target: Some(AnyTarget::Coordinator),
        ..attach
    };
    check(&Performative::Attach(Box::new(least)));
    assert_eq!(symbols.texts().collect::<Vec<_>>(), ["a", "bc"]);
    assert_eq!(Value::Symbol("q").texts().collect::<Vec<_>>(), ["q"]);
}

#[test]
fn transfers_and_dispositions_round_trip() {
    let transfer = Transfer {
        handle: 1,
        delivery_id: Some(2),
        delivery_tag: Some(b"tag"),
        message_format: Some(0),
        settled: Some(false),
        more: true,
        rcv_settle_mode: Some(ReceiverSettleMode::First),
        state: Some(DeliveryState::Received { section_number: 1, section_offset: 2 }),
        resume: true,
        aborted: true,
        batchable: true,
    };
    check(&Performative::Transfer(transfer));
    let small =
        Transfer { handle: 0, delivery_id: Some(0), delivery_tag: Some(b"\0"), ..Transfer::default() };
    assert_eq!(check(&Performative::Transfer(small)), bytes("00 53 14 c0 06 03 43 43 a00100"));
    let map = bytes(MAP);
    let outcome = bytes("00 53 24 45");
    let Ok((Value::Described(accepted), _)) = read(&outcome) else { panic!("an outcome") };
    for state in [
        None,
        Some(DeliveryState::Accepted),
        Some(DeliveryState::Released),
        Some(DeliveryState::Rejected { error: None }),
        Some(DeliveryState::Rejected {
            error: Some(ErrorInfo {
                condition: "amqp:not-found",
                description: Some("none"),
                invalid_field: Some("name"),
            }),
        }),
        Some(DeliveryState::Modified {
            delivery_failed: true,
            undeliverable_here: true,
            message_annotations: Some(map_of(&map)),
        }),
        Some(DeliveryState::Declared { txn_id: b"t" }),
        Some(DeliveryState::Transactional { txn_id: b"t", outcome: Some(accepted) }),
    ] {
        check(&Performative::Disposition(Disposition {
            role: Role::Receiver,
            first: 7,
            last: Some(9),
            settled: true,
            state,
            batchable: true,
        }));
    }
}

#[test]
fn ends_round_trip() {
    let error = ErrorInfo { condition: "amqp:internal-error", description: None, invalid_field: None };
    check(&Performative::Detach(Detach { handle: 3, closed: true, error: Some(error) }));
    check(&Performative::End(Some(error)));
    check(&Performative::Close(None));
    assert_eq!(check(&Performative::Close(None)), bytes("00 53 18 45"));
}

#[test]
fn wrong_fields_are_told() {
    for (hex, expect) in [
        ("45", DecodeError::UnknownDescriptor),
        ("00 53 99 45", DecodeError::UnknownDescriptor),
        ("00 41 45", DecodeError::UnknownDescriptor),
        ("00 53 10 41", DecodeError::WrongType { what: "open" }),
        ("00 53 10 45", DecodeError::Missing { what: "container-id" }),
        ("00 53 10 c0 03 01 a300", DecodeError::WrongType { what: "container-id" }),
        ("00 53 12 c0 08 03 a10161 43 40", DecodeError::Missing { what: "role" }),
        ("00 53 12 c0 09 04 a10161 43 41 5003", DecodeError::NotAllowed { what: "snd-settle-mode" }),
        ("00 53 14 45", DecodeError::Missing { what: "handle" }),
        ("00 53 17 c0 02 01 41", DecodeError::WrongType { what: "error" }),
    ] {
        // The size byte of a list is that of its content.
        let mut input = bytes(hex);
        if input.get(3) == Some(&0xc0) {
            input[4] = u8::try_from(input.len() - 5).unwrap();
        }
        assert_eq!(Performative::decode(&input), Err(expect), "{input:02x?}");
    }
}

#[test]
fn frames_of_the_security_layer_have_golden_bytes() {
    let mut out = Vec::new();
    SaslFrame::Mechanisms(&["PLAIN"]).put(&mut out);
    assert_eq!(out, bytes("00 53 40 c0 14 01 f0 0000000e 00000001 b3 00000005 504c41494e"));
    out.clear();
    SaslFrame::Outcome(SaslCode::Auth, None).put(&mut out);
    assert_eq!(out, bytes("00 53 44 c0 03 01 5001"));
    let init = SaslFrame::Init { mechanism: "PLAIN", initial_response: Some(b"\0u\0p"), hostname: Some("h") };
    for frame in [init, SaslFrame::Response(b"r")] {
        out.clear();
        frame.put(&mut out);
        assert_eq!(SaslFrame::decode(&out), Ok(frame));
        for length in 0..out.len() {
            assert!(SaslFrame::decode(&out[..length]).is_err());
        }
    }
    out.clear();
    SaslFrame::Challenge(b"c").put(&mut out);
    assert_eq!(SaslFrame::decode(&out), Err(DecodeError::UnknownDescriptor));
}
