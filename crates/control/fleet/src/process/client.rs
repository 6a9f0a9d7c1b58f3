//! A client of a node's local channel: HTTP/1.1 over a Unix socket, one request per connection, everything bounded.

use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::net::sockopt::socket_peercred;
use ternmq_env::{Clock, SystemClock};

/// Longest path of a Unix socket (unix(7)), with the zero behind it.
const PATH_MAX_BYTES: usize = 108;
const HEAD_MAX_BYTES: usize = 16 * 1024;
const BODY_MAX_BYTES: usize = 16 << 20;
const HEADERS_MAX: usize = 64;
const READ_BYTES: usize = 16 * 1024;

/// What a node answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The channel failed.
    Failed(io::Error),
    /// The process at the other end is not the one that it should be.
    Stranger { pid: i32, uid: u32 },
}

impl From<io::Error> for NoAnswer {
    fn from(error: io::Error) -> Self {
        Self::Failed(error)
    }
}

/// A request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Request<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) body: Option<&'a [u8]>,
    /// Time for everything together.
    pub(crate) timeout: Duration,
}

/// Asks the process `pid` at the other end of the socket.
pub(crate) fn ask(socket: &Path, pid: u32, request: &Request<'_>) -> Result<Answer, NoAnswer> {
    let clock = SystemClock::new();
    let timeout_ms = u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX);
    let mut channel = Channel {
        stream: connect(socket)?,
        until_ms: clock.monotonic_ms().saturating_add(timeout_ms),
        clock,
    };
    let peer = socket_peercred(&channel.stream).map_err(io::Error::from)?;
    let (peer_pid, uid) = (peer.pid.as_raw_nonzero().get(), peer.uid.as_raw());
    if u32::try_from(peer_pid) != Ok(pid) || uid != rustix::process::geteuid().as_raw() {
        return Err(NoAnswer::Stranger { pid: peer_pid, uid });
    }
    let body = request.body.unwrap_or_default();
    let mut bytes = format!(
        "{} {} HTTP/1.1\r\nhost: node\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        request.method,
        request.path,
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    channel.write(&bytes)?;
    Ok(read_answer(&mut |buffer| channel.read(buffer))?)
}

fn connect(socket: &Path) -> io::Result<UnixStream> {
    if socket.as_os_str().len() < PATH_MAX_BYTES {
        return UnixStream::connect(socket);
    }
    // An address has room for about a hundred bytes: a longer path is said from an open directory on.
    let (Some(folder), Some(name)) = (socket.parent(), socket.file_name()) else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    let folder = OpenOptions::new().read(true).open(folder)?;
    UnixStream::connect(PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name))
}

struct Channel {
    stream: UnixStream,
    until_ms: u64,
    clock: SystemClock,
}

impl Channel {
    fn left(&self) -> io::Result<Duration> {
        match self.until_ms.saturating_sub(self.clock.monotonic_ms()) {
            0 => Err(io::ErrorKind::TimedOut.into()),
            ms => Ok(Duration::from_millis(ms)),
        }
    }

    fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            self.stream.set_write_timeout(Some(self.left()?))?;
            match self.stream.write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(told(error)),
            }
        }
        Ok(())
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            self.stream.set_read_timeout(Some(self.left()?))?;
            match self.stream.read(buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                answer => return answer.map_err(told),
            }
        }
    }
}

/// The system says of a timeout that it would block.
fn told(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock { io::ErrorKind::TimedOut.into() } else { error }
}

fn wrong(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// How the end of a body is known.
enum Length {
    Known(usize),
    Chunked,
    /// It ends with the connection.
    Open,
}

fn read_answer(read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>) -> io::Result<Answer> {
    let mut bytes = Vec::new();
    let (status, length, head_bytes) = loop {
        if let Some(head) = parse_head(&bytes)? {
            break head;
        }
        if bytes.len() >= HEAD_MAX_BYTES {
            return Err(wrong("the head of an answer is too long"));
        }
        if read_more(read, &mut bytes)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    };
    bytes.drain(..head_bytes);
    if status == 204 || status == 304 {
        return Ok(Answer { status, body: Vec::new() });
    }
    loop {
        let whole = match length {
            Length::Known(length) if length > BODY_MAX_BYTES => return Err(wrong("an answer is too long")),
            Length::Known(length) => bytes.get(..length).map(<[u8]>::to_vec),
            Length::Chunked => parse_chunks(&bytes)?,
            Length::Open => None,
        };
        if let Some(body) = whole {
            return Ok(Answer { status, body });
        }
        if bytes.len() > BODY_MAX_BYTES {
            return Err(wrong("an answer is too long"));
        }
        if read_more(read, &mut bytes)? == 0 {
            return match length {
                Length::Open => Ok(Answer { status, body: bytes }),
                Length::Known(_) | Length::Chunked => Err(io::ErrorKind::UnexpectedEof.into()),
            };
        }
    }
}

fn read_more(read: &mut dyn FnMut(&mut [u8]) -> io::Result<usize>, bytes: &mut Vec<u8>) -> io::Result<usize> {
    let mut buffer = [0; READ_BYTES];
    let count = read(&mut buffer)?;
    bytes.extend_from_slice(buffer.get(..count).unwrap_or_default());
    Ok(count)
}

fn parse_head(bytes: &[u8]) -> io::Result<Option<(u16, Length, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let mut response = httparse::Response::new(&mut headers);
    let malformed = |_| wrong("the head of an answer is malformed");
    let httparse::Status::Complete(head_bytes) = response.parse(bytes).map_err(malformed)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    let value = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok())
    };
    let length = match (value("transfer-encoding"), value("content-length")) {
        (Some(encoding), _) if encoding.eq_ignore_ascii_case("chunked") => Length::Chunked,
        (Some(_), _) => return Err(wrong("an answer comes in an unknown encoding")),
        (None, Some(length)) => {
            Length::Known(length.parse().map_err(|_| wrong("the length of an answer is malformed"))?)
        }
        (None, None) => Length::Open,
    };
    Ok(Some((status, length, head_bytes)))
}

/// All chunks together. `None`: more are to come.
fn parse_chunks(bytes: &[u8]) -> io::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    let mut rest = bytes;
    loop {
        let parsed =
            httparse::parse_chunk_size(rest).map_err(|_| wrong("a chunk of an answer is malformed"))?;
        let httparse::Status::Complete((start, size)) = parsed else { return Ok(None) };
        if size == 0 {
            return Ok(Some(body));
        }
        let size =
            usize::try_from(size).ok().filter(|size| body.len().saturating_add(*size) <= BODY_MAX_BYTES);
        let size = size.ok_or_else(|| wrong("an answer is too long"))?;
        let end = start.saturating_add(size);
        let (Some(chunk), Some(next)) = (rest.get(start..end), rest.get(end.saturating_add(2)..)) else {
            return Ok(None);
        };
        body.extend_from_slice(chunk);
        rest = next;
    }
}

/// Encodes a part of a path: letters, digits and `-._` stay as they are.
pub(crate) fn encode_part(part: &str) -> String {
    use std::fmt::Write as _;
    let mut encoded = String::with_capacity(part.len());
    for byte in part.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_') {
            encoded.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    /// However the answer is cut into pieces, it is the same.
    fn check(text: &[u8], expect: Result<(u16, &[u8]), io::ErrorKind>) {
        for piece in [1, 7, text.len().max(1)] {
            let mut rest = text;
            let answer = read_answer(&mut |buffer| {
                let count = rest.len().min(piece).min(buffer.len());
                buffer[..count].copy_from_slice(&rest[..count]);
                rest = &rest[count..];
                Ok(count)
            });
            let found = answer.map(|it| (it.status, it.body)).map_err(|error| error.kind());
            assert_eq!(found, expect.map(|(status, body)| (status, body.to_vec())), "{text:?}");
        }
    }

    #[test]
    fn answers_are_read() {
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok", Ok((200, b"ok")));
        check(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n", Ok((201, b"")));
        check(b"HTTP/1.1 204 No Content\r\n\r\n", Ok((204, b"")));
        check(b"HTTP/1.1 500 x\r\n\r\nall of it", Ok((500, b"all of it")));
        check(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
            Ok((200, b"abcde")),
        );
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        use io::ErrorKind::{InvalidData, UnexpectedEof};
        check(b"", Err(UnexpectedEof));
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nok", Err(UnexpectedEof));
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nab", Err(UnexpectedEof));
        check(b"SSH-2.0-x\r\n\r\n", Err(InvalidData));
        check(b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n", Err(InvalidData));
        check(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n", Err(InvalidData));
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", Err(InvalidData));
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", Err(InvalidData));
        check(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nfffffff0\r\n", Err(InvalidData));
        let long = [b"HTTP/1.1 200 OK\r\nx: ".to_vec(), vec![b'a'; 2 * HEAD_MAX_BYTES]].concat();
        check(&long, Err(InvalidData));
    }

    fn request(timeout_ms: u64) -> Request<'static> {
        Request { method: "GET", path: "/", body: None, timeout: Duration::from_millis(timeout_ms) }
    }

    #[test]
    fn a_stranger_is_not_asked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let _listener = UnixListener::bind(&path).unwrap();
        let answer = ask(&path, 1, &request(60_000));
        assert!(matches!(answer, Err(NoAnswer::Stranger { pid, .. }) if pid == std::process::id() as i32));
    }

    #[test]
    fn silence_ends_in_time() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("d".repeat(PATH_MAX_BYTES));
        std::fs::create_dir(&deep).unwrap();
        let folder = OpenOptions::new().read(true).open(&deep).unwrap();
        let short = format!("/proc/self/fd/{}/s", folder.as_raw_fd());
        let _listener = UnixListener::bind(short).unwrap();
        let answer = ask(&deep.join("s"), std::process::id(), &request(50));
        assert!(matches!(answer, Err(NoAnswer::Failed(error)) if error.kind() == io::ErrorKind::TimedOut));
    }

    #[test]
    fn parts_of_paths_are_escaped() {
        assert_eq!(encode_part("a/b ä%"), "a%2Fb%20%C3%A4%25");
    }
}
