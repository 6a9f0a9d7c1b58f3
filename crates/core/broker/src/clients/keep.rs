//! Clients in the log: their definitions, how a replay applies them, what a start does once all are there.

use ternmq_stdx::layout::BadLayout;

use crate::{
    broker::Broker,
    clients::{Client, ClientId, Group, GroupKey, Subscription, Will},
    definition::{ClientRecord, Definition, SubscriptionRecord},
    log::Grouping,
    namespace::NamespaceId,
    records::{WillRecord, kind, read_token, read_will, will_parts},
};

/// Most clients looked at in one step of a checkpoint.
const STEP_CLIENTS: u32 = 16_384;

impl Broker {
    pub(crate) fn client_record(&self, id: ClientId) -> Option<ClientRecord> {
        let client = self.clients.get(id)?;
        let own = client.own.as_ref();
        Some(ClientRecord {
            id: id.0,
            namespace: self.namespaces.name(client.namespace),
            name: client.name.clone(),
            user: client.user.clone(),
            keep_ms: client.keep_ms,
            left_at_ms: client.left_at_ms,
            queue: client.queue,
            taken: own.map(|own| own.taken.clone()).unwrap_or_default(),
            released: own.map(|own| own.released.clone()).unwrap_or_default(),
        })
    }

    /// The clients that are kept and their subscriptions.
    pub(crate) fn add_client_definitions(&self, all: &mut Vec<Definition>) {
        for (id, client) in self.clients.iter().filter(|(_, client)| client.is_logged) {
            all.extend(self.client_record(id).map(Definition::PutClient));
            for subscription in client.subscriptions() {
                let record = self.subscription_record(id, subscription.number);
                all.extend(record.map(Definition::PutSubscription));
            }
        }
    }

    /// Writes the next wills of kept clients for the running checkpoint, some `room_bytes` of them; one that changes
    /// meanwhile has a record of its own. True when all are written.
    pub(crate) fn write_wills(&mut self, room_bytes: u64) -> bool {
        let Some(first) = self.clients.next_will.take() else { return true };
        let (began, end) = (self.log.next_pos(), self.clients.end());
        let mut next = first;
        while next < end {
            if next - first >= STEP_CLIENTS || self.log.next_pos() - began > room_bytes {
                self.clients.next_will = Some(next);
                return false;
            }
            let id = ClientId(next);
            next += 1;
            let Some(client) = self.clients.get(id).filter(|client| client.is_logged) else { continue };
            let Some(will) = client.own.as_ref().and_then(|own| own.will.as_ref()) else { continue };
            self.scratch.clear();
            let parts = (&will.message, will.delay_ms, will.is_retained);
            will_parts(&mut self.scratch, id.0, Some(parts));
            self.log.append(kind::WILL, Grouping::Ends, &[self.scratch.bytes(), will.message.raw()]);
        }
        true
    }

    pub(crate) fn apply_put_client(&mut self, record: &ClientRecord) {
        let id = ClientId(record.id);
        let Some(namespace) = self.namespaces.find(&record.namespace) else { return };
        let is_known = self
            .clients
            .get(id)
            .is_some_and(|known| known.namespace == namespace && known.name == record.name);
        if !is_known {
            self.apply_delete_client(id);
            self.clients.insert(
                id,
                Client {
                    name: record.name.clone(),
                    namespace,
                    user: record.user.clone(),
                    session: None,
                    queue: None,
                    keep_ms: record.keep_ms,
                    is_logged: true,
                    left_at_ms: None,
                    timer_ms: None,
                    own: None,
                },
            );
        }
        let Some(client) = self.clients.get_mut(id) else { return };
        client.user = record.user.clone();
        client.keep_ms = record.keep_ms;
        client.left_at_ms = record.left_at_ms;
        client.queue = record.queue;
        if !record.taken.is_empty() || !record.released.is_empty() || client.own.is_some() {
            let own = client.own();
            own.taken.clone_from(&record.taken);
            own.released.clone_from(&record.released);
        }
        if let Some(slot) = record.queue.and_then(|queue| self.queues.get_mut(queue)) {
            slot.serve_client(id);
        }
    }

    pub(crate) fn apply_delete_client(&mut self, id: ClientId) {
        // Its queue and those of its groups have definitions of their own.
        let Some(client) = self.clients.remove(id) else { return };
        for subscription in client.subscriptions() {
            self.forget_member(client.namespace, subscription);
        }
    }

    /// One member less in the group that shares a subscription; its queue has a definition of its own.
    fn forget_member(&mut self, namespace: NamespaceId, subscription: &Subscription) {
        let Some(group) = &subscription.group else { return };
        let key = (namespace, group.clone(), subscription.key.clone());
        if let Some(known) = self.clients.groups.get_mut(&key) {
            known.members = known.members.saturating_sub(1);
            if known.members == 0 {
                self.clients.groups.remove(&key);
            }
        }
    }

    pub(crate) fn apply_put_subscription(&mut self, record: &SubscriptionRecord) {
        let id = ClientId(record.client);
        self.apply_delete_subscription(id, record.number);
        let Some(client) = self.clients.get_mut(id) else { return };
        let namespace = client.namespace;
        let own = client.own();
        own.next_number = own.next_number.max(record.number);
        own.subscriptions.push(Subscription {
            key: record.key.clone(),
            group: record.group.clone(),
            label: record.label,
            skips_own: record.skips_own,
            needs_settle: record.needs_settle,
            number: record.number,
        });
        if let (Some(group), Some(queue)) = (&record.group, record.queue) {
            let key = (namespace, group.clone(), record.key.clone());
            let group = self.clients.groups.entry(key).or_insert(Group { queue, members: 0 });
            group.members += 1;
            group.queue = queue;
        }
    }

    pub(crate) fn apply_delete_subscription(&mut self, id: ClientId, number: u32) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let namespace = client.namespace;
        let Some(own) = &mut client.own else { return };
        if let Some(at) = own.subscriptions.iter().position(|known| known.number == number) {
            let subscription = own.subscriptions.remove(at);
            self.forget_member(namespace, &subscription);
        }
    }

    pub(crate) fn replay_token(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let record = read_token(payload)?;
        self.apply_token(record);
        Ok(())
    }

    pub(crate) fn replay_will(&mut self, payload: &[u8]) -> Result<(), BadLayout> {
        let WillRecord { client, will } = read_will(payload)?;
        let Some(client) = self.clients.get_mut(ClientId(client)) else { return Ok(()) };
        match will {
            None => {
                if let Some(own) = &mut client.own {
                    own.will = None;
                }
            }
            Some((message, delay_ms, is_retained)) => {
                client.own().will = Some(Box::new(Will { message, delay_ms, is_retained }));
            }
        }
        Ok(())
    }

    /// Whether a queue is the one that was made for a client or a group under this name, or under a made one when this was
    /// taken. A log that was damaged may have lost that it is another queue's number by now (F5).
    fn is_made_for(&self, queue: u32, wished: &str) -> bool {
        let slot = self.queues.get(queue);
        slot.is_some_and(|slot| *slot.name == *wished || self.dialect.is_reserved(&slot.name))
    }

    /// What belongs to another one than the definitions say is not served: nothing of another queue reaches a client (I2).
    fn forget_queues_of_others(&mut self) {
        let is_its = |(id, client): (ClientId, &Client)| {
            let queue = client.queue?;
            let wished = self.dialect.client_queue_name(&client.name);
            (!self.is_made_for(queue, &wished)).then_some((id, queue))
        };
        let lost: Vec<(ClientId, u32)> = self.clients.iter().filter_map(is_its).collect();
        for (id, queue) in lost {
            self.clients.on_queue_gone(id, queue);
            if let Some(slot) = self.queues.get_mut(queue) {
                slot.serve_nobody();
            }
        }
        let is_lost = |((_, name, key), group): (&GroupKey, &Group)| {
            let wished = self.dialect.group_queue_name(name, key);
            (!self.is_made_for(group.queue, &wished)).then_some(group.queue)
        };
        let lost: Vec<u32> = self.clients.groups.iter().filter_map(is_lost).collect();
        lost.into_iter().for_each(|queue| self.clients.on_group_queue_gone(queue));
    }

    /// No client has a connection after a start: the wills of those that had one, and their ends, become due.
    pub(crate) fn finish_client_recovery(&mut self) {
        self.forget_queues_of_others();
        let now_ms = self.time.ms();
        let ids: Vec<ClientId> = self.clients.iter().map(|(id, _)| id).collect();
        for id in ids {
            let Some(client) = self.clients.get_mut(id) else { continue };
            client.left_at_ms.get_or_insert(now_ms);
            if client.queue.is_none()
                && let Some(own) = &mut client.own
            {
                own.subscriptions.retain(|subscription| subscription.group.is_some());
            }
            if let Some(queue) = client.queue {
                match self.queues.get_mut(queue) {
                    Some(slot) => {
                        slot.serve_client(id);
                        slot.sheds_above_bytes = Some(0);
                    }
                    None => self.clients.on_queue_gone(id, queue),
                }
            }
            self.on_client_due(id);
        }
        let most = self.limits.client_backlog_bytes;
        self.clients.groups.retain(|_, group| self.queues.get(group.queue).is_some());
        for group in self.clients.groups.values() {
            if let Some(slot) = self.queues.get_mut(group.queue) {
                slot.sheds_above_bytes = Some(most);
            }
        }
    }
}
