//! What every connection of a listener shares.

use std::sync::Arc;

use ternmq_access::Secret;

use crate::codec::{Qos, Reason};

/// Where clients are to go instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// [`Reason::USE_ANOTHER_SERVER`] for now or [`Reason::SERVER_MOVED`] for good.
    pub reason: Reason,
    /// The other server, as MQTT 5 4.11 writes it.
    pub reference: Arc<str>,
}

/// Settings of a listener, with the limits of `guarantees.md` section 6 as defaults.
#[derive(Clone)]
pub struct Settings {
    /// Namespace of clients whose user name names none.
    pub namespace: Arc<str>,
    /// User and password that a client without a user name stands for; absent: nobody enters without one (S1).
    pub anonymous: Option<(Arc<str>, Secret)>,
    /// A client without a user name is the user whom its verified certificate names, if it has shown one (S4).
    pub is_certificate_login: bool,
    /// Reason of a login that is refused: [`Reason::BAD_USER_NAME_OR_PASSWORD`] or [`Reason::NOT_AUTHORIZED`].
    pub login_refusal: Reason,
    /// A client may come without an identifier and is given one (MQTT-3.1.3-6).
    pub takes_empty_ids: bool,
    /// Time in ms for the whole login (B2).
    pub login_timeout_ms: u64,
    /// Largest packet in bytes before the login.
    pub handshake_packet_max_bytes: u32,
    /// Largest packet in bytes; `codec::PACKET_MAX_BYTES`: whatever the protocol can say, and then no limit is told.
    pub packet_max_bytes: u32,
    /// Output of one call in bytes beyond which no more input is taken, and retained messages go by the client's queue.
    pub output_max_bytes: usize,
    /// Most retained messages that a client's subscriptions look at in one turn; the rest follows in the next ones.
    pub retained_step: usize,
    /// Most QoS 1 and 2 messages that a client may have under way to us.
    pub receive_max: u16,
    /// Most QoS 1 and 2 messages under way to a client, whatever it allows.
    pub outbound_max: u16,
    /// Highest QoS of messages that clients publish, their wills among them, and of what they subscribe to.
    pub qos_max: Qos,
    /// Messages are retained; else one that asks for it is refused.
    pub is_retain_available: bool,
    /// Highest topic alias, in both directions.
    pub alias_max: u16,
    /// Longest keep alive in s; MQTT 5 clients that want more, or none, are told this one. 0: whatever they want.
    pub keep_alive_max_s: u16,
    /// How long in ms the session of an MQTT 3 client that is not clean is kept.
    pub session_keep_ms: u64,
    /// Clients are sent elsewhere.
    pub redirect: Option<Redirect>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            namespace: "/".into(),
            anonymous: None,
            is_certificate_login: false,
            login_refusal: Reason::BAD_USER_NAME_OR_PASSWORD,
            takes_empty_ids: true,
            login_timeout_ms: 10_000,
            handshake_packet_max_bytes: 64 << 10,
            packet_max_bytes: 16 << 20,
            output_max_bytes: 1 << 20,
            retained_step: 1_024,
            receive_max: 100,
            outbound_max: 1_000,
            qos_max: Qos::ExactlyOnce,
            is_retain_available: true,
            alias_max: 16,
            keep_alive_max_s: 0,
            session_keep_ms: u64::MAX,
            redirect: None,
        }
    }
}
