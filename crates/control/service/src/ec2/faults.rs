//! Errors, by the codes that EC2 documents.

use ternmq_api::Refusal;
use ternmq_stdx::shown;

/// The answer about something that is wrong.
pub(super) fn fault(code: &'static str, text: impl Into<String>) -> Refusal {
    Refusal::new(code, 400, text)
}

pub(super) fn invalid(text: impl Into<String>) -> Refusal {
    fault("InvalidParameterValue", text)
}

pub(super) fn missing(parameter: &str) -> Refusal {
    fault("MissingParameter", format!("The request must contain the parameter {parameter}"))
}

/// Something that EC2 has and this service has not.
pub(super) fn unsupported(text: impl Into<String>) -> Refusal {
    fault("UnsupportedOperation", text)
}

pub(super) fn no_group(id: &str) -> Refusal {
    if id.starts_with("sg-") {
        fault("InvalidGroup.NotFound", format!("The security group '{}' does not exist", shown(id)))
    } else {
        fault("InvalidGroupId.Malformed", format!("Invalid id: \"{}\" (expecting \"sg-...\")", shown(id)))
    }
}

pub(super) fn no_group_of_name(name: &str, vpc: &str) -> Refusal {
    let text = format!("The security group '{}' does not exist in default VPC '{vpc}'", shown(name));
    fault("InvalidGroup.NotFound", text)
}

pub(super) fn no_rule(id: &str) -> Refusal {
    let text = format!("The security group rule ID '{}' does not exist", shown(id));
    fault("InvalidSecurityGroupRuleId.NotFound", text)
}
