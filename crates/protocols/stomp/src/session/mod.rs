//! One connection's protocol state: frames in, commands to the core, effects of the core out as frames.
//!
//! Owns: the login, heart-beats, the body under assembly, subscriptions' ids, transactions' names, receipts that wait for
//! durability. Must not know: sockets, clocks, what a queue is, what a destination means, any rule that another protocol
//! has too.
//!
//! Invariants: receipts leave in the order of their frames, none before the log proves what it says (I8); after an ERROR
//! nothing of the connection is believed and nothing more is sent; no delivery follows the receipt of an UNSUBSCRIBE.

mod close;
mod connect;
mod effects;
mod frames;
mod heartbeat;
mod receipt;
mod send;
mod settle;
mod subscribe;
mod temporary;
mod transaction;

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use ternmq_broker::{
    Broker, ConnectionId, Durable, Effect, HeaderWords, LoginResult, Phase, Request, Session, SessionId,
};

use self::{
    connect::Login, heartbeat::Beats, receipt::Deferred, send::Assembly, send::Targets,
    subscribe::Subscription, transaction::Transaction,
};
use crate::codec::{Limits, Version};

/// Output of one call beyond which no more input is taken.
const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Bytes of receipts that wait beyond which no more input is taken.
const MAX_DEFERRED_BYTES: usize = 1 << 20;
/// Longest body of a frame that has no use for one.
const MAX_IDLE_BODY_BYTES: u64 = 64 << 10;
/// The same of a CONNECT.
const MAX_LOGIN_BODY_BYTES: u64 = 1 << 10;

/// What every connection of a listener shares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version told to clients.
    pub version: Arc<str>,
    /// Time in ms for the whole login (B2).
    pub login_timeout_ms: u64,
    /// A NACK that does not say it puts its message back; else the message is discarded.
    pub is_nack_requeued: bool,
    /// A client without `login` and `passcode` is the user whom its verified certificate names (S4).
    pub is_certificate_login: bool,
    /// Most transactions of a connection at once.
    pub max_transactions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            login_timeout_ms: 10_000,
            is_nack_requeued: true,
            is_certificate_login: false,
            max_transactions: 16,
        }
    }
}

/// Where the connection stands.
enum State {
    /// Nothing but CONNECT is taken; once it has come, the password is being checked.
    Handshake(Option<Box<Login>>),
    /// Logged in.
    Open,
    /// Nothing is taken any more; what waits goes out once it is durable, then the end.
    Ending,
    /// Nothing more comes; the output is the last.
    Closing,
    /// Over.
    Closed,
}

/// STOMP on one connection.
pub struct StompSession {
    state: State,
    settings: Arc<Settings>,
    connection: Option<ConnectionId>,
    /// The one session in the core that everything outside of transactions is done in.
    session: Option<SessionId>,
    version: Version,
    /// Text that nobody else's acknowledgements hold, nor the names of their temporary destinations.
    id: Arc<str>,
    /// Name that the client gave itself.
    client: Option<Arc<str>>,
    /// What the dialect calls headers.
    words: &'static HeaderWords,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// User that the certificate names, when it may log in.
    certificate_user: Option<Arc<str>>,
    subscriptions: Vec<Option<Box<Subscription>>>,
    transactions: Vec<Transaction>,
    targets: Targets,
    assembly: Option<Box<Assembly>>,
    deferred: VecDeque<Deferred>,
    deferred_bytes: usize,
    /// Some receipt of this call waits for settlements that are not in the log yet.
    owes_receipts: bool,
    beats: Beats,
    deadline_ms: Option<u64>,
    request: Option<Request>,
    /// Bytes of an incomplete frame that were looked at before.
    seen_bytes: usize,
    /// Header lines of the message on its way; kept for its room.
    head: Vec<u8>,
    /// It has published.
    is_publisher: bool,
    /// Publishing is held back and the client tried it.
    is_held: bool,
}

impl StompSession {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(
        settings: Arc<Settings>,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        now_ms: u64,
    ) -> Self {
        Self {
            state: State::Handshake(None),
            connection: None,
            session: None,
            version: Version::V10,
            id: Arc::default(),
            client: None,
            words: &HeaderWords::NONE,
            peer,
            local,
            certificate_user: None,
            subscriptions: Vec::new(),
            transactions: Vec::new(),
            targets: Targets::default(),
            assembly: None,
            deferred: VecDeque::new(),
            deferred_bytes: 0,
            owes_receipts: false,
            beats: Beats::default(),
            deadline_ms: Some(now_ms.saturating_add(settings.login_timeout_ms)),
            request: None,
            seen_bytes: 0,
            head: Vec::new(),
            is_publisher: false,
            is_held: false,
            settings,
        }
    }

    /// The same, with the user whom the client's verified certificate names; it counts where the settings say so (S4).
    #[must_use]
    pub fn with_certificate_user(mut self, user: Option<Arc<str>>) -> Self {
        self.certificate_user = user.filter(|_| self.settings.is_certificate_login);
        self
    }

    /// Whatever comes from the peer is thrown away.
    fn is_deaf(&self) -> bool {
        matches!(self.state, State::Ending | State::Closing | State::Closed)
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open)
    }

    fn limits(&self) -> Limits {
        if self.is_open() { Limits::OPEN } else { Limits::HANDSHAKE }
    }
}

/// What became of a frame.
enum Step {
    /// Handled; the body that follows its head was so many bytes.
    Taken(usize),
    /// More of it has to come.
    Incomplete,
    /// It has to wait; give it again later.
    Held,
}

impl Session for StompSession {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let before = out.len();
        self.beats.note_input(!input.is_empty());
        let taken = if self.is_deaf() { input.len() } else { self.handle_frames(broker, input, out) };
        self.seal_receipts(broker, out);
        self.beats.note_output(out.len() > before);
        taken
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        let before = out.len();
        self.on_effect(broker, effect, out);
        self.beats.note_output(out.len() > before);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let before = out.len();
        self.release_receipts(durable, out);
        self.beats.note_output(out.len() > before);
    }

    fn is_waiting(&self) -> bool {
        !self.deferred.is_empty()
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
        self.deferred.clear();
        self.state = State::Closed;
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn wants_input(&self) -> bool {
        match self.state {
            State::Handshake(Some(_)) | State::Closing | State::Closed => false,
            State::Handshake(None) | State::Ending => true,
            State::Open => !self.is_held && self.deferred_bytes < MAX_DEFERRED_BYTES,
        }
    }

    fn input_limit_bytes(&self) -> usize {
        // A body is taken as it comes, but for the small ones that nobody wants.
        let body_bytes = if self.is_open() { MAX_IDLE_BODY_BYTES } else { MAX_LOGIN_BODY_BYTES };
        // One more for the NUL.
        self.limits().head_bytes + usize::try_from(body_bytes).unwrap_or(usize::MAX) + 1
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Handshake(_) => Phase::Handshake,
            State::Open | State::Ending => Phase::Open,
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
    fn an_idle_connection_with_a_subscription_is_small() {
        let bytes = size_of::<StompSession>() + size_of::<Subscription>();
        assert!(bytes <= 768, "{bytes} bytes before anything is sent or received");
    }
}
