//! DescribeBroker.

use ternmq_api::mq::{
    BrokerInstance, ConfigurationId, Configurations, DescribeBrokerResponse, EncryptionOptions, LogsSummary,
    PendingLogs, UserSummary, WeeklyStartTime,
};

use super::brokers::found;
use crate::arn::Arn;
use crate::call::{Call, Output, output};
use crate::catalogue::EngineType;
use crate::endpoints;
use crate::failure::Failure;
use crate::records::{Authentication, Broker, BrokerState, ConfigurationUse, Logs};
use crate::time::iso_millis;

pub(super) fn describe(call: &Call<'_>) -> Result<Output, Failure> {
    let broker = found(call)?;
    let settings = &broker.settings;
    let pending = broker.pending.clone();
    output(&DescribeBrokerResponse {
        actions_required: Some(Vec::new()),
        authentication_strategy: Some(settings.authentication.lower().into()),
        auto_minor_version_upgrade: Some(broker.has_auto_upgrade),
        broker_arn: Some(Arn::broker(
            &call.service.settings.account,
            &broker.region,
            &broker.name,
            &broker.id,
        )),
        broker_id: Some(broker.id.clone()),
        broker_instances: Some(instances(call, &broker)),
        broker_name: Some(broker.name.clone()),
        broker_state: Some(broker.state.name().into()),
        configurations: Some(configurations(&broker)),
        created: Some(iso_millis(broker.created_ms)),
        data_replication_mode: Some("NONE".into()),
        deployment_mode: Some("SINGLE_INSTANCE".into()),
        encryption_options: Some(EncryptionOptions {
            use_aws_owned_key: broker.encryption.uses_own_key,
            kms_key_id: None,
        }),
        engine_type: Some(broker.engine.mixed().into()),
        engine_version: Some(settings.engine_version.clone()),
        host_instance_type: Some(settings.instance_type.clone()),
        ldap_server_metadata: settings.authentication.metadata(),
        logs: Some(logs(&broker.id, settings.logs, pending.logs)),
        maintenance_window_start_time: Some(WeeklyStartTime {
            day_of_week: broker.window.day.clone(),
            time_of_day: broker.window.time.clone(),
            time_zone: Some(broker.window.zone.clone()),
        }),
        pending_authentication_strategy: pending.authentication.as_ref().map(|it| it.lower().to_owned()),
        pending_ldap_server_metadata: pending.authentication.as_ref().and_then(Authentication::metadata),
        pending_engine_version: pending.engine_version,
        pending_host_instance_type: pending.instance_type,
        publicly_accessible: Some(broker.is_public),
        security_groups: Some(broker.security_groups.clone()),
        storage_type: Some(broker.storage_type.lower().into()),
        subnet_ids: Some(broker.subnet_ids.clone()),
        tags: Some(broker.tags.clone()),
        users: Some(summaries(&broker)),
        ..DescribeBrokerResponse::default()
    })
}

fn instances(call: &Call<'_>, broker: &Broker) -> Vec<BrokerInstance> {
    if broker.endpoints.is_empty() {
        return Vec::new();
    }
    let domain = call.service.settings.domain.as_deref();
    let is_activemq = broker.engine == EngineType::ActiveMq;
    vec![BrokerInstance {
        console_url: endpoints::console(broker, domain),
        endpoints: Some(endpoints::of_clients(broker, domain)),
        // Of the vendor's network interface; here that of the listeners on this machine.
        ip_address: is_activemq.then(|| "127.0.0.1".into()),
    }]
}

/// A broker that is being created waits for its configuration.
fn configurations(broker: &Broker) -> Configurations {
    let id = |it: &ConfigurationUse| ConfigurationId {
        id: it.id.clone(),
        revision: i32::try_from(it.revision).ok(),
    };
    let own = id(&broker.settings.configuration);
    let is_new = matches!(broker.state, BrokerState::Creating | BrokerState::CreationFailed);
    let pending = broker.pending.configuration.as_ref().map(id);
    let (current, pending) = if is_new { (None, Some(own)) } else { (Some(own), pending) };
    Configurations { current, pending, history: Some(broker.history.iter().map(id).collect()) }
}

/// Names of groups are told also when nothing is written to them.
fn logs(id: &str, now: Logs, pending: Option<Logs>) -> LogsSummary {
    let group = |kind: &str| format!("/aws/amazonmq/broker/{id}/{kind}");
    LogsSummary {
        audit: now.audit,
        audit_log_group: now.audit.map(|_| group("audit")),
        general: now.general,
        general_log_group: group("general"),
        pending: pending.map(|logs| PendingLogs { audit: logs.audit, general: Some(logs.general) }),
    }
}

/// Users of RabbitMQ brokers are its own affair.
pub(super) fn summaries(broker: &Broker) -> Vec<UserSummary> {
    if broker.engine == EngineType::RabbitMq {
        return Vec::new();
    }
    let summary = |(name, user): (&String, &crate::records::UserRecord)| UserSummary {
        username: name.clone(),
        pending_change: user.awaited.as_ref().map(|awaited| awaited.kind().into()),
    };
    broker.users.iter().map(summary).collect()
}
