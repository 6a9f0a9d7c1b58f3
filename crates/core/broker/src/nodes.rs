//! Verbs on nodes: declare, check, delete, and bindings between them.

use std::sync::Arc;

use ternmq_message::{Map, Value};
use ternmq_routing::{Name, NodeId, NodeKind, NodeSpec as RoutingSpec, Removed};

use crate::{
    broker::{Broker, Done},
    definition::{Definition, NodeRecord},
    effect::SessionId,
    error::{Error, Kind, Verb},
    log::Receipt,
    namespace::NamespaceId,
    policy::at_once,
};

/// A node as an application declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeSpec {
    /// Name.
    pub name: Arc<str>,
    /// Kind.
    pub kind: NodeKind,
    /// It outlives a restart.
    pub is_durable: bool,
    /// It goes with the last binding from it.
    pub is_auto_delete: bool,
    /// Clients may not publish to it.
    pub is_internal: bool,
    /// Arguments.
    pub arguments: Map,
}

impl Broker {
    /// Declares a node; declaring the same one again is fine.
    ///
    /// # Errors
    /// A reserved or invalid name, no permission, a bad argument, or it exists with other properties.
    pub fn declare_node(&mut self, session: SessionId, spec: NodeSpec) -> Result<Done<()>, Error> {
        let (principal, namespace, _) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        if spec.name.is_empty() {
            return Err(Error::DefaultNode);
        }
        self.authorize(&principal, Verb::Configure, Kind::Node, &space, &spec.name)?;
        let fallback = self
            .dialect
            .node_fallback(&spec.arguments)
            .map_err(|error| argument_error(Kind::Node, &spec.name, &space, error))?;
        if let Some(existing) = self.find_node(namespace, &spec.name) {
            self.compare_node(namespace, existing, &spec)?;
            return Ok(at_once(()));
        }
        if self.dialect.is_reserved(&spec.name) {
            return Err(Error::ReservedName { kind: Kind::Node, name: spec.name });
        }
        Name::check(&spec.name)
            .map_err(|_| Error::InvalidName { kind: Kind::Node, name: spec.name.clone() })?;
        if let Some(fallback) = &fallback {
            // An alternate target is published to on the declarer's behalf (S5).
            self.authorize(&principal, Verb::Read, Kind::Node, &space, &spec.name)?;
            self.authorize(&principal, Verb::Write, Kind::Node, &space, fallback)?;
        }
        let record = NodeRecord {
            namespace: space,
            name: spec.name,
            kind: spec.kind,
            is_durable: spec.is_durable,
            is_auto_delete: spec.is_auto_delete,
            is_internal: spec.is_internal,
            arguments: spec.arguments,
        };
        let is_durable = record.is_durable;
        let receipt = self.commit_if(is_durable, &Definition::PutNode(record));
        Ok(Done { value: (), receipt })
    }

    /// Whether a node exists.
    ///
    /// # Errors
    /// It does not, the user has no permission for it at all, or it is the default one, of which nothing is told.
    pub fn check_node(&mut self, session: SessionId, name: &str) -> Result<(), Error> {
        let (principal, namespace, _) = self.who(session)?;
        if name.is_empty() {
            return Err(Error::DefaultNode);
        }
        let space = self.namespaces.name(namespace);
        self.authorize_sight(&principal, Kind::Node, &space, name)?;
        self.require_node(namespace, name).map(|_| ())
    }

    /// Deletes a node with its bindings; one that does not exist is fine.
    ///
    /// # Errors
    /// The default or a reserved one, no permission, or it is in use and `if_unused` was asked for.
    pub fn delete_node(
        &mut self,
        session: SessionId,
        name: &str,
        if_unused: bool,
    ) -> Result<Done<()>, Error> {
        let (principal, namespace, _) = self.who(session)?;
        let space = self.namespaces.name(namespace);
        if name.is_empty() {
            return Err(Error::DefaultNode);
        }
        if self.dialect.is_reserved(name) {
            return Err(Error::Undeletable { name: name.into(), namespace: space });
        }
        self.authorize(&principal, Verb::Delete, Kind::Node, &space, name)?;
        let Some(id) = self.find_node(namespace, name) else { return Ok(at_once(())) };
        let topology = &self.namespaces.get(namespace).ok_or(Error::Gone)?.topology;
        if if_unused && topology.bindings_from(id).next().is_some() {
            return Err(Error::InUse { kind: Kind::Node, name: name.into(), namespace: space });
        }
        let is_durable = topology.node(id).is_some_and(|spec| spec.is_durable);
        let receipt =
            self.commit_if(is_durable, &Definition::DeleteNode { namespace: space, name: name.into() });
        Ok(Done { value: (), receipt })
    }

    pub(crate) fn find_node(&self, namespace: NamespaceId, name: &str) -> Option<NodeId> {
        self.namespaces.get(namespace)?.topology.find_node(name)
    }

    pub(crate) fn require_node(&self, namespace: NamespaceId, name: &str) -> Result<NodeId, Error> {
        self.find_node(namespace, name).ok_or_else(|| Error::NotFound {
            kind: Kind::Node,
            name: name.into(),
            namespace: self.namespaces.name(namespace),
        })
    }

    fn compare_node(&self, namespace: NamespaceId, id: NodeId, spec: &NodeSpec) -> Result<(), Error> {
        let Some(namespace) = self.namespaces.get(namespace) else { return Err(Error::Gone) };
        let Some(current) = namespace.topology.node(id) else { return Err(Error::Gone) };
        let differs = |field: &str, received: Option<Value>, current: Option<Value>| {
            Err(Error::Inequivalent {
                kind: Kind::Node,
                name: spec.name.clone(),
                namespace: namespace.record.name.clone(),
                field: field.into(),
                received,
                current,
            })
        };
        let kind_name = |kind| self.dialect.node_kind_name(kind);
        if kind_name(&current.kind) != kind_name(&spec.kind) {
            let text = |kind| Some(Value::str(kind_name(kind)));
            return differs("type", text(&spec.kind), text(&current.kind));
        }
        for (field, received, current) in [
            ("durable", spec.is_durable, current.is_durable),
            ("auto_delete", spec.is_auto_delete, current.is_auto_delete),
            ("internal", spec.is_internal, current.is_internal),
        ] {
            if received != current {
                return differs(field, Some(Value::Bool(received)), Some(Value::Bool(current)));
            }
        }
        match first_difference(&spec.arguments, &current.arguments, self.dialect.compared_node_arguments()) {
            Some((field, received, current)) => differs(field, received, current),
            None => Ok(()),
        }
    }

    pub(crate) fn apply_put_node(&mut self, record: &NodeRecord) {
        let Some(id) = self.namespaces.find(&record.namespace) else { return };
        let Ok(name) = Name::new(&record.name) else { return };
        let own = self.dialect.node_fallback(&record.arguments).ok().flatten();
        let fallback = self.node_fallback(&record.namespace, &record.name, own);
        let spec = RoutingSpec {
            is_durable: record.is_durable,
            is_auto_delete: record.is_auto_delete,
            is_internal: record.is_internal,
            fallback,
            arguments: record.arguments.clone(),
            ..RoutingSpec::new(name, record.kind.clone())
        };
        if let Some(namespace) = self.namespaces.get_mut(id) {
            // A replayed declaration of a node that the checkpoint already had changes nothing.
            let _known = namespace.topology.add_node(spec);
        }
    }

    pub(crate) fn apply_delete_node(&mut self, namespace: &str, name: &str) {
        let Some(id) = self.namespaces.find(namespace) else { return };
        let Some(node) = self.find_node(id, name) else { return };
        let Some(namespace) = self.namespaces.get_mut(id) else { return };
        let removed = namespace.topology.remove_node(node);
        self.drop_emptied_nodes(id, removed);
    }

    /// Auto-delete nodes that lost their last binding go too, and so on.
    pub(crate) fn drop_emptied_nodes(&mut self, namespace: NamespaceId, removed: Removed) -> Receipt {
        let mut receipt = Receipt::NONE;
        for node in removed.emptied {
            receipt = receipt.and(self.drop_emptied_node(namespace, node));
        }
        receipt
    }

    pub(crate) fn drop_emptied_node(&mut self, namespace: NamespaceId, node: NodeId) -> Receipt {
        // During replay the log brings the deletion itself.
        if self.is_replaying {
            return Receipt::NONE;
        }
        let Some(space) = self.namespaces.get(namespace) else { return Receipt::NONE };
        let Some(spec) = space.topology.node(node) else { return Receipt::NONE };
        let definition =
            Definition::DeleteNode { namespace: space.record.name.clone(), name: spec.name.to_shared() };
        let is_durable = spec.is_durable;
        self.commit_if(is_durable, &definition)
    }
}

/// The value under a name.
pub(crate) fn find_value(map: &Map, name: &str) -> Option<Value> {
    map.iter().find(|(key, _)| &**key == name).map(|(_, value)| value.clone())
}

/// First of `names` whose values differ, with both values.
pub(crate) fn first_difference<'a>(
    received: &Map,
    current: &Map,
    names: &[&'a str],
) -> Option<(&'a str, Option<Value>, Option<Value>)> {
    names.iter().find_map(|name| {
        let (received, current) = (find_value(received, name), find_value(current, name));
        let is_same = match (&received, &current) {
            (None, None) => true,
            (Some(a), Some(b)) => a.is_same(b),
            _ => false,
        };
        if is_same { None } else { Some((*name, received, current)) }
    })
}

/// A dialect's argument error as the core's error.
pub(crate) fn argument_error(
    kind: Kind,
    name: &str,
    namespace: &Arc<str>,
    error: crate::dialect::ArgumentError,
) -> Error {
    if error.is_unsupported {
        return Error::NotSupported { what: error.problem };
    }
    Error::InvalidArgument {
        kind,
        name: name.into(),
        namespace: namespace.clone(),
        argument: error.argument,
        problem: error.problem,
    }
}
