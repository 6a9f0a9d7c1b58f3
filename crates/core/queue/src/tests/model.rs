//! Random commands against a plain model: order (I5), exclusivity (I4), no loss (I1), nothing back from the dead (I3).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use proptest::prelude::*;
use ternmq_message::{DeathReason, Message};

use super::rig::{Event, Rig, SESSION, consumer, message, tagged};
use crate::{
    Blame, Budget, ConsumerSpec, DeadLetterRoute, Filter, GetResult, Queue, QueueSettings, ReadyPlace, Room,
    Seq,
};

#[derive(Clone, Debug)]
enum Command {
    Push {
        count: u8,
        priority: u8,
        ttl_ms: Option<u64>,
        is_durable: bool,
    },
    Add {
        window: Option<u32>,
        needs_settle: bool,
        priority: i32,
        is_preferred: bool,
    },
    /// A consumer that wants one tag only.
    Filtered {
        window: Option<u32>,
        priority: i32,
        tag: u8,
    },
    Remove(u8),
    SetLimit(u32),
    Accept(u8),
    GiveBack(u8, Blame),
    Discard(u8),
    Stale(u8),
    Get {
        needs_settle: bool,
    },
    Pass(u64),
    Purge,
    Budget(u32, Option<u64>),
    Forget,
    Mark,
}

fn command() -> impl Strategy<Value = Command> {
    let blame = prop_oneof![Just(Blame::Consumer), Just(Blame::Broker)];
    prop_oneof![
        6 => (1..120_u8, 0..5_u8, proptest::option::weighted(0.2, 0..50_u64), any::<bool>())
            .prop_map(|(count, priority, ttl_ms, is_durable)| Command::Push { count, priority, ttl_ms, is_durable }),
        2 => (proptest::option::of(0..40_u32), any::<bool>(), -1..2_i32, proptest::bool::weighted(0.2))
            .prop_map(|(window, needs_settle, priority, is_preferred)| {
                Command::Add { window, needs_settle, priority, is_preferred }
            }),
        2 => (proptest::option::of(0..40_u32), -1..2_i32, 0..TAGS)
            .prop_map(|(window, priority, tag)| Command::Filtered { window, priority, tag }),
        2 => any::<u8>().prop_map(Command::Remove),
        1 => (0..60_u32).prop_map(Command::SetLimit),
        8 => any::<u8>().prop_map(Command::Accept),
        5 => (any::<u8>(), blame).prop_map(|(at, blame)| Command::GiveBack(at, blame)),
        2 => any::<u8>().prop_map(Command::Discard),
        2 => any::<u8>().prop_map(Command::Stale),
        4 => any::<bool>().prop_map(|needs_settle| Command::Get { needs_settle }),
        2 => (0..30_u64).prop_map(Command::Pass),
        1 => Just(Command::Purge),
        1 => (1..200_u32, proptest::option::of(0..20_u64))
            .prop_map(|(entries, held)| Command::Budget(entries, held)),
        2 => Just(Command::Forget),
        1 => Just(Command::Mark),
    ]
}

/// Time to live and limits are tried with one lane: with several, what happens while a chunk is loaded may differ
/// from what would happen without paging.
fn settings() -> impl Strategy<Value = QueueSettings> {
    let limited = (
        proptest::option::of(0..300_u64),
        proptest::option::of(0..2_000_u64),
        proptest::option::of(0..60_u64),
        prop_oneof![Just(crate::Overflow::DropHead), Just(crate::Overflow::RejectPublish)],
    )
        .prop_map(|(max_length, max_length_bytes, message_ttl_ms, overflow)| QueueSettings {
            max_length,
            max_length_bytes,
            message_ttl_ms,
            overflow,
            ..QueueSettings::default()
        });
    let lanes = proptest::option::of(1..4_u8)
        .prop_map(|max_priority| QueueSettings { max_priority, ..QueueSettings::default() });
    let route = DeadLetterRoute { node: "dead".into(), key: None, is_for_kept_failures: false };
    let route = proptest::option::of(Just(route));
    (prop_oneof![limited, lanes], proptest::option::of(0..3_u32), any::<bool>(), route).prop_map(
        |(settings, delivery_limit, is_single_active, dead_letter)| QueueSettings {
            delivery_limit,
            is_single_active,
            dead_letter,
            ..settings
        },
    )
}

#[derive(Clone, Debug)]
struct Item {
    len: u64,
    expires_at_ms: u64,
    failed: u32,
    acquired: bool,
    is_durable: bool,
    tag: u8,
}

#[derive(Clone, Debug)]
struct Reader {
    window: Option<u32>,
    needs_settle: bool,
    priority: i32,
    is_preferred: bool,
    tag: Option<u8>,
    unsettled: u32,
}

/// Messages have one of so many tags in turn, the last one rarely.
const TAGS: u8 = 4;

fn tag_of(index: u64) -> u8 {
    if index % 97 == 5 { TAGS - 1 } else { u8::try_from(index % u64::from(TAGS - 1)).unwrap() }
}

fn filter(tag: u8) -> Option<Arc<dyn Filter>> {
    Some(Arc::new(move |message: &Message| message.head() == [tag]))
}

/// Lanes are keyed so that the first in order is the next to go.
type Key = (std::cmp::Reverse<u8>, u64);

struct Model {
    settings: QueueSettings,
    ready: BTreeMap<Key, Item>,
    held: BTreeMap<u64, (Key, Item, u32, Option<u32>)>,
    old: Vec<(u32, u64)>,
    readers: BTreeMap<u32, Reader>,
    active: Option<u32>,
    session_limit: u32,
    session_used: u32,
    dead: Vec<(u64, DeathReason)>,
    next_key: u32,
    pushed: u64,
    /// There was a filter: entries that expire may go when somebody comes to them.
    is_selective: bool,
}

impl Model {
    fn has_preferred(&self) -> bool {
        self.readers.values().any(|reader| reader.is_preferred)
    }

    /// One reader gets everything.
    fn is_single(&self) -> bool {
        self.settings.is_single_active || self.has_preferred()
    }

    /// Whoever gets everything stays, unless preferred ones are there and it is none.
    fn choose_active(&mut self) {
        let has_preferred = self.has_preferred();
        let fits = |reader: &Reader| reader.is_preferred || !has_preferred;
        if !self.active.and_then(|key| self.readers.get(&key)).is_some_and(fits) {
            let next = self.readers.iter().filter(|(_, reader)| fits(reader));
            let next = next.max_by_key(|(key, reader)| (reader.priority, std::cmp::Reverse(**key)));
            self.active = next.map(|(key, _)| *key);
        }
        if !self.is_single() {
            self.active = None;
        }
    }

    fn has_credit(&self, key: u32) -> bool {
        let reader = &self.readers[&key];
        if self.is_single() && self.active != Some(key) {
            return false;
        }
        !reader.needs_settle
            || (reader.window.is_none_or(|most| reader.unsettled < most)
                && self.session_used < self.session_limit)
    }

    fn drop_expired_front(&mut self, now_ms: u64) {
        while let Some(entry) = self.ready.first_entry()
            && entry.get().expires_at_ms < now_ms
        {
            let (key, _) = entry.remove_entry();
            self.dead.push((key.1, DeathReason::Expired));
        }
    }

    /// Highest priority of those with credit that want a message of this tag.
    fn best_priority(&self, tag: u8) -> Option<i32> {
        let wants =
            |key: &&u32| self.readers[*key].tag.is_none_or(|wanted| wanted == tag) && self.has_credit(**key);
        self.readers.keys().filter(wants).map(|key| self.readers[key].priority).max()
    }

    /// Takes out what a delivery is of: the first one that its consumer wants.
    fn take_first_for(&mut self, consumer: u32, seq: u64) -> (Key, Item) {
        let tag = self.readers[&consumer].tag;
        let first = self.ready.iter().find(|(_, item)| tag.is_none_or(|tag| tag == item.tag));
        let key = *first.expect("a delivery of something ready").0;
        assert_eq!(key.1, seq, "order");
        (key, self.ready.remove(&key).unwrap())
    }

    /// Where somebody skips, what has expired goes when it is come to, wherever it stands.
    fn drop_expired_on_the_way(&mut self, rig: &Rig) {
        if !self.is_selective {
            return;
        }
        for dead in rig.outbox.dead.iter().filter(|dead| dead.reason == DeathReason::Expired) {
            let key = self.ready.keys().find(|key| key.1 == dead.entry.seq.0).copied();
            if let Some(key) = key.filter(|key| self.ready[key].expires_at_ms <= rig.now_ms) {
                self.ready.remove(&key);
                self.dead.push((key.1, DeathReason::Expired));
            }
        }
    }

    /// Follows the queue's deliveries and judges them, then does what a run does after dispatch.
    fn follow(&mut self, rig: &mut Rig) {
        self.drop_expired_on_the_way(rig);
        for delivery in rig.take_deliveries() {
            self.drop_expired_front(rig.now_ms);
            let (key, item) = self.take_first_for(delivery.consumer, delivery.seq.0);
            assert_eq!(item.acquired, delivery.is_redelivered);
            assert_eq!(item.failed, delivery.failed_count);
            assert!(self.has_credit(delivery.consumer), "credit of {}", delivery.consumer);
            let reader = self.readers.get_mut(&delivery.consumer).unwrap();
            let (priority, needs_settle) = (reader.priority, reader.needs_settle);
            // One that has the backlog before it does not keep others from what stands behind.
            if !self.is_single() && !self.is_selective {
                assert_eq!(Some(priority), self.best_priority(item.tag));
            }
            if needs_settle {
                self.readers.get_mut(&delivery.consumer).unwrap().unsettled += 1;
                self.session_used += 1;
                self.hold(key, item, delivery.slot.unwrap(), Some(delivery.consumer));
            }
        }
        self.drop_expired_front(rig.now_ms);
        let waits = self.ready.values().find(|item| self.best_priority(item.tag).is_some());
        assert!(waits.is_none(), "it stopped too early");
        if self.settings.overflow == crate::Overflow::DropHead {
            while self.is_over(self.ready.len() as u64, self.ready_bytes()) {
                let lowest = self.ready.keys().map(|key| key.0).max().unwrap();
                let key = *self.ready.keys().find(|key| key.0 == lowest).unwrap();
                self.ready.remove(&key);
                self.dead.push((key.1, DeathReason::MaxLength));
            }
        }
        let lanes: BTreeSet<_> = self.ready.keys().map(|key| key.0).collect();
        for lane in lanes {
            while let Some((&key, item)) = self.ready.iter().find(|(key, _)| key.0 == lane)
                && item.expires_at_ms <= rig.now_ms
            {
                self.ready.remove(&key);
                self.dead.push((key.1, DeathReason::Expired));
            }
        }
        self.compare(rig);
    }

    fn hold(&mut self, key: Key, mut item: Item, slot: u32, consumer: Option<u32>) {
        item.acquired = true;
        assert!(self.held.insert(key.1, (key, item, slot, consumer)).is_none(), "held twice (I4)");
    }

    fn compare(&mut self, rig: &mut Rig) {
        let mut dead: Vec<_> =
            rig.outbox.dead.drain(..).map(|dead| (dead.entry.seq.0, dead.reason)).collect();
        let mut expected = std::mem::take(&mut self.dead);
        // Those that have to be read first die a bit later, and without a route unread.
        if self.settings.dead_letter.is_none() {
            assert_eq!(
                dead.len() as u64 + std::mem::take(&mut rig.outbox.unread_deaths),
                expected.len() as u64
            );
            expected.retain(|death| dead.contains(death));
        }
        dead.sort_unstable_by_key(|death| death.0);
        expected.sort_unstable_by_key(|death| death.0);
        assert_eq!(dead, expected);
        assert_eq!(rig.queue.ready_count(), self.ready.len() as u64);
        assert_eq!(rig.queue.ready_bytes(), self.ready_bytes());
        assert_eq!(rig.queue.unsettled_count(), self.held.len());
        let ready: Vec<_> = self.ready.keys().map(|key| (key.0.0, key.1)).collect();
        assert_eq!(rig.browse(None), ready);
        let middle = ready.len() / 2;
        let place = ready.get(middle).map(|&(lane, seq)| ReadyPlace { lane, seq: Seq(seq) });
        assert_eq!(rig.browse(place), ready.get(middle + 1..).unwrap_or_default());
        assert_eq!(rig.queue.oldest_ready().map(|seq| seq.0), self.ready.keys().map(|key| key.1).min());
        assert_eq!(rig.outbox.resident_delta_bytes, rig.queue.resident_bytes().cast_signed());
        assert!(rig.outbox.loads.is_empty() && rig.outbox.spills.is_empty());
    }

    fn ready_bytes(&self) -> u64 {
        self.ready.values().map(|item| item.len).sum()
    }

    fn is_over(&self, count: u64, bytes: u64) -> bool {
        self.settings.max_length.is_some_and(|most| count > most)
            || self.settings.max_length_bytes.is_some_and(|most| bytes > most)
    }

    fn pick(&self, at: u8) -> Option<(u64, u32)> {
        let index = usize::from(at) % self.held.len().max(1);
        self.held.iter().nth(index).map(|(seq, held)| (*seq, held.2))
    }

    /// Takes a held entry out and gives credit back, as the facade does.
    fn settle(&mut self, rig: &mut Rig, seq: u64) -> (Key, Item) {
        let (key, item, slot, consumer) = self.held.remove(&seq).unwrap();
        self.old.push((slot, seq));
        if let Some(consumer) = consumer {
            self.session_used -= 1;
            if rig.windows.give_back(SESSION) {
                rig.queue.session_opened();
            }
            if let Some(reader) = self.readers.get_mut(&consumer) {
                reader.unsettled -= 1;
            }
        }
        (key, item)
    }

    fn give_back(&mut self, rig: &mut Rig, seq: u64, slot: u32, blame: Blame) {
        assert!(rig.queue.give_back(slot, Seq(seq), blame, rig.now_ms, &mut rig.outbox));
        let (key, mut item) = self.settle(rig, seq);
        item.failed += u32::from(blame == Blame::Consumer);
        if blame == Blame::Consumer && self.settings.delivery_limit.is_some_and(|most| item.failed > most) {
            self.dead.push((seq, DeathReason::DeliveryLimit));
        } else if item.expires_at_ms < rig.now_ms {
            self.dead.push((seq, DeathReason::Expired));
        } else {
            self.ready.insert(key, item);
        }
    }

    fn push(&mut self, rig: &mut Rig, priority: u8, ttl_ms: Option<u64>, is_durable: bool) {
        let ttl_ms = ttl_ms.filter(|_| self.settings.max_priority.is_none());
        let len = u64::from(priority) * 3;
        let is_full = self.settings.overflow != crate::Overflow::DropHead
            && self.is_over(self.ready.len() as u64 + 1, self.ready_bytes() + len);
        let room = rig.queue.check_room(usize::from(priority) * 3);
        assert_eq!(room != Room::Free, is_full);
        if is_full {
            return;
        }
        let body = vec![b'x'; usize::from(priority) * 3];
        self.pushed += 1;
        let tag = tag_of(self.pushed);
        let seq = rig.enqueue(tagged(message(priority, ttl_ms, &body), tag), is_durable);
        let lane = priority.min(self.settings.max_priority.unwrap_or(0));
        let ttl_ms = ttl_ms.into_iter().chain(self.settings.message_ttl_ms).min();
        let expires_at_ms = ttl_ms.map_or(u64::MAX, |ttl| rig.now_ms + ttl);
        let item = Item { len, expires_at_ms, failed: 0, acquired: false, is_durable, tag };
        self.ready.insert((std::cmp::Reverse(lane), seq.0), item);
    }

    fn get(&mut self, rig: &mut Rig, needs_settle: bool) {
        loop {
            match rig.queue.get(needs_settle, SESSION, rig.now_ms, &rig.windows, &mut rig.outbox) {
                GetResult::Loading => {
                    // A load runs the queue, so the consumers may have been served meanwhile.
                    rig.answer();
                    self.follow(rig);
                }
                GetResult::Empty => {
                    self.drop_expired_front(rig.now_ms);
                    assert!(self.ready.is_empty());
                    return;
                }
                GetResult::Got(delivery) => {
                    self.drop_expired_front(rig.now_ms);
                    let (key, item) = self.ready.pop_first().unwrap();
                    assert_eq!((key.1, item.acquired), (delivery.seq.0, delivery.is_redelivered));
                    assert_eq!(delivery.slot.is_some(), needs_settle);
                    if let Some(slot) = delivery.slot {
                        self.hold(key, item, slot, None);
                    }
                    return;
                }
            }
        }
    }

    fn add(&mut self, rig: &mut Rig, spec: ConsumerSpec, tag: Option<u8>) {
        let ConsumerSpec { window, needs_settle, priority, is_preferred, .. } = spec;
        self.readers
            .insert(spec.key, Reader { window, needs_settle, priority, is_preferred, tag, unsettled: 0 });
        self.choose_active();
        rig.queue.add_consumer(spec).unwrap();
    }

    fn add_filtered(&mut self, rig: &mut Rig, window: Option<u32>, priority: i32, tag: u8) {
        // Who drops the oldest while a filter's chunk is on its way is not the model's to say.
        if self.settings.max_length.or(self.settings.max_length_bytes).is_some() {
            return;
        }
        self.next_key += 1;
        self.is_selective = true;
        let spec = ConsumerSpec { window, priority, filter: filter(tag), ..consumer(self.next_key) };
        self.add(rig, spec, Some(tag));
    }

    fn remove(&mut self, rig: &mut Rig, at: u8) {
        let Some(key) = self.readers.keys().nth(usize::from(at) % self.readers.len().max(1)).copied() else {
            return;
        };
        assert!(rig.queue.remove_consumer(key));
        self.readers.remove(&key);
        self.choose_active();
        let theirs: Vec<_> = self
            .held
            .iter()
            .filter(|(_, held)| held.3 == Some(key))
            .map(|(seq, held)| (*seq, held.2))
            .collect();
        for (seq, slot) in theirs {
            self.give_back(rig, seq, slot, Blame::Consumer);
        }
    }

    fn apply(&mut self, rig: &mut Rig, command: &Command) {
        match *command {
            Command::Push { count, priority, ttl_ms, is_durable } => {
                // A single one takes the way that is short for an empty queue.
                rig.runs_at_once = count == 1;
                for _ in 0..count {
                    self.push(rig, priority, ttl_ms, is_durable);
                }
                rig.runs_at_once = false;
            }
            Command::Add { window, needs_settle, priority, is_preferred } => {
                self.next_key += 1;
                let spec =
                    ConsumerSpec { window, needs_settle, priority, is_preferred, ..consumer(self.next_key) };
                self.add(rig, spec, None);
            }
            Command::Filtered { window, priority, tag } => self.add_filtered(rig, window, priority, tag),
            Command::Remove(at) => self.remove(rig, at),
            Command::SetLimit(limit) => {
                self.session_limit = limit;
                rig.windows.set_limit(SESSION, limit);
                rig.queue.session_opened();
            }
            Command::Accept(at) => {
                if let Some((seq, slot)) = self.pick(at) {
                    assert!(rig.queue.accept(slot, Seq(seq), &mut rig.outbox));
                    self.settle(rig, seq);
                }
            }
            Command::GiveBack(at, blame) => {
                if let Some((seq, slot)) = self.pick(at) {
                    self.give_back(rig, seq, slot, blame);
                }
            }
            Command::Discard(at) => {
                if let Some((seq, slot)) = self.pick(at) {
                    assert!(rig.queue.discard(slot, Seq(seq), &mut rig.outbox));
                    self.settle(rig, seq);
                    self.dead.push((seq, DeathReason::Rejected));
                }
            }
            Command::Stale(at) => {
                let handle = self.old.get(usize::from(at) % self.old.len().max(1)).copied();
                if let Some((slot, seq)) = handle.filter(|(_, seq)| !self.held.contains_key(seq)) {
                    assert!(!rig.queue.accept(slot, Seq(seq), &mut rig.outbox));
                    assert!(!rig.queue.discard(slot, Seq(seq), &mut rig.outbox));
                    assert!(!rig.queue.give_back(slot, Seq(seq), Blame::Broker, rig.now_ms, &mut rig.outbox));
                }
            }
            Command::Get { needs_settle } => self.get(rig, needs_settle),
            Command::Pass(ms) => rig.now_ms += ms,
            Command::Purge => {
                let dropped = rig.queue.purge(&mut rig.outbox);
                assert_eq!(dropped, self.ready.len() as u64);
                self.ready.clear();
                rig.outbox.dropped_chunks.clear();
                for (first, last) in rig.outbox.settled_ranges.drain(..) {
                    rig.store.events.extend((first.0..=last.0).map(|seq| Event::Settled(Seq(seq))));
                }
            }
            Command::Forget => rig.forget_held(),
            Command::Budget(entries, held) => {
                rig.windows.keep_bodies(held.unwrap_or(u64::MAX));
                rig.queue.set_budget(Budget { entries, bytes: 1 << 20 }, &mut rig.outbox);
            }
            Command::Mark => {}
        }
    }

    fn is_live(&self, seq: u64) -> bool {
        self.held.contains_key(&seq) || self.ready.keys().any(|key| key.1 == seq)
    }

    /// What outlives a restart, in order.
    fn durable(&self) -> Vec<u64> {
        let held = self.held.values().map(|(key, item, _, _)| (*key, item.clone()));
        let all: BTreeMap<_, _> = self.ready.clone().into_iter().chain(held).collect();
        all.into_iter().filter(|(_, item)| item.is_durable).map(|(key, _)| key.1).collect()
    }
}

/// Fetches everything from a recovered queue. Nothing must expire while it is looked at.
fn contents(queue: Queue, rig: &mut Rig) -> Vec<u64> {
    let events = rig.store.events.len();
    let mut other = Rig::of(queue, std::mem::take(&mut rig.store));
    other.now_ms = 0;
    let found = other.fetch_all();
    assert_eq!((other.queue.ready_count(), other.queue.ready_bytes()), (0, 0));
    rig.store = std::mem::take(&mut other.store);
    rig.store.events.truncate(events);
    found
}

fn check(settings: QueueSettings, commands: &[Command]) {
    let mut rig = Rig::new(settings.clone());
    let mut model = Model {
        settings: settings.clone(),
        ready: BTreeMap::new(),
        held: BTreeMap::new(),
        old: Vec::new(),
        readers: BTreeMap::new(),
        active: None,
        session_limit: u32::MAX,
        session_used: 0,
        dead: Vec::new(),
        next_key: 0,
        pushed: 0,
        is_selective: false,
    };
    rig.queue.set_budget(Budget { entries: 50, bytes: 1 << 20 }, &mut rig.outbox);
    let mut start = (rig.queue.snapshot(), 0);
    for command in commands {
        model.apply(&mut rig, command);
        rig.run();
        model.follow(&mut rig);
        if matches!(command, Command::Mark) {
            start = (rig.queue.snapshot(), rig.store.events.len());
        }
    }
    // Without limits, which would act on what was unsettled before and is ready now.
    let settings = QueueSettings { max_priority: settings.max_priority, ..QueueSettings::default() };
    let settings = std::sync::Arc::new(settings);
    let expected = model.durable();
    // A chunk brings its transient entries along: the facade leaves them out after a restart.
    let strip = |found: Vec<u64>| -> Vec<u64> {
        found.into_iter().filter(|seq| expected.contains(seq) || !model.is_live(*seq)).collect()
    };
    let restored = Queue::restore(settings.clone(), rig.queue.snapshot());
    assert_eq!(strip(contents(restored, &mut rig)), expected, "snapshot");
    let mut replayed = Queue::restore(settings, start.0);
    for event in rig.store.events[start.1..].iter().cloned() {
        match event {
            Event::Push(lane, entry) => replayed.replay_push(lane, entry),
            Event::Settled(seq) => replayed.replay_settled(seq, seq),
            Event::Chunk(lane, chunk) => replayed.replay_chunk(lane, chunk),
            Event::Dying(dying) => replayed.replay_dying(dying),
        }
    }
    replayed.replay_done(true);
    assert_eq!(strip(contents(replayed, &mut rig)), expected, "replay");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_queue_does_what_the_model_does(
        settings in settings(),
        commands in proptest::collection::vec(command(), 1..80),
    ) {
        check(settings, &commands);
    }
}

/// Lists that once failed.
#[test]
fn found_lists() {
    let push = |count, priority, is_durable| Command::Push { count, priority, ttl_ms: None, is_durable };
    let add = Command::Add { window: Some(0), needs_settle: true, priority: 0, is_preferred: false };
    let priorities = QueueSettings { max_priority: Some(1), ..QueueSettings::default() };
    let commands =
        [push(90, 0, true), push(27, 1, false), add, Command::Budget(102, None), Command::Budget(1, None)];
    check(priorities.clone(), &commands);
    let add = Command::Add { window: Some(26), needs_settle: true, priority: 0, is_preferred: false };
    check(priorities, &[push(26, 1, true), push(12, 0, true), push(63, 1, true), add, Command::Purge]);
    let add = Command::Add { window: None, needs_settle: true, priority: 0, is_preferred: false };
    let pushes = [push(47, 1, false), push(1, 0, false), push(47, 1, false), push(26, 1, false)];
    let rest = [add, push(99, 1, true), Command::Purge, Command::Remove(0), Command::Budget(1, None)];
    check(
        QueueSettings { max_priority: Some(1), ..QueueSettings::default() },
        &[&pushes[..], &rest[..]].concat(),
    );
    let durable = [push(120, 1, true), push(1, 0, false), push(47, 1, true)];
    check(
        QueueSettings { max_priority: Some(1), ..QueueSettings::default() },
        &[&durable[..], &rest[..]].concat(),
    );
}

/// Lists with filters that once failed.
#[test]
fn found_lists_with_filters() {
    let push = |count, is_durable| Command::Push { count, priority: 0, ttl_ms: None, is_durable };
    let filtered = |window, tag| Command::Filtered { window, priority: 0, tag };
    let add = || Command::Add { window: None, needs_settle: true, priority: 0, is_preferred: false };
    // What came back without its body stood before the head, which was full.
    let pushes = [push(8, false), push(102, true), push(73, false), filtered(None, 1), filtered(None, 0)];
    let limits = [Command::SetLimit(0), add(), Command::SetLimit(12), filtered(None, 2), add()];
    let commands = [&pushes[..], &limits[..], &[Command::Remove(15), Command::Remove(84)]].concat();
    check(QueueSettings { max_priority: Some(2), ..QueueSettings::default() }, &commands);
    // What one filter had found in a chunk was passed over by the next one.
    let pushes = [Command::Budget(1, None), push(60, false), filtered(Some(21), 0), push(64, false)];
    check(QueueSettings::default(), &[&pushes[..], &[filtered(None, 0)]].concat());
}
