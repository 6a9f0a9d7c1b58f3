//! Keys of STOMP that this broker obeys.

use crate::{
    keys::{Effect, Key, Set},
    served::MAX_NAMED,
    settings::NamedListener,
    values,
};

/// What a file says of STOMP. Absent: the broker's own default.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StompSettings {
    /// Listeners; empty: the default one.
    pub listeners: Vec<NamedListener>,
    /// No plain listener at all.
    pub is_off: bool,
    /// What a NACK that does not say it does with its message: back to the queue, or discarded.
    pub is_nack_requeued: Option<bool>,
}

const fn sets(
    name: &'static str,
    value: &'static str,
    default: &'static str,
    doc: &'static str,
    set: Set,
) -> Key {
    Key { name, value, default, doc, effect: Effect::Sets(set) }
}

pub(crate) static STOMP: &[Key] = &[
    sets(
        "stomp.listeners.tcp.*",
        "PORT or ADDRESS:PORT",
        "127.0.0.1:61613",
        "A listener of STOMP without TLS; a port alone listens on every IPv4 address; at most 64.",
        |s, name, value| {
            let address = values::listener(value)?;
            s.stomp.listeners.retain(|listener| listener.name != name);
            if s.stomp.listeners.len() >= MAX_NAMED {
                return Err(format!("there are more than {MAX_NAMED} listeners; take some out"));
            }
            s.stomp.listeners.push(NamedListener { name: name.to_owned(), address });
            Ok(())
        },
    ),
    sets(
        "stomp.listeners.tcp",
        "`none`",
        "-",
        "No listener of STOMP without TLS, whatever `stomp.listeners.tcp.*` says.",
        |s, _, value| match value {
            "none" => {
                s.stomp.is_off = true;
                Ok(())
            }
            _ => Err("the only value is none; a listener is set by stomp.listeners.tcp.NAME".to_owned()),
        },
    ),
    sets(
        "stomp.default_nack_requeue",
        "`true` or `false`",
        "true",
        "Whether a NACK without a `requeue` header puts its message back; else it is discarded or dead-lettered.",
        |s, _, value| {
            s.stomp.is_nack_requeued = Some(values::truth(value)?);
            Ok(())
        },
    ),
];
