//! Workloads of OpenWire: one to one, as fast as it goes. Acknowledgements cover many messages, as those of Java's client
//! do with `optimizeAcknowledge`.

use anyhow::Result;

use super::pair::{self, BODY_BYTES, PREFETCH};
use crate::{
    args::Effort,
    link::Link,
    openwire::{Client, Incoming, SendTemplate, Subscriber},
    report::Outcome,
    spawn::Spawned,
    target::Target,
};

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
        while let Some(incoming) = self.client.link.next(Incoming::first)? {
            count += u64::from(incoming == Incoming::Response);
        }
        Ok(count)
    }
}

impl pair::Receiver for Subscriber {
    fn link(&mut self) -> &mut Link {
        &mut self.client.link
    }

    fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64> {
        self.take(message)
    }

    fn open_count(&self) -> u64 {
        self.open
    }

    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        self.acknowledge(out);
    }

    fn close(&mut self) -> Result<()> {
        self.close()
    }
}

fn run(target: &Target, effort: Effort, is_durable: bool) -> Result<Outcome> {
    let queue = pair::fresh_queue("openwire");
    let receiver = Client::open(&target.address, "receiver")?.consume(&queue, PREFETCH.into())?;
    let mut client = Client::open(&target.address, "sender")?;
    client.open_producer(&queue)?;
    let template = SendTemplate::new(&client.id, &queue, BODY_BYTES, is_durable);
    pair::run(target, effort, is_durable, Sender { client, template }, receiver)
}

pub(super) fn automatic(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, false)
}

pub(super) fn durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, true)
}
