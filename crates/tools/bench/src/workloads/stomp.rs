//! Workloads of STOMP: one to one, as fast as it goes.

use anyhow::Result;

use super::pair::{self, BODY_BYTES, PREFETCH};
use crate::{
    args::Effort,
    link::Link,
    report::Outcome,
    spawn::Spawned,
    stomp::{Client, Incoming, SendTemplate, put_ack},
    target::Target,
};

const DESTINATION: &str = "/queue/bench-stomp";
/// It goes with its consumer.
const QUEUE: &str = "durable:true\nauto-delete:true\nexclusive:false\n";

struct Sender {
    client: Client,
    template: SendTemplate,
}

impl pair::Sender for Sender {
    fn link(&mut self) -> &mut Link {
        &mut self.client.link
    }

    fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        self.template.put(out, number, body);
    }

    fn take(&mut self) -> Result<u64> {
        let mut count = 0;
        while let Some(frame) = self.client.next()? {
            count += u64::from(frame == Incoming::Receipt);
        }
        Ok(count)
    }
}

struct Receiver {
    client: Client,
    /// What acknowledges the last message and all before it.
    last: Vec<u8>,
    open: u64,
}

impl pair::Receiver for Receiver {
    fn link(&mut self) -> &mut Link {
        &mut self.client.link
    }

    fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64> {
        let mut count = 0;
        while let Some(frame) = self.client.next()? {
            let Incoming::Message { ack, body } = frame else { continue };
            count += 1;
            message(body);
            if let Some(ack) = ack {
                self.last.clear();
                self.last.extend_from_slice(ack);
                self.open += 1;
            }
        }
        Ok(count)
    }

    fn open_count(&self) -> u64 {
        self.open
    }

    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        put_ack(out, &self.last);
        self.open = 0;
    }

    fn close(&mut self) -> Result<()> {
        self.client.confirm("UNSUBSCRIBE\nid:0\nreceipt:u\n\n\0")
    }
}

fn run(target: &Target, effort: Effort, is_durable: bool) -> Result<Outcome> {
    let mut client = Client::open(&target.address)?;
    let mode = if is_durable { format!("client\nprefetch-count:{PREFETCH}") } else { "auto".to_owned() };
    client.confirm(&format!(
        "SUBSCRIBE\nid:0\ndestination:{DESTINATION}\n{QUEUE}ack:{mode}\nreceipt:s\n\n\0"
    ))?;
    let receiver = Receiver { client, last: Vec::new(), open: 0 };
    let persistent = if is_durable { "persistent:true\n" } else { "" };
    let template = SendTemplate::new(DESTINATION, &format!("{QUEUE}{persistent}"), BODY_BYTES, is_durable);
    let sender = Sender { client: Client::open(&target.address)?, template };
    pair::run(target, effort, is_durable, sender, receiver)
}

pub(super) fn automatic(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, false)
}

pub(super) fn durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, true)
}
