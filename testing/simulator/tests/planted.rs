//! Planted faults prove that the checker catches each kind; a run without one passes and repeats exactly.

use ternmq_simulator::{Plan, Sabotage, check_crash_states, run_seed};

/// Seeds tried until a fault shows: not every run comes to the place where it matters.
const SEEDS: u64 = 400;

/// The fault is planted in one run after the other until the checker names one of the promises that it breaks.
#[track_caller]
fn check(sabotage: Sabotage, expect: &[&str]) {
    let mut others = Vec::new();
    for seed in 1..=SEEDS {
        // What breaks a promise to a client known by name, about a branch or a schedule, often hides what else is broken.
        let (has_peers, has_branches) = (seed.is_multiple_of(2), seed.is_multiple_of(3));
        let has_schedules = seed.is_multiple_of(5);
        let has_wides = seed.is_multiple_of(4);
        let mut plan = Plan { has_peers, has_branches, has_schedules, has_wides, ..Plan::of_seed(seed) };
        plan.tuning.sabotage = sabotage;
        match run_seed(&plan).map_err(|failure| failure.violation.invariant) {
            Err(invariant) if expect.contains(&invariant) => return,
            Err(invariant) => others.push(invariant),
            Ok(_) => {}
        }
    }
    panic!("{sabotage:?}: found {others:?} in {SEEDS} runs, never one of {expect:?}");
}

#[test]
fn i1_a_recovery_that_overlooks_messages_is_caught() {
    check(Sabotage::OverlookMessages, &["I1"]);
}

#[test]
fn i1_a_delivery_that_is_lost_on_its_way_is_caught() {
    check(Sabotage::SwallowDeliveries, &["I1", "I5"]);
}

#[test]
fn i2_a_changed_body_is_caught() {
    check(Sabotage::ChangeBodies, &["I2"]);
}

#[test]
fn i3_a_recovery_that_overlooks_settlements_is_caught() {
    check(Sabotage::OverlookSettles, &["I3"]);
}

#[test]
fn i4_a_delivery_made_twice_is_caught() {
    check(Sabotage::DeliverTwice, &["I4"]);
}

#[test]
fn i4_a_second_delivery_that_is_not_marked_is_caught() {
    check(Sabotage::HideRedelivery, &["I4"]);
}

#[test]
fn i5_deliveries_that_change_places_are_caught() {
    check(Sabotage::SwapDeliveries, &["I5"]);
}

/// Only a crash in the middle of a write can tear a group, so every moment of a run is tried as the last one.
#[test]
fn i6_a_group_that_is_not_written_as_one_is_caught() {
    let mut others = Vec::new();
    for seed in 1..=12_u64 {
        let has_peers = !seed.is_multiple_of(2);
        let mut plan =
            Plan { operations: 60, has_peers, has_schedules: false, has_wides: false, ..Plan::of_seed(seed) };
        plan.tuning.sabotage = Sabotage::SplitGroups;
        match check_crash_states(&plan, 4).map_err(|failure| failure.violation.invariant) {
            Err("I6") => return,
            Err(invariant) => others.push(invariant),
            Ok(_) => {}
        }
    }
    panic!("found {others:?}, never I6");
}

#[test]
fn i8_a_log_that_lies_about_durability_is_caught() {
    check(Sabotage::LieAboutDurability, &["I1"]);
}

#[test]
fn i10_a_declaration_answered_too_early_is_caught() {
    check(Sabotage::LieAboutDurability, &["I10"]);
}

#[test]
fn i10_a_recovery_that_overlooks_definitions_is_caught() {
    check(Sabotage::OverlookDefinitions, &["I10"]);
}

#[test]
fn a_recovery_that_overlooks_tokens_of_clients_is_caught() {
    check(Sabotage::OverlookTaken, &["PUBREC"]);
}

#[test]
fn a_recovery_that_overlooks_that_tokens_were_forgotten_is_caught() {
    check(Sabotage::OverlookForgotten, &["PUBREC"]);
}

#[test]
fn a_recovery_that_overlooks_tokens_of_the_broker_is_caught() {
    check(Sabotage::OverlookReleased, &["PUBCOMP"]);
}

#[test]
fn a_release_that_is_not_kept_is_caught() {
    check(Sabotage::DropReleases, &["PUBCOMP"]);
}

#[test]
fn a_recovery_that_overlooks_wills_is_caught() {
    check(Sabotage::OverlookWills, &["SUBACK"]);
}

#[test]
fn a_will_that_is_published_twice_is_caught() {
    check(Sabotage::OverlookWithdrawnWills, &["I3", "I4", "SUBACK"]);
}

#[test]
fn a_will_that_was_taken_back_and_is_published_is_caught() {
    check(Sabotage::PublishWithdrawnWills, &["SUBACK"]);
}

#[test]
fn a_recovery_that_overlooks_retained_messages_is_caught() {
    check(Sabotage::OverlookRetained, &["PUBACK"]);
}

#[test]
fn a_client_that_was_forgotten_and_comes_back_is_caught() {
    check(Sabotage::OverlookEnds, &["SUBACK"]);
}

#[test]
fn t2_crash_states_catch_a_log_that_lies() {
    let mut plan = Plan {
        operations: 40,
        has_peers: false,
        has_branches: false,
        has_schedules: false,
        has_wides: false,
        ..Plan::of_seed(1)
    };
    plan.tuning.sabotage = Sabotage::LieAboutDurability;
    let failure = check_crash_states(&plan, 2).unwrap_err();
    assert!(["I1", "I10"].contains(&failure.violation.invariant), "{failure}");
}

#[test]
fn t1_a_run_without_a_fault_passes_and_repeats_exactly() {
    for seed in 1..=20 {
        let plan = Plan::of_seed(seed);
        let first = run_seed(&plan).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(first, run_seed(&plan).unwrap_or_else(|failure| panic!("{failure}")), "seed {seed}");
    }
}

#[test]
fn i6_a_recovery_that_overlooks_prepared_branches_is_caught() {
    check(Sabotage::OverlookBranches, &["I6"]);
}

#[test]
fn i6_a_recovery_that_overlooks_decisions_is_caught() {
    check(Sabotage::OverlookDecisions, &["I6"]);
}

#[test]
fn i1_a_recovery_that_overlooks_scheduled_messages_is_caught() {
    check(Sabotage::OverlookScheduled, &["I1"]);
}

#[test]
fn i3_a_scheduled_message_that_comes_after_it_came_is_caught() {
    check(Sabotage::OverlookCome, &["I3"]);
}

#[test]
fn i4_a_scheduled_message_that_comes_again_unmarked_is_caught() {
    check(Sabotage::HideRepeats, &["I4"]);
}

#[test]
fn f6_a_scheduled_message_that_comes_too_early_is_caught() {
    check(Sabotage::HurrySchedules, &["F6"]);
}

#[test]
fn i11_a_consumer_of_several_queues_that_gets_too_much_is_caught() {
    check(Sabotage::WidenWindows, &["I11"]);
}
