//! SUBSCRIBE and UNSUBSCRIBE.

use std::{collections::VecDeque, sync::Arc};

use ternmq_broker::{
    AddressRequest, Broker, ConsumeSpec, ConsumerId, Error, LimitKind, Receipt, SourceQueue,
};
use ternmq_message::{Map, Value};

use super::{StompSession, close::gone, connect::addresses, send::missing_destination};
use crate::{
    codec::{Headers, push_escaped},
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

fn whole_number(headers: Headers<'_>, name: &str) -> Result<Option<i64>, Fault> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    let text = || Fault::new("Invalid header", format!("'{name}' has to be a whole number\n"));
    value.trim().parse().map(Some).map_err(|_| text())
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
        let Some(destination) = &named.destination else {
            return Err(missing_destination("SUBSCRIBE"));
        };
        let mode = ack_mode(headers.get(name::ACK).as_deref())?;
        let window = whole_number(headers, "prefetch-count")?;
        let window = window.and_then(|count| u32::try_from(count).ok()).filter(|count| *count > 0);
        let priority = whole_number(headers, "x-priority")?;
        let tag = named.tag();
        if self.subscription_by_tag(&tag).is_some() {
            let text = format!("A subscription identified by '{tag}' already exists.");
            return Err(Fault::new("Duplicated subscription identifier", text));
        }
        self.check_subscriptions(broker)?;
        let request = AddressRequest {
            text: destination,
            options: &options,
            subscription: named.id.as_deref(),
            random: broker.random(),
        };
        let source = known.source(request, "SUBSCRIBE")?;
        let is_subscription = source.is_subscription;
        let is_declared = matches!(source.queue, SourceQueue::Declared(_)) && !is_subscription;
        let (queue, receipt, is_new) = self.open_queue(broker, source.queue)?;
        let slot = self.free_slot();
        let consume = Consume { slot, queue: &queue, mode, window, priority };
        let opened = match source.binding {
            Some((node, key)) => self.bind(broker, &queue, &node, &key),
            None => Ok(Receipt::NONE),
        }
        .and_then(|bound| self.consume(broker, &consume).map(|consumer| (bound, consumer)));
        let (bound, consumer) = match opened {
            Ok(opened) => opened,
            Err(fault) => {
                // A queue that was made for this subscription alone must not stay behind.
                if is_new && is_subscription {
                    // What went wrong first is what the client is told.
                    let _deleted = self.delete_queue(broker, &queue);
                }
                return Err(fault);
            }
        };
        if is_declared {
            // A SEND that follows takes the queue as it is, whatever its own headers say.
            self.targets.note_declared(destination, known.target(request, "SUBSCRIBE")?);
        }
        let id = named.id.as_deref();
        self.add_subscription(NewSubscription { slot, tag, id, consumer, mode, queue, is_subscription });
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), receipt.and(bound), out);
        broker.start_consumer(consumer);
        Ok(())
    }

    /// The queue of a source, declared when it is new to this connection; whether it was not there before.
    fn open_queue(
        &mut self,
        broker: &mut Broker,
        queue: SourceQueue,
    ) -> Result<(Arc<str>, Receipt, bool), Fault> {
        let session = self.session.ok_or_else(gone)?;
        match queue {
            SourceQueue::Existing(name) => Ok((name, Receipt::NONE, false)),
            SourceQueue::Declared(spec) => {
                let is_new = !broker.has_queue(session, &spec.name);
                if !is_new && self.targets.has_queue(&spec.name) {
                    return Ok((spec.name, Receipt::NONE, false));
                }
                let dialect = broker.dialect().clone();
                let done =
                    broker.declare_queue(session, spec).map_err(|error| Fault::of(&error, &*dialect))?;
                Ok((done.value.name, done.receipt, is_new))
            }
        }
    }

    fn bind(&self, broker: &mut Broker, queue: &str, node: &str, key: &str) -> Result<Receipt, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let done = broker.bind_queue(session, queue, node, key, Map::new());
        done.map(|done| done.receipt).map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    fn consume(&self, broker: &mut Broker, consume: &Consume<'_>) -> Result<ConsumerId, Fault> {
        let session = self.session.ok_or_else(gone)?;
        let dialect = broker.dialect().clone();
        let fault = |error| Fault::of(&error, &*dialect);
        let arguments: Map = consume
            .priority
            .map(|priority| ("x-priority".into(), Value::I64(priority)))
            .into_iter()
            .collect();
        let priority = broker.consumer_priority(session, consume.queue, &arguments).map_err(fault)?;
        let spec = ConsumeSpec {
            queue: consume.queue,
            label: u32::try_from(consume.slot).unwrap_or(u32::MAX),
            window: consume.window,
            needs_settle: consume.mode != AckMode::Auto,
            is_exclusive: false,
            priority,
        };
        broker.consume(session, &spec).map_err(fault)
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
        let is_durable = known.is_durable_subscription(&FrameOptions(headers));
        named.check_durable(is_durable)?;
        if named.id.is_none() && named.destination.is_none() {
            let text = "UNSUBSCRIBE must include a 'destination' or 'id' header".to_owned();
            return Err(Fault::new("Missing destination or id", text));
        }
        // What is on its way goes out first: no delivery follows the receipt.
        self.flush_effects(broker, out);
        let tag = named.tag();
        let place = self
            .subscriptions
            .iter_mut()
            .find(|place| place.as_deref().is_some_and(|known| known.tag == tag))
            .and_then(Option::take);
        let Some(subscription) = place else {
            let what = described(named.id.as_deref(), named.destination.as_deref().unwrap_or_default());
            let text = format!(
                "UNSUBSCRIBE must refer to an existing subscription.\nSubscription to {what} not found.\n"
            );
            return Err(Fault::new("No subscription found", text));
        };
        broker.cancel(subscription.consumer);
        let receipt = if is_durable && subscription.is_subscription {
            self.delete_queue(broker, &subscription.queue)?
        } else {
            Receipt::NONE
        };
        self.promise(broker, headers.get(name::RECEIPT).as_deref(), receipt, out);
        Ok(())
    }
}

/// How a queue is to be consumed from.
struct Consume<'a> {
    slot: usize,
    queue: &'a str,
    mode: AckMode,
    window: Option<u32>,
    priority: Option<i64>,
}
