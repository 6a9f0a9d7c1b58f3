//! Rules on names by group: who of which group may make, fill and empty which queues and nodes, beside the permissions of
//! each user.
//!
//! A node has such rules or none. With them a user may do what both its permissions and the rules allow; what no rule
//! allows is denied (S1). A rule looks at the name that permissions know a thing by: it belongs to a [`RuleSpace`] by how it
//! begins, and the rest of it is held against patterns of words. A name that is a pattern itself, as that of a subscription
//! to many topics, is allowed where a pattern of the rules covers all that it stands for (S5).

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use thiserror::Error;

use crate::authorize::Action;

/// Most patterns of all spaces together.
pub const MAX_RULES: usize = 50_000;
/// Most bytes of all patterns and names of members together.
pub const MAX_RULE_BYTES: usize = 8 << 20;

/// How names and patterns are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleSyntax {
    /// Stands between words.
    pub separator: char,
    /// The word that stands for any one.
    pub one: &'static str,
    /// The word that stands for all that follow, or none.
    pub rest: &'static str,
}

/// Who is meant: members of groups, or single users.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Whoever has logged in.
    pub is_everybody: bool,
    /// By name of the group.
    pub groups: BTreeSet<Arc<str>>,
    /// By name of the user.
    pub users: BTreeSet<Arc<str>>,
}

/// Who may do what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permits {
    /// Make and delete.
    pub manage: Members,
    /// Put messages in.
    pub send: Members,
    /// Take messages out.
    pub receive: Members,
}

/// Things whose names begin alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSpace {
    /// How they begin.
    pub prefix: Arc<str>,
    /// What the rules permit for every name is added to what these patterns do.
    pub adds_default: bool,
    /// Pattern of the rest of the name, and who may do what. All that match count together.
    pub rules: Vec<(Arc<str>, Permits)>,
}

/// Rules are over a limit; there are to be none that permit anything instead: [`Rules::nothing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RulesError {
    /// Too many patterns.
    #[error("there are {count} rules; at most {MAX_RULES} are allowed")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Texts that are too long together.
    #[error("the names in all rules have {bytes} bytes; at most {MAX_RULE_BYTES} are allowed")]
    TooLarge {
        /// Length of all of them.
        bytes: usize,
    },
}

/// All rules of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    syntax: RuleSyntax,
    spaces: Vec<Space>,
    free: Vec<Arc<str>>,
    default: Permits,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Space {
    prefix: Arc<str>,
    adds_default: bool,
    exact: BTreeMap<Arc<str>, Permits>,
    patterns: Vec<(Arc<str>, Permits)>,
}

impl Rules {
    /// Rules over spaces. Names that begin with one of `free` need no rule; `default` counts for every other name that is in
    /// no space, and in those that say so.
    ///
    /// # Errors
    /// [`RulesError`] when they are over a limit.
    pub fn new(
        syntax: RuleSyntax,
        spaces: Vec<RuleSpace>,
        free: Vec<Arc<str>>,
        default: Permits,
    ) -> Result<Self, RulesError> {
        let count = spaces.iter().map(|space| space.rules.len()).sum();
        if count > MAX_RULES {
            return Err(RulesError::TooMany { count });
        }
        let rules = spaces.iter().flat_map(|space| &space.rules);
        let bytes = rules.map(|(pattern, permits)| pattern.len() + permits.bytes()).sum::<usize>();
        if bytes + default.bytes() > MAX_RULE_BYTES {
            return Err(RulesError::TooLarge { bytes: bytes + default.bytes() });
        }
        let spaces = spaces.into_iter().map(|space| Space::new(syntax, space)).collect();
        Ok(Self { syntax, spaces, free, default })
    }

    /// Nobody may do anything.
    #[must_use]
    pub fn nothing(syntax: RuleSyntax) -> Self {
        Self { syntax, spaces: Vec::new(), free: Vec::new(), default: Permits::default() }
    }

    /// Whether one of the spaces has such names.
    pub(crate) fn has_space_of(&self, name: &str) -> bool {
        self.space_of(name).is_some()
    }

    fn space_of<'a>(&self, name: &'a str) -> Option<(&Space, &'a str)> {
        self.spaces.iter().find_map(|space| Some((space, name.strip_prefix(&*space.prefix)?)))
    }

    /// Whether a user of these groups may do this to the thing of that name.
    pub(crate) fn allow(&self, action: Action, name: &str, user: &str, groups: &[Arc<str>]) -> bool {
        let is_member = |permits: &Permits| permits.of(action).is_some_and(|who| who.has(user, groups));
        let Some((space, rest)) = self.space_of(name) else {
            return self.free.iter().any(|free| name.starts_with(&**free)) || is_member(&self.default);
        };
        space.exact.get(rest).is_some_and(is_member)
            || space
                .patterns
                .iter()
                .any(|(pattern, permits)| is_member(permits) && self.syntax.covers(pattern, rest))
            || space.adds_default && is_member(&self.default)
    }
}

impl Space {
    fn new(syntax: RuleSyntax, space: RuleSpace) -> Self {
        let RuleSpace { prefix, adds_default, rules } = space;
        let mut made = Self { prefix, adds_default, exact: BTreeMap::new(), patterns: Vec::new() };
        for (pattern, permits) in rules {
            if syntax.is_plain(&pattern) {
                made.exact.entry(pattern).or_default().add(permits);
            } else {
                made.patterns.push((pattern, permits));
            }
        }
        made
    }
}

impl RuleSyntax {
    fn is_plain(&self, text: &str) -> bool {
        !text.split(self.separator).any(|word| word == self.one || word == self.rest)
    }

    /// Whether a pattern matches a name, or everything that the name matches where it is a pattern too. Linear (B8).
    fn covers(&self, pattern: &str, name: &str) -> bool {
        let (mut pattern, mut name) = (pattern.split(self.separator), name.split(self.separator));
        loop {
            match (pattern.next(), name.next()) {
                (Some(word), _) if word == self.rest => return true,
                (None, None) => return true,
                // More than any one word, or any number of them.
                (_, Some(word)) if word == self.rest => return false,
                (Some(word), Some(_)) if word == self.one => {}
                (Some(word), Some(other)) if word == other => {}
                _ => return false,
            }
        }
    }
}

impl Permits {
    /// The same members for everything.
    #[must_use]
    pub fn all(members: Members) -> Self {
        Self { manage: members.clone(), send: members.clone(), receive: members }
    }

    fn of(&self, action: Action) -> Option<&Members> {
        match action {
            Action::Access => None,
            Action::Configure | Action::Delete => Some(&self.manage),
            Action::Write | Action::TopicWrite => Some(&self.send),
            Action::Read | Action::TopicRead => Some(&self.receive),
        }
    }

    /// Adds what others permit.
    pub fn add(&mut self, other: Self) {
        self.manage.add(other.manage);
        self.send.add(other.send);
        self.receive.add(other.receive);
    }

    fn bytes(&self) -> usize {
        let all = [&self.manage, &self.send, &self.receive];
        all.iter()
            .flat_map(|members| members.groups.iter().chain(&members.users))
            .map(|name| name.len())
            .sum()
    }
}

impl Members {
    /// Members of these groups.
    pub fn groups<S: Into<Arc<str>>>(names: impl IntoIterator<Item = S>) -> Self {
        Self { groups: names.into_iter().map(Into::into).collect(), ..Self::default() }
    }

    /// Adds others.
    pub fn add(&mut self, other: Self) {
        self.is_everybody |= other.is_everybody;
        self.groups.extend(other.groups);
        self.users.extend(other.users);
    }

    fn has(&self, user: &str, groups: &[Arc<str>]) -> bool {
        self.is_everybody
            || self.users.contains(user)
            || groups.iter().any(|group| self.groups.contains(group))
    }
}
