//! SessionInfo, ProducerInfo, ConsumerInfo and ConsumerControl.

use std::sync::Arc;

use ternmq_broker::{
    AddressQueue, Broker, ConsumeSpec, ConsumerId, Place, PlaceWishes, Receipt, Source, SourceQueue, Verb,
};
use ternmq_message::Map;
use ternmq_selector::Selector;

use super::{
    MAX_PRODUCERS, MAX_SESSIONS, OpenWireSession, answer::Asked, browse::Browser,
    temporary::check_advisories, unsettled::UnsettledList,
};
use crate::{
    codec::{Field, Object, kept},
    error::{Fault, class},
    translate::{places, places_of},
};

/// One consumer. Its place in the list is its label in the core.
pub(super) struct Consumer {
    /// Session and number that the client gave it.
    pub(super) key: (i64, i64),
    pub(super) id: Arc<Object<'static>>,
    pub(super) destination: Arc<Object<'static>>,
    /// Both as they are kept.
    pub(super) raw_id: Box<[u8]>,
    pub(super) raw_destination: Box<[u8]>,
    /// The one in the core; none for a browser.
    pub(super) part: Option<ConsumerId>,
    /// Name of its queue. Of several each delivery tells it.
    pub(super) queue: Arc<str>,
    /// Most messages that come unasked.
    pub(super) prefetch: u32,
    /// Asked for one by one and not come yet.
    pub(super) pulls: u32,
    /// When asking is over, in monotonic ms.
    pub(super) pull_deadline_ms: Option<u64>,
    pub(super) unsettled: UnsettledList,
    /// Deliveries of it in transactions.
    pub(super) staged: u32,
    /// It looks at messages and takes none.
    pub(super) browser: Option<Browser>,
}

impl Consumer {
    /// Most unsettled deliveries at this moment.
    pub(super) fn window(&self) -> u32 {
        let count = |entries: usize| u32::try_from(entries).unwrap_or(u32::MAX);
        let here = if self.prefetch == 0 {
            count(self.unsettled.len()).saturating_add(self.pulls)
        } else {
            count(self.unsettled.delivered_count()).saturating_add(self.prefetch)
        };
        here.saturating_add(self.staged)
    }
}

/// Session and number of a consumer or producer.
pub(super) fn key_of(id: &Object<'_>) -> (i64, i64) {
    (id.number(Field::SessionId), id.number(Field::Value))
}

/// A field that a command can't do without.
pub(super) fn required<'a, 'b>(command: &'b Object<'a>, field: Field) -> Result<&'b Arc<Object<'a>>, Fault> {
    let missing = || Fault::new(class::JMS, format!("{:?} has no {field:?}", command.kind()));
    command.object(field).ok_or_else(missing)
}

fn limit(what: &str, max: usize) -> Fault {
    Fault::new(class::RESOURCE, format!("The limit of {what} of a connection ({max}) is reached."))
}

/// What a ConsumerInfo wants, read.
struct Wanted<'a> {
    prefetch: u32,
    priority: i32,
    is_exclusive: bool,
    places: &'a [Place<'static>],
    selector: Option<&'a Selector>,
}

/// The selector of a consumer, if it has one.
pub(super) fn selector_of(command: &Object<'_>) -> Result<Option<Selector>, Fault> {
    let text = command.text(Field::Selector).filter(|text| !text.trim().is_empty());
    let bad = |error| Fault::new(class::INVALID_SELECTOR, format!("Invalid selector: {error}"));
    text.map(Selector::parse).transpose().map_err(bad)
}

impl Wanted<'_> {
    fn consume<'a>(&self, queue: &'a str, slot: usize) -> ConsumeSpec<'a> {
        ConsumeSpec {
            queue,
            label: u32::try_from(slot).unwrap_or(u32::MAX),
            window: Some(self.prefetch),
            needs_settle: true,
            is_exclusive: false,
            priority: self.priority,
            is_preferred: self.is_exclusive,
        }
    }
}

/// Most messages that come unasked: as many as the client asks for, or as its destination has it.
fn window(broker: &Broker, command: &Object<'_>, all: &[Place<'_>]) -> Result<u32, Fault> {
    let asked = u32::try_from(command.number(Field::PrefetchSize)).unwrap_or_default();
    let Some(first) = all.first() else { return Ok(asked) };
    let is_durable = command.text(Field::SubscriptionName).is_some_and(|name| !name.is_empty());
    Ok(places(&**broker.dialect())?.window_of(first, is_durable, asked))
}

fn is_for_one(broker: &Broker, all: &[Place<'_>]) -> Result<bool, Fault> {
    let known = places(&**broker.dialect())?;
    Ok(!all.is_empty() && all.iter().all(|place| known.is_for_one(place)))
}

/// What can't be had is refused, so that nobody takes all messages for some of them.
fn check(command: &Object<'_>) -> Result<(), Fault> {
    if command.is(Field::NetworkSubscription) || command.object(Field::AdditionalPredicate).is_some() {
        return Err(Fault::absent("subscriptions of other brokers"));
    }
    Ok(())
}

impl OpenWireSession {
    pub(super) fn on_session(
        &mut self,
        broker: &Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::SessionId)?;
        if self.sessions.len() >= MAX_SESSIONS {
            return Err(limit("sessions", MAX_SESSIONS));
        }
        self.sessions.insert(id.number(Field::Value));
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }

    /// What the client calls one of its consumers or producers.
    pub(super) fn own_id(&self, (session, number): (i64, i64)) -> String {
        let connection = self.id.as_deref().and_then(|id| id.text(Field::Value)).unwrap_or_default();
        format!("{connection}:{session}:{number}")
    }

    pub(super) fn on_producer(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ProducerId)?;
        if self.producers.len() >= MAX_PRODUCERS {
            return Err(limit("producers", MAX_PRODUCERS));
        }
        let (key, window) = (key_of(id), command.number(Field::WindowSize));
        self.producers.insert(key, window > 0);
        self.tell_producer(broker, key, command.object(Field::Destination), window);
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }

    /// Where a producer with a destination sends to. One that can't be sent to is refused with its first message.
    fn tell_producer(
        &self,
        broker: &mut Broker,
        key: (i64, i64),
        destination: Option<&Arc<Object<'_>>>,
        window: i64,
    ) {
        let (Some(connection), Some(destination)) = (self.connection, destination) else { return };
        let dialect = broker.dialect().clone();
        let (Ok(known), Ok(all)) = (places(&*dialect), places_of(destination)) else { return };
        let targets: Vec<_> = all
            .iter()
            .filter_map(|place| known.target_of(place).ok().map(|target| (target.node, target.key)))
            .collect();
        let window = u32::try_from(window).unwrap_or_default();
        broker.open_producer(connection, &self.own_id(key), &targets, window);
    }

    /// Forgets the producers that are meant.
    pub(super) fn remove_producers(&mut self, broker: &mut Broker, is_meant: impl Fn((i64, i64)) -> bool) {
        let gone: Vec<_> = self.producers.keys().copied().filter(|key| is_meant(*key)).collect();
        for key in gone {
            self.producers.remove(&key);
            if let Some(connection) = self.connection {
                broker.close_producer(connection, &self.own_id(key));
            }
        }
    }

    pub(super) fn on_consumer(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ConsumerId)?;
        let destination = required(command, Field::Destination)?;
        check(command)?;
        let key = key_of(id);
        if self.consumers.iter().flatten().any(|known| known.key == key) {
            // A client that restores its state after a change of brokers may say it twice.
            self.promise(broker, asked, Receipt::NONE, out);
            return Ok(());
        }
        if command.is(Field::Browser) {
            return self.on_browser(broker, command, asked, out);
        }
        let all = places_of(destination)?;
        check_advisories(broker, &all)?;
        let selector = selector_of(command)?;
        let prefetch = window(broker, command, &all)?;
        let sources = self.sources(broker, command, &all, selector.as_ref(), prefetch)?;
        let priority =
            i32::from(u8::try_from(command.number(Field::Priority)).unwrap_or_default().cast_signed());
        let wanted = Wanted {
            prefetch,
            priority,
            is_exclusive: command.is(Field::Exclusive) || is_for_one(broker, &all)?,
            places: &all,
            selector: selector.as_ref(),
        };
        let slot = self.free_slot();
        let (part, queue, receipt) = self.open_all(broker, &sources, slot, &wanted)?;
        self.add_consumer(Consumer {
            key,
            id: Arc::new(Object::clone(id).into_owned()),
            destination: Arc::new(Object::clone(destination).into_owned()),
            raw_id: kept(id),
            raw_destination: kept(destination),
            part: Some(part),
            queue,
            prefetch,
            pulls: 0,
            pull_deadline_ms: None,
            unsettled: UnsettledList::default(),
            staged: 0,
            browser: None,
        });
        self.promise(broker, asked, receipt, out);
        let own_id = self.own_id(key);
        broker.describe_consumer(part, &own_id, command.text(Field::Selector));
        broker.start_consumer(part);
        self.tell_temporaries_to(broker, &all, part);
        Ok(())
    }

    /// Place of the next consumer.
    fn free_slot(&self) -> usize {
        self.consumers.iter().position(Option::is_none).unwrap_or(self.consumers.len())
    }

    /// Takes a consumer into the list, at the next place.
    pub(super) fn add_consumer(&mut self, consumer: Consumer) -> usize {
        let slot = self.free_slot();
        match self.consumers.get_mut(slot) {
            Some(place) => *place = Some(Box::new(consumer)),
            None => self.consumers.push(Some(Box::new(consumer))),
        }
        slot
    }

    /// Refuses one more than there may be, of those that the core does not count.
    pub(super) fn check_consumer_count(&self, broker: &Broker) -> Result<(), Fault> {
        let max = broker.limits().max_consumers_per_session as usize;
        if self.consumers.iter().flatten().count() >= max { Err(limit("consumers", max)) } else { Ok(()) }
    }

    fn sources(
        &self,
        broker: &mut Broker,
        command: &Object<'_>,
        all: &[Place<'static>],
        selector: Option<&Selector>,
        window: u32,
    ) -> Result<Vec<Source>, Fault> {
        for place in all.iter().filter(|place| place.is_temporary()) {
            self.check_own(broker, place)?;
        }
        let name = command.text(Field::SubscriptionName).filter(|name| !name.is_empty());
        let durable = match (name, self.client.as_deref()) {
            (Some(name), Some(client)) => Some((client, name)),
            (Some(_), None) => {
                let text = "a durable subscription needs a client id of the connection";
                return Err(Fault::new(class::INVALID_CLIENT, text));
            }
            (None, _) => None,
        };
        let limit = u32::try_from(command.number(Field::MaximumPendingMessageLimit)).ok();
        let wishes = PlaceWishes {
            durable,
            skips_own: command.is(Field::NoLocal),
            wants_retained: command.is(Field::Retroactive),
            window,
            pending_limit: limit.filter(|limit| *limit > 0),
            selector: selector.map(Selector::text),
            random: broker.random(),
        };
        let dialect = broker.dialect().clone();
        Ok(places(&*dialect)?.sources_of(all, &wishes)?)
    }

    /// Opens what a consumer receives from.
    fn open_all(
        &self,
        broker: &mut Broker,
        sources: &[Source],
        slot: usize,
        wanted: &Wanted<'_>,
    ) -> Result<(ConsumerId, Arc<str>, Receipt), Fault> {
        if let [source] = sources
            && !source.is_wide()
        {
            return self.open(broker, source, slot, wanted);
        }
        let session = self.session.ok_or_else(Fault::gone)?;
        let filter = wanted.selector.map(|selector| broker.filters().of(selector.clone()));
        let done = broker.consume_several(session, sources, &wanted.consume("", slot), filter);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        let name = wanted.places.first().map_or("", |place| place.name());
        Ok((done.value, name.into(), done.receipt))
    }

    fn open(
        &self,
        broker: &mut Broker,
        source: &Source,
        slot: usize,
        wanted: &Wanted<'_>,
    ) -> Result<(ConsumerId, Arc<str>, Receipt), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let fault = |error| Fault::of(&error, &*dialect);
        let (queue, made) = match &source.queue {
            SourceQueue::Subscription(spec) => {
                let done = broker
                    .open_subscription(session, spec, &wanted.consume(&spec.queue, slot))
                    .map_err(fault)?;
                return Ok((done.value, spec.queue.clone(), done.receipt));
            }
            SourceQueue::Matching(_) | SourceQueue::Several(_) => return Err(Fault::gone()),
            SourceQueue::Shared(AddressQueue::Existing(name) | AddressQueue::Own(name)) => {
                (name.clone(), Receipt::NONE)
            }
            SourceQueue::Shared(AddressQueue::Declared(spec)) => {
                let done = broker.declare_queue(session, spec.clone()).map_err(fault)?;
                (done.value.name, done.receipt)
            }
            SourceQueue::Shared(AddressQueue::OnUse(spec)) => {
                let done = broker.ensure_queue(session, spec.clone(), Verb::Read).map_err(fault)?;
                (done.value.name, done.receipt)
            }
        };
        let bound = match &source.binding {
            Some((node, key)) => {
                broker.bind_queue(session, &queue, node, key, Map::new()).map_err(fault)?.receipt
            }
            None => Receipt::NONE,
        };
        let filter = wanted.selector.map(|selector| broker.filters().of(selector.clone()));
        let spec = wanted.consume(&queue, slot);
        let consumer = broker.consume_filtered(session, &spec, filter).map_err(fault)?;
        Ok((consumer, queue, made.and(bound)))
    }

    /// The place of a consumer in the list.
    pub(super) fn slot_of(&self, id: &Object<'_>) -> Option<usize> {
        let key = key_of(id);
        self.consumers.iter().position(|place| place.as_deref().is_some_and(|known| known.key == key))
    }

    pub(super) fn consumer_at(&mut self, slot: usize) -> Option<&mut Consumer> {
        self.consumers.get_mut(slot).and_then(Option::as_deref_mut)
    }

    /// Lets so many messages come as a consumer may have now.
    pub(super) fn renew_window(&self, broker: &mut Broker, slot: usize) {
        if let Some(Some(consumer)) = self.consumers.get(slot)
            && let Some(part) = consumer.part
        {
            broker.set_consumer_window(part, Some(consumer.window()));
        }
    }

    /// A client changes the prefetch of a consumer, or says that it has closed it.
    pub(super) fn on_consumer_control(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ConsumerId)?;
        if command.is(Field::Flush) || command.is(Field::Start) || command.is(Field::Stop) {
            return Err(Fault::absent("flush, start and stop of a consumer"));
        }
        if let Some(slot) = self.slot_of(id) {
            if command.is(Field::Close) {
                self.remove_consumer(broker, slot, out);
            } else if let Some(consumer) = self.consumer_at(slot) {
                consumer.prefetch = u32::try_from(command.number(Field::Prefetch)).unwrap_or_default();
                self.renew_window(broker, slot);
            }
        }
        self.promise(broker, asked, Receipt::NONE, out);
        Ok(())
    }
}
