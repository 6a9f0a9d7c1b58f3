//! The command line. Names and defaults are stable: people and tests script them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use ternmq_node::{Listen, Network};

use crate::completion::CompletionArgs;
use crate::mq::MqArgs;
use crate::serve::ServeArgs;

/// A message broker in one binary.
#[derive(Debug, Parser)]
#[command(
    name = "ternmq",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "\
Try it:
  ternmq serve                           start the service with its API and one ready broker
  ternmq broker                          start a broker here, data in ./ternmq-data
  ternmq sub hello &                     print what arrives in the queue hello
  ternmq pub hello 'Hello, world'        send a message to it
  ternmq mq list-brokers                 the brokers of a service"
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the service: an API that Amazon MQ's tools use to make and manage brokers.
    Serve(ServeArgs),
    /// Run one broker in the foreground, without the service.
    Broker(Box<BrokerArgs>),
    /// Publish messages and wait until the broker has confirmed them.
    Pub(PubArgs),
    /// Print the messages of a queue as they arrive.
    Sub(SubArgs),
    /// Show messages of a queue and leave them there.
    Peek(PeekArgs),
    /// Save users, queues, exchanges, bindings and policies of a broker to a file.
    Export(ExportArgs),
    /// Load users, queues, exchanges, bindings and policies into a broker from a file.
    Import(ImportArgs),
    /// Show prepared branches of distributed transactions (XA) that wait for a decision, and decide about one.
    Transactions(TransactionsArgs),
    /// Measure brokers with named workloads.
    Bench(ternmq_bench::BenchArgs),
    /// Check the data directory of a broker or a service that does not run, and explain what is found.
    Doctor(DoctorArgs),
    /// Make, change, watch and remove the service's brokers, without AWS's tools.
    Mq(Box<MqArgs>),
    /// Print a script with which a shell completes these commands.
    Completion(CompletionArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq broker
  ternmq broker --ephemeral --ports-file ports.json
  ternmq broker --data-dir /var/lib/ternmq --listen amqp=0.0.0.0:5672 --user ops --password-file pw
  ternmq broker --tls-self-signed        with TLS for development: amqps on 5671, https on 15671

SIGTERM and Ctrl-C drain: clients are told, the journal is closed, exit code 0. A second one exits at once.
Exit codes: 0 drained, 1 could not start, 2 wrong option or configuration, 74 the disk failed.
TERNMQ_LOG sets the log level (error, warn, info, debug) and comes before the configuration file.")]
pub(crate) struct BrokerArgs {
    /// Where everything is kept.
    #[arg(long, value_name = "DIR", default_value = "./ternmq-data")]
    pub(crate) data_dir: PathBuf,
    /// Keep data in a temporary directory, gone at the end; every port is a free one.
    #[arg(long, conflicts_with = "data_dir")]
    pub(crate) ephemeral: bool,
    /// Which vendor's ways to follow.
    #[arg(long, value_enum, default_value_t = Engine::All)]
    pub(crate) engine: Engine,
    /// Version of that vendor's engine that tools are told (rabbitmq_version of the management API). Default: 3.13.7.
    #[arg(long, value_name = "X.Y.Z", value_parser = engine_version)]
    pub(crate) engine_version: Option<String>,
    /// Configuration file in the form of rabbitmq.conf; with --engine activemq also activemq.xml.
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Where a listener listens; may be repeated. Port 0 picks a free one. Default 127.0.0.1 with the usual port. The
    /// listener `any`, which is there only when named, takes every protocol, with TLS and without.
    #[arg(long, value_name = "NAME=ADDR:PORT")]
    pub(crate) listen: Vec<Listen>,
    /// Open only the listeners that --listen names: neither the usual ones nor those of the configuration file.
    #[arg(long)]
    pub(crate) only_named_listeners: bool,
    /// File that says which LDAP directory has users beside the node's own: a JSON object with the members of the service's
    /// LdapServerMetadata, and caFile. Needs --engine activemq.
    #[arg(long, value_name = "FILE")]
    pub(crate) directory: Option<PathBuf>,
    /// File that says who is let in: a JSON object of listener name to a list of networks, {"amqps": ["10.0.0.0/8"]}. A
    /// listener that it does not name lets nobody in. Without a file everybody is let in.
    #[arg(long, value_name = "FILE")]
    pub(crate) accept_from: Option<PathBuf>,
    /// Write a JSON object of listener name to "addr:port" here once all listeners accept.
    #[arg(long, value_name = "FILE")]
    pub(crate) ports_file: Option<PathBuf>,
    /// First administrator. Without one a password is made, kept in the data directory and printed once.
    #[arg(long, value_name = "NAME", requires = "password_file")]
    pub(crate) user: Option<String>,
    /// File with the password of the first administrator.
    #[arg(long, value_name = "FILE", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) tls: TlsArgs,
    /// Addresses of proxies (10.0.0.0/8, ::1): a connection from there begins with a PROXY header, version 1 or 2. May be
    /// repeated.
    #[arg(long, value_name = "NETWORK")]
    pub(crate) proxy_from: Vec<Network>,
    /// Origin of pages that may connect through a WebSocket (https://shop.example, or * for all). May be repeated. Without
    /// it, pages of the host that they connect to.
    #[arg(long, value_name = "ORIGIN")]
    pub(crate) ws_origin: Vec<String>,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    /// Do not encrypt anything new: the way back to a data directory without encryption. What is encrypted is read.
    #[arg(long, requires = "encryption_key_file", help_heading = "Encryption at rest")]
    pub(crate) decrypt_only: bool,
    #[command(flatten)]
    pub(crate) bounds: BoundsArgs,
    #[command(flatten)]
    pub(crate) service: ServiceArgs,
    /// Form of the log on standard error, or in files. Without it the configuration file says, else text.
    #[arg(long, value_enum)]
    pub(crate) log_format: Option<LogFormat>,
    /// Write the log into files here (general.log, audit.log, connection.log) rather than to standard error. Each has at
    /// most five parts of 10 MiB.
    #[arg(long, value_name = "DIR")]
    pub(crate) log_dir: Option<PathBuf>,
    /// Kind of log file to write; may be repeated. Default: all of them.
    #[arg(long, value_enum, value_name = "KIND", requires = "log_dir")]
    pub(crate) log_kind: Vec<LogKind>,
    /// Start although a part of the journal that a start has to read is damaged. What was only there is lost for good.
    #[arg(long)]
    pub(crate) accept_damage: bool,
    /// Number of shards.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) shards: u16,
}

fn engine_version(text: &str) -> Result<String, String> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_number =
        |part: &&str| part.len() <= 4 && part.parse::<u16>().is_ok_and(|number| number.to_string() == **part);
    if parts.len() == 3 && parts.iter().all(is_number) {
        return Ok(text.to_owned());
    }
    Err("expected three numbers, for example 4.2.1".into())
}

#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Encryption at rest")]
pub(crate) struct EncryptionArgs {
    /// File with the key for encryption at rest: 32 bytes or 64 hexadecimal digits, not readable by others. Data directories
    /// without encryption are read, and what is new is encrypted.
    #[arg(long, value_name = "FILE")]
    pub(crate) encryption_key_file: Option<PathBuf>,
    /// File with the key before it. What is encrypted with it needs the new key alone from then on.
    #[arg(long, value_name = "FILE", requires = "encryption_key_file")]
    pub(crate) encryption_old_key_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub(crate) struct BoundsArgs {
    /// Memory of the node: publishers are held back at 60 % of it, new connections turned away at 85 %. Comes before the
    /// configuration file.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(64 << 20..))]
    pub(crate) memory_limit: Option<u64>,
    /// Room for the data directory: publishers are held back while less than a tenth of it (at most 2 GiB) is left.
    #[arg(long, value_name = "BYTES", value_parser = clap::value_parser!(u64).range(1 << 30..))]
    pub(crate) storage_limit: Option<u64>,
    /// Connections of the node at once. Comes before the configuration file.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_connections: Option<u32>,
    /// Connections of each listener at once, those of http aside.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_listener_connections: Option<u32>,
    /// Room on the disk that is taken from the start: some 385 MiB (standard), or 24 MiB (small) for many nodes on one disk.
    /// A data directory that is there keeps its size of segments.
    #[arg(long, value_enum, value_name = "SIZE", default_value_t = Footprint::Standard)]
    pub(crate) footprint: Footprint,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Footprint {
    Standard,
    Small,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "For a service that runs this node")]
pub(crate) struct ServiceArgs {
    /// Unix socket for the service: the management API without a login, the node's status, who is let in, drain. Only this
    /// user of the machine is served there. The node leaves its session and makes no first administrator.
    #[arg(long, value_name = "PATH", requires = "node_name", conflicts_with = "user")]
    pub(crate) control_socket: Option<PathBuf>,
    /// Name by which the service knows this node.
    #[arg(long, value_name = "NAME", requires = "control_socket")]
    pub(crate) node_name: Option<String>,
    /// Which run of the node this is.
    #[arg(long, value_name = "N", requires = "control_socket", default_value_t = 0)]
    pub(crate) incarnation: u64,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "TLS")]
pub(crate) struct TlsArgs {
    /// Make a CA and a certificate for development in the data directory, and open the listeners with TLS.
    #[arg(long)]
    pub(crate) tls_self_signed: bool,
    /// Certificate to show to clients, with its chain (PEM); opens the listeners with TLS. May be repeated: a client gets
    /// the one for the name it asks for, else the first. Read again when it changes, and at SIGHUP.
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Vec<PathBuf>,
    /// Private key of each --tls-cert, in the same order (PEM, without a password).
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_key: Vec<PathBuf>,
    /// CAs whose clients are trusted (PEM).
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_ca: Option<PathBuf>,
    /// Whether clients have to show a certificate. Default: wanted with --tls-ca, else off.
    #[arg(
        long,
        value_enum,
        value_name = "HOW",
        requires_if("wanted", "tls_ca"),
        requires_if("required", "tls_ca")
    )]
    pub(crate) tls_clients: Option<TlsClients>,
    /// Least version of TLS.
    #[arg(long, value_enum, value_name = "VERSION", default_value_t = TlsMin::V1_2)]
    pub(crate) tls_min: TlsMin,
    /// Let clients log in by certificate (SASL EXTERNAL) as the user that is its whole subject (dn: CN=app,O=Shop) or its
    /// common name (cn).
    #[arg(long, value_enum, value_name = "PART", requires = "tls_ca")]
    pub(crate) tls_user: Option<TlsUser>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TlsClients {
    Off,
    Wanted,
    Required,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TlsMin {
    #[value(name = "1.2")]
    V1_2,
    #[value(name = "1.3")]
    V1_3,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum TlsUser {
    Dn,
    Cn,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Engine {
    All,
    Rabbitmq,
    Activemq,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum LogKind {
    General,
    Audit,
    Connection,
    None,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Output {
    Text,
    Json,
}

/// Which broker to work with.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// The broker: amqp://USER:PASSWORD@HOST:PORT/VHOST. Without a user, the administrator that the broker made for
    /// itself in --data-dir.
    #[arg(
        long,
        env = "TERNMQ_URL",
        value_name = "URL",
        default_value = "amqp://127.0.0.1:5672",
        hide_env_values = true
    )]
    pub(crate) url: String,
    /// Data directory of a broker on this machine, for its administrator's password.
    #[arg(long, value_name = "DIR", default_value = "./ternmq-data")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq pub orders 'one order'
  ternmq pub --exchange amq.topic --key eu.orders '{\"id\": 7}'
  ternmq pub orders --count 1000 'again and again'
  cat order.json | ternmq pub orders -")]
pub(crate) struct PubArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Publish to this exchange instead of a queue.
    #[arg(long, value_name = "NAME")]
    pub(crate) exchange: Option<String>,
    /// Routing key, with --exchange.
    #[arg(long, value_name = "KEY", requires = "exchange", default_value = "")]
    pub(crate) key: String,
    /// Publish the message so many times.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) count: u64,
    /// Do not keep the message over a restart of the broker.
    #[arg(long)]
    pub(crate) transient: bool,
    /// QUEUE and BODY, or with --exchange only BODY. A queue that is not there is made. BODY "-" or none: standard
    /// input.
    #[arg(value_name = "QUEUE_AND_BODY", num_args = 0..=2)]
    pub(crate) words: Vec<String>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  ternmq sub orders
  ternmq sub orders --count 10 --output json")]
pub(crate) struct SubArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// The queue. One that is not there is made.
    pub(crate) queue: String,
    /// End after so many messages.
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
    /// Text prints bodies, JSON one object per message.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
The messages stay as they are: their order, their count of deliveries, whether the next delivery is marked as redelivered.
The queue of another virtual host than / is named by the address: http://USER:PASSWORD@HOST:PORT/VHOST.
Another broker has no call for that: with amqp://... messages are taken and given back, so the next consumer sees them
marked as redelivered.

Examples:
  ternmq peek orders --count 5
  ternmq peek orders --url amqp://guest:guest@other-broker:5672")]
pub(crate) struct PeekArgs {
    #[command(flatten)]
    pub(crate) target: HttpTarget,
    /// The queue.
    pub(crate) queue: String,
    /// Show at most so many messages.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: u64,
    /// Text prints bodies, JSON one object per message.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

/// Which broker's management API to work with.
#[derive(Debug, Args)]
pub(crate) struct HttpTarget {
    /// The management API: http://USER:PASSWORD@HOST:PORT. Without a user, the administrator that the broker made for
    /// itself in --data-dir.
    #[arg(
        long,
        env = "TERNMQ_HTTP_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:15672",
        hide_env_values = true
    )]
    pub(crate) url: String,
    /// Data directory of a broker on this machine, for its administrator's password.
    #[arg(long, value_name = "DIR", default_value = "./ternmq-data")]
    pub(crate) data_dir: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq export definitions.json")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    pub(crate) target: HttpTarget,
    /// File to write; "-" or none: standard output.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Example:
  ternmq import definitions.json")]
pub(crate) struct ImportArgs {
    #[command(flatten)]
    pub(crate) target: HttpTarget,
    /// File to read, as exported here or by RabbitMQ; "-" or none: standard input.
    pub(crate) file: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A prepared branch waits for its transaction manager, however long that takes, and keeps its messages locked. Decide only when
that manager does not come back: it is told then that there is no such branch, whatever it had decided.

Examples:
  ternmq transactions list
  ternmq transactions show 4660:676c6f62616c:01
  ternmq transactions rollback 4660:676c6f62616c:01
  ternmq transactions commit 4660:676c6f62616c:01 --yes --output json")]
pub(crate) struct TransactionsArgs {
    #[command(subcommand)]
    pub(crate) command: TransactionsCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TransactionsCommand {
    /// The branches in doubt: of the virtual host that the address names (http://HOST:PORT/VHOST), else of all.
    #[command(after_help = "\
Examples:
  ternmq transactions list
  ternmq transactions list --url http://admin:secret@127.0.0.1:15672/shop --output json")]
    List {
        #[command(flatten)]
        target: HttpTarget,
        /// Text is a table, JSON one array.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// One branch in doubt.
    #[command(after_help = "\
Example:
  ternmq transactions show 4660:676c6f62616c:01")]
    Show {
        #[command(flatten)]
        target: HttpTarget,
        /// Its id, as `list` shows it: format:global:qualifier, the latter in hexadecimal.
        id: String,
        /// Text for people, JSON one object.
        #[arg(long, value_enum, default_value_t = Output::Text)]
        output: Output,
    },
    /// Commit a branch: its messages are there and its acknowledgements count.
    #[command(after_help = "\
Example:
  ternmq transactions commit 4660:676c6f62616c:01 --yes")]
    Commit(DecisionArgs),
    /// Roll a branch back: its messages never were, and what it acknowledged is in its queues again.
    #[command(after_help = "\
Example:
  ternmq transactions rollback 4660:676c6f62616c:01 --yes")]
    Rollback(DecisionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct DecisionArgs {
    #[command(flatten)]
    pub(crate) target: HttpTarget,
    /// Its id, as `ternmq transactions list` shows it.
    pub(crate) id: String,
    /// Do not ask. Needed where nobody can be asked.
    #[arg(long)]
    pub(crate) yes: bool,
    /// Text says what was done, JSON is one object.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Nothing in the directory is changed. Exit code 0: sound, 1: damaged or unreadable.

Examples:
  ternmq doctor --data-dir ./ternmq-data          a broker's: its journal
  ternmq doctor --data-dir ./ternmq-service       a service's: the chain of its audit log")]
pub(crate) struct DoctorArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./ternmq-data")]
    pub(crate) data_dir: PathBuf,
    #[command(flatten)]
    pub(crate) encryption: EncryptionArgs,
    /// Text explains, JSON lists.
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub(crate) output: Output,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn broker_defaults() {
        let cli = Cli::try_parse_from(["ternmq", "broker"]).unwrap();
        let Command::Broker(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!(args.data_dir, PathBuf::from("./ternmq-data"));
        assert_eq!((args.shards, args.ephemeral, args.listen.len()), (1, false, 0));
    }

    #[test]
    fn wrong_flags_are_refused() {
        for words in [
            &["broker", "--shards", "0"][..],
            &["broker", "--listen", "amqp"],
            &["broker", "--user", "a"],
            &["broker", "--engine", "kafka"],
            &["broker", "--tls-clients", "required"],
            &["broker", "--encryption-old-key-file", "old"],
            &["broker", "--decrypt-only"],
            &["doctor", "--encryption-old-key-file", "old"],
            &["broker", "--tls-min", "1.1"],
            &["broker", "--control-socket", "s"],
            &["broker", "--node-name", "n"],
            &["broker", "--log-kind", "audit"],
            &["broker", "--storage-limit", "1"],
            &["broker", "--engine-version", "4.2"],
            &["broker", "--engine-version", "4.02.1"],
            &["broker", "--proxy-from", "10.0.0.0/33"],
            &["peek", "q", "--count", "0"],
            &["nothing"],
        ] {
            let error = Cli::try_parse_from([&["ternmq"], words].concat()).unwrap_err();
            assert_eq!(error.exit_code(), 2, "{words:?}");
        }
    }
}
