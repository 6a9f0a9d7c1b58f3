//! The workloads, one line each; those of a kind share a file.

mod amqp10;
mod backlog;
mod delayed;
mod flows;
mod footprint;
mod hostile;
mod mqtt;
mod openwire;
mod pair;
mod passing;
mod reconnect;
mod returned;
mod slow;
mod starts;
mod stomp;
mod storm;
mod telemetry;
mod topics;

use anyhow::{Result, bail};

use crate::{args::Effort, report::Outcome, spawn::Spawned, target::Target};

/// A named workload.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    /// The null broker can do it too.
    pub(crate) has_null: bool,
    pub(crate) run: fn(&mut Target, Effort, Option<Spawned>) -> Result<Outcome>,
}

const fn workload(
    name: &'static str,
    about: &'static str,
    has_null: bool,
    run: fn(&mut Target, Effort, Option<Spawned>) -> Result<Outcome>,
) -> Workload {
    Workload { name, about, has_null, run }
}

/// All of them. In brackets what the publisher asks for: nothing, or durable queues with persistent messages and confirms.
/// When a broker confirms those, after a sync or before, is its own affair.
pub(crate) static ALL: &[Workload] = &[
    workload("transient-16", "16 B, automatic acks, 1 to 1 [none]", true, flows::transient_16),
    workload("transient-1k", "1 KiB, automatic acks, 1 to 1 [none]", true, flows::transient_1k),
    workload("pairs-2", "16 B, 2 publishers and 2 consumers over 2 queues [none]", true, flows::pairs_2),
    workload(
        "acks-16",
        "16 B, acks (prefetch 1,000) and confirms (window 1,000) [none]",
        true,
        flows::acks_16,
    ),
    workload("durable-1", "1 KiB, durable, confirms with window 1, acks [durable]", true, flows::durable_1),
    workload(
        "durable-100",
        "1 KiB, durable, confirms with window 100, acks [durable]",
        true,
        flows::durable_100,
    ),
    workload(
        "durable-1000",
        "1 KiB, durable, confirms with window 1,000, acks [durable]",
        true,
        flows::durable_1000,
    ),
    workload(
        "durable-queues",
        "1 KiB, durable, 100 queues with window 100 each [durable]",
        true,
        flows::durable_queues,
    ),
    workload("latency", "256 B at an even rate, end to end [none]", true, flows::latency),
    workload(
        "latency-durable",
        "256 B at an even rate, durable with confirms and acks [durable]",
        true,
        flows::latency_durable,
    ),
    workload("fanout-100", "100 B from 1 publisher to 100 queues [none]", false, flows::fanout_100),
    workload(
        "backlog",
        "fills a queue with --count messages of 100 B, measures memory, drains it [none]",
        false,
        backlog::transient,
    ),
    workload(
        "backlog-durable",
        "the same with durable messages and confirms [durable]",
        false,
        backlog::durable,
    ),
    workload(
        "drain",
        "publish rate while 10 consumers drain a backlog of --count, against publishing alone",
        false,
        backlog::drain,
    ),
    workload("topic-1", "topic exchange with 1 binding, 16 B [none]", false, topics::one),
    workload(
        "topic-100k",
        "topic exchange with 100,000 bindings (--count), 16 B [none]",
        false,
        topics::many,
    ),
    workload(
        "topic-subscribers",
        "time for --count (20,000) subscribers with the same filter, each a queue with a consumer",
        false,
        topics::subscribers,
    ),
    workload("stomp-1k", "STOMP 1.2, 1 KiB, automatic acks, 1 to 1 [none]", false, stomp::automatic),
    workload(
        "stomp-durable",
        "STOMP 1.2, 1 KiB, durable, receipts with window 1,000, acks [durable]",
        false,
        stomp::durable,
    ),
    workload("openwire-1k", "OpenWire 12, 1 KiB, acks, 1 to 1 [none]", false, openwire::automatic),
    workload(
        "openwire-durable",
        "OpenWire 12, 1 KiB, durable, responses with window 1,000, acks [durable]",
        false,
        openwire::durable,
    ),
    workload("amqp10-1k", "AMQP 1.0, 1 KiB, settled transfers, 1 to 1 [none]", false, amqp10::automatic),
    workload(
        "amqp10-durable",
        "AMQP 1.0, 1 KiB, durable, outcomes with window 1,000, acks [durable]",
        false,
        amqp10::durable,
    ),
    workload(
        "unacked-return",
        "time for --count (30,000) unacked deliveries to return and be taken when their channel, their connection ends",
        false,
        returned::returned,
    ),
    workload(
        "passing-queues",
        "16 B over --count (1,000) exclusive and auto-delete queues, and the time until they are gone [none]",
        false,
        passing::queues,
    ),
    workload(
        "slow-consumer",
        "100 B to 10 queues, alone and beside an 11th whose consumer never acks, or hardly reads [none]",
        false,
        slow::consumer,
    ),
    workload(
        "delayed",
        "lateness of --count (20,000) messages that a queue's TTL delays by --seconds before dead-lettering [none]",
        false,
        delayed::by_queue,
    ),
    workload("delayed-each", "the same with a TTL in each message [none]", false, delayed::by_message),
    workload(
        "connections",
        "memory of --count idle connections with a channel each",
        false,
        footprint::connections,
    ),
    workload("queues", "memory of --count declared durable queues", false, footprint::queues),
    workload("mqtt-qos0", "MQTT 3.1.1, QoS 0, 16 B, 1 to 1 [none]", false, mqtt::qos_0),
    workload("mqtt-qos1", "MQTT 3.1.1, QoS 1, 16 B, 1 to 1, window 1,000 [none]", false, mqtt::qos_1),
    workload(
        "mqtt-fanout",
        "MQTT 3.1.1, QoS 0, 16 B, 1 to --count (1,000) subscribers [none]",
        false,
        mqtt::fanout,
    ),
    workload("mqtt-idle", "memory and CPU of --count idle MQTT connections", false, mqtt::idle),
    workload(
        "connect-storm",
        "time for --count (10,000) MQTT devices to connect with clean sessions and subscribe to a topic each",
        false,
        storm::clean,
    ),
    workload(
        "connect-storm-kept",
        "the same with sessions that outlive their connections",
        false,
        storm::kept,
    ),
    workload(
        "telemetry",
        "QoS 1, 64 B, --rate messages a second in all from --count (10,000) MQTT devices to 1 subscriber [none]",
        false,
        telemetry::steady,
    ),
    workload(
        "reconnect",
        "--count (10,000) MQTT devices lose their connections, get a QoS 1 message each, come back at once and take it [durable]",
        false,
        reconnect::mass,
    ),
    workload(
        "hostile",
        "confirm times and memory beside --count (1,000) connections that never log in [durable]",
        false,
        hostile::peers,
    ),
    workload(
        "start",
        "time from the start of --spawn to its greeting and the first login",
        false,
        starts::start,
    ),
    workload(
        "restart",
        "the same after kill -9 with --count durable messages in a queue",
        false,
        starts::restart_messages,
    ),
    workload(
        "restart-queues",
        "the same after kill -9 with --count durable queues",
        false,
        starts::restart_queues,
    ),
];

pub(crate) fn find(name: &str) -> Result<&'static Workload> {
    match ALL.iter().find(|workload| workload.name == name) {
        Some(workload) => Ok(workload),
        None => {
            let names: Vec<&str> = ALL.iter().map(|workload| workload.name).collect();
            bail!("there is no workload {name:?}; there are {}", names.join(", "))
        }
    }
}
