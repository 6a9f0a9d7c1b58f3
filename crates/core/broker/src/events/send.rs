//! Events go out as messages.

use std::sync::Arc;

use smallvec::SmallVec;
use ternmq_message::{Message, MessageMeta};

use super::{Herald, Pending, Teller};
use crate::broker::Broker;

impl Broker {
    /// Who writes events as messages; without one nothing is told. Called before anybody is let in.
    pub fn set_herald(&mut self, herald: Arc<dyn Herald>) {
        self.events.herald = Some(herald);
    }

    /// Sends the events of the turn.
    pub(crate) fn tell_events(&mut self) {
        if !self.events.fresh.is_empty() {
            self.settle_connections();
        }
        if self.events.pending.is_empty() {
            return;
        }
        let Some(herald) = self.events.herald.clone() else { return };
        // What they cause is told with the next turn.
        for pending in std::mem::take(&mut self.events.pending) {
            // Nobody has to hear it.
            let _told = self.tell(&*herald, &pending);
        }
    }

    pub(super) fn tell(&mut self, herald: &dyn Herald, pending: &Pending) -> Option<()> {
        let dialect = self.dialect.clone();
        let (node, key) = (dialect.topic_node(), dialect.event_key(&pending.event)?);
        let mut queues: SmallVec<[u32; 4]> = SmallVec::new();
        match pending.only {
            Some(queue) => queues.push(queue),
            None => {
                let empty = Message::new(node, &key, b"", b"", MessageMeta::default(), None).ok()?;
                self.route(pending.namespace, &empty, &[], &mut queues).ok()?;
            }
        }
        if queues.is_empty() {
            return None;
        }
        let teller = Teller { dialect: &*dialect, formats: &self.formats, node_name: &self.node_name };
        let message = herald.message(&teller, &pending.event, (node, &key))?;
        let _nobody_waits = self.send_to(&queues, message, None);
        Some(())
    }
}
