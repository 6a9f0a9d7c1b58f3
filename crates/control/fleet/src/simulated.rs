//! Nodes that are only pretended, for tests of what drives a provisioner.

use std::collections::{BTreeMap, HashMap};
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::ControlFlow;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::FleetError;
use crate::facts::{NodeFacts, NodeState};
use crate::grants::NodeGrants;
use crate::name::NodeName;
use crate::provisioner::{Provisioner, Step};
use crate::spec::{Engine, LogKind, NodeSpec, NodeUser, Reach};

/// Least port that pretended nodes get.
const FIRST_PORT: u16 = 20_000;

/// What is to happen when a step is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SimulatedFault {
    /// The call fails there with [`FleetError::Simulated`], once.
    Error,
    /// The caller's process dies there: the call and every later one fail with [`FleetError::Crashed`] until
    /// [`SimulatedFleet::revive`]. What was done before the step stays.
    Crash,
}

/// A [`Provisioner`] in memory. Nodes start at once; what they have is what a real one would leave on disk and in the
/// process table, step by step.
#[derive(Debug, Default)]
pub struct SimulatedFleet {
    world: Mutex<World>,
}

#[derive(Debug, Default)]
struct World {
    nodes: BTreeMap<NodeName, Node>,
    /// Who has which port.
    ports: BTreeMap<u16, NodeName>,
    faults: HashMap<Step, SimulatedFault>,
    crashed_at: Option<Step>,
    last_pid: u32,
    /// How often each node was started.
    starts: BTreeMap<NodeName, u32>,
    logs: HashMap<(NodeName, LogKind), Vec<String>>,
    /// Which build is in place: 0, 1, 2…
    program: u32,
}

#[derive(Clone, Debug, Default)]
struct Node {
    ports: BTreeMap<&'static str, u16>,
    spec: Option<NodeSpec>,
    process: Option<Process>,
    users: BTreeMap<String, NodeUser>,
    grants: NodeGrants,
    /// How often they were changed.
    grant_changes: u32,
}

#[derive(Clone, Debug)]
struct Process {
    pid: u32,
    program: u32,
    spec: NodeSpec,
}

impl SimulatedFleet {
    /// One without nodes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Writes a line into a node's log.
    pub fn log(&self, node: &NodeName, kind: LogKind, line: &str) {
        self.world().logs.entry((node.clone(), kind)).or_default().push(line.to_owned());
    }

    /// Has the next call that reaches `step` fail or die there.
    pub fn fail_at(&self, step: Step, fault: SimulatedFault) {
        self.world().faults.insert(step, fault);
    }

    /// The caller's process is started again after a crash: answers at which step it had died.
    pub fn revive(&self) -> Option<Step> {
        self.world().crashed_at.take()
    }

    /// Ends a node's process, as a crash of it would; the next `converge` starts it again.
    pub fn kill(&self, node: &NodeName) {
        if let Some(node) = self.world().nodes.get_mut(node) {
            node.process = None;
        }
    }

    /// Puts a newer build of the program in place; nodes that run go on with theirs.
    pub fn renew_program(&self) {
        self.world().program += 1;
    }

    /// Users of a node, by name.
    #[must_use]
    pub fn users(&self, node: &NodeName) -> Vec<NodeUser> {
        self.world().nodes.get(node).map(|node| node.users.values().cloned().collect()).unwrap_or_default()
    }

    /// Grants of a node's users, and how often they were changed.
    #[must_use]
    pub fn grants(&self, node: &NodeName) -> (NodeGrants, u32) {
        let world = self.world();
        world.nodes.get(node).map(|node| (node.grants.clone(), node.grant_changes)).unwrap_or_default()
    }

    /// The spec with which a node's process runs.
    #[must_use]
    pub fn running_spec(&self, node: &NodeName) -> Option<NodeSpec> {
        Some(self.world().nodes.get(node)?.process.as_ref()?.spec.clone())
    }

    /// How many ports are taken, by all nodes together.
    #[must_use]
    pub fn taken_ports(&self) -> usize {
        self.world().ports.len()
    }

    /// How often a node was started since the fleet was made.
    #[must_use]
    pub fn starts(&self, node: &NodeName) -> u32 {
        self.world().starts.get(node).copied().unwrap_or(0)
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The world, if the caller's process is alive.
    fn alive(&self) -> Result<MutexGuard<'_, World>, FleetError> {
        let world = self.world();
        match world.crashed_at {
            Some(step) => Err(FleetError::Crashed(step)),
            None => Ok(world),
        }
    }
}

impl World {
    /// What the test wants to happen here.
    fn reach(&mut self, step: Step) -> Result<(), FleetError> {
        match self.faults.remove(&step) {
            None => Ok(()),
            Some(SimulatedFault::Error) => Err(FleetError::Simulated(step)),
            Some(SimulatedFault::Crash) => {
                self.crashed_at = Some(step);
                Err(FleetError::Crashed(step))
            }
        }
    }

    fn node(&mut self, name: &NodeName) -> &mut Node {
        self.nodes.entry(name.clone()).or_default()
    }

    fn running(&mut self, name: &NodeName) -> Result<&mut Node, FleetError> {
        let Some(node) = self.nodes.get_mut(name) else {
            return Err(FleetError::Unknown { name: name.clone() });
        };
        if node.process.is_none() {
            let problem = "its process does not run".into();
            return Err(FleetError::Unreachable { name: name.clone(), problem });
        }
        Ok(node)
    }

    fn choose_ports(&mut self, name: &NodeName, engine: Engine) -> Result<(), FleetError> {
        for listener in engine.listener_names() {
            if self.node(name).ports.contains_key(listener) {
                continue;
            }
            let free = (FIRST_PORT..u16::MAX).find(|port| !self.ports.contains_key(port));
            let Some(port) = free else {
                let source = std::io::ErrorKind::AddrInUse.into();
                return Err(FleetError::NoPort { name: name.clone(), listener, source });
            };
            self.ports.insert(port, name.clone());
            self.node(name).ports.insert(listener, port);
        }
        Ok(())
    }

    fn start(&mut self, spec: &NodeSpec) {
        self.last_pid += 1;
        let process = Process { pid: self.last_pid, program: self.program, spec: spec.clone() };
        self.node(&spec.name).process = Some(process);
        *self.starts.entry(spec.name.clone()).or_default() += 1;
    }

    fn facts(&self, name: &NodeName) -> Option<NodeFacts> {
        let node = self.nodes.get(name)?;
        let spec = node.process.as_ref().map(|process| &process.spec).or(node.spec.as_ref());
        let ip = match spec.map(|spec| spec.reach) {
            Some(Reach::Public) => Ipv4Addr::UNSPECIFIED,
            _ => Ipv4Addr::LOCALHOST,
        };
        let listeners = node.ports.iter().map(|(name, port)| {
            let address = SocketAddr::from((ip, *port));
            ((*name).to_owned(), address)
        });
        Some(NodeFacts {
            state: if node.process.is_some() { NodeState::Running } else { NodeState::Stopped },
            pid: node.process.as_ref().map(|process| process.pid),
            listeners: listeners.collect(),
            incarnation: spec.map_or(0, |spec| spec.incarnation),
            started_unix_ms: 0,
        })
    }
}

impl Provisioner for SimulatedFleet {
    fn converge(&self, spec: &NodeSpec) -> Result<NodeFacts, FleetError> {
        let mut world = self.alive()?;
        spec.check()?;
        let name = &spec.name;
        if let Some(known) = world.nodes.get(name).and_then(|node| node.spec.as_ref())
            && known.incarnation > spec.incarnation
        {
            let (known, asked) = (known.incarnation, spec.incarnation);
            return Err(FleetError::OldIncarnation { name: name.clone(), known, asked });
        }
        let running =
            world.nodes.get(name).and_then(|node| node.process.as_ref()).map(|process| process.spec.clone());
        if running.is_some_and(|running| !running.differs_in_rules_only(spec)) {
            world.reach(Step::Drain)?;
            world.node(name).process = None;
        }
        world.reach(Step::Directory)?;
        world.node(name);
        world.reach(Step::Ports)?;
        world.choose_ports(name, spec.engine)?;
        world.reach(Step::Certificate)?;
        world.reach(Step::Spec)?;
        world.node(name).spec = Some(spec.clone());
        if world.node(name).process.is_none() {
            world.reach(Step::Start)?;
            world.start(spec);
            world.reach(Step::Ready)?;
        } else {
            world.reach(Step::Rules)?;
            if let Some(process) = &mut world.node(name).process {
                process.spec = spec.clone();
            }
        }
        world.facts(name).ok_or_else(|| FleetError::Unknown { name: name.clone() })
    }

    fn put_user(&self, node: &NodeName, user: &NodeUser) -> Result<(), FleetError> {
        let mut world = self.alive()?;
        world.running(node)?;
        world.reach(Step::PutUser)?;
        world.running(node)?.users.insert(user.name.clone(), user.clone());
        world.reach(Step::Grant)
    }

    fn delete_user(&self, node: &NodeName, user: &str) -> Result<(), FleetError> {
        let mut world = self.alive()?;
        world.running(node)?;
        world.reach(Step::DeleteUser)?;
        world.running(node)?.users.remove(user);
        Ok(())
    }

    fn set_grants(&self, node: &NodeName, grants: &NodeGrants) -> Result<(), FleetError> {
        let mut world = self.alive()?;
        world.running(node)?;
        world.reach(Step::SetGrants)?;
        let known = world.running(node)?;
        if known.grants != *grants {
            known.grants = grants.clone();
            known.grant_changes += 1;
        }
        Ok(())
    }

    fn inspect(&self, node: &NodeName) -> Result<Option<NodeFacts>, FleetError> {
        Ok(self.alive()?.facts(node))
    }

    fn has_newer_program(&self, node: &NodeName) -> Result<bool, FleetError> {
        let world = self.alive()?;
        let process = world.nodes.get(node).and_then(|node| node.process.as_ref());
        Ok(process.is_some_and(|process| process.program != world.program))
    }

    fn remove(&self, node: &NodeName) -> Result<(), FleetError> {
        let mut world = self.alive()?;
        if world.nodes.contains_key(node) {
            world.reach(Step::MarkRemoved)?;
            world.reach(Step::Stop)?;
            world.node(node).process = None;
            world.reach(Step::Delete)?;
            world.nodes.remove(node);
        }
        if world.ports.values().any(|owner| owner == node) {
            world.reach(Step::ReleasePorts)?;
            world.ports.retain(|_, owner| owner != node);
        }
        Ok(())
    }

    fn list(&self) -> Result<Vec<NodeName>, FleetError> {
        let world = self.alive()?;
        let mut names: Vec<NodeName> = world.nodes.keys().chain(world.ports.values()).cloned().collect();
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
        let lines = self.world().logs.get(&(node.clone(), kind)).cloned().unwrap_or_default();
        let _ = lines.iter().try_for_each(|line| take(line));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::tests::spec;

    fn user(name: &str) -> NodeUser {
        NodeUser { name: name.into(), password_hash: "h".into(), groups: Vec::new(), is_administrator: true }
    }

    #[test]
    fn a_node_comes_changes_and_goes() {
        let fleet = SimulatedFleet::new();
        let mut spec = spec(1);
        assert_eq!(fleet.inspect(&spec.name).unwrap(), None);
        let made = fleet.converge(&spec).unwrap();
        assert_eq!((made.state.clone(), made.listeners.len()), (NodeState::Running, 2));
        assert_eq!(fleet.converge(&spec).unwrap(), made);
        spec.rules.clear();
        assert_eq!(fleet.converge(&spec).unwrap().pid, made.pid);
        spec.incarnation = 2;
        let again = fleet.converge(&spec).unwrap();
        assert_ne!(again.pid, made.pid);
        assert_eq!(again.listeners, made.listeners);
        assert_eq!(fleet.starts(&spec.name), 2);
        spec.incarnation = 1;
        assert!(matches!(fleet.converge(&spec), Err(FleetError::OldIncarnation { known: 2, asked: 1, .. })));
        fleet.put_user(&spec.name, &user("a")).unwrap();
        fleet.delete_user(&spec.name, "b").unwrap();
        assert_eq!(fleet.users(&spec.name).len(), 1);
        fleet.remove(&spec.name).unwrap();
        fleet.remove(&spec.name).unwrap();
        assert_eq!((fleet.list().unwrap(), fleet.taken_ports()), (Vec::new(), 0));
        assert!(matches!(fleet.put_user(&spec.name, &user("a")), Err(FleetError::Unknown { .. })));
    }

    #[test]
    fn a_death_at_any_step_is_made_good_by_the_same_call() {
        for step in Step::CONVERGE {
            let fleet = SimulatedFleet::new();
            let (first, mut next) = (spec(1), spec(1));
            next.incarnation = 2;
            if matches!(step, Step::Drain | Step::Rules) {
                fleet.converge(&first).unwrap();
            }
            if step == Step::Rules {
                next = NodeSpec { rules: Vec::new(), ..first };
            }
            fleet.fail_at(step, SimulatedFault::Crash);
            assert!(matches!(fleet.converge(&next), Err(FleetError::Crashed(at)) if at == step));
            assert!(matches!(fleet.list(), Err(FleetError::Crashed(_))));
            assert_eq!(fleet.revive(), Some(step));
            fleet.converge(&next).unwrap();
            assert_eq!(fleet.running_spec(&next.name), Some(next.clone()), "{step:?}");
            assert_eq!(fleet.taken_ports(), 2);
            for step in Step::REMOVE {
                fleet.fail_at(step, SimulatedFault::Error);
                assert!(matches!(fleet.remove(&next.name), Err(FleetError::Simulated(at)) if at == step));
                assert_eq!(fleet.list().unwrap(), [next.name.clone()]);
            }
            fleet.remove(&next.name).unwrap();
            assert_eq!((fleet.list().unwrap(), fleet.taken_ports()), (Vec::new(), 0));
        }
    }
}
