//! Stands in for a session while the transport is busy with itself: it only watches the time (B2).

use ternmq_broker::{Broker, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session};

/// A connection whose transport is opening.
pub(crate) struct Opening {
    deadline_ms: u64,
    is_over: bool,
}

impl Opening {
    pub(crate) fn new(deadline_ms: u64) -> Self {
        Self { deadline_ms, is_over: false }
    }
}

impl Session for Opening {
    /// Never called: no bytes come out of a transport that is opening.
    fn handle_bytes(&mut self, _: &mut Broker, input: &[u8], _: &mut Vec<u8>) -> usize {
        input.len()
    }

    fn handle_effect(&mut self, _: &mut Broker, _: Effect, _: &mut Vec<u8>) {}

    fn handle_durable(&mut self, _: Durable, _: &mut Vec<u8>) {}

    fn is_waiting(&self) -> bool {
        false
    }

    fn handle_login(&mut self, _: &mut Broker, _: LoginResult, _: &mut Vec<u8>) {}

    fn handle_timeout(&mut self, _: &mut Broker, now_ms: u64, _: &mut Vec<u8>) {
        self.is_over |= now_ms >= self.deadline_ms;
    }

    fn handle_drain(&mut self, _: &mut Broker, _: &mut Vec<u8>) {
        self.is_over = true;
    }

    fn handle_closed(&mut self, _: &mut Broker) {
        self.is_over = true;
    }

    fn poll_request(&mut self) -> Option<Request> {
        None
    }

    fn deadline_ms(&self) -> Option<u64> {
        Some(self.deadline_ms)
    }

    fn wants_input(&self) -> bool {
        !self.is_over
    }

    fn input_limit_bytes(&self) -> usize {
        0
    }

    fn phase(&self) -> Phase {
        if self.is_over { Phase::Closed } else { Phase::Handshake }
    }

    fn connection(&self) -> Option<ConnectionId> {
        None
    }

    fn handle_congestion(&mut self, _: &mut Broker, _: bool) {}
}
