//! What each kind of node does with a message, and what follows from each change.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use ternmq_message::{Map, Properties, Value};
use ternmq_routing::{
    AddNodeError, BindError, Bound, HashBy, Keys, LazyProperties, MAX_HASH_TARGETS, MAX_KEY_BYTES, Name,
    NodeId, NodeKind, NodeSpec, QueueId, QueueTaken, Removed, RouteCache, RouteError, RouteResult,
    STEP_BUDGET, Target, Topology, Unbound, Wildcards,
};

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn topology() -> Topology {
    Topology::new(Wildcards::DOT_STAR_HASH, 7)
}

fn node(topology: &mut Topology, text: &str, kind: NodeKind) -> NodeId {
    topology.add_node(NodeSpec::new(name(text), kind)).unwrap()
}

fn queues(topology: &mut Topology, count: u32) {
    for id in 0..count {
        topology.add_queue(name(&format!("q{id}")), QueueId(id)).unwrap();
    }
}

fn bind(topology: &mut Topology, source: NodeId, queue: u32, key: &str) {
    bind_with(topology, source, queue, key, Map::new());
}

fn bind_with(topology: &mut Topology, source: NodeId, queue: u32, key: &str, arguments: Map) {
    assert_eq!(topology.bind(source, Target::Queue(QueueId(queue)), key, arguments), Ok(Bound::New));
}

fn link(topology: &mut Topology, source: NodeId, target: NodeId, key: &str) {
    assert_eq!(topology.bind(source, Target::Node(target), key, Map::new()), Ok(Bound::New));
}

fn map(entries: &[(&str, Value)]) -> Map {
    entries.iter().map(|(name, value)| (Arc::from(*name), value.clone())).collect()
}

fn route_with(topology: &Topology, node: NodeId, keys: Keys<'_>, properties: &Properties) -> Vec<u32> {
    let mut out = RouteResult::default();
    topology.route(node, keys, &mut properties.clone(), &mut out).unwrap();
    assert_eq!(out.is_routed(), !out.queues().is_empty());
    out.queues().iter().map(|queue| queue.0).collect()
}

fn route(topology: &Topology, node: NodeId, key: &str) -> Vec<u32> {
    route_with(topology, node, key.into(), &Properties::default())
}

#[test]
fn the_default_node_reaches_queues_by_name() {
    let mut topology = topology();
    queues(&mut topology, 3);
    assert_eq!(topology.find_node(""), Some(NodeId::DEFAULT));
    assert_eq!(route(&topology, NodeId::DEFAULT, "q1"), [1]);
    assert_eq!(route(&topology, NodeId::DEFAULT, "q3"), []);
    topology.remove_queue(QueueId(1));
    assert_eq!(route(&topology, NodeId::DEFAULT, "q1"), []);
    assert_eq!(
        topology.add_queue(name("q1"), QueueId(2)),
        Err(QueueTaken { name: name("q1"), id: QueueId(2) })
    );
    assert!(topology.add_queue(name("q2"), QueueId(9)).is_err());
    topology.add_queue(name("other"), QueueId(1)).unwrap();
    assert_eq!(route(&topology, NodeId::DEFAULT, "other"), [1]);
}

#[test]
fn direct_and_fanout() {
    let mut topology = topology();
    queues(&mut topology, 4);
    let direct = node(&mut topology, "direct", NodeKind::Direct);
    let fanout = node(&mut topology, "fanout", NodeKind::Fanout);
    for (queue, key) in [(2, "red"), (0, "red"), (1, "blue"), (3, "#")] {
        bind(&mut topology, direct, queue, key);
        bind(&mut topology, fanout, queue, key);
    }
    assert_eq!(route(&topology, direct, "red"), [0, 2]);
    assert_eq!(route(&topology, direct, "blue"), [1]);
    assert_eq!(route(&topology, direct, ""), []);
    assert_eq!(route(&topology, fanout, "whatever"), [0, 1, 2, 3]);
    let extra = [Arc::from("blue"), Arc::from("red"), Arc::from("none")];
    let keys = Keys { first: "red", extra: &extra };
    assert_eq!(route_with(&topology, direct, keys, &Properties::default()), [0, 1, 2]);
    assert_eq!(route_with(&topology, fanout, keys, &Properties::default()), [0, 1, 2, 3]);
}

#[test]
fn a_key_with_very_many_queues_gains_and_loses_them() {
    let mut topology = topology();
    queues(&mut topology, 700);
    for kind in [NodeKind::Fanout, NodeKind::Direct, NodeKind::Topic] {
        let id = node(&mut topology, &format!("{kind:?}"), kind);
        // 9 has no factor in common with 700: every queue, in another order.
        let order: Vec<u32> = (0..700).map(|n| n * 9 % 700).collect();
        for queue in &order {
            bind(&mut topology, id, *queue, "k");
        }
        bind_with(&mut topology, id, 3, "k", map(&[("again", Value::Null)]));
        assert_eq!(route(&topology, id, "k"), (0..700).collect::<Vec<u32>>());
        for (at, queue) in order.iter().enumerate() {
            let target = Target::Queue(QueueId(*queue));
            assert_eq!(topology.unbind(id, target, "k", &Map::new()), Unbound::Removed);
            if at % 97 == 0 {
                let mut left = [order[at + 1..].to_vec(), vec![3]].concat();
                left.sort_unstable();
                left.dedup();
                assert_eq!(route(&topology, id, "k"), left);
            }
        }
        assert_eq!(route(&topology, id, "k"), [3]);
    }
}

#[test]
fn topics_in_several_pattern_languages() {
    for (wildcards, patterns, keys) in [
        (Wildcards::DOT_STAR_HASH, ["a.b", "a.*", "a.#", "#.b"], ["a.b", "a", "x.b", "a.b.c"]),
        (Wildcards::SLASH_PLUS_HASH, ["a/b", "a/+", "a/#", "#/b"], ["a/b", "a", "x/b", "a/b/c"]),
        (Wildcards::DOT_STAR_ANGLE, ["a.b", "a.*", "a.>", ">.b"], ["a.b", "a", "x.b", "a.b.c"]),
    ] {
        let mut topology = Topology::new(wildcards, 1);
        queues(&mut topology, 4);
        let topic = node(&mut topology, "topic", NodeKind::Topic);
        for (queue, pattern) in patterns.iter().enumerate() {
            bind(&mut topology, topic, queue as u32, pattern);
        }
        let expect: [&[u32]; 4] = [&[0, 1, 2, 3], &[2], &[3], &[2]];
        for (key, expect) in keys.iter().zip(expect) {
            assert_eq!(route(&topology, topic, key), expect, "{key}");
        }
    }
}

#[test]
fn headers_rules() {
    let text = |text| Value::str(text);
    let check = |arguments: &[(&str, Value)], headers: &[(&str, Value)], expect: bool| {
        for padding in [0, 20] {
            let mut topology = topology();
            queues(&mut topology, 1);
            let headers_node = node(&mut topology, "h", NodeKind::Headers);
            bind_with(&mut topology, headers_node, 0, "ignored", map(arguments));
            let mut all = map(headers);
            all.extend((0..padding).map(|n| (Arc::from(format!("pad{n}")), Value::I32(n))));
            let properties = Properties { headers: all, ..Properties::default() };
            let found = !route_with(&topology, headers_node, "key".into(), &properties).is_empty();
            assert_eq!(found, expect, "{arguments:?} on {headers:?}");
        }
    };
    let (a1, b2) = (("a", Value::I32(1)), ("b", text("2")));
    let all = ("x-match", text("all"));
    let any = ("x-match", text("any"));
    check(&[], &[], true);
    check(std::slice::from_ref(&all), std::slice::from_ref(&a1), true);
    check(std::slice::from_ref(&any), std::slice::from_ref(&a1), false);
    check(&[a1.clone(), b2.clone()], &[b2.clone(), a1.clone()], true);
    check(&[a1.clone(), b2.clone()], std::slice::from_ref(&a1), false);
    check(&[any.clone(), a1.clone(), b2.clone()], std::slice::from_ref(&b2), true);
    check(&[any.clone(), a1.clone()], &[("a", Value::I64(1))], true);
    check(&[any.clone(), a1.clone()], &[("a", Value::I64(2))], false);
    check(&[any.clone(), a1.clone()], &[("a", text("1"))], false);
    check(&[("a", Value::Null)], &[("a", Value::Bool(false))], true);
    check(&[("a", Value::Null)], std::slice::from_ref(&b2), false);
    check(&[("a", Value::I32(1))], &[("a", Value::I32(2)), ("a", Value::I32(1))], false);
    // Extension names count only when the rule says so.
    let extension = ("x-kind", text("new"));
    check(&[all.clone(), extension.clone()], &[], true);
    check(&[any.clone(), extension.clone()], std::slice::from_ref(&extension), false);
    check(&[("x-match", text("all-with-x")), extension.clone()], &[], false);
    check(&[("x-match", text("all-with-x")), extension.clone()], std::slice::from_ref(&extension), true);
    check(&[("x-match", text("any-with-x")), extension.clone(), a1], &[extension], true);
}

#[test]
fn a_hash_node_sends_the_same_value_to_one_queue_in_proportion_to_weight() {
    let mut topology = topology();
    queues(&mut topology, 4);
    let by_key = node(&mut topology, "by key", NodeKind::Hash(HashBy::Key));
    let by_header = node(&mut topology, "by header", NodeKind::Hash(HashBy::Header(Arc::from("id"))));
    for (queue, weight) in [(0, "1"), (1, "2"), (2, "5")] {
        bind(&mut topology, by_key, queue, weight);
        bind(&mut topology, by_header, queue, weight);
    }
    let keys: Vec<String> = (0..8_000).map(|n| format!("order.{n}")).collect();
    let places = |topology: &Topology| -> Vec<u32> {
        keys.iter().flat_map(|key| route(topology, by_key, key)).collect()
    };
    let before = places(&topology);
    assert_eq!(before.len(), keys.len());
    for (queue, share) in [(0, 1_000_usize), (1, 2_000), (2, 5_000)] {
        let count = before.iter().filter(|place| **place == queue).count();
        assert!(count.abs_diff(share) < 150, "queue {queue} got {count}");
    }
    for (key, place) in keys.iter().zip(&before).take(50) {
        let properties = Properties { headers: map(&[("id", Value::str(key))]), ..Properties::default() };
        assert_eq!(route_with(&topology, by_header, "x".into(), &properties), [*place]);
    }
    assert_eq!(route(&topology, by_header, "no header"), route(&topology, by_header, "none here"));
    // A new target takes its share and moves nothing else.
    bind(&mut topology, by_key, 3, "8");
    let after = places(&topology);
    assert!(before.iter().zip(&after).all(|(before, after)| before == after || *after == 3));
    topology.remove_queue(QueueId(3));
    assert_eq!(places(&topology), before);
}

#[test]
fn hash_nodes_refuse_what_is_no_weight_and_one_target_too_many() {
    let mut topology = topology();
    queues(&mut topology, MAX_HASH_TARGETS as u32 + 1);
    let hash = node(&mut topology, "hash", NodeKind::Hash(HashBy::Key));
    for key in ["", "0", "-1", "x", "1.5", "1000001"] {
        let refused = topology.bind(hash, Target::Queue(QueueId(0)), key, Map::new());
        assert_eq!(refused, Err(BindError::BadWeight), "{key}");
    }
    for queue in 0..MAX_HASH_TARGETS as u32 {
        bind(&mut topology, hash, queue, "1");
    }
    let last = Target::Queue(QueueId(MAX_HASH_TARGETS as u32));
    assert_eq!(topology.bind(hash, last, "1", Map::new()), Err(BindError::TooManyHashTargets));
    bind(&mut topology, hash, 0, "2");
}

#[test]
fn bindings_are_told_apart_by_all_four_parts() {
    let mut topology = topology();
    queues(&mut topology, 2);
    let topic = node(&mut topology, "t", NodeKind::Topic);
    let queue = Target::Queue(QueueId(0));
    let (ab, ba) = (
        map(&[("a", Value::F64(f64::NAN)), ("b", Value::I32(1))]),
        map(&[("b", Value::I32(1)), ("a", Value::F64(f64::NAN))]),
    );
    bind(&mut topology, topic, 0, "k.*");
    bind(&mut topology, topic, 1, "k.*");
    bind(&mut topology, topic, 0, "k.x");
    bind_with(&mut topology, topic, 0, "k.*", ab.clone());
    let generation = topology.generation();
    assert_eq!(topology.bind(topic, queue, "k.*", ba.clone()), Ok(Bound::Existed));
    assert_eq!(topology.unbind(topic, queue, "k.y", &Map::new()), Unbound::NotBound);
    assert_eq!(topology.generation(), generation, "nothing changed");
    assert_eq!(topology.binding_count(), 4);
    assert_eq!(topology.bindings_from(topic).count(), 4);
    assert_eq!(topology.bindings_to(queue).count(), 3);
    assert_eq!(topology.bindings_to(queue).filter(|binding| binding.arguments.len() == 2).count(), 1);
    assert_eq!(route(&topology, topic, "k.x"), [0, 1]);
    assert_eq!(topology.unbind(topic, queue, "k.*", &Map::new()), Unbound::Removed);
    assert_eq!(route(&topology, topic, "k.y"), [0, 1], "the one with arguments is still there");
    assert_eq!(topology.unbind(topic, queue, "k.*", &ba), Unbound::Removed);
    assert_eq!(route(&topology, topic, "k.y"), [1]);
    assert!(topology.generation() > generation);
}

#[test]
fn refused_bindings_leave_nothing_behind() {
    let mut topology = topology();
    queues(&mut topology, 1);
    let topic = node(&mut topology, "t", NodeKind::Topic);
    let headers = node(&mut topology, "h", NodeKind::Headers);
    let queue = Target::Queue(QueueId(0));
    let generation = topology.generation();
    let long = "x".repeat(MAX_KEY_BYTES + 1);
    let unknown = NodeId(99);
    let bad_rule = map(&[("x-match", Value::str("some"))]);
    let none = Map::new;
    let cases = [
        (topology.bind(NodeId::DEFAULT, queue, "", none()), BindError::DefaultNode),
        (topology.bind(topic, Target::Node(NodeId::DEFAULT), "", none()), BindError::DefaultNode),
        (topology.bind(unknown, queue, "", none()), BindError::UnknownNode(unknown)),
        (topology.bind(topic, Target::Node(unknown), "", none()), BindError::UnknownNode(unknown)),
        (topology.bind(topic, Target::Queue(QueueId(5)), "", none()), BindError::UnknownQueue(QueueId(5))),
        (topology.bind(topic, queue, &long, none()), BindError::KeyTooLong { len_bytes: long.len() }),
        (topology.bind(headers, queue, "", bad_rule), BindError::UnknownMatchRule),
    ];
    for (answer, expect) in cases {
        assert_eq!(answer, Err(expect));
    }
    // B8: at most two.
    assert!(matches!(topology.bind(topic, queue, "#.a.#.b.#", none()), Err(BindError::Pattern(_))));
    assert_eq!((topology.binding_count(), topology.generation()), (0, generation));
}

#[test]
fn auto_delete_nodes_are_reported_when_their_last_binding_goes() {
    let mut topology = topology();
    queues(&mut topology, 2);
    let auto = |topology: &mut Topology, text: &str| {
        let spec = NodeSpec { is_auto_delete: true, ..NodeSpec::new(name(text), NodeKind::Fanout) };
        topology.add_node(spec).unwrap()
    };
    let (first, second) = (auto(&mut topology, "first"), auto(&mut topology, "second"));
    let plain = node(&mut topology, "plain", NodeKind::Fanout);
    let queue = Target::Queue(QueueId(0));
    assert!(topology.is_unused(second));
    link(&mut topology, first, second, "");
    bind(&mut topology, second, 0, "");
    bind(&mut topology, second, 1, "");
    bind(&mut topology, plain, 0, "");
    assert!(!topology.is_unused(second));
    assert_eq!(topology.unbind(second, Target::Queue(QueueId(1)), "", &Map::new()), Unbound::Removed);
    assert_eq!(topology.unbind(plain, queue, "", &Map::new()), Unbound::Removed, "not auto-delete");
    let removed = topology.remove_queue(QueueId(0));
    assert_eq!((removed.bindings.len(), removed.emptied), (1, vec![second]));
    let removed = topology.remove_node(second);
    assert_eq!((removed.bindings.len(), removed.emptied), (1, vec![first]));
    assert_eq!(topology.remove_node(first), Removed::default());
    assert_eq!(topology.remove_node(first), Removed::default());
    assert_eq!(topology.remove_node(NodeId::DEFAULT), Removed::default());
    assert_eq!(topology.node_ids(), [NodeId::DEFAULT, plain]);

    let third = auto(&mut topology, "first");
    assert!(third > second, "ids are not used again");
    bind(&mut topology, third, 1, "");
    assert_eq!(topology.unbind(third, Target::Queue(QueueId(1)), "", &Map::new()), Unbound::RemovedLast);
    link(&mut topology, third, third, "");
    assert_eq!(topology.remove_node(third).bindings.len(), 1, "a binding to itself goes once");
}

#[test]
fn a_name_is_taken_once() {
    let mut topology = topology();
    node(&mut topology, "n", NodeKind::Direct);
    let again = topology.add_node(NodeSpec::new(name("n"), NodeKind::Fanout));
    assert_eq!(again, Err(AddNodeError::NameTaken(name("n"))));
}

#[test]
fn fallbacks_take_what_no_binding_took() {
    let mut topology = topology();
    queues(&mut topology, 3);
    let with_fallback = |topology: &mut Topology, text: &str, kind, fallback: &str| {
        let spec = NodeSpec { fallback: Some(name(fallback)), ..NodeSpec::new(name(text), kind) };
        topology.add_node(spec).unwrap()
    };
    let a = with_fallback(&mut topology, "a", NodeKind::Direct, "b");
    assert_eq!(route(&topology, a, "x"), [], "b is not there yet");
    let b = with_fallback(&mut topology, "b", NodeKind::Direct, "c");
    let c = with_fallback(&mut topology, "c", NodeKind::Topic, "a");
    bind(&mut topology, a, 0, "a");
    bind(&mut topology, b, 1, "b");
    bind(&mut topology, c, 2, "#.c");
    assert_eq!(route(&topology, a, "a"), [0]);
    assert_eq!(route(&topology, a, "b"), [1]);
    assert_eq!(route(&topology, a, "c"), [2]);
    assert_eq!(route(&topology, a, "d"), [], "a chain that ends where it began");
    // A binding to a node counts as taken, even when that node leads nowhere.
    let empty = node(&mut topology, "empty", NodeKind::Fanout);
    link(&mut topology, a, empty, "b");
    assert_eq!(route(&topology, a, "b"), []);
    let keys = Keys { first: "d", extra: &[Arc::from("a")] };
    assert_eq!(route_with(&topology, a, keys, &Properties::default()), [0], "one of the keys was taken");
    assert!(topology.set_fallback(a, None));
    assert_eq!(route(&topology, a, "c"), []);
    assert!(!topology.set_fallback(NodeId(99), None));
}

#[test]
fn cycles_of_nodes_end() {
    let mut topology = topology();
    queues(&mut topology, 40);
    let nodes: Vec<NodeId> =
        (0..40).map(|n| node(&mut topology, &format!("n{n}"), NodeKind::Fanout)).collect();
    for (at, id) in nodes.iter().enumerate() {
        bind(&mut topology, *id, 39 - at as u32, "");
        bind(&mut topology, *id, 0, "again");
        link(&mut topology, *id, nodes[(at + 1) % nodes.len()], "");
        link(&mut topology, *id, nodes[(at + 7) % nodes.len()], "");
        link(&mut topology, *id, *id, "self");
    }
    let expect: Vec<u32> = (0..40).collect();
    assert_eq!(route(&topology, nodes[5], "k"), expect);
}

#[test]
fn properties_are_made_only_for_nodes_that_look_at_them() {
    let mut topology = topology();
    queues(&mut topology, 1);
    let fanout = node(&mut topology, "f", NodeKind::Fanout);
    let headers = node(&mut topology, "h", NodeKind::Headers);
    bind(&mut topology, fanout, 0, "");
    let mut out = RouteResult::default();
    let mut lazy = LazyProperties::new(Properties::default);
    topology.route(fanout, "k".into(), &mut lazy, &mut out).unwrap();
    topology.route(headers, "k".into(), &mut lazy, &mut out).unwrap();
    assert!(lazy.into_made().is_none());
    bind(&mut topology, headers, 0, "");
    let mut lazy = LazyProperties::new(Properties::default);
    topology.route(headers, "k".into(), &mut lazy, &mut out).unwrap();
    assert!(lazy.into_made().is_some());
}

#[test]
fn b8_a_lookup_ends_with_its_budget() {
    let mut topology = topology();
    queues(&mut topology, 2);
    let topic = node(&mut topology, "t", NodeKind::Topic);
    // Every mix of a word and a wildcard over 13 words: 8,192 patterns that all fit one key.
    for mix in 0..1_u32 << 13 {
        let pattern: Vec<&str> = (0..13).map(|bit| if mix >> bit & 1 == 0 { "a" } else { "*" }).collect();
        bind(&mut topology, topic, 0, &pattern.join("."));
    }
    let mut out = RouteResult::default();
    let nothing = &mut Properties::default();
    assert_eq!(topology.route(topic, ["a"; 13].join(".").as_str().into(), nothing, &mut out), Ok(()));
    let keys = Keys { first: &["a"; 13].join("."), extra: &[Arc::from(["a"; 13].join("."))] };
    assert_eq!(topology.route(topic, keys, nothing, &mut out), Err(RouteError::TooManySteps));
    assert!(out.queues().is_empty());
    let keys = Keys { first: "b", extra: &vec![Arc::from(""); STEP_BUDGET] };
    assert_eq!(topology.route(topic, keys, nothing, &mut out), Err(RouteError::TooManySteps));
    assert_eq!(
        topology.route(NodeId(77), "".into(), nothing, &mut out),
        Err(RouteError::UnknownNode(NodeId(77)))
    );
}

#[test]
fn the_cache_answers_as_the_topology_does() {
    let mut topology = topology();
    queues(&mut topology, 3);
    let topic = node(&mut topology, "t", NodeKind::Topic);
    let headers = node(&mut topology, "h", NodeKind::Headers);
    link(&mut topology, topic, headers, "h");
    bind(&mut topology, topic, 0, "a.*");
    bind_with(&mut topology, headers, 2, "", map(&[("yes", Value::Null)]));
    let mut cache = RouteCache::new(16, 3);
    let mut out = RouteResult::default();
    let yes = Properties { headers: map(&[("yes", Value::Null)]), ..Properties::default() };
    let mut ask = |topology: &Topology, key: &str, properties: &Properties| -> Vec<u32> {
        let mut properties = properties.clone();
        let found = cache.route(topology, topic, key.into(), &mut properties, &mut out).unwrap();
        found.iter().map(|queue| queue.0).collect()
    };
    for _ in 0..4 {
        assert_eq!(ask(&topology, "a.b", &yes), [0]);
        assert_eq!(ask(&topology, "h", &yes), [2]);
        assert_eq!(ask(&topology, "h", &Properties::default()), []);
        assert_eq!(ask(&topology, "none", &yes), []);
        for unique in 0..200 {
            assert_eq!(ask(&topology, &format!("a.{unique}"), &yes), [0]);
        }
    }
    bind(&mut topology, topic, 1, "a.b");
    assert_eq!(ask(&topology, "a.b", &yes), [0, 1]);
    topology.remove_queue(QueueId(0));
    assert_eq!(ask(&topology, "a.b", &yes), [1]);
}

#[test]
fn a_topology_can_go_to_another_thread() {
    fn check<T: Send>() {}
    check::<Topology>();
    check::<RouteCache>();
    check::<RouteResult>();
}
