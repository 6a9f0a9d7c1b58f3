//! One connection as the driver keeps it: small, because a hundred thousand of them wait most of the time.

use std::net::IpAddr;

use ternmq_broker::{ConnectionId, Phase, Session};

use crate::arrival::{Arrival, SessionFactory};
use crate::place::Place;

/// What makes the session once the transport is open.
pub(crate) struct Opener {
    pub(crate) factory: SessionFactory,
    pub(crate) arrival: Arrival,
}

/// Until when the credentials of the transport hold. Looked at now and then rather than computed once, because the
/// wall clock may be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Validity {
    pub(crate) until_wall_ms: u64,
    pub(crate) check_at_ms: u64,
}

/// Where a connection stands for the driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Its session takes bytes and gives bytes.
    Live,
    /// The session is over and its last bytes are out; what the peer still sends is thrown away for a moment, because
    /// closing at once would make the peer's system drop those last bytes unread.
    Lingering { until_ms: u64 },
}

/// A connection.
pub(crate) struct Connection<T> {
    pub(crate) transport: T,
    pub(crate) session: Box<dyn Session>,
    /// Input that the session has not taken yet: an incomplete frame, or what came before it stopped listening.
    pub(crate) rest: Vec<u8>,
    /// Output; bytes before `out_start` are gone already.
    pub(crate) out: Vec<u8>,
    pub(crate) out_start: usize,
    pub(crate) stage: Stage,
    /// Raised for each connection, so that a late answer never meets the next user of the slot.
    pub(crate) serial: u32,
    pub(crate) core: Option<ConnectionId>,
    pub(crate) address: Option<IpAddr>,
    /// What it takes of its listener's places.
    pub(crate) place: Option<Place>,
    /// Earliest entry in the heap of deadlines; `u64::MAX` without one.
    pub(crate) armed_ms: u64,
    /// Since when output waits and the peer takes none of it.
    pub(crate) stalled_since_ms: Option<u64>,
    /// Absent once the session is there.
    pub(crate) opener: Option<Box<Opener>>,
    /// Of the peer's certificate.
    pub(crate) validity: Option<Box<Validity>>,
    /// When the session went to [`Phase::Closing`].
    pub(crate) closing_since_ms: Option<u64>,
    pub(crate) flags: Flags,
}

/// What is known about the socket and which lists name this connection. Lists may name a slot that has a new user by
/// now: the flag decides.
#[derive(Clone, Copy, Debug, Default)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own; together they are one byte each"
)]
pub(crate) struct Flags {
    /// Something may have arrived.
    pub(crate) is_readable: bool,
    /// The peer has sent its last byte: read until the end.
    pub(crate) is_read_closed: bool,
    /// `rest` may hold whole frames: the session stopped before its end, not for want of bytes.
    pub(crate) is_rest_open: bool,
    /// The socket may take bytes.
    pub(crate) is_writable: bool,
    /// In the list of those to read.
    pub(crate) is_ready: bool,
    /// In the list of those to look after at the end of the turn.
    pub(crate) is_touched: bool,
    /// In the list of those waiting for durability.
    pub(crate) is_waiting: bool,
    /// Its session was told that its output is congested.
    pub(crate) is_congested: bool,
    /// Counted among those not logged in.
    pub(crate) is_handshaking: bool,
    /// It has sent something.
    pub(crate) has_spoken: bool,
}

impl<T> Connection<T> {
    pub(crate) fn pending_out_bytes(&self) -> usize {
        self.out.len() - self.out_start
    }

    pub(crate) fn is_lingering(&self) -> bool {
        matches!(self.stage, Stage::Lingering { .. })
    }

    /// Whether reading makes sense now.
    ///
    /// A peer that asks and asks and takes no answer is not read any more: at the high mark what it has sent already
    /// waits, at twice that nothing new is read. Between the two a consumer whose deliveries are paused still gets its
    /// settlements through.
    pub(crate) fn may_read(&self, high_mark_bytes: usize) -> bool {
        if self.is_lingering() {
            return self.flags.is_readable;
        }
        if !matches!(self.session.phase(), Phase::Handshake | Phase::Open) || !self.session.wants_input() {
            return false;
        }
        if self.flags.is_rest_open {
            return self.pending_out_bytes() < high_mark_bytes;
        }
        self.flags.is_readable && self.pending_out_bytes() < 2 * high_mark_bytes
    }
}
