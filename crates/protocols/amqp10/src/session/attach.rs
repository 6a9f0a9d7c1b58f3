//! attach and detach (AMQP 1.0 2.6.3 to 2.6.6). A link ends with its attachment: nothing of it is resumed, and the answer
//! says so.

use std::sync::Arc;

use ternmq_broker::{AddressQueue, Broker, Error, Kind, LinkKey, LinkRequest, LinkTarget, Receipt, Verb};

use super::{
    Amqp10Session,
    close::addresses,
    line::{Feed, HANDLE_MAX, Incoming, LINK_CREDIT, Line, Link, NOTHING_OUTLIVES, Way, Where},
};
use crate::{
    codec::{
        AnyTarget, Map, Target, Value, code,
        performative::{Attach, Detach, Flow, Performative, ReceiverSettleMode, Role, SenderSettleMode},
        read,
        write::{ListWriter, MapWriter},
    },
    error::{Fault, Scope, condition},
};

/// Longest name of a link in bytes.
const NAME_MAX_BYTES: usize = 1_024;

impl Amqp10Session {
    pub(super) fn on_attach(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let handle = attach.handle;
        if handle > HANDLE_MAX {
            let text = format!("handle {handle} is past the highest, {HANDLE_MAX}");
            return Err(Fault::session(condition::RESOURCE_LIMIT_EXCEEDED, text));
        }
        if attach.name.len() > NAME_MAX_BYTES {
            return Err(Fault::session(condition::INVALID_FIELD, "the name of the link is too long"));
        }
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        if line.links.contains_key(&handle) {
            let text = format!("handle {handle} is in use");
            return Err(Fault::session(condition::HANDLE_IN_USE, text));
        }
        self.steal(broker, channel, attach, out);
        let done = match attach.role {
            Role::Sender => self.attach_sender(broker, channel, attach, out),
            Role::Receiver => self.attach_receiver(broker, channel, attach, out),
        };
        match done {
            Err(fault) if fault.scope == Scope::Link => {
                self.refuse_link(channel, attach, &fault, out);
                Ok(())
            }
            other => other,
        }
    }

    /// A link of the same name and direction ends, whatever its session: it is one link, and its peer has attached it anew
    /// (AMQP 1.0 2.6.1). Links for definitions and transactions are told apart by their sessions: clients name them all alike.
    fn steal(&mut self, broker: &mut Broker, channel: u16, attach: &Attach<'_>, out: &mut Vec<u8>) {
        let is_it = |link: &Link, is_here: bool| {
            *link.name == *attach.name
                && link.role == attach.role
                && match &link.way {
                    Way::In(incoming) => {
                        is_here || !matches!(incoming.place, Where::Definitions | Where::Coordinator(_))
                    }
                    Way::Out(_) => true,
                    Way::Answers(_) | Way::Kept(_) => is_here,
                    Way::Ending => false,
                }
        };
        let old = self.lines.iter().flatten().find_map(|line| {
            let is_here = line.channel == channel;
            let found = line.links.iter().find(|(_, link)| is_it(link, is_here));
            found.map(|(handle, _)| (line.channel, *handle))
        });
        if let Some((channel, handle)) = old {
            let fault = Fault::link(condition::STOLEN, "the link was attached anew");
            self.end_link(broker, channel, handle, &fault, out);
        }
    }

    /// A refused attach: answered without a terminus, and detached at once (AMQP 1.0 2.6.3).
    fn refuse_link(&mut self, channel: u16, attach: &Attach<'_>, fault: &Fault, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let (source, target) = match attach.role {
            Role::Sender => (attach.source, None),
            Role::Receiver => (None, attach.target),
        };
        let answer = Attach {
            role: opposite(attach.role),
            source,
            target,
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: (attach.role == Role::Receiver).then_some(0),
            max_message_size: 0,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
            ..*attach
        };
        line.put(&Performative::Attach(Box::new(answer)), out);
        let detach = Detach { handle: attach.handle, closed: true, error: Some(fault.info()) };
        line.put(&Performative::Detach(detach), out);
        line.links
            .insert(attach.handle, Link { name: attach.name.into(), role: attach.role, way: Way::Ending });
    }

    fn attach_sender(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let target = match &attach.target {
            Some(AnyTarget::Target(target)) => target,
            Some(AnyTarget::Coordinator) => {
                self.attach_coordinator(channel, attach, out);
                return Ok(());
            }
            None => return Err(Fault::link(condition::INVALID_FIELD, "the attach has no target")),
        };
        if Self::is_definitions(broker, target.address) {
            self.attach_requests(channel, attach, out);
            return Ok(());
        }
        let max_message_size = broker.limits().max_message_bytes;
        let (place, receipt, own_queue) = self.open_target(broker, channel, attach, target)?;
        let own_address = match &own_queue {
            Some(queue) => Some(addresses(&**broker.dialect())?.queue_address(queue)),
            None => None,
        };
        let delivery_count = attach.initial_delivery_count.unwrap_or_default();
        let lifetime = if target.dynamic { lifetime() } else { Vec::new() };
        let answer = Attach {
            role: Role::Receiver,
            rcv_settle_mode: Some(attach.rcv_settle_mode.unwrap_or_default()),
            target: Some(AnyTarget::Target(Target {
                address: own_address.as_deref().or(target.address),
                dynamic: target.dynamic,
                dynamic_node_properties: map_in(&lifetime),
                durable: NOTHING_OUTLIVES,
                ..Target::default()
            })),
            unsettled: None,
            incomplete_unsettled: false,
            initial_delivery_count: None,
            max_message_size,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
            ..*attach
        };
        let incoming = Incoming {
            place,
            credit: LINK_CREDIT,
            credit_max: LINK_CREDIT,
            delivery_count,
            settles: match attach.snd_settle_mode {
                SenderSettleMode::Unsettled => Some(false),
                SenderSettleMode::Settled => Some(true),
                SenderSettleMode::Mixed => None,
            },
            is_second: attach.rcv_settle_mode == Some(ReceiverSettleMode::Second),
            own_queue,
        };
        let durable = broker.durable();
        let told_credit = if broker.blocked_reason().is_some() { 0 } else { LINK_CREDIT };
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        line.wait_for(receipt, durable);
        line.put(&Performative::Attach(Box::new(answer)), out);
        line.begin_incoming(attach, incoming, told_credit, out);
        Ok(())
    }

    fn open_target(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        attach: &Attach<'_>,
        target: &Target<'_>,
    ) -> Result<(Where, Receipt, Option<Arc<str>>), Fault> {
        let dialect = broker.dialect().clone();
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        if target.dynamic {
            let queue = self.make_queue(broker, channel, target.address, target.capabilities.as_ref())?;
            let known = addresses(&*dialect)?;
            let place = known.message_target(&known.queue_address(&queue), &[])?;
            return Ok((Where::Place(Arc::new(place)), Receipt::NONE, Some(queue)));
        }
        let Some(address) = target.address else { return Ok((Where::Anonymous, Receipt::NONE, None)) };
        let capabilities: Vec<&str> = target.capabilities.iter().flat_map(Value::texts).collect();
        let request = LinkRequest {
            address,
            is_durable: target.durable != NOTHING_OUTLIVES,
            capabilities: &capabilities,
            link: attach.name,
            client: &self.container,
            selector: None,
            skips_own: false,
            random: broker.random(),
        };
        let LinkTarget { mut target, key } = addresses(&*dialect)?.link_target(request)?;
        let fault = |error: Error| Fault::of(&error, &*dialect);
        let is_fixed = match key {
            LinkKey::Fixed(key) => {
                target.key = key;
                true
            }
            LinkKey::Subject => false,
        };
        let key = if is_fixed { &*target.key } else { "" };
        broker.check_publish(core, &target.node, key, None).map_err(fault)?;
        let receipt = match &target.queue {
            None => Receipt::NONE,
            Some(queue) => open_queue(broker, core, &self.namespace, queue, Verb::Write).map_err(fault)?.1,
        };
        let place = if is_fixed { Where::Place(Arc::new(target)) } else { Where::Node(target.node) };
        Ok((place, receipt, None))
    }

    /// The queue of a dynamic terminus: the connection's own, named by the broker (S6).
    pub(super) fn make_queue(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        address: Option<&str>,
        capabilities: Option<&Value<'_>>,
    ) -> Result<Arc<str>, Fault> {
        let dialect = broker.dialect().clone();
        let core = self.line_mut(channel).ok_or_else(Fault::gone)?.core;
        if address.is_some() {
            return Err(Fault::link(
                condition::INVALID_FIELD,
                "a dynamic terminus has no address of its own",
            ));
        }
        let capabilities: Vec<&str> = capabilities.iter().flat_map(|all| all.texts()).collect();
        let queue = addresses(&*dialect)?.temporary_queue(&capabilities, broker.random());
        let queue = queue.map_err(|error| Fault::link(condition::NOT_IMPLEMENTED, error.text))?;
        let made = open_queue(broker, core, &self.namespace, &queue, Verb::Write);
        made.map(|(name, _)| name).map_err(|error| Fault::of(&error, &*dialect))
    }

    pub(super) fn on_detach(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        detach: &Detach<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let handle = detach.handle;
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        let Some(link) = line.links.get(&handle) else {
            let text = format!("there is no link with the handle {handle}");
            return Err(Fault::session(condition::UNATTACHED_HANDLE, text));
        };
        let is_ending = matches!(link.way, Way::Ending);
        let subscription = match &link.way {
            // Closed for good, as by a client that unsubscribes; a plain detach leaves it in place.
            Way::Out(outgoing) if detach.closed => outgoing.subscription.clone(),
            Way::Kept(queue) if detach.closed => Some(queue.clone()),
            _ => None,
        };
        if !is_ending {
            self.release_link(broker, channel, handle, out);
        }
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        line.links.remove(&handle);
        let (core, durable) = (line.core, broker.durable());
        let mut fault = None;
        match subscription.map(|queue| broker.give_up_subscription(core, &queue)) {
            // It may be gone already, by an operator's hand.
            None | Some(Err(Error::NotFound { .. })) => {}
            Some(Ok(receipt)) => line.wait_for(receipt, durable),
            Some(Err(error)) => fault = Some(Fault::of(&error, &**broker.dialect())),
        }
        if !is_ending {
            let error = fault.as_ref().map(Fault::info);
            let answer = Detach { handle, closed: detach.closed, error };
            line.put(&Performative::Detach(answer), out);
        }
        self.draining.retain(|known| *known != (channel, handle));
        Ok(())
    }

    /// Ends a link with an error. What comes of it is not heard until the peer has ended it too.
    pub(super) fn end_link(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        fault: &Fault,
        out: &mut Vec<u8>,
    ) {
        let Some(line) = self.line_mut(channel) else { return };
        if line.links.get(&handle).is_none_or(|link| matches!(link.way, Way::Ending)) {
            return;
        }
        self.release_link(broker, channel, handle, out);
        let Some(line) = self.line_mut(channel) else { return };
        if let Some(link) = line.links.get_mut(&handle) {
            link.way = Way::Ending;
        }
        let detach = Detach { handle, closed: true, error: Some(fault.info()) };
        line.put(&Performative::Detach(detach), out);
        self.draining.retain(|known| *known != (channel, handle));
    }

    /// Gives up what a link has in the core.
    fn release_link(&mut self, broker: &mut Broker, channel: u16, handle: u32, out: &mut Vec<u8>) {
        // What is on its way to the link is given back with the rest.
        self.flush_effects(broker, out);
        let Some(line) = self.line_mut(channel) else { return };
        let core = line.core;
        let own_queue = match line.links.get_mut(&handle).map(|link| &mut link.way) {
            Some(Way::Out(outgoing)) => {
                if let Feed::Consumer(consumer) = outgoing.feed {
                    broker.cancel(consumer);
                }
                outgoing.own_queue.take()
            }
            Some(Way::In(incoming)) => incoming.own_queue.take(),
            Some(Way::Answers(_) | Way::Kept(_)) => None,
            Some(Way::Ending) | None => return,
        };
        self.give_back(broker, channel, handle);
        self.abandon_link(broker, (channel, handle));
        if let Some(queue) = own_queue {
            delete_own(broker, core, &queue);
        }
    }
}

impl Line {
    /// The answer to a sender's attach is out: the credit follows.
    pub(super) fn begin_incoming(
        &mut self,
        attach: &Attach<'_>,
        incoming: Incoming,
        told_credit: u32,
        out: &mut Vec<u8>,
    ) {
        let flow = Flow {
            handle: Some(attach.handle),
            delivery_count: Some(incoming.delivery_count),
            link_credit: Some(told_credit),
            ..self.flow()
        };
        self.put_flow(flow, out);
        let way = Way::In(Box::new(incoming));
        self.links.insert(attach.handle, Link { name: attach.name.into(), role: attach.role, way });
    }
}

pub(super) fn opposite(role: Role) -> Role {
    match role {
        Role::Sender => Role::Receiver,
        Role::Receiver => Role::Sender,
    }
}

/// The queue of an address, made when it has to be.
pub(super) fn open_queue(
    broker: &mut Broker,
    core: ternmq_broker::SessionId,
    namespace: &Arc<str>,
    queue: &AddressQueue,
    verb: Verb,
) -> Result<(Arc<str>, Receipt), Error> {
    let done = match queue {
        // Whoever reads from it finds out; whoever may write there need not be able to do anything else with it.
        AddressQueue::Existing(name) => {
            if verb == Verb::Write && !broker.has_queue(core, name) {
                let (name, namespace) = (name.clone(), namespace.clone());
                return Err(Error::NotFound { kind: Kind::Queue, name, namespace });
            }
            return Ok((name.clone(), Receipt::NONE));
        }
        AddressQueue::Own(name) => {
            broker.ensure_private_queue(core, name)?;
            return Ok((name.clone(), Receipt::NONE));
        }
        AddressQueue::Declared(spec) => broker.declare_queue(core, spec.clone())?,
        AddressQueue::OnUse(spec) => broker.ensure_queue(core, spec.clone(), verb)?,
    };
    Ok((done.value.name, done.receipt))
}

/// Deletes the queue that was made for a link. One that can't be deleted goes with its connection.
pub(super) fn delete_own(broker: &mut Broker, core: ternmq_broker::SessionId, queue: &str) {
    // It may be gone already, with its last consumer.
    if broker.delete_private_queue(core, queue).is_err() {
        let _deleted = broker.delete_queue(core, queue, false, false);
    }
}

/// Properties of a node that was made for a link: it goes with it (AMQP 1.0 3.5.10).
pub(super) fn lifetime() -> Vec<u8> {
    let mut written = Vec::new();
    let mut map = MapWriter::start(&mut written);
    map.symbol("lifetime-policy", |out| ListWriter::described(out, code::DELETE_ON_CLOSE).end());
    map.end();
    written
}

/// The map that was written, unless there is nothing in it.
pub(super) fn map_in(written: &[u8]) -> Option<Map<'_>> {
    match read(written) {
        Ok((Value::Map(map), _)) => Some(map).filter(|map| map.count() > 0),
        _ => None,
    }
}
