//! The permitted keys, each declared once: reading, limits, what a node gets and the document come from here.

use super::{
    access::{AWS, HTTP, LDAP_KEYS, LOGIN, OAUTH2, OAUTH2_CONSOLE, TLS},
    limits::Limit,
};

/// First major and minor version that has something.
pub type Since = (u16, u16);

/// Every version has it.
pub(super) const ALWAYS: Since = (0, 0);
/// Since RabbitMQ 4.
pub(super) const V4: Since = (4, 0);

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole number from the first to the second, in digits.
    Whole(u64, u64),
    /// Milliseconds up to 2,147,483,647, or `infinity`.
    MsOrInfinity,
    /// A whole number from 1; the most depends on the broker it is for, see [`super::check_limits`].
    Limit(Limit),
    /// `true` or `false`.
    Truth,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// One of these words, each from a version on.
    OneOfSince(&'static [(&'static str, Since)]),
    /// 1 to 4,096 bytes without control characters.
    Text,
    /// A query of LDAP, 1 to 65,536 bytes, of several lines if need be.
    Query,
    /// A URL that begins with `https://`, without a name and password.
    HttpsUrl,
    /// An IP address or a full name of a machine.
    Host,
    /// A distinguished name.
    Dn,
    /// A distinguished name, or `none`.
    DnOrNone,
    /// An ARN of one of these services.
    Arn(&'static [&'static str]),
    /// An ARN of a role.
    Role,
}

/// A permitted key.
#[derive(Clone, Copy, Debug)]
pub struct Permitted {
    /// Its name; `*` stands for any one word.
    pub name: &'static str,
    /// Type of its value.
    pub kind: Kind,
    /// What counts without it, as text.
    pub default: &'static str,
    /// First version that has it.
    pub since: Since,
    /// It decides who may log in, or what they may do.
    pub is_access: bool,
}

const fn key(name: &'static str, kind: Kind, default: &'static str, since: Since) -> Permitted {
    Permitted { name, kind, default, since, is_access: false }
}

/// A key about logins.
pub(super) const fn access(name: &'static str, kind: Kind, default: &'static str, since: Since) -> Permitted {
    Permitted { name, kind, default, since, is_access: true }
}

const BY_TYPE: &str = "by instance type";

static GENERAL: &[Permitted] = &[
    key("consumer_timeout", Kind::Whole(0, 2_147_483_647), "1800000", ALWAYS),
    key("heartbeat", Kind::Whole(60, 3_600), "60", ALWAYS),
    key("management.restrictions.operator_policy_changes.disabled", Kind::Truth, "true", ALWAYS),
    key("quorum_queue.property_equivalence.relaxed_checks_on_redeclaration", Kind::Truth, "true", ALWAYS),
    key("secure.management.http.headers.enabled", Kind::Truth, "true", (3, 10)),
    key("amqp_client.ssl_options.verify", Kind::OneOf(&["verify_peer", "verify_none"]), "verify_peer", V4),
];

static LIMITS: &[Permitted] = &[
    key("connection_max", Kind::Limit(Limit::Connections), BY_TYPE, V4),
    key("channel_max_per_node", Kind::Limit(Limit::Channels), BY_TYPE, V4),
    key("cluster_queue_limit", Kind::Limit(Limit::Queues), BY_TYPE, V4),
    key("vhost_max", Kind::Limit(Limit::VirtualHosts), BY_TYPE, V4),
    key("runtime_parameters.limits.shovel", Kind::Limit(Limit::Shovels), BY_TYPE, V4),
    key("cluster_exchange_limit", Kind::Limit(Limit::Exchanges), BY_TYPE, V4),
    key("consumer_max_per_channel", Kind::Limit(Limit::Consumers), "10", V4),
    key("max_message_size", Kind::Limit(Limit::MessageBytes), "524288", V4),
];

/// All permitted keys, in the order of the document.
pub fn permitted() -> impl Iterator<Item = &'static Permitted> {
    [GENERAL, LIMITS, LOGIN, OAUTH2, OAUTH2_CONSOLE, LDAP_KEYS, HTTP, TLS, AWS].into_iter().flatten()
}

/// The keys that set limits.
pub(super) fn limits() -> impl Iterator<Item = (&'static str, Limit)> {
    LIMITS.iter().filter_map(|key| match key.kind {
        Kind::Limit(limit) => Some((key.name, limit)),
        _ => None,
    })
}

/// The declaration of a key.
pub(super) fn find(name: &str) -> Option<&'static Permitted> {
    permitted().find(|key| is_named(key.name, name))
}

/// Word by word; `*` is any word that is not empty.
fn is_named(pattern: &str, name: &str) -> bool {
    let mut words = name.split('.');
    for expected in pattern.split('.') {
        match words.next() {
            Some(word) if word == expected || (expected == "*" && !word.is_empty()) => {}
            _ => return false,
        }
    }
    words.next().is_none()
}

/// What a key begins with.
pub(super) fn first_word(name: &str) -> &str {
    name.split('.').next().unwrap_or_default()
}

/// Whether some permitted key has this word before its first dot.
pub(super) fn is_family(word: &str) -> bool {
    permitted().any(|key| key.name.split_once('.').is_some_and(|(first, _)| first == word))
}
