//! Direct reply-to: a consumer of the pseudo queue gets a private queue of its channel, whose name stands in for the
//! pseudo queue in the requests that the channel publishes.

use std::{fmt::Write, sync::Arc};

use ternmq_broker::{Broker, QueueStatus};

use super::Amqp091Session;
use crate::{
    codec::{BasicProperties, method::basic},
    error::{Fault, PRECONDITION_FAILED},
};

/// Name that clients consume from and put into reply-to.
pub(super) const PSEUDO_QUEUE: &str = "amq.rabbitmq.reply-to";
/// Start of the names that stand in for it.
const PREFIX: &str = "amq.rabbitmq.reply-to.";

/// Whether a name is the pseudo queue's or stands in for it.
pub(super) fn is_reply_name(name: &str) -> bool {
    name == PSEUDO_QUEUE || name.starts_with(PREFIX)
}

impl Amqp091Session {
    /// Makes the channel's private queue for a consumer of the pseudo queue.
    pub(super) fn open_reply_queue(
        &mut self,
        broker: &mut Broker,
        number: u16,
        consume: &basic::Consume<'_>,
    ) -> Result<Arc<str>, Fault> {
        if !consume.no_ack {
            return Err(Fault::new(PRECONDITION_FAILED, "reply consumer cannot acknowledge"));
        }
        if self.channel_mut(number).is_some_and(|channel| channel.reply_queue.is_some()) {
            return Err(Fault::new(PRECONDITION_FAILED, "reply consumer already set"));
        }
        let mut name = PREFIX.to_owned();
        for byte in broker.random() {
            // Writing to a string can't fail.
            let _written = write!(name, "{byte:02x}");
        }
        self.ask(broker, number, |broker, session| broker.declare_private_queue(session, &name))?;
        let name: Arc<str> = name.into();
        if let Some(channel) = self.channel_mut(number) {
            channel.reply_queue = Some(name.clone());
        }
        Ok(name)
    }

    /// Passive and active declarations alike only tell whether the name is alive.
    pub(super) fn check_reply_queue(
        &mut self,
        broker: &mut Broker,
        number: u16,
        name: &str,
    ) -> Result<QueueStatus, Fault> {
        if name != PSEUDO_QUEUE {
            self.ask(broker, number, |broker, session| {
                // Whoever asks, the name of another connection's is only told to be alive.
                if broker.has_queue(session, name) {
                    Ok(())
                } else {
                    broker.check_queue(session, name).map(drop)
                }
            })?;
        }
        Ok(QueueStatus { name: name.into(), ready_count: 0, consumer_count: 1 })
    }

    /// The head with the private queue's name as its reply-to.
    pub(super) fn rewrite_reply_to(&mut self, number: u16, head: &[u8]) -> Result<Vec<u8>, Fault> {
        let queue = self.channel_mut(number).and_then(|channel| channel.reply_queue.clone());
        let Some(queue) = queue else {
            return Err(Fault::new(PRECONDITION_FAILED, "fast reply consumer does not exist"));
        };
        let properties = BasicProperties::decode(head).map_err(|_| super::close::gone())?;
        let mut rewritten = Vec::new();
        BasicProperties { reply_to: Some(&queue), ..properties }.encode(&mut rewritten);
        Ok(rewritten)
    }
}
