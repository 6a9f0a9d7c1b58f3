//! The match over all frames: one call each.

use ternmq_broker::{Broker, Session};

use super::{MAX_IDLE_BODY_BYTES, MAX_LOGIN_BODY_BYTES, MAX_OUTPUT_BYTES, State, Step, StompSession};
use crate::{
    codec::{Escapes, Head, Headers, body_of, is_worth_a_look, shown, skip_noise, split_head},
    error::Fault,
    format::name,
};

/// Headers and what stands behind them in the input.
pub(super) struct Frame<'a> {
    pub(super) headers: Headers<'a>,
    pub(super) rest: &'a [u8],
}

impl StompSession {
    /// Handles whole frames, and bodies as they come, until the input ends or has to wait.
    pub(super) fn handle_frames(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        // A burst of frames must not build output without end (I11): the rest comes again once some of it is out.
        while !self.is_deaf() && self.wants_input() && out.len() < MAX_OUTPUT_BYTES {
            let rest = input.get(taken..).unwrap_or_default();
            if self.assembly.is_some() {
                match self.take_body(broker, rest, out) {
                    Ok(0) => break,
                    Ok(count) => taken += count,
                    Err(fault) => {
                        let receipt = self.assembly.take().and_then(|assembly| assembly.receipt());
                        self.fail(broker, fault, receipt.as_deref(), out);
                    }
                }
                continue;
            }
            let noise = skip_noise(rest);
            if noise > 0 {
                self.seen_bytes = 0;
                taken += noise;
                continue;
            }
            if rest.is_empty() || !is_worth_a_look(rest, self.seen_bytes, &self.limits()) {
                break;
            }
            match self.handle_frame(broker, rest, out) {
                Step::Taken(count) => {
                    self.seen_bytes = 0;
                    taken += count;
                }
                Step::Incomplete => {
                    self.seen_bytes = rest.len();
                    break;
                }
                Step::Held => {
                    self.seen_bytes = 0;
                    break;
                }
            }
        }
        if self.is_deaf() { input.len() } else { taken }
    }

    /// Handles the frame at the start of the input. Answers how many bytes it took.
    fn handle_frame(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> Step {
        let escapes = if self.is_open() { self.version.escapes() } else { Escapes::None };
        let (head, size) = match split_head(input, escapes, &self.limits()) {
            Ok(Some(split)) => split,
            Ok(None) => return Step::Incomplete,
            Err(error) => {
                self.fail(broker, error.into(), None, out);
                return Step::Taken(input.len());
            }
        };
        let rest = input.get(size..).unwrap_or_default();
        match self.on_frame(broker, head, rest, out) {
            Ok(Step::Taken(body)) => Step::Taken(size + body),
            Ok(step) => step,
            Err(fault) => {
                let receipt = head.headers.get(name::RECEIPT);
                self.fail(broker, fault, receipt.as_deref(), out);
                Step::Taken(input.len())
            }
        }
    }

    fn on_frame(
        &mut self,
        broker: &mut Broker,
        head: Head<'_>,
        rest: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if head.command == "SEND" && self.is_open() {
            return self.on_send(broker, &Frame { headers: head.headers, rest }, out);
        }
        if matches!(self.state, State::Handshake(_)) && !matches!(head.command, "CONNECT" | "STOMP") {
            return Err(Fault::new("Illegal command", "You must log in using CONNECT first".to_owned()));
        }
        // Only SEND has a use for its body; that of another frame is passed over (as RabbitMQ).
        let max = if self.is_open() { MAX_IDLE_BODY_BYTES } else { MAX_LOGIN_BODY_BYTES };
        let Some((_, size)) = body_of(head.headers)?.split(rest, max)? else {
            // Its limit has to be seen to be passed whatever comes.
            return Ok(Step::Held);
        };
        let headers = head.headers;
        match (&self.state, head.command) {
            (State::Handshake(_), _) => self.on_connect(broker, headers, out)?,
            (_, "SUBSCRIBE") => self.on_subscribe(broker, headers, out)?,
            (_, "UNSUBSCRIBE") => self.on_unsubscribe(broker, headers, out)?,
            (_, "ACK") => self.on_ack(broker, headers)?,
            (_, "NACK") => self.on_nack(broker, headers)?,
            (_, "BEGIN") => self.on_begin(broker, headers, out)?,
            (_, "COMMIT") => self.on_commit(broker, headers, out)?,
            (_, "ABORT") => self.on_abort(broker, headers, out)?,
            (_, "DISCONNECT") => self.on_disconnect(broker, headers, out),
            (_, "CONNECT" | "STOMP") => {
                return Err(Fault::new("Bad command", "The connection is logged in already\n".to_owned()));
            }
            (_, other) => {
                let text = format!("Could not interpret command \"{}\"\n", shown(other));
                return Err(Fault::new("Bad command", text));
            }
        }
        Ok(Step::Taken(size))
    }
}
