//! The clients over STOMP 1.2: SEND, ACK and COMMIT with receipts, a shared queue and a durable subscription.
//!
//! A receipt of an ACK says that it is on disk that the message is settled (guarantees 3), so unlike over AMQP each ack counts as
//! settled from its receipt on.

mod wire;

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};

use super::history::{ConsumerId, Event, MessageId};
use super::load::{
    Arrival, HELD, Load, Notes, PATIENCE, PREFETCH, PROOF_EVERY, Shared, WINDOW, Work, body_of,
};
use wire::{Client, Frame};

/// Queue that several consumers share.
const SHARED: u8 = 0;
/// Queue of the durable subscription.
const SUBSCRIBED: u8 = 1;
const QUEUES: [&str; 2] = ["kill.shared", "kill.subscribed"];
/// Where SENDs for each queue go.
const DESTINATIONS: [&str; 2] = ["/queue/kill.shared", "/topic/kill.news.today"];
/// What its consumers subscribe to.
const SUBSCRIPTIONS: [&str; 2] = ["/queue/kill.shared", "/topic/kill.news.*"];
const DURABLE: [(&str, &str); 3] =
    [("durable", "true"), ("auto-delete", "false"), ("x-queue-name", "kill.subscribed")];
/// Begins the receipts of COMMIT, which have no number of a message.
const COMMITTED: &str = "commit";

/// STOMP 1.2.
#[derive(Debug)]
pub(crate) struct Stomp;

impl Load for Stomp {
    fn step(&self) -> &'static str {
        "kill-loop-stomp"
    }

    fn queues(&self) -> [&'static str; 2] {
        QUEUES
    }

    fn declare(&self) -> Result<()> {
        for queue in [SHARED, SUBSCRIBED] {
            let mut client = Client::connect()?;
            subscribe(&mut client, queue, Some("made"))?;
            ensure!(client.answer()?.is("RECEIPT"), "a new queue has a message");
        }
        Ok(())
    }

    fn clients(&self) -> &'static [Work] {
        &[
            send,
            send_in_transactions,
            consume_shared,
            consume_shared,
            consume_subscribed,
            consume_in_transactions,
        ]
    }
}

/// What belongs to a queue in a table of both.
fn of(table: [&'static str; 2], queue: u8) -> &'static str {
    let [shared, subscribed] = table;
    if queue == SHARED { shared } else { subscribed }
}

/// The number in `receipt-id`.
fn number_in(receipt: &Frame) -> Result<MessageId> {
    receipt.header("receipt-id")?.parse().context("a receipt that nobody asked for")
}

/// Sends to both queues by turns and wants a receipt for each message.
fn send(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    let queue_of = |id: MessageId| if id.is_multiple_of(2) { SHARED } else { SUBSCRIBED };
    let mut open = 0;
    loop {
        while open < WINDOW && !shared.is_full() {
            let id = shared.note_publish(notes, queue_of);
            let (destination, receipt) = (of(DESTINATIONS, queue_of(id)), id.to_string());
            let headers = [("destination", destination), ("persistent", "true"), ("receipt", &receipt)];
            client.put("SEND", &headers, &body_of(id));
            open += 1;
        }
        client.flush()?;
        let Some(frame) = client.receive(PATIENCE)? else { continue };
        ensure!(frame.is("RECEIPT"), "a publisher got something else than receipts");
        shared.note_all(notes, [number_in(&frame)?], |id| Event::Confirmed { id });
        open -= 1;
    }
}

/// Sends to the durable subscription, several messages in each transaction; the receipt of the COMMIT is that of all.
fn send_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect()?;
    let destination = of(DESTINATIONS, SUBSCRIBED);
    loop {
        if shared.is_full() {
            client.receive(PATIENCE)?;
            continue;
        }
        let group = shared.note_group(notes, SUBSCRIBED).ids;
        client.put("BEGIN", &[("transaction", "t")], b"");
        for id in group.clone() {
            let headers = [("destination", destination), ("persistent", "true"), ("transaction", "t")];
            client.put("SEND", &headers, &body_of(id));
        }
        client.put("COMMIT", &[("transaction", "t"), ("receipt", COMMITTED)], b"");
        client.flush()?;
        ensure!(client.answer()?.header("receipt-id")? == COMMITTED, "a receipt that nobody asked for");
        shared.note_all(notes, group, |id| Event::Confirmed { id });
    }
}

fn subscribe(client: &mut Client, queue: u8, receipt: Option<&'static str>) -> Result<()> {
    let prefetch = PREFETCH.to_string();
    let mut headers = vec![
        ("id", "0"),
        ("destination", of(SUBSCRIPTIONS, queue)),
        ("ack", "client-individual"),
        ("prefetch-count", &prefetch),
    ];
    if queue == SUBSCRIBED {
        headers.extend(DURABLE);
    }
    headers.extend(receipt.map(|receipt| ("receipt", receipt)));
    client.put("SUBSCRIBE", &headers, b"");
    client.flush()?;
    Ok(())
}

/// A delivery that is not acked yet.
#[derive(Debug)]
struct Delivery {
    id: MessageId,
    /// The `ack` header of its MESSAGE.
    ack: String,
}

fn take(shared: &Shared, notes: &mut Notes, frame: &Frame, place: (u8, ConsumerId)) -> Result<Delivery> {
    let (queue, consumer) = place;
    let arrival = Arrival { queue, consumer, is_flagged: frame.is_redelivered(), body: &frame.body };
    Ok(Delivery { id: shared.note_delivery(notes, &arrival), ack: frame.header("ack")?.to_owned() })
}

fn consume_shared(shared: &Shared, notes: &mut Notes) -> Result<()> {
    consume(shared, notes, SHARED)
}

fn consume_subscribed(shared: &Shared, notes: &mut Notes) -> Result<()> {
    consume(shared, notes, SUBSCRIBED)
}

/// Acks each message by itself, and wants a receipt for each ack.
fn consume(shared: &Shared, notes: &mut Notes, queue: u8) -> Result<()> {
    let place = (queue, shared.new_consumer());
    let mut client = Client::connect()?;
    subscribe(&mut client, queue, None)?;
    let mut held = VecDeque::new();
    loop {
        let count = match client.receive(PATIENCE)? {
            Some(frame) if frame.is("RECEIPT") => {
                shared.note_all(notes, [number_in(&frame)?], |id| Event::Settled { id });
                0
            }
            Some(frame) => {
                held.push_back(take(shared, notes, &frame, place)?);
                held.len().saturating_sub(HELD)
            }
            None => held.len(),
        };
        for delivery in held.drain(..count) {
            shared.note_ack(notes, delivery.id);
            client.put("ACK", &[("id", &delivery.ack), ("receipt", &delivery.id.to_string())], b"");
        }
        client.flush()?;
    }
}

/// Acks in transactions; the receipt of the COMMIT is that of all.
fn consume_in_transactions(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let place = (SUBSCRIBED, shared.new_consumer());
    let mut client = Client::connect()?;
    subscribe(&mut client, SUBSCRIBED, None)?;
    let (mut held, mut committing) = (VecDeque::new(), Vec::new());
    loop {
        let is_idle = match client.receive(PATIENCE)? {
            Some(frame) if frame.is("RECEIPT") => {
                ensure!(frame.header("receipt-id")? == COMMITTED, "a receipt that nobody asked for");
                shared.note_all(notes, committing.drain(..), |id| Event::Settled { id });
                false
            }
            Some(frame) => {
                held.push_back(take(shared, notes, &frame, place)?);
                false
            }
            None => true,
        };
        let is_due = held.len() >= PROOF_EVERY || (is_idle && !held.is_empty());
        if !is_due || !committing.is_empty() {
            continue;
        }
        client.put("BEGIN", &[("transaction", "t")], b"");
        for delivery in held.drain(..) {
            let Delivery { id, ack } = delivery;
            shared.note_ack(notes, id);
            client.put("ACK", &[("id", &ack), ("transaction", "t")], b"");
            committing.push(id);
        }
        client.put("COMMIT", &[("transaction", "t"), ("receipt", COMMITTED)], b"");
        client.flush()?;
    }
}
