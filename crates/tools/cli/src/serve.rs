//! `ternmq serve`.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use clap::Args;
use ternmq_server::{AuditRetention, Quota, ServeOptions};

use crate::args::Footprint;
use crate::failure::Failure;

/// Port of the API unless one is named.
const API_PORT: u16 = 4_580;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq serve                                  API on 127.0.0.1:4580, data in ./ternmq-service
  ternmq serve --ephemeral --ports-file ports.json --credentials-file keys.json
  ternmq serve --listen api=0.0.0.0:4580 --domain mq.example.org --region eu-central-1 --account 111122223333

Then, with the keys that the first start prints:
  aws mq list-brokers
  aws mq create-broker --broker-name orders --engine-type RABBITMQ --deployment-mode SINGLE_INSTANCE \\
    --host-instance-type mq.m7g.large --no-publicly-accessible --users Username=ops,Password=...

SIGTERM and Ctrl-C end the service with exit code 0; its brokers run on, and the next start has them again. Those of an
ephemeral service end with it. Exit codes: 1 could not start, 2 wrong option.
TERNMQ_LOG sets the log level (error, warn, info, debug).")]
pub(crate) struct ServeArgs {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "./ternmq-service")]
    data_dir: PathBuf,
    /// Temporary data and a free port; brokers end with the service.
    #[arg(long)]
    ephemeral: bool,
    /// Write a JSON object of listener name to address once everything is ready.
    #[arg(long, value_name = "FILE")]
    ports_file: Option<PathBuf>,
    /// Where to listen: api=ADDR:PORT; port 0 picks a free one. Default 127.0.0.1:4580.
    #[arg(long, value_name = "NAME=ADDR:PORT", value_parser = api_address)]
    listen: Option<SocketAddr>,
    /// The administrator's keys: JSON with access_key_id and secret_access_key, mode 0600. Made if it is not there.
    /// Default: administrator.json in the data directory.
    #[arg(long, value_name = "FILE")]
    credentials_file: Option<PathBuf>,
    /// Account of everything in the service: twelve digits.
    #[arg(long, value_name = "ID", default_value = "000000000000")]
    account: String,
    /// Region of the first broker. Calls may name any other one.
    #[arg(long, value_name = "NAME", default_value = "us-east-1")]
    region: String,
    /// Domain of the brokers' host names; it has to resolve to this machine. Default: endpoints are of localhost.
    #[arg(long, value_name = "NAME")]
    domain: Option<String>,
    /// PEM file with certificate authorities that are trusted for LDAP directories of brokers' users, beside the public ones.
    #[arg(long, value_name = "FILE")]
    directory_ca: Option<PathBuf>,
    /// Do not make a first broker.
    #[arg(long)]
    no_first_broker: bool,
    /// Room on the disk that each broker's node takes from the start: some 385 MiB (standard), or 24 MiB (small) for many
    /// brokers on one disk. Brokers that are there keep their size of segments.
    #[arg(long, value_enum, value_name = "SIZE", default_value_t = Footprint::Standard)]
    node_footprint: Footprint,
    /// File with the key that encrypts the service's store: 32 bytes or 64 hexadecimal digits, not readable by others.
    /// Default: store.key in the data directory, made if it is not there.
    #[arg(long, value_name = "FILE")]
    encryption_key_file: Option<PathBuf>,
    /// File with the key before it. The store needs the new key alone from then on.
    #[arg(long, value_name = "FILE", requires = "encryption_key_file")]
    encryption_old_key_file: Option<PathBuf>,
    /// Days that audit records are kept.
    #[arg(long, value_name = "DAYS", default_value_t = AuditRetention::default().days, value_parser = clap::value_parser!(u32).range(1..=36_500))]
    audit_days: u32,
    /// Audit records that are kept at most, some 1 KB each; beyond it the oldest go before their time.
    #[arg(long, value_name = "COUNT", default_value_t = AuditRetention::default().entries, value_parser = clap::value_parser!(u64).range(1_000..))]
    audit_records: u64,
    /// API calls that may come at once.
    #[arg(long, value_name = "COUNT", default_value_t = Quota::default().burst, value_parser = clap::value_parser!(u32).range(1..))]
    api_burst: u32,
    /// API calls a second after that.
    #[arg(long, value_name = "COUNT", default_value_t = Quota::default().per_second, value_parser = clap::value_parser!(u32).range(1..))]
    api_rate: u32,
}

fn api_address(text: &str) -> Result<SocketAddr, String> {
    let (name, address) =
        text.split_once('=').ok_or("expected api=ADDR:PORT, for example api=127.0.0.1:4580")?;
    if name != "api" {
        return Err("there is only the listener 'api'".into());
    }
    address
        .parse()
        .map_err(|_| "expected ADDR:PORT with a numeric address, for example 127.0.0.1:4580".into())
}

pub(crate) fn run(args: ServeArgs) -> Result<(), Failure> {
    let node_program = std::env::current_exe()
        .map_err(|error| Failure::with_code(format!("cannot find this program: {error}"), 1))?;
    let port = if args.ephemeral { 0 } else { API_PORT };
    let options = ServeOptions {
        data_dir: args.data_dir,
        is_ephemeral: args.ephemeral,
        api: args.listen.unwrap_or_else(|| (Ipv4Addr::LOCALHOST, port).into()),
        ports_file: args.ports_file,
        credentials_file: args.credentials_file,
        account: args.account,
        region: args.region,
        domain: args.domain,
        directory_ca: args.directory_ca,
        has_first_broker: !args.no_first_broker,
        quota: Quota { burst: args.api_burst, per_second: args.api_rate },
        encryption_key_file: args.encryption_key_file,
        encryption_old_key_file: args.encryption_old_key_file,
        audit: AuditRetention { days: args.audit_days, entries: args.audit_records },
        node_program,
        node_footprint: match args.node_footprint {
            Footprint::Standard => ternmq_server::Footprint::Standard,
            Footprint::Small => ternmq_server::Footprint::Small,
        },
    };
    ternmq_server::run(&options).map_err(|error| Failure::with_code(error.to_string(), error.exit_code()))
}
