//! Answers: sent once everything that their command asked for is durable (guarantees 3), in the order of the commands.

use std::borrow::Cow;

use ternmq_broker::{Broker, Durable, Receipt};

use super::{OpenWireSession, State};
use crate::{
    codec::{Field, Kind, Object, Throwable, Value, encode},
    error::Fault,
};

/// The number of a command that wants an answer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked(pub(super) Option<i32>);

impl Asked {
    /// What a command says.
    pub(super) fn of(command: &Object<'_>) -> Self {
        let number = i32::try_from(command.number(Field::CommandId)).unwrap_or_default();
        Self(command.is(Field::ResponseRequired).then_some(number))
    }
}

/// A command that leaves once its receipt is covered.
#[derive(Debug)]
pub(super) struct Deferred {
    receipt: Receipt,
    /// It waits for settlements that are not in the log yet.
    is_unsealed: bool,
    due: Due,
}

/// What is sent once it may be.
#[derive(Debug)]
enum Due {
    /// The response to the command of this number, which says nothing more.
    Response(i32),
    /// A frame that holds nothing to remember, whenever it leaves.
    Frame(Vec<u8>),
}

impl Due {
    /// Bytes that it takes up, about.
    fn size_bytes(&self) -> usize {
        match self {
            Self::Response(_) => size_of::<Deferred>(),
            Self::Frame(frame) => frame.len(),
        }
    }
}

/// An exception as it is told.
pub(super) fn throwable(fault: &Fault) -> Value<'static> {
    Value::Throwable(Box::new(Throwable {
        class: Some(Cow::Borrowed(fault.class)),
        message: Some(Cow::Owned(fault.text.clone())),
    }))
}

impl OpenWireSession {
    /// A frame that holds nothing to remember, whenever it leaves.
    fn framed(&mut self, object: &Object<'_>) -> Vec<u8> {
        let mut frame = Vec::new();
        encode(object, self.encoding, &mut self.sent, &mut frame);
        frame
    }

    fn answer(kind: Kind, number: i32) -> Object<'static> {
        Object::new(kind).with(Field::CorrelationId, Value::Int(number))
    }

    /// Promises the answer to a command, if it wants one.
    pub(super) fn promise(&mut self, broker: &Broker, asked: Asked, receipt: Receipt, out: &mut Vec<u8>) {
        let Some(number) = asked.0 else { return };
        self.promise_due(broker, receipt, Due::Response(number), out);
    }

    /// As [`Self::promise`], of an answer of this kind that says more.
    pub(super) fn promise_kind(
        &mut self,
        broker: &Broker,
        asked: Asked,
        receipt: Receipt,
        (kind, fill): (Kind, &dyn Fn(Object<'static>) -> Object<'static>),
        out: &mut Vec<u8>,
    ) {
        let Some(number) = asked.0 else { return };
        let frame = self.framed(&fill(Self::answer(kind, number)));
        self.promise_due(broker, receipt, Due::Frame(frame), out);
    }

    fn promise_due(&mut self, broker: &Broker, receipt: Receipt, due: Due, out: &mut Vec<u8>) {
        if self.deferred.is_empty() && broker.durable().covers(receipt) {
            return self.put_due(&due, out);
        }
        self.defer(Deferred { receipt, is_unsealed: false, due });
    }

    fn put_due(&mut self, due: &Due, out: &mut Vec<u8>) {
        match due {
            Due::Response(number) => self.send(&Self::answer(Kind::Response, *number), out),
            Due::Frame(frame) => out.extend_from_slice(frame),
        }
    }

    /// Promises the answer to a command that covers everything done so far, if it wants one.
    pub(super) fn promise_all(&mut self, asked: Asked) {
        let Some(number) = asked.0 else { return };
        self.owes_answers = true;
        self.defer(Deferred { receipt: Receipt::NONE, is_unsealed: true, due: Due::Response(number) });
    }

    /// Tells that a command is refused: as its answer, or else as an error of the connection, which goes on.
    pub(super) fn refuse(&mut self, asked: Asked, fault: &Fault, out: &mut Vec<u8>) {
        let object = match asked.0 {
            Some(number) => {
                Self::answer(Kind::ExceptionResponse, number).with(Field::Exception, throwable(fault))
            }
            None => {
                let error = Object::new(Kind::ConnectionError).with(Field::Exception, throwable(fault));
                match &self.id {
                    Some(id) => error.with_object(Field::ConnectionId, id.clone()),
                    None => error,
                }
            }
        };
        let frame = self.framed(&object);
        self.defer_or_send(frame, out);
    }

    /// Puts a frame behind what waits.
    pub(super) fn defer_or_send(&mut self, frame: Vec<u8>, out: &mut Vec<u8>) {
        if self.deferred.is_empty() {
            out.extend_from_slice(&frame);
        } else {
            self.defer(Deferred { receipt: Receipt::NONE, is_unsealed: false, due: Due::Frame(frame) });
        }
    }

    fn defer(&mut self, deferred: Deferred) {
        self.deferred_bytes += deferred.due.size_bytes();
        self.deferred.push_back(deferred);
    }

    /// At the end of a call: the settlements that answers wait for go into the log, all at once.
    pub(super) fn seal_answers(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        if !self.owes_answers {
            return;
        }
        self.owes_answers = false;
        let receipt = broker.receipt_of_all();
        for deferred in self.deferred.iter_mut().rev().filter(|deferred| deferred.is_unsealed) {
            deferred.receipt = receipt;
            deferred.is_unsealed = false;
        }
        self.release_answers(broker.durable(), out);
    }

    /// The log is durable up to here: what waited for that leaves.
    pub(super) fn release_answers(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let is_free = |deferred: &Deferred| !deferred.is_unsealed && durable.covers(deferred.receipt);
        while self.deferred.front().is_some_and(is_free) {
            if let Some(deferred) = self.deferred.pop_front() {
                self.deferred_bytes = self.deferred_bytes.saturating_sub(deferred.due.size_bytes());
                self.put_due(&deferred.due, out);
            }
        }
        if self.deferred.is_empty() && matches!(self.state, State::Ending) {
            self.state = State::Closing;
        }
    }

    /// Time is up: nobody can be promised what is not durable yet.
    pub(super) fn give_up_waiting(&mut self) {
        self.deferred.clear();
        self.deferred_bytes = 0;
        self.state = State::Closing;
    }
}
