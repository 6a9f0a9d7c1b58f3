//! The null broker: only what is unavoidable. It reads, takes publishes apart, writes deliveries, one write a burst;
//! durable ones are appended with a checksum and confirmed after a sync. It routes by queue name to the last consumer
//! of that queue and knows nothing else. What a real broker reaches of its rate is the share of the machine it uses.

use std::{
    collections::HashMap,
    fs::File,
    io::{Read, Seek, SeekFrom, Write},
    net::{TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
};

use anyhow::{Result, bail};

use crate::amqp::wire::{
    BODY, FRAME_END, HEADER, METHOD, MethodId, PROTOCOL_HEADER, first_frame, id, put_cumulative_ack,
    put_frame, put_method, put_short_string, put_table,
};

const READ_BYTES: usize = 256 << 10;
/// Length of the log. It is written once with zeros and then over and over, as a journal does with its segments: a file
/// that grows pays for new blocks at every sync.
const LOG_BYTES: u64 = 64 << 20;

struct Consumer {
    stream: TcpStream,
    channel: u16,
    tag: u64,
}

type Consumers = Arc<Mutex<HashMap<Vec<u8>, Consumer>>>;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves until the process is ended, with a log in `file`. Prints its address first.
pub(crate) fn serve(listener: &TcpListener, mut file: File) -> Result<()> {
    std::io::copy(&mut std::io::repeat(0).take(LOG_BYTES), &mut file)?;
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    println!("{}", listener.local_addr()?);
    let consumers = Consumers::default();
    let log = Arc::new(Log { filling: Mutex::default(), wake: Condvar::new() });
    let syncing = Arc::clone(&log);
    thread::spawn(move || syncing.sync_forever(file));
    for stream in listener.incoming() {
        let (consumers, log) = (Arc::clone(&consumers), Arc::clone(&log));
        let stream = stream?;
        stream.set_nodelay(true)?;
        thread::spawn(move || {
            // A client that goes away ends its thread; there is nobody to tell.
            let _ = Connection { stream, consumers, log, confirming: HashMap::new() }.run();
        });
    }
    Ok(())
}

/// Records on their way to the disk: filled by publishers while the one before is synced (no timer).
struct Log {
    filling: Mutex<Filling>,
    wake: Condvar,
}

#[derive(Default)]
struct Filling {
    bytes: Vec<u8>,
    /// Channel and number of the last publish in `bytes`, for each stream that waits.
    waiting: Vec<(TcpStream, u16, u64)>,
}

impl Log {
    fn sync_forever(self: Arc<Self>, mut file: File) {
        let mut end = 0;
        loop {
            let mut filling = lock(&self.filling);
            while filling.waiting.is_empty() {
                filling = self.wake.wait(filling).unwrap_or_else(PoisonError::into_inner);
            }
            let batch = std::mem::take(&mut *filling);
            drop(filling);
            let len = batch.bytes.len() as u64;
            let is_full = end + len > LOG_BYTES;
            end = if is_full { len } else { end + len };
            let rewound = if is_full { file.rewind() } else { Ok(()) };
            if rewound.and_then(|()| file.write_all(&batch.bytes)).and_then(|()| file.sync_data()).is_err() {
                return;
            }
            let mut last: Vec<(TcpStream, u16, u64)> = Vec::new();
            for (stream, channel, number) in batch.waiting {
                match last.iter_mut().find(|known| known.1 == channel && same(&known.0, &stream)) {
                    Some(known) => known.2 = number,
                    None => last.push((stream, channel, number)),
                }
            }
            for (mut stream, channel, number) in last {
                let mut out = Vec::new();
                put_cumulative_ack(&mut out, channel, number);
                if stream.write_all(&out).is_err() {
                    break;
                }
            }
        }
    }
}

fn same(a: &TcpStream, b: &TcpStream) -> bool {
    matches!((a.peer_addr(), b.peer_addr()), (Ok(a), Ok(b)) if a == b)
}

struct Confirming {
    number: u64,
    is_durable: bool,
    is_dirty: bool,
}

struct Connection {
    stream: TcpStream,
    consumers: Consumers,
    log: Arc<Log>,
    confirming: HashMap<u16, Confirming>,
}

impl Connection {
    fn run(mut self) -> Result<()> {
        let mut header = [0; 8];
        self.stream.read_exact(&mut header)?;
        if header != *PROTOCOL_HEADER {
            bail!("not AMQP 0-9-1");
        }
        let mut out = Vec::new();
        put_method(&mut out, 0, id::CONNECTION_START, |out| {
            out.extend_from_slice(&[0, 9]);
            put_table(out, &[]);
            out.extend_from_slice(&5u32.to_be_bytes());
            out.extend_from_slice(b"PLAIN");
            out.extend_from_slice(&5u32.to_be_bytes());
            out.extend_from_slice(b"en_US");
        });
        self.stream.write_all(&out)?;
        let mut inbox = vec![0; READ_BYTES * 2];
        let mut end = 0;
        loop {
            let room = inbox.get_mut(end..end + READ_BYTES).unwrap_or_default();
            let count = self.stream.read(room)?;
            if count == 0 {
                return Ok(());
            }
            end += count;
            let used = self.take(inbox.get(..end).unwrap_or_default())?;
            inbox.copy_within(used..end, 0);
            end -= used;
        }
    }

    /// Takes whole frames; a publish only with its header and body.
    fn take(&mut self, input: &[u8]) -> Result<usize> {
        let mut used = 0;
        let mut run = Run::default();
        while let Some(frame) = first_frame(input.get(used..).unwrap_or_default())? {
            if frame.kind == METHOD && frame.method() == Some(id::BASIC_PUBLISH) {
                let Some(triple) = triple_len(input.get(used..).unwrap_or_default())? else { break };
                self.publish(input.get(used..used + triple).unwrap_or_default(), &mut run)?;
                used += triple;
                continue;
            }
            if frame.kind == METHOD
                && let Some(method) = frame.method()
            {
                self.flush(&mut run)?;
                self.answer(method, frame.channel, frame.payload)?;
            }
            used += frame.wire_len();
        }
        self.flush(&mut run)?;
        Ok(used)
    }

    fn publish(&mut self, triple: &[u8], run: &mut Run) -> Result<()> {
        let Some(method) = first_frame(triple)? else { return Ok(()) };
        let mut fields = method.arguments();
        fields.take(2, "reserved")?;
        fields.short_string("exchange")?;
        let key = fields.short_string("routing-key")?;
        // A table lookup per message is part of the minimum: the key is hashed even if it is the last one.
        run.hash =
            key.iter().fold(run.hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3));
        if run.key != key {
            self.flush(run)?;
            run.key = key.to_vec();
            run.target = lock(&self.consumers).get(key).map(|c| (c.channel, c.tag));
        }
        let content = triple.get(method.wire_len()..).unwrap_or_default();
        if let Some(confirming) = self.confirming.get_mut(&method.channel) {
            confirming.number += 1;
            confirming.is_dirty = true;
            // flags follow the frame head, class, weight and size; the bit of the delivery mode stands for mode 2 here
            confirming.is_durable =
                content.get(19).is_some_and(|flags| flags & 0x10 != 0) || confirming.is_durable;
            if confirming.is_durable {
                run.record.extend_from_slice(&crc32c::crc32c(content).to_le_bytes());
                run.record.extend_from_slice(content);
            }
        }
        let Some((channel, tag)) = &mut run.target else { return Ok(()) };
        *tag += 1;
        let tag = *tag;
        put_method(&mut run.out, *channel, id::BASIC_DELIVER, |out| {
            put_short_string(out, "c");
            out.extend_from_slice(&tag.to_be_bytes());
            out.push(0);
            put_short_string(out, "");
            out.push(u8::try_from(key.len()).unwrap_or(u8::MAX));
            out.extend_from_slice(key);
        });
        let mut rest = content;
        while let Some(frame) = first_frame(rest)? {
            put_frame(&mut run.out, frame.kind, *channel, |out| out.extend_from_slice(frame.payload));
            rest = rest.get(frame.wire_len()..).unwrap_or_default();
        }
        Ok(())
    }

    /// One write to the consumer, one confirm to the publisher or one hand-over to the log.
    fn flush(&mut self, run: &mut Run) -> Result<()> {
        if let Some((_, tag)) = run.target
            && !run.out.is_empty()
        {
            let mut consumers = lock(&self.consumers);
            if let Some(consumer) = consumers.get_mut(&run.key) {
                consumer.tag = tag;
                let mut stream = consumer.stream.try_clone()?;
                drop(consumers);
                if stream.write_all(&run.out).is_err() {
                    lock(&self.consumers).remove(&run.key);
                }
            }
            run.out.clear();
        }
        let mut acks = Vec::new();
        for (channel, confirming) in self.confirming.iter_mut().filter(|(_, confirming)| confirming.is_dirty)
        {
            confirming.is_dirty = false;
            if confirming.is_durable {
                let mut filling = lock(&self.log.filling);
                filling.bytes.append(&mut run.record);
                filling.waiting.push((self.stream.try_clone()?, *channel, confirming.number));
                self.log.wake.notify_one();
            } else {
                put_cumulative_ack(&mut acks, *channel, confirming.number);
            }
        }
        if !acks.is_empty() {
            self.stream.write_all(&acks)?;
        }
        Ok(())
    }

    fn answer(&mut self, method: MethodId, channel: u16, payload: &[u8]) -> Result<()> {
        let mut out = Vec::new();
        let name = |payload: &[u8]| -> Vec<u8> {
            let len = payload.get(6).copied().unwrap_or(0);
            payload.get(7..7 + usize::from(len)).unwrap_or_default().to_vec()
        };
        match method {
            id::CONNECTION_START_OK => put_method(&mut out, 0, id::CONNECTION_TUNE, |out| {
                out.extend_from_slice(&2_047u16.to_be_bytes());
                out.extend_from_slice(&131_072u32.to_be_bytes());
                out.extend_from_slice(&[0; 2]);
            }),
            id::CONNECTION_OPEN => put_method(&mut out, 0, id::CONNECTION_OPEN_OK, |out| out.push(0)),
            id::CONNECTION_CLOSE => put_method(&mut out, 0, id::CONNECTION_CLOSE_OK, |_| {}),
            id::CHANNEL_OPEN => {
                put_method(&mut out, channel, id::CHANNEL_OPEN_OK, |out| out.extend_from_slice(&[0; 4]))
            }
            id::QUEUE_DECLARE => put_method(&mut out, channel, id::QUEUE_DECLARE_OK, |out| {
                let name = name(payload);
                out.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
                out.extend_from_slice(&name);
                out.extend_from_slice(&[0; 8]);
            }),
            id::QUEUE_DELETE => {
                lock(&self.consumers).remove(&name(payload));
                put_method(&mut out, channel, id::QUEUE_DELETE_OK, |out| out.extend_from_slice(&[0; 4]));
            }
            id::BASIC_QOS => put_method(&mut out, channel, id::BASIC_QOS_OK, |_| {}),
            id::CONFIRM_SELECT => {
                let confirming = Confirming { number: 0, is_durable: false, is_dirty: false };
                self.confirming.insert(channel, confirming);
                put_method(&mut out, channel, id::CONFIRM_SELECT_OK, |_| {});
            }
            id::BASIC_CONSUME => {
                put_method(&mut out, channel, id::BASIC_CONSUME_OK, |out| put_short_string(out, "c"));
                self.stream.write_all(&out)?;
                let consumer = Consumer { stream: self.stream.try_clone()?, channel, tag: 0 };
                lock(&self.consumers).insert(name(payload), consumer);
                return Ok(());
            }
            _ => return Ok(()),
        }
        Ok(self.stream.write_all(&out)?)
    }
}

/// A run of publishes with the same key.
#[derive(Default)]
struct Run {
    key: Vec<u8>,
    target: Option<(u16, u64)>,
    out: Vec<u8>,
    record: Vec<u8>,
    hash: u64,
}

/// Bytes of a publish with its header and body when all are there.
fn triple_len(input: &[u8]) -> Result<Option<usize>> {
    let Some(method) = first_frame(input)? else { return Ok(None) };
    let mut used = method.wire_len();
    let Some(header) = first_frame(input.get(used..).unwrap_or_default())? else { return Ok(None) };
    let size = header.payload.get(4..12).and_then(|size| size.try_into().ok()).map_or(0, u64::from_be_bytes);
    if header.kind != HEADER {
        bail!("a content header belongs here");
    }
    used += header.wire_len();
    let mut left = size;
    while left > 0 {
        let Some(body) = first_frame(input.get(used..).unwrap_or_default())? else { return Ok(None) };
        if body.kind != BODY {
            bail!("a body belongs here");
        }
        used += body.wire_len();
        left = left.saturating_sub(body.payload.len() as u64);
    }
    debug_assert_eq!(input.get(used - 1), Some(&FRAME_END));
    Ok(Some(used))
}
