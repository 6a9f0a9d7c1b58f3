//! The load tool against this broker: the workloads that need nothing but an address find no fault.
#![allow(clippy::unwrap_used, reason = "tests")]

mod support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use support::FREE_PORTS;

const BINARY: &str = env!("CARGO_BIN_EXE_ternmq");

fn check(workloads: &[&str], figures: &[&str]) {
    check_over("amqp", workloads, figures);
}

/// `listener`: its name, which is the scheme of its addresses too.
fn check_over(listener: &str, workloads: &[&str], figures: &[&str]) {
    let dir = tempfile::tempdir().unwrap();
    let (data, ports) = (dir.path().join("data"), dir.path().join("ports.json"));
    let mut broker = Command::new(BINARY)
        .arg("broker")
        .args(FREE_PORTS)
        .args(["--data-dir", data.to_str().unwrap(), "--ports-file", ports.to_str().unwrap()])
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut log = BufReader::new(broker.stderr.take().unwrap());
    let mut text = String::new();
    while !text.contains(" ready\n") {
        assert!(log.read_line(&mut text).unwrap() > 0, "it ended with\n{text}");
    }
    let ports: serde_json::Value = serde_json::from_slice(&fs::read(ports).unwrap()).unwrap();
    let password = fs::read_to_string(data.join("admin.password")).unwrap();
    let target = format!("ours={listener}://admin:{}@{}", password.trim(), ports[listener].as_str().unwrap());
    let workloads = workloads.join(",");
    let output = Command::new(BINARY)
        .args(["bench", "run", "--rounds", "1", "--seconds", "0.2", "--count", "300"])
        .args(["--workload", &workloads, "--target", &target])
        .output()
        .unwrap();
    broker.kill().unwrap();
    broker.wait().unwrap();
    let (table, problem) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert!(output.status.success(), "{table}\n{problem}");
    for figure in figures {
        assert!(table.contains(figure), "{figure} is not in\n{table}");
    }
}

#[test]
fn unacked_deliveries_return_and_short_lived_queues_go() {
    check(
        &["unacked-return", "passing-queues"],
        &["channel: all ready", "connection: all taken", "gone with their owner"],
    );
}

#[test]
fn delayed_messages_come_in_time() {
    check(&["delayed", "delayed-each"], &["late, p50", "late, p99"]);
}

#[test]
fn a_slow_consumer_loses_nothing() {
    check(&["slow-consumer"], &["alone", "beside an unacked", "beside a slow reader"]);
}

#[test]
fn every_protocol_loses_nothing_one_to_one() {
    check_over("stomp", &["stomp-1k", "stomp-durable"], &["delivered"]);
    check_over("openwire", &["openwire-1k", "openwire-durable"], &["delivered"]);
    check_over("amqp", &["amqp10-1k", "amqp10-durable"], &["delivered"]);
}
