//! Gets output out: one write per connection and turn, and the rules for peers that do not keep up (F16).

use std::io::ErrorKind;

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

    /// Writes what waits, once.
    pub(crate) fn write_out(&mut self, index: u32) {
        let Some(connection) = self.connections.get_mut(index as usize) else { return };
        let pending = connection.out.get(connection.out_start..).unwrap_or_default();
        if !pending.is_empty() && connection.flags.is_writable {
            match connection.transport.try_write(pending) {
                Ok(count) if count > 0 => {
                    // Fewer than given: the socket is full and the system will say when it no longer is.
                    connection.flags.is_writable = count == pending.len();
                    connection.out_start += count;
                    connection.stalled_since_ms = None;
                    self.counters.written_bytes += count as u64;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => connection.flags.is_writable = false,
                _ => {
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
        if pending == 0 {
            connection.out_start = 0;
            connection.stalled_since_ms = None;
            let out = std::mem::take(&mut connection.out);
            self.buffers.give(out);
        } else {
            connection.stalled_since_ms.get_or_insert(now_ms);
            if connection.out_start > connection.out.len() / 2 {
                connection.out.drain(..connection.out_start);
                connection.out_start = 0;
            }
        }
        let is_relieved = connection.flags.is_congested && pending <= self.limits.low_mark_bytes;
        if is_relieved {
            connection.flags.is_congested = false;
            connection.session.handle_congestion(&mut self.core, false);
            self.has_more = true;
        }
        if pending == 0 && connection.session.phase() == Phase::Closing && !connection.is_lingering() {
            self.close_gently(index);
        } else if pending > 0 {
            self.arm(index);
        }
    }
}
