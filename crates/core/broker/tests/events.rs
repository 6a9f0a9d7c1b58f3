//! What the broker tells of itself: who hears what, when, and what a new subscriber hears of what is there.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::Arc;

use support::Rig;
use ternmq_broker::{
    Change, ConnectionId, ConnectionInfo, ConsumeSpec, Error, Event, Herald, SessionId, SubscriptionSpec,
    Teller,
};
use ternmq_message::{Message, MessageMeta, Value};

const NODE: &str = "sys.topic";

/// Writes an event as a line.
struct Lines;

impl Herald for Lines {
    fn message(&self, teller: &Teller<'_>, event: &Event, (node, key): (&str, &str)) -> Option<Message> {
        assert!(!teller.node_name.is_empty());
        let sign = |change: &Change| if *change == Change::Come { '+' } else { '-' };
        let line = match event {
            Event::Connection(change, it) => {
                format!("{}connection {}", sign(change), it.client.as_deref().unwrap_or_default())
            }
            Event::Consumer(change, it, count) => {
                let own_id = it.own_id.as_deref().unwrap_or("none");
                format!("{}consumer {own_id} of {}, {count}", sign(change), it.place.key)
            }
            Event::Producer(change, it, count) => {
                format!("{}producer {} of {}, {count}", sign(change), it.own_id, it.place.key)
            }
            Event::Slow(it) => format!("slow {}", it.queue),
            Event::Message(fate, it) => {
                let body = String::from_utf8_lossy(it.message.body());
                format!("{fate:?} {body} of {}, {}", it.queue, it.consumer.is_some())
            }
            Event::Place(change, place, cause) => {
                format!("{}place {}{}", sign(change), place.key, if cause.is_some() { " by one" } else { "" })
            }
        };
        Message::new(node, key, b"", line.as_bytes(), MessageMeta::default(), None).ok()
    }
}

fn rig() -> Rig {
    let mut rig = Rig::new();
    rig.broker.set_herald(Arc::new(Lines));
    rig
}

fn connect(rig: &mut Rig, client: &str) -> Result<(ConnectionId, SessionId), Error> {
    let connection = rig.broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
    if let Err(error) = rig.broker.name_client(connection, &client.into(), None) {
        rig.broker.disconnect(connection);
        return Err(error);
    }
    Ok((connection, rig.broker.open_session(connection, 9).unwrap()))
}

fn consume<'a>(queue: &'a str) -> ConsumeSpec<'a> {
    ConsumeSpec {
        queue,
        label: 1,
        window: None,
        needs_settle: false,
        is_exclusive: false,
        priority: 0,
        is_preferred: false,
    }
}

/// Subscribes to keys; the rig's own session is who listens.
fn subscribe(rig: &mut Rig, session: SessionId, queue: &str, keys: &[&str]) {
    let spec = SubscriptionSpec {
        queue: queue.into(),
        places: keys.iter().map(|key| (NODE.into(), (*key).into())).collect(),
        ..SubscriptionSpec::default()
    };
    let consumer = rig.broker.open_subscription(session, &spec, &consume(queue)).unwrap().value;
    rig.broker.start_consumer(consumer);
}

fn listen(rig: &mut Rig, keys: &[&str]) {
    let session = rig.session;
    subscribe(rig, session, "sys.sub.listener", keys);
}

/// What was heard in the next turns.
fn heard(rig: &mut Rig) -> Vec<String> {
    rig.turn();
    rig.turn();
    rig.bodies()
}

#[test]
fn who_comes_and_goes_is_told_and_who_is_refused_is_not() {
    let mut rig = rig();
    listen(&mut rig, &["told.connection"]);
    heard(&mut rig);
    let (ann, _) = connect(&mut rig, "ann").unwrap();
    assert!(connect(&mut rig, "ann").is_err());
    assert_eq!(heard(&mut rig), ["+connection ann"]);
    rig.broker.disconnect(ann);
    assert_eq!(heard(&mut rig), ["-connection ann"]);
}

#[test]
fn consumers_are_told_by_the_name_that_their_clients_give_them() {
    let mut rig = rig();
    rig.queue("q", &[]);
    listen(&mut rig, &["told.consumer.#"]);
    let (connection, session) = connect(&mut rig, "ann").unwrap();
    let first = rig.broker.consume(session, &consume("q")).unwrap();
    rig.broker.describe_consumer(first, "one", None);
    assert!(heard(&mut rig).is_empty(), "it has not begun");
    rig.broker.start_consumer(first);
    // One with credit begins with the first of it, though it be none.
    let second = rig.broker.consume(session, &consume("q")).unwrap();
    rig.broker.set_consumer_credit(second, 0);
    rig.broker.set_consumer_credit(second, 5);
    assert_eq!(heard(&mut rig), ["+consumer one of q, 1", "+consumer none of q, 2"]);
    rig.broker.cancel(second);
    assert_eq!(heard(&mut rig), ["-consumer none of q, 1"]);
    subscribe(&mut rig, session, "sys.sub.news", &["news"]);
    rig.broker.disconnect(connection);
    let all = heard(&mut rig);
    assert_eq!(all, ["+consumer none of news, 1", "-consumer one of q, 0", "-consumer none of news, 0"]);
}

#[test]
fn consumers_of_a_queue_that_goes_are_told_before_it() {
    let mut rig = rig();
    rig.queue("q", &[]);
    listen(&mut rig, &["told.consumer.#", "told.place"]);
    let (_, session) = connect(&mut rig, "ann").unwrap();
    let consumer = rig.broker.consume(session, &consume("q")).unwrap();
    rig.broker.start_consumer(consumer);
    heard(&mut rig);
    let _done = rig.broker.delete_queue(rig.session, "q", false, false).unwrap();
    assert_eq!(heard(&mut rig), ["-consumer none of q, 0", "-place q"]);
}

#[test]
fn producers_go_with_their_connection() {
    let mut rig = rig();
    listen(&mut rig, &["told.producer.*"]);
    let (connection, _) = connect(&mut rig, "ann").unwrap();
    let place = |key: &str| vec![(Arc::from(""), Arc::from(key))];
    rig.broker.open_producer(connection, "p1", &place("q"), 0);
    rig.broker.open_producer(connection, "p2", &place("q"), 0);
    rig.broker.open_producer(connection, "p3", &place("r"), 0);
    rig.broker.close_producer(connection, "p1");
    assert_eq!(
        heard(&mut rig),
        ["+producer p1 of q, 1", "+producer p2 of q, 2", "+producer p3 of r, 1", "-producer p1 of q, 1"]
    );
    rig.broker.disconnect(connection);
    assert_eq!(heard(&mut rig), ["-producer p2 of q, 0", "-producer p3 of r, 0"]);
}

#[test]
fn a_new_subscriber_hears_of_what_is_there_and_of_nothing_twice() {
    let mut rig = rig();
    rig.queue("q", &[]);
    let (connection, session) = connect(&mut rig, "ann").unwrap();
    rig.broker.open_producer(connection, "p1", &[("".into(), "q".into())], 0);
    subscribe(&mut rig, session, "sys.sub.news", &["news", "more.*"]);
    // In the turn in which it subscribes something else happens.
    let late = rig.broker.consume(session, &consume("q")).unwrap();
    rig.broker.start_consumer(late);
    listen(&mut rig, &["told.consumer.#", "told.producer.#", "told.place"]);
    let mut all = heard(&mut rig);
    all.sort();
    assert_eq!(
        all,
        [
            "+consumer none of more.*, 1",
            "+consumer none of news, 1",
            "+consumer none of q, 1",
            "+place news",
            "+place q",
            "+producer p1 of q, 1",
        ]
    );
    rig.broker.add_topic(session, &NODE.into(), &"made".into()).unwrap();
    rig.broker.add_topic(session, &NODE.into(), &"made".into()).unwrap();
    rig.broker.remove_topic(session, &NODE.into(), &"made".into()).unwrap();
    assert_eq!(heard(&mut rig), ["+place made by one", "-place made by one"]);
}

#[test]
fn without_a_herald_and_without_a_subscriber_nothing_is_told() {
    let mut silent = Rig::new();
    listen(&mut silent, &["told.#"]);
    connect(&mut silent, "ann").unwrap();
    assert!(heard(&mut silent).is_empty());
    let mut rig = rig();
    connect(&mut rig, "ann").unwrap();
    let session = rig.session;
    subscribe(&mut rig, session, "sys.sub.other", &["other.#"]);
    assert!(heard(&mut rig).is_empty());
}

#[test]
fn what_becomes_of_messages_is_told() {
    let mut rig = rig();
    rig.queue("graves", &[]);
    rig.queue(
        "q",
        &[("dead_node", Value::str("")), ("dead_key", Value::str("graves")), ("ttl", Value::I64(1))],
    );
    rig.queue("full", &[("max_length", Value::I64(1))]);
    rig.fill("q", &["unheard"]);
    rig.advance(2);
    listen(&mut rig, &["told.message.*"]);
    heard(&mut rig);
    rig.fill("q", &["late"]);
    rig.advance(2);
    assert_eq!(heard(&mut rig), ["Expired late of q, false", "Buried late of q, false"]);
    rig.fill("full", &["first", "second"]);
    assert_eq!(heard(&mut rig), ["PushedOut first of full, false"]);
    assert_eq!((rig.counts("graves"), rig.counts("full")), ((2, 0), (1, 0)));
}

#[test]
fn slow_consumers_are_told_once() {
    let mut rig = rig();
    listen(&mut rig, &["told.slow"]);
    rig.queue("slow.watched", &[]);
    rig.consume("slow.watched", 3, Some(1));
    rig.fill("slow.watched", &["a", "b", "c"]);
    heard(&mut rig);
    let mut told = Vec::new();
    for _ in 0..5 {
        rig.advance(1_000);
        told.extend(heard(&mut rig));
    }
    assert_eq!(told, ["slow slow.watched"]);
}
