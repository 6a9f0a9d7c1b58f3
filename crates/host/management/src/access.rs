//! Who may use a route, by the roles that a user's tags give.

use ternmq_access::Role;
use ternmq_broker::Broker;
use ternmq_stdx::shown;

use crate::answer::Refusal;
use crate::core_session::Actor;

/// What a route asks of its user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Any role of management.
    Member,
    /// The namespace of the path is one that the user sees: its own, or any for who monitors.
    Visible,
    /// Makes policies, in the namespace of the path if there is one.
    PolicyMaker,
    /// Sees the node.
    Monitor,
    /// Everything.
    Administrator,
}

/// What somebody may do, worked out from the roles. An administrator monitors and makes policies; each of these is a
/// member.
pub(crate) struct Viewer<'a> {
    broker: &'a Broker,
    actor: &'a Actor,
    pub(crate) is_administrator: bool,
    pub(crate) is_monitor: bool,
    is_policy_maker: bool,
    is_member: bool,
}

impl<'a> Viewer<'a> {
    /// Reads the user's roles as they are now (S7).
    pub(crate) fn new(broker: &'a Broker, actor: &'a Actor) -> Self {
        let has = |role| match actor {
            Actor::User(user) => broker.has_role(user, role),
            Actor::Node => true,
        };
        let is_administrator = has(Role::Administrator);
        let is_monitor = is_administrator || has(Role::Monitor);
        let is_policy_maker = is_administrator || has(Role::PolicyMaker);
        let is_member = is_monitor || is_policy_maker || has(Role::Console);
        Self { broker, actor, is_administrator, is_monitor, is_policy_maker, is_member }
    }

    /// Whether the user sees a namespace.
    pub(crate) fn sees(&self, namespace: &str) -> bool {
        self.is_monitor || self.may_enter(namespace)
    }

    /// Whether the user sees what belongs to `owner`.
    pub(crate) fn sees_user(&self, owner: &str) -> bool {
        self.is_monitor || matches!(self.actor, Actor::User(user) if **user == *owner)
    }

    fn may_enter(&self, namespace: &str) -> bool {
        match self.actor {
            Actor::User(user) => self.broker.user_may_enter(user, namespace),
            Actor::Node => true,
        }
    }

    /// Decides about a route (S10). What a user may not see is answered alike whether it is there or not.
    pub(crate) fn check(&self, access: Access, namespace: Option<&str>) -> Result<(), Refusal> {
        if !self.is_member {
            return Err(Refusal::unauthorized(
                "Not management user: it needs the tag management, or a higher one",
            ));
        }
        match access {
            Access::Member => {}
            Access::Visible => {
                if namespace.is_some_and(|namespace| !self.sees(namespace)) {
                    return Err(Refusal::unauthorized("User not authorised to access virtual host"));
                }
            }
            Access::PolicyMaker => {
                let is_inside = namespace.is_none_or(|name| self.is_administrator || self.may_enter(name));
                if !self.is_policy_maker || !is_inside {
                    return Err(Refusal::unauthorized(
                        "Not policymaker user: it needs the tag policymaker and permissions in the virtual host",
                    ));
                }
            }
            Access::Monitor => {
                if !self.is_monitor {
                    return Err(Refusal::unauthorized("Not monitor user: it needs the tag monitoring"));
                }
            }
            Access::Administrator => {
                if !self.is_administrator {
                    return Err(Refusal::unauthorized(
                        "Not administrator user: it needs the tag administrator",
                    ));
                }
            }
        }
        match namespace {
            Some(name) if self.broker.namespace(name).is_none() && access != Access::Administrator => {
                Err(Refusal::not_found(format!("there is no virtual host '{}'", shown(name))))
            }
            _ => Ok(()),
        }
    }
}
