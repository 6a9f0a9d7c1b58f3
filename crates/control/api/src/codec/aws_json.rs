//! awsJson 1.0 and 1.1: the whole input is a JSON body.

use serde_json::{Map, Value};

use super::object;
use crate::{Refusal, Request, Routed, Shape, check};

/// Code of an input that is not of the model, in this protocol.
const INVALID: &str = "ValidationException";

pub(super) fn read(routed: &Routed, request: &Request) -> Result<Map<String, Value>, Refusal> {
    let given = object(&request.body, "SerializationException")?;
    let members = routed.operation.input.map_or(&[][..], Shape::members);
    check::input(members, &given).map_err(|refusal| Refusal { code: INVALID, ..refusal })
}
