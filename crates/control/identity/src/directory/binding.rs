//! Users who stand for users of brokers: what they may there is what their policies say.
//!
//! A tag of a user binds it: its key is [`BROKER_USER_TAG`] and the id of a broker, its value the name of a user of that
//! broker.

use std::collections::{BTreeMap, BTreeSet};

use super::Directory;
use super::fault::Fault;
use super::names::broken;
use super::principal::{Principal, PrincipalKind};
use super::record::{Tag, User};
use crate::policy::{Cut, Ground, Policy};

/// Beginning of the key of a tag that binds a user; the id of a broker follows. In lower case, as keys are compared.
pub const BROKER_USER_TAG: &str = "mq:broker-user/";

/// Who claims to be a user of a broker.
#[derive(Clone, Debug, PartialEq)]
pub enum Claim<'a> {
    /// This one.
    By(&'a User),
    /// More than one, so that nobody is it. Their names.
    BySeveral(Vec<&'a str>),
}

impl Directory {
    /// Ids of the brokers of which any user is bound.
    #[must_use]
    pub fn brokers_with_bound_users(&self) -> BTreeSet<String> {
        let users = self.users.iter().flat_map(|(_, user)| user.tags.keys());
        users.filter_map(|key| key.strip_prefix(BROKER_USER_TAG)).map(str::to_owned).collect()
    }

    /// Who claims which user of a broker, by the name of that.
    #[must_use]
    pub fn claims(&self, broker_id: &str) -> BTreeMap<&str, Claim<'_>> {
        let key = format!("{BROKER_USER_TAG}{broker_id}");
        let mut claims: BTreeMap<&str, Claim<'_>> = BTreeMap::new();
        for (_, user) in self.users.iter() {
            let Some(tag) = user.tags.get(&key) else { continue };
            let claim = match claims.remove(tag.value.as_str()) {
                None => Claim::By(user),
                Some(Claim::By(other)) => Claim::BySeveral(vec![&other.name, &user.name]),
                Some(Claim::BySeveral(mut names)) => {
                    names.push(&user.name);
                    Claim::BySeveral(names)
                }
            };
            claims.insert(&tag.value, claim);
        }
        claims
    }

    /// A user as who calls by a key of its own.
    #[must_use]
    pub fn principal_of(&self, user: &User) -> Principal {
        self.user_principal(user, PrincipalKind::User { id: user.id.clone() })
    }

    /// What is left of a user's policies on a ground: of its own and its groups', then of its boundary if it has one. Each
    /// of these has to allow what is done, and a denial in any denies. A boundary that can't be found allows nothing.
    #[must_use]
    pub fn cut(&self, user: &User, ground: &Ground<'_>) -> Vec<Vec<Cut>> {
        let cut = |policies: Vec<&Policy>| policies.iter().flat_map(|policy| policy.cut(ground)).collect();
        let mut layers = vec![cut(self.identity_policies(user))];
        if let Some(arn) = user.boundary.as_deref() {
            layers.push(cut(self.managed(arn).into_iter().collect()));
        }
        layers
    }
}

/// Tags of a user: one that would bind it has to name a broker and a user of it.
pub(super) fn check(tags: &[Tag]) -> Result<(), Fault> {
    for tag in tags {
        let key = tag.key.to_lowercase();
        let Some(id) = key.strip_prefix(BROKER_USER_TAG) else { continue };
        if !is_broker_id(id) || !tag.key.ends_with(id) {
            let rule = "Member must have the form mq:broker-user/BROKER_ID, with the id of a broker: b- and a UUID in \
                        lower case";
            return Err(broken("tags.member.key", &tag.key, rule));
        }
        if tag.value.is_empty() {
            let rule = "Member must be the name of a user of the broker that the tag's key names";
            return Err(broken("tags.member.value", &tag.value, rule));
        }
    }
    Ok(())
}

/// `b-` and a UUID in lower case.
fn is_broker_id(text: &str) -> bool {
    let Some(uuid) = text.strip_prefix("b-") else { return false };
    let parts: Vec<&str> = uuid.split('-').collect();
    let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12])
        && parts.iter().all(|part| part.bytes().all(is_hex))
}
