//! `ternmq pub`: publishes and waits until everything is confirmed.

use std::io::{Read, Write};

use ternmq_amqp091::codec::BasicProperties;

use crate::args::PubArgs;
use crate::client::{Client, Event};
use crate::failure::Failure;
use crate::url::Address;

/// Messages published and not confirmed at most.
const WINDOW: u64 = 1_000;
/// Bytes put together before they are sent.
const BURST_BYTES: usize = 64 * 1024;

/// What is published where.
struct Plan {
    exchange: String,
    key: String,
    /// Queue to make before.
    queue: Option<String>,
    body: Vec<u8>,
}

pub(crate) fn run(args: &PubArgs) -> Result<(), Failure> {
    let address = Address::parse(&args.target.url, "amqp", 5672, &args.target.data_dir)?;
    let plan = plan(args)?;
    let mut client = Client::connect(&address)?;
    if let Some(queue) = &plan.queue {
        client.ensure_queue(queue)?;
    }
    client.select_confirms()?;
    let mut properties = Vec::new();
    let delivery_mode = if args.transient { 1 } else { 2 };
    BasicProperties { delivery_mode: Some(delivery_mode), ..Default::default() }.encode(&mut properties);
    let tally = publish_all(&mut client, &plan, &properties, args.count)?;
    client.close()?;
    tally.report()
}

fn plan(args: &PubArgs) -> Result<Plan, Failure> {
    let (queue, body) = match (&args.exchange, args.words.as_slice()) {
        (Some(_), []) => (None, None),
        (Some(_), [body]) => (None, Some(body)),
        (Some(_), _) => return Err(Failure::usage("with --exchange only a body is given, no queue")),
        (None, [queue]) => (Some(queue.clone()), None),
        (None, [queue, body]) => (Some(queue.clone()), Some(body)),
        (None, _) => {
            return Err(Failure::usage(
                "name a queue, or an exchange with --exchange; see ternmq pub --help",
            ));
        }
    };
    let body = match body.filter(|body| *body != "-") {
        Some(body) => body.clone().into_bytes(),
        None => {
            let mut bytes = Vec::new();
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(Failure::while_doing("read the body from standard input"))?;
            bytes
        }
    };
    let key = queue.clone().unwrap_or_else(|| args.key.clone());
    Ok(Plan { exchange: args.exchange.clone().unwrap_or_default(), key, queue, body })
}

/// How it went.
#[derive(Debug, Default)]
struct Tally {
    published: u64,
    confirmed: u64,
    refused: u64,
    returned: u64,
    return_text: String,
}

impl Tally {
    fn settled(&self) -> u64 {
        self.confirmed + self.refused
    }

    fn note(&mut self, event: Event) {
        match event {
            // The broker settles in order; a multiple one covers everything before it.
            Event::Confirmed { tag, is_multiple: true } => self.confirmed = tag.saturating_sub(self.refused),
            Event::Confirmed { .. } => self.confirmed += 1,
            Event::Refused { tag, is_multiple: true } => self.refused = tag.saturating_sub(self.confirmed),
            Event::Refused { .. } => self.refused += 1,
            Event::Returned { text } => {
                self.returned += 1;
                self.return_text = text;
            }
            Event::Message(_) | Event::Empty | Event::Cancelled | Event::Done => {}
        }
    }

    fn report(&self) -> Result<(), Failure> {
        if self.refused > 0 {
            return Err(Failure::new(format!(
                "{} of {} messages were refused by a full queue",
                self.refused, self.published
            )));
        }
        if self.returned > 0 {
            return Err(Failure::new(format!(
                "{} of {} messages reached no queue ({}); bind a queue to the exchange with a matching key",
                self.returned, self.published, self.return_text
            )));
        }
        let unit = if self.published == 1 { "message" } else { "messages" };
        writeln!(std::io::stdout(), "{} {unit} confirmed", self.confirmed)
            .map_err(Failure::while_doing("print"))
    }
}

fn publish_all(client: &mut Client, plan: &Plan, properties: &[u8], count: u64) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    while tally.settled() < count {
        if tally.published < count && tally.published - tally.settled() < WINDOW && !client.has_input() {
            client.publish(&plan.exchange, &plan.key, properties, &plan.body);
            tally.published += 1;
            if client.waiting_bytes() >= BURST_BYTES {
                client.flush()?;
            }
        } else {
            tally.note(client.next_event()?);
        }
    }
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confirms_are_counted_however_they_come() {
        let mut tally = Tally { published: 10, ..Tally::default() };
        for event in [
            Event::Confirmed { tag: 1, is_multiple: false },
            Event::Confirmed { tag: 4, is_multiple: true },
            Event::Refused { tag: 5, is_multiple: false },
            Event::Confirmed { tag: 10, is_multiple: true },
        ] {
            tally.note(event);
        }
        assert_eq!((tally.confirmed, tally.refused, tally.settled()), (9, 1, 10));
        assert_eq!(tally.report().unwrap_err().text(), "1 of 10 messages were refused by a full queue");
    }
}
