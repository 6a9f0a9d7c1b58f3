//! A connection whose messages are scanned where they were read.

use std::{
    io::{ErrorKind, Read, Write},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{amqp::Address, stream::Stream};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A connection, and what has come over it and is not looked at yet.
pub(crate) struct Link {
    pub(crate) stream: Stream,
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

impl Link {
    /// Connects. `inbox_bytes`: size of the read buffer at first.
    pub(crate) fn open(address: &Address, inbox_bytes: usize) -> Result<Self> {
        Ok(Self { stream: Stream::open(address, PATIENCE)?, bytes: vec![0; inbox_bytes], start: 0, end: 0 })
    }

    /// The next whole message, as `first` finds it with its size at the start of what is there.
    pub(crate) fn next<'a, T>(
        &'a mut self,
        first: impl FnOnce(&'a [u8]) -> Result<Option<(T, usize)>>,
    ) -> Result<Option<T>> {
        let Some((message, size)) = first(self.bytes.get(self.start..self.end).unwrap_or_default())? else {
            return Ok(None);
        };
        self.start += size;
        Ok(Some(message))
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

    /// Reads once, for an answer that has to come.
    pub(crate) fn read_answer(&mut self) -> Result<()> {
        if self.read()? { Ok(()) } else { bail!("the broker did not answer within {} s", PATIENCE.as_secs()) }
    }

    /// Sends bytes of whole messages.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).context("writing to the broker")
    }
}
