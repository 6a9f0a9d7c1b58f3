//! Authentication strategies, and what is said of a directory.

use ternmq_api::Refusal;
use ternmq_api::mq::LdapServerMetadataInput;
use ternmq_stdx::shown;

use crate::catalogue::EngineType;
use crate::records::{Authentication, DirectoryServer};

/// A primary host and one that takes over.
const HOSTS_MAX: usize = 2;
/// Longest text of a member in bytes.
const TEXT_MAX: usize = 4_096;

/// The strategy that an input asks for; `now` holds where it says nothing.
///
/// # Errors
/// `BadRequestException`: the engine has no such strategy, or the directory is not said as it has to be.
pub(super) fn chosen(
    engine: EngineType,
    strategy: Option<&str>,
    metadata: Option<&LdapServerMetadataInput>,
    now: &Authentication,
) -> Result<Authentication, Refusal> {
    let strategy = match strategy {
        Some(strategy) => strategy,
        None if now.directory().is_some() => "LDAP",
        None => "SIMPLE",
    };
    check(engine, strategy)?;
    match (strategy, metadata, now) {
        ("LDAP", Some(metadata), _) => {
            check_metadata(metadata)?;
            Ok(Authentication::Ldap(Box::new(DirectoryServer::of_input(metadata))))
        }
        ("LDAP", None, Authentication::Ldap(_)) => Ok(now.clone()),
        ("LDAP", None, Authentication::Simple) => {
            let text = "Authentication strategy [LDAP] needs LDAP server metadata.";
            Err(Refusal::bad_request("ldapServerMetadata", text))
        }
        (_, Some(_), _) => {
            let text = "LDAP server metadata is for ActiveMQ brokers with authentication strategy [LDAP].";
            Err(Refusal::bad_request("ldapServerMetadata", text))
        }
        (_, None, _) => Ok(Authentication::Simple),
    }
}

/// Whether brokers of an engine can have a strategy.
///
/// # Errors
/// `BadRequestException`: they can't.
pub(super) fn check(engine: EngineType, strategy: &str) -> Result<(), Refusal> {
    let text = match (engine, strategy) {
        (_, "SIMPLE") | (EngineType::ActiveMq, "LDAP") => return Ok(()),
        (EngineType::RabbitMq, "CONFIG_MANAGED") => {
            "Users of another service are not there yet: this version has authentication strategy [SIMPLE] for \
             RabbitMQ brokers only."
                .to_owned()
        }
        (_, other) => format!(
            "Broker engine type [{}] does not support authentication strategy [{}].",
            engine.mixed(),
            shown(other)
        ),
    };
    Err(Refusal::bad_request("authenticationStrategy", text))
}

/// What can be told without asking the directory.
fn check_metadata(input: &LdapServerMetadataInput) -> Result<(), Refusal> {
    let refuse = |text: String| Err(Refusal::bad_request("ldapServerMetadata", text));
    if !(1..=HOSTS_MAX).contains(&input.hosts.len()) {
        return refuse(format!("Specify 1 to {HOSTS_MAX} hosts of the directory."));
    }
    if let Some(wrong) = input.hosts.iter().find(|host| !is_host(host)) {
        let text = format!("[{}] is no host: say a name without a scheme.", shown(wrong));
        return refuse(text);
    }
    let texts = [
        ("userBase", &input.user_base),
        ("userSearchMatching", &input.user_search_matching),
        ("roleBase", &input.role_base),
        ("roleSearchMatching", &input.role_search_matching),
        ("serviceAccountUsername", &input.service_account_username),
    ];
    if let Some((member, _)) = texts.iter().find(|(_, text)| text.is_empty() || text.len() > TEXT_MAX) {
        return refuse(format!("[{member}] has to have 1 to {TEXT_MAX} bytes."));
    }
    let password = input.service_account_password.reveal();
    if password.is_empty() || password.len() > TEXT_MAX {
        return refuse(format!("[serviceAccountPassword] has to have 1 to {TEXT_MAX} bytes."));
    }
    for (member, base) in [("userBase", &input.user_base), ("roleBase", &input.role_base)] {
        if !base.contains('=') {
            return refuse(format!("[{member}] is no distinguished name."));
        }
    }
    let filters = [
        ("userSearchMatching", &input.user_search_matching, "{0}"),
        ("roleSearchMatching", &input.role_search_matching, "{"),
    ];
    for (member, filter, place) in filters {
        if !filter.contains(place) || !filter.contains('=') || !has_its_brackets(filter) {
            return refuse(format!("[{member}] is no filter with a place for a value, as (uid={{0}})."));
        }
    }
    Ok(())
}

/// A name or address, with a port behind it or none.
fn is_host(text: &str) -> bool {
    let is_letter =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']');
    !text.is_empty() && text.len() <= 255 && !text.contains("//") && text.bytes().all(is_letter)
}

fn has_its_brackets(filter: &str) -> bool {
    let mut open = 0_u32;
    for letter in filter.chars() {
        match letter {
            '(' => open += 1,
            ')' if open == 0 => return false,
            ')' => open -= 1,
            _ => {}
        }
    }
    open == 0
}
