//! What a hostile peer costs its neighbours (section 6 of the guarantees, I11): nothing. Measured in turns, not in time.
#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;

use support::{NoLog, Pipe, now};
use ternmq_access::{HashKind, PasswordHash};
use ternmq_amqp091::{Amqp091Session, ENCODING, Settings, format::Amqp091Format};
use ternmq_broker::{Broker, BrokerConfig, Limits, PermissionDefinition, UserDefinition};
use ternmq_env::SystemRng;
use ternmq_message::Formats;
use ternmq_net::{Driver, DriverLimits, Key, Readiness};
use ternmq_rabbitmq::RabbitMq;

/// `salt | SHA-256(salt | "secret")` with the salt 1, 2, 3, 4, as RabbitMQ stores it.
const SECRET_HASH: &str = "AQIDBDB9kM21iEUzN1lZ+6VReCsdNqS0sERdAQTcY6Xs3PMz";
const TURNS: usize = 40;
/// Messages that the honest client publishes in each turn.
const PER_TURN: usize = 25;

const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;

fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend_from_slice(&channel.to_be_bytes());
    out.extend_from_slice(&u32::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend_from_slice(payload);
    out.push(0xCE);
    out
}

fn method(channel: u16, class: u16, number: u16, arguments: &[&[u8]]) -> Vec<u8> {
    let head = [class.to_be_bytes(), number.to_be_bytes()].concat();
    frame(METHOD, channel, &[&head, arguments.concat().as_slice()].concat())
}

fn short(text: &str) -> Vec<u8> {
    [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

const NO_TABLE: &[u8] = &[0; 4];

fn login() -> Vec<u8> {
    let secret = b"\0root\0secret";
    let secret_len = u32::try_from(secret.len()).unwrap().to_be_bytes();
    [
        b"AMQP\0\0\x09\x01".to_vec(),
        method(0, 10, 11, &[NO_TABLE, &short("PLAIN"), &secret_len, secret, &short("en_US")]),
    ]
    .concat()
}

/// What follows a login once the password was checked.
fn open() -> Vec<u8> {
    [
        method(0, 10, 31, &[&2_047_u16.to_be_bytes(), &131_072_u32.to_be_bytes(), &[0; 2]]),
        method(0, 10, 40, &[&short("/"), &short(""), &[0]]),
        method(1, 20, 10, &[&short("")]),
    ]
    .concat()
}

fn declare_and_consume(queue: &str) -> Vec<u8> {
    [
        method(1, 50, 10, &[&[0; 2], &short(queue), &[0], NO_TABLE]),
        method(1, 60, 20, &[&[0; 2], &short(queue), &short("c"), &[0b10], NO_TABLE]),
    ]
    .concat()
}

fn content_header(size: u64) -> Vec<u8> {
    frame(HEADER, 1, &[&[0, 60, 0, 0][..], &size.to_be_bytes(), &[0; 2]].concat())
}

fn publish(queue: &str, body: &[u8]) -> Vec<u8> {
    let start = method(1, 60, 40, &[&[0; 2], &short(""), &short(queue), &[0]]);
    [start, content_header(body.len() as u64), frame(BODY, 1, body)].concat()
}

/// A table in a table in a table, one deeper than allowed.
fn deep_table() -> Vec<u8> {
    let mut table = Vec::new();
    for _ in 0..33 {
        let len = u32::try_from(table.len()).unwrap().to_be_bytes();
        table = [&short("k")[..], b"F", &len, &table].concat();
    }
    [&u32::try_from(table.len()).unwrap().to_be_bytes()[..], &table].concat()
}

/// A peer that means harm.
struct Hostile {
    what: &'static str,
    /// Logs in first and opens a channel.
    has_login: bool,
    bytes: Vec<u8>,
    /// Reply code of the close that it gets, of its channel or its connection.
    code: Option<u16>,
}

fn hostile() -> Vec<Hostile> {
    let before = |what, bytes, code| Hostile { what, has_login: false, bytes, code };
    let after = |what, bytes, code| Hostile { what, has_login: true, bytes, code };
    let lying = |channel: u8, size: u32| [&[1, 0, channel][..], &size.to_be_bytes(), &[0; 64]].concat();
    let greeting = b"AMQP\0\0\x09\x01";
    let start = || method(1, 60, 40, &[&[0; 2], &short(""), &short("nowhere"), &[0]]);
    let declare = |table: &[u8]| method(1, 50, 10, &[&[0; 2], &short("q"), &[0], table]);
    vec![
        before("noise instead of a greeting", vec![0xA5; 4_096], None),
        before("half a greeting", b"AMQP".to_vec(), None),
        before("a greeting and silence", greeting.to_vec(), None),
        before("a frame over the limit", [&greeting[..], &lying(0, 8_193)].concat(), Some(501)),
        before("a frame that claims 4 GiB", [&greeting[..], &lying(0, u32::MAX)].concat(), Some(501)),
        after("a frame over the limit", lying(1, 131_073), Some(501)),
        after("a body of 2^63 bytes", [start(), content_header(1 << 63)].concat(), Some(406)),
        after(
            "a body longer than announced",
            [start(), content_header(1), frame(BODY, 1, b"two")].concat(),
            Some(505),
        ),
        after("a body without its header", [start(), frame(BODY, 1, b"x")].concat(), Some(505)),
        after("a table too deep", declare(&deep_table()), Some(502)),
        after("a table longer than its frame", declare(&u32::MAX.to_be_bytes()), Some(502)),
        after("a channel over the limit", method(2_048, 20, 10, &[&short("")]), Some(530)),
        after("an unknown method", method(1, 60, 999, &[]), Some(540)),
        after("a flood of messages", publish("nowhere", &[7; 1_000]).repeat(2_000), None),
        after("a flood of requests", method(1, 60, 10, &[&[0; 4], &[0, 1], &[0]]).repeat(20_000), None),
    ]
}

fn broker() -> Broker {
    let mut formats = Formats::default();
    formats.register(ENCODING, Arc::new(Amqp091Format));
    let mut broker = Broker::new(BrokerConfig {
        dialect: Arc::new(RabbitMq),
        formats,
        log: Box::new(NoLog::new()),
        rng: Box::new(SystemRng),
        limits: Limits::default(),
        node_name: "test".into(),
    });
    broker.finish_recovery(now(0), true, &[]);
    let hash = PasswordHash::import(HashKind::SaltedSha256, SECRET_HASH).unwrap();
    let user = UserDefinition { name: "root".into(), password: Some(hash), ..UserDefinition::default() };
    let _done = broker.put_user(user);
    let all = || ".*".into();
    let permission = PermissionDefinition {
        user: "root".into(),
        namespace: "/".into(),
        configure: all(),
        write: all(),
        read: all(),
    };
    let _done = broker.put_permission(permission).unwrap();
    broker
}

struct Rig {
    driver: Driver<Pipe>,
    peers: Vec<(Key, Pipe)>,
}

impl Rig {
    fn connect(&mut self, first: &[u8]) -> Pipe {
        let session = Amqp091Session::new(Arc::new(Settings::default()), None, None, 1_000);
        let pipe = Pipe::with_room(usize::MAX);
        pipe.send_bytes(first);
        let key = self.driver.add(pipe.clone(), Box::new(session), Some([10, 0, 0, 1].into()));
        self.peers.push((key, pipe.clone()));
        pipe
    }

    /// One turn in which every peer is ready, as a shard makes it.
    fn turn(&mut self) {
        self.driver.begin_turn(now(1_000));
        let readiness = Readiness { is_readable: true, is_writable: true, ..Readiness::default() };
        for (key, _) in &self.peers {
            self.driver.note_ready(key.index, readiness);
        }
        for (key, check) in self.driver.take_checks() {
            self.driver.handle_login(key, check.run());
        }
        self.driver.pump_ready();
        self.driver.hand_out_effects();
        self.driver.core_mut().end_turn();
        self.driver.handle_durable();
        self.driver.hand_out_effects();
        self.driver.flush();
    }
}

/// Methods in what a client got: class, number, arguments.
fn methods(mut output: &[u8]) -> Vec<(u16, u16, &[u8])> {
    let mut found = Vec::new();
    // The greeting that answers noise is no frame, and the last thing said.
    while let Some((head, rest)) = output.split_first_chunk::<7>().filter(|(head, _)| head[0] != b'A') {
        let size = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
        if let Some((name, arguments)) = rest[..size].split_first_chunk::<4>()
            && head[0] == METHOD
        {
            let [class, number] = [[name[0], name[1]], [name[2], name[3]]].map(u16::from_be_bytes);
            found.push((class, number, arguments));
        }
        output = &rest[size + 1..];
    }
    found
}

fn deliveries(output: &[u8]) -> usize {
    methods(output).iter().filter(|(class, number, _)| (*class, *number) == (60, 60)).count()
}

fn close_code(output: &[u8]) -> Option<u16> {
    methods(output).into_iter().find_map(|(class, number, arguments)| {
        matches!((class, number), (10, 50) | (20, 40))
            .then(|| u16::from_be_bytes([arguments[0], arguments[1]]))
    })
}

/// Deliveries that the honest client got in each turn, beside so many of each hostile peer that come anew every turn.
fn honest_rate(of_each: usize) -> Vec<usize> {
    let mut rig = Rig { driver: Driver::new(broker(), DriverLimits::default()), peers: Vec::new() };
    let honest = rig.connect(&login());
    for bytes in [open(), declare_and_consume("mine"), Vec::new()] {
        rig.turn();
        honest.send_bytes(&bytes);
    }
    rig.turn();
    honest.take_bytes();
    let hostile = hostile();
    let mut known: Vec<(&Hostile, Pipe)> = Vec::new();
    let mut is_logged_in = 0;
    let rate = (0..TURNS)
        .map(|_| {
            // Those of the turn before have their password checked by now and go on.
            for (peer, pipe) in known.iter().skip(is_logged_in).filter(|(peer, _)| peer.has_login) {
                pipe.send_bytes(&open());
                pipe.send_bytes(&peer.bytes);
            }
            is_logged_in = known.len();
            for peer in hostile.iter().flat_map(|peer| std::iter::repeat_n(peer, of_each)) {
                let first = if peer.has_login { login() } else { peer.bytes.clone() };
                known.push((peer, rig.connect(&first)));
            }
            honest.send_bytes(&publish("mine", b"payload").repeat(PER_TURN));
            rig.turn();
            deliveries(&honest.take_bytes())
        })
        .collect();
    for (peer, pipe) in known.iter().take(is_logged_in) {
        assert_eq!(close_code(&pipe.take_bytes()), peer.code, "{}", peer.what);
    }
    rate
}

#[test]
fn i11_hostile_neighbours_take_no_turn_from_an_honest_connection() {
    let alone = honest_rate(0);
    assert_eq!(alone, vec![PER_TURN; TURNS]);
    assert_eq!(honest_rate(2), alone);
}
