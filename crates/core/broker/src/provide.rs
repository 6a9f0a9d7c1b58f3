//! Queues that a broker has from its start, because its configuration names them.

use std::sync::Arc;

use ternmq_message::Map;
use ternmq_routing::{Name, QueueId, Target};

use crate::{
    bindings::bind_error,
    broker::Broker,
    definition::{BindingRecord, Definition, TargetKind},
    dialect::Provided,
    effect::NOBODY,
    error::{Error, Kind},
    namespace::NamespaceId,
};

impl Broker {
    /// Makes the queues that the dialect provides and that are not there. Called once, after recovery and before anybody is
    /// let in; they are durable when the first answer to a client is.
    ///
    /// # Errors
    /// An invalid name or key, or a limit is reached: those before it are there.
    pub fn provide(&mut self) -> Result<(), Error> {
        let space: Arc<str> = self.dialect.default_namespace().into();
        let Some(namespace) = self.namespaces.find(&space) else { return Ok(()) };
        for provided in self.dialect.clone().provided() {
            self.provide_one(namespace, &space, provided)?;
        }
        Ok(())
    }

    fn provide_one(
        &mut self,
        namespace: NamespaceId,
        space: &Arc<str>,
        provided: Provided,
    ) -> Result<(), Error> {
        let Provided { queue, bindings } = provided;
        let name = queue.name.clone();
        if self.find_queue(namespace, &name).is_none() {
            Name::check(&name).map_err(|_| Error::InvalidName { kind: Kind::Queue, name: name.clone() })?;
            self.check_queue_limits(namespace)?;
            let _made = self.make_queue(namespace, space.clone(), queue, NOBODY)?;
        }
        let id = self.find_queue(namespace, &name).ok_or(Error::Gone)?;
        let known = self.places_of(namespace, id);
        for (node, key) in bindings.into_iter().filter(|place| !known.contains(place)) {
            let record = BindingRecord {
                namespace: space.clone(),
                source: node.clone(),
                target_kind: TargetKind::Queue,
                target: name.clone(),
                key: key.clone(),
                arguments: Map::new(),
            };
            let source = self.require_node(namespace, &node)?;
            let topology = &mut self.namespaces.get_mut(namespace).ok_or(Error::Gone)?.topology;
            topology
                .bind(source, Target::Queue(QueueId(id)), &key, Map::new())
                .map_err(|error| bind_error(&error, &record))?;
            self.record_if(true, &Definition::PutBinding(record));
        }
        Ok(())
    }
}
