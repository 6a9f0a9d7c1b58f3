//! Orders about what is scheduled, and what operators see of it.

use std::{borrow::Cow, sync::Arc};

use ternmq_message::{Message, MessageMeta};

use super::{Schedule, ScheduleAction, ScheduleOrder};
use crate::{
    address::{AddressOptions, AddressRequest, Target},
    broker::Broker,
    effect::SessionId,
    error::Error,
    log::Receipt,
    namespace::NamespaceId,
    place::Place,
    publish::{Publish, Published},
    session_state::RouteMemo,
};

/// Most messages, and bytes of them, that one order shows (I11): the range says what.
const SHOWN_COUNT: usize = 10_000;
const SHOWN_BYTES: usize = 16 << 20;

/// An address says everything.
struct NoOptions;

impl AddressOptions for NoOptions {
    fn option(&self, _: &str) -> Option<Cow<'_, str>> {
        None
    }

    fn find_name(&self, _: &dyn Fn(&str) -> bool) -> Option<Cow<'_, str>> {
        None
    }
}

/// A scheduled message as an operator sees it.
#[derive(Clone, Debug)]
pub struct ScheduledView {
    /// Its id.
    pub id: u64,
    /// Namespace.
    pub namespace: Arc<str>,
    /// Node that it goes to.
    pub node: Arc<str>,
    /// Key that it goes with.
    pub key: Arc<str>,
    /// User that scheduled it; empty: the broker.
    pub user: Arc<str>,
    /// Broker time in ms at which it has something to do.
    pub due_ms: u64,
    /// What is left of its schedule.
    pub schedule: Schedule,
    /// Bytes of its body.
    pub body_len: usize,
}

impl Broker {
    /// Carries out an order that came as a message. Its session has to be allowed to send it, and sees and takes away only what
    /// it may itself send to where that goes (S5). What is shown is sent to where the order says that answers go.
    ///
    /// # Errors
    /// No permission to send the order or the answers.
    pub fn obey_schedule_order(
        &mut self,
        id: SessionId,
        message: &Message,
        order: &ScheduleOrder,
    ) -> Result<Published, Error> {
        self.resolve(id, message, &[], &mut RouteMemo::default())?;
        let (_, namespace, _) = self.who(id)?;
        let receipt = match order.action {
            ScheduleAction::Nothing => Receipt::NONE,
            ScheduleAction::Show => self.show_scheduled(id, namespace, message, order)?,
            ScheduleAction::Remove(scheduled) => {
                let is_own = self.may_order(id, namespace, scheduled);
                if is_own { self.remove_scheduled(scheduled) } else { Receipt::NONE }
            }
            ScheduleAction::RemoveAll => {
                let chosen = self.in_range(order.range_ms);
                let own: Vec<u64> = chosen
                    .into_iter()
                    .filter(|scheduled| self.may_order(id, namespace, *scheduled))
                    .collect();
                let ((), receipt) = self.as_group(|broker| {
                    for scheduled in own {
                        broker.remove_scheduled(scheduled);
                    }
                });
                receipt
            }
        };
        Ok(Published::Accepted(receipt))
    }

    /// Takes a scheduled message away, if there is one of this id.
    pub fn remove_scheduled(&mut self, id: u64) -> Receipt {
        let receipt = self.forget(id);
        self.arm_scheduled(0);
        receipt
    }

    /// At most `count` scheduled messages with ids after this one, in the order of their ids.
    #[must_use]
    pub fn scheduled(&self, after: u64, count: usize) -> Vec<ScheduledView> {
        let from = (std::ops::Bound::Excluded(after), std::ops::Bound::Unbounded);
        let view = |(id, scheduled): (&u64, &super::Scheduled)| ScheduledView {
            id: *id,
            namespace: self.namespaces.name(scheduled.namespace),
            node: scheduled.message.node().into(),
            key: scheduled.message.key().into(),
            user: scheduled.user.clone(),
            due_ms: scheduled.due_ms,
            schedule: scheduled.schedule.clone(),
            body_len: scheduled.message.body_len(),
        };
        self.scheduled.all.range(from).take(count).map(view).collect()
    }

    /// Number of scheduled messages.
    #[must_use]
    pub fn scheduled_count(&self) -> usize {
        self.scheduled.all.len()
    }

    fn in_range(&self, (first_ms, last_ms): (u64, u64)) -> Vec<u64> {
        if first_ms > last_ms {
            return Vec::new();
        }
        self.scheduled.due.range((first_ms, 0)..=(last_ms, u64::MAX)).map(|(_, id)| *id).collect()
    }

    /// Whether a session may see a scheduled message and take it away.
    fn may_order(&self, id: SessionId, namespace: NamespaceId, scheduled: u64) -> bool {
        let known = self.scheduled.all.get(&scheduled).filter(|known| known.namespace == namespace);
        let Some(known) = known.filter(|known| known.goal == super::Goal::Node) else { return false };
        let Ok((principal, _, _)) = self.who(id) else { return false };
        self.check_scheduled(namespace, principal.user(), &known.message).is_ok()
    }

    fn show_scheduled(
        &mut self,
        id: SessionId,
        namespace: NamespaceId,
        order: &Message,
        wanted: &ScheduleOrder,
    ) -> Result<Receipt, Error> {
        let Some(target) = self.answer_target(order) else { return Ok(Receipt::NONE) };
        let (mut receipt, mut bytes, mut count) = (Receipt::NONE, 0, 0);
        for scheduled in self.in_range(wanted.range_ms) {
            if count >= SHOWN_COUNT || bytes >= SHOWN_BYTES {
                break;
            }
            if !self.may_order(id, namespace, scheduled) {
                continue;
            }
            let Some(shown) = self.shown(scheduled, &target) else { continue };
            bytes += shown.raw().len();
            count += 1;
            let publish = Publish { message: shown, extra_keys: &[], claimed_user: None };
            match self.publish(id, publish)? {
                Published::Accepted(sent) => receipt = receipt.and(sent),
                Published::Refused | Published::Unroutable(_) => {}
            }
        }
        Ok(receipt)
    }

    /// A copy of a scheduled message for whoever asks what is scheduled.
    fn shown(&self, id: u64, target: &Target) -> Option<Message> {
        let message = &self.scheduled.all.get(&id)?.message;
        let words = self.dialect.schedule_words()?;
        let edits = self.edits_of(id);
        let told: Vec<_> = edits.into_iter().filter(|(name, _)| *name == words.id).collect();
        let format = self.formats.get(message.meta().encoding)?;
        let head = format.edited(message.head(), &told, Some(id));
        let head = head.as_deref().unwrap_or(message.head());
        let meta = MessageMeta { is_durable: false, ttl_ms: None, ..*message.meta() };
        Message::new(&target.node, &target.key, head, message.body(), meta, None).ok()
    }

    /// Where the answers to a message go.
    fn answer_target(&self, order: &Message) -> Option<Target> {
        let format = self.formats.get(order.meta().encoding)?;
        let properties = format.properties(order.head());
        if let Some(key) = properties.reply_key.filter(|_| properties.reply_to.is_none()) {
            return Some(Target { node: self.dialect.topic_node().into(), key, queue: None });
        }
        let name = properties.reply_to?;
        let places = self.dialect.places()?;
        if let Some(place) = places.temporary_place(&name) {
            return places.target_of(&place).ok();
        }
        // What is not known as a queue's name is an address as its protocol has them.
        if name.starts_with('/') {
            let text = &*name;
            let request = AddressRequest {
                text,
                options: &NoOptions,
                subscription: None,
                client: None,
                owner: "",
                random: [0; 16],
            };
            return self.dialect.addresses()?.targets(request, "SEND").ok()?.into_iter().next();
        }
        if name.contains("://") {
            return self.dialect.link_addresses()?.message_target(&name, &[]).ok();
        }
        places.target_of(&Place::Queue((&*name).into())).ok()
    }
}
