//! CloudTrail: reading the audit log.

mod lookup_events;

use ternmq_api::Refusal;

use crate::call::{Call, Output};
use crate::failure::Failure;

/// Does what a call asks for.
pub(crate) fn run(call: &Call<'_>) -> Result<Output, Failure> {
    match call.routed.operation.name {
        "LookupEvents" => lookup_events::lookup(call),
        other => {
            Err(Refusal::new("UnsupportedOperationException", 400, format!("{other} is not there yet."))
                .into())
        }
    }
}
