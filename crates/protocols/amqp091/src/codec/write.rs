//! Writers of what a broker sends most: whole messages (method, header and body frames) and settlements.
//!
//! Each message is written into one reservation. `properties` are flags and property list as a message keeps them
//! (none at all count as no properties); `frame_max_bytes` is the largest whole frame, as negotiated; below
//! [`FRAME_MIN_BYTES`], which no negotiation gives, that minimum is taken.

use super::{
    frame::{FRAME_END, FRAME_MIN_BYTES, FRAME_OVERHEAD_BYTES, FrameKind},
    method::{MethodFrame, basic},
    wire::cut_short,
};

/// Content of a message that is sent.
#[derive(Clone, Copy, Debug)]
pub struct Content<'a> {
    /// Flags and property list, or nothing.
    pub properties: &'a [u8],
    /// The whole body.
    pub body: &'a [u8],
}

/// Bytes of a content header's payload before its properties.
const HEADER_FIELDS_BYTES: usize = 12;
/// Most bytes of a method frame that carries a message: four short strings and the fixed fields.
const METHOD_MAX_BYTES: usize = 64 + 4 * 256;

/// Appends `basic.deliver` with its content.
#[inline]
pub fn write_deliver(
    out: &mut Vec<u8>,
    channel: u16,
    deliver: &basic::Deliver<'_>,
    content: Content<'_>,
    frame_max_bytes: u32,
) {
    let consumer_tag = cut_short(deliver.consumer_tag).as_bytes();
    let exchange = cut_short(deliver.exchange).as_bytes();
    let routing_key = cut_short(deliver.routing_key).as_bytes();
    // ids, three length octets, tag, flag
    let size = 4 + 3 + consumer_tag.len() + 9 + exchange.len() + routing_key.len();
    reserve(out, size + FRAME_OVERHEAD_BYTES, content, frame_max_bytes);
    write_method_head::<basic::Deliver<'_>>(out, channel, size, consumer_tag.len() as u8);
    out.extend_from_slice(consumer_tag);
    let [t0, t1, t2, t3, t4, t5, t6, t7] = deliver.delivery_tag.to_be_bytes();
    let redelivered = u8::from(deliver.redelivered);
    out.extend_from_slice(&[t0, t1, t2, t3, t4, t5, t6, t7, redelivered, exchange.len() as u8]);
    out.extend_from_slice(exchange);
    out.push(routing_key.len() as u8);
    out.extend_from_slice(routing_key);
    out.push(FRAME_END);
    write_content(out, channel, content, frame_max_bytes);
}

/// Appends `basic.get-ok` with its content.
pub fn write_get_ok(
    out: &mut Vec<u8>,
    channel: u16,
    get_ok: &basic::GetOk<'_>,
    content: Content<'_>,
    frame_max_bytes: u32,
) {
    write_message(out, channel, get_ok, content, frame_max_bytes);
}

/// Appends `basic.return` with its content.
pub fn write_return(
    out: &mut Vec<u8>,
    channel: u16,
    returned: &basic::Return<'_>,
    content: Content<'_>,
    frame_max_bytes: u32,
) {
    write_message(out, channel, returned, content, frame_max_bytes);
}

/// Appends `basic.publish` with its content: the client's side.
pub fn write_publish(
    out: &mut Vec<u8>,
    channel: u16,
    publish: &basic::Publish<'_>,
    content: Content<'_>,
    frame_max_bytes: u32,
) {
    write_message(out, channel, publish, content, frame_max_bytes);
}

/// Appends `basic.ack`.
#[inline]
pub fn write_ack(out: &mut Vec<u8>, channel: u16, ack: &basic::Ack) {
    write_settle::<basic::Ack>(out, channel, ack.delivery_tag, ack.multiple.into());
}

/// Appends `basic.nack`.
#[inline]
pub fn write_nack(out: &mut Vec<u8>, channel: u16, nack: &basic::Nack) {
    let bits = u8::from(nack.multiple) | u8::from(nack.requeue) << 1;
    write_settle::<basic::Nack>(out, channel, nack.delivery_tag, bits);
}

/// Appends a method of a delivery tag and one octet of bits.
#[inline]
fn write_settle<M: MethodFrame>(out: &mut Vec<u8>, channel: u16, delivery_tag: u64, bits: u8) {
    let [c0, c1] = channel.to_be_bytes();
    let [k0, k1] = M::CLASS_ID.to_be_bytes();
    let [m0, m1] = M::METHOD_ID.to_be_bytes();
    let [t0, t1, t2, t3, t4, t5, t6, t7] = delivery_tag.to_be_bytes();
    out.extend_from_slice(&[
        FrameKind::Method as u8,
        c0,
        c1,
        0,
        0,
        0,
        13, //
        k0,
        k1,
        m0,
        m1,
        t0,
        t1,
        t2,
        t3,
        t4,
        t5,
        t6,
        t7,
        bits,
        FRAME_END,
    ]);
}

/// Appends any method that carries a message, with its content.
fn write_message<M: MethodFrame>(
    out: &mut Vec<u8>,
    channel: u16,
    method: &M,
    content: Content<'_>,
    frame_max_bytes: u32,
) {
    reserve(out, METHOD_MAX_BYTES, content, frame_max_bytes);
    method.write_frame(out, channel);
    write_content(out, channel, content, frame_max_bytes);
}

/// Largest payload of one frame.
#[inline]
fn payload_max(frame_max_bytes: u32) -> usize {
    frame_max_bytes.max(FRAME_MIN_BYTES) as usize - FRAME_OVERHEAD_BYTES
}

#[inline]
fn reserve(out: &mut Vec<u8>, method_bytes: usize, content: Content<'_>, frame_max_bytes: u32) {
    let body = content.body.len();
    let limit = payload_max(frame_max_bytes);
    // the division is kept off the common path
    let frames = if body <= limit { 1 } else { body.div_ceil(limit) };
    let header = FRAME_OVERHEAD_BYTES + HEADER_FIELDS_BYTES + content.properties.len().max(2);
    out.reserve(method_bytes + header + body + frames * FRAME_OVERHEAD_BYTES);
}

/// Appends a method frame's head, its ids and the length octet of its first field, a short string.
#[inline]
fn write_method_head<M: MethodFrame>(out: &mut Vec<u8>, channel: u16, size: usize, first_len: u8) {
    let [c0, c1] = channel.to_be_bytes();
    // at most METHOD_MAX_BYTES
    let [s0, s1, s2, s3] = (size as u32).to_be_bytes();
    let [k0, k1] = M::CLASS_ID.to_be_bytes();
    let [m0, m1] = M::METHOD_ID.to_be_bytes();
    out.extend_from_slice(&[FrameKind::Method as u8, c0, c1, s0, s1, s2, s3, k0, k1, m0, m1, first_len]);
}

/// Appends header and body frames.
#[inline]
fn write_content(out: &mut Vec<u8>, channel: u16, content: Content<'_>, frame_max_bytes: u32) {
    let properties = if content.properties.is_empty() { &[0, 0][..] } else { content.properties };
    let [c0, c1] = channel.to_be_bytes();
    // properties were read from a frame, or made from headers far below 4 GiB
    let [s0, s1, s2, s3] = ((HEADER_FIELDS_BYTES + properties.len()) as u32).to_be_bytes();
    let [k0, k1] = basic::CLASS_ID.to_be_bytes();
    let [b0, b1, b2, b3, b4, b5, b6, b7] = (content.body.len() as u64).to_be_bytes();
    out.extend_from_slice(&[
        FrameKind::Header as u8,
        c0,
        c1,
        s0,
        s1,
        s2,
        s3, //
        k0,
        k1,
        0,
        0,
        b0,
        b1,
        b2,
        b3,
        b4,
        b5,
        b6,
        b7,
    ]);
    out.extend_from_slice(properties);
    out.push(FRAME_END);
    for piece in content.body.chunks(payload_max(frame_max_bytes)) {
        let [s0, s1, s2, s3] = (piece.len() as u32).to_be_bytes();
        out.extend_from_slice(&[FrameKind::Body as u8, c0, c1, s0, s1, s2, s3]);
        out.extend_from_slice(piece);
        out.push(FRAME_END);
    }
}
