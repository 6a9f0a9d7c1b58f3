//! Results by the page (RFC 2696): a directory that gives only so many entries at once is asked for the rest.
//!
//! ```text
//! controls [0] { type "1.2.840.113556.1.4.319", criticality, value OCTET STRING { SEQUENCE { size, cookie } } }
//! ```

use crate::{
    ber::{self, BOOLEAN, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE},
    link::LinkError,
};

/// Entries that are asked for at once: no more than directories give without being told so.
pub(crate) const PAGE_ENTRIES: u32 = 500;
/// Most pages of one search: as a page may be empty, the limit of entries is not enough.
pub(crate) const MAX_PAGES: usize = 1_000;
/// Longest mark of a place in a result, in bytes.
const MAX_COOKIE_BYTES: usize = 4_096;

const TYPE: &[u8] = b"1.2.840.113556.1.4.319";
/// Controls of a message.
const CONTROLS: u8 = 0xa0;

/// Adds the controls of a request for a page: the first without a cookie, the next with that of the page before. Not critical:
/// a directory that knows no pages gives everything, or says that it is too much.
pub(crate) fn put_control(out: &mut Vec<u8>, cookie: &[u8]) {
    let mut value = Vec::new();
    ber::put_inner(&mut value, SEQUENCE, |out| {
        ber::put_number(out, INTEGER, PAGE_ENTRIES);
        ber::put(out, OCTET_STRING, cookie);
    });
    ber::put_inner(out, CONTROLS, |out| {
        ber::put_inner(out, SEQUENCE, |out| {
            ber::put(out, OCTET_STRING, TYPE);
            ber::put(out, OCTET_STRING, &value);
        });
    });
}

/// The cookie for the next page in what follows the last answer of a search; empty: there is no next page.
pub(crate) fn next_cookie(controls: &[u8]) -> Result<Vec<u8>, LinkError> {
    let mut rest = Reader::new(controls);
    if rest.is_empty() {
        return Ok(Vec::new());
    }
    let mut all = rest.inner(CONTROLS)?;
    while !all.is_empty() {
        let mut control = all.inner(SEQUENCE)?;
        if control.expect(OCTET_STRING)? == TYPE {
            let cookie = read_value(control)?;
            if cookie.len() > MAX_COOKIE_BYTES {
                return Err(LinkError::TooLarge("bytes of a page's mark"));
            }
            return Ok(cookie.to_vec());
        }
    }
    Ok(Vec::new())
}

fn read_value<'a>(mut control: Reader<'a>) -> Result<&'a [u8], Malformed> {
    let (mut tag, mut content) = control.any()?;
    if tag == BOOLEAN {
        (tag, content) = control.any()?;
    }
    if tag != OCTET_STRING {
        return Err(Malformed);
    }
    let mut value = Reader::new(content).inner(SEQUENCE)?;
    // How many there are in all, as far as the directory knows: of no use.
    value.number(INTEGER)?;
    value.expect(OCTET_STRING)
}
