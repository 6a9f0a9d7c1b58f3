//! What is measured: a name, an address, and the process behind it.

use anyhow::{Context, Result, bail};

use crate::{
    amqp::Address,
    process::{ProcessTree, listener_of_port},
    stream::Trust,
};

/// One broker under test.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) address: Address,
    pub(crate) process: Option<ProcessTree>,
}

impl Target {
    /// Reads `NAME=amqp://…`; addresses of TLS need `trust`. The process is the one that listens on the port, when this user may see it.
    pub(crate) fn parse(text: &str, trust: Option<&Trust>) -> Result<Self> {
        let (name, address) =
            text.split_once('=').context("write a target as NAME=amqp://user:password@host:port/vhost")?;
        if name.is_empty() {
            bail!("the target {text:?} has no name; write NAME=amqp://user:password@host:port/vhost");
        }
        let address = Address::parse(address, trust)?;
        let mut target = Self { name: name.to_owned(), address, process: None };
        target.find_process();
        Ok(target)
    }

    /// Looks up the process again, after a restart.
    pub(crate) fn find_process(&mut self) {
        let port = self.address.endpoint.rsplit_once(':').and_then(|(_, port)| port.parse().ok());
        self.process = port.and_then(listener_of_port).map(ProcessTree::new);
    }
}
