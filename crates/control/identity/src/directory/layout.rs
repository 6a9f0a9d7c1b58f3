//! How records are kept: a version byte, then fields one after the other, as `ternmq_stdx::layout` writes them.
//!
//! Maps and sets are a count and their members in order. Times are seconds since 1970 in two's complement. What is read
//! has the values that were written, or the record is refused: a record is never guessed at.

use std::collections::{BTreeMap, BTreeSet};

use ternmq_stdx::layout::{BadLayout, Reader, Writer};
use zeroize::Zeroizing;

use super::changes::Change;
use super::fault::EntityKind;
use super::record::{
    AccessKey, Document, Grants, Group, KeyStatus, LastUse, ManagedPolicy, Role, Session, SessionOwner, Tag,
    Tags, User, Version,
};
use super::role::TrustDocument;
use crate::policy::{MANAGED_MAX_CHARS, PolicyFault, SESSION_MAX_CHARS};
use ternmq_stdx::Secret;

/// Version of every layout here.
const VERSION: u8 = 1;

/// A record that was kept.
pub(super) enum Kept {
    User(User),
    Group(Group),
    Role(Role),
    Policy(ManagedPolicy),
    AccessKey(AccessKey),
    Session(Session),
}

/// Why a record cannot be read.
pub(super) enum Unreadable {
    /// Its bytes are not in this layout.
    Layout,
    /// A policy in it is none.
    Policy(PolicyFault),
}

impl From<BadLayout> for Unreadable {
    fn from(_: BadLayout) -> Self {
        Self::Layout
    }
}

impl From<PolicyFault> for Unreadable {
    fn from(fault: PolicyFault) -> Self {
        Self::Policy(fault)
    }
}

pub(super) fn user_key(id: &str) -> String {
    format!("user/{id}")
}

pub(super) fn group_key(id: &str) -> String {
    format!("group/{id}")
}

pub(super) fn role_key(id: &str) -> String {
    format!("role/{id}")
}

pub(super) fn policy_key(id: &str) -> String {
    format!("policy/{id}")
}

pub(super) fn access_key_key(id: &str) -> String {
    format!("key/{id}")
}

pub(super) fn session_key(id: &str) -> String {
    format!("session/{id}")
}

/// `version | id name path | created | tags | boundary? | groups | grants`.
pub(super) fn put_user(user: &User) -> Change {
    let mut writer = writer();
    writer.text(&user.id).text(&user.name).text(&user.path).u64(user.created_s.cast_unsigned());
    write_tags(&mut writer, &user.tags);
    writer.opt_text(user.boundary.as_deref());
    write_set(&mut writer, &user.groups);
    write_grants(&mut writer, &user.grants);
    put(user_key(&user.id), writer)
}

/// `version | id name path | created | grants`.
pub(super) fn put_group(group: &Group) -> Change {
    let mut writer = writer();
    writer.text(&group.id).text(&group.name).text(&group.path).u64(group.created_s.cast_unsigned());
    write_grants(&mut writer, &group.grants);
    put(group_key(&group.id), writer)
}

/// `version | id name path | created | description? | longest session | trust and whom it names: id ARN | tags | boundary? | grants`.
pub(super) fn put_role(role: &Role) -> Change {
    let mut writer = writer();
    writer.text(&role.id).text(&role.name).text(&role.path).u64(role.created_s.cast_unsigned());
    writer.opt_text(role.description.as_deref()).u32(role.max_session_s).text(role.trust.text());
    writer.count(role.trust.named().len());
    for (id, arn) in role.trust.named() {
        writer.text(id).text(arn);
    }
    write_tags(&mut writer, &role.tags);
    writer.opt_text(role.boundary.as_deref());
    write_grants(&mut writer, &role.grants);
    put(role_key(&role.id), writer)
}

/// `version | id name path | created updated | description? | tags | default last | versions: number created text`.
pub(super) fn put_policy(policy: &ManagedPolicy) -> Change {
    let mut writer = writer();
    writer.text(&policy.id).text(&policy.name).text(&policy.path).u64(policy.created_s.cast_unsigned());
    writer.u64(policy.updated_s.cast_unsigned()).opt_text(policy.description.as_deref());
    write_tags(&mut writer, &policy.tags);
    writer.u32(policy.default_version).u32(policy.last_version).count(policy.versions.len());
    for (number, version) in &policy.versions {
        writer.u32(*number).u64(version.created_s.cast_unsigned()).text(version.document.text());
    }
    put(policy_key(&policy.id), writer)
}

/// `version | id user | secret | status | created | last use?: at service region`. Status is 0 or 1, 1 is active.
pub(super) fn put_access_key(key: &AccessKey) -> Change {
    let mut writer = writer();
    writer.text(&key.id).text(&key.user_id).blob(key.secret.expose());
    writer.bool(key.status == KeyStatus::Active).u64(key.created_s.cast_unsigned());
    writer.bool(key.last_use.is_some());
    if let Some(last) = &key.last_use {
        writer.u64(last.at_s.cast_unsigned()).text(&last.service).text(&last.region);
    }
    put(access_key_key(&key.id), writer)
}

/// `version | key id | secret token | owner | policy? | policy ARNs | issued expires`. An owner is 0 and a user's id, or 1
/// and a role's id, the session's name and its tags.
pub(super) fn put_session(session: &Session) -> Change {
    let mut writer = writer();
    writer.text(&session.key_id).blob(session.secret.expose()).blob(session.token.expose());
    match &session.owner {
        SessionOwner::User { user_id } => {
            writer.u8(0).text(user_id);
        }
        SessionOwner::Role { role_id, name, tags } => {
            writer.u8(1).text(role_id).text(name);
            write_tags(&mut writer, tags);
        }
    }
    writer.opt_text(session.policy.as_ref().map(Document::text));
    write_set(&mut writer, &session.policy_arns);
    writer.u64(session.issued_s.cast_unsigned()).u64(session.expires_s.cast_unsigned());
    put(session_key(&session.key_id), writer)
}

/// Reads a record, by the kind that its key names. It has to be the one of its key, to the last byte.
pub(super) fn read(key: &str, value: &[u8]) -> Result<Kept, Unreadable> {
    let (kind, id) = key.split_once('/').ok_or(Unreadable::Layout)?;
    let mut reader = Reader::new(value);
    if reader.u8()? != VERSION || reader.text()?.as_ref() != id {
        return Err(Unreadable::Layout);
    }
    let (reader, id) = (&mut reader, id.to_owned());
    let kept = match kind {
        "user" => Kept::User(read_user(reader, id)?),
        "group" => Kept::Group(read_group(reader, id)?),
        "role" => Kept::Role(read_role(reader, id)?),
        "policy" => Kept::Policy(read_policy(reader, id)?),
        "key" => Kept::AccessKey(read_access_key(reader, id)?),
        "session" => Kept::Session(read_session(reader, id)?),
        _ => return Err(Unreadable::Layout),
    };
    if reader.remaining() == 0 { Ok(kept) } else { Err(Unreadable::Layout) }
}

fn read_user(reader: &mut Reader<'_>, id: String) -> Result<User, Unreadable> {
    Ok(User {
        id,
        name: text(reader)?,
        path: text(reader)?,
        created_s: time(reader)?,
        tags: read_tags(reader)?,
        boundary: opt_text(reader)?,
        groups: read_set(reader)?,
        grants: read_grants(reader, EntityKind::User)?,
    })
}

fn read_group(reader: &mut Reader<'_>, id: String) -> Result<Group, Unreadable> {
    Ok(Group {
        id,
        name: text(reader)?,
        path: text(reader)?,
        created_s: time(reader)?,
        grants: read_grants(reader, EntityKind::Group)?,
    })
}

fn read_role(reader: &mut Reader<'_>, id: String) -> Result<Role, Unreadable> {
    Ok(Role {
        id,
        name: text(reader)?,
        path: text(reader)?,
        created_s: time(reader)?,
        description: opt_text(reader)?,
        max_session_s: reader.u32()?,
        trust: read_trust(reader)?,
        tags: read_tags(reader)?,
        boundary: opt_text(reader)?,
        grants: read_grants(reader, EntityKind::Role)?,
    })
}

fn read_trust(reader: &mut Reader<'_>) -> Result<TrustDocument, Unreadable> {
    let document = reader.text()?;
    let mut named = BTreeMap::new();
    for _ in 0..reader.count(8)? {
        let id = text(reader)?;
        named.insert(id, text(reader)?);
    }
    Ok(TrustDocument::kept(&document, named)?)
}

fn read_policy(reader: &mut Reader<'_>, id: String) -> Result<ManagedPolicy, Unreadable> {
    let mut policy = ManagedPolicy {
        id,
        name: text(reader)?,
        path: text(reader)?,
        created_s: time(reader)?,
        updated_s: time(reader)?,
        description: opt_text(reader)?,
        tags: read_tags(reader)?,
        default_version: reader.u32()?,
        last_version: reader.u32()?,
        versions: BTreeMap::new(),
    };
    for _ in 0..reader.count(16)? {
        let (number, created_s) = (reader.u32()?, time(reader)?);
        let document = Document::kept(&reader.text()?, MANAGED_MAX_CHARS)?;
        policy.versions.insert(number, Version { document, created_s });
    }
    let is_whole = policy.versions.contains_key(&policy.default_version)
        && policy.versions.keys().all(|number| *number <= policy.last_version);
    if is_whole { Ok(policy) } else { Err(Unreadable::Layout) }
}

fn read_access_key(reader: &mut Reader<'_>, id: String) -> Result<AccessKey, Unreadable> {
    let user_id = text(reader)?;
    let secret = Secret::new(reader.blob()?.to_vec());
    let status = if reader.bool()? { KeyStatus::Active } else { KeyStatus::Inactive };
    let created_s = time(reader)?;
    let last_use = if reader.bool()? {
        Some(LastUse { at_s: time(reader)?, service: text(reader)?, region: text(reader)? })
    } else {
        None
    };
    Ok(AccessKey { id, user_id, secret, status, created_s, last_use })
}

fn read_session(reader: &mut Reader<'_>, key_id: String) -> Result<Session, Unreadable> {
    let secret = Secret::new(reader.blob()?.to_vec());
    let token = Secret::new(reader.blob()?.to_vec());
    let owner = match reader.u8()? {
        0 => SessionOwner::User { user_id: text(reader)? },
        1 => SessionOwner::Role { role_id: text(reader)?, name: text(reader)?, tags: read_tags(reader)? },
        _ => return Err(Unreadable::Layout),
    };
    let policy = match opt_text(reader)? {
        Some(text) => Some(Document::kept(&text, SESSION_MAX_CHARS)?),
        None => None,
    };
    let policy_arns = read_set(reader)?;
    Ok(Session {
        key_id,
        secret,
        token,
        owner,
        policy,
        policy_arns,
        issued_s: time(reader)?,
        expires_s: time(reader)?,
    })
}

fn writer() -> Writer {
    let mut writer = Writer::default();
    writer.u8(VERSION);
    writer
}

fn put(key: String, writer: Writer) -> Change {
    Change::Put { key, value: Zeroizing::new(writer.bytes().to_vec()) }
}

fn write_tags(writer: &mut Writer, tags: &Tags) {
    writer.count(tags.len());
    for tag in tags.values() {
        writer.text(&tag.key).text(&tag.value);
    }
}

fn read_tags(reader: &mut Reader<'_>) -> Result<Tags, BadLayout> {
    let mut tags = Tags::new();
    for _ in 0..reader.count(8)? {
        let tag = Tag { key: text(reader)?, value: text(reader)? };
        tags.insert(tag.key.to_lowercase(), tag);
    }
    Ok(tags)
}

fn write_set(writer: &mut Writer, set: &BTreeSet<String>) {
    writer.count(set.len());
    for member in set {
        writer.text(member);
    }
}

fn read_set(reader: &mut Reader<'_>) -> Result<BTreeSet<String>, BadLayout> {
    let count = reader.count(4)?;
    (0..count).map(|_| text(reader)).collect()
}

fn write_grants(writer: &mut Writer, grants: &Grants) {
    writer.count(grants.inline.len());
    for (name, document) in &grants.inline {
        writer.text(name).text(document.text());
    }
    write_set(writer, &grants.attached);
}

fn read_grants(reader: &mut Reader<'_>, kind: EntityKind) -> Result<Grants, Unreadable> {
    let mut inline = BTreeMap::new();
    for _ in 0..reader.count(8)? {
        let name = text(reader)?;
        inline.insert(name, Document::kept(&reader.text()?, kind.inline_max_chars())?);
    }
    Ok(Grants { inline, attached: read_set(reader)? })
}

fn text(reader: &mut Reader<'_>) -> Result<String, BadLayout> {
    reader.text().map(|text| text.as_ref().to_owned())
}

fn opt_text(reader: &mut Reader<'_>) -> Result<Option<String>, BadLayout> {
    Ok(reader.opt_text()?.map(|text| text.as_ref().to_owned()))
}

fn time(reader: &mut Reader<'_>) -> Result<i64, BadLayout> {
    reader.u64().map(u64::cast_signed)
}
