//! Paging and the way back after a restart.

use std::sync::Arc;

use super::rig::{Event, Rig, SESSION, consumer, message};
use crate::{Budget, ChunkList, ChunkView, DeadLetterRoute, GetResult, Queue, QueueSettings, Seq};

fn backlog(count: u32) -> Rig {
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.set_budget(Budget { entries: 100, bytes: 1 << 20 }, &mut rig.outbox);
    for index in 0..count {
        rig.enqueue(message(0, None, b"0123456789"), index % 2 == 0);
    }
    rig
}

#[test]
fn a_backlog_leaves_memory_and_comes_back_in_order() {
    let mut rig = backlog(5_000);
    assert!(rig.queue.resident_bytes() <= 2_000, "{}", rig.queue.resident_bytes());
    assert_eq!((rig.queue.ready_count(), rig.queue.ready_bytes()), (5_000, 50_000));
    assert!(rig.queue.chunks().count() > 40);
    rig.queue.add_consumer(consumer(1)).unwrap();
    rig.run();
    let seqs: Vec<_> = rig.take_deliveries().iter().map(|delivery| delivery.seq.0).collect();
    assert_eq!(seqs, (1..=5_000).collect::<Vec<_>>());
}

#[test]
fn a_damaged_chunk_is_set_aside_and_the_queue_goes_on() {
    let mut rig = backlog(1_000);
    for _ in 0..100 {
        rig.queue.get(false, SESSION, rig.now_ms, &rig.windows, &mut rig.outbox);
    }
    let first = Seq(101);
    assert_eq!(rig.outbox.loads.len(), 0, "nobody reads: nothing is read ahead");
    assert!(matches!(
        rig.queue.get(false, SESSION, rig.now_ms, &rig.windows, &mut rig.outbox),
        GetResult::Loading
    ));
    let request = rig.outbox.loads.pop().unwrap();
    assert_eq!(request.first_seq, first);
    let lost = u64::from(rig.queue.chunk(0, first).unwrap().count);
    let fails = [Seq(7), first, first].map(|seq| rig.queue.load_failed(0, seq, &mut rig.outbox));
    assert_eq!(fails, [false, true, false]);
    assert_eq!((rig.queue.damaged_count(), rig.queue.ready_count()), (lost, 900 - lost));
    assert_eq!(rig.fetch().unwrap().seq.0, 101 + lost);
    assert_eq!(rig.queue.snapshot().chunks[0].chunk.first_seq, first, "never forgotten (F5)");
}

#[test]
fn single_damaged_messages_are_set_aside_until_a_purge_or_the_next_start() {
    let mut rig = backlog(300);
    rig.damaged = [Seq(151), Seq(153), Seq(160)].into();
    let read = rig.fetch_all();
    assert_eq!((read.len(), rig.queue.damaged_count(), rig.queue.ready_count()), (297, 3, 0));
    let kept: Vec<_> = rig.queue.snapshot().entries.iter().map(|(_, entry)| entry.seq).collect();
    assert_eq!(kept, [Seq(151), Seq(153)], "never forgotten (F5), but for the transient one");
    let mut again = Rig::of(
        Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot()),
        std::mem::take(&mut rig.store),
    );
    again.damaged = [Seq(153)].into();
    assert_eq!((again.fetch_all(), again.queue.damaged_count()), (vec![151], 1), "another chance");
    again.outbox.settled.clear();
    assert_eq!(again.queue.purge(&mut again.outbox), 0);
    let settled: Vec<_> = again.outbox.settled.iter().map(|(seq, _)| *seq).collect();
    assert_eq!((settled, again.queue.damaged_count()), (vec![Seq(153)], 0));
    assert_eq!(again.queue.snapshot().entries, []);
}

/// Numbers that the outbox tells as settled, ranges and single ones.
fn take_settled(rig: &mut Rig) -> Vec<u64> {
    let single = rig.outbox.settled.drain(..).map(|(seq, _)| seq.0);
    let ranges = rig.outbox.settled_ranges.drain(..).flat_map(|(first, last)| first.0..=last.0);
    let mut all: Vec<u64> = single.chain(ranges).collect();
    all.sort_unstable();
    all
}

#[test]
fn a_locked_entry_that_cannot_be_read_is_still_decided() {
    let restarted = || {
        let mut rig = Rig::new(QueueSettings::default());
        rig.publish(&["a", "b", "c", "d"]);
        let queue = Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot());
        let mut rig = Rig::of(queue, std::mem::take(&mut rig.store));
        assert!(rig.queue.lock(Seq(2)) && rig.queue.lock(Seq(3)));
        rig.damaged = [Seq(2), Seq(4)].into();
        assert_eq!((rig.fetch_all(), rig.queue.damaged_count()), (vec![1], 2));
        assert_eq!((rig.queue.ready_count(), rig.queue.unsettled_count()), (0, 1), "of the others 3 is held");
        rig.outbox.settled.clear();
        rig
    };
    let mut rig = restarted();
    assert!(rig.queue.accept_locked(Seq(2), &mut rig.outbox) && !rig.queue.is_locked(Seq(2)));
    assert_eq!((take_settled(&mut rig), rig.queue.damaged_count()), (vec![2], 1), "told to the log (I3)");
    let mut rig = restarted();
    assert!(rig.queue.unlock(Seq(2), rig.now_ms, &mut rig.outbox) && !rig.queue.is_locked(Seq(2)));
    assert_eq!((take_settled(&mut rig), rig.queue.damaged_count()), (vec![], 2), "another chance next time");
    rig.queue.purge(&mut rig.outbox);
    assert_eq!((take_settled(&mut rig), rig.queue.damaged_count()), (vec![2, 4], 0), "like any other");
    let mut rig = restarted();
    assert_eq!(rig.queue.purge(&mut rig.outbox), 0);
    assert_eq!((take_settled(&mut rig), rig.queue.damaged_count()), (vec![4], 1), "locked ones stay (I6)");
}

#[test]
fn a_chunk_that_cannot_be_read_takes_its_locked_entries_along() {
    let mut rig = backlog(1_000);
    let queue = Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot());
    let mut rig = Rig::of(queue, std::mem::take(&mut rig.store));
    let is_listed = |view: &ChunkView<'_>| matches!(view.list, ChunkList::Record(_));
    let chunk = rig.queue.chunks().map(|(_, view)| view).find(is_listed).unwrap();
    let ChunkList::Record(list) = chunk.list else { panic!("it is listed in the log") };
    let (first, locked, lost) = (list.first_seq, Seq(list.first_seq.0 + 2), u64::from(chunk.count));
    assert!(rig.queue.lock(locked));
    loop {
        match rig.queue.get(false, SESSION, rig.now_ms, &rig.windows, &mut rig.outbox) {
            GetResult::Got(_) => {}
            GetResult::Empty => panic!("there is more"),
            GetResult::Loading if rig.outbox.loads.last().is_some_and(|load| load.first_seq == first) => {
                break;
            }
            GetResult::Loading => rig.answer(),
        }
    }
    rig.outbox.settled.clear();
    let ready = rig.queue.ready_count();
    assert!(rig.queue.load_failed(0, first, &mut rig.outbox));
    assert_eq!((rig.queue.ready_count(), rig.queue.damaged_count()), (ready - (lost - 1), lost));
    assert!(rig.queue.accept_locked(locked, &mut rig.outbox));
    assert_eq!((take_settled(&mut rig), rig.queue.damaged_count()), (vec![locked.0], lost - 1));
}

#[test]
fn no_chunk_spans_what_could_not_be_read() {
    let mut rig = Rig::new(QueueSettings::default());
    for _ in 0..400 {
        rig.enqueue(message(0, None, b"0123456789"), true);
    }
    let queue = Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot());
    let mut rig = Rig::of(queue, std::mem::take(&mut rig.store));
    rig.damaged = [Seq(151)].into();
    assert_eq!(rig.fetch().unwrap().seq.0, 1);
    assert_eq!(rig.queue.damaged_count(), 1);
    rig.queue.set_budget(Budget { entries: 10, bytes: 1 << 20 }, &mut rig.outbox);
    rig.answer();
    let spans: Vec<_> = rig.queue.snapshot().chunks.iter().map(|of| of.chunk.first_seq).collect();
    assert!(!spans.is_empty() && spans.iter().all(|first| *first > Seq(151)), "{spans:?}");
}

#[test]
fn recovered_messages_are_flagged_after_a_crash_only() {
    for (was_crash, expect) in [(true, true), (false, false)] {
        let mut rig = backlog(10);
        let mut queue = Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot());
        queue.replay_done(was_crash);
        let store = std::mem::take(&mut rig.store);
        let mut other = Rig::of(queue, store);
        assert_eq!(other.fetch().unwrap().is_redelivered, expect);
        other.enqueue(message(0, None, b"new"), true);
        let last = std::iter::from_fn(|| other.fetch()).last().unwrap();
        assert!(!last.is_redelivered, "a message of after the crash is not flagged");
    }
}

#[test]
fn settled_entries_of_a_chunk_do_not_come_back() {
    let mut rig = backlog(1_000);
    let mut queue = Queue::restore(Arc::new(QueueSettings::default()), rig.queue.snapshot());
    queue.replay_settled(Seq(1), Seq(150));
    queue.replay_settled(Seq(170), Seq(170));
    queue.replay_settled(Seq(300), Seq(899));
    queue.replay_done(true);
    let again = Queue::restore(Arc::new(QueueSettings::default()), queue.snapshot());
    assert_eq!(again.snapshot(), queue.snapshot());
    let mut other = Rig::of(again, std::mem::take(&mut rig.store));
    let expect: Vec<_> = (151..170).chain(171..300).chain(900..=1_000).collect();
    let durable_or_cold = other.fetch_all();
    assert!(durable_or_cold.iter().all(|seq| expect.contains(seq)), "{durable_or_cold:?}");
    assert!(expect.iter().filter(|seq| **seq % 2 == 1).all(|seq| durable_or_cold.contains(seq)));
}

#[test]
fn a_chunk_in_the_log_takes_over_what_was_pushed() {
    let rig = backlog(1_000);
    let mut queue = Queue::new(Arc::new(QueueSettings::default()));
    for event in rig.store.events.clone() {
        match event {
            Event::Push(lane, entry) => queue.replay_push(lane, entry),
            Event::Settled(seq) => queue.replay_settled(seq, seq),
            Event::Chunk(lane, chunk) => queue.replay_chunk(lane, chunk),
            Event::Dying(dying) => queue.replay_dying(dying),
        }
    }
    assert_eq!(queue.ready_count(), 500, "transient ones do not outlive a restart");
    assert_eq!(queue.snapshot().chunks.len(), rig.queue.snapshot().chunks.len());
}

#[test]
fn what_died_unread_goes_on_dying_after_a_restart() {
    let route = DeadLetterRoute { node: "dead".into(), key: None, is_for_kept_failures: false };
    let settings = Arc::new(QueueSettings { dead_letter: Some(route), ..QueueSettings::default() });
    let mut rig = Rig::new(QueueSettings::default());
    rig.queue.add_consumer(consumer(1)).unwrap();
    for body in [&b"a"[..], b"b", b"c"] {
        rig.enqueue(message(0, None, body), true);
    }
    rig.run();
    let start = rig.queue.snapshot();
    rig.forget_held();
    // The route comes when the bodies are gone.
    let (windows, outbox) = (&mut rig.windows, &mut rig.outbox);
    rig.queue.apply_settings(settings.clone(), rig.now_ms, windows, outbox);
    let handed: Vec<_> = rig.take_deliveries().iter().map(|d| (d.slot.unwrap(), d.seq)).collect();
    assert!(rig.queue.discard(handed[1].0, handed[1].1, &mut rig.outbox));
    assert_eq!((rig.outbox.dead.len(), rig.outbox.settled.len()), (0, 0), "it has to be read first");
    let (snapshot, logged) = (rig.queue.snapshot(), rig.outbox.dying.clone());
    assert_eq!((snapshot.entries.len(), snapshot.dying.len(), logged.len()), (2, 1, 1));
    let mut replayed = Queue::restore(settings.clone(), start);
    logged.into_iter().for_each(|dying| replayed.replay_dying(dying));
    assert_eq!(replayed.snapshot(), snapshot);
    for (is_damaged, expect) in [(false, "b:Rejected"), (true, "")] {
        let mut again =
            Rig::of(Queue::restore(settings.clone(), snapshot.clone()), std::mem::take(&mut rig.store));
        again.damaged = is_damaged.then_some(Seq(2)).into_iter().collect();
        again.queue.resume_dying(&mut again.outbox);
        again.answer();
        assert_eq!((again.died(), again.queue.damaged_count()), (expect.to_owned(), u64::from(is_damaged)));
        assert_eq!(
            again.queue.snapshot().dying.len(),
            usize::from(is_damaged),
            "another chance, if it failed"
        );
        assert_eq!(again.fetch_all(), [1, 3]);
        rig.store = std::mem::take(&mut again.store);
    }
}
