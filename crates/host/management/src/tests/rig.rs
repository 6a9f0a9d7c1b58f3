//! A broker on a thread of its own, and requests to its management API.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Value as Json, json};
use ternmq_access::{PasswordHash, Secret};
use ternmq_amqp091::format::Amqp091Format;
use ternmq_broker::{
    Appended, Broker, BrokerConfig, ConnectionId, ConnectionInfo, Effect, Grouping, Limits, Log, Now,
    PermissionDefinition, Receipt, RecordSource, UserDefinition,
};
use ternmq_env::Rng;
use ternmq_message::{Encoding, Formats};
use ternmq_queue::Location;
use ternmq_rabbitmq::RabbitMq;
use tower::ServiceExt;

use crate::{Control, Desk, Facts, Management, NodeFacts, NodeListener, Peer, Question, Unavailable, router};

pub(crate) const ENCODING: Encoding = Encoding(1);
pub(crate) const PASSWORD: &str = "correct horse";
/// Users with their tags; each may do everything in `/`, but the stranger nothing anywhere.
pub(crate) const USERS: [(&str, &str); 6] = [
    ("nobody", ""),
    ("stranger", "management"),
    ("member", "management"),
    ("maker", "policymaker"),
    ("monitor", "monitoring"),
    ("admin", "administrator"),
];

/// A log that remembers only how long it is.
#[derive(Clone, Default)]
struct CountingLog(Rc<RefCell<(u64, u64)>>);

impl Log for CountingLog {
    fn next_pos(&self) -> u64 {
        self.0.borrow().0
    }

    fn append(&mut self, _: u8, _: Grouping, parts: &[&[u8]]) -> Appended {
        let len = 40 + parts.iter().map(|part| part.len() as u64).sum::<u64>();
        let mut state = self.0.borrow_mut();
        let pos = state.0;
        state.0 += len;
        Appended { pos, len: u32::try_from(len).unwrap() }
    }

    fn durable_pos(&self) -> u64 {
        self.0.borrow().1
    }

    fn segment_bytes(&self) -> u64 {
        1 << 20
    }
}

/// Where nothing can be read back.
struct NothingStored;

impl RecordSource for NothingStored {
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>> {
        vec![None; places.len()]
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

type Waiters = Vec<(Receipt, Box<dyn FnOnce() + Send>)>;

struct TestDesk<'a> {
    broker: &'a mut Broker,
    waiters: &'a mut Waiters,
}

impl Desk for TestDesk<'_> {
    fn broker(&mut self) -> &mut Broker {
        self.broker
    }

    fn when_durable(&mut self, receipt: Receipt, notify: Box<dyn FnOnce() + Send>) {
        self.waiters.push((receipt, notify));
    }
}

/// What the thread shares with the test.
#[derive(Default)]
pub(crate) struct Shared {
    /// Nothing becomes durable while set.
    pub(crate) is_stalled: AtomicBool,
    /// No question is taken while set.
    pub(crate) is_busy: AtomicBool,
    /// Connections that were asked to close, and why.
    pub(crate) closed: Mutex<Vec<(ConnectionId, Arc<str>)>>,
    questions: AtomicU64,
}

struct TestControl {
    sender: Mutex<Sender<Question>>,
    shared: Arc<Shared>,
}

impl Control for TestControl {
    fn call(&self, question: Question) -> Pin<Box<dyn Future<Output = Result<(), Unavailable>> + Send + '_>> {
        let result = if self.shared.is_busy.load(Ordering::SeqCst) {
            Err(Unavailable::Busy)
        } else {
            self.shared.questions.fetch_add(1, Ordering::SeqCst);
            self.sender.lock().unwrap().send(question).map_err(|_| Unavailable::Ended)
        };
        Box::pin(async move { result })
    }
}

fn work(questions: &Receiver<Question>, shared: &Shared) {
    let log = CountingLog::default();
    let mut formats = Formats::default();
    formats.register(ENCODING, Arc::new(Amqp091Format));
    let mut broker = Broker::new(BrokerConfig {
        dialect: Arc::new(RabbitMq),
        formats,
        log: Box::new(log.clone()),
        rng: Box::new(CountingRng(7)),
        limits: Limits::default(),
        node_name: "rabbit@test".into(),
    });
    broker.finish_recovery(Now { monotonic_ms: 1_000, wall_ms: 1_700_000_000_000 }, true, &[]);
    let mut waiters = Waiters::new();
    for question in questions {
        question(&mut TestDesk { broker: &mut broker, waiters: &mut waiters });
        broker.end_turn();
        if !shared.is_stalled.load(Ordering::SeqCst) {
            let next = log.next_pos();
            log.0.borrow_mut().1 = next;
        }
        let effects: Vec<_> = broker.drain_effects().collect();
        for (connection, effect) in effects {
            if let Effect::Close { reason } = effect {
                broker.disconnect(connection);
                shared.closed.lock().unwrap().push((connection, reason));
            }
        }
        // Whoever waits for an answer may look at what was closed.
        let proof = broker.handle_durable();
        for (_, notify) in waiters.extract_if(.., |(receipt, _)| proof.covers(*receipt)) {
            notify();
        }
    }
}

struct TestFacts;

impl Facts for TestFacts {
    fn facts(&self) -> NodeFacts {
        NodeFacts {
            version: "0.1.0".into(),
            compatible_version: "3.13.7".into(),
            cluster_name: "test".into(),
            listeners: vec![NodeListener {
                protocol: "amqp".into(),
                address: "127.0.0.1:5672".parse().unwrap(),
            }],
            memory_limit_bytes: 1 << 30,
            ..NodeFacts::default()
        }
    }
}

/// Answer to a request.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Json,
}

pub(crate) struct Rig {
    pub(crate) router: Router,
    pub(crate) shared: Arc<Shared>,
    control: Arc<TestControl>,
}

fn hash() -> PasswordHash {
    static HASH: OnceLock<PasswordHash> = OnceLock::new();
    HASH.get_or_init(|| PasswordHash::make(&Secret::from(PASSWORD), &[7; 16]).unwrap()).clone()
}

impl Rig {
    pub(crate) async fn new() -> Self {
        super::audit::listen();
        let (sender, questions) = channel();
        let shared = Arc::new(Shared::default());
        let control = Arc::new(TestControl { sender: Mutex::new(sender), shared: shared.clone() });
        let thread_shared = shared.clone();
        std::thread::spawn(move || work(&questions, &thread_shared));
        let management =
            Management::new(control.clone(), Arc::new(TestFacts), Arc::new(NothingStored), ENCODING);
        let rig = Self { router: router(Arc::new(management)), shared, control };
        rig.with(|broker| {
            for (name, tag) in USERS {
                let tags = if tag.is_empty() { Vec::new() } else { vec![tag.into()] };
                let user =
                    UserDefinition { name: name.into(), password: Some(hash()), tags, ..Default::default() };
                let _ = broker.put_user(user);
                if name != "stranger" {
                    grant(broker, name, "/");
                }
            }
        })
        .await;
        rig
    }

    /// Runs something on the broker.
    pub(crate) async fn with<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Broker) -> T + Send + 'static,
    ) -> T {
        let (sender, wait) = tokio::sync::oneshot::channel();
        let question: Question = Box::new(move |desk| {
            let _ = sender.send(question(desk.broker()));
        });
        self.control.sender.lock().unwrap().send(question).unwrap();
        wait.await.unwrap()
    }

    pub(crate) async fn send(&self, request: Request<Body>) -> Got {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        let body = if bytes.is_empty() { Json::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Got { status: parts.status, headers: parts.headers, body }
    }

    /// A request of a user.
    pub(crate) async fn ask(&self, user: &str, method: &str, path: &str, body: &Json) -> Got {
        self.send(request(user, method, path, body)).await
    }

    /// A request of the administrator.
    pub(crate) async fn admin(&self, method: &str, path: &str, body: &Json) -> Got {
        self.ask("admin", method, path, body).await
    }

    /// What the administrator finds.
    pub(crate) async fn get(&self, path: &str) -> Json {
        let got = self.admin("GET", path, &Json::Null).await;
        assert_eq!(got.status, 200, "{path}: {}", got.body);
        got.body
    }

    /// A request of the administrator whose status is known.
    pub(crate) async fn expect(&self, status: u16, method: &str, path: &str, body: Json) -> Got {
        let got = self.admin(method, path, &body).await;
        assert_eq!(got.status.as_u16(), status, "{method} {path}: {}", got.body);
        got
    }

    /// A connection of a client.
    pub(crate) async fn client(&self, user: &str, name: &str) -> ConnectionId {
        let (user, name) = (Arc::<str>::from(user), Arc::<str>::from(name));
        let info = ConnectionInfo {
            name,
            protocol: "AMQP 0-9-1".into(),
            peer: Some("127.0.0.1:40001".parse().unwrap()),
            ..ConnectionInfo::default()
        };
        self.with(move |broker| broker.connect(&user, "/", info).unwrap()).await
    }
}

/// All permissions.
pub(crate) fn grant(broker: &mut Broker, user: &str, vhost: &str) {
    let all: Arc<str> = ".*".into();
    let permission = PermissionDefinition {
        user: user.into(),
        namespace: vhost.into(),
        configure: all.clone(),
        write: all.clone(),
        read: all,
    };
    let _ = broker.put_permission(permission).unwrap();
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

pub(crate) fn request(user: &str, method: &str, path: &str, body: &Json) -> Request<Body> {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let peer: SocketAddr = "127.0.0.1:50000".parse().unwrap();
    let builder = Request::builder().method(method).uri(path).extension(Peer(peer));
    builder.header("authorization", basic(user, PASSWORD)).body(body).unwrap()
}

/// A body without members.
pub(crate) fn nothing() -> Json {
    json!({})
}
