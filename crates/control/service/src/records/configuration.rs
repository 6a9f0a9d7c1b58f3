//! Configurations and their revisions. The texts are records of their own: a listing does not read them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::catalogue::EngineType;
use crate::store::Record;

/// A configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Configuration {
    pub region: String,
    /// `c-<uuid>`.
    pub id: String,
    pub name: String,
    pub engine: EngineType,
    /// Major and minor.
    pub engine_version: String,
    /// `SIMPLE`.
    pub strategy: String,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    /// From 1, never empty.
    pub revisions: Vec<Revision>,
    pub tags: BTreeMap<String, String>,
}

/// What is known of a revision besides its text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Revision {
    pub number: u32,
    /// Milliseconds since 1970.
    pub created_ms: u64,
    pub description: Option<String>,
}

/// The text of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RevisionData {
    pub region: String,
    pub configuration: String,
    pub number: u32,
    /// As sanitised.
    pub text: String,
}

impl Configuration {
    pub(crate) fn prefix(region: &str) -> String {
        format!("configuration/{region}/")
    }

    pub(crate) fn key_of(region: &str, id: &str) -> String {
        format!("configuration/{region}/{id}")
    }

    /// The last revision's number; 0 if there is none, which no configuration that was created has.
    pub(crate) fn latest(&self) -> u32 {
        self.revisions.last().map_or(0, |revision| revision.number)
    }
}

impl RevisionData {
    pub(crate) fn key_of(region: &str, configuration: &str, number: u32) -> String {
        format!("revision/{region}/{configuration}/{number:06}")
    }

    pub(crate) fn prefix(region: &str, configuration: &str) -> String {
        format!("revision/{region}/{configuration}/")
    }
}

impl Record for Configuration {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.id)
    }
}

impl Record for RevisionData {
    const VERSION: u8 = 1;

    fn key(&self) -> String {
        Self::key_of(&self.region, &self.configuration, self.number)
    }
}
