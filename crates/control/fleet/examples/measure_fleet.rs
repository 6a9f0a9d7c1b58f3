//! How long it takes to make and remove a node, and what an idle one takes of memory.
//!
//! `cargo run --release -p ternmq-fleet --example measure_fleet -- target/release/ternmq [NODES]`
#![allow(clippy::print_stdout, reason = "that is what it is for")]

use std::error::Error;
use std::path::PathBuf;

use ternmq_env::{Clock, SystemClock};
use ternmq_fleet::{
    AcceptRule, Cidr, Engine, NodeLimits, NodeLogs, NodeName, NodeSpec, PortRange, ProcessFleet,
    ProcessSettings, Provisioner, Reach,
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let binary = words.next().ok_or("say where the binary ternmq is")?;
    let binary = std::fs::canonicalize(PathBuf::from(binary))?;
    let count: u8 = words.next().map_or(Ok(20), |count| count.parse())?;
    let dir = tempfile::tempdir()?;
    let fleet = ProcessFleet::open(dir.path(), binary, ProcessSettings::default())?;
    let clock = SystemClock::new();
    let (mut made_ms, mut removed_ms, mut resident_kib) = (Vec::new(), Vec::new(), Vec::new());
    for number in 1..=count {
        let spec = spec(number)?;
        let before_ms = clock.monotonic_ms();
        let facts = fleet.converge(&spec)?;
        made_ms.push(clock.monotonic_ms() - before_ms);
        resident_kib.push(facts.pid.map_or(0, resident));
    }
    for name in fleet.list()? {
        let before_ms = clock.monotonic_ms();
        fleet.remove(&name)?;
        removed_ms.push(clock.monotonic_ms() - before_ms);
    }
    tell("converge of a new node, ms", made_ms);
    tell("remove, ms", removed_ms);
    tell("resident memory of an idle node when it serves, KiB", resident_kib);
    Ok(())
}

fn spec(number: u8) -> Result<NodeSpec, Box<dyn Error>> {
    Ok(NodeSpec {
        name: NodeName::new(&format!("b-00000000-0000-4000-8000-0000000000{number:02x}"), 1)?,
        engine: Engine::RabbitMq,
        engine_version: None,
        reach: Reach::Loopback,
        host_names: Vec::new(),
        directory: None,
        configuration: String::new(),
        limits: NodeLimits { memory_bytes: 1 << 30, storage_bytes: 1 << 30, connections: 1_000 },
        rules: vec![AcceptRule { source: Cidr::ALL_V4, ports: PortRange::ALL }],
        logs: NodeLogs::default(),
        incarnation: 1,
    })
}

/// Memory of a process in KiB; 0: the system does not tell.
fn resident(pid: u32) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse().ok()).unwrap_or(0)
}

fn tell(what: &str, mut values: Vec<u64>) {
    values.sort_unstable();
    let at = |share: usize| values.get((values.len() * share / 100).min(values.len().saturating_sub(1)));
    println!("{what}: p50 {:?}, p90 {:?}, most {:?}", at(50), at(90), values.last());
}
