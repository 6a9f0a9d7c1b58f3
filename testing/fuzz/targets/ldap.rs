//! What a directory sends, and what an administrator says of one: answers to a login, filters, names. A filter with values in
//! it is one element whatever the values are, a name that was read is read again, and nobody is let in by nonsense.

#![no_main]

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use libfuzzer_sys::fuzz_target;
use ternmq_access::Secret;
use ternmq_broker::{OutsideAnswer, OutsideUsers};
use ternmq_directory::{Dial, Directory, Filter, Host, MapPlaces, Settings, Wire, parts};
use ternmq_env::{SystemClock, SystemRng};
use ternmq_fuzz as _;

const SETTINGS: &str = r#"{"hosts": ["h"], "serviceAccountUsername": "cn=s", "serviceAccountPassword": "p",
    "userBase": "ou=p,dc=x", "userSearchMatching": "(uid={0})", "userRoleName": "groups", "roleBase": "ou=g,dc=x",
    "roleSearchMatching": "(member={0})", "roleName": "cn"}"#;

/// A directory that sends its bytes whatever it is asked.
#[derive(Clone)]
struct Canned(Arc<Mutex<Vec<u8>>>);

impl Dial for Canned {
    fn dial(&self, _: &Host, _: u64) -> io::Result<Box<dyn Wire>> {
        Ok(Box::new(self.clone()))
    }
}

impl Wire for Canned {
    fn set_deadline_ms(&mut self, _: u64) {}
}

impl Read for Canned {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut left = self.0.lock().expect("one thread");
        // Byte by byte: what is for the next connection is not taken by the one before.
        let count = bytes.len().min(left.len()).min(1);
        bytes[..count].copy_from_slice(&left[..count]);
        left.drain(..count);
        Ok(count)
    }
}

impl Write for Canned {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, input)) = input.split_first() else { return };
    match first % 4 {
        0 => check_filter(input),
        1 => check_name(input),
        2 => check_login(input),
        _ => {
            let places = MapPlaces {
                queues: Some("ou=q,dc=x".into()),
                topics: Some("ou=t,dc=x".into()),
                temporary: Some("ou=e,dc=x".into()),
                members_are_groups: first & 4 == 0,
            };
            let _ = directory(input).read_map(&places);
        }
    }
});

fn check_filter(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let (filter, value) = text.split_once('\n').unwrap_or((text, "*)(uid=*"));
    let Ok(filter) = Filter::parse(filter) else { return };
    let shape = |value: &str| count(&filter.encode([value, value]));
    assert_eq!(shape(value), shape("x"), "a value changes nothing but itself");
}

/// Number of elements, with all that are in them.
fn count(mut bytes: &[u8]) -> usize {
    let mut all = 0;
    while let [tag, length, rest @ ..] = bytes {
        let (len, rest) = match length {
            0..0x80 => (usize::from(*length), rest),
            long => {
                let (digits, rest) = rest.split_at(usize::from(long & 0x7f));
                (digits.iter().fold(0, |len, digit| len << 8 | usize::from(*digit)), rest)
            }
        };
        all += 1;
        if tag & 0x20 != 0 {
            all += count(&rest[..len]);
        }
        bytes = &rest[len..];
    }
    assert!(bytes.is_empty());
    all
}

fn check_name(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(read) = parts(text) else { return };
    let escaped = |value: &str| value.bytes().map(|byte| format!("\\{byte:02x}")).collect::<String>();
    let written: Vec<_> =
        read.iter().map(|part| format!("{}={}", part.attribute, escaped(&part.value))).collect();
    if let Ok(again) = parts(&written.join(",")) {
        assert_eq!(again, read);
    }
}

fn check_login(input: &[u8]) {
    let answer = directory(input).log_in("ann", &Secret::from("secret"));
    if let OutsideAnswer::Known(user) = answer {
        assert!(user.groups.len() <= 1_000 && user.groups.iter().all(|group| group.len() <= 255));
    }
    assert_eq!(directory(input).log_in("ann", &Secret::from("")), OutsideAnswer::Refused);
}

fn directory(input: &[u8]) -> Directory {
    let settings = Settings::parse(SETTINGS.as_bytes()).expect("they are as they have to be");
    let canned = Canned(Arc::new(Mutex::new(input.to_vec())));
    Directory::new(settings, Box::new(canned), Arc::new(SystemClock::new()), &mut SystemRng)
}
