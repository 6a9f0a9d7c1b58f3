//! Authorization maps in a directory: one unit per destination, with groups `read`, `write` and `admin` in it whose members are
//! who may.
//!
//! ```text
//! cn=read,ou=ORDERS.$,ou=Queue,dc=example     member: cn=clerks,...    ORDERS.> may be read by group clerks
//! ```
//! `$` stands for `>`, which names of entries do not like. A map that can't be read in whole is not read at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::directory::{Directory, DirectoryError};
use crate::filter::Filter;
use crate::link::{Entry, Limits, Scope, Search};
use crate::name::{self, Part};

/// Time to read all of a map, in ms.
const MAP_MS: u64 = 60_000;
/// Attribute of the name of a permission, and of a group.
const NAME_ATTRIBUTE: &str = "cn";
/// Attribute of the members of a permission.
const MEMBER_ATTRIBUTE: &str = "member";
/// Attribute of the name of a user.
const USER_ATTRIBUTE: &str = "uid";
/// Class of groups.
const GROUP_CLASS: &[u8] = b"groupOfNames";
/// Class of users, with those that are made of it: not every directory tells the classes that another one includes (RFC 4519,
/// RFC 2798).
const USER_CLASSES: [&[u8]; 3] = [b"person", b"organizationalPerson", b"inetOrgPerson"];
const CLASS_ATTRIBUTE: &str = "objectClass";
/// Most members of all permissions, with repetitions.
const MAX_MEMBERS: usize = 200_000;
/// Most entries that are looked at to find out whether they are users or groups.
const MAX_LOOKED_UP: usize = 5_000;
/// Longest name of a destination or a member in bytes.
const MAX_WORD_BYTES: usize = 4_096;

const LIMITS: Limits = Limits { entries: 20_000, message_bytes: 4 << 20, total_bytes: 32 << 20 };
const MEMBER_LIMITS: Limits = Limits { entries: 1, message_bytes: 256 << 10, total_bytes: 512 << 10 };

/// Where the parts of a map are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapPlaces {
    /// Below this the queues are.
    pub queues: Option<String>,
    /// Below this the topics are.
    pub topics: Option<String>,
    /// Below this the permissions of temporary destinations are.
    pub temporary: Option<String>,
    /// Members are groups by the first part of their names; else they are looked up, and are users or groups by their class.
    pub members_are_groups: bool,
}

/// What an entry is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Queues of this name, which may hold wildcards.
    Queue(Arc<str>),
    /// Topics.
    Topic(Arc<str>),
    /// All temporary destinations.
    Temporary,
}

/// What is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Consume and browse.
    Read,
    /// Send.
    Write,
    /// Create and remove.
    Admin,
}

impl Permission {
    const WORDS: [(Self, &'static str); 3] =
        [(Self::Read, "read"), (Self::Write, "write"), (Self::Admin, "admin")];
}

/// Who is permitted something.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Member {
    /// A user.
    User(Arc<str>),
    /// All users of a group.
    Group(Arc<str>),
}

/// One permission with its members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MapEntry {
    /// For what.
    pub destination: Destination,
    /// Which.
    pub permission: Permission,
    /// Who.
    pub members: Vec<Member>,
}

/// A kind of destination as the place of a map has it.
#[derive(Clone, Copy)]
enum Kind {
    Queue,
    Topic,
    Temporary,
}

impl Directory {
    /// Reads a whole map.
    ///
    /// # Errors
    /// [`DirectoryError`]: a part could not be read, or is over a limit.
    pub fn read_map(&self, places: &MapPlaces) -> Result<Vec<MapEntry>, DirectoryError> {
        let read = MapReader {
            directory: self,
            deadline_ms: self.until_ms(MAP_MS),
            members_are_groups: places.members_are_groups,
            known: BTreeMap::new(),
            member_count: 0,
        }
        .read(places);
        self.note(read.as_ref().err());
        read
    }
}

struct MapReader<'a> {
    directory: &'a Directory,
    deadline_ms: u64,
    members_are_groups: bool,
    /// What was looked up.
    known: BTreeMap<String, Option<Member>>,
    member_count: usize,
}

impl MapReader<'_> {
    fn read(mut self, places: &MapPlaces) -> Result<Vec<MapEntry>, DirectoryError> {
        let bases = [
            (Kind::Queue, &places.queues),
            (Kind::Topic, &places.topics),
            (Kind::Temporary, &places.temporary),
        ];
        let words = Permission::WORDS.map(|(_, word)| word);
        let filter = Filter::one_of(NAME_ATTRIBUTE, &words);
        let mut entries = Vec::new();
        for (kind, base) in bases {
            let Some(base) = base else { continue };
            let depth = name::parts(base)
                .map_err(|_| DirectoryError::Content("a search base that is no distinguished name"))?
                .len();
            let search = Search {
                base,
                scope: Scope::Subtree,
                filter: &filter,
                values: ["", ""],
                attributes: &[NAME_ATTRIBUTE, MEMBER_ATTRIBUTE],
                limits: LIMITS,
            };
            for entry in self.directory.search(&search, self.deadline_ms)? {
                if let Some((destination, permission)) = meaning(kind, &entry, depth) {
                    let members = self.members(&entry)?;
                    entries.push(MapEntry { destination, permission, members });
                }
            }
        }
        Ok(entries)
    }

    fn members(&mut self, entry: &Entry) -> Result<Vec<Member>, DirectoryError> {
        let mut members = Vec::new();
        for value in entry.values(MEMBER_ATTRIBUTE) {
            self.member_count += 1;
            if self.member_count > MAX_MEMBERS {
                return Err(DirectoryError::Content("more members of permissions than are taken"));
            }
            let Ok(name) = std::str::from_utf8(value) else { continue };
            let Ok(parts) = name::parts(name) else { continue };
            let member = match parts.first() {
                None => None,
                Some(part) if self.members_are_groups => group_of(part),
                Some(_) => self.look_up(name)?,
            };
            members.extend(member);
        }
        Ok(members)
    }

    /// What a member is, by its class.
    fn look_up(&mut self, name: &str) -> Result<Option<Member>, DirectoryError> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        if self.known.len() >= MAX_LOOKED_UP {
            return Err(DirectoryError::Content("more different members of permissions than are taken"));
        }
        let search = Search {
            base: name,
            scope: Scope::Base,
            filter: &Filter::all(),
            values: ["", ""],
            attributes: &[CLASS_ATTRIBUTE, NAME_ATTRIBUTE, USER_ATTRIBUTE],
            limits: MEMBER_LIMITS,
        };
        let found = self.directory.search(&search, self.deadline_ms)?;
        let member = found.first().and_then(member_of);
        self.known.insert(name.to_owned(), member.clone());
        Ok(member)
    }
}

/// What an entry permits for which destination; `None` for one that says nothing.
fn meaning(kind: Kind, entry: &Entry, depth: usize) -> Option<(Destination, Permission)> {
    let parts = name::parts(&entry.name).ok()?;
    let word = parts.first().filter(|part| part.attribute == NAME_ATTRIBUTE)?;
    let permission = Permission::WORDS.iter().find(|(_, known)| word.value.eq_ignore_ascii_case(known))?.0;
    let destination = match kind {
        Kind::Temporary => Destination::Temporary,
        // It is in an entry of its destination, which is below the base.
        Kind::Queue | Kind::Topic if parts.len() < depth + 2 => return None,
        Kind::Queue | Kind::Topic => {
            let name = parts.get(1)?.value.replace('$', ">");
            if name.is_empty() || name.len() > MAX_WORD_BYTES {
                return None;
            }
            if matches!(kind, Kind::Queue) {
                Destination::Queue(name.into())
            } else {
                Destination::Topic(name.into())
            }
        }
    };
    Some((destination, permission))
}

fn group_of(part: &Part) -> Option<Member> {
    let is_group = part.attribute == NAME_ATTRIBUTE && !part.value.is_empty();
    is_group.then(|| Member::Group(part.value.as_str().into()))
}

fn member_of(entry: &Entry) -> Option<Member> {
    let is_a = |class: &[u8]| entry.values(CLASS_ATTRIBUTE).any(|value| value.eq_ignore_ascii_case(class));
    let name = |attribute: &'static str| -> Option<Arc<str>> {
        let value = std::str::from_utf8(entry.values(attribute).next()?).ok()?;
        (!value.is_empty() && value.len() <= MAX_WORD_BYTES).then(|| value.into())
    };
    if is_a(GROUP_CLASS) {
        name(NAME_ATTRIBUTE).map(Member::Group)
    } else if USER_CLASSES.into_iter().any(is_a) {
        name(USER_ATTRIBUTE).map(Member::User)
    } else {
        None
    }
}
