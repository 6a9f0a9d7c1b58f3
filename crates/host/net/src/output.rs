//! Gets output out: one write per connection and turn, and the rules for peers that do not keep up (F16).

use std::io::{self, ErrorKind};

use ternmq_broker::Phase;

use crate::driver::Driver;
use crate::transport::Transport;

impl<T: Transport> Driver<T> {
    /// Looks after every connection that something happened to and writes what waits.
    pub fn flush(&mut self) {
        for _ in 0..2 {
            let mut touched = std::mem::take(&mut self.touched);
            for index in touched.drain(..) {
                let Some(connection) = self.connections.get_mut(index as usize) else { continue };
                if std::mem::take(&mut connection.flags.is_touched) {
                    self.write_out(index);
                    self.settle_connection(index);
                    self.want_read(index);
                }
            }
            if self.touched.is_empty() {
                self.touched = touched;
                return;
            }
        }
    }

    /// The output of a connection has passed its high mark in the middle of a turn: write now, and if that does not
    /// help pause deliveries to it.
    pub(crate) fn relieve(&mut self, index: u32) {
        self.write_out(index);
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.pending_out_bytes() >= self.limits.high_mark_bytes && !connection.flags.is_congested {
            connection.flags.is_congested = true;
            connection.session.handle_congestion(&mut self.core, true);
        }
    }

    /// The same once the mark is passed.
    pub(crate) fn relieve_if_full(&mut self, index: u32) {
        let Some(connection) = self.connections.get(index as usize) else { return };
        if connection.pending_out_bytes() >= self.limits.high_mark_bytes && !connection.flags.is_congested {
            self.relieve(index);
        }
    }

    /// Writes what waits, once.
    pub(crate) fn write_out(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        if connection.flags.is_writable {
            let pending = connection.out.get(connection.out_start..).unwrap_or_default();
            match push_out(&mut connection.transport, pending) {
                Ok(Pushed { taken_bytes, has_progress, is_full }) => {
                    connection.out_start += taken_bytes;
                    self.counters.written_bytes += taken_bytes as u64;
                    // A full socket: the system will say when it no longer is.
                    connection.flags.is_writable = !is_full;
                    if has_progress {
                        connection.stalled_since_ms = None;
                    }
                }
                Err(_) => {
                    self.close(index);
                    return;
                }
            }
        }
        self.after_write(index);
    }

    fn after_write(&mut self, index: u32) {
        let now_ms = self.now_ms;
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let pending = connection.pending_out_bytes();
        let is_all_out = pending == 0 && connection.transport.is_flushed();
        if is_all_out {
            connection.stalled_since_ms = None;
        } else {
            connection.stalled_since_ms.get_or_insert(now_ms);
        }
        if pending == 0 {
            connection.out_start = 0;
            let out = std::mem::take(&mut connection.out);
            self.buffers.give(out);
        } else if connection.out_start > connection.out.len() / 2 {
            connection.out.drain(..connection.out_start);
            connection.out_start = 0;
        }
        let is_relieved = connection.flags.is_congested && pending <= self.limits.low_mark_bytes;
        if is_relieved {
            connection.flags.is_congested = false;
            connection.session.handle_congestion(&mut self.core, false);
            self.has_more = true;
        }
        if is_all_out && connection.session.phase() == Phase::Closing && !connection.is_lingering() {
            self.close_gently(index);
        } else if !is_all_out {
            self.arm(index);
        }
    }
}

/// What one round of writing came to.
#[derive(Default)]
struct Pushed {
    /// Bytes of the session that the transport took.
    taken_bytes: usize,
    /// The peer's system took anything at all.
    has_progress: bool,
    /// It takes no more for now.
    is_full: bool,
}

/// Writes what the transport itself holds, then what the session has said.
fn push_out<T: Transport>(transport: &mut T, pending: &[u8]) -> io::Result<Pushed> {
    let mut pushed = Pushed::default();
    if !transport.is_flushed() {
        match transport.try_flush() {
            Ok(count) => pushed.has_progress = count > 0,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
        pushed.is_full = !transport.is_flushed();
    }
    if pushed.is_full || pending.is_empty() {
        return Ok(pushed);
    }
    match transport.try_write(pending) {
        Ok(0) => return Err(ErrorKind::WriteZero.into()),
        Ok(count) => {
            pushed.taken_bytes = count;
            pushed.has_progress = true;
            pushed.is_full = count < pending.len() || !transport.is_flushed();
        }
        Err(error) if error.kind() == ErrorKind::WouldBlock => pushed.is_full = true,
        Err(error) => return Err(error),
    }
    Ok(pushed)
}
