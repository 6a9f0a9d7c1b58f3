//! Ends: of a channel or the connection, by error, by the client, by an operator, by silence.

use ternmq_broker::Broker;

use super::{Amqp091Session, State};
use crate::{
    codec::{
        Method,
        frame::{FrameKind, HEARTBEAT},
        method::{MethodFrame, basic, channel, connection},
    },
    error::{CONNECTION_FORCED, Fault, INTERNAL_ERROR, UNEXPECTED_FRAME},
};

/// Time in ms that a client has to answer our close (B6).
const CLOSE_TIMEOUT_MS: u64 = 3_000;
/// Time in ms that a client has to end the transport after its close was agreed to.
const END_TIMEOUT_MS: u64 = 1_000;
/// Half heartbeats without input after which the client counts as gone: two whole ones.
const MAX_SILENT_TICKS: u8 = 4;

/// The core no longer knows the connection.
pub(super) fn gone() -> Fault {
    Fault::new(INTERNAL_ERROR, "the connection is closing")
}

impl Amqp091Session {
    /// A frame was refused: the channel or the connection ends.
    pub(super) fn on_fault(
        &mut self,
        broker: &mut Broker,
        number: u16,
        fault: Fault,
        payload: &[u8],
        kind: FrameKind,
        out: &mut Vec<u8>,
    ) {
        let publish = (basic::Publish::CLASS_ID, basic::Publish::METHOD_ID);
        let is_out_of_order = fault.reply == UNEXPECTED_FRAME;
        let has_content = self.channel_mut(number).is_some_and(|channel| channel.content.is_some());
        // What is wrong about a publish's content is its fault, whatever came instead.
        let ids = match (kind, payload) {
            _ if is_out_of_order && has_content => publish,
            (FrameKind::Method, [c0, c1, m0, m1, ..]) => {
                (u16::from_be_bytes([*c0, *c1]), u16::from_be_bytes([*m0, *m1]))
            }
            (FrameKind::Header | FrameKind::Body, _) if !is_out_of_order => publish,
            _ => (0, 0),
        };
        let is_soft = !fault.reply.is_hard && number != 0 && self.channel_mut(number).is_some();
        if !is_soft {
            self.fail(broker, fault, ids, out);
            return;
        }
        self.flush_confirms(broker, out);
        self.end_channel(broker, number, &fault, ids, out);
    }

    /// Closes a channel from our side: nothing of it is believed until close-ok.
    pub(super) fn end_channel(
        &mut self,
        broker: &mut Broker,
        number: u16,
        fault: &Fault,
        (class_id, method_id): (u16, u16),
        out: &mut Vec<u8>,
    ) {
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return;
        };
        channel.is_closing = true;
        channel.content = None;
        broker.close_session(channel.session);
        channel::Close { reply_code: fault.reply.code, reply_text: &fault.text, class_id, method_id }
            .write_frame(channel.sink(out), number);
    }

    /// Closes the connection from our side. During the login there is nothing to wait for.
    pub(super) fn fail(
        &mut self,
        broker: &mut Broker,
        fault: Fault,
        (class_id, method_id): (u16, u16),
        out: &mut Vec<u8>,
    ) {
        if self.is_deaf() || matches!(self.state, State::AwaitCloseOk) {
            return;
        }
        connection::Close { reply_code: fault.reply.code, reply_text: &fault.text, class_id, method_id }
            .write_frame(out, 0);
        self.is_held = false;
        self.is_paused = false;
        if self.connection.is_some() {
            self.deadline_ms = Some(broker.monotonic_ms().saturating_add(CLOSE_TIMEOUT_MS));
            self.state = State::AwaitCloseOk;
            self.release(broker);
        } else {
            self.state = State::Closing;
        }
    }

    /// Gives up everything in the core.
    pub(super) fn release(&mut self, broker: &mut Broker) {
        self.channels = Vec::new();
        self.confirming = Vec::new();
        self.waiting_count = 0;
        if let Some(connection) = self.connection.take() {
            broker.disconnect(connection);
        }
    }

    /// connection.close and close-ok, in any state after the login.
    pub(super) fn on_connection_end(
        &mut self,
        broker: &mut Broker,
        method: &Method<'_>,
        out: &mut Vec<u8>,
    ) -> bool {
        match method {
            Method::ConnectionClose(_) => {
                self.flush_confirms(broker, out);
                self.release(broker);
                connection::CloseOk::default().write_frame(out, 0);
                // Some clients take an end of the transport from our side for a failure.
                self.deadline_ms = Some(broker.monotonic_ms().saturating_add(END_TIMEOUT_MS));
                self.state = State::AwaitEnd;
                true
            }
            Method::ConnectionCloseOk(_) if matches!(self.state, State::AwaitCloseOk) => {
                self.release(broker);
                self.state = State::Closing;
                true
            }
            _ => matches!(self.state, State::AwaitCloseOk),
        }
    }

    pub(super) fn on_deadline(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        match self.state {
            State::Open => {
                self.silent_ticks = if self.has_input { 0 } else { self.silent_ticks + 1 };
                self.has_input = false;
                if self.silent_ticks >= MAX_SILENT_TICKS && !self.is_held {
                    self.release(broker);
                    self.state = State::Closed;
                    return;
                }
                out.extend_from_slice(&HEARTBEAT);
                self.deadline_ms = Some(now_ms.saturating_add(u64::from(self.heartbeat_s) * 500));
            }
            // The login or the answer to our close took too long.
            State::Handshake(_) | State::AwaitCloseOk | State::AwaitEnd | State::Closing | State::Closed => {
                self.release(broker);
                self.state = State::Closed;
            }
        }
    }

    pub(super) fn on_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.fail(
            broker,
            Fault::new(CONNECTION_FORCED, "broker forced connection closure with reason 'shutdown'"),
            (0, 0),
            out,
        );
    }
}
