//! The driver over transports in memory and a clock by hand.

mod support;

use std::cell::RefCell;
use std::rc::Rc;

use support::{Lines, Pipe, Seen, finish_turn, now, ready_broker, settle, turn};
use ternmq_net::{Driver, DriverLimits, Key};

const PLENTY: usize = usize::MAX;

struct Rig {
    driver: Driver<Pipe>,
    now_ms: u64,
}

impl Rig {
    fn new(limits: DriverLimits) -> Self {
        Self { driver: Driver::new(ready_broker(), limits), now_ms: 1_000 }
    }

    fn connect(&mut self, session: Lines, room: usize) -> (Key, Pipe, Rc<RefCell<Seen>>) {
        let (pipe, seen) = (Pipe::with_room(room), session.seen.clone());
        self.driver.begin_turn(now(self.now_ms));
        let address = Some([10, 0, 0, 1].into());
        let key = self.driver.add(pipe.clone(), Box::new(session), address);
        self.driver.flush();
        (key, pipe, seen)
    }

    /// One turn in which the transport of `key` became ready.
    fn turn(&mut self, key: Key) {
        turn(&mut self.driver, self.now_ms, key);
    }

    fn finish_turn(&mut self) {
        finish_turn(&mut self.driver);
    }

    /// Turns until nothing is left to do; a loop that spins fails here.
    fn settle(&mut self) {
        settle(&mut self.driver, self.now_ms);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.driver.begin_turn(now(self.now_ms));
        self.finish_turn();
    }
}

#[test]
fn lines_are_answered_with_one_write_however_they_are_cut() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send("echo a\necho b\nec");
    rig.turn(key);
    assert_eq!(pipe.take_output(), "a\nb\n");
    rig.settle();
    assert_eq!(seen.borrow().inputs, 1, "an incomplete line is not looked at again without more");
    pipe.send("ho c\n");
    rig.turn(key);
    assert_eq!(pipe.take_output(), "c\n");
    assert_eq!(pipe.0.borrow().writes, 2);
}

#[test]
fn a_session_that_holds_keeps_its_input_and_gets_it_later() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send("hold 5000\necho a\n");
    rig.turn(key);
    pipe.send("echo b\n");
    rig.turn(key);
    rig.settle();
    assert_eq!(pipe.take_output(), "");
    rig.pass(3_999);
    assert_eq!(seen.borrow().timeouts, 0);
    rig.pass(1);
    rig.settle();
    assert_eq!((seen.borrow().timeouts, &*pipe.take_output()), (1, "a\nb\n"));
}

#[test]
fn a_frame_over_the_limit_is_not_kept() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send(&"x".repeat(1_024));
    rig.turn(key);
    assert_eq!(rig.driver.open_count(), 1, "at the limit");
    pipe.send("x");
    rig.turn(key);
    assert_eq!((rig.driver.open_count(), seen.borrow().closed), (0, 1), "one past it");
    assert_eq!(rig.driver.counters().failed_sessions, 1);
}

#[test]
fn before_login_little_is_read_at_once() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send(&"echo 1234567890\n".repeat(10_000));
    rig.turn(key);
    assert!(seen.borrow().longest_input <= 16 * 1024 + 1_024, "{}", seen.borrow().longest_input);
    rig.settle();
    assert_eq!(pipe.take_output().len(), 10_000 * 11);
}

#[test]
fn the_end_of_the_stream_ends_the_session_once() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.0.borrow_mut().is_input_over = true;
    rig.turn(key);
    rig.turn(key);
    assert_eq!((rig.driver.open_count(), seen.borrow().closed), (0, 1));
}

#[test]
fn last_bytes_are_out_before_the_end_and_the_peer_may_linger_three_seconds() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send("bye\necho ignored\n");
    rig.turn(key);
    rig.settle();
    assert_eq!((&*pipe.take_output(), pipe.0.borrow().is_finished, seen.borrow().closed), ("bye\n", true, 1));
    pipe.send("more that nobody reads\n");
    rig.turn(key);
    rig.settle();
    assert!(pipe.0.borrow().input.is_empty());
    rig.pass(2_999);
    assert_eq!(rig.driver.open_count(), 1);
    rig.pass(1);
    assert_eq!((rig.driver.open_count(), seen.borrow().closed), (0, 1));
}

#[test]
fn a_half_open_connection_is_closed_by_its_deadline() {
    let mut rig = Rig::new(DriverLimits::default());
    let (_, _, seen) = rig.connect(Lines::with_deadline(11_000), PLENTY);
    rig.pass(9_999);
    assert_eq!(rig.driver.counters().handshaking, 1);
    rig.pass(1);
    rig.pass(3_000);
    assert_eq!((rig.driver.open_count(), seen.borrow().timeouts, seen.borrow().closed), (0, 1, 1));
    assert_eq!(rig.driver.counters().handshaking, 0);
}

#[test]
fn f16_a_peer_that_takes_nothing_is_cut_off_after_thirty_seconds() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, _) = rig.connect(Lines::new(), 3);
    pipe.send("echo abcdef\n");
    rig.turn(key);
    assert_eq!(pipe.take_output(), "abc");
    rig.pass(29_000);
    pipe.0.borrow_mut().room = 1;
    rig.turn(key);
    assert_eq!(pipe.take_output(), "d", "progress starts the time anew");
    rig.pass(29_999);
    assert_eq!(rig.driver.open_count(), 1);
    rig.pass(1);
    assert_eq!((rig.driver.open_count(), rig.driver.counters().stalled), (0, 1));
}

#[test]
fn i11_a_peer_that_asks_and_takes_no_answers_is_not_read_any_more() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, _) = rig.connect(Lines::new(), 0);
    pipe.send("echo logged in\n");
    rig.turn(key);
    for _ in 0..100 {
        pipe.send(&"big 100000\n".repeat(20));
        rig.turn(key);
        rig.settle();
    }
    assert!(pipe.0.borrow().input.len() > 10_000, "most of it stays with the peer's system");
    pipe.0.borrow_mut().room = PLENTY;
    rig.turn(key);
    rig.settle();
    assert_eq!(pipe.take_output().len(), 10 + 2_000 * 100_000, "and all of it is answered later");
}

#[test]
fn limits_on_connections_addresses_and_handshakes() {
    let limits =
        DriverLimits { max_connections: 3, max_per_address: 2, max_handshakes: 2, ..Default::default() };
    let mut rig = Rig::new(limits);
    let address = Some([10, 0, 0, 1].into());
    let (first, pipe, _) = rig.connect(Lines::new(), PLENTY);
    assert!(rig.driver.admits(address) && rig.driver.make_handshake_place());
    rig.connect(Lines::new(), PLENTY);
    assert!(!rig.driver.admits(address) && rig.driver.admits(Some([10, 0, 0, 2].into())));
    assert!(!rig.driver.make_handshake_place());
    pipe.send("echo in\n");
    rig.turn(first);
    assert!(rig.driver.make_handshake_place(), "one has logged in");
    pipe.0.borrow_mut().is_input_over = true;
    rig.turn(first);
    assert!(rig.driver.admits(address), "one has gone");
}

#[test]
fn f15_a_silent_handshake_makes_room_after_two_seconds() {
    let mut rig = Rig::new(DriverLimits { max_handshakes: 1, ..Default::default() });
    let (_, _, silent) = rig.connect(Lines::new(), PLENTY);
    rig.pass(2_000);
    assert!(!rig.driver.make_handshake_place());
    rig.pass(1);
    assert!(rig.driver.make_handshake_place());
    assert_eq!(silent.borrow().closed, 1);
}

#[test]
fn f12_a_drain_says_goodbye_to_all() {
    let mut rig = Rig::new(DriverLimits::default());
    let (_, first, _) = rig.connect(Lines::new(), PLENTY);
    let (_, second, _) = rig.connect(Lines::new(), PLENTY);
    rig.driver.drain();
    rig.pass(0);
    assert_eq!((&*first.take_output(), &*second.take_output()), ("draining\n", "draining\n"));
    rig.pass(3_000);
    assert_eq!(rig.driver.open_count(), 0);
}

#[test]
fn i12_a_session_hears_of_every_fact_of_a_turn() {
    let mut rig = Rig::new(DriverLimits::default());
    let (key, pipe, seen) = rig.connect(Lines::new(), PLENTY);
    pipe.send("await 2\n");
    rig.turn(key);
    rig.driver.begin_turn(now(1_000));
    // Two syncs ended before the shard looked: the second fact may be the last that comes for long.
    rig.driver.handle_durable();
    rig.driver.handle_durable();
    rig.finish_turn();
    assert_eq!(seen.borrow().awaited_facts, 0);
}
