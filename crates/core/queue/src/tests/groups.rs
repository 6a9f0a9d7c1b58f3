//! Message groups.

use std::collections::BTreeMap;

use proptest::prelude::*;
use ternmq_message::{Group, GroupRole, Message};

use super::rig::{Rig, consumer, message};
use crate::{Blame, Budget, ConsumerSpec, Delivery, GroupTable, QueueSettings, Seq, Window};

const TABLE: Option<GroupTable> = Some(GroupTable::Recent(1_024));

fn rig() -> Rig {
    Rig::new(QueueSettings { groups: TABLE, ..QueueSettings::default() })
}

/// A message whose first letter is its group, `-` for none; `+` behind it is for the first of the group, `.` for the last.
fn grouped(body: &str) -> Message {
    let role = match body.as_bytes().get(1) {
        Some(b'+') => GroupRole::First,
        Some(b'.') => GroupRole::Last,
        _ => GroupRole::Member,
    };
    let group = body.get(..1).filter(|group| *group != "-");
    message(0, None, body.as_bytes()).in_group(group.map(|group| Group::new(group, role)))
}

fn publish(rig: &mut Rig, bodies: &str) {
    for body in bodies.split(' ') {
        rig.enqueue(grouped(body), true);
        rig.run();
    }
}

/// As [`Rig::delivered`], with `*` where the consumer gets the group.
fn delivered(rig: &mut Rig) -> String {
    let show = |delivery: &Delivery| {
        let body = String::from_utf8_lossy(delivery.message.body()).into_owned();
        let mark = if delivery.is_group_first { "*" } else { "" };
        format!("{}:{body}{mark}", delivery.consumer)
    };
    rig.take_deliveries().iter().map(show).collect::<Vec<_>>().join(" ")
}

fn add(rig: &mut Rig, key: u32, window: Option<u32>) {
    rig.queue.add_consumer(ConsumerSpec { window, ..consumer(key) }).unwrap();
}

#[test]
fn a_group_stays_with_its_consumer_until_that_leaves() {
    let mut rig = rig();
    add(&mut rig, 1, None);
    add(&mut rig, 2, Some(2));
    publish(&mut rig, "a1 b1 a2 b2 - b3 a3");
    assert_eq!(
        delivered(&mut rig),
        "1:a1* 2:b1* 1:a2 2:b2 1:- 1:a3",
        "b3 waits for consumer 2 and stops nobody"
    );
    rig.queue.remove_consumer(2);
    rig.run();
    assert_eq!(delivered(&mut rig), "1:b3*");
}

#[test]
fn a_new_group_goes_to_the_consumer_with_the_fewest() {
    let mut rig = rig();
    (1..=3).for_each(|key| add(&mut rig, key, None));
    publish(&mut rig, "a b c a a a d e f");
    assert_eq!(delivered(&mut rig), "1:a* 2:b* 3:c* 1:a 1:a 1:a 2:d* 3:e* 1:f*");
    add(&mut rig, 4, None);
    publish(&mut rig, "a b c g h");
    assert_eq!(delivered(&mut rig), "1:a 2:b 3:c 4:g* 4:h*");
}

#[test]
fn priority_comes_before_the_number_of_groups() {
    let mut rig = rig();
    add(&mut rig, 1, None);
    rig.queue.add_consumer(ConsumerSpec { priority: 1, window: Some(2), ..consumer(2) }).unwrap();
    publish(&mut rig, "a b c");
    assert_eq!(delivered(&mut rig), "2:a* 2:b* 1:c*");
}

#[test]
fn the_last_of_a_group_frees_it() {
    let mut rig = rig();
    add(&mut rig, 1, None);
    add(&mut rig, 2, None);
    publish(&mut rig, "a1 a2 a. b1 a3");
    assert_eq!(delivered(&mut rig), "1:a1* 1:a2 1:a. 2:b1* 1:a3*");
    publish(&mut rig, "a. c1 a4 z.");
    assert_eq!(delivered(&mut rig), "1:a. 1:c1* 2:a4* 1:z.*", "the fewest, then by turns");
}

#[test]
fn the_first_of_a_group_anew_is_for_anybody() {
    let mut rig = rig();
    add(&mut rig, 1, Some(1));
    add(&mut rig, 2, None);
    publish(&mut rig, "a1 a+");
    assert_eq!(delivered(&mut rig), "1:a1* 2:a+*");
    publish(&mut rig, "a2");
    assert_eq!(delivered(&mut rig), "2:a2");
}

/// What comes after the end of a group does not pass by what waited for its consumer already.
#[test]
fn what_waits_behind_the_last_of_a_group_keeps_its_order() {
    let mut rig = rig();
    add(&mut rig, 1, Some(1));
    add(&mut rig, 2, None);
    publish(&mut rig, "a1 a. a2 a+3");
    let held = rig.take_deliveries();
    assert_eq!(held.len(), 1, "the second consumer has passed over the rest");
    rig.queue.set_consumer_window(1, Window::Sliding(2));
    rig.run();
    publish(&mut rig, "a4");
    assert_eq!(delivered(&mut rig), "1:a.");
    rig.queue.set_consumer_window(1, Window::Sliding(5));
    rig.run();
    assert_eq!(delivered(&mut rig), "1:a2* 1:a+3* 1:a4");
}

/// A group that the table forgot while messages waited for its consumer is found by whoever gets it then.
#[test]
fn a_forgotten_group_loses_no_message() {
    for table in [GroupTable::Recent(1), GroupTable::Buckets(1)] {
        let mut rig = Rig::new(QueueSettings { groups: Some(table), ..QueueSettings::default() });
        add(&mut rig, 1, Some(1));
        add(&mut rig, 2, None);
        publish(&mut rig, "a1 a2 b1 c1 d1 a3");
        rig.take_deliveries();
        rig.queue.set_consumer_window(1, Window::Sliding(9));
        rig.run();
        rig.run();
        assert_eq!(rig.queue.ready_count(), 0, "{table:?}");
    }
}

#[test]
fn while_one_consumer_gets_everything_groups_bind_nobody() {
    let mut rig = rig();
    add(&mut rig, 1, None);
    publish(&mut rig, "a1");
    rig.queue.add_consumer(ConsumerSpec { is_preferred: true, ..consumer(2) }).unwrap();
    publish(&mut rig, "a2");
    assert_eq!(delivered(&mut rig), "1:a1* 2:a2*");
    rig.queue.remove_consumer(2);
    publish(&mut rig, "a3");
    assert_eq!(delivered(&mut rig), "1:a3*");
}

#[test]
fn without_the_setting_groups_are_not_looked_at() {
    let mut rig = Rig::new(QueueSettings::default());
    add(&mut rig, 1, None);
    add(&mut rig, 2, None);
    publish(&mut rig, "a a a");
    assert_eq!(delivered(&mut rig), "1:a 2:a 1:a");
}

#[test]
fn order_alone_decides_again_once_no_group_is_left() {
    let mut rig = rig();
    add(&mut rig, 1, None);
    publish(&mut rig, "a1");
    assert!(rig.queue.is_selective());
    publish(&mut rig, "a.");
    assert!(!rig.queue.is_selective());
}

#[derive(Clone, Debug)]
enum Command {
    Push(u8, u8),
    Add(Option<u32>),
    Remove(u8),
    Window(u8, u32),
    Accept(u8),
    GiveBack(u8),
    Forget,
}

fn command() -> impl Strategy<Value = Command> {
    prop_oneof![
        10 => (0..6_u8, 0..12_u8).prop_map(|(group, role)| Command::Push(group, role)),
        2 => proptest::option::of(0..6_u32).prop_map(Command::Add),
        2 => any::<u8>().prop_map(Command::Remove),
        2 => (any::<u8>(), 0..9_u32).prop_map(|(at, window)| Command::Window(at, window)),
        6 => any::<u8>().prop_map(Command::Accept),
        2 => any::<u8>().prop_map(Command::GiveBack),
        1 => Just(Command::Forget),
    ]
}

/// What a group's deliveries were like so far.
#[derive(Default)]
struct Known {
    owner: Option<u32>,
    /// The last first delivery: later ones are of messages behind it.
    last: Option<Seq>,
}

#[derive(Default)]
struct Model {
    groups: BTreeMap<u64, Known>,
    consumers: Vec<u32>,
    held: Vec<(u32, u32, Seq)>,
}

impl Model {
    fn note(&mut self, deliveries: Vec<Delivery>) {
        for delivery in deliveries {
            self.held.push((delivery.consumer, delivery.slot.unwrap(), delivery.seq));
            let Some(group) = delivery.message.group() else { continue };
            let known = self.groups.entry(group.key()).or_default();
            if group.role() != GroupRole::First && !delivery.is_group_first {
                assert_eq!(known.owner, Some(delivery.consumer), "{} is another one's", delivery.seq.0);
            }
            if !delivery.is_redelivered {
                assert!(known.last < Some(delivery.seq), "{} comes late in its group", delivery.seq.0);
                known.last = Some(delivery.seq);
            }
            known.owner = Some(delivery.consumer).filter(|_| group.role() != GroupRole::Last);
            // A group that goes on after its end with the same consumer says so.
            if group.role() == GroupRole::Last {
                known.owner = None;
            }
        }
    }
}

/// Whatever comes and goes: a group has one consumer at a time, its messages come in order, and in the end all of them.
fn check(commands: &[Command]) {
    let mut rig = rig();
    rig.queue.set_budget(Budget { entries: 7, bytes: 1 << 20 }, &mut rig.outbox);
    let (mut model, mut next_key) = (Model::default(), 1);
    for command in commands {
        match *command {
            Command::Push(group, role) => {
                let group = ["a", "b", "c", "d", "e", "-"][usize::from(group)];
                let role = ["+", ".", "", "", "", "", "", "", "", "", "", ""][usize::from(role)];
                rig.enqueue(grouped(&format!("{group}{role}")), true);
            }
            Command::Add(window) => {
                add(&mut rig, next_key, window);
                model.consumers.push(next_key);
                next_key += 1;
            }
            Command::Remove(at) if !model.consumers.is_empty() => {
                let at = usize::from(at) % model.consumers.len();
                let key = model.consumers.remove(at);
                rig.queue.remove_consumer(key);
                for (_, slot, seq) in model.held.extract_if(.., |(consumer, ..)| *consumer == key) {
                    rig.queue.give_back(slot, seq, Blame::Broker, rig.now_ms, &mut rig.outbox);
                }
            }
            Command::Window(at, window) if !model.consumers.is_empty() => {
                let key = model.consumers[usize::from(at) % model.consumers.len()];
                rig.queue.set_consumer_window(key, Window::Sliding(window));
            }
            Command::Accept(at) | Command::GiveBack(at) if !model.held.is_empty() => {
                let (_, slot, seq) = model.held.remove(usize::from(at) % model.held.len());
                if matches!(command, Command::Accept(_)) {
                    rig.queue.accept(slot, seq, &mut rig.outbox);
                } else {
                    rig.queue.give_back(slot, seq, Blame::Broker, rig.now_ms, &mut rig.outbox);
                }
            }
            Command::Forget => rig.forget_held(),
            Command::Remove(_) | Command::Window(..) | Command::Accept(_) | Command::GiveBack(_) => {}
        }
        rig.run();
        model.note(rig.take_deliveries());
    }
    if model.consumers.is_empty() {
        add(&mut rig, next_key, None);
    }
    for key in model.consumers.clone() {
        rig.queue.set_consumer_window(key, Window::Unlimited);
    }
    // What one leaves to another is looked at by that one when the queue runs next.
    while rig.queue.ready_count() > 0 {
        rig.run();
        let deliveries = rig.take_deliveries();
        assert!(!deliveries.is_empty(), "{} wait for nobody", rig.queue.ready_count());
        model.note(deliveries);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_group_has_one_consumer_at_a_time_and_keeps_its_order(
        commands in proptest::collection::vec(command(), 1..150),
    ) {
        check(&commands);
    }
}
