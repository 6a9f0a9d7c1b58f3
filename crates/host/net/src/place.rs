//! Places of one listener: how many connections it may have at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// Counts connections of one listener.
#[derive(Debug, Default)]
pub(crate) struct Places {
    most: Option<u32>,
    taken: Arc<AtomicU32>,
}

/// One connection's place; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Place(Arc<AtomicU32>);

impl Places {
    /// At most so many; absent: as many as the node has.
    pub(crate) fn new(most: Option<u32>) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// Takes a place. `None`: there is none left.
    pub(crate) fn take(&self) -> Option<Place> {
        // One thread accepts: nobody takes a place between the two.
        let taken = self.taken.load(Ordering::Relaxed);
        if self.most.is_some_and(|most| taken >= most) {
            return None;
        }
        self.taken.fetch_add(1, Ordering::Relaxed);
        Some(Place(self.taken.clone()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_come_back() {
        let places = Places::new(Some(2));
        let (first, second) = (places.take(), places.take());
        assert!(first.is_some() && second.is_some() && places.take().is_none());
        drop(first);
        assert!(places.take().is_some());
        let many = Places::new(None);
        let held: Vec<_> = (0..10_000).map(|_| many.take()).collect();
        assert!(held.iter().all(Option::is_some));
    }
}
