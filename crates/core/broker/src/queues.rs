//! Verbs on queues: declare, check, delete, purge; and the end of a queue for other reasons.

use std::sync::Arc;

use ternmq_message::{Map, Value};
use ternmq_queue::{Budget, Queue};
use ternmq_routing::{Name, QueueId};

use crate::{
    broker::{Broker, Done},
    definition::{Definition, QueueRecord},
    dialect::{QueueClass, QueueOptions},
    effect::{ConnectionId, Effect, EndReason, SessionId},
    error::{Error, Kind, LimitKind, QueueProperty, Verb},
    events::Change,
    log::{Grouping, Receipt},
    namespace::NamespaceId,
    nodes::{argument_error, find_value, first_difference},
    policy::at_once,
    queue_table::QueueSlot,
    records::kind,
    timers::TimerKey,
};

/// A queue as an application declares it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSpec {
    /// Name; empty: the broker makes one.
    pub name: Arc<str>,
    /// It outlives a restart.
    pub is_durable: bool,
    /// Only this connection may use it, and it goes with the connection.
    pub is_exclusive: bool,
    /// It goes with its last consumer.
    pub is_auto_delete: bool,
    /// Arguments.
    pub arguments: Map,
}

/// A queue's name and counts, as an answer to its declaration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueStatus {
    /// Name.
    pub name: Arc<str>,
    /// Ready messages.
    pub ready_count: u64,
    /// Consumers.
    pub consumer_count: u32,
}

/// A property of the declaration that queues of the class can't have.
fn unfit_property(spec: &QueueSpec, class: QueueClass) -> Option<QueueProperty> {
    match class {
        QueueClass::Classic => None,
        QueueClass::Quorum if !spec.is_durable => Some(QueueProperty::NotDurable),
        QueueClass::Quorum if spec.is_exclusive => Some(QueueProperty::Exclusive),
        QueueClass::Quorum if spec.is_auto_delete => Some(QueueProperty::AutoDelete),
        QueueClass::Quorum => None,
    }
}

impl Broker {
    /// Declares a queue; declaring the same one again is fine and answers its counts.
    ///
    /// # Errors
    /// A reserved or invalid name, no permission, a bad argument, it exists with other properties or belongs to
    /// another connection, or a limit is reached.
    pub fn declare_queue(&mut self, session: SessionId, spec: QueueSpec) -> Result<Done<QueueStatus>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        let mut spec = spec;
        if spec.name.is_empty() {
            let random = self.random();
            spec.name = self.dialect.generated_name(random).into();
        } else if self.dialect.is_reserved(&spec.name) {
            return Err(Error::ReservedName { kind: Kind::Queue, name: spec.name });
        }
        self.authorize(&principal, Verb::Configure, Kind::Queue, &space, &spec.name)?;
        if let Some(id) = self.find_queue(namespace, &spec.name) {
            self.check_owner(id, connection)?;
            self.compare_queue(id, &space, &spec)?;
            self.touch_queue(id);
            return Ok(at_once(self.status(id)));
        }
        let options = self
            .dialect
            .queue_options(&spec.arguments)
            .map_err(|error| argument_error(Kind::Queue, &spec.name, &space, error))?;
        Name::check(&spec.name)
            .map_err(|_| Error::InvalidName { kind: Kind::Queue, name: spec.name.clone() })?;
        if let Some(property) = unfit_property(&spec, options.class.unwrap_or_default()) {
            return Err(Error::Unfit { name: spec.name, namespace: space, property });
        }
        if let Some(node) = &options.dead_letter_node {
            // The dead-letter route publishes on the declarer's behalf (S5).
            self.authorize(&principal, Verb::Read, Kind::Queue, &space, &spec.name)?;
            self.authorize(&principal, Verb::Write, Kind::Node, &space, node)?;
        }
        self.check_queue_limits(namespace)?;
        self.make_queue(namespace, space, spec, connection)
    }

    /// Makes a queue for a use when there is none of its name. One that is there is taken as it is. Whoever may not use it
    /// so does not learn whether it is there.
    ///
    /// # Errors
    /// No permission for the use, a reserved name, another connection's queue, or, of one that is not there, as
    /// [`Broker::declare_queue`].
    pub fn ensure_queue(
        &mut self,
        session: SessionId,
        spec: QueueSpec,
        wanted: Verb,
    ) -> Result<Done<QueueStatus>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, wanted, Kind::Queue, &space, &spec.name)?;
        if self.dialect.is_reserved(&spec.name) {
            return Err(Error::ReservedName { kind: Kind::Queue, name: spec.name });
        }
        let Some(id) = self.find_queue(namespace, &spec.name) else {
            return self.declare_queue(session, spec);
        };
        self.check_owner(id, connection)?;
        self.touch_queue(id);
        Ok(at_once(self.status(id)))
    }

    pub(crate) fn make_queue(
        &mut self,
        namespace: NamespaceId,
        space: Arc<str>,
        spec: QueueSpec,
        connection: ConnectionId,
    ) -> Result<Done<QueueStatus>, Error> {
        let id = self.queues.next_id().ok_or(Error::Gone)?;
        let incarnation = self.rng.next_u64();
        let class =
            self.dialect.queue_options(&spec.arguments).ok().and_then(|o| o.class).unwrap_or_default();
        let record = QueueRecord {
            id,
            incarnation,
            namespace: space,
            name: spec.name,
            class,
            is_durable: spec.is_durable,
            is_auto_delete: spec.is_auto_delete,
            arguments: spec.arguments,
        };
        let owner = spec.is_exclusive.then_some(connection);
        self.add_queue(namespace, &record, owner);
        let is_logged = record.is_durable && owner.is_none();
        let receipt = self.record_if(is_logged, &Definition::PutQueue(record));
        if let Some(connection) = owner.and_then(|owner| self.connections.get_mut(owner.into())) {
            connection.owned_queues.push(id);
        }
        self.counters.queues_created += 1;
        if self.events.is_on() && owner.is_none() {
            self.note_queue(id, Change::Come, Some(connection));
        }
        self.arm_idle(id);
        self.join_wides(id);
        Ok(Done { value: self.status(id), receipt })
    }

    /// Makes a queue of the adapter's own, for answers to the connection: transient, exclusive, gone with its
    /// consumer, not listed. Its name is the adapter's choice and must hold 128 random bits (S6).
    ///
    /// # Errors
    /// Rules on such names do not allow it, a limit is reached, or the name is taken or invalid.
    pub fn declare_private_queue(&mut self, session: SessionId, name: &str) -> Result<(), Error> {
        self.make_private_queue(session, name, true)
    }

    /// As [`Broker::declare_private_queue`], for one that stays as long as the connection, whoever consumes from it; one
    /// of this connection that is there already is fine.
    ///
    /// # Errors
    /// As [`Broker::declare_private_queue`]; another connection's queue.
    pub fn ensure_private_queue(&mut self, session: SessionId, name: &str) -> Result<(), Error> {
        let (principal, namespace, connection) = self.who(session)?;
        match self.find_queue(namespace, name) {
            Some(id) => {
                let space = self.namespaces.name(namespace);
                self.authorize_unlisted(&principal, Verb::Configure, &space, name)?;
                self.check_owner(id, connection)
            }
            None => self.make_private_queue(session, name, false),
        }
    }

    /// Deletes a private queue of this connection; one that does not exist is fine. No permission is asked, as for making it.
    ///
    /// # Errors
    /// Another connection's queue, or one that is in use.
    pub fn delete_private_queue(&mut self, session: SessionId, name: &str) -> Result<(), Error> {
        let (_, namespace, connection) = self.who(session)?;
        let Some(id) = self.find_queue(namespace, name) else { return Ok(()) };
        let is_private = self.queues.get(id).is_some_and(|slot| slot.is_private);
        if !is_private || self.check_owner(id, connection).is_err() {
            return Err(Error::Locked { name: name.into(), namespace: self.namespaces.name(namespace) });
        }
        if self.status(id).consumer_count > 0 {
            let namespace = self.namespaces.name(namespace);
            return Err(Error::InUse { kind: Kind::Queue, name: name.into(), namespace });
        }
        self.drop_queue(id);
        Ok(())
    }

    /// Names of the private queues of every connection of the session's namespace.
    #[must_use]
    pub fn private_queues(&self, session: SessionId) -> Vec<Arc<str>> {
        let Some(session) = self.sessions.get(session.into()) else { return Vec::new() };
        let owned = self.connections.iter().flat_map(|(_, connection)| &connection.owned_queues);
        let slots = owned.filter_map(|id| self.queues.get(*id).map(|slot| (*id, slot)));
        slots
            .filter(|(_, slot)| slot.is_private && slot.namespace == session.namespace)
            .map(|(id, _)| self.status(id).name)
            .collect()
    }

    fn make_private_queue(
        &mut self,
        session: SessionId,
        name: &str,
        is_auto_delete: bool,
    ) -> Result<(), Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize_unlisted(&principal, Verb::Configure, &space, name)?;
        Name::check(name).map_err(|_| Error::InvalidName { kind: Kind::Queue, name: name.into() })?;
        if self.find_queue(namespace, name).is_some() {
            return Err(Error::InUse { kind: Kind::Queue, name: name.into(), namespace: space });
        }
        self.check_queue_limits(namespace)?;
        let spec = QueueSpec {
            name: name.into(),
            is_durable: false,
            is_exclusive: true,
            is_auto_delete,
            arguments: Map::new(),
        };
        let _made = self.make_queue(namespace, space, spec, connection)?;
        if let Some(slot) = self.find_queue(namespace, name).and_then(|id| self.queues.get_mut(id)) {
            slot.is_private = true;
        }
        Ok(())
    }

    /// Whether there is a queue of this name in the session's namespace, whoever it belongs to.
    #[must_use]
    pub fn has_queue(&self, session: SessionId, name: &str) -> bool {
        let session = self.sessions.get(session.into());
        session.is_some_and(|session| self.find_queue(session.namespace, name).is_some())
    }

    /// The queue of a record, empty and in no table yet.
    fn new_slot(
        &mut self,
        namespace: NamespaceId,
        record: &QueueRecord,
        owner: Option<ConnectionId>,
    ) -> QueueSlot {
        let options = self.dialect.queue_options(&record.arguments).unwrap_or_default();
        let effective = self.effective(&record.namespace, &record.name, record.class, Some(&options));
        let settings = self.shared_settings.share(effective.settings);
        QueueSlot {
            name: record.name.clone(),
            namespace,
            incarnation: record.incarnation,
            class: record.class,
            is_durable: record.is_durable,
            is_auto_delete: record.is_auto_delete,
            owner,
            arguments: record.arguments.clone(),
            options: (options != QueueOptions::default()).then(|| Box::new(options)),
            machine: Queue::new(settings),
            had_consumer: false,
            is_private: false,
            skips: None,
            lapse: None,
            client: None,
            sheds_above_bytes: None,
            used_at_ms: self.time.ms(),
            head_timer_ms: None,
            idle_timer_ms: None,
            awaits_snapshot: false,
            owes_snapshot: false,
        }
    }

    /// Puts the queue of a record into the table and the topology.
    fn add_queue(&mut self, namespace: NamespaceId, record: &QueueRecord, owner: Option<ConnectionId>) {
        let Ok(name) = Name::new(&record.name) else { return };
        let mut slot = self.new_slot(namespace, record, owner);
        let Some(space) = self.namespaces.get_mut(namespace) else { return };
        if space.topology.add_queue(name, QueueId(record.id)).is_ok() {
            if let Some(filter) = self.dialect.admission(&record.arguments, &self.filters()) {
                slot.machine.set_admission(Some(filter));
            }
            if self.dialect.takes_wanted_only(&record.name) {
                slot.machine.take_wanted_only();
            }
            if self.pressure.budget != Budget::default() {
                slot.machine.set_budget(self.pressure.budget, &mut self.outbox);
            }
            self.queues.insert(record.id, slot);
        }
    }

    pub(crate) fn apply_put_queue(&mut self, record: &QueueRecord) {
        let Some(namespace) = self.namespaces.find(&record.namespace) else { return };
        if let Some(known) = self.find_queue(namespace, &record.name) {
            if known == record.id
                && self.queues.get(known).is_some_and(|q| q.incarnation == record.incarnation)
            {
                return;
            }
            self.remove_queue(known, EndReason::QueueGone);
        }
        if self.queues.get(record.id).is_some() {
            self.remove_queue(record.id, EndReason::QueueGone);
        }
        // Its number was given away, so nothing of the older queue was left.
        self.give_up_remnant(record.id);
        self.add_queue(namespace, record, None);
    }

    /// Replays what a checkpoint tells of a remnant.
    pub(crate) fn apply_put_remnant(&mut self, record: &QueueRecord) {
        let Some(namespace) = self.namespaces.find(&record.namespace) else { return };
        if self.queues.any(record.id).is_none() {
            let slot = self.new_slot(namespace, record, None);
            self.queues.keep_remnant(record.id, Box::new(slot));
        }
    }

    /// Whether a queue exists and may be used by this connection, with its counts.
    ///
    /// # Errors
    /// It does not exist, the user has no permission for it at all, or it belongs to another connection.
    pub fn check_queue(&mut self, session: SessionId, name: &str) -> Result<QueueStatus, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize_sight(&principal, Kind::Queue, &space, name)?;
        let id = self.require_queue(namespace, connection, name)?;
        Ok(self.status(id))
    }

    /// Deletes a queue with its messages and bindings; one that does not exist is fine. Answers the number of its
    /// ready messages.
    ///
    /// # Errors
    /// No permission, another connection's queue, in use or not empty although that was asked for.
    pub fn delete_queue(
        &mut self,
        session: SessionId,
        name: &str,
        if_unused: bool,
        if_empty: bool,
    ) -> Result<Done<u64>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, Verb::Delete, Kind::Queue, &space, name)?;
        let Some(id) = self.find_queue(namespace, name) else { return Ok(at_once(0)) };
        self.check_owner(id, connection)?;
        let status = self.status(id);
        if if_unused && status.consumer_count > 0 {
            return Err(Error::InUse { kind: Kind::Queue, name: name.into(), namespace: space });
        }
        if if_empty && status.ready_count > 0 {
            return Err(Error::NotEmpty { name: name.into(), namespace: space });
        }
        let receipt = self.drop_queue(id);
        Ok(Done { value: status.ready_count, receipt })
    }

    /// Drops the ready messages of a queue and answers how many they were.
    ///
    /// # Errors
    /// It does not exist, no permission, or another connection's queue.
    pub fn purge_queue(&mut self, session: SessionId, name: &str) -> Result<Done<u64>, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        self.authorize(&principal, Verb::Read, Kind::Queue, &space, name)?;
        let id = self.require_queue(namespace, connection, name)?;
        Ok(self.purge(id))
    }

    /// Drops the ready messages of a queue.
    pub(crate) fn purge(&mut self, id: u32) -> Done<u64> {
        let Some(slot) = self.queues.get_mut(id) else { return at_once(0) };
        let count = slot.machine.purge(&mut self.outbox);
        let is_logged = slot.is_logged();
        self.pump(id);
        // All of it goes out now, so that the answer can wait for it.
        self.settles.flush(&mut *self.log, Grouping::Ends);
        let receipt = if is_logged && count > 0 {
            let appended = self.log.append(kind::GROUP_END, Grouping::Ends, &[]);
            appended.receipt()
        } else {
            Receipt::NONE
        };
        Done { value: count, receipt }
    }

    /// The queue ends: its consumers are told, its messages and bindings go, the log hears of it.
    pub(crate) fn drop_queue(&mut self, id: u32) -> Receipt {
        let Some(slot) = self.queues.get(id) else { return Receipt::NONE };
        let (is_logged, is_shared) = (slot.is_logged(), slot.owner.is_none());
        if self.events.is_on() {
            self.note_consumers_gone(id);
            if is_shared {
                self.note_queue(id, Change::Gone, None);
            }
        }
        self.remove_queue(id, EndReason::QueueGone);
        self.counters.queues_deleted += 1;
        self.record_if(is_logged, &Definition::DeleteQueue { id })
    }

    pub(crate) fn remove_queue(&mut self, id: u32, reason: EndReason) {
        if self.events.is_on() {
            self.note_consumers_gone(id);
        }
        self.let_lapse_go(id);
        let Some(mut slot) = self.queues.remove(id) else { return };
        self.timers.reset(TimerKey::Head(id), slot.head_timer_ms.take(), None);
        self.timers.reset(TimerKey::Idle(id), slot.idle_timer_ms.take(), None);
        let keys: Vec<u32> = slot.machine.consumers().map(|consumer| consumer.key).collect();
        for key in keys {
            slot.machine.remove_consumer(key);
            self.end_consumer(key, reason);
        }
        if let Some(client) = slot.client {
            self.clients.on_queue_gone(client, id);
        } else if slot.sheds_above_bytes.is_some() {
            self.clients.on_group_queue_gone(id);
        }
        slot.machine.drain_all(&mut self.outbox);
        if let Some(owner) = slot.owner.and_then(|owner| self.connections.get_mut(owner.into())) {
            owner.owned_queues.retain(|owned| *owned != id);
        }
        let namespace = slot.namespace;
        // What a snapshot still to come tells is not known yet.
        if slot.machine.is_dying() || slot.awaits_snapshot {
            self.forget_outbox();
            self.queues.keep_remnant(id, slot);
        } else {
            slot.machine.drop_dying(&mut self.outbox);
            self.forget_outbox();
            self.settles.forget(id);
            self.remarks.forget(id);
        }
        if let Some(space) = self.namespaces.get_mut(namespace) {
            let removed = space.topology.remove_queue(QueueId(id));
            self.drop_emptied_nodes(namespace, removed);
        }
    }

    /// Ends a remnant that has seen off what was on its way.
    pub(crate) fn end_remnant(&mut self, id: u32) {
        let is_done = |slot: &QueueSlot| !slot.machine.is_dying();
        if self.queues.get(id).is_none() && self.queues.any(id).is_some_and(is_done) {
            // Before another queue has its number.
            self.settles.flush(&mut *self.log, Grouping::Ends);
            self.give_up_remnant(id);
        }
    }

    /// Ends the remnants of a kind, whatever is still on its way.
    pub(crate) fn give_up_remnants(&mut self, is_meant: impl Fn(&QueueSlot) -> bool) {
        let remnants = self.queues.remnants().filter(|(_, slot)| is_meant(slot));
        let ids: Vec<u32> = remnants.map(|(id, _)| id).collect();
        for id in ids {
            self.give_up_remnant(id);
        }
    }

    fn give_up_remnant(&mut self, id: u32) {
        let Some(mut slot) = self.queues.take_remnant(id) else { return };
        slot.machine.drop_dying(&mut self.outbox);
        self.forget_outbox();
        self.settles.forget(id);
        self.remarks.forget(id);
    }

    /// A consumer ends because its queue does, or an operator says so.
    pub(crate) fn end_consumer(&mut self, key: u32, reason: EndReason) {
        let Some(handle) = self.consumers.handle_at(key) else { return };
        let Some(consumer) = self.consumers.remove(handle) else { return };
        if let Some(session) = self.sessions.get_mut(consumer.session.into()) {
            session.consumers.retain(|id| id.index != key);
        }
        if let Some(wide) = consumer.wide {
            self.drop_member(wide, handle.into());
            return;
        }
        self.effects.push((
            consumer.connection,
            Effect::ConsumerEnded {
                session_label: consumer.session_label,
                consumer_label: consumer.label,
                reason,
            },
        ));
    }

    pub(crate) fn check_queue_limits(&self, namespace: NamespaceId) -> Result<(), Error> {
        let max = u64::from(self.limits.max_queues);
        if self.queues.len() as u64 >= max {
            return Err(Error::Limit { limit: LimitKind::Queues, owner: self.node_name.clone(), max });
        }
        let Some(space) = self.namespaces.get(namespace) else { return Err(Error::Gone) };
        match space.record.max_queues {
            Some(max) if space.topology.queue_count() as u64 >= max => {
                Err(Error::Limit { limit: LimitKind::NamespaceQueues, owner: space.record.name.clone(), max })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn find_queue(&self, namespace: NamespaceId, name: &str) -> Option<u32> {
        self.namespaces.get(namespace)?.topology.find_queue(name).map(|id| id.0)
    }

    /// A queue that exists and that the connection may use.
    pub(crate) fn require_queue(
        &self,
        namespace: NamespaceId,
        connection: ConnectionId,
        name: &str,
    ) -> Result<u32, Error> {
        let id = self.find_queue(namespace, name).ok_or_else(|| Error::NotFound {
            kind: Kind::Queue,
            name: name.into(),
            namespace: self.namespaces.name(namespace),
        })?;
        self.check_owner(id, connection)?;
        Ok(id)
    }

    pub(crate) fn check_owner(&self, id: u32, connection: ConnectionId) -> Result<(), Error> {
        match self.queues.get(id) {
            Some(slot) if slot.owner.is_some_and(|owner| owner != connection) => Err(Error::Locked {
                name: slot.name.clone(),
                namespace: self.namespaces.name(slot.namespace),
            }),
            _ => Ok(()),
        }
    }

    pub(crate) fn status(&self, id: u32) -> QueueStatus {
        match self.queues.get(id) {
            None => QueueStatus { name: Arc::default(), ready_count: 0, consumer_count: 0 },
            Some(slot) => QueueStatus {
                name: slot.name.clone(),
                ready_count: slot.machine.ready_count(),
                consumer_count: u32::try_from(slot.machine.consumer_count()).unwrap_or(u32::MAX),
            },
        }
    }

    fn compare_queue(&self, id: u32, space: &Arc<str>, spec: &QueueSpec) -> Result<(), Error> {
        let Some(current) = self.queues.get(id) else { return Err(Error::Gone) };
        let differs = |field: &str, received: Option<Value>, current: Option<Value>| {
            Err(Error::Inequivalent {
                kind: Kind::Queue,
                name: spec.name.clone(),
                namespace: space.clone(),
                field: field.into(),
                received,
                current,
            })
        };
        // To take hold of a queue for one connection, or to let go of it, is a question of access before all others.
        if spec.is_exclusive != current.owner.is_some() {
            return Err(Error::Locked { name: spec.name.clone(), namespace: space.clone() });
        }
        for (field, received, current) in [
            ("durable", spec.is_durable, current.is_durable),
            ("auto_delete", spec.is_auto_delete, current.is_auto_delete),
        ] {
            if received != current {
                return differs(field, Some(Value::Bool(received)), Some(Value::Bool(current)));
            }
        }
        let name = self.dialect.class_argument();
        let class = find_value(&spec.arguments, name);
        let default = Value::str(self.dialect.class_name(QueueClass::default()));
        if class.as_ref().unwrap_or(&default).as_str() != Some(self.dialect.class_name(current.class)) {
            return differs(name, class, find_value(&current.arguments, name));
        }
        match first_difference(&spec.arguments, &current.arguments, self.dialect.compared_arguments()) {
            Some((field, received, current)) => differs(field, received, current),
            None => Ok(()),
        }
    }
}
