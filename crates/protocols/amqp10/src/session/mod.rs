//! One connection's protocol state: frames in, commands to the core, effects of the core out as frames.
//!
//! Owns: the login, sessions with their windows, links with their credit, deliveries under way in both directions, outcomes
//! that wait for durability or for the end of a transaction. Must not know: sockets, clocks, what a queue is, what an address means, any rule that another
//! protocol has too.
//!
//! Invariants: a publish is accepted, and a consumer's outcome settled, only when the log proves it (I8, I3); the answer to
//! an attach leaves when what it made is durable, and everything of its session behind it (I10); a link is handed no more
//! than its credit, and a session's transfers stay in its peer's window; what ends by an error is not heard any more until
//! the peer has ended it too.

mod assembly;
mod attach;
mod begin;
mod browse;
mod close;
mod definitions;
mod deliver;
mod disposition;
mod effects;
mod expiry;
mod filter;
mod flow;
mod frames;
mod handshake;
mod heartbeat;
mod line;
mod publish;
mod sasl;
mod source;
mod transaction;
mod transfer;
mod unsettled;

use std::{net::SocketAddr, sync::Arc};

use ternmq_broker::{
    Broker, BrowsePage, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session,
};

pub use self::handshake::Settings;
use self::{
    assembly::Assemblies, browse::Looks, handshake::Handshake, heartbeat::Beats, line::Line,
    transaction::Transactions,
};

/// Output of one call beyond which no more input is taken.
const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// Where the connection stands.
enum State {
    /// Not logged in, or not open yet.
    Handshake(Box<Handshake>),
    /// Open.
    Open,
    /// Nothing more comes; the output is the last.
    Closing,
    /// Over.
    Closed,
}

/// AMQP 1.0 on one connection.
pub struct Amqp10Session {
    state: State,
    settings: Arc<Settings>,
    connection: Option<ConnectionId>,
    /// The sessions by their channels; the broker's channel of a session is the peer's.
    lines: Vec<Option<Box<Line>>>,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// The user whom a verified certificate of the client names.
    certificate_user: Option<Arc<str>>,
    /// Name that the client gave itself.
    container: Arc<str>,
    /// The namespace that it is in.
    namespace: Arc<str>,
    /// Largest frame that the peer takes.
    peer_frame_max: u32,
    beats: Beats,
    deadline_ms: Option<u64>,
    request: Option<Request>,
    /// A login is under way: input waits for it.
    is_paused: bool,
    /// It has published.
    is_publisher: bool,
    /// Publishing is held back and the client tried it.
    is_held: bool,
    /// An effect is being handled.
    is_handing_out: bool,
    /// Links that give up credit that they can't use.
    draining: Vec<(u16, u32)>,
    transactions: Transactions,
    assemblies: Assemblies,
    /// Pages of receivers that only look; absent until there is one.
    looks: Option<Box<Looks>>,
    /// Channels with something to say at the end of this call.
    busy: Vec<u16>,
    /// Room for what is put together before it is sent or kept.
    scratch: Vec<u8>,
}

impl Amqp10Session {
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
            lines: Vec::new(),
            peer,
            local,
            certificate_user: None,
            container: Arc::default(),
            namespace: Arc::default(),
            peer_frame_max: settings.handshake_frame_max,
            beats: Beats::default(),
            deadline_ms: Some(now_ms.saturating_add(settings.login_timeout_ms)),
            request: None,
            is_paused: false,
            is_publisher: false,
            is_held: false,
            is_handing_out: false,
            draining: Vec::new(),
            transactions: Transactions::default(),
            assemblies: Assemblies::default(),
            looks: None,
            busy: Vec::new(),
            scratch: Vec::new(),
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
        matches!(self.state, State::Closing | State::Closed)
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    /// Largest frame that is taken.
    fn frame_limit(&self) -> u32 {
        match self.state {
            State::Handshake(_) => self.settings.handshake_frame_max,
            _ => self.settings.frame_max,
        }
    }

    fn line_mut(&mut self, channel: u16) -> Option<&mut Line> {
        self.lines.get_mut(usize::from(channel)).and_then(Option::as_deref_mut)
    }

    /// Notes that a session has something to say at the end of this call.
    fn touch(&mut self, channel: u16) {
        if self.busy.last() != Some(&channel) {
            self.busy.push(channel);
        }
    }
}

/// What became of a frame.
enum Step {
    /// Handled.
    Taken,
    /// It has to wait; give it again later.
    Held,
}

impl Session for Amqp10Session {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let before = out.len();
        self.beats.note_input(!input.is_empty());
        let taken = if self.is_deaf() { input.len() } else { self.handle_frames(broker, input, out) };
        self.finish_turn(broker, out);
        self.beats.note_output(out.len() > before);
        taken
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        let before = out.len();
        self.is_handing_out = true;
        self.on_effect(broker, effect, out);
        self.settle_drains(broker, out);
        self.is_handing_out = false;
        self.beats.note_output(out.len() > before);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let before = out.len();
        if let Some(looks) = &mut self.looks {
            looks.note_durable(durable);
        }
        for line in self.lines.iter_mut().filter_map(Option::as_deref_mut) {
            line.on_durable(durable, out);
        }
        self.beats.note_output(out.len() > before);
    }

    fn is_waiting(&self) -> bool {
        let is_looking = self.looks.as_ref().is_some_and(|looks| looks.is_waiting());
        is_looking || self.lines.iter().flatten().any(|line| line.is_waiting())
    }

    fn handle_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        let before = out.len();
        self.on_browsed(broker, page, out);
        self.beats.note_output(out.len() > before);
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
        self.on_node_drain(broker, out);
    }

    fn handle_closed(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.state = State::Closed;
        self.deadline_ms = None;
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.request.take().or_else(|| self.poll_look())
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn wants_input(&self) -> bool {
        !self.is_paused && !self.is_held && !self.is_deaf()
    }

    fn input_limit_bytes(&self) -> usize {
        self.frame_limit() as usize
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Handshake(_) => Phase::Handshake,
            State::Open => Phase::Open,
            State::Closing => Phase::Closing,
            State::Closed => Phase::Closed,
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }

    fn handle_congestion(&mut self, broker: &mut Broker, is_congested: bool) {
        if let Some(looks) = &mut self.looks {
            looks.note_congestion(is_congested);
        }
        if let Some(connection) = self.connection {
            broker.set_congested(connection, is_congested);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_with_a_session_is_small() {
        let bytes = size_of::<Amqp10Session>() + size_of::<Line>();
        assert!(bytes <= 768, "{bytes} bytes before anything is sent or received");
    }
}
