//! Message groups in dispatch: when they are looked at, who has one, and what a message does to its own.

use ternmq_message::{Group, GroupRole, Message};

use crate::{
    consumers::Consumers,
    entry::Seq,
    groups::{Groups, Pin},
    machine::Queue,
};

impl Queue {
    fn groups(&self) -> Option<&Groups> {
        self.rare.as_ref()?.groups.as_ref()
    }

    fn groups_mut(&mut self) -> Option<&mut Groups> {
        self.rare.as_mut()?.groups.as_mut()
    }

    /// The group of a message, if the queue looks at groups.
    #[inline]
    pub(crate) fn group_of(&self, message: &Message) -> Option<Group> {
        message.group().filter(|_| self.settings.groups.is_some())
    }

    /// Order alone decides no more who gets what, as a message of a group has come to the front.
    #[cold]
    pub(crate) fn begin_groups(&mut self) {
        if let Some(table) = self.settings.groups
            && self.groups().is_none()
        {
            self.rare().groups = Some(Groups::new(table));
            // What came back while order alone decided was noted for nobody.
            self.consumers.rewind_all();
        }
    }

    /// All groups are forgotten, and the next message of one begins anew.
    pub(crate) fn end_groups(&mut self) {
        if let Some(rare) = &mut self.rare
            && rare.groups.take().is_some()
        {
            self.consumers.rewind_all();
        }
    }

    /// The consumer that alone may have a message, because it has the group. Where one consumer gets everything, that is
    /// nobody: it gets the groups of others too. The first message of a group anew is for anybody, unless earlier ones
    /// still wait for whoever had it.
    pub(crate) fn owner_of(&self, message: &Message, consumers: &Consumers) -> Option<u32> {
        let group = self.group_of(message)?;
        let pin = self.groups()?.get(group.key()).filter(|_| !consumers.is_single_active())?;
        let is_free = group.role() == GroupRole::First && !pin.is_awaited_behind(pin.delivered_last);
        (!is_free).then_some(pin.consumer)
    }

    /// How many groups a consumer has.
    pub(crate) fn group_count(&self, consumer: u32) -> u32 {
        self.groups().map_or(0, |groups| groups.count(consumer))
    }

    /// Others than the consumer that has its group have passed over a message.
    pub(crate) fn note_refused(&mut self, message: Option<Group>, seq: Seq) {
        if let (Some(group), Some(groups)) = (message, self.groups_mut()) {
            groups.note_refused(group.key(), seq);
        }
    }

    /// A consumer gets a message of a group. Answers whether it gets the group with it.
    pub(crate) fn pass_group(&mut self, group: Group, seq: Seq, consumer: u32) -> bool {
        self.begin_groups();
        let Some(groups) = self.groups_mut() else { return false };
        let own = groups.get(group.key()).filter(|pin| pin.consumer == consumer).copied();
        let is_first = group.role() == GroupRole::First || own.is_none_or(|pin| pin.is_anew);
        let pin = Pin {
            consumer,
            delivered_last: seq,
            refused_last: own.map_or(Seq(0), |pin| pin.refused_last),
            is_anew: group.role() == GroupRole::Last,
        };
        // What others have left to this consumer stays its own, so that none of it comes after what is sent later.
        if pin.is_anew && !pin.is_awaited_behind(seq) {
            groups.close(group.key());
            self.end_idle_groups();
        } else {
            groups.bind(group.key(), pin);
        }
        is_first
    }

    /// A consumer is gone: others get its groups, and look at what they left to it.
    pub(crate) fn release_groups(&mut self, consumer: u32) {
        if let Some(groups) = self.groups_mut() {
            groups.release(consumer);
            self.consumers.rewind_all();
            self.end_idle_groups();
        }
    }

    /// Order alone decides again once no consumer has a group and nothing is ready.
    fn end_idle_groups(&mut self) {
        if self.lanes.count == 0 && self.groups().is_some_and(Groups::is_empty) {
            self.end_groups();
        }
    }
}
