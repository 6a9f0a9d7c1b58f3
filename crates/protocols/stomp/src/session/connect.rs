//! CONNECT, STOMP and CONNECTED: version, login, virtual host, heart-beats.

use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{
    Addresses, Broker, ConnectionInfo, Error, Kind, LoginRefused, LoginResult, LoginStep, Request,
};
use ternmq_message::Value;
use ternmq_stdx::letters_of;

use super::{State, StompSession, heartbeat::Beats};
use crate::{
    codec::{Escapes, FrameWriter, Headers, SUPPORTED, Version, negotiate},
    error::Fault,
};

/// Who a client says that it is.
enum Claim {
    /// User name and passcode of the headers.
    Passcode(Arc<str>, Secret),
    /// The user whom a verified certificate names.
    Certificate(Arc<str>),
}

/// What a CONNECT asks for, kept while its password is checked.
pub(super) struct Login {
    user: Arc<str>,
    mechanism: &'static str,
    namespace: Arc<str>,
    version: Version,
    beats: Beats,
    client: Option<Arc<str>>,
}

/// Refused during the login.
fn refused(text: String) -> Fault {
    Fault::new("Bad CONNECT", text)
}

/// Refused during the login, in the dialect's words.
fn refused_by(addresses: &dyn Addresses, text: String) -> Fault {
    if addresses.words().has_codes { refused(text) } else { Fault::coded("Bad CONNECT", text) }
}

/// The dialect's addresses; without them there is no STOMP.
pub(super) fn addresses(dialect: &dyn ternmq_broker::Dialect) -> Result<&dyn Addresses, Fault> {
    dialect
        .addresses()
        .ok_or_else(|| Fault::coded("not_implemented", "this broker has no destinations".to_owned()))
}

impl StompSession {
    pub(super) fn on_connect(
        &mut self,
        broker: &mut Broker,
        headers: Headers<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let accepted = headers.get("accept-version");
        let Some(version) = negotiate(accepted.as_deref()) else {
            return Err(Fault::new("Version mismatch", format!("Supported versions are {SUPPORTED}\n")));
        };
        let value = |name: &str| {
            let value = headers.get(name)?.into_owned();
            Some(if version == Version::V10 { value.trim_start().to_owned() } else { value })
        };
        let claim = self.claim_of(value("login"), value("passcode"))?;
        let beats = value("heart-beat");
        let beats = Beats::agree(beats.as_deref()).ok_or_else(|| {
            refused(
                "'heart-beat' has to be two numbers of milliseconds with a comma between them\n".to_owned(),
            )
        })?;
        let dialect = broker.dialect().clone();
        let host = value("host");
        let namespace = addresses(&*dialect)?.namespace_of(host.as_deref()).as_ref().into();
        let peer = self.peer.map(|peer| peer.ip());
        let client = value("client-id").filter(|name| !name.is_empty()).map(Arc::from);
        let mut login =
            Login { user: Arc::default(), mechanism: "stomp_headers", namespace, version, beats, client };
        let step = match claim {
            Claim::Passcode(user, passcode) => {
                login.user = user;
                broker.begin_login(&login.user, passcode, peer)
            }
            Claim::Certificate(user) => {
                (login.user, login.mechanism) = (user, "EXTERNAL");
                broker.login_proven(&login.user, peer).map_or(LoginStep::Refused, LoginStep::Done)
            }
        };
        match step {
            LoginStep::Done(user) => self.enter(broker, Login { user, ..login }, out),
            LoginStep::Refused => Err(access_refused(&*dialect, &login.user)),
            LoginStep::Verify(check) => {
                self.state = State::Handshake(Some(Box::new(login)));
                self.request = Some(Request::Verify(check));
                Ok(())
            }
        }
    }

    /// Headers come before the certificate. Nobody is let in without either (S1).
    fn claim_of(&self, user: Option<String>, passcode: Option<String>) -> Result<Claim, Fault> {
        match (user, passcode, &self.certificate_user) {
            (Some(user), Some(passcode), _) => {
                Ok(Claim::Passcode(user.into(), Secret::new(passcode.into_bytes())))
            }
            (None, None, Some(user)) => Ok(Claim::Certificate(user.clone())),
            _ => Err(refused("Access refused: the frame has no 'login' and 'passcode' headers\n".to_owned())),
        }
    }

    pub(super) fn on_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        let user = broker.finish_login(result);
        let State::Handshake(login) = &mut self.state else { return };
        let Some(login) = login.take() else { return };
        let entered = match user {
            Ok(user) => self.enter(broker, Login { user, ..*login }, out),
            Err(LoginRefused::Wrong) => Err(access_refused(&**broker.dialect(), &login.user)),
            Err(LoginRefused::Unavailable) => Err(refused(LoginRefused::UNAVAILABLE.to_owned())),
        };
        if let Err(fault) = entered {
            self.fail(broker, fault, None, out);
        }
    }

    /// The password is right: into the virtual host.
    fn enter(&mut self, broker: &mut Broker, login: Login, out: &mut Vec<u8>) -> Result<(), Fault> {
        let info = ConnectionInfo {
            name: match (self.peer, self.local) {
                (Some(peer), Some(local)) => format!("{peer} -> {local}").into(),
                _ => "local".into(),
            },
            protocol: format!("STOMP {}", login.version.as_str()).into(),
            peer: self.peer,
            local: self.local,
            client_properties: vec![("product".into(), Value::str("STOMP client"))],
            channel_max: 1,
            heartbeat_s: login.beats.interval_s(),
            auth_mechanism: login.mechanism.into(),
            ..ConnectionInfo::default()
        };
        let dialect = broker.dialect().clone();
        let known = addresses(&*dialect)?;
        let connection =
            broker.connect(&login.user, &login.namespace, info).map_err(|error| match error {
                Error::NotFound { kind: Kind::Namespace, name, .. }
                | Error::Refused { kind: Kind::Namespace, name, .. } => {
                    refused_by(known, known.namespace_refused(&name))
                }
                other => refused_by(known, dialect.error_text(&other)),
            })?;
        self.connection = Some(connection);
        if let Some(client) = &login.client {
            let named = broker.name_client(connection, client, None);
            named.map_err(|error| refused_by(known, dialect.error_text(&error)))?;
        }
        let session = broker.open_session(connection, 0).map_err(|error| Fault::of(&error, &*dialect))?;
        self.session = Some(session);
        self.version = login.version;
        self.client = login.client;
        self.words = known.words();
        // Nobody can guess it (S6).
        self.id = format!("session-{}", letters_of(broker.random())).into();
        self.state = State::Open;
        self.beats = login.beats;
        self.beats.start(broker.monotonic_ms());
        self.deadline_ms = self.beats.deadline_ms();
        let mut frame = FrameWriter::start(out, "CONNECTED", Escapes::None);
        frame
            .header("server", &format!("TernMQ/{}", self.settings.version))
            .header("session", &self.id)
            .header("heart-beat", &self.beats.header())
            .header("version", self.version.as_str())
            .end(b"");
        Ok(())
    }
}

fn access_refused(dialect: &dyn ternmq_broker::Dialect, user: &str) -> Fault {
    match addresses(dialect) {
        Ok(known) => refused_by(known, known.login_refused(user)),
        Err(fault) => fault,
    }
}
