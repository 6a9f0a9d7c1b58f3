//! From an open transport to a session, and the end of what a certificate has opened.

use std::io;

use crate::connection::Validity;
use crate::driver::Driver;
use crate::transport::Transport;

/// The wall clock is looked at so often at least (S4: a certificate that has run out closes its connection within 60 s).
const CHECK_MS: u64 = 30_000;
/// Pause between two log lines about peers that cannot open their transport.
const FAULT_PAUSE_MS: u64 = 1_000;

impl<T: Transport> Driver<T> {
    /// Makes the session once the transport is open. `false`: the connection is gone.
    pub(crate) fn open_session(&mut self, index: u32) -> bool {
        let Some(connection) = self.connections.get_mut(index as usize) else { return false };
        if connection.opener.is_none() || connection.transport.is_opening() {
            return true;
        }
        let Some(opener) = connection.opener.take() else { return true };
        let mut arrival = opener.arrival;
        arrival.opened_ms = self.now_ms;
        connection.transport.describe(&mut arrival);
        connection.session = (opener.factory)(&arrival);
        if let Some(certificate) = arrival.certificate() {
            let until_wall_ms = certificate.valid_until_ms;
            let check_at_ms = next_check_ms(until_wall_ms, self.now_ms, self.wall_ms);
            connection.validity = Some(Box::new(Validity { until_wall_ms, check_at_ms }));
        }
        let (known, found) = (connection.address, arrival.peer.map(|peer| peer.ip()));
        if known != found {
            // Behind a proxy: from now on the limit of the client's own address counts.
            connection.address = None;
            self.forget_address(known);
            if !self.admits(found) {
                self.note_refused();
                self.close(index);
                return false;
            }
            if let (Some(connection), Some(address)) = (self.connections.get_mut(index as usize), found) {
                connection.address = Some(address);
                *self.addresses.entry(address).or_default() += 1;
            }
        }
        self.touch(index);
        true
    }

    /// A transport ended by an error. What a peer did wrong while opening it is told, now and then: many of them must
    /// not fill the log.
    pub(crate) fn note_transport_fault(&mut self, index: u32, error: &io::Error) {
        if error.kind() != io::ErrorKind::InvalidData {
            return;
        }
        self.counters.transport_faults += 1;
        let Some(connection) = self.connections.get(index as usize) else { return };
        if self.now_ms >= self.fault_told_ms.saturating_add(FAULT_PAUSE_MS) || self.fault_told_ms == 0 {
            self.fault_told_ms = self.now_ms;
            let peer = connection.address.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
            tracing::info!(target: "connection", peer, "a connection was refused: {error}");
        }
    }

    /// The certificate of the peer has run out: goodbye in the protocol's way, and the end soon after.
    pub(crate) fn end_invalid(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        connection.validity = None;
        tracing::info!(target: "connection", peer = ?connection.address, "a client's certificate has expired; its connection is closed");
        self.counters.expired += 1;
        connection.closing_since_ms.get_or_insert(self.now_ms);
        connection.session.handle_drain(&mut self.core, &mut connection.out);
        self.touch(index);
        self.arm(index);
    }
}

/// When to look at the wall clock again.
pub(crate) fn next_check_ms(until_wall_ms: u64, now_ms: u64, wall_ms: u64) -> u64 {
    now_ms.saturating_add(until_wall_ms.saturating_sub(wall_ms).min(CHECK_MS))
}
