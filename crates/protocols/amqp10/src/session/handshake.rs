//! From the first protocol header to an open connection (AMQP 1.0 2.2, 2.4, 5.3).

use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{Broker, ChallengeLogin, ConnectionId, ConnectionInfo, LinkAddresses};
use ternmq_message::Value as Neutral;

use super::{Amqp10Session, State, close::addresses};
use crate::{
    codec::{
        Map, Value,
        frame::{
            AMQP_HEADER, FrameKind, GREETING_BYTES, Greeting, MIN_MAX_FRAME_BYTES, SASL_HEADER, put_frame,
            read_greeting,
        },
        performative::{Open, Performative},
        read,
        write::{MapWriter, put_bool, put_string, put_symbols},
    },
    error::{Fault, condition},
    format::neutral_map,
};

/// What every connection of a listener shares.
#[derive(Clone)]
pub struct Settings {
    /// Name of the cluster or node, told to clients.
    pub cluster_name: Arc<str>,
    /// Version told to clients.
    pub version: Arc<str>,
    /// Largest frame in bytes that is taken from an open connection.
    pub frame_max: u32,
    /// Largest frame in bytes before that (B2).
    pub handshake_frame_max: u32,
    /// Highest channel: sessions of a connection, less one.
    pub channel_max: u16,
    /// Time in s without a frame from the peer after which its connection ends; 0: never.
    pub idle_timeout_s: u16,
    /// Time in ms for the whole login (B2).
    pub login_timeout_ms: u64,
    /// Most bytes of messages of which not all has come, of all links of a connection; at least one message's.
    pub assembly_max_bytes: u64,
    /// Most transactions at once of a connection.
    pub max_transactions: usize,
    /// Time in ms after which a transaction that was not discharged is rolled back.
    pub transaction_timeout_ms: u64,
    /// Logging in by user and password is allowed.
    pub is_plain_login: bool,
    /// The client's verified certificate is a login; offered to those that have shown one (S4).
    pub is_certificate_login: bool,
    /// Logging in by SCRAM-SHA-256 is allowed.
    pub is_scram_login: bool,
    /// User that clients without a login stand for, with the password; absent: nobody comes so (S1).
    pub anonymous: Option<(Arc<str>, Secret)>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cluster_name: "ternmq".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            frame_max: 131_072,
            handshake_frame_max: 8_192,
            channel_max: 63,
            idle_timeout_s: 60,
            login_timeout_ms: 10_000,
            assembly_max_bytes: 64 << 20,
            max_transactions: 64,
            transaction_timeout_ms: 30 * 60 * 1_000,
            is_plain_login: true,
            is_certificate_login: false,
            is_scram_login: false,
            anonymous: None,
        }
    }
}

/// Least time in ms without a frame that a peer may ask for (as RabbitMQ): it would only fill the wire.
const MIN_IDLE_MS: u32 = 1_000;

/// Capability of a peer whose container-id is to be nobody else's (OASIS, sole connection enforcement).
const SOLE: &str = "sole-connection-for-container";

/// What an open is followed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Establishment {
    /// The connection.
    Done,
    /// A close: clients wait for it before they believe that they are connected.
    Failed,
}

/// Steps of the handshake, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Expect {
    /// The first protocol header.
    #[default]
    Greeting,
    /// The client's choice of a mechanism.
    Init,
    /// Its answer to an empty challenge: what it could have begun with.
    Response,
    /// Its answer to a challenge.
    Proof,
    /// The password is being checked.
    Verdict,
    /// The protocol header behind the login.
    AmqpGreeting,
    /// open
    Open,
}

/// What is known before the connection is open.
#[derive(Default)]
pub(super) struct Handshake {
    pub(super) expect: Expect,
    pub(super) user: Arc<str>,
    pub(super) mechanism: &'static str,
    /// The login that its proof is for.
    pub(super) challenge: Option<Box<ChallengeLogin>>,
    /// The broker's open is out already.
    pub(super) is_open_sent: bool,
}

/// User and password of a PLAIN response (RFC 4616).
pub(super) fn plain(response: &[u8]) -> Option<(&str, Secret)> {
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    Some((std::str::from_utf8(user).ok()?, Secret::new(password.to_vec())))
}

impl Amqp10Session {
    /// Reads a protocol header where one is due. Answers how many bytes it took; `None`: none is due.
    pub(super) fn on_greeting(&mut self, input: &[u8], out: &mut Vec<u8>) -> Option<usize> {
        let State::Handshake(handshake) = &mut self.state else { return None };
        let is_first = match handshake.expect {
            Expect::Greeting => true,
            Expect::AmqpGreeting => false,
            _ => return None,
        };
        match read_greeting(input) {
            Greeting::Incomplete => return Some(0),
            Greeting::Sasl if is_first => {
                handshake.expect = Expect::Init;
                out.extend_from_slice(&SASL_HEADER);
                self.put_mechanisms(out);
            }
            Greeting::Amqp if !is_first => {
                handshake.expect = Expect::Open;
                out.extend_from_slice(&AMQP_HEADER);
            }
            // Nobody is let in without a login (S1): the answer is the header that there is one behind.
            Greeting::Sasl | Greeting::Amqp | Greeting::Other => {
                out.extend_from_slice(if is_first { &SASL_HEADER } else { &AMQP_HEADER });
                self.state = State::Closing;
                return Some(input.len());
            }
        }
        Some(GREETING_BYTES)
    }

    pub(super) fn on_open(
        &mut self,
        broker: &mut Broker,
        channel: u16,
        performative: &Performative<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let (Performative::Open(open), 0) = (performative, channel) else {
            return Err(Fault::connection(condition::ILLEGAL_STATE, "the connection has to be opened first"));
        };
        let State::Handshake(handshake) = &self.state else { return Ok(()) };
        if open.max_frame_size < MIN_MAX_FRAME_BYTES {
            let text = format!("max-frame-size has to be at least {MIN_MAX_FRAME_BYTES}");
            return Err(Fault::connection(condition::INVALID_FIELD, text));
        }
        let idle_ms = open.idle_time_out.filter(|ms| *ms > 0);
        if idle_ms.is_some_and(|ms| ms < MIN_IDLE_MS) {
            let text = format!("idle-time-out has to be at least {MIN_IDLE_MS}");
            return Err(Fault::connection(condition::NOT_ALLOWED, text));
        }
        let dialect = broker.dialect().clone();
        let namespace = addresses(&*dialect)?.link_namespace(open.hostname);
        let info = self.connection_info(handshake, open);
        let user = handshake.user.clone();
        let connection = broker.connect(&user, &namespace, info).map_err(|error| {
            let fault = Fault::of(&error, &*dialect);
            Fault::connection(fault.condition, fault.text)
        })?;
        self.connection = Some(connection);
        self.container = open.container_id.into();
        self.namespace = (&*namespace).into();
        // Transfers are no larger than what is taken from the peer: large ones must not hold up the others.
        self.peer_frame_max = open.max_frame_size.min(self.settings.frame_max);
        let wants =
            |name: &str| open.desired_capabilities.iter().flat_map(Value::texts).any(|all| all == name);
        if wants(SOLE) && broker.claim_name(connection, &self.container).is_err() {
            let text = "another connection has this container-id";
            let field = Some("container-id");
            let fault = Fault { field, ..Fault::connection(condition::INVALID_FIELD, text) };
            self.put_open(broker, Establishment::Failed, out);
            return Err(fault);
        }
        self.name_client(broker, connection, out)?;
        self.put_open(broker, Establishment::Done, out);
        self.state = State::Open;
        self.beats.start(broker.monotonic_ms(), self.settings.idle_timeout_s, idle_ms);
        self.deadline_ms = self.beats.deadline_ms();
        Ok(())
    }

    /// A container is a client, where the dialect counts them.
    fn name_client(
        &mut self,
        broker: &mut Broker,
        connection: ConnectionId,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if self.container.is_empty() {
            return Ok(());
        }
        let Err(error) = broker.name_client(connection, &self.container, None) else { return Ok(()) };
        let fault = Fault::of(&error, &**broker.dialect());
        self.put_open(broker, Establishment::Failed, out);
        let field = Some("container-id");
        Err(Fault { field, ..Fault::connection(fault.condition, fault.text) })
    }

    fn connection_info(&self, handshake: &Handshake, open: &Open<'_>) -> ConnectionInfo {
        let mut known = open.properties.as_ref().map(neutral_map).unwrap_or_default();
        if !known.iter().any(|(name, _)| &**name == "product") {
            known.push(("product".into(), Neutral::str("AMQP 1.0 client")));
        }
        ConnectionInfo {
            name: match (self.peer, self.local) {
                (Some(peer), Some(local)) => format!("{peer} -> {local}").into(),
                _ => "local".into(),
            },
            protocol: "AMQP 1-0".into(),
            peer: self.peer,
            local: self.local,
            client_properties: known,
            user_provided_name: Some(open.container_id.into()),
            channel_max: self.settings.channel_max.min(open.channel_max),
            frame_max: self.settings.frame_max,
            heartbeat_s: self.settings.idle_timeout_s,
            auth_mechanism: handshake.mechanism.into(),
            own_id: None,
        }
    }

    /// The broker's open.
    pub(super) fn put_open(&mut self, broker: &Broker, establishment: Establishment, out: &mut Vec<u8>) {
        if let State::Handshake(handshake) = &mut self.state {
            handshake.is_open_sent = true;
        }
        let dialect = broker.dialect();
        let known = dialect.link_addresses();
        let has_definitions = known.is_some_and(|known| known.definitions().is_some());
        let (product, version) =
            known.and_then(LinkAddresses::told_product).unwrap_or(("TernMQ", &self.settings.version));
        let mut offered = Vec::new();
        let mut all = vec!["ANONYMOUS-RELAY", SOLE];
        all.extend(has_definitions.then_some("LINK_PAIR_V1_0"));
        all.extend(known.map(LinkAddresses::offered).unwrap_or_default());
        put_symbols(&mut offered, &all);
        let mut told = Vec::new();
        let mut map = MapWriter::start(&mut told);
        map.symbol("product", |out| put_string(out, product));
        map.symbol("version", |out| put_string(out, version));
        map.symbol("ternmq_version", |out| put_string(out, &self.settings.version));
        map.symbol("cluster_name", |out| put_string(out, &self.settings.cluster_name));
        map.symbol("node", |out| put_string(out, broker.node_name()));
        if let Some([queue, topic]) = known.and_then(LinkAddresses::prefixes) {
            map.symbol("queue-prefix", |out| put_string(out, queue));
            map.symbol("topic-prefix", |out| put_string(out, topic));
        }
        if establishment == Establishment::Failed {
            map.symbol("amqp:connection-establishment-failed", |out| put_bool(out, true));
        }
        map.end();
        let properties = match read(&told) {
            Ok((Value::Map(map), _)) => map,
            _ => Map::default(),
        };
        let open = Performative::Open(Open {
            container_id: &self.settings.cluster_name,
            hostname: None,
            max_frame_size: self.settings.frame_max,
            channel_max: self.settings.channel_max,
            // Half of the time that is waited (AMQP 1.0 2.4.5).
            idle_time_out: Some(u32::from(self.settings.idle_timeout_s) * 500).filter(|ms| *ms > 0),
            offered_capabilities: read(&offered).ok().map(|(value, _)| value),
            desired_capabilities: None,
            properties: Some(properties),
        });
        put_frame(out, FrameKind::Amqp, 0, |out| open.put(out));
    }
}
