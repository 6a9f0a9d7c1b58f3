//! A fleet of processes on this machine.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use rustix::process::Signal;
use ternmq_env::{Clock, SystemClock, SystemRng, ensure_key_file};

use super::certificates::Authority;
use super::channel::Channel;
use super::child::Process;
use super::disk::{self, Lasting};
use super::layout::Layout;
use super::log_parts;
use super::node::{Node, Restart, Status};
use super::occupancy::Occupancy;
use super::poll::wait_readable;
use super::ports::{NodePorts, PortBook};
use super::program;
use super::settings::ProcessSettings;
use super::supervisor::{self, Bell};
use crate::error::FleetError;
use crate::facts::NodeFacts;
use crate::grants::NodeGrants;
use crate::name::NodeName;
use crate::provisioner::{Provisioner, Step};
use crate::spec::{LogKind, NodeSpec, NodeUser};

/// How long the system may take to end a process that was killed.
const KILL_MS: u64 = 30_000;

/// How long a root may be locked by somebody who is gone already.
const LOCK_MS: u64 = 500;
/// Pause between two looks at it.
const LOOK_MS: u64 = 5;

/// A [`Provisioner`] whose nodes are child processes on this machine: `ternmq broker`, one directory each.
///
/// Dropping it leaves the nodes running; the next one that is opened on the same root adopts them. While it lives it starts
/// those again whose process ends.
pub struct ProcessFleet {
    inner: Arc<Inner>,
    supervisor: Option<JoinHandle<()>>,
}

/// What the calls and the supervisor share.
pub(crate) struct Inner {
    pub(crate) layout: Layout,
    pub(crate) settings: ProcessSettings,
    pub(crate) binary: PathBuf,
    pub(crate) authority: Authority,
    pub(crate) ports: PortBook,
    pub(crate) clock: SystemClock,
    pub(crate) bell: Bell,
    nodes: Mutex<BTreeMap<NodeName, Arc<Node>>>,
    _lock: File,
}

impl ProcessFleet {
    /// Takes a root, making it (mode 0700) if it is not there: adopts the nodes that run, and starts those that should and
    /// do not. `binary` is the program `ternmq`.
    ///
    /// # Errors
    /// [`FleetError::RootInUse`], or the machine refuses.
    pub fn open(root: &Path, binary: PathBuf, settings: ProcessSettings) -> Result<Self, FleetError> {
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(root);
        made.map_err(disk::cannot("make the directory", root))?;
        // Processes get paths that hold wherever they are.
        let root = fs::canonicalize(root).map_err(disk::cannot("find", root))?;
        let layout = Layout::new(&root);
        let lock = lock(&layout)?;
        disk::make_dir(&layout.nodes())?;
        disk::make_dir(&layout.removed())?;
        let inner = Arc::new(Inner {
            authority: Authority::open(&root)?,
            ports: PortBook::new(settings.ports.clone(), seed(&root)),
            bell: Bell::new().map_err(disk::cannot("watch", &root))?,
            clock: SystemClock::new(),
            nodes: Mutex::default(),
            layout,
            settings,
            binary,
            _lock: lock,
        });
        inner.find_nodes()?;
        let watched = inner.clone();
        let supervisor = thread::Builder::new().name("fleet".into()).spawn(move || supervisor::run(&watched));
        let supervisor = Some(supervisor.map_err(disk::cannot("start a thread for", &root))?);
        Ok(Self { inner, supervisor })
    }

    /// File of the CA that signs the certificates of all nodes (PEM), for clients to trust.
    #[must_use]
    pub fn ca_file(&self) -> &Path {
        self.inner.authority.certificate()
    }

    /// How many ports nodes have, all together.
    #[must_use]
    pub fn taken_ports(&self) -> usize {
        self.inner.ports.count()
    }
}

impl Drop for ProcessFleet {
    fn drop(&mut self) {
        self.inner.bell.close();
        // It ends at the bell; what it failed of was logged.
        let _ = self.supervisor.take().map(JoinHandle::join);
    }
}

fn lock(layout: &Layout) -> Result<File, FleetError> {
    let path = layout.lock();
    let opened =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
    let file = opened.map_err(disk::cannot("open", &path))?;
    let clock = SystemClock::new();
    let until_ms = clock.monotonic_ms().saturating_add(LOCK_MS);
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if clock.monotonic_ms() < until_ms => {
                // A process that its owner was just starting has the lock too, until it becomes another program.
                let look_ms = clock.monotonic_ms().saturating_add(LOOK_MS);
                wait_readable(&[], Some(look_ms), &clock).map_err(disk::cannot("lock", &path))?;
            }
            Err(TryLockError::WouldBlock) => {
                return Err(FleetError::RootInUse { path: layout.root().into() });
            }
            Err(TryLockError::Error(error)) => return Err(disk::cannot("lock", &path)(error)),
        }
    }
}

/// A number that differs from root to root (FNV-1a).
fn seed(root: &Path) -> u64 {
    let bytes = root.as_os_str().as_encoded_bytes();
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3))
}

impl Inner {
    fn nodes(&self) -> MutexGuard<'_, BTreeMap<NodeName, Arc<Node>>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn all(&self) -> Vec<Arc<Node>> {
        self.nodes().values().cloned().collect()
    }

    fn known(&self, name: &NodeName) -> Option<Arc<Node>> {
        self.nodes().get(name).cloned()
    }

    fn make(&self, name: &NodeName) -> Arc<Node> {
        let new = || Arc::new(Node::new(name.clone(), self.layout.node(name), Status::default()));
        self.nodes().entry(name.clone()).or_insert_with(new).clone()
    }

    /// Reads what is below the root.
    fn find_nodes(&self) -> Result<(), FleetError> {
        for name in names_in(&self.layout.nodes())? {
            let node = Node::new(name.clone(), self.layout.node(&name), Status::default());
            if let Err(error) = self.find_node(&node) {
                // One node that cannot be looked at must not keep the others from being looked after.
                let reason = ternmq_stdx::chain(&error);
                tracing::error!(node = %name, "a node can't be taken over: {reason}");
                if node.is_wanted() {
                    self.plan_restart(&node, reason);
                }
            }
            self.nodes().insert(name, Arc::new(node));
        }
        for name in names_in(&self.layout.removed())? {
            self.make(&name);
        }
        Ok(())
    }

    fn find_node(&self, node: &Node) -> Result<(), FleetError> {
        let spec: Option<NodeSpec> = whole(disk::read_json(&node.layout.spec()))?;
        let mut ports: NodePorts = whole(disk::read_json(&node.layout.ports()))?.unwrap_or_default();
        ports.retain(|_, port| self.ports.note(&node.name, *port));
        {
            let mut status = node.status();
            (status.spec, status.ports) = (spec, ports);
        }
        match Occupancy::find(&node.layout)? {
            Occupancy::Taken(process, note) => {
                self.adopt(node, process, note);
                attend(node, false);
            }
            Occupancy::Free(_) if node.is_wanted() => {
                node.status().restart = Some(Restart {
                    at_ms: self.clock.monotonic_ms(),
                    at_unix_ms: self.clock.wall_ms(),
                    reason: "its process ended while nobody looked after it".into(),
                });
            }
            Occupancy::Free(_) => {}
        }
        Ok(())
    }

    /// Works on a node, which is made known if need be, while no other call does.
    fn work_on<T>(
        &self,
        name: &NodeName,
        work: impl Fn(&Arc<Node>) -> Result<T, FleetError>,
    ) -> Result<T, FleetError> {
        loop {
            let node = self.make(name);
            let guard = node.work();
            // A removal that came before has made everybody forget this one.
            if !self.known(name).is_some_and(|known| Arc::ptr_eq(&known, &node)) {
                continue;
            }
            attend(&node, true);
            let answer = work(&node);
            attend(&node, false);
            drop(guard);
            self.bell.ring();
            return answer;
        }
    }

    fn converge(&self, node: &Arc<Node>, spec: &NodeSpec) -> Result<NodeFacts, FleetError> {
        let (name, layout) = (&node.name, &node.layout);
        let reach = |step| self.settings.reach(name, step);
        if layout.going().exists() || self.layout.removed_node(name).exists() {
            self.remove_all_of(node)?;
        }
        let known = node.status().spec.clone();
        if let Some(known) = known.as_ref().filter(|known| known.incarnation > spec.incarnation) {
            let (known, asked) = (known.incarnation, spec.incarnation);
            return Err(FleetError::OldIncarnation { name: name.clone(), known, asked });
        }
        let mut running = self.find_process(node)?;
        if let Some(process) = &running
            && !known.as_ref().is_some_and(|known| known.differs_in_rules_only(spec))
        {
            reach(Step::Drain)?;
            self.stop(node, process)?;
            running = None;
        }
        reach(Step::Directory)?;
        disk::make_dir(layout.dir())?;
        reach(Step::Ports)?;
        self.choose_ports(node, spec)?;
        reach(Step::Certificate)?;
        self.authority.ensure(name, &layout.tls(), &spec.host_names)?;
        ensure_key_file(&layout.data_key(), &mut SystemRng)?;
        reach(Step::Spec)?;
        if known.as_ref() != Some(spec) {
            disk::write_json(&layout.spec(), spec, Lasting::Process)?;
            node.status().spec = Some(spec.clone());
        }
        let process = match running {
            Some(process) => process,
            None => {
                reach(Step::Start)?;
                self.start(node, spec)?
            }
        };
        reach(Step::Ready)?;
        self.await_ready(node, &process, spec.incarnation)?;
        reach(Step::Rules)?;
        disk::write_json(
            &layout.accept(),
            &super::channel::accept_json(spec.engine, &spec.rules),
            Lasting::Process,
        )?;
        Channel::new(node, &process).set_rules(spec)?;
        Ok(node.status().facts(self.clock.wall_ms()))
    }

    /// Ends the process: politely, then not.
    fn stop(&self, node: &Node, process: &Arc<Process>) -> Result<(), FleetError> {
        let watch = || disk::cannot("watch the process in", node.layout.dir());
        let is_ready = node.status().run.as_ref().is_some_and(|run| run.is_ready);
        // A second signal would cut a drain short that an earlier call has begun; asking twice does not.
        let is_asked = is_ready && Channel::new(node, process).drain().is_ok();
        if !is_asked {
            process.signal(Signal::TERM).map_err(watch())?;
        }
        let drain_ms = u64::try_from(self.settings.drain_timeout.as_millis()).unwrap_or(u64::MAX);
        if !process.ends_within(drain_ms).map_err(watch())? {
            tracing::warn!(node = %node.name, pid = process.pid(), "a node does not end and is killed");
            process.signal(Signal::KILL).map_err(watch())?;
            if !process.ends_within(KILL_MS).map_err(watch())? {
                return Err(FleetError::NotStopped { name: node.name.clone(), pid: process.pid() });
            }
        }
        let how = process.reap();
        tracing::info!(node = %node.name, pid = process.pid(), "a node was stopped: {how}");
        let mut status = node.status();
        (status.run, status.restart, status.failures) = (None, None, 0);
        Ok(())
    }

    /// Everything of a node but what is known of it.
    fn remove_all_of(&self, node: &Arc<Node>) -> Result<(), FleetError> {
        let (name, layout) = (&node.name, &node.layout);
        let reach = |step| self.settings.reach(name, step);
        let rest = self.layout.removed_node(name);
        if layout.dir().exists() {
            reach(Step::MarkRemoved)?;
            disk::write_whole(&layout.going(), b"", Lasting::Process)?;
            node.status().restart = None;
            let running = self.find_process(node)?;
            reach(Step::Stop)?;
            if let Some(process) = running {
                self.stop(node, &process)?;
            }
            reach(Step::Delete)?;
            // Whole until here, gone from here on: what is half deleted is never started.
            disk::remove_tree(&rest)?;
            fs::rename(layout.dir(), &rest).map_err(disk::cannot("move", layout.dir()))?;
        }
        disk::remove_tree(&rest)?;
        reach(Step::ReleasePorts)?;
        self.ports.release_all(name);
        *node.status() = Status::default();
        Ok(())
    }

    fn has_newer_program(&self, name: &NodeName) -> Result<bool, FleetError> {
        let Some(process) = self.known(name).and_then(|node| node.status().process()) else {
            return Ok(false);
        };
        match program::is_other(&self.binary, &process) {
            // It ended meanwhile: what is started next is the new one anyway.
            Err(_) if process.ends_within(0).unwrap_or(false) => Ok(false),
            answer => answer.map_err(disk::cannot("compare with the program that runs", &self.binary)),
        }
    }

    fn has_trace(&self, node: &Node) -> bool {
        node.layout.dir().exists() || self.layout.removed_node(&node.name).exists()
    }

    /// A user's call, on the process of a node that serves.
    fn with_channel(
        &self,
        name: &NodeName,
        work: impl Fn(&Channel<'_>, &NodeSpec) -> Result<(), FleetError>,
    ) -> Result<(), FleetError> {
        let known = self.known(name).filter(|node| self.has_trace(node));
        if known.is_none() {
            return Err(FleetError::Unknown { name: name.clone() });
        }
        self.work_on(name, |node| {
            let process = self.find_process(node)?;
            let spec = node.status().spec.clone();
            let (Some(process), Some(spec)) = (process, spec) else {
                let problem = "its process does not run".into();
                return Err(FleetError::Unreachable { name: name.clone(), problem });
            };
            work(&Channel::new(node, &process), &spec)
        })
    }

    fn inspect(&self, name: &NodeName) -> Option<NodeFacts> {
        let node = self.known(name).filter(|node| self.has_trace(node))?;
        let (run, incarnation) = {
            let status = node.status();
            (status.run.clone(), status.spec.as_ref().map_or(0, |spec| spec.incarnation))
        };
        if let Some(run) = run.filter(|run| !run.is_ready)
            && let Ok(said) = Channel::new(&node, &run.process).status(incarnation)
            && said.ready
        {
            self.note_ready(&node, &run.process, said.started_unix_ms);
        }
        let facts = node.status().facts(self.clock.wall_ms());
        Some(facts)
    }
}

/// Whether a call looks after the process, if there is one.
pub(crate) fn attend(node: &Node, is_attended: bool) {
    if let Some(run) = &mut node.status().run {
        run.is_attended = is_attended;
    }
}

/// What is not whole is as good as not there: everything in it can be said again.
fn whole<T>(read: Result<Option<T>, FleetError>) -> Result<Option<T>, FleetError> {
    match read {
        Err(error @ FleetError::Damaged { .. }) => {
            tracing::warn!("a file of a node is not used: {error}");
            Ok(None)
        }
        answer => answer,
    }
}

fn names_in(dir: &Path) -> Result<Vec<NodeName>, FleetError> {
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(disk::cannot("list", dir))? {
        let entry = entry.map_err(disk::cannot("list", dir))?;
        match entry.file_name().to_string_lossy().parse() {
            Ok(name) => names.push(name),
            Err(_) => tracing::warn!(path = %entry.path().display(), "this is no node's and stays as it is"),
        }
    }
    Ok(names)
}

impl Provisioner for ProcessFleet {
    fn converge(&self, spec: &NodeSpec) -> Result<NodeFacts, FleetError> {
        spec.check()?;
        self.inner.work_on(&spec.name, |node| self.inner.converge(node, spec))
    }

    fn put_user(&self, node: &NodeName, user: &NodeUser) -> Result<(), FleetError> {
        let settings = &self.inner.settings;
        self.inner.with_channel(node, |channel, spec| {
            settings.reach(node, Step::PutUser)?;
            channel.put_user(spec.engine, user)?;
            settings.reach(node, Step::Grant)?;
            channel.grant(spec.engine, &user.name)
        })
    }

    fn delete_user(&self, node: &NodeName, user: &str) -> Result<(), FleetError> {
        let settings = &self.inner.settings;
        self.inner.with_channel(node, |channel, _| {
            settings.reach(node, Step::DeleteUser)?;
            channel.delete_user(user)
        })
    }

    fn set_grants(&self, node: &NodeName, grants: &NodeGrants) -> Result<(), FleetError> {
        let settings = &self.inner.settings;
        self.inner.with_channel(node, |channel, _| {
            settings.reach(node, Step::SetGrants)?;
            channel.set_grants(grants)
        })
    }

    fn inspect(&self, node: &NodeName) -> Result<Option<NodeFacts>, FleetError> {
        Ok(self.inner.inspect(node))
    }

    fn has_newer_program(&self, node: &NodeName) -> Result<bool, FleetError> {
        self.inner.has_newer_program(node)
    }

    fn remove(&self, node: &NodeName) -> Result<(), FleetError> {
        let inner = &self.inner;
        inner.work_on(node, |known| {
            let has_ports = !known.status().ports.is_empty();
            if inner.has_trace(known) || has_ports {
                inner.remove_all_of(known)?;
            }
            inner.nodes().remove(node);
            Ok(())
        })
    }

    fn list(&self) -> Result<Vec<NodeName>, FleetError> {
        let layout = &self.inner.layout;
        let mut names = names_in(&layout.nodes())?;
        names.extend(names_in(&layout.removed())?);
        names.sort();
        names.dedup();
        Ok(names)
    }

    fn read_log(
        &self,
        node: &NodeName,
        kind: LogKind,
        take: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), FleetError> {
        log_parts::read(&self.inner.layout.node(node).log(kind), take)
    }
}
