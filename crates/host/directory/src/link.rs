//! One connection to a directory: binds and searches (RFC 4511), one at a time. What comes back is hostile input: every length
//! has a limit before it is kept, every answer a deadline, and the first wrong byte ends the connection (S9, B1, B6).

use std::io::{self, Read, Write};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::{
    ber::{self, ENUMERATED, INTEGER, Malformed, OCTET_STRING, Reader, SEQUENCE, SET},
    filter::Filter,
    name::MAX_NAME_BYTES,
    page::{MAX_PAGES, PAGE_ENTRIES, next_cookie, put_control},
};

/// Bytes read at once.
const CHUNK_BYTES: usize = 16 << 10;

const BIND_REQUEST: u8 = 0x60;
const BIND_RESPONSE: u8 = 0x61;
const UNBIND_REQUEST: u8 = 0x42;
const SEARCH_REQUEST: u8 = 0x63;
const SEARCH_ENTRY: u8 = 0x64;
const SEARCH_DONE: u8 = 0x65;
const SEARCH_REFERENCE: u8 = 0x73;
/// Simple authentication by a password.
const SIMPLE: u8 = 0x80;
const VERSION: u32 = 3;

/// Codes of answers (RFC 4511 appendix A).
pub(crate) mod code {
    pub(crate) const SUCCESS: u32 = 0;
    pub(crate) const SIZE_LIMIT: u32 = 4;
    pub(crate) const NO_SUCH_OBJECT: u32 = 32;
    pub(crate) const BUSY: u32 = 51;
    pub(crate) const UNAVAILABLE: u32 = 52;
}

/// Bytes to and from a directory.
pub trait Wire: Read + Write + Send {
    /// From then on, in ms of the clock that made it, reads and writes fail.
    fn set_deadline_ms(&mut self, deadline_ms: u64);
}

/// Why an answer is of no use.
#[derive(Debug, Error)]
pub enum LinkError {
    /// The connection failed, ended, or took too long.
    #[error("the connection failed")]
    Io(#[from] io::Error),
    /// It is no answer of LDAP's, or none to what was asked.
    #[error("the answer is not what LDAP has for it")]
    Malformed,
    /// There is more of something than is taken.
    #[error("the answer has more {0} than are taken")]
    TooLarge(&'static str),
    /// The directory said no.
    #[error("the directory answered with result code {0}")]
    Refused(u32),
    /// Nobody may be verified so: a bind without a name or a password proves nothing (RFC 4513 5.1.2).
    #[error("a bind needs a name and a password")]
    Unproven,
}

impl From<Malformed> for LinkError {
    fn from(Malformed: Malformed) -> Self {
        Self::Malformed
    }
}

/// How far a search goes down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scope {
    Base = 0,
    OneLevel = 1,
    Subtree = 2,
}

/// How much of an answer is taken.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    pub(crate) entries: usize,
    pub(crate) message_bytes: usize,
    pub(crate) total_bytes: usize,
}

/// What is looked for.
pub(crate) struct Search<'a> {
    pub(crate) base: &'a str,
    pub(crate) scope: Scope,
    pub(crate) filter: &'a Filter,
    pub(crate) values: [&'a str; 2],
    pub(crate) attributes: &'a [&'a str],
    pub(crate) limits: Limits,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    attributes: Vec<(String, Vec<Vec<u8>>)>,
}

impl Entry {
    /// Values of an attribute, its name in letters of any case.
    pub(crate) fn values<'a>(&'a self, attribute: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let of = self.attributes.iter().filter(move |(name, _)| name.eq_ignore_ascii_case(attribute));
        of.flat_map(|(_, values)| values.iter().map(Vec::as_slice))
    }
}

/// What a search has found so far.
#[derive(Default)]
struct Found {
    entries: Vec<Entry>,
    spent_bytes: usize,
}

/// An answer.
struct Received {
    tag: u8,
    content: Vec<u8>,
    /// What follows the operation.
    controls: Vec<u8>,
}

/// A connection.
pub(crate) struct Link {
    wire: Box<dyn Wire>,
    /// Bytes that came and were not looked at.
    buffer: Vec<u8>,
    last_id: u32,
    /// Something failed on it: it is not used again.
    is_broken: bool,
}

impl Link {
    pub(crate) fn new(wire: Box<dyn Wire>) -> Self {
        Self { wire, buffer: Vec::new(), last_id: 0, is_broken: false }
    }

    pub(crate) fn is_broken(&self) -> bool {
        self.is_broken
    }

    pub(crate) fn set_deadline_ms(&mut self, deadline_ms: u64) {
        self.wire.set_deadline_ms(deadline_ms);
    }

    /// Proves a password: a bind as exactly this name. Whoever was bound before is not any more, whatever the answer.
    ///
    /// # Errors
    /// [`LinkError::Refused`] where the directory says no.
    pub(crate) fn bind(&mut self, name: &str, password: &[u8]) -> Result<(), LinkError> {
        // A directory that lets in anonymously takes such a bind for one, and answers yes (S9).
        if name.is_empty() || password.is_empty() || password.contains(&0) {
            return Err(LinkError::Unproven);
        }
        let answered = self.exchange(|link| {
            let id = link.send(|out| {
                ber::put_inner(out, BIND_REQUEST, |out| {
                    ber::put_number(out, INTEGER, VERSION);
                    ber::put(out, OCTET_STRING, name.as_bytes());
                    ber::put(out, SIMPLE, password);
                });
            })?;
            let mut spent = 0;
            let limits = Limits { entries: 0, message_bytes: CHUNK_BYTES, total_bytes: CHUNK_BYTES };
            let Received { tag, content, .. } = link.receive(id, limits, &mut spent)?;
            if tag != BIND_RESPONSE {
                return Err(LinkError::Malformed);
            }
            Ok(Reader::new(&content).number(ENUMERATED)?)
        })?;
        if answered == code::SUCCESS { Ok(()) } else { Err(LinkError::Refused(answered)) }
    }

    /// Looks for entries. Where the directory refers to others they are not asked: what they know is not found.
    ///
    /// # Errors
    /// [`LinkError`]; [`LinkError::TooLarge`] when there are more entries than `limits` has.
    pub(crate) fn search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, LinkError> {
        self.exchange(|link| link.run_search(search))
    }

    fn run_search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, LinkError> {
        let is_paged = search.limits.entries > PAGE_ENTRIES as usize;
        let (mut found, mut cookie) = (Found::default(), Vec::new());
        for _ in 0..MAX_PAGES {
            let id = self.send(|out| {
                put_search(out, search);
                if is_paged {
                    put_control(out, &cookie);
                }
            })?;
            cookie = self.take_page(id, search.limits, &mut found)?;
            if cookie.is_empty() || !is_paged {
                return Ok(found.entries);
            }
        }
        Err(LinkError::TooLarge("pages"))
    }

    /// Takes the entries that answer a request; answers the cookie for the next one.
    fn take_page(&mut self, id: u32, limits: Limits, found: &mut Found) -> Result<Vec<u8>, LinkError> {
        // Each message has a byte at least, so the limit of bytes ends this.
        loop {
            let Received { tag, content, controls } = self.receive(id, limits, &mut found.spent_bytes)?;
            match tag {
                SEARCH_ENTRY if found.entries.len() >= limits.entries => {
                    return Err(LinkError::TooLarge("entries"));
                }
                SEARCH_ENTRY => found.entries.push(read_entry(&content)?),
                SEARCH_REFERENCE => {}
                SEARCH_DONE => {
                    return match Reader::new(&content).number(ENUMERATED)? {
                        code::SUCCESS => next_cookie(&controls),
                        code::NO_SUCH_OBJECT => {
                            found.entries.clear();
                            Ok(Vec::new())
                        }
                        code::SIZE_LIMIT => Err(LinkError::TooLarge("entries")),
                        other => Err(LinkError::Refused(other)),
                    };
                }
                _ => return Err(LinkError::Malformed),
            }
        }
    }

    /// After a refusal the connection is as good as before; after anything else that failed nobody knows what comes next.
    fn exchange<T>(&mut self, run: impl FnOnce(&mut Self) -> Result<T, LinkError>) -> Result<T, LinkError> {
        let answered = run(self);
        self.is_broken |= matches!(&answered, Err(error) if !matches!(error, LinkError::Refused(_)));
        answered
    }

    fn send(&mut self, fill: impl FnOnce(&mut Vec<u8>)) -> Result<u32, LinkError> {
        self.last_id = self.last_id.checked_add(1).filter(|id| *id < 1 << 30).ok_or(LinkError::Malformed)?;
        let mut content = Zeroizing::new(Vec::new());
        ber::put_number(&mut content, INTEGER, self.last_id);
        let mut operation = Zeroizing::new(Vec::new());
        fill(&mut operation);
        content.extend_from_slice(&operation);
        let mut message = Zeroizing::new(Vec::new());
        ber::put(&mut message, SEQUENCE, &content);
        self.wire.write_all(&message)?;
        self.wire.flush()?;
        Ok(self.last_id)
    }

    /// The next answer to a request.
    fn receive(&mut self, id: u32, limits: Limits, spent: &mut usize) -> Result<Received, LinkError> {
        let len = loop {
            if let Some((tag, header, content)) = ber::header(&self.buffer)? {
                if tag != SEQUENCE {
                    return Err(LinkError::Malformed);
                }
                let len = header.saturating_add(content);
                if len > limits.message_bytes || spent.saturating_add(len) > limits.total_bytes {
                    return Err(LinkError::TooLarge("bytes"));
                }
                if self.buffer.len() >= len {
                    break len;
                }
            }
            self.fill()?;
        };
        *spent += len;
        let message: Vec<u8> = self.buffer.drain(..len).collect();
        let mut message = Reader::new(&message).inner(SEQUENCE)?;
        // Number zero is the directory's own: that it ends the connection (RFC 4511 4.4).
        if message.number(INTEGER)? != id {
            return Err(LinkError::Malformed);
        }
        let (tag, content) = message.any()?;
        Ok(Received { tag, content: content.to_vec(), controls: message.rest().to_vec() })
    }

    fn fill(&mut self) -> Result<(), LinkError> {
        let mut chunk = [0; CHUNK_BYTES];
        let count = self.wire.read(&mut chunk)?;
        if count == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
        }
        self.buffer.extend_from_slice(chunk.get(..count).unwrap_or_default());
        Ok(())
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        if !self.is_broken {
            // Politeness: whether it arrives makes no difference.
            let _ = self.send(|out| ber::put(out, UNBIND_REQUEST, &[]));
        }
    }
}

fn put_search(out: &mut Vec<u8>, search: &Search<'_>) {
    /// Aliases are not followed: they lead out of the base.
    const NEVER_FOLLOW: u32 = 0;
    let size_limit = u32::try_from(search.limits.entries.saturating_add(1)).unwrap_or(u32::MAX >> 1);
    ber::put_inner(out, SEARCH_REQUEST, |out| {
        ber::put(out, OCTET_STRING, search.base.as_bytes());
        ber::put_number(out, ENUMERATED, search.scope as u32);
        ber::put_number(out, ENUMERATED, NEVER_FOLLOW);
        ber::put_number(out, INTEGER, size_limit);
        // No limit of time beside our own.
        ber::put_number(out, INTEGER, 0);
        ber::put(out, ber::BOOLEAN, &[0]);
        out.extend_from_slice(&search.filter.encode(search.values));
        ber::put_inner(out, SEQUENCE, |out| {
            search.attributes.iter().for_each(|name| ber::put(out, OCTET_STRING, name.as_bytes()));
        });
    });
}

fn read_entry(content: &[u8]) -> Result<Entry, LinkError> {
    let mut reader = Reader::new(content);
    let name = text(reader.expect(OCTET_STRING)?)?;
    if name.len() > MAX_NAME_BYTES {
        return Err(LinkError::TooLarge("bytes of a name"));
    }
    let (mut all, mut attributes) = (reader.inner(SEQUENCE)?, Vec::new());
    while !all.is_empty() {
        let mut one = all.inner(SEQUENCE)?;
        let attribute = text(one.expect(OCTET_STRING)?)?;
        let (mut set, mut values) = (one.inner(SET)?, Vec::new());
        while !set.is_empty() {
            values.push(set.expect(OCTET_STRING)?.to_vec());
        }
        attributes.push((attribute, values));
    }
    Ok(Entry { name, attributes })
}

fn text(bytes: &[u8]) -> Result<String, LinkError> {
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| LinkError::Malformed)
}
