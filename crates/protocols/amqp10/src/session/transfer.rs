//! Transfers from the peer, put together to messages (AMQP 1.0 2.6.12, 2.6.14, 2.7.5).

use bytes::BytesMut;
use ternmq_broker::Broker;

use super::{
    Amqp10Session, Step,
    assembly::Assembly,
    line::{Incoming, WINDOW, Way},
    transaction::{TransactionId, controller_of, transaction_of},
};
use crate::{
    codec::{
        DeliveryState,
        performative::{ReceiverSettleMode, Role, Transfer},
    },
    error::{Fault, Scope, condition},
};

/// Publishes of a session that may wait for the log before its links get no more credit.
const OWED_MAX: usize = 4_096;

/// A message that is whole.
pub(super) struct Whole<'a> {
    pub(super) payload: &'a [u8],
    pub(super) delivery_id: u32,
    pub(super) is_settled: bool,
    /// What is told of it does not settle it: its sender does, once it has heard it.
    pub(super) is_second: bool,
    /// Transaction that it is published in.
    pub(super) transaction: Option<TransactionId>,
}

impl Amqp10Session {
    pub(super) fn on_transfer(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        transfer: &Transfer<'_>,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        if broker.blocked_reason().is_some() && !self.is_control(channel, transfer.handle) {
            self.is_held = true;
            return Ok(Step::Held);
        }
        let max = broker.limits().max_message_bytes;
        let max_all = self.settings.assembly_max_bytes.max(max);
        let handle = transfer.handle;
        let under_way = self.assemblies.take((channel, handle));
        let Some(line) = self.line_mut(channel) else { return Ok(Step::Taken) };
        if line.incoming_window == 0 {
            let text = "a transfer beyond the incoming window".to_owned();
            return Err(Fault::session(condition::WINDOW_VIOLATION, text));
        }
        line.incoming_window -= 1;
        line.next_incoming_id = line.next_incoming_id.wrapping_add(1);
        if line.incoming_window <= WINDOW / 2 {
            line.incoming_window = WINDOW;
            let flow = line.flow();
            line.put_flow(flow, out);
        }
        let is_second = line.is_second(transfer, under_way.as_deref());
        let taken = line.take_transfer(transfer, under_way, payload, max);
        let done = match taken {
            Ok(Taken::Nothing) => return Ok(Step::Taken),
            Ok(Taken::Part(assembly)) => match self.assemblies.put((channel, handle), assembly, max_all) {
                Ok(()) => return Ok(Step::Taken),
                Err(fault) => Err(fault),
            },
            Ok(Taken::Aborted) => Ok(()),
            Ok(Taken::Whole { delivery_id, is_settled }) => {
                let transaction = transaction_of(transfer.state.as_ref());
                let whole = Whole { payload, delivery_id, is_settled, is_second, transaction };
                self.on_message(broker, channel, handle, &whole, out)
            }
            Ok(Taken::Assembled(assembly)) => {
                let Assembly { delivery_id, is_settled, is_second, transaction, payload } = *assembly;
                let whole = Whole { payload: &payload, delivery_id, is_settled, is_second, transaction };
                self.on_message(broker, channel, handle, &whole, out)
            }
            Err(fault) => Err(fault),
        };
        match done {
            Ok(()) => self.grant(channel, handle, out),
            Err(fault) if fault.scope == Scope::Link => self.end_link(broker, channel, handle, &fault, out),
            Err(fault) => return Err(fault),
        }
        self.touch(channel);
        Ok(Step::Taken)
    }

    /// Whether a link is to the coordinator: what ends there may give room, and brings nothing that takes it.
    fn is_control(&mut self, channel: u16, handle: u32) -> bool {
        let link = self.line_mut(channel).and_then(|line| line.links.get(&handle));
        controller_of(link.map(|link| &link.way)).is_some()
    }

    /// A message has come: the link may send one more, told in larger portions.
    fn grant(&mut self, channel: u16, handle: u32, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let (session, owed) = (line.flow(), line.owed_count());
        let Some(Way::In(incoming)) = line.links.get_mut(&handle).map(|link| &mut link.way) else { return };
        incoming.delivery_count = incoming.delivery_count.wrapping_add(1);
        incoming.credit = incoming.credit.saturating_sub(1);
        if incoming.credit > incoming.credit_max / 2 || (owed > OWED_MAX && incoming.credit > 0) {
            return;
        }
        incoming.credit = incoming.credit_max;
        let flow = crate::codec::performative::Flow {
            handle: Some(handle),
            delivery_count: Some(incoming.delivery_count),
            link_credit: Some(incoming.credit),
            ..session
        };
        line.put_flow(flow, out);
    }

    /// Tells a publish that is refused or that nobody wants.
    pub(super) fn tell_publisher(
        &mut self,
        channel: u16,
        whole: &Whole<'_>,
        state: DeliveryState<'_>,
        out: &mut Vec<u8>,
    ) {
        if whole.is_settled {
            return;
        }
        if let Some(line) = self.line_mut(channel) {
            let ids = (whole.delivery_id, whole.delivery_id);
            line.put_disposition(Role::Receiver, ids, !whole.is_second, state, out);
        }
    }
}

/// What a transfer has brought.
enum Taken {
    /// What nobody hears any more.
    Nothing,
    /// More of the message is to come.
    Part(Box<Assembly>),
    /// The end of a message that is given up.
    Aborted,
    /// A message of one transfer.
    Whole { delivery_id: u32, is_settled: bool },
    /// The last part of a message.
    Assembled(Box<Assembly>),
}

impl Incoming {
    /// Whether a delivery is settled by its sender: the first transfer may say that it is not, whatever its link's mode
    /// (AMQP 1.0 2.7.5).
    fn is_second_for(&self, transfer: &Transfer<'_>) -> bool {
        self.is_second && transfer.rcv_settle_mode != Some(ReceiverSettleMode::First)
    }
}

impl super::line::Line {
    /// The same of the delivery that a transfer belongs to.
    fn is_second(&self, transfer: &Transfer<'_>, under_way: Option<&Assembly>) -> bool {
        match (under_way, self.links.get(&transfer.handle).map(|link| &link.way)) {
            (Some(assembly), _) => assembly.is_second,
            (None, Some(Way::In(incoming))) => incoming.is_second_for(transfer),
            (None, _) => false,
        }
    }

    /// The link that a transfer is on; `None`: one that has ended already.
    fn incoming(&mut self, handle: u32) -> Result<Option<&mut Incoming>, Fault> {
        match self.links.get_mut(&handle).map(|link| &mut link.way) {
            Some(Way::In(incoming)) => Ok(Some(incoming)),
            Some(Way::Ending) => Ok(None),
            Some(Way::Out(_) | Way::Answers(_) | Way::Kept(_)) => {
                let text = "a transfer on a link whose messages go the other way";
                Err(Fault::session(condition::NOT_ALLOWED, text))
            }
            None => {
                let text = format!("there is no link with the handle {handle}");
                Err(Fault::session(condition::UNATTACHED_HANDLE, text))
            }
        }
    }

    fn take_transfer(
        &mut self,
        transfer: &Transfer<'_>,
        under_way: Option<Box<Assembly>>,
        payload: &[u8],
        max: u64,
    ) -> Result<Taken, Fault> {
        let Some(incoming) = self.incoming(transfer.handle)? else { return Ok(Taken::Nothing) };
        if transfer.resume {
            return Err(Fault::link(condition::NOT_IMPLEMENTED, "deliveries are not resumed"));
        }
        let mut assembly = match under_way {
            Some(assembly) => assembly,
            None => {
                if incoming.credit == 0 {
                    let text = "a transfer without credit";
                    return Err(Fault::link(condition::TRANSFER_LIMIT_EXCEEDED, text));
                }
                let Some(delivery_id) = transfer.delivery_id else {
                    let text = "the first transfer of a delivery has to have its delivery-id";
                    return Err(Fault::session(condition::INVALID_FIELD, text));
                };
                if transfer.message_format.is_some_and(|format| format != 0) {
                    return Err(Fault::link(condition::NOT_IMPLEMENTED, "message formats other than 0"));
                }
                let is_settled = transfer.settled.unwrap_or_default();
                if incoming.settles.is_some_and(|settles| settles != is_settled) {
                    let text = "a transfer is settled otherwise than its link's snd-settle-mode says";
                    return Err(Fault::link(condition::INVALID_FIELD, text));
                }
                if transfer.aborted {
                    return Ok(Taken::Aborted);
                }
                if !transfer.more && payload.len() as u64 <= max {
                    return Ok(Taken::Whole { delivery_id, is_settled });
                }
                Box::new(Assembly {
                    delivery_id,
                    is_settled,
                    is_second: incoming.is_second_for(transfer),
                    transaction: transaction_of(transfer.state.as_ref()),
                    payload: BytesMut::new(),
                })
            }
        };
        if transfer.delivery_id.is_some_and(|id| id != assembly.delivery_id) {
            let text = "a delivery begins before the one before it on the link has ended";
            return Err(Fault::session(condition::INVALID_FIELD, text));
        }
        if let Some(id) = transaction_of(transfer.state.as_ref())
            && assembly.transaction != Some(id)
        {
            let text = "the transfers of a delivery are in different transactions";
            return Err(Fault::link(condition::INVALID_FIELD, text));
        }
        if transfer.aborted {
            return Ok(Taken::Aborted);
        }
        // A later transfer may say that the delivery is settled after all.
        assembly.is_settled |= transfer.settled == Some(true);
        if (assembly.payload.len() + payload.len()) as u64 > max {
            let text = format!("the message is larger than {max} bytes");
            return Err(Fault::link(condition::MESSAGE_SIZE_EXCEEDED, text));
        }
        assembly.payload.extend_from_slice(payload);
        if transfer.more {
            return Ok(Taken::Part(assembly));
        }
        Ok(Taken::Assembled(assembly))
    }
}
