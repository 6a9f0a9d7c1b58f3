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

/// For the fuzz target: reads a request's head and answers whether it would be let in.
#[doc(hidden)]
#[must_use]
pub fn fuzz_head(input: &[u8]) -> bool {
    matches!(head::read(input, &[], &Origins::default()), Ok(Some(_)))
}
