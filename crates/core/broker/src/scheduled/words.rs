//! What a message says of when it is to be published, in a dialect's words.

use ternmq_message::Value;
use thiserror::Error;

use super::{Calendar, CalendarError, Schedule};

/// Longest delay and period: ten years.
pub(crate) const MAX_DELAY_MS: u64 = 315_360_000_000;

/// What a dialect calls the properties that schedule a message, and those of orders about scheduled ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleWords {
    /// Time to wait in ms.
    pub delay: &'static str,
    /// Time between repetitions in ms.
    pub period: &'static str,
    /// How often it is repeated; below 0: without an end.
    pub repeats: &'static str,
    /// See [`Calendar`].
    pub calendar: &'static str,
    /// Id of what is scheduled: a published message is told it, and whoever has it is scheduled no more.
    pub id: &'static str,
    /// What ids begin with.
    pub id_start: &'static str,
    /// What a message to [`Self::orders`] asks for.
    pub action: &'static str,
    /// The action that shows what is scheduled, the one that takes one away, the one that takes away all.
    pub actions: [&'static str; 3],
    /// First and last time in ms since 1970 of what an action is about.
    pub range: (&'static str, &'static str),
    /// Node and key that orders are sent to.
    pub orders: (&'static str, &'static str),
}

/// An order about what is scheduled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleOrder {
    /// What is to be done.
    pub action: ScheduleAction,
    /// Of what is due in this time, both ends included, in ms since 1970.
    pub range_ms: (u64, u64),
}

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScheduleAction {
    /// Send a copy of everything to where the order says that answers go.
    Show,
    /// Take one away.
    Remove(u64),
    /// Take all away.
    RemoveAll,
    /// Nothing that there is.
    Nothing,
}

/// When a message is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Timing {
    /// At once.
    Now,
    /// Later.
    Later(Schedule),
    /// Never: it is an order.
    Order(ScheduleOrder),
}

/// A property that schedules a message has a wrong value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{name}: {problem}")]
pub struct ScheduleError {
    /// Its name.
    pub name: &'static str,
    /// What is wrong.
    pub problem: ScheduleProblem,
}

/// What is wrong with such a value.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ScheduleProblem {
    /// No number, or one that is out of range.
    #[error("it has to be a whole number from {first} to {last}")]
    Number {
        /// Lowest.
        first: i64,
        /// Highest.
        last: i64,
    },
    /// See [`CalendarError`].
    #[error(transparent)]
    Calendar(CalendarError),
    /// Each time of the calendar would begin what never ends.
    #[error("a calendar can't begin repetitions without an end")]
    Endless,
    /// Repetitions without a time between them.
    #[error("repetitions without an end need a period")]
    NoPeriod,
}

impl ScheduleWords {
    /// Whether a header is one of those that schedule a message or give an order.
    #[must_use]
    pub fn is_one(&self, name: &str) -> bool {
        [self.delay, self.period, self.repeats, self.calendar, self.id, self.action].contains(&name)
            || name == self.range.0
            || name == self.range.1
    }

    /// When a message to a node with a key is to be published. `get` finds a property by its name.
    ///
    /// # Errors
    /// See [`ScheduleError`].
    pub fn read(
        &self,
        node: &str,
        key: &str,
        get: &dyn Fn(&str) -> Option<Value>,
    ) -> Result<Timing, ScheduleError> {
        if (node, key) == self.orders {
            return self.order(get).map(Timing::Order);
        }
        let is_scheduled =
            [self.delay, self.period, self.calendar].into_iter().any(|name| get(name).is_some());
        if !is_scheduled || get(self.id).is_some() {
            return Ok(Timing::Now);
        }
        let max_ms = MAX_DELAY_MS.cast_signed();
        let ms = |name| Ok(number(name, get(name), 0, max_ms)?.unwrap_or_default().cast_unsigned());
        let repeats = number(self.repeats, get(self.repeats), i64::from(i32::MIN), i64::from(i32::MAX))?;
        let calendar = get(self.calendar).and_then(|value| value.to_text().map(|text| text.into_owned()));
        let calendar = calendar.filter(|text| !text.trim().is_empty()).map(|text| Calendar::parse(&text));
        let of_calendar =
            |error| ScheduleError { name: self.calendar, problem: ScheduleProblem::Calendar(error) };
        let schedule = Schedule {
            delay_ms: ms(self.delay)?,
            period_ms: ms(self.period)?,
            // Below 0 stands for no end.
            repeats: Some(repeats.unwrap_or_default()).and_then(|count| u32::try_from(count).ok()),
            calendar: calendar.transpose().map_err(of_calendar)?,
        };
        match schedule.repeats {
            None if schedule.calendar.is_some() => {
                Err(ScheduleError { name: self.repeats, problem: ScheduleProblem::Endless })
            }
            None if schedule.period_ms == 0 => {
                Err(ScheduleError { name: self.period, problem: ScheduleProblem::NoPeriod })
            }
            _ => Ok(Timing::Later(schedule)),
        }
    }

    fn order(&self, get: &dyn Fn(&str) -> Option<Value>) -> Result<ScheduleOrder, ScheduleError> {
        let action = get(self.action).and_then(|value| value.to_text().map(|text| text.into_owned()));
        let [show, remove, remove_all] = self.actions;
        let action = match action.as_deref() {
            Some(name) if name == show => ScheduleAction::Show,
            Some(name) if name == remove_all => ScheduleAction::RemoveAll,
            Some(name) if name == remove => {
                let id = get(self.id).and_then(|id| self.id_of(id.as_str()?));
                id.map_or(ScheduleAction::Nothing, ScheduleAction::Remove)
            }
            _ => ScheduleAction::Nothing,
        };
        let (first, last) = self.range;
        let time = |name| number(name, get(name), 0, i64::MAX);
        let range_ms = match (time(first)?, time(last)?) {
            (Some(first), Some(last)) => (first.cast_unsigned(), last.cast_unsigned()),
            // One end alone says nothing.
            _ => (0, u64::MAX),
        };
        Ok(ScheduleOrder { action, range_ms })
    }

    /// The text of an id.
    #[must_use]
    pub fn id_text(&self, id: u64) -> String {
        format!("{}{id}", self.id_start)
    }

    fn id_of(&self, text: &str) -> Option<u64> {
        let digits = text.strip_prefix(self.id_start)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits.parse().ok().filter(|_| is_number)
    }
}

/// A number, or text that says one.
fn number(
    name: &'static str,
    value: Option<Value>,
    first: i64,
    last: i64,
) -> Result<Option<i64>, ScheduleError> {
    let Some(value) = value else { return Ok(None) };
    let number = value.as_i64().or_else(|| value.as_str()?.trim().parse().ok());
    let bad = ScheduleError { name, problem: ScheduleProblem::Number { first, last } };
    number.filter(|number| (first..=last).contains(number)).map(Some).ok_or(bad)
}
