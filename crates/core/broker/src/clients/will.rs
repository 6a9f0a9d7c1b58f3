//! Wills: kept with the client, published when it goes without a word, once.

use ternmq_routing::NodeKind;

use crate::{
    broker::Broker,
    clients::{ClientId, Will},
    effect::SessionId,
    error::{Error, Verb},
    log::Grouping,
    namespace::NamespaceId,
    records::{kind, will_parts},
};

impl Broker {
    /// Leaves a will with the client that a session serves, or takes it back.
    ///
    /// # Errors
    /// No client, or the user may not publish there; the will that was there stays then.
    pub fn set_will(&mut self, session: SessionId, will: Option<Will>) -> Result<(), Error> {
        let (client, namespace) = self.client_of(session)?;
        let Some(will) = will else {
            self.clear_will(client);
            return Ok(());
        };
        let (principal, _, _) = self.who(session)?;
        self.check_will(&principal, namespace, &will)?;
        let known = self.clients.get_mut(client).ok_or(Error::Gone)?;
        let is_kept = known.is_logged;
        let will = known.own().will.insert(Box::new(will));
        if is_kept {
            self.scratch.clear();
            let parts = (&will.message, will.delay_ms, will.is_retained);
            will_parts(&mut self.scratch, client.0, Some(parts));
            let raw = will.message.raw().clone();
            let grouping = self.grouping(Grouping::Ends);
            self.log.append(kind::WILL, grouping, &[self.scratch.bytes(), &raw]);
        }
        Ok(())
    }

    fn check_will(
        &self,
        principal: &ternmq_access::Principal,
        namespace: NamespaceId,
        will: &Will,
    ) -> Result<(), Error> {
        let message = &will.message;
        let node = self.check_target(principal, namespace, message.node(), message.key())?;
        let space = self.namespaces.get(namespace).ok_or(Error::Gone)?;
        if space.topology.node(node).is_some_and(|spec| spec.kind == NodeKind::Topic) {
            let name = &space.record.name;
            self.authorize_key(principal, Verb::Write, name, message.node(), message.key())?;
        }
        Ok(())
    }

    /// Takes a will back.
    pub(crate) fn clear_will(&mut self, client: ClientId) {
        self.take_will(client);
    }

    fn take_will(&mut self, client: ClientId) -> Option<Box<Will>> {
        let known = self.clients.get_mut(client)?;
        let is_kept = known.is_logged;
        let will = known.own.as_mut()?.will.take()?;
        if is_kept {
            self.scratch.clear();
            will_parts(&mut self.scratch, client.0, None);
            let grouping = self.grouping(Grouping::Ends);
            self.log.append(kind::WILL, grouping, &[self.scratch.bytes()]);
        }
        Some(will)
    }

    /// Publishes the will of a client, if it has one and its user still may (S7). In the log it is gone with the same
    /// group that publishes it, so that it is published once.
    pub(crate) fn publish_will(&mut self, client: ClientId) {
        let Some(known) = self.clients.get(client) else { return };
        if known.own.as_ref().is_none_or(|own| own.will.is_none()) {
            return;
        }
        let (namespace, user) = (known.namespace, known.user.clone());
        self.as_group(|broker| {
            let Some(will) = broker.take_will(client) else { return };
            let space = broker.namespaces.name(namespace);
            let principal = broker.principal(&user, &space);
            if broker.check_will(&principal, namespace, &will).is_err() {
                return;
            }
            let mut queues = smallvec::SmallVec::new();
            // The node is there, as just seen.
            let _stable = broker.route(namespace, &will.message, &[], &mut queues);
            broker.counters.published += 1;
            if will.is_retained {
                let _done = broker.retain_in(namespace, &will.message);
            }
            let _published = broker.send_to(&queues, will.message, None);
        });
    }
}
