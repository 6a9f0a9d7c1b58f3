//! Command and headers of a frame.

use std::borrow::Cow;

use memchr::{memchr, memchr3};
use thiserror::Error;

use super::escape::{BadEscape, Escapes, check, unescape};

/// Sizes that a frame's command and headers may have (guarantees 6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Command in bytes.
    pub command_bytes: usize,
    /// One header line in bytes.
    pub line_bytes: usize,
    /// Headers of a frame.
    pub header_count: usize,
    /// Command and headers together in bytes, with their line ends.
    pub head_bytes: usize,
}

impl Limits {
    /// Limits after the login.
    pub const OPEN: Self =
        Self { command_bytes: 32, line_bytes: 8 << 10, header_count: 100, head_bytes: 64 << 10 };
    /// Limits before the login.
    pub const HANDSHAKE: Self = Self { head_bytes: 16 << 10, ..Self::OPEN };
}

/// Bytes that are no frame. Texts quote at most 64 characters, escaped (B7).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The first line is too long for a command.
    #[error("the command is longer than {max} bytes")]
    CommandTooLong {
        /// Limit.
        max: usize,
    },
    /// A header line is too long.
    #[error("a header line is longer than {max} bytes")]
    LineTooLong {
        /// Limit.
        max: usize,
    },
    /// Too many headers.
    #[error("the frame has more than {max} headers")]
    TooManyHeaders {
        /// Limit.
        max: usize,
    },
    /// Command and headers together are too long.
    #[error("command and headers together are longer than {max} bytes")]
    HeadTooLong {
        /// Limit.
        max: usize,
    },
    /// Something that is not UTF-8.
    #[error("command and headers have to be UTF-8")]
    NotUtf8,
    /// A header line without a colon.
    #[error("the header line '{line}' has no colon")]
    NoColon {
        /// The line.
        line: String,
    },
    /// A header line that starts with its colon.
    #[error("a header has no name")]
    NoName,
    /// An escape that this version does not have.
    #[error("the header line '{line}' holds an undefined escape")]
    BadEscape {
        /// The line.
        line: String,
    },
    /// A carriage return where no line ends.
    #[error("a carriage return stands where no line ends")]
    BareReturn,
    /// The frame ends within its headers.
    #[error("the frame ends before the empty line after its headers")]
    EndsInHead,
    /// `content-length` that is no plain number.
    #[error("content-length '{value}' is not a plain number")]
    ContentLength {
        /// What it says.
        value: String,
    },
    /// No NUL after as many bytes as `content-length` says.
    #[error("the body is not followed by NUL after the {length} bytes that content-length says")]
    NoNul {
        /// What it says.
        length: u64,
    },
    /// The body is too long for this frame.
    #[error("the body is longer than {max} bytes")]
    BodyTooLong {
        /// Limit.
        max: u64,
    },
}

/// At most 64 characters of input, escaped.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).flat_map(char::escape_default).collect()
}

/// Command and headers of one frame.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// Command, as it stands there.
    pub command: &'a str,
    /// Headers.
    pub headers: Headers<'a>,
}

/// Headers of a frame, checked, in the order in which they came.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    /// Lines with their line ends.
    lines: &'a str,
    escapes: Escapes,
    /// There is no escape and no carriage return in them.
    is_plain: bool,
}

impl<'a> Headers<'a> {
    /// Lines that were checked before: `name:value` with line ends, as [`super::push_escaped`] makes them.
    #[must_use]
    pub fn of_lines(lines: &'a str, escapes: Escapes) -> Self {
        let is_plain = memchr3(0, b'\r', b'\\', lines.as_bytes()).is_none();
        Self { lines, escapes, is_plain }
    }

    /// Names and values as they stand there, escapes and all.
    pub fn raw(self) -> impl Iterator<Item = (&'a str, &'a str)> + Clone {
        RawHeaders { rest: self.lines, is_padded: self.escapes == Escapes::Padded }
    }

    /// How they are escaped.
    #[must_use]
    pub fn escapes(self) -> Escapes {
        self.escapes
    }

    /// A raw name or value as it is meant. It was checked, so the fallback is never seen.
    #[must_use]
    pub fn meant(self, raw: &'a str) -> Cow<'a, str> {
        if self.is_plain {
            return Cow::Borrowed(raw);
        }
        unescape(raw, self.escapes).unwrap_or(Cow::Borrowed(raw))
    }

    /// Whether the raw names and values are what they mean.
    #[must_use]
    pub fn is_plain(self) -> bool {
        self.is_plain
    }

    /// Value of the first header of this name (STOMP 1.2 "Repeated Header Entries").
    #[must_use]
    pub fn get(self, name: &str) -> Option<Cow<'a, str>> {
        self.raw().find(|(raw, _)| self.meant(raw) == name).map(|(_, value)| self.meant(value))
    }
}

#[derive(Clone)]
struct RawHeaders<'a> {
    rest: &'a str,
    is_padded: bool,
}

impl<'a> Iterator for RawHeaders<'a> {
    type Item = (&'a str, &'a str);

    fn next(&mut self) -> Option<Self::Item> {
        let end = memchr(b'\n', self.rest.as_bytes())?;
        let (line, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..).unwrap_or_default();
        let line = line.strip_suffix('\r').unwrap_or(line);
        let colon = memchr(b':', line.as_bytes())?;
        let (name, value) = line.split_at_checked(colon)?;
        let value = value.get(1..).unwrap_or_default();
        Some((name, if self.is_padded { value.trim_start_matches(' ') } else { value }))
    }
}

/// Bytes between frames at the start of the input: line ends, which are heart-beats, and NUL (as RabbitMQ).
#[must_use]
pub fn skip_noise(input: &[u8]) -> usize {
    let mut at = 0;
    loop {
        match input.get(at..).unwrap_or_default() {
            [b'\n' | 0, ..] => at += 1,
            [b'\r', b'\n', ..] => at += 2,
            _ => return at,
        }
    }
}

/// Whether what came after the first `seen` bytes can change what [`split_head`] says of the input: it holds a line's
/// end or a NUL, or a line grew too long. Keeps a peer that sends byte by byte from making all be read again each time.
pub(crate) fn is_worth_a_look(input: &[u8], seen: usize, limits: &Limits) -> bool {
    let fresh = input.get(seen..).unwrap_or_default();
    if seen == 0 || input.len() <= 2 * limits.command_bytes {
        return true;
    }
    let tail = input.len() - input.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    fresh.iter().any(|byte| matches!(byte, b'\n' | 0)) || tail > limits.line_bytes
}

/// One line of the input: its bytes without the line end, and how many bytes it takes with it.
fn split_line(input: &[u8]) -> Option<(&[u8], usize)> {
    let end = memchr(b'\n', input)?;
    let line = input.get(..end)?;
    Some((line.strip_suffix(b"\r").unwrap_or(line), end + 1))
}

/// What is wrong about one line, if anything is.
fn check_line(line: &str, escapes: Escapes) -> Result<(), FrameError> {
    let bytes = line.as_bytes();
    if memchr(0, bytes).is_some() {
        return Err(FrameError::EndsInHead);
    }
    // STOMP 1.1 lets a header hold a carriage return, 1.2 has an escape for it.
    if escapes != Escapes::WithoutReturn && memchr(b'\r', bytes).is_some() {
        return Err(FrameError::BareReturn);
    }
    check(line, escapes).map_err(|BadEscape(_)| FrameError::BadEscape { line: shown(line) })
}

/// Header lines, each with a colon after its name, as headers: mostly one look at all of them is enough.
fn check_lines(lines: &[u8], escapes: Escapes) -> Result<Headers<'_>, FrameError> {
    let lines = std::str::from_utf8(lines).map_err(|_| FrameError::NotUtf8)?;
    let is_plain = memchr3(0, b'\r', b'\\', lines.as_bytes()).is_none();
    if !is_plain {
        for line in lines.split_terminator('\n') {
            check_line(line.strip_suffix('\r').unwrap_or(line), escapes)?;
        }
    }
    Ok(Headers { lines, escapes, is_plain })
}

fn no_colon(line: &[u8]) -> FrameError {
    if memchr(0, line).is_some() {
        return FrameError::EndsInHead;
    }
    std::str::from_utf8(line).map_or(FrameError::NotUtf8, |line| FrameError::NoColon { line: shown(line) })
}

/// Splits command and headers off the input, which starts with the command. `None` while they are incomplete. Answers
/// how many bytes they take, with the empty line.
///
/// # Errors
/// [`FrameError`]: nothing after it can be believed (B6).
pub fn split_head<'a>(
    input: &'a [u8],
    escapes: Escapes,
    limits: &Limits,
) -> Result<Option<(Head<'a>, usize)>, FrameError> {
    let too_long = FrameError::CommandTooLong { max: limits.command_bytes };
    let Some((command, mut at)) = split_line(input) else {
        // One more for a carriage return.
        return match incomplete(input, limits.command_bytes + 1, too_long) {
            Ok(()) => Ok(None),
            Err(error) => Err(error),
        };
    };
    if command.len() > limits.command_bytes {
        return Err(too_long);
    }
    if memchr(0, command).is_some() {
        return Err(FrameError::EndsInHead);
    }
    let command = std::str::from_utf8(command).map_err(|_| FrameError::NotUtf8)?;
    let start = at;
    let mut count = 0;
    loop {
        let rest = input.get(at..).unwrap_or_default();
        let too_long = FrameError::LineTooLong { max: limits.line_bytes };
        let Some((line, size)) = split_line(rest) else {
            if input.len() > limits.head_bytes {
                return Err(FrameError::HeadTooLong { max: limits.head_bytes });
            }
            incomplete(rest, limits.line_bytes + 1, too_long)?;
            return Ok(None);
        };
        if at + size > limits.head_bytes {
            return Err(FrameError::HeadTooLong { max: limits.head_bytes });
        }
        if line.is_empty() {
            let headers = check_lines(input.get(start..at).unwrap_or_default(), escapes)?;
            return Ok(Some((Head { command, headers }, at + size)));
        }
        if line.len() > limits.line_bytes {
            return Err(too_long);
        }
        count += 1;
        if count > limits.header_count {
            return Err(FrameError::TooManyHeaders { max: limits.header_count });
        }
        match memchr(b':', line) {
            None => return Err(no_colon(line)),
            Some(0) => return Err(FrameError::NoName),
            Some(_) => at += size,
        }
    }
}

/// A line whose end has not come yet.
fn incomplete(line: &[u8], max: usize, too_long: FrameError) -> Result<(), FrameError> {
    if memchr(0, line).is_some() {
        return Err(FrameError::EndsInHead);
    }
    if line.len() > max { Err(too_long) } else { Ok(()) }
}
