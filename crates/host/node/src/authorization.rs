//! Who may do what by the configuration file of ActiveMQ's ways: set before anybody is let in.

use ternmq_activemq::AuthorizationMap;
use ternmq_broker::Broker;
use ternmq_configuration::activemq_service::Settings;

use crate::error::StartError;

/// Sets the rules of the file's authorization map. Of one that is read from a directory nobody may do anything until it was
/// read (S1). Without a map permissions alone count.
///
/// # Errors
/// The map is over a limit.
pub(crate) fn apply(file: Option<&Settings>, broker: &mut Broker) -> Result<(), StartError> {
    let Some(authorization) = file.and_then(Settings::authorization) else { return Ok(()) };
    let rules = match authorization.directory() {
        Some(_) => AuthorizationMap::nothing(),
        None => AuthorizationMap::of(authorization)
            .rules()
            .map_err(|error| StartError::Usage(format!("the authorization map can't be used: {error}")))?,
    };
    broker.set_rules(Some(rules));
    Ok(())
}
