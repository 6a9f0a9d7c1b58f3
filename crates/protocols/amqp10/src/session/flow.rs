//! flow: windows of sessions, credit of links (AMQP 1.0 2.5.6, 2.6.7).

use ternmq_broker::Broker;

use super::{
    Amqp10Session,
    line::{Feed, Outgoing, Way},
};
use crate::{
    codec::performative::Flow,
    error::{Fault, condition},
};

/// Most deliveries of a link that the core may be ahead of what has left.
pub(super) const LENT_MAX: u32 = 512;

impl Amqp10Session {
    pub(super) fn on_flow(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        flow: &Flow<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        // Before the peer has seen our begin it knows no number.
        let seen = flow.next_incoming_id.unwrap_or(0);
        let ahead = line.next_outgoing_id.wrapping_sub(seen);
        if ahead > u32::MAX / 2 {
            let text =
                format!("next-incoming-id {seen} is ahead of next-outgoing-id {}", line.next_outgoing_id);
            return Err(Fault::session(condition::WINDOW_VIOLATION, text));
        }
        line.remote_window = flow.incoming_window.saturating_sub(ahead);
        match flow.handle {
            Some(handle) => self.on_link_flow(broker, channel, handle, flow, out)?,
            None if flow.echo => {
                let answer = line.flow();
                line.put_flow(answer, out);
            }
            None => {}
        }
        self.send_pending(broker, channel, out);
        self.lend_all(broker, channel, out);
        Ok(())
    }

    fn on_link_flow(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        flow: &Flow<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        // What the core has handed out counts against the credit of before.
        self.flush_effects(broker, out);
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        let session = line.flow();
        let Some(link) = line.links.get_mut(&handle) else {
            let text = format!("there is no link with the handle {handle}");
            return Err(Fault::session(condition::UNATTACHED_HANDLE, text));
        };
        match &mut link.way {
            Way::Ending | Way::Kept(_) => {}
            Way::Answers(answers) => {
                answers.grant(flow);
                if flow.drain && answers.waiting.is_empty() {
                    answers.delivery_count = answers.delivery_count.wrapping_add(answers.credit);
                    answers.credit = 0;
                }
                if flow.drain || flow.echo {
                    let answer = Flow {
                        handle: Some(handle),
                        delivery_count: Some(answers.delivery_count),
                        link_credit: Some(answers.credit),
                        available: Some(u32::try_from(answers.waiting.len()).unwrap_or(u32::MAX)),
                        drain: flow.drain,
                        ..session
                    };
                    line.put_flow(answer, out);
                }
            }
            Way::In(incoming) => {
                if flow.echo {
                    let answer = Flow {
                        handle: Some(handle),
                        delivery_count: Some(incoming.delivery_count),
                        link_credit: Some(incoming.credit),
                        ..session
                    };
                    line.put_flow(answer, out);
                }
            }
            Way::Out(_) if acquires(flow) => {
                let text = "the acquisition of messages in a transaction";
                let fault = Fault::link(condition::NOT_IMPLEMENTED, text);
                self.end_link(broker, channel, handle, &fault, out);
            }
            Way::Out(outgoing) => {
                outgoing.grant(flow);
                self.on_credit(broker, channel, handle, flow, out);
            }
        }
        Ok(())
    }

    /// The credit of a link whose messages go to the peer has changed.
    fn on_credit(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        flow: &Flow<'_>,
        out: &mut Vec<u8>,
    ) {
        self.draining.retain(|known| *known != (channel, handle));
        if flow.drain {
            self.draining.push((channel, handle));
        }
        self.lend(broker, channel, handle, out);
        // The end of a drain is an answer of its own.
        if !flow.echo || flow.drain {
            return;
        }
        let Some(line) = self.line_mut(channel) else { return };
        let Some(Way::Out(outgoing)) = line.links.get(&handle).map(|link| &link.way) else { return };
        let ready = match &outgoing.feed {
            Feed::Consumer(consumer) => broker.consumer_credit(*consumer).map(|known| known.ready_count),
            Feed::Browser(_) => None,
        };
        let answer = Flow {
            handle: Some(handle),
            delivery_count: Some(outgoing.delivery_count),
            link_credit: Some(outgoing.credit),
            available: ready.map(|count| u32::try_from(count).unwrap_or(u32::MAX)),
            ..line.flow()
        };
        line.put_flow(answer, out);
    }

    /// Lets the core have what it may of a link's credit: not more than a little ahead of what has left.
    pub(super) fn lend(&mut self, broker: &mut Broker, channel: u16, handle: u32, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let is_open = line.pending.is_empty() && line.sending.is_none() && line.remote_window > 0;
        let Some(Way::Out(outgoing)) = line.links.get_mut(&handle).map(|link| &mut link.way) else { return };
        let Feed::Consumer(consumer) = outgoing.feed else {
            return self.look_on(broker, channel, handle, out);
        };
        let free = outgoing.credit.saturating_sub(outgoing.pending);
        let wanted = if is_open { free.min(LENT_MAX) } else { free.min(outgoing.lent) };
        // Small top-ups are not worth a look at the queue.
        if wanted == outgoing.lent
            || (wanted > outgoing.lent && outgoing.lent > LENT_MAX / 2 && free > LENT_MAX)
        {
            return;
        }
        outgoing.lent = wanted;
        broker.set_consumer_credit(consumer, wanted);
        self.flush_effects(broker, out);
    }

    /// The same for all links of a session.
    pub(super) fn lend_all(&mut self, broker: &mut Broker, channel: u16, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let wants = |way: &Way| match way {
            Way::Out(outgoing) => outgoing.credit > outgoing.lent + outgoing.pending,
            Way::In(_) | Way::Answers(_) | Way::Kept(_) | Way::Ending => false,
        };
        let handles: Vec<u32> =
            line.links.iter().filter(|(_, link)| wants(&link.way)).map(|(handle, _)| *handle).collect();
        for handle in handles {
            self.lend(broker, channel, handle, out);
        }
    }

    /// Links that drain and have got all that there was give the rest of their credit up.
    pub(super) fn settle_drains(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        let mut at = 0;
        while let Some((channel, handle)) = self.draining.get(at).copied() {
            if self.try_drain(broker, channel, handle, out) {
                self.draining.retain(|known| *known != (channel, handle));
            } else {
                at += 1;
            }
        }
    }

    /// Whether a link has drained, or drains no more.
    fn try_drain(&mut self, broker: &mut Broker, channel: u16, handle: u32, out: &mut Vec<u8>) -> bool {
        self.lend(broker, channel, handle, out);
        let Some(line) = self.line_mut(channel) else { return true };
        let Some(Way::Out(outgoing)) = line.links.get_mut(&handle).map(|link| &mut link.way) else {
            return true;
        };
        if !outgoing.is_draining {
            return true;
        }
        if outgoing.pending > 0 {
            return false;
        }
        let consumer = match &outgoing.feed {
            Feed::Browser(browser) if outgoing.credit > 0 && !browser.is_at_end() => return false,
            Feed::Browser(_) => None,
            Feed::Consumer(consumer) => {
                let Some(known) = broker.consumer_credit(*consumer) else { return true };
                // A delivery may be on its way here, and messages on their way from the log.
                let is_empty = !known.has_more || !known.is_served;
                if outgoing.credit > 0 && (known.left != outgoing.lent || outgoing.lent == 0 || !is_empty) {
                    return false;
                }
                Some(*consumer)
            }
        };
        outgoing.delivery_count = outgoing.delivery_count.wrapping_add(outgoing.credit);
        (outgoing.credit, outgoing.lent, outgoing.is_draining) = (0, 0, false);
        let delivery_count = outgoing.delivery_count;
        if let Some(consumer) = consumer {
            broker.set_consumer_credit(consumer, 0);
        }
        let flow = Flow {
            handle: Some(handle),
            delivery_count: Some(delivery_count),
            link_credit: Some(0),
            available: Some(0),
            drain: true,
            ..line.flow()
        };
        line.put_flow(flow, out);
        true
    }
}

/// Whether what the credit brings is to be delivered in a transaction (AMQP 1.0 4.4.3).
fn acquires(flow: &Flow<'_>) -> bool {
    flow.properties.is_some_and(|properties| properties.get("txn-id").is_some())
}

impl Outgoing {
    /// The peer wants so many deliveries more (AMQP 1.0 2.6.7).
    fn grant(&mut self, flow: &Flow<'_>) {
        let limit = flow.delivery_count.unwrap_or(0).wrapping_add(flow.link_credit.unwrap_or(0));
        let credit = limit.wrapping_sub(self.delivery_count);
        self.credit = if credit > u32::MAX / 2 { 0 } else { credit };
        self.is_draining = flow.drain;
        if let Feed::Browser(browser) = &mut self.feed {
            browser.look_again();
        }
    }
}
