//! A node from its options to its end: configure, open, bind, recover, run, drain.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ternmq_configuration::LogLevel;
use ternmq_directory::Directory;
use ternmq_env::{Clock, DiskFiles, SystemClock};
use ternmq_journal::{Encryption, JournalError, Options, Reader, Recovery};
use ternmq_management::Management;
use ternmq_net::{
    Door, JournalSource, JournalThread, Listener, Opening, Shard, ShardHandle, ShardParts, TlsServer,
    file_limit, install_panic_policy,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::accept_rules::Gates;
use crate::administrator::{self, FirstUser, GivenLogin, Plan};
use crate::control::{Control, ControlSocket};
use crate::data_dir::{DataDir, RESERVE_LEAST_BYTES};
use crate::definitions;
use crate::directory::{self, Outside};
use crate::doors::{self, NodeTls};
use crate::encryption::read_encryption;
use crate::engine::Engine;
use crate::error::{EXIT_JOURNAL, StartError};
use crate::management::{ProcessFacts, ShardControl};
use crate::memory::{MemoryLimit, MemoryWatch, SAMPLE};
use crate::options::{Bounds, BrokerOptions, COMPATIBLE_VERSION, Footprint};
use crate::recovery::{self, ReadyBroker};
use crate::reload::Reload;
use crate::settings::Settings;
use crate::tls_source::TlsSource;
use crate::{authorization, control, http, logging, ports_file, self_signed};
use ternmq_stdx::chain;

/// Segments of a node with a small footprint.
const SMALL_SEGMENT_BYTES: u64 = 4 << 20;
/// Exit code when a second signal does not let the drain end.
const EXIT_FORCED: i32 = 1;

/// Runs a node until it is told to stop.
///
/// # Errors
/// [`StartError`]: the node did not start, or the system failed it.
pub fn run(options: &BrokerOptions) -> Result<(), StartError> {
    install_panic_policy();
    check_shards(options)?;
    leave_session(options);
    let mut settings = read_settings(options)?;
    let engine = Engine::of(options.engine, &settings)?;
    doors::check(options, &settings, &engine)?;
    let outside = Outside::open(options, settings.activemq.as_ref())?;
    let given = options.login.as_ref().map(administrator::read_login).transpose()?;
    let login = given.or_else(|| settings.login.take());
    let is_lowered = settings.fit_to_descriptors(file_limit());
    let encryption = read_encryption(&options.encryption)?;
    let data_dir = DataDir::open(options)?;
    let journal = journal_options(&settings, encryption, &data_dir, &options.bounds);
    let disk_limit_bytes = journal.alarm_free_bytes;
    let recovery = recovery::open(data_dir.files.clone(), data_dir.path(), journal)?;
    let socket = options.control.as_ref().map(ControlSocket::bind).transpose()?;
    let tls = NodeTls::load(TlsSource::of_flags(&options.tls, data_dir.path())?, &settings)?;
    let bound = doors::bind(options, &settings, &engine, &tls)?;
    tell_warnings(&settings, is_lowered);
    let (shard, handle) = Shard::new().map_err(StartError::system("start the event loop"))?;
    let gates = Arc::new(bound.gates);
    let control = socket.map(|socket| socket.with_control(&bound.ports, &gates));
    let users = outside.as_ref().map(Outside::users);
    let supervisor = Supervisor {
        options,
        control,
        gates,
        outside,
        handle,
        cluster_name: engine.cluster_name.clone(),
        files: data_dir.files.clone(),
        memory: settings.memory,
        disk_limit_bytes,
        http: bound.http,
        https: bound.https,
        servers: bound.servers,
        ports: bound.ports,
    };
    let (ready, wait) = oneshot::channel();
    let (accepts_damage, doors) = (options.accepts_damage, bound.doors);
    let (is_self_signed, is_managed) = (options.tls.is_self_signed, options.control.is_some());
    let start = ShardStart {
        shard,
        recovery,
        engine,
        settings,
        login,
        path: data_dir.path.clone(),
        users,
        accepts_damage,
        is_self_signed,
        is_managed,
        doors,
    };
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

/// What the options and the file say together; from here on there is a log.
fn read_settings(options: &BrokerOptions) -> Result<Settings, StartError> {
    let mut settings = Settings::of(options)?;
    start_log(options, &settings)?;
    settings.apply_bounds(&options.bounds);
    set_mechanisms(&mut settings, options);
    Ok(settings)
}

fn start_log(options: &BrokerOptions, settings: &Settings) -> Result<(), StartError> {
    let format = options.log_format.or(settings.log_format).unwrap_or_default();
    logging::start(format, settings.log_level.unwrap_or(LogLevel::Info), options.logs.as_ref())
}

/// What a service runs goes on when the service and its terminal are gone.
fn leave_session(options: &BrokerOptions) {
    if options.control.is_some() {
        // Refused to the leader of a group, which has a session of its own by other means.
        let _ = rustix::process::setsid();
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

/// A client that shows a certificate may log in by it where the command line or the file says so, and only there:
/// clients that have a certificate and no user of its name would try it and fail.
fn set_mechanisms(settings: &mut Settings, options: &BrokerOptions) {
    let mechanisms = &mut settings.amqp.mechanisms;
    if settings.mechanisms.is_empty() {
        mechanisms.external = options.tls.login_from.is_some();
    } else {
        let has = |name: &str| settings.mechanisms.iter().any(|known| known == name);
        (mechanisms.plain, mechanisms.amqplain) = (has("PLAIN"), has("AMQPLAIN"));
        mechanisms.external = has("EXTERNAL");
        settings.is_scram_login = has("SCRAM-SHA-256");
    }
    let by_default = mechanisms.external;
    settings.mqtt.is_certificate_login = settings.is_mqtt_certificate_login.unwrap_or(by_default);
    settings.stomp.is_certificate_login = settings.is_stomp_certificate_login.unwrap_or(by_default);
    settings.openwire.is_certificate_login = by_default;
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

fn journal_options(settings: &Settings, encryption: Encryption, dir: &DataDir, bounds: &Bounds) -> Options {
    let defaults = Options::default();
    let alarm_free_bytes = settings.disk_alarm_bytes.unwrap_or(defaults.alarm_free_bytes);
    let (segment_bytes, most) = match bounds.footprint {
        Footprint::Standard => (defaults.segment_bytes, defaults.reserve_bytes),
        Footprint::Small => (SMALL_SEGMENT_BYTES, RESERVE_LEAST_BYTES),
    };
    let reserve_bytes = dir.reserve_bytes(bounds, most);
    Options { alarm_free_bytes, segment_bytes, reserve_bytes, encryption, ..defaults }
}

/// What the shard's thread needs to become a shard.
struct ShardStart {
    shard: Shard,
    recovery: Recovery,
    engine: Engine,
    settings: Settings,
    login: Option<GivenLogin>,
    path: PathBuf,
    users: Option<Arc<Directory>>,
    accepts_damage: bool,
    is_self_signed: bool,
    is_managed: bool,
    doors: Vec<Door>,
}

impl ShardStart {
    /// The broker lives and dies on this thread.
    fn run(self, ready: oneshot::Sender<Reader>) -> Result<(), StartError> {
        let (is_self_signed, is_managed) = (self.is_self_signed, self.is_managed);
        let Self { shard, recovery, engine, settings, login, path, users, accepts_damage, doors, .. } = self;
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
        let ReadyBroker { mut broker, log, writer, reader } =
            recovery::recover(recovery, &engine, settings.limits, &path, accepts_damage, &*clock)?;
        if let Some(users) = users {
            broker.set_outside_users(users);
        }
        if let Some(herald) = engine.herald.clone() {
            broker.set_herald(herald);
        }
        if settings.is_scram_login {
            broker.keep_scram();
        }
        authorization::apply(settings.activemq.as_ref(), &mut broker)?;
        definitions::apply(settings.definitions, &mut broker)?;
        let plan = if is_managed {
            // The service makes the users.
            Plan::Done
        } else {
            administrator::plan(&mut broker, login.as_ref(), &settings.namespace, &path)?
        };
        let opening = match plan {
            Plan::Done => None,
            Plan::Tell(notice) => {
                tell(&notice);
                None
            }
            Plan::Make(user) => Some(open_by(*user)),
        };
        broker.provide().map_err(|error| StartError::Provide(broker.dialect().error_text(&error)))?;
        if is_self_signed {
            tell(&self_signed::notice(&path));
        }
        let journal = JournalThread::start(writer, shard.mailbox().clone(), Box::new(end_without_journal))
            .map_err(StartError::system("start a thread"))?;
        let stored = reader.clone();
        let parts = ShardParts {
            log,
            journal,
            reader,
            doors,
            limits: settings.driver,
            opening,
            password_threads: thread::available_parallelism().map_or(1, usize::from).div_ceil(2),
            clock,
        };
        let on_ready = move || {
            let _ = ready.send(stored);
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
    control: Option<(ControlSocket, Arc<Control>)>,
    gates: Arc<Gates>,
    outside: Option<Outside>,
    handle: ShardHandle,
    cluster_name: Arc<str>,
    files: Arc<DiskFiles>,
    memory: MemoryLimit,
    disk_limit_bytes: u64,
    http: Option<Listener>,
    https: Option<(Listener, Arc<TlsServer>)>,
    servers: Vec<(TlsSource, Arc<TlsServer>)>,
    ports: Vec<(String, SocketAddr)>,
}

impl Supervisor<'_> {
    async fn run(self, ready: oneshot::Receiver<Reader>) -> Result<(), StartError> {
        let listen = |kind| signal(kind).map_err(StartError::system("listen to signals"));
        let (mut terminate, mut interrupt) =
            (listen(SignalKind::terminate())?, listen(SignalKind::interrupt())?);
        let control = self.control.map(|(socket, control)| control::start(socket, control));
        let reader = tokio::select! {
            answer = ready => {
                // If the shard did not start, its thread has the reason.
                let Ok(reader) = answer else { return Ok(()) };
                reader
            }
            () = any(&mut terminate, &mut interrupt) => std::process::exit(EXIT_FORCED),
        };
        let mut memory = MemoryWatch::new(self.memory, self.handle.mailbox().clone());
        let limit_bytes = memory.limit_bytes();
        let disk_bytes = self.disk_limit_bytes;
        let facts = ProcessFacts::new(
            self.options.engine_version.as_deref().unwrap_or(COMPATIBLE_VERSION).into(),
            self.cluster_name.clone(),
            self.files.clone(),
            &self.ports,
            limit_bytes,
            disk_bytes,
        );
        let shard = ShardControl { handle: self.handle.clone() };
        let log = Arc::new(JournalSource::new(reader));
        let management = Management::new(Arc::new(shard), Arc::new(facts), log, ternmq_amqp091::ENCODING);
        let management = Arc::new(management);
        let router = http::router(self.handle.clone(), management.clone(), limit_bytes);
        let https = self.https.map(|(listener, server)| (listener, Some(server)));
        for (listener, server) in self.http.map(|listener| (listener, None)).into_iter().chain(https) {
            let (router, gate) = (router.clone(), self.gates.of(&listener.name));
            tokio::spawn(async move {
                if let Err(error) = http::serve(listener, gate, server, router).await {
                    tracing::error!("the http listener ended: {error}");
                }
            });
        }
        if let Some(control) = &control {
            control.note_ready(router, management);
        }
        directory::start(self.outside, &self.handle).await;
        let mut reload = Reload::new(self.servers)?;
        announce(self.options.ports_file.as_deref(), &self.ports)?;
        let mut samples = tokio::time::interval(SAMPLE);
        let mut ended = std::pin::pin!(self.handle.ended());
        let mut is_draining = false;
        loop {
            tokio::select! {
                () = &mut ended => return Ok(()),
                _ = samples.tick() => memory.sample(),
                () = reload.next() => {}
                () = control::asked_to_drain(control.as_deref()) => {
                    tracing::info!("the service asks to stop");
                    is_draining = true;
                    self.handle.mailbox().drain();
                }
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
