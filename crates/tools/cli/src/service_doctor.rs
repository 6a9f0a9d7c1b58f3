//! `ternmq doctor` on the data directory of a service: its store and the chain of its audit log. Changes nothing.

use std::path::Path;

use serde_json::json;
use ternmq_env::Files;
use ternmq_service::{Store, VerifiedAudit, verify_audit};

use crate::args::Output;
use crate::doctor::print;
use crate::failure::Failure;

pub(crate) fn run(files: &dyn Files, path: &Path, output: Output) -> Result<(), Failure> {
    let shown = path.display();
    let damaged = |error: ternmq_service::StoreError| {
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Failure::new(format!("'{shown}' is damaged: {error}{cause}"))
    };
    let Some(store) = Store::copy_of(files).map_err(damaged)? else {
        return print(&format!("'{shown}' holds no store yet: no service was ever started there"));
    };
    let verified = verify_audit(&store).map_err(damaged)?;
    match output {
        Output::Text => print(&explain(verified))?,
        Output::Json => {
            print(
                &json!({"audit_records": verified.entries, "audit_broken_at": verified.broken_at})
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

fn explain(verified: VerifiedAudit) -> String {
    match verified.broken_at {
        None => {
            format!("The audit log has {} records; each follows from the one before it.", verified.entries)
        }
        Some(number) => format!(
            "The audit log is whole up to record {}. Record {number} does not follow from it: it, or the one before, \
             was changed, taken out or put in. Compare with a backup.",
            verified.entries
        ),
    }
}
