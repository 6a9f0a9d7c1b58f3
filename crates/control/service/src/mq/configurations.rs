//! Configurations and their revisions.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ternmq_api::Refusal;
use ternmq_api::mq::{
    Configuration as ConfigurationOutput, ConfigurationRevision, CreateConfigurationRequest,
    CreateConfigurationResponse, DeleteConfigurationResponse, DescribeConfigurationResponse,
    DescribeConfigurationRevisionResponse, ListConfigurationRevisionsRequest,
    ListConfigurationRevisionsResponse, ListConfigurationsRequest, ListConfigurationsResponse,
    UpdateConfigurationRequest, UpdateConfigurationResponse,
};
use ternmq_stdx::shown;

use super::{directory, rules, texts};
use crate::arn::Arn;
use crate::call::{Call, Output, output};
use crate::catalogue::{EngineType, Version};
use crate::failure::Failure;
use crate::page::Page;
use crate::records::{Authentication, Broker, Configuration, ConfigurationUse, Revision, RevisionData};
use crate::store::{Change, Record};
use crate::time::iso_millis;

const REVISIONS_MAX: usize = 300;
const CONFIGURATIONS_MAX: usize = 1_000;
const DESCRIPTION_MAX: usize = 1_024;
/// More brokers than an account can have in a region.
const ALL_BROKERS: usize = 10_000;
const SIMPLE: &str = "SIMPLE";
/// A configuration that may say where in a directory permissions are.
pub(super) const LDAP: &str = "LDAP";

pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let input: CreateConfigurationRequest = call.input()?;
    rules::configuration_name(&input.name)?;
    let engine = EngineType::of(&input.engine_type)
        .ok_or_else(|| Refusal::bad_request("engineType", "The engine type is invalid."))?;
    let version = rules::version(engine, input.engine_version.as_deref())?;
    let strategy = input.authentication_strategy.as_deref().unwrap_or(SIMPLE);
    directory::check(engine, strategy)?;
    let tags = input.tags.unwrap_or_default();
    rules::tags(&std::collections::BTreeMap::new(), &tags)?;
    call.change(|change| {
        let made = make(call, change, &input.name, engine, version, strategy)?;
        let made = Configuration { tags, ..made };
        change.put(&made)?;
        output(&CreateConfigurationResponse {
            arn: Some(arn(call, &made)),
            authentication_strategy: Some(made.strategy.to_lowercase()),
            created: Some(iso_millis(made.created_ms)),
            id: Some(made.id.clone()),
            latest_revision: made.revisions.last().map(revision),
            name: Some(made.name),
        })
    })
}

/// The configuration that a broker gets which is created without one.
pub(super) fn make_default(
    call: &Call<'_>,
    change: &Change,
    broker: &str,
    engine: EngineType,
    version: &Version,
    authentication: &Authentication,
) -> Result<ConfigurationUse, Failure> {
    let strategy = if authentication.directory().is_some() { LDAP } else { SIMPLE };
    let made = make(call, change, &format!("{broker}-configuration"), engine, version, strategy)?;
    change.put(&made)?;
    Ok(ConfigurationUse { id: made.id, revision: 1 })
}

/// Writes the text of revision 1; the caller writes the configuration.
fn make(
    call: &Call<'_>,
    change: &Change,
    name: &str,
    engine: EngineType,
    version: &Version,
    strategy: &str,
) -> Result<Configuration, Failure> {
    let known: Vec<Configuration> =
        change.scan(&Configuration::prefix(call.region), "", CONFIGURATIONS_MAX)?;
    if known.len() >= CONFIGURATIONS_MAX {
        let text =
            format!("The account has {CONFIGURATIONS_MAX} configurations in this region. Delete one first.");
        return Err(Refusal::bad_request("", text).into());
    }
    let id = format!("c-{}", call.service.random.uuid());
    let description = format!("Auto-generated default for {name} on {} {}", engine.mixed(), version.name);
    change.put(&RevisionData {
        region: call.region.to_owned(),
        configuration: id.clone(),
        number: 1,
        text: texts::default_text(engine).to_owned(),
    })?;
    Ok(Configuration {
        region: call.region.to_owned(),
        id,
        name: name.to_owned(),
        engine,
        engine_version: version.name.to_owned(),
        strategy: strategy.into(),
        created_ms: call.now_ms,
        revisions: vec![Revision { number: 1, created_ms: call.now_ms, description: Some(description) }],
        tags: std::collections::BTreeMap::new(),
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let input: ListConfigurationsRequest = call.input()?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let prefix = Configuration::prefix(call.region);
    let mut found: Vec<Configuration> = call.view()?.scan(&prefix, &page.after, page.size + 1)?;
    let next_token = page.cut(&mut found, Record::key);
    output(&ListConfigurationsResponse {
        configurations: Some(found.iter().map(|it| described(call, it)).collect()),
        max_results: Some(page.max_results()),
        next_token,
    })
}

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let found: Configuration = call.view()?.get(&key(call))?.ok_or_else(|| missing(id(call)))?;
    let it = described(call, &found);
    output(&DescribeConfigurationResponse {
        arn: Some(it.arn),
        authentication_strategy: Some(it.authentication_strategy),
        created: Some(it.created),
        description: Some(it.description),
        engine_type: Some(it.engine_type),
        engine_version: Some(it.engine_version),
        id: Some(it.id),
        latest_revision: Some(it.latest_revision),
        name: Some(it.name),
        tags: it.tags,
    })
}

pub(super) fn update(call: &Call<'_>) -> Result<Output, Failure> {
    let input: UpdateConfigurationRequest = call.input()?;
    let description = input.description.filter(|text| !text.is_empty());
    if description.as_ref().is_some_and(|text| text.chars().count() > DESCRIPTION_MAX) {
        let text = format!("A description has at most {DESCRIPTION_MAX} characters.");
        return Err(Refusal::bad_request("description", text).into());
    }
    let bytes = STANDARD
        .decode(input.data.as_bytes())
        .map_err(|_| Refusal::bad_request("data", "The configuration data is not valid base64."))?;
    call.change(|change| {
        let mut found: Configuration = change.get(&key(call))?.ok_or_else(|| missing(id(call)))?;
        if found.revisions.len() >= REVISIONS_MAX {
            let text = format!(
                "A configuration has at most {REVISIONS_MAX} revisions. Create another configuration."
            );
            return Err(Refusal::bad_request("configuration-id", text).into());
        }
        let (text, warnings) = texts::sanitise(found.engine, &found.engine_version, &found.strategy, &bytes)?;
        let number = found.latest() + 1;
        found.revisions.push(Revision { number, created_ms: call.now_ms, description });
        let (region, configuration) = (found.region.clone(), found.id.clone());
        change.put(&RevisionData { region, configuration, number, text })?;
        change.put(&found)?;
        output(&UpdateConfigurationResponse {
            arn: Some(arn(call, &found)),
            created: Some(iso_millis(found.created_ms)),
            id: Some(found.id.clone()),
            latest_revision: found.revisions.last().map(revision),
            name: Some(found.name),
            warnings: Some(warnings),
        })
    })
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    call.change(|change| {
        let found: Configuration = change.get(&key(call))?.ok_or_else(|| missing(id(call)))?;
        let brokers: Vec<Broker> = change.scan(&Broker::prefix(call.region), "", ALL_BROKERS)?;
        if let Some(user) = brokers.iter().find(|broker| broker.uses(&found.id)) {
            let text = format!(
                "Configuration [{}] is in use by broker [{}] and can't be deleted.",
                found.id, user.id
            );
            return Err(Refusal::conflict("configuration-id", text).into());
        }
        for data in
            change.scan::<RevisionData>(&RevisionData::prefix(call.region, &found.id), "", REVISIONS_MAX)?
        {
            change.delete(&data.key())?;
        }
        change.delete(&found.key())?;
        output(&DeleteConfigurationResponse { configuration_id: Some(found.id) })
    })
}

pub(super) fn list_revisions(call: &Call<'_>) -> Result<Output, Failure> {
    let input: ListConfigurationRevisionsRequest = call.input()?;
    let page = Page::of(input.max_results, input.next_token.as_deref())?;
    let found: Configuration = call.view()?.get(&key(call))?.ok_or_else(|| missing(id(call)))?;
    let sortable = |revision: &Revision| format!("{:06}", revision.number);
    let (revisions, next_token) = page.of_sorted(found.revisions.into_iter(), sortable);
    output(&ListConfigurationRevisionsResponse {
        configuration_id: Some(found.id),
        max_results: Some(page.max_results()),
        next_token,
        revisions: Some(revisions.iter().map(revision).collect()),
    })
}

pub(super) fn describe_revision(call: &Call<'_>) -> Result<Output, Failure> {
    let view = call.view()?;
    let found: Configuration = view.get(&key(call))?.ok_or_else(|| missing(id(call)))?;
    let asked = call.input.get("configuration-revision").and_then(Value::as_str).unwrap_or_default();
    let number: u32 = asked.parse().map_err(|_| {
        let text = format!("Configuration revision [{}] is invalid. It is a number from 1.", shown(asked));
        Refusal::bad_request("configuration-revision", text)
    })?;
    let known = found.revisions.iter().find(|revision| revision.number == number);
    let data: Option<RevisionData> = view.get(&RevisionData::key_of(call.region, &found.id, number))?;
    let (revision, data) = known.zip(data).ok_or_else(|| {
        let text = format!("Can't find requested revision [{number}] of configuration [{}].", found.id);
        Refusal::not_found("configuration-revision", text)
    })?;
    output(&DescribeConfigurationRevisionResponse {
        configuration_id: Some(found.id.clone()),
        created: Some(iso_millis(revision.created_ms)),
        data: Some(STANDARD.encode(data.text)),
        description: revision.description.clone(),
    })
}

fn described(call: &Call<'_>, it: &Configuration) -> ConfigurationOutput {
    let latest = it.revisions.last();
    ConfigurationOutput {
        arn: arn(call, it),
        authentication_strategy: it.strategy.to_lowercase(),
        created: iso_millis(it.created_ms),
        description: latest.and_then(|revision| revision.description.clone()).unwrap_or_default(),
        engine_type: it.engine.mixed().into(),
        engine_version: it.engine_version.clone(),
        id: it.id.clone(),
        latest_revision: latest.map(revision).unwrap_or_default(),
        name: it.name.clone(),
        tags: Some(it.tags.clone()),
    }
}

fn revision(revision: &Revision) -> ConfigurationRevision {
    ConfigurationRevision {
        created: iso_millis(revision.created_ms),
        description: revision.description.clone(),
        revision: i32::try_from(revision.number).unwrap_or(i32::MAX),
    }
}

fn arn(call: &Call<'_>, it: &Configuration) -> String {
    Arn::configuration(&call.service.settings.account, &it.region, &it.id)
}

fn id<'a>(call: &'a Call<'_>) -> &'a str {
    call.input.get("configuration-id").and_then(Value::as_str).unwrap_or_default()
}

fn key(call: &Call<'_>) -> String {
    Configuration::key_of(call.region, id(call))
}

pub(super) fn missing(id: &str) -> Refusal {
    let text =
        format!("Can't find requested configuration [{}]. Make sure your configuration exists.", shown(id));
    Refusal::not_found("configuration_id", text)
}
