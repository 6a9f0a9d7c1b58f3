//! Selectors over messages of every encoding: what each of their identifiers finds in a message.
//! `docs/concepts/selectors.md` has the table.

use std::{borrow::Cow, cell::OnceCell, sync::Arc};

use ternmq_message::{Format, Formats, Message, Properties, Value};
use ternmq_queue::{Candidate, Filter};
use ternmq_selector::{Facts, Field, Header, Operand, Selector};

use crate::{broker::Broker, dialect::Dialect};

/// Name of the property that has a message's group, in every encoding that has no place for it.
const GROUP_ID: &str = "JMSXGroupID";

/// Name of the property that has its number in the group.
const GROUP_SEQUENCE: &str = "JMSXGroupSeq";

/// Priority of a message whose producer gave none.
const DEFAULT_PRIORITY: u8 = 4;

/// Makes filters of selectors. Cheap to clone.
#[derive(Clone)]
pub struct Filters {
    formats: Formats,
    dialect: Arc<dyn Dialect>,
}

impl Filters {
    /// A filter that lets pass what the selector says.
    #[must_use]
    pub fn of(&self, selector: Selector) -> Arc<dyn Filter> {
        Arc::new(SelectorFilter { selector, filters: self.clone() })
    }
}

impl Broker {
    /// Makes filters of selectors for consumers, see [`Broker::consume_filtered`].
    #[must_use]
    pub fn filters(&self) -> Filters {
        Filters { formats: self.formats.clone(), dialect: self.dialect.clone() }
    }
}

struct SelectorFilter {
    selector: Selector,
    filters: Filters,
}

impl Filter for SelectorFilter {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        let message = candidate.message;
        let (destination, reply_to, given_kind) = (OnceCell::new(), OnceCell::new(), OnceCell::new());
        self.selector.matches(&View {
            candidate,
            format: self.filters.formats.get(message.meta().encoding),
            dialect: &*self.filters.dialect,
            destination,
            reply_to,
            given_kind,
        })
    }
}

/// One message, as a selector sees it. What has to be worked out is, once, when it is asked for.
struct View<'a> {
    candidate: &'a Candidate<'a>,
    format: Option<&'a dyn Format>,
    dialect: &'a dyn Dialect,
    destination: OnceCell<Cow<'a, str>>,
    reply_to: OnceCell<Option<String>>,
    given_kind: OnceCell<Option<Arc<str>>>,
}

impl View<'_> {
    fn message(&self) -> &Message {
        self.candidate.message
    }

    fn properties(&self) -> &Properties {
        self.candidate.properties.get_or_init(|| {
            let head = self.message().head();
            self.format.map(|format| format.properties(head)).unwrap_or_default()
        })
    }

    fn property(&self, name: &str) -> Operand<'_> {
        self.properties().header(name).map_or(Operand::Null, Operand::of)
    }

    fn priority(&self) -> u8 {
        match self.message().meta().priority {
            0 if !self.format.is_some_and(Format::tells_priority) => DEFAULT_PRIORITY,
            given => given,
        }
    }

    fn timestamp_ms(&self) -> Option<u64> {
        let finer = self.format.and_then(|format| format.timestamp_ms(self.message().head()));
        finer.or_else(|| self.properties().timestamp.map(|seconds| seconds.saturating_mul(1_000)))
    }

    fn destination(&self) -> &str {
        let message = self.candidate.message;
        self.destination.get_or_init(|| self.dialect.place_name(message.node(), message.key()))
    }

    fn reply_to(&self) -> Option<&str> {
        let work_out = || {
            let properties = self.properties();
            let topic = self.dialect.topic_node();
            let queue = properties.reply_to.as_deref().map(|queue| self.dialect.place_name("", queue));
            let topic = || properties.reply_key.as_deref().map(|key| self.dialect.place_name(topic, key));
            queue.or_else(topic).map(Cow::into_owned)
        };
        self.reply_to.get_or_init(work_out).as_deref()
    }

    fn kind(&self) -> Option<&str> {
        let work_out = || self.format.and_then(|format| format.given_kind(self.message().head()));
        self.given_kind.get_or_init(work_out).as_deref().or(self.properties().kind.as_deref())
    }

    /// A number in the group: a whole number, or text that says one.
    fn group_sequence(&self) -> Operand<'_> {
        match self.properties().header(GROUP_SEQUENCE) {
            Some(Value::Str(text)) => text.trim().parse().map_or(Operand::Null, Operand::Int),
            Some(value) => Operand::of(value),
            None => Operand::Int(0),
        }
    }
}

/// An id as text; one that is none has no value here.
fn id(bytes: Option<&Arc<[u8]>>) -> Operand<'_> {
    Operand::text_or_null(bytes.and_then(|bytes| std::str::from_utf8(bytes).ok()))
}

/// A time or number that is never past the range of signed ones.
fn long(number: u64) -> Operand<'static> {
    Operand::Long(i64::try_from(number).unwrap_or(i64::MAX))
}

impl Facts for View<'_> {
    fn fact(&self, field: &Field) -> Operand<'_> {
        let header = match field {
            Field::Property(name) => return self.property(name),
            Field::Header(header) => header,
        };
        match header {
            Header::DeliveryMode if self.message().meta().is_durable => Operand::text("PERSISTENT"),
            Header::DeliveryMode => Operand::text("NON_PERSISTENT"),
            Header::Priority => Operand::Int(self.priority().into()),
            Header::MessageId => id(self.properties().message_id.as_ref()),
            Header::Timestamp => self.timestamp_ms().map_or(Operand::Null, long),
            Header::CorrelationId => id(self.properties().correlation_id.as_ref()),
            Header::Type => Operand::text_or_null(self.kind()),
            Header::Destination => Operand::text(self.destination()),
            Header::ReplyTo => Operand::text_or_null(self.reply_to()),
            Header::Redelivered => Operand::Bool(self.candidate.is_redelivered),
            Header::Expiration if self.candidate.expires_at_ms == u64::MAX => Operand::Long(0),
            Header::Expiration => long(self.candidate.expires_at_ms),
            Header::GroupId => self.property(GROUP_ID),
            Header::GroupSequence => self.group_sequence(),
            Header::UserId => Operand::text_or_null(self.properties().user_id.as_deref()),
            Header::DeliveryCount => long(u64::from(self.candidate.acquired_count) + 1),
        }
    }
}
