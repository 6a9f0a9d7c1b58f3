//! kill -9 at every step of create, update, reboot and delete: no broker lost, none doubled, no port or directory
//! leaked, the caller's token honoured.

use std::sync::Arc;

use serde_json::{Value, json};
use ternmq_fakes::{FakeClock, FakeDisk, Fault};
use ternmq_fleet::{Provisioner, SimulatedFault, SimulatedFleet, Step};

use super::rig::{NOW_MS, REGION, Rig, activemq};
use crate::records::Broker;
use crate::testing::store_on;

/// Steps of the fleet at which a service can die.
const STEPS: [Step; 16] = [
    Step::Drain,
    Step::Directory,
    Step::Ports,
    Step::Certificate,
    Step::Spec,
    Step::Start,
    Step::Ready,
    Step::Rules,
    Step::PutUser,
    Step::Grant,
    Step::DeleteUser,
    Step::SetGrants,
    Step::MarkRemoved,
    Step::Stop,
    Step::Delete,
    Step::ReleasePorts,
];

/// The next life of a service: on the same disk and the same nodes.
pub(super) fn next_life(rig: &Rig) -> Rig {
    rig.fleet.revive();
    Rig::on(rig.disk.killed(), rig.fleet.clone(), rig.clock.clone())
}

pub(super) fn work_off(rig: &Rig) {
    rig.service.take_stock().unwrap();
    for broker in brokers(rig) {
        rig.reconcile(&broker.id);
    }
}

fn brokers(rig: &Rig) -> Vec<Broker> {
    rig.service.store.view().unwrap().scan(&Broker::prefix(REGION), "", 100).unwrap()
}

/// What a person does with a broker, call by call, each made again until it is answered.
fn story(id: Option<&str>) -> Vec<(&'static str, String, Value)> {
    let mut create = activemq("orders");
    create["creatorRequestId"] = "token-1".into();
    let path = id.map_or_else(String::new, |id| format!("/v1/brokers/{id}"));
    let mut calls = vec![("POST", "/v1/brokers".to_owned(), create)];
    if id.is_some() {
        let bob = json!({"password": "another good password"});
        calls.push(("PUT", path.clone(), json!({"logs": {"general": true}})));
        calls.push(("POST", format!("{path}/users/bob"), bob));
        calls.push(("DELETE", format!("{path}/users/ann"), Value::Null));
        calls.push(("POST", format!("{path}/reboot"), Value::Null));
        calls.push(("DELETE", path, Value::Null));
    }
    calls
}

/// Goes through the story on one life after the other; `harm` hurts the first. Gives how often a service died.
fn live(harm: impl FnOnce(&Rig)) -> u32 {
    live_with(harm, |_| ())
}

/// The same; `last` looks at the last life.
fn live_with(harm: impl FnOnce(&Rig), last: impl FnOnce(&Rig)) -> u32 {
    let clock = Arc::new(FakeClock::new());
    clock.set_wall_ms(NOW_MS);
    let mut rig = Rig::on(FakeDisk::new(), Arc::new(SimulatedFleet::new()), clock);
    harm(&rig);
    let (mut deaths, mut id) = (0, None);
    for number in 0..6 {
        loop {
            let (method, path, body) = story(id.as_deref()).swap_remove(number);
            let answer = rig.call(method, &path, &body);
            let worked = brokers_if_alive(&rig).is_some_and(|brokers| {
                brokers.iter().all(|broker| rig.service.reconcile(REGION, &broker.id).is_ok())
            });
            if answer.status < 500 && worked {
                // A call that was answered before the death is found done by the one that repeats it.
                let is_done = matches!(answer.status, 200 | 404 | 409);
                assert!(is_done, "{method} {path}: {answer:?}");
                id = id.or_else(|| answer.body["brokerId"].as_str().map(str::to_owned));
                break;
            }
            deaths += 1;
            assert!(deaths < 10, "it dies for ever");
            rig = next_life(&rig);
            work_off(&rig);
        }
        check(&rig, number, id.as_deref());
    }
    last(&rig);
    deaths
}

fn brokers_if_alive(rig: &Rig) -> Option<Vec<Broker>> {
    rig.service.store.view().ok()?.scan(&Broker::prefix(REGION), "", 100).ok()
}

fn check(rig: &Rig, number: usize, id: Option<&str>) {
    let known = brokers(rig);
    let nodes = rig.fleet.list().unwrap();
    if number == 5 {
        assert!(known.is_empty() && nodes.is_empty(), "{known:?} {nodes:?}");
        assert_eq!(rig.fleet.taken_ports(), 0);
        return;
    }
    assert_eq!((known.len(), nodes.len()), (1, 1), "{known:?} {nodes:?}");
    assert_eq!(known[0].state.name(), "RUNNING");
    assert_eq!(Some(known[0].id.as_str()), id);
    if number == 4 {
        let users: Vec<String> = rig.fleet.users(&nodes[0]).into_iter().map(|user| user.name).collect();
        assert_eq!(users, ["bob"]);
        assert!(known[0].settings.logs.general && !known[0].has_pending());
    }
}

#[test]
fn without_harm_nobody_dies() {
    assert_eq!(live(|_| ()), 0);
}

#[test]
fn a_service_that_dies_in_the_fleet_goes_on() {
    let mut deaths = 0;
    for step in STEPS {
        deaths += live(|rig| rig.fleet.fail_at(step, SimulatedFault::Crash));
    }
    assert!(deaths >= 12, "only {deaths} steps were reached");
}

#[test]
fn a_service_whose_disk_fails_at_any_call_goes_on() {
    let (mut calls, mut opened) = (0, 0);
    let count = |rig: &Rig| rig.disk.calls();
    live_with(|rig| opened = count(rig), |rig| calls = count(rig));
    let mut deaths = 0;
    for number in opened..calls {
        deaths += live(|rig| rig.disk.fail_call(number, Fault::Device));
    }
    assert!(deaths > 60, "only {deaths} of the calls {opened} to {calls} were reached");
}

/// Power is lost at a moment between two changes of the disk: what was answered is there (the audit record with it).
#[test]
fn what_was_answered_survives_the_loss_of_power() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    for seed in 0..20 {
        let store = store_on(Arc::new(rig.disk.crash(seed)));
        let broker: Option<Broker> = store.view().unwrap().get(&Broker::key_of(REGION, &id)).unwrap();
        assert_eq!(broker.unwrap().state.name(), "RUNNING");
        assert_eq!(crate::audit::verify(&store).unwrap().broken_at, None);
    }
}

/// A full disk stops the service, as a call without its record is not answered; with room again it goes on.
#[test]
fn a_service_with_a_full_disk_goes_on_when_there_is_room() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    rig.disk.set_capacity_bytes(Some(rig.disk.used_bytes()));
    let mut failed = 0;
    for number in 0..200 {
        failed += u32::from(
            rig.call(
                "POST",
                "/v1/configurations",
                &json!({"engineType": "RABBITMQ", "name": format!("c{number}")}),
            )
            .status
                == 500,
        );
    }
    assert!(failed > 0, "the disk was never full");
    rig.disk.set_capacity_bytes(None);
    assert_eq!(rig.state(&id), "RUNNING");
    assert_eq!(crate::audit::verify(&rig.service.store).unwrap().broken_at, None);
}

/// After a failed sync nobody knows what is on the disk: only a new process may look (F3).
#[test]
fn f3_a_failed_sync_is_final() {
    let rig = Rig::new();
    let id = rig.broker(&activemq("orders"));
    let mut answered = Vec::new();
    for number in rig.disk.calls()..rig.disk.calls() + 60 {
        rig.disk.fail_call(number, Fault::Device);
    }
    answered.push(rig.get(&format!("/v1/brokers/{id}")).status);
    answered.extend((0..5).map(|_| rig.get(&format!("/v1/brokers/{id}")).status));
    assert!(answered.iter().all(|status| *status == 500), "{answered:?}");
    assert_eq!(next_life(&rig).state(&id), "RUNNING");
}
