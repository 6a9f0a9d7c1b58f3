//! Messages to the peer: transfers in the peer's window, each no larger than it takes (AMQP 1.0 2.6.12, 2.7.5).

use ternmq_broker::{Broker, Deliver, DeliveryId, Outcome, SettleRange};

use super::{
    Amqp10Session,
    close::addresses,
    line::{Line, Sending, Way},
    unsettled::Unsettled,
};
use crate::{
    codec::{
        frame::{FRAME_HEAD_BYTES, FrameKind, put_frame},
        performative::{Performative, Transfer},
    },
    error::{Fault, condition},
    translate::put_message,
};

/// Most bytes of a transfer's performative as it is written here.
const TRANSFER_BYTES: usize = 48;
/// Room for messages under way that is kept for the next one.
const KEPT_BYTES: usize = 64 << 10;

impl Amqp10Session {
    pub(super) fn on_deliver(&mut self, broker: &mut Broker, deliver: Deliver, out: &mut Vec<u8>) {
        let (Ok(channel), handle) = (u16::try_from(deliver.session_label), deliver.consumer_label) else {
            return;
        };
        let Some(line) = self.line_mut(channel) else { return };
        let Some(Way::Out(outgoing)) = line.links.get_mut(&handle).map(|link| &mut link.way) else { return };
        outgoing.lent = outgoing.lent.saturating_sub(1);
        outgoing.pending += 1;
        let needs_more = outgoing.lent <= super::flow::LENT_MAX / 4
            && outgoing.credit > outgoing.lent.saturating_add(outgoing.pending);
        line.pending.push_back((handle, deliver));
        self.send_pending(broker, channel, out);
        if needs_more {
            self.lend(broker, channel, handle, out);
        }
    }

    /// Sends what the peer's window takes of what waits.
    pub(super) fn send_pending(&mut self, broker: &mut Broker, channel: u16, out: &mut Vec<u8>) {
        let frame_max = self.peer_frame_max as usize;
        loop {
            let mut room = std::mem::take(&mut self.scratch);
            let Some(line) = self.line_mut(channel) else {
                self.scratch = room;
                return;
            };
            if line.remote_window == 0 {
                self.scratch = room;
                return;
            }
            if let Some(mut sending) = line.sending.take() {
                line.send(&mut sending, frame_max, out);
                if sending.offset < sending.payload.len() {
                    line.sending = Some(sending);
                }
                self.scratch = room;
                continue;
            }
            if let Some(mut sending) = line.next_answer() {
                line.send(&mut sending, frame_max, out);
                if sending.offset < sending.payload.len() {
                    line.sending = Some(Box::new(sending));
                }
                self.scratch = room;
                continue;
            }
            let Some((handle, deliver)) = line.pending.pop_front() else {
                self.scratch = room;
                return;
            };
            room.clear();
            let begun = self.begin_delivery(broker, channel, handle, &deliver, room);
            let (mut sending, fault) = match begun {
                Ok(sending) => (sending, None),
                Err((payload, fault)) => {
                    self.scratch = payload;
                    (None, Some(fault))
                }
            };
            if let Some(fault) = fault {
                self.end_link(broker, channel, handle, &fault, out);
                continue;
            }
            let Some(line) = self.line_mut(channel) else { return };
            if let Some(sending) = &mut sending {
                line.send(sending, frame_max, out);
            }
            if let Some(sending) = sending {
                if sending.offset < sending.payload.len() {
                    line.sending = Some(Box::new(sending));
                } else if sending.payload.capacity() <= KEPT_BYTES {
                    self.scratch = sending.payload;
                }
            }
        }
    }

    /// Puts a delivery together and numbers it. `Ok(None)`: its link is gone.
    fn begin_delivery(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        handle: u32,
        deliver: &Deliver,
        mut payload: Vec<u8>,
    ) -> Result<Option<Sending>, (Vec<u8>, Fault)> {
        let dialect = broker.dialect().clone();
        let Ok(addresses) = addresses(&*dialect) else { return Ok(None) };
        let Some(line) = self.line_mut(channel) else { return Ok(None) };
        let core = line.core;
        let Some(Way::Out(outgoing)) = line.links.get_mut(&handle).map(|link| &mut link.way) else {
            return Ok(None);
        };
        put_message(broker, addresses, deliver, &mut payload);
        outgoing.pending = outgoing.pending.saturating_sub(1);
        let max = outgoing.max_message_bytes;
        if max > 0 && payload.len() as u64 > max {
            if !outgoing.is_settled {
                // Another link may take it; this one ends, so it does not come here again and again.
                let number = deliver.delivery;
                let _settled = broker.settle(core, number, SettleRange::One, Outcome::Release);
            }
            let text = format!("a message of {} bytes is larger than the receiver takes", payload.len());
            return Err((payload, Fault::link(condition::MESSAGE_SIZE_EXCEEDED, text)));
        }
        outgoing.credit = outgoing.credit.saturating_sub(1);
        outgoing.delivery_count = outgoing.delivery_count.wrapping_add(1);
        let is_settled = outgoing.is_settled;
        let unsettled = (!is_settled).then_some(Unsettled { number: deliver.delivery.0, handle });
        let delivery_id = line.number_delivery(unsettled);
        Ok(Some(Sending { handle, delivery_id, is_settled, payload, offset: 0 }))
    }

    /// Gives back what a link got and did not settle, or never got.
    pub(super) fn give_back(&mut self, broker: &mut Broker, channel: u16, handle: u32) {
        let Some(line) = self.line_mut(channel) else { return };
        let core = line.core;
        let mut numbers = line.unsettled.take_of(handle);
        line.pending.retain(|(known, deliver)| {
            if *known == handle {
                numbers.push(deliver.delivery.0);
            }
            *known != handle
        });
        line.sending.take_if(|sending| sending.handle == handle);
        for number in numbers {
            // Those that needed no settlement are not known.
            let _settled = broker.settle(core, DeliveryId(number), SettleRange::One, Outcome::Release);
        }
    }
}

impl Line {
    /// Sends as many transfers of a message as the peer's window takes.
    fn send(&mut self, sending: &mut Sending, frame_max: usize, out: &mut Vec<u8>) {
        let piece = frame_max.saturating_sub(FRAME_HEAD_BYTES + TRANSFER_BYTES).max(1);
        loop {
            let is_first = sending.offset == 0;
            let rest = sending.payload.get(sending.offset..).unwrap_or_default();
            let (now, later) = rest.split_at_checked(piece).unwrap_or((rest, &[]));
            let tag = sending.delivery_id.to_be_bytes();
            let transfer = Performative::Transfer(Transfer {
                handle: sending.handle,
                delivery_id: is_first.then_some(sending.delivery_id),
                delivery_tag: is_first.then_some(&tag[..]),
                message_format: is_first.then_some(0),
                settled: is_first.then_some(sending.is_settled),
                more: !later.is_empty(),
                ..Transfer::default()
            });
            let channel = self.channel;
            put_frame(self.sink(out), FrameKind::Amqp, channel, |out| {
                transfer.put(out);
                out.extend_from_slice(now);
            });
            sending.offset += now.len();
            self.next_outgoing_id = self.next_outgoing_id.wrapping_add(1);
            self.remote_window = self.remote_window.saturating_sub(1);
            if sending.offset >= sending.payload.len() || self.remote_window == 0 {
                return;
            }
        }
    }
}
