//! Temporary credentials.

use serde_json::{Value, json};
use ternmq_api::Refusal;
use ternmq_identity::directory::{AssumeRole, Principal, SessionCredentials};

use crate::call::{Call, Output};
use crate::failure::Failure;
use crate::iam::{date, one};
use crate::principals::{Target, context};

/// Members that ask for what is not there yet. Whoever sends one relies on it, so it is not passed over.
const NOT_THERE: [&str; 6] = [
    "SerialNumber",
    "TokenCode",
    "SourceIdentity",
    "TransitiveTagKeys",
    "ProvidedContexts",
    "MinimumSessionTokenSize",
];

pub(super) fn assume_role(call: &Call<'_>) -> Result<Output, Failure> {
    let caller = caller(call, "Roles may not be assumed by root accounts.")?;
    let (tags, policy_arns) = (call.tags(), policy_arns(call));
    let request = AssumeRole {
        role_arn: call.need("RoleArn")?,
        session_name: call.need("RoleSessionName")?,
        duration_s: call.number("DurationSeconds"),
        policy: call.text("Policy"),
        policy_arns: &policy_arns,
        tags: &tags,
        external_id: call.text("ExternalId"),
    };
    let target = Target::of(request.role_arn, Vec::new());
    call.change_directory(|directory, now_s, entropy| {
        let context = context(directory, caller, call.event, call.region, call.input, &target);
        let changed = directory.assume_role(caller, &request, &context, now_s, entropy)?;
        Ok(changed.map(|session| {
            let mut output = one("Credentials", shape(&session));
            let who = &session.principal;
            output.insert("AssumedRoleUser".into(), json!({"AssumedRoleId": who.user_id, "Arn": who.arn}));
            output
        }))
    })
}

pub(super) fn get_session_token(call: &Call<'_>) -> Result<Output, Failure> {
    let caller = caller(call, "The account's administrator has no temporary credentials. Make a user.")?;
    let duration_s = call.number("DurationSeconds");
    call.change_directory(|directory, now_s, entropy| {
        let changed = directory.get_session_token(caller, duration_s, now_s, entropy)?;
        Ok(changed.map(|session| one("Credentials", shape(&session))))
    })
}

/// Whoever asks, if it is in the directory and asks only for what there is.
fn caller<'a>(call: &Call<'a>, refusal: &str) -> Result<&'a Principal, Refusal> {
    if let Some(name) = NOT_THERE.into_iter().find(|name| call.input.contains_key(*name)) {
        return Err(Refusal::new("ValidationError", 400, format!("{name} is not there yet. Leave it out.")));
    }
    call.caller.principal.as_ref().ok_or_else(|| Refusal::new("AccessDenied", 403, refusal))
}

fn policy_arns<'a>(call: &Call<'a>) -> Vec<&'a str> {
    let items = call.input.get("PolicyArns").and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.get("arn").and_then(Value::as_str)).collect()
}

fn shape(session: &SessionCredentials) -> Value {
    // Secrets and tokens are letters of base64.
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    json!({
        "AccessKeyId": session.access_key_id,
        "SecretAccessKey": text(session.secret.expose()),
        "SessionToken": text(session.session_token.expose()),
        "Expiration": date(session.expires_s),
    })
}
