//! Queues and bindings as clients know them (I10).

use std::collections::BTreeMap;

use super::copies::{Place, Stage};
use super::sessions::is_match;
use super::{Checker, TOPICS, Violation, broken};
use crate::history::{Found, QueueFacts};

/// How a queue or binding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Alive,
    Deleted {
        op: u64,
        turn: u64,
    },
    /// It may be there.
    Unsure,
    Over,
}

#[derive(Clone, Debug)]
struct Queue {
    name: String,
    facts: QueueFacts,
    op: u64,
    is_confirmed: bool,
    life: Life,
}

#[derive(Clone, Debug)]
struct Binding {
    node: String,
    queue: usize,
    key: String,
    op: u64,
    is_confirmed: bool,
    life: Life,
}

/// All queues that ever were, and their bindings.
#[derive(Clone, Debug, Default)]
pub(super) struct Definitions {
    queues: Vec<Queue>,
    bindings: Vec<Binding>,
    cleared: BTreeMap<u64, Vec<usize>>,
}

impl Definitions {
    pub(super) fn declare(&mut self, op: u64, name: &str, facts: QueueFacts) {
        self.queues.push(Queue { name: name.into(), facts, op, is_confirmed: false, life: Life::Alive });
    }

    pub(super) fn bind(&mut self, op: u64, node: &str, queue: &str, key: &str) {
        let Some(queue) = self.current(queue) else { return };
        let known = |binding: &Binding| {
            binding.life == Life::Alive
                && binding.node == node
                && binding.queue == queue
                && binding.key == key
        };
        if !self.bindings.iter().any(known) {
            let (node, key) = (node.into(), key.into());
            self.bindings.push(Binding { node, queue, key, op, is_confirmed: false, life: Life::Alive });
        }
    }

    pub(super) fn unbind(&mut self, op: u64, turn: u64, node: &str, queue: &str, key: &str) {
        let Some(queue) = self.current(queue) else { return };
        for binding in &mut self.bindings {
            if binding.life == Life::Alive
                && binding.node == node
                && binding.queue == queue
                && binding.key == key
            {
                binding.life = Life::Deleted { op, turn: turn + 1 };
            }
        }
    }

    pub(super) fn name(&self, queue: usize) -> &str {
        &self.queues[queue].name
    }

    pub(super) fn facts(&self, queue: usize) -> &QueueFacts {
        &self.queues[queue].facts
    }

    pub(super) fn is_alive(&self, queue: usize) -> bool {
        matches!(self.queues[queue].life, Life::Alive | Life::Unsure)
    }

    pub(super) fn current(&self, name: &str) -> Option<usize> {
        self.queues
            .iter()
            .rposition(|queue| queue.name == name && matches!(queue.life, Life::Alive | Life::Unsure))
    }

    /// Returns that a message survives.
    pub(super) fn return_limit(&self, queue: usize) -> u32 {
        let facts = self.facts(queue);
        facts.delivery_limit.unwrap_or(if facts.is_quorum { 20 } else { u32::MAX })
    }

    /// Whether whatever dies towards this queue is kept there: it exists, was never deleted, and is durable.
    pub(super) fn is_safe_for_dead(&self, name: &str) -> bool {
        let mut lives = self.queues.iter().filter(|queue| queue.name == name);
        match (lives.next(), lives.next()) {
            (Some(only), None) => only.life == Life::Alive && only.facts.is_durable && only.is_confirmed,
            _ => false,
        }
    }

    pub(super) fn targets(&self, node: &str, key: &str) -> Vec<usize> {
        if node.is_empty() {
            return self.current(key).into_iter().collect();
        }
        let mut queues: Vec<usize> = self
            .bindings
            .iter()
            .filter(|binding| binding.life == Life::Alive && binding.node == node)
            .filter(|binding| match node {
                "sys.fanout" => true,
                TOPICS => is_match(&binding.key, key),
                _ => binding.key == key,
            })
            .map(|binding| binding.queue)
            .filter(|queue| self.is_alive(*queue))
            .collect();
        queues.sort_unstable();
        queues.dedup();
        queues
    }

    pub(super) fn is_unsure(&self, node: &str, key: &str) -> bool {
        let is_open = |life: Life| life == Life::Unsure;
        self.queues.iter().any(|queue| is_open(queue.life) && (queue.name == key || !node.is_empty()))
            || self.bindings.iter().any(|binding| is_open(binding.life))
    }

    pub(super) fn confirm(&mut self, op: u64) {
        for queue in &mut self.queues {
            queue.is_confirmed |= queue.op == op;
            if matches!(queue.life, Life::Deleted { op: deleted, .. } if deleted == op) {
                queue.life = Life::Over;
            }
        }
        for binding in &mut self.bindings {
            binding.is_confirmed |= binding.op == op;
            if matches!(binding.life, Life::Deleted { op: deleted, .. } if deleted == op) {
                binding.life = Life::Over;
            }
        }
    }

    /// Copies that the answered operation made go for good.
    pub(super) fn take_cleared(&mut self, op: u64) -> Vec<usize> {
        self.cleared.remove(&op).unwrap_or_default()
    }

    pub(super) fn gone(&mut self, durable_turn: u64) {
        self.cleared.clear();
        let crossed = |life: Life, is_durable: bool| match life {
            _ if !is_durable => Life::Unsure,
            Life::Deleted { turn, .. } if turn <= durable_turn => Life::Over,
            Life::Deleted { .. } => Life::Unsure,
            life => life,
        };
        for queue in &mut self.queues {
            if queue.life != Life::Over {
                queue.life = crossed(queue.life, queue.facts.is_durable);
                if queue.life == Life::Alive && !queue.is_confirmed {
                    queue.life = Life::Unsure;
                }
            }
        }
        for binding in &mut self.bindings {
            if binding.life != Life::Over {
                binding.life = crossed(binding.life, self.queues[binding.queue].facts.is_durable);
                if binding.life == Life::Alive && !binding.is_confirmed {
                    binding.life = Life::Unsure;
                }
            }
        }
    }
}

impl Checker {
    pub(super) fn note_delete(&mut self, op: u64, name: &str) {
        let turn = self.turn + 1;
        let Some(queue) = self.definitions.current(name) else { return };
        self.definitions.queues[queue].life = Life::Deleted { op, turn };
        for binding in &mut self.definitions.bindings {
            if binding.queue == queue && binding.life == Life::Alive {
                binding.life = Life::Deleted { op, turn };
            }
        }
        self.clear(op, queue, name, true);
    }

    pub(super) fn note_purge(&mut self, name: &str) {
        let Some(queue) = self.definitions.current(name) else { return };
        self.clear(0, queue, name, false);
    }

    /// Takes the ready copies out of a queue, and the held ones too when it is deleted.
    fn clear(&mut self, op: u64, queue: usize, name: &str, takes_held: bool) {
        let gone = Place::Gone { turn: self.turn + 1 };
        let leaves = |place: Place| match place {
            Place::Ready | Place::Unsure => true,
            Place::Held => takes_held,
            Place::Gone { .. } | Place::Over => false,
        };
        for index in 0..self.copies.len() {
            let copy = &self.copies[index];
            if copy.queue == queue && leaves(copy.home) {
                self.copies[index].is_owed = false;
                self.set_home(index, gone);
                if op != 0 {
                    self.definitions.cleared.entry(op).or_default().push(index);
                }
            }
            let copy = &self.copies[index];
            if self.definitions.facts(copy.queue).dead_to.as_deref() != Some(name) {
                continue;
            }
            let is_among_the_dead = copy.dead_seen && leaves(copy.dead);
            let may_be = self.may_have_died(copy) && !matches!(copy.home, Place::Held);
            let copy = &mut self.copies[index];
            copy.dead_lost |= may_be || is_among_the_dead;
            if is_among_the_dead && copy.dead == Place::Ready {
                copy.dead = gone;
                copy.is_owed = false;
            }
        }
        if takes_held {
            self.held.retain(|_, (index, stage)| match stage {
                Stage::Home => self.copies[*index].queue != queue,
                Stage::Dead => self.copies[*index].dead_queue != Some(queue),
            });
        }
    }

    /// After a restart: what was answered as made is there, what was answered as deleted is not (I10). Each queue
    /// carries the mark of its declaration, so that a deleted one is told from its successor.
    pub(super) fn note_back(&mut self, found: &Found) -> Result<(), Violation> {
        for index in 0..self.definitions.queues.len() {
            let Queue { name, op, .. } = &self.definitions.queues[index];
            let is_found = found.queues.iter().any(|(known, mark)| known == name && mark == op);
            self.judge_queue(index, is_found)?;
        }
        let is_declared = |(name, mark): &&(String, u64)| {
            self.definitions.queues.iter().any(|queue| queue.name == *name && queue.op == *mark)
        };
        if let Some((name, _)) = found.queues.iter().find(|queue| !is_declared(queue)) {
            return Err(broken("I10", format!("a queue '{name}' is there that nobody declared")));
        }
        self.judge_bindings(found)?;
        self.judge_branches(found)
    }

    fn judge_queue(&mut self, index: usize, is_found: bool) -> Result<(), Violation> {
        let is_maimed = self.is_maimed;
        let queue = &mut self.definitions.queues[index];
        let may_be_gone = queue.facts.is_of_clients && !self.sessions.needs_queue(&queue.name);
        match queue.life {
            Life::Over if is_found && !is_maimed => {
                return Err(broken("I10", format!("the deleted queue '{}' came back", queue.name)));
            }
            Life::Alive if !is_found && !is_maimed && !may_be_gone => {
                return Err(broken(
                    "I10",
                    format!("the queue '{}', answered as declared, is gone", queue.name),
                ));
            }
            Life::Over => return Ok(()),
            Life::Alive | Life::Unsure | Life::Deleted { .. } => {}
        }
        queue.is_confirmed |= is_found;
        if is_found {
            queue.life = Life::Alive;
            return Ok(());
        }
        queue.life = Life::Over;
        for copy in 0..self.copies.len() {
            if self.copies[copy].queue == index {
                self.copies[copy].is_owed = false;
                self.set_home(copy, Place::Over);
            }
        }
        Ok(())
    }

    fn judge_bindings(&mut self, found: &Found) -> Result<(), Violation> {
        let is_maimed = self.is_maimed;
        let Definitions { queues, bindings, .. } = &mut self.definitions;
        let mut known = Vec::new();
        for binding in bindings.iter_mut() {
            let name = &queues[binding.queue].name;
            let is_queue_alive = queues[binding.queue].life == Life::Alive;
            let triple = (binding.node.clone(), name.clone(), binding.key.clone());
            let is_found = is_queue_alive && found.bindings.contains(&triple);
            match binding.life {
                Life::Alive if !is_found && is_queue_alive && !is_maimed => {
                    return Err(broken("I10", format!("the binding {triple:?}, answered as made, is gone")));
                }
                Life::Alive | Life::Unsure | Life::Deleted { .. } => {
                    binding.life = if is_found { Life::Alive } else { Life::Over };
                    binding.is_confirmed |= is_found;
                }
                Life::Over => {}
            }
            if binding.life == Life::Alive {
                known.push(triple);
            }
        }
        match found.bindings.iter().find(|triple| !known.contains(triple)) {
            Some(triple) if !is_maimed => {
                Err(broken("I10", format!("the removed binding {triple:?} came back")))
            }
            _ => Ok(()),
        }
    }
}
