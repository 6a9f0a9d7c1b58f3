//! `ternmq doctor` on the data directory of a service: its store and the chain of its audit log. Changes nothing.

use std::path::Path;

use serde_json::json;
use ternmq_env::{FileKey, Files, SystemRng};
use ternmq_service::{Store, StoreKeys, VerifiedAudit, verify_audit};

use crate::args::{EncryptionArgs, Output};
use crate::doctor::print;
use crate::failure::Failure;

pub(crate) fn run(
    files: &dyn Files,
    path: &Path,
    encryption: &EncryptionArgs,
    output: Output,
) -> Result<(), Failure> {
    let shown = path.display();
    let keys = keys(path, encryption)?;
    let damaged = |error: ternmq_service::StoreError| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::new(format!("'{shown}' is damaged: {error}{cause}"))
    };
    let Some(store) = Store::copy_of(files, &keys, &mut SystemRng).map_err(damaged)? else {
        return print(&format!("'{shown}' holds no store yet: no service was ever started there"));
    };
    let verified = verify_audit(&store).map_err(damaged)?;
    match output {
        Output::Text => print(&explain(verified))?,
        Output::Json => {
            print(
                &json!({
                    "audit_first": verified.first,
                    "audit_records": verified.entries,
                    "audit_broken_at": verified.broken_at,
                })
                .to_string(),
            )?;
        }
    }
    match verified.broken_at {
        None => Ok(()),
        Some(number) => {
            Err(Failure::new(format!("the audit log in '{shown}' was changed at record {number}")))
        }
    }
}

/// The named keys, or the one that the service made for itself.
fn keys(path: &Path, encryption: &EncryptionArgs) -> Result<StoreKeys, Failure> {
    let own = path.join(StoreKeys::FILE);
    let current = encryption.encryption_key_file.as_deref().unwrap_or(&own);
    if encryption.encryption_key_file.is_none() && !own.exists() {
        // One that is not encrypted is read with any key.
        return Ok(StoreKeys { current: FileKey::default(), former: None });
    }
    StoreKeys::read(current, encryption.encryption_old_key_file.as_deref())
        .map_err(|error| Failure::with_code(error.to_string(), 2))
}

fn explain(verified: VerifiedAudit) -> String {
    let older = match verified.first {
        1 => String::new(),
        first => format!(" Those before record {first} were older than is kept."),
    };
    match verified.broken_at {
        None => {
            format!(
                "The audit log has {} records; each follows from the one before it.{older}",
                verified.entries
            )
        }
        Some(number) => format!(
            "The audit log is whole for {} records. Record {number} does not follow from them: it, or the one before, \
             was changed, taken out or put in. Compare with a backup.{older}",
            verified.entries
        ),
    }
}
