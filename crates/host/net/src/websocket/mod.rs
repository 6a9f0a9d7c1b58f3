//! WebSocket (RFC 6455) between the bytes of a connection and the session of a protocol: the head of the request, the
//! frames, and the session around a session. Sees bytes only; whether they came through TLS is not its business.
//!
//! Invariants: payload goes to the inner session as it arrives, so no message is ever kept whole; compression is never
//! agreed to; an idle connection holds no buffer.

mod frame;
mod head;
mod session;

pub use head::{Origins, Spoken};
pub use session::{WebSocketSettings, websocket};

/// For the fuzz target: whatever comes from a client is read to its end, and text is judged alike in one piece and in
/// many.
#[doc(hidden)]
pub fn fuzz_websocket(input: &[u8]) {
    let _ = head::read(input, &[], &Origins::default());
    let mut rest = input;
    while let Ok(Some(header)) = frame::read_header(rest) {
        let behind = rest.get(header.size_bytes..).unwrap_or_default();
        let len = usize::try_from(header.len_bytes).unwrap_or(usize::MAX).min(behind.len());
        let (payload, next) = behind.split_at(len);
        let mut plain = Vec::new();
        frame::unmask_into(payload, header.mask, 0, &mut plain);
        let (mut whole, mut pieces) = (frame::TextCheck::default(), frame::TextCheck::default());
        let is_text = whole.take(&plain);
        assert_eq!(plain.chunks(3).all(|piece| pieces.take(piece)), is_text);
        let is_whole = is_text && whole.is_whole();
        assert_eq!(std::str::from_utf8(&plain).is_ok(), is_whole);
        let _ = frame::check_close(&plain);
        rest = next;
    }
}
