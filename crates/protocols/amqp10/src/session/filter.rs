//! Filters of a receiver's source (AMQP 1.0 3.5.8; the filters are those that the Apache Software Foundation registered).
//! One that is not known has no effect, and the answer to the attach does not have it: so the receiver can tell.

use ternmq_selector::Selector;

use crate::{
    codec::{Map, Value, write::MapWriter},
    error::{Fault, condition},
};

/// One of the filters that there are.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// What a selector lets pass.
    Selector,
    /// Not what the receiver's own connection publishes.
    NoLocal,
}

/// Each by its number and its name.
const KINDS: [(u64, &str, Kind); 2] = [
    (0x468c_0000_0003, "apache.org:no-local-filter:list", Kind::NoLocal),
    (0x468c_0000_0004, "apache.org:selector-filter:string", Kind::Selector),
];

/// What a source wants to get.
#[derive(Default)]
pub(super) struct Filters {
    pub(super) selector: Option<Selector>,
    pub(super) skips_own: bool,
}

/// The kind of an entry: what describes its value, or else the name that it stands under.
fn kind_of(key: &Value<'_>, value: &Value<'_>) -> Option<Kind> {
    let named = |name: &str| KINDS.iter().find(|(_, known, _)| *known == name);
    let found = match value {
        Value::Described(described) => match described.descriptor()? {
            Value::Ulong(number) => KINDS.iter().find(|(known, _, _)| *known == number),
            Value::Symbol(name) => named(name),
            _ => None,
        },
        _ => key.as_text().and_then(named),
    };
    found.map(|(_, _, kind)| *kind)
}

/// Reads the filters of a source.
///
/// # Errors
/// A selector that can't be read, or two of them.
pub(super) fn read_filters(filter: Option<&Map<'_>>) -> Result<Filters, Fault> {
    let mut filters = Filters::default();
    for (key, value) in filter.into_iter().flat_map(Map::iter) {
        match kind_of(&key, &value) {
            Some(Kind::NoLocal) => filters.skips_own = true,
            Some(Kind::Selector) => {
                let inner = match value {
                    Value::Described(described) => described.value(),
                    plain => Some(plain),
                };
                let Some(Value::String(text)) = inner else {
                    return Err(Fault::link(condition::INVALID_FIELD, "a selector has to be a string"));
                };
                let read = Selector::parse(text).map_err(|error| {
                    Fault::link(condition::INVALID_FIELD, format!("invalid selector: {error}"))
                })?;
                if filters.selector.replace(read).is_some() {
                    return Err(Fault::link(condition::INVALID_FIELD, "a source has one selector"));
                }
            }
            None => {}
        }
    }
    Ok(filters)
}

/// Writes those filters of a source that are in effect, as they came. `has_no_local`: that one is.
pub(super) fn put_effective(filter: Option<&Map<'_>>, has_no_local: bool, out: &mut Vec<u8>) {
    let mut map = MapWriter::start(out);
    for ((key, pair), (_, value)) in
        filter.into_iter().flat_map(Map::raw_pairs).zip(filter.into_iter().flat_map(Map::iter))
    {
        let is_in_effect = match kind_of(&key, &value) {
            Some(Kind::Selector) => true,
            Some(Kind::NoLocal) => has_no_local,
            None => false,
        };
        if is_in_effect {
            map.pair(|out| out.extend_from_slice(pair));
        }
    }
    map.end();
}
