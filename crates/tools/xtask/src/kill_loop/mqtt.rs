//! The loop over MQTT: the scenario `paho-kills`, with as many kills as asked for.
//!
//! A client of MQTT keeps its session through a kill, so its history can't be cut into lives of the broker: the scenario's own clients
//! go on by themselves, and it judges what they saw.

use std::time::Duration;

use anyhow::Result;

use super::Plan;
use crate::test::scenarios;
use crate::test::tally::Case;
use crate::test::workshop::Workshop;

const SCENARIO: &str = "paho-kills";
/// A client waits a second before it connects again, and then the messages that waited have to come through.
const CYCLE_LIMIT: Duration = Duration::from_secs(4);
/// Beside the cycles: installing, the beginning, and the end when the broker does not do what it should.
const REST_LIMIT: Duration = Duration::from_secs(120);

/// Runs it and gives its cases.
pub(crate) fn run(shop: &Workshop, plan: &Plan) -> Result<Vec<Case>> {
    let variables = [("KILL_CYCLES", plan.cycles.to_string()), ("KILL_SEED", plan.seed.to_string())];
    scenarios::run_with(shop, scenarios::named(SCENARIO)?, &variables, CYCLE_LIMIT * plan.cycles + REST_LIMIT)
}
