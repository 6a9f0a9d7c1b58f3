//! The broker under test: ours or the reference, started, killed and started again on the same data.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::certificates;
use super::namespace::Namespace;
use super::oracle::Oracle;
use crate::process::{kill_group, output_of, tail, wait};

/// Which broker.
#[derive(Clone, Debug)]
pub(crate) enum Kind {
    /// Ours: the binary to run.
    Ternmq(PathBuf),
    /// RabbitMQ as the distribution packages it.
    Reference,
    /// ActiveMQ as the distribution packages it, started by a program of ours.
    Oracle(Oracle),
}

/// What differs between brokers of ours that scenarios meet. The reference takes no notice of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Where its certificate comes from.
    pub tls: Tls,
    /// Origins of pages that may connect, beside those of its own host.
    pub origins: &'static [&'static str],
    /// Whose ways it follows.
    pub engine: Engine,
    /// Clients of AMQP 1.0 may come without a login.
    pub is_anonymous: bool,
    /// Configuration file instead of the usual one, below `testing/conformance/scenarios`.
    pub config: Option<&'static str>,
}

impl Setting {
    /// That of most.
    pub(crate) const USUAL: Self =
        Self { tls: Tls::Given, origins: &[], engine: Engine::Rabbitmq, is_anonymous: false, config: None };
    /// One that lets clients of AMQP 1.0 in without a login.
    pub(crate) const ANONYMOUS: Self = Self { is_anonymous: true, ..Self::USUAL };
    /// One that makes its own certificate.
    pub(crate) const SELF_SIGNED: Self = Self { tls: Tls::SelfSigned, ..Self::USUAL };
    /// One with ActiveMQ's ways, for STOMP and MQTT.
    pub(crate) const ACTIVEMQ: Self = Self { engine: Engine::Activemq, ..Self::USUAL };
    /// RabbitMQ itself, in the place of one of ours.
    pub(crate) const REFERENCE: Self = Self { engine: Engine::Reference, ..Self::USUAL };
    /// ActiveMQ itself, in the place of one of ours.
    pub(crate) const ORACLE: Self = Self { engine: Engine::Oracle, ..Self::USUAL };
}

/// Whose ways a broker follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Engine {
    /// RabbitMQ's, with an AMQP 0-9-1 listener.
    Rabbitmq,
    /// ActiveMQ's, without.
    Activemq,
    /// RabbitMQ itself, with its plugin for AMQP 1.0.
    Reference,
    /// ActiveMQ itself.
    Oracle,
}

/// Where a broker's certificate comes from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Tls {
    /// From files of ours.
    Given,
    /// From its own development CA.
    SelfSigned,
}

/// The reference may take long on a busy machine; ours is far below it.
const START_LIMIT: Duration = Duration::from_secs(60);
const DRAIN_LIMIT: Duration = Duration::from_secs(10);
const REFERENCE_PROGRAMS: &str = "/usr/lib/rabbitmq/bin";
/// First administrator of every broker under test; the suites of others insist on this name and password.
const ADMINISTRATOR: &str = "guest";

/// Folder with what TLS needs, beside the data.
const CERTIFICATES: &str = "certs";

/// A running broker in its namespace. Dropping it kills it.
pub(crate) struct Broker<'a> {
    kind: Kind,
    setting: Setting,
    namespace: &'a Namespace,
    folder: PathBuf,
    shims: PathBuf,
    child: Child,
    starts: u32,
}

impl<'a> Broker<'a> {
    /// Starts a broker with empty data below `folder`, AMQP on 5672 if it has that, MQTT on 1883, STOMP on 61613 and HTTP on
    /// 15672; returns when it serves.
    pub(crate) fn start(
        setting: Setting,
        kind: &Kind,
        namespace: &'a Namespace,
        folder: &Path,
        shims: &Path,
    ) -> Result<Self> {
        let _ = std::fs::remove_dir_all(folder);
        std::fs::create_dir_all(folder.join("home"))
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let child = spawn(kind, setting, namespace, folder, 0)?;
        let mut broker = Self {
            kind: kind.clone(),
            setting,
            namespace,
            folder: folder.to_path_buf(),
            shims: shims.to_path_buf(),
            child,
            starts: 1,
        };
        broker.wait_until_serving()?;
        Ok(broker)
    }

    /// Where the certificates are that clients need; the reference has none.
    pub(crate) fn certificates(&self) -> PathBuf {
        self.folder.join(CERTIFICATES)
    }

    /// The CA that a client has to trust; the reference has none.
    pub(crate) fn ca(&self) -> PathBuf {
        match self.setting.tls {
            Tls::Given => self.certificates().join(certificates::CA),
            Tls::SelfSigned => self.folder.join("data/tls/ca.pem"),
        }
    }

    /// A folder for files of those who are its clients; it goes with the broker's own.
    pub(crate) fn scratch(&self) -> Result<PathBuf> {
        let folder = self.folder.join("scratch");
        std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }

    /// SIGKILL, then a start on the same data; returns when it serves again.
    pub(crate) fn kill_and_restart(&mut self) -> Result<()> {
        kill_group(&self.child);
        self.child.wait().context("the killed broker cannot be waited for")?;
        // The reference's own child is a shell; what it started may take a moment longer to go.
        while !matches!(self.kind, Kind::Ternmq(_)) && self.answers(5672) {}
        self.child = spawn(&self.kind, self.setting, self.namespace, &self.folder, self.starts)?;
        self.starts += 1;
        self.wait_until_serving()
    }

    /// Asks for a clean end; false when it had to be killed. Others than ours are not judged: they are killed at once.
    pub(crate) fn stop(mut self) -> Result<bool> {
        if !matches!(self.kind, Kind::Ternmq(_)) {
            return Ok(true);
        }
        if let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        Ok(wait(&mut self.child, DRAIN_LIMIT)? == crate::process::Ending::Succeeded)
    }

    /// Runs one `rabbitmqctl` command: the real one for the reference, the look-alike for ours.
    pub(crate) fn control(&self, args: &[&str]) -> Result<String> {
        let mut command = self.namespace.command(self.control_program());
        command.args(args);
        if matches!(self.kind, Kind::Reference) {
            set_reference_environment(&mut command, &self.folder);
        }
        output_of(&mut command)
    }

    /// Path of the `rabbitmqctl` that fits this broker.
    pub(crate) fn control_program(&self) -> PathBuf {
        match self.kind {
            Kind::Ternmq(_) | Kind::Oracle(_) => self.shims.join("rabbitmqctl"),
            Kind::Reference => Path::new(REFERENCE_PROGRAMS).join("rabbitmqctl"),
        }
    }

    fn wait_until_serving(&mut self) -> Result<()> {
        let deadline = Instant::now() + START_LIMIT;
        loop {
            let is_serving = match &self.kind {
                Kind::Ternmq(_) => self.folder.join("ports.json").exists(),
                Kind::Reference => self.answers(5672) && self.answers(61613) && self.answers(15672),
                Kind::Oracle(_) => self.answers(5672),
            };
            if is_serving {
                return Ok(());
            }
            let log = log_path(&self.folder, self.starts - 1);
            if let Some(status) = self.child.try_wait().context("cannot watch the broker")? {
                bail!("the broker ended at its start ({status}): {}", tail(&log, 5));
            }
            if Instant::now() >= deadline {
                bail!("the broker does not serve after {} s: {}", START_LIMIT.as_secs(), tail(&log, 5));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn answers(&self, port: u16) -> bool {
        let probe = format!("exec 3<>/dev/tcp/127.0.0.1/{port}");
        let status = self
            .namespace
            .command("bash")
            .args(["-c", &probe])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !status.is_ok_and(|status| status.success()) {
            std::thread::sleep(Duration::from_millis(100));
            return false;
        }
        true
    }
}

impl Drop for Broker<'_> {
    fn drop(&mut self) {
        kill_group(&self.child);
        let _ = self.child.wait();
    }
}

fn spawn(kind: &Kind, setting: Setting, namespace: &Namespace, folder: &Path, start: u32) -> Result<Child> {
    let log = File::create(log_path(folder, start)).context("cannot write the broker's log")?;
    let twin = log.try_clone().context("cannot share the broker's log")?;
    let mut command = match kind {
        Kind::Ternmq(binary) => ours(binary, setting, namespace, folder)?,
        Kind::Reference => reference(setting, namespace, folder)?,
        Kind::Oracle(oracle) => oracle.command(namespace, folder, &given_certificates(folder)?),
    };
    command.stdin(Stdio::null()).stdout(log).stderr(twin).process_group(0);
    command.spawn().context("cannot start the broker")
}

fn ours(binary: &Path, setting: Setting, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let (ports, password) = (folder.join("ports.json"), folder.join("password"));
    let _ = std::fs::remove_file(&ports);
    std::fs::write(&password, ADMINISTRATOR).context("cannot write the password file")?;
    let config = match setting.config {
        Some(named) => crate::project::root()?.join("testing/conformance/scenarios").join(named),
        None => usual_configuration(setting, folder)?,
    };
    let mut command = namespace.command(binary);
    command
        .args(["broker", "--listen", "http=127.0.0.1:15672"])
        .args(["--listen", "mqtt=127.0.0.1:1883", "--listen", "stomp=127.0.0.1:61613"])
        .args(match setting.engine {
            Engine::Rabbitmq | Engine::Reference => ["--listen", "amqp=127.0.0.1:5672"],
            Engine::Activemq | Engine::Oracle => ["--engine", "activemq"],
        })
        .arg("--config")
        .arg(config)
        .arg("--data-dir")
        .arg(folder.join("data"))
        .arg("--ports-file")
        .arg(ports)
        .args(["--user", ADMINISTRATOR, "--password-file"])
        .arg(password)
        .current_dir(folder);
    match setting.tls {
        Tls::Given => give_certificates(&mut command, folder)?,
        Tls::SelfSigned => {
            command.arg("--tls-self-signed");
        }
    }
    for origin in setting.origins {
        command.args(["--ws-origin", origin]);
    }
    Ok(command)
}

/// The folder of certificates, made when it is not there.
fn given_certificates(folder: &Path) -> Result<PathBuf> {
    let certificates = folder.join(CERTIFICATES);
    if !certificates.exists() {
        certificates::make(&certificates)?;
    }
    Ok(certificates)
}

fn give_certificates(command: &mut Command, folder: &Path) -> Result<()> {
    let certificates = given_certificates(folder)?;
    let (certificate, key) = certificates::pair(&certificates, "server");
    command.arg("--tls-cert").arg(certificate).arg("--tls-key").arg(key);
    command.arg("--tls-ca").arg(certificates.join(certificates::CA));
    Ok(())
}

/// Writes the configuration of most brokers.
fn usual_configuration(setting: Setting, folder: &Path) -> Result<PathBuf> {
    let config = folder.join("broker.conf");
    let mut text = anonymous_mqtt();
    if setting.is_anonymous {
        text += &format!("anonymous_login_user = {ADMINISTRATOR}\nanonymous_login_pass = {ADMINISTRATOR}\n");
    }
    std::fs::write(&config, text).context("cannot write the configuration file")?;
    Ok(config)
}

/// Suites of MQTT come without a user name; by default nobody enters so.
fn anonymous_mqtt() -> String {
    format!(
        "mqtt.allow_anonymous = true\nmqtt.default_user = {ADMINISTRATOR}\nmqtt.default_pass = {ADMINISTRATOR}\n"
    )
}

fn reference(setting: Setting, namespace: &Namespace, folder: &Path) -> Result<Command> {
    let program = Path::new(REFERENCE_PROGRAMS).join("rabbitmq-server");
    let more = if setting.engine == Engine::Reference { ",rabbitmq_amqp1_0" } else { "" };
    let plugins = format!("[rabbitmq_management,rabbitmq_stomp{more}].\n");
    std::fs::write(folder.join("enabled_plugins"), plugins).context("cannot write the plugin list")?;
    let mut command = namespace.command(program);
    set_reference_environment(&mut command, folder);
    command.current_dir(folder);
    Ok(command)
}

fn set_reference_environment(command: &mut Command, folder: &Path) {
    command
        .env("HOME", folder.join("home"))
        .env("RABBITMQ_NODENAME", "rabbit@localhost")
        .env("RABBITMQ_MNESIA_BASE", folder.join("data"))
        .env("RABBITMQ_LOG_BASE", folder.join("log"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", "+S 2:2");
}

fn log_path(folder: &Path, start: u32) -> PathBuf {
    folder.join(format!("broker-{start}.log"))
}
