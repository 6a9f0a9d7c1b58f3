//! A short-lived session of the user who asks: what is changed through it obeys the same rules as any client.

use std::sync::Arc;

use ternmq_broker::{Broker, ConnectionId, ConnectionInfo, SessionId};

use crate::answer::Refusal;

/// Protocol by which such a connection is known; they are not listed.
pub(crate) const PROTOCOL: &str = "Management HTTP API";

/// Who changes something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Actor {
    /// A user, as far as permissions go.
    User(Arc<str>),
    /// The node, for its own configuration, or the service that runs it: no permission is asked.
    Node,
}

/// Opens a connection with one session. [`close`] it again.
pub(crate) fn open(
    broker: &mut Broker,
    actor: &Actor,
    namespace: &str,
) -> Result<(ConnectionId, SessionId), Refusal> {
    let info =
        ConnectionInfo { name: PROTOCOL.into(), protocol: PROTOCOL.into(), ..ConnectionInfo::default() };
    let connected = match actor {
        Actor::User(user) => broker.connect(user, namespace, info),
        Actor::Node => broker.connect_node(namespace, info),
    };
    let connection = match connected {
        Ok(connection) => connection,
        Err(error) => return Err(Refusal::of(broker, &error)),
    };
    match broker.open_session(connection, 1) {
        Ok(session) => Ok((connection, session)),
        Err(error) => {
            broker.disconnect(connection);
            Err(Refusal::of(broker, &error))
        }
    }
}

/// Gives the connection back.
pub(crate) fn close(broker: &mut Broker, connection: ConnectionId) {
    broker.disconnect(connection);
}

/// Runs one verb as whoever asks.
pub(crate) fn run<T>(
    broker: &mut Broker,
    actor: &Actor,
    namespace: &str,
    verb: impl FnOnce(&mut Broker, SessionId) -> Result<T, ternmq_broker::Error>,
) -> Result<T, Refusal> {
    let (connection, session) = open(broker, actor, namespace)?;
    let result = verb(broker, session).map_err(|error| Refusal::of(broker, &error));
    close(broker, connection);
    result
}
