//! A broker over a log in memory, with a plain dialect, driven by hand.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "each test file uses a part of it")]

use std::{borrow::Cow, cell::RefCell, rc::Rc, sync::Arc};

use bytes::Bytes;
use ternmq_access::{PasswordHash, Role};
use ternmq_broker::{
    Appended, ArgumentError, Broker, BrokerConfig, ConnectionId, ConnectionInfo, ConsumeSpec, ConsumerId,
    Deliver, Dialect, Effect, Error, Event, Filters, Grouping, Limits, Log, LogRequest, NodeSpec, Now,
    PermissionDefinition, Predefined, Publish, Published, QueueClass, QueueOptions, QueueSpec, RecordSource,
    ScheduleWords, SessionId, SlowEnd, SlowRule, SlowSign, UserDefinition,
};
use ternmq_env::Rng;
use ternmq_message::{Encoding, Format, Formats, History, Map, Message, MessageMeta, Properties, Value};
use ternmq_queue::{Candidate, Filter, Location, Overflow};
use ternmq_routing::{NodeKind, Wildcards};

/// Records kept in memory; durable when told so.
pub struct Records {
    pub all: Vec<(u64, u8, bool, Vec<u8>)>,
    pub next: u64,
    pub durable: u64,
    /// A recovery starts here.
    pub start: u64,
    pub segment_bytes: u64,
}

impl Default for Records {
    fn default() -> Self {
        Self { all: Vec::new(), next: 0, durable: 0, start: 0, segment_bytes: 4_096 }
    }
}

#[derive(Clone, Default)]
pub struct MemoryLog(pub Rc<RefCell<Records>>);

const HEADER: u64 = 40;

impl Log for MemoryLog {
    fn next_pos(&self) -> u64 {
        self.0.borrow().next
    }

    fn append(&mut self, kind: u8, grouping: Grouping, parts: &[&[u8]]) -> Appended {
        let mut records = self.0.borrow_mut();
        let payload = parts.concat();
        let pos = records.next;
        let len = HEADER + payload.len() as u64;
        records.next += len;
        records.all.push((pos, kind, grouping == Grouping::Ends, payload));
        Appended { pos, len: u32::try_from(len).unwrap() }
    }

    fn durable_pos(&self) -> u64 {
        self.0.borrow().durable
    }

    fn segment_bytes(&self) -> u64 {
        self.0.borrow().segment_bytes
    }
}

impl RecordSource for MemoryLog {
    fn read_many(&self, places: &[Location]) -> Vec<Option<Bytes>> {
        let records = self.0.borrow();
        let find = |place: &Location| records.all.iter().find(|record| record.0 == place.pos);
        places.iter().map(|place| find(place).map(|record| Bytes::from(record.3.clone()))).collect()
    }
}

/// Numbers that are not random at all.
pub struct CountingRng(pub u64);

impl Rng for CountingRng {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            *byte = (self.0 >> 56) as u8;
        }
    }
}

/// Lets bodies of one beginning pass.
pub struct StartsWith(pub String);

impl Filter for StartsWith {
    fn matches(&self, candidate: &Candidate<'_>) -> bool {
        candidate.message.body().starts_with(self.0.as_bytes())
    }
}

/// Encoding of heads that are lines `NAME=VALUE`: a property by the name of its member, else a header.
pub const LINES: Encoding = Encoding(9);

/// Another one, with the same heads.
pub const OTHER_LINES: Encoding = Encoding(10);

struct LinesFormat;

impl Format for LinesFormat {
    fn properties(&self, head: &[u8]) -> Properties {
        let mut properties = Properties::default();
        for line in std::str::from_utf8(head).unwrap().lines() {
            let (name, value) = line.split_once('=').unwrap();
            match name {
                "correlation_id" => properties.correlation_id = Some(value.as_bytes().into()),
                "message_id" => properties.message_id = Some(value.as_bytes().into()),
                "raw_message_id" => properties.message_id = Some([0xff][..].into()),
                "kind" => properties.kind = Some(value.into()),
                "user_id" => properties.user_id = Some(value.into()),
                "reply_to" => properties.reply_to = Some(value.into()),
                "reply_key" => properties.reply_key = Some(value.into()),
                "timestamp" => properties.timestamp = Some(value.parse().unwrap()),
                _ => {
                    let value = value.parse().map_or_else(|_| Value::str(value), Value::I32);
                    properties.headers.push((name.into(), value));
                }
            }
        }
        properties
    }

    fn history(&self, _: &[u8]) -> History {
        History::default()
    }

    fn without_ttl(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }

    fn remarked(&self, head: &[u8], remark: &[u8]) -> Option<Vec<u8>> {
        Some([head, remark].concat())
    }

    fn joined_remarks(&self, earlier: &[u8], later: &[u8]) -> Vec<u8> {
        [earlier, later].concat()
    }

    fn remark_headers(&self, remark: &[u8]) -> Map {
        self.properties(remark).headers
    }

    fn edited(&self, head: &[u8], headers: &[(&str, Option<Value>)], new_id: Option<u64>) -> Option<Vec<u8>> {
        let lines = std::str::from_utf8(head).unwrap().lines();
        let is_kept = |line: &&str| {
            let name = line.split_once('=').unwrap().0;
            !headers.iter().any(|(edited, _)| *edited == name) && (new_id.is_none() || name != "message_id")
        };
        let mut kept: Vec<String> = lines.filter(is_kept).map(str::to_owned).collect();
        for (name, value) in headers {
            kept.extend(value.as_ref().map(|value| format!("{name}={}", value.to_text().unwrap())));
        }
        kept.extend(new_id.map(|id| format!("message_id={id}")));
        Some(kept.join("\n").into_bytes())
    }
}

pub static SCHEDULE: ScheduleWords = ScheduleWords {
    delay: "delay",
    period: "period",
    repeats: "repeats",
    calendar: "calendar",
    id: "job",
    id_start: "job-",
    action: "action",
    actions: ["show", "remove", "remove-all"],
    range: ("from", "to"),
    orders: ("sys.topic", "orders"),
};

fn formats() -> Formats {
    let mut formats = Formats::default();
    formats.register(LINES, Arc::new(LinesFormat));
    formats.register(OTHER_LINES, Arc::new(LinesFormat));
    formats
}

/// The queue that is made when something dies.
pub const GRAVES: &str = "graves";

/// Arguments are named as the settings are.
pub struct PlainDialect;

fn options(arguments: &Map) -> Result<QueueOptions, ArgumentError> {
    let mut options = QueueOptions::default();
    for (name, value) in arguments {
        let number = || value.as_i64().and_then(|n| u64::try_from(n).ok());
        let text = || value.as_str().map(Arc::from);
        match &**name {
            "ttl" => options.message_ttl_ms = number(),
            "expires" => options.idle_expiry_ms = number(),
            "filled" => options.is_kept_while_filled = value.as_bool(),
            "max_length" => options.max_length = number(),
            "max_bytes" => options.max_length_bytes = number(),
            "dead_node" => options.dead_letter_node = text(),
            "dead_key" => options.dead_letter_key = text(),
            "max_priority" => options.max_priority = number().and_then(|n| u8::try_from(n).ok()),
            "single_active" => options.is_single_active = value.as_bool(),
            "delivery_limit" => options.delivery_limit = number().and_then(|n| u32::try_from(n).ok()),
            "timeout" => options.consumer_timeout_ms = number(),
            "starts_with" | "grouped" => {}
            "reject" => options.overflow = Some(Overflow::RejectPublish),
            "quorum" => options.class = Some(QueueClass::Quorum),
            _ => {
                return Err(ArgumentError {
                    argument: name.clone(),
                    problem: "unknown".to_owned(),
                    is_unsupported: false,
                });
            }
        }
    }
    Ok(options)
}

impl Dialect for PlainDialect {
    fn error_text(&self, error: &Error) -> String {
        format!("{error:?}")
    }

    fn queue_options(&self, arguments: &Map) -> Result<QueueOptions, ArgumentError> {
        options(arguments)
    }

    /// Those of queues whose names tell their rule.
    fn slow_check_ms(&self) -> Option<u64> {
        Some(1_000)
    }

    fn slow_rule(&self, queue: &str, _: &[(Arc<str>, Arc<str>)]) -> Option<SlowRule> {
        let silent = |spares_idle| SlowSign::Silent { max_ms: 2_000, spares_idle };
        let (sign, end) = match queue.strip_prefix("slow.")? {
            "stuck" => (SlowSign::Stuck, SlowEnd::Consumer),
            "behind" => (SlowSign::Behind, SlowEnd::Consumer),
            "silent" => (silent(true), SlowEnd::Consumer),
            "strict" => (silent(false), SlowEnd::Consumer),
            "closed" => (SlowSign::Stuck, SlowEnd::Connection),
            "watched" => {
                return Some(SlowRule {
                    check_ms: 1_000,
                    sign: SlowSign::Stuck,
                    max_looks: None,
                    end: SlowEnd::Consumer,
                });
            }
            _ => return None,
        };
        Some(SlowRule { check_ms: 1_000, sign, max_looks: Some(2), end })
    }

    fn class_argument(&self) -> &'static str {
        "quorum"
    }

    fn class_name(&self, class: QueueClass) -> &'static str {
        match class {
            QueueClass::Classic => "classic",
            QueueClass::Quorum => "quorum",
        }
    }

    fn compared_arguments(&self) -> &'static [&'static str] {
        &["ttl", "max_length", "dead_node"]
    }

    fn compared_node_arguments(&self) -> &'static [&'static str] {
        &["fallback"]
    }

    fn policy_options(&self, definition: &Map) -> Result<QueueOptions, ArgumentError> {
        options(definition)
    }

    fn node_fallback(&self, arguments: &Map) -> Result<Option<Arc<str>>, ArgumentError> {
        let fallback = arguments.iter().find(|(name, _)| &**name == "fallback");
        Ok(fallback.and_then(|(_, value)| value.as_str().map(Arc::from)))
    }

    fn node_kind_name(&self, kind: &NodeKind) -> &'static str {
        match kind {
            NodeKind::Direct => "direct",
            NodeKind::Fanout => "fanout",
            NodeKind::Topic => "topic",
            NodeKind::Headers => "headers",
            NodeKind::Hash(_) => "hash",
        }
    }

    fn node_kind(&self, kind_name: &str, _: &Map) -> Result<Option<NodeKind>, ArgumentError> {
        let kinds = [NodeKind::Direct, NodeKind::Fanout, NodeKind::Topic, NodeKind::Headers];
        Ok(kinds.into_iter().find(|kind| self.node_kind_name(kind) == kind_name))
    }

    fn is_reserved(&self, name: &str) -> bool {
        name.starts_with("sys.")
    }

    fn generated_name(&self, random: [u8; 16]) -> String {
        format!("sys.gen-{:032x}", u128::from_le_bytes(random))
    }

    fn default_node_alias(&self) -> &'static str {
        "sys.default"
    }

    /// Queues whose names begin with `mortal` send what dies and has to be kept to one queue, made on use.
    fn queue_defaults(&self, name: &str) -> QueueOptions {
        if !name.starts_with("mortal") {
            return QueueOptions::default();
        }
        QueueOptions {
            dead_letter_node: Some("".into()),
            dead_letter_key: Some(GRAVES.into()),
            is_dead_letter_for_kept_failures: Some(true),
            ..QueueOptions::default()
        }
    }

    fn is_matching_queue(&self, pattern: &str, queue: &str) -> bool {
        self.wildcards().is_match(pattern, queue)
    }

    fn dead_letter_queue(&self, name: &str) -> Option<QueueSpec> {
        let spec = QueueSpec { name: name.into(), is_durable: true, ..QueueSpec::default() };
        (name == GRAVES).then_some(spec)
    }

    fn principal_variables(&self, user: &Arc<str>, _: &str) -> Vec<(Arc<str>, Arc<str>)> {
        vec![("user".into(), user.clone())]
    }

    fn role_of_tag(&self, tag: &str) -> Option<Role> {
        (tag == "admin").then_some(Role::Administrator)
    }

    fn predefined(&self) -> &'static [Predefined] {
        &[
            Predefined { name: "sys.topic", kind: NodeKind::Topic, is_internal: false },
            Predefined { name: "sys.fanout", kind: NodeKind::Fanout, is_internal: false },
        ]
    }

    fn default_namespace(&self) -> &'static str {
        "main"
    }

    fn has_sole_clients(&self) -> bool {
        true
    }

    fn event_key(&self, event: &Event) -> Option<String> {
        match event {
            Event::Connection(..) => Some("told.connection".to_owned()),
            Event::Consumer(_, consumer, _) if consumer.place.key.starts_with("told.") => None,
            Event::Consumer(_, consumer, _) => Some(format!("told.consumer.{}", consumer.place.key)),
            Event::Producer(_, producer, _) => Some(format!("told.producer.{}", producer.place.key)),
            Event::Place(_, place, _) if place.key.starts_with("told.") => None,
            Event::Place(..) => Some("told.place".to_owned()),
            Event::Slow(_) => Some("told.slow".to_owned()),
            Event::Message(_, message) => Some(format!("told.message.{}", message.queue)),
        }
    }

    fn event_listening(&self) -> fn(&str) -> bool {
        |key| key.starts_with("told.")
    }

    fn wildcards(&self) -> Wildcards {
        Wildcards::DOT_STAR_HASH
    }

    fn topic_node(&self) -> &'static str {
        "sys.topic"
    }

    fn client_queue_name(&self, client: &str) -> String {
        format!("client.{client}")
    }

    fn admission(&self, arguments: &Map, _: &Filters) -> Option<Arc<dyn Filter>> {
        let prefix = arguments.iter().find(|(name, _)| &**name == "starts_with");
        prefix.and_then(|(_, value)| value.as_str()).map(|prefix| Arc::new(StartsWith(prefix.into())) as _)
    }

    fn place_name<'a>(&self, node: &str, key: &'a str) -> Cow<'a, str> {
        format!("{node}:{key}").into()
    }

    fn schedule_words(&self) -> Option<&'static ScheduleWords> {
        Some(&SCHEDULE)
    }

    fn consumer_priority(&self, _: &Map) -> Result<i32, ArgumentError> {
        Ok(0)
    }

    fn value_text(&self, value: &Value) -> String {
        format!("{value:?}")
    }
}

/// A broker with one connection and one session of an all-powerful user.
pub struct Rig {
    pub broker: Broker,
    pub log: MemoryLog,
    pub now: Now,
    pub connection: ConnectionId,
    pub session: SessionId,
    /// Effects not looked at yet.
    pub effects: Vec<(ConnectionId, Effect)>,
}

pub const START_MS: u64 = 1_000_000_000_000;

impl Rig {
    pub fn new() -> Self {
        Self::over(MemoryLog::default(), true)
    }

    /// One with so much room for bodies in memory.
    pub fn with_room(resident_bytes: u64) -> Self {
        Self::limited(MemoryLog::default(), true, Limits { resident_bytes, ..Limits::default() })
    }

    /// A broker that recovers from what is durable in a log.
    pub fn over(log: MemoryLog, was_clean: bool) -> Self {
        Self::limited(log, was_clean, Limits::default())
    }

    /// One whose log has segments of this size.
    pub fn with_segments(segment_bytes: u64, resident_bytes: u64) -> Self {
        let log = MemoryLog::default();
        log.0.borrow_mut().segment_bytes = segment_bytes;
        Self::limited(log, true, Limits { resident_bytes, ..Limits::default() })
    }

    /// One that recovers from a crash at this wall time.
    pub fn over_at(log: MemoryLog, wall_ms: u64) -> Self {
        Self::started(log, false, Limits::default(), wall_ms)
    }

    pub fn limited(log: MemoryLog, was_clean: bool, limits: Limits) -> Self {
        Self::started(log, was_clean, limits, START_MS)
    }

    fn started(log: MemoryLog, was_clean: bool, limits: Limits, wall_ms: u64) -> Self {
        let mut broker = Broker::new(BrokerConfig {
            dialect: Arc::new(PlainDialect),
            formats: formats(),
            log: Box::new(log.clone()),
            rng: Box::new(CountingRng(7)),
            limits,
            node_name: "test".into(),
        });
        let now = Now { monotonic_ms: 1_000, wall_ms };
        let records: Vec<_> = log.0.borrow().all.clone();
        let start = log.0.borrow().start;
        for (pos, kind, _, payload) in records.into_iter().filter(|record| record.0 >= start) {
            let len = u32::try_from(HEADER + payload.len() as u64).unwrap();
            broker.replay(pos, len, kind, &payload).unwrap();
        }
        broker.finish_recovery(now, was_clean, &[]);
        let is_new = broker.user_definition("root").is_none();
        if is_new {
            let _ = broker.put_user(UserDefinition {
                name: "root".into(),
                password: None::<PasswordHash>,
                tags: vec!["admin".into()],
                ..UserDefinition::default()
            });
            let _ = broker
                .put_permission(PermissionDefinition {
                    user: "root".into(),
                    namespace: "main".into(),
                    configure: ".*".into(),
                    write: ".*".into(),
                    read: ".*".into(),
                })
                .unwrap();
        }
        let connection = broker.connect(&"root".into(), "main", ConnectionInfo::default()).unwrap();
        let session = broker.open_session(connection, 1).unwrap();
        let mut rig = Self { broker, log, now, connection, session, effects: Vec::new() };
        rig.turn();
        rig
    }

    /// What a crash leaves: the whole groups of records up to what is durable.
    pub fn crashed_log(&self) -> MemoryLog {
        let records = self.log.0.borrow();
        let mut kept: Vec<_> = records
            .all
            .iter()
            .filter(|record| record.0 + HEADER + record.3.len() as u64 <= records.durable)
            .cloned()
            .collect();
        while kept.last().is_some_and(|record| !record.2) {
            kept.pop();
        }
        let (next, start, segment_bytes) = (records.next, records.start, records.segment_bytes);
        MemoryLog(Rc::new(RefCell::new(Records { all: kept, next, durable: next, start, segment_bytes })))
    }

    /// Ends the turn, makes everything durable, reads what is wanted from the log.
    pub fn turn(&mut self) {
        self.broker.set_now(self.now);
        self.broker.handle_timers();
        loop {
            self.write();
            let mut is_idle = !self.broker.wants_turn();
            while let Some(job) = self.broker.poll_load() {
                self.broker.handle_loaded(job.run(&self.log));
                is_idle = false;
            }
            self.effects.extend(self.broker.drain_effects());
            if is_idle {
                break;
            }
        }
    }

    /// Ends the turn and makes everything durable.
    fn write(&mut self) {
        self.broker.end_turn();
        {
            let mut records = self.log.0.borrow_mut();
            records.durable = records.next;
        }
        let _ = self.broker.handle_durable();
    }

    /// As [`Self::turn`], but what is wanted from the log is not read yet.
    pub fn turn_unread(&mut self) {
        self.write();
        while self.broker.wants_turn() {
            self.write();
        }
    }

    /// A whole checkpoint, with nothing read meanwhile.
    pub fn checkpoint_unread(&mut self) {
        self.broker.request_checkpoint();
        self.turn_unread();
        assert!(self.log_requests().iter().any(|it| matches!(it, LogRequest::PublishCheckpoint { .. })));
    }

    /// Carries out what the broker asks of the log; answers that.
    pub fn log_requests(&mut self) -> Vec<LogRequest> {
        let mut requests = Vec::new();
        while let Some(request) = self.broker.poll_log_request() {
            let mut records = self.log.0.borrow_mut();
            let size = records.segment_bytes;
            match &request {
                LogRequest::PublishCheckpoint { start } => records.start = *start,
                LogRequest::Release { segments } => {
                    let touches = |record: &(u64, u8, bool, Vec<u8>)| {
                        let last = record.0 + HEADER + record.3.len() as u64 - 1;
                        segments.iter().any(|segment| (record.0 / size..=last / size).contains(segment))
                    };
                    records.all.retain(|record| !touches(record));
                }
            }
            drop(records);
            requests.push(request);
        }
        requests
    }

    pub fn advance(&mut self, ms: u64) {
        self.now.monotonic_ms += ms;
        self.now.wall_ms += ms;
        self.turn();
    }

    pub fn queue(&mut self, name: &str, arguments: &[(&str, Value)]) {
        let spec = QueueSpec {
            name: name.into(),
            is_durable: true,
            arguments: arguments.iter().map(|(name, value)| ((*name).into(), value.clone())).collect(),
            ..QueueSpec::default()
        };
        let _ = self.broker.declare_queue(self.session, spec).unwrap();
    }

    pub fn node(&mut self, name: &str, kind: NodeKind) {
        let spec = NodeSpec {
            name: name.into(),
            kind,
            is_durable: true,
            is_auto_delete: false,
            is_internal: false,
            arguments: Map::new(),
        };
        let _ = self.broker.declare_node(self.session, spec).unwrap();
    }

    pub fn bind(&mut self, queue: &str, node: &str, key: &str) {
        let _ = self.broker.bind_queue(self.session, queue, node, key, Map::new()).unwrap();
    }

    pub fn publish(&mut self, node: &str, key: &str, body: &str) -> Published {
        self.publish_with(node, key, body, MessageMeta { is_durable: true, ..MessageMeta::default() })
    }

    pub fn publish_with(&mut self, node: &str, key: &str, body: &str, meta: MessageMeta) -> Published {
        let message = Message::new(node, key, b"", body.as_bytes(), meta, None).unwrap();
        self.broker.publish(self.session, Publish { message, extra_keys: &[], claimed_user: None }).unwrap()
    }

    /// Puts messages straight into a queue.
    pub fn fill(&mut self, queue: &str, bodies: &[&str]) {
        for body in bodies {
            assert!(matches!(self.publish("", queue, body), Published::Accepted(_)), "{body}");
        }
    }

    pub fn consume(&mut self, queue: &str, label: u32, window: Option<u32>) -> ConsumerId {
        let spec = ConsumeSpec {
            queue,
            label,
            window,
            needs_settle: true,
            is_exclusive: false,
            priority: 0,
            is_preferred: false,
        };
        let consumer = self.broker.consume(self.session, &spec).unwrap();
        self.broker.start_consumer(consumer);
        consumer
    }

    /// Deliveries since the last look.
    pub fn deliveries(&mut self) -> Vec<Deliver> {
        self.turn();
        let (deliveries, rest): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.effects).into_iter().partition(|(_, e)| matches!(e, Effect::Deliver(_)));
        self.effects = rest;
        deliveries
            .into_iter()
            .filter_map(
                |(_, effect)| if let Effect::Deliver(deliver) = effect { Some(deliver) } else { None },
            )
            .collect()
    }

    /// Bodies of the deliveries since the last look.
    pub fn bodies(&mut self) -> Vec<String> {
        self.deliveries().iter().map(|d| String::from_utf8(d.message.body().to_vec()).unwrap()).collect()
    }

    /// Ready and unsettled messages of a queue.
    pub fn counts(&mut self, queue: &str) -> (u64, u64) {
        let view = self.broker.queue_view("main", queue).unwrap();
        (view.ready_count, view.unsettled_count)
    }
}
