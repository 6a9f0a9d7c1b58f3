//! What can be set about a fleet of processes.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::error::FleetError;
use crate::name::NodeName;
use crate::provisioner::Step;

/// Told before each step of a call; an error ends the call there, and leaves what was done until then.
pub type StepHook = Arc<dyn Fn(&NodeName, Step) -> Result<(), FleetError> + Send + Sync>;

/// How much room on the disk a node takes before it has anything to keep; `ternmq broker --footprint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Footprint {
    /// Some 385 MiB.
    #[default]
    Standard,
    /// Some 24 MiB: for many nodes on one disk.
    Small,
}

/// Settings of a [`crate::ProcessFleet`].
#[derive(Clone)]
pub struct ProcessSettings {
    /// Ports that nodes get. Default 20000 to 32000, below those that Linux gives to outgoing connections.
    pub ports: RangeInclusive<u16>,
    /// How long a node may take from its start until it serves, before a call answers that it does not yet. Default 60 s.
    pub start_timeout: Duration,
    /// How long a node may drain before it is killed. Default 30 s; a node itself gives its clients 10 s.
    pub drain_timeout: Duration,
    /// Pause before the first restart of a node whose process ended, doubled each time. Default 100 ms.
    pub restart_pause: Duration,
    /// The longest such pause. Default 30 s.
    pub restart_pause_max: Duration,
    /// A node that ran so long begins with the first pause again. Default 60 s.
    pub stable_after: Duration,
    /// What nodes that are started take of the disk. Those that have a data directory keep their size of segments.
    pub footprint: Footprint,
    /// For tests that interrupt calls.
    pub on_step: Option<StepHook>,
}

impl Default for ProcessSettings {
    fn default() -> Self {
        Self {
            ports: 20_000..=32_000,
            start_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(30),
            restart_pause: Duration::from_millis(100),
            restart_pause_max: Duration::from_secs(30),
            stable_after: Duration::from_secs(60),
            footprint: Footprint::Standard,
            on_step: None,
        }
    }
}

impl fmt::Debug for ProcessSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProcessSettings")
            .field("ports", &self.ports)
            .field("start_timeout", &self.start_timeout)
            .field("drain_timeout", &self.drain_timeout)
            .field("restart_pause", &self.restart_pause)
            .field("restart_pause_max", &self.restart_pause_max)
            .field("stable_after", &self.stable_after)
            .field("footprint", &self.footprint)
            .finish_non_exhaustive()
    }
}

impl ProcessSettings {
    pub(crate) fn reach(&self, node: &NodeName, step: Step) -> Result<(), FleetError> {
        self.on_step.as_ref().map_or(Ok(()), |hook| hook(node, step))
    }

    /// The pause before restart number `failures`, from 1.
    pub(crate) fn pause_ms(&self, failures: u32) -> u64 {
        let first = u64::try_from(self.restart_pause.as_millis()).unwrap_or(u64::MAX);
        let most = u64::try_from(self.restart_pause_max.as_millis()).unwrap_or(u64::MAX);
        let factor = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(u64::MAX);
        first.saturating_mul(factor).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let settings = ProcessSettings::default();
        let pauses = [1, 2, 3, 9, 10, 64, 65, u32::MAX].map(|failures| settings.pause_ms(failures));
        assert_eq!(pauses, [100, 200, 400, 25_600, 30_000, 30_000, 30_000, 30_000]);
    }
}
