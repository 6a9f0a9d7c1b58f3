//! The TLS of one connection: records in, bytes out, and back. It never waits, and holds bytes only while some are
//! under way.
//!
//! Records are given to the library one by one, so that those that carry no data (KeyUpdate among them) can be counted.

use std::cell::RefCell;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use rustls::server::UnbufferedServerConnection;
use rustls::unbuffered::{ConnectionState, EncodeError, EncryptError, UnbufferedStatus};

use super::server::TlsConfig;
use super::subject;
use crate::arrival::Secured;
use crate::transport::Transport;

/// Read from the socket at once.
const READ_BYTES: usize = 64 * 1024;
/// Encrypted at once; bounds what waits in here when the socket is full.
const WRITE_BYTES: usize = 32 * 1024;
/// Taken from the socket in one call while the handshake lasts.
const OPENING_BYTES: usize = 32 * 1024;
const HEADER_BYTES: usize = 5;
/// Longest payload of a record that any version allows; longer ones the library refuses by their header.
const MAX_RECORD_BYTES: usize = (1 << 14) + 2_048;
/// Records without data that a peer may send per minute: KeyUpdate and whatever else costs us and brings nothing.
const MAX_EMPTY_RECORDS: u32 = 32;
const EMPTY_WINDOW_MS: u64 = 60_000;

thread_local! {
    /// Where records are decrypted: shared by all connections of a shard, because each needs it for one call.
    static SCRATCH: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    /// Buffers for records that go out.
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

/// Spare buffers kept.
const MAX_SPARE: usize = 8;

/// Encrypted bytes on their way out. The buffer is longer than what it holds, so that it need not be cleared for each
/// use.
#[derive(Default)]
struct Outgoing {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Outgoing {
    fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Room for so many bytes more.
    fn room(&mut self, bytes: usize) -> &mut [u8] {
        if self.buffer.capacity() == 0 {
            self.buffer = SPARE.with_borrow_mut(Vec::pop).unwrap_or_default();
        }
        if self.buffer.len() < self.end + bytes {
            self.buffer.resize(self.end + bytes, 0);
        }
        self.buffer.get_mut(self.end..).unwrap_or_default()
    }

    fn flush<S: Transport>(&mut self, socket: &mut S) -> io::Result<usize> {
        let mut gone = 0;
        while let Some(rest) = self.buffer.get(self.start..self.end).filter(|rest| !rest.is_empty()) {
            match socket.try_write(rest) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => {
                    self.start += count;
                    gone += count;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock && gone > 0 => return Ok(gone),
                Err(error) => return Err(error),
            }
        }
        (self.start, self.end) = (0, 0);
        let buffer = std::mem::take(&mut self.buffer);
        SPARE.with_borrow_mut(|spare| {
            if buffer.capacity() > 0 && buffer.capacity() <= 2 * WRITE_BYTES && spare.len() < MAX_SPARE {
                spare.push(buffer);
            }
        });
        Ok(gone)
    }
}

/// One connection's TLS.
pub(crate) struct Tls {
    connection: UnbufferedServerConnection,
    config: Arc<TlsConfig>,
    /// Encrypted bytes that wait for the rest of their record, or for room.
    raw: Vec<u8>,
    /// So many of them the library has seen: parts of a handshake message that is not whole yet.
    seen: usize,
    /// Decrypted bytes for which there was no room; those before `plain_start` are gone.
    plain: Vec<u8>,
    plain_start: usize,
    out: Outgoing,
    is_peer_done: bool,
    is_finished: bool,
    has_heard: bool,
    has_more: bool,
    now_ms: u64,
    empty_since_ms: u64,
    empty_records: u32,
}

fn wrong(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, what)
}

impl Tls {
    /// `head`: bytes that were read from the socket already.
    pub(crate) fn new(config: Arc<TlsConfig>, head: Vec<u8>) -> io::Result<Self> {
        let connection = UnbufferedServerConnection::new(config.rustls.clone()).map_err(wrong)?;
        Ok(Self {
            connection,
            config,
            has_heard: !head.is_empty(),
            raw: head,
            seen: 0,
            plain: Vec::new(),
            plain_start: 0,
            out: Outgoing::default(),
            is_peer_done: false,
            is_finished: false,
            has_more: false,
            now_ms: 0,
            empty_since_ms: 0,
            empty_records: 0,
        })
    }

    pub(crate) fn note_time(&mut self, now_ms: u64) {
        self.now_ms = now_ms;
    }

    pub(crate) fn is_opening(&self) -> bool {
        self.connection.is_handshaking()
    }

    pub(crate) fn has_heard(&self) -> bool {
        self.has_heard
    }

    pub(crate) fn has_more(&self) -> bool {
        self.has_more
    }

    pub(crate) fn is_flushed(&self) -> bool {
        self.out.is_empty()
    }

    /// What the handshake has shown.
    pub(crate) fn secured(&self) -> Secured {
        use rustls::ProtocolVersion::TLSv1_3;
        let is_13 = self.connection.protocol_version() == Some(TLSv1_3);
        let suite = self.connection.negotiated_cipher_suite();
        let certificate = self.connection.peer_certificates().and_then(|chain| chain.first());
        Secured {
            version: if is_13 { "TLSv1.3" } else { "TLSv1.2" },
            cipher: suite.and_then(|suite| suite.suite().as_str()).unwrap_or("unknown"),
            certificate: certificate.and_then(|der| subject::read(der, self.config.login_from)),
        }
    }

    /// Reads and decrypts until `into` is full or the socket is empty.
    pub(crate) fn try_read<S: Transport>(&mut self, socket: &mut S, into: &mut [u8]) -> io::Result<usize> {
        self.has_more = false;
        let mut filled = self.take_plain(into);
        if filled == into.len() {
            return Ok(filled);
        }
        let had_nothing = self.out.is_empty();
        let mut scratch = SCRATCH.with_borrow_mut(std::mem::take);
        let answer = self.read_records(socket, &mut scratch, into, &mut filled);
        SCRATCH.with_borrow_mut(|kept| *kept = scratch);
        // Answers of a handshake, or the alert that says why there is none. What waited before is the writer's.
        if had_nothing && !self.out.is_empty() {
            match self.out.flush(socket) {
                Err(error) if error.kind() != ErrorKind::WouldBlock && answer.is_ok() => return Err(error),
                _ => {}
            }
        }
        match answer {
            Ok(()) if filled > 0 => Ok(filled),
            Ok(()) if self.is_peer_done => Ok(0),
            Ok(()) => Err(ErrorKind::WouldBlock.into()),
            // What came before the fault was good; the fault is met again.
            Err(_) if filled > 0 => {
                self.has_more = true;
                Ok(filled)
            }
            Err(error) => Err(error),
        }
    }

    fn take_plain(&mut self, into: &mut [u8]) -> usize {
        let waiting = self.plain.get(self.plain_start..).unwrap_or_default();
        let count = waiting.len().min(into.len());
        if count == 0 {
            return 0;
        }
        if let (Some(to), Some(from)) = (into.get_mut(..count), waiting.get(..count)) {
            to.copy_from_slice(from);
        }
        self.plain_start += count;
        if self.plain_start == self.plain.len() {
            (self.plain, self.plain_start) = (Vec::new(), 0);
        }
        count
    }

    /// The loop of [`Tls::try_read`]; `scratch` begins with what waits in `raw`, which has the rest of it afterwards.
    fn read_records<S: Transport>(
        &mut self,
        socket: &mut S,
        scratch: &mut Vec<u8>,
        into: &mut [u8],
        filled: &mut usize,
    ) -> io::Result<()> {
        let mut window = Window { start: 0, end: self.raw.len(), seen: self.seen };
        let needed = window.end + READ_BYTES;
        if scratch.len() < needed {
            scratch.resize(needed, 0);
        }
        if let Some(front) = scratch.get_mut(..window.end) {
            front.copy_from_slice(&self.raw);
        }
        self.raw.clear();
        let answer = self.fill(socket, scratch, &mut window, into, filled);
        let rest = scratch.get(window.start..window.end).unwrap_or_default();
        if rest.is_empty() {
            self.raw = Vec::new();
        } else {
            self.raw.extend_from_slice(rest);
        }
        self.seen = window.seen;
        answer
    }

    fn fill<S: Transport>(
        &mut self,
        socket: &mut S,
        scratch: &mut [u8],
        window: &mut Window,
        into: &mut [u8],
        filled: &mut usize,
    ) -> io::Result<()> {
        let (mut opening_bytes, mut is_drained) = (0, false);
        loop {
            while *filled < into.len() && !self.is_peer_done {
                let waiting = scratch.get(window.start..window.end).unwrap_or_default();
                let Some(len) = next_record(waiting, window.seen)? else { break };
                self.on_record(scratch, window, window.seen + len, into, filled)?;
            }
            if *filled == into.len() || self.is_peer_done || is_drained {
                return Ok(());
            }
            if self.is_opening() && opening_bytes >= OPENING_BYTES {
                self.has_more = true;
                return Ok(());
            }
            window.move_to_front(scratch);
            let room = scratch.get_mut(window.end..).unwrap_or_default();
            // No more than there is room for afterwards, or most of it would have to be kept.
            let want = room.len().min((into.len() - *filled).saturating_add(HEADER_BYTES + 256));
            let Some(room) = room.get_mut(..want).filter(|room| !room.is_empty()) else {
                return Err(wrong("a TLS message has no end"));
            };
            match socket.try_read(room) {
                Ok(0) => {
                    // Without a goodbye: the session's own framing tells whether something is missing.
                    self.is_peer_done = true;
                    return Ok(());
                }
                Ok(count) => {
                    self.has_heard = true;
                    window.end += count;
                    opening_bytes += count;
                    is_drained = count < want;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    /// Gives the library one more record; it may need the ones before as well.
    fn on_record(
        &mut self,
        scratch: &mut [u8],
        window: &mut Window,
        len: usize,
        into: &mut [u8],
        filled: &mut usize,
    ) -> io::Result<()> {
        let was_opening = self.is_opening();
        let before = (*filled, self.plain.len());
        let given = scratch.get_mut(window.start..window.start + len).unwrap_or_default();
        let taken = self.process(given, into, filled)?;
        window.start += taken;
        window.seen = len - taken;
        if was_opening {
            return if self.is_opening() { Ok(()) } else { self.check_chain() };
        }
        if before == (*filled, self.plain.len()) && !self.is_peer_done {
            self.count_empty_record()?;
        }
        Ok(())
    }

    fn count_empty_record(&mut self) -> io::Result<()> {
        if self.now_ms >= self.empty_since_ms.saturating_add(EMPTY_WINDOW_MS) {
            (self.empty_since_ms, self.empty_records) = (self.now_ms, 0);
        }
        self.empty_records += 1;
        if self.empty_records > MAX_EMPTY_RECORDS {
            return Err(wrong("too many TLS records without data, such as KeyUpdate"));
        }
        Ok(())
    }

    /// The chain was verified by the library; here only its length.
    fn check_chain(&self) -> io::Result<()> {
        let Some(most) = self.config.max_intermediates else { return Ok(()) };
        let chain = self.connection.peer_certificates().unwrap_or_default();
        let between = chain.iter().skip(1).filter(|der| !subject::is_root(der)).count();
        if between > most {
            return Err(wrong(format!(
                "the client's chain has {between} intermediate certificates; {most} are allowed"
            )));
        }
        Ok(())
    }

    /// Runs the library until it wants more; answers how many bytes it is done with.
    fn process(&mut self, incoming: &mut [u8], into: &mut [u8], filled: &mut usize) -> io::Result<usize> {
        let mut taken = 0;
        loop {
            let given = incoming.get_mut(taken..).unwrap_or_default();
            let UnbufferedStatus { discard, state } = self.connection.process_tls_records(given);
            match state {
                Ok(ConnectionState::ReadTraffic(mut traffic)) => {
                    while let Some(record) = traffic.next_record() {
                        let payload = record.map_err(wrong)?.payload;
                        let room = into.get_mut(*filled..).unwrap_or_default();
                        let count = room.len().min(payload.len());
                        let (now, later) = payload.split_at(count);
                        room.get_mut(..count).unwrap_or_default().copy_from_slice(now);
                        *filled += count;
                        self.plain.extend_from_slice(later);
                    }
                }
                Ok(ConnectionState::EncodeTlsData(mut data)) => {
                    encode(&mut self.out, |room| data.encode(room))?
                }
                Ok(ConnectionState::TransmitTlsData(data)) => data.done(),
                Ok(ConnectionState::PeerClosed | ConnectionState::Closed) => {
                    self.is_peer_done = true;
                    return Ok(taken + discard);
                }
                Ok(ConnectionState::BlockedHandshake | ConnectionState::WriteTraffic(_)) => {
                    return Ok(taken + discard);
                }
                Ok(_) => return Err(wrong("early data, which is never offered")),
                Err(error) => {
                    self.take_alert(incoming.get_mut(taken..).unwrap_or_default());
                    return Err(wrong(error));
                }
            }
            taken += discard;
        }
    }

    /// After an error the library has an alert for the peer. It is asked once: asked again it would look at the same
    /// bytes again.
    fn take_alert(&mut self, incoming: &mut [u8]) {
        let UnbufferedStatus { state, .. } = self.connection.process_tls_records(incoming);
        if let Ok(ConnectionState::EncodeTlsData(mut data)) = state {
            // Without room for it the peer just sees the end.
            let _ = encode(&mut self.out, |room| data.encode(room));
        }
    }

    /// Encrypts and gives away as much as the socket takes, and a little more that waits in here.
    pub(crate) fn try_write<S: Transport>(&mut self, socket: &mut S, bytes: &[u8]) -> io::Result<usize> {
        if !self.out.is_empty() {
            self.out.flush(socket)?;
        }
        let mut taken = 0;
        while self.out.is_empty() && taken < bytes.len() {
            let rest = bytes.get(taken..).unwrap_or_default();
            let chunk = rest.get(..WRITE_BYTES).unwrap_or(rest);
            self.encrypt(Some(chunk))?;
            taken += chunk.len();
            match self.out.flush(socket) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => {}
            }
        }
        if taken == 0 && !bytes.is_empty() { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    /// Encrypts these bytes, or without any the goodbye.
    fn encrypt(&mut self, bytes: Option<&[u8]>) -> io::Result<()> {
        // The library counts from the parts of a message that it has seen and not finished.
        let mut seen = self.raw.get(..self.seen).unwrap_or_default().to_vec();
        loop {
            let UnbufferedStatus { state, .. } = self.connection.process_tls_records(&mut seen);
            match state.map_err(wrong)? {
                ConnectionState::EncodeTlsData(mut data) => encode(&mut self.out, |room| data.encode(room))?,
                ConnectionState::TransmitTlsData(data) => data.done(),
                ConnectionState::PeerClosed => self.is_peer_done = true,
                ConnectionState::WriteTraffic(mut traffic) => {
                    return seal(&mut self.out, bytes.map_or(0, <[u8]>::len), |room| match bytes {
                        Some(bytes) => traffic.encrypt(bytes, room),
                        None => traffic.queue_close_notify(room),
                    });
                }
                _ => return Err(ErrorKind::BrokenPipe.into()),
            }
        }
    }

    pub(crate) fn try_flush<S: Transport>(&mut self, socket: &mut S) -> io::Result<usize> {
        let answer = self.out.flush(socket);
        if self.is_finished && self.out.is_empty() {
            socket.finish();
        }
        answer
    }

    /// Says goodbye (close_notify); the socket's own end follows once that is out.
    pub(crate) fn finish<S: Transport>(&mut self, socket: &mut S) {
        if self.is_finished {
            return;
        }
        self.is_finished = true;
        // A handshake that is not over has nothing to say goodbye with.
        let _ = self.encrypt(None);
        let _ = self.try_flush(socket);
    }
}

/// The part of the scratch buffer that holds records.
struct Window {
    start: usize,
    end: usize,
    /// Bytes from `start` that the library has seen.
    seen: usize,
}

impl Window {
    fn move_to_front(&mut self, scratch: &mut [u8]) {
        if self.start > 0 {
            scratch.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
    }
}

/// Length of the next whole record behind what was seen. `None`: it is not whole yet.
fn next_record(waiting: &[u8], seen: usize) -> io::Result<Option<usize>> {
    let rest = waiting.get(seen..).unwrap_or_default();
    let Some(kind) = rest.first() else { return Ok(None) };
    // change_cipher_spec, alert, handshake, application_data; after that the major version that all of them have
    if !(20..=23).contains(kind) || rest.get(1).is_some_and(|major| *major != 3) {
        return Err(wrong("the client does not speak TLS"));
    }
    let Some(&[high, low]) = rest.get(3..HEADER_BYTES) else { return Ok(None) };
    let len = usize::from(u16::from_be_bytes([high, low]));
    if len > MAX_RECORD_BYTES {
        // The library refuses it by its header, with the right alert.
        return Ok(Some(rest.len()));
    }
    Ok(Some(HEADER_BYTES + len).filter(|len| *len <= rest.len()))
}

fn encode(
    out: &mut Outgoing,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncodeError>,
) -> io::Result<()> {
    let mut bytes = 4_096;
    loop {
        match write(out.room(bytes)) {
            Ok(count) => {
                out.end += count;
                return Ok(());
            }
            Err(EncodeError::InsufficientSize(needed)) if needed.required_size > bytes => {
                bytes = needed.required_size;
            }
            Err(_) => return Err(wrong("a TLS message cannot be written")),
        }
    }
}

fn seal(
    out: &mut Outgoing,
    plain_bytes: usize,
    mut write: impl FnMut(&mut [u8]) -> Result<usize, EncryptError>,
) -> io::Result<()> {
    let mut bytes = plain_bytes + 256;
    loop {
        match write(out.room(bytes)) {
            Ok(count) => {
                out.end += count;
                return Ok(());
            }
            Err(EncryptError::InsufficientSize(needed)) if needed.required_size > bytes => {
                bytes = needed.required_size;
            }
            Err(_) => return Err(wrong("no more can be encrypted on this connection")),
        }
    }
}
