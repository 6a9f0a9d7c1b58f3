//! The few packets that a load tool needs.

use anyhow::{Result, bail};

/// One packet from the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    /// A message, with its identifier when it wants an answer.
    Publish { id: Option<u16>, body: &'a [u8] },
    /// Answer to a message.
    PubAck { id: u16 },
    /// Anything else: its type.
    Other { kind: u8, body: &'a [u8] },
}

fn length(bytes: &[u8]) -> Result<Option<(usize, usize)>> {
    let mut value = 0;
    for (index, byte) in bytes.iter().take(4).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok(Some((value, index + 1)));
        }
    }
    if bytes.len() >= 4 {
        bail!("the broker sent a length of more than four bytes");
    }
    Ok(None)
}

impl<'a> Incoming<'a> {
    /// The first packet of `bytes` and its size; `None`: it is not complete.
    pub(crate) fn first(bytes: &'a [u8]) -> Result<Option<(Self, usize)>> {
        let Some((first, rest)) = bytes.split_first() else { return Ok(None) };
        let Some((len, len_bytes)) = length(rest)? else { return Ok(None) };
        let size = 1 + len_bytes + len;
        let Some(body) = bytes.get(1 + len_bytes..size) else { return Ok(None) };
        let two = |at: usize| match body.get(at..at + 2) {
            Some([high, low]) => Ok(u16::from_be_bytes([*high, *low])),
            _ => bail!("the broker sent a packet that ends too early"),
        };
        let packet = match first >> 4 {
            3 => {
                let topic = 2 + usize::from(two(0)?);
                let id = if first & 6 == 0 { None } else { Some(two(topic)?) };
                let start = topic + if id.is_some() { 2 } else { 0 };
                Self::Publish { id, body: body.get(start..).unwrap_or_default() }
            }
            4 => Self::PubAck { id: two(0)? },
            kind => Self::Other { kind, body },
        };
        Ok(Some((packet, size)))
    }
}

fn put_length(out: &mut Vec<u8>, mut len: usize) {
    loop {
        let byte = (len & 0x7f) as u8;
        len >>= 7;
        if len == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(&(text.len() as u16).to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// A message; with an identifier it is of QoS 1.
pub(crate) fn put_publish(out: &mut Vec<u8>, topic: &str, id: Option<u16>, body: &[u8]) {
    out.push(if id.is_some() { 0x32 } else { 0x30 });
    put_length(out, 2 + topic.len() + if id.is_some() { 2 } else { 0 } + body.len());
    put_text(out, topic);
    if let Some(id) = id {
        out.extend_from_slice(&id.to_be_bytes());
    }
    out.extend_from_slice(body);
}

/// Answer to a message.
pub(crate) fn put_puback(out: &mut Vec<u8>, id: u16) {
    out.extend_from_slice(&[0x40, 2]);
    out.extend_from_slice(&id.to_be_bytes());
}

/// Longer than any run, so that no PINGREQ is due; some brokers refuse a keep alive of 0.
const KEEP_ALIVE_S: u16 = u16::MAX;

/// What becomes of a client's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Session {
    /// One of before is forgotten, and the new one ends with its connection.
    Clean,
    /// It outlives its connections.
    Kept,
}

/// The first packet of a connection.
pub(crate) fn put_connect(out: &mut Vec<u8>, session: Session, client: &str, user: &str, password: &str) {
    out.push(0x10);
    put_length(out, 10 + 6 + client.len() + user.len() + password.len());
    put_text(out, "MQTT");
    out.extend_from_slice(&[4, if session == Session::Clean { 0xc2 } else { 0xc0 }]);
    out.extend_from_slice(&KEEP_ALIVE_S.to_be_bytes());
    put_text(out, client);
    put_text(out, user);
    put_text(out, password);
}

/// A subscription.
pub(crate) fn put_subscribe(out: &mut Vec<u8>, filter: &str, qos: u8) {
    out.push(0x82);
    put_length(out, 5 + filter.len());
    out.extend_from_slice(&[0, 1]);
    put_text(out, filter);
    out.push(qos);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_they_are_written() {
        let mut out = Vec::new();
        put_publish(&mut out, "t", Some(7), &[1; 200]);
        put_publish(&mut out, "t", None, b"x");
        put_puback(&mut out, 9);
        put_subscribe(&mut out, "a/#", 1);
        let mut found = Vec::new();
        let mut rest = &out[..];
        while let Some((packet, size)) = Incoming::first(rest).unwrap() {
            found.push(format!("{packet:?}").chars().take(24).collect::<String>());
            assert_eq!(Incoming::first(&rest[..size - 1]).unwrap(), None);
            rest = &rest[size..];
        }
        assert_eq!(
            found,
            [
                "Publish { id: Some(7), b",
                "Publish { id: None, body",
                "PubAck { id: 9 }",
                "Other { kind: 8, body: ["
            ]
        );
    }
}
