//! Messages that are sent again after a change of brokers: a client of the failover transport keeps what was not answered,
//! and says when it logs in that it has been here before. What came already is dropped, and answered all the same
//! (guarantees 3).

use ternmq_broker::{Broker, MessageOrigin};

use super::{OpenWireSession, id::KeptId};
use crate::codec::{Field, Stored, text};

/// What is known of the client's sending again.
#[derive(Default)]
pub(super) struct Resend {
    /// It has reconnected.
    pub(super) is_resending: bool,
    last: Option<Box<LastProducer>>,
}

/// The producer of the last message.
struct LastProducer {
    /// Its id as it is kept.
    raw: Box<[u8]>,
    /// Its name in the core.
    name: String,
    /// Which message of it that was.
    origin: Option<MessageOrigin>,
}

impl OpenWireSession {
    /// Which message of which producer it is; `None` when it does not say so.
    pub(super) fn origin(&mut self, broker: &mut Broker, message: &Stored<'_>) -> Option<MessageOrigin> {
        let session = self.session?;
        let id = KeptId::of(message.raw(Field::MessageId)).filter(|id| !id.producer.is_empty())?;
        let sequence = u64::try_from(id.sequence).ok().filter(|number| *number > 0)?;
        if self.resend.last.as_ref().is_none_or(|last| *last.raw != *id.producer) {
            let connection = text::read(id.connection.unwrap_or_default()).ok()?;
            let name = format!("{connection}:{}:{}", id.session, id.value);
            let raw = id.producer.into();
            self.resend.last = Some(Box::new(LastProducer { raw, name, origin: None }));
        }
        let last = self.resend.last.as_mut()?;
        let again = last.origin.and_then(|before| broker.origin_after(before, sequence));
        last.origin = again.or_else(|| broker.origin_of(session, &last.name, sequence));
        last.origin
    }
}
