//! Users. A password is hashed away from the core's thread and never shown; a hash is shown to administrators only.

use std::pin::Pin;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json, json};
use ternmq_access::{HashKind, PasswordHash, ScramVerifier, Secret};
use ternmq_broker::{Broker, Receipt, UserDefinition};
use ternmq_routing::Name;
use ternmq_stdx::shown;

use crate::answer::{Answer, Before, Outcome, Refusal};
use crate::call::Call;
use crate::json::{tags, text};
use crate::limits::user_limits;
use crate::seam::Management;
use crate::vhosts::tag_list;

/// Longest password in bytes, as login has it.
const PASSWORD_MAX_BYTES: usize = 1_024;
/// Member with what checks proofs of the password; only users that have it have the member.
const VERIFIER: &str = "scram_sha_256";
/// How a hash was made, in the words of definition files.
const ALGORITHMS: [(HashKind, &str); 4] = [
    (HashKind::SaltedSha256, "rabbit_password_hashing_sha256"),
    (HashKind::SaltedSha512, "rabbit_password_hashing_sha512"),
    (HashKind::SaltedMd5, "rabbit_password_hashing_md5"),
    (HashKind::Argon2id, "ternmq_password_hashing_argon2id"),
];

pub(crate) fn list(broker: &mut Broker, _: &Arc<Call>) -> Outcome {
    let users = broker.users();
    Ok(Answer::many(move || users.iter().map(user_json).collect()))
}

pub(crate) fn list_without_permissions(broker: &mut Broker, _: &Arc<Call>) -> Outcome {
    let permissions = broker.permissions();
    let mut users = broker.users();
    users.retain(|user| permissions.iter().all(|permission| permission.user != user.name));
    Ok(Answer::many(move || users.iter().map(user_json).collect()))
}

/// There is no such user.
pub(crate) fn missing(name: &str) -> Refusal {
    Refusal::not_found(format!("there is no user '{}'", shown(name)))
}

pub(crate) fn get(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    let user = broker.user_definition(call.name("user")).ok_or_else(|| missing(call.name("user")))?;
    Ok(Answer::one(move || user_json(&user)))
}

/// What is to become of a user's password.
pub(crate) enum NewPassword {
    /// Hash this one.
    Plain(Secret),
    /// Take this hash, and what checks proofs of the same password.
    Hash(PasswordHash, Option<ScramVerifier>),
    /// No login by password.
    None,
}

/// Reads the password of a body.
pub(crate) fn new_password(body: &JsonMap<String, Json>) -> Result<NewPassword, Refusal> {
    if let Some(password) = text(body, "password")? {
        if password.is_empty() || password.len() > PASSWORD_MAX_BYTES {
            return Err(Refusal::bad(format!("\"password\" must have 1 to {PASSWORD_MAX_BYTES} bytes")));
        }
        return Ok(NewPassword::Plain(Secret::from(password)));
    }
    let Some(hash) = text(body, "password_hash")?.filter(|hash| !hash.is_empty()) else {
        return Ok(NewPassword::None);
    };
    let kind = match text(body, "hashing_algorithm")? {
        None => HashKind::SaltedSha256,
        Some(name) => match ALGORITHMS.iter().find(|(_, known)| *known == name) {
            Some((kind, _)) => *kind,
            None => {
                return Err(Refusal::bad(format!("there is no hashing algorithm '{}'", shown(name))));
            }
        },
    };
    let scram = text(body, VERIFIER)?.filter(|text| !text.is_empty()).map(ScramVerifier::import).transpose();
    let scram = scram.map_err(|error| Refusal::bad(error.to_string()))?;
    let hash = PasswordHash::import(kind, hash).map_err(|error| Refusal::bad(error.to_string()))?;
    Ok(NewPassword::Hash(hash, scram))
}

/// Gives a user its password, hashed where that is still to be done.
pub(crate) async fn set_password(
    management: &Management,
    user: &mut UserDefinition,
    password: NewPassword,
) -> Result<(), Refusal> {
    let secret = match password {
        NewPassword::Plain(secret) => secret,
        NewPassword::Hash(hash, scram) => {
            (user.password, user.scram) = (Some(hash), scram);
            return Ok(());
        }
        NewPassword::None => return Ok(()),
    };
    let name = user.name.clone();
    let recipe = management.ask(move |broker| broker.password_recipe(&name)).await?;
    let made = management.compute(move || recipe.make(&secret)).await?;
    let made = made.map_err(|_| crate::seam::Unavailable::Busy)?;
    (user.password, user.scram) = (Some(made.hash), made.scram);
    Ok(())
}

/// As [`set_password`], on the core's thread, while it serves nobody.
pub(crate) fn set_password_now(
    broker: &mut Broker,
    user: &mut UserDefinition,
    password: NewPassword,
) -> Result<(), Refusal> {
    (user.password, user.scram) = match password {
        NewPassword::None => (None, None),
        NewPassword::Hash(hash, scram) => (Some(hash), scram),
        NewPassword::Plain(secret) => {
            let made = broker.password_recipe(&user.name).make(&secret);
            let made = made.map_err(|_| Refusal::bad("there is not enough memory to hash a password"))?;
            (Some(made.hash), made.scram)
        }
    };
    Ok(())
}

pub(crate) fn put(
    management: Arc<Management>,
    call: Arc<Call>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let body = call.object()?;
        let name = call.name("user");
        check_name(name)?;
        let tags = match body.get("tags") {
            Some(value) if !value.is_null() => tags(value)?,
            _ => return Err(Refusal::bad("\"tags\" is missing; an empty string gives none")),
        };
        let mut definition = UserDefinition { name: name.into(), tags, ..UserDefinition::default() };
        set_password(&management, &mut definition, new_password(&body)?).await?;
        Ok(management.ask(move |broker| store(broker, definition)).await?)
    })
}

/// Puts a user; its limits stay as they are.
fn store(broker: &mut Broker, mut definition: UserDefinition) -> Answer {
    let known = broker.user_definition(&definition.name);
    let before = Before::of(known.as_ref());
    if let Some(known) = known {
        (definition.max_connections, definition.max_sessions) = (known.max_connections, known.max_sessions);
    }
    Answer::put(broker.put_user(definition).receipt, before)
}

/// Names of users obey the rules of all names.
pub(crate) fn check_name(name: &str) -> Result<(), Refusal> {
    if name.is_empty() || Name::check(name).is_err() {
        return Err(Refusal::bad("the name of a user must have 1 to 255 bytes and no control characters"));
    }
    Ok(())
}

pub(crate) fn delete(broker: &mut Broker, call: &Arc<Call>) -> Outcome {
    match broker.delete_user(call.name("user")) {
        Ok(done) => Ok(Answer::done(done.receipt)),
        Err(error) => Err(Refusal::of(broker, &error)),
    }
}

/// Deletes several users; those that are not there are passed over.
pub(crate) fn bulk_delete(
    management: Arc<Management>,
    call: Arc<Call>,
) -> Pin<Box<dyn Future<Output = Outcome> + Send>> {
    Box::pin(async move {
        let body = call.object()?;
        let names: Option<Vec<String>> = body
            .get("users")
            .and_then(Json::as_array)
            .and_then(|users| users.iter().map(|user| user.as_str().map(str::to_owned)).collect());
        let names = names.ok_or_else(|| Refusal::bad("\"users\" must be a list of names"))?;
        let delete = move |broker: &mut Broker| {
            let mut receipt = Receipt::NONE;
            for name in &names {
                if let Ok(done) = broker.delete_user(name) {
                    receipt = receipt.and(done.receipt);
                }
            }
            Answer::done(receipt)
        };
        Ok(management.ask(delete).await?)
    })
}

/// A user as an administrator sees it.
pub(crate) fn user_json(user: &UserDefinition) -> Json {
    let hash = user.password.as_ref().map(PasswordHash::to_text).unwrap_or_default();
    let kind = user.password.as_ref().map_or(HashKind::SaltedSha256, PasswordHash::kind);
    let algorithm = ALGORITHMS.iter().find(|(known, _)| *known == kind).map_or("", |(_, name)| name);
    let mut json = json!({
        "name": &*user.name,
        "password_hash": hash,
        "hashing_algorithm": algorithm,
        "tags": tag_list(&user.tags),
        "limits": user_limits(user),
    });
    if let (Some(members), Some(scram)) = (json.as_object_mut(), &user.scram) {
        members.insert(VERIFIER.to_owned(), scram.to_text().into());
    }
    json
}
