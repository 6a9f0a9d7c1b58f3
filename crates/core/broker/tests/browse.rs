//! Looking at messages: all that is ready, wherever it is, and no effect on it.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::sync::Arc;

use support::{MemoryLog, Rig};
use ternmq_broker::{
    BrowsePage, BrowseSpec, ConnectionInfo, DeliveryId, Error, GetOutcome, Outcome, PermissionDefinition,
    QueueSpec, SettleRange, UserDefinition,
};
use ternmq_message::{Message, MessageMeta, Value};
use ternmq_queue::Filter;

const ALL: BrowseSpec = BrowseSpec { after: None, max_count: 1_000_000, max_bytes: u64::MAX };

fn look(rig: &mut Rig, queue: &str, spec: BrowseSpec) -> BrowsePage {
    let browse = rig.broker.browse(rig.session, queue, spec).unwrap();
    rig.turn();
    browse.read(&rig.log)
}

fn bodies(page: &BrowsePage) -> Vec<String> {
    page.messages.iter().map(|it| String::from_utf8(it.message.body().to_vec()).unwrap()).collect()
}

fn texts(numbers: impl Iterator<Item = u32>) -> Vec<String> {
    numbers.map(|number| format!("{number:05}")).collect()
}

/// So many messages that most of them are in the log only, chunk by chunk.
fn backlog(count: u32) -> Rig {
    let mut rig = Rig::with_segments(32 << 10, 512 << 20);
    rig.queue("q", &[]);
    for number in 0..count {
        rig.fill("q", &[&format!("{number:05}")]);
    }
    rig.turn();
    rig
}

#[test]
fn a_long_backlog_is_seen_whole_and_in_pages_and_stays_as_it_is() {
    let mut rig = backlog(9_000);
    assert!(rig.broker.totals().resident_bytes < 9_000 * 5, "much of it is in the log only");
    let page = look(&mut rig, "q", ALL);
    assert_eq!((page.next, page.unreadable), (None, 0));
    assert!(bodies(&page) == texts(0..9_000));
    assert!(page.messages.iter().all(|message| !message.is_redelivered && message.failed_count == 0));
    let (paged, pages) = in_pages(&mut rig, 700);
    assert!(paged == texts(0..9_000));
    assert!((13..26).contains(&pages), "{pages}");
    assert_eq!(rig.counts("q"), (9_000, 0));
    rig.consume("q", 0, None);
    let deliveries = rig.deliveries();
    assert_eq!(deliveries.len(), 9_000);
    assert!(deliveries.iter().all(|delivery| !delivery.is_redelivered), "a look is no delivery (I4)");
}

#[test]
fn only_what_passes_a_filter_is_shown_wherever_it_is_and_the_limits_count_the_rest() {
    let mut rig = backlog(9_000);
    let ends_in_seven: Arc<dyn Filter> = Arc::new(|message: &Message| message.body().ends_with(b"7"));
    let (mut shown, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let spec = BrowseSpec { after, max_count: 5, ..ALL };
        let browse = rig.broker.browse(rig.session, "q", spec).unwrap().filtered(Some(ends_in_seven.clone()));
        rig.turn();
        let page = browse.read(&rig.log);
        assert!(page.messages.len() <= 1);
        shown.extend(bodies(&page));
        pages += 1;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    assert!(shown == texts((0..9_000).filter(|number| number % 10 == 7)));
    assert!(pages >= 1_800, "{pages}");
}

/// All of a queue in pages.
fn in_pages(rig: &mut Rig, max_count: usize) -> (Vec<String>, u32) {
    let (mut shown, mut after, mut pages) = (Vec::new(), None, 0);
    loop {
        let page = look(rig, "q", BrowseSpec { after, max_count, ..ALL });
        assert!(page.messages.len() <= max_count && page.unreadable == 0);
        shown.extend(bodies(&page));
        pages += 1;
        after = page.next;
        if after.is_none() {
            return (shown, pages);
        }
    }
}

#[test]
fn pages_go_on_behind_chunks_of_which_a_restart_left_nothing() {
    let mut rig = Rig::with_segments(32 << 10, 512 << 20);
    rig.queue("q", &[]);
    let is_durable = |number: u32| number % 4_000 < 500;
    for number in 0..16_000 {
        let meta = MessageMeta { is_durable: is_durable(number), ..MessageMeta::default() };
        let _ = rig.publish_with("", "q", &format!("{number:05}"), meta);
    }
    rig.turn();
    let mut after = Rig::over(rig.crashed_log(), true);
    let durable = texts((0..16_000).filter(|number| is_durable(*number)));
    for max_count in [1, 100, 3_000] {
        assert!(in_pages(&mut after, max_count).0 == durable, "{max_count}");
    }
}

#[test]
fn a_page_ends_at_its_bytes_but_shows_one_message_at_least() {
    let mut rig = backlog(10);
    for (max_bytes, shown) in [(0, 1), (4, 1), (5, 1), (9, 1), (10, 2), (49, 9), (50, 10)] {
        let page = look(&mut rig, "q", BrowseSpec { max_bytes, ..ALL });
        assert_eq!((page.messages.len(), page.next.is_none()), (shown, shown == 10), "{max_bytes}");
    }
}

#[test]
fn what_consumers_have_is_left_out_and_what_comes_back_is_in_its_place_and_marked() {
    let mut rig = Rig::with_room(1_000);
    rig.queue("q", &[]);
    let consumer = rig.consume("q", 0, Some(6));
    for number in 0..10 {
        rig.fill("q", &[&format!("{number:0200}")]);
    }
    assert_eq!(rig.deliveries().len(), 6);
    let numbers =
        |page: &BrowsePage| -> Vec<u32> { bodies(page).iter().map(|body| body.parse().unwrap()).collect() };
    assert_eq!(numbers(&look(&mut rig, "q", ALL)), [6, 7, 8, 9]);
    rig.broker.cancel(consumer);
    for number in [2, 4] {
        rig.broker.settle(rig.session, DeliveryId(number), SettleRange::One, Outcome::Requeue).unwrap();
    }
    let page = look(&mut rig, "q", ALL);
    assert_eq!(numbers(&page), [1, 3, 6, 7, 8, 9], "bodies that had left memory are read back");
    let marked: Vec<bool> = page.messages.iter().map(|message| message.is_redelivered).collect();
    assert_eq!(marked, [true, true, false, false, false, false]);
}

#[test]
fn priorities_come_first_and_what_is_over_its_time_is_not_shown() {
    let mut rig = Rig::new();
    rig.queue("q", &[("max_priority", Value::I64(5))]);
    for (body, priority, ttl_ms) in [("low", 0, None), ("brief", 5, Some(10)), ("high", 5, None)] {
        let meta = MessageMeta { priority, ttl_ms, ..MessageMeta::default() };
        let _ = rig.publish_with("", "q", body, meta);
    }
    assert_eq!(bodies(&look(&mut rig, "q", ALL)), ["brief", "high", "low"]);
    let first = look(&mut rig, "q", BrowseSpec { max_count: 2, ..ALL });
    assert_eq!(bodies(&look(&mut rig, "q", BrowseSpec { after: first.next, ..ALL })), ["low"]);
    rig.now.monotonic_ms += 10;
    rig.now.wall_ms += 10;
    rig.broker.set_now(rig.now);
    assert_eq!(bodies(&look(&mut rig, "q", ALL)), ["high", "low"]);
}

#[test]
fn after_a_crash_all_that_is_ready_may_have_been_delivered() {
    let mut before = backlog(3_000);
    before.turn();
    let mut after = Rig::over(before.crashed_log(), false);
    let page = look(&mut after, "q", ALL);
    assert!(bodies(&page) == texts(0..3_000));
    assert!(page.messages.iter().all(|message| message.is_redelivered));
}

#[test]
fn what_a_look_reads_stays_in_the_log_until_it_is_over() {
    let mut rig = backlog(9_000);
    let browse = rig.broker.browse(rig.session, "q", ALL).unwrap();
    rig.turn();
    let _ = rig.broker.purge_queue(rig.session, "q").unwrap();
    let release = |rig: &mut Rig| {
        rig.broker.request_checkpoint();
        for _ in 0..100 {
            rig.turn();
            let _ = rig.log_requests();
        }
        rig.log.0.borrow().all.len()
    };
    let kept = release(&mut rig);
    assert!(bodies(&browse.read(&rig.log)) == texts(0..9_000), "as it was at the moment of the look");
    assert!(release(&mut rig) < kept / 2);
}

#[test]
fn f5_what_cannot_be_read_is_counted_and_the_rest_is_shown() {
    let mut rig = backlog(9_000);
    let browse = rig.broker.browse(rig.session, "q", ALL).unwrap();
    rig.turn();
    // Every record from here on: lists and messages.
    let torn = MemoryLog::default();
    let half = rig.log.0.borrow().next / 2;
    torn.0.borrow_mut().all =
        rig.log.0.borrow().all.iter().filter(|record| record.0 < half).cloned().collect();
    let page = browse.read(&torn);
    assert!(page.unreadable > 0);
    assert_eq!(page.messages.len() as u64 + page.unreadable, 9_000);
}

#[test]
fn s5_only_who_may_read_a_queue_may_look_at_it() {
    let mut rig = backlog(1);
    let spec = QueueSpec { name: "mine".into(), is_exclusive: true, ..QueueSpec::default() };
    let _ = rig.broker.declare_queue(rig.session, spec).unwrap();
    let _ = rig.broker.put_user(UserDefinition { name: "eve".into(), ..UserDefinition::default() });
    let permission = PermissionDefinition {
        user: "eve".into(),
        namespace: "main".into(),
        configure: ".*".into(),
        write: ".*".into(),
        read: "mine".into(),
    };
    let _ = rig.broker.put_permission(permission).unwrap();
    let connection = rig.broker.connect(&"eve".into(), "main", ConnectionInfo::default()).unwrap();
    let eve = rig.broker.open_session(connection, 1).unwrap();
    assert!(matches!(rig.broker.browse(eve, "q", ALL), Err(Error::Refused { .. })));
    assert!(matches!(rig.broker.browse(eve, "mine", ALL), Err(Error::Locked { .. })));
    assert!(matches!(rig.broker.browse(rig.session, "no", ALL), Err(Error::NotFound { .. })));
    assert!(matches!(rig.broker.get(rig.session, "q", true), Ok(GetOutcome::Got(..))));
}
