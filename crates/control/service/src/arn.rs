//! ARNs of brokers and configurations (facts, section 1.6), and of what EC2 has.

use crate::ids::partition;

/// What an ARN of this account and region names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Arn {
    Broker { name: String, id: String },
    Configuration { id: String },
}

/// ARN of something of EC2: `security-group`, `sg-1`.
pub(crate) fn of_ec2(account: &str, region: &str, kind: &str, id: &str) -> String {
    format!("arn:{}:ec2:{region}:{account}:{kind}/{id}", partition(region))
}

impl Arn {
    pub(crate) fn broker(account: &str, region: &str, name: &str, id: &str) -> String {
        format!("arn:{}:mq:{region}:{account}:broker:{name}:{id}", partition(region))
    }

    pub(crate) fn configuration(account: &str, region: &str, id: &str) -> String {
        format!("arn:{}:mq:{region}:{account}:configuration:{id}", partition(region))
    }

    /// `None`: it is malformed, or of another account, region or service.
    pub(crate) fn parse(text: &str, account: &str, region: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').collect();
        let ["arn", of, "mq", in_region, in_account, rest @ ..] = parts.as_slice() else { return None };
        if (*of, *in_region, *in_account) != (partition(region), region, account) {
            return None;
        }
        match rest {
            ["broker", name, id] => Some(Self::Broker { name: (*name).into(), id: (*id).into() }),
            ["configuration", id] => Some(Self::Configuration { id: (*id).into() }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arns() {
        let parse = |text: &str| Arn::parse(text, "123456789012", "eu-west-1");
        let broker = Arn::broker("123456789012", "eu-west-1", "n", "b-1");
        assert_eq!(broker, "arn:aws:mq:eu-west-1:123456789012:broker:n:b-1");
        assert_eq!(parse(&broker), Some(Arn::Broker { name: "n".into(), id: "b-1".into() }));
        let configuration = Arn::configuration("123456789012", "eu-west-1", "c-1");
        assert_eq!(parse(&configuration), Some(Arn::Configuration { id: "c-1".into() }));
        for bad in [
            "",
            "arn:aws:mq:eu-west-1:123456789012:broker:n",
            "arn:aws:mq:eu-west-2:123456789012:broker:n:b-1",
            "arn:aws:mq:eu-west-1:123456789013:broker:n:b-1",
            "arn:aws-cn:mq:eu-west-1:123456789012:broker:n:b-1",
            "arn:aws:sqs:eu-west-1:123456789012:broker:n:b-1",
            "arn:aws:mq:eu-west-1:123456789012:configuration:c-1:x",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
