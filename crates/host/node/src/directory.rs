//! The directory of a node's users: opened at the start, asked at each login, and looked at again as long as the node runs.
//!
//! Who is connected is looked up again each minute, so that nobody stays for longer whom the directory does not know any more,
//! or in a group that it was taken out of (S7). An authorization map that the configuration file has in the directory is
//! read anew in its own time; when that fails the one before counts (S1).

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fs, io::Read};

use ternmq_access::{Members, Rules};
use ternmq_activemq::{Acl, AuthorizationEntry, AuthorizationMap, EntryKind};
use ternmq_broker::OutsideAnswer;
use ternmq_configuration::activemq_service::{self, Object};
use ternmq_directory::{
    Destination, Directory, MAX_TEXT_BYTES, MapEntry, MapPlaces, Member, Permission, TlsDial,
};
use ternmq_env::{SystemClock, SystemRng};
use ternmq_net::ShardHandle;
use ternmq_stdx::chain;
use tokio::time::{Instant, MissedTickBehavior, interval_at, timeout};

use crate::error::StartError;
use crate::options::{BrokerOptions, EngineType};

/// Pause between two looks at who is connected.
const GUESTS: Duration = Duration::from_millis(ternmq_broker::OUTSIDE_LOGIN_MS);
/// Pause between two readings of a map that has no time of its own: upstream a directory tells of changes itself, ours is asked.
const MAP: Duration = Duration::from_secs(60);
/// Least pause between two readings.
const MAP_LEAST: Duration = Duration::from_secs(1);
/// Pause until the next try as long as no map was read at all.
const FIRST_MAP: Duration = Duration::from_secs(5);
/// How long the start waits for the first map.
const START: Duration = Duration::from_secs(5);

/// Reads what there is to read before the node is ready, and goes on with it as long as it runs.
pub(crate) async fn start(outside: Option<Outside>, shard: &ShardHandle) {
    if let Some(outside) = outside {
        let has_map = outside.begin(shard).await;
        tokio::spawn(outside.keep(shard.clone(), has_map));
    }
}

/// A directory and what is read from it beside users.
pub(crate) struct Outside {
    directory: Arc<Directory>,
    map: Option<MapSource>,
}

/// Where a map is, and how often it is read.
struct MapSource {
    places: MapPlaces,
    pause: Duration,
}

impl Outside {
    /// The directory that the options name; none if they name none.
    ///
    /// # Errors
    /// Its file or its certificates can't be used, the engine has no such users, or the configuration file needs a directory.
    pub(crate) fn open(
        options: &BrokerOptions,
        file: Option<&activemq_service::Settings>,
    ) -> Result<Option<Self>, StartError> {
        let authorization = file.and_then(activemq_service::Settings::authorization);
        let map = authorization.and_then(activemq_service::Authorization::directory);
        let Some(path) = &options.directory else {
            return match map {
                Some(_) => Err(StartError::Usage(
                    "the configuration file has a cachedLDAPAuthorizationMap: name the directory with --directory FILE".into(),
                )),
                None => Ok(None),
            };
        };
        if options.engine != EngineType::ActiveMq {
            return Err(StartError::Usage("--directory needs --engine activemq".into()));
        }
        let refuse = |problem: String| {
            StartError::Usage(format!("the directory file '{}' can't be used: {problem}", path.display()))
        };
        let text = read(path).map_err(|error| refuse(error.to_string()))?;
        let settings = ternmq_directory::Settings::parse(&text).map_err(&refuse)?;
        let clock = Arc::new(SystemClock::new());
        let dial = TlsDial::new(settings.ca_file.as_deref(), clock.clone());
        let dial = Box::new(dial.map_err(|error| refuse(chain(&error).to_string()))?);
        let directory = Arc::new(Directory::new(settings, dial, clock, &mut SystemRng));
        Ok(Some(Self { directory, map: map.map(MapSource::of) }))
    }

    /// Whom the broker asks.
    pub(crate) fn users(&self) -> Arc<Directory> {
        self.directory.clone()
    }

    /// Reads the map for the first time, and answers whether that was done; a start does not wait for it for long.
    async fn begin(&self, shard: &ShardHandle) -> bool {
        timeout(START, self.read_map(shard)).await.unwrap_or_else(|_| {
            tracing::warn!(
                "the authorization map of the directory is not read yet: until then nobody may do anything"
            );
            false
        })
    }

    /// Looks again and again, until the node ends.
    async fn keep(self, shard: ShardHandle, mut has_map: bool) {
        let mut guests = every(GUESTS);
        let pause = self.map.as_ref().map_or(MAP, |map| map.pause);
        let mut next_map = Instant::now() + if has_map { pause } else { FIRST_MAP };
        loop {
            tokio::select! {
                _ = guests.tick() => {
                    if self.renew_guests(&shard).await.is_none() {
                        return;
                    }
                }
                () = tokio::time::sleep_until(next_map), if self.map.is_some() => {
                    has_map |= self.read_map(&shard).await;
                    next_map = Instant::now() + if has_map { pause } else { FIRST_MAP };
                }
            }
        }
    }

    /// Reads the map and makes it count; answers whether it does.
    async fn read_map(&self, shard: &ShardHandle) -> bool {
        let Some(map) = &self.map else { return true };
        let (directory, places) = (self.directory.clone(), map.places.clone());
        let read = tokio::task::spawn_blocking(move || directory.read_map(&places)).await;
        let rules = match read {
            Ok(Ok(entries)) => rules(entries).map_err(|error| error.to_string()),
            Ok(Err(error)) => Err(chain(&error).to_string()),
            // A panic has told itself.
            Err(_) => Err("the reader failed".to_owned()),
        };
        match rules {
            Ok(rules) => shard.call(move |view| view.broker.set_rules(Some(rules))).await.is_ok(),
            Err(problem) => {
                tracing::warn!(
                    "the authorization map of the directory can't be read, the one before counts: {problem}"
                );
                false
            }
        }
    }

    /// Looks up who is connected. `None`: the node has ended.
    async fn renew_guests(&self, shard: &ShardHandle) -> Option<()> {
        let guests = shard.call(|view| view.broker.guests()).await.ok()?;
        for guest in guests {
            let (directory, name) = (self.directory.clone(), guest.clone());
            let Ok(answer) = tokio::task::spawn_blocking(move || directory.look_up(&name)).await else {
                continue;
            };
            if answer == OutsideAnswer::Unavailable {
                // Nor will it be for the others.
                break;
            }
            shard.call(move |view| view.broker.renew_guest(&guest, answer)).await.ok()?;
        }
        Some(())
    }
}

fn every(pause: Duration) -> tokio::time::Interval {
    let mut ticks = interval_at(Instant::now() + pause, pause);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

#[allow(clippy::disallowed_methods, reason = "the host reads its own files")]
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut text = Vec::new();
    let most = u64::try_from(MAX_TEXT_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    fs::File::open(path)?.take(most).read_to_end(&mut text)?;
    Ok(text)
}

impl MapSource {
    fn of(map: &Object) -> Self {
        let base = |name| map.text(name).filter(|base| !base.is_empty()).map(str::to_owned);
        let places = MapPlaces {
            queues: base("queueSearchBase"),
            topics: base("topicSearchBase"),
            temporary: base("tempSearchBase"),
            members_are_groups: map.truth("legacyGroupMapping").unwrap_or(true),
        };
        let pause = map.whole("refreshInterval").and_then(|ms| u64::try_from(ms).ok());
        let pause = pause.map_or(MAP, |ms| Duration::from_millis(ms).max(MAP_LEAST));
        Self { places, pause }
    }
}

/// A map as rules. What it says nothing of nobody may do; temporary destinations have what its part for them says.
fn rules(entries: Vec<MapEntry>) -> Result<Rules, ternmq_access::RulesError> {
    let mut map = AuthorizationMap { temporary: Some(Acl::default()), ..AuthorizationMap::default() };
    for MapEntry { destination, permission, members } in entries {
        let members = members_of(members);
        let mut acl = Acl::default();
        match permission {
            Permission::Read => acl.read = members,
            Permission::Write => acl.write = members,
            Permission::Admin => acl.admin = members,
        }
        let (kind, name) = match destination {
            Destination::Queue(name) => (EntryKind::Queue, name),
            Destination::Topic(name) => (EntryKind::Topic, name),
            Destination::Temporary => {
                map.temporary.get_or_insert_default().add(acl);
                continue;
            }
        };
        map.entries.push(AuthorizationEntry { kind, name, acl });
    }
    map.rules()
}

fn members_of(all: Vec<Member>) -> Members {
    let mut members = Members::default();
    for member in all {
        match member {
            Member::User(name) => members.users.insert(name),
            Member::Group(name) => members.groups.insert(name),
        };
    }
    members
}
