//! Wide consumers: one consumer of several queues, those of some names and those that match patterns, of which there may
//! be more later. All of its deliveries share one window.
//!
//! A wide consumer has a member in each of its queues, which is a consumer like any other there: priority, filter and turns
//! are the queue's business. What adapters hold is the head, which is in no queue.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use smallvec::SmallVec;
use ternmq_access::Principal;
use ternmq_message::Map;
use ternmq_queue::{Filter, ShareIndex, Window};
use ternmq_stdx::{Arena, Handle};

use crate::{
    address::{AddressQueue, Source as Place, SourceQueue},
    broker::{Broker, Done},
    consume::{ConsumeSpec, Consumer, ConsumerCredit, Source},
    effect::{ConnectionId, ConsumerId, SessionId},
    error::{Error, Kind, LimitKind, Verb},
    events::Told,
    incident::Incident,
    log::Receipt,
    namespace::NamespaceId,
    session_state::Unsettled,
    timers::TimerKey,
};

/// Ms after which a wide consumer that had to leave queues out looks for those that it has room for.
const LOOK_MS: u64 = 1_000;

/// A member of a wide consumer.
#[derive(Clone, Copy)]
struct Member {
    queue: u32,
    consumer: ConsumerId,
}

/// One wide consumer.
pub(crate) struct Wide {
    head: ConsumerId,
    namespace: NamespaceId,
    connection: ConnectionId,
    /// Names of queues, and patterns.
    names: Vec<Arc<str>>,
    filter: Option<Arc<dyn Filter>>,
    is_preferred: bool,
    members: Vec<Member>,
    /// Whose turn it is when there is room again.
    next: usize,
    /// There are more queues than it may have.
    leaves_out: bool,
}

/// All of them.
#[derive(Default)]
pub(crate) struct Wides {
    all: Arena<Wide>,
    /// Unsettled deliveries by queue, its incarnation and number, with the wide consumer that has each.
    taken: BTreeMap<(u32, u32, u64), Handle>,
    /// Those that have room again.
    opened: Vec<Handle>,
    /// Those that look for queues which they should have and do not, one in each turn.
    looking: BTreeSet<Handle>,
}

impl Wides {
    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }
}

fn share(wide: Handle) -> ShareIndex {
    ShareIndex(wide.index)
}

fn key_of(entry: &Unsettled) -> (u32, u32, u64) {
    (entry.queue, entry.incarnation, entry.seq)
}

/// What a window of so many unsettled deliveries allows all members together.
fn allowance(window: Option<u32>, needs_settle: bool) -> Window {
    window.filter(|_| needs_settle).map_or(Window::Unlimited, Window::Sliding)
}

impl Broker {
    /// Makes one consumer of several sources, with one window over all their queues. Queues that are to be there are made and
    /// bound first. Of queues that match a pattern it gets those that it may read, later ones too; such a queue drops out
    /// when it is deleted. It gets nothing before [`Broker::start_consumer`], and each delivery comes as
    /// [`crate::Effect::DeliverFrom`].
    ///
    /// # Errors
    /// As [`Broker::consume_filtered`] and [`Broker::open_subscription`], of each source; a pattern that is not allowed itself
    /// and of whose queues none is; more queues than [`crate::Limits::max_queues_per_consumer`]. Queues that were made by
    /// then stay.
    pub fn consume_several(
        &mut self,
        id: SessionId,
        sources: &[Place],
        spec: &ConsumeSpec<'_>,
        filter: Option<Arc<dyn Filter>>,
    ) -> Result<Done<ConsumerId>, Error> {
        self.check_consumers(id)?;
        let wide = self.make_head(id, spec, filter)?;
        let mut receipt = Receipt::NONE;
        for source in sources {
            match self.add_source(id, wide, source, spec) {
                Ok(made) => receipt = receipt.and(made),
                Err(error) => {
                    self.drop_wide(wide);
                    return Err(error);
                }
            }
        }
        let head = self.wides.all.get(wide).map(|known| known.head).ok_or(Error::Gone)?;
        if let Some(session) = self.sessions.get_mut(id.into()) {
            session.consumers.push(head);
        }
        Ok(Done { value: head, receipt })
    }

    fn make_head(
        &mut self,
        id: SessionId,
        spec: &ConsumeSpec<'_>,
        filter: Option<Arc<dyn Filter>>,
    ) -> Result<Handle, Error> {
        let (_, namespace, connection) = self.who(id)?;
        let session_label = self.sessions.get(id.into()).ok_or(Error::Gone)?.label;
        let head = Consumer {
            session: id,
            connection,
            session_label,
            label: spec.label,
            queue: Consumer::NO_QUEUE,
            incarnation: 0,
            needs_settle: spec.needs_settle,
            is_exclusive: false,
            window: spec.window,
            priority: spec.priority,
            is_preferred: spec.is_preferred,
            shows_failed_count: false,
            source: Source::Queue,
            told: Told::default(),
            wide: None,
        };
        let head: ConsumerId = self.consumers.insert(head).ok_or(Error::Gone)?.into();
        let wide = self.wides.all.insert(Wide {
            head,
            namespace,
            connection,
            names: Vec::new(),
            filter,
            is_preferred: spec.is_preferred,
            members: Vec::new(),
            next: 0,
            leaves_out: false,
        });
        let wide = wide.ok_or(Error::Gone)?;
        if let Some(head) = self.consumers.get_mut(head.into()) {
            head.wide = Some(wide);
        }
        self.windows.start_share(share(wide), allowance(spec.window, spec.needs_settle));
        Ok(wide)
    }

    fn add_source(
        &mut self,
        id: SessionId,
        wide: Handle,
        source: &Place,
        spec: &ConsumeSpec<'_>,
    ) -> Result<Receipt, Error> {
        let queue = match &source.queue {
            SourceQueue::Matching(pattern) => {
                self.add_matching(id, wide, pattern)?;
                return Ok(Receipt::NONE);
            }
            SourceQueue::Several(parts) => {
                let mut receipt = Receipt::NONE;
                for part in parts {
                    receipt = receipt.and(self.add_source(id, wide, part, spec)?);
                }
                return Ok(receipt);
            }
            SourceQueue::Subscription(subscription) => {
                let consume = ConsumeSpec { queue: &subscription.queue, ..spec.clone() };
                let opened = self.open_subscription(id, subscription, &consume)?;
                self.make_member(wide, opened.value);
                return Ok(opened.receipt);
            }
            SourceQueue::Shared(queue) => queue,
        };
        let (name, made) = self.open_address_queue(id, queue)?;
        let bound = match &source.binding {
            Some((node, key)) => self.bind_queue(id, &name, node, key, Map::new())?.receipt,
            None => Receipt::NONE,
        };
        let queue = self.readable_queue(id, &name)?;
        self.add_member(wide, queue)?;
        if let Some(known) = self.wides.all.get_mut(wide) {
            known.names.push(name);
        }
        Ok(made.and(bound))
    }

    /// The queue behind an address, made where that is due for whoever reads from it.
    fn open_address_queue(
        &mut self,
        id: SessionId,
        queue: &AddressQueue,
    ) -> Result<(Arc<str>, Receipt), Error> {
        let done = match queue {
            AddressQueue::Existing(name) => return Ok((name.clone(), Receipt::NONE)),
            AddressQueue::Own(name) => {
                self.ensure_private_queue(id, name)?;
                return Ok((name.clone(), Receipt::NONE));
            }
            AddressQueue::Declared(spec) => self.declare_queue(id, spec.clone())?,
            AddressQueue::OnUse(spec) => self.ensure_queue(id, spec.clone(), Verb::Read)?,
        };
        Ok((done.value.name, done.receipt))
    }

    /// Adds the queues that match a pattern. Whether there are some that may not be read is told to nobody: a pattern is
    /// refused unless it is allowed by itself or one of its queues is (S5).
    fn add_matching(&mut self, id: SessionId, wide: Handle, pattern: &Arc<str>) -> Result<(), Error> {
        let (principal, namespace, _) = self.who(id)?;
        let space = self.namespaces.name(namespace);
        let is_meant = |name: &str| self.dialect.is_matching_queue(pattern, name);
        let found = self.queues_where(&principal, namespace, is_meant);
        if found.is_empty() {
            self.authorize(&principal, Verb::Read, Kind::Queue, &space, pattern)?;
        }
        for queue in found {
            self.add_member(wide, queue)?;
        }
        if let Some(known) = self.wides.all.get_mut(wide) {
            known.names.push(pattern.clone());
        }
        Ok(())
    }

    /// Queues of a namespace that somebody may read, by their names.
    fn queues_where(
        &self,
        principal: &Principal,
        namespace: NamespaceId,
        is_meant: impl Fn(&str) -> bool,
    ) -> Vec<u32> {
        let space = self.namespaces.name(namespace);
        let all = self.queues.iter().filter(|(_, slot)| slot.namespace == namespace && is_meant(&slot.name));
        let may = |name: &str| self.authorize(principal, Verb::Read, Kind::Queue, &space, name).is_ok();
        all.filter(|(_, slot)| may(&slot.name)).map(|(queue, _)| queue).collect()
    }

    /// Puts a member into a queue; one that is there already is enough.
    fn add_member(&mut self, wide: Handle, queue: u32) -> Result<(), Error> {
        let Some(known) = self.wides.all.get(wide) else { return Err(Error::Gone) };
        if known.members.iter().any(|member| member.queue == queue) {
            return Ok(());
        }
        let max = self.limits.max_queues_per_consumer;
        if known.members.len() >= max as usize {
            let owner = self.namespaces.name(known.namespace);
            return Err(Error::Limit { limit: LimitKind::ConsumerQueues, owner, max: max.into() });
        }
        let Some(head) = self.consumers.get(known.head.into()) else { return Err(Error::Gone) };
        let session = head.session;
        let spec = ConsumeSpec {
            queue: "",
            label: head.label,
            window: head.window,
            needs_settle: head.needs_settle,
            is_exclusive: false,
            priority: head.priority,
            is_preferred: known.is_preferred,
        };
        let filter = known.filter.clone();
        let consumer = self.insert_consumer(session, queue, &spec, filter, Source::Queue)?;
        self.make_member(wide, consumer);
        Ok(())
    }

    /// Makes a consumer that is in its queue a member.
    fn make_member(&mut self, wide: Handle, id: ConsumerId) {
        let Some(consumer) = self.consumers.get_mut(id.into()) else { return };
        consumer.wide = Some(wide);
        consumer.incarnation |= Unsettled::SHARED;
        let queue = consumer.queue;
        let session = consumer.session;
        // The head stands for it.
        if let Some(session) = self.sessions.get_mut(session.into()) {
            session.consumers.retain(|open| *open != id);
        }
        if let Some(slot) = self.queues.get_mut(queue) {
            slot.machine.set_consumer_window(id.index, Window::Shared(share(wide)));
        }
        if let Some(known) = self.wides.all.get_mut(wide) {
            known.members.push(Member { queue, consumer: id });
        }
    }

    /// A queue was made: wide consumers that it matches, and whose users may read it, take from it too.
    pub(crate) fn join_wides(&mut self, queue: u32) {
        if self.wides.all.is_empty() {
            return;
        }
        let all: Vec<Handle> = self.wides.all.iter().map(|(wide, _)| wide).collect();
        for wide in all {
            if !self.is_for_wide(wide, queue) {
                continue;
            }
            match self.add_member(wide, queue) {
                Ok(()) => self.tell_of_members(wide),
                Err(_) => self.note_left_out(wide, queue),
            }
        }
    }

    /// Whether a wide consumer is to have a queue.
    fn is_for_wide(&self, wide: Handle, queue: u32) -> bool {
        let (Some(known), Some(slot)) = (self.wides.all.get(wide), self.queues.get(queue)) else {
            return false;
        };
        let is_meant = |name: &Arc<str>| self.is_named(name, &slot.name);
        if known.namespace != slot.namespace || !known.names.iter().any(is_meant) {
            return false;
        }
        let Some(head) = self.consumers.get(known.head.into()) else { return false };
        let Ok((principal, namespace, _)) = self.who(head.session) else { return false };
        let space = self.namespaces.name(namespace);
        self.check_owner(queue, known.connection).is_ok()
            && self.authorize(&principal, Verb::Read, Kind::Queue, &space, &slot.name).is_ok()
    }

    fn is_named(&self, name: &str, queue: &str) -> bool {
        *name == *queue || self.dialect.is_matching_queue(name, queue)
    }

    fn note_left_out(&mut self, wide: Handle, queue: u32) {
        let Some(known) = self.wides.all.get_mut(wide) else { return };
        if !std::mem::replace(&mut known.leaves_out, true)
            && let Some(slot) = self.queues.get(queue)
        {
            let (namespace, queue) = (self.namespaces.name(slot.namespace), slot.name.clone());
            let max = self.limits.max_queues_per_consumer;
            self.incidents.push(Incident::QueueLeftOut { namespace, queue, max });
        }
    }

    /// Looks for queues that a wide consumer should have and does not: it had no room for them, or might not read them.
    fn widen(&mut self, wide: Handle) {
        let Some(known) = self.wides.all.get_mut(wide) else { return };
        let (namespace, names) = (known.namespace, known.names.clone());
        let session = self.consumers.get(known.head.into()).map(|head| head.session);
        let was_left_out = std::mem::take(&mut known.leaves_out);
        let Some(Ok((principal, ..))) = session.map(|session| self.who(session)) else { return };
        let is_meant = |queue: &str| names.iter().any(|name| self.is_named(name, queue));
        for queue in self.queues_where(&principal, namespace, is_meant) {
            if !self.is_for_wide(wide, queue) {
                continue;
            }
            if self.add_member(wide, queue).is_ok() {
                self.tell_of_members(wide);
                self.run_queue(queue);
                continue;
            }
            if let Some(known) = self.wides.all.get_mut(wide) {
                known.leaves_out = was_left_out;
            }
            self.note_left_out(wide, queue);
            return;
        }
    }

    pub(crate) fn on_wides_due(&mut self) {
        if let Some(wide) = self.wides.looking.pop_first() {
            self.widen(wide);
        }
        if !self.wides.looking.is_empty() {
            let due_ms = self.time.ms().saturating_add(1);
            self.timers.reset(TimerKey::Wides, None, Some(due_ms));
        }
    }

    /// Lets a wide consumer look for queues that it should have and does not, after so many ms.
    pub(crate) fn look_for_queues(&mut self, wide: Handle, wait_ms: u64) {
        let is_first = self.wides.looking.is_empty();
        self.wides.looking.insert(wide);
        if is_first {
            let due_ms = self.time.ms().saturating_add(wait_ms);
            self.timers.reset(TimerKey::Wides, None, Some(due_ms));
        }
    }

    /// A member is gone from its queue.
    pub(crate) fn drop_member(&mut self, wide: Handle, id: ConsumerId) {
        let Some(known) = self.wides.all.get_mut(wide) else { return };
        known.members.retain(|member| member.consumer != id);
        if known.leaves_out {
            self.look_for_queues(wide, LOOK_MS);
        }
    }

    /// Takes a wide consumer out of all its queues, which the caller lets go on.
    pub(crate) fn take_wide(&mut self, wide: Handle, left: &mut SmallVec<[u32; 1]>) {
        let Some(known) = self.wides.all.remove(wide) else { return };
        self.consumers.remove(known.head.into());
        for member in known.members {
            left.extend(self.take_consumer(member.consumer));
        }
    }

    /// Ends one that could not be made.
    fn drop_wide(&mut self, wide: Handle) {
        let mut left = SmallVec::new();
        self.take_wide(wide, &mut left);
        for queue in left {
            self.run_queue(queue);
            self.after_last_consumer(queue);
        }
    }

    /// Notes who has an unsettled delivery, so that the shared window hears of its settlement.
    pub(crate) fn note_taken(&mut self, wide: Handle, entry: &Unsettled) {
        self.wides.taken.insert(key_of(entry), wide);
    }

    /// A delivery of a wide consumer is settled. The consumer goes on with [`Broker::wake_wides`].
    pub(crate) fn give_back_taken(&mut self, entry: &Unsettled) {
        let Some(wide) = self.wides.taken.remove(&key_of(entry)) else { return };
        // Its place may be another one's by now.
        if self.wides.all.get(wide).is_some()
            && self.windows.give_back_share(share(wide))
            && !self.wides.opened.contains(&wide)
        {
            self.wides.opened.push(wide);
        }
    }

    /// Lets deliveries to a wide consumer begin.
    pub(crate) fn start_wide(&mut self, wide: Handle) {
        self.tell_of_members(wide);
        self.wake_wide(wide);
    }

    /// Events tell of each member that they have not told of yet, in the words of the head.
    fn tell_of_members(&mut self, wide: Handle) {
        if !self.events.is_on() {
            return;
        }
        let Some(known) = self.wides.all.get(wide) else { return };
        let words = self.consumers.get(known.head.into()).and_then(|head| head.told.words.clone());
        let members: Vec<ConsumerId> = known.members.iter().map(|member| member.consumer).collect();
        for member in members {
            if let Some(consumer) = self.consumers.get_mut(member.into()).filter(|known| !known.told.is_told)
            {
                consumer.told.words.clone_from(&words);
                self.note_consumer(member);
            }
        }
    }

    /// Those that have room again get what waits for them.
    pub(crate) fn wake_wides(&mut self) {
        while let Some(wide) = self.wides.opened.pop() {
            self.wake_wide(wide);
        }
    }

    /// The queues of a wide consumer hand out what they can, in turns, as long as there is room.
    pub(crate) fn wake_wide(&mut self, wide: Handle) {
        let count = self.wides.all.get(wide).map_or(0, |known| known.members.len());
        for _ in 0..count {
            if !self.windows.has_share_room(share(wide)) {
                return;
            }
            let Some(known) = self.wides.all.get_mut(wide) else { return };
            let at = if known.next < known.members.len() { known.next } else { 0 };
            known.next = at + 1;
            let Some(queue) = known.members.get(at).map(|member| member.queue) else { return };
            let Some(slot) = self.queues.get_mut(queue) else { continue };
            slot.machine.session_opened();
            if slot.machine.ready_count() > 0 {
                self.run_queue(queue);
            }
        }
    }

    /// The head of a wide consumer, and its members with their queues.
    pub(crate) fn parts_of_wide(&self, wide: Handle) -> Option<(ConsumerId, Vec<(ConsumerId, u32)>)> {
        let known = self.wides.all.get(wide)?;
        Some((known.head, known.members.iter().map(|member| (member.consumer, member.queue)).collect()))
    }

    /// The queue of a wide consumer that is its own.
    pub(crate) fn subscription_queue_of(&self, wide: Handle) -> Option<u32> {
        let members = self.wides.all.get(wide)?.members.iter();
        let consumers = members.filter_map(|member| self.consumers.get(member.consumer.into()));
        consumers.filter(|consumer| consumer.source == Source::Places).map(|consumer| consumer.queue).next()
    }

    /// Changes how many unsettled deliveries all members together may have.
    pub(crate) fn set_wide_window(&mut self, wide: Handle, window: Option<u32>) {
        let head = self.wides.all.get(wide).and_then(|known| self.consumers.get_mut(known.head.into()));
        let Some(head) = head else { return };
        head.window = window;
        let allowance = allowance(window, head.needs_settle);
        self.set_allowance(wide, allowance);
    }

    /// Changes how many deliveries more all members together may have.
    pub(crate) fn set_wide_credit(&mut self, wide: Handle, credit: u32) {
        self.set_allowance(wide, Window::Credit(credit));
    }

    fn set_allowance(&mut self, wide: Handle, allowance: Window) {
        let had_room = self.windows.has_share_room(share(wide));
        self.windows.set_share(share(wide), allowance);
        if !had_room {
            self.wake_wide(wide);
        }
    }

    /// As [`Broker::consumer_credit`], of all members together.
    pub(crate) fn wide_credit(&self, wide: Handle) -> Option<ConsumerCredit> {
        let Window::Credit(left) = self.windows.share(share(wide))? else { return None };
        let mut credit = ConsumerCredit { left, ready_count: 0, is_served: false, has_more: false };
        for member in &self.wides.all.get(wide)?.members {
            let Some(slot) = self.queues.get(member.queue) else { continue };
            let key = member.consumer.index;
            let is_served = slot.machine.consumers().any(|view| view.key == key && view.is_active);
            credit.ready_count += slot.machine.ready_count();
            credit.is_served |= is_served;
            credit.has_more |= is_served && slot.machine.has_more_for(key);
        }
        Some(credit)
    }
}
