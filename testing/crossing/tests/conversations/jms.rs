//! Applications of JMS over both protocols that have them: clients whose names begin with `openwire` or `ten`, with ActiveMQ's
//! ways.

use std::sync::Arc;

use ternmq_broker::Session;
use ternmq_transcripts::{Language, Setup};

use crate::{amqp10::ActiveMqPerformatives, openwire::ActiveMqCommands};

/// Both.
#[derive(Default)]
pub struct Jms {
    performatives: ActiveMqPerformatives,
    commands: ActiveMqCommands,
}

fn is_openwire(client: &str) -> bool {
    client.starts_with("openwire")
}

fn session(client: &str, now_ms: u64) -> Box<dyn Session> {
    let setup = if is_openwire(client) { ActiveMqCommands::setup() } else { ActiveMqPerformatives::setup() };
    (setup.session)(client, now_ms)
}

impl Language for Jms {
    const CONNECT: &'static str = ActiveMqPerformatives::CONNECT;

    fn setup() -> Setup {
        let mut setup = ActiveMqPerformatives::setup();
        let dialect = Arc::new(ternmq_activemq::ActiveMq);
        let openwire = ternmq_openwire::format::OpenWireFormat::of(dialect);
        setup.formats.register(ternmq_openwire::ENCODING, Arc::new(openwire));
        Setup { session, ..setup }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        match line.split_once(' ') {
            Some(("connect", "openwire")) => self.commands.login("connect"),
            Some(("connect", _)) => self.performatives.login(line),
            _ => None,
        }
    }

    fn encode(&mut self, client: &str, line: &str) -> Vec<u8> {
        if is_openwire(client) {
            self.commands.encode(client, line)
        } else {
            self.performatives.encode(client, line)
        }
    }

    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String> {
        if is_openwire(client) {
            self.commands.decode(client, bytes)
        } else {
            self.performatives.decode(client, bytes)
        }
    }

    fn named(&self, client: &str, line: &str) -> String {
        if is_openwire(client) {
            self.commands.named(client, line)
        } else {
            self.performatives.named(client, line)
        }
    }

    fn masked(&mut self, client: &str, line: &str) -> String {
        if is_openwire(client) {
            self.commands.masked(client, line)
        } else {
            self.performatives.masked(client, line)
        }
    }
}
