//! The clients over OpenWire: branches of distributed transactions, as a transaction manager has them.
//!
//! Messages go from one queue to the other in branches, which take some and publish others. Some branches are decided at once, some
//! are left in doubt when the broker is killed; the next life, or the one after it, recovers and decides them. What is decided follows
//! from a branch's number, so that it is decided the same way again when an answer was lost.

mod frames;
mod wire;

use std::collections::VecDeque;

use anyhow::{Context, Result, ensure};

use super::amqp;
use super::history::{ConsumerId, Event, MessageId};
use super::load::{Arrival, HELD, Load, Notes, PATIENCE, PROOF_EVERY, Shared, WINDOW, Work};
use frames::{BranchId, Incoming};
use wire::{Client, Delivery, Step};

/// Queue that branches take from.
const SOURCE: u8 = 0;
/// Queue that branches publish to.
const TARGET: u8 = 1;
const QUEUES: [&str; 2] = ["kill.source", "kill.target"];
/// The answer to a prepare that has something to decide.
const PREPARED: i32 = 0;

/// OpenWire 12.
#[derive(Debug)]
pub(crate) struct OpenWire;

impl Load for OpenWire {
    fn step(&self) -> &'static str {
        "kill-loop-xa"
    }

    fn queues(&self) -> [&'static str; 2] {
        QUEUES
    }

    fn declare(&self) -> Result<()> {
        amqp::declare(&QUEUES)
    }

    fn clients(&self) -> &'static [Work] {
        &[send, transfer, transfer, decide_recovered, consume, consume]
    }

    fn begin_life(&self, shared: &Shared, notes: &mut Notes) -> Result<()> {
        let mut client = Client::connect(shared.new_consumer())?;
        note_in_doubt(shared, notes, &client.recover()?);
        Ok(())
    }

    fn end_run(&self, shared: &Shared, notes: &mut Notes) -> Result<()> {
        let mut client = Client::connect(shared.new_consumer())?;
        let in_doubt = client.recover()?;
        note_in_doubt(shared, notes, &in_doubt);
        for branch in in_doubt {
            decide(shared, notes, &mut client, branch, false)?;
        }
        note_in_doubt(shared, notes, &client.recover()?);
        Ok(())
    }
}

/// Whether a branch is committed, when it is decided.
fn is_commit(branch: BranchId) -> bool {
    !branch.number.is_multiple_of(3)
}

/// Whether a branch stays in doubt in the life that prepares it.
fn is_left(branch: BranchId) -> bool {
    branch.number.is_multiple_of(4)
}

/// Whether a branch that was left stays in doubt in the life after that too.
fn is_left_twice(branch: BranchId) -> bool {
    branch.number.is_multiple_of(8)
}

fn note_in_doubt(shared: &Shared, notes: &mut Notes, in_doubt: &[BranchId]) {
    let now = shared.now();
    notes.extend(in_doubt.iter().map(|branch| (now, Event::InDoubt { branch: branch.number })));
    notes.push((now, Event::Recovered));
}

/// Decides a prepared branch. `is_owner`: the messages that it took are this client's again when it is rolled back.
fn decide(
    shared: &Shared,
    notes: &mut Notes,
    client: &mut Client,
    branch: BranchId,
    is_owner: bool,
) -> Result<()> {
    let (number, is_commit) = (branch.number, is_commit(branch));
    notes.push((shared.now(), Event::Deciding { branch: number, is_commit }));
    client.step(if is_commit { Step::Commit } else { Step::Rollback }, branch)?;
    notes.push((shared.now(), Event::Decided { branch: number, is_held_again: is_owner && !is_commit }));
    Ok(())
}

/// Sends and wants an answer for each message.
fn send(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let [source, _] = QUEUES;
    let mut client = Client::connect(shared.new_consumer())?;
    client.open_producer(source)?;
    let mut open = 0;
    loop {
        while open < WINDOW && !shared.is_full() {
            let id = shared.note_publish(notes, |_| SOURCE);
            client.put_message(source, id, None);
            open += 1;
        }
        client.flush()?;
        if let Some(Incoming::Response { command, .. }) = client.receive(PATIENCE)? {
            shared.note_all(notes, [MessageId::from(command)], |id| Event::Confirmed { id });
            open -= 1;
        }
    }
}

/// Takes what came for `queue`, if it is a message; gives the number that was acknowledged, if it is that.
fn take(
    shared: &Shared,
    notes: &mut Notes,
    held: &mut VecDeque<Delivery>,
    incoming: Incoming,
    (queue, consumer): (u8, ConsumerId),
) -> Option<MessageId> {
    match incoming {
        Incoming::Message(dispatch) => {
            let is_flagged = dispatch.is_redelivered;
            let arrival = Arrival { queue, consumer, is_flagged, body: &dispatch.body };
            held.push_back(Delivery::new(shared.note_delivery(notes, &arrival), dispatch));
            None
        }
        Incoming::Response { command, .. } => Some(MessageId::from(command)),
        _ => None,
    }
}

/// Moves messages from queue to queue in branches.
fn transfer(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let place = (SOURCE, shared.new_consumer());
    let [source, target] = QUEUES;
    let mut client = Client::connect(place.1)?;
    client.open_producer(target)?;
    client.subscribe(source)?;
    let mut held = VecDeque::new();
    loop {
        let incoming = client.receive(PATIENCE)?;
        let is_idle = incoming.is_none();
        if let Some(incoming) = incoming {
            take(shared, notes, &mut held, incoming, place);
        }
        if held.len() >= PROOF_EVERY || (is_idle && !held.is_empty()) {
            // Some stay with the consumer, so that a kill finds them held.
            let count = held.len().div_ceil(2);
            let taken: Vec<Delivery> = held.drain(..count).collect();
            held.extend(transfer_in_branch(shared, notes, &mut client, taken)?);
        }
    }
}

/// One branch; gives what its client has again after a rollback.
fn transfer_in_branch(
    shared: &Shared,
    notes: &mut Notes,
    client: &mut Client,
    taken: Vec<Delivery>,
) -> Result<Vec<Delivery>> {
    let [source, target] = QUEUES;
    let group = shared.note_group(notes, TARGET);
    let branch = BranchId { life: shared.life(), number: group.number };
    notes.push((shared.now(), Event::Begun { branch: branch.number }));
    client.put_step(Step::Begin, branch);
    for id in group.ids {
        client.put_message(target, id, Some(branch));
    }
    for delivery in &taken {
        notes.push((shared.now(), Event::Taken { id: delivery.id, branch: branch.number }));
        client.put_ack(source, delivery.id, &delivery.wire_id, Some(branch));
    }
    client.put_step(Step::End, branch);
    ensure!(client.step(Step::Prepare, branch)? == PREPARED, "a branch with messages has nothing to decide");
    notes.push((shared.now(), Event::Prepared { branch: branch.number }));
    if is_left(branch) {
        return Ok(Vec::new());
    }
    decide(shared, notes, client, branch, true)?;
    Ok(if is_commit(branch) { Vec::new() } else { taken })
}

/// Decides what earlier lives have left, and is done with it.
fn decide_recovered(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let mut client = Client::connect(shared.new_consumer())?;
    let life = shared.life();
    for branch in client.recover().context("branches that an earlier life left")? {
        let is_due = branch.life + 1 < life || (branch.life + 1 == life && !is_left_twice(branch));
        if is_due {
            decide(shared, notes, &mut client, branch, false)?;
        }
    }
    Ok(())
}

/// Acknowledges each message by itself, and wants an answer for each.
fn consume(shared: &Shared, notes: &mut Notes) -> Result<()> {
    let place = (TARGET, shared.new_consumer());
    let [_, target] = QUEUES;
    let mut client = Client::connect(place.1)?;
    client.subscribe(target)?;
    let mut held = VecDeque::new();
    loop {
        let count = match client.receive(PATIENCE)? {
            Some(incoming) => {
                let settled = take(shared, notes, &mut held, incoming, place);
                shared.note_all(notes, settled, |id| Event::Settled { id });
                held.len().saturating_sub(HELD)
            }
            None => held.len(),
        };
        for delivery in held.drain(..count) {
            shared.note_ack(notes, delivery.id);
            client.put_ack(target, delivery.id, &delivery.wire_id, None);
        }
        client.flush()?;
    }
}
