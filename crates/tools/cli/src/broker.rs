//! `ternmq broker`.

use ternmq_node::{BrokerOptions, EngineType, Login};

use crate::args::{BrokerArgs, Engine, LogFormat};
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
        shards: args.shards,
        accepts_damage: args.accept_damage,
    }
}
