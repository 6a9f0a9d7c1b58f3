//! A whole shard on real sockets with a journal on a real disk.

#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};

use support::{Lines, broker, now};
use ternmq_env::{DiskFiles, SystemClock, SystemRng};
use ternmq_journal::{Opened, Options, open};
use ternmq_net::{
    AcceptLimits, DriverLimits, JournalLog, JournalThread, Listener, Shard, ShardHandle, ShardParts,
};

struct Node {
    handle: ShardHandle,
    address: SocketAddr,
    thread: JoinHandle<()>,
    _dir: tempfile::TempDir,
}

fn start(limits: DriverLimits) -> Node {
    let dir = tempfile::tempdir().unwrap();
    let files = Arc::new(DiskFiles::new(dir.path()).unwrap());
    let options =
        Options { segment_bytes: 1 << 20, reserve_bytes: 0, alarm_free_bytes: 0, ..Options::default() };
    let recovery = open(files, &mut SystemRng, options).unwrap();
    let listener = Listener::bind("amqp", ([127, 0, 0, 1], 0).into()).unwrap();
    let address = listener.address;
    let (shard, handle) = Shard::new().unwrap();
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
            listeners: vec![(listener, Arc::new(|_, _, _| Box::new(Lines::new())))],
            limits,
            accept_limits: AcceptLimits::default(),
            password_threads: 1,
            clock: Arc::new(SystemClock::new()),
        };
        shard.run(broker, parts, move || ready.send(()).unwrap()).unwrap();
    });
    wait.recv().unwrap();
    Node { handle, address, thread, _dir: dir }
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
    node.thread.join().unwrap();
    assert!(block_on(node.handle.call(|_| ())).is_err());
    block_on(node.handle.ended());
    assert!(TcpStream::connect(node.address).is_err());
}

#[test]
fn a_change_is_answered_once_it_is_durable() {
    let node = start(DriverLimits::default());
    let change = node.handle.call_durable(|view| {
        let done = view.broker.put_user(ternmq_broker::UserDefinition {
            name: "u".into(),
            password: None,
            tags: Vec::new(),
            max_connections: None,
            max_sessions: None,
        });
        let was_durable = view.broker.durable().covers(done.receipt);
        (was_durable, done.receipt)
    });
    assert!(!block_on(change).unwrap(), "it was not durable when it was made");
    let users = block_on(node.handle.call(|view| view.broker.users().len())).unwrap();
    assert_eq!(users, 1);
    node.handle.mailbox().drain();
    node.thread.join().unwrap();
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
    node.thread.join().unwrap();
}
