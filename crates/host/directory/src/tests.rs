//! A directory against a double that is as bad as a directory can be: it takes empty binds, sends referrals, entries without
//! end, huge values, nonsense, or nothing at all.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use ternmq_access::Secret;
use ternmq_broker::{OutsideAnswer, OutsideUsers};
use ternmq_env::{Clock, SystemRng};

use crate::ber::{self, ENUMERATED, INTEGER, OCTET_STRING, Reader, SEQUENCE, SET};
use crate::link::Wire;
use crate::{
    CONSOLE_GROUP, Destination, Dial, Directory, DirectoryError, Host, MapEntry, MapPlaces, Member,
    Permission, Settings,
};

const SERVICE: &str = "cn=service,dc=x";
/// Type of the control of pages.
const PAGED: &[u8] = b"1.2.840.113556.1.4.319";
const ANN: &str = "uid=ann,ou=people,dc=x";

/// A request that the double got.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Dial(String),
    Bind(String, Vec<u8>),
    Search { base: String, scope: u32, filter: Vec<u8>, page: Option<Vec<u8>> },
    Unbind,
}

/// One answer: tag and content of an operation, or bytes that are sent as they are.
#[derive(Clone, Debug)]
enum Answer {
    Op(u8, Vec<u8>),
    Raw(Vec<u8>),
    /// The end of a page, with the cookie for the next one.
    Page(Vec<u8>),
    /// The connection ends.
    End,
    /// Nothing comes: the deadline passes.
    Silence,
}

type Script = Box<dyn FnMut(&Asked) -> Vec<Answer> + Send>;

struct Double {
    asked: Vec<Asked>,
    script: Script,
    /// Hosts that can't be reached.
    down: Vec<String>,
}

/// A clock that the double moves when it keeps silent.
#[derive(Default)]
struct Hands(Mutex<u64>);

impl Clock for Hands {
    fn monotonic_ns(&self) -> u64 {
        *self.0.lock().unwrap() * 1_000_000
    }

    fn wall_ms(&self) -> u64 {
        self.monotonic_ms()
    }
}

struct Rig {
    double: Arc<Mutex<Double>>,
    clock: Arc<Hands>,
    directory: Directory,
}

struct DoubleDial(Arc<Mutex<Double>>, Arc<Hands>);

impl Dial for DoubleDial {
    fn dial(&self, host: &Host, deadline_ms: u64) -> io::Result<Box<dyn Wire>> {
        let mut double = self.0.lock().unwrap();
        double.asked.push(Asked::Dial(host.name.clone()));
        if double.down.contains(&host.name) {
            *self.1.0.lock().unwrap() += 1;
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (double, clock) = (self.0.clone(), self.1.clone());
        Ok(Box::new(DoubleWire {
            double,
            clock,
            deadline_ms,
            output: VecDeque::new(),
            id: 0,
            has_ended: false,
        }))
    }
}

struct DoubleWire {
    double: Arc<Mutex<Double>>,
    clock: Arc<Hands>,
    deadline_ms: u64,
    output: VecDeque<u8>,
    id: u32,
    has_ended: bool,
}

impl Wire for DoubleWire {
    fn set_deadline_ms(&mut self, deadline_ms: u64) {
        self.deadline_ms = deadline_ms;
    }
}

impl Read for DoubleWire {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        if self.output.is_empty() && !self.has_ended {
            *self.clock.0.lock().unwrap() = self.deadline_ms;
            return Err(io::ErrorKind::TimedOut.into());
        }
        // In small pieces, as networks like it.
        let count = bytes.len().min(7).min(self.output.len());
        for byte in &mut bytes[..count] {
            *byte = self.output.pop_front().unwrap();
        }
        Ok(count)
    }
}

impl Write for DoubleWire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.has_ended {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let (id, asked) = read_request(bytes);
        self.id = id;
        let mut double = self.double.lock().unwrap();
        let answers = if asked == Asked::Unbind { Vec::new() } else { (double.script)(&asked) };
        double.asked.push(asked);
        for answer in answers {
            match answer {
                Answer::Op(tag, content) => self.output.extend(message(id, tag, &content)),
                Answer::Raw(bytes) => self.output.extend(bytes),
                Answer::Page(cookie) => self.output.extend(page(id, &controls(&cookie))),
                Answer::End => self.has_ended = true,
                Answer::Silence => {}
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn read_request(bytes: &[u8]) -> (u32, Asked) {
    let mut message = Reader::new(bytes).inner(SEQUENCE).unwrap();
    let id = message.number(INTEGER).unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (tag, content) = message.any().unwrap();
    let mut op = Reader::new(content);
    let asked = match tag {
        0x60 => {
            assert_eq!(op.number(INTEGER), Ok(3));
            let name = text(op.expect(OCTET_STRING).unwrap());
            Asked::Bind(name, op.expect(0x80).unwrap().to_vec())
        }
        0x63 => {
            let base = text(op.expect(OCTET_STRING).unwrap());
            let scope = op.number(ENUMERATED).unwrap();
            assert_eq!(op.number(ENUMERATED), Ok(0), "aliases are not followed");
            assert!(op.number(INTEGER).is_ok() && op.number(INTEGER).is_ok());
            assert_eq!(op.expect(ber::BOOLEAN), Ok(&[0][..]));
            let (tag, filter) = op.any().unwrap();
            let mut whole = Vec::new();
            ber::put(&mut whole, tag, filter);
            Asked::Search { base, scope, filter: whole, page: read_page(message) }
        }
        0x42 => Asked::Unbind,
        other => panic!("{other:x}"),
    };
    (id, asked)
}

/// The cookie of a request for a page.
fn read_page(mut message: Reader<'_>) -> Option<Vec<u8>> {
    if message.is_empty() {
        return None;
    }
    let mut control = message.inner(0xa0).unwrap().inner(SEQUENCE).unwrap();
    assert_eq!(control.expect(OCTET_STRING), Ok(PAGED));
    let mut value = Reader::new(control.expect(OCTET_STRING).unwrap()).inner(SEQUENCE).unwrap();
    assert_eq!(value.number(INTEGER), Ok(500));
    Some(value.expect(OCTET_STRING).unwrap().to_vec())
}

/// The end of a search with these controls.
fn page(id: u32, controls: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ber::put_inner(&mut out, SEQUENCE, |out| {
        ber::put_number(out, INTEGER, id);
        ber::put(out, 0x65, &result(0));
        out.extend_from_slice(controls);
    });
    out
}

/// What a directory says of a page: another control, and the cookie for the next page.
fn controls(cookie: &[u8]) -> Vec<u8> {
    let (mut out, mut value) = (Vec::new(), Vec::new());
    ber::put_inner(&mut value, SEQUENCE, |out| {
        ber::put_number(out, INTEGER, 0);
        ber::put(out, OCTET_STRING, cookie);
    });
    ber::put_inner(&mut out, 0xa0, |out| {
        ber::put_inner(out, SEQUENCE, |out| ber::put(out, OCTET_STRING, b"1.2.3"));
        ber::put_inner(out, SEQUENCE, |out| {
            ber::put(out, OCTET_STRING, PAGED);
            ber::put(out, ber::BOOLEAN, &[0]);
            ber::put(out, OCTET_STRING, &value);
        });
    });
    out
}

fn message(id: u32, tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    ber::put_inner(&mut out, SEQUENCE, |out| {
        ber::put_number(out, INTEGER, id);
        ber::put(out, tag, content);
    });
    out
}

fn result(code: u32) -> Vec<u8> {
    let mut out = Vec::new();
    ber::put_number(&mut out, ENUMERATED, code);
    ber::put(&mut out, OCTET_STRING, b"");
    ber::put(&mut out, OCTET_STRING, b"said by a directory");
    out
}

fn bound(code: u32) -> Vec<Answer> {
    vec![Answer::Op(0x61, result(code))]
}

fn done(code: u32) -> Answer {
    Answer::Op(0x65, result(code))
}

fn entry(name: &str, attributes: &[(&str, &[&str])]) -> Answer {
    let mut out = Vec::new();
    ber::put(&mut out, OCTET_STRING, name.as_bytes());
    ber::put_inner(&mut out, SEQUENCE, |out| {
        for (attribute, values) in attributes {
            ber::put_inner(out, SEQUENCE, |out| {
                ber::put(out, OCTET_STRING, attribute.as_bytes());
                ber::put_inner(out, SET, |out| {
                    values.iter().for_each(|value| ber::put(out, OCTET_STRING, value.as_bytes()));
                });
            });
        }
    });
    Answer::Op(0x64, out)
}

fn settings() -> Settings {
    let text = r#"{"hosts": ["one", "two"], "serviceAccountUsername": "cn=service,dc=x",
        "serviceAccountPassword": "service-secret", "userBase": "ou=people,dc=x",
        "userSearchMatching": "(uid={0})", "userRoleName": "groups", "roleBase": "ou=groups,dc=x",
        "roleSearchMatching": "(member={0})", "roleSearchSubtree": true, "roleName": "cn"}"#;
    Settings::parse(text.as_bytes()).unwrap()
}

fn rig(script: impl FnMut(&Asked) -> Vec<Answer> + Send + 'static) -> Rig {
    let double = Double { asked: Vec::new(), script: Box::new(script), down: Vec::new() };
    let (double, clock) = (Arc::new(Mutex::new(double)), Arc::new(Hands::default()));
    let dial = Box::new(DoubleDial(double.clone(), clock.clone()));
    let directory = Directory::new(settings(), dial, clock.clone(), &mut SystemRng);
    Rig { double, clock, directory }
}

impl Rig {
    fn log_in(&self, user: &str, password: &str) -> OutsideAnswer {
        self.directory.log_in(user, &Secret::new(password.as_bytes().to_vec()))
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.double.lock().unwrap().asked)
    }

    /// Names of the binds that were made since the last look, without the service's own.
    fn binds(&self) -> Vec<String> {
        let name = |asked| match asked {
            Asked::Bind(name, _) if name != SERVICE => Some(name),
            _ => None,
        };
        self.asked().into_iter().filter_map(name).collect()
    }
}

/// A directory as it should be, with one user whose password is `right`.
fn good(asked: &Asked) -> Vec<Answer> {
    match asked {
        Asked::Bind(name, password) => {
            let is_right = matches!((&**name, &**password), (SERVICE, b"service-secret") | (ANN, b"right"));
            bound(if is_right { 0 } else { 49 })
        }
        Asked::Search { base, filter, .. } if base == "ou=people,dc=x" => {
            let mut wanted = Vec::new();
            ber::put_inner(&mut wanted, 0xa3, |out| {
                ber::put(out, OCTET_STRING, b"uid");
                ber::put(out, OCTET_STRING, b"ann");
            });
            let found = entry(ANN, &[("GROUPS", &["staff", ""])]);
            if *filter == wanted { vec![found, done(0)] } else { vec![done(0)] }
        }
        Asked::Search { .. } => vec![
            entry("cn=clerks,ou=groups,dc=x", &[("cn", &["clerks", CONSOLE_GROUP])]),
            Answer::Op(0x73, b"\x04\x0eldap://evil/ou".to_vec()),
            done(0),
        ],
        _ => Vec::new(),
    }
}

fn groups(answer: OutsideAnswer) -> Vec<String> {
    match answer {
        OutsideAnswer::Known(user) => user.groups.iter().map(ToString::to_string).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_user_is_found_verified_as_itself_and_has_the_groups_of_both_kinds() {
    let rig = rig(good);
    let OutsideAnswer::Known(ann) = rig.log_in("ann", "right") else { panic!("not let in") };
    assert_eq!(ann.groups, [CONSOLE_GROUP.into(), "clerks".into(), "staff".into()]);
    assert_eq!(ann.tags, ["monitoring".into()]);
    let asked = rig.asked();
    let bind = |name: &str, password: &[u8]| Asked::Bind(name.into(), password.to_vec());
    assert_eq!(asked[..2], [Asked::Dial("one".into()), bind(SERVICE, b"service-secret")]);
    assert!(matches!(&asked[2], Asked::Search { base, scope: 1, .. } if base == "ou=people,dc=x"));
    assert_eq!(asked[3..5], [Asked::Dial("one".into()), bind(ANN, b"right")]);
    assert!(matches!(&asked[5], Asked::Search { base, scope: 2, .. } if base == "ou=groups,dc=x"));
    assert_eq!(asked.len(), 6);
    // Both connections are kept, each for its purpose.
    assert_eq!(rig.log_in("ann", "wrong"), OutsideAnswer::Refused);
    let asked = rig.asked();
    assert!(matches!(&asked[..], [Asked::Search { .. }, Asked::Bind(name, _)] if name == ANN), "{asked:?}");
    assert!(matches!(rig.directory.look_up("ann"), OutsideAnswer::Known(_)));
    assert_eq!(rig.directory.look_up("bob"), OutsideAnswer::Refused);
    assert_eq!(rig.binds(), Vec::<String>::new(), "nothing is verified without a password");
}

#[test]
fn s9_passwords_and_names_that_prove_nothing_are_refused_before_any_bind() {
    let rig = rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => vec![entry(ANN, &[]), done(0)],
    });
    let long = "x".repeat(1_025);
    for (user, password) in [
        ("ann", ""),
        ("ann", "a\0b"),
        ("ann", "\0"),
        ("ann", &long),
        ("", "right"),
        ("a\nb", "right"),
        (&long[..256], "right"),
    ] {
        assert_eq!(rig.log_in(user, password), OutsideAnswer::Refused, "{user:?} {password:?}");
    }
    assert_eq!(rig.asked(), []);
}

#[test]
fn s9_none_or_more_than_one_entry_is_nobody_whatever_binds_say() {
    for count in [0, 2, 3, 5_000] {
        let rig = rig(move |asked| match asked {
            Asked::Bind(..) => bound(0),
            _ => (0..count).map(|n| entry(&format!("uid=u{n},dc=x"), &[])).chain([done(0)]).collect(),
        });
        assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Refused, "{count}");
        assert_eq!(rig.directory.look_up("ann"), OutsideAnswer::Refused, "{count}");
        // S2: an unknown user costs a bind too, as nobody.
        let binds = rig.binds();
        assert!(matches!(&binds[..], [name] if name.starts_with("cn=nobody-")), "{binds:?}");
    }
    // Its own limit was reached, so there are more.
    let rig = rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => vec![entry(ANN, &[]), done(4)],
    });
    assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Refused);
}

#[test]
fn s9_an_entry_without_a_name_and_referrals_verify_nobody() {
    let rig = rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => vec![entry("", &[]), done(0)],
    });
    assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Refused);
    assert_eq!(rig.binds(), Vec::<String>::new(), "an anonymous bind is never sent");
    // The answer is elsewhere: nobody goes there.
    let rig = self::rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => vec![Answer::Op(0x73, b"\x04\x0dldap://evil/x".to_vec()), done(0)],
    });
    assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Refused);
    let rig = self::rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => vec![done(10)],
    });
    assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Unavailable);
    assert!(rig.asked().iter().all(|asked| *asked != Asked::Dial("evil".into())));
    // A bind that is referred elsewhere is none.
    let rig = self::rig(|asked| match asked {
        Asked::Bind(name, _) => bound(if name == SERVICE { 0 } else { 10 }),
        _ => vec![entry(ANN, &[]), done(0)],
    });
    assert_eq!(rig.log_in("ann", "any"), OutsideAnswer::Refused);
}

#[test]
fn s9_a_name_is_never_more_than_a_value() {
    let rig = rig(good);
    for user in ["*", "a*", "ann)(uid=*", "*)(|(uid=*", "{1}", "ann\\2a", "{0}"] {
        assert_eq!(rig.log_in(user, "right"), OutsideAnswer::Refused, "{user}");
    }
    for bind in rig.binds() {
        assert!(bind.starts_with("cn=nobody-"), "{bind}");
    }
}

/// A directory whose answer to the search of users is this.
fn answering(answers: Vec<Answer>) -> Rig {
    rig(move |asked| match asked {
        Asked::Bind(..) => bound(0),
        _ => answers.clone(),
    })
}

#[test]
fn s9_what_is_no_answer_ends_the_connection() {
    let many: Vec<String> = (0..1_001).map(|n| format!("g{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let huge = "x".repeat(256 << 10);
    for (what, answers) in [
        ("another number", vec![Answer::Raw(message(99, 0x65, &result(0)))]),
        ("a notice that it ends", vec![Answer::Raw(message(0, 0x78, &result(52)))]),
        ("another operation", vec![Answer::Op(0x61, result(0))]),
        ("no sequence", vec![Answer::Raw(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())]),
        ("an endless length", vec![Answer::Raw(vec![0x30, 0x80, 0, 0])]),
        ("a lying length", vec![Answer::Raw(vec![0x30, 0x84, 0x7f, 0xff, 0xff, 0xff, 1, 2])]),
        ("an empty message", vec![Answer::Raw(vec![0x30, 0])]),
        ("half a message", vec![Answer::Raw(message(2, 0x65, &result(0))[..9].to_vec()), Answer::End]),
        ("an entry of nothing", vec![Answer::Op(0x64, Vec::new())]),
        ("a name that is no text", vec![Answer::Op(0x64, b"\x04\x01\xff\x30\x00".to_vec())]),
        ("a huge value", vec![entry(ANN, &[("groups", &[&huge])]), done(0)]),
        ("a huge name", vec![entry(&huge[..5_000], &[]), done(0)]),
        ("too many groups", vec![entry(ANN, &[("groups", &many)]), done(0)]),
        ("nothing", vec![Answer::Silence]),
        ("an end", vec![Answer::End]),
        ("nested without end", vec![Answer::Raw([0x30, 0x84, 0, 1, 0, 0].repeat(20_000))]),
    ] {
        let rig = answering(answers);
        let before = rig.clock.monotonic_ms();
        assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable, "{what}");
        assert!(rig.clock.monotonic_ms() - before <= 7_000, "{what}");
    }
}

#[test]
fn s9_entries_of_groups_without_end_are_cut_off() {
    let rig = rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, .. } if base == "ou=people,dc=x" => vec![entry(ANN, &[]), done(0)],
        _ => (0..1_001).map(|n| entry(&format!("cn=g{n}"), &[("cn", &["g"])])).collect(),
    });
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
    let rig = self::rig(|asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, .. } if base == "ou=people,dc=x" => vec![entry(ANN, &[]), done(0)],
        // references without end
        _ => vec![Answer::Op(0x73, vec![4; 200 << 10]); 11],
    });
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
}

/// A directory in which `ann` has the groups that `pages` gives, called with the number of the page and its cookie.
fn paged(mut pages: impl FnMut(usize, &[u8]) -> Vec<Answer> + Send + 'static) -> Rig {
    let mut count = 0;
    rig(move |asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, page, .. } if base == "ou=people,dc=x" => {
            assert_eq!(*page, None, "there is one entry or nobody");
            vec![entry(ANN, &[]), done(0)]
        }
        Asked::Search { page, .. } => {
            count += 1;
            pages(count, page.as_deref().unwrap())
        }
        _ => Vec::new(),
    })
}

fn group(number: usize) -> Answer {
    entry(&format!("cn=g{number}"), &[("cn", &[&format!("g{number:04}")])])
}

#[test]
fn groups_come_by_the_page() {
    let rig = paged(|number, cookie| {
        assert_eq!(cookie, if number == 1 { vec![] } else { vec![7; number - 1] });
        let next = if number == 3 { vec![] } else { vec![7; number] };
        let first = (number - 1) * 400;
        (first..1_000.min(first + 400)).map(group).chain([Answer::Page(next)]).collect()
    });
    let found = groups(rig.log_in("ann", "right"));
    assert_eq!((found.len(), &*found[0], &*found[999]), (1_000, "g0000", "g0999"));
    // One that knows no pages, and one with an empty page in between.
    let rig = paged(|_, _| vec![group(1), done(0)]);
    assert_eq!(groups(rig.log_in("ann", "right")), ["g0001"]);
    let rig = paged(|number, _| match number {
        1 | 2 => vec![Answer::Page(vec![1; 4_096])],
        _ => vec![group(1), Answer::Page(vec![])],
    });
    assert_eq!(groups(rig.log_in("ann", "right")), ["g0001"]);
}

/// What becomes of a login when the search of groups ends with these controls.
fn ends_with(controls: &[u8]) -> OutsideAnswer {
    // The service binds, then finds ann, then looks for groups: the third message on its connection.
    let raw = page(3, controls);
    paged(move |_, _| vec![Answer::Raw(raw.clone())]).log_in("ann", "right")
}

#[test]
fn s9_pages_that_do_not_end_or_are_no_pages_are_cut_off() {
    let in_use = Arc::new(Mutex::new(0));
    let seen = in_use.clone();
    let endless = paged(move |number, _| {
        *seen.lock().unwrap() = number;
        vec![Answer::Page(b"more".to_vec())]
    });
    assert_eq!(endless.log_in("ann", "right"), OutsideAnswer::Unavailable);
    assert_eq!(*in_use.lock().unwrap(), 1_000);
    // At the limits of entries and pages all is taken, past them nothing.
    for (pages, expect) in [(1_000, Some(1_000)), (1_001, None)] {
        let rig = paged(move |number, _| {
            vec![group(number), Answer::Page(if number == pages { vec![] } else { vec![1] })]
        });
        let answer = rig.log_in("ann", "right");
        assert_eq!(matches!(answer, OutsideAnswer::Known(_)).then(|| groups(answer).len()), expect);
    }
    let rig = paged(|_, _| (0..600).map(group).chain([Answer::Page(vec![1])]).collect());
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable, "1,200 groups");
    for (what, controls) in [
        ("a mark of 4,097 bytes", controls(&[1; 4_097])),
        ("no controls", b"\x04\x01x".to_vec()),
        ("a lying length", b"\xa0\x7fx".to_vec()),
        ("a control without a type", b"\xa0\x02\x30\x00".to_vec()),
        ("a control without a value", [&b"\xa0\x1a\x30\x18\x04\x16"[..], PAGED].concat()),
        ("a value of nothing", [&b"\xa0\x1c\x30\x1a\x04\x16"[..], PAGED, b"\x04\x00"].concat()),
        ("a value that is a number", [&b"\xa0\x1d\x30\x1b\x04\x16"[..], PAGED, b"\x02\x01\x00"].concat()),
    ] {
        assert_eq!(ends_with(&controls), OutsideAnswer::Unavailable, "{what}");
    }
    assert!(matches!(ends_with(&controls(&[])), OutsideAnswer::Known(_)));
}

/// A login as `ann`, whose entry this is.
fn with_entry(name: &str, groups: &[&str]) -> OutsideAnswer {
    let found = entry(name, &[("groups", groups)]);
    rig(move |asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, .. } if base == "ou=people,dc=x" => vec![found.clone(), done(0)],
        _ => vec![done(0)],
    })
    .log_in("ann", "right")
}

#[test]
fn s9_an_entry_is_taken_at_its_limits_and_not_past_them() {
    let is_known = |answer| matches!(answer, OutsideAnswer::Known(_));
    // All but the value is 65 bytes; a name of a group that is too long counts as none.
    let value = |message: usize| "x".repeat(message - 65);
    let bytes = |len: usize| match entry(ANN, &[("groups", &[&value(len)])]) {
        Answer::Op(tag, content) => message(2, tag, &content).len(),
        _ => 0,
    };
    assert_eq!(bytes(256 << 10), 256 << 10);
    assert!(is_known(with_entry(ANN, &[&value(256 << 10)])));
    assert_eq!(with_entry(ANN, &[&value((256 << 10) + 1)]), OutsideAnswer::Unavailable);
    let name = |len: usize| format!("cn={}", "x".repeat(len - 3));
    assert!(is_known(with_entry(&name(4_096), &[])));
    assert_eq!(with_entry(&name(4_097), &[]), OutsideAnswer::Unavailable);
    let groups = |count: usize| (0..count).map(|number| format!("g{number}")).collect::<Vec<_>>();
    for (count, is_taken) in [(1_000, true), (1_001, false)] {
        let all = groups(count);
        let all: Vec<&str> = all.iter().map(String::as_str).collect();
        assert_eq!(is_known(with_entry(ANN, &all)), is_taken, "{count} groups");
    }
    let OutsideAnswer::Known(ann) = with_entry(ANN, &[&"g".repeat(255), &"h".repeat(256)]) else {
        panic!("not let in")
    };
    assert_eq!(ann.groups, ["g".repeat(255).into()]);
}

#[test]
fn s9_a_map_is_taken_at_its_limits_and_not_past_them() {
    let read = |members: usize, units: usize, are_groups: bool| {
        let members: Vec<String> = (0..members).map(|number| format!("cn=g{number}")).collect();
        let rig = rig(move |asked| match asked {
            Asked::Bind(..) => bound(0),
            Asked::Search { base, .. } if base == "ou=Queue,dc=x" => {
                let members: Vec<&str> = members.iter().map(String::as_str).collect();
                let unit =
                    |number| entry(&format!("cn=read,ou=u{number},ou=Queue,dc=x"), &[("member", &members)]);
                (0..units).map(unit).chain([done(0)]).collect()
            }
            _ => vec![done(0)],
        });
        rig.directory.read_map(&places(are_groups)).is_ok()
    };
    assert!(read(0, 20_000, true) && !read(0, 20_001, true), "entries");
    assert!(read(4_000, 50, true) && !read(4_000, 51, true), "members");
    assert!(read(5_000, 1, false) && !read(5_001, 1, false), "members that are looked up");
}

#[test]
fn the_next_host_takes_over_and_the_first_comes_back() {
    let rig = rig(good);
    rig.double.lock().unwrap().down = vec!["one".into()];
    assert_eq!(groups(rig.log_in("ann", "right")).len(), 3);
    let dials = |rig: &Rig| -> Vec<String> {
        let host = |asked| match asked {
            Asked::Dial(host) => Some(host),
            _ => None,
        };
        rig.asked().into_iter().filter_map(host).collect()
    };
    assert_eq!(dials(&rig), ["one", "two", "two"], "a host that failed is left alone");
    // Both are gone, with the connections that were kept.
    {
        let mut double = rig.double.lock().unwrap();
        double.down = vec!["one".into(), "two".into()];
        double.script = Box::new(|_| vec![Answer::End]);
    }
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
    assert_eq!(dials(&rig), ["two", "one"], "the one that failed last is tried last");
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
    assert_eq!(dials(&rig), Vec::<String>::new(), "nobody waits for what was just tried");
    {
        let mut double = rig.double.lock().unwrap();
        double.down = Vec::new();
        double.script = Box::new(good);
    }
    *rig.clock.0.lock().unwrap() += 10_000;
    assert_eq!(groups(rig.log_in("ann", "right")).len(), 3);
    assert_eq!(dials(&rig), ["one"], "the connection for binds was kept all the time");
}

#[test]
fn a_service_account_that_is_refused_and_a_busy_directory_are_no_answer() {
    let rig = rig(|asked| match asked {
        Asked::Bind(name, _) => bound(if name == SERVICE { 49 } else { 0 }),
        _ => vec![entry(ANN, &[]), done(0)],
    });
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
    assert_eq!(rig.binds(), Vec::<String>::new());
    let rig = self::rig(|asked| match asked {
        Asked::Bind(name, _) => bound(if name == SERVICE { 0 } else { 51 }),
        _ => vec![entry(ANN, &[]), done(0)],
    });
    assert_eq!(rig.log_in("ann", "right"), OutsideAnswer::Unavailable);
}

fn places(members_are_groups: bool) -> MapPlaces {
    MapPlaces {
        queues: Some("ou=Queue,dc=x".into()),
        topics: Some("ou=Topic,dc=x".into()),
        temporary: Some("ou=Temp,dc=x".into()),
        members_are_groups,
    }
}

/// The entries of a map as lines.
fn told(entries: &[MapEntry]) -> Vec<String> {
    let member = |member: &Member| match member {
        Member::User(name) => format!("user {name}"),
        Member::Group(name) => format!("group {name}"),
    };
    let line = |entry: &MapEntry| {
        let destination = match &entry.destination {
            Destination::Queue(name) => format!("queue {name}"),
            Destination::Topic(name) => format!("topic {name}"),
            Destination::Temporary => "temporary".to_owned(),
        };
        let permission = match entry.permission {
            Permission::Read => "read",
            Permission::Write => "write",
            Permission::Admin => "admin",
        };
        let members: Vec<String> = entry.members.iter().map(member).collect();
        format!("{destination} {permission}: {}", members.join(", "))
    };
    entries.iter().map(line).collect()
}

#[test]
fn a_map_has_one_unit_for_each_destination() {
    let permission = |name: &str, members: &[&str]| entry(name, &[("cn", &["x"]), ("member", members)]);
    let rig = rig(move |asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, .. } => match base.as_str() {
            "ou=Queue,dc=x" => vec![
                permission(
                    "cn=Read,ou=ORDERS.$,ou=Queue,dc=x",
                    &["cn=clerks,ou=groups,dc=x", "uid=ann,ou=people,dc=x"],
                ),
                permission("cn=write,cn=A.*,ou=Queue,dc=x", &["cn=all", "", "nonsense"]),
                permission("cn=admin,ou=Queue,dc=x", &["cn=nowhere"]),
                permission("cn=other,ou=B,ou=Queue,dc=x", &["cn=nowhere"]),
                done(0),
            ],
            "ou=Topic,dc=x" => {
                vec![permission("cn=admin,ou=$,ou=Topic,dc=x", &["cn=clerks,ou=groups,dc=x"]), done(0)]
            }
            "ou=Temp,dc=x" => {
                vec![permission("cn=admin,ou=Temp,dc=x", &["cn=clerks,ou=groups,dc=x"]), done(0)]
            }
            "cn=clerks,ou=groups,dc=x" => {
                vec![entry(base, &[("objectClass", &["groupOfNames"]), ("cn", &["clerks"])]), done(0)]
            }
            ANN => vec![entry(base, &[("objectclass", &["top", "person"]), ("uid", &["ann"])]), done(0)],
            "cn=all" => vec![done(32)],
            other => panic!("{other}"),
        },
        _ => Vec::new(),
    });
    let told = |members_are_groups| told(&rig.directory.read_map(&places(members_are_groups)).unwrap());
    assert_eq!(
        told(true),
        [
            "queue ORDERS.> read: group clerks",
            "queue A.* write: group all",
            "topic > admin: group clerks",
            "temporary admin: group clerks"
        ]
    );
    assert_eq!(
        told(false),
        [
            "queue ORDERS.> read: group clerks, user ann",
            "queue A.* write: ",
            "topic > admin: group clerks",
            "temporary admin: group clerks"
        ]
    );
}

#[test]
fn s1_a_map_that_can_not_be_read_in_whole_is_not_read() {
    for last in [vec![done(4)], vec![done(50)], vec![Answer::End], vec![Answer::Silence]] {
        let rig = rig(move |asked| match asked {
            Asked::Bind(..) => bound(0),
            Asked::Search { base, .. } if base == "ou=Temp,dc=x" => last.clone(),
            _ => vec![done(0)],
        });
        assert!(rig.directory.read_map(&places(true)).is_err());
    }
    let many: Vec<String> = (0..5_001).map(|n| format!("cn=g{n}")).collect();
    let rig = rig(move |asked| match asked {
        Asked::Bind(..) => bound(0),
        Asked::Search { base, .. } if base == "ou=Queue,dc=x" => {
            let members: Vec<&str> = many.iter().map(String::as_str).collect();
            vec![entry("cn=read,ou=a,ou=Queue,dc=x", &[("member", &members)]), done(0)]
        }
        _ => vec![done(0)],
    });
    assert!(matches!(rig.directory.read_map(&places(false)), Err(DirectoryError::Content(_))));
    assert_eq!(rig.directory.read_map(&places(true)).unwrap()[0].members.len(), 5_001);
}
