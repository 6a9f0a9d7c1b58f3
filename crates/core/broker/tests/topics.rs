//! Subscriptions of a connection to keys: durable ones and ones that go with their consumer, over crashes too.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use support::{MemoryLog, Records, Rig};
use ternmq_access::PasswordHash;
use ternmq_broker::{
    ConnectionInfo, ConsumeSpec, ConsumerId, DeliveryId, Error, LimitKind, Outcome, PermissionDefinition,
    Publish, Published, SessionId, SettleRange, SubscriptionSpec, UserDefinition,
};
use ternmq_message::{Map, Message, MessageMeta};

const NODE: &str = "sys.topic";
const QUEUE: &str = "sys.sub.one";

fn transient(keys: &[&str]) -> SubscriptionSpec {
    SubscriptionSpec {
        queue: QUEUE.into(),
        places: keys.iter().map(|key| (NODE.into(), (*key).into())).collect(),
        ..SubscriptionSpec::default()
    }
}

fn durable(keys: &[&str]) -> SubscriptionSpec {
    SubscriptionSpec { is_durable: true, ..transient(keys) }
}

fn consume(label: u32) -> ConsumeSpec<'static> {
    ConsumeSpec {
        queue: QUEUE,
        label,
        window: None,
        needs_settle: true,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    }
}

/// Opens a subscription and lets its deliveries begin.
fn open(rig: &mut Rig, spec: &SubscriptionSpec) -> Result<ConsumerId, Error> {
    open_as(rig, rig.session, spec)
}

fn open_as(rig: &mut Rig, session: SessionId, spec: &SubscriptionSpec) -> Result<ConsumerId, Error> {
    let consumer = rig.broker.open_subscription(session, spec, &consume(1))?.value;
    rig.broker.start_consumer(consumer);
    Ok(consumer)
}

/// A session of another connection.
fn another(rig: &mut Rig, user: &str) -> SessionId {
    let connection = rig.broker.connect(&user.into(), "main", ConnectionInfo::default()).unwrap();
    rig.broker.open_session(connection, 2).unwrap()
}

fn publish_as(rig: &mut Rig, session: SessionId, key: &str, body: &str) -> Published {
    let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
    let message = Message::new(NODE, key, b"", body.as_bytes(), meta, None).unwrap();
    rig.broker.publish(session, Publish { message, extra_keys: &[], claimed_user: None }).unwrap()
}

fn retain(rig: &mut Rig, key: &str) {
    let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
    let message = Message::new(NODE, key, b"", key.as_bytes(), meta, None).unwrap();
    let _ = rig.broker.retain(rig.session, &message).unwrap();
}

fn has_queue(rig: &Rig) -> bool {
    rig.broker.has_queue(rig.session, QUEUE)
}

/// Keys that the subscription's queue is bound to.
fn keys(rig: &Rig) -> Vec<String> {
    let mut keys: Vec<_> = rig
        .broker
        .binding_views("main")
        .into_iter()
        .filter(|record| &*record.target == QUEUE)
        .map(|record| record.key.to_string())
        .collect();
    keys.sort_unstable();
    keys
}

/// What a crash leaves when so many records had reached the disk.
fn cut(rig: &Rig, count: usize) -> MemoryLog {
    let log = rig.crashed_log();
    let records = log.0.replace(Records::default());
    let mut all: Vec<_> = records.all.into_iter().take(count).collect();
    while all.last().is_some_and(|record| !record.2) {
        all.pop();
    }
    log.0.replace(Records { all, ..Records { all: Vec::new(), ..records } });
    log
}

#[test]
fn i1_a_durable_subscription_goes_on_after_a_crash_where_it_was() {
    let mut rig = Rig::new();
    open(&mut rig, &durable(&["a.*", "b.#"])).unwrap();
    for (key, body) in [("a.1", "one"), ("b.x.y", "two"), ("c", "none")] {
        let _ = rig.publish(NODE, key, body);
    }
    assert_eq!(rig.bodies(), ["one", "two"]);
    rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), false);
    let _ = rig.publish(NODE, "a.2", "three");
    open(&mut rig, &durable(&["b.#", "a.*"])).unwrap();
    let deliveries = rig.deliveries();
    let told: Vec<_> = deliveries.iter().map(|d| (d.message.body(), d.is_redelivered)).collect();
    assert_eq!(told, [(&b"two"[..], true), (b"three", false)]);
    // The same again, this time from a checkpoint.
    rig.broker.request_checkpoint();
    rig.turn();
    rig.log_requests();
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert_eq!(keys(&rig), ["a.*", "b.#"]);
    open(&mut rig, &durable(&["a.*", "b.#"])).unwrap();
    assert_eq!(rig.bodies(), ["two", "three"]);
}

#[test]
fn i1_after_any_crash_a_durable_subscription_is_whole_or_not_there() {
    let mut rig = Rig::new();
    let first = rig.log.0.borrow().all.len();
    let consumer = open(&mut rig, &durable(&["a", "b"])).unwrap();
    let _ = rig.publish(NODE, "a", "old");
    rig.turn();
    rig.broker.cancel(consumer);
    rig.turn();
    open(&mut rig, &durable(&["c", "d", "e"])).unwrap();
    let _ = rig.publish(NODE, "e", "new");
    rig.turn();
    let last = rig.log.0.borrow().all.len();
    let mut seen = Vec::new();
    for count in first..=last {
        let mut other = Rig::over(cut(&rig, count), false);
        let backlog = if has_queue(&other) { other.counts(QUEUE).0 } else { 0 };
        seen.push(format!("{} {backlog}", keys(&other).concat()));
    }
    seen.dedup();
    assert_eq!(seen, [" 0", "ab 0", "ab 1", "cde 0", "cde 1"]);
}

#[test]
fn a_durable_subscription_has_one_consumer_at_a_time() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, &durable(&["a"])).unwrap();
    let other = another(&mut rig, "root");
    let in_use = |result: Result<ConsumerId, Error>| matches!(result, Err(Error::ExclusiveUse { name, .. }) if &*name == QUEUE);
    assert!(in_use(open_as(&mut rig, other, &durable(&["a"]))));
    assert!(in_use(open_as(&mut rig, other, &durable(&["b"]))), "nor is it taken away for other keys");
    assert!(matches!(
        rig.broker.give_up_subscription(other, QUEUE),
        Err(Error::ExclusiveUse { name, .. }) if &*name == QUEUE
    ));
    rig.broker.cancel(consumer);
    open_as(&mut rig, other, &durable(&["a"])).unwrap();
    let _ = rig.publish(NODE, "a", "x");
    assert_eq!(rig.bodies(), ["x"]);
}

#[test]
fn a_subscription_that_is_given_up_stays_away() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, &durable(&["a"])).unwrap();
    let _ = rig.publish(NODE, "a", "x");
    rig.turn();
    rig.broker.cancel(consumer);
    let receipt = rig.broker.give_up_subscription(rig.session, QUEUE).unwrap();
    rig.turn();
    assert!(rig.broker.durable().covers(receipt));
    let missing = |result| matches!(result, Err(Error::NotFound { name, .. }) if &*name == QUEUE);
    assert!(missing(rig.broker.give_up_subscription(rig.session, QUEUE)));
    let mut rig = Rig::over(rig.crashed_log(), false);
    assert!(!has_queue(&rig) && keys(&rig).is_empty());
    assert!(missing(rig.broker.give_up_subscription(rig.session, QUEUE)));
}

#[test]
fn one_that_is_not_durable_goes_with_its_consumer_and_its_connection() {
    let mut rig = Rig::new();
    let consumer = open(&mut rig, &transient(&["a"])).unwrap();
    let _ = rig.publish(NODE, "a", "x");
    assert_eq!(rig.bodies(), ["x"]);
    assert!(rig.broker.queue_views(Some("main")).is_empty(), "it is not listed");
    let other = another(&mut rig, "root");
    assert!(matches!(rig.broker.consume(other, &consume(2)), Err(Error::Locked { .. })));
    assert!(matches!(open_as(&mut rig, other, &transient(&["a"])), Err(Error::Locked { .. })));
    rig.broker.cancel(consumer);
    assert!(!has_queue(&rig) && keys(&rig).is_empty());
    open(&mut rig, &transient(&["a"])).unwrap();
    rig.broker.disconnect(rig.connection);
    rig.turn();
    assert!(!rig.broker.has_queue(other, QUEUE) && keys(&rig).is_empty());
    assert!(!has_queue(&Rig::over(rig.crashed_log(), false)));
}

#[test]
fn what_the_connection_itself_publishes_is_left_out_when_it_says_so() {
    let mut rig = Rig::new();
    let other = another(&mut rig, "root");
    // The way of both is known before there is a subscription.
    for session in [rig.session, other] {
        assert!(matches!(publish_as(&mut rig, session, "a", "early"), Published::Unroutable(_)));
    }
    let spec = SubscriptionSpec { skips_own: true, ..transient(&["a"]) };
    let consumer = open(&mut rig, &spec).unwrap();
    for body in ["own", "own again"] {
        assert!(matches!(rig.publish(NODE, "a", body), Published::Accepted(_)), "it has a taker");
    }
    let _ = publish_as(&mut rig, other, "a", "other");
    assert_eq!(rig.bodies(), ["other"]);
    rig.broker.cancel(consumer);
    open(&mut rig, &transient(&["a"])).unwrap();
    let _ = rig.publish(NODE, "a", "own");
    assert_eq!(rig.bodies(), ["own"]);
}

#[test]
fn i11_what_is_retained_comes_a_bit_each_turn() {
    let mut rig = Rig::new();
    for count in 0..3_000 {
        retain(&mut rig, &format!("r.{count:04}"));
    }
    retain(&mut rig, "other");
    let spec = SubscriptionSpec { wants_retained: true, ..transient(&["r.*", "nothing", "other"]) };
    open(&mut rig, &spec).unwrap();
    rig.broker.end_turn();
    assert!(rig.broker.wants_turn());
    assert_eq!(rig.counts(QUEUE).1, 1_024);
    let bodies = rig.bodies();
    let expected: Vec<_> =
        (0..3_000).map(|count| format!("r.{count:04}")).chain(["other".to_owned()]).collect();
    let mut sorted = bodies.clone();
    sorted.sort_unstable_by_key(|body| (body == "other", body.clone()));
    assert_eq!(sorted, expected);
    assert!(!rig.broker.wants_turn());
}

#[test]
fn nothing_is_looked_for_once_the_subscription_is_gone() {
    let mut rig = Rig::new();
    for count in 0..3_000 {
        retain(&mut rig, &format!("r.{count:04}"));
    }
    let spec = SubscriptionSpec { wants_retained: true, ..transient(&["#"]) };
    let consumer = open(&mut rig, &spec).unwrap();
    rig.broker.end_turn();
    rig.broker.cancel(consumer);
    rig.broker.end_turn();
    assert!(!rig.broker.wants_turn());
}

#[test]
fn what_is_retained_comes_once_to_a_durable_subscription() {
    let mut rig = Rig::new();
    retain(&mut rig, "a");
    let spec = SubscriptionSpec { wants_retained: true, ..durable(&["#"]) };
    let consumer = open(&mut rig, &spec).unwrap();
    assert_eq!(rig.bodies(), ["a"]);
    rig.broker.settle(rig.session, DeliveryId(1), SettleRange::One, Outcome::Accept).unwrap();
    rig.broker.cancel(consumer);
    open(&mut rig, &spec).unwrap();
    assert!(rig.bodies().is_empty());
}

/// A user who may read what `read` matches, as a node and as a key.
fn user(rig: &mut Rig, read: &str) -> SessionId {
    let _ = rig.broker.put_user(UserDefinition {
        name: "u".into(),
        password: None::<PasswordHash>,
        ..UserDefinition::default()
    });
    let _ = rig
        .broker
        .put_permission(PermissionDefinition {
            user: "u".into(),
            namespace: "main".into(),
            configure: String::new().into(),
            write: String::new().into(),
            read: read.into(),
        })
        .unwrap();
    another(rig, "u")
}

#[test]
fn s5_who_may_not_read_a_node_gets_no_subscription_to_it_and_takes_none_away() {
    let mut rig = Rig::new();
    let session = user(&mut rig, "^sys\\.fanout$");
    let refused = |result: Result<ConsumerId, Error>| matches!(result, Err(Error::Refused { .. }));
    assert!(refused(open_as(&mut rig, session, &durable(&["a"]))));
    assert!(!has_queue(&rig));
    let consumer = open(&mut rig, &durable(&["a"])).unwrap();
    rig.broker.cancel(consumer);
    let mine = SubscriptionSpec { places: vec![("sys.fanout".into(), "".into())], ..durable(&[]) };
    assert!(refused(open_as(&mut rig, session, &mine)), "not in the place of what others keep there");
    assert!(matches!(rig.broker.give_up_subscription(session, QUEUE), Err(Error::Refused { .. })));
    assert_eq!(keys(&rig), ["a"]);
}

#[test]
fn what_is_refused_leaves_nothing_behind_and_takes_nothing_away() {
    let mut rig = Rig::new();
    let long = "k".repeat(70_000);
    let missing = SubscriptionSpec { places: vec![("gone".into(), "".into())], ..durable(&[]) };
    assert!(matches!(open(&mut rig, &missing), Err(Error::NotFound { .. })));
    assert!(matches!(open(&mut rig, &durable(&["a", &long])), Err(Error::InvalidArgument { .. })));
    let unnamed = SubscriptionSpec { queue: "".into(), ..durable(&["a"]) };
    assert!(matches!(open(&mut rig, &unnamed), Err(Error::InvalidName { .. })));
    assert!(!has_queue(&rig));
    let consumer = open(&mut rig, &durable(&["a"])).unwrap();
    rig.broker.cancel(consumer);
    let _ = rig.publish(NODE, "a", "kept");
    let mut limits = rig.broker.limits().clone();
    limits.max_consumers_per_session = 0;
    rig.broker.set_limits(limits.clone());
    for keys in [&["a"][..], &["b"]] {
        let error = open(&mut rig, &durable(keys)).unwrap_err();
        assert!(matches!(error, Error::Limit { limit: LimitKind::SessionConsumers, max: 0, .. }));
    }
    assert!(open(&mut rig, &durable(&[&long])).is_err());
    assert_eq!((keys(&rig), rig.counts(QUEUE)), (vec!["a".to_owned()], (1, 0)));
    limits.max_consumers_per_session = 9;
    limits.max_queues = 1;
    rig.broker.set_limits(limits);
    let more = SubscriptionSpec { queue: "sys.sub.two".into(), ..transient(&["a"]) };
    let error = open(&mut rig, &more).unwrap_err();
    assert!(matches!(error, Error::Limit { limit: LimitKind::Queues, .. }));
    open(&mut rig, &durable(&["b"])).unwrap();
    assert_eq!(keys(&rig), ["b"], "one may take the place of another");
}

#[test]
fn a_shared_subscription_has_several_consumers_of_whatever_connections() {
    let mut rig = Rig::new();
    let shared = |spec| SubscriptionSpec { is_shared: true, ..spec };
    let other = another(&mut rig, "root");
    let first = open(&mut rig, &shared(transient(&["a"]))).unwrap();
    open_as(&mut rig, other, &shared(transient(&["a"]))).unwrap();
    assert!(matches!(open(&mut rig, &shared(transient(&["b"]))), Err(Error::ExclusiveUse { .. })));
    assert!(matches!(open(&mut rig, &transient(&["a"])), Err(Error::ExclusiveUse { .. })));
    for body in ["1", "2"] {
        let _ = rig.publish(NODE, "a", body);
    }
    assert_eq!(rig.counts(QUEUE), (0, 2), "each has one");
    rig.broker.close_session(other);
    assert!(has_queue(&rig));
    rig.broker.cancel(first);
    assert!(!has_queue(&rig), "it goes with its last consumer");
}

#[test]
fn a_durable_subscription_is_shared_or_is_not() {
    let mut rig = Rig::new();
    let shared = SubscriptionSpec { is_shared: true, ..durable(&["a"]) };
    let other = another(&mut rig, "root");
    let alone = open(&mut rig, &durable(&["a"])).unwrap();
    assert!(matches!(open_as(&mut rig, other, &shared), Err(Error::ExclusiveUse { .. })));
    rig.broker.cancel(alone);
    let first = open(&mut rig, &shared).unwrap();
    let second = open_as(&mut rig, other, &shared).unwrap();
    assert!(matches!(open(&mut rig, &durable(&["a"])), Err(Error::ExclusiveUse { .. })));
    rig.broker.cancel(first);
    assert!(matches!(rig.broker.give_up_subscription(other, QUEUE), Err(Error::ExclusiveUse { .. })));
    rig.broker.cancel(second);
    let _ = rig.publish(NODE, "a", "kept");
    assert_eq!(rig.counts(QUEUE), (1, 0));
    assert!(rig.broker.give_up_subscription(other, QUEUE).is_ok());
    assert!(!has_queue(&rig));
}

#[test]
fn a_subscription_can_have_a_limit_of_what_waits() {
    let mut rig = Rig::new();
    let arguments: Map = vec![("max_length".into(), ternmq_message::Value::I64(2))];
    let consumer = open(&mut rig, &SubscriptionSpec { arguments, ..durable(&["a"]) }).unwrap();
    rig.broker.cancel(consumer);
    for body in ["1", "2", "3"] {
        let _ = rig.publish(NODE, "a", body);
    }
    rig.turn();
    let mut rig = Rig::over(rig.crashed_log(), false);
    for body in ["4", "5"] {
        let _ = rig.publish(NODE, "a", body);
    }
    // What was there before the crash is read first.
    rig.turn();
    open(&mut rig, &durable(&["a"])).unwrap();
    assert_eq!(rig.bodies(), ["4", "5"]);
}
