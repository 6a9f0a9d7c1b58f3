//! Destinations from which messages go on: virtual topics, composite destinations, mirrored queues.

use std::sync::Arc;

use ternmq_broker::{Forward, Forwards, Keeps};
use ternmq_configuration::activemq_service::{DestinationKind, Object, Settings};
use ternmq_selector::Selector;

use super::pattern;
use crate::names::{self, TOPIC_NODE};

/// Topics that are virtual where nothing else is said, and how queues are named that take from virtual topics.
const TOPICS: &str = "VirtualTopic.>";
const CONSUMERS: &str = "Consumer.*.";
/// Start of the name of a queue's mirror.
const MIRRORS: &str = "VirtualTopic.Mirror.";
/// Covers every name.
const ALL: &str = ">";

/// All of them.
#[derive(Clone, Debug)]
pub(super) struct VirtualDestinations {
    topics: Vec<VirtualTopic>,
    composites: Vec<Composite>,
    mirror: Option<Mirror>,
}

#[derive(Clone, Debug)]
struct VirtualTopic {
    topics: String,
    prefix: String,
    postfix: String,
    /// Its queues get what one of their consumers selects.
    is_selector_aware: bool,
}

#[derive(Clone, Debug)]
struct Composite {
    kind: DestinationKind,
    pattern: String,
    forwards: Arc<Forwards>,
}

#[derive(Clone, Debug)]
struct Mirror {
    prefix: String,
    postfix: String,
}

impl Default for VirtualTopic {
    fn default() -> Self {
        Self {
            topics: TOPICS.to_owned(),
            prefix: CONSUMERS.to_owned(),
            postfix: String::new(),
            is_selector_aware: false,
        }
    }
}

impl Default for Mirror {
    fn default() -> Self {
        Self { prefix: MIRRORS.to_owned(), postfix: String::new() }
    }
}

impl Default for VirtualDestinations {
    fn default() -> Self {
        Self { topics: vec![VirtualTopic::default()], composites: Vec::new(), mirror: None }
    }
}

impl VirtualDestinations {
    /// Where a file says something of the kind, all that it does not say is not there.
    pub(super) fn of(settings: &Settings, warnings: &mut Vec<String>) -> Self {
        let broker = settings.broker();
        if broker.property("destinationInterceptors").next().is_none() {
            let has = |name: &str, default| broker.truth(name).unwrap_or(default);
            return Self {
                topics: has("useVirtualTopics", true).then(VirtualTopic::default).into_iter().collect(),
                composites: Vec::new(),
                mirror: has("useMirroredQueues", false).then(Mirror::default),
            };
        }
        let mut all = Self { topics: Vec::new(), composites: Vec::new(), mirror: None };
        for object in settings.virtual_destinations() {
            match object.name() {
                "virtualTopic" => all.topics.push(virtual_topic(object)),
                "compositeQueue" => {
                    all.composites.extend(composite(object, DestinationKind::Queue, warnings))
                }
                _ => all.composites.extend(composite(object, DestinationKind::Topic, warnings)),
            }
        }
        all.mirror = settings.mirrored_queue().map(|object| Mirror {
            prefix: object.text("prefix").unwrap_or(MIRRORS).to_owned(),
            postfix: object.text("postfix").unwrap_or_default().to_owned(),
        });
        all
    }

    /// The topic from which a queue takes, as it is named so.
    pub(super) fn topic_of<'a>(&self, queue: &'a str) -> Option<&'a str> {
        self.source_of(queue).map(|(_, topic)| topic)
    }

    /// Whether it takes only what one of its consumers selects.
    pub(super) fn is_selector_aware(&self, queue: &str) -> bool {
        self.source_of(queue).is_some_and(|(of, _)| of.is_selector_aware)
    }

    fn source_of<'a>(&self, queue: &'a str) -> Option<(&VirtualTopic, &'a str)> {
        self.topics.iter().find_map(|it| {
            let topic = pattern::strip_start(&it.prefix, queue)?.strip_suffix(it.postfix.as_str())?;
            let is_one = !topic.is_empty() && topic != queue && pattern::is_plain(topic);
            (is_one && pattern::covers(&it.topics, topic)).then_some((it, topic))
        })
    }

    pub(super) fn forwards(&self, node: &str, key: &str) -> Option<Arc<Forwards>> {
        if self.composites.is_empty() && self.mirror.is_none() {
            return None;
        }
        let kind = match node {
            "" if !names::is_own(key) => DestinationKind::Queue,
            TOPIC_NODE => DestinationKind::Topic,
            _ => return None,
        };
        let is_of =
            |composite: &&Composite| composite.kind == kind && pattern::covers(&composite.pattern, key);
        let mut found: Vec<Arc<Forwards>> =
            self.composites.iter().filter(is_of).map(|composite| composite.forwards.clone()).collect();
        // A mirror shows what its queue gets.
        let has_all = found.iter().all(|forwards| forwards.keeps == Keeps::All);
        let mirror = self.mirror.as_ref().filter(|_| kind == DestinationKind::Queue && has_all);
        let mirror = mirror.and_then(|mirror| mirror.of(key));
        found.extend(mirror.map(|to| Arc::new(Forwards { keeps: Keeps::All, to: vec![to] })));
        match found.len() {
            0 | 1 => found.pop(),
            _ => Some(Arc::new(joined(&found))),
        }
    }
}

impl Mirror {
    fn of(&self, queue: &str) -> Option<Forward> {
        let key = format!("{}{queue}{}", self.prefix, self.postfix);
        let is_name = !names::is_own(&key) && pattern::is_plain(&key) && key.len() <= usize::from(u8::MAX);
        is_name.then(|| Forward { node: TOPIC_NODE.into(), key: key.into(), queue: None, selector: None })
    }
}

/// What several of them say of one destination.
fn joined(all: &[Arc<Forwards>]) -> Forwards {
    let has = |keeps| all.iter().any(|forwards| forwards.keeps == keeps);
    let keeps = if has(Keeps::All) {
        Keeps::All
    } else if has(Keeps::Rest) {
        Keeps::Rest
    } else {
        Keeps::Nothing
    };
    Forwards { keeps, to: all.iter().flat_map(|forwards| forwards.to.iter().cloned()).collect() }
}

fn virtual_topic(object: &Object) -> VirtualTopic {
    VirtualTopic {
        topics: object.text("name").unwrap_or(ALL).to_owned(),
        prefix: object.text("prefix").unwrap_or(CONSUMERS).to_owned(),
        postfix: object.text("postfix").unwrap_or_default().to_owned(),
        is_selector_aware: object.truth("selectorAware").unwrap_or(false),
    }
}

/// One without a name is of no destination.
fn composite(object: &Object, kind: DestinationKind, warnings: &mut Vec<String>) -> Option<Composite> {
    let pattern = object.text("name")?.to_owned();
    let truth = |name: &str, default| object.truth(name).unwrap_or(default);
    let keeps = match (truth("forwardOnly", true), truth("sendWhenNotMatched", false)) {
        // What is sent where nothing matched is not sent where something did.
        (_, true) => Keeps::Rest,
        (true, false) => Keeps::Nothing,
        (false, false) => Keeps::All,
    };
    let to = object.property("forwardTo").filter_map(|to| forward(to, &pattern, warnings)).collect();
    Some(Composite { kind, pattern, forwards: Arc::new(Forwards { keeps, to }) })
}

/// Temporary destinations can't be named before they are there.
fn forward(object: &Object, of: &str, warnings: &mut Vec<String>) -> Option<Forward> {
    let (kind, name) = object.destination()?;
    if !pattern::is_plain(name) || names::is_own(name) {
        warnings.push(format!(
            "forwardTo of {}: nothing can be sent to {}",
            ternmq_stdx::quoted(of),
            ternmq_stdx::quoted(name)
        ));
        return None;
    }
    let selector = match object.text("selector").filter(|text| !text.trim().is_empty()).map(Selector::parse) {
        None => None,
        Some(Ok(selector)) => Some(selector),
        Some(Err(error)) => {
            warnings.push(format!(
                "selector of filteredDestination {}: {error}; nothing is sent there",
                ternmq_stdx::quoted(name)
            ));
            return None;
        }
    };
    let (node, queue) = match kind {
        DestinationKind::Queue => ("", Some(names::queue(name))),
        DestinationKind::Topic => (TOPIC_NODE, None),
        DestinationKind::TempQueue | DestinationKind::TempTopic => return None,
    };
    Some(Forward { node: node.into(), key: name.into(), queue, selector })
}
