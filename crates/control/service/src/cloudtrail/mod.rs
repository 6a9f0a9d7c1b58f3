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

/// What is wrong with a member has a code of its own here.
pub(crate) fn of_input(refusal: Refusal) -> Refusal {
    let code = match refusal.attribute {
        "MaxResults" => "InvalidMaxResultsException",
        "LookupAttributes" | "AttributeKey" | "AttributeValue" => "InvalidLookupAttributesException",
        "StartTime" | "EndTime" => "InvalidTimeRangeException",
        "EventCategory" => "InvalidEventCategoryException",
        _ => refusal.code,
    };
    Refusal { code, ..refusal }
}
