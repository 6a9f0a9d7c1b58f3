//! SUBSCRIBE and UNSUBSCRIBE.

use ternmq_broker::{Broker, ClientPage, Receipt, SessionId, Subscription};
use ternmq_message::Message;

use super::{MqttSession, answers::Answer, close};
use crate::{
    codec::{
        Codes, FilterEntry, Properties, PropertyId, Qos, Reason, RetainHandling, Subscribe, SubscribeAck,
        Unsubscribe, topic::parse_filter,
    },
    error::{Fault, reason_of},
    format::{ENCODING, Head},
    translate::{Label, qos_of, topic_swap},
};

impl MqttSession {
    pub(super) fn on_subscribe(
        &mut self,
        broker: &mut Broker,
        subscribe: &Subscribe<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let identifier = subscribe.properties.number(PropertyId::SubscriptionIdentifier);
        let mut codes = Vec::new();
        let mut retained = Vec::new();
        let mut receipt = Receipt::NONE;
        for entry in subscribe.entries() {
            let is_shared = entry.filter.starts_with("$share/");
            if is_shared && entry.options.is_no_local {
                // MQTT-3.8.3-4
                return Err(close::unexpected("no-local of a shared subscription"));
            }
            let (code, done) = self.subscribe_one(broker, &entry, identifier, &mut retained)?;
            receipt = receipt.and(done);
            codes.push(code.0);
        }
        self.answer_codes(broker, receipt, Codes::Subscribe, subscribe.id, &codes, out);
        // Behind SUBACK, unless that waits for the log: both orders are right, and there are clients that know only this one.
        if let Some(session) = self.session {
            for (key, label) in retained {
                broker.look_for_retained(session, &key, label.to_bits());
            }
        }
        self.read_some_retained(broker, out);
        Ok(())
    }

    /// Goes on with what subscriptions look for in the retained store, a bit each turn.
    pub(super) fn read_some_retained(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let Some(session) = self.session else { return };
        let mut room = self.settings.retained_step;
        while room > 0 {
            let Some(ClientPage { key, label, page }) = broker.next_retained(session, room) else { return };
            room = room.saturating_sub(page.looked_at.max(1));
            let is_last = page.is_last;
            self.send_retained(broker, session, &key, Label::of_bits(label), page.messages, out);
            if !is_last {
                break;
            }
        }
        if broker.has_retained_reads(session) {
            broker.wake_adapter_later(session);
        }
    }

    /// Makes one subscription; `retained` gets what is to be looked for in the retained store.
    fn subscribe_one(
        &mut self,
        broker: &mut Broker,
        entry: &FilterEntry<'_>,
        identifier: Option<u32>,
        retained: &mut Vec<(String, Label)>,
    ) -> Result<(Reason, Receipt), Fault> {
        let session = self.session()?;
        let filter = match parse_filter(entry.filter) {
            Ok(filter) => filter,
            Err(error) => return Ok((error.reason, Receipt::NONE)),
        };
        let mut options = entry.options;
        // More may be asked for than there is (MQTT-3.2.2-10).
        options.qos = options.qos.min(self.settings.qos_max);
        let key = topic_swap(broker.dialect().wildcards()).text(filter.filter);
        let label = Label { options, identifier };
        self.flags.needs_settle |= options.qos > Qos::AtMostOnce;
        let subscribed = broker.subscribe(
            session,
            Subscription {
                key: key.as_str().into(),
                group: filter.group.map(Into::into),
                label: label.to_bits(),
                skips_own: options.is_no_local,
                needs_settle: options.qos > Qos::AtMostOnce,
                number: 0,
            },
        );
        let done = match subscribed {
            Ok(done) => done,
            Err(error) => return Ok((reason_of(&error), Receipt::NONE)),
        };
        let wants_retained = match options.retain_handling {
            RetainHandling::Send => true,
            RetainHandling::SendIfNew => done.value.is_new,
            RetainHandling::DoNotSend => false,
        };
        if wants_retained && filter.group.is_none() {
            retained.push((key.to_string(), label));
        }
        Ok((Reason(options.qos as u8), done.receipt))
    }

    /// Sends what is retained: QoS 0 messages at once, others through the client's queue, which keeps them until they
    /// are acknowledged. When there is much output already the rest of QoS 0 goes that way too (F16).
    fn send_retained(
        &mut self,
        broker: &mut Broker,
        session: SessionId,
        key: &str,
        label: Label,
        messages: Vec<Message>,
        out: &mut Vec<u8>,
    ) {
        let keys = broker.dialect().wildcards();
        let is_first_wild = key.starts_with([keys.one, keys.many]);
        for message in messages {
            if is_first_wild && message.key().starts_with('$') {
                continue;
            }
            let needs_no_ack = qos_of(&message).min(label.options.qos) == Qos::AtMostOnce;
            if needs_no_ack && out.len() < self.settings.output_max_bytes {
                self.write_retained(broker, &message, label, out);
            } else if let Some(labelled) = labelled(&message, label, Reading::Retained) {
                let _sent = broker.send_to_client(session, labelled);
            }
        }
    }

    pub(super) fn on_unsubscribe(
        &mut self,
        broker: &mut Broker,
        unsubscribe: &Unsubscribe<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let mut codes = Vec::new();
        let mut receipt = Receipt::NONE;
        for filter in unsubscribe.filters() {
            let code = match parse_filter(filter) {
                Err(error) => error.reason,
                Ok(filter) => {
                    let key = topic_swap(broker.dialect().wildcards()).text(filter.filter);
                    let done =
                        self.ask(broker, |broker, session| broker.unsubscribe(session, &key, filter.group))?;
                    receipt = receipt.and(done.receipt);
                    self.flags.has_unsubscribed |= done.value;
                    if done.value { Reason::SUCCESS } else { Reason::NO_SUBSCRIPTION_EXISTED }
                }
            };
            codes.push(code.0);
        }
        self.answer_codes(broker, receipt, Codes::Unsubscribe, unsubscribe.id, &codes, out);
        Ok(())
    }

    fn answer_codes(
        &mut self,
        broker: &Broker,
        receipt: Receipt,
        which: Codes,
        id: crate::codec::PacketId,
        codes: &[u8],
        out: &mut Vec<u8>,
    ) {
        let mut packet = Vec::new();
        SubscribeAck { id, properties: Properties::default(), codes }.write(which, self.version, &mut packet);
        self.answer(broker, receipt, Answer::Packet(packet), out);
    }
}

/// Why a message is in the queue of one client and of nobody else.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// It was retained.
    Retained,
    /// It came by a shared subscription.
    Shared,
}

/// A message for the queue of one client: it says for which subscription it is there.
pub(super) fn labelled(message: &Message, label: Label, reading: Reading) -> Option<Message> {
    let is_own = message.meta().encoding == ENCODING;
    let head = if is_own { Head::read(message.head()) } else { Head::default() };
    let is_retained_read = reading == Reading::Retained;
    let head = Head { label: Some(label.to_bits()), is_retained_read, ..head }.to_vec();
    let meta = ternmq_message::MessageMeta { encoding: ENCODING, ..*message.meta() };
    Message::new(message.node(), message.key(), &head, message.body(), meta, None).ok()
}
