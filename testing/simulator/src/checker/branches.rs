//! Branches of distributed transactions: what is prepared is neither there nor gone until it is decided, over any number of
//! crashes; which branches the node still knows tells how far a crash took it back (I6).

use super::copies::{Place, Stage};
use super::{Checker, Staged, Transaction, Violation, broken};
use crate::history::{Event, Found};

/// What became of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// It waits.
    Prepared,
    /// It was decided in this turn; a commit is a transaction of its own.
    Decided { turn: u64, commit: Option<usize> },
    /// Nothing of it is open any more.
    Over,
}

/// A delivery that is accepted in a branch.
#[derive(Clone, Copy, Debug)]
struct Hold {
    delivery: u64,
    copy: usize,
    stage: Stage,
}

/// One branch.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    /// The operation of its prepare.
    op: u64,
    /// The operation of its decision.
    decision: u64,
    session: u32,
    turn: u64,
    /// It is durable that it was prepared.
    is_certain: bool,
    fate: Fate,
    /// A crash came between: its messages may have been handed out before, by a commit that the crash took back.
    crossed: bool,
    publishes: Vec<(u64, Vec<usize>)>,
    holds: Vec<Hold>,
    /// Copies that its commit made.
    made: Vec<usize>,
}

impl Checker {
    /// An event of a branch.
    pub(super) fn note_branch_event(&mut self, event: &Event) {
        match event {
            Event::Prepare { op, branch, session, deliveries } => {
                self.note_prepare(*op, *branch, *session, deliveries);
            }
            Event::Decide { op, branch, is_commit, is_restored } => {
                self.note_decide(*op, *branch, *is_commit, *is_restored);
            }
            _ => {}
        }
    }

    /// What `branch` staged as a session of its own, and these deliveries of `session`, are prepared.
    fn note_prepare(&mut self, op: u64, branch: u32, session: u32, deliveries: &[u64]) {
        let Staged { publishes, .. } = self.staged.remove(&branch).unwrap_or_default();
        let mut holds = Vec::new();
        for delivery in deliveries {
            if let Some((copy, stage)) = self.held.remove(&(session, *delivery)) {
                holds.push(Hold { delivery: *delivery, copy, stage });
            }
        }
        let (turn, fate) = (self.turn + 1, Fate::Prepared);
        let known = Branch {
            op,
            decision: 0,
            session,
            turn,
            is_certain: false,
            fate,
            crossed: false,
            publishes,
            holds,
            made: Vec::new(),
        };
        self.branches.insert(branch, known);
    }

    /// A branch is decided. `is_restored`: its deliveries are its session's again.
    fn note_decide(&mut self, op: u64, branch: u32, is_commit: bool, is_restored: bool) {
        let Some(known) = self.branches.get(&branch).cloned() else { return };
        let mut made = Vec::new();
        let commit = is_commit.then(|| self.commit_branch(op, &known, &mut made));
        if !is_commit {
            for hold in &known.holds {
                if self.copies[hold.copy].place(hold.stage) != Place::Held {
                    continue;
                }
                if is_restored {
                    self.held.insert((known.session, hold.delivery), (hold.copy, hold.stage));
                } else {
                    self.give_back(hold.copy, hold.stage);
                }
            }
        }
        let fate = Fate::Decided { turn: self.turn + 1, commit };
        self.branches.insert(branch, Branch { fate, decision: op, made, ..known });
    }

    fn commit_branch(&mut self, op: u64, branch: &Branch, all: &mut Vec<usize>) -> usize {
        let mut transaction =
            Transaction { op, turn: self.turn + 1, is_certain: true, ..Transaction::default() };
        for (message, targets) in &branch.publishes {
            let made = self.make_copies(op, *message, targets, false);
            for copy in &made {
                let is_same = |old: &&usize| {
                    self.copies[**old].message == *message
                        && self.copies[**old].queue == self.copies[*copy].queue
                };
                let before = branch.made.iter().find(is_same).map(|old| self.copies[*old].deliveries);
                self.copies[*copy].deliveries = before.unwrap_or_default();
                self.copies[*copy].crossed = branch.crossed;
            }
            all.extend(&made);
            transaction.published.extend(made.into_iter().filter(|copy| self.copies[*copy].is_kept));
        }
        let gone = Place::Gone { turn: self.turn + 1 };
        for Hold { copy, stage, .. } in branch.holds.iter().copied() {
            if self.copies[copy].place(stage) != Place::Held {
                continue;
            }
            self.copies[copy].is_owed = false;
            self.set_place(copy, stage, gone);
            if self.copies[copy].is_kept {
                transaction.settled.push((copy, stage));
            }
        }
        let index = self.transactions.len();
        for copy in transaction.published.iter().chain(transaction.settled.iter().map(|(copy, _)| copy)) {
            self.transaction_of.entry(*copy).or_default().push(index);
        }
        self.transactions.push(transaction);
        index
    }

    /// An answer tells that a prepare or a decision is durable.
    pub(super) fn confirm_branch(&mut self, op: u64) {
        for branch in self.branches.values_mut() {
            branch.is_certain |= branch.op == op;
            if branch.decision == op && matches!(branch.fate, Fate::Decided { .. }) {
                branch.fate = Fate::Over;
            }
        }
    }

    /// The node went away with what was durable up to this turn.
    pub(super) fn note_branches_gone(&mut self, durable_turn: u64, is_clean: bool) {
        for branch in self.branches.values_mut() {
            branch.is_certain |= branch.turn <= durable_turn;
            branch.crossed |= !is_clean;
            if matches!(branch.fate, Fate::Decided { turn, .. } if turn <= durable_turn) {
                branch.fate = Fate::Over;
            }
        }
    }

    /// The node is back: the branches that it knows are those that are prepared and not decided.
    pub(super) fn judge_branches(&mut self, found: &Found) -> Result<(), Violation> {
        if self.is_maimed {
            return Ok(());
        }
        if let Some(branch) = found.branches.iter().find(|branch| !self.branches.contains_key(*branch)) {
            return Err(broken("I6", format!("branch {branch} is there that nobody prepared")));
        }
        for number in self.branches.keys().copied().collect::<Vec<_>>() {
            let Some(branch) = self.branches.get(&number).cloned() else { continue };
            let is_found = found.branches.contains(&number);
            let fate = match branch.fate {
                Fate::Over if is_found => {
                    return Err(broken(
                        "I6",
                        format!("branch {number}, which was decided, is prepared again"),
                    ));
                }
                Fate::Over => continue,
                Fate::Prepared if !is_found && branch.is_certain => {
                    return Err(broken("I6", format!("branch {number}, answered as prepared, is gone")));
                }
                Fate::Prepared if !is_found => Fate::Over,
                Fate::Decided { commit, .. } => {
                    let open = commit.filter(|commit| self.transactions[*commit].happened.is_none());
                    // One that was not surely prepared may be undone as a whole: its parts will tell.
                    if let Some(commit) = open.filter(|_| is_found || branch.is_certain) {
                        self.resolve(commit, !is_found);
                    }
                    if is_found { Fate::Prepared } else { Fate::Over }
                }
                Fate::Prepared => Fate::Prepared,
            };
            if fate == Fate::Prepared {
                branch.holds.iter().for_each(|hold| self.hold_again(hold));
                // What its commit had made never was; another commit makes it anew.
                self.copies_of
                    .values_mut()
                    .for_each(|copies| copies.retain(|copy| !branch.made.contains(copy)));
            }
            self.branches.insert(number, Branch { fate, is_certain: true, ..branch });
        }
        Ok(())
    }

    /// What a prepared branch holds is with nobody, if a restart keeps it and its queue is there.
    fn hold_again(&mut self, Hold { copy, stage, .. }: &Hold) {
        let (state, place) = (&mut self.copies[*copy], Place::Held);
        if !state.is_kept || state.place(*stage) == Place::Over {
            return;
        }
        state.is_confirmed = true;
        state.is_owed = true;
        self.set_place(*copy, *stage, place);
    }
}
