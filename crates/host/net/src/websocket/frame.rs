//! Frames of WebSocket (RFC 6455 5.2).
//!
//! ```text
//! | FIN RSV1-3 opcode | MASK length(7) | length(16 or 64) | key(32) | payload |
//! ```

/// Longest payload of a control frame.
pub(crate) const MAX_CONTROL_BYTES: usize = 125;
/// Room left before a payload whose length is not known yet; fits the header of most frames.
const RESERVED_BYTES: usize = 4;

/// Why a connection is closed, as the peer is told (RFC 6455 7.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseCode {
    Normal = 1000,
    GoingAway = 1001,
    ProtocolError = 1002,
    WrongKind = 1003,
    NotText = 1007,
    TooBig = 1009,
}

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Kind {
    pub(crate) fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn opcode(self) -> u8 {
        match self {
            Self::Continuation => 0,
            Self::Text => 1,
            Self::Binary => 2,
            Self::Close => 8,
            Self::Ping => 9,
            Self::Pong => 10,
        }
    }
}

/// The header of a frame from a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) is_last: bool,
    pub(crate) kind: Kind,
    pub(crate) len_bytes: u64,
    pub(crate) mask: [u8; 4],
    /// Length of the header itself.
    pub(crate) size_bytes: usize,
}

/// Reads a header at the front. `None`: it is not whole yet. What a client must not send is refused by the first byte
/// that shows it.
pub(crate) fn read_header(input: &[u8]) -> Result<Option<Header>, CloseCode> {
    let Some(&first) = input.first() else { return Ok(None) };
    // Reserved bits belong to extensions, and none is ever agreed to.
    if first & 0x70 != 0 {
        return Err(CloseCode::ProtocolError);
    }
    let kind = match first & 0x0f {
        0 => Kind::Continuation,
        1 => Kind::Text,
        2 => Kind::Binary,
        8 => Kind::Close,
        9 => Kind::Ping,
        10 => Kind::Pong,
        _ => return Err(CloseCode::ProtocolError),
    };
    let is_last = first & 0x80 != 0;
    let Some(&second) = input.get(1) else { return Ok(None) };
    let short = usize::from(second & 0x7f);
    // Clients mask (5.1); control frames are short and whole (5.5).
    if second & 0x80 == 0 || (kind.is_control() && (!is_last || short > MAX_CONTROL_BYTES)) {
        return Err(CloseCode::ProtocolError);
    }
    let (len_bytes, at) = match short {
        126 => match input.get(2..4) {
            Some(&[a, b]) => (u64::from(u16::from_be_bytes([a, b])), 4),
            _ => return Ok(None),
        },
        127 => match input.get(2..10) {
            Some(&[a, b, c, d, e, f, g, h]) => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 10),
            _ => return Ok(None),
        },
        short => (short as u64, 2),
    };
    let least = match at {
        2 => 0,
        4 => 126,
        _ => 1 << 16,
    };
    if len_bytes < least || len_bytes > i64::MAX as u64 {
        return Err(CloseCode::ProtocolError);
    }
    let Some(&[a, b, c, d]) = input.get(at..at + 4) else { return Ok(None) };
    Ok(Some(Header { is_last, kind, len_bytes, mask: [a, b, c, d], size_bytes: at + 4 }))
}

/// Appends unmasked payload. `offset`: how much of the frame's payload came before.
pub(crate) fn unmask_into(payload: &[u8], mask: [u8; 4], offset: u64, to: &mut Vec<u8>) {
    let mut mask = mask;
    mask.rotate_left((offset % 4) as usize);
    let start = to.len();
    to.extend_from_slice(payload);
    let mask_word = u32::from_ne_bytes(mask);
    let (words, rest) = to.get_mut(start..).unwrap_or_default().as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ mask_word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(mask) {
        *byte ^= key;
    }
}

/// Leaves room for a header; answers where it begins.
pub(crate) fn begin(out: &mut Vec<u8>) -> usize {
    let start = out.len();
    out.extend_from_slice(&[0; RESERVED_BYTES]);
    start
}

/// Writes the header of the payload that came after [`begin`]; without payload there is no frame.
pub(crate) fn end(out: &mut Vec<u8>, start: usize, kind: impl FnOnce(&[u8]) -> Kind) {
    let from = start + RESERVED_BYTES;
    let payload = out.get(from..).unwrap_or_default();
    let len = payload.len();
    if len == 0 {
        out.truncate(start);
        return;
    }
    let first = 0x80 | kind(payload).opcode();
    if len < 126 {
        out.copy_within(from.., start + 2);
        out.truncate(start + 2 + len);
        put(out, start, &[first, len as u8]);
    } else if let Ok(len) = u16::try_from(len) {
        let [a, b] = len.to_be_bytes();
        put(out, start, &[first, 126, a, b]);
    } else {
        out.extend_from_slice(&[0; 10 - RESERVED_BYTES]);
        out.copy_within(from..from + len, start + 10);
        let mut header = [first, 127, 0, 0, 0, 0, 0, 0, 0, 0];
        put(&mut header, 2, &(len as u64).to_be_bytes());
        put(out, start, &header);
    }
}

fn put(out: &mut [u8], at: usize, bytes: &[u8]) {
    if let Some(place) = out.get_mut(at..at + bytes.len()) {
        place.copy_from_slice(bytes);
    }
}

/// A short frame.
pub(crate) fn write_control(kind: Kind, payload: &[u8], out: &mut Vec<u8>) {
    let payload = payload.get(..MAX_CONTROL_BYTES).unwrap_or(payload);
    out.extend_from_slice(&[0x80 | kind.opcode(), payload.len() as u8]);
    out.extend_from_slice(payload);
}

/// The frame that closes.
pub(crate) fn write_close(code: CloseCode, out: &mut Vec<u8>) {
    write_control(Kind::Close, &(code as u16).to_be_bytes(), out);
}

/// What the payload of a client's close frame must look like (5.5.1).
pub(crate) fn check_close(payload: &[u8]) -> Result<(), CloseCode> {
    match payload {
        [] => Ok(()),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            let is_code = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            if is_code && std::str::from_utf8(reason).is_ok() {
                Ok(())
            } else {
                Err(CloseCode::ProtocolError)
            }
        }
        _ => Err(CloseCode::ProtocolError),
    }
}

/// Whether text that comes in pieces is UTF-8.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct TextCheck {
    /// The start of a letter that is not whole yet.
    open: [u8; 3],
    len: u8,
}

impl TextCheck {
    /// Takes the next piece. `false`: no continuation makes it text.
    pub(crate) fn take(&mut self, piece: &[u8]) -> bool {
        let mut rest = piece;
        while self.len > 0 {
            let Some((&byte, next)) = rest.split_first() else { return true };
            let mut letter = [0; 4];
            let len = usize::from(self.len);
            let Some((known, place)) =
                letter.get_mut(..=len).and_then(|it| it.split_last_mut()).map(|(last, known)| (known, last))
            else {
                return false;
            };
            known.copy_from_slice(self.open.get(..len).unwrap_or_default());
            *place = byte;
            rest = next;
            match std::str::from_utf8(letter.get(..=len).unwrap_or_default()) {
                Ok(_) => self.len = 0,
                Err(error) if error.error_len().is_none() && len < 3 => {
                    put(&mut self.open, len, &[byte]);
                    self.len += 1;
                }
                Err(_) => return false,
            }
        }
        match std::str::from_utf8(rest) {
            Ok(_) => true,
            Err(error) if error.error_len().is_none() => {
                let open = rest.get(error.valid_up_to()..).unwrap_or_default();
                put(&mut self.open, 0, open);
                self.len = open.len() as u8;
                true
            }
            Err(_) => false,
        }
    }

    /// Whether the text may end here.
    pub(crate) fn is_whole(self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(input: &[u8], expect: &str) {
        let answer = match read_header(input) {
            Ok(None) => "more".into(),
            Ok(Some(it)) => format!("{:?} {} {} {}", it.kind, it.is_last, it.len_bytes, it.size_bytes),
            Err(code) => (code as u16).to_string(),
        };
        assert_eq!(answer, expect, "{input:?}");
    }

    #[test]
    fn headers() {
        check(&[], "more");
        check(&[0x82], "more");
        check(&[0x82, 0x85, 1, 2, 3], "more");
        check(&[0x82, 0x85, 1, 2, 3, 4], "Binary true 5 6");
        check(&[0x01, 0x80, 1, 2, 3, 4], "Text false 0 6");
        check(&[0x80, 0xfe, 0, 126, 1, 2, 3, 4], "Continuation true 126 8");
        check(&[0x82, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 1, 2, 3, 4], "Binary true 65536 14");
        check(&[0x89, 0xfd, 1, 2, 3, 4], "Ping true 125 6");
        // reserved bits, unknown kinds
        for first in [0xc2, 0xa2, 0x92, 0x83, 0x87, 0x8b, 0x8f] {
            check(&[first], "1002");
        }
        // not masked; control frames that are long or cut; lengths not in their shortest form; a negative length
        check(&[0x82, 0x05], "1002");
        check(&[0x89, 0xfe], "1002");
        check(&[0x09, 0x80], "1002");
        check(&[0x82, 0xfe, 0, 125], "1002");
        check(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff], "1002");
        check(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0], "1002");
    }

    #[test]
    fn frames_that_go_out_have_the_shortest_length() {
        for (len, header) in [
            (0, &[][..]),
            (1, &[0x82, 1]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 0xff, 0xff]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let payload: Vec<u8> = (0..len).map(|at| at as u8).collect();
            let mut out = vec![7];
            let start = begin(&mut out);
            out.extend_from_slice(&payload);
            end(&mut out, start, |_| Kind::Binary);
            let payload = if len == 0 { &[][..] } else { &payload };
            assert!(out == [&[7], header, payload].concat(), "{len}");
        }
    }

    #[test]
    fn masks_go_on_where_the_last_piece_ended() {
        let (plain, mask) = (b"to be masked", [1, 2, 3, 250]);
        let masked: Vec<u8> = plain.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]).collect();
        for cut in 0..plain.len() {
            let mut out = Vec::new();
            unmask_into(&masked[..cut], mask, 0, &mut out);
            unmask_into(&masked[cut..], mask, cut as u64, &mut out);
            assert_eq!(out, plain);
        }
    }

    #[test]
    fn text_in_any_pieces() {
        let whole = "aé€😀z".as_bytes();
        for first in 0..=whole.len() {
            for second in first..=whole.len() {
                let mut check = TextCheck::default();
                let pieces = [&whole[..first], &whole[first..second], &whole[second..]];
                assert!(pieces.iter().all(|piece| check.take(piece)) && check.is_whole(), "{first} {second}");
            }
        }
        for bad in [&[0xff][..], &[0xc0, 0x80], &[0xed, 0xa0, 0x80], &[0xf4, 0x90, 0x80, 0x80], &[b'a', 0x80]]
        {
            let mut at_once = TextCheck::default();
            assert!(!at_once.take(bad), "{bad:?}");
            let mut bytewise = TextCheck::default();
            assert!(!bad.iter().all(|byte| bytewise.take(&[*byte])), "{bad:?}");
        }
        let mut cut = TextCheck::default();
        assert!(cut.take(&[0xe2, 0x82]) && !cut.is_whole());
    }

    #[test]
    fn close_payloads() {
        for (payload, is_good) in [
            (&[][..], true),
            (&[3], false),
            (&[3, 0xe8], true),
            (&[3, 0xe8, b'o', b'k'], true),
            (&[3, 0xe8, 0xff], false),
            (&[3, 0xec], false),
            (&[3, 0xed], false),
            (&[0, 1], false),
            (&[0x13, 0x88], false),
        ] {
            assert_eq!(check_close(payload).is_ok(), is_good, "{payload:?}");
        }
    }
}
