//! Logging in by PLAIN, AMQPLAIN and EXTERNAL, and changing the secret of a running connection.

use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{Broker, LoginRefused, LoginResult, LoginStep, Request};

use super::{Amqp091Session, State, Step, handshake::Expect};
use crate::{
    codec::{
        FieldValue, Table,
        method::{MethodFrame, connection},
    },
    error::{ACCESS_REFUSED, COMMAND_INVALID, Fault, RESOURCE_ERROR},
};

/// User and password of a login response.
struct Credentials {
    user: String,
    password: Secret,
}

fn plain(response: &[u8]) -> Option<Credentials> {
    // authorization id, user and password, with a zero byte between them (RFC 4616)
    let mut parts = response.splitn(3, |byte| *byte == 0);
    let (_, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let user = std::str::from_utf8(user).ok()?.to_owned();
    Some(Credentials { user, password: Secret::new(password.to_vec()) })
}

fn amqplain(response: &[u8]) -> Option<Credentials> {
    let table = Table::new(response).ok()?;
    let bytes = |name: &str| match table.get(name) {
        Some(FieldValue::LongString(bytes)) => Some(bytes),
        _ => None,
    };
    let user = std::str::from_utf8(bytes("LOGIN")?).ok()?.to_owned();
    Some(Credentials { user, password: Secret::new(bytes("PASSWORD")?.to_vec()) })
}

impl Amqp091Session {
    pub(super) fn on_start_ok(
        &mut self,
        broker: &mut Broker,
        start_ok: &connection::StartOk<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Step, Fault> {
        self.note_client(start_ok);
        let allowed = self.settings.mechanisms;
        let credentials = match start_ok.mechanism {
            "PLAIN" if allowed.plain => plain(start_ok.response),
            "AMQPLAIN" if allowed.amqplain => amqplain(start_ok.response),
            "EXTERNAL" if allowed.external => {
                self.log_in_by_certificate(broker, start_ok.response, out);
                return Ok(Step::Taken);
            }
            other => {
                let shown: String = other.chars().take(64).flat_map(char::escape_default).collect();
                return Err(Fault::new(
                    COMMAND_INVALID,
                    format!("unknown authentication mechanism '{shown}'"),
                ));
            }
        };
        let Credentials { user, password } = credentials.ok_or_else(Self::malformed_login)?;
        let peer = self.peer.map(|peer| peer.ip());
        match broker.begin_login(&user, password, peer) {
            LoginStep::Done(user) => self.write_tune(user, out),
            LoginStep::Refused => self.refuse_login(out),
            LoginStep::Verify(check) => {
                if let State::Handshake(handshake) = &mut self.state {
                    handshake.expect = Expect::Verdict;
                    handshake.user = Arc::from(user);
                }
                self.request = Some(Request::Verify(check));
                self.is_paused = true;
            }
        }
        Ok(Step::Taken)
    }

    /// SASL EXTERNAL (RFC 4422 A): the user is the one whom the verified certificate names, and a client that says
    /// another one is refused.
    fn log_in_by_certificate(&mut self, broker: &mut Broker, wanted: &[u8], out: &mut Vec<u8>) {
        let peer = self.peer.map(|peer| peer.ip());
        let named = self.certificate_user.clone();
        let named = named.filter(|user| wanted.is_empty() || wanted == user.as_bytes());
        match named.and_then(|user| broker.login_proven(&user, peer)) {
            Some(user) => self.write_tune(user, out),
            None => self.refuse_login(out),
        }
    }

    pub(super) fn on_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.is_paused = false;
        let user = broker.finish_login(result);
        match (&mut self.state, user) {
            (State::Handshake(_), Ok(user)) => self.write_tune(user, out),
            (State::Handshake(_), Err(LoginRefused::Wrong)) => self.refuse_login(out),
            (State::Handshake(_), Err(LoginRefused::Unavailable)) => {
                self.end_login(&Fault::new(RESOURCE_ERROR, LoginRefused::UNAVAILABLE), out);
            }
            _ => {}
        }
    }

    /// A failed login: told to clients that can hear it, a plain end for others.
    fn refuse_login(&mut self, out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &self.state else { return };
        let text = format!(
            "Login was refused using authentication mechanism {}. For details see the broker logfile.",
            handshake.info.auth_mechanism
        );
        self.end_login(&Fault::new(ACCESS_REFUSED, text), out);
    }

    fn end_login(&mut self, fault: &Fault, out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &self.state else { return };
        if handshake.hears_failure {
            connection::Close {
                reply_code: fault.reply.code,
                reply_text: &fault.text,
                class_id: 0,
                method_id: 0,
            }
            .write_frame(out, 0);
        }
        self.state = State::Closing;
    }
}
