//! Frames to and from one line of text each.

use std::collections::BTreeMap;

use ternmq_amqp091::codec::{
    BasicProperties, ContentHeader, FieldValue, FrameKind, Method, TableBuf,
    frame::{split_frame, write_frame},
    method::*,
    write::{Content, write_publish},
};

/// Words of an input line: `name=value` pairs and flags.
struct Words(BTreeMap<String, String>);

impl Words {
    fn of(words: &[String]) -> Self {
        Self(
            words
                .iter()
                .map(|word| {
                    let (name, value) = word.split_once('=').unwrap_or((word, "true"));
                    (name.to_owned(), value.to_owned())
                })
                .collect(),
        )
    }

    fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn has(&self, name: &str) -> bool {
        self.text(name) == "true"
    }

    fn number<N: std::str::FromStr + Default>(&self, name: &str) -> N {
        self.text(name).parse().unwrap_or_default()
    }

    /// Entries whose names start with `prefix`; values are `I:5` (i32), `l:5` (i64), `d:5` (f64), `T:5` (a time), `t:true`,
    /// `V:`, `D:2,5` (a decimal), `x:ff00` (bytes), `A:a,I:5`, `F:5` (a table of that depth), `E:5` (one of so many entries), or
    /// text.
    fn table(&self, prefix: &str) -> TableBuf {
        let mut table = TableBuf::new();
        for (name, value) in self.0.iter().filter(|(name, _)| name.starts_with(prefix)) {
            let name = if prefix == "x-" { name } else { name.strip_prefix(prefix).unwrap() };
            match value.split_once(':') {
                Some(("I", number)) => table.push(name, FieldValue::I32(number.parse().unwrap())),
                Some(("l", number)) => table.push(name, FieldValue::I64(number.parse().unwrap())),
                Some(("d", number)) => table.push(name, FieldValue::F64(number.parse().unwrap())),
                Some(("T", seconds)) => table.push(name, FieldValue::Timestamp(seconds.parse().unwrap())),
                Some(("F", depth)) => {
                    let nested = nested(depth.parse().unwrap());
                    table.push(name, FieldValue::Table(nested.as_table()))
                }
                Some(("E", count)) => {
                    let mut wide = TableBuf::new();
                    (0..count.parse::<u32>().unwrap()).for_each(|number| {
                        wide.push(&number.to_string(), FieldValue::Void);
                    });
                    table.push(name, FieldValue::Table(wide.as_table()))
                }
                Some(("D", digits)) => {
                    let (scale, unscaled) = digits.split_once(',').unwrap();
                    let (scale, unscaled) = (scale.parse().unwrap(), unscaled.parse().unwrap());
                    table.push(name, FieldValue::Decimal { scale, unscaled })
                }
                Some(("x", digits)) => table.push(name, FieldValue::Bytes(&hex(digits))),
                Some(("V", _)) => table.push(name, FieldValue::Void),
                Some(("t", truth)) => table.push(name, FieldValue::Bool(truth == "true")),
                Some(("A", list)) => {
                    let mut array = ternmq_amqp091::codec::ArrayBuf::new();
                    list.split(',').for_each(|item| {
                        array.push(match item.strip_prefix("I:") {
                            Some(number) => FieldValue::I32(number.parse().unwrap()),
                            None => FieldValue::text(item),
                        });
                    });
                    table.push(name, FieldValue::Array(array.as_array()))
                }
                _ => table.push_text(name, value),
            };
        }
        table
    }

    fn properties(&self) -> Vec<u8> {
        let text = |name: &str| self.0.get(name).map(String::as_str);
        let bytes = |name: &str| self.0.get(name).map(|text| bytes(text));
        let (correlation_id, message_id) = (bytes("correlation-id"), bytes("message-id"));
        let headers = self.table("h.");
        let mut properties = Vec::new();
        BasicProperties {
            content_type: text("content-type"),
            content_encoding: text("content-encoding"),
            headers: (!headers.as_table().is_empty()).then(|| headers.as_table()),
            delivery_mode: text("mode").and_then(|mode| mode.parse().ok()),
            priority: text("priority").and_then(|priority| priority.parse().ok()),
            correlation_id: correlation_id.as_deref(),
            reply_to: text("reply-to"),
            expiration: text("expiration"),
            message_id: message_id.as_deref(),
            timestamp: text("timestamp").and_then(|seconds| seconds.parse().ok()),
            kind: text("kind"),
            user_id: text("user-id"),
            app_id: text("app-id"),
            ..BasicProperties::default()
        }
        .encode(&mut properties);
        properties
    }
}

/// Bytes in hexadecimal digits.
fn hex(digits: &str) -> Vec<u8> {
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

/// `hex:ff00` are these bytes, `fill:300` so many letters, anything else is itself.
fn bytes(text: &str) -> Vec<u8> {
    match text.split_once(':') {
        Some(("hex", digits)) => hex(digits),
        Some(("fill", count)) => vec![b'x'; count.parse().unwrap()],
        _ => text.as_bytes().to_vec(),
    }
}

/// Tables in each other.
fn nested(depth: u32) -> TableBuf {
    let mut table = TableBuf::new();
    if depth > 1 {
        let inner = nested(depth - 1);
        table.push("t", FieldValue::Table(inner.as_table()));
    }
    table
}

/// Bytes of one input line, without the client's name.
pub(crate) fn encode(words: &[String]) -> Vec<u8> {
    let mut out = Vec::new();
    match words.first().map(String::as_str) {
        Some("greeting") => out.extend_from_slice(b"AMQP\0\0\x09\x01"),
        Some("bytes") => {
            out.extend(words.iter().skip(1).map(|word| u8::from_str_radix(word, 16).unwrap()));
        }
        Some(channel) => {
            let channel = channel.parse().unwrap();
            let words_of = Words::of(words.get(2..).unwrap());
            match words[1].as_str() {
                "heartbeat" => write_frame(&mut out, FrameKind::Heartbeat, channel, &[]),
                "header" => {
                    let mut payload = vec![0, 60, 0, 0];
                    payload.extend_from_slice(&words_of.number::<u64>("size").to_be_bytes());
                    payload.extend_from_slice(&words_of.properties());
                    write_frame(&mut out, FrameKind::Header, channel, &payload);
                }
                "body" => {
                    let filling = "x".repeat(words_of.number("fill"));
                    let text = format!("{}{filling}", words_of.text("text"));
                    write_frame(&mut out, FrameKind::Body, channel, text.as_bytes());
                }
                name => encode_method(&mut out, channel, name, &words_of),
            }
        }
        None => {}
    }
    out
}

fn encode_method(out: &mut Vec<u8>, channel: u16, name: &str, words: &Words) {
    let arguments = words.table("x-");
    let arguments = arguments.as_table();
    let node_arguments = words.table("a.");
    let mut both = words.table("x-");
    node_arguments.as_table().iter().for_each(|(name, value)| {
        both.push(name, value);
    });
    let (queue, exchange, key) = (words.text("queue"), words.text("exchange"), words.text("key"));
    let tag = words.text("tag");
    let delivery_tag = words.number::<u64>("tag");
    let (no_wait, multiple, requeue) = (words.has("no-wait"), words.has("multiple"), words.has("requeue"));
    let is_content = words.0.contains_key("body");
    match name {
        "connection.start-ok" => return encode_start_ok(out, words),
        "basic.publish" if is_content => {
            let publish = basic::Publish {
                exchange,
                routing_key: key,
                mandatory: words.has("mandatory"),
                immediate: words.has("immediate"),
            };
            let properties = words.properties();
            let content = Content { properties: &properties, body: words.text("body").as_bytes() };
            return write_publish(out, channel, &publish, content, 131_072);
        }
        _ => {}
    }
    let method: Method<'_> = match name {
        "connection.secure-ok" => connection::SecureOk { response: b"" }.into(),
        "connection.tune-ok" => connection::TuneOk {
            channel_max: words.number("channel-max"),
            frame_max: words.number("frame-max"),
            heartbeat: words.number("heartbeat"),
        }
        .into(),
        "connection.open" => connection::Open { virtual_host: words.text("vhost") }.into(),
        "connection.close" => connection::Close::default().into(),
        "connection.close-ok" => connection::CloseOk {}.into(),
        "connection.update-secret" => {
            connection::UpdateSecret { new_secret: words.text("secret").as_bytes(), reason: "" }.into()
        }
        "channel.open" => channel::Open {}.into(),
        "channel.close" => channel::Close::default().into(),
        "channel.close-ok" => channel::CloseOk {}.into(),
        "channel.flow" => channel::Flow { active: words.has("active") }.into(),
        "channel.flow-ok" => channel::FlowOk { active: true }.into(),
        "access.request" => access::Request { realm: "/data", ..access::Request::default() }.into(),
        "exchange.declare" => exchange::Declare {
            exchange,
            kind: words.text("type"),
            passive: words.has("passive"),
            durable: words.has("durable"),
            auto_delete: words.has("auto-delete"),
            internal: words.has("internal"),
            no_wait,
            arguments: node_arguments.as_table(),
        }
        .into(),
        "exchange.delete" => exchange::Delete { exchange, if_unused: words.has("if-unused"), no_wait }.into(),
        "exchange.bind" => exchange::Bind {
            destination: words.text("to"),
            source: exchange,
            routing_key: key,
            no_wait,
            arguments,
        }
        .into(),
        "exchange.unbind" => exchange::Unbind {
            destination: words.text("to"),
            source: exchange,
            routing_key: key,
            no_wait,
            arguments,
        }
        .into(),
        "queue.declare" => queue::Declare {
            queue,
            passive: words.has("passive"),
            durable: words.has("durable"),
            exclusive: words.has("exclusive"),
            auto_delete: words.has("auto-delete"),
            no_wait,
            arguments,
        }
        .into(),
        "queue.bind" => {
            queue::Bind { queue, exchange, routing_key: key, no_wait, arguments: both.as_table() }.into()
        }
        "queue.unbind" => {
            queue::Unbind { queue, exchange, routing_key: key, arguments: both.as_table() }.into()
        }
        "queue.purge" => queue::Purge { queue, no_wait }.into(),
        "queue.delete" => queue::Delete {
            queue,
            if_unused: words.has("if-unused"),
            if_empty: words.has("if-empty"),
            no_wait,
        }
        .into(),
        "basic.qos" => basic::Qos {
            prefetch_size: words.number("size"),
            prefetch_count: words.number("count"),
            global: words.has("global"),
        }
        .into(),
        "basic.consume" => basic::Consume {
            queue,
            consumer_tag: tag,
            no_local: false,
            no_ack: words.has("no-ack"),
            exclusive: words.has("exclusive"),
            no_wait,
            arguments,
        }
        .into(),
        "basic.cancel" => basic::Cancel { consumer_tag: tag, no_wait }.into(),
        "basic.publish" => basic::Publish {
            exchange,
            routing_key: key,
            mandatory: words.has("mandatory"),
            immediate: words.has("immediate"),
        }
        .into(),
        "basic.get" => basic::Get { queue, no_ack: words.has("no-ack") }.into(),
        "basic.ack" => basic::Ack { delivery_tag, multiple }.into(),
        "basic.nack" => basic::Nack { delivery_tag, multiple, requeue }.into(),
        "basic.reject" => basic::Reject { delivery_tag, requeue }.into(),
        "basic.recover" => basic::Recover { requeue }.into(),
        "basic.recover-async" => basic::RecoverAsync { requeue }.into(),
        "basic.qos-ok" => basic::QosOk {}.into(),
        "confirm.select" => confirm::Select { no_wait }.into(),
        "tx.select" => tx::Select {}.into(),
        "tx.commit" => tx::Commit {}.into(),
        "tx.rollback" => tx::Rollback {}.into(),
        other => panic!("no such method: {other}"),
    };
    method.write_frame(out, channel);
}

fn encode_start_ok(out: &mut Vec<u8>, words: &Words) {
    let mut capabilities = TableBuf::new();
    for name in ["authentication_failure_close", "connection.blocked", "consumer_cancel_notify"] {
        if !words.has("plain-client") {
            capabilities.push(name, FieldValue::Bool(true));
        }
    }
    let mut properties = TableBuf::new();
    properties.push("capabilities", FieldValue::Table(capabilities.as_table()));
    let (user, password) = (words.text("user"), words.text("password"));
    let response = match words.text("mechanism") {
        "AMQPLAIN" => {
            let mut table = TableBuf::new();
            table.push_text("LOGIN", user).push_text("PASSWORD", password);
            table.as_table().raw().to_vec()
        }
        _ => format!("\0{user}\0{password}").into_bytes(),
    };
    connection::StartOk {
        client_properties: properties.as_table(),
        mechanism: words.text("mechanism"),
        response: &response,
        locale: "en_US",
    }
    .write_frame(out, 0);
}

/// One line for each frame that a session has written.
pub(crate) fn decode(mut bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(rest) = bytes.strip_prefix(b"AMQP\0\0\x09\x01") {
        lines.push("greeting 0-9-1".to_owned());
        bytes = rest;
    }
    while !bytes.is_empty() {
        let (frame, size) = split_frame(bytes, u32::MAX).unwrap().expect("a session writes whole frames");
        bytes = &bytes[size..];
        let text = match frame.kind {
            FrameKind::Method => {
                let method = Method::decode(frame.payload).unwrap();
                format!("{} {}", method.name(), fields(&format!("{method:?}")))
            }
            FrameKind::Header => {
                let header = ContentHeader::decode(frame.payload).unwrap();
                let properties = BasicProperties::decode(header.properties).unwrap();
                format!("header size={}{}", header.body_size_bytes, present(&format!("{properties:?}")))
            }
            FrameKind::Body => format!("body {:?}", String::from_utf8_lossy(frame.payload)),
            FrameKind::Heartbeat => "heartbeat".to_owned(),
        };
        lines.push(format!("{} {}", frame.channel, text.trim_end()));
    }
    lines
}

/// The fields in the debug form of a method.
fn fields(debug: &str) -> String {
    let Some((_, inner)) = debug.split_once(" { ") else { return String::new() };
    readable(inner.strip_suffix(" })").unwrap_or(inner))
}

/// The properties that are there, from the debug form of all.
fn present(debug: &str) -> String {
    let Some((_, inner)) = debug.split_once(" { ") else { return String::new() };
    let inner = inner.strip_suffix(" }").unwrap_or(inner);
    let mut text = String::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, letter) in inner.char_indices().chain([(inner.len(), ',')]) {
        match letter {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                let field = inner[start..at].trim();
                start = at + 1;
                if let Some((name, value)) = field.split_once(": Some(") {
                    text.push_str(&format!(" {name}={}", value.strip_suffix(')').unwrap_or(value)));
                }
            }
            _ => {}
        }
    }
    readable(&text)
}

/// Lists of byte numbers become the text that they are.
fn readable(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('[') {
        let (before, list) = rest.split_at(at);
        let end = list.find(']').unwrap_or(list.len() - 1);
        let inner = &list[1..end];
        let bytes: Option<Vec<u8>> = inner.split(", ").map(|number| number.parse().ok()).collect();
        out.push_str(before);
        match bytes {
            Some(bytes) => out.push_str(&format!("{:?}", String::from_utf8_lossy(&bytes))),
            None if inner.is_empty() => out.push_str("\"\""),
            None => {
                out.push('[');
                rest = &list[1..];
                continue;
            }
        }
        rest = &list[end + 1..];
    }
    out.push_str(rest);
    out.replace("LongString(", "(")
}
