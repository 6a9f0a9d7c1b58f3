//! Messages of the words of a line.

use ternmq_amqp10::codec::{
    Control, Value,
    message::{Header, MessageProperties, put_data},
    write::{MapWriter, put_descriptor, put_string, put_value},
};

use super::wire::{Words, hex};

impl Words {
    /// A message of the sections that the line names.
    pub fn message(&self) -> Vec<u8> {
        let mut out = Vec::new();
        if let Some(digits) = self.text("hex") {
            return hex(digits);
        }
        if self.has("durable") || self.text("ttl").is_some() || self.text("priority").is_some() {
            let durable = self.has("durable").then_some(true);
            let (ttl, priority) = (self.number("ttl"), self.number("priority"));
            Header { durable, ttl, priority, ..Header::default() }.put(&mut out);
        }
        if let Some(keys) = self.text("cc") {
            put_descriptor(&mut out, 0x72);
            let mut map = MapWriter::start(&mut out);
            map.symbol("x-cc", |out| {
                let list = ternmq_amqp10::codec::write::ListWriter::start(out);
                keys.split(',').fold(list, |list, key| list.field(Some(key), put_string)).end();
            });
            map.end();
        }
        const KINDS: [(&str, &str); 3] = [
            ("x-opt-jms-dest", "dest"),
            ("x-opt-jms-reply-to", "reply-kind"),
            ("x-opt-jms-msg-type", "kind"),
        ];
        if KINDS.iter().any(|(_, word)| self.text(word).is_some()) {
            put_descriptor(&mut out, 0x72);
            let mut map = MapWriter::start(&mut out);
            for (name, word) in KINDS {
                if let Some(kind) = self.number(word) {
                    map.symbol(name, |out| put_value(out, &Value::Byte(kind)));
                }
            }
            map.end();
        }
        if let Some(pairs) = self.text("annotations") {
            put_annotations(pairs, &mut out);
        }
        let properties = MessageProperties {
            group_id: self.text("group"),
            group_sequence: self.number("group-number"),
            message_id: self.text("message-id").map(Value::String),
            user_id: self.text("user-id").map(str::as_bytes),
            to: self.text("to"),
            subject: self.text("subject"),
            reply_to: self.text("reply-to"),
            correlation_id: self.text("correlation-id").map(Value::String),
            content_type: self.text("content-type"),
            content_encoding: self.text("content-encoding"),
            creation_time: self.number("created"),
            ..MessageProperties::default()
        };
        if properties != MessageProperties::default() {
            properties.put(&mut out);
        }
        if let Some(pairs) = self.text("app") {
            put_descriptor(&mut out, 0x74);
            put_pairs(pairs, &mut out);
        }
        self.put_body(&mut out);
        out
    }

    fn put_body(&self, out: &mut Vec<u8>) {
        if self.has("declare") || self.text("global").is_some() {
            put_descriptor(out, 0x77);
            Control::Declare { global_id: self.text("global").map(Value::String) }.put(out);
            return;
        }
        if self.has("discharge") {
            put_descriptor(out, 0x77);
            Control::Discharge { txn_id: &self.txn, fail: self.has("fail") }.put(out);
            return;
        }
        if let Some(pairs) = self.text("map") {
            put_descriptor(out, 0x77);
            let mut map = MapWriter::start(out);
            for (name, value) in pairs.split(',').filter_map(|pair| pair.split_once(':')) {
                map.pair(|out| {
                    put_string(out, name);
                    match value {
                        "true" | "false" => put_value(out, &Value::Bool(value == "true")),
                        "{}" => MapWriter::start(out).end(),
                        "{x}" => {
                            let mut inner = MapWriter::start(out);
                            inner.pair(|out| {
                                put_string(out, "x-max-length");
                                put_value(out, &Value::Uint(5));
                            });
                            inner.end();
                        }
                        text => put_string(out, text),
                    }
                });
            }
            map.end();
            return;
        }
        if let Some(items) = self.text("stream") {
            put_descriptor(out, 0x76);
            let items = items.split(',').map(|item| match item.parse() {
                Ok(number) => Value::Int(number),
                Err(_) => Value::String(item),
            });
            let list = ternmq_amqp10::codec::write::ListWriter::start(out);
            items.fold(list, |list, item| list.field(Some(&item), put_value)).end();
            return;
        }
        if self.has("null") {
            put_descriptor(out, 0x77);
            put_value(out, &Value::Null);
            return;
        }
        match (self.text("value"), self.text("fill"), self.text("body")) {
            (Some(text), _, _) => {
                put_descriptor(out, 0x77);
                put_string(out, text);
            }
            (_, Some(count), _) => put_data(out, &vec![b'x'; count.parse().unwrap()]),
            (_, _, Some(text)) => put_data(out, text.as_bytes()),
            _ => {}
        }
    }
}

/// Symbols with numbers or texts.
fn put_annotations(pairs: &str, out: &mut Vec<u8>) {
    put_descriptor(out, 0x72);
    put_symbol_map(pairs, out);
}

pub fn put_symbol_map(pairs: &str, out: &mut Vec<u8>) {
    let mut map = MapWriter::start(out);
    for (name, value) in pairs.split(',').filter_map(|pair| pair.split_once(':')) {
        map.symbol(name, |out| match value.parse() {
            Ok(number) => put_value(out, &Value::Long(number)),
            Err(_) => put_string(out, value),
        });
    }
    map.end();
}

/// A map of texts to whole numbers and texts, as `name:value,...`.
fn put_pairs(pairs: &str, out: &mut Vec<u8>) {
    let mut map = MapWriter::start(out);
    for (name, value) in pairs.split(',').filter_map(|pair| pair.split_once(':')) {
        map.pair(|out| {
            put_string(out, name);
            match value.parse() {
                Ok(number) => put_value(out, &Value::Int(number)),
                Err(_) => put_string(out, value),
            }
        });
    }
    map.end();
}
