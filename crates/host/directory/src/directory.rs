//! Users and groups of a directory: who has which password, and which groups.
//!
//! A user is looked for with the service's own account and verified with a bind of its own as exactly the name that was
//! found, on a connection that is used for nothing else; the service's account never verifies anybody (S9). None or more
//! than one entry is nobody. Groups are the values of an attribute of the user's entry and the names of entries that the
//! search of groups finds.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ternmq_access::Secret;
use ternmq_broker::{OutsideAnswer, OutsideUser, OutsideUsers};
use ternmq_env::{Clock, Rng};
use ternmq_stdx::chain;
use thiserror::Error;

use crate::dial::Dial;
use crate::link::{Entry, Limits, Link, LinkError, Scope, Search, code};
use crate::settings::Settings;

/// Time for a login, in ms: less than clients have for theirs (B2).
const LOGIN_MS: u64 = 7_000;
/// Time for a new connection to one host, in ms: another one may have to be tried in the same login.
const DIAL_MS: u64 = 2_500;
/// A host that failed is left alone for so long, in ms, as long as there is another one.
const HOST_PAUSE_MS: u64 = 10_000;
/// When all failed nobody waits for the next try for so long, in ms.
const ALL_PAUSE_MS: u64 = 1_000;
/// Connections of each kind that are kept.
const MAX_IDLE: usize = 8;
/// Longest name and password, as of users of the broker's own, in bytes.
const MAX_USER_BYTES: usize = 255;
const MAX_PASSWORD_BYTES: usize = 1_024;
/// Most groups of a user.
const MAX_GROUPS: usize = 1_000;
/// Longest name of a group in bytes; one that is longer counts as none.
const MAX_GROUP_BYTES: usize = 255;
/// No attributes at all (RFC 4511 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";

/// The group whose members may use the console.
pub const CONSOLE_GROUP: &str = "amazonmq-console-admins";
/// The tag that lets a user see everything.
const CONSOLE_TAG: &str = "monitoring";

const USER_LIMITS: Limits = Limits { entries: 1, message_bytes: 256 << 10, total_bytes: 512 << 10 };
const ROLE_LIMITS: Limits = Limits { entries: MAX_GROUPS, message_bytes: 256 << 10, total_bytes: 2 << 20 };

/// Why a directory gave no answer.
#[derive(Debug, Error)]
pub enum DirectoryError {
    /// No host could be reached a moment ago.
    #[error("no host of the directory could be reached a moment ago")]
    Down,
    /// A connection could not be made, to the last host that was tried.
    #[error("{host} can't be reached")]
    Dial {
        /// The host.
        host: String,
        /// Why.
        source: std::io::Error,
    },
    /// The directory does not let its service account in.
    #[error("{host} refuses the service account (result code {code})")]
    Service {
        /// The host.
        host: String,
        /// Its answer.
        code: u32,
    },
    /// What came back is of no use.
    #[error("the directory gave no answer that can be used")]
    Link(#[from] LinkError),
    /// What it holds is of no use.
    #[error("the directory holds {0}")]
    Content(&'static str),
}

/// What connections are for. One that has verified users is never used to look for anything, nor the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Search,
    Bind,
}

/// A directory.
pub struct Directory {
    settings: Settings,
    dial: Box<dyn Dial>,
    clock: Arc<dyn Clock>,
    /// A name that nobody has, so that it takes as long to refuse an unknown user as a wrong password (S2).
    nobody: String,
    searching: Mutex<Vec<Link>>,
    binding: Mutex<Vec<Link>>,
    hosts: Mutex<Hosts>,
    is_down: AtomicBool,
}

#[derive(Default)]
struct Hosts {
    /// Until when each is left alone, in ms.
    paused_until_ms: Vec<u64>,
    all_down_until_ms: u64,
}

impl Directory {
    /// A directory that is dialled by `dial`.
    #[must_use]
    pub fn new(settings: Settings, dial: Box<dyn Dial>, clock: Arc<dyn Clock>, rng: &mut dyn Rng) -> Self {
        let mut random = [0; 16];
        rng.fill(&mut random);
        let nobody = format!("cn=nobody-{:032x},{}", u128::from_le_bytes(random), settings.user_base);
        let hosts = Hosts { paused_until_ms: vec![0; settings.hosts.len()], all_down_until_ms: 0 };
        Self {
            settings,
            dial,
            clock,
            nobody,
            searching: Mutex::default(),
            binding: Mutex::default(),
            hosts: Mutex::new(hosts),
            is_down: AtomicBool::new(false),
        }
    }

    /// What the directory says of a user, without a password.
    #[must_use]
    pub fn look_up(&self, user: &str) -> OutsideAnswer {
        let deadline_ms = self.deadline_ms();
        self.told(self.find_with_groups(user, deadline_ms))
    }

    fn deadline_ms(&self) -> u64 {
        self.clock.monotonic_ms().saturating_add(LOGIN_MS)
    }

    fn find_with_groups(&self, user: &str, deadline_ms: u64) -> Result<Option<OutsideUser>, DirectoryError> {
        if !is_user_name(user) {
            return Ok(None);
        }
        match self.find(user, deadline_ms)? {
            Some(found) => self.groups(user, &found, deadline_ms).map(Some),
            None => Ok(None),
        }
    }

    fn check(&self, user: &str, password: &Secret) -> Result<Option<OutsideUser>, DirectoryError> {
        let deadline_ms = self.deadline_ms();
        let found = self.find(user, deadline_ms)?;
        let name = found.as_ref().map_or(self.nobody.as_str(), |found| found.name.as_str());
        let bound = self.with_link(Purpose::Bind, deadline_ms, |link| link.bind(name, password.expose()));
        let is_right = match bound {
            Ok(()) => true,
            Err(DirectoryError::Link(LinkError::Refused(code)))
                if !matches!(code, code::BUSY | code::UNAVAILABLE) =>
            {
                false
            }
            // Nothing was asked: an entry without a name verifies nobody.
            Err(DirectoryError::Link(LinkError::Unproven)) => false,
            Err(error) => return Err(error),
        };
        match found.filter(|_| is_right) {
            Some(found) => self.groups(user, &found, deadline_ms).map(Some),
            None => Ok(None),
        }
    }

    /// The entry of a user; none if there is none or more than one.
    fn find(&self, user: &str, deadline_ms: u64) -> Result<Option<Entry>, DirectoryError> {
        let attribute = self.settings.user_role_attribute.as_deref().unwrap_or(NO_ATTRIBUTES);
        let search = Search {
            base: &self.settings.user_base,
            scope: scope(self.settings.is_user_subtree),
            filter: &self.settings.user_filter,
            values: [user, user],
            attributes: &[attribute],
            limits: USER_LIMITS,
        };
        match self.search(&search, deadline_ms) {
            Ok(entries) => Ok(entries.into_iter().next()),
            Err(DirectoryError::Link(LinkError::TooLarge("entries"))) => {
                tracing::warn!(target: "connection", "the directory has several entries for one user name: nobody is let in by it");
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn groups(&self, user: &str, found: &Entry, deadline_ms: u64) -> Result<OutsideUser, DirectoryError> {
        let settings = &self.settings;
        let mut groups = BTreeSet::new();
        if let Some(attribute) = &settings.user_role_attribute {
            add_groups(&mut groups, found.values(attribute))?;
        }
        if let Some(attribute) = &settings.role_attribute {
            let search = Search {
                base: &settings.role_base,
                scope: scope(settings.is_role_subtree),
                filter: &settings.role_filter,
                values: [&found.name, user],
                attributes: &[attribute],
                limits: ROLE_LIMITS,
            };
            for entry in self.search(&search, deadline_ms)? {
                add_groups(&mut groups, entry.values(attribute))?;
            }
        }
        let has_console = groups.contains(CONSOLE_GROUP);
        let tags = has_console.then(|| Arc::from(CONSOLE_TAG)).into_iter().collect();
        Ok(OutsideUser { groups: groups.into_iter().collect(), tags })
    }

    pub(crate) fn search(&self, search: &Search<'_>, deadline_ms: u64) -> Result<Vec<Entry>, DirectoryError> {
        self.with_link(Purpose::Search, deadline_ms, |link| link.search(search))
    }

    /// Until when something that takes so long may take, in ms.
    pub(crate) fn until_ms(&self, timeout_ms: u64) -> u64 {
        self.clock.monotonic_ms().saturating_add(timeout_ms)
    }

    /// The answer for the broker. That the directory can't be asked, and that it can again, is logged once.
    fn told(&self, asked: Result<Option<OutsideUser>, DirectoryError>) -> OutsideAnswer {
        self.note(asked.as_ref().err());
        match asked {
            Ok(Some(user)) => OutsideAnswer::Known(user),
            Ok(None) => OutsideAnswer::Refused,
            Err(_) => OutsideAnswer::Unavailable,
        }
    }

    /// Logs a change between being there and not.
    pub(crate) fn note(&self, error: Option<&DirectoryError>) {
        let was_down = self.is_down.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_down => {
                tracing::error!("users of the directory can't log in: {}", chain(error));
            }
            None if was_down => tracing::info!("the directory answers again"),
            _ => {}
        }
    }

    /// Runs something on a connection that was kept or, if that one has ended meanwhile, a new one.
    fn with_link<T>(
        &self,
        purpose: Purpose,
        deadline_ms: u64,
        mut run: impl FnMut(&mut Link) -> Result<T, LinkError>,
    ) -> Result<T, DirectoryError> {
        let kept = lock(self.kept(purpose)).pop();
        if let Some(mut link) = kept {
            link.set_deadline_ms(deadline_ms);
            match run(&mut link) {
                Err(LinkError::Io(_)) => {
                    // The others that were kept are as old: the directory has ended them too, or is gone.
                    lock(self.kept(purpose)).clear();
                }
                answered => return self.give_back(purpose, link, answered),
            }
        }
        let mut link = self.connect(purpose, deadline_ms)?;
        link.set_deadline_ms(deadline_ms);
        let answered = run(&mut link);
        self.give_back(purpose, link, answered)
    }

    fn give_back<T>(
        &self,
        purpose: Purpose,
        link: Link,
        answered: Result<T, LinkError>,
    ) -> Result<T, DirectoryError> {
        let mut kept = lock(self.kept(purpose));
        if !link.is_broken() && kept.len() < MAX_IDLE {
            kept.push(link);
        }
        Ok(answered?)
    }

    fn kept(&self, purpose: Purpose) -> &Mutex<Vec<Link>> {
        match purpose {
            Purpose::Search => &self.searching,
            Purpose::Bind => &self.binding,
        }
    }

    /// A connection to the first host that takes it; one to search with is bound as the service account.
    fn connect(&self, purpose: Purpose, deadline_ms: u64) -> Result<Link, DirectoryError> {
        let now_ms = self.clock.monotonic_ms();
        let order = {
            let hosts = lock(&self.hosts);
            if now_ms < hosts.all_down_until_ms {
                return Err(DirectoryError::Down);
            }
            let mut order: Vec<usize> = (0..self.settings.hosts.len()).collect();
            order.sort_by_key(|at| hosts.paused_until_ms.get(*at).is_some_and(|until_ms| now_ms < *until_ms));
            order
        };
        let mut failure = DirectoryError::Down;
        for at in order {
            match self.connect_to(at, purpose, deadline_ms) {
                Ok(link) => {
                    self.pause_host(at, 0);
                    return Ok(link);
                }
                Err(error) => {
                    self.pause_host(at, self.clock.monotonic_ms().saturating_add(HOST_PAUSE_MS));
                    failure = error;
                }
            }
        }
        lock(&self.hosts).all_down_until_ms = self.clock.monotonic_ms().saturating_add(ALL_PAUSE_MS);
        Err(failure)
    }

    fn pause_host(&self, at: usize, until_ms: u64) {
        if let Some(paused) = lock(&self.hosts).paused_until_ms.get_mut(at) {
            *paused = until_ms;
        }
    }

    fn connect_to(&self, at: usize, purpose: Purpose, deadline_ms: u64) -> Result<Link, DirectoryError> {
        let Some(host) = self.settings.hosts.get(at) else { return Err(DirectoryError::Down) };
        let dial_ms = self.clock.monotonic_ms().saturating_add(DIAL_MS).min(deadline_ms);
        let dialled = self.dial.dial(host, dial_ms);
        let wire = dialled.map_err(|source| DirectoryError::Dial { host: host.to_string(), source })?;
        let mut link = Link::new(wire);
        if purpose == Purpose::Search {
            link.set_deadline_ms(dial_ms);
            let settings = &self.settings;
            match link.bind(&settings.service_name, settings.service_password.expose()) {
                Ok(()) => {}
                Err(LinkError::Refused(code)) => {
                    return Err(DirectoryError::Service { host: host.to_string(), code });
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(link)
    }
}

impl OutsideUsers for Directory {
    fn log_in(&self, user: &str, password: &Secret) -> OutsideAnswer {
        let password_bytes = password.expose();
        let is_password = !password_bytes.is_empty()
            && password_bytes.len() <= MAX_PASSWORD_BYTES
            && !password_bytes.contains(&0);
        if !is_password || !is_user_name(user) {
            return OutsideAnswer::Refused;
        }
        self.told(self.check(user, password))
    }
}

fn is_user_name(user: &str) -> bool {
    !user.is_empty() && user.len() <= MAX_USER_BYTES && !user.chars().any(char::is_control)
}

fn scope(is_subtree: bool) -> Scope {
    if is_subtree { Scope::Subtree } else { Scope::OneLevel }
}

fn add_groups<'a>(
    groups: &mut BTreeSet<Arc<str>>,
    values: impl Iterator<Item = &'a [u8]>,
) -> Result<(), DirectoryError> {
    for value in values {
        let Ok(value) = std::str::from_utf8(value) else { continue };
        if value.is_empty() || value.len() > MAX_GROUP_BYTES {
            continue;
        }
        groups.insert(value.into());
        if groups.len() > MAX_GROUPS {
            return Err(DirectoryError::Content("more groups of one user than are taken"));
        }
    }
    Ok(())
}

/// Nothing that is locked is left half done.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
