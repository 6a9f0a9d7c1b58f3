//! Users that somebody outside of the broker knows: they log in there, and are guests here as long as they stay.
//!
//! A user of the broker's own always counts before one of that name outside. A guest may do what [`ternmq_access::Rules`] and
//! grants allow its groups. A login from outside is remembered for a minute only, and who is connected is asked after as
//! often by whoever runs the broker ([`Broker::guests`], [`Broker::renew_guest`]): so nobody stays for more than that (S7).

use std::sync::Arc;

use ternmq_access::{Rules, Secret, UserLimits, UserRecord};

use crate::{access::LoginRefused, broker::Broker};

/// How long a login from outside is remembered, in ms (S7).
pub const OUTSIDE_LOGIN_MS: u64 = 60_000;
/// Most guests at once; one without a connection gives way to a new one.
const MAX_GUESTS: usize = 20_000;

/// Whoever knows users that the broker does not. Asked on threads that may wait.
pub trait OutsideUsers: Send + Sync {
    /// Whether this is the user's password, and who that is. Never true for an empty password.
    fn log_in(&self, user: &str, password: &Secret) -> OutsideAnswer;
}

/// What is said of a user outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutsideAnswer {
    /// It is known there.
    Known(OutsideUser),
    /// There is no such user, or the password is wrong.
    Refused,
    /// It can't be found out now.
    Unavailable,
}

/// A user as it is known outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OutsideUser {
    /// Its groups.
    pub groups: Vec<Arc<str>>,
    /// Tags, as a user of the broker's own would have them.
    pub tags: Vec<Arc<str>>,
}

impl Broker {
    /// From now on users whom the broker does not know are asked for there.
    pub fn set_outside_users(&mut self, users: Arc<dyn OutsideUsers>) {
        self.authority.outside = Some(users);
    }

    /// Whether there is anybody outside who may know users.
    #[must_use]
    pub fn has_outside_users(&self) -> bool {
        self.authority.outside.is_some()
    }

    /// Sets the rules that count beside all permissions, for everybody; `None`: permissions alone count. Subscriptions and
    /// consumers are looked through at once (S7). Not kept: they are set again at each start, before anybody is let in.
    pub fn set_rules(&mut self, rules: Option<Rules>) {
        if self.authority.access.set_rules(rules) {
            self.begin_review();
        }
    }

    /// Guests that have a connection, in order of name.
    #[must_use]
    pub fn guests(&self) -> Vec<Arc<str>> {
        let guests = self.authority.access.guests().map(|guest| guest.name.clone());
        guests.filter(|name| self.authority.connection_count(name) > 0).collect()
    }

    /// What is said of a guest now. One that is not known any more is gone, and its connections are closed (S7).
    pub fn renew_guest(&mut self, name: &Arc<str>, answer: OutsideAnswer) {
        match answer {
            OutsideAnswer::Unavailable => {}
            OutsideAnswer::Known(user) => {
                if self.authority.access.guests().any(|guest| guest.name == *name)
                    && self.put_guest(name, user)
                {
                    self.begin_review();
                }
            }
            OutsideAnswer::Refused => {
                if self.authority.access.remove_guest(name) {
                    self.authority.forget_login(name);
                    self.close_connections_of(name, "user is not known any more");
                    self.begin_review();
                }
            }
        }
    }

    /// Lets a guest in. Full up with others that are all connected: not now.
    pub(crate) fn welcome_guest(&mut self, name: &Arc<str>, user: OutsideUser) -> Result<u64, LoginRefused> {
        let is_there = self.authority.access.user_revision(name).is_some();
        if !is_there && self.authority.access.guest_count() >= MAX_GUESTS {
            self.drop_absent_guests();
            if self.authority.access.guest_count() >= MAX_GUESTS {
                return Err(LoginRefused::Unavailable);
            }
        }
        if self.put_guest(name, user) {
            self.begin_review();
        }
        self.authority.access.user_revision(name).ok_or(LoginRefused::Wrong)
    }

    /// Whether nobody here knows the user, but somebody outside may.
    pub(crate) fn is_perhaps_outside(&self, user: &str) -> bool {
        self.authority.outside.is_some() && !self.authority.access.is_known(user)
    }

    fn put_guest(&mut self, name: &Arc<str>, user: OutsideUser) -> bool {
        let OutsideUser { groups, tags } = user;
        let roles = tags.iter().filter_map(|tag| self.dialect.role_of_tag(tag)).collect();
        let record = UserRecord {
            name: name.clone(),
            password: None,
            scram: None,
            tags,
            roles,
            groups,
            limits: UserLimits::default(),
        };
        let space: Arc<str> = self.dialect.default_namespace().into();
        let is_changed = self.authority.access.put_guest(record, &space);
        if is_changed {
            self.authority.forget_login(name);
        }
        is_changed
    }

    fn drop_absent_guests(&mut self) {
        let authority = &mut self.authority;
        let absent: Vec<Arc<str>> = authority
            .access
            .guests()
            .filter(|guest| authority.connection_count(&guest.name) == 0)
            .map(|guest| guest.name.clone())
            .collect();
        for name in absent {
            authority.access.remove_guest(&name);
            authority.forget_login(&name);
        }
    }
}
