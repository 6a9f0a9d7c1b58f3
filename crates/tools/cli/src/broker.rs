//! `ternmq broker`.

use std::path::PathBuf;

use ternmq_node::{
    Bounds, BrokerOptions, ClientAuth, ControlOptions, EncryptionFlags, EngineType, LogFiles, Login,
    LoginFrom, TlsFlags, TlsVersion,
};

use crate::args::{
    BrokerArgs, EncryptionArgs, Engine, Footprint, LogFormat, LogKind, ServiceArgs, TlsArgs, TlsClients,
    TlsMin, TlsUser,
};
use crate::failure::Failure;

pub(crate) fn run(args: BrokerArgs) -> Result<(), Failure> {
    let options = options(args);
    ternmq_node::run(&options).map_err(|error| Failure::with_code(error.to_string(), error.exit_code()))
}

fn options(args: BrokerArgs) -> BrokerOptions {
    let login = args.user.zip(args.password_file);
    BrokerOptions {
        data_dir: args.data_dir,
        is_ephemeral: args.ephemeral,
        engine: match args.engine {
            Engine::All => EngineType::All,
            Engine::Rabbitmq => EngineType::RabbitMq,
            Engine::Activemq => EngineType::ActiveMq,
        },
        engine_version: args.engine_version,
        config: args.config,
        directory: args.directory,
        listen: args.listen,
        is_listen_complete: args.only_named_listeners,
        accept_file: args.accept_from,
        bounds: Bounds {
            memory_bytes: args.bounds.memory_limit,
            storage_bytes: args.bounds.storage_limit,
            connections: args.bounds.max_connections,
            listener_connections: args.bounds.max_listener_connections,
            footprint: match args.bounds.footprint {
                Footprint::Standard => ternmq_node::Footprint::Standard,
                Footprint::Small => ternmq_node::Footprint::Small,
            },
        },
        logs: log_files(args.log_dir, &args.log_kind),
        control: control_options(args.service),
        ports_file: args.ports_file,
        login: login.map(|(user, password_file)| Login { user, password_file }),
        log_format: args.log_format.map(|format| match format {
            LogFormat::Text => ternmq_node::LogFormat::Text,
            LogFormat::Json => ternmq_node::LogFormat::Json,
        }),
        tls: tls_flags(args.tls),
        proxies: args.proxy_from,
        origins: args.ws_origin,
        shards: args.shards,
        encryption: encryption_flags(args.encryption, args.decrypt_only),
        accepts_damage: args.accept_damage,
    }
}

fn log_files(dir: Option<PathBuf>, kinds: &[LogKind]) -> Option<LogFiles> {
    let kind = |kind: &LogKind| match kind {
        LogKind::General => Some(ternmq_node::LogKind::General),
        LogKind::Audit => Some(ternmq_node::LogKind::Audit),
        LogKind::Connection => Some(ternmq_node::LogKind::Connection),
        LogKind::None => None,
    };
    const ALL: [LogKind; 3] = [LogKind::General, LogKind::Audit, LogKind::Connection];
    let wanted = if kinds.is_empty() { &ALL } else { kinds };
    Some(LogFiles { dir: dir?, kinds: wanted.iter().filter_map(kind).collect() })
}

fn control_options(args: ServiceArgs) -> Option<ControlOptions> {
    let (socket, node_name) = args.control_socket.zip(args.node_name)?;
    Some(ControlOptions { socket, node_name, incarnation: args.incarnation })
}

pub(crate) fn encryption_flags(args: EncryptionArgs, is_decrypt_only: bool) -> EncryptionFlags {
    EncryptionFlags {
        key_file: args.encryption_key_file,
        old_key_file: args.encryption_old_key_file,
        is_decrypt_only,
    }
}

fn tls_flags(args: TlsArgs) -> TlsFlags {
    TlsFlags {
        certificates: args.tls_cert,
        keys: args.tls_key,
        client_ca: args.tls_ca,
        client_auth: args.tls_clients.map(|how| match how {
            TlsClients::Off => ClientAuth::Off,
            TlsClients::Wanted => ClientAuth::Wanted,
            TlsClients::Required => ClientAuth::Required,
        }),
        least: match args.tls_min {
            TlsMin::V1_2 => TlsVersion::V1_2,
            TlsMin::V1_3 => TlsVersion::V1_3,
        },
        login_from: args.tls_user.map(|part| match part {
            TlsUser::Dn => LoginFrom::DistinguishedName,
            TlsUser::Cn => LoginFrom::CommonName,
        }),
        is_self_signed: args.tls_self_signed,
    }
}
