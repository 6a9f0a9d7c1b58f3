//! A real broker over a log in memory, with sessions that are fed by hand.

use std::{collections::BTreeMap, sync::Arc};

use ternmq_access::{
    Act, Glob, GrantEffect, GrantKind, GrantNames, GrantRule, Grants, HashKind, PasswordHash, ScramVerifier,
    Secret,
};
use ternmq_activemq::{Acl, ActiveMq, AuthorizationEntry, AuthorizationMap, EntryKind, members};
use ternmq_broker::{
    Addresses, Alarm, Broker, BrokerConfig, ConnectionInfo, Dialect, Herald, Limits, LinkAddresses, Now,
    OutsideAnswer, OutsideUsers, PermissionDefinition, Phase, QueueSpec, Request, Session, SessionId,
    UserDefinition,
};
use ternmq_configuration::{
    Version,
    activemq_service::{self, Strategy},
};
use ternmq_message::{Formats, Value};
use ternmq_rabbitmq::RabbitMq;

use crate::{
    log::{CountingRng, MemoryLog},
    mutants::Step,
};

/// `salt | SHA-256(salt | "secret")` with the salt 1, 2, 3, 4, as RabbitMQ stores it.
const SECRET_HASH: &str = "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz";
/// What checks proofs of "secret": the salt 1 to 8, few iterations.
const SECRET_VERIFIER: &str = "SCRAM-SHA-256$4096:AQIDBAUGBwg=\
    $jjme7qCepXYBEnto6wNRqeTwL9zOtkICGmObHQe8M3w=:xWJg9Ti2Cz+We29OHqq88qQ9vYdfiTZS5lOPG8Ph1bY=";
/// Time in ms at which a script starts.
const START_MS: u64 = 1_000_000;

/// Whose ways the broker of a conversation follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Vendor {
    /// RabbitMQ's.
    RabbitMq,
    /// ActiveMQ's.
    ActiveMq,
    /// ActiveMQ's, as `activemq.xml` beside this file has them.
    ConfiguredActiveMq,
}

impl Vendor {
    /// The addresses of its clients.
    #[must_use]
    pub fn addresses(self) -> Arc<dyn Addresses> {
        match self {
            Self::RabbitMq => Arc::new(RabbitMq),
            Self::ActiveMq => Arc::new(ActiveMq),
            Self::ConfiguredActiveMq => Arc::new(configured()),
        }
    }

    /// The addresses of its clients' links.
    #[must_use]
    pub fn link_addresses(self) -> Arc<dyn LinkAddresses> {
        match self {
            Self::RabbitMq => Arc::new(RabbitMq),
            Self::ActiveMq => Arc::new(ActiveMq),
            Self::ConfiguredActiveMq => Arc::new(configured()),
        }
    }

    fn dialect(self) -> Arc<dyn Dialect> {
        match self {
            Self::RabbitMq => Arc::new(RabbitMq),
            Self::ActiveMq => Arc::new(ActiveMq),
            Self::ConfiguredActiveMq => Arc::new(configured()),
        }
    }
}

fn configured() -> ActiveMq {
    let text = include_bytes!("activemq.xml");
    let read = activemq_service::sanitise(text, Version::minor(5, 19), Strategy::Simple).unwrap();
    assert!(read.removals.is_empty(), "{:?}", read.removals);
    let (dialect, warnings) = ActiveMq::configured(&read.settings);
    assert!(warnings.is_empty(), "{warnings:?}");
    dialect
}

/// Makes the session of the client of a name, at a time in ms.
type MakeSession = fn(&str, u64) -> Box<dyn Session>;

/// What a protocol brings along.
pub struct Setup {
    /// Whose ways the broker follows.
    pub vendor: Vendor,
    /// Makes the session of the client of this name, which connects at this time in ms.
    pub session: MakeSession,
    /// Encodings of its messages.
    pub formats: Formats,
    /// Who tells what happens in the broker.
    pub herald: Option<Arc<dyn Herald>>,
    /// Limits that its conversations meet.
    pub limits: Limits,
    /// What the user `guest` may configure, write and read; `root` may everything, `nobody` nothing.
    pub guest_pattern: &'static str,
}

/// One client's end.
struct Client {
    session: Box<dyn Session>,
    rest: Vec<u8>,
    out: Vec<u8>,
}

/// How input reaches a session.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    /// All of it at once.
    Whole,
    /// One byte after the other.
    Bytewise,
}

pub(crate) struct Rig {
    broker: Broker,
    log: MemoryLog,
    now: Now,
    clients: BTreeMap<String, Client>,
    feed: Feed,
    /// Nothing becomes durable.
    is_holding: bool,
    session: MakeSession,
    /// The namespace from the start.
    space: &'static str,
    /// What was sent and done, when somebody wants to know.
    recorded: Option<Vec<Step>>,
}

impl Rig {
    pub(crate) fn new(setup: Setup, feed: Feed) -> Self {
        let Setup { vendor, session, formats, herald, limits, guest_pattern } = setup;
        let dialect = vendor.dialect();
        let space = dialect.default_namespace();
        let log = MemoryLog::default();
        let mut broker = Broker::new(BrokerConfig {
            dialect,
            formats,
            log: Box::new(log.clone()),
            rng: Box::new(CountingRng(7)),
            limits,
            node_name: "test".into(),
        });
        if let Some(herald) = herald {
            broker.set_herald(herald);
        }
        let now = Now { monotonic_ms: START_MS, wall_ms: 1_700_000_000_000 };
        broker.finish_recovery(now, true, &[]);
        broker.provide().unwrap();
        for (user, pattern) in [("root", ".*"), ("guest", guest_pattern), ("nobody", "")] {
            let hash = PasswordHash::import(HashKind::SaltedSha256, SECRET_HASH).unwrap();
            let _done = broker.put_user(UserDefinition {
                name: user.into(),
                password: Some(hash),
                tags: vec![format!("group:{user}s").into()],
                ..UserDefinition::default()
            });
            if user == "nobody" {
                continue;
            }
            let _done = broker
                .put_permission(PermissionDefinition {
                    user: user.into(),
                    namespace: space.into(),
                    configure: pattern.into(),
                    write: pattern.into(),
                    read: pattern.into(),
                })
                .unwrap();
        }
        let clients = BTreeMap::new();
        let (is_holding, recorded) = (false, None);
        let mut rig = Self { broker, log, now, clients, feed, is_holding, session, space, recorded };
        rig.turn();
        rig
    }

    /// The client of this name, made when it first speaks.
    fn client(&mut self, name: &str) -> &mut Client {
        let (now_ms, session) = (self.now.monotonic_ms, self.session);
        self.clients.entry(name.to_owned()).or_insert_with(|| Client {
            session: session(name, now_ms),
            rest: Vec::new(),
            out: Vec::new(),
        })
    }

    /// Feeds one read's bytes and lets everything settle.
    pub(crate) fn send(&mut self, name: &str, bytes: &[u8]) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Step::Send(name.to_owned(), bytes.to_vec()));
        }
        self.client(name);
        match self.feed {
            Feed::Whole => self.push(name, bytes),
            Feed::Bytewise => bytes.iter().for_each(|byte| self.push(name, &[*byte])),
        }
        self.turn();
    }

    fn push(&mut self, name: &str, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(name) else { return };
        client.rest.extend_from_slice(bytes);
        if client.session.wants_input() && matches!(client.session.phase(), Phase::Handshake | Phase::Open) {
            let rest = std::mem::take(&mut client.rest);
            let taken = client.session.handle_bytes(&mut self.broker, &rest, &mut client.out);
            client.rest = rest[taken..].to_vec();
        }
    }

    /// One turn after the other until nothing happens, as a host drives them.
    fn turn(&mut self) {
        self.broker.set_now(self.now);
        self.broker.handle_timers();
        loop {
            let mut is_idle = !self.broker.wants_turn();
            self.broker.end_turn();
            if !self.is_holding {
                is_idle &= !self.log.settle();
            }
            let durable = self.broker.handle_durable();
            for client in self.clients.values_mut() {
                client.session.handle_durable(durable, &mut client.out);
            }
            while let Some(job) = self.broker.poll_load() {
                self.broker.handle_loaded(job.run(&self.log));
                is_idle = false;
            }
            is_idle &= !self.run_requests();
            is_idle &= !self.hand_out();
            for name in self.clients.keys().cloned().collect::<Vec<_>>() {
                let before = self.clients[&name].rest.len();
                self.push(&name, &[]);
                is_idle &= self.clients[&name].rest.len() == before;
            }
            if is_idle && !self.broker.has_effects() {
                break;
            }
        }
    }

    fn run_requests(&mut self) -> bool {
        let mut has_run = false;
        for client in self.clients.values_mut() {
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

    fn hand_out(&mut self) -> bool {
        let effects: Vec<_> = self.broker.drain_effects().collect();
        let has_any = !effects.is_empty();
        for (connection, effect) in effects {
            let owner = self.clients.values_mut().find(|c| c.session.connection() == Some(connection));
            if let Some(client) = owner {
                client.session.handle_effect(&mut self.broker, effect, &mut client.out);
            }
        }
        has_any
    }

    /// Does what a line that starts with `!` says.
    pub(crate) fn control(&mut self, words: &[&str]) {
        if let Some(recorded) = &mut self.recorded {
            recorded.push(Step::Control(words.join(" ")));
        }
        match words {
            ["hold"] => self.is_holding = true,
            ["release"] => self.is_holding = false,
            ["alarm", state] => self.broker.set_alarm(Alarm::Memory, *state == "on"),
            ["pass", ms] => return self.pass(ms.parse().unwrap()),
            ["hang-up", name] => {
                if let Some(mut client) = self.clients.remove(*name) {
                    client.session.handle_closed(&mut self.broker);
                }
            }
            ["delete-queue", name] => self.as_operator(|broker, session| {
                let _done = broker.delete_queue(session, name, false, false).unwrap();
            }),
            // A queue that refuses its second message, as no destination can ask for one.
            ["refusing-queue", name] => self.as_operator(|broker, session| {
                let spec = QueueSpec {
                    name: (*name).into(),
                    is_durable: true,
                    arguments: vec![
                        ("x-max-length".into(), Value::I32(1)),
                        ("x-overflow".into(), Value::str("reject-publish")),
                    ],
                    ..QueueSpec::default()
                };
                let _done = broker.declare_queue(session, spec).unwrap();
            }),
            ["bind", user, grants @ ..] => {
                let layer = grants.iter().map(|grant| allowing(grant)).collect();
                let wanted = [((*user).into(), Grants::new(vec![layer]).unwrap())].into_iter().collect();
                let _done = self.broker.set_grants(&wanted);
            }
            ["free"] => drop(self.broker.set_grants(&BTreeMap::new())),
            ["rules", entries @ ..] => self.broker.set_rules(Some(map_of(entries).rules().unwrap())),
            ["keep-scram", users @ ..] => {
                self.broker.keep_scram();
                for user in users {
                    let mut definition = self.broker.user_definition(user).unwrap();
                    definition.scram = Some(ScramVerifier::import(SECRET_VERIFIER).unwrap());
                    let _done = self.broker.put_user(definition);
                }
            }
            ["outside", "down"] => self.broker.set_outside_users(Arc::new(Down)),
            ["drain", name] => {
                let Some(client) = self.clients.get_mut(*name) else { return };
                client.session.handle_drain(&mut self.broker, &mut client.out);
            }
            ["operator-closes", name] => {
                let id = self.clients.get(*name).and_then(|client| client.session.connection());
                // A client whose login was spoilt has none.
                if let Some(id) = id {
                    self.broker.close_connection(id, "an operator said so");
                }
            }
            other => panic!("no such control line: {other:?}"),
        }
        self.turn();
    }

    /// Lets time pass; timers run when they are due, in steps of half a second.
    fn pass(&mut self, ms: u64) {
        let end = self.now.monotonic_ms + ms;
        while self.now.monotonic_ms < end {
            let step = 500.min(end - self.now.monotonic_ms);
            self.now.monotonic_ms += step;
            self.now.wall_ms += step;
            self.turn();
            for client in self.clients.values_mut() {
                if client.session.deadline_ms().is_some_and(|at| at <= self.now.monotonic_ms) {
                    client.session.handle_timeout(&mut self.broker, self.now.monotonic_ms, &mut client.out);
                }
            }
            self.turn();
        }
    }

    /// Takes what each session has written, in order of names, with where it stands.
    pub(crate) fn take_output(&mut self) -> Vec<(String, Vec<u8>, Phase)> {
        let take = |(name, client): (&String, &mut Client)| {
            (name.clone(), std::mem::take(&mut client.out), client.session.phase())
        };
        self.clients.iter_mut().map(take).collect()
    }

    /// From here on what is sent and done is kept.
    pub(crate) fn start_recording(&mut self) {
        self.recorded = Some(Vec::new());
    }

    /// Takes what was kept.
    pub(crate) fn take_recorded(&mut self) -> Vec<Step> {
        self.recorded.take().unwrap_or_default()
    }

    /// Every client goes without a word; what was held back becomes durable.
    pub(crate) fn hang_up_all(&mut self) {
        self.is_holding = false;
        let _done = self.broker.set_grants(&BTreeMap::new());
        self.broker.set_rules(None);
        for mut client in std::mem::take(&mut self.clients).into_values() {
            client.session.handle_closed(&mut self.broker);
        }
        self.turn();
        assert!(self.broker.connection_views().is_empty());
    }

    /// Every client goes, and all that they made too. Who has logged in lately is still known.
    pub(crate) fn start_over(&mut self) {
        self.hang_up_all();
        self.broker.set_alarm(Alarm::Memory, false);
        let space = self.space;
        self.as_operator(|broker, session| {
            for queue in broker.queue_views(Some(space)) {
                let _done = broker.delete_queue(session, &queue.name, false, false).unwrap();
            }
            let predefined = broker.dialect().predefined();
            for node in broker.node_views(space) {
                let name = &*node.record.name;
                let is_own = !name.is_empty() && predefined.iter().all(|known| known.name != name);
                let _done = is_own.then(|| broker.delete_node(session, name, false).unwrap());
            }
        });
        self.turn();
    }

    /// Does something in a session of the administrator's.
    fn as_operator(&mut self, act: impl FnOnce(&mut Broker, SessionId)) {
        let root = "root".into();
        let connection = self.broker.connect(&root, self.space, ConnectionInfo::default()).unwrap();
        let session = self.broker.open_session(connection, 1).unwrap();
        act(&mut self.broker, session);
        self.broker.disconnect(connection);
    }

    /// Connections that the broker knows.
    pub(crate) fn connection_count(&self) -> usize {
        self.broker.connection_views().len()
    }
}

/// Nobody outside answers.
struct Down;

impl OutsideUsers for Down {
    fn log_in(&self, _: &str, _: &Secret) -> OutsideAnswer {
        OutsideAnswer::Unavailable
    }
}

/// Entries of an authorization map: `queue:NAME`, `topic:NAME`, `temporary` or `default`, each followed by `|read=GROUPS`,
/// `|write=GROUPS`, `|admin=GROUPS`.
fn map_of(entries: &[&str]) -> AuthorizationMap {
    let mut map = AuthorizationMap::default();
    for entry in entries {
        let mut words = entry.split('|');
        let place = words.next().unwrap();
        let mut acl = Acl::default();
        for word in words {
            let (permission, groups) = word.split_once('=').unwrap();
            let members = members(groups.split(','));
            match permission {
                "read" => acl.read = members,
                "write" => acl.write = members,
                "admin" => acl.admin = members,
                other => panic!("no such permission: {other}"),
            }
        }
        let (kind, name) = match place.split_once(':') {
            Some(("queue", name)) => (EntryKind::Queue, name),
            Some(("topic", name)) => (EntryKind::Topic, name),
            _ if place == "temporary" => {
                map.temporary = Some(acl);
                continue;
            }
            _ => {
                map.default = Some(acl);
                continue;
            }
        };
        map.entries.push(AuthorizationEntry { kind, name: name.into(), acl });
    }
    map
}

/// A rule that allows, as a script says it: `act:kind:pattern`.
fn allowing(text: &str) -> GrantRule {
    let words: Vec<&str> = text.splitn(3, ':').collect();
    let [act, kind, pattern] = words[..] else { panic!("no grant: {text}") };
    let act = Act::WORDS.iter().find(|(_, word)| *word == act).unwrap().0;
    let kind = GrantKind::WORDS.iter().find(|(_, word)| *word == kind).unwrap().0;
    GrantRule {
        effect: GrantEffect::Allow,
        acts: [act].into_iter().collect(),
        kinds: [kind].into_iter().collect(),
        names: GrantNames::Only(vec![Glob::new(pattern).unwrap()]),
    }
}
