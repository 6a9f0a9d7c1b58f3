//! Which thing a person means: a name, an id or an ARN to what the API takes.

use super::Context;
use super::api::Object;
use super::output::{items, text};
use crate::failure::Failure;

/// The id of the broker that is called so.
pub(crate) fn broker(context: &Context, given: &str) -> Result<String, Failure> {
    if let Some(id) = id_in(context, given, "broker", "b-")? {
        return Ok(id);
    }
    let all = context.api.pages("ListBrokers", "brokerSummaries", &Object::new())?;
    let named: Vec<&Object> =
        items(&all, "brokerSummaries").filter(|it| text(it, "brokerName") == given).collect();
    let ids = |brokers: &[&Object]| brokers.iter().map(|it| text(it, "brokerId")).collect();
    one(context, given, "broker", "list-brokers", ids(&named))
}

/// The id of the configuration that is called so.
pub(crate) fn configuration(context: &Context, given: &str) -> Result<String, Failure> {
    if let Some(id) = id_in(context, given, "configuration", "c-")? {
        return Ok(id);
    }
    let all = context.api.pages("ListConfigurations", "configurations", &Object::new())?;
    let named = items(&all, "configurations").filter(|it| text(it, "name") == given);
    one(context, given, "configuration", "list-configurations", named.map(|it| text(it, "id")).collect())
}

/// The ARN of a broker or a configuration that is called so.
pub(crate) fn arn(context: &Context, given: &str) -> Result<String, Failure> {
    if given.starts_with("arn:") {
        return Ok(given.to_owned());
    }
    let brokers = context.api.pages("ListBrokers", "brokerSummaries", &Object::new())?;
    let is_meant = |it: &&Object, name, id| text(it, name) == given || text(it, id) == given;
    let broker = items(&brokers, "brokerSummaries").filter(|it| is_meant(it, "brokerName", "brokerId"));
    let configurations = context.api.pages("ListConfigurations", "configurations", &Object::new())?;
    let configuration = items(&configurations, "configurations").filter(|it| is_meant(it, "name", "id"));
    let found = broker.map(|it| text(it, "brokerArn")).chain(configuration.map(|it| text(it, "arn")));
    one(context, given, "broker or configuration", "list-brokers", found.collect())
}

/// What records call a broker or configuration: its id when it is there under this name, else what was given.
pub(crate) fn resource(context: &Context, given: &str) -> Result<String, Failure> {
    if let Some(id) = given.strip_prefix("arn:").and_then(|rest| rest.rsplit(':').next()) {
        return Ok(id.to_owned());
    }
    let brokers = context.api.pages("ListBrokers", "brokerSummaries", &Object::new())?;
    let broker = items(&brokers, "brokerSummaries").find(|it| text(it, "brokerName") == given);
    if let Some(broker) = broker {
        return Ok(text(broker, "brokerId"));
    }
    let configurations = context.api.pages("ListConfigurations", "configurations", &Object::new())?;
    let configuration = items(&configurations, "configurations").find(|it| text(it, "name") == given);
    Ok(configuration.map_or_else(|| given.to_owned(), |it| text(it, "id")))
}

/// The id that a text is, or that an ARN ends with; `None`: it is a name.
fn id_in(context: &Context, given: &str, kind: &str, prefix: &str) -> Result<Option<String>, Failure> {
    if !given.starts_with("arn:") {
        return Ok(is_id(given, prefix).then(|| given.to_owned()));
    }
    let parts: Vec<&str> = given.split(':').collect();
    let (region, id) = match (parts.as_slice(), parts.last()) {
        ([_, _, "mq", region, _, of, ..], Some(id)) if *of == kind && is_id(id, prefix) => (*region, *id),
        _ => {
            return Err(Failure::usage(format!(
                "'{given}' is the ARN of no {kind}: one is like arn:aws:mq:REGION:ACCOUNT:{kind}:...:{prefix}..."
            )));
        }
    };
    if region != context.api.region() {
        return Err(Failure::usage(format!(
            "the {kind} is in the region {region}, and the command works in {}; add --region {region}",
            context.api.region()
        )));
    }
    Ok(Some(id.to_owned()))
}

fn is_id(text: &str, prefix: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    text.strip_prefix(prefix).is_some_and(|rest| rest.len() == 36 && rest.bytes().all(is_part))
}

fn one(
    context: &Context,
    given: &str,
    kind: &str,
    list: &str,
    mut found: Vec<String>,
) -> Result<String, Failure> {
    let region = context.api.region();
    match (found.pop(), found.len()) {
        (None, _) => Err(Failure::new(format!(
            "there is no {kind} '{given}' in the region {region}; `ternmq mq {list}` shows what is there"
        ))),
        (Some(id), 0) => Ok(id),
        (Some(last), _) => {
            found.push(last);
            Err(Failure::new(format!("several are called '{given}': name one of {}", found.join(", "))))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_id;

    #[test]
    fn ids_and_names() {
        assert!(is_id("b-01234567-89ab-cdef-0123-456789abcdef", "b-"));
        for name in [
            "b-1",
            "orders",
            "c-01234567-89ab-cdef-0123-456789abcdef",
            "b-01234567-89ab-cdef-0123-456789abcdeg",
        ] {
            assert!(!is_id(name, "b-"), "{name}");
        }
    }
}
