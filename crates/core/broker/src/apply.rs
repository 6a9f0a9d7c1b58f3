//! Definitions: into the log, and into the state. Replay applies the same way as a living change.

use crate::{
    broker::Broker,
    clients::ClientId,
    definition::Definition,
    effect::EndReason,
    log::{Grouping, Receipt},
    records::{kind, write_definition},
};

impl Broker {
    /// Logs a definition and applies it.
    pub(crate) fn commit(&mut self, definition: &Definition) -> Receipt {
        self.commit_if(true, definition)
    }

    /// Applies a definition, and logs it first if it outlives a restart.
    pub(crate) fn commit_if(&mut self, is_durable: bool, definition: &Definition) -> Receipt {
        let receipt = self.record_if(is_durable, definition);
        self.apply(definition);
        receipt
    }

    /// Logs a definition that the caller applies itself, if it outlives a restart.
    pub(crate) fn record_if(&mut self, is_durable: bool, definition: &Definition) -> Receipt {
        if !is_durable || self.is_replaying {
            return Receipt::NONE;
        }
        self.scratch.clear();
        write_definition(&mut self.scratch, definition);
        let grouping = self.grouping(Grouping::Ends);
        self.log.append(kind::DEFINITION, grouping, &[self.scratch.bytes()]).receipt()
    }

    pub(crate) fn apply(&mut self, definition: &Definition) {
        match definition {
            Definition::PutMark(mark) => self.kept_mark = Some(mark.clone()),
            Definition::PutSaltKey(key) => self.authority.salt_key = Some(key.clone()),
            Definition::PutNamespace(record) => self.apply_put_namespace(record),
            Definition::DeleteNamespace(name) => self.apply_delete_namespace(name),
            Definition::PutNode(record) => self.apply_put_node(record),
            Definition::DeleteNode { namespace, name } => self.apply_delete_node(namespace, name),
            Definition::PutQueue(record) => self.apply_put_queue(record),
            Definition::PutRemnant(record) => self.apply_put_remnant(record),
            Definition::DeleteQueue { id } => self.remove_queue(*id, EndReason::QueueGone),
            Definition::PutLapse(record) => self.apply_put_lapse(record),
            Definition::PutBinding(record) => self.apply_put_binding(record),
            Definition::DeleteBinding(record) => self.apply_delete_binding(record),
            Definition::PutUser(definition) => self.apply_put_user(definition),
            Definition::DeleteUser(name) => self.apply_delete_user(name),
            Definition::PutGrants(definition) => self.apply_put_grants(definition),
            Definition::DeleteGrants(user) => self.apply_delete_grants(user),
            Definition::PutPermission(definition) => self.apply_put_permission(definition),
            Definition::DeletePermission { user, namespace } => {
                self.authority.access.remove_permission(user, namespace);
            }
            Definition::PutKeyPermission(definition) => self.apply_put_key_permission(definition),
            Definition::DeleteKeyPermission { user, namespace, node } => {
                self.apply_delete_key_permission(user, namespace, node.as_deref());
            }
            Definition::PutClient(record) => self.apply_put_client(record),
            Definition::DeleteClient { id } => self.apply_delete_client(ClientId(*id)),
            Definition::PutSubscription(record) => self.apply_put_subscription(record),
            Definition::DeleteSubscription { client, number } => {
                self.apply_delete_subscription(ClientId(*client), *number);
            }
            Definition::PutPolicy(record) => self.apply_put_policy(record),
            Definition::DeletePolicy { namespace, rank, name } => {
                self.apply_delete_policy(namespace, *rank, name);
            }
        }
    }
}
