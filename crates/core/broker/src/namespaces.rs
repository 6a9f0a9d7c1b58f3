//! Verbs on namespaces.

use ternmq_routing::{Name, NodeSpec};

use crate::{
    broker::{Broker, Done},
    definition::{Definition, NamespaceRecord},
    effect::EndReason,
    error::{Error, Kind},
};

impl Broker {
    /// Makes a namespace with its predefined nodes, or changes the one of this name.
    ///
    /// # Errors
    /// An invalid name, or another namespace than the one that the dialect has.
    pub fn put_namespace(&mut self, record: NamespaceRecord) -> Result<Done<()>, Error> {
        Name::check(&record.name)
            .map_err(|_| Error::InvalidName { kind: Kind::Namespace, name: record.name.clone() })?;
        if self.dialect.has_one_namespace() && *record.name != *self.dialect.default_namespace() {
            return Err(Error::NotSupported { what: "this broker has one namespace".to_owned() });
        }
        let receipt = self.commit(&Definition::PutNamespace(record));
        Ok(Done { value: (), receipt })
    }

    /// Removes a namespace with its queues and messages; its connections are closed.
    ///
    /// # Errors
    /// No such namespace, or the only one that the dialect has.
    pub fn delete_namespace(&mut self, name: &str) -> Result<Done<()>, Error> {
        self.require_namespace(name)?;
        if self.dialect.has_one_namespace() {
            return Err(Error::NotSupported { what: "this broker has one namespace".to_owned() });
        }
        let id = self.namespaces.find(name).ok_or(Error::Gone)?;
        let gone: Vec<_> =
            self.connections.iter().filter(|(_, c)| c.namespace == id).map(|(handle, _)| handle).collect();
        for connection in gone {
            self.close_connection(connection.into(), "namespace was deleted");
        }
        let receipt = self.commit(&Definition::DeleteNamespace(name.into()));
        Ok(Done { value: (), receipt })
    }

    pub(crate) fn apply_put_namespace(&mut self, record: &NamespaceRecord) {
        let (id, is_new) = self.namespaces.put(record.clone());
        if !is_new {
            return;
        }
        for predefined in self.dialect.predefined() {
            let Ok(name) = Name::new(predefined.name) else { continue };
            let spec = NodeSpec {
                is_internal: predefined.is_internal,
                ..NodeSpec::new(name, predefined.kind.clone())
            };
            if let Some(namespace) = self.namespaces.get_mut(id) {
                // The namespace is new, so no node of this name is there.
                let _new = namespace.topology.add_node(spec);
            }
        }
    }

    pub(crate) fn apply_delete_namespace(&mut self, name: &str) {
        let Some(id) = self.namespaces.find(name) else { return };
        let queues: Vec<u32> =
            self.queues.iter().filter(|(_, slot)| slot.namespace == id).map(|(queue, _)| queue).collect();
        for queue in queues {
            self.remove_queue(queue, EndReason::QueueGone);
        }
        let clients: Vec<_> =
            self.clients.iter().filter(|(_, client)| client.namespace == id).map(|(id, _)| id).collect();
        for client in clients {
            self.apply_delete_client(client);
        }
        self.forget_retained(id);
        self.branches.forget_namespace(id);
        self.forget_scheduled(id);
        self.give_up_remnants(|slot| slot.namespace == id);
        self.policies.remove_namespace(name);
        self.authority.access.remove_namespace(name);
        self.namespaces.remove(id);
    }

    /// All namespaces.
    #[must_use]
    pub fn namespaces(&self) -> Vec<NamespaceRecord> {
        self.namespaces.iter().map(|(_, namespace)| namespace.record.clone()).collect()
    }

    /// One namespace.
    #[must_use]
    pub fn namespace(&self, name: &str) -> Option<NamespaceRecord> {
        let id = self.namespaces.find(name)?;
        self.namespaces.get(id).map(|namespace| namespace.record.clone())
    }
}
