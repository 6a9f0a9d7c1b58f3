//! Seeds that once broke a promise, and lives of a node that were found by them. None is ever removed.
#![allow(clippy::unwrap_used)]

use ternmq_broker::{
    ConnectionInfo, GetOutcome, Incident, Now, Outcome, Publish, Published, QueueSpec, SessionId, SettleRange,
};
use ternmq_fakes::{FakeDisk, Fault};
use ternmq_message::{Message, MessageMeta};
use ternmq_simulator::{Engine, Node, Plan, Start, Tuning, run_seed};

/// Runs the plan of each seed as it was when the seed failed.
#[track_caller]
fn check(seeds: &[(u64, &str)], as_it_was: impl Fn(Plan) -> Plan) {
    for (seed, story) in seeds {
        if let Err(failure) = run_seed(&as_it_was(Plan::of_seed(*seed))) {
            panic!("{story}: {failure}");
        }
    }
}

#[test]
fn t1_seeds_that_failed_once_pass() {
    let seeds = [
        (2, "I4: the mark of a second delivery was lost by a clean stop after a crash"),
        (13, "I4: the same, in a queue that everything is sent to"),
        (17, "I2: a staged publish met a new queue that had got the number of a deleted one"),
        (24, "I5: of sessions closing one after the other, the first gave back to the next"),
        (25, "I5: the same with a single active consumer"),
        (31, "I5: the same with messages that are not persistent"),
        (37, "I6: a transaction left open by one crash was judged after a second one"),
        (41, "I10: a deletion and a new declaration, both unanswered, and a crash"),
        (265, "I4: a start that was cut off made a clean stop an unclean one"),
        (526, "I10: a deletion was in a part of the log that rotted"),
        (1926, "I1: a chunk written later spanned messages that could not be read"),
        (2397, "I1: a purge of a queue of which something could not be read"),
        (2688, "I3: the same, and the message came back"),
    ];
    // Found with plain journals, and without clients known by name, schedules and consumers of several queues: with any, all that
    // follows is another story.
    check(&seeds, |plan| {
        let tuning = Tuning { is_encrypted: false, ..plan.tuning.clone() };
        Plan { tuning, has_peers: false, has_schedules: false, has_wides: false, ..plan }
    });
}

#[test]
fn t1_seeds_with_clients_known_by_name_that_failed_once_pass() {
    let taken_back =
        "I4: a crash took back a move to the dead-letter queue, and the second delivery was not marked";
    let seeds = [
        (2533, taken_back),
        (8845, taken_back),
        (10510, taken_back),
        (11305, "I10: of a damaged log a client's queue was left and not the client, who got another one"),
        (12063, taken_back),
        (12523, taken_back),
    ];
    check(&seeds, |plan| Plan { has_schedules: false, has_wides: false, ..plan });
}

#[test]
fn t1_seeds_with_schedules_that_failed_once_pass() {
    let seeds = [(424, "I3: a prepared branch was committed that held a message which could not be read")];
    check(&seeds, |plan| Plan { has_wides: false, ..plan });
}

#[test]
fn t1_seeds_with_consumers_of_several_queues_that_failed_once_pass() {
    let seeds = [
        (1272, "SUBACK: the one will that could not be read was missed"),
        (4934, "I1: what could not be read of a queue that was deleted was missed"),
        (9332, "I3: what died in a queue that was deleted came to the dead again, behind a purge of them"),
    ];
    check(&seeds, |plan| plan);
}

fn start(disk: &FakeDisk, at_ms: u64) -> Node {
    let now = Now { monotonic_ms: at_ms, wall_ms: 1_600_000_000_000 + at_ms };
    // Nothing stays in memory: every message is read back.
    let tuning = Tuning { resident_bytes: 0, ..Tuning::default() };
    Node::start(&Start { engine: &Engine::default(), disk, now, seed: 7, tuning: &tuning, turn: at_ms })
        .map_err(|why| format!("{why:?}"))
        .unwrap()
}

fn publish(node: &mut Node, session: SessionId, count: u64) {
    for id in 0..count {
        let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
        let message = Message::new("", "q", b"", &[id as u8; 500], meta, None).unwrap();
        let publish = Publish { message, extra_keys: &[], claimed_user: None };
        let published = node.broker.publish(session, publish).unwrap();
        assert!(matches!(published, Published::Accepted(_)));
        if id.is_multiple_of(20) {
            node.settle().unwrap();
        }
    }
    node.settle().unwrap();
}

/// Fetches all, while one read of a backlog fails. Answers how many came.
fn fetch_all(node: &mut Node, session: SessionId, disk: &FakeDisk) -> u64 {
    let mut has_failed = false;
    let mut count = 0;
    loop {
        match node.broker.get(session, "q", true).unwrap() {
            GetOutcome::Got(got, _) => {
                count += 1;
                node.broker.settle(session, got.delivery, SettleRange::One, Outcome::Accept).unwrap();
            }
            GetOutcome::Empty => return count,
            GetOutcome::Loading => {
                node.end_turn();
                node.sync().unwrap();
                node.end_turn();
                if node.has_load() && !std::mem::replace(&mut has_failed, true) {
                    // The chunk's list is read first, then its messages one by one.
                    disk.fail_call(disk.calls() + 12, Fault::Device);
                }
                while node.has_load() {
                    node.load(0);
                }
                node.settle().unwrap();
            }
        }
    }
}

/// A queue of 300 messages of which all but one were fetched: that one could not be read.
fn one_damaged(disk: &FakeDisk) -> (Node, SessionId) {
    let mut node = start(disk, 1_000);
    let connection = node.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
    let session = node.broker.open_session(connection, 1).unwrap();
    let spec = QueueSpec { name: "q".into(), is_durable: true, ..QueueSpec::default() };
    let _done = node.broker.declare_queue(session, spec).unwrap();
    publish(&mut node, session, 300);
    assert_eq!(fetch_all(&mut node, session, disk), 299);
    let incidents = node.take_incidents();
    assert!(matches!(incidents[..], [Incident::MessagesDamaged { count: 1, .. }]), "{incidents:?}");
    (node, session)
}

/// What the queue has after a kill.
fn ready_after_restart(disk: &FakeDisk, mut node: Node, has_checkpoint: bool) -> u64 {
    if has_checkpoint {
        node.broker.request_checkpoint();
    }
    node.end_turn();
    node.settle().unwrap();
    let node = start(&disk.killed(), 2_000);
    node.broker.queue_view("main", "q").unwrap().ready_count
}

#[test]
fn f5_a_message_that_could_not_be_read_once_is_there_after_a_restart() {
    for has_checkpoint in [false, true] {
        let disk = FakeDisk::new();
        let (node, _) = one_damaged(&disk);
        let ready = ready_after_restart(&disk, node, has_checkpoint);
        assert_eq!(ready, 1, "with a checkpoint: {has_checkpoint}");
    }
}

#[test]
fn i3_a_purge_takes_what_could_not_be_read() {
    for has_checkpoint in [false, true] {
        let disk = FakeDisk::new();
        let (mut node, session) = one_damaged(&disk);
        let _done = node.broker.purge_queue(session, "q").unwrap();
        let ready = ready_after_restart(&disk, node, has_checkpoint);
        assert_eq!(ready, 0, "with a checkpoint: {has_checkpoint}");
    }
}
