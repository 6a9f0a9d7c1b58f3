//! The socket of a connection, plain or under TLS.
//!
//! A plain one costs a branch for each read or write, which move many messages. Under TLS the ciphertext is read in large pieces too, as
//! the TLS library alone would ask the kernel for 4 KiB at a time.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::TcpStream,
    path::Path,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use rustix::net::RecvFlags;
use rustls::{
    CertificateError, ClientConfig, ClientConnection, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};

use crate::amqp::{Address, Security, Wait};

/// Ciphertext of one read, at least and at most: idle connections have little room for what comes, and there are thousands of them.
const CIPHERTEXT_BYTES: std::ops::RangeInclusive<usize> = 4 << 10..=128 << 10;

/// The CAs that a broker's certificate may come from.
#[derive(Clone, Debug)]
pub struct Trust(Arc<ClientConfig>);

impl Trust {
    /// Reads a file of certificates in PEM. Fails when it is not there or holds none.
    pub fn read(file: &Path) -> Result<Self> {
        let shown = file.display();
        let mut roots = RootCertStore::empty();
        let certificates =
            CertificateDer::pem_file_iter(file).with_context(|| format!("cannot read {shown}"))?;
        for certificate in certificates {
            let certificate = certificate.with_context(|| format!("{shown} is not PEM"))?;
            roots.add(certificate).with_context(|| format!("{shown} has a certificate that is no CA"))?;
        }
        if roots.is_empty() {
            bail!("{shown} holds no certificate; --ca takes a file in PEM");
        }
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Self(Arc::new(builder.with_root_certificates(roots).with_no_client_auth())))
    }
}

/// A connected socket.
pub(crate) enum Stream {
    /// As it is.
    Plain(TcpStream),
    /// Under TLS.
    Tls(Box<Tls>),
}

impl Stream {
    /// Connects. `patience`: how long reads wait at most, those of the TLS handshake included.
    pub(crate) fn open(address: &Address, patience: Duration) -> Result<Self> {
        let endpoint = &address.endpoint;
        let tcp = TcpStream::connect(endpoint).with_context(|| format!("no connection to {endpoint}"))?;
        tcp.set_nodelay(true)?;
        tcp.set_read_timeout(Some(patience))?;
        match &address.security {
            Security::Plain => Ok(Self::Plain(tcp)),
            Security::Tls(trust) => Ok(Self::Tls(Box::new(Tls::open(tcp, endpoint, trust)?))),
        }
    }

    /// Takes a socket that does not block and may still be connecting. A TLS handshake goes along with the first bytes: what is
    /// written before it is over waits in the session, and what is read may leave something to flush.
    pub(crate) fn start(tcp: TcpStream, address: &Address) -> Result<Self> {
        match &address.security {
            Security::Plain => Ok(Self::Plain(tcp)),
            Security::Tls(trust) => Ok(Self::Tls(Box::new(Tls::new(tcp, &address.endpoint, trust)?))),
        }
    }

    /// The socket itself, for its settings and for polling.
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.tcp,
        }
    }

    /// Reads once, waiting for bytes or not; an error of kind `WouldBlock` when there are none.
    pub(crate) fn receive(&mut self, room: &mut [u8], wait: Wait) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => receive(tcp, room, wait),
            Self::Tls(tls) => tls.receive(room, wait),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        self.receive(room, Wait::ForBytes)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(tcp) => tcp.write(bytes),
            Self::Tls(tls) => tls.write(bytes),
        }
    }

    /// Sends what TLS still holds, which may be something only on a socket that does not block.
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(tcp) => tcp.flush(),
            Self::Tls(tls) => tls.send_ciphertext(),
        }
    }
}

fn receive(tcp: &TcpStream, room: &mut [u8], wait: Wait) -> io::Result<usize> {
    let flags = if wait == Wait::Never { RecvFlags::DONTWAIT } else { RecvFlags::empty() };
    let (count, _) = rustix::net::recv(tcp, room, flags)?;
    Ok(count)
}

/// A socket with its TLS session.
pub(crate) struct Tls {
    tcp: TcpStream,
    session: ClientConnection,
    /// What came and is not deciphered yet is `start..end`.
    ciphertext: Vec<u8>,
    start: usize,
    end: usize,
}

impl Tls {
    fn open(tcp: TcpStream, endpoint: &str, trust: &Trust) -> Result<Self> {
        let mut tls = Self::new(tcp, endpoint, trust)?;
        while tls.session.is_handshaking() {
            tls.session.complete_io(&mut tls.tcp).map_err(|error| explained(error, endpoint))?;
        }
        Ok(tls)
    }

    fn new(tcp: TcpStream, endpoint: &str, trust: &Trust) -> Result<Self> {
        let host = host_of(endpoint);
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .with_context(|| format!("{host} is no name that a certificate can be for"))?;
        let session = ClientConnection::new(Arc::clone(&trust.0), name)?;
        Ok(Self { tcp, session, ciphertext: Vec::new(), start: 0, end: 0 })
    }

    /// Gives what can be deciphered of one read, or of the rest of the one before.
    fn receive(&mut self, room: &mut [u8], wait: Wait) -> io::Result<usize> {
        loop {
            if let Some(count) = self.decipher(room)? {
                return Ok(count);
            }
            let wanted = room.len().clamp(*CIPHERTEXT_BYTES.start(), *CIPHERTEXT_BYTES.end());
            if self.ciphertext.len() < wanted {
                self.ciphertext.resize(wanted, 0);
            }
            (self.start, self.end) = (0, 0);
            self.end = receive(&self.tcp, &mut self.ciphertext, wait)?;
            if self.end == 0 {
                return Ok(0);
            }
        }
    }

    /// Fills `room` with what came, as far as it goes. `None`: more has to come first. 0: the broker has said goodbye, or `room` is empty.
    fn decipher(&mut self, room: &mut [u8]) -> io::Result<Option<usize>> {
        let mut filled = 0;
        loop {
            let rest = room.get_mut(filled..).unwrap_or_default();
            match self.session.reader().read(rest) {
                Ok(0) => return Ok(Some(filled)),
                Ok(count) => {
                    filled += count;
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
            let mut waiting = self.ciphertext.get(self.start..self.end).unwrap_or_default();
            if waiting.is_empty() {
                return Ok((filled > 0).then_some(filled));
            }
            self.start += self.session.read_tls(&mut waiting)?;
            self.session.process_new_packets().map_err(io::Error::other)?;
        }
    }

    /// Takes as much as the session's buffer has room for, and sends it as far as the socket takes it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.send_ciphertext()?;
        let count = self.session.writer().write(bytes)?;
        match self.send_ciphertext() {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(count),
            sent => sent.map(|()| count),
        }
    }

    fn send_ciphertext(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            self.session.write_tls(&mut self.tcp)?;
        }
        Ok(())
    }
}

fn host_of(endpoint: &str) -> &str {
    endpoint.rsplit_once(':').map_or(endpoint, |(host, _)| host)
}

/// Whether a read failed in TLS itself, as it does for every connection then.
pub(crate) fn is_of_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// Says what to do about a certificate that is not good.
pub(crate) fn explained(error: io::Error, endpoint: &str) -> anyhow::Error {
    let host = host_of(endpoint);
    let cause = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    let what = match cause {
        // A bad signature: another CA of the same name.
        Some(rustls::Error::InvalidCertificate(
            CertificateError::UnknownIssuer | CertificateError::BadSignature,
        )) => "its certificate is not trusted: no CA in the file of --ca has signed it".to_owned(),
        Some(rustls::Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => format!("its certificate is for another name than {host}"),
        Some(rustls::Error::InvalidCertificate(_)) => "its certificate is not valid".to_owned(),
        Some(rustls::Error::InvalidMessage(_)) => "it does not speak TLS on this port".to_owned(),
        _ => return anyhow::Error::new(error).context(format!("no TLS with {endpoint}")),
    };
    anyhow::Error::new(error).context(what).context(format!("no TLS with {endpoint}"))
}

#[cfg(test)]
mod tests {
    use std::{
        net::TcpListener,
        thread::{self, JoinHandle},
    };

    use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
    use rustls::{
        ServerConfig, ServerConnection, StreamOwned,
        pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
    };

    use super::*;

    /// More than one read of ciphertext and than the session's buffers hold.
    const ECHO_BYTES: usize = 3 * *CIPHERTEXT_BYTES.end() + 1;
    const PATIENCE: Duration = Duration::from_secs(20);

    fn new_ca() -> CertifiedIssuer<'static, KeyPair> {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
    }

    fn trust(ca: &CertifiedIssuer<'static, KeyPair>) -> Result<Trust> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(ca.pem().as_bytes()).unwrap();
        Trust::read(file.path())
    }

    /// Serves one connection of TLS under a certificate for `name`: sends back `ECHO_BYTES` bytes, waits for one more and says goodbye.
    fn echo(ca: &CertifiedIssuer<'static, KeyPair>, name: &str) -> (u16, JoinHandle<io::Result<()>>) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, ca).unwrap();
        let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (tcp, _) = listener.accept()?;
            let session = ServerConnection::new(Arc::new(config)).map_err(io::Error::other)?;
            let mut stream = StreamOwned::new(session, tcp);
            let mut bytes = vec![0; ECHO_BYTES];
            stream.read_exact(&mut bytes)?;
            stream.write_all(&bytes)?;
            stream.read_exact(&mut [0])?;
            stream.conn.send_close_notify();
            stream.flush()
        });
        (port, server)
    }

    fn address(port: u16, trust: &Trust) -> Address {
        Address::parse(&format!("amqps://u:p@localhost:{port}"), Some(trust)).unwrap()
    }

    #[test]
    fn what_is_sent_over_tls_comes_back_and_then_the_end() {
        let ca = new_ca();
        let (port, server) = echo(&ca, "localhost");
        let mut stream = Stream::open(&address(port, &trust(&ca).unwrap()), PATIENCE).unwrap();
        let mut few = [0; 7];
        let nothing = stream.receive(&mut few, Wait::Never).unwrap_err();
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock);
        let sent: Vec<u8> = (0..ECHO_BYTES).map(|index| (index % 251) as u8).collect();
        stream.write_all(&sent).unwrap();
        stream.read_exact(&mut few).unwrap();
        let mut got = vec![0; ECHO_BYTES - few.len()];
        stream.read_exact(&mut got).unwrap();
        assert!(few == sent[..few.len()] && got == sent[few.len()..]);
        for _ in 0..2 {
            let nothing = stream.receive(&mut few, Wait::Never).unwrap_err();
            assert_eq!(nothing.kind(), ErrorKind::WouldBlock, "what was deciphered is not read again");
        }
        stream.write_all(&[0]).unwrap();
        assert_eq!(stream.receive(&mut few, Wait::ForBytes).unwrap(), 0);
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_certificate_that_is_not_good_is_named_as_such() {
        for (name, is_of_other_ca, expect) in [
            ("localhost", true, "no CA in the file of --ca has signed it"),
            ("elsewhere", false, "for another name than localhost"),
        ] {
            let ca = new_ca();
            let (port, server) = echo(&ca, name);
            let trusted = trust(&if is_of_other_ca { new_ca() } else { ca }).unwrap();
            let error = Stream::open(&address(port, &trusted), PATIENCE).err().unwrap();
            let text = format!("{error:#}");
            assert!(text.contains(expect), "{text}");
            assert!(server.join().unwrap().is_err());
        }
    }

    #[test]
    fn a_port_without_tls_is_named_as_such() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || listener.accept()?.0.write_all(b"AMQP\x00\x00\x09\x01"));
        let error = Stream::open(&address(port, &trust(&new_ca()).unwrap()), PATIENCE).err().unwrap();
        let text = format!("{error:#}");
        assert!(text.contains("does not speak TLS"), "{text}");
        server.join().unwrap().unwrap();
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Trust::read(file.path()).unwrap_err().to_string();
        assert!(error.contains("holds no certificate"), "{error}");
    }
}
