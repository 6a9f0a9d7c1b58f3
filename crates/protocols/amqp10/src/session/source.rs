//! The attach of a receiver: what its source is, and who gets what comes from there.

use std::sync::Arc;

use ternmq_broker::{
    Broker, ConsumeSpec, Error, Lapse, LinkAddresses, LinkRequest, Receipt, SessionId, Source as Place,
    SourceQueue, SubscriptionSpec, Verb,
};
use ternmq_message::Map as NeutralMap;
use ternmq_selector::Selector;

use super::{
    Amqp10Session,
    attach::{delete_own, lifetime, map_in, open_queue},
    close::addresses,
    expiry::{lapse_of, told_expiry},
    filter::{Filters, put_effective, read_filters},
    line::{Feed, Link, NOTHING_OUTLIVES, Outgoing, Way},
};
use crate::{
    codec::{
        Durability, Map, Source, Value,
        performative::{Attach, Performative, Role, SenderSettleMode},
        read,
        write::{ListWriter, put_descriptor, put_symbols},
    },
    error::{Fault, condition},
};

/// The distribution mode that leaves a queue its messages (AMQP 1.0 3.5.7).
const COPY: &str = "copy";

/// A source that is open.
struct Opened {
    feed: Feed,
    receipt: Receipt,
    own_queue: Option<Arc<str>>,
    /// The queue of a durable subscription.
    subscription: Option<Arc<str>>,
    /// When that ends of itself.
    lapse: Option<Lapse>,
    /// It gets nothing of its own connection.
    skips_own: bool,
}

/// The queue that a receiver is to have.
struct Found {
    queue: Arc<str>,
    receipt: Receipt,
    own_queue: Option<Arc<str>>,
}

impl Amqp10Session {
    pub(super) fn attach_receiver(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let Some(source) = &attach.source else { return self.attach_kept(broker, channel, attach, out) };
        if Self::is_definitions(broker, source.address) {
            self.attach_answers(channel, attach, out);
            return Ok(());
        }
        let filters = read_filters(source.filter.as_ref())?;
        let is_settled = attach.snd_settle_mode == SenderSettleMode::Settled;
        let opened = self.open_source(broker, channel, attach, source, &filters)?;
        let told = Told::of(addresses(&**broker.dialect())?, source, &opened);
        let answer = answer_to(attach, told.source(source, &opened));
        let durable = broker.durable();
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        line.wait_for(opened.receipt, durable);
        line.put(&Performative::Attach(Box::new(answer)), out);
        let outgoing = Outgoing {
            feed: opened.feed,
            is_settled,
            credit: 0,
            lent: 0,
            pending: 0,
            delivery_count: 0,
            is_draining: false,
            max_message_bytes: attach.max_message_size,
            own_queue: opened.own_queue,
            subscription: opened.subscription,
        };
        let way = Way::Out(Box::new(outgoing));
        line.links.insert(attach.handle, Link { name: attach.name.into(), role: attach.role, way });
        Ok(())
    }

    fn open_source(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        source: &Source<'_>,
        filters: &Filters,
    ) -> Result<Opened, Fault> {
        let found = if source.dynamic {
            let queue = self.make_queue(broker, channel, source.address, source.capabilities.as_ref())?;
            let address = addresses(&**broker.dialect())?.queue_address(&queue);
            let made = Source { address: Some(&address), durable: NOTHING_OUTLIVES, ..*source };
            let place = self.link_place(broker, attach, &made, filters)?;
            if let SourceQueue::Subscription(spec) = &place.queue {
                let opened = self.open_subscription(broker, channel, attach, spec)?;
                return Ok(Opened { own_queue: Some(queue), ..opened });
            }
            Found { queue: queue.clone(), receipt: Receipt::NONE, own_queue: Some(queue) }
        } else {
            let place = self.link_place(broker, attach, source, filters)?;
            if let SourceQueue::Subscription(spec) = &place.queue {
                self.check_own(broker, spec)?;
                let lapse = if spec.is_durable { lapse_of(source)? } else { None };
                let spec = SubscriptionSpec { lapse, ..spec.clone() };
                return self.open_subscription(broker, channel, attach, &spec);
            }
            if place.is_wide() {
                if source.distribution_mode == Some(COPY) && addresses(&**broker.dialect())?.copies_queues() {
                    return Err(Fault::link(
                        condition::NOT_IMPLEMENTED,
                        "copies of several queues' messages",
                    ));
                }
                return self.open_several(broker, channel, attach, &place, filters);
            }
            // What does not pass would stay in a queue that nobody else takes from.
            if place.is_subscription && filters.selector.is_some() {
                let text = "a selector of what a receiver's own queue is to get";
                return Err(Fault::link(condition::NOT_IMPLEMENTED, text));
            }
            self.open_place(broker, channel, &place)?
        };
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        if source.distribution_mode == Some(COPY) && addresses(&**broker.dialect())?.copies_queues() {
            let Found { queue, receipt, own_queue } = found;
            if let Err(error) = broker.check_browse(core, &queue) {
                if let Some(queue) = own_queue {
                    delete_own(broker, core, &queue);
                }
                return Err(Fault::of(&error, &**broker.dialect()));
            }
            let browser = self.looks.get_or_insert_default().begin(queue, filters.selector.clone());
            let feed = Feed::Browser(Box::new(browser));
            return Ok(Opened {
                feed,
                receipt,
                own_queue,
                subscription: None,
                lapse: None,
                skips_own: false,
            });
        }
        consume_from(broker, core, attach, found, filters)
    }

    /// What the address of a source stands for.
    fn link_place(
        &self,
        broker: &mut Broker,
        attach: &Attach<'_>,
        source: &Source<'_>,
        filters: &Filters,
    ) -> Result<Place, Fault> {
        let Some(address) = source.address else {
            return Err(Fault::link(condition::INVALID_FIELD, "the source has no address"));
        };
        let capabilities: Vec<&str> = source.capabilities.iter().flat_map(Value::texts).collect();
        let request = LinkRequest {
            address,
            is_durable: source.durable != NOTHING_OUTLIVES,
            capabilities: &capabilities,
            link: attach.name,
            client: &self.container,
            selector: filters.selector.as_ref().map(Selector::text),
            skips_own: filters.skips_own,
            random: broker.random(),
        };
        Ok(addresses(&**broker.dialect())?.link_source(request)?)
    }

    /// What is temporary is received from by its own connection only (S6).
    fn check_own(&self, broker: &Broker, spec: &SubscriptionSpec) -> Result<(), Fault> {
        let Some(places) = broker.dialect().places() else { return Ok(()) };
        for (node, key) in &spec.places {
            let place = places.place_of(node, key);
            if !matches!(place, ternmq_broker::Place::TemporaryTopic(_)) {
                continue;
            }
            let queue = places.temporary_queue(&place)?;
            let is_it = |link: &Link| link.way.own_queue().is_some_and(|own| **own == *queue);
            if !self.lines.iter().flatten().any(|line| line.links.values().any(is_it)) {
                let text = "a temporary topic of another connection";
                return Err(Fault::link(condition::RESOURCE_LOCKED, text));
            }
        }
        Ok(())
    }

    /// A receiver without a source looks for the durable subscription of its name, to give it up: by that name alone, which
    /// is all that a client knows that unsubscribes (Qpid JMS).
    fn attach_kept(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let kept = addresses(&**broker.dialect())?.kept_subscription(&self.container, attach.name);
        let Some(queue) = kept else {
            return Err(Fault::link(condition::INVALID_FIELD, "the attach has no source"));
        };
        let line = self.line_mut(channel).ok_or_else(Fault::gone)?;
        if !broker.has_queue(line.core, &queue) {
            return Err(Fault::link(condition::NOT_FOUND, "there is no durable subscription of this name"));
        }
        let lapse = broker.subscription_lapse(line.core, &queue);
        let (policy, timeout) = told_expiry(lapse.map_err(|error| Fault::of(&error, &**broker.dialect()))?);
        let source = Source {
            durable: Durability::Configuration,
            expiry_policy: Some(policy),
            timeout,
            distribution_mode: Some("move"),
            ..Source::default()
        };
        line.put(&Performative::Attach(Box::new(answer_to(attach, source))), out);
        let way = Way::Kept(queue);
        line.links.insert(attach.handle, Link { name: attach.name.into(), role: attach.role, way });
        Ok(())
    }

    fn open_subscription(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        spec: &SubscriptionSpec,
    ) -> Result<Opened, Fault> {
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        let consume = consume_spec(&spec.queue, attach, 0);
        let done = broker.open_subscription(core, spec, &consume);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        broker.set_consumer_credit(done.value, 0);
        Ok(Opened {
            feed: Feed::Consumer(done.value),
            receipt: done.receipt,
            own_queue: None,
            subscription: spec.is_durable.then(|| spec.queue.clone()),
            lapse: spec.lapse,
            skips_own: spec.skips_own,
        })
    }

    /// Opens an address that stands for several queues.
    fn open_several(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        place: &Place,
        filters: &Filters,
    ) -> Result<Opened, Fault> {
        if let SourceQueue::Several(parts) = &place.queue {
            for part in parts {
                if let SourceQueue::Subscription(spec) = &part.queue {
                    self.check_own(broker, spec)?;
                }
            }
        }
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        let arguments = attach.properties.as_ref().map(priority_of).unwrap_or_default();
        let priority = broker.dialect().consumer_priority(&arguments);
        let priority = priority.map_err(|error| Fault::link(condition::INVALID_FIELD, error.problem))?;
        let filter = filters.selector.as_ref().map(|selector| broker.filters().of(selector.clone()));
        let consume = consume_spec("", attach, priority);
        let done = broker.consume_several(core, std::slice::from_ref(place), &consume, filter);
        let done = done.map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        broker.set_consumer_credit(done.value, 0);
        Ok(Opened {
            feed: Feed::Consumer(done.value),
            receipt: done.receipt,
            own_queue: None,
            subscription: None,
            lapse: None,
            skips_own: false,
        })
    }

    /// Opens the queue of an address, bound where it has to be.
    fn open_place(&mut self, broker: &mut Broker, channel: u16, place: &Place) -> Result<Found, Fault> {
        let dialect = broker.dialect().clone();
        let fault = |error: Error| Fault::of(&error, &*dialect);
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        let SourceQueue::Shared(queue) = &place.queue else {
            return Err(Fault::gone());
        };
        let (queue, receipt) = open_queue(broker, core, &self.namespace, queue, Verb::Read).map_err(fault)?;
        let own_queue = place.is_subscription.then(|| queue.clone());
        let Some((node, key)) = &place.binding else { return Ok(Found { queue, receipt, own_queue }) };
        match broker.bind_queue(core, &queue, node, key, NeutralMap::new()) {
            Ok(done) => Ok(Found { queue, receipt: receipt.and(done.receipt), own_queue }),
            Err(error) => {
                if let Some(queue) = own_queue {
                    delete_own(broker, core, &queue);
                }
                Err(fault(error))
            }
        }
    }
}

/// The outcomes that a receiver can give, and the one of a delivery that is settled without any.
fn outcomes() -> (Vec<u8>, Vec<u8>) {
    let (mut outcomes, mut released) = (Vec::new(), Vec::new());
    let all = ["amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"];
    put_symbols(&mut outcomes, &all);
    put_descriptor(&mut released, crate::codec::code::RELEASED);
    ListWriter::start(&mut released).end();
    (outcomes, released)
}

/// The answer to a receiver.
fn answer_to<'a>(attach: &Attach<'a>, source: Source<'a>) -> Attach<'a> {
    let is_settled = attach.snd_settle_mode == SenderSettleMode::Settled;
    Attach {
        role: Role::Sender,
        snd_settle_mode: if is_settled { SenderSettleMode::Settled } else { SenderSettleMode::Unsettled },
        source: Some(source),
        unsettled: None,
        incomplete_unsettled: false,
        initial_delivery_count: Some(0),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
        ..*attach
    }
}

/// A consumer without credit.
fn consume_spec<'a>(queue: &'a str, attach: &Attach<'_>, priority: i32) -> ConsumeSpec<'a> {
    ConsumeSpec {
        queue,
        label: attach.handle,
        window: Some(0),
        needs_settle: attach.snd_settle_mode != SenderSettleMode::Settled,
        is_exclusive: false,
        priority,
        is_preferred: false,
    }
}

/// Makes the consumer of a queue.
fn consume_from(
    broker: &mut Broker,
    core: SessionId,
    attach: &Attach<'_>,
    found: Found,
    filters: &Filters,
) -> Result<Opened, Fault> {
    let Found { queue, receipt, own_queue } = found;
    let arguments: NeutralMap = match &attach.properties {
        Some(properties) => priority_of(properties),
        None => NeutralMap::new(),
    };
    let filter = filters.selector.as_ref().map(|selector| broker.filters().of(selector.clone()));
    let priority = broker.consumer_priority(core, &queue, &arguments);
    let consumed = priority
        .and_then(|priority| broker.consume_filtered(core, &consume_spec(&queue, attach, priority), filter));
    match consumed {
        Ok(consumer) => {
            broker.set_consumer_credit(consumer, 0);
            let feed = Feed::Consumer(consumer);
            Ok(Opened { feed, receipt, own_queue, subscription: None, lapse: None, skips_own: false })
        }
        Err(error) => {
            // A queue that was made for this link alone must not stay behind.
            if let Some(queue) = own_queue {
                delete_own(broker, core, &queue);
            }
            Err(Fault::of(&error, &**broker.dialect()))
        }
    }
}

/// Parts of the answer that have to be written before it is.
struct Told {
    address: Option<String>,
    filters: Vec<u8>,
    lifetime: Vec<u8>,
    outcomes: Vec<u8>,
    released: Vec<u8>,
}

impl Told {
    fn of(addresses: &dyn LinkAddresses, asked: &Source<'_>, opened: &Opened) -> Self {
        let address = match &opened.own_queue {
            Some(queue) if asked.dynamic => Some(addresses.queue_address(queue)),
            _ => None,
        };
        let mut filters = Vec::new();
        put_effective(asked.filter.as_ref(), opened.skips_own, &mut filters);
        let lifetime = if asked.dynamic { lifetime() } else { Vec::new() };
        let (outcomes, released) = outcomes();
        Self { address, filters, lifetime, outcomes, released }
    }

    /// What the source is, as far as it was asked for.
    fn source<'a>(&'a self, asked: &Source<'a>, opened: &Opened) -> Source<'a> {
        // All but a durable subscription goes with its link, whatever was asked for.
        let (policy, timeout) = match opened.subscription {
            Some(_) => told_expiry(opened.lapse),
            None => ("link-detach", 0),
        };
        Source {
            address: self.address.as_deref().or(asked.address),
            durable: match &opened.subscription {
                Some(_) => Durability::Configuration,
                None => NOTHING_OUTLIVES,
            },
            expiry_policy: Some(policy),
            timeout,
            dynamic: asked.dynamic,
            distribution_mode: match opened.feed {
                Feed::Consumer(_) => Some("move"),
                Feed::Browser(_) => Some(COPY),
            },
            dynamic_node_properties: map_in(&self.lifetime),
            filter: map_in(&self.filters),
            default_outcome: read(&self.released).ok().map(|(value, _)| value),
            outcomes: read(&self.outcomes).ok().map(|(value, _)| value),
            ..Source::default()
        }
    }
}

/// What the properties of a receiver say of its priority, as arguments of a consumer.
fn priority_of(properties: &Map<'_>) -> NeutralMap {
    match properties.get("rabbitmq:priority") {
        Some(priority) => vec![("x-priority".into(), crate::format::neutral(&priority))],
        None => NeutralMap::new(),
    }
}
