//! Effects of the core as frames.

use std::borrow::Cow;

use ternmq_broker::{Broker, Deliver, Effect};
use ternmq_message::{Formats, Message};

use super::{Amqp091Session, State, content::ENCODING};
use crate::{
    codec::{
        FieldValue,
        method::{MethodFrame, basic, connection},
        write::{Content as Body, write_deliver},
    },
    error::{CONNECTION_FORCED, Fault, PRECONDITION_FAILED},
    format::{head_of_foreign, head_with_header, head_with_history},
};

/// Header that tells how often a message was given back.
const DELIVERY_COUNT: &str = "x-delivery-count";

/// Properties as a consumer gets them: as they came, or what they mean when they came by another protocol, with the
/// broker's own headers added.
pub(super) fn delivered_head<'a>(
    formats: &Formats,
    message: &'a Message,
    failed_count: Option<u32>,
) -> Cow<'a, [u8]> {
    let meta = message.meta();
    let head = match formats.get(meta.encoding).filter(|_| meta.encoding != ENCODING) {
        Some(format) => Cow::Owned(head_of_foreign(format.properties(message.head()), meta)),
        None => Cow::Borrowed(message.head()),
    };
    let head = match message.history() {
        Some(history) => Cow::Owned(head_with_history(&head, history).into_owned()),
        None => head,
    };
    match failed_count {
        None => head,
        Some(count) => Cow::Owned(
            head_with_header(&head, DELIVERY_COUNT, FieldValue::I64(i64::from(count))).into_owned(),
        ),
    }
}

impl Amqp091Session {
    pub(super) fn on_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        if !matches!(self.state, State::Open) {
            return;
        }
        match effect {
            Effect::Deliver(deliver) => self.on_deliver(broker, &deliver, out),
            Effect::ConsumerEnded { session_label, consumer_label, .. } => {
                self.on_consumer_ended(session_label, consumer_label, out);
            }
            Effect::SessionEnded { session_label, timeout_ms } => {
                let text = format!(
                    "delivery acknowledgement on channel {session_label} timed out. Timeout value used: {timeout_ms} ms. \
                     This timeout value can be configured, see consumers doc guide to learn more"
                );
                let fault = Fault::new(PRECONDITION_FAILED, text);
                if let Ok(number) = u16::try_from(session_label) {
                    self.end_channel(broker, number, &fault, (0, 0), out);
                }
            }
            // No session of this protocol serves a client by name, and no consumer has several queues.
            Effect::TakenOver { .. } | Effect::DeliverFrom(_) => {}
            Effect::Loaded { session_label } => self.on_loaded(broker, session_label, out),
            Effect::Close { reason } => {
                self.fail(broker, Fault::new(CONNECTION_FORCED, &*reason), (0, 0), out);
            }
            Effect::Blocked { is_blocked: true, reason } => self.write_blocked(reason, out),
            Effect::Blocked { is_blocked: false, .. } => {
                self.is_held = false;
                if self.hears_blocked {
                    connection::Unblocked::default().write_frame(out, 0);
                }
            }
        }
    }

    /// Handles the effects for this connection that nobody has handed out yet.
    pub(super) fn flush_effects(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let Some(connection) = self.connection else { return };
        for effect in broker.take_effects_of(connection) {
            self.on_effect(broker, effect, out);
        }
    }

    pub(super) fn write_blocked(&self, reason: &str, out: &mut Vec<u8>) {
        if self.hears_blocked {
            connection::Blocked { reason }.write_frame(out, 0);
        }
    }

    fn on_deliver(&mut self, broker: &Broker, deliver: &Deliver, out: &mut Vec<u8>) {
        let frame_max = self.frame_max;
        let Ok(number) = u16::try_from(deliver.session_label) else { return };
        let Some(channel) = self.channels.get_mut(usize::from(number)).and_then(|slot| slot.as_deref_mut())
        else {
            return;
        };
        if channel.is_closing {
            return;
        }
        let place = channel.consumers.get(deliver.consumer_label as usize).and_then(Option::as_ref);
        let Some(consumer) = place else { return };
        let message = &deliver.message;
        let method = basic::Deliver {
            consumer_tag: &consumer.tag,
            delivery_tag: deliver.delivery.0,
            redelivered: deliver.is_redelivered,
            exchange: message.node(),
            routing_key: message.key(),
        };
        // Told once there is something to tell; a fetch is told of 0 too (as RabbitMQ).
        let failed_count = deliver.failed_count.filter(|count| *count > 0);
        let sink = match channel.deferred.back_mut() {
            Some(deferred) => &mut deferred.frames,
            None => out,
        };
        if message.meta().encoding == ENCODING && message.history().is_none() && failed_count.is_none() {
            let content = Body { properties: message.head(), body: message.body() };
            write_deliver(sink, number, &method, content, frame_max);
            return;
        }
        let head = delivered_head(broker.formats(), message, failed_count);
        write_deliver(sink, number, &method, Body { properties: &head, body: message.body() }, frame_max);
    }

    fn on_consumer_ended(&mut self, session_label: u32, consumer_label: u32, out: &mut Vec<u8>) {
        let Ok(number) = u16::try_from(session_label) else { return };
        let Some(channel) = self.channel_mut(number) else { return };
        let consumer = channel.consumers.get_mut(consumer_label as usize).and_then(Option::take);
        let Some(consumer) = consumer else { return };
        if consumer.is_reply_to {
            channel.reply_queue = None;
        }
        if self.hears_cancel
            && let Some(channel) = self.channel_mut(number)
        {
            basic::Cancel { consumer_tag: &consumer.tag, no_wait: true }
                .write_frame(channel.sink(out), number);
        }
    }

    fn on_loaded(&mut self, broker: &mut Broker, session_label: u32, out: &mut Vec<u8>) {
        let Ok(number) = u16::try_from(session_label) else { return };
        let waiting = self.channel_mut(number).and_then(|channel| channel.waiting_get.take());
        let Some((queue, no_ack)) = waiting else { return };
        self.is_paused = false;
        if let Err(fault) = self.fetch(broker, number, queue, no_ack, out) {
            self.end_channel(broker, number, &fault, (60, 70), out);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ternmq_message::{Encoding, Format, History, MessageMeta, Properties, Value};

    use super::*;
    use crate::format::Amqp091Format;

    /// Another protocol's heads: a content type.
    struct Other;

    impl Format for Other {
        fn properties(&self, head: &[u8]) -> Properties {
            let text = String::from_utf8_lossy(head).into_owned();
            let headers = vec![("k".into(), Value::str("v"))];
            Properties { content_type: Some(text.into()), headers, ..Properties::default() }
        }

        fn history(&self, _: &[u8]) -> History {
            History::default()
        }

        fn without_ttl(&self, _: &[u8]) -> Option<Vec<u8>> {
            None
        }
    }

    #[test]
    fn a_message_of_another_protocol_has_properties_of_ours() {
        let mut formats = Formats::default();
        formats.register(Encoding(9), Arc::new(Other));
        let meta = MessageMeta { encoding: Encoding(9), is_durable: true, ttl_ms: Some(5), priority: 0 };
        let message = Message::new("n", "k", b"text/plain", b"", meta, None).unwrap();
        let head = delivered_head(&formats, &message, Some(2));
        let properties = Amqp091Format.properties(&head);
        assert_eq!(properties.content_type.as_deref(), Some("text/plain"));
        assert_eq!(properties.headers.len(), 2);
        let properties = crate::codec::BasicProperties::decode(&head).unwrap();
        assert_eq!((properties.delivery_mode, properties.expiration), (Some(2), Some("5")));
    }
}
