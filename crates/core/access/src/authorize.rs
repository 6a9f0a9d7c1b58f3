//! The one function that decides who may do what (S5).

use std::{borrow::Cow, fmt, sync::Arc};

use ternmq_stdx::quoted;
use thiserror::Error;

use crate::{
    access::{Access, Permission, User},
    grants::{Act, GrantKind, Granted, Grants, part},
    pattern::Template,
    principal::Principal,
    record::Role,
    rules::Rules,
};

/// What somebody wants to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Enter a namespace.
    Access,
    /// Declare a queue or node.
    Configure,
    /// Delete a queue or node: permissions ask what they ask for [`Action::Configure`].
    Delete,
    /// Put messages into a queue or node, or bind it as a target.
    Write,
    /// Take messages from a queue, or bind a node as a source.
    Read,
    /// Publish with a key.
    TopicWrite,
    /// Bind with a key.
    TopicRead,
}

/// What it is done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resource<'a> {
    /// Name of the namespace.
    pub namespace: &'a str,
    /// The thing in it.
    pub thing: Thing<'a>,
}

/// A thing in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing<'a> {
    /// The namespace itself: [`Action::Access`].
    Namespace,
    /// A queue by name: [`Action::Configure`], [`Action::Delete`], [`Action::Write`], [`Action::Read`].
    Queue(&'a str),
    /// A queue by way of the node that leads to each by its name: [`Action::Write`]. Permissions know the node, grants the
    /// queue.
    QueueBy {
        /// Name of the node.
        node: &'a str,
        /// Name of the queue.
        queue: &'a str,
    },
    /// A node by name: as a queue.
    Node(&'a str),
    /// A key in use with a node: [`Action::TopicWrite`], [`Action::TopicRead`].
    Key {
        /// Name of the node.
        node: &'a str,
        /// The key.
        key: &'a str,
    },
}

/// Proof that somebody was allowed something; made only by [`Access::authorize`].
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub struct Authorized {
    generation: u64,
}

impl Authorized {
    /// Generation of the table that allowed it: ask again when the table has another one (S7).
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.generation
    }
}

/// Why it is denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeniedReason {
    /// There is no such user, or not any more.
    UnknownUser,
    /// The user may not enter the namespace.
    NoPermission,
    /// The pattern for the action does not match the name.
    NameNotAllowed,
    /// The pattern for the action on this node does not match the key.
    KeyNotAllowed,
    /// The user is bound to grants, and none of them allows it, or one denies it.
    NotGranted,
    /// A pattern of the user's grants took too many steps (B8).
    GrantsTooCostly,
    /// No rule on such names allows it to any of the user's groups.
    NotInRules,
    /// The action does not go with such a thing.
    NoSuchAction,
}

/// Somebody may not do something.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("user {} may not {action} {thing} in namespace {}: {reason}", quoted(user), quoted(namespace))]
pub struct Denied {
    /// Name of the user.
    pub user: Arc<str>,
    /// What was to be done.
    pub action: Action,
    /// Name of the namespace.
    pub namespace: Arc<str>,
    /// What it was to be done to, in words.
    pub thing: Arc<str>,
    /// Why not.
    pub reason: DeniedReason,
}

impl Access {
    /// Decides whether somebody may do something. Whatever is not granted is denied (S1).
    ///
    /// Names that the broker made itself, and the name under which the default node is known, are the caller's business.
    ///
    /// # Errors
    /// [`Denied`] with the reason.
    pub fn authorize(
        &self,
        principal: &Principal,
        action: Action,
        resource: Resource<'_>,
    ) -> Result<Authorized, Denied> {
        match self.decide(principal, action, resource) {
            Ok(()) => Ok(Authorized { generation: self.generation() }),
            Err(reason) => Err(denied(principal, action, resource, reason)),
        }
    }

    fn decide(
        &self,
        principal: &Principal,
        action: Action,
        Resource { namespace, thing }: Resource<'_>,
    ) -> Result<(), DeniedReason> {
        if principal.is_node() {
            return Ok(());
        }
        let user = self.entry(principal.user()).ok_or(DeniedReason::UnknownUser)?;
        let permission = user.permissions.get(namespace).ok_or(DeniedReason::NoPermission)?;
        is_permitted(user, permission, principal, action, namespace, thing)?;
        if let Some(grants) = &user.grants {
            check_grants(grants, action, namespace, thing)?;
        }
        match (self.rules(), name_of(thing)) {
            (Some(rules), Some(name)) => check_rules(rules, action, name, user),
            _ => Ok(()),
        }
    }

    /// Decides about a thing that permissions do not know, as its name can't be guessed (S6): only [`crate::Rules`] that are
    /// about such names can deny it.
    ///
    /// # Errors
    /// [`Denied`] with the reason.
    pub fn authorize_unlisted(
        &self,
        principal: &Principal,
        action: Action,
        resource: Resource<'_>,
    ) -> Result<(), Denied> {
        let decided = match (self.rules(), name_of(resource.thing)) {
            (Some(rules), Some(name)) if !principal.is_node() && rules.has_space_of(name) => {
                let user = self.entry(principal.user()).ok_or(DeniedReason::UnknownUser);
                user.and_then(|user| check_rules(rules, action, name, user))
            }
            _ => Ok(()),
        };
        decided.map_err(|reason| denied(principal, action, resource, reason))
    }

    /// Whether a user has a role, and may use it.
    #[must_use]
    pub fn has_role(&self, user: &str, role: Role) -> bool {
        self.entry(user).is_some_and(|user| {
            let has_role = user.record().roles.has(role);
            has_role && user.grants.as_ref().is_none_or(|grants| grants.may_manage())
        })
    }
}

fn denied(principal: &Principal, action: Action, resource: Resource<'_>, reason: DeniedReason) -> Denied {
    Denied {
        user: Arc::clone(principal.user()),
        action,
        namespace: Arc::from(resource.namespace),
        thing: Arc::from(resource.thing.to_string()),
        reason,
    }
}

/// The name that rules look at. A key goes with a node that they have looked at.
fn name_of(thing: Thing<'_>) -> Option<&str> {
    match thing {
        Thing::Queue(name) | Thing::Node(name) | Thing::QueueBy { queue: name, .. } => Some(name),
        Thing::Namespace | Thing::Key { .. } => None,
    }
}

fn check_rules(rules: &Rules, action: Action, name: &str, user: &User) -> Result<(), DeniedReason> {
    let record = user.record();
    allow(rules.allow(action, name, &record.name, &record.groups), DeniedReason::NotInRules)
}

/// What the broker's own permissions say.
fn is_permitted(
    user: &User,
    permission: &Permission,
    principal: &Principal,
    action: Action,
    namespace: &str,
    thing: Thing<'_>,
) -> Result<(), DeniedReason> {
    match (action, thing) {
        (Action::Access, Thing::Namespace) => Ok(()),
        (Action::Configure | Action::Delete, Thing::Queue(name) | Thing::Node(name)) => {
            allow(permission.configure.is_match(name), DeniedReason::NameNotAllowed)
        }
        (Action::Write, Thing::Queue(name) | Thing::Node(name) | Thing::QueueBy { node: name, .. }) => {
            allow(permission.write.is_match(name), DeniedReason::NameNotAllowed)
        }
        (Action::Read, Thing::Queue(name) | Thing::Node(name)) => {
            allow(permission.read.is_match(name), DeniedReason::NameNotAllowed)
        }
        (Action::TopicWrite | Action::TopicRead, Thing::Key { node, key }) => {
            let is_allowed = is_key_allowed(user, principal, action, namespace, node, key);
            allow(is_allowed, DeniedReason::KeyNotAllowed)
        }
        (Action::Access, _)
        | (Action::Configure | Action::Delete | Action::Write | Action::Read, Thing::Namespace)
        | (Action::Configure | Action::Delete | Action::Write | Action::Read, Thing::Key { .. })
        | (Action::Configure | Action::Delete | Action::Read, Thing::QueueBy { .. })
        | (Action::TopicWrite | Action::TopicRead, _) => Err(DeniedReason::NoSuchAction),
    }
}

/// What the user's grants say, of something that goes with its action.
fn check_grants(
    grants: &Grants,
    action: Action,
    namespace: &str,
    thing: Thing<'_>,
) -> Result<(), DeniedReason> {
    let act = match action {
        Action::Access => Act::Enter,
        Action::Configure => Act::Create,
        Action::Delete => Act::Delete,
        Action::Write | Action::TopicWrite => Act::Send,
        Action::Read | Action::TopicRead => Act::Receive,
    };
    let space = part(namespace);
    let (kind, text) = match thing {
        Thing::Namespace => (GrantKind::Namespace, space),
        Thing::Queue(name) | Thing::QueueBy { queue: name, .. } => {
            (GrantKind::Queue, Cow::Owned(format!("{space}/{name}")))
        }
        Thing::Node(name) => (GrantKind::Node, Cow::Owned(format!("{space}/{name}"))),
        Thing::Key { node, key } => (GrantKind::Key, Cow::Owned(format!("{space}/{}/{key}", part(node)))),
    };
    match grants.decide(act, kind, &text) {
        Granted::Yes => Ok(()),
        Granted::No => Err(DeniedReason::NotGranted),
        Granted::Unknown => Err(DeniedReason::GrantsTooCostly),
    }
}

impl Grants {
    fn may_manage(&self) -> bool {
        self.decide(Act::Manage, GrantKind::Broker, "") == Granted::Yes
    }
}

fn allow(is_allowed: bool, reason: DeniedReason) -> Result<(), DeniedReason> {
    if is_allowed { Ok(()) } else { Err(reason) }
}

fn is_key_allowed(
    user: &User,
    principal: &Principal,
    action: Action,
    namespace: &str,
    node: &str,
    key: &str,
) -> bool {
    let Some(permission) = user.topics.get(namespace).and_then(|nodes| nodes.get(node)) else { return true };
    let template = if action == Action::TopicWrite { &permission.write } else { &permission.read };
    match template {
        Template::Fixed(pattern) => pattern.is_match(key),
        Template::Open(text) => principal.is_match(text, key),
    }
}

impl fmt::Display for Thing<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Namespace => f.write_str("anything"),
            Self::Queue(name) => write!(f, "queue {}", quoted(name)),
            Self::Node(name) => write!(f, "node {}", quoted(name)),
            Self::QueueBy { node, queue } => {
                write!(f, "queue {} by way of node {}", quoted(queue), quoted(node))
            }
            Self::Key { node, key } => write!(f, "key {} of node {}", quoted(key), quoted(node)),
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Access => "enter",
            Self::Configure => "configure",
            Self::Delete => "delete",
            Self::Write => "write to",
            Self::Read => "read from",
            Self::TopicWrite => "publish with",
            Self::TopicRead => "bind with",
        })
    }
}

impl fmt::Display for DeniedReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UnknownUser => "there is no such user",
            Self::NoPermission => "the user has no permission there",
            Self::NameNotAllowed => "the user's pattern for this does not match the name",
            Self::KeyNotAllowed => "the user's pattern for this node does not match the key",
            Self::NotGranted => "the grants that the user is bound to do not allow it",
            Self::GrantsTooCostly => "a pattern of the user's grants takes too many steps",
            Self::NotInRules => "no rule allows it to any of the user's groups",
            Self::NoSuchAction => "that cannot be done to it",
        })
    }
}
