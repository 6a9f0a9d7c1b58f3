//! Receivers that look at a queue's messages and take none (AMQP 1.0 3.5.3, distribution-mode copy): page by page, as far as
//! the link's credit goes. A drain ends when nothing stands behind what was shown; a further flow looks for what came since.

use std::{collections::VecDeque, sync::Arc};

use ternmq_broker::{
    Broker, Browse, BrowsePage, BrowseSpec, BrowsedMessage, Deliver, DeliveryId, Durable, Receipt, Request,
};
use ternmq_selector::Selector;

use super::{Amqp10Session, line::Feed};
use crate::error::Fault;

/// Most messages of a page, and bytes of bodies after which no further one is in it.
const PAGE_MESSAGES: u32 = 128;
const PAGE_BYTES: u64 = 256 << 10;
/// Number of a delivery of which the core has nothing to settle: its own begin at 1.
const SHOWN: DeliveryId = DeliveryId(0);

/// How far a receiver that only looks has come.
pub(super) struct Browser {
    queue: Arc<str>,
    /// Only what it lets pass is shown.
    selector: Option<Selector>,
    /// What to look at next.
    spec: BrowseSpec,
    progress: Progress,
    /// Tells it from another one that has its handle later.
    serial: u64,
}

/// What a browser is about to do.
enum Progress {
    /// Asks for a page when there is credit.
    Idle,
    /// Has a page that is to be read once the log is durable up to its receipt, behind those of other links.
    Waiting(Box<Browse>, Receipt),
    /// Its page is being read.
    Reading,
    /// Nothing stood behind what it has shown when it looked; a flow makes it look again.
    AtEnd,
}

/// Pages of a connection's browsers: one is read at a time.
#[derive(Default)]
pub(super) struct Looks {
    /// Links whose pages wait, each once.
    waiting: VecDeque<(u16, u32)>,
    /// Whose page is being read.
    under_way: Option<(u16, u32, u64)>,
    last_serial: u64,
    /// How far the log is durable, as far as it was told.
    durable: Option<Durable>,
    /// The peer does not take in what it gets.
    is_congested: bool,
}

impl Looks {
    /// A browser of this queue that has shown nothing.
    pub(super) fn begin(&mut self, queue: Arc<str>, selector: Option<Selector>) -> Browser {
        self.last_serial += 1;
        let spec = BrowseSpec { after: None, max_count: PAGE_MESSAGES as usize, max_bytes: PAGE_BYTES };
        Browser { queue, selector, spec, progress: Progress::Idle, serial: self.last_serial }
    }

    /// Some page waits, perhaps for the log.
    pub(super) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn note_durable(&mut self, durable: Durable) {
        self.durable = Some(durable);
    }

    /// The peer takes in what it gets, or does not: then no page is read for it (F16).
    pub(super) fn note_congestion(&mut self, is_congested: bool) {
        self.is_congested = is_congested;
    }
}

impl Browser {
    /// It has shown all that was there when it looked last.
    pub(super) fn is_at_end(&self) -> bool {
        matches!(self.progress, Progress::AtEnd)
    }

    /// The peer has sent a flow: it wants what is there now.
    pub(super) fn look_again(&mut self) {
        if self.is_at_end() {
            self.progress = Progress::Idle;
        }
    }
}

impl Amqp10Session {
    /// Asks for the next page of a link that looks at a queue, as far as its credit goes.
    pub(super) fn look_on(&mut self, broker: &mut Broker, channel: u16, handle: u32, out: &mut Vec<u8>) {
        let Some(line) = self.line_mut(channel) else { return };
        let (core, is_open) = (line.core, line.remote_window > 0);
        let Some(outgoing) = line.outgoing(handle) else { return };
        let free = outgoing.credit.saturating_sub(outgoing.pending).min(PAGE_MESSAGES);
        let Feed::Browser(browser) = &mut outgoing.feed else { return };
        if free == 0 || !is_open || !matches!(browser.progress, Progress::Idle) {
            return;
        }
        browser.spec.max_count = free as usize;
        match broker.browse(core, &browser.queue, browser.spec) {
            Ok(browse) => {
                let receipt = browse.receipt();
                let filter = browser.selector.clone().map(|selector| broker.filters().of(selector));
                browser.progress = Progress::Waiting(Box::new(browse.filtered(filter)), receipt);
                let looks = self.looks.get_or_insert_default();
                looks.durable = Some(broker.durable());
                // One of an earlier link of this handle may wait there: it stands for this one now.
                if !looks.waiting.contains(&(channel, handle)) {
                    looks.waiting.push_back((channel, handle));
                }
            }
            // The queue has gone meanwhile, or may not be read any more (S7).
            Err(error) => {
                let fault = Fault::of(&error, &**broker.dialect());
                self.end_link(broker, channel, handle, &fault, out);
            }
        }
    }

    /// The next page that can be read.
    pub(super) fn poll_look(&mut self) -> Option<Request> {
        let looks = self.looks.as_deref_mut()?;
        if looks.under_way.is_some() || looks.is_congested {
            return None;
        }
        let mut at = 0;
        while let Some((channel, handle)) = looks.waiting.get(at).copied() {
            let line = self.lines.get_mut(usize::from(channel)).and_then(Option::as_deref_mut);
            let browser =
                line.and_then(|line| line.outgoing(handle)).and_then(|outgoing| match &mut outgoing.feed {
                    Feed::Browser(browser) => Some(browser),
                    Feed::Consumer(_) => None,
                });
            let is_covered = |receipt| looks.durable.is_some_and(|durable| durable.covers(receipt));
            match browser.map(|browser| (browser.serial, &mut browser.progress)) {
                Some((_, Progress::Waiting(_, receipt))) if !is_covered(*receipt) => at += 1,
                Some((serial, progress @ Progress::Waiting(..))) => {
                    looks.waiting.remove(at);
                    looks.under_way = Some((channel, handle, serial));
                    let Progress::Waiting(browse, _) = std::mem::replace(progress, Progress::Reading) else {
                        return None;
                    };
                    return Some(Request::Browse(browse));
                }
                // Its link has ended.
                _ => drop(looks.waiting.remove(at)),
            }
        }
        None
    }

    /// A page was read: what is in it goes to its link, and the link looks on.
    pub(super) fn on_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        let Some((channel, handle, serial)) = self.looks.as_mut().and_then(|looks| looks.under_way.take())
        else {
            return;
        };
        let Some(line) = self.line_mut(channel) else { return };
        let Some(outgoing) = line.outgoing(handle) else { return };
        let Feed::Browser(browser) = &mut outgoing.feed else { return };
        if browser.serial != serial {
            return;
        }
        let last = page.next.or_else(|| page.messages.last().map(|browsed| browsed.place));
        browser.spec.after = last.or(browser.spec.after);
        browser.progress = if page.next.is_some() { Progress::Idle } else { Progress::AtEnd };
        let count = u32::try_from(page.messages.len()).unwrap_or(u32::MAX);
        outgoing.pending = outgoing.pending.saturating_add(count);
        line.pending.extend(page.messages.into_iter().map(|browsed| (handle, shown(browsed))));
        self.send_pending(broker, channel, out);
        self.look_on(broker, channel, handle, out);
        self.settle_drains(broker, out);
    }
}

/// A message that is shown, as one that is delivered.
fn shown(browsed: BrowsedMessage) -> Deliver {
    Deliver {
        session_label: 0,
        consumer_label: 0,
        delivery: SHOWN,
        seq: browsed.place.seq.0,
        message: browsed.message,
        is_redelivered: browsed.is_redelivered,
        failed_count: Some(browsed.failed_count),
        failures: browsed.failed_count,
        expires_at_ms: None,
        is_group_first: false,
    }
}
