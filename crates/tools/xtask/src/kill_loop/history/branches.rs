//! Branches of distributed transactions, over any number of lives: what is prepared is neither there nor gone until it is decided
//! (I6). The list that the broker gives at the beginning of a life tells what became of those whose answer the kill took.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Fate, Fates, MessageId, Verdict};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// No answer has said that it is prepared.
    Begun,
    Prepared,
    /// The decision was sent.
    Deciding {
        is_commit: bool,
    },
    Over {
        is_commit: bool,
    },
}

impl Stage {
    /// Whether what it publishes may be seen.
    fn may_be_there(self) -> bool {
        matches!(self, Self::Deciding { is_commit: true } | Self::Over { is_commit: true })
    }

    /// Whether what it took may be with somebody else.
    fn may_be_back(self) -> bool {
        matches!(self, Self::Deciding { is_commit: false } | Self::Over { is_commit: false })
    }
}

#[derive(Debug)]
struct Branch {
    stage: Stage,
    published: Vec<MessageId>,
    taken: Vec<MessageId>,
}

/// All branches of a run.
#[derive(Debug, Default)]
pub(super) struct Branches {
    all: BTreeMap<u64, Branch>,
    /// What the list that is being read has.
    listed: BTreeSet<u64>,
}

impl Branches {
    /// Looks at an event before anybody else does.
    pub(super) fn apply(&mut self, fates: &mut Fates, verdict: &mut Verdict, event: Event) {
        match event {
            Event::Begun { branch } => {
                let own = fates.iter().filter(|(_, fate)| fate.group == Some(branch));
                let published = own.map(|(id, _)| *id).collect();
                self.all.insert(branch, Branch { stage: Stage::Begun, published, taken: Vec::new() });
            }
            Event::Taken { id, branch } => {
                let fate = fates.entry(id).or_default();
                (fate.taken_in, fate.was_acked, fate.is_held) = (Some(branch), true, false);
                self.all.entry(branch).and_modify(|branch| branch.taken.push(id));
            }
            Event::Prepared { branch } => self.set_stage(branch, Stage::Prepared),
            Event::Deciding { branch, is_commit } => self.set_stage(branch, Stage::Deciding { is_commit }),
            Event::Decided { branch, is_held_again } => self.end(fates, branch, is_held_again),
            Event::InDoubt { branch } => {
                self.listed.insert(branch);
                verdict.in_doubt += 1;
            }
            Event::Recovered => self.compare(fates, verdict),
            Event::Delivered { id, .. } => {
                if let Some(fate) = fates.get(&id)
                    && !self.may_be_delivered(fate)
                {
                    verdict.seen_in_doubt.push(id);
                }
            }
            Event::Published { .. }
            | Event::Confirmed { .. }
            | Event::Acked { .. }
            | Event::Processed { .. }
            | Event::Settled { .. } => {}
        }
    }

    fn set_stage(&mut self, branch: u64, stage: Stage) {
        self.all.entry(branch).and_modify(|branch| branch.stage = stage);
    }

    fn stage(&self, branch: Option<u64>) -> Option<Stage> {
        Some(self.all.get(&branch?)?.stage)
    }

    /// What a committed branch took is judged as what is settled.
    fn may_be_delivered(&self, fate: &Fate) -> bool {
        let is_there = self.stage(fate.group).is_none_or(Stage::may_be_there);
        let is_free = |stage: Stage| stage.may_be_back() || stage == Stage::Over { is_commit: true };
        is_there && self.stage(fate.taken_in).is_none_or(is_free)
    }

    /// The decision that was sent last is carried out.
    fn end(&mut self, fates: &mut Fates, number: u64, is_held_again: bool) {
        let Some(branch) = self.all.get_mut(&number) else { return };
        let is_commit = branch.stage.may_be_there();
        branch.stage = Stage::Over { is_commit };
        if is_commit {
            branch.published.iter().for_each(|id| fates.entry(*id).or_default().is_confirmed = true);
        }
        for id in &branch.taken {
            let fate = fates.entry(*id).or_default();
            if is_commit {
                fate.is_settled = true;
            } else if fate.taken_in == Some(number) {
                (fate.taken_in, fate.was_acked, fate.is_held) = (None, false, is_held_again || fate.is_held);
            }
        }
    }

    /// Nothing is open between broker and clients: the list is of just those that are prepared and not decided.
    fn compare(&mut self, fates: &mut Fates, verdict: &mut Verdict) {
        let listed = std::mem::take(&mut self.listed);
        verdict.misremembered.extend(listed.iter().filter(|branch| !self.all.contains_key(branch)));
        let stages: Vec<(u64, Stage)> =
            self.all.iter().map(|(number, branch)| (*number, branch.stage)).collect();
        for (number, stage) in stages {
            match (stage, listed.contains(&number)) {
                (Stage::Over { .. }, true) | (Stage::Prepared, false) => verdict.misremembered.push(number),
                (Stage::Over { .. }, false) => {}
                (Stage::Begun | Stage::Prepared | Stage::Deciding { .. }, true) => {
                    self.set_stage(number, Stage::Prepared);
                }
                // Its prepare did not become durable, or its decision did.
                (Stage::Begun | Stage::Deciding { .. }, false) => self.end(fates, number, false),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Life, judge};
    use super::*;

    /// Message 1 waits in a queue; a branch takes it and publishes messages 2 and 3.
    fn begun() -> Life {
        let published = |id, group| Event::Published { id, queue: 0, group };
        let delivered = Event::Delivered { id: 1, queue: 0, consumer: 1, is_flagged: false, is_intact: true };
        let events = [
            published(1, None),
            Event::Confirmed { id: 1 },
            delivered,
            published(2, Some(9)),
            published(3, Some(9)),
            Event::Begun { branch: 9 },
            Event::Taken { id: 1, branch: 9 },
        ];
        (1..).zip(events).collect()
    }

    fn prepared() -> Life {
        let mut life = begun();
        life.push((50, Event::Prepared { branch: 9 }));
        life
    }

    fn with(mut life: Life, events: &[Event]) -> Life {
        life.extend((100..).zip(events.iter().copied()));
        life
    }

    fn after(is_in_doubt: bool, events: &[Event]) -> Life {
        let list = is_in_doubt.then_some((1, Event::InDoubt { branch: 9 }));
        with(list.into_iter().chain([(1, Event::Recovered)]).collect(), events)
    }

    fn consumed(id: MessageId, is_flagged: bool) -> [Event; 2] {
        let delivered = Event::Delivered { id, queue: 0, consumer: 2, is_flagged, is_intact: true };
        [delivered, Event::Acked { id }]
    }

    fn commit() -> [Event; 2] {
        [Event::Deciding { branch: 9, is_commit: true }, Event::Decided { branch: 9, is_held_again: false }]
    }

    fn rollback() -> [Event; 2] {
        [Event::Deciding { branch: 9, is_commit: false }, Event::Decided { branch: 9, is_held_again: false }]
    }

    /// Lost, resurrected, seen in doubt, misremembered, torn.
    type Findings = [Vec<u64>; 5];

    fn check(lives: &[Life], expect: Findings) {
        let Verdict { lost, resurrected, seen_in_doubt, misremembered, torn, .. } = judge(lives);
        assert_eq!([lost, resurrected, seen_in_doubt, misremembered, torn], expect);
    }

    #[test]
    fn a_branch_that_is_decided_after_a_kill_has_no_finding() {
        let committed = [commit(), consumed(2, false), consumed(3, false)].concat();
        check(&[prepared(), after(true, &committed)], Findings::default());
        let undone = [rollback(), consumed(1, true)].concat();
        check(&[prepared(), after(true, &undone)], Findings::default());
    }

    #[test]
    fn a_prepare_without_an_answer_may_be_durable_or_not() {
        let committed = [commit(), consumed(2, false), consumed(3, false)].concat();
        check(&[begun(), after(true, &committed)], Findings::default());
        check(&[begun(), after(false, &consumed(1, true))], Findings::default());
        check(&[begun(), after(false, &[])], [vec![1], vec![], vec![], vec![], vec![]]);
    }

    #[test]
    fn a_decision_without_an_answer_is_what_the_list_says() {
        for is_commit in [true, false] {
            let first = with(prepared(), &[Event::Deciding { branch: 9, is_commit }]);
            let rest = if is_commit {
                [consumed(2, true), consumed(3, true)].concat()
            } else {
                consumed(1, true).to_vec()
            };
            check(&[first.clone(), after(false, &rest)], Findings::default());
            let lost = if is_commit { vec![2, 3] } else { vec![1] };
            check(&[first, after(false, &[])], [lost, vec![], vec![], vec![], vec![]]);
        }
    }

    #[test]
    fn i6_a_branch_answered_as_prepared_is_listed_until_it_is_decided() {
        let second = after(false, &consumed(1, true));
        let Verdict { misremembered, seen_in_doubt, .. } = judge(&[prepared(), second]);
        assert_eq!((misremembered, seen_in_doubt), (vec![9], vec![1]));
        let first = with(prepared(), &commit());
        let second = after(true, &[consumed(2, false), consumed(3, false)].concat());
        check(&[first, second], [vec![], vec![], vec![], vec![9], vec![]]);
        check(&[Life::new(), after(true, &[])], [vec![], vec![], vec![], vec![9], vec![]]);
    }

    #[test]
    fn i6_nothing_of_a_branch_in_doubt_is_seen() {
        let early = consumed(2, false);
        let second = [early.as_slice(), &commit(), &consumed(3, false)].concat();
        check(&[prepared(), after(true, &second)], [vec![], vec![], vec![2], vec![], vec![]]);
        let second = [consumed(1, true).as_slice(), &rollback(), &consumed(1, true)].concat();
        let verdict = judge(&[prepared(), after(true, &second)]);
        assert_eq!(verdict.seen_in_doubt, [1]);
    }

    #[test]
    fn i6_nothing_of_a_branch_that_was_rolled_back_is_seen() {
        let undone = [rollback().as_slice(), &consumed(1, true), &consumed(2, false)].concat();
        let verdict = judge(&[prepared(), after(true, &undone)]);
        assert_eq!(verdict.seen_in_doubt, [2]);
    }

    #[test]
    fn i3_what_a_committed_branch_took_never_comes_back() {
        let committed = [commit(), consumed(2, false), consumed(3, false), consumed(1, true)].concat();
        check(&[prepared(), after(true, &committed)], [vec![], vec![1], vec![], vec![], vec![]]);
    }

    #[test]
    fn i1_what_a_committed_branch_published_comes() {
        let committed = [commit(), consumed(2, false)].concat();
        let verdict = judge(&[prepared(), after(true, &committed)]);
        assert_eq!(verdict.lost, [3]);
    }
}
