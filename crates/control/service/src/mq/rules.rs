//! What names, groups and tags may be (facts, section 1.5).

use std::collections::BTreeMap;

use ternmq_api::Refusal;
use ternmq_stdx::shown;

use crate::catalogue::{EngineType, InstanceType, Version, instance_type};

const USERS_MAX: usize = 250;
const GROUPS_MAX: usize = 20;
const TAGS_MAX: usize = 50;
const TAG_KEY_MAX: usize = 128;
const TAG_VALUE_MAX: usize = 256;

/// Letters, digits and `- . _ ~`.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte))
}

pub(super) fn broker_name(name: &str) -> Result<(), Refusal> {
    let is_good = (1..=50).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    if is_good {
        return Ok(());
    }
    let text = format!(
        "Broker name [{}] is invalid. It has 1 to 50 letters, digits, dashes and underscores.",
        shown(name)
    );
    Err(Refusal::bad_request("brokerName", text))
}

pub(super) fn configuration_name(name: &str) -> Result<(), Refusal> {
    if (1..=150).contains(&name.len()) && is_plain(name) {
        return Ok(());
    }
    let text = format!(
        "Configuration name [{}] is invalid. It has 1 to 150 letters, digits, dashes, periods, underscores and tildes.",
        shown(name)
    );
    Err(Refusal::bad_request("name", text))
}

pub(super) fn username(engine: EngineType, name: &str) -> Result<(), Refusal> {
    let is_engines = match engine {
        EngineType::ActiveMq => true,
        EngineType::RabbitMq => !name.contains('~') && name != "guest",
    };
    if (2..=100).contains(&name.len()) && is_plain(name) && is_engines {
        return Ok(());
    }
    let others = match engine {
        EngineType::ActiveMq => "dashes, periods, underscores and tildes",
        EngineType::RabbitMq => "dashes, periods and underscores, and is not guest",
    };
    let text = format!("Username [{}] is invalid. It has 2 to 100 letters, digits, {others}.", shown(name));
    Err(Refusal::bad_request("username", text))
}

pub(super) fn groups(groups: &[String]) -> Result<(), Refusal> {
    if groups.len() > GROUPS_MAX {
        return Err(Refusal::bad_request("groups", format!("A user is in at most {GROUPS_MAX} groups.")));
    }
    match groups.iter().find(|group| !(2..=100).contains(&group.len()) || !is_plain(group)) {
        None => Ok(()),
        Some(group) => {
            let text = format!(
                "Group [{}] is invalid. It has 2 to 100 letters, digits, dashes, periods, underscores and tildes.",
                shown(group)
            );
            Err(Refusal::bad_request("groups", text))
        }
    }
}

pub(super) fn user_count(engine: EngineType, count: usize) -> Result<(), Refusal> {
    match engine {
        EngineType::RabbitMq if count != 1 => {
            let text = "Specify exactly one user for engine type [RABBITMQ].";
            Err(Refusal::bad_request("users", text))
        }
        EngineType::ActiveMq if count > USERS_MAX => {
            Err(Refusal::bad_request("users", format!("A broker has at most {USERS_MAX} users.")))
        }
        _ => Ok(()),
    }
}

/// Checks tags that are to be added to those that are there.
pub(crate) fn tags(there: &BTreeMap<String, String>, new: &BTreeMap<String, String>) -> Result<(), Refusal> {
    for (key, value) in new {
        let is_key =
            (1..=TAG_KEY_MAX).contains(&key.chars().count()) && !key.to_lowercase().starts_with("aws:");
        if !is_key || value.chars().count() > TAG_VALUE_MAX || !is_tag_text(key) || !is_tag_text(value) {
            let text = format!(
                "Tag [{}] is invalid. A key has 1 to {TAG_KEY_MAX} characters and does not begin with aws:, a value \
                 has at most {TAG_VALUE_MAX}; letters, digits, spaces and _.:/=+-@ are allowed.",
                shown(key)
            );
            return Err(Refusal::bad_request("tags", text));
        }
    }
    if there.keys().chain(new.keys()).collect::<std::collections::BTreeSet<_>>().len() > TAGS_MAX {
        return Err(Refusal::bad_request("tags", format!("A resource has at most {TAGS_MAX} tags.")));
    }
    Ok(())
}

fn is_tag_text(text: &str) -> bool {
    text.chars().all(|letter| letter.is_alphanumeric() || letter == ' ' || "_.:/=+-@".contains(letter))
}

/// The version that is asked for, or the newest.
pub(super) fn version(engine: EngineType, asked: Option<&str>) -> Result<&'static Version, Refusal> {
    let found = match asked {
        None => engine.versions().first(),
        Some(name) => engine.version(name),
    };
    found.ok_or_else(|| {
        let text = format!(
            "Broker engine version [{}] is invalid for broker engine type [{}]. Valid values: [{}].",
            shown(asked.unwrap_or_default()),
            engine.upper(),
            engine.version_names()
        );
        Refusal::bad_request("engineVersion", text)
    })
}

/// The instance type that is asked for.
pub(super) fn instance(
    engine: EngineType,
    name: &str,
    version: &Version,
) -> Result<&'static InstanceType, Refusal> {
    let found = instance_type(engine, name).ok_or_else(|| {
        let text = format!(
            "Broker engine type [{}] does not support host instance type [{}].",
            engine.mixed(),
            shown(name)
        );
        Refusal::bad_request("hostInstanceType", text)
    })?;
    if found.has_version(version.name) {
        return Ok(found);
    }
    let text = format!(
        "Broker engine version [{}] of [{}] does not support host instance type [{}].",
        version.name,
        engine.mixed(),
        found.name
    );
    Err(Refusal::bad_request("hostInstanceType", text))
}

/// Every version that can be had applies its patches by itself.
pub(super) fn auto_upgrade(engine: EngineType, version: &Version, is_on: bool) -> Result<(), Refusal> {
    if is_on {
        return Ok(());
    }
    let text = format!(
        "Brokers on [{}] version [{}] must have [autoMinorVersionUpgrade] set to [true].",
        engine.mixed(),
        version.name
    );
    Err(Refusal::bad_request("autoMinorVersionUpgrade", text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        assert!(broker_name("A_b-9").is_ok() && broker_name(&"x".repeat(50)).is_ok());
        for bad in ["", "a.b", "a b", "ä", &"x".repeat(51)] {
            assert!(broker_name(bad).is_err(), "{bad}");
        }
        assert!(configuration_name("a.b~c").is_ok() && configuration_name(&"x".repeat(151)).is_err());
        assert!(
            username(EngineType::ActiveMq, "a~b").is_ok() && username(EngineType::RabbitMq, "a~b").is_err()
        );
        for bad in ["a", "guest", "a,b", ""] {
            assert!(username(EngineType::RabbitMq, bad).is_err(), "{bad}");
        }
        assert!(groups(&vec!["gr".into(); 20]).is_ok() && groups(&vec!["gr".into(); 21]).is_err());
        assert!(groups(&["g".into()]).is_err());
    }

    #[test]
    fn tags_are_counted_with_those_that_are_there() {
        let many = |from: usize, to: usize| (from..to).map(|n| (format!("k{n}"), String::new())).collect();
        let there: BTreeMap<String, String> = many(0, 50);
        assert!(tags(&there, &many(0, 1)).is_ok());
        assert!(tags(&there, &many(50, 51)).is_err());
        for bad in ["aws:x", "AWS:x", "", "a\u{7f}", &"k".repeat(129)] {
            assert!(tags(&BTreeMap::new(), &[(bad.to_owned(), String::new())].into()).is_err(), "{bad}");
        }
    }
}
