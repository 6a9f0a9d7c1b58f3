//! Outcomes that the peer gives to what it got (AMQP 1.0 2.7.6, 3.4).

use std::sync::Arc;

use ternmq_broker::{Broker, DeliveryId, Outcome, RemarkPlace, SettleRange};

use super::{Amqp10Session, line::Told, transaction::transaction_of};
use crate::{
    codec::{
        DeliveryState, Value,
        performative::{Disposition, Role},
    },
    error::{Fault, condition},
    format::{ENCODING, remark_of},
};

/// What an outcome is to the core. `None`: it is none.
fn outcome_of(state: Option<&DeliveryState<'_>>) -> Result<Option<(Outcome, Told)>, Fault> {
    Ok(match state {
        None | Some(DeliveryState::Received { .. }) => None,
        Some(DeliveryState::Accepted) => Some((Outcome::Accept, Told::Accepted)),
        Some(DeliveryState::Rejected { .. }) => Some((Outcome::Discard, Told::Rejected)),
        Some(DeliveryState::Released) => Some((Outcome::Release, Told::Released)),
        Some(DeliveryState::Modified { undeliverable_here: true, .. }) => {
            Some((Outcome::Discard, Told::Modified))
        }
        Some(DeliveryState::Modified { delivery_failed: true, .. }) => {
            Some((Outcome::Requeue, Told::Modified))
        }
        Some(DeliveryState::Modified { .. }) => Some((Outcome::Release, Told::Modified)),
        Some(DeliveryState::Transactional { outcome, .. }) => {
            let inner = DeliveryState::decode(outcome.map(Value::Described))?;
            if let Some(DeliveryState::Transactional { .. }) = inner {
                let text = "an outcome in a transaction is no outcome";
                return Err(Fault::session(condition::INVALID_FIELD, text));
            }
            outcome_of(inner.as_ref())?
        }
        Some(DeliveryState::Declared { .. } | DeliveryState::Other) => {
            return Err(Fault::session(condition::INVALID_FIELD, "the state of a disposition is not known"));
        }
    })
}

/// The annotations that an outcome adds to messages; those of an outcome in a transaction with it.
fn remark_in(state: Option<&DeliveryState<'_>>) -> Result<Option<Arc<[u8]>>, Fault> {
    match state {
        Some(DeliveryState::Modified { message_annotations: Some(annotations), .. }) => {
            Ok(remark_of(annotations).map(Arc::from))
        }
        Some(DeliveryState::Transactional { outcome, .. }) => {
            remark_in(DeliveryState::decode(outcome.map(Value::Described))?.as_ref())
        }
        _ => Ok(None),
    }
}

/// Adds annotations to a message that is about to be given back or refused.
///
/// # Errors
/// There is no room for them: the session ends, and with it all that it has goes back.
pub(super) fn put_remark(
    broker: &mut Broker,
    place: Option<RemarkPlace>,
    remark: &Arc<[u8]>,
) -> Result<(), Fault> {
    let Some(place) = place else { return Ok(()) };
    broker.remark(place, ENCODING, remark.clone()).map_err(|error| {
        let fault = Fault::of(&error, &**broker.dialect());
        Fault::session(fault.condition, fault.text)
    })
}

impl Amqp10Session {
    pub(super) fn on_disposition(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        disposition: &Disposition<'_>,
    ) -> Result<(), Fault> {
        // What the sender says of its own deliveries: they were settled with their outcome.
        if disposition.role == Role::Sender {
            return Ok(());
        }
        let outcome = outcome_of(disposition.state.as_ref())?;
        let remark = remark_in(disposition.state.as_ref())?;
        let (outcome, told) = match (outcome, disposition.settled) {
            (Some(outcome), _) => outcome,
            // Settled without an outcome: the default one.
            (None, true) => (Outcome::Release, Told::Released),
            (None, false) => return Ok(()),
        };
        let Some(line) = self.line_mut(channel) else { return Ok(()) };
        let ids = line.unsettled.between(disposition.first, disposition.last.unwrap_or(disposition.first));
        if let Some(id) = transaction_of(disposition.state.as_ref()) {
            let staged = (id, outcome, told, remark);
            return self.stage_outcomes(broker, channel, &ids, disposition.settled, staged);
        }
        let (mut run, core) = (None, line.core);
        for delivery_id in ids {
            let Some(line) = self.line_mut(channel) else { return Ok(()) };
            let Some(taken) = line.unsettled.take(delivery_id) else { continue };
            if let Some(remark) = &remark {
                put_remark(broker, broker.remark_place(core, DeliveryId(taken.number)), remark)?;
            }
            // One that the core took back meanwhile is settled all the same.
            let _settled = broker.settle(core, DeliveryId(taken.number), SettleRange::One, outcome);
            run = match run {
                Some((start, end)) if delivery_id == u32::wrapping_add(end, 1) => Some((start, delivery_id)),
                Some((start, end)) => {
                    if !disposition.settled {
                        line.owe_settlement(start, end, told);
                    }
                    Some((delivery_id, delivery_id))
                }
                None => Some((delivery_id, delivery_id)),
            };
        }
        if let (Some((start, end)), false, Some(line)) = (run, disposition.settled, self.line_mut(channel)) {
            line.owe_settlement(start, end, told);
            self.touch(channel);
        }
        Ok(())
    }
}
