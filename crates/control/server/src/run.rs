//! A service from its options to its end: open, start to reconcile, listen, tell, wait for a signal.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ternmq_api::Sensitive;
use ternmq_env::{KeyFileError, SystemClock, SystemRng, ensure_key_file};
use ternmq_fleet::{ProcessFleet, ProcessSettings, Provisioner};
use ternmq_service::{BrokerNotice, Parts, Reconciler, Service, ServiceSettings, Store, StoreKeys};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tracing_subscriber::EnvFilter;

use crate::credentials::{self, Keys};
use crate::data_dir::DataDir;
use crate::error::ServeError;
use crate::files::{Readers, write_whole};
use crate::http;
use crate::options::ServeOptions;

const CREDENTIALS: &str = "administrator.json";
const FIRST_PASSWORD: &str = "first-broker.password";
/// How long a start waits for the first broker before it tells what there is.
const FIRST_WAIT: Duration = Duration::from_secs(30);
const FIRST_LOOK: Duration = Duration::from_millis(5);

/// Runs a service until it is told to stop. Brokers of a service that is not ephemeral run on.
///
/// # Errors
/// [`ServeError`]: the service did not start, or the system failed it.
pub fn run(options: &ServeOptions) -> Result<(), ServeError> {
    start_logging();
    check(options)?;
    let data_dir = DataDir::open(options)?;
    let mut rng = SystemRng;
    let credentials_file = options.credentials_file.clone().unwrap_or_else(|| data_dir.join(CREDENTIALS));
    let keys = credentials::read_or_make(&credentials_file, &mut rng)?;
    let processes = ProcessSettings { footprint: options.node_footprint, ..ProcessSettings::default() };
    let fleet = ProcessFleet::open(&data_dir.join("fleet"), options.node_program.clone(), processes);
    let fleet: Arc<dyn Provisioner> = Arc::new(fleet.map_err(|error| ServeError::service(&error))?);
    let store = Store::open(data_dir.files.clone(), &store_keys(options, &data_dir)?, &mut rng)
        .map_err(|error| ServeError::service(&error))?;
    let settings = ServiceSettings {
        account: options.account.clone(),
        region: options.region.clone(),
        domain: options.domain.clone(),
        directory_ca: options.directory_ca.as_deref().map(directory_ca).transpose()?,
        quota: options.quota,
        retention: options.audit,
        administrator: keys.key.clone(),
    };
    let parts =
        Parts { store, fleet: fleet.clone(), clock: Arc::new(SystemClock::new()), rng: Box::new(SystemRng) };
    let service = Service::new(settings, parts).map_err(|error| ServeError::service(&error))?;
    let password = make_first_broker(options, &service, &data_dir)?;
    let reconciler = Reconciler::start(service.clone()).map_err(|error| ServeError::service(&error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(64)
        .enable_all()
        .build()
        .map_err(ServeError::system("start the API's listener"))?;
    let told = Told { options, data_dir: &data_dir, credentials_file, keys: &keys, password };
    let ended = runtime.block_on(listen(options, service, &told));
    reconciler.stop();
    if options.is_ephemeral {
        remove_all(&*fleet);
    }
    ended
}

fn start_logging() {
    let filter = EnvFilter::try_from_env("TERNMQ_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_target(false);
    // A line that can't be written is lost. To say so on the same full disk or closed pipe would end the thread.
    let lines = lines.log_internal_errors(false);
    // Logging that runs already, in a test for example, stays as it is.
    let _ = lines.with_ansi(io::IsTerminal::is_terminal(&io::stderr())).try_init();
}

fn check(options: &ServeOptions) -> Result<(), ServeError> {
    let is_account = options.account.len() == 12 && options.account.bytes().all(|byte| byte.is_ascii_digit());
    if !is_account {
        return Err(ServeError::Usage(format!(
            "--account {}: an account has twelve digits",
            options.account
        )));
    }
    if !ternmq_service::is_region(&options.region) {
        let text = format!("--region {}: a region is named like eu-central-1", options.region);
        return Err(ServeError::Usage(text));
    }
    Ok(())
}

/// The keys of the store: those that are named, or one in the data directory.
fn store_keys(options: &ServeOptions, data_dir: &DataDir) -> Result<StoreKeys, ServeError> {
    let own = data_dir.join(StoreKeys::FILE);
    let usage = |error: KeyFileError| ServeError::Usage(error.to_string());
    if options.encryption_key_file.is_none() {
        ensure_key_file(&own, &mut SystemRng).map_err(usage)?;
    }
    let current = options.encryption_key_file.as_deref().unwrap_or(&own);
    StoreKeys::read(current, options.encryption_old_key_file.as_deref()).map_err(usage)
}

/// The password of the first broker's user, if the broker was made now. It is in its file before the broker is made: a
/// kill in between leaves a password without a broker, never a broker without.
fn make_first_broker(
    options: &ServeOptions,
    service: &Service,
    data_dir: &DataDir,
) -> Result<Option<Sensitive>, ServeError> {
    let is_new = service.is_new().map_err(|error| ServeError::service(&error))?;
    if !is_new || !options.has_first_broker {
        return Ok(None);
    }
    let password = credentials::password(&mut SystemRng);
    let path = data_dir.join(FIRST_PASSWORD);
    write_whole(&path, &format!("{}\n", password.reveal()), Readers::Owner)
        .map_err(ServeError::system("write the first broker's password"))?;
    service.create_first_broker(&password).map_err(|error| ServeError::service(&error))?;
    Ok(Some(password))
}

async fn listen(options: &ServeOptions, service: Arc<Service>, told: &Told<'_>) -> Result<(), ServeError> {
    let on = |kind| signal(kind).map_err(ServeError::system("listen to signals"));
    let (mut terminate, mut interrupt) = (on(SignalKind::terminate())?, on(SignalKind::interrupt())?);
    let bind = |problem| ServeError::Bind { address: options.api, problem };
    let listener = TcpListener::bind(options.api).await.map_err(bind)?;
    let address = listener.local_addr().map_err(bind)?;
    let (end, over) = watch::channel(false);
    let server = tokio::spawn(http::serve(listener, service.clone(), over));
    let first = first_broker(&service).await?;
    if let Some(path) = &options.ports_file {
        let text = format!("{}\n", serde_json::json!({"api": address.to_string()}));
        write_whole(path, &text, Readers::Everybody)
            .map_err(|problem| ServeError::PortsFile { path: path.clone(), problem })?;
    }
    told.tell(address, first.as_ref());
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    // Requests that are under way end, and nobody waits longer than this for them.
    let _ = end.send(true);
    let drained = tokio::time::timeout(Duration::from_secs(10), server);
    tokio::select! {
        _ = drained => {}
        _ = terminate.recv() => std::process::exit(1),
        _ = interrupt.recv() => std::process::exit(1),
    }
    Ok(())
}

/// The first broker, once it runs.
async fn first_broker(service: &Arc<Service>) -> Result<Option<BrokerNotice>, ServeError> {
    let look = || service.first_broker().map_err(|error| ServeError::service(&error));
    let begun = tokio::time::Instant::now();
    let mut first = look()?;
    while first.as_ref().is_some_and(|broker| !broker.is_running) && begun.elapsed() < FIRST_WAIT {
        tokio::time::sleep(FIRST_LOOK).await;
        first = look()?;
    }
    Ok(first)
}

fn remove_all(fleet: &dyn Provisioner) {
    for node in fleet.list().unwrap_or_default() {
        if let Err(error) = fleet.remove(&node) {
            tracing::warn!(%node, "the node can't be removed: {error}");
        }
    }
}

/// What the person at the terminal is told once everything runs.
struct Told<'a> {
    options: &'a ServeOptions,
    data_dir: &'a DataDir,
    credentials_file: PathBuf,
    keys: &'a Keys,
    password: Option<Sensitive>,
}

impl Told<'_> {
    fn tell(&self, address: SocketAddr, first: Option<&BrokerNotice>) {
        // A terminal that is gone cannot be told; keys and passwords are in their files.
        let _ = self.write(&mut io::stdout().lock(), address, first);
    }

    fn write(
        &self,
        out: &mut impl Write,
        address: SocketAddr,
        first: Option<&BrokerNotice>,
    ) -> io::Result<()> {
        let Self { options, data_dir, keys, .. } = self;
        writeln!(
            out,
            "the service is ready: http://{address}, account {}, region {}",
            options.account, options.region
        )?;
        let file = self.credentials_file.display();
        if keys.is_new {
            writeln!(out, "the administrator's keys (shown this once; kept in {file}):")?;
            writeln!(
                out,
                "  export AWS_ENDPOINT_URL=http://{address} AWS_DEFAULT_REGION={}",
                options.region
            )?;
            writeln!(out, "  export AWS_ACCESS_KEY_ID={}", keys.key.access_key_id)?;
            writeln!(out, "  export AWS_SECRET_ACCESS_KEY={}", keys.key.secret_access_key.reveal())?;
        } else {
            writeln!(out, "the administrator's keys are in {file}")?;
        }
        if let Some(first) = first {
            write_first(out, first, self.password.as_ref(), &data_dir.join(FIRST_PASSWORD))?;
        }
        let ca = data_dir.path().join("fleet").join("ca.pem");
        writeln!(out, "clients trust {}", ca.display())?;
        if !options.is_ephemeral {
            writeln!(out, "brokers run on when the service ends; the next start has them again")?;
        }
        out.flush()
    }
}

fn write_first(
    out: &mut impl Write,
    first: &BrokerNotice,
    password: Option<&Sensitive>,
    file: &Path,
) -> io::Result<()> {
    let state = if first.is_running { "runs" } else { "is being started" };
    writeln!(out, "the broker '{}' ({}) {state}: {}", first.name, first.engine, first.endpoints.join(" "))?;
    if let Some(console) = &first.console {
        writeln!(out, "  console and management API: {console}")?;
    }
    if let Some(password) = password {
        writeln!(
            out,
            "  user admin, password {} (shown this once; kept in {})",
            password.reveal(),
            file.display()
        )?;
    }
    Ok(())
}
/// Nodes run in directories of their own: the path from the root is the same for all.
fn directory_ca(path: &std::path::Path) -> Result<String, ServeError> {
    let refuse = |problem: String| {
        ServeError::Usage(format!(
            "--directory-ca {}: {problem}; name a PEM file that is there",
            path.display()
        ))
    };
    let whole = std::fs::canonicalize(path).map_err(|error| refuse(error.to_string()))?;
    whole.into_os_string().into_string().map_err(|_| refuse("the path is no text".to_owned()))
}
