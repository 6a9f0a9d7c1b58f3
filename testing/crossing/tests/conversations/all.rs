//! Every protocol in one conversation: a client's name begins with what it speaks.

use std::sync::Arc;

use ternmq_broker::{Limits, Session};
use ternmq_message::Formats;
use ternmq_mqtt::format::MqttFormat;
use ternmq_openwire::format::OpenWireFormat;
use ternmq_rabbitmq::RabbitMq;
use ternmq_routing::Wildcards;
use ternmq_stomp::format::StompFormat;
use ternmq_transcripts::{Language, Setup, Vendor};

use crate::{amqp10::Performatives, amqp091::Methods, mqtt::Packets, openwire::Commands, stomp::Frames};

/// What a client speaks.
enum Speech {
    Amqp091,
    Amqp10,
    Mqtt,
    Stomp,
    OpenWire,
}

impl Speech {
    fn of(client: &str) -> Self {
        if client.starts_with("mqtt") {
            Self::Mqtt
        } else if client.starts_with("stomp") {
            Self::Stomp
        } else if client.starts_with("ten") {
            Self::Amqp10
        } else if client.starts_with("openwire") {
            Self::OpenWire
        } else {
            Self::Amqp091
        }
    }
}

/// All languages.
#[derive(Default)]
pub struct All {
    methods: Methods,
    performatives: Performatives,
    packets: Packets,
    frames: Frames,
    commands: Commands,
}

/// The broker's random names for queues are no topics: a client of MQTT can show one, and nothing else.
fn masked_queue(line: &str) -> String {
    match line.split_once("amq.gen-") {
        Some((before, name)) => format!("{before}$gen{}", &name[22..]),
        None => line.to_owned(),
    }
}

fn session(client: &str, now_ms: u64) -> Box<dyn Session> {
    let setup = match Speech::of(client) {
        Speech::Amqp091 => Methods::setup(),
        Speech::Amqp10 => Performatives::setup(),
        Speech::Mqtt => Packets::setup(),
        Speech::Stomp => Frames::setup(),
        Speech::OpenWire => Commands::setup(),
    };
    (setup.session)(client, now_ms)
}

impl Language for All {
    const CONNECT: &'static str = Methods::CONNECT;

    fn setup() -> Setup {
        let mut formats = Formats::default();
        formats.register(ternmq_amqp091::ENCODING, Arc::new(ternmq_amqp091::format::Amqp091Format));
        let mqtt = MqttFormat::of(Wildcards::DOT_STAR_HASH);
        formats.register(ternmq_mqtt::format::ENCODING, Arc::new(mqtt));
        formats.register(ternmq_stomp::ENCODING, Arc::new(StompFormat::of(Arc::new(RabbitMq))));
        let links = ternmq_amqp10::format::Amqp10Format::of(Vendor::RabbitMq.link_addresses());
        formats.register(ternmq_amqp10::ENCODING, Arc::new(links));
        let openwire = OpenWireFormat::of(Arc::new(RabbitMq));
        formats.register(ternmq_openwire::ENCODING, Arc::new(openwire));
        Setup {
            vendor: Vendor::RabbitMq,
            session,
            formats,
            herald: None,
            limits: Limits::default(),
            guest_pattern: "^mine",
        }
    }

    fn login(&self, line: &str) -> Option<(Vec<String>, String)> {
        match line.split_once(' ') {
            None => self.packets.login(line),
            Some(("connect", "channel")) => self.methods.login(line),
            Some(("connect", "session")) => self.performatives.login(line),
            Some(("connect", "openwire")) => self.commands.login("connect"),
            Some(("connect", rest)) if rest.starts_with('1') => self.frames.login(line),
            Some(_) => None,
        }
    }

    fn encode(&mut self, client: &str, line: &str) -> Vec<u8> {
        match Speech::of(client) {
            Speech::Amqp091 => self.methods.encode(client, line),
            Speech::Amqp10 => self.performatives.encode(client, line),
            Speech::Mqtt => self.packets.encode(client, line),
            Speech::Stomp => self.frames.encode(client, line),
            Speech::OpenWire => self.commands.encode(client, line),
        }
    }

    fn decode(&mut self, client: &str, bytes: &[u8]) -> Vec<String> {
        match Speech::of(client) {
            Speech::Amqp091 => self.methods.decode(client, bytes),
            Speech::Amqp10 => self.performatives.decode(client, bytes),
            Speech::Mqtt => self.packets.decode(client, bytes),
            Speech::Stomp => self.frames.decode(client, bytes),
            Speech::OpenWire => self.commands.decode(client, bytes),
        }
    }

    fn named(&self, client: &str, line: &str) -> String {
        match Speech::of(client) {
            Speech::Amqp091 => self.methods.named(client, line),
            Speech::Amqp10 => self.performatives.named(client, line),
            Speech::Mqtt => self.packets.named(client, line),
            // A queue's name that only the other protocol makes up is known there.
            Speech::Stomp => self.methods.named(client, &self.frames.named(client, line)),
            Speech::OpenWire => self.commands.named(client, line),
        }
    }

    fn masked(&mut self, client: &str, line: &str) -> String {
        match Speech::of(client) {
            Speech::Amqp091 => self.methods.masked(client, line),
            Speech::Amqp10 => self.performatives.masked(client, line),
            Speech::Mqtt => masked_queue(&self.packets.masked(client, line)),
            Speech::Stomp => {
                let line = self.frames.masked(client, line);
                self.methods.masked(client, &line)
            }
            Speech::OpenWire => self.commands.masked(client, line),
        }
    }
}
