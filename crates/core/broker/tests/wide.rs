//! Consumers of several queues: one window over all of them, queues that come and go, permissions for each.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::{collections::BTreeMap, sync::Arc};

use proptest::prelude::*;
use support::{MemoryLog, Rig, StartsWith};
use ternmq_broker::{
    AddressQueue, ConsumeSpec, ConsumerId, DeliverFrom, DeliveryId, Effect, Error, Incident, LimitKind,
    Limits, Outcome, PermissionDefinition, QueueSpec, SettleRange, Source, SourceQueue, SubscriptionSpec,
};
use ternmq_queue::Filter;

fn matching(pattern: &str) -> Source {
    Source { queue: SourceQueue::Matching(pattern.into()), binding: None, is_subscription: false }
}

fn on_use(name: &str) -> Source {
    let queue = QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() };
    let queue = SourceQueue::Shared(AddressQueue::OnUse(queue));
    Source { queue, binding: None, is_subscription: false }
}

fn spec(window: u32) -> ConsumeSpec<'static> {
    ConsumeSpec {
        queue: "",
        label: 5,
        window: Some(window),
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    }
}

fn try_wide(
    rig: &mut Rig,
    sources: &[Source],
    window: u32,
    filter: Option<Arc<dyn Filter>>,
) -> Result<ConsumerId, Error> {
    let done = rig.broker.consume_several(rig.session, sources, &spec(window), filter)?;
    rig.broker.start_consumer(done.value);
    Ok(done.value)
}

fn wide(rig: &mut Rig, sources: &[Source], window: u32) -> ConsumerId {
    try_wide(rig, sources, window, None).unwrap()
}

/// Deliveries since the last look, all of them of wide consumers.
fn came(rig: &mut Rig) -> Vec<DeliverFrom> {
    rig.turn();
    let effects = std::mem::take(&mut rig.effects).into_iter();
    effects
        .map(|(_, effect)| match effect {
            Effect::DeliverFrom(from) => *from,
            other => panic!("{other:?}"),
        })
        .collect()
}

/// Queue and body of each.
fn told(rig: &mut Rig) -> Vec<(String, String)> {
    let body = |from: &DeliverFrom| String::from_utf8(from.deliver.message.body().to_vec()).unwrap();
    came(rig).iter().map(|from| (from.queue.to_string(), body(from))).collect()
}

fn accept(rig: &mut Rig, delivery: DeliveryId) {
    rig.broker.settle(rig.session, delivery, SettleRange::One, Outcome::Accept).unwrap();
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(queue, body)| ((*queue).to_owned(), (*body).to_owned())).collect()
}

fn permit(rig: &mut Rig, read: &str) {
    let _ = rig
        .broker
        .put_permission(PermissionDefinition {
            user: "root".into(),
            namespace: "main".into(),
            configure: ".*".into(),
            write: ".*".into(),
            read: read.into(),
        })
        .unwrap();
}

#[test]
fn one_window_holds_for_all_queues_and_those_that_come_later() {
    let mut rig = Rig::new();
    for queue in ["a.1", "a.2", "b.1"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["x", "y"]);
    }
    wide(&mut rig, &[matching("a.*")], 3);
    assert_eq!(told(&mut rig), pairs(&[("a.1", "x"), ("a.1", "y"), ("a.2", "x")]));
    accept(&mut rig, DeliveryId(3));
    assert_eq!(told(&mut rig), pairs(&[("a.2", "y")]));
    assert_eq!([rig.counts("a.1"), rig.counts("a.2"), rig.counts("b.1")], [(0, 2), (0, 1), (2, 0)]);
    // One that is made now waits for its turn.
    rig.queue("a.3", &[]);
    rig.fill("a.3", &["z"]);
    assert_eq!(told(&mut rig), []);
    accept(&mut rig, DeliveryId(1));
    assert_eq!(told(&mut rig), pairs(&[("a.3", "z")]));
}

#[test]
fn queues_take_turns_when_there_is_room() {
    let mut rig = Rig::new();
    for queue in ["a.1", "a.2", "a.3"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["x", "y", "z"]);
    }
    wide(&mut rig, &[matching("a.#")], 1);
    let mut queues = Vec::new();
    for number in 1..=9 {
        queues.extend(told(&mut rig).into_iter().map(|(queue, _)| queue));
        accept(&mut rig, DeliveryId(number));
    }
    assert_eq!(queues, ["a.1", "a.2", "a.3", "a.1", "a.2", "a.3", "a.1", "a.2", "a.3"]);
}

#[test]
fn a_queue_that_is_deleted_drops_out_and_gives_its_room_back_when_its_deliveries_are_settled() {
    let mut rig = Rig::new();
    rig.queue("a.1", &[]);
    rig.queue("a.2", &[]);
    rig.fill("a.1", &["x"]);
    let consumer = wide(&mut rig, &[matching("a.*"), on_use("named")], 1);
    assert_eq!(told(&mut rig), pairs(&[("a.1", "x")]));
    let _ = rig.broker.delete_queue(rig.session, "a.1", false, false).unwrap();
    rig.fill("a.2", &["y"]);
    assert_eq!(told(&mut rig), []);
    accept(&mut rig, DeliveryId(1));
    assert_eq!(told(&mut rig), pairs(&[("a.2", "y")]));
    // A named one that is made again is one of its queues again.
    let _ = rig.broker.delete_queue(rig.session, "named", false, false).unwrap();
    rig.queue("named", &[]);
    rig.broker.set_consumer_window(consumer, Some(2));
    rig.fill("named", &["z"]);
    assert_eq!(told(&mut rig), pairs(&[("named", "z")]));
    rig.broker.cancel(consumer);
    rig.fill("named", &["later"]);
    assert_eq!(told(&mut rig), []);
    assert_eq!(rig.counts("named"), (1, 1));
    assert_eq!(rig.broker.totals().consumers, 0);
}

#[test]
fn each_queue_has_to_be_allowed_now_and_later() {
    let mut rig = Rig::new();
    permit(&mut rig, "^a[.][12]$");
    for queue in ["a.1", "a.3"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["x"]);
    }
    wide(&mut rig, &[matching("a.*")], 10);
    assert_eq!(told(&mut rig), pairs(&[("a.1", "x")]));
    for queue in ["a.2", "a.4"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["y"]);
    }
    assert_eq!(told(&mut rig), pairs(&[("a.2", "y")]));
    // What is allowed anew comes, what no longer is stays away; the consumer lives on.
    permit(&mut rig, "^a[.][34]$");
    rig.advance(60_000);
    for _ in 0..4 {
        rig.advance(10);
    }
    assert_eq!(told(&mut rig), pairs(&[("a.3", "x"), ("a.4", "y")]));
    rig.fill("a.1", &["no"]);
    rig.fill("a.3", &["yes"]);
    assert_eq!(told(&mut rig), pairs(&[("a.3", "yes")]));
}

#[test]
fn a_pattern_that_leads_nowhere_allowed_is_refused_whether_its_queues_are_there_or_not() {
    let mut rig = Rig::new();
    permit(&mut rig, "^(b[.].*|c[.]1)$");
    let refused = |rig: &mut Rig, pattern: &str| {
        matches!(try_wide(rig, &[matching(pattern)], 1, None), Err(Error::Refused { .. }))
    };
    assert!(refused(&mut rig, "a.*"));
    rig.queue("a.1", &[]);
    assert!(refused(&mut rig, "a.*"));
    assert!(refused(&mut rig, "c.*"));
    rig.queue("c.1", &[]);
    assert!(!refused(&mut rig, "c.*"));
    assert!(!refused(&mut rig, "b.*"));
    assert_eq!(rig.broker.totals().consumers, 1);
}

#[test]
fn there_is_a_most_number_of_queues() {
    let limits = Limits { max_queues_per_consumer: 2, ..Limits::default() };
    let mut rig = Rig::limited(MemoryLog::default(), true, limits);
    for queue in ["a.1", "a.2", "b.1", "b.2", "b.3"] {
        rig.queue(queue, &[]);
    }
    let too_many = try_wide(&mut rig, &[matching("b.*")], 9, None);
    assert!(matches!(too_many, Err(Error::Limit { limit: LimitKind::ConsumerQueues, max: 2, .. })));
    assert_eq!(rig.broker.totals().consumers, 0);
    wide(&mut rig, &[matching("a.*")], 9);
    // Later ones are left out, which is told once, until there is room.
    for queue in ["a.3", "a.4"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["x"]);
    }
    assert_eq!(told(&mut rig), []);
    let left_out = rig.broker.take_incidents();
    assert!(
        matches!(&left_out[..], [Incident::QueueLeftOut { queue, max: 2, .. }] if &**queue == "a.3"),
        "{left_out:?}"
    );
    let _ = rig.broker.delete_queue(rig.session, "a.1", false, false).unwrap();
    assert_eq!(told(&mut rig), []);
    rig.advance(1_000);
    assert_eq!(told(&mut rig).len(), 1);
    assert_eq!(rig.broker.take_incidents(), []);
}

#[test]
fn filters_priorities_credit_and_subscriptions_are_kept() {
    let mut rig = Rig::new();
    for queue in ["a.1", "a.2"] {
        rig.queue(queue, &[]);
        rig.fill(queue, &["no", "yes"]);
    }
    let subscription = SubscriptionSpec {
        queue: "own".into(),
        places: vec![("sys.topic".into(), "news".into())],
        ..SubscriptionSpec::default()
    };
    let subscription =
        Source { queue: SourceQueue::Subscription(subscription), binding: None, is_subscription: true };
    let several = Source {
        queue: SourceQueue::Several(vec![matching("a.*"), subscription]),
        binding: None,
        is_subscription: false,
    };
    let filter: Arc<dyn Filter> = Arc::new(StartsWith("y".into()));
    let consumer = rig.broker.consume_several(rig.session, &[several], &spec(0), Some(filter)).unwrap().value;
    rig.broker.set_consumer_credit(consumer, 0);
    assert_eq!(told(&mut rig), []);
    rig.broker.set_consumer_credit(consumer, 1);
    assert_eq!(told(&mut rig), pairs(&[("a.1", "yes")]));
    let known = rig.broker.consumer_credit(consumer).unwrap();
    assert_eq!((known.left, known.ready_count, known.is_served), (0, 3, true));
    rig.broker.set_consumer_credit(consumer, 5);
    assert_eq!(told(&mut rig), pairs(&[("a.2", "yes")]));
    let _ = rig.publish("sys.topic", "news", "told");
    assert_eq!(told(&mut rig), pairs(&[("own", "told")]));
    rig.broker.close_session(rig.session);
    rig.turn();
    assert!(rig.broker.queue_view("main", "own").is_none());
    assert_eq!([rig.counts("a.1"), rig.counts("a.2")], [(2, 0), (2, 0)]);
}

#[test]
fn settlements_in_a_transaction_give_room_at_its_end() {
    let mut rig = Rig::new();
    rig.queue("a.1", &[]);
    rig.queue("a.2", &[]);
    rig.fill("a.1", &["x"]);
    rig.fill("a.2", &["y"]);
    wide(&mut rig, &[matching("a.*")], 1);
    assert_eq!(told(&mut rig), pairs(&[("a.1", "x")]));
    let staging = rig.broker.open_session(rig.connection, 9).unwrap();
    rig.broker.tx_select(staging).unwrap();
    rig.broker.settle_within(staging, rig.session, DeliveryId(1), Outcome::Accept).unwrap();
    assert_eq!(told(&mut rig), []);
    rig.broker.tx_rollback(staging).unwrap();
    rig.broker.settle_within(staging, rig.session, DeliveryId(1), Outcome::Accept).unwrap();
    let _ = rig.broker.tx_commit(staging).unwrap();
    assert_eq!(told(&mut rig), pairs(&[("a.2", "y")]));
}

#[derive(Clone, Debug)]
enum Step {
    Make(u8),
    Delete(u8),
    Publish(u8),
    Accept(u8),
    Requeue(u8),
    Window(u8, u8),
    Ordinary(u8),
    Cancel(u8),
    Wide(u8),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        2 => (0..5_u8).prop_map(Step::Make),
        1 => (0..5_u8).prop_map(Step::Delete),
        8 => (0..5_u8).prop_map(Step::Publish),
        6 => any::<u8>().prop_map(Step::Accept),
        2 => any::<u8>().prop_map(Step::Requeue),
        1 => (any::<u8>(), 0..6_u8).prop_map(|(consumer, window)| Step::Window(consumer, window)),
        1 => (0..5_u8).prop_map(Step::Ordinary),
        1 => any::<u8>().prop_map(Step::Cancel),
        1 => (0..6_u8).prop_map(Step::Wide),
    ]
}

/// What the test knows of a broker: who has what.
#[derive(Default)]
struct Known {
    /// Wide consumers by label, with their windows.
    wides: BTreeMap<u32, (ConsumerId, u32)>,
    ordinary: Vec<ConsumerId>,
    /// Label and queue of each unsettled delivery.
    unsettled: BTreeMap<u64, (u32, String)>,
    next: u32,
}

impl Known {
    fn is_there(rig: &Rig, queue: &str) -> bool {
        rig.broker.queue_view("main", queue).is_some()
    }

    fn take(&mut self, rig: &mut Rig) {
        rig.turn();
        for (_, effect) in std::mem::take(&mut rig.effects) {
            let (queue, deliver) = match effect {
                Effect::DeliverFrom(from) => (from.queue.to_string(), from.deliver),
                Effect::Deliver(deliver) => ("ordinary".to_owned(), deliver),
                Effect::ConsumerEnded { consumer_label, .. } => {
                    assert!(
                        !self.wides.contains_key(&consumer_label),
                        "a wide consumer never ends by itself"
                    );
                    continue;
                }
                other => panic!("{other:?}"),
            };
            if queue != "ordinary" {
                let body = String::from_utf8(deliver.message.body().to_vec()).unwrap();
                assert_eq!(body, queue, "each delivery tells its own queue");
            }
            assert!(self.unsettled.insert(deliver.delivery.0, (deliver.consumer_label, queue)).is_none());
        }
    }

    fn nth_unsettled(&self, n: u8) -> Option<u64> {
        let count = self.unsettled.len();
        (count > 0).then(|| *self.unsettled.keys().nth(usize::from(n) % count).unwrap())
    }

    fn apply(&mut self, rig: &mut Rig, step: &Step) {
        let name = |queue: u8| format!("a.{queue}");
        match *step {
            Step::Make(queue) => rig.queue(&name(queue), &[]),
            Step::Delete(queue) => {
                let _ = rig.broker.delete_queue(rig.session, &name(queue), false, false).unwrap();
            }
            Step::Publish(queue) if Self::is_there(rig, &name(queue)) => {
                rig.fill(&name(queue), &[&name(queue)]);
            }
            Step::Publish(_) => {}
            Step::Accept(n) | Step::Requeue(n) => {
                let Some(number) = self.nth_unsettled(n) else { return };
                let outcome =
                    if matches!(step, Step::Accept(_)) { Outcome::Accept } else { Outcome::Requeue };
                self.unsettled.remove(&number);
                rig.broker.settle(rig.session, DeliveryId(number), SettleRange::One, outcome).unwrap();
            }
            Step::Window(n, window) => {
                let count = self.wides.len().max(1);
                if let Some((consumer, known)) = self.wides.values_mut().nth(usize::from(n) % count) {
                    *known = window.into();
                    rig.broker.set_consumer_window(*consumer, Some(window.into()));
                }
            }
            Step::Ordinary(queue) if Self::is_there(rig, &name(queue)) && self.ordinary.len() < 3 => {
                let consumer = rig.consume(&name(queue), 1_000, Some(2));
                self.ordinary.push(consumer);
            }
            Step::Ordinary(_) => {}
            Step::Cancel(n) if n % 2 == 0 => {
                if let Some(consumer) = self.ordinary.pop() {
                    rig.broker.cancel(consumer);
                }
            }
            Step::Cancel(_) => {
                if let Some((_, (consumer, _))) = self.wides.pop_first() {
                    rig.broker.cancel(consumer);
                }
            }
            Step::Wide(window) if self.wides.len() < 3 => {
                let spec = ConsumeSpec { label: self.next, ..spec(window.into()) };
                let pattern = if window % 2 == 0 { "a.*" } else { "#" };
                let made = rig.broker.consume_several(rig.session, &[matching(pattern)], &spec, None);
                let consumer = made.unwrap().value;
                rig.broker.start_consumer(consumer);
                self.wides.insert(self.next, (consumer, window.into()));
                self.next += 1;
            }
            Step::Wide(_) => {}
        }
    }

    fn check(&self, rig: &mut Rig, grew: bool) {
        for (label, (_, window)) in &self.wides {
            let has = self.unsettled.values().filter(|(known, _)| known == label).count();
            assert!(grew || has <= *window as usize, "{label} has {has} of {window}");
            let ready: u64 = (0..5)
                .filter_map(|queue| rig.broker.queue_view("main", &format!("a.{queue}")))
                .map(|view| view.ready_count)
                .sum();
            assert!(has >= *window as usize || ready == 0, "{label} has room, and {ready} wait");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// No window is passed over, nothing waits while there is room, each delivery tells its own queue, and all there is
    /// comes in the end.
    #[test]
    fn windows_hold_and_nothing_waits_while_there_is_room(steps in proptest::collection::vec(step(), 1..80)) {
        let mut rig = Rig::new();
        let mut known = Known::default();
        let mut shrunk = false;
        for step in &steps {
            known.apply(&mut rig, step);
            known.take(&mut rig);
            // A window that was made smaller may be passed over until enough has come back.
            shrunk |= matches!(step, Step::Window(..));
            known.check(&mut rig, shrunk);
        }
        known.apply(&mut rig, &Step::Cancel(1));
        known.apply(&mut rig, &Step::Wide(5));
        loop {
            known.take(&mut rig);
            let Some(number) = known.nth_unsettled(0) else { break };
            known.unsettled.remove(&number);
            accept(&mut rig, DeliveryId(number));
        }
        for queue in 0..5 {
            if Known::is_there(&rig, &format!("a.{queue}")) {
                prop_assert_eq!(rig.counts(&format!("a.{queue}")), (0, 0));
            }
        }
    }
}
