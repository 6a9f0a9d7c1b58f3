//! Things that have an id and a name.

use std::collections::{BTreeMap, HashMap};

/// Has an id for ever and a name for now.
pub(super) trait Named {
    fn id(&self) -> &str;
    fn name(&self) -> &str;
}

/// Things by id, and by name.
#[derive(Clone, Debug)]
pub(super) struct Table<T> {
    by_id: HashMap<String, T>,
    /// Name in lower case to id.
    names: BTreeMap<String, String>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { by_id: HashMap::new(), names: BTreeMap::new() }
    }
}

impl<T: Named> Table<T> {
    pub(super) fn len(&self) -> usize {
        self.by_id.len()
    }

    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.by_id.get(id)
    }

    /// The one of exactly this name.
    pub(super) fn find(&self, name: &str) -> Option<&T> {
        let thing = self.get(self.names.get(&name.to_ascii_lowercase())?)?;
        (thing.name() == name).then_some(thing)
    }

    /// Whether one has the name, in any case.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        self.names.contains_key(&name.to_ascii_lowercase())
    }

    /// Whether another thing than that of this id has the name, in any case.
    pub(super) fn is_anothers(&self, name: &str, id: &str) -> bool {
        self.names.get(&name.to_ascii_lowercase()).is_some_and(|other| other != id)
    }

    /// All, in the order of their names in lower case, which come along.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &T)> {
        self.names.iter().filter_map(|(name, id)| Some((name.as_str(), self.by_id.get(id)?)))
    }

    /// Adds one, or puts it in the place of that with its id, which is given back.
    pub(super) fn put(&mut self, thing: T) -> Option<T> {
        let before = self.remove(thing.id());
        self.names.insert(thing.name().to_ascii_lowercase(), thing.id().to_owned());
        self.by_id.insert(thing.id().to_owned(), thing);
        before
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        let thing = self.by_id.remove(id)?;
        self.names.remove(&thing.name().to_ascii_lowercase());
        Some(thing)
    }
}
