//! The texts of configurations: what is permitted of them, and what a node reads.

use ternmq_api::Refusal;
use ternmq_api::mq::{ConfigurationId, SanitizationWarning};
use ternmq_configuration::activemq_service::{self, Strategy};
use ternmq_configuration::rabbitmq_service::{self, Chosen, Mode, Size};
use ternmq_configuration::{Removals, Version as LevelOf};

use super::configurations::{self, missing};
use crate::call::Call;
use crate::catalogue::{EngineType, InstanceType, Version};
use crate::failure::{Failure, internal};
use crate::records::{Authentication, Broker, Configuration, ConfigurationUse, RevisionData, Settings};
use crate::service::Service;
use crate::store::{Change, StoreError};

/// The text of revision 1.
pub(super) fn default_text(engine: EngineType) -> &'static str {
    match engine {
        EngineType::RabbitMq => rabbitmq_service::default_text(),
        EngineType::ActiveMq => activemq_service::default_text(),
    }
}

/// The text without what is not permitted, and what was removed.
///
/// # Errors
/// `BadRequestException` about `data`: nothing of it can be used.
pub(super) fn sanitise(
    engine: EngineType,
    version: &str,
    strategy: &str,
    bytes: &[u8],
) -> Result<(String, Vec<SanitizationWarning>), Refusal> {
    let (text, removals) = match engine {
        EngineType::RabbitMq => {
            let sanitised = rabbitmq_service::sanitise(bytes, level(version)?)
                .map_err(|error| Refusal::bad_request("data", sentence(&error.to_string())))?;
            refuse_what_is_not_there(&sanitised.chosen)?;
            (sanitised.text, sanitised.removals)
        }
        EngineType::ActiveMq => {
            let strategy = if strategy == configurations::LDAP { Strategy::Ldap } else { Strategy::Simple };
            let sanitised = activemq_service::sanitise(bytes, level(version)?, strategy)
                .map_err(|error| Refusal::bad_request("data", sentence(&error.to_string())))?;
            (sanitised.text, sanitised.removals)
        }
    };
    Ok((text, warnings(&removals)))
}

/// What is permitted and would be without effect although somebody's safety depends on it.
fn refuse_what_is_not_there(chosen: &Chosen) -> Result<(), Refusal> {
    if chosen.uses_external_auth() {
        let text = "Users of a directory or another service are not there yet: the configuration may name the \
                    internal ones only.";
        return Err(Refusal::bad_request("data", text));
    }
    let verifies = ["ssl_options.verify", "ssl_options.fail_if_no_peer_cert"];
    let asked = verifies.iter().find(|key| matches!(chosen.value(key), Some("verify_peer" | "true")));
    if let Some(key) = asked {
        let text = format!(
            "Certificates of clients are not verified yet: the configuration may not set [{key}] so."
        );
        return Err(Refusal::bad_request("data", text));
    }
    Ok(())
}

fn warnings(removals: &Removals) -> Vec<SanitizationWarning> {
    let warning = |removal: &ternmq_configuration::Removal| SanitizationWarning {
        attribute_name: removal.attribute_name.clone(),
        element_name: removal.element_name.clone(),
        reason: removal.reason.as_str().into(),
    };
    removals.told.iter().map(warning).collect()
}

/// The revision that a broker is to have, if it can.
pub(super) fn choose(
    call: &Call<'_>,
    change: &Change,
    asked: &ConfigurationId,
    engine: EngineType,
    version: &Version,
    instance: &InstanceType,
    authentication: &Authentication,
) -> Result<ConfigurationUse, Failure> {
    let key = Configuration::key_of(call.region, &asked.id);
    let found: Configuration = change.get(&key)?.ok_or_else(|| missing(&asked.id))?;
    if found.engine != engine {
        let text = format!(
            "Configuration [{}] is for broker engine type [{}], the broker's is [{}].",
            found.id,
            found.engine.mixed(),
            engine.mixed()
        );
        return Err(Refusal::bad_request("configuration", text).into());
    }
    if found.strategy == configurations::LDAP && authentication.directory().is_none() {
        let text = format!(
            "Configuration [{}] is for authentication strategy [ldap], the broker's is [simple].",
            found.id
        );
        return Err(Refusal::bad_request("configuration", text).into());
    }
    let number = match asked.revision {
        None => Some(found.latest()),
        Some(revision) => u32::try_from(revision).ok(),
    };
    let known = number.filter(|number| found.revisions.iter().any(|revision| revision.number == *number));
    let revision = known.ok_or_else(|| {
        let asked = asked.revision.unwrap_or_default();
        let text = format!("Configuration [{}] has no revision [{asked}].", found.id);
        Refusal::bad_request("configuration", text)
    })?;
    if let (EngineType::RabbitMq, Some(size)) = (engine, size(instance.name)) {
        let data: Option<RevisionData> =
            change.get(&RevisionData::key_of(call.region, &found.id, revision))?;
        if let Some(chosen) = data.and_then(|data| chosen(&data.text, version.name)) {
            rabbitmq_service::check_limits(&chosen, size, Mode::SingleInstance, revision)
                .map_err(|error| Refusal::bad_request("configuration", error.to_string()))?;
        }
    }
    Ok(ConfigurationUse { id: found.id, revision })
}

/// What the node of a broker with these settings reads; `None`: the revision is gone, or can't be read.
pub(crate) fn effective(
    service: &Service,
    broker: &Broker,
    settings: &Settings,
) -> Result<Option<String>, StoreError> {
    let used = &settings.configuration;
    let key = RevisionData::key_of(&broker.region, &used.id, used.revision);
    let Some(data) = service.store.view()?.get::<RevisionData>(&key)? else { return Ok(None) };
    if broker.engine == EngineType::ActiveMq {
        // It was sanitised when it was stored, and the node tells what has no effect.
        return Ok(Some(data.text));
    }
    let chosen = chosen(&data.text, &settings.engine_version).zip(size(&settings.instance_type));
    let effective =
        chosen.map(|(chosen, size)| rabbitmq_service::effective(&chosen, size, Mode::SingleInstance));
    for key in effective.iter().flat_map(|effective| &effective.without_effect) {
        tracing::info!(broker = %broker.id, key = %key.key, "a key of the configuration has no effect: {}", key.reason);
    }
    Ok(effective.map(|effective| effective.text))
}

/// What a stored text sets. It was sanitised when it was stored.
fn chosen(text: &str, version: &str) -> Option<Chosen> {
    rabbitmq_service::sanitise(text.as_bytes(), level(version).ok()?).ok().map(|sanitised| sanitised.chosen)
}

fn size(instance: &str) -> Option<Size> {
    instance.parse().ok()
}

/// A version of the catalogue as the configuration crate has it.
fn level(version: &str) -> Result<LevelOf, Refusal> {
    version.parse().map_err(|_| internal())
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).collect();
    format!("{first}{}.", letters.as_str())
}
