//! A real core over a log in memory, for targets that play whole sessions: clients are fed by hand, time and durability are the
//! input's to steer. What is in the log at the end has to be read back by a new core.

use std::{cell::RefCell, rc::Rc, sync::Arc};

use ternmq_access::{HashKind, PasswordHash};
use ternmq_broker::{
    Appended, Broker, BrokerConfig, Dialect, Grouping, Limits, Log, Now, PermissionDefinition, Phase,
    RecordSource, Request, Session, UserDefinition,
};
use ternmq_env::Rng;
use ternmq_message::Formats;
use ternmq_queue::Location;

/// `salt | SHA-256(salt | "secret")` with the salt 1, 2, 3, 4, as RabbitMQ stores it.
const SECRET_HASH: &str = "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz";
/// What a record has beside its payload.
const HEADER_BYTES: u64 = 40;
/// Turns after which the core has to be idle.
const TURNS_MAX: usize = 10_000;

#[derive(Default)]
struct Records {
    all: Vec<(u64, u8, Vec<u8>)>,
    next: u64,
    durable: u64,
}

#[derive(Clone, Default)]
struct MemoryLog(Rc<RefCell<Records>>);

impl Log for MemoryLog {
    fn next_pos(&self) -> u64 {
        self.0.borrow().next
    }

    fn append(&mut self, kind: u8, _: Grouping, parts: &[&[u8]]) -> Appended {
        let mut records = self.0.borrow_mut();
        let payload = parts.concat();
        let (pos, len) = (records.next, HEADER_BYTES + payload.len() as u64);
        records.next += len;
        records.all.push((pos, kind, payload));
        Appended { pos, len: u32::try_from(len).expect("short records") }
    }

    fn durable_pos(&self) -> u64 {
        self.0.borrow().durable
    }

    fn segment_bytes(&self) -> u64 {
        1 << 16
    }
}

impl RecordSource for MemoryLog {
    fn read_many(&self, places: &[Location]) -> Vec<Option<bytes::Bytes>> {
        let records = self.0.borrow();
        let find = |place: &Location| records.all.iter().find(|record| record.0 == place.pos);
        places.iter().map(|place| find(place).map(|record| record.2.clone().into())).collect()
    }
}

/// Numbers that are not random at all.
struct CountingRng(u64);

impl Rng for CountingRng {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// One client's end.
pub struct Client {
    session: Box<dyn Session>,
    rest: Vec<u8>,
    /// What it got and nobody has looked at.
    pub out: Vec<u8>,
}

/// The core and its clients.
pub struct Stage {
    broker: Broker,
    log: MemoryLog,
    now: Now,
    clients: Vec<Client>,
    dialect: Arc<dyn Dialect>,
    formats: Formats,
    /// Nothing becomes durable.
    pub is_holding: bool,
}

fn broker(dialect: &Arc<dyn Dialect>, formats: &Formats, log: &MemoryLog) -> Broker {
    Broker::new(BrokerConfig {
        dialect: dialect.clone(),
        formats: formats.clone(),
        log: Box::new(log.clone()),
        rng: Box::new(CountingRng(7)),
        limits: Limits {
            max_message_bytes: 4_096,
            max_queues: 32,
            max_consumers_per_session: 8,
            max_staged: 16,
            max_remark_bytes: 512,
            max_remarks_bytes: 4_096,
            checkpoint_bytes: 16 << 10,
            ..Limits::default()
        },
        node_name: "fuzz".into(),
    })
}

impl Stage {
    /// A core without clients, with a user `root` whose password is `secret` and who may do everything.
    #[must_use]
    pub fn new(dialect: Arc<dyn Dialect>, formats: Formats) -> Self {
        let log = MemoryLog::default();
        let mut broker = broker(&dialect, &formats, &log);
        let now = Now { monotonic_ms: 1_000_000, wall_ms: 1_700_000_000_000 };
        broker.finish_recovery(now, true, &[]);
        broker.provide().expect("a new broker");
        let _done = broker.put_user(UserDefinition {
            name: "root".into(),
            password: Some(PasswordHash::import(HashKind::SaltedSha256, SECRET_HASH).expect("a hash")),
            ..UserDefinition::default()
        });
        let _done = broker
            .put_permission(PermissionDefinition {
                user: "root".into(),
                namespace: dialect.default_namespace().into(),
                configure: ".*".into(),
                write: ".*".into(),
                read: ".*".into(),
            })
            .expect("a permission");
        let clients = Vec::new();
        let mut stage = Self { broker, log, now, clients, dialect, formats, is_holding: false };
        stage.turn();
        stage
    }

    /// Puts a client in the place of the one of this number, whose connection is lost, or behind the last one.
    pub fn connect(&mut self, number: usize, make: impl FnOnce(u64) -> Box<dyn Session>) {
        let session = make(self.now.monotonic_ms);
        let client = Client { session, rest: Vec::new(), out: Vec::new() };
        match self.clients.get_mut(number) {
            Some(place) => {
                let mut old = std::mem::replace(place, client);
                old.session.handle_closed(&mut self.broker);
            }
            None => self.clients.push(client),
        }
        self.turn();
    }

    /// Brings bytes of a client, and lets everything settle.
    pub fn send(&mut self, number: usize, bytes: &[u8]) {
        self.push(number, bytes);
        self.turn();
    }

    /// Lets so much time pass.
    pub fn pass(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += ms;
        self.broker.set_now(self.now);
        for client in &mut self.clients {
            if client.session.deadline_ms().is_some_and(|at_ms| at_ms <= self.now.monotonic_ms) {
                client.session.handle_timeout(&mut self.broker, self.now.monotonic_ms, &mut client.out);
            }
        }
        self.turn();
    }

    /// The client of a number.
    pub fn client(&mut self, number: usize) -> Option<&mut Client> {
        self.clients.get_mut(number)
    }

    fn push(&mut self, number: usize, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(number) else { return };
        client.rest.extend_from_slice(bytes);
        if client.session.wants_input() && matches!(client.session.phase(), Phase::Handshake | Phase::Open) {
            let taken = client.session.handle_bytes(&mut self.broker, &client.rest, &mut client.out);
            client.rest.drain(..taken);
        }
    }

    /// One turn after the other until nothing happens, as a host drives them.
    fn turn(&mut self) {
        self.broker.set_now(self.now);
        self.broker.handle_timers();
        for _ in 0..TURNS_MAX {
            let mut is_idle = !self.broker.wants_turn();
            self.broker.end_turn();
            if !self.is_holding {
                let mut records = self.log.0.borrow_mut();
                is_idle &= records.durable == records.next;
                records.durable = records.next;
            }
            let durable = self.broker.handle_durable();
            for client in &mut self.clients {
                client.session.handle_durable(durable, &mut client.out);
            }
            while let Some(job) = self.broker.poll_load() {
                self.broker.handle_loaded(job.run(&self.log));
                is_idle = false;
            }
            while self.broker.poll_log_request().is_some() {}
            is_idle &= !self.run_requests();
            let effects: Vec<_> = self.broker.drain_effects().collect();
            is_idle &= effects.is_empty();
            for (connection, effect) in effects {
                let owner = self.clients.iter_mut().find(|it| it.session.connection() == Some(connection));
                if let Some(client) = owner {
                    client.session.handle_effect(&mut self.broker, effect, &mut client.out);
                }
            }
            for number in 0..self.clients.len() {
                let before = self.clients[number].rest.len();
                self.push(number, &[]);
                is_idle &= self.clients[number].rest.len() == before;
            }
            if is_idle && !self.broker.has_effects() {
                return;
            }
        }
        panic!("the core does not come to rest");
    }

    fn run_requests(&mut self) -> bool {
        let mut has_run = false;
        for client in &mut self.clients {
            while let Some(request) = client.session.poll_request() {
                match request {
                    Request::Verify(check) => {
                        client.session.handle_login(&mut self.broker, check.run(), &mut client.out);
                    }
                    Request::Browse(browse) => {
                        let page = browse.read(&self.log);
                        client.session.handle_browsed(&mut self.broker, page, &mut client.out);
                    }
                }
                has_run = true;
            }
        }
        has_run
    }

    /// Ends it: all connections are lost, and a new core reads what the log has.
    pub fn end(mut self) {
        for client in &mut self.clients {
            client.session.handle_closed(&mut self.broker);
        }
        self.clients.clear();
        self.is_holding = false;
        self.turn();
        let mut again = broker(&self.dialect, &self.formats, &self.log);
        let records = std::mem::take(&mut self.log.0.borrow_mut().all);
        for (pos, kind, payload) in &records {
            let len = u32::try_from(HEADER_BYTES + payload.len() as u64).expect("short records");
            again.replay(*pos, len, *kind, payload).expect("what was written can be read");
        }
        self.log.0.borrow_mut().all = records;
        again.finish_recovery(self.now, false, &[]);
    }
}
