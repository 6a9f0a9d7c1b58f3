//! Effects of the core, and the end of a call.

use ternmq_broker::{Broker, Effect, EndReason};

use super::{
    Amqp10Session, State,
    line::{Way, Where},
};
use crate::{
    codec::performative::Flow,
    error::{Fault, condition},
};

impl Amqp10Session {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !self.is_open() {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, deliver, out),
            Effect::DeliverFrom(from) => self.on_deliver(broker, from.deliver, out),
            Effect::ConsumerEnded { session_label, consumer_label, reason } => {
                let Ok(channel) = u16::try_from(session_label) else { return };
                let fault = match reason {
                    EndReason::QueueGone => Fault::link(condition::RESOURCE_DELETED, "the queue was deleted"),
                    EndReason::Administrative => {
                        Fault::link(condition::DETACH_FORCED, "the consumer was ended by the broker")
                    }
                    EndReason::TooSlow => {
                        Fault::link(condition::RESOURCE_LIMIT_EXCEEDED, "the consumer was too slow")
                    }
                };
                self.end_link(broker, channel, consumer_label, &fault, out);
            }
            Effect::SessionEnded { session_label, timeout_ms } => {
                let Ok(channel) = u16::try_from(session_label) else { return };
                let text = format!("a delivery was not settled within {timeout_ms} ms");
                let fault = Fault::session(condition::RESOURCE_LIMIT_EXCEEDED, text);
                self.end_session(broker, channel, &fault, out);
            }
            // Nothing is fetched here, and no connection stands for a named client of the core.
            Effect::Loaded { .. } | Effect::TakenOver { .. } => {}
            Effect::Close { reason } => {
                let fault = Fault::connection(condition::CONNECTION_FORCED, &*reason);
                self.fail(broker, &fault, out);
            }
            Effect::Blocked { is_blocked, .. } => self.on_blocked(is_blocked, out),
        }
    }

    /// Handles the effects for this connection that nobody has handed out yet. Not while another effect is handled: those
    /// behind it are in the caller's hands, and what is new comes after them.
    pub(super) fn flush_effects(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let Some(connection) = self.connection else { return };
        if self.is_handing_out {
            return;
        }
        self.is_handing_out = true;
        loop {
            let effects = broker.take_effects_of(connection);
            if effects.is_empty() {
                break;
            }
            for effect in effects {
                self.on_effect(broker, effect, out);
            }
        }
        self.is_handing_out = false;
    }

    /// Publishers have no credit while memory or disk is short (F4, F13). What was on its way is held back unread.
    fn on_blocked(&mut self, is_blocked: bool, out: &mut Vec<u8>) {
        if !is_blocked {
            self.is_held = false;
        }
        for line in self.lines.iter_mut().filter_map(Option::as_deref_mut) {
            let mut told = Vec::new();
            for (handle, link) in &mut line.links {
                let Way::In(incoming) = &mut link.way else { continue };
                if matches!(incoming.place, Where::Coordinator(_)) {
                    continue;
                }
                if !is_blocked {
                    incoming.credit = incoming.credit_max;
                }
                let credit = if is_blocked { 0 } else { incoming.credit_max };
                told.push((*handle, incoming.delivery_count, credit));
            }
            for (handle, delivery_count, credit) in told {
                let flow = Flow {
                    handle: Some(handle),
                    delivery_count: Some(delivery_count),
                    link_credit: Some(credit),
                    ..line.flow()
                };
                line.put_flow(flow, out);
            }
        }
    }

    /// At the end of a call: the settlements that outcomes wait for go into the log all at once, and what can be told is.
    pub(super) fn finish_turn(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        while let Some(channel) = self.busy.pop() {
            let Some(line) = self.line_mut(channel) else { continue };
            if line.owes_settlements() {
                let receipt = broker.receipt_of_all();
                line.seal(receipt);
            }
            line.tell_owed(broker.durable(), out);
        }
        self.settle_drains(broker, out);
        if matches!(self.state, State::Open) {
            self.arm_for_drains(broker);
        }
    }

    fn arm_for_drains(&mut self, broker: &Broker) {
        let next_ms = self.beats.deadline_ms().into_iter().chain(self.transactions.deadline_ms()).min();
        if !self.draining.is_empty() || self.deadline_ms != next_ms {
            self.arm(broker.monotonic_ms());
        }
    }
}
