//! Who knows the users of a broker.

use std::fmt;

use serde::{Deserialize, Serialize};
use ternmq_api::mq::{LdapServerMetadataInput, LdapServerMetadataOutput};

/// The strategy of a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Authentication {
    /// The broker itself.
    #[default]
    Simple,
    /// A directory, beside the broker's own.
    Ldap(Box<DirectoryServer>),
}

/// A directory and how users and groups are found in it. Its text is also what the node reads, with the names of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DirectoryServer {
    pub hosts: Vec<String>,
    pub service_account_username: String,
    pub service_account_password: Hidden,
    pub user_base: String,
    pub user_search_matching: String,
    #[serde(default)]
    pub user_search_subtree: bool,
    #[serde(default)]
    pub user_role_name: Option<String>,
    pub role_base: String,
    pub role_search_matching: String,
    #[serde(default)]
    pub role_search_subtree: bool,
    #[serde(default)]
    pub role_name: Option<String>,
    /// Authorities that are trusted beside the public ones; the service's own setting, put in for the node.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_file: Option<String>,
}

/// A secret that has to be told to the node; the store encrypts it. It has no text form (S11).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Hidden(String);

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Hidden(***)")
    }
}

impl Authentication {
    /// As the API's answers name it.
    pub(crate) const fn lower(&self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Ldap(_) => "ldap",
        }
    }

    pub(crate) const fn directory(&self) -> Option<&DirectoryServer> {
        match self {
            Self::Simple => None,
            Self::Ldap(server) => Some(server),
        }
    }

    /// What the API tells of the directory.
    pub(crate) fn metadata(&self) -> Option<LdapServerMetadataOutput> {
        self.directory().map(DirectoryServer::output)
    }
}

impl DirectoryServer {
    pub(crate) fn of_input(input: &LdapServerMetadataInput) -> Self {
        let said = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        Self {
            hosts: input.hosts.clone(),
            service_account_username: input.service_account_username.clone(),
            service_account_password: Hidden(input.service_account_password.reveal().to_owned()),
            user_base: input.user_base.clone(),
            user_search_matching: input.user_search_matching.clone(),
            user_search_subtree: input.user_search_subtree.unwrap_or(false),
            user_role_name: said(&input.user_role_name),
            role_base: input.role_base.clone(),
            role_search_matching: input.role_search_matching.clone(),
            role_search_subtree: input.role_search_subtree.unwrap_or(false),
            role_name: said(&input.role_name),
            ca_file: None,
        }
    }

    fn output(&self) -> LdapServerMetadataOutput {
        LdapServerMetadataOutput {
            hosts: self.hosts.clone(),
            role_base: self.role_base.clone(),
            role_name: self.role_name.clone(),
            role_search_matching: self.role_search_matching.clone(),
            role_search_subtree: Some(self.role_search_subtree),
            service_account_username: self.service_account_username.clone(),
            user_base: self.user_base.clone(),
            user_role_name: self.user_role_name.clone(),
            user_search_matching: self.user_search_matching.clone(),
            user_search_subtree: Some(self.user_search_subtree),
        }
    }
}
