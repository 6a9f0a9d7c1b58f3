//! Nodes as a service runs them: real processes of this binary under a fleet.
#![allow(clippy::unwrap_used, reason = "tests")]

#[path = "support/fleet.rs"]
mod support;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::ops::ControlFlow;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use support::{PASSWORD, Rig, everybody, log_in_amqp, log_in_stomp, name, spec, user};
use ternmq_fleet::{
    Engine, FleetError, GrantAct, GrantEffect, GrantKind, GrantNames, GrantRule, LogKind, NodeFacts,
    NodeGrants, NodeLogs, NodeName, NodeSpec, NodeState, ProcessFleet, ProcessSettings, Provisioner, Reach,
    Step, StepHook, UserGrants,
};

fn at(facts: &NodeFacts, listener: &str) -> SocketAddr {
    facts.listeners[listener]
}

/// Waits until the node serves in another process, however long that takes.
fn wait_for_next(rig: &Rig, node: &NodeName, before: u32) -> NodeFacts {
    loop {
        let facts = rig.fleet().inspect(node).unwrap().unwrap();
        if facts.state == NodeState::Running && facts.pid != Some(before) {
            return facts;
        }
        thread::yield_now();
    }
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

#[test]
fn a_node_serves_whoever_trusts_the_ca_and_goes_without_a_trace() {
    let rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    assert_eq!(rig.fleet().inspect(&spec.name).unwrap(), None);
    assert!(matches!(rig.fleet().put_user(&spec.name, &user()), Err(FleetError::Unknown { .. })));
    let made = rig.fleet().converge(&spec).unwrap();
    assert_eq!(made.state, NodeState::Running);
    let names: Vec<&str> = made.listeners.keys().map(String::as_str).collect();
    assert_eq!(names, ["amqps", "https"]);
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    log_in_amqp(&mut rig.connect(at(&made, "amqps")), PASSWORD).unwrap();
    log_in_amqp(&mut rig.connect(at(&made, "amqps")), "wrong").unwrap_err();
    assert_eq!(rig.get(at(&made, "https"), "/api/queues/%2F").unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(rig.get(at(&made, "https"), "/api/users").unwrap(), "HTTP/1.1 200 OK", "an administrator");
    let overview = rig.answer(at(&made, "https"), "/api/overview").unwrap();
    assert!(overview.contains("\"rabbitmq_version\":\"4.2.1\""), "{overview}");
    assert_eq!(rig.get(at(&made, "https"), "/control/status").unwrap(), "HTTP/1.1 404 Not Found");
    assert_eq!(rig.fleet().converge(&spec).unwrap(), made, "nothing differs, nothing happens");
    assert_eq!(rig.fleet().inspect(&spec.name).unwrap(), Some(made.clone()));
    rig.fleet().delete_user(&spec.name, "nobody").unwrap();
    rig.fleet().delete_user(&spec.name, support::USER).unwrap();
    assert_eq!(rig.get(at(&made, "https"), "/api/overview").unwrap(), "HTTP/1.1 401 Unauthorized");
    let audit = rig.log(&spec.name, "audit.log");
    assert!(
        audit.contains("path=\"/api/users/ann\" by=\"control\"") && audit.contains("login refused"),
        "{audit}"
    );
    let connections = rig.log(&spec.name, "connection.log");
    assert!(
        connections.contains("a client has logged in") || connections.contains("a login was refused"),
        "{connections}"
    );
    assert!(rig.log(&spec.name, "general.log").contains("ready"));
    let mut lines = Vec::new();
    let mut take = |line: &str| {
        lines.push(line.to_owned());
        ControlFlow::Continue(())
    };
    rig.fleet().read_log(&spec.name, LogKind::Audit, &mut take).unwrap();
    assert_eq!(lines.join("\n"), rig.log(&spec.name, "audit.log").trim_end());

    rig.fleet().remove(&spec.name).unwrap();
    rig.fleet().remove(&spec.name).unwrap();
    assert_eq!(rig.fleet().list().unwrap(), []);
    assert_eq!((rig.fleet().taken_ports(), rig.fleet().inspect(&spec.name).unwrap()), (0, None));
    assert!(
        !rig.dir(&spec.name).exists() && !PathBuf::from(format!("/proc/{}/exe", made.pid.unwrap())).exists()
    );
    for address in made.listeners.values() {
        TcpListener::bind(address).unwrap();
    }
}

#[test]
fn an_activemq_node_has_its_listeners_and_limits() {
    let rig = Rig::new();
    let mut spec = spec(1, Engine::ActiveMq);
    spec.limits.connections = 1;
    spec.logs = NodeLogs { connection: true, ..NodeLogs::default() };
    spec.reach = Reach::Public;
    let mut made = rig.fleet().converge(&spec).unwrap();
    for address in made.listeners.values_mut() {
        assert!(address.ip().is_unspecified());
        address.set_ip([127, 0, 0, 1].into());
    }
    let names: Vec<&str> = made.listeners.keys().map(String::as_str).collect();
    assert_eq!(names, ["amqps", "https", "mqtts", "openwires", "stomps", "wss"]);
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    let mut first = rig.connect(at(&made, "stomps"));
    assert_eq!(log_in_stomp(&mut first).unwrap(), "CONNECTED");
    log_in_stomp(&mut rig.connect(at(&made, "stomps"))).unwrap_err();
    assert_eq!(rig.get(at(&made, "https"), "/api/overview").unwrap(), "HTTP/1.1 200 OK");
    assert_eq!(
        rig.get(at(&made, "https"), "/api/users").unwrap(),
        "HTTP/1.1 401 Unauthorized",
        "the console only"
    );
    let log = rig.log(&spec.name, "connection.log");
    assert!(log.contains("Reached Maximum Connections") && log.contains("a client has logged in"), "{log}");
    assert_eq!(rig.log(&spec.name, "general.log"), "");
    drop(first);
}

#[test]
fn a_node_that_is_killed_comes_back_where_it_was() {
    let rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    let before = made.pid.unwrap();
    kill(before);
    let again = wait_for_next(&rig, &spec.name, before);
    assert_eq!(again.listeners, made.listeners);
    log_in_amqp(&mut rig.connect(at(&again, "amqps")), PASSWORD).unwrap();
    assert_eq!(rig.processes(&spec.name), [again.pid.unwrap()]);
}

#[test]
fn a_node_that_dies_while_it_starts_is_told_and_started_again() {
    let mut rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    let root = rig.root().to_path_buf();
    let is_armed = AtomicBool::new(true);
    let hook: StepHook = Arc::new(move |node, step| {
        if step == Step::Ready && is_armed.swap(false, Ordering::SeqCst) {
            let path = root.join("nodes").join(node.to_string());
            let note: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(path.join("pid.json")).unwrap()).unwrap();
            kill(note["pid"].as_u64().unwrap().try_into().unwrap());
        }
        Ok(())
    });
    rig.open(ProcessSettings { on_step: Some(hook), ..ProcessSettings::default() });
    match rig.fleet().converge(&spec) {
        Err(FleetError::Start { reason, .. }) => assert!(reason.contains("signal 9"), "{reason}"),
        // It had served already when it was killed, and is as dead.
        Err(FleetError::Unreachable { .. }) => {}
        other => panic!("{other:?}"),
    }
    let facts = wait_for_next(&rig, &spec.name, 0);
    assert_eq!(rig.processes(&spec.name), [facts.pid.unwrap()]);
    assert_eq!(rig.fleet().converge(&spec).unwrap().pid, facts.pid);
}

#[test]
fn a_stranger_at_the_socket_is_not_talked_to() {
    let rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    rig.fleet().converge(&spec).unwrap();
    let dir = rig.dir(&spec.name);
    std::fs::remove_file(dir.join("control.sock")).unwrap();
    let opened = std::fs::OpenOptions::new().read(true).open(&dir).unwrap();
    let short = format!("/proc/self/fd/{}/control.sock", opened.as_raw_fd());
    let stranger = UnixListener::bind(short).unwrap();
    assert!(matches!(rig.fleet().put_user(&spec.name, &user()), Err(FleetError::Stranger { .. })));
    assert!(matches!(rig.fleet().converge(&spec), Err(FleetError::Stranger { .. })));
    let (mut asked, _) = stranger.accept().unwrap();
    let mut said = Vec::new();
    asked.read_to_end(&mut said).unwrap();
    assert!(said.is_empty(), "not a byte");
    // It can still be stopped: by its number, which is certain.
    rig.fleet().remove(&spec.name).unwrap();
}

#[test]
fn nodes_live_on_without_the_fleet_and_are_adopted() {
    let mut rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    let mut client = rig.connect(at(&made, "amqps"));
    log_in_amqp(&mut client, PASSWORD).unwrap();
    let other = ProcessFleet::open(rig.root(), "ternmq".into(), ProcessSettings::default());
    assert!(matches!(other.err(), Some(FleetError::RootInUse { .. })));
    rig.close();
    assert_eq!(rig.processes(&spec.name), [made.pid.unwrap()]);
    rig.open(ProcessSettings::default());
    assert_eq!(rig.fleet().inspect(&spec.name).unwrap(), Some(made.clone()));
    assert_eq!(rig.fleet().converge(&spec).unwrap(), made);
    // One that died meanwhile is started by the next fleet.
    rig.close();
    kill(made.pid.unwrap());
    rig.open(ProcessSettings::default());
    let again = wait_for_next(&rig, &spec.name, made.pid.unwrap());
    assert_eq!(again.listeners, made.listeners);
}

#[test]
fn an_adopted_node_is_found_without_its_number() {
    let mut rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    rig.close();
    std::fs::remove_file(rig.dir(&spec.name).join("pid.json")).unwrap();
    rig.open(ProcessSettings::default());
    let found = rig.fleet().inspect(&spec.name).unwrap().unwrap();
    assert_eq!((found.pid, found.state), (made.pid, NodeState::Running));
    // The node itself says when it was started, a moment after the fleet had started it.
    assert!(found.started_unix_ms >= made.started_unix_ms);
    rig.fleet().remove(&spec.name).unwrap();
    assert_eq!(rig.fleet().list().unwrap(), []);
}

/// Fails once at a step.
#[test]
fn a_newer_build_is_noticed_and_runs_after_a_reboot() {
    let mut rig = Rig::new();
    let mut spec = spec(1, Engine::RabbitMq);
    let first = rig.fleet().converge(&spec).unwrap();
    assert!(!rig.fleet().has_newer_program(&spec.name).unwrap());
    let program = rig.root().join("ternmq-newer");
    std::fs::copy(env!("CARGO_BIN_EXE_ternmq"), &program).unwrap();
    rig.open_with(program.clone(), ProcessSettings::default());
    assert!(!rig.fleet().has_newer_program(&spec.name).unwrap(), "the same bytes are the same build");
    // What follows the program in its file is not looked at when it is run.
    std::fs::OpenOptions::new().append(true).open(&program).unwrap().write_all(b"newer").unwrap();
    assert!(rig.fleet().has_newer_program(&spec.name).unwrap());
    assert_eq!(rig.fleet().converge(&spec).unwrap(), first, "a newer build alone restarts nothing");
    spec.incarnation += 1;
    let next = rig.fleet().converge(&spec).unwrap();
    assert_ne!(next.pid, first.pid);
    assert!(!rig.fleet().has_newer_program(&spec.name).unwrap());
    log_in_amqp(&mut rig.connect(at(&next, "amqps")), PASSWORD).unwrap_err();
}

fn fail_at(step: Step) -> ProcessSettings {
    let is_armed = AtomicBool::new(true);
    let hook: StepHook = Arc::new(move |_, at| {
        if at == step && is_armed.swap(false, Ordering::SeqCst) {
            return Err(FleetError::Crashed(step));
        }
        Ok(())
    });
    ProcessSettings { on_step: Some(hook), ..ProcessSettings::default() }
}

#[test]
fn a_converge_that_ended_at_any_step_is_made_good_by_the_next() {
    let mut rig = Rig::new();
    for (number, step) in Step::CONVERGE.into_iter().enumerate() {
        let first = spec(u8::try_from(number).unwrap() + 1, Engine::RabbitMq);
        let mut wanted = first.clone();
        if step == Step::Drain {
            rig.fleet().converge(&first).unwrap();
            wanted.incarnation = 2;
        }
        rig.open(fail_at(step));
        assert!(matches!(rig.fleet().converge(&wanted), Err(FleetError::Crashed(at)) if at == step));
        rig.open(ProcessSettings::default());
        let facts = rig.fleet().converge(&wanted).unwrap();
        assert_eq!((facts.state, facts.incarnation), (NodeState::Running, wanted.incarnation), "{step:?}");
        assert_eq!(rig.processes(&wanted.name), [facts.pid.unwrap()], "{step:?}");
        assert_eq!(rig.fleet().taken_ports(), 2, "{step:?}");
        rig.fleet().remove(&wanted.name).unwrap();
        assert_eq!((rig.fleet().list().unwrap(), rig.fleet().taken_ports()), (Vec::new(), 0), "{step:?}");
    }
}

#[test]
fn a_removal_that_ended_at_any_step_is_made_good_by_the_next() {
    let mut rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    for step in Step::REMOVE {
        let made = rig.fleet().converge(&spec).unwrap();
        rig.open(fail_at(step));
        assert!(matches!(rig.fleet().remove(&spec.name), Err(FleetError::Crashed(at)) if at == step));
        rig.open(ProcessSettings::default());
        if step == Step::MarkRemoved {
            // Wholly there: the removal has not begun.
            assert_eq!(rig.fleet().inspect(&spec.name).unwrap(), Some(made));
        }
        rig.fleet().remove(&spec.name).unwrap();
        assert!(rig.processes(&spec.name).is_empty());
        assert_eq!((rig.fleet().list().unwrap(), rig.fleet().taken_ports()), (Vec::new(), 0), "{step:?}");
    }
    // Half deleted, and then wanted again.
    rig.fleet().converge(&spec).unwrap();
    rig.open(fail_at(Step::Delete));
    rig.fleet().remove(&spec.name).unwrap_err();
    rig.open(ProcessSettings::default());
    assert_eq!(rig.fleet().inspect(&spec.name).unwrap().unwrap().state, NodeState::Stopped);
    let rest = rig.root().join("removed").join(spec.name.to_string());
    std::fs::rename(rig.dir(&spec.name), &rest).unwrap();
    std::fs::remove_file(rest.join("spec.json")).unwrap();
    assert_eq!(rig.fleet().list().unwrap(), vec![spec.name.clone()]);
    let facts = rig.fleet().converge(&spec).unwrap();
    assert_eq!(facts.state, NodeState::Running);
    assert!(!rest.exists());
}

#[test]
fn rules_change_while_the_node_runs() {
    let rig = Rig::new();
    let mut spec = spec(1, Engine::RabbitMq);
    spec.rules.clear();
    let made = rig.fleet().converge(&spec).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    let amqps = at(&made, "amqps");
    log_in_amqp(&mut rig.connect(amqps), PASSWORD).unwrap_err();
    rig.get(at(&made, "https"), "/api/overview").unwrap_err();
    spec.rules.push(everybody());
    assert_eq!(rig.fleet().converge(&spec).unwrap(), made, "the same process");
    let mut inside = rig.connect(amqps);
    log_in_amqp(&mut inside, PASSWORD).unwrap();
    assert_eq!(rig.get(at(&made, "https"), "/api/overview").unwrap(), "HTTP/1.1 200 OK");
    spec.rules[0].source = "10.0.0.0/8".parse().unwrap();
    rig.fleet().converge(&spec).unwrap();
    log_in_amqp(&mut rig.connect(amqps), PASSWORD).unwrap_err();
    assert!(rig.log(&spec.name, "connection.log").contains("no rule lets it in"));
    // A node that is started again begins with the rules of now.
    let before = made.pid.unwrap();
    kill(before);
    wait_for_next(&rig, &spec.name, before);
    log_in_amqp(&mut rig.connect(amqps), PASSWORD).unwrap_err();
}

fn allow(act: GrantAct, kind: GrantKind, pattern: &str) -> GrantRule {
    let names = GrantNames::Only(vec![pattern.to_owned()]);
    GrantRule { effect: GrantEffect::Allow, acts: vec![act], kinds: vec![kind], names }
}

fn grants(rules: Vec<GrantRule>) -> NodeGrants {
    let user = UserGrants { layers: vec![rules] };
    NodeGrants { users: [(support::USER.to_owned(), user)].into_iter().collect() }
}

#[test]
fn grants_change_while_the_node_runs_and_outlive_it() {
    let rig = Rig::new();
    let spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    let https = at(&made, "https");
    // The user is bound before there is one.
    let enter = allow(GrantAct::Enter, GrantKind::Namespace, "%2F");
    let bound = grants(vec![enter.clone()]);
    rig.fleet().set_grants(&spec.name, &bound).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    assert_eq!(
        rig.get(https, "/api/overview").unwrap(),
        "HTTP/1.1 401 Unauthorized",
        "its role is not granted"
    );
    assert_eq!(rig.get(https, "/control/grants").unwrap(), "HTTP/1.1 404 Not Found");
    let count = || rig.log(&spec.name, "audit.log").matches("path=\"/control/grants\"").count();
    assert_eq!(count(), 1);
    rig.fleet().set_grants(&spec.name, &bound).unwrap();
    assert_eq!(count(), 1, "nothing differs, nothing happens");
    let before = made.pid.unwrap();
    kill(before);
    wait_for_next(&rig, &spec.name, before);
    assert_eq!(rig.get(https, "/api/overview").unwrap(), "HTTP/1.1 401 Unauthorized");
    rig.fleet().set_grants(&spec.name, &bound).unwrap();
    assert_eq!(count(), 1, "it has them still");
    let manage = allow(GrantAct::Manage, GrantKind::Broker, "*");
    rig.fleet().set_grants(&spec.name, &grants(vec![manage])).unwrap();
    assert_eq!(rig.get(https, "/api/overview").unwrap(), "HTTP/1.1 200 OK");
    let mut wrong = grants(vec![enter]);
    wrong
        .users
        .insert("x".into(), UserGrants { layers: vec![vec![allow(GrantAct::Send, GrantKind::Queue, "\\")]] });
    let error = rig.fleet().set_grants(&spec.name, &wrong).unwrap_err();
    assert!(
        matches!(&error, FleetError::Refused { status: 400, text, .. } if text.contains("takes no letter")),
        "{error}"
    );
    rig.fleet().set_grants(&spec.name, &NodeGrants::default()).unwrap();
    assert_eq!(rig.get(https, "/api/overview").unwrap(), "HTTP/1.1 200 OK");
}

#[test]
fn a_reboot_is_another_process_at_the_same_place() {
    let rig = Rig::new();
    let mut spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    rig.fleet().put_user(&spec.name, &user()).unwrap();
    spec.incarnation = 2;
    spec.host_names.push("new.mq.test".into());
    let again = rig.fleet().converge(&spec).unwrap();
    assert_ne!(again.pid, made.pid);
    assert_eq!((again.incarnation, &again.listeners), (2, &made.listeners));
    log_in_amqp(&mut rig.connect(at(&again, "amqps")), PASSWORD).unwrap();
    assert!(rig.log(&spec.name, "general.log").contains("the service asks to stop"));
    spec.incarnation = 1;
    assert!(matches!(rig.fleet().converge(&spec), Err(FleetError::OldIncarnation { .. })));
}

#[test]
fn five_nodes_at_once() {
    let rig = Rig::new();
    let specs: Vec<NodeSpec> = (1..=5).map(|number| spec(number, Engine::RabbitMq)).collect();
    let made: Vec<NodeFacts> = thread::scope(|scope| {
        let fleet = rig.fleet();
        let calls: Vec<_> =
            specs.iter().map(|spec| scope.spawn(move || fleet.converge(spec).unwrap())).collect();
        calls.into_iter().map(|call| call.join().unwrap()).collect()
    });
    let ports: BTreeSet<u16> =
        made.iter().flat_map(|facts| facts.listeners.values()).map(SocketAddr::port).collect();
    assert_eq!(ports.len(), 10);
    assert_eq!(rig.fleet().list().unwrap(), (1..=5).map(name).collect::<Vec<_>>());
    thread::scope(|scope| {
        let fleet = rig.fleet();
        for spec in &specs {
            scope.spawn(move || fleet.remove(&spec.name).unwrap());
        }
    });
    assert_eq!(rig.fleet().list().unwrap(), []);
}

#[test]
fn a_configuration_that_a_node_refuses_is_told() {
    let rig = Rig::new();
    let mut spec = spec(1, Engine::RabbitMq);
    spec.configuration = "heartbeat = soon\n".into();
    let Err(FleetError::Start { reason, .. }) = rig.fleet().converge(&spec) else { panic!() };
    assert!(reason.contains("exit code 2") && reason.contains("heartbeat: 'soon'"), "{reason}");
    let state = rig.fleet().inspect(&spec.name).unwrap().unwrap().state;
    assert!(matches!(state, NodeState::Restarting { .. } | NodeState::Starting), "{state:?}");
    spec.configuration = "heartbeat = 30\n".into();
    assert_eq!(rig.fleet().converge(&spec).unwrap().state, NodeState::Running);
}

#[test]
fn a_port_that_another_program_took_is_replaced() {
    let mut rig = Rig::new();
    let mut spec = spec(1, Engine::RabbitMq);
    let made = rig.fleet().converge(&spec).unwrap();
    let taken = at(&made, "amqps");
    let other: Arc<Mutex<Option<TcpListener>>> = Arc::default();
    let slot = other.clone();
    let hook: StepHook = Arc::new(move |_, step| {
        if step == Step::Start {
            *slot.lock().unwrap() = Some(TcpListener::bind(taken).unwrap());
        }
        Ok(())
    });
    rig.open(ProcessSettings { on_step: Some(hook), ..ProcessSettings::default() });
    spec.incarnation = 2;
    let again = rig.fleet().converge(&spec).unwrap();
    assert_ne!(at(&again, "amqps"), taken);
    assert_eq!(at(&again, "https"), at(&made, "https"));
    assert_eq!(rig.fleet().taken_ports(), 2);
}
