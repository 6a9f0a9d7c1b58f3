//! The interface between a control plane and whatever runs nodes.

use std::ops::ControlFlow;

use crate::error::FleetError;
use crate::facts::NodeFacts;
use crate::grants::NodeGrants;
use crate::name::NodeName;
use crate::spec::{LogKind, NodeSpec, NodeUser};

/// Makes nodes what they are to be.
///
/// Think of it as hands without a memory of intentions: the control plane knows what should be and says it, again and again
/// if it likes; a provisioner looks at what is and does the difference. Calls about different nodes run side by side; calls
/// about the same node wait for one another. Calls block: some milliseconds when there is nothing to do, up to the
/// provisioner's time limits when a process has to start or stop.
pub trait Provisioner: Send + Sync {
    /// Makes the node what the spec says, and answers once it serves: directories, ports, certificate, a process with
    /// exactly this spec. A running node whose spec differs in more than its rules is drained and started again; rules
    /// alone are changed while it runs. Nothing happens when nothing differs.
    ///
    /// # Errors
    /// [`FleetError`]. After a kill at any step, or an error, the same call goes on from there.
    fn converge(&self, spec: &NodeSpec) -> Result<NodeFacts, FleetError>;

    /// Makes or replaces a user, and lets it do everything in the virtual host `/` (RabbitMQ), or everything (ActiveMQ).
    /// Done when it is durable on the node.
    ///
    /// # Errors
    /// [`FleetError`]; the node has to run.
    fn put_user(&self, node: &NodeName, user: &NodeUser) -> Result<(), FleetError>;

    /// Deletes a user and ends its connections; one that is not there is fine.
    ///
    /// # Errors
    /// [`FleetError`]; the node has to run.
    fn delete_user(&self, node: &NodeName, user: &str) -> Result<(), FleetError>;

    /// Makes these all the grants that users of the node have; done when they are durable on the node. Nothing happens when
    /// they are so already.
    ///
    /// # Errors
    /// [`FleetError`]; the node has to run.
    fn set_grants(&self, node: &NodeName, grants: &NodeGrants) -> Result<(), FleetError>;

    /// What is known of a node; `None`: nothing, there is no trace of it. Asks the node, without waiting for it to serve.
    ///
    /// # Errors
    /// [`FleetError`], of the machine only: a node that does not answer is a state.
    fn inspect(&self, node: &NodeName) -> Result<Option<NodeFacts>, FleetError>;

    /// Whether the node, started now, would run another program than its process does: a newer build was put in place.
    /// `false` for one that has no process. May read both programs.
    ///
    /// # Errors
    /// [`FleetError`], of the machine only.
    fn has_newer_program(&self, node: &NodeName) -> Result<bool, FleetError>;

    /// Stops the node, deletes everything it has and gives its ports back. One that is not there is fine.
    ///
    /// # Errors
    /// [`FleetError`]. After a kill at any step, or an error, the same call goes on from there.
    fn remove(&self, node: &NodeName) -> Result<(), FleetError>;

    /// Every node of which there is any trace, also half made or half removed ones.
    ///
    /// # Errors
    /// [`FleetError`], of the machine only.
    fn list(&self) -> Result<Vec<NodeName>, FleetError>;

    /// Hands over the lines of a log, the oldest that is kept first, without their ends, until there is none or `take`
    /// has enough. A line is cut after 64 KiB; what is not UTF-8 becomes U+FFFD. A log that is not there has no lines.
    ///
    /// # Errors
    /// [`FleetError`], of the machine only.
    fn read_log(
        &self,
        node: &NodeName,
        kind: LogKind,
        take: &mut dyn FnMut(&str) -> ControlFlow<()>,
    ) -> Result<(), FleetError>;
}

/// Where calls can be interrupted: each is named by what is done *after* it was passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Converge: stop the process that runs with another spec.
    Drain,
    /// Converge: make the directory.
    Directory,
    /// Converge: choose ports and write them down.
    Ports,
    /// Converge: make the certificate.
    Certificate,
    /// Converge: write the spec down.
    Spec,
    /// Converge: start the process.
    Start,
    /// Converge: wait until it serves.
    Ready,
    /// Converge: tell the running node its new rules.
    Rules,
    /// Users: tell the node.
    PutUser,
    /// Users: tell the node what the user may.
    Grant,
    /// Users: tell the node.
    DeleteUser,
    /// Grants: tell the node.
    SetGrants,
    /// Remove: note that the node is going.
    MarkRemoved,
    /// Remove: stop the process.
    Stop,
    /// Remove: delete the directory.
    Delete,
    /// Remove: give the ports back.
    ReleasePorts,
}

impl Step {
    /// Steps of a converge, in their order.
    pub const CONVERGE: [Self; 8] = [
        Self::Drain,
        Self::Directory,
        Self::Ports,
        Self::Certificate,
        Self::Spec,
        Self::Start,
        Self::Ready,
        Self::Rules,
    ];
    /// Steps of a remove, in their order.
    pub const REMOVE: [Self; 4] = [Self::MarkRemoved, Self::Stop, Self::Delete, Self::ReleasePorts];
}
