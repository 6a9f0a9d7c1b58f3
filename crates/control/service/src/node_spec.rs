//! What a broker's node is to be.

use ternmq_fleet::{
    AcceptRule, DirectoryText, Engine, NodeLimits, NodeLogs, NodeName, NodeNameError, NodeSpec, NodeUser,
    Reach,
};

use crate::catalogue::{EngineType, instance_type};
use crate::endpoints;
use crate::network::{self, Network};
use crate::records::{Account, Broker, DirectoryServer, Settings};
use crate::store::{Reader, StoreError};

/// Names of this machine, which every certificate has besides the broker's own.
const LOCAL_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];
const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;

/// The only node of a single instance.
pub(crate) fn node_name(broker_id: &str) -> Result<NodeName, NodeNameError> {
    NodeName::new(broker_id, 1)
}

/// The node of a broker with these settings. `configuration` is the text that it reads, `rules` who may
/// connect.
pub(crate) fn of(
    broker: &Broker,
    settings: &Settings,
    configuration: String,
    rules: Vec<AcceptRule>,
    domain: Option<&str>,
    directory_ca: Option<&str>,
) -> Result<NodeSpec, NodeNameError> {
    let instance = instance_type(broker.engine, &settings.instance_type);
    let (memory_mib, storage_gb, connections) =
        instance.map_or((1_024, 20, 300), |it| (it.memory_mib, it.storage_gb, it.connections));
    let mut host_names = vec![endpoints::host(broker, domain)];
    host_names.extend(LOCAL_NAMES.iter().map(|name| (*name).to_owned()));
    host_names.dedup();
    Ok(NodeSpec {
        name: node_name(&broker.id)?,
        engine: match broker.engine {
            EngineType::ActiveMq => Engine::ActiveMq,
            EngineType::RabbitMq => Engine::RabbitMq,
        },
        engine_version: Some(settings.engine_version.clone()),
        reach: if broker.is_public { Reach::Public } else { Reach::Loopback },
        host_names,
        configuration,
        directory: settings.authentication.directory().map(|server| {
            let server = DirectoryServer { ca_file: directory_ca.map(str::to_owned), ..server.clone() };
            // A record of texts has a text.
            DirectoryText::new(serde_json::to_string(&server).unwrap_or_default())
        }),
        limits: NodeLimits { memory_bytes: memory_mib * MIB, storage_bytes: storage_gb * GIB, connections },
        rules,
        logs: NodeLogs {
            general: settings.logs.general,
            audit: settings.logs.audit.unwrap_or(false),
            connection: settings.logs.general && broker.engine == EngineType::RabbitMq,
        },
        incarnation: broker.incarnation,
    })
}

/// Who may connect: what its security groups allow; a broker outside of any network is open.
pub(crate) fn rules(
    store: &impl Reader,
    broker: &Broker,
    account: &str,
) -> Result<Vec<AcceptRule>, StoreError> {
    if broker.security_groups.is_empty() {
        return Ok(network::open());
    }
    Network::of(account, &broker.region).accept_rules(store, &broker.security_groups)
}

/// A user as the node knows it.
pub(crate) fn user(engine: EngineType, name: &str, account: &Account) -> NodeUser {
    NodeUser {
        name: name.to_owned(),
        password_hash: account.password_hash.clone(),
        groups: account.groups.clone(),
        is_administrator: engine == EngineType::RabbitMq || account.has_console,
    }
}
