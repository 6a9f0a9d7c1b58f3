//! What carries a connection's bytes: a plain socket, or [`crate::Wire`] with what lies between the socket and the
//! session (the header of a proxy, TLS).

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

use crate::arrival::Arrival;

/// A byte stream that never waits: an operation that would is answered with [`io::ErrorKind::WouldBlock`].
///
/// A transport may have something to do before the first byte reaches a session ([`Transport::is_opening`]), and may
/// hold bytes of its own that have to go out ([`Transport::is_flushed`]).
pub trait Transport {
    /// Takes what has arrived; 0 is the end of the stream. Fewer bytes than there was room for: nothing more is there
    /// until the system says so, unless [`Transport::has_more`].
    ///
    /// # Errors
    /// `WouldBlock` when nothing has arrived; anything else ends the connection.
    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize>;

    /// Gives bytes away, as many as fit.
    ///
    /// # Errors
    /// `WouldBlock` when none fit; anything else ends the connection.
    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize>;

    /// Says that no more bytes follow; the peer may still send.
    fn finish(&mut self);

    /// What time it is, told before each read: transports have no clock.
    fn note_time(&mut self, _monotonic_ms: u64) {}

    /// Gives away bytes of its own; answers how many went.
    ///
    /// # Errors
    /// `WouldBlock` when none fit; anything else ends the connection.
    fn try_flush(&mut self) -> io::Result<usize> {
        Ok(0)
    }

    /// Whether nothing of its own waits to go out.
    fn is_flushed(&self) -> bool {
        true
    }

    /// The last read ended for fairness, not for want of bytes.
    fn has_more(&self) -> bool {
        false
    }

    /// Still busy with itself: a handshake, or the header of a proxy. No session is made before that is over.
    fn is_opening(&self) -> bool {
        false
    }

    /// Whether the peer has sent anything at all.
    fn has_heard(&self) -> bool {
        false
    }

    /// Adds what it has learnt about the peer while opening.
    fn describe(&self, _arrival: &mut Arrival) {}
}

impl Transport for TcpStream {
    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        without_interruption(|| self.read(into))
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        without_interruption(|| self.write(bytes))
    }

    fn finish(&mut self) {
        // A peer that is gone needs no goodbye.
        let _ = self.shutdown(Shutdown::Write);
    }
}

fn without_interruption(mut operation: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    loop {
        match operation() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            answer => return answer,
        }
    }
}
