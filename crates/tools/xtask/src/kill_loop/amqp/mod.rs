//! The clients over AMQP 0-9-1: confirms, transactions, and acks that have no answer.

mod wire;

use std::collections::VecDeque;

use anyhow::{Result, ensure};

use super::history::{ConsumerId, Event, MessageId};
use super::load::{
    Arrival, HELD, Load, Notes, PATIENCE, PREFETCH, PROOF_EVERY, Shared, WINDOW, Work, body_of,
};
use wire::{Client, Method, Received};

/// Queue whose consumers ack without an answer.
const ACKS: u8 = 0;
/// Queue filled and emptied by transactions.
const TX: u8 = 1;
const QUEUES: [&str; 2] = ["kill.acks", "kill.tx"];

/// AMQP 0-9-1.
#[derive(Debug)]
pub(crate) struct Amqp;

impl Load for Amqp {
    fn step(&self) -> &'static str {
        "kill-loop"
    }

    fn queues(&self) -> [&'static str; 2] {
        QUEUES
    }

    fn declare(&self) -> Result<()> {
        declare(&QUEUES)
    }

    fn clients(&self) -> &'static [Work] {
        &[publish_confirmed, publish_in_transactions, consume, consume, consume_in_transactions]
    }
}

/// Makes durable queues.
pub(crate) fn declare(queues: &[&str]) -> Result<()> {
    let mut client = Client::connect()?;
    for queue in queues {
        // Bits: durable alone.
        let declare = Method::new((50, 10)).raw(&[0, 0]).short(queue).raw(&[0b10]).long(b"");
        client.call(declare, wire::QUEUE_DECLARE_OK)?;
    }
    Ok(())
}

fn publish_confirmed(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    client.call(Method::new((85, 10)).raw(&[0]), wire::CONFIRM_SELECT_OK)?;
    let mut open: Vec<(u64, MessageId)> = Vec::new();
    let mut tag = 0;
    loop {
        while open.len() < WINDOW && !shared.is_full() {
            let id = shared.note_publish(notes, |_| ACKS);
            tag += 1;
            client.publish("kill.acks", &body_of(id));
            open.push((tag, id));
        }
        client.flush()?;
        let Some(received) = client.receive(PATIENCE)? else { continue };
        ensure!(received.id != wire::NACK, "a publish was refused");
        if received.id == wire::ACK {
            let (upto, is_multiple) = (received.delivery_tag()?, received.flag()?);
            let is_confirmed = |tag: u64| tag == upto || (is_multiple && tag <= upto);
            let confirmed = open.iter().filter(|(tag, _)| is_confirmed(*tag)).map(|(_, id)| *id);
            shared.note_all(notes, confirmed, |id| Event::Confirmed { id });
            open.retain(|(tag, _)| !is_confirmed(*tag));
        }
    }
}

fn publish_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    client.call(Method::new((90, 10)), wire::TX_SELECT_OK)?;
    loop {
        if shared.is_full() {
            client.receive(PATIENCE)?;
            continue;
        }
        let group = shared.note_group(notes, TX).ids;
        for id in group.clone() {
            client.publish("kill.tx", &body_of(id));
        }
        client.call(Method::new((90, 20)), wire::TX_COMMIT_OK)?;
        shared.note_all(notes, group, |id| Event::Confirmed { id });
    }
}

/// Writes down a delivery and gives the message's number.
fn note_delivery(
    shared: &Shared,
    notes: &mut Notes,
    received: &Received,
    (queue, consumer): (u8, ConsumerId),
) -> Result<MessageId> {
    let is_flagged = received.flag()?;
    Ok(shared.note_delivery(notes, &Arrival { queue, consumer, is_flagged, body: &received.body }))
}

fn ack(tag: u64) -> Method {
    Method::new(wire::ACK).raw(&tag.to_be_bytes()).raw(&[0])
}

fn qos() -> Method {
    Method::new((60, 10)).raw(&[0; 4]).raw(&PREFETCH.to_be_bytes()).raw(&[0])
}

fn start_consuming(client: &mut Client, queue: &str) -> Result<()> {
    client.call(qos(), wire::QOS_OK)?;
    let consume = Method::new((60, 20)).raw(&[0, 0]).short(queue).short("").raw(&[0]).long(b"");
    client.call(consume, wire::CONSUME_OK)?;
    Ok(())
}

/// Deliveries that a consumer has and has not acked yet, oldest first.
type Held = VecDeque<(u64, MessageId)>;

/// Takes what came, if it is a delivery.
fn hold(
    shared: &Shared,
    notes: &mut Notes,
    held: &mut Held,
    received: &Received,
    place: (u8, ConsumerId),
) -> Result<()> {
    if received.id == wire::DELIVER {
        let id = note_delivery(shared, notes, received, place)?;
        held.push_back((received.delivery_tag()?, id));
    }
    Ok(())
}

/// Puts acks for the `count` oldest into the output.
fn put_acks(
    shared: &Shared,
    notes: &mut Notes,
    client: &mut Client,
    held: &mut Held,
    count: usize,
) -> Vec<MessageId> {
    let mut acked = Vec::new();
    for (tag, id) in held.drain(..count.min(held.len())) {
        client.send(ack(tag));
        shared.note_ack(notes, id);
        acked.push(id);
    }
    acked
}

fn consume(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let consumer = shared.new_consumer();
    let mut client = Client::connect()?;
    start_consuming(&mut client, "kill.acks")?;
    let (mut held, mut unproven) = (Held::new(), Vec::new());
    loop {
        let received = client.receive(PATIENCE)?;
        let is_idle = received.is_none();
        if let Some(received) = received {
            hold(shared, notes, &mut held, &received, (ACKS, consumer))?;
        }
        let count = if is_idle { held.len() } else { held.len().saturating_sub(HELD) };
        unproven.extend(put_acks(shared, notes, &mut client, &mut held, count));
        client.flush()?;
        // Any answer on the channel proves that the acks before it were seen.
        if unproven.len() >= PROOF_EVERY || (is_idle && !unproven.is_empty()) {
            client.call(qos(), wire::QOS_OK)?;
            shared.note_all(notes, unproven.drain(..), |id| Event::Processed { id });
        }
    }
}

fn consume_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let consumer = shared.new_consumer();
    let mut client = Client::connect()?;
    client.call(Method::new((90, 10)), wire::TX_SELECT_OK)?;
    start_consuming(&mut client, "kill.tx")?;
    let mut held = Held::new();
    loop {
        let received = client.receive(PATIENCE)?;
        let is_idle = received.is_none();
        if let Some(received) = received {
            hold(shared, notes, &mut held, &received, (TX, consumer))?;
        }
        if held.len() >= PROOF_EVERY || (is_idle && !held.is_empty()) {
            let count = held.len();
            let acked = put_acks(shared, notes, &mut client, &mut held, count);
            client.call(Method::new((90, 20)), wire::TX_COMMIT_OK)?;
            shared.note_all(notes, acked, |id| Event::Settled { id });
        }
    }
}

/// Messages that wait in these queues. Over AMQP for every protocol, as it alone has an answer with the count.
pub(crate) fn count_waiting(queues: &[&str]) -> Result<u32> {
    let mut client = Client::connect()?;
    let mut waiting = 0;
    for queue in queues {
        // Bits: passive alone.
        let declare = Method::new((50, 10)).raw(&[0, 0]).short(queue).raw(&[0b1]).long(b"");
        waiting += client.call(declare, wire::QUEUE_DECLARE_OK)?.message_count()?;
    }
    Ok(waiting)
}

/// Takes everything that is left out of the queues, one by one, until each says that it is empty. Over AMQP for every protocol, as it
/// alone has an answer that says so.
pub(crate) fn drain(shared: &Shared, queues: &[&str]) -> Result<Notes> {
    let mut notes = Notes::new();
    let mut client = Client::connect()?;
    for (queue, number) in queues.iter().zip(0_u8..) {
        loop {
            let get = Method::new((60, 70)).raw(&[0, 0]).short(queue).raw(&[0]);
            let received = client.call(get, wire::GET_OK)?;
            if received.id == wire::GET_EMPTY {
                break;
            }
            let id = note_delivery(shared, &mut notes, &received, (number, 0))?;
            shared.note_ack(&mut notes, id);
            client.send(ack(received.delivery_tag()?));
        }
    }
    client.flush()?;
    Ok(notes)
}
