//! CONNECT: from the first byte to an open connection.

use std::{net::SocketAddr, sync::Arc};

use ternmq_access::Secret;
use ternmq_broker::{
    Broker, ClientSpec, ConnectionInfo, LoginRefused, LoginResult, LoginStep, Request, Will,
};
use ternmq_message::{Message, MessageMeta, Value};

use super::{
    MqttSession, Settings, State, close,
    publish::{RESERVED, check_offers, check_size},
};
use crate::{
    codec::{
        ConnAck, Connect, Frame, Kind, LastWill, PACKET_MAX_BYTES, Property, PropertyBuf, PropertyId, Qos,
        Reason, Version, topic::is_reserved, wire::Cursor,
    },
    error::Fault,
    format::{ENCODING, Head},
    translate::{assigned_name, topic_swap},
};

/// What is known before the connection is open.
pub(super) struct Handshake {
    pub(super) peer: Option<SocketAddr>,
    pub(super) local: Option<SocketAddr>,
    /// It began as MQTT of some version: a refusal can be told.
    pub(super) has_version: bool,
    /// The user whom the client's verified certificate names, where that counts as a login (S4).
    pub(super) certificate_user: Option<Arc<str>>,
    entry: Option<Entry>,
}

/// Who a client says it is, and by what.
enum Claim {
    Password(String, Secret),
    Certificate(Arc<str>),
}

/// What CONNECT asked for.
struct Entry {
    namespace: Arc<str>,
    client_id: Arc<str>,
    is_assigned: bool,
    is_clean: bool,
    /// In s, as asked for.
    session_expiry_s: u32,
    keep_ms: u64,
    will: Option<Will>,
    mechanism: &'static str,
}

impl Handshake {
    pub(super) fn new(peer: Option<SocketAddr>, local: Option<SocketAddr>) -> Self {
        Self { peer, local, has_version: false, certificate_user: None, entry: None }
    }
}

/// Milliseconds of a session expiry; the highest number means for ever.
pub(super) fn keep_ms(seconds: u32) -> u64 {
    if seconds == u32::MAX { u64::MAX } else { u64::from(seconds) * 1_000 }
}

impl MqttSession {
    /// The first packet must be CONNECT (MQTT-3.1.0-1).
    pub(super) fn on_first_frame(
        &mut self,
        broker: &mut Broker,
        frame: &Frame<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if frame.kind != Kind::Connect {
            return Err(close::unexpected("a packet before CONNECT"));
        }
        match Connect::read_version(&mut Cursor::new(frame.body)) {
            Ok(version) => self.version = version,
            Err(error) => {
                // A level that is not known is told in the words of the oldest that has some (MQTT-3.1.2-2).
                self.note_version(error.reason == Reason::UNSUPPORTED_PROTOCOL_VERSION);
                return Err(error.into());
            }
        }
        self.note_version(true);
        let connect = Connect::decode(frame.body)?;
        self.on_connect(broker, &connect, out)
    }

    fn note_version(&mut self, is_known: bool) {
        if let State::Handshake(handshake) = &mut self.state {
            handshake.has_version = is_known;
        }
    }

    fn on_connect(
        &mut self,
        broker: &mut Broker,
        connect: &Connect<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        if let Some(redirect) = &self.settings.redirect {
            return Err(Fault::new(redirect.reason, "use the other server"));
        }
        if connect.properties.text(PropertyId::AuthenticationMethod).is_some() {
            let text = "enhanced authentication is not available; log in by user name and password";
            return Err(Fault::new(Reason::BAD_AUTHENTICATION_METHOD, text));
        }
        if connect.properties.binary(PropertyId::AuthenticationData).is_some() {
            return Err(close::unexpected("authentication data without a method"));
        }
        self.note_wishes(connect);
        let entry = self.entry_of(broker, connect)?;
        let (user, password) = match self.claim_of(connect)? {
            Claim::Password(user, password) => (user, password),
            Claim::Certificate(user) => return self.log_in_by_certificate(broker, &user, entry, out),
        };
        // `namespace:user`, as clients without a field for the namespace write it.
        let (namespace, user) = match user.rsplit_once(':') {
            Some((namespace, user)) if !broker.dialect().has_one_namespace() => {
                (Arc::from(namespace), user.to_owned())
            }
            _ => (entry.namespace.clone(), user),
        };
        let State::Handshake(handshake) = &mut self.state else { return Ok(()) };
        handshake.entry = Some(Entry { namespace, ..entry });
        let peer = handshake.peer.map(|peer| peer.ip());
        match broker.begin_login(&user, password, peer) {
            LoginStep::Done(user) => self.enter(broker, &user, out)?,
            LoginStep::Refused => return Err(self.wrong_login()),
            LoginStep::Verify(check) => {
                self.request = Some(Request::Verify(check));
                self.flags.is_paused = true;
            }
        }
        Ok(())
    }

    /// A user name comes before a certificate, and that before the one of those who bring nothing.
    fn claim_of(&self, connect: &Connect<'_>) -> Result<Claim, Fault> {
        let password = connect.password.unwrap_or_default();
        // Some clients send an empty name for none.
        if let Some(user) = connect.user.filter(|user| !user.is_empty()) {
            return Ok(Claim::Password(user.to_owned(), Secret::new(password.to_vec())));
        }
        if password.is_empty() {
            if let State::Handshake(handshake) = &self.state
                && let Some(user) = &handshake.certificate_user
            {
                return Ok(Claim::Certificate(user.clone()));
            }
            if let Some((user, password)) = &self.settings.anonymous {
                return Ok(Claim::Password(user.to_string(), password.clone()));
            }
        }
        if self.settings.is_certificate_login {
            let text = "a certificate, or a user name and a password are needed";
            return Err(Fault::new(Reason::BAD_USER_NAME_OR_PASSWORD, text));
        }
        // Nothing is there that could be bad: the client is not authorized (3.1.1 3.2.2.3, MQTT 5 3.2.2.2).
        Err(Fault::new(Reason::NOT_AUTHORIZED, "a user name and a password are needed"))
    }

    fn wrong_login(&self) -> Fault {
        Fault::new(self.settings.login_refusal, "the user name or the password is wrong")
    }

    /// Its user is taken as it is: a certificate names no namespace.
    fn log_in_by_certificate(
        &mut self,
        broker: &mut Broker,
        user: &str,
        entry: Entry,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let State::Handshake(handshake) = &mut self.state else { return Ok(()) };
        handshake.entry = Some(Entry { mechanism: "EXTERNAL", ..entry });
        let peer = handshake.peer.map(|peer| peer.ip());
        let Some(user) = broker.login_proven(user, peer) else {
            let text = "there is no user of the name that the certificate has";
            return Err(Fault::new(self.settings.login_refusal, text));
        };
        self.enter(broker, &user, out)
    }

    /// What the client wants of the connection itself.
    fn note_wishes(&mut self, connect: &Connect<'_>) {
        let properties = connect.properties;
        let most = self.settings.keep_alive_max_s;
        self.keep_alive_s = connect.keep_alive_s;
        if self.version.is_v5() && most > 0 && (self.keep_alive_s == 0 || self.keep_alive_s > most) {
            self.keep_alive_s = most;
        }
        let number = |id| properties.number(id);
        let two = |id| number(id).and_then(|number| u16::try_from(number).ok());
        self.receive_max =
            two(PropertyId::ReceiveMaximum).unwrap_or(u16::MAX).min(self.settings.outbound_max);
        self.packet_max_bytes = number(PropertyId::MaximumPacketSize).unwrap_or(u32::MAX);
        self.alias_max = two(PropertyId::TopicAliasMaximum).unwrap_or(0).min(self.settings.alias_max);
        self.flags.is_terse = number(PropertyId::RequestProblemInformation) == Some(0);
    }

    fn entry_of(&self, broker: &mut Broker, connect: &Connect<'_>) -> Result<Entry, Fault> {
        let is_assigned = connect.client_id.is_empty();
        let may_be_empty = match connect.version {
            Version::V31 => false,
            Version::V311 => connect.is_clean,
            Version::V5 => true,
        };
        let problem = match () {
            () if !is_assigned => None,
            () if !self.settings.takes_empty_ids => Some("the client identifier is empty"),
            () if !may_be_empty => Some("the client identifier is empty and the session is not a clean one"),
            () => None,
        };
        if let Some(text) = problem {
            return Err(Fault::new(Reason::CLIENT_IDENTIFIER_NOT_VALID, text));
        }
        let client_id: Arc<str> =
            if is_assigned { assigned_name(broker.random()).into() } else { connect.client_id.into() };
        let session_expiry_s = connect.properties.number(PropertyId::SessionExpiry).unwrap_or(0);
        let keep_ms = match connect.version {
            Version::V5 => keep_ms(session_expiry_s),
            _ if connect.is_clean => 0,
            _ => self.settings.session_keep_ms,
        };
        let will = connect.will.as_ref().map(|will| will_of(broker, &self.settings, will)).transpose()?;
        Ok(Entry {
            namespace: self.settings.namespace.clone(),
            client_id,
            is_assigned,
            is_clean: connect.is_clean,
            session_expiry_s,
            keep_ms,
            will,
            mechanism: "PLAIN",
        })
    }

    pub(super) fn on_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.flags.is_paused = false;
        let user = broker.finish_login(result);
        if !matches!(self.state, State::Handshake(_)) {
            return;
        }
        let entered = match user {
            Ok(user) => self.enter(broker, &user, out),
            Err(LoginRefused::Wrong) => Err(self.wrong_login()),
            Err(LoginRefused::Unavailable) => {
                Err(Fault::new(Reason::SERVER_UNAVAILABLE, LoginRefused::UNAVAILABLE))
            }
        };
        if let Err(fault) = entered {
            self.fail(broker, &fault, out);
        }
    }

    /// The login is done: enter the namespace and bring the client.
    fn enter(&mut self, broker: &mut Broker, user: &Arc<str>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let State::Handshake(handshake) = &mut self.state else { return Ok(()) };
        let Some(entry) = handshake.entry.take() else { return Err(close::gone()) };
        let info = ConnectionInfo {
            name: match (handshake.peer, handshake.local) {
                (Some(peer), Some(local)) => format!("{peer} -> {local}").into(),
                _ => "local".into(),
            },
            protocol: self.version.text().into(),
            peer: handshake.peer,
            local: handshake.local,
            client_properties: vec![("client_id".into(), Value::Str(entry.client_id.clone()))],
            heartbeat_s: self.keep_alive_s,
            auth_mechanism: entry.mechanism.into(),
            ..ConnectionInfo::default()
        };
        let refused = |broker: &Broker, error| Fault::of(&error, &**broker.dialect());
        let connection =
            broker.connect(user, &entry.namespace, info).map_err(|error| refused(broker, error))?;
        self.connection = Some(connection);
        let session = broker.open_session(connection, 0).map_err(|error| refused(broker, error))?;
        self.session = Some(session);
        let spec = ClientSpec { name: &entry.client_id, keep_ms: entry.keep_ms, is_fresh: entry.is_clean };
        let attached = broker.attach_client(session, &spec).map_err(|error| refused(broker, error))?.value;
        broker.set_will(session, entry.will.clone()).map_err(|error| refused(broker, error))?;
        self.state = State::Open;
        self.flags.is_kept = attached.keep_ms > 0;
        self.flags.is_resumed = attached.is_resumed;
        self.taken_before = u16::try_from(broker.taken_tokens(session).len()).unwrap_or(u16::MAX);
        self.flags.needs_settle = self.flags.is_kept;
        self.deadline_ms = match self.patience_ms() {
            0 => None,
            patience_ms => Some(self.last_input_ms.saturating_add(patience_ms)),
        };
        let start = out.len();
        self.write_connack(&entry, attached.is_resumed, attached.keep_ms, out);
        if out.len() - start > self.packet_max_bytes as usize {
            // There is no way to tell (MQTT-3.1.2-24): a DISCONNECT without CONNACK is none.
            out.truncate(start);
            self.end(broker);
            return Ok(());
        }
        self.resume(broker, out)
    }

    fn write_connack(&self, entry: &Entry, is_resumed: bool, keep_ms: u64, out: &mut Vec<u8>) {
        let settings = &self.settings;
        // What is as the specification has it without being told is left out (MQTT 5 3.2.2.3).
        let mut properties = PropertyBuf::new();
        // What is not kept as long as asked for, because of a limit, is told.
        if super::connect::keep_ms(entry.session_expiry_s) != keep_ms {
            let seconds = u32::try_from(keep_ms / 1_000).unwrap_or(u32::MAX);
            properties.number(PropertyId::SessionExpiry, seconds);
        }
        if settings.alias_max > 0 {
            properties.number(PropertyId::TopicAliasMaximum, settings.alias_max.into());
        }
        if entry.is_assigned {
            properties.text(PropertyId::AssignedClientIdentifier, &entry.client_id);
        }
        if settings.keep_alive_max_s > 0 && self.keep_alive_s == settings.keep_alive_max_s {
            properties.number(PropertyId::ServerKeepAlive, self.keep_alive_s.into());
        }
        if settings.packet_max_bytes < PACKET_MAX_BYTES {
            properties.number(PropertyId::MaximumPacketSize, settings.packet_max_bytes);
        }
        if !settings.is_retain_available {
            properties.number(PropertyId::RetainAvailable, 0);
        }
        if settings.receive_max < u16::MAX {
            properties.number(PropertyId::ReceiveMaximum, settings.receive_max.into());
        }
        if settings.qos_max < Qos::ExactlyOnce {
            properties.number(PropertyId::MaximumQos, settings.qos_max as u32);
        }
        // MQTT 3.1 has no flag for it.
        let is_session_present = is_resumed && self.version != Version::V31;
        ConnAck { is_session_present, reason: Reason::SUCCESS, properties: properties.properties() }
            .write(self.version, out);
    }
}

fn will_of(broker: &Broker, settings: &Settings, will: &LastWill<'_>) -> Result<Will, Fault> {
    check_size(broker, "will", will.payload)?;
    check_offers(settings, "will", will.qos, will.is_retain)?;
    if is_reserved(will.topic, '/') {
        return Err(Fault::new(Reason::NOT_AUTHORIZED, RESERVED));
    }
    let properties = will.properties;
    let mut kept = PropertyBuf::new();
    for property in properties.iter().filter(|property| property.id != PropertyId::WillDelay) {
        kept.push(Property { ..property });
    }
    let expiry_s = properties.number(PropertyId::MessageExpiry);
    let head = Head {
        qos: will.qos,
        is_retain: will.is_retain,
        // Its life begins when it is published; what is told of it then is whole.
        received_at_ms: None,
        label: None,
        is_retained_read: false,
        properties: kept.properties(),
    };
    let meta = MessageMeta {
        encoding: ENCODING,
        is_durable: will.qos != Qos::AtMostOnce,
        priority: 0,
        ttl_ms: expiry_s.map(|seconds| u64::from(seconds) * 1_000),
    };
    if will.properties.text(PropertyId::ResponseTopic).is_some_and(|topic| topic.contains(['+', '#'])) {
        return Err(Fault::new(Reason::PROTOCOL_ERROR, "a response topic holds a wildcard"));
    }
    let dialect = broker.dialect();
    let key = topic_swap(dialect.wildcards()).text(will.topic);
    let message = Message::new(dialect.topic_node(), &key, &head.to_vec(), will.payload, meta, None)
        .map_err(|_| Fault::new(Reason::TOPIC_NAME_INVALID, "the topic of the will is too long"))?;
    let delay_s = properties.number(PropertyId::WillDelay).unwrap_or(0);
    Ok(Will { message, delay_ms: u64::from(delay_s) * 1_000, is_retained: will.is_retain })
}
