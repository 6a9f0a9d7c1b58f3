//! DestinationInfo: temporary destinations are made, shown to the other clients, and removed.

use std::sync::Arc;

use ternmq_broker::{AddressQueue, Broker, ConsumerId, Place, Receipt};
use ternmq_message::Message;

use super::{OpenWireSession, answer::Asked, consume::required};
use crate::{
    codec::{Field, Kind, Object, Value},
    error::{Fault, class},
    herald::{ADD, Origin, REMOVE, advisory},
    translate::{destination_of, places, places_of},
};

/// Topics on which clients hear of temporary destinations: without that they send to none of another connection.
const QUEUE_ADVISORY: &str = "ActiveMQ.Advisory.TempQueue";
const TOPIC_ADVISORY: &str = "ActiveMQ.Advisory.TempTopic";
/// Start of all topics on which ActiveMQ tells of itself.
const ADVISORY_PREFIX: &str = "ActiveMQ.Advisory.";

fn advisory_of(place: &Place<'_>) -> &'static str {
    if matches!(place, Place::TemporaryTopic(_)) { TOPIC_ADVISORY } else { QUEUE_ADVISORY }
}

/// Refuses the advisories that there are not, so that nobody waits for them in vain; the dialect knows those of the core.
pub(super) fn check_advisories(broker: &Broker, places: &[Place<'_>]) -> Result<(), Fault> {
    let hears = broker.dialect().event_listening();
    let is_absent = |place: &Place<'_>| match place {
        Place::Topic(topic) if topic.starts_with(ADVISORY_PREFIX) => {
            *topic != QUEUE_ADVISORY && *topic != TOPIC_ADVISORY && !hears(topic)
        }
        _ => false,
    };
    if places.iter().any(is_absent) {
        return Err(Fault::absent("advisory topics but those of temporary destinations"));
    }
    Ok(())
}

/// Whether a place is where the broker tells of itself: nobody else does.
pub(super) fn is_advisory(place: &Place<'_>) -> bool {
    matches!(place, Place::Topic(topic) if topic.starts_with(ADVISORY_PREFIX))
}

impl OpenWireSession {
    pub(super) fn on_destination(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let places = places_of(required(command, Field::Destination)?)?;
        let operation = u8::try_from(command.number(Field::OperationType)).unwrap_or(u8::MAX);
        let mut receipt = Receipt::NONE;
        for place in &places {
            match (place.is_temporary(), operation) {
                (true, ADD) => self.add_temporary(broker, place)?,
                (true, REMOVE) => self.remove_temporary(broker, place, out)?,
                (false, ADD) => self.add_place(broker, place)?,
                (false, REMOVE) => receipt = receipt.and(self.remove_place(broker, place)?),
                (_, other) => {
                    return Err(Fault::new(
                        class::JMS,
                        format!("there is no operation {other} of destinations"),
                    ));
                }
            }
        }
        self.promise(broker, asked, receipt, out);
        Ok(())
    }

    /// A queue is there when it is used, and so is a topic, but of a topic others may hear at once.
    fn add_place(&self, broker: &mut Broker, place: &Place<'_>) -> Result<(), Fault> {
        let (Place::Topic(_), Some(session)) = (place, self.session) else { return Ok(()) };
        let dialect = broker.dialect().clone();
        let target = places(&*dialect)?.target_of(place)?;
        let added = broker.add_topic(session, &target.node, &target.key);
        added.map_err(|error| Fault::of(&error, &*dialect))
    }

    /// Removes a queue that nobody consumes from, with its messages. A topic is there while somebody uses it.
    fn remove_place(&self, broker: &mut Broker, place: &Place<'_>) -> Result<Receipt, Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let target = places(&*dialect)?.target_of(place)?;
        let name = match &target.queue {
            Some(AddressQueue::OnUse(queue) | AddressQueue::Declared(queue)) => &queue.name,
            Some(AddressQueue::Existing(name) | AddressQueue::Own(name)) => name,
            None => {
                let removed = broker.remove_topic(session, &target.node, &target.key);
                return removed.map(|()| Receipt::NONE).map_err(|error| Fault::of(&error, &*dialect));
            }
        };
        let done = broker.delete_queue(session, name, true, false);
        done.map(|done| done.receipt).map_err(|error| Fault::of(&error, &*dialect))
    }

    fn add_temporary(&mut self, broker: &mut Broker, place: &Place<'_>) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let queue = places(&*dialect)?.temporary_queue(place)?;
        broker.ensure_private_queue(session, &queue).map_err(|error| Fault::of(&error, &*dialect))?;
        if self.temporaries.insert(queue) {
            self.announce(broker, place, ADD);
        }
        Ok(())
    }

    fn remove_temporary(
        &mut self,
        broker: &mut Broker,
        place: &Place<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let session = self.session.ok_or_else(Fault::gone)?;
        let dialect = broker.dialect().clone();
        let queue = places(&*dialect)?.temporary_queue(place)?;
        if !self.temporaries.contains(&queue) {
            return Ok(());
        }
        self.flush_effects(broker, out);
        broker.delete_private_queue(session, &queue).map_err(|error| Fault::of(&error, &*dialect))?;
        self.temporaries.remove(&queue);
        self.announce(broker, place, REMOVE);
        Ok(())
    }

    /// A temporary destination is consumed from by its own connection only (S6).
    pub(super) fn check_own(&self, broker: &Broker, place: &Place<'_>) -> Result<(), Fault> {
        let dialect = broker.dialect();
        let queue = places(&**dialect)?.temporary_queue(place)?;
        if self.temporaries.contains(&queue) {
            return Ok(());
        }
        let text = "Cannot consume from a temporary destination of another connection";
        Err(Fault::new(class::INVALID_DESTINATION, text))
    }

    /// What is told of a temporary destination: to whom it came and that it went.
    fn advisory(&self, broker: &Broker, place: &Place<'_>, operation: u8) -> Option<Message> {
        let dialect = broker.dialect();
        let topic = advisory_of(place);
        let mut info = Object::new(Kind::DestinationInfo)
            .with_object(Field::Destination, Arc::new(destination_of(place)))
            .with(Field::OperationType, Value::Byte(operation));
        if let Some(id) = &self.id {
            info = info.with_object(Field::ConnectionId, id.clone());
        }
        let origin = Origin { broker: broker.node_name(), local: self.local };
        advisory(&**dialect, &origin, topic, info, Vec::new())
    }

    fn announce(&self, broker: &mut Broker, place: &Place<'_>, operation: u8) {
        let message = self.advisory(broker, place, operation);
        let (Some(connection), Some(message)) = (self.connection, message) else { return };
        // Nobody has to hear it.
        let _told = broker.announce(connection, message);
    }

    /// Tells a new consumer of advisories what there is already.
    pub(super) fn tell_temporaries_to(
        &self,
        broker: &mut Broker,
        all: &[Place<'static>],
        consumer: ConsumerId,
    ) {
        let wanted = [QUEUE_ADVISORY, TOPIC_ADVISORY];
        let is_wanted = |topic: &str| all.contains(&Place::Topic(topic.to_owned().into()));
        let Some(session) = self.session else { return };
        if !wanted.into_iter().any(is_wanted) {
            return;
        }
        let dialect = broker.dialect().clone();
        let Ok(known) = places(&*dialect) else { return };
        for queue in broker.private_queues(session) {
            let Some(place) = known.temporary_place(&queue).filter(|place| is_wanted(advisory_of(place)))
            else {
                continue;
            };
            if let Some(message) = self.advisory(broker, &place, ADD) {
                broker.announce_to(consumer, message);
            }
        }
    }

    /// At the end of the connection.
    pub(super) fn tell_temporaries_gone(&mut self, broker: &mut Broker) {
        let dialect = broker.dialect().clone();
        for queue in std::mem::take(&mut self.temporaries) {
            let place = places(&*dialect).ok().and_then(|known| known.temporary_place(&queue));
            if let Some(place) = place {
                self.announce(broker, &place, REMOVE);
            }
        }
    }
}
