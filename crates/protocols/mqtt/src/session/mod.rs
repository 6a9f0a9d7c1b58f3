//! One connection's protocol state: packets in, commands to the core, effects of the core out as packets.
//!
//! Owns: the order of packets, packet identifiers, topic aliases, keep alive, answers that wait for durability.
//! Must not know: sockets, clocks, what a queue is, any rule that another protocol has too.
//!
//! Invariants: answers leave in the order of what they answer (MQTT-4.6.0-2); nothing that promises durability leaves
//! before the log proves it (I8); after the first malformed byte nothing is believed (B6).

mod acks;
mod aliases;
mod answers;
mod close;
mod connect;
mod deliver;
mod effects;
mod link;
mod publish;
mod settings;
mod subscribe;

use std::{net::SocketAddr, sync::Arc};

use ternmq_broker::{
    Broker, ConnectionId, Durable, Effect, Error, LoginResult, Phase, Request, Session, SessionId,
};

use self::{connect::Handshake, link::Link};
use crate::{
    codec::{Frame, Kind, Packet, Version, frame::write_packet, split_packet},
    error::Fault,
};

pub use self::settings::{Redirect, Settings};

/// Where the connection stands.
enum State {
    /// Not logged in.
    Handshake(Box<Handshake>),
    /// Logged in.
    Open,
    /// Nothing more comes; the output is the last.
    Closing,
    /// Over.
    Closed,
}

/// What became of a packet.
enum Step {
    /// Handled.
    Taken,
    /// It has to wait; give it again later.
    Held,
}

/// What is yes or no about a connection.
#[derive(Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own; together they are a few bytes")]
struct Flags {
    /// A login is under way: input waits for it.
    is_paused: bool,
    /// Publishing is held back and the client tried it.
    is_held: bool,
    /// It has published.
    is_publisher: bool,
    /// Its state outlives the connection.
    is_kept: bool,
    /// Its state is that of an earlier connection.
    is_resumed: bool,
    /// A subscription has ended on this connection: messages for it may be in the queue still.
    has_unsubscribed: bool,
    /// Deliveries may wait to be settled.
    needs_settle: bool,
    /// It does not want reason strings.
    is_terse: bool,
}

/// MQTT on one connection.
pub struct MqttSession {
    settings: Arc<Settings>,
    state: State,
    connection: Option<ConnectionId>,
    session: Option<SessionId>,
    request: Option<Request>,
    /// What few connections have at any one time.
    link: Option<Box<Link>>,
    last_input_ms: u64,
    deadline_ms: Option<u64>,
    /// Largest packet that the client takes.
    packet_max_bytes: u32,
    /// In s; 0 for none.
    keep_alive_s: u16,
    /// Most QoS 1 and 2 messages under way to the client.
    receive_max: u16,
    /// QoS 2 messages of the client that an earlier connection took and did not see released.
    taken_before: u16,
    /// Highest topic alias that the client takes.
    alias_max: u16,
    version: Version,
    flags: Flags,
}

impl MqttSession {
    /// A connection that has just been accepted.
    #[must_use]
    pub fn new(
        settings: Arc<Settings>,
        peer: Option<SocketAddr>,
        local: Option<SocketAddr>,
        now_ms: u64,
    ) -> Self {
        Self {
            state: State::Handshake(Box::new(Handshake::new(peer, local))),
            connection: None,
            session: None,
            request: None,
            link: None,
            last_input_ms: now_ms,
            deadline_ms: Some(now_ms.saturating_add(settings.login_timeout_ms)),
            packet_max_bytes: u32::MAX,
            keep_alive_s: 0,
            receive_max: settings.outbound_max,
            taken_before: 0,
            alias_max: 0,
            version: Version::V311,
            flags: Flags::default(),
            settings,
        }
    }

    /// The same, with the user whom the client's verified certificate names; it counts where the settings say so (S4).
    #[must_use]
    pub fn with_certificate_user(mut self, user: Option<Arc<str>>) -> Self {
        if let (true, State::Handshake(handshake)) = (self.settings.is_certificate_login, &mut self.state) {
            handshake.certificate_user = user;
        }
        self
    }

    fn is_over(&self) -> bool {
        matches!(self.state, State::Closing | State::Closed)
    }

    fn link(&mut self) -> &mut Link {
        self.link.get_or_insert_default()
    }

    fn session(&self) -> Result<SessionId, Fault> {
        self.session.ok_or_else(close::gone)
    }

    /// Asks the core; a refusal becomes a fault in the dialect's words.
    fn ask<T>(
        &self,
        broker: &mut Broker,
        command: impl FnOnce(&mut Broker, SessionId) -> Result<T, Error>,
    ) -> Result<T, Fault> {
        let session = self.session()?;
        command(broker, session).map_err(|error| Fault::of(&error, &**broker.dialect()))
    }

    /// Largest packet that is taken from the client.
    fn packet_limit(&self) -> u32 {
        match self.state {
            State::Handshake(_) => self.settings.handshake_packet_max_bytes,
            _ => self.settings.packet_max_bytes,
        }
    }

    fn on_frame(&mut self, broker: &mut Broker, frame: &Frame<'_>, out: &mut Vec<u8>) -> Result<Step, Fault> {
        if matches!(self.state, State::Handshake(_)) {
            self.on_first_frame(broker, frame, out)?;
            return Ok(Step::Taken);
        }
        match Packet::decode(frame, self.version)? {
            Packet::Publish(publish) => return self.on_publish(broker, &publish, out),
            Packet::PubAck(ack) => self.on_puback(broker, &ack)?,
            Packet::PubRec(ack) => self.on_pubrec(broker, &ack, out)?,
            Packet::PubRel(ack) => self.on_pubrel(broker, &ack, out)?,
            Packet::PubComp(ack) => self.on_pubcomp(broker, &ack)?,
            Packet::Subscribe(subscribe) => self.on_subscribe(broker, &subscribe, out)?,
            Packet::Unsubscribe(unsubscribe) => self.on_unsubscribe(broker, &unsubscribe, out)?,
            Packet::PingReq => write_packet(out, Kind::PingResp, 0, |_| {}),
            Packet::Disconnect(disconnect) => self.on_disconnect(broker, &disconnect)?,
            Packet::Auth(_) => return Err(close::unexpected("AUTH without an authentication under way")),
            Packet::Connect(_) => return Err(close::unexpected("a second CONNECT")),
            Packet::ConnAck(_) | Packet::SubAck(_) | Packet::UnsubAck(_) | Packet::PingResp => {
                return Err(close::unexpected("a packet that only servers send"));
            }
        }
        Ok(Step::Taken)
    }
}

impl Session for MqttSession {
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize {
        let mut taken = 0;
        if !input.is_empty() {
            self.last_input_ms = broker.monotonic_ms();
        }
        // A burst of small packets must not build output without end (I11): the rest comes again once some is out.
        while !self.is_over() && self.wants_input() && out.len() < self.settings.output_max_bytes {
            let rest = input.get(taken..).unwrap_or_default();
            let (frame, size) = match split_packet(rest, self.packet_limit(), self.version) {
                Ok(Some(split)) => split,
                Ok(None) => break,
                Err(error) => {
                    self.fail(broker, &error.into(), out);
                    break;
                }
            };
            match self.on_frame(broker, &frame, out) {
                Ok(Step::Taken) => taken += size,
                Ok(Step::Held) => break,
                Err(fault) => {
                    self.fail(broker, &fault, out);
                    break;
                }
            }
        }
        if self.is_over() { input.len() } else { taken }
    }

    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>) {
        self.on_effect(broker, effect, out);
    }

    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>) {
        self.release_answers(durable, out);
    }

    fn is_waiting(&self) -> bool {
        self.link.as_ref().is_some_and(|link| !link.answers.is_empty())
    }

    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>) {
        self.on_login(broker, result, out);
    }

    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>) {
        if self.deadline_ms.is_some_and(|deadline_ms| deadline_ms <= now_ms) {
            self.on_deadline(broker, now_ms, out);
        }
    }

    fn handle_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>) {
        self.on_drain(broker, out);
    }

    fn handle_closed(&mut self, broker: &mut Broker) {
        self.release(broker);
        self.state = State::Closed;
    }

    fn poll_request(&mut self) -> Option<Request> {
        self.request.take()
    }

    fn deadline_ms(&self) -> Option<u64> {
        self.deadline_ms
    }

    fn wants_input(&self) -> bool {
        let is_full = self.version != Version::V5 && self.inbound_count() >= self.settings.receive_max.into();
        !self.flags.is_paused && !self.flags.is_held && !is_full && !self.is_over()
    }

    fn input_limit_bytes(&self) -> usize {
        self.packet_limit() as usize
    }

    fn phase(&self) -> Phase {
        match self.state {
            State::Handshake(_) => Phase::Handshake,
            State::Open => Phase::Open,
            State::Closing => Phase::Closing,
            State::Closed => Phase::Closed,
        }
    }

    fn connection(&self) -> Option<ConnectionId> {
        self.connection
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_connection_is_small() {
        assert!(size_of::<MqttSession>() <= 160, "{}", size_of::<MqttSession>());
    }
}
