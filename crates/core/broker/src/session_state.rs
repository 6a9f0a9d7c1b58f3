//! A session in the core: its unsettled deliveries, its consumers, what it has staged.

use std::collections::VecDeque;

use smallvec::SmallVec;

use crate::{
    clients::ClientId,
    effect::{ConnectionId, ConsumerId, DeliveryId},
    namespace::NamespaceId,
    transaction::Staged,
};

/// One delivery that its consumer has not settled.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unsettled {
    pub(crate) queue: u32,
    /// Slot in the queue; [`Unsettled::GONE`] marks a delivery that is settled or needed no settlement.
    pub(crate) slot: u32,
    pub(crate) seq: u64,
    /// Incarnation of the queue, cut to what tells a number's next user apart, and [`Unsettled::FETCHED`] or
    /// [`Unsettled::SHARED`].
    pub(crate) incarnation: u32,
    /// Broker time of the delivery in ms, counted from the session's start.
    pub(crate) age_base_ms: u32,
}

/// Cuts an incarnation to what a session keeps of it.
pub(crate) fn short_incarnation(incarnation: u64) -> u32 {
    u32::try_from(incarnation & u64::from(!Unsettled::FLAGS)).unwrap_or_default()
}

impl Unsettled {
    pub(crate) const GONE: u32 = u32::MAX;
    /// It went to no consumer, so that it took no credit and gives none back.
    pub(crate) const FETCHED: u32 = 1 << 31;
    /// A wide consumer has it, whose shared window it counts in.
    pub(crate) const SHARED: u32 = 1 << 30;
    const FLAGS: u32 = Self::FETCHED | Self::SHARED;

    /// Whether it is of this incarnation of its queue.
    pub(crate) fn is_of(&self, incarnation: u64) -> bool {
        self.incarnation & !Self::FLAGS == short_incarnation(incarnation)
    }

    pub(crate) fn took_credit(&self) -> bool {
        self.incarnation & Self::FETCHED == 0
    }

    pub(crate) fn is_shared(&self) -> bool {
        self.incarnation & Self::SHARED != 0
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.slot == Self::GONE
    }
}

/// Where the last message with this node and key went: most publishers repeat themselves.
#[derive(Debug, Default)]
pub(crate) struct RouteMemo {
    pub(crate) topology_generation: u64,
    pub(crate) authority_generation: u64,
    pub(crate) node_len: u8,
    /// Node name and key, as at the start of the message's buffer.
    pub(crate) names: SmallVec<[u8; 64]>,
    pub(crate) queues: SmallVec<[u32; 4]>,
    pub(crate) is_valid: bool,
    /// A queue of the publisher's own is not among them because of how it subscribed.
    pub(crate) is_own_skipped: bool,
    /// It goes elsewhere too, or instead.
    pub(crate) is_forwarded: bool,
}

/// One session.
pub(crate) struct SessionState {
    pub(crate) connection: ConnectionId,
    pub(crate) label: u32,
    pub(crate) namespace: NamespaceId,
    /// Number of the delivery at the front of `unsettled`.
    pub(crate) front: u64,
    pub(crate) unsettled: VecDeque<Unsettled>,
    pub(crate) unsettled_count: u32,
    pub(crate) started_ms: u64,
    pub(crate) consumers: Vec<ConsumerId>,
    pub(crate) memo: Option<Box<RouteMemo>>,
    pub(crate) staged: Option<Box<Staged>>,
    /// Client that the session serves.
    pub(crate) client: Option<ClientId>,
    /// The peer lets deliveries come.
    pub(crate) is_flowing: bool,
}

impl SessionState {
    pub(crate) fn new(connection: ConnectionId, label: u32, namespace: NamespaceId, now_ms: u64) -> Self {
        Self {
            connection,
            label,
            namespace,
            front: 1,
            unsettled: VecDeque::new(),
            unsettled_count: 0,
            started_ms: now_ms,
            consumers: Vec::new(),
            memo: None,
            staged: None,
            client: None,
            is_flowing: true,
        }
    }

    /// Numbers a delivery that needs no settlement.
    pub(crate) fn number_settled(&mut self) -> DeliveryId {
        let id = self.front + self.unsettled.len() as u64;
        if self.unsettled.is_empty() {
            self.front += 1;
        } else {
            self.unsettled.push_back(Unsettled {
                queue: 0,
                slot: Unsettled::GONE,
                seq: 0,
                incarnation: 0,
                age_base_ms: 0,
            });
        }
        DeliveryId(id)
    }

    /// Numbers a delivery and keeps it until it is settled.
    pub(crate) fn number_unsettled(&mut self, unsettled: Unsettled) -> DeliveryId {
        let id = self.front + self.unsettled.len() as u64;
        self.unsettled.push_back(unsettled);
        self.unsettled_count += 1;
        DeliveryId(id)
    }

    /// Index of an unsettled delivery; `None` when it is settled or was never made.
    pub(crate) fn index_of(&self, delivery: DeliveryId) -> Option<usize> {
        let index = usize::try_from(delivery.0.checked_sub(self.front)?).ok()?;
        self.unsettled.get(index).filter(|entry| !entry.is_gone()).map(|_| index)
    }

    /// Takes one out; settled ones at the front are forgotten.
    pub(crate) fn take(&mut self, index: usize) -> Option<Unsettled> {
        let entry = self.unsettled.get_mut(index).filter(|entry| !entry.is_gone())?;
        let taken = *entry;
        entry.slot = Unsettled::GONE;
        self.unsettled_count = self.unsettled_count.saturating_sub(1);
        while self.unsettled.front().is_some_and(Unsettled::is_gone) {
            self.unsettled.pop_front();
            self.front += 1;
        }
        Some(taken)
    }

    /// Puts a taken one back under its old number.
    pub(crate) fn put_back(&mut self, delivery: DeliveryId, entry: Unsettled) {
        let gone = Unsettled { slot: Unsettled::GONE, ..entry };
        while self.front > delivery.0 {
            self.unsettled.push_front(gone);
            self.front -= 1;
        }
        let Ok(index) = usize::try_from(delivery.0 - self.front) else { return };
        // Numbers only grow, so at the end the place is the next one or exists.
        while self.unsettled.len() <= index {
            self.unsettled.push_back(gone);
        }
        if let Some(place) = self.unsettled.get_mut(index) {
            *place = entry;
            self.unsettled_count += 1;
        }
    }

    /// Takes the oldest one if it is not past `last`.
    pub(crate) fn take_front_up_to(&mut self, last: DeliveryId) -> Option<Unsettled> {
        if self.front > last.0 || self.unsettled.is_empty() { None } else { self.take(0) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionState {
        SessionState::new(ConnectionId { index: 0, generation: 0 }, 1, NamespaceId(0), 0)
    }

    fn entry(seq: u64) -> Unsettled {
        Unsettled { queue: 1, slot: 1, seq, incarnation: 0, age_base_ms: 0 }
    }

    #[test]
    fn deliveries_are_numbered_without_gaps_and_found_again() {
        let mut session = session();
        assert_eq!(session.number_settled(), DeliveryId(1));
        assert_eq!(session.number_unsettled(entry(7)), DeliveryId(2));
        assert_eq!(session.number_settled(), DeliveryId(3));
        assert_eq!(session.number_unsettled(entry(8)), DeliveryId(4));
        assert_eq!(session.index_of(DeliveryId(1)), None);
        assert_eq!(session.index_of(DeliveryId(3)), None);
        let index = session.index_of(DeliveryId(4)).unwrap();
        assert_eq!(session.take(index).map(|entry| entry.seq), Some(8));
        assert_eq!(session.index_of(DeliveryId(4)), None);
        assert_eq!(session.take_front_up_to(DeliveryId(9)).map(|entry| entry.seq), Some(7));
        assert_eq!(session.take_front_up_to(DeliveryId(9)).map(|entry| entry.seq), None);
        assert_eq!(session.number_unsettled(entry(9)), DeliveryId(5));
    }
}
