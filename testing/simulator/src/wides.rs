//! Clients that take from several queues at once, with one window over all of them: queues by name, and those that match a
//! pattern, later ones too. What they get is judged as any other delivery from its queue is; here is judged that it comes
//! from a queue that they named, and that they never have more of it than their window allows.

use std::collections::BTreeSet;

use ternmq_broker::{AddressQueue, ConsumeSpec, ConsumerId, Deliver, DeliverFrom, Source, SourceQueue};

use crate::checker::{Violation, broken};
use crate::clients::{QUEUES, unexpected};
use crate::dialect::is_matching;
use crate::sabotage::Sabotage;
use crate::world::World;

/// Most of them that a session has.
const MOST: usize = 2;
/// Patterns of queues.
const PATTERNS: [&str; 2] = ["q-*", "dead-*"];

/// A consumer of several queues as its client knows it.
#[derive(Debug)]
pub(crate) struct WideConsumer {
    consumer: ConsumerId,
    /// Names and patterns.
    places: Vec<String>,
    /// Most deliveries that wait to be settled.
    window: Option<u32>,
    needs_settle: bool,
    /// All that it got.
    taken: BTreeSet<u64>,
}

fn source(queue: SourceQueue) -> Source {
    Source { queue, binding: None, is_subscription: false }
}

impl World {
    /// One verb of a client that takes from several queues.
    pub(crate) fn act_with_wides(&mut self) -> Result<(), Violation> {
        if self.clients.is_empty() {
            return Ok(());
        }
        let at = self.wide_work.below(self.clients.len() as u64) as usize;
        match self.wide_work.below(3) {
            0 => self.cancel_wide(at),
            _ => self.consume_several(at),
        }
    }

    fn consume_several(&mut self, at: usize) -> Result<(), Violation> {
        if self.clients[at].wides.len() >= MOST {
            return Ok(());
        }
        let (mut sources, mut places) = (Vec::new(), Vec::new());
        if self.wide_work.chance(1, 2) {
            let pattern = PATTERNS[self.wide_work.below(PATTERNS.len() as u64) as usize];
            sources.push(source(SourceQueue::Matching(pattern.into())));
            places.push(pattern.to_owned());
        }
        for _ in 0..self.wide_work.below(4) {
            let name = format!("q-{}", self.wide_work.below(QUEUES));
            if self.has_queue(&name) {
                sources.push(source(SourceQueue::Shared(AddressQueue::Existing(name.as_str().into()))));
                places.push(name);
            }
        }
        let window = self.wide_work.chance(5, 6).then(|| 1 + self.wide_work.below(8) as u32);
        let needs_settle = self.wide_work.chance(5, 6);
        let priority = self.wide_work.below(3) as i32;
        if sources.is_empty() {
            return Ok(());
        }
        self.next_label += 1;
        let label = self.next_label;
        let is_widened = self.sabotage() == Sabotage::WidenWindows;
        let spec = ConsumeSpec {
            queue: "",
            label,
            window: window.map(|most| most + u32::from(is_widened)),
            needs_settle,
            is_exclusive: false,
            priority,
            is_preferred: false,
        };
        let session = self.clients[at].session;
        let made = self.node.broker.consume_several(session, &sources, &spec, None);
        let consumer = made.map_err(|error| unexpected("consume several", &error))?.value;
        let wide = WideConsumer { consumer, places, window, needs_settle, taken: BTreeSet::new() };
        self.clients[at].wides.insert(label, wide);
        self.node.broker.start_consumer(consumer);
        self.hand_out()
    }

    fn cancel_wide(&mut self, at: usize) -> Result<(), Violation> {
        if let Some((_, wide)) = self.clients[at].wides.pop_first() {
            self.node.broker.cancel(wide.consumer);
        }
        self.hand_out()
    }

    /// A delivery out of one of several queues.
    pub(crate) fn hand_over_from(&mut self, from: &DeliverFrom) -> Result<(), Violation> {
        let DeliverFrom { queue, deliver, .. } = from;
        let found = self.clients.iter().position(|client| client.label == deliver.session_label);
        let Some(at) = found else { return Ok(()) };
        let needs_settle = self.judge_wide(at, queue, deliver)?;
        self.deliver(at, queue, deliver, needs_settle)
    }

    /// Answers whether the delivery waits to be settled.
    fn judge_wide(&mut self, at: usize, queue: &str, deliver: &Deliver) -> Result<bool, Violation> {
        let client = &mut self.clients[at];
        let label = deliver.consumer_label;
        let Some(wide) = client.wides.get_mut(&label) else {
            return Err(broken("I4", format!("consumer {label} got a delivery after it had ended")));
        };
        let is_meant = |place: &String| place == queue || is_matching(place, queue);
        if !wide.places.iter().any(is_meant) {
            let text = format!("consumer {label} of {:?} got a delivery from '{queue}'", wide.places);
            return Err(broken("I2", text));
        }
        wide.taken.insert(deliver.delivery.0);
        // What is staged waits as well, and what a prepared branch has.
        let staged = self.staged_deliveries.get(&client.label).into_iter().flatten();
        let prepared = self.open_branches.values().filter(|open| open.label == client.label);
        let known = client.unsettled.iter().chain(staged).chain(prepared.flat_map(|open| &open.deliveries));
        let waiting = 1 + known.filter(|number| wide.taken.contains(*number)).count();
        match wide.window.filter(|most| wide.needs_settle && waiting > *most as usize) {
            Some(most) => Err(broken(
                "I11",
                format!("consumer {label} has {waiting} deliveries and a window of {most}"),
            )),
            None => Ok(wide.needs_settle),
        }
    }
}
