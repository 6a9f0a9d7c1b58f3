//! Frames going out.

use super::escape::{Escapes, push_escaped};

/// Writes one frame: its command, then headers, then the end.
pub struct FrameWriter<'a> {
    out: &'a mut Vec<u8>,
    escapes: Escapes,
}

impl<'a> FrameWriter<'a> {
    /// Starts a frame.
    pub fn start(out: &'a mut Vec<u8>, command: &str, escapes: Escapes) -> Self {
        out.extend_from_slice(command.as_bytes());
        out.push(b'\n');
        Self { out, escapes }
    }

    /// Goes on with a frame whose command, and maybe first headers, are there already.
    pub fn resume(out: &'a mut Vec<u8>, start: &[u8], escapes: Escapes) -> Self {
        out.extend_from_slice(start);
        Self { out, escapes }
    }

    /// One header. A name with a colon is left out where the version has no escape for it: what stands before the colon
    /// would be taken for the name.
    pub fn header(&mut self, name: &str, value: &str) -> &mut Self {
        if !self.escapes.has_any() && name.contains(':') {
            return self;
        }
        push_escaped(self.out, name, self.escapes);
        self.out.push(b':');
        push_escaped(self.out, value, self.escapes);
        self.out.push(b'\n');
        self
    }

    /// One header with a number.
    pub fn number(&mut self, name: &str, value: u64) -> &mut Self {
        self.out.extend_from_slice(name.as_bytes());
        self.out.push(b':');
        push_digits(self.out, value);
        self.out.push(b'\n');
        self
    }

    /// Bytes of header lines that are escaped already.
    pub fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.out.extend_from_slice(bytes);
        self
    }

    /// Digits in the middle of a raw line.
    pub fn digits(&mut self, value: u64) -> &mut Self {
        push_digits(self.out, value);
        self
    }

    /// Ends the frame. The length of a body that is not empty is told; a line end follows the NUL (as RabbitMQ).
    pub fn end(&mut self, body: &[u8]) {
        if !body.is_empty() {
            self.number("content-length", body.len() as u64);
        }
        self.out.reserve(body.len() + 3);
        self.out.push(b'\n');
        self.out.extend_from_slice(body);
        self.out.extend_from_slice(b"\0\n");
    }
}

/// Appends a number in decimal.
fn push_digits(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0_u8; 20];
    let mut count = 0;
    for place in digits.iter_mut().rev() {
        *place = b'0' + u8::try_from(value % 10).unwrap_or_default();
        value /= 10;
        count += 1;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - count..).unwrap_or_default());
}
