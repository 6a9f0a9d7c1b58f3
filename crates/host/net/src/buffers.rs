//! Buffers that go round: a connection holds one only while bytes wait in it.

/// Buffers kept; more are given back to the allocator.
const KEPT: usize = 64;
/// A buffer that one burst has blown up beyond this is not kept.
const KEPT_BYTES: usize = 1 << 20;

/// Empty buffers waiting for use.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    empty: Vec<Vec<u8>>,
}

impl Buffers {
    pub(crate) fn take(&mut self) -> Vec<u8> {
        self.empty.pop().unwrap_or_default()
    }

    pub(crate) fn give(&mut self, mut buffer: Vec<u8>) {
        if buffer.capacity() > 0 && buffer.capacity() <= KEPT_BYTES && self.empty.len() < KEPT {
            buffer.clear();
            self.empty.push(buffer);
        }
    }
}
