//! Workloads of AMQP 1.0: one to one, as fast as it goes, with a bare name as the address, which RabbitMQ and ActiveMQ both
//! take for a queue that is made when it is used.

use std::time::Duration;

use anyhow::Result;

use super::pair::{self, BODY_BYTES};
use crate::{
    amqp10::{Receiver, Sender},
    args::Effort,
    link::Link,
    report::Outcome,
    spawn::Spawned,
    target::Target,
};

impl pair::Sender for Sender {
    fn link(&mut self) -> &mut Link {
        self.link()
    }

    fn put(&self, out: &mut Vec<u8>, number: u64, body: &[u8]) {
        self.put(out, number, body);
    }

    fn take(&mut self) -> Result<u64> {
        self.take()
    }

    fn allowed(&self) -> u64 {
        self.allowed()
    }
}

impl pair::Receiver for Receiver {
    fn link(&mut self) -> &mut Link {
        self.link()
    }

    fn take(&mut self, message: &mut dyn FnMut(&[u8])) -> Result<u64> {
        self.take(message)
    }

    fn open_count(&self) -> u64 {
        self.open_count()
    }

    fn acknowledge(&mut self, out: &mut Vec<u8>) {
        self.acknowledge(out);
    }

    fn close(&mut self) -> Result<()> {
        self.close()
    }
}

/// Nobody can remove it over this protocol with every broker, so that all runs have the same.
const QUEUE: &str = "bench-amqp10";
/// Silence after which the queue counts as empty.
const SILENCE: Duration = Duration::from_millis(200);

/// Takes what a run that failed has left.
fn empty(target: &Target) -> Result<()> {
    let mut receiver = Receiver::open(&target.address, QUEUE, true)?;
    let patience = receiver.link().stream.tcp().read_timeout()?;
    receiver.link().stream.tcp().set_read_timeout(Some(SILENCE))?;
    let mut out = Vec::new();
    while receiver.link().read()? {
        receiver.take(&mut |_| {})?;
        out.clear();
        receiver.acknowledge(&mut out);
        receiver.link().send(&out)?;
    }
    receiver.link().stream.tcp().set_read_timeout(patience)?;
    receiver.close()
}

fn run(target: &Target, effort: Effort, is_durable: bool) -> Result<Outcome> {
    empty(target)?;
    let receiver = Receiver::open(&target.address, QUEUE, !is_durable)?;
    let sender = Sender::open(&target.address, QUEUE, BODY_BYTES, is_durable)?;
    pair::run(target, effort, is_durable, sender, receiver)
}

pub(super) fn automatic(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, false)
}

pub(super) fn durable(target: &mut Target, effort: Effort, _: Option<Spawned>) -> Result<Outcome> {
    run(target, effort, true)
}
