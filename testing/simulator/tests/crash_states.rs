//! T2: every moment of a run as its last, and every call to the disk as the one that fails.

use ternmq_simulator::{CrashStates, Plan, check_crash_states, check_failing_calls};

/// Lives with clients known by name have more moments, and those of even seeds have the smallest segments.
fn plan(seed: u64, operations: u64) -> Plan {
    Plan { operations, has_peers: !seed.is_multiple_of(2), ..Plan::of_seed(seed) }
}

#[track_caller]
fn check(plan: &Plan, per_change: u64) -> CrashStates {
    check_crash_states(plan, per_change).unwrap_or_else(|failure| panic!("{failure}"))
}

#[test]
fn t2_every_crash_state_keeps_every_promise() {
    let mut states = 0;
    for seed in 1..=4 {
        let report = check(&plan(seed, 100), 3);
        assert!(report.changes >= 100 && report.events >= 200, "{report:?}");
        states += report.states;
    }
    assert!(states >= 1_500, "only {states} states");
}

#[test]
fn t2_whichever_call_fails_every_promise_is_kept() {
    for (seed, stride) in [(1, 5), (2, 23), (3, 5)] {
        let runs = check_failing_calls(&plan(seed, 80), stride).unwrap_or_else(|failure| panic!("{failure}"));
        assert!(runs >= 40, "only {runs} runs");
    }
}
