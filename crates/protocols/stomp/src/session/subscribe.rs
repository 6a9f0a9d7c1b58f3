//! SUBSCRIBE and UNSUBSCRIBE.

use std::{collections::VecDeque, sync::Arc};

use ternmq_broker::{
    AddressQueue, AddressRequest, Broker, ConsumeSpec, ConsumerId, Error, LimitKind, Receipt, Source,
    SourceQueue, Sources, SubscriptionSpec, Verb,
};
use ternmq_message::Map;

use super::{StompSession, close::gone, connect::addresses, send::missing_destination};
use crate::{
    codec::{Headers, Version, push_escaped},
    error::Fault,
    format::name,
    translate::FrameOptions,
};

/// Start of the ids of the broker's own subscriptions to temporary queues.
const TEMPORARY_PREFIX: &str = "/temp-queue/";

/// How the messages of a subscription are acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AckMode {
    /// Sending is enough.
    Auto,
    /// An acknowledgement covers all of the subscription before it.
    Client,
    /// Each by itself.
    Individual,
}

/// One subscription. Its place in the list is its label in the core.
pub(super) struct Subscription {
    /// What acknowledgements name it by.
    pub(super) tag: Arc<str>,
    pub(super) consumer: ConsumerId,
    pub(super) mode: AckMode,
    pub(super) queue: Arc<str>,
    /// The queue stands for the subscription.
    is_subscription: bool,
    /// Numbers of deliveries that an acknowledgement may cover, in order; only with [`AckMode::Client`].
    pub(super) unsettled: VecDeque<u64>,
    /// First lines of each MESSAGE: command and `subscription`.
    pub(super) start: Box<[u8]>,
    /// What stands before the number in ids of messages, escaped.
    pub(super) id_prefix: Box<[u8]>,
    pub(super) last_address: Option<LastAddress>,
}

/// Node and key of the last message, with the `destination` line that they make.
pub(super) struct LastAddress {
    /// As at the front of a message.
    pub(super) names: Box<[u8]>,
    pub(super) node_len: u8,
    pub(super) line: Box<[u8]>,
}

/// A subscription that is about to be.
pub(super) struct NewSubscription<'a> {
    pub(super) slot: usize,
    pub(super) tag: Arc<str>,
    pub(super) id: Option<&'a str>,
    pub(super) consumer: ConsumerId,
    pub(super) mode: AckMode,
    pub(super) queue: Arc<str>,
    pub(super) is_subscription: bool,
}

/// Tag of a subscription with an id.
pub(super) fn tag_of_id(id: &str) -> Arc<str> {
    format!("T_{id}").into()
}

/// What a frame names a subscription by, for people.
fn described(id: Option<&str>, destination: &str) -> String {
    match id {
        Some(id) => format!("\"id='{id}'\""),
        None => format!("\"destination='{destination}'\""),
    }
}

fn ack_mode(value: Option<&str>) -> Result<AckMode, Fault> {
    match value {
        None | Some("auto") => Ok(AckMode::Auto),
        Some("client") => Ok(AckMode::Client),
        Some("client-individual") => Ok(AckMode::Individual),
        Some(_) => {
            let text = "'ack' has to be auto, client or client-individual\n".to_owned();
            Err(Fault::new("Invalid header", text))
        }
    }
}

/// The client's choices that a frame of either kind has.
struct Named<'a> {
    id: Option<std::borrow::Cow<'a, str>>,
    destination: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Named<'a> {
    fn read(headers: Headers<'a>, command: &str) -> Result<Self, Fault> {
        let id = headers.get(name::ID);
        if id.as_deref().is_some_and(|id| id.starts_with(TEMPORARY_PREFIX)) {
            let text = format!("{command} 'id' may not start with {TEMPORARY_PREFIX}\n");
            return Err(Fault::new("Invalid id", text));
        }
        Ok(Self { id, destination: headers.get(name::DESTINATION) })
    }

    /// A durable subscription can be told from others by its id only.
    fn check_durable(&self, is_durable: bool) -> Result<(), Fault> {
        if is_durable && self.id.is_none() {
            let text = "Header 'id' is required for durable subscriptions".to_owned();
            return Err(Fault::new("Missing Header", text));
        }
        Ok(())
    }

    fn tag(&self) -> Arc<str> {
        match &self.id {
            Some(id) => tag_of_id(id),
            None => format!("Q_{}", self.destination.as_deref().unwrap_or_default()).into(),
        }
    }
}

impl StompSession {
    pub(super) fn subscription_by_tag(&mut self, tag: &str) -> Option<&mut Subscription> {
        self.subscriptions.iter_mut().filter_map(Option::as_deref_mut).find(|known| &*known.tag == tag)
    }

    /// Place of the next subscription.
    pub(super) fn free_slot(&self) -> usize {
        self.subscriptions.iter().position(Option::is_none).unwrap_or(self.subscriptions.len())
    }

    /// Refused before a queue is made for it.
    pub(super) fn check_subscriptions(&self, broker: &Broker) -> Result<(), Fault> {
        let max = broker.limits().max_consumers_per_session;
        if self.subscriptions.iter().flatten().count() < max as usize {
            return Ok(());
        }
        let error =
            Error::Limit { limit: LimitKind::SessionConsumers, owner: Arc::default(), max: max.into() };
        Err(Fault::of(&error, &**broker.dialect()))
    }

    pub(super) fn add_subscription(&mut self, new: NewSubscription<'_>) {
        let escapes = self.version.escapes();
        let mut start = b"MESSAGE\n".to_vec();
        if let Some(id) = new.id {
            start.extend_from_slice(b"subscription:");
            push_escaped(&mut start, id, escapes);
            start.push(b'\n');
        }
        let mut id_prefix = Vec::new();
        push_escaped(&mut id_prefix, &format!("{}@@{}@@", new.tag, self.id), escapes);
        let subscription = Some(Box::new(Subscription {
            tag: new.tag,
            consumer: new.consumer,
            mode: new.mode,
            queue: new.queue,
            is_subscription: new.is_subscription,
            unsettled: VecDeque::new(),
            start: start.into(),
            id_prefix: id_prefix.into(),
            last_address: None,
        }));
        match self.subscriptions.get_mut(new.slot) {
            Some(place) => *place = subscription,
            None => self.subscriptions.push(subscription),
        }
    }

    pub(super) fn on_subscribe(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let dialect = broker.dialect().clone();
        let known = addresses(&*dialect)?;
        let options = FrameOptions(headers);
        let named = Named::read(headers, "SUBSCRIBE")?;
        named.check_durable(known.is_durable_subscription(&options))?;
        if named.id.is_none() && known.needs_subscription_name() && self.version != Version::V10 {
            let text = "\"SUBSCRIBE\" must include an 'id' header\n".to_owned();
            return Err(Fault::new("Missing id", text));
        }
        let Some(destination) = &named.destination else {
            return Err(missing_destination("SUBSCRIBE"));
        };
        let mode = ack_mode(headers.get(name::ACK).as_deref())?;
        let tag = named.tag();
        if self.subscription_by_tag(&tag).is_some() {
            let text = format!("A subscription identified by '{tag}' already exists.");
            return Err(Fault::new("Duplicated subscription identifier", text));
        }
        let (client, owner) = (self.client.clone(), self.id.clone());
        let request = AddressRequest {
            text: destination,
            options: &options,
            subscription: named.id.as_deref(),
            client: client.as_deref(),
            owner: &owner,
            random: broker.random(),
        };
        let sources = known.sources(request, "SUBSCRIBE")?;
        self.check_subscriptions(broker)?;
        let slot = self.free_slot();
        let wishes = Wishes { slot, mode, sources: &sources };
        let (opened, is_subscription) = match &sources.all[..] {
            [source] if !source.is_wide() => (self.open(broker, source, &wishes)?, source.is_subscription),
            _ => (self.open_several(broker, &wishes)?, false),
        };
        let (consumer, receipt) = (opened.consumer, opened.receipt);
        self.add_subscription(NewSubscription {
            slot,
            tag,
            id: named.id.as_deref(),
            consumer,
            mode,
            queue: opened.queue,
            is_subscription,
        });
        if sources.all.iter().any(Source::is_declared) {
            // A SEND that follows takes the queue as it is, whatever its own headers say.
            self.targets.note_declared(destination, known.targets(request, "SUBSCRIBE")?);
        }
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), receipt, out);
        broker.start_consumer(consumer);
        Ok(())
    }

    /// Opens one source.
    fn open(&self, broker: &mut Broker, source: &Source, wishes: &Wishes<'_>) -> Result<Opened, Fault> {
        let queue = match &source.queue {
            SourceQueue::Shared(queue) => queue,
            SourceQueue::Subscription(spec) => return self.open_subscription(broker, spec, wishes),
            SourceQueue::Matching(_) | SourceQueue::Several(_) => return self.open_several(broker, wishes),
        };
        let (queue, receipt, is_new) = self.open_queue(broker, queue)?;
        let opened = match &source.binding {
            Some((node, key)) => self.bind(broker, &queue, node, key),
            None => Ok(Receipt::NONE),
        }
        .and_then(|bound| self.consume(broker, &queue, wishes).map(|consumer| (bound, consumer)));
        match opened {
            Ok((bound, consumer)) => Ok(Opened { queue, consumer, receipt: receipt.and(bound) }),
            Err(fault) => {
                // A queue that was made for this subscription alone must not stay behind.
                if is_new && source.is_subscription {
                    // What went wrong first is what the client is told.
                    let _deleted = self.delete_queue(broker, &queue);
                }
                Err(fault)
            }
        }
    }

    /// Opens all sources for one consumer.
    fn open_several(&self, broker: &mut Broker, wishes: &Wishes<'_>) -> Result<Opened, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let filter = wishes.sources.selector.clone().map(|selector| broker.filters().of(selector));
        let done = broker.consume_several(session, &wishes.sources.all, &wishes.consume(""), filter);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        Ok(Opened { queue: Arc::default(), consumer: done.value, receipt: done.receipt })
    }

    fn open_subscription(
        &self,
        broker: &mut Broker,
        spec: &SubscriptionSpec,
        wishes: &Wishes<'_>,
    ) -> Result<Opened, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let consume = wishes.consume(&spec.queue);
        let done = broker.open_subscription(session, spec, &consume);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        Ok(Opened { queue: spec.queue.clone(), consumer: done.value, receipt: done.receipt })
    }

    /// The queue of a source, made when it has to be, declared when it is new to this connection; whether it was not there
    /// before.
    fn open_queue(
        &self,
        broker: &mut Broker,
        queue: &AddressQueue,
    ) -> Result<(Arc<str>, Receipt, bool), Fault> {
        let session = self.session.ok_or_else(gone)?;
        let (is_new, done) = match queue {
            AddressQueue::Existing(name) => return Ok((name.clone(), Receipt::NONE, false)),
            AddressQueue::Own(name) => {
                let made = broker.ensure_private_queue(session, name);
                made.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
                return Ok((name.clone(), Receipt::NONE, false));
            }
            AddressQueue::Declared(spec) => {
                let is_new = !broker.has_queue(session, &spec.name);
                if !is_new && self.targets.has_queue(&spec.name) {
                    return Ok((spec.name.clone(), Receipt::NONE, false));
                }
                (is_new, broker.declare_queue(session, spec.clone()))
            }
            AddressQueue::OnUse(spec) => (false, broker.ensure_queue(session, spec.clone(), Verb::Read)),
        };
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        Ok((done.value.name, done.receipt, is_new))
    }

    fn bind(&self, broker: &mut Broker, queue: &str, node: &str, key: &str) -> Result<Receipt, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let done = broker.bind_queue(session, queue, node, key, Map::new());
        done.map(|done| done.receipt).map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    fn consume(&self, broker: &mut Broker, queue: &str, wishes: &Wishes<'_>) -> Result<ConsumerId, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let filter = wishes.sources.selector.clone().map(|selector| broker.filters().of(selector));
        broker
            .consume_filtered(session, &wishes.consume(queue), filter)
            .map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    fn delete_queue(&self, broker: &mut Broker, queue: &str) -> Result<Receipt, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let done = broker.delete_queue(session, queue, false, false);
        done.map(|done| done.receipt).map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    pub(super) fn on_unsubscribe(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let dialect = broker.dialect().clone();
        let known = addresses(&*dialect)?;
        let named = Named::read(headers, "UNSUBSCRIBE")?;
        let options = FrameOptions(headers);
        let receipt = headers.get(name::RECEIPT);
        if let Some(queue) = known.given_up(&options, self.client.as_deref())? {
            let session = self.session.ok_or_else(gone)?;
            let given_up = broker.give_up_subscription(session, &queue);
            let given_up = given_up.map_err(|error| Fault::of(&error, &*dialect))?;
            self.promise(broker, receipt.as_deref(), given_up, out);
            return Ok(());
        }
        let is_durable = known.is_durable_subscription(&options);
        named.check_durable(is_durable)?;
        if named.id.is_none() && named.destination.is_none() {
            let text = "UNSUBSCRIBE must include a 'destination' or 'id' header".to_owned();
            return Err(Fault::new("Missing destination or id", text));
        }
        // What is on its way goes out first: no delivery follows the receipt.
        self.flush_effects(broker, out);
        let Some(ended) = self.take_subscription(&named.tag()) else {
            let what = described(named.id.as_deref(), named.destination.as_deref().unwrap_or_default());
            let text = format!(
                "UNSUBSCRIBE must refer to an existing subscription.\nSubscription to {what} not found.\n"
            );
            return Err(Fault::new("No subscription found", text));
        };
        broker.cancel(ended.consumer);
        let mut deleted = Receipt::NONE;
        if is_durable && ended.is_subscription {
            deleted = self.delete_queue(broker, &ended.queue)?;
        }
        self.promise(broker, receipt.as_deref(), deleted, out);
        Ok(())
    }

    /// Takes a subscription out of the list.
    fn take_subscription(&mut self, tag: &str) -> Option<Box<Subscription>> {
        let is_it =
            |place: &&mut Option<Box<Subscription>>| place.as_deref().is_some_and(|known| &*known.tag == tag);
        self.subscriptions.iter_mut().find(is_it).and_then(Option::take)
    }
}

/// A source that is open.
struct Opened {
    queue: Arc<str>,
    consumer: ConsumerId,
    receipt: Receipt,
}

/// How sources are to be consumed from.
struct Wishes<'a> {
    slot: usize,
    mode: AckMode,
    sources: &'a Sources,
}

impl Wishes<'_> {
    fn consume<'a>(&self, queue: &'a str) -> ConsumeSpec<'a> {
        ConsumeSpec {
            queue,
            label: u32::try_from(self.slot).unwrap_or(u32::MAX),
            window: self.sources.window,
            needs_settle: self.mode != AckMode::Auto,
            is_exclusive: false,
            priority: self.sources.priority,
            is_preferred: self.sources.is_preferred,
        }
    }
}
