//! Verbs on bindings, of queues and of nodes.

use std::sync::Arc;

use ternmq_message::Map;
use ternmq_routing::{BindError, NodeId, NodeKind, QueueId, Target, Unbound};

use crate::{
    broker::{Broker, Done},
    definition::{BindingRecord, Definition, TargetKind},
    effect::SessionId,
    error::{Error, Kind, Verb},
    namespace::NamespaceId,
    policy::at_once,
};

/// The two ends of a binding, found and allowed.
struct Ends {
    namespace: NamespaceId,
    source: NodeId,
    target: Target,
    record: BindingRecord,
    is_durable: bool,
}

impl Broker {
    /// Binds a queue to a node; the same binding again is fine.
    ///
    /// # Errors
    /// One end is missing, no permission, the default node, another connection's queue, or a bad key or argument.
    pub fn bind_queue(
        &mut self,
        session: SessionId,
        queue: &str,
        node: &str,
        key: &str,
        arguments: Map,
    ) -> Result<Done<()>, Error> {
        let ends = self.ends(session, (TargetKind::Queue, queue), node, key, arguments)?;
        self.bind(ends)
    }

    /// Takes a queue's binding away; one that does not exist is fine, also when it can't exist because an end is missing.
    ///
    /// # Errors
    /// No permission, the default node, or another connection's queue.
    pub fn unbind_queue(
        &mut self,
        session: SessionId,
        queue: &str,
        node: &str,
        key: &str,
        arguments: Map,
    ) -> Result<Done<()>, Error> {
        let ends = self.ends(session, (TargetKind::Queue, queue), node, key, arguments);
        self.unbind(ends)
    }

    /// Binds node `target` to node `source`; the same binding again is fine.
    ///
    /// # Errors
    /// As [`Broker::bind_queue`].
    pub fn bind_node(
        &mut self,
        session: SessionId,
        target: &str,
        source: &str,
        key: &str,
        arguments: Map,
    ) -> Result<Done<()>, Error> {
        let ends = self.ends(session, (TargetKind::Node, target), source, key, arguments)?;
        self.bind(ends)
    }

    /// Takes a binding between nodes away; one that does not exist is fine, also when an end is missing.
    ///
    /// # Errors
    /// As [`Broker::unbind_queue`].
    pub fn unbind_node(
        &mut self,
        session: SessionId,
        target: &str,
        source: &str,
        key: &str,
        arguments: Map,
    ) -> Result<Done<()>, Error> {
        let ends = self.ends(session, (TargetKind::Node, target), source, key, arguments);
        self.unbind(ends)
    }

    fn ends(
        &mut self,
        session: SessionId,
        (target_kind, target_name): (TargetKind, &str),
        source_name: &str,
        key: &str,
        arguments: Map,
    ) -> Result<Ends, Error> {
        let (principal, namespace, connection) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        let kind = if target_kind == TargetKind::Queue { Kind::Queue } else { Kind::Node };
        if source_name.is_empty() || (target_name.is_empty() && target_kind == TargetKind::Node) {
            return Err(Error::DefaultNode);
        }
        self.authorize(&principal, Verb::Write, kind, &space, target_name)?;
        self.authorize_place(&principal, Verb::Read, &space, source_name, key)?;
        let source = self.require_node(namespace, source_name)?;
        let (target, is_target_durable) = match target_kind {
            TargetKind::Queue => {
                let id = self.require_queue(namespace, connection, target_name)?;
                (Target::Queue(QueueId(id)), self.queues.get(id).is_some_and(|slot| slot.is_logged()))
            }
            TargetKind::Node => {
                let id = self.require_node(namespace, target_name)?;
                (Target::Node(id), self.is_node_durable(namespace, id))
            }
        };
        self.authorize_topic_read(&principal, namespace, source, key)?;
        let record = BindingRecord {
            namespace: space,
            source: source_name.into(),
            target_kind,
            target: target_name.into(),
            key: key.into(),
            arguments,
        };
        let is_durable = is_target_durable && self.is_node_durable(namespace, source);
        Ok(Ends { namespace, source, target, record, is_durable })
    }

    fn is_node_durable(&self, namespace: NamespaceId, node: NodeId) -> bool {
        let spec = self.namespaces.get(namespace).and_then(|space| space.topology.node(node));
        spec.is_some_and(|spec| spec.is_durable)
    }

    fn authorize_topic_read(
        &self,
        principal: &ternmq_access::Principal,
        namespace: NamespaceId,
        node: NodeId,
        key: &str,
    ) -> Result<(), Error> {
        let Some(space) = self.namespaces.get(namespace) else { return Err(Error::Gone) };
        match space.topology.node(node) {
            Some(spec) if spec.kind == NodeKind::Topic => {
                self.authorize_key(principal, Verb::Read, &space.record.name, &spec.name, key)
            }
            _ => Ok(()),
        }
    }

    fn bind(&mut self, ends: Ends) -> Result<Done<()>, Error> {
        let Ends { namespace, source, target, record, is_durable } = ends;
        let space = self.namespaces.get_mut(namespace).ok_or(Error::Gone)?;
        match space.topology.bind(source, target, &record.key, record.arguments.clone()) {
            Ok(ternmq_routing::Bound::Existed) => Ok(at_once(())),
            Ok(ternmq_routing::Bound::New) => {
                let receipt = self.record_if(is_durable, &Definition::PutBinding(record));
                Ok(Done { value: (), receipt })
            }
            Err(error) => Err(bind_error(&error, &record)),
        }
    }

    fn unbind(&mut self, ends: Result<Ends, Error>) -> Result<Done<()>, Error> {
        let Ends { namespace, source, target, record, is_durable } = match ends {
            Ok(ends) => ends,
            Err(Error::NotFound { kind: Kind::Queue | Kind::Node, .. }) => return Ok(at_once(())),
            Err(error) => return Err(error),
        };
        let space = self.namespaces.get_mut(namespace).ok_or(Error::Gone)?;
        let unbound = space.topology.unbind(source, target, &record.key, &record.arguments);
        if unbound == Unbound::NotBound {
            return Ok(at_once(()));
        }
        let mut receipt = self.record_if(is_durable, &Definition::DeleteBinding(record));
        if unbound == Unbound::RemovedLast {
            receipt = receipt.and(self.drop_emptied_node(namespace, source));
        }
        Ok(Done { value: (), receipt })
    }

    pub(crate) fn apply_put_binding(&mut self, record: &BindingRecord) {
        let Some((namespace, source, target)) = self.find_ends(record) else { return };
        if let Some(space) = self.namespaces.get_mut(namespace) {
            // It was checked when it was made; one that no longer fits is left out.
            let _known = space.topology.bind(source, target, &record.key, record.arguments.clone());
        }
    }

    pub(crate) fn apply_delete_binding(&mut self, record: &BindingRecord) {
        let Some((namespace, source, target)) = self.find_ends(record) else { return };
        if let Some(space) = self.namespaces.get_mut(namespace) {
            space.topology.unbind(source, target, &record.key, &record.arguments);
        }
    }

    fn find_ends(&self, record: &BindingRecord) -> Option<(NamespaceId, NodeId, Target)> {
        let id = self.namespaces.find(&record.namespace)?;
        let topology = &self.namespaces.get(id)?.topology;
        let target = match record.target_kind {
            TargetKind::Queue => Target::Queue(topology.find_queue(&record.target)?),
            TargetKind::Node => Target::Node(topology.find_node(&record.target)?),
        };
        Some((id, topology.find_node(&record.source)?, target))
    }
}

pub(crate) fn bind_error(error: &BindError, record: &BindingRecord) -> Error {
    let argument: Arc<str> = match error {
        BindError::DefaultNode => return Error::DefaultNode,
        BindError::UnknownMatchRule => "x-match".into(),
        _ => "routing_key".into(),
    };
    Error::InvalidArgument {
        kind: Kind::Binding,
        name: record.source.clone(),
        namespace: record.namespace.clone(),
        argument,
        problem: error.to_string(),
    }
}
