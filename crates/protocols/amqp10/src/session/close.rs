//! Ends of connections: by close, by an error, by silence, by an operator.

use ternmq_broker::{Broker, Dialect, LinkAddresses};

use super::{
    Amqp10Session, State,
    assembly::Assemblies,
    handshake::{Establishment, Expect},
    transaction::Transactions,
};
use crate::{
    codec::{
        frame::{FrameKind, put_frame},
        performative::Performative,
    },
    error::{Fault, condition},
};

/// Time in ms after which a link that drains is looked at again.
pub(super) const DRAIN_CHECK_MS: u64 = 50;

/// The dialect's addresses; without them there is no AMQP 1.0.
pub(super) fn addresses(dialect: &dyn Dialect) -> Result<&dyn LinkAddresses, Fault> {
    dialect
        .link_addresses()
        .ok_or_else(|| Fault::connection(condition::NOT_IMPLEMENTED, "this broker has no addresses of links"))
}

impl Amqp10Session {
    pub(super) fn on_close(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        put_frame(out, FrameKind::Amqp, 0, |out| Performative::Close(None).put(out));
        self.release(broker);
        self.state = State::Closing;
    }

    /// Ends the connection with an error. In the login there is no frame for it.
    pub(super) fn fail(&mut self, broker: &mut Broker, fault: &Fault, out: &mut Vec<u8>) {
        if self.is_deaf() {
            return;
        }
        let can_tell = match &self.state {
            State::Handshake(handshake) => {
                let is_sent = handshake.is_open_sent;
                let can_tell = handshake.expect == Expect::Open;
                // An open has to come before a close (AMQP 1.0 2.4.1).
                if can_tell && !is_sent {
                    self.put_open(broker, Establishment::Failed, out);
                }
                can_tell
            }
            _ => true,
        };
        if can_tell {
            let close = Performative::Close(Some(fault.info()));
            put_frame(out, FrameKind::Amqp, 0, |out| close.put(out));
        }
        self.release(broker);
        self.state = State::Closing;
    }

    /// Gives up everything in the core.
    pub(super) fn release(&mut self, broker: &mut Broker) {
        self.lines = Vec::new();
        self.draining = Vec::new();
        // The core drops what is staged, with the connection.
        self.transactions = Transactions::default();
        self.assemblies = Assemblies::default();
        self.looks = None;
        self.busy = Vec::new();
        self.is_held = false;
        if let Some(connection) = self.connection.take() {
            broker.disconnect(connection);
        }
    }

    pub(super) fn on_deadline(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match self.state {
            // The login took too long.
            State::Handshake(_) | State::Closing | State::Closed => {
                self.release(broker);
                self.state = State::Closed;
                self.deadline_ms = None;
            }
            State::Open => {
                let due = self.beats.tick(now_ms);
                if due.is_end {
                    let text = "no frame received from client within idle timeout threshold";
                    let fault = Fault::connection(condition::RESOURCE_LIMIT_EXCEEDED, text);
                    return self.fail(broker, &fault, out);
                }
                if due.is_frame {
                    put_frame(out, FrameKind::Amqp, 0, |_| {});
                }
                self.end_late_transactions(broker, now_ms);
                self.settle_drains(broker, out);
                self.arm(now_ms);
            }
        }
    }

    /// Sets the time of the next look at the connection.
    pub(super) fn arm(&mut self, now_ms: u64) {
        let drain_ms = (!self.draining.is_empty()).then(|| now_ms.saturating_add(DRAIN_CHECK_MS));
        let all = [self.beats.deadline_ms(), drain_ms, self.transactions.deadline_ms()];
        self.deadline_ms = all.into_iter().flatten().min();
    }

    pub(super) fn on_node_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let text = "broker forced connection closure with reason 'shutdown'";
        self.fail(broker, &Fault::connection(condition::CONNECTION_FORCED, text), out);
    }
}
