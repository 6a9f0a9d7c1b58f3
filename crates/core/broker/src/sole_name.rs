//! Names that are one connection's alone: of clients where the dialect has it so, and of those that ask for it.

use std::{collections::btree_map::Entry, sync::Arc};

use crate::{
    broker::Broker,
    effect::{ConnectionId, Effect},
    error::{Error, Kind, Verb},
};

/// A name that a connection has alone in its namespace.
#[derive(Clone, Debug)]
pub(crate) struct SoleName {
    pub(crate) name: Arc<str>,
    /// What its client calls this one connection.
    pub(crate) instance: Option<Arc<str>>,
}

impl Broker {
    /// Makes a name the connection's alone in its namespace, until it is gone: names that clients give themselves are
    /// anybody's otherwise. It can have one.
    ///
    /// # Errors
    /// Another one has it.
    pub fn claim_name(&mut self, id: ConnectionId, name: &Arc<str>) -> Result<(), Error> {
        self.claim(id, SoleName { name: name.clone(), instance: None })
    }

    /// The client of a connection says its name, which is this connection's alone from now on where the dialect has it so.
    /// `instance` is what the client calls the connection: one of the same user that comes again under it, as after a
    /// network that broke without a word, takes everything from the earlier one, which hears [`Effect::Close`].
    ///
    /// # Errors
    /// Another connection has the name.
    pub fn name_client(
        &mut self,
        id: ConnectionId,
        name: &Arc<str>,
        instance: Option<&str>,
    ) -> Result<(), Error> {
        if !self.dialect.has_sole_clients() {
            return Ok(());
        }
        let instance: Option<Arc<str>> = instance.map(Arc::from);
        if let Some(holder) = self.holder_of(id, name)? {
            let known = self.connections.get(holder.into()).and_then(|other| other.sole_name.as_ref());
            let is_again = instance.is_some() && known.is_some_and(|known| known.instance == instance);
            if is_again && self.is_same_user(id, holder) {
                self.displace(holder, "the client has another connection now");
            }
        }
        self.claim(id, SoleName { name: name.clone(), instance })
    }

    /// As [`Broker::name_client`], by a protocol whose clients take their name with them to a new connection: whoever of the
    /// same user has it goes.
    ///
    /// # Errors
    /// A connection of another user has it.
    pub(crate) fn take_client_name(&mut self, id: ConnectionId, name: &Arc<str>) -> Result<(), Error> {
        if !self.dialect.has_sole_clients() {
            return Ok(());
        }
        if let Some(holder) = self.holder_of(id, name)? {
            if !self.is_same_user(id, holder) {
                let connection = self.connections.get(id.into()).ok_or(Error::Gone)?;
                return Err(Error::Refused {
                    verb: Verb::Access,
                    kind: Kind::Client,
                    name: name.clone(),
                    namespace: self.namespaces.name(connection.namespace),
                    user: connection.principal.user().clone(),
                });
            }
            self.displace(holder, "the client has another connection now");
        }
        self.claim(id, SoleName { name: name.clone(), instance: None })
    }

    /// The other connection that has a name.
    fn holder_of(&self, id: ConnectionId, name: &Arc<str>) -> Result<Option<ConnectionId>, Error> {
        let namespace = self.connections.get(id.into()).ok_or(Error::Gone)?.namespace;
        let holder = self.sole_names.get(&(namespace, name.clone())).copied();
        Ok(holder.filter(|holder| *holder != id))
    }

    fn is_same_user(&self, one: ConnectionId, other: ConnectionId) -> bool {
        let user = |id: ConnectionId| Some(self.connections.get(id.into())?.principal.user());
        user(one).is_some() && user(one) == user(other)
    }

    /// Takes everything from a connection at once, so that whoever comes after it need not wait until its adapter is done.
    fn displace(&mut self, id: ConnectionId, reason: &str) {
        self.vacate(id);
        self.effects.push((id, Effect::Close { reason: reason.into() }));
    }

    fn claim(&mut self, id: ConnectionId, wanted: SoleName) -> Result<(), Error> {
        let connection = self.connections.get(id.into()).ok_or(Error::Gone)?;
        let namespace = connection.namespace;
        match self.sole_names.entry((namespace, wanted.name.clone())) {
            Entry::Occupied(taken) if *taken.get() == id => return Ok(()),
            Entry::Occupied(taken) => {
                let other = self.connections.get((*taken.get()).into());
                return Err(Error::NameTaken {
                    name: wanted.name,
                    namespace: self.namespaces.name(namespace),
                    peer: other.and_then(|other| other.info.peer),
                });
            }
            Entry::Vacant(free) => free.insert(id),
        };
        let connection = self.connections.get_mut(id.into()).ok_or(Error::Gone)?;
        if let Some(old) = connection.sole_name.replace(wanted) {
            self.sole_names.remove(&(namespace, old.name));
        }
        Ok(())
    }

    /// The connection gives up its name, if it has one.
    pub(crate) fn free_name(&mut self, id: ConnectionId) {
        let Some(connection) = self.connections.get_mut(id.into()) else { return };
        if let Some(known) = connection.sole_name.take() {
            self.sole_names.remove(&(connection.namespace, known.name));
        }
    }
}
