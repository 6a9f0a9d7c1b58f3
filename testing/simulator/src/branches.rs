//! Branches of distributed transactions: a client stages and prepares in one go; who decides, and how many deaths of the
//! node later, is another matter.

use ternmq_broker::{
    BranchError, BranchId, BranchView, Commit, Decision, DeliveryId, Publish, Published, Receipt, Vote,
};
use ternmq_message::{Message, MessageMeta};

use crate::checker::{Violation, body_of, broken, head_of};
use crate::clients::DIRECT;
use crate::history::{Event, Outcome};
use crate::world::World;

/// Most branches that wait for their decision.
const MOST_OPEN: usize = 6;

/// A prepared branch as its client knows it.
#[derive(Clone, Debug)]
pub(crate) struct OpenBranch {
    /// Label of its session.
    pub(crate) label: u32,
    pub(crate) deliveries: Vec<u64>,
}

fn id_of(branch: u32) -> BranchId {
    BranchId::new(7, &branch.to_le_bytes(), b"").unwrap_or_else(|| unreachable!("it is short"))
}

/// The number of a branch.
pub(crate) fn number_of(id: &BranchId) -> u32 {
    id.global().try_into().map_or(0, u32::from_le_bytes)
}

fn refused(verb: &str, error: &BranchError) -> Violation {
    broken("I6", format!("{verb} of a branch was refused though nothing speaks against it: {error:?}"))
}

impl World {
    /// One verb of a transaction manager.
    pub(crate) fn act_in_branch(&mut self) -> Result<(), Violation> {
        let open = self.node.broker.branch_views(None);
        let is_deciding = open.len() >= MOST_OPEN || self.branch_work.chance(1, 2);
        if !is_deciding {
            return self.prepare_branch();
        }
        if open.is_empty() {
            return Ok(());
        }
        let at = self.branch_work.below(open.len() as u64) as usize;
        let is_commit = self.branch_work.chance(1, 2);
        let by = self.branch_work.chance(3, 4);
        self.decide_branch(&open[at], is_commit, by)
    }

    fn prepare_branch(&mut self) -> Result<(), Violation> {
        let free: Vec<usize> =
            (0..self.clients.len()).filter(|at| !self.clients[*at].is_transactional).collect();
        if free.is_empty() || self.node.is_low_on_disk() {
            return Ok(());
        }
        let at = free[self.branch_work.below(free.len() as u64) as usize];
        self.next_label += 1;
        let branch = self.next_label;
        let (session, label) = (self.clients[at].session, self.clients[at].label);
        let id = id_of(branch);
        self.node.broker.begin_branch(session, &id).map_err(|error| refused("begin", &error))?;
        self.note(Event::Select { session: branch })?;
        for _ in 0..self.branch_work.below(4) {
            self.stage_in_branch(at, branch, &id)?;
        }
        let mut deliveries = Vec::new();
        for _ in 0..self.branch_work.below(4) {
            let unsettled = &mut self.clients[at].unsettled;
            if unsettled.is_empty() {
                break;
            }
            let delivery = unsettled.remove(self.branch_work.below(unsettled.len() as u64) as usize);
            self.node
                .broker
                .accept_in_branch(session, &id, DeliveryId(delivery))
                .map_err(|error| refused("accept", &error))?;
            deliveries.push(delivery);
        }
        let prepared = if self.branch_work.chance(1, 6) {
            let _nothing = self.node.broker.roll_back_branch(session, &id);
            None
        } else {
            match self.node.broker.prepare_branch(session, &id) {
                Ok(done) => Some(done).filter(|done| done.value == Vote::Prepared),
                Err(BranchError::RolledBack { .. }) => None,
                Err(error) => return Err(refused("prepare", &error)),
            }
        };
        let Some(done) = prepared else {
            self.note(Event::Rollback { session: branch })?;
            self.give_deliveries_back(label, &deliveries);
            return self.hand_out();
        };
        let op = self.new_op(done.receipt);
        self.note(Event::Prepare { op, branch, session: label, deliveries: deliveries.clone() })?;
        self.open_branches.insert(branch, OpenBranch { label, deliveries });
        self.answer_at_once(op, done.receipt)?;
        self.hand_out()
    }

    fn stage_in_branch(&mut self, at: usize, branch: u32, id: &BranchId) -> Result<(), Violation> {
        let (node, key) = match self.branch_work.below(4) {
            0 => (DIRECT, format!("k-{}", self.branch_work.below(3))),
            _ => ("", format!("q-{}", self.branch_work.below(crate::clients::QUEUES))),
        };
        self.next_message += 1;
        let message = self.next_message;
        let meta = MessageMeta {
            is_durable: self.branch_work.chance(5, 6),
            priority: self.branch_work.below(5) as u8,
            ..MessageMeta::default()
        };
        let Ok(made) = Message::new(node, &key, &head_of(message), &body_of(message), meta, None) else {
            return Ok(());
        };
        let publish = Publish { message: made, extra_keys: &[], claimed_user: None };
        let session = self.clients[at].session;
        match self.node.broker.publish_in_branch(session, id, publish, None) {
            Ok(Published::Accepted(_)) => {}
            Ok(other) => return Err(broken("I6", format!("a staged message is answered with {other:?}"))),
            Err(error) => return Err(refused("publish", &error)),
        }
        let op = self.new_op(Receipt::NONE);
        let is_routed = self.is_bound(node, &key);
        self.note(Event::Publish {
            op,
            session: branch,
            message,
            node: node.into(),
            key,
            is_durable: meta.is_durable,
            priority: meta.priority,
            ttl_ms: None,
            outcome: Outcome::Unknown,
            is_routed,
        })
    }

    /// Decides about a branch, by a client or as an operator.
    fn decide_branch(
        &mut self,
        view: &BranchView,
        is_commit: bool,
        is_client: bool,
    ) -> Result<(), Violation> {
        let branch = number_of(&view.id);
        let client = self.clients.first().filter(|_| is_client).map(|client| client.session);
        let decided = match (client, is_commit) {
            (Some(session), true) => self.node.broker.commit_branch(session, &view.id, Commit::TwoPhase),
            (Some(session), false) => self.node.broker.roll_back_branch(session, &view.id),
            (None, true) => self.node.broker.decide_branch("main", &view.id, Decision::Commit),
            (None, false) => self.node.broker.decide_branch("main", &view.id, Decision::Rollback),
        };
        let receipt = decided.map_err(|error| refused("decision", &error))?;
        let open = self.open_branches.remove(&branch);
        let restored =
            open.filter(|open| !is_commit && self.clients.iter().any(|client| client.label == open.label));
        let op = self.new_op(receipt);
        self.note(Event::Decide { op, branch, is_commit, is_restored: restored.is_some() })?;
        if let Some(OpenBranch { label, deliveries }) = restored {
            self.give_deliveries_back(label, &deliveries);
        }
        self.answer_at_once(op, receipt)?;
        self.hand_out()
    }

    fn give_deliveries_back(&mut self, label: u32, deliveries: &[u64]) {
        if let Some(client) = self.clients.iter_mut().find(|client| client.label == label) {
            client.unsettled.extend(deliveries);
            client.unsettled.sort_unstable();
        }
    }

    /// Whether a branch waits for its decision.
    pub(crate) fn has_branches(&self) -> bool {
        !self.node.broker.branch_views(None).is_empty()
    }

    /// Nothing stays in doubt.
    pub(crate) fn decide_all(&mut self) -> Result<(), Violation> {
        for view in self.node.broker.branch_views(None) {
            let is_commit = number_of(&view.id).is_multiple_of(2);
            self.decide_branch(&view, is_commit, false)?;
        }
        Ok(())
    }
}
