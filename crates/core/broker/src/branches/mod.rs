//! Branches of distributed transactions: what is staged in one belongs to no session, so that several connections may join
//! it, and once it is prepared it outlives all of them and the process (I6).
//!
//! ```text
//! begin, join ─▶ active ─▶ prepare ─▶ prepared ─▶ commit or rollback, by anybody of its user or an operator
//!                  └─ rolled back with the connection that began it
//! ```
//! A prepared branch keeps its messages to itself and its deliveries locked, is written again by each checkpoint, and never
//! times out. It only accepts deliveries: what becomes of them is settled by its end alone.

mod decide;
mod id;
mod keep;
mod stage;

use std::{collections::BTreeMap, ops::Bound, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashSet;
use smallvec::SmallVec;
use thiserror::Error;

pub use self::decide::{Commit, Decision, Vote};
pub use self::id::{BranchId, NoBranchId};
use crate::{
    broker::Broker,
    effect::{ConnectionId, DeliveryId, SessionId},
    error::Error,
    namespace::NamespaceId,
    transaction::Staged,
};

/// Why a branch is not dealt with as asked.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum BranchError {
    /// There is no such branch, or not of this user.
    #[error("there is no such branch")]
    Unknown,
    /// Another user has a branch of this id.
    #[error("the id is in use")]
    InUse,
    /// Nothing can be added any more: it is prepared.
    #[error("the branch is prepared")]
    Prepared,
    /// It can't be committed in two phases: it is not prepared.
    #[error("the branch is not prepared")]
    NotPrepared,
    /// It was rolled back instead.
    #[error("the branch was rolled back: {reason}")]
    RolledBack {
        /// Why.
        reason: RollbackReason,
    },
    /// The node has as many branches as it may have.
    #[error("the limit of branches ({max}) is reached")]
    TooMany {
        /// Its value.
        max: u32,
    },
    /// The core refuses the command itself.
    #[error("refused")]
    Refused(Error),
}

/// Why a branch was rolled back when it was to be prepared or committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RollbackReason {
    /// A command in it was refused, or a connection that had joined it is gone.
    #[error("something in it was refused or lost")]
    Spoilt,
    /// A queue is full.
    #[error("a queue is full")]
    QueueFull,
    /// There would be too many scheduled messages.
    #[error("the limit of scheduled messages is reached")]
    ScheduleFull,
    /// All prepared branches together would be too large.
    #[error("the limit of {max} bytes of prepared branches is reached")]
    TooLarge {
        /// Most bytes of all prepared branches.
        max: u64,
    },
}

impl From<Error> for BranchError {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// A prepared branch as an operator sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BranchView {
    /// Namespace.
    pub namespace: Arc<str>,
    /// Id.
    pub id: BranchId,
    /// User who prepared it.
    pub user: Arc<str>,
    /// Broker time in ms at which it was prepared.
    pub prepared_at_ms: u64,
    /// Messages that it publishes when it is committed.
    pub publishes: u64,
    /// Messages that it schedules when it is committed.
    pub later: u64,
    /// Deliveries that it accepts when it is committed.
    pub accepts: u64,
    /// Bytes of its messages.
    pub bytes: u64,
}

/// How far a branch is.
pub(crate) enum Stage {
    /// Commands may come.
    Active {
        /// The connection that began it and whose end rolls it back.
        owner: ConnectionId,
        /// Sessions with deliveries in it.
        sessions: SmallVec<[SessionId; 1]>,
        /// It can only be rolled back.
        is_spoilt: bool,
    },
    /// It waits for the decision.
    Prepared {
        /// Broker time in ms.
        at_ms: u64,
    },
}

pub(crate) struct Branch {
    pub(crate) id: BranchId,
    pub(crate) namespace: NamespaceId,
    pub(crate) user: Arc<str>,
    pub(crate) stage: Stage,
    pub(crate) staged: Staged,
}

impl Branch {
    pub(crate) fn is_prepared(&self) -> bool {
        matches!(self.stage, Stage::Prepared { .. })
    }
}

/// All branches.
#[derive(Default)]
pub(crate) struct Branches {
    all: BTreeMap<u64, Branch>,
    by_id: BTreeMap<(NamespaceId, BranchId), u64>,
    /// Number of the last branch; its records are known by it.
    last_number: u64,
    prepared_bytes: u64,
    /// Deliveries that are staged or prepared.
    held: HashSet<(SessionId, u64), FixedState>,
    /// The running checkpoint has still to write what comes after this branch, and of the branch after it what comes
    /// after this part; `None`: there is nothing to write.
    checkpoint: Option<(Bound<u64>, usize)>,
    /// The branch of which it wrote the last part.
    writing: Option<u64>,
    /// Parts read so far of branches whose end has not been read.
    unfinished: BTreeMap<u64, keep::Unfinished>,
}

impl Branches {
    pub(crate) fn get(&self, number: u64) -> Option<&Branch> {
        self.all.get(&number)
    }

    pub(crate) fn get_mut(&mut self, number: u64) -> Option<&mut Branch> {
        self.all.get_mut(&number)
    }

    /// Bytes of messages in prepared branches.
    pub(crate) fn prepared_bytes(&self) -> u64 {
        self.prepared_bytes
    }

    fn find(&self, namespace: NamespaceId, id: &BranchId) -> Option<u64> {
        self.by_id.get(&(namespace, id.clone())).copied()
    }

    fn insert(&mut self, number: u64, branch: Branch) {
        self.last_number = self.last_number.max(number);
        self.by_id.insert((branch.namespace, branch.id.clone()), number);
        if branch.is_prepared() {
            self.prepared_bytes += branch.staged.bytes;
        }
        self.all.insert(number, branch);
    }

    fn remove(&mut self, number: u64) -> Option<Branch> {
        let branch = self.all.remove(&number)?;
        self.by_id.remove(&(branch.namespace, branch.id.clone()));
        if branch.is_prepared() {
            self.prepared_bytes = self.prepared_bytes.saturating_sub(branch.staged.bytes);
        }
        for settle in &branch.staged.settles {
            self.held.remove(&(settle.owner, settle.number.0));
        }
        Some(branch)
    }

    /// Whether a prepared branch publishes to a queue when it is committed.
    pub(crate) fn has_for(&self, queue: u32, incarnation: u64) -> bool {
        let prepared = self.all.values().filter(|branch| branch.is_prepared());
        let mut publishes = prepared.flat_map(|branch| &branch.staged.publishes);
        publishes.any(|publish| publish.targets.contains(&(queue, incarnation)))
    }

    /// The namespace is no more.
    pub(crate) fn forget_namespace(&mut self, namespace: NamespaceId) {
        let gone = self.all.iter().filter(|(_, branch)| branch.namespace == namespace);
        let gone: Vec<u64> = gone.map(|(number, _)| *number).collect();
        for number in gone {
            self.remove(number);
        }
    }
}

impl Broker {
    /// Whether a delivery of a session is in a branch that is not decided, for adapters that number what they have handed
    /// out themselves and hear of no decision of another connection.
    #[must_use]
    pub fn is_in_branch(&self, session: SessionId, delivery: DeliveryId) -> bool {
        self.branches.held.contains(&(session, delivery.0))
    }

    /// Whether a delivery of a session waits for its settlement.
    #[must_use]
    pub fn is_unsettled(&self, session: SessionId, delivery: DeliveryId) -> bool {
        self.sessions.get(session.into()).is_some_and(|session| session.index_of(delivery).is_some())
    }

    /// The prepared branches of a namespace, or of all, in the order in which they were begun.
    #[must_use]
    pub fn branch_views(&self, namespace: Option<&str>) -> Vec<BranchView> {
        let views = self.branches.all.values().filter_map(|branch| {
            let Stage::Prepared { at_ms } = branch.stage else { return None };
            Some(BranchView {
                namespace: self.namespaces.name(branch.namespace),
                id: branch.id.clone(),
                user: branch.user.clone(),
                prepared_at_ms: at_ms,
                publishes: branch.staged.publishes.len() as u64,
                later: branch.staged.later.len() as u64,
                accepts: branch.staged.settles.len() as u64,
                bytes: branch.staged.bytes,
            })
        });
        views.filter(|view| namespace.is_none_or(|namespace| *view.namespace == *namespace)).collect()
    }
}
