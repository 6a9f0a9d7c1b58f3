//! TLS under the driver: real clients of the library over transports in memory, and peers that do not mean well.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::io::{Read, Write};
use std::sync::{Arc, Mutex};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use support::{Lines, Pipe, finish_turn, now, ready_broker, settle, turn};
use ternmq_net::{
    Arrival, CertificatePem, ClientAuth, Driver, DriverLimits, Key, LoginFrom, Origins, Readiness,
    SessionFactory, Spoken, TlsOptions, TlsServer, TlsVersion, WebSocketSettings, Wire, websocket,
};

const PLENTY: usize = usize::MAX;

struct Ca {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

struct Made {
    certificate: String,
    key: String,
}

impl Ca {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self { issuer: CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap() }
    }

    fn pem(&self) -> String {
        self.issuer.pem()
    }

    fn server(&self, names: &[&str]) -> Made {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        self.sign(CertificateParams::new(names).unwrap(), ExtendedKeyUsagePurpose::ServerAuth)
    }

    /// A client of this name; valid for `days` from the start of the tests' clock, which is in 2023.
    fn client(&self, name: &str, until_year: i32) -> Made {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, name);
        params.not_after = rcgen::date_time_ymd(until_year, 1, 1);
        self.sign(params, ExtendedKeyUsagePurpose::ClientAuth)
    }

    fn sign(&self, mut params: CertificateParams, usage: ExtendedKeyUsagePurpose) -> Made {
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        Made { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}

fn pem(made: &Made) -> CertificatePem {
    CertificatePem {
        certificate_name: "server.pem".into(),
        certificate: made.certificate.clone().into_bytes(),
        key_name: "server.key".into(),
        key: made.key.clone().into_bytes(),
    }
}

fn options(ca: &Ca) -> TlsOptions {
    TlsOptions { certificates: vec![pem(&ca.server(&["localhost"]))], ..TlsOptions::default() }
}

fn with_clients(ca: &Ca, client_auth: ClientAuth) -> TlsOptions {
    TlsOptions {
        client_ca: Some(("ca.pem".into(), ca.pem().into_bytes())),
        client_auth,
        login_from: Some(LoginFrom::CommonName),
        ..options(ca)
    }
}

/// A client's settings.
fn client_config(ca: &Ca, identity: Option<&Made>, is_12: bool) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(ca.pem().as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions = if is_12 { vec![&rustls::version::TLS12] } else { vec![&rustls::version::TLS13] };
    let builder = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        None => builder.with_no_client_auth(),
        Some(made) => {
            let chain =
                CertificateDer::pem_slice_iter(made.certificate.as_bytes()).map(Result::unwrap).collect();
            builder
                .with_client_auth_cert(chain, PrivateKeyDer::from_pem_slice(made.key.as_bytes()).unwrap())
                .unwrap()
        }
    };
    Arc::new(config)
}

struct Rig {
    driver: Driver<Wire<Pipe>>,
    now_ms: u64,
    arrivals: Arc<Mutex<Vec<Arrival>>>,
}

struct Client {
    tls: ClientConnection,
    pipe: Pipe,
    key: Key,
    received: Vec<u8>,
}

impl Rig {
    fn new() -> Self {
        let driver = Driver::new(ready_broker(), DriverLimits::default());
        Self { driver, now_ms: 1_000, arrivals: Arc::default() }
    }

    fn accept(&mut self, server: &TlsServer, room: usize) -> (Key, Pipe) {
        let arrivals = self.arrivals.clone();
        let factory: SessionFactory = Arc::new(move |arrival: &Arrival| {
            arrivals.lock().unwrap().push(arrival.clone());
            Box::new(Lines::new())
        });
        self.accept_for(factory, server, room)
    }

    fn accept_for(&mut self, factory: SessionFactory, server: &TlsServer, room: usize) -> (Key, Pipe) {
        let pipe = Pipe::with_room(room);
        self.driver.begin_turn(now(self.now_ms));
        let arrival =
            Arrival { peer: Some(([10, 0, 0, 1], 5).into()), now_ms: self.now_ms, ..Arrival::default() };
        let key = self.driver.add_opening(Wire::secured(pipe.clone(), server), factory, arrival);
        self.driver.flush();
        (key, pipe)
    }

    fn connect(&mut self, server: &TlsServer, config: &Arc<ClientConfig>, name: &'static str) -> Client {
        let (key, pipe) = self.accept(server, PLENTY);
        let tls = ClientConnection::new(config.clone(), name.try_into().unwrap()).unwrap();
        Client { tls, pipe, key, received: Vec::new() }
    }

    fn turn(&mut self, key: Key) {
        turn(&mut self.driver, self.now_ms, key);
        settle(&mut self.driver, self.now_ms);
    }

    fn finish_turn(&mut self) {
        finish_turn(&mut self.driver);
    }

    fn pass(&mut self, ms: u64) {
        self.now_ms += ms;
        self.driver.begin_turn(now(self.now_ms));
        self.finish_turn();
    }

    /// Lets both sides speak until neither has anything to say.
    fn exchange(&mut self, client: &mut Client) -> Result<(), rustls::Error> {
        for _ in 0..10_000 {
            let mut sent = Vec::new();
            while client.tls.wants_write() {
                client.tls.write_tls(&mut sent).unwrap();
            }
            let is_quiet = sent.is_empty();
            client.pipe.send_bytes(&sent);
            self.turn(client.key);
            let answer = client.pipe.take_bytes();
            if is_quiet && answer.is_empty() {
                return Ok(());
            }
            let mut rest = &answer[..];
            while !rest.is_empty() {
                client.tls.read_tls(&mut rest).unwrap();
                client.tls.process_new_packets()?;
                let mut buffer = [0; 16_384];
                while let Ok(count @ 1..) = client.tls.reader().read(&mut buffer) {
                    client.received.extend_from_slice(&buffer[..count]);
                }
            }
        }
        panic!("the two do not come to rest");
    }

    fn ask(&mut self, client: &mut Client, text: &str) -> String {
        client.tls.writer().write_all(text.as_bytes()).unwrap();
        self.exchange(client).unwrap();
        String::from_utf8(std::mem::take(&mut client.received)).unwrap()
    }
}

#[test]
fn lines_go_through_both_versions_and_the_end_is_said() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    for is_12 in [true, false] {
        let mut rig = Rig::new();
        let mut client = rig.connect(&server, &client_config(&ca, None, is_12), "localhost");
        assert_eq!(rig.ask(&mut client, "echo a\necho b\n"), "a\nb\n");
        let secured = rig.arrivals.lock().unwrap()[0].secured.clone().unwrap();
        assert_eq!(secured.version, if is_12 { "TLSv1.2" } else { "TLSv1.3" });
        assert_eq!(secured.certificate, None);
        assert_eq!(rig.ask(&mut client, "bye\n"), "bye\n");
        let state = client.tls.process_new_packets().unwrap();
        assert!(state.peer_has_closed(), "close_notify");
        assert!(client.pipe.0.borrow().is_finished);
        client.tls.send_close_notify();
        rig.exchange(&mut client).unwrap();
        assert_eq!(rig.driver.open_count(), 0);
    }
}

#[test]
fn bulk_in_both_directions_whatever_the_pieces() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, None, false), "localhost");
    rig.ask(&mut client, "echo in\n");
    assert_eq!(rig.ask(&mut client, "big 3000000\n").len(), 3_000_000);
    let words: String = (0..60_000).map(|number| format!("echo {number}\n")).collect();
    let expect: String = (0..60_000).map(|number| format!("{number}\n")).collect();
    client.tls.set_buffer_limit(None);
    assert_eq!(rig.ask(&mut client, &words), expect);
    // byte by byte
    client.tls.writer().write_all(b"echo slow\n").unwrap();
    let mut sent = Vec::new();
    client.tls.write_tls(&mut sent).unwrap();
    for byte in sent {
        client.pipe.send_bytes(&[byte]);
        rig.turn(client.key);
    }
    rig.exchange(&mut client).unwrap();
    assert_eq!(client.received, b"slow\n");
}

#[test]
fn a_full_socket_takes_the_rest_later_and_f16_holds() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, None, false), "localhost");
    rig.ask(&mut client, "echo in\n");
    client.pipe.0.borrow_mut().room = 1_000;
    client.tls.writer().write_all(b"big 100000\n").unwrap();
    rig.exchange(&mut client).unwrap();
    assert!(client.received.len() < 1_000);
    rig.pass(29_000);
    client.pipe.0.borrow_mut().room = 10;
    rig.exchange(&mut client).unwrap();
    rig.pass(29_000);
    assert_eq!(rig.driver.open_count(), 1, "ten bytes of a record are progress");
    client.pipe.0.borrow_mut().room = PLENTY;
    rig.exchange(&mut client).unwrap();
    assert_eq!(client.received.len(), 100_000);
    client.pipe.0.borrow_mut().room = 0;
    client.tls.writer().write_all(b"big 10\n").unwrap();
    rig.exchange(&mut client).unwrap();
    rig.pass(30_000);
    assert_eq!((rig.driver.open_count(), rig.driver.counters().stalled), (0, 1));
}

#[test]
fn b2_half_open_handshakes_end_after_ten_seconds_and_silent_ones_make_room() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut hello = Vec::new();
    let config = client_config(&ca, None, false);
    let mut tls = ClientConnection::new(config, "localhost".try_into().unwrap()).unwrap();
    tls.write_tls(&mut hello).unwrap();
    // nothing; a part of a record's head; all but the last byte of the hello; a hello and then nothing
    for sent in [0, 3, hello.len() - 1, hello.len()] {
        let mut rig = Rig::new();
        let (key, pipe) = rig.accept(&server, PLENTY);
        pipe.send_bytes(&hello[..sent]);
        rig.turn(key);
        rig.pass(9_999);
        assert_eq!((rig.driver.open_count(), rig.driver.counters().handshaking), (1, 1), "{sent}");
        rig.pass(1);
        rig.pass(3_000);
        assert_eq!((rig.driver.open_count(), rig.driver.counters().handshaking), (0, 0), "{sent}");
        assert!(rig.arrivals.lock().unwrap().is_empty());
    }
}

/// Part of a request for a WebSocket after a handshake that begins so late; answers after how long it is given up.
fn check_slow_head(handshake_ms: u64, head_ms: u64) {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let spoken = Spoken {
        subprotocols: &["lines"],
        is_default: true,
        speaks_text: true,
        factory: Arc::new(|_: &Arrival| Box::new(Lines::new())),
    };
    let settings =
        WebSocketSettings { spoken: vec![spoken], origins: Origins::default(), max_message_bytes: 1_000 };
    let (key, pipe) = rig.accept_for(websocket(Arc::new(settings)), &server, PLENTY);
    rig.pass(handshake_ms);
    let tls =
        ClientConnection::new(client_config(&ca, None, false), "localhost".try_into().unwrap()).unwrap();
    let mut client = Client { tls, pipe, key, received: Vec::new() };
    assert_eq!(rig.ask(&mut client, "GET /ws HTTP/1.1\r\n"), "");
    rig.pass(head_ms - 1);
    assert_eq!(rig.ask(&mut client, "Host: localhost\r\n"), "");
    rig.pass(1);
    assert!(rig.ask(&mut client, "").starts_with("HTTP/1.1 408 "), "{handshake_ms}");
}

#[test]
fn a_slow_handshake_takes_nothing_from_the_time_for_the_head_of_a_websocket_but_b2_holds() {
    check_slow_head(0, 5_000);
    check_slow_head(5_000, 5_000);
    check_slow_head(9_000, 1_000);
}

fn check_refused(bytes: &[u8], is_alerted: bool) {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let (key, pipe) = rig.accept(&server, PLENTY);
    pipe.send_bytes(bytes);
    rig.turn(key);
    assert_eq!((rig.driver.open_count(), rig.driver.counters().transport_faults), (0, 1), "{bytes:?}");
    let answer = pipe.take_bytes();
    // an alert record
    assert_eq!(answer.first() == Some(&21), is_alerted, "{answer:?}");
}

#[test]
fn what_is_no_tls_is_refused_by_its_first_bytes() {
    check_refused(b"AMQP\0\0\x09\x01", false);
    check_refused(b"GET / HTTP/1.1\r\n", false);
    check_refused(&[22, 2], false);
    check_refused(&[128, 46, 1], false);
    // a record that says it is longer than any may be, and an empty handshake record
    check_refused(&[22, 3, 1, 0xff, 0xff], true);
    check_refused(&[22, 3, 1, 0, 4, 77, 0, 0, 0], true);
    check_refused(&[23, 3, 3, 0, 1, 0], true);
}

#[test]
fn a_handshake_message_that_claims_to_be_endless_is_not_kept() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let (key, pipe) = rig.accept(&server, PLENTY);
    // a hello of 16 MiB less one byte, in records of 16 KiB
    let mut first = vec![22, 3, 1, 0x40, 0, 1, 0xff, 0xff, 0xff];
    first.resize(5 + 0x4000, 0);
    pipe.send_bytes(&first);
    for _ in 0..20 {
        pipe.send_bytes(&[&[22, 3, 1, 0x40, 0][..], &[0; 0x4000]].concat());
        rig.turn(key);
    }
    assert_eq!((rig.driver.open_count(), rig.driver.counters().transport_faults), (0, 1));
}

#[test]
fn s3_older_versions_are_not_spoken() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&TlsOptions { least: TlsVersion::V1_3, ..options(&ca) }).unwrap();
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, None, true), "localhost");
    let error = rig.exchange(&mut client).unwrap_err();
    assert_eq!(error.to_string(), "received fatal alert: ProtocolVersion");
    let mut client = rig.connect(&server, &client_config(&ca, None, false), "localhost");
    assert_eq!(rig.ask(&mut client, "echo a\n"), "a\n");
}

/// The user that a session learns of, or that the connection failed.
fn user(server: &TlsServer, config: &Arc<ClientConfig>) -> Result<Option<String>, ()> {
    let mut rig = Rig::new();
    let mut client = rig.connect(server, config, "localhost");
    client.tls.writer().write_all(b"echo a\n").unwrap();
    rig.exchange(&mut client).map_err(|_| ())?;
    let arrivals = rig.arrivals.lock().unwrap();
    let arrival = arrivals.first().ok_or(())?;
    assert_eq!(client.received, b"a\n");
    Ok(arrival.certificate_user().map(|user| user.to_string()))
}

#[test]
fn s4_client_certificates_are_verified_to_the_trusted_ca() {
    let (ca, other) = (Ca::new("ca"), Ca::new("ca"));
    let (good, foreign) = (ca.client("app", 2_100), other.client("app", 2_100));
    let expired = ca.client("app", 2_001);
    let server_kind = ca.server(&["app"]);
    for is_12 in [true, false] {
        let config = |identity| client_config(&ca, identity, is_12);
        for (client_auth, without) in
            [(ClientAuth::Off, Ok(None)), (ClientAuth::Wanted, Ok(None)), (ClientAuth::Required, Err(()))]
        {
            let server = TlsServer::new(&with_clients(&ca, client_auth)).unwrap();
            assert_eq!(user(&server, &config(None)), without, "{client_auth:?}");
            let is_off = client_auth == ClientAuth::Off;
            let bad = if is_off { Ok(None) } else { Err(()) };
            let named = if is_off { Ok(None) } else { Ok(Some("app".to_owned())) };
            assert_eq!(user(&server, &config(Some(&good))), named, "{client_auth:?}");
            assert_eq!(user(&server, &config(Some(&foreign))), bad, "a CA of the same name is another");
            assert_eq!(user(&server, &config(Some(&expired))), bad);
            assert_eq!(user(&server, &config(Some(&server_kind))), bad, "not made for clients");
        }
    }
}

#[test]
fn s4_an_expired_certificate_ends_its_connection_within_a_minute() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&with_clients(&ca, ClientAuth::Required)).unwrap();
    // The library looks at the real clock, the driver at the tests' one: 2100 is 2.4e12 ms after its zero.
    let app = ca.client("app", 2_100);
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, Some(&app), false), "localhost");
    assert_eq!(rig.ask(&mut client, "echo a\n"), "a\n");
    let until_ms = rig.arrivals.lock().unwrap()[0].certificate().unwrap().valid_until_ms;
    let offset = now(0).wall_ms;
    for wall_ms in [until_ms - 100_000, until_ms - 1, until_ms] {
        rig.now_ms = wall_ms - offset;
        rig.pass(0);
        rig.exchange(&mut client).unwrap();
        let is_over = wall_ms == until_ms;
        assert_eq!(rig.driver.counters().expired, u64::from(is_over), "{wall_ms}");
        assert_eq!(client.received, if is_over { &b"draining\n"[..] } else { b"" });
    }
    rig.pass(3_000);
    assert_eq!(rig.driver.open_count(), 0);
}

#[test]
fn a_wall_clock_that_is_set_forward_ends_it_within_a_minute_too() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&with_clients(&ca, ClientAuth::Required)).unwrap();
    let app = ca.client("app", 2_100);
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, Some(&app), false), "localhost");
    rig.ask(&mut client, "echo a\n");
    rig.now_ms += 30_000;
    let later = ternmq_broker::Now { monotonic_ms: rig.now_ms, wall_ms: 5_000_000_000_000 };
    rig.driver.begin_turn(later);
    rig.finish_turn();
    assert_eq!(rig.driver.counters().expired, 1);
}

#[test]
fn the_name_that_a_client_asks_for_chooses_the_certificate() {
    let (first, second) = (Ca::new("first"), Ca::new("second"));
    let certificates = vec![
        pem(&first.server(&["localhost", "a.example"])),
        pem(&second.server(&["b.example", "*.c.example"])),
    ];
    let server = TlsServer::new(&TlsOptions { certificates, ..TlsOptions::default() }).unwrap();
    for (name, ca, is_good) in [
        ("a.example", &first, true),
        ("B.example", &second, true),
        ("x.c.example", &second, true),
        ("localhost", &first, true),
        ("b.example", &first, false),
        ("x.y.c.example", &second, false),
        ("127.0.0.1", &second, false),
    ] {
        let mut rig = Rig::new();
        let mut client = rig.connect(&server, &client_config(ca, None, false), name);
        assert_eq!(rig.exchange(&mut client).is_ok(), is_good, "{name}");
    }
}

#[test]
fn certificates_are_replaced_for_the_next_connection_only() {
    let (old, new) = (Ca::new("old"), Ca::new("new"));
    let server = TlsServer::new(&options(&old)).unwrap();
    let mut rig = Rig::new();
    let mut first = rig.connect(&server, &client_config(&old, None, false), "localhost");
    rig.ask(&mut first, "echo a\n");
    let error = server.replace(&TlsOptions { certificates: Vec::new(), ..options(&old) }).unwrap_err();
    assert_eq!(
        error.to_string(),
        "there is no certificate to show to clients; name one with its key, or say --tls-self-signed"
    );
    let mut still = rig.connect(&server, &client_config(&old, None, false), "localhost");
    assert_eq!(rig.ask(&mut still, "echo b\n"), "b\n");
    server.replace(&options(&new)).unwrap();
    let mut next = rig.connect(&server, &client_config(&new, None, false), "localhost");
    assert_eq!(rig.ask(&mut next, "echo c\n"), "c\n");
    assert_eq!(rig.ask(&mut first, "echo d\n"), "d\n");
}

#[test]
fn key_updates_at_the_limit_past_it_and_a_minute_later() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let mut client = rig.connect(&server, &client_config(&ca, None, false), "localhost");
    let update = |rig: &mut Rig, client: &mut Client, count: usize| {
        for _ in 0..count {
            client.tls.refresh_traffic_keys().unwrap();
            // Data between them: it does not buy more of them.
            assert_eq!(rig.ask(client, "echo a\n"), "a\n");
        }
    };
    rig.ask(&mut client, "echo in\n");
    update(&mut rig, &mut client, 32);
    rig.now_ms += 60_000;
    update(&mut rig, &mut client, 32);
    client.tls.refresh_traffic_keys().unwrap();
    let _ = rig.exchange(&mut client);
    assert_eq!((rig.driver.open_count(), rig.driver.counters().transport_faults), (0, 1));
}

#[test]
fn few_handshakes_go_on_in_one_turn() {
    let ca = Ca::new("ca");
    let server = TlsServer::new(&options(&ca)).unwrap();
    let mut rig = Rig::new();
    let mut hello = Vec::new();
    let mut tls =
        ClientConnection::new(client_config(&ca, None, false), "localhost".try_into().unwrap()).unwrap();
    tls.write_tls(&mut hello).unwrap();
    let pipes: Vec<_> = (0..10).map(|_| rig.accept(&server, PLENTY)).collect();
    rig.driver.begin_turn(now(rig.now_ms));
    for (key, pipe) in &pipes {
        pipe.send_bytes(&hello);
        rig.driver.note_ready(key.index, Readiness { is_readable: true, ..Readiness::default() });
    }
    let mut answered = Vec::new();
    for _ in 0..3 {
        rig.finish_turn();
        answered.push(pipes.iter().filter(|(_, pipe)| !pipe.0.borrow().output.is_empty()).count());
        rig.driver.begin_turn(now(rig.now_ms));
    }
    assert_eq!(answered, [4, 8, 10]);
}

#[test]
fn settings_that_cannot_be_served_say_why() {
    let (ca, other) = (Ca::new("ca"), Ca::new("other"));
    let good = options(&ca);
    let with = |change: &dyn Fn(&mut CertificatePem)| {
        let mut options = good.clone();
        change(&mut options.certificates[0]);
        TlsServer::new(&options).err().map(|error| error.to_string()).unwrap_or_default()
    };
    let key = other.server(&["x"]).key;
    assert_eq!(
        with(&|it| it.certificate = b"x".to_vec()),
        "'server.pem' holds no certificate in PEM form; it should begin with -----BEGIN CERTIFICATE-----"
    );
    assert_eq!(
        with(&|it| it.key = b"x".to_vec()),
        "'server.key' holds no private key that can be read; it should be in PEM form and without a password (PKCS #8, PKCS #1 or SEC 1)"
    );
    assert_eq!(
        with(&|it| it.key = key.clone().into_bytes()),
        "the key 'server.key' does not belong to the certificate 'server.pem'; name the two files of one pair"
    );
    assert_eq!(
        with(&|it| it.certificate = vec![b'x'; (1 << 20) + 1]),
        "'server.pem' is longer than 1048576 bytes; it should hold certificates and nothing else"
    );
    let no_trust = TlsOptions { client_auth: ClientAuth::Wanted, ..good.clone() };
    assert_eq!(
        TlsServer::new(&no_trust).err().unwrap().to_string(),
        "client certificates are asked for and no file of trusted CAs is named; without one none could be verified"
    );
}
