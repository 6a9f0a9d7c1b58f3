//! Remark records: what was remarked on an entry of a queue.
//!
//! ```text
//! queue u32 | seq u64 | encoding u8 | the remark to the end
//! ```

use ternmq_message::Encoding;
use ternmq_queue::Seq;
use ternmq_stdx::layout::{BadLayout, Reader, Writer};

use crate::remarks::Remark;

/// Writes one.
pub(crate) fn write_remark(out: &mut Writer, queue: u32, seq: Seq, remark: &Remark) {
    out.u32(queue).u64(seq.0).u8(remark.encoding.0).raw(&remark.bytes);
}

/// Reads one back.
pub(crate) fn read_remark(payload: &[u8]) -> Result<(u32, Seq, Remark), BadLayout> {
    let mut input = Reader::new(payload);
    let (queue, seq, encoding) = (input.u32()?, Seq(input.u64()?), Encoding(input.u8()?));
    Ok((queue, seq, Remark { encoding, bytes: input.rest().into() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remark_has_golden_bytes() {
        let remark = Remark { encoding: Encoding(4), bytes: b"abc"[..].into() };
        let mut out = Writer::default();
        write_remark(&mut out, 7, Seq(258), &remark);
        assert_eq!(out.bytes(), b"\x07\0\0\0\x02\x01\0\0\0\0\0\0\x04abc");
        assert_eq!(read_remark(out.bytes()).unwrap(), (7, Seq(258), remark));
        assert!(read_remark(&out.bytes()[..12]).is_err());
    }
}
