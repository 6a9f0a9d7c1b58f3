//! What a node of ours gets to read: a `rabbitmq.conf` with every line of which it does something, and the names of the
//! keys that it would not obey.

use std::fmt::Write;

use super::{
    Chosen, keys, limits,
    size::{Mode, Size},
    values,
};
use crate::{keys::Effect, keys::Verdict, settings::Settings};

/// The configuration of a node.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Effective {
    /// Text for `ternmq broker --config`, complete with defaults and limits; the node reads it without a warning.
    pub text: String,
    /// Keys of the configuration that the node does not obey, in the order of their names.
    pub without_effect: Vec<WithoutEffect>,
}

/// A key that the node does not obey.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WithoutEffect {
    /// The key as the configuration has it.
    pub key: String,
    /// Why.
    pub reason: String,
}

const HEAD: &str =
    "# Written by the service from the broker's configuration; a change here is overwritten.\n";
const NO_CA: &str =
    "certificates of authorities are not fetched in this version, so none of a client could be verified";
const UNKNOWN: &str = "it is not a key of this broker";

/// The configuration of a node of a broker of this type: what was chosen, defaults for the rest, limits never above the
/// type's most. A limit that the node has no key for is not in it.
#[must_use]
pub fn effective(chosen: &Chosen, size: Size, mode: Mode) -> Effective {
    let mut text = HEAD.to_owned();
    let mut without_effect = Vec::new();
    let mut put = |key: &str, value: &str| {
        // writing to a string does not fail
        let _ = writeln!(text, "{key} = {value}");
    };
    put("heartbeat", chosen.value("heartbeat").unwrap_or("60"));
    put(
        "consumer_timeout",
        match chosen.value("consumer_timeout").map(|text| (text, values::whole(text))) {
            None => "1800000",
            // the service's word for "never" is 0
            Some((_, Some(0))) => "undefined",
            Some((text, _)) => text,
        },
    );
    for (key, limit) in keys::limits() {
        if let Some(most) = limits::in_force(chosen, key, limit, size, mode)
            && would_obey(key, &most.to_string()).is_ok()
        {
            put(key, &most.to_string());
        }
    }
    for (key, value) in chosen.values() {
        let is_limit = keys::limits().any(|(limit, _)| limit == key);
        match would_obey(key, value) {
            _ if key == "consumer_timeout" || key == "heartbeat" => {}
            Ok(()) if is_limit => {}
            Ok(()) => put(key, value),
            Err(reason) => without_effect.push(WithoutEffect { key: key.to_owned(), reason }),
        }
    }
    Effective { text, without_effect }
}

/// Whether the node obeys a line, or the reason why not.
fn would_obey(key: &str, value: &str) -> Result<(), String> {
    let needs_ca = matches!(
        (key, value),
        ("ssl_options.verify" | "management.ssl.verify", "verify_peer")
            | ("ssl_options.fail_if_no_peer_cert", "true")
    );
    if needs_ca {
        return Err(NO_CA.to_owned());
    }
    let (declared, name) = crate::keys::find(key).ok_or_else(|| UNKNOWN.to_owned())?;
    let verdict = match declared.effect {
        Effect::Sets(set) => return set(&mut Settings::default(), name, value),
        Effect::Depends(judge) => judge(value)?,
        Effect::Ignored(reason) => Verdict::Ignored(reason),
        Effect::Refused(reason) => Verdict::Refused(reason),
    };
    match verdict {
        Verdict::AsItIs => Ok(()),
        Verdict::Ignored(reason) | Verdict::Refused(reason) => Err(reason.to_owned()),
    }
}
