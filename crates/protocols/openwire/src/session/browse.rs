//! Queue browsers: consumers that look at the messages of a queue and take none. They come page by page, as the client says
//! that it has read them, and then the sign that there are no more.

use std::{collections::VecDeque, sync::Arc};

use ternmq_broker::{
    AddressQueue, Broker, Browse, BrowsePage, BrowseSpec, BrowsedMessage, Deliver, DeliveryId, Durable,
    Place, PlaceWishes, Receipt, Request, SourceQueue, Verb,
};
use ternmq_selector::Selector;

use super::{
    OpenWireSession,
    answer::Asked,
    consume::{Consumer, key_of, required, selector_of},
    unsettled::UnsettledList,
};
use crate::{
    codec::{Field, Kind, Object, Value, kept},
    error::{Fault, class},
    translate::{Known, message_of, places, places_of},
};

/// Most messages of a page, and bytes of bodies after which no further one is in it.
const PAGE_MESSAGES: u32 = 128;
const PAGE_BYTES: u64 = 256 << 10;
/// Messages that a browser may have at once when it does not say how many.
const USUAL_PREFETCH: u32 = 500;

/// How far a browser has come.
pub(super) struct Browser {
    /// What to look at next.
    spec: BrowseSpec,
    /// Only what it lets pass is shown.
    selector: Option<Selector>,
    /// Messages that the client has not said to have read.
    outstanding: u32,
    /// A page is on its way.
    is_reading: bool,
    /// The client has been told that there are no more.
    is_done: bool,
}

/// A page that is to be read.
pub(super) struct Look {
    slot: usize,
    key: (i64, i64),
    receipt: Receipt,
    /// The log is durable up to the receipt.
    is_free: bool,
    browse: Box<Browse>,
}

/// Pages to be read, one after the other.
#[derive(Default)]
pub(super) struct Looks {
    waiting: VecDeque<Look>,
    /// Whose page is being read.
    under_way: Option<(usize, (i64, i64))>,
}

impl Looks {
    /// Some page waits for the log.
    pub(super) fn is_waiting(&self) -> bool {
        self.waiting.iter().any(|look| !look.is_free)
    }

    pub(super) fn note_durable(&mut self, durable: Durable) {
        self.waiting.iter_mut().for_each(|look| look.is_free |= durable.covers(look.receipt));
    }

    pub(super) fn poll(&mut self) -> Option<Request> {
        if self.under_way.is_some() {
            return None;
        }
        let look = self.waiting.pop_front_if(|look| look.is_free)?;
        self.under_way = Some((look.slot, look.key));
        Some(Request::Browse(look.browse))
    }
}

impl OpenWireSession {
    pub(super) fn on_browser(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ConsumerId)?;
        let destination = required(command, Field::Destination)?;
        let selector = selector_of(command)?;
        let queue = self.browsed_queue(broker, &places_of(destination)?)?;
        self.check_consumer_count(broker)?;
        let prefetch = u32::try_from(command.number(Field::PrefetchSize)).unwrap_or_default();
        let spec = BrowseSpec { after: None, max_count: PAGE_MESSAGES as usize, max_bytes: PAGE_BYTES };
        let slot = self.add_consumer(Consumer {
            key: key_of(id),
            id: Arc::new(Object::clone(id).into_owned()),
            destination: Arc::new(Object::clone(destination).into_owned()),
            raw_id: kept(id),
            raw_destination: kept(destination),
            part: None,
            queue,
            prefetch: if prefetch == 0 { USUAL_PREFETCH } else { prefetch },
            pulls: 0,
            pull_deadline_ms: None,
            unsettled: UnsettledList::default(),
            staged: 0,
            browser: Some(Browser { spec, selector, outstanding: 0, is_reading: false, is_done: false }),
        });
        self.promise(broker, asked, Receipt::NONE, out);
        self.look_on(broker, slot, out);
        Ok(())
    }

    /// The queue of a place, made when there is none.
    fn browsed_queue(&self, broker: &mut Broker, all: &[Place<'static>]) -> Result<Arc<str>, Fault> {
        let [place @ (Place::Queue(_) | Place::TemporaryQueue(_))] = all else {
            return Err(Fault::new(class::INVALID_DESTINATION, "A browser needs one queue"));
        };
        if place.is_temporary() {
            self.check_own(broker, place)?;
        }
        let session = self.session.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let sources = places(&*dialect)?.sources_of(all, &PlaceWishes::default())?;
        let spec = match sources.into_iter().next().map(|source| source.queue) {
            Some(SourceQueue::Shared(AddressQueue::Existing(name) | AddressQueue::Own(name))) => {
                return Ok(name);
            }
            Some(SourceQueue::Shared(AddressQueue::Declared(spec) | AddressQueue::OnUse(spec))) => spec,
            Some(SourceQueue::Subscription(_) | SourceQueue::Matching(_) | SourceQueue::Several(_))
            | None => {
                return Err(Fault::new(class::INVALID_DESTINATION, "A browser needs one queue"));
            }
        };
        let made = broker.ensure_queue(session, spec, Verb::Read);
        made.map(|made| made.value.name).map_err(|error| Fault::of(&error, &*dialect))
    }

    /// Asks for the next page of a browser, if the client has room for it.
    fn look_on(&mut self, broker: &mut Broker, slot: usize, out: &mut Vec<u8>) {
        let Some(session) = self.session else { return };
        let Some(consumer) = self.consumer_at(slot) else { return };
        let (key, queue, prefetch) = (consumer.key, consumer.queue.clone(), consumer.prefetch);
        let Some(browser) = consumer.browser.as_mut() else { return };
        let room = prefetch.saturating_sub(browser.outstanding).min(PAGE_MESSAGES);
        if browser.is_reading || browser.is_done || room == 0 {
            return;
        }
        browser.spec.max_count = room as usize;
        match broker.browse(session, &queue, browser.spec) {
            Ok(browse) => {
                browser.is_reading = true;
                let receipt = browse.receipt();
                let filter = browser.selector.clone().map(|selector| broker.filters().of(selector));
                let browse = Box::new(browse.filtered(filter));
                let is_free = broker.durable().covers(receipt);
                self.looks.waiting.push_back(Look { slot, key, receipt, is_free, browse });
            }
            // The queue has gone meanwhile, or may not be read any more: there is no more to see.
            Err(_) => self.end_browsing(slot, out),
        }
    }

    pub(super) fn on_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        let Some((slot, key)) = self.looks.under_way.take() else { return };
        // Another consumer may have the place by now.
        let Some(consumer) = self.consumer_at(slot).filter(|consumer| consumer.key == key) else { return };
        let Some(browser) = consumer.browser.as_mut() else { return };
        browser.is_reading = false;
        browser.spec.after = page.next;
        let count = u32::try_from(page.messages.len()).unwrap_or(u32::MAX);
        browser.outstanding = browser.outstanding.saturating_add(count);
        for message in page.messages {
            self.show(broker, slot, message, out);
        }
        if page.next.is_none() {
            self.end_browsing(slot, out);
        } else {
            self.look_on(broker, slot, out);
        }
    }

    fn show(&mut self, broker: &Broker, slot: usize, browsed: BrowsedMessage, out: &mut Vec<u8>) {
        let Some(consumer) = self.consumer_at(slot) else { return };
        let deliver = Deliver {
            session_label: 0,
            consumer_label: 0,
            delivery: DeliveryId(0),
            seq: browsed.place.seq.0,
            message: browsed.message,
            is_redelivered: browsed.is_redelivered,
            failed_count: Some(browsed.failed_count),
            failures: browsed.failed_count,
            expires_at_ms: None,
            is_group_first: false,
        };
        let mut message = message_of(&Known::of(broker), &deliver, &consumer.queue);
        message.set(Field::Destination, Value::Object(consumer.destination.clone()));
        let dispatch = Object::new(Kind::MessageDispatch)
            .with_object(Field::ConsumerId, consumer.id.clone())
            .with_object(Field::Destination, consumer.destination.clone())
            .with_object(Field::Message, Arc::new(message));
        self.send(&dispatch, out);
    }

    fn end_browsing(&mut self, slot: usize, out: &mut Vec<u8>) {
        let Some(consumer) = self.consumer_at(slot) else { return };
        if let Some(browser) = consumer.browser.as_mut() {
            browser.is_done = true;
        }
        let nothing = Object::new(Kind::MessageDispatch)
            .with_object(Field::ConsumerId, consumer.id.clone())
            .with_object(Field::Destination, consumer.destination.clone());
        self.send(&nothing, out);
    }

    /// A browser has read so many messages; there is nothing to settle.
    pub(super) fn note_read(&mut self, broker: &mut Broker, slot: usize, count: i64, out: &mut Vec<u8>) {
        if let Some(browser) = self.consumer_at(slot).and_then(|consumer| consumer.browser.as_mut()) {
            let count = u32::try_from(count).unwrap_or_default();
            browser.outstanding = browser.outstanding.saturating_sub(count);
        }
        self.look_on(broker, slot, out);
    }
}
