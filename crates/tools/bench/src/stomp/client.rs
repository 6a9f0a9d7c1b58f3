//! One connection.

use anyhow::Result;

use super::frames::Incoming;
use crate::{amqp::Address, link::Link};

/// Size of the read buffer at first.
const INBOX_BYTES: usize = 256 << 10;

/// A connection that is logged in.
pub(crate) struct Client {
    pub(crate) link: Link,
}

impl Client {
    /// Connects and logs in.
    pub(crate) fn open(address: &Address) -> Result<Self> {
        let mut client = Self { link: Link::open(address, INBOX_BYTES)? };
        let Address { user, password, vhost, .. } = address;
        let connect =
            format!("CONNECT\naccept-version:1.2\nhost:{vhost}\nlogin:{user}\npasscode:{password}\n\n\0");
        client.link.send(connect.as_bytes())?;
        client.wait(Incoming::Connected)?;
        Ok(client)
    }

    /// Sends a frame that asks for a receipt and waits for it.
    pub(crate) fn confirm(&mut self, frame: &str) -> Result<()> {
        self.link.send(frame.as_bytes())?;
        self.wait(Incoming::Receipt)
    }

    fn wait(&mut self, wanted: Incoming<'_>) -> Result<()> {
        loop {
            while let Some(frame) = self.next()? {
                if frame == wanted {
                    return Ok(());
                }
            }
            self.link.read_answer()?;
        }
    }

    /// The next whole frame that was read.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>> {
        self.link.next(Incoming::first)
    }
}
