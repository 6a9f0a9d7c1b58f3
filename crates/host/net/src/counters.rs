//! Plain counters of a shard's sockets, read when metrics are scraped.

/// Totals since the start, and what is open now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Connections accepted.
    pub accepted: u64,
    /// Connections turned away before a session began: limits, memory, draining.
    pub refused: u64,
    /// Connections that ended.
    pub closed: u64,
    /// Connections open now.
    pub open: u64,
    /// Connections that have not logged in yet.
    pub handshaking: u64,
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Connections closed because their peer took nothing for too long (F16).
    pub stalled: u64,
    /// Connections closed because their session failed inside (B5).
    pub failed_sessions: u64,
    /// Connections closed because their TLS, or the header of their proxy, was wrong.
    pub transport_faults: u64,
    /// Connections closed because their certificate ran out (S4).
    pub expired: u64,
    /// Ranges of the journal that a scrub found damaged.
    pub damaged_ranges: u64,
    /// Turns of the loop.
    pub turns: u64,
}
