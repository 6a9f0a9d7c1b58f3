//! A client for STOMP 1.2 that knows just what the loop needs: blocking, no recovery.
//!
//! Values of headers are kept escaped as they came; what is sent back goes as it came. Only frames of our own broker or of the
//! reference are read, on loopback; a malformed one is an error like any other.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use crate::kill_loop::load::ANSWER_LIMIT;

const ADDRESS: &str = "127.0.0.1:61613";
/// Far above all that the loop sends and gets back.
const FRAME_MAX_BYTES: usize = 131_072;

/// Something that the broker sent.
#[derive(Debug)]
pub(crate) struct Frame {
    command: String,
    headers: Vec<(String, String)>,
    /// What follows the headers, without its NUL.
    pub body: Vec<u8>,
}

impl Frame {
    /// Whether it is such a frame.
    pub(crate) fn is(&self, command: &str) -> bool {
        self.command == command
    }

    /// Value of a header, escaped as it came. An error when it is not there.
    pub(crate) fn header(&self, name: &str) -> Result<&str> {
        self.optional(name).with_context(|| format!("{} without `{name}`", self.command))
    }

    /// Whether the broker says that it may have been delivered before.
    pub(crate) fn is_redelivered(&self) -> bool {
        self.optional("redelivered") == Some("true")
    }

    /// The first header of a name counts (STOMP 1.2 Repeated Header Entries).
    fn optional(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Client {
    /// Connects and logs in.
    pub(crate) fn connect() -> Result<Self> {
        let stream = TcpStream::connect(ADDRESS).context("cannot connect")?;
        stream.set_nodelay(true)?;
        let mut client = Self { stream, input: Vec::new(), output: Vec::new() };
        let login = [("accept-version", "1.2"), ("host", "/"), ("login", "guest"), ("passcode", "guest")];
        client.put("CONNECT", &login, b"");
        client.flush()?;
        let frame = client.answer()?;
        ensure!(frame.is("CONNECTED"), "{} for CONNECT", frame.command);
        Ok(client)
    }

    /// Puts a frame into the output; `flush` sends it. Nothing in the headers may need an escape.
    pub(crate) fn put(&mut self, command: &str, headers: &[(&str, &str)], body: &[u8]) {
        self.output.extend(command.bytes());
        self.output.push(b'\n');
        for (name, value) in headers {
            self.output.extend(format!("{name}:{value}\n").bytes());
        }
        if !body.is_empty() {
            self.output.extend(format!("content-length:{}\n", body.len()).bytes());
        }
        self.output.push(b'\n');
        self.output.extend(body);
        self.output.push(0);
    }

    /// Writes what was put.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.write_all(&self.output);
        self.output.clear();
        result
    }

    /// The next frame from the broker; `None` when nothing came within `patience`. An error when it is ERROR.
    pub(crate) fn receive(&mut self, patience: Duration) -> Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.take_frame()? {
                if frame.is("ERROR") {
                    bail!("the broker refused: {}", String::from_utf8_lossy(&frame.body));
                }
                return Ok(Some(frame));
            }
            self.stream.set_read_timeout(Some(patience))?;
            let mut chunk = [0; 65_536];
            match self.stream.read(&mut chunk) {
                Ok(0) => bail!("the connection ended"),
                Ok(count) => self.input.extend(chunk.get(..count).unwrap_or_default()),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                    return Ok(None);
                }
                Err(error) => return Err(error).context("cannot read"),
            }
        }
    }

    /// The next frame, which has to come.
    pub(crate) fn answer(&mut self) -> Result<Frame> {
        let frame = self.receive(ANSWER_LIMIT)?;
        frame.with_context(|| format!("no answer within {} s", ANSWER_LIMIT.as_secs()))
    }

    fn take_frame(&mut self) -> Result<Option<Frame>> {
        let noise = self.input.iter().take_while(|byte| matches!(byte, b'\n' | b'\r')).count();
        self.input.drain(..noise);
        let Some(head_size) = self.input.windows(2).position(|pair| pair == b"\n\n") else {
            ensure!(self.input.len() <= FRAME_MAX_BYTES, "headers without an end");
            return Ok(None);
        };
        let head = std::str::from_utf8(self.input.get(..head_size).unwrap_or_default())?;
        let mut lines = head.lines();
        let command = lines.next().context("a frame without a command")?.to_owned();
        let mut headers = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').with_context(|| format!("a header `{line}`"))?;
            headers.push((name.to_owned(), value.to_owned()));
        }
        let mut frame = Frame { command, headers, body: Vec::new() };
        let rest = self.input.get(head_size + 2..).unwrap_or_default();
        let body_size = match frame.optional("content-length") {
            Some(length) => length.parse().context("a content-length that is no number")?,
            None => rest.iter().position(|byte| *byte == 0).unwrap_or(rest.len()),
        };
        ensure!(body_size <= FRAME_MAX_BYTES, "a body of {body_size} bytes");
        let Some(end) = rest.get(body_size) else { return Ok(None) };
        ensure!(*end == 0, "a frame without its NUL");
        frame.body = rest.get(..body_size).unwrap_or_default().to_vec();
        self.input.drain(..head_size + 2 + body_size + 1);
        Ok(Some(frame))
    }
}
