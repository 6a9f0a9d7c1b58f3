//! Who may do what, and logging in.

use std::{collections::BTreeMap, net::IpAddr, sync::Arc};

use foldhash::fast::FixedState;
use hashbrown::HashMap;
use ternmq_access::{
    Access, Action, Admission, Grants, LoginThrottle, PasswordHash, PermissionRecord, Principal, Resource,
    Role, SaltKey, ScramVerifier, Secret, Thing, TopicPermissionRecord, UserLimits, UserRecord, Verdict,
    VerifiedCredentials, Verifier,
};
use ternmq_env::Rng;

use crate::{
    broker::{Broker, Done},
    definition::{
        Definition, GrantsDefinition, KeyPermissionDefinition, PermissionDefinition, UserDefinition,
    },
    dialect::Guard,
    error::{Error, Kind, Verb},
    incident::Incident,
    outside::{OUTSIDE_LOGIN_MS, OutsideAnswer, OutsideUsers},
    password::PasswordRecipe,
};

/// Users with what is counted and remembered of them.
pub(crate) struct Authority {
    pub(crate) access: Access,
    verified: VerifiedCredentials,
    throttle: LoginThrottle,
    /// Who is asked for users that are none of the broker's own.
    pub(crate) outside: Option<Arc<dyn OutsideUsers>>,
    /// Verifiers of passwords are kept for logins by challenge.
    pub(crate) keeps_scram: bool,
    /// Makes their salts; there since such logins were first possible.
    pub(crate) salt_key: Option<SaltKey>,
    counts: HashMap<Arc<str>, UserCounts, FixedState>,
}

#[derive(Clone, Copy, Default)]
struct UserCounts {
    connections: u64,
    sessions: u64,
}

/// Most incidents that wait to be taken.
const MAX_INCIDENTS: usize = 1_000;

/// What a login needs next.
pub enum LoginStep {
    /// Logged in.
    Done(Arc<str>),
    /// The password has to be checked away from the loop; give the result to [`Broker::finish_login`].
    Verify(Box<LoginCheck>),
    /// Too many failures lately (S2).
    Refused,
}

/// Why nobody is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginRefused {
    /// Wrong password, no such user, or the user changed meanwhile.
    Wrong,
    /// Whether it is right can't be found out now: the client may try again.
    Unavailable,
}

impl LoginRefused {
    /// What a client is told of [`LoginRefused::Unavailable`].
    pub const UNAVAILABLE: &str = "The directory of users can't be asked now; try again later.";
}

/// One password check, to be run on any thread: about 30 ms of computing, or a wait for an answer from outside.
pub struct LoginCheck {
    user: Arc<str>,
    verifier: Verifier,
    /// Who knows the user, when it is none of the broker's own.
    outside: Option<Arc<dyn OutsideUsers>>,
    password: Secret,
    peer: Option<IpAddr>,
    recipe: PasswordRecipe,
    /// The password is known to be right.
    is_verified: bool,
}

/// Outcome of a [`LoginCheck`].
pub struct LoginResult {
    user: Arc<str>,
    revision: u64,
    verdict: Verdict,
    outside: Option<OutsideAnswer>,
    password: Secret,
    peer: Option<IpAddr>,
    new_hash: Option<PasswordHash>,
    new_scram: Option<ScramVerifier>,
}

impl LoginCheck {
    /// Whether it waits for somebody outside, for seconds if that is slow: not for a thread that others need.
    #[must_use]
    pub fn waits_outside(&self) -> bool {
        self.outside.is_some() && !self.is_verified
    }

    /// Checks the password; on success a weak stored hash is replaced by a new one, and a verifier that is missing is made.
    #[must_use]
    pub fn run(self) -> LoginResult {
        if let Some(outside) = self.outside.as_ref().filter(|_| !self.is_verified) {
            let answer = outside.log_in(&self.user, &self.password);
            return LoginResult {
                user: self.user,
                revision: self.verifier.revision(),
                verdict: Verdict::Refused,
                outside: Some(answer),
                password: self.password,
                peer: self.peer,
                new_hash: None,
                new_scram: None,
            };
        }
        // Without memory for the check the login is refused; the client may try again.
        let verdict = if self.is_verified {
            Verdict::Accepted
        } else {
            self.verifier.verify(&self.password).unwrap_or(Verdict::Refused)
        };
        let is_fresh = verdict.is_accepted() && !self.is_verified;
        let new_scram = if is_fresh { self.recipe.make_scram(&self.password) } else { None };
        let new_hash = verdict
            .needs_rehash()
            .then(|| PasswordHash::make(&self.password, &self.recipe.salt).ok())
            .flatten();
        LoginResult {
            user: self.user,
            revision: self.verifier.revision(),
            verdict,
            outside: None,
            password: self.password,
            peer: self.peer,
            new_hash,
            new_scram,
        }
    }
}

impl Authority {
    pub(crate) fn new(rng: &mut dyn Rng) -> Self {
        let mut key = [0; 32];
        rng.fill(&mut key);
        Self {
            access: Access::new(),
            verified: VerifiedCredentials::new(&key, VerifiedCredentials::DEFAULT_CAPACITY),
            throttle: LoginThrottle::new(LoginThrottle::DEFAULT_CAPACITY),
            outside: None,
            keeps_scram: false,
            salt_key: None,
            counts: HashMap::default(),
        }
    }

    pub(crate) fn generation(&self) -> u64 {
        self.access.generation()
    }

    /// The key of logins by challenge, where such are possible.
    pub(crate) fn scram_key(&self) -> Option<&SaltKey> {
        self.salt_key.as_ref().filter(|_| self.keeps_scram)
    }

    pub(crate) fn forget_login(&mut self, user: &str) {
        self.verified.forget(user);
    }

    /// Who is asked for a user: nobody, if it is one of the broker's own.
    fn outside_of(&self, user: &str) -> Option<Arc<dyn OutsideUsers>> {
        if self.access.user(user).is_some() { None } else { self.outside.clone() }
    }

    pub(crate) fn max_connections(&self, user: &str) -> Option<u64> {
        self.access.user(user).and_then(|user| user.limits.max_connections).map(u64::from)
    }

    pub(crate) fn max_sessions(&self, user: &str) -> Option<u64> {
        self.access.user(user).and_then(|user| user.limits.max_sessions).map(u64::from)
    }

    pub(crate) fn connection_count(&self, user: &str) -> u64 {
        self.counts.get(user).map_or(0, |counts| counts.connections)
    }

    pub(crate) fn session_count(&self, user: &str) -> u64 {
        self.counts.get(user).map_or(0, |counts| counts.sessions)
    }

    pub(crate) fn count_connection(&mut self, user: &Arc<str>, change: i64) {
        let counts = self.counts.entry(user.clone()).or_default();
        counts.connections = counts.connections.saturating_add_signed(change);
        self.drop_empty(user);
    }

    pub(crate) fn count_session(&mut self, user: &Arc<str>, change: i64) {
        let counts = self.counts.entry(user.clone()).or_default();
        counts.sessions = counts.sessions.saturating_add_signed(change);
        self.drop_empty(user);
    }

    fn drop_empty(&mut self, user: &str) {
        if self.counts.get(user).is_some_and(|counts| counts.connections == 0 && counts.sessions == 0) {
            self.counts.remove(user);
        }
    }

    pub(crate) fn may_impersonate(&self, principal: &Principal) -> bool {
        self.access.has_role(principal.user(), Role::Impersonator)
    }
}

impl Broker {
    /// Starts a login by password.
    pub fn begin_login(&mut self, user: &str, password: Secret, peer: Option<IpAddr>) -> LoginStep {
        let now_ms = self.time.monotonic_ms();
        let name: Arc<str> = user.into();
        if self.admit_login(&name, peer) != Admission::Admitted {
            return LoginStep::Refused;
        }
        if let Some(revision) = self.authority.access.user_revision(user)
            && self.authority.verified.is_verified(user, revision, &password, now_ms)
        {
            return LoginStep::Done(name);
        }
        let recipe = self.login_recipe(user);
        let verifier = self.authority.access.verifier_for(user);
        let outside = self.authority.outside_of(user);
        let check = LoginCheck { user: name, verifier, outside, password, peer, recipe, is_verified: false };
        LoginStep::Verify(Box::new(check))
    }

    /// Makes a check that has not run yet one against what is known of its user now.
    pub fn renew_check(&self, check: &mut LoginCheck) {
        let now_ms = self.time.monotonic_ms();
        check.verifier = self.authority.access.verifier_for(&check.user);
        check.outside = self.authority.outside_of(&check.user);
        check.is_verified = self.authority.access.user_revision(&check.user).is_some_and(|revision| {
            self.authority.verified.is_verified(&check.user, revision, &check.password, now_ms)
        });
    }

    /// Remembers the password of a user for which a hash of it was just stored: the next login need not check it
    /// (F15).
    pub fn remember_password(&mut self, user: &str, password: &Secret) {
        if let Some(revision) = self.authority.access.user_revision(user) {
            let now_ms = self.time.monotonic_ms();
            self.authority.verified.remember(user, revision, password, now_ms);
        }
    }

    /// A login without a password: the transport has proven who it is, by a verified certificate (S4). Only whether there
    /// is such a user is left to find out.
    pub fn login_proven(&mut self, user: &str, peer: Option<IpAddr>) -> Option<Arc<str>> {
        let name: Arc<str> = user.into();
        if self.authority.access.user_revision(user).is_none() {
            self.note_refused_login(&name, peer);
            return None;
        }
        Some(name)
    }

    /// Ends a login.
    ///
    /// # Errors
    /// [`LoginRefused`].
    pub fn finish_login(&mut self, result: LoginResult) -> Result<Arc<str>, LoginRefused> {
        if result.outside.is_some() {
            return self.finish_outside_login(result);
        }
        let LoginResult { user, revision, verdict, password, peer, new_hash, new_scram, .. } = result;
        let now_ms = self.time.monotonic_ms();
        let is_current = self.authority.access.user_revision(&user) == Some(revision);
        if !verdict.is_accepted() || !is_current {
            self.note_login_failure(&user, peer);
            return Err(LoginRefused::Wrong);
        }
        self.note_login_success(&user, peer);
        let mut revision = revision;
        if (new_hash.is_some() || new_scram.is_some())
            && let Some(mut definition) = self.user_definition(&user)
        {
            definition.password = new_hash.or(definition.password);
            definition.scram = new_scram.or(definition.scram);
            self.commit(&Definition::PutUser(definition));
            revision = self.authority.access.user_revision(&user).unwrap_or(revision);
        }
        self.authority.verified.remember(&user, revision, &password, now_ms);
        Ok(user)
    }

    fn finish_outside_login(&mut self, result: LoginResult) -> Result<Arc<str>, LoginRefused> {
        let LoginResult { user, outside, password, peer, .. } = result;
        let now_ms = self.time.monotonic_ms();
        // The broker's own user of that name may have been made meanwhile.
        let is_outside = self.authority.access.user(&user).is_none();
        let welcome = match outside {
            Some(OutsideAnswer::Known(known)) if is_outside => self.welcome_guest(&user, known),
            Some(OutsideAnswer::Unavailable) => Err(LoginRefused::Unavailable),
            _ => Err(LoginRefused::Wrong),
        };
        let revision = match welcome {
            Ok(revision) => revision,
            Err(refused) => {
                match refused {
                    LoginRefused::Wrong => self.note_login_failure(&user, peer),
                    LoginRefused::Unavailable => self.note_refused_login(&user, peer),
                }
                return Err(refused);
            }
        };
        self.note_login_success(&user, peer);
        self.authority.verified.remember_for(&user, revision, &password, now_ms, OUTSIDE_LOGIN_MS);
        Ok(user)
    }

    /// Whether a login may be tried now (S2).
    pub(crate) fn admit_login(&mut self, user: &Arc<str>, peer: Option<IpAddr>) -> Admission {
        let now_ms = self.time.monotonic_ms();
        let admission =
            peer.map_or(Admission::Admitted, |peer| self.authority.throttle.admit(user, peer, now_ms));
        if admission != Admission::Admitted {
            self.note_refused_login(user, peer);
        }
        admission
    }

    pub(crate) fn note_login_success(&mut self, user: &str, peer: Option<IpAddr>) {
        if let Some(peer) = peer {
            self.authority.throttle.on_success(user, peer);
        }
    }

    pub(crate) fn note_login_failure(&mut self, user: &Arc<str>, peer: Option<IpAddr>) {
        if let Some(peer) = peer {
            self.authority.throttle.on_failure(user, peer, self.time.monotonic_ms());
        }
        self.note_refused_login(user, peer);
    }

    fn note_refused_login(&mut self, user: &Arc<str>, peer: Option<IpAddr>) {
        self.note_incident(Incident::LoginRefused { user: user.clone(), peer });
    }

    /// Notes what peers can make happen. Bounded: what nobody takes is not kept without end.
    pub(crate) fn note_incident(&mut self, incident: Incident) {
        if self.incidents.len() < MAX_INCIDENTS {
            self.incidents.push(incident);
        }
    }

    /// The one decision (S5): every verb asks here.
    pub(crate) fn authorize(
        &self,
        principal: &Principal,
        verb: Verb,
        kind: Kind,
        namespace: &Arc<str>,
        name: &str,
    ) -> Result<(), Error> {
        let shown = match kind {
            Kind::Queue => self.dialect.queue_permission_name(name),
            Kind::Node if name.is_empty() => self.dialect.default_node_alias().into(),
            _ => name.into(),
        };
        let thing = if kind == Kind::Queue { Thing::Queue(&shown) } else { Thing::Node(&shown) };
        match self.authority.access.authorize(principal, action_of(verb), Resource { namespace, thing }) {
            Ok(_) => Ok(()),
            Err(_) => Err(refused(principal, verb, kind, namespace, &shown)),
        }
    }

    /// As [`Broker::authorize`], for the default node when a key is known: it leads to the queue of that name.
    pub(crate) fn authorize_direct(
        &self,
        principal: &Principal,
        namespace: &Arc<str>,
        queue: &str,
    ) -> Result<(), Error> {
        let node = self.dialect.default_node_alias();
        let queue = self.dialect.queue_permission_name(queue);
        let thing = Thing::QueueBy { node, queue: &queue };
        match self.authority.access.authorize(principal, Action::Write, Resource { namespace, thing }) {
            Ok(_) => Ok(()),
            Err(_) => Err(refused(principal, Verb::Write, Kind::Node, namespace, node)),
        }
    }

    /// As [`Broker::authorize`], for a queue or node whose name nobody can guess (S6): only rules about such names can
    /// refuse it.
    pub(crate) fn authorize_unlisted(
        &self,
        principal: &Principal,
        verb: Verb,
        namespace: &Arc<str>,
        name: &str,
    ) -> Result<(), Error> {
        let resource = Resource { namespace, thing: Thing::Queue(name) };
        match self.authority.access.authorize_unlisted(principal, action_of(verb), resource) {
            Ok(()) => Ok(()),
            Err(_) => Err(refused(principal, verb, Kind::Queue, namespace, name)),
        }
    }

    /// Whether a thing exists is told to whoever may do anything with it, and nobody else (S5).
    ///
    /// # Errors
    /// Not one of configure, write and read is allowed.
    pub(crate) fn authorize_sight(
        &self,
        principal: &Principal,
        kind: Kind,
        namespace: &Arc<str>,
        name: &str,
    ) -> Result<(), Error> {
        self.authorize(principal, Verb::Configure, kind, namespace, name)
            .or_else(|_| self.authorize(principal, Verb::Delete, kind, namespace, name))
            .or_else(|_| self.authorize(principal, Verb::Write, kind, namespace, name))
            .or_else(|_| self.authorize(principal, Verb::Read, kind, namespace, name))
    }

    /// As [`Broker::authorize`], for a node where a key is used; on a topic node [`Broker::authorize_key`] comes after it.
    pub(crate) fn authorize_place(
        &self,
        principal: &Principal,
        verb: Verb,
        namespace: &Arc<str>,
        node: &str,
        key: &str,
    ) -> Result<(), Error> {
        match self.dialect.guard(node, key) {
            Guard::Node if node.is_empty() && verb == Verb::Write => {
                self.authorize_direct(principal, namespace, key)
            }
            Guard::Node => self.authorize(principal, verb, Kind::Node, namespace, node),
            Guard::Named(kind, name) => self.authorize(principal, verb, kind, namespace, &name),
            Guard::Told(kind, name) => self.authorize_told(principal, verb, kind, namespace, &name),
            Guard::Secret => {
                let name = self.dialect.place_name(node, key);
                self.authorize_unlisted(principal, verb, namespace, &name)
            }
            Guard::Absent(what) => Err(Error::NotSupported { what: what.to_owned() }),
        }
    }

    /// As [`Broker::authorize`], for a place where nobody but the broker sends something.
    fn authorize_told(
        &self,
        principal: &Principal,
        verb: Verb,
        kind: Kind,
        namespace: &Arc<str>,
        name: &str,
    ) -> Result<(), Error> {
        if verb == Verb::Read {
            return self.authorize(principal, verb, kind, namespace, name);
        }
        let (name, user) = (name.into(), principal.user().clone());
        Err(Error::Refused { verb, kind, name, namespace: namespace.clone(), user })
    }

    /// As [`Broker::authorize`], for a routing key on a topic node.
    pub(crate) fn authorize_key(
        &self,
        principal: &Principal,
        verb: Verb,
        namespace: &Arc<str>,
        node: &str,
        key: &str,
    ) -> Result<(), Error> {
        match self.dialect.guard(node, key) {
            Guard::Node => {}
            Guard::Named(kind, name) => return self.authorize(principal, verb, kind, namespace, &name),
            Guard::Told(kind, name) => return self.authorize_told(principal, verb, kind, namespace, &name),
            // It was looked at with its node.
            Guard::Secret => return Ok(()),
            Guard::Absent(what) => return Err(Error::NotSupported { what: what.to_owned() }),
        }
        let action = if verb == Verb::Write { Action::TopicWrite } else { Action::TopicRead };
        let thing = Thing::Key { node, key };
        match self.authority.access.authorize(principal, action, Resource { namespace, thing }) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::KeyRefused {
                verb,
                node: node.into(),
                key: key.into(),
                namespace: namespace.clone(),
                user: principal.user().clone(),
            }),
        }
    }

    /// The principal of a logged-in user in a namespace.
    pub(crate) fn principal(&self, user: &Arc<str>, namespace: &str) -> Principal {
        Principal::new(user.clone(), self.dialect.principal_variables(user, namespace))
    }

    pub(crate) fn may_enter(&self, principal: &Principal, namespace: &str) -> bool {
        let resource = Resource { namespace, thing: Thing::Namespace };
        self.authority.access.authorize(principal, Action::Access, resource).is_ok()
    }

    /// A user as stored.
    #[must_use]
    pub fn user_definition(&self, name: &str) -> Option<UserDefinition> {
        self.authority.access.user(name).map(|user| self.to_definition(user))
    }

    /// All users.
    #[must_use]
    pub fn users(&self) -> Vec<UserDefinition> {
        self.authority.access.users().map(|user| self.to_definition(user)).collect()
    }

    /// Whether a user has a role, and may use it.
    #[must_use]
    pub fn has_role(&self, user: &str, role: Role) -> bool {
        self.authority.access.has_role(user, role)
    }

    /// Whether a user may enter a namespace.
    #[must_use]
    pub fn user_may_enter(&self, user: &Arc<str>, namespace: &str) -> bool {
        self.may_enter(&self.principal(user, namespace), namespace)
    }

    /// All permissions.
    #[must_use]
    pub fn permissions(&self) -> Vec<PermissionDefinition> {
        let of = |record: &PermissionRecord| PermissionDefinition {
            user: record.user.clone(),
            namespace: record.namespace.clone(),
            configure: record.configure.clone(),
            write: record.write.clone(),
            read: record.read.clone(),
        };
        self.authority.access.permissions().map(of).collect()
    }

    /// All key permissions.
    #[must_use]
    pub fn key_permissions(&self) -> Vec<KeyPermissionDefinition> {
        let of = |record: &TopicPermissionRecord| KeyPermissionDefinition {
            user: record.user.clone(),
            namespace: record.namespace.clone(),
            node: record.node.clone(),
            write: record.write.clone(),
            read: record.read.clone(),
        };
        self.authority.access.topic_permissions().map(of).collect()
    }

    /// A user as it is stored from now on.
    fn to_definition(&self, user: &UserRecord) -> UserDefinition {
        UserDefinition {
            name: user.name.clone(),
            password: user.password.clone(),
            scram: user.scram.clone().filter(|_| self.authority.keeps_scram),
            tags: user.tags.clone(),
            max_connections: user.limits.max_connections.map(u64::from),
            max_sessions: user.limits.max_sessions.map(u64::from),
        }
    }

    /// Makes or changes a user. With the hash that is known and without a verifier the known one stays, as the password is
    /// the same; with another hash it goes. Without a hash none is kept.
    pub fn put_user(&mut self, mut definition: UserDefinition) -> Done<()> {
        let known = self.authority.access.user(&definition.name);
        if definition.scram.is_none()
            && let Some(known) = known.filter(|known| known.password == definition.password)
        {
            definition.scram.clone_from(&known.scram);
        }
        if definition.password.is_none() || !self.authority.keeps_scram {
            definition.scram = None;
        }
        let receipt = self.commit(&Definition::PutUser(definition));
        Done { value: (), receipt }
    }

    /// Removes a user; its connections are closed and its clients forgotten.
    ///
    /// # Errors
    /// No such user.
    pub fn delete_user(&mut self, name: &str) -> Result<Done<()>, Error> {
        self.require_user(name)?;
        let receipt = self.commit(&Definition::DeleteUser(name.into()));
        self.close_connections_of(name, "user was deleted");
        Ok(Done { value: (), receipt })
    }

    pub(crate) fn close_connections_of(&mut self, user: &str, reason: &'static str) {
        let all = self.connections.iter().filter(|(_, connection)| &**connection.principal.user() == user);
        let gone: Vec<_> = all.map(|(id, _)| id).collect();
        for id in gone {
            self.close_connection(id.into(), reason);
        }
    }

    fn require_user(&self, name: &str) -> Result<(), Error> {
        match self.authority.access.user(name) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { kind: Kind::User, name: name.into(), namespace: Arc::default() }),
        }
    }

    /// Whether a user is bound to grants.
    pub(crate) fn is_bound(&self, user: &str) -> bool {
        self.authority.access.grants_of(user).is_some()
    }

    /// All grants in order of the user's name.
    pub fn grants(&self) -> impl Iterator<Item = (&Arc<str>, &Grants)> {
        self.authority.access.grants()
    }

    /// Makes these all the grants that there are: whoever is not named is bound to none any more. Answers how many names
    /// changed; where nothing changes nothing is logged. All changes come to count together, also after a crash (I6). Subscriptions and
    /// consumers are looked through at once (S7).
    pub fn set_grants(&mut self, wanted: &BTreeMap<Arc<str>, Grants>) -> Done<usize> {
        let freed = self.grants().map(|(name, _)| name).filter(|name| !wanted.contains_key(*name));
        let mut changes: Vec<Definition> = freed.cloned().map(Definition::DeleteGrants).collect();
        let new =
            wanted.iter().filter(|(name, grants)| self.authority.access.grants_of(name) != Some(*grants));
        changes.extend(new.map(|(user, grants)| {
            Definition::PutGrants(GrantsDefinition { user: user.clone(), grants: grants.clone() })
        }));
        let ((), receipt) = self.as_group(|broker| {
            for change in &changes {
                broker.commit(change);
            }
        });
        self.begin_review();
        Done { value: changes.len(), receipt }
    }

    /// Sets what a user may do in a namespace.
    ///
    /// # Errors
    /// No such user or namespace, or a pattern that is not one.
    pub fn put_permission(&mut self, definition: PermissionDefinition) -> Result<Done<()>, Error> {
        self.require_user(&definition.user)?;
        self.require_namespace(&definition.namespace)?;
        for pattern in [&definition.configure, &definition.write, &definition.read] {
            check_pattern(&definition.user, &definition.namespace, pattern)?;
        }
        let receipt = self.commit(&Definition::PutPermission(definition));
        Ok(Done { value: (), receipt })
    }

    /// Takes a permission away.
    pub fn delete_permission(&mut self, user: &str, namespace: &str) -> Done<()> {
        let definition = Definition::DeletePermission { user: user.into(), namespace: namespace.into() };
        Done { value: (), receipt: self.commit(&definition) }
    }

    /// Sets which keys a user may use on a node.
    ///
    /// # Errors
    /// As [`Broker::put_permission`].
    pub fn put_key_permission(&mut self, definition: KeyPermissionDefinition) -> Result<Done<()>, Error> {
        self.require_user(&definition.user)?;
        self.require_namespace(&definition.namespace)?;
        self.check_key_patterns(&definition)?;
        let receipt = self.commit(&Definition::PutKeyPermission(definition));
        Ok(Done { value: (), receipt })
    }

    /// Patterns with the values of their variables put in, as they will be used.
    fn check_key_patterns(&self, definition: &KeyPermissionDefinition) -> Result<(), Error> {
        let variables = self.dialect.principal_variables(&definition.user, &definition.namespace);
        for pattern in [&definition.write, &definition.read] {
            let mut plain = pattern.to_string();
            for (name, _) in &variables {
                plain = plain.replace(&format!("{{{name}}}"), "x");
            }
            check_pattern(&definition.user, &definition.namespace, &plain)?;
        }
        Ok(())
    }

    /// Takes key permissions away, of one node or of all.
    pub fn delete_key_permission(&mut self, user: &str, namespace: &str, node: Option<&str>) -> Done<()> {
        let definition = Definition::DeleteKeyPermission {
            user: user.into(),
            namespace: namespace.into(),
            node: node.map(Arc::from),
        };
        Done { value: (), receipt: self.commit(&definition) }
    }

    pub(crate) fn require_namespace(&self, name: &str) -> Result<(), Error> {
        match self.namespaces.find(name) {
            Some(_) => Ok(()),
            None => Err(Error::NotFound { kind: Kind::Namespace, name: name.into(), namespace: name.into() }),
        }
    }

    pub(crate) fn apply_put_user(&mut self, definition: &UserDefinition) {
        let roles = definition.tags.iter().filter_map(|tag| self.dialect.role_of_tag(tag)).collect();
        let groups = definition.tags.iter().filter_map(|tag| self.dialect.group_of_tag(tag)).map(Arc::from);
        let groups = groups.collect();
        let limit = |limit: Option<u64>| limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX));
        self.authority.access.put_user(UserRecord {
            name: definition.name.clone(),
            password: definition.password.clone(),
            scram: definition.scram.clone(),
            tags: definition.tags.clone(),
            roles,
            groups,
            limits: UserLimits {
                max_connections: limit(definition.max_connections),
                max_sessions: limit(definition.max_sessions),
            },
        });
        self.authority.verified.forget(&definition.name);
    }

    pub(crate) fn apply_delete_user(&mut self, name: &str) {
        self.authority.access.remove_user(name);
        self.forget_clients_of(name);
        self.authority.verified.forget(name);
    }

    pub(crate) fn apply_put_grants(&mut self, definition: &GrantsDefinition) {
        self.authority.access.put_grants(definition.user.clone(), definition.grants.clone());
    }

    pub(crate) fn apply_delete_grants(&mut self, user: &str) {
        self.authority.access.remove_grants(user);
    }

    pub(crate) fn apply_put_permission(&mut self, definition: &PermissionDefinition) {
        // It was checked when it was made; one that no longer compiles grants nothing (S1).
        let _checked = self.authority.access.put_permission(PermissionRecord {
            user: definition.user.clone(),
            namespace: definition.namespace.clone(),
            configure: definition.configure.clone(),
            write: definition.write.clone(),
            read: definition.read.clone(),
        });
    }

    pub(crate) fn apply_put_key_permission(&mut self, definition: &KeyPermissionDefinition) {
        let _checked = self.authority.access.put_topic_permission(TopicPermissionRecord {
            user: definition.user.clone(),
            namespace: definition.namespace.clone(),
            node: definition.node.clone(),
            write: definition.write.clone(),
            read: definition.read.clone(),
        });
    }

    pub(crate) fn apply_delete_key_permission(&mut self, user: &str, namespace: &str, node: Option<&str>) {
        let nodes: Vec<Arc<str>> = match node {
            Some(node) => vec![node.into()],
            None => self
                .authority
                .access
                .topic_permissions()
                .filter(|record| &*record.user == user && &*record.namespace == namespace)
                .map(|record| record.node.clone())
                .collect(),
        };
        for node in nodes {
            self.authority.access.remove_topic_permission(user, namespace, &node);
        }
    }
}

fn action_of(verb: Verb) -> Action {
    match verb {
        Verb::Configure => Action::Configure,
        Verb::Delete => Action::Delete,
        Verb::Write => Action::Write,
        Verb::Read => Action::Read,
        Verb::Access => Action::Access,
    }
}

/// What somebody is told who may not.
fn refused(principal: &Principal, verb: Verb, kind: Kind, namespace: &Arc<str>, name: &str) -> Error {
    let user = principal.user().clone();
    Error::Refused { verb, kind, name: name.into(), namespace: namespace.clone(), user }
}

fn check_pattern(user: &Arc<str>, namespace: &Arc<str>, pattern: &str) -> Result<(), Error> {
    match ternmq_access::Pattern::new(pattern) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::InvalidArgument {
            kind: Kind::User,
            name: user.clone(),
            namespace: namespace.clone(),
            argument: "permissions".into(),
            problem: error.to_string(),
        }),
    }
}
