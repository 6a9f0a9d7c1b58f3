//! Who callers are and what they may.
//!
//! The account's administrator, whose key the service was started with, is the account itself (`root`): everything is
//! allowed to it. Everybody else is in the [`Directory`], which is kept in the store as a table of its own and held in
//! memory; a change is durable before it counts.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use serde_json::Value;
use ternmq_api::{Refusal, Routed};
use ternmq_identity::Secret;
use ternmq_identity::directory::{
    Change as Kept, Changed, Directory, Entropy, Fault, Principal, PrincipalKind,
};
use ternmq_identity::policy::{Ask, Context, Decision};
use ternmq_identity::sigv4::{self, AuthFault, Claimed, KnownKey, Presented, Verified};

use crate::audit::Event;
use crate::call::{Call, Output};
use crate::caller::{Caller, CallerKind};
use crate::failure::{Failure, internal};
use crate::front_door::Input;
use crate::service::Service;
use crate::store::{Change, Store, StoreError};
use crate::{ec2, grants, iam, logs, mq, sts};

/// The directory of the account.
pub(crate) struct Principals {
    directory: RwLock<Directory>,
    /// Held from when a verb is asked until its change counts: a verb has to know of what the one before it changed.
    /// Whoever only looks waits for no disk.
    changing: Mutex<()>,
    /// A change failed so that only the store knows whether it is kept.
    is_behind: AtomicBool,
}

impl Principals {
    pub(crate) fn load(store: &Store, account: &str) -> Result<Self, StoreError> {
        let directory = RwLock::new(read(store, account)?);
        Ok(Self { directory, changing: Mutex::new(()), is_behind: AtomicBool::new(false) })
    }

    /// Before anybody is let in: a store that was opened again after a failed write may have kept a change that was
    /// answered as failed. Without this a repetition of it would be answered as done, and not count.
    ///
    /// Answers with the brokers whose users it is about.
    ///
    /// # Errors
    /// The store can't be read: then nobody is known.
    pub(crate) fn catch_up(&self, store: &Store) -> Result<BTreeSet<String>, StoreError> {
        if !self.is_behind.load(Ordering::SeqCst) {
            return Ok(BTreeSet::new());
        }
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        self.read_again(store)
    }

    /// With `changing` held.
    fn read_again(&self, store: &Store) -> Result<BTreeSet<String>, StoreError> {
        if !self.is_behind.load(Ordering::SeqCst) {
            return Ok(BTreeSet::new());
        }
        let account = self.read().account().to_owned();
        let new = read(store, &account)?;
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let mut bound = directory.brokers_with_bound_users();
        bound.extend(new.brokers_with_bound_users());
        *directory = new;
        self.is_behind.store(false, Ordering::SeqCst);
        Ok(bound)
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Directory> {
        self.directory.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks a verb, keeps what it changes by `keep`, and then lets it count: not before it is durable, and not if that
    /// fails. Answers with the brokers whose users it may be about.
    fn change<T>(
        &self,
        store: &Store,
        verb: impl FnOnce(&Directory) -> Result<Changed<T>, Failure>,
        keep: impl FnOnce(T, &[Kept]) -> Result<Output, Failure>,
    ) -> Result<(Output, BTreeSet<String>), Failure> {
        let _changing = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bound = self.read_again(store)?;
        let changed = verb(&self.read())?;
        let output = keep(changed.answer, &changed.changes).inspect_err(|failure| {
            if !matches!(failure, Failure::Refused(_)) {
                self.is_behind.store(true, Ordering::SeqCst);
            }
        })?;
        let mut directory = self.directory.write().unwrap_or_else(PoisonError::into_inner);
        let is_about_policies = grants::is_about_policies(&changed.changes);
        if is_about_policies {
            bound.extend(directory.brokers_with_bound_users());
        }
        directory.apply(&changed.changes).map_err(|fault| {
            self.is_behind.store(true, Ordering::SeqCst);
            tracing::error!("a change of principals can't be taken in: {fault}");
            Failure::Refused(internal())
        })?;
        if is_about_policies {
            bound.extend(directory.brokers_with_bound_users());
        }
        Ok((output, bound))
    }
}

/// All principals that the store keeps.
fn read(store: &Store, account: &str) -> Result<Directory, StoreError> {
    let kept = store.view()?.identity()?;
    let records = kept.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
    Directory::load(account, records)
        .map_err(|fault| StoreError::Record { key: "identity".into(), problem: fault.to_string() })
}

impl Call<'_> {
    /// Runs a verb that changes the directory: its change, the audit record and the answer are durable together.
    pub(crate) fn change_directory(
        &self,
        verb: impl FnOnce(&Directory, i64, &Entropy) -> Result<Changed<Output>, Fault>,
    ) -> Result<Output, Failure> {
        let mut entropy: Entropy = [0; 96];
        self.service.random.fill(&mut entropy);
        let now_s = self.now_s();
        let (output, bound) = self.service.principals.change(
            &self.service.store,
            |directory| verb(directory, now_s, &entropy).map_err(|fault| refusal(&fault).into()),
            |answer, changes| {
                self.change(|change| {
                    keep(change, changes)?;
                    Ok(answer)
                })
            },
        )?;
        self.service.look_at_bound(&bound);
        Ok(output)
    }

    /// Runs a verb that only reads.
    pub(crate) fn read_directory(
        &self,
        verb: impl FnOnce(&Directory) -> Result<Output, Fault>,
    ) -> Result<Output, Failure> {
        verb(&self.service.principals.read()).map_err(|fault| refusal(&fault).into())
    }

    pub(crate) fn now_s(&self) -> i64 {
        i64::try_from(self.now_ms / 1_000).unwrap_or(i64::MAX)
    }
}

fn keep(change: &Change, changes: &[Kept]) -> Result<(), StoreError> {
    changes.iter().try_for_each(|kept| match kept {
        Kept::Put { key, value } => change.put_identity(key, value),
        Kept::Delete { key } => change.delete_identity(key),
    })
}

/// A verb's refusal as the caller is told it.
pub(crate) fn refusal(fault: &Fault) -> Refusal {
    Refusal::new(fault.code(), fault.status(), fault.to_string())
}

impl Service {
    /// Finds out who signed a request.
    pub(crate) fn verify_caller(
        &self,
        presented: &Presented,
        parts: &sigv4::Request<'_>,
        rules: &sigv4::Rules<'_>,
    ) -> Result<(Verified, Caller), AuthFault> {
        let administrator = &self.settings.administrator;
        if presented.access_key_id() == administrator.access_key_id {
            let secret = Secret::from(administrator.secret_access_key.reveal());
            let verified = presented.verify(
                parts,
                Claimed::Known(KnownKey { secret: &secret, session: None }),
                rules,
            )?;
            return Ok((verified, Caller::root(&self.settings.account, &administrator.access_key_id)));
        }
        let directory = self.principals.read();
        let found = directory.find_key(presented.access_key_id());
        let claimed = found.as_ref().map_or(Claimed::Unknown, |found| Claimed::Known(found.key));
        let verified = presented.verify(parts, claimed, rules)?;
        // A signature only holds for a key that was found.
        let principal = found.map(|found| found.principal).ok_or(AuthFault::UnrecognizedClient)?;
        let caller = Caller::of(principal, presented.access_key_id());
        Ok((verified, caller))
    }

    /// Keeps when a key was last used, now and then; a failure of that is no failure of the call.
    pub(crate) fn note_use(&self, caller: &Caller, service: &str, region: &str, now_s: i64) {
        let noted = self.principals.read().note_use(&caller.access_key_id, service, region, now_s);
        if noted.is_none() {
            return;
        }
        let verb = |directory: &Directory| {
            let changes =
                directory.note_use(&caller.access_key_id, service, region, now_s).into_iter().collect();
            Ok(Changed { answer: (), changes })
        };
        let outcome = self.principals.change(&self.store, verb, |(), changes| {
            let change = self.store.change()?;
            keep(&change, changes)?;
            change.commit()?;
            Ok(Output::new())
        });
        match outcome {
            Ok((_, bound)) => self.look_at_bound(&bound),
            Err(failure) => tracing::warn!("the use of a key can't be noted: {failure}"),
        }
    }

    /// Whether a caller may do what it asks for: every action that the call is, each on its resource.
    pub(crate) fn authorise(
        &self,
        caller: &Caller,
        routed: &Routed,
        region: &str,
        input: &Input,
        event: &Event,
    ) -> Result<(), Failure> {
        let principal = match (&caller.kind, &caller.principal) {
            (CallerKind::Root | CallerKind::Service, _) => return Ok(()),
            (_, Some(principal)) => principal,
            (_, None) => return Err(internal().into()),
        };
        if sts::is_decided_by_its_verb(routed) {
            return Ok(());
        }
        let operation = routed.operation.name;
        let targets = match routed.model.name {
            "mq" => vec![mq::target(self, region, operation, input)?],
            "iam" => vec![iam::target(self, caller, operation, input)],
            "logs" => vec![logs::target(self, region, input)],
            "ec2" => ec2::targets(self, region, operation, input)?,
            _ => vec![Target::any()],
        };
        let directory = self.principals.read();
        let own = format!("{}:{operation}", routed.model.signing_name);
        for target in &targets {
            // Conditions are about one resource: each has a context of its own.
            let context = context(&directory, principal, event, region, input, target);
            let also = target.also.iter().map(|(action, arn)| (*action, arn.as_str()));
            for (action, resource) in std::iter::once((own.as_str(), target.arn.as_str())).chain(also) {
                let ask = Ask { action, resource, context: &context };
                match directory.decide(principal, &ask) {
                    Decision::Allowed => {}
                    denied => return Err(denial(&caller.arn, &ask, denied, routed).into()),
                }
            }
        }
        Ok(())
    }
}

/// What a call is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub arn: String,
    pub tags: Vec<(String, String)>,
    /// Condition keys that only some operations have: `iam:PolicyARN`.
    pub keys: Vec<(String, String)>,
    /// Actions that the call is beside its own, and their resources.
    pub also: Vec<(&'static str, String)>,
}

impl Target {
    pub(crate) fn of(arn: impl Into<String>, tags: Vec<(String, String)>) -> Self {
        Self { arn: arn.into(), tags, keys: Vec::new(), also: Vec::new() }
    }

    /// Of an operation without a resource.
    pub(crate) fn any() -> Self {
        Self::of("*", Vec::new())
    }
}

/// All that is known of a call, for conditions and variables of policies.
pub(crate) fn context(
    directory: &Directory,
    principal: &Principal,
    event: &Event,
    region: &str,
    input: &Input,
    target: &Target,
) -> Context {
    let mut context = Context::new();
    directory.describe(principal, &mut context);
    // There is no second factor, and only of a temporary key it is known that none was given.
    if principal.session_key_id().is_some() {
        context.set("aws:MultiFactorAuthPresent", vec!["false".to_owned()]);
    }
    describe_call(&mut context, event, region, input, target);
    context
}

/// Sets the keys of the request itself (facts, section 5.4).
fn describe_call(context: &mut Context, event: &Event, region: &str, input: &Input, target: &Target) {
    context.set_time(i64::try_from(event.at_ms / 1_000).unwrap_or(i64::MAX));
    let mut set = |key: String, value: &str| context.set(&key, vec![value.to_owned()]);
    set("aws:RequestedRegion".into(), region);
    set("aws:SecureTransport".into(), "false");
    set("aws:UserAgent".into(), &event.user_agent);
    // No service calls for somebody else. A policy that denies by address wants to be told so.
    set("aws:ViaAWSService".into(), "false");
    set("aws:PrincipalIsAWSService".into(), "false");
    for (key, value) in &target.keys {
        set(key.clone(), value);
    }
    if event.address.parse::<IpAddr>().is_ok() {
        set("aws:SourceIp".into(), &event.address);
    }
    for (key, value) in &target.tags {
        set(format!("aws:ResourceTag/{key}"), value);
    }
    let tags = request_tags(input);
    for (key, value) in &tags {
        set(format!("aws:RequestTag/{key}"), value);
    }
    let mut keys: Vec<String> = tags.into_iter().map(|(key, _)| key).collect();
    let removed =
        ["tagKeys", "TagKeys"].iter().filter_map(|name| input.get(*name)).filter_map(Value::as_array);
    keys.extend(removed.flatten().filter_map(Value::as_str).map(str::to_owned));
    context.set("aws:TagKeys", keys);
}

/// Tags that a request brings: an object in Amazon MQ, a list of keys and values in IAM, the same in EC2 or lists of
/// them by the kind of what they are for.
fn request_tags(input: &Input) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let own = input.get("tags").and_then(Value::as_object).into_iter().flatten();
    let own = own.map(|(key, value)| (key.clone(), text(value)));
    // A value can be missing in EC2: it is empty then, or any when the tag is taken away.
    let value = |tag: &Value| tag.get("Value").map(text).unwrap_or_default();
    let listed = listed_tags(input).filter_map(|tag| Some((text(tag.get("Key")?), value(tag))));
    own.chain(listed).collect()
}

fn listed_tags(input: &Input) -> impl Iterator<Item = &Value> {
    fn items(value: Option<&Value>) -> impl Iterator<Item = &Value> {
        value.and_then(Value::as_array).into_iter().flatten()
    }
    let specified = items(input.get("TagSpecifications")).flat_map(|it| items(it.get("Tags")));
    items(input.get("Tags")).chain(specified)
}

fn denial(arn: &str, ask: &Ask<'_>, decision: Decision, routed: &Routed) -> Refusal {
    let why = match decision {
        Decision::DeniedExplicitly => "with an explicit deny in an identity-based policy".to_owned(),
        _ => format!("because no identity-based policy allows the {} action", ask.action),
    };
    let text = format!(
        "User: {arn} is not authorized to perform: {} on resource: {} {why}",
        ask.action, ask.resource
    );
    Refusal::new(routed.model.protocol.denied_code(), 403, text)
}

/// Of a user its name, of a role's session `role/session`.
pub(crate) fn shown_name(principal: &Principal) -> String {
    let name = match &principal.kind {
        PrincipalKind::User { .. } | PrincipalKind::UserSession { .. } => principal.arn.rsplit_once('/'),
        PrincipalKind::RoleSession { .. } => principal.arn.split_once("assumed-role/"),
    };
    name.map_or_else(String::new, |(_, name)| name.to_owned())
}

#[cfg(test)]
mod tests {
    use ternmq_identity::directory::NewUser;

    use super::*;
    use crate::testing::memory_store;

    fn create(
        principals: &Principals,
        store: &Store,
        keep: impl FnOnce(&[Kept]) -> Result<(), StoreError>,
    ) -> bool {
        let new = NewUser { name: "ann", ..NewUser::default() };
        let verb = |directory: &Directory| {
            directory.create_user(&new, 0, &[7; 96]).map_err(|fault| refusal(&fault).into())
        };
        let keep = |_, changes: &[Kept]| keep(changes).map(|()| Output::new()).map_err(Failure::Store);
        principals.change(store, verb, keep).is_ok()
    }

    fn failed() -> StoreError {
        StoreError::Record { key: "any".into(), problem: "the disk is full".into() }
    }

    fn commit(store: &Store, changes: &[Kept]) -> Result<(), StoreError> {
        let change = store.change()?;
        keep(&change, changes)?;
        change.commit()
    }

    /// A commit can fail and yet be found in the store that is opened again.
    #[test]
    fn what_was_kept_by_a_commit_that_failed_counts_and_is_not_made_twice() {
        let store = memory_store();
        let principals = Principals::load(&store, "123456789012").unwrap();
        assert!(!create(&principals, &store, |changes| commit(&store, changes).and(Err(failed()))));
        assert!(principals.read().get_user("ann").is_err());
        assert!(!create(&principals, &store, |changes| commit(&store, changes)), "there are two of one name");
        assert!(principals.read().get_user("ann").is_ok());
        assert!(Principals::load(&store, "123456789012").is_ok());
    }

    #[test]
    fn what_was_not_kept_does_not_count() {
        let store = memory_store();
        let principals = Principals::load(&store, "123456789012").unwrap();
        assert!(!create(&principals, &store, |_| Err(failed())));
        principals.catch_up(&store).unwrap();
        assert!(principals.read().get_user("ann").is_err());
        assert!(create(&principals, &store, |changes| commit(&store, changes)));
        assert!(principals.read().get_user("ann").is_ok());
    }
}
