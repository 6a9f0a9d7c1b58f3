//! `ternmq broker`.

use ternmq_node::{
    BrokerOptions, ClientAuth, EncryptionFlags, EngineType, Login, LoginFrom, TlsFlags, TlsVersion,
};

use crate::args::{BrokerArgs, EncryptionArgs, Engine, LogFormat, TlsArgs, TlsClients, TlsMin, TlsUser};
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
        config: args.config,
        listen: args.listen,
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
