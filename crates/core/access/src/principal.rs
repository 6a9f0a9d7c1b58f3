//! Somebody who has logged in.

use std::{cell::RefCell, collections::BTreeMap, fmt, sync::Arc};

use crate::pattern::{Pattern, substitute};

/// Most patterns that are kept compiled with their variables filled in.
const COMPILED_MAX: usize = 64;

/// Who asks: a user, and what the variables in patterns stand for on this connection. Belongs to one thread at a time.
#[derive(Clone)]
pub struct Principal {
    user: Arc<str>,
    kind: Kind,
    variables: Vec<(Arc<str>, Arc<str>)>,
    /// Patterns with variables, by text; `None` for one that matches nothing here.
    compiled: RefCell<BTreeMap<Arc<str>, Option<Pattern>>>,
}

/// On whose behalf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    User,
    Node,
}

impl Principal {
    /// The node itself, for what its own configuration says: may do everything. Never made for a peer.
    #[must_use]
    pub fn node(name: Arc<str>) -> Self {
        Self { user: name, kind: Kind::Node, variables: Vec::new(), compiled: RefCell::default() }
    }

    /// A principal. Variables are pairs of name and value; of a repeated name the first counts.
    #[must_use]
    pub fn new(user: Arc<str>, variables: Vec<(Arc<str>, Arc<str>)>) -> Self {
        Self { user, kind: Kind::User, variables, compiled: RefCell::default() }
    }

    pub(crate) fn is_node(&self) -> bool {
        self.kind == Kind::Node
    }

    /// Name of the user.
    #[must_use]
    pub fn user(&self) -> &Arc<str> {
        &self.user
    }

    /// Whether the pattern with these variables filled in matches a name. A variable without a value matches nothing.
    pub(crate) fn is_match(&self, template: &Arc<str>, name: &str) -> bool {
        let mut compiled = self.compiled.borrow_mut();
        if compiled.len() >= COMPILED_MAX && !compiled.contains_key(template) {
            compiled.clear();
        }
        let pattern = compiled.entry(Arc::clone(template)).or_insert_with(|| {
            let text = substitute(template, |name| self.variable(name))?;
            // A value can make the text longer than a pattern may be: it matches nothing then.
            Pattern::new(&text).ok()
        });
        pattern.as_ref().is_some_and(|pattern| pattern.is_match(name))
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(other, _)| **other == *name).map(|(_, value)| &**value)
    }
}

impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal").field("user", &self.user).field("variables", &self.variables).finish()
    }
}
