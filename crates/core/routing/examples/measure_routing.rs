//! Times lookups: `cargo run --release -p ternmq-routing --example measure_routing`. Each figure is the best of several rounds.
#![allow(clippy::print_stdout, clippy::disallowed_methods, clippy::unwrap_used)]

use std::{hint::black_box, time::Instant};

use ternmq_message::{Map, Properties, Value};
use ternmq_routing::{
    HashBy, Name, NodeId, NodeKind, NodeSpec, QueueId, RouteCache, RouteResult, Target, Topology, Wildcards,
};

const ROUNDS: usize = 7;
const LOOKUPS: usize = 100_000;

fn main() {
    for count in [1, 100, 100_000] {
        for (what, pattern) in [
            ("plain keys", (|n| format!("eu.stock.s{n}.price")) as fn(usize) -> String),
            ("one-word wildcard", |n| format!("eu.*.s{n}.price")),
            ("trailing wildcard", |n| format!("eu.stock.s{n}.#")),
            ("leading wildcard", |n| format!("#.s{n}.price")),
        ] {
            let topology = topology(NodeKind::Topic, count, pattern);
            let one = vec!["eu.stock.s0.price".to_owned()];
            let all: Vec<String> =
                (0..LOOKUPS).map(|n| format!("eu.stock.s{}.price", n * 7_919 % count)).collect();
            println!(
                "topic, {count:>6} × {what:<18} same key {:>4.0} ns, cached {:>4.0} ns, keys in turn {:>4.0} ns, cached {:>4.0} ns",
                time(&topology, &one, None),
                time(&topology, &one, Some(RouteCache::new(RouteCache::DEFAULT_ENTRIES, 1))),
                time(&topology, &all, None),
                time(&topology, &all, Some(RouteCache::new(RouteCache::DEFAULT_ENTRIES, 1))),
            );
        }
    }
    for (what, kind, key) in [
        ("direct, 100,000", NodeKind::Direct, (|n| format!("k{n}")) as fn(usize) -> String),
        ("hash, 10 of other weights", NodeKind::Hash(HashBy::Key), |n| (1 + n % 9).to_string()),
        ("hash, 1,000 of equal weight", NodeKind::Hash(HashBy::Key), |_| "1".to_owned()),
        ("hash, 1,000 of other weights", NodeKind::Hash(HashBy::Key), |n| (1 + n % 9).to_string()),
        ("headers, 1,000", NodeKind::Headers, |n| format!("k{n}")),
        ("fanout, 100", NodeKind::Fanout, |n| format!("k{n}")),
        ("fanout, 1,000", NodeKind::Fanout, |n| format!("k{n}")),
    ] {
        let count = what.replace(',', "").split(' ').find_map(|word| word.parse().ok()).unwrap_or(1);
        let topology = topology(kind, count, key);
        println!("{what:<30} {:>7.0} ns", time(&topology, &["k7".to_owned()], None));
    }
    let mut topology = topology(NodeKind::Topic, 100_000, |n| format!("eu.*.s{n}.price"));
    let start = Instant::now();
    (0..1_000).for_each(|n| drop(topology.remove_queue(QueueId(n * 97))));
    println!("remove a queue of 100,000      {:>7.0} ns", start.elapsed().as_nanos() as f64 / 1_000.0);
}

fn topology(kind: NodeKind, count: usize, key: fn(usize) -> String) -> Topology {
    let mut topology = Topology::new(Wildcards::DOT_STAR_HASH, 1);
    let is_headers = kind == NodeKind::Headers;
    let node = topology.add_node(NodeSpec::new(Name::new("n").unwrap(), kind)).unwrap();
    for n in 0..count {
        let id = QueueId(n as u32);
        topology.add_queue(Name::new(&format!("q{n}")).unwrap(), id).unwrap();
        let arguments: Map = if is_headers { vec![("id".into(), Value::I64(n as i64))] } else { Map::new() };
        topology.bind(node, Target::Queue(id), &key(n), arguments).unwrap();
    }
    topology
}

/// ns per lookup.
fn time(topology: &Topology, keys: &[String], mut cache: Option<RouteCache>) -> f64 {
    let mut properties = Properties { headers: vec![("id".into(), Value::I64(7))], ..Properties::default() };
    let mut out = RouteResult::default();
    let mut best = f64::MAX;
    let lookups = if keys.len() == 1 { LOOKUPS / 10 } else { LOOKUPS };
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for key in keys.iter().cycle().take(lookups) {
            let (node, key) = (NodeId(1), key.as_str().into());
            match &mut cache {
                Some(cache) => {
                    black_box(cache.route(topology, node, key, &mut properties, &mut out).unwrap());
                }
                None => topology.route(node, key, &mut properties, &mut out).unwrap(),
            }
            black_box(out.queues());
        }
        best = best.min(start.elapsed().as_nanos() as f64 / lookups as f64);
    }
    best
}
