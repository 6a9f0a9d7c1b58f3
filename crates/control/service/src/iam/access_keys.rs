//! Access keys of users. Who names no user means its own keys.

use serde_json::{Value, json};
use ternmq_api::Refusal;
use ternmq_identity::directory::{AccessKey, KeyStatus, KeyUse, NewAccessKey};

use super::{done, need_user_name, shapes};
use crate::call::{Call, Output};
use crate::failure::Failure;

/// The only answer that has the secret.
pub(super) fn create(call: &Call<'_>) -> Result<Output, Failure> {
    let name = need_user_name(call)?;
    call.change_directory(|directory, now_s, entropy| {
        Ok(directory
            .create_access_key(name, now_s, entropy)?
            .map(|new| shapes::one("AccessKey", fresh(&new))))
    })
}

pub(super) fn list(call: &Call<'_>) -> Result<Output, Failure> {
    let name = need_user_name(call)?;
    call.read_directory(|directory| {
        let keys = directory.list_access_keys(name, &call.page())?;
        Ok(shapes::listed("AccessKeyMetadata", keys, |key| shape(name, key)))
    })
}

pub(super) fn update(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, key_id) = (need_user_name(call)?, call.need("AccessKeyId")?);
    let status = match call.need("Status")? {
        "Active" => KeyStatus::Active,
        "Inactive" => KeyStatus::Inactive,
        _ => {
            let text = "Status must be Active or Inactive: a key of a user does not expire.";
            return Err(Refusal::new("ValidationError", 400, text).into());
        }
    };
    call.change_directory(|directory, _, _| directory.update_access_key(name, key_id, status).map(done))
}

pub(super) fn delete(call: &Call<'_>) -> Result<Output, Failure> {
    let (name, key_id) = (need_user_name(call)?, call.need("AccessKeyId")?);
    call.change_directory(|directory, _, _| directory.delete_access_key(name, key_id).map(done))
}

pub(super) fn last_used(call: &Call<'_>) -> Result<Output, Failure> {
    let key_id = call.need("AccessKeyId")?;
    call.read_directory(|directory| {
        let found = directory.get_access_key_last_used(key_id)?;
        let mut output = shapes::one("AccessKeyLastUsed", last_use(&found));
        output.insert("UserName".into(), found.user_name.into());
        Ok(output)
    })
}

fn fresh(new: &NewAccessKey) -> Value {
    let mut shape = shape(&new.user_name, &new.key);
    if let Some(members) = shape.as_object_mut() {
        // Secrets are letters of base64.
        let secret = String::from_utf8_lossy(new.key.secret.expose()).into_owned();
        members.insert("SecretAccessKey".into(), secret.into());
    }
    shape
}

fn shape(user_name: &str, key: &AccessKey) -> Value {
    json!({
        "UserName": user_name,
        "AccessKeyId": key.id,
        "Status": match key.status {
            KeyStatus::Active => "Active",
            KeyStatus::Inactive => "Inactive",
        },
        "CreateDate": shapes::date(key.created_s),
    })
}

fn last_use(found: &KeyUse<'_>) -> Value {
    match found.last_use {
        Some(last) => json!({
            "LastUsedDate": shapes::date(last.at_s),
            "ServiceName": last.service,
            "Region": last.region,
        }),
        None => json!({"ServiceName": "N/A", "Region": "N/A"}),
    }
}
