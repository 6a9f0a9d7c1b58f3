//! Messages that are sent again after a change of brokers: a client of the failover transport keeps what was not answered,
//! and says when it logs in that it has been here before. What came already is dropped, and answered all the same
//! (guarantees 3).

use ternmq_broker::{Broker, MessageOrigin};

use super::{OpenWireSession, id::KeptId};
use crate::codec::{Field, Stored};

/// What is known of the client's sending again.
#[derive(Default)]
pub(super) struct Resend {
    /// It has reconnected.
    pub(super) is_resending: bool,
    /// The producer of the last message as it is kept, and its name in the core.
    last: Option<Box<(Box<[u8]>, String)>>,
}

impl OpenWireSession {
    /// Which message of which producer it is; `None` when it does not say so.
    pub(super) fn origin(&mut self, broker: &mut Broker, message: &Stored<'_>) -> Option<MessageOrigin> {
        let session = self.session?;
        let id = KeptId::of(message.raw(Field::MessageId)).filter(|id| !id.producer.is_empty())?;
        let sequence = u64::try_from(id.sequence).ok().filter(|number| *number > 0)?;
        let last = self.resend.last.as_ref().filter(|last| *last.0 == *id.producer);
        if last.is_none() {
            let connection = id.connection.as_deref().unwrap_or_default();
            let name = format!("{connection}:{}:{}", id.session, id.value);
            self.resend.last = Some(Box::new((id.producer.into(), name)));
        }
        let (_, name) = &**self.resend.last.as_ref()?;
        broker.origin_of(session, name, sequence)
    }
}
