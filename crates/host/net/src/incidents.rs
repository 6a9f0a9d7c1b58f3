//! What the core has met, as log lines for operators.

use ternmq_broker::{Broker, ConnectionId, Incident};
use tracing::Level;

/// Target of lines about connections that come and go as they should, so many that they are wanted only in a log of
/// their own. What goes wrong with connections has the target above it.
const LIFE: &str = "connection::life";

/// A connection has come or goes. Costs nothing unless somebody listens.
pub(crate) fn report_life(core: &Broker, id: ConnectionId, what: &str) {
    if !tracing::enabled!(target: LIFE, Level::INFO) {
        return;
    }
    if let Some(view) = core.connection_view(id) {
        let (protocol, user, namespace) = (&*view.info.protocol, &*view.user, &*view.namespace);
        let name = &*view.info.name;
        tracing::info!(target: LIFE, name, protocol, user, namespace, "{what}");
    }
}

pub(crate) fn report(incident: &Incident) {
    match incident {
        Incident::LoginRefused { user, peer } => {
            // A name from a peer: short and escaped (B7, B9).
            let user: String = user.chars().take(64).collect();
            let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
            tracing::warn!(target: "connection", ?user, peer, "a login was refused");
        }
        Incident::ChunkDamaged { namespace, queue, count } => {
            tracing::error!(
                %namespace,
                %queue,
                count,
                "a part of a queue's list is damaged: its messages are not served; check the disk, then `ternmq doctor`"
            );
        }
        Incident::MessagesDamaged { namespace, queue, count } => {
            tracing::error!(
                %namespace,
                %queue,
                count,
                "stored messages are damaged and not served; check the disk, then `ternmq doctor`"
            );
        }
        Incident::LogDamaged { from, to } => {
            tracing::error!(from, to, "a part of the journal is damaged: what was only there is not served");
        }
        Incident::TooSlow { namespace, queue, peer, is_connection } => {
            // A name from a peer: short and escaped (B7, B9).
            let queue: String = queue.chars().take(64).collect();
            let peer = peer.map(tracing::field::display);
            tracing::warn!(%namespace, ?queue, peer, is_connection, "a consumer was too slow and was ended");
        }
        Incident::QueueLeftOut { namespace, queue, max } => {
            // A name from a peer: short and escaped (B7, B9).
            let queue: String = queue.chars().take(64).collect();
            tracing::warn!(%namespace, ?queue, max, "a consumer of many queues has no room for one more");
        }
        Incident::ScheduledDropped { namespace, node, key, user, reason } => {
            // Names from peers: short and escaped (B7, B9).
            let [node, key, user] = [node, key, user].map(|name| name.chars().take(64).collect::<String>());
            tracing::warn!(%namespace, ?node, ?key, ?user, "a scheduled message was not published: {reason}");
        }
        Incident::SnapshotMissing { queue } => {
            tracing::error!(%queue, "the state of a queue is missing from the checkpoint: it starts with what came after");
        }
    }
}
