//! Principals and the disk: a change of them is whole or absent, in the store, in memory and in the audit log.

use std::sync::Arc;

use serde_json::Value;
use ternmq_fakes::{FakeClock, FakeDisk, Fault};
use ternmq_fleet::SimulatedFleet;

use super::rig::{NOW_MS, Rig, Xml, root};

const POLICY: &str = r#"{"Statement":{"Effect":"Allow","Action":"mq:List*","Resource":"*"}}"#;

/// What gives somebody access, call by call.
const STORY: [(&str, &[(&str, &str)]); 3] = [
    ("CreateUser", &[("UserName", "ann")]),
    ("CreateAccessKey", &[("UserName", "ann")]),
    ("PutUserPolicy", &[("UserName", "ann"), ("PolicyName", "p"), ("PolicyDocument", POLICY)]),
];

fn kept(rig: &Rig) -> Vec<(String, Vec<u8>)> {
    rig.service.store.view().unwrap().identity().unwrap()
}

/// How many calls of the story were done, by the store, by memory, and by the log.
fn done(rig: &Rig) -> (usize, usize, usize) {
    let of_store = kept(rig).len();
    let directory = rig.service.principals.read();
    let user = directory.get_user("ann").ok();
    let keys = directory.list_access_keys("ann", &ternmq_identity::directory::Page::default());
    let in_memory = usize::from(user.is_some()) + keys.map_or(0, |keys| keys.items.len());
    let has_policy = user.is_some_and(|user| user.grants.inline.contains_key("p"));
    let changes = STORY.map(|(action, _)| action);
    // A repetition leaves a record too, and does nothing.
    let is_done = |record: &Value| {
        record["errorCode"].is_null()
            && record["additionalEventData"].is_null()
            && changes.iter().any(|action| record["eventName"] == *action)
    };
    let logged = rig.audit().iter().filter(|record| is_done(record)).count();
    // The policy is kept with its user: it is no record of its own.
    (of_store + usize::from(has_policy), in_memory + usize::from(has_policy), logged)
}

/// Goes through the story, on one life after the other; each call that fails is sent again as it was, by its signature.
/// Gives how many calls failed, and how often a service died.
fn live(harm: impl FnOnce(&Rig), last: impl FnOnce(&Rig)) -> (u32, u32) {
    let clock = Arc::new(FakeClock::new());
    clock.set_wall_ms(NOW_MS);
    let mut rig = Rig::on(FakeDisk::new(), Arc::new(SimulatedFleet::new()), clock);
    harm(&rig);
    let (mut failed, mut deaths, mut answers) = (0, 0, Vec::<Xml>::new());
    for (number, (action, members)) in STORY.iter().enumerate() {
        let request = rig.sign_query(&root(), "iam", action, members);
        let answer = loop {
            // A store whose write failed is opened again; one whose sync failed is for the next life only.
            let tries = (0..2).map(|_| rig.send_query(&request, &root()));
            let mut tries = tries.inspect(|answer| failed += u32::from(answer.status >= 500));
            if let Some(answer) = tries.find(|answer| answer.status < 500) {
                break answer;
            }
            deaths += 1;
            assert!(deaths < 10, "it dies for ever");
            rig = Rig::on(rig.disk.killed(), rig.fleet.clone(), rig.clock.clone());
            let (of_store, in_memory, logged) = done(&rig);
            assert!((number..=number + 1).contains(&of_store), "{action}: {of_store}");
            assert_eq!((in_memory, logged), (of_store, of_store), "{action}");
        };
        assert_eq!(answer.status, 200, "{action}: {}", answer.text);
        assert_eq!(done(&rig), (number + 1, number + 1, number + 1), "{action}");
        answers.push(answer);
    }
    last(&rig);
    let rig = Rig::on(rig.disk.killed(), rig.fleet.clone(), rig.clock.clone());
    let key = answers[1].key();
    assert_eq!(rig.call_as(&key, "GET", "/v1/brokers", &Value::Null).status, 200);
    assert_eq!(crate::audit::verify(&rig.service.store).unwrap().broken_at, None);
    (failed, deaths)
}

#[test]
fn access_is_given_whole_whichever_call_of_the_disk_fails() {
    let (mut calls, mut opened) = (0, 0);
    live(|rig| opened = rig.disk.calls(), |rig| calls = rig.disk.calls());
    let (mut failed, mut deaths) = (0, 0);
    for number in opened..calls {
        let (more, died) = live(|rig| rig.disk.fail_call(number, Fault::Device), |_| ());
        (failed, deaths) = (failed + more, deaths + died);
    }
    assert!(failed >= 12 && deaths > 0, "{failed} failed, {deaths} died, calls {opened} to {calls}");
}

/// Memory is not ahead of the disk: what could not be kept does not count, neither is it recorded as done.
#[test]
fn a_change_that_cannot_be_kept_does_not_count() {
    let rig = Rig::new();
    rig.done(STORY[0].0, STORY[0].1);
    let (before, records) = (kept(&rig), rig.audit().len());
    for number in rig.disk.calls()..rig.disk.calls() + 64 {
        rig.disk.fail_call(number, Fault::Device);
    }
    assert_eq!(rig.iam(STORY[1].0, STORY[1].1).status, 500);
    let memory = rig.service.principals.read();
    let keys = memory.list_access_keys("ann", &ternmq_identity::directory::Page::default()).unwrap();
    assert!(keys.items.is_empty());
    drop(memory);
    let again = Rig::on(rig.disk.killed(), rig.fleet.clone(), rig.clock.clone());
    assert_eq!(kept(&again), before);
    assert_eq!(again.audit().len(), records);
}

/// Power is lost at any moment after the answer: the user, its key and the records are there.
#[test]
fn what_was_answered_survives_the_loss_of_power() {
    let rig = Rig::new();
    for (action, members) in STORY {
        rig.done(action, members);
    }
    for seed in 0..20 {
        let again = Rig::on(rig.disk.crash(seed), rig.fleet.clone(), rig.clock.clone());
        assert_eq!(done(&again), (3, 3, 3));
    }
}
