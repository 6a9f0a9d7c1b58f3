//! Alarms that hold publishers back and nobody else (F4, F13).

use crate::{
    broker::Broker,
    effect::{ConnectionId, Effect},
};

/// What runs short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Memory.
    Memory,
    /// Disk space.
    Disk,
}

/// Alarms that are on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Alarms {
    memory: bool,
    disk: bool,
}

impl Alarms {
    fn reason(self) -> Option<&'static str> {
        match (self.memory, self.disk) {
            (true, true) => Some("low on memory & disk"),
            (true, false) => Some("low on memory"),
            (false, true) => Some("low on disk"),
            (false, false) => None,
        }
    }
}

impl Broker {
    /// Turns an alarm on or off. Every connection hears of a change.
    pub fn set_alarm(&mut self, alarm: Alarm, is_on: bool) {
        let before = self.alarms.reason();
        match alarm {
            Alarm::Memory => self.alarms.memory = is_on,
            Alarm::Disk => self.alarms.disk = is_on,
        }
        let after = self.alarms.reason();
        if before == after {
            return;
        }
        let reason = after.unwrap_or_default();
        let connections: Vec<ConnectionId> = self.connections.iter().map(|(id, _)| id.into()).collect();
        for connection in connections {
            self.effects.push((connection, Effect::Blocked { is_blocked: after.is_some(), reason }));
        }
    }

    /// Why publishers are held back now, if they are.
    #[must_use]
    pub fn blocked_reason(&self) -> Option<&'static str> {
        self.alarms.reason()
    }

    /// Whether an alarm is on.
    #[must_use]
    pub fn is_alarmed(&self, alarm: Alarm) -> bool {
        match alarm {
            Alarm::Memory => self.alarms.memory,
            Alarm::Disk => self.alarms.disk,
        }
    }
}
