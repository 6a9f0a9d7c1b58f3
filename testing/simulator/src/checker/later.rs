//! Scheduled messages: each comes as often as it was scheduled and not before its time; after a crash what was handed out may come
//! once more, and says so.

use std::collections::BTreeMap;

use super::copies::{body_of, head_of, message_id};
use super::{Checker, NEVER, Violation, broken};
use crate::history::{Came, Event};

/// The node and the queue of scheduled messages.
pub(crate) const LATER: &str = "later";
/// Shortest time between repetitions.
const MIN_PERIOD_MS: u64 = 100;

/// It was taken away.
#[derive(Clone, Copy, Debug)]
struct Withdrawal {
    op: u64,
    turn: u64,
    /// How often it may have come by then.
    most: u64,
    is_certain: bool,
}

/// One scheduled message.
#[derive(Clone, Debug)]
struct Scheduled {
    op: u64,
    turn: u64,
    is_kept: bool,
    /// The first time and the time between the others; absent: it comes once.
    first_ms: u64,
    period_ms: u64,
    /// How often it comes; absent: until it is taken away.
    times: Option<u64>,
    withdrawal: Option<Withdrawal>,
    /// Nobody can say any more how often it has to come.
    is_released: bool,
    /// Deliveries, and those without a flag.
    came: u64,
    plain: u64,
    /// Deliveries that a crash could take back: turn, and the latest broker time then.
    recent: Vec<(u64, u64)>,
    /// Latest broker time at each delivery that a crash may have taken back.
    undone: Vec<u64>,
    /// How many of these may come again without a flag: they were not surely due when the node started.
    plain_again: u64,
    /// It lived through an unclean stop: anything may be flagged.
    crossed: bool,
}

impl Scheduled {
    /// The earliest broker time of the time of this number.
    fn earliest_ms(&self, number: u64) -> u64 {
        self.first_ms.saturating_add(self.period_ms.max(MIN_PERIOD_MS).saturating_mul(number))
    }

    /// How often it may come at most, leaving aside what comes again.
    fn most(&self) -> u64 {
        let times = self.times.unwrap_or(u64::MAX);
        self.withdrawal.map_or(times, |withdrawal| withdrawal.most.min(times))
    }

    /// How many times may have been by this broker time.
    fn most_until(&self, ms: u64) -> u64 {
        let period_ms = self.period_ms.max(MIN_PERIOD_MS);
        ms.checked_sub(self.first_ms).map_or(0, |since_ms| since_ms / period_ms + 1)
    }
}

/// All of them by message.
#[derive(Clone, Debug, Default)]
pub(super) struct Schedules {
    all: BTreeMap<u64, Scheduled>,
}

impl Schedules {
    pub(super) fn confirm(&mut self, op: u64) {
        for scheduled in self.all.values_mut() {
            scheduled.is_kept |= scheduled.op == op;
            if let Some(withdrawal) = &mut scheduled.withdrawal {
                withdrawal.is_certain |= withdrawal.op == op;
            }
        }
    }

    /// The node went away with what was durable up to this turn.
    pub(super) fn gone(&mut self, durable_turn: u64, is_clean: bool) {
        for scheduled in self.all.values_mut() {
            scheduled.is_kept |= std::mem::replace(&mut scheduled.turn, NEVER) <= durable_turn;
            scheduled.crossed |= !is_clean;
            let recent = std::mem::take(&mut scheduled.recent);
            let taken_back = recent.into_iter().filter(|(turn, _)| *turn > durable_turn);
            scheduled.undone.extend(taken_back.map(|(_, upper_ms)| upper_ms));
            scheduled.withdrawal = scheduled.withdrawal.filter(|withdrawal| {
                let is_certain = withdrawal.is_certain || withdrawal.turn <= durable_turn;
                scheduled.is_released |= !is_certain;
                is_certain
            });
            if let Some(withdrawal) = &mut scheduled.withdrawal {
                withdrawal.is_certain = true;
            }
        }
    }

    /// The node is back, at this broker time at the earliest.
    pub(super) fn back(&mut self, lower_ms: u64) {
        for scheduled in self.all.values_mut() {
            let unsure = scheduled.undone.iter().filter(|upper_ms| **upper_ms > lower_ms).count() as u64;
            scheduled.plain_again = scheduled.plain_again.max(unsure);
        }
    }

    /// It is seen that the operation survived a crash, so all of it did (I6).
    fn keep_all_of(&mut self, op: u64) {
        for scheduled in self.all.values_mut().filter(|scheduled| scheduled.op == op) {
            scheduled.is_kept = true;
        }
    }
}

impl Checker {
    /// An event of a scheduled message.
    pub(super) fn note_schedule_event(&mut self, event: &Event) -> Result<(), Violation> {
        match event {
            Event::Later { op, message, delay_ms, period_ms, repeats } => {
                self.note_later((*op, *message), (*delay_ms, *period_ms, *repeats));
            }
            Event::TakeAway { op, message } => self.note_taken_away(*op, *message),
            Event::Come { came } => return self.note_came(came),
            _ => {}
        }
        Ok(())
    }

    /// A message is to come after `delay_ms`, and again each `period_ms`.
    fn note_later(
        &mut self,
        (op, message): (u64, u64),
        (delay_ms, period_ms, repeats): (u64, u64, Option<u32>),
    ) {
        let scheduled = Scheduled {
            op,
            turn: self.turn + 1,
            is_kept: false,
            first_ms: self.lower_ms.saturating_add(delay_ms),
            period_ms,
            times: repeats.map(|count| u64::from(count) + 1),
            withdrawal: None,
            is_released: false,
            came: 0,
            plain: 0,
            recent: Vec::new(),
            undone: Vec::new(),
            plain_again: 0,
            crossed: false,
        };
        self.schedules.all.insert(message, scheduled);
    }

    fn note_taken_away(&mut self, op: u64, message: u64) {
        let (turn, upper_ms) = (self.turn + 1, self.upper_ms);
        let Some(scheduled) = self.schedules.all.get_mut(&message) else { return };
        let most = scheduled.most_until(upper_ms);
        scheduled.withdrawal = Some(Withdrawal { op, turn, most, is_certain: false });
        scheduled.is_released = true;
    }

    /// It came out of its queue and is accepted.
    fn note_came(&mut self, came: &Came) -> Result<(), Violation> {
        let invented = |what: &str| broken("I2", format!("a scheduled message: {what}"));
        let id = message_id(&came.body).ok_or_else(|| invented("its body was never published"))?;
        if came.body != body_of(id) || came.head != head_of(id) {
            return Err(invented(&format!("the bytes of message {id} have changed")));
        }
        let (turn, upper_ms, is_maimed) = (self.turn + 1, self.upper_ms, self.is_maimed);
        let scheduled =
            self.schedules.all.get_mut(&id).ok_or_else(|| invented("nobody scheduled the message"))?;
        if !is_maimed {
            judge(id, scheduled, upper_ms, came.is_redelivered)?;
        }
        scheduled.came += 1;
        scheduled.plain += u64::from(!came.is_redelivered);
        scheduled.recent.push((turn, upper_ms));
        let (op, crossed) = (scheduled.op, scheduled.crossed);
        if crossed {
            self.schedules.keep_all_of(op);
        }
        Ok(())
    }

    /// All that was durable and not taken away came as often as it had to.
    pub(super) fn judge_schedules(&self) -> Result<(), Violation> {
        let mut spare = self.damaged.get(LATER).copied().unwrap_or_default();
        for (id, scheduled) in &self.schedules.all {
            let times = scheduled.times.filter(|_| scheduled.is_kept && !scheduled.is_released);
            let missing = times.unwrap_or_default().saturating_sub(scheduled.came);
            if missing > spare {
                return Err(broken("I1", format!("scheduled message {id} came too seldom: {scheduled:?}")));
            }
            spare -= missing;
        }
        Ok(())
    }
}

fn judge(id: u64, scheduled: &Scheduled, upper_ms: u64, is_redelivered: bool) -> Result<(), Violation> {
    let (most, again) = (scheduled.most(), scheduled.undone.len() as u64);
    if scheduled.came >= most.saturating_add(again) {
        return Err(broken("I3", format!("scheduled message {id} came too often: {scheduled:?}")));
    }
    // So many times were before this one for sure.
    if scheduled.earliest_ms(scheduled.came.saturating_sub(again)) > upper_ms {
        return Err(broken("F6", format!("scheduled message {id} came before its time: {scheduled:?}")));
    }
    if is_redelivered && !scheduled.crossed {
        return Err(broken("I4", format!("scheduled message {id} is marked the first time: {scheduled:?}")));
    }
    let plain_before = scheduled.plain.saturating_sub(scheduled.plain_again);
    let is_new = scheduled.plain < most.saturating_add(scheduled.plain_again)
        && scheduled.earliest_ms(plain_before) <= upper_ms;
    if !is_redelivered && !is_new {
        return Err(broken("I4", format!("scheduled message {id} came again unmarked: {scheduled:?}")));
    }
    Ok(())
}
