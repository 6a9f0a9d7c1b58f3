//! From the greeting to an open connection.

use std::sync::Arc;

use ternmq_broker::{Broker, ConnectionInfo};

use super::{Amqp091Session, State, Step};
use crate::{
    codec::{
        FieldValue, Greeting, Method, TableBuf,
        frame::{PROTOCOL_HEADER, read_greeting},
        method::{MethodFrame, connection},
    },
    error::{COMMAND_INVALID, Fault, NOT_ALLOWED, SYNTAX_ERROR},
    format::map_from_table,
};

/// What every connection of a listener shares.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the cluster or node, told to clients.
    pub cluster_name: Arc<str>,
    /// Version told to clients.
    pub version: Arc<str>,
    /// Highest channel number offered.
    pub channel_max: u16,
    /// Largest frame in bytes offered after login.
    pub frame_max: u32,
    /// Largest frame in bytes before login.
    pub handshake_frame_max: u32,
    /// Heartbeat in s offered, 0 for none.
    pub heartbeat_s: u16,
    /// Time in ms for the whole login (B2).
    pub login_timeout_ms: u64,
    /// Ways to log in.
    pub mechanisms: Mechanisms,
}

/// Ways to log in that a listener allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mechanisms {
    /// User and password.
    pub plain: bool,
    /// The same in a table.
    pub amqplain: bool,
    /// By the client's verified certificate; offered to those that have shown one (S4).
    pub external: bool,
}

impl Default for Mechanisms {
    fn default() -> Self {
        Self { plain: true, amqplain: true, external: false }
    }
}

impl Mechanisms {
    /// Their names as they are offered.
    pub(super) fn offered(self, has_certificate: bool) -> String {
        let all = [
            ("PLAIN", self.plain),
            ("AMQPLAIN", self.amqplain),
            ("EXTERNAL", self.external && has_certificate),
        ];
        let names: Vec<&str> = all.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
        names.join(" ")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cluster_name: "ternmq".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            channel_max: 2_047,
            frame_max: 131_072,
            handshake_frame_max: 8_192,
            heartbeat_s: 60,
            login_timeout_ms: 10_000,
            mechanisms: Mechanisms::default(),
        }
    }
}

/// Largest frame that a client may settle on.
const FRAME_MAX_BYTES: u32 = 1 << 20;
const FRAME_MIN_BYTES: u32 = 4_096;

/// Steps of the login, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) enum Expect {
    #[default]
    Greeting,
    StartOk,
    /// The password is being checked.
    Verdict,
    TuneOk,
    Open,
}

/// What is known before the connection is open.
#[derive(Debug, Default)]
pub(super) struct Handshake {
    pub(super) expect: Expect,
    pub(super) user: Arc<str>,
    pub(super) info: ConnectionInfo,
    /// The client wants to be told of a failed login.
    pub(super) hears_failure: bool,
}

impl Handshake {
    pub(super) fn awaits_greeting(&self) -> bool {
        self.expect == Expect::Greeting
    }
}

impl Amqp091Session {
    /// Reads the protocol header. Answers how many bytes it took: 0 while it is incomplete, or when it is none of ours.
    pub(super) fn on_greeting(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        match read_greeting(input) {
            Greeting::Incomplete => 0,
            Greeting::Amqp091 => {
                if let State::Handshake(handshake) = &mut self.state {
                    handshake.expect = Expect::StartOk;
                }
                self.write_start(broker, out);
                PROTOCOL_HEADER.len()
            }
            Greeting::Amqp10 | Greeting::Amqp10Security | Greeting::OtherAmqp | Greeting::Unknown => {
                out.extend_from_slice(&PROTOCOL_HEADER);
                self.state = State::Closing;
                0
            }
        }
    }

    fn write_start(&self, broker: &Broker, out: &mut Vec<u8>) {
        let mut capabilities = TableBuf::new();
        for name in [
            "publisher_confirms",
            "exchange_exchange_bindings",
            "basic.nack",
            "consumer_cancel_notify",
            "connection.blocked",
            "consumer_priorities",
            "authentication_failure_close",
            "per_consumer_qos",
            "direct_reply_to",
        ] {
            capabilities.push(name, FieldValue::Bool(true));
        }
        let mut properties = TableBuf::new();
        properties.push("capabilities", FieldValue::Table(capabilities.as_table()));
        properties.push_text("cluster_name", &self.settings.cluster_name);
        properties.push_text("node", broker.node_name());
        properties.push_text("product", "TernMQ");
        properties.push_text("platform", "Rust");
        properties.push_text("version", &self.settings.version);
        properties.push_text("copyright", "");
        properties.push_text("information", "");
        connection::Start {
            version_major: 0,
            version_minor: 9,
            server_properties: properties.as_table(),
            mechanisms: self.settings.mechanisms.offered(self.certificate_user.is_some()).as_bytes(),
            locales: b"en_US",
        }
        .write_frame(out, 0);
    }

    /// A method on channel 0 before the connection is open.
    pub(super) fn on_handshake_method(
        &mut self,
        broker: &mut Broker,
        method: &Method<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        let State::Handshake(handshake) = &mut self.state else { return Ok(Step::Taken) };
        match (&handshake.expect, method) {
            (_, Method::ConnectionClose(_)) => {
                connection::CloseOk::default().write_frame(out, 0);
                self.state = State::Closing;
                Ok(Step::Taken)
            }
            (Expect::StartOk, Method::ConnectionStartOk(start_ok)) => self.on_start_ok(broker, start_ok, out),
            (Expect::TuneOk, Method::ConnectionTuneOk(tune_ok)) => self.on_tune_ok(tune_ok),
            (Expect::Open, Method::ConnectionOpen(open)) => self.on_open(broker, open.virtual_host, out),
            (Expect::StartOk | Expect::TuneOk | Expect::Open, _) => {
                Err(Fault::new(COMMAND_INVALID, format!("{} is not expected here", method.name())))
            }
            (Expect::Greeting | Expect::Verdict, _) => Ok(Step::Held),
        }
    }

    pub(super) fn note_client(&mut self, start_ok: &connection::StartOk<'_>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        let properties = start_ok.client_properties;
        let has = |name: &str| match properties.get("capabilities") {
            Some(FieldValue::Table(capabilities)) => {
                matches!(capabilities.get(name), Some(FieldValue::Bool(true)))
            }
            _ => false,
        };
        handshake.hears_failure = has("authentication_failure_close");
        self.hears_blocked = has("connection.blocked");
        self.hears_cancel = has("consumer_cancel_notify");
        handshake.info.auth_mechanism = start_ok.mechanism.into();
        handshake.info.client_properties = map_from_table(properties);
        handshake.info.user_provided_name =
            properties.get("connection_name").and_then(|name| name.as_text().map(Arc::from));
    }

    /// The login is done: offer the limits.
    pub(super) fn write_tune(&mut self, user: Arc<str>, out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        handshake.user = user;
        handshake.expect = Expect::TuneOk;
        connection::Tune {
            channel_max: self.settings.channel_max,
            frame_max: self.settings.frame_max,
            heartbeat: self.settings.heartbeat_s,
        }
        .write_frame(out, 0);
    }

    fn on_tune_ok(&mut self, tune_ok: &connection::TuneOk) -> Result<Step, Fault> {
        let settings = Arc::clone(&self.settings);
        let negotiated = |name: &str, offered: u32, wanted: u32, least: u32, most: u32| {
            if wanted == 0 {
                return Ok(offered);
            }
            let refused = |side: &str, bound: &str, value: u32| {
                let text = format!(
                    "negotiated {name} = {wanted} is {side} than the {bound} allowed value ({value})"
                );
                Err(Fault::new(NOT_ALLOWED, text))
            };
            if wanted < least {
                return refused("lower", "minimum", least);
            }
            if wanted > most {
                return refused("higher", "maximum", most);
            }
            Ok(wanted)
        };
        let frame_most = settings.frame_max.max(FRAME_MAX_BYTES);
        self.frame_max =
            negotiated("frame_max", settings.frame_max, tune_ok.frame_max, FRAME_MIN_BYTES, frame_most)?;
        let channel_max = u32::from(settings.channel_max);
        let channel_max = negotiated("channel_max", channel_max, tune_ok.channel_max.into(), 1, channel_max)?;
        self.channel_max = u16::try_from(channel_max).unwrap_or(u16::MAX);
        self.heartbeat_s = tune_ok.heartbeat;
        if let State::Handshake(handshake) = &mut self.state {
            handshake.expect = Expect::Open;
            handshake.info.frame_max = self.frame_max;
            handshake.info.channel_max = self.channel_max;
            handshake.info.heartbeat_s = self.heartbeat_s;
        }
        Ok(Step::Taken)
    }

    fn on_open(&mut self, broker: &mut Broker, vhost: &str, out: &mut Vec<u8>) -> Result<Step, Fault> {
        let State::Handshake(handshake) = &mut self.state else { return Ok(Step::Taken) };
        let mut info = std::mem::take(&mut handshake.info);
        let user = handshake.user.clone();
        info.protocol = "AMQP 0-9-1".into();
        info.peer = self.peer;
        info.local = self.local;
        info.name = match (self.peer, self.local) {
            (Some(peer), Some(local)) => format!("{peer} -> {local}").into(),
            _ => "local".into(),
        };
        match broker.connect(&user, vhost, info) {
            Ok(connection) => {
                self.connection = Some(connection);
                self.state = State::Open;
                connection::OpenOk::default().write_frame(out, 0);
                self.start_heartbeat(broker.monotonic_ms());
                if let Some(reason) = broker.blocked_reason() {
                    self.write_blocked(reason, out);
                }
                Ok(Step::Taken)
            }
            Err(error) => Err(Fault::of(&error, &**broker.dialect())),
        }
    }

    pub(super) fn start_heartbeat(&mut self, now_ms: u64) {
        self.silent_ticks = 0;
        self.deadline_ms = match self.heartbeat_s {
            0 => None,
            seconds => Some(now_ms.saturating_add(u64::from(seconds) * 500)),
        };
    }

    pub(super) fn malformed_login() -> Fault {
        Fault::new(SYNTAX_ERROR, "the login response can't be read")
    }
}
