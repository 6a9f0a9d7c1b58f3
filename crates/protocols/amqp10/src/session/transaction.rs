//! Transactions (AMQP 1.0 4): links to the coordinator begin and end them; what is published and what becomes of deliveries
//! in one is staged in a session of its own in the core until it is discharged.
//!
//! A transaction belongs to the link that declared it, and is at the disposal of all sessions of the connection. What ends
//! its link rolls it back.

use std::sync::Arc;

use ternmq_broker::{Broker, DeliveryId, Error, Outcome, RemarkPlace, SessionId, SettleRange};

use super::{
    Amqp10Session,
    disposition::put_remark,
    line::{Controller, Incoming, Told, Way, Where},
    transfer::Whole,
    unsettled::Unsettled,
};
use crate::{
    codec::{
        AnyTarget, Control, DeliveryState, Source, Value,
        message::Sections,
        performative::{Attach, Performative, ReceiverSettleMode},
        read,
    },
    error::{Fault, condition},
};

/// Label of the sessions of transactions: nothing is delivered to them.
const LABEL: u32 = u32::MAX;
/// Messages to a coordinator that may be ahead of what has been answered.
const CONTROL_CREDIT: u32 = 16;
/// Longest message to a coordinator in bytes.
const CONTROL_MAX_BYTES: u64 = 4 << 10;
/// Outcome with which a coordinator may refuse.
const REJECTED: &str = "amqp:rejected:list";

/// What a transaction is known by in its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TransactionId(u64);

impl TransactionId {
    fn bytes(self) -> [u8; 8] {
        self.0.to_be_bytes()
    }
}

/// A delivery whose outcome is staged.
struct Taken {
    channel: u16,
    delivery_id: u32,
    unsettled: Unsettled,
    told: Told,
    /// Its receiver has settled it and forgotten it, or its link is gone: should the outcome not come to pass, the broker
    /// has it back.
    is_given_up: bool,
    /// What its outcome adds to the message when the transaction is committed.
    remark: Option<(RemarkPlace, Arc<[u8]>)>,
}

/// How far a transaction has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    /// Something in it was refused without its client knowing: it can't be committed.
    Spoilt,
    /// It took too long and was rolled back.
    TimedOut,
}

/// One transaction.
struct Transaction {
    id: TransactionId,
    /// Channel and handle of the link that declared it.
    owner: (u16, u32),
    session: SessionId,
    stage: Stage,
    deadline_ms: u64,
    taken: Vec<Taken>,
}

/// Those of a connection.
#[derive(Default)]
pub(super) struct Transactions {
    all: Vec<Transaction>,
    last: u64,
}

impl Transactions {
    /// When the first of them has taken too long.
    pub(super) fn deadline_ms(&self) -> Option<u64> {
        let open = self.all.iter().filter(|known| known.stage != Stage::TimedOut);
        open.map(|known| known.deadline_ms).min()
    }

    fn find(&mut self, id: TransactionId) -> Option<&mut Transaction> {
        self.all.iter_mut().find(|known| known.id == id)
    }
}

/// The id that a peer names; one of another length is none.
fn id_of(bytes: &[u8]) -> Option<TransactionId> {
    bytes.try_into().ok().map(|bytes| TransactionId(u64::from_be_bytes(bytes)))
}

fn unknown() -> Fault {
    Fault::link(condition::TRANSACTION_UNKNOWN_ID, "there is no such transaction")
}

impl Amqp10Session {
    /// Answers the attach of a link to the coordinator.
    pub(super) fn attach_coordinator(&mut self, channel: u16, attach: &Attach<'_>, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let outcomes = attach.source.as_ref().and_then(|source| source.outcomes);
        let answer = Attach {
            role: super::attach::opposite(attach.role),
            rcv_settle_mode: Some(ReceiverSettleMode::First),
            source: attach.source.map(|source| Source { filter: None, ..source }),
            target: Some(AnyTarget::Coordinator),
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: None,
            max_message_size: CONTROL_MAX_BYTES,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
            ..*attach
        };
        line.put(&Performative::Attach(Box::new(answer)), out);
        // Clients that name no outcomes at all take a rejection nevertheless (Qpid Proton).
        let takes_rejections = outcomes.is_none_or(|all| all.texts().any(|name| name == REJECTED));
        let incoming = Incoming {
            place: Where::Coordinator(Controller { takes_rejections }),
            credit: CONTROL_CREDIT,
            credit_max: CONTROL_CREDIT,
            delivery_count: attach.initial_delivery_count.unwrap_or_default(),
            settles: None,
            is_second: false,
            own_queue: None,
        };
        line.begin_incoming(attach, incoming, CONTROL_CREDIT, out);
    }

    /// A message to the coordinator. What is refused is a rejection (AMQP 1.0 4.3), where that can be told.
    pub(super) fn on_control(
        &mut self,
        broker: &mut Broker,
        owner: (u16, u32),
        controller: Controller,
        whole: &Whole<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let done = self.control(broker, owner, whole, out);
        match done {
            Err(fault) if controller.takes_rejections && !whole.is_settled => {
                let state = DeliveryState::Rejected { error: Some(fault.info()) };
                self.tell_publisher(owner.0, whole, state, out);
                Ok(())
            }
            other => other,
        }
    }

    fn control(
        &mut self,
        broker: &mut Broker,
        owner: (u16, u32),
        whole: &Whole<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if whole.payload.len() as u64 > CONTROL_MAX_BYTES {
            let text = format!("a message to the coordinator is larger than {CONTROL_MAX_BYTES} bytes");
            return Err(Fault::link(condition::MESSAGE_SIZE_EXCEEDED, text));
        }
        let read = Sections::split(whole.payload).and_then(|sections| Control::decode(sections.value()));
        let control = read.map_err(|error| {
            let text = format!("a message to the coordinator can't be read: {error}");
            Fault::link(condition::DECODE_ERROR, text)
        })?;
        match control {
            Control::Declare { global_id: Some(_) } => {
                Err(Fault::link(condition::NOT_IMPLEMENTED, "transactions with a global id"))
            }
            // Its id could not be told.
            Control::Declare { global_id: None } if whole.is_settled => {
                Err(Fault::link(condition::NOT_ALLOWED, "a declare has to be sent unsettled"))
            }
            Control::Declare { global_id: None } => {
                let id = self.declare(broker, owner)?;
                self.tell_publisher(owner.0, whole, DeliveryState::Declared { txn_id: &id.bytes() }, out);
                Ok(())
            }
            Control::Discharge { txn_id, fail } => self.discharge(broker, owner, txn_id, fail, whole),
        }
    }

    fn declare(&mut self, broker: &mut Broker, owner: (u16, u32)) -> Result<TransactionId, Fault> {
        let max = self.settings.max_transactions;
        if self.transactions.all.len() >= max {
            let text = format!("the limit of transactions of a connection ({max}) is reached");
            return Err(Fault::link(condition::RESOURCE_LIMIT_EXCEEDED, text));
        }
        let connection = self.connection.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let fault = |error: Error| Fault::of(&error, &*dialect);
        let session = broker.open_session(connection, LABEL).map_err(fault)?;
        broker.tx_select(session).map_err(fault)?;
        self.transactions.last += 1;
        let id = TransactionId(self.transactions.last);
        let now_ms = broker.monotonic_ms();
        self.transactions.all.push(Transaction {
            id,
            owner,
            session,
            stage: Stage::Open,
            deadline_ms: now_ms.saturating_add(self.settings.transaction_timeout_ms),
            taken: Vec::new(),
        });
        self.arm(now_ms);
        Ok(id)
    }

    /// Ends a transaction. A commit is told once all of it is durable (guarantees 3).
    fn discharge(
        &mut self,
        broker: &mut Broker,
        owner: (u16, u32),
        txn_id: &[u8],
        fail: bool,
        whole: &Whole<'_>,
    ) -> Result<(), Fault> {
        let id = id_of(txn_id).ok_or_else(unknown)?;
        // The link that declared it ends it (AMQP 1.0 4.3).
        let is_it = |known: &Transaction| known.id == id && known.owner == owner;
        let at = self.transactions.all.iter().position(is_it).ok_or_else(unknown)?;
        let transaction = self.transactions.all.swap_remove(at);
        let receipt = match (transaction.stage, fail) {
            (Stage::TimedOut, _) => {
                let text = "the transaction took too long and was rolled back";
                return Err(Fault::link(condition::TRANSACTION_TIMEOUT, text));
            }
            (Stage::Spoilt, false) => {
                self.undo(broker, transaction);
                let text = "the transaction was rolled back: something in it was refused";
                return Err(Fault::link(condition::TRANSACTION_ROLLBACK, text));
            }
            (Stage::Open | Stage::Spoilt, true) => {
                self.undo(broker, transaction);
                ternmq_broker::Receipt::NONE
            }
            (Stage::Open, false) => {
                for (place, remark) in transaction.taken.iter().filter_map(|taken| taken.remark.as_ref()) {
                    if let Err(fault) = put_remark(broker, Some(*place), remark) {
                        self.undo(broker, transaction);
                        return Err(Fault::link(fault.condition, fault.text));
                    }
                }
                let done = broker.tx_commit(transaction.session);
                let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
                if done.value.is_refused {
                    self.undo(broker, transaction);
                    let text = "the transaction was rolled back: a queue is full and refused a message of it";
                    return Err(Fault::link(condition::TRANSACTION_ROLLBACK, text));
                }
                broker.close_session(transaction.session);
                for taken in transaction.taken.iter().filter(|taken| !taken.is_given_up) {
                    if let Some(line) = self.line_mut(taken.channel) {
                        line.owe_staged(taken.delivery_id, taken.told, done.receipt);
                    }
                    self.touch(taken.channel);
                }
                done.receipt
            }
        };
        if !whole.is_settled
            && let Some(line) = self.line_mut(owner.0)
        {
            line.owe_acceptance(whole.delivery_id, true, receipt);
        }
        Ok(())
    }

    /// What was staged is dropped. Deliveries are as they were before their outcome was staged, but those that their
    /// receiver has settled go back to their queues, as a failed attempt.
    fn undo(&mut self, broker: &mut Broker, transaction: Transaction) {
        broker.close_session(transaction.session);
        for taken in transaction.taken {
            let Some(line) = self.line_mut(taken.channel) else { continue };
            if taken.is_given_up {
                let (core, number) = (line.core, DeliveryId(taken.unsettled.number));
                // One that the core took back meanwhile is settled all the same.
                let _settled = broker.settle(core, number, SettleRange::One, Outcome::Requeue);
            } else {
                line.unsettled.put_back(taken.delivery_id, taken.unsettled);
            }
        }
    }

    /// The session of a transaction that something is to be staged in.
    ///
    /// # Errors
    /// There is none of this id, or it can't be gone on with.
    pub(super) fn staging(&mut self, id: TransactionId) -> Result<SessionId, Fault> {
        let known = self.transactions.find(id).ok_or_else(unknown)?;
        match known.stage {
            Stage::Open => Ok(known.session),
            Stage::Spoilt => {
                let text = "something in the transaction was refused: it can only be rolled back";
                Err(Fault::link(condition::TRANSACTION_ROLLBACK, text))
            }
            Stage::TimedOut => {
                Err(Fault::link(condition::TRANSACTION_TIMEOUT, "the transaction took too long"))
            }
        }
    }

    /// A refusal that nobody is told spoils the transaction that it belongs to.
    pub(super) fn spoil(&mut self, id: Option<TransactionId>) {
        if let Some(known) = id.and_then(|id| self.transactions.find(id))
            && known.stage == Stage::Open
        {
            known.stage = Stage::Spoilt;
        }
    }

    /// Stages the outcomes of deliveries (AMQP 1.0 4.4.2). Answers those that are staged and that the peer has not settled.
    pub(super) fn stage_outcomes(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        ids: &[u32],
        is_given_up: bool,
        (id, outcome, told, remark): (TransactionId, Outcome, Told, Option<Arc<[u8]>>),
    ) -> Result<(), Fault> {
        let staging = self.staging(id).map_err(|fault| Fault::session(fault.condition, fault.text))?;
        for delivery_id in ids.iter().copied() {
            let Some(line) = self.line_mut(channel) else { return Ok(()) };
            let core = line.core;
            let Some(unsettled) = line.unsettled.take(delivery_id) else { continue };
            let number = DeliveryId(unsettled.number);
            let remark = remark.clone().and_then(|remark| Some((broker.remark_place(core, number)?, remark)));
            match broker.settle_within(staging, core, number, outcome) {
                Ok(()) => {}
                // The core took it back meanwhile, as with its queue.
                Err(Error::UnknownDelivery { .. }) => continue,
                Err(error) => {
                    if let Some(line) = self.line_mut(channel) {
                        line.unsettled.put_back(delivery_id, unsettled);
                    }
                    self.spoil(Some(id));
                    let fault = Fault::of(&error, &**broker.dialect());
                    return Err(Fault::session(fault.condition, fault.text));
                }
            }
            if let Some(known) = self.transactions.find(id) {
                known.taken.push(Taken { channel, delivery_id, unsettled, told, is_given_up, remark });
            }
        }
        Ok(())
    }

    /// A link ends: what was coming is given up, transactions that it declared are rolled back, and deliveries of it that others have staged are not for
    /// it any more.
    pub(super) fn abandon_link(&mut self, broker: &mut Broker, owner: (u16, u32)) {
        drop(self.assemblies.take(owner));
        for taken in self.transactions.all.iter_mut().flat_map(|known| &mut known.taken) {
            taken.is_given_up |= (taken.channel, taken.unsettled.handle) == owner;
        }
        self.abandon(broker, |known| known.owner == owner);
    }

    /// The same for all links of a session, whose deliveries the core has taken back with the session.
    pub(super) fn abandon_session(&mut self, broker: &mut Broker, channel: u16) {
        self.assemblies.forget_session(channel);
        for known in &mut self.transactions.all {
            known.taken.retain(|taken| taken.channel != channel);
        }
        self.abandon(broker, |known| known.owner.0 == channel);
    }

    fn abandon(&mut self, broker: &mut Broker, is_meant: impl Fn(&Transaction) -> bool) {
        while let Some(at) = self.transactions.all.iter().position(&is_meant) {
            let transaction = self.transactions.all.swap_remove(at);
            self.undo(broker, transaction);
        }
    }

    /// Rolls back what has taken too long; its discharge will be refused.
    pub(super) fn end_late_transactions(&mut self, broker: &mut Broker, now_ms: u64) {
        let is_late = |known: &Transaction| known.stage != Stage::TimedOut && known.deadline_ms <= now_ms;
        while let Some(at) = self.transactions.all.iter().position(is_late) {
            let transaction = self.transactions.all.swap_remove(at);
            let (id, owner, session) = (transaction.id, transaction.owner, transaction.session);
            self.undo(broker, transaction);
            let (stage, taken) = (Stage::TimedOut, Vec::new());
            self.transactions.all.push(Transaction {
                id,
                owner,
                session,
                stage,
                deadline_ms: u64::MAX,
                taken,
            });
        }
    }

    /// Tells a publish that is staged, or what else will become of it.
    pub(super) fn tell_staged(
        &mut self,
        channel: u16,
        whole: &Whole<'_>,
        id: TransactionId,
        outcome: DeliveryState<'_>,
        out: &mut Vec<u8>,
    ) {
        let mut written = Vec::new();
        outcome.put(&mut written);
        let outcome = match read(&written) {
            Ok((Value::Described(outcome), _)) => Some(outcome),
            _ => None,
        };
        let state = DeliveryState::Transactional { txn_id: &id.bytes(), outcome };
        self.tell_publisher(channel, whole, state, out);
    }
}

/// The transaction that a state names, known or not.
pub(super) fn transaction_of(state: Option<&DeliveryState<'_>>) -> Option<TransactionId> {
    match state {
        // An id of another form is nobody's, as 0 is.
        Some(DeliveryState::Transactional { txn_id, .. }) => Some(id_of(txn_id).unwrap_or(TransactionId(0))),
        _ => None,
    }
}

/// Whether a link goes to the coordinator.
pub(super) fn controller_of(way: Option<&Way>) -> Option<Controller> {
    match way {
        Some(Way::In(incoming)) => match incoming.place {
            Where::Coordinator(controller) => Some(controller),
            Where::Place(_) | Where::Node(_) | Where::Anonymous | Where::Definitions => None,
        },
        _ => None,
    }
}
