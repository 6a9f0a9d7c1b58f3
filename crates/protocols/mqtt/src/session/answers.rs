//! Answers that wait until the log proves what they say (I8), in the order of what they answer (MQTT-4.6.0-2).

use std::collections::VecDeque;

use ternmq_broker::{Broker, Durable, Receipt};

use super::MqttSession;
use crate::codec::{Ack, Kind, PacketId, Reason, Version};

/// One answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// PUBACK, PUBREC, PUBREL or PUBCOMP.
    Ack(Kind, PacketId, Reason),
    /// Any other, written already.
    Packet(Vec<u8>),
}

impl Answer {
    fn write(&self, version: Version, out: &mut Vec<u8>) {
        match self {
            Self::Ack(kind, id, reason) => Ack::new(*id, *reason).write(*kind, version, out),
            Self::Packet(packet) => out.extend_from_slice(packet),
        }
    }

    /// It answers a message of the client.
    fn is_of_publish(&self) -> bool {
        matches!(self, Self::Ack(Kind::PubAck | Kind::PubRec, ..))
    }

    /// With it a message of the client is done with. One of QoS 2 that was taken lasts until its PUBCOMP.
    fn is_last_of_publish(&self) -> bool {
        match self {
            Self::Ack(Kind::PubAck, ..) => true,
            Self::Ack(Kind::PubRec, _, reason) => reason.is_error(),
            _ => false,
        }
    }
}

/// Answers that wait.
#[derive(Debug, Default)]
pub(super) struct Answers {
    waiting: VecDeque<(Receipt, Answer)>,
    /// How many of them answer a message.
    of_publishes: u32,
    /// How many of them are the last about a message.
    last_of_publishes: u32,
}

impl Answers {
    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn of_publishes(&self) -> u32 {
        self.of_publishes
    }

    pub(super) fn last_of_publishes(&self) -> u32 {
        self.last_of_publishes
    }

    fn push(&mut self, receipt: Receipt, answer: Answer) {
        self.of_publishes += u32::from(answer.is_of_publish());
        self.last_of_publishes += u32::from(answer.is_last_of_publish());
        self.waiting.push_back((receipt, answer));
    }

    fn pop(&mut self, durable: Durable) -> Option<Answer> {
        if !durable.covers(self.waiting.front()?.0) {
            return None;
        }
        let (_, answer) = self.waiting.pop_front()?;
        self.of_publishes -= u32::from(answer.is_of_publish());
        self.last_of_publishes -= u32::from(answer.is_last_of_publish());
        Some(answer)
    }
}

impl MqttSession {
    /// Writes an answer: now if there is nothing to wait for, else behind its receipt and those before it.
    pub(super) fn answer(&mut self, broker: &Broker, receipt: Receipt, answer: Answer, out: &mut Vec<u8>) {
        let is_first = self.link.as_ref().is_none_or(|link| link.answers.is_empty());
        if is_first && broker.durable().covers(receipt) {
            answer.write(self.version, out);
        } else {
            self.link().answers.push(receipt, answer);
        }
    }

    /// Whether answers wait.
    pub(super) fn has_answers(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.answers.is_empty())
    }

    /// The log is durable up to here: what waited for that leaves.
    pub(super) fn release_answers(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let version = self.version;
        let Some(link) = self.link.as_deref_mut() else { return };
        while let Some(answer) = link.answers.pop(durable) {
            answer.write(version, out);
        }
    }
}
