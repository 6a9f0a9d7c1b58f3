//! `ternmq peek`: prints messages and leaves them in their queue. A node of ours has a call for that, which has no effect;
//! of any other broker messages are taken and given back.

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use hyper::Method;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};
use ternmq_amqp091::codec::method::basic;

use crate::args::{Output, PeekArgs};
use crate::client::{Client, Event};
use crate::failure::Failure;
use crate::management;
use crate::subscribe::{body_member, print, print_line};
use crate::url::Address;

const AMQP: &str = "amqp";
/// Longest page: one message of 128 MiB or 16 MiB of smaller ones, a third more for base64, and what goes with them.
const PAGE_MAX_BYTES: usize = 256 << 20;
/// Most messages that a page may hold.
const PAGE_COUNT: u64 = 1_000;

pub(crate) fn run(args: &PeekArgs) -> Result<(), Failure> {
    if args.target.url.starts_with(AMQP) { take_and_give_back(args) } else { look(args) }
}

fn look(args: &PeekArgs) -> Result<(), Failure> {
    let address = Address::parse(&args.target.url, "http", management::PORT, &args.target.data_dir)?;
    let part = |text| utf8_percent_encode(text, NON_ALPHANUMERIC);
    let (vhost, queue) = (part(address.path.as_deref().unwrap_or("/")), part(&args.queue));
    let (mut left, mut after, mut unreadable) = (args.count, None, 0);
    while left > 0 {
        let count = left.min(PAGE_COUNT);
        let mut path = format!("/api/queues/{vhost}/{queue}/messages?encoding=base64&count={count}");
        if let Some(place) = &after {
            path = format!("{path}&after={place}");
        }
        let done = management::call(&address, Method::GET, &path, Bytes::new(), PAGE_MAX_BYTES)?;
        let page = Page::read(&done.body).ok_or_else(|| {
            Failure::new(
                "the broker's answer is none of ours; of other brokers --url amqp://... can look at messages",
            )
        })?;
        for message in &page.messages {
            message.print(args.output)?;
        }
        left = left.saturating_sub(page.messages.len() as u64);
        unreadable += page.unreadable;
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if unreadable > 0 {
        // Whoever does not hear it finds it in the broker's log.
        let _ = writeln!(
            std::io::stderr(),
            "ternmq: warning: {unreadable} messages between these can't be read from the broker's disk"
        );
    }
    Ok(())
}

/// One answer of the broker.
struct Page {
    messages: Vec<Shown>,
    unreadable: u64,
    next: Option<String>,
}

struct Shown {
    members: Map<String, Value>,
    body: Vec<u8>,
}

impl Page {
    fn read(body: &[u8]) -> Option<Self> {
        let mut page: Map<String, Value> = serde_json::from_slice(body).ok()?;
        let Value::Array(messages) = page.remove("messages")? else { return None };
        Some(Self {
            messages: messages.into_iter().map(Shown::read).collect::<Option<_>>()?,
            unreadable: page.get("unreadable")?.as_u64()?,
            next: page.get("next")?.as_str().map(str::to_owned),
        })
    }
}

impl Shown {
    fn read(message: Value) -> Option<Self> {
        let Value::Object(members) = message else { return None };
        let body = STANDARD.decode(members.get("payload")?.as_str()?).ok()?;
        Some(Self { members, body })
    }

    fn print(&self, output: Output) -> Result<(), Failure> {
        match output {
            Output::Text => print_line(self.body.clone()),
            Output::Json => print_line(self.to_json().to_string().into_bytes()),
        }
    }

    /// The members that `ternmq sub` prints as well.
    fn to_json(&self) -> Value {
        let member = |name: &str| self.members.get(name).cloned().unwrap_or_default();
        let (name, body) = body_member(&self.body);
        json!({
            "exchange": member("exchange"),
            "routing_key": member("routing_key"),
            "redelivered": member("redelivered"),
            "properties": member("properties"),
            name: body,
        })
    }
}

fn take_and_give_back(args: &PeekArgs) -> Result<(), Failure> {
    let address = Address::parse(&args.target.url, AMQP, 5672, &args.target.data_dir)?;
    let mut client = Client::connect(&address)?;
    let mut last_tag = None;
    for _ in 0..args.count {
        client.send(&basic::Get { queue: &args.queue, no_ack: false });
        match client.next_event()? {
            Event::Message(message) => {
                print(&message, args.output)?;
                last_tag = Some(message.delivery_tag);
            }
            _ => break,
        }
    }
    if let Some(delivery_tag) = last_tag {
        client.send(&basic::Nack { delivery_tag, multiple: true, requeue: true });
    }
    client.close()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_and_shown_as_sub_shows_messages() {
        let text = r#"{"messages":[{"payload":"/w==","exchange":"e","routing_key":"k","redelivered":true,
            "properties":{"type":"t"},"place":"0-7"}],"unreadable":2,"next":"0-7"}"#;
        let page = Page::read(text.as_bytes()).unwrap();
        assert_eq!((page.unreadable, page.next.as_deref()), (2, Some("0-7")));
        assert_eq!(
            page.messages[0].to_json().to_string(),
            r#"{"body_base64":"/w==","exchange":"e","properties":{"type":"t"},"redelivered":true,"routing_key":"k"}"#
        );
        for other in ["", "[]", "{}", r#"{"messages":[{}],"unreadable":0,"next":null}"#] {
            assert!(Page::read(other.as_bytes()).is_none(), "{other}");
        }
    }
}
