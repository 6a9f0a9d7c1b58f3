//! The principals of one account: users with their keys, groups, roles with their sessions, and the policies they have.
//!
//! A verb of IAM or STS is a method that looks and decides, and changes nothing: it gives back an answer and the
//! [`Change`]s that make it true, as keys and values for a transactional store. Once these are durable, [`Directory::apply`]
//! takes them in; [`Directory::load`] makes the same directory from all that was kept. So memory never runs ahead of the
//! store, and a crash between the two loses nothing.
//!
//! [`Directory::find_key`] finds whose a key is, [`Directory::decide`] whether that principal may do something. Both look at
//! the directory as it is now, so a deleted user or a detached policy counts at once.
//!
//! Names are unique without regard to case, and found with it, as in IAM. Rules, quotas and texts are IAM's.

mod access_key;
mod assume_role;
mod attachment;
mod binding;
mod builtin;
mod changes;
mod decide;
mod fault;
mod group;
mod inline;
mod kept;
mod layout;
mod managed;
mod names;
mod page;
mod principal;
mod quota;
mod record;
mod role;
mod session;
mod table;
mod tags;
mod user;

use std::collections::{BTreeMap, BTreeSet, HashMap};

pub use access_key::{KeyUse, NewAccessKey};
pub use assume_role::AssumeRole;
pub use attachment::Attached;
pub use binding::{BROKER_USER_TAG, Claim};
pub use changes::{Change, Changed};
pub use fault::{EntityKind, Fault};
pub use group::GroupUsers;
pub use kept::LoadFault;
pub use managed::{ManagedFilter, NewPolicy, NewVersion, PolicyScope, PolicyUsage, PolicyView, VersionView};
pub use page::{Listed, Page};
pub use principal::{Found, Principal, PrincipalKind};
pub use record::{
    AccessKey, Document, Grants, Group, KeyStatus, LastUse, ManagedPolicy, Role, Session, SessionOwner, Tag,
    Tags, User, Version,
};
pub use role::{NewRole, TrustDocument};
pub use session::{MAX_SESSIONS, MAX_SESSIONS_PER_OWNER, SessionCredentials};
pub use user::{NewUser, UserUpdate};

use table::Table;

/// Random bytes for ids and secrets. They must be fresh, from a generator fit for keys, at each call.
pub type Entropy = [u8; 96];

/// All principals of an account.
#[derive(Clone, Debug)]
pub struct Directory {
    account: String,
    users: Table<User>,
    groups: Table<Group>,
    roles: Table<Role>,
    policies: Table<ManagedPolicy>,
    /// Policies that AWS manages, which every account has.
    builtin: Table<ManagedPolicy>,
    keys: BTreeMap<String, AccessKey>,
    sessions: BTreeMap<String, Session>,
    /// When each session ends, and its key.
    endings: BTreeSet<(i64, String)>,
    /// How many sessions a user or a role has, by its id.
    session_counts: HashMap<String, usize>,
    /// How many users, groups and roles have a policy, by its ARN.
    attachments: HashMap<String, usize>,
    /// Of how many users and roles a policy is the boundary, by its ARN.
    boundaries: HashMap<String, usize>,
}

impl Directory {
    /// Nobody yet, in the account of this id (12 digits).
    #[must_use]
    pub fn new(account: &str) -> Self {
        Self {
            account: account.to_owned(),
            users: Table::default(),
            groups: Table::default(),
            roles: Table::default(),
            policies: Table::default(),
            builtin: builtin::policies(),
            keys: BTreeMap::new(),
            sessions: BTreeMap::new(),
            endings: BTreeSet::new(),
            session_counts: HashMap::new(),
            attachments: HashMap::new(),
            boundaries: HashMap::new(),
        }
    }

    /// Id of the account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }

    /// ARN of a user.
    #[must_use]
    pub fn user_arn(&self, user: &User) -> String {
        self.arn("user", &user.path, &user.name)
    }

    /// ARN of a group.
    #[must_use]
    pub fn group_arn(&self, group: &Group) -> String {
        self.arn("group", &group.path, &group.name)
    }

    /// ARN of a role.
    #[must_use]
    pub fn role_arn(&self, role: &Role) -> String {
        self.arn("role", &role.path, &role.name)
    }

    fn policy_arn(&self, policy: &ManagedPolicy) -> String {
        self.arn("policy", &policy.path, &policy.name)
    }

    fn arn(&self, kind: &str, path: &str, name: &str) -> String {
        format!("arn:aws:iam::{}:{kind}{path}{name}", self.account)
    }
}
