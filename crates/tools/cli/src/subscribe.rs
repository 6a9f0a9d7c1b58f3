//! `ternmq sub`: takes messages and prints them.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use ternmq_amqp091::codec::BasicProperties;
use ternmq_amqp091::codec::method::basic;

use crate::args::{Output, SubArgs};
use crate::client::{Client, Event, Received};
use crate::failure::Failure;
use crate::url::Address;

/// Messages under way to us.
const PREFETCH: u16 = 200;

pub(crate) fn run(args: &SubArgs) -> Result<(), Failure> {
    if args.count == Some(0) {
        return Ok(());
    }
    let address = Address::parse(&args.target.url, "amqp", 5672, &args.target.data_dir)?;
    let mut client = Client::connect(&address)?;
    client.ensure_queue(&args.queue)?;
    // No more than wanted is taken from other consumers.
    let prefetch =
        args.count.map_or(PREFETCH, |count| u16::try_from(count).unwrap_or(PREFETCH).min(PREFETCH));
    client.consume(&args.queue, prefetch)?;
    let mut printed = 0;
    loop {
        match client.next_event()? {
            Event::Message(message) => {
                print(&message, args.output)?;
                // Settled only once it is printed.
                client.send(&basic::Ack { delivery_tag: message.delivery_tag, multiple: false });
                printed += 1;
            }
            Event::Cancelled => return Err(Failure::new(format!("the queue '{}' was deleted", args.queue))),
            _ => {}
        }
        if args.count == Some(printed) {
            return client.close();
        }
    }
}

/// Prints one message as a line.
pub(crate) fn print(message: &Received, output: Output) -> Result<(), Failure> {
    match output {
        Output::Text => print_line(message.body.clone()),
        Output::Json => print_line(to_json(message).to_string().into_bytes()),
    }
}

/// Prints a line.
pub(crate) fn print_line(mut line: Vec<u8>) -> Result<(), Failure> {
    line.push(b'\n');
    let mut stdout = std::io::stdout();
    stdout.write_all(&line).and_then(|()| stdout.flush()).map_err(Failure::while_doing("print"))
}

fn to_json(message: &Received) -> serde_json::Value {
    let properties = BasicProperties::decode(&message.properties).unwrap_or_default();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut object = json!({
        "exchange": message.exchange,
        "routing_key": message.key,
        "redelivered": message.is_redelivered,
        "properties": {
            "content_type": properties.content_type,
            "content_encoding": properties.content_encoding,
            "delivery_mode": properties.delivery_mode,
            "priority": properties.priority,
            "correlation_id": properties.correlation_id.map(text),
            "reply_to": properties.reply_to,
            "expiration": properties.expiration,
            "message_id": properties.message_id.map(text),
            "timestamp": properties.timestamp,
            "type": properties.kind,
            "user_id": properties.user_id,
            "app_id": properties.app_id,
        },
    });
    if let Some(properties) = object.get_mut("properties").and_then(serde_json::Value::as_object_mut) {
        properties.retain(|_, value| !value.is_null());
    }
    if let Some(object) = object.as_object_mut() {
        let (name, body) = body_member(&message.body);
        object.insert(name.into(), body.into());
    }
    object
}

/// Name and text of the member that holds a body.
pub(crate) fn body_member(body: &[u8]) -> (&'static str, String) {
    match std::str::from_utf8(body) {
        Ok(text) => ("body", text.to_owned()),
        Err(_) => ("body_base64", STANDARD.encode(body)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(body: &[u8], expect: &str) {
        let mut properties = Vec::new();
        BasicProperties { message_id: Some(b"m1"), ..Default::default() }.encode(&mut properties);
        let message = Received {
            delivery_tag: 1,
            is_redelivered: false,
            exchange: "e".into(),
            key: "k".into(),
            properties,
            body: body.to_vec(),
        };
        assert_eq!(to_json(&message).to_string(), expect);
    }

    #[test]
    fn json_of_a_message() {
        let rest =
            r#""exchange":"e","properties":{"message_id":"m1"},"redelivered":false,"routing_key":"k"}"#;
        check(b"hi", &format!(r#"{{"body":"hi",{rest}"#));
        check(&[0xFF], &format!(r#"{{"body_base64":"/w==",{rest}"#));
    }
}
