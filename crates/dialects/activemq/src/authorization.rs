//! Authorization maps: which groups may read, write and administer which destinations, as rules of the core.
//!
//! What a map grants for a destination is the union of all entries whose name matches it and the default entry. Names of
//! entries may hold `*` for one part and end with `>` for all that follow. Temporary destinations have an entry of their own;
//! without it anybody may use them. The group `*` is everybody.
//!
//! Stricter than ActiveMQ in one point: a subscription to many topics needs an entry that covers all of them, while there
//! one for a single topic among them is enough to receive all.

use std::sync::Arc;

use ternmq_access::{Members, Permits, RuleSpace, RuleSyntax, Rules, RulesError};
use ternmq_configuration::activemq_service::{Authorization, DestinationKind, Object};
use ternmq_routing::MAX_KEY_BYTES;

use crate::{
    ActiveMq,
    names::{MQTT_GROUP, TEMPORARY_QUEUE, TEMPORARY_TOPIC},
};

const SYNTAX: RuleSyntax = RuleSyntax { separator: '.', one: "*", rest: ">" };
const QUEUE: &str = "queue://";
const TOPIC: &str = "topic://";
/// The group of everybody.
const EVERYBODY: &str = "*";
/// Tag of a user that is in a group: this, and the group's name.
const GROUP_TAG: &str = "group:";

/// What an entry is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EntryKind {
    /// Queues of its name.
    Queue,
    /// Topics of its name.
    Topic,
}

/// Whom an entry lets do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Acl {
    /// Create and remove.
    pub admin: Members,
    /// Consume and browse.
    pub read: Members,
    /// Send.
    pub write: Members,
}

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuthorizationEntry {
    /// What it is about.
    pub kind: EntryKind,
    /// Name, which may hold wildcards.
    pub name: Arc<str>,
    /// Whom it lets do what.
    pub acl: Acl,
}

/// A whole map.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuthorizationMap {
    /// Entries of queues and topics.
    pub entries: Vec<AuthorizationEntry>,
    /// Added to what the others grant, for every queue and topic.
    pub default: Option<Acl>,
    /// For temporary destinations; absent: anybody may use them.
    pub temporary: Option<Acl>,
}

impl Acl {
    /// Adds whom another one lets.
    pub fn add(&mut self, other: Self) {
        self.admin.add(other.admin);
        self.read.add(other.read);
        self.write.add(other.write);
    }

    fn permits(self) -> Permits {
        Permits { manage: self.admin, send: self.write, receive: self.read }
    }
}

impl Acl {
    fn of(entry: &Object) -> Self {
        let of = |name| members(entry.groups(name).into_iter().flatten().map(String::as_str));
        Self { admin: of("admin"), read: of("read"), write: of("write") }
    }
}

impl AuthorizationMap {
    /// The map of a configuration file. An entry that names no queue or topic permits nothing.
    #[must_use]
    pub fn of(file: Authorization<'_>) -> Self {
        let entry = |entry: &Object| {
            let (kind, name) = entry.destination()?;
            let kind = match kind {
                DestinationKind::Queue => EntryKind::Queue,
                DestinationKind::Topic => EntryKind::Topic,
                DestinationKind::TempQueue | DestinationKind::TempTopic => return None,
            };
            Some(AuthorizationEntry { kind, name: name.into(), acl: Acl::of(entry) })
        };
        Self {
            entries: file.entries().into_iter().filter_map(entry).collect(),
            default: file.default_entry().map(Acl::of),
            temporary: file.temp_entry().map(Acl::of),
        }
    }

    /// The map as rules.
    ///
    /// # Errors
    /// It is over a limit.
    pub fn rules(self) -> Result<Rules, RulesError> {
        if self == Self::default() {
            return Ok(Self::nothing());
        }
        let Self { entries, default, temporary } = self;
        let mut queues = space(QUEUE, true);
        let mut topics = space(TOPIC, true);
        for entry in entries {
            // Nothing has such a name.
            if entry.name.is_empty() || entry.name.len() > MAX_KEY_BYTES {
                continue;
            }
            let space = if entry.kind == EntryKind::Queue { &mut queues } else { &mut topics };
            space.rules.push((entry.name, entry.acl.permits()));
        }
        let mut spaces = vec![queues, topics];
        // A group of MQTT's is looked at by its topic, which has to be read.
        let mut free: Vec<Arc<str>> = vec![MQTT_GROUP.into()];
        match temporary.map(Acl::permits) {
            Some(permits) => {
                for prefix in [TEMPORARY_QUEUE, TEMPORARY_TOPIC] {
                    spaces.push(RuleSpace {
                        rules: vec![(">".into(), permits.clone())],
                        ..space(prefix, false)
                    });
                }
            }
            None => free.extend([TEMPORARY_QUEUE, TEMPORARY_TOPIC].map(Arc::from)),
        }
        Rules::new(SYNTAX, spaces, free, default.map(Acl::permits).unwrap_or_default())
    }

    /// Rules by which nobody may do anything.
    #[must_use]
    pub fn nothing() -> Rules {
        Rules::nothing(SYNTAX)
    }
}

fn space(prefix: &str, adds_default: bool) -> RuleSpace {
    RuleSpace { prefix: prefix.into(), adds_default, rules: Vec::new() }
}

/// Members of groups by the names that an entry lists.
#[must_use]
pub fn members<'a>(groups: impl IntoIterator<Item = &'a str>) -> Members {
    let mut members = Members::default();
    for group in groups.into_iter().map(str::trim).filter(|group| !group.is_empty()) {
        if group == EVERYBODY {
            members.is_everybody = true;
        } else {
            members.groups.insert(group.into());
        }
    }
    members
}

impl ActiveMq {
    /// The tag that puts a user in a group.
    #[must_use]
    pub fn tag_of_group(group: &str) -> String {
        format!("{GROUP_TAG}{group}")
    }
}

/// The group of a tag.
pub(crate) fn group_of_tag(tag: &str) -> Option<&str> {
    tag.strip_prefix(GROUP_TAG).filter(|group| !group.is_empty())
}

#[cfg(test)]
mod tests {
    use ternmq_access::{
        Access, Action, PermissionRecord, Principal, Resource, Roles, Thing, UserLimits, UserRecord,
    };
    use ternmq_broker::Dialect;
    use ternmq_configuration::activemq_service;

    use super::*;
    use crate::names;

    fn acl(read: &str, write: &str, admin: &str) -> Acl {
        let of = |names: &str| members(names.split(','));
        Acl { admin: of(admin), read: of(read), write: of(write) }
    }

    fn entry(kind: EntryKind, name: &str, acl: Acl) -> AuthorizationEntry {
        AuthorizationEntry { kind, name: name.into(), acl }
    }

    /// A user of these groups, who may do everything by permission.
    fn table(map: AuthorizationMap, groups: &[&str]) -> impl Fn(&str, Action) -> bool {
        let mut access = Access::new();
        let tags: Vec<Arc<str>> = groups.iter().map(|group| ActiveMq::tag_of_group(group).into()).collect();
        let groups = tags.iter().filter_map(|tag| ActiveMq.group_of_tag(tag)).map(Arc::from).collect();
        access.put_user(UserRecord {
            name: "u".into(),
            password: None,
            scram: None,
            tags,
            roles: Roles::NONE,
            groups,
            limits: UserLimits::default(),
        });
        let (user, namespace): (Arc<str>, Arc<str>) = ("u".into(), names::NAMESPACE.into());
        let all = || Arc::from(".*");
        let permission = PermissionRecord { user, namespace, configure: all(), write: all(), read: all() };
        access.put_permission(permission).unwrap();
        access.set_rules(Some(map.rules().unwrap()));
        move |name, action| {
            let resource = Resource { namespace: names::NAMESPACE, thing: Thing::Queue(name) };
            access.authorize(&Principal::new("u".into(), Vec::new()), action, resource).is_ok()
        }
    }

    fn map() -> AuthorizationMap {
        AuthorizationMap {
            entries: vec![
                entry(EntryKind::Queue, ">", acl("admins", "admins", "admins")),
                entry(EntryKind::Queue, "USERS.>", acl("users", "users", "users")),
                entry(EntryKind::Queue, "GUEST.*", acl("guests,users", "guests", "")),
                entry(EntryKind::Topic, "NEWS", acl("*", "admins", "admins")),
            ],
            default: Some(acl("auditors", "", "")),
            temporary: None,
        }
    }

    #[test]
    fn s5_the_union_of_all_that_match_and_the_default_entry() {
        use Action::{Configure, Read, Write};
        let check = |groups: &[&str], name: &str, expect: [bool; 3]| {
            let may = table(map(), groups);
            assert_eq!([Read, Write, Configure].map(|act| may(name, act)), expect, "{groups:?} {name}");
        };
        check(&["admins"], "queue://anything.at.all", [true; 3]);
        check(&["users"], "queue://USERS.eu.paris", [true; 3]);
        check(&["users"], "queue://USERS", [true; 3]);
        check(&["users"], "queue://users.eu", [false; 3]);
        check(&["users"], "queue://GUEST.a", [true, false, false]);
        check(&["guests"], "queue://GUEST.a", [true, true, false]);
        check(&["guests"], "queue://GUEST.a.b", [false; 3]);
        check(&["guests", "users"], "queue://GUEST.a", [true, true, false]);
        check(&["auditors"], "queue://anything", [true, false, false]);
        check(&["auditors"], "topic://anything.>", [true, false, false]);
        check(&["auditors"], "consumer://c/n", [true, false, false]);
        check(&[], "topic://NEWS", [true, false, false]);
        check(&[], "topic://NEWS.>", [false; 3]);
        check(&["users"], "topic://USERS.eu", [false; 3]);
        check(&["users"], "consumer://c/n", [false; 3]);
        check(&["users"], "mqtt-shared://g/a", [true; 3]);
        check(&[], "temp-queue://x/1", [true; 3]);
    }

    #[test]
    fn temporary_destinations_have_an_entry_of_their_own() {
        let map = AuthorizationMap { temporary: Some(acl("readers", "writers", "makers")), ..map() };
        let check = |groups: &[&str], expect: [bool; 3]| {
            let may = table(map.clone(), groups);
            for name in ["temp-queue://x/1", "temp-topic://x/1"] {
                let acts = [Action::Read, Action::Write, Action::Configure];
                assert_eq!(acts.map(|act| may(name, act)), expect, "{groups:?} {name}");
            }
        };
        check(&["readers"], [true, false, false]);
        check(&["writers"], [false, true, false]);
        check(&["makers"], [false, false, true]);
        check(&["admins", "auditors"], [false; 3]);
    }

    #[test]
    fn a_file_says_it_all() {
        let file = |map: &str| {
            let text = format!(
                "<broker xmlns=\"{}\"><plugins><authorizationPlugin><map>{map}</map></authorizationPlugin></plugins></broker>",
                activemq_service::NAMESPACE
            );
            let version = "5.19.1".parse().unwrap();
            activemq_service::sanitise(text.as_bytes(), version, activemq_service::Strategy::Simple)
        };
        let read = |text: &str| AuthorizationMap::of(file(text).unwrap().settings.authorization().unwrap());
        let text = r#"<authorizationMap><authorizationEntries>
            <authorizationEntry queue=">" read="admins" write="admins" admin="admins"/>
            <authorizationEntry queue="USERS.&gt;" read="users" write="users" admin="users"/>
            <authorizationEntry queue="GUEST.*" read="guests, users" write="guests"/>
            <authorizationEntry topic="NEWS" read="*" write="admins" admin="admins"/>
            <authorizationEntry read="nobody"/>
            </authorizationEntries>
            <defaultEntry><authorizationEntry read="auditors"/></defaultEntry></authorizationMap>"#;
        assert_eq!(read(text), map());
        let temporary = r#"<authorizationMap><tempDestinationAuthorizationEntry>
            <tempDestinationAuthorizationEntry read="readers" write="writers" admin="makers"/>
            </tempDestinationAuthorizationEntry></authorizationMap>"#;
        let made = acl("readers", "writers", "makers");
        assert_eq!(
            read(temporary),
            AuthorizationMap { temporary: Some(made), ..AuthorizationMap::default() }
        );
        // What was taken out permits nobody anything, temporary destinations too.
        let gone = read("<cachedLDAPAuthorizationMap queueSearchBase=\"ou=q\"/>").rules().unwrap();
        assert_eq!(gone, AuthorizationMap::nothing());
    }

    #[test]
    fn tags_and_groups_are_each_others() {
        assert_eq!(ActiveMq.group_of_tag(&ActiveMq::tag_of_group("a:b")), Some("a:b"));
        for none in ["group:", "administrator", "agroup:x", ""] {
            assert_eq!(ActiveMq.group_of_tag(none), None, "{none}");
        }
        assert_eq!(ActiveMq.role_of_tag("group:administrator"), None, "a group is never taken for a role");
    }

    #[test]
    fn lists_of_groups_are_read_with_care() {
        let listed = members(" a, b ,,a".split(','));
        assert_eq!((listed.groups.len(), listed.is_everybody), (2, false));
        assert!(members("a,*".split(',')).is_everybody);
    }
}
