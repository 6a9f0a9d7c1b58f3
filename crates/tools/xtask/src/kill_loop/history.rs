//! What the clients saw, and the judge over it. Pure: no clock, no socket.
//!
//! A *life* is the time between a start of the broker and its death. Judged are the invariants I1 to I4 and I6, and the flag of
//! redeliveries. An ack over AMQP has no answer, so it counts as settled only when something proves it durable: a `tx.commit-ok`; or,
//! once an answer to a later call on its channel has come, the confirm of a message that was published to the queue after that. The
//! log has the ack before the message, so no clock is needed: a slow disk delays both.
//!
//! `branches` judges distributed transactions, which outlive a life undecided.

mod branches;

use std::collections::BTreeMap;

use branches::Branches;

/// Number of one message, unique over the whole run.
pub(crate) type MessageId = u64;
/// Number of one consumer, unique over the whole run.
pub(crate) type ConsumerId = u32;
/// Microseconds since the start of the run.
pub(crate) type Micros = u64;

/// One thing that a client did or saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// About to be written to the socket. Messages of one transaction share a group.
    Published { id: MessageId, queue: u8, group: Option<u64> },
    /// The broker took responsibility: a confirm, or the commit of its transaction.
    Confirmed { id: MessageId },
    /// It arrived at a consumer.
    Delivered { id: MessageId, queue: u8, consumer: ConsumerId, is_flagged: bool, is_intact: bool },
    /// Its ack was written to the socket.
    Acked { id: MessageId },
    /// The broker has answered something after the ack on the same channel.
    Processed { id: MessageId },
    /// The broker has said that the ack is durable.
    Settled { id: MessageId },
    /// The group of messages of this number is a branch of a distributed transaction.
    Begun { branch: u64 },
    /// Its ack in a branch is about to be written to the socket.
    Taken { id: MessageId, branch: u64 },
    /// The broker has said that the branch is prepared.
    Prepared { branch: u64 },
    /// The decision is about to be written to the socket.
    Deciding { branch: u64, is_commit: bool },
    /// The broker has said that it is carried out. `is_held_again`: whoever had the messages that the branch took has them again.
    Decided { branch: u64, is_held_again: bool },
    /// The broker has listed the branch as prepared.
    InDoubt { branch: u64 },
    /// That was the list. Nothing else may have gone on since the start of the broker, or since the list was asked for.
    Recovered,
}

/// All events of one life, in any order; the judge sorts them.
pub(crate) type Life = Vec<(Micros, Event)>;

/// What the judge found. Every list must be empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// I1: confirmed, and never delivered to a consumer that could ack it.
    pub lost: Vec<MessageId>,
    /// I2: delivered though never published, to the wrong queue, or with another body.
    pub invented: Vec<MessageId>,
    /// I3: delivered again after its settle was durable.
    pub resurrected: Vec<MessageId>,
    /// I4: delivered while another delivery of it was open.
    pub doubly_held: Vec<MessageId>,
    /// I4: delivered again without the redelivered flag.
    pub unflagged: Vec<MessageId>,
    /// I6: after a crash some messages of the transaction were there and others were not. Group numbers.
    pub torn: Vec<u64>,
    /// I6: messages of branches that are not committed were delivered, or messages that such a branch has taken.
    pub seen_in_doubt: Vec<MessageId>,
    /// I6: branches that were prepared and are gone, that were decided and are back, or that nobody began.
    pub misremembered: Vec<u64>,
    /// Branches that were in doubt at a start of the broker, to show that kills hit something.
    pub in_doubt: usize,
    /// Messages confirmed, to show that there was load.
    pub confirmed: usize,
    /// Deliveries that were not the first, to show that kills hit something.
    pub redelivered: usize,
}

#[derive(Debug, Default)]
struct Fate {
    queue: Option<u8>,
    group: Option<u64>,
    published_at: Micros,
    is_confirmed: bool,
    was_delivered: bool,
    was_acked: bool,
    is_settled: bool,
    is_held: bool,
    /// The branch that has taken it and is not rolled back.
    taken_in: Option<u64>,
    processed_at: Option<Micros>,
    acked_in_this_life: bool,
    /// The life of its publish has ended.
    is_old: bool,
    /// Delivered in a later life than that of its publish.
    came_later: bool,
    /// An ack was sent in the life of its publish, so that it may be gone rightly.
    was_acked_at_once: bool,
}

impl Fate {
    /// Proof that its transaction was durable when the broker died.
    fn has_survived(&self) -> bool {
        self.came_later || self.is_settled
    }

    /// Proof that it was not there after the broker died.
    fn is_gone(&self) -> bool {
        !self.has_survived() && !self.was_acked_at_once
    }
}

/// Judges a whole run; the last life must have been drained.
pub(crate) fn judge(lives: &[Life]) -> Verdict {
    let mut verdict = Verdict::default();
    let mut fates: Fates = BTreeMap::new();
    let mut branches = Branches::default();
    for life in lives {
        let mut events = life.clone();
        events.sort_by_key(|(at, _)| *at);
        for (at, event) in &events {
            branches.apply(&mut fates, &mut verdict, *event);
            apply(&mut fates, &mut verdict, *at, *event);
        }
        let proofs = latest_confirmed(&fates);
        end_life(&mut fates, &proofs);
    }
    // A delivery before the crash says nothing: it may run ahead of the disk, as for any message without a confirm.
    let mut groups: BTreeMap<u64, (bool, bool)> = BTreeMap::new();
    for (id, fate) in &fates {
        verdict.confirmed += usize::from(fate.is_confirmed);
        if fate.is_confirmed && !fate.was_acked {
            verdict.lost.push(*id);
        }
        if let Some(group) = fate.group {
            let (has_survived, is_gone) = groups.entry(group).or_default();
            *has_survived |= fate.has_survived();
            *is_gone |= fate.is_gone();
        }
    }
    let torn = groups.iter().filter(|(_, (has_survived, is_gone))| *has_survived && *is_gone);
    verdict.torn = torn.map(|(group, _)| *group).collect();
    verdict
}

/// What became of each message.
type Fates = BTreeMap<MessageId, Fate>;

fn apply(fates: &mut Fates, verdict: &mut Verdict, at: Micros, event: Event) {
    match event {
        Event::Published { id, queue, group } => {
            let fate = fates.entry(id).or_default();
            (fate.queue, fate.group, fate.published_at) = (Some(queue), group, at);
        }
        Event::Confirmed { id } => fates.entry(id).or_default().is_confirmed = true,
        Event::Delivered { id, queue, is_flagged, is_intact, .. } => {
            let fate = fates.entry(id).or_default();
            if fate.queue != Some(queue) || !is_intact {
                verdict.invented.push(id);
            }
            if fate.is_settled || fate.acked_in_this_life {
                verdict.resurrected.push(id);
            } else if fate.is_held {
                verdict.doubly_held.push(id);
            }
            if fate.was_delivered {
                verdict.redelivered += 1;
                if !is_flagged {
                    verdict.unflagged.push(id);
                }
            }
            (fate.was_delivered, fate.is_held) = (true, true);
            fate.came_later |= fate.is_old;
        }
        Event::Acked { id } => {
            let fate = fates.entry(id).or_default();
            (fate.was_acked, fate.acked_in_this_life, fate.is_held) = (true, true, false);
            fate.was_acked_at_once |= !fate.is_old;
        }
        Event::Processed { id } => fates.entry(id).or_default().processed_at = Some(at),
        Event::Settled { id } => fates.entry(id).or_default().is_settled = true,
        Event::Begun { .. }
        | Event::Taken { .. }
        | Event::Prepared { .. }
        | Event::Deciding { .. }
        | Event::Decided { .. }
        | Event::InDoubt { .. }
        | Event::Recovered => {}
    }
}

/// For each queue the time at which the latest confirmed message of this life was published.
fn latest_confirmed(fates: &Fates) -> BTreeMap<u8, Micros> {
    let mut latest = BTreeMap::new();
    for fate in fates.values().filter(|fate| fate.is_confirmed && !fate.is_old) {
        if let Some(queue) = fate.queue {
            let at: &mut Micros = latest.entry(queue).or_default();
            *at = fate.published_at.max(*at);
        }
    }
    latest
}

/// A death ends every delivery, and decides which acks count as durable.
fn end_life(fates: &mut Fates, proofs: &BTreeMap<u8, Micros>) {
    for fate in fates.values_mut() {
        let proof = fate.queue.and_then(|queue| proofs.get(&queue));
        let is_proven = fate.processed_at.zip(proof).is_some_and(|(processed, proof)| processed < *proof);
        if fate.acked_in_this_life && is_proven {
            fate.is_settled = true;
        }
        if fate.is_held {
            // The holder is dead: an ack of it can no longer come, so it must be delivered again.
            fate.was_acked = false;
        }
        (fate.is_held, fate.acked_in_this_life, fate.processed_at) = (false, false, None);
        fate.is_old = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KILL: Micros = 1_000_000;

    fn published(id: MessageId) -> (Micros, Event) {
        (1, Event::Published { id, queue: 0, group: None })
    }

    fn confirmed(id: MessageId) -> (Micros, Event) {
        (2, Event::Confirmed { id })
    }

    fn delivered(at: Micros, id: MessageId, is_flagged: bool) -> (Micros, Event) {
        (at, Event::Delivered { id, queue: 0, consumer: 1, is_flagged, is_intact: true })
    }

    fn acked(at: Micros, id: MessageId) -> (Micros, Event) {
        (at, Event::Acked { id })
    }

    fn check(first: &[(Micros, Event)], second: &[(Micros, Event)], expect: Verdict) {
        assert_eq!(judge(&[first.to_vec(), second.to_vec()]), expect);
    }

    #[test]
    fn a_good_run_has_no_finding() {
        let first =
            [published(1), confirmed(1), delivered(3, 1, false), acked(4, 1), published(2), confirmed(2)];
        let second = [delivered(KILL + 1, 2, false), acked(KILL + 2, 2)];
        check(&first, &second, Verdict { confirmed: 2, ..Verdict::default() });
    }

    #[test]
    fn i1_a_confirmed_message_that_never_came_is_lost() {
        check(
            &[published(1), confirmed(1)],
            &[],
            Verdict { lost: vec![1], confirmed: 1, ..Verdict::default() },
        );
    }

    #[test]
    fn i1_a_message_held_at_the_kill_must_come_back() {
        let first = [published(1), confirmed(1), delivered(3, 1, false)];
        check(&first, &[], Verdict { lost: vec![1], confirmed: 1, ..Verdict::default() });
    }

    #[test]
    fn i1_a_message_redelivered_and_held_at_the_kill_must_come_back_although_acked_before() {
        let lives = [
            vec![published(1), confirmed(1), delivered(3, 1, false), acked(4, 1)],
            vec![delivered(11, 1, true)],
            Life::new(),
        ];
        assert_eq!(judge(&lives).lost, [1]);
    }

    #[test]
    fn i1_an_unconfirmed_message_may_be_gone() {
        check(&[published(1)], &[], Verdict::default());
    }

    #[test]
    fn i2_unknown_and_damaged_messages_are_invented() {
        let damaged = Event::Delivered { id: 1, queue: 0, consumer: 1, is_flagged: false, is_intact: false };
        let elsewhere = Event::Delivered { id: 2, queue: 1, consumer: 1, is_flagged: false, is_intact: true };
        let first = [published(1), published(2), (3, damaged), (3, elsewhere), delivered(4, 9, false)];
        check(&first, &[], Verdict { invented: vec![1, 2, 9], ..Verdict::default() });
    }

    #[test]
    fn i3_a_settle_that_a_commit_proved_holds_for_ever() {
        let first = [published(1), delivered(3, 1, false), acked(4, 1), (5, Event::Settled { id: 1 })];
        let second = [delivered(KILL + 1, 1, true), acked(KILL + 2, 1)];
        check(&first, &second, Verdict { resurrected: vec![1], redelivered: 1, ..Verdict::default() });
    }

    #[test]
    fn i3_a_processed_ack_counts_once_a_later_message_of_its_queue_is_confirmed() {
        for (published_at, queue, is_confirmed, expect) in
            [(6, 0, true, vec![1]), (5, 0, true, vec![]), (6, 1, true, vec![]), (6, 0, false, vec![])]
        {
            let mut first =
                vec![published(1), delivered(3, 1, false), acked(4, 1), (5, Event::Processed { id: 1 })];
            first.push((published_at, Event::Published { id: 2, queue, group: None }));
            first.extend(is_confirmed.then_some((7, Event::Confirmed { id: 2 })));
            let second = [delivered(KILL + 1, 1, true), acked(KILL + 2, 1)];
            let verdict = judge(&[first, second.to_vec()]);
            assert_eq!(verdict.resurrected, expect, "published at {published_at} to {queue}");
        }
    }

    #[test]
    fn i3_within_one_life_an_acked_message_never_comes_back() {
        let first = [published(1), delivered(3, 1, false), acked(4, 1), delivered(5, 1, true), acked(6, 1)];
        check(&first, &[], Verdict { resurrected: vec![1], redelivered: 1, ..Verdict::default() });
    }

    #[test]
    fn i4_two_open_deliveries_are_one_too_many() {
        let first = [published(1), delivered(3, 1, false), delivered(4, 1, true), acked(5, 1)];
        check(&first, &[], Verdict { doubly_held: vec![1], redelivered: 1, ..Verdict::default() });
    }

    #[test]
    fn i4_a_second_delivery_is_flagged() {
        let first = [published(1), delivered(3, 1, false), acked(4, 1)];
        let second = [delivered(KILL + 1, 1, false), acked(KILL + 2, 1)];
        check(&first, &second, Verdict { unflagged: vec![1], redelivered: 1, ..Verdict::default() });
    }

    fn grouped(id: MessageId) -> (Micros, Event) {
        (1, Event::Published { id, queue: 0, group: Some(7) })
    }

    #[test]
    fn i6_half_a_transaction_after_a_crash_is_torn() {
        let after = [delivered(KILL + 1, 1, false), acked(KILL + 2, 1)];
        check(&[grouped(1), grouped(2)], &after, Verdict { torn: vec![7], ..Verdict::default() });
    }

    #[test]
    fn i6_a_durable_settle_proves_that_the_rest_must_be_there() {
        let first =
            [grouped(1), grouped(2), delivered(3, 1, false), acked(4, 1), (5, Event::Settled { id: 1 })];
        check(&first, &[], Verdict { torn: vec![7], ..Verdict::default() });
    }

    #[test]
    fn i6_whole_absent_and_seen_before_the_crash_only_are_fine() {
        let whole = [
            delivered(KILL + 1, 1, false),
            acked(KILL + 2, 1),
            delivered(KILL + 3, 2, false),
            acked(KILL + 4, 2),
        ];
        check(&[grouped(1), grouped(2)], &whole, Verdict::default());
        check(&[grouped(1), grouped(2)], &[], Verdict::default());
        check(&[grouped(1), grouped(2), delivered(3, 1, false)], &[], Verdict::default());
    }

    #[test]
    fn i6_a_message_acked_before_the_crash_may_be_gone_while_the_rest_is_there() {
        let first = [grouped(1), grouped(2), delivered(3, 1, false), acked(4, 1)];
        let second = [delivered(KILL + 1, 2, false), acked(KILL + 2, 2)];
        check(&first, &second, Verdict::default());
    }
}
