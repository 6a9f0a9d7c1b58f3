//! UpdateBroker: what takes effect at once, and what waits for a reboot or the window (facts, section 1.4).

use ternmq_api::Refusal;
use ternmq_api::mq::{
    ConfigurationId, Logs as LogsOutput, UpdateBrokerRequest, UpdateBrokerResponse, WeeklyStartTime,
};
use ternmq_stdx::shown;

use super::{brokers, create_broker, directory, rules, texts};
use crate::call::{Call, Output, output};
use crate::catalogue::{EngineType, Version};
use crate::failure::Failure;
use crate::records::{Broker, Window};
use crate::store::Change;
use crate::window;

pub(super) fn update(call: &Call<'_>) -> Result<Output, Failure> {
    let input: UpdateBrokerRequest = call.input()?;
    call.change(|change| {
        let mut broker = brokers::running_in(call, change)?;
        refuse_what_is_not_there(&input)?;
        authentication(&mut broker, &input)?;
        software(call, change, &mut broker, &input)?;
        if let Some(logs) = &input.logs {
            let logs = create_broker::logs(broker.engine, Some(logs))?;
            broker.pending.logs = Some(logs).filter(|logs| *logs != broker.settings.logs);
        }
        if let Some(groups) = &input.security_groups {
            create_broker::security_groups(call, change, groups)?;
            broker.security_groups.clone_from(groups);
        }
        if let Some(asked) = &input.maintenance_window_start_time {
            move_window(call, &mut broker, window::of_input(asked)?)?;
        }
        change.put(&broker)?;
        call.touch(&broker.id);
        answer(&input, &broker)
    })
}

fn refuse_what_is_not_there(input: &UpdateBrokerRequest) -> Result<(), Refusal> {
    if input.data_replication_mode.as_deref() == Some("CRDR") {
        let text =
            "Data replication mode [CRDR] is not there yet: this version has no replicas in other regions.";
        return Err(Refusal::bad_request("dataReplicationMode", text));
    }
    if input.storage_size.is_some() {
        let text = "A storage size is for RabbitMQ brokers of version 4.2 and later with deployment mode \
                    [CLUSTER_MULTI_AZ].";
        return Err(Refusal::bad_request("storageSize", text));
    }
    if input.resource_share_arns.as_ref().is_some_and(|shares| !shares.is_empty()) {
        let text = "Resource shares are not there yet: networks of others can't be attached.";
        return Err(Refusal::bad_request("resourceShareArns", text));
    }
    Ok(())
}

fn authentication(broker: &mut Broker, input: &UpdateBrokerRequest) -> Result<(), Refusal> {
    let asked = directory::chosen(
        broker.engine,
        input.authentication_strategy.as_deref(),
        input.ldap_server_metadata.as_ref(),
        &broker.awaited_settings().authentication,
    )?;
    broker.pending.authentication = Some(asked).filter(|asked| *asked != broker.settings.authentication);
    Ok(())
}

/// Version, instance type and configuration depend on each other: they are checked as they will be together.
fn software(
    call: &Call<'_>,
    change: &Change,
    broker: &mut Broker,
    input: &UpdateBrokerRequest,
) -> Result<(), Failure> {
    let engine = broker.engine;
    let now = broker.settings.engine_version.clone();
    let mut awaited = broker.awaited_settings();
    if let Some(asked) = &input.engine_version {
        // The version that it has is no change, with its patch or without.
        let is_same =
            *asked == now || engine.version_of_patch(&now).is_some_and(|version| version.name == asked);
        let patch = if is_same { now.clone() } else { upgrade(engine, &now, asked)?.patch.to_owned() };
        awaited.engine_version = patch;
    }
    let version = engine.version_of_patch(&awaited.engine_version);
    let version = version.map_or_else(|| rules::version(engine, Some(&awaited.engine_version)), Ok)?;
    if let Some(asked) = &input.host_instance_type {
        awaited.instance_type.clone_from(asked);
    }
    let instance = rules::instance(engine, &awaited.instance_type, version)?;
    if !instance.storage_types.contains(&broker.storage_type) {
        let text = format!(
            "Host instance type [{}] does not support storage type [{}] of the broker.",
            instance.name,
            broker.storage_type.lower()
        );
        return Err(Refusal::bad_request("hostInstanceType", text).into());
    }
    let is_on = input.auto_minor_version_upgrade.unwrap_or(broker.has_auto_upgrade);
    rules::auto_upgrade(engine, version, is_on)?;
    broker.has_auto_upgrade = is_on;
    let configuration = match &input.configuration {
        Some(asked) => asked.clone(),
        None => ConfigurationId {
            id: awaited.configuration.id.clone(),
            revision: i32::try_from(awaited.configuration.revision).ok(),
        },
    };
    awaited.configuration =
        texts::choose(call, change, &configuration, engine, version, instance, &awaited.authentication)?;
    let changed = |new: String, old: &String| Some(new).filter(|new| new != old);
    broker.pending.engine_version = changed(awaited.engine_version, &broker.settings.engine_version);
    broker.pending.instance_type = changed(awaited.instance_type, &broker.settings.instance_type);
    broker.pending.configuration =
        Some(awaited.configuration).filter(|it| *it != broker.settings.configuration);
    Ok(())
}

/// One minor version of RabbitMQ after the other; never back.
fn upgrade(engine: EngineType, now: &str, asked: &str) -> Result<&'static Version, Refusal> {
    let target = rules::version(engine, Some(asked))?;
    let place = |version: &Version| engine.versions().iter().position(|known| known.name == version.name);
    let from = engine.version_of_patch(now).and_then(place);
    let steps = from.zip(place(target)).and_then(|(from, to)| from.checked_sub(to));
    match (engine, steps) {
        (EngineType::RabbitMq, Some(0 | 1)) | (EngineType::ActiveMq, Some(_)) => Ok(target),
        _ => {
            let text = format!(
                "Broker engine version [{}] can't be changed to [{}]: versions go up, one after the other.",
                shown(now),
                target.name
            );
            Err(Refusal::bad_request("engineVersion", text))
        }
    }
}

/// The window takes effect at once, and only so often.
fn move_window(call: &Call<'_>, broker: &mut Broker, asked: Window) -> Result<(), Refusal> {
    if asked == broker.window {
        return Ok(());
    }
    if broker.window_changes_ms.len() >= window::MAX_CHANGES {
        let text = format!(
            "The maintenance window can be changed at most {} times before it begins next.",
            window::MAX_CHANGES
        );
        return Err(Refusal::bad_request("maintenanceWindowStartTime", text));
    }
    broker.window_changes_ms.push(call.now_ms);
    broker.next_window_ms = window::next_ms(&asked, call.now_ms);
    broker.window = asked;
    Ok(())
}

/// What was asked for, as it will be.
fn answer(input: &UpdateBrokerRequest, broker: &Broker) -> Result<Output, Failure> {
    let awaited = broker.awaited_settings();
    let window = &broker.window;
    output(&UpdateBrokerResponse {
        // An echo: what is not asked for is not told, as DescribeBroker does that.
        authentication_strategy: input
            .authentication_strategy
            .as_ref()
            .map(|_| awaited.authentication.lower().to_owned()),
        ldap_server_metadata: awaited.authentication.metadata(),
        auto_minor_version_upgrade: Some(broker.has_auto_upgrade),
        broker_id: Some(broker.id.clone()),
        configuration: Some(ConfigurationId {
            id: awaited.configuration.id,
            revision: i32::try_from(awaited.configuration.revision).ok(),
        }),
        engine_version: Some(awaited.engine_version),
        host_instance_type: Some(awaited.instance_type),
        logs: Some(LogsOutput { audit: awaited.logs.audit, general: Some(awaited.logs.general) }),
        maintenance_window_start_time: Some(WeeklyStartTime {
            day_of_week: window.day.clone(),
            time_of_day: window.time.clone(),
            time_zone: Some(window.zone.clone()),
        }),
        security_groups: Some(broker.security_groups.clone()),
        resource_share_arns: input.resource_share_arns.clone(),
        ..UpdateBrokerResponse::default()
    })
}
