//! Users of brokers who are bound to IAM users: what the policies of those say about messages, told to the nodes.
//!
//! An IAM user claims a user of a broker with a tag (`ternmq_identity::directory::BROKER_USER_TAG`). Its policies become the
//! rules that a node keeps for a user of that name, whoever made that one, or will. What is wanted is worked out from the
//! directory and the broker each time; what a node has it is asked for, so a service that is killed between a change and
//! the telling makes it good at its next start.

mod compile;

use std::collections::BTreeSet;

use ternmq_fleet::{NODE_GRANT_BYTES_MAX, NodeGrants, NodeName, UserGrants};
use ternmq_identity::directory::{Change as Kept, Claim, Directory};
use ternmq_stdx::{chain, shown};

use crate::reconciler::ReconcileError;
use crate::records::Broker;
use crate::service::Service;

/// Kinds of records of the directory that change nobody's policies.
const WITHOUT_POLICIES: [&str; 2] = ["key/", "session/"];
/// More brokers than a service can have.
const ALL_BROKERS: usize = 100_000;

impl Service {
    /// Tells a node that runs what its bound users may.
    pub(crate) fn tell_grants(&self, broker: &Broker, node: &NodeName) -> Result<(), ReconcileError> {
        let bound = self.principals.catch_up(&self.store)?;
        self.look_at_bound(&bound);
        let wanted = wanted(&self.principals.read(), broker, &self.settings.account);
        self.fleet.set_grants(node, &wanted)?;
        Ok(())
    }

    /// Has those brokers looked at whose bound users a change of the directory may be about.
    pub(crate) fn look_at_bound(&self, brokers: &BTreeSet<String>) {
        if brokers.is_empty() {
            return;
        }
        let known = self.store.view().and_then(|view| view.scan::<Broker>("broker/", "", ALL_BROKERS));
        match known {
            Ok(known) => known
                .iter()
                .filter(|broker| brokers.contains(&broker.id))
                .for_each(|broker| self.work.look_at(&broker.region, &broker.id)),
            // What changed counts. Where the store can't be read nothing else goes on; the next start looks at every broker.
            Err(error) => tracing::error!("brokers are not told of a change of policies: {}", chain(&error)),
        }
    }
}

/// Whether changes of the directory may change what somebody may.
pub(crate) fn is_about_policies(changes: &[Kept]) -> bool {
    changes.iter().any(|change| !WITHOUT_POLICIES.iter().any(|kind| change.key().starts_with(kind)))
}

/// Grants of all bound users of a broker. Whoever is claimed twice, and whose rules are over a limit, is granted nothing.
fn wanted(directory: &Directory, broker: &Broker, account: &str) -> NodeGrants {
    let mut all = NodeGrants::default();
    let mut bytes = 0_usize;
    for (name, claim) in directory.claims(&broker.id) {
        let refuse = |reason: &str| {
            let (broker, user) = (&broker.id, shown(name));
            tracing::warn!(%broker, %user, "a user of a broker is denied everything: {reason}");
            UserGrants::default()
        };
        let grants = match claim {
            Claim::BySeveral(users) => refuse(&format!("it is claimed by {}", users.join(", "))),
            Claim::By(user) => match compile::grants(directory, user, broker, account) {
                Ok(grants) => grants,
                Err(over) => refuse(&format!("of {}, {over}", user.name)),
            },
        };
        let own_bytes = serde_json::to_vec(&grants).map_or(usize::MAX, |text| text.len());
        let together = bytes.saturating_add(own_bytes);
        let grants = if together > NODE_GRANT_BYTES_MAX {
            refuse(&format!(
                "the rules of all users of the broker have more than {NODE_GRANT_BYTES_MAX} bytes"
            ))
        } else {
            bytes = together;
            grants
        };
        all.users.insert(name.to_owned(), grants);
    }
    all
}
