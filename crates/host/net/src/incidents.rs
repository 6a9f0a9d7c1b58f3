//! What the core has met, as log lines for operators.

use ternmq_broker::Incident;

pub(crate) fn report(incident: &Incident) {
    match incident {
        Incident::LoginRefused { user, peer } => {
            // A name from a peer: short and escaped (B7, B9).
            let user: String = user.chars().take(64).collect();
            let peer = peer.map_or_else(|| "unknown".to_owned(), |peer| peer.to_string());
            tracing::warn!(?user, peer, "a login was refused");
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
        Incident::SnapshotMissing { queue } => {
            tracing::error!(%queue, "the state of a queue is missing from the checkpoint: it starts with what came after");
        }
    }
}
