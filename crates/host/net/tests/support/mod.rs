//! A session that does what its peer's bytes tell it, and a transport in memory.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses a part of it")]

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;

use ternmq_broker::{
    Appended, Broker, BrokerConfig, ConnectionId, Durable, Effect, Grouping, Limits, Log, LoginResult,
    LoginStep, Now, Phase, Request, Session,
};
use ternmq_env::SystemRng;
use ternmq_message::Formats;
use ternmq_net::{Driver, Key, Readiness, Transport};
use ternmq_rabbitmq::RabbitMq;

/// A log that forgets.
pub struct NoLog {
    next: u64,
}

impl NoLog {
    pub fn new() -> Self {
        Self { next: 64 }
    }
}

impl Log for NoLog {
    fn next_pos(&self) -> u64 {
        self.next
    }

    fn append(&mut self, _: u8, _: Grouping, parts: &[&[u8]]) -> Appended {
        let len = parts.iter().map(|part| part.len()).sum::<usize>() as u64 + 32;
        self.next += len;
        Appended { pos: self.next - len, len: len as u32 }
    }

    fn durable_pos(&self) -> u64 {
        self.next
    }

    fn segment_bytes(&self) -> u64 {
        1 << 20
    }
}

pub fn broker(log: Box<dyn Log>) -> Broker {
    Broker::new(BrokerConfig {
        dialect: Arc::new(RabbitMq),
        formats: Formats::default(),
        log,
        rng: Box::new(SystemRng),
        limits: Limits::default(),
        node_name: "test".into(),
    })
}

/// A broker that is up, on a log that forgets.
pub fn ready_broker() -> Broker {
    let mut broker = broker(Box::new(NoLog::new()));
    broker.finish_recovery(now(0), true, &[]);
    broker
}

pub fn now(monotonic_ms: u64) -> Now {
    Now { monotonic_ms, wall_ms: 1_700_000_000_000 + monotonic_ms }
}

/// The end of a turn, as the host has it.
pub fn finish_turn<T: Transport>(driver: &mut Driver<T>) {
    driver.pump_ready();
    driver.handle_deadlines();
    driver.hand_out_effects();
    driver.flush();
}

/// One turn in which the transport of `key` became ready.
pub fn turn<T: Transport>(driver: &mut Driver<T>, now_ms: u64, key: Key) {
    let readiness = Readiness { is_readable: true, is_writable: true, ..Readiness::default() };
    driver.begin_turn(now(now_ms));
    driver.note_ready(key.index, readiness);
    finish_turn(driver);
}

/// Turns until nothing is left to do; a loop that spins fails here.
pub fn settle<T: Transport>(driver: &mut Driver<T>, now_ms: u64) {
    for _ in 0..10_000 {
        if !driver.has_more() {
            return;
        }
        driver.begin_turn(now(now_ms));
        finish_turn(driver);
    }
    panic!("the driver does not come to rest");
}

/// Frames are lines. `echo X` answers X, `big N` answers N bytes, `hold` stops listening until the timeout, `bye` ends
/// after an answer, `login NAME PASSWORD` answers the name or a minus, `await N` waits for N facts of durability, `die` ends at
/// once. Incomplete lines wait for their end.
pub struct Lines {
    phase: Phase,
    is_holding: bool,
    deadline_ms: Option<u64>,
    request: Option<Request>,
    pub seen: Rc<RefCell<Seen>>,
}

#[derive(Debug, Default)]
pub struct Seen {
    pub timeouts: u32,
    pub closed: u32,
    pub congestion: Vec<bool>,
    /// Length of the longest input given at once.
    pub longest_input: usize,
    pub inputs: u32,
    /// Facts of durability that it still waits for.
    pub awaited_facts: u32,
}

impl Lines {
    pub fn new() -> Self {
        Self {
            phase: Phase::Handshake,
            is_holding: false,
            deadline_ms: None,
            request: None,
            seen: Rc::default(),
        }
    }

    pub fn with_deadline(deadline_ms: u64) -> Self {
        Self { deadline_ms: Some(deadline_ms), ..Self::new() }
    }

    fn on_line(&mut self, broker: &mut Broker, line: &str, out: &mut Vec<u8>) {
        self.phase = Phase::Open;
        match line.split_once(' ').unwrap_or((line, "")) {
            ("echo", text) => {
                out.extend_from_slice(text.as_bytes());
                out.push(b'\n');
            }
            ("big", count) => out.resize(out.len() + count.parse::<usize>().unwrap(), b'x'),
            ("hold", until_ms) => {
                self.is_holding = true;
                self.deadline_ms = Some(until_ms.parse().unwrap());
            }
            ("login", login) => {
                let (user, password) = login.split_once(' ').unwrap();
                match broker.begin_login(user, password.into(), None) {
                    LoginStep::Verify(check) => self.request = Some(Request::Verify(check)),
                    LoginStep::Done(_) | LoginStep::Refused => out.extend_from_slice(b"?\n"),
                }
            }
            ("bye", _) => {
                out.extend_from_slice(b"bye\n");
                self.phase = Phase::Closing;
            }
            ("await", count) => self.seen.borrow_mut().awaited_facts = count.parse().unwrap(),
            ("die", _) => self.phase = Phase::Closed,
            _ => {}
        }
    }
}

impl Session for Lines {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        {
            let mut seen = self.seen.borrow_mut();
            seen.longest_input = seen.longest_input.max(input.len());
            seen.inputs += 1;
        }
        let mut taken = 0;
        while self.wants_input() && out.len() < 1 << 20 {
            let Some(len) = input[taken..].iter().position(|byte| *byte == b'\n') else { break };
            let line = String::from_utf8_lossy(&input[taken..taken + len]).into_owned();
            taken += len + 1;
            self.on_line(broker, &line, out);
        }
        taken
    }

    fn handle_effect(&mut self, _: &mut Broker, _: Effect, _: &mut Vec<u8>) {}

    fn handle_durable(&mut self, _: Durable, _: &mut Vec<u8>) {
        let mut seen = self.seen.borrow_mut();
        seen.awaited_facts = seen.awaited_facts.saturating_sub(1);
    }

    fn is_waiting(&self) -> bool {
        self.seen.borrow().awaited_facts > 0
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        let user = broker.finish_login(result);
        out.extend_from_slice(user.as_deref().unwrap_or("-").as_bytes());
        out.push(b'\n');
    }

    fn handle_timeout(&mut self, _: &mut Broker, _: u64, _: &mut Vec<u8>) {
        self.seen.borrow_mut().timeouts += 1;
        self.deadline_ms = None;
        if self.phase == Phase::Handshake {
            self.phase = Phase::Closed;
        }
        self.is_holding = false;
    }

    fn handle_drain(&mut self, _: &mut Broker, out: &mut Vec<u8>) {
        out.extend_from_slice(b"draining\n");
        self.phase = Phase::Closing;
    }

    fn handle_closed(&mut self, _: &mut Broker) {
        self.seen.borrow_mut().closed += 1;
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn wants_input(&self) -> bool {
        !self.is_holding && matches!(self.phase, Phase::Handshake | Phase::Open)
    }

    fn input_limit_bytes(&self) -> usize {
        1_024
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn connection(&self) -> Option<ConnectionId> {
        None
    }

    fn handle_congestion(&mut self, _: &mut Broker, is_congested: bool) {
        self.seen.borrow_mut().congestion.push(is_congested);
    }
}

/// Both ends of a connection in memory.
#[derive(Clone, Default)]
pub struct Pipe(pub Rc<RefCell<Ends>>);

#[derive(Default)]
pub struct Ends {
    /// From the client to us.
    pub input: VecDeque<u8>,
    pub is_input_over: bool,
    /// From us to the client.
    pub output: Vec<u8>,
    /// How much more the client takes.
    pub room: usize,
    pub is_finished: bool,
    pub writes: u32,
}

impl Pipe {
    pub fn with_room(room: usize) -> Self {
        let pipe = Self::default();
        pipe.0.borrow_mut().room = room;
        pipe
    }

    pub fn send(&self, text: &str) {
        self.send_bytes(text.as_bytes());
    }

    pub fn send_bytes(&self, bytes: &[u8]) {
        self.0.borrow_mut().input.extend(bytes);
    }

    pub fn take_bytes(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.borrow_mut().output)
    }

    pub fn take_output(&self) -> String {
        String::from_utf8(self.take_bytes()).unwrap()
    }
}

impl Transport for Pipe {
    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        if ends.input.is_empty() && !ends.is_input_over {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = into.len().min(ends.input.len());
        for (to, from) in into.iter_mut().zip(ends.input.drain(..count)) {
            *to = from;
        }
        Ok(count)
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut ends = self.0.borrow_mut();
        let count = bytes.len().min(ends.room);
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        ends.room -= count;
        ends.writes += 1;
        ends.output.extend_from_slice(&bytes[..count]);
        Ok(count)
    }

    fn finish(&mut self) {
        self.0.borrow_mut().is_finished = true;
    }
}
