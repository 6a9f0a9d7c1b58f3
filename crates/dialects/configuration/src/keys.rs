//! What a key is, and finding one. Parser, messages and documentation read the same declarations.

use crate::{
    settings::Settings,
    without::{IGNORED, REFUSED},
};

/// Puts a value into the settings; the second argument is the part of the key that `*` stands for.
pub type Set = fn(&mut Settings, &str, &str) -> Result<(), String>;

/// Decides by the value what the line is good for.
pub type Judge = fn(&str) -> Result<Verdict, String>;

/// What a value asks for, where this broker has one way only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// What this broker does anyway.
    AsItIs,
    /// Something else, for want of which nothing is lost: told, and passed over for this reason.
    Ignored(&'static str),
    /// Something that must not be missing silently: the file is refused for this reason.
    Refused(&'static str),
}

/// What a key does.
#[derive(Clone, Copy, Debug)]
pub enum Effect {
    /// It sets something.
    Sets(Set),
    /// Its value decides.
    Depends(Judge),
    /// It is known and does nothing, for this reason.
    Ignored(&'static str),
    /// It is known, and to pass it over would leave a broker less safe or less useful than its owner believes: the
    /// file is refused, for this reason.
    Refused(&'static str),
}

/// One key.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Its name; a last part `*` stands for any one word, `**` for any number of words.
    pub name: &'static str,
    /// How its value is written, with the unit.
    pub value: &'static str,
    /// What counts without it.
    pub default: &'static str,
    /// What it means, in one sentence; of a key that is not served, the reason.
    pub doc: &'static str,
    /// What it does.
    pub effect: Effect,
}

/// One that sets something.
pub(crate) const fn sets(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    doc: &'static str,
    set: Set,
) -> Key {
    Key { name, value, default, doc, effect: Effect::Sets(set) }
}

/// One whose value decides.
pub(crate) const fn depends(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    doc: &'static str,
    judge: Judge,
) -> Key {
    Key { name, value, default, doc, effect: Effect::Depends(judge) }
}

/// One without effect.
pub(crate) const fn ignored(name: &'static str, reason: &'static str) -> Key {
    Key { name, value: "any", default: "-", doc: reason, effect: Effect::Ignored(reason) }
}

/// One for which the file is refused.
pub(crate) const fn refused(name: &'static str, reason: &'static str) -> Key {
    Key { name, value: "any", default: "-", doc: reason, effect: Effect::Refused(reason) }
}

/// All keys that are known.
pub fn keys() -> impl Iterator<Item = &'static Key> {
    use crate::{
        listeners::LISTENERS,
        mqtt::MQTT,
        served::SERVED,
        served_tls::{OF_HTTP, OF_MESSAGES, OTHERS},
        stomp::STOMP,
    };
    [LISTENERS, SERVED, MQTT, STOMP, OTHERS, OF_MESSAGES, OF_HTTP, IGNORED, REFUSED].into_iter().flatten()
}

/// A key and what its `*` stands for. The most exact declaration counts.
pub(crate) fn find(name: &str) -> Option<(&'static Key, &str)> {
    if let Some(key) = keys().find(|key| key.name == name) {
        return Some((key, ""));
    }
    let of_one_word = keys().find_map(|key| {
        if key.is_family() {
            return None;
        }
        let part = name.strip_prefix(key.name.strip_suffix('*')?)?;
        // a word of its own, not a deeper key
        if part.is_empty() || part.contains('.') { None } else { Some((key, part)) }
    });
    of_one_word.or_else(|| {
        keys()
            .filter_map(|key| Some((key, name.strip_prefix(key.name.strip_suffix("**")?)?)))
            .filter(|(_, rest)| !rest.is_empty())
            .min_by_key(|(_, rest)| rest.len())
    })
}

impl Key {
    /// Whether it stands for any number of keys.
    pub(crate) fn is_family(&self) -> bool {
        self.name.ends_with("**")
    }
}
