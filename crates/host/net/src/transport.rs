//! What carries a connection's bytes. TCP today; TLS and WebSocket wrap it later without the driver noticing.

use std::io::{self, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

/// A byte stream that never waits: an operation that would is answered with [`io::ErrorKind::WouldBlock`].
pub trait Transport {
    /// Takes what has arrived; 0 is the end of the stream.
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
