//! TLS, WebSocket, the header of a proxy and the port for everything, on a real broker.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, ExtendedKeyUsagePurpose,
    IsCa, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use support::FREE_PORTS;

const GREETING: &[u8] = b"AMQP\0\0\x09\x01";

struct Broker {
    child: Child,
    log: BufReader<std::process::ChildStderr>,
    ports: HashMap<String, String>,
}

impl Broker {
    fn start(dir: &Path, more: &[&str]) -> Self {
        let (data, ports) = (dir.join("data"), dir.join("ports.json"));
        let mut command = Command::new(env!("CARGO_BIN_EXE_ternmq"));
        command.args(["broker", "--data-dir"]).arg(&data).arg("--ports-file").arg(&ports).args(FREE_PORTS);
        let is_secured = more.contains(&"--tls-cert") || more.contains(&"--tls-self-signed");
        for name in ["amqps", "mqtts", "stomps", "openwires", "wss", "https"].iter().filter(|_| is_secured) {
            command.args(["--listen", &format!("{name}=127.0.0.1:0")]);
        }
        command.args(more).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let mut text = String::new();
        while !text.contains(" ready\n") {
            assert!(log.read_line(&mut text).unwrap() > 0, "it ended with\n{text}");
        }
        let ports = serde_json::from_str(&fs::read_to_string(ports).unwrap()).unwrap();
        Self { child, log, ports }
    }

    fn plain(&self, name: &str) -> TcpStream {
        let stream = TcpStream::connect(&self.ports[name]).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream
    }

    fn secured(
        &self,
        name: &str,
        ca: &Path,
        identity: Option<&Made>,
    ) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(ca).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => builder.with_no_client_auth(),
            Some(made) => {
                let chain = vec![CertificateDer::from_pem_file(&made.certificate).unwrap()];
                let key = PrivateKeyDer::from_pem_file(&made.key).unwrap();
                builder.with_client_auth_cert(chain, key).unwrap()
            }
        };
        let client = ClientConnection::new(Arc::new(config), "localhost".try_into().unwrap()).unwrap();
        StreamOwned::new(client, self.plain(name))
    }

    fn wait_for(&mut self, expect: &str) {
        let mut text = String::new();
        while !text.contains(expect) {
            assert!(self.log.read_line(&mut text).unwrap() > 0, "it ended with\n{text}");
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(sent.unwrap().success());
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Made {
    certificate: PathBuf,
    key: PathBuf,
}

struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
    file: PathBuf,
}

impl Ca {
    fn new(dir: &Path, name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let file = dir.join(format!("{name}.pem"));
        fs::write(&file, issuer.pem()).unwrap();
        Self { issuer, file }
    }

    fn make(&self, dir: &Path, file: &str, name: &str, usage: ExtendedKeyUsagePurpose) -> Made {
        let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let made =
            Made { certificate: dir.join(format!("{file}.pem")), key: dir.join(format!("{file}.key")) };
        fs::write(&made.key, key.serialize_pem()).unwrap();
        fs::write(&made.certificate, params.signed_by(&key, &self.issuer).unwrap().pem()).unwrap();
        made
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Reads one frame; its class and method, and its whole payload.
fn method(stream: &mut impl Read) -> std::io::Result<(u16, u16, Vec<u8>)> {
    let mut head = [0; 7];
    stream.read_exact(&mut head)?;
    let len = u32::from_be_bytes([head[3], head[4], head[5], head[6]]) as usize;
    let mut payload = vec![0; len + 1];
    stream.read_exact(&mut payload)?;
    let number = |at: usize| u16::from_be_bytes([payload[at], payload[at + 1]]);
    Ok((number(0), number(2), payload))
}

/// The mechanisms that connection.start offers.
fn start(stream: &mut (impl Read + Write)) -> String {
    stream.write_all(GREETING).unwrap();
    let (class, method, payload) = method(stream).unwrap();
    assert_eq!((class, method), (10, 10));
    let properties = u32::from_be_bytes(payload[6..10].try_into().unwrap()) as usize;
    let at = 10 + properties;
    let len = u32::from_be_bytes(payload[at..at + 4].try_into().unwrap()) as usize;
    String::from_utf8(payload[at + 4..at + 4 + len].to_vec()).unwrap()
}

/// Logs in by EXTERNAL; whether the broker goes on.
fn log_in(stream: &mut (impl Read + Write)) -> bool {
    let mut payload = vec![0, 10, 0, 11, 0, 0, 0, 0];
    payload.extend_from_slice(b"\x08EXTERNAL\0\0\0\0\x05en_US");
    let mut frame = vec![1, 0, 0];
    frame.extend_from_slice(&(payload.len() as u32).to_be_bytes());
    frame.extend_from_slice(&payload);
    frame.push(0xce);
    stream.write_all(&frame).unwrap();
    matches!(method(stream), Ok((10, 30, _)))
}

/// An MQTT 3.1.1 client that says who it is, or nothing about it; answers the return code.
fn connect_mqtt(stream: &mut (impl Read + Write), login: Option<(&str, &str)>) -> u8 {
    let field = |text: &str| [&(text.len() as u16).to_be_bytes()[..], text.as_bytes()].concat();
    let flags = if login.is_some() { 0xC2 } else { 0x02 };
    let mut rest = [&field("MQTT")[..], &[4, flags, 0, 0], &field("x")].concat();
    if let Some((user, password)) = login {
        rest.extend([field(user), field(password)].concat());
    }
    stream.write_all(&[&[0x10, rest.len() as u8][..], &rest].concat()).unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer[..3], &[0x20, 2, 0]);
    answer[3]
}

/// Whether a CONNECT with these further header lines is let in.
fn connect_stomp(stream: &mut (impl Read + Write), headers: &str) -> bool {
    write!(stream, "CONNECT\naccept-version:1.2\n{headers}\n\0").unwrap();
    let mut first = [0; 5];
    stream.read_exact(&mut first).unwrap();
    assert!([b"CONNE", b"ERROR"].contains(&&first), "{first:?}");
    &first == b"CONNE"
}

#[test]
fn a_development_ca_is_made_once_and_serves_every_listener() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("data/tls/ca.pem");
    let broker = Broker::start(dir.path(), &["--tls-self-signed"]);
    assert_eq!(start(&mut broker.secured("amqps", &ca, None)), "PLAIN AMQPLAIN");
    assert_eq!(start(&mut broker.plain("amqp")), "PLAIN AMQPLAIN");
    let mut https = broker.secured("https", &ca, None);
    https.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    https.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with("\r\n\r\nok\n"), "{answer}");
    let before = fs::read(&ca).unwrap();
    drop(broker);
    let broker = Broker::start(dir.path(), &["--tls-self-signed"]);
    assert_eq!(fs::read(&ca).unwrap(), before);
    start(&mut broker.secured("amqps", &ca, None));
}

#[test]
fn s4_a_client_logs_in_by_its_certificate() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path(), "ca");
    let server = ca.make(dir.path(), "server", "server", ExtendedKeyUsagePurpose::ServerAuth);
    let client = |name: &str| ca.make(dir.path(), name, name, ExtendedKeyUsagePurpose::ClientAuth);
    let (admin, nobody) = (client("admin"), client("nobody"));
    let (certificate, key) = (text(&server.certificate), text(&server.key));
    let flags = ["--tls-cert", certificate, "--tls-key", key, "--tls-ca", text(&ca.file), "--tls-user", "cn"];
    let broker = Broker::start(dir.path(), &flags);
    let mut without = broker.secured("amqps", &ca.file, None);
    assert_eq!(start(&mut without), "PLAIN AMQPLAIN");
    assert!(!log_in(&mut without), "nobody is named");
    let mut known = broker.secured("amqps", &ca.file, Some(&admin));
    assert_eq!(start(&mut known), "PLAIN AMQPLAIN EXTERNAL");
    assert!(log_in(&mut known));
    let mut unknown = broker.secured("amqps", &ca.file, Some(&nobody));
    assert_eq!(start(&mut unknown), "PLAIN AMQPLAIN EXTERNAL");
    assert!(!log_in(&mut unknown), "there is no such user");
    let mqtt = |identity| connect_mqtt(&mut broker.secured("mqtts", &ca.file, identity), None);
    assert_eq!([mqtt(None), mqtt(Some(&admin)), mqtt(Some(&nobody))], [4, 0, 4]);
    let stomp = |identity| connect_stomp(&mut broker.secured("stomps", &ca.file, identity), "");
    assert_eq!([stomp(None), stomp(Some(&admin)), stomp(Some(&nobody))], [false, true, false]);
}

#[test]
fn a_file_opens_listeners_with_tls_of_each_protocol() {
    let dir = tempfile::tempdir().unwrap();
    let ca = Ca::new(dir.path(), "ca");
    let server = ca.make(dir.path(), "server", "server", ExtendedKeyUsagePurpose::ServerAuth);
    let config = dir.path().join("conf");
    let (certificate, key) = (text(&server.certificate), text(&server.key));
    let lines = [
        format!("ssl_options.certfile = {certificate}\nssl_options.keyfile = {key}\n"),
        "listeners.ssl.default = 127.0.0.1:0\n".to_owned(),
        "mqtt.listeners.ssl.default = 127.0.0.1:0\nstomp.listeners.ssl.default = 127.0.0.1:0\n".to_owned(),
    ];
    fs::write(&config, lines.concat()).unwrap();
    let broker = Broker::start(dir.path(), &["--config", text(&config)]);
    assert_eq!(start(&mut broker.secured("amqps", &ca.file, None)), "PLAIN AMQPLAIN");
    let password = fs::read_to_string(dir.path().join("data/admin.password")).unwrap();
    let mut mqtt = broker.secured("mqtts", &ca.file, None);
    assert_eq!(connect_mqtt(&mut mqtt, Some(("admin", password.trim()))), 0);
    let mut stomp = broker.secured("stomps", &ca.file, None);
    assert!(connect_stomp(&mut stomp, &format!("login:admin\npasscode:{}\n", password.trim())));
}

#[test]
fn certificates_are_read_again_at_a_signal() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (Ca::new(dir.path(), "old"), Ca::new(dir.path(), "new"));
    let server = old.make(dir.path(), "server", "server", ExtendedKeyUsagePurpose::ServerAuth);
    let flags = ["--tls-cert", text(&server.certificate), "--tls-key", text(&server.key)];
    let mut broker = Broker::start(dir.path(), &flags);
    start(&mut broker.secured("amqps", &old.file, None));
    new.make(dir.path(), "server", "server", ExtendedKeyUsagePurpose::ServerAuth);
    broker.signal("HUP");
    broker.wait_for("certificates were read again");
    start(&mut broker.secured("amqps", &new.file, None));
    fs::write(&server.certificate, "damaged").unwrap();
    broker.signal("HUP");
    broker.wait_for("the old ones stay in use");
    start(&mut broker.secured("amqps", &new.file, None));
}

fn upgrade(stream: &mut (impl Read + Write), more: &str) -> String {
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: amqp\r\n{more}\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        answer.push(byte[0]);
    }
    String::from_utf8(answer).unwrap()
}

/// AMQP inside a WebSocket: the greeting in a binary frame, and the answer to it.
fn greet(stream: &mut (impl Read + Write)) {
    let answer = upgrade(stream, "");
    assert!(answer.contains("\r\nsec-websocket-protocol: amqp\r\n"), "{answer}");
    // a mask of zeros masks nothing
    stream.write_all(&[&[0x82, 0x88, 0, 0, 0, 0][..], GREETING].concat()).unwrap();
    let mut head = [0; 4];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head[..2], &[0x82, 126]);
    assert_eq!(method(stream).map(|(class, method, _)| (class, method)).unwrap(), (10, 10));
}

#[test]
fn amqp_through_a_websocket_and_pages_of_others_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("data/tls/ca.pem");
    let broker = Broker::start(dir.path(), &["--tls-self-signed", "--ws-origin", "https://shop.example"]);
    greet(&mut broker.plain("ws"));
    greet(&mut broker.secured("wss", &ca, None));
    let answer = upgrade(&mut broker.plain("ws"), "Origin: https://evil.example\r\n");
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    let answer = upgrade(&mut broker.plain("ws"), "Origin: https://shop.example\r\n");
    assert!(answer.starts_with("HTTP/1.1 101 "), "{answer}");
}

#[test]
fn one_port_takes_every_protocol_with_tls_and_without() {
    let dir = tempfile::tempdir().unwrap();
    let ca = dir.path().join("data/tls/ca.pem");
    let broker = Broker::start(dir.path(), &["--tls-self-signed", "--listen", "any=127.0.0.1:0"]);
    start(&mut broker.plain("any"));
    greet(&mut broker.plain("any"));
    start(&mut broker.secured("any", &ca, None));
    greet(&mut broker.secured("any", &ca, None));
    assert_eq!(connect_mqtt(&mut broker.plain("any"), None), 5, "nobody comes in without a name");
    assert_eq!(connect_mqtt(&mut broker.secured("any", &ca, None), None), 5);
    let mut none = broker.plain("any");
    none.write_all(b"HELO x\r\n").unwrap();
    assert_eq!(none.read(&mut [0]).unwrap(), 0);
}

#[test]
fn s1_the_header_of_a_proxy_counts_from_its_address_only() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path(), &["--proxy-from", "127.0.0.1"]);
    let mut proxied = broker.plain("amqp");
    proxied.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 5672\r\n").unwrap();
    start(&mut proxied);
    let mut bare = broker.plain("amqp");
    bare.write_all(GREETING).unwrap();
    assert_eq!(bare.read(&mut [0]).unwrap(), 0, "a proxy without its header is refused");
    drop(broker);
    let broker = Broker::start(dir.path(), &["--proxy-from", "192.0.2.0/24"]);
    start(&mut broker.plain("amqp"));
    let mut claimed = broker.plain("amqp");
    claimed.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 5000 5672\r\n").unwrap();
    let mut answer = [0; 8];
    claimed.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, GREETING, "from others it is no AMQP, and nothing else");
}
