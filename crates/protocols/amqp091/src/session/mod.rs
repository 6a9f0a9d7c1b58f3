//! One connection's protocol state: frames in, commands to the core, effects of the core out as frames.
//!
//! Owns: the handshake, channels and their order of frames, content under assembly, consumer tags, confirms, answers
//! that wait for durability. Must not know: sockets, clocks, what a queue is, any rule that another protocol has too.
//!
//! Invariants: answers, deliveries and confirms of one channel leave in the order in which they were made; nothing that
//! promises durability leaves before the log proves it (I8, I10); after the first malformed byte nothing is believed.

mod basic;
mod channel;
mod close;
mod confirm;
mod connection;
mod consume;
mod content;
mod deferred;
mod effects;
mod exchange;
mod handshake;
mod login;
mod queue;
mod reply_to;
mod tx;

use std::{net::SocketAddr, sync::Arc};

use ternmq_broker::{Broker, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session};

use self::{channel::Channel, handshake::Handshake};
use crate::{
    codec::frame::{FrameError, FrameKind, split_frame},
    error::{FRAME_ERROR, Fault, UNEXPECTED_FRAME},
};

pub use self::{
    content::ENCODING,
    handshake::{Mechanisms, Settings},
};

/// How much larger than agreed a frame may be: its own head and end.
const FRAME_SLACK_BYTES: u32 = 8;
/// Output of one call beyond which no more input is taken.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Where the connection stands.
enum State {
    /// Not logged in.
    Handshake(Box<Handshake>),
    /// Logged in.
    Open,
    /// We sent close and wait for close-ok.
    AwaitCloseOk,
    /// We agreed to the client's close: it ends the transport, or we do after a while.
    AwaitEnd,
    /// Nothing more comes; the output is the last.
    Closing,
    /// Over.
    Closed,
}

/// AMQP 0-9-1 on one connection.
pub struct Amqp091Session {
    state: State,
    settings: Arc<Settings>,
    connection: Option<ConnectionId>,
    channels: Vec<Option<Box<Channel>>>,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// The user whom a verified certificate of the client names.
    certificate_user: Option<Arc<str>>,
    frame_max: u32,
    channel_max: u16,
    heartbeat_s: u16,
    /// Ticks of half a heartbeat without any input.
    silent_ticks: u8,
    has_input: bool,
    deadline_ms: Option<u64>,
    request: Option<Request>,
    /// The client wants to hear of blocked publishing.
    hears_blocked: bool,
    /// The client wants to hear of consumers that the broker ended.
    hears_cancel: bool,
    /// It has published.
    is_publisher: bool,
    /// Publishing is held back and the client tried it.
    is_held: bool,
    /// A login or a fetch is under way: input waits for it.
    is_paused: bool,
    /// Channels with confirms to send at the end of this call.
    confirming: Vec<u16>,
    /// Channels with answers that wait for durability.
    waiting_count: u32,
}

impl Amqp091Session {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(
        settings: Arc<Settings>,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        now_ms: u64,
    ) -> Self {
        Self {
            state: State::Handshake(Box::default()),
            connection: None,
            channels: Vec::new(),
            peer,
            local,
            certificate_user: None,
            frame_max: settings.handshake_frame_max,
            channel_max: 0,
            heartbeat_s: 0,
            silent_ticks: 0,
            has_input: false,
            deadline_ms: Some(now_ms.saturating_add(settings.login_timeout_ms)),
            request: None,
            hears_blocked: false,
            hears_cancel: false,
            is_publisher: false,
            is_held: false,
            is_paused: false,
            confirming: Vec::new(),
            waiting_count: 0,
            settings,
        }
    }

    /// The same for a client whose verified certificate names this user: it may log in by EXTERNAL.
    #[must_use]
    pub fn with_certificate_user(self, certificate_user: Option<Arc<str>>) -> Self {
        Self { certificate_user, ..self }
    }

    /// Whatever comes from the peer is thrown away.
    fn is_deaf(&self) -> bool {
        matches!(self.state, State::AwaitEnd | State::Closing | State::Closed)
    }

    fn channel_mut(&mut self, number: u16) -> Option<&mut Channel> {
        self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
    }

    /// Largest frame that is taken. Some clients take the agreed size for that of the payload (as RabbitMQ has it).
    fn frame_limit(&self) -> u32 {
        match self.state {
            State::Handshake(_) => self.frame_max,
            _ => self.frame_max.saturating_add(FRAME_SLACK_BYTES),
        }
    }

    /// The error with the limit that was agreed on, not the one that is taken.
    fn agreed(&self, error: FrameError) -> FrameError {
        match error {
            FrameError::TooLarge { size_bytes, .. } => {
                FrameError::TooLarge { size_bytes, max_bytes: self.frame_max }
            }
            other => other,
        }
    }

    /// Handles whole frames until the input ends or has to wait.
    fn handle_frames(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        // A burst of fetches must not build output without end (I11): the rest comes again once some of it is out.
        while !self.is_deaf() && self.wants_input() && out.len() < MAX_OUTPUT_BYTES {
            let rest = input.get(taken..).unwrap_or_default();
            let (frame, size) = match split_frame(rest, self.frame_limit()) {
                Ok(Some(split)) => split,
                Ok(None) => break,
                Err(error) => {
                    let error = self.agreed(error);
                    self.fail(broker, Fault::new(FRAME_ERROR, error.to_string()), (0, 0), out);
                    return input.len();
                }
            };
            let next = rest.get(size..).unwrap_or_default();
            let outcome = match frame.kind {
                FrameKind::Method => self.on_method(broker, frame.channel, frame.payload, out),
                FrameKind::Header => self.on_header(broker, frame.channel, frame.payload, next, out),
                FrameKind::Body => self.on_body(broker, frame.channel, frame.payload, out),
                FrameKind::Heartbeat if frame.channel == 0 && frame.payload.is_empty() => Ok(Step::Taken),
                FrameKind::Heartbeat => {
                    Err(Fault::new(FRAME_ERROR, "a heartbeat belongs on channel 0 and is empty"))
                }
            };
            match outcome {
                Ok(Step::Taken) => taken += size,
                Ok(Step::TakenWith(extra)) => taken += size + extra,
                Ok(Step::Held) => break,
                Err(fault) => {
                    self.on_fault(broker, frame.channel, fault, frame.payload, frame.kind, out);
                    taken += size;
                }
            }
        }
        if self.is_deaf() { input.len() } else { taken }
    }

    /// A header or body frame on a channel that is not open is an error of the connection.
    fn content_channel(&mut self, number: u16) -> Result<Option<&mut Channel>, Fault> {
        if matches!(self.state, State::AwaitCloseOk) {
            return Ok(None);
        }
        match self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut()) {
            Some(channel) if channel.is_closing => Ok(None),
            Some(channel) => Ok(Some(channel)),
            None if number == 0 => Err(Fault::new(UNEXPECTED_FRAME, "content is not possible on channel 0")),
            None => Err(content::no_publish()),
        }
    }
}

/// What became of a frame.
pub(crate) enum Step {
    /// Handled.
    Taken,
    /// Handled together with this many bytes after it.
    TakenWith(usize),
    /// It has to wait; give it again later.
    Held,
}

impl Session for Amqp091Session {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        self.has_input |= !input.is_empty();
        let greeting = match &self.state {
            State::Handshake(handshake) if handshake.awaits_greeting() => {
                match self.on_greeting(broker, input, out) {
                    0 => return if matches!(self.state, State::Closing) { input.len() } else { 0 },
                    taken => taken,
                }
            }
            State::AwaitEnd | State::Closing | State::Closed => return input.len(),
            _ => 0,
        };
        let rest = input.get(greeting..).unwrap_or_default();
        let taken = greeting + self.handle_frames(broker, rest, out);
        self.flush_confirms(broker, out);
        taken
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        self.on_effect(broker, effect, out);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        self.on_durable(durable, out);
    }

    fn is_waiting(&self) -> bool {
        self.waiting_count > 0
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.on_login(broker, result, out);
    }

    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        if self.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            self.on_deadline(broker, now_ms, out);
        }
    }

    fn handle_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.on_drain(broker, out);
    }

    fn handle_closed(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.state = State::Closed;
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn wants_input(&self) -> bool {
        !self.is_paused && !self.is_held && !matches!(self.state, State::Closing | State::Closed)
    }

    fn input_limit_bytes(&self) -> usize {
        self.frame_limit() as usize
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Handshake(_) => Phase::Handshake,
            State::Open | State::AwaitCloseOk | State::AwaitEnd => Phase::Open,
            State::Closing => Phase::Closing,
            State::Closed => Phase::Closed,
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_with_a_channel_is_small() {
        let bytes =
            size_of::<Amqp091Session>() + size_of::<[Option<Box<Channel>>; 2]>() + size_of::<Channel>();
        assert!(bytes <= 768, "{bytes} bytes before anything is published or consumed");
    }
}
