//! One connection.

use std::{
    io::{ErrorKind, Read, Write},
    net::TcpStream,
    time::Duration,
};

use anyhow::{Context, Result, bail};

use super::frames::Incoming;
use crate::amqp::Address;

/// Size of the read buffer at first.
const INBOX_BYTES: usize = 256 << 10;

/// A connection that is logged in.
pub(crate) struct Client {
    stream: TcpStream,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Client {
    /// Connects and logs in.
    pub(crate) fn open(address: &Address) -> Result<Self> {
        let stream = TcpStream::connect(&address.endpoint)
            .with_context(|| format!("cannot connect to {}", address.endpoint))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(20)))?;
        let mut client = Self { stream, bytes: vec![0; INBOX_BYTES], start: 0, end: 0 };
        let Address { user, password, vhost, .. } = address;
        let connect =
            format!("CONNECT\naccept-version:1.2\nhost:{vhost}\nlogin:{user}\npasscode:{password}\n\n\0");
        client.send(connect.as_bytes())?;
        client.wait(Incoming::Connected)?;
        Ok(client)
    }

    /// Sends a frame that asks for a receipt and waits for it.
    pub(crate) fn confirm(&mut self, frame: &str) -> Result<()> {
        self.send(frame.as_bytes())?;
        self.wait(Incoming::Receipt)
    }

    /// How long a read waits.
    pub(crate) fn set_patience(&mut self, time: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(time))?)
    }

    fn wait(&mut self, wanted: Incoming<'_>) -> Result<()> {
        loop {
            while let Some(frame) = self.next()? {
                if frame == wanted {
                    return Ok(());
                }
            }
            if !self.read()? {
                bail!("the broker did not answer within 20 s");
            }
        }
    }

    /// The next whole frame that was read.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>> {
        let rest = self.bytes.get(self.start..self.end).unwrap_or_default();
        match Incoming::first(rest)? {
            Some((frame, size)) => {
                self.start += size;
                Ok(Some(frame))
            }
            None => Ok(None),
        }
    }

    /// Reads once. False: nothing came.
    pub(crate) fn read(&mut self) -> Result<bool> {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            self.bytes.resize(self.bytes.len() * 2, 0);
        }
        match self.stream.read(self.bytes.get_mut(self.end..).unwrap_or_default()) {
            Ok(0) => bail!("the broker closed the connection"),
            Ok(count) => self.end += count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                return Ok(false);
            }
            Err(error) => return Err(error).context("reading from the broker"),
        }
        Ok(true)
    }

    /// Sends bytes of whole frames.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("writing to the broker")
    }
}
