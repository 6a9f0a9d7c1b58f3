//! One channel: its session in the core, its consumers' tags, what is being assembled, what waits.

use std::{collections::VecDeque, sync::Arc};

use ternmq_broker::{Broker, ConsumerId, SessionId};

use super::{Amqp091Session, Step, confirm::Confirms, content::Content, deferred::Deferred};
use crate::{
    codec::method::{MethodFrame, channel},
    error::{CHANNEL_ERROR, Fault, NOT_ALLOWED},
};

/// A consumer of the channel. Its place in the list is its label in the core.
#[derive(Debug)]
pub(super) struct TaggedConsumer {
    pub(super) tag: Arc<str>,
    pub(super) id: ConsumerId,
    /// It takes answers to requests, not messages of a queue.
    pub(super) is_reply_to: bool,
}

/// What confirms and transactions exclude each other from.
#[derive(Debug, Default)]
pub(super) enum Mode {
    /// Neither.
    #[default]
    Plain,
    /// Publisher confirms.
    Confirm(Box<Confirms>),
    /// Transactions; for each staged publish, whether it was mandatory.
    Tx(Vec<bool>),
}

/// One channel.
pub(super) struct Channel {
    pub(super) number: u16,
    pub(super) session: SessionId,
    /// We sent close; only close-ok counts.
    pub(super) is_closing: bool,
    /// Window of consumers to come.
    pub(super) consumer_window: Option<u32>,
    pub(super) consumers: Vec<Option<TaggedConsumer>>,
    pub(super) mode: Mode,
    pub(super) content: Option<Box<Content>>,
    pub(super) deferred: VecDeque<Deferred>,
    /// Queue that an empty name means: the last one declared.
    pub(super) last_queue: Option<Arc<str>>,
    /// Private queue that answers to this channel's requests come by.
    pub(super) reply_queue: Option<Arc<str>>,
    /// A fetch that waits for its message to be read from disk.
    pub(super) waiting_get: Option<(Arc<str>, bool)>,
    /// Exchange and key of the publish on its way; kept for its room.
    pub(super) names: Vec<u8>,
}

impl Channel {
    fn new(number: u16, session: SessionId) -> Self {
        Self {
            number,
            session,
            is_closing: false,
            consumer_window: None,
            consumers: Vec::new(),
            mode: Mode::Plain,
            content: None,
            deferred: VecDeque::new(),
            last_queue: None,
            reply_queue: None,
            waiting_get: None,
            names: Vec::new(),
        }
    }

    /// Where the channel's next frames go: behind answers that still wait, or straight out.
    pub(super) fn sink<'a>(&'a mut self, out: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        match self.deferred.back_mut() {
            Some(deferred) => &mut deferred.frames,
            None => out,
        }
    }

    /// The queue that a method names; an empty name is the last one declared.
    pub(super) fn queue_name(&self, name: &str) -> Result<Arc<str>, Fault> {
        if !name.is_empty() {
            return Ok(name.into());
        }
        self.last_queue
            .clone()
            .ok_or_else(|| Fault::new(crate::error::NOT_FOUND, "no previously declared queue"))
    }

    pub(super) fn consumer_by_tag(&self, tag: &str) -> Option<usize> {
        self.consumers.iter().position(|slot| slot.as_ref().is_some_and(|consumer| &*consumer.tag == tag))
    }
}

impl Amqp091Session {
    pub(super) fn on_channel_open(
        &mut self,
        broker: &mut Broker,
        number: u16,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if number == 0 || number > self.channel_max {
            return Err(Fault::new(
                NOT_ALLOWED,
                format!(
                    "number of channels opened ({number}) has reached the negotiated channel_max ({})",
                    self.channel_max
                ),
            ));
        }
        let index = usize::from(number);
        if self.channels.get(index).is_some_and(Option::is_some) {
            return Err(Fault::new(CHANNEL_ERROR, "second 'channel.open' seen"));
        }
        let connection = self.connection.ok_or_else(super::close::gone)?;
        let session = broker
            .open_session(connection, number.into())
            .map_err(|error| Fault::of(&error, &**broker.dialect()))?;
        if self.channels.len() <= index {
            self.channels.resize_with(index + 1, || None);
        }
        if let Some(slot) = self.channels.get_mut(index) {
            *slot = Some(Box::new(Channel::new(number, session)));
        }
        channel::OpenOk::default().write_frame(out, number);
        Ok(Step::Taken)
    }

    /// Lets go of a channel in the core and here.
    pub(super) fn drop_channel(&mut self, broker: &mut Broker, number: u16) {
        let Some(slot) = self.channels.get_mut(usize::from(number)) else { return };
        if let Some(channel) = slot.take() {
            broker.close_session(channel.session);
            self.uncount_waiting(&channel);
        }
        while self.channels.last().is_some_and(Option::is_none) {
            self.channels.pop();
        }
    }

    pub(super) fn on_channel_close(&mut self, broker: &mut Broker, number: u16, out: &mut Vec<u8>) {
        self.flush_confirms(broker, out);
        self.drop_channel(broker, number);
        channel::CloseOk::default().write_frame(out, number);
    }
}
