//! A socket with what lies between it and the session: the header of a proxy, a look at the first byte, TLS.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::sync::Arc;

use crate::arrival::Arrival;
use crate::proxy::{self, Proxied};
use crate::tls::{Tls, TlsConfig, TlsServer};
use crate::transport::Transport;

/// First byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 22;

/// What a connection has to go through before its session.
#[derive(Clone, Default)]
pub(crate) struct Passage {
    /// It begins with the header of a proxy.
    pub(crate) is_proxied: bool,
    pub(crate) tls: Security,
}

/// Whether TLS is spoken.
#[derive(Clone, Default)]
pub(crate) enum Security {
    #[default]
    Never,
    Always(Arc<TlsConfig>),
    /// The first byte tells.
    ByFirstByte(Arc<TlsConfig>),
}

impl Passage {
    pub(crate) fn is_open(&self) -> bool {
        !self.is_proxied && matches!(self.tls, Security::Never)
    }
}

/// A socket and its layer.
pub struct Wire<S> {
    socket: S,
    layer: Layer,
    proxied: Option<Box<Proxied>>,
}

enum Layer {
    /// Bytes as they are.
    Plain,
    /// Bytes as they are, after these that were read already; those before the index are gone.
    Ahead(Vec<u8>, usize),
    Pending(Box<Pending>),
    Tls(Box<Tls>),
}

struct Pending {
    head: Vec<u8>,
    passage: Passage,
}

impl<S: Transport> Wire<S> {
    /// Bytes as they are.
    #[must_use]
    pub fn plain(socket: S) -> Self {
        Self { socket, layer: Layer::Plain, proxied: None }
    }

    pub(crate) fn new(socket: S, passage: Passage) -> Self {
        if passage.is_open() {
            return Self::plain(socket);
        }
        let pending = Pending { head: Vec::new(), passage };
        Self { socket, layer: Layer::Pending(Box::new(pending)), proxied: None }
    }

    /// With TLS from the first byte on.
    #[must_use]
    pub fn secured(socket: S, server: &TlsServer) -> Self {
        Self::new(socket, Passage { is_proxied: false, tls: Security::Always(server.current()) })
    }

    /// The socket, for registering it.
    pub fn socket_mut(&mut self) -> &mut S {
        &mut self.socket
    }

    /// Goes through the passage as far as the bytes allow; `Err(WouldBlock)` while more are needed.
    fn pass(&mut self) -> io::Result<()> {
        loop {
            let Layer::Pending(pending) = &mut self.layer else { return Ok(()) };
            if pending.passage.is_proxied {
                if let Some((len, proxied)) = proxy::read_header(&pending.head)? {
                    pending.head.drain(..len);
                    pending.passage.is_proxied = false;
                    self.proxied = proxied.map(Box::new);
                    continue;
                }
            } else {
                let first = pending.head.first().copied();
                let config = match (&pending.passage.tls, first) {
                    (Security::Never, _) => None,
                    (Security::Always(config), _) => Some(config.clone()),
                    (Security::ByFirstByte(config), Some(TLS_HANDSHAKE)) => Some(config.clone()),
                    (Security::ByFirstByte(_), Some(_)) => None,
                    (Security::ByFirstByte(_), None) => {
                        self.read_head()?;
                        continue;
                    }
                };
                let head = std::mem::take(&mut pending.head);
                self.layer = match config {
                    Some(config) => Layer::Tls(Box::new(Tls::new(config, head)?)),
                    None => Layer::Ahead(head, 0),
                };
                return Ok(());
            }
            self.read_head()?;
        }
    }

    fn read_head(&mut self) -> io::Result<()> {
        let Layer::Pending(pending) = &mut self.layer else { return Ok(()) };
        let mut space = [0; proxy::MAX_HEADER_BYTES];
        let kept = pending.head.len();
        let Some(room) = space.get_mut(kept..).filter(|room| !room.is_empty()) else {
            return Err(ErrorKind::InvalidData.into());
        };
        match self.socket.try_read(room) {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                pending.head.extend_from_slice(room.get(..count).unwrap_or_default());
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn read_ahead(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let Layer::Ahead(head, start) = &mut self.layer else { return self.socket.try_read(into) };
        let waiting = head.get(*start..).unwrap_or_default();
        let count = waiting.len().min(into.len());
        let (now, room) = into.split_at_mut(count);
        now.copy_from_slice(waiting.get(..count).unwrap_or_default());
        *start += count;
        if *start < head.len() {
            return Ok(count);
        }
        self.layer = Layer::Plain;
        match self.socket.try_read(room) {
            Ok(more) => Ok(count + more),
            Err(_) if count > 0 => Ok(count),
            Err(error) => Err(error),
        }
    }
}

impl<S: Transport> Transport for Wire<S> {
    fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if matches!(self.layer, Layer::Pending(_)) {
            self.pass()?;
        }
        match &mut self.layer {
            Layer::Tls(tls) => tls.try_read(&mut self.socket, into),
            _ => self.read_ahead(into),
        }
    }

    fn try_write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.try_write(&mut self.socket, bytes),
            _ => self.socket.try_write(bytes),
        }
    }

    fn finish(&mut self) {
        match &mut self.layer {
            Layer::Tls(tls) => tls.finish(&mut self.socket),
            _ => self.socket.finish(),
        }
    }

    fn note_time(&mut self, monotonic_ms: u64) {
        if let Layer::Tls(tls) = &mut self.layer {
            tls.note_time(monotonic_ms);
        }
    }

    fn try_flush(&mut self) -> io::Result<usize> {
        match &mut self.layer {
            Layer::Tls(tls) => tls.try_flush(&mut self.socket),
            _ => Ok(0),
        }
    }

    fn is_flushed(&self) -> bool {
        match &self.layer {
            Layer::Tls(tls) => tls.is_flushed(),
            _ => true,
        }
    }

    fn has_more(&self) -> bool {
        match &self.layer {
            Layer::Tls(tls) => tls.has_more(),
            Layer::Ahead(..) => true,
            _ => false,
        }
    }

    fn is_opening(&self) -> bool {
        match &self.layer {
            Layer::Pending(_) => true,
            Layer::Tls(tls) => tls.is_opening(),
            _ => false,
        }
    }

    fn has_heard(&self) -> bool {
        match &self.layer {
            Layer::Pending(pending) => !pending.head.is_empty(),
            Layer::Tls(tls) => tls.has_heard(),
            _ => true,
        }
    }

    fn describe(&self, arrival: &mut Arrival) {
        if let Some(proxied) = &self.proxied {
            arrival.peer = Some(proxied.peer);
            arrival.local = proxied.local.or(arrival.local);
        }
        if let Layer::Tls(tls) = &self.layer {
            arrival.secured = Some(Arc::new(tls.secured()));
        }
    }
}

/// Where a connection comes from, once nobody may lie about it.
pub(crate) fn is_from(sources: &[crate::proxy::Network], peer: SocketAddr) -> bool {
    sources.iter().any(|network| network.has(peer.ip()))
}
