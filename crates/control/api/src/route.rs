//! Which operation a request asks for.

use percent_encoding::percent_decode_str;

use crate::{Model, Operation, Protocol, Refusal, Request, cloudtrail, ec2, iam, logs, mq, sts};

/// Everything that is served.
#[must_use]
pub fn services() -> [&'static Model; 6] {
    [&mq::MODEL, &cloudtrail::MODEL, &logs::MODEL, &iam::MODEL, &sts::MODEL, &ec2::MODEL]
}

/// A request whose operation is known.
#[derive(Clone, Debug)]
pub struct Routed {
    /// The service.
    pub model: &'static Model,
    /// What it asks for.
    pub operation: &'static Operation,
    /// Labels of the path, decoded, by their names on the wire.
    pub labels: Vec<(&'static str, String)>,
}

/// The service that an `X-Amz-Target` names.
#[must_use]
pub fn service_of_target(target: &str) -> Option<&'static Model> {
    let (prefix, _) = target.rsplit_once('.')?;
    services().into_iter().find(|model| model.protocol == Protocol::AwsJson && model.target_prefix == prefix)
}

/// The service whose requests are forms with this `Version`.
#[must_use]
pub fn service_of_version(version: &str) -> Option<&'static Model> {
    services().into_iter().find(|model| model.protocol.has_form() && model.api_version == version)
}

impl Routed {
    /// Finds the operation of a request to a service, by the rules of the service's protocol. `form` is the decoded
    /// form of a query request.
    ///
    /// # Errors
    /// No such path, method, target or action.
    pub fn find(
        model: &'static Model,
        request: &Request,
        form: &[(String, String)],
    ) -> Result<Self, Refusal> {
        let found = match model.protocol {
            Protocol::RestJson => return rest(model, request),
            Protocol::AwsJson => {
                let target = request.header("x-amz-target").unwrap_or_default();
                let name = target.rsplit_once('.').filter(|(prefix, _)| *prefix == model.target_prefix);
                name.and_then(|(_, name)| model.operation(name))
            }
            Protocol::Query | Protocol::Ec2 => {
                let action = form.iter().find(|(name, _)| name == "Action");
                action.and_then(|(_, action)| model.operation(action))
            }
        };
        let operation = found.ok_or_else(|| match model.protocol {
            Protocol::Query | Protocol::Ec2 => {
                Refusal::new("InvalidAction", 400, format!("There is no such action in {}.", model.id))
            }
            _ => Refusal::new(
                "UnknownOperationException",
                400,
                format!("There is no such operation in {}.", model.id),
            ),
        })?;
        Ok(Self { model, operation, labels: Vec::new() })
    }
}

/// A path is split before it is decoded: an ARN in it has encoded slashes. An operation that has the path but not
/// the method says 405.
fn rest(model: &'static Model, request: &Request) -> Result<Routed, Refusal> {
    let mut has_path = false;
    for operation in model.operations {
        let Some(labels) = labels(operation.path, &request.path)? else { continue };
        if operation.method == request.method {
            return Ok(Routed { model, operation, labels });
        }
        has_path = true;
    }
    Err(if has_path {
        Refusal::new("MethodNotAllowedException", 405, "This path does not take that method.")
    } else {
        Refusal::new("UnknownOperationException", 404, "There is nothing at this path.")
    })
}

fn labels(pattern: &'static str, path: &str) -> Result<Option<Vec<(&'static str, String)>>, Refusal> {
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    let mut raw = Vec::new();
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => break,
            (Some(wanted), Some(given)) => {
                match wanted.strip_prefix('{').and_then(|label| label.strip_suffix('}')) {
                    Some(label) if !given.is_empty() => raw.push((label, given)),
                    None if wanted == given => {}
                    _ => return Ok(None),
                }
            }
            _ => return Ok(None),
        }
    }
    let decode = |(name, text): (&'static str, &str)| {
        let decoded = percent_decode_str(text).decode_utf8();
        let text = decoded.map_err(|_| Refusal::bad_request(name, "The path is not UTF-8."))?;
        Ok((name, text.into_owned()))
    };
    raw.into_iter().map(decode).collect::<Result<Vec<_>, _>>().map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expect: &str) {
        let request = Request { method: method.into(), path: path.into(), ..Request::default() };
        let answer = match Routed::find(&mq::MODEL, &request, &[]) {
            Ok(routed) => {
                let labels = routed.labels.iter().map(|(name, text)| format!(" {name}={text}"));
                format!("{}{}", routed.operation.name, labels.collect::<String>())
            }
            Err(refusal) => format!("{} {}", refusal.status, refusal.code),
        };
        assert_eq!(answer, expect, "{method} {path}");
    }

    #[test]
    fn paths_find_their_operations() {
        check("POST", "/v1/brokers", "CreateBroker");
        check("GET", "/v1/brokers", "ListBrokers");
        check("GET", "/v1/brokers/b-1", "DescribeBroker broker-id=b-1");
        check("POST", "/v1/brokers/b-1/reboot", "RebootBroker broker-id=b-1");
        check("PUT", "/v1/brokers/b-1/users/a%20b", "UpdateUser broker-id=b-1 username=a b");
        check("GET", "/v1/tags/arn%3Aaws%3Amq%3Ax%2Fy", "ListTags resource-arn=arn:aws:mq:x/y");
        check(
            "GET",
            "/v1/configurations/c-1/revisions/2",
            "DescribeConfigurationRevision configuration-id=c-1 configuration-revision=2",
        );
        check("DELETE", "/v1/brokers", "405 MethodNotAllowedException");
        check("GET", "/v1/brokers/", "404 UnknownOperationException");
        check("GET", "/v2/brokers", "404 UnknownOperationException");
        check("GET", "", "404 UnknownOperationException");
        check("GET", "/v1/brokers/%ff", "400 BadRequestException");
    }

    #[test]
    fn targets_and_versions_find_their_services() {
        let name = |model: Option<&Model>| model.map(|model| model.name);
        let target = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents";
        assert_eq!(name(service_of_target(target)), Some("cloudtrail"));
        assert_eq!(name(service_of_target("TrentService.Encrypt")), None);
        assert_eq!(name(service_of_version("2011-06-15")), Some("sts"));
        assert_eq!(name(service_of_version("2010-05-08")), Some("iam"));
        assert_eq!(name(service_of_version("2016-11-15")), Some("ec2"));
        assert_eq!(name(service_of_version("")), None);
    }
}
