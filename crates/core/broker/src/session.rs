//! The contract between a protocol adapter and the host that pumps bytes through it.
//!
//! An adapter sees bytes, facts and effects, never a socket or a clock. It writes into an output buffer that the host
//! lends for one call, so that an idle connection holds no buffer.

use crate::{
    access::{LoginCheck, LoginResult},
    broker::Broker,
    browse::{Browse, BrowsePage},
    effect::{ConnectionId, Effect},
    log::Durable,
};

/// Where an adapter's connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Not logged in: the small limits apply (B2).
    Handshake,
    /// Logged in.
    Open,
    /// The last bytes are in the output; close once they are out, at the latest after 3 s (B6).
    Closing,
    /// Close now.
    Closed,
}

/// Work that an adapter asks of the host.
pub enum Request {
    /// Run this on the password pool and report by [`Session::handle_login`].
    Verify(Box<LoginCheck>),
    /// Read this where the log is read and report by [`Session::handle_browsed`]. The log is durable up to its receipt.
    Browse(Box<Browse>),
}

/// One connection's protocol state machine.
pub trait Session {
    /// Takes bytes from the peer, as many whole frames as there are. Returns how many bytes it took; the rest comes
    /// again with more behind it. May take nothing while [`Session::wants_input`] is false.
    fn handle_bytes(&mut self, broker: &mut Broker, input: &[u8], out: &mut Vec<u8>) -> usize;

    /// The session that takes over from this one, which only had to find out who speaks. Asked after each
    /// [`Session::handle_bytes`] in [`Phase::Handshake`]; nothing of this one is asked any more then.
    fn take_successor(&mut self) -> Option<Box<dyn Session>> {
        None
    }

    /// Something happened in the core for this connection.
    fn handle_effect(&mut self, broker: &mut Broker, effect: Effect, out: &mut Vec<u8>);

    /// The log is durable up to here: answers that waited may go.
    fn handle_durable(&mut self, durable: Durable, out: &mut Vec<u8>);

    /// Whether some answer waits for durability: the host then calls [`Session::handle_durable`] at the next fact.
    fn is_waiting(&self) -> bool;

    /// Answer to [`Request::Verify`].
    fn handle_login(&mut self, broker: &mut Broker, result: LoginResult, out: &mut Vec<u8>);

    /// Answer to [`Request::Browse`], for adapters that ask so.
    fn handle_browsed(&mut self, broker: &mut Broker, page: BrowsePage, out: &mut Vec<u8>) {
        let _ = (broker, page, out);
    }

    /// [`Session::deadline_ms`] has come.
    fn handle_timeout(&mut self, broker: &mut Broker, now_ms: u64, out: &mut Vec<u8>);

    /// The node is draining: say goodbye in the protocol's way and go to [`Phase::Closing`] (F12).
    fn handle_drain(&mut self, broker: &mut Broker, out: &mut Vec<u8>);

    /// The transport is gone; everything the connection owned in the core is given up. Called exactly once, last.
    fn handle_closed(&mut self, broker: &mut Broker);

    /// Next thing for the host to do, if any.
    fn poll_request(&mut self) -> Option<Request>;

    /// Monotonic ms at which [`Session::handle_timeout`] wants to be called.
    fn deadline_ms(&self) -> Option<u64>;

    /// Whether more input is welcome: false while a password is checked or a publisher is held back.
    fn wants_input(&self) -> bool;

    /// Most bytes that one incomplete frame may need: the bound of the host's read buffer for this connection.
    fn input_limit_bytes(&self) -> usize;

    /// Where it stands.
    fn phase(&self) -> Phase;

    /// Its connection in the core, once logged in.
    fn connection(&self) -> Option<ConnectionId>;

    /// The host's output buffer passed its high mark (true) or drained below its low mark (false): deliveries to this
    /// connection pause or go on (F16).
    fn handle_congestion(&mut self, broker: &mut Broker, is_congested: bool) {
        if let Some(connection) = self.connection() {
            broker.set_congested(connection, is_congested);
        }
    }
}
