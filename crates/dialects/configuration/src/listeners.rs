//! Keys of listeners: each protocol has the same two for its plain ones, and for those with TLS.

use std::{collections::BTreeMap, net::SocketAddr};

use crate::{
    keys::{Key, sets},
    values,
};

/// Most listeners of a kind.
pub(crate) const MAX_LISTENERS: usize = 64;

/// A listener of its name, as `listeners.tcp.NAME` has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedListener {
    /// Its name in the file.
    pub name: String,
    /// Address and port; port 0 picks a free one.
    pub address: SocketAddr,
}

/// What a file says of one kind of listener.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listeners {
    /// In the order of the file; empty: the default one, if there is one.
    pub named: Vec<NamedListener>,
    /// None at all, whatever is named.
    pub is_off: bool,
}

impl Listeners {
    /// A name that comes again takes the place of the former.
    fn put(&mut self, name: &str, value: &str) -> Result<(), String> {
        let address = values::listener(value)?;
        self.named.retain(|listener| listener.name != name);
        if self.named.len() >= MAX_LISTENERS {
            return Err(format!("there are more than {MAX_LISTENERS} listeners; take some out"));
        }
        self.named.push(NamedListener { name: name.to_owned(), address });
        Ok(())
    }

    fn switch(&mut self, keys: &str, value: &str) -> Result<(), String> {
        if value != "none" {
            return Err(format!("the only value is none; a listener is set by {keys}.NAME"));
        }
        self.is_off = true;
        Ok(())
    }
}

/// The keys of listeners with TLS that are to be opened.
pub(crate) fn open_with_tls(
    listeners: &BTreeMap<&'static str, Listeners>,
) -> impl Iterator<Item = &'static str> {
    WITH_TLS.iter().filter_map(|(name, keys)| {
        let said = listeners.get(name)?;
        (!said.named.is_empty() && !said.is_off).then_some(*keys)
    })
}

const WITH_TLS: &[(&str, &str)] =
    &[("amqps", "listeners.ssl"), ("mqtts", "mqtt.listeners.ssl"), ("stomps", "stomp.listeners.ssl")];

const ADDRESS: &str = "PORT or ADDRESS:PORT";

/// Both keys of a kind of listener.
macro_rules! keys_of {
    ($listener:literal, $keys:literal, $default:literal, $what:literal, $more:literal) => {
        [
            sets(
                concat!($keys, ".*"),
                ADDRESS,
                $default,
                concat!("A listener of ", $what, "; ", $more, "; at most 64."),
                |s, name, value| s.listeners.entry($listener).or_default().put(name, value),
            ),
            sets(
                $keys,
                "`none`",
                "-",
                concat!("No listener of ", $what, ", whatever `", $keys, ".*` says."),
                |s, _, value| s.listeners.entry($listener).or_default().switch($keys, value),
            ),
        ]
    };
}

const ANY: [[Key; 2]; 6] = [
    keys_of!(
        "amqp",
        "listeners.tcp",
        "127.0.0.1:5672",
        "AMQP without TLS",
        "a port alone listens on every IPv4 address"
    ),
    keys_of!("amqps", "listeners.ssl", "none", "AMQP with TLS", "needs `ssl_options.certfile` and `keyfile`"),
    keys_of!(
        "mqtt",
        "mqtt.listeners.tcp",
        "127.0.0.1:1883",
        "MQTT without TLS",
        "a port alone listens on every IPv4 address"
    ),
    keys_of!(
        "mqtts",
        "mqtt.listeners.ssl",
        "none",
        "MQTT with TLS",
        "needs `ssl_options.certfile` and `keyfile`"
    ),
    keys_of!(
        "stomp",
        "stomp.listeners.tcp",
        "127.0.0.1:61613",
        "STOMP without TLS",
        "a port alone listens on every IPv4 address"
    ),
    keys_of!(
        "stomps",
        "stomp.listeners.ssl",
        "none",
        "STOMP with TLS",
        "needs `ssl_options.certfile` and `keyfile`"
    ),
];

pub(crate) static LISTENERS: &[Key] = ANY.as_flattened();
