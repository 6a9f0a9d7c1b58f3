//! Policies: which one matches what, and making every change live.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};
use ternmq_routing::{Name, NodeId};

use crate::{
    broker::{Broker, Done},
    definition::{AppliesTo, Definition, PolicyRank, PolicyRecord},
    dialect::{QueueClass, QueueOptions},
    error::{Error, Kind},
    log::Receipt,
    namespace::NamespaceId,
    settings::{Effective, merge},
};

/// Most bytes of a compiled pattern (section 6: regex program).
const MAX_PATTERN_BYTES: usize = 64 << 10;
/// Most policies of a namespace and rank.
const MAX_POLICIES: usize = 1_000;

/// A policy ready to be matched.
pub(crate) struct Policy {
    pub(crate) record: PolicyRecord,
    pattern: Regex,
    options: QueueOptions,
}

/// All policies.
#[derive(Default)]
pub(crate) struct Policies {
    all: Vec<Policy>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Subject {
    Queue(QueueClass),
    Node,
}

impl Subject {
    fn is_covered_by(self, applies_to: AppliesTo) -> bool {
        match applies_to {
            AppliesTo::All => true,
            AppliesTo::Queues => self != Self::Node,
            AppliesTo::ClassicQueues => self == Self::Queue(QueueClass::Classic),
            AppliesTo::QuorumQueues => self == Self::Queue(QueueClass::Quorum),
            AppliesTo::Nodes => self == Self::Node,
        }
    }
}

impl Policies {
    /// The one policy of a rank that counts for a name: the highest priority, then the first by name.
    fn best(&self, namespace: &str, rank: PolicyRank, subject: Subject, name: &str) -> Option<&Policy> {
        self.all
            .iter()
            .filter(|policy| policy.record.rank == rank && &*policy.record.namespace == namespace)
            .filter(|policy| subject.is_covered_by(policy.record.applies_to) && policy.pattern.is_match(name))
            .min_by(|a, b| b.record.priority.cmp(&a.record.priority).then(a.record.name.cmp(&b.record.name)))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &PolicyRecord> {
        self.all.iter().map(|policy| &policy.record)
    }

    fn put(&mut self, policy: Policy) {
        self.remove(&policy.record.namespace.clone(), policy.record.rank, &policy.record.name.clone());
        self.all.push(policy);
    }

    fn remove(&mut self, namespace: &str, rank: PolicyRank, name: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|policy| {
            let record = &policy.record;
            record.rank != rank || &*record.name != name || &*record.namespace != namespace
        });
        self.all.len() != before
    }

    pub(crate) fn remove_namespace(&mut self, namespace: &str) {
        self.all.retain(|policy| &*policy.record.namespace != namespace);
    }
}

impl Broker {
    /// Makes or changes a policy; everything it matches obeys it at once.
    ///
    /// # Errors
    /// No such namespace, a bad pattern, a bad key or value, too many policies.
    pub fn put_policy(&mut self, record: PolicyRecord) -> Result<Done<()>, Error> {
        self.namespaces
            .find(&record.namespace)
            .ok_or_else(|| not_found(Kind::Namespace, &record.namespace))?;
        let count = self.policies.iter().filter(|p| p.namespace == record.namespace).count();
        if count >= MAX_POLICIES {
            return Err(invalid(
                &record,
                "name",
                format!("the namespace has {MAX_POLICIES} policies already"),
            ));
        }
        self.compile(&record)?;
        let receipt = self.commit(&Definition::PutPolicy(record));
        Ok(Done { value: (), receipt })
    }

    /// Takes a policy away.
    ///
    /// # Errors
    /// No such policy.
    pub fn delete_policy(
        &mut self,
        namespace: &str,
        rank: PolicyRank,
        name: &str,
    ) -> Result<Done<()>, Error> {
        let known =
            self.policies.iter().any(|p| p.rank == rank && &*p.name == name && &*p.namespace == namespace);
        if !known {
            return Err(Error::NotFound {
                kind: Kind::Policy,
                name: name.into(),
                namespace: namespace.into(),
            });
        }
        let receipt =
            self.commit(&Definition::DeletePolicy { namespace: namespace.into(), rank, name: name.into() });
        Ok(Done { value: (), receipt })
    }

    /// All policies.
    pub fn policies(&self) -> impl Iterator<Item = &PolicyRecord> {
        self.policies.iter()
    }

    fn compile(&self, record: &PolicyRecord) -> Result<Policy, Error> {
        let pattern = RegexBuilder::new(&record.pattern)
            .size_limit(MAX_PATTERN_BYTES)
            .build()
            .map_err(|error| invalid(record, "pattern", pattern_problem(&error)))?;
        let options = self
            .dialect
            .policy_options(&record.definition)
            .map_err(|error| invalid(record, &error.argument, error.problem))?;
        Ok(Policy { record: record.clone(), pattern, options })
    }

    pub(crate) fn apply_put_policy(&mut self, record: &PolicyRecord) {
        // A policy that no longer compiles (an older pattern limit) is left out; it was checked when it was made.
        if let Ok(policy) = self.compile(record) {
            self.policies.put(policy);
            self.refresh_settings(&record.namespace);
        }
    }

    pub(crate) fn apply_delete_policy(&mut self, namespace: &str, rank: PolicyRank, name: &str) {
        if self.policies.remove(namespace, rank, name) {
            self.refresh_settings(namespace);
        }
    }

    /// What a queue obeys now, with origins.
    #[must_use]
    pub(crate) fn effective(
        &self,
        namespace: &str,
        name: &str,
        class: QueueClass,
        options: Option<&QueueOptions>,
    ) -> Effective {
        let none = QueueOptions::default();
        let subject = Subject::Queue(class);
        let policy = self.policies.best(namespace, PolicyRank::User, subject, name);
        let operator = self.policies.best(namespace, PolicyRank::Operator, subject, name);
        merge(
            class,
            &self.dialect.queue_defaults(name),
            options.unwrap_or(&none),
            policy.map(|p| &p.options),
            operator.map(|p| &p.options),
        )
    }

    /// Names of the policy and the operator policy that count for a queue.
    #[must_use]
    pub(crate) fn policy_names(
        &self,
        namespace: &str,
        name: &str,
        class: QueueClass,
    ) -> (Option<Arc<str>>, Option<Arc<str>>) {
        let find = |rank| {
            self.policies.best(namespace, rank, Subject::Queue(class), name).map(|p| p.record.name.clone())
        };
        (find(PolicyRank::User), find(PolicyRank::Operator))
    }

    /// Name of the policy that counts for a node.
    #[must_use]
    pub(crate) fn node_policy_name(&self, namespace: &str, name: &str) -> Option<Arc<str>> {
        self.policies.best(namespace, PolicyRank::User, Subject::Node, name).map(|p| p.record.name.clone())
    }

    /// Fallback target of a node: its own argument, then the policy's.
    pub(crate) fn node_fallback(&self, namespace: &str, name: &str, own: Option<Arc<str>>) -> Option<Name> {
        let policy = self.policies.best(namespace, PolicyRank::User, Subject::Node, name);
        let fallback = own.or_else(|| policy.and_then(|policy| policy.options.fallback_node.clone()));
        fallback.and_then(|fallback| Name::new(&fallback).ok())
    }

    /// Brings every queue and node of a namespace in line with the policies.
    fn refresh_settings(&mut self, namespace: &str) {
        let Some(id) = self.namespaces.find(namespace) else { return };
        let queues: Vec<u32> =
            self.queues.iter().filter(|(_, slot)| slot.namespace == id).map(|(queue, _)| queue).collect();
        for queue in queues {
            self.refresh_queue(id, queue);
        }
        // The route of a message is the one that holds when it goes there.
        let remnants = self.queues.remnants().filter(|(_, slot)| slot.namespace == id);
        for queue in remnants.map(|(queue, _)| queue).collect::<Vec<_>>() {
            self.refresh_queue(id, queue);
        }
        self.refresh_nodes(id);
    }

    fn refresh_queue(&mut self, namespace: NamespaceId, queue: u32) {
        let namespace = self.namespaces.name(namespace);
        let Some(slot) = self.queues.any(queue) else { return };
        let effective = self.effective(&namespace, &slot.name.clone(), slot.class, slot.options.as_deref());
        if *slot.machine.settings().as_ref() == effective.settings {
            return;
        }
        let settings = self.shared_settings.share(effective.settings);
        let now_ms = self.time.ms();
        if let Some(slot) = self.queues.any_mut(queue) {
            slot.machine.apply_settings(settings, now_ms, &mut self.windows, &mut self.outbox);
        }
        self.pump(queue);
        self.arm_idle(queue);
    }

    fn refresh_nodes(&mut self, id: NamespaceId) {
        let Some(namespace) = self.namespaces.get(id) else { return };
        let name = namespace.record.name.clone();
        let ids: Vec<NodeId> = namespace.topology.node_ids();
        for node in ids {
            let Some(spec) = self.namespaces.get(id).and_then(|n| n.topology.node(node)) else { continue };
            let own = self.dialect.node_fallback(&spec.arguments).ok().flatten();
            let fallback = self.node_fallback(&name, &spec.name.clone(), own);
            if let Some(namespace) = self.namespaces.get_mut(id) {
                namespace.topology.set_fallback(node, fallback);
            }
        }
    }
}

fn not_found(kind: Kind, name: &Arc<str>) -> Error {
    Error::NotFound { kind, name: name.clone(), namespace: name.clone() }
}

/// What is wrong with a pattern, without the pattern, which the whole text draws over several lines (B7).
fn pattern_problem(error: &regex::Error) -> String {
    let text = error.to_string();
    let last = text.lines().next_back().unwrap_or_default();
    format!("it is not a regular expression: {}", last.strip_prefix("error: ").unwrap_or(last))
}

fn invalid(record: &PolicyRecord, argument: &str, problem: String) -> Error {
    Error::InvalidArgument {
        kind: Kind::Policy,
        name: record.name.clone(),
        namespace: record.namespace.clone(),
        argument: argument.into(),
        problem,
    }
}

/// An answer that waits for nothing.
pub(crate) fn at_once<T>(value: T) -> Done<T> {
    Done { value, receipt: Receipt::NONE }
}
