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
const ANN: &str = "uid=ann,ou=people,dc=x";

/// A request that the double got.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    Dial(String),
    Bind(String, Vec<u8>),
    Search { base: String, scope: u32, filter: Vec<u8> },
    Unbind,
}

/// One answer: tag and content of an operation, or bytes that are sent as they are.
#[derive(Clone, Debug)]
enum Answer {
    Op(u8, Vec<u8>),
    Raw(Vec<u8>),
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
            Asked::Search { base, scope, filter: whole }
        }
        0x42 => Asked::Unbind,
        other => panic!("{other:x}"),
    };
    (id, asked)
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
