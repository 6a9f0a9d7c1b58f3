//! The reconciler: it compares what is wanted with what runs and takes the next step of each broker's workflow.
//!
//! Every step can be taken again: a service that is killed between any two of them, or in one, goes on at its next
//! start with the state that the store has. Nodes live on meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use ternmq_fleet::{AcceptRule, Cause, FleetError, NodeFacts, NodeSpec};
use ternmq_stdx::chain;

use crate::catalogue::EngineType;
use crate::mq;
use crate::node_spec;
use crate::records::{AwaitedUser, Broker, BrokerState, Endpoint, RunningSpec};
use crate::service::Service;
use crate::store::{Record, StoreError};
use crate::window;

/// Threads: so many brokers are worked on at once.
const WORKERS: usize = 4;
/// More brokers than a service can have.
const ALL_BROKERS: usize = 100_000;
/// How long a creation is tried again before it has failed.
const CREATION_MS: u64 = 10 * 60 * 1_000;
/// Time between two cleanings.
const CLEANING: Duration = Duration::from_secs(60);
const RETRY_FIRST_MS: u64 = 500;
const RETRY_MOST_MS: u64 = 60_000;

/// A broker by region and id.
type Name = (String, String);

/// Brokers that are to be looked at, each with when.
#[derive(Default)]
pub(crate) struct Work {
    queue: Mutex<Queue>,
    changed: Condvar,
    over: Condvar,
}

#[derive(Default)]
struct Queue {
    /// Monotonic milliseconds.
    due_ms: BTreeMap<Name, u64>,
    /// What threads are at: nobody else takes them.
    busy: BTreeSet<Name>,
    is_over: bool,
}

impl Work {
    /// Has a broker looked at as soon as possible.
    pub(crate) fn look_at(&self, region: &str, id: &str) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.due_ms.insert((region.to_owned(), id.to_owned()), 0);
        self.changed.notify_one();
    }

    /// Ids of the brokers that are to be looked at, which nobody does then.
    #[cfg(test)]
    pub(crate) fn drain(&self) -> Vec<String> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut queue.due_ms).into_keys().map(|(_, id)| id).collect()
    }

    /// The next broker, once one is due; `None` when it is over.
    fn take(&self, now_ms: impl Fn() -> u64) -> Option<Name> {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if queue.is_over {
                return None;
            }
            let now_ms = now_ms();
            let free = queue.due_ms.iter().filter(|(name, _)| !queue.busy.contains(*name));
            let next = free.min_by_key(|(_, due)| **due).map(|(name, due)| (name.clone(), *due));
            queue = match next {
                Some((name, due)) if due <= now_ms => {
                    queue.due_ms.remove(&name);
                    queue.busy.insert(name.clone());
                    return Some(name);
                }
                Some((_, due)) => {
                    let wait = Duration::from_millis(due - now_ms);
                    self.changed.wait_timeout(queue, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(queue).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Ends a look; it comes again at `again_ms` unless it is due earlier.
    fn done(&self, name: &Name, again_ms: Option<u64>) {
        let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        queue.busy.remove(name);
        if let Some(again_ms) = again_ms {
            queue.due_ms.entry(name.clone()).and_modify(|due| *due = again_ms.min(*due)).or_insert(again_ms);
        }
        self.changed.notify_one();
    }

    /// Waits until it is over, at most so long; whether it is.
    fn is_over_within(&self, time: Duration) -> bool {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.over.wait_timeout_while(queue, time, |queue| !queue.is_over);
        waited.unwrap_or_else(PoisonError::into_inner).0.is_over
    }

    fn end(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.changed.notify_all();
        self.over.notify_all();
    }
}

/// The threads of a running reconciler.
pub struct Reconciler {
    service: Arc<Service>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl Reconciler {
    /// Starts to reconcile: all brokers are looked at, and nodes that belong to none are removed.
    ///
    /// # Errors
    /// The store or the fleet can't be read, or the system has no thread.
    pub fn start(service: Arc<Service>) -> Result<Self, ReconcileError> {
        service.take_stock()?;
        let threads = (0..WORKERS).map(|number| {
            let service = service.clone();
            thread::Builder::new().name(format!("reconciler-{number}")).spawn(move || run(&service))
        });
        let mut threads = threads.collect::<Result<Vec<_>, _>>().map_err(ReconcileError::Thread)?;
        let cleaned = service.clone();
        let cleaner = thread::Builder::new().name("cleaner".into()).spawn(move || clean(&cleaned));
        threads.push(cleaner.map_err(ReconcileError::Thread)?);
        Ok(Self { service, threads })
    }

    /// Ends after the steps that are under way. Nodes run on.
    pub fn stop(self) {
        self.service.work.end();
        for thread in self.threads {
            // A thread that panicked has told so.
            let _ = thread.join();
        }
    }
}

fn run(service: &Service) {
    let mut failures: BTreeMap<Name, u32> = BTreeMap::new();
    while let Some(name) = service.work.take(|| service.clock.monotonic_ms()) {
        let (region, id) = &name;
        let again_ms = match service.reconcile(region, id) {
            Ok(Next::Nothing) => None,
            Ok(Next::At(at_ms)) => Some(at_ms.saturating_sub(service.now_ms())),
            Err(error) => {
                let count = failures.entry(name.clone()).or_default();
                *count += 1;
                tracing::warn!(broker = %id, failures = *count, "a step failed and is tried again: {}", chain(&error));
                Some(RETRY_MOST_MS.min(RETRY_FIRST_MS << (*count - 1).min(10)))
            }
        };
        if again_ms.is_none_or(|again| again > RETRY_MOST_MS) {
            failures.remove(&name);
        }
        service.work.done(&name, again_ms.map(|again| service.clock.monotonic_ms() + again));
    }
}

/// Forgets what is too old to be asked for, and keeps what was counted, again and again and at the end.
fn clean(service: &Service) {
    loop {
        let is_over = service.work.is_over_within(CLEANING);
        if let Err(error) = service.record_strangers() {
            tracing::error!("refused calls can't be recorded: {}", chain(&error));
        }
        if is_over {
            return;
        }
        if let Err(error) = service.forget() {
            tracing::warn!("what is old can't be forgotten: {}", chain(&error));
        }
    }
}

/// Why a step could not be taken. It is taken again.
#[derive(Debug, thiserror::Error)]
pub enum ReconcileError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The fleet failed.
    #[error(transparent)]
    Fleet(#[from] FleetError),
    /// A broker's id is no name of a node.
    #[error("the broker's id is no name of a node")]
    Name(#[from] ternmq_fleet::NodeNameError),
    /// The system has no thread.
    #[error("there is no thread for the service")]
    Thread(#[source] std::io::Error),
    /// The revision that a broker has is gone or damaged.
    #[error("the revision {revision} of configuration {id} is gone or can't be read")]
    Configuration {
        /// Which configuration.
        id: String,
        /// Which of its revisions.
        revision: u32,
    },
}

/// When a broker is to be looked at again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Nothing,
    /// Milliseconds since 1970.
    At(u64),
}

impl Service {
    /// Has all brokers looked at, and removes nodes of brokers that are not there: leavings of a service that was
    /// killed.
    pub(crate) fn take_stock(&self) -> Result<(), ReconcileError> {
        let brokers: Vec<Broker> = self.store.view()?.scan("broker/", "", ALL_BROKERS)?;
        for node in self.fleet.list()? {
            if !brokers.iter().any(|broker| broker.id == node.broker_id()) {
                tracing::info!(%node, "a node without a broker is removed");
                self.fleet.remove(&node)?;
            }
        }
        for broker in &brokers {
            self.work.look_at(&broker.region, &broker.id);
        }
        Ok(())
    }

    /// Takes a broker as far as it goes now.
    pub(crate) fn reconcile(&self, region: &str, id: &str) -> Result<Next, ReconcileError> {
        let Some(broker) = self.store.view()?.get::<Broker>(&Broker::key_of(region, id))? else {
            return Ok(Next::Nothing);
        };
        match broker.state {
            BrokerState::Creating => self.create(&broker),
            BrokerState::Rebooting => self.reboot(&broker),
            BrokerState::Running => self.keep(&broker),
            BrokerState::Deleting => self.remove(&broker),
            BrokerState::CreationFailed => Ok(Next::Nothing),
        }
    }

    fn create(&self, broker: &Broker) -> Result<Next, ReconcileError> {
        match self.start(broker) {
            Ok((facts, spec)) => self.settle(broker, &facts, spec),
            Err(ReconcileError::Fleet(error)) if self.is_hopeless(broker, &error) => {
                tracing::error!(broker = %broker.id, "the broker can't be created: {}", chain(&error));
                self.store_if(broker, |broker| {
                    broker.state = BrokerState::CreationFailed;
                })?;
                Ok(Next::Nothing)
            }
            Err(error) => Err(error),
        }
    }

    fn is_hopeless(&self, broker: &Broker, error: &FleetError) -> bool {
        error.cause() == Cause::Caller || self.now_ms().saturating_sub(broker.created_ms) > CREATION_MS
    }

    fn reboot(&self, broker: &Broker) -> Result<Next, ReconcileError> {
        let (facts, spec) = self.start(broker)?;
        self.settle(broker, &facts, spec)
    }

    /// Starts the node with everything that is awaited, then tells it its users.
    fn start(&self, broker: &Broker) -> Result<(NodeFacts, NodeSpec), ReconcileError> {
        let spec = self.spec(broker)?;
        let facts = self.fleet.converge(&spec)?;
        // Before there are users who could do more.
        self.tell_grants(broker, &spec.name)?;
        for (name, user) in &broker.users {
            match (&user.awaited, &user.current) {
                (Some(AwaitedUser::Delete), _) => self.fleet.delete_user(&spec.name, name)?,
                (Some(AwaitedUser::Create(account) | AwaitedUser::Update(account)), _) => {
                    self.fleet.put_user(&spec.name, &node_spec::user(broker.engine, name, account))?;
                }
                // What a RabbitMQ broker's users are after its creation is its own affair.
                (None, Some(account))
                    if broker.state == BrokerState::Creating || broker.engine == EngineType::ActiveMq =>
                {
                    self.fleet.put_user(&spec.name, &node_spec::user(broker.engine, name, account))?;
                }
                (None, _) => {}
            }
        }
        Ok((facts, spec))
    }

    fn spec(&self, broker: &Broker) -> Result<NodeSpec, ReconcileError> {
        let settings = broker.awaited_settings();
        let used = &settings.configuration;
        let text = mq::effective(self, broker, &settings)?
            .ok_or_else(|| ReconcileError::Configuration { id: used.id.clone(), revision: used.revision })?;
        let domain = self.settings.domain.as_deref();
        let directory_ca = self.settings.directory_ca.as_deref();
        Ok(node_spec::of(broker, &settings, text, self.rules(broker)?, domain, directory_ca)?)
    }

    /// Whom the broker's security groups let in now.
    fn rules(&self, broker: &Broker) -> Result<Vec<AcceptRule>, StoreError> {
        node_spec::rules(&self.store.view()?, broker, &self.settings.account)
    }

    /// The node runs with what was awaited: that is how the broker is now.
    fn settle(&self, broker: &Broker, facts: &NodeFacts, spec: NodeSpec) -> Result<Next, ReconcileError> {
        let change = self.store.change()?;
        let Some(mut now) = change.get::<Broker>(&broker.key())?.filter(|now| now.state == broker.state)
        else {
            // It is to be deleted meanwhile: that change has it looked at again.
            return Ok(Next::Nothing);
        };
        now.settle();
        now.state = BrokerState::Running;
        now.endpoints = endpoints(facts);
        change.put(&now)?;
        change.put(&RunningSpec { region: now.region.clone(), broker: now.id.clone(), spec })?;
        change.commit()?;
        tracing::info!(broker = %now.id, name = %now.name, "the broker runs");
        Ok(Next::At(now.next_window_ms))
    }

    /// A broker that runs is kept running with the spec with which it was started: a newer service would make
    /// another one, and that waits for a reboot. Only its rules and what its users are granted follow at once.
    fn keep(&self, broker: &Broker) -> Result<Next, ReconcileError> {
        if broker.next_window_ms <= self.now_ms() {
            return self.begin_window(broker);
        }
        let key = RunningSpec::key_of(&broker.region, &broker.id);
        let mut spec = match self.store.view()?.get::<RunningSpec>(&key)? {
            Some(running) => running.spec,
            None => self.spec(broker)?,
        };
        spec.rules = self.rules(broker)?;
        let facts = self.fleet.converge(&spec)?;
        self.tell_grants(broker, &spec.name)?;
        if endpoints(&facts) != broker.endpoints {
            self.store_if(broker, |broker| broker.endpoints = endpoints(&facts))?;
        }
        Ok(Next::At(broker.next_window_ms))
    }

    /// The maintenance window: what waits is applied, a newer patch too (facts, section 2.2), and a node that still
    /// runs an older build of the program is replaced.
    fn begin_window(&self, broker: &Broker) -> Result<Next, ReconcileError> {
        let now_ms = self.now_ms();
        let is_outdated =
            broker.has_auto_upgrade && self.fleet.has_newer_program(&node_spec::node_name(&broker.id)?)?;
        self.store_if(broker, |broker| {
            let newest =
                broker.engine.version_of_patch(&broker.settings.engine_version).map(|version| version.patch);
            let patch =
                newest.filter(|patch| broker.has_auto_upgrade && *patch != broker.settings.engine_version);
            if let (Some(patch), None) = (patch, &broker.pending.engine_version) {
                broker.pending.engine_version = Some(patch.to_owned());
            }
            broker.window_changes_ms.clear();
            broker.next_window_ms = window::next_ms(&broker.window, now_ms);
            if broker.has_pending() || is_outdated {
                mq::begin_reboot(broker);
            }
        })?;
        Ok(Next::At(now_ms))
    }

    fn remove(&self, broker: &Broker) -> Result<Next, ReconcileError> {
        self.fleet.remove(&node_spec::node_name(&broker.id)?)?;
        let change = self.store.change()?;
        change.delete(&broker.key())?;
        change.delete(&RunningSpec::key_of(&broker.region, &broker.id))?;
        change.commit()?;
        tracing::info!(broker = %broker.id, name = %broker.name, "the broker is deleted");
        Ok(Next::Nothing)
    }

    /// Changes the broker if its state is still the one that the step began with.
    fn store_if(&self, broker: &Broker, edit: impl FnOnce(&mut Broker)) -> Result<(), StoreError> {
        let change = self.store.change()?;
        let Some(mut now) = change.get::<Broker>(&broker.key())?.filter(|now| now.state == broker.state)
        else {
            return Ok(());
        };
        edit(&mut now);
        change.put(&now)?;
        change.commit()
    }
}

fn endpoints(facts: &NodeFacts) -> Vec<Endpoint> {
    let endpoint = |(name, address): (&String, &std::net::SocketAddr)| Endpoint {
        listener: name.clone(),
        port: address.port(),
    };
    facts.listeners.iter().map(endpoint).collect()
}
