//! What is looked at while it is read is looked at as strictly as if that had come first.

use proptest::prelude::*;

use crate::codec::{
    DeliveryState,
    descriptor::code,
    message::{Header, MessageProperties, Sections, put_data},
    performative::{Disposition, Performative, Role, Transfer},
    value::{Value, check},
    write::{ListWriter, put_string, put_uint},
};

/// A transfer and a disposition with as much in them as there can be, and lists with fields that nobody knows.
fn bodies() -> Vec<Vec<u8>> {
    let state = || Some(DeliveryState::Transactional { txn_id: b"tx", outcome: None });
    let transfer = Transfer {
        handle: 3,
        delivery_id: Some(300),
        delivery_tag: Some(b"tag"),
        message_format: Some(0),
        settled: Some(false),
        more: true,
        rcv_settle_mode: None,
        state: state(),
        resume: false,
        aborted: false,
        batchable: true,
    };
    let disposition = Disposition {
        role: Role::Receiver,
        first: 1,
        last: Some(70_000),
        settled: true,
        state: state(),
        batchable: true,
    };
    let mut all = Vec::new();
    for performative in [Performative::Transfer(transfer), Performative::Disposition(disposition)] {
        let mut out = Vec::new();
        performative.put(&mut out);
        all.push(out);
    }
    let mut out = Vec::new();
    let mut list = ListWriter::described(&mut out, code::TRANSFER).field(Some(1), put_uint).nulls(10);
    for _ in 0..3 {
        list = list.field(Some("more"), put_string);
    }
    list.end();
    all.push(out);
    all
}

fn message() -> Vec<u8> {
    let mut out = Vec::new();
    Header { durable: Some(true), priority: Some(4), ttl: Some(1), ..Header::default() }.put(&mut out);
    let properties = MessageProperties {
        message_id: Some(Value::String("id")),
        to: Some("to"),
        content_type: Some("text/plain"),
        creation_time: Some(1),
        ..MessageProperties::default()
    };
    properties.put(&mut out);
    put_data(&mut out, b"data");
    out
}

#[test]
fn fields_that_nobody_knows_are_looked_at_too() {
    let mut body = bodies().swap_remove(2);
    assert!(Performative::decode(&body).is_ok());
    // No text: the last letter of the last field.
    *body.last_mut().unwrap() = 0xff;
    assert!(Performative::decode(&body).is_err());
}

proptest! {
    #[test]
    fn what_is_decoded_would_pass_the_check(
        which in 0_usize..3,
        at: prop::sample::Index,
        byte: u8,
        other_at: prop::sample::Index,
        other: u8,
    ) {
        let mut body = bodies().swap_remove(which);
        *at.get_mut(&mut body) = byte;
        *other_at.get_mut(&mut body) = other;
        if let Ok((_, payload)) = Performative::decode(&body) {
            prop_assert_eq!(check(&body).map(|len| body.len() - len), Ok(payload.len()));
        }
    }

    #[test]
    fn what_is_split_would_pass_the_check(
        at: prop::sample::Index,
        byte: u8,
        other_at: prop::sample::Index,
        other: u8,
    ) {
        let mut input = message();
        *at.get_mut(&mut input) = byte;
        *other_at.get_mut(&mut input) = other;
        if Sections::split(&input).is_ok() {
            let mut rest = &input[..];
            while !rest.is_empty() {
                let len = check(rest);
                prop_assert!(len.is_ok(), "{:?}", len);
                rest = &rest[len.unwrap()..];
            }
        }
    }
}
