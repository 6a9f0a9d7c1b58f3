//! Starting a node's process, and waiting until it serves.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};
use std::sync::Arc;

use rustix::fs::inotify;
use ternmq_env::Clock;

use super::channel::{Channel, accept_json};
use super::child::Process;
use super::disk::{self, Lasting};
use super::fleet::Inner;
use super::node::{Node, Restart, Run, bind_ip};
use super::occupancy::{Occupancy, PidNote};
use super::poll::wait_readable;
use super::ports::probe;
use super::settings::Footprint;
use crate::error::FleetError;
use crate::spec::{Engine, LogKind, NodeSpec};

/// Variables that a node's process gets of the fleet's.
const VARIABLES: [&str; 2] = ["TERNMQ_LOG", "RUST_BACKTRACE"];
/// Most bytes of a process's last words.
const WORDS_BYTES: usize = 4_096;
/// Most letters of them that are told.
const WORDS_LETTERS: usize = 600;

impl Inner {
    /// The process that runs in the node's directory, known or found now.
    pub(crate) fn find_process(&self, node: &Node) -> Result<Option<Arc<Process>>, FleetError> {
        let known = node.status().process();
        if let Some(process) = known {
            let has_ended =
                process.ends_within(0).map_err(disk::cannot("watch the process in", node.layout.dir()));
            if !has_ended? {
                return Ok(Some(process));
            }
            process.reap();
            node.status().run = None;
        }
        if !node.layout.dir().exists() {
            return Ok(None);
        }
        match Occupancy::find(&node.layout)? {
            Occupancy::Free(_) => Ok(None),
            Occupancy::Taken(process, note) => Ok(Some(self.adopt(node, process, note))),
        }
    }

    pub(crate) fn adopt(&self, node: &Node, process: Process, note: PidNote) -> Arc<Process> {
        tracing::info!(node = %node.name, pid = process.pid(), "a node that runs already is adopted");
        self.note_run(node, process, note.started_unix_ms)
    }

    fn note_run(&self, node: &Node, process: Process, started_unix_ms: u64) -> Arc<Process> {
        let process = Arc::new(process);
        let mut status = node.status();
        status.run = Some(Run {
            process: process.clone(),
            started_unix_ms,
            started_ms: self.clock.monotonic_ms(),
            is_ready: false,
            is_attended: true,
        });
        status.restart = None;
        process
    }

    /// Starts the process with what is written down. Whoever runs there already is adopted.
    pub(crate) fn start(&self, node: &Node, spec: &NodeSpec) -> Result<Arc<Process>, FleetError> {
        let lock = match Occupancy::find(&node.layout)? {
            Occupancy::Free(file) => file,
            Occupancy::Taken(process, note) => return Ok(self.adopt(node, process, note)),
        };
        self.mend_ports(node, spec)?;
        let layout = &node.layout;
        let listening = layout.listening();
        disk::remove_file(&listening).map_err(disk::cannot("remove", &listening))?;
        disk::write_whole(&layout.configuration(), spec.configuration.as_bytes(), Lasting::Process)?;
        disk::write_json(&layout.accept(), &accept_json(spec.engine, &spec.rules), Lasting::Process)?;
        let directory = layout.directory();
        match &spec.directory {
            Some(text) => disk::write_whole(&directory, text.expose().as_bytes(), Lasting::Process)?,
            None => disk::remove_file(&directory).map_err(disk::cannot("remove", &directory))?,
        }
        let child = self.command(node, spec, lock)?.spawn();
        let child = child.map_err(|source| FleetError::Spawn {
            name: node.name.clone(),
            binary: self.binary.clone(),
            source,
        })?;
        let process =
            Process::open(child.id()).map_err(disk::cannot("watch the process in", layout.dir()))?;
        let note = PidNote { pid: child.id(), started_unix_ms: self.clock.wall_ms() };
        let process = self.note_run(node, process, note.started_unix_ms);
        disk::write_json(&layout.pid(), &note, Lasting::Process)?;
        tracing::info!(node = %node.name, pid = note.pid, incarnation = spec.incarnation, "a node was started");
        Ok(process)
    }

    fn command(&self, node: &Node, spec: &NodeSpec, lock: File) -> Result<Command, FleetError> {
        let layout = &node.layout;
        let start_log = layout.start_log();
        let opened = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&start_log);
        let start_log = opened.map_err(disk::cannot("open", &start_log))?;
        let mut command = Command::new(&self.binary);
        command.arg("broker").arg("--data-dir").arg(layout.data());
        command.args(["--engine", engine_name(spec.engine)]).arg("--config").arg(layout.configuration());
        if let Some(version) = &spec.engine_version {
            command.args(["--engine-version", version]);
        }
        if spec.directory.is_some() {
            command.arg("--directory").arg(layout.directory());
        }
        command.arg("--only-named-listeners");
        let ip = bind_ip(spec.reach);
        for (name, port) in &node.status().ports {
            command.arg("--listen").arg(format!("{name}={ip}:{port}"));
        }
        command.arg("--tls-cert").arg(layout.tls()).arg("--tls-key").arg(layout.tls());
        command.arg("--encryption-key-file").arg(layout.data_key());
        command.arg("--accept-from").arg(layout.accept()).arg("--ports-file").arg(layout.listening());
        command.arg("--control-socket").arg(layout.control()).args(["--node-name", &node.name.to_string()]);
        command.args(["--incarnation", &spec.incarnation.to_string()]);
        command.args(["--memory-limit", &spec.limits.memory_bytes.to_string()]);
        command.args(["--storage-limit", &spec.limits.storage_bytes.to_string()]);
        let footprint = match self.settings.footprint {
            Footprint::Standard => "standard",
            Footprint::Small => "small",
        };
        command.args(["--footprint", footprint]);
        let most = match spec.engine {
            Engine::RabbitMq => "--max-connections",
            Engine::ActiveMq => "--max-listener-connections",
        };
        command.args([most, &spec.limits.connections.to_string()]).arg("--log-dir").arg(layout.logs());
        let logs = [
            (spec.logs.general, LogKind::General),
            (spec.logs.audit, LogKind::Audit),
            (spec.logs.connection, LogKind::Connection),
        ];
        let mut kinds: Vec<_> =
            logs.iter().filter(|(is_on, _)| *is_on).map(|(_, kind)| kind.name()).collect();
        if kinds.is_empty() {
            kinds.push("none");
        }
        for kind in kinds {
            command.args(["--log-kind", kind]);
        }
        command.env_clear();
        for name in VARIABLES {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        // Nothing of this process is left in it: it lives on when this one does not.
        command.current_dir(layout.dir()).stdin(Stdio::from(lock)).stdout(Stdio::null()).stderr(start_log);
        Ok(command)
    }

    /// A port that another program took while the node did not run is replaced.
    fn mend_ports(&self, node: &Node, spec: &NodeSpec) -> Result<(), FleetError> {
        let ip = bind_ip(spec.reach);
        let ports = node.status().ports.clone();
        for (listener, port) in &ports {
            match probe(ip, *port) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                    tracing::warn!(node = %node.name, %listener, port, "another program took the port; the listener gets another");
                    node.status().ports.remove(listener);
                    self.ports.release(&node.name, *port);
                }
                // Whatever else is wrong with it, the node says.
                _ => {}
            }
        }
        self.choose_ports(node, spec)
    }

    /// Gives every listener a port that has none yet, and writes down which.
    pub(crate) fn choose_ports(&self, node: &Node, spec: &NodeSpec) -> Result<(), FleetError> {
        let known = disk::read_json(&node.layout.ports()).ok().flatten().unwrap_or_default();
        let mut ports = node.status().ports.clone();
        let is_of_engine = |name: &String| spec.engine.listener_names().any(|listener| listener == name);
        for (name, port) in ports.extract_if(.., |name, _| !is_of_engine(name)) {
            tracing::info!(node = %node.name, listener = name, port, "a port is given back");
            self.ports.release(&node.name, port);
        }
        for listener in spec.engine.listener_names() {
            if !ports.contains_key(listener) {
                let port = self.ports.choose(&node.name, listener, bind_ip(spec.reach))?;
                ports.insert(listener.to_owned(), port);
                // Known from here on: whatever fails next, the node has it.
                node.status().ports.insert(listener.to_owned(), port);
            }
        }
        node.status().ports = ports.clone();
        if ports != known {
            disk::write_json(&node.layout.ports(), &ports, Lasting::Power)?;
        }
        Ok(())
    }

    /// Waits until the process serves, and makes sure that it is the node in this run.
    pub(crate) fn await_ready(
        &self,
        node: &Node,
        process: &Arc<Process>,
        incarnation: u64,
    ) -> Result<(), FleetError> {
        let dir = node.layout.dir();
        let names = watch_names(dir).map_err(disk::cannot("watch", dir))?;
        let started_ms = self.clock.monotonic_ms();
        let timeout_ms = u64::try_from(self.settings.start_timeout.as_millis()).unwrap_or(u64::MAX);
        let until_ms = started_ms.saturating_add(timeout_ms);
        loop {
            if node.layout.listening().exists() {
                let said = Channel::new(node, process).status(incarnation)?;
                self.note_ready(node, process, said.started_unix_ms);
                return Ok(());
            }
            let fds = [process.end(), names.as_fd()];
            let ready =
                wait_readable(&fds, Some(until_ms), &self.clock).map_err(disk::cannot("watch", dir))?;
            match ready.as_slice() {
                [true, _] => return Err(self.note_failed_start(node, process)),
                [_, true] => forget_events(&names).map_err(disk::cannot("watch", dir))?,
                _ => {
                    let waited_ms = self.clock.monotonic_ms().saturating_sub(started_ms);
                    return Err(FleetError::NotReady { name: node.name.clone(), waited_ms });
                }
            }
        }
    }

    pub(crate) fn note_ready(&self, node: &Node, process: &Arc<Process>, started_unix_ms: u64) {
        let mut status = node.status();
        if status.is_run(process)
            && let Some(run) = &mut status.run
        {
            run.is_ready = true;
            if run.started_unix_ms == 0 {
                run.started_unix_ms = started_unix_ms;
            }
        }
    }

    fn note_failed_start(&self, node: &Node, process: &Arc<Process>) -> FleetError {
        self.note_end(node, process);
        let reason = node.status().restart.as_ref().map(|restart| restart.reason.clone());
        FleetError::Start { name: node.name.clone(), reason: reason.unwrap_or_default() }
    }

    /// The process has ended although the node should run: it will be started again.
    pub(crate) fn note_end(&self, node: &Node, process: &Arc<Process>) {
        let mut reason = process.reap();
        if let Some(words) = last_words(node) {
            reason = format!("{reason}: {words}");
        }
        let mut status = node.status();
        if !status.is_run(process) {
            return;
        }
        let ran_ms =
            status.run.take().map_or(0, |run| self.clock.monotonic_ms().saturating_sub(run.started_ms));
        if u128::from(ran_ms) >= self.settings.stable_after.as_millis() {
            status.failures = 0;
        }
        drop(status);
        tracing::warn!(node = %node.name, ran_ms, "a node has ended: {reason}");
        self.plan_restart(node, reason);
    }

    /// Puts the next start off, longer each time.
    pub(crate) fn plan_restart(&self, node: &Node, reason: String) {
        let mut status = node.status();
        status.failures = status.failures.saturating_add(1);
        let pause_ms = self.settings.pause_ms(status.failures);
        status.restart = Some(Restart {
            at_ms: self.clock.monotonic_ms().saturating_add(pause_ms),
            at_unix_ms: self.clock.wall_ms().saturating_add(pause_ms),
            reason,
        });
    }
}

fn engine_name(engine: Engine) -> &'static str {
    match engine {
        Engine::RabbitMq => "rabbitmq",
        Engine::ActiveMq => "activemq",
    }
}

/// Readable when a name has appeared in the directory.
fn watch_names(dir: &std::path::Path) -> io::Result<std::os::fd::OwnedFd> {
    let names = inotify::init(inotify::CreateFlags::CLOEXEC | inotify::CreateFlags::NONBLOCK)?;
    inotify::add_watch(&names, dir, inotify::WatchFlags::MOVED_TO | inotify::WatchFlags::CREATE)?;
    Ok(names)
}

fn forget_events(names: &std::os::fd::OwnedFd) -> io::Result<()> {
    let mut buffer = [0_u8; 4_096];
    loop {
        match rustix::io::read(names, &mut buffer) {
            Ok(count) if count > 0 => {}
            Ok(_) | Err(rustix::io::Errno::AGAIN) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// The last line that the process wrote before its logs were open, or in its distress.
fn last_words(node: &Node) -> Option<String> {
    let text = fs::read(node.layout.start_log()).ok()?;
    let tail = text.get(text.len().saturating_sub(WORDS_BYTES)..)?;
    let tail = String::from_utf8_lossy(tail);
    let line = tail.lines().rev().find(|line| !line.trim().is_empty())?;
    let line = line.strip_prefix("ternmq: ").unwrap_or(line);
    Some(line.chars().take(WORDS_LETTERS).filter(|letter| !letter.is_control()).collect())
}
