//! Messages that are published later: a client schedules them, alone or in a transaction, takes some away before their time,
//! and fetches what has come. They go through a node of their own to a queue of their own, so that a message that comes again and
//! again is judged by how often and when it comes.

use ternmq_broker::{
    ConnectionId, ConnectionInfo, GetOutcome, Outcome as Fate, Publish, Published, Receipt, Schedule,
    ScheduledView, SessionId, SettleRange,
};
use ternmq_message::{Message, MessageMeta};

use crate::checker::{LATER, Violation, body_of, broken, head_of};
use crate::clients::unexpected;
use crate::history::{Came, Event};
use crate::node::USER;
use crate::sabotage::Sabotage;
use crate::world::World;

/// Most that wait at once, so that all of them have their turn.
const MOST_WAITING: usize = 40;
/// Most of these that are repeated without an end.
const MOST_ENDLESS: usize = 3;
/// Begins the keys of scheduled messages; their number follows.
const KEY: &str = "later.";

/// The number of a scheduled message.
fn number_of(view: &ScheduledView) -> u64 {
    view.key.strip_prefix(KEY).and_then(|digits| digits.parse().ok()).unwrap_or_default()
}

impl World {
    /// One verb of a client that uses the broker as its clock.
    pub(crate) fn act_with_schedules(&mut self) -> Result<(), Violation> {
        match self.schedule_work.below(10) {
            0..=3 => self.schedule(),
            4 => self.take_away(),
            _ => self.fetch_later().map(drop),
        }
    }

    fn visit(&mut self) -> Result<(ConnectionId, SessionId), Violation> {
        self.next_label += 1;
        let label = self.next_label;
        let broker = &mut self.node.broker;
        let connection = broker
            .connect(&USER.into(), "main", ConnectionInfo::default())
            .map_err(|error| unexpected("connect", &error))?;
        let session = broker.open_session(connection, label).map_err(|error| unexpected("open", &error))?;
        Ok((connection, session))
    }

    fn schedule(&mut self) -> Result<(), Violation> {
        let waiting = self.node.broker.scheduled(0, MOST_WAITING);
        if waiting.len() >= MOST_WAITING || self.node.is_low_on_disk() {
            return Ok(());
        }
        let endless = waiting.iter().filter(|view| view.schedule.repeats.is_none()).count();
        let (connection, session) = self.visit()?;
        let is_transaction = self.schedule_work.chance(1, 3);
        let count = if is_transaction { 1 + self.schedule_work.below(3) } else { 1 };
        if is_transaction {
            self.node.broker.tx_select(session).map_err(|error| unexpected("select", &error))?;
        }
        let (mut made, mut receipt) = (Vec::new(), Receipt::NONE);
        for _ in 0..count {
            let schedule = self.a_schedule(endless + made.len() < MOST_ENDLESS);
            self.next_message += 1;
            let message = self.next_message;
            receipt = receipt.and(self.publish_later(session, message, &schedule)?);
            made.push((message, schedule));
        }
        let is_undone = is_transaction && self.schedule_work.chance(1, 5);
        if is_transaction && !is_undone {
            let done = self.node.broker.tx_commit(session).map_err(|error| unexpected("commit", &error))?;
            receipt = done.receipt;
        }
        if !is_undone {
            let op = self.new_op(receipt);
            for (message, schedule) in made {
                let Schedule { delay_ms, period_ms, repeats, .. } = schedule;
                self.note(Event::Later { op, message, delay_ms, period_ms, repeats })?;
            }
            self.answer_at_once(op, receipt)?;
        }
        self.node.broker.disconnect(connection);
        self.hand_out()
    }

    fn a_schedule(&mut self, may_be_endless: bool) -> Schedule {
        let rng = &mut self.schedule_work;
        let delay_ms = 1 + rng.below(2_500);
        if rng.chance(2, 3) {
            return Schedule::after(delay_ms);
        }
        let repeats = if may_be_endless && rng.chance(1, 4) { None } else { Some(1 + rng.below(4) as u32) };
        Schedule { delay_ms, period_ms: 20 + rng.below(1_500), repeats, calendar: None }
    }

    fn publish_later(
        &mut self,
        session: SessionId,
        message: u64,
        schedule: &Schedule,
    ) -> Result<Receipt, Violation> {
        let meta = MessageMeta { is_durable: true, ..MessageMeta::default() };
        let key = format!("{KEY}{message}");
        let made = Message::new(LATER, &key, &head_of(message), &body_of(message), meta, None);
        let made = made.map_err(|_| broken("I2", "a message of usual size can't be made"))?;
        let publish = Publish { message: made, extra_keys: &[], claimed_user: None };
        let mut schedule = schedule.clone();
        if self.sabotage() == Sabotage::HurrySchedules {
            schedule.delay_ms /= 2;
        }
        match self.node.broker.publish_later(session, publish, schedule, None) {
            Ok(Published::Accepted(receipt)) => Ok(receipt),
            Ok(other) => Err(broken("I1", format!("a scheduled message is answered with {other:?}"))),
            Err(error) => Err(unexpected("publish later", &error)),
        }
    }

    /// Takes one away that waits.
    fn take_away(&mut self) -> Result<(), Violation> {
        let waiting = self.node.broker.scheduled(0, MOST_WAITING);
        if waiting.is_empty() {
            return Ok(());
        }
        let at = self.schedule_work.below(waiting.len() as u64) as usize;
        self.take_one_away(&waiting[at])
    }

    fn take_one_away(&mut self, view: &ScheduledView) -> Result<(), Violation> {
        let receipt = self.node.broker.remove_scheduled(view.id);
        let op = self.new_op(receipt);
        self.note(Event::TakeAway { op, message: number_of(view) })?;
        self.answer_at_once(op, receipt)?;
        self.hand_out()
    }

    /// Fetches and accepts all that has come. False while some of it is being read.
    fn fetch_later(&mut self) -> Result<bool, Violation> {
        if !self.has_queue(LATER) {
            return Ok(true);
        }
        let (connection, session) = self.visit()?;
        let is_all = loop {
            let got =
                self.node.broker.get(session, LATER, true).map_err(|error| unexpected("get", &error))?;
            self.hand_out()?;
            let deliver = match got {
                GetOutcome::Empty => break true,
                GetOutcome::Loading => break false,
                GetOutcome::Got(deliver, _) => deliver,
            };
            let is_redelivered = deliver.is_redelivered && self.sabotage() != Sabotage::HideRepeats;
            let message = &deliver.message;
            let came = Came { is_redelivered, head: message.head().to_vec(), body: message.body().to_vec() };
            self.note(Event::Come { came })?;
            self.node
                .broker
                .settle(session, deliver.delivery, SettleRange::One, Fate::Accept)
                .map_err(|error| unexpected("settle", &error))?;
        };
        self.node.broker.disconnect(connection);
        self.hand_out()?;
        Ok(is_all)
    }

    /// Lets all that is scheduled have its time.
    pub(crate) fn outlive_schedules(&mut self) -> Result<(), Violation> {
        for _ in 0..2_000 {
            let waiting = self.node.broker.scheduled(0, usize::MAX);
            for view in waiting.iter().filter(|view| view.schedule.repeats.is_none()) {
                self.take_one_away(view)?;
            }
            let next_ms = waiting.iter().map(|view| view.due_ms).min();
            if let Some(due_ms) = next_ms {
                self.advance(due_ms.saturating_sub(self.lower.ms()).max(10))?;
            }
            if let Err(stopped) = self.settle_all()? {
                self.fall(&stopped)?;
            }
            let is_all = self.fetch_later()?;
            if is_all && next_ms.is_none() && self.node.broker.scheduled_count() == 0 {
                return Ok(());
            }
        }
        Err(broken("I12", "scheduled messages never come"))
    }
}
