//! One connection.

use anyhow::{Result, bail};

use super::packets::{Incoming, Session, put_connect, put_subscribe};
use crate::{amqp::Address, link::Link};

/// A connection that is logged in.
pub(crate) struct Client {
    pub(crate) link: Link,
}

impl Client {
    /// Connects with a clean session. `inbox_bytes`: size of the read buffer.
    pub(crate) fn open(address: &Address, name: &str, inbox_bytes: usize) -> Result<Self> {
        let mut client = Self { link: Link::open(address, inbox_bytes)? };
        let mut out = Vec::new();
        put_connect(&mut out, Session::Clean, name, &address.user, &address.password);
        client.link.send(&out)?;
        match client.wait(2)? {
            [_, 0] => Ok(client),
            [_, code] => bail!("the broker refused the login with return code {code}"),
        }
    }

    /// Subscribes and waits for the answer.
    pub(crate) fn subscribe(&mut self, filter: &str, qos: u8) -> Result<()> {
        let mut out = Vec::new();
        put_subscribe(&mut out, filter, qos);
        self.link.send(&out)?;
        self.wait(9).map(drop)
    }

    /// Waits for a packet of a kind; answers its first two bytes.
    fn wait(&mut self, wanted: u8) -> Result<[u8; 2]> {
        loop {
            while let Some(packet) = self.next()? {
                if let Incoming::Other { kind, body: [first, second, ..] } = packet
                    && kind == wanted
                {
                    return Ok([*first, *second]);
                }
            }
            self.link.read_answer()?;
        }
    }

    /// The next whole packet that was read.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>> {
        self.link.next(Incoming::first)
    }
}
