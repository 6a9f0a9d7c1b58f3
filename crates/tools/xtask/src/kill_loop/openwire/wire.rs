//! A client for OpenWire 12 that knows just what the loop needs: blocking, no recovery. Only what our own broker sends is read, on
//! loopback; a malformed command is an error like any other.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

use super::frames::{BranchId, Dispatch, Incoming, Writer, kind};
use crate::kill_loop::history::MessageId;
use crate::kill_loop::load::{ANSWER_LIMIT, PREFETCH, body_of};

const ADDRESS: &str = "127.0.0.1:61616";
const VERSION: u32 = 12;
/// Types of values in the options of the wire format.
const TRUTH: u8 = 1;
const LONG: u8 = 6;
/// One message is settled.
const INDIVIDUAL_ACK: u8 = 4;
/// Numbers of steps of branches begin here; those of messages and acknowledgements are numbers of messages, below.
const FIRST_STEP: u32 = 1 << 30;

/// Steps of a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    /// It begins.
    Begin = 0,
    /// Whether it can be committed.
    Prepare = 1,
    /// What is prepared counts.
    Commit = 3,
    /// Nothing of it counts.
    Rollback = 4,
    /// Which branches are prepared.
    Recover = 5,
    /// All of it has been said.
    End = 7,
}

/// One connection with one session.
#[derive(Debug)]
pub(crate) struct Client {
    stream: TcpStream,
    id: String,
    input: Vec<u8>,
    output: Vec<u8>,
    /// What came while an answer was awaited.
    early: VecDeque<Incoming>,
    last_step: u32,
}

impl Client {
    /// Connects, agrees, logs in and opens a session. `number` is part of its id: no other client of the run may have it.
    pub(crate) fn connect(number: u32) -> Result<Self> {
        let stream = TcpStream::connect(ADDRESS).context("cannot connect")?;
        stream.set_nodelay(true)?;
        let (id, last_step) = (format!("ID:kill-loop-{number}"), FIRST_STEP);
        let mut client =
            Self { stream, id, input: Vec::new(), output: Vec::new(), early: VecDeque::new(), last_step };
        client.offer();
        client.flush()?;
        loop {
            match client.read(ANSWER_LIMIT)?.context("no offer came")? {
                Incoming::Offer(version) => {
                    ensure!(version >= VERSION, "the broker speaks OpenWire {version}");
                    break;
                }
                _ => continue,
            }
        }
        client.open(kind::CONNECTION_INFO, |writer, id| {
            writer.id(kind::CONNECTION_ID, id).text(id).text("guest").text("guest");
            // No path; not a master, not manageable; a client of a master; two about failover; no address.
            writer.absent(3).bool(true).absent(3);
        })?;
        client.open(kind::SESSION_INFO, |writer, id| {
            writer.id(kind::SESSION_ID, id);
        })?;
        Ok(client)
    }

    /// What this side can: no more than it uses.
    fn offer(&mut self) {
        let truths = [("TcpNoDelayEnabled", true), ("TightEncodingEnabled", false), ("CacheEnabled", false)];
        let times = ["MaxInactivityDuration", "MaxInactivityDurationInitalDelay"];
        let mut options = Vec::new();
        let mut map = Writer::begin(&mut options, 0);
        map.int(5);
        for (name, value) in truths {
            map.name(name).byte(TRUTH).bool(value);
        }
        for name in times {
            map.name(name).byte(LONG).long(0);
        }
        let mut writer = Writer::begin(&mut self.output, kind::WIRE_FORMAT_INFO);
        // The map has no size and no kind of its own.
        writer.raw(b"ActiveMQ").raw(&VERSION.to_be_bytes()).bytes(options.get(5..).unwrap_or_default());
        writer.end();
    }

    /// Opens the producer, for one queue.
    pub(crate) fn open_producer(&mut self, queue: &str) -> Result<()> {
        self.open(kind::PRODUCER_INFO, |writer, id| {
            writer.id(kind::PRODUCER_ID, id).queue(queue).absent(2).int(0);
        })
    }

    /// Opens the consumer.
    pub(crate) fn subscribe(&mut self, queue: &str) -> Result<()> {
        self.open(kind::CONSUMER_INFO, |writer, id| {
            writer.id(kind::CONSUMER_ID, id).bool(false).queue(queue);
            // Pending messages; selector, client, name; no-local, exclusive, retroactive; priority; path, predicate, the rest.
            writer.int(i32::from(PREFETCH)).int(0).bool(true).absent(6).byte(0).absent(6);
        })
    }

    /// Puts a message into the output, in a branch or answered with its number.
    pub(crate) fn put_message(&mut self, queue: &str, message: MessageId, branch: Option<BranchId>) {
        let Self { output, id, .. } = self;
        let command = if branch.is_some() { 0 } else { command_of(message) };
        let mut writer = Writer::command(output, kind::BYTES_MESSAGE, command);
        writer.id(kind::PRODUCER_ID, id).queue(queue).branch(branch).absent(1);
        writer.byte(1).byte(kind::MESSAGE_ID).absent(1).id(kind::PRODUCER_ID, id);
        // Number, the broker's number; original transaction, group; its sequence; correlation.
        writer.long(message.cast_signed()).long(0).absent(2).int(0).absent(1);
        // Persistent, expiration, priority, no reply, timestamp, no type.
        writer.bool(true).long(0).byte(4).absent(1).long(0).absent(1).bytes(&body_of(message));
        // Properties, structure, target, compressed; redeliveries; path; arrival; user, bridge, droppable, cluster; both times;
        // first of its group.
        writer.absent(4).int(0).absent(1).long(0).absent(4).long(0).long(0).absent(1);
        writer.end();
    }

    /// Puts the acknowledgement of one message into the output, in a branch or answered with the message's number.
    pub(crate) fn put_ack(
        &mut self,
        queue: &str,
        message: MessageId,
        wire_id: &[u8],
        branch: Option<BranchId>,
    ) {
        let Self { output, id, .. } = self;
        let command = if branch.is_some() { 0 } else { command_of(message) };
        let mut writer = Writer::command(output, kind::MESSAGE_ACK, command);
        writer.queue(queue).branch(branch).id(kind::CONSUMER_ID, id).byte(INDIVIDUAL_ACK);
        writer.raw(wire_id).raw(wire_id).int(1).absent(1);
        writer.end();
    }

    /// Puts a step that nobody waits for into the output.
    pub(crate) fn put_step(&mut self, step: Step, branch: BranchId) {
        self.put_numbered_step(step, Some(branch), 0);
    }

    fn put_numbered_step(&mut self, step: Step, branch: Option<BranchId>, command: u32) {
        let Self { output, id, .. } = self;
        let mut writer = Writer::command(output, kind::TRANSACTION_INFO, command);
        writer.id(kind::CONNECTION_ID, id).branch(branch).byte(step as u8);
        writer.end();
    }

    /// Takes a step and waits for its answer, which is a number.
    pub(crate) fn step(&mut self, step: Step, branch: BranchId) -> Result<i32> {
        match self.ask(step, Some(branch))? {
            Incoming::Response { value, .. } => Ok(value),
            _ => bail!("a list for {step:?}"),
        }
    }

    /// The branches that are prepared.
    pub(crate) fn recover(&mut self) -> Result<Vec<BranchId>> {
        match self.ask(Step::Recover, None)? {
            Incoming::Branches(branches) => Ok(branches),
            _ => bail!("no list for {:?}", Step::Recover),
        }
    }

    fn ask(&mut self, step: Step, branch: Option<BranchId>) -> Result<Incoming> {
        self.last_step += 1;
        self.put_numbered_step(step, branch, self.last_step);
        self.flush()?;
        self.answer_of(self.last_step)
    }

    fn open(&mut self, kind: u8, fill: impl FnOnce(&mut Writer<'_>, &str)) -> Result<()> {
        self.last_step += 1;
        let mut writer = Writer::command(&mut self.output, kind, self.last_step);
        fill(&mut writer, &self.id);
        writer.end();
        self.flush()?;
        self.answer_of(self.last_step).map(|_| ())
    }

    fn answer_of(&mut self, asked: u32) -> Result<Incoming> {
        loop {
            let incoming = self.read(ANSWER_LIMIT)?;
            let incoming =
                incoming.with_context(|| format!("no answer within {} s", ANSWER_LIMIT.as_secs()))?;
            match incoming {
                Incoming::Response { command, .. } if command == asked => return Ok(incoming),
                Incoming::Branches(_) => return Ok(incoming),
                Incoming::Message(_) | Incoming::Response { .. } => self.early.push_back(incoming),
                Incoming::Offer(_) | Incoming::Other => {}
            }
        }
    }

    /// The next command from the broker; `None` when nothing came within `patience`.
    pub(crate) fn receive(&mut self, patience: Duration) -> Result<Option<Incoming>> {
        match self.early.pop_front() {
            Some(early) => Ok(Some(early)),
            None => self.read(patience),
        }
    }

    /// Writes what was put.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let result = self.stream.write_all(&self.output);
        self.output.clear();
        result
    }

    fn read(&mut self, patience: Duration) -> Result<Option<Incoming>> {
        let deadline = Instant::now() + patience;
        loop {
            if let Some((incoming, size)) = Incoming::first(&self.input)? {
                self.input.drain(..size);
                return Ok(Some(incoming));
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
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
}

/// The number of the command that has to do with a message.
fn command_of(message: MessageId) -> u32 {
    u32::try_from(message).unwrap_or(u32::MAX) & (FIRST_STEP - 1)
}

/// A message of a consumer that is not settled.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// Its number.
    pub id: MessageId,
    /// Its id as the broker wrote it.
    pub wire_id: Vec<u8>,
}

impl Delivery {
    /// One that came.
    pub(crate) fn new(id: MessageId, dispatch: Dispatch) -> Self {
        Self { id, wire_id: dispatch.id }
    }
}
