//! Messages that are sent again after a change of brokers: a client of the failover transport keeps what was not answered,
//! and says when it logs in that it has been here before. What came already is dropped, and answered all the same
//! (guarantees 3).

use ternmq_broker::{Broker, MessageOrigin};

use super::OpenWireSession;
use crate::codec::{Field, Object};

/// What is known of the client's sending again.
#[derive(Default)]
pub(super) struct Resend {
    /// It has reconnected.
    pub(super) is_resending: bool,
    /// The producer of the last message, and its name in the core.
    last: Option<Box<(Object<'static>, String)>>,
}

impl OpenWireSession {
    /// Which message of which producer it is; `None` when it does not say so.
    pub(super) fn origin(&mut self, broker: &mut Broker, message: &Object<'_>) -> Option<MessageOrigin> {
        let session = self.session?;
        let id = message.object(Field::MessageId)?;
        let producer = id.object(Field::ProducerId)?;
        let sequence =
            u64::try_from(id.number(Field::ProducerSequenceId)).ok().filter(|number| *number > 0)?;
        let last = self.resend.last.as_ref().filter(|last| last.0 == **producer);
        if last.is_none() {
            let name = format!(
                "{}:{}:{}",
                producer.text(Field::ConnectionId).unwrap_or_default(),
                producer.number(Field::SessionId),
                producer.number(Field::Value)
            );
            self.resend.last = Some(Box::new((Object::clone(producer).into_owned(), name)));
        }
        let (_, name) = &**self.resend.last.as_ref()?;
        broker.origin_of(session, name, sequence)
    }
}
