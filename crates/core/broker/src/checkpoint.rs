//! Checkpoints: so that a restart reads little. A checkpoint is written a bit per turn, as ordinary records: all
//! definitions at once, then the state of one queue after the other, wills, what is retained, prepared branches and what is scheduled, each
//! true at its own place in the log. When its last record is durable, recovery starts at its first one, and segments that nothing
//! needs go.

use ternmq_stdx::layout::Writer;

use crate::{
    broker::Broker,
    definition::{BindingRecord, Definition, GrantsDefinition, NodeRecord, TargetKind},
    log::{Durable, Grouping, Receipt},
    records::{kind, write_definition, write_snapshot},
};

/// Most queues and bytes of snapshots written in one turn.
const STEP_QUEUES: usize = 256;
const STEP_BYTES: u64 = 256 << 10;

/// What the host must tell the journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogRequest {
    /// Recovery starts at this position from now on.
    PublishCheckpoint {
        /// Position of the checkpoint's first record.
        start: u64,
    },
    /// Nothing in these segments is needed.
    Release {
        /// Numbers of the segments.
        segments: Vec<u64>,
    },
}

/// Progress of checkpoints.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    /// Start of the one that is being written, and the next queue to write.
    running: Option<(u64, u32)>,
    /// Start of one that is written and waits to be durable.
    written: Option<(u64, Receipt)>,
    pub(crate) last_start: u64,
    /// What the last one took in the log.
    pub(crate) last_bytes: u64,
    is_requested: bool,
    requests: Vec<LogRequest>,
    /// Segments that nothing needed when the checkpoint on its way began. Only these go with it: what became needless
    /// later may still be told of by what it wrote before (I1).
    needless: Vec<u64>,
    /// Segments up to this one are known to the segment counts.
    touched: u64,
}

impl Broker {
    /// Asks for a checkpoint soon, for example before a clean stop.
    pub fn request_checkpoint(&mut self) {
        self.checkpoint.is_requested = true;
    }

    /// Whether a checkpoint is wanted, being written, or not durable yet: turns should go on.
    #[must_use]
    pub fn is_checkpointing(&self) -> bool {
        let checkpoint = &self.checkpoint;
        checkpoint.is_requested || checkpoint.running.is_some() || checkpoint.written.is_some()
    }

    /// Whether the next turn has a step of a checkpoint or of copying forward to do, even if nothing else happens.
    #[must_use]
    pub fn wants_turn(&self) -> bool {
        self.checkpoint.running.is_some()
            || self.wants_forward()
            || !self.woken.is_empty()
            || !self.catch_ups.is_empty()
            || (!self.is_checkpointing() && self.has_room_to_free())
            || (self.checkpoint.is_requested && self.checkpoint.written.is_none())
    }

    /// Next thing to tell the journal, in order.
    pub fn poll_log_request(&mut self) -> Option<LogRequest> {
        if self.checkpoint.requests.is_empty() { None } else { Some(self.checkpoint.requests.remove(0)) }
    }

    pub(crate) fn step_checkpoint(&mut self) {
        let now_at = self.log.next_pos();
        let segment = now_at / self.log.segment_bytes();
        while self.checkpoint.touched <= segment {
            self.segments.touch(self.checkpoint.touched);
            self.checkpoint.touched += 1;
        }
        match self.checkpoint.running {
            Some((start, next)) => self.write_snapshots(start, next),
            None if self.checkpoint.written.is_some() => {}
            None => {
                let grown = now_at.saturating_sub(self.checkpoint.last_start);
                // Retained and scheduled messages, prepared branches and remarks are written again each time: they must not be most of
                // what is written.
                let repeated_bytes = self.retained.bytes()
                    + self.scheduled.bytes()
                    + self.branches.prepared_bytes()
                    + self.remarks.bytes();
                let due_bytes = self.limits.checkpoint_bytes.max(2 * repeated_bytes);
                let is_due = self.checkpoint.is_requested || grown >= due_bytes;
                if is_due || self.has_room_to_free() {
                    self.start_checkpoint(now_at);
                }
            }
        }
    }

    fn start_checkpoint(&mut self, start: u64) {
        self.checkpoint.is_requested = false;
        self.scratch.clear();
        self.scratch.u64(self.time.ms());
        self.log.append(kind::CHECKPOINT_START, Grouping::Ends, &[self.scratch.bytes()]);
        let remnants = self.queues.remnants().filter(|(_, slot)| slot.is_logged());
        let remnants: Vec<Definition> = remnants
            .map(|(id, slot)| Definition::PutRemnant(slot.record(id, self.namespaces.name(slot.namespace))))
            .collect();
        for definition in self.all_definitions().into_iter().chain(remnants) {
            self.scratch.clear();
            write_definition(&mut self.scratch, &definition);
            self.log.append(kind::DEFINITION, Grouping::Ends, &[self.scratch.bytes()]);
        }
        self.log.append(kind::CHECKPOINT_DEFINED, Grouping::Ends, &[]);
        self.clients.next_will = Some(0);
        self.write_producers();
        self.retained.start_checkpoint();
        self.start_branch_checkpoint();
        self.scheduled.start_checkpoint();
        for id in self.queues.all_ids() {
            if let Some(slot) = self.queues.any_mut(id) {
                slot.owes_snapshot = slot.is_logged();
            }
        }
        self.checkpoint.needless = self.segments.dead_before(start / self.log.segment_bytes());
        self.checkpoint.running = Some((start, 0));
    }

    fn write_snapshots(&mut self, start: u64, first: u32) {
        let began = self.log.next_pos();
        let end = self.queues.end_id();
        let mut next = first;
        let mut count = 0;
        let mut out = Writer::default();
        while next < end && count < STEP_QUEUES && self.log.next_pos() - began < STEP_BYTES {
            if let Some(slot) = self.queues.any_mut(next)
                && slot.owes_snapshot
            {
                slot.owes_snapshot = false;
                count += 1;
                out.clear();
                write_snapshot(&mut out, next, slot.incarnation, &slot.machine.snapshot());
                self.log.append(kind::SNAPSHOT, Grouping::Ends, &[out.bytes()]);
                self.write_remarks(next);
            }
            next += 1;
        }
        let room = |log_pos: u64| STEP_BYTES.saturating_sub(log_pos - began);
        let is_whole = next >= end
            && self.write_wills(room(self.log.next_pos()))
            && self.write_retained(room(self.log.next_pos()))
            && self.write_branches(room(self.log.next_pos()))
            && self.write_scheduled(room(self.log.next_pos()));
        if !is_whole {
            self.checkpoint.running = Some((start, next));
            return;
        }
        let last = self.log.append(kind::GROUP_END, Grouping::Ends, &[]);
        self.checkpoint.last_bytes = self.log.next_pos() - start;
        self.checkpoint.running = None;
        self.checkpoint.written = Some((start, last.receipt()));
    }

    pub(crate) fn on_durable_checkpoint(&mut self, durable: Durable) {
        let Some((start, receipt)) = self.checkpoint.written else { return };
        if !durable.covers(receipt) {
            return;
        }
        self.checkpoint.written = None;
        self.checkpoint.last_start = start;
        self.checkpoint.requests.push(LogRequest::PublishCheckpoint { start });
        let segments = std::mem::take(&mut self.checkpoint.needless);
        self.segments.forget(&segments);
        self.forget_passed_by(&segments);
        if !segments.is_empty() {
            self.checkpoint.requests.push(LogRequest::Release { segments });
        }
    }

    /// Makes the segments that the journal has known to the counts.
    pub(crate) fn touch_segments(&mut self, segments: &[u64]) {
        for segment in segments {
            self.segments.touch(*segment);
        }
        self.checkpoint.touched = self.log.next_pos() / self.log.segment_bytes();
    }

    /// Everything that outlives a restart, in an order in which it can be applied.
    pub(crate) fn all_definitions(&self) -> Vec<Definition> {
        let mut all: Vec<Definition> = self.kept_mark.iter().cloned().map(Definition::PutMark).collect();
        all.extend(self.authority.salt_key.iter().cloned().map(Definition::PutSaltKey));
        all.extend(self.namespaces().into_iter().map(Definition::PutNamespace));
        // Before the users, so that none of them is free for a moment of a recovery.
        all.extend(self.grants().map(|(user, grants)| {
            Definition::PutGrants(GrantsDefinition { user: user.clone(), grants: grants.clone() })
        }));
        all.extend(self.users().into_iter().map(Definition::PutUser));
        all.extend(self.permissions().into_iter().map(Definition::PutPermission));
        all.extend(self.key_permissions().into_iter().map(Definition::PutKeyPermission));
        all.extend(self.policies().cloned().map(Definition::PutPolicy));
        all.extend(self.durable_nodes().into_iter().map(Definition::PutNode));
        for (id, slot) in self.queues.iter().filter(|(_, slot)| slot.is_logged()) {
            all.push(Definition::PutQueue(slot.record(id, self.namespaces.name(slot.namespace))));
        }
        let lapsing = self.queues.iter().filter(|(_, slot)| slot.is_logged() && slot.lapse.is_some());
        all.extend(lapsing.filter_map(|(id, _)| self.lapse_record(id)).map(Definition::PutLapse));
        all.extend(self.durable_bindings().into_iter().map(Definition::PutBinding));
        self.add_client_definitions(&mut all);
        all
    }

    fn durable_nodes(&self) -> Vec<NodeRecord> {
        let mut nodes = Vec::new();
        for (_, namespace) in self.namespaces.iter() {
            nodes.extend(self.node_records(namespace).into_iter().filter(|record| record.is_durable));
        }
        nodes
    }

    fn durable_bindings(&self) -> Vec<BindingRecord> {
        let mut bindings = Vec::new();
        for (_, namespace) in self.namespaces.iter() {
            let is_durable_node = |name: &str| {
                let topology = &namespace.topology;
                topology.find_node(name).and_then(|id| topology.node(id)).is_some_and(|spec| spec.is_durable)
            };
            bindings.extend(self.binding_records(namespace).into_iter().filter(|record| {
                let is_target_durable = match record.target_kind {
                    TargetKind::Node => is_durable_node(&record.target),
                    TargetKind::Queue => namespace
                        .topology
                        .find_queue(&record.target)
                        .and_then(|id| self.queues.get(id.0))
                        .is_some_and(|slot| slot.is_logged()),
                };
                is_target_durable && is_durable_node(&record.source)
            }));
        }
        bindings
    }
}
