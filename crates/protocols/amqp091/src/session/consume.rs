//! Consumers and single fetches.

use std::{fmt::Write, sync::Arc};

use ternmq_broker::{Broker, ConsumeSpec, GetOutcome, Receipt};

use super::{Amqp091Session, Step, channel::TaggedConsumer, reply_to};
use crate::{
    codec::{
        method::{MethodFrame, basic},
        write::{Content as Body, write_get_ok},
    },
    error::{Fault, NOT_ALLOWED},
    format::map_from_table,
};

impl Amqp091Session {
    pub(super) fn on_consume(
        &mut self,
        broker: &mut Broker,
        number: u16,
        consume: &basic::Consume<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let is_reply_to = consume.queue == reply_to::PSEUDO_QUEUE;
        let (queue, tag, priority) = if is_reply_to {
            let queue = self.open_reply_queue(broker, number, consume)?;
            (queue, self.consumer_tag(broker, number, consume.consumer_tag)?, 0)
        } else {
            let tag = self.consumer_tag(broker, number, consume.consumer_tag)?;
            let queue = self.channel_mut(number).ok_or_else(super::close::gone)?.queue_name(consume.queue)?;
            let arguments = map_from_table(consume.arguments);
            let priority = self.ask(broker, number, |broker, session| {
                broker.consumer_priority(session, &queue, &arguments)
            })?;
            (queue, tag, priority)
        };
        let channel = self.channel_mut(number).ok_or_else(super::close::gone)?;
        let free = channel.consumers.iter().position(Option::is_none);
        let label = free.unwrap_or(channel.consumers.len());
        let spec = ConsumeSpec {
            queue: &queue,
            label: u32::try_from(label).unwrap_or(u32::MAX),
            window: channel.consumer_window,
            needs_settle: !consume.no_ack,
            is_exclusive: consume.exclusive,
            priority,
            is_preferred: false,
        };
        let id = self.ask(broker, number, |broker, session| broker.consume(session, &spec))?;
        if let Some(channel) = self.channel_mut(number) {
            let consumer = Some(TaggedConsumer { tag: tag.clone(), id, is_reply_to });
            match channel.consumers.get_mut(label) {
                Some(place) => *place = consumer,
                None => channel.consumers.push(consumer),
            }
        }
        if !consume.no_wait {
            self.answer(broker, number, Receipt::NONE, out, |out| {
                basic::ConsumeOk { consumer_tag: &tag }.write_frame(out, number);
            });
        }
        broker.start_consumer(id);
        Ok(Step::Taken)
    }

    /// The tag that a consumer gets: its own, or one of ours.
    fn consumer_tag(&mut self, broker: &mut Broker, number: u16, wanted: &str) -> Result<Arc<str>, Fault> {
        if wanted.is_empty() {
            let mut tag = String::from("amq.ctag-");
            for byte in broker.random() {
                // Writing to a string can't fail.
                let _written = write!(tag, "{byte:02x}");
            }
            return Ok(tag.into());
        }
        let is_known =
            self.channel_mut(number).is_some_and(|channel| channel.consumer_by_tag(wanted).is_some());
        if is_known {
            return Err(Fault::new(NOT_ALLOWED, format!("attempt to reuse consumer tag '{wanted}'")));
        }
        Ok(wanted.into())
    }

    pub(super) fn on_cancel(
        &mut self,
        broker: &mut Broker,
        number: u16,
        cancel: &basic::Cancel<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        // What is on its way to the consumer goes out first: no delivery follows cancel-ok (guarantees, section 3).
        self.flush_effects(broker, out);
        if let Some(channel) = self.channel_mut(number)
            && let Some(label) = channel.consumer_by_tag(cancel.consumer_tag)
            && let Some(consumer) = channel.consumers.get_mut(label).and_then(Option::take)
        {
            if consumer.is_reply_to {
                channel.reply_queue = None;
            }
            broker.cancel(consumer.id);
        }
        if !cancel.no_wait {
            self.answer(broker, number, Receipt::NONE, out, |out| {
                basic::CancelOk { consumer_tag: cancel.consumer_tag }.write_frame(out, number);
            });
        }
        Ok(Step::Taken)
    }

    pub(super) fn on_get(
        &mut self,
        broker: &mut Broker,
        number: u16,
        get: &basic::Get<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let queue = self.channel_mut(number).ok_or_else(super::close::gone)?.queue_name(get.queue)?;
        self.fetch(broker, number, queue, get.no_ack, out)?;
        Ok(Step::Taken)
    }

    pub(super) fn fetch(
        &mut self,
        broker: &mut Broker,
        number: u16,
        queue: Arc<str>,
        no_ack: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let outcome = self.ask(broker, number, |broker, session| broker.get(session, &queue, !no_ack))?;
        let frame_max = self.frame_max;
        match outcome {
            GetOutcome::Loading => {
                if let Some(channel) = self.channel_mut(number) {
                    channel.waiting_get = Some((queue, no_ack));
                }
                self.is_paused = true;
            }
            GetOutcome::Empty => self.answer(broker, number, Receipt::NONE, out, |out| {
                basic::GetEmpty::default().write_frame(out, number);
            }),
            GetOutcome::Got(deliver, remaining) => self.answer(broker, number, Receipt::NONE, out, |out| {
                let message = &deliver.message;
                let get_ok = basic::GetOk {
                    delivery_tag: deliver.delivery.0,
                    redelivered: deliver.is_redelivered,
                    exchange: message.node(),
                    routing_key: message.key(),
                    message_count: u32::try_from(remaining).unwrap_or(u32::MAX),
                };
                let head = super::effects::delivered_head(broker.formats(), message, deliver.failed_count);
                write_get_ok(
                    out,
                    number,
                    &get_ok,
                    Body { properties: &head, body: message.body() },
                    frame_max,
                );
            }),
        }
        Ok(())
    }
}
