//! A directory and the store behind it.

use std::collections::BTreeMap;

use ternmq_identity::directory::{
    AssumeRole, Change, Changed, Directory, EntityKind, Entropy, Fault, NewAccessKey, NewPolicy, NewRole,
    NewUser, Principal, SessionCredentials,
};
use ternmq_identity::policy::{Ask, Context, Decision};

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const ADMIN: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
pub(crate) const READER: &str = "arn:aws:iam::aws:policy/AmazonMQReadOnlyAccess";
/// Trusts the whole account.
pub(crate) const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"123456789012"}}]}"#;

/// A store that keeps what verbs change, and the directory that follows it.
pub(crate) struct World {
    pub directory: Directory,
    pub store: BTreeMap<String, Vec<u8>>,
    pub now_s: i64,
    drawn: u64,
}

impl World {
    pub(crate) fn new() -> Self {
        Self { directory: Directory::new(ACCOUNT), store: BTreeMap::new(), now_s: 1_796_030_142, drawn: 0 }
    }

    /// Bytes that look random and never come twice.
    pub(crate) fn entropy(&mut self) -> Entropy {
        self.drawn += 1;
        let mut state = self.drawn.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        std::array::from_fn(|_| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            state.wrapping_mul(0x2545_F491_4F6C_DD1D).to_be_bytes()[0]
        })
    }

    /// Keeps what a verb changed, and makes sure that a directory loaded from the store is the same.
    pub(crate) fn keep<T>(&mut self, outcome: Result<Changed<T>, Fault>) -> Result<T, Fault> {
        let Changed { answer, changes } = outcome?;
        self.take(&changes);
        Ok(answer)
    }

    pub(crate) fn take(&mut self, changes: &[Change]) {
        for change in changes {
            match change {
                Change::Put { key, value } => drop(self.store.insert(key.clone(), value.to_vec())),
                Change::Delete { key } => {
                    assert!(self.store.remove(key).is_some(), "{key} was not there");
                }
            }
        }
        self.directory.apply(changes).unwrap();
    }

    /// What the store alone makes.
    pub(crate) fn loaded(&self) -> Directory {
        let records = self.store.iter().map(|(key, value)| (key.as_str(), value.as_slice()));
        Directory::load(ACCOUNT, records).unwrap()
    }

    pub(crate) fn user(&mut self, name: &str) {
        let entropy = self.entropy();
        let new = NewUser { name, ..NewUser::default() };
        let outcome = self.directory.create_user(&new, self.now_s, &entropy);
        self.keep(outcome).unwrap();
    }

    pub(crate) fn group(&mut self, name: &str) {
        let entropy = self.entropy();
        let outcome = self.directory.create_group(name, None, self.now_s, &entropy);
        self.keep(outcome).unwrap();
    }

    pub(crate) fn role(&mut self, name: &str, trust: &str) -> String {
        let entropy = self.entropy();
        let new = NewRole { name, trust, ..NewRole::default() };
        let outcome = self.directory.create_role(&new, self.now_s, &entropy);
        let role = self.keep(outcome).unwrap();
        self.directory.role_arn(&role)
    }

    /// A managed policy of one statement; gives its ARN.
    pub(crate) fn policy(&mut self, name: &str, statement: &str) -> String {
        let entropy = self.entropy();
        let new = NewPolicy { name, document: &document(statement), ..NewPolicy::default() };
        let outcome = self.directory.create_policy(&new, self.now_s, &entropy);
        self.keep(outcome).unwrap().arn
    }

    pub(crate) fn key(&mut self, user: &str) -> NewAccessKey {
        let entropy = self.entropy();
        let outcome = self.directory.create_access_key(user, self.now_s, &entropy);
        self.keep(outcome).unwrap()
    }

    /// A user with a key; gives the principal that this key proves.
    pub(crate) fn principal(&mut self, user: &str) -> Principal {
        self.user(user);
        let key = self.key(user).key.id;
        self.directory.find_key(&key).unwrap().principal
    }

    pub(crate) fn inline(&mut self, kind: EntityKind, name: &str, statement: &str) {
        let outcome = self.directory.put_inline_policy(kind, name, "inline", &document(statement));
        self.keep(outcome).unwrap();
    }

    pub(crate) fn attach(&mut self, kind: EntityKind, name: &str, arn: &str) {
        let outcome = self.directory.attach_policy(kind, name, arn);
        self.keep(outcome).unwrap();
    }

    pub(crate) fn assume(
        &mut self,
        caller: &Principal,
        request: &AssumeRole<'_>,
    ) -> Result<SessionCredentials, Fault> {
        let entropy = self.entropy();
        let mut context = Context::new();
        self.directory.describe(caller, &mut context);
        let outcome = self.directory.assume_role(caller, request, &context, self.now_s, &entropy);
        self.keep(outcome)
    }

    /// Decides with what is known of the caller.
    pub(crate) fn decide(&self, caller: &Principal, action: &str, resource: &str) -> Decision {
        let mut context = Context::new();
        self.directory.describe(caller, &mut context);
        self.directory.decide(caller, &Ask { action, resource, context: &context })
    }
}

pub(crate) fn document(statement: &str) -> String {
    format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#)
}

/// A refusal has this code and status, and a text that begins so.
pub(crate) fn refused<T>(outcome: Result<T, Fault>, code: &str, status: u16, text: &str) {
    let Err(fault) = outcome else { panic!("it was not refused: {text}") };
    assert_eq!((fault.code(), fault.status()), (code, status), "{fault}");
    assert!(fault.to_string().starts_with(text), "{fault}");
}
