//! Listening sockets: binding with errors that help, accepting with limits (F15).

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use mio::net::TcpStream;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use socket2::{Domain, Protocol, Socket, Type};
use thiserror::Error;

use crate::arrival::SessionFactory;
use crate::gate::{Gate, Sources};
use crate::proxy::Network;
use crate::tls::TlsServer;
use crate::wire::{Passage, Security};

/// Connections taken in one turn.
const BATCH: usize = 64;
/// Pause after the system had no descriptor or memory for a new connection.
const PAUSE_MS: u64 = 1_000;

/// Why an address cannot be listened on.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another socket has it.
    #[error(
        "cannot listen on {address} for {name}: the port is in use; stop the process that has it or choose another with --listen {name}=ADDR:PORT"
    )]
    InUse {
        /// Name of the listener.
        name: String,
        /// The address.
        address: SocketAddr,
    },
    /// The system refuses for another reason.
    #[error(
        "cannot listen on {address} for {name}: {source}; choose another address with --listen {name}=ADDR:PORT"
    )]
    Refused {
        /// Name of the listener.
        name: String,
        /// The address.
        address: SocketAddr,
        /// The system's reason.
        source: io::Error,
    },
}

/// Where clients come in: a bound socket, what speaks with them there, and what lies between.
pub struct Door {
    /// The socket.
    pub listener: Listener,
    /// Makes the sessions.
    pub factory: SessionFactory,
    /// TLS, and when it is spoken.
    pub tls: DoorTls,
    /// Proxies: who comes from there has to begin with the header that says for whom (S1).
    pub proxies: Arc<[Network]>,
    /// How fast.
    pub limits: AcceptLimits,
    /// Who is let in.
    pub gate: Arc<Gate>,
    /// Connections at once; absent: as many as the node has.
    pub max_connections: Option<u32>,
}

/// Whether TLS is spoken at a door.
#[derive(Clone, Default)]
pub enum DoorTls {
    /// Never.
    #[default]
    Never,
    /// By everybody.
    Always(Arc<TlsServer>),
    /// By those whose first byte begins a handshake; the others speak in clear.
    ByFirstByte(Arc<TlsServer>),
}

impl Door {
    /// One without TLS and proxies, for everybody.
    #[must_use]
    pub fn plain(listener: Listener, factory: SessionFactory) -> Self {
        let gate = Arc::new(Gate::new(&listener.name, Sources::Everywhere));
        Self {
            listener,
            factory,
            tls: DoorTls::Never,
            proxies: Arc::default(),
            limits: AcceptLimits::default(),
            gate,
            max_connections: None,
        }
    }

    /// One with TLS.
    #[must_use]
    pub fn secured(listener: Listener, factory: SessionFactory, server: Arc<TlsServer>) -> Self {
        let tls = DoorTls::Always(server);
        Self { tls, limits: AcceptLimits::SECURED, ..Self::plain(listener, factory) }
    }
}

impl DoorTls {
    pub(crate) fn passage(&self, is_proxied: bool) -> Passage {
        let tls = match self {
            Self::Never => Security::Never,
            Self::Always(server) => Security::Always(server.current()),
            Self::ByFirstByte(server) => Security::ByFirstByte(server.current()),
        };
        Passage { is_proxied, tls }
    }
}

/// How a listener's sockets behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SocketOptions {
    /// Connections that the system may hold for us until we accept them. Default 4,096.
    pub backlog: u32,
    /// Small packets go out at once, rather than waiting for more to come. Default true.
    pub is_nodelay: bool,
    /// The system probes idle connections. Default false: protocols have heartbeats.
    pub is_keepalive: bool,
    /// Send buffer in bytes; absent: the system's.
    pub send_buffer_bytes: Option<u32>,
    /// Receive buffer in bytes; absent: the system's.
    pub receive_buffer_bytes: Option<u32>,
}

impl Default for SocketOptions {
    fn default() -> Self {
        Self {
            backlog: 4_096,
            is_nodelay: true,
            is_keepalive: false,
            send_buffer_bytes: None,
            receive_buffer_bytes: None,
        }
    }
}

/// A bound socket with a name.
#[derive(Debug)]
pub struct Listener {
    /// Name as in `--listen`.
    pub name: String,
    /// Where it listens; the real port when 0 was asked for.
    pub address: SocketAddr,
    socket: std::net::TcpListener,
    is_nodelay: bool,
}

impl Listener {
    /// Binds and listens; connections wait in the system until a shard runs.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind(name: &str, address: SocketAddr) -> Result<Self, BindError> {
        Self::bind_with(name, address, &SocketOptions::default())
    }

    /// As [`Listener::bind`], with options for it and the connections that come in there.
    ///
    /// # Errors
    /// [`BindError`].
    pub fn bind_with(name: &str, address: SocketAddr, options: &SocketOptions) -> Result<Self, BindError> {
        let bound = bind_socket(address, options).and_then(|socket| Ok((socket.local_addr()?, socket)));
        match bound {
            Ok((address, socket)) => {
                Ok(Self { name: name.into(), address, socket, is_nodelay: options.is_nodelay })
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                Err(BindError::InUse { name: name.into(), address })
            }
            Err(source) => Err(BindError::Refused { name: name.into(), address, source }),
        }
    }

    /// The socket, for a server that is no shard. It does not block.
    #[must_use]
    pub fn into_socket(self) -> std::net::TcpListener {
        self.socket
    }
}

fn bind_socket(address: SocketAddr, options: &SocketOptions) -> io::Result<std::net::TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // A restart must not wait for the old connections to be forgotten.
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    // Connections get these from the socket that they come in by; buffers have to be known before the first packet.
    if options.is_keepalive {
        socket.set_keepalive(true)?;
    }
    let bytes = |bytes: u32| usize::try_from(bytes).unwrap_or(usize::MAX);
    if let Some(size) = options.send_buffer_bytes {
        socket.set_send_buffer_size(bytes(size))?;
    }
    if let Some(size) = options.receive_buffer_bytes {
        socket.set_recv_buffer_size(bytes(size))?;
    }
    socket.bind(&address.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    Ok(socket.into())
}

/// Raises the number of files that this process may have open as far as it is allowed; answers what it is then.
#[must_use]
pub fn file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        // Left as it is when refused: the caller works with what there is.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum });
    }
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// How fast connections are accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AcceptLimits {
    /// Connections per second at most. Default 20,000 (F15).
    pub per_second: u32,
}

impl AcceptLimits {
    /// With TLS a handshake costs a hundred times as much (F15).
    pub const SECURED: Self = Self { per_second: 2_000 };
}

impl Default for AcceptLimits {
    fn default() -> Self {
        Self { per_second: 20_000 }
    }
}

/// What a turn of accepting came to.
pub(crate) enum Accepted {
    /// One connection.
    Connection(TcpStream, SocketAddr),
    /// None waits.
    Nothing,
    /// Not before this time: too many per second, or the system has no room.
    NotBefore(u64),
}

/// Accepts from one listener.
pub(crate) struct Acceptor {
    pub(crate) name: String,
    pub(crate) address: SocketAddr,
    pub(crate) socket: mio::net::TcpListener,
    limits: AcceptLimits,
    /// Connections that may still be taken now.
    allowance: u32,
    refilled_ms: u64,
    not_before_ms: u64,
    has_complained: bool,
    pub(crate) is_ready: bool,
    pub(crate) is_nodelay: bool,
}

impl Acceptor {
    pub(crate) fn new(listener: Listener, limits: AcceptLimits) -> Self {
        Self {
            name: listener.name,
            address: listener.address,
            socket: mio::net::TcpListener::from_std(listener.socket),
            limits,
            allowance: limits.per_second / 10,
            refilled_ms: 0,
            not_before_ms: 0,
            has_complained: false,
            is_ready: true,
            is_nodelay: listener.is_nodelay,
        }
    }

    pub(crate) const BATCH: usize = BATCH;

    pub(crate) fn accept(&mut self, now_ms: u64) -> Accepted {
        if now_ms < self.not_before_ms {
            return Accepted::NotBefore(self.not_before_ms);
        }
        self.refill(now_ms);
        if self.allowance == 0 {
            return Accepted::NotBefore(now_ms + 1);
        }
        match self.socket.accept() {
            Ok((stream, peer)) => {
                self.allowance -= 1;
                self.has_complained = false;
                Accepted::Connection(stream, peer)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.is_ready = false;
                Accepted::Nothing
            }
            // The peer gave up before we came to it.
            Err(error) if is_of_the_connection(&error) => Accepted::NotBefore(now_ms),
            Err(error) => {
                if !self.has_complained {
                    self.has_complained = true;
                    tracing::error!(
                        listener = self.name,
                        "new connections have to wait: {error}; raise the limit of open files (ulimit -n)"
                    );
                }
                self.not_before_ms = now_ms + PAUSE_MS;
                Accepted::NotBefore(self.not_before_ms)
            }
        }
    }

    fn refill(&mut self, now_ms: u64) {
        let passed_ms = now_ms.saturating_sub(self.refilled_ms);
        let added = passed_ms.saturating_mul(u64::from(self.limits.per_second)) / 1_000;
        if added > 0 {
            self.refilled_ms = now_ms;
            // A tenth of a second's worth may come at once.
            let most = (self.limits.per_second / 10).max(1);
            self.allowance =
                self.allowance.saturating_add(u32::try_from(added).unwrap_or(u32::MAX)).min(most);
        }
    }
}

fn is_of_the_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(error.kind(), ConnectionAborted | ConnectionReset | Interrupted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_named_with_the_mend() {
        let first = Listener::bind("amqp", ([127, 0, 0, 1], 0).into()).unwrap();
        let error = Listener::bind("amqp", first.address).unwrap_err().to_string();
        let expect = format!(
            "cannot listen on {} for amqp: the port is in use; stop the process that has it or choose another with --listen amqp=ADDR:PORT",
            first.address
        );
        assert_eq!(error, expect);
    }

    #[test]
    fn connections_have_the_options_of_their_listener() {
        let options = SocketOptions {
            backlog: 7,
            is_keepalive: true,
            send_buffer_bytes: Some(16_384),
            receive_buffer_bytes: Some(16_384),
            ..SocketOptions::default()
        };
        for (options, expect) in [(options, true), (SocketOptions::default(), false)] {
            let listener = Listener::bind_with("amqp", ([127, 0, 0, 1], 0).into(), &options).unwrap();
            let _client = std::net::TcpStream::connect(listener.address).unwrap();
            let mut acceptor = Acceptor::new(listener, AcceptLimits::default());
            let Accepted::Connection(stream, _) = acceptor.accept(1_000) else { panic!("one waits") };
            let socket = socket2::SockRef::from(&stream);
            assert_eq!(socket.keepalive().unwrap(), expect);
            // The system doubles what is asked for, to have room for its own records.
            let is_set = |size: usize| (16_384..=32_768).contains(&size);
            assert_eq!(is_set(socket.recv_buffer_size().unwrap()), expect);
            assert_eq!(is_set(socket.send_buffer_size().unwrap()), expect);
        }
    }

    #[test]
    fn accepting_keeps_to_the_rate() {
        let listener = Listener::bind("amqp", ([127, 0, 0, 1], 0).into()).unwrap();
        let address = listener.address;
        let mut acceptor = Acceptor::new(listener, AcceptLimits { per_second: 20 });
        let clients: Vec<_> = (0..4).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
        let mut count = |now_ms| {
            let mut count = 0;
            while let Accepted::Connection(..) = acceptor.accept(now_ms) {
                count += 1;
            }
            count
        };
        assert_eq!([count(1_000), count(1_001), count(1_100), count(2_000)], [2, 0, 2, 0]);
        assert_eq!(clients.len(), 4);
    }
}
