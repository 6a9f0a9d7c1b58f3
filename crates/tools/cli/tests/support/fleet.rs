//! A fleet of real nodes in a temporary directory, and clients that trust its CA.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use ternmq_fleet::{
    AcceptRule, Cidr, Engine, NodeLimits, NodeLogs, NodeName, NodeSpec, NodeUser, PortRange, ProcessFleet,
    ProcessSettings, Provisioner, Reach,
};

pub(crate) type Secured = StreamOwned<ClientConnection, TcpStream>;

/// Name that is in every certificate of the tests.
pub(crate) const HOST: &str = "b-1.mq.test";
pub(crate) const USER: &str = "ann";
pub(crate) const PASSWORD: &str = "pw";
/// Of the password.
const HASH: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$o1cEw+uvPJHdArbLZ6Br4Q$cQ/iF6GOPmiv3/YN7un+NsSzHl/054zVaJC4+9/jKmM";

pub(crate) fn name(number: u8) -> NodeName {
    NodeName::new(&format!("b-00000000-0000-4000-8000-0000000000{number:02x}"), 1).unwrap()
}

pub(crate) fn everybody() -> AcceptRule {
    AcceptRule { source: Cidr::ALL_V4, ports: PortRange::ALL }
}

pub(crate) fn spec(number: u8, engine: Engine) -> NodeSpec {
    NodeSpec {
        name: name(number),
        engine,
        engine_version: (engine == Engine::RabbitMq).then(|| "4.2.1".into()),
        reach: Reach::Loopback,
        host_names: vec![HOST.into()],
        directory: None,
        configuration: String::new(),
        limits: NodeLimits { memory_bytes: 1 << 30, storage_bytes: 1 << 30, connections: 100 },
        rules: vec![everybody()],
        logs: NodeLogs { general: true, audit: true, connection: true },
        incarnation: 1,
    }
}

pub(crate) fn user() -> NodeUser {
    NodeUser {
        name: USER.into(),
        password_hash: HASH.into(),
        groups: vec!["clerks".into()],
        is_administrator: true,
    }
}

/// A fleet whose nodes go with it.
pub(crate) struct Rig {
    fleet: Option<ProcessFleet>,
    root: PathBuf,
    _dir: tempfile::TempDir,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        // Longer than an address of a Unix socket can be.
        let root = dir.path().join("r".repeat(120));
        let mut rig = Self { fleet: None, root, _dir: dir };
        rig.open(ProcessSettings::default());
        rig
    }

    pub(crate) fn open(&mut self, settings: ProcessSettings) {
        self.open_with(PathBuf::from(env!("CARGO_BIN_EXE_ternmq")), settings);
    }

    /// A service of another build, or of the same build in another place.
    pub(crate) fn open_with(&mut self, program: PathBuf, settings: ProcessSettings) {
        self.fleet = None;
        self.fleet = Some(ProcessFleet::open(&self.root, program, settings).unwrap());
    }

    /// The service dies; its nodes do not.
    pub(crate) fn close(&mut self) {
        self.fleet = None;
    }

    pub(crate) fn fleet(&self) -> &ProcessFleet {
        self.fleet.as_ref().unwrap()
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn dir(&self, node: &NodeName) -> PathBuf {
        self.root.join("nodes").join(node.to_string())
    }

    /// Processes that run in a node's directory, whoever knows of them.
    pub(crate) fn processes(&self, node: &NodeName) -> Vec<u32> {
        let Ok(lock) = fs::metadata(self.dir(node).join("run.lock")) else { return Vec::new() };
        let is_it = |pid: &u32| {
            let input = fs::metadata(format!("/proc/{pid}/fd/0"));
            input.is_ok_and(|facts| (facts.dev(), facts.ino()) == (lock.dev(), lock.ino()))
        };
        let entries = fs::read_dir("/proc").unwrap();
        let pids = entries.filter_map(|entry| entry.unwrap().file_name().to_str()?.parse().ok());
        pids.filter(is_it).collect()
    }

    pub(crate) fn log(&self, node: &NodeName, file: &str) -> String {
        fs::read_to_string(self.dir(node).join("logs").join(file)).unwrap_or_default()
    }

    /// A TLS client that trusts the fleet's CA and nobody else. The handshake is not made yet.
    pub(crate) fn connect(&self, address: SocketAddr) -> Secured {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.fleet().ca_file()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let client = ClientConnection::new(Arc::new(config), HOST.try_into().unwrap()).unwrap();
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        StreamOwned::new(client, stream)
    }

    /// The status line of a request with the user's password.
    pub(crate) fn get(&self, address: SocketAddr, path: &str) -> io::Result<String> {
        Ok(self.answer(address, path)?.lines().next().unwrap_or_default().to_owned())
    }

    /// All that such a request is answered.
    pub(crate) fn answer(&self, address: SocketAddr, path: &str) -> io::Result<String> {
        let mut stream = self.connect(address);
        // ann:pw
        let head = format!(
            "GET {path} HTTP/1.1\r\nhost: x\r\nauthorization: Basic YW5uOnB3\r\nconnection: close\r\n\r\n"
        );
        stream.write_all(head.as_bytes())?;
        let mut answer = Vec::new();
        match stream.read_to_end(&mut answer) {
            // The connection may end without TLS's own goodbye.
            Err(error) if error.kind() != io::ErrorKind::UnexpectedEof || answer.is_empty() => {
                return Err(error);
            }
            _ => {}
        }
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        if self.fleet.is_none() {
            self.open(ProcessSettings::default());
        }
        let fleet = self.fleet();
        for node in fleet.list().unwrap() {
            let removed = fleet.remove(&node);
            assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
        }
    }
}

/// Logs in by AMQP 0-9-1, as far as the broker's `connection.tune`.
pub(crate) fn log_in_amqp(stream: &mut Secured, password: &str) -> io::Result<()> {
    stream.write_all(b"AMQP\0\0\x09\x01")?;
    assert_eq!(read_method(stream)?, (10, 10));
    let mut arguments = vec![0, 0, 0, 0, 5];
    arguments.extend_from_slice(b"PLAIN");
    let response = format!("\0{USER}\0{password}");
    arguments.extend_from_slice(&u32::try_from(response.len()).unwrap().to_be_bytes());
    arguments.extend_from_slice(response.as_bytes());
    arguments.extend_from_slice(b"\x05en_US");
    let mut frame = vec![1, 0, 0];
    frame.extend_from_slice(&u32::try_from(arguments.len() + 4).unwrap().to_be_bytes());
    frame.extend_from_slice(&[0, 10, 0, 11]);
    frame.extend_from_slice(&arguments);
    frame.push(0xce);
    stream.write_all(&frame)?;
    match read_method(stream)? {
        (10, 30) => Ok(()),
        other => Err(io::Error::other(format!("refused by {other:?}"))),
    }
}

fn read_method(stream: &mut Secured) -> io::Result<(u16, u16)> {
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    let len = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut rest = vec![0; len + 1];
    stream.read_exact(&mut rest)?;
    Ok((u16::from_be_bytes([rest[0], rest[1]]), u16::from_be_bytes([rest[2], rest[3]])))
}

/// Logs in by STOMP; answers the command of the answer.
pub(crate) fn log_in_stomp(stream: &mut Secured) -> io::Result<String> {
    write!(stream, "CONNECT\naccept-version:1.2\nhost:localhost\nlogin:{USER}\npasscode:{PASSWORD}\n\n\0")?;
    let mut command = Vec::new();
    let mut byte = [0];
    while stream.read(&mut byte)? == 1 && byte != *b"\n" {
        command.extend_from_slice(&byte);
    }
    Ok(String::from_utf8_lossy(&command).into_owned())
}
