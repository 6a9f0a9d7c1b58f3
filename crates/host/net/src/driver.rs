//! The one connection driver of all protocols: bytes in, sessions, effects, bytes out. It knows no sockets: a shard
//! tells it which transports are ready, a test does the same with transports in memory.

use std::io::ErrorKind;
use std::net::IpAddr;

use slab::Slab;
use ternmq_broker::{
    Broker, Browse, BrowsePage, ConnectionId, Durable, Effect, LoginCheck, LoginResult, Now, Phase, Request,
    Session,
};

use crate::arrival::{Arrival, SessionFactory};
use crate::buffers::Buffers;
use crate::connection::{Connection, Flags, Opener, Stage};
use crate::counters::Counters;
use crate::deadlines::Deadlines;
use crate::fault;
use crate::handshakes::Handshakes;
use crate::incidents;
use crate::open::next_check_ms;
use crate::opening::Opening;
use crate::place::Place;
use crate::transport::Transport;

/// Most bytes taken from one connection before the next one's turn.
const READ_BYTES: usize = 512 * 1024;
/// The same before login (B2), and while publishers are held back: what a session does not take is kept.
const SMALL_READ_BYTES: usize = 16 * 1024;
/// Steps of opening transports in one turn: a TLS handshake costs some 0.3 ms, and established clients come first (F15).
const OPENINGS: usize = 4;
/// How long a peer may take to read the last bytes (B6).
const LINGER_MS: u64 = 3_000;
/// Bytes thrown away per turn from a lingering peer.
const LINGER_READ_BYTES: usize = 64 * 1024;

/// Bounds of the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DriverLimits {
    /// Output waiting above this pauses deliveries to the connection. Default 1 MiB (F16).
    pub high_mark_bytes: usize,
    /// Below this they go on. Default 256 KiB.
    pub low_mark_bytes: usize,
    /// A peer that takes none of its output for so long is cut off. Default 30 s (F16).
    pub stall_ms: u64,
    /// Connections at most. Default 100,000.
    pub max_connections: usize,
    /// Connections of one address at most. Default 20,000.
    pub max_per_address: u32,
    /// Connections that may be logging in at once. Default 256 (F15).
    pub max_handshakes: usize,
    /// Time for a transport to open (TLS, the header of a proxy). Default 10 s (B2); the login's own time counts from
    /// the same moment.
    pub opening_ms: u64,
}

impl Default for DriverLimits {
    fn default() -> Self {
        Self {
            high_mark_bytes: 1 << 20,
            low_mark_bytes: 256 << 10,
            stall_ms: 30_000,
            max_connections: 100_000,
            max_per_address: 20_000,
            max_handshakes: 256,
            opening_ms: 10_000,
        }
    }
}

/// Names a connection of this driver; never meets a later one in the same slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Slot, reused.
    pub index: u32,
    /// Raised at each use.
    pub serial: u32,
}

/// All connections of a shard and the broker they share.
pub struct Driver<T> {
    pub(crate) core: Broker,
    pub(crate) connections: Slab<Connection<T>>,
    /// Slot of each of the core's connections, by its index.
    pub(crate) slots: Vec<Option<(u32, u32)>>,
    pub(crate) limits: DriverLimits,
    pub(crate) counters: Counters,
    pub(crate) buffers: Buffers,
    pub(crate) ready: std::collections::VecDeque<u32>,
    pub(crate) touched: Vec<u32>,
    pub(crate) waiting: Vec<u32>,
    pub(crate) effects: Vec<(ConnectionId, Effect)>,
    deadlines: Deadlines,
    pub(crate) handshakes: Handshakes,
    pub(crate) addresses: std::collections::HashMap<IpAddr, u32>,
    checks: Vec<(Key, Box<LoginCheck>)>,
    browses: Vec<(Key, Box<Browse>)>,
    input: Vec<u8>,
    serial: u32,
    pub(crate) now_ms: u64,
    pub(crate) wall_ms: u64,
    pub(crate) fault_told_ms: u64,
    pub(crate) has_more: bool,
}

impl<T: Transport> Driver<T> {
    /// A driver without connections.
    #[must_use]
    pub fn new(core: Broker, limits: DriverLimits) -> Self {
        Self {
            core,
            connections: Slab::new(),
            slots: Vec::new(),
            limits,
            counters: Counters::default(),
            buffers: Buffers::default(),
            ready: std::collections::VecDeque::new(),
            touched: Vec::new(),
            waiting: Vec::new(),
            effects: Vec::new(),
            deadlines: Deadlines::default(),
            handshakes: Handshakes::default(),
            addresses: std::collections::HashMap::new(),
            checks: Vec::new(),
            browses: Vec::new(),
            input: vec![0; READ_BYTES],
            serial: 0,
            now_ms: 0,
            wall_ms: 0,
            fault_told_ms: 0,
            has_more: false,
        }
    }

    /// Starts a turn: everything in it happens at this time.
    pub fn begin_turn(&mut self, now: Now) {
        self.now_ms = now.monotonic_ms;
        self.wall_ms = now.wall_ms;
        self.counters.turns += 1;
        self.has_more = false;
        self.core.set_now(now);
    }

    /// Whether one more connection of this address is within the limits. The address is known once it is accepted.
    #[must_use]
    pub fn admits(&self, address: Option<IpAddr>) -> bool {
        let of_address = address.and_then(|address| self.addresses.get(&address)).copied().unwrap_or(0);
        self.connections.len() < self.limits.max_connections && of_address < self.limits.max_per_address
    }

    /// Whether there is a place for one more who logs in.
    #[must_use]
    pub fn has_handshake_place(&self) -> bool {
        (self.counters.handshaking as usize) < self.limits.max_handshakes
    }

    /// The same, where one that has been silent for two seconds makes room if need be (F15).
    pub fn make_handshake_place(&mut self) -> bool {
        const SILENT_MS: u64 = 2_000;
        if self.has_handshake_place() {
            return true;
        }
        let connections = &self.connections;
        let before_ms = self.now_ms.saturating_sub(SILENT_MS);
        let silent = self.handshakes.oldest_idle(before_ms, |key| {
            connections.get(key.index as usize).is_some_and(|connection| {
                connection.serial == key.serial
                    && connection.flags.is_handshaking
                    && !connection.flags.has_spoken
            })
        });
        if let Some(key) = silent {
            self.close(key.index);
        }
        self.has_handshake_place()
    }

    /// Takes a new connection in.
    pub fn add(&mut self, transport: T, session: Box<dyn Session>, address: Option<IpAddr>) -> Key {
        self.serial = self.serial.wrapping_add(1);
        let serial = self.serial;
        let connection = Connection {
            transport,
            session,
            rest: Vec::new(),
            out: Vec::new(),
            out_start: 0,
            stage: Stage::Live,
            serial,
            core: None,
            address,
            place: None,
            armed_ms: u64::MAX,
            opener: None,
            validity: None,
            stalled_since_ms: None,
            closing_since_ms: None,
            flags: Flags { is_writable: true, is_handshaking: true, ..Flags::default() },
        };
        let key = Key { index: self.connections.insert(connection) as u32, serial };
        if let Some(address) = address {
            *self.addresses.entry(address).or_default() += 1;
        }
        self.counters.accepted += 1;
        self.counters.open += 1;
        self.counters.handshaking += 1;
        self.note_handshake(key);
        self.touch(key.index);
        key
    }

    /// Takes a new connection in whose transport has to open first; the session is made then.
    pub fn add_opening(&mut self, transport: T, factory: SessionFactory, arrival: Arrival) -> Key {
        let address = arrival.peer.map(|peer| peer.ip());
        let opening = Opening::new(arrival.now_ms.saturating_add(self.limits.opening_ms));
        let key = self.add(transport, Box::new(opening), address);
        if let Some(connection) = self.connections.get_mut(key.index as usize) {
            connection.opener = Some(Box::new(Opener { factory, arrival }));
        }
        key
    }

    /// Keeps a place of its listener for as long as the connection is there.
    pub(crate) fn hold(&mut self, key: Key, place: Place) {
        if let Some(connection) = self.connections.get_mut(key.index as usize) {
            connection.place = Some(place);
        }
    }

    fn note_handshake(&mut self, key: Key) {
        let connections = &self.connections;
        let is_done = |key: Key| {
            let found = connections.get(key.index as usize);
            found.is_none_or(|connection| connection.serial != key.serial || !connection.flags.is_handshaking)
        };
        self.handshakes.oldest(is_done);
        if self.handshakes.len() > 4 * self.limits.max_handshakes {
            self.handshakes.compact(is_done);
        }
        self.handshakes.note(key, self.now_ms);
    }

    /// The transport of a connection, for registering it.
    pub fn transport_mut(&mut self, key: Key) -> Option<&mut T> {
        self.connections.get_mut(key.index as usize).map(|connection| &mut connection.transport)
    }

    /// The system says that a transport is ready.
    pub fn note_ready(&mut self, index: u32, readiness: Readiness) {
        if readiness.is_broken {
            self.close(index);
            return;
        }
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if readiness.is_readable {
            connection.flags.is_readable = true;
        }
        if readiness.is_read_closed {
            connection.flags.is_readable = true;
            connection.flags.is_read_closed = true;
        }
        if readiness.is_writable {
            connection.flags.is_writable = true;
            if connection.pending_out_bytes() > 0 || !connection.transport.is_flushed() {
                self.touch(index);
            }
        }
        self.want_read(index);
    }

    /// Puts a connection in the list of those to read, if there is anything to read.
    pub(crate) fn want_read(&mut self, index: u32) {
        let high_mark_bytes = self.limits.high_mark_bytes;
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if !connection.flags.is_ready && connection.may_read(high_mark_bytes) {
            connection.flags.is_ready = true;
            self.ready.push_back(index);
        }
    }

    /// Reads once from each connection that is ready, feeding its session.
    pub fn pump_ready(&mut self) {
        let mut openings = OPENINGS;
        for _ in 0..self.ready.len() {
            let Some(index) = self.ready.pop_front() else { break };
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if connection.flags.is_ready && connection.opener.is_some() {
                if openings == 0 {
                    self.ready.push_back(index);
                    continue;
                }
                openings -= 1;
            }
            if std::mem::take(&mut connection.flags.is_ready) {
                self.pump(index);
                self.hand_out_effects();
            }
        }
    }

    /// Whether another turn has work without waiting for anything.
    #[must_use]
    pub fn has_more(&self) -> bool {
        self.has_more || !self.ready.is_empty() || !self.touched.is_empty() || self.core.has_effects()
    }

    fn pump(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.is_lingering() {
            self.discard_input(index);
            return;
        }
        if !connection.may_read(self.limits.high_mark_bytes) {
            return;
        }
        let is_small = connection.flags.is_handshaking || self.core.blocked_reason().is_some();
        let read_bytes = if is_small { SMALL_READ_BYTES } else { READ_BYTES };
        let kept = connection.rest.len();
        if self.input.len() < kept + read_bytes {
            self.input.resize(kept + read_bytes, 0);
        }
        let mut filled = kept;
        let mut is_ended = false;
        if connection.flags.is_readable {
            let Some(space) = self.input.get_mut(kept..kept + read_bytes) else { return };
            connection.transport.note_time(self.now_ms);
            let answer = connection.transport.try_read(space);
            let has_more = connection.transport.has_more();
            match answer {
                Ok(0) => is_ended = true,
                Ok(count) => {
                    filled += count;
                    self.counters.read_bytes += count as u64;
                    connection.flags.has_spoken = true;
                    // Less than asked for: the socket is empty and the system will say when it no longer is.
                    connection.flags.is_readable =
                        count == read_bytes || connection.flags.is_read_closed || has_more;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    connection.flags.is_readable = has_more;
                    connection.flags.has_spoken |= connection.transport.has_heard();
                }
                Err(error) => {
                    self.note_transport_fault(index, &error);
                    is_ended = true;
                }
            }
            if !self.open_session(index) {
                return;
            }
        }
        if filled > 0 {
            self.feed(index, kept, filled);
            self.note_core(index);
        }
        if is_ended {
            self.close(index);
            return;
        }
        self.touch(index);
        self.want_read(index);
    }

    /// Gives the session what is in `input[..filled]`, of which the first `kept` bytes are in `rest` too.
    fn feed(&mut self, index: u32, kept: usize, filled: usize) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let Some(space) = self.input.get_mut(..kept) else { return };
        space.copy_from_slice(&connection.rest);
        let Some(input) = self.input.get(..filled) else { return };
        if connection.out.capacity() == 0 {
            connection.out = self.buffers.take();
        }
        let (session, core, out) = (&mut connection.session, &mut self.core, &mut connection.out);
        let taken = fault::contain(|| session.handle_bytes(core, input, out));
        // Messages do not go through the one that found out who speaks.
        if connection.flags.is_handshaking
            && let Some(successor) = connection.session.take_successor()
        {
            connection.session = successor;
        }
        let Some(taken) = taken else {
            self.fail(index);
            return;
        };
        let Some(left) = input.get(taken..) else { return };
        connection.rest.clear();
        // Sessions stop at their output's whole length, of which a part may be gone already.
        let is_held_back =
            !connection.session.wants_input() || connection.out.len() >= self.limits.high_mark_bytes;
        connection.flags.is_rest_open = !left.is_empty() && is_held_back;
        if left.is_empty() {
            if connection.rest.capacity() > 0 {
                self.buffers.give(std::mem::take(&mut connection.rest));
            }
        } else {
            if connection.rest.capacity() == 0 {
                connection.rest = self.buffers.take();
            }
            connection.rest.extend_from_slice(left);
            let is_stuck = taken == 0 && left.len() > connection.session.input_limit_bytes();
            if is_stuck && !is_held_back {
                // A session refuses what is over its limit by itself; one that does not must not fill memory (I11).
                self.fail(index);
            }
        }
    }

    /// Learns the core's name for a connection as soon as there is one: effects for it may follow in the same turn.
    fn note_core(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.core.is_some() {
            return;
        }
        let Some(core) = connection.session.connection() else { return };
        connection.core = Some(core);
        let at = core.index as usize;
        if self.slots.len() <= at {
            self.slots.resize(at + 1, None);
        }
        if let Some(slot) = self.slots.get_mut(at) {
            *slot = Some((core.generation, index));
        }
        incidents::report_life(&self.core, core, "a client has logged in");
    }

    fn discard_input(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let Some(space) = self.input.get_mut(..LINGER_READ_BYTES) else { return };
        match connection.transport.try_read(space) {
            Ok(count) if count > 0 => {
                connection.flags.is_readable = count == LINGER_READ_BYTES || connection.flags.is_read_closed;
                self.want_read(index);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => connection.flags.is_readable = false,
            _ => self.close(index),
        }
    }

    /// Marks a connection to be looked after at the end of the turn.
    pub(crate) fn touch(&mut self, index: u32) {
        if let Some(connection) = self.connections.get_mut(index as usize)
            && !connection.flags.is_touched
        {
            connection.flags.is_touched = true;
            self.touched.push(index);
        }
    }

    /// Looks after one connection once something was done with its session.
    pub(crate) fn settle_connection(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.is_lingering() {
            return;
        }
        let key = Key { index, serial: connection.serial };
        while let Some(request) = connection.session.poll_request() {
            match request {
                Request::Verify(check) => self.checks.push((key, check)),
                Request::Browse(browse) => self.browses.push((key, browse)),
            }
        }
        if connection.flags.is_handshaking && connection.session.phase() != Phase::Handshake {
            connection.flags.is_handshaking = false;
            self.counters.handshaking -= 1;
        }
        if !connection.flags.is_waiting && connection.session.is_waiting() {
            connection.flags.is_waiting = true;
            self.waiting.push(index);
        }
        match connection.session.phase() {
            Phase::Closed => self.close_gently(index),
            Phase::Closing => {
                connection.closing_since_ms.get_or_insert(self.now_ms);
                self.arm(index);
            }
            Phase::Handshake | Phase::Open => self.arm(index),
        }
    }

    /// Enters the connection's next deadline in the heap, unless an earlier entry stands there.
    pub(crate) fn arm(&mut self, index: u32) {
        let stall_ms = self.limits.stall_ms;
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        // Never now: a deadline that does not move when it is told must not make the loop spin.
        let next_ms = next_deadline_ms(connection, stall_ms).max(self.now_ms + 1);
        if next_ms < connection.armed_ms {
            connection.armed_ms = next_ms;
            self.deadlines.arm(next_ms, index);
        }
    }

    /// When [`Driver::handle_deadlines`] has something to do.
    #[must_use]
    pub fn next_deadline_ms(&self) -> Option<u64> {
        let core = self.core.next_deadline_ms();
        let own = self.deadlines.next_ms();
        core.into_iter().chain(own).min()
    }

    /// Tells sessions and core what is due.
    pub fn handle_deadlines(&mut self) {
        let now_ms = self.now_ms;
        while let Some((at_ms, index)) = self.deadlines.pop_due(now_ms) {
            let stall_ms = self.limits.stall_ms;
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if connection.armed_ms != at_ms {
                continue;
            }
            connection.armed_ms = u64::MAX;
            if next_deadline_ms(connection, stall_ms) > now_ms {
                self.arm(index);
            } else {
                self.expire(index);
            }
        }
        if self.core.next_deadline_ms().is_some_and(|at_ms| at_ms <= now_ms) {
            self.core.handle_timers();
        }
    }

    fn expire(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let is_stalled =
            connection.stalled_since_ms.is_some_and(|since| since + self.limits.stall_ms <= self.now_ms);
        let is_invalid = connection.validity.as_ref().is_some_and(|it| it.until_wall_ms <= self.wall_ms);
        if is_invalid && !connection.is_lingering() {
            self.end_invalid(index);
            return;
        }
        if let Some(validity) = &mut connection.validity {
            validity.check_at_ms = next_check_ms(validity.until_wall_ms, self.now_ms, self.wall_ms);
        }
        let is_overdue = connection.closing_since_ms.is_some_and(|since| since + LINGER_MS <= self.now_ms);
        if is_stalled {
            self.counters.stalled += 1;
        }
        if is_stalled || is_overdue || connection.is_lingering() {
            self.close(index);
            return;
        }
        let (session, core, out) = (&mut connection.session, &mut self.core, &mut connection.out);
        let now_ms = self.now_ms;
        if fault::contain(|| session.handle_timeout(core, now_ms, out)).is_none() {
            self.fail(index);
        }
        self.touch(index);
    }

    /// Answers of waiting sessions may go up to here (I8).
    pub fn handle_durable(&mut self) {
        let durable: Durable = self.core.handle_durable();
        let mut waiting = std::mem::take(&mut self.waiting);
        for index in waiting.drain(..) {
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if !std::mem::take(&mut connection.flags.is_waiting) || connection.is_lingering() {
                continue;
            }
            if connection.out.capacity() == 0 {
                connection.out = self.buffers.take();
            }
            connection.session.handle_durable(durable, &mut connection.out);
            // Those that still wait stay in the list: the next fact may come in this very turn, and be the last.
            if connection.session.is_waiting() {
                connection.flags.is_waiting = true;
                self.waiting.push(index);
            }
            self.touch(index);
        }
        if self.waiting.is_empty() {
            self.waiting = waiting;
        }
    }

    /// Brings the outcome of a password check to its session, if it is still there.
    pub fn handle_login(&mut self, key: Key, result: LoginResult) {
        let Some(connection) = self.connections.get_mut(key.index as usize) else { return };
        if connection.serial != key.serial || connection.is_lingering() {
            return;
        }
        connection.session.handle_login(&mut self.core, result, &mut connection.out);
        self.note_core(key.index);
        self.touch(key.index);
        self.want_read(key.index);
    }

    /// A scrub found a damaged part of the journal.
    pub(crate) fn note_journal_damaged(&mut self) {
        self.counters.damaged_ranges += 1;
    }

    /// A connection was turned away before a session began.
    pub fn note_refused(&mut self) {
        self.counters.refused += 1;
    }

    /// Ends all connections now.
    pub fn close_all(&mut self) {
        let indexes: Vec<u32> = self.connections.iter().map(|(index, _)| index as u32).collect();
        for index in indexes {
            self.close(index);
        }
    }

    /// Ends a connection for which the node has no resources left: at once and without a word (F15).
    pub fn refuse(&mut self, key: Key) {
        if self.connections.get(key.index as usize).is_some_and(|connection| connection.serial == key.serial)
        {
            self.counters.refused += 1;
            self.close(key.index);
        }
    }

    /// Password checks that sessions have asked for.
    pub fn take_checks(&mut self) -> Vec<(Key, Box<LoginCheck>)> {
        std::mem::take(&mut self.checks)
    }

    /// What sessions want to look at.
    pub fn take_browses(&mut self) -> Vec<(Key, Box<Browse>)> {
        std::mem::take(&mut self.browses)
    }

    /// Brings what a session looks at to it, if it is still there.
    pub fn handle_browsed(&mut self, key: Key, page: BrowsePage) {
        let Some(connection) = self.connections.get_mut(key.index as usize) else { return };
        if connection.serial != key.serial || connection.is_lingering() {
            return;
        }
        connection.session.handle_browsed(&mut self.core, page, &mut connection.out);
        self.touch(key.index);
        self.relieve_if_full(key.index);
    }

    /// Tells every session to say goodbye (F12).
    pub fn drain(&mut self) {
        let indexes: Vec<u32> = self.connections.iter().map(|(index, _)| index as u32).collect();
        for index in indexes {
            let Some(connection) = self.connections.get_mut(index as usize) else { continue };
            if !connection.is_lingering() {
                connection.session.handle_drain(&mut self.core, &mut connection.out);
                self.touch(index);
            }
        }
    }

    /// Connections that are still there.
    #[must_use]
    pub fn open_count(&self) -> usize {
        self.connections.len()
    }

    /// Totals and what is open.
    #[must_use]
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// The broker.
    #[must_use]
    pub fn core(&self) -> &Broker {
        &self.core
    }

    /// The broker, for operators and the loop of the shard.
    pub fn core_mut(&mut self) -> &mut Broker {
        &mut self.core
    }

    /// The session over an error inside itself: counted, closed at once, nothing said (B5).
    pub(crate) fn fail(&mut self, index: u32) {
        self.counters.failed_sessions += 1;
        tracing::error!("a session failed inside; its connection is closed");
        self.close(index);
    }

    /// Ends the session; the transport stays for a moment if the peer may still have to read its last bytes.
    pub(crate) fn close_gently(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.flags.is_read_closed || connection.is_lingering() {
            self.close(index);
            return;
        }
        report_gone(&self.core, connection.core);
        connection.session.handle_closed(&mut self.core);
        let until_ms = connection.closing_since_ms.unwrap_or(self.now_ms) + LINGER_MS;
        connection.stage = Stage::Lingering { until_ms };
        connection.closing_since_ms = None;
        connection.stalled_since_ms = None;
        connection.transport.finish();
        self.forget_core(index);
        self.release_buffers(index);
        self.arm(index);
        self.want_read(index);
    }

    /// Ends a connection now.
    pub(crate) fn close(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if !connection.is_lingering() {
            report_gone(&self.core, connection.core);
            connection.session.handle_closed(&mut self.core);
        }
        self.forget_core(index);
        self.release_buffers(index);
        let Some(connection) = self.connections.try_remove(index as usize) else { return };
        if connection.flags.is_handshaking {
            self.counters.handshaking -= 1;
        }
        self.counters.open -= 1;
        self.counters.closed += 1;
        self.forget_address(connection.address);
    }

    pub(crate) fn forget_address(&mut self, address: Option<IpAddr>) {
        if let Some(address) = address
            && let Some(count) = self.addresses.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                self.addresses.remove(&address);
            }
        }
    }

    fn forget_core(&mut self, index: u32) {
        let core = self.connections.get_mut(index as usize).and_then(|connection| connection.core.take());
        let slot = core.and_then(|core| self.slots.get_mut(core.index as usize).map(|slot| (core, slot)));
        if let Some((core, slot)) = slot
            && *slot == Some((core.generation, index))
        {
            *slot = None;
        }
    }

    fn release_buffers(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        connection.out_start = 0;
        let (rest, out) = (std::mem::take(&mut connection.rest), std::mem::take(&mut connection.out));
        self.buffers.give(rest);
        self.buffers.give(out);
    }
}

/// Before the session tells the core, which forgets the connection then.
fn report_gone(core: &Broker, id: Option<ConnectionId>) {
    if let Some(id) = id {
        incidents::report_life(core, id, "a client's connection has ended");
    }
}

/// What the system says about a transport.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools, reason = "four facts that come together from the system")]
pub struct Readiness {
    /// Bytes have arrived.
    pub is_readable: bool,
    /// The peer sends no more.
    pub is_read_closed: bool,
    /// Bytes can go out.
    pub is_writable: bool,
    /// The connection was reset or failed.
    pub is_broken: bool,
}

fn next_deadline_ms<T>(connection: &Connection<T>, stall_ms: u64) -> u64 {
    if let Stage::Lingering { until_ms } = connection.stage {
        return until_ms;
    }
    let stall = connection.stalled_since_ms.map(|since| since + stall_ms);
    let closing = connection.closing_since_ms.map(|since| since + LINGER_MS);
    let own = connection.session.deadline_ms();
    let validity = connection.validity.as_ref().map(|validity| validity.check_at_ms);
    stall.into_iter().chain(closing).chain(own).chain(validity).min().unwrap_or(u64::MAX)
}
