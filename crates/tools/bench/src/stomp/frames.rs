//! The few frames that a load tool needs.

use anyhow::{Result, bail};

/// One frame from the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// A message, with what acknowledges it when it wants that.
    Message { ack: Option<&'a [u8]>, body: &'a [u8] },
    /// A receipt.
    Receipt,
    /// Logged in.
    Connected,
}

/// Value of a header in a head that starts with its command.
fn header<'a>(head: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    // The last ones first: that is where the length is.
    let start = memchr::memmem::rfind(head, name)?;
    let is_whole = head.get(start.checked_sub(1)?) == Some(&b'\n');
    let rest = head.get(start + name.len()..).filter(|_| is_whole)?.strip_prefix(b":")?;
    rest.split(|byte| *byte == b'\n').next()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes.get(..bytes.len().min(300)).unwrap_or_default()).into_owned()
}

impl<'a> Incoming<'a> {
    /// The first whole frame of the input and how many bytes it takes.
    pub(crate) fn first(input: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let noise = input.iter().take_while(|byte| **byte == b'\n').count();
        let frame = input.get(noise..).unwrap_or_default();
        let Some(end) = memchr::memmem::find(frame, b"\n\n") else { return Ok(None) };
        let (Some(head), Some(rest)) = (frame.get(..end), frame.get(end + 2..)) else { return Ok(None) };
        let length = header(head, b"content-length").and_then(|digits| std::str::from_utf8(digits).ok());
        let length: usize = length.map_or(Ok(0), str::parse)?;
        let Some((body, after)) = rest.split_at_checked(length) else { return Ok(None) };
        let Some(nul) = after.first() else { return Ok(None) };
        if *nul != 0 {
            bail!("a frame of the broker does not end where its length says: {}", text(head));
        }
        let kind = head.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let incoming = match kind {
            b"MESSAGE" => Self::Message { ack: header(head, b"ack"), body },
            b"RECEIPT" => Self::Receipt,
            b"CONNECTED" => Self::Connected,
            _ => bail!("the broker says {} {}", text(head), text(body)),
        };
        Ok(Some((incoming, noise + end + 2 + length + 1)))
    }
}

/// SEND frames of one kind: only receipt and body change.
pub(crate) struct SendTemplate {
    start: Vec<u8>,
    has_receipt: bool,
}

impl SendTemplate {
    /// `headers`: whole lines with their line ends.
    pub(crate) fn new(destination: &str, headers: &str, body_bytes: usize, has_receipt: bool) -> Self {
        let start = format!("SEND\ndestination:{destination}\n{headers}content-length:{body_bytes}\n");
        Self { start: start.into_bytes(), has_receipt }
    }

    /// Appends one frame.
    pub(crate) fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        out.extend_from_slice(&self.start);
        if self.has_receipt {
            out.extend_from_slice(b"receipt:");
            out.extend_from_slice(number.to_string().as_bytes());
            out.push(b'\n');
        }
        out.push(b'\n');
        out.extend_from_slice(body);
        out.push(0);
    }
}

/// Appends an ACK of the message that `id` stands for.
pub(crate) fn put_ack(out: &mut Vec<u8>, id: &[u8]) {
    out.extend_from_slice(b"ACK\nid:");
    out.extend_from_slice(id);
    out.extend_from_slice(b"\n\n\0");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_told_apart_and_awaited() {
        let input = b"\nMESSAGE\nsubscription:0\nack:T_0@@s@@1\ncontent-length:4\n\na\n\n\0\0\nRECEIPT\nreceipt-id:1\n\n\0";
        let (first, size) = Incoming::first(input).unwrap().unwrap();
        assert_eq!(first, Incoming::Message { ack: Some(b"T_0@@s@@1"), body: b"a\n\n\0" });
        let rest = &input[size..];
        assert_eq!(Incoming::first(rest).unwrap(), Some((Incoming::Receipt, rest.len())));
        for end in 0..size {
            assert_eq!(Incoming::first(&input[..end]).unwrap(), None, "{end}");
        }
        assert!(Incoming::first(b"ERROR\nmessage:x\n\n\0").is_err());
    }
}
