//! Topic lookup: plain keys in one table, patterns in a trie of words.
//!
//! The trie is walked one word at a time with the set of places that the words so far can have led to. A many-place
//! keeps its place for all words that follow, so it is entered once and then stays in a list of its own. Because a
//! pattern has at most two many-words and neighbours are folded, only the second one can be entered twice; a stamp per
//! many-place prevents that. Hence each place is in the set at most once per word.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    sync::Arc,
};

use foldhash::fast::FixedState;
use hashbrown::{HashMap, HashTable};
use slab::Slab;
use smallvec::SmallVec;

use crate::{
    binding::Target,
    matcher::{ByKey, Targets, remove_from},
    route::{Steps, TooManySteps},
    wildcards::{Wildcards, Word},
};

/// Index of the trie's first place.
const ROOT: usize = 0;

#[derive(Debug)]
pub(crate) struct TopicTable {
    wildcards: Wildcards,
    /// Bindings whose key has no wildcard.
    plain: ByKey,
    places: Slab<Place>,
    edges: HashTable<Edge>,
    /// Many-places, numbered densely for the stamps.
    many_places: Slab<()>,
    hasher: FixedState,
}

/// A place in the trie: a beginning of patterns.
#[derive(Debug, Default)]
struct Place {
    /// Exact words that lead on from here.
    edge_count: u32,
    one: Option<u32>,
    many: Option<u32>,
    /// Number among the many-places, when a many-word leads here.
    stamp: Option<u32>,
    targets: Targets,
}

impl Place {
    fn is_end(&self) -> bool {
        self.edge_count == 0 && self.one.is_none() && self.many.is_none()
    }
}

/// An exact word that leads from one place to the next.
#[derive(Debug)]
struct Edge {
    from: u32,
    to: u32,
    word: SmallVec<[u8; 16]>,
}

/// Memory of a walk, kept by the caller from one to the next.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    here: Vec<u32>,
    next: Vec<u32>,
    /// Many-places reached so far.
    stay: Vec<u32>,
    stamps: Vec<u32>,
    stamp: u32,
}

impl TopicTable {
    pub(crate) fn new(wildcards: Wildcards, hasher: FixedState) -> Self {
        let mut places = Slab::new();
        places.insert(Place::default());
        Self {
            wildcards,
            plain: HashMap::with_hasher(hasher.clone()),
            places,
            edges: HashTable::new(),
            many_places: Slab::new(),
            hasher,
        }
    }

    pub(crate) fn wildcards(&self) -> Wildcards {
        self.wildcards
    }

    pub(crate) fn add(&mut self, pattern: &Arc<str>, target: Target) {
        if self.wildcards.is_plain(pattern) {
            self.plain.entry(Arc::clone(pattern)).or_default().add(target);
            return;
        }
        let mut at = ROOT;
        for word in folded(self.wildcards.pattern_words(pattern)) {
            at = match self.step(at, word) {
                Some(next) => next,
                None => self.grow(at, word),
            };
        }
        if let Some(place) = self.places.get_mut(at) {
            place.targets.add(target);
        }
    }

    pub(crate) fn remove(&mut self, pattern: &str, target: Target) {
        if self.wildcards.is_plain(pattern) {
            remove_from(&mut self.plain, pattern, target);
            return;
        }
        let mut at = ROOT;
        let mut path = Vec::new();
        for word in folded(self.wildcards.pattern_words(pattern)) {
            let Some(next) = self.step(at, word) else { return };
            path.push((at, word));
            at = next;
        }
        if let Some(place) = self.places.get_mut(at) {
            place.targets.remove(target);
        }
        for (parent, word) in path.into_iter().rev() {
            if !self.places.get(at).is_some_and(|place| place.is_end() && place.targets.is_empty()) {
                return;
            }
            self.cut(parent, word, at);
            at = parent;
        }
    }

    /// Gives every target of every binding that matches to `found`; a target can come more than once.
    pub(crate) fn find(
        &self,
        key: &str,
        walk: &mut Walk,
        steps: &mut Steps,
        mut found: impl FnMut(Target),
    ) -> Result<(), TooManySteps> {
        if let Some(targets) = self.plain.get(key) {
            targets.for_each(&mut found);
        }
        // Only the root: no pattern has a wildcard.
        if self.places.len() == 1 {
            return Ok(());
        }
        walk.start(self.many_places.capacity());
        self.enter(ROOT as u32, walk);
        walk.here.append(&mut walk.next);
        for word in self.wildcards.words(key) {
            let stay_count = walk.stay.len();
            steps.take(walk.here.len() + stay_count)?;
            for index in 0..walk.here.len() + stay_count {
                let list = if index < stay_count { &walk.stay } else { &walk.here };
                let place_index = if index < stay_count { index } else { index - stay_count };
                let Some(&at) = list.get(place_index) else { continue };
                self.follow(at, word, walk);
            }
            std::mem::swap(&mut walk.here, &mut walk.next);
            walk.next.clear();
        }
        for at in walk.here.iter().chain(&walk.stay) {
            if let Some(place) = self.places.get(*at as usize) {
                place.targets.for_each(&mut found);
            }
        }
        Ok(())
    }

    /// Enters the places that `word` leads to from `at`.
    fn follow(&self, at: u32, word: &str, walk: &mut Walk) {
        let Some(place) = self.places.get(at as usize) else { return };
        if place.edge_count > 0
            && let Some(edge) = self.edge(at, word)
        {
            self.enter(edge.to, walk);
        }
        if let Some(one) = place.one {
            self.enter(one, walk);
        }
    }

    fn enter(&self, at: u32, walk: &mut Walk) {
        walk.next.push(at);
        let Some(many) = self.places.get(at as usize).and_then(|place| place.many) else { return };
        let stamp = self.places.get(many as usize).and_then(|place| place.stamp);
        if let Some(seen) = stamp.and_then(|stamp| walk.stamps.get_mut(stamp as usize))
            && *seen != walk.stamp
        {
            *seen = walk.stamp;
            walk.stay.push(many);
        }
    }

    fn edge(&self, from: u32, word: &str) -> Option<&Edge> {
        let is_wanted = |edge: &Edge| edge.from == from && *edge.word == *word.as_bytes();
        self.edges.find(edge_hash(&self.hasher, from, word.as_bytes()), is_wanted)
    }

    fn step(&self, at: usize, word: Word<'_>) -> Option<usize> {
        let next = match word {
            Word::Exact(word) => self.edge(at as u32, word).map(|edge| edge.to),
            Word::One => self.places.get(at)?.one,
            Word::Many => self.places.get(at)?.many,
        };
        next.map(|next| next as usize)
    }

    fn grow(&mut self, at: usize, word: Word<'_>) -> usize {
        let stamp = (word == Word::Many).then(|| self.many_places.insert(()) as u32);
        let next = self.places.insert(Place { stamp, ..Place::default() });
        if let Some(place) = self.places.get_mut(at) {
            match word {
                Word::Exact(_) => place.edge_count += 1,
                Word::One => place.one = Some(next as u32),
                Word::Many => place.many = Some(next as u32),
            }
        }
        if let Word::Exact(word) = word {
            let edge = Edge { from: at as u32, to: next as u32, word: word.as_bytes().into() };
            let (hasher, hash) = (&self.hasher, edge_hash(&self.hasher, edge.from, &edge.word));
            self.edges.insert_unique(hash, edge, |edge| edge_hash(hasher, edge.from, &edge.word));
        }
        next
    }

    /// Removes `child`, a place without anything in or after it, from under `parent`.
    fn cut(&mut self, parent: usize, word: Word<'_>, child: usize) {
        if let Some(stamp) = self.places.try_remove(child).and_then(|place| place.stamp) {
            self.many_places.try_remove(stamp as usize);
        }
        let Some(place) = self.places.get_mut(parent) else { return };
        match word {
            Word::One => place.one = None,
            Word::Many => place.many = None,
            Word::Exact(word) => {
                place.edge_count -= 1;
                let hash = edge_hash(&self.hasher, parent as u32, word.as_bytes());
                if let Ok(entry) = self.edges.find_entry(hash, |edge| edge.to == child as u32) {
                    entry.remove();
                }
            }
        }
    }
}

impl Walk {
    fn start(&mut self, many_count: usize) {
        self.here.clear();
        self.next.clear();
        self.stay.clear();
        self.stamp = self.stamp.wrapping_add(1);
        if self.stamp == 0 {
            self.stamps.fill(0);
            self.stamp = 1;
        }
        if self.stamps.len() < many_count {
            self.stamps.resize(many_count, 0);
        }
    }
}

fn edge_hash(hasher: &FixedState, from: u32, word: &[u8]) -> u64 {
    let mut state = hasher.build_hasher();
    state.write_u32(from);
    word.hash(&mut state);
    state.finish()
}

/// Words with neighbouring many-words as one: they match the same.
fn folded<'a>(words: impl Iterator<Item = Word<'a>>) -> impl Iterator<Item = Word<'a>> {
    let mut was_many = false;
    words.filter(move |word| {
        let is_repeat = was_many && *word == Word::Many;
        was_many = *word == Word::Many;
        !is_repeat
    })
}
