//! WebSocket around a session: a client of another hand, and clients that do not mean well.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

use support::{Lines, Pipe, Seen, finish_turn, now, ready_broker, settle, turn};
use ternmq_net::{
    Arrival, Driver, DriverLimits, FirstBytes, Key, Origins, SessionFactory, Spoken, WebSocketSettings,
    one_port, websocket,
};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

const PLENTY: usize = usize::MAX;
const MAX_MESSAGE_BYTES: u64 = 1 << 20;
/// What the adapter allows on top of a message's body.
const SLACK_BYTES: u64 = 128 * 1024;

thread_local! {
    static LAST: RefCell<Option<Rc<RefCell<Seen>>>> = const { RefCell::new(None) };
}

fn lines() -> SessionFactory {
    Arc::new(|_: &Arrival| {
        let lines = Lines::new();
        LAST.set(Some(lines.seen.clone()));
        Box::new(lines)
    })
}

fn settings(origins: &[&str]) -> Arc<WebSocketSettings> {
    let of = |subprotocols, is_default, speaks_text| Spoken {
        subprotocols,
        is_default,
        speaks_text,
        factory: lines(),
    };
    Arc::new(WebSocketSettings {
        spoken: vec![of(&["mqtt"], false, false), of(&["v12.stomp", "v11.stomp"], true, true)],
        origins: Origins::new(origins.iter().map(|origin| (*origin).to_owned()).collect()),
        max_message_bytes: MAX_MESSAGE_BYTES,
    })
}

struct Rig {
    driver: Driver<Pipe>,
    now_ms: u64,
    key: Key,
    pipe: Pipe,
}

impl Rig {
    fn new(factory: &SessionFactory) -> Self {
        let mut driver = Driver::new(ready_broker(), DriverLimits::default());
        let pipe = Pipe::with_room(PLENTY);
        driver.begin_turn(now(1_000));
        let address: SocketAddr = ([10, 0, 0, 1], 5).into();
        let arrival = Arrival { peer: Some(address), now_ms: 1_000, opened_ms: 1_000, ..Arrival::default() };
        let key = driver.add(pipe.clone(), factory(&arrival), Some(address.ip()));
        driver.flush();
        Self { driver, now_ms: 1_000, key, pipe }
    }

    /// Upgraded, with this subprotocol.
    fn open(name: &str) -> Self {
        let mut rig = Self::new(&websocket(settings(&[])));
        let answer = rig.ask(request(&format!("sec-websocket-protocol: {name}\r\n")).as_bytes());
        assert!(answer.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&answer));
        rig
    }

    fn ask(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.pipe.send_bytes(bytes);
        self.turn();
        self.pipe.take_bytes()
    }

    fn turn(&mut self) {
        turn(&mut self.driver, self.now_ms, self.key);
        settle(&mut self.driver, self.now_ms);
    }

    fn finish_turn(&mut self) {
        finish_turn(&mut self.driver);
    }

    fn pass(&mut self, ms: u64) -> Vec<u8> {
        self.now_ms += ms;
        self.driver.begin_turn(now(self.now_ms));
        self.finish_turn();
        self.pipe.take_bytes()
    }
}

fn request(more: &str) -> String {
    format!(
        "GET /ws HTTP/1.1\r\nHost: broker.example:61618\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{more}\r\n"
    )
}

/// A frame as clients send it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [9, 8, 7, 6];
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | len as u8),
        len @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    bytes.extend_from_slice(&mask);
    bytes.extend(payload.iter().enumerate().map(|(at, byte)| byte ^ mask[at % 4]));
    bytes
}

fn check_head(head: &str, origins: &[&str], expect: &str) {
    let mut rig = Rig::new(&websocket(settings(origins)));
    let answer = String::from_utf8(rig.ask(head.as_bytes())).unwrap();
    let status = answer.lines().next().unwrap_or_default();
    let name = answer.lines().find_map(|line| line.strip_prefix("sec-websocket-protocol: "));
    assert_eq!(format!("{status} {}", name.unwrap_or("-")), expect, "{head}");
    let is_open = status.contains(" 101 ");
    assert_eq!(rig.pipe.0.borrow().is_finished, !is_open, "{head}");
}

#[test]
fn requests_that_are_granted() {
    let ok = |name: &str| format!("HTTP/1.1 101 Switching Protocols {name}");
    check_head(&request("Sec-WebSocket-Protocol: mqtt\r\n"), &[], &ok("mqtt"));
    check_head(&request("sec-websocket-protocol: x, v11.stomp,v12.stomp\r\n"), &[], &ok("v11.stomp"));
    check_head(&request(""), &[], &ok("-"));
    check_head(&request("").replace("/ws ", "/ "), &[], &ok("-"));
    check_head(&request("").replace("/ws ", "/ws?a=b "), &[], &ok("-"));
    check_head(
        &request("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
        &[],
        &ok("-"),
    );
    // the example of RFC 6455 1.3
    let mut rig = Rig::new(&websocket(settings(&[])));
    let answer =
        String::from_utf8(rig.ask(request("Sec-WebSocket-Extensions: permessage-deflate\r\n").as_bytes()))
            .unwrap();
    assert!(answer.contains("\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"), "{answer}");
    assert!(!answer.to_lowercase().contains("extensions"), "{answer}");
}

#[test]
fn origins_at_the_upgrade() {
    let from = |origin: &str| request(&format!("Origin: {origin}\r\n"));
    let (ok, no) = ("HTTP/1.1 101 Switching Protocols -", "HTTP/1.1 403 Forbidden -");
    for (origin, allowed, expect) in [
        ("https://broker.example", &[][..], ok),
        ("http://BROKER.example:8080", &[], ok),
        ("https://broker.example.evil.example", &[], no),
        ("https://evil.example", &[], no),
        ("null", &[], no),
        ("https://shop.example", &["https://shop.example"], ok),
        ("http://shop.example", &["https://shop.example"], no),
        ("https://broker.example", &["https://shop.example"], no),
        ("https://evil.example", &["*"], ok),
    ] {
        check_head(&from(origin), allowed, expect);
    }
}

#[test]
fn requests_that_are_refused() {
    let bad = "HTTP/1.1 400 Bad Request -";
    let good = request("");
    check_head(&good.replace("GET", "POST"), &[], bad);
    check_head(&good.replace("HTTP/1.1", "HTTP/1.0"), &[], bad);
    check_head(&good.replace("Upgrade: websocket", "Upgrade: h2c"), &[], bad);
    check_head(&good.replace("keep-alive, Upgrade", "keep-alive"), &[], bad);
    check_head(&good.replace("dGhlIHNhbXBsZSBub25jZQ==", "dGhl"), &[], bad);
    check_head(&good.replace("Host: broker.example:61618\r\n", ""), &[], bad);
    check_head(&request("Sec-WebSocket-Protocol: soap\r\n"), &[], bad);
    check_head(&request("Origin: a\r\nOrigin: b\r\n"), &[], bad);
    check_head("\x16\x03\x01\x02\0", &[], bad);
    check_head("AMQP\0\0\x09\x01", &[], bad);
    check_head(&good.replace("/ws", "/api"), &[], "HTTP/1.1 404 Not Found -");
    check_head(&good.replace("Version: 13", "Version: 8"), &[], "HTTP/1.1 426 Upgrade Required -");
}

#[test]
fn heads_at_their_limits_and_past_them() {
    let (ok, large) =
        ("HTTP/1.1 101 Switching Protocols -", "HTTP/1.1 431 Request Header Fields Too Large -");
    let padded = |len: usize| {
        let bare = request("x: \r\n").len();
        request(&format!("x: {}\r\n", "y".repeat(len - bare)))
    };
    check_head(&padded(16_384), &[], ok);
    check_head(&padded(16_385), &[], large);
    // the usual ones are five
    check_head(&request(&"a: b\r\n".repeat(95)), &[], ok);
    check_head(&request(&"a: b\r\n".repeat(96)), &[], large);
    // cut anywhere, and then nothing more
    let mut rig = Rig::new(&websocket(settings(&[])));
    let good = request("");
    assert_eq!(rig.ask(&good.as_bytes()[..good.len() - 1]), b"");
    assert_eq!(rig.pass(4_999), b"");
    assert!(rig.pass(1).starts_with(b"HTTP/1.1 408 "));
    assert!(rig.pipe.0.borrow().is_finished);
    // byte by byte
    let mut rig = Rig::new(&websocket(settings(&[])));
    let answers: Vec<u8> = good.bytes().flat_map(|byte| rig.ask(&[byte])).collect();
    assert!(answers.starts_with(b"HTTP/1.1 101 "));
}

#[test]
fn payload_reaches_the_session_however_it_is_cut() {
    let whole: Vec<u8> = [
        frame(0x02, b"ec"),
        frame(0x89, b"are you there"),
        frame(0x00, b""),
        frame(0x80, b"ho a\necho "),
        frame(0x82, b"b\n"),
    ]
    .concat();
    let expect = [&[0x8a, 13][..], b"are you there", &[0x82, 2], b"a\n", &[0x82, 2], b"b\n"].concat();
    for piece in [1, 2, 3, 7, whole.len()] {
        let mut rig = Rig::open("mqtt");
        let answers: Vec<u8> = whole.chunks(piece).flat_map(|bytes| rig.ask(bytes)).collect();
        assert_eq!(answers, expect, "{piece}");
    }
    // text for those that want text, and never what is none
    let mut rig = Rig::open("v12.stomp");
    assert_eq!(rig.ask(&frame(0x81, "echo é\n".as_bytes())), [&[0x81, 3][..], "é\n".as_bytes()].concat());
    assert_eq!(rig.ask(&frame(0x82, b"big 2\n")), [&[0x81, 2][..], b"xx"].concat());
}

fn check_closed(frames: &[u8], code: u16) {
    check_closed_in("mqtt", frames, code);
}

fn check_closed_in(subprotocol: &str, frames: &[u8], code: u16) {
    for is_bytewise in [false, true] {
        let mut rig = Rig::open(subprotocol);
        let size = if is_bytewise { 1 } else { frames.len() };
        let answers: Vec<u8> = frames.chunks(size).flat_map(|bytes| rig.ask(bytes)).collect();
        let close = [&[0x88, 2][..], &code.to_be_bytes()].concat();
        assert!(answers.ends_with(&close), "{} bytes: {answers:?}", frames.len());
        assert!(rig.pipe.0.borrow().is_finished);
        rig.pass(3_000);
        let seen = LAST.take().unwrap();
        assert_eq!((rig.driver.open_count(), seen.borrow().closed), (0, 1));
    }
}

#[test]
fn frames_that_are_wrong_close_with_the_right_code() {
    check_closed(&[0xc2], 1002);
    check_closed(&[0x82, 0x01, b'x'], 1002);
    check_closed(&frame(0x80, b"x"), 1002);
    check_closed(&[frame(0x02, b"x"), frame(0x82, b"y")].concat(), 1002);
    check_closed(&frame(0x09, b"x"), 1002);
    check_closed(&frame(0x88, b"x"), 1002);
    check_closed_in("v12.stomp", &frame(0x81, &[0xff]), 1007);
    check_closed_in("v12.stomp", &[frame(0x01, &[0xe2]), frame(0x80, b"a")].concat(), 1007);
    check_closed_in("v12.stomp", &frame(0x81, &[0xe2, 0x82]), 1007);
    // MQTT-6.0.0-1: packets come in binary frames
    check_closed(&frame(0x81, b"echo a\n"), 1003);
    check_closed(&[frame(0x82, b"echo a\n"), frame(0x01, b"")].concat(), 1003);
    check_closed(&frame(0x88, &[3, 0xe8, b'b', b'y', b'e']), 1000);
    check_closed(&frame(0x88, &[0x0f, 0xa0]), 4000);
    check_closed(&frame(0x82, b"bye\n"), 1000);
}

#[test]
fn messages_at_their_limit_past_it_and_lying() {
    let early = 64 * 1024;
    let long = |len: usize| {
        // lines of 64 bytes that say nothing
        let mut payload = vec![b'-'; len];
        payload.iter_mut().skip(63).step_by(64).for_each(|byte| *byte = b'\n');
        payload
    };
    let mut rig = Rig::open("mqtt");
    assert_eq!(rig.ask(&frame(0x82, &long(early))), b"");
    check_closed(&frame(0x82, &long(early + 1)), 1009);
    // in two parts
    let first = frame(0x02, b"a line without an end");
    check_closed(&[first, frame(0x80, &long(early - 20))].concat(), 1009);
    // a header that promises more than there is: refused before anything of it is there
    check_closed(&[0x82, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0], 1009);
    // after login
    let most = usize::try_from(MAX_MESSAGE_BYTES + SLACK_BYTES).unwrap();
    let mut rig = Rig::open("mqtt");
    assert_eq!(rig.ask(&frame(0x82, b"echo in\n")), b"\x82\x03in\n");
    assert_eq!(rig.ask(&frame(0x82, &long(most))), b"");
    assert_eq!(rig.ask(&frame(0x82, b"echo on\n")), b"\x82\x03on\n");
    assert!(rig.ask(&frame(0x82, &long(most + 1))).ends_with(&[0x88, 2, 3, 0xf1]));
    // a line that the inner session would have to keep beyond its limit
    check_closed(&frame(0x82, &vec![b'x'; 2_000]), 1009);
}

#[test]
fn a_session_that_holds_gets_the_rest_later() {
    for whole in [
        frame(0x82, b"hold 5000\necho a\n"),
        [frame(0x02, b"hold 5000\ne"), frame(0x80, b"cho a\n")].concat(),
        [frame(0x82, b"hold 5000\n"), frame(0x82, b"echo a\n")].concat(),
        [frame(0x82, b"hold 5000\necho a\n"), vec![0x82]].concat(),
    ] {
        let mut rig = Rig::open("mqtt");
        assert_eq!(rig.ask(&whole), b"");
        assert_eq!(rig.pass(3_999), b"");
        let mut answer = rig.pass(1);
        rig.turn();
        answer.extend(rig.pipe.take_bytes());
        assert_eq!(answer, b"\x82\x02a\n", "{whole:?}");
    }
}

#[test]
fn f12_a_drain_says_that_the_node_goes() {
    let mut rig = Rig::open("mqtt");
    rig.driver.drain();
    assert_eq!(rig.pass(0), [&[0x82, 9][..], b"draining\n", &[0x88, 2, 3, 0xe9]].concat());
    let mut rig = Rig::new(&websocket(settings(&[])));
    rig.driver.drain();
    rig.pass(0);
    rig.pass(3_000);
    assert_eq!(rig.driver.open_count(), 0);
}

/// The library's end of the connection.
struct Ends(Pipe);

impl Read for Ends {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut ends = self.0.0.borrow_mut();
        let count = into.len().min(ends.output.len());
        if count == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        into[..count].copy_from_slice(&ends.output[..count]);
        ends.output.drain(..count);
        Ok(count)
    }
}

impl Write for Ends {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send_bytes(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_client_of_another_hand_speaks_with_it() {
    let mut rig = Rig::open("v12.stomp");
    let config = WebSocketConfig::default();
    let mut client = WebSocket::from_raw_socket(Ends(rig.pipe.clone()), Role::Client, Some(config));
    let mut ask = |message: Message| {
        client.send(message).unwrap();
        rig.turn();
        client.read().unwrap()
    };
    assert_eq!(ask(Message::text("echo hello\n")), Message::text("hello\n"));
    assert_eq!(ask(Message::binary("echo hello\n")), Message::text("hello\n"));
    assert_eq!(ask(Message::Ping("x".into())), Message::Pong("x".into()));
    for len in [125, 126, 65_535, 65_536, 1_000_000] {
        assert_eq!(ask(Message::text(format!("big {len}\n"))), Message::text("x".repeat(len)), "{len}");
    }
    let answer = ask(Message::text("bye\n"));
    assert_eq!(answer, Message::text("bye\n"));
    assert!(matches!(client.read().unwrap(), Message::Close(Some(_))));
}

#[test]
fn one_port_finds_the_protocol_and_closes_on_none() {
    let factory = one_port(vec![
        FirstBytes { starts: &[b"echo "], factory: lines() },
        FirstBytes { starts: &[b"GET "], factory: websocket(settings(&[])) },
    ]);
    let mut rig = Rig::new(&factory);
    assert_eq!(rig.ask(b"ec"), b"");
    assert_eq!(rig.ask(b"ho a\n"), b"a\n");
    let mut rig = Rig::new(&factory);
    assert!(rig.ask(request("").as_bytes()).starts_with(b"HTTP/1.1 101 "));
    assert_eq!(rig.ask(&frame(0x82, b"echo b\n")), b"\x81\x02b\n");
    let mut rig = Rig::new(&factory);
    assert_eq!(rig.ask(b"HELO"), b"");
    rig.pass(3_000);
    assert_eq!(rig.driver.open_count(), 0);
    let mut rig = Rig::new(&factory);
    rig.ask(b"ec");
    rig.pass(10_000);
    rig.pass(3_000);
    assert_eq!(rig.driver.open_count(), 0, "it never said what it speaks");
}
