//! Figures of the broker and its queues, for clients that ask by a message.

use std::sync::Arc;

use crate::{
    broker::{Broker, Counters},
    effect::SessionId,
    error::{Error, Kind},
};

/// Most queues that one question is answered for (I11).
const MAX_QUEUES: usize = 1_000;

/// What a message to some places asks, which is answered instead of being sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// The broker as a whole.
    Broker,
    /// Each of the queues that a pattern of the topic language covers.
    Queues(String),
}

/// Figures of a queue, or of the broker as a whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// The queue; absent: all of them.
    pub queue: Option<Arc<str>>,
    /// Ready messages.
    pub ready: u64,
    /// Messages that consumers have.
    pub unsettled: u64,
    /// Consumers.
    pub consumers: u64,
    /// Bytes of bodies in memory.
    pub resident_bytes: u64,
    /// Totals since the start, of the broker as a whole.
    pub counters: Option<Counters>,
}

impl Broker {
    /// The answers to a question, one for each queue that the session's user may see; none for other connections' own
    /// queues.
    ///
    /// # Errors
    /// The session is gone.
    pub fn figures(&self, session: SessionId, question: &Question) -> Result<Vec<Figures>, Error> {
        let (principal, namespace, _) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        let pattern = match question {
            Question::Broker => {
                let totals = self.totals();
                return Ok(vec![Figures {
                    queue: None,
                    ready: totals.ready,
                    unsettled: totals.unsettled,
                    consumers: totals.consumers,
                    resident_bytes: totals.resident_bytes,
                    counters: Some(*self.counters()),
                }]);
            }
            Question::Queues(pattern) => pattern,
        };
        let wildcards = self.dialect.wildcards();
        let slots = self.queues.iter().map(|(_, slot)| slot);
        let slots = slots.filter(|slot| slot.namespace == namespace && slot.owner.is_none());
        let slots = slots.filter(|slot| !self.dialect.is_reserved(&slot.name));
        let slots = slots.filter(|slot| wildcards.is_match(pattern, &slot.name));
        let may_see = |name: &Arc<str>| self.authorize_sight(&principal, Kind::Queue, &space, name).is_ok();
        let slots = slots.filter(|slot| may_see(&slot.name)).take(MAX_QUEUES);
        let figures = slots.map(|slot| Figures {
            queue: Some(slot.name.clone()),
            ready: slot.machine.ready_count(),
            unsettled: slot.machine.unsettled_count() as u64,
            consumers: slot.machine.consumer_count() as u64,
            resident_bytes: slot.machine.resident_bytes(),
            counters: None,
        });
        Ok(figures.collect())
    }
}
