//! Deliveries and settlements: the heart of I2, I3, I4, I5 and I6.

use super::copies::{Copy, Place, Stage, body_of, head_of, message_id};
use super::{Checker, Settle, Violation, WILLS, broken};
use crate::history::{Event, Taken};

impl Checker {
    pub(super) fn note_delivery(&mut self, session: u32, taken: &Taken) -> Result<(), Violation> {
        let id = self.judge_content(taken)?;
        if taken.queue == WILLS {
            self.note_will_seen(id)?;
        }
        let (index, stage) = self.find_copy(id, taken)?;
        self.judge_place(index, stage, taken)?;
        if !self.is_maimed {
            self.judge_flag(index, stage, taken)?;
            self.judge_order(index, stage)?;
            self.judge_transactions(index, stage)?;
        }
        let turn = self.turn + 1;
        let copy = &mut self.copies[index];
        copy.deliveries[stage as usize] += 1;
        if copy.is_kept {
            copy.is_confirmed |= copy.place(stage) == Place::Unsure && copy.crossed;
        }
        copy.is_owed = true;
        copy.is_inferred = false;
        if stage == Stage::Dead {
            if !copy.dead_seen || copy.dead == Place::Unsure {
                copy.dead_since = turn;
            }
            copy.dead_seen = true;
            copy.dead_queue = self.definitions.current(&taken.queue);
            self.set_home(index, Place::Gone { turn });
        }
        if taken.needs_settle {
            self.held.insert((session, taken.delivery), (index, stage));
            self.set_place(index, stage, Place::Held);
        } else {
            self.copies[index].is_owed = false;
            self.set_place(index, stage, Place::Gone { turn });
        }
        Ok(())
    }

    /// Every byte is what was published (I2).
    fn judge_content(&self, taken: &Taken) -> Result<u64, Violation> {
        let invented = |what: &str| broken("I2", format!("a delivery from '{}': {what}", taken.queue));
        let id = message_id(&taken.body).ok_or_else(|| invented("its body was never published"))?;
        let message = self.messages.get(&id).ok_or_else(|| invented("its message was never published"))?;
        if taken.body != body_of(id) {
            return Err(invented(&format!("the body of message {id} has changed")));
        }
        if taken.head != head_of(id) {
            return Err(invented(&format!("the properties of message {id} have changed")));
        }
        if taken.is_durable != message.is_durable || taken.priority != message.priority {
            return Err(invented(&format!("durability or priority of message {id} has changed")));
        }
        if taken.deaths.is_empty() && (taken.node != message.node || taken.key != message.key) {
            return Err(invented(&format!("node or key of message {id} has changed")));
        }
        Ok(id)
    }

    /// It comes from the queue it was routed to, or from the one its death led to (I2, I10).
    fn find_copy(&self, id: u64, taken: &Taken) -> Result<(usize, Stage), Violation> {
        let copies = self.copies_of.get(&id).map(Vec::as_slice).unwrap_or_default();
        let stage = if taken.deaths.is_empty() { Stage::Home } else { Stage::Dead };
        let mut is_old = false;
        for index in copies {
            let copy = &self.copies[*index];
            let origin = self.definitions.name(copy.queue);
            let fits = match (stage, taken.deaths.last()) {
                (Stage::Dead, Some((queue, _))) => {
                    origin == queue
                        && self.definitions.facts(copy.queue).dead_to.as_ref() == Some(&taken.queue)
                }
                _ => origin == taken.queue,
            };
            if !fits {
                continue;
            }
            let is_current = match stage {
                Stage::Home => self.definitions.is_alive(copy.queue),
                Stage::Dead => copy.dead_queue.is_none_or(|queue| self.definitions.is_alive(queue)),
            };
            // Where the log lost a deletion, the old queue may be there again.
            if is_current || self.is_maimed {
                if let Some((_, reason)) = taken.deaths.last() {
                    self.judge_reason(copy, reason)?;
                }
                return Ok((*index, stage));
            }
            is_old = true;
        }
        if is_old {
            let text = format!("message {id} of a deleted queue '{}' came out of its successor", taken.queue);
            return Err(broken("I10", text));
        }
        Err(broken(
            "I2",
            format!("message {id} was never routed to '{}' (deaths: {:?})", taken.queue, taken.deaths),
        ))
    }

    fn judge_reason(&self, copy: &Copy, reason: &str) -> Result<(), Violation> {
        let facts = self.definitions.facts(copy.queue);
        let has_cause = match reason {
            "expired" => copy.expires_at_ms.is_some_and(|at| at <= self.upper_ms),
            "rejected" => copy.was_discarded,
            "maxlen" => facts.max_length.is_some(),
            "delivery_limit" => copy.returns > self.definitions.return_limit(copy.queue),
            _ => false,
        };
        if has_cause {
            return Ok(());
        }
        let name = self.definitions.name(copy.queue);
        Err(broken(
            "I1",
            format!("message {} in '{name}' died as {reason} without cause: {copy:?}", copy.message),
        ))
    }

    /// Nobody else has it, and it had not left for good (I3, I4).
    fn judge_place(&self, index: usize, stage: Stage, taken: &Taken) -> Result<(), Violation> {
        let copy = &self.copies[index];
        let name = &taken.queue;
        let id = copy.message;
        match copy.place(stage) {
            Place::Held => {
                return Err(broken("I4", format!("message {id} of '{name}' is held by another delivery")));
            }
            Place::Gone { .. } | Place::Over if !self.is_maimed => {
                return Err(broken(
                    copy.broken_by("I3"),
                    format!("message {id} of '{name}' had been settled for good: {copy:?}"),
                ));
            }
            _ => {}
        }
        if stage == Stage::Dead && copy.home == Place::Held {
            return Err(broken(
                "I4",
                format!("message {id} is held in its first queue and came out of '{name}'"),
            ));
        }
        if stage == Stage::Home && matches!(copy.dead, Place::Held | Place::Ready) && !self.is_maimed {
            return Err(broken(
                "I3",
                format!("message {id} is among the dead and came out of '{name}' again"),
            ));
        }
        Ok(())
    }

    /// A second delivery says so; a first one does not, unless a crash made that unknowable (I4).
    fn judge_flag(&self, index: usize, stage: Stage, taken: &Taken) -> Result<(), Violation> {
        let copy = &self.copies[index];
        let count = copy.deliveries[stage as usize];
        if count > 0 && !taken.is_redelivered {
            let text = format!(
                "message {} of '{}' was delivered {count} times before and is not marked: {copy:?}",
                copy.message, taken.queue
            );
            return Err(broken("I4", text));
        }
        if count == 0 && taken.is_redelivered && !copy.crossed {
            let text =
                format!("message {} of '{}' is marked at its first delivery", copy.message, taken.queue);
            return Err(broken("I4", text));
        }
        Ok(())
    }

    /// Nothing older of the same publisher and priority is ready (I5).
    fn judge_order(&self, index: usize, stage: Stage) -> Result<(), Violation> {
        let copy = &self.copies[index];
        if stage == Stage::Dead {
            return Ok(());
        }
        let ready = self.ready.get(&(copy.queue, copy.session, copy.lane));
        for (_, at) in ready.into_iter().flat_map(|ready| ready.range(..copy.order)) {
            let other = &self.copies[*at];
            let name = self.definitions.name(copy.queue);
            if self.fresh.contains(at) || self.may_have_died(other) || self.damaged.contains_key(name) {
                continue;
            }
            let text = format!(
                "message {} came out of '{name}' before message {}, published earlier by the same session {}",
                copy.message, other.message, copy.session
            );
            return Err(broken(other.broken_by("I5"), text));
        }
        Ok(())
    }

    fn judge_transactions(&mut self, index: usize, stage: Stage) -> Result<(), Violation> {
        for transaction in self.transaction_of.get(&index).cloned().unwrap_or_default() {
            let state = &self.transactions[transaction];
            if state.is_certain {
                continue;
            }
            let seen = if state.published.contains(&index) {
                true
            } else if state.settled.contains(&(index, stage))
                && self.copies[index].place(stage) == Place::Unsure
            {
                false
            } else {
                continue;
            };
            match state.happened {
                None => self.resolve(transaction, seen),
                Some(happened) if happened == seen => {}
                Some(_) => {
                    let text = format!(
                        "message {} shows that a transaction happened in part",
                        self.copies[index].message
                    );
                    return Err(broken("I6", text));
                }
            }
        }
        Ok(())
    }

    /// Deliveries are settled one way or another.
    pub(super) fn note_settled(&mut self, event: &Event) {
        match event {
            Event::Accept { session, deliveries } => self.note_settles(*session, deliveries, Settle::Accept),
            Event::Requeue { session, deliveries } => {
                self.note_settles(*session, deliveries, Settle::Requeue);
            }
            Event::Discard { session, deliveries } => {
                self.note_settles(*session, deliveries, Settle::Discard);
            }
            _ => {}
        }
    }

    pub(super) fn note_settles(&mut self, session: u32, deliveries: &[u64], settle: Settle) {
        for delivery in deliveries {
            if let Some(staged) = self.staged.get_mut(&session) {
                staged.settles.push((*delivery, settle));
            } else {
                self.apply_settle(session, *delivery, settle);
            }
        }
    }

    pub(super) fn apply_settle(&mut self, session: u32, delivery: u64, settle: Settle) {
        let Some((index, stage)) = self.held.remove(&(session, delivery)) else { return };
        if self.copies[index].place(stage) != Place::Held {
            return;
        }
        let gone = Place::Gone { turn: self.turn + 1 };
        match settle {
            Settle::Accept => {
                self.copies[index].is_owed = false;
                self.set_place(index, stage, gone);
            }
            Settle::Requeue => self.give_back(index, stage),
            Settle::Discard => {
                let has_route = self.definitions.facts(self.copies[index].queue).dead_to.is_some();
                if stage == Stage::Home {
                    self.copies[index].was_discarded = true;
                }
                if stage == Stage::Dead || !has_route {
                    self.copies[index].is_owed = false;
                }
                self.set_place(index, stage, gone);
            }
        }
    }

    pub(super) fn give_back(&mut self, index: usize, stage: Stage) {
        let copy = &mut self.copies[index];
        if stage == Stage::Dead {
            copy.dead = Place::Ready;
            return;
        }
        copy.returns += 1;
        let is_over = self.copies[index].returns > self.definitions.return_limit(self.copies[index].queue);
        self.set_home(index, if is_over { Place::Unsure } else { Place::Ready });
    }

    pub(super) fn note_close(&mut self, session: u32) {
        self.staged.remove(&session);
        let held: Vec<u64> =
            self.held.range((session, 0)..=(session, u64::MAX)).map(|(key, _)| key.1).collect();
        for delivery in held {
            self.apply_settle(session, delivery, Settle::Requeue);
        }
    }
}
