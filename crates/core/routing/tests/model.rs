//! The topology against a plain list of bindings, under random changes and lookups.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use ternmq_message::{Map, Properties, Value};
use ternmq_routing::{
    Bound, Name, NodeId, NodeKind, NodeSpec, QueueId, RouteCache, RouteResult, Target, Topology, Unbound,
    Wildcards,
};

const QUEUES: u32 = 6;
const KINDS: [NodeKind; 4] = [NodeKind::Topic, NodeKind::Topic, NodeKind::Direct, NodeKind::Fanout];

#[derive(Clone, Debug)]
enum Step {
    Bind(usize, Target, String, u8),
    Unbind(usize, Target, String, u8),
    RemoveQueue(u32),
    Route(usize, String),
}

type Plain = (usize, Target, String, u8);

/// Recursive by the book, unlike the trie.
fn is_match(pattern: &[&str], key: &[&str]) -> bool {
    match (pattern.split_first(), key.split_first()) {
        (None, None) => true,
        (Some((&"#", rest)), _) => is_match(rest, key) || (!key.is_empty() && is_match(pattern, &key[1..])),
        (Some((&"*", rest)), Some((_, keys))) => is_match(rest, keys),
        (Some((word, rest)), Some((first, keys))) => word == first && is_match(rest, keys),
        _ => false,
    }
}

fn words(text: &str) -> Vec<&str> {
    if text.is_empty() { Vec::new() } else { text.split('.').collect() }
}

fn expected(bindings: &[Plain], start: usize, key: &str) -> Vec<QueueId> {
    let (mut nodes, mut queues, mut at) = (vec![start], Vec::new(), 0);
    while at < nodes.len() {
        let node = nodes[at];
        for (_, target, pattern, _) in bindings.iter().filter(|binding| binding.0 == node) {
            let fits = match KINDS[node] {
                NodeKind::Topic => is_match(&words(pattern), &words(key)),
                NodeKind::Direct => pattern == key,
                _ => true,
            };
            match *target {
                Target::Queue(queue) if fits => queues.push(queue),
                Target::Node(node) if fits && !nodes.contains(&(node.0 as usize - 1)) => {
                    nodes.push(node.0 as usize - 1);
                }
                _ => {}
            }
        }
        at += 1;
    }
    queues.sort();
    queues.dedup();
    queues
}

fn pattern() -> impl Strategy<Value = String> {
    let word =
        prop_oneof![4 => "[ab]", 1 => Just(String::new()), 2 => Just("*".into()), 2 => Just("#".into())];
    prop::collection::vec(word, 0..6)
        .prop_map(|words| words.join("."))
        .prop_filter("at most two", |text| Wildcards::DOT_STAR_HASH.check(text).is_ok())
}

fn key() -> impl Strategy<Value = String> {
    let word = prop_oneof![6 => "[ab]", 1 => Just(String::new()), 1 => Just("*".into())];
    prop::collection::vec(word, 0..7).prop_map(|words| words.join("."))
}

fn target() -> impl Strategy<Value = Target> {
    prop_oneof![
        6 => (0..QUEUES).prop_map(|queue| Target::Queue(QueueId(queue))),
        1 => (1..=KINDS.len() as u32).prop_map(|node| Target::Node(NodeId(node))),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let node = 0..KINDS.len();
    prop_oneof![
        6 => (node.clone(), target(), pattern(), 0..2_u8).prop_map(|(n, t, k, a)| Step::Bind(n, t, k, a)),
        3 => (node.clone(), target(), pattern(), 0..2_u8).prop_map(|(n, t, k, a)| Step::Unbind(n, t, k, a)),
        1 => (0..QUEUES).prop_map(Step::RemoveQueue),
        8 => (node, key()).prop_map(|(node, key)| Step::Route(node, key)),
    ]
}

fn arguments(which: u8) -> Map {
    if which == 0 { Map::new() } else { vec![("n".into(), Value::U8(which))] }
}

fn add_queue(topology: &mut Topology, queue: u32) {
    topology.add_queue(Name::new(&format!("q{queue}")).unwrap(), QueueId(queue)).unwrap();
}

fn run(steps: Vec<Step>) {
    let mut topology = Topology::new(Wildcards::DOT_STAR_HASH, 0);
    (0..QUEUES).for_each(|queue| add_queue(&mut topology, queue));
    let nodes: Vec<NodeId> = (KINDS.into_iter().enumerate())
        .map(|(n, kind)| topology.add_node(NodeSpec::new(Name::new(&n.to_string()).unwrap(), kind)).unwrap())
        .collect();
    let mut model: Vec<Plain> = Vec::new();
    let (mut cache, mut out) = (RouteCache::new(8, 0), RouteResult::default());
    let mut route = |topology: &Topology, model: &[Plain], node: usize, key: &str| {
        let expect = expected(model, node, key);
        for _ in 0..3 {
            let nothing = &mut Properties::default();
            let found = cache.route(topology, nodes[node], key.into(), nothing, &mut out).unwrap();
            assert_eq!(found, expect, "node {node}, key {key:?}, {model:?}");
        }
    };
    for step in steps {
        match step {
            Step::Bind(node, target, key, which) => {
                let plain = (node, target, key.clone(), which);
                let expect = if model.contains(&plain) { Bound::Existed } else { Bound::New };
                assert_eq!(topology.bind(nodes[node], target, &key, arguments(which)), Ok(expect));
                if expect == Bound::New {
                    model.push(plain);
                }
            }
            Step::Unbind(node, target, key, which) => {
                // Mostly one that is there.
                let any = (node, target, key, which);
                let plain = model.get(node * 3 + usize::from(which)).unwrap_or(&any).clone();
                let is_there = model.contains(&plain);
                let expect = if is_there { Unbound::Removed } else { Unbound::NotBound };
                let (node, target, key, which) = &plain;
                assert_eq!(topology.unbind(nodes[*node], *target, key, &arguments(*which)), expect);
                model.retain(|other| *other != plain);
            }
            Step::RemoveQueue(queue) => {
                let target = Target::Queue(QueueId(queue));
                let removed = topology.remove_queue(QueueId(queue));
                assert_eq!(removed.bindings.len(), model.iter().filter(|plain| plain.1 == target).count());
                model.retain(|plain| plain.1 != target);
                add_queue(&mut topology, queue);
            }
            Step::Route(node, key) => route(&topology, &model, node, &key),
        }
        assert_eq!(topology.binding_count(), model.len());
    }
    // Taken apart in another order than it was put together, nothing is left.
    while let Some((node, target, key, which)) = model.pop() {
        assert_eq!(topology.unbind(nodes[node], target, &key, &arguments(which)), Unbound::Removed);
        route(&topology, &model, node, "a.b.a");
    }
    assert_eq!(topology.bindings().count(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: prop::test_runner::RngSeed::Fixed(0x7e_2217),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_topology_does_what_a_list_of_bindings_does(steps in prop::collection::vec(step(), 1..80)) {
        run(steps);
    }

    #[test]
    fn b8_a_lone_pattern_matches_by_the_book(pattern in pattern(), key in key()) {
        let expect = is_match(&words(&pattern), &words(&key));
        prop_assert_eq!(Wildcards::DOT_STAR_HASH.is_match(&pattern, &key), expect);
    }
}
