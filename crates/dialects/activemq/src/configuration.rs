//! What a broker's configuration file says of destinations and subscriptions, ready to be asked.

use ternmq_configuration::activemq_service::Settings;

/// The ways of one broker. Without a configuration file they are what the vendor does without one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Configuration {
    /// Nobody gets a durable subscription.
    pub(crate) rejects_durable: bool,
}

impl Configuration {
    pub(crate) fn of(settings: &Settings) -> Self {
        let broker = settings.broker();
        Self { rejects_durable: broker.truth("rejectDurableConsumers").unwrap_or(false) }
    }

    /// Whether durable subscriptions may be had.
    ///
    /// # Errors
    /// The sentence for the client.
    pub(crate) fn check_durable(&self) -> Result<(), String> {
        if self.rejects_durable {
            return Err("Durable Consumers Are Not Allowed: the broker's configuration says so".to_owned());
        }
        Ok(())
    }
}
