//! Topic aliases (MQTT 5 3.3.2.3.4), one table for each direction.

use crate::{
    codec::{PropertyId, Publish, Reason},
    error::Fault,
};

/// What the client's aliases stand for.
#[derive(Debug, Default)]
pub(super) struct InboundAliases {
    topics: Vec<Option<Box<str>>>,
}

impl InboundAliases {
    /// The topic of a message: its own, which a new alias stands for from now on, or the one of its alias.
    pub(super) fn resolve<'a>(&'a mut self, publish: &Publish<'a>, alias_max: u16) -> Result<&'a str, Fault> {
        let Some(alias) = publish.properties.number(PropertyId::TopicAlias) else { return Ok(publish.topic) };
        let invalid = |text: &str| Err(Fault::new(Reason::TOPIC_ALIAS_INVALID, text));
        let alias = usize::try_from(alias).unwrap_or(usize::MAX);
        if alias == 0 || alias > usize::from(alias_max) {
            return invalid("the topic alias is 0 or above the maximum");
        }
        if self.topics.len() < alias {
            self.topics.resize(alias, None);
        }
        let Some(place) = self.topics.get_mut(alias - 1) else { return invalid("no such topic alias") };
        if !publish.topic.is_empty() {
            *place = Some(publish.topic.into());
        }
        match place {
            Some(topic) => Ok(topic),
            None => Err(Fault::new(Reason::PROTOCOL_ERROR, "the topic alias stands for no topic")),
        }
    }
}

/// What our aliases stand for: keys of the core.
#[derive(Debug, Default)]
pub(super) struct OutboundAliases {
    keys: Vec<Box<str>>,
}

impl OutboundAliases {
    /// The alias of a key, and whether the client knows it already. `None`: all aliases stand for other keys.
    pub(super) fn of(&mut self, key: &str, alias_max: u16) -> Option<(u16, bool)> {
        if let Some(at) = self.keys.iter().position(|known| **known == *key) {
            return Some((u16::try_from(at + 1).ok()?, true));
        }
        if self.keys.len() >= usize::from(alias_max) {
            return None;
        }
        self.keys.push(key.into());
        Some((u16::try_from(self.keys.len()).ok()?, false))
    }
}
