//! The match over all frames: one call each.

use ternmq_broker::{Broker, Session};

use super::{Amqp10Session, MAX_OUTPUT_BYTES, State, Step, handshake::Expect};
use crate::{
    codec::{
        frame::{Frame, FrameKind, split_frame},
        performative::Performative,
    },
    error::{Fault, Scope, condition},
};

impl Amqp10Session {
    /// Handles protocol headers and whole frames until the input ends or has to wait.
    pub(super) fn handle_frames(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        // A burst of frames must not build output without end (I11): the rest comes again once some of it is out.
        while !self.is_deaf() && self.wants_input() && out.len() < MAX_OUTPUT_BYTES {
            let rest = input.get(taken..).unwrap_or_default();
            match self.on_greeting(rest, out) {
                Some(0) => break,
                Some(size) => {
                    taken += size;
                    continue;
                }
                None => {}
            }
            let (frame, size) = match split_frame(rest, self.frame_limit()) {
                Ok(Some(split)) => split,
                Ok(None) => break,
                Err(error) => {
                    self.fail(broker, &error.into(), out);
                    break;
                }
            };
            match self.on_frame(broker, &frame, out) {
                Ok(Step::Taken) => taken += size,
                Ok(Step::Held) => break,
                Err(fault) => {
                    self.on_fault(broker, frame.channel, fault, out);
                    taken += size;
                }
            }
        }
        if self.is_deaf() { input.len() } else { taken }
    }

    fn on_frame(&mut self, broker: &mut Broker, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Step, Fault> {
        let is_login = match &self.state {
            State::Handshake(handshake) => handshake.expect != Expect::Open,
            _ => false,
        };
        match frame.kind {
            FrameKind::Sasl if is_login => {
                return self.on_sasl(broker, frame.body, out).map(|()| Step::Taken);
            }
            FrameKind::Amqp if !is_login => {}
            FrameKind::Sasl | FrameKind::Amqp => {
                return Err(Fault::connection(condition::FRAMING_ERROR, "a frame of the wrong kind"));
            }
        }
        // The peer is there, and says nothing else (AMQP 1.0 2.4.5).
        if frame.body.is_empty() {
            return Ok(Step::Taken);
        }
        let (performative, payload) = Performative::decode(frame.body)?;
        if matches!(self.state, State::Handshake(_)) {
            return self.on_open(broker, frame.channel, &performative, out).map(|()| Step::Taken);
        }
        self.on_performative(broker, frame.channel, &performative, payload, out)
    }

    fn on_performative(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        performative: &Performative<'_>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        match performative {
            Performative::Close(_) => {
                self.on_close(broker, out);
                return Ok(Step::Taken);
            }
            Performative::Open(_) => {
                return Err(Fault::connection(condition::ILLEGAL_STATE, "the connection is open already"));
            }
            Performative::Begin(begin) => {
                return self.on_begin(broker, channel, begin, out).map(|()| Step::Taken);
            }
            _ => {}
        }
        let Some(line) = self.line_mut(channel) else {
            let text = format!("there is no session on channel {channel}");
            return Err(Fault::connection(condition::NOT_ALLOWED, text));
        };
        if let Performative::End(_) = performative {
            self.on_end(broker, channel, out);
            return Ok(Step::Taken);
        }
        if line.is_ending {
            return Ok(Step::Taken);
        }
        match performative {
            Performative::Transfer(transfer) => {
                return self.on_transfer(broker, channel, transfer, payload, out);
            }
            Performative::Disposition(disposition) => self.on_disposition(broker, channel, disposition)?,
            Performative::Flow(flow) => self.on_flow(broker, channel, flow, out)?,
            Performative::Attach(attach) => self.on_attach(broker, channel, attach, out)?,
            Performative::Detach(detach) => self.on_detach(broker, channel, detach, out)?,
            Performative::Open(_)
            | Performative::Begin(_)
            | Performative::End(_)
            | Performative::Close(_) => {}
        }
        Ok(Step::Taken)
    }

    /// Ends what an error is about. Those of links are dealt with where the link is known.
    fn on_fault(&mut self, broker: &mut Broker, channel: u16, fault: Fault, out: &mut Vec<u8>) {
        match fault.scope {
            Scope::Connection => self.fail(broker, &fault, out),
            Scope::Link | Scope::Session => self.end_session(broker, channel, &fault, out),
        }
    }
}
