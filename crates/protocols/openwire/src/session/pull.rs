//! MessagePull: consumers without a prefetch ask for each message, for a while, for ever, or for what is there.

use ternmq_broker::{Broker, Receipt};

use super::{OpenWireSession, answer::Asked, consume::required};
use crate::{
    codec::{Field, Kind, Object},
    error::Fault,
};

impl OpenWireSession {
    /// Timeout in ms; 0: for ever; negative: only what is there.
    pub(super) fn on_pull(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let id = required(command, Field::ConsumerId)?;
        let timeout_ms = command.number(Field::Timeout);
        let now_ms = broker.monotonic_ms();
        self.promise(broker, asked, Receipt::NONE, out);
        let Some(slot) = self.slot_of(id) else { return Ok(()) };
        let Some(consumer) = self.consumer_at(slot).filter(|consumer| consumer.prefetch == 0) else {
            return Ok(());
        };
        consumer.pulls = 1;
        let wait_ms = u64::try_from(timeout_ms).unwrap_or_default();
        consumer.pull_deadline_ms = (timeout_ms > 0).then(|| now_ms.saturating_add(wait_ms));
        self.renew_window(broker, slot);
        if timeout_ms < 0 {
            self.flush_effects(broker, out);
            self.end_pull(broker, slot, out);
        }
        Ok(())
    }

    /// The next time at which somebody's asking is over.
    pub(super) fn pull_deadline_ms(&self) -> Option<u64> {
        self.consumers.iter().flatten().filter_map(|consumer| consumer.pull_deadline_ms).min()
    }

    pub(super) fn end_pulls(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        for slot in 0..self.consumers.len() {
            let consumer = self.consumer_at(slot);
            if consumer.and_then(|known| known.pull_deadline_ms).is_some_and(|at_ms| at_ms <= now_ms) {
                self.end_pull(broker, slot, out);
            }
        }
    }

    /// Tells that there is no message, if none has come.
    fn end_pull(&mut self, broker: &mut Broker, slot: usize, out: &mut Vec<u8>) {
        let Some(consumer) = self.consumer_at(slot).filter(|consumer| consumer.pulls > 0) else { return };
        consumer.pulls = 0;
        consumer.pull_deadline_ms = None;
        let nothing = Object::new(Kind::MessageDispatch)
            .with_object(Field::ConsumerId, consumer.id.clone())
            .with_object(Field::Destination, consumer.destination.clone());
        self.renew_window(broker, slot);
        self.send(&nothing, out);
    }
}
