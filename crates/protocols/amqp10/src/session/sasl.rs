//! Logging in (AMQP 1.0 5.3) by PLAIN, by EXTERNAL and SCRAM-SHA-256 where they are allowed, and by ANONYMOUS where the
//! listener has a user for that (S1).

use std::sync::Arc;

use ternmq_access::Secret;
use ternmq_broker::{Broker, LoginRefused, LoginResult, LoginStep, Request};

use super::{
    Amqp10Session, State,
    handshake::{Expect, plain},
};
use crate::{
    codec::{
        SaslCode, SaslFrame,
        frame::{FrameKind, put_frame},
    },
    error::{Fault, condition},
};

/// Proof of a password that does not come itself (RFC 7677).
const SCRAM: &str = "SCRAM-SHA-256";

impl Amqp10Session {
    /// What is offered.
    pub(super) fn put_mechanisms(&self, out: &mut Vec<u8>) {
        let external = self.settings.is_certificate_login && self.certificate_user.is_some();
        let anonymous = self.settings.anonymous.is_some();
        let all = [
            ("EXTERNAL", external),
            (SCRAM, self.settings.is_scram_login),
            ("PLAIN", self.settings.is_plain_login),
            ("ANONYMOUS", anonymous),
        ];
        let names: Vec<&str> = all.iter().filter(|(_, is_on)| *is_on).map(|(name, _)| *name).collect();
        put_frame(out, FrameKind::Sasl, 0, |out| SaslFrame::Mechanisms(&names).put(out));
    }

    pub(super) fn on_sasl(
        &mut self,
        broker: &mut Broker,
        body: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Fault> {
        let State::Handshake(handshake) = &mut self.state else {
            return Err(Fault::connection(condition::FRAMING_ERROR, "the login is over"));
        };
        let frame = SaslFrame::decode(body)?;
        match (&handshake.expect, frame) {
            (Expect::Init, SaslFrame::Init { mechanism: "PLAIN", initial_response, .. })
                if self.settings.is_plain_login =>
            {
                handshake.mechanism = "PLAIN";
                self.begin(broker, initial_response, out);
            }
            (Expect::Init, SaslFrame::Init { mechanism: SCRAM, initial_response, .. })
                if self.settings.is_scram_login =>
            {
                handshake.mechanism = SCRAM;
                self.begin(broker, initial_response, out);
            }
            (Expect::Response, SaslFrame::Response(response)) => self.begin(broker, Some(response), out),
            (Expect::Proof, SaslFrame::Response(response)) => self.log_in_by_proof(broker, response, out),
            (Expect::Init, SaslFrame::Init { mechanism: "EXTERNAL", initial_response, .. })
                if self.settings.is_certificate_login =>
            {
                handshake.mechanism = "EXTERNAL";
                self.log_in_by_certificate(broker, initial_response.unwrap_or_default(), out);
            }
            // What it says of itself is a trace for people (RFC 4505), and nobody reads it.
            (Expect::Init, SaslFrame::Init { mechanism: "ANONYMOUS", .. }) => {
                let Some((user, password)) = self.settings.anonymous.clone() else {
                    self.refuse_login(SaslCode::Auth, out);
                    return Ok(());
                };
                handshake.mechanism = "ANONYMOUS";
                self.begin_login(broker, &user, password, out);
            }
            (Expect::Init, SaslFrame::Init { .. }) => self.refuse_login(SaslCode::Auth, out),
            _ => {
                return Err(Fault::connection(condition::ILLEGAL_STATE, "the frame is not due in the login"));
            }
        }
        Ok(())
    }

    /// Goes on with what the client begins with. It may leave that to the answer to a challenge, which is empty then
    /// (RFC 4422 section 3.3).
    fn begin(&mut self, broker: &mut Broker, response: Option<&[u8]>, out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        match response {
            None => {
                handshake.expect = Expect::Response;
                put_frame(out, FrameKind::Sasl, 0, |out| SaslFrame::Challenge(b"").put(out));
            }
            Some(response) if handshake.mechanism == SCRAM => self.put_challenge(broker, response, out),
            Some(response) => self.log_in(broker, response, out),
        }
    }

    fn put_challenge(&mut self, broker: &mut Broker, response: &[u8], out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        match broker.begin_challenge(response, self.peer.map(|peer| peer.ip())) {
            Ok((login, challenge)) => {
                handshake.expect = Expect::Proof;
                handshake.challenge = Some(Box::new(login));
                put_frame(out, FrameKind::Sasl, 0, |out| SaslFrame::Challenge(challenge.as_bytes()).put(out));
            }
            Err(_) => self.refuse_login(SaslCode::Auth, out),
        }
    }

    fn log_in_by_proof(&mut self, broker: &mut Broker, response: &[u8], out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        let peer = self.peer.map(|peer| peer.ip());
        let login = handshake.challenge.take();
        match login.map(|login| broker.finish_challenge(*login, response, peer)) {
            Some(Ok((user, signature))) => self.let_in(user, Some(signature.as_bytes()), out),
            Some(Err(_)) | None => self.refuse_login(SaslCode::Auth, out),
        }
    }

    fn log_in(&mut self, broker: &mut Broker, response: &[u8], out: &mut Vec<u8>) {
        match plain(response) {
            Some((user, password)) => self.begin_login(broker, user, password, out),
            None => self.refuse_login(SaslCode::Auth, out),
        }
    }

    fn begin_login(&mut self, broker: &mut Broker, user: &str, password: Secret, out: &mut Vec<u8>) {
        let peer = self.peer.map(|peer| peer.ip());
        match broker.begin_login(user, password, peer) {
            LoginStep::Done(user) => self.let_in(user, None, out),
            LoginStep::Refused => self.refuse_login(SaslCode::Auth, out),
            LoginStep::Verify(check) => {
                if let State::Handshake(handshake) = &mut self.state {
                    handshake.expect = Expect::Verdict;
                }
                self.request = Some(Request::Verify(check));
                self.is_paused = true;
            }
        }
    }

    /// SASL EXTERNAL (RFC 4422 A): the user is the one whom the verified certificate names, and a client that says another
    /// one is refused.
    fn log_in_by_certificate(&mut self, broker: &mut Broker, wanted: &[u8], out: &mut Vec<u8>) {
        let peer = self.peer.map(|peer| peer.ip());
        let named = self.certificate_user.clone();
        let named = named.filter(|user| wanted.is_empty() || wanted == user.as_bytes());
        match named.and_then(|user| broker.login_proven(&user, peer)) {
            Some(user) => self.let_in(user, None, out),
            None => self.refuse_login(SaslCode::Auth, out),
        }
    }

    pub(super) fn on_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.is_paused = false;
        let user = broker.finish_login(result);
        if !matches!(self.state, State::Handshake(_)) {
            return;
        }
        match user {
            Ok(user) => self.let_in(user, None, out),
            Err(LoginRefused::Wrong) => self.refuse_login(SaslCode::Auth, out),
            Err(LoginRefused::Unavailable) => self.refuse_login(SaslCode::System, out),
        }
    }

    fn let_in(&mut self, user: Arc<str>, data: Option<&[u8]>, out: &mut Vec<u8>) {
        let State::Handshake(handshake) = &mut self.state else { return };
        handshake.user = user;
        handshake.expect = Expect::AmqpGreeting;
        put_frame(out, FrameKind::Sasl, 0, |out| SaslFrame::Outcome(SaslCode::Ok, data).put(out));
    }

    fn refuse_login(&mut self, code: SaslCode, out: &mut Vec<u8>) {
        put_frame(out, FrameKind::Sasl, 0, |out| SaslFrame::Outcome(code, None).put(out));
        self.state = State::Closing;
    }
}
