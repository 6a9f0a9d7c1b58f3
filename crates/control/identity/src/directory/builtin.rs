//! Policies that every account has: AWS's names, cut to what this service has actions for.

use std::collections::BTreeMap;

use super::record::{Document, ManagedPolicy, Tags, Version};
use super::table::Table;
use crate::policy::MANAGED_MAX_CHARS;

/// Name, what it is for, and the statement.
const POLICIES: [(&str, &str, &str); 9] = [
    ("AdministratorAccess", "Everything.", r#"{"Effect":"Allow","Action":"*","Resource":"*"}"#),
    (
        "AmazonMQFullAccess",
        "Everything of Amazon MQ, and looking at the networks that brokers can be in.",
        r#"{"Effect":"Allow","Action":["mq:*","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs"],"Resource":"*"}"#,
    ),
    (
        "AmazonMQReadOnlyAccess",
        "Looking at Amazon MQ, and at the networks that brokers can be in.",
        r#"{"Effect":"Allow","Action":["mq:Describe*","mq:List*","ec2:DescribeSecurityGroups","ec2:DescribeSubnets","ec2:DescribeVpcs"],"Resource":"*"}"#,
    ),
    (
        "AmazonMQApiFullAccess",
        "Everything of Amazon MQ's API.",
        r#"{"Effect":"Allow","Action":"mq:*","Resource":"*"}"#,
    ),
    (
        "AmazonMQApiReadOnlyAccess",
        "Looking at Amazon MQ by its API.",
        r#"{"Effect":"Allow","Action":["mq:Describe*","mq:List*"],"Resource":"*"}"#,
    ),
    ("IAMFullAccess", "Everything of IAM.", r#"{"Effect":"Allow","Action":"iam:*","Resource":"*"}"#),
    (
        "IAMReadOnlyAccess",
        "Looking at IAM.",
        r#"{"Effect":"Allow","Action":["iam:Get*","iam:List*"],"Resource":"*"}"#,
    ),
    ("AmazonEC2FullAccess", "Everything of EC2.", r#"{"Effect":"Allow","Action":"ec2:*","Resource":"*"}"#),
    (
        "AmazonEC2ReadOnlyAccess",
        "Looking at EC2.",
        r#"{"Effect":"Allow","Action":"ec2:Describe*","Resource":"*"}"#,
    ),
];

/// All of them.
pub(super) fn policies() -> Table<ManagedPolicy> {
    let mut table = Table::default();
    for (index, (name, description, statement)) in POLICIES.iter().enumerate() {
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
        // A text that were none would be missing, which a test finds.
        let Ok(document) = Document::kept(&text, MANAGED_MAX_CHARS) else { continue };
        table.put(ManagedPolicy {
            id: format!("ANPATERNMQ{index:011}"),
            name: (*name).to_owned(),
            path: "/".to_owned(),
            created_s: 0,
            updated_s: 0,
            description: Some((*description).to_owned()),
            tags: Tags::new(),
            versions: BTreeMap::from([(1, Version { document, created_s: 0 })]),
            default_version: 1,
            last_version: 1,
        });
    }
    table
}

/// ARN of one of them.
pub(super) fn arn(policy: &ManagedPolicy) -> String {
    format!("arn:aws:iam::aws:policy{}{}", policy.path, policy.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_policy() {
        assert_eq!(policies().len(), POLICIES.len());
    }
}
