//! One connection.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::packets::{Incoming, put_connect, put_subscribe};
use crate::amqp::Address;

/// What has come and is not looked at yet.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Inbox {
    fn of(size: usize) -> Self {
        Self { bytes: vec![0; size], start: 0, end: 0 }
    }

    /// Reads once. False: nothing came.
    fn read(&mut self, stream: &mut TcpStream) -> Result<bool> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        let space = self.bytes.get_mut(self.end..).unwrap_or_default();
        match stream.read(space) {
            Ok(0) => bail!("the broker closed the connection"),
            Ok(count) => self.end += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) => return Err(error).context("reading from the broker"),
        }
        Ok(true)
    }

    /// The next whole packet.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>> {
        let rest = self.bytes.get(self.start..self.end).unwrap_or_default();
        match Incoming::first(rest)? {
            Some((packet, size)) => {
                self.start += size;
                Ok(Some(packet))
            }
            None => Ok(None),
        }
    }
}

/// A connection that is logged in.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    pub(crate) inbox: Inbox,
}

impl Client {
    /// Connects with a clean session. `inbox_bytes`: size of the read buffer.
    pub(crate) fn open(address: &Address, name: &str, inbox_bytes: usize) -> Result<Self> {
        let stream = TcpStream::connect(&address.endpoint)
            .with_context(|| format!("cannot connect to {}", address.endpoint))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut client = Self { stream, inbox: Inbox::of(inbox_bytes) };
        let mut out = Vec::new();
        put_connect(&mut out, name, &address.user, &address.password);
        client.stream.write_all(&out)?;
        match client.wait(2)? {
            [_, 0] => Ok(client),
            [_, code] => bail!("the broker refused the login with return code {code}"),
        }
    }

    /// Subscribes and waits for the answer.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: u8) -> Result<()> {
        let mut out = Vec::new();
        put_subscribe(&mut out, filter, qos);
        self.stream.write_all(&out)?;
        self.wait(9).map(drop)
    }

    /// Waits for a packet of a kind; answers its first two bytes.
    fn wait(&mut self, wanted: u8) -> Result<[u8; 2]> {
        loop {
            while let Some(packet) = self.inbox.next()? {
                if let Incoming::Other { kind, body: [first, second, ..] } = packet
                    && kind == wanted
                {
                    return Ok([*first, *second]);
                }
            }
            if !self.inbox.read(&mut self.stream)? {
                bail!("the broker did not answer within 20 s");
            }
        }
    }

    /// Reads once. False: nothing came.
    pub(crate) fn read(&mut self) -> Result<bool> {
        self.inbox.read(&mut self.stream)
    }

    /// Sends bytes of whole packets.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("writing to the broker")
    }
}
