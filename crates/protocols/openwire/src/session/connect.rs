//! WireFormatInfo and ConnectionInfo: what both sides can, login, the client's name.

use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{
    Broker, ConnectionInfo, Error, Kind as Thing, LoginRefused, LoginResult, LoginStep, Request,
};
use ternmq_message::Value as Neutral;

use super::{OpenWireSession, State, answer::Asked};
use crate::{
    codec::{
        Agreement, Field, InCache, Kind, Limits, MAX_VERSION, Object, Offer, OutCache, cache::MAX_ENTRIES,
    },
    error::{Fault, class},
    herald::broker_id,
    translate::places,
};

/// Longest name that a client may give itself, in bytes (guarantees 6).
const CLIENT_MAX_BYTES: usize = 1 << 10;

/// What a ConnectionInfo asks for, kept while its password is checked.
pub(super) struct Login {
    user: Arc<str>,
    mechanism: &'static str,
    client: Option<Arc<str>>,
    id: Arc<Object<'static>>,
    asked: Asked,
}

/// What was agreed on, and who the client says that it is.
pub(super) struct Greeted {
    pub(super) agreement: Agreement,
    pub(super) provider: String,
}

fn refused(text: impl Into<String>) -> Fault {
    Fault::new(class::SECURITY, text).last()
}

impl OpenWireSession {
    fn offer(&self) -> Offer {
        Offer {
            version: MAX_VERSION,
            is_tight: true,
            has_cache: true,
            cache_size: MAX_ENTRIES,
            inactivity_ms: self.settings.inactivity_ms,
            initial_delay_ms: self.settings.login_timeout_ms,
            // What a client may not send is refused where it is sent; it knows no limit of ours.
            max_frame_bytes: i64::MAX.unsigned_abs(),
            provider: Some("TernMQ".to_owned()),
            provider_version: Some(self.settings.version.to_string()),
            platform: None,
        }
    }

    /// What the peer can; it is told what this side can in the encoding before the agreement.
    pub(super) fn on_offer(&mut self, command: &Object<'_>, out: &mut Vec<u8>) -> Result<(), Fault> {
        let theirs =
            Offer::read(command).map_err(|error| Fault::new(class::JMS, error.to_string()).last())?;
        let ours = self.offer();
        self.send(&ours.to_object(), out);
        let agreement = ours.agree(&theirs);
        self.encoding = agreement.encoding;
        self.kept = InCache::new(agreement.cache_size, self.limits.cache_bytes);
        self.sent = OutCache::new(agreement.cache_size);
        let provider = [theirs.provider, theirs.provider_version].into_iter().flatten().collect::<Vec<_>>();
        self.alive.note_agreement(Greeted { agreement, provider: provider.join(" ") });
        self.state = State::Handshake(None);
        Ok(())
    }

    pub(super) fn on_connection(
        &mut self,
        broker: &mut Broker,
        command: &Object<'_>,
        asked: Asked,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let Some(id) = command.object(Field::ConnectionId) else {
            return Err(Fault::new(class::JMS, "the connection has no id").last());
        };
        let client = command.text(Field::ClientId).filter(|name| !name.is_empty());
        if client.is_some_and(|name| name.len() > CLIENT_MAX_BYTES || name.chars().any(char::is_control)) {
            let text = "a client's id has at most 1,024 bytes and no control characters";
            return Err(Fault::new(class::INVALID_CLIENT, text).last());
        }
        let id = Arc::new(Object::clone(id).into_owned());
        self.resend.is_resending = command.is(Field::FailoverReconnect);
        let mut login =
            Login { user: Arc::default(), mechanism: "openwire", client: client.map(Arc::from), id, asked };
        let peer = self.peer.map(|peer| peer.ip());
        let (user, password) = (command.text(Field::UserName), command.text(Field::Password));
        let step = match (user, password, &self.certificate_user) {
            (Some(user), Some(password), _) => {
                login.user = user.into();
                broker.begin_login(user, Secret::new(password.as_bytes().to_vec()), peer)
            }
            (None, None, Some(user)) => {
                (login.user, login.mechanism) = (user.clone(), "EXTERNAL");
                broker.login_proven(user, peer).map_or(LoginStep::Refused, LoginStep::Done)
            }
            // Nobody is let in without either (S1).
            _ => return Err(refused("User name or password is missing.")),
        };
        match step {
            LoginStep::Done(user) => self.enter(broker, Login { user, ..login }, out),
            LoginStep::Refused => Err(login_refused(broker, &login.user)),
            LoginStep::Verify(check) => {
                self.state = State::Handshake(Some(Box::new(login)));
                self.request = Some(Request::Verify(check));
                Ok(())
            }
        }
    }

    pub(super) fn on_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        let user = broker.finish_login(result);
        let State::Handshake(login) = &mut self.state else { return };
        let Some(login) = login.take() else { return };
        let asked = login.asked;
        let entered = match user {
            Ok(user) => self.enter(broker, Login { user, ..*login }, out),
            Err(LoginRefused::Wrong) => Err(login_refused(broker, &login.user)),
            Err(LoginRefused::Unavailable) => Err(Fault::new(class::JMS, LoginRefused::UNAVAILABLE).last()),
        };
        if let Err(fault) = entered {
            self.fail(broker, asked, &fault, out);
        }
    }

    /// The password is right: into the broker.
    fn enter(&mut self, broker: &mut Broker, login: Login, out: &mut Vec<u8>) -> Result<(), Fault> {
        let dialect = broker.dialect().clone();
        places(&*dialect)?;
        let provider = self.alive.provider().to_owned();
        let info = ConnectionInfo {
            name: match (self.peer, self.local) {
                (Some(peer), Some(local)) => format!("{peer} -> {local}").into(),
                _ => "local".into(),
            },
            protocol: format!("OpenWire {}", self.encoding.version).into(),
            peer: self.peer,
            local: self.local,
            client_properties: vec![("product".into(), Neutral::str(&provider))],
            user_provided_name: login.client.clone(),
            channel_max: u16::MAX,
            heartbeat_s: self.alive.interval_s(),
            auth_mechanism: login.mechanism.into(),
            own_id: login.id.text(Field::Value).map(Arc::from),
            ..ConnectionInfo::default()
        };
        let space = dialect.default_namespace();
        let connection = broker.connect(&login.user, space, info).map_err(|error| match error {
            Error::NotFound { kind: Thing::Namespace, .. }
            | Error::Refused { kind: Thing::Namespace, .. } => refused(dialect.error_text(&error)),
            other => Fault::of(&other, &*dialect).last(),
        })?;
        self.connection = Some(connection);
        if let Some(client) = &login.client {
            let taken = broker.name_client(connection, client, login.id.text(Field::Value));
            taken.map_err(|error| Fault::of(&error, &*dialect).last())?;
        }
        let session =
            broker.open_session(connection, 0).map_err(|error| Fault::of(&error, &*dialect).last())?;
        self.session = Some(session);
        self.client = login.client;
        self.id = Some(login.id);
        self.state = State::Open;
        self.limits = Limits::open(broker.limits().max_message_bytes);
        self.kept.set_max_bytes(self.limits.cache_bytes);
        self.alive.start(broker.monotonic_ms());
        self.promise(broker, login.asked, ternmq_broker::Receipt::NONE, out);
        let info = self.broker_info(broker);
        self.send(&info, out);
        Ok(())
    }

    /// What the client is told of this broker.
    fn broker_info(&self, broker: &Broker) -> Object<'static> {
        let name = broker.node_name();
        let id = Object::new(Kind::BrokerId).with_text(Field::Value, broker_id(name));
        Object::new(Kind::BrokerInfo)
            .with_object(Field::BrokerId, Arc::new(id))
            .with_text(Field::BrokerName, name.to_string())
    }
}

fn login_refused(broker: &Broker, user: &str) -> Fault {
    match broker.dialect().addresses() {
        Some(known) => refused(known.login_refused(user).trim_end().to_owned()),
        None => refused("User name or password is invalid."),
    }
}
