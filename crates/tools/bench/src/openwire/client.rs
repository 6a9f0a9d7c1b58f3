//! One connection with one session, and what sends or receives on it.

use anyhow::{Result, bail};

use super::frames::{Incoming, Writer, kind};
use crate::{amqp::Address, clock::now_ns, link::Link};

/// Size of the read buffer at first.
const INBOX_BYTES: usize = 256 << 10;
/// The one version that is spoken.
const VERSION: i32 = 12;
/// Types of values in the options of the wire format.
const TRUTH: u8 = 1;
const LONG: u8 = 6;
/// Answer to everything that is asked before messages flow.
const COMMAND: i32 = 1;
const REMOVE_DESTINATION: u8 = 1;
/// Everything from the first to the last message is settled.
const STANDARD_ACK: u8 = 2;

/// A connection that is logged in.
pub(crate) struct Client {
    pub(crate) link: Link,
    /// Its id, which those of all that it has begin with.
    pub(crate) id: String,
}

impl Client {
    /// Connects, agrees, logs in, and opens a session. `role` is part of the client's id.
    pub(crate) fn open(address: &Address, role: &str) -> Result<Self> {
        let id = format!("ID:bench-{}-{}-{role}", std::process::id(), now_ns());
        let mut client = Self { link: Link::open(address, INBOX_BYTES)?, id };
        client.link.send(&offer())?;
        loop {
            match client.link.next(Incoming::first)? {
                Some(Incoming::Offer(version)) if version >= VERSION.unsigned_abs() => break,
                Some(Incoming::Offer(version)) => {
                    bail!("the broker speaks OpenWire {version}, not {VERSION}")
                }
                Some(_) => {}
                None => client.link.read_answer()?,
            }
        }
        let Address { user, password, .. } = address;
        client.ask(kind::CONNECTION_INFO, |writer, id| {
            writer.id(kind::CONNECTION_ID, id).text(id).text(password).text(user);
            // No path; not a master, not manageable; a client of a master; two about failover; no address.
            writer.absent(3).bool(true).absent(3);
        })?;
        client.ask(kind::SESSION_INFO, |writer, id| {
            writer.id(kind::SESSION_ID, id);
        })?;
        Ok(client)
    }

    /// Opens the only producer.
    pub(crate) fn open_producer(&mut self, queue: &str) -> Result<()> {
        self.ask(kind::PRODUCER_INFO, |writer, id| {
            writer.id(kind::PRODUCER_ID, id).queue(queue).absent(2).int(0);
        })
    }

    /// Begins to consume, with so many messages at once that are not acknowledged.
    pub(crate) fn consume(mut self, queue: &str, prefetch: i32) -> Result<Subscriber> {
        self.ask(kind::CONSUMER_INFO, |writer, id| {
            writer.id(kind::CONSUMER_ID, id).bool(false).queue(queue).int(prefetch).int(0).bool(true);
            // Selector, client, name; no-local, exclusive, retroactive; priority; path, predicate, and the rest.
            writer.absent(6).byte(0).absent(6);
        })?;
        Ok(Subscriber { client: self, queue: queue.to_owned(), first: Vec::new(), last: Vec::new(), open: 0 })
    }

    fn ask(&mut self, kind: u8, fill: impl FnOnce(&mut Writer<'_>, &str)) -> Result<()> {
        let mut out = Vec::new();
        let mut writer = Writer::command(&mut out, kind, COMMAND);
        fill(&mut writer, &self.id);
        writer.end();
        self.link.send(&out)?;
        loop {
            match self.link.next(Incoming::first)? {
                Some(Incoming::Response) => return Ok(()),
                Some(_) => {}
                None => self.link.read_answer()?,
            }
        }
    }
}

/// What this side can: no more than it uses.
fn offer() -> Vec<u8> {
    let truths = [
        ("TcpNoDelayEnabled", true),
        ("SizePrefixDisabled", false),
        ("StackTraceEnabled", false),
        ("TightEncodingEnabled", false),
        ("CacheEnabled", false),
    ];
    let times = ["MaxInactivityDuration", "MaxInactivityDurationInitalDelay"];
    let mut options = Vec::new();
    let mut map = Writer::begin(&mut options, 0);
    map.int((truths.len() + times.len()) as i32);
    for (name, value) in truths {
        map.name(name).byte(TRUTH).bool(value);
    }
    for name in times {
        map.name(name).byte(LONG).long(0);
    }
    let mut out = Vec::new();
    let mut writer = Writer::begin(&mut out, kind::WIRE_FORMAT_INFO);
    // The map has no size and no kind of its own.
    writer.raw(b"ActiveMQ").int(VERSION).bytes(options.get(5..).unwrap_or_default());
    writer.end();
    out
}

/// A connection that consumes.
pub(crate) struct Subscriber {
    pub(crate) client: Client,
    queue: String,
    /// Ids of the first and the last message that are not acknowledged, as they came.
    first: Vec<u8>,
    last: Vec<u8>,
    /// How many those are.
    pub(crate) open: u64,
}

impl Subscriber {
    /// Hands over the bodies of all messages that were read; gives their count.
    pub(crate) fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let mut count = 0;
        while let Some(incoming) = self.client.link.next(Incoming::first)? {
            let Incoming::Message { id, body } = incoming else { continue };
            let place = if self.open == 0 { &mut self.first } else { &mut self.last };
            place.clear();
            place.extend_from_slice(id);
            self.open += 1;
            count += 1;
            message(body);
        }
        Ok(count)
    }

    /// Appends the acknowledgement of all that came.
    pub(crate) fn acknowledge(&mut self, out: &mut Vec<u8>) {
        let last = if self.open == 1 { &self.first } else { &self.last };
        let mut writer = Writer::command(out, kind::MESSAGE_ACK, 0);
        writer.queue(&self.queue).absent(1).id(kind::CONSUMER_ID, &self.client.id).byte(STANDARD_ACK);
        writer.raw(&self.first).raw(last).int(i32::try_from(self.open).unwrap_or(i32::MAX)).absent(1);
        writer.end();
        self.open = 0;
    }

    /// Ends the consumer and removes the queue.
    pub(crate) fn close(&mut self) -> Result<()> {
        self.client.ask(kind::REMOVE_INFO, |writer, id| {
            writer.id(kind::CONSUMER_ID, id).long(0);
        })?;
        let queue = &self.queue;
        self.client.ask(kind::DESTINATION_INFO, |writer, id| {
            writer.id(kind::CONNECTION_ID, id).queue(queue).byte(REMOVE_DESTINATION).long(0).absent(1);
        })
    }
}
