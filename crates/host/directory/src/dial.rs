//! Connections to directories: TLS with the server verified, always (S3), and a deadline on every read and write.

use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ternmq_env::Clock;
use thiserror::Error;

use crate::link::Wire;
use crate::settings::Host;

/// Where systems keep the public roots.
const SYSTEM_ROOTS: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Makes connections.
pub trait Dial: Send + Sync {
    /// A new connection, made before the deadline.
    ///
    /// # Errors
    /// It can't be made, or the server is not who it should be.
    fn dial(&self, host: &Host, deadline_ms: u64) -> io::Result<Box<dyn Wire>>;
}

/// Why no server could be verified.
#[derive(Debug, Error)]
pub enum RootsError {
    /// The file with certificates of authorities can't be used.
    #[error("the file of certificate authorities '{}' can't be used: {problem}", path.display())]
    File {
        /// Its path.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// There are none at all.
    #[error(
        "this system has no public certificate authorities; install them (ca-certificates), or name a file with your own"
    )]
    None,
    /// TLS can't be set up.
    #[error("TLS can't be set up")]
    Tls(#[from] rustls::Error),
}

/// Dials by TLS.
pub struct TlsDial {
    config: Arc<ClientConfig>,
    clock: Arc<dyn Clock>,
}

impl TlsDial {
    /// Trusts the public roots of the system, and the authorities in a file.
    ///
    /// # Errors
    /// [`RootsError`].
    pub fn new(ca_file: Option<&Path>, clock: Arc<dyn Clock>) -> Result<Self, RootsError> {
        let mut roots = RootCertStore::empty();
        if let Some(system) = SYSTEM_ROOTS.iter().map(Path::new).find(|path| path.exists())
            && let Ok(certificates) = CertificateDer::pem_file_iter(system)
        {
            roots.add_parsable_certificates(certificates.flatten());
        }
        if let Some(path) = ca_file {
            let refuse = |problem: String| RootsError::File { path: path.into(), problem };
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| refuse(error.to_string()))?;
            let mut count = 0;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| refuse(error.to_string()))?;
                roots.add(certificate).map_err(|error| refuse(error.to_string()))?;
                count += 1;
            }
            if count == 0 {
                return Err(refuse("it has no certificate".to_owned()));
            }
        }
        if roots.is_empty() {
            return Err(RootsError::None);
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { config: Arc::new(config), clock })
    }
}

impl Dial for TlsDial {
    fn dial(&self, host: &Host, deadline_ms: u64) -> io::Result<Box<dyn Wire>> {
        let name = ServerName::try_from(host.name.clone())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "it is no name of a host"))?;
        let tcp = Timed::connect(host, deadline_ms, self.clock.clone())?;
        let tls = ClientConnection::new(self.config.clone(), name).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(tls, tcp);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Box::new(stream))
    }
}

impl Wire for StreamOwned<ClientConnection, Timed> {
    fn set_deadline_ms(&mut self, deadline_ms: u64) {
        self.sock.deadline_ms = deadline_ms;
    }
}

/// TCP with a deadline.
pub(crate) struct Timed {
    stream: TcpStream,
    clock: Arc<dyn Clock>,
    deadline_ms: u64,
}

impl Timed {
    pub(crate) fn connect(host: &Host, deadline_ms: u64, clock: Arc<dyn Clock>) -> io::Result<Self> {
        let mut failure = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        for address in (host.name.as_str(), host.port).to_socket_addrs()? {
            if !may_be_dialled(address) {
                failure =
                    io::Error::new(io::ErrorKind::PermissionDenied, "link-local addresses are not dialled");
                continue;
            }
            match TcpStream::connect_timeout(&address, left(&*clock, deadline_ms)?) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(Self { stream, clock, deadline_ms });
                }
                Err(error) => failure = error,
            }
        }
        Err(failure)
    }

    fn left(&self) -> io::Result<Duration> {
        left(&*self.clock, self.deadline_ms)
    }
}

/// Not those of the network itself and of a cloud's own services (S12).
fn may_be_dialled(address: SocketAddr) -> bool {
    match address.ip().to_canonical() {
        IpAddr::V4(address) => !address.is_link_local() && !address.is_unspecified(),
        IpAddr::V6(address) => !address.is_unicast_link_local() && !address.is_unspecified(),
    }
}

fn left(clock: &dyn Clock, deadline_ms: u64) -> io::Result<Duration> {
    match deadline_ms.saturating_sub(clock.monotonic_ms()) {
        0 => Err(io::Error::new(io::ErrorKind::TimedOut, "there was no answer in time")),
        left_ms => Ok(Duration::from_millis(left_ms)),
    }
}

/// What a socket says when its time is over.
fn in_time<T>(result: io::Result<T>) -> io::Result<T> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => io::Error::new(io::ErrorKind::TimedOut, "there was no answer in time"),
        _ => error,
    })
}

impl Read for Timed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(Some(self.left()?))?;
        in_time(self.stream.read(bytes))
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(Some(self.left()?))?;
        in_time(self.stream.write(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Wire for Timed {
    fn set_deadline_ms(&mut self, deadline_ms: u64) {
        self.deadline_ms = deadline_ms;
    }
}
