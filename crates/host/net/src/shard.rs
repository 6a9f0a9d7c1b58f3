//! The loop of a shard: one thread that owns a broker and all its connections. A turn takes what the system, other
//! threads and the clock have brought, lets the core end its turn, gives its records to the journal, and writes once to
//! every connection that has something to say.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::Receiver;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use ternmq_broker::{Broker, Durable, LoginCheck, Now, Receipt};
use ternmq_env::Clock;
use ternmq_journal::Reader;

use crate::arrival::{Arrival, SessionFactory};
use crate::counters::Counters;
use crate::driver::{Driver, DriverLimits, Key, Readiness};
use crate::gate::Gate;
use crate::handle::ShardHandle;
use crate::incidents;
use crate::journal_log::JournalLog;
use crate::journal_thread::JournalThread;
use crate::listener::{Accepted, Acceptor, Door, DoorTls};
use crate::loader::Loader;
use crate::mail::{Mail, Mailbox, Switch};
use crate::passwords::{Opened, Opening, Passwords};
use crate::place::Places;
use crate::proxy::Network;
use crate::scrubber::Scrubber;
use crate::wire::{Wire, is_from};

/// Token of the waker; listeners count down from the one before.
const WAKER: Token = Token(usize::MAX - 1);
const FIRST_LISTENER: usize = usize::MAX - 2;
/// Events taken in one turn.
const EVENTS: usize = 1024;
/// Bytes of records on their way to the disk above which records wait, and publishers with them.
const MAX_UNDER_WAY_BYTES: usize = 32 << 20;
/// How long clients have to say goodbye when the node drains.
const DRAIN_MS: u64 = 10_000;
/// Pause between two log lines about connections over a limit.
const LIMIT_PAUSE_MS: u64 = 1_000;
/// How often it is looked for one that makes room while all places for those who log in are taken. A place that becomes
/// free by itself is given away at once.
const HANDSHAKE_PAUSE_MS: u64 = 20;

/// What a shard is made of, apart from its broker.
pub struct ShardParts {
    /// The core's log.
    pub log: JournalLog,
    /// The thread that writes it.
    pub journal: JournalThread,
    /// Reads from it.
    pub reader: Reader,
    /// Where clients come in, and what speaks with them there.
    pub doors: Vec<Door>,
    /// Bounds of connections.
    pub limits: DriverLimits,
    /// Threads that check passwords.
    pub password_threads: usize,
    /// What has to be done before the first login.
    pub opening: Option<Opening>,
    /// Time.
    pub clock: Arc<dyn Clock>,
}

/// What a question of management sees, between two turns.
pub struct View<'a> {
    /// The core.
    pub broker: &'a mut Broker,
    /// The sockets.
    pub counters: &'a Counters,
    waiters: &'a mut Vec<Waiter>,
}

/// What a connection meets behind an acceptor.
struct Entrance {
    factory: SessionFactory,
    tls: DoorTls,
    proxies: Arc<[Network]>,
    gate: Arc<Gate>,
    places: Places,
}

struct Waiter {
    receipt: Receipt,
    notify: Box<dyn FnOnce() + Send>,
}

impl View<'_> {
    /// Calls back once `receipt` is durable.
    pub fn when_durable(&mut self, receipt: Receipt, notify: impl FnOnce() + Send + 'static) {
        if self.broker.durable().covers(receipt) {
            notify();
        } else {
            self.waiters.push(Waiter { receipt, notify: Box::new(notify) });
        }
    }
}

/// A shard before it runs; may be sent to its thread.
pub struct Shard {
    poll: Poll,
    mailbox: Mailbox,
    mail: Receiver<Mail>,
}

impl Shard {
    /// A shard, and the handle by which the rest of the process reaches it.
    ///
    /// # Errors
    /// The system has no descriptors to give.
    pub fn new() -> io::Result<(Self, ShardHandle)> {
        let poll = Poll::new()?;
        let (mailbox, mail) = Mailbox::new(Waker::new(poll.registry(), WAKER)?);
        Ok((Self { poll, mailbox: mailbox.clone(), mail }, ShardHandle::new(mailbox)))
    }

    /// The mailbox, for the threads around the shard.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// Runs until it has drained, then closes the journal. `on_ready` is called when all listeners accept and users can
    /// log in.
    ///
    /// # Errors
    /// The system refuses what the loop cannot live without, or the opening failed; its error comes as it is.
    pub fn run(self, core: Broker, parts: ShardParts, on_ready: impl FnOnce() + 'static) -> io::Result<()> {
        let mut running = Running::new(self, core, parts, Box::new(on_ready))?;
        let ended = running.run();
        // After an error too: a journal that is still being written must not meet a data directory that is gone.
        running.journal.close();
        ended
    }
}

/// While the opening is being computed.
struct Closed {
    /// Logins that wait for it; there are no more than connections that log in.
    checks: Vec<(Key, Box<LoginCheck>)>,
    on_ready: Box<dyn FnOnce()>,
}

struct Running {
    poll: Poll,
    mailbox: Mailbox,
    mail: Receiver<Mail>,
    driver: Driver<Wire<TcpStream>>,
    acceptors: Vec<(Acceptor, Entrance)>,
    accept_at_ms: Option<u64>,
    /// Nobody is accepted because all places for those who log in are taken.
    is_full_house: bool,
    log: JournalLog,
    journal: JournalThread,
    under_way_bytes: usize,
    loader: Loader,
    passwords: Passwords,
    /// Absent once users can log in.
    closed: Option<Closed>,
    /// Why the shard has to end.
    failure: Option<io::Error>,
    _scrubber: Scrubber,
    waiters: Vec<Waiter>,
    /// Dropped with the shard, which is how they learn of its end.
    watchers: Vec<tokio::sync::oneshot::Sender<()>>,
    clock: Arc<dyn Clock>,
    now_ms: u64,
    is_refusing: bool,
    /// When it may be told again that a limit turned a connection away.
    limit_told_ms: u64,
    /// A drain begins with this turn.
    is_drain_asked: bool,
    drain_until_ms: Option<u64>,
}

impl Running {
    fn new(shard: Shard, core: Broker, parts: ShardParts, on_ready: Box<dyn FnOnce()>) -> io::Result<Self> {
        let Shard { poll, mailbox, mail } = shard;
        let has_outside = core.has_outside_users();
        let closed = if parts.opening.is_some() {
            Some(Closed { checks: Vec::new(), on_ready })
        } else {
            on_ready();
            None
        };
        let mut acceptors = Vec::new();
        for (number, door) in parts.doors.into_iter().enumerate() {
            let Door { listener, factory, tls, proxies, limits, gate, max_connections } = door;
            let mut acceptor = Acceptor::new(listener, limits);
            poll.registry().register(
                &mut acceptor.socket,
                Token(FIRST_LISTENER - number),
                Interest::READABLE,
            )?;
            let places = Places::new(max_connections);
            acceptors.push((acceptor, Entrance { factory, tls, proxies, gate, places }));
        }
        Ok(Self {
            poll,
            mail,
            driver: Driver::new(core, parts.limits),
            acceptors,
            accept_at_ms: None,
            is_full_house: false,
            log: parts.log,
            journal: parts.journal,
            under_way_bytes: 0,
            loader: Loader::start(&parts.reader, &mailbox)?,
            _scrubber: Scrubber::start(&parts.reader, &mailbox)?,
            passwords: Passwords::start(parts.password_threads, has_outside, parts.opening, &mailbox)?,
            closed,
            failure: None,
            mailbox,
            waiters: Vec::new(),
            watchers: Vec::new(),
            clock: parts.clock,
            now_ms: 0,
            is_refusing: false,
            limit_told_ms: 0,
            is_drain_asked: false,
            drain_until_ms: None,
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS);
        self.now_ms = self.clock.monotonic_ms();
        loop {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            let now = Now { monotonic_ms: self.clock.monotonic_ms(), wall_ms: self.clock.wall_ms() };
            self.now_ms = now.monotonic_ms;
            self.driver.begin_turn(now);
            self.note_events(&events);
            self.turn();
            if let Some(failure) = self.failure.take() {
                return Err(failure);
            }
            if self.is_over() {
                return Ok(());
            }
        }
    }

    fn turn(&mut self) {
        self.read_mail();
        if self.failure.is_some() {
            // What the opening has begun must not get into the journal.
            return;
        }
        self.accept();
        // While the disk is behind by much, nobody is read: publishers cannot outrun it into memory.
        if self.under_way_bytes + self.log.waiting_bytes() < MAX_UNDER_WAY_BYTES {
            self.driver.pump_ready();
        }
        if std::mem::take(&mut self.is_drain_asked) {
            // Behind what had come by then: an acknowledgement among it still counts.
            self.begin_drain();
        }
        self.driver.handle_deadlines();
        self.driver.hand_out_effects();
        self.driver.core_mut().end_turn();
        self.driver.hand_out_effects();
        self.feed_journal();
        self.driver.flush();
        self.serve_core();
    }

    fn note_events(&mut self, events: &Events) {
        for event in events {
            let token = event.token();
            if token == WAKER {
                continue;
            }
            if let Some((acceptor, _)) = self.acceptors.get_mut(FIRST_LISTENER.wrapping_sub(token.0)) {
                acceptor.is_ready = true;
                continue;
            }
            let readiness = Readiness {
                is_readable: event.is_readable(),
                is_read_closed: event.is_read_closed(),
                is_writable: event.is_writable(),
                is_broken: event.is_error(),
            };
            // Slots are counted up from 0 and listeners down from the top: a listener that is gone is no slot.
            if let Ok(index) = u32::try_from(token.0) {
                self.driver.note_ready(index, readiness);
            }
        }
    }

    /// How long the system may make us wait.
    fn timeout(&self) -> Option<Duration> {
        let core = self.driver.core();
        let is_writable = self.under_way_bytes < MAX_UNDER_WAY_BYTES;
        let has_work = is_writable && (self.driver.has_more() || self.log.waiting_bytes() > 0);
        let may_accept =
            self.accept_at_ms.is_none() || (self.is_full_house && self.driver.has_handshake_place());
        let is_accepting = may_accept && self.acceptors.iter().any(|(acceptor, _)| acceptor.is_ready);
        if has_work || is_accepting || core.wants_turn() {
            return Some(Duration::ZERO);
        }
        let deadlines = [self.driver.next_deadline_ms(), self.accept_at_ms, self.drain_until_ms];
        let next_ms = deadlines.into_iter().flatten().min()?;
        Some(Duration::from_millis(next_ms.saturating_sub(self.now_ms)))
    }

    fn read_mail(&mut self) {
        self.mailbox.bell.silence();
        for _ in 0..self.mail.len() {
            let Ok(mail) = self.mail.try_recv() else { break };
            match mail {
                Mail::Durable { durable, buffers } => self.on_durable(durable, buffers),
                Mail::Loaded(result) => self.driver.core_mut().handle_loaded(result),
                Mail::JournalDamaged => self.driver.note_journal_damaged(),
                Mail::Browsed(key, page) => self.driver.handle_browsed(key, page),
                Mail::Login(key, result) => self.driver.handle_login(key, result),
                Mail::DiskShort(switch) => self.driver.core_mut().set_disk_short(switch == Switch::On),
                Mail::Opened(opened) => self.on_opened(opened),
                Mail::Alarm(alarm, switch) => self.driver.core_mut().set_alarm(alarm, switch == Switch::On),
                Mail::NewConnections(switch) => self.is_refusing = switch == Switch::On,
                Mail::Drain => self.is_drain_asked = true,
                Mail::Watch(watcher) => self.watchers.push(watcher),
                Mail::Call(question) => {
                    let counters = *self.driver.counters();
                    let broker = self.driver.core_mut();
                    question(&mut View { broker, counters: &counters, waiters: &mut self.waiters });
                }
            }
        }
    }

    fn on_opened(&mut self, opened: Opened) {
        let Some(Closed { checks, on_ready }) = self.closed.take() else { return };
        if let Err(error) = opened(self.driver.core_mut()) {
            self.failure = Some(error);
            return;
        }
        on_ready();
        for (key, mut check) in checks {
            self.driver.core().renew_check(&mut check);
            self.check_password(key, check);
        }
    }

    fn check_password(&mut self, key: Key, check: Box<LoginCheck>) {
        if let Err(key) = self.passwords.submit(key, check) {
            tracing::warn!(target: "connection", "a login was refused: too many passwords are being checked");
            self.driver.refuse(key);
        }
    }

    fn on_durable(&mut self, durable: ternmq_journal::Durable, buffers: Vec<Vec<u8>>) {
        self.log.note_durable(durable);
        for buffer in buffers {
            self.under_way_bytes = self.under_way_bytes.saturating_sub(buffer.len());
            self.log.recycle(buffer);
        }
        self.driver.handle_durable();
        if !self.waiters.is_empty() {
            let proof: Durable = self.driver.core().durable();
            for waiter in self.waiters.extract_if(.., |waiter| proof.covers(waiter.receipt)) {
                (waiter.notify)();
            }
        }
    }

    fn feed_journal(&mut self) {
        if self.under_way_bytes < MAX_UNDER_WAY_BYTES
            && let Some(batch) = self.log.take_batch()
        {
            self.under_way_bytes += batch.bytes().len();
            self.journal.write(batch);
        }
        while let Some(request) = self.driver.core_mut().poll_log_request() {
            self.journal.request(request);
        }
    }

    /// Takes the core's and the sessions' wishes to the threads that serve them.
    fn serve_core(&mut self) {
        while let Some(job) = self.driver.core_mut().poll_load() {
            self.loader.submit(job);
        }
        for (key, browse) in self.driver.take_browses() {
            self.loader.browse(key, browse);
        }
        for (key, check) in self.driver.take_checks() {
            match &mut self.closed {
                Some(closed) => closed.checks.push((key, check)),
                None => self.check_password(key, check),
            }
        }
        for incident in self.driver.core_mut().take_incidents() {
            incidents::report(&incident);
        }
    }

    fn accept(&mut self) {
        let has_place = self.is_full_house && self.driver.has_handshake_place();
        if !has_place && self.accept_at_ms.is_some_and(|at_ms| at_ms > self.now_ms) {
            return;
        }
        (self.accept_at_ms, self.is_full_house) = (None, false);
        for number in 0..self.acceptors.len() {
            for _ in 0..Acceptor::BATCH {
                if !self.driver.make_handshake_place() {
                    self.is_full_house = true;
                    self.accept_at_ms = Some(self.now_ms + HANDSHAKE_PAUSE_MS);
                    return;
                }
                let Some((acceptor, _)) = self.acceptors.get_mut(number) else { break };
                if !acceptor.is_ready {
                    break;
                }
                match acceptor.accept(self.now_ms) {
                    Accepted::Connection(stream, peer) => self.admit(number, stream, peer),
                    Accepted::Nothing => break,
                    Accepted::NotBefore(at_ms) if at_ms > self.now_ms => {
                        self.accept_at_ms = Some(self.accept_at_ms.map_or(at_ms, |known| known.min(at_ms)));
                        break;
                    }
                    Accepted::NotBefore(_) => {}
                }
            }
        }
    }

    fn admit(&mut self, number: usize, stream: TcpStream, peer: SocketAddr) {
        let Some((acceptor, entrance)) = self.acceptors.get(number) else { return };
        // Dropping it closes it: nothing is said before a protocol was agreed on.
        if self.is_refusing || !entrance.gate.admits(peer.ip(), self.now_ms) {
            self.driver.note_refused();
            return;
        }
        let place = if self.driver.admits(Some(peer.ip())) { entrance.places.take() } else { None };
        let Some(place) = place else {
            self.driver.note_refused();
            if self.now_ms >= self.limit_told_ms {
                self.limit_told_ms = self.now_ms + LIMIT_PAUSE_MS;
                let listener = &*acceptor.name;
                // The words of ActiveMQ's log, which people look for.
                tracing::warn!(target: "connection", listener, %peer, "Reached Maximum Connections: a connection was refused");
            }
            return;
        };
        // Answers must not wait for more to come; a socket that cannot do that still works.
        let _ = stream.set_nodelay(acceptor.is_nodelay);
        let local = stream.local_addr().unwrap_or(acceptor.address);
        let (now_ms, opened_ms) = (self.now_ms, self.now_ms);
        let arrival = Arrival { peer: Some(peer), local: Some(local), now_ms, opened_ms, secured: None };
        let passage = entrance.tls.passage(is_from(&entrance.proxies, peer));
        let key = if passage.is_open() {
            let session = (entrance.factory)(&arrival);
            self.driver.add(Wire::plain(stream), session, Some(peer.ip()))
        } else {
            self.driver.add_opening(Wire::new(stream, passage), entrance.factory.clone(), arrival)
        };
        self.driver.hold(key, place);
        if let Err(error) = self.register(key) {
            tracing::error!("a connection cannot be watched: {error}");
            self.driver.refuse(key);
        }
    }

    fn register(&mut self, key: Key) -> io::Result<()> {
        let Some(wire) = self.driver.transport_mut(key) else { return Ok(()) };
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll.registry().register(wire.socket_mut(), Token(key.index as usize), interest)
    }

    fn begin_drain(&mut self) {
        if self.drain_until_ms.is_some() {
            return;
        }
        self.acceptors.clear();
        self.accept_at_ms = None;
        self.drain_until_ms = Some(self.now_ms + DRAIN_MS);
        self.driver.drain();
        self.driver.core_mut().request_checkpoint();
    }

    /// After a drain: nobody is connected, the checkpoint is out, and everything is durable.
    fn is_over(&mut self) -> bool {
        let Some(until_ms) = self.drain_until_ms else { return false };
        if self.now_ms >= until_ms {
            self.driver.close_all();
        }
        self.driver.open_count() == 0 && !self.driver.core().is_checkpointing() && self.log.is_all_durable()
    }
}
