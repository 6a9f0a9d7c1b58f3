//! Records of what is kept for clients beside their queues: tokens, wills, retained messages.
//!
//! ```text
//! token:    client u32 | op u8 | token u16
//! will:     client u32 | present u8 [ delay u64 | retained u8 | message front | raw bytes to the end ]
//! retained: namespace text | present u8: 0 [ key text ], 1 [ expires_at u64 | message front | raw bytes to the end ]
//! ```
//! The message front is that of a message record without targets.

use std::sync::Arc;

use bytes::Bytes;
use ternmq_message::Message;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use super::message::{message_parts, read_message_head};

/// What became of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOp {
    /// A message was published under it.
    Taken,
    /// Its client will not use it for that message again.
    Forgotten,
    /// Its client has the message that was delivered under it.
    Released,
    /// Its client has forgotten it.
    Completed,
}

/// One token record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TokenRecord {
    pub(crate) client: u32,
    pub(crate) op: TokenOp,
    pub(crate) token: u16,
}

pub(crate) fn write_token(out: &mut Writer, record: TokenRecord) {
    let op = match record.op {
        TokenOp::Taken => 0,
        TokenOp::Forgotten => 1,
        TokenOp::Released => 2,
        TokenOp::Completed => 3,
    };
    out.u32(record.client).u8(op).u16(record.token);
}

pub(crate) fn read_token(payload: &[u8]) -> Result<TokenRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let client = input.u32()?;
    let bad = input.bad();
    let op = match input.u8()? {
        0 => TokenOp::Taken,
        1 => TokenOp::Forgotten,
        2 => TokenOp::Released,
        3 => TokenOp::Completed,
        _ => return Err(bad),
    };
    Ok(TokenRecord { client, op, token: input.u16()? })
}

/// One will record; without a will the client has none any more.
#[derive(Debug)]
pub(crate) struct WillRecord {
    pub(crate) client: u32,
    /// Message, delay in ms, whether it is retained.
    pub(crate) will: Option<(Message, u64, bool)>,
}

/// Writes everything but the raw bytes of the message, which follow as a second part.
pub(crate) fn will_parts(out: &mut Writer, client: u32, will: Option<(&Message, u64, bool)>) {
    out.u32(client).bool(will.is_some());
    if let Some((message, delay_ms, is_retained)) = will {
        out.u64(delay_ms).bool(is_retained);
        message_parts(out, message, true, None, None, &[]);
    }
}

pub(crate) fn read_will(payload: &[u8]) -> Result<WillRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let client = input.u32()?;
    if !input.bool()? {
        return Ok(WillRecord { client, will: None });
    }
    let (delay_ms, is_retained) = (input.u64()?, input.bool()?);
    let message = read_rest(payload, &mut input)?;
    Ok(WillRecord { client, will: Some((message, delay_ms, is_retained)) })
}

/// One record of a retained message.
#[derive(Debug)]
pub(crate) enum RetainedRecord {
    /// The key has none any more.
    Gone {
        /// Namespace.
        namespace: Arc<str>,
        /// Key.
        key: Arc<str>,
    },
    /// The key has this one.
    Kept {
        /// Namespace.
        namespace: Arc<str>,
        /// Message.
        message: Message,
        /// Broker time in ms at which it goes; `u64::MAX`: never.
        expires_at_ms: u64,
    },
}

/// Writes everything but the raw bytes of the message, which follow as a second part when there is one.
pub(crate) fn retained_parts(out: &mut Writer, namespace: &str, key: &str, message: Option<(&Message, u64)>) {
    out.text(namespace).bool(message.is_some());
    match message {
        None => {
            out.text(key);
        }
        Some((message, expires_at_ms)) => {
            out.u64(expires_at_ms);
            message_parts(out, message, true, None, None, &[]);
        }
    }
}

pub(crate) fn read_retained(payload: &[u8]) -> Result<RetainedRecord, BadLayout> {
    let mut input = Reader::new(payload);
    let namespace = input.text()?;
    if !input.bool()? {
        return Ok(RetainedRecord::Gone { namespace, key: input.text()? });
    }
    let expires_at_ms = input.u64()?;
    let message = read_rest(payload, &mut input)?;
    Ok(RetainedRecord::Kept { namespace, message, expires_at_ms })
}

fn read_rest(payload: &[u8], input: &mut Reader<'_>) -> Result<Message, BadLayout> {
    let front = read_message_head(input)?;
    // A copy of its own: the payload is the journal's buffer, which goes.
    let raw = Bytes::copy_from_slice(payload.get(input.offset()..).unwrap_or_default());
    front.message(raw).ok_or(input.bad())
}

#[cfg(test)]
mod tests {
    use ternmq_message::{Encoding, MessageMeta};

    use super::*;

    fn message() -> Message {
        let meta = MessageMeta { encoding: Encoding(2), is_durable: true, priority: 0, ttl_ms: Some(9) };
        Message::new("n", "k", b"head", b"body", meta, None).unwrap()
    }

    #[test]
    fn tokens_come_back() {
        for op in [TokenOp::Taken, TokenOp::Forgotten, TokenOp::Released, TokenOp::Completed] {
            let record = TokenRecord { client: 7, op, token: 65_535 };
            let mut out = Writer::default();
            write_token(&mut out, record);
            assert_eq!(read_token(out.bytes()), Ok(record));
        }
        assert!(read_token(&[0, 0, 0, 0, 4, 0, 0]).is_err());
    }

    #[test]
    fn wills_and_retained_messages_come_back_and_no_truncation_panics() {
        let message = message();
        let mut out = Writer::default();
        will_parts(&mut out, 3, Some((&message, 5, true)));
        out.raw(message.raw());
        let record = read_will(out.bytes()).unwrap();
        let (read, delay_ms, is_retained) = record.will.unwrap();
        assert_eq!((record.client, delay_ms, is_retained), (3, 5, true));
        assert_eq!((read.raw(), read.meta()), (message.raw(), message.meta()));
        for len in 0..out.bytes().len() - 4 {
            assert!(read_will(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
        let mut out = Writer::default();
        retained_parts(&mut out, "/", "k", Some((&message, u64::MAX)));
        out.raw(message.raw());
        let Ok(RetainedRecord::Kept { message: read, expires_at_ms, .. }) = read_retained(out.bytes()) else {
            panic!("not kept");
        };
        assert_eq!((read.raw(), expires_at_ms), (message.raw(), u64::MAX));
        for len in 0..out.bytes().len() - 4 {
            assert!(read_retained(&out.bytes()[..len]).is_err(), "cut at {len}");
        }
        let mut out = Writer::default();
        retained_parts(&mut out, "/", "k", None);
        assert!(matches!(read_retained(out.bytes()), Ok(RetainedRecord::Gone { key, .. }) if &*key == "k"));
    }
}
