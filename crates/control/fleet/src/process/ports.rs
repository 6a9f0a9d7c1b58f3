//! Ports of all nodes: each is given once, and given back with its node.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::{IpAddr, TcpListener};
use std::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::error::FleetError;
use crate::name::NodeName;

/// Listener name to port, as a node keeps it.
pub(crate) type NodePorts = BTreeMap<String, u16>;

/// Who has which port.
#[derive(Debug)]
pub(crate) struct PortBook {
    range: RangeInclusive<u16>,
    taken: Mutex<Taken>,
}

#[derive(Debug)]
struct Taken {
    owners: HashMap<u16, NodeName>,
    /// Where the next search begins: a port that was given back rests while others are there.
    next: u16,
}

impl PortBook {
    /// `seed` says where the first search begins, so that several fleets of a machine do not all begin at the same port.
    pub(crate) fn new(range: RangeInclusive<u16>, seed: u64) -> Self {
        let width = u64::from(range.end().saturating_sub(*range.start())) + 1;
        let next = range.start().saturating_add(u16::try_from(seed % width).unwrap_or(0));
        Self { range, taken: Mutex::new(Taken { owners: HashMap::new(), next }) }
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node has these already. Of two nodes that say so of the same port, one has to choose anew: false.
    pub(crate) fn note(&self, node: &NodeName, port: u16) -> bool {
        self.taken().owners.entry(port).or_insert_with(|| node.clone()) == node
    }

    /// Gives a node a port that nobody has and that is free on the machine now.
    pub(crate) fn choose(
        &self,
        node: &NodeName,
        listener: &'static str,
        ip: IpAddr,
    ) -> Result<u16, FleetError> {
        let mut taken = self.taken();
        let mut last = io::Error::from(io::ErrorKind::AddrInUse);
        for _ in self.range.clone() {
            let port = taken.next;
            taken.next = if port >= *self.range.end() { *self.range.start() } else { port + 1 };
            if taken.owners.contains_key(&port) {
                continue;
            }
            match probe(ip, port) {
                Ok(()) => {
                    taken.owners.insert(port, node.clone());
                    return Ok(port);
                }
                Err(error) => last = error,
            }
        }
        Err(FleetError::NoPort { name: node.clone(), listener, source: last })
    }

    /// Gives one port back.
    pub(crate) fn release(&self, node: &NodeName, port: u16) {
        let mut taken = self.taken();
        if taken.owners.get(&port) == Some(node) {
            taken.owners.remove(&port);
        }
    }

    /// Gives all ports of a node back.
    pub(crate) fn release_all(&self, node: &NodeName) {
        self.taken().owners.retain(|_, owner| owner != node);
    }

    /// How many ports are given.
    pub(crate) fn count(&self) -> usize {
        self.taken().owners.len()
    }
}

/// Whether a port can be listened on now.
pub(crate) fn probe(ip: IpAddr, port: u16) -> io::Result<()> {
    TcpListener::bind((ip, port)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(broker: u8) -> NodeName {
        crate::spec::tests::spec(broker).name
    }

    #[test]
    fn a_port_has_one_owner_at_a_time() {
        let home = IpAddr::from([127, 0, 0, 1]);
        // A port that the system has just found free, and the two behind it: whoever takes one meanwhile is passed over.
        let other = TcpListener::bind((home, 0)).unwrap();
        let first = other.local_addr().unwrap().port().min(65_000);
        let book = PortBook::new(first..=first + 20, 0);
        let mut given = vec![book.choose(&node(1), "amqps", home).unwrap()];
        assert!(!given.contains(&other.local_addr().unwrap().port()));
        while let Ok(port) = book.choose(&node(2), "amqps", home) {
            assert!(!given.contains(&port));
            given.push(port);
        }
        assert_eq!(book.count(), given.len());
        assert!(!book.note(&node(2), given[0]) && book.note(&node(1), given[0]));
        book.release(&node(2), given[0]);
        assert_eq!(book.count(), given.len(), "only its owner gives it back");
        book.release_all(&node(2));
        assert_eq!(book.count(), 1);
        book.release(&node(1), given[0]);
        assert_eq!(book.choose(&node(3), "amqps", home).unwrap(), given[0]);
    }
}
