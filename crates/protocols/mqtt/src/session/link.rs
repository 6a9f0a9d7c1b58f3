//! State that a connection has only while something is under way.

use std::collections::{HashMap, VecDeque};

use ternmq_broker::{Deliver, DeliveryId};

use super::{
    aliases::{InboundAliases, OutboundAliases},
    answers::Answers,
};
use crate::codec::{PacketId, Qos};

/// A message that the client has not acknowledged.
#[derive(Clone, Copy, Debug)]
pub(super) struct UnderWay {
    pub(super) delivery: DeliveryId,
    pub(super) qos: Qos,
}

/// What is under way on a connection.
#[derive(Default)]
pub(super) struct Link {
    /// Answers that wait for durability.
    pub(super) answers: Answers,
    /// Messages to the client by packet identifier.
    pub(super) outbound: HashMap<u16, UnderWay>,
    /// Deliveries that wait until the packet identifier of the first one is free.
    pub(super) held: VecDeque<Deliver>,
    /// Next packet identifier for messages that have none of their own.
    next_id: u16,
    pub(super) inbound_aliases: InboundAliases,
    pub(super) outbound_aliases: OutboundAliases,
}

impl Link {
    /// A packet identifier that is not in use, for a message whose identifier need not be the same again. `released`:
    /// identifiers in use beside the ones of `outbound`.
    pub(super) fn free_id(&mut self, released: &[u16]) -> Option<PacketId> {
        for _ in 0..=u16::MAX {
            // Downwards from the top: the others count upwards.
            self.next_id = match self.next_id {
                0 => u16::MAX,
                id => id - 1,
            };
            let id = self.next_id;
            if id != 0 && !self.outbound.contains_key(&id) && !released.contains(&id) {
                return PacketId::of(id);
            }
        }
        None
    }
}

/// The packet identifier of a message of the client's own queue: always the same for the same message, so that it is
/// sent again under the same one (MQTT-4.4.0-1), also after a restart of the broker, without having been written down.
pub(super) fn id_of(seq: u64) -> u16 {
    // 1 ..= 65,535
    u16::try_from(seq.saturating_sub(1) % 65_535).unwrap_or_default() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_never_0_and_go_round() {
        assert_eq!((id_of(1), id_of(65_535), id_of(65_536)), (1, 65_535, 1));
        let mut link = Link::default();
        assert_eq!(link.free_id(&[]).map(PacketId::get), Some(65_535));
        assert_eq!(link.free_id(&[65_534]).map(PacketId::get), Some(65_533));
    }
}
