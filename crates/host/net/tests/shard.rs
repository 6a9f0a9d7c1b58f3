//! A whole shard on real sockets with a journal on a real disk.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use support::{Lines, broker, now};
use ternmq_access::{PasswordHash, Secret};
use ternmq_broker::{Broker, UserDefinition};
use ternmq_env::{DiskFiles, SystemClock, SystemRng};
use ternmq_journal::{Opened, Options, open};
use ternmq_net::{
    Door, DriverLimits, Gate, JournalLog, JournalThread, Listener, Opening, Shard, ShardHandle, ShardParts,
    Sources,
};

struct Node {
    handle: ShardHandle,
    address: SocketAddr,
    thread: JoinHandle<std::io::Result<()>>,
    dir: tempfile::TempDir,
}

fn start(limits: DriverLimits) -> Node {
    let (node, wait) = start_with(limits, None);
    wait.recv().unwrap();
    node
}

/// Answers at once; what comes second tells when the shard is ready.
fn start_with(limits: DriverLimits, opening: Option<Opening>) -> (Node, mpsc::Receiver<()>) {
    start_behind(|door| door, limits, opening)
}

/// As above, at a door that is changed first.
fn start_behind(
    change: impl FnOnce(Door) -> Door,
    limits: DriverLimits,
    opening: Option<Opening>,
) -> (Node, mpsc::Receiver<()>) {
    let dir = tempfile::tempdir().unwrap();
    let files = Arc::new(DiskFiles::new(dir.path()).unwrap());
    let options =
        Options { segment_bytes: 1 << 20, reserve_bytes: 0, alarm_free_bytes: 0, ..Options::default() };
    let recovery = open(files, Box::new(SystemRng), options).unwrap();
    let listener = Listener::bind("amqp", ([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.address;
    let (shard, handle) = Shard::new().unwrap();
    let door = change(Door::plain(listener, Arc::new(|_| Box::new(Lines::new()))));
    let (ready, wait) = mpsc::channel();
    let thread = thread::spawn(move || {
        let log = JournalLog::recovering(recovery.segment_bytes());
        let mut broker = broker(Box::new(log.clone()));
        let Opened { appender, writer, reader, durable, .. } = recovery.finish().unwrap();
        log.open(appender, durable);
        broker.finish_recovery(now(0), true, &[]);
        let journal = JournalThread::start(writer, shard.mailbox().clone(), Box::new(|_| {})).unwrap();
        let parts = ShardParts {
            log,
            journal,
            reader,
            doors: vec![door],
            limits,
            password_threads: 1,
            opening,
            clock: Arc::new(SystemClock::new()),
        };
        shard.run(broker, parts, move || ready.send(()).unwrap())
    });
    (Node { handle, address, thread, dir }, wait)
}

fn block_on<R>(future: impl Future<Output = R>) -> R {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

fn ask(stream: &mut TcpStream, text: &str, answer_bytes: usize) -> String {
    stream.write_all(text.as_bytes()).unwrap();
    let mut answer = vec![0; answer_bytes];
    stream.read_exact(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[test]
fn bytes_go_in_and_out_and_a_drain_ends_the_shard() {
    let node = start(DriverLimits::default());
    let mut first = TcpStream::connect(node.address).unwrap();
    let mut second = TcpStream::connect(node.address).unwrap();
    assert_eq!(ask(&mut first, "echo a\n", 2), "a\n");
    assert_eq!(ask(&mut second, "echo b\necho c\n", 4), "b\nc\n");
    let big = ask(&mut first, "big 8000000\n", 8_000_000);
    assert!(big.bytes().all(|byte| byte == b'x'));
    let counters = block_on(node.handle.call(|view| *view.counters)).unwrap();
    assert_eq!((counters.accepted, counters.open, counters.handshaking), (2, 2, 0));
    node.handle.mailbox().drain();
    let mut rest = String::new();
    first.read_to_string(&mut rest).unwrap();
    assert_eq!(rest, "draining\n");
    drop((first, second));
    node.thread.join().unwrap().unwrap();
    assert!(block_on(node.handle.call(|_| ())).is_err());
    block_on(node.handle.ended());
    assert!(TcpStream::connect(node.address).is_err());
}

/// What a client gets that is turned away: the end, or a reset, and no byte.
fn check_turned_away(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).unwrap();
    let _ = stream.write_all(b"echo a\n");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
}

fn end(node: Node) {
    node.handle.mailbox().drain();
    node.thread.join().unwrap().unwrap();
}

#[test]
fn a_gate_lets_in_whom_its_sources_have() {
    let gate = Arc::new(Gate::new("amqp", Sources::Only(Arc::default())));
    let own = gate.clone();
    let (node, wait) = start_behind(|door| Door { gate: own, ..door }, DriverLimits::default(), None);
    wait.recv().unwrap();
    check_turned_away(node.address);
    gate.set(Sources::Only(Arc::new(["127.0.0.0/8".parse().unwrap()])));
    let mut inside = TcpStream::connect(node.address).unwrap();
    assert_eq!(ask(&mut inside, "echo a\n", 2), "a\n");
    gate.set(Sources::Only(Arc::new(["10.0.0.0/8".parse().unwrap()])));
    check_turned_away(node.address);
    assert_eq!(ask(&mut inside, "echo b\n", 2), "b\n", "who is in stays");
    let counters = block_on(node.handle.call(|view| *view.counters)).unwrap();
    assert_eq!((counters.accepted, counters.refused, gate.refused()), (1, 2, 2));
    drop(inside);
    end(node);
}

#[test]
fn a_door_has_its_places() {
    let change = |door| Door { max_connections: Some(2), ..door };
    let (node, wait) = start_behind(change, DriverLimits::default(), None);
    wait.recv().unwrap();
    let mut first = TcpStream::connect(node.address).unwrap();
    let mut second = TcpStream::connect(node.address).unwrap();
    assert_eq!(ask(&mut first, "echo a\n", 2), "a\n");
    assert_eq!(ask(&mut second, "echo b\n", 2), "b\n");
    check_turned_away(node.address);
    first.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 0, "its place is free by now");
    let mut third = TcpStream::connect(node.address).unwrap();
    assert_eq!(ask(&mut third, "echo c\n", 2), "c\n");
    drop((second, third));
    end(node);
}

#[test]
fn a_change_is_answered_once_it_is_durable() {
    let node = start(DriverLimits::default());
    let change = node.handle.call_durable(|view| {
        let done = view.broker.put_user(ternmq_broker::UserDefinition {
            name: "u".into(),
            ..ternmq_broker::UserDefinition::default()
        });
        let was_durable = view.broker.durable().covers(done.receipt);
        (was_durable, done.receipt)
    });
    assert!(!block_on(change).unwrap(), "it was not durable when it was made");
    let users = block_on(node.handle.call(|view| view.broker.users().len())).unwrap();
    assert_eq!(users, 1);
    node.handle.mailbox().drain();
    node.thread.join().unwrap().unwrap();
}

#[test]
fn connections_over_the_limit_are_turned_away() {
    let node = start(DriverLimits { max_connections: 1, ..DriverLimits::default() });
    let mut first = TcpStream::connect(node.address).unwrap();
    assert_eq!(ask(&mut first, "echo a\n", 2), "a\n");
    let mut second = TcpStream::connect(node.address).unwrap();
    assert_eq!(second.read(&mut [0; 1]).unwrap_or(0), 0);
    let counters = block_on(node.handle.call(|view| *view.counters)).unwrap();
    assert_eq!((counters.accepted, counters.refused), (1, 1));
    node.handle.mailbox().refuse_connections(true);
    drop(first);
    let mut third = TcpStream::connect(node.address).unwrap();
    assert_eq!(third.read(&mut [0; 1]).unwrap_or(0), 0, "memory is short (F13)");
    node.handle.mailbox().drain();
    node.thread.join().unwrap().unwrap();
}

fn put_user(broker: &mut Broker, name: &str, password: &Secret) {
    let hash = PasswordHash::make(password, &[3; 16]).unwrap();
    let _ = broker.put_user(UserDefinition {
        name: name.into(),
        password: Some(hash),
        ..UserDefinition::default()
    });
    broker.remember_password(name, password);
}

#[test]
fn clients_are_served_during_the_opening_and_logins_wait_for_it() {
    let (release, released) = mpsc::channel::<()>();
    let opening = Opening::new(move || {
        released.recv().unwrap();
        Box::new(|broker| {
            put_user(broker, "first", &"right".into());
            Ok(())
        })
    });
    let (node, ready) = start_with(DriverLimits::default(), Some(opening));
    let mut logins: Vec<TcpStream> = Vec::new();
    for (name, password) in [("first", "right"), ("first", "wrong"), ("other", "right")] {
        let mut client = TcpStream::connect(node.address).unwrap();
        let text = format!("echo hello\nlogin {name} {password}\n");
        assert_eq!(ask(&mut client, &text, 6), "hello\n");
        logins.push(client);
    }
    assert!(ready.try_recv().is_err(), "nobody can log in yet");
    release.send(()).unwrap();
    let answers: Vec<String> =
        logins.iter_mut().zip([6, 2, 2]).map(|(client, bytes)| ask(client, "", bytes)).collect();
    assert_eq!(answers, ["first\n", "-\n", "-\n"]);
    ready.recv().unwrap();
    node.handle.mailbox().drain();
    drop(logins);
    node.thread.join().unwrap().unwrap();
}

#[test]
fn an_opening_that_fails_ends_the_shard_and_leaves_nothing() {
    let opening = Opening::new(|| {
        Box::new(|broker| {
            put_user(broker, "half", &"made".into());
            Err(std::io::Error::other("the pattern is none"))
        })
    });
    let (node, ready) = start_with(DriverLimits::default(), Some(opening));
    assert_eq!(node.thread.join().unwrap().unwrap_err().to_string(), "the pattern is none");
    assert!(ready.recv().is_err());
    for entry in std::fs::read_dir(node.dir.path().join("journal")).unwrap() {
        // The thread of the journal may be tidying up still.
        let bytes = std::fs::read(entry.unwrap().path()).unwrap_or_default();
        assert!(!bytes.windows(4).any(|bytes| bytes == b"half"), "it got into the journal");
    }
}
