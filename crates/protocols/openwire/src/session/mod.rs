//! One connection's protocol state: commands in, commands to the core, effects of the core out as commands.
//!
//! Owns: the agreement on the wire format, the login, ids of sessions, consumers and producers, what each consumer has not
//! acknowledged, transactions, answers that wait for durability, signs of life. Must not know: sockets, clocks, what a queue
//! is, what a destination means, any rule that another protocol has too.
//!
//! Invariants: an answer leaves in the order of its command, and not before the log proves what it says (I8); a message is
//! acknowledged by what it is, never by a number of another connection; after a ConnectionError that ends it nothing of the
//! connection is believed and nothing more is sent.

mod alive;
mod answer;
mod branch;
mod browse;
mod close;
mod commands;
mod connect;
mod consume;
mod deliver;
mod id;
mod outgoing;
mod pull;
mod question;
mod remove;
mod resend;
mod send;
mod settle;
mod temporary;
mod transaction;
mod unsettled;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    net::SocketAddr,
    sync::Arc,
};

use ternmq_broker::{
    Broker, BrowsePage, ConnectionId, Durable, Effect, LoginResult, Phase, Request, Session, SessionId,
};

use self::{
    alive::Alive, answer::Deferred, branch::Held, browse::Looks, connect::Login, consume::Consumer,
    resend::Resend, send::Targets, transaction::Transaction,
};
use crate::codec::{Encoding, InCache, Limits, Molds, Object, OutCache, Walks, encode};

/// Output of one call beyond which no more input is taken.
const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Bytes of answers that wait beyond which no more input is taken.
const MAX_DEFERRED_BYTES: usize = 1 << 20;
/// Most sessions of a connection (I11).
const MAX_SESSIONS: usize = 10_000;
/// Most producers of a connection (I11).
const MAX_PRODUCERS: usize = 10_000;

/// What every connection of a listener shares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Version told to clients.
    pub version: Arc<str>,
    /// Time in ms for the whole login (B2).
    pub login_timeout_ms: u64,
    /// Longest time in ms without a sign of life in either direction, unless the client wants less; 0: no matter.
    pub inactivity_ms: u64,
    /// A client without user and password is the user whom its verified certificate names (S4).
    pub is_certificate_login: bool,
    /// Most transactions of a connection at once.
    pub max_transactions: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: env!("CARGO_PKG_VERSION").into(),
            login_timeout_ms: 10_000,
            inactivity_ms: 30_000,
            is_certificate_login: false,
            max_transactions: 64,
        }
    }
}

/// Where the connection stands.
enum State {
    /// Nothing but what the peer can is taken.
    Greeting,
    /// Nothing but the login; once it has come, the password is being checked.
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

/// OpenWire on one connection.
pub struct OpenWireSession {
    state: State,
    settings: Arc<Settings>,
    encoding: Encoding,
    kept: InCache,
    /// Messages of this client that came before.
    molds: Molds,
    /// Messages that went to it before.
    walks: Walks,
    sent: OutCache,
    connection: Option<ConnectionId>,
    /// The one session in the core that everything outside of transactions is done in.
    session: Option<SessionId>,
    /// The id that the client gave the connection.
    id: Option<Arc<Object<'static>>>,
    /// Name that the client gave itself.
    client: Option<Arc<str>>,
    peer: Option<SocketAddr>,
    local: Option<SocketAddr>,
    /// User that the certificate names, when it may log in.
    certificate_user: Option<Arc<str>>,
    /// Numbers of the client's sessions.
    sessions: BTreeSet<i64>,
    /// Producers by session and number, with whether each waits for room in its window.
    producers: BTreeMap<(i64, i64), bool>,
    /// The place of a consumer is its label in the core.
    consumers: Vec<Option<Box<Consumer>>>,
    transactions: Vec<Transaction>,
    /// Deliveries that are acknowledged in branches of distributed transactions.
    held: Vec<Held>,
    resend: Resend,
    targets: Targets,
    /// Where the head of a message that comes is made.
    head: Vec<u8>,
    /// Queues by which the connection holds its temporary destinations.
    temporaries: BTreeSet<Arc<str>>,
    deferred: VecDeque<Deferred>,
    deferred_bytes: usize,
    /// Some answer of this call waits for settlements that are not in the log yet.
    owes_answers: bool,
    alive: Alive,
    login_deadline_ms: Option<u64>,
    request: Option<Request>,
    looks: Looks,
    limits: Limits,
    /// The peer said that it is a broker.
    has_introduced: bool,
    /// It said what it wants of the connection before it logged in.
    has_controlled: bool,
    /// It has published.
    is_publisher: bool,
    /// Publishing is held back and the client tried it.
    is_held: bool,
}

impl OpenWireSession {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(
        settings: Arc<Settings>,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        now_ms: u64,
    ) -> Self {
        Self {
            state: State::Greeting,
            encoding: Encoding::FIRST,
            kept: InCache::default(),
            molds: Molds::default(),
            walks: Walks::default(),
            sent: OutCache::default(),
            connection: None,
            session: None,
            id: None,
            client: None,
            peer,
            local,
            certificate_user: None,
            sessions: BTreeSet::new(),
            producers: BTreeMap::new(),
            consumers: Vec::new(),
            transactions: Vec::new(),
            held: Vec::new(),
            resend: Resend::default(),
            targets: Targets::default(),
            head: Vec::new(),
            temporaries: BTreeSet::new(),
            deferred: VecDeque::new(),
            deferred_bytes: 0,
            owes_answers: false,
            alive: Alive::default(),
            login_deadline_ms: Some(now_ms.saturating_add(settings.login_timeout_ms)),
            request: None,
            looks: Looks::default(),
            limits: Limits::HANDSHAKE,
            has_introduced: false,
            has_controlled: false,
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

    /// Writes a command.
    fn send(&mut self, object: &Object<'_>, out: &mut Vec<u8>) {
        encode(object, self.encoding, &mut self.sent, out);
    }
}

impl Session for OpenWireSession {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let before = out.len();
        self.alive.note_input(!input.is_empty());
        let taken = if self.is_deaf() { input.len() } else { self.handle_frames(broker, input, out) };
        self.seal_answers(broker, out);
        self.alive.note_output(out.len() > before);
        taken
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        let before = out.len();
        self.on_effect(broker, effect, out);
        self.alive.note_output(out.len() > before);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let before = out.len();
        self.release_answers(durable, out);
        self.looks.note_durable(durable);
        self.alive.note_output(out.len() > before);
    }

    fn is_waiting(&self) -> bool {
        !self.deferred.is_empty() || self.looks.is_waiting()
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.on_login(broker, result, out);
    }

    fn handle_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        let before = out.len();
        self.on_browsed(broker, page, out);
        self.alive.note_output(out.len() > before);
    }

    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        if self.deadline_ms().is_some_and(|deadline_ms| deadline_ms <= now_ms) {
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
        self.request.take().or_else(|| self.looks.poll())
    }

    fn deadline_ms(&self) -> Option<u64> {
        match self.state {
            State::Open => self.alive.deadline_ms().into_iter().chain(self.pull_deadline_ms()).min(),
            _ => self.login_deadline_ms,
        }
    }

    fn wants_input(&self) -> bool {
        match self.state {
            State::Handshake(Some(_)) | State::Closing | State::Closed => false,
            State::Greeting | State::Handshake(None) | State::Ending => true,
            State::Open => !self.is_held && self.deferred_bytes < MAX_DEFERRED_BYTES,
        }
    }

    fn input_limit_bytes(&self) -> usize {
        usize::try_from(self.limits.frame_bytes).unwrap_or(usize::MAX).saturating_add(4)
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Greeting | State::Handshake(_) => Phase::Handshake,
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
    fn an_idle_connection_with_a_consumer_is_small() {
        let bytes = size_of::<OpenWireSession>() + size_of::<Consumer>();
        assert!(bytes <= 1_024, "{bytes} bytes before anything is sent or received");
    }
}
