//! Frames to and from one line of text each.

use std::{collections::BTreeMap, fmt::Write};

use ternmq_amqp10::codec::{
    AnyTarget, DeliveryState, Durability, ErrorInfo, Map, SaslFrame, Source, Target, Value,
    frame::{AMQP_HEADER, FrameKind, SASL_HEADER, put_frame, split_frame},
    message::{BodyKind, Header, MessageProperties, Sections, map_of},
    performative::*,
    read,
    write::{ListWriter, MapWriter, put_symbol, put_symbols, put_value},
};
use ternmq_amqp10::format::neutral;

use super::message::put_symbol_map;

/// Words of an input line: `name=value` pairs and flags.
pub struct Words {
    named: BTreeMap<String, String>,
    /// Id of a transaction, by its number.
    pub txn: Vec<u8>,
    /// An outcome in one.
    outcome: Vec<u8>,
    /// Capabilities of a terminus, as `capability=one,two`.
    capabilities: Vec<u8>,
    /// What an outcome adds to a message, as `add=NAME:VALUE,...` or `fill-add=BYTES`.
    added: Vec<u8>,
    /// Properties of a node to be made, as `lifetime=no-links`.
    lifetime: Vec<u8>,
}

impl Words {
    fn of(words: &[String]) -> Self {
        let pair = |word: &String| {
            let (name, value) = word.split_once('=').unwrap_or((word, "true"));
            (name.to_owned(), value.replace("%20", " "))
        };
        let named: BTreeMap<String, String> = words.iter().map(pair).collect();
        let number = named.get("txn").map(|text| text.parse::<u64>().unwrap());
        let txn = number.map_or(b"t".to_vec(), |number| number.to_be_bytes().to_vec());
        let mut outcome = Vec::new();
        match named.get("outcome").map(String::as_str) {
            None => {}
            Some("accepted") => DeliveryState::Accepted.put(&mut outcome),
            Some("released") => DeliveryState::Released.put(&mut outcome),
            Some("rejected") => DeliveryState::Rejected { error: None }.put(&mut outcome),
            Some("modified") => {}
            Some("nested") => DeliveryState::Transactional { txn_id: b"t", outcome: None }.put(&mut outcome),
            Some(other) => panic!("no outcome {other}"),
        }
        let mut capabilities = Vec::new();
        if let Some(all) = named.get("capability") {
            put_symbols(&mut capabilities, &all.split(',').collect::<Vec<_>>());
        }
        let mut added = Vec::new();
        let fill =
            named.get("fill-add").map(|count| format!("x-fill:{}", "x".repeat(count.parse().unwrap())));
        if let Some(pairs) = named.get("add").or(fill.as_ref()) {
            put_symbol_map(pairs, &mut added);
        }
        if named.get("outcome").map(String::as_str) == Some("modified") {
            modified(named.contains_key("failed"), false, &added).put(&mut outcome);
        }
        let mut lifetime = Vec::new();
        if let Some(policy) = named.get("lifetime") {
            let mut map = MapWriter::start(&mut lifetime);
            map.symbol("lifetime-policy", |out| {
                out.push(0);
                put_symbol(out, &format!("amqp:delete-on-{policy}:list"));
                ListWriter::start(out).end();
            });
            map.end();
        }
        Self { named, txn, outcome, capabilities, added, lifetime }
    }

    pub fn text(&self, name: &str) -> Option<&str> {
        self.named.get(name).map(String::as_str)
    }

    pub fn has(&self, name: &str) -> bool {
        self.text(name) == Some("true")
    }

    pub fn number<N: std::str::FromStr>(&self, name: &str) -> Option<N> {
        self.text(name)?.parse().ok()
    }

    fn capabilities(&self) -> Option<Value<'_>> {
        read(&self.capabilities).ok().map(|(value, _)| value)
    }

    fn lifetime(&self) -> Option<Map<'_>> {
        match read(&self.lifetime) {
            Ok((Value::Map(map), _)) => Some(map),
            _ => None,
        }
    }

    fn state(&self) -> Option<DeliveryState<'_>> {
        Some(match self.text("state")? {
            "accepted" => DeliveryState::Accepted,
            "released" => DeliveryState::Released,
            "rejected" => DeliveryState::Rejected { error: None },
            "received" => DeliveryState::Received { section_number: 0, section_offset: 0 },
            "transactional" => {
                let outcome = match read(&self.outcome) {
                    Ok((Value::Described(outcome), _)) => Some(outcome),
                    _ => None,
                };
                DeliveryState::Transactional { txn_id: &self.txn, outcome }
            }
            "declared" => DeliveryState::Declared { txn_id: &self.txn },
            "modified" => modified(self.has("failed"), self.has("undeliverable"), &self.added),
            other => panic!("no state {other}"),
        })
    }
}

/// How long a node is there that was made for a link.
fn told_lifetime(made: Map<'_>) -> &'static str {
    match made.get("lifetime-policy") {
        // delete-on-close (AMQP 1.0 3.5.10).
        Some(Value::Described(policy)) if policy.code() == Some(0x2b) => ", goes with its link",
        other => panic!("no lifetime that this broker has: {other:?}"),
    }
}

fn modified(delivery_failed: bool, undeliverable_here: bool, added: &[u8]) -> DeliveryState<'_> {
    let message_annotations = match read(added) {
        Ok((Value::Map(map), _)) => Some(map),
        _ => None,
    };
    DeliveryState::Modified { delivery_failed, undeliverable_here, message_annotations }
}

pub fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// What a client says in the login.
pub fn response(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_frame(&mut out, FrameKind::Sasl, 0, |out| SaslFrame::Response(text.as_bytes()).put(out));
    out
}

/// A client's choice of SCRAM-SHA-256, with what it begins with.
pub fn scram(first: &str) -> Vec<u8> {
    let (mut out, initial_response) = (Vec::new(), Some(first.as_bytes()));
    let init = SaslFrame::Init { mechanism: "SCRAM-SHA-256", initial_response, hostname: None };
    put_frame(&mut out, FrameKind::Sasl, 0, |out| init.put(out));
    out
}

pub fn encode(words: &[String]) -> Vec<u8> {
    let named = Words::of(words);
    let mut out = Vec::new();
    match &*words[0] {
        "sasl" => return SASL_HEADER.to_vec(),
        "amqp" => return AMQP_HEADER.to_vec(),
        "raw" => return hex(&words[1]),
        "init" | "response" => {
            let user = named.text("user").unwrap_or_default();
            let password = named.text("password").unwrap_or("secret");
            let response = named.text("authz").map_or_else(|| format!("\0{user}\0{password}"), str::to_owned);
            let frame = if words[0] == "response" {
                SaslFrame::Response(response.as_bytes())
            } else {
                SaslFrame::Init {
                    mechanism: named.text("mechanism").unwrap_or("PLAIN"),
                    initial_response: (!named.has("empty")).then_some(response.as_bytes()),
                    hostname: None,
                }
            };
            put_frame(&mut out, FrameKind::Sasl, 0, |out| frame.put(out));
            return out;
        }
        _ => {}
    }
    let channel = words[0].parse().unwrap_or_else(|_| panic!("no channel: {words:?}"));
    if words[1] == "beat" {
        put_frame(&mut out, FrameKind::Amqp, channel, |_| {});
        return out;
    }
    let message = named.message();
    // A part of it, as `from..to`.
    let part = named.text("part").map(|part| {
        let (from, to) = part.split_once("..").unwrap();
        &message[from.parse().unwrap()..to.parse().unwrap_or(message.len())]
    });
    let mut filter = Vec::new();
    put_performative(&named, &words[1], channel, &mut filter, part.unwrap_or(&message), &mut out);
    out
}

fn put_performative(
    named: &Words,
    name: &str,
    channel: u16,
    filter: &mut Vec<u8>,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    let performative = match name {
        "open" => Performative::Open(Open {
            container_id: named.text("container").unwrap_or("c"),
            hostname: named.text("host"),
            max_frame_size: named.number("frame-max").unwrap_or(u32::MAX),
            channel_max: u16::MAX,
            idle_time_out: named.number("idle"),
            offered_capabilities: None,
            desired_capabilities: named.text("desires").map(Value::Symbol),
            properties: None,
        }),
        "begin" => Performative::Begin(Begin {
            remote_channel: named.number("remote"),
            next_outgoing_id: 0,
            incoming_window: named.number("window").unwrap_or(1_000),
            outgoing_window: 1_000,
            handle_max: u32::MAX,
            offered_capabilities: None,
            desired_capabilities: None,
            properties: None,
        }),
        "attach" => attach(named, filter),
        "flow" => flow(named, filter),
        "transfer" => transfer(named),
        "disposition" => Performative::Disposition(Disposition {
            role: if named.text("role") == Some("sender") { Role::Sender } else { Role::Receiver },
            first: named.number("first").unwrap_or_default(),
            last: named.number("last"),
            settled: named.has("settled"),
            state: named.state(),
            batchable: false,
        }),
        "detach" => Performative::Detach(Detach {
            handle: named.number("handle").unwrap_or_default(),
            closed: named.has("closed"),
            error: None,
        }),
        "end" => Performative::End(None),
        "close" => Performative::Close(None),
        other => panic!("no performative {other}"),
    };
    put_frame(out, FrameKind::Amqp, channel, |out| {
        performative.put(out);
        if name == "transfer" {
            out.extend_from_slice(payload);
        }
    });
}

fn flow<'a>(named: &'a Words, filter: &'a mut Vec<u8>) -> Performative<'a> {
    if named.has("acquire") {
        let mut map = MapWriter::start(filter);
        map.symbol("txn-id", |out| put_value(out, &Value::Binary(&named.txn)));
        map.end();
    }
    Performative::Flow(Flow {
        next_incoming_id: named.number("next").or(Some(0)),
        incoming_window: named.number("window").unwrap_or(1_000),
        next_outgoing_id: 0,
        outgoing_window: 1_000,
        handle: named.number("handle"),
        delivery_count: named.number("count"),
        link_credit: named.number("credit"),
        available: None,
        drain: named.has("drain"),
        echo: named.has("echo"),
        properties: match read(filter) {
            Ok((Value::Map(map), _)) => Some(map),
            _ => None,
        },
    })
}

fn transfer(named: &Words) -> Performative<'_> {
    Performative::Transfer(Transfer {
        handle: named.number("handle").unwrap_or_default(),
        delivery_id: named.number("id"),
        delivery_tag: named.text("id").map(str::as_bytes),
        message_format: named.number("format"),
        settled: named.has("settled").then_some(true),
        more: named.has("more"),
        rcv_settle_mode: named.has("first").then_some(ReceiverSettleMode::First),
        state: named.state(),
        resume: named.has("resume"),
        aborted: named.has("aborted"),
        ..Transfer::default()
    })
}

/// Filters of an attach: `filter=DESCRIPTOR` with `selector=TEXT`, by a name or a number; `plain` without any descriptor,
/// under its name; `no-local` beside it.
fn put_filters(named: &Words, out: &mut Vec<u8>) {
    if named.text("filter").is_none() && !named.has("no-local") {
        return;
    }
    let mut map = MapWriter::start(out);
    let selector = Value::String(named.text("selector").unwrap_or("a = 1"));
    match named.text("filter") {
        None => {}
        Some(name) if named.has("plain") => drop(map.symbol(name, |out| put_value(out, &selector))),
        Some(name) => drop(map.symbol("f", |out| {
            out.push(0);
            match name.parse() {
                Ok(number) => put_value(out, &Value::Ulong(number)),
                Err(_) => put_symbol(out, name),
            }
            put_value(out, if named.has("odd") { &Value::Int(1) } else { &selector });
        })),
    }
    if named.has("no-local") {
        map.symbol("n", |out| {
            out.push(0);
            put_value(out, &Value::Ulong(0x468c_0000_0003));
            ListWriter::start(out).end();
        });
    }
    map.end();
}

fn attach<'a>(named: &'a Words, filter: &'a mut Vec<u8>) -> Performative<'a> {
    put_filters(named, filter);
    let filter = match read(filter) {
        Ok((Value::Map(map), _)) => Some(map),
        _ => None,
    };
    let is_receiver = named.text("role") == Some("receiver");
    let source = Source {
        address: named.text("source"),
        dynamic: is_receiver && named.has("dynamic"),
        dynamic_node_properties: named.lifetime().filter(|_| is_receiver),
        durable: if named.has("durable") { Durability::UnsettledState } else { Durability::None },
        expiry_policy: named.text("expiry"),
        timeout: named.number("timeout").unwrap_or_default(),
        distribution_mode: named.text("distribution"),
        filter,
        capabilities: named.capabilities().filter(|_| is_receiver),
        ..Source::default()
    };
    let target = Target {
        address: named.text("target"),
        dynamic: !is_receiver && named.has("dynamic"),
        dynamic_node_properties: named.lifetime().filter(|_| !is_receiver),
        capabilities: named.capabilities().filter(|_| !is_receiver),
        ..Target::default()
    };
    Performative::Attach(Box::new(Attach {
        name: named.text("name").unwrap_or("link"),
        handle: named.number("handle").unwrap_or_default(),
        role: if is_receiver { Role::Receiver } else { Role::Sender },
        snd_settle_mode: match named.text("settle") {
            Some("settled") => SenderSettleMode::Settled,
            Some("unsettled") => SenderSettleMode::Unsettled,
            _ => SenderSettleMode::Mixed,
        },
        rcv_settle_mode: named.has("second").then_some(ReceiverSettleMode::Second),
        source: (!named.has("no-source"))
            .then_some(Source { outcomes: named.text("outcomes").map(Value::Symbol), ..source }),
        target: if named.has("coordinator") {
            Some(AnyTarget::Coordinator)
        } else {
            (!named.has("no-target")).then_some(AnyTarget::Target(target))
        },
        unsettled: match read(&named.added) {
            Ok((Value::Map(map), _)) => Some(map),
            _ => None,
        },
        incomplete_unsettled: named.has("incomplete"),
        initial_delivery_count: (!is_receiver).then_some(0),
        max_message_size: named.number("max").unwrap_or_default(),
        offered_capabilities: None,
        desired_capabilities: None,
        properties: None,
    }))
}

pub fn decode(bytes: &[u8]) -> Vec<String> {
    let (mut lines, mut rest) = (Vec::new(), bytes);
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix(&SASL_HEADER) {
            lines.push("sasl".to_owned());
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix(&AMQP_HEADER) {
            lines.push("amqp".to_owned());
            rest = after;
            continue;
        }
        let (frame, size) = split_frame(rest, 1 << 20).unwrap().unwrap();
        rest = &rest[size..];
        lines.push(match frame.kind {
            FrameKind::Sasl => sasl_line(frame.body),
            FrameKind::Amqp if frame.body.is_empty() => format!("{} beat", frame.channel),
            FrameKind::Amqp => format!("{} {}", frame.channel, line(frame.body)),
        });
    }
    lines
}

fn sasl_line(body: &[u8]) -> String {
    let Ok((Value::Described(described), _)) = read(body) else { panic!("no frame of the login") };
    let Some(Value::List(fields)) = described.value() else { panic!("no list") };
    let first = fields.iter().next().unwrap_or(Value::Null);
    match described.code() {
        Some(0x40) => format!("mechanisms {}", first.texts().collect::<Vec<_>>().join(" ")),
        Some(0x42) => format!("challenge{}", data(Some(first))),
        Some(0x44) => format!("outcome {}{}", first.as_i64().unwrap(), data(fields.iter().nth(1))),
        other => panic!("{other:?}"),
    }
}

fn data(value: Option<Value<'_>>) -> String {
    match value {
        Some(Value::Binary(bytes)) if !bytes.is_empty() => {
            format!(" {}", std::str::from_utf8(bytes).unwrap())
        }
        _ => String::new(),
    }
}

fn error(error: Option<&ErrorInfo<'_>>) -> String {
    error.map_or_else(String::new, |error| {
        let field = error.invalid_field.map_or_else(String::new, |field| format!(", field {field}"));
        format!(" error: {} {:?}{field}", error.condition, error.description.unwrap_or_default())
    })
}

fn line(body: &[u8]) -> String {
    let (performative, payload) = Performative::decode(body).unwrap();
    match performative {
        Performative::Open(open) => {
            let mut line = format!(
                "open frame-max: {}, channel-max: {}, idle: {:?}",
                open.max_frame_size, open.channel_max, open.idle_time_out
            );
            let properties = open.properties.unwrap_or_default();
            if properties.get("amqp:connection-establishment-failed").is_some() {
                line += ", failed";
            }
            for name in ["queue-prefix", "topic-prefix"] {
                if let Some(prefix) = properties.get(name) {
                    let _ = write!(line, ", {name}: {:?}", prefix.as_text().unwrap());
                }
            }
            line
        }
        Performative::Begin(begin) => {
            format!("begin remote: {:?}, window: {}", begin.remote_channel, begin.incoming_window)
        }
        Performative::Attach(attach) => attach_line(&attach),
        Performative::Flow(flow) => {
            let mut line = format!(
                "flow window: {}, next-in: {:?}, next-out: {}",
                flow.incoming_window, flow.next_incoming_id, flow.next_outgoing_id
            );
            if let Some(handle) = flow.handle {
                let _ = write!(
                    line,
                    ", handle: {handle}, count: {:?}, credit: {:?}, available: {:?}, drain: {}",
                    flow.delivery_count, flow.link_credit, flow.available, flow.drain
                );
            }
            line
        }
        Performative::Transfer(transfer) => {
            let mut line = format!("transfer handle: {}", transfer.handle);
            if let Some(id) = transfer.delivery_id {
                let _ = write!(line, ", id: {id}, settled: {:?}", transfer.settled);
            }
            if transfer.more || transfer.delivery_id.is_none() {
                let _ = write!(line, ", more: {}, {} bytes", transfer.more, payload.len());
            } else {
                line += &message_text(payload);
            }
            line
        }
        Performative::Disposition(disposition) => {
            let state = state_text(disposition.state.as_ref());
            format!(
                "disposition role: {:?}, {}..{}, settled: {}, {state}",
                disposition.role,
                disposition.first,
                disposition.last.unwrap_or(disposition.first),
                disposition.settled
            )
        }
        Performative::Detach(detach) => format!(
            "detach handle: {}, closed: {}{}",
            detach.handle,
            detach.closed,
            error(detach.error.as_ref())
        ),
        Performative::End(info) => format!("end{}", error(info.as_ref())),
        Performative::Close(info) => format!("close{}", error(info.as_ref())),
    }
}

fn state_text(state: Option<&DeliveryState<'_>>) -> String {
    let number = |id: &[u8]| u64::from_be_bytes(id.try_into().unwrap());
    match state {
        Some(DeliveryState::Rejected { error: Some(info) }) => format!("Rejected{}", error(Some(info))),
        Some(DeliveryState::Declared { txn_id }) => format!("Declared txn: {}", number(txn_id)),
        Some(DeliveryState::Transactional { txn_id, outcome }) => {
            let inner = DeliveryState::decode(outcome.map(Value::Described)).unwrap();
            format!("Transactional txn: {}, {}", number(txn_id), state_text(inner.as_ref()))
        }
        Some(other) => format!("{other:?}"),
        None => "none".to_owned(),
    }
}

fn attach_line(attach: &Attach<'_>) -> String {
    let mut line = format!(
        "attach name: {:?}, handle: {}, role: {:?}, settle: {:?}",
        attach.name, attach.handle, attach.role, attach.snd_settle_mode
    );
    if attach.unsettled.is_some() || attach.incomplete_unsettled {
        line += ", unsettled";
    }
    if attach.rcv_settle_mode == Some(ReceiverSettleMode::Second) {
        line += ", settled second";
    }
    match &attach.source {
        Some(source) => {
            let _ = write!(line, ", source: {:?}", source.address);
            for (name, _) in source.filter.iter().flat_map(|map| map.iter()) {
                let _ = write!(line, " with filter {:?}", name.as_text().unwrap());
            }
            // What outlives nothing goes with its link, and says so.
            let is_made = attach.role == Role::Sender && source.outcomes.is_some();
            let goes = source.expiry_policy == Some("link-detach");
            if source.durable != Durability::None || (is_made && !goes) {
                let _ = write!(line, ", durable: {:?}, expiry: {:?}", source.durable, source.expiry_policy);
            }
            if source.timeout > 0 {
                let _ = write!(line, " after {} s", source.timeout);
            }
            if source.distribution_mode == Some("copy") {
                line += ", copies";
            }
            if let Some(made) = source.dynamic_node_properties {
                line += told_lifetime(made);
            }
        }
        None => line += ", no source",
    }
    match &attach.target {
        Some(AnyTarget::Target(target)) => {
            let _ = write!(line, ", target: {:?}", target.address);
            if let Some(made) = target.dynamic_node_properties {
                line += told_lifetime(made);
            }
        }
        Some(AnyTarget::Coordinator) => line += ", coordinator",
        None => line += ", no target",
    }
    if attach.max_message_size > 0 {
        let _ = write!(line, ", max: {}", attach.max_message_size);
    }
    line
}

fn message_text(payload: &[u8]) -> String {
    let sections = Sections::split(payload).unwrap();
    let header = Header::decode(sections.header).unwrap();
    let mut line = format!(
        " durable: {:?}, first: {:?}, count: {:?}",
        header.durable.unwrap_or_default(),
        header.first_acquirer.unwrap_or_default(),
        header.delivery_count.unwrap_or_default()
    );
    if let Some(ttl) = header.ttl {
        let _ = write!(line, ", ttl: {ttl}");
    }
    if let Some(priority) = header.priority {
        let _ = write!(line, ", priority: {priority}");
    }
    for (key, value) in map_of(sections.message_annotations).iter() {
        // Times in the history of a message are those of the test.
        let name = key.as_text().unwrap();
        let text = if name == "x-opt-deaths" { "…".to_owned() } else { format!("{:?}", neutral(&value)) };
        let _ = write!(line, ", {name}: {text}");
    }
    let properties = MessageProperties::decode(sections.properties).unwrap();
    let texts = [
        ("subject", properties.subject),
        ("to", properties.to),
        ("reply-to", properties.reply_to),
        ("content-type", properties.content_type),
        ("content-encoding", properties.content_encoding),
        ("group-id", properties.group_id),
        ("user-id", properties.user_id.and_then(|user| std::str::from_utf8(user).ok())),
    ];
    for (name, value) in texts {
        if let Some(value) = value {
            let _ = write!(line, ", {name}: {value:?}");
        }
    }
    for (name, id) in [("message-id", properties.message_id), ("correlation-id", properties.correlation_id)] {
        if let Some(id) = id {
            let _ = write!(line, ", {name}: {id:?}");
        }
    }
    if let Some(ms) = properties.creation_time {
        let _ = write!(line, ", creation-time: {ms}");
    }
    for (key, value) in map_of(sections.application_properties).iter() {
        let _ = write!(line, ", [{}]: {:?}", key.as_text().unwrap(), neutral(&value));
    }
    line + &body_text(&sections)
}

fn body_text(sections: &Sections<'_>) -> String {
    let mut line = String::new();
    match sections.value() {
        Some(value) => {
            let _ = write!(line, ", value: {:?}", neutral(&value));
        }
        None if sections.body_kind == BodyKind::Sequences => {
            let items: Vec<_> = sections.items().iter().map(neutral).collect();
            let _ = write!(line, ", stream: {items:?}");
        }
        None => {
            let data: Vec<u8> = sections.data().flat_map(|(_, bytes)| bytes).copied().collect();
            match data.len() {
                0..=40 => {
                    let _ = write!(line, ", body: {:?}", String::from_utf8_lossy(&data));
                }
                length => {
                    let _ = write!(line, ", body: {length} bytes");
                }
            }
        }
    }
    line
}
