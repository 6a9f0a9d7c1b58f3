//! One session of AMQP: its windows, its links, what is unsettled in it, and what of it waits for the log.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use ternmq_broker::{ConsumerId, Deliver, Durable, Receipt, SessionId, Target};

use super::{
    browse::Browser,
    unsettled::{Unsettled, UnsettledList},
};
use crate::codec::{
    DeliveryState, Durability,
    frame::{FrameKind, put_frame},
    performative::{Disposition, Flow, Performative, Role},
};

/// Transfers that a peer may send before it hears of more (guarantees 6).
pub(super) const WINDOW: u32 = 2_048;
/// Highest handle: links of a session, less one.
pub(super) const HANDLE_MAX: u32 = 255;
/// Messages that a sender may send before it hears of more.
pub(super) const LINK_CREDIT: u32 = 512;

/// What a sending peer's link leads to.
pub(super) enum Where {
    /// One place.
    Place(Arc<Target>),
    /// One node, at which the key of each message is its subject.
    Node(Arc<str>),
    /// Each message says it.
    Anonymous,
    /// Messages are requests about definitions.
    Definitions,
    /// Messages begin and end transactions.
    Coordinator(Controller),
}

/// The sender of a link to the coordinator.
#[derive(Clone, Copy, Debug)]
pub(super) struct Controller {
    /// It takes a rejection for an answer; else its link ends where one is due.
    pub(super) takes_rejections: bool,
}

/// A link of answers to definition requests.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) credit: u32,
    pub(super) delivery_count: u32,
    /// What there is no credit for yet: no more than requests had.
    pub(super) waiting: VecDeque<Vec<u8>>,
}

/// A link whose messages come from the peer.
pub(super) struct Incoming {
    pub(super) place: Where,
    pub(super) credit: u32,
    /// Messages that it may be ahead of.
    pub(super) credit_max: u32,
    pub(super) delivery_count: u32,
    /// It makes all its deliveries settled, or none; absent: each says it.
    pub(super) settles: Option<bool>,
    /// Its deliveries are settled by the peer, behind the outcome that it is told; else the outcome settles them.
    pub(super) is_second: bool,
    /// The queue that was made for it.
    pub(super) own_queue: Option<Arc<str>>,
}

/// Where the messages of a link to the peer come from.
pub(super) enum Feed {
    /// A consumer, which takes them from their queue.
    Consumer(ConsumerId),
    /// Looks at a queue, which keeps them.
    Browser(Box<Browser>),
}

/// A link whose messages go to the peer.
pub(super) struct Outgoing {
    pub(super) feed: Feed,
    pub(super) is_settled: bool,
    /// Deliveries that the peer wants beyond those that have left.
    pub(super) credit: u32,
    /// Part of it that the core has and has not used.
    pub(super) lent: u32,
    /// Deliveries that came from the core and have not left.
    pub(super) pending: u32,
    pub(super) delivery_count: u32,
    pub(super) is_draining: bool,
    /// Largest message that the peer takes in bytes; 0: any.
    pub(super) max_message_bytes: u64,
    /// The queue that was made for it.
    pub(super) own_queue: Option<Arc<str>>,
    /// The queue of its durable subscription, which stays when the link is only detached.
    pub(super) subscription: Option<Arc<str>>,
}

/// Which way a link goes.
pub(super) enum Way {
    In(Box<Incoming>),
    Out(Box<Outgoing>),
    Answers(Box<Answers>),
    /// It was attached without a source, to see that there is this durable subscription, or to give it up: nothing comes.
    Kept(Arc<str>),
    /// The broker has ended it; the peer has not yet.
    Ending,
}

impl Way {
    /// The queue that was made for the link.
    pub(super) fn own_queue(&self) -> Option<&Arc<str>> {
        match self {
            Self::In(incoming) => incoming.own_queue.as_ref(),
            Self::Out(outgoing) => outgoing.own_queue.as_ref(),
            Self::Answers(_) | Self::Kept(_) | Self::Ending => None,
        }
    }
}

/// One link.
pub(super) struct Link {
    pub(super) name: Arc<str>,
    pub(super) role: Role,
    pub(super) way: Way,
}

/// A message on its way to the peer of which frames are still to be sent.
pub(super) struct Sending {
    pub(super) handle: u32,
    pub(super) delivery_id: u32,
    pub(super) is_settled: bool,
    pub(super) payload: Vec<u8>,
    pub(super) offset: usize,
}

/// Frames that leave once the receipt is covered.
pub(super) struct Deferred {
    receipt: Receipt,
    frames: Vec<u8>,
}

/// Deliveries whose outcome may be told once the receipt is covered.
pub(super) struct Owed {
    receipt: Receipt,
    /// It waits for settlements that are not in the log yet.
    is_unsealed: bool,
    role: Role,
    first: u32,
    last: u32,
    outcome: Told,
    settled: bool,
}

impl Owed {
    /// Both can be told in one frame.
    fn is_followed_by(&self, next: &Self) -> bool {
        let is_alike = (self.role, self.outcome, self.settled) == (next.role, next.outcome, next.settled);
        is_alike && self.last.wrapping_add(1) == next.first
    }
}

/// An outcome that is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Told {
    Accepted,
    Rejected,
    Released,
    Modified,
}

impl Told {
    pub(super) fn state(self) -> DeliveryState<'static> {
        match self {
            Self::Accepted => DeliveryState::Accepted,
            Self::Rejected => DeliveryState::Rejected { error: None },
            Self::Released => DeliveryState::Released,
            Self::Modified => DeliveryState::Modified {
                delivery_failed: false,
                undeliverable_here: false,
                message_annotations: None,
            },
        }
    }
}

/// One session.
pub(super) struct Line {
    pub(super) channel: u16,
    pub(super) core: SessionId,
    /// The broker has ended it; the peer has not yet.
    pub(super) is_ending: bool,
    pub(super) next_incoming_id: u32,
    /// Transfers that the peer may still send.
    pub(super) incoming_window: u32,
    pub(super) next_outgoing_id: u32,
    /// Transfers that the peer still takes.
    pub(super) remote_window: u32,
    pub(super) links: BTreeMap<u32, Link>,
    pub(super) next_delivery_id: u32,
    pub(super) unsettled: UnsettledList,
    /// What came from the core and has not left, with its link.
    pub(super) pending: VecDeque<(u32, Deliver)>,
    pub(super) sending: Option<Box<Sending>>,
    deferred: VecDeque<Deferred>,
    owed: VecDeque<Owed>,
    owes_settlements: bool,
}

impl Line {
    pub(super) fn new(channel: u16, core: SessionId, next_incoming_id: u32, remote_window: u32) -> Self {
        Self {
            channel,
            core,
            is_ending: false,
            next_incoming_id,
            incoming_window: WINDOW,
            next_outgoing_id: 0,
            remote_window,
            links: BTreeMap::new(),
            next_delivery_id: 0,
            unsettled: UnsettledList::default(),
            pending: VecDeque::new(),
            sending: None,
            deferred: VecDeque::new(),
            owed: VecDeque::new(),
            owes_settlements: false,
        }
    }

    /// Where frames of this session are written: behind those that wait for the log.
    pub(super) fn sink<'a>(&'a mut self, out: &'a mut Vec<u8>) -> &'a mut Vec<u8> {
        match self.deferred.back_mut() {
            Some(deferred) => &mut deferred.frames,
            None => out,
        }
    }

    /// Writes a frame.
    pub(super) fn put(&mut self, performative: &Performative<'_>, out: &mut Vec<u8>) {
        let channel = self.channel;
        put_frame(self.sink(out), FrameKind::Amqp, channel, |out| performative.put(out));
    }

    /// A link whose messages go to the peer.
    pub(super) fn outgoing(&mut self, handle: u32) -> Option<&mut Outgoing> {
        match &mut self.links.get_mut(&handle)?.way {
            Way::Out(outgoing) => Some(outgoing),
            Way::In(_) | Way::Answers(_) | Way::Kept(_) | Way::Ending => None,
        }
    }

    /// From here on frames wait until the receipt is covered.
    pub(super) fn wait_for(&mut self, receipt: Receipt, durable: Durable) {
        if !durable.covers(receipt) {
            self.deferred.push_back(Deferred { receipt, frames: Vec::new() });
        }
    }

    /// Whether something waits for the log.
    pub(super) fn is_waiting(&self) -> bool {
        !self.deferred.is_empty() || !self.owed.is_empty()
    }

    /// Publishes that wait for the log.
    pub(super) fn owed_count(&self) -> usize {
        self.owed.len()
    }

    /// A flow of the session, with what is said of a link.
    pub(super) fn flow(&self) -> Flow<'static> {
        Flow {
            next_incoming_id: Some(self.next_incoming_id),
            incoming_window: self.incoming_window,
            next_outgoing_id: self.next_outgoing_id,
            outgoing_window: u32::MAX >> 1,
            ..Flow::default()
        }
    }

    pub(super) fn put_flow(&mut self, flow: Flow<'_>, out: &mut Vec<u8>) {
        self.put(&Performative::Flow(flow), out);
    }

    /// An incoming delivery is accepted once the receipt is covered; `settled` says whether that settles it.
    pub(super) fn owe_acceptance(&mut self, delivery_id: u32, settled: bool, receipt: Receipt) {
        if let Some(last) = self.owed.back_mut()
            && last.role == Role::Receiver
            && last.settled == settled
            && !last.is_unsealed
            && last.last.wrapping_add(1) == delivery_id
            && receipt <= last.receipt
        {
            last.last = delivery_id;
            return;
        }
        self.owed.push_back(Owed {
            receipt,
            is_unsealed: false,
            role: Role::Receiver,
            first: delivery_id,
            last: delivery_id,
            outcome: Told::Accepted,
            settled,
        });
    }

    /// An outgoing delivery is settled once the receipt of its transaction is covered.
    pub(super) fn owe_staged(&mut self, delivery_id: u32, outcome: Told, receipt: Receipt) {
        let (role, first, last) = (Role::Sender, delivery_id, delivery_id);
        self.owed.push_back(Owed { receipt, is_unsealed: false, role, first, last, outcome, settled: true });
    }

    /// Outgoing deliveries are settled once their outcome is in the log.
    pub(super) fn owe_settlement(&mut self, first: u32, last: u32, outcome: Told) {
        self.owes_settlements = true;
        let receipt = Receipt::NONE;
        let (role, settled) = (Role::Sender, true);
        self.owed.push_back(Owed { receipt, is_unsealed: true, role, first, last, outcome, settled });
    }

    /// Whether settlements of this call are still to be put into the log.
    pub(super) fn owes_settlements(&self) -> bool {
        self.owes_settlements
    }

    /// The settlements of this call are in the log up to here.
    pub(super) fn seal(&mut self, receipt: Receipt) {
        self.owes_settlements = false;
        for owed in self.owed.iter_mut().filter(|owed| owed.is_unsealed) {
            owed.receipt = receipt;
            owed.is_unsealed = false;
        }
    }

    /// The log is durable up to here: what waited for that leaves.
    pub(super) fn on_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        while self.deferred.front().is_some_and(|deferred| durable.covers(deferred.receipt)) {
            if let Some(deferred) = self.deferred.pop_front() {
                out.extend_from_slice(&deferred.frames);
            }
        }
        self.tell_owed(durable, out);
    }

    /// Tells the outcomes that the log covers, runs of them in one frame.
    pub(super) fn tell_owed(&mut self, durable: Durable, out: &mut Vec<u8>) {
        let mut run: Option<Owed> = None;
        while self.owed.front().is_some_and(|owed| !owed.is_unsealed && durable.covers(owed.receipt)) {
            let Some(owed) = self.owed.pop_front() else { break };
            run = match run {
                Some(run) if run.is_followed_by(&owed) => Some(Owed { last: owed.last, ..run }),
                other => {
                    self.tell(other, out);
                    Some(owed)
                }
            };
        }
        self.tell(run, out);
    }

    fn tell(&mut self, owed: Option<Owed>, out: &mut Vec<u8>) {
        if let Some(Owed { role, first, last, outcome, settled, .. }) = owed {
            self.put_disposition(role, (first, last), settled, outcome.state(), out);
        }
    }

    /// Tells the state of deliveries, first to last; `settled` does it for good.
    pub(super) fn put_disposition(
        &mut self,
        role: Role,
        (first, last): (u32, u32),
        settled: bool,
        state: DeliveryState<'_>,
        out: &mut Vec<u8>,
    ) {
        let disposition = Disposition {
            role,
            first,
            last: Some(last).filter(|last| *last != first),
            settled,
            state: Some(state),
            batchable: false,
        };
        self.put(&Performative::Disposition(disposition), out);
    }

    /// Notes the next outgoing delivery. Answers its id.
    pub(super) fn number_delivery(&mut self, unsettled: Option<Unsettled>) -> u32 {
        let delivery_id = self.next_delivery_id;
        self.next_delivery_id = delivery_id.wrapping_add(1);
        if let Some(unsettled) = unsettled {
            self.unsettled.push(delivery_id, unsettled);
        }
        delivery_id
    }
}

/// What of a terminus outlives its link here: nothing.
pub(super) const NOTHING_OUTLIVES: Durability = Durability::None;

impl Line {
    /// Lets go of everything but the frames that wait for the log.
    pub(super) fn forget(&mut self) {
        self.links.clear();
        self.unsettled = UnsettledList::default();
        self.pending.clear();
        self.sending = None;
        self.owed.clear();
        self.owes_settlements = false;
    }
}
