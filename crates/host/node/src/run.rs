//! A node from its options to its end: configure, open, bind, recover, run, drain.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ternmq_configuration::LogLevel;
use ternmq_env::{Clock, DiskFiles, SystemClock};
use ternmq_journal::{JournalError, Options, Recovery};
use ternmq_management::Management;
use ternmq_net::{
    AcceptLimits, JournalThread, Listener, Opening, SessionFactory, Shard, ShardHandle, ShardParts,
    file_limit, install_panic_policy,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::administrator::{self, FirstUser, GivenLogin, Plan};
use crate::data_dir::DataDir;
use crate::definitions;
use crate::engine::Engine;
use crate::error::{EXIT_JOURNAL, StartError, chain};
use crate::management::{ProcessFacts, ShardControl};
use crate::memory::{MemoryLimit, MemoryWatch, SAMPLE};
use crate::options::{BrokerOptions, Listen};
use crate::recovery::{self, ReadyBroker};
use crate::settings::Settings;
use crate::{http, logging, ports_file};

/// Port of the http listener unless one is named.
const HTTP_PORT: u16 = 15_672;
/// Exit code when a second signal does not let the drain end.
const EXIT_FORCED: i32 = 1;

/// Runs a node until it is told to stop.
///
/// # Errors
/// [`StartError`]: the node did not start, or the system failed it.
pub fn run(options: &BrokerOptions) -> Result<(), StartError> {
    install_panic_policy();
    check_shards(options)?;
    let mut settings = Settings::load(options.config.as_deref())?;
    let format = options.log_format.or(settings.log_format).unwrap_or_default();
    logging::start(format, settings.log_level.unwrap_or(LogLevel::Info));
    let engine = Engine::of(options.engine, &settings)?;
    check_listeners(options, &engine)?;
    let given = options.login.as_ref().map(administrator::read_login).transpose()?;
    let login = given.or_else(|| settings.login.take());
    let is_lowered = settings.fit_to_descriptors(file_limit());
    let data_dir = DataDir::open(options)?;
    let journal = journal_options(&settings);
    let disk_limit_bytes = journal.alarm_free_bytes;
    let recovery = recovery::open(data_dir.files.clone(), data_dir.path(), journal)?;
    let bound = bind(options, &settings, &engine)?;
    tell_warnings(&settings, is_lowered);
    let (shard, handle) = Shard::new().map_err(StartError::system("start the event loop"))?;
    let supervisor = Supervisor {
        options,
        handle,
        cluster_name: engine.cluster_name.clone(),
        files: data_dir.files.clone(),
        memory: settings.memory,
        disk_limit_bytes,
        http: bound.http,
        ports: bound.ports,
    };
    let (ready, wait) = oneshot::channel();
    let path = data_dir.path.clone();
    let (accepts_damage, listeners) = (options.accepts_damage, bound.protocols);
    let start = ShardStart { shard, recovery, engine, settings, login, path, accepts_damage, listeners };
    let shard = thread::Builder::new()
        .name("shard-0".into())
        .spawn(move || start.run(ready))
        .map_err(StartError::system("start a thread"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(StartError::system("start the http listener"))?;
    runtime.block_on(supervisor.run(wait))?;
    match shard.join() {
        Ok(ended) => ended,
        // The panic policy has ended the process by now.
        Err(_) => Err(StartError::Usage("the shard failed".into())),
    }
}

fn check_shards(options: &BrokerOptions) -> Result<(), StartError> {
    if options.shards == 1 {
        return Ok(());
    }
    Err(StartError::Usage(format!(
        "--shards {}: this version runs one shard per node; leave the option out or say --shards 1",
        options.shards
    )))
}

fn check_listeners(options: &BrokerOptions, engine: &Engine) -> Result<(), StartError> {
    let known: Vec<&str> = engine.protocols.iter().map(|protocol| protocol.name).chain(["http"]).collect();
    match options.listen.iter().find(|listen| !known.contains(&&*listen.name)) {
        Some(Listen { name, address }) => Err(StartError::Usage(format!(
            "--listen {name}={address}: this broker has no such listener; it has {}",
            known.join(", ")
        ))),
        None => Ok(()),
    }
}

fn tell_warnings(settings: &Settings, is_lowered: bool) {
    for warning in &settings.warnings {
        tracing::warn!("{warning}");
    }
    if is_lowered {
        let connections = settings.driver.max_connections;
        tracing::info!(
            connections,
            "the limit of open files lowers the number of connections; raise it with ulimit -n"
        );
    }
}

fn journal_options(settings: &Settings) -> Options {
    let defaults = Options::default();
    let alarm_free_bytes = settings.disk_alarm_bytes.unwrap_or(defaults.alarm_free_bytes);
    Options { alarm_free_bytes, ..defaults }
}

/// Listeners that are bound.
struct Bound {
    protocols: Vec<(Listener, SessionFactory)>,
    http: Listener,
    ports: Vec<(String, SocketAddr)>,
}

/// Where each listener listens: the command line, else the file, else 127.0.0.1 and the usual port.
fn bind(options: &BrokerOptions, settings: &Settings, engine: &Engine) -> Result<Bound, StartError> {
    let local = |port: u16| {
        let port = if options.is_ephemeral { 0 } else { port };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    };
    let named =
        |name: &str| options.listen.iter().rev().find(|listen| listen.name == name).map(|it| it.address);
    let mut ports = Vec::new();
    let mut protocols = Vec::new();
    for protocol in &engine.protocols {
        let (from_file, is_off) = match protocol.name {
            "amqp" => (settings.amqp_addresses.as_slice(), settings.is_amqp_off),
            "mqtt" => (settings.mqtt_addresses.as_slice(), settings.is_mqtt_off),
            _ => (&[][..], false),
        };
        let addresses = match named(protocol.name) {
            Some(address) => vec![address],
            None if is_off => Vec::new(),
            None if from_file.is_empty() => vec![local(protocol.default_port)],
            None => from_file.to_vec(),
        };
        for (number, address) in addresses.into_iter().enumerate() {
            let listener = Listener::bind_with(protocol.name, address, &settings.sockets)?;
            if number == 0 {
                ports.push((protocol.name.to_owned(), listener.address));
            }
            protocols.push((listener, protocol.factory.clone()));
        }
    }
    let http = named("http").unwrap_or_else(|| {
        let default = local(HTTP_PORT);
        let port = settings.http_port.unwrap_or(default.port());
        SocketAddr::new(settings.http_ip.unwrap_or(default.ip()), port)
    });
    let http = Listener::bind("http", http)?;
    ports.push(("http".to_owned(), http.address));
    Ok(Bound { protocols, http, ports })
}

/// What the shard's thread needs to become a shard.
struct ShardStart {
    shard: Shard,
    recovery: Recovery,
    engine: Engine,
    settings: Settings,
    login: Option<GivenLogin>,
    path: PathBuf,
    accepts_damage: bool,
    listeners: Vec<(Listener, SessionFactory)>,
}

impl ShardStart {
    /// The broker lives and dies on this thread.
    fn run(self, ready: oneshot::Sender<()>) -> Result<(), StartError> {
        let Self { shard, recovery, engine, settings, login, path, accepts_damage, listeners } = self;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ReadyBroker { mut broker, log, writer, reader } =
            recovery::recover(recovery, &engine, settings.limits, &path, accepts_damage, &*clock)?;
        definitions::apply(settings.definitions, &mut broker)?;
        let opening = match administrator::plan(&mut broker, login.as_ref(), &settings.namespace, &path)? {
            Plan::Done => None,
            Plan::Tell(notice) => {
                tell(&notice);
                None
            }
            Plan::Make(user) => Some(open_by(user)),
        };
        let journal = JournalThread::start(writer, shard.mailbox().clone(), Box::new(end_without_journal))
            .map_err(StartError::system("start a thread"))?;
        let parts = ShardParts {
            log,
            journal,
            reader,
            listeners,
            limits: settings.driver,
            accept_limits: AcceptLimits::default(),
            opening,
            password_threads: thread::available_parallelism().map_or(1, usize::from).div_ceil(2),
            clock,
        };
        let on_ready = move || {
            let _ = ready.send(());
        };
        shard
            .run(broker, parts, on_ready)
            .map_err(|error| error.downcast().unwrap_or_else(StartError::system("wait for events")))
    }
}

/// Makes the first user while connections are greeted already.
fn open_by(user: FirstUser) -> Opening {
    Opening::new(move || {
        let hashed = user.hash();
        Box::new(move |broker| {
            let notice = hashed.and_then(|hashed| hashed.put(broker)).map_err(io::Error::other)?;
            notice.iter().for_each(|notice| tell(notice));
            Ok(())
        })
    })
}

fn tell(notice: &str) {
    // A terminal that is gone cannot be told; of a password the file has it.
    let _ = writeln!(io::stdout(), "{notice}");
}

/// After a failed write or sync nothing more may be acknowledged, and only a new start finds out what is safe (F3).
fn end_without_journal(error: &JournalError) {
    tracing::error!(
        "the journal failed, the node ends: {}; check the disk, then start the node again",
        chain(error)
    );
    std::process::exit(i32::from(EXIT_JOURNAL));
}

/// The main thread: http, signals, memory.
struct Supervisor<'a> {
    options: &'a BrokerOptions,
    handle: ShardHandle,
    cluster_name: Arc<str>,
    files: Arc<DiskFiles>,
    memory: MemoryLimit,
    disk_limit_bytes: u64,
    http: Listener,
    ports: Vec<(String, SocketAddr)>,
}

impl Supervisor<'_> {
    async fn run(self, ready: oneshot::Receiver<()>) -> Result<(), StartError> {
        let listen = |kind| signal(kind).map_err(StartError::system("listen to signals"));
        let (mut terminate, mut interrupt) =
            (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        tokio::select! {
            answer = ready => {
                if answer.is_err() {
                    // The shard did not start; its thread has the reason.
                    return Ok(());
                }
            }
            () = any(&mut terminate, &mut interrupt) => std::process::exit(EXIT_FORCED),
        }
        let mut memory = MemoryWatch::new(self.memory, self.handle.mailbox().clone());
        let limit_bytes = memory.limit_bytes();
        let disk_bytes = self.disk_limit_bytes;
        let facts = ProcessFacts::new(
            self.cluster_name.clone(),
            self.files.clone(),
            &self.ports,
            limit_bytes,
            disk_bytes,
        );
        let control = ShardControl { handle: self.handle.clone() };
        let management = Management::new(Arc::new(control), Arc::new(facts), ternmq_amqp091::ENCODING);
        let router = http::router(self.handle.clone(), Arc::new(management), limit_bytes);
        let socket = self.http.into_socket();
        tokio::spawn(async move {
            if let Err(error) = http::serve(socket, router).await {
                tracing::error!("the http listener ended: {error}");
            }
        });
        announce(self.options.ports_file.as_deref(), &self.ports)?;
        let mut samples = tokio::time::interval(SAMPLE);
        let mut ended = std::pin::pin!(self.handle.ended());
        let mut is_draining = false;
        loop {
            tokio::select! {
                () = &mut ended => return Ok(()),
                _ = samples.tick() => memory.sample(),
                () = any(&mut terminate, &mut interrupt) => {
                    if is_draining {
                        tracing::warn!("stopped at once by a second signal");
                        std::process::exit(EXIT_FORCED);
                    }
                    is_draining = true;
                    tracing::info!("stopping: clients are told, then the journal is closed; a second signal stops at once");
                    self.handle.mailbox().drain();
                }
            }
        }
    }
}

async fn any(first: &mut Signal, second: &mut Signal) {
    tokio::select! {
        _ = first.recv() => {}
        _ = second.recv() => {}
    }
}

fn announce(ports_file: Option<&Path>, ports: &[(String, SocketAddr)]) -> Result<(), StartError> {
    if let Some(path) = ports_file {
        ports_file::write(path, ports)?;
    }
    for (name, address) in ports {
        tracing::info!(%name, %address, "listening");
    }
    tracing::info!("ready");
    Ok(())
}
