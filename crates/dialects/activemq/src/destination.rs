//! ActiveMQ's destinations, as its STOMP transport has them.
//!
//! ```text
//! /queue/NAME                 the queue, made when it is used; a bare NAME and queue://NAME are the same. A subscription
//!                             with `*` for a word or `>` for the rest takes from all queues that match, later ones too
//! /topic/NAME                 the topic, also topic://NAME; a subscription may hold `*` for a word and end in `>`
//! /temp-queue/LABEL           a temporary queue of the connection, made when it is used
//! /temp-topic/LABEL           a temporary topic of the connection
//! /remote-temp-queue/NAME     how others know such a queue, from a reply-to
//! /remote-temp-topic/NAME     the same of a topic
//! A,B                         several of them
//! ```
//! What ActiveMQ has and this does not is refused and never passed over: options behind a `?`, advisory topics, browsers.

use std::borrow::Cow;
use std::sync::Arc;

use ternmq_broker::{
    AddressError, AddressOptions, AddressQueue, AddressRequest, Addresses, HeaderWords, ReplyPlace, ReplyTo,
    Source, SourceQueue, Sources, SubscriptionSpec, Target,
};
use ternmq_configuration::activemq_service::DestinationKind;
use ternmq_message::{Map, Value};
use ternmq_routing::Wildcards;
use ternmq_selector::{CONVERTS_TEXT, Selector, SelectorError};
use ternmq_stdx::quoted;

use crate::{
    ActiveMq,
    configuration::{Configuration, Policy},
    names::{self, TEMPORARY_QUEUE, TEMPORARY_TOPIC_NODE, TOPIC_NODE},
    options::{PENDING_LIMIT, SELECTOR},
    schedule::SCHEDULE,
};

/// Most destinations in one (I11).
pub(crate) const MAX_PARTS: usize = 16;
/// Unsettled deliveries of a consumer that does not say how many: of a queue, of a durable subscription, of a topic.
const QUEUE_PREFETCH: u32 = 1_000;
const DURABLE_PREFETCH: u32 = 100;
pub(crate) const TOPIC_PREFETCH: u32 = 32_766;
/// Highest priority of a consumer.
const MAX_CONSUMER_PRIORITY: i64 = 127;
/// How a durable subscription's name was spelt in older clients.
const OLD_NAME: &str = "activemq.subcriptionName";
/// The selector of a subscription, and one that is taken as it stands.
const SELECTOR_OPTION: &str = "selector";
const OWN_SELECTOR: &str = "activemq.selector";
/// Start of all headers of a SUBSCRIBE that ActiveMQ takes for properties of a consumer, and those that are read here.
const OPTION_PREFIX: &str = "activemq.";
const OPTIONS: [&str; 10] = [
    "activemq.prefetchSize",
    "activemq.subscriptionName",
    OLD_NAME,
    "activemq.exclusive",
    "activemq.priority",
    "activemq.noLocal",
    "activemq.retroactive",
    "activemq.maximumPendingMessageLimit",
    "activemq.dispatchAsync",
    OWN_SELECTOR,
];

/// One destination taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Destination<'a> {
    Queue(&'a str),
    Topic(&'a str),
    /// Queue of a connection, by the name behind the scheme.
    TemporaryQueue(Cow<'a, str>),
    TemporaryTopic(Cow<'a, str>),
}

/// Headers as ActiveMQ's STOMP transport calls them, after JMS.
static WORDS: HeaderWords = HeaderWords {
    ttl: None,
    expires_at: Some("expires"),
    claimed_user: None,
    failed_count: None,
    requeue: None,
    retain: Some("ActiveMQ.Retain"),
    group: Some(("JMSXGroupID", "JMSXGroupSeq")),
    group_first: Some("JMSXGroupFirstForConsumer"),
    schedule: Some(&SCHEDULE),
    dropped: &["message-id", "redelivered", "subscription", "JMSXUserID", "JMSXGroupFirstForConsumer"],
    refused: &[],
    priorities: (4, 9),
    tells_all: true,
    tells_first_delivery: false,
    has_codes: false,
    ack_start: "ack-",
};

/// An error whose summary is its sentence, as ActiveMQ tells them.
pub(crate) fn refused(text: String) -> AddressError {
    AddressError { summary: Cow::Owned(text.clone()), text }
}

fn no_destination(text: &str) -> AddressError {
    refused(format!(
        "Illegal destination name: [{}] -- destinations begin with one of: /queue/ /topic/ /temp-queue/ /temp-topic/",
        ternmq_stdx::shown(text)
    ))
}

pub(crate) fn not_there(what: &str) -> AddressError {
    refused(format!("{what}: not available"))
}

pub(crate) fn wildcards() -> Wildcards {
    Wildcards::DOT_STAR_ANGLE
}

/// Takes one destination apart. `owner` stands for the connection that names it.
fn parse_one<'a>(text: &'a str, owner: &str) -> Result<Destination<'a>, AddressError> {
    let after = |starts: [&str; 2]| starts.iter().find_map(|start| text.strip_prefix(start));
    let destination = if let Some(name) = after(["/queue/", "queue://"]) {
        Destination::Queue(name)
    } else if let Some(name) = after(["/topic/", "topic://"]) {
        Destination::Topic(name)
    } else if let Some(label) = text.strip_prefix("/temp-queue/") {
        Destination::TemporaryQueue(names::temporary(owner, label).into())
    } else if let Some(label) = text.strip_prefix("/temp-topic/") {
        Destination::TemporaryTopic(names::temporary(owner, label).into())
    } else if let Some(name) = after(["/remote-temp-queue/", TEMPORARY_QUEUE]) {
        Destination::TemporaryQueue(name.into())
    } else if let Some(name) = after(["/remote-temp-topic/", "temp-topic://"]) {
        Destination::TemporaryTopic(name.into())
    } else if text.starts_with('/') {
        return Err(no_destination(text));
    } else {
        Destination::Queue(text)
    };
    let name: &str = match &destination {
        Destination::Queue(name) | Destination::Topic(name) => name,
        Destination::TemporaryQueue(name) | Destination::TemporaryTopic(name) => name,
    };
    // An own name has the owner and a slash in front of the label.
    if name.is_empty() || name.ends_with('/') || names::is_own(name) {
        return Err(no_destination(text));
    }
    if name.contains('?') {
        return Err(not_there(&format!("options of a destination, as in {}", quoted(text))));
    }
    Ok(destination)
}

fn parse<'a>(request: &AddressRequest<'a>) -> Result<Vec<Destination<'a>>, AddressError> {
    let parts = request.text.trim().split(',').map(str::trim);
    let all: Vec<_> = parts.map(|part| parse_one(part, request.owner)).collect::<Result<_, _>>()?;
    if all.len() > MAX_PARTS {
        return Err(refused(format!("A composite destination has at most {MAX_PARTS} parts")));
    }
    Ok(all)
}

fn target_of(destination: Destination<'_>, owner: &str) -> Result<Target, AddressError> {
    Ok(match destination {
        Destination::Queue(name) | Destination::Topic(name) if !wildcards().is_plain(name) => {
            return Err(refused(format!("{} holds a wildcard: nothing can be sent to it", quoted(name))));
        }
        Destination::Queue(name) => {
            let queue = AddressQueue::OnUse(names::queue(name));
            Target { node: "".into(), key: name.into(), queue: Some(queue) }
        }
        Destination::Topic(name) => Target { node: TOPIC_NODE.into(), key: name.into(), queue: None },
        Destination::TemporaryQueue(name) => {
            let key: Arc<str> = format!("{TEMPORARY_QUEUE}{name}").into();
            let queue = if is_of(&name, owner) {
                AddressQueue::Own(key.clone())
            } else {
                AddressQueue::Existing(key.clone())
            };
            Target { node: "".into(), key, queue: Some(queue) }
        }
        Destination::TemporaryTopic(name) => {
            Target { node: TEMPORARY_TOPIC_NODE.into(), key: (*name).into(), queue: None }
        }
    })
}

/// Whether a temporary destination belongs to the connection that `owner` stands for.
fn is_of(name: &str, owner: &str) -> bool {
    name.strip_prefix(owner).is_some_and(|rest| rest.starts_with('/'))
}

/// The headers of a SUBSCRIBE that ActiveMQ reads beside the destination.
struct Wishes<'a> {
    options: &'a dyn AddressOptions,
}

impl Wishes<'_> {
    fn truth(&self, name: &str) -> bool {
        self.options.option(name).is_some_and(|value| value.trim().eq_ignore_ascii_case("true"))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, AddressError> {
        let Some(value) = self.options.option(name) else { return Ok(None) };
        let number = value.trim().parse();
        number.map(Some).map_err(|_| refused(format!("{name} has to be a whole number")))
    }

    /// What can't be had is refused, so that nobody takes all messages for some of them.
    fn check(&self) -> Result<(), AddressError> {
        if self.truth("browser") || self.truth("activemq.browser") {
            return Err(not_there("queue browsers"));
        }
        if self.options.option("transformation").is_some() {
            return Err(not_there("transformations of messages"));
        }
        let is_unknown = |name: &str| name.starts_with(OPTION_PREFIX) && !OPTIONS.contains(&name);
        match self.options.find_name(&is_unknown) {
            Some(name) => Err(not_there(&quoted(&name).to_string())),
            None => Ok(()),
        }
    }

    fn prefetch(&self, default: u32) -> Result<u32, AddressError> {
        match self.number("activemq.prefetchSize")? {
            None => Ok(default),
            // Nobody can ask for messages one by one in this protocol: with none in advance there would never be one.
            Some(..=0) => Err(refused("activemq.prefetchSize has to be at least 1".to_owned())),
            Some(count) => Ok(u32::try_from(count).unwrap_or(u32::MAX)),
        }
    }

    /// What the subscription wants to get. All values of STOMP are text, so text is taken for what it says.
    fn selector(&self) -> Result<Option<Selector>, AddressError> {
        let text = match self.options.option(OWN_SELECTOR) {
            Some(text) => text.into_owned(),
            None => match self.options.option(SELECTOR_OPTION) {
                // As many words as JMS needs for none.
                Some(text) if !text.trim().is_empty() => {
                    return selector(&format!("{CONVERTS_TEXT}{text}"), CONVERTS_TEXT.len());
                }
                _ => return Ok(None),
            },
        };
        if text.trim().is_empty() { Ok(None) } else { selector(&text, 0) }
    }

    fn priority(&self) -> Result<i32, AddressError> {
        let priority = self.number("activemq.priority")?.unwrap_or_default();
        Ok(i32::try_from(priority.clamp(0, MAX_CONSUMER_PRIORITY)).unwrap_or_default())
    }

    /// Most messages that wait for a subscription to topics; `goes` says that it goes with its consumer.
    fn pending_limit(&self, goes: bool) -> Result<Option<u32>, AddressError> {
        match self.number("activemq.maximumPendingMessageLimit")? {
            // As few as -1 means that there is no limit.
            Some(..=-1) | None => Ok(None),
            Some(_) if !goes => {
                Err(not_there("activemq.maximumPendingMessageLimit with queues and durable subscriptions"))
            }
            Some(limit) => Ok(Some(u32::try_from(limit).unwrap_or(u32::MAX))),
        }
    }
}

/// Reads a selector. So many bytes of it are not the client's.
fn selector(text: &str, added: usize) -> Result<Option<Selector>, AddressError> {
    let read = Selector::parse(text);
    read.map(Some).map_err(|error| {
        let column = error.column.saturating_sub(added).max(1);
        refused(format!("Invalid selector: {}", SelectorError { column, ..error }))
    })
}

/// Nodes and keys.
type Places = Vec<(Arc<str>, Arc<str>)>;

/// Nodes and keys of the topics among destinations, and the queues.
fn places<'a>(
    all: Vec<Destination<'a>>,
    owner: &str,
) -> Result<(Places, Vec<Destination<'a>>), AddressError> {
    let (mut places, mut queues) = (Vec::new(), Vec::new());
    for destination in all {
        match destination {
            Destination::Topic(name) => places.push((TOPIC_NODE.into(), name.into())),
            Destination::TemporaryTopic(name) if is_of(&name, owner) => {
                places.push((TEMPORARY_TOPIC_NODE.into(), (*name).into()));
            }
            Destination::TemporaryTopic(name) => {
                return Err(refused(format!("temp-topic://{name} belongs to another connection")));
            }
            other => queues.push(other),
        }
    }
    Ok((places, queues))
}

/// All queues that match a name with wildcards, as a source; `None` for a name without any.
pub(crate) fn matching_queues(name: &str) -> Result<Option<Source>, AddressError> {
    if wildcards().is_plain(name) {
        return Ok(None);
    }
    wildcards().check(name).map_err(|error| refused(format!("{}: {error}", quoted(name))))?;
    let queue = SourceQueue::Matching(name.into());
    Ok(Some(Source { queue, binding: None, is_subscription: false }))
}

/// Whether a pattern is for a queue. Those that clients can't name are nobody's.
pub(crate) fn is_matching_queue(pattern: &str, queue: &str) -> bool {
    !names::is_own(queue) && wildcards().is_match(pattern, queue)
}

fn source_of_queue(
    configuration: &Configuration,
    destination: Destination<'_>,
    owner: &str,
) -> Result<Source, AddressError> {
    let (queue, binding) = match destination {
        Destination::Queue(name) => {
            if let Some(matching) = matching_queues(name)? {
                return Ok(matching);
            }
            let binding = configuration.virtual_topic(name).map(|topic| (TOPIC_NODE.into(), topic.into()));
            (AddressQueue::OnUse(names::queue(name)), binding)
        }
        Destination::TemporaryQueue(name) => {
            let queue = format!("{TEMPORARY_QUEUE}{name}").into();
            let queue =
                if is_of(&name, owner) { AddressQueue::Own(queue) } else { AddressQueue::Existing(queue) };
            (queue, None)
        }
        Destination::Topic(name) => return Err(no_destination(name)),
        Destination::TemporaryTopic(name) => return Err(no_destination(&name)),
    };
    Ok(Source { queue: SourceQueue::Shared(queue), binding, is_subscription: false })
}

/// The queue of the durable subscription that options name.
fn durable_queue(
    options: &dyn AddressOptions,
    client: Option<&str>,
) -> Result<Option<Arc<str>>, AddressError> {
    let said = options.option("activemq.subscriptionName");
    let Some(name) = said.or_else(|| options.option(OLD_NAME)) else { return Ok(None) };
    if name.is_empty() {
        return Err(refused("activemq.subscriptionName is empty".to_owned()));
    }
    // Without a name of its own the client could never come back to it.
    let Some(client) = client else {
        return Err(refused("a durable subscription needs a client-id in CONNECT".to_owned()));
    };
    Ok(Some(names::durable_subscription(client, &name)))
}

impl ActiveMq {
    /// The policy that counts for a subscription: that of the first queue in it, else of the first topic.
    fn policy_of(&self, places: &Places, queues: &[Destination<'_>]) -> &Policy {
        let configuration = self.configuration();
        match queues.first() {
            Some(Destination::Queue(name)) => configuration.policy(DestinationKind::Queue, name),
            Some(Destination::TemporaryQueue(name)) => configuration.policy(DestinationKind::TempQueue, name),
            Some(_) | None => configuration.policy_of_topics(places),
        }
    }
}

impl Addresses for ActiveMq {
    fn targets(&self, request: AddressRequest<'_>, _: &str) -> Result<Vec<Target>, AddressError> {
        if request.options.option("transformation").is_some() {
            return Err(not_there("transformations of messages"));
        }
        let all = parse(&request)?.into_iter();
        all.map(|destination| target_of(destination, request.owner)).collect()
    }

    fn sources(&self, request: AddressRequest<'_>, _: &str) -> Result<Sources, AddressError> {
        let wishes = Wishes { options: request.options };
        wishes.check()?;
        let (places, queues) = places(parse(&request)?, request.owner)?;
        let durable = durable_queue(request.options, request.client)?;
        if durable.is_some() {
            self.configuration().check_durable().map_err(refused)?;
        }
        if durable.is_some() && !queues.is_empty() {
            let text = "Invalid Subscription: cannot durably subscribe to a Queue destination!";
            return Err(refused(text.to_owned()));
        }
        let skips_own = wishes.truth("activemq.noLocal");
        if skips_own && (durable.is_some() || !queues.is_empty()) {
            return Err(not_there("activemq.noLocal with queues and durable subscriptions"));
        }
        let selector = wishes.selector()?;
        let pending = wishes.pending_limit(durable.is_none() && queues.is_empty())?;
        let policy = self.policy_of(&places, &queues);
        let is_preferred = wishes.truth("activemq.exclusive") || (policy.is_exclusive && places.is_empty());
        let window = wishes.prefetch(
            match (queues.is_empty(), &durable) {
                (false, _) => policy.queue_prefetch.unwrap_or(QUEUE_PREFETCH),
                (true, Some(_)) => policy.durable_prefetch.unwrap_or(DURABLE_PREFETCH),
                (true, None) => policy.topic_prefetch.unwrap_or(TOPIC_PREFETCH),
            }
            .max(1),
        )?;
        let pending = policy.pending_limit(window, pending).filter(|_| durable.is_none());
        let mut arguments: Map =
            pending.map(|limit| (PENDING_LIMIT.into(), Value::I64(limit.into()))).into_iter().collect();
        arguments.extend(selector.as_ref().map(|selector| (SELECTOR.into(), Value::str(selector.text()))));
        let mut all: Vec<Source> = queues
            .into_iter()
            .map(|queue| source_of_queue(self.configuration(), queue, request.owner))
            .collect::<Result<_, _>>()?;
        if !places.is_empty() {
            let spec = SubscriptionSpec {
                is_shared: false,
                is_durable: durable.is_some(),
                queue: durable.unwrap_or_else(|| names::subscription(request.random)),
                places,
                skips_own,
                wants_retained: wishes.truth("activemq.retroactive") || policy.is_retroactive,
                lapse: None,
                arguments,
            };
            let queue = SourceQueue::Subscription(spec);
            all.push(Source { queue, binding: None, is_subscription: true });
        }
        Ok(Sources { all, window: Some(window), priority: wishes.priority()?, is_preferred, selector })
    }

    fn reply_to<'a>(&self, text: &'a str, owner: &str) -> Result<ReplyTo<'a>, AddressError> {
        // What is no destination is the client's own business.
        Ok(match parse_one(text, owner) {
            Ok(Destination::TemporaryQueue(name)) if is_of(&name, owner) => ReplyTo::Own {
                address: format!("/remote-temp-queue/{name}"),
                queue: Some(format!("{TEMPORARY_QUEUE}{name}").into()),
            },
            Ok(Destination::TemporaryTopic(name)) if is_of(&name, owner) => {
                ReplyTo::Own { address: format!("/remote-temp-topic/{name}"), queue: None }
            }
            Ok(_) | Err(_) => ReplyTo::Stated,
        })
    }

    fn address_of(&self, node: &str, key: &str, owner: &str) -> String {
        address_of(node, key, owner)
    }

    fn reply_address<'a>(&self, reply_to: &'a str, owner: &str) -> Cow<'a, str> {
        match parse_one(reply_to, owner) {
            Ok(Destination::TemporaryQueue(name)) => {
                Cow::Owned(address_of("", &format!("{TEMPORARY_QUEUE}{name}"), owner))
            }
            Ok(Destination::TemporaryTopic(name)) => {
                Cow::Owned(address_of(TEMPORARY_TOPIC_NODE, &name, owner))
            }
            Ok(_) | Err(_) => Cow::Borrowed(reply_to),
        }
    }

    fn reply_place<'a>(&self, reply_to: &'a str) -> ReplyPlace<'a> {
        match parse_one(reply_to, "") {
            Ok(Destination::Queue(name)) => ReplyPlace::Queue(Cow::Borrowed(name)),
            Ok(Destination::Topic(name)) => ReplyPlace::Topic(Cow::Borrowed(name)),
            Ok(Destination::TemporaryQueue(_) | Destination::TemporaryTopic(_)) | Err(_) => {
                ReplyPlace::Address
            }
        }
    }

    fn is_durable_subscription(&self, _: &dyn AddressOptions) -> bool {
        // It has a name of its own here, and an UNSUBSCRIBE by id leaves it in place.
        false
    }

    fn given_up(
        &self,
        options: &dyn AddressOptions,
        client: Option<&str>,
    ) -> Result<Option<Arc<str>>, AddressError> {
        durable_queue(options, client)
    }

    fn needs_subscription_name(&self) -> bool {
        true
    }

    fn words(&self) -> &'static HeaderWords {
        &WORDS
    }

    fn unknown_delivery(&self, verb: &str, _: &str, value: &str) -> AddressError {
        refused(format!("Unexpected {verb} received for message-id [{}]", ternmq_stdx::shown(value)))
    }

    fn login_refused(&self, user: &str) -> String {
        format!("User name [{}] or password is invalid.", ternmq_stdx::shown(user))
    }

    fn namespace_refused(&self, _: &str) -> String {
        "The user is not authorized to use this broker.".to_owned()
    }

    /// There is one, whatever host the client thinks that it talks to.
    fn namespace_of<'a>(&self, _: Option<&'a str>) -> Cow<'a, str> {
        Cow::Borrowed(names::NAMESPACE)
    }
}

/// The destination that a node and a key stand for, as the connection knows it that `owner` stands for.
pub(crate) fn address_of(node: &str, key: &str, owner: &str) -> String {
    let label = |name: &str| {
        let rest = name.strip_prefix(owner).filter(|_| !owner.is_empty())?;
        rest.strip_prefix('/').map(str::to_owned)
    };
    match (node, key.strip_prefix(TEMPORARY_QUEUE)) {
        ("", Some(name)) => match label(name) {
            Some(label) => format!("/temp-queue/{label}"),
            None => format!("/remote-temp-queue/{name}"),
        },
        ("", None) => format!("/queue/{key}"),
        (TEMPORARY_TOPIC_NODE, _) => match label(key) {
            Some(label) => format!("/temp-topic/{label}"),
            None => format!("/remote-temp-topic/{key}"),
        },
        _ => format!("/topic/{key}"),
    }
}

#[cfg(test)]
mod tests;
