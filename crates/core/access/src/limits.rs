//! Limits of users and namespaces: plain numbers; the caller counts.

use std::fmt;

use thiserror::Error;

/// Limits of one user over all namespaces. `None` sets none; 0 allows none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct UserLimits {
    /// Most connections at a time.
    pub max_connections: Option<u32>,
    /// Most sessions over all connections at a time.
    pub max_sessions: Option<u32>,
}

/// Limits of one namespace. `None` sets none; 0 allows none at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NamespaceLimits {
    /// Most connections at a time.
    pub max_connections: Option<u32>,
    /// Most queues at a time.
    pub max_queues: Option<u32>,
}

/// What a limit counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limited {
    /// Connections of a user.
    UserConnections,
    /// Sessions of a user.
    UserSessions,
    /// Connections in a namespace.
    NamespaceConnections,
    /// Queues in a namespace.
    NamespaceQueues,
}

/// One more would be over a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the limit of {max} {what} is reached; close some or have the limit raised")]
pub struct LimitReached {
    /// What is limited.
    pub what: Limited,
    /// The limit.
    pub max: u32,
}

impl fmt::Display for Limited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserConnections => "connections for this user",
            Self::UserSessions => "sessions for this user",
            Self::NamespaceConnections => "connections in this namespace",
            Self::NamespaceQueues => "queues in this namespace",
        })
    }
}

impl UserLimits {
    /// Whether one more connection is allowed beside `open_count`.
    ///
    /// # Errors
    /// [`LimitReached`] when it is not.
    pub fn check_connections(&self, open_count: u32) -> Result<(), LimitReached> {
        check(Limited::UserConnections, self.max_connections, open_count)
    }

    /// Whether one more session is allowed beside `open_count`.
    ///
    /// # Errors
    /// [`LimitReached`] when it is not.
    pub fn check_sessions(&self, open_count: u32) -> Result<(), LimitReached> {
        check(Limited::UserSessions, self.max_sessions, open_count)
    }
}

impl NamespaceLimits {
    /// Whether one more connection is allowed beside `open_count`.
    ///
    /// # Errors
    /// [`LimitReached`] when it is not.
    pub fn check_connections(&self, open_count: u32) -> Result<(), LimitReached> {
        check(Limited::NamespaceConnections, self.max_connections, open_count)
    }

    /// Whether one more queue is allowed beside `queue_count`.
    ///
    /// # Errors
    /// [`LimitReached`] when it is not.
    pub fn check_queues(&self, queue_count: u32) -> Result<(), LimitReached> {
        check(Limited::NamespaceQueues, self.max_queues, queue_count)
    }
}

fn check(what: Limited, max: Option<u32>, count: u32) -> Result<(), LimitReached> {
    match max {
        Some(max) if count >= max => Err(LimitReached { what, max }),
        _ => Ok(()),
    }
}
