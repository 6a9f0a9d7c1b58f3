//! Temporary queues for answers: made when a message first names one in its reply address, read by the connection itself.

use std::sync::Arc;

use ternmq_broker::{Broker, ConsumeSpec, QueueSpec};

use super::{
    StompSession,
    close::gone,
    subscribe::{AckMode, NewSubscription},
};
use crate::error::Fault;

impl StompSession {
    /// The queue behind the client's name for it.
    pub(super) fn temporary_queue(&mut self, broker: &mut Broker, label: &str) -> Result<Arc<str>, Fault> {
        let tag = super::subscribe::tag_of_id(label);
        if let Some(known) = self.subscription_by_tag(&tag) {
            return Ok(known.queue.clone());
        }
        let dialect = broker.dialect().clone();
        let session = self.session.ok_or_else(gone)?;
        self.check_subscriptions(broker)?;
        // The broker names it; it belongs to the connection (S6).
        let spec = QueueSpec { is_exclusive: true, is_auto_delete: true, ..QueueSpec::default() };
        let fault = |error| Fault::of(&error, &*dialect);
        let queue = broker.declare_queue(session, spec).map_err(fault)?.value.name;
        let slot = self.free_slot();
        let consume = ConsumeSpec {
            queue: &queue,
            label: u32::try_from(slot).unwrap_or(u32::MAX),
            window: None,
            needs_settle: false,
            is_exclusive: false,
            priority: 0,
            is_preferred: false,
        };
        let consumer = broker.consume(session, &consume).map_err(fault)?;
        self.add_subscription(NewSubscription {
            slot,
            tag,
            id: Some(label),
            consumer,
            mode: AckMode::Auto,
            queue: queue.clone(),
            is_subscription: false,
        });
        broker.start_consumer(consumer);
        Ok(queue)
    }
}
